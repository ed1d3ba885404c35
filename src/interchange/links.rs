//! What stands beside the nodes and concerns them: lanes, pools, associations and message flows, by the ids that they name.

use std::collections::{BTreeMap, BTreeSet};

use super::xml::Tag;

/// What elements with an id say of others.
#[derive(Default)]
pub(super) struct Links<'x> {
    /// Every element of BPMN with an id.
    pub by_id: BTreeMap<&'x str, Tag<'x>>,
    /// The nodes that stand in a lane.
    pub in_lanes: BTreeSet<String>,
    /// The pools, by the id of their process.
    pub pools: BTreeMap<&'x str, Tag<'x>>,
    /// Where an association leads from an event to an activity.
    pub undone_by: BTreeMap<&'x str, &'x str>,
    /// What data objects are called by a reference to them, by their ids.
    pub objects: BTreeMap<&'x str, &'x str>,
    /// What a message between participants is called, by who sends or receives it.
    pub messages: BTreeMap<&'x str, String>,
}

/// Activities, which do something.
pub(super) const ACTIVITIES: &[&str] = &[
    "task",
    "manualTask",
    "userTask",
    "serviceTask",
    "businessRuleTask",
    "scriptTask",
    "sendTask",
    "receiveTask",
    "callActivity",
    "subProcess",
    "transaction",
    "adHocSubProcess",
];

/// The other nodes that flows lead to and from.
pub(super) const OTHER_NODES: &[&str] = &[
    "startEvent",
    "endEvent",
    "intermediateThrowEvent",
    "implicitThrowEvent",
    "intermediateCatchEvent",
    "boundaryEvent",
    "exclusiveGateway",
    "parallelGateway",
    "inclusiveGateway",
    "complexGateway",
    "eventBasedGateway",
];

impl<'x> Tag<'x> {
    pub fn is_activity(&self) -> bool {
        self.is_bpmn() && ACTIVITIES.contains(&self.name())
    }

    /// Whether flows may lead to it.
    pub fn is_node(&self) -> bool {
        self.is_activity() || self.is_bpmn() && OTHER_NODES.contains(&self.name())
    }
}

impl<'x> Links<'x> {
    pub fn of(root: Tag<'x>) -> Self {
        let mut links = Links::default();
        let elements = root.node.descendants().filter(roxmltree::Node::is_element).map(|node| Tag { node, ..root });
        let elements: Vec<Tag<'x>> = elements.filter(Tag::is_bpmn).collect();
        for tag in &elements {
            if let Some(id) = tag.attr("id")
                && let Some(before) = links.by_id.insert(id, *tag)
            {
                let message = format!("the id `{id}` is there twice: {} and {}", before.name(), tag.name());
                tag.refuse("bpmn-broken", message, "give one of them another id");
            }
        }
        elements.into_iter().for_each(|tag| links.add(tag));
        links
    }

    fn add(&mut self, tag: Tag<'x>) {
        let ends = (tag.reference("sourceRef"), tag.reference("targetRef"));
        match (tag.name(), ends) {
            ("flowNodeRef", _) => {
                self.in_lanes.insert(super::xml::local(&tag.text()).to_string());
            }
            ("participant", _) => {
                if let Some(process) = tag.reference("processRef") {
                    self.pools.insert(process, tag);
                }
            }
            ("dataObjectReference", _) => {
                if let Some((object, name)) = tag.reference("dataObjectRef").zip(tag.attr("name")) {
                    self.objects.entry(object).or_insert(name);
                }
            }
            ("association", (Some(from), Some(to))) => {
                let is_activity = |id: &str| self.by_id.get(id).is_some_and(Tag::is_activity);
                if is_activity(to) && !is_activity(from) {
                    self.undone_by.insert(from, to);
                }
            }
            ("messageFlow", (Some(from), Some(to))) => {
                let message = tag.reference("messageRef").and_then(|id| self.by_id.get(id));
                let named = message.and_then(|message| message.attr("name")).or(tag.attr("name")).unwrap_or(tag.id());
                for end in [from, to] {
                    self.messages.entry(end).or_insert_with(|| named.to_string());
                }
            }
            _ => {}
        }
    }
}
