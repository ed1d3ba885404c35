//! An engine is put together: store, definitions, services, limits. What cannot work is refused here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use super::commit::Queue;
use super::services::{OutsideHandler, Registry, ServiceCall, ServiceError};
use super::{Engine, Error, Ids, Inner, Limits, Open};
use crate::element::definition::{Catalog, Definition, StartTrigger};
use crate::instance::rows::Values;
use crate::instance::{Id, Need, TimerRow};
use crate::load::{self, Problem, Sources};
use crate::model::Name;
use crate::store::{Deployment, JournalBody, MemoryStore, Store, StoreError};

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
    counted: Option<u64>,
    any_service: bool,
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

    /// Command ids one after the other from a number on, instead of random ones: for tests that must repeat.
    pub fn counted_ids(self, from: u64) -> Self {
        Self { counted: Some(from), ..self }
    }

    /// The engine: definitions are loaded and stored, services checked.
    ///
    /// # Errors
    /// When definitions have problems, a version was deployed with another content, a service has no handler, or the store fails.
    pub fn build(self) -> Result<Engine, Error> {
        let Builder { store, sources, path, registry, limits, counted, any_service } = self;
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let sources = match (sources, path) {
            (Some(sources), _) => Some(sources),
            (None, Some(path)) => Some(crate::files::read(&path)?),
            (None, None) => None,
        };
        let waits = store.waits_for_disk();
        let queue = waits.then(|| Arc::new(Queue::new(limits.queue)));
        let engine = Engine {
            _open: queue.clone().map(|queue| Arc::new(Open(queue))),
            inner: Arc::new(Inner {
                store,
                catalog: RwLock::new(Arc::new(Catalog::default())),
                services: Arc::new(registry),
                queue,
                limits,
                observers: Mutex::default(),
                ids: counted.map_or(Ids::System, |from| Ids::Counted(AtomicU64::new(from))),
                halted: AtomicBool::new(false),
            }),
        };
        engine.load(sources)?;
        let missing = engine.inner.services.missing(&engine.catalog());
        if let (false, [first, ..]) = (any_service, missing.as_slice()) {
            let more = missing.len().saturating_sub(1);
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            return Err(Error::Build(format!("{first}{more}")));
        }
        if let Some(queue) = &engine.inner.queue {
            queue.begin(&engine)?;
        }
        engine.settle()?;
        Ok(engine)
    }
}

impl Engine {
    /// Definitions of the store, and those given, which are stored.
    fn load(&self, sources: Option<Sources>) -> Result<Warnings, Error> {
        let mut stored = Vec::new();
        self.inner.store.read(&mut |reader| {
            stored = reader.deployments()?;
            Ok(())
        })?;
        let Some(sources) = sources.or_else(|| sources_of(&stored)) else {
            return Err(Error::Build("expected definitions, found none: neither given nor in the store".into()));
        };
        let loaded = load::library(&sources)?;
        let mut catalog = Catalog::new(Arc::new(loaded.library));
        loaded.definitions.iter().for_each(|definition| catalog.add(definition.clone()));
        let mut warnings = loaded.warnings;
        older_versions(&stored, &mut catalog)?;
        let new = self.store_definitions(&sources, &stored, &loaded.definitions, &catalog)?;
        *self.inner.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
        for definition in new {
            self.arm_schedules(&definition)?;
        }
        warnings.sort_by_key(|problem| problem.span);
        Ok(warnings)
    }

