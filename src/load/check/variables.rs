//! Variables that are read before they are surely set.
//!
//! A walk forward over the graph: what is surely set before a node is what is surely set behind all nodes that lead to it
//! (behind any of them, at a join of parallel branches). A scope begins with what is set before its host; behind the host
//! stands what its list surely sets, unless the list may not run.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::Walk;
use crate::element::definition::VarRef;
use crate::element::repeat::Test;
use crate::element::{Element, Trigger};
use crate::graph::NodeIx;
use crate::load::problem::{Problem, Problems};
use crate::model::Span;

type Set = BTreeSet<VarRef>;

struct Known<'a> {
    walk: &'a Walk<'a>,
    /// What is surely set before a node; none: not reached yet.
    before: BTreeMap<NodeIx, Set>,
    /// What is surely set at the end of a scope's list.
    ended: BTreeMap<NodeIx, Set>,
}

pub(super) fn check(walk: &Walk<'_>, problems: &Problems) {
    if walk.notes.unset.is_empty() {
        return;
    }
    let mut known = Known { walk, before: BTreeMap::new(), ended: BTreeMap::new() };
    known.settle();
    let mut seen: BTreeSet<(VarRef, Span)> = BTreeSet::new();
    let early = walk.notes.reads.iter().map(|(node, reads)| (known.before.get(node), reads));
    let late = walk.notes.late_reads.iter().map(|(node, reads)| (known.ended.get(node), reads));
    for (set, reads) in early.chain(late) {
        let Some(set) = set else { continue };
        for (var, span) in reads {
            if walk.notes.unset.contains_key(var) && !set.contains(var) && seen.insert((*var, *span)) {
                report(walk, *var, *span, problems);
            }
        }
    }
}

fn report(walk: &Walk<'_>, var: VarRef, span: Span, problems: &Problems) {
    let name = walk.var_name(var);
    let problem = Problem::error("read-before-set", span, format!("`{name}` may be read here before it is set"));
    let help =
        format!("set it on every way to this step, or declare it: `vars: {{{name}: {{type: …, initial: null}}}}`");
    problems.push(problem.help(help));
}

impl Known<'_> {
    /// Until nothing changes any more. Every round only takes variables away, so it ends.
    fn settle(&mut self) {
        let entry = self.walk.inside(NodeIx::PROCESS);
        entry.into_iter().for_each(|node| drop(self.before.insert(node, Set::new())));
        let mut todo: BTreeSet<NodeIx> = self.before.keys().copied().collect();
        while let Some(node) = todo.pop_first() {
            for (to, set) in self.leads(node) {
                let joins = matches!(self.walk.def.element(to), Some(Element::ParallelGateway(_)));
                if self.meet(to, set, joins) {
                    todo.insert(to);
                }
            }
            // What a list sets changes what stands behind its host.
            if let Some(host) = self.note_end(node) {
                todo.insert(host);
            }
        }
    }

    /// Where a node leads, with what is surely set there.
    fn leads(&self, node: NodeIx) -> Vec<(NodeIx, Set)> {
        let notes = self.walk.notes;
        let Some(before) = self.before.get(&node) else { return Vec::new() };
        let written = |set: &mut Set, writes: Option<&Vec<(VarRef, Span)>>| {
            set.extend(writes.into_iter().flatten().map(|(var, _)| *var).filter(|var| notes.unset.contains_key(var)));
        };
        let mut behind = before.clone();
        written(&mut behind, notes.writes.get(&node));
        let ended = self.ended.get(&node);
        let runs = self.surely_runs(node);
        behind.extend(ended.filter(|_| runs).into_iter().flatten());
        let graph = &self.walk.def.graph;
        let mut found = Vec::new();
        // Behind a list that surely runs stands what it sets: nothing is behind it before its end is reached.
        let onward = if runs && ended.is_none() { &[] } else { graph.outgoing(node) };
        for (position, flow) in onward.iter().enumerate() {
            let Some(to) = graph.target(*flow) else { continue };
            let mut set = behind.clone();
            written(&mut set, notes.writes_on.get(&(node, position)));
            found.push((to, set));
        }
        // Inside begins what was set before; a handler's and an event's own `take` is theirs.
        let inner = self.walk.inside(node).into_iter().chain(self.walk.def.boundaries_of(node).iter().copied());
        let handler = matches!(self.walk.def.element(node), Some(Element::EventSubProcess(_)));
        // What compensates begins when its host has completed.
        let late = |to| matches!(self.walk.def.element(to), Some(Element::BoundaryEvent(event)) if matches!(event.trigger, Trigger::Compensation));
        found.extend(inner.map(|to| (to, if handler || late(to) { behind.clone() } else { before.clone() })));
        found
    }

    /// Whether a scope's list has surely run when its host is left.
    fn surely_runs(&self, host: NodeIx) -> bool {
        match self.walk.def.element(host) {
            Some(Element::SubProcess(_)) => !self.is_handled(host),
            Some(Element::Repeat(repeat)) => !matches!(repeat.test, Test::While(_)),
            _ => false,
        }
    }

    /// Whether a handler may end the scope in the middle of its list.
    fn is_handled(&self, scope: NodeIx) -> bool {
        let handlers = self.walk.def.scopes.get(&scope).into_iter().flat_map(|info| &info.handlers);
        let mut elements = handlers.filter_map(|handler| self.walk.def.element(*handler));
        elements.any(|element| matches!(element, Element::EventSubProcess(handler) if handler.interrupting))
    }

    /// Takes over what is set on one more way to a node; true when that changes what is known.
    fn meet(&mut self, to: NodeIx, set: Set, joins: bool) -> bool {
        if joins {
            let set = self.joined(to, set);
            return self.before.insert(to, set.clone()).as_ref() != Some(&set);
        }
        match self.before.get_mut(&to) {
            None => {
                self.before.insert(to, set);
                true
            }
            Some(known) => {
                let count = known.len();
                known.retain(|var| set.contains(var));
                known.len() != count
            }
        }
    }

    /// Behind a join of parallel branches everything is set that any of them sets.
    fn joined(&self, join: NodeIx, mut set: Set) -> Set {
        let graph = &self.walk.def.graph;
        if graph.incoming(join).len() < 2 {
            return set;
        }
        for flow in graph.incoming(join) {
            let Some(from) = graph.source(*flow) else { continue };
            for (to, other) in self.leads(from) {
                if to == join {
                    set.extend(other);
                }
            }
        }
        set
    }

    /// What is surely set where a list ends; gives its host when that changed.
    fn note_end(&mut self, node: NodeIx) -> Option<NodeIx> {
        let Some(Element::EndEvent(_)) = self.walk.def.element(node) else { return None };
        let scope = self.walk.def.graph.scope(node);
        let set = self.before.get(&node)?.clone();
        let changed = match self.ended.get_mut(&scope) {
            None => {
                self.ended.insert(scope, set);
                true
            }
            Some(known) => {
                let count = known.len();
                known.retain(|var| set.contains(var));
                known.len() != count
            }
        };
        changed.then_some(scope).filter(|scope| *scope != NodeIx::PROCESS)
    }
}
