//! Calls that lead back to their own process before anything is waited for: every run would begin the next.

use std::collections::{BTreeMap, BTreeSet};

use super::loops::passes;
use super::walk::Walk;
use crate::element::Element;
use crate::graph::{NodeIx, reach};
use crate::load::problem::{Problem, Problems};
use crate::model::{Name, Span};

pub(super) fn check(walks: &[Walk<'_>], problems: &Problems) {
    let calls: BTreeMap<&Name, Vec<(Name, Span)>> =
        walks.iter().map(|walk| (&walk.def.process, at_once(walk))).collect();
    for (process, own) in &calls {
        for (callee, span) in own {
            if leads_to(&calls, callee, process) {
                let message = match callee == *process {
                    true => format!("`{process}` calls itself before anything is waited for"),
                    false => format!("`{callee}` leads back to `{process}` before anything is waited for"),
                };
                let problem = Problem::error("recursive-call", *span, message);
                problems.push(problem.help("wait for something before the call, or go back with `next`"));
            }
        }
    }
}

/// The calls that a run surely or possibly makes in its first turn.
fn at_once(walk: &Walk<'_>) -> Vec<(Name, Span)> {
    let Some(info) = walk.def.scopes.get(&NodeIx::PROCESS) else { return Vec::new() };
    let first = reach::walk([info.entry], |node| {
        let mut next = if passes(walk, node, 0) { walk.targets(node, false) } else { Vec::new() };
        next.extend(walk.inside(node).into_iter().filter(|inner| !is_handler(walk, *inner)));
        next
    });
    let call = |node: &NodeIx| match walk.def.element(*node) {
        Some(Element::CallActivity(call)) => Some((call.process.clone(), walk.def.graph.node(*node)?.span)),
        _ => None,
    };
    first.iter().filter_map(call).collect()
}

fn is_handler(walk: &Walk<'_>, node: NodeIx) -> bool {
    matches!(walk.def.element(node), Some(Element::EventSubProcess(_)))
}

fn leads_to(calls: &BTreeMap<&Name, Vec<(Name, Span)>>, from: &Name, to: &Name) -> bool {
    let (mut todo, mut seen) = (vec![from.clone()], BTreeSet::new());
    while let Some(process) = todo.pop() {
        if process == *to {
            return true;
        }
        if seen.insert(process.clone()) {
            todo.extend(calls.get(&process).into_iter().flatten().map(|(callee, _)| callee.clone()));
        }
    }
    false
}
