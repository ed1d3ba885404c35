use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn berlin() -> Calendar {
    Calendar { zone: chrono_tz::Europe::Berlin, ..Calendar::default() }
}

/// The three occurrences after an instant.
fn next(schedule: &Schedule, from: DateTime<Utc>) -> String {
    let row = std::iter::successors(Some(from), |at| schedule.after(*at));
    row.skip(1).take(3).map(shown).collect::<Vec<_>>().join(" ")
}

fn table(cases: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = cases.lines().filter(|line| line.contains('|') && !line.trim_start().starts_with('#'));
    lines.map(|line| line.split('|').map(str::trim).collect())
}

#[test]
fn the_next_occurrences() {
    let cases = "
        # rule                         | last                 | the next three
        R/PT24H                        | 2026-03-02T09:00:00Z | 2026-03-03T09:00:00Z 2026-03-04T09:00:00Z 2026-03-05T09:00:00Z
        6 h                            | 2026-03-02T09:00:00Z | 2026-03-02T15:00:00Z 2026-03-02T21:00:00Z 2026-03-03T03:00:00Z
        R/2 working days               | 2026-03-05T09:00:00Z | 2026-03-09T09:00:00Z 2026-03-11T09:00:00Z 2026-03-13T09:00:00Z
        R/2026-01-01T09:00:00Z/P1D     | 2026-03-02T09:00:00Z | 2026-03-03T09:00:00Z 2026-03-04T09:00:00Z 2026-03-05T09:00:00Z
        R/2026-01-01T09:00:00Z/P1D     | 2025-03-02T09:00:00Z | 2026-01-01T09:00:00Z 2026-01-02T09:00:00Z 2026-01-03T09:00:00Z
        R/2026-01-31T09:00:00Z/P1M     | 2026-02-01T00:00:00Z | 2026-02-28T09:00:00Z 2026-03-31T08:00:00Z 2026-04-30T08:00:00Z
        R2/2026-01-01T09:00:00Z/P1D    | 2025-12-31T09:00:00Z | 2026-01-01T09:00:00Z 2026-01-02T09:00:00Z
        R2/2026-01-01T09:00:00Z/P1D    | 2026-01-02T09:00:00Z |
        R/2026-07-01T09:00:00/P1M      | 2026-03-02T09:00:00Z | 2026-07-01T07:00:00Z 2026-08-01T07:00:00Z 2026-09-01T07:00:00Z
        0 9 * * *                      | 2026-03-02T08:00:00Z | 2026-03-03T08:00:00Z 2026-03-04T08:00:00Z 2026-03-05T08:00:00Z
        0 9 * * *                      | 2026-03-02T07:59:59Z | 2026-03-02T08:00:00Z 2026-03-03T08:00:00Z 2026-03-04T08:00:00Z
        30 9,17 * * mon-fri            | 2026-03-06T08:30:00Z | 2026-03-06T16:30:00Z 2026-03-09T08:30:00Z 2026-03-09T16:30:00Z
        0 0 * * fri-mon                | 2026-03-05T12:00:00Z | 2026-03-05T23:00:00Z 2026-03-06T23:00:00Z 2026-03-07T23:00:00Z
        0 0 * * 7                      | 2026-03-05T12:00:00Z | 2026-03-07T23:00:00Z 2026-03-14T23:00:00Z 2026-03-21T23:00:00Z
        0 12 L * *                     | 2026-01-31T12:00:00Z | 2026-02-28T11:00:00Z 2026-03-31T10:00:00Z 2026-04-30T10:00:00Z
        0 12 1,l feb *                 | 2026-01-31T12:00:00Z | 2026-02-01T11:00:00Z 2026-02-28T11:00:00Z 2027-02-01T11:00:00Z
        0 12 13 * fri                  | 2026-03-10T12:00:00Z | 2026-03-13T11:00:00Z 2026-03-20T11:00:00Z 2026-03-27T11:00:00Z
        0 0 29 feb *                   | 2026-03-02T09:00:00Z | 2028-02-28T23:00:00Z 2032-02-28T23:00:00Z 2036-02-28T23:00:00Z
        */20 8-9 * * *                 | 2026-03-02T08:30:00Z | 2026-03-02T08:40:00Z 2026-03-03T07:00:00Z 2026-03-03T07:20:00Z
        5/30 23-0 * * *                | 2026-03-02T22:00:00Z | 2026-03-02T22:05:00Z 2026-03-02T22:35:00Z 2026-03-02T23:05:00Z
        # Berlin leaves 02:00-03:00 out on 29 March 2026: what it would have had comes at its end, once
        30 2 * * *                     | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z 2026-03-31T00:30:00Z
        0,30 2 * * *                   | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z 2026-03-30T00:00:00Z 2026-03-30T00:30:00Z
        0 2,3 * * *                    | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z 2026-03-30T00:00:00Z 2026-03-30T01:00:00Z
        30 * * * *                     | 2026-03-29T00:00:00Z | 2026-03-29T00:30:00Z 2026-03-29T01:30:00Z 2026-03-29T02:30:00Z
        # it has 02:00-03:00 twice on 25 October 2026: a time of the day comes once, every hour comes twice
        30 2 * * *                     | 2026-10-24T12:00:00Z | 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z 2026-10-27T01:30:00Z
        30 * * * *                     | 2026-10-25T00:00:00Z | 2026-10-25T00:30:00Z 2026-10-25T01:30:00Z 2026-10-25T02:30:00Z
        # a distance in days is 24 hours, whatever the clocks show
        R/P1D                          | 2026-03-28T08:00:00Z | 2026-03-29T08:00:00Z 2026-03-30T08:00:00Z 2026-03-31T08:00:00Z
    ";
    for cells in table(cases) {
        let schedule = Schedule::parse(cells[0], berlin()).unwrap();
        assert_eq!(next(&schedule, at(cells[1])), cells[2], "{} after {}", cells[0], cells[1]);
    }
}

