//! From the parser's events to the tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_yaml::granit_parser::{
    Event, Parser, Placement, ScalarStyle, ScanError, Span as YamlSpan, StructureStyle, options,
};

use super::bites;
use super::tree::{Entry, Key, Node, Scalar, Style, Tree, Yaml};
use super::{MAX_DEPTH, MAX_NODES};
use crate::load::problem::Problem;
use crate::model::Span;

/// What one pass over a text gives.
pub(super) struct Parsed {
    /// The tree, when there was no syntax error and no limit was passed.
    pub tree: Option<Tree>,
    /// What else is wrong.
    pub problems: Vec<Problem>,
    /// The syntax error that ended the pass.
    pub error: Option<ScanError>,
}

/// Reads one text.
pub(super) fn parse(file: u32, text: &str) -> Parsed {
    let options = options! {
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        max_buffered_comment_events: MAX_NODES,
    };
    let mut builder = Builder { file, text, ..Builder::default() };
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => builder.event(&event, span),
            Err(error) => return Parsed { tree: None, problems: builder.problems, error: Some(error) },
        }
        if builder.stopped {
            return Parsed { tree: None, problems: builder.problems, error: None };
        }
    }
    if builder.root.is_none() {
        let problem = Problem::error("empty-file", Span::new(file, 0, 0), "the file is empty");
        builder.problems.push(problem.help("its first key says what it is: library, process, decision or scenario"));
    }
    Parsed { tree: builder.root.map(|root| Tree { file, root }), problems: builder.problems, error: None }
}

/// A list or mapping that is not closed yet.
enum Open {
    Seq { items: Vec<Node>, flow: bool, start: Span },
    Map { entries: Vec<Entry>, seen: BTreeMap<Arc<str>, Span>, key: Option<Key>, flow: bool, start: Span },
}

#[derive(Default)]
struct Builder<'t> {
    file: u32,
    text: &'t str,
    problems: Vec<Problem>,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    /// The plain scalar that was just read, for a comment that follows it.
    last: Option<Span>,
    stopped: bool,
}

