//! An element of the drawing that says something else now: only what differs is written.

use std::collections::BTreeMap;

use roxmltree::Node;

use super::super::words::lower;
use super::super::xml::{BPMN, tag_length};
use super::super::yaml::Out;
use super::element::{self, Cx, Kept, Library, Others, beside, flow_id, id_of, words_of};
use super::merge::{Edit, Merge, Say};
use super::writer::{Writer, escaped};
use super::{Drawn, OWN, drawn_id};

/// The order in which BPMN wants what stands in an element.
fn rank(name: &str) -> u8 {
    match name {
        "documentation" => 0,
        "extensionElements" => 1,
        "auditing" | "monitoring" | "categoryValueRef" => 2,
        "incoming" | "outgoing" => 3,
        "laneSet" => 5,
        "standardLoopCharacteristics" | "multiInstanceLoopCharacteristics" => 6,
        "association" | "textAnnotation" | "group" => 8,
        "conditionExpression" => 9,
        name if name.ends_with("EventDefinition") || name == "eventDefinitionRef" => 9,
        name if name.ends_with("Task") || name.ends_with("Event") || name.ends_with("Gateway") => 7,
        "task" | "subProcess" | "transaction" | "adHocSubProcess" | "callActivity" | "sequenceFlow" => 7,
        "dataObject" | "dataObjectReference" | "dataStoreReference" => 7,
        _ => 4,
    }
}

/// The keys of an event that its definitions say.
const TRIGGERS: &[&str] = &[
    "events",
    "throws",
    "wait",
    "after",
    "at",
    "every",
    "schedule",
    "message",
    "send",
    "signal",
    "error",
    "raise",
    "escalation",
    "escalate",
    "condition",
    "link",
    "compensate",
    "compensation",
    "cancel",
    "terminate",
];
const ROUNDS: &[&str] = &["standard_loop", "multi_instance"];

pub(super) struct Patch<'m, 'd> {
    merge: &'m Merge<'d>,
    edits: Vec<Edit>,
    /// What comes into elements that have been empty, by where they begin.
    filled: BTreeMap<usize, (Node<'d, 'd>, Vec<(u8, String)>)>,
    /// What comes into elements to which nobody has added anything yet, by where they begin.
    extended: BTreeMap<usize, (Node<'d, 'd>, String)>,
}

impl<'m, 'd> Patch<'m, 'd> {
    /// The changes of a process.
    pub fn process(
        merge: &'m Merge<'d>,
        (old, new): (&Drawn, &Drawn),
        library: Option<&Library>,
        process: Node<'d, 'd>,
        cx: &mut Cx<'_>,
    ) -> Vec<Edit> {
        let mut patch = Self { merge, edits: Vec::new(), filled: BTreeMap::new(), extended: BTreeMap::new() };
        let titles = [&old.says, &new.says].map(|says| words_of(says.get("title")));
        patch.attribute(process, "name", &titles[0], &titles[1]);
        patch.documentation(process, &old.says, &new.says);
        let parts = [&old.says, &new.says].map(|says| beside(says).without(&["process"]).plain());
        let moved = old.name != new.name || old.file != new.file;
        let changed = parts[0] != parts[1] || moved;
        if changed || patch.must_say(false, &old.says, &new.says) {
            let attributes = [("file", &*new.file), ("name", &*new.name)];
            patch.own(process, &new.says, ("stageflow:process", &attributes), &["process"]);
        }
        if let Some((file, says)) = library {
            let mut writer = patch.writer(depth(process) + 2);
            writer.words("stageflow:library", &[("file", file)], &says.write());
            let old = merge.document.descendants().find(|node| node.has_tag_name((OWN, "library")));
            match old {
                Some(old) => patch.edits.push((old.range(), writer.text.trim().to_string())),
                None => patch.extension(process, &writer.text),
            }
        }
        patch.scope(&old.says, &new.says, process, cx);
        patch.done()
    }

    fn writer(&self, depth: usize) -> Writer {
        Writer::like(depth, &self.merge.unit)
    }

