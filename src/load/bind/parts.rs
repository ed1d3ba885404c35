//! The smaller parts of a library.

use std::collections::BTreeMap;

use super::library::{is_column, is_known, text};
use super::{entity, names};
use crate::entity::{Currencies, Document, ErrorCode, Library, Message, Mirror, Role, ServiceSpec, Setting, Signal};
use crate::load::cursor::Spanned;
use crate::load::draft::parts::NoticeDraft;
use crate::load::draft::types::is_entity;
use crate::load::draft::{Decl, ExprText, LibraryDraft};
use crate::load::problem::{Problem, Problems};
use crate::model::{Expr, Name, Names, Type, Value};

/// Settings without their starting values.
pub(super) fn settings(draft: &LibraryDraft, library: &Library, problems: &Problems) -> BTreeMap<Name, Setting> {
    let bound = draft.settings.iter().filter_map(|decl| {
        let ty = entity::type_of(decl, None, library, problems)?;
        Some((decl.name.value.clone(), Setting { title: text(decl.title.as_ref()), ty, initial: Value::NULL }))
    });
    bound.collect()
}

/// The starting values of settings, which must be known when the library is loaded.
pub(super) fn initials(draft: &LibraryDraft, library: &Library, problems: &Problems) -> Vec<(Name, Value)> {
    let bound = draft.settings.iter().filter_map(|decl| {
        let ty = &library.settings.get(&decl.name.value)?.ty;
        let value = constant(decl.initial.as_ref()?, library, ty, problems)?;
        Some((decl.name.value.clone(), value))
    });
    bound.collect()
}

/// The value of an expression that reads nothing.
fn constant(text: &ExprText, library: &Library, ty: &Type, problems: &Problems) -> Option<Value> {
    let expr = text.compile(library, &Names::new(), Some(ty), problems)?;
    let value = expr.constant().cloned();
    if value.is_none() {
        let problem =
            Problem::error("not-constant", text.span, "expected a value that is known now, found an expression");
        problems.push(problem.help("write the value itself"));
    }
    value
}

pub(super) fn roles(draft: &LibraryDraft) -> BTreeMap<Name, Role> {
    let bound = draft.roles.iter().map(|role| {
        let inherits = role.inherits.iter().map(|name| name.value.clone()).collect();
        (role.name.value.clone(), Role { title: text(role.title.as_ref()), inherits, all: role.all })
    });
    bound.collect()
}

/// Named types: what goes along with a message, or comes back from a service.
fn with(decls: &[Decl], library: &Library, problems: &Problems) -> Vec<(Name, Type)> {
    let typed = |decl: &Decl| Some((decl.name.value.clone(), entity::type_of(decl, None, library, problems)?));
    decls.iter().filter_map(typed).collect()
}

fn notices<T>(drafts: &[NoticeDraft], bind: impl Fn(&NoticeDraft) -> T) -> BTreeMap<Name, T> {
    drafts.iter().map(|draft| (draft.name.value.clone(), bind(draft))).collect()
}

pub(super) fn messages(draft: &LibraryDraft, library: &Library, problems: &Problems) -> BTreeMap<Name, Message> {
    notices(&draft.messages, |message| Message {
        key: message.key.as_ref().map(|ty| ty.bind(library, None, problems)),
        with: with(&message.with, library, problems),
        ttl: None,
        external: message.external,
    })
}

pub(super) fn signals(draft: &LibraryDraft, library: &Library, problems: &Problems) -> BTreeMap<Name, Signal> {
    notices(&draft.signals, |signal| Signal { with: with(&signal.with, library, problems), external: signal.external })
}

/// Errors: those that are declared, those that services raise, those of checks.
pub(super) fn errors(draft: &LibraryDraft, library: &Library, problems: &Problems) -> BTreeMap<Name, ErrorCode> {
    let mut errors = notices(&draft.errors, |error| ErrorCode {
        title: text(error.title.as_ref()),
        with: with(&error.with, library, problems),
    });
    let raised = draft.services.iter().flat_map(|service| &service.raises);
    let checks = draft.entities.iter().flat_map(|entity| &entity.checks).filter_map(|check| check.error.as_ref());
    for code in raised.chain(checks) {
        errors.entry(code.value.clone()).or_default();
    }
    errors
}

pub(super) fn services(draft: &LibraryDraft, library: &Library, problems: &Problems) -> BTreeMap<Name, ServiceSpec> {
    notices(&draft.services, |service| ServiceSpec {
        with: with(&service.with, library, problems),
        returns: with(&service.returns, library, problems),
        raises: service.raises.iter().map(|code| code.value.clone()).collect(),
    })
}

