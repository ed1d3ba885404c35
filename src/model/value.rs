//! Values: what columns hold and expressions give.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::{Name, Ref};

/// A value. Blank and denied are two things: a [`Value::Null`] has a reason, a [`Value::Denied`] names the rule.
#[derive(Clone, Debug)]
pub enum Value {
    /// No value, and why.
    Null(Null),
    /// A value that may not be read here.
    Denied(Arc<Denied>),
    /// True or false.
    Bool(bool),
    /// An int or a number: always decimal.
    Number(Decimal),
    /// An amount with its currency.
    Money(Money),
    /// Text; also the code of an enum value or of a stage.
    Text(Arc<str>),
    /// A day.
    Date(NaiveDate),
    /// An instant, to the microsecond.
    DateTime(DateTime<Utc>),
    /// A length of time.
    Duration(Duration),
    /// A record.
    Ref(Ref),
    /// Values in order.
    List(Arc<[Value]>),
    /// Named values.
    Map(Arc<BTreeMap<Name, Value>>),
}

/// Why there is no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Null {
    /// Nothing was ever entered, or `null` was written.
    #[default]
    Empty,
    /// The named path led over an empty reference or column, for example `account.name`.
    Path(Arc<str>),
    /// The record that a reference named is gone.
    Gone(Ref),
    /// An index outside a list, or an aggregate of nothing.
    Nothing,
    /// A computed column whose named input is null.
    Input(Name),
}

/// A value that may not be read: what, and which rule says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The entity.
    pub object: Name,
    /// The column; none when the whole object or record is closed.
    pub column: Option<Name>,
    /// The operation, for example `read`.
    pub operation: Name,
    /// The rule that decided, as it stands in the library.
    pub rule: Arc<str>,
}

/// An amount of money. `currency` is the id of a currency record; none means the library's base currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// The amount, in the currency's main unit.
    pub amount: Decimal,
    /// The currency record's id; none: the base currency.
    pub currency: Option<Name>,
}

/// A length of time: calendar months, exact microseconds and, beside them, working time of a calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duration {
    /// Whole calendar months.
    pub months: i32,
    /// Exact microseconds.
    pub micros: i64,
    /// Working days of the calendar in force.
    pub working_days: i32,
    /// Working microseconds (of working hours) of the calendar in force.
    pub working_micros: i64,
}

impl Value {
    /// The empty value.
    pub const NULL: Value = Value::Null(Null::Empty);

    /// A text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Value::Text(Arc::from(text.as_ref()))
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Value::List(items.into_iter().collect())
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null(_))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::text(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(number.into())
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Value::Number(number)
    }
}

impl From<Ref> for Value {
    fn from(record: Ref) -> Self {
        Value::Ref(record)
    }
}
