//! Acknowledged commands per second on SQLite with `synchronous=FULL`, beside raw SQLite that writes rows of the same number
//! and size in batches of the same size; and how long a file with many parked instances takes to open.
//!
//! `cargo bench --bench durable`

#[path = "common/mod.rs"]
mod common;

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{engine, rate, sorted};
use rusqlite::{Connection, params};
use stageflow::Engine;
use stageflow::instance::{Command, Id};
use stageflow::store::{SqliteStore, Store, TaskFilter};

const SUBMITTERS: usize = 64;
const RUNS: usize = 3;
const COMMANDS: usize = 64 * 4 * 20;
const LONE: usize = 200;
const PARKED: usize = 20_000;
/// What one completion of W4 writes: instance, journal, stamp; its task and the task's role are deleted.
const BYTES: [usize; 3] = [220, 240, 40];

fn main() {
    let runs = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(RUNS);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("load.db");
    let store = SqliteStore::open(&file).expect("the file opens");
    println!("durability: {}; median of {runs} runs", store.durability());
    let loaded = engine(store);
    for (title, submitters, each, count) in [
        ("64 submitters, 4 tickets each", SUBMITTERS, 4, COMMANDS),
        ("64 submitters, one in flight each", SUBMITTERS, 1, COMMANDS),
        ("one submitter, one in flight", 1, 1, LONE),
    ] {
        let times = sorted(runs, || complete(&loaded, submitters, each, count));
        let raw = sorted(runs, || raw(folder.path(), (submitters * each).min(256), count));
        let (own, other) = (rate(count, times[times.len() / 2]), rate(count, raw[raw.len() / 2]));
        println!(
            "W4 completion, {title:<36} {own:>7} /s   raw SQLite, same batches: {other:>7} /s   ratio {:.2}",
            own as f64 / other as f64
        );
    }
    drop(loaded);
    parked(folder.path(), runs);
}

/// So many open tasks of W4, started many at a time.
fn tasks(engine: &Engine, count: usize) -> Vec<Id> {
    let host = engine.system();
    for from in (0..count).step_by(1_000) {
        let tickets: Vec<_> =
            (from..count.min(from + 1_000)).map(|_| host.start("w4").submit().expect("the queue has room")).collect();
        tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("the workload starts")));
    }
    let filter = TaskFilter { limit: Some(count), ..TaskFilter::default() };
    engine.tasks(&filter).expect("the tasks are read").iter().map(|task| task.id).collect()
}

/// Completes open tasks from several threads, each with so many unanswered commands.
fn complete(engine: &Engine, submitters: usize, each: usize, count: usize) -> Duration {
    let open = Mutex::new(tasks(engine, count));
    assert_eq!(open.lock().expect("no panic").len(), count);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..submitters {
            scope.spawn(|| {
                let host = engine.system();
                loop {
                    let taken: Vec<Id> = {
                        let mut open = open.lock().expect("no panic");
                        let left = open.len().saturating_sub(each);
                        open.split_off(left)
                    };
                    if taken.is_empty() {
                        return;
                    }
                    let complete = |task| Command::Complete { task, outcome: None, form: Default::default() };
                    let tickets: Vec<_> = taken
                        .into_iter()
                        .map(|task| host.submit(complete(task), None).expect("the queue has room"))
                        .collect();
                    tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("the task completes")));
                }
            });
        }
    });
    began.elapsed()
}

/// What W4's completion writes, without an engine: three rows put and two deleted for each command.
fn raw(folder: &Path, batch: usize, count: usize) -> Duration {
    let file = folder.join("raw.db");
    let _absent = std::fs::remove_file(&file);
    let mut connection = Connection::open(&file).expect("the file opens");
    connection.pragma_update(None, "journal_mode", "WAL").expect("a pragma");
    connection.pragma_update(None, "synchronous", "FULL").expect("a pragma");
    connection
        .execute_batch(
            "CREATE TABLE instance (id BLOB PRIMARY KEY, body BLOB) WITHOUT ROWID;
             CREATE TABLE journal (seq INTEGER PRIMARY KEY, body BLOB);
             CREATE TABLE seen (id BLOB PRIMARY KEY, body BLOB) WITHOUT ROWID;
             CREATE TABLE task (id BLOB PRIMARY KEY, body BLOB) WITHOUT ROWID;
             CREATE TABLE role (id BLOB PRIMARY KEY, body BLOB) WITHOUT ROWID;",
        )
        .expect("the tables");
    let bodies = BYTES.map(|bytes| vec![7_u8; bytes]);
    let ids: Vec<[u8; 16]> = (0..count as u128).map(u128::to_be_bytes).collect();
    let before = connection.transaction().expect("a transaction");
    for id in &ids {
        before.execute("INSERT INTO task VALUES (?, ?)", params![id, bodies[0]]).expect("a row");
        before.execute("INSERT INTO role VALUES (?, ?)", params![id, bodies[2]]).expect("a row");
        before.execute("INSERT INTO instance VALUES (?, ?)", params![id, bodies[0]]).expect("a row");
    }
    before.commit().expect("a commit");
    let began = Instant::now();
    for ids in ids.chunks(batch) {
        let commit = connection.transaction().expect("a transaction");
        for id in ids {
            write(&commit, "INSERT OR REPLACE INTO instance VALUES (?, ?)", params![id, bodies[0]]);
            write(&commit, "DELETE FROM role WHERE id = ?", params![id]);
            write(&commit, "DELETE FROM task WHERE id = ?", params![id]);
            write(&commit, "INSERT INTO journal (body) VALUES (?)", params![bodies[1]]);
            write(&commit, "INSERT INTO seen VALUES (?, ?)", params![id, bodies[2]]);
        }
        commit.commit().expect("a commit");
    }
    began.elapsed()
}

fn write(connection: &Connection, sql: &str, values: impl rusqlite::Params) {
    connection.prepare_cached(sql).expect("the statement").execute(values).expect("a row");
}

/// How long it takes to open a file in which many instances wait, definitions included.
fn parked(folder: &Path, runs: usize) {
    let file = folder.join("parked.db");
    let loaded = engine(SqliteStore::open(&file).expect("the file opens"));
    drop(tasks(&loaded, PARKED));
    drop(loaded);
    let times = sorted(runs, || {
        let began = Instant::now();
        let opened = engine(SqliteStore::open(&file).expect("the file opens"));
        let time = began.elapsed();
        drop(opened);
        time
    });
    println!("opening a file with {PARKED} parked instances: {:.1} ms", times[times.len() / 2].as_secs_f64() * 1_000.0);
}
