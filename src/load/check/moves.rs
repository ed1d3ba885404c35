//! Moves of a record's stage that a move before them surely forbids.
//!
//! Only ways without a branch are followed, so what is said is sure. Nothing leads out of a final stage, whatever is waited for;
//! another stage may be left by anybody meanwhile, so it is known within one turn only.

use std::collections::BTreeSet;

use super::loops::passes;
use super::walk::Walk;
use crate::element::Element;
use crate::element::stage_change::StageChange;
use crate::entity::Library;
use crate::graph::NodeIx;
use crate::load::problem::{Problem, Problems};
use crate::model::{Name, Type, Value};

pub(super) fn check(walk: &Walk<'_>, library: &Library, problems: &Problems) {
    let lists = lists(walk);
    for node in walk.def.graph.nodes() {
        match walk.def.element(node) {
            Some(Element::StageChange(change)) => follow(walk, library, change, &walk.targets(node, false), problems),
            // In the list of a stage a move may be where the list ends: nothing behind it runs.
            Some(Element::UserTask(task)) if !in_stage(walk, node, &lists) => {
                for outcome in task.outcomes.iter().filter(|outcome| outcome.again.is_none()) {
                    let Some(change) = &outcome.stage else { continue };
                    let flow = walk.def.graph.outgoing(node).get(outcome.flow);
                    let flow = flow.filter(|flow| !walk.notes.dead.contains(&flow.0));
                    let target = flow.and_then(|flow| walk.def.graph.target(*flow));
                    follow(walk, library, change, target.as_slice(), problems);
                }
            }
            _ => {}
        }
    }
}

/// Whether a node stands in the list of a stage.
fn in_stage(walk: &Walk<'_>, node: NodeIx, lists: &BTreeSet<NodeIx>) -> bool {
    let outer = |at: &NodeIx| Some(walk.def.graph.scope(*at)).filter(|outer| outer != at);
    std::iter::successors(Some(node), outer).take(walk.def.graph.len()).any(|scope| lists.contains(&scope))
}

/// The lists of stages.
fn lists(walk: &Walk<'_>) -> BTreeSet<NodeIx> {
    let stages =
        |node| if let Some(Element::StageScope(_)) = walk.def.element(node) { walk.inside(node) } else { Vec::new() };
    walk.def.graph.nodes().flat_map(stages).collect()
}

/// The record that a move is about, its entity, and the stage when it is always the same.
fn known(change: &StageChange) -> Option<(&str, &Name, Name)> {
    let Type::Ref(entities) = change.record.ty() else { return None };
    let [entity] = &**entities else { return None };
    let Value::Text(stage) = change.to.constant()? else { return None };
    Some((change.record.text().trim(), entity, Name::new(&**stage)))
}

fn follow(walk: &Walk<'_>, library: &Library, change: &StageChange, targets: &[NodeIx], problems: &Problems) {
    let Some((record, entity, from)) = known(change).filter(|(record, ..)| *record == "self") else { return };
    let ends = library.is_final(entity, &from);
    let (mut next, mut left) = (targets.to_vec(), walk.def.graph.len());
    while let ([node], true) = (next.as_slice(), left > 0) {
        left = left.saturating_sub(1);
        let node = *node;
        if let Some(Element::StageChange(later)) = walk.def.element(node) {
            let Some((_, _, to)) = known(later).filter(|(about, ..)| *about == record) else { return };
            if to != from && !library.may_move(entity, &from, &to) {
                let span = walk.def.graph.node(node).map(|node| node.span).unwrap_or_default();
                let message =
                    format!("`{entity}` was moved to `{from}` before this step, and may not move on to `{to}`");
                let help =
                    if ends { format!("`{from}` is final: nothing leads back from it; ") } else { String::new() };
                let help = format!("{help}let the step before lead elsewhere with `next`");
                problems.push(Problem::error("forbidden-move", span, message).help(help));
            }
            return;
        }
        if !ends && !passes(walk, node, 0) {
            return;
        }
        next = walk.targets(node, false);
    }
}
