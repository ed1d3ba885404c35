//! Acknowledged commands per second on SQLite with `synchronous=FULL`, beside raw SQLite that writes the same rows into the same tables
//! in the same commits; and how long a file with many parked instances takes to open.
//!
//! `cargo bench --bench durable`

#[path = "common/allocator.rs"]
mod allocator;
#[path = "common/mod.rs"]
mod common;

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{engine, rate, sorted};
use rusqlite::{Connection, params};
use stageflow::Engine;
use stageflow::instance::{Command, Id};
use stageflow::load::Sources;
use stageflow::model::{Ref, Value};
use stageflow::store::{MemoryStore, SqliteStore, Store, TaskFilter};

const SUBMITTERS: usize = 64;
const RUNS: usize = 3;
const COMMANDS: usize = 64 * 4 * 20;
const LONE: usize = 200;
const PARKED: usize = 100_000;
const CRM: usize = 64 * 4 * 10;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runs = words.iter().find_map(|word| word.parse().ok()).unwrap_or(RUNS);
    let names: Vec<&String> = words.iter().filter(|word| word.parse::<usize>().is_err()).collect();
    let asked = |name: &str| names.is_empty() || names.iter().any(|asked| *asked == name);
    let folder = tempfile::tempdir().expect("a folder");
    let durability = SqliteStore::open(folder.path().join("empty.db")).expect("the file opens").durability();
    println!("durability: {durability}; median of {runs} runs, mimalloc");
    if asked("w4") {
        completions(folder.path(), runs);
    }
    if asked("crm") {
        crm(folder.path(), runs);
    }
    if asked("closing") {
        closing(1_000);
        closing(10_000);
    }
    if asked("parked") {
        parked(folder.path(), runs);
    }
}

/// Completions of W4 beside the rows that they write.
fn completions(folder: &Path, runs: usize) {
    println!("a completion of W4 writes four rows: an instance and the journal's put, a task and its role deleted");
    for (title, submitters, each, count) in [
        ("64 submitters, 4 tickets each", SUBMITTERS, 4, COMMANDS),
        ("64 submitters, one in flight", SUBMITTERS, 1, COMMANDS),
        ("one submitter, one in flight", 1, 1, LONE),
    ] {
        let mut both: Vec<(Duration, Duration, usize)> =
            (0..runs.max(1)).map(|run| side_by_side(folder, run, submitters, each, count)).collect();
        // The median of the ratio, with the figures of its own run.
        both.sort_by(|(own, raw, _), (other, other_raw, _)| {
            (raw.as_secs_f64() / own.as_secs_f64()).total_cmp(&(other_raw.as_secs_f64() / other.as_secs_f64()))
        });
        let (own, raw, commits) = both[both.len() / 2];
        println!(
            "W4 completion, {title:<36} {:>7} /s   raw SQLite, the same rows in the same {commits} commits: {:>7} /s   ratio {:.2}",
            rate(count, own),
            rate(count, raw),
            raw.as_secs_f64() / own.as_secs_f64()
        );
    }
}

/// The same tasks completed by the engine, and their rows written by hand into a copy of the file; and how many commits it took.
fn side_by_side(
    folder: &Path,
    run: usize,
    submitters: usize,
    each: usize,
    count: usize,
) -> (Duration, Duration, usize) {
    let (file, copy) = (folder.join(format!("w4_{count}_{each}_{run}.db")), folder.join("raw.db"));
    drop(tasks(&engine(SqliteStore::open(&file).expect("the file opens")), count));
    std::fs::copy(&file, &copy).expect("a copy");
    let loaded = engine(SqliteStore::open(&file).expect("the file opens"));
    let open = loaded.tasks(&TaskFilter { limit: Some(count), ..TaskFilter::default() }).expect("the tasks");
    let own = complete_all(&loaded, open.iter().map(|task| task.id).collect(), submitters, each);
    drop(loaded);
    let left: Vec<Left> = left(&file, &copy);
    assert_eq!(left.len(), count);
    let commits: Vec<&[Left]> = left.chunk_by(|one, next| one.at == next.at).collect();
    let raw = raw(&copy, &commits);
    let task_rows: i64 = Connection::open(&copy)
        .and_then(|copy| copy.query_row("SELECT count(*) FROM task", [], |row| row.get(0)))
        .expect("a count");
    assert_eq!(task_rows, 0, "the rows written by hand are not the engine's");
    (own, raw, commits.len())
}