#[test]
fn a_zone_without_midnight_and_one_without_a_day() {
    let cases = "
        Africa/Cairo | 0 0 * * * | 2026-04-23T12:00:00Z | 2026-04-23T22:00:00Z 2026-04-24T21:00:00Z 2026-04-25T21:00:00Z
        Pacific/Apia | 0 9 * * * | 2011-12-29T12:00:00Z | 2011-12-29T19:00:00Z 2011-12-30T10:00:00Z 2011-12-30T19:00:00Z
    ";
    for cells in table(cases) {
        let calendar = Calendar { zone: cells[0].parse().unwrap(), ..Calendar::default() };
        let schedule = Schedule::parse(cells[1], calendar).unwrap();
        assert_eq!(next(&schedule, at(cells[2])), cells[3], "{}", cells[0]);
    }
}

#[test]
fn days_that_are_not_worked_are_left_out() {
    let holidays = [NaiveDate::from_ymd_opt(2026, 3, 9).unwrap()].into();
    let office = Calendar { holidays, ..berlin() };
    let cases = "
        0 9 * * *                  | 2026-03-06T08:00:00Z | 2026-03-10T08:00:00Z 2026-03-11T08:00:00Z 2026-03-12T08:00:00Z
        R/PT24H                    | 2026-03-06T08:00:00Z | 2026-03-10T08:00:00Z 2026-03-11T08:00:00Z 2026-03-12T08:00:00Z
        R/2026-03-07T08:00:00Z/P1D | 2026-03-06T08:00:00Z | 2026-03-10T08:00:00Z 2026-03-11T08:00:00Z 2026-03-12T08:00:00Z
        0 9 * * sat                | 2026-03-06T08:00:00Z |
    ";
    for cells in table(cases) {
        let schedule = Schedule { working: true, ..Schedule::parse(cells[0], office.clone()).unwrap() };
        assert_eq!(next(&schedule, at(cells[1])), cells[2], "{}", cells[0]);
    }
}

