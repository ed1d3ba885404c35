//! Scopes: opened by a token that waits for them, completed when nothing is left in them, closed with everything inside.

use super::brought::Woken;
use super::incident::About;
use super::step::{Step, Turn};
use crate::element::Element;
use crate::element::definition::ScopeInfo;
use crate::element::room::{Event, Given, Round};
use crate::graph::NodeIx;
use crate::instance::fact::Opened;
use crate::instance::state::During;
use crate::instance::{
    Fact, Owner, Payload, Place, Receiver, Resolution, ScopeId, ScopeKind, Status, Token, TokenId, WaitId, WaitKind,
};
use crate::model::{Name, Value};

impl Turn<'_> {
    /// Opens a scope of `node` inside the node where `token` waits.
    pub fn open(&mut self, token: TokenId, node: NodeIx) -> Step {
        let Some(parent) = self.run.state.token(token).map(|found| found.scope) else { return Ok(()) };
        self.open_scope(ScopeKind::Sub, node, parent, Some(token), 0, Vec::new())
    }

    /// Opens a scope with its variables, its handlers and its first token.
    pub fn open_scope(
        &mut self,
        kind: ScopeKind,
        node: NodeIx,
        parent: ScopeId,
        host: Option<TokenId>,
        index: u32,
        given: Vec<Value>,
    ) -> Step {
        let Some(info) = self.def.scopes.get(&node) else { return Ok(()) };
        let vars = self.starting_values(info, given);
        let scope = self.number();
        self.fact(Fact::Opened(Opened { scope, node, parent, host, kind, vars, index }));
        self.set_initials(info, scope)?;
        for handler in &info.handlers {
            self.arm_event(Owner::Scope(scope), *handler)?;
        }
        let id = self.number();
        self.fact(Fact::Born(Token { id, scope, place: Place::Entering(info.entry) }));
        self.schedule(id);
        Ok(())
    }

    fn starting_values(&self, info: &ScopeInfo, given: Vec<Value>) -> Vec<Value> {
        let mut vars = given;
        vars.resize(info.vars.len().max(vars.len()), Value::NULL);
        vars
    }

    /// Variables with an `initial` take it, in written order: each may read those before it.
    pub fn set_initials(&mut self, info: &ScopeInfo, scope: ScopeId) -> Step {
        for (at, var) in info.vars.iter().enumerate() {
            let empty = self.run.state.scope(scope).and_then(|found| found.vars.get(at)).is_none_or(Value::is_null);
            let (Some(initial), true) = (&var.initial, empty) else { continue };
            let given = Given::default();
            let value = self.view(info.entry, 0, scope, &given).eval(initial);
            match value {
                Ok(value) => self.fact(Fact::Assigned(scope, u16::try_from(at).unwrap_or(u16::MAX), value)),
                Err(fault) => {
                    self.report(fault, About { scope: Some(scope), node: info.entry, ..About::default() });
                }
            }
        }
        Ok(())
    }

    /// After an incident of a variable that could not begin: those of the scope that are empty begin now.
    pub fn begin_variables(&mut self, scope: ScopeId, how: &Resolution) -> Step {
        let found = self.run.state.scope(scope).filter(|_| matches!(how, Resolution::Retry));
        match found.and_then(|found| self.def.scopes.get(&found.node)) {
            Some(info) => self.set_initials(info, scope),
            None => Ok(()),
        }
    }

    /// Opens an outer scope that holds rounds, and the first rounds in it.
    pub fn open_rounds(&mut self, token: TokenId, node: NodeIx, vars: Vec<Value>, rounds: Vec<Round>) -> Step {
        let Some(parent) = self.run.state.token(token).map(|found| found.scope) else { return Ok(()) };
        let scope = self.number();
        let kind = ScopeKind::Sub;
        self.fact(Fact::Opened(Opened { scope, node, parent, host: Some(token), kind, vars, index: 0 }));
        for round in rounds {
            self.open_scope(ScopeKind::Round, round.node, scope, Some(token), round.index, round.vars)?;
        }
        Ok(())
    }

    /// Keeps values in the outer scope and opens further rounds in it.
    pub fn more_rounds(&mut self, token: TokenId, node: NodeIx, vars: Vec<(u16, Value)>, rounds: Vec<Round>) -> Step {
        let outer = self
            .run
            .state
            .scopes
            .of(Owner::Token(token))
            .find(|scope| scope.host == Some(token) && scope.node == node && scope.kind == ScopeKind::Sub);
        let Some(outer) = outer.map(|scope| scope.id) else { return Ok(()) };
        for (at, value) in vars {
            self.fact(Fact::Assigned(outer, at, value));
        }
        for round in rounds {
            self.open_scope(ScopeKind::Round, round.node, outer, Some(token), round.index, round.vars)?;
        }
        Ok(())
    }

    /// Closes every scope that the token waits for, with everything inside.
    pub fn close_hosted(&mut self, token: TokenId, reason: &str) -> Step {
        let hosted: Vec<ScopeId> = self.run.state.scopes.of(Owner::Token(token)).map(|scope| scope.id).collect();
        for scope in hosted {
            self.close(scope, reason);
        }
        Ok(())
    }

    /// Closes a scope with everything inside: tokens, tasks, timers, called processes (S12).
    pub fn close(&mut self, scope: ScopeId, reason: &str) {
        if self.run.state.scope(scope).is_none() {
            return;
        }
        self.empty(scope, reason);
        self.disarm(Owner::Scope(scope), reason);
        self.mend_scope(scope, true, reason);
        self.fact(Fact::Closed(scope));
    }

    /// Ends what runs in a scope; the scope itself stays. Inner scopes have higher numbers: they go first.
    pub fn empty(&mut self, scope: ScopeId, reason: &str) {
        for inner in self.inside(scope) {
            self.end_tokens(inner, reason);
            self.disarm(Owner::Scope(inner), reason);
            self.mend_scope(inner, true, reason);
            self.fact(Fact::Closed(inner));
        }
        self.end_tokens(scope, reason);
    }

    fn end_tokens(&mut self, scope: ScopeId, reason: &str) {
        let tokens: Vec<TokenId> = self.run.state.tokens.of(Owner::Scope(scope)).map(|token| token.id).collect();
        for token in tokens {
            self.disarm(Owner::Token(token), reason);
            self.mend_of(token, reason);
            self.fact(Fact::Ended(token));
        }
    }

    /// The scopes in this one, however deep, the last first.
    fn inside(&self, scope: ScopeId) -> Vec<ScopeId> {
        let inner = |scope| self.run.state.scopes.of(Owner::Scope(scope)).map(|inner| inner.id);
        let mut found: Vec<ScopeId> = inner(scope).collect();
        let mut at = 0;
        while let Some(scope) = found.get(at).copied() {
            found.extend(inner(scope));
            at = at.saturating_add(1);
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found
    }

    /// Completes a scope in which nothing is left.
    pub fn look_at_scope(&mut self, scope: ScopeId) -> Step {
        let Some(found) = self.run.state.scope(scope) else { return Ok(()) };
        if self.run.state.tokens.of(Owner::Scope(scope)).next().is_some() {
            return Ok(());
        }
        if self.run.state.scopes.of(Owner::Scope(scope)).next().is_some() {
            if !found.closing {
                self.disarm(Owner::Scope(scope), "completing");
                self.fact(Fact::Closing(scope));
            }
            return Ok(());
        }
        self.complete(scope)
    }

    fn complete(&mut self, scope: ScopeId) -> Step {
        let Some(found) = self.run.state.scope(scope) else { return Ok(()) };
        let parent = found.parent;
        match found.kind {
            ScopeKind::Process => self.finish_instance(Status::Completed, "completed"),
            ScopeKind::Compensation => self.compensated(scope),
            ScopeKind::Handler => {
                self.close(scope, "completed");
                parent.map_or(Ok(()), |parent| self.look_at_scope(parent))
            }
            ScopeKind::Sub | ScopeKind::Round => self.scope_done(scope),
        }
    }

    /// The host of a completed scope decides how it goes on; it still sees the scope's variables.
    fn scope_done(&mut self, scope: ScopeId) -> Step {
        let Some(found) = self.run.state.scope(scope) else { return Ok(()) };
        let event = Event::ScopeDone { scope, index: found.index, node: found.node };
        let Some(host) = found.host else {
            self.close(scope, "completed");
            return Ok(());
        };
        let Some((node, element)) = self.run.state.node_of(host).and_then(|node| Some((node, self.def.element(node)?)))
        else {
            return Ok(());
        };
        let given = Given::default();
        let decided = element.room().resume(&self.view(node, host, scope, &given), &event);
        match decided {
            Ok(decided) => {
                if !self.def.compensations.is_empty() {
                    self.scope_completed(scope);
                }
                self.close(scope, "completed");
                self.act(host, node, decided, Woken::default())
            }
            Err(fault) if self.is_caught(host, node, &fault) => {
                self.close(scope, "completed");
                self.throw(host, node, fault, false)
            }
            // What was done inside stays done: the scope is looked at again when the incident is mended.
            Err(fault) => {
                self.raise(Some(host), node, fault, During::Completing);
                Ok(())
            }
        }
    }

    /// The scopes inside that completed without it being known what follows: it is decided again.
    pub fn decide_again(&mut self, host: TokenId) -> Step {
        self.mend_of(host, "retried");
        let state = &self.run.state;
        let hosted = state.scopes.of(Owner::Token(host)).map(|scope| scope.id);
        let done: Vec<ScopeId> = hosted.filter(|scope| !state.is_occupied(*scope)).collect();
        done.into_iter().try_for_each(|scope| self.scope_done(scope))
    }

    /// Everything in the token's scope ends; the scope then leaves by its normal flow (S12).
    pub fn terminate(&mut self, token: TokenId) -> Step {
        let Some(scope) = self.run.state.token(token).map(|found| found.scope) else { return Ok(()) };
        self.empty(scope, "terminated");
        self.complete(scope)
    }

    /// The list of the innermost enclosing stage scope begins anew.
    pub fn again_stage(&mut self, token: TokenId) -> Step {
        let mut scope = self.run.state.token(token).map(|found| found.scope);
        while let Some(found) = scope.and_then(|id| self.run.state.scope(id)) {
            let host = found.host;
            let node = host.and_then(|host| self.run.state.node_of(host));
            if let (Some(host), Some(node)) = (host, node)
                && matches!(self.def.element(node), Some(Element::StageScope(_)))
            {
                return self.begin_stage_anew(host, node);
            }
            scope = found.parent;
        }
        Ok(())
    }

    fn begin_stage_anew(&mut self, host: TokenId, node: NodeIx) -> Step {
        let wait: Option<WaitId> = self
            .run
            .state
            .waits
            .of(Owner::Token(host))
            .find(|wait| wait.node == node && matches!(wait.kind, WaitKind::Stage(..)))
            .map(|wait| wait.id);
        self.close_hosted(host, "again")?;
        self.consume(wait);
        self.enter(host, node)
    }

    /// The run ends; whoever called it is told.
    pub fn finish_instance(&mut self, status: Status, reason: &str) -> Step {
        if self.run.state.status.is_over() {
            return Ok(());
        }
        let waiting = self.run.state.caller.as_deref().cloned().map(|caller| (caller, self.results()));
        self.end_instance(status, reason);
        let Some((caller, result)) = waiting else { return Ok(()) };
        let payload = match status {
            Status::Completed => Payload::Returned(result),
            // Canceled by its own caller: that one waits no more.
            _ if self.context.depth > 0 && reason != "record_deleted" => return Ok(()),
            _ => Payload::Thrown {
                code: Name::new("canceled"),
                with: vec![(Name::new("reason"), Value::text(reason))],
                escalation: false,
                results: Vec::new(),
                ended: true,
            },
        };
        self.react(Receiver::Wait(caller.instance, caller.wait), payload);
        Ok(())
    }

    /// Everything in the run ends, and the run with it.
    pub fn end_instance(&mut self, status: Status, reason: &str) {
        self.empty(0, reason);
        self.disarm(Owner::Scope(0), reason);
        while let Some(incident) = self.run.state.incidents.first() {
            self.fact(Fact::Mended(incident.id, reason.to_string()));
        }
        self.fact(Fact::Finished(status));
    }

    /// What the run returned by name, and its `out` parameters.
    pub fn results(&self) -> Vec<(Name, Value)> {
        let mut results = self.run.state.result.to_vec();
        let vars = self.run.state.scope(0).map(|scope| &*scope.vars).unwrap_or_default();
        for (param, value) in self.def.params.iter().zip(vars) {
            if param.out && !results.iter().any(|(name, _)| *name == param.name) {
                results.push((param.name.clone(), value.clone()));
            }
        }
        results
    }
}
