//! The process graph: nodes and flows with their written order, and what can be reached. Nothing else.
//!
//! The graph knows names, not meanings: what a node *is* stands in a side table by node number ([`crate::element`]).
//! It lives in petgraph for the analyses at load; execution walks the flat tables made from it once.

use std::collections::BTreeMap;
use std::fmt;

use minicbor::{Decode, Encode};
use petgraph::graph::DiGraph;

use crate::model::{Name, Span, Text};

pub mod reach;
pub mod ways;

/// A node's number in its definition: stable for the life of a stored version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct NodeIx(#[n(0)] pub u32);

/// A flow's number in its definition: stable for the life of a stored version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct FlowIx(#[n(0)] pub u32);

impl NodeIx {
    /// The whole process: the root of all scopes.
    pub const PROCESS: NodeIx = NodeIx(0);

    fn at(self) -> usize {
        self.0 as usize
    }
}

impl FlowIx {
    fn at(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeIx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A node: one step, gateway or event, or a scope that holds others.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The path of authored ids, for example `qualification/clarify_need`: what history and migration call it.
    pub key: String,
    /// The authored id of the step, when it has one.
    pub id: Option<Name>,
    /// The title for people.
    pub title: Text,
    /// The scope that holds it: the process or a sub-process.
    pub scope: NodeIx,
    /// Where it was written.
    pub span: Span,
}

/// A flow from one node to another inside one scope.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Where it starts.
    pub from: NodeIx,
    /// Where it ends.
    pub to: NodeIx,
    /// The title for people: of an outcome or a case.
    pub title: Text,
    /// Where it was written.
    pub span: Span,
}

/// The keys of nodes and flows by their numbers, as stored with a deployed version: a later engine numbers by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTable {
    /// Node keys; the position is the number.
    pub nodes: Vec<String>,
    /// Flow keys (`from>to`, with `#n` behind the second and later ones between the same two); the position is the number.
    pub flows: Vec<String>,
}

/// The graph of one definition, finished and unchangeable.
#[derive(Debug, Default)]
pub struct Graph {
    inner: DiGraph<Node, Flow>,
    outgoing: Vec<Vec<FlowIx>>,
    incoming: Vec<Vec<FlowIx>>,
    targets: Vec<NodeIx>,
    sources: Vec<NodeIx>,
    by_key: BTreeMap<String, NodeIx>,
}

impl Graph {
    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.outgoing.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// All node numbers.
    pub fn nodes(&self) -> impl Iterator<Item = NodeIx> + use<> {
        (0..u32::try_from(self.outgoing.len()).unwrap_or(u32::MAX)).map(NodeIx)
    }

    /// All flow numbers.
    pub fn flows(&self) -> impl Iterator<Item = FlowIx> + use<> {
        (0..u32::try_from(self.targets.len()).unwrap_or(u32::MAX)).map(FlowIx)
    }

    /// The node of this number.
    pub fn node(&self, node: NodeIx) -> Option<&Node> {
        self.inner.node_weight(petgraph::graph::NodeIndex::new(node.at()))
    }

    /// The flow of this number.
    pub fn flow(&self, flow: FlowIx) -> Option<&Flow> {
        self.inner.edge_weight(petgraph::graph::EdgeIndex::new(flow.at()))
    }

    /// The key of a node, `?` for one that does not exist.
    pub fn key(&self, node: NodeIx) -> &str {
        self.node(node).map_or("?", |found| found.key.as_str())
    }

    /// The node with this key.
    pub fn find(&self, key: &str) -> Option<NodeIx> {
        self.by_key.get(key).copied()
    }

    /// The flows that leave a node, in written order.
    pub fn outgoing(&self, node: NodeIx) -> &[FlowIx] {
        self.outgoing.get(node.at()).map_or(&[], Vec::as_slice)
    }

    /// The flows that enter a node, in written order.
    pub fn incoming(&self, node: NodeIx) -> &[FlowIx] {
        self.incoming.get(node.at()).map_or(&[], Vec::as_slice)
    }

    /// The node in which a flow ends.
    pub fn target(&self, flow: FlowIx) -> Option<NodeIx> {
        self.targets.get(flow.at()).copied()
    }

    /// The node from which a flow starts.
    pub fn source(&self, flow: FlowIx) -> Option<NodeIx> {
        self.sources.get(flow.at()).copied()
    }

    /// The scope that holds a node.
    pub fn scope(&self, node: NodeIx) -> NodeIx {
        self.node(node).map_or(NodeIx::PROCESS, |found| found.scope)
    }

