//! Compensation (S13): what completed is kept with the variables in sight; a throw runs the handlers, the last completed first.
//!
//! The handler of an activity runs in scopes that are as they were when it completed, one for each that was around it. What it
//! assigns, it also assigns to those that still live. The token of the throw waits for these scopes, and goes on to the next activity
//! when they end.

use super::step::{Step, Turn};
use crate::element::Element;
use crate::element::definition::Trigger;
use crate::element::room::{Event, Given};
use crate::graph::NodeIx;
use crate::instance::fact::Opened;
use crate::instance::state::Compensable;
use crate::instance::{Fact, Owner, Place, ScopeId, ScopeKind, Token, TokenId, WaitKind};

impl Turn<'_> {
    /// An activity was left as completed: what compensates it later is kept.
    pub fn completed(&mut self, token: TokenId, node: NodeIx) {
        if !self.def.compensations.contains_key(&node) {
            return;
        }
        let Some(scope) = self.run.state.token(token).map(|found| found.scope) else { return };
        let hosted = |found: &&crate::instance::Scope| found.node == node;
        let own = self.run.state.scopes.of(Owner::Token(token)).find(hosted).map(|found| found.id);
        // A sub-process is kept when its scope completes, before that is closed.
        if own.is_some() || !self.def.scopes.contains_key(&node) {
            self.keep(scope, node, own);
        }
    }

    /// A sub-process or a round completed.
    pub fn scope_completed(&mut self, scope: ScopeId) {
        let Some(found) = self.run.state.scope(scope) else { return };
        if let (Some(parent), true) = (found.parent, self.def.compensations.contains_key(&found.node)) {
            self.keep(parent, found.node, Some(scope));
        }
    }

    fn keep(&mut self, scope: ScopeId, node: NodeIx, own: Option<ScopeId>) {
        let round = own.and_then(|own| self.run.state.scope(own)).map(|found| found.kind);
        let Some(how) = self.def.compensations.get(&node) else { return };
        let is_loop = matches!(self.def.element(node), Some(Element::MultiInstance(_) | Element::Repeat(_)));
        // Of a loop it is the rounds that are compensated, of an approval the whole.
        let fits = is_loop == (round == Some(ScopeKind::Round));
        let handled = how.handler.is_some() || how.border.is_some() && fits;
        if handled || self.run.state.compensable.iter().any(|done| own == Some(done.scope)) {
            let number = self.number();
            self.fact(Fact::Compensable(scope, node, number, own));
        }
    }

    /// A token throws compensation; unless it waits, another goes on.
    pub fn compensate(&mut self, token: TokenId, node: NodeIx, waits: bool) -> Step {
        self.stay(token, node)?;
        // What completes from now on is not compensated by this throw.
        let bound = self.number();
        self.arm_wait(Owner::Token(token), node, WaitKind::Scopes, bound);
        if !waits {
            let scope = self.run.state.token(token).map_or(0, |found| found.scope);
            self.branch_off(scope, self.def.graph.outgoing(node));
        }
        self.compensate_next(token)
    }

    /// A cancel end event: what runs in the transaction ends, then what completed in it is compensated.
    pub fn cancel_scope(&mut self, token: TokenId, node: NodeIx) -> Step {
        let Some(scope) = self.run.state.token(token).map(|found| found.scope) else { return Ok(()) };
        self.empty(scope, "canceled");
        self.disarm(Owner::Scope(scope), "canceled");
        let id = self.number();
        self.fact(Fact::Born(Token { id, scope, place: Place::In(node) }));
        let bound = self.number();
        self.arm_wait(Owner::Token(id), node, WaitKind::Scopes, bound);
        self.compensate_next(id)
    }

    /// All of it is compensated: the transaction is left by the cancel event at its border.
    pub fn canceled_scope(&mut self, token: TokenId) -> Step {
        let scope = self.run.state.token(token).and_then(|found| self.run.state.scope(found.scope));
        let Some(host) = scope.and_then(|scope| scope.host) else { return Ok(()) };
        let borders = self.run.state.node_of(host).map(|node| self.def.boundaries_of(node)).unwrap_or_default();
        let cancels = |border: &&NodeIx| self.triggers(**border).iter().any(|found| matches!(found, Trigger::Cancel));
        let Some(border) = borders.iter().find(cancels).copied() else { return Ok(()) };
        self.at_border(host, border, true, &Event::Compensated, &Given::default())
    }

    /// The last completed activity that the throw means; when there is none left, the throw is done.
    fn compensate_next(&mut self, token: TokenId) -> Step {
        let throw = self.run.state.waits.of(Owner::Token(token)).find(|wait| wait.kind == WaitKind::Scopes);
        let Some((node, bound)) = throw.map(|wait| (wait.node, wait.count)) else { return Ok(()) };
        let activity = match self.def.element(node) {
            Some(Element::CompensationThrow(throw)) => throw.activity,
            _ => None,
        };
        let scopes = self.reach(token, activity);
        let meant = |done: &&Compensable| {
            done.number < bound && scopes.contains(&done.scope) && activity.is_none_or(|activity| done.node == activity)
        };
        match self.run.state.compensable.iter().rev().find(meant).map(|done| done.number) {
            Some(number) => self.undo_activity(token, number),
            None => self.resume_at(token, node, &Event::Compensated, &Given::default()),
        }
    }

    /// The scopes whose activities a throw reaches: its own, of a handler also the one it belongs to; of one activity, that of the activity.
    fn reach(&self, token: TokenId, activity: Option<NodeIx>) -> Vec<ScopeId> {
        let mut at = self.run.state.token(token).and_then(|found| self.run.state.scope(found.scope));
        if let (Some(activity), Some(scope)) = (activity, at) {
            let around = self.run.state.enclosing(scope.id, self.def.graph.scope(activity));
            return around.map(|found| found.id).into_iter().collect();
        }
        let mut scopes = Vec::new();
        while let Some(scope) = at {
            scopes.push(scope.id);
            let parent = scope.parent.filter(|_| scope.kind == ScopeKind::Handler);
            at = parent.and_then(|parent| self.run.state.scope(parent));
        }
        scopes
    }

    /// Runs the handler of a completed activity; without one, what completed inside it is compensated.
    fn undo_activity(&mut self, token: TokenId, number: u32) -> Step {
        let Some(done) = self.run.state.compensable.iter().find(|done| done.number == number) else { return Ok(()) };
        let (node, mut parent, seen) = (done.node, done.scope, done.seen.clone());
        let how = self.def.compensations.get(&node).copied().unwrap_or_default();
        for past in seen.into_iter().rev() {
            let scope = self.number();
            let (host, kind) = (Some(token), ScopeKind::Compensation);
            self.fact(Fact::Opened(Opened { scope, node: past.node, parent, host, kind, vars: past.vars, index: 0 }));
            parent = scope;
        }
        let inner = how.border.is_none().then_some(parent);
        self.fact(Fact::Compensating(number, node, inner));
        match how.border.or(how.handler) {
            Some(handler) => self.open_scope(ScopeKind::Handler, handler, parent, None, 0, Vec::new()),
            None => self.look_at_scope(parent),
        }
    }

    /// Nothing runs any more in a scope of compensation: the next activity inside it, the scope around it, or back to the throw.
    pub fn compensated(&mut self, scope: ScopeId) -> Step {
        let Some(found) = self.run.state.scope(scope) else { return Ok(()) };
        let (Some(host), parent) = (found.host, found.parent) else { return Ok(()) };
        let handled = self.def.compensations.get(&found.node).is_some_and(|how| how.handler.is_some());
        let last = self.run.state.compensable.iter().rev().find(|done| done.scope == scope && !handled);
        if let Some(number) = last.map(|done| done.number) {
            return self.undo_activity(host, number);
        }
        self.close(scope, "compensated");
        let around = parent.and_then(|parent| self.run.state.scope(parent));
        match around.filter(|around| around.kind == ScopeKind::Compensation && around.host == Some(host)) {
            Some(around) => self.look_at_scope(around.id),
            None => self.compensate_next(host),
        }
    }
}
