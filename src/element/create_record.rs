//! `create`: makes a record; `as` names it.

use super::definition::VarRef;
use super::room::{Effect, Fault, Move, Room, View};
use crate::entity::Wish;
use crate::model::Name;
use crate::model::expr::Expr;

/// Makes one record.
#[derive(Debug)]
pub struct CreateRecord {
    /// Its entity.
    pub entity: Name,
    /// The columns to set.
    pub set: Vec<(Name, Expr)>,
    /// The variable that takes the reference.
    pub into: Option<VarRef>,
}

impl Room for CreateRecord {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let set = view.eval_all(&self.set)?.into_iter().collect();
        let wish = Wish::Create { entity: self.entity.clone(), id: None, set };
        Ok(Move::then_pass(vec![Effect::Save(wish, self.into)]))
    }
}
