//! What the operators do with values.

use std::cmp::Ordering;

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, MathematicalOps};

use crate::model::expr::ast::Math;
use crate::model::expr::{Env, EvalError};
use crate::model::{Duration, Money, Name, Value};

type Given<T = Value> = Result<T, EvalError>;

/// What is needed of the environment: the base currency and the calendar.
pub(super) type World<'e> = &'e dyn Env;

pub(super) fn math(op: Math, a: &Value, b: &Value, world: World<'_>) -> Given {
    match op {
        Math::Add => add(a, b, world),
        Math::Subtract => subtract(a, b, world),
        Math::Multiply => multiply(a, b),
        Math::Divide => divide(a, b, world),
        Math::Power => power(a, b),
    }
}

pub(super) fn add(a: &Value, b: &Value, world: World<'_>) -> Given {
    Ok(match (a, b) {
        (Value::Number(a), Value::Number(b)) => Value::Number(number(a.checked_add(*b))?),
        (Value::Money(a), Value::Money(b)) => {
            let currency = currency(a, b, world)?;
            Value::Money(Money { amount: number(a.amount.checked_add(b.amount))?, currency })
        }
        // The sum of nothing is a plain zero: it goes with every currency.
        (Value::Number(zero), Value::Money(money)) | (Value::Money(money), Value::Number(zero)) if zero.is_zero() => {
            Value::Money(money.clone())
        }
        (Value::Text(a), Value::Text(b)) => Value::text([a.as_ref(), b.as_ref()].concat()),
        (Value::Date(day), Value::Duration(length)) | (Value::Duration(length), Value::Date(day)) => {
            shift(*day, length, world)?
        }
        (Value::DateTime(at), Value::Duration(length)) | (Value::Duration(length), Value::DateTime(at)) => {
            Value::DateTime(world.calendar().add(*at, length).ok_or_else(beyond)?)
        }
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(a.checked_add(*b).ok_or_else(beyond)?),
        _ => return Err(cannot(Math::Add, a, b)),
    })
}

fn subtract(a: &Value, b: &Value, world: World<'_>) -> Given {
    Ok(match (a, b) {
        (Value::Date(a), Value::Date(b)) => exact(*a - *b)?,
        (Value::DateTime(a), Value::DateTime(b)) => exact(*a - *b)?,
        (Value::Date(_) | Value::DateTime(_), Value::Duration(_)) => add(a, &negate(b)?, world)?,
        (
            Value::Number(_) | Value::Money(_) | Value::Duration(_),
            Value::Number(_) | Value::Money(_) | Value::Duration(_),
        ) => add(a, &negate(b)?, world).map_err(|error| match error {
            EvalError::Kind { .. } => cannot(Math::Subtract, a, b),
            other => other,
        })?,
        _ => return Err(cannot(Math::Subtract, a, b)),
    })
}

fn multiply(a: &Value, b: &Value) -> Given {
    Ok(match (a, b) {
        (Value::Number(a), Value::Number(b)) => Value::Number(number(a.checked_mul(*b))?),
        (Value::Money(money), Value::Number(by)) | (Value::Number(by), Value::Money(money)) => {
            Value::Money(Money { amount: number(money.amount.checked_mul(*by))?, currency: money.currency.clone() })
        }
        (Value::Duration(length), Value::Number(by)) | (Value::Number(by), Value::Duration(length)) => {
            Value::Duration(length.checked_mul(*by).ok_or_else(|| split(length))?)
        }
        _ => return Err(cannot(Math::Multiply, a, b)),
    })
}

fn divide(a: &Value, b: &Value, world: World<'_>) -> Given {
    Ok(match (a, b) {
        (Value::Number(a), Value::Number(b)) => Value::Number(quotient(*a, *b)?),
        (Value::Money(money), Value::Number(by)) => {
            Value::Money(Money { amount: quotient(money.amount, *by)?, currency: money.currency.clone() })
        }
        (Value::Money(a), Value::Money(b)) => {
            currency(a, b, world)?;
            Value::Number(quotient(a.amount, b.amount)?)
        }
        (Value::Duration(length), Value::Number(by)) => {
            let inverse = quotient(Decimal::ONE, *by)?;
            let whole = |micros: i64| quotient(micros.into(), *by)?.round().to_i64().ok_or_else(beyond);
            match (length.months, length.working_days) {
                (0, 0) => {
                    let (micros, working_micros) = (whole(length.micros)?, whole(length.working_micros)?);
                    Value::Duration(Duration { micros, working_micros, ..Duration::ZERO })
                }
                _ => Value::Duration(length.checked_mul(inverse).ok_or_else(|| split(length))?),
            }
        }
        (Value::Duration(a), Value::Duration(b)) => match (parts(a), parts(b)) {
            ([0, m, 0, 0], [0, n, 0, 0]) | ([m, 0, 0, 0], [n, 0, 0, 0]) => Value::Number(quotient(m.into(), n.into())?),
            _ => {
                return Err(EvalError::range(
                    "expected two lengths of one kind of time to divide, found months and days",
                ));
            }
        },
        _ => return Err(cannot(Math::Divide, a, b)),
    })
}

