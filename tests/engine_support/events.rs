//! Messages, signals and time come in; what happened goes out: at once to whoever listens, and for good to whoever reads.

use std::sync::Arc;

use chrono::TimeDelta;
use stageflow::engine::{Event, Observer, ServiceCall};
use stageflow::instance::command::Failure;
use stageflow::instance::{Id, Status};
use stageflow::model::Value;
use stageflow::store::{JournalRow, MemoryStore, SqliteStore};
use stageflow::turn::Delivery;

use crate::kit::*;

#[test]
fn a_message_goes_to_whoever_waits_by_its_key_and_the_answer_says_what_became_of_it() {
    in_the_shop(|engine| {
        let (order, run) = run(engine, "collect", "kettle");
        let other = crate::kit::order(engine, "pan");
        let pay = |order, amount| engine.system().publish("payment", Value::Ref(order), [("amount", number(amount))]);
        assert!(matches!(pay(order.clone(), 5).unwrap(), Delivery::Delivered(id) if id.0 == run));
        engine.settle().unwrap();
        assert_eq!(column(engine, &order, "paid"), "5");
        // Nobody waits for the other yet: it is kept for two days.
        let Delivery::Kept(until) = pay(other.clone(), 6).unwrap() else { panic!("it is kept") };
        assert_eq!(until, nine() + TimeDelta::days(2));
        engine.system().start("collect").about(&other).run().unwrap();
        engine.settle().unwrap();
        assert_eq!(column(engine, &other, "paid"), "6");
        assert_eq!(engine.system().publish("paymend", Value::NULL, NOTHING).unwrap_err().code(), "unknown");
    });
}

#[test]
fn a_signal_reaches_all_that_wait_for_it_now() {
    in_the_shop(|engine| {
        let resting = ["a", "b", "c"].map(|what| run(engine, "rest", what));
        engine.system().signal("holiday", [("name", Value::text("May Day"))]).unwrap();
        engine.settle().unwrap();
        for (order, run) in resting {
            assert_eq!(engine.instance(run).unwrap().status, Status::Completed);
            assert_eq!(column(engine, &order, "note"), "May Day");
        }
        let (_, late) = run(engine, "rest", "d");
        engine.settle().unwrap();
        assert_eq!(engine.instance(late).unwrap().status, Status::Running, "a signal is not kept");
        assert!(engine.system().signal("hollyday", NOTHING).is_err());
    });
}

#[test]
fn time_is_the_store_s_and_moved_by_hand() {
    in_the_shop(|engine| {
        let (order, run) = run(engine, "remind", "kettle");
        assert_eq!((engine.now(), engine.next_due().unwrap()), (nine(), Some(nine() + TimeDelta::days(2))));
        engine.advance(TimeDelta::hours(47)).unwrap();
        assert_eq!((column(engine, &order, "note").as_str(), engine.tick().unwrap()), ("null", 0));
        let worked = engine.advance(TimeDelta::days(30)).unwrap();
        assert_eq!(worked.timers, 1);
        assert_eq!(column(engine, &order, "note"), "reminded");
        // It fired at its own instant, not when somebody looked.
        let fired = engine.history(run).unwrap().into_iter().rfind(|entry| entry.kind == "timer").unwrap();
        assert_eq!(fired.at, nine() + TimeDelta::days(2));
        assert_eq!((engine.now(), engine.next_due().unwrap()), (nine() + TimeDelta::hours(47 + 720), None));
    });
}

