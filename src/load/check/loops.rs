//! Circles in which nothing is waited for (S21): without an exit they never end, with one the data must end them.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use super::walk::Walk;
use crate::element::Element;
use crate::element::ad_hoc::Begin;
use crate::element::definition::{Assignment, Trigger};
use crate::element::repeat::Test;
use crate::graph::{NodeIx, reach};
use crate::load::problem::{Problem, Problems};
use crate::model::Type;

pub(super) fn check(walk: &Walk<'_>, problems: &Problems) {
    let passing: BTreeSet<NodeIx> = walk.def.graph.nodes().filter(|node| passes(walk, *node, 0)).collect();
    let mut graph: DiGraph<NodeIx, ()> = DiGraph::new();
    let places: BTreeMap<NodeIx, _> = passing.iter().map(|node| (*node, graph.add_node(*node))).collect();
    for (node, from) in &places {
        for to in onward(walk, *node) {
            if let Some(to) = places.get(&to) {
                graph.add_edge(*from, *to, ());
            }
        }
    }
    for part in kosaraju_scc(&graph) {
        let nodes: BTreeSet<NodeIx> = part.iter().filter_map(|at| graph.node_weight(*at)).copied().collect();
        let Some(first) = nodes.first().copied() else { continue };
        let circle = nodes.len() > 1 || onward(walk, first).contains(&first);
        if circle {
            report(walk, &nodes, problems);
        }
    }
}

/// Where a token goes on within one turn: by the flows, and by the events at the border that come from inside.
fn onward(walk: &Walk<'_>, node: NodeIx) -> Vec<NodeIx> {
    let thrown = |event: &NodeIx| {
        matches!(walk.def.element(*event).and_then(Element::trigger), Some(Trigger::Error(_) | Trigger::Escalation(_)))
    };
    let borders = walk.def.boundaries_of(node).iter().copied().filter(thrown);
    walk.targets(node, false).into_iter().chain(borders).collect()
}

fn report(walk: &Walk<'_>, nodes: &BTreeSet<NodeIx>, problems: &Problems) {
    let written = nodes.iter().find(|node| walk.is_written(**node)).or(nodes.first());
    let Some(found) = written.and_then(|node| walk.def.graph.node(*node)) else { return };
    let leaves = nodes.iter().any(|node| onward(walk, *node).iter().any(|to| !nodes.contains(to)));
    let problem = if leaves {
        let message =
            "the steps from here lead back here, and nothing is waited for on the way: only the data ends this loop";
        Problem::warning("loop-without-wait", found.span, message)
            .help("write `repeat:` with a `max`, or wait for something on the way")
    } else {
        Problem::error(
            "endless-loop",
            found.span,
            "the steps from here lead back here, and nothing is waited for on the way",
        )
        .help("let one of them lead out, or wait for something on the way")
    };
    problems.push(problem);
}

/// Whether a token can pass a node within one turn.
pub(super) fn passes(walk: &Walk<'_>, node: NodeIx, depth: u32) -> bool {
    match walk.def.element(node) {
        Some(
            Element::UserTask(_)
            | Element::CatchEvent(_)
            | Element::EventGateway(_)
            | Element::ServiceTask(_)
            | Element::IncidentStep(_)
            | Element::StageScope(_),
        ) => false,
        // A list of people may be empty.
        Some(Element::Approval(approval)) => {
            approval.by.iter().all(|by| matches!(by, Assignment::User(expr) if !matches!(expr.ty(), Type::Ref(_))))
        }
        Some(Element::AdHoc(ad_hoc)) => !matches!(ad_hoc.begin, Begin::Nothing),
        Some(Element::CallActivity(call)) => call.detached,
        Some(Element::MultiInstance(_)) => true,
        Some(Element::Repeat(repeat)) => matches!(repeat.test, Test::While(_)) || scope_passes(walk, node, depth),
        Some(Element::SubProcess(_)) => scope_passes(walk, node, depth),
        _ => true,
    }
}

/// Whether a token can come from the beginning of a scope to an end of it within one turn.
fn scope_passes(walk: &Walk<'_>, scope: NodeIx, depth: u32) -> bool {
    // Scopes lie in each other as deep as a file is nested, which is limited.
    let Some(info) = walk.def.scopes.get(&scope).filter(|_| depth < 64) else { return true };
    let seen = reach::walk([info.entry], |node| match passes(walk, node, depth.saturating_add(1)) {
        true => walk.targets(node, false),
        false => Vec::new(),
    });
    seen.iter().any(|node| matches!(walk.def.element(*node), Some(Element::EndEvent(_))))
}
