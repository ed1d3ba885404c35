//! Compensation: what compensates an activity, and which activities a throw can reach.

use std::collections::BTreeMap;

use super::lists::Border;
use super::{At, Compiler};
use crate::element::boundary_event::BoundaryEvent;
use crate::element::compensation_throw::CompensationThrow;
use crate::element::definition::{Compensation, ScopeInfo};
use crate::element::end_event::Ends;
use crate::element::{Element, Trigger};
use crate::graph::{Graph, NodeIx};
use crate::load::cursor::Spanned;
use crate::load::problem::{Problem, Problems};
use crate::load::process::draft::Event;
use crate::load::process::plan::NewNode;
use crate::model::suggest::did_you_mean;
use crate::model::{Name, Span};

/// A throw whose activity is looked up when all nodes are there.
#[derive(Debug)]
pub(super) struct Throw {
    node: NodeIx,
    activity: Option<Spanned<Name>>,
    span: Span,
}

impl<'a> Compiler<'a> {
    /// `compensate: id or all`.
    pub(super) fn compensate(&mut self, at: &At<'a>, activity: Option<&Spanned<Name>>, waits: bool) -> NodeIx {
        let node = self.simple(at, Element::CompensationThrow(CompensationThrow { activity: None, waits }));
        self.compensating.push(Throw { node, activity: activity.cloned(), span: at.step.at });
        node
    }

    /// `compensate: [steps]` at a border: no flow leads there, its list is a scope of its own.
    pub(super) fn compensation_border(&mut self, at: &At<'a>, host: NodeIx, event: &'a Event<'a>) {
        let key = self.event_key(&at.key, event);
        if self.has_compensation(host) {
            let problem = Problem::error("wrong-shape", event.span, "a step is compensated by one list, found two");
            self.cx.problems.push(problem.help("write all of it under the first `compensate`"));
        }
        if let Some(Element::StageScope(_)) = self.plan.element(host) {
            let message = format!("a `{}` step has no compensation of its own", at.step.word);
            let problem = Problem::error("no-border", event.span, message);
            self.cx.problems.push(problem.help("put it into a `group` and write the `boundary` there"));
        }
        let title = self.event_title(event);
        let id = event.id.as_ref().map(|id| id.value.clone());
        let new = NewNode { key: key.clone(), id, title, scope: self.scope.node, span: event.span };
        let trigger = Trigger::Compensation;
        let boundary = BoundaryEvent { host, trigger, interrupting: false, take: Vec::new() };
        let node = self.add(new, Element::BoundaryEvent(Box::new(boundary)));
        self.boundaries.entry(host).or_default().push(node);
        let steps = event.then.steps.as_deref().unwrap_or_default();
        self.scope_of(node, key, |this| {
            this.declare_hidden(steps);
            this.fill((steps, None), &[], (Border::OwnPath, None), event.span);
        });
    }

    /// What a cancel end event ends: it stands in a transaction.
    pub(super) fn cancels(&mut self, span: Span) -> Ends {
        match self.transactions.contains(&self.scope.node) {
            true => self.canceling.push((self.scope.node, span)),
            false => {
                let problem = Problem::error("wrong-shape", span, "a cancel end stands in a transaction");
                self.cx.problems.push(problem.help("write it into a `group` with `transaction: true`, not deeper"));
            }
        }
        Ends::Transaction
    }

    /// A transaction that is canceled has a way on.
    pub(super) fn check_cancels(&mut self) {
        for (scope, span) in std::mem::take(&mut self.canceling) {
            let events = self.boundaries.get(&scope).cloned().unwrap_or_default();
            if !events.into_iter().any(|event| self.cancels_at(event)) {
                let problem =
                    Problem::error("missing-key", span, "nothing says where the canceled transaction goes on");
                self.cx.problems.push(problem.help("write `boundary: [{cancel: true, next: ...}]` at the transaction"));
            }
        }
    }

    /// Whether a border event waits for the cancel of its host, alone or among others.
    fn cancels_at(&mut self, event: NodeIx) -> bool {
        let parts = match self.plan.element(event).and_then(|element| element.trigger()) {
            Some(Trigger::Cancel) => return true,
            Some(Trigger::Several { parts, .. }) => parts.clone(),
            _ => return false,
        };
        parts.into_iter().any(|part| self.cancels_at(part))
    }

    fn has_compensation(&mut self, host: NodeIx) -> bool {
        let events = self.boundaries.get(&host).cloned().unwrap_or_default();
        events.into_iter().any(|event| self.plan.element(event).is_some_and(|element| is_compensation(element)))
    }
}

