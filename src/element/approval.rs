//! `approve`: several people decide, each in a task of his own and nobody twice: a user task with multiple instances and a completion
//! condition of its own.
//!
//! Decided as soon as it is certain: approved when enough have approved, rejected when after the rejections enough no longer can, void
//! when after what was withdrawn they no longer can, or when there is nobody to ask. Then the tasks that are left are withdrawn.

use super::definition::{Assignment, VarRef};
use super::room::{Effect, Event, Fault, Move, Next, Room, Round, View};
use crate::instance::rows::Values;
use crate::instance::{ScopeId, State};
use crate::model::{Name, Null, Ref, Type, Value};

/// Several people decide.
#[derive(Debug)]
pub struct Approval {
    /// Who: a user or a list of them, or whoever has a role.
    pub by: Vec<Assignment>,
    /// How many must approve.
    pub rule: Rule,
    /// The variable that takes who decided what.
    pub collect: Option<VarRef>,
    /// The position of the flow behind an approval.
    pub approved: usize,
    /// The position of the flow behind a rejection.
    pub rejected: usize,
    /// The position of the flow when it came to nothing; an incident when none.
    pub void: Option<usize>,
}

/// How many must approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Everybody: one rejection is enough to reject.
    All,
    /// One: rejected when everybody rejects.
    Any,
    /// So many.
    AtLeast(usize),
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Approved,
    Rejected,
    Void,
}

/// What approves.
pub const APPROVED: &str = "approved";
/// What rejects.
pub const REJECTED: &str = "rejected";
/// What withdraws a task: no decision.
pub const WITHDRAWN: &str = "canceled";

impl Room for Approval {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let asked = self.asked(view)?;
        let needed = self.needed(asked.len());
        if asked.is_empty() {
            return self.leave(view, Verdict::Void, &[]);
        }
        if needed > asked.len() {
            let text = format!("{needed} must approve, and {} are asked", asked.len());
            return Err(Fault::new("too_few_approvers", text));
        }
        let rounds =
            asked.iter().zip(0..).map(|(who, index)| Round { node: view.node, index, vars: vec![who.clone()] });
        let rounds = rounds.collect();
        let mut outer = vec![Value::Number(asked.len().into()), Value::list(asked.iter().cloned())];
        outer.resize(asked.len().saturating_add(DECISIONS), Value::Null(Null::Empty));
        Ok(Move::only(Next::OpenRounds(outer, rounds)))
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        let Event::ScopeDone { scope, index, .. } = event else { return Ok(Move::only(Next::Stay)) };
        let Some(round) = view.state.scope(*scope) else { return Ok(Move::only(Next::Stay)) };
        let decision = round.vars.get(DECISION).cloned().unwrap_or(Value::NULL);
        let mut decisions = decisions(view.state, *scope).to_vec();
        if let Some(slot) = usize::try_from(*index).ok().and_then(|at| decisions.get_mut(at)) {
            *slot = decision.clone();
        }
        // Void without a way on is one incident: what is decided afterwards only adds to it.
        let is_open = view.state.incident_of(view.token).is_some();
        match self.verdict(&decisions).filter(|verdict| !is_open || *verdict != Verdict::Void) {
            Some(verdict) => self.leave(view, verdict, &decisions),
            None => {
                let at = u16::try_from(*index).unwrap_or(u16::MAX).saturating_add(DECISIONS as u16);
                Ok(Move::only(Next::Rounds(vec![(at, decision)], Vec::new())))
            }
        }
    }
}

/// The outer scope keeps how many are asked, whom, and then what each decided.
const DECISIONS: usize = 2;
/// The variable of a round that keeps what was decided in it; the one before is who is asked.
pub const DECISION: usize = 1;

impl Approval {
    /// Who is asked: users, each once, and roles by their names. A single one who is nobody is asked too: his task waits to be assigned.
    fn asked(&self, view: &View<'_>) -> Result<Vec<Value>, Fault> {
        let mut asked: Vec<Value> = Vec::new();
        for by in &self.by {
            let found = match by {
                Assignment::Role(role) => Value::text(&**role),
                Assignment::RoleOf(who) | Assignment::User(who) => view.eval(who)?,
                Assignment::Var(_) => continue,
            };
            let is_list = matches!(by, Assignment::User(who) if matches!(who.ty(), Type::List(_)));
            let (several, one) = match &found {
                Value::List(users) => (&**users, None),
                Value::Null(_) if is_list => (&[][..], None),
                one => (&[][..], Some(one)),
            };
            for who in several.iter().filter(|who| !who.is_null()).chain(one) {
                if !matches!(who, Value::Ref(_)) || !asked.contains(who) {
                    asked.push(who.clone());
                }
            }
        }
        Ok(asked)
    }

    fn needed(&self, asked: usize) -> usize {
        match self.rule {
            Rule::All => asked,
            Rule::Any => 1,
            Rule::AtLeast(count) => count,
        }
    }

    fn verdict(&self, decisions: &[Value]) -> Option<Verdict> {
        let count =
            |outcome: &str| decisions.iter().filter(|found| outcome_of(found).as_deref() == Some(outcome)).count();
        let needed = self.needed(decisions.len());
        let left = decisions.len().saturating_sub(count(REJECTED));
        if count(APPROVED) >= needed {
            return Some(Verdict::Approved);
        }
        if left < needed {
            return Some(Verdict::Rejected);
        }
        (left.saturating_sub(count(WITHDRAWN)) < needed).then_some(Verdict::Void)
    }

    fn leave(&self, view: &View<'_>, verdict: Verdict, decisions: &[Value]) -> Result<Move, Fault> {
        let flow = match verdict {
            Verdict::Approved => Some(self.approved),
            Verdict::Rejected => Some(self.rejected),
            Verdict::Void => self.void,
        };
        let Some(flow) = flow else {
            let (code, text) = (Name::new("nobody_to_approve"), "nobody is left to approve: a retry asks anew");
            return Ok(Move::only(Next::Stop(code, Values::new(), text.to_string())));
        };
        let missing = || Fault::new("broken_definition", "the flow of an outcome is missing");
        let decided = decisions.iter().filter(|found| is_decision(found)).cloned();
        let effects = self.collect.map(|into| Effect::Assign(into, Value::list(decided))).into_iter().collect();
        Ok(Move { effects, next: Next::TakeOne(view.flow(flow).ok_or_else(missing)?) })
    }
}

/// What has been decided so far in the approval of which this scope is a round.
fn decisions(state: &State, round: ScopeId) -> &[Value] {
    let outer = state.scope(round).and_then(|round| state.scope(round.parent?));
    outer.and_then(|outer| outer.vars.get(DECISIONS..)).unwrap_or_default()
}

/// Whether a person has decided already in the approval of which this scope is a round.
pub fn has_decided(state: &State, round: ScopeId, who: &Ref) -> bool {
    let own = |found: &&Value| part(found, "by") == Some(Value::Ref(who.clone()));
    decisions(state, round).iter().filter(own).any(is_decision)
}

fn is_decision(found: &Value) -> bool {
    outcome_of(found).is_some_and(|outcome| outcome != WITHDRAWN)
}

fn outcome_of(decision: &Value) -> Option<String> {
    part(decision, "outcome").map(|outcome| outcome.to_string())
}

fn part(decision: &Value, name: &str) -> Option<Value> {
    let Value::Map(parts) = decision else { return None };
    parts.get(&Name::new(name)).cloned()
}
