//! Into the drawing that the processes were made from: what is unchanged stays letter for letter.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use roxmltree::{Document, Node};

use super::super::import::{import, title as title_of};
use super::super::xml::{self, BPMN, Tag};
use super::super::yaml::Out;
use super::element::{self, Cx, Kept, Library, NAMESPACES, Others};
use super::pictures::Pictures;
use super::writer::{Writer, escaped};
use super::{Drawn, OWN, Whole, drawn_id};
use crate::load::{LoadError, Problems, Sources, read};

pub(super) fn into(name: &str, text: &str, all: &Whole) -> Result<String, LoadError> {
    let before = Before::of(name, text)?;
    let mut drawing = Sources::new();
    let file = drawing.add(name, text);
    let drawing = Arc::new(drawing);
    let problems = Problems::new();
    let mut whole = text.to_string();
    if let Some(source) = drawing.get(file)
        && let Some(document) = xml::parse(source, file, &problems)
    {
        let with_id = document.descendants().filter(is_bpmn);
        let by_id = with_id.filter_map(|node| Some((node.attribute("id")?, node))).collect();
        let merge = Merge { document: &document, by_id, text: &source.text, before: &before };
        whole = merge.done(all, Tag::new(document.root_element(), file, &problems));
    }
    problems.finish(&drawing)?;
    Ok(whole)
}

/// What the drawing says.
#[derive(Default)]
pub(super) struct Before {
    library: Option<Out>,
    /// By their names.
    pub processes: BTreeMap<String, Out>,
}

impl Before {
    fn of(name: &str, text: &str) -> Result<Self, LoadError> {
        let imported = import(name, text)?;
        let problems = Problems::new();
        let mut before = Self::default();
        for tree in imported.sources.iter().filter_map(|(file, source)| read(file, &source.text, &problems)) {
            let says = Out::of_tree(&tree.root);
            match says.word("process").map(str::to_string) {
                Some(name) => {
                    before.processes.insert(name, says);
                }
                None => before.library = Some(says),
            }
        }
        Ok(before)
    }
}

pub(super) struct Merge<'d> {
    pub document: &'d Document<'d>,
    /// Every element with an id.
    pub by_id: BTreeMap<&'d str, Node<'d, 'd>>,
    pub text: &'d str,
    pub before: &'d Before,
}

/// What a process says before everything else.
const HEAD: &[&str] = &["documentation", "extensionElements"];
/// What it says then, before its nodes: BPMN fixes the order.
const BEFORE_NODES: &[&str] =
    &["auditing", "monitoring", "ioSpecification", "ioBinding", "supportedInterfaceRef", "property"];

/// What stands in the place of a stretch of the drawing.
pub(super) type Edit = (Range<usize>, String);

impl<'d> Merge<'d> {
    fn done(&self, all: &Whole, root: Tag<'_>) -> String {
        let mut edits: Vec<Edit> = Vec::new();
        let mut declared = String::new();
        let mut fresh = Writer::at(1);
        let was = |drawn: &Drawn| self.before.processes.get(&drawn.name);
        let same_library = self.before.library.as_ref() == all.library.as_ref().map(|(_, says)| says);
        if same_library && all.processes.iter().all(|drawn| was(drawn) == Some(&drawn.says)) {
            return self.text.to_string();
        }
        let mut library = all.library.as_ref();
        for drawn in &all.processes {
            let old = was(drawn);
            let kept = |says: &Out| self.kept(old, &drawn.says, says);
            let mut cx = Cx::keeping(&kept);
            // The first process has the library along.
            let library = library.take();
            match self.element(drawn.id(), "process") {
                Some(process) => edits.extend(self.process((drawn, library), old, process, &mut cx)),
                None => element::process(drawn, library, &mut fresh, &mut cx),
            }
            let mut writer = Writer::at(1);
            cx.declare(&mut writer, &|id| self.by_id.contains_key(id));
            declared.push_str(&writer.text);
        }
        declared.push_str(&fresh.text);
        edits.extend(self.declarations(root, &declared));
        edits.extend(self.gone(all));
        edits.extend(Pictures::of(self, all));
        apply(self.text, edits)
    }

