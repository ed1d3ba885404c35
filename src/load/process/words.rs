//! What the loading of processes asks of a library, in its own words.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::element::print::Keeps;
use crate::entity::{Field, Library};
use crate::load::cursor::Spanned;
use crate::load::problem::{Problem, Problems};
use crate::model::suggest::did_you_mean;
use crate::model::{Expr, Name, Schema, Span, Text, Type};

/// A library, as process files see it.
pub(crate) struct Words<'a> {
    pub library: &'a Library,
    pub problems: &'a Problems,
    /// The columns that some step, form or start writes, seen so far.
    written: RefCell<BTreeSet<(Name, Name)>>,
}

/// The errors that may be caught without being declared.
pub(crate) const BUILT_IN_ERRORS: &[&str] =
    &["access_denied", "already_running", "check_failed", "conflict", "final_stage", "service_failed", "timeout"];

/// A named part of a message, an error, a service or a process: its type, and whether it must be given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub name: Name,
    pub ty: Type,
    pub required: bool,
}

/// Declared parts, none of which must be given.
pub(crate) fn parts(declared: &[(Name, Type)]) -> Vec<Part> {
    declared.iter().map(|(name, ty)| Part { name: name.clone(), ty: ty.clone(), required: false }).collect()
}

impl<'a> Words<'a> {
    /// What processes may ask of this library.
    pub fn new(library: &'a Library, problems: &'a Problems) -> Self {
        Self { library, problems, written: RefCell::default() }
    }

    /// Whether anything but a person's hand fills a column: the library, or what was compiled so far.
    pub fn is_filled(&self, entity: &Name, column: &Name) -> bool {
        let Some(found) = self.library.entity(entity) else { return true };
        let by_stage = found.stages.as_ref().is_some_and(|stages| {
            stages.field == *column || stages.values.iter().any(|stage| stage.set.iter().any(|(set, _)| set == column))
        });
        let by_itself = found.field(column).is_none_or(|field| {
            let given = field.initial.is_some() || field.computed.is_some() || field.sequence.is_some();
            given || field.required || found.read_only
        });
        by_stage || by_itself || self.written.borrow().contains(&(entity.clone(), column.clone()))
    }

