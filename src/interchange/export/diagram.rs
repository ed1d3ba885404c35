//! A plain diagram: columns by distance from the start, rows in written order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::yaml::Out;
use super::element::{compensator, flow_id, id_of};
use super::writer::Writer;
use super::{Drawn, drawn_id};

const COLUMN: i64 = 160;
const ROW: i64 = 120;
pub(super) const MARGIN: i64 = 60;

/// A place on the plane, in points: left, top, width, height.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
}

/// Draws all processes, one below the other.
pub(super) fn draw(processes: &[Drawn], writer: &mut Writer) {
    let plane = processes.first().map(Drawn::id).unwrap_or_default();
    writer.open("bpmndi:BPMNDiagram", &[("id", "Diagram_1")]);
    writer.open("bpmndi:BPMNPlane", &[("id", "Plane_1"), ("bpmnElement", plane)]);
    let mut top = MARGIN;
    for drawn in processes {
        let height = scope(&drawn.says, MARGIN, top, writer).1;
        top += height + MARGIN;
    }
    writer.close();
    writer.close();
}

/// Draws a scope; gives its width and height.
fn scope(says: &Out, left: i64, top: i64, writer: &mut Writer) -> (i64, i64) {
    let places = places(says, left, top);
    let by_name: BTreeMap<&str, Place> =
        says.items("nodes").iter().filter_map(|node| node.word("id")).zip(places.iter().copied()).collect();
    for (node, place) in says.items("nodes").iter().zip(&places) {
        node_at(node, *place, writer);
    }
    for flow in says.items("flows") {
        let ends = ["from", "to"].map(|end| flow.word(end).and_then(|name| by_name.get(name)));
        if let [Some(from), Some(to)] = ends {
            edge(&flow_id(flow), *from, *to, writer);
        }
    }
    for border in says.items("nodes") {
        let handler = compensator(border).filter(|_| border.word("type") == Some("boundary_event"));
        let ends = [border.word("id"), handler].map(|name| by_name.get(name.unwrap_or_default()));
        if let [Some(from), Some(to)] = ends {
            edge(&format!("Association_{}", id_of(says, border.word("id").unwrap_or_default())), *from, *to, writer);
        }
    }
    extent(&places, left, top)
}

/// Draws a node with what is inside.
pub(super) fn node_at(node: &Out, place: Place, writer: &mut Writer) {
    let expanded = if node.get("nodes").is_some() { "true" } else { "" };
    shape(drawn_id(node), expanded, place, writer);
    if node.get("nodes").is_some() {
        scope(node, place.x + MARGIN / 2, place.y + MARGIN / 2, writer);
    }
}

/// The width and height that these places take.
fn extent(places: &[Place], left: i64, top: i64) -> (i64, i64) {
    let right = places.iter().map(|place| place.x + place.width).max().unwrap_or(left);
    let bottom = places.iter().map(|place| place.y + place.height).max().unwrap_or(top);
    (right - left, bottom - top)
}

/// Where each node of a scope stands, in their order.
fn places(says: &Out, left: i64, top: i64) -> Vec<Place> {
    let nodes = says.items("nodes");
    let columns = columns(says);
    let sizes: Vec<(i64, i64)> = nodes.iter().map(size).collect();
    let widths = |column: usize| {
        let in_column = columns.iter().zip(&sizes).filter(|(at, _)| **at == column).map(|(_, (width, _))| *width);
        in_column.max().unwrap_or(0).max(100) + COLUMN - 100
    };
    let mut bottoms: BTreeMap<usize, i64> = BTreeMap::new();
    let mut found: Vec<Place> = Vec::new();
    for (node, (column, (width, height))) in nodes.iter().zip(columns.iter().zip(&sizes)) {
        let host = node.word("attached_to");
        let at = host.and_then(|host| nodes.iter().position(|other| other.word("id") == Some(host)));
        let place = match at.and_then(|at| found.get(at)) {
            // At the lower border of its host.
            Some(host) => {
                let before =
                    found.iter().filter(|place| place.y == host.y + host.height - 18 && place.width == 36).count();
                let shift = i64::try_from(before).unwrap_or(0) * 40;
                Place { x: host.x + 20 + shift, y: host.y + host.height - 18, width: 36, height: 36 }
            }
            None => {
                let x = left + (0..*column).map(widths).sum::<i64>();
                let bottom = bottoms.entry(*column).or_insert(top);
                let place = Place { x, y: *bottom + (80 - height).max(0) / 2, width: *width, height: *height };
                *bottom += (*height).max(80) + ROW - 80;
                place
            }
        };
        found.push(place);
    }
    found
}

/// How far each node is from the start, in steps.
fn columns(says: &Out) -> Vec<usize> {
    let nodes = says.items("nodes");
    let names: BTreeMap<&str, usize> =
        nodes.iter().enumerate().filter_map(|(at, node)| Some((node.word("id")?, at))).collect();
    let position = |node: &Out, key: &str| node.word(key).and_then(|name| names.get(name)).copied();
    // What follows a boundary event comes behind its host.
    let mut follow: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut is_led_to: BTreeSet<usize> = BTreeSet::new();
    for flow in says.items("flows") {
        let (Some(from), Some(to)) = (position(flow, "from"), position(flow, "to")) else { continue };
        let host = nodes.get(from).and_then(|node| position(node, "attached_to"));
        follow.entry(host.unwrap_or(from)).or_default().push(to);
        is_led_to.insert(to);
    }
    let mut column: Vec<Option<usize>> = vec![None; nodes.len()];
    let mut todo: VecDeque<(usize, usize)> =
        (0..nodes.len()).filter(|at| !is_led_to.contains(at)).map(|at| (at, 0)).collect();
    if todo.is_empty() && !nodes.is_empty() {
        todo.push_back((0, 0));
    }
    while let Some((at, distance)) = todo.pop_front() {
        let Some(slot) = column.get_mut(at).filter(|slot| slot.is_none()) else { continue };
        *slot = Some(distance);
        todo.extend(follow.get(&at).into_iter().flatten().map(|to| (*to, distance + 1)));
    }
    column.into_iter().map(Option::unwrap_or_default).collect()
}

/// The width and height of a node.
pub(super) fn size(node: &Out) -> (i64, i64) {
    let word = node.word("type").unwrap_or_default();
    if node.get("nodes").is_some() {
        let (width, height) = extent(&places(node, 0, 0), 0, 0);
        return ((width + MARGIN).max(100), (height + MARGIN).max(80));
    }
    match word {
        _ if word.ends_with("_event") => (36, 36),
        _ if word.ends_with("_gateway") => (50, 50),
        _ => (100, 80),
    }
}

fn shape(id: &str, expanded: &str, place: Place, writer: &mut Writer) {
    writer.open("bpmndi:BPMNShape", &[("id", &format!("{id}_di")), ("bpmnElement", id), ("isExpanded", expanded)]);
    let [x, y, width, height] = [place.x, place.y, place.width, place.height].map(|points| points.to_string());
    writer.empty("dc:Bounds", &[("x", &x), ("y", &y), ("width", &width), ("height", &height)]);
    writer.close();
}

/// Draws a flow.
pub(super) fn edge(id: &str, from: Place, to: Place, writer: &mut Writer) {
    writer.open("bpmndi:BPMNEdge", &[("id", &format!("{id}_di")), ("bpmnElement", id)]);
    let middle = |place: Place| place.y + place.height / 2;
    let points = [(from.x + from.width, middle(from)), (to.x, middle(to))];
    for (x, y) in points {
        writer.empty("di:waypoint", &[("x", &x.to_string()), ("y", &y.to_string())]);
    }
    writer.close();
}
