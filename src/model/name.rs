//! Names that authors give, and the ids of records.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use arcstr::ArcStr;

/// An id from a definition: an entity, a column, a step, an outcome. Cheap to clone.
///
/// ```
/// use stageflow::model::Name;
/// assert_eq!(Name::new("lead").as_str(), "lead");
/// assert!(Name::is_valid("awaiting_sale") && !Name::is_valid("Awaiting sale"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(ArcStr);

impl Name {
    /// Makes a name of any text; [`Name::is_valid`] tells whether an author may write it.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(ArcStr::from(text.as_ref()))
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text is `[a-z][a-z0-9_]*` and at most 64 bytes.
    pub fn is_valid(text: &str) -> bool {
        text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a record: text of at most 64 bytes, the engine's own or a host's.
pub type RecordId = Name;

/// A reference to a record: its entity and its id. A lookup row is a record whose id is its code.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref {
    /// The entity, for example `lead`.
    pub entity: Name,
    /// The record's id.
    pub id: RecordId,
}

impl Ref {
    /// A reference to the record `id` of `entity`.
    pub fn new(entity: impl AsRef<str>, id: impl AsRef<str>) -> Self {
        Self { entity: Name::new(entity), id: Name::new(id) }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.entity, self.id)
    }
}

impl fmt::Debug for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
