//! Schedules: when a start by the clock comes. Pure: an occurrence follows from the schedule and the one before it.

mod cron;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

pub use cron::Cron;

use super::{Calendar, Duration, Mismatch};

/// How many days without an occurrence are looked through: 29 February on a working day is nearer.
const REACH_DAYS: u32 = 40 * 366;
/// How many occurrences are passed by one at a time, where their distance depends on the calendar.
const MAX_STEPS: u32 = 100_000;
/// An occurrence that is this late was missed.
const LATE: TimeDelta = TimeDelta::minutes(1);

/// When a start by the clock comes.
///
/// ```
/// use stageflow::model::{Calendar, Schedule};
/// let schedule = Schedule::parse("0 9 * * mon-fri", Calendar::default()).unwrap();
/// let friday = "2026-03-06T09:00:00Z".parse().unwrap();
/// assert_eq!(schedule.after(friday), "2026-03-09T09:00:00Z".parse().ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The rule.
    pub rhythm: Rhythm,
    /// Its zone is the one in which the rule is read; its days and hours are what is working time.
    pub calendar: Calendar,
    /// Whether occurrences on days that the calendar does not work are left out.
    pub working: bool,
    /// What happens to occurrences that were missed.
    pub catch_up: CatchUp,
}

/// The rule of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// A distance from the time it is armed on: `R/PT24H`.
    Every(Duration),
    /// Multiples of a distance from an instant on: `R5/2026-01-01T09:00:00Z/P1D`.
    From {
        /// The first occurrence.
        first: DateTime<Utc>,
        /// The distance.
        every: Duration,
        /// How many; for ever when none.
        times: Option<u32>,
    },
    /// Times of the day: `0 9 * * mon-fri`.
    Cron(Cron),
}

/// What happens to occurrences missed in a downtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// One for all of them.
    #[default]
    One,
    /// Each of them.
    All,
    /// None.
    Skip,
}

impl CatchUp {
    /// Whether an occurrence that comes only now is left out.
    pub fn leaves_out(self, due: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self == CatchUp::Skip && now.signed_duration_since(due) >= LATE
    }
}

impl Schedule {
    /// Reads `R/PT24H`, `R5/2026-01-01T09:00:00Z/P1D`, a duration alone, or the five fields of cron. An instant without an offset
    /// is read in the calendar's zone.
    ///
    /// # Errors
    /// When the text is none of these, or nothing ever comes by it.
    pub fn parse(text: &str, calendar: Calendar) -> Result<Self, Mismatch> {
        let rhythm = match text.split_whitespace().count() {
            5.. => Rhythm::Cron(Cron::parse(text)?),
            _ => repetition(text.trim(), &calendar)?,
        };
        Ok(Self { rhythm, calendar, working: false, catch_up: CatchUp::One })
    }

    /// Whether anything ever comes by it.
    pub fn comes(&self) -> bool {
        let start = match self.rhythm {
            Rhythm::From { first, .. } => Some(first),
            Rhythm::Every(_) | Rhythm::Cron(_) => DateTime::from_timestamp(946_684_800, 0),
        };
        start.is_some_and(|start| self.first(start).is_some())
    }

    /// The first occurrence of a schedule that is armed at an instant; none when nothing comes any more.
    pub fn first(&self, armed: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.rhythm {
            Rhythm::Every(_) => self.after(armed),
            Rhythm::From { .. } | Rhythm::Cron(_) => self.after(armed.checked_sub_signed(TimeDelta::microseconds(1))?),
        }
    }

    /// The occurrence after an instant: for a distance alone, one distance later.
    pub fn after(&self, last: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.rhythm {
            Rhythm::Cron(cron) => self.after_by(cron, last),
            Rhythm::Every(every) => self.walk(last, |at| self.calendar.add(at, every)),
            Rhythm::From { first, every, times } => {
                let mut nth = self.multiples_before(*first, every, last);
                self.walk(last, |at| {
                    for _ in 0..MAX_STEPS {
                        if times.is_some_and(|times| nth >= i64::from(times)) {
                            return None;
                        }
                        let found = self.multiple(*first, every, nth)?;
                        nth = nth.checked_add(1)?;
                        if found > at {
                            return Some(found);
                        }
                    }
                    None
                })
            }
        }
    }

    /// Whether the occurrence that was due runs now, and when the next one comes: what was missed meanwhile is caught up with as
    /// the schedule says.
    pub fn occurred(&self, due: DateTime<Utc>, now: DateTime<Utc>) -> (bool, Option<DateTime<Utc>>) {
        let next = if self.catch_up == CatchUp::All { self.after(due) } else { self.beyond(due, now) };
        (!self.catch_up.leaves_out(due, now), next)
    }

