//! A variable that two parallel branches write: which value stays would be chance.

use std::collections::BTreeMap;

use super::walk::Walk;
use crate::element::definition::VarRef;
use crate::graph::NodeIx;
use crate::load::problem::{Problem, Problems};
use crate::model::Span;

pub(super) fn check(walk: &Walk<'_>, problems: &Problems) {
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

fn writes<'a>(walk: &Walk<'a>, node: NodeIx) -> impl Iterator<Item = (VarRef, Span)> + use<'a> {
    let notes = walk.notes;
    let sure = notes.writes.get(&node).into_iter().flatten();
    sure.chain(notes.may_write.get(&node).into_iter().flatten()).copied()
}
