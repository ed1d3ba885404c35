//! Process files: from the tree of a file to a checked [`Definition`](crate::element::Definition).

mod compile;
pub(crate) mod draft;
mod notes;
mod plan;
mod signature;
mod words;