#[test]
fn events_are_typed_and_told_after_their_commit() {
    in_the_shop(|engine| {
        let all = engine.subscribe(|_| true);
        let incidents = engine.subscribe(|event| matches!(event, Event::Incident { .. }));
        let (order, run) = run(engine, "weigh", "kettle");
        let task = task(engine, run).id;
        let id = Id::from_u128(9);
        assert!(engine.user("anna").complete(task, Some("weighed"), NOTHING).is_err(), "nothing is told of a refusal");
        engine.user("anna").command(id).complete(task, Some("gone"), NOTHING).unwrap();
        let told: Vec<_> = std::iter::from_fn(|| all.try_next()).collect();
        let words = told.iter().map(|told| match &told.event {
            Event::Record(note) => format!("{:?} {}", note.kind, note.record),
            Event::Started { process, version, record, .. } => {
                format!("{process} {version} {}", record.clone().unwrap())
            }
            Event::Task { task: opened, .. } if *opened == task => "task".into(),
            Event::Transition(told) => format!("{} -> {}", told.from_title.get("en"), told.to_title.get("en")),
            Event::Ended { instance, status } if *instance == run => format!("{status:?}"),
            other => format!("{other:?}"),
        });
        let words: Vec<String> = words.collect();
        let expected = [
            &format!("Created {order}"),
            " -> Open",
            &format!("weigh 1 {order}"),
            "task",
            "Completed",
            &format!("Updated {order}"),
            "Open -> Lost",
        ];
        assert_eq!(words, expected);
        let last = told.last().unwrap();
        assert_eq!((last.command, last.actor.clone()), (id, Some(user("anna"))));
        assert_eq!(incidents.try_next(), None);
    });
}

#[test]
fn the_outbox_gives_every_row_until_it_is_acknowledged_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let read = |engine: &stageflow::Engine, reader: &str| -> Vec<u64> {
        engine.outbox(reader, 100).unwrap().iter().map(|row| row.seq).collect()
    };
    let engine = shop().store(SqliteStore::open(&file).unwrap()).build().unwrap();
    let order = engine.system().create_as("order", "pan", [("what", Value::text("pan"))]).unwrap();
    engine.system().update(&order, [("note", Value::text("a"))]).unwrap();
    engine.system().update(&order, [("note", Value::text("b"))]).unwrap();
    let all = read(&engine, "mail");
    assert_eq!(read(&engine, "mail"), all, "at least once");
    // In order per record: each change carries the record's revision.
    let rows = engine.outbox("mail", 100).unwrap();
    let revisions: Vec<u64> = rows
        .iter()
        .flat_map(|row| &row.body.changes)
        .filter(|note| note.record == order)
        .map(|note| note.rev)
        .collect();
    assert!(revisions.len() == 3 && revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
    let [.., middle, last] = all.as_slice() else { panic!("three rows at least") };
    engine.acknowledge("mail", *middle).unwrap();
    drop(engine);
    let engine = shop().store(SqliteStore::open(&file).unwrap()).build().unwrap();
    assert_eq!(read(&engine, "mail"), [*last]);
    assert_eq!(read(&engine, "books"), all, "each reader has a place of its own");
}

/// Notes what it is told, and may break at it.
struct Watcher {
    seen: Seen,
    breaks: bool,
}

impl Observer for Watcher {
    fn committed(&self, row: &JournalRow) {
        self.seen.add(format!("committed {}", row.body.kind));
        assert!(!self.breaks, "the watcher broke");
    }

    fn refused(&self, _command: Id, error: &stageflow::Error) {
        self.seen.add(format!("refused {}", error.code()));
    }

    fn ran(&self, call: &ServiceCall, _took: std::time::Duration, failure: Option<&Failure>) {
        self.seen.add(format!("ran {} {} {}", call.service, call.attempt, failure.is_none()));
    }
}

#[test]
fn an_observer_is_told_of_everything_and_one_that_panics_harms_nobody() {
    let seen = Seen::default();
    let watch = |breaks| Arc::new(Watcher { seen: seen.clone(), breaks });
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteStore::open(folder.path().join("shop.db")).unwrap();
    for engine in [shop().store(MemoryStore::at(nine())), shop().store(file)].map(|builder| builder.build().unwrap()) {
        let order = engine.system().create("order", [("what", Value::text("pan"))]).unwrap();
        engine.observe(watch(true));
        engine.observe(watch(false));
        engine.system().start("send").about(&order).run().unwrap();
        engine.work().unwrap();
        assert!(engine.system().start("sned").run().is_err());
        let told = seen.take();
        let once = ["committed start", "ran post 1 true", "committed job done", "refused unknown"];
        assert_eq!(told, once.map(|word| [word, word]).concat());
    }
}
