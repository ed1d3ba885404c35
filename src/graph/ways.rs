//! By which of a join's flows a walk from each node comes to it: worked out once, so that a run asks without walking.

use std::collections::{BTreeMap, BTreeSet};

use super::{FlowIx, Graph, NodeIx};

/// Some of the flows that enter a join, by their positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowSet(Vec<u64>);

impl FlowSet {
    /// Adds a flow.
    pub fn insert(&mut self, position: usize) {
        let at = position / 64;
        if self.0.len() <= at {
            self.0.resize(at.saturating_add(1), 0);
        }
        if let Some(word) = self.0.get_mut(at) {
            *word |= 1_u64 << (position % 64);
        }
    }

    /// Adds the flows of another set; true when that made a difference.
    fn extend(&mut self, other: &FlowSet) -> bool {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        let mut grown = false;
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            grown |= *word | more != *word;
            *word |= more;
        }
        grown
    }

    /// Whether the sets have a flow in common.
    pub fn meets(&self, other: &FlowSet) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// How many flows it holds.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

/// The flows of one join that can be come to.
#[derive(Debug)]
pub struct Ways {
    join: NodeIx,
    from: Vec<FlowSet>,
    positions: BTreeMap<FlowIx, usize>,
}

impl Ways {
    /// Walks back from a join, along the flows and from the nodes of `beside` to what they name beside their flows (an activity's
    /// boundary events). No walk visits the join on its way.
    ///
    /// ```
    /// use stageflow::graph::{GraphBuilder, Node, ways::Ways};
    /// let mut builder = GraphBuilder::new();
    /// let nodes: Vec<_> = ["p", "a", "b", "j"].map(|key| builder.node(Node { key: key.into(), ..Node::default() })).into();
    /// builder.flow(nodes[1], nodes[3]);
    /// builder.flow(nodes[2], nodes[3]);
    /// let ways = Ways::to(&builder.finish(), nodes[3], &Default::default());
    /// assert!(!ways.from_node(nodes[1]).meets(ways.from_node(nodes[2])));
    /// ```
    pub fn to(graph: &Graph, join: NodeIx, beside: &BTreeMap<NodeIx, Vec<NodeIx>>) -> Self {
        let mut hosts: BTreeMap<NodeIx, NodeIx> = BTreeMap::new();
        beside.iter().for_each(|(host, events)| hosts.extend(events.iter().map(|event| (*event, *host))));
        let mut ways = Self { join, from: vec![FlowSet::default(); graph.len()], positions: BTreeMap::new() };
        let mut todo = BTreeSet::new();
        for (position, flow) in graph.incoming(join).iter().enumerate() {
            ways.positions.insert(*flow, position);
            let mut own = FlowSet::default();
            own.insert(position);
            if let Some(source) = graph.source(*flow) {
                ways.grow(source, &own, &mut todo);
            }
        }
        while let Some(node) = todo.pop_last() {
            let known = ways.from_node(node).clone();
            let sources = graph.incoming(node).iter().filter_map(|flow| graph.source(*flow));
            for source in sources.chain(hosts.get(&node).copied()) {
                ways.grow(source, &known, &mut todo);
            }
        }
        ways
    }

    fn grow(&mut self, node: NodeIx, more: &FlowSet, todo: &mut BTreeSet<NodeIx>) {
        let grown = node != self.join && self.from.get_mut(node.at()).is_some_and(|known| known.extend(more));
        if grown {
            todo.insert(node);
        }
    }

    /// The flows to which a walk from this node leads; none from the join itself.
    pub fn from_node(&self, node: NodeIx) -> &FlowSet {
        const NONE: &FlowSet = &FlowSet(Vec::new());
        self.from.get(node.at()).unwrap_or(NONE)
    }

    /// The flows to which a walk that begins with this flow leads.
    pub fn from_flow(&self, graph: &Graph, flow: FlowIx) -> FlowSet {
        match self.positions.get(&flow) {
            Some(position) => {
                let mut own = FlowSet::default();
                own.insert(*position);
                own
            }
            None => graph.target(flow).map(|node| self.from_node(node).clone()).unwrap_or_default(),
        }
    }

    /// How many flows enter the join.
    pub fn width(&self) -> usize {
        self.positions.len()
    }
}
