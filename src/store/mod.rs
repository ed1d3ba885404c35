//! The store: one transaction for records and runs. Rooms for memory and SQLite, one contract (`tests/stores.rs`) for both.
//!
//! A store only stores. What a turn decided comes as one [`Write`]: the journal row, the live rows, the records, the reactions and the
//! command's stamp are applied together or not at all. A turn runs *inside* the writer's transaction and sees the turns before it; a
//! physical commit may hold many. Absent by intent: rules of records, rights, what a step means.

mod code;
pub mod foreign;
pub mod journal;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::entity::{Change, Query, Record, WindowError};
use crate::instance::{Id, InstanceRow, JobRow, Need, Reaction, Run, Status, TaskRow, WaitId};
use crate::model::{Name, Ref, Value};
use crate::turn::World;

pub use foreign::{Foreign, ForeignChange, ForeignStore};
pub use journal::{ChangeNote, JournalBody, JournalRow};
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{Durability, SqliteStore};

/// Records as a store keeps them. A host's own system implements it to bring its records in.
pub trait EntityStore: Send + Sync {
    /// A record; none when there is none.
    ///
    /// # Errors
    /// When the store fails.
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, StoreError>;

    /// The records of a query, in its order.
    ///
    /// # Errors
    /// When the store fails.
    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, StoreError>;
}

/// A store for records and runs.
pub trait Store: EntityStore {
    /// One physical commit: everything that `work` applies is durable when this returns, or nothing is.
    ///
    /// # Errors
    /// What `work` gives, or that the store failed; nothing is changed then.
    fn write(&self, work: &mut dyn FnMut(&mut dyn Tx) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// Reads what is committed.
    ///
    /// # Errors
    /// What `work` gives, or that the store failed.
    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// The store's time: the only clock. A manual clock stands still until it is moved.
    fn now(&self) -> DateTime<Utc>;

    /// In a few words: what a returned commit has survived, for benches and messages.
    fn durability(&self) -> &'static str;

    /// Whether commits wait for a disk: then a writer of its own groups them.
    fn waits_for_disk(&self) -> bool;
}

/// What is asked of committed rows, or of the open transaction.
pub trait Reader: World {
    /// An instance with its state.
    ///
    /// # Errors
    /// When the store fails, or the bytes are corrupt.
    fn instance(&self, id: Id) -> Result<Option<Box<Run>>, StoreError>;

    /// Instances, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    fn instances(&self, filter: &InstanceFilter) -> Result<Vec<InstanceRow>, StoreError>;

    /// Open tasks, by due date, those without one last.
    ///
    /// # Errors
    /// When the store fails.
    fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, StoreError>;

    /// Journal rows behind a sequence number, in order.
    ///
    /// # Errors
    /// When the store fails, or the bytes are corrupt.
    fn journal(&self, of: &JournalOf, after: u64, limit: usize) -> Result<Vec<JournalRow>, StoreError>;

    /// What a command of this id was answered.
    ///
    /// # Errors
    /// When the store fails.
    fn seen(&self, command: Id) -> Result<Option<Seen>, StoreError>;

    /// The first due timers at an instant, in order of their due instants.
    ///
    /// # Errors
    /// When the store fails.
    fn due_timers(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<(DateTime<Utc>, Id, WaitId)>, StoreError>;

    /// When a timer is due; none when it is not armed.
    ///
    /// # Errors
    /// When the store fails.
    fn timer(&self, instance: Id, wait: WaitId) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// When the next timer is due or the next job may run.
    ///
    /// # Errors
    /// When the store fails.
    fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Whether a job could be claimed.
    ///
    /// # Errors
    /// When the store fails.
    fn has_jobs(&self, claim: &Claim) -> Result<bool, StoreError>;

    /// A job.
    ///
    /// # Errors
    /// When the store fails.
    fn job(&self, id: Id) -> Result<Option<JobRow>, StoreError>;

    /// The oldest reaction that is to be run, with its number; without what it asks when its bytes are corrupt.
    ///
    /// # Errors
    /// When the store fails.
    fn next_reaction(&self) -> Result<Option<(u64, Option<Reaction>)>, StoreError>;

    /// Reactions that failed, with why.
    ///
    /// # Errors
    /// When the store fails.
    fn failed_reactions(&self) -> Result<Vec<FailedReaction>, StoreError>;

    /// The deployed texts, in order of deployment.
    ///
    /// # Errors
    /// When the store fails.
    fn deployments(&self) -> Result<Vec<Deployment>, StoreError>;

    /// How far the clock was moved ahead of its time, in microseconds.
    ///
    /// # Errors
    /// When the store fails.
    fn clock_offset(&self) -> Result<i64, StoreError>;

    /// How far a named reader of the journal has come.
    ///
    /// # Errors
    /// When the store fails.
    fn cursor(&self, consumer: &str) -> Result<u64, StoreError>;
}

/// The open transaction.
pub trait Tx: Reader {
    /// Begins a part that can be undone alone.
    ///
    /// # Errors
    /// When the store fails.
    fn savepoint(&mut self) -> Result<(), StoreError>;

