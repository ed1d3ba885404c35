//! Entities and lookups: names, columns, children, rows.

use std::collections::BTreeMap;

use super::library::{is_column, plain, text, twice};
use crate::entity::{ChildOf, Entity, Field, Library, Stage, StageTable};
use crate::load::cursor::Spanned;
use crate::load::draft::Decl;
use crate::load::draft::entity::{ChildDraft, EntityDraft, FieldDraft};
use crate::load::draft::parts::LookupDraft;
use crate::load::draft::types::is_entity;
use crate::load::literal::Literals;
use crate::load::problem::{Problem, Problems};
use crate::model::{Name, Schema, Span, Type, Value};

/// An entity with its name and the names of its stages.
pub(super) fn named(draft: &EntityDraft, problems: &Problems) -> Entity {
    let stages = draft.stages.as_ref().map(|stages| StageTable {
        field: stages.field.value.clone(),
        values: stages.values.iter().map(|stage| stage_named(&stage.name.value)).collect(),
        ..StageTable::default()
    });
    let mut places: BTreeMap<&Name, Span> = BTreeMap::new();
    let columns = draft.fields.iter().map(|field| &field.decl.name);
    for name in columns.chain(draft.children.iter().map(|child| &child.name)) {
        match places.get(&name.value) {
            Some(first) => problems.push(twice("column or list of children", name, *first)),
            None => _ = places.insert(&name.value, name.span),
        }
    }
    Entity { name: draft.name.value.clone(), title: text(draft.title.as_ref()), stages, ..Entity::default() }
}

fn stage_named(name: &Name) -> Stage {
    Stage { name: name.clone(), ..Stage::default() }
}

/// A lookup with the codes of its rows.
pub(super) fn lookup(draft: &LookupDraft) -> Entity {
    let rows = draft.rows.iter().map(|row| (row.code.value.clone(), BTreeMap::new())).collect();
    let title = text(draft.title.as_ref());
    let titles = draft.rows.iter().map(|row| (row.code.value.clone(), text(row.title.as_ref())));
    let row_titles = titles.collect();
    Entity { name: draft.name.value.clone(), title, rows: Some(rows), row_titles, ..Entity::default() }
}

/// The columns of an entity with their types, and that of its stage.
pub(super) fn fields(draft: &EntityDraft, library: &Library, problems: &Problems) -> Vec<Field> {
    let mut fields: Vec<Field> =
        draft.fields.iter().filter_map(|field| typed(field, &draft.name.value, library, problems)).collect();
    let Some(stages) = &draft.stages else { return fields };
    let stage = Type::Stage(draft.name.value.clone());
    match draft.fields.iter().find(|field| field.decl.name.value == stages.field.value) {
        None => fields.push(Field { required: true, ..plain(&stages.field.value, stage) }),
        Some(declared) => {
            let same = fields.iter().any(|field| field.name == stages.field.value && field.ty == stage);
            if !same {
                let name = &declared.decl.name;
                let message = format!("`{}` holds the stages, its type is `{stage}`", name.value);
                let problem = Problem::error("stage-column", declared.decl.span, message);
                problems.push(problem.help("leave the column out of `fields`, or give it that type"));
            }
        }
    }
    fields
}

fn typed(draft: &FieldDraft, entity: &Name, library: &Library, problems: &Problems) -> Option<Field> {
    let FieldDraft { decl, live, .. } = draft;
    let ty = type_of(decl, Some(entity), library, problems)?;
    if let (Some(currency), true) = (&decl.currency, !is_money(&ty)) {
        let message = format!("`in` names the currency of an amount, but the column is of type {ty}");
        problems.error("conflicting-keys", currency.span, message);
    }
    Some(Field {
        title: text(decl.title.as_ref()),
        required: decl.required,
        live: live.as_ref().is_some_and(|live| live.value),
        ..plain(&decl.name.value, ty)
    })
}

fn is_money(ty: &Type) -> bool {
    match ty {
        Type::Money => true,
        Type::List(of) => is_money(of),
        _ => false,
    }
}

/// The type of a declaration; one without a type is reported.
pub(super) fn type_of(decl: &Decl, own: Option<&Name>, schema: &dyn Schema, problems: &Problems) -> Option<Type> {
    match &decl.ty {
        Some(ty) => Some(ty.bind(schema, own, problems)),
        None => {
            // A type that was not understood has been reported.
            let message = format!("`{}` needs a type", decl.name.value);
            let problem = Problem::error("missing-key", decl.name.span, message);
            if !decl.is_typed {
                problems.push(problem.help("write `type: ...` or `enum: [...]`"));
            }
            None
        }
    }
}

/// Columns of lookups, which are nothing but names and types.
pub(super) fn decls(decls: &[Decl], library: &Library, problems: &Problems) -> Vec<Field> {
    let field = |decl: &Decl| {
        let ty = type_of(decl, None, library, problems)?;
        Some(Field { title: text(decl.title.as_ref()), required: decl.required, ..plain(&decl.name.value, ty) })
    };
    decls.iter().filter_map(field).collect()
}

/// The lists of children. That their column refers back is looked at when all columns are known.
pub(super) fn children(draft: &EntityDraft, library: &Library, problems: &Problems) -> Vec<ChildOf> {
    let known = draft.children.iter().filter(|child| is_entity(&child.entity, library, problems));
    let bound = known.map(|ChildDraft { name, entity, column }| ChildOf {
        name: name.value.clone(),
        entity: entity.value.clone(),
        column: column.value.clone(),
    });
    bound.collect()
}

/// The rows of a lookup with the values of their columns.
pub(super) fn rows(draft: &LookupDraft, library: &Library, problems: &Problems) -> Vec<(Name, BTreeMap<Name, Value>)> {
    let Some(entity) = library.entity(&draft.name.value) else { return Vec::new() };
    let literals = Literals::new(library, problems);
    let value = |(column, node): &(Spanned<Name>, crate::load::Node)| {
        if !is_column(entity, column, problems) {
            return None;
        }
        let field = entity.field(&column.value)?;
        Some((column.value.clone(), literals.value(node, &field.ty)?))
    };
    let row = |row: &crate::load::draft::parts::RowDraft| {
        let mut values: BTreeMap<Name, Value> = row.values.iter().filter_map(value).collect();
        let title = row.title.as_ref().map_or(&*row.code.value, |title| title.value.get(&library.language()));
        values.insert(Name::new("title"), Value::text(title));
        (row.code.value.clone(), values)
    };
    draft.rows.iter().map(row).collect()
}
