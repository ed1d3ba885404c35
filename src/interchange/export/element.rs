//! Elements: what BPMN has a word for, and beside it all that a node says.

use std::collections::{BTreeMap, BTreeSet};

use super::super::yaml::Out;
use super::writer::Writer;
use super::{Drawn, MADE, OWN, Whole, diagram, drawn_id};
use crate::model::Duration;

/// What the drawing says by itself: names, flows, places. The rest of a node goes along beside it.
pub(in super::super) const DRAWN_KEYS: &[&str] =
    &["id", "bpmn", "type", "title", "doc", "nodes", "flows", "lanes", "attached_to", "interrupt", MADE];

/// The type whose order and end are drawn.
const AD_HOC: &str = "ad_hoc_sub_process";

/// Types of nodes and what BPMN calls them.
const TAGS: &[(&str, &str)] = &[
    ("task", "bpmn:task"),
    ("manual_task", "bpmn:manualTask"),
    ("user_task", "bpmn:userTask"),
    ("service_task", "bpmn:serviceTask"),
    ("script_task", "bpmn:scriptTask"),
    ("send_task", "bpmn:sendTask"),
    ("receive_task", "bpmn:receiveTask"),
    ("business_rule_task", "bpmn:businessRuleTask"),
    ("call_activity", "bpmn:callActivity"),
    ("sub_process", "bpmn:subProcess"),
    ("event_sub_process", "bpmn:subProcess"),
    ("transaction", "bpmn:transaction"),
    ("ad_hoc_sub_process", "bpmn:adHocSubProcess"),
    ("exclusive_gateway", "bpmn:exclusiveGateway"),
    ("parallel_gateway", "bpmn:parallelGateway"),
    ("inclusive_gateway", "bpmn:inclusiveGateway"),
    ("complex_gateway", "bpmn:complexGateway"),
    ("event_based_gateway", "bpmn:eventBasedGateway"),
    ("start_event", "bpmn:startEvent"),
    ("intermediate_catch_event", "bpmn:intermediateCatchEvent"),
    ("intermediate_throw_event", "bpmn:intermediateThrowEvent"),
    ("boundary_event", "bpmn:boundaryEvent"),
    ("end_event", "bpmn:endEvent"),
];

/// The keys of events that refer to something declared beside the processes: what it is called there.
const REFERS: &[(&str, &str, &str, &str)] = &[
    ("message", "bpmn:messageEventDefinition", "messageRef", "Message_"),
    ("send", "bpmn:messageEventDefinition", "messageRef", "Message_"),
    ("receive", "bpmn:messageEventDefinition", "messageRef", "Message_"),
    ("signal", "bpmn:signalEventDefinition", "signalRef", "Signal_"),
    ("error", "bpmn:errorEventDefinition", "errorRef", "Error_"),
    ("raise", "bpmn:errorEventDefinition", "errorRef", "Error_"),
    ("escalation", "bpmn:escalationEventDefinition", "escalationRef", "Escalation_"),
    ("escalate", "bpmn:escalationEventDefinition", "escalationRef", "Escalation_"),
];

/// A whole model.
pub(super) fn model(all: &Whole) -> String {
    let mut inside = Writer::at(1);
    let mut cx = Cx::default();
    for (at, drawn) in all.processes.iter().enumerate() {
        process(drawn, all.library.as_ref().filter(|_| at == 0), &mut inside, &mut cx);
    }
    let mut whole = Writer::default();
    whole.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut attributes: Vec<(&str, &str)> = NAMESPACES.to_vec();
    attributes.extend([("id", "Definitions_1"), ("targetNamespace", OWN)]);
    whole.open("bpmn:definitions", &attributes);
    cx.declare(&mut whole, &|_| false);
    whole.text.push_str(&inside.text);
    diagram::draw(&all.processes, &mut whole);
    whole.close();
    whole.text
}

/// The prefixes of what is written.
pub(super) const NAMESPACES: &[(&str, &str)] = &[
    ("xmlns:bpmn", super::super::xml::BPMN),
    ("xmlns:bpmndi", "http://www.omg.org/spec/BPMN/20100524/DI"),
    ("xmlns:dc", "http://www.omg.org/spec/DD/20100524/DC"),
    ("xmlns:di", "http://www.omg.org/spec/DD/20100524/DI"),
    ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
    ("xmlns:stageflow", OWN),
];