    /// Processes that are no more go; their pools stay, with nothing to see inside.
    fn gone(&self, all: &Whole) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (name, old) in &self.before.processes {
            let id = old.word("bpmn").unwrap_or(name);
            if all.processes.iter().any(|drawn| drawn.name == *name) {
                continue;
            }
            let process = self.element(id, "process");
            edits.extend(process.map(|process| (self.gap_before(process)..process.range().end, String::new())));
            let refers = self.document.descendants().flat_map(|node| node.attributes());
            let refers =
                refers.filter(|attribute| attribute.name() == "processRef" && xml::local(attribute.value()) == id);
            edits.extend(refers.map(|attribute| (attribute.range(), String::new())));
        }
        edits
    }

    fn element(&self, id: &str, name: &str) -> Option<Node<'d, 'd>> {
        self.by_id.get(id).copied().filter(|node| node.has_tag_name((BPMN, name)))
    }

    /// What of the drawing stays of a node or flow.
    fn kept(&self, old: Option<&Out>, new: &Out, says: &Out) -> Kept {
        let is_flow = says.get("from").is_some();
        let id = if is_flow { element::flow_id(says) } else { drawn_id(says).to_string() };
        let Some(node) = self.by_id.get(&*id).copied() else { return Kept::Nothing };
        let was = old.and_then(|old| find(old, &id));
        let touched = |all: &Out| flows_of(all, says.word("id").unwrap_or_default());
        let same_flows = is_flow || old.map(touched) == Some(touched(new));
        if was == Some(says) && same_flows {
            return Kept::Whole(self.text.get(node.range()).unwrap_or_default().to_string());
        }
        Kept::Others(self.others(node))
    }

    /// What others keep in an element.
    fn others(&self, node: Node<'d, 'd>) -> Others {
        let is_theirs =
            |namespace: Option<&str>| namespace.is_some_and(|namespace| namespace != OWN && namespace != BPMN);
        let inside = node
            .children()
            .filter(|child| child.has_tag_name((BPMN, "extensionElements")))
            .flat_map(|all| all.children());
        let elements = inside.filter(|child| child.is_element() && is_theirs(child.tag_name().namespace()));
        let elements = elements.filter_map(|other| self.text.get(other.range()).map(str::to_string)).collect();
        let attributes = node.attributes().filter(|attribute| is_theirs(attribute.namespace()));
        let attributes = attributes.filter_map(|attribute| Some(format!(" {}", self.text.get(attribute.range())?)));
        Others { elements, attributes: attributes.collect() }
    }

    /// The name of a process, where it is another one now.
    fn name(&self, drawn: &Drawn, process: Node<'d, 'd>) -> Option<Edit> {
        let title = element::words_of(drawn.says.get("title"));
        let name = process.attributes().find(|attribute| attribute.name() == "name" && attribute.namespace().is_none());
        match name {
            Some(name) if element::words_of(Some(&title_of(name.value()))) == title => None,
            Some(name) => Some((name.range_value(), escaped(&title))),
            None if title.is_empty() => None,
            None => {
                let start = process.range().start;
                let tag = self.text.get(process.range()).unwrap_or_default();
                let at = start + tag.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(0);
                Some((at..at, format!(" name=\"{}\"", escaped(&title))))
            }
        }
    }

    /// A process that has changed: its nodes, flows and lanes anew, everything else as it was.
    fn process(
        &self,
        (drawn, library): (&Drawn, Option<&Library>),
        old: Option<&Out>,
        process: Node<'d, 'd>,
        cx: &mut Cx<'_>,
    ) -> Vec<Edit> {
        let whole = process.range();
        if !process.has_children() {
            let mut writer = Writer::default();
            element::process(drawn, library, &mut writer, cx);
            return vec![(whole, writer.text.trim_end().to_string())];
        }
        let mut edits: Vec<Edit> = self.name(drawn, process).into_iter().collect();
        let is_ours = |node: &Node<'_, '_>| {
            let id = node.attribute("id").unwrap_or_default();
            node.has_tag_name((BPMN, "laneSet")) || old.is_some_and(|old| find(old, id).is_some())
        };
        let is_any = |node: &Node<'_, '_>, names: &[&str]| names.iter().any(|name| node.has_tag_name((BPMN, *name)));
        let (mut opened, mut inside) = (None, None);
        for child in process.children().filter(Node::is_element) {
            let is_head = is_any(&child, HEAD);
            let start = self.gap_before(child);
            if is_ours(&child) || is_head {
                edits.push((start..child.range().end, String::new()));
            }
            opened = opened.or(Some(start));
            inside = inside.or(Some(start).filter(|_| !is_head && !is_any(&child, BEFORE_NODES)));
        }
        let end =
            self.text.get(whole.clone()).and_then(|text| text.rfind("</")).map_or(whole.end, |at| whole.start + at);
        let mut insert = |at: Option<usize>, writer: Writer| {
            let at = at.unwrap_or(end);
            edits.push((at..at, format!("\n{}", writer.text.trim_end())));
        };
        let mut writer = Writer::at(2);
        element::process_head(drawn, library, &self.others(process).elements, &mut writer);
        insert(opened, writer);
        let mut writer = Writer::at(2);
        element::inside(&drawn.says, &mut writer, cx);
        insert(inside, writer);
        edits
    }

    /// Where the white space before an element begins.
    pub fn gap_before(&self, node: Node<'d, 'd>) -> usize {
        self.text.get(..node.range().start).map_or(node.range().start, |before| before.trim_end().len())
    }

    /// Prefixes and declarations that what is new needs.
    fn declarations(&self, root: Tag<'_>, declared: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        let node = self.document.root_element();
        let start = node.range().start;
        let named = self
            .text
            .get(start..)
            .and_then(|text| text.find([' ', '\n', '\t', '\r', '>']))
            .map_or(start, |at| start + at);
        let mut missing = String::new();
        for (attribute, namespace) in NAMESPACES {
            let prefix = attribute.trim_start_matches("xmlns:");
            match node.lookup_namespace_uri(Some(prefix)) {
                None => missing.push_str(&format!(" {attribute}=\"{namespace}\"")),
                Some(bound) if bound == *namespace => {}
                Some(bound) => root.refuse(
                    "bpmn-broken",
                    format!("the prefix `{prefix}` stands for `{bound}`"),
                    format!("what is added needs it for `{namespace}`; rename it in the drawing"),
                ),
            }
        }
        edits.push((named..named, missing));
        let first = node.children().find(|child| child.has_tag_name((BPMN, "process")));
        if let Some(process) = first.filter(|_| !declared.is_empty()) {
            let at = process.range().start;
            edits.push((at..at, format!("{}\n  ", declared.trim())));
        }
        edits
    }
}

