//! Work outside: jobs are leased, run by the host's handlers or by workers elsewhere, and their results fenced (S23).

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::request::{Asks, Request};
use super::{Actor, Engine, Error, ServiceCall, ServiceError};
use crate::instance::command::Failure;
use crate::instance::rows::Values;
use crate::instance::{Command, Id, JobRow, WaitId};
use crate::model::Name;
use crate::store::Claim;

/// How long a job is leased.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How often the worker of a job may vanish before the attempt has failed.
const LAPSES: u32 = 5;

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
    /// Runs the oldest due job of the services with a handler here; false when there is none.
    pub(super) fn run_next(&self) -> Result<bool, Error> {
        let Some(job) = self.lease(&self.handled(), 1)?.pop() else { return Ok(false) };
        self.run_job(&job)?;
        Ok(true)
    }

    /// The services with a handler here.
    pub(super) fn handled(&self) -> Vec<Name> {
        self.inner.services.outside.keys().cloned().collect()
    }

    /// Runs a leased job and gives its result.
    pub(super) fn run_job(&self, job: &JobRow) -> Result<(), Error> {
        let (call, begun) = (ServiceCall::of(job), Instant::now());
        let Some(result) = self.inner.services.call(&call) else { return Ok(()) };
        let took = begun.elapsed();
        self.each_observer(|observer| observer.ran(&call, took, result.as_ref().err()));
        self.finish(job.instance, job.wait, job.id, job.attempt, result)
    }

    /// Leases due jobs. One that took longer than its time, or whose workers vanish again and again, has failed instead.
    pub(super) fn lease(&self, services: &[Name], limit: usize) -> Result<Vec<JobRow>, Error> {
        if services.is_empty() {
            return Ok(Vec::new());
        }
        loop {
            let now = self.now();
            let until = now.checked_add_signed(LEASE).unwrap_or(now);
            let claim = Claim { now, until, services: services.to_vec(), limit };
            // Most of the time there is nothing to do: reading alone costs no commit.
            if !self.read(|reader| reader.has_jobs(&claim))? {
                return Ok(Vec::new());
            }
            let claimed = self.write(|tx| tx.claim_jobs(&claim))?;
            let (failed, sound): (Vec<JobRow>, Vec<JobRow>) =
                claimed.into_iter().partition(|job| job.late || job.lapses >= LAPSES);
            for job in &failed {
                let failure = match job.late {
                    true => Failure::TimedOut,
                    false => Failure::Broke(format!("its worker vanished {LAPSES} times")),
                };
                self.finish(job.instance, job.wait, job.id, job.attempt, Err(failure))?;
            }
            if failed.is_empty() || !sound.is_empty() {
                return Ok(sound);
            }
        }
    }

    pub(super) fn finish(
        &self,
        instance: Id,
        wait: WaitId,
        job: Id,
        attempt: u32,
        result: Result<Values, Failure>,
    ) -> Result<(), Error> {
        match self.give(instance, wait, job, attempt, result) {
            // Somebody else works on it, or it was withdrawn: the result is not wanted any more.
            Err(Error::Fenced(_)) => Ok(()),
            told => told,
        }
    }

    fn give(
        &self,
        instance: Id,
        wait: WaitId,
        job: Id,
        attempt: u32,
        result: Result<Values, Failure>,
    ) -> Result<(), Error> {
        let command = match result {
            Ok(values) => Command::JobDone(wait, values),
            Err(failure) => Command::JobFailed(wait, failure),
        };
        let asks = Asks::Job(Arc::new(command), instance, job, attempt);
        self.submit(Request::new(self.new_id(), false, Actor::System, asks))?.wait().map(|_| ())
    }

    /// Leases jobs of services to a worker outside, for 30 seconds each.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_jobs(&self, services: &[&str], limit: usize) -> Result<Vec<ClaimedJob>, Error> {
        let services: Vec<Name> = services.iter().map(Name::new).collect();
        let jobs = self.lease(&services, limit)?;
        let claimed = jobs.iter().map(|job| ClaimedJob {
            call: ServiceCall::of(job),
            id: job.id,
            until: job.leased_until.and_then(DateTime::from_timestamp_micros).unwrap_or_default(),
            instance: job.instance,
            wait: job.wait,
        });
        Ok(claimed.collect())
    }

    /// Makes the lease of a job longer: 30 seconds from now.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease was lost.
    pub fn extend_job(&self, job: &ClaimedJob) -> Result<(), Error> {
        self.extend(job.id, job.call.attempt)
    }

    pub(super) fn extend(&self, id: Id, attempt: u32) -> Result<(), Error> {
        let now = self.now();
        let until = now.checked_add_signed(LEASE).unwrap_or(now);
        let kept = self.write(|tx| tx.extend_job(id, attempt, until))?;
        if kept { Ok(()) } else { Err(Error::Fenced(id)) }
    }

    /// Gives the result of a claimed job.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease was lost.
    pub fn complete_job(&self, job: &ClaimedJob, result: Result<Values, ServiceError>) -> Result<(), Error> {
        self.give(job.instance, job.wait, job.id, job.call.attempt, result.map_err(super::services::failure))
    }

    /// Says that a claimed job could not be done: it is tried again as its step says.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the lease was lost.
    pub fn fail_job(&self, job: &ClaimedJob, why: &str) -> Result<(), Error> {
        self.complete_job(job, Err(ServiceError::Broke(why.to_string())))
    }
}
