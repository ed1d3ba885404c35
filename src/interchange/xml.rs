//! The text of a model as a tree: bounded, every element with its place.

use roxmltree::{Document, Node, ParsingOptions};

use super::yaml::Out;
use crate::load::{Problem, Problems, Source, read};
use crate::model::Span;

/// The namespace of BPMN 2.0.
pub(super) const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";

/// Longest text of a model, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// Most elements.
const MAX_ELEMENTS: usize = 100_000;
/// Most elements, texts and comments.
const MAX_NODES: u32 = 300_000;
/// Deepest element.
const MAX_DEPTH: usize = 64;
/// Most attributes of an element.
const MAX_ATTRIBUTES: usize = 256;
/// Most declarations of namespaces.
const MAX_NAMESPACES: usize = 1_000;

/// Reads the text. What is wrong is reported with its place.
pub(super) fn parse<'x>(source: &'x Source, file: u32, problems: &Problems) -> Option<Document<'x>> {
    let whole = Span::new(file, 0, 0);
    if source.text.len() > MAX_BYTES {
        problems.error(
            "bpmn-too-large",
            whole,
            format!("expected at most {MAX_BYTES} bytes, found {}", source.text.len()),
        );
        return None;
    }
    if let Some((at, message)) = too_much(&source.text) {
        problems.error("bpmn-too-large", Span::new(file, at, at), message);
        return None;
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    match Document::parse_with_options(&source.text, options) {
        Ok(document) => Some(document),
        Err(error) => {
            let at = error.pos();
            let line = source.line_start(at.row as usize);
            let rest = source.text.get(line..).unwrap_or_default();
            let column = rest.char_indices().nth((at.col as usize).saturating_sub(1)).map_or(0, |(offset, _)| offset);
            let is_open = matches!(error, roxmltree::Error::UnclosedRootNode);
            let place = if is_open { source.text.trim_end().len() } else { line + column };
            let place = Span::new(file, place, place);
            problems.error("bpmn-not-xml", place, format!("this is not the XML of a model: {error}"));
            None
        }
    }
}

/// Where the text has more than is read, as far as tags show it before anything is parsed: texts and comments are left out of it.
fn too_much(text: &str) -> Option<(usize, String)> {
    let (mut depth, mut at, mut namespaces, mut elements) = (0_usize, 0_usize, 0_usize, 0_usize);
    while let Some(open) = text.get(at..).and_then(|rest| rest.find('<')).map(|found| at + found) {
        let rest = text.get(open..).unwrap_or_default();
        let skip = |end: &str| rest.find(end).map_or(rest.len(), |found| found + end.len());
        let length = if rest.starts_with("<!--") {
            skip("-->")
        } else if rest.starts_with("<![CDATA[") {
            skip("]]>")
        } else if rest.starts_with("<?") {
            skip("?>")
        } else if rest.starts_with("<!") {
            skip(">")
        } else {
            let (length, attributes) = tag(rest);
            let tag = rest.get(..length).unwrap_or_default();
            if attributes > MAX_ATTRIBUTES {
                return Some((open, format!("an element has more than {MAX_ATTRIBUTES} attributes")));
            }
            namespaces += tag.matches("xmlns").count();
            if namespaces > MAX_NAMESPACES {
                return Some((open, format!("more than {MAX_NAMESPACES} namespaces are declared")));
            }
            if tag.starts_with("</") {
                depth = depth.saturating_sub(1);
            } else {
                elements += 1;
                depth += usize::from(!tag.ends_with("/>"));
            }
            if elements > MAX_ELEMENTS {
                return Some((open, format!("more than {MAX_ELEMENTS} elements")));
            }
            length
        };
        if depth > MAX_DEPTH {
            return Some((open, format!("elements lie deeper than {MAX_DEPTH}")));
        }
        at = open + length.max(1);
    }
    None
}

/// The length of a tag, to the `>` that stands in no quotes, and how many attributes it has.
fn tag(rest: &str) -> (usize, usize) {
    let (mut quote, mut attributes) = (None, 0);
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return (at + 1, attributes),
            (None, b'"' | b'\'') => quote = Some(byte),
            // More are not read anyway.
            (None, b'=') if attributes > MAX_ATTRIBUTES => return (at, attributes),
            (None, b'=') => attributes += 1,
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    (rest.len(), attributes)
}

/// The length of the tag that a text begins with.
pub(super) fn tag_length(text: &str) -> usize {
    tag(text).0
}

/// An element of the model, and where problems go.
#[derive(Clone, Copy)]
pub(super) struct Tag<'x> {
    pub node: Node<'x, 'x>,
    pub file: u32,
    pub problems: &'x Problems,
}

impl<'x> Tag<'x> {
    pub fn new(node: Node<'x, 'x>, file: u32, problems: &'x Problems) -> Self {
        Self { node, file, problems }
    }

    fn at(&self, node: Node<'x, 'x>) -> Self {
        Self { node, ..*self }
    }

