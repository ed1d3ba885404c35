//! Built-ins over dates, instants and lengths of time; the parts of values. A time of day is the time since midnight.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::call::Args;
use super::*;
use crate::model::duration::{DAY, HOUR, MINUTE, SECOND};
use crate::model::{Calendar, Duration, read};

pub(super) fn call(builtin: Builtin, args: &Args<'_>, env: &dyn Env) -> Given {
    let calendar = env.calendar();
    let the_day = || day(args.any(0), env);
    Ok(match builtin {
        Builtin::Now => Value::DateTime(env.now()),
        Builtin::Today => Value::Date(calendar.day(env.now())),
        Builtin::Date => Value::Date(date(args, env)?),
        Builtin::Time => time(args, calendar)?,
        Builtin::DateAndTime => Value::DateTime(date_and_time(args, env)?),
        Builtin::Duration => Value::Duration(Duration::parse(args.text(0)?).map_err(unreadable)?),
        Builtin::Weeks => times(args, Duration::days(7))?,
        Builtin::Days => times(args, Duration::days(1))?,
        Builtin::Hours => times(args, Duration::micros(HOUR))?,
        Builtin::Minutes => times(args, Duration::micros(MINUTE))?,
        Builtin::Seconds => times(args, Duration::micros(SECOND))?,
        Builtin::Months => times(args, Duration::months(1))?,
        Builtin::Years => times(args, Duration::months(12))?,
        Builtin::YearsAndMonths => {
            Value::Duration(Duration::months(months_between(the_day()?, day(args.any(1), env)?)))
        }
        Builtin::DayOfWeek => Value::text(the_day()?.format("%A").to_string()),
        Builtin::MonthOfYear => Value::text(the_day()?.format("%B").to_string()),
        Builtin::DayOfYear => Value::Number(the_day()?.ordinal().into()),
        Builtin::WeekOfYear => Value::Number(the_day()?.iso_week().week().into()),
        Builtin::WorkingDays if args.has(1) => {
            let days = calendar.working_days_between(the_day()?, day(args.any(1), env)?);
            Value::Number(days.into())
        }
        Builtin::WorkingDays => times(args, Duration::working_days(1))?,
        Builtin::WorkingHours if args.has(1) => working_hours(args, env)?,
        Builtin::WorkingHours => times(args, Duration { working_micros: HOUR, ..Duration::ZERO })?,
        _ => return Err(EvalError::range(format!("expected a known function, found `{}`", builtin.name()))),
    })
}

/// The day of a date or an instant, in the calendar's zone.
pub(super) fn day(value: &Value, env: &dyn Env) -> Given<NaiveDate> {
    match value {
        Value::Date(day) => Ok(*day),
        Value::DateTime(at) => Ok(env.calendar().day(*at)),
        other => Err(EvalError::kind("a date or an instant", other.kind())),
    }
}

/// A literal `@"…"`: a date, an instant, a duration, or a time of day.
pub(in crate::model::expr) fn literal(text: &str) -> Option<Value> {
    let moment = || read::moment(text).map(Value::DateTime);
    let length = || Duration::parse(text).ok().map(Value::Duration);
    read::day(text).map(Value::Date).or_else(moment).or_else(length).or_else(|| clock(text).map(since_midnight))
}

pub(super) fn part(value: &Value, part: Part, env: &dyn Env) -> Given {
    let local = match (value, part) {
        (Value::Money(money), Part::Amount) => return Ok(Value::Number(money.amount)),
        (Value::Number(number), Part::Amount) => return Ok(Value::Number(*number)),
        (Value::Money(_) | Value::Number(_), Part::Currency) => return Ok(currency(value, env)),
        (Value::Duration(length), _) => return of_duration(length, part),
        (Value::Date(day), Part::Year | Part::Month | Part::Day | Part::Weekday | Part::Date) => {
            day.and_time(NaiveTime::MIN)
        }
        (Value::DateTime(at), _) => env.calendar().local(*at),
        (other, _) => return Err(EvalError::kind("something that has this part", other.kind())),
    };
    let number = |number: u32| Value::Number(number.into());
    Ok(match part {
        Part::Year => Value::Number(local.year().into()),
        Part::Month => number(local.month()),
        Part::Day => number(local.day()),
        Part::Weekday => number(local.weekday().number_from_monday()),
        Part::Hour => number(local.hour()),
        Part::Minute => number(local.minute()),
        Part::Second => number(local.second()),
        Part::Date => Value::Date(local.date()),
        Part::Time => since_midnight(local.time()),
        Part::Amount | Part::Currency => return Err(EvalError::kind("money", value.kind())),
    })
}

/// The currency's id; what names none is in the base currency.
fn currency(value: &Value, env: &dyn Env) -> Value {
    let named = if let Value::Money(money) = value { money.currency.clone() } else { None };
    named.or_else(|| env.base_currency()).map_or(Value::Null(Null::Nothing), Value::text)
}

/// As in DMN, each part without those above it: `@"P1DT2H"` has one day and two hours.
fn of_duration(length: &Duration, part: Part) -> Given {
    let number = |number: i64| Ok(Value::Number(number.into()));
    match part {
        Part::Year => number((length.months / 12).into()),
        Part::Month => number((length.months % 12).into()),
        Part::Day => number(length.micros / DAY),
        Part::Hour => number(length.micros % DAY / HOUR),
        Part::Minute => number(length.micros % HOUR / MINUTE),
        Part::Second => number(length.micros % MINUTE / SECOND),
        _ => Err(EvalError::kind("something that has this part", "a duration")),
    }
}

