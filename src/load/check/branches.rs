//! A variable that two parallel branches write: which value stays would be chance.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::Walk;
use crate::element::Element;
use crate::element::definition::VarRef;
use crate::graph::{NodeIx, reach};
use crate::load::problem::{Problem, Problems};
use crate::model::Span;

pub(super) fn check(walk: &Walk<'_>, problems: &Problems) {
    check_drawn(walk, problems);
    for split in &walk.notes.branches {
        let mut writers: BTreeMap<VarRef, (usize, Span)> = BTreeMap::new();
        for (number, (branch, nodes)) in split.parts.iter().enumerate() {
            for (var, span) in nodes.clone().flat_map(|node| writes(walk, NodeIx(node))) {
                let (first, place) = *writers.entry(var).or_insert((number, span));
                if first == number {
                    continue;
                }
                let name = walk.var_name(var);
                let other = split.parts.get(first).map_or("", |(name, _)| name.as_str());
                let message = format!("the branches `{other}` and `{branch}` both write `{name}`");
                let problem = Problem::error("parallel-write", span, message).label(place, "written here too");
                problems.push(problem.help(format!("give each branch of `{}` a variable of its own", split.word)));
            }
        }
    }
}

/// The same behind the parallel gateways of the flat form: what lies behind one of the ways only runs beside the others.
fn check_drawn(walk: &Walk<'_>, problems: &Problems) {
    let listed = |node: &NodeIx| {
        walk.notes.branches.iter().flat_map(|split| &split.parts).any(|(_, nodes)| nodes.contains(&node.0))
    };
    let gates =
        walk.def.graph.nodes().filter(|node| matches!(walk.def.element(*node), Some(Element::ParallelGateway(_))));
    let mut left = MAX_LOOKED_AT;
    for ways in gates.map(|node| walk.targets(node, false)).filter(|ways| ways.len() > 1 && !ways.iter().any(listed)) {
        let behind: Vec<BTreeSet<NodeIx>> = ways
            .iter()
            .map_while(|way| {
                let nodes = (left > 0).then(|| reach::walk([*way], |node| walk.onward(node, false)))?;
                left = left.saturating_sub(nodes.len());
                Some(nodes)
            })
            .collect();
        if left == 0 {
            return;
        }
        check_ways(walk, &behind, problems);
    }
}

/// Most nodes behind gateways that are looked at: a drawing in which everything is parallel must not make a load costly.
const MAX_LOOKED_AT: usize = 200_000;

fn check_ways(walk: &Walk<'_>, behind: &[BTreeSet<NodeIx>], problems: &Problems) {
    let mut leading: BTreeMap<NodeIx, usize> = BTreeMap::new();
    behind.iter().flatten().for_each(|node| *leading.entry(*node).or_default() += 1);
    let mut writers: BTreeMap<VarRef, (usize, Span)> = BTreeMap::new();
    for (number, nodes) in behind.iter().enumerate() {
        let own = nodes.iter().filter(|node| leading.get(node) == Some(&1));
        for (var, span) in own.flat_map(|node| writes(walk, *node)) {
            let (first, place) = *writers.entry(var).or_insert((number, span));
            if first != number {
                let message = format!("two parallel ways both write `{}`", walk.var_name(var));
                // A drawing says less of what is written: a host's work may give back what it was given.
                let problem = Problem::warning("parallel-write", span, message).label(place, "written here too");
                problems.push(problem.help("give each way a variable of its own"));
            }
        }
    }
}

fn writes<'a>(walk: &Walk<'a>, node: NodeIx) -> impl Iterator<Item = (VarRef, Span)> + use<'a> {
    let notes = walk.notes;
    let sure = notes.writes.get(&node).into_iter().flatten();
    sure.chain(notes.may_write.get(&node).into_iter().flatten()).copied()
}
