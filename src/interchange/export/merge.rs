//! Into the drawing that the processes were made from: what is unchanged stays letter for letter.
//!
//! Only as much is said in elements of our own as is needed to come back to the same processes: the outcome is imported, and where it differs, more is
//! said.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use roxmltree::{Document, Node};

use super::super::import::import_with_made;
use super::super::words::snake;
use super::super::xml::{self, BPMN, Tag};
use super::super::yaml::Out;
use super::element::{self, Cx, Kept, Library, NAMESPACES, Others};
use super::patch::Patch;
use super::pictures::Pictures;
use super::writer::Writer;
use super::{Drawn, MADE, OWN, Whole, drawn_id};
use crate::load::{LoadError, Problems, Sources, read};

/// How much is said in elements of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// What the drawing cannot say of what has changed.
    Least,
    /// All of what has changed, the processes and the library.
    Changed,
    /// Everything.
    All,
}

pub(super) fn into(name: &str, text: &str, all: &Whole) -> Result<String, LoadError> {
    let before = Before::of(name, text)?;
    if before.says(all) {
        return Ok(text.to_string());
    }
    let drawn = numbered(all, &before, text);
    let mut whole = String::new();
    for say in [Say::Least, Say::Changed, Say::All] {
        whole = merged((name, text), &drawn, &before, say)?;
        if Before::of(name, &whole).is_ok_and(|after| after.says(all)) {
            break;
        }
    }
    Ok(whole)
}

/// The processes with the ids that their nodes and flows have in the drawing, or get there.
fn numbered(all: &Whole, before: &Before, text: &str) -> Whole {
    let mut drawn = all.clone();
    for process in &mut drawn.processes {
        if let Some(old) = before.processes.get(process.id()) {
            take_ids(&mut process.says, &old.says);
        }
    }
    // What is new gets none that is there.
    let there: BTreeSet<String> = Document::parse(text).map_or_else(
        |_| BTreeSet::new(),
        |document| {
            let ids = document.descendants().filter(is_bpmn).filter_map(|node| node.attribute("id"));
            ids.map(str::to_string).collect()
        },
    );
    super::unique(&mut drawn.processes, there);
    for process in &mut drawn.processes {
        process.says = unmarked(&process.says);
    }
    drawn
}

/// Marks what is in the drawing already, with the id that it was given there.
fn take_ids(scope: &mut Out, old: &Out) {
    for key in ["nodes", "flows", "lanes"] {
        let id = |item: &Out| if key == "flows" { element::flow_id(item) } else { drawn_id(item).to_string() };
        let was = |item: &Out| {
            let ends = |flow: &Out| (flow.word("from").map(str::to_string), flow.word("to").map(str::to_string));
            let named = |known: &&Out| match key {
                "flows" => known.get(MADE).is_some() && item.word("bpmn").is_none() && ends(known) == ends(item),
                _ => known.get(MADE).is_some() && item.word("bpmn").is_none() && known.word("id") == item.word("id"),
            };
            let items = old.items(key).iter();
            items.clone().find(named).or_else(|| items.clone().find(|known| id(known) == id(item)))
        };
        for item in scope.items_mut(key) {
            let Some(known) = was(item) else { continue };
            let made = known.get(MADE).is_some();
            if made {
                item.put("bpmn", Out::text(id(known)));
            }
            item.put(MADE, Out::text(if made { "true" } else { "" }));
            take_ids(item, known);
        }
    }
}

fn merged((name, text): (&str, &str), all: &Whole, before: &Before, say: Say) -> Result<String, LoadError> {
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
        let has_ways = document.descendants().any(|node| node.has_tag_name((BPMN, "outgoing")));
        let unit = unit(&document);
        let merge = Merge { document: &document, by_id, text: &source.text, before, say, has_ways, unit };
        whole = merge.done(all, Tag::new(document.root_element(), file, &problems));
    }
    problems.finish(&drawing)?;
    Ok(whole)
}

/// What the drawing says.
#[derive(Default)]
pub(super) struct Before {
    library: Option<Library>,
    /// By their ids in the drawing: their files, names, and what they say.
    pub processes: BTreeMap<String, Drawn>,
}

impl Before {
    fn of(name: &str, text: &str) -> Result<Self, LoadError> {
        let imported = import_with_made(name, text)?;
        let problems = Problems::new();
        let mut before = Self::default();
        for (file, source) in imported.sources.iter() {
            let Some(tree) = read(file, &source.text, &problems) else { continue };
            let says = Out::of_tree(&tree.root);
            match says.word("process").map(str::to_string) {
                Some(name) => {
                    let drawn = Drawn { name, file: source.name.to_string(), says };
                    before.processes.insert(drawn.id().to_string(), drawn);
                }
                None => before.library = Some((source.name.to_string(), says)),
            }
        }
        Ok(before)
    }

