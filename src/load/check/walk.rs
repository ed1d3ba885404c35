//! Where a token can come to in a compiled process, over flows, into scopes, to events and handlers.

use std::collections::{BTreeMap, BTreeSet};

use crate::element::Element;
use crate::element::definition::{Definition, Trigger, VarRef};
use crate::graph::{NodeIx, reach};
use crate::load::process::notes::Notes;

/// A compiled process, as its checks walk it.
pub(super) struct Walk<'a> {
    pub def: &'a Definition,
    pub notes: &'a Notes,
}

impl<'a> Walk<'a> {
    /// The targets of a node's flows. Behind a move that leaves the stage there are none, unless `all` is wanted.
    pub fn targets(&self, node: NodeIx, all: bool) -> Vec<NodeIx> {
        let graph = &self.def.graph;
        let live = graph.outgoing(node).iter().filter(|flow| all || !self.notes.dead.contains(&flow.0));
        live.filter_map(|flow| graph.target(*flow)).collect()
    }

    /// Everything that becomes possible when a token is at a node: its flows, what it holds, its boundary events.
    pub fn onward(&self, node: NodeIx, all: bool) -> Vec<NodeIx> {
        let mut found = self.targets(node, all);
        found.extend(self.inside(node));
        found.extend(self.def.boundaries_of(node));
        if let Some(Trigger::Several { parts, .. }) = self.def.element(node).and_then(Element::trigger) {
            found.extend(parts);
        }
        found
    }

    /// The beginnings of what a node holds: its scope with its handlers, or the lists of stages.
    pub fn inside(&self, node: NodeIx) -> Vec<NodeIx> {
        let mut found = Vec::new();
        if let Some(info) = self.def.scopes.get(&node) {
            found.push(info.entry);
            found.extend(&info.handlers);
        }
        if node == NodeIx::PROCESS {
            found.extend(self.def.starts.iter().filter_map(|start| start.entry));
        }
        if let Some(Element::StageScope(stages)) = self.def.element(node) {
            found.extend(stages.lists.iter().map(|(_, list)| *list));
            found.extend(stages.all_done);
            if let crate::element::stage_scope::Otherwise::List(list) = stages.otherwise {
                found.push(list);
            }
        }
        found
    }

    /// The nodes that a token can come to from the process's beginning.
    pub fn reachable(&self, all: bool) -> BTreeSet<NodeIx> {
        reach::walk([NodeIx::PROCESS], |node| self.onward(node, all))
    }

    /// Of some nodes those at which their connected parts begin: the others are behind them.
    pub fn firsts(&self, nodes: &BTreeSet<NodeIx>) -> Vec<NodeIx> {
        let among = |node: NodeIx| {
            let next = self.onward(node, true).into_iter();
            next.filter(|to| *to != node && nodes.contains(to)).collect::<Vec<_>>()
        };
        let behind: BTreeSet<NodeIx> = nodes.iter().flat_map(|node| among(*node)).collect();
        let mut firsts: Vec<NodeIx> = nodes.difference(&behind).copied().collect();
        // In a circle nobody is first: then the first written is.
        let mut covered = reach::walk(firsts.iter().copied(), among);
        while let Some(node) = nodes.difference(&covered).next().copied() {
            firsts.push(node);
            covered.extend(reach::walk([node], among));
        }
        firsts.sort();
        firsts
    }

    /// The node in whose place a scope's tokens run; for the lists of stages, the step that holds them.
    pub fn hosts(&self) -> BTreeMap<NodeIx, NodeIx> {
        let mut hosts = BTreeMap::new();
        for node in self.def.graph.nodes() {
            if let Some(Element::StageScope(_)) = self.def.element(node) {
                hosts.extend(self.inside(node).into_iter().map(|list| (list, node)));
            }
        }
        hosts
    }

    /// Whether the node is a step or event that an author wrote.
    pub fn is_written(&self, node: NodeIx) -> bool {
        !self.notes.made.contains(&node)
    }

    /// The name of a variable.
    pub fn var_name(&self, var: VarRef) -> String {
        let found = self.def.scopes.get(&var.scope).and_then(|info| info.vars.get(usize::from(var.index)));
        found.map(|var| var.name.to_string()).unwrap_or_default()
    }
}
