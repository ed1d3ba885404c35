//! The diagram of a drawing that has changed: pictures of what is no more go, what is new is put below the others.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::Node;

use super::super::xml::local;
use super::super::yaml::Out;
use super::diagram::{self, MARGIN, Place};
use super::element::{flow_id, id_of};
use super::merge::{Edit, Merge};
use super::writer::Writer;
use super::{Whole, drawn_id};

/// What is drawn: every node, and every flow with its ends, by their ids.
#[derive(Default)]
struct Parts {
    nodes: BTreeSet<String>,
    flows: BTreeMap<String, [String; 2]>,
}

impl Parts {
    fn of<'o>(processes: impl IntoIterator<Item = &'o Out>) -> Self {
        let mut parts = Self::default();
        processes.into_iter().for_each(|process| parts.add(process));
        parts
    }

    fn add(&mut self, scope: &Out) {
        for flow in scope.items("flows") {
            self.flows.insert(flow_id(flow), ends(scope, flow));
        }
        self.nodes.extend(scope.items("lanes").iter().map(|lane| drawn_id(lane).to_string()));
        for node in scope.items("nodes") {
            self.nodes.insert(drawn_id(node).to_string());
            self.add(node);
        }
    }
}

fn ends(scope: &Out, flow: &Out) -> [String; 2] {
    ["from", "to"].map(|end| id_of(scope, flow.word(end).unwrap_or_default()))
}

/// The changes of the diagram.
pub(super) struct Pictures {
    was: Parts,
    now: Parts,
    /// Where the nodes stand that have a picture.
    places: BTreeMap<String, Place>,
    /// The flows that have one.
    edges: BTreeSet<String>,
    bottom: i64,
    edits: Vec<Edit>,
}

impl Pictures {
    pub fn of(merge: &Merge<'_>, all: &Whole) -> Vec<Edit> {
        let mut pictures = Self {
            was: Parts::of(merge.before.processes.values().map(|drawn| &drawn.says)),
            now: Parts::of(all.processes.iter().map(|drawn| &drawn.says)),
            places: BTreeMap::new(),
            edges: BTreeSet::new(),
            bottom: 0,
            edits: Vec::new(),
        };
        let mut plane = None;
        for node in merge.document.descendants().filter(Node::is_element) {
            match node.tag_name().name() {
                "BPMNPlane" if plane.is_none() => plane = Some(node),
                "BPMNShape" | "BPMNEdge" => pictures.old(merge, node),
                "messageFlow" | "association" if pictures.leads_nowhere(node) => pictures.remove(merge, node),
                _ => {}
            }
        }
        if let Some(plane) = plane {
            pictures.put_below(merge, plane, all);
        }
        pictures.edits
    }

    /// A picture that is there.
    fn old(&mut self, merge: &Merge<'_>, node: Node<'_, '_>) {
        let id = local(node.attribute("bpmnElement").unwrap_or_default());
        let redrawn = self.now.flows.get(id) != self.was.flows.get(id);
        let element = merge.by_id.get(id).copied();
        let mut around = element.into_iter().flat_map(|element| element.ancestors());
        let inside = around.any(|node| node.attribute("id").is_some_and(|id| self.is_gone(id)));
        if self.is_gone(id) || inside || redrawn || element.is_some_and(|element| self.leads_nowhere(element)) {
            self.remove(merge, node);
        } else if self.now.flows.contains_key(id) {
            self.edges.insert(id.to_string());
        } else if let Some(place) = place(node) {
            self.bottom = self.bottom.max(place.y + place.height);
            self.places.insert(id.to_string(), place);
        }
    }

    fn is_gone(&self, id: &str) -> bool {
        let (was, now) = (&self.was, &self.now);
        (was.nodes.contains(id) && !now.nodes.contains(id))
            || (was.flows.contains_key(id) && !now.flows.contains_key(id))
    }

    /// Whether a line that the processes say nothing of begins or ends at what is no more.
    fn leads_nowhere(&self, line: Node<'_, '_>) -> bool {
        matches!(line.tag_name().name(), "messageFlow" | "association")
            && ["sourceRef", "targetRef"]
                .iter()
                .any(|end| line.attribute(*end).is_some_and(|id| self.is_gone(local(id))))
    }

    fn remove(&mut self, merge: &Merge<'_>, node: Node<'_, '_>) {
        self.edits.push((merge.gap_before(node)..node.range().end, String::new()));
    }

    fn put_below(&mut self, merge: &Merge<'_>, plane: Node<'_, '_>, all: &Whole) {
        let mut writer = Writer::like(3, &merge.unit);
        let mut left = MARGIN;
        for drawn in &all.processes {
            self.add(&drawn.says, &mut left, &mut writer);
        }
        let text = merge.text.get(plane.range()).unwrap_or_default();
        if let Some(close) = text.rfind("</").filter(|_| !writer.text.is_empty()) {
            let end = plane.range().start + text.get(..close).map_or(close, |before| before.trim_end().len());
            self.edits.push((end..end, format!("\n{}", writer.text.trim_end())));
        }
    }

    /// Draws what is new, and the flows that lead elsewhere now.
    fn add(&mut self, scope: &Out, left: &mut i64, writer: &mut Writer) {
        for node in scope.items("nodes") {
            if self.places.contains_key(drawn_id(node)) || self.was.nodes.contains(drawn_id(node)) {
                self.add(node, left, writer);
                continue;
            }
            let (width, height) = diagram::size(node);
            let place = Place { x: *left, y: self.bottom + MARGIN, width, height };
            *left += width + MARGIN;
            diagram::node_at(node, place, writer);
            self.places.insert(drawn_id(node).to_string(), place);
        }
        for flow in scope.items("flows").iter().filter(|flow| !self.edges.contains(&flow_id(flow))) {
            let (ends, id) = (ends(scope, flow), flow_id(flow));
            // What has never had a picture gets none.
            let is_new = self.was.flows.get(&id) != Some(&ends);
            let [from, to] = ends;
            if let (true, Some(from), Some(to)) = (is_new, self.places.get(&from), self.places.get(&to)) {
                diagram::edge(&id, *from, *to, writer);
            }
        }
    }
}

/// Where a shape stands.
fn place(shape: Node<'_, '_>) -> Option<Place> {
    let bounds = shape.children().find(|child| child.tag_name().name() == "Bounds")?;
    #[allow(clippy::cast_possible_truncation, reason = "points of a diagram: what is no number of them is cut off")]
    let number = |name| bounds.attribute(name).and_then(|text| text.parse::<f64>().ok()).map(|points| points as i32);
    let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| i64::from(number(name).unwrap_or(0)));
    Some(Place { x, y, width, height })
}
