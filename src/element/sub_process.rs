//! `group`: a scope with its own variables, boundary events and handlers; it completes when nothing runs in it any more (S19).

use super::room::{Fault, Move, Next, Room, View};

/// A scope.
#[derive(Debug, Default)]
pub struct SubProcess;

impl Room for SubProcess {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        Ok(Move::only(Next::Open(view.node, Vec::new())))
    }
}
