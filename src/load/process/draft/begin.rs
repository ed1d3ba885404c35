//! Where a net begins: start events, and gateways and receive tasks that instantiate.
//!
//! A gateway that instantiates stands for a start of each of its events: the run begins behind the event that came. Where all of them
//! must come ("parallel"), the others are waited for from then on.

use super::event::BOUNDARY;
use super::head::STARTS;
use super::net::{Flat, bare};
use super::step::Reader;
use super::{Event, Flow, Gate, On, Start, StartBy, StartNode, Step, Verb};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::problem::Problem;
use crate::load::read::{Entry, Node};
use crate::model::{Name, Span};

/// What is known of the beginnings of a net before all of its nodes are.
#[derive(Debug)]
pub(super) enum Begin<'t> {
    /// An event-based gateway, and whether all of its events must come.
    Gateway { id: Spanned<Name>, parallel: bool },
    /// A receive task.
    Task { id: Spanned<Name> },
    /// What a node says of the run that it starts.
    Keys { id: Name, about: Option<&'t Node>, with: &'t [Entry], span: Span },
}

impl<'t> Reader<'t> {
    /// Whether a start event says what starts the process.
    pub(super) fn starts_process(&self, node: &'t Node) -> bool {
        !self.handling.get() && STARTS.iter().chain(&["events"]).any(|word| node.get(word).is_some())
    }

    pub(super) fn process_start(&self, node: &'t Node, map: &MapReader<'t>, id: Spanned<Name>, flat: &mut Flat<'t>) {
        let title = self.title(map);
        if let Some(events) = node.get("events") {
            return self.multiple_start(map, events, id, flat);
        }
        if let Some(mut start) = self.start(node, &["id", "type", "title", "doc", "bpmn"]) {
            start.node = Some(id.clone());
            flat.starts.push(start);
        }
        flat.net.starts.push(StartNode { id, title, by_event: true });
    }

    /// A start event that begins a scope; of an event sub-process, with what begins it.
    pub(super) fn start_node(&self, node: &'t Node, map: &MapReader<'t>, id: Spanned<Name>, flat: &mut Flat<'t>) {
        map.allow(&["type", "doc", "bpmn"]);
        let title = self.title(map);
        let words = || BOUNDARY.iter().chain(&["compensate", "compensation"]);
        let by_event = self.handling.get() && words().any(|word| node.get(word).is_some());
        let on = if by_event { self.on(map, "a start event", BOUNDARY) } else { None };
        if let Some(on) = on {
            let mut event = self.about(map, on, node.span);
            event.interrupt = map.bool("interrupt").is_none_or(|flag| flag.value);
            if matches!(event.on, On::Compensation) {
                self.no_interrupt(map);
                event.interrupt = false;
            }
            flat.trigger = Some(event);
        }
        flat.net.starts.push(StartNode { id, title, by_event: false });
    }

    /// A start event with several triggers.
    fn multiple_start(&self, map: &MapReader<'t>, events: &'t Node, id: Spanned<Name>, flat: &mut Flat<'t>) {
        let items = cursor::list(events, "a list of events", self.problems).unwrap_or_default();
        if let Some(flag) = map.bool("parallel_multiple").filter(|flag| flag.value) {
            let problem = Problem::error("wrong-shape", flag.span, "a run begins with one event");
            let help = "write an `event_based_gateway` with `instantiate: true` and `event_gateway_type: parallel`: \
                        the run begins with the first event and waits for the others";
            self.problems.push(problem.help(help));
        }
        for item in items {
            if let Some(mut start) = self.start(item, &[]) {
                start.node = Some(id.clone());
                flat.starts.push(start);
            }
        }
        let title = self.title(map);
        map.allow(&["type", "doc", "bpmn"]);
        flat.net.starts.push(StartNode { id, title, by_event: true });
    }

    pub(super) fn instantiates(&self, map: &MapReader<'t>) -> bool {
        map.bool("instantiate").is_some_and(|flag| flag.value)
    }

