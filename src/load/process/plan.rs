//! A graph under construction: nodes, and flows whose ends are labels until the place they lead to is known.
//!
//! A flow keeps its position among those that leave its node from the moment it is drawn, so elements can name flows by
//! position before the steps behind them exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::element::Element;
use crate::element::exclusive_gateway::ExclusiveGateway;
use crate::graph::{Flow, Graph, GraphBuilder, Node, NodeIx};
use crate::model::{Name, Span, Text};

/// A place that flows can lead to before it is known which node it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label(usize);

#[derive(Clone, Debug)]
enum Goal {
    Open,
    Node(NodeIx),
    Same(Label),
}

#[derive(Clone, Debug)]
struct Spot {
    goal: Goal,
    /// Where flows that meet here are merged into one: the join behind must get one flow from here.
    merge: Option<Merge>,
}

#[derive(Clone, Debug)]
struct Merge {
    key: String,
    scope: NodeIx,
    span: Span,
}

#[derive(Debug)]
struct Pending {
    from: NodeIx,
    to: Label,
    title: Text,
    span: Span,
    ends: bool,
}

/// A node to be added.
#[derive(Debug)]
pub(crate) struct NewNode {
    pub key: String,
    pub id: Option<Name>,
    pub title: Text,
    pub scope: NodeIx,
    pub span: Span,
}

/// The graph under construction.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    nodes: Vec<Node>,
    elements: Vec<Element>,
    flows: Vec<Pending>,
    leaving: BTreeMap<NodeIx, usize>,
    spots: Vec<Spot>,
    keys: BTreeSet<String>,
    ordinals: BTreeMap<String, u32>,
}

/// The finished graph, and what only its making knows.
#[derive(Debug)]
pub(crate) struct Built {
    pub graph: Graph,
    pub elements: Vec<Element>,
    /// Flows, by number, behind a move that surely leaves the stage: no token ever takes them.
    pub dead: BTreeSet<u32>,
    /// The labels that some flow comes through.
    pub passed: BTreeSet<Label>,
    /// The gateways that merge.
    pub made: Vec<NodeIx>,
    /// Nodes whose way on leads in a circle of `go` steps.
    pub lost: Vec<(NodeIx, Span)>,
}

impl Plan {
    /// A label that is not placed yet.
    pub fn label(&mut self) -> Label {
        self.spots.push(Spot { goal: Goal::Open, merge: None });
        Label(self.spots.len().saturating_sub(1))
    }

    /// Says that this label is that node.
    pub fn place(&mut self, label: Label, node: NodeIx) {
        self.goal(label, Goal::Node(node));
    }

    /// Says that this label is the same place as another.
    pub fn same(&mut self, label: Label, other: Label) {
        self.goal(label, Goal::Same(other));
    }

    fn goal(&mut self, label: Label, goal: Goal) {
        if let Some(spot) = self.spots.get_mut(label.0) {
            spot.goal = goal;
        }
    }

    /// Says that several flows to this label become one before the node behind it.
    pub fn merge_at(&mut self, label: Label, key: String, scope: NodeIx, span: Span) {
        if let Some(spot) = self.spots.get_mut(label.0) {
            spot.merge = Some(Merge { key, scope, span });
        }
    }

