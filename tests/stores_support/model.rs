//! Random commits against plain maps: both stores give the verdicts of the model and hold what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use stageflow::entity::Record;
use stageflow::instance::{InstanceRow, Need, Outcome, Status, Topic};
use stageflow::model::Value;
use stageflow::store::{Applied, InstanceFilter, JournalOf, MemoryStore, Old, Store, StoreError, TaskFilter, Write};

use crate::file;
use crate::kit::*;

/// What one turn of a random commit does. Small numbers, so that turns meet.
#[derive(Clone, Debug)]
struct Step {
    command: Option<u128>,
    /// The instance, whether its revision is the next, its key, whether it ends.
    run: Option<(u128, bool, Option<u8>, bool)>,
    /// The record, whether the turn saw it as it is, its value after; none deletes it.
    save: Option<(u8, bool, Option<i64>)>,
    needs: Vec<Small>,
    /// Whether its savepoint is rolled back.
    undo: bool,
}

#[derive(Clone, Debug)]
enum Small {
    Task(u128, Option<u8>),
    Close(u128),
    Timer(u32, i64),
    Disarm(u32),
    Listen(u32, u8),
    Unlisten(u32),
    Job(u128, i64),
    EndJob(u128),
    React(u32),
    Take,
}

/// A commit: its turns, then whether old rows go, and whether all of it is given up.
#[derive(Clone, Debug)]
struct Batch {
    steps: Vec<Step>,
    claims: Option<i64>,
    prune: Option<i64>,
    abort: bool,
}

fn small() -> impl Strategy<Value = Small> {
    prop_oneof![
        (1..4_u128, proptest::option::of(0..3_u8)).prop_map(|(id, record)| Small::Task(id, record)),
        (1..4_u128).prop_map(Small::Close),
        (1..4_u32, 0..9_i64).prop_map(|(wait, due)| Small::Timer(wait, due)),
        (1..4_u32).prop_map(Small::Disarm),
        (1..4_u32, 0..2_u8).prop_map(|(wait, topic)| Small::Listen(wait, topic)),
        (1..4_u32).prop_map(Small::Unlisten),
        (1..4_u128, 0..9_i64).prop_map(|(id, due)| Small::Job(id, due)),
        (1..4_u128).prop_map(Small::EndJob),
        (0..9_u32).prop_map(Small::React),
        Just(Small::Take),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let run = (1..4_u128, prop::bool::weighted(0.8), proptest::option::of(0..2_u8), any::<bool>());
    let save = (0..4_u8, prop::bool::weighted(0.8), proptest::option::weighted(0.8, 0..3_i64));
    let parts = (
        proptest::option::of(1..12_u128),
        proptest::option::of(run),
        proptest::option::of(save),
        proptest::collection::vec(small(), 0..4),
        prop::bool::weighted(0.2),
    );
    parts.prop_map(|(command, run, save, needs, undo)| Step { command, run, save, needs, undo })
}

fn batch() -> impl Strategy<Value = Batch> {
    let steps = proptest::collection::vec(step(), 1..5);
    let (claims, prune) = (proptest::option::of(0..9_i64), proptest::option::weighted(0.2, 0..9_i64));
    (steps, claims, prune, prop::bool::weighted(0.15)).prop_map(|(steps, claims, prune, abort)| Batch {
        steps,
        claims,
        prune,
        abort,
    })
}

/// What a store holds, in the plainest form. A clone is a savepoint.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    records: BTreeMap<u8, (u64, i64)>,
    runs: BTreeMap<u128, (u64, Option<u8>, Option<i64>)>,
    tasks: BTreeMap<u128, Option<u8>>,
    timers: BTreeMap<u32, i64>,
    topics: BTreeSet<(u8, u32)>,
    jobs: BTreeMap<u128, (u32, i64, bool)>,
    inbox: Vec<u32>,
    seen: BTreeMap<u128, i64>,
    journal: Vec<(u64, i64)>,
    next: u64,
}

fn saved(row: u8, rev: u64, value: i64) -> Arc<Record> {
    record(&format!("r{row}"), rev, &[("n", Value::from(value))])
}

fn topic(number: u8) -> Topic {
    Topic::signal(&format!("t{number}"))
}

impl Model {
    /// The write that a step means where things stand.
    fn write(&self, step: &Step, second: i64, consumed: Option<u64>) -> Write {
        let mut write = turn(second);
        if let Some(command) = step.command {
            write = write.by(command);
        }
        if let Some((number, next, key, ends)) = step.run {
            let revision = self.runs.get(&number).map_or(0, |(revision, ..)| *revision) + u64::from(next);
            let key = key.filter(|_| !ends).map(|key| name(&key.to_string()));
            let status = if ends { Status::Completed } else { Status::Running };
            write = write.on(InstanceRow { key, status, ended: ends.then(|| at(second)), ..run(number, revision) });
        }
        if let Some((row, fresh, value)) = step.save {
            let known = self.records.get(&row).map(|(rev, value)| saved(row, rev + u64::from(!fresh), *value));
            let rev = known.as_ref().map_or(0, |record| record.rev) + 1;
            let after = value.map(|value| saved(row, rev, value));
            if known.is_some() || after.is_some() {
                write = write.saves(known, after);
            }
        }
        let needs = step.needs.iter().filter_map(need);
        let reacts =
            step.needs.iter().filter_map(|small| if let Small::React(depth) = small { Some(*depth) } else { None });
        let takes = step.needs.iter().any(|small| matches!(small, Small::Take));
        Write { consumed: consumed.filter(|_| takes), ..write.needs(needs).reacts(reacts) }
    }

