//! Equality and order of values.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Money, Value};

impl Value {
    /// Whether a record that holds one and is given the other has not changed: numbers are equal whatever their scale, amounts
    /// when their currencies are too, nulls whatever their reasons. Values of two kinds are never the same.
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null(_), Value::Null(_)) => true,
            (Value::Denied(a), Value::Denied(b)) => a == b,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::Money(a), Value::Money(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Date(a), Value::Date(b)) => a == b,
            (Value::DateTime(a), Value::DateTime(b)) => a == b,
            (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Ref(a), Value::Ref(b)) => a == b,
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.same(b)),
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && a.1.same(b.1))
            }
            _ => false,
        }
    }

    /// The value in its shortest spelling: values that are the [same](Value::same) are spelled the same.
    #[must_use]
    pub fn normal(&self) -> Value {
        match self {
            Value::Null(_) => Value::NULL,
            Value::Number(number) => Value::Number(number.normalize()),
            Value::Money(Money { amount, currency }) => {
                Value::Money(Money { amount: amount.normalize(), currency: currency.clone() })
            }
            Value::List(items) => Value::list(items.iter().map(Value::normal)),
            Value::Map(entries) => {
                Value::Map(Arc::new(entries.iter().map(|(name, item)| (name.clone(), item.normal())).collect()))
            }
            other => other.clone(),
        }
    }

    /// A total order for sorting: nulls first, then by kind, then by value. Numbers and amounts stand by their amounts;
    /// equal only what is the [same](Value::same), but for lengths of time, which stand by their parts.
    pub fn total_cmp(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Denied(a), Value::Denied(b)) => {
                (&a.object, &a.column, &a.operation, &a.rule).cmp(&(&b.object, &b.column, &b.operation, &b.rule))
            }
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => a.cmp(b),
            (Value::Money(a), Value::Money(b)) => (a.amount, &a.currency).cmp(&(b.amount, &b.currency)),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Date(a), Value::Date(b)) => a.cmp(b),
            (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
            (Value::Duration(a), Value::Duration(b)) => {
                let parts = |d: &super::Duration| (d.months, d.micros, d.working_days, d.working_micros);
                parts(a).cmp(&parts(b))
            }
            (Value::Ref(a), Value::Ref(b)) => a.cmp(b),
            (Value::List(a), Value::List(b)) => by_items(a.iter().zip(b.iter()), a.len().cmp(&b.len())),
            (Value::Map(a), Value::Map(b)) => {
                let names = a.keys().cmp(b.keys());
                names.then_with(|| by_items(a.values().zip(b.values()), Ordering::Equal))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// The place of the kind in the total order.
    fn rank(&self) -> u8 {
        match self {
            Value::Null(_) => 0,
            Value::Denied(_) => 1,
            Value::Bool(_) => 2,
            Value::Number(_) => 3,
            Value::Money(_) => 4,
            Value::Text(_) => 5,
            Value::Date(_) => 6,
            Value::DateTime(_) => 7,
            Value::Duration(_) => 8,
            Value::Ref(_) => 9,
            Value::List(_) => 10,
            Value::Map(_) => 11,
        }
    }

    /// Whether lists and maps are nested more than `levels` deep. What is stored is bounded, so that nothing recurses without
    /// end.
    pub fn is_deeper_than(&self, levels: u32) -> bool {
        let deeper = |item: &Value| levels.checked_sub(1).is_none_or(|levels| item.is_deeper_than(levels));
        match self {
            Value::List(items) => levels == 0 || items.iter().any(deeper),
            Value::Map(entries) => levels == 0 || entries.values().any(deeper),
            _ => false,
        }
    }

    /// The kind, as in "expected text, found a number".
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null(_) => "null",
            Value::Denied(_) => "a denied value",
            Value::Bool(_) => "a bool",
            Value::Number(_) => "a number",
            Value::Money(_) => "money",
            Value::Text(_) => "text",
            Value::Date(_) => "a date",
            Value::DateTime(_) => "a datetime",
            Value::Duration(_) => "a duration",
            Value::Ref(_) => "a reference",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Values are equal when they are the [same](Value::same).
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.same(other)
    }
}

impl Money {
    /// An amount in the currency; none: the base currency.
    pub fn new(amount: impl Into<rust_decimal::Decimal>, currency: Option<&str>) -> Self {
        Self { amount: amount.into(), currency: currency.map(super::Name::new) }
    }
}

fn by_items<'a>(mut pairs: impl Iterator<Item = (&'a Value, &'a Value)>, rest: Ordering) -> Ordering {
    pairs.find_map(|(a, b)| Some(a.total_cmp(b)).filter(|order| order.is_ne())).unwrap_or(rest)
}
