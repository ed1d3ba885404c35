//! The flat form: nodes as they are written, and flows drawn between them.
//!
//! - A node that does something is compiled as the step it is; its flows begin at the place behind it. Several flows, or one
//!   with a condition, are an implicit split there: a gateway of its own (S19).
//! - Gateways take their flows themselves. A gateway that joins and splits is two, unless it does not matter.
//! - A node without flows ends its path. Without a start event, every node that no flow leads to begins (S19).

use std::collections::BTreeMap;

use super::gateways::is_exhaustive;
use super::lists::{Border, Frame};
use super::{At, Compiler};
use crate::element::Element;
use crate::element::complex_gateway::ComplexGateway;
use crate::element::event_gateway::EventGateway;
use crate::element::exclusive_gateway::{Case, ExclusiveGateway};
use crate::element::inclusive_gateway::InclusiveGateway;
use crate::element::link_event::LinkEvent;
use crate::element::parallel_gateway::ParallelGateway;
use crate::element::quantity::{CompletionQuantity, StartQuantity};
use crate::element::start_event::{Nothing, StartEvent};
use crate::graph::NodeIx;
use crate::load::cursor::Spanned;
use crate::load::problem::Problem;
use crate::load::process::draft::{Flow, Gate, Net, Quantity, Step, Title, Verb};
use crate::load::process::plan::{Label, NewNode, join};
use crate::load::read::Node;
use crate::model::suggest::did_you_mean;
use crate::model::{Expr, Name, Span, Text, Type};

/// Where the nodes of a net begin, and where their flows begin.
struct Places<'a> {
    begin: BTreeMap<&'a Name, Label>,
    behind: BTreeMap<Name, Label>,
    /// The gateways: they take their flows themselves.
    gates: Vec<&'a Name>,
}

/// How the flows of a node are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Split {
    Exclusive,
    Inclusive,
    Parallel,
}

