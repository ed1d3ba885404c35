//! The abstract model of a process as BPMN draws it: nodes, flows, events at borders, handlers. Random processes are made as this, written as
//! YAML from this, and played by the reference interpreter over this. It knows nothing of the crate.

use std::collections::BTreeSet;

/// The nodes and flows of a process or sub-process.
#[derive(Clone, Debug, Default)]
pub struct Net {
    pub nodes: Vec<Node>,
    pub flows: Vec<Flow>,
    pub handlers: Vec<Handler>,
}

/// A node, with what may be said of every activity.
#[derive(Clone, Debug)]
pub struct Node {
    pub id: String,
    pub kind: Kind,
    pub many: Many,
    /// How many tokens it needs to begin.
    pub takes: usize,
    /// How many tokens go on when it is done.
    pub gives: usize,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// A start event.
    Start,
    /// Work of a person, who says what `pick` is from then on.
    Task,
    /// Work that takes no time.
    Pass,
    Sub(Net),
    /// Waits for an event.
    Catch(Event),
    /// Leads to events, of which the first wins.
    Race,
    Exclusive,
    Parallel,
    Inclusive,
    /// Goes on when so many tokens have arrived.
    Complex(usize),
    /// Throws an escalation and goes on.
    Escalate(String),
    /// Leads to the node of this number without a flow being drawn.
    Link(usize),
    /// Where links of this name come out.
    LinkEnd(String),
    /// An event at the border of the node of this number.
    Border {
        host: usize,
        event: Event,
        interrupts: bool,
    },
    End(Ending),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Message,
    Signal,
    Timer,
    /// The code; any when none.
    Error(Option<String>),
    Escalation(Option<String>),
}

#[derive(Clone, Debug)]
pub enum Ending {
    Path,
    Terminate,
    Error(String),
    Escalation(String),
}

/// How often an activity is done.
#[derive(Clone, Debug)]
pub enum Many {
    Once,
    /// So often, so many at once; the rest is canceled when `until` have completed.
    Times {
        times: usize,
        at_once: usize,
        until: Option<usize>,
    },
    /// Again while `pick` is one of these, looked at before or behind each round; at most so often.
    Loop {
        again: BTreeSet<i64>,
        before: bool,
        most: Option<usize>,
    },
}

/// A flow, taken when `pick` is one of these; always without them.
#[derive(Clone, Debug)]
pub struct Flow {
    pub from: usize,
    pub to: usize,
    pub when: Option<BTreeSet<i64>>,
    pub otherwise: bool,
}

/// An event sub-process.
#[derive(Clone, Debug)]
pub struct Handler {
    pub id: String,
    pub event: Event,
    pub interrupts: bool,
    pub net: Net,
}

/// `pick` is at first this, and below this.
pub const FIRST_PICK: i64 = 0;
pub const PICKS: i64 = 4;

impl Net {
    /// The flows that leave a node, in written order.
    pub fn leaving(&self, node: usize) -> Vec<usize> {
        (0..self.flows.len()).filter(|flow| self.flows[*flow].from == node).collect()
    }

    /// The flows that enter a node, in written order.
    pub fn entering(&self, node: usize) -> Vec<usize> {
        (0..self.flows.len()).filter(|flow| self.flows[*flow].to == node).collect()
    }

    /// The events at the border of a node.
    pub fn borders(&self, of: usize) -> Vec<usize> {
        let at = |node: &Node| matches!(node.kind, Kind::Border { host, .. } if host == of);
        (0..self.nodes.len()).filter(|node| at(&self.nodes[*node])).collect()
    }

    /// The nodes at which a scope begins: its start events, without any the nodes that no flow leads to (S19).
    pub fn beginnings(&self) -> Vec<usize> {
        let starts = (0..self.nodes.len()).filter(|node| matches!(self.nodes[*node].kind, Kind::Start));
        let starts: Vec<usize> = starts.collect();
        if !starts.is_empty() {
            return starts;
        }
        let by_itself = |node: &usize| match self.nodes[*node].kind {
            Kind::Border { .. } | Kind::LinkEnd(_) => false,
            _ => self.entering(*node).is_empty(),
        };
        (0..self.nodes.len()).filter(by_itself).collect()
    }
}

impl Kind {
    /// Whether a border may have events, and whether it may be done several times.
    pub fn is_activity(&self) -> bool {
        matches!(self, Kind::Task | Kind::Sub(_))
    }

    /// Whether it leads tokens on without being something that a token is in.
    pub fn is_gateway(&self) -> bool {
        matches!(self, Kind::Exclusive | Kind::Parallel | Kind::Inclusive | Kind::Complex(_))
    }
}
