//! Steps that no path leads to, and steps behind a move that leaves their stage.

use super::walk::Walk;
use crate::load::problem::{Problem, Problems};

pub(super) fn check(walk: &Walk<'_>, problems: &Problems) {
    if !walk.notes.sound {
        return;
    }
    let (all, live) = (walk.reachable(true), walk.reachable(false));
    let nodes = || walk.def.graph.nodes().filter(|node| node.0 != 0);
    let firsts = walk.firsts(&nodes().filter(|node| !all.contains(node)).collect());
    let places = firsts.into_iter().filter_map(|node| walk.def.graph.node(node)).map(|found| found.span);
    for span in places.chain(walk.notes.idle.iter().copied()) {
        let problem = Problem::error("unreachable-step", span, "no path leads to this step");
        problems.push(problem.help("remove it, or let a step before it lead here with `next`"));
    }
    let dead = nodes().filter(|node| all.contains(node) && !live.contains(node));
    let written = dead.filter(|node| walk.is_written(*node));
    for node in walk.firsts(&written.collect()) {
        let Some(found) = walk.def.graph.node(node) else { continue };
        let message = "the move before this step leaves the stage, and with it this list: the step never runs";
        let problem = Problem::warning("after-stage-move", found.span, message);
        problems.push(problem.help("put it before the move, or into the list of the next stage"));
    }
}