/// How long messages that nobody waits for are kept, in microseconds.
pub(super) fn times_to_live(draft: &LibraryDraft, library: &Library, problems: &Problems) -> Vec<(Name, i64)> {
    let bound = draft.messages.iter().filter_map(|message| {
        let text = message.ttl.as_ref()?;
        let Value::Duration(length) = constant(text, library, &Type::Duration, problems)? else { return None };
        if length.months != 0 || length.is_working() {
            let problem = Problem::error("wrong-type", text.span, "a message is kept for an exact time");
            problems.push(problem.help("write days, hours or minutes"));
        }
        Some((message.name.value.clone(), length.micros))
    });
    bound.collect()
}

pub(super) fn documents(draft: &LibraryDraft, library: &Library, problems: &Problems) -> BTreeMap<Name, Document> {
    if let Some(first) = draft.documents.first().filter(|_| library.entity("document").is_none()) {
        let name = Spanned::new(Name::new("document"), first.name.span);
        let message = "`print` makes a record of the entity `document`, which is missing";
        let problem = Problem::error("unknown-entity", name.span, message);
        problems.push(problem.help("declare `document` in `entities`"));
    }
    let bound = draft.documents.iter().filter_map(|document| {
        let entity = document.entity.as_ref().filter(|name| is_entity(name, library, problems))?;
        let template = document.template.as_ref()?.value.clone();
        Some((document.name.value.clone(), Document { template, entity: entity.value.clone() }))
    });
    bound.collect()
}

/// The library's own calendar: as written, else the only one.
pub(super) fn calendar(draft: &LibraryDraft, library: &Library, problems: &Problems) -> Option<Name> {
    let Some(name) = &draft.calendar else {
        return library.calendars.keys().next().filter(|_| library.calendars.len() == 1).cloned();
    };
    let found = library.calendars.contains_key(&name.value);
    let all = || library.calendars.keys().cloned().collect();
    let known = is_known("unknown-calendar", "calendar", name, found, all, problems);
    known.then(|| name.value.clone())
}

pub(super) fn currencies(draft: &LibraryDraft, library: &Library, problems: &Problems) -> Option<Currencies> {
    let draft = draft.currencies.as_ref()?;
    let entity = draft.entity.as_ref().filter(|name| is_entity(name, library, problems))?;
    let of = library.entity(&entity.value)?;
    let column = |name: &Spanned<Name>| is_column(of, name, problems).then(|| name.value.clone());
    let history = draft.history.as_ref().and_then(|[list, from, rate]| {
        let child = of.children.iter().find(|child| child.name == list.value);
        let all = || of.children.iter().map(|child| child.name.clone()).collect();
        is_known("unknown-column", "list of children", list, child.is_some(), all, problems);
        let rates = library.entity(&child?.entity)?;
        for name in [from, rate] {
            is_column(rates, name, problems);
        }
        Some((list.value.clone(), from.value.clone(), rate.value.clone()))
    });
    Some(Currencies {
        entity: entity.value.clone(),
        division: draft.division.as_ref().and_then(column),
        decimals: draft.decimals.as_ref().and_then(column),
        base: draft.base.as_ref().and_then(|text| base_currency(text, library, problems)),
        history,
    })
}

/// The setting that names the base currency.
fn base_currency(text: &ExprText, library: &Library, problems: &Problems) -> Option<Name> {
    let setting = text.text.strip_prefix("settings.").map(|name| Spanned::new(Name::new(name), text.span));
    match setting {
        Some(setting) => {
            let found = library.settings.contains_key(&setting.value);
            let all = || library.settings.keys().cloned().collect();
            let known = is_known("unknown-setting", "setting", &setting, found, all, problems);
            known.then_some(setting.value)
        }
        None => {
            let problem =
                Problem::error("wrong-shape", text.span, "expected a setting, such as `settings.base_currency`");
            problems.push(problem.help("declare the setting with the currency's type and name it here"));
            None
        }
    }
}

/// How records of user tasks are filled.
pub(super) fn mirror(draft: &LibraryDraft, library: &Library, problems: &Problems) -> Option<Mirror> {
    let draft = draft.tasks.as_ref()?;
    let entity = draft.entity.as_ref().filter(|name| is_entity(name, library, problems))?;
    let [opened, completed, withdrawn] = draft.edges.each_ref().map(Vec::as_slice);
    let names = names::of_task();
    let bind = |edge: &[(Spanned<Name>, ExprText)], names: &Names| {
        let bound = edge.iter().filter_map(|(column, value)| {
            let ty = super::column::settable(&entity.value, column, library, problems);
            let expr: Option<Expr> = value.compile(library, names, ty.as_ref(), problems);
            Some((column.value.clone(), expr?)).filter(|_| ty.is_some())
        });
        bound.collect()
    };
    let [of_opened, of_completed, of_withdrawn] = &names;
    Some(Mirror {
        entity: entity.value.clone(),
        opened: bind(opened, of_opened),
        completed: bind(completed, of_completed),
        withdrawn: bind(withdrawn, of_withdrawn),
    })
}
