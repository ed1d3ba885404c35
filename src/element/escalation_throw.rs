//! `escalate`: the innermost catcher only; the thrower goes on unless an interrupting catcher takes it (S10).

use super::room::{Fault, Move, Next, Room, View};
use crate::model::Name;
use crate::model::expr::Expr;

/// Throws an escalation.
#[derive(Debug)]
pub struct EscalationThrow {
    /// Its code.
    pub code: Name,
    /// Its values.
    pub with: Vec<(Name, Expr)>,
}

impl Room for EscalationThrow {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let with = view.eval_all(&self.with)?;
        let message = format!("escalation {}", self.code);
        Ok(Move::only(Next::Throw { code: self.code.clone(), with, message, escalation: true }))
    }
}