/// What elements refer to beside the processes, and what stays as it was drawn.
#[derive(Default)]
pub(super) struct Cx<'o> {
    declared: BTreeSet<(&'static str, String)>,
    /// The ids of what the drawing declares, by what it is and how it is called here.
    pub known: BTreeMap<(&'static str, String), String>,
    /// What of the drawing is kept for a node or flow: all of it, or what others keep in it.
    kept: Option<&'o dyn Fn(&Out) -> Kept>,
}

/// What of an element of the drawing stays.
pub(super) enum Kept {
    /// All of it, letter for letter.
    Whole(String),
    /// What others keep in it.
    Others(Others),
    /// It is new.
    Nothing,
}

/// What others keep in an element, as it is written.
#[derive(Default)]
pub(super) struct Others {
    pub elements: Vec<String>,
    pub attributes: String,
}

impl<'o> Cx<'o> {
    /// One that keeps what stays of the drawing.
    pub fn keeping(kept: &'o dyn Fn(&Out) -> Kept) -> Self {
        Self { kept: Some(kept), ..Self::default() }
    }

    /// The id of something that is declared beside the processes.
    fn id_of(&mut self, prefix: &'static str, name: &str) -> String {
        if let Some(known) = self.known.get(&(prefix, name.to_string())) {
            return known.clone();
        }
        self.declared.insert((prefix, name.to_string()));
        format!("{prefix}{name}")
    }

    /// What was referred to, but what is there already.
    pub fn declare(&self, writer: &mut Writer, is_there: &dyn Fn(&str) -> bool) {
        for (prefix, name) in &self.declared {
            let id = format!("{prefix}{name}");
            if is_there(&id) {
                continue;
            }
            match *prefix {
                "Message_" => writer.empty("bpmn:message", &[("id", &id), ("name", name)]),
                "Signal_" => writer.empty("bpmn:signal", &[("id", &id), ("name", name)]),
                "Error_" => writer.empty("bpmn:error", &[("id", &id), ("name", name), ("errorCode", name)]),
                _ => writer.empty("bpmn:escalation", &[("id", &id), ("name", name), ("escalationCode", name)]),
            }
        }
    }

    pub fn kept(&self, node: &Out) -> Kept {
        self.kept.map_or(Kept::Nothing, |kept| kept(node))
    }
}

/// A library's file, and what it says.
pub(super) type Library = (String, Out);

/// A process; the first one of a model has the library along.
pub(super) fn process(drawn: &Drawn, library: Option<&Library>, writer: &mut Writer, cx: &mut Cx<'_>) {
    let title = words_of(drawn.says.get("title"));
    writer.open("bpmn:process", &[("id", drawn.id()), ("name", &title), ("isExecutable", "true")]);
    process_head(drawn, library, &[], writer);
    inside(&drawn.says, writer, cx);
    writer.close();
}

/// What a process says besides its nodes and flows.
pub(super) fn process_head(drawn: &Drawn, library: Option<&Library>, others: &[String], writer: &mut Writer) {
    let attributes = [("file", &*drawn.file), ("name", &*drawn.name)];
    let mut beside = others.to_vec();
    if let Some((file, says)) = library {
        let mut written = Writer::default();
        written.words("stageflow:library", &[("file", file)], &says.write());
        beside.insert(0, written.text.trim_end().to_string());
    }
    head(&drawn.says, ("stageflow:process", &attributes), &["process"], &beside, writer);
}

/// `doc`, and what goes along beside the drawing: our own, and what others keep in it.
fn head(says: &Out, own: (&str, &[(&str, &str)]), but: &[&str], others: &[String], writer: &mut Writer) {
    if let Some(doc) = says.word("doc") {
        writer.words("bpmn:documentation", &[], doc);
    }
    writer.open("bpmn:extensionElements", &[]);
    own_element(says, own, but, writer);
    others.iter().for_each(|other| writer.verbatim(other));
    writer.close();
}

/// The element of our own, with all that the drawing does not say.
pub(super) fn own_element(says: &Out, (tag, attributes): (&str, &[(&str, &str)]), but: &[&str], writer: &mut Writer) {
    let beside = beside(says).without(but);
    writer.words(tag, attributes, &if beside.is_empty() { String::new() } else { beside.write() });
}

/// What a node, flow, lane or process says that the drawing does not.
pub(super) fn beside(says: &Out) -> Out {
    let mut beside = says.without(DRAWN_KEYS);
    // A name in a drawing has one language and no values.
    let is_more = |title: &&Out| !matches!(title, Out::Text(text) if !text.contains(['{', '}']));
    if let Some(title) = says.get("title").filter(is_more) {
        beside.put("title", title.clone());
    }
    beside
}

/// Lanes, nodes and flows of a scope.
pub(super) fn inside(scope: &Out, writer: &mut Writer, cx: &mut Cx<'_>) {
    if !scope.items("lanes").is_empty() {
        lanes(scope, writer);
    }
    for node in scope.items("nodes") {
        match cx.kept(node) {
            Kept::Whole(text) => writer.verbatim(&text),
            Kept::Others(others) => element(scope, node, &others, writer, cx),
            Kept::Nothing => element(scope, node, &Others::default(), writer, cx),
        }
    }
    for flow in scope.items("flows") {
        match cx.kept(flow) {
            Kept::Whole(text) => writer.verbatim(&text),
            _ => sequence_flow(scope, flow, writer),
        }
    }
    for border in scope.items("nodes") {
        if let Kept::Nothing | Kept::Others(_) = cx.kept(border) {
            association(scope, border, writer);
        }
    }
}

/// The line from a compensation event to what compensates.
pub(super) fn association(scope: &Out, border: &Out, writer: &mut Writer) {
    let handler = compensator(border).filter(|_| border.word("type") == Some("boundary_event"));
    if let Some(handler) = handler {
        let (from, to) = (drawn_id(border), id_of(scope, handler));
        let id = format!("Association_{from}");
        let ends = [("id", &*id), ("associationDirection", "One"), ("sourceRef", from), ("targetRef", &to)];
        writer.empty("bpmn:association", &ends);
    }
}

pub(super) fn lanes(scope: &Out, writer: &mut Writer) {
    writer.open("bpmn:laneSet", &[]);
    scope.items("lanes").iter().for_each(|written| lane(scope, written, writer));
    writer.close();
}

pub(super) fn lane(scope: &Out, lane: &Out, writer: &mut Writer) {
    writer.open("bpmn:lane", &[("id", drawn_id(lane)), ("name", &words_of(lane.get("title")))]);
    let name = [("id", lane.word("id").unwrap_or_default())];
    head(lane, ("stageflow:lane", &name), &["nodes"], &[], writer);
    for node in lane.items("nodes") {
        if let Out::Text(name) = node {
            writer.words("bpmn:flowNodeRef", &[], &id_of(scope, name));
        }
    }
    writer.close();
}

/// The id in the drawing of the node of this name.
pub(super) fn id_of(scope: &Out, name: &str) -> String {
    let node = scope.items("nodes").iter().find(|node| node.word("id") == Some(name));
    node.map_or(name, drawn_id).to_string()
}

/// The node that compensates the host of a boundary event: named by the event, or by one of several in it.
pub(super) fn compensator(border: &Out) -> Option<&str> {
    let among = || border.items("events").iter().find_map(|event| event.word("compensate"));
    border.word("compensate").or_else(among)
}

/// The id of a flow: its own, or one made of its ends.
pub(super) fn flow_id(flow: &Out) -> String {
    let made = || format!("Flow_{}_{}", flow.word("from").unwrap_or_default(), flow.word("to").unwrap_or_default());
    flow.word("bpmn").map_or_else(made, str::to_string)
}

pub(super) fn sequence_flow(scope: &Out, flow: &Out, writer: &mut Writer) {
    let attributes = flow_attributes(scope, flow);
    let attributes: Vec<(&str, &str)> = attributes.iter().map(|(name, value)| (*name, &**value)).collect();
    writer.open("bpmn:sequenceFlow", &attributes);
    head(flow, ("stageflow:flow", &[("made", made(flow))]), &["from", "to"], &[], writer);
    condition(flow, writer);
    writer.close();
}

pub(super) fn flow_attributes(scope: &Out, flow: &Out) -> Vec<(&'static str, String)> {
    let end = |key| id_of(scope, flow.word(key).unwrap_or_default());
    let title = words_of(flow.get("title"));
    vec![("id", flow_id(flow)), ("name", title), ("sourceRef", end("from")), ("targetRef", end("to"))]
}

/// Whether the id of a flow was made here.
pub(super) fn made(flow: &Out) -> &'static str {
    if flow.word("bpmn").is_none() || flow.word(MADE) == Some("true") { "true" } else { "" }
}

