//! What the engine does by itself: reactions, timers, outside work, the clock.

use chrono::{DateTime, TimeDelta, Utc};

use super::session::Session;
use super::turns::Asks;
use super::{Actor, Engine, Error, ServiceCall, ServiceError, commit};
use crate::instance::command::Failure;
use crate::instance::rows::Values;
use crate::instance::{Command, Id, JobRow, Need, StartBy, WaitId};
use crate::model::Name;
use crate::store::{Applied, Claim, JournalBody, JournalRow, Write};

/// How long a job is leased.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How many jobs are claimed at once.
const CLAIM: usize = 16;
/// How many rounds of work one call does at most.
const MAX_ROUNDS: u32 = 100_000;

/// What was worked off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    /// Timers that fired.
    pub timers: u32,
    /// Jobs that ran.
    pub jobs: u32,
}

/// A job claimed by a worker outside.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    /// What is to be done.
    pub call: ServiceCall,
    /// Its id.
    pub id: Id,
    /// Until when it is leased.
    pub until: DateTime<Utc>,
    instance: Id,
    wait: WaitId,
}

impl Engine {
    /// Runs until no reaction is due.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle(&self) -> Result<(), Error> {
        if let Some(queue) = &self.inner.queue {
            queue.drain();
        }
        while commit::react_batch(self)? {}
        Ok(())
    }

    /// Fires due timers and runs due jobs until nothing is due any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn work(&self) -> Result<Worked, Error> {
        let mut worked = Worked::default();
        for _ in 0..MAX_ROUNDS {
            self.settle()?;
            let (timers, jobs) = (self.fire_due()?, self.run_due()?);
            worked.timers = worked.timers.saturating_add(timers);
            worked.jobs = worked.jobs.saturating_add(jobs);
            if timers == 0 && jobs == 0 {
                break;
            }
        }
        Ok(worked)
    }

    /// Moves the clock ahead, stopping at every instant at which something is due, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn advance(&self, by: TimeDelta) -> Result<Worked, Error> {
        let start = self.now();
        let end = start.checked_add_signed(by).unwrap_or(start);
        let mut worked = self.work()?;
        for _ in 0..MAX_ROUNDS {
            let Some(due) = self.next_due()?.filter(|due| *due <= end) else { break };
            if due > self.now() {
                self.move_clock(due)?;
            }
            let now = self.work()?;
            worked.timers = worked.timers.saturating_add(now.timers);
            worked.jobs = worked.jobs.saturating_add(now.jobs);
            if now == Worked::default() && self.next_due()?.is_some_and(|next| next <= due) {
                // Due, but nobody here can do it (a remote worker's job): not waited for.
                break;
            }
        }
        self.move_clock(end)?;
        let last = self.work()?;
        Ok(Worked { timers: worked.timers.saturating_add(last.timers), jobs: worked.jobs.saturating_add(last.jobs) })
    }

    fn move_clock(&self, to: DateTime<Utc>) -> Result<(), Error> {
        let ahead = to.signed_duration_since(self.now()).num_microseconds().unwrap_or(0);
        if ahead <= 0 {
            return Ok(());
        }
        let store = &self.inner.store;
        let offset = self.clock_offset()?;
        store.write(&mut |tx| tx.set_offset(offset.saturating_add(ahead)))?;
        Ok(())
    }

    fn clock_offset(&self) -> Result<i64, Error> {
        let mut offset = 0;
        self.inner.store.read(&mut |reader| {
            offset = reader.clock_offset()?;
            Ok(())
        })?;
        Ok(offset)
    }

    /// When the next timer or job is due.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_due(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let mut due = None;
        self.inner.store.read(&mut |reader| {
            due = reader.next_due()?;
            Ok(())
        })?;
        Ok(due)
    }

    fn fire_due(&self) -> Result<u32, Error> {
        let now = self.now();
        let mut fired: u32 = 0;
        for _ in 0..MAX_ROUNDS {
            let mut due = Vec::new();
            self.inner.store.read(&mut |reader| {
                due = reader.due_timers(now, 1)?;
                Ok(())
            })?;
            let Some((at, instance, wait)) = due.into_iter().next() else { break };
            self.fire(at, instance, wait)?;
            self.settle()?;
            fired = fired.saturating_add(1);
        }
        Ok(fired)
    }

    fn fire(&self, at: DateTime<Utc>, instance: Id, wait: WaitId) -> Result<(), Error> {
        if let Some((process, start)) = self.scheduled(instance) {
            return self.start_by_schedule(at, instance, process, start);
        }
        match self.system().submit(Command::Fire(wait), Some(instance))?.wait() {
            Ok(_) => Ok(()),
            Err(Error::Store(error)) => Err(Error::Store(error)),
            // Whatever it belonged to is gone or cannot take it: the timer must not come again and again.
            Err(_) => self.drop_timer(instance, wait),
        }
    }

    fn drop_timer(&self, instance: Id, wait: WaitId) -> Result<(), Error> {
        let body = JournalBody {
            kind: "timer".into(),
            notes: vec!["a timer whose wait is gone was dropped".into()],
            ..JournalBody::default()
        };
        self.write_needs(vec![Need::DisarmTimer(instance, wait)], body)
    }

    /// Writes needs that belong to no turn.
    pub(super) fn write_needs(&self, needs: Vec<Need>, body: JournalBody) -> Result<(), Error> {
        let journal = JournalRow { at: self.now(), command: self.new_id(), body, ..JournalRow::default() };
        let write = Write { journal, needs, ..Write::default() };
        self.inner.store.write(&mut |tx| match tx.apply(&write)? {
            Applied::Applied(_) => Ok(()),
            other => Err(crate::store::StoreError::Aborted(format!("{other:?}"))),
        })?;
        Ok(())
    }

    fn start_by_schedule(&self, at: DateTime<Utc>, id: Id, process: Name, start: u32) -> Result<(), Error> {
        self.arm_schedule(id, &process, start, Some(at))?;
        let by = StartBy::Event(start, crate::instance::Payload::Schedule);
        let (record, new, with) = (None, None, Values::new());
        let command = Command::Start { process, version: None, by, record, new, with, caller: None, depth: 0 };
        match self.system().submit(command, None)?.wait() {
            Err(Error::Store(error)) => Err(Error::Store(error)),
            // A start that meets its guard is no failure of the schedule.
            _ => Ok(()),
        }
    }

    fn run_due(&self) -> Result<u32, Error> {
        let services: Vec<Name> = self.inner.services.outside.keys().cloned().collect();
        if services.is_empty() {
            return Ok(0);
        }
        let jobs = self.claim_rows(services, CLAIM)?;
        let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
        for job in jobs {
            if let Some(result) = self.inner.services.call(&job) {
                self.finish_job(&job, result)?;
                self.settle()?;
            }
        }
        Ok(count)
    }

    fn claim_rows(&self, services: Vec<Name>, limit: usize) -> Result<Vec<JobRow>, Error> {
        let now = self.now();
        let until = now.checked_add_signed(LEASE).unwrap_or(now);
        let claim = Claim { now, until, services, limit };
        let mut jobs = Vec::new();
        self.inner.store.write(&mut |tx| {
            jobs = tx.claim_jobs(&claim)?;
            Ok(())
        })?;
        Ok(jobs)
    }

    fn finish_job(&self, job: &JobRow, result: Result<Values, Failure>) -> Result<(), Error> {
        let command = match result {
            Ok(values) => Command::JobDone(job.wait, values),
            Err(failure) => Command::JobFailed(job.wait, failure),
        };
        let asks = Asks::Job(Box::new(command), job.instance, job.id, job.attempt);
        match Session::new(self, Actor::System).ask(asks)?.wait() {
            Ok(_) | Err(Error::Fenced(_)) => Ok(()),
            Err(Error::Refused { .. } | Error::Unknown(_)) => {
                let body = JournalBody {
                    kind: "job".into(),
                    notes: vec!["the result of a withdrawn job was refused".into()],
                    ..JournalBody::default()
                };
                self.write_needs(vec![Need::CloseJob(job.id)], body)
            }
            Err(error) => Err(error),
        }
    }

    /// Leases jobs of services to a worker outside, for 30 seconds.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_jobs(&self, services: &[&str], limit: usize) -> Result<Vec<ClaimedJob>, Error> {
        let jobs = self.claim_rows(services.iter().map(Name::new).collect(), limit)?;
        let claimed = jobs.iter().map(|job| ClaimedJob {
            call: ServiceCall::of(job),
            id: job.id,
            until: job.leased_until.and_then(DateTime::from_timestamp_micros).unwrap_or_default(),
            instance: job.instance,
            wait: job.wait,
        });
        Ok(claimed.collect())
    }

    /// Makes the lease of a job longer by 30 seconds from now.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease was lost.
    pub fn extend_job(&self, job: &ClaimedJob) -> Result<(), Error> {
        let now = self.now();
        let until = now.checked_add_signed(LEASE).unwrap_or(now);
        let mut kept = false;
        self.inner.store.write(&mut |tx| {
            kept = tx.extend_job(job.id, job.call.attempt, until)?;
            Ok(())
        })?;
        if kept { Ok(()) } else { Err(Error::Fenced(job.id)) }
    }

    /// Gives the result of a claimed job.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease was lost.
    pub fn complete_job(&self, job: &ClaimedJob, result: Result<Values, ServiceError>) -> Result<(), Error> {
        let command = match result {
            Ok(values) => Command::JobDone(job.wait, values),
            Err(ServiceError::Raised(code, with)) => {
                Command::JobFailed(job.wait, Failure::Raised(code, with.into_iter().collect()))
            }
            Err(ServiceError::Broke(text)) => Command::JobFailed(job.wait, Failure::Broke(text)),
        };
        let asks = Asks::Job(Box::new(command), job.instance, job.id, job.call.attempt);
        self.system().ask(asks)?.wait()?;
        self.settle()
    }

    /// Puts a failed reaction back: it is run again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn retry_reaction(&self, seq: u64) -> Result<(), Error> {
        self.inner.store.write(&mut |tx| tx.park_reaction(seq, None))?;
        self.settle()
    }

    /// Forgets finished instances, journal rows and command ids from before an instant; says how many rows went.
    ///
    /// # Errors
    /// When the store fails.
    pub fn prune(&self, before: DateTime<Utc>) -> Result<u64, Error> {
        let mut gone = 0;
        self.inner.store.write(&mut |tx| {
            gone = tx.prune(before)?;
            Ok(())
        })?;
        Ok(gone)
    }
}
