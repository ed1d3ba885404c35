//! The flat form: `nodes` with BPMN's types, and the `flows` between them.
//!
//! A node is read into the step that does the same, so both forms are compiled by the same code. Boundary events go to the
//! step of their host, start events to the net, event sub-processes to the handlers of their scope.

use std::collections::BTreeMap;

use super::begin::Begin;
use super::event::{BOUNDARY, RACE};
use super::link::Link;
use super::loops;
use super::step::{Read, Reader, verb_span};
use super::{Event, Flow, Gate, Group, Net, On, Start, Step, Target, Then, Verb};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::problem::Problem;
use crate::load::read::{Entry, Node};
use crate::model::suggest::did_you_mean;
use crate::model::{Name, Span};

/// The nodes and flows of one scope.
#[derive(Debug)]
pub(super) struct Flat<'t> {
    pub steps: Vec<Step<'t>>,
    pub net: Net<'t>,
    pub handlers: Vec<Event<'t>>,
    /// What starts a process, at its start events.
    pub starts: Vec<Start<'t>>,
    /// What starts a handler, with the keys of its start event.
    pub(super) trigger: Option<Event<'t>>,
    borders: Vec<Border<'t>>,
    pub(super) links: Vec<Link>,
    pub(super) begins: Vec<Begin<'t>>,
}

/// A boundary event, until its host is known.
#[derive(Debug)]
struct Border<'t> {
    host: Spanned<Name>,
    event: Event<'t>,
    /// The node that compensates the host.
    handler: Option<Spanned<Name>>,
}

/// What a type of node is.
#[derive(Clone, Copy)]
enum Kind {
    /// A step with one of these verbs; without one it does nothing, when that may be.
    Does(&'static [&'static str], bool),
    Gate(Gate),
    Complex,
    /// An intermediate event, which may be a link.
    Throw,
    Catch,
    Start,
    End,
    Boundary,
    Scope,
    Transaction,
    AdHoc,
    Handler,
}

const DATA: &[&str] = &["service", "create", "update", "delete", "read", "print", "stage"];
const THROWN: &[&str] = &["send", "signal", "escalate", "compensate", "notify"];
const CAUGHT: &[&str] = &["wait", "receive"];
const ENDS: &[&str] = &["send", "signal", "escalate", "compensate", "raise", "notify"];

/// Every type, by BPMN's name.
const TYPES: &[(&str, Kind)] = &[
    ("task", Kind::Gate(Gate::Pass)),
    ("manual_task", Kind::Gate(Gate::Pass)),
    ("user_task", Kind::Does(&["user_task", "approve"], false)),
    ("service_task", Kind::Does(DATA, false)),
    ("script_task", Kind::Does(&["set", "service", "stage"], false)),
    ("send_task", Kind::Does(&["send", "notify"], false)),
    ("receive_task", Kind::Does(&["receive"], false)),
    ("business_rule_task", Kind::Does(&["decide"], false)),
    ("call_activity", Kind::Does(&["call"], false)),
    ("sub_process", Kind::Scope),
    ("event_sub_process", Kind::Handler),
    ("transaction", Kind::Transaction),
    ("ad_hoc_sub_process", Kind::AdHoc),
    ("exclusive_gateway", Kind::Gate(Gate::Exclusive)),
    ("parallel_gateway", Kind::Gate(Gate::Parallel)),
    ("inclusive_gateway", Kind::Gate(Gate::Inclusive)),
    ("event_based_gateway", Kind::Gate(Gate::Events)),
    ("complex_gateway", Kind::Complex),
    ("start_event", Kind::Start),
    ("intermediate_catch_event", Kind::Catch),
    ("intermediate_throw_event", Kind::Throw),
    ("boundary_event", Kind::Boundary),
    ("end_event", Kind::End),
];

