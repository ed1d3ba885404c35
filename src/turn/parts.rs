//! Events with several triggers: one of them has happened.

use super::incident::About;
use super::step::{Step, Turn};
use crate::element::definition::Trigger;
use crate::element::event_part::EventPart;
use crate::element::room::{Event, Given, Room};
use crate::instance::{Owner, Wait, WaitId};

impl Turn<'_> {
    /// A part of an event has happened: of a multiple event that is the event; of a parallel multiple one it is when no other part is
    /// waited for any more.
    pub fn wake_part(&mut self, wait: &Wait, part: &EventPart, event: &Event<'_>, given: &Given<'_>) -> Step {
        if !self.keep_of_part(wait, part, event, given)? {
            return Ok(());
        }
        let Some(Trigger::Several { parts, all: true }) = self.trigger(part.of) else {
            return self.wake_event(wait, part.of, event, given, true);
        };
        let same: Vec<WaitId> =
            self.run.state.waits.of(wait.owner).filter(|other| other.node == wait.node).map(|other| other.id).collect();
        same.into_iter().for_each(|wait| self.consume(Some(wait)));
        if self.run.state.waits.of(wait.owner).any(|other| parts.contains(&other.node)) {
            self.note(wait.node, "it has come; the others are waited for");
            return Ok(());
        }
        self.wake_event(wait, part.of, event, given, false)?;
        // One that does not interrupt waits for all of them again.
        let stays = match wait.owner {
            Owner::Scope(scope) => self.run.state.scope(scope).is_some_and(|scope| !scope.closing),
            Owner::Token(token) => {
                let at = self.run.state.node_of(token);
                at.is_some_and(|at| self.def.boundaries_of(at).contains(&part.of))
            }
        };
        if stays && !self.interrupts_at(part.of) { self.arm_event(wait.owner, part.of) } else { Ok(()) }
    }

    /// What the part keeps; false when that failed.
    fn keep_of_part(&mut self, wait: &Wait, part: &EventPart, event: &Event<'_>, given: &Given<'_>) -> Step<bool> {
        let Owner::Token(token) = wait.owner else { return Ok(true) };
        let (_, scope) = self.place_of(wait.owner);
        let kept = match part.resume(&self.view(wait.node, token, scope, given), event) {
            Ok(decided) => self.effects(token, wait.node, decided.effects)?,
            Err(fault) => Err(fault),
        };
        match kept {
            Ok(()) => Ok(true),
            Err(fault) if self.is_caught(token, wait.node, &fault) => {
                self.throw(token, wait.node, fault, false).map(|()| false)
            }
            // The wait stays, and the token where it is: the part is taken again when that is mended.
            Err(fault) => {
                let brought = self.brought(wait.node, event, given);
                self.report(fault, About { brought, ..About::waiting(wait.owner, wait.node, Some(wait.id)) });
                Ok(false)
            }
        }
    }
}
