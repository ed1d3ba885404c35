//! Joins that wait for whatever can still come: looked at again after every change, and reported when nothing can come any more.

use super::step::{Step, Turn};
use crate::element::room::{Fault, Given};
use crate::element::{Element, rules};
use crate::graph::{FlowIx, NodeIx};
use crate::instance::state::During;
use crate::instance::{Fact, Owner, Place, ScopeId, Token, TokenId};
use crate::model::Name;

/// The code of joins that wait for each other.
const DEADLOCK: &str = "deadlock";

/// A join at which tokens wait, with the one of them that looks around for all.
#[derive(Clone, Copy)]
struct Waiting {
    scope: ScopeId,
    node: NodeIx,
    token: TokenId,
}

/// Scopes that were touched: mostly one, again and again.
#[derive(Default)]
pub(super) struct Touched(Vec<ScopeId>);

impl Touched {
    fn add(&mut self, scope: Option<ScopeId>) {
        if scope.is_some() && self.0.last().copied() != scope {
            self.0.extend(scope);
        }
    }

    fn first(&self) -> Option<ScopeId> {
        self.0.iter().min().copied()
    }

    fn remove(&mut self, scope: ScopeId) {
        self.0.retain(|other| *other != scope);
    }

    fn take(&mut self) -> Vec<ScopeId> {
        let mut scopes = std::mem::take(&mut self.0);
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }
}