/// A task of a CRM: its completion writes the task's own record, two records and a timer.
const DEALS: &str = "library: deals
entities:
  user: {fields: {name: text, roles: list(text)}}
  customer: {fields: {name: text, talks: {type: int, initial: 0}}}
  deal:
    fields: {customer: ref(customer), note: text, last_talk: datetime}
    stages: {field: stage, initial: talk, values: {talk: {title: Talk}, offer: {title: Offer}}}
  activity:
    fields: {title: required text, owner: ref(user), result: text, status: {enum: [open, completed, canceled]}, reason: text}
tasks:
  entity: activity
  opened: {title: task.title, owner: task.assignee, status: open}
  completed: {status: completed, result: task.outcome}
  withdrawn: {status: canceled, reason: task.reason}
roles: {clerk: {}}
processes: [talk.yaml]
";
const TALK: &str = "process: talk
entity: deal
start: [{manual: {new: [customer]}}]
steps:
  - id: call
    user_task: Call the customer
    assign: role(clerk)
    outcomes: {done: {set: {self.note: '\"called\"', self.last_talk: now()}, stage: self -> offer}}
  - id: count
    update: self.customer
    set: {talks: self.customer.talks + 1}
  - id: later
    wait: 30 days
";

fn crm(folder: &Path, runs: usize) {
    let mut sources = Sources::new();
    sources.add("deals.yaml", DEALS);
    sources.add("talk.yaml", TALK);
    let store = SqliteStore::open(folder.join("crm.db")).expect("the file opens");
    let engine = Engine::builder().store(store).sources(sources).build().expect("the library loads");
    let host = engine.system();
    let customers: Vec<Value> = (0..CRM)
        .map(|number| {
            let made = host.create_as("customer", &format!("c{number}"), [("name", Value::text("Olga"))]);
            Value::Ref(made.expect("a customer"))
        })
        .collect();
    for (title, each) in [("64 submitters, 4 tickets each", 4), ("64 submitters, one in flight each", 1)] {
        let times = sorted(runs, || {
            for customers in customers.chunks(1_000) {
                let start = |customer: &Value| host.start("talk").new_record([("customer", customer.clone())]).submit();
                let tickets: Vec<_> = customers.iter().map(|customer| start(customer).expect("room")).collect();
                tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("it starts")));
            }
            let filter = TaskFilter { limit: Some(CRM), ..TaskFilter::default() };
            let open = engine.tasks(&filter).expect("the tasks").iter().map(|task| task.id).collect();
            complete_all(&engine, open, SUBMITTERS, each)
        });
        println!(
            "a CRM task with its activity, two records and a timer, {title:<36} {:>7} /s",
            rate(CRM, times[times.len() / 2])
        );
    }
}

