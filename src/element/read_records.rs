//! `read`: finds records and keeps the first, all, or their number.

use super::definition::VarRef;
use super::room::{Effect, Fault, Move, Room, View};
use super::rules::Filter;
use crate::model::{Name, Null, Value};

/// Finds records.
#[derive(Debug)]
pub struct ReadRecords {
    /// Which.
    pub filter: Filter,
    /// What is kept of them.
    pub mode: ReadMode,
    /// The variable that takes it.
    pub into: VarRef,
}

/// What is kept of the records found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadMode {
    /// The first, or null.
    First,
    /// All, as a list.
    All,
    /// How many.
    Count,
}

impl Room for ReadRecords {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let found = self.filter.find(view, (self.mode == ReadMode::First).then_some(1))?;
        let value = match self.mode {
            ReadMode::First => found.into_iter().next().map_or(Value::Null(Null::Nothing), Value::Ref),
            ReadMode::All => Value::list(found.into_iter().map(Value::Ref)),
            ReadMode::Count => Value::Number(found.len().into()),
        };
        Ok(Move::then_pass(vec![Effect::Assign(self.into, value)]))
    }
}

impl ReadRecords {
    /// The entity that is read.
    pub fn entity(&self) -> &Name {
        &self.filter.entity
    }
}
