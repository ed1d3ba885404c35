//! `service`: the host's code. *Inside*: pure, part of the turn. *Outside*: a job after the commit, leased, fenced, at least once (S23).

use chrono::TimeDelta;

use super::definition::Assign;
use super::room::{Arm, ArmKind, Event, Fault, Given, JobSpec, Move, Next, Room, View};
use crate::instance::command::Failure;
use crate::instance::rows::Values;
use crate::instance::{Id, WaitKind};
use crate::model::Name;
use crate::model::expr::Expr;

/// A call of the host's code.
#[derive(Debug, Default)]
pub struct ServiceTask {
    /// The service.
    pub service: Name,
    /// Its arguments.
    pub with: Vec<(Name, Expr)>,
    /// What is kept of its answer.
    pub take: Vec<Assign>,
    /// How it is tried again when it breaks.
    pub retry: Retry,
    /// How long one attempt may take: a duration.
    pub timeout: Option<Expr>,
}

/// How broken outside work is tried again. Times are in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// How often after the first attempt.
    pub times: u32,
    /// The first pause.
    pub backoff: i64,
    /// By how much each pause is longer than the one before.
    pub factor: u32,
    /// The longest pause.
    pub max: i64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 3, backoff: 10_000_000, factor: 2, max: 3_600_000_000 }
    }
}

impl Retry {
    /// The pause after the failed attempt of this number (from 1); none when there is no further one.
    ///
    /// ```
    /// use stageflow::element::service_task::Retry;
    /// let retry = Retry { times: 2, backoff: 10, factor: 3, max: 20 };
    /// assert_eq!([1, 2, 3].map(|attempt| retry.pause(attempt)), [Some(10), Some(20), None]);
    /// ```
    pub fn pause(&self, attempt: u32) -> Option<i64> {
        if attempt > self.times {
            return None;
        }
        let factor = i64::from(self.factor).saturating_pow(attempt.saturating_sub(1));
        Some(self.backoff.saturating_mul(factor).min(self.max))
    }
}

impl Room for ServiceTask {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let with = view.eval_all(&self.with)?;
        match view.services.inside(&self.service) {
            Some(handler) => match handler(&with) {
                Ok(result) => self.done(view, &result),
                Err(failure) => Ok(failed(&failure)),
            },
            None => self.job(view, with, None, 1, 0),
        }
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        match event {
            Event::Done(result) => self.done(view, result),
            Event::Failed(failure) => self.failure(view, failure),
            _ => Ok(Move::only(Next::Stay)),
        }
    }
}

impl ServiceTask {
    fn job(&self, view: &View<'_>, with: Values, again: Option<Id>, attempt: u32, pause: i64) -> Result<Move, Fault> {
        let timeout = match &self.timeout {
            Some(timeout) => view.instant(timeout, view.now)?.signed_duration_since(view.now).num_microseconds(),
            None => None,
        };
        let due = view.now.checked_add_signed(TimeDelta::microseconds(pause)).unwrap_or(view.now);
        let job = JobSpec { service: self.service.clone(), with, again, attempt, due, timeout };
        let arm = Arm { node: view.node, kind: ArmKind::Job(Box::new(job)), count: attempt };
        Ok(Move::only(Next::Wait(vec![arm])))
    }

    fn done(&self, view: &View<'_>, result: &Values) -> Result<Move, Fault> {
        if self.take.is_empty() {
            return Ok(Move::pass());
        }
        let given = Given { result: Some(result), ..*view.given };
        Ok(Move::then_pass(View { given: &given, ..*view }.assignments(&self.take)?))
    }

    /// A raised error is thrown at once; a failure is tried again until the retries are used up.
    fn failure(&self, view: &View<'_>, failure: &Failure) -> Result<Move, Fault> {
        let wait = view.own_wait(|kind| matches!(kind, WaitKind::Job(_)));
        let attempt = wait.map_or(1, |wait| wait.count);
        let again = wait.and_then(|wait| if let WaitKind::Job(id) = wait.kind { Some(id) } else { None });
        match self.retry.pause(attempt) {
            Some(pause) if !matches!(failure, Failure::Raised(..)) => {
                self.job(view, view.eval_all(&self.with)?, again, attempt.saturating_add(1), pause)
            }
            _ => Ok(failed(failure)),
        }
    }
}

fn failed(failure: &Failure) -> Move {
    let (code, with, message) = match failure {
        Failure::Raised(code, with) => {
            (code.clone(), with.iter().cloned().collect(), format!("the service raised {code}"))
        }
        Failure::Broke(text) => (Name::new("service_failed"), Values::new(), format!("the service failed: {text}")),
        Failure::TimedOut => (Name::new("timeout"), Values::new(), "the service took longer than its time".to_string()),
    };
    Move::only(Next::Throw { code, with, message, escalation: false })
}