    fn apply(&mut self, step: &Step, second: i64) -> &'static str {
        if step.command.is_some_and(|command| self.seen.contains_key(&command)) {
            return "duplicate";
        }
        if let Some((number, next, key, ends)) = step.run {
            let taken =
                |(other, (_, its, _)): (&u128, &(u64, Option<u8>, Option<i64>))| *other != number && *its == key;
            if !ends && key.is_some() && self.runs.iter().any(taken) {
                return "running";
            }
            if !next {
                return "conflict";
            }
        }
        if let Some((row, false, _)) = step.save
            && self.records.contains_key(&row)
        {
            return "conflict";
        }
        self.put(step, second);
        "applied"
    }

    fn put(&mut self, step: &Step, second: i64) {
        if let Some((number, _, key, ends)) = step.run {
            let run = self.runs.entry(number).or_default();
            *run = (run.0 + 1, key.filter(|_| !ends), ends.then_some(second));
        }
        if let Some((row, _, value)) = step.save {
            let rev = self.records.get(&row).map_or(0, |(rev, _)| *rev) + 1;
            self.records.remove(&row);
            value.map(|value| self.records.insert(row, (rev, value)));
        }
        if step.needs.iter().any(|small| matches!(small, Small::Take)) && !self.inbox.is_empty() {
            self.inbox.remove(0);
        }
        for small in &step.needs {
            match *small {
                Small::Task(id, record) => drop(self.tasks.insert(id, record)),
                Small::Close(id) => drop(self.tasks.remove(&id)),
                Small::Timer(wait, due) => drop(self.timers.insert(wait, due)),
                Small::Disarm(wait) => drop(self.timers.remove(&wait)),
                Small::Listen(wait, topic) => drop(self.topics.insert((topic, wait))),
                Small::Unlisten(wait) => self.topics.retain(|(_, other)| *other != wait),
                Small::Job(id, due) => drop(self.jobs.insert(id, (1, due, false))),
                Small::EndJob(id) => drop(self.jobs.remove(&id)),
                Small::React(depth) => self.inbox.push(depth),
                Small::Take => {}
            }
        }
        self.next += 1;
        self.journal.push((self.next, second));
        step.command.map(|command| self.seen.insert(command, second));
    }

    /// Leases of ten seconds, two at a time.
    fn claim(&mut self, now: i64) -> Vec<(u128, u32)> {
        let mut due: Vec<(i64, u128)> = self.jobs.iter().map(|(id, (_, due, _))| (*due, *id)).collect();
        due.sort_unstable();
        let due = due.into_iter().filter(|(due, _)| *due <= now).take(2);
        due.map(|(_, id)| {
            let (attempt, visible, leased) = self.jobs[&id];
            let attempt = attempt + u32::from(leased);
            self.jobs.insert(id, (attempt, visible.max(now + 10), true));
            (id, attempt)
        })
        .collect()
    }

    fn prune(&mut self, before: i64) {
        let kept = self.journal.iter().position(|(_, at)| *at >= before).unwrap_or(self.journal.len());
        self.journal.drain(..kept);
        self.runs.retain(|_, (_, _, ended)| ended.is_none_or(|ended| ended >= before));
        self.seen.retain(|_, at| *at >= before);
    }
}

fn need(small: &Small) -> Option<Need> {
    Some(match *small {
        Small::Task(number, record) => {
            let record = record.map(|record| lead(&format!("r{record}")));
            keep(stageflow::instance::TaskRow { record, ..task(number, 1) })
        }
        Small::Close(number) => Need::CloseTask(id(number), Outcome::Withdrawn(name("over"))),
        Small::Timer(wait, due) => arm(1, wait, due),
        Small::Disarm(wait) => Need::DisarmTimer(id(1), wait),
        Small::Listen(wait, number) => listen(1, wait, &topic(number)),
        Small::Unlisten(wait) => Need::Unlisten(id(1), wait),
        Small::Job(number, due) => offer(job(number, 1, due)),
        Small::EndJob(number) => Need::CloseJob(id(number)),
        Small::React(_) | Small::Take => return None,
    })
}

fn word(verdict: &Applied) -> &'static str {
    match verdict {
        Applied::Applied(_) => "applied",
        Applied::Conflict(_) => "conflict",
        Applied::Fenced => "fenced",
        Applied::Duplicate(_) => "duplicate",
        Applied::AlreadyRunning(_) => "running",
    }
}