fn date(args: &Args<'_>, env: &dyn Env) -> Given<NaiveDate> {
    if args.has(1) {
        let (year, month, day) = (args.whole(0)?, args.whole(1)?, args.optional_whole(2)?.unwrap_or(1));
        let made = || NaiveDate::from_ymd_opt(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
        return made()
            .ok_or_else(|| EvalError::range(format!("expected a date that exists, found {year}-{month}-{day}")));
    }
    match args.any(0) {
        Value::Text(text) => read::day(text)
            .or_else(|| Some(env.calendar().day(read::moment(text)?)))
            .ok_or_else(|| unreadable_text("a date such as 2026-03-02", text)),
        other => day(other, env),
    }
}

fn time(args: &Args<'_>, calendar: &Calendar) -> Given {
    if args.has(1) {
        let second = if args.has(2) { args.number(2)? } else { Decimal::ZERO };
        let micros = second.checked_mul(SECOND.into()).and_then(|micros| micros.round().to_i64());
        let (hour, minute) = (args.whole(0)?, args.whole(1)?);
        return match micros
            .filter(|micros| (0..MINUTE).contains(micros) && (0..24).contains(&hour) && (0..60).contains(&minute))
        {
            Some(micros) => Ok(Value::Duration(Duration::micros(hour * HOUR + minute * MINUTE + micros))),
            None => Err(EvalError::range(format!("expected a time of day, found {hour}:{minute}:{second}"))),
        };
    }
    match args.any(0) {
        Value::Text(text) => {
            clock(text).map(since_midnight).ok_or_else(|| unreadable_text("a time such as 09:30:00", text))
        }
        Value::DateTime(at) => Ok(since_midnight(calendar.local(*at).time())),
        Value::Date(_) => Ok(Value::Duration(Duration::ZERO)),
        other => Err(EvalError::kind("a text or an instant", other.kind())),
    }
}

fn date_and_time(args: &Args<'_>, env: &dyn Env) -> Given<DateTime<Utc>> {
    let local = if args.has(1) {
        let time = match args.any(1) {
            Value::Duration(Duration { months: 0, working_days: 0, working_micros: 0, micros }) => Some(*micros),
            Value::Text(text) => clock(text).map(micros_since_midnight),
            _ => None,
        };
        let time = time.filter(|micros| (0..DAY).contains(micros)).ok_or_else(|| {
            EvalError::range(format!("expected a time of day such as time(\"09:30:00\"), found {}", args.any(1)))
        })?;
        day(args.any(0), env)?.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::microseconds(time))
    } else {
        match args.any(0) {
            Value::DateTime(at) => return Ok(*at),
            Value::Date(day) => Some(day.and_time(NaiveTime::MIN)),
            Value::Text(text) => match read::moment(text) {
                Some(at) => return Ok(at),
                None => {
                    Some(local(text).ok_or_else(|| unreadable_text("an instant such as 2026-03-02T09:00:00", text))?)
                }
            },
            other => return Err(EvalError::kind("a text, a date or an instant", other.kind())),
        }
    };
    local.and_then(|local| env.calendar().instant(local)).ok_or_else(ops::beyond)
}

fn working_hours(args: &Args<'_>, env: &dyn Env) -> Given {
    let at = |place: usize| match args.any(place) {
        Value::DateTime(at) => Ok(*at),
        other => Err(EvalError::kind("an instant", other.kind())),
    };
    let micros = env.calendar().working_micros_between(at(0)?, at(1)?).ok_or_else(ops::beyond)?;
    ops::quotient(micros.into(), HOUR.into()).map(|hours| Value::Number(hours.normalize()))
}

fn times(args: &Args<'_>, unit: Duration) -> Given {
    let number = args.number(0)?;
    unit.checked_mul(number)
        .map(Value::Duration)
        .ok_or_else(|| EvalError::range(format!("expected a number of times that {unit} can be taken, found {number}")))
}

/// Whole months from one day to another, as in DMN; negative when the second is earlier.
fn months_between(from: NaiveDate, to: NaiveDate) -> i32 {
    if to < from {
        return -months_between(to, from);
    }
    let months = (to.year() - from.year()) * 12 + i32::try_from(to.month()).unwrap_or(0)
        - i32::try_from(from.month()).unwrap_or(0);
    months - i32::from(to.day() < from.day())
}

fn local(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"].iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

fn clock(text: &str) -> Option<NaiveTime> {
    ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())
}

fn micros_since_midnight(time: NaiveTime) -> i64 {
    (time - NaiveTime::MIN).num_microseconds().unwrap_or(0)
}

fn since_midnight(time: NaiveTime) -> Value {
    Value::Duration(Duration::micros(micros_since_midnight(time)))
}

fn unreadable(why: crate::model::Mismatch) -> EvalError {
    EvalError::range(why.to_string())
}

fn unreadable_text(expected: &str, found: &str) -> EvalError {
    EvalError::range(format!("expected {expected}, found `{found}`"))
}
