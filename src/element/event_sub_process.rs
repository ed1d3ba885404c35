//! `handlers`: event sub-processes of a scope (S11). Interrupting: cancels what runs in the scope, once per activation. Non-interrupting: any number.

use super::definition::{Assign, Trigger};
use super::room::{Event, Fault, Move, Room, View};

/// A handler of a scope: what it waits for; its steps are the scope of its own node.
#[derive(Debug)]
pub struct EventSubProcess {
    /// What it waits for.
    pub trigger: Trigger,
    /// Whether it cancels what runs in the scope.
    pub interrupting: bool,
    /// What it keeps of the event.
    pub take: Vec<Assign>,
}

impl Room for EventSubProcess {
    fn resume(&self, view: &View<'_>, _: &Event<'_>) -> Result<Move, Fault> {
        Ok(Move::then_pass(view.assignments(&self.take)?))
    }
}
