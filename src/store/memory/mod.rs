//! The store in memory: on the caller's thread, without a queue. What a test and a benchmark want; nothing survives the process.

mod journal;
mod live;
mod tables;
mod tx;

use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};

use super::{EntityStore, Reader, Store, StoreError, Tx};
use crate::entity::{Query, Record, Window};
use crate::model::Ref;
use tables::Tables;
pub(in crate::store) use tables::index_key;

/// A store in memory. Clones share it, so that an engine can be closed and opened again over the same data.
///
/// ```
/// use stageflow::store::{MemoryStore, Store};
/// let store = MemoryStore::at("2026-03-02T09:00:00Z".parse().unwrap());
/// assert_eq!(store.now().to_string(), "2026-03-02 09:00:00 UTC");
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    /// Where a manual clock stands; the system's clock when none.
    clock: Option<DateTime<Utc>>,
}

impl MemoryStore {
    /// A store on the system's clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store whose clock stands at an instant until it is moved.
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self { clock: Some(instant), ..Self::default() }
    }

    /// The same store with a journal that keeps about so many bytes: the oldest rows go first.
    pub fn keep_journal(self, bytes: usize) -> Self {
        self.lock().journal_limit = bytes;
        self
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // A panic inside a transaction was undone by its guard, so the data is whole.
        self.tables.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl EntityStore for MemoryStore {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, StoreError> {
        Ok(self.lock().get(record)?)
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, StoreError> {
        Ok(self.lock().query(query)?)
    }
}

/// Undoes what a transaction did when it is left without being kept: by an error or a panic.
struct Undo<'a> {
    tables: MutexGuard<'a, Tables>,
    keep: bool,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.keep {
            self.tables.forget_log();
        } else {
            self.tables.rollback_to(0);
        }
        self.tables.logging = false;
    }
}

impl Store for MemoryStore {
    fn write(&self, work: &mut dyn FnMut(&mut dyn Tx) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut undo = Undo { tables: self.lock(), keep: false };
        undo.tables.logging = true;
        work(&mut *undo.tables)?;
        undo.keep = true;
        Ok(())
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>) -> Result<(), StoreError> {
        work(&*self.lock())
    }

    fn now(&self) -> DateTime<Utc> {
        let now = self.clock.unwrap_or_else(Utc::now);
        super::moved(now, self.lock().offset)
    }

    fn durability(&self) -> &'static str {
        "memory: nothing survives the process"
    }

    fn waits_for_disk(&self) -> bool {
        false
    }
}
