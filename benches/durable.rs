//! Acknowledged commands per second on SQLite with `synchronous=FULL`, beside raw SQLite that writes the same rows into the same tables
//! in the same commits; and how long a file with many parked instances takes to open.
//!
//! `cargo bench --bench durable`

#[path = "common/allocator.rs"]
mod allocator;
#[path = "common/mod.rs"]
mod common;
#[path = "common/raw.rs"]
mod raw;

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{engine, rate, sorted};
use stageflow::Engine;
use stageflow::instance::{Command, Id};
use stageflow::load::Sources;
use stageflow::model::{Ref, Value};
use stageflow::store::{MemoryStore, SqliteStore, Store, TaskFilter};

const RUNS: usize = 5;
const COMMANDS: usize = 64 * 4 * 20;
const LONE: usize = 200;
const PARKED: usize = 100_000;

/// How it is asked, by how many threads, how many unanswered commands each has, how many there are.
const FULL: (&str, usize, usize, usize) = ("64 submitters, 4 tickets each", 64, 4, COMMANDS);
const BUSY: (&str, usize, usize, usize) = ("64 submitters, one in flight each", 64, 1, COMMANDS);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runs = words.iter().find_map(|word| word.parse().ok()).unwrap_or(RUNS);
    let names: Vec<&String> = words.iter().filter(|word| word.parse::<usize>().is_err()).collect();
    let asked = |name: &str| names.is_empty() || names.iter().any(|asked| *asked == name);
    let folder = tempfile::tempdir().expect("a folder");
    let durability = SqliteStore::open(folder.path().join("empty.db")).expect("the file opens").durability();
    println!("durability: {durability}; median of {runs} runs, mimalloc");
    if asked("w4") {
        let alone = ("one submitter, one in flight", 1, 1, LONE);
        completions(folder.path(), runs, &W4, &[FULL, BUSY, alone]);
    }
    if asked("crm") {
        completions(folder.path(), runs, &CRM, &[FULL, BUSY]);
    }
    if asked("closing") {
        closing(1_000);
        closing(10_000);
    }
    if asked("parked") {
        parked(folder.path(), runs);
    }
}

/// What is completed: how its engine is built, and how so many of its tasks come to be open.
struct Work {
    title: &'static str,
    build: fn(SqliteStore) -> Engine,
    open: fn(&Engine, usize),
}

const W4: Work =
    Work { title: "W4 completion", build: |store| engine(store), open: |engine, count| drop(tasks(engine, count)) };
const CRM: Work = Work { title: "a CRM task with its activity, two records and a timer", build: deals, open: talks };

/// How it went once: the engine, the same rows written by hand, the commits and rows that it took.
struct Compared {
    own: Duration,
    raw: Duration,
    commits: usize,
    rows: usize,
}

impl Compared {
    fn ratio(&self) -> f64 {
        self.raw.as_secs_f64() / self.own.as_secs_f64()
    }
}

/// Completions beside the rows that they write; the run with the median of the ratios is printed.
fn completions(folder: &Path, runs: usize, work: &Work, loads: &[(&str, usize, usize, usize)]) {
    for (load, submitters, each, count) in loads {
        let run = |_| side_by_side(folder, work, *submitters, *each, *count);
        let mut all: Vec<Compared> = (0..runs.max(1)).map(run).collect();
        all.sort_by(|one, other| one.ratio().total_cmp(&other.ratio()));
        let median = &all[all.len() / 2];
        println!(
            "{}, {load}: {} /s; raw SQLite writing the same {:.1} rows each in the same {} commits: {} /s; ratio {:.2}",
            work.title,
            rate(*count, median.own),
            median.rows as f64 / *count as f64,
            median.commits,
            rate(*count, median.raw),
            median.ratio()
        );
    }
}

/// Tasks completed by the engine, and their rows written by hand into a copy of the file.
fn side_by_side(folder: &Path, work: &Work, submitters: usize, each: usize, count: usize) -> Compared {
    let (file, copy) = (folder.join("engine.db"), folder.join("raw.db"));
    for file in [&file, &copy] {
        let _absent = std::fs::remove_file(file);
    }
    (work.open)(&(work.build)(SqliteStore::open(&file).expect("the file opens")), count);
    std::fs::copy(&file, &copy).expect("a copy");
    let loaded = (work.build)(SqliteStore::open(&file).expect("the file opens"));
    let open = loaded.tasks(&TaskFilter { limit: Some(count), ..TaskFilter::default() }).expect("the tasks");
    assert_eq!(open.len(), count);
    let own = complete_all(&loaded, open.iter().map(|task| task.id).collect(), submitters, each);
    drop(loaded);
    let written = raw::written(&file, &copy);
    let commits: Vec<&[raw::Written]> = written.chunk_by(|one, next| one.at == next.at).collect();
    let took = raw::write(&copy, &commits);
    raw::compare(&file, &copy);
    Compared { own, raw: took, commits: commits.len(), rows: written.len() }
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

fn deals(store: SqliteStore) -> Engine {
    let mut sources = Sources::new();
    sources.add("deals.yaml", DEALS);
    sources.add("talk.yaml", TALK);
    Engine::builder().store(store).sources(sources).build().expect("the library loads")
}

/// So many talks, each with a deal and a customer of its own.
fn talks(engine: &Engine, count: usize) {
    let host = engine.system();
    for first in (0..count).step_by(1_000) {
        let begin = |number| {
            let customer = host.create_as("customer", &format!("c{number}"), [("name", Value::text("Olga"))]);
            let customer = Value::Ref(customer.expect("a customer"));
            host.start("talk").new_record([("customer", customer)]).submit().expect("room")
        };
        let tickets: Vec<_> = (first..count.min(first + 1_000)).map(begin).collect();
        tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("it starts")));
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