    fn done(mut self) -> Vec<Edit> {
        for (element, words) in std::mem::take(&mut self.extended).into_values() {
            let gap = self.merge.unit.repeat(depth(element) + 1);
            let whole = format!("{gap}<bpmn:extensionElements>\n{words}{gap}</bpmn:extensionElements>\n");
            self.insert(element, 1, &whole);
        }
        for (node, mut parts) in std::mem::take(&mut self.filled).into_values() {
            parts.sort_by_key(|(rank, _)| *rank);
            let inside: Vec<&str> = parts.iter().map(|(_, words)| words.trim_end()).collect();
            let text = self.merge.text.get(node.range()).unwrap_or_default();
            let open = text.trim_end_matches("/>").trim_end().len();
            let name = text.get(1..self.merge.name_length(node)).unwrap_or_default();
            let gap = self.merge.unit.repeat(depth(node));
            let range = node.range().start + open..node.range().end;
            self.edits.push((range, format!(">\n{}\n{gap}</{name}>", inside.join("\n"))));
        }
        self.edits
    }

    /// Nodes, flows and lanes.
    fn scope(&mut self, old: &Out, new: &Out, parent: Node<'d, 'd>, cx: &mut Cx<'_>) {
        self.lanes(old, new, parent);
        for key in ["nodes", "flows"] {
            let id = |item: &Out| if key == "flows" { flow_id(item) } else { drawn_id(item).to_string() };
            let before: BTreeMap<String, &Out> = old.items(key).iter().map(|item| (id(item), item)).collect();
            let here = |id: &String| self.merge.by_id.get(&**id).copied().filter(|node| node.parent() == Some(parent));
            let now: Vec<String> = new.items(key).iter().map(id).collect();
            let stays = |id: &String| before.contains_key(id) && now.contains(id) && here(id).is_some();
            let was: Vec<String> = old.items(key).iter().map(id).filter(stays).collect();
            let still: Vec<String> = now.iter().filter(|id| stays(id)).cloned().collect();
            let mut first = was.iter().filter_map(here).map(|node| self.merge.gap_before(node)).min();
            let gone: Vec<Node<'d, 'd>> = before.keys().filter(|id| !now.contains(id)).filter_map(here).collect();
            let in_order = was == still;
            let moved: Vec<Node<'d, 'd>> = if in_order { Vec::new() } else { still.iter().filter_map(here).collect() };
            let elements: Vec<Option<Node<'d, 'd>>> =
                now.iter().map(|id| here(id).filter(|_| in_order && before.contains_key(id))).collect();
            gone.into_iter().chain(moved).for_each(|node| self.remove(node));
            for ((item, id), element) in new.items(key).iter().zip(&now).zip(elements) {
                match (element, before.get(id)) {
                    (Some(element), Some(was)) if key == "nodes" => {
                        self.node((old, new), (was, item), element, cx);
                        first = Some(element.range().end);
                    }
                    (Some(element), Some(was)) => {
                        self.flow((old, new), (was, item), element);
                        first = Some(element.range().end);
                    }
                    _ => {
                        let words = self.written(new, item, key, parent, cx);
                        match first {
                            Some(at) => self.edits.push((at..at, format!("\n{}", words.trim_end()))),
                            None => self.insert(parent, 7, &words),
                        }
                    }
                }
            }
        }
        self.associations(old, new, parent);
    }

    /// A node or flow that is new here, or written anew.
    fn written(&self, scope: &Out, item: &Out, key: &str, parent: Node<'d, 'd>, cx: &mut Cx<'_>) -> String {
        let mut writer = self.writer(depth(parent) + 1);
        match (cx.kept(item), key) {
            (Kept::Whole(text), _) => writer.verbatim(&text),
            (_, "flows") => element::sequence_flow(scope, item, &mut writer),
            (Kept::Others(others), _) => element::element(scope, item, &others, &mut writer, cx),
            (Kept::Nothing, _) => element::element(scope, item, &Others::default(), &mut writer, cx),
        }
        writer.text
    }

