//! One step of the engine: a command in, facts and consequences out. Pure.
//!
//! ```text
//! command -> element rooms decide moves -> facts (applied to the state), needs, record changes, transitions, reactions
//! ```
//!
//! A command is *refused* (an error, nothing changed) or carried out; after an element ran, a fault parks the token at its step with an
//! incident, and what came before stays (S22). Absent by intent: the store's writing half, the wall clock, threads, randomness.

mod act;
mod approve;
mod arm;
mod brought;
mod budget;
mod choose;
mod command;
mod compensate;
mod incident;
mod join;
mod parts;
mod react;
mod save;
mod scope;
mod start;
mod step;
mod task;
mod throw;
mod wake;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use minicbor::{Decode, Encode};

use crate::element::definition::Catalog;
use crate::element::room::Services;
use crate::entity::{Change, IdSource, InstanceId, Principal, Refusal, StageTransition, Window, WindowError};
use crate::instance::rows::Values;
use crate::instance::{Caller, Command, Fact, Id, Need, Reaction, Run, SubscriptionRow, TaskRow, Topic};
use crate::model::{Name, Ref, Text};

/// What a turn may ask of the store beside records: the live rows, as they stand in the open transaction.
pub trait World: Window {
    /// The running instance of a process with this `one_per` key.
    ///
    /// # Errors
    /// When the store fails.
    fn running(&self, process: &str, key: &str) -> Result<Option<Id>, WindowError>;
    /// Who listens to a topic, who began first at the front.
    ///
    /// # Errors
    /// When the store fails.
    fn listeners(&self, topic: &Topic) -> Result<Vec<SubscriptionRow>, WindowError>;
    /// An open task.
    ///
    /// # Errors
    /// When the store fails.
    fn task(&self, id: Id) -> Result<Option<Arc<TaskRow>>, WindowError>;
    /// The open task whose own record this is.
    ///
    /// # Errors
    /// When the store fails.
    fn task_of(&self, record: &Ref) -> Result<Option<Arc<TaskRow>>, WindowError>;
    /// The live instances about a record, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    fn about(&self, record: &Ref) -> Result<Vec<Id>, WindowError>;
    /// The messages that are kept for a name and canonical key and have not expired at `now`, the oldest first, with their numbers.
    ///
    /// # Errors
    /// When the store fails.
    fn kept_messages(&self, name: &str, key: &str, now: DateTime<Utc>) -> Result<Vec<(u64, Values)>, WindowError>;
}

/// What is given to a turn.
pub struct Input<'a> {
    /// The library and all definitions.
    pub catalog: &'a Catalog,
    /// Records and live rows as they stand before the turn.
    pub world: &'a dyn World,
    /// The host's handlers that run inside.
    pub services: &'a dyn Services,
    /// The run the command goes to; none for a start and for commands without a run.
    pub instance: Option<Box<Run>>,
    /// The command.
    pub command: &'a Command,
    /// The instant, who acts, ids.
    pub context: Context,
}

/// The instant, who acts, and where ids come from.
#[derive(Clone, Debug)]
pub struct Context {
    /// The instant of this turn.
    pub now: DateTime<Utc>,
    /// Who acts.
    pub principal: Principal,
    /// On whose behalf, when the principal is the system: the user of the command at the root.
    pub on_behalf_of: Option<Ref>,
    /// The command's id.
    pub command: Id,
    /// The command at the root of the chain of reactions.
    pub root: Id,
    /// How many reactions led here.
    pub depth: u32,
    /// Ids handed out in order.
    pub ids: IdSource,
    /// Most steps in one turn.
    pub max_steps: u32,
}

/// What a turn gives.
#[derive(Debug, Default)]
#[must_use]
pub struct Output {
    /// The run after the turn; none for a command without a run.
    pub instance: Option<Box<Run>>,
    /// What happened, in order.
    pub facts: Vec<Fact>,
    /// What the world must do or keep.
    pub needs: Vec<Need>,
    /// Record changes, in order; several of one record are several entries.
    pub changes: Vec<Change>,
    /// Emitted stage transitions, in order.
    pub transitions: Vec<StageTransition>,
    /// What is asked of other instances and of starts.
    pub reactions: Vec<Reaction>,
    /// Called processes: each is started in the same commit, right after this turn.
    pub calls: Vec<CallStart>,
    /// What people are told.
    pub notices: Vec<Notice>,
    /// What was decided not to happen, and why: skipped starts, messages nobody waits for.
    pub notes: Vec<String>,
    /// What the caller is told.
    pub answer: Answer,
}

