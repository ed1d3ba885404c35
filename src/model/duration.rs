//! Lengths of time: how they are written, compared and added up.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{Duration, Mismatch};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration { months: 0, micros: 0, working_days: 0, working_micros: 0 };

    /// Exact microseconds.
    pub fn micros(micros: i64) -> Self {
        Self { micros, ..Self::ZERO }
    }

    /// Calendar months.
    pub fn months(months: i32) -> Self {
        Self { months, ..Self::ZERO }
    }

    /// Days of 24 hours.
    pub fn days(days: i32) -> Self {
        Self::micros(i64::from(days).saturating_mul(DAY))
    }

    /// Working days of the calendar in force.
    pub fn working_days(working_days: i32) -> Self {
        Self { working_days, ..Self::ZERO }
    }

    /// Reads `5 min`, `2 h`, `1 day 12 h`, `2 working days`, `4 working hours`, or ISO `PT5M`, `P14D`, `P1Y2M`.
    ///
    /// ```
    /// use stageflow::model::Duration;
    /// assert_eq!(Duration::parse("14 days"), Duration::parse("P14D"));
    /// assert_eq!(Duration::parse("PT90M").unwrap().to_string(), "1 h 30 min");
    /// ```
    ///
    /// # Errors
    /// When the text is no duration.
    pub fn parse(text: &str) -> Result<Self, Mismatch> {
        let trimmed = text.trim();
        let read = if trimmed.trim_start_matches(['-', '+']).starts_with('P') { iso(trimmed) } else { words(trimmed) };
        read.ok_or_else(|| {
            let help = "write for example `5 min`, `2 h`, `14 days`, `2 working days` or `PT5M`".to_owned();
            Mismatch::new("a duration", format!("`{text}`")).help(Some(help))
        })
    }

    /// What is doubtful about a text that is a duration: `P30M` is thirty months, while thirty minutes may have been meant.
    pub fn doubt(text: &str) -> Option<String> {
        let months = text.trim().strip_prefix('P')?.strip_suffix('M')?;
        let months: u32 = months.parse().ok()?;
        Some(format!("`P{months}M` is {months} months; for minutes write `PT{months}M` or `{months} min`"))
            .filter(|_| months != 0 && !matches!(months, 1..=4 | 6 | 9) && !months.is_multiple_of(12))
    }

    /// Whether it has no part at all.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// Whether it depends on working days or hours.
    pub fn is_working(&self) -> bool {
        self.working_days != 0 || self.working_micros != 0
    }

    /// Both together; none when a part overflows.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_add(other.months)?,
            micros: self.micros.checked_add(other.micros)?,
            working_days: self.working_days.checked_add(other.working_days)?,
            working_micros: self.working_micros.checked_add(other.working_micros)?,
        })
    }

    /// The same backwards; none when a part overflows.
    pub fn checked_neg(self) -> Option<Self> {
        Some(Self {
            months: self.months.checked_neg()?,
            micros: self.micros.checked_neg()?,
            working_days: self.working_days.checked_neg()?,
            working_micros: self.working_micros.checked_neg()?,
        })
    }

    /// Every part times a number; none when a part overflows, or a month or working day would be split.
    pub fn checked_mul(self, by: Decimal) -> Option<Self> {
        let whole = |part: i32| -> Option<i32> {
            let product = Decimal::from(part).checked_mul(by)?;
            if product.is_integer() { product.to_i32() } else { None }
        };
        let exact = |part: i64| Decimal::from(part).checked_mul(by)?.round().to_i64();
        Some(Self {
            months: whole(self.months)?,
            micros: exact(self.micros)?,
            working_days: whole(self.working_days)?,
            working_micros: exact(self.working_micros)?,
        })
    }

    /// Which is longer. None when that depends on the date it is added to: months against days, working against other time.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        let parts = [
            self.months.cmp(&other.months),
            self.micros.cmp(&other.micros),
            self.working_days.cmp(&other.working_days),
            self.working_micros.cmp(&other.working_micros),
        ];
        let mut differing = parts.into_iter().filter(|order| order.is_ne());
        let first = differing.next().unwrap_or(Ordering::Equal);
        differing.all(|order| order == first).then_some(first)
    }
}

impl FromStr for Duration {
    type Err = Mismatch;
    fn from_str(text: &str) -> Result<Self, Mismatch> {
        Self::parse(text)
    }
}

/// `1 day 12 h`: numbers with units; at least one.
fn words(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    loop {
        let digits = rest.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+'))?;
        let amount = Decimal::from_str(rest.get(..digits)?).ok()?;
        rest = rest.get(digits..)?.trim_start();
        let working = rest.strip_prefix("working").filter(|tail| tail.starts_with(char::is_whitespace));
        rest = working.unwrap_or(rest).trim_start();
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        total = total.checked_add(part(amount, rest.get(..letters)?, working.is_some())?)?;
        rest = rest.get(letters..)?.trim_start();
        if rest.is_empty() {
            return Some(total);
        }
    }
}

/// One number with its unit.
fn part(amount: Decimal, unit: &str, working: bool) -> Option<Duration> {
    let micros = match unit {
        "ms" | "millisecond" | "milliseconds" => SECOND / 1000,
        "s" | "sec" | "second" | "seconds" => SECOND,
        "min" | "minute" | "minutes" => MINUTE,
        "h" | "hour" | "hours" => HOUR,
        "day" | "days" if working => return whole(amount).map(Duration::working_days),
        "d" | "day" | "days" => DAY,
        "week" | "weeks" if !working => 7 * DAY,
        "month" | "months" if !working => return whole(amount).map(Duration::months),
        "year" | "years" if !working => return whole(amount)?.checked_mul(12).map(Duration::months),
        _ => return None,
    };
    let exact = amount.checked_mul(Decimal::from(micros))?.round().to_i64()?;
    Some(if working { Duration { working_micros: exact, ..Duration::ZERO } } else { Duration::micros(exact) })
}

