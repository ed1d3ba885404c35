//! The save plan: a wished change becomes the full change set. The only way in which a record changes.

mod columns;
mod delete;
mod finish;
mod stages;
mod values;
mod work;

use chrono::{DateTime, Utc};
use minicbor::{Decode, Encode};
use uuid::Uuid;

use super::library::Library;
use super::record::{Change, RecordEvent};
use super::window::{Principal, Window, WindowError};
use crate::model::{Name, Ref, Text, Value};
use work::Planner;

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Cause {
    /// The command.
    #[n(0)]
    #[cbor(with = "crate::model::code::id")]
    pub command: Uuid,
    /// The process.
    #[n(1)]
    pub process: Option<Name>,
    /// Its version.
    #[n(2)]
    pub version: Option<u32>,
    /// The instance.
    #[n(3)]
    pub instance: Option<InstanceId>,
    /// The step.
    #[n(4)]
    pub step: Option<Name>,
    /// On whose behalf.
    #[n(5)]
    pub on_behalf_of: Option<Ref>,
}

/// The id of an instance, where it may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct InstanceId(
    #[n(0)]
    #[cbor(with = "crate::model::code::id")]
    pub Uuid,
);

/// An emitted stage transition.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StageTransition {
    /// The record.
    #[n(0)]
    pub record: Ref,
    /// Its revision.
    #[n(1)]
    pub revision: u64,
    /// The stage before; none for a new record.
    #[n(2)]
    pub from: Option<Name>,
    /// The stage now.
    #[n(3)]
    pub to: Name,
    /// The title of the stage before.
    #[n(4)]
    pub from_title: Text,
    /// The title of the stage now.
    #[n(5)]
    pub to_title: Text,
    /// When.
    #[n(6)]
    #[cbor(with = "crate::model::code::instant")]
    pub at: DateTime<Utc>,
    /// What caused it.
    #[n(7)]
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

impl Refusal {
    pub(super) fn rule(code: &str, object: &Name, column: Option<&Name>, text: impl Into<String>) -> Self {
        Refusal::Rule { code: Name::new(code), object: object.clone(), column: column.cloned(), text: text.into() }
    }
}

/// Plans a save: what it changes, computes, numbers, moves, keeps of history, and checks. Nothing is stored.
///
/// # Errors
/// When a rule refuses it, or the store fails.
pub fn plan(
    library: &Library,
    window: &dyn Window,
    wish: Wish,
    context: &mut SaveContext<'_>,
) -> Result<Plan, Refusal> {
    let mut planner = Planner::new(library, window, context);
    let record = match wish {
        Wish::Create { entity, id, set } => {
            let id = id.unwrap_or_else(|| Name::new(planner.next_id().to_string()));
            let target = Ref { entity, id };
            planner.create(&target, set)?;
            target
        }
        Wish::Update { target, set } => {
            planner.update(&target, set)?;
            target
        }
        Wish::Delete { target } => {
            planner.delete(&target)?;
            target
        }
    };
    planner.settle()?;
    planner.finish(record)
}
