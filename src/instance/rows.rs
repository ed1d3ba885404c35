//! What the world must now do or keep, as rows: tasks, timers, jobs, subscriptions, reactions.
//!
//! A turn gives [`Need`]s; a store keeps the rows as live tables. Rows hold only what still waits.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use minicbor::{Decode, Encode};

use super::{Id, WaitId};
use crate::model::{Name, Ref, Text, Value};

/// Where a run stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Status {
    /// It runs or waits.
    #[n(0)]
    #[default]
    Running,
    /// It came to an end.
    #[n(1)]
    Completed,
    /// It was canceled.
    #[n(2)]
    Canceled,
    /// It is stopped by hand and can be resumed.
    #[n(3)]
    Suspended,
    /// It ended by an error that its caller caught.
    #[n(4)]
    Failed,
}

impl Status {
    /// Whether nothing can happen in it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Status::Completed | Status::Canceled | Status::Failed)
    }
}

/// An instance as lists show it. Its state is kept beside it as bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceRow {
    /// Its id.
    pub id: Id,
    /// How many turns it has run; the guard of every change.
    pub revision: u64,
    /// Its process.
    pub process: Name,
    /// Its version.
    pub version: u32,
    /// The record it is about.
    pub record: Option<Ref>,
    /// Where it stands in its life.
    pub status: Status,
    /// Open incidents.
    pub incidents: u32,
    /// The `one_per` key while it runs: unique per process.
    pub key: Option<Name>,
    /// The instance whose call made it.
    pub parent: Option<Id>,
    /// The first instance of the chain of calls; itself when it was not called.
    pub root: Id,
    /// On whose behalf it runs.
    pub initiator: Option<Ref>,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
}

/// An open task of a person.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct TaskRow {
    /// Its id.
    #[n(0)]
    #[cbor(with = "crate::model::code::id")]
    pub id: Id,
    /// Its instance.
    #[n(1)]
    #[cbor(with = "crate::model::code::id")]
    pub instance: Id,
    /// The wait it belongs to.
    #[n(2)]
    pub wait: WaitId,
    /// Its process.
    #[n(3)]
    pub process: Name,
    /// The authored id of its step.
    #[n(4)]
    pub step: Name,
    /// Its title with every `{expr}` filled in, for people.
    #[n(5)]
    pub title: Text,
    /// Who does it.
    #[n(6)]
    pub assignee: Option<Ref>,
    /// Who may claim it: roles.
    #[n(7)]
    #[cbor(with = "crate::model::code::boxed")]
    pub roles: Box<[Name]>,
    /// The record the process is about.
    #[n(8)]
    pub record: Option<Ref>,
    /// The task's own record (an activity), where the library mirrors tasks.
    #[n(9)]
    pub mirror: Option<Ref>,
    /// The outcomes it offers.
    #[n(10)]
    #[cbor(with = "crate::model::code::boxed")]
    pub outcomes: Box<[Name]>,
    /// When it begins to be worth doing, in microseconds since 1970 UTC.
    #[n(11)]
    pub start: i64,
    /// When it is due, in microseconds since 1970 UTC.
    #[n(12)]
    pub due: Option<i64>,
    /// When it was opened, in microseconds since 1970 UTC.
    #[n(13)]
    pub opened: i64,
    /// Its category.
    #[n(14)]
    pub category: Option<Name>,
    /// Whether somebody has claimed it.
    #[n(15)]
    pub status: TaskStatus,
}

/// What an open task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum TaskStatus {
    /// Open; its assignee or candidates may complete it.
    #[n(0)]
    #[default]
    Open,
    /// Claimed by its assignee out of its candidates.
    #[n(1)]
    Claimed,
}

/// A timer that is armed.
#[derive(Clone, Debug, PartialEq)]
pub struct TimerRow {
    /// Its instance; none for a start by schedule.
    pub instance: Id,
    /// The wait it fires.
    pub wait: WaitId,
    /// When it is due.
    pub due: DateTime<Utc>,
}

/// Work outside: a service to be called after the commit, by a leased worker.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct JobRow {
    /// Its id; also the idempotency key, the same over all retries.
    #[n(0)]
    #[cbor(with = "crate::model::code::id")]
    pub id: Id,
    /// Its instance.
    #[n(1)]
    #[cbor(with = "crate::model::code::id")]
    pub instance: Id,
    /// The wait it answers.
    #[n(2)]
    pub wait: WaitId,
    /// The service.
    #[n(3)]
    pub service: Name,
    /// Its arguments.
    #[n(4)]
    pub with: Vec<(Name, Value)>,
    /// Which attempt comes next, from 1; raised when it is claimed: the fence.
    #[n(5)]
    pub attempt: u32,
    /// When it may be run, in microseconds since 1970 UTC.
    #[n(6)]
    pub due: i64,
    /// Until when it is leased, in microseconds since 1970 UTC.
    #[n(7)]
    pub leased_until: Option<i64>,
    /// The record the process is about.
    #[n(8)]
    pub record: Option<Ref>,
    /// The process and step, for people.
    #[n(9)]
    pub step: Name,
    /// How long one attempt may take, in microseconds.
    #[n(10)]
    pub timeout: Option<i64>,
    /// Whether it waits for its suspended run to go on.
    #[n(11)]
    pub held: bool,
    /// How many leases of this attempt ran out: its workers vanished.
    #[n(12)]
    pub lapses: u32,
    /// When it was leased last, in microseconds since 1970 UTC.
    #[n(13)]
    pub leased_at: Option<i64>,
    /// Whether the lease before took longer than its time.
    #[n(14)]
    pub late: bool,
}

