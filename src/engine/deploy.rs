//! Definitions in the store: texts as they were given, version by version, and which of them are in force.
//!
//! A process version is pinned with its text, its numbers and the versions of the decisions it asks; entities, settings and roles are the newest library's. A file that is
//! opened without texts runs what it holds.

mod decisions;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};

use super::clock::schedules;
use super::error::Error;
use super::{Actor, Engine, Warnings};
use crate::element::decide::Table;
use crate::element::definition::{Catalog, Definition};
use crate::instance::{Id, InstanceRow, Need};
use crate::load::{self, Problem, Sources};
use crate::model::{Name, Ref};
use crate::store::{Applied, Deployment, InstanceFilter, JournalBody, JournalRow, StoreError, Write};

/// The name of the row that lists which texts are in force.
const IN_FORCE: &str = "in force";

/// Who deploys, and how.
#[derive(Default)]
pub(super) struct Deploying {
    pub id: Option<Id>,
    pub actor: Option<Actor>,
    /// A version without live instances may be replaced.
    pub replace: bool,
    /// Beside what is in force already, not in its place.
    pub beside: bool,
}

impl Engine {
    /// Deploys a library and its processes in place of the present ones; running instances stay on their versions.
    ///
    /// # Errors
    /// When definitions have problems, a version was deployed with another content, a service has no handler, or an instance runs on a
    /// version that the new library does not fit.
    pub fn deploy(&self, sources: Sources) -> Result<Warnings, Error> {
        self.system().deploy(sources)
    }

    /// Deploys one more process, or another version of one, beside the present library.
    ///
    /// # Errors
    /// As [`Engine::deploy`].
    pub fn deploy_process(&self, sources: &Sources) -> Result<Warnings, Error> {
        self.system().deploy_process(sources)
    }

    /// Definitions of the store, and those given, which are stored.
    pub(super) fn load(&self, sources: Option<Sources>, deploying: &Deploying) -> Result<Warnings, Error> {
        let stored = self.read(|reader| reader.deployments())?;
        let given = sources.is_some();
        let Some(sources) = sources.or_else(|| sources_of(&stored)) else {
            return Err(Error::Build("expected definitions, found none: neither given nor in the store".into()));
        };
        let (mut catalog, decisions, definitions, mut warnings) = if deploying.beside {
            let catalog = (*self.catalog()).clone();
            let loaded = load::process(&sources, &catalog)?;
            decisions::still_fit(&stored, &loaded.decisions, &loaded.definitions)?;
            (catalog, loaded.decisions, loaded.definitions, loaded.warnings)
        } else {
            let loaded = load::library(&sources)?;
            (Catalog::new(Arc::new(loaded.library)), loaded.decisions, loaded.definitions, loaded.warnings)
        };
        definitions.iter().for_each(|definition| catalog.add(definition.clone()));
        if !deploying.beside {
            warnings.extend(self.older_versions(&stored, &mut catalog)?);
        }
        check_numbers(&stored, &definitions)?;
        let texts = Texts { sources: &sources, decisions: &decisions, definitions: &definitions };
        let rows = if given { self.new_rows(&texts, &stored, deploying)? } else { Vec::new() };
        catalog.decisions.extend(decisions);
        self.check_handlers(&catalog, || stored.iter().chain(&rows))?;
        self.store_definitions(&rows, &catalog, deploying)?;
        *self.inner.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
        warnings.sort_by_key(|problem| problem.span);
        Ok(warnings)
    }

    /// What is not stored yet. A version with another content is refused.
    fn new_rows(
        &self,
        texts: &Texts<'_>,
        stored: &[Deployment],
        deploying: &Deploying,
    ) -> Result<Vec<Deployment>, Error> {
        let at = self.now();
        let (mut rows, mut names) = (Vec::new(), Vec::new());
        for (_, source) in texts.sources.iter() {
            let definition = texts.definitions.iter().find(|definition| *definition.file == *source.name);
            let (name, version) = texts.named(&source.name);
            names.push((name.clone(), version));
            let known = stored.iter().rev().find(|row| row.name == name && row.version == version);
            match known {
                Some(known) if *known.text == *source.text => {
                    if definition.is_none_or(|definition| decisions::asked(known) == decisions::asked_by(definition)) {
                        continue;
                    }
                    self.may_replace(&name, version, "other versions of the decisions it asks", stored, deploying)?;
                }
                Some(_) if version > 0 => self.may_replace(&name, version, "another content", stored, deploying)?,
                _ => {}
            }
            let table = definition.map(|definition| table_bytes(definition)).unwrap_or_default();
            let (file, text) = (source.name.to_string(), source.text.to_string());
            rows.push(Deployment { name, version, file, text, table, at });
        }
        let before = stored.iter().rev().find(|row| &*row.name == IN_FORCE).map(|row| row.text.clone());
        let list = in_force(before.as_deref().filter(|_| deploying.beside), names);
        if before.as_deref() != Some(&*list) {
            let (name, file, table) = (Name::new(IN_FORCE), String::new(), Vec::new());
            rows.push(Deployment { name, version: 0, file, text: list, table, at });
        }
        Ok(rows)
    }

