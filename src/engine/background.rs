//! Work in the background: threads that fire timers, run jobs, keep their leases alive and forget what is old.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::{Engine, Error};
use crate::instance::command::Failure;
use crate::instance::{Id, JobRow};

/// How often leases are made longer: a third of their length.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often what is old is looked for.
const PRUNE: Duration = Duration::from_secs(3_600);

/// How much works in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Threads that run jobs.
    pub workers: usize,
    /// How long one of them sleeps at most while nothing is due.
    pub nap: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { workers: 2, nap: Duration::from_millis(500) }
    }
}

/// Rings when something was committed: whoever naps looks again.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: AtomicU64,
    /// How many wait for it: while nobody does, ringing costs nothing.
    waiting: AtomicUsize,
    asleep: Mutex<()>,
    changed: Condvar,
}

impl Bell {
    pub fn ring(&self) {
        self.rung.fetch_add(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            // Whoever is about to sleep has looked at the count before or sleeps by now.
            drop(self.asleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.changed.notify_all();
        }
    }

    fn count(&self) -> u64 {
        self.rung.load(Ordering::SeqCst)
    }

    /// Waits until it rings again after `before`, or for so long.
    fn wait(&self, before: u64, most: Duration) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(asleep, most, |()| self.count() == before));
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The engine's work in the background. It ends when this is dropped; what runs at that moment is finished first.
#[must_use = "the background work ends when this is dropped"]
pub struct Background {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    engine: Engine,
    pace: Pace,
    ended: AtomicBool,
    running: Mutex<BTreeMap<Id, Running>>,
}

/// A job that one of the threads runs.
struct Running {
    job: JobRow,
    since: DateTime<Utc>,
}

impl Engine {
    /// Fires timers, runs jobs of the services handled here, keeps their leases alive and forgets what [`Retention`](super::Retention)
    /// says, in threads of its own, until the handle is dropped.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn background(&self, pace: Pace) -> Result<Background, Error> {
        let (ended, running) = (AtomicBool::new(false), Mutex::default());
        let shared = Arc::new(Shared { engine: self.clone(), pace, ended, running });
        let mut background = Background { shared: shared.clone(), threads: Vec::new() };
        background.spawn("timers", Shared::fire)?;
        background.spawn("leases", Shared::keep_leases)?;
        if !self.inner.foreign.is_empty() {
            background.spawn("foreign", Shared::hand_over)?;
        }
        for _ in 0..pace.workers {
            background.spawn("worker", Shared::run)?;
        }
        Ok(background)
    }
}

impl Background {
    fn spawn(&mut self, name: &str, work: fn(&Shared)) -> Result<(), Error> {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name(format!("stageflow-{name}")).spawn(move || work(&shared));
        self.threads.push(thread.map_err(|error| Error::Build(format!("a thread cannot be started: {error}")))?);
        Ok(())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.shared.engine.inner.bell.ring();
        for thread in self.threads.drain(..) {
            // Dropped by one of its own threads, it cannot wait for that one.
            if thread.thread().id() != std::thread::current().id() {
                let _ended = thread.join();
            }
        }
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Naps until something was committed since `before`, something falls due, or the nap is over.
    fn nap(&self, before: u64, most: Duration) {
        let due = self.engine.next_due().ok().flatten();
        let left = due.map(|due| due.signed_duration_since(self.engine.now()).to_std().unwrap_or(Duration::ZERO));
        // What is due and stays due is somebody else's: not looked at without end.
        let most = left.map_or(most, |left| left.clamp(Duration::from_millis(5), most));
        if !self.is_over() {
            self.engine.inner.bell.wait(before, most);
        }
    }

    fn fire(&self) {
        let mut pruned = Instant::now();
        while !self.is_over() {
            let before = self.engine.inner.bell.count();
            // A store that fails is tried again after the nap; whoever gives commands meets it too.
            let fired = self.engine.tick().unwrap_or(0);
            if pruned.elapsed() > PRUNE {
                let _pruned = self.engine.system().prune();
                pruned = Instant::now();
            }
            if fired == 0 {
                self.nap(before, self.pace.nap);
            }
        }
    }

    /// Hands changes to the systems that keep their records. What one of them cannot take is tried again after the nap.
    fn hand_over(&self) {
        while !self.is_over() {
            let before = self.engine.inner.bell.count();
            if !self.engine.hand_over().unwrap_or(false) {
                self.nap(before, self.pace.nap);
            }
        }
    }

    fn run(&self) {
        let services = self.engine.handled();
        while !self.is_over() && !services.is_empty() {
            let before = self.engine.inner.bell.count();
            match self.engine.lease(&services, 1).map(|mut jobs| jobs.pop()) {
                Ok(Some(job)) => self.run_one(&job),
                Ok(None) | Err(_) => self.nap(before, self.pace.nap),
            }
        }
    }

    fn run_one(&self, job: &JobRow) {
        let running = Running { job: job.clone(), since: self.engine.now() };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id, running);
        // A result that cannot be given now is given by whoever has the job when its lease has run out.
        let _done = self.engine.run_job(job);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&job.id);
    }

    /// Leases of what runs here are made longer; what takes longer than its time has failed, whatever its handler says later.
    fn keep_leases(&self) {
        let mut beat = Instant::now();
        while !self.is_over() {
            let before = self.engine.inner.bell.count();
            self.engine.inner.bell.wait(before, self.pace.nap);
            let all = beat.elapsed() >= HEARTBEAT;
            if all {
                beat = Instant::now();
            }
            let now = self.engine.now();
            let mut over = Vec::new();
            for running in self.running.lock().unwrap_or_else(PoisonError::into_inner).values() {
                let took = now.signed_duration_since(running.since).num_microseconds().unwrap_or(i64::MAX);
                over.push((running.job.clone(), running.job.timeout.is_some_and(|most| took >= most)));
            }
            for (job, is_late) in over {
                // Lost leases are found when their results are fenced.
                if is_late {
                    let failure = Err(Failure::TimedOut);
                    let _told = self.engine.finish(job.instance, job.wait, job.id, job.attempt, failure);
                } else if all {
                    let _kept = self.engine.extend(job.id, job.attempt);
                }
            }
        }
    }
}
