//! `delete`: deletes one record, or those that a filter finds (bounded by `limit`); children go too (S27).

use super::room::{Effect, Fault, Move, Room, View};
use super::rules::Selection;
use crate::entity::Wish;

/// Deletes records.
#[derive(Debug)]
pub struct DeleteRecord {
    /// Which.
    pub what: Selection,
}

impl Room for DeleteRecord {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let found = self.what.find(view)?;
        Ok(Move::then_pass(found.into_iter().map(|target| Effect::Save(Wish::Delete { target }, None)).collect()))
    }
}
