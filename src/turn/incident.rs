//! Incidents: a token that stands still, visibly, with the ways to go on.

use super::Refused;
use super::brought::{Woken, bring};
use super::step::{Step, Turn};
use crate::element::Element;
use crate::element::room::{Event, Fault, Given, Move, Next};
use crate::element::rules;
use crate::graph::NodeIx;
use crate::instance::rows::Values;
use crate::instance::state::{During, Incident};
use crate::instance::{Brought, Fact, Id, Owner, Place, Resolution, ScopeId, TokenId, Wait, WaitId, WaitKind};
use crate::model::Name;

impl Turn<'_> {
    /// An incident arises. A token about to enter the node stands in it from now on; one that arrived at a join stays on its flow.
    pub fn raise(&mut self, token: Option<TokenId>, node: NodeIx, fault: Fault, during: During) {
        self.report(fault, About { token, node, during, ..About::default() });
    }

    /// An incident, and what it is about.
    pub fn report(&mut self, fault: Fault, about: About) {
        let About { token, scope, wait, node, during, brought } = about;
        if during != During::Waiting
            && let Some(token) = token
            && self.run.state.token(token).is_some_and(|found| found.place != Place::In(node))
            && !self.has_arrived(token, node)
        {
            self.fact(Fact::Placed(token, Place::In(node)));
        }
        let id = self.context.ids.next_id();
        let note = super::IncidentNote { id, code: fault.code.clone(), message: fault.message.clone() };
        self.out.answer.incidents.push(note);
        self.fact(Fact::Raised(Box::new(Incident {
            id,
            token,
            node,
            code: fault.code,
            message: fault.message,
            with: fault.with.into_iter().collect(),
            since: self.context.now.timestamp_micros(),
            during,
            brought: brought.map(Box::new),
            scope,
            wait,
        })));
    }

    /// The incident of a token closes, with the reason (S22).
    pub fn mend_of(&mut self, token: TokenId, reason: &str) {
        if self.run.state.incidents.is_empty() {
            return;
        }
        let open: Vec<Id> = self
            .run
            .state
            .incidents
            .iter()
            .filter(|incident| incident.token == Some(token))
            .map(|incident| incident.id)
            .collect();
        for id in open {
            self.fact(Fact::Mended(id, reason.to_string()));
        }
    }

    /// The incidents of a scope that ends close; while it goes on, those of its handlers that are withdrawn.
    pub fn mend_scope(&mut self, scope: ScopeId, ends: bool, reason: &str) {
        let over = |incident: &&Incident| incident.scope == Some(scope) && (ends || incident.during == During::Waiting);
        let open: Vec<Id> = self.run.state.incidents.iter().filter(over).map(|incident| incident.id).collect();
        for id in open {
            self.fact(Fact::Mended(id, reason.to_string()));
        }
    }

    /// Somebody mends an incident.
    pub fn mend(&mut self, id: Id, how: Resolution) -> Step {
        let incident = self.run.state.incidents.iter().find(|incident| incident.id == id).cloned();
        let incident = incident
            .ok_or_else(|| Refused::Unknown(format!("expected an open incident, found none with the id {id}")))?;
        if incident.during == During::Waiting && self.is_beside(&incident) {
            return self.mend_waiting(&incident, &how);
        }
        let Some(token) = incident.token else {
            self.fact(Fact::Mended(id, "retried".to_string()));
            return match incident.scope {
                Some(scope) => self.begin_variables(scope, &how),
                None => self.start_waiting_tokens(),
            };
        };
        match how {
            Resolution::Retry if incident.during == During::Completing => self.decide_again(token),
            Resolution::Retry if let Some(brought) = &incident.brought => {
                self.mend_of(token, "retried");
                self.take_brought(token, incident.node, brought)
            }
            Resolution::Retry => {
                let at = match self.def.element(incident.node) {
                    Some(Element::IncidentStep(step)) => step.retry_at.unwrap_or(incident.node),
                    _ => incident.node,
                };
                self.put(token, at, "retried")
            }
            Resolution::Way(Some(way), _) => self.way_out(token, incident.node, &way),
            Resolution::Way(None, values) => {
                self.set_by_hand(token, &values)?;
                self.completed(token, incident.node);
                let scope = self.run.state.token(token).map_or(0, |found| found.scope);
                self.skip(token, incident.node, "completed by hand")?;
                self.finished_in(scope, incident.node)
            }
            Resolution::Skip => self.skip(token, incident.node, "skipped"),
        }
    }

    /// Whether an incident is that of an event beside the step: of a boundary, a handler or a race.
    fn is_beside(&self, incident: &Incident) -> bool {
        let at = incident.token.and_then(|token| self.run.state.node_of(token));
        at != Some(incident.node)
    }

    /// The event is waited for again; without it when that is what was decided. The step beside it is left alone.
    fn mend_waiting(&mut self, incident: &Incident, how: &Resolution) -> Step {
        let again = matches!(how, Resolution::Retry);
        self.fact(Fact::Mended(incident.id, if again { "retried" } else { "skipped" }.to_string()));
        let wait = self.run.state.waits.iter().find(|wait| incident.is_of(wait)).cloned();
        if let Some(wait) = wait {
            return match (&wait.kind, &incident.brought) {
                (_, Some(brought)) if again => bring(brought, |event, given| self.wake(wait.id, event, given, true)),
                // Left out, a cycle goes on with its next instant.
                (WaitKind::Timer(_), Some(_)) => self.occurred(&wait),
                (WaitKind::Condition(..), _) if again => self.look_at_condition(wait.id),
                _ if again => self.follow(&wait),
                _ => Ok(()),
            };
        }
        if !again {
            return Ok(());
        }
        let listens = |node| self.def.scopes.get(&node).is_some_and(|info| info.handlers.contains(&incident.node));
        let scope = || self.run.state.scopes.iter().find(|scope| listens(scope.node)).map(|scope| scope.id);
        match incident.token.map(Owner::Token).or_else(|| incident.scope.or_else(scope).map(Owner::Scope)) {
            Some(owner) => self.arm_event(owner, incident.node),
            None => Ok(()),
        }
    }

    /// The incident of an event that has lost its instant.
    pub fn lost(&self, wait: &Wait) -> Option<Id> {
        let lost = |incident: &&Incident| incident.during == During::Waiting && incident.is_of(wait);
        self.run.state.incidents.iter().find(lost).map(|incident| incident.id)
    }

    /// A token is put before a node, to enter it again.
    pub fn put(&mut self, token: TokenId, node: NodeIx, reason: &str) -> Step {
        let name = Name::new(reason);
        self.mend_of(token, reason);
        self.close_hosted(token, &name)?;
        self.disarm(Owner::Token(token), &name);
        if !self.has_arrived(token, node) && !self.is_memory(token) {
            self.fact(Fact::Placed(token, Place::Entering(node)));
        }
        self.schedule(token);
        Ok(())
    }

    /// Whether a token waits before a join, which asks for the flows of those that do.
    fn has_arrived(&self, token: TokenId, join: NodeIx) -> bool {
        let place = self.run.state.token(token).map(|found| found.place);
        matches!(place, Some(Place::Arrived(flow)) if self.def.graph.target(flow) == Some(join))
    }

    fn way_out(&mut self, token: TokenId, node: NodeIx, way: &Name) -> Step {
        let (Some(element), Some(scope)) =
            (self.def.element(node), self.run.state.token(token).map(|found| found.scope))
        else {
            return Ok(());
        };
        let given = Given::default();
        match element.room().resume(&self.view(node, token, scope, &given), &Event::Way(way)) {
            Ok(decided) => self.act(token, node, decided, Woken::default()),
            Err(fault) => Err(Refused::Unknown(fault.message).into()),
        }
    }

    fn skip(&mut self, token: TokenId, node: NodeIx, reason: &str) -> Step {
        self.mend_of(token, reason);
        if self.is_memory(token) {
            return self.end(token);
        }
        if let (Some(scope), true) =
            (self.run.state.token(token).map(|found| found.scope), self.has_arrived(token, node))
        {
            // The join goes on with what has arrived.
            let others = rules::merged(&self.view(node, token, scope, &Given::default()));
            return self.act(token, node, Move::only(Next::Join(others)), Woken::default());
        }
        if let Some(Element::EventSubProcess(_)) = self.def.element(node) {
            self.go_into(token, node);
            return Ok(());
        }
        let flows = self.def.graph.outgoing(node);
        let one = flows.get(..1).unwrap_or_default();
        let several = matches!(self.def.element(node), Some(Element::ParallelGateway(_)));
        self.leave_by(token, node, if several { flows } else { one })
    }

    /// Variables set by the person who completed a step by hand.
    fn set_by_hand(&mut self, token: TokenId, values: &Values) -> Step {
        for (name, value) in values {
            let found = self.find_var(token, name);
            let (scope, index) = found
                .ok_or_else(|| Refused::Unknown(format!("expected a variable in sight of the step, found {name}")))?;
            self.fact(Fact::Assigned(scope, index, value.clone()));
            self.assigned = true;
        }
        Ok(())
    }

    fn find_var(&self, token: TokenId, name: &Name) -> Option<(u32, u16)> {
        let mut at = self.run.state.token(token).and_then(|found| self.run.state.scope(found.scope));
        while let Some(scope) = at {
            let vars = self.def.scopes.get(&scope.node).map(|info| info.vars.as_slice()).unwrap_or_default();
            if let Some(index) = vars.iter().position(|var| var.name == *name) {
                return Some((scope.id, u16::try_from(index).ok()?));
            }
            at = scope.parent.and_then(|parent| self.run.state.scope(parent));
        }
        None
    }

    /// After an undone turn: every token that is about to enter a node does so.
    fn start_waiting_tokens(&mut self) -> Step {
        let waiting: Vec<TokenId> = self
            .run
            .state
            .tokens
            .iter()
            .filter(|token| !matches!(token.place, Place::In(_)))
            .map(|token| token.id)
            .collect();
        for token in waiting {
            self.schedule(token);
        }
        Ok(())
    }
}

/// What an incident is about.
#[derive(Default)]
pub(super) struct About {
    pub token: Option<TokenId>,
    pub scope: Option<ScopeId>,
    pub wait: Option<WaitId>,
    pub node: NodeIx,
    pub during: During,
    pub brought: Option<Brought>,
}

impl About {
    /// About something that this owner waits for.
    pub fn waiting(owner: Owner, node: NodeIx, wait: Option<WaitId>) -> Self {
        let scope = if let Owner::Scope(scope) = owner { Some(scope) } else { None };
        Self { token: token_of(owner), scope, wait, node, during: During::Waiting, brought: None }
    }
}

/// The token that waits, when it is one.
pub(super) fn token_of(owner: Owner) -> Option<TokenId> {
    match owner {
        Owner::Token(token) => Some(token),
        Owner::Scope(_) => None,
    }
}
