//! The five fields of cron: minute, hour, day of the month, month, weekday.

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::model::Mismatch;

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A field: how a problem names it, its bounds, and the names of its values from the first on.
struct Field(&'static str, u32, u32, &'static [&'static str]);

const FIELDS: [Field; 5] = [
    Field("a minute", 0, 59, &[]),
    Field("an hour", 0, 23, &[]),
    Field("a day of the month", 1, 31, &[]),
    Field("a month", 1, 12, MONTHS),
    // Sunday is 0, and 7.
    Field("a weekday", 0, 7, WEEKDAYS),
];

/// Times of the day on certain days.
///
/// A field is `*`, a value, a range, a list of these, each with a step if need be: `*/15`, `9-17`, `mon,wed`, `1-10/3`. The day
/// of the month may be `L`, the last one. When both the day of the month and the weekday say something, either will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    last_day: bool,
}

impl Cron {
    /// Reads the five fields.
    ///
    /// # Errors
    /// When they are not five, or a value is out of its bounds.
    pub fn parse(text: &str) -> Result<Self, Mismatch> {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = words.as_slice() else {
            let found = format!("{} in `{}`", words.len(), text.trim());
            let help = "cron has minute, hour, day of the month, month, weekday, as in `30 9 * * mon-fri`";
            return Err(Mismatch::new("five fields", found).help(Some(help.to_owned())));
        };
        let last_day = days.split(',').any(|part| part == "l");
        let days: Vec<&str> = days.split(',').filter(|part| *part != "l").collect();
        let [minute, hour, day, month, weekday] = FIELDS;
        let sundays = field(weekdays, &weekday)?;
        Ok(Self {
            minutes: field(minutes, &minute)?,
            hours: field(hours, &hour)?,
            days: if days.is_empty() { 0 } else { field(&days.join(","), &day)? },
            months: field(months, &month)?,
            weekdays: (sundays | sundays >> 7) & 0x7f,
            last_day,
        })
    }

    /// Whether it comes on a day.
    pub fn is_on(&self, day: NaiveDate) -> bool {
        let is_last = || day.succ_opt().is_none_or(|next| next.month() != day.month());
        let of_month = has(self.days, day.day()) || self.last_day && is_last();
        let of_week = has(self.weekdays, day.weekday().num_days_from_sunday());
        let fits = match (self.days == all(1, 31), self.weekdays == all(0, 6)) {
            (false, false) => of_month || of_week,
            _ => of_month && of_week,
        };
        fits && has(self.months, day.month())
    }

    /// Its instants on a day of a zone, in order.
    ///
    /// Where the clocks are changed, a time comes once: what an hour left out would have had comes at its end, of an hour that
    /// comes twice the first counts. Every hour (`*`) is every hour that passes: none is made up, and both come.
    pub fn instants(&self, day: NaiveDate, zone: Tz) -> Vec<DateTime<Utc>> {
        let every_hour = self.hours == all(0, 23);
        let mut found = Vec::new();
        for (hour, minute) in bits(self.hours).flat_map(|hour| bits(self.minutes).map(move |minute| (hour, minute))) {
            let Some(time) = NaiveTime::from_hms_opt(hour, minute, 0) else { continue };
            match zone.from_local_datetime(&day.and_time(time)) {
                LocalResult::Single(at) => found.push(at.to_utc()),
                LocalResult::Ambiguous(first, second) if every_hour => found.extend([first.to_utc(), second.to_utc()]),
                LocalResult::Ambiguous(first, _) => found.push(first.to_utc()),
                LocalResult::None if every_hour => {}
                LocalResult::None => found.extend(end_of_gap(day.and_time(time), zone)),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The first moment that a zone's clocks show again. Whole days were left out where the date line moved.
fn end_of_gap(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let minutes = (1..=26 * 60).map_while(|minutes| local.checked_add_signed(TimeDelta::minutes(minutes)));
    minutes.filter_map(|local| zone.from_local_datetime(&local).earliest()).map(|at| at.to_utc()).next()
}

/// The values of a field, as bits.
fn field(text: &str, field: &Field) -> Result<u64, Mismatch> {
    text.split(',').try_fold(0, |bits, part| Ok(bits | part_of(part, field)?))
}

/// `*`, `5`, `1-5`, with `/step`. A range may go round: `fri-mon`.
fn part_of(part: &str, field: &Field) -> Result<u64, Mismatch> {
    let Field(what, low, high, names) = field;
    let wrong = || {
        let by_name = names.first().map(|name| format!(" or a name such as `{name}`")).unwrap_or_default();
        Mismatch::new(format!("{what} from {low} to {high}{by_name}"), format!("`{part}`"))
    };
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, step.parse::<u32>().ok().filter(|step| *step > 0).ok_or_else(wrong)?),
        None => (part, 1),
    };
    let value = |word: &str| {
        let named = names.iter().position(|name| *name == word).and_then(|at| u32::try_from(at).ok());
        let value = named.map(|at| at.saturating_add(*low)).or_else(|| word.parse().ok());
        value.filter(|value| (low..=high).contains(&value)).ok_or_else(wrong)
    };
    // A weekday has two names for Sunday; going round and `*` count it once.
    let top = if *high == 7 { 6 } else { *high };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (*low, top),
        Some((first, last)) => (value(first)?, value(last)?),
        None if step > 1 => (value(range)?, top),
        None => (value(range)?, value(range)?),
    };
    let steps = usize::try_from(step).map_err(|_| wrong())?;
    let round = if first <= last { Vec::new() } else { (first..=top).collect() };
    let straight = if first <= last { first..=last } else { *low..=last };
    Ok(round.into_iter().chain(straight).step_by(steps).fold(0, |bits, value| bits | bit(value)))
}

fn bit(value: u32) -> u64 {
    1_u64.checked_shl(value).unwrap_or(0)
}

fn has(bits: u64, value: u32) -> bool {
    bits & bit(value) != 0
}

fn all(low: u32, high: u32) -> u64 {
    (low..=high).fold(0, |bits, value| bits | bit(value))
}

fn bits(bits: u64) -> impl Iterator<Item = u32> + Clone {
    (0..64).filter(move |value| has(bits, *value))
}