impl JobRow {
    /// When it may be claimed, in microseconds since 1970 UTC: when it is due, or when its lease or its time has run out; never while
    /// it is held.
    pub fn visible(&self) -> i64 {
        if self.held {
            return i64::MAX;
        }
        let lease = self.leased_until.unwrap_or(self.due).max(self.due);
        self.over().map_or(lease, |over| lease.min(over))
    }

    /// When the present lease has taken longer than its time.
    fn over(&self) -> Option<i64> {
        Some(self.leased_at?.saturating_add(self.timeout?))
    }

    /// The job as it is leased now: a lease that ran out was an attempt too, which fences its worker.
    #[must_use]
    pub fn leased(self, now: i64, until: i64) -> Self {
        let lapsed = u32::from(self.leased_until.is_some());
        Self {
            attempt: self.attempt.saturating_add(lapsed),
            lapses: self.lapses.saturating_add(lapsed),
            late: self.over().is_some_and(|over| over <= now),
            leased_at: Some(now),
            leased_until: Some(until),
            ..self
        }
    }
}

/// Something a run listens to.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionRow {
    /// The listening instance.
    pub instance: Id,
    /// The wait it wakes.
    pub wait: WaitId,
    /// What it listens to.
    pub topic: Topic,
}

/// The address of a subscription. Its text is canonical: two equal topics have equal texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic(String);

impl Topic {
    /// Changes of one record.
    pub fn record(record: &Ref) -> Self {
        Self(format!("r:{}:{}", record.entity, record.id))
    }

    /// Changes of any record of an entity.
    pub fn entity(entity: &str) -> Self {
        Self(format!("e:{entity}"))
    }

    /// Changes of the records of an entity whose column has this canonical value.
    pub fn column(entity: &str, column: &str, value: &str) -> Self {
        Self(format!("q:{entity}:{column}:{value}"))
    }

    /// Messages of a name with a canonical key.
    pub fn message(name: &str, key: &str) -> Self {
        Self(format!("m:{name}:{key}"))
    }

    /// Signals of a name.
    pub fn signal(name: &str) -> Self {
        Self(format!("s:{name}"))
    }

    /// A topic from its stored text.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the world must do now, or keep for later.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Need {
    /// Keep a task open, or keep its new state.
    KeepTask(Box<TaskRow>),
    /// The task is over; the last word on it for lists of the past.
    CloseTask(Id, Outcome),
    /// Fire a wait at an instant; replaces a timer of the same wait.
    ArmTimer(TimerRow),
    /// The wait's timer is gone.
    DisarmTimer(Id, WaitId),
    /// Listen; a wait may listen to several topics.
    Listen(SubscriptionRow),
    /// The wait listens to nothing any more.
    Unlisten(Id, WaitId),
    /// Run a job, or run it again later.
    KeepJob(Box<JobRow>),
    /// The job is over or withdrawn.
    CloseJob(Id),
    /// The job waits until its suspended run goes on; or it need not wait any more.
    HoldJob(Id, bool),
    /// Keep a message that nobody waits for, until it expires (microseconds since 1970 UTC).
    KeepMessage {
        /// Its name.
        name: Name,
        /// Its canonical key.
        key: String,
        /// Its values.
        with: Vec<(Name, Value)>,
        /// When it expires.
        until: i64,
    },
    /// The kept message of this name, canonical key and number was consumed.
    TakeMessage(Name, String, u64),
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Outcome {
    /// Somebody completed it with this outcome.
    #[n(0)]
    Completed(#[n(0)] Name, #[n(1)] Option<Ref>),
    /// It was withdrawn, and why.
    #[n(1)]
    Withdrawn(#[n(0)] Name),
}

/// What one turn asks of another instance, or of a start: one inbox row.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Reaction {
    /// Who reacts.
    #[n(0)]
    pub to: Receiver,
    /// To what.
    #[n(1)]
    pub payload: super::Payload,
    /// How many reactions led here from a command.
    #[n(2)]
    pub depth: u32,
    /// The command at the root of it all.
    #[n(3)]
    pub root: [u8; 16],
    /// On whose behalf: the user of the command at the root.
    #[n(4)]
    pub principal: Option<Ref>,
}

/// Who reacts.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Receiver {
    /// A wait of an instance.
    #[n(0)]
    Wait(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
        #[n(1)] WaitId,
    ),
    /// An instance as a whole (cancel).
    #[n(1)]
    Instance(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
    ),
    /// A start event of the newest version of a process, by its position; and the record the new run is about, where the start names one.
    #[n(2)]
    Start(#[n(0)] Name, #[n(1)] u32, #[n(2)] Option<Ref>),
}

/// Named values, for forms and payloads.
pub type Values = BTreeMap<Name, Value>;
