//! The three rounds of binding a library.

use std::collections::BTreeMap;

use super::{calendar, column, entity, history, parts, stages};
use crate::entity::{Entity, Field, Library};
use crate::load::check;
use crate::load::cursor::Spanned;
use crate::load::draft::LibraryDraft;
use crate::load::problem::{Problem, Problems};
use crate::model::{Name, Span, Text, Type};

/// The library that a draft describes. What is wrong is reported; what is left is sound enough to bind processes to.
pub fn library(draft: &LibraryDraft, problems: &Problems) -> Library {
    let mut library = named(draft, problems);
    typed(draft, &mut library, problems);
    expressed(draft, &mut library, problems);
    check::library(draft, &library, problems);
    problems.check_languages(&library.languages);
    library
}

/// First round: names of entities, lookups with their rows, and stages.
fn named(draft: &LibraryDraft, problems: &Problems) -> Library {
    let mut library = Library {
        name: draft.name.value.clone(),
        title: text(draft.title.as_ref()),
        languages: draft.languages.iter().map(|name| name.value.clone()).collect(),
        ..Library::default()
    };
    let mut places: BTreeMap<Name, Span> = BTreeMap::new();
    let entities = draft.entities.iter().map(|draft| (&draft.name, entity::named(draft, problems)));
    let lookups = draft.lookups.iter().map(|draft| (&draft.name, entity::lookup(draft)));
    for (name, entity) in entities.chain(lookups) {
        match places.get(&name.value) {
            Some(first) => problems.push(twice("entity or lookup", name, *first)),
            None => {
                places.insert(name.value.clone(), name.span);
                library.entities.insert(name.value.clone(), entity);
            }
        }
    }
    for entity in &draft.entities {
        if let Some(made) = history::named(entity) {
            match places.get(&made.name) {
                Some(first) => {
                    let name = Spanned::new(made.name, *first);
                    let message = format!("`{}` is the history of `{}`", name.value, entity.name.value);
                    problems.push(Problem::error("duplicate-name", name.span, message).help("choose another name"));
                }
                None => {
                    library.entities.insert(made.name.clone(), made);
                }
            }
        }
    }
    let user = Name::new("user");
    library.entities.entry(user.clone()).or_insert_with(|| Entity { name: user, ..Entity::default() });
    library
}

/// Second round: types of columns, settings, messages; and what consists of names and types only.
fn typed(draft: &LibraryDraft, library: &mut Library, problems: &Problems) {
    for part in &draft.entities {
        let fields = entity::fields(part, library, problems);
        let children = entity::children(part, library, problems);
        set(library, &part.name.value, |entity| (entity.fields, entity.children) = (fields, children));
        let columns = stages::columns(part, library, problems);
        set(library, &part.name.value, |entity| {
            if let Some(stages) = &mut entity.stages {
                stages.columns = columns;
            }
        });
    }
    for part in &draft.lookups {
        let mut fields = vec![plain("title", Type::Text)];
        fields.extend(entity::decls(&part.columns, library, problems));
        set(library, &part.name.value, |entity| entity.fields = fields);
    }
    for part in &draft.entities {
        history::typed(part, library);
    }
    complete_user(draft, library, problems);
    library.settings = parts::settings(draft, library, problems);
    library.roles = parts::roles(draft);
    library.messages = parts::messages(draft, library, problems);
    library.signals = parts::signals(draft, library, problems);
    library.errors = parts::errors(draft, library, problems);
    library.services = parts::services(draft, library, problems);
    library.documents = parts::documents(draft, library, problems);
    library.calendars =
        draft.calendars.iter().map(|part| (part.name.value.clone(), calendar::bind(part, problems))).collect();
    library.calendar = parts::calendar(draft, library, problems);
    library.currencies = parts::currencies(draft, library, problems);
}