    fn node(&mut self, scopes: (&Out, &Out), (old, new): (&Out, &Out), element: Node<'d, 'd>, cx: &mut Cx<'_>) {
        if element::tag_of(old) != element::tag_of(new) {
            if let Some(parent) = element.parent_element() {
                let words = self.written(scopes.1, new, "nodes", parent, cx);
                self.edits.push((element.range(), words.trim().to_string()));
            }
            return;
        }
        let attributes = element::node_attributes(scopes.0, old).into_iter();
        for ((name, was), (_, now)) in attributes.zip(element::node_attributes(scopes.1, new)) {
            self.attribute(element, name, &was, &now);
        }
        self.documentation(element, old, new);
        let says = |node: &Out| (node.word("id").map(str::to_string), beside(node).plain());
        if self.must_say(says(old) != says(new), old, new) {
            // Where the drawing has another kind of node, the own element says which it is here.
            let word = new.word("type").unwrap_or_default();
            let drawn = lower(element.tag_name().name());
            let is_drawn = word == drawn || word == "event_sub_process";
            let [id, made] = element::own_name(new);
            let attributes = [id, made, ("type", if is_drawn { "" } else { word })];
            self.own(element, new, ("stageflow:node", &attributes), &[]);
        }
        self.ways(element, &element::ways(scopes.0, old), &element::ways(scopes.1, new));
        let is_definition = |name: &str| name.ends_with("EventDefinition") || name == "eventDefinitionRef";
        if new.word("type").is_some_and(|word| word.ends_with("_event")) && differs(old, new, TRIGGERS) {
            let mut writer = self.writer(depth(element) + 1);
            element::definitions(new, &mut writer, cx);
            self.instead(element, is_definition, 9, &writer.text);
        }
        if differs(old, new, ROUNDS) {
            let mut writer = self.writer(depth(element) + 1);
            element::around(new, &mut writer);
            self.instead(element, |name| name.ends_with("LoopCharacteristics"), 6, &writer.text);
        }
        if new.get("nodes").is_some() {
            self.scope(old, new, element, cx);
        }
    }

    fn flow(&mut self, scopes: (&Out, &Out), (old, new): (&Out, &Out), element: Node<'d, 'd>) {
        let attributes = element::flow_attributes(scopes.0, old).into_iter();
        for ((name, was), (_, now)) in attributes.zip(element::flow_attributes(scopes.1, new)) {
            self.attribute(element, name, &was, &now);
        }
        self.documentation(element, old, new);
        let has_own = own_of(element, "flow").is_some();
        let but: &[&str] = if has_own { &["from", "to"] } else { &["from", "to", "when", "otherwise"] };
        let says = |flow: &Out| beside(flow).without(but).plain();
        if self.must_say(says(old) != says(new), old, new) {
            self.own(element, new, ("stageflow:flow", &[("made", element::made(new))]), &["from", "to"]);
        }
        if differs(old, new, &["when"]) {
            let mut writer = self.writer(depth(element) + 1);
            element::condition(new, &mut writer);
            self.instead(element, |name| name == "conditionExpression", 9, &writer.text);
        }
    }

    /// Whether an element of our own is needed: for what the drawing cannot say.
    fn must_say(&self, is_more: bool, old: &Out, new: &Out) -> bool {
        match self.merge.say {
            Say::Least => is_more,
            Say::Changed => is_more || old.plain() != new.plain(),
            Say::All => true,
        }
    }

    fn lanes(&mut self, old: &Out, new: &Out, parent: Node<'d, 'd>) {
        let ids = |scope: &Out, lane: &Out| -> Vec<String> {
            let name = |node: &Out| if let Out::Text(name) = node { id_of(scope, name) } else { String::new() };
            lane.items("nodes").iter().map(name).collect()
        };
        let before: BTreeMap<&str, &Out> = old.items("lanes").iter().map(|lane| (drawn_id(lane), lane)).collect();
        let now: Vec<&str> = new.items("lanes").iter().map(drawn_id).collect();
        for (id, _) in before.iter().filter(|(id, _)| !now.contains(id)) {
            self.merge.by_id.get(id).copied().into_iter().for_each(|lane| self.remove(lane));
        }
        let all: Vec<String> = new.items("lanes").iter().flat_map(|lane| ids(new, lane)).collect();
        let mut fresh = self.writer(depth(parent) + 2);
        for lane in new.items("lanes") {
            let (Some(was), Some(element)) =
                (before.get(drawn_id(lane)), self.merge.by_id.get(drawn_id(lane)).copied())
            else {
                element::lane(new, lane, &mut fresh);
                continue;
            };
            self.attribute(element, "name", &words_of(was.get("title")), &words_of(lane.get("title")));
            let says = |lane: &Out| (lane.word("id").map(str::to_string), beside(lane).without(&["nodes"]).plain());
            // The role of a lane goes by its name.
            let renamed = differs(was, lane, &["title"]);
            if self.must_say(says(was) != says(lane) || renamed, was, lane) {
                let name = [("id", lane.word("id").unwrap_or_default())];
                self.own(element, lane, ("stageflow:lane", &name), &["nodes"]);
            }
            self.nodes_of_lane(element, &ids(old, was), &ids(new, lane));
        }
        // The lanes around name the nodes as well.
        for gone in old.items("lanes").iter().flat_map(|lane| ids(old, lane)).filter(|id| !all.contains(id)) {
            self.named_in(parent, &gone);
        }
        if !fresh.text.is_empty() {
            let set = parent.children().find(|child| child.has_tag_name((BPMN, "laneSet")));
            match set {
                Some(set) => self.insert(set, 4, &fresh.text),
                None => {
                    let mut writer = self.writer(depth(parent) + 1);
                    element::lanes(new, &mut writer);
                    self.insert(parent, 5, &writer.text);
                }
            }
        }
    }

