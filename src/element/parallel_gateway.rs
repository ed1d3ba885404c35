//! `parallel`: "one token from EACH incoming flow; the excess stays. Two tokens on one flow don't fire it" (S2).

use super::room::{Fault, Move, Next, Room, View};
use crate::instance::Place;

/// Splits to all flows, or waits for one token on each.
#[derive(Debug, Default)]
pub struct ParallelGateway;

impl Room for ParallelGateway {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let incoming = view.def.graph.incoming(view.node);
        if incoming.len() < 2 {
            return Ok(Move::pass());
        }
        let mut others = Vec::with_capacity(incoming.len());
        let mut own = false;
        for flow in incoming {
            let mut waiting = view.tokens().filter(|token| token.place == Place::Arrived(*flow));
            let here = view.state.token(view.token).map(|token| token.place) == Some(Place::Arrived(*flow));
            match waiting.next() {
                Some(_) if here => own = true,
                Some(token) => others.push(token.id),
                None => return Ok(Move::only(Next::Hold)),
            }
        }
        Ok(if own { Move::only(Next::Join(others)) } else { Move::only(Next::Hold) })
    }

    fn gathers(&self) -> bool {
        true
    }

    fn is_quiet(&self) -> bool {
        true
    }
}
