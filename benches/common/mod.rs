//! The workloads' definitions, and how they are timed.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::time::{Duration, Instant};

use stageflow::Engine;
use stageflow::instance::rows::Values;
use stageflow::load::Sources;
use stageflow::store::Store;

/// The processes under load, by name.
const PROCESSES: [(&str, &str); 8] = [
    (
        "w1",
        "steps: [{service: noop}, {service: noop}, {service: noop}, {service: noop}, {service: noop}, {service: noop}, {service: noop}, {service: noop}, {service: noop}, {service: noop}]",
    ),
    (
        "w2",
        "params: {kind: int}
steps:
  - choose:
      - {when: kind = 1, next: first}
      - {when: kind = 2, next: second}
      - otherwise: third
  - {id: first, service: noop, next: rest}
  - {id: second, service: noop, next: rest}
  - {id: third, service: noop}
  - {id: rest, service: noop}
  - service: noop
  - service: noop
  - service: noop",
    ),
    (
        "w3",
        "steps:
  - parallel:
      a: [{service: noop}, {service: noop}]
      b: [{service: noop}, {service: noop}]
      c: [{service: noop}, {service: noop}]
      d: [{service: noop}, {service: noop}]
      e: [{service: noop}, {service: noop}]",
    ),
    (
        "w4",
        "steps:
  - service: noop
  - id: look
    user_task: Look at it
    assign: role(clerk)
  - service: noop",
    ),
    (
        "w5",
        "params: {rounds: int}
vars: {round: {type: int, initial: 0}}
steps:
  - id: again
    set: {round: round + 1}
  - choose:
      - {when: round < rounds, next: again}
      - otherwise: over
  - {id: over, end: Over}",
    ),
    (
        "w6",
        "params: {rounds: int}
vars: {round: {type: int, initial: 0}}
steps:
  - id: again
    set: {round: round + 1}
  - all_that_apply:
      - {when: round >= 1, steps: [{service: noop}]}
      - {when: round >= 2, steps: [{service: noop}]}
      - {when: round >= 3, steps: [{service: noop}]}
      - {when: round >= 4, steps: [{service: noop}]}
      - {when: round >= 5, steps: [{service: noop}]}
      - {when: round >= 6, steps: [{service: noop}]}
      - {when: round >= 7, steps: [{service: noop}]}
      - {when: round >= 8, steps: [{service: noop}]}
      - {when: round >= 9, steps: [{service: noop}]}
      - {when: round >= 10, steps: [{service: noop}]}
  - choose:
      - {when: round < rounds, next: again}
      - otherwise: over
  - {id: over, end: Over}",
    ),
    (
        "w7",
        "params: {items: list(int)}
steps:
  - each: item in items
    at_once: all
    steps: [{service: noop}]",
    ),
    (
        "w7s",
        "params: {items: list(int)}
steps:
  - each: item in items
    steps: [{service: noop}]",
    ),
];

const LIBRARY: &str = "library: load
title: Load
languages: [en]
roles: {clerk: {}}
services: {noop: {}}
";

/// An engine over a store with the workloads and a service that does nothing.
pub fn engine(store: impl Store + 'static) -> Engine {
    let mut sources = Sources::new();
    let files: Vec<String> = PROCESSES.iter().map(|(name, _)| format!("{name}.yaml")).collect();
    sources.add("load.yaml", format!("{LIBRARY}processes: [{}]\n", files.join(", ")));
    for (name, body) in PROCESSES {
        sources.add(
            format!("{name}.yaml"),
            format!("process: {name}\nversion: 1\ntitle: {name}\nstart: [{{manual: {{}}}}]\n{body}\n"),
        );
    }
    let built = Engine::builder().store(store).sources(sources).inside("noop", |_| Ok(Values::new())).build();
    built.unwrap_or_else(|error| panic!("the workloads load: {error}"))
}

/// The times of so many runs, shortest first.
pub fn sorted(runs: usize, mut run: impl FnMut() -> Duration) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..runs.max(1)).map(|_| run()).collect();
    times.sort();
    times
}

/// How many per second.
pub fn rate(count: usize, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64()) as u64
}

/// The thread's time on the processor, so that neighbours on a busy machine count less; the wall's where the system does not tell.
pub enum Clock {
    /// Nanoseconds on the processor at the beginning.
    Processor(u64),
    /// The beginning.
    Wall(Instant),
}

impl Clock {
    /// Begins to measure.
    pub fn now() -> Self {
        on_processor().map_or_else(|| Clock::Wall(Instant::now()), Clock::Processor)
    }

    /// The time since.
    pub fn elapsed(&self) -> Duration {
        match self {
            Clock::Processor(began) => Duration::from_nanos(on_processor().unwrap_or(*began).saturating_sub(*began)),
            Clock::Wall(began) => began.elapsed(),
        }
    }
}

/// Linux tells how long a thread has run, to a few milliseconds.
fn on_processor() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}