fn power(a: &Value, b: &Value) -> Given {
    let (Value::Number(base), Value::Number(exponent)) = (a, b) else {
        return Err(cannot(Math::Power, a, b));
    };
    match exponent.to_i64().filter(|n| exponent.is_integer() && n.abs() <= 1_000) {
        Some(n) if n < 0 && base.is_zero() => Err(zero()),
        Some(n) => Ok(Value::Number(number(base.checked_powi(n))?)),
        None => Err(EvalError::range(format!("expected a whole exponent of at most 1000, found {exponent}"))),
    }
}

pub(super) fn negate(of: &Value) -> Given {
    Ok(match of {
        Value::Number(number) => Value::Number(-*number),
        Value::Money(money) => Value::Money(Money { amount: -money.amount, currency: money.currency.clone() }),
        Value::Duration(length) => Value::Duration(length.checked_neg().ok_or_else(beyond)?),
        other => return Err(EvalError::kind("a number, money or a duration behind `-`", other.kind())),
    })
}

/// Equality. Null equals null and nothing else; money is compared with a number by its amount.
pub(super) fn equal(a: &Value, b: &Value, world: World<'_>) -> Given<bool> {
    Ok(match (a, b) {
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Money(a), Value::Money(b)) => {
            currency(a, b, world)?;
            a.amount == b.amount
        }
        (Value::Money(money), Value::Number(number)) | (Value::Number(number), Value::Money(money)) => {
            money.amount == *number
        }
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(a, b, world)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => a.same(b),
    })
}

/// The order of two values; neither is null.
pub(super) fn order(a: &Value, b: &Value, world: World<'_>) -> Given<Ordering> {
    Ok(match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.cmp(b),
        (Value::Money(a), Value::Money(b)) => {
            currency(a, b, world)?;
            a.amount.cmp(&b.amount)
        }
        (Value::Money(money), Value::Number(number)) => money.amount.cmp(number),
        (Value::Number(number), Value::Money(money)) => number.cmp(&money.amount),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.compare(b).ok_or_else(|| {
            let why = format!(
                "expected two lengths of time that can be compared, found {a} and {b}; add them to a date first"
            );
            EvalError::range(why)
        })?,
        _ => {
            return Err(EvalError::kind(
                "two values of one kind that has an order",
                format!("{} and {}", a.kind(), b.kind()),
            ));
        }
    })
}

/// The common currency of two amounts; an amount without one is in the base currency.
fn currency(a: &Money, b: &Money, world: World<'_>) -> Given<Option<Name>> {
    if a.currency == b.currency {
        return Ok(a.currency.clone());
    }
    let base = world.base_currency();
    let named = |money: &Money| money.currency.clone().or_else(|| base.clone());
    match (named(a), named(b)) {
        (a, b) if a == b => Ok(a),
        (a, b) => {
            let shown = |name: Option<Name>| name.unwrap_or_else(|| Name::new("the base currency"));
            Err(EvalError::Currencies(shown(a), shown(b)))
        }
    }
}

fn shift(day: NaiveDate, length: &Duration, world: World<'_>) -> Given {
    if length.micros % crate::model::duration::DAY != 0 || length.working_micros != 0 {
        let why = format!("expected whole days to add to a date, found {length}; use `date and time(…)` for hours");
        return Err(EvalError::range(why));
    }
    world.calendar().add_to_date(day, length).map(Value::Date).ok_or_else(beyond)
}

fn parts(length: &Duration) -> [i64; 4] {
    [length.months.into(), length.micros, length.working_days.into(), length.working_micros]
}

fn exact(length: TimeDelta) -> Given {
    Ok(Value::Duration(Duration::micros(length.num_microseconds().ok_or_else(beyond)?)))
}

pub(super) fn quotient(a: Decimal, b: Decimal) -> Given<Decimal> {
    if b.is_zero() { Err(zero()) } else { number(a.checked_div(b)).map(|number| number.normalize()) }
}

/// The result of a checked computation.
pub(super) fn number(result: Option<Decimal>) -> Given<Decimal> {
    result.ok_or_else(|| EvalError::range("expected a number of at most 28 digits, found a larger one"))
}

pub(super) fn beyond() -> EvalError {
    EvalError::range("expected a date and a length of time that can be computed, found one out of reach")
}

fn zero() -> EvalError {
    EvalError::range("expected a divisor other than zero, found zero")
}

fn split(length: &Duration) -> EvalError {
    EvalError::range(format!("expected whole months and working days, found a fraction of {length}"))
}

fn cannot(op: Math, a: &Value, b: &Value) -> EvalError {
    EvalError::kind(format!("values that `{}` is defined for", op.sign()), format!("{} and {}", a.kind(), b.kind()))
}
