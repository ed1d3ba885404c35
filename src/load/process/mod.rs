//! Process files: from the tree of a file to a checked [`Definition`](crate::element::Definition).

pub(crate) mod draft;