    /// Undoes everything since the last savepoint.
    ///
    /// # Errors
    /// When the store fails.
    fn rollback(&mut self) -> Result<(), StoreError>;

    /// Keeps everything since the last savepoint.
    ///
    /// # Errors
    /// When the store fails.
    fn release(&mut self) -> Result<(), StoreError>;

    /// Applies what one turn writes: all of it, or nothing when a guard refuses.
    ///
    /// # Errors
    /// When the store fails.
    fn apply(&mut self, write: Write) -> Result<Applied, StoreError>;

    /// Leases jobs that may run now: their attempt rises, which fences earlier leases.
    ///
    /// # Errors
    /// When the store fails.
    fn claim_jobs(&mut self, claim: &Claim) -> Result<Vec<JobRow>, StoreError>;

    /// Makes a lease longer; false when it was lost.
    ///
    /// # Errors
    /// When the store fails.
    fn extend_job(&mut self, id: Id, attempt: u32, until: DateTime<Utc>) -> Result<bool, StoreError>;

    /// A reaction is put aside with the reason; or, without one, put back.
    ///
    /// # Errors
    /// When the store fails.
    fn park_reaction(&mut self, seq: u64, why: Option<&str>) -> Result<(), StoreError>;

    /// Whether the transaction is still open: a host that joined it could have ended it.
    fn is_open(&self) -> bool {
        true
    }

    /// The open SQLite transaction, for a host's own tables; none over another store.
    #[cfg(feature = "sqlite")]
    fn connection(&self) -> Option<&rusqlite::Connection> {
        None
    }

    /// Marks an instance whose state cannot be read: it is listed among those with incidents.
    ///
    /// # Errors
    /// When the store fails.
    fn mark_damaged(&mut self, id: Id) -> Result<(), StoreError>;

    /// Keeps a deployed text.
    ///
    /// # Errors
    /// When the store fails.
    fn deploy(&mut self, deployment: &Deployment) -> Result<(), StoreError>;

    /// Says which columns of records are indexed; records that are there already are indexed too.
    ///
    /// # Errors
    /// When the store fails.
    fn index(&mut self, columns: &[(Name, Name)]) -> Result<(), StoreError>;

    /// Moves the store's clock ahead of its time by so many microseconds.
    ///
    /// # Errors
    /// When the store fails.
    fn set_offset(&mut self, micros: i64) -> Result<(), StoreError>;

    /// A named reader of the journal has come so far.
    ///
    /// # Errors
    /// When the store fails.
    fn set_cursor(&mut self, consumer: &str, seq: u64) -> Result<(), StoreError>;

    /// Forgets what is old; says how many rows went. Journal rows that a named reader has not come to stay.
    ///
    /// # Errors
    /// When the store fails.
    fn prune(&mut self, old: &Old) -> Result<u64, StoreError>;
}

/// From before when something is old; what has no instant is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Old {
    /// Instances that ended before.
    pub instances: Option<DateTime<Utc>>,
    /// Rows of the journal from before.
    pub journal: Option<DateTime<Utc>>,
    /// Stamps of commands from before.
    pub commands: Option<DateTime<Utc>>,
    /// Kept messages that expired by then.
    pub messages: DateTime<Utc>,
}

/// What one turn writes.
#[derive(Clone, Debug, Default)]
pub struct Write {
    /// The command's stamp: its hash and answer; none for a reaction.
    pub stamp: Option<Stamp>,
    /// The journal row; its number is the store's.
    pub journal: JournalRow,
    /// The instance after the turn, its state, and the revision before.
    pub instance: Option<Box<Run>>,
    /// What the world must keep.
    pub needs: Vec<Need>,
    /// Record changes, in order.
    pub changes: Vec<Change>,
    /// Changes of records that a foreign system keeps: they stand here until it has taken them. No guard looks at them.
    pub foreign: Vec<Change>,
    /// Records whose change up to this revision the foreign system has taken: they go from here.
    pub settled: Vec<(Ref, u64)>,
    /// Changed settings.
    pub settings: Vec<(Name, Value)>,
    /// Reactions to be run.
    pub reactions: Vec<Reaction>,
    /// Reactions that are put aside at once, with the reason.
    pub parked: Vec<(Reaction, String)>,
    /// The reaction that this turn was.
    pub consumed: Option<u64>,
    /// The job whose result this is, with its attempt.
    pub job: Option<(Id, u32)>,
}

/// A command's stamp: the same id is carried out once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The command's id.
    pub command: Id,
    /// A hash of what it asks.
    pub hash: u64,
    /// What it was answered, as stored.
    pub answer: Vec<u8>,
}