/// The node or flow with this id in the drawing, however deep.
fn find<'o>(scope: &'o Out, id: &str) -> Option<&'o Out> {
    let flow = scope.items("flows").iter().find(|flow| element::flow_id(flow) == id);
    flow.or_else(|| {
        scope.items("nodes").iter().find_map(|node| if drawn_id(node) == id { Some(node) } else { find(node, id) })
    })
}

/// The ids of the flows that touch a node.
fn flows_of(scope: &Out, name: &str) -> BTreeSet<String> {
    let touches = |flow: &&Out| flow.word("from") == Some(name) || flow.word("to") == Some(name);
    let own = scope.items("flows").iter().filter(touches).map(element::flow_id);
    own.chain(scope.items("nodes").iter().flat_map(|node| flows_of(node, name))).collect()
}

fn is_bpmn(node: &Node<'_, '_>) -> bool {
    node.is_element() && node.tag_name().namespace() == Some(BPMN)
}

fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut whole = String::new();
    let mut at = 0;
    for (range, words) in edits {
        if range.start >= at {
            whole.push_str(text.get(at..range.start).unwrap_or_default());
            whole.push_str(&words);
            at = range.end.max(range.start);
        }
    }
    whole.push_str(text.get(at..).unwrap_or_default());
    whole
}
