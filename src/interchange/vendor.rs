//! What Camunda 7 and 8 and Flowable write beside BPMN: what of it is carried over, and where. The rest is said.

use std::collections::BTreeMap;

use super::import::Import;
use super::xml::{BPMN, Tag};

const HOST: &[&str] = &["serviceTask", "sendTask", "businessRuleTask", "scriptTask"];
const ANY: &[&str] = &[];
const ROUNDS: &[&str] = &["multiInstanceLoopCharacteristics"];
const USER: &[&str] = &["userTask"];
const CALL: &[&str] = &["callActivity"];

/// Attributes of engines that are carried over, and of which elements; nothing named: they only say how a model is shown.
const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("assignee", USER),
    ("candidateGroups", USER),
    ("candidateUsers", USER),
    ("dueDate", USER),
    ("formKey", USER),
    ("formRef", USER),
    ("topic", HOST),
    ("type", HOST),
    ("delegateExpression", HOST),
    ("class", HOST),
    ("expression", HOST),
    ("resultVariable", HOST),
    ("resultVariableName", HOST),
    ("decisionRef", HOST),
    ("collection", ROUNDS),
    ("elementVariable", ROUNDS),
    ("elementIndexVariable", ROUNDS),
    ("calledElementBinding", CALL),
    ("calledElementVersion", CALL),
    ("inheritVariables", CALL),
    ("initiator", &["startEvent"]),
    ("errorCodeVariable", &["errorEventDefinition"]),
    ("errorMessageVariable", &["errorEventDefinition"]),
    ("escalationCodeVariable", &["escalationEventDefinition"]),
    ("modelerTemplate", ANY),
    ("modelerTemplateVersion", ANY),
    ("modelerTemplateIcon", ANY),
];

const MAPPED: &[&str] = &[
    "userTask",
    "serviceTask",
    "sendTask",
    "businessRuleTask",
    "scriptTask",
    "receiveTask",
    "callActivity",
    "startEvent",
    "intermediateCatchEvent",
    "boundaryEvent",
];

/// The same of elements.
const ELEMENTS: &[(&str, &[&str])] = &[
    ("taskDefinition", HOST),
    ("taskHeaders", HOST),
    ("calledDecision", HOST),
    ("script", HOST),
    ("field", HOST),
    ("connector", HOST),
    ("failedJobRetryTimeCycle", HOST),
    ("assignmentDefinition", USER),
    ("formDefinition", USER),
    ("taskSchedule", USER),
    ("userTask", USER),
    ("formData", &["userTask", "startEvent"]),
    ("formProperty", &["userTask", "startEvent"]),
    ("ioMapping", MAPPED),
    ("inputOutput", MAPPED),
    ("calledElement", CALL),
    ("in", CALL),
    ("out", CALL),
    ("loopCharacteristics", ROUNDS),
    ("adHoc", &["adHocSubProcess"]),
    ("subscription", &["message", "receiveTask", "intermediateCatchEvent", "boundaryEvent", "startEvent"]),
    ("modelerTemplateIcon", ANY),
    ("info", ANY),
];

/// Engines, by what their namespaces are called: what they add may mean something when a process runs.
const ENGINES: &[&str] = &["camunda", "activiti", "flowable", "drools", "jbpm"];

/// Elements that stand below a node and say more of it.
const PARTS: &[&str] = &["lane", "sequenceFlow", "dataObject", "dataObjectReference", "laneSet", "childLaneSet"];

impl<'x> Import<'x> {
    /// Says which of the vendors' additions mean nothing here, in the whole model.
    pub(super) fn vendors(&self, root: Tag<'x>) {
        let mut others: BTreeMap<&'x str, (Tag<'x>, usize)> = BTreeMap::new();
        root.children().filter(Tag::is_bpmn).for_each(|tag| self.additions(tag, &mut others));
        for (namespace, (tag, times)) in others {
            let message = format!("what `{namespace}` adds means nothing here; it is there {times} times");
            tag.warn(message, "it stays in the drawing");
        }
    }

    fn additions(&self, tag: Tag<'x>, others: &mut BTreeMap<&'x str, (Tag<'x>, usize)>) {
        // What this crate wrote itself says it all.
        let is_ours = tag.extensions().any(|own| own.node.tag_name().namespace() == Some(super::export::OWN));
        let is_part = |child: &Tag<'x>| child.is_node() || PARTS.contains(&child.name());
        for child in tag.children().filter(|child| child.is_bpmn() && child.name() != "extensionElements") {
            if !is_ours || is_part(&child) {
                self.additions(child, others);
            }
        }
        if is_ours {
            return;
        }
        for attribute in tag.node.attributes() {
            let Some(space) = attribute.namespace().filter(|space| *space != BPMN && !is_standard(space)) else {
                continue;
            };
            if !is_engine(space) {
                others.entry(space).or_insert((tag, 0)).1 += 1;
            } else if !is_carried(ATTRIBUTES, attribute.name(), tag) {
                let message = format!("`{}` of {} means nothing here", attribute.name(), tag.called());
                tag.warn(message, "every wait is durable; what the host does, it does in its services");
            }
        }
        let beside = tag.children().filter(|child| !child.is_bpmn());
        for extension in tag.extensions().chain(beside) {
            let space = extension.node.tag_name().namespace().unwrap_or_default();
            if is_standard(space) {
            } else if !is_engine(space) {
                others.entry(space).or_insert((extension, 0)).1 += 1;
            } else if !is_carried(ELEMENTS, extension.name(), tag) && !is_sent(extension, tag) {
                let message = format!("`{}` of {} is not run", extension.name(), tag.called());
                extension.warn(message, "give it to a service of its own, drawn as a task");
            }
        }
    }
}

/// Whether it says what is sent with a message.
fn is_sent(extension: Tag<'_>, tag: Tag<'_>) -> bool {
    let sends =
        matches!(tag.name(), "intermediateThrowEvent" | "endEvent") && tag.first("messageEventDefinition").is_some();
    sends && matches!(extension.name(), "ioMapping" | "inputOutput" | "taskDefinition")
}

fn is_standard(space: &str) -> bool {
    space.contains("w3.org") || space.contains("omg.org")
}

fn is_engine(space: &str) -> bool {
    ENGINES.iter().any(|engine| space.contains(engine))
}

fn is_carried(table: &[(&str, &[&str])], name: &str, of: Tag<'_>) -> bool {
    let places = table.iter().find(|(known, _)| *known == name).map(|(_, places)| *places);
    places.is_some_and(|places| places.is_empty() || places.contains(&of.name()))
}

/// An attribute of a vendor's namespace.
pub(super) fn extra<'x>(tag: Tag<'x>, name: &str) -> Option<&'x str> {
    let vendors = |found: &roxmltree::Attribute<'x, 'x>| {
        found.namespace().is_some_and(|space| space != BPMN) && found.name() == name
    };
    tag.node.attributes().find(vendors).map(|found| found.value().trim()).filter(|value| !value.is_empty())
}

/// The element of a vendor with this name.
pub(super) fn extension<'x>(tag: Tag<'x>, name: &str) -> Option<Tag<'x>> {
    tag.extensions().find(|found| found.name() == name)
}
