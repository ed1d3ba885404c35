//! `repeat`: a scope repeated while (or until) a condition holds; reaching `max` is an incident (S21).

use super::room::{Event, Fault, Move, Next, Room, Round, View};
use crate::model::expr::Expr;

/// A repeated scope.
#[derive(Debug)]
pub struct Repeat {
    /// When it goes on.
    pub test: Test,
    /// How many rounds at most.
    pub max: u32,
}

/// When a repetition goes on.
#[derive(Debug)]
pub enum Test {
    /// Looked at before each round.
    While(Expr),
    /// Looked at after each round.
    Until(Expr),
}

impl Room for Repeat {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        if let Test::While(condition) = &self.test
            && !view.truth(condition)?
        {
            return Ok(Move::pass());
        }
        Ok(Move::only(Next::OpenRounds(Vec::new(), vec![Round { node: view.node, index: 0, vars: Vec::new() }])))
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        let Event::ScopeDone { index, .. } = event else { return Ok(Move::only(Next::Stay)) };
        let over = match &self.test {
            Test::While(condition) => !view.truth(condition)?,
            Test::Until(condition) => view.truth(condition)?,
        };
        if over {
            return Ok(Move::pass());
        }
        let index = index.saturating_add(1);
        if index >= self.max {
            return Err(Fault::new("max_reached", format!("the loop reached its max of {} rounds", self.max)));
        }
        Ok(Move::only(Next::Rounds(Vec::new(), vec![Round { node: view.node, index, vars: Vec::new() }])))
    }
}
