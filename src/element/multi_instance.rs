//! `each`: a scope per element of a list fixed at activation; in order, all at once, or n at once (S8). An empty list completes at once.

use rust_decimal::prelude::ToPrimitive;

use std::sync::Arc;

use super::definition::VarRef;
use super::room::{Effect, Event, Fault, Move, Next, Room, Round, View};
use crate::model::expr::Expr;
use crate::model::{Null, Value};

/// A scope per element.
#[derive(Debug)]
pub struct MultiInstance {
    /// What its rounds are made for.
    pub over: Over,
    /// How many rounds run at once; all when none.
    pub at_once: Option<Expr>,
    /// When this is true after a round, the rest is canceled.
    pub until: Option<Expr>,
    /// What each round gives, and the variable that takes the list of it, in input order.
    pub collect: Option<(Expr, VarRef)>,
}

/// What rounds are made for; fixed at activation.
#[derive(Debug)]
pub enum Over {
    /// One for each element of a list.
    List(Expr),
    /// So many. A negative number is an incident.
    Times(Expr),
}

impl Over {
    fn items(&self, view: &View<'_>) -> Result<Arc<[Value]>, Fault> {
        match self {
            Over::List(list) => match view.needed(list)? {
                Value::List(items) => Ok(items),
                other => Err(Fault::new("wrong_type", format!("expected a list in `{}`, found {other}", list.text()))),
            },
            Over::Times(times) => {
                let count = view.count(times)?;
                if count > MAX_ROUNDS {
                    return Err(Fault::new("too_many", format!("expected at most {MAX_ROUNDS} rounds, found {count}")));
                }
                Ok((1..=count).map(|number| Value::Number(number.into())).collect())
            }
        }
    }
}

impl Room for MultiInstance {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let items = self.over.items(view)?;
        if items.is_empty() {
            return Ok(Move::then_pass(self.collected(&[], 0, None)));
        }
        let first = match &self.at_once {
            None => items.len(),
            Some(at_once) => view.count(at_once)?.max(1).min(items.len()),
        };
        let rounds = items.iter().take(first).enumerate().map(|(at, item)| round(view, at, item)).collect();
        let mut outer = vec![Value::Null(Null::Empty); items.len().saturating_add(OUTPUTS)];
        outer.splice(..OUTPUTS, [Value::Number(first.into()), Value::List(items)]);
        Ok(Move::only(Next::OpenRounds(outer, rounds)))
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        let Event::ScopeDone { scope, index, .. } = event else { return Ok(Move::only(Next::Stay)) };
        let Some(outer) = view.state.scope(*scope).and_then(|round| view.state.scope(round.parent?)) else {
            return Ok(Move::pass());
        };
        let [Value::Number(started), Value::List(items), outputs @ ..] = &*outer.vars else { return Ok(Move::pass()) };
        let gives = self.collect.as_ref().map(|(give, _)| view.eval(give)).transpose()?;
        let next = started.to_usize().unwrap_or(items.len());
        let last =
            next >= items.len() && view.state.scopes.iter().filter(|round| round.parent == Some(outer.id)).count() <= 1;
        if last || self.until.as_ref().map(|until| view.truth(until)).transpose()?.unwrap_or(false) {
            return Ok(Move::then_pass(self.collected(outputs, *index, gives)));
        }
        let at = u16::try_from(*index).unwrap_or(u16::MAX).saturating_add(OUTPUTS as u16);
        let mut kept: Vec<(u16, Value)> = gives.into_iter().map(|value| (at, value)).collect();
        kept.push((0, Value::Number(next.saturating_add(1).into())));
        let rounds = items.get(next).map(|item| round(view, next, item)).into_iter().collect();
        Ok(Move::only(Next::Rounds(kept, rounds)))
    }
}

/// Most rounds of a count: as many as an instance may have tokens.
const MAX_ROUNDS: usize = 10_000;

/// The outer scope keeps how many rounds have begun, the list, and then what each round gave.
const OUTPUTS: usize = 2;

impl MultiInstance {
    fn collected(&self, outputs: &[Value], index: u32, gives: Option<Value>) -> Vec<Effect> {
        let Some((_, into)) = &self.collect else { return Vec::new() };
        let mut outputs = outputs.to_vec();
        if let (Some(slot), Some(value)) = (outputs.get_mut(index as usize), gives) {
            *slot = value;
        }
        vec![Effect::Assign(*into, Value::list(outputs))]
    }
}

fn round(view: &View<'_>, at: usize, item: &Value) -> Round {
    let index = u32::try_from(at).unwrap_or(u32::MAX);
    Round { node: view.node, index, vars: vec![item.clone()] }
}
