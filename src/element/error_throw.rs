//! `raise`: an error goes outwards to the innermost matching catcher; always interrupting (S9).

use super::room::{Fault, Move, Next, Room, View};
use crate::model::Name;
use crate::model::expr::Expr;

/// Raises an error.
#[derive(Debug)]
pub struct ErrorThrow {
    /// Its code.
    pub code: Name,
    /// Its values.
    pub with: Vec<(Name, Expr)>,
}

impl Room for ErrorThrow {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let with = view.eval_all(&self.with)?;
        let message = view.catalog.library.error_title(&self.code);
        Ok(Move::only(Next::Throw { code: self.code.clone(), with, message, escalation: false }))
    }
}