    /// Whether a version may be replaced: only where that is wished, and nothing runs on it.
    fn may_replace(
        &self,
        name: &Name,
        version: u32,
        what: &str,
        stored: &[Deployment],
        deploying: &Deploying,
    ) -> Result<(), Error> {
        let refused = |why: String| {
            let text = format!("{} version {version} was deployed with {what}{why}", decisions::shown(name));
            Err(Error::Build(format!("{text}; give it a new version")))
        };
        if !deploying.replace {
            return refused(String::new());
        }
        let mut live = self.live(name, version)?.len();
        for (process, of) in decisions::askers(stored, name, version) {
            live = live.saturating_add(self.live(process, of)?.len());
        }
        if live == 0 { Ok(()) } else { refused(format!(" and {live} instances run on it")) }
    }

    /// The live instances of a version.
    fn live(&self, process: &Name, version: u32) -> Result<Vec<InstanceRow>, Error> {
        let filter = InstanceFilter { process: Some(process.clone()), limit: Some(usize::MAX), ..Default::default() };
        let rows = self.instances(&filter)?;
        Ok(rows.into_iter().filter(|row| row.version == version && !row.status.is_over()).collect())
    }

    /// Stores texts and arms the schedules of new versions, in one commit with its row of the journal.
    fn store_definitions(&self, rows: &[Deployment], catalog: &Catalog, deploying: &Deploying) -> Result<(), Error> {
        let columns: Vec<(Name, Name)> = catalog.library.indexed_columns().into_iter().collect();
        let now = self.now();
        let (mut needs, mut notes): (Vec<Need>, Vec<String>) = (Vec::new(), Vec::new());
        for row in rows.iter().filter(|row| row.version > 0) {
            notes.push(format!("{} version {} of {}", row.name, row.version, row.file));
            let newest = catalog.newest(&row.name).filter(|newest| newest.version == row.version);
            needs.extend(newest.into_iter().flat_map(|newest| schedules(newest, now)));
        }
        notes.extend(rows.iter().filter(|row| row.version == 0 && !row.file.is_empty()).map(|row| row.file.clone()));
        let principal = match &deploying.actor {
            Some(Actor::User(id)) => Some(Ref { entity: Name::new("user"), id: id.clone() }),
            _ => None,
        };
        let body = JournalBody { kind: "deploy".into(), principal, notes, ..JournalBody::default() };
        let command = deploying.id.unwrap_or_else(|| self.new_id());
        let write = Write {
            journal: JournalRow { at: now, command, body, ..JournalRow::default() },
            needs,
            ..Write::default()
        };
        self.write(|tx| {
            rows.iter().try_for_each(|row| tx.deploy(row))?;
            tx.index(&columns)?;
            if rows.is_empty() {
                return Ok(());
            }
            match tx.apply(write.clone())? {
                Applied::Applied(_) => Ok(()),
                other => Err(StoreError::Aborted(format!("the deployment was refused: {other:?}"))),
            }
        })
    }

    /// Versions that instances may still run on, bound against the newest library. One that no longer fits is left out when nothing
    /// runs on it.
    fn older_versions(&self, stored: &[Deployment], catalog: &mut Catalog) -> Result<Vec<Problem>, Error> {
        let mut warnings = Vec::new();
        for row in newest_rows(stored).into_values().filter(|row| row.version > 0 && !decisions::is_one(row)) {
            if catalog.get(&row.name, Some(row.version)).is_some() {
                continue;
            }
            let mut sources = Sources::new();
            sources.add(&row.file, &row.text);
            decisions::texts_for(row, stored).for_each(|decision| _ = sources.add(&decision.file, &decision.text));
            match load::process(&sources, catalog) {
                Ok(loaded) => {
                    check_numbers(stored, &loaded.definitions)?;
                    loaded.definitions.into_iter().for_each(|definition| catalog.add(definition));
                }
                Err(error) => {
                    let live = self.live(&row.name, row.version)?.len();
                    let what = format!("{} version {} does not fit the library", row.name, row.version);
                    if live > 0 {
                        return Err(Error::Build(format!("{what}, and {live} instances run on it:\n{error}")));
                    }
                    let problem = Problem::warning("left-out", crate::model::Span::default(), what);
                    warnings.push(problem.help("nothing runs on it: it was left out"));
                }
            }
        }
        Ok(warnings)
    }

