//! The column by which children refer to their parent refers to it.

use crate::entity::Library;
use crate::load::draft::LibraryDraft;
use crate::load::draft::entity::ChildDraft;
use crate::load::problem::{Problem, Problems};
use crate::model::{Name, Schema, Type};

pub(super) fn check(draft: &LibraryDraft, library: &Library, problems: &Problems) {
    for entity in &draft.entities {
        for child in entity.children.iter().filter(|child| library.is_entity(&child.entity.value)) {
            one(&entity.name.value, child, library, problems);
        }
    }
}

fn one(parent: &Name, child: &ChildDraft, library: &Library, problems: &Problems) {
    let (entity, column) = (&child.entity.value, &child.column.value);
    let back = match library.column(entity, column) {
        Some(Type::Ref(entities)) => entities.contains(parent) || entities.is_empty(),
        Some(_) => false,
        None => {
            let message = format!("`{entity}` has no column `{column}`");
            let problem = Problem::error("unknown-column", child.column.span, message);
            let help = format!("add `{column}: required ref({parent})` to `{entity}`");
            let near = problems.did_you_mean(column, || library.columns(entity));
            problems.push(problem.help(help).maybe_help(near));
            return;
        }
    };
    if !back {
        let message = format!("`{entity}.{column}` does not refer to `{parent}`");
        let problem = Problem::error("child-column", child.column.span, message);
        problems.push(problem.help(format!("its type must be `ref({parent})`")));
    }
}
