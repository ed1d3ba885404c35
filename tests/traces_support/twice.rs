//! A trace through the engine, over both stores, with every command delivered twice: the second time it is answered the same and does
//! nothing, and both stores end with the same rows.

use std::fmt::Debug;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use stageflow::Engine;
use stageflow::engine::{Limits, ServiceError, Session, Ticket};
use stageflow::entity::{Change, Principal, Query};
use stageflow::instance::rows::Values;
use stageflow::instance::{Id, Wait, WaitKind};
use stageflow::load::Sources;
use stageflow::model::{Duration, Name};
use stageflow::store::sqlite::Options;
use stageflow::store::{
    Claim, Durability, InstanceFilter, JournalBody, JournalOf, JournalRow, MemoryStore, Reader, SqliteStore, Store,
    StoreError, TaskFilter, Write,
};

use crate::script;
use crate::world::{MAX_STEPS, Scene, Way, double};

/// Tells a script over both stores.
pub fn tell(sources: &Sources, script: &str, now: DateTime<Utc>) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let options = Options { durability: Durability::Normal, clock: Some(now) };
    let file = SqliteStore::open_with(folder.path().join("trace.db"), options).map_err(|error| error.to_string())?;
    let memory = over(MemoryStore::at(now), sources, script)?;
    let sqlite = over(file, sources, script)?;
    if memory == sqlite { Ok(()) } else { Err(apart("the stores hold different rows", &memory, &sqlite)) }
}

fn over(store: impl Store + 'static, sources: &Sources, script: &str) -> Result<String, String> {
    let engine = open(store, sources, 1 << 20)?;
    for (at, line) in script.lines().filter_map(|line| line.strip_prefix("> ")).enumerate() {
        let mut scene = mirror(&engine);
        match line.split_once(' ') {
            Some(("given", rest)) => given(&engine, &mut scene, rest)?,
            Some(("wait", rest)) => {
                let length = Duration::parse(rest).map_err(|error| error.to_string())?;
                engine.advance(TimeDelta::microseconds(length.micros)).map_err(|error| error.to_string())?;
            }
            _ => {
                // What the scene cannot read is no command.
                let Ok(read) = script::read(&scene, line) else { continue };
                deliver(&engine, Id::from_u128(((at as u128) + 1) << 64), read)
                    .map_err(|why| format!("{line}: {why}"))?;
            }
        }
    }
    Ok(rows(&engine))
}

/// An engine with the services that a script knows, whose ids are counted from here.
pub fn open(store: impl Store + 'static, sources: &Sources, first_id: u64) -> Result<Engine, String> {
    let handler = |with: &Values| double(with).map_err(|_| ServiceError::Broke("expected a number".into()));
    let mut limits = Limits::default();
    limits.steps = MAX_STEPS;
    let builder =
        Engine::builder().store(store).sources(sources.clone()).limits(limits).counted_ids(first_id).remote_services();
    builder.inside("double", handler).build().map_err(|error| error.to_string())
}

/// Whoever gives the command.
pub fn session<'e>(engine: &'e Engine, principal: &Principal) -> Session<'e> {
    match principal {
        Principal::User { user, .. } => engine.user(&user.id),
        _ => engine.system(),
    }
}

/// Delivers a command twice: the second time it is answered the same and does nothing.
pub fn deliver(engine: &Engine, id: Id, line: script::Line) -> Result<(), String> {
    let session = session(engine, &line.principal);
    let session = session.command(id);
    let once = || {
        let told = session.submit(line.command.clone(), line.instance).and_then(Ticket::wait);
        engine.settle().map_err(|error| error.to_string())?;
        Ok::<_, String>((format!("{told:?}"), rows(engine)))
    };
    let (first, second) = (once()?, once()?);
    if first.0 != second.0 {
        return Err(format!("answered {}, and the second time {}", first.0, second.0));
    }
    if first.1 != second.1 {
        return Err(apart("the second time it did something", &first.1, &second.1));
    }
    Ok(())
}

