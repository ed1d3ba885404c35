//! `race`: "the first event wins and the others are withdrawn in the same step" (S6).

use super::Element;
use super::room::{Arm, Fault, Move, Next, Room, View};
use super::rules;

/// Waits for the first of the events that its outgoing flows lead to.
#[derive(Debug, Default)]
pub struct EventGateway;

impl Room for EventGateway {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let mut arms: Vec<Arm> = Vec::new();
        for flow in view.outgoing() {
            let Some(node) = view.def.graph.target(*flow) else { continue };
            let Some(Element::CatchEvent(option)) = view.def.element(node) else { continue };
            let mut found = option.arms(&View { node, ..*view })?;
            if rules::has_happened(&option.trigger, &mut found) {
                return Ok(Move::take(*flow));
            }
            arms.extend(found);
        }
        Ok(Move::only(Next::Wait(arms)))
    }

    fn is_quiet(&self) -> bool {
        true
    }
}
