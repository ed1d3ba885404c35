//! Steps that ask a decision table.

use std::sync::Arc;

use super::Compiler;
use crate::element::Element;
use crate::element::decide::{Decide as Room, Table};
use crate::load::cursor;
use crate::load::decision;
use crate::load::problem::{Problem, Problems};
use crate::load::process::draft::Decide;
use crate::load::process::words::{Part, parts};
use crate::load::read::{Node, Yaml};
use crate::model::Names;
use crate::model::suggest::did_you_mean;

impl<'a> Compiler<'a> {
    pub(super) fn decide(&mut self, decide: &'a Decide<'a>, names: &Names) -> Element {
        let Some(table) = self.table(decide.table, self.cx.problems) else {
            return Element::Decide(Box::default());
        };
        let what = match &table.name {
            Some(name) => format!("the decision `{name}`"),
            None => "the decision".to_owned(),
        };
        let asked = table.inputs.iter().map(|input| {
            let (name, ty) = (input.name.clone(), input.ty.clone());
            Part { name, ty, required: true }
        });
        let asked: Vec<Part> = asked.collect();
        let mut given = self.arguments(decide.with, Some(&asked), &what, decide.table.span, names);
        let with = table.inputs.iter().map(|input| {
            let at = given.iter().position(|(name, _)| *name == input.name);
            at.map_or_else(super::names::nothing, |at| given.swap_remove(at).1)
        });
        let with = with.collect();
        let answers = self.result_names(&parts(&table.answers()));
        let take = self.assigns(decide.take, &answers);
        Element::Decide(Box::new(Room { table, with, take }))
    }

    /// The table that a step names, or that stands in it.
    pub(super) fn table(&self, node: &Node, problems: &Problems) -> Option<Arc<Table>> {
        if matches!(node.yaml, Yaml::Map(_)) {
            return decision::inline(node, self.cx.words.library, problems).map(Arc::new);
        }
        let name = cursor::name(node, problems)?;
        let found = self.cx.decisions.get(&name.value);
        if found.is_none() {
            let message = format!("there is no decision `{}`", name.value);
            let help = "name its file under `decisions:` of the library, or write the table here";
            let near = did_you_mean(&name.value, self.cx.decisions.keys().map(|name| &**name));
            problems.push(Problem::error("unknown-decision", name.span, message).help(near.as_deref().unwrap_or(help)));
        }
        found.cloned()
    }
}
