//! A store that dies with one of its commits, as if the power went.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use stageflow::entity::{Query, Record};
use stageflow::model::Ref;
use stageflow::store::{EntityStore, MemoryStore, Reader, Store, StoreError, Tx};

/// On which side of the commit it dies.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// Everything was done but the commit.
    Before,
    /// The commit was made, but nobody learnt of it.
    After,
}

#[derive(Clone)]
pub struct Dying {
    store: MemoryStore,
    at: u64,
    when: When,
    commits: Arc<AtomicU64>,
    dead: Arc<AtomicBool>,
}

impl Dying {
    /// A store over another one, which survives; it dies with this commit, counted from 0.
    pub fn new(store: MemoryStore, at: u64, when: When) -> Self {
        Self { store, at, when, commits: Arc::default(), dead: Arc::default() }
    }

    pub fn died(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    fn alive(&self) -> Result<(), StoreError> {
        if self.died() { Err(StoreError::Failed("the power is gone".into())) } else { Ok(()) }
    }
}

impl EntityStore for Dying {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, StoreError> {
        self.alive().and_then(|()| self.store.get(record))
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, StoreError> {
        self.alive().and_then(|()| self.store.query(query))
    }
}

impl Store for Dying {
    fn write(&self, work: &mut dyn FnMut(&mut dyn Tx) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.alive()?;
        if self.commits.fetch_add(1, Ordering::SeqCst) != self.at {
            return self.store.write(work);
        }
        let _kept_or_not = match self.when {
            When::After => self.store.write(work),
            When::Before => {
                self.store.write(&mut |tx| work(tx).and(Err(StoreError::Aborted("the power is gone".into()))))
            }
        };
        self.dead.store(true, Ordering::SeqCst);
        self.alive()
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.alive().and_then(|()| self.store.read(work))
    }

    fn now(&self) -> DateTime<Utc> {
        self.store.now()
    }

    fn durability(&self) -> &'static str {
        self.store.durability()
    }

    fn waits_for_disk(&self) -> bool {
        self.store.waits_for_disk()
    }
}
