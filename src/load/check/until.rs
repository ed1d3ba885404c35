//! A `parallel` with `until` in a circle: branches that are late would count in the next round.

use super::walk::Walk;
use crate::element::Element;
use crate::graph::{NodeIx, reach};
use crate::load::problem::{Problem, Problems};

pub(super) fn check(walk: &Walk<'_>, problems: &Problems) {
    let graph = &walk.def.graph;
    // One that remembers whose tokens it has taken keeps the rounds apart.
    let forgets = |node: &NodeIx| matches!(walk.def.element(*node), Some(Element::ComplexGateway(gateway)) if gateway.taken.is_none());
    for node in graph.nodes().filter(forgets) {
        let behind = graph.outgoing(node).iter().filter_map(|flow| graph.target(*flow));
        let Some(found) = graph.node(node).filter(|_| reach::forward(graph, behind).contains(&node)) else { continue };
        let message = "the way on leads back into this `parallel`, while branches of the round before may still run";
        let problem = Problem::error("late-branches", found.span, message);
        problems
            .push(problem.help("put it into a `group`, which waits for the rest of its branches, or into a `repeat`"));
    }
}
