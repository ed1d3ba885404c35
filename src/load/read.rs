//! One YAML text into a spanned tree.
//!
//! Scalars keep their source text: what `no`, `12.50` or `+7495` mean is decided by the declared type, never here.
//! Tags, anchors, aliases, duplicate keys and second documents are refused; size, depth and the number of nodes are
//! limited, so that a hostile text costs milliseconds.

mod build;
mod tree;

pub use tree::{Entry, Key, Node, Scalar, Style, Tree, Yaml};

use super::problem::Problems;

/// Largest text, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 64;
/// Most nodes in one text: scalars, lists, mappings and keys.
pub const MAX_NODES: usize = 20_000;

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
    build::read(file, text, problems)
}