    /// The first occurrence after `due` that is later than `now`: without drift.
    fn beyond(&self, due: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let Rhythm::Every(every) = &self.rhythm else { return self.after(due.max(now)) };
        let mut next = due;
        if every.months == 0 && !every.is_working() && now > due {
            let passed = now.signed_duration_since(due).num_microseconds()?.checked_div(every.micros)?;
            next = due.checked_add_signed(TimeDelta::microseconds(passed.checked_mul(every.micros)?))?;
        }
        for _ in 0..MAX_STEPS {
            next = self.after(next)?;
            if next > now {
                return Some(next);
            }
        }
        self.after(now)
    }

    /// The first instant of a row that the calendar lets through.
    fn walk(
        &self,
        from: DateTime<Utc>,
        mut next: impl FnMut(DateTime<Utc>) -> Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        let mut at = from;
        for _ in 0..MAX_STEPS {
            at = next(at).filter(|next| *next > at)?;
            if self.is_kept(self.calendar.day(at)) {
                return Some(at);
            }
        }
        None
    }

    fn is_kept(&self, day: NaiveDate) -> bool {
        !self.working || self.calendar.is_working(day)
    }

    fn after_by(&self, cron: &Cron, last: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut day = self.calendar.day(last);
        for _ in 0..REACH_DAYS {
            if cron.is_on(day) && self.is_kept(day) {
                let found = cron.instants(day, self.calendar.zone).into_iter().find(|at| *at > last);
                if found.is_some() {
                    return found;
                }
            }
            day = day.succ_opt()?;
        }
        None
    }

    /// `first` and `count` times the distance: months are counted from the first, so a 31st stays one.
    fn multiple(&self, first: DateTime<Utc>, every: &Duration, count: i64) -> Option<DateTime<Utc>> {
        self.calendar.add(first, &every.checked_mul(Decimal::from(count))?)
    }

    /// A number of multiples that surely lie at or before an instant.
    fn multiples_before(&self, first: DateTime<Utc>, every: &Duration, last: DateTime<Utc>) -> i64 {
        // At most as long as the distance can be on any calendar; working time is looked through from the first on.
        let longest = i64::from(every.months).saturating_mul(31 * super::duration::DAY).saturating_add(every.micros);
        let passed = last.signed_duration_since(first).num_microseconds().unwrap_or(0);
        if every.is_working() { 0 } else { passed.checked_div(longest).unwrap_or(0).max(0) }
    }
}

/// `R[n]/[first/]distance`, or a distance alone.
fn repetition(text: &str, calendar: &Calendar) -> Result<Rhythm, Mismatch> {
    let expected = "a repetition such as `R/PT24H`, or cron's `0 9 * * mon-fri`";
    let wrong = |help: &str| Mismatch::new(expected, format!("`{text}`")).help(Some(help.to_owned()));
    let parts: Vec<&str> = text.split('/').collect();
    let (times, first, every) = match parts.as_slice() {
        [every] => ("R", None, *every),
        [times, every] => (*times, None, *every),
        [times, first, every] => (*times, Some(*first), *every),
        _ => return Err(wrong("write `R/`, the first instant and `/` if there is one, and the distance")),
    };
    let times =
        match times.strip_prefix('R') {
            Some("") => None,
            Some(number) => Some(number.parse::<u32>().ok().filter(|times| *times > 0).ok_or_else(|| {
                wrong("behind `R` stands how often it comes, 1 or more; nothing when it comes for ever")
            })?),
            None => return Err(wrong("a repetition begins with `R/`")),
        };
    let every = Duration::parse(every).ok().filter(is_forward);
    let every = every.ok_or_else(|| wrong("the distance is a duration such as `PT24H`, `P1M` or `1 working day`"))?;
    let Some(first) = first else {
        return match times {
            None => Ok(Rhythm::Every(every)),
            Some(_) => {
                Err(wrong("what comes a number of times needs its first instant: `R5/2026-01-01T09:00:00Z/P1D`"))
            }
        };
    };
    let first = instant(first, calendar).ok_or_else(|| wrong("the first instant is written `2026-01-01T09:00:00Z`"))?;
    Ok(Rhythm::From { first, every, times })
}

fn is_forward(every: &Duration) -> bool {
    let parts = [i64::from(every.months), every.micros, i64::from(every.working_days), every.working_micros];
    parts.iter().all(|part| *part >= 0) && parts.iter().any(|part| *part > 0)
}

fn instant(text: &str, calendar: &Calendar) -> Option<DateTime<Utc>> {
    let exact = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    exact.or_else(|| calendar.instant(text.parse::<NaiveDateTime>().ok()?))
}

#[cfg(test)]
mod tests;
