//! What can still come to a node: by walking every path, at every question (S1).

use std::collections::BTreeSet;

use crate::joins;
use crate::net::{Kind, Net};
use crate::reference::{Place, Scope, Token};

/// Whether the join may go on (S1): for every token, from each flow on which it counts as being, a path to an empty flow of the join
/// comes with one to a full flow.
pub fn none_can_come(net: &Net, scope: &Scope, join: usize, full: &BTreeSet<usize>) -> bool {
    let starts = scope.tokens.iter().flat_map(|token| starts(net, token));
    starts
        .map(|start| reached(net, start, join))
        .all(|flows| flows.is_empty() || flows.iter().any(|flow| full.contains(flow)))
}

/// Whether any token that is not there yet can come to an activity that needs several.
pub fn can_come_to(net: &Net, scope: &Scope, node: usize) -> bool {
    let waits =
        |token: &&Token| !matches!(token, Token::Gathered(at) | Token::Failed(Place::Gathered(at), _) if *at == node);
    let enters = |token: &Token| *token == Token::Enters(node);
    let others = || scope.tokens.iter().filter(waits);
    others().any(enters)
        || others().flat_map(|token| starts(net, token)).any(|start| !reached(net, start, node).is_empty())
}

/// The flows of `join` at which paths that begin with these flows end. No path visits the join on its way.
fn reached(net: &Net, start: Vec<usize>, join: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut seen: BTreeSet<usize> = start.iter().copied().collect();
    let mut todo = start;
    while let Some(flow) = todo.pop() {
        let node = net.flows[flow].to;
        if node == join {
            found.insert(flow);
            continue;
        }
        todo.extend(onward(net, node).into_iter().filter(|flow| seen.insert(*flow)));
    }
    found
}

/// The flows on which a token that comes to a node may go on.
fn onward(net: &Net, node: usize) -> Vec<usize> {
    let mut flows = net.leaving(node);
    flows.extend(net.borders(node).into_iter().flat_map(|border| net.leaving(border)));
    if let Kind::Link(end) = net.nodes[node].kind {
        flows.extend(net.leaving(end));
    }
    flows
}

/// The flows on which a token counts as being, each start by itself: a token inside an activity is on each of its outgoing flows and of those
/// of its boundary events; one at an event-based gateway on those of all its targets.
fn starts(net: &Net, token: &Token) -> Vec<Vec<usize>> {
    let each = |flows: Vec<usize>| flows.into_iter().map(|flow| vec![flow]).collect();
    match token {
        Token::On(flow) | Token::Waits(flow) | Token::Failed(Place::On(flow), _) => vec![vec![*flow]],
        Token::Enters(node) | Token::Leaves(node) | Token::Gathered(node) | Token::Failed(Place::Gathered(node), _) => {
            vec![onward(net, *node)]
        }
        Token::In(node, _) => match net.nodes[*node].kind {
            Kind::Race => {
                each(net.leaving(*node).into_iter().flat_map(|flow| net.leaving(net.flows[flow].to)).collect())
            }
            _ => each(onward(net, *node)),
        },
        // A gateway that does not join, and could not split, has not taken its token from its flow.
        Token::Failed(Place::At(node), _) if net.nodes[*node].kind.is_gateway() && !joins::is_join(net, *node) => {
            vec![net.leaving(*node)]
        }
        Token::Failed(Place::At(node), _) => each(net.leaving(*node)),
    }
}
