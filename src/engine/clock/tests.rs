use super::*;
use crate::entity::Query;
use crate::store::sqlite::{Options, SqliteStore};

const LIBRARY: &str = "library: l\ntitle: L\nlanguages: [en]\nentities: {mark: {fields: {text: text}}}\n";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn process(version: u32, start: &str) -> String {
    format!(
        "process: p\nversion: {version}\ntitle: P\nstart:\n  - {start}\nsteps:\n  - create: mark\n    set: {{text: '\"x\"'}}\n"
    )
}

/// How many marks there are after the engine was closed until `now` and has done what was due.
fn marks_at(file: &std::path::Path, now: &str, process: &str) -> (usize, Option<DateTime<Utc>>) {
    let options = Options { clock: Some(at(now)), ..Options::default() };
    let store = SqliteStore::open_with(file, options).unwrap();
    let mut sources = crate::load::Sources::new();
    sources.add("l.yaml", LIBRARY);
    sources.add("p.yaml", process);
    let engine = Engine::builder().store(store).sources(sources).build().unwrap();
    engine.work().unwrap();
    (engine.records(&Query::all(Name::new("mark"))).unwrap().len(), engine.next_due().unwrap())
}

#[test]
fn after_a_downtime_it_is_caught_up_as_the_schedule_says() {
    for (start, marks, next) in [
        ("{schedule: R/PT24H}", 1, "2026-03-08T09:00:00Z"),
        ("{schedule: R/PT24H, catch_up: all}", 5, "2026-03-08T09:00:00Z"),
        ("{schedule: R/PT24H, catch_up: none}", 0, "2026-03-08T09:00:00Z"),
        ("{schedule: 30 11 * * mon-fri, zone: Europe/Moscow, catch_up: all}", 4, "2026-03-09T08:30:00Z"),
        ("{schedule: 30 11 * * mon-fri, zone: Europe/Moscow}", 1, "2026-03-09T08:30:00Z"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("l.db");
        assert_eq!(marks_at(&file, "2026-03-02T09:00:00Z", &process(1, start)).0, 0, "{start}");
        let found = marks_at(&file, "2026-03-07T10:00:00Z", &process(1, start));
        assert_eq!(found, (marks, Some(at(next))), "{start}");
    }
}

#[test]
fn repetitions_of_an_event_are_caught_up_with_as_it_says() {
    for (catch_up, marks) in [("one", 1), ("all", 5), ("none", 0)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("l.db");
        let process = format!(
            "process: p
start:
  - schedule: R1/2026-03-02T09:00:00Z/PT1H
steps:
  - group:
      - wait: 90 days
    boundary:
      - after: 1 day
        every: 1 day
        interrupt: false
        catch_up: {catch_up}
        steps:
          - create: mark
"
        );
        assert_eq!(marks_at(&file, "2026-03-02T09:00:00Z", &process).0, 0, "{catch_up}");
        let found = marks_at(&file, "2026-03-07T10:00:00Z", &process);
        assert_eq!(found, (marks, Some(at("2026-03-08T09:00:00Z"))), "{catch_up}");
    }
}

#[test]
fn by_the_clock_a_run_begins_for_each_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open_with(
        folder.path().join("l.db"),
        Options { clock: Some(at("2026-03-02T09:00:00Z")), ..Options::default() },
    )
    .unwrap();
    let mut sources = crate::load::Sources::new();
    sources.add("l.yaml", format!("{LIBRARY}settings: {{watched: {{type: list(ref(mark))}}}}\n"));
    let text = "process: p\nentity: mark\nstart:\n  - {schedule: 0 12 * * *, for: settings.watched}\nsteps:\n  - set: {self.text: '\"seen\"'}\n";
    sources.add("p.yaml", text);
    let engine = Engine::builder().store(store).sources(sources).build().unwrap();
    let marks = ["a", "b", "c"]
        .map(|id| engine.system().create_as("mark", id, [] as [(&str, crate::model::Value); 0]).unwrap());
    let watched = marks[..2].iter().cloned().map(crate::model::Value::Ref);
    engine.system().set_setting("watched", crate::model::Value::list(watched)).unwrap();
    engine.advance(TimeDelta::hours(4)).unwrap();
    let seen = marks.map(|mark| engine.value(&mark, "text").unwrap().to_string());
    assert_eq!(seen, ["seen", "seen", "null"]);
}

#[test]
fn a_schedule_that_is_gone_or_used_up_fires_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("l.db");
    let twice = "{schedule: R2/2026-03-02T12:00:00Z/PT1H, catch_up: all}";
    marks_at(&file, "2026-03-02T09:00:00Z", &process(1, twice));
    assert_eq!(marks_at(&file, "2026-03-02T18:00:00Z", &process(1, twice)), (2, None));
    let daily = process(2, "{schedule: R/PT24H}");
    assert_eq!(marks_at(&file, "2026-03-02T18:00:00Z", &daily), (2, Some(at("2026-03-03T18:00:00Z"))));
    let by_hand = process(3, "{manual: true}");
    assert_eq!(marks_at(&file, "2026-03-05T18:00:00Z", &by_hand), (2, None));
}

#[test]
fn an_occurrence_starts_one_run_however_many_threads_saw_it_due() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("l.db");
    let daily = process(1, "{schedule: R/PT24H}");
    marks_at(&file, "2026-03-02T09:00:00Z", &daily);
    let options = Options { clock: Some(at("2026-03-03T10:00:00Z")), ..Options::default() };
    let engine = Engine::builder().store(SqliteStore::open_with(&file, options).unwrap()).build().unwrap();
    let [due] = engine.read(|reader| reader.due_timers(engine.now(), 9)).unwrap()[..] else { panic!("one is due") };
    let tickets = [0; 3].map(|_| engine.fire(due).unwrap());
    tickets.into_iter().for_each(|ticket| drop(ticket.wait().unwrap()));
    engine.settle().unwrap();
    assert_eq!(engine.records(&Query::all(Name::new("mark"))).unwrap().len(), 1);
}