fn apart(what: &str, one: &str, other: &str) -> String {
    let differ = one.lines().zip(other.lines()).find(|(a, b)| a != b);
    let (a, b) = differ.unwrap_or(("fewer or more rows", ""));
    format!("{what}:\n  {a}\n  {b}")
}

/// A record that is there already, put beside the engine: no rule is asked, no event follows.
pub fn given(engine: &Engine, scene: &mut Scene, rest: &str) -> Result<(), String> {
    let before = scene.rows.records.clone();
    script::given(scene, rest)?;
    let new = scene.rows.records.iter().filter(|(target, record)| before.get(*target) != Some(*record));
    let changes = new.map(|(target, record)| Change {
        target: target.clone(),
        before: before.get(target).cloned(),
        after: Some(record.clone()),
        touch: false,
    });
    let body = JournalBody { kind: "given".into(), ..JournalBody::default() };
    let journal = JournalRow { at: engine.now(), body, ..JournalRow::default() };
    let write = Write { changes: changes.collect(), journal, ..Write::default() };
    engine.store().write(&mut |tx| tx.apply(write.clone()).map(|_| ())).map_err(|error| error.to_string())
}

fn ask<T>(engine: &Engine, mut work: impl FnMut(&dyn Reader) -> Result<T, StoreError>) -> T {
    let mut answer = None;
    engine.store().read(&mut |reader| work(reader).map(|found| answer = Some(found))).expect("the store answers");
    answer.expect("an answer")
}

fn entities(engine: &Engine) -> Vec<Name> {
    engine.catalog().library.entities.keys().cloned().collect()
}

/// The scene as the script reads it: records and live rows of the store.
pub fn mirror(engine: &Engine) -> Scene {
    let mut scene = Scene::new((*engine.catalog()).clone(), engine.now(), Way::Straight);
    ask(engine, |reader| {
        for entity in entities(engine) {
            let found = reader.query(&Query::all(entity))?;
            scene.rows.records.extend(found.into_iter().map(|record| (record.reference(), record)));
        }
        for row in reader.instances(&InstanceFilter::default())? {
            scene.rows.instances.extend(reader.instance(row.id)?.map(|run| (row.id, (run.row, run.state))));
        }
        scene.rows.tasks = reader.tasks(&TaskFilter::default())?.into_iter().map(|task| (task.id, task)).collect();
        let waits = scene.rows.instances.values().flat_map(|(_, state)| &state.waits);
        let jobs: Vec<Id> = waits.filter_map(job_of).collect();
        for id in jobs {
            scene.rows.jobs.extend(reader.job(id)?.map(|job| (id, job)));
        }
        Ok(())
    });
    scene
}

fn job_of(wait: &Wait) -> Option<Id> {
    match &wait.kind {
        WaitKind::Job(id) => Some(*id),
        _ => None,
    }
}

/// All rows as text.
pub fn rows(engine: &Engine) -> String {
    fn put(told: &mut String, row: impl Debug) {
        let _infallible = writeln!(told, "{row:?}");
    }
    let mut told = String::new();
    // The clock is the store's too: it is asked before the store is open.
    let far = engine.now() + TimeDelta::days(10_000);
    ask(engine, |reader| {
        for entity in entities(engine) {
            reader.query(&Query::all(entity))?.iter().for_each(|record| put(&mut told, record));
        }
        for row in reader.instances(&InstanceFilter::default())? {
            put(&mut told, reader.instance(row.id)?);
        }
        reader.tasks(&TaskFilter::default())?.iter().for_each(|task| put(&mut told, task));
        reader.due_timers(far, 1_000)?.iter().for_each(|timer| put(&mut told, timer));
        let jobs = Claim { now: far, until: far, services: Vec::new(), limit: 1_000 };
        put(&mut told, (reader.has_jobs(&jobs)?, reader.next_reaction()?, reader.failed_reactions()?));
        reader.journal(&JournalOf::All, 0, 10_000)?.iter().for_each(|row| put(&mut told, row));
        Ok(())
    });
    told
}