impl Turn<'_> {
    /// A fact changes the tokens of a scope: its joins are looked at anew, and no others (S1).
    pub(super) fn note_for_joins(&mut self, fact: &Fact) {
        if let Fact::Arrived(..) | Fact::Ended(_) | Fact::Mended(..) = fact {
            self.stilled.add(self.scope_of(fact));
        }
        if !self.def.joins.is_empty() {
            let scope = self.scope_of(fact);
            self.unseen.add(scope);
            self.unreported.add(scope);
        }
    }

    /// The scope whose tokens a fact changes.
    fn scope_of(&self, fact: &Fact) -> Option<ScopeId> {
        let state = &self.run.state;
        let token = match fact {
            Fact::Born(token) => return Some(token.scope),
            Fact::Passed(token, ..) | Fact::Arrived(token, _) | Fact::Ended(token) => Some(*token),
            Fact::Joined(token, _) | Fact::Stayed(token, _) | Fact::Placed(token, _) => Some(*token),
            Fact::Raised(incident) => incident.token,
            Fact::Mended(id, _) => state.incidents.iter().find(|incident| incident.id == *id).and_then(|it| it.token),
            _ => None,
        };
        token.and_then(|token| state.token(token)).map(|token| token.scope)
    }

    /// Every join of a changed scope that waits for whatever can still come is looked at (S1); true when one went on.
    pub(super) fn look_at_joins(&mut self) -> Step<bool> {
        while let Some(scope) = self.unseen.first() {
            for found in self.waiting_joins(scope) {
                let facts = self.out.facts.len();
                self.enter(found.token, found.node)?;
                if self.out.facts.len() != facts {
                    return Ok(true);
                }
            }
            self.unseen.remove(scope);
        }
        Ok(false)
    }

    /// The joins of a scope at which tokens wait, in the order of their first tokens; the memory of a join speaks before those that arrive.
    fn waiting_joins(&self, scope: ScopeId) -> Vec<Waiting> {
        let mut waiting: Vec<Waiting> = Vec::new();
        for token in self.run.state.tokens.of(Owner::Scope(scope)) {
            let Some(node) = self.waits_at(token).filter(|node| self.def.joins.contains_key(node)) else { continue };
            if self.is_scheduled(token.id) || self.is_failed(token.id) {
                continue;
            }
            match waiting.iter_mut().find(|known| known.node == node) {
                Some(known) if self.is_memory(token.id) => known.token = token.id,
                Some(_) => {}
                None => waiting.push(Waiting { scope, node, token: token.id }),
            }
        }
        waiting
    }

    fn waits_at(&self, token: &Token) -> Option<NodeIx> {
        match token.place {
            Place::Arrived(flow) => self.def.graph.target(flow),
            Place::In(node) => Some(node),
            Place::Entering(_) => None,
        }
    }

    /// Whether an incident holds the token; joins that wait for each other go on by themselves once they can.
    fn is_failed(&self, token: TokenId) -> bool {
        self.run.state.incident_of(token).is_some_and(|incident| &*incident.code != DEADLOCK)
    }

    /// Whether the token stays in a join that has gone on already, and waits there for the rest.
    pub(super) fn is_memory(&self, token: TokenId) -> bool {
        let place = self.run.state.token(token).map(|found| found.place);
        matches!(place, Some(Place::In(node)) if self.def.joins.contains_key(&node) && self.is_complex(node))
    }

    fn is_complex(&self, node: NodeIx) -> bool {
        matches!(self.def.element(node), Some(Element::ComplexGateway(_)))
    }

    /// Joins at which nothing goes on by itself any more: an incident, never a silent hang.
    pub(super) fn report_stuck_joins(&mut self) -> bool {
        let hopeless = self.report_hopeless_joins();
        self.report_starved_joins() || hopeless
    }

    /// Joins of all flows (S2), where all tokens of their scope wait at joins: what they lack never comes.
    fn report_starved_joins(&mut self) -> bool {
        let mut starved: Vec<Waiting> = Vec::new();
        for scope in self.stilled.take() {
            let tokens = || self.run.state.tokens.of(Owner::Scope(scope));
            let waits = |token: &Token| {
                matches!(token.place, Place::Arrived(_)) && self.run.state.incident_of(token.id).is_none()
            };
            if !tokens().all(waits) {
                continue;
            }
            for token in tokens() {
                let Some(node) = self.waits_at(token) else { continue };
                if !starved.iter().any(|known| (known.scope, known.node) == (scope, node)) {
                    starved.push(Waiting { scope, node, token: token.id });
                }
            }
        }
        for found in &starved {
            let fault = Fault::new(DEADLOCK, self.why_starved(*found));
            self.raise(Some(found.token), found.node, fault, During::Entering);
        }
        !starved.is_empty()
    }

    fn why_starved(&self, waiting: Waiting) -> String {
        let tokens = || self.run.state.tokens.of(Owner::Scope(waiting.scope));
        let holds = |flow: FlowIx| tokens().any(|token| token.place == Place::Arrived(flow));
        let empty = self.def.graph.incoming(waiting.node).iter().filter(|flow| !holds(**flow));
        let sources = empty.filter_map(|flow| Some(format!("`{}`", self.def.step(self.def.graph.source(*flow)?))));
        let sources = sources.collect::<Vec<_>>().join(", ");
        format!("nothing can come from {sources} any more: skip it to go on without")
    }

    /// Joins that wait only for tokens that wait themselves, for them or for what never comes (S1).
    fn report_hopeless_joins(&mut self) -> bool {
        let changed = self.unreported.take();
        let waiting = changed.into_iter().flat_map(|scope| self.waiting_joins(scope));
        let mut stuck: Vec<(Waiting, Vec<Token>)> = waiting.map(|found| (found, self.awaited(found))).collect();
        loop {
            let hopeless: Vec<Waiting> = stuck.iter().map(|(found, _)| *found).collect();
            let before = stuck.len();
            stuck.retain(|(_, awaited)| awaited.iter().all(|token| self.is_hopeless(token, &hopeless)));
            if stuck.len() == before {
                break;
            }
        }
        let mut reported = false;
        for (found, awaited) in stuck {
            if awaited.is_empty() || self.is_reported(found) {
                continue;
            }
            let fault = Fault::new(DEADLOCK, self.why_stuck(&awaited));
            self.raise(Some(found.token), found.node, fault, During::Entering);
            reported = true;
        }
        reported
    }

    /// Whether a token at the join has an incident already.
    fn is_reported(&self, waiting: Waiting) -> bool {
        let state = &self.run.state;
        let mut here =
            state.tokens.of(Owner::Scope(waiting.scope)).filter(|token| self.waits_at(token) == Some(waiting.node));
        here.any(|token| state.incident_of(token.id).is_some())
    }

    fn why_stuck(&self, awaited: &[Token]) -> String {
        let mut names: Vec<Name> =
            awaited.iter().filter_map(|token| Some(self.def.step(self.waits_at(token)?))).collect();
        names.sort();
        names.dedup();
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("it waits for what waits at {}, where nothing can go on: skip it to go on without", names.join(", "))
    }

    /// The tokens that a join waits for.
    fn awaited(&self, waiting: Waiting) -> Vec<Token> {
        let given = Given::default();
        let view = self.view(waiting.node, waiting.token, waiting.scope, &given);
        let taken = match self.def.element(waiting.node) {
            Some(Element::ComplexGateway(gateway)) if self.is_memory(waiting.token) => gateway.taken_flows(&view),
            _ => Vec::new(),
        };
        rules::awaited(&view, &taken).cloned().collect()
    }

    /// Whether the token waits at a join that cannot go on.
    fn is_hopeless(&self, token: &Token, hopeless: &[Waiting]) -> bool {
        let Place::Arrived(flow) = token.place else { return false };
        let Some(node) = self.def.graph.target(flow) else { return false };
        if self.is_failed(token.id) {
            return false;
        }
        if self.def.joins.contains_key(&node) {
            return hopeless.iter().any(|known| known.node == node && known.scope == token.scope);
        }
        // A join of all flows: something else of the scope may bring it what it lacks.
        let waits = |token: &Token| matches!(token.place, Place::Arrived(_)) || self.is_memory(token.id);
        self.run.state.tokens.of(Owner::Scope(token.scope)).all(waits)
    }
}
