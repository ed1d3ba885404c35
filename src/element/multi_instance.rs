//! `each`: a scope per element of a list fixed at activation; in order, all at once, or n at once (S8). An empty list completes at once.

use rust_decimal::prelude::ToPrimitive;

use std::sync::Arc;

use super::Element;
use super::definition::VarRef;
use super::room::{Effect, Event, Fault, Move, Next, Room, Round, View};
use crate::instance::{Owner, ScopeId, ScopeKind, State};
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
    /// What its rounds throw when they complete.
    pub throws: Vec<Throw>,
}

/// An event that rounds throw when they complete: `behavior`.
#[derive(Debug)]
pub struct Throw {
    /// At which completions.
    pub when: Behavior,
    /// What throws it.
    pub element: Element,
}

/// At which completions of rounds something is thrown.
#[derive(Debug)]
pub enum Behavior {
    /// "None: thrown for each instance completing."
    Each,
    /// "One: thrown upon the first instance completing."
    First,
    /// "Complex": when this holds.
    When(Expr),
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
        let mut effects = self.thrown(view, *scope)?;
        let gives = self.collect.as_ref().map(|(give, _)| view.eval(give)).transpose()?;
        let next = started.to_usize().unwrap_or(items.len());
        let last = next >= items.len() && view.state.scopes.of(Owner::Scope(outer.id)).nth(1).is_none();
        if last || self.until.as_ref().map(|until| view.truth(until)).transpose()?.unwrap_or(false) {
            effects.extend(self.collected(outputs, *index, gives));
            return Ok(Move::then_pass(effects));
        }
        let at = u16::try_from(*index).unwrap_or(u16::MAX).saturating_add(OUTPUTS as u16);
        let mut kept: Vec<(u16, Value)> = gives.into_iter().map(|value| (at, value)).collect();
        let begins = items.get(next).map(|item| round(view, next, item));
        if begins.is_some() {
            kept.push((0, Value::Number(next.saturating_add(1).into())));
        }
        let rounds = begins.into_iter().collect();
        Ok(Move { effects, next: Next::Rounds(kept, rounds) })
    }
}

/// Most rounds of a count: as many as an instance may have tokens.
const MAX_ROUNDS: usize = 10_000;

/// The outer scope keeps how many rounds have begun, the list, and then what each round gave.
const OUTPUTS: usize = 2;

impl MultiInstance {
    /// What the completion of a round throws.
    fn thrown(&self, view: &View<'_>, round: ScopeId) -> Result<Vec<Effect>, Fault> {
        let mut effects = Vec::new();
        for throw in &self.throws {
            let thrown = match &throw.when {
                Behavior::Each => true,
                Behavior::First => Counts::of(view.state, round).is_some_and(|counts| counts.completed == 1),
                Behavior::When(condition) => view.truth(condition)?,
            };
            if thrown {
                effects.extend(throw.element.room().enter(view)?.effects);
            }
        }
        Ok(effects)
    }

    fn collected(&self, outputs: &[Value], index: u32, gives: Option<Value>) -> Vec<Effect> {
        let Some((_, into)) = &self.collect else { return Vec::new() };
        let mut outputs = outputs.to_vec();
        if let (Some(slot), Some(value)) = (outputs.get_mut(index as usize), gives) {
            *slot = value;
        }
        vec![Effect::Assign(*into, Value::list(outputs))]
    }
}

/// Where a round stands among its siblings: BPMN's attributes of loops.
pub(super) struct Counts {
    /// The number of the round, from 1.
    pub counter: u32,
    /// How many rounds there are in all; none in a loop without a fixed number.
    pub instances: Option<usize>,
    /// How many of them run.
    pub active: usize,
    /// How many of them have completed.
    pub completed: usize,
}

impl Counts {
    /// Those of the innermost round around a scope. A round in which nothing is left has completed.
    pub fn of(state: &State, scope: ScopeId) -> Option<Self> {
        let round = std::iter::successors(state.scope(scope), |scope| state.scope(scope.parent?))
            .find(|scope| scope.kind == ScopeKind::Round)?;
        let outer = round.parent.and_then(|parent| state.scope(parent))?;
        let open = state.scopes.of(Owner::Scope(outer.id)).count();
        let lives = state.is_occupied(round.id);
        let active = if lives { open } else { open.saturating_sub(1) };
        let counter = round.index.saturating_add(1);
        let (begun, instances) = match &*outer.vars {
            [Value::Number(begun), Value::List(items), ..] => (begun.to_usize().unwrap_or_default(), Some(items.len())),
            _ => (usize::try_from(counter).unwrap_or(usize::MAX), None),
        };
        Some(Self { counter, instances, active, completed: begun.saturating_sub(active) })
    }
}

fn round(view: &View<'_>, at: usize, item: &Value) -> Round {
    let index = u32::try_from(at).unwrap_or(u32::MAX);
    Round { node: view.node, index, vars: vec![item.clone()] }
}
