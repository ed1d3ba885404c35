//! The save plan: a wished change becomes the full change set. The only way in which a record changes.
//!
//! A save goes on like this, and a rule of each step is shown at work under `tests/saves`:
//!
//! 1. What is wished is read as the columns' types say: amounts in their currency and rounded half up, references to what
//!    exists. What is computed or numbered cannot be wished.
//! 2. Every column that follows a change is looked at again, each behind those that it reads: starting values of a new record,
//!    columns filled again (`again_when`) unless the wish sets them, computed columns; up to parents that read their children,
//!    down to children that read their parent.
//! 3. A record whose stage changed by now enters it: the move is checked, and what the stage sets beats both the wish and
//!    starting values. Then step 2 again, until nothing follows.
//! 4. Histories get their rows; required columns and checks are looked at; parents of what changed are guarded.
//!
//! A value written again as it was is no change. Refused is the whole save, and nothing has changed.

mod columns;
mod delete;
mod finish;
mod read;
mod stages;
mod values;
mod work;

use chrono::{DateTime, Utc};
use minicbor::{Decode, Encode};
use uuid::Uuid;

use super::access::{Access, Principal};
use super::library::Library;
use super::record::{Change, RecordEvent};
use super::window::{Window, WindowError};
use crate::model::{Denied, Name, Ref, Text, Value};
use work::Planner;

/// A wished change.
#[derive(Clone, Debug, PartialEq, Encode)]
pub enum Wish {
    /// A new record.
    #[n(0)]
    Create {
        /// Its entity.
        #[n(0)]
        entity: Name,
        /// Its id; the engine's own when none.
        #[n(1)]
        id: Option<Name>,
        /// Its columns.
        #[n(2)]
        set: Vec<(Name, Value)>,
    },
    /// Other values.
    #[n(1)]
    Update {
        /// The record.
        #[n(0)]
        target: Ref,
        /// The columns.
        #[n(1)]
        set: Vec<(Name, Value)>,
    },
    /// No record.
    #[n(2)]
    Delete {
        /// The record.
        #[n(0)]
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
    /// What the save read and did not change: it holds only while this does.
    pub reads: Vec<ReadGuard>,
}

/// A record that a save read for its values or for its children; not one that is merely referred to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadGuard {
    /// The record.
    pub target: Ref,
    /// Its revision, when its values were read; 0 when there was no such record.
    pub rev: Option<u64>,
    /// Its children's revision, when one of its lists of children was read.
    pub links_rev: Option<u64>,
}

/// Why a save is refused. Nothing is changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A rule of the library.
    #[error("{text}")]
    Rule {
        /// The code: that of a declared error; or `access_denied`, `bad_id`, `check_failed`, `circle`, `computed`, `conflict`,
        /// `expression_failed`, `final_stage`, `move_forbidden`, `read_only`, `required`, `still_referred_to`,
        /// `too_many_records`, `unknown_column`, `unknown_entity`, `unknown_record`, `wrong_currency`, `wrong_type`.
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

    /// What is denied is named, not the column that asked for it.
    pub(super) fn denied(denied: &Denied) -> Self {
        Refusal::rule("access_denied", &denied.object, denied.column.as_ref(), denied.to_string())
    }
}

/// Plans a save: what it changes, computes, numbers, moves, keeps of history, and checks. Nothing is stored.
///
/// ```
/// use stageflow::entity::{Cause, IdSource, Library, NoRecords, Principal, SaveContext, Wish, plan};
/// use stageflow::load::{Sources, library};
/// use stageflow::model::{Name, Value};
///
/// let mut sources = Sources::new();
/// let text = "library: crm\nentities: {lead: {fields: {score: {type: number, initial: 10}, double: {type: number, computed: score * 2}}}}\n";
/// sources.add("crm.yaml", text);
/// let library: Library = library(&sources).unwrap().library;
///
/// let (now, cause) = ("2026-03-02T09:00:00Z".parse().unwrap(), Cause::default());
/// let mut ids = IdSource::new(uuid::Uuid::from_u128(7));
/// let context = &mut SaveContext { now, principal: &Principal::System, ids: &mut ids, cause: &cause };
/// let wish = Wish::Create { entity: Name::new("lead"), id: None, set: Vec::new() };
/// let plan = plan(&library, &NoRecords, wish, context).unwrap();
/// assert_eq!(plan.changes[0].after.as_ref().unwrap().get(&Name::new("double")), Value::Number(20.into()));
/// ```
///
/// # Errors
/// When a rule refuses it, or the store fails.
pub fn plan(
    library: &Library,
    window: &dyn Window,
    wish: Wish,
    context: &mut SaveContext<'_>,
) -> Result<Plan, Refusal> {
    Access::new(window, context.principal).wish(&wish)?;
    let mut planner = Planner::new(library, window, context);
    let record = match wish {
        Wish::Create { entity, id, set } => {
            let id = id.unwrap_or_else(|| Name::new(planner.next_id().to_string()));
            planner.create(Ref { entity, id }, set)?
        }
        Wish::Update { target, set } => planner.update(target, set)?,
        Wish::Delete { target } => planner.delete(target)?,
    };
    planner.settle()?;
    planner.finish(record)
}