    /// The nodes that a lane names, in their order.
    fn nodes_of_lane(&mut self, lane: Node<'d, 'd>, old: &[String], new: &[String]) {
        let both = |all: &[String], others: &[String]| -> Vec<String> {
            all.iter().filter(|id| others.contains(id)).cloned().collect()
        };
        let (was, still) = (both(old, new), both(new, old));
        let stays = |id: &String| was == still && old.contains(id);
        old.iter().filter(|id| !new.contains(id) || !stays(id)).for_each(|id| self.named_in(lane, id));
        let mut behind = None;
        for id in new {
            let named = lane.children().find(|node| {
                node.has_tag_name((BPMN, "flowNodeRef")) && node.text().is_some_and(|text| text.trim() == id)
            });
            if let Some(named) = named.filter(|_| stays(id)) {
                behind = Some(named.range().end);
                continue;
            }
            let mut writer = self.writer(depth(lane) + 1);
            writer.words("bpmn:flowNodeRef", &[], id);
            match behind {
                Some(at) => self.edits.push((at..at, format!("\n{}", writer.text.trim_end()))),
                None => self.insert(lane, 2, &writer.text),
            }
        }
    }

    /// Takes out where lanes name a node.
    fn named_in(&mut self, around: Node<'d, 'd>, id: &str) {
        let named: Vec<Node<'d, 'd>> = around
            .descendants()
            .filter(|node| node.has_tag_name((BPMN, "flowNodeRef")))
            .filter(|node| node.text().is_some_and(|text| text.trim() == id))
            .collect();
        named.into_iter().for_each(|node| self.remove(node));
    }

    /// The lines from compensation events to what compensates.
    fn associations(&mut self, old: &Out, new: &Out, parent: Node<'d, 'd>) {
        for border in new.items("nodes").iter().filter(|node| node.word("compensate").is_some()) {
            let was = old.items("nodes").iter().find(|node| drawn_id(node) == drawn_id(border));
            if was.is_some_and(|was| !differs(was, border, &["compensate"])) {
                continue;
            }
            let lines = self.merge.document.descendants().filter(|node| node.has_tag_name((BPMN, "association")));
            let lines: Vec<Node<'d, 'd>> = lines
                .filter(|line| line.attribute("sourceRef") == Some(drawn_id(border)))
                .filter(|line| {
                    was.and_then(|was| was.word("compensate")).map(|name| id_of(old, name)).as_deref()
                        == line.attribute("targetRef")
                })
                .collect();
            lines.into_iter().for_each(|line| self.remove(line));
            let mut writer = self.writer(depth(parent) + 1);
            element::association(new, border, &mut writer);
            if !writer.text.is_empty() {
                self.insert(parent, 8, &writer.text);
            }
        }
    }

    /// The flows that a node names.
    fn ways(&mut self, element: Node<'d, 'd>, old: &[(&'static str, String)], new: &[(&'static str, String)]) {
        if old == new || !self.merge.has_ways {
            return;
        }
        let named = |node: &Node<'d, 'd>| {
            let word =
                ["bpmn:incoming", "bpmn:outgoing"].into_iter().find(|word| node.has_tag_name((BPMN, &word[5..])));
            word.zip(node.text().map(|text| text.trim().to_string()))
        };
        let there: Vec<_> = element.children().filter_map(|child| Some((child, named(&child)?))).collect();
        for (child, _) in there.iter().filter(|(_, way)| !new.contains(way)) {
            self.remove(*child);
        }
        for (word, id) in new.iter().filter(|way| !there.iter().any(|(_, known)| known == *way)) {
            let mut writer = self.writer(depth(element) + 1);
            writer.words(word, &[], id);
            self.insert(element, 3, &writer.text);
        }
    }