    /// Reports a name that does not exist.
    pub fn unknown<'n>(
        &self,
        code: &'static str,
        what: &str,
        name: &str,
        span: Span,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        let problem = Problem::error(code, span, format!("there is no {what} `{name}`"));
        let near = self.problems.did_you_mean(name, || known.into_iter().map(Name::from).collect());
        self.problems.push(problem.maybe_help(near));
    }

    /// Whether there is such an entity or lookup; else it is reported.
    pub fn entity(&self, name: &Spanned<Name>) -> bool {
        crate::load::draft::types::is_entity(name, self.library, self.problems)
    }

    /// Whether there is such an entity whose records steps may make and change; else it is reported.
    pub fn records(&self, name: &Spanned<Name>) -> bool {
        if !self.entity(name) {
            return false;
        }
        let why = match self.library.entity(&name.value) {
            Some(entity) if entity.rows.is_some() => "a lookup: its rows stand in the library",
            Some(entity) if entity.read_only => "kept by the engine: steps may only read it",
            _ => return true,
        };
        let problem = Problem::error("not-settable", name.span, format!("`{}` is {why}", name.value));
        self.problems.push(problem.help("name an entity with records of its own"));
        false
    }

    /// The type of a column; an unknown one is reported.
    pub fn column(&self, entity: &Name, column: &Name, span: Span) -> Option<Type> {
        let found = self.library.column(entity, column);
        if found.is_none() && self.library.is_entity(entity) {
            let known = self.library.columns(entity);
            let what = format!("column of `{entity}` named");
            self.unknown("unknown-column", &what, column, span, known.iter().map(|name| &**name));
        }
        found
    }

    /// Whether the entity has this column.
    pub fn is_column(&self, entity: &Name, column: &Name) -> bool {
        self.library.column(entity, column).is_some()
    }

    /// The type of a column that steps may set; one that is computed or unknown is reported.
    pub fn settable(&self, entity: &Name, column: &Spanned<Name>) -> Option<Type> {
        let found = self.library.entity(entity)?;
        let why = match found.field(&column.value) {
            Some(_) if found.rows.is_some() => "a column of a lookup: its rows stand in the library",
            Some(_) if found.read_only => "kept by the engine: steps may only read it",
            None => {
                let list = self.column(entity, &column.value, column.span).is_some();
                list.then_some("a list of children: make and delete its records")?
            }
            Some(Field { computed: Some(_), .. }) => "computed: change what it is computed from",
            Some(Field { sequence: Some(_), .. }) => "a running number: it is assigned when the record is made",
            Some(field) => {
                self.written.borrow_mut().insert((entity.clone(), column.value.clone()));
                return Some(field.ty.clone());
            }
        };
        let message = format!("`{entity}.{}` cannot be set", column.value);
        self.problems.push(Problem::error("not-settable", column.span, message).help(format!("it is {why}")));
        None
    }

    /// Reports required columns of a new record that nothing fills.
    pub fn check_required(&self, entity: &Spanned<Name>, set: &[(Name, Expr)]) {
        let Some(found) = self.library.entity(&entity.value) else { return };
        let stage = found.stages.as_ref().map(|stages| &stages.field);
        let is_filled = |field: &Field| {
            field.initial.is_some()
                || field.computed.is_some()
                || field.sequence.is_some()
                || stage == Some(&field.name)
        };
        let is_set = |field: &Field| set.iter().any(|(name, _)| *name == field.name);
        let missing: Vec<&str> = found
            .fields
            .iter()
            .filter(|field| field.required && !is_filled(field) && !is_set(field))
            .map(|field| &*field.name)
            .collect();
        if !missing.is_empty() {
            let message = format!("a new `{}` needs {}", entity.value, missing.join(", "));
            let problem = Problem::error("missing-column", entity.span, message);
            self.problems.push(problem.help("set it here, or give it an `initial` in the library"));
        }
    }

    /// Whether a column is evaluated on reading.
    pub fn is_live(&self, entity: &str, column: &str) -> bool {
        let field = self.library.entity(entity).and_then(|entity| entity.field(column));
        field.is_some_and(|field| field.live)
    }

    /// The column that holds an entity's stage.
    pub fn stage_column(&self, entity: &str) -> Option<Name> {
        Some(self.library.entity(entity)?.stages.as_ref()?.field.clone())
    }

    /// Whether the entity allows a move between two stages.
    pub fn may_move(&self, entity: &str, from: &Name, to: &Name) -> bool {
        self.library.may_move(entity, from, to)
    }

    /// Which moves are allowed instead.
    pub fn moves_help(&self, entity: &str, from: &[Name]) -> Option<String> {
        let stages = self.library.entity(entity)?.stages.as_ref()?;
        let first = from.first()?;
        if self.library.is_final(entity, first) {
            return Some(format!("`{first}` is final: nothing leads back from it"));
        }
        let may = stages.values.iter().filter(|stage| self.may_move(entity, first, &stage.name));
        let names: Vec<&str> = may.map(|stage| &*stage.name).collect();
        Some(format!("from `{first}` the moves lead to {}", names.join(", ")))
    }

    /// Whether a role exists; else it is reported.
    pub fn role(&self, role: &Spanned<Name>) -> bool {
        let found = self.library.roles.contains_key(&role.value);
        if !found {
            let known = self.library.roles.keys().map(|name| &**name);
            self.unknown("unknown-role", "role", &role.value, role.span, known);
        }
        found
    }

    /// Whether a code can be raised and caught; else it is reported.
    pub fn error(&self, code: &Spanned<Name>) -> bool {
        let found = self.library.errors.contains_key(&code.value) || BUILT_IN_ERRORS.contains(&&*code.value);
        if !found {
            let known = self.library.errors.keys().map(|name| &**name).chain(BUILT_IN_ERRORS.iter().copied());
            self.unknown("unknown-error", "error", &code.value, code.span, known);
        }
        found
    }

    /// What goes along with an error; nothing is said of the built-in ones.
    pub fn error_parts(&self, code: &str) -> Vec<Part> {
        self.library.errors.get(code).map(|error| parts(&error.with)).unwrap_or_default()
    }

    /// What goes along with a message.
    pub fn message_parts(&self, message: &str) -> Vec<Part> {
        self.library.messages.get(message).map(|message| parts(&message.with)).unwrap_or_default()
    }

    /// What is known of a message where it is received: what goes along with it, and its key.
    pub fn message_brings(&self, message: &str) -> Vec<Part> {
        let key = self.library.messages.get(message).and_then(|message| message.key_part());
        let key = key.map(|(name, ty)| Part { name, ty, required: false });
        self.message_parts(message).into_iter().chain(key).collect()
    }

    /// What goes along with a signal.
    pub fn signal_parts(&self, signal: &str) -> Vec<Part> {
        self.library.signals.get(signal).map(|signal| parts(&signal.with)).unwrap_or_default()
    }

    /// Whether a signal exists; else it is reported.
    pub fn signal(&self, signal: &Spanned<Name>) -> bool {
        let found = self.library.signals.contains_key(&signal.value);
        if !found {
            let known = self.library.signals.keys().map(|name| &**name);
            self.unknown("unknown-signal", "signal", &signal.value, signal.span, known);
        }
        found
    }

    /// Reports a calendar that does not exist.
    pub fn calendar(&self, calendar: &Spanned<Name>) {
        if !self.library.calendars.contains_key(&calendar.value) {
            let known = self.library.calendars.keys().map(|name| &**name);
            self.unknown("unknown-calendar", "calendar", &calendar.value, calendar.span, known);
        }
    }

    /// The entity whose records user tasks are.
    pub fn task_entity(&self) -> Option<Name> {
        self.library.tasks.as_ref().map(|tasks| tasks.entity.clone())
    }

    /// The title of an outcome that names none: the one of its row or code, where the records of tasks keep it.
    pub fn outcome_title(&self, outcome: &Name) -> Text {
        let Some(mirror) = &self.library.tasks else { return Text::default() };
        let Some(column) = mirror.completed_outcome() else { return Text::default() };
        match self.library.column(&mirror.entity, &column) {
            Some(Type::Enum(codes)) => {
                let found = codes.values.iter().find(|(code, _)| code == outcome);
                found.map(|(_, title)| title.clone()).unwrap_or_default()
            }
            Some(Type::Ref(entities)) => {
                let lookup = entities.first().and_then(|lookup| self.library.entity(lookup));
                lookup.and_then(|lookup| lookup.row_titles.get(outcome)).cloned().unwrap_or_default()
            }
            _ => Text::default(),
        }
    }

    /// Reports a category or outcome that the records of tasks have no code for.
    pub fn task_word(&self, what: &str, word: &Spanned<Name>) {
        let Some(mirror) = &self.library.tasks else { return };
        let column = match what {
            "outcome" => mirror.completed_outcome(),
            _ => mirror.column_of(what),
        };
        let Some((column, ty)) = column.and_then(|column| {
            let ty = self.library.column(&mirror.entity, &column)?;
            Some((column, ty))
        }) else {
            return;
        };
        let known: Vec<Name> = match &ty {
            Type::Enum(codes) => codes.values.iter().map(|(code, _)| code.clone()).collect(),
            Type::Ref(entities) => match &**entities {
                [lookup] if self.library.is_lookup(lookup) => self.library.rows(lookup),
                _ => return,
            },
            _ => return,
        };
        if !known.contains(&word.value) {
            let message = format!("`{}` is no `{}.{column}`", word.value, mirror.entity);
            let problem = Problem::error("unknown-outcome-code", word.span, message);
            let near = did_you_mean(&word.value, known.iter().map(|name| &**name));
            self.problems.push(problem.help(format!("its codes stand in the library: {ty}")).maybe_help(near));
        }
    }

    /// The entity that keeps printed documents.
    pub fn keeps_documents(&self) -> Option<Name> {
        self.library.entity("document").map(|entity| entity.name.clone())
    }

    /// Where a document for records of this entity is kept.
    pub fn keeps(&self, entity: &Name) -> Option<Keeps> {
        let found = self.library.entity("document")?;
        let column = |names: &[&str]| {
            let field = names.iter().find_map(|name| found.field(name));
            field.map(|field| field.name.clone())
        };
        let own = Type::reference(&**entity);
        let refers = found.fields.iter().find(|field| match (&field.ty, &own) {
            (Type::Ref(entities), _) => entities.contains(entity),
            _ => false,
        });
        Some(Keeps {
            entity: found.name.clone(),
            name: column(&["name", "title"])?,
            body: column(&["body", "text", "content"])?,
            record: refers.map(|field| field.name.clone()),
        })
    }
}
