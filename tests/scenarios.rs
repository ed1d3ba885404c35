//! Every scenario of the shipped libraries: over memory and SQLite, and again with the engine closed and opened before every step.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use stageflow::scenario::{self, Options, Over};

fn all_hold(options: Options) {
    let files = scenario::files(Path::new("processes")).expect("the scenarios");
    assert!(!files.is_empty(), "there is no scenario");
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let wanted: Vec<PathBuf> = files.into_iter().filter(|file| file.to_string_lossy().contains(&only)).collect();
    let next = Mutex::new(wanted.iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(file) = next.lock().expect("the list").next() else { break };
                    if let Err(failure) = scenario::run_file(file, options) {
                        failed.lock().expect("the failures").push(failure.to_string());
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("the failures");
    failed.sort();
    assert!(
        failed.is_empty(),
        "{} of {} scenarios do not hold:\n\n{}\n",
        failed.len(),
        wanted.len(),
        failed.join("\n\n")
    );
}

#[test]
fn in_memory() {
    all_hold(Options::default());
}

#[test]
fn in_memory_with_a_restart_before_every_step() {
    all_hold(Options { restart_before_every_step: true, ..Options::default() });
}

#[test]
fn on_sqlite() {
    all_hold(Options { over: Over::Sqlite, ..Options::default() });
}

#[test]
fn on_sqlite_with_a_restart_before_every_step() {
    all_hold(Options { over: Over::Sqlite, restart_before_every_step: true });
}