    fn attribute(&mut self, element: Node<'d, 'd>, name: &'static str, was: &str, now: &str) {
        if was == now {
            return;
        }
        let found = element.attributes().find(|found| found.namespace().is_none() && found.name() == name);
        let named = element.range().start + self.merge.name_length(element);
        self.edits.push(match found {
            Some(found) if now.is_empty() => {
                let before = self.merge.text.get(..found.range().start).unwrap_or_default();
                (before.trim_end().len()..found.range().end, String::new())
            }
            Some(found) => (found.range_value(), escaped(now)),
            None => (named..named, format!(" {name}=\"{}\"", escaped(now))),
        });
    }

    fn documentation(&mut self, element: Node<'d, 'd>, old: &Out, new: &Out) {
        if differs(old, new, &["doc"]) {
            let mut writer = self.writer(depth(element) + 1);
            new.word("doc").into_iter().for_each(|doc| writer.words("bpmn:documentation", &[], doc));
            self.instead(element, |name| name == "documentation", 0, &writer.text);
        }
    }

    /// What is said in an element of our own.
    fn own(&mut self, element: Node<'d, 'd>, says: &Out, (tag, attributes): (&str, &[(&str, &str)]), but: &[&str]) {
        let mut writer = self.writer(depth(element) + 2);
        element::own_element(says, (tag, attributes), but, &mut writer);
        match own_of(element, tag.trim_start_matches("stageflow:")) {
            Some(old) => self.edits.push((old.range(), writer.text.trim().to_string())),
            None => self.extension(element, &writer.text),
        }
    }

    /// Puts something among what others have added to an element.
    fn extension(&mut self, element: Node<'d, 'd>, words: &str) {
        match element.children().find(|child| child.has_tag_name((BPMN, "extensionElements"))) {
            Some(others) => self.insert(others, 0, words),
            None => self.extended.entry(element.range().start).or_insert((element, String::new())).1.push_str(words),
        }
    }

    /// Puts something into the place of the children with such names.
    fn instead(&mut self, element: Node<'d, 'd>, is: impl Fn(&str) -> bool, rank: u8, words: &str) {
        let old = element.children().filter(|child| child.is_element() && is(child.tag_name().name()));
        let old: Vec<Node<'d, 'd>> = old.filter(|child| child.tag_name().namespace() == Some(BPMN)).collect();
        old.into_iter().for_each(|child| self.remove(child));
        if !words.is_empty() {
            self.insert(element, rank, words);
        }
    }

    fn remove(&mut self, node: Node<'d, 'd>) {
        self.edits.push((self.merge.gap_before(node)..node.range().end, String::new()));
    }

    /// Puts something into an element, behind what BPMN wants before it.
    fn insert(&mut self, element: Node<'d, 'd>, of_rank: u8, words: &str) {
        let text = self.merge.text.get(element.range()).unwrap_or_default();
        if text.ends_with("/>") && !element.has_children() {
            let filled = self.filled.entry(element.range().start).or_insert_with(|| (element, Vec::new()));
            filled.1.push((of_rank, words.to_string()));
            return;
        }
        let before = element
            .children()
            .rfind(|child| child.tag_name().namespace() == Some(BPMN) && rank(child.tag_name().name()) <= of_rank);
        let at = before.map_or(element.range().start + tag_length(text), |child| child.range().end);
        let closes = self.merge.text.get(at..).is_some_and(|rest| rest.starts_with("</"));
        let end = if closes { format!("\n{}", self.merge.unit.repeat(depth(element))) } else { String::new() };
        self.edits.push((at..at, format!("\n{}{end}", words.trim_end())));
    }
}

/// What we have said in an element before.
fn own_of<'d>(element: Node<'d, 'd>, name: &str) -> Option<Node<'d, 'd>> {
    let others = element.children().filter(|child| child.has_tag_name((BPMN, "extensionElements")));
    others.flat_map(|others| others.children()).find(|child| child.has_tag_name((OWN, name)))
}

fn differs(old: &Out, new: &Out, keys: &[&str]) -> bool {
    keys.iter().any(|key| old.get(key).map(Out::plain) != new.get(key).map(Out::plain))
}

/// How many elements stand around.
fn depth(node: Node<'_, '_>) -> usize {
    node.ancestors().filter(Node::is_element).count().saturating_sub(1)
}