impl<'t> Reader<'t> {
    /// The nodes and flows under these keys, when the scope is written in flat form.
    pub(super) fn flat(&self, map: &MapReader<'t>) -> Option<Flat<'t>> {
        let (nodes, flows) = (map.get("nodes"), map.get("flows"));
        let nodes = match (nodes, flows) {
            (Some(nodes), _) => cursor::list(nodes, "a list of nodes", self.problems).unwrap_or_default(),
            (None, Some(flows)) => {
                let problem =
                    Problem::error("missing-key", flows.span, "flows without `nodes` lead from and to nothing");
                self.problems.push(problem.help("write `nodes: [{id: ..., type: ...}]`"));
                return None;
            }
            (None, None) => return None,
        };
        let flows = map.list("flows").iter().filter_map(|flow| self.flow(flow)).collect();
        let mut flat = Flat {
            steps: Vec::new(),
            net: Net {
                names: Vec::new(),
                starts: Vec::new(),
                flows,
                quantities: BTreeMap::new(),
                lanes: BTreeMap::new(),
            },
            handlers: Vec::new(),
            starts: Vec::new(),
            trigger: None,
            borders: Vec::new(),
            links: Vec::new(),
            begins: Vec::new(),
        };
        for node in nodes {
            self.node(node, &mut flat);
        }
        self.place_begins(&mut flat);
        self.place_links(&mut flat);
        self.lanes(map, &mut flat.net);
        // The borders of nodes that compensate are placed before those nodes are taken out.
        flat.borders.sort_by_key(|border| border.handler.is_some());
        self.place_borders(&mut flat);
        self.place_outcomes(&mut flat);
        Some(flat)
    }

    fn flow(&self, node: &'t Node) -> Option<Flow<'t>> {
        let map = MapReader::new(node, "a flow", self.problems)?;
        let (from, to) = (map.need_name("from"), map.need_name("to"));
        let flow = Flow {
            span: node.span,
            from: from?,
            to: to?,
            when: map.get("when"),
            otherwise: map.bool("otherwise").is_some_and(|flag| flag.value),
            outcomes: map.names("outcome"),
            title: map.title(),
            is_link: false,
        };
        if let (Some(when), true) = (flow.when, flow.otherwise) {
            let problem = Problem::error("wrong-shape", when.span, "a flow has either `when` or `otherwise`");
            self.problems.push(problem.help("`otherwise: true` is taken when no condition holds"));
        }
        map.allow(&["doc", "bpmn"]);
        map.finish();
        Some(flow)
    }

    fn node(&self, node: &'t Node, flat: &mut Flat<'t>) {
        let Some(map) = MapReader::new(node, "a node", self.problems) else { return };
        let Some(id) = map.need_name("id") else { return };
        let Some(word) = map.get("type") else {
            let step = self.step(node);
            self.only_flows(node);
            return flat.add(id, step);
        };
        let Some(kind) = self.kind(word) else { return };
        let entries = node.entries();
        match kind {
            Kind::Start if self.starts_process(node) => return self.process_start(node, &map, id, flat),
            Kind::Start => self.start_node(node, &map, id, flat),
            Kind::Boundary => self.border(node, &map, id, flat),
            Kind::Handler => self.handler_node(node, &map, id, flat),
            Kind::Gate(Gate::Events) if self.instantiates(&map) => self.begin_by_gateway(&map, id, flat),
            Kind::Gate(gate) => {
                let step = self.node_step(&map, node.span, &id, word.word(), Verb::Gate(gate));
                let step = self.around(&map, step, flat);
                flat.add(id, Some(step));
            }
            Kind::Complex => {
                let verb = Verb::Complex(map.get("activation_condition"));
                let step = self.node_step(&map, node.span, &id, word.word(), verb);
                flat.add(id, Some(step));
            }
            Kind::Throw | Kind::Catch if map.get("link").is_some() => {
                let throws = matches!(kind, Kind::Throw);
                let step = self.link_node(&map, &id, throws, &mut flat.links);
                flat.add(id, Some(step));
            }
            Kind::Throw | Kind::End if map.get("throws").is_some() => {
                let step = self.throwing(&map, node, &id, if matches!(kind, Kind::End) { ENDS } else { THROWN });
                flat.add(id, Some(step));
            }
            Kind::Throw => {
                let step = self.doing(&map, entries, &id, THROWN, true);
                flat.add(id, step);
            }
            Kind::Catch => {
                self.begin_keys(&map, &id, flat);
                let step = self.catching(&map, entries, &id);
                let step = step.map(|step| self.around(&map, step, flat));
                flat.add(id, step);
            }
            Kind::Scope | Kind::Transaction | Kind::AdHoc => {
                let verb = self.scope_node(&map, kind);
                let step = self.node_step(&map, node.span, &id, Some("group"), verb);
                let step = self.around(&map, step, flat);
                flat.add(id, Some(step));
            }
            Kind::Does(verbs, may_pass) => {
                if verbs.contains(&"receive") {
                    self.begin_by_task(&map, &id, flat);
                }
                let step = self.doing(&map, entries, &id, verbs, may_pass);
                let step = step.map(|step| self.around(&map, step, flat));
                flat.add(id, step);
            }
            Kind::End => {
                let step = self.end_node(&map, entries, &id);
                flat.add(id, step);
            }
        }
        map.finish();
    }

    /// Where a node goes on is said by flows, what stands at its border by boundary events.
    fn only_flows(&self, node: &'t Node) {
        for (key, instead) in [
            ("next", "draw a flow: `{from: ..., to: ...}`"),
            ("if", "put a gateway before it, or write `when` at the flow that leads to it"),
            ("boundary", "write a node `{type: boundary_event, attached_to: ..., ...}`"),
        ] {
            if let Some(found) = node.get(key) {
                let problem = Problem::error("wrong-shape", found.span, format!("a node has no key `{key}`"));
                self.problems.push(problem.help(instead));
            }
        }
    }

    fn kind(&self, node: &'t Node) -> Option<Kind> {
        let word = cursor::scalar(node, "a type of node", self.problems)?;
        let known = TYPES.iter().find(|(name, _)| *name == &*word.text);
        if known.is_none() {
            let problem =
                Problem::error("unknown-type", node.span, format!("there is no type of node `{}`", word.text));
            let all = || TYPES.iter().map(|(name, _)| *name);
            let help = did_you_mean(&word.text, all())
                .unwrap_or_else(|| format!("the types are {}", all().collect::<Vec<_>>().join(", ")));
            self.problems.push(problem.help(help));
        }
        known.map(|(_, kind)| *kind)
    }

    pub(super) fn node_step(
        &self,
        map: &MapReader<'t>,
        span: Span,
        id: &Spanned<Name>,
        word: Option<&'t str>,
        verb: Verb<'t>,
    ) -> Step<'t> {
        let word = TYPES.iter().map(|(name, _)| *name).find(|name| Some(*name) == word).unwrap_or("node");
        Step { title: self.title(map), ..self.untitled(map, span, id, word, verb) }
    }

    fn untitled(
        &self,
        map: &MapReader<'t>,
        at: Span,
        id: &Spanned<Name>,
        word: &'static str,
        verb: Verb<'t>,
    ) -> Step<'t> {
        map.allow(&["type", "doc", "bpmn"]);
        Step { id: Some(id.clone()), ..bare(at, word, verb) }
    }