/// What is known of a command that came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The hash of what it asked.
    pub hash: u64,
    /// What it was answered, as stored.
    pub answer: Vec<u8>,
}

/// What became of a write.
#[derive(Clone, Debug)]
pub enum Applied {
    /// It is in the transaction, with this row of the journal.
    Applied(Arc<JournalRow>),
    /// The instance or a record is not at the revision that the turn saw.
    Conflict(String),
    /// The job's lease was lost.
    Fenced,
    /// The command was carried out before.
    Duplicate(Seen),
    /// Another instance runs for the same key already.
    AlreadyRunning(Id),
}

/// Which jobs are leased.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The instant.
    pub now: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Of these services; of any when empty.
    pub services: Vec<Name>,
    /// How many at most.
    pub limit: usize,
}

/// Which instances.
#[derive(Clone, Debug, Default)]
pub struct InstanceFilter {
    /// About this record.
    pub record: Option<Ref>,
    /// Of this process.
    pub process: Option<Name>,
    /// In this state.
    pub status: Option<Status>,
    /// With open incidents only.
    pub incidents: bool,
    /// Behind this one.
    pub after: Option<Id>,
    /// How many at most; 1 000 when none.
    pub limit: Option<usize>,
}

/// Which tasks.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Assigned to this user.
    pub assignee: Option<Ref>,
    /// Also those that these roles may claim.
    pub roles: Vec<Name>,
    /// About this record.
    pub record: Option<Ref>,
    /// Of this instance.
    pub instance: Option<Id>,
    /// Of this step.
    pub step: Option<Name>,
    /// Due before.
    pub due_before: Option<DateTime<Utc>>,
    /// How many at most; 1 000 when none.
    pub limit: Option<usize>,
}

impl TaskFilter {
    /// Whether a task fits.
    pub fn fits(&self, task: &TaskRow) -> bool {
        let person = match (&self.assignee, self.roles.is_empty()) {
            (None, true) => true,
            (assignee, _) => {
                let own = assignee.is_some() && task.assignee == *assignee;
                own || (task.assignee.is_none() && task.roles.iter().any(|role| self.roles.contains(role)))
            }
        };
        person
            && self.record.as_ref().is_none_or(|record| task.record.as_ref() == Some(record))
            && self.instance.is_none_or(|instance| task.instance == instance)
            && self.step.as_ref().is_none_or(|step| task.step == *step)
            && self.due_before.is_none_or(|before| task.due.is_some_and(|due| due < before.timestamp_micros()))
    }
}

/// Whose journal rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalOf {
    /// Everybody's.
    All,
    /// An instance's.
    Instance(Id),
    /// Those that changed a record.
    Record(Ref),
}

/// A deployed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// `library` or the process.
    pub name: Name,
    /// The version of a process; 0 for a library.
    pub version: u32,
    /// The name of the file.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The numbers of its nodes and flows, as stored.
    pub table: Vec<u8>,
    /// When it was deployed.
    pub at: DateTime<Utc>,
}

/// A reaction that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedReaction {
    /// Its number.
    pub seq: u64,
    /// What it asks; none when its bytes are corrupt.
    pub reaction: Option<Reaction>,
    /// Why it failed.
    pub why: String,
}

/// Why a store cannot do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store failed: disk, lock, limit.
    #[error("the store failed: {0}")]
    Failed(String),
    /// Stored bytes cannot be read.
    #[error("stored bytes are corrupt: {0}")]
    Corrupt(String),
    /// Another process writes to the file.
    #[error("the file is in use: {0}")]
    InUse(String),
    /// The file was written by a later version.
    #[error("expected a file of schema {known} or earlier, found schema {found}; use a newer version of the program")]
    TooNew {
        /// The newest schema this version knows.
        known: i64,
        /// The file's schema.
        found: i64,
    },
    /// The file belongs to another program.
    #[error("expected a file of stageflow, found one of another program (application id {found}, version {version})")]
    Foreign {
        /// The number by which SQLite's files say whose they are.
        found: i64,
        /// The version its owner gave it.
        version: i64,
    },
    /// The work in the transaction gave up; nothing was changed.
    #[error("{0}")]
    Aborted(String),
}

impl From<StoreError> for WindowError {
    fn from(error: StoreError) -> Self {
        WindowError(error.to_string())
    }
}

impl From<WindowError> for StoreError {
    fn from(error: WindowError) -> Self {
        StoreError::Failed(error.0)
    }
}

/// An instant moved by so many microseconds. Instants are kept to the microsecond.
fn moved(at: DateTime<Utc>, offset: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros().saturating_add(offset)).unwrap_or(at)
}