    /// The nodes a scope holds, in order of their numbers.
    pub fn inside(&self, scope: NodeIx) -> impl Iterator<Item = NodeIx> + '_ {
        self.nodes().filter(move |node| *node != NodeIx::PROCESS && self.scope(*node) == scope)
    }

    /// The numbers by key, to be stored with a deployed version.
    pub fn table(&self) -> NodeTable {
        let nodes = self.nodes().map(|node| self.key(node).to_string()).collect();
        NodeTable { nodes, flows: flow_keys(self.flows().filter_map(|flow| self.flow(flow)), |node| self.key(node)) }
    }

    /// The petgraph graph underneath, for analyses.
    pub fn petgraph(&self) -> &DiGraph<Node, Flow> {
        &self.inner
    }
}

fn flow_keys<'a>(flows: impl Iterator<Item = &'a Flow>, key: impl Fn(NodeIx) -> &'a str) -> Vec<String> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    flows
        .map(|flow| {
            let base = format!("{}>{}", key(flow.from), key(flow.to));
            let count = seen.entry(base.clone()).or_insert(0);
            *count = count.saturating_add(1);
            if *count == 1 { base } else { format!("{base}#{count}") }
        })
        .collect()
}

/// Collects nodes and flows in written order and finishes them into a [`Graph`].
///
/// ```
/// use stageflow::graph::{GraphBuilder, Node, NodeIx};
/// let mut builder = GraphBuilder::new();
/// let process = builder.node(Node { key: "sale".into(), ..Node::default() });
/// let call = builder.node(Node { key: "call".into(), ..Node::default() });
/// let end = builder.node(Node { key: "end".into(), ..Node::default() });
/// let flow = builder.flow(call, end);
/// let graph = builder.finish();
/// assert_eq!(process, NodeIx::PROCESS);
/// assert_eq!((graph.outgoing(call), graph.target(flow)), (&[flow][..], Some(end)));
/// ```
#[derive(Debug, Default)]
pub struct GraphBuilder {
    nodes: Vec<Node>,
    flows: Vec<Flow>,
}

impl GraphBuilder {
    /// An empty builder. The first node added is the process itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node and gives its number.
    pub fn node(&mut self, node: Node) -> NodeIx {
        self.nodes.push(node);
        NodeIx(u32::try_from(self.nodes.len().saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// Adds a flow behind those that leave `from` already.
    pub fn flow(&mut self, from: NodeIx, to: NodeIx) -> FlowIx {
        self.flow_with(Flow { from, to, title: Text::default(), span: Span::default() })
    }

    /// Adds a flow with its title and place.
    pub fn flow_with(&mut self, flow: Flow) -> FlowIx {
        self.flows.push(flow);
        FlowIx(u32::try_from(self.flows.len().saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// A node that was added, to be completed.
    pub fn node_mut(&mut self, node: NodeIx) -> Option<&mut Node> {
        self.nodes.get_mut(node.at())
    }

    /// The flows added so far.
    pub fn flows(&self) -> &[Flow] {
        &self.flows
    }

    /// The finished graph. Flows to or from nodes that do not exist are left out.
    pub fn finish(self) -> Graph {
        let mut inner = DiGraph::with_capacity(self.nodes.len(), self.flows.len());
        let (nodes, flows) = (self.nodes.len(), self.flows.len());
        let mut by_key = BTreeMap::new();
        for (at, node) in self.nodes.into_iter().enumerate() {
            by_key.insert(node.key.clone(), NodeIx(u32::try_from(at).unwrap_or(u32::MAX)));
            inner.add_node(node);
        }
        let (mut outgoing, mut incoming) = (vec![Vec::new(); nodes], vec![Vec::new(); nodes]);
        let (mut targets, mut sources) = (Vec::with_capacity(flows), Vec::with_capacity(flows));
        for flow in self.flows {
            if flow.from.at() >= nodes || flow.to.at() >= nodes {
                continue;
            }
            let ix = FlowIx(u32::try_from(targets.len()).unwrap_or(u32::MAX));
            if let Some(list) = outgoing.get_mut(flow.from.at()) {
                list.push(ix);
            }
            if let Some(list) = incoming.get_mut(flow.to.at()) {
                list.push(ix);
            }
            targets.push(flow.to);
            sources.push(flow.from);
            let ends = (petgraph::graph::NodeIndex::new(flow.from.at()), petgraph::graph::NodeIndex::new(flow.to.at()));
            inner.add_edge(ends.0, ends.1, flow);
        }
        Graph { inner, outgoing, incoming, targets, sources, by_key }
    }
}
