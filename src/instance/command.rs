//! What comes in: the commands that one turn carries out.

use minicbor::{Decode, Encode};

use super::rows::Values;
use super::state::Caller;
use super::{Id, WaitId};
use crate::entity::{RecordEvent, Wish};
use crate::model::{Name, Ref, Value};

/// One command. Whoever sends it, at most one turn carries it out, once.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin a run.
    Start {
        /// The process.
        process: Name,
        /// Its version; the newest when none is named.
        version: Option<u32>,
        /// Which way it starts.
        by: StartBy,
        /// The record it is about.
        record: Option<Ref>,
        /// The columns of the record to make first (`new:`).
        new: Option<Values>,
        /// Parameters.
        with: Values,
        /// Who called it.
        caller: Option<Caller>,
        /// How many calls deep it is.
        depth: u32,
    },
    /// A person completes a task.
    Complete {
        /// The task.
        task: Id,
        /// Its outcome; the only one when none is named.
        outcome: Option<Name>,
        /// Form entries, and columns of records as `self.column`.
        form: Values,
    },
    /// A person takes a task that he may claim.
    Claim(Id),
    /// A person gives a claimed task back.
    Release(Id),
    /// A task goes to another person; nobody when none.
    Reassign(Id, Option<Ref>),
    /// A timer is due.
    Fire(WaitId),
    /// A job of a wait succeeded, and what it gave.
    JobDone(WaitId, Values),
    /// A job of a wait failed.
    JobFailed(WaitId, Failure),
    /// What another turn asks of a wait.
    Deliver(WaitId, Payload),
    /// A person uses an action offered at a boundary or by a handler.
    Act(WaitId, Values),
    /// Mend an incident.
    Mend(Id, Resolution),
    /// Cancel the run, and why.
    Cancel(Name),
    /// Stop the run for now, or go on.
    Suspend(bool),
    /// Change a record; no run of its own.
    Save(Wish),
    /// Throw a signal; no run of its own.
    Signal(Name, Values),
    /// Publish a message; no run of its own.
    Publish {
        /// Its name.
        message: Name,
        /// Its key.
        key: Value,
        /// Its values.
        with: Values,
    },
}

/// Which way a run starts.
#[derive(Clone, Debug, PartialEq)]
pub enum StartBy {
    /// By a person or the host.
    Hand,
    /// By a call of another run, which has chosen the new run's id.
    Call(Id),
    /// By the start event of this position, with what caused it.
    Event(u32, Payload),
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Failure {
    /// The service raised a declared error: it is caught or becomes an incident, and is not retried.
    #[n(0)]
    Raised(#[n(0)] Name, #[n(1)] Vec<(Name, Value)>),
    /// It broke; retried as the step says.
    #[n(1)]
    Broke(#[n(0)] String),
    /// It took longer than its time.
    #[n(2)]
    TimedOut,
}

/// How an incident is mended.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolution {
    /// Do the step again.
    Retry,
    /// Leave by the named way out, or complete the step by hand with these variables.
    Way(Option<Name>, Values),
    /// Go on behind the step as if it were done.
    Skip,
}

/// What a reaction brings.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Payload {
    /// A record changed.
    #[n(0)]
    Record(#[n(0)] Box<RecordEvent>),
    /// A message arrived.
    #[n(1)]
    Message(#[n(0)] Name, #[n(1)] String, #[n(2)] Vec<(Name, Value)>),
    /// A signal was thrown.
    #[n(2)]
    Signal(#[n(0)] Name, #[n(1)] Vec<(Name, Value)>),
    /// A called run completed with these results.
    #[n(3)]
    Returned(#[n(0)] Vec<(Name, Value)>),
    /// A called run threw an error or escalation that is caught outside.
    #[n(4)]
    Thrown {
        /// The code.
        #[n(0)]
        code: Name,
        /// Its values.
        #[n(1)]
        with: Vec<(Name, Value)>,
        /// Whether it is an escalation.
        #[n(2)]
        escalation: bool,
    },
    /// Cancel, and why.
    #[n(5)]
    Cancel(#[n(0)] Name),
    /// A schedule is due.
    #[n(6)]
    Schedule,
    /// The task's record was completed or canceled by another run.
    #[n(7)]
    Mirror(#[n(0)] Box<RecordEvent>),
}