pub(super) fn condition(flow: &Out, writer: &mut Writer) {
    if let Some(condition) = flow.get("when").map(|when| words_of(Some(when))) {
        let attributes = [("xsi:type", "bpmn:tFormalExpression"), ("language", OWN)];
        writer.words("bpmn:conditionExpression", &attributes, &condition);
    }
}

/// What BPMN calls a node of this type.
pub(super) fn tag_of(node: &Out) -> &'static str {
    let word = node.word("type").unwrap_or("task");
    TAGS.iter().find(|(known, _)| *known == word).map_or("bpmn:task", |(_, tag)| tag)
}

fn is_ad_hoc(node: &Out) -> bool {
    node.word("type") == Some(AD_HOC)
}

/// The attributes of a node; those without a value are not written.
pub(super) fn node_attributes(scope: &Out, node: &Out) -> Vec<(&'static str, String)> {
    let word = node.word("type").unwrap_or("task");
    let mut flows = scope.items("flows").iter();
    let default = flows.find(|flow| flow.word("from") == node.word("id") && flow.word("otherwise") == Some("true"));
    let interrupts = if node.word("interrupt") == Some("false") { "false" } else { "" };
    let (cancels, starts) = if word == "boundary_event" { (interrupts, "") } else { ("", interrupts) };
    vec![
        ("id", drawn_id(node).to_string()),
        ("name", words_of(node.get("title"))),
        ("default", default.map(flow_id).unwrap_or_default()),
        ("attachedToRef", node.word("attached_to").map(|host| id_of(scope, host)).unwrap_or_default()),
        ("cancelActivity", cancels.to_string()),
        ("isInterrupting", starts.to_string()),
        ("triggeredByEvent", if word == "event_sub_process" { "true" } else { "" }.to_string()),
        ("calledElement", node.word("call").unwrap_or_default().to_string()),
        ("ordering", if is_ad_hoc(node) && node.word("at_once") == Some("1") { "Sequential" } else { "" }.to_string()),
        ("cancelRemainingInstances", if node.word("cancel_rest") == Some("false") { "false" } else { "" }.to_string()),
    ]
}

