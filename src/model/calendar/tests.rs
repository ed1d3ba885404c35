use super::*;

/// Moscow, Monday to Friday, 09:00-18:00; 9 March 2026 (a Monday) is a holiday.
fn office() -> Calendar {
    let holidays = [NaiveDate::from_ymd_opt(2026, 3, 9).unwrap()].into();
    Calendar { zone: chrono_tz::Europe::Moscow, holidays, ..Calendar::default() }
}

#[test]
fn durations_are_added_by_the_calendar() {
    let cases = "
        # start (UTC)         | duration              | due (UTC)
        2026-03-06T10:00:00Z  | 5 min                 | 2026-03-06T10:05:00Z
        2026-03-06T10:00:00Z  | 1 working day         | 2026-03-10T10:00:00Z
        2026-03-06T10:00:00Z  | 2 working days        | 2026-03-11T10:00:00Z
        2026-03-07T10:00:00Z  | 1 working day         | 2026-03-10T10:00:00Z
        2026-03-10T10:00:00Z  | -1 working days       | 2026-03-06T10:00:00Z
        2026-03-06T14:00:00Z  | 4 working hours       | 2026-03-10T09:00:00Z
        2026-03-06T14:00:00Z  | 1 working hours       | 2026-03-06T15:00:00Z
        2026-03-06T03:00:00Z  | 1 working hours       | 2026-03-06T07:00:00Z
        2026-03-07T03:00:00Z  | 9 working hours       | 2026-03-10T15:00:00Z
        2026-03-10T07:00:00Z  | -2 working hours      | 2026-03-06T14:00:00Z
        2026-03-10T07:00:00Z  | 90 working hours      | 2026-03-24T07:00:00Z
        2026-01-31T10:00:00Z  | 1 month               | 2026-02-28T10:00:00Z
        2026-01-31T22:30:00Z  | 1 month               | 2026-02-28T22:30:00Z
        2026-03-02T09:00:00Z  | 1000 working days     | 2030-01-01T09:00:00Z
    ";
    for line in cases.lines().filter(|line| line.contains('|') && !line.contains('#')) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let start = cells[0].parse().unwrap();
        let due = office().add(start, &Duration::parse(cells[1]).unwrap()).unwrap();
        assert_eq!(due.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true), cells[2], "{line}");
    }
}

#[test]
fn the_end_of_a_day_and_its_zone() {
    let day = NaiveDate::from_ymd_opt(2026, 3, 6).unwrap();
    assert_eq!(office().end_of_day(day).unwrap().to_rfc3339(), "2026-03-06T15:00:00+00:00");
    let late = "2026-03-06T22:00:00Z".parse().unwrap();
    assert_eq!(office().day(late), NaiveDate::from_ymd_opt(2026, 3, 7).unwrap());
    let whole_day = Calendar { from: NaiveTime::MIN, to: NaiveTime::MIN, ..office() };
    assert_eq!(whole_day.end_of_day(day).unwrap().to_rfc3339(), "2026-03-06T21:00:00+00:00");
}

#[test]
fn an_hour_left_out_or_repeated_still_has_an_instant() {
    let berlin = Calendar { zone: chrono_tz::Europe::Berlin, ..Calendar::default() };
    let at = |text: &str| berlin.instant(text.parse().unwrap()).unwrap().to_rfc3339();
    assert_eq!(at("2026-03-29T02:30:00"), "2026-03-29T01:30:00+00:00");
    assert_eq!(at("2026-10-25T02:30:00"), "2026-10-25T00:30:00+00:00");
}

#[test]
fn a_calendar_without_working_days_adds_none() {
    let never = Calendar { days: [false; 7], ..Calendar::default() };
    let at = "2026-03-06T10:00:00Z".parse().unwrap();
    assert_eq!(never.add(at, &Duration::working_days(1)), None);
    assert_eq!(never.add(at, &Duration::parse("1 working hours").unwrap()), None);
    assert_eq!(never.add(at, &Duration::days(1)), "2026-03-07T10:00:00Z".parse().ok());
}

proptest::proptest! {
    #[test]
    fn adding_and_counting_agree(start in 0i64..20_000, count in -3000i32..3000) {
        let start = NaiveDate::default() + TimeDelta::days(start);
        let calendar = office();
        proptest::prop_assume!(calendar.is_working(start));
        let end = calendar.add_working_days(start, count).unwrap();
        proptest::prop_assert!(calendar.is_working(end));
        proptest::prop_assert_eq!(calendar.working_days_between(start, end), i64::from(count));
    }

    #[test]
    fn worked_time_agrees(start in 0i64..2_000_000_000, micros in 1i64..40_000_000_000_000) {
        let calendar = office();
        let start = DateTime::from_timestamp(start, 0).unwrap();
        let end = calendar.add_working_micros(start, micros).unwrap();
        proptest::prop_assert_eq!(calendar.working_micros_between(start, end), Some(micros));
        let back = calendar.add_working_micros(end, -micros).unwrap();
        proptest::prop_assert_eq!(calendar.working_micros_between(back, end), Some(micros));
    }

    #[test]
    fn nothing_panics(micros: i64, months: i32, days: i32, working: i64) {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let length = Duration { months, micros, working_days: days, working_micros: working };
        let _ = office().add(at, &length);
        let _ = office().add_to_date(at.date_naive(), &length);
    }
}
