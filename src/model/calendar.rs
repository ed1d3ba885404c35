//! Working days and hours. Pure: the instant always comes from outside.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::LazyLock;

use chrono::{
    DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

use super::Duration;
use super::duration::DAY;

/// A calendar: what day it is, which days and hours are worked.
///
/// ```
/// use stageflow::model::{Calendar, Duration};
/// let friday = "2026-03-06T10:00:00Z".parse().unwrap();
/// let due = Calendar::standard().add(friday, &Duration::working_days(2)).unwrap();
/// assert_eq!(due.to_rfc3339(), "2026-03-10T10:00:00+00:00");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The time zone.
    pub zone: Tz,
    /// Which days are worked, Monday first.
    pub days: [bool; 7],
    /// The first moment of the working day.
    pub from: NaiveTime,
    /// The end of the working day; `00:00` is midnight at its end.
    pub to: NaiveTime,
    /// Days that are not worked.
    pub holidays: BTreeSet<NaiveDate>,
}

impl Calendar {
    /// The calendar where none is declared: UTC, Monday to Friday, 09:00 to 18:00, no holidays.
    pub fn standard() -> &'static Calendar {
        static STANDARD: LazyLock<Calendar> = LazyLock::new(Calendar::default);
        &STANDARD
    }

    /// The day it is in the calendar's zone.
    pub fn day(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// The local date and time in the calendar's zone.
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    /// The instant of a local date and time. Of an hour that comes twice, the first; in an hour that is left out, the moment
    /// as much later.
    pub fn instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.zone.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
            LocalResult::None => {
                let before = local.checked_sub_signed(TimeDelta::hours(3))?;
                let at = self.zone.from_local_datetime(&before).earliest()?;
                Some(at.to_utc().checked_add_signed(TimeDelta::hours(3))?)
            }
        }
    }

    /// Whether a day is worked.
    pub fn is_working(&self, day: NaiveDate) -> bool {
        self.works_on(day) && !self.holidays.contains(&day)
    }

    /// The end of the working day of a date: what a date alone means where an instant is needed.
    pub fn end_of_day(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        self.window(day).map(|(_, end)| end)
    }

    /// The day `count` working days later (earlier when negative). None when no day is worked, or beyond the calendar's reach.
    pub fn add_working_days(&self, day: NaiveDate, count: i32) -> Option<NaiveDate> {
        let (mut day, mut left) = (day, i64::from(count).abs());
        let per_week = self.per_week();
        let forward = count > 0;
        if left > 0 && per_week == 0 {
            return None;
        }
        while left > 0 {
            let weeks = u64::try_from(left / per_week).unwrap_or(0);
            let next = step(day, if weeks > 1 { (weeks - 1) * 7 } else { 1 }, forward)?;
            left -= if forward { self.worked(day, next) } else { self.worked(next.pred_opt()?, day.pred_opt()?) };
            day = next;
        }
        Some(day)
    }

    /// How many working days one must add to `from` to come to `to`: those after `from` up to `to`, negative when `to` is earlier.
    pub fn working_days_between(&self, from: NaiveDate, to: NaiveDate) -> i64 {
        if to >= from {
            return self.worked(from, to);
        }
        let before = |day: NaiveDate| day.pred_opt().unwrap_or(day);
        -self.worked(before(to), before(from))
    }

    /// The instant that many working microseconds later (earlier when negative).
    pub fn add_working_micros(&self, at: DateTime<Utc>, micros: i64) -> Option<DateTime<Utc>> {
        if micros == 0 {
            return Some(at);
        }
        let length = self.length();
        if length == 0 || self.per_week() == 0 {
            return None;
        }
        if micros > 0 { self.forward(at, micros, length) } else { self.backward(at, micros.checked_neg()?, length) }
    }

    /// How much working time lies between two instants, in microseconds; negative when `to` is earlier.
    pub fn working_micros_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<i64> {
        if to < from {
            return self.working_micros_between(to, from)?.checked_neg();
        }
        let (first, last) = (self.day(from), self.day(to));
        if first == last {
            return Some(self.worked_of(first, from, to));
        }
        let head = self.worked_of(first, from, DateTime::<Utc>::MAX_UTC);
        let tail = self.worked_of(last, DateTime::<Utc>::MIN_UTC, to);
        let between = self.worked(first, last.pred_opt()?).checked_mul(self.length())?;
        head.checked_add(between)?.checked_add(tail)
    }

    /// An instant plus a duration: its months by the local calendar, then its exact time, then its working days (the local time
    /// of day stays), then its working time. None beyond the reach of dates, or when no day is worked.
    pub fn add(&self, at: DateTime<Utc>, length: &Duration) -> Option<DateTime<Utc>> {
        let mut at = at;
        if length.months != 0 {
            at = self.instant(add_months(self.local(at).date(), length.months)?.and_time(self.local(at).time()))?;
        }
        at = at.checked_add_signed(TimeDelta::microseconds(length.micros))?;
        if length.working_days != 0 {
            let local = self.local(at);
            at = self.instant(self.add_working_days(local.date(), length.working_days)?.and_time(local.time()))?;
        }
        self.add_working_micros(at, length.working_micros)
    }

    /// A date plus a duration of whole days. None when the duration has hours in it, and as [`Calendar::add`].
    pub fn add_to_date(&self, day: NaiveDate, length: &Duration) -> Option<NaiveDate> {
        if length.micros % DAY != 0 || length.working_micros != 0 {
            return None;
        }
        let day = add_months(day, length.months)?;
        let day = day.checked_add_signed(TimeDelta::days(length.micros / DAY))?;
        self.add_working_days(day, length.working_days)
    }

    fn works_on(&self, day: NaiveDate) -> bool {
        let weekday = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
        self.days.get(weekday).copied().unwrap_or(false)
    }

    fn per_week(&self) -> i64 {
        self.days.iter().map(|worked| i64::from(*worked)).sum()
    }

    /// Working days after `from`, up to and with `to`; `from <= to`.
    fn worked(&self, from: NaiveDate, to: NaiveDate) -> i64 {
        let days = (to - from).num_days();
        let rest = (0..days % 7).filter_map(|back| to.checked_sub_signed(TimeDelta::days(back)));
        let holidays = self.holidays.range((Bound::Excluded(from), Bound::Included(to)));
        let holidays = if days > 0 { holidays.filter(|day| self.works_on(**day)).count() } else { 0 };
        let weekdays = days / 7 * self.per_week() + rest.map(|day| i64::from(self.works_on(day))).sum::<i64>();
        weekdays - i64::try_from(holidays).unwrap_or(0)
    }

    /// The length of a working day, in microseconds.
    fn length(&self) -> i64 {
        let length = (self.to - self.from).num_microseconds().unwrap_or(0);
        if length > 0 { length } else { (length + DAY).max(0) }
    }

    /// The working hours of a date, whether it is worked or not.
    fn window(&self, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let last = if self.to > self.from { day } else { day.succ_opt()? };
        Some((self.instant(day.and_time(self.from))?, self.instant(last.and_time(self.to))?))
    }

    /// The working microseconds of one day that lie between two instants.
    fn worked_of(&self, day: NaiveDate, from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
        match self.window(day) {
            Some((start, end)) if self.is_working(day) => micros_between(start.max(from), end.min(to)).max(0),
            _ => 0,
        }
    }

    fn forward(&self, at: DateTime<Utc>, micros: i64, length: i64) -> Option<DateTime<Utc>> {
        let mut day = self.day(at);
        let today = self.worked_of(day, at, DateTime::<Utc>::MAX_UTC);
        if micros <= today {
            let start = self.window(day)?.0.max(at);
            return start.checked_add_signed(TimeDelta::microseconds(micros));
        }
        let left = micros - today - 1;
        day = self.add_working_days(day, i32::try_from(left / length + 1).ok()?)?;
        self.window(day)?.0.checked_add_signed(TimeDelta::microseconds(left % length + 1))
    }

    fn backward(&self, at: DateTime<Utc>, micros: i64, length: i64) -> Option<DateTime<Utc>> {
        let mut day = self.day(at);
        let today = self.worked_of(day, DateTime::<Utc>::MIN_UTC, at);
        if micros <= today {
            let end = self.window(day)?.1.min(at);
            return end.checked_sub_signed(TimeDelta::microseconds(micros));
        }
        let left = micros - today - 1;
        day = self.add_working_days(day, i32::try_from(-(left / length + 1)).ok()?)?;
        self.window(day)?.1.checked_sub_signed(TimeDelta::microseconds(left % length + 1))
    }
}

impl Default for Calendar {
    fn default() -> Self {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or(NaiveTime::MIN);
        Self {
            zone: Tz::UTC,
            days: [true, true, true, true, true, false, false],
            from: hour(9),
            to: hour(18),
            holidays: BTreeSet::new(),
        }
    }
}

/// The same day of another month, or that month's last day.
pub(crate) fn add_months(day: NaiveDate, months: i32) -> Option<NaiveDate> {
    let by = Months::new(months.unsigned_abs());
    if months < 0 { day.checked_sub_months(by) } else { day.checked_add_months(by) }
}

fn step(day: NaiveDate, days: u64, forward: bool) -> Option<NaiveDate> {
    if forward { day.checked_add_days(Days::new(days)) } else { day.checked_sub_days(Days::new(days)) }
}

fn micros_between(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to - from).num_microseconds().unwrap_or(0)
}

#[cfg(test)]
mod tests;
