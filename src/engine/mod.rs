//! The shell: an embeddable engine over a store. Blocking, cheap to clone, shared between threads.
//!
//! Every call carries an actor and a command id; it returns after its commit. See [`Engine`].

mod builder;
mod commit;
mod error;
mod query;
mod services;
mod session;
mod turns;
mod work;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::element::definition::Catalog;
use crate::instance::Id;
use crate::store::{JournalRow, Store};

pub use builder::{Builder, Warnings};
pub use commit::Ticket;
pub use error::Error;
pub use query::{HistoryEntry, IncidentInfo, Startable};
pub use services::{ServiceCall, ServiceError};
pub use session::{Session, Start};
pub use turns::Actor;
pub use work::{ClaimedJob, Worked};

use commit::Queue;
use services::Registry;
use turns::{Request, Shop, Told};

/// What may be used up, all adjustable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Steps of one turn.
    pub steps: u32,
    /// Tokens of one instance.
    pub tokens: usize,
    /// Bytes of an instance's state with its variables.
    pub variable_bytes: usize,
    /// How many reactions may follow from each other.
    pub reaction_depth: u32,
    /// Reactions of depth 2 and more for one root command.
    pub reactions_per_root: u32,
    /// Commands that may wait to be written.
    pub queue: usize,
    /// Commands in one physical commit.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 100_000,
            tokens: 10_000,
            variable_bytes: 1 << 20,
            reaction_depth: crate::turn::MAX_DEPTH,
            reactions_per_root: 1_000,
            queue: 10_000,
            batch: 256,
        }
    }
}

/// Somebody who is told of every turn after its commit.
pub trait Observer: Send + Sync {
    /// A turn was committed.
    fn committed(&self, row: &JournalRow);
}

/// An engine: definitions, a store, and the host's services.
///
/// ```
/// use stageflow::Engine;
/// use stageflow::load::Sources;
/// use stageflow::store::MemoryStore;
///
/// let mut sources = Sources::new();
/// sources.add("shop.yaml", "
/// library: shop
/// entities:
///   deal: {fields: {title: text}, stages: {field: stage, initial: open, values: {open: {title: Open}, won: {title: Won, final: success}}}}
/// ");
/// sources.add("close.yaml", "
/// process: close
/// entity: deal
/// start: [{manual: {}}]
/// steps:
///   - stage: self -> won
/// ");
/// let engine = Engine::builder().store(MemoryStore::new()).sources(sources).build()?;
/// let deal = engine.system().create("deal", [("title", "Laptops".into())])?;
/// engine.system().start("close").about(&deal).run()?;
/// assert_eq!(engine.transitions(0, 10)?[0].to_title.get("en"), "Won");
/// # Ok::<(), stageflow::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    /// Held by the callers' clones only: with the last of them the queue is written to its end and closed.
    _open: Option<Arc<Open>>,
}

/// The queue of an engine that is open.
struct Open(Arc<Queue>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Inner {
    store: Arc<dyn Store>,
    catalog: RwLock<Arc<Catalog>>,
    services: Arc<Registry>,
    limits: Limits,
    queue: Option<Arc<Queue>>,
    observers: Mutex<Vec<Arc<dyn Observer>>>,
    ids: Ids,
    /// Commits, but reacts to nothing any more: as if the program ended behind the next commit.
    halted: AtomicBool,
}

/// Where command ids come from when the caller brings none.
enum Ids {
    /// UUIDv7 of the system.
    System,
    /// One after the other from a base: for tests that must repeat.
    Counted(AtomicU64),
}

thread_local! {
    /// Whether this thread runs a turn: a call into the engine from there would wait for itself.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs something as part of a turn.
fn inside_turn<T>(work: impl FnOnce() -> T) -> T {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let _reset = Reset(INSIDE.replace(true));
    work()
}

impl Engine {
    /// Begins to build an engine.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The host itself as actor: may do everything.
    pub fn system(&self) -> Session<'_> {
        Session::new(self, Actor::System)
    }

    /// A user as actor, by the id of his `user` record.
    pub fn user(&self, id: &str) -> Session<'_> {
        Session::new(self, Actor::User(crate::model::Name::new(id)))
    }

    /// The engine's time: the store's clock, the only one.
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.store.now()
    }

    /// The library and all definitions, as they are deployed now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.inner.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The store underneath.
    pub fn store(&self) -> &dyn Store {
        &*self.inner.store
    }

    /// Somebody is told of every turn from now on, after its commit, on the committing thread. What must not be missed is read from
    /// the journal instead, with [`Engine::transitions`] or a cursor.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.inner.observers.lock().unwrap_or_else(PoisonError::into_inner).push(observer);
    }

    /// From now on the engine commits but reacts to nothing, as if the program ended right behind the next commit: for tests.
    pub fn halt(&self) {
        self.inner.halted.store(true, Ordering::SeqCst);
    }

    fn is_halted(&self) -> bool {
        self.inner.halted.load(Ordering::SeqCst)
    }

    /// A new command id.
    pub fn new_id(&self) -> Id {
        match &self.inner.ids {
            Ids::System => Id::now_v7(),
            Ids::Counted(next) => {
                let number = u128::from(next.fetch_add(1, Ordering::Relaxed));
                // The low bits are the turn's own ids and those of its reactions.
                Id::from_u128((number << 64) | (1 << 120))
            }
        }
    }

    fn shop(&self) -> Shop {
        Shop {
            catalog: self.catalog(),
            services: self.inner.services.clone(),
            limits: self.inner.limits.clone(),
            now: self.inner.store.now(),
        }
    }

    fn submit(&self, request: Request) -> Result<Ticket, Error> {
        if INSIDE.get() {
            return Err(Error::Reentrant);
        }
        match &self.inner.queue {
            Some(queue) => queue.push(request),
            None => Ok(Ticket::done(self.now_here(request))),
        }
    }

    /// Without a queue: on the caller's thread, with everything that follows from it.
    fn now_here(&self, request: Request) -> Told {
        let told = commit::write_batch(self, &[request]).map_err(Error::Store)?;
        self.settle()?;
        told.into_iter().next().unwrap_or(Err(Error::Closed))
    }

    fn tell(&self, rows: &[Arc<JournalRow>]) {
        let observers = self.inner.observers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for row in rows {
            observers.iter().for_each(|observer| observer.committed(row));
        }
    }
}
