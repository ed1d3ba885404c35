//! The journal: one row per turn, appended, never changed. History, outbox and replay are readings of it.

use chrono::{DateTime, Utc};
use minicbor::{Decode, Encode};

use crate::entity::{Change, EventKind, StageTransition};
use crate::instance::{Fact, Id};
use crate::model::{Name, Ref, Text, Value};

/// One turn.
#[derive(Clone, Debug, Default)]
pub struct JournalRow {
    /// Its number: 1, 2, 3 …
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The instance that ran.
    pub instance: Option<Id>,
    /// The instance's revision after it.
    pub revision: u64,
    /// The command.
    pub command: Id,
    /// What happened.
    pub body: JournalBody,
}

/// What happened in a turn.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct JournalBody {
    /// What the command was, in a word.
    #[n(0)]
    pub kind: String,
    /// Who acted; none for the system.
    #[n(1)]
    pub principal: Option<Ref>,
    /// On whose behalf.
    #[n(2)]
    pub on_behalf_of: Option<Ref>,
    /// The facts of the run.
    #[n(3)]
    pub facts: Vec<Fact>,
    /// The records that changed.
    #[n(4)]
    pub changes: Vec<ChangeNote>,
    /// Emitted stage transitions.
    #[n(5)]
    pub transitions: Vec<StageTransition>,
    /// What people were told.
    #[n(6)]
    pub notices: Vec<(Ref, Text)>,
    /// What was decided not to happen, and why.
    #[n(7)]
    pub notes: Vec<String>,
    /// Changed settings.
    #[n(8)]
    pub settings: Vec<(Name, Value)>,
    /// The command at the root.
    #[n(9)]
    pub root: Option<[u8; 16]>,
}

/// A record that changed: which columns, from what to what.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ChangeNote {
    /// What happened to it.
    #[n(0)]
    pub kind: EventKind,
    /// The record.
    #[n(1)]
    pub record: Ref,
    /// Its revision after it.
    #[n(2)]
    pub rev: u64,
    /// The columns: name, old value, new value.
    #[n(3)]
    pub columns: Vec<(Name, Value, Value)>,
    /// Whether a foreign system keeps the record, and is to take the change.
    #[n(4)]
    #[cbor(default)]
    pub foreign: bool,
}

impl ChangeNote {
    /// What a change says; none when only a revision rose.
    pub fn of(change: &Change) -> Option<Self> {
        if change.touch {
            return None;
        }
        let kind = match (&change.before, &change.after) {
            (None, _) => EventKind::Created,
            (Some(_), Some(_)) => EventKind::Updated,
            (Some(_), None) => EventKind::Deleted,
        };
        let mut columns = Vec::new();
        if let Some(after) = &change.after {
            let before = change.before.as_deref();
            for (name, value) in &after.values {
                let old = before.map_or(Value::NULL, |before| before.get(name));
                if !old.same(value) {
                    columns.push((name.clone(), old, value.clone()));
                }
            }
            let gone =
                before.into_iter().flat_map(|before| &before.values).filter(|(name, _)| after.peek(name).is_none());
            columns.extend(gone.map(|(name, old)| (name.clone(), old.clone(), Value::NULL)));
        }
        let rev = change.after.as_ref().or(change.before.as_ref()).map_or(0, |record| record.rev);
        Some(Self { kind, record: change.target.clone(), rev, columns, foreign: false })
    }
}
