//! What can be reached: by walking flows forward or backward, without recursion.

use std::collections::BTreeSet;

use super::{Graph, NodeIx};

/// The nodes that a walk from `starts` along the flows visits, the starts included.
///
/// ```
/// use stageflow::graph::{GraphBuilder, Node, reach};
/// let mut builder = GraphBuilder::new();
/// let nodes: Vec<_> = ["p", "a", "b", "c"].map(|key| builder.node(Node { key: key.into(), ..Node::default() })).into();
/// builder.flow(nodes[1], nodes[2]);
/// let graph = builder.finish();
/// assert!(reach::forward(&graph, [nodes[1]]).contains(&nodes[2]));
/// assert!(!reach::forward(&graph, [nodes[1]]).contains(&nodes[3]));
/// ```
pub fn forward(graph: &Graph, starts: impl IntoIterator<Item = NodeIx>) -> BTreeSet<NodeIx> {
    walk(starts, |node| graph.outgoing(node).iter().filter_map(|flow| graph.target(*flow)).collect())
}

/// The nodes from which a walk along the flows can come to one of `ends`, the ends included.
pub fn backward(graph: &Graph, ends: impl IntoIterator<Item = NodeIx>) -> BTreeSet<NodeIx> {
    walk(ends, |node| graph.incoming(node).iter().filter_map(|flow| graph.source(*flow)).collect())
}

/// A walk over any relation: every node that `next` leads to from `starts`.
pub fn walk(starts: impl IntoIterator<Item = NodeIx>, next: impl Fn(NodeIx) -> Vec<NodeIx>) -> BTreeSet<NodeIx> {
    let mut seen: BTreeSet<NodeIx> = starts.into_iter().collect();
    let mut todo: Vec<NodeIx> = seen.iter().copied().collect();
    while let Some(node) = todo.pop() {
        for found in next(node) {
            if seen.insert(found) {
                todo.push(found);
            }
        }
    }
    seen
}
