//! Working days and hours. Pure: the instant always comes from outside.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

/// A calendar: what day it is, which days and hours are worked.
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
