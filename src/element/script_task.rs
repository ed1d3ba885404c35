//! `set`: assignments to variables and columns, in written order; the columns of one record are one save.

use super::definition::Assign;
use super::room::{Fault, Move, Room, View};

/// Assignments.
#[derive(Debug, Default)]
pub struct ScriptTask {
    /// What is assigned.
    pub set: Vec<Assign>,
}

impl Room for ScriptTask {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        Ok(Move::then_pass(view.assignments(&self.set)?))
    }
}
