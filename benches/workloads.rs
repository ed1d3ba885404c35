//! Whole processes per second in memory, on the caller's thread, and the bytes of a waiting instance.
//!
//! Every figure is the median of several runs in the thread's own time on the processor (where the system tells it), printed with the durability of the store it was measured on. Ratios between
//! lines of one run mean more than the absolute figures, above all on a machine that does something else besides.
//!
//! `cargo bench --bench workloads`

#[path = "common/allocator.rs"]
mod allocator;
#[path = "common/mod.rs"]
mod common;
#[path = "common/reference.rs"]
mod reference;

use std::sync::atomic::Ordering;
use std::time::Duration;

use allocator::{COUNTS, HELD};
use common::{Clock, engine, rate, sorted};
use stageflow::Engine;
use stageflow::model::Value;
use stageflow::store::{MemoryStore, Store, TaskFilter};

const RUNS: usize = 7;
const WAITING: usize = 50_000;

/// What a workload starts with.
#[derive(Clone, Copy)]
enum Parameter {
    None,
    /// A number by this name.
    Number(&'static str, i64),
    /// A list of so many numbers.
    Items(i64),
}

use Parameter::{Items, Number};

/// The workloads that run to their end at once: title, process, how many, its parameter.
const SHAPES: [(&str, &str, u32, Parameter); 11] = [
    ("W1 ten services in a row", "w1", 50_000, Parameter::None),
    ("W2 a choice of three, then five services", "w2", 50_000, Number("kind", 2)),
    ("W3 parallel, five branches of two services", "w3", 30_000, Parameter::None),
    ("W5 a loop of 100 rounds", "w5", 4_000, Number("rounds", 100)),
    ("W5 a loop of 200 rounds", "w5", 2_000, Number("rounds", 200)),
    ("W6 all that apply of ten, 100 rounds", "w6", 400, Number("rounds", 100)),
    ("W6 all that apply of ten, 200 rounds", "w6", 200, Number("rounds", 200)),
    ("W7 each of 1 000, all at once", "w7", 200, Items(1_000)),
    ("W7 each of 4 000, all at once", "w7", 50, Items(4_000)),
    ("W7 each of 1 000, one at a time", "w7s", 200, Items(1_000)),
    ("W7 each of 4 000, one at a time", "w7s", 50, Items(4_000)),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runs = words.iter().find_map(|word| word.parse().ok()).unwrap_or(RUNS);
    let names: Vec<&String> = words.iter().filter(|word| word.parse::<usize>().is_err()).collect();
    let asked = |name: &str| names.is_empty() || names.iter().any(|asked| *asked == name);
    println!("durability: {}; median of {runs} runs, one thread, mimalloc", MemoryStore::new().durability());
    for (title, name, count, with) in SHAPES {
        if asked(name) {
            started(title, name, count, runs, with);
        }
    }
    if asked("w4") {
        waiting(runs);
        memory();
    }
}

fn memory_engine() -> Engine {
    engine(MemoryStore::new().keep_journal(1 << 20))
}

/// So many runs of a process from its start to its end.
fn started(title: &str, process: &str, count: u32, runs: usize, with: Parameter) {
    let number = |number: i64| Value::Number(number.into());
    let given = match with {
        Parameter::None => None,
        Number(name, of) => Some((name, number(of))),
        Items(count) => Some(("items", Value::list((1..=count).map(number).collect::<Vec<_>>()))),
    };
    let times = sorted(runs, || {
        let engine = memory_engine();
        let host = engine.system();
        let began = Clock::now();
        for _ in 0..count {
            let start = host.start(process);
            let start = match &given {
                Some((name, value)) => start.with(name, value.clone()),
                None => start,
            };
            start.run().expect("the workload starts");
        }
        began.elapsed()
    });
    line(title, count as usize, &times);
    let rounds = match with {
        Number("rounds", rounds) => rounds,
        _ => 0,
    };
    // It has no several instances.
    let Some(shape) = reference::shape(process, rounds) else { return };
    let other = sorted(runs, || {
        let began = Clock::now();
        for _ in 0..count {
            shape.run(reference::Counted::default()).expect("the reference runs");
        }
        began.elapsed()
    });
    let ratio = other[other.len() / 2].as_secs_f64() / times[times.len() / 2].as_secs_f64();
    line("   the same shape in snurr, without state", count as usize, &other);
    println!("{:<46} {ratio:>10.2}", "   ratio");
}

/// W4: all are started and wait for a person; then all are completed. Two figures from the same runs.
fn waiting(runs: usize) {
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let engine = memory_engine();
        let host = engine.system();
        let began = Clock::now();
        for _ in 0..WAITING {
            host.start("w4").run().expect("the workload starts");
        }
        starts.push(began.elapsed());
        let filter = TaskFilter { limit: Some(WAITING), ..TaskFilter::default() };
        let tasks = engine.tasks(&filter).expect("the tasks are read");
        assert_eq!(tasks.len(), WAITING);
        let none: [(&str, Value); 0] = [];
        let began = Clock::now();
        for task in &tasks {
            host.complete(task.id, None, none.clone()).expect("the task completes");
        }
        ends.push(began.elapsed());
    }
    starts.sort();
    ends.sort();
    line("W4 started up to a user task", WAITING, &starts);
    line("W4 user task completed to the end", WAITING, &ends);
    let whole: Vec<Duration> = starts.iter().zip(&ends).map(|(start, end)| *start + *end).collect();
    line("W4 whole instances", WAITING, &whole);
}

/// What one instance holds while it waits for a person: its row, its state, its task and their indexes.
fn memory() {
    let engine = engine(MemoryStore::new().keep_journal(1));
    let host = engine.system();
    let start = || host.start("w4").run().expect("the workload starts");
    let _first: Vec<_> = (0..100).map(|_| start()).collect();
    COUNTS.store(true, Ordering::Relaxed);
    for _ in 0..WAITING {
        start();
    }
    COUNTS.store(false, Ordering::Relaxed);
    let held = HELD.load(Ordering::Relaxed);
    println!("{:<46} {:>10} bytes (without the journal)", "a waiting instance with its task", held / WAITING);
}

fn line(title: &str, count: usize, times: &[Duration]) {
    println!("{title:<46} {:>10} /s   (best {})", rate(count, times[times.len() / 2]), rate(count, times[0]));
}
