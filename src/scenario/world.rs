//! The world of one scenario: an engine over a store of its own, names for records and runs, services that answer as told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::draft::Script;
use super::{Options, Over, Stopped};
use crate::engine::{Builder, Engine, Error, ServiceCall, ServiceError, Session};
use crate::instance::rows::Values;
use crate::instance::{self, Fact, Id};
use crate::load::literal::Literals;
use crate::load::{Node, Problems, Sources};
use crate::model::{Name, Ref, Schema, Span, Type, Value};
use crate::store::{JournalOf, MemoryStore, TaskFilter};
#[cfg(feature = "sqlite")]
use crate::store::{SqliteStore, sqlite};

/// Everything that a scenario has made so far.
pub(super) struct World {
    /// None only while it is closed.
    engine: Option<Engine>,
    place: Place,
    sources: Sources,
    at: DateTime<Utc>,
    /// Names of records.
    pub aliases: BTreeMap<String, Ref>,
    /// Names of runs.
    pub runs: BTreeMap<String, Id>,
    stubs: Arc<Mutex<Stubs>>,
    /// Journal rows that `transitions:` has looked at.
    pub told: u64,
    opened: u64,
    services: Vec<Name>,
    pub folder: PathBuf,
}

/// Where the data lies.
enum Place {
    Memory(MemoryStore),
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteFile),
}

/// A file that goes with the scenario.
#[cfg(feature = "sqlite")]
struct SqliteFile(PathBuf);

#[cfg(feature = "sqlite")]
impl Drop for SqliteFile {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", ".lock"] {
            let mut name = self.0.as_os_str().to_owned();
            name.push(end);
            // What was never made need not go.
            let _gone = std::fs::remove_file(name);
        }
    }
}

/// What services answer, and what they were asked.
#[derive(Default)]
struct Stubs {
    answers: BTreeMap<Name, Vec<Answer>>,
    calls: Vec<ServiceCall>,
}

/// One answer of a service.
#[derive(Clone)]
enum Answer {
    Returns(Values),
    Raises(Name),
    Breaks(String),
}

impl World {
    /// Opens the world of a script.
    pub fn open(script: &Script<'_>, folder: &Path, options: Options) -> Result<Self, Stopped> {
        let library = folder.join(&script.library);
        let sources = crate::files::read(&library)
            .map_err(|error| Stopped::At(Span::default(), format!("the library cannot be read:\n{error}")))?;
        let at = script.at.unwrap_or_default();
        let place = match options.over {
            Over::Memory => Place::Memory(MemoryStore::at(at)),
            #[cfg(feature = "sqlite")]
            Over::Sqlite => {
                let name = format!("stageflow-scenario-{}.db", uuid::Uuid::now_v7());
                Place::Sqlite(SqliteFile(std::env::temp_dir().join(name)))
            }
        };
        let mut world = Self {
            engine: None,
            place,
            sources,
            at,
            aliases: BTreeMap::new(),
            runs: BTreeMap::new(),
            stubs: Arc::default(),
            told: 0,
            opened: 0,
            services: Vec::new(),
            folder: folder.to_path_buf(),
        };
        world.services = world.declared_services();
        world.begin(true).map_err(|error| Stopped::At(Span::default(), error.to_string()))?;
        Ok(world)
    }

    /// What stands open at this moment, for the report of a failure.
    pub fn moment(&self) -> String {
        let Some(engine) = &self.engine else { return String::new() };
        let mut lines = Vec::new();
        for task in engine.tasks(&TaskFilter::default()).unwrap_or_default() {
            lines.push(format!("open task {} of {}", task.step, task.process));
        }
        for incident in engine.incidents().unwrap_or_default() {
            lines.push(format!(
                "incident {} at {} of {}: {}",
                incident.code, incident.step, incident.process, incident.message
            ));
        }
        for failed in engine.failed_reactions().unwrap_or_default() {
            lines.push(format!("failed reaction: {}", failed.why));
        }
        lines.iter().map(|line| format!("\n    {line}")).collect()
    }

    /// The nodes that the runs came to, as the journal tells.
    pub fn visited(&self) -> Result<BTreeSet<(Name, String)>, Error> {
        let Some(engine) = &self.engine else { return Ok(BTreeSet::new()) };
        let (catalog, mut visited) = (engine.catalog(), BTreeSet::new());
        for row in engine.journal(&JournalOf::All, 0, usize::MAX >> 1)? {
            let Some(instance) = row.instance.and_then(|id| engine.instance(id).ok()) else { continue };
            let Some(def) = catalog.get(&instance.process, Some(instance.version)) else { continue };
            let came = row.body.facts.iter().filter_map(|fact| match fact {
                Fact::Passed(_, _, node) | Fact::Placed(_, instance::Place::Entering(node)) => Some(*node),
                Fact::Arrived(_, flow) => def.graph.target(*flow),
                Fact::Born(token) => match token.place {
                    instance::Place::Entering(node) => Some(node),
                    _ => None,
                },
                _ => None,
            });
            visited.extend(came.map(|node| (def.process.clone(), def.graph.key(node).to_string())));
        }
        Ok(visited)
    }

