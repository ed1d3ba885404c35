//! `wait` and `receive`: a token waits for one event. A condition that is true already passes at once (S17).

use super::definition::{Assign, Trigger};
use super::room::{Arm, Event, Fault, Move, Next, Room, View};
use super::rules;

/// Waits for one event.
#[derive(Debug)]
pub struct CatchEvent {
    /// What it waits for.
    pub trigger: Trigger,
    /// What it keeps of it.
    pub take: Vec<Assign>,
}

impl Room for CatchEvent {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let mut arms = self.arms(view)?;
        if rules::has_happened(&self.trigger, &mut arms) {
            return Ok(Move::pass());
        }
        Ok(Move::only(Next::Wait(arms)))
    }

    fn resume(&self, view: &View<'_>, _: &Event<'_>) -> Result<Move, Fault> {
        Ok(Move::then_pass(view.assignments(&self.take)?))
    }

    fn is_quiet(&self) -> bool {
        true
    }
}

impl CatchEvent {
    /// What it would wait for, seen from an event-based gateway.
    ///
    /// # Errors
    /// When an instant, a key or a condition cannot be evaluated.
    pub fn arms(&self, view: &View<'_>) -> Result<Vec<Arm>, Fault> {
        rules::arm(view, view.node, &self.trigger)
    }
}
