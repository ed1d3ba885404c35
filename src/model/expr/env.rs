//! What an expression is evaluated against, and how evaluation can fail.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::Slot;
use crate::model::{Calendar, Denied, Name, Null, Ref, Value};

/// The values behind the names. Implemented by whoever evaluates: a turn, the save plan, a test.
pub trait Env {
    /// The value of a root name.
    ///
    /// # Errors
    /// [`EvalError::Unknown`] when it is not known here; [`EvalError::Failed`] when it could not be read.
    fn slot(&self, slot: Slot) -> Result<Value, EvalError>;

    /// The column of a record (or of a lookup's row). [`Null::Gone`] when there is no such record; [`Value::Denied`] when it
    /// may not be read.
    ///
    /// # Errors
    /// [`EvalError::Failed`] when the store could not answer.
    fn column(&self, record: &Ref, column: &Name) -> Result<Value, EvalError>;

    /// The column of the record that a slot refers to; to be overridden where that is quicker than two calls.
    ///
    /// # Errors
    /// As [`Env::slot`] and [`Env::column`].
    fn slot_column(&self, slot: Slot, column: &Name) -> Result<Value, EvalError> {
        match self.slot(slot)? {
            Value::Ref(record) => self.column(&record, column),
            other => Ok(other),
        }
    }

    /// The value of a setting.
    ///
    /// # Errors
    /// [`EvalError::Failed`] when the store could not answer.
    fn setting(&self, name: &str) -> Result<Value, EvalError> {
        let _ = name;
        Ok(Value::NULL)
    }

    /// The instant of the turn.
    fn now(&self) -> DateTime<Utc>;

    /// The calendar in force: its zone says what day it is, its days and hours what is working time.
    fn calendar(&self) -> &Calendar {
        Calendar::standard()
    }

    /// The currency of an amount that names none.
    fn base_currency(&self) -> Option<Name> {
        None
    }

    /// What one unit of the currency costs in the base currency on that day.
    ///
    /// # Errors
    /// [`EvalError::Failed`] when no rate is known.
    fn rate(&self, currency: &Name, day: NaiveDate) -> Result<Decimal, EvalError> {
        Err(EvalError::failed(format!("expected a rate of `{currency}` on {day}, found none")))
    }

    /// The value the column of the changing record had before.
    ///
    /// # Errors
    /// [`EvalError::Failed`] where no change is looked at.
    fn previous(&self, column: &Name) -> Result<Value, EvalError> {
        Err(EvalError::failed(format!("expected a changing record for previous({column}), found none")))
    }

    /// Whether the column of the changing record really changed.
    ///
    /// # Errors
    /// [`EvalError::Failed`] where no change is looked at.
    fn changed(&self, column: &Name) -> Result<bool, EvalError> {
        Err(EvalError::failed(format!("expected a changing record for changed({column}), found none")))
    }

    /// How many steps one evaluation may take.
    fn fuel(&self) -> u64 {
        super::FUEL
    }
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A null stood where a value is needed.
    #[error("`{path}` has no value: {reason}; try get or else({path}, …)")]
    Null {
        /// What had no value, as written.
        path: Arc<str>,
        /// Why it has none.
        reason: Null,
    },
    /// A value that may not be read.
    #[error("{0}")]
    Denied(Arc<Denied>),
    /// A value that the caller does not know (explanations evaluate with some values unknown).
    #[error("`{0}` is not known")]
    Unknown(Arc<str>),
    /// Two currencies met.
    #[error("expected amounts of one currency, found {0} and {1}; try convert(amount, currency, date)")]
    Currencies(Name, Name),
    /// A value of the wrong kind; only possible where a type is `any`.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// What was needed.
        expected: Arc<str>,
        /// What was there.
        found: Arc<str>,
    },
    /// A value outside what can be computed: division by zero, overflow, a date that does not exist, a text that is no number.
    #[error("{0}")]
    Range(Arc<str>),
    /// The evaluation took too many steps or made too large a value.
    #[error("expected at most {0} steps of evaluation, found more; try a smaller list or a `where`")]
    Fuel(u64),
    /// The world outside could not answer.
    #[error("{0}")]
    Failed(Arc<str>),
}

impl EvalError {
    /// The world outside could not answer.
    pub fn failed(why: impl AsRef<str>) -> Self {
        Self::Failed(Arc::from(why.as_ref()))
    }

    /// A value outside what can be computed.
    pub fn range(why: impl AsRef<str>) -> Self {
        Self::Range(Arc::from(why.as_ref()))
    }

    /// A value of the wrong kind.
    pub fn kind(expected: impl AsRef<str>, found: impl AsRef<str>) -> Self {
        Self::Kind { expected: Arc::from(expected.as_ref()), found: Arc::from(found.as_ref()) }
    }

    /// Whether a null stood where a value is needed.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null { .. })
    }

    /// Whether a value may not be read.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Denied(_))
    }

    /// Whether the outcome is merely open: a null, or a value not known. Three-valued evaluation calls this unknown.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Null { .. } | Self::Unknown(_))
    }
}
