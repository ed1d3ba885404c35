//! `stage`: moves a record to a stage, checked against the moves of its entity.

use super::room::{Effect, Fault, Move, Room, View};
use crate::entity::Wish;
use crate::model::Name;
use crate::model::expr::Expr;

/// A move of a record to a stage.
#[derive(Debug)]
pub struct StageChange {
    /// The record.
    pub record: Expr,
    /// The column that holds the stage.
    pub column: Name,
    /// The stage.
    pub to: Expr,
    /// Columns set in the same save.
    pub set: Vec<(Name, Expr)>,
}

impl StageChange {
    /// The save that makes the move.
    ///
    /// # Errors
    /// When the record or the stage is null.
    pub fn wish(&self, view: &View<'_>) -> Result<Wish, Fault> {
        let target = view.record(&self.record)?;
        let mut set: Vec<_> = view.eval_all(&self.set)?.into_iter().collect();
        set.push((self.column.clone(), view.needed(&self.to)?));
        Ok(Wish::Update { target, set })
    }
}

impl Room for StageChange {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        Ok(Move::then_pass(vec![Effect::Save(self.wish(view)?, None)]))
    }
}