fn whole(amount: Decimal) -> Option<i32> {
    if amount.is_integer() { amount.to_i32() } else { None }
}

/// `P1Y2M3W4DT5H6M7.5S`, with a sign before it.
fn iso(text: &str) -> Option<Duration> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let body = text.strip_prefix('P')?;
    let (date, time) = match body.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (body, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = iso_parts(date, &[('Y', "year"), ('M', "month"), ('W', "week"), ('D', "day")])?;
    let total = days.checked_add(iso_parts(time, &[('H', "h"), ('M', "min"), ('S', "s")])?)?;
    if negative { total.checked_neg() } else { Some(total) }
}

/// Numbers with unit letters, each letter once and in order.
fn iso_parts(mut text: &str, units: &[(char, &str)]) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut units = units.iter();
    while !text.is_empty() {
        let digits = text.find(|c: char| !matches!(c, '0'..='9' | '.'))?;
        let letter = text.get(digits..)?.chars().next()?;
        let (_, unit) = units.find(|(candidate, _)| *candidate == letter)?;
        let amount = Decimal::from_str(text.get(..digits)?).ok()?;
        total = total.checked_add(part(amount, unit, false)?)?;
        text = text.get(digits + letter.len_utf8()..)?;
    }
    Some(total)
}

/// The canonical form: parts with their units, the largest first; it reads back as the same duration.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let plural = |amount: i64, unit: &str| format!("{amount} {unit}{}", if amount.abs() == 1 { "" } else { "s" });
        let months = i64::from(self.months);
        push(&mut parts, months / 12, |years| plural(years, "year"));
        push(&mut parts, months % 12, |months| plural(months, "month"));
        push(&mut parts, self.micros / DAY, |days| plural(days, "day"));
        push_clock(&mut parts, self.micros % DAY, "");
        push(&mut parts, i64::from(self.working_days), |days| plural(days, "working day"));
        push_clock(&mut parts, self.working_micros, "working ");
        if parts.is_empty() {
            return f.write_str("0 s");
        }
        f.write_str(&parts.join(" "))
    }
}

fn push(parts: &mut Vec<String>, amount: i64, show: impl Fn(i64) -> String) {
    if amount != 0 {
        parts.push(show(amount));
    }
}

fn push_clock(parts: &mut Vec<String>, micros: i64, prefix: &str) {
    push(parts, micros / HOUR, |hours| match (prefix, hours.abs()) {
        ("", _) => format!("{hours} h"),
        (_, 1) => format!("{hours} {prefix}hour"),
        _ => format!("{hours} {prefix}hours"),
    });
    push(parts, micros % HOUR / MINUTE, |minutes| format!("{minutes} {prefix}min"));
    push(parts, micros % MINUTE, |micros| {
        let seconds = Decimal::new(micros, 6).normalize();
        format!("{seconds} {prefix}s")
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print() {
        let cases = "
            5 min               | 5 min
            2 h                 | 2 h
            2h                  | 2 h
            14 days             | 14 days
            1 day               | 1 day
            3 weeks             | 21 days
            1.5 h               | 1 h 30 min
            90 s                | 1 min 30 s
            1 day 12 h          | 1 day 12 h
            2 working days      | 2 working days
            1 working day       | 1 working day
            4 working hours     | 4 working hours
            90 working min      | 1 working hour 30 working min
            1 month             | 1 month
            18 months           | 1 year 6 months
            0 s                 | 0 s
            -2 days             | -2 days
            PT5M                | 5 min
            P14D                | 14 days
            P1M                 | 1 month
            P1Y2M3DT4H5M6.25S   | 1 year 2 months 3 days 4 h 5 min 6.25 s
            -PT1H               | -1 h
            P2W                 | 14 days
            5                   | error
            5 apples            | error
            1.5 working days    | error
            half an hour        | error
            P                   | error
            PT                  | error
            P1H                 | error
            PT1M1H              | error
            99999999999999 days | error
            min                 | error
                                | error
        ";
        for line in cases.trim_matches('\n').lines().filter(|line| line.contains('|')) {
            let (text, shown) = line.split_once('|').map(|(a, b)| (a.trim(), b.trim())).unwrap();
            match Duration::parse(text) {
                Ok(read) => {
                    assert_eq!(read.to_string(), shown, "{text}");
                    assert_eq!(Duration::parse(shown).as_ref(), Ok(&read), "{text}");
                }
                Err(_) => assert_eq!(shown, "error", "{text}"),
            }
        }
    }

    #[test]
    fn thirty_months_are_doubted() {
        assert!(Duration::doubt("P30M").is_some_and(|text| text.contains("PT30M")));
        assert!(Duration::doubt("P5M").is_some() && Duration::doubt("P15M").is_some());
        assert_eq!([Duration::doubt("P1M"), Duration::doubt("PT30M"), Duration::doubt("P12M")], [None, None, None]);
    }

    #[test]
    fn months_and_days_do_not_compare() {
        assert_eq!(Duration::months(1).compare(&Duration::days(30)), None);
        assert_eq!(Duration::days(2).compare(&Duration::days(1)), Some(Ordering::Greater));
    }

    proptest::proptest! {
        #[test]
        fn every_duration_reads_back(months in -9000i32..9000, micros: i64, days in -9000i32..9000, working in -DAY..DAY) {
            let duration = Duration { months, micros, working_days: days, working_micros: working };
            proptest::prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = Duration::parse(&text);
        }
    }
}
