//! One of the triggers of a multiple event: "only one of the assigned triggers is required"; of a parallel multiple one: "all of the assigned
//! triggers are required". It waits for its event itself; the event that it belongs to is what happens.

use super::definition::{Assign, Trigger};
use super::room::{Event, Fault, Move, Room, View};
use crate::graph::NodeIx;

/// One of the triggers of an event.
#[derive(Debug)]
pub struct EventPart {
    /// The event: a catch event, a boundary event or an event sub-process.
    pub of: NodeIx,
    /// What it waits for.
    pub trigger: Trigger,
    /// What it keeps of it.
    pub take: Vec<Assign>,
}

impl Room for EventPart {
    fn resume(&self, view: &View<'_>, _: &Event<'_>) -> Result<Move, Fault> {
        Ok(Move::then_pass(view.assignments(&self.take)?))
    }
}
