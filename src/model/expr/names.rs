//! The names in scope of an expression.

use crate::model::{Name, Type};

/// The number of a root name. What it stands for is the caller's affair: [`Env::slot`](super::Env::slot) gives its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u16);

/// One name of the scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The group it may be written under: `params`, `vars`; none: it is a root such as `self` or `user`.
    pub group: Option<Name>,
    /// The name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Its slot.
    pub slot: Slot,
    /// Whether it goes by its bare name too; else only by its group.
    pub bare: bool,
}

/// A record whose columns are in scope by their bare names.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The record's entity.
    pub entity: Name,
    /// The slot that holds the reference.
    pub slot: Slot,
    /// Whether only the columns are bare names (`where`): what belongs to a group is then written `params.x`.
    pub only: bool,
}

/// The names in scope. A bare name that could mean two things is an error where it is used.
///
/// ```
/// use stageflow::model::expr::{Names, Slot};
/// use stageflow::model::Type;
/// let mut names = Names::new();
/// names.root("self", Type::reference("lead"), Slot(0));
/// names.member("vars", "tries", Type::Int, Slot(1));       // `tries` or `vars.tries`
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    pub(super) entries: Vec<Entry>,
    pub(super) row: Option<Row>,
    pub(super) changing: Option<(Name, Slot)>,
}

impl Names {
    /// No names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a root: `self`, `user`, `instance`, `record`, `message`, `task` … of any type.
    pub fn root(&mut self, name: impl AsRef<str>, ty: Type, slot: Slot) -> &mut Self {
        self.entries.push(Entry { group: None, name: Name::new(name), ty, slot, bare: true });
        self
    }

    /// Adds a member of a group (`params`, `vars`, `form`): written `group.name`, or bare where that has one meaning.
    pub fn member(&mut self, group: impl AsRef<str>, name: impl AsRef<str>, ty: Type, slot: Slot) -> &mut Self {
        self.entries.push(Entry { group: Some(Name::new(group)), name: Name::new(name), ty, slot, bare: true });
        self
    }

    /// What is there under this name goes by its group only from now on: a name added next takes the bare word.
    pub fn shadow(&mut self, name: &str) -> &mut Self {
        for entry in self.entries.iter_mut().filter(|entry| entry.name.as_str() == name) {
            entry.bare = false;
        }
        self
    }

    /// The columns of this record are bare names beside the others: a column's own expression (computed, initial, check).
    /// `item.column` and `item` name the record itself.
    pub fn row(&mut self, entity: impl AsRef<str>, slot: Slot) -> &mut Self {
        self.row = Some(Row { entity: Name::new(entity), slot, only: false });
        self
    }

    /// The columns of the searched record are the only bare names beside the roots: a `where`.
    pub fn searched(&mut self, entity: impl AsRef<str>, slot: Slot) -> &mut Self {
        self.row = Some(Row { entity: Name::new(entity), slot, only: true });
        self
    }

    /// `previous(column)` and `changed(column)` speak of this record.
    pub fn changing(&mut self, entity: impl AsRef<str>, slot: Slot) -> &mut Self {
        self.changing = Some((Name::new(entity), slot));
        self
    }

    /// Every root and member.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The record whose columns are bare names.
    pub fn row_scope(&self) -> Option<&Row> {
        self.row.as_ref()
    }
}