fn is_compensation(element: &Element) -> bool {
    matches!(element.trigger(), Some(Trigger::Compensation))
}

/// Every activity that can be compensated: by its border, by a handler of its scope, or because of what completes inside it.
pub(super) fn compensations(
    graph: &Graph,
    elements: &[Element],
    (scopes, boundaries): (&BTreeMap<NodeIx, ScopeInfo>, &BTreeMap<NodeIx, Vec<NodeIx>>),
) -> BTreeMap<NodeIx, Compensation> {
    let element = |node: NodeIx| elements.get(node.0 as usize);
    let compensates = |node: &&NodeIx| {
        let several = match element(**node).and_then(Element::trigger) {
            Some(Trigger::Several { parts, .. }) => parts.as_slice(),
            _ => &[],
        };
        several.iter().chain([*node]).any(|node| element(*node).is_some_and(is_compensation))
    };
    let mut found: BTreeMap<NodeIx, Compensation> = BTreeMap::new();
    for (host, events) in boundaries {
        if let Some(border) = events.iter().find(compensates) {
            found.entry(*host).or_default().border = Some(*border);
        }
    }
    for (scope, info) in scopes {
        if let Some(handler) = info.handlers.iter().find(compensates) {
            found.entry(*scope).or_default().handler = Some(*handler);
        }
    }
    for node in found.keys().copied().collect::<Vec<_>>() {
        let mut scope = graph.scope(node);
        let holds = |scope| {
            matches!(element(scope), Some(Element::SubProcess(_) | Element::MultiInstance(_) | Element::Repeat(_)))
        };
        while scope != NodeIx::PROCESS && holds(scope) {
            found.entry(scope).or_default();
            scope = graph.scope(scope);
        }
    }
    found
}

/// Looks up what every throw names; one that reaches nothing is reported.
pub(super) fn resolve(
    throws: &[Throw],
    graph: &Graph,
    elements: &mut [Element],
    found: &BTreeMap<NodeIx, Compensation>,
    problems: &Problems,
) {
    for throw in throws {
        let scope = graph.scope(throw.node);
        let Some(name) = &throw.activity else {
            let reached = reach(graph, elements, scope);
            if !found.keys().any(|node| reached.contains(&graph.scope(*node))) {
                let message = "nothing in this scope is ever compensated";
                let problem = Problem::error("nothing-to-compensate", throw.span, message);
                problems
                    .push(problem.help("write `boundary: [{compensate: [steps]}]` at the steps that can be undone"));
            }
            continue;
        };
        let activity = activity(graph, scope, name, found, problems);
        if let Some(Element::CompensationThrow(room)) = elements.get_mut(throw.node.0 as usize) {
            room.activity = activity;
        }
    }
}

/// The scopes whose activities a throw in `scope` reaches: of a handler also the one that it belongs to.
fn reach(graph: &Graph, elements: &[Element], mut scope: NodeIx) -> Vec<NodeIx> {
    let mut scopes = vec![scope];
    while let Some(Element::EventSubProcess(_)) = elements.get(scope.0 as usize) {
        scope = graph.scope(scope);
        scopes.push(scope);
    }
    scopes
}

fn activity(
    graph: &Graph,
    mut scope: NodeIx,
    name: &Spanned<Name>,
    found: &BTreeMap<NodeIx, Compensation>,
    problems: &Problems,
) -> Option<NodeIx> {
    let id = |node: NodeIx| graph.node(node).and_then(|node| node.id.as_ref());
    let Some(node) = graph.nodes().find(|node| id(*node) == Some(&name.value)) else {
        let problem = Problem::error("unknown-step", name.span, format!("there is no step `{}`", name.value));
        let near = did_you_mean(&name.value, found.keys().filter_map(|node| id(*node)).map(|id| &**id));
        problems.push(problem.maybe_help(near));
        return None;
    };
    if !found.contains_key(&node) {
        let message = format!("nothing compensates `{}`", name.value);
        let help = "write `boundary: [{compensate: [steps]}]` at that step";
        problems.push(Problem::error("nothing-to-compensate", name.span, message).help(help));
        return None;
    }
    while scope != graph.scope(node) {
        if scope == NodeIx::PROCESS {
            let message =
                format!("`{}` lies in another scope: a throw reaches its own and those around it", name.value);
            let help = "compensate the step that holds it, or write this step into its scope";
            problems.push(Problem::error("nothing-to-compensate", name.span, message).help(help));
            return None;
        }
        scope = graph.scope(scope);
    }
    Some(node)
}
