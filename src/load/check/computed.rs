//! Columns that a save fills: no cycles, and nothing stored that would grow stale.
//!
//! A stored column is computed again when its own record, its parent or its children change. What reaches further must
//! be `live`. A column may follow a self-reference that is declared in `children`: there the columns go round, and the
//! records do not.

use std::collections::{BTreeMap, BTreeSet};

use crate::entity::{Field, Library};
use crate::load::bind::cycle;
use crate::load::bind::names::SELF;
use crate::load::draft::LibraryDraft;
use crate::load::draft::entity::{EntityDraft, FieldDraft};
use crate::load::problem::{Problem, Problems};
use crate::model::expr::{Read, ReadStep, Root};
use crate::model::{Name, Schema, Span, Type};

/// A column of an entity.
type Column = (Name, Name);

pub(super) fn check(draft: &LibraryDraft, library: &Library, problems: &Problems) {
    let mut graph: BTreeMap<Column, Vec<Column>> = BTreeMap::new();
    let mut places: BTreeMap<Column, Span> = BTreeMap::new();
    for entity in &draft.entities {
        for field in &entity.fields {
            filled_again(&entity.name.value, field, library, problems);
            let Some((bound, text)) = filled(entity, field, library) else { continue };
            let column = (entity.name.value.clone(), field.decl.name.value.clone());
            let mut targets = targets(bound, library);
            targets.extend(started(&column, bound, library));
            places.insert(column.clone(), text);
            graph.insert(column, targets);
            if !bound.live {
                stored(&entity.name.value, bound, text, library, problems);
            }
        }
    }
    // Only filled columns matter: one that is typed in ends the way.
    let known: BTreeSet<Column> = graph.keys().cloned().collect();
    graph.values_mut().for_each(|targets| targets.retain(|target| known.contains(target)));
    for round in cycle::all(&graph) {
        let way = round.iter().chain(round.first()).map(|(entity, column)| format!("{entity}.{column}"));
        let message = format!("the columns are filled from each other: {}", way.collect::<Vec<_>>().join(" -> "));
        let span = round.first().and_then(|column| places.get(column)).copied().unwrap_or(draft.span);
        problems
            .push(Problem::error("computed-cycle", span, message).help("make one of them a column that is typed in"));
    }
}

/// A column that is computed or has a starting value, and where that stands.
fn filled<'l>(entity: &EntityDraft, field: &FieldDraft, library: &'l Library) -> Option<(&'l Field, Span)> {
    let bound = library.entity(&entity.name.value)?.field(&field.decl.name.value)?;
    let text = field.computed.as_ref().or(field.decl.initial.as_ref())?;
    (bound.computed.is_some() || bound.initial.is_some()).then_some((bound, text.span))
}

/// The columns that a starting value waits for: those of its own record that it reads, and those that fill it anew. Its
/// own name is its present value.
fn started(column: &Column, field: &Field, library: &Library) -> Vec<Column> {
    let (entity, _) = column;
    let mut found = Vec::new();
    for read in field.initial.iter().flat_map(|expr| expr.reads()) {
        let own = read.path.first().filter(|step| read.root == Root::Slot(SELF) && step.of.contains(entity));
        found.extend(own.map(|step| (entity.clone(), step.column.clone())));
    }
    for path in &field.again_when {
        let mut owners = vec![entity.clone()];
        for name in path {
            found.extend(owners.iter().map(|owner| (owner.clone(), name.clone())));
            let types = owners.iter().filter_map(|owner| library.column(owner, name));
            let refs = types.filter_map(|ty| if let Type::Ref(entities) = ty { Some(entities) } else { None });
            owners = refs.flat_map(|entities| entities.to_vec()).collect();
        }
    }
    found.retain(|target| target != column);
    found
}

/// The columns that a computed column reads, but for those that it reads over a self-reference.
fn targets(field: &Field, library: &Library) -> Vec<Column> {
    let mut found = Vec::new();
    for read in field.computed.iter().flat_map(|expr| expr.reads()) {
        let over_itself = read.path.iter().any(|step| is_self_reference(step, library));
        if !over_itself {
            found.extend(read.columns().map(|(entity, column)| (entity.clone(), column.clone())));
        }
    }
    found
}