    /// Whether it is the same as what is exported.
    fn says(&self, all: &Whole) -> bool {
        let same = |drawn: &Drawn| {
            let was = self.processes.get(drawn.id());
            was.is_some_and(|was| was.file == drawn.file && unmade(&was.says).plain() == drawn.says.plain())
        };
        self.same_library(all) && self.processes.len() == all.processes.len() && all.processes.iter().all(same)
    }

    /// Whether the library is the same, whatever the drawing is called.
    fn same_library(&self, all: &Whole) -> bool {
        let plain = |(file, says): &Library| (file.clone(), says.without(&["bpmn"]).plain());
        self.library.as_ref().map(plain) == all.library.as_ref().map(plain)
    }
}

pub(super) struct Merge<'d> {
    pub document: &'d Document<'d>,
    /// Every element with an id.
    pub by_id: BTreeMap<&'d str, Node<'d, 'd>>,
    pub text: &'d str,
    pub before: &'d Before,
    pub say: Say,
    /// Whether nodes name the flows that they touch.
    pub has_ways: bool,
    /// What a level is indented by.
    pub unit: String,
}

/// What stands in the place of a stretch of the drawing.
pub(super) type Edit = (Range<usize>, String);

impl<'d> Merge<'d> {
    fn done(&self, all: &Whole, root: Tag<'_>) -> String {
        let mut edits: Vec<Edit> = Vec::new();
        let mut declared = String::new();
        let mut fresh = Writer::like(1, &self.unit);
        // The first process has the library along: what it is called does not hang on the name of the drawing's file.
        let mut library = all.library.as_ref().filter(|_| !self.before.same_library(all) || !self.has_library());
        for drawn in &all.processes {
            let old = self.before.processes.get(drawn.id());
            let kept = |says: &Out| self.kept(old.map(|old| &old.says), &drawn.says, says);
            let mut cx = Cx::keeping(&kept);
            cx.known = self.known();
            let library = library.take();
            match (self.element(drawn.id(), "process"), old) {
                (Some(process), Some(old)) => {
                    edits.extend(Patch::process(self, (old, drawn), library, process, &mut cx));
                }
                _ => element::process(drawn, library, &mut fresh, &mut cx),
            }
            let mut writer = Writer::like(1, &self.unit);
            cx.declare(&mut writer, &|id| self.by_id.contains_key(id));
            declared.push_str(&writer.text);
        }
        declared.push_str(&fresh.text);
        edits.extend(self.declared(&declared));
        edits.extend(self.gone(all));
        edits.extend(Pictures::of(self, all));
        let (edits, missing) = self.in_its_words(edits, root);
        apply(self.text, edits.into_iter().chain(missing).collect())
    }

    fn has_library(&self) -> bool {
        self.document.descendants().any(|node| node.has_tag_name((OWN, "library")))
    }

    /// Processes that are no more go; their pools stay, with nothing to see inside.
    fn gone(&self, all: &Whole) -> Vec<Edit> {
        let mut edits = Vec::new();
        for id in self.before.processes.keys() {
            if all.processes.iter().any(|drawn| drawn.id() == id) {
                continue;
            }
            let process = self.element(id, "process");
            edits.extend(process.map(|process| (self.gap_before(process)..process.range().end, String::new())));
            let refers = self.document.descendants().flat_map(|node| node.attributes());
            let refers =
                refers.filter(|attribute| attribute.name() == "processRef" && xml::local(attribute.value()) == id);
            edits.extend(refers.map(|attribute| {
                let before = self.text.get(..attribute.range().start).unwrap_or_default();
                (before.trim_end().len()..attribute.range().end, String::new())
            }));
        }
        edits
    }

    fn element(&self, id: &str, name: &str) -> Option<Node<'d, 'd>> {
        self.by_id.get(id).copied().filter(|node| node.has_tag_name((BPMN, name)))
    }

    /// What the drawing declares, by the names that things have here.
    fn known(&self) -> BTreeMap<(&'static str, String), String> {
        let mut known = BTreeMap::new();
        for node in self.document.root_element().children().filter(is_bpmn) {
            let Some(id) = node.attribute("id") else { continue };
            let of = |name: &str| node.attribute(name).map(str::trim).filter(|word| !word.is_empty());
            let (prefix, name, kind) = match node.tag_name().name() {
                "message" => ("Message_", of("name").unwrap_or(id), "message"),
                "signal" => ("Signal_", of("name").unwrap_or(id), "signal"),
                "error" => ("Error_", of("errorCode").or(of("name")).unwrap_or(id), "error"),
                "escalation" => ("Escalation_", of("escalationCode").or(of("name")).unwrap_or(id), "escalation"),
                _ => continue,
            };
            known.entry((prefix, snake(name, kind))).or_insert_with(|| id.to_string());
        }
        known
    }

