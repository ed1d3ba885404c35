//! `parallel` with `until`: goes on once enough branches have arrived, then waits for the rest and takes them in (S5).
//!
//! Two phases: waiting for the start, until the condition over the arrived branches holds; then waiting for the reset, until no more can come
//! (S1). Between them one token stays in the gateway: its memory.

use super::room::{Fault, Given, Move, Next, Room, View};
use super::rules;
use crate::instance::{Place, TokenId};
use crate::model::Name;
use crate::model::expr::Expr;
use crate::model::ty::Type;

/// Waits for some of its incoming flows.
#[derive(Debug)]
pub struct ComplexGateway {
    /// How many must have arrived, or a condition over `arrived`.
    pub until: Expr,
    /// The branches, in the order of the incoming flows.
    pub branches: Vec<Name>,
}

impl Room for ComplexGateway {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        if view.def.graph.incoming(view.node).len() < 2 {
            return Ok(Move::pass());
        }
        let arrived = self.arrived(view);
        let rest = rules::inclusive_join(view);
        if let Some(memory) = self.memory(view) {
            let all = arrived.iter().map(|(token, _)| *token).chain([memory]);
            let others = all.filter(|token| *token != view.token).collect();
            return Ok(Move::only(if rest.is_some() { Next::Absorb(others) } else { Next::Hold }));
        }
        if self.is_met(view, &arrived)? {
            let others = arrived.iter().map(|(token, _)| *token).filter(|token| *token != view.token).collect();
            return Ok(Move::only(if rest.is_some() { Next::Join(others) } else { Next::Fire(others) }));
        }
        if rest.is_some() && arrived.first().is_none_or(|(token, _)| *token == view.token) {
            let names: Vec<&str> = arrived.iter().map(|(_, branch)| branch.as_str()).collect();
            let message = format!(
                "`until: {}` does not hold, and no more branches can arrive: {} did",
                self.until.text(),
                names.join(", ")
            );
            return Err(Fault::new("no_match", message));
        }
        Ok(Move::only(Next::Hold))
    }

    fn gathers(&self) -> bool {
        true
    }

    fn is_quiet(&self) -> bool {
        true
    }

    fn is_patient(&self) -> bool {
        true
    }
}

impl ComplexGateway {
    /// The waiting tokens with their branches, the one that came first at the front.
    fn arrived<'s>(&'s self, view: &View<'_>) -> Vec<(TokenId, &'s Name)> {
        let flows = view.def.graph.incoming(view.node).iter().zip(&self.branches);
        let tokens = view.state.tokens.iter().filter(|token| token.scope == view.scope);
        let place = |place: Place| flows.clone().find(|(flow, _)| place == Place::Arrived(**flow));
        let mut found: Vec<_> = tokens.filter_map(|token| Some((token.id, place(token.place)?.1))).collect();
        found.sort_by_key(|(token, _)| *token);
        found
    }

    /// The token that remembers that the gateway has gone on.
    fn memory(&self, view: &View<'_>) -> Option<TokenId> {
        let here = |place: Place| place == Place::In(view.node);
        view.state.tokens.iter().find(|token| token.scope == view.scope && here(token.place)).map(|token| token.id)
    }

    fn is_met(&self, view: &View<'_>, arrived: &[(TokenId, &Name)]) -> Result<bool, Fault> {
        let names: Vec<Name> = arrived.iter().map(|(_, branch)| (*branch).clone()).collect();
        let given = Given { arrived: Some(&names), ..*view.given };
        let view = View { given: &given, ..*view };
        match self.until.ty() {
            Type::Bool => view.truth(&self.until),
            _ => Ok(arrived.len() >= view.count(&self.until)?),
        }
    }
}
