//! The tree: what was written, in the order in which it was written, and where.

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
    /// Whether nothing was written at all: `key:` with no value.
    pub fn is_blank(&self) -> bool {
        self.style == Style::Plain && self.text.is_empty()
    }
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
