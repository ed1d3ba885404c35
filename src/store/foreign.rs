//! Records that a system of the host keeps: read through it, changed by effects that follow the commit.

use std::sync::Arc;

use super::{EntityStore, StoreError};
use crate::entity::EventKind;
use crate::instance::Id;
use crate::model::{Name, Ref, Value};

/// A system of the host that keeps the records of an entity: its CRM, its directory, its warehouse.
///
/// Processes read its records through [`EntityStore`], inside the writer's transaction: answer quickly. What a process changes is *not*
/// part of that transaction. The commit holds the change, it is read back from there at once, and [`ForeignStore::take`] is called after
/// the commit: at least once, in the order of the commits, with a key that stays the same over repeats. Until it succeeds, the later
/// changes of the entity wait, and the failure is listed by [`Engine::foreign_failures`](crate::Engine::foreign_failures).
///
/// A host that wants both in one transaction joins the engine's own:
/// [`Session::alongside`](crate::engine::Session::alongside). The two are different types, so that atomicity is never lost by accident.
pub trait ForeignStore: EntityStore {
    /// Carries out a change that a process has made.
    ///
    /// # Errors
    /// When it cannot be carried out, and why; it is tried again.
    fn take(&self, change: &ForeignChange) -> Result<(), StoreError>;
}

/// A committed change of a record that another system keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignChange {
    /// The same over all repeats: what was carried out under it once is not carried out again.
    pub key: Id,
    /// The record.
    pub record: Ref,
    /// Whether it is new or changed; deleting is not asked of a foreign system.
    pub kind: EventKind,
    /// The record's revision with this change; the one before was read from the foreign system, or is new with 1.
    pub rev: u64,
    /// The columns: name, old value, new value.
    pub columns: Vec<(Name, Value, Value)>,
    /// The command that led to it.
    pub command: Id,
}

/// Which systems keep which entities.
#[derive(Clone, Default)]
pub struct Foreign {
    stores: Vec<(Name, Arc<dyn ForeignStore>)>,
}

impl Foreign {
    /// Says that a system keeps the records of an entity.
    pub fn add(&mut self, entity: Name, store: Arc<dyn ForeignStore>) {
        self.stores.retain(|(known, _)| *known != entity);
        self.stores.push((entity, store));
    }

    /// The system that keeps an entity; none when the engine's own store does.
    pub fn of(&self, entity: &str) -> Option<&Arc<dyn ForeignStore>> {
        self.stores.iter().find(|(known, _)| **known == *entity).map(|(_, store)| store)
    }

    /// The entities that other systems keep.
    pub fn entities(&self) -> impl Iterator<Item = &Name> {
        self.stores.iter().map(|(entity, _)| entity)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.stores.is_empty()
    }
}
