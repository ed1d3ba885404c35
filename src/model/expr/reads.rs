//! What an expression reads.

use super::Slot;
use crate::model::Name;

/// Where a read path begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// A root name, by its slot.
    Slot(Slot),
    /// A setting.
    Setting(Name),
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
}
