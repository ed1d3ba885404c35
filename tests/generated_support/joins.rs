//! The joins of the token game: parallel, inclusive, complex, and activities that need several tokens.

use std::collections::{BTreeMap, BTreeSet};

use crate::net::{Kind, Net};
use crate::paths;
use crate::reference::{Change, Game, Place, Scope, Steps, Token};

impl Game {
    /// What a join does, when it can go on.
    pub fn join(self, net: &Net, scope: &Scope, node: usize) -> Steps<Scope> {
        let waits = |token: &Token| matches!(token, Token::Waits(flow) if net.flows[*flow].to == node);
        if !is_join(net, node) || !scope.memories.contains_key(&node) && !scope.tokens.iter().any(waits) {
            return Vec::new();
        }
        let incoming = net.entering(node);
        let full: BTreeSet<usize> = incoming.iter().copied().filter(|flow| scope.holds(*flow)).collect();
        match &net.nodes[node].kind {
            Kind::Parallel if full.len() == incoming.len() => taken(scope, &full)
                .into_iter()
                .map(|rest| (false, Change::To(rest.with(self.leave(net, node)))))
                .collect(),
            Kind::Inclusive if !full.is_empty() && paths::none_can_come(net, scope, node, &full) => taken(scope, &full)
                .into_iter()
                .map(|rest| (true, Change::To(rest.with([Token::Leaves(node)]))))
                .collect(),
            Kind::Complex(enough) => self.complex(net, scope, node, *enough, full),
            _ => Vec::new(),
        }
    }

    /// The two phases of a complex gateway (S5).
    fn complex(self, net: &Net, scope: &Scope, node: usize, enough: usize, full: BTreeSet<usize>) -> Steps<Scope> {
        if let Some(began) = scope.memories.get(&node) {
            if !paths::none_can_come(net, scope, node, &full.union(began).copied().collect()) {
                return Vec::new();
            }
            let rest = full.difference(began).copied().collect();
            let over = taken(scope, &rest).into_iter().map(|mut rest| {
                rest.memories.remove(&node);
                (true, Change::To(rest))
            });
            return over.collect();
        }
        let arrived = scope.tokens.iter().filter(|token| waits_at(net, token, node));
        let closed = paths::none_can_come(net, scope, node, &full);
        if arrived.clone().count() >= enough {
            let gone = taken(scope, &full).into_iter().map(|mut rest| {
                if !closed {
                    rest.memories.insert(node, full.clone());
                }
                (true, Change::To(rest.with([Token::Leaves(node)])))
            });
            return gone.collect();
        }
        let failed = arrived.clone().any(|token| matches!(token, Token::Failed(..)));
        if full.is_empty() || !closed || failed {
            return Vec::new();
        }
        // Not enough came, and no more can: an incident of one of them.
        let fails = full.iter().map(|flow| {
            let at = scope
                .tokens
                .iter()
                .position(|token| matches!(token, Token::On(on) | Token::Waits(on) if on == flow))?;
            Some((true, Change::To(scope.without(at).with([Token::Failed(Place::On(*flow), "no_match".into())]))))
        });
        fails.flatten().collect()
    }

    /// Fewer tokens came than an activity needs, and no more can: an incident of one of them.
    pub fn too_few(net: &Net, scope: &Scope, node: usize) -> Steps<Scope> {
        let known =
            scope.tokens.iter().any(|token| matches!(token, Token::Failed(Place::Gathered(at), _) if *at == node));
        let Some(at) = scope.tokens.iter().position(|token| *token == Token::Gathered(node)) else { return Vec::new() };
        if known || paths::can_come_to(net, scope, node) {
            return Vec::new();
        }
        vec![(true, Change::To(scope.without(at).with([Token::Failed(Place::Gathered(node), "no_match".into())])))]
    }
}

/// Whether tokens wait at the end of the flows into this node.
pub fn is_join(net: &Net, node: usize) -> bool {
    matches!(net.nodes[node].kind, Kind::Parallel | Kind::Inclusive | Kind::Complex(_)) && net.entering(node).len() > 1
}

fn waits_at(net: &Net, token: &Token, node: usize) -> bool {
    matches!(token, Token::On(flow) | Token::Waits(flow) | Token::Failed(Place::On(flow), _) if net.flows[*flow].to == node)
}

/// The scope without one token of each of these flows; where one of them has failed, with and without that one.
fn taken(scope: &Scope, flows: &BTreeSet<usize>) -> Vec<Scope> {
    let mut states = vec![scope.clone()];
    for flow in flows {
        let of = |token: &Token| matches!(token, Token::On(on) | Token::Waits(on) | Token::Failed(Place::On(on), _) if on == flow);
        states = states
            .iter()
            .flat_map(|state| {
                let at: BTreeMap<&Token, usize> = state
                    .tokens
                    .iter()
                    .enumerate()
                    .filter(|(_, token)| of(token))
                    .map(|(at, token)| (token, at))
                    .collect();
                at.into_values().map(|at| state.without(at)).collect::<Vec<_>>()
            })
            .collect();
    }
    states
}
