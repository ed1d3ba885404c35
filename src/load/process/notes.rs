//! What only the making of a graph knows, kept for its checks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::element::definition::VarRef;
use crate::graph::NodeIx;
use crate::model::{Name, Span};

/// What a compiled process's checks need besides the definition.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Where the process's name stands.
    pub span: Span,
    /// Nodes that the loader added: starts, ends, joins, merges.
    pub made: BTreeSet<NodeIx>,
    /// Every authored id with its place.
    pub ids: BTreeMap<Name, Span>,
    /// The variables that a node's expressions read, with the places.
    pub reads: BTreeMap<NodeIx, Vec<(VarRef, Span)>>,
    /// The variables that a node surely writes.
    pub writes: BTreeMap<NodeIx, Vec<(VarRef, Span)>>,
    /// The variables that a node surely writes on one of its flows, by the flow's position.
    pub writes_on: BTreeMap<(NodeIx, usize), Vec<(VarRef, Span)>>,
    /// The variables that a node writes on some of its flows.
    pub may_write: BTreeMap<NodeIx, Vec<(VarRef, Span)>>,
    /// What a loop's condition reads behind a round, and what is collected of one.
    pub late_reads: BTreeMap<NodeIx, Vec<(VarRef, Span)>>,
    /// Columns of the record that an outcome requires and its form does not ask for.
    pub unasked: Vec<(Name, Span)>,
    /// Variables without a starting value, with their names.
    pub unset: BTreeMap<VarRef, Name>,
    /// The branches of each `parallel` and `all_that_apply`.
    pub branches: Vec<Branches>,
    /// Flows that no token takes, because the move before them leaves the stage.
    pub dead: BTreeSet<u32>,
    /// `go` steps that no path leads to.
    pub idle: Vec<Span>,
    /// Whether every target was found: else the graph has gaps, and what cannot be reached says nothing.
    pub sound: bool,
}

/// The branches of a split.
#[derive(Debug)]
pub(crate) struct Branches {
    pub word: &'static str,
    /// The branch's name and its nodes, by number.
    pub parts: Vec<(String, Range<u32>)>,
}

impl Notes {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self { sound: true, ..Self::default() }
    }
}
