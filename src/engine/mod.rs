//! The shell: an embeddable engine over a store. Blocking, cheap to clone, shared between threads.
//!
//! Every call carries an actor and a command id; it returns after its commit. See [`Engine`].

mod background;
mod builder;
mod clock;
mod commit;
mod deploy;
mod error;
mod events;
mod foreign;
mod forms;
mod history;
mod host;
mod jobs;
mod one;
mod principal;
mod query;
mod react;
mod request;
mod services;
mod session;
mod shop;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};

use crate::element::definition::Catalog;
use crate::instance::Id;
use crate::store::{Foreign, JournalRow, Reader, Store, StoreError, Tx};

pub use background::{Background, Pace};
pub use builder::{Builder, Warnings};
pub use clock::Worked;
pub use commit::Ticket;
pub use error::Error;
pub use events::{Event, Happening, Observer, Subscription};
pub use foreign::ForeignFailure;
pub use forms::{Action, TaskForm, TaskOutcome};
pub use history::HistoryEntry;
pub use host::{Alongside, HostError, HostTx};
pub use jobs::ClaimedJob;
pub use query::{IncidentInfo, Startable};
pub use request::Actor;
pub use services::{ServiceCall, ServiceError};
pub use session::{Session, Start};

use commit::Queue;
use request::Request;
use services::Registry;
use shop::{Roots, Shop, Told};

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

/// How long what is over is kept; for ever where none is given. The background work forgets what is older, and so does
/// [`Session::prune`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Instances that have ended.
    pub instances: Option<TimeDelta>,
    /// Rows of the journal; those that a named reader has not come to stay.
    pub journal: Option<TimeDelta>,
    /// Ids of commands: so long the same command may be sent again.
    pub commands: Option<TimeDelta>,
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
/// assert_eq!(engine.transitions(0, 10)?.last().unwrap().to_title.get("en"), "Won");
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
    services: Registry,
    limits: Limits,
    queue: Option<Arc<Queue>>,
    retention: Retention,
    observers: Mutex<Vec<Arc<dyn Observer>>>,
    foreign: Foreign,
    foreign_failures: Mutex<Vec<ForeignFailure>>,
    roots: Mutex<Roots>,
    bell: background::Bell,
    ids: Ids,
    replace: bool,
    /// Whether services without a handler here are left to others.
    any_service: bool,
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

/// The last id's milliseconds and, below them, its number of 12 bits among those of one millisecond.
static LAST_ID: AtomicU64 = AtomicU64::new(0);

/// A UUIDv7, behind all those that this program made before: age is read from ids. Its random half comes from a generator that the
/// system seeds once for each thread: asking the system for every command would cost as much as a step.
fn id_now() -> Id {
    let millis = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = u64::try_from(millis).unwrap_or(0) << 12;
    let after = |last: u64| now.max(last.saturating_add(1));
    let last = LAST_ID.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
    let made = after(last.unwrap_or_else(|last| last));
    let [.., high, low] = made.to_be_bytes();
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    // The first two bytes are the 12 bits behind the milliseconds; the version goes over the four above.
    random[..2].copy_from_slice(&[high, low]);
    uuid::Builder::from_unix_timestamp_millis(made >> 12, &random).into_uuid()
}

/// What this thread is doing for an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// Nothing: every call is welcome.
    Nothing,
    /// A turn: a call into the engine would wait for itself.
    Turn,
    /// Telling observers: they may ask, but not change.
    Telling,
}

thread_local! {
    static INSIDE: Cell<Inside> = const { Cell::new(Inside::Nothing) };
}

/// Runs something as part of what the engine does on this thread.
fn inside<T>(what: Inside, work: impl FnOnce() -> T) -> T {
    struct Reset(Inside);
    impl Drop for Reset {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let _reset = Reset(INSIDE.replace(what));
    work()
}

/// Runs something as part of a turn.
fn inside_turn<T>(work: impl FnOnce() -> T) -> T {
    inside(Inside::Turn, work)
}

/// Whether this thread must not wait for the engine: it *is* the engine at the moment.
fn on_engine_thread() -> bool {
    INSIDE.get() != Inside::Nothing
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
            Ids::System => id_now(),
            Ids::Counted(next) => {
                let number = u128::from(next.fetch_add(1, Ordering::Relaxed));
                // The low bits are the turn's own ids and those of its reactions.
                Id::from_u128((number << 64) | (1 << 120))
            }
        }
    }

    fn shop(&self) -> Shop<'_> {
        Shop {
            catalog: self.catalog(),
            services: &self.inner.services,
            foreign: &self.inner.foreign,
            limits: &self.inner.limits,
            now: self.inner.store.now(),
            roots: &self.inner.roots,
            asked: std::cell::Cell::new(true),
        }
    }

    /// Carries out a request and waits for its answer.
    fn carry_out(&self, request: Request) -> Told {
        match &self.inner.queue {
            None if !on_engine_thread() => self.now_here(request),
            _ => self.submit(request)?.wait(),
        }
    }

    fn submit(&self, request: Request) -> Result<Ticket, Error> {
        if on_engine_thread() {
            return Err(Error::Reentrant);
        }
        match &self.inner.queue {
            Some(queue) => queue.push(request),
            None => Ok(Ticket::done(request.id, self.now_here(request))),
        }
    }

    /// Without a queue: on the caller's thread, with everything that follows from it.
    fn now_here(&self, request: Request) -> Told {
        let requests = [request];
        loop {
            let written = commit::write_batch(self, &requests)?;
            if let Some(told) = written.told.into_iter().next() {
                if written.more {
                    self.settle()?;
                }
                return told;
            }
        }
    }

    /// Asks what is committed.
    fn read<T>(&self, mut ask: impl FnMut(&dyn Reader) -> Result<T, StoreError>) -> Result<T, Error> {
        if INSIDE.get() == Inside::Turn {
            return Err(Error::Reentrant);
        }
        let mut found = None;
        self.inner.store.read(&mut |reader| {
            found = Some(ask(reader)?);
            Ok(())
        })?;
        found.ok_or_else(|| Error::Store(StoreError::Failed("the store did not answer".into())))
    }

    /// One commit beside the turns.
    fn write<T>(&self, mut work: impl FnMut(&mut dyn Tx) -> Result<T, StoreError>) -> Result<T, Error> {
        if on_engine_thread() {
            return Err(Error::Reentrant);
        }
        let mut done = None;
        self.inner.store.write(&mut |tx| {
            done = Some(work(tx)?);
            Ok(())
        })?;
        done.ok_or_else(|| Error::Store(StoreError::Failed("the store did not answer".into())))
    }

    /// Tells observers; one that panics harms nobody else.
    fn tell(&self, rows: &[Arc<JournalRow>]) {
        if rows.is_empty() {
            return;
        }
        self.inner.bell.ring();
        self.each_observer(|observer| rows.iter().for_each(|row| observer.committed(row)));
    }

    fn each_observer(&self, tell: impl Fn(&dyn Observer)) {
        let observers: Vec<Arc<dyn Observer>> = {
            let mut observers = self.inner.observers.lock().unwrap_or_else(PoisonError::into_inner);
            if observers.is_empty() {
                return;
            }
            observers.retain(|observer| !observer.is_gone());
            observers.clone()
        };
        inside(Inside::Telling, || {
            for observer in &observers {
                let _told = catch_unwind(AssertUnwindSafe(|| tell(&**observer)));
            }
        });
    }
}
