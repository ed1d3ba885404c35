//! One YAML text into a spanned tree.
//!
//! Scalars keep their source text: what `no`, `12.50` or `+7495` mean is decided by the declared type, never here.
//! Tags, anchors, aliases, duplicate keys and second documents are refused; size, depth and the number of nodes are
//! limited, so that a hostile text costs milliseconds. What YAML makes of a sentence with a comma, a colon or a `#`
//! is reported with the quotes that mend it.
//!
//! The events come from the parser inside `serde_yaml`: its serde side gives neither the place of every node nor the
//! text of a scalar, and stops at the first error.

mod bites;
mod build;
mod characters;
mod syntax;
mod tree;

pub use tree::{Entry, Key, Node, Scalar, Style, Tree, Yaml};

use std::borrow::Cow;

use super::problem::{Problem, Problems};
use crate::model::Span;

/// Largest text, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 64;
/// Most nodes in one text: scalars, lists, mappings and keys.
pub const MAX_NODES: usize = 20_000;
/// Most syntax errors that are looked for in one text; each costs one more parse.
const MAX_SYNTAX_ERRORS: usize = 20;

/// Reads the text with the index `file`. What is wrong is added to `problems`; there is a tree when its structure is
/// sound, also when something in it was refused.
///
/// ```
/// use stageflow::load::{read, Problems};
/// let problems = Problems::new();
/// let tree = read(0, "library: crm\nlanguages: [en, no]\n", &problems).unwrap();
/// assert_eq!(tree.root.get("languages").unwrap().items()[1].word(), Some("no"));
/// ```
pub fn read(file: u32, text: &str, problems: &Problems) -> Option<Tree> {
    if text.len() > MAX_BYTES {
        problems.push(too_large(file, text.len()));
        return None;
    }
    if characters::check(file, text, problems) {
        return None;
    }
    let mut source = Cow::Borrowed(text);
    let mut broken = false;
    for _ in 0..MAX_SYNTAX_ERRORS {
        let parsed = build::parse(file, &source);
        let mended = parsed.error.as_ref().and_then(|error| {
            let (problem, mask) = syntax::explain(file, &source, error);
            problems.push(problem);
            broken = true;
            mask.map(|range| syntax::masked(&source, range))
        });
        let Some(next) = mended else {
            parsed.problems.into_iter().for_each(|problem| problems.push(problem));
            return parsed.tree.filter(|_| !broken);
        };
        source = Cow::Owned(next);
    }
    None
}

/// The problem of a text of `bytes` bytes that is not even read.
pub(crate) fn too_large(file: u32, bytes: usize) -> Problem {
    let limit = MAX_BYTES / 1024;
    let message = format!("the file has {} KiB, more than {limit} KiB", bytes.div_ceil(1024));
    Problem::error("too-large", Span::new(file, 0, 0), message).help("split it: a library names its processes' files")
}

#[cfg(test)]
mod tests;
