//! The tree: what was written, in the order in which it was written, and where.

use std::ops::Range;
use std::sync::Arc;

use crate::model::Span;

/// A text as a tree.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Index of the text in its set.
    pub file: u32,
    /// The one document in it.
    pub root: Node,
}

/// A scalar, a list or a mapping, and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub yaml: Yaml,
    /// Where it stands; of a value that is left out, an empty span behind its key.
    pub span: Span,
}

/// The three shapes of YAML.
#[derive(Clone, Debug)]
pub enum Yaml {
    /// A text. Its meaning is decided by the declared type.
    Scalar(Scalar),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping, in written order.
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// Its value.
    pub value: Node,
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
    /// How it was written.
    pub style: Style,
}

/// A scalar's text, with quotes, escapes and line folding undone, and nothing else interpreted.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The text.
    pub text: Arc<str>,
    /// How it was written.
    pub style: Style,
    /// Offsets in `text` from which on the source runs at another offset; empty when nothing was undone.
    places: Box<[(u32, u32)]>,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In single or double quotes.
    Quoted,
    /// As a block behind `|` or `>`.
    Block,
}

impl Scalar {
    /// A scalar whose source is `source`, quotes included.
    pub(super) fn new(text: &str, style: Style, source: &str) -> Self {
        let body = if style == Style::Quoted { source.get(1..).unwrap_or_default() } else { source };
        let places = if body.starts_with(text) { Vec::new() } else { align(text, body) };
        Self { text: Arc::from(text), style, places: places.into() }
    }

    /// Whether nothing was written at all: `key:` with no value.
    pub fn is_blank(&self) -> bool {
        self.style == Style::Plain && self.text.is_empty()
    }

    fn source_offset(&self, at: usize) -> usize {
        let quote = usize::from(self.style == Style::Quoted);
        let before = self.places.partition_point(|(from, _)| *from as usize <= at);
        match before.checked_sub(1).and_then(|last| self.places.get(last)) {
            Some((from, source)) => at - *from as usize + *source as usize + quote,
            None => at + quote,
        }
    }
}

/// Where the letters of `text` stand in its source, which has escapes, folded lines and indentation besides.
fn align(text: &str, source: &str) -> Vec<(u32, u32)> {
    let mut places: Vec<(u32, u32)> = Vec::new();
    let mut rest = source.char_indices().peekable();
    for (at, letter) in text.char_indices().filter(|(_, letter)| !letter.is_whitespace()) {
        let mut found = None;
        while let Some((offset, c)) = rest.next() {
            if c == letter {
                found = Some(offset);
                break;
            }
            let escape = c == '\\' && rest.peek().is_some_and(|(_, next)| *next != letter);
            if escape {
                rest.next();
            }
        }
        let Some(found) = found else { break };
        let shift = places.last().map_or(0, |(from, source)| i64::from(*source) - i64::from(*from));
        let (at, found) = (u32::try_from(at).unwrap_or(u32::MAX), u32::try_from(found).unwrap_or(u32::MAX));
        if i64::from(found) - i64::from(at) != shift {
            places.push((at, found));
        }
    }
    places
}

impl Node {
    /// The value of a key, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| &*entry.key.text == key).map(|entry| &entry.value)
    }

    /// The entries, when this is a mapping; else none.
    pub fn entries(&self) -> &[Entry] {
        match &self.yaml {
            Yaml::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items, when this is a list; else none.
    pub fn items(&self) -> &[Node] {
        match &self.yaml {
            Yaml::Seq(items) => items,
            _ => &[],
        }
    }

    /// The scalar, when this is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.yaml {
            Yaml::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text, when this is a scalar that is not left out.
    pub fn word(&self) -> Option<&str> {
        self.scalar().filter(|scalar| !scalar.is_blank()).map(|scalar| &*scalar.text)
    }

    /// Whether nothing was written: `key:` with no value.
    pub fn is_blank(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_blank)
    }

    /// Where a part of a scalar's text stands in the source; the whole node when it is no scalar.
    pub fn part(&self, range: Range<usize>) -> Span {
        let Some(scalar) = self.scalar() else { return self.span };
        let base = self.span.start as usize;
        let last = scalar.text.get(range.clone()).and_then(|part| part.char_indices().next_back());
        let (last, width) = last.map_or((0, 0), |(at, letter)| (at, letter.len_utf8()));
        let start = base + scalar.source_offset(range.start);
        let end = base + scalar.source_offset(range.start + last) + width;
        let limit = self.span.end as usize;
        Span::new(self.span.file, start.min(limit), end.min(limit))
    }

    /// The shape, in words for a problem.
    pub fn shape(&self) -> &'static str {
        match &self.yaml {
            Yaml::Scalar(scalar) if scalar.is_blank() => "nothing",
            Yaml::Scalar(_) => "a text",
            Yaml::Seq(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::load::{Problems, read};

    /// The source of every letter of the one value in `text`, letter by letter.
    fn letters(text: &str) -> String {
        let tree = read(0, text, &Problems::new()).expect("a sound text");
        let node = tree.root.get("k").expect("the key k");
        let word = node.word().expect("a scalar");
        let part = |(at, c): (usize, char)| {
            let span = node.part(at..at + c.len_utf8());
            &text[span.start as usize..span.end as usize]
        };
        word.char_indices().filter(|(_, c)| !c.is_whitespace()).map(part).collect()
    }

    #[test]
    fn every_letter_knows_its_place_in_the_source() {
        for (text, expected) in [
            ("k: a = b", "a=b"),
            ("k: 'it''s a = b'", "it's a=b"),
            (r#"k: "say \"a\" \n = b""#, r#"say"a"=b"#),
            ("k: a\n  and\n    b", "aandb"),
            ("k: |\n  a\n    b\n  c\n", "abc"),
            ("k: >-\n  имя =\n  b\n", "имя=b"),
            ("k: \"a \\\n   b\"", "ab"),
        ] {
            assert_eq!(letters(text), expected.replace(' ', ""), "{text}");
        }
    }
}
