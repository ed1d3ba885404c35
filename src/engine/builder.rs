//! An engine is put together: store, definitions, services, limits. What cannot work is refused here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

use super::background::Bell;
use super::commit::Queue;
use super::deploy::Deploying;
use super::services::{OutsideHandler, Registry, ServiceCall, ServiceError};
use super::{Engine, Error, Ids, Inner, Limits, Observer, Open, Retention};
use crate::element::definition::Catalog;
use crate::instance::rows::Values;
use crate::load::{Problem, Sources};
use crate::model::Name;
use crate::store::{Foreign, ForeignStore, MemoryStore, Store};

/// Warnings of what was loaded.
pub type Warnings = Vec<Problem>;

/// Puts an engine together.
#[derive(Default)]
#[must_use]
pub struct Builder {
    store: Option<Arc<dyn Store>>,
    sources: Option<Sources>,
    path: Option<PathBuf>,
    registry: Registry,
    limits: Limits,
    retention: Retention,
    observers: Vec<Arc<dyn Observer>>,
    foreign: Foreign,
    counted: Option<u64>,
    any_service: bool,
    replace: bool,
}

impl Builder {
    /// The store; in memory when none is given.
    pub fn store(self, store: impl Store + 'static) -> Self {
        Self { store: Some(Arc::new(store)), ..self }
    }

    /// The library and processes in a folder or file.
    pub fn library(self, path: impl AsRef<Path>) -> Self {
        Self { path: Some(path.as_ref().to_path_buf()), ..self }
    }

    /// The library and processes as texts. Without texts or a path the engine runs what the store has.
    pub fn sources(self, sources: Sources) -> Self {
        Self { sources: Some(sources), ..self }
    }

    /// A system of the host keeps the records of an entity; processes read them through it, and what they change is handed to it after the
    /// commit: see [`ForeignStore`].
    pub fn foreign(mut self, entity: &str, store: impl ForeignStore + 'static) -> Self {
        self.foreign.add(Name::new(entity), Arc::new(store));
        self
    }

    /// A handler for work outside: it runs after the commit, at least once, with the same idempotency key over all attempts.
    pub fn service(
        mut self,
        name: &str,
        handler: impl Fn(&ServiceCall) -> Result<Values, ServiceError> + Send + Sync + 'static,
    ) -> Self {
        let handler: Arc<OutsideHandler> = Arc::new(handler);
        self.registry.outside.insert(Name::new(name), handler);
        self
    }

    /// A handler that is part of the turn: pure, quick, without effects.
    pub fn inside(
        mut self,
        name: &str,
        handler: impl Fn(&Values) -> Result<Values, ServiceError> + Send + Sync + 'static,
    ) -> Self {
        self.registry.inside(name, handler);
        self
    }

    /// A service whose jobs are claimed by workers elsewhere.
    pub fn remote(mut self, name: &str) -> Self {
        self.registry.remote.push(Name::new(name));
        self
    }

    /// Services without a handler here are left to workers elsewhere: for tools that only look at a store.
    pub fn remote_services(self) -> Self {
        Self { any_service: true, ..self }
    }

    /// Other limits.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// How long what is over is kept.
    pub fn retention(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// Somebody who is told of every turn, from the first one on.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// A version that no instance runs on may be replaced by other content under the same number: while a process is being written.
    pub fn replace_unused(self) -> Self {
        Self { replace: true, ..self }
    }

    /// Command ids one after the other from a number on, instead of random ones: for tests that must repeat.
    pub fn counted_ids(self, from: u64) -> Self {
        Self { counted: Some(from), ..self }
    }

    /// The engine: definitions are loaded and stored, services checked.
    ///
    /// # Errors
    /// When definitions have problems, a version was deployed with another content, a service has no handler, or the store fails.
    pub fn build(self) -> Result<Engine, Error> {
        let Builder {
            store,
            sources,
            path,
            registry,
            limits,
            retention,
            observers,
            foreign,
            counted,
            any_service,
            replace,
        } = self;
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let sources = match (sources, path) {
            (Some(sources), _) => Some(sources),
            (None, Some(path)) => Some(crate::files::read(&path)?),
            (None, None) => None,
        };
        let waits = store.waits_for_disk();
        let queue = waits.then(|| Arc::new(Queue::new(limits.queue, limits.batch)));
        let engine = Engine {
            _open: queue.clone().map(|queue| Arc::new(Open(queue))),
            inner: Arc::new(Inner {
                store,
                catalog: RwLock::new(Arc::new(Catalog::default())),
                services: registry,
                queue,
                limits,
                retention,
                observers: Mutex::new(observers),
                foreign,
                foreign_failures: Mutex::default(),
                roots: Mutex::default(),
                bell: Bell::default(),
                ids: counted.map_or(Ids::System, |from| Ids::Counted(AtomicU64::new(from))),
                replace,
                any_service,
                halted: AtomicBool::new(false),
            }),
        };
        let deploying = Deploying { replace, ..Deploying::default() };
        engine.load(sources, &deploying)?;
        engine.check_foreign()?;
        if let Some(queue) = &engine.inner.queue {
            queue.begin(&engine)?;
        }
        engine.settle()?;
        Ok(engine)
    }
}
