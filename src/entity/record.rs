//! Records, their changes, and the events that changes make.

use std::sync::Arc;

use minicbor::{Decode, Encode};

use crate::model::{Name, Ref, Value};

/// A record: its columns by name, in order of their names. A column without an entry is null.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Record {
    /// Its entity.
    #[n(0)]
    pub entity: Name,
    /// Its id.
    #[n(1)]
    pub id: Name,
    /// How often it was changed, from 1.
    #[n(2)]
    pub rev: u64,
    /// How often a child was added to it, changed or taken away.
    #[n(3)]
    pub links_rev: u64,
    /// Its values, sorted by column.
    #[n(4)]
    pub values: Vec<(Name, Value)>,
}

impl Record {
    /// A new record without values.
    pub fn new(entity: Name, id: Name) -> Self {
        Self { entity, id, rev: 0, links_rev: 0, values: Vec::new() }
    }

    /// The reference to it.
    pub fn reference(&self) -> Ref {
        Ref { entity: self.entity.clone(), id: self.id.clone() }
    }

    /// The value of a column.
    pub fn get(&self, column: &Name) -> Value {
        self.peek(column).cloned().unwrap_or(Value::NULL)
    }

    /// The value of a column, when it has one.
    pub fn peek(&self, column: &str) -> Option<&Value> {
        let at = self.values.binary_search_by(|(name, _)| name.as_str().cmp(column)).ok()?;
        self.values.get(at).map(|(_, value)| value)
    }

    /// Gives a column a value; a null takes the entry away.
    pub fn set(&mut self, column: &Name, value: Value) {
        match (self.values.binary_search_by(|(name, _)| name.cmp(column)), value.is_null()) {
            (Ok(at), true) => {
                self.values.remove(at);
            }
            (Ok(at), false) => {
                if let Some(slot) = self.values.get_mut(at) {
                    slot.1 = value;
                }
            }
            (Err(_), true) => {}
            (Err(at), false) => self.values.insert(at, (column.clone(), value)),
        }
    }
}

/// A change of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The record.
    pub target: Ref,
    /// The record before; none when it is new.
    pub before: Option<Arc<Record>>,
    /// The record after, with its new revision; none when it is deleted.
    pub after: Option<Arc<Record>>,
    /// Whether only `links_rev` changed: no event follows.
    pub touch: bool,
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum EventKind {
    /// It was made.
    #[n(0)]
    Created,
    /// It was changed.
    #[n(1)]
    Updated,
    /// It was deleted.
    #[n(2)]
    Deleted,
}

/// One save of a record: what it is now, and what changed.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RecordEvent {
    /// What happened.
    #[n(0)]
    pub kind: EventKind,
    /// The record.
    #[n(1)]
    pub target: Ref,
    /// Its revision after the save.
    #[n(2)]
    pub rev: u64,
    /// Its values after the save (before it, when it was deleted), sorted by column.
    #[n(3)]
    pub values: Vec<(Name, Value)>,
    /// The columns that really changed, with their old values, sorted by column.
    #[n(4)]
    pub changed: Vec<(Name, Value)>,
}

impl RecordEvent {
    /// The record.
    pub fn record(&self) -> &Ref {
        &self.target
    }

    /// Its revision after the save.
    pub fn revision(&self) -> u64 {
        self.rev
    }

    /// Whether a column really changed; of a new record every column with a value.
    pub fn has_changed(&self, column: &Name) -> bool {
        self.changed.iter().any(|(name, _)| name == column)
    }

    /// Whether the event knows the column's value at that save.
    pub fn holds(&self, column: &Name) -> bool {
        self.values.iter().any(|(name, _)| name == column) || self.has_changed(column)
    }

    /// The value of a column at that save.
    pub fn value(&self, column: &Name) -> Value {
        self.values.iter().find(|(name, _)| name == column).map_or(Value::NULL, |(_, value)| value.clone())
    }

    /// The value of a column before that save.
    pub fn previous(&self, column: &Name) -> Value {
        match self.changed.iter().find(|(name, _)| name == column) {
            Some((_, old)) => old.clone(),
            None => self.value(column),
        }
    }
}