/// Third round: expressions and values.
fn expressed(draft: &LibraryDraft, library: &mut Library, problems: &Problems) {
    for part in &draft.lookups {
        let rows = entity::rows(part, library, problems);
        set(library, &part.name.value, |entity| entity.rows = Some(rows));
    }
    // What a stage has in its columns is read when an expression is compiled.
    for part in &draft.entities {
        let values = stages::plain(part, library);
        set(library, &part.name.value, |entity| {
            if let Some(stages) = &mut entity.stages {
                stages.values = values;
            }
        });
    }
    for part in &draft.entities {
        let columns = column::expressions(part, library, problems);
        set(library, &part.name.value, |entity| column::put(&mut entity.fields, columns));
    }
    // Checks and stages come behind: they look at which columns are computed.
    for part in &draft.entities {
        let checks = column::checks(part, library, problems);
        let table = stages::bind(part, library, problems);
        set(library, &part.name.value, |entity| (entity.checks, entity.stages) = (checks, table));
    }
    let initials = parts::initials(draft, library, problems);
    for (name, initial) in initials {
        if let Some(setting) = library.settings.get_mut(&name) {
            setting.initial = initial;
        }
    }
    for (name, ttl) in parts::times_to_live(draft, library, problems) {
        if let Some(message) = library.messages.get_mut(&name) {
            message.ttl = Some(ttl);
        }
    }
    library.tasks = parts::mirror(draft, library, problems);
}

fn set(library: &mut Library, name: &Name, change: impl FnOnce(&mut Entity)) {
    if let Some(entity) = library.entities.get_mut(name) {
        change(entity);
    }
}

/// `user` is an entity like any other, with three columns that rights and assignments look at.
fn complete_user(draft: &LibraryDraft, library: &mut Library, problems: &Problems) {
    let columns = [("name", Type::Text), ("roles", Type::list(Type::Text)), ("manager", Type::reference("user"))];
    let user = Name::new("user");
    let written = draft.entities.iter().find(|entity| entity.name.value == user);
    for (name, ty) in columns {
        let declared = library.entity(&user).and_then(|user| user.field(name)).map(|field| field.ty == ty);
        if declared.is_none() {
            set(library, &user, |user| user.fields.push(plain(name, ty.clone())));
        }
        let place = written.and_then(|user| user.fields.iter().find(|field| *field.decl.name.value == *name));
        if let (Some(false), Some(place)) = (declared, place) {
            let message = format!("`user.{name}` is of type {ty}: rights and assignments look at it");
            let problem = Problem::error("user-column", place.decl.span, message);
            problems.push(problem.help("give it that type, or leave it out: it is there anyway"));
        }
    }
}

/// A column that is nothing but a name and a type.
pub(super) fn plain(name: &str, ty: Type) -> Field {
    Field {
        name: Name::new(name),
        title: Text::default(),
        ty,
        required: false,
        initial: None,
        again_when: Vec::new(),
        computed: None,
        live: false,
        sequence: None,
        currency: None,
    }
}

pub(super) fn text(text: Option<&Spanned<Text>>) -> Text {
    text.map(|text| text.value.clone()).unwrap_or_default()
}

/// The problem of a name that is taken.
pub(super) fn twice(what: &str, name: &Spanned<Name>, first: Span) -> Problem {
    let message = format!("there are two of {what} `{}`", name.value);
    Problem::error("duplicate-name", name.span, message).label(first, "the first one")
}

/// Reports a name that is not known, with the nearest of all that are; whether it is known.
pub(super) fn is_known(
    code: &'static str,
    what: &str,
    name: &Spanned<Name>,
    known: bool,
    all: impl FnOnce() -> Vec<Name>,
    problems: &Problems,
) -> bool {
    if !known {
        let message = format!("there is no {what} `{}`", name.value);
        let help = problems.did_you_mean(&name.value, all);
        problems.push(Problem::error(code, name.span, message).maybe_help(help));
    }
    known
}

/// Reports a column that the entity does not have; whether it has it.
pub(super) fn is_column(entity: &Entity, name: &Spanned<Name>, problems: &Problems) -> bool {
    let all = || entity.fields.iter().map(|field| field.name.clone()).collect();
    is_known("unknown-column", "column", name, entity.field(&name.value).is_some(), all, problems)
}