/// The ids of the flows to a node and from it, in their order, and what BPMN calls them.
pub(super) fn ways(scope: &Out, node: &Out) -> Vec<(&'static str, String)> {
    let ends = [("bpmn:incoming", "to"), ("bpmn:outgoing", "from")];
    let touching = |(word, end): (&'static str, &'static str)| {
        let flows = scope.items("flows").iter().filter(move |flow| flow.word(end) == node.word("id"));
        flows.map(move |flow| (word, flow_id(flow)))
    };
    ends.into_iter().flat_map(touching).collect()
}

pub(super) fn element(scope: &Out, node: &Out, others: &Others, writer: &mut Writer, cx: &mut Cx<'_>) {
    let attributes = node_attributes(scope, node);
    let attributes: Vec<(&str, &str)> = attributes.iter().map(|(name, value)| (*name, &**value)).collect();
    writer.open_with(tag_of(node), &attributes, &others.attributes);
    head(node, ("stageflow:node", &own_name(node)), &[], &others.elements, writer);
    ways(scope, node).iter().for_each(|(word, id)| writer.words(word, &[], id));
    around(node, writer);
    inside(node, writer, cx);
    if let (true, Some(until)) = (is_ad_hoc(node), node.word("until")) {
        let attributes = [("xsi:type", "bpmn:tFormalExpression"), ("language", OWN)];
        writer.words("bpmn:completionCondition", &attributes, until);
    }
    if node.word("type").is_some_and(|word| word.ends_with("_event")) {
        definitions(node, writer, cx);
    }
    writer.close();
}