impl Builder<'_> {
    fn event(&mut self, event: &Event<'_>, at: YamlSpan) {
        let range = at.byte_range().unwrap_or(0..0);
        let span = Span::new(self.file, range.start, range.end);
        let last = self.last.take();
        if event.tag().is_some() {
            self.tag(at, span);
            if matches!(event, Event::Scalar(text, ..) if text.is_empty()) {
                return self.stand_in(span);
            }
        }
        match event {
            Event::Scalar(text, style, ..) => self.scalar(text, *style, span),
            Event::SequenceStart(style, ..) => self.open_seq(*style, span),
            Event::MappingStart(style, ..) => self.open_map(*style, span),
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::DocumentStart(..) => self.document(span),
            Event::Anchor(..) => self.anchor(span),
            Event::Alias(..) | Event::UnresolvedAlias(..) => self.alias(span),
            Event::Comment(_, Placement::Right) => self.comment(last, span),
            _ => {}
        }
    }

    fn document(&mut self, span: Span) {
        self.documents += 1;
        if self.documents > 1 {
            let problem = Problem::error("second-document", span, "a second document begins here");
            self.stop(problem.help("a file holds one document: move what follows to a file of its own"));
        }
    }

    fn tag(&mut self, at: YamlSpan, node: Span) {
        let range = at.tag_span().and_then(|span| span.byte_range());
        let span = range.map_or(node, |range| Span::new(self.file, range.start, range.end));
        let word = bites::slice(self.text, span);
        let help = match word.strip_prefix('!').and_then(|rest| rest.strip_prefix("not")) {
            Some(_) => "for a negation write `not(...)`".to_owned(),
            None => format!("for a text that begins with `!`, use quotes: \"{word}...\""),
        };
        self.problems.push(Problem::error("yaml-tag", span, format!("`{word}` is a YAML tag")).help(help));
    }

    fn anchor(&mut self, span: Span) {
        let message = "YAML anchors are not used here";
        let help = "for a text that begins with `&`, use quotes";
        self.problems.push(Problem::error("yaml-anchor", span, message).help(help));
    }

    fn alias(&mut self, span: Span) {
        let message = "YAML aliases are not used here";
        let help = "for a text that begins with `*`, use quotes";
        self.problems.push(Problem::error("yaml-anchor", span, message).help(help));
        self.stand_in(span);
    }

    /// A value for something that was refused, so that no other problem follows from it.
    fn stand_in(&mut self, span: Span) {
        self.count(span);
        let stand_in = Scalar::new("", Style::Quoted, "");
        self.place(Node { yaml: Yaml::Scalar(stand_in), span });
    }

    fn comment(&mut self, last: Option<Span>, span: Span) {
        let key = match self.open.last() {
            Some(Open::Map { entries, .. }) => entries.last().map(|entry| entry.key.text.clone()),
            _ => None,
        };
        let problem = last.and_then(|scalar| bites::lost_text(self.text, scalar, span, key.as_deref()));
        self.problems.extend(problem);
    }

    fn count(&mut self, span: Span) {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let problem = Problem::error("too-many-nodes", span, format!("the file has more than {MAX_NODES} nodes"));
            self.stop(problem.help("split it: a library names its processes' files"));
        }
    }

    fn open_seq(&mut self, style: StructureStyle, start: Span) {
        let flow = style == StructureStyle::Flow;
        self.open(Open::Seq { items: Vec::new(), flow, start }, start);
    }

    fn open_map(&mut self, style: StructureStyle, start: Span) {
        let flow = style == StructureStyle::Flow;
        self.open(Open::Map { entries: Vec::new(), seen: BTreeMap::new(), key: None, flow, start }, start);
    }

    fn open(&mut self, open: Open, span: Span) {
        self.count(span);
        self.open.push(open);
        if self.open.len() > MAX_DEPTH {
            self.stop(too_deep(span));
        }
    }

    fn close(&mut self, end: Span) {
        let (yaml, start) = match self.open.pop() {
            Some(Open::Seq { items, flow: true, start }) => {
                (Yaml::Seq(bites::mend_list(self.text, items, &mut self.problems)), start)
            }
            Some(Open::Map { entries, flow: true, start, .. }) => {
                (Yaml::Map(bites::mend_map(self.text, entries, start, &mut self.problems)), start)
            }
            Some(Open::Seq { items, start, .. }) => (Yaml::Seq(items), start),
            Some(Open::Map { entries, start, .. }) => {
                bites::torn_keys(&entries, &mut self.problems);
                (Yaml::Map(entries), start)
            }
            None => return,
        };
        let span = trimmed(self.text, start.to(end));
        self.place(Node { yaml, span });
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) {
        self.count(span);
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        // A value that is left out is reported as `~` at an empty place.
        let blank = style == Style::Plain && span.start == span.end;
        let text = if blank { "" } else { text };
        let scalar = Scalar::new(text, style, bites::slice(self.text, span));
        self.last = (style == Style::Plain && !blank).then_some(span);
        self.place(Node { yaml: Yaml::Scalar(scalar), span });
    }

    fn place(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Seq { items, .. }) => items.push(node),
            Some(Open::Map { entries, seen, key, .. }) => match key.take() {
                Some(key) => {
                    if let Some(first) = seen.insert(key.text.clone(), key.span) {
                        seen.insert(key.text.clone(), first);
                        self.problems.push(duplicate(&key, first));
                    } else {
                        entries.push(Entry { key, value: node });
                    }
                }
                None => match Self::key(node) {
                    Ok((read, problem)) => {
                        *key = Some(read);
                        self.problems.extend(problem);
                    }
                    Err(problem) => self.stop(problem),
                },
            },
        }
    }

    /// The key that a node is, and what is wrong with it.
    fn key(node: Node) -> Result<(Key, Option<Problem>), Problem> {
        let Yaml::Scalar(scalar) = node.yaml else {
            let problem = Problem::error("bad-key", node.span, "expected a word as the key, found a list or mapping");
            return Err(problem.help("a text that begins with `[` or `{` needs quotes"));
        };
        let key = Key { text: scalar.text, span: node.span, style: scalar.style };
        let problem = bites::bad_key(&key);
        Ok((key, problem))
    }

    fn stop(&mut self, problem: Problem) {
        self.problems.push(problem);
        self.stopped = true;
    }
}

/// The problem of a text that nests too deeply.
pub(super) fn too_deep(span: Span) -> Problem {
    let problem = Problem::error("too-deep", span, format!("more than {MAX_DEPTH} levels of nesting"));
    problem.help("move the inner steps to a process of their own and `call` it")
}

fn duplicate(key: &Key, first: Span) -> Problem {
    let problem = Problem::error("duplicate-key", key.span, format!("the key `{}` is written twice", key.text));
    problem.label(first, "first written here").help("keep one of them, or merge what they say")
}

/// A block ends where its last letter stands, not at the line where the next one begins.
fn trimmed(text: &str, span: Span) -> Span {
    let written = bites::slice(text, span).trim_end().len();
    Span::new(span.file, span.start as usize, span.start as usize + written)
}