    pub fn engine(&self) -> Result<&Engine, Stopped> {
        self.engine.as_ref().ok_or_else(|| Stopped::At(Span::default(), "the engine is closed".into()))
    }

    /// The actor of a step.
    pub fn session(&self, by: Option<&str>) -> Result<Session<'_>, Stopped> {
        let engine = self.engine()?;
        Ok(match by {
            None => engine.system(),
            Some(user) => engine.user(self.aliases.get(user).map_or(user, |record| record.id.as_str())),
        })
    }

    /// Closes the engine and opens it again on the same store.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.engine = None;
        self.begin(false)
    }

    fn begin(&mut self, first: bool) -> Result<(), Error> {
        self.opened = self.opened.saturating_add(1);
        let mut builder = Engine::builder().counted_ids(self.opened.saturating_mul(1_000_000));
        if first {
            builder = builder.sources(self.sources.clone());
        }
        builder = match &self.place {
            Place::Memory(store) => builder.store(store.clone()),
            #[cfg(feature = "sqlite")]
            Place::Sqlite(SqliteFile(path)) => {
                let options = sqlite::Options { clock: Some(self.at), ..sqlite::Options::default() };
                builder.store(SqliteStore::open_with(path, options)?)
            }
        };
        for service in &self.services {
            builder = stub(builder, service, self.stubs.clone());
        }
        self.engine = Some(builder.build()?);
        Ok(())
    }

    /// The services that the library declares.
    fn declared_services(&self) -> Vec<Name> {
        match crate::load::library(&self.sources) {
            Ok(loaded) => loaded.library.services.keys().cloned().collect(),
            // The problems are told when the engine is built.
            Err(_) => Vec::new(),
        }
    }

    /// Tells services how to answer.
    pub fn answer(&self, service: &str, node: &Node) -> Result<(), Stopped> {
        let engine = self.engine()?;
        let catalog = engine.catalog();
        let Some(spec) = catalog.library.services.get(service) else {
            return Err(Stopped::At(node.span, format!("the library has no service {service}")));
        };
        let returns = Type::Map(spec.returns.clone().into());
        let mut answers = Vec::new();
        for item in crate::load::cursor::list_or_one(node) {
            answers.push(match (item.get("returns"), item.get("raises").and_then(Node::word), item.get("breaks")) {
                (Some(node), ..) => match self.value(node, &returns)? {
                    Value::Map(values) => Answer::Returns((*values).clone()),
                    _ => Answer::Returns(Values::new()),
                },
                (_, Some(code), _) => Answer::Raises(Name::new(code)),
                (_, _, Some(text)) => Answer::Breaks(text.word().unwrap_or("it broke").to_string()),
                _ => return Err(Stopped::At(item.span, "expected returns, raises or breaks".into())),
            });
        }
        self.stubs.lock().unwrap_or_else(PoisonError::into_inner).answers.insert(Name::new(service), answers);
        Ok(())
    }

    /// What a service was asked so far.
    pub fn calls(&self, service: &str) -> Vec<ServiceCall> {
        let stubs = self.stubs.lock().unwrap_or_else(PoisonError::into_inner);
        stubs.calls.iter().filter(|call| &*call.service == service).cloned().collect()
    }

    /// The record of a name, or of an id.
    pub fn record(&self, node: &Node) -> Result<Ref, Stopped> {
        let name = node.word().unwrap_or_default();
        self.aliases
            .get(name)
            .cloned()
            .ok_or_else(|| Stopped::At(node.span, format!("there is no record named {name}")))
    }

    /// A value as data, of the declared type.
    pub fn value(&self, node: &Node, ty: &Type) -> Result<Value, Stopped> {
        let catalog = self.engine()?.catalog();
        let schema: &dyn Schema = &*catalog.library;
        let problems = Problems::new();
        let alias = |name: &str| self.aliases.get(name).cloned();
        let value = Literals { schema, alias: &alias, problems: &problems }.value(node, ty);
        match value {
            Some(value) if !problems.has_errors() => Ok(value),
            _ => Err(Stopped::Wrong(problems.into_sorted())),
        }
    }
}

fn stub(builder: Builder, service: &Name, stubs: Arc<Mutex<Stubs>>) -> Builder {
    builder.service(service, move |call| {
        let mut stubs = stubs.lock().unwrap_or_else(PoisonError::into_inner);
        stubs.calls.push(call.clone());
        let Some(answers) = stubs.answers.get_mut(&call.service) else {
            return Err(ServiceError::Broke(format!("the scenario gives no answer of {}", call.service)));
        };
        // The last answer stays; those before it are given once each.
        let answer = if answers.len() > 1 { Some(answers.remove(0)) } else { answers.first().cloned() };
        match answer {
            Some(Answer::Returns(values)) => Ok(values),
            Some(Answer::Raises(code)) => Err(ServiceError::Raised(code, Values::new())),
            Some(Answer::Breaks(text)) => Err(ServiceError::Broke(text)),
            None => Err(ServiceError::Broke("the scenario gives no answer".into())),
        }
    })
}