    /// Deploys a library and its processes in place of the present ones; running instances stay on their versions.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn deploy(&self, sources: Sources) -> Result<Warnings, Error> {
        self.settle()?;
        self.load(Some(sources))
    }

    /// Deploys one more process, or another version of one, beside the present library.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn deploy_process(&self, sources: &Sources) -> Result<Warnings, Error> {
        self.settle()?;
        let mut stored = Vec::new();
        self.inner.store.read(&mut |reader| {
            stored = reader.deployments()?;
            Ok(())
        })?;
        let mut catalog = (*self.catalog()).clone();
        let loaded = load::process(sources, &catalog)?;
        loaded.definitions.iter().for_each(|definition| catalog.add(definition.clone()));
        let new = self.store_definitions(sources, &stored, &loaded.definitions, &catalog)?;
        *self.inner.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
        for definition in new {
            self.arm_schedules(&definition)?;
        }
        Ok(loaded.warnings)
    }

    /// Stores what is not stored yet; a version with another content is refused. Gives the definitions that are new.
    fn store_definitions(
        &self,
        sources: &Sources,
        stored: &[Deployment],
        definitions: &[Arc<Definition>],
        catalog: &Catalog,
    ) -> Result<Vec<Arc<Definition>>, Error> {
        let now = self.now();
        let mut new = Vec::new();
        let mut rows = Vec::new();
        for (_, source) in sources.iter() {
            let definition = definitions.iter().find(|definition| *definition.file == *source.name);
            let (name, version) = match definition {
                Some(definition) => (definition.process.clone(), definition.version),
                None => (Name::new(text_name(&source.name)), 0),
            };
            let known = stored.iter().rev().find(|row| row.name == name && row.version == version);
            match (known, definition) {
                (Some(known), _) if *known.text == *source.text => continue,
                (Some(_), Some(definition)) => {
                    let process = &definition.process;
                    let text =
                        format!("{process} version {version} was deployed with another content; give it a new version");
                    return Err(Error::Build(text));
                }
                _ => {}
            }
            let table = definition.map(|definition| table_bytes(definition)).unwrap_or_default();
            new.extend(definition.cloned());
            let (file, text) = (source.name.to_string(), source.text.to_string());
            rows.push(Deployment { name, version, file, text, table, at: now });
        }
        let columns: Vec<(Name, Name)> = catalog.library.indexed_columns().into_iter().collect();
        self.inner.store.write(&mut |tx| {
            rows.iter().try_for_each(|row| tx.deploy(row))?;
            tx.index(&columns)
        })?;
        Ok(new)
    }

    /// Timer starts belong to the newest version only: a new one arms its own.
    fn arm_schedules(&self, definition: &Definition) -> Result<(), Error> {
        for (at, start) in definition.starts.iter().enumerate() {
            if matches!(start.trigger, StartTrigger::Schedule(_)) {
                let at = u32::try_from(at).unwrap_or(u32::MAX);
                self.arm_schedule(schedule_id(&definition.process, at), &definition.process, at, None)?;
            }
        }
        Ok(())
    }

    /// Arms the next occurrence of a schedule behind the last one; what was missed meanwhile is one occurrence.
    pub(super) fn arm_schedule(
        &self,
        id: Id,
        process: &Name,
        start: u32,
        last: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let catalog = self.catalog();
        let trigger =
            catalog.newest(process).and_then(|def| def.starts.get(start as usize)).map(|start| &start.trigger);
        let Some(StartTrigger::Schedule(cycle)) = trigger else {
            return self.write_needs(vec![Need::DisarmTimer(id, 0)], schedule_body());
        };
        let calendar = catalog.library.calendar.as_ref().and_then(|name| catalog.library.calendars.get(name));
        let calendar = calendar.unwrap_or_else(|| crate::model::Calendar::standard());
        let now = self.now();
        let first = cycle.from.and_then(DateTime::from_timestamp_micros).filter(|_| last.is_none());
        let mut due = match (first, last) {
            (Some(first), _) => first,
            (None, from) => calendar.add(from.unwrap_or(now), &cycle.every).unwrap_or(now),
        };
        for _ in 0..100_000 {
            match calendar.add(due, &cycle.every) {
                Some(next) if due <= now && next > due && last.is_some() => due = next,
                _ => break,
            }
        }
        self.write_needs(vec![Need::ArmTimer(TimerRow { instance: id, wait: 0, due })], schedule_body())
    }

    /// The process and start that a schedule's timer belongs to.
    pub(super) fn scheduled(&self, id: Id) -> Option<(Name, u32)> {
        if id.as_u128() >> 96 != u128::from(SCHEDULE) {
            return None;
        }
        let catalog = self.catalog();
        for definition in catalog.all_newest() {
            for at in 0..u32::try_from(definition.starts.len()).unwrap_or(0) {
                if schedule_id(&definition.process, at) == id {
                    return Some((definition.process.clone(), at));
                }
            }
        }
        None
    }
}

/// The head of the ids under which schedules keep their timers; no UUIDv7 of this era begins so.
const SCHEDULE: u32 = 0x5ced_5ced;

fn schedule_id(process: &Name, start: u32) -> Id {
    // FNV-1a: the same on every machine and in every version.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in process.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    Id::from_u128((u128::from(SCHEDULE) << 96) | (u128::from(hash) << 32) | u128::from(start))
}

fn schedule_body() -> JournalBody {
    JournalBody { kind: "schedule".into(), ..JournalBody::default() }
}

fn table_bytes(definition: &Definition) -> Vec<u8> {
    let table = definition.graph.table();
    let mut bytes = vec![1];
    // Writing to memory cannot fail.
    let _infallible = minicbor::encode((&table.nodes, &table.flows), &mut bytes);
    bytes
}

/// Texts that are no process are kept under their file's name.
fn text_name(file: &str) -> String {
    format!("file:{file}")
}

/// The newest texts of the store, as they were given.
fn sources_of(stored: &[Deployment]) -> Option<Sources> {
    let mut newest: BTreeMap<&Name, &Deployment> = BTreeMap::new();
    for row in stored {
        let known = newest.get(&row.name).map_or(0, |known| known.version);
        if row.version >= known {
            newest.insert(&row.name, row);
        }
    }
    if newest.is_empty() {
        return None;
    }
    let mut sources = Sources::new();
    // The library first, then in order of names.
    for row in newest.values() {
        sources.add(&row.file, &row.text);
    }
    Some(sources)
}

/// Versions that instances may still run on, bound against the newest library.
fn older_versions(stored: &[Deployment], catalog: &mut Catalog) -> Result<(), Error> {
    for row in stored.iter().filter(|row| row.version > 0) {
        if catalog.get(&row.name, Some(row.version)).is_some() {
            continue;
        }
        let mut sources = Sources::new();
        sources.add(&row.file, &row.text);
        let loaded = load::process(&sources, catalog)?;
        loaded.definitions.into_iter().for_each(|definition| catalog.add(definition));
    }
    Ok(())
}

impl From<crate::entity::WindowError> for Error {
    fn from(error: crate::entity::WindowError) -> Self {
        Error::Store(StoreError::Failed(error.to_string()))
    }
}