/// Whether the step leads from an entity to itself, from parent to children or back, by a declared list.
fn is_self_reference(step: &ReadStep, library: &Library) -> bool {
    step.of.iter().any(|entity| {
        let lists = library.entity(entity).map(|entity| &*entity.children).unwrap_or_default();
        let mut own = lists.iter().filter(|list| list.entity == *entity);
        own.any(|list| list.name == step.column || list.column == step.column)
    })
}

fn stored(entity: &Name, field: &Field, span: Span, library: &Library, problems: &Problems) {
    let Some(expr) = &field.computed else { return };
    if expr.reads_clock() {
        let message = format!("`{}` is stored, but depends on the time at which it is read", field.name);
        problems.push(Problem::error("computed-reach", span, message).help("write `live: true`"));
    }
    for read in expr.reads() {
        if let Some(message) = stale(entity, read, library) {
            let problem = Problem::error("computed-reach", span, message);
            problems.push(problem.help(remedy(entity, read)));
        }
    }
}

/// Reports paths of `again_when` whose change no save is told of: the column would never be filled again.
fn filled_again(entity: &Name, draft: &FieldDraft, library: &Library, problems: &Problems) {
    let bound = library.entity(entity).and_then(|of| of.field(&draft.decl.name.value));
    for path in bound.iter().flat_map(|field| &field.again_when) {
        let told = match path.as_slice() {
            [] | [_] => true,
            [first, rest @ ..] => {
                leads_to_lookup(entity, first, library) || (rest.len() == 1 && is_family(entity, first, library))
            }
        };
        let words: Vec<&str> = path.iter().map(Name::as_str).collect();
        let text = words.join(".");
        let place = draft.again_when.iter().find(|written| *written.text == *text);
        if let (false, Some(place)) = (told, place) {
            let message = format!("`{}` is not told of a change of `{text}`", draft.decl.name.value);
            let problem = Problem::error("again-when-reach", place.span, message);
            let help = "name a column of its own, or one of a parent that lists these records in its `children`";
            problems.push(problem.help(help));
        }
    }
}

fn remedy(entity: &Name, read: &Read) -> String {
    match read.path.as_slice() {
        [step, ..] => format!(
            "write `live: true`, which is evaluated on reading; or declare `{entity}.{}` in `children` of what it refers to",
            step.column
        ),
        [] => "write `live: true`".to_owned(),
    }
}

/// Why a stored column that reads this would grow stale.
fn stale(entity: &Name, read: &Read, library: &Library) -> Option<String> {
    let mut steps = read.path.iter().peekable();
    let mut hops = 0;
    while let Some(step) = steps.next() {
        let live =
            step.of.iter().find(|of| library.entity(of).and_then(|of| of.field(&step.column)).is_some_and(|f| f.live));
        if let Some(of) = live {
            return Some(format!("it reads `{of}.{}`, which is live and tells of no change", step.column));
        }
        let last = steps.peek().is_none();
        if last || step.of.iter().all(|of| leads_to_lookup(of, &step.column, library)) {
            continue;
        }
        hops += 1;
        let near = hops == 1 && step.of.iter().all(|of| of == entity && is_family(of, &step.column, library));
        if !near {
            let path: Vec<&str> = read.path.iter().map(|step| &*step.column).collect();
            return Some(format!("it reads `{}`, whose change it is not told of", path.join(".")));
        }
    }
    None
}

/// Whether the column refers to lookups only: their rows never change.
fn leads_to_lookup(entity: &Name, column: &Name, library: &Library) -> bool {
    match library.column(entity, column) {
        Some(Type::Ref(entities)) => !entities.is_empty() && entities.iter().all(|entity| library.is_lookup(entity)),
        Some(Type::Map(_) | Type::Stage(_) | Type::Money) => true,
        _ => library.is_lookup(entity),
    }
}

/// Whether the column is a list of children, or refers to a parent that declares this entity as its children.
fn is_family(entity: &Name, column: &Name, library: &Library) -> bool {
    let own = library.entity(entity).map(|entity| &*entity.children).unwrap_or_default();
    if own.iter().any(|list| list.name == *column) {
        return true;
    }
    let Some(Type::Ref(parents)) = library.column(entity, column) else { return false };
    let declares = |parent: &Name| {
        let lists = library.entity(parent).map(|parent| &*parent.children).unwrap_or_default();
        lists.iter().any(|list| list.entity == *entity && list.column == *column)
    };
    !parents.is_empty() && parents.iter().all(declares)
}
