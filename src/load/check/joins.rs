//! Joins that may wait for each other: each takes a token before the other for one that still comes to it (S1).

use super::walk::Walk;
use crate::element::Element;
use crate::graph::{NodeIx, reach};
use crate::load::problem::{Problem, Problems};

pub(super) fn check(walk: &Walk<'_>, problems: &Problems) {
    let gathers = |node: &NodeIx| walk.def.element(*node).is_some_and(|element| element.room().gathers());
    let joins = &walk.def.joins;
    for (node, join) in joins.iter().filter(|(node, _)| gathers(node)) {
        let others = joins.range(node..).skip(1).filter(|(other, _)| gathers(other));
        let others = others.filter(|(other, found)| join.may_wait_for(**other) && found.may_wait_for(*node));
        for (other, _) in others.filter(|(other, _)| is_forked(walk, *node, **other)) {
            let (Some(here), Some(there)) = (walk.def.graph.node(*node), walk.def.graph.node(*other)) else { continue };
            let (one, two) = (walk.def.step(*node), walk.def.step(*other));
            let message = format!("`{one}` and `{two}` may wait for each other: then both stop with an incident");
            let problem = Problem::warning("joins-wait", here.span, message).label(there.span, "the other join");
            problems.push(problem.help("let one of them be an exclusive gateway, which waits for nothing, or leave out one of the ways between them"));
        }
    }
}

/// Whether several tokens can be under way before both joins at once.
fn is_forked(walk: &Walk<'_>, one: NodeIx, other: NodeIx) -> bool {
    let sources = |node: NodeIx| {
        let flows = walk.def.graph.incoming(node).iter().filter_map(|flow| walk.def.graph.source(*flow));
        let host = match walk.def.element(node) {
            Some(Element::BoundaryEvent(event)) => Some(event.host),
            _ => None,
        };
        flows.chain(host).collect()
    };
    let (before_one, before_other) = (reach::walk([one], sources), reach::walk([other], sources));
    before_one.intersection(&before_other).any(|node| splits(walk, *node))
}

fn splits(walk: &Walk<'_>, node: NodeIx) -> bool {
    let borders = walk.def.boundaries_of(node).iter().filter_map(|event| walk.def.element(*event));
    let stays = |event: &Element| matches!(event, Element::BoundaryEvent(event) if !event.interrupting);
    let gateway = matches!(
        walk.def.element(node),
        Some(Element::ParallelGateway(_) | Element::InclusiveGateway(_) | Element::ComplexGateway(_))
    );
    (gateway && walk.def.graph.outgoing(node).len() > 1) || borders.into_iter().any(stays)
}
