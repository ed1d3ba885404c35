//! What the loading of processes asks of a library, in its own words.

use crate::entity::Library;
use crate::load::cursor::Spanned;
use crate::load::problem::{Problem, Problems};
use crate::model::suggest::did_you_mean;
use crate::model::{Name, Schema, Span, Type};

/// A library, as process files see it.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub library: &'a Library,
    pub problems: &'a Problems,
}

/// The errors that may be caught without being declared.
pub(crate) const BUILT_IN_ERRORS: &[&str] = &[
    "access_denied",
    "already_running",
    "check_failed",
    "conflict",
    "final_stage",
    "service_failed",
    "timeout",
];

/// A named part of a message, an error, a service or a process: its type, and whether it must be given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub name: Name,
    pub ty: Type,
    pub required: bool,
}

impl<'a> Words<'a> {
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
        self.problems.push(problem.maybe_help(did_you_mean(name, known)));
    }

    /// Whether there is such an entity with records; else it is reported.
    pub fn entity(&self, name: &Spanned<Name>) -> bool {
        crate::load::draft::types::is_entity(name, self.library, self.problems)
    }

    /// The type of a column; an unknown one is reported.
    pub fn column(&self, entity: &Name, column: &Name, span: Span) -> Option<Type> {
        let found = self.library.column(entity, column);
        if found.is_none() {
            let known = self.library.columns(entity);
            let what = format!("column of `{entity}` named");
            self.unknown("unknown-column", &what, column, span, known.iter().map(|name| &**name));
        }
        found
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
        let declared = || self.library.errors.keys().map(|name| &**name);
        let raised = || self.library.services.values().flat_map(|service| &service.raises).map(|name| &**name);
        let mut all = declared().chain(raised()).chain(BUILT_IN_ERRORS.iter().copied());
        let found = all.any(|known| known == &*code.value) || self.check_errors().any(|known| *known == code.value);
        if !found {
            let all = declared().chain(raised()).chain(BUILT_IN_ERRORS.iter().copied());
            self.unknown("unknown-error", "error", &code.value, code.span, all);
        }
        found
    }
}