    /// Adds a node; a key that is taken gets a number behind it.
    pub fn node(&mut self, new: NewNode, element: Element) -> NodeIx {
        let NewNode { key, id, title, scope, span } = new;
        let key = self.free_key(key);
        self.nodes.push(Node { key, id, title, scope, span });
        self.elements.push(element);
        NodeIx(u32::try_from(self.nodes.len().saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// Gives a node the id by which people know it; its key stays.
    pub fn call(&mut self, node: NodeIx, id: &Name) {
        if let Some(node) = self.nodes.get_mut(node.0 as usize) {
            node.id = Some(id.clone());
        }
    }

    fn free_key(&mut self, key: String) -> String {
        let mut found = key.clone();
        let mut number = 2_u32;
        while !self.keys.insert(found.clone()) {
            found = format!("{key}_{number}");
            number = number.saturating_add(1);
        }
        found
    }

    /// The key of an unnamed step: its verb and its number among those of this verb under this prefix.
    pub fn unnamed(&mut self, prefix: &str, word: &str) -> String {
        let base = join(prefix, word);
        let count = self.ordinals.entry(base.clone()).or_insert(0);
        *count = count.saturating_add(1);
        format!("{base}{count}")
    }

    /// Draws a flow; gives its position among those that leave `from`.
    pub fn flow(&mut self, from: NodeIx, to: Label, title: Text, span: Span) -> usize {
        let leaving = self.leaving.entry(from).or_insert(0);
        let position = *leaving;
        *leaving = leaving.saturating_add(1);
        self.flows.push(Pending { from, to, title, span, ends: false });
        position
    }

    /// Gives the flows that lead to this label a title.
    pub fn entitle(&mut self, label: Label, title: &Text) {
        for flow in self.flows.iter_mut().filter(|flow| flow.to == label) {
            flow.title.clone_from(title);
        }
    }

    /// Says that no token ever takes this flow: the move before it leaves the stage.
    pub fn ends(&mut self, from: NodeIx, position: usize) {
        if let Some(flow) = self.flows.iter_mut().filter(|flow| flow.from == from).nth(position) {
            flow.ends = true;
        }
    }

    /// The element of a node, to be completed.
    pub fn element(&mut self, node: NodeIx) -> Option<&mut Element> {
        self.elements.get_mut(node.0 as usize)
    }

    /// The node of a number.
    pub fn node_at(&self, node: NodeIx) -> Option<&Node> {
        self.nodes.get(node.0 as usize)
    }

    /// How many flows are drawn.
    pub fn drawn(&self) -> usize {
        self.flows.len()
    }

    /// Whether a flow leads to this label, of those drawn after the first `drawn`.
    pub fn is_led_to(&self, label: Label, drawn: usize) -> bool {
        let later = self.flows.get(drawn..).unwrap_or_default();
        later.iter().any(|flow| self.chain(flow.to).any(|at| at == label))
    }

    /// How many nodes there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    /// The finished graph.
    pub fn finish(mut self) -> Built {
        let passed = self.passed();
        let made = self.merges();
        let mut builder = GraphBuilder::new();
        let nodes = std::mem::take(&mut self.nodes);
        let spans: Vec<Span> = nodes.iter().map(|node| node.span).collect();
        for node in nodes {
            builder.node(node);
        }
        let (mut dead, mut lost) = (BTreeSet::new(), Vec::new());
        for flow in std::mem::take(&mut self.flows) {
            let Some(to) = self.end_of(flow.to) else {
                lost.push((flow.from, spans.get(flow.from.0 as usize).copied().unwrap_or_default()));
                continue;
            };
            let ix = builder.flow_with(Flow { from: flow.from, to, title: flow.title, span: flow.span });
            if flow.ends {
                dead.insert(ix.0);
            }
        }
        Built { graph: builder.finish(), elements: self.elements, dead, passed, made, lost }
    }

    /// The labels that flows come through.
    fn passed(&self) -> BTreeSet<Label> {
        let mut passed = BTreeSet::new();
        for flow in &self.flows {
            // Where another flow has come through before, the rest of the way is known.
            let fresh: Vec<Label> = self.chain(flow.to).take_while(|label| !passed.contains(label)).collect();
            passed.extend(fresh);
        }
        passed
    }

    /// Puts a gateway before every place that must be entered by one flow and is entered by several.
    fn merges(&mut self) -> Vec<NodeIx> {
        let mut made = Vec::new();
        let mut meetings: BTreeMap<Label, Vec<usize>> = BTreeMap::new();
        for (at, flow) in self.flows.iter().enumerate() {
            if let Some(last) = self.chain(flow.to).last() {
                meetings.entry(last).or_default().push(at);
            }
        }
        for (label, meeting) in meetings {
            let Some(merge) = self.spots.get(label.0).and_then(|spot| spot.merge.clone()) else { continue };
            if meeting.len() < 2 {
                continue;
            }
            let Some(goal) = self.spots.get(label.0).map(|spot| spot.goal.clone()) else { continue };
            let new =
                NewNode { key: merge.key, id: None, title: Text::default(), scope: merge.scope, span: merge.span };
            let gateway = self.node(new, Element::ExclusiveGateway(ExclusiveGateway::default()));
            let (before, behind) = (self.label(), self.label());
            self.place(before, gateway);
            self.goal(behind, goal);
            for at in meeting {
                if let Some(flow) = self.flows.get_mut(at) {
                    flow.to = before;
                }
            }
            self.flow(gateway, behind, Text::default(), merge.span);
            made.push(gateway);
        }
        made
    }

    /// The node that a label stands for.
    pub fn end_of(&self, label: Label) -> Option<NodeIx> {
        let last = self.chain(label).last()?;
        match self.spots.get(last.0)?.goal {
            Goal::Node(node) => Some(node),
            Goal::Open | Goal::Same(_) => None,
        }
    }

    /// The label and those it stands for; it stops after as many as there are, in a circle.
    fn chain(&self, label: Label) -> impl Iterator<Item = Label> + '_ {
        let next = |at: &Label| match self.spots.get(at.0)?.goal {
            Goal::Same(other) => Some(other),
            Goal::Open | Goal::Node(_) => None,
        };
        std::iter::successors(Some(label), next).take(self.spots.len())
    }
}

/// A key under a prefix.
pub(crate) fn join(prefix: &str, part: &str) -> String {
    if prefix.is_empty() { part.to_owned() } else { format!("{prefix}/{part}") }
}