/// What the element of our own says of a node's name.
pub(super) fn own_name(node: &Out) -> [(&'static str, &str); 2] {
    [("id", node.word("id").unwrap_or_default()), ("made", node.word(MADE).unwrap_or_default())]
}

/// The marks of an activity that is done several times.
pub(super) fn around(node: &Out, writer: &mut Writer) {
    if node.get("standard_loop").is_some() {
        writer.empty("bpmn:standardLoopCharacteristics", &[]);
    }
    if node.get("approve").is_some() {
        writer.empty("bpmn:multiInstanceLoopCharacteristics", &[]);
    }
    if let Some(several) = node.get("multi_instance") {
        let sequential = if several.get("at_once").is_none() { "true" } else { "" };
        writer.open("bpmn:multiInstanceLoopCharacteristics", &[("isSequential", sequential)]);
        let attributes = [("xsi:type", "bpmn:tFormalExpression"), ("language", OWN)];
        if let Some(times) = several.word("times") {
            writer.words("bpmn:loopCardinality", &attributes, times);
        }
        writer.close();
    }
}

/// The event definitions, by which other programs know what an event is.
pub(super) fn definitions(node: &Out, writer: &mut Writer, cx: &mut Cx<'_>) {
    for several in node.items("events").iter().chain(node.items("throws")) {
        definitions(several, writer, cx);
    }
    let wait = node.get("wait");
    let after = node.word("after").or(node.word("wait"));
    let at = node.get("at").or_else(|| wait?.get("until")).map(|at| words_of(Some(at)));
    let formal = [("xsi:type", "bpmn:tFormalExpression")];
    if let Some((element, words)) = [
        ("bpmn:timeDuration", after.map(iso)),
        ("bpmn:timeDate", at),
        ("bpmn:timeCycle", node.word("schedule").map(str::to_string)),
    ]
    .into_iter()
    .find_map(|(element, words)| Some((element, words?)))
    {
        writer.open("bpmn:timerEventDefinition", &[]);
        writer.words(element, &formal, &words);
        writer.close();
    }
    for (key, element, attribute, prefix) in REFERS {
        let Some(name) = node.word(key) else { continue };
        let any = matches!(*key, "error" | "escalation") && name == "any";
        let id = if any { String::new() } else { cx.id_of(prefix, name) };
        writer.empty(element, &[(attribute, &id)]);
    }
    if let Some(condition) = node.word("condition").or_else(|| wait?.word("when")) {
        writer.open("bpmn:conditionalEventDefinition", &[]);
        writer.words("bpmn:condition", &formal, condition);
        writer.close();
    }
    if let Some(name) = node.word("link") {
        writer.empty("bpmn:linkEventDefinition", &[("name", name)]);
    }
    let compensates = node.get("compensate").or(node.get("compensation")).is_some();
    for (element, is) in [
        ("bpmn:compensateEventDefinition", compensates),
        ("bpmn:cancelEventDefinition", node.word("cancel") == Some("true")),
        ("bpmn:terminateEventDefinition", node.word("terminate") == Some("true")),
    ] {
        if is {
            writer.empty(element, &[]);
        }
    }
}

/// A length of time as other programs write it, where it is no expression.
fn iso(text: &str) -> String {
    let Ok(length) = Duration::parse(text) else { return text.to_string() };
    if text.starts_with('P') || length.working_days != 0 || length.working_micros != 0 || length.micros % 1_000_000 != 0
    {
        return text.to_string();
    }
    let months = if length.months == 0 { String::new() } else { format!("{}M", length.months) };
    let seconds = length.micros / 1_000_000;
    format!("P{months}T{seconds}S").replace("T0S", "")
}

/// A title or expression in one language.
pub(super) fn words_of(value: Option<&Out>) -> String {
    match value {
        Some(Out::Text(text)) => text.clone(),
        Some(Out::Map(texts)) => {
            let english = texts.iter().find(|(lang, _)| lang == "en").or(texts.first());
            english.map(|(_, text)| words_of(Some(text))).unwrap_or_default()
        }
        _ => String::new(),
    }
}
