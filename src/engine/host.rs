//! A host's own data in the command's transaction: both are written, or neither.

use chrono::{DateTime, Utc};

use super::foreign::Joined;
use crate::entity::{Query, Record, Window, WindowError};
use crate::model::Ref;
use crate::store::{Foreign, Tx};
use crate::turn::Answer;

/// What a host does in the transaction of a command, behind its turn: see [`Session::alongside`](super::Session::alongside).
pub type Alongside = dyn Fn(&mut HostTx<'_>) -> Result<(), HostError> + Send + Sync;

/// Why the host's part failed: the command is refused with it, under the code `host_refused`.
pub type HostError = Box<dyn std::error::Error + Send + Sync>;

/// The open transaction, as a host sees it. It ends with the command: the host neither commits nor rolls back.
pub struct HostTx<'a> {
    tx: &'a mut dyn Tx,
    foreign: &'a Foreign,
    answer: &'a Answer,
    now: DateTime<Utc>,
}

impl<'a> HostTx<'a> {
    pub(super) fn new(tx: &'a mut dyn Tx, foreign: &'a Foreign, answer: &'a Answer, now: DateTime<Utc>) -> Self {
        Self { tx, foreign, answer, now }
    }

    /// What the command will be answered when the transaction is committed.
    pub fn answer(&self) -> &Answer {
        self.answer
    }

    /// The instant of the turn.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A record as the command left it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn record(&self, record: &Ref) -> Result<Option<std::sync::Arc<Record>>, WindowError> {
        Joined::new(&*self.tx, self.foreign).get(record)
    }

    /// Records as the command left them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn records(&self, query: &Query) -> Result<Vec<std::sync::Arc<Record>>, WindowError> {
        Joined::new(&*self.tx, self.foreign).query(query)
    }

    /// The connection that holds the transaction, for the host's own tables in the same file; none when the store is not SQLite.
    #[cfg(feature = "sqlite")]
    pub fn connection(&self) -> Option<&rusqlite::Connection> {
        self.tx.connection()
    }
}