#[test]
fn what_was_missed() {
    let cases = "
        # rule    | due                  | now                  | all                       | one                       | none
        R/PT24H   | 2026-03-02T09:00:00Z | 2026-03-02T09:00:00Z | true 2026-03-03T09:00:00Z | true 2026-03-03T09:00:00Z | true 2026-03-03T09:00:00Z
        R/PT24H   | 2026-03-02T09:00:00Z | 2026-03-02T10:00:00Z | true 2026-03-03T09:00:00Z | true 2026-03-03T09:00:00Z | false 2026-03-03T09:00:00Z
        R/PT24H   | 2026-03-02T09:00:00Z | 2026-03-05T09:00:00Z | true 2026-03-03T09:00:00Z | true 2026-03-06T09:00:00Z | false 2026-03-06T09:00:00Z
        R/PT1S    | 2016-03-02T09:00:00Z | 2026-03-05T09:00:00Z | true 2016-03-02T09:00:01Z | true 2026-03-05T09:00:01Z | false 2026-03-05T09:00:01Z
        R/P1M     | 2026-01-15T09:00:00Z | 2026-03-20T09:00:00Z | true 2026-02-15T09:00:00Z | true 2026-04-15T08:00:00Z | false 2026-04-15T08:00:00Z
        0 9 * * * | 2026-03-02T08:00:00Z | 2026-03-05T09:00:00Z | true 2026-03-03T08:00:00Z | true 2026-03-06T08:00:00Z | false 2026-03-06T08:00:00Z
    ";
    for cells in table(cases) {
        for (cell, catch_up) in [(3, CatchUp::All), (4, CatchUp::One), (5, CatchUp::Skip)] {
            let schedule = Schedule { catch_up, ..Schedule::parse(cells[0], berlin()).unwrap() };
            let (runs, next) = schedule.occurred(at(cells[1]), at(cells[2]));
            assert_eq!(format!("{runs} {}", shown(next.unwrap())), cells[cell], "{} {catch_up:?}", cells[0]);
        }
    }
}

#[test]
fn what_is_no_schedule() {
    let cases = "
        60 * * * *           | expected a minute from 0 to 59, found `60`
        0 9-25 * * *         | expected an hour from 0 to 23, found `9-25`
        0 9 0 * *            | expected a day of the month from 1 to 31, found `0`
        0 9 * tbd *          | expected a month from 1 to 12 or a name such as `jan`, found `tbd`
        0 9 * * 8            | expected a weekday from 0 to 7 or a name such as `sun`, found `8`
        */0 * * * *          | expected a minute from 0 to 59, found `*/0`
        , * * * *            | expected a minute from 0 to 59, found ``
        0 0 9 * * *          | expected five fields, found 6 in `0 0 9 * * *`
        every morning        | expected a repetition such as `R/PT24H`, or cron's `0 9 * * mon-fri`, found `every morning`
        R5/PT24H             | expected a repetition such as `R/PT24H`, or cron's `0 9 * * mon-fri`, found `R5/PT24H`
        R0/2026-01-01T09:00:00Z/P1D | expected a repetition such as `R/PT24H`, or cron's `0 9 * * mon-fri`, found `R0/2026-01-01T09:00:00Z/P1D`
        R/PT0S               | expected a repetition such as `R/PT24H`, or cron's `0 9 * * mon-fri`, found `R/PT0S`
    ";
    for cells in table(cases) {
        let wrong = Schedule::parse(cells[0], berlin()).unwrap_err();
        assert_eq!(format!("expected {}, found {}", wrong.expected, wrong.found), cells[1]);
    }
}

proptest::proptest! {
    #[test]
    fn occurrences_go_forward_and_are_those_of_any_start(seconds in 0i64..4_000_000_000, minute in 0u32..60, hour in 0u32..24) {
        let from = DateTime::from_timestamp(seconds, 0).unwrap();
        for rule in [format!("{minute} {hour} * * *"), format!("{minute} * * * mon-fri"), format!("*/7 {hour}-{hour} 1,15 * *")] {
            let schedule = Schedule::parse(&rule, berlin()).unwrap();
            let next = schedule.after(from).unwrap();
            proptest::prop_assert!(next > from);
            let between = from + (next - from) / 2;
            proptest::prop_assert_eq!(schedule.after(between), Some(next));
            proptest::prop_assert_eq!(schedule.first(next), Some(next));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[R0-9/*,a-zL -]{0,24}", seconds: i32) {
        if let Ok(schedule) = Schedule::parse(&text, berlin()) {
            let _ = schedule.occurred(DateTime::from_timestamp(i64::from(seconds), 0).unwrap(), DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        }
    }
}
