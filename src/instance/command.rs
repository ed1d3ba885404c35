//! What comes in: the commands that one turn carries out.

use minicbor::{Decode, Encode};

use super::rows::Values;
use super::state::Caller;
use super::{Id, WaitId};
use crate::entity::{RecordEvent, Wish};
use crate::model::{Name, Ref, Value};

/// One command. Whoever sends it, at most one turn carries it out, once. Its encoded form is what a command's stamp is made of: the
/// numbers never change.
#[derive(Clone, Debug, Encode)]
pub enum Command {
    /// Begin a run.
    #[n(0)]
    Start {
        /// The process.
        #[n(0)]
        process: Name,
        /// Its version; the newest when none is named.
        #[n(1)]
        version: Option<u32>,
        /// Which way it starts.
        #[n(2)]
        by: StartBy,
        /// The record it is about.
        #[n(3)]
        record: Option<Ref>,
        /// The columns of the record to make first (`new:`).
        #[n(4)]
        new: Option<Values>,
        /// Parameters.
        #[n(5)]
        with: Values,
        /// Who called it.
        #[n(6)]
        caller: Option<Caller>,
        /// How many calls deep it is.
        #[n(7)]
        depth: u32,
    },
    /// A person completes a task.
    #[n(1)]
    Complete {
        /// The task.
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        task: Id,
        /// Its outcome; the only one when none is named.
        #[n(1)]
        outcome: Option<Name>,
        /// Form entries, and columns of records as `self.column`.
        #[n(2)]
        form: Values,
    },
    /// A person takes a task that he may claim.
    #[n(2)]
    Claim(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
    ),
    /// A person gives a claimed task back.
    #[n(3)]
    Release(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
    ),
    /// A task goes to another person; nobody when none.
    #[n(4)]
    Reassign(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
        #[n(1)] Option<Ref>,
    ),
    /// A timer is due.
    #[n(5)]
    Fire(#[n(0)] WaitId),
    /// A job of a wait succeeded, and what it gave.
    #[n(6)]
    JobDone(#[n(0)] WaitId, #[n(1)] Values),
    /// A job of a wait failed.
    #[n(7)]
    JobFailed(#[n(0)] WaitId, #[n(1)] Failure),
    /// What another turn asks of a wait.
    #[n(8)]
    Deliver(#[n(0)] WaitId, #[n(1)] Payload),
    /// A person uses an action offered at a boundary or by a handler.
    #[n(9)]
    Act(#[n(0)] WaitId, #[n(1)] Values),
    /// Mend an incident.
    #[n(10)]
    Mend(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
        #[n(1)] Resolution,
    ),
    /// Cancel the run, and why.
    #[n(11)]
    Cancel(#[n(0)] Name),
    /// Stop the run for now, or go on.
    #[n(12)]
    Suspend(#[n(0)] bool),
    /// Change a record; no run of its own.
    #[n(13)]
    Save(#[n(0)] Wish),
    /// Throw a signal; no run of its own.
    #[n(14)]
    Signal(#[n(0)] Name, #[n(1)] Values),
    /// Publish a message; no run of its own.
    #[n(15)]
    Publish {
        /// Its name.
        #[n(0)]
        message: Name,
        /// Its key.
        #[n(1)]
        key: Value,
        /// Its values.
        #[n(2)]
        with: Values,
    },
}

/// Which way a run starts.
#[derive(Clone, Debug, PartialEq, Encode)]
pub enum StartBy {
    /// By a person or the host.
    #[n(0)]
    Hand,
    /// By a call of another run, which has chosen the new run's id.
    #[n(1)]
    Call(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
    ),
    /// By the start event of this position, with what caused it.
    #[n(2)]
    Event(#[n(0)] u32, #[n(1)] Payload),
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
#[derive(Clone, Debug, PartialEq, Encode)]
pub enum Resolution {
    /// Do the step again.
    #[n(0)]
    Retry,
    /// Leave by the named way out, or complete the step by hand with these variables.
    #[n(1)]
    Way(#[n(0)] Option<Name>, #[n(1)] Values),
    /// Go on behind the step as if it were done.
    #[n(2)]
    Skip,
}

/// What a reaction brings.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Payload {
    /// A record changed.
    #[n(0)]
    Record(#[n(0)] Box<RecordEvent>),
    /// A message arrived: its name, canonical key and values, and how long its sender wants it kept, in microseconds.
    #[n(1)]
    Message(#[n(0)] Name, #[n(1)] String, #[n(2)] Vec<(Name, Value)>, #[n(3)] Option<i64>),
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
        /// What the run returned so far; nothing of an escalation.
        #[n(3)]
        #[cbor(default)]
        results: Vec<(Name, Value)>,
        /// Whether an escalation ended the run.
        #[n(4)]
        #[cbor(default)]
        ended: bool,
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
    /// A timer was due, and could not be worked off then.
    #[n(8)]
    Due,
    /// Outside work succeeded, and what it gave could not be taken then.
    #[n(9)]
    Done(#[n(0)] Vec<(Name, Value)>),
    /// Outside work failed, and that could not be taken then.
    #[n(10)]
    Failed(#[n(0)] Failure),
}