/// One commit over a store, beside the model: the same verdicts, the same leases, given up together.
fn run_batch(store: &dyn Store, model: &Model, batch: &Batch, second: i64) -> Model {
    let mut after = model.clone();
    let done = store.write(&mut |tx| {
        after = model.clone();
        for step in &batch.steps {
            let before = after.clone();
            let consumed = tx.next_reaction()?.map(|(seq, _)| seq);
            let write = after.write(step, second, consumed);
            tx.savepoint()?;
            assert_eq!(word(&tx.apply(write)?), after.apply(step, second), "{step:?}");
            if step.undo {
                tx.rollback()?;
                after = before;
            } else {
                tx.release()?;
            }
        }
        if let Some(now) = batch.claims {
            let jobs = tx.claim_jobs(&claim(now, now + 10, 2))?;
            let found: Vec<_> = jobs.iter().map(|job| (job.id.as_u128(), job.attempt)).collect();
            assert_eq!(found, after.claim(now));
        }
        if let Some(before) = batch.prune {
            let old = Some(at(before));
            tx.prune(&Old { instances: old, journal: old, commands: old, messages: at(0) })?;
            after.prune(before);
        }
        if batch.abort { Err(StoreError::Aborted("enough".into())) } else { Ok(()) }
    });
    assert_eq!(done.is_err(), batch.abort, "{done:?}");
    if batch.abort { model.clone() } else { after }
}

/// What a store says, as a model.
fn observed(store: &dyn Store, model: &Model) -> Model {
    ask(store, |reader| {
        let seconds = |at_: chrono::DateTime<chrono::Utc>| (at_ - at(0)).num_seconds();
        let row = |id: &str| id[1..].parse::<u8>().expect("a number");
        let number = |value: &Value| value.to_string().parse::<i64>().expect("a number");
        let mut found = Model { next: model.next, inbox: model.inbox.clone(), ..Model::default() };
        for record in reader.query(&leads(&[], &[]))? {
            found.records.insert(row(&record.id), (record.rev, number(&record.get(&name("n")))));
        }
        for run in reader.instances(&InstanceFilter::default())? {
            let key = run.key.map(|key| key.parse().expect("a number"));
            found.runs.insert(run.id.as_u128(), (run.revision, key, run.ended.map(seconds)));
        }
        let tasks = reader.tasks(&TaskFilter::default())?.into_iter();
        found.tasks = tasks.map(|task| (task.id.as_u128(), task.record.map(|record| row(&record.id)))).collect();
        let timers = reader.due_timers(at(1_000), 100)?;
        assert!(timers.is_sorted(), "{timers:?}");
        found.timers = timers.into_iter().map(|(due, _, wait)| (wait, seconds(due))).collect();
        for number in 0..2 {
            let listeners = reader.listeners(&topic(number))?;
            found.topics.extend(listeners.iter().map(|row| (number, row.wait)));
        }
        for number in 1..4 {
            if let Some(job) = reader.job(id(number))? {
                let visible = (job.visible() - at(0).timestamp_micros()) / 1_000_000;
                found.jobs.insert(number, (job.attempt, visible, job.leased_until.is_some()));
            }
        }
        let first = reader.next_reaction()?.and_then(|(_, what)| what).map(|reaction| reaction.depth);
        assert_eq!(first, model.inbox.first().copied());
        for number in 1..12 {
            let at = model.seen.get(&number).copied().unwrap_or(-1);
            reader.seen(id(number))?.map(|_| found.seen.insert(number, at));
        }
        let rows = reader.journal(&JournalOf::All, 0, 1_000)?;
        found.journal = rows.iter().map(|row| (row.seq, seconds(row.at))).collect();
        for value in 0..3 {
            let by = leads(&[("n", Value::from(value))], &[]);
            let plain = found.records.iter().filter(|(_, (_, n))| *n == value).map(|(row, _)| format!("r{row}"));
            assert_eq!(ids(&reader.query(&by)?), plain.collect::<Vec<_>>());
        }
        Ok(found)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_are_what_plain_maps_are(batches in proptest::collection::vec(batch(), 1..14), indexed in any::<bool>()) {
        let folder = tempfile::tempdir().expect("a folder");
        let (memory, sqlite) = (MemoryStore::at(at(0)), file::open(&folder.path().join("model.db")));
        let stores: [&dyn Store; 2] = [&memory, &sqlite];
        let mut model = Model::default();
        if indexed {
            stores.iter().for_each(|store| inside(*store, |tx| tx.index(&[(name("lead"), name("n"))])));
        }
        for (second, batch) in batches.iter().enumerate() {
            let [a, b] = stores.map(|store| run_batch(store, &model, batch, second as i64));
            prop_assert_eq!(&a, &b);
            model = a;
            for store in stores {
                prop_assert_eq!(observed(store, &model), model.clone());
            }
        }
        prop_assert_eq!(everything(&memory), everything(&sqlite));
        drop(sqlite);
        prop_assert_eq!(everything(&memory), everything(&file::open(&folder.path().join("model.db"))));
    }
}
