//! What an expression is checked against: entities, lookups, stages and settings, as far as expressions care.

use crate::model::{Name, Type, Value};

/// The names and types of a library. Everything has a default of "nothing there", so a test implements what it needs.
pub trait Schema {
    /// Whether there is such an entity; lookups are entities too.
    fn is_entity(&self, entity: &str) -> bool {
        let _ = entity;
        false
    }
    /// Whether there is such a lookup.
    fn is_lookup(&self, entity: &str) -> bool {
        let _ = entity;
        false
    }
    /// Every entity and lookup, for "did you mean".
    fn entities(&self) -> Vec<Name> {
        Vec::new()
    }
    /// The type of a column; of a list of children too (`list(ref(line))`). Lookups have `title` and their own columns.
    fn column(&self, entity: &str, column: &str) -> Option<Type> {
        let _ = (entity, column);
        None
    }
    /// Every column of an entity or lookup.
    fn columns(&self, entity: &str) -> Vec<Name> {
        let _ = entity;
        Vec::new()
    }
    /// The row ids of a lookup, in written order.
    fn rows(&self, lookup: &str) -> Vec<Name> {
        let _ = lookup;
        Vec::new()
    }
    /// Whether a lookup has this row; to be overridden where that is quicker than asking for all.
    fn has_row(&self, lookup: &str, row: &str) -> bool {
        self.rows(lookup).iter().any(|found| **found == *row)
    }
    /// The stages of an entity, in written order; none when it has no stages.
    fn stages(&self, entity: &str) -> Vec<Name> {
        let _ = entity;
        Vec::new()
    }
    /// The type of a column of the entity's stages: `title`, `position`, `final` and their own.
    fn stage_column(&self, entity: &str, column: &str) -> Option<Type> {
        let _ = (entity, column);
        None
    }
    /// Every column of the entity's stages.
    fn stage_columns(&self, entity: &str) -> Vec<Name> {
        let _ = entity;
        Vec::new()
    }
    /// What a stage has in one of its columns. Read when an expression is compiled.
    fn stage_value(&self, entity: &str, stage: &str, column: &str) -> Value {
        let _ = (entity, stage, column);
        Value::NULL
    }
    /// The type of a setting.
    fn setting(&self, name: &str) -> Option<Type> {
        let _ = name;
        None
    }
    /// Every setting.
    fn settings(&self) -> Vec<Name> {
        Vec::new()
    }
    /// The language of titles that are read as values.
    fn language(&self) -> &str {
        "en"
    }
    /// The entity whose records are currencies: the type of `amount.currency`; none: that is a text.
    fn currency_entity(&self) -> Option<Name> {
        None
    }
}

/// A schema without any entity, for expressions over plain values.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSchema;

impl Schema for NoSchema {}