    /// Every service has a handler that a new run would need, or one that still goes on; else nothing is deployed.
    fn check_handlers<'d, D>(&self, catalog: &Catalog, texts: impl Fn() -> D) -> Result<(), Error>
    where
        D: DoubleEndedIterator<Item = &'d Deployment>,
    {
        if self.inner.any_service {
            return Ok(());
        }
        let mut told = Vec::new();
        for (service, definition, span) in self.inner.services.missing(catalog) {
            let (process, version) = (&definition.process, definition.version);
            let is_newest = catalog.newest(process).is_some_and(|newest| newest.version == version);
            if !is_newest && self.live(process, version)?.is_empty() {
                continue;
            }
            let row = texts().rfind(|row| row.name == *process && row.version == version);
            let text = row.and_then(|row| row.text.get(..span.start as usize)).unwrap_or_default();
            let line = text.matches('\n').count().saturating_add(1);
            told.push(format!("service `{service}` of {}:{line} has no handler", definition.file));
        }
        told.sort();
        match told.as_slice() {
            [] => Ok(()),
            [only] => Err(Error::Build(only.clone())),
            [first, more @ ..] => Err(Error::Build(format!("{first} (and {} more)", more.len()))),
        }
    }
}

/// The texts of a deployment, loaded.
struct Texts<'a> {
    sources: &'a Sources,
    decisions: &'a BTreeMap<Name, Arc<Table>>,
    definitions: &'a [Arc<Definition>],
}

impl Texts<'_> {
    /// Under which name and version a text is kept; texts that are neither process nor decision go by their file's name.
    fn named(&self, file: &str) -> (Name, u32) {
        if let Some(definition) = self.definitions.iter().find(|definition| *definition.file == *file) {
            return (definition.process.clone(), definition.version);
        }
        match self.decisions.iter().find(|(_, table)| *table.file == *file) {
            Some((name, table)) => (decisions::row_name(name), table.version),
            None => (Name::new(format!("file:{file}")), 0),
        }
    }
}

/// The numbers of steps and flows, and behind them the decisions that are asked.
fn table_bytes(definition: &Definition) -> Vec<u8> {
    let mut bytes = numbers(definition);
    decisions::put(definition, &mut bytes);
    bytes
}

fn numbers(definition: &Definition) -> Vec<u8> {
    let table = definition.graph.table();
    let mut bytes = vec![1];
    // Writing to memory cannot fail.
    let _infallible = minicbor::encode((&table.nodes, &table.flows), &mut bytes);
    bytes
}

/// A version keeps the numbers under which it was deployed: running instances stand on them.
fn check_numbers(stored: &[Deployment], definitions: &[Arc<Definition>]) -> Result<(), Error> {
    for definition in definitions {
        let row = stored.iter().rev().find(|row| row.name == definition.process && row.version == definition.version);
        if row.is_some_and(|row| !row.table.starts_with(&numbers(definition)) && load_hash(row) == definition.hash) {
            let (process, version) = (&definition.process, definition.version);
            let text =
                format!("{process} version {version} was stored with other numbers of its steps than it has now");
            return Err(Error::Build(format!("{text}; open the file with the version of the program that wrote it")));
        }
    }
    Ok(())
}

fn load_hash(row: &Deployment) -> u64 {
    load::process::hash(&row.text)
}

/// Which texts are in force: those of before, and these instead of others of the same name.
fn in_force(before: Option<&str>, names: Vec<(Name, u32)>) -> String {
    let mut list: BTreeMap<String, u32> = before.map(listed).unwrap_or_default().into_iter().collect();
    list.extend(names.into_iter().map(|(name, version)| (name.to_string(), version)));
    list.iter().fold(String::new(), |mut text, (name, version)| {
        let _infallible = writeln!(text, "{version} {name}");
        text
    })
}

fn listed(text: &str) -> Vec<(String, u32)> {
    let line = |line: &str| {
        let (version, name) = line.split_once(' ')?;
        Some((name.to_string(), version.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// The last text of every name and version.
fn newest_rows(stored: &[Deployment]) -> BTreeMap<(&Name, u32), &Deployment> {
    stored.iter().map(|row| ((&row.name, row.version), row)).collect()
}

/// The texts that are in force, as they were given.
fn sources_of(stored: &[Deployment]) -> Option<Sources> {
    let list = stored.iter().rev().find(|row| &*row.name == IN_FORCE)?;
    let rows = newest_rows(stored);
    let mut sources = Sources::new();
    for (name, version) in listed(&list.text) {
        if let Some(row) = rows.get(&(&Name::new(name), version)) {
            sources.add(&row.file, &row.text);
        }
    }
    Some(sources)
}
