//! Work as its author wrote it: of people, of the host's code, of decision tables and of other processes.

use super::{Then, Title};
use crate::load::cursor::Spanned;
use crate::load::draft::Decl;
use crate::load::read::{Entry, Node};
use crate::model::Name;

/// Work of a person.
#[derive(Debug)]
pub(crate) struct Task<'t> {
    pub title: Option<Title<'t>>,
    pub like: Option<Spanned<Name>>,
    pub assign: Option<&'t Node>,
    pub category: Option<Spanned<Name>>,
    pub form_key: Option<&'t Node>,
    pub form: Vec<FormItem>,
    pub record: Vec<&'t Entry>,
    pub due: Option<&'t Node>,
    pub start_in: Option<&'t Node>,
    pub remind: Option<&'t Node>,
    pub keep: Vec<Spanned<Name>>,
    pub outcomes: Vec<Outcome<'t>>,
}

/// Several people who decide.
#[derive(Debug)]
pub(crate) struct Approve<'t> {
    /// The task of each; its outcomes are those of the whole.
    pub task: Task<'t>,
    pub by: Vec<&'t Node>,
    pub rule: Option<&'t Node>,
    pub collect: Option<Spanned<Name>>,
}

/// One thing a form asks for.
#[derive(Clone, Debug)]
pub(crate) enum FormItem {
    /// `self.column`.
    Column(Spanned<Name>),
    /// A name with its type.
    Entry(Box<Decl>),
}

/// One way a task ends.
#[derive(Debug)]
pub(crate) struct Outcome<'t> {
    pub id: Spanned<Name>,
    pub title: Option<Title<'t>>,
    pub require: Vec<&'t Node>,
    pub set: &'t [Entry],
    pub stage: Option<&'t Node>,
    pub again: Option<&'t Node>,
    pub at_most: Option<Spanned<i64>>,
    pub then: Option<Spanned<Name>>,
    pub follow: Then<'t>,
}

/// A call of the host's code.
#[derive(Debug)]
pub(crate) struct Service<'t> {
    pub name: Spanned<Name>,
    pub with: &'t [Entry],
    pub take: &'t [Entry],
    pub retry: Option<&'t Node>,
    pub timeout: Option<&'t Node>,
}

/// A question to a decision table.
#[derive(Debug)]
pub(crate) struct Decide<'t> {
    /// The name of a table, or the table itself.
    pub table: &'t Node,
    pub with: &'t [Entry],
    pub take: &'t [Entry],
}

/// Another process.
#[derive(Debug)]
pub(crate) struct Call<'t> {
    pub process: Spanned<Name>,
    pub record: Option<&'t Node>,
    pub with: &'t [Entry],
    pub take: &'t [Entry],
    pub version: Option<Spanned<i64>>,
    pub detached: bool,
}
