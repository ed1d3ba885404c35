//! `boundary`: an event at the border of an activity (S7). Interrupting: the activity is canceled at once. Non-interrupting: a token per
//! occurrence, and the subscription stays until the host completes.

use super::definition::{Assign, Trigger};
use super::room::{Event, Fault, Move, Room, View};
use crate::graph::NodeIx;

/// An event at the border of an activity.
#[derive(Debug)]
pub struct BoundaryEvent {
    /// The activity.
    pub host: NodeIx,
    /// What it waits for.
    pub trigger: Trigger,
    /// Whether it cancels the activity.
    pub interrupting: bool,
    /// What it keeps of the event.
    pub take: Vec<Assign>,
}

impl Room for BoundaryEvent {
    fn resume(&self, view: &View<'_>, _: &Event<'_>) -> Result<Move, Fault> {
        Ok(Move::then_pass(view.assignments(&self.take)?))
    }
}
