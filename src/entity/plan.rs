//! The save plan: a wished change becomes the full change set. The only way in which a record changes.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::library::Library;
use super::record::{Change, EventKind, Record, RecordEvent};
use super::window::{Principal, Window, WindowError};
use crate::model::{Name, Ref, Text, Value};

/// A wished change.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// A new record.
    Create {
        /// Its entity.
        entity: Name,
        /// Its id; the engine's own when none.
        id: Option<Name>,
        /// Its columns.
        set: Vec<(Name, Value)>,
    },
    /// Other values.
    Update {
        /// The record.
        target: Ref,
        /// The columns.
        set: Vec<(Name, Value)>,
    },
    /// No record.
    Delete {
        /// The record.
        target: Ref,
    },
}

impl Wish {
    /// A save that changes nothing.
    pub fn nothing(target: Ref) -> Self {
        Wish::Update { target, set: Vec::new() }
    }

    /// The record that is changed or deleted; none for a new one.
    pub fn target(&self) -> Option<&Ref> {
        match self {
            Wish::Create { .. } => None,
            Wish::Update { target, .. } | Wish::Delete { target } => Some(target),
        }
    }
}

/// Ids in order from one base: a rerun gives the same ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdSource {
    next: u128,
}

impl IdSource {
    /// Ids behind this base.
    pub fn new(base: Uuid) -> Self {
        Self { next: base.as_u128() }
    }

    /// The next id.
    pub fn next_id(&mut self) -> Uuid {
        self.next = self.next.wrapping_add(1);
        Uuid::from_u128(self.next)
    }
}

/// What a save is given beside the wish.
pub struct SaveContext<'a> {
    /// The instant of the turn.
    pub now: DateTime<Utc>,
    /// Who saves.
    pub principal: &'a Principal,
    /// Ids for new records.
    pub ids: &'a mut IdSource,
    /// What the save is part of.
    pub cause: &'a Cause,
}

/// What a change is part of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The command.
    pub command: Uuid,
    /// The process.
    pub process: Option<Name>,
    /// Its version.
    pub version: Option<u32>,
    /// The instance.
    pub instance: Option<Uuid>,
    /// The step.
    pub step: Option<Name>,
    /// On whose behalf.
    pub on_behalf_of: Option<Ref>,
}

/// An emitted stage transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageTransition {
    /// The record.
    pub record: Ref,
    /// Its revision.
    pub revision: u64,
    /// The stage before; none for a new record.
    pub from: Option<Name>,
    /// The stage now.
    pub to: Name,
    /// The title of the stage before.
    pub from_title: Text,
    /// The title of the stage now.
    pub to_title: Text,
    /// When.
    pub at: DateTime<Utc>,
    /// What caused it.
    pub cause: Cause,
}

/// The full change set of one save.
#[derive(Debug)]
pub struct Plan {
    /// The record that was wished to change.
    pub record: Ref,
    /// Every change, in order.
    pub changes: Vec<Change>,
    /// Stage transitions, in order.
    pub transitions: Vec<StageTransition>,
    /// What happened, in order.
    pub events: Vec<RecordEvent>,
}

/// Why a save is refused. Nothing is changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A rule of the library.
    #[error("{text}")]
    Rule {
        /// The code: a declared one, or `check_failed`, `final_stage`, `move_forbidden`, `required`, `unknown`, `wrong_type` …
        code: Name,
        /// The entity.
        object: Name,
        /// The column.
        column: Option<Name>,
        /// What people are told.
        text: String,
    },
    /// The store failed.
    #[error(transparent)]
    Window(#[from] WindowError),
}

impl Refusal {
    /// The code.
    pub fn code(&self) -> &str {
        match self {
            Refusal::Rule { code, .. } => code,
            Refusal::Window(_) => "store_failed",
        }
    }

    /// The entity.
    pub fn object(&self) -> Option<&Name> {
        if let Refusal::Rule { object, .. } = self { Some(object) } else { None }
    }

    /// The column.
    pub fn column(&self) -> Option<&Name> {
        if let Refusal::Rule { column, .. } = self { column.as_ref() } else { None }
    }
}

/// Plans a save.
///
/// # Errors
/// When a rule refuses it, or the store fails.
pub fn plan(
    library: &Library,
    window: &dyn Window,
    wish: Wish,
    context: &mut SaveContext<'_>,
) -> Result<Plan, Refusal> {
    let (target, before, set) = match wish {
        Wish::Create { entity, id, set } => {
            let id = id.unwrap_or_else(|| Name::new(context.ids.next_id().to_string()));
            (Ref { entity, id }, None, set)
        }
        Wish::Update { target, set } => {
            let before = window.get(&target)?;
            (target, before, set)
        }
        Wish::Delete { target } => {
            let before = window.get(&target)?;
            let change = Change { target: target.clone(), before: before.clone(), after: None, touch: false };
            let old = before.map(|before| before.values.clone()).unwrap_or_default();
            let event = RecordEvent {
                kind: EventKind::Deleted,
                target: target.clone(),
                rev: 0,
                values: old,
                changed: Vec::new(),
            };
            return Ok(Plan { record: target, changes: vec![change], transitions: Vec::new(), events: vec![event] });
        }
    };
    let mut record =
        before.as_deref().cloned().unwrap_or_else(|| Record::new(target.entity.clone(), target.id.clone()));
    let mut changed = Vec::new();
    for (column, value) in set {
        let old = record.get(&column);
        if !old.same(&value) {
            changed.push((column.clone(), old));
            record.set(&column, value);
        }
    }
    let kind = if before.is_none() { EventKind::Created } else { EventKind::Updated };
    if changed.is_empty() && before.is_some() {
        return Ok(Plan { record: target, changes: Vec::new(), transitions: Vec::new(), events: Vec::new() });
    }
    record.rev = record.rev.saturating_add(1);
    let transitions = transition(library, &record, &changed, context);
    let event = RecordEvent { kind, target: target.clone(), rev: record.rev, values: record.values.clone(), changed };
    let change = Change { target: target.clone(), before, after: Some(Arc::new(record)), touch: false };
    Ok(Plan { record: target, changes: vec![change], transitions, events: vec![event] })
}

fn transition(
    library: &Library,
    record: &Record,
    changed: &[(Name, Value)],
    context: &SaveContext<'_>,
) -> Vec<StageTransition> {
    let Some(table) = library.entity(&record.entity).and_then(|entity| entity.stages.as_ref()) else {
        return Vec::new();
    };
    let Some((_, old)) = changed.iter().find(|(column, _)| *column == table.field) else { return Vec::new() };
    let code = |value: &Value| if let Value::Text(code) = value { Some(Name::new(code)) } else { None };
    let title = |stage: Option<&Name>| {
        stage
            .and_then(|stage| library.stage(&record.entity, stage))
            .map(|stage| stage.title.clone())
            .unwrap_or_default()
    };
    let (from, Some(to)) = (code(old), code(&record.get(&table.field))) else { return Vec::new() };
    vec![StageTransition {
        record: record.reference(),
        revision: record.rev,
        from_title: title(from.as_ref()),
        to_title: title(Some(&to)),
        from,
        to,
        at: context.now,
        cause: context.cause.clone(),
    }]
}
