//! Steps from which no end can be reached: a run that comes there never completes.

use std::collections::BTreeSet;

use super::walk::Walk;
use crate::element::Element;
use crate::element::definition::Trigger;
use crate::element::user_task::Again;
use crate::graph::{NodeIx, reach};
use crate::load::problem::{Problem, Problems};

pub(super) fn check(walk: &Walk<'_>, problems: &Problems) {
    if !walk.notes.sound {
        return;
    }
    let hosts = walk.hosts();
    let graph = &walk.def.graph;
    let ends = graph.nodes().filter(|node| is_end(walk, *node));
    let host_of = |node: NodeIx| match walk.def.element(node) {
        Some(Element::BoundaryEvent(event)) if event.interrupting => Some(event.host),
        _ => None,
    };
    let good = reach::walk(ends, |node| {
        let sources = graph.incoming(node).iter().filter_map(|flow| graph.source(*flow));
        sources.chain(host_of(node)).collect()
    });
    let reached = walk.reachable(true);
    let stuck: BTreeSet<NodeIx> = graph
        .nodes()
        .filter(|node| node.0 != 0 && reached.contains(node) && !good.contains(node))
        .filter(|node| !is_withdrawn(walk, &hosts, graph.scope(*node)))
        .collect();
    // What the loader added begins where the author wrote nothing.
    let written: BTreeSet<NodeIx> = stuck.iter().copied().filter(|node| walk.is_written(*node)).collect();
    for node in walk.firsts(if written.is_empty() { &stuck } else { &written }) {
        let Some(found) = graph.node(node) else { continue };
        let problem = Problem::error("no-way-to-end", found.span, "from this step no end can be reached");
        problems.push(problem.help("let one of the ways from here lead to a step behind the circle, or to `done`"));
    }
}

/// Whether a token may end, or leave its scope, at this node.
fn is_end(walk: &Walk<'_>, node: NodeIx) -> bool {
    let flows = walk.def.graph.outgoing(node);
    if flows.iter().any(|flow| walk.notes.dead.contains(&flow.0)) {
        return true;
    }
    match walk.def.element(node) {
        Some(Element::IncidentStep(_)) => true,
        Some(Element::UserTask(task)) => task
            .outcomes
            .iter()
            .any(|outcome| matches!(outcome.again, Some(Again::Stage)) || outcome.stage.is_some() && flows.is_empty()),
        _ => flows.is_empty(),
    }
}

/// Whether what runs in a scope is ended from outside: by a change of stage, a handler, or an event at its host's border.
fn is_withdrawn(walk: &Walk<'_>, hosts: &std::collections::BTreeMap<NodeIx, NodeIx>, scope: NodeIx) -> bool {
    let mut at = scope;
    loop {
        if hosts.contains_key(&at) || is_interrupted(walk, at) {
            return true;
        }
        if at == NodeIx::PROCESS {
            return false;
        }
        at = walk.def.graph.scope(at);
    }
}

fn is_interrupted(walk: &Walk<'_>, scope: NodeIx) -> bool {
    let handlers = walk.def.scopes.get(&scope).map(|info| info.handlers.as_slice()).unwrap_or_default();
    let by_handler = handlers.iter().any(|handler| match walk.def.element(*handler) {
        Some(Element::EventSubProcess(event)) => event.interrupting && !is_raised(&event.trigger),
        _ => false,
    });
    by_handler
        || walk.def.boundaries_of(scope).iter().any(|event| match walk.def.element(*event) {
            Some(Element::BoundaryEvent(event)) => event.interrupting && !is_raised(&event.trigger),
            _ => false,
        })
}

/// Errors and escalations come from inside: they are no help where nothing raises them.
fn is_raised(trigger: &Trigger) -> bool {
    matches!(trigger, Trigger::Error(_) | Trigger::Escalation(_) | Trigger::Cancel)
}
