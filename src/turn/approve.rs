//! Approvals: nobody decides twice in one.

use super::Refused;
use super::step::{Step, Turn};
use crate::element::Element;
use crate::element::approval::{APPROVED, REJECTED, has_decided};
use crate::graph::NodeIx;
use crate::instance::rows::Values;
use crate::instance::{Owner, ScopeId, TaskRow, WaitKind};
use crate::model::{Name, Ref};

impl Turn<'_> {
    /// Refuses what would let a person decide twice: who has decided, or has a task of his own, gets no other of the same approval.
    pub fn check_twice(&self, row: &TaskRow, who: Option<&Ref>) -> Step {
        let Some((who, round)) = who.zip(self.round_of(row)) else { return Ok(()) };
        let why = if has_decided(&self.run.state, round, who) {
            "has decided already"
        } else if row.assignee.as_ref() != Some(who) && self.has_another(round, who)? {
            "has a task of his own"
        } else {
            return Ok(());
        };
        let message = format!("{} {why} in {}: nobody decides twice", who.id, row.step);
        Err(Refused::Step { code: Name::new("decides_twice"), message, with: Values::new() }.into())
    }

    /// Whether this outcome is a decision.
    pub fn is_decision(outcome: &str) -> bool {
        matches!(outcome, APPROVED | REJECTED)
    }

    /// The round of an approval that a task is of.
    fn round_of(&self, row: &TaskRow) -> Option<ScopeId> {
        let wait = self.run.state.wait(row.wait)?;
        self.is_approval(self.def.graph.scope(wait.node)).then_some(())?;
        let Owner::Token(token) = wait.owner else { return None };
        self.run.state.token(token).map(|found| found.scope)
    }

    fn is_approval(&self, node: NodeIx) -> bool {
        matches!(self.def.element(node), Some(Element::Approval(_)))
    }

    /// Whether another open task of the approval is this person's.
    fn has_another(&self, round: ScopeId, who: &Ref) -> Step<bool> {
        let state = &self.run.state;
        let Some(outer) = state.scope(round).and_then(|found| found.parent) else { return Ok(false) };
        let others = state.scopes.of(Owner::Scope(outer)).filter(|other| other.id != round);
        let tokens = others.flat_map(|other| state.tokens.of(Owner::Scope(other.id)));
        for wait in tokens.flat_map(|token| state.waits.of(Owner::Token(token.id))) {
            if let WaitKind::Task(task) = wait.kind
                && self.world.task(task)?.is_some_and(|row| row.assignee.as_ref() == Some(who))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
