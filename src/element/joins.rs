//! What the joins that wait for whatever can still come wait for (S1): worked out when a definition is loaded.

use std::collections::BTreeMap;

use super::Element;
use crate::graph::ways::{FlowSet, Ways};
use crate::graph::{FlowIx, Graph, NodeIx};
use crate::instance::Place;

/// A join that waits for what can come: from which places a token may come, and by which of its flows.
#[derive(Debug, Default)]
pub struct Join {
    /// Its flows, each with its position.
    flows: BTreeMap<FlowIx, usize>,
    /// A token on a flow into a node: from there it may go any way.
    before: BTreeMap<NodeIx, Vec<FlowSet>>,
    /// A token in a node counts as being on each of the flows by which it may leave.
    inside: BTreeMap<NodeIx, Vec<FlowSet>>,
}

/// All such joins of a graph.
pub fn joins(graph: &Graph, elements: &[Element], beside: &BTreeMap<NodeIx, Vec<NodeIx>>) -> BTreeMap<NodeIx, Join> {
    let here = Here { graph, elements, beside };
    let joins = graph.nodes().filter(|node| here.is_patient(*node));
    joins.map(|node| (node, here.join(node))).collect()
}

impl Join {
    /// The position of a flow among those that enter the join.
    pub fn position(&self, flow: FlowIx) -> Option<usize> {
        self.flows.get(&flow).copied()
    }

    /// Whether a token at this place may still bring one by an empty flow, and none by a flow of `full` from the same start.
    pub fn waits_for(&self, graph: &Graph, place: Place, full: &FlowSet) -> bool {
        let ways = match place {
            Place::In(node) => self.inside.get(&node),
            Place::Entering(node) => self.before.get(&node),
            Place::Arrived(flow) => graph.target(flow).and_then(|node| self.before.get(&node)),
        };
        ways.into_iter().flatten().any(|ways| !ways.meets(full))
    }

    /// Whether a token that waits at another join may be waited for.
    pub fn may_wait_for(&self, other: NodeIx) -> bool {
        self.before.contains_key(&other)
    }
}

/// What a join is worked out from.
struct Here<'a> {
    graph: &'a Graph,
    elements: &'a [Element],
    beside: &'a BTreeMap<NodeIx, Vec<NodeIx>>,
}

impl Here<'_> {
    fn element(&self, node: NodeIx) -> Option<&Element> {
        self.elements.get(node.0 as usize)
    }

    /// Whether tokens wait there, each on its flow.
    fn is_join(&self, node: NodeIx) -> bool {
        self.graph.incoming(node).len() > 1 && self.element(node).is_some_and(|element| element.room().gathers())
    }

    /// Whether it waits for what can come: a join, or what counts tokens whatever their flow.
    fn is_patient(&self, node: NodeIx) -> bool {
        let element = self.element(node).map(Element::room).filter(|room| room.is_patient());
        element.is_some_and(|room| self.is_join(node) || !room.gathers())
    }

    fn join(&self, node: NodeIx) -> Join {
        let ways = Ways::to(self.graph, node, self.beside);
        let flows = self.graph.incoming(node).iter().enumerate().map(|(position, flow)| (*flow, position));
        let mut join = Join { flows: flows.collect(), ..Join::default() };
        // Where flows are not told apart, none of them ever holds a token.
        let most = if self.is_join(node) { ways.width().saturating_sub(1) } else { ways.width() };
        for other in self.graph.nodes().filter(|other| !ways.from_node(*other).is_empty()) {
            let by = |flows: Vec<FlowIx>| flows.into_iter().map(|flow| ways.from_flow(self.graph, flow)).collect();
            let whole = vec![ways.from_node(other).clone()];
            let before = if self.is_made_behind(other) { by(self.leaving(other)) } else { whole };
            let inside = match self.element(other) {
                // A token that stays in a join is its memory: it does not go on.
                _ if self.is_join(other) => Vec::new(),
                Some(element) if element.is_gateway() => before.clone(),
                _ => by(self.onward(other)),
            };
            keep(&mut join.before, other, before, most);
            keep(&mut join.inside, other, inside, most);
        }
        join
    }

    /// The flows on which a token in a node counts as being.
    fn onward(&self, node: NodeIx) -> Vec<FlowIx> {
        if let Some(Element::EventGateway(_)) = self.element(node) {
            let options = self.graph.outgoing(node).iter().filter_map(|flow| self.graph.target(*flow));
            return options.flat_map(|option| self.leaving(option)).collect();
        }
        let borders = self.beside.get(&node).into_iter().flatten();
        [node].iter().chain(borders).flat_map(|node| self.leaving(*node)).collect()
    }

    /// The flows out of a node; what the loader made behind it belongs to it.
    fn leaving(&self, node: NodeIx) -> Vec<FlowIx> {
        let behind = |flow: &FlowIx| self.graph.target(*flow).filter(|to| self.is_made_behind(*to));
        let flows = self.graph.outgoing(node).iter();
        flows.flat_map(|flow| behind(flow).map_or(vec![*flow], |to| self.leaving(to))).collect()
    }

    /// Whether the loader made this node for the several tokens or several flows of another: they are sent on as that one is left.
    fn is_made_behind(&self, node: NodeIx) -> bool {
        let splits = || self.graph.node(node).is_some_and(|found| found.id.is_none() && found.key.ends_with("/split"));
        match self.element(node) {
            Some(Element::CompletionQuantity(_)) => true,
            Some(element) => element.is_gateway() && splits(),
            None => false,
        }
    }
}

/// Only ways to some of the flows are waited for: what leads nowhere never comes, and what leads to all flows leads to one that holds
/// a token.
fn keep(into: &mut BTreeMap<NodeIx, Vec<FlowSet>>, node: NodeIx, mut ways: Vec<FlowSet>, most: usize) {
    ways.retain(|set| !set.is_empty() && set.len() <= most);
    if !ways.is_empty() {
        into.insert(node, ways);
    }
}