/// A process to start as somebody's call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallStart {
    /// The id it will have.
    pub id: Id,
    /// The process.
    pub process: Name,
    /// A pinned version.
    pub version: Option<u32>,
    /// The record it is about.
    pub record: Option<Ref>,
    /// Its parameters.
    pub with: Values,
    /// Who waits for it; none for a detached call.
    pub caller: Option<Caller>,
    /// How many calls deep it is.
    pub depth: u32,
}

/// Something a person is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Whom.
    pub to: Ref,
    /// What.
    pub text: Text,
}

/// What the caller of a command is told.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Answer {
    /// The instance that was started or that ran.
    #[n(0)]
    pub instance: Option<InstanceId>,
    /// The record that was made or changed.
    #[n(1)]
    pub record: Option<Ref>,
    /// Incidents that the turn made.
    #[n(2)]
    pub incidents: Vec<IncidentNote>,
    /// What happened to a message.
    #[n(3)]
    pub delivery: Option<Delivery>,
}

/// An incident that a turn made.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct IncidentNote {
    /// Its id.
    #[n(0)]
    #[cbor(with = "crate::model::code::id")]
    pub id: Id,
    /// Its code.
    #[n(1)]
    pub code: Name,
    /// What happened.
    #[n(2)]
    pub message: String,
}

/// What happened to a message or signal.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Delivery {
    /// It goes to the wait of an instance.
    #[n(0)]
    Delivered(#[n(0)] InstanceId),
    /// It starts these processes.
    #[n(1)]
    Starts(#[n(0)] Vec<Name>),
    /// Nobody waits for it; it is kept until then.
    #[n(2)]
    Kept(
        #[n(0)]
        #[cbor(with = "crate::model::code::instant")]
        DateTime<Utc>,
    ),
    /// Nobody waits for it, and why it is not kept.
    #[n(3)]
    NoMatch(#[n(0)] String),
    /// A signal went to so many waits and starts.
    #[n(4)]
    Broadcast(#[n(0)] u32),
}

/// Why a command was not carried out. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A rule of the records refused the save.
    #[error(transparent)]
    Record(#[from] Refusal),
    /// The process may run only once for this, and runs already.
    #[error("{process} already runs for {key}: instance {running}")]
    AlreadyRunning {
        /// The process.
        process: Name,
        /// Its key.
        key: String,
        /// The instance that runs.
        running: Id,
    },
    /// There is no such process, version, task, incident, way out, outcome, action.
    #[error("{0}")]
    Unknown(String),
    /// The actor may not do this.
    #[error("{0}")]
    NotAllowed(String),
    /// What was given does not fit: an outcome that is not offered, a required entry that is missing, a wrong type.
    #[error("{0}")]
    Invalid(String),
    /// A step that is part of the command itself failed: the save of an outcome, the guard of a start.
    #[error("{message}")]
    Step {
        /// The code, for example `check_failed`.
        code: Name,
        /// What happened.
        message: String,
        /// Named values: object and column.
        with: Values,
    },
    /// The run or the task is over, or not waiting for this.
    #[error("{0}")]
    NotWaiting(String),
    /// The run is suspended: it takes this when it goes on.
    #[error("the instance {0} is suspended")]
    Suspended(Id),
    /// The turn took more steps than it may: it comes to nothing, and [`overrun`] says so in the run (S21, S22).
    #[error("the turn took too many steps")]
    Overrun,
    /// The store failed; the turn may be tried again.
    #[error(transparent)]
    Window(#[from] WindowError),
}

/// Where a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To this instance.
    Instance(Id),
    /// To no instance of its own.
    Free,
}

impl Refused {
    /// A short code for programs and scenarios, for example `already_running` or `final_stage`.
    pub fn code(&self) -> &str {
        match self {
            Refused::Record(refusal) => refusal.code(),
            Refused::AlreadyRunning { .. } => "already_running",
            Refused::Unknown(_) => "unknown",
            Refused::NotAllowed(_) => "not_allowed",
            Refused::Invalid(_) => "invalid",
            Refused::Step { code, .. } => code,
            Refused::NotWaiting(_) => "not_waiting",
            Refused::Suspended(_) => "suspended",
            Refused::Overrun => "too_many_steps",
            Refused::Window(_) => "store_failed",
        }
    }
}

/// How many calls may lie in each other, and how many reactions may follow from each other (S25).
pub const MAX_DEPTH: u32 = 32;

pub use command::{of_reaction, overrun, route, run, start_of_reaction};
