//! Values and reasons as people read them.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Denied, Money, Null, Value};

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null(_) => f.write_str("null"),
            Value::Denied(denied) => write!(f, "{denied}"),
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Money(money) => write!(f, "{money}"),
            Value::Text(text) => f.write_str(text),
            Value::Date(day) => write!(f, "{day}"),
            Value::DateTime(at) => f.write_str(&instant(*at)),
            Value::Duration(length) => write!(f, "{length}"),
            Value::Ref(record) => write!(f, "{record}"),
            Value::List(items) => joined(f, "", items.iter().map(|item| (None, item)), ""),
            Value::Map(entries) => joined(f, "{", entries.iter().map(|(name, item)| (Some(name.as_str()), item)), "}"),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.currency {
            Some(currency) => write!(f, "{} {currency}", self.amount),
            None => write!(f, "{}", self.amount),
        }
    }
}

impl fmt::Display for Null {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Null::Empty => f.write_str("it is empty"),
            Null::Path(path) => write!(f, "`{path}` is empty"),
            Null::Gone(record) => write!(f, "{record} does not exist"),
            Null::Nothing => f.write_str("there is nothing"),
            Null::Input(column) => write!(f, "`{column}`, which it is computed from, is empty"),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "access denied: may not {} {}", self.operation, self.object)?;
        if let Some(column) = &self.column {
            write!(f, ".{column}")?;
        }
        write!(f, " (rule: {})", self.rule)
    }
}

/// An instant as `2026-03-02T09:00:00Z`, with as many decimals of a second as it has.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn joined<'a>(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    items: impl Iterator<Item = (Option<&'a str>, &'a Value)>,
    close: &str,
) -> fmt::Result {
    f.write_str(open)?;
    for (at, (name, item)) in items.enumerate() {
        f.write_str(if at == 0 { "" } else { ", " })?;
        name.map_or(Ok(()), |name| write!(f, "{name}: "))?;
        match item {
            Value::List(_) => write!(f, "[{item}]")?,
            _ => write!(f, "{item}")?,
        }
    }
    f.write_str(close)
}