    /// What of the drawing stays of a node or flow that is written elsewhere.
    fn kept(&self, old: Option<&Out>, new: &Out, says: &Out) -> Kept {
        let is_flow = says.get("from").is_some();
        let id = if is_flow { element::flow_id(says) } else { drawn_id(says).to_string() };
        let Some(node) = self.by_id.get(&*id).copied() else { return Kept::Nothing };
        let was = old.and_then(|old| find(old, &id));
        let touched = |all: &Out| flows_of(all, says.word("id").unwrap_or_default());
        let same_flows = is_flow || old.map(touched) == Some(touched(new));
        if self.say != Say::All && was == Some(says) && same_flows {
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

    /// Where the white space before an element begins.
    pub fn gap_before(&self, node: Node<'d, 'd>) -> usize {
        self.text.get(..node.range().start).map_or(node.range().start, |before| before.trim_end().len())
    }

    /// Messages and the like that are new, and processes, in front of the first process.
    fn declared(&self, declared: &str) -> Option<Edit> {
        let root = self.document.root_element();
        let process = root.children().find(|child| child.has_tag_name((BPMN, "process")))?;
        let at = process.range().start;
        (!declared.is_empty()).then(|| (at..at, format!("{}\n{}", declared.trim(), self.unit)))
    }

    /// What is new, with the prefixes and line ends of the drawing, and the prefixes that it lacks.
    fn in_its_words(&self, edits: Vec<Edit>, root: Tag<'_>) -> (Vec<Edit>, Option<Edit>) {
        let node = self.document.root_element();
        let (mut swaps, mut missing): (Vec<(String, String)>, String) = (Vec::new(), String::new());
        for (attribute, namespace) in NAMESPACES {
            let prefix = attribute.trim_start_matches("xmlns:");
            let is_used = edits.iter().any(|(_, words)| words.contains(&format!("{prefix}:")));
            if !is_used {
                continue;
            }
            let is_default = *namespace == BPMN && node.default_namespace() == Some(namespace);
            let known = node.lookup_prefix(namespace).filter(|_| !is_default);
            if is_default || known.is_some_and(|known| known != prefix) {
                let theirs =
                    known.filter(|known| !known.is_empty()).map_or_else(String::new, |known| format!("{known}:"));
                for mark in ["<", "</", "\""] {
                    swaps.push((format!("{mark}{prefix}:"), format!("{mark}{theirs}")));
                }
            } else if known.is_none() {
                match node.lookup_namespace_uri(Some(prefix)) {
                    Some(bound) => root.refuse(
                        "bpmn-broken",
                        format!("the prefix `{prefix}` stands for `{bound}`"),
                        format!("what is added needs it for `{namespace}`; rename it in the drawing"),
                    ),
                    None => missing.push_str(&format!(" {attribute}=\"{namespace}\"")),
                }
            }
        }
        let has_returns = self.text.contains("\r\n");
        let said = |words: String| {
            let words = swaps.iter().fold(words, |words, (ours, theirs)| words.replace(ours, theirs));
            if has_returns { words.replace("\r\n", "\n").replace('\n', "\r\n") } else { words }
        };
        let edits = edits.into_iter().map(|(range, words)| (range, said(words))).collect();
        let named = node.range().start + self.name_length(node);
        (edits, (!missing.is_empty()).then_some((named..named, missing)))
    }

    /// The length of `<prefix:name` at the beginning of an element.
    pub fn name_length(&self, node: Node<'_, '_>) -> usize {
        let tag = self.text.get(node.range()).unwrap_or_default();
        tag.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(tag.len())
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

/// What stands in front of the first element that lies in another.
fn unit(document: &Document<'_>) -> String {
    let first = document.root_element().first_child().filter(Node::is_text);
    let gap = first.and_then(|gap| gap.text()).and_then(|gap| gap.rsplit('\n').next());
    gap.filter(|gap| matches!(gap.len(), 1..=8) && gap.trim().is_empty()).unwrap_or("  ").to_string()
}

/// Without the marks of what is in the drawing already.
fn unmarked(says: &Out) -> Out {
    match says {
        Out::Map(_) => {
            let says = if says.word(MADE) == Some("") { says.without(&[MADE]) } else { says.clone() };
            Out::of(says.entries().map(|(key, value)| (key, unmarked(&value))))
        }
        Out::List(items) => Out::List(items.iter().map(unmarked).collect()),
        other => other.clone(),
    }
}

/// What is said without the ids that were made by an export.
fn unmade(says: &Out) -> Out {
    match says {
        Out::Map(_) => {
            let made = says.word(MADE) == Some("true");
            let says = says.without(if made { &[MADE, "bpmn"] } else { &[MADE] });
            Out::of(says.entries().map(|(key, value)| (key, unmade(&value))))
        }
        Out::List(items) => Out::List(items.iter().map(unmade).collect()),
        other => other.clone(),
    }
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
