//! Cycles where there may be none: roles that inherit each other, columns computed from each other.

use std::collections::BTreeMap;

/// Cycles that share no node, each as [`find`] gives it; at most twenty.
pub fn all<K: Ord + Clone>(graph: &BTreeMap<K, Vec<K>>) -> Vec<Vec<K>> {
    let mut rest = graph.clone();
    let mut found = Vec::new();
    while let Some(round) = find(&rest).filter(|_| found.len() < 20) {
        rest.retain(|node, _| !round.contains(node));
        found.push(round);
    }
    found
}

/// A cycle in a graph given as the targets of each node, as the nodes on it in order; the first in the order of keys.
///
/// ```
/// use stageflow::load::bind::cycle::find;
/// let graph = [("a", vec!["b"]), ("b", vec!["c", "d"]), ("d", vec!["b"])].into();
/// assert_eq!(find(&graph), Some(vec!["b", "d"]));
/// ```
pub fn find<K: Ord + Clone>(graph: &BTreeMap<K, Vec<K>>) -> Option<Vec<K>> {
    let mut done: BTreeMap<&K, bool> = BTreeMap::new();
    for start in graph.keys() {
        // The way from the start, each node with the number of its targets that were looked at.
        let mut way: Vec<(&K, usize)> = Vec::new();
        if done.contains_key(start) {
            continue;
        }
        way.push((start, 0));
        done.insert(start, false);
        while let Some((node, next)) = way.last_mut() {
            let target = graph.get(*node).and_then(|targets| targets.get(*next));
            let Some(target) = target else {
                done.insert(*node, true);
                way.pop();
                continue;
            };
            *next += 1;
            if !graph.contains_key(target) {
                continue;
            }
            match done.get(target) {
                Some(true) => {}
                Some(false) => {
                    let on_cycle = way.iter().skip_while(|(node, _)| *node != target);
                    return Some(on_cycle.map(|(node, _)| (*node).clone()).collect());
                }
                None => {
                    done.insert(target, false);
                    way.push((target, 0));
                }
            }
        }
    }
    None
}