/// Closing one sale while so many leads wait for theirs: what it takes does not grow with them.
fn closing(leads: usize) {
    let engine = Engine::builder()
        .store(MemoryStore::new().keep_journal(1 << 20))
        .library(concat!(env!("CARGO_MANIFEST_DIR"), "/processes/crm.yaml"))
        .remote_services()
        .build()
        .expect("the library loads");
    let host = engine.system();
    host.create_as("user", "anna", [("name", Value::text("Anna"))]).expect("a user");
    let rouble = host.create_as("currency", "rub", [("name", Value::text("Rouble")), ("symbol", Value::text("R"))]);
    host.set_setting("base_currency", Value::Ref(rouble.expect("a currency"))).expect("a setting");
    let owner = Value::Ref(Ref::new("user", "anna"));
    let mut sales = Vec::with_capacity(leads);
    for number in 0..leads {
        let contact =
            host.create("contact", [("name", Value::text(format!("Olga {number}"))), ("owner", owner.clone())]);
        let contact = Value::Ref(contact.expect("a contact"));
        let need = Value::Ref(Ref::new("need_type", "hardware"));
        let lead = host.create("lead", [("need_type", need), ("contact", contact.clone()), ("owner", owner.clone())]);
        let lead = lead.expect("a lead");
        let sale = host
            .create("opportunity", [("title", Value::text("Sale")), ("contact", contact), ("owner", owner.clone())]);
        let sale = sale.expect("a sale");
        host.create("lead_sale", [("lead", Value::Ref(lead.clone())), ("opportunity", Value::Ref(sale.clone()))])
            .expect("a link");
        host.update(&lead, [("stage", Value::text("awaiting_sale"))]).expect("it moves");
        host.start("lead_management").about(&lead).run().expect("it starts");
        sales.push((lead, sale));
    }
    const CLOSED: usize = 100;
    let began = Instant::now();
    for (lead, sale) in sales.iter().take(CLOSED) {
        host.update(sale, [("stage", Value::text("closed_won"))]).expect("it closes");
        assert_eq!(engine.value(lead, "stage").expect("a stage"), Value::text("satisfied"));
    }
    let each = began.elapsed().as_secs_f64() * 1e6 / CLOSED as f64;
    println!("closing one sale and its lead, while {leads:>6} leads wait (memory): {each:.0} us");
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
fn complete_all(engine: &Engine, open: Vec<Id>, submitters: usize, each: usize) -> Duration {
    let open = Mutex::new(open);
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

/// What one completion left in a file.
struct Left {
    at: i64,
    instance: Vec<u8>,
    task: Vec<u8>,
    revision: i64,
    status: i64,
    state: Vec<u8>,
    command: Vec<u8>,
    journal: Vec<u8>,
}

/// What completions left behind, in their order: one commit has one instant.
fn left(file: &Path, copy: &Path) -> Vec<Left> {
    let connection = Connection::open(file).expect("the file opens");
    connection.execute("ATTACH ?1 AS before", [copy.to_str().expect("a path")]).expect("the copy");
    let mut statement = connection
        .prepare(
            "SELECT journal.at, instance.id, task.id, instance.revision, instance.status, instance.state, journal.command, journal.body
             FROM before.task AS task JOIN instance ON instance.id = task.instance
             JOIN journal ON journal.instance = instance.id AND journal.revision = instance.revision ORDER BY journal.seq",
        )
        .expect("a statement");
    let rows = statement.query_map([], |row| {
        Ok(Left {
            at: row.get(0)?,
            instance: row.get(1)?,
            task: row.get(2)?,
            revision: row.get(3)?,
            status: row.get(4)?,
            state: row.get(5)?,
            command: row.get(6)?,
            journal: row.get(7)?,
        })
    });
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

/// What completions of W4 write, without an engine: the very rows, into the same tables with their indexes, in the same commits.
fn raw(copy: &Path, commits: &[&[Left]]) -> Duration {
    let mut connection = Connection::open(copy).expect("the file opens");
    connection.pragma_update(None, "journal_mode", "WAL").expect("a pragma");
    connection.pragma_update(None, "synchronous", "FULL").expect("a pragma");
    let began = Instant::now();
    for rows in commits {
        let commit = connection.transaction().expect("a transaction");
        for row in *rows {
            write(
                &commit,
                "UPDATE instance SET revision = ?2, status = ?3, ended = ?4, state = ?5 WHERE id = ?1",
                params![row.instance, row.revision, row.status, row.at, row.state],
            );
            write(&commit, "DELETE FROM task_role WHERE task = ?1", params![row.task]);
            write(&commit, "DELETE FROM task WHERE id = ?1", params![row.task]);
            write(
                &commit,
                "INSERT INTO journal (at, instance, revision, command, body) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![row.at, row.instance, row.revision, row.command, row.journal],
            );
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
    let before = resident();
    let _opened = engine(SqliteStore::open(&file).expect("the file opens"));
    let held = resident().saturating_sub(before);
    let time = times[times.len() / 2].as_secs_f64() * 1_000.0;
    println!("opening a file with {PARKED} parked instances: {time:.1} ms, {held} KiB more in memory");
}

/// The memory of this process, in KiB, where the system tells.
fn resident() -> usize {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    told.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).map_or(0, |pages| pages * 4)
}
