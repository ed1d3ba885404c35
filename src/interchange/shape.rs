//! What a drawing may not look like: refused at its place, before anything is made of it.

use std::collections::BTreeMap;

use super::import::Import;
use super::xml::{Tag, local};

/// Most nodes of a model: more steps than a process may have.
const MAX_NODES: usize = 5_000;

/// Whether a process has more nodes than are read: looked at before anything else is.
pub(super) fn is_too_large(root: Tag<'_>) -> bool {
    let mut is_too_large = false;
    for process in root.all("process") {
        let elements = process.node.descendants().map(|node| Tag { node, ..process });
        let nodes = elements.filter(|tag| tag.node.is_element() && tag.is_node()).count();
        if nodes > MAX_NODES {
            let message = format!("expected at most {MAX_NODES} nodes in a process, found {nodes}");
            process.refuse("bpmn-too-large", message, "part it: a call activity runs a process of its own");
            is_too_large = true;
        }
    }
    is_too_large
}

impl<'x> Import<'x> {
    /// Looks at the nodes, flows and lanes of a process.
    pub(super) fn shape(&self, process: Tag<'x>) {
        let elements = process.node.descendants().filter(roxmltree::Node::is_element);
        let elements: Vec<Tag<'x>> = elements.map(|node| Tag { node, ..process }).filter(Tag::is_bpmn).collect();
        for tag in elements {
            match tag.name() {
                "sequenceFlow" => self.flow_shape(tag),
                "boundaryEvent" => self.border_shape(tag),
                "laneSet" if !tag.parent().is_some_and(|parent| parent.is("lane")) => self.lanes_shape(tag),
                _ => {}
            }
            if tag.is_node() {
                self.node_shape(tag);
            }
        }
    }

    fn node_shape(&self, node: Tag<'x>) {
        if node.attr("id").is_none() {
            let message = format!("a node has no id: {}", node.called());
            node.refuse("bpmn-broken", message, "flows, history and tests name it by its id");
        }
        let Some(default) = node.reference("default") else { return };
        let flow = self.links.by_id.get(default).filter(|flow| flow.is("sequenceFlow"));
        if flow.and_then(|flow| flow.reference("sourceRef")) != Some(node.id()) {
            let message = format!("the default flow `{default}` of {} does not leave it", node.called());
            node.refuse("bpmn-broken", message, "name a flow that begins there");
        }
    }

    fn flow_shape(&self, flow: Tag<'x>) {
        for end in ["sourceRef", "targetRef"] {
            let Some(id) = flow.reference(end) else {
                let message = format!("{} leads from or to nothing", flow.called());
                return flow.refuse("bpmn-broken", message, "write `sourceRef` and `targetRef`");
            };
            let Some(node) = self.links.by_id.get(id) else {
                return flow.refuse("bpmn-broken", format!("there is no element `{id}`"), "the flow names it");
            };
            if !node.is_node() {
                let message = format!("{} leads from or to {}, which is no node", flow.called(), node.called());
                return flow.refuse("bpmn-broken", message, "draw an association, or a message flow");
            }
            if node.node.parent() != flow.node.parent() {
                let message =
                    format!("{} crosses the border of a process or sub-process to {}", flow.called(), node.called());
                return flow.refuse(
                    "bpmn-broken",
                    message,
                    "draw it inside one of them; an event at the border leads out",
                );
            }
            if end == "targetRef" && matches!(node.name(), "startEvent" | "boundaryEvent") {
                let message = format!("{} leads to {}, which nothing leads to", flow.called(), node.called());
                return flow.refuse("bpmn-broken", message, "lead it to a gateway or task");
            }
            if end == "sourceRef" && node.is("endEvent") {
                let message = format!("{} leaves {}, where a path ends", flow.called(), node.called());
                return flow.refuse("bpmn-broken", message, "make it an intermediate event");
            }
        }
    }

    fn border_shape(&self, event: Tag<'x>) {
        let host = event.reference("attachedToRef").unwrap_or_default();
        match self.links.by_id.get(host) {
            Some(found) if found.is_activity() && found.node.parent() == event.node.parent() => {}
            Some(found) => {
                let message = format!(
                    "{} stands at the border of {}, which is no activity beside it",
                    event.called(),
                    found.called()
                );
                event.refuse("bpmn-broken", message, "`attachedToRef` names a task, sub-process or call");
            }
            None => {
                let message = format!("{} stands at the border of nothing: there is no `{host}`", event.called());
                event.refuse("bpmn-broken", message, "`attachedToRef` names a task, sub-process or call");
            }
        }
    }

    /// A node stands in one lane, and in those around it.
    fn lanes_shape(&self, set: Tag<'x>) {
        let mut found: BTreeMap<String, Tag<'x>> = BTreeMap::new();
        let lanes = set.node.descendants().filter(roxmltree::Node::is_element);
        for lane in lanes.map(|node| Tag { node, ..set }).filter(|tag| tag.is("lane")) {
            for named in lane.all("flowNodeRef") {
                let text = named.text();
                let id = local(&text).to_string();
                if !self.links.by_id.contains_key(&*id) {
                    let message = format!("there is no element `{id}`");
                    named.refuse("bpmn-broken", message, format!("{} names it", lane.called()));
                } else if let Some(other) = found.insert(id.clone(), lane)
                    && !is_around(other, lane)
                    && !is_around(lane, other)
                {
                    let message = format!("`{id}` stands in two lanes: {} and {}", other.called(), lane.called());
                    named.refuse("bpmn-broken", message, "take it out of one of them");
                }
            }
        }
    }
}

/// Whether one lane lies around the other, or is the same.
fn is_around(outer: Tag<'_>, inner: Tag<'_>) -> bool {
    inner.node.ancestors().any(|node| node == outer.node)
}
