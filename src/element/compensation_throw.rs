//! `compensate`: "the compensation of already completed activities" of its scope, or of one of them, in reverse order (S13).

use super::room::{Event, Fault, Move, Next, Room, View};
use crate::graph::NodeIx;

/// Throws compensation.
#[derive(Debug)]
pub struct CompensationThrow {
    /// The activity; every one of the scope when none.
    pub activity: Option<NodeIx>,
    /// Whether the way on waits until all of it is compensated.
    pub waits: bool,
}

impl Room for CompensationThrow {
    fn enter(&self, _: &View<'_>) -> Result<Move, Fault> {
        Ok(Move::only(Next::Compensate { activity: self.activity, waits: self.waits }))
    }

    fn resume(&self, _: &View<'_>, _: &Event<'_>) -> Result<Move, Fault> {
        // Who does not wait has gone on already: the token that stayed for the handlers ends.
        Ok(if self.waits { Move::pass() } else { Move::only(Next::End) })
    }
}
