//! From the parser's events to the tree.

use std::sync::Arc;

use serde_yaml::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span as YamlSpan, options};

use super::tree::{Entry, Key, Node, Scalar, Style, Tree, Yaml};
use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
use crate::load::problem::{Problem, Problems};
use crate::model::Span;

/// Reads one text.
pub(super) fn read(file: u32, text: &str, problems: &Problems) -> Option<Tree> {
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} KiB, more than {} KiB", text.len() / 1024, MAX_BYTES / 1024);
        problems.error("too-large", Span::new(file, 0, 0), message);
        return None;
    }
    let options = options! {
        emit_unresolved_aliases: true,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder { file, problems, open: Vec::new(), root: None, nodes: 0, documents: 0, failed: false };
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => builder.event(&event, span),
            Err(error) => builder.syntax(&error),
        }
        if builder.failed {
            return None;
        }
    }
    let root = builder.root?;
    Some(Tree { file, root })
}

/// A list or mapping that is not closed yet.
enum Open {
    Seq(Vec<Node>, Span),
    Map(Vec<Entry>, Option<Key>, Span),
}

struct Builder<'p> {
    file: u32,
    problems: &'p Problems,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    failed: bool,
}

impl Builder<'_> {
    fn span(&self, span: YamlSpan) -> Span {
        let range = span.byte_range().unwrap_or(0..0);
        Span::new(self.file, range.start, range.end)
    }

    fn event(&mut self, event: &Event<'_>, at: YamlSpan) {
        let span = self.span(at);
        match event {
            Event::Scalar(text, style, ..) => self.scalar(text, *style, span),
            Event::SequenceStart(..) => self.push(Open::Seq(Vec::new(), span), span),
            Event::MappingStart(..) => self.push(Open::Map(Vec::new(), None, span), span),
            Event::SequenceEnd | Event::MappingEnd => self.pop(span),
            Event::DocumentStart(..) => self.document(span),
            _ => {}
        }
    }

    fn document(&mut self, span: Span) {
        self.documents += 1;
        if self.documents > 1 {
            self.fail(Problem::error("second-document", span, "a file holds one document"));
        }
    }

    fn count(&mut self, span: Span) {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.fail(Problem::error("too-many-nodes", span, format!("the file has more than {MAX_NODES} nodes")));
        }
    }

    fn push(&mut self, open: Open, span: Span) {
        self.count(span);
        self.open.push(open);
        if self.open.len() > MAX_DEPTH {
            self.fail(Problem::error("too-deep", span, format!("more than {MAX_DEPTH} levels of nesting")));
        }
    }

    fn pop(&mut self, end: Span) {
        let node = match self.open.pop() {
            Some(Open::Seq(items, start)) => Node { yaml: Yaml::Seq(items), span: start.to(end) },
            Some(Open::Map(entries, _, start)) => Node { yaml: Yaml::Map(entries), span: start.to(end) },
            None => return,
        };
        self.place(node);
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) {
        self.count(span);
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        self.place(Node { yaml: Yaml::Scalar(Scalar { text: Arc::from(text), style }), span });
    }

    fn place(&mut self, node: Node) {
        let problems = self.problems;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Seq(items, _)) => items.push(node),
            Some(Open::Map(entries, key, _)) => match key.take() {
                Some(key) => {
                    let twice = entries.iter().find(|entry| entry.key.text == key.text);
                    if let Some(first) = twice {
                        let message = format!("the key `{}` is written twice", key.text);
                        let problem = Problem::error("duplicate-key", key.span, message);
                        problems.push(problem.label(first.key.span, "first written here"));
                    } else {
                        entries.push(Entry { key, value: node });
                    }
                }
                None => match node.yaml {
                    Yaml::Scalar(Scalar { text, style }) => *key = Some(Key { text, span: node.span, style }),
                    _ => problems.error("bad-key", node.span, "a key must be a word"),
                },
            },
        }
    }

    fn syntax(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or(0);
        self.fail(Problem::error("yaml-syntax", Span::new(self.file, at, at), error.info()));
    }

    fn fail(&mut self, problem: Problem) {
        self.problems.push(problem);
        self.failed = true;
    }
}