    /// Its name without the prefix.
    pub fn name(&self) -> &'x str {
        self.node.tag_name().name()
    }

    pub fn is_bpmn(&self) -> bool {
        self.node.tag_name().namespace() == Some(BPMN)
    }

    /// Whether it is this element of BPMN.
    pub fn is(&self, name: &str) -> bool {
        self.is_bpmn() && self.name() == name
    }

    /// Whether it is an element of this crate's own.
    pub fn is_own(&self, name: &str) -> bool {
        self.node.tag_name().namespace() == Some(super::export::OWN) && self.name() == name
    }

    /// What this crate keeps in it.
    pub fn own_yaml(&self) -> Option<Out> {
        let text = self.text();
        if text.is_empty() {
            return Some(Out::map());
        }
        let nothing = Problems::new();
        let Some(tree) = read(0, &text, &nothing) else {
            self.refuse(
                "bpmn-broken",
                "what was kept here cannot be read",
                "take the element out, and draw what it said",
            );
            return None;
        };
        Some(Out::of_tree(&tree.root))
    }

    /// An attribute of BPMN's own, trimmed; an empty one is none.
    pub fn attr(&self, name: &str) -> Option<&'x str> {
        let own = |found: &roxmltree::Attribute<'x, 'x>| found.namespace().is_none() && found.name() == name;
        self.node.attributes().find(own).map(|found| found.value().trim()).filter(|value| !value.is_empty())
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.attr(name).map(|value| matches!(value, "true" | "1"))
    }

    /// Its `id`, or nothing.
    pub fn id(&self) -> &'x str {
        self.attr("id").unwrap_or_default()
    }

    /// The element that an attribute or text names: a qualified name loses its prefix.
    pub fn reference(&self, name: &str) -> Option<&'x str> {
        self.attr(name).map(local)
    }

    /// Elements directly inside.
    pub fn children(self) -> impl Iterator<Item = Tag<'x>> {
        self.node.children().filter(Node::is_element).map(move |node| self.at(node))
    }

    /// Elements of BPMN of this name directly inside.
    pub fn all(self, name: &'x str) -> impl Iterator<Item = Tag<'x>> {
        self.children().filter(move |child| child.is(name))
    }

    pub fn first(self, name: &'x str) -> Option<Tag<'x>> {
        self.all(name).next()
    }

    /// What vendors add, element by element.
    pub fn extensions(self) -> impl Iterator<Item = Tag<'x>> {
        self.all("extensionElements").flat_map(Tag::children)
    }

    pub fn parent(&self) -> Option<Tag<'x>> {
        self.node.parent_element().map(|node| self.at(node))
    }

    /// The words in it, trimmed.
    pub fn text(&self) -> String {
        let words: String = self.node.children().filter_map(|child| child.text()).collect();
        words.trim().to_string()
    }

    /// The words of the first element of this name in it.
    pub fn text_of(self, name: &'x str) -> Option<(Tag<'x>, String)> {
        self.first(name).map(|tag| (tag, tag.text())).filter(|(_, text)| !text.is_empty())
    }

    /// Where its tag opens.
    pub fn span(&self) -> Span {
        let range = self.node.range();
        let source = self.node.document().input_text();
        let open = source.get(range.start..range.end).map_or(0, |text| tag(text).0);
        Span::new(self.file, range.start, (range.start + open).min(range.end))
    }

    /// Where a letter of a text of this element stands in the model: of an attribute or of the words in it.
    pub fn span_of(&self, text: &str, at: usize) -> Span {
        let source = self.node.document().input_text();
        let attribute = self.node.attributes().find(|found| found.value().trim() == text);
        let range = attribute.map(|found| found.range_value()).or_else(|| {
            let words = self
                .node
                .children()
                .find(|child| child.is_text() && child.text().is_some_and(|words| words.trim() == text));
            words.map(|words| words.range())
        });
        let Some(range) = range else { return self.span() };
        let written = source.get(range.clone()).unwrap_or_default();
        let (begin, length) = place_in(written, at);
        Span::new(self.file, range.start + begin, range.start + begin + length)
    }

    /// Refuses it.
    pub fn refuse(&self, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::error(code, self.span(), message).help(help));
    }

    /// Says that something of it means nothing here.
    pub fn warn(&self, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::warning("bpmn-ignored", self.span(), message).help(help));
    }

    /// What it is, with its id, for messages.
    pub fn called(&self) -> String {
        match self.attr("id") {
            Some(id) => format!("{} `{id}`", self.name()),
            None => self.name().to_string(),
        }
    }
}

/// Where the letter at `at` of the trimmed text is written, and how long it is: `&lt;` is one letter.
fn place_in(written: &str, at: usize) -> (usize, usize) {
    let is_data = written.starts_with("<![CDATA[");
    let head = if is_data { 9 } else { 0 };
    let body = written.get(head..).unwrap_or_default();
    let body_end = head + if is_data { body.trim_end_matches("]]>").trim_end().len() } else { body.trim_end().len() };
    let (mut place, mut letters) = (head + body.len() - body.trim_start().len(), 0);
    while place < body_end {
        let rest = written.get(place..body_end).unwrap_or_default();
        let reference = rest.find(';').filter(|_| rest.starts_with('&') && !is_data).map(|end| end + 1);
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let length = reference.unwrap_or(if rest.starts_with("\r\n") { 2 } else { first });
        if letters >= at {
            return (place, length);
        }
        letters += if reference.is_some() || length != first { 1 } else { first };
        place += length;
    }
    (body_end, 0)
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name).trim()
}