    /// `event_based_gateway` with `instantiate: true`.
    pub(super) fn begin_by_gateway(&self, map: &MapReader<'t>, id: Spanned<Name>, flat: &mut Flat<'t>) {
        let word = map.get("event_gateway_type");
        let parallel = match word.map_or(Some("exclusive"), Node::word) {
            Some("exclusive") => false,
            Some("parallel") => true,
            _ => {
                let span = word.map_or(map.span(), |word| word.span);
                self.problems.error("wrong-type", span, "expected `exclusive` or `parallel`");
                false
            }
        };
        let _ = self.title(map);
        map.allow(&["type", "doc", "bpmn"]);
        flat.begins.push(Begin::Gateway { id, parallel });
    }

    /// `receive_task` with `instantiate: true`.
    pub(super) fn begin_by_task(&self, map: &MapReader<'t>, id: &Spanned<Name>, flat: &mut Flat<'t>) {
        if self.instantiates(map) {
            flat.begins.push(Begin::Task { id: id.clone() });
        }
        self.begin_keys(map, id, flat);
    }

    /// `for` and `with` of a node that starts runs, as at a start.
    pub(super) fn begin_keys(&self, map: &MapReader<'t>, id: &Spanned<Name>, flat: &mut Flat<'t>) {
        let (about, with) = (map.get("for"), map.map("with"));
        if about.is_some() || !with.is_empty() {
            flat.begins.push(Begin::Keys { id: id.value.clone(), about, with, span: id.span });
        }
    }

    /// Gateways and tasks that instantiate become starts.
    pub(super) fn place_begins(&self, flat: &mut Flat<'t>) {
        let begins = std::mem::take(&mut flat.begins);
        let mut started = Vec::new();
        for begin in &begins {
            match begin {
                Begin::Gateway { id, parallel } => self.gateway_begins(id, *parallel, &begins, flat, &mut started),
                Begin::Task { id } => {
                    if self.event_begins(id, id, &begins, flat) {
                        self.passes(id, id, flat);
                    }
                    started.push(id.value.clone());
                }
                Begin::Keys { .. } => {}
            }
        }
        for begin in &begins {
            if let Begin::Keys { id, span, .. } = begin
                && !started.contains(id)
            {
                let message = format!("`{id}` starts no run: it has no keys `for` and `with`");
                let problem = Problem::error("unknown-key", *span, message);
                self.problems.push(problem.help("a run is started by what stands behind an `instantiate: true`"));
            }
        }
    }