impl<'a> Compiler<'a> {
    /// Compiles nodes and flows; gives the place where they begin. What has no flow leads to `exit`.
    pub(super) fn net(
        &mut self,
        steps: &'a [Step<'a>],
        net: &'a Net<'a>,
        host: Option<NodeIx>,
        exit: Label,
        start: NodeIx,
    ) {
        let roles: BTreeMap<&Name, &Spanned<Name>> = net.lanes.values().map(|role| (&role.value, role)).collect();
        for role in roles.into_values() {
            self.cx.words.role(role);
        }
        let mut places = self.places(steps, net);
        let ids = places.begin.iter().map(|(id, label)| (*id, *label)).collect();
        self.frames.push(Frame { ids, border: Border::Scope, host, behind: std::mem::take(&mut places.behind) });
        for (step, name) in steps.iter().zip(&net.names) {
            self.net_node(step, &name.value, net, &places);
        }
        if let Some(frame) = self.frames.pop() {
            places.behind = frame.behind;
        }
        self.net_starts(net, &places, start, exit);
        for (id, label) in std::mem::take(&mut places.behind) {
            if places.gates.contains(&&id) {
                continue;
            }
            let flows = leaving(net, &id);
            self.behind(&id, label, &flows, &places, exit);
        }
    }

    fn places(&mut self, steps: &'a [Step<'a>], net: &'a Net<'a>) -> Places<'a> {
        let mut places = Places { begin: BTreeMap::new(), behind: BTreeMap::new(), gates: Vec::new() };
        let borders = steps.iter().flat_map(|step| &step.boundary).filter_map(|event| event.id.as_ref());
        let starts = net.starts.iter().map(|start| &start.id);
        for name in net.names.iter().chain(borders).chain(starts) {
            places.behind.insert(name.value.clone(), self.plan.label());
        }
        for (name, step) in net.names.iter().zip(steps) {
            places.begin.insert(&name.value, self.plan.label());
            if step.verb.is_gateway() {
                places.gates.push(&name.value);
            }
        }
        for flow in &net.flows {
            self.check_flow(flow, &places);
        }
        places
    }

    fn check_flow(&mut self, flow: &'a Flow<'a>, places: &Places<'a>) {
        let from = !places.behind.contains_key(&flow.from.value);
        let to = !places.begin.contains_key(&flow.to.value);
        for name in [(from, &flow.from), (to, &flow.to)].into_iter().filter(|(lost, _)| *lost).map(|(_, name)| name) {
            let known = places.behind.contains_key(&name.value);
            let message = match known {
                true => format!("no flow leads to `{}`: it begins by an event", name.value),
                false => format!("there is no node `{}` here", name.value),
            };
            let near = did_you_mean(&name.value, places.begin.keys().map(|known| &***known)).filter(|_| !known);
            self.cx.problems.push(Problem::error("unknown-step", name.span, message).maybe_help(near));
            self.notes.sound = false;
        }
    }

    fn net_node(&mut self, step: &'a Step<'a>, id: &Name, net: &'a Net<'a>, places: &Places<'a>) {
        let (Some(entry), Some(after)) = (places.begin.get(id).copied(), self.behind_of(id)) else { return };
        let key = match &step.id {
            Some(id) => join(&self.scope.prefix, &id.value),
            None => self.plan.unnamed(&self.scope.prefix, step.word),
        };
        let (entry, after) = self.quantities(step, net.quantities.get(id), &key, (entry, after));
        let lane = self.lane;
        self.lane = net.lanes.get(id).or(lane);
        let at = At { step, begin: entry, entry, after, key };
        let joins = || net.flows.iter().filter(|flow| flow.to.value == *id).count() > 1;
        let host = match &step.verb {
            Verb::Gate(Gate::Pass) => self.verb(&at),
            Verb::Gate(Gate::Link) => {
                self.simple(&at, Element::LinkEvent(LinkEvent));
                None
            }
            Verb::Gate(gate) => {
                self.gate(&at, *gate, &leaving(net, id), places, joins());
                None
            }
            Verb::Complex(activation) => {
                self.complex(&at, *activation, net, places);
                None
            }
            _ => self.verb(&at),
        };
        // What is around an activity, its loop or its instances, is called as the activity is.
        if let (None, Some(around)) = (&step.id, host) {
            self.plan.call(around, id);
        }
        self.boundary(&at, host);
        self.lane = lane;
    }

    /// The nodes before and behind an activity that needs several tokens, or sends several on.
    fn quantities(
        &mut self,
        step: &'a Step<'a>,
        quantity: Option<&Quantity>,
        key: &str,
        (entry, after): (Label, Label),
    ) -> (Label, Label) {
        let Some(Quantity { start, completion }) = quantity.copied() else { return (entry, after) };
        let (begin, behind) = (self.plan.label(), self.plan.label());
        let gate = |this: &mut Self, role: &str, at: Label, to: Label, element: Element| {
            let key = join(key, role);
            let new = NewNode { key, id: None, title: Text::default(), scope: this.scope.node, span: step.at };
            let node = this.add(new, element);
            this.notes.made.insert(node);
            this.plan.place(at, node);
            this.plan.flow(node, to, Text::default(), step.at);
        };
        match start {
            1 => self.plan.same(entry, begin),
            count => gate(self, "tokens_in", entry, begin, Element::StartQuantity(StartQuantity { count })),
        }
        match completion {
            1 => self.plan.same(behind, after),
            count => gate(self, "tokens_out", behind, after, Element::CompletionQuantity(CompletionQuantity { count })),
        }
        (begin, behind)
    }

    /// Where the flows of a node begin.
    fn behind_of(&self, id: &Name) -> Option<Label> {
        self.frames.last().and_then(|frame| frame.behind.get(id).copied())
    }

    fn gate(&mut self, at: &At<'a>, gate: Gate, flows: &[&'a Flow<'a>], places: &Places<'a>, joins: bool) {
        let merely = |element: Element| (element, None);
        let (element, behind) = match gate {
            Gate::Exclusive => (self.split_element(Split::Exclusive, flows), None),
            Gate::Parallel => {
                self.no_conditions(flows, "a parallel gateway");
                merely(Element::ParallelGateway(ParallelGateway))
            }
            // It joins first; what it splits is the gateway behind.
            Gate::Inclusive if joins && (flows.len() > 1 || flows.iter().any(|flow| flow.when.is_some())) => {
                (Element::InclusiveGateway(InclusiveGateway::default()), Some(Split::Inclusive))
            }
            Gate::Inclusive => (self.split_element(Split::Inclusive, flows), None),
            Gate::Events => {
                self.no_conditions(flows, "an event-based gateway");
                merely(Element::EventGateway(EventGateway))
            }
            Gate::Pass | Gate::Link => merely(Element::Nothing(Nothing)),
        };
        let node = self.node(at, element);
        match behind {
            Some(split) => self.split_behind(at, node, split, flows, places),
            None => self.draw(node, flows, places),
        }
    }

    fn split_behind(&mut self, at: &At<'a>, node: NodeIx, split: Split, flows: &[&'a Flow<'a>], places: &Places<'a>) {
        let key = join(&at.key, "split");
        let inner = self.split_node(key, split, flows, at.step.at);
        let to = self.plan.label();
        self.plan.place(to, inner);
        self.plan.flow(node, to, Text::default(), at.step.at);
        self.draw(inner, flows, places);
    }

    /// A complex gateway: it joins as its activation condition says; what it splits, by conditions, is the gateway behind.
    fn complex(&mut self, at: &At<'a>, activation: Option<&'a Node>, net: &'a Net<'a>, places: &Places<'a>) {
        let id = at.step.id.as_ref().map(|id| &id.value);
        let flows = id.map(|id| leaving(net, id)).unwrap_or_default();
        let conditional = flows.iter().any(|flow| flow.when.is_some() || flow.otherwise);
        let mut sources: Vec<&Name> = Vec::new();
        for flow in net.flows.iter().filter(|flow| Some(&flow.to.value) == id) {
            if !sources.contains(&&flow.from.value) {
                sources.push(&flow.from.value);
            }
        }
        let node = match activation {
            Some(activation) => {
                let until = self.activation(activation, &sources, "activation_condition");
                let name = Name::new(format!("{}.taken", at.key));
                let taken = Some(self.add_var(self.scope.node, name, Type::list(Type::Int), None));
                self.node(at, Element::ComplexGateway(ComplexGateway { until, branches: Vec::new(), taken }.into()))
            }
            None => {
                if sources.len() > 1 {
                    let message = "a complex gateway that joins needs the key `activation_condition`";
                    let problem = Problem::error("missing-key", at.step.at, message);
                    let help = "write `activation_condition: 2`, or a condition over `arrived`, the nodes before it";
                    self.cx.problems.push(problem.help(help));
                }
                let split = if conditional { Split::Inclusive } else { Split::Parallel };
                let element = self.split_element(split, &flows);
                let node = self.node(at, element);
                return self.draw(node, &flows, places);
            }
        };
        match conditional {
            true => self.split_behind(at, node, Split::Inclusive, &flows, places),
            false => self.draw(node, &flows, places),
        }
    }

    fn draw(&mut self, node: NodeIx, flows: &[&'a Flow<'a>], places: &Places<'a>) {
        for flow in flows {
            let Some(to) = places.begin.get(&flow.to.value) else { continue };
            let title = flow.title.as_ref().map(|title| title.value.clone()).unwrap_or_default();
            self.plan.flow(node, *to, title, flow.span);
        }
    }

    /// A gateway with the conditions of these flows.
    fn split_element(&mut self, split: Split, flows: &[&'a Flow<'a>]) -> Element {
        let names = self.names();
        let mut exclusive = ExclusiveGateway::default();
        let mut inclusive = InclusiveGateway::default();
        let mut conditions = Vec::new();
        for (position, flow) in flows.iter().enumerate() {
            if let Some(when) = flow.when {
                let when = self.bool(when, &names);
                conditions.push(when.clone());
                match split {
                    Split::Exclusive => exclusive.cases.push((Case::When(when), position)),
                    _ => inclusive.cases.push((when, position)),
                }
            } else if flow.otherwise {
                exclusive.cases.push((Case::Otherwise, position));
                inclusive.otherwise = Some(position);
            } else if split == Split::Exclusive && flows.len() > 1 {
                let message = "a flow out of an exclusive gateway needs a condition";
                let problem = Problem::error("missing-key", flow.span, message);
                self.cx.problems.push(problem.help("add `when: ...`, or `otherwise: true`"));
            } else {
                inclusive.always.push(position);
            }
        }
        self.check_default(flows, &conditions);
        match split {
            Split::Exclusive => {
                exclusive.cases.sort_by_key(|(case, _)| matches!(case, Case::Otherwise));
                Element::ExclusiveGateway(exclusive)
            }
            Split::Inclusive => Element::InclusiveGateway(inclusive),
            Split::Parallel => Element::ParallelGateway(ParallelGateway),
        }
    }

    /// Where every flow has a condition, the data may meet none of them.
    fn check_default(&self, flows: &[&'a Flow<'a>], conditions: &[Expr]) {
        let all_have = !flows.is_empty() && conditions.len() == flows.len();
        let Some(first) = flows.first().filter(|_| all_have && !is_exhaustive(conditions.iter())) else { return };
        let message = format!("when no condition behind `{}` holds, nothing says what happens", first.from.value);
        let problem = Problem::warning("no-default", first.from.span, message);
        self.cx.problems.push(problem.help("give one of its flows `otherwise: true`; else it is an incident"));
    }

    fn split_node(&mut self, key: String, split: Split, flows: &[&'a Flow<'a>], span: Span) -> NodeIx {
        let element = self.split_element(split, flows);
        let new = NewNode { key, id: None, title: Text::default(), scope: self.scope.node, span };
        let node = self.add(new, element);
        self.notes.made.insert(node);
        node
    }

    fn no_conditions(&self, flows: &[&'a Flow<'a>], what: &str) {
        for flow in flows {
            let place = flow.when.map(|when| when.span).or(flow.otherwise.then_some(flow.span));
            if let Some(span) = place {
                let message = format!("a flow out of {what} is always taken: it has no condition");
                let problem = Problem::error("wrong-shape", span, message);
                self.cx.problems.push(problem.help("leave it out, or use an inclusive gateway"));
            }
        }
    }

    /// What is behind a node: its one flow, a split, or the end of its path.
    fn behind(&mut self, id: &Name, label: Label, flows: &[&'a Flow<'a>], places: &Places<'a>, exit: Label) {
        match flows {
            [] => self.plan.same(label, exit),
            [flow] if flow.when.is_none() && !flow.otherwise => {
                let to = places.begin.get(&flow.to.value).copied();
                if let Some(title) = &flow.title {
                    self.plan.entitle(label, &title.value);
                }
                self.plan.same(label, to.unwrap_or(exit));
            }
            [first, ..] => {
                let conditional = flows.iter().any(|flow| flow.when.is_some() || flow.otherwise);
                let split = if conditional { Split::Inclusive } else { Split::Parallel };
                let key = join(&join(&self.scope.prefix, id), "split");
                let node = self.split_node(key, split, flows, first.span);
                self.plan.place(label, node);
                self.draw(node, flows, places);
            }
        }
    }

    /// Start events: the first plain one is the scope's beginning; each that something starts has a node of its own.
    fn net_starts(&mut self, net: &'a Net<'a>, places: &Places<'a>, start: NodeIx, exit: Label) {
        for event in net.starts.iter().filter(|event| event.by_event) {
            let node = self.begin_node(&event.id, event.title.as_ref());
            self.start_nodes.insert(event.id.value.clone(), node);
            if let Some(behind) = places.behind.get(&event.id.value) {
                self.plan.flow(node, *behind, Text::default(), event.id.span);
            }
        }
        let plain: Vec<Label> = net
            .starts
            .iter()
            .filter(|event| !event.by_event)
            .filter_map(|event| places.behind.get(&event.id.value).copied())
            .collect();
        let span = self.plan.node_at(start).map(|node| node.span).unwrap_or_default();
        if let (true, Some(event)) = (plain.is_empty(), net.starts.first()) {
            // Started by events only: a run that the host begins itself goes on behind the first of them.
            if let Some(behind) = places.behind.get(&event.id.value) {
                self.plan.flow(start, *behind, Text::default(), span);
            }
            return;
        }
        let begins: Vec<Label> = if plain.is_empty() { self.first_nodes(net, places) } else { plain };
        for label in &begins {
            self.plan.flow(start, *label, Text::default(), span);
        }
        if begins.is_empty() {
            self.plan.flow(start, exit, Text::default(), span);
        }
    }

    fn begin_node(&mut self, id: &Spanned<Name>, title: Option<&Title<'a>>) -> NodeIx {
        let key = join(&self.scope.prefix, &id.value);
        let title = self.title(title);
        let new = NewNode { key, id: Some(id.value.clone()), title, scope: self.scope.node, span: id.span };
        self.add(new, Element::StartEvent(StartEvent))
    }

    /// The nodes that no flow leads to.
    fn first_nodes(&self, net: &'a Net<'a>, places: &Places<'a>) -> Vec<Label> {
        let is_first = |name: &&Spanned<Name>| !net.flows.iter().any(|flow| flow.to.value == name.value);
        net.names.iter().filter(is_first).filter_map(|name| places.begin.get(&name.value).copied()).collect()
    }
}

/// The flows that leave a node, in written order; those of outcomes are drawn by their task.
fn leaving<'a>(net: &'a Net<'a>, id: &Name) -> Vec<&'a Flow<'a>> {
    net.flows.iter().filter(|flow| flow.from.value == *id && flow.outcomes.is_empty()).collect()
}
