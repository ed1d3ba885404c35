//! The flat form as its author wrote it: nodes and flows.

use std::collections::BTreeMap;

use super::Title;
use crate::load::cursor::Spanned;
use crate::load::read::Node;
use crate::model::{Name, Span, Text};

/// How the steps of a scope lead to each other when it is written as nodes and flows: the flat form.
#[derive(Debug)]
pub(crate) struct Net<'t> {
    /// The nodes' ids, in the order of the steps.
    pub names: Vec<Spanned<Name>>,
    /// The start events, which are no steps.
    pub starts: Vec<StartNode<'t>>,
    pub flows: Vec<Flow<'t>>,
    /// How many tokens nodes take and give, where that is not one.
    pub quantities: BTreeMap<Name, Quantity>,
    /// The roles of the lanes that nodes stand in.
    pub lanes: BTreeMap<Name, Spanned<Name>>,
}

/// How many tokens an activity needs to begin, and how many go on when it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    pub start: u32,
    pub completion: u32,
}

/// A start event of a flat form.
#[derive(Debug)]
pub(crate) struct StartNode<'t> {
    pub id: Spanned<Name>,
    pub title: Option<Title<'t>>,
    /// Whether something starts it; a plain one begins by hand and by calls.
    pub by_event: bool,
}

/// A flow of a flat form.
#[derive(Debug)]
pub(crate) struct Flow<'t> {
    pub span: Span,
    pub from: Spanned<Name>,
    pub to: Spanned<Name>,
    pub when: Option<&'t Node>,
    pub otherwise: bool,
    /// The outcomes of the user task it leaves that take it.
    pub outcomes: Vec<Spanned<Name>>,
    pub title: Option<Spanned<Text>>,
    /// Drawn from the throw event of a link to its catch event.
    pub is_link: bool,
}

/// A node of a flat form that is no step of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It does nothing: a task without a kind, work by hand, an event without a definition.
    Pass,
    /// A throw or catch event of a link.
    Link,
    Exclusive,
    Parallel,
    Inclusive,
    Events,
}
