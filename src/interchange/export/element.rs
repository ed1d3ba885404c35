//! Elements: what BPMN has a word for, and beside it all that a node says.

use std::collections::BTreeSet;

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
        Self { declared: BTreeSet::new(), kept: Some(kept) }
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

    fn kept(&self, node: &Out) -> Kept {
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
fn head(says: &Out, (tag, attributes): (&str, &[(&str, &str)]), but: &[&str], others: &[String], writer: &mut Writer) {
    if let Some(doc) = says.word("doc") {
        writer.words("bpmn:documentation", &[], doc);
    }
    let mut beside = says.without(DRAWN_KEYS).without(but);
    // A name in a drawing has one language and no values.
    let is_more = |title: &&Out| !matches!(title, Out::Text(text) if !text.contains(['{', '}']));
    if let Some(title) = says.get("title").filter(is_more) {
        beside.put("title", title.clone());
    }
    writer.open("bpmn:extensionElements", &[]);
    writer.words(tag, attributes, &if beside.is_empty() { String::new() } else { beside.write() });
    others.iter().for_each(|other| writer.verbatim(other));
    writer.close();
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
    for border in scope.items("nodes").iter().filter(|node| node.word("type") == Some("boundary_event")) {
        if let (Some(handler), Kept::Nothing | Kept::Others(_)) = (border.word("compensate"), cx.kept(border)) {
            let (from, to) = (drawn_id(border), id_of(scope, handler));
            let id = format!("Association_{from}");
            writer.empty(
                "bpmn:association",
                &[("id", &id), ("associationDirection", "One"), ("sourceRef", from), ("targetRef", &to)],
            );
        }
    }
}

fn lanes(scope: &Out, writer: &mut Writer) {
    writer.open("bpmn:laneSet", &[]);
    for lane in scope.items("lanes") {
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
    writer.close();
}

/// The id in the drawing of the node of this name.
pub(super) fn id_of(scope: &Out, name: &str) -> String {
    let node = scope.items("nodes").iter().find(|node| node.word("id") == Some(name));
    node.map_or(name, drawn_id).to_string()
}

/// The id of a flow: its own, or one made of its ends.
pub(super) fn flow_id(flow: &Out) -> String {
    let made = || format!("Flow_{}_{}", flow.word("from").unwrap_or_default(), flow.word("to").unwrap_or_default());
    flow.word("bpmn").map_or_else(made, str::to_string)
}

fn sequence_flow(scope: &Out, flow: &Out, writer: &mut Writer) {
    let end = |key| id_of(scope, flow.word(key).unwrap_or_default());
    let (id, from, to, title) = (flow_id(flow), end("from"), end("to"), words_of(flow.get("title")));
    let attributes = [("id", &*id), ("name", &title), ("sourceRef", &from), ("targetRef", &to)];
    let condition = flow.get("when").map(|when| words_of(Some(when)));
    writer.open("bpmn:sequenceFlow", &attributes);
    let made = if flow.word("bpmn").is_none() || flow.word(MADE).is_some() { "true" } else { "" };
    head(flow, ("stageflow:flow", &[("made", made)]), &["from", "to"], &[], writer);
    if let Some(condition) = condition {
        let attributes = [("xsi:type", "bpmn:tFormalExpression"), ("language", OWN)];
        writer.words("bpmn:conditionExpression", &attributes, &condition);
    }
    writer.close();
}

fn element(scope: &Out, node: &Out, others: &Others, writer: &mut Writer, cx: &mut Cx<'_>) {
    let word = node.word("type").unwrap_or("task");
    let tag = TAGS.iter().find(|(known, _)| *known == word).map_or("bpmn:task", |(_, tag)| tag);
    let title = words_of(node.get("title"));
    let default = scope
        .items("flows")
        .iter()
        .find(|flow| flow.word("from") == node.word("id") && flow.word("otherwise") == Some("true"));
    let default = default.map(flow_id).unwrap_or_default();
    let host = node.word("attached_to").map(|host| id_of(scope, host)).unwrap_or_default();
    let interrupts = if node.word("interrupt") == Some("false") { "false" } else { "" };
    let (cancels, starts) = if word == "boundary_event" { (interrupts, "") } else { ("", interrupts) };
    let by_event = if word == "event_sub_process" { "true" } else { "" };
    let attributes = [
        ("id", drawn_id(node)),
        ("name", &title),
        ("default", &default),
        ("attachedToRef", &host),
        ("cancelActivity", cancels),
        ("isInterrupting", starts),
        ("triggeredByEvent", by_event),
        ("calledElement", node.word("call").unwrap_or_default()),
        ("ordering", if word == AD_HOC && node.word("at_once") == Some("1") { "Sequential" } else { "" }),
        ("cancelRemainingInstances", if node.word("cancel_rest") == Some("false") { "false" } else { "" }),
    ];
    writer.open_with(tag, &attributes, &others.attributes);
    let name = [("id", node.word("id").unwrap_or_default()), ("made", node.word(MADE).unwrap_or_default())];
    head(node, ("stageflow:node", &name), &[], &others.elements, writer);
    for (word, end) in [("bpmn:incoming", "to"), ("bpmn:outgoing", "from")] {
        let touching = scope.items("flows").iter().filter(|flow| flow.word(end) == node.word("id"));
        touching.for_each(|flow| writer.words(word, &[], &flow_id(flow)));
    }
    around(node, writer);
    inside(node, writer, cx);
    if let (true, Some(until)) = (word == AD_HOC, node.word("until")) {
        let attributes = [("xsi:type", "bpmn:tFormalExpression"), ("language", OWN)];
        writer.words("bpmn:completionCondition", &attributes, until);
    }
    if word.ends_with("_event") {
        definitions(node, writer, cx);
    }
    writer.close();
}

/// The marks of an activity that is done several times.
fn around(node: &Out, writer: &mut Writer) {
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
fn definitions(node: &Out, writer: &mut Writer, cx: &mut Cx<'_>) {
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
        let id = if any { String::new() } else { format!("{prefix}{name}") };
        if !any {
            cx.declared.insert((prefix, name.to_string()));
        }
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
