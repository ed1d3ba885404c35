//! What an expression reads: found by following paths through the compiled form, over iteration variables too.

use std::collections::BTreeSet;

use super::Slot;
use super::builtin::Builtin;
use super::node::{Kind, Step, Sub};
use crate::model::Name;

/// Where a read path begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// A root name, by its slot.
    Slot(Slot),
    /// A setting.
    Setting(Name),
    /// A record that the expression finds itself: a lookup's row, the previous value of a reference.
    Found,
}

/// One path that an expression reads, over references and lists: `self.account.name` is the slot of `self`, then `account`,
/// then `name`. The prefixes of a path are read too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// Where it begins.
    pub root: Root,
    /// The columns and entries, in order.
    pub path: Vec<ReadStep>,
}

/// One step of a read path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadStep {
    /// The column or entry.
    pub column: Name,
    /// The entities it is a column of; none: an entry of a map, or not known when loaded.
    pub of: Vec<Name>,
}

impl Read {
    /// Every (entity, column) that is read on the way.
    pub fn columns(&self) -> impl Iterator<Item = (&Name, &Name)> {
        self.path.iter().flat_map(|step| step.of.iter().map(move |entity| (entity, &step.column)))
    }

    fn root(root: Root) -> Self {
        Self { root, path: Vec::new() }
    }

    fn then(&self, step: &ReadStep) -> Self {
        Self { root: self.root.clone(), path: self.path.iter().chain([step]).cloned().collect() }
    }

    fn begins(&self, other: &Read) -> bool {
        self.root == other.root && other.path.starts_with(&self.path)
    }
}

/// The paths that a value may have come along. Beyond this many they are no longer told apart.
type Paths = BTreeSet<Read>;
const MAX_PATHS: usize = 64;

/// The longest paths that are read.
pub(super) fn of(node: &Sub) -> Vec<Read> {
    let mut reader = Reader::default();
    reader.walk(node);
    // In this order a path stands right before those that it begins.
    let all: Vec<Read> = reader.found.into_iter().collect();
    let longer = |at: usize, read: &Read| all.get(at + 1).is_some_and(|next| read.begins(next));
    all.iter().enumerate().filter(|(at, read)| !longer(*at, read)).map(|(_, read)| read.clone()).collect()
}

#[derive(Default)]
struct Reader {
    found: Paths,
    locals: Vec<Paths>,
}

impl Reader {
    /// Notes what is read, and gives the paths that the value came along.
    fn walk(&mut self, node: &Sub) -> Paths {
        match &node.kind {
            Kind::Slot(slot) => self.note(Read::root(Root::Slot(*slot))),
            Kind::Setting(name) => self.note(Read::root(Root::Setting(name.clone()))),
            Kind::SlotColumn(slot, step) => self.note(Read::root(Root::Slot(*slot)).then(&column(step))),
            Kind::Previous(slot, step) | Kind::Changed(slot, step) => {
                self.note(Read::root(Root::Slot(*slot)).then(&column(step)));
                Paths::new()
            }
            Kind::Local(place) => self.locals.get(*place).cloned().unwrap_or_default(),
            Kind::Column(of, step) => {
                let mut from = self.walk(of);
                if from.is_empty() {
                    from.insert(Read::root(Root::Found));
                }
                self.follow(&from, &column(step))
            }
            Kind::Member(of, name) => {
                let from = self.walk(of);
                self.follow(&from, &ReadStep { column: name.clone(), of: Vec::new() })
            }
            Kind::If(test, yes, no) => {
                self.walk(test);
                self.all([yes, no])
            }
            Kind::Fit(of, _) | Kind::EndOfDay(of) => self.walk(of),
            Kind::Index(of, place) => {
                self.walk(place);
                self.walk(of)
            }
            Kind::List(items) => self.all(items),
            Kind::Call(builtin, args) if hands_on(*builtin) => self.all(args),
            Kind::For { sources, local, body } => self.over(sources, *local, body),
            Kind::Holds { sources, local, body, .. } => {
                self.over(sources, *local, body);
                Paths::new()
            }
            Kind::Filter { source, local, test: inside } | Kind::SortBy { source, local, key: inside } => {
                let from = self.walk(source);
                self.bind(*local, from.clone());
                self.walk(inside);
                from
            }
            _ => {
                self.all(node.children());
                Paths::new()
            }
        }
    }

    fn over(&mut self, sources: &[Sub], local: usize, body: &Sub) -> Paths {
        for (at, source) in sources.iter().enumerate() {
            let from = self.walk(source);
            self.bind(local + at, from);
        }
        self.walk(body)
    }

    fn bind(&mut self, local: usize, from: Paths) {
        self.locals.truncate(local);
        self.locals.push(from);
    }

    fn all<'a>(&mut self, nodes: impl IntoIterator<Item = &'a Sub>) -> Paths {
        let paths: Paths = nodes.into_iter().flat_map(|node| self.walk(node)).collect();
        if paths.len() > MAX_PATHS { Paths::new() } else { paths }
    }

    fn follow(&mut self, from: &Paths, step: &ReadStep) -> Paths {
        from.iter().flat_map(|read| self.note(read.then(step))).collect()
    }

    fn note(&mut self, read: Read) -> Paths {
        self.found.insert(read.clone());
        Paths::from([read])
    }
}

fn column(step: &Step) -> ReadStep {
    ReadStep { column: step.column.clone(), of: step.of.clone() }
}

/// Whether the result is one of the arguments, or a list of them or of their elements.
fn hands_on(builtin: Builtin) -> bool {
    use Builtin::*;
    matches!(
        builtin,
        GetOrElse
            | Append
            | Concatenate
            | Union
            | InsertBefore
            | Remove
            | Sublist
            | DistinctValues
            | Reverse
            | Sort
            | Flatten
            | Min
            | Max
            | GetValue
    )
}
