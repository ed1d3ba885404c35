//! Calls and saves that lead back to their own process before anything is waited for: every run would begin the next.

use std::collections::{BTreeMap, BTreeSet};

use super::loops::passes;
use super::walk::Walk;
use crate::element::Element;
use crate::element::definition::{Definition, RecordTrigger, StartTrigger, Target};
use crate::entity::EventKind;
use crate::graph::{NodeIx, reach};
use crate::load::problem::{Problem, Problems};
use crate::model::{Expr, Name, Span};

pub(super) fn check(walks: &[Walk<'_>], problems: &Problems) {
    walks.iter().for_each(|walk| check_saves(walk, problems));
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

/// A process that begins when records are saved, whatever is in them, and saves such a record itself.
fn check_saves(walk: &Walk<'_>, problems: &Problems) {
    let triggers = walk.def.starts.iter().filter_map(|start| match &start.trigger {
        StartTrigger::Record(trigger) if trigger.when.is_none() => Some(trigger),
        _ => None,
    });
    let (first, sure) = (first_turn(walk), surely_first(walk));
    for trigger in triggers {
        let saves = |node: &&NodeIx| walk.def.element(**node).is_some_and(|element| saves(walk.def, element, trigger));
        let Some(node) = first.iter().find(saves) else { continue };
        let (process, entity, kind) =
            (&walk.def.process, &trigger.entity, format!("{:?}", trigger.kind).to_lowercase());
        let message = format!("`{process}` begins by `{entity}.{kind}`, and this step makes that happen again");
        let span = walk.def.graph.node(*node).map(|node| node.span).unwrap_or_default();
        // A new record is an event always, another value only where it is another one.
        let problem = match trigger.kind {
            EventKind::Created if sure.contains(node) => Problem::error("starts-itself", span, message),
            _ => Problem::warning("starts-itself", span, message),
        };
        problems.push(
            problem.help("tell its own records from others by a `when` at the start, or wait for something before"),
        );
    }
}

fn saves(def: &Definition, element: &Element, trigger: &RecordTrigger) -> bool {
    let counts = |column: &Name, value: &Expr| {
        value.constant().is_none() && (trigger.changed.is_empty() || trigger.changed.contains(column))
    };
    match (element, trigger.kind) {
        (Element::CreateRecord(create), EventKind::Created) => create.entity == trigger.entity,
        (Element::ScriptTask(script), EventKind::Updated) if def.entity.as_ref() == Some(&trigger.entity) => {
            script.set.iter().any(|assign| match &assign.target {
                Target::Column(record, column) => record.text().trim() == "self" && counts(column, &assign.value),
                Target::Var(_) => false,
            })
        }
        _ => false,
    }
}

/// The nodes that every run comes to in its first turn, one after the other: up to the first branch.
fn surely_first(walk: &Walk<'_>) -> BTreeSet<NodeIx> {
    let entry = walk.def.scopes.get(&NodeIx::PROCESS).map(|info| info.entry);
    reach::walk(entry, |node| match walk.targets(node, false).as_slice() {
        [only] if passes(walk, node, 0) => vec![*only],
        _ => Vec::new(),
    })
}

/// The nodes that a run surely or possibly comes to in its first turn.
fn first_turn(walk: &Walk<'_>) -> BTreeSet<NodeIx> {
    let entry = walk.def.scopes.get(&NodeIx::PROCESS).map(|info| info.entry);
    reach::walk(entry, |node| {
        let mut next = if passes(walk, node, 0) { walk.targets(node, false) } else { Vec::new() };
        next.extend(walk.inside(node).into_iter().filter(|inner| !is_handler(walk, *inner)));
        next
    })
}

/// The calls that a run surely or possibly makes in its first turn.
fn at_once(walk: &Walk<'_>) -> Vec<(Name, Span)> {
    let call = |node: &NodeIx| match walk.def.element(*node) {
        Some(Element::CallActivity(call)) => Some((call.process.clone(), walk.def.graph.node(*node)?.span)),
        _ => None,
    };
    first_turn(walk).iter().filter_map(call).collect()
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
