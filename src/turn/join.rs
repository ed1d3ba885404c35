//! Joins that wait for whatever can still come: looked at again after every change, and reported when nothing can come any more.

use super::step::{Step, Turn};
use crate::element::room::{Fault, Given};
use crate::element::{Element, rules};
use crate::graph::NodeIx;
use crate::instance::state::During;
use crate::instance::{Owner, Place, ScopeId, Token, TokenId};
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

impl Turn<'_> {
    /// Every join that waits for whatever can still come is looked at (S1); true when one went on.
    pub(super) fn look_at_joins(&mut self) -> Step<bool> {
        if self.def.joins.is_empty() {
            return Ok(false);
        }
        for found in self.waiting_joins() {
            let facts = self.out.facts.len();
            self.enter(found.token, found.node)?;
            if self.out.facts.len() != facts {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The joins at which tokens wait, in the order of their first tokens; the memory of a join speaks before those that arrive.
    fn waiting_joins(&self) -> Vec<Waiting> {
        let mut waiting: Vec<Waiting> = Vec::new();
        for token in &self.run.state.tokens {
            let Some(node) = self.waits_at(token).filter(|node| self.def.joins.contains_key(node)) else { continue };
            if self.is_scheduled(token.id) || self.is_failed(token.id) {
                continue;
            }
            let known = waiting.iter_mut().find(|known| known.node == node && known.scope == token.scope);
            match known {
                Some(known) if self.is_memory(token.id) => known.token = token.id,
                Some(_) => {}
                None => waiting.push(Waiting { scope: token.scope, node, token: token.id }),
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

    /// Joins that wait only for tokens that wait themselves, for them or for what never comes: an incident, never a silent hang (S1).
    pub(super) fn report_stuck_joins(&mut self) -> bool {
        if self.def.joins.is_empty() {
            return false;
        }
        let mut stuck: Vec<(Waiting, Vec<Token>)> =
            self.waiting_joins().into_iter().map(|found| (found, self.awaited(found))).collect();
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
            let known = |token: &Token| token.scope == found.scope && self.waits_at(token) == Some(found.node);
            let open = self
                .run
                .state
                .tokens
                .iter()
                .any(|token| known(token) && self.run.state.incident_of(token.id).is_some());
            if open || awaited.is_empty() {
                continue;
            }
            let mut names: Vec<Name> =
                awaited.iter().filter_map(|token| Some(self.def.step(self.waits_at(token)?))).collect();
            names.sort();
            names.dedup();
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let message = format!(
                "it waits for what waits at {}, where nothing can go on: skip it to go on without",
                names.join(", ")
            );
            self.raise(Some(found.token), found.node, Fault::new(DEADLOCK, message), During::Entering);
            reported = true;
        }
        reported
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
