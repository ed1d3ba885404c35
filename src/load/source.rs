//! The named texts that are loaded together.

use std::sync::Arc;

use crate::model::Span;

/// One text and its name.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name, unique in its set: the path relative to the folder that is loaded.
    pub name: Arc<str>,
    /// The whole text, without a byte-order mark.
    pub text: Arc<str>,
    /// Byte offsets at which lines begin.
    lines: Arc<[usize]>,
}

impl Source {
    fn new(name: &str, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Self { name: Arc::from(name), text: Arc::from(text), lines }
    }

    /// Line and column, from 1, of a byte offset; the column counts characters.
    pub fn line_column(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.line_start(line);
        let before = self.text.as_bytes().get(start..at.min(self.text.len())).unwrap_or_default();
        // Every character has one byte that does not go on from the byte before.
        let characters = before.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        (line, characters + 1)
    }

    /// Byte offset at which a line, counted from 1, begins; the end of the text for later lines.
    pub fn line_start(&self, line: usize) -> usize {
        self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }
}

/// The texts of one load. A [`Span`] names a text by its index in this set.
///
/// ```
/// use stageflow::load::Sources;
/// let mut sources = Sources::new();
/// let file = sources.add("crm.yaml", "library: crm\n");
/// assert_eq!(sources.get(file).unwrap().text.lines().count(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
    shown_under: String,
}

/// A span as people count: lines and columns from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the text.
    pub file: Arc<str>,
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Column behind the last character.
    pub end_column: usize,
}

impl Sources {
    /// No texts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text; gives its index. A byte-order mark at its start is dropped.
    pub fn add(&mut self, name: impl AsRef<str>, text: impl AsRef<str>) -> u32 {
        self.list.push(Source::new(name.as_ref(), text.as_ref()));
        u32::try_from(self.list.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Shows names under a path, for example `processes/`; the names themselves stay relative.
    pub fn show_under(&mut self, path: impl Into<String>) {
        self.shown_under = path.into();
    }

    /// The name of a text as problems show it.
    pub fn shown(&self, source: &Source) -> Arc<str> {
        if self.shown_under.is_empty() {
            source.name.clone()
        } else {
            format!("{}{}", self.shown_under, source.name).into()
        }
    }

    /// The text with this index.
    pub fn get(&self, file: u32) -> Option<&Source> {
        self.list.get(file as usize)
    }

    /// The index of the text with this name.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.list.iter().position(|source| &*source.name == name).and_then(|at| u32::try_from(at).ok())
    }

    /// All texts with their indexes, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Source)> {
        (0..).zip(&self.list)
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Where a span stands; a span outside every text is shown at the first line of a nameless one.
    pub fn place(&self, span: Span) -> Place {
        let Some(source) = self.get(span.file) else {
            return Place { file: Arc::from("?"), line: 1, column: 1, end_line: 1, end_column: 1 };
        };
        let (line, column) = source.line_column(span.start as usize);
        let (end_line, end_column) = source.line_column(span.end as usize);
        Place { file: self.shown(source), line, column, end_line, end_column }
    }
}
