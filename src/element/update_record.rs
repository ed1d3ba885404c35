//! `update`: changes one record, or those that a filter finds (bounded by `limit`).

use super::room::{Effect, Fault, Move, Room, View};
use super::rules::Selection;
use crate::entity::Wish;
use crate::model::Name;
use crate::model::expr::Expr;

/// Changes records.
#[derive(Debug)]
pub struct UpdateRecord {
    /// Which.
    pub what: Selection,
    /// The columns to set; a filter's row may be read.
    pub set: Vec<(Name, Expr)>,
}

impl Room for UpdateRecord {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let mut effects = Vec::new();
        for target in self.what.find(view)? {
            let set = view.with_row(&target, |row| row.eval_all(&self.set))?.into_iter().collect();
            effects.push(Effect::Save(Wish::Update { target, set }, None));
        }
        Ok(Move::then_pass(effects))
    }
}