    fn gateway_begins(
        &self,
        gateway: &Spanned<Name>,
        parallel: bool,
        begins: &[Begin<'t>],
        flat: &mut Flat<'t>,
        started: &mut Vec<Name>,
    ) {
        let (out, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut flat.net.flows).into_iter().partition(|flow| flow.from.value == gateway.value);
        flat.net.flows = others;
        if let Some(flow) = flat.net.flows.iter().find(|flow| flow.to.value == gateway.value) {
            let message = format!("no flow leads to `{}`: it starts runs", gateway.value);
            self.problems.error("wrong-shape", flow.span, message);
        }
        if out.is_empty() {
            let message = format!("`{}` leads to no event that could start a run", gateway.value);
            self.problems.error("no-event", gateway.span, message);
        }
        let mut targets: Vec<Spanned<Name>> = out.into_iter().map(|flow| flow.to).collect();
        started.extend(targets.iter().map(|target| target.value.clone()));
        targets.retain(|target| self.event_begins(gateway, target, begins, flat));
        for target in targets.iter().filter(|_| !parallel) {
            self.passes(gateway, target, flat);
        }
        if parallel {
            let passed: Vec<_> = targets.iter().map(|target| self.passed(gateway, target, flat)).collect();
            for (at, passed) in passed.iter().enumerate() {
                let Some(start) = targets.get(at).map(|target| start_id(gateway, target)) else { continue };
                // The event that came is not waited for: the run goes on behind it, and waits for the others.
                flat.net.flows.push(Flow::plain(&start, passed));
                let others = targets.iter().enumerate().filter(|(other, _)| *other != at);
                flat.net.flows.extend(others.map(|(_, other)| Flow::plain(&start, other)));
            }
        }
    }

    /// A node behind an event, to which both lead: the event when it is waited for, and the start that it made.
    fn passed(&self, gateway: &Spanned<Name>, event: &Spanned<Name>, flat: &mut Flat<'t>) -> Spanned<Name> {
        let id = Spanned::new(Name::new(format!("{}/{}/came", gateway.value, event.value)), event.span);
        for flow in flat.net.flows.iter_mut().filter(|flow| flow.from.value == event.value) {
            flow.from = id.clone();
        }
        flat.net.flows.push(Flow::plain(event, &id));
        flat.net.names.push(id.clone());
        flat.steps.push(Step { id: Some(id.clone()), ..bare(event.span, "a gateway", Verb::Gate(Gate::Pass)) });
        id
    }

    /// The start of the process by one event; false when it can start none.
    fn event_begins(
        &self,
        begin: &Spanned<Name>,
        target: &Spanned<Name>,
        begins: &[Begin<'t>],
        flat: &mut Flat<'t>,
    ) -> bool {
        let at = flat.net.names.iter().position(|name| name.value == target.value);
        let step = at.and_then(|at| flat.steps.get(at));
        let by = step.and_then(|step| if let Verb::Catch(event) = &step.verb { Some(&**event) } else { None });
        let Some((event, by)) = by.and_then(|event| Some((event, started_by(event)?))) else {
            let message =
                format!("expected a message, a signal or a record event at `{}`, found something else", target.value);
            let problem = Problem::error("no-event", step.map_or(target.span, |step| step.at), message);
            self.problems
                .push(problem.help("a run is started by what comes from outside, not by the time or a condition"));
            return false;
        };
        let keys = begins.iter().find_map(|found| match found {
            Begin::Keys { id, about, with, .. } if *id == target.value => Some((*about, *with)),
            _ => None,
        });
        let (about, with) = keys.unwrap_or_default();
        if let Some(entry) = event.take.first() {
            let problem = Problem::error("wrong-shape", entry.key.span, "what starts a run is kept by its parameters");
            self.problems.push(problem.help("write `with: {parameter: message.part}`"));
        }
        let node = start_id(begin, target);
        let start = Start {
            node: Some(node.clone()),
            by,
            when: event.when,
            changed: event.changed.clone(),
            about,
            with,
            ..Start::bare(event.span)
        };
        flat.starts.push(start);
        flat.net.starts.push(StartNode { id: node, title: None, by_event: true });
        true
    }

    /// What has started the run is passed by.
    fn passes(&self, begin: &Spanned<Name>, id: &Spanned<Name>, flat: &mut Flat<'t>) {
        flat.net.flows.push(Flow::plain(&start_id(begin, id), id));
        let at = flat.net.names.iter().position(|name| name.value == id.value);
        if let Some(step) = at.and_then(|at| flat.steps.get_mut(at)) {
            *step = Step {
                id: Some(id.clone()),
                title: step.title.take(),
                ..bare(step.at, step.word, Verb::Gate(Gate::Pass))
            };
        }
    }
}

fn started_by<'t>(event: &Event<'t>) -> Option<StartBy<'t>> {
    match &event.on {
        On::Message(name) => Some(StartBy::Message(name.clone())),
        On::Signal(name) => Some(StartBy::Signal(name.clone())),
        On::Record(kind) => Some(StartBy::Record(kind.clone())),
        _ => None,
    }
}

/// The start event that is made for an event.
fn start_id(begin: &Spanned<Name>, target: &Spanned<Name>) -> Spanned<Name> {
    let name = if begin.value == target.value { "begin" } else { &*target.value };
    Spanned::new(Name::new(format!("{}/{name}", begin.value)), target.span)
}

impl<'t> Flow<'t> {
    fn plain(from: &Spanned<Name>, to: &Spanned<Name>) -> Self {
        Self {
            span: to.span,
            from: from.clone(),
            to: to.clone(),
            when: None,
            otherwise: false,
            outcomes: Vec::new(),
            title: None,
            is_link: false,
        }
    }
}
