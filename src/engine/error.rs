//! Why a call failed.

use crate::instance::Id;
use crate::load::LoadError;
use crate::store::StoreError;
use crate::turn::Refused;

/// Why a call failed. Nothing has changed then, unless the outcome is [unknown](Error::is_unknown).
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command was refused.
    #[error("{text}")]
    Refused {
        /// A short code, for example `already_running`, `final_stage` or a declared error of a check.
        code: String,
        /// The entity it is about.
        object: Option<String>,
        /// The column it is about.
        column: Option<String>,
        /// What happened and what to do.
        text: String,
    },
    /// The command's id was used before for something else.
    #[error("the command id {0} was used before for another command")]
    CommandReused(Id),
    /// The instance or a record was changed meanwhile; the same call may succeed now.
    #[error("{0}; try again")]
    Conflict(String),
    /// The lease of the job was lost: somebody else works on it, or it was withdrawn.
    #[error("the lease of the job {0} was lost")]
    Fenced(Id),
    /// The queue is full.
    #[error("too many commands are waiting; try again in {retry_after_ms} ms")]
    Overloaded {
        /// How long to wait, in milliseconds.
        retry_after_ms: u64,
    },
    /// The engine was called from inside one of its own transactions, or asked for a change by an observer on its own thread.
    #[error("the engine cannot be called from inside a turn, nor changed by an observer; hand it to another thread")]
    Reentrant,
    /// Definitions cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The engine cannot be built.
    #[error("{0}")]
    Build(String),
    /// Nothing of this name or id.
    #[error("{0}")]
    Unknown(String),
    /// The stored state of an instance cannot be read. It is listed among the incidents; nothing else suffers.
    #[error("the stored state of the instance {instance} cannot be read: {why}")]
    Damaged {
        /// The instance.
        instance: Id,
        /// What is wrong with the bytes.
        why: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine was closed before the outcome was known: read the command's id to learn it.
    #[error("the engine was closed before the outcome was known")]
    Closed,
}

impl Error {
    /// The short code of a refusal; for other errors a word for their kind.
    pub fn code(&self) -> &str {
        match self {
            Error::Refused { code, .. } => code,
            Error::CommandReused(_) => "command_reused",
            Error::Conflict(_) => "conflict",
            Error::Fenced(_) => "fenced",
            Error::Overloaded { .. } => "overloaded",
            Error::Reentrant => "reentrant",
            Error::Load(_) => "load",
            Error::Build(_) => "build",
            Error::Unknown(_) => "unknown",
            Error::Damaged { .. } => "damaged",
            Error::Store(_) => "store_failed",
            Error::Closed => "closed",
        }
    }

    /// Whether a rule refused the command.
    pub fn is_refused(&self) -> bool {
        matches!(self, Error::Refused { .. })
    }

    /// Whether the actor may not do or read this.
    pub fn is_denied(&self) -> bool {
        matches!(self.code(), "access_denied" | "not_allowed")
    }

    /// Whether something was changed meanwhile.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Error::Conflict(_))
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Conflict(_) | Error::Overloaded { .. } | Error::Store(StoreError::InUse(_)))
    }

    /// Whether it is not known if the command was carried out.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Error::Closed)
    }

    pub(super) fn refused(code: &str, text: impl Into<String>) -> Self {
        Error::Refused { code: code.to_string(), object: None, column: None, text: text.into() }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let (object, column) = match &refused {
            Refused::Record(refusal) => (refusal.object().cloned(), refusal.column().cloned()),
            Refused::Step { with, .. } => {
                let text = |name: &str| with.get(name).map(|value| crate::model::Name::new(value.to_string()));
                (text("object"), text("column"))
            }
            Refused::Window(error) => return Error::Store(StoreError::Failed(error.to_string())),
            _ => (None, None),
        };
        Error::Refused {
            code: refused.code().to_string(),
            object: object.map(|name| name.to_string()),
            column: column.map(|name| name.to_string()),
            text: refused.to_string(),
        }
    }
}

impl From<crate::entity::WindowError> for Error {
    fn from(error: crate::entity::WindowError) -> Self {
        Error::Store(StoreError::Failed(error.to_string()))
    }
}
