//! Calendars: zone, working days, hours, holidays.

use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

use crate::load::cursor::Spanned;
use crate::load::draft::parts::CalendarDraft;
use crate::load::problem::{Problem, Problems};
use crate::model::{Calendar, Name};

/// The calendar that a draft describes; what it leaves out is as in the standard calendar.
pub(super) fn bind(draft: &CalendarDraft, problems: &Problems) -> Calendar {
    let mut calendar = Calendar::default();
    if let Some(zone) = draft.zone.as_ref().and_then(|zone| self::zone(zone, problems)) {
        calendar.zone = zone;
    }
    if !draft.days.is_empty() {
        calendar.days = bind_days(&draft.days, problems);
    }
    if let Some((from, to)) = draft.hours.as_ref().and_then(|hours| bind_hours(hours, problems)) {
        (calendar.from, calendar.to) = (from, to);
    }
    for day in &draft.holidays {
        match NaiveDate::from_str(&day.value) {
            Ok(date) => {
                calendar.holidays.insert(date);
            }
            Err(_) => wrong(day, "a date such as 2026-01-01", problems),
        }
    }
    calendar
}

/// The time zone of a name; an unknown one is reported.
pub fn zone(zone: &Spanned<String>, problems: &Problems) -> Option<Tz> {
    let found = Tz::from_str(&zone.value).ok();
    if found.is_none() {
        let message = format!("there is no time zone `{}`", zone.value);
        let all = || chrono_tz::TZ_VARIANTS.iter().map(|zone| Name::from(zone.name())).collect();
        let near = problems.did_you_mean(&zone.value, all);
        let problem =
            Problem::error("wrong-type", zone.span, message).help("a zone is written `Europe/Moscow` or `UTC`");
        problems.push(problem.maybe_help(near));
    }
    found
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `mon-fri`, `fri-mon`, or days one by one.
fn bind_days(written: &[Spanned<String>], problems: &Problems) -> [bool; 7] {
    let mut worked = [false; 7];
    for part in written {
        let (first, last) = part.value.split_once('-').unwrap_or((&part.value, &part.value));
        let number = |word: &str| DAYS.iter().position(|day| *day == word.trim());
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            wrong(part, "days such as mon-fri, or mon, tue, wed, thu, fri, sat, sun", problems);
            continue;
        };
        let length = (last + 7 - first) % 7;
        for (at, day) in worked.iter_mut().enumerate() {
            *day |= (at + 7 - first) % 7 <= length;
        }
    }
    worked
}

/// `09:00-18:00`; `24:00` is midnight at the end of the day.
fn bind_hours(hours: &Spanned<String>, problems: &Problems) -> Option<(NaiveTime, NaiveTime)> {
    let time = |text: &str| match text.trim() {
        "24:00" => Some(NaiveTime::MIN),
        text => NaiveTime::parse_from_str(text, "%H:%M").ok(),
    };
    let found = hours.value.split_once('-').and_then(|(from, to)| Some((time(from)?, time(to)?)));
    let found = found.filter(|(from, to)| from < to || *to == NaiveTime::MIN);
    if found.is_none() {
        wrong(hours, "hours such as 09:00-18:00", problems);
    }
    found
}

fn wrong(found: &Spanned<String>, expected: &str, problems: &Problems) {
    let message = format!("expected {expected}, found `{}`", found.value);
    problems.error("wrong-type", found.span, message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::cursor::MapReader;
    use crate::load::read;

    fn reads(text: &str) -> String {
        let problems = Problems::new();
        let tree = read(0, &format!("c: {{zone: UTC, {text}}}"), &problems).expect("a sound text");
        let drafts: Vec<_> =
            tree.root.entries().iter().filter_map(|entry| CalendarDraft::of(entry, &problems)).collect();
        assert!(MapReader::new(&tree.root, "a calendar", &problems).is_some());
        let calendar = bind(&drafts[0], &problems);
        let days: String = calendar.days.iter().map(|worked| if *worked { 'x' } else { '-' }).collect();
        let wrong: Vec<_> = problems.into_sorted().iter().map(|problem| problem.message.clone()).collect();
        format!("{days} {}-{} {}", calendar.from.format("%H:%M"), calendar.to.format("%H:%M"), wrong.join("; "))
    }

    #[test]
    fn days_and_hours_are_read() {
        for (text, expected) in [
            ("days: mon-fri, hours: 09:00-18:00", "xxxxx-- 09:00-18:00 "),
            ("days: [sat-mon, wed]", "x-x--xx 09:00-18:00 "),
            ("days: sun-mon, hours: 00:00-24:00", "x-----x 00:00-00:00 "),
            ("hours: 18:00-09:00", "xxxxx-- 09:00-18:00 expected hours such as 09:00-18:00, found `18:00-09:00`"),
            (
                "holidays: [2026-01-01, 2026-13-01]",
                "xxxxx-- 09:00-18:00 expected a date such as 2026-01-01, found `2026-13-01`",
            ),
        ] {
            assert_eq!(reads(text), expected, "{text}");
        }
    }
}
