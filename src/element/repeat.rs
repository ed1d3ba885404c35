//! `repeat` and the standard loop: a scope repeated while (or until) a condition holds (S21). Reaching the `max` of a `repeat` is an incident;
//! "loopMaximum" of a standard loop is a cap: it goes on.

use super::room::{Event, Fault, Given, Move, Next, Room, Round, View};
use crate::model::expr::Expr;

/// A repeated scope.
#[derive(Debug)]
pub struct Repeat {
    /// When it goes on.
    pub test: Test,
    /// How many rounds at most.
    pub max: u32,
    /// Whether it goes on when `max` is reached.
    pub capped: bool,
}

/// When a repetition goes on.
#[derive(Debug)]
pub enum Test {
    /// Looked at before each round.
    While(Expr),
    /// Looked at after each round: while it holds.
    WhileAfter(Expr),
    /// Looked at after each round: until it holds.
    Until(Expr),
    /// Never looked at: as often as it may.
    Always,
}

impl Room for Repeat {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let given = Given { rounds: Some(0), ..*view.given };
        if let Test::While(condition) = &self.test
            && !(View { given: &given, ..*view }).truth(condition)?
        {
            return Ok(Move::pass());
        }
        Ok(Move::only(Next::OpenRounds(Vec::new(), vec![Round { node: view.node, index: 0, vars: Vec::new() }])))
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        let Event::ScopeDone { index, .. } = event else { return Ok(Move::only(Next::Stay)) };
        let index = index.saturating_add(1);
        let over = match &self.test {
            Test::While(condition) | Test::WhileAfter(condition) => !view.truth(condition)?,
            Test::Until(condition) => view.truth(condition)?,
            Test::Always => false,
        };
        if over || self.capped && index >= self.max {
            return Ok(Move::pass());
        }
        if index >= self.max {
            return Err(Fault::new("max_reached", format!("the loop reached its max of {} rounds", self.max)));
        }
        Ok(Move::only(Next::Rounds(Vec::new(), vec![Round { node: view.node, index, vars: Vec::new() }])))
    }
}