    /// A node that does what one of these verbs does.
    fn doing(
        &self,
        map: &MapReader<'t>,
        entries: &'t [Entry],
        id: &Spanned<Name>,
        verbs: &'static [&'static str],
        may_pass: bool,
    ) -> Option<Step<'t>> {
        let found = self.verb_among(entries, verbs);
        let title = map.get("title").filter(|_| verbs.contains(&"user_task"));
        let (word, value, read): (&'static str, &'t Node, Read<'t>) = match (found, title) {
            (Some((word, entry, read)), _) => (word, &entry.value, read),
            (None, Some(title)) => ("user_task", title, Self::user_task),
            (None, None) if may_pass => return Some(self.node_step(map, map.span(), id, None, Verb::Gate(Gate::Pass))),
            (None, None) => {
                let message = format!("expected the node to say what it does, found none of {}", verbs.join(", "));
                self.problems.error("no-verb", map.span(), message);
                return None;
            }
        };
        map.allow(&[word]);
        let at = found.map_or(map.span(), |(_, entry, _)| verb_span(entry));
        let verb = read(self, map, value);
        let verb = verb.unwrap_or(Verb::Broken);
        // The title of a user task is filled in when it opens; those of other nodes are shown as they stand.
        let shown = if title.is_some() { None } else { self.title(map) };
        Some(Step { title: shown, ..self.untitled(map, at, id, word, verb) })
    }

    /// An intermediate catch event: `wait`, `receive`, or an event as at a border.
    fn catching(&self, map: &MapReader<'t>, entries: &'t [Entry], id: &Spanned<Name>) -> Option<Step<'t>> {
        if self.verb_among(entries, CAUGHT).is_some() {
            return self.doing(map, entries, id, CAUGHT, false);
        }
        let on = self.on(map, "an intermediate catch event", RACE)?;
        let verb = Verb::Catch(Box::new(self.about(map, on, map.span())));
        Some(self.node_step(map, map.span(), id, Some("intermediate_catch_event"), verb))
    }

    /// `throws: [...]`: all of several events, in written order.
    fn throwing(
        &self,
        map: &MapReader<'t>,
        node: &'t Node,
        id: &Spanned<Name>,
        verbs: &'static [&'static str],
    ) -> Step<'t> {
        let mut steps = Vec::new();
        for item in map.list("throws") {
            let Some(each) = MapReader::new(item, "one of several events", self.problems) else { continue };
            match self.verb_among(item.entries(), verbs) {
                Some((word, entry, read)) => {
                    each.allow(&[word]);
                    let verb = read(self, &each, &entry.value).unwrap_or(Verb::Broken);
                    steps.push(Step { id: each.name("id"), ..bare(item.span, word, verb) });
                }
                None => self.problems.error("no-verb", item.span, format!("expected one of {}", verbs.join(", "))),
            }
            each.finish();
        }
        if map.bool("terminate").is_some_and(|flag| flag.value) {
            let verb = Verb::End { title: None, results: &[], terminate: true, process: false, cancel: false };
            steps.push(bare(node.span, "end", verb));
        }
        self.node_step(map, node.span, id, Some("intermediate_throw_event"), Verb::Throws(steps))
    }

    /// `end_event`: throws something first, ends the scope, returns results.
    fn end_node(&self, map: &MapReader<'t>, entries: &'t [Entry], id: &Spanned<Name>) -> Option<Step<'t>> {
        if self.verb_among(entries, ENDS).is_some() {
            return self.doing(map, entries, id, ENDS, false);
        }
        let flag = |key| map.bool(key).is_some_and(|flag| flag.value);
        let (terminate, process, cancel) = (flag("terminate"), flag("process"), flag("cancel"));
        let verb = Verb::End { title: None, results: map.map("return"), terminate, process, cancel };
        Some(self.node_step(map, map.span(), id, Some("end_event"), verb))
    }

    fn scope_node(&self, map: &MapReader<'t>, kind: Kind) -> Verb<'t> {
        let transaction = matches!(kind, Kind::Transaction);
        let ad_hoc = matches!(kind, Kind::AdHoc).then(|| self.ad_hoc_keys(map));
        let vars = self.variables(map, "vars");
        let Some(flat) = self.flat(map) else {
            map.need("nodes");
            return Verb::Broken;
        };
        self.no_starts(&flat);
        let Flat { steps, mut net, handlers, .. } = flat;
        if ad_hoc.is_some() {
            self.check_choices(&steps, &mut net);
        }
        Verb::Group(Box::new(Group { transaction, ad_hoc, steps, net: Some(net), vars, handlers }))
    }

    /// What no flow leads to in an ad-hoc sub-process is chosen: activities; nothing starts it.
    fn check_choices(&self, steps: &[Step<'t>], net: &mut Net<'t>) {
        for start in std::mem::take(&mut net.starts) {
            let problem = Problem::error("wrong-shape", start.id.span, "an ad-hoc sub-process has no start event");
            self.problems.push(problem.help("what no flow leads to is chosen; `begin` says what begins by itself"));
        }
        let begins = |name: &Name| !net.flows.iter().any(|flow| flow.to.value == *name);
        let first = net.names.iter().zip(steps).find(|(name, step)| step.verb.is_gateway() && begins(&name.value));
        if let Some((name, _)) = first {
            let problem = Problem::error("wrong-shape", name.span, "a gateway cannot be chosen: only activities can");
            self.problems.push(problem.help("let a flow lead to it, or put it into a sub-process"));
        }
    }

    /// Inside a process nothing but its own flows starts a sub-process.
    fn no_starts(&self, flat: &Flat<'t>) {
        for start in &flat.starts {
            let problem = Problem::error("wrong-shape", start.span, "a sub-process begins when a flow leads to it");
            self.problems.push(problem.help("write `type: event_sub_process` when an event begins it"));
        }
    }

    /// `event_sub_process`: its one start event says what begins it.
    fn handler_node(&self, node: &'t Node, map: &MapReader<'t>, id: Spanned<Name>, flat: &mut Flat<'t>) {
        map.allow(&["type", "doc", "bpmn"]);
        let (title, vars) = (self.title(map), self.variables(map, "vars"));
        let Some(inner) = self.flat_handler(map) else {
            map.need("nodes");
            return;
        };
        let Some(trigger) = inner.trigger else {
            let problem =
                Problem::error("no-event", node.span, "an event sub-process needs a start event with an event");
            self.problems.push(problem.help("write `{id: begin, type: start_event, error: any}` among its nodes"));
            return;
        };
        let then = Then { steps: Some(inner.steps), next: None };
        let (net, handlers) = (Some(inner.net), inner.handlers);
        flat.handlers.push(Event { id: Some(id), title, vars, then, net, handlers, ..trigger });
    }

    /// The nodes of an event sub-process: its start event is no start of the process.
    fn flat_handler(&self, map: &MapReader<'t>) -> Option<Flat<'t>> {
        let outer = self.handling.replace(true);
        let flat = self.flat(map);
        self.handling.set(outer);
        flat
    }

    fn border(&self, node: &'t Node, map: &MapReader<'t>, id: Spanned<Name>, flat: &mut Flat<'t>) {
        map.allow(&["type", "doc", "bpmn"]);
        let (host, title) = (map.need_name("attached_to"), self.title(map));
        let interrupt = map.bool("interrupt").is_none_or(|flag| flag.value);
        let on = self.on(map, "a boundary event", BOUNDARY);
        let event = on.map(|on| self.about(map, on, node.span));
        let Some((host, mut event)) = host.zip(event) else { return };
        if let Some(mut compensating) = event.take_compensation() {
            let handler = compensating.then.next.take().and_then(|next| match next.value {
                Target::Step(name) => Some(Spanned::new(name, next.span)),
                _ => None,
            });
            flat.borders.push(Border { host: host.clone(), event: compensating, handler });
        }
        if let On::Compensation = event.on {
            self.no_interrupt(map);
            let handler = map.need_name("compensate");
            let event = Event { id: Some(id), title, interrupt: false, ..event };
            flat.borders.push(Border { host, event, handler });
            return;
        }
        let next = Some(Spanned::new(Target::Behind(id.value.clone()), id.span));
        let then = Then { steps: None, next };
        let event = Event { id: Some(id), title, interrupt, then, ..event };
        flat.borders.push(Border { host, event, handler: None });
    }

    /// The node that compensates: it stands in the scope, but no flow leads to it.
    fn place_handler(&self, handler: &Spanned<Name>, flat: &mut Flat<'t>) -> Option<Step<'t>> {
        let touches = |flow: &&Flow<'t>| [&flow.from, &flow.to].into_iter().any(|end| end.value == handler.value);
        if let Some(flow) = flat.net.flows.iter().find(touches) {
            let message = format!("`{}` compensates: no flow leads to it or from it", handler.value);
            let problem = Problem::error("wrong-shape", flow.span, message);
            self.problems.push(problem.help("put several steps into a sub-process"));
        }
        let Some(at) = flat.net.names.iter().position(|name| name.value == handler.value) else {
            let message = format!("there is no node `{}` here", handler.value);
            let near = did_you_mean(&handler.value, flat.net.names.iter().map(|name| &*name.value));
            self.problems.push(Problem::error("unknown-step", handler.span, message).maybe_help(near));
            return None;
        };
        flat.net.names.remove(at);
        Some(flat.steps.remove(at))
    }

    /// Every boundary event goes to the step that it is attached to.
    fn place_borders(&self, flat: &mut Flat<'t>) {
        for Border { host, mut event, handler } in std::mem::take(&mut flat.borders) {
            if let Some(handler) = &handler {
                event.then.steps = Some(self.place_handler(handler, flat).into_iter().collect());
            }
            let at = flat.net.names.iter().position(|name| name.value == host.value);
            if let Some(step) = at.and_then(|at| flat.steps.get_mut(at)) {
                step.boundary.push(event);
                continue;
            }
            let problem = Problem::error("unknown-step", host.span, format!("there is no node `{}` here", host.value));
            let near = did_you_mean(&host.value, flat.net.names.iter().map(|name| &*name.value));
            self.problems.push(problem.maybe_help(near));
        }
    }

    /// A flow with an outcome is the way on of that outcome.
    fn place_outcomes(&self, flat: &mut Flat<'t>) {
        let Net { names, flows, .. } = &flat.net;
        for flow in flows.iter().filter(|flow| !flow.outcomes.is_empty()) {
            let at = names.iter().position(|name| name.value == flow.from.value);
            let Some((task, outputs)) = at.and_then(|at| flat.steps.get_mut(at)).and_then(loops::task_of) else {
                let message = format!("`{}` is no user task: its flows have no outcome", flow.from.value);
                self.problems.error("wrong-shape", flow.span, message);
                continue;
            };
            for name in &flow.outcomes {
                match task.outcomes.iter_mut().find(|outcome| outcome.id.value == name.value) {
                    Some(outcome) => {
                        outcome.follow.next = Some(Spanned::new(Target::Step(flow.to.value.clone()), flow.to.span));
                        let keep = outputs.map(|outputs| bare(flow.span, "set", Verb::Set(outputs)));
                        outcome.follow.steps = outcome.follow.steps.take().map_or(keep.is_some().then(Vec::new), Some);
                        if let Some(steps) = &mut outcome.follow.steps {
                            steps.extend(keep);
                        }
                    }
                    None => {
                        let message = format!("`{}` has no outcome `{}`", flow.from.value, name.value);
                        let near = did_you_mean(&name.value, task.outcomes.iter().map(|outcome| &*outcome.id.value));
                        self.problems.push(Problem::error("unknown-outcome", name.span, message).maybe_help(near));
                    }
                }
            }
        }
        flat.steps.iter_mut().for_each(loops::drop_idle);
    }

    /// The one of these verbs that is written.
    pub(super) fn verb_among(
        &self,
        entries: &'t [Entry],
        verbs: &'static [&'static str],
    ) -> Option<(&'static str, &'t Entry, Read<'t>)> {
        let known = super::step::verbs();
        let word = |entry: &&'t Entry| verbs.iter().find(|word| **word == &*entry.key.text).copied();
        let entry = entries.iter().find(|entry| word(entry).is_some())?;
        let found = word(&entry)?;
        known.iter().find(|(name, _, _)| *name == found).map(|(name, _, read)| (*name, entry, *read))
    }
}

impl<'t> Flat<'t> {
    /// A node, also one that could not be read: flows to it are no mistake.
    pub(super) fn add(&mut self, id: Spanned<Name>, step: Option<Step<'t>>) {
        let span = id.span;
        self.net.names.push(id);
        self.steps.push(step.unwrap_or_else(|| bare(span, "node", Verb::Broken)));
    }
}

/// A step that says nothing yet.
pub(super) fn bare<'t>(at: Span, word: &'static str, verb: Verb<'t>) -> Step<'t> {
    Step { at, word, id: None, title: None, condition: None, next: None, boundary: Vec::new(), verb }
}
