//! `signal`: thrown to all that wait at this moment, and to start events (S16).

use super::room::{Effect, Fault, Move, Room, View};
use crate::model::Name;
use crate::model::expr::Expr;

/// Throws a signal.
#[derive(Debug)]
pub struct SignalThrow {
    /// Its name.
    pub signal: Name,
    /// Its values.
    pub with: Vec<(Name, Expr)>,
}

impl Room for SignalThrow {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        Ok(Move::then_pass(vec![Effect::Signal(self.signal.clone(), view.eval_all(&self.with)?)]))
    }
}
