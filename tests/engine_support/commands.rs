//! Commands: each once, however often it is sent, in whole or not at all; bounded, and never from within.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stageflow::Engine;
use stageflow::engine::Limits;
use stageflow::instance::{Command, Id};
use stageflow::model::Value;
use stageflow::store::{JournalOf, MemoryStore, SqliteStore};

use crate::kit::*;

#[test]
fn a_command_sent_again_is_answered_from_memory_and_another_under_its_id_is_refused() {
    in_the_shop(|engine| {
        let (order, id) = (order(engine, "kettle"), Id::from_u128(42));
        let anna = engine.user("anna").command(id);
        let run = anna.start("weigh").about(&order).run().unwrap();
        assert_eq!(anna.start("weigh").about(&order).run().unwrap(), run, "not refused as already running");
        let rows = engine.journal(&JournalOf::Instance(run), 0, 100).unwrap();
        assert_eq!(rows.len(), 1, "nothing was done twice");
        let others = [
            anna.start("care").about(&order).run().unwrap_err(),
            engine.user("bert").command(id).start("weigh").about(&order).run().unwrap_err(),
        ];
        assert_eq!(others.map(|error| error.code().to_string()), ["command_reused", "command_reused"]);
    });
}

#[test]
fn many_commands_may_be_in_flight_and_one_that_is_refused_hurts_no_other() {
    in_the_shop(|engine| {
        let orders: Vec<_> = (0..20).map(|at| order(engine, &format!("pan {at}"))).collect();
        // Each twice: the second of them meets the first.
        let both = orders.iter().chain(&orders);
        let tickets: Vec<_> =
            both.map(|order| engine.user("anna").start("weigh").about(order).submit().unwrap()).collect();
        let told: Vec<_> =
            tickets.into_iter().map(|ticket| ticket.wait_for(Duration::from_secs(20)).unwrap()).collect();
        let (first, second) = told.split_at(20);
        assert!(first.iter().all(Result::is_ok));
        assert!(second.iter().all(|told| told.as_ref().is_err_and(|error| error.code() == "already_running")));
    });
}

#[test]
fn records_made_and_changed_by_hand_start_what_waits_for_it_in_the_same_commit() {
    in_the_shop(|engine| {
        let order = order(engine, "kettle");
        engine.system().update(&order, [("price", number(3))]).unwrap();
        engine.settle().unwrap();
        assert_eq!(column(engine, &order, "note"), "has a price");
        let refused = engine.system().update(&order, [("weight", number(-3)), ("price", number(4))]).unwrap_err();
        assert_eq!((refused.code(), refused.is_refused()), ("weightless", true));
        assert_eq!(column(engine, &order, "price"), "3", "all of it or nothing");
        let refused = engine.system().create("order", NOTHING).unwrap_err();
        assert!(refused.to_string().contains("what"), "{refused}");
        // A record of the past: the rules hold, but nothing follows.
        let (target, set) = (order.clone(), [("price".into(), number(5)), ("note".into(), Value::text("old"))].into());
        engine.system().import(stageflow::entity::Wish::Update { target, set }).unwrap();
        engine.settle().unwrap();
        assert_eq!(column(engine, &order, "note"), "old");
        let run = engine.system().start("care").about(&order).run().unwrap();
        engine.system().delete(&order).unwrap();
        engine.settle().unwrap();
        assert_eq!(engine.record(&order).unwrap(), None);
        assert_eq!(engine.instance(run).unwrap().status, stageflow::instance::Status::Canceled);
    });
}

#[test]
fn a_full_queue_says_when_to_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("shop.db")).unwrap();
    let mut limits = Limits::default();
    limits.queue = 2;
    let engine = shop().store(store).limits(limits).build().unwrap();
    // The writer waits for the host: what comes meanwhile stays in the queue.
    let (gate, held) = (Arc::new(Mutex::new(())), Seen::default());
    let shut = gate.lock().unwrap();
    let (waits, begun) = (gate.clone(), held.clone());
    let slow = engine.system().alongside(move |_| {
        begun.add("begun");
        drop(waits.lock());
        Ok(())
    });
    let signal = || Command::Signal("holiday".into(), values([("name", Value::text("May Day"))]));
    let mut tickets = vec![slow.submit(signal(), None).unwrap()];
    while held.take().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    tickets.extend((0..2).map(|_| engine.system().submit(signal(), None).unwrap()));
    let full = engine.system().submit(signal(), None).unwrap_err();
    assert!(matches!(full, stageflow::Error::Overloaded { retry_after_ms: 1.. }), "{full}");
    assert!(full.is_retryable());
    drop(shut);
    tickets.into_iter().for_each(|ticket| drop(ticket.wait().unwrap()));
    engine.system().signal("holiday", NOTHING).expect("there is room again");
}

#[test]
fn the_host_joins_a_command_or_refuses_it() {
    in_the_shop(|engine| {
        let (order, run) = run(engine, "weigh", "kettle");
        let task = task(engine, run).id;
        let complete = |session: stageflow::engine::Session<'_>| session.complete(task, Some("gone"), NOTHING);
        let seen = Seen::default();
        let told = seen.clone();
        let again = order.clone();
        let refusals = [
            (engine.user("anna").alongside(|_| Err("the books are closed".into())), "the books are closed"),
            (engine.user("anna").alongside(|_| panic!("the books burn")), "the books burn"),
        ];
        for (session, why) in refusals {
            let refused = complete(session).unwrap_err();
            assert!(refused.code() == "host_refused" && refused.to_string().contains(why), "{refused}");
            assert_eq!(column(engine, &order, "stage"), "open");
        }
        let session = engine.user("anna").command(Id::from_u128(5)).alongside(move |tx| {
            // It sees what the command did, before anybody else.
            told.add(tx.record(&again)?.map_or(Value::NULL, |row| row.get(&"stage".into())).to_string());
            Ok(())
        });
        complete(session.clone()).unwrap();
        complete(session).unwrap();
        assert_eq!(seen.take(), ["lost"], "once");
        assert_eq!(column(engine, &order, "stage"), "lost");
    });
}

/// The engine that a handler gets at.
#[derive(Clone, Default)]
struct Within(Arc<Mutex<Option<Engine>>>);

impl Within {
    /// What the engine says to whoever calls it from within.
    fn call(&self) -> String {
        let Some(engine) = self.0.lock().unwrap().clone() else { return "closed".into() };
        let told = [
            engine.system().create("order", [("what", Value::text("pan"))]).map(|_| ()),
            engine.records(&stageflow::entity::Query::all("order".into())).map(|_| ()),
            engine.settle(),
            engine.work().map(|_| ()),
        ];
        told.map(|told| told.map_or_else(|error| error.code().to_string(), |()| "done".into())).join(" ")
    }
}

#[test]
fn the_engine_is_not_called_from_within_a_turn() {
    let within = Within::default();
    let handler = within.clone();
    let price = move |_: &_| Err(stageflow::engine::ServiceError::Broke(handler.call()));
    everywhere(
        |builder| builder.inside("price", price.clone()),
        |engine| {
            *within.0.lock().unwrap() = Some(engine.clone());
            run(engine, "quote", "kettle");
            let told = incident(engine).message;
            assert!(told.contains("reentrant reentrant reentrant reentrant"), "{told}");
            let host = within.clone();
            let refused = engine.system().alongside(move |_| Err(host.call().into())).signal("holiday", NOTHING);
            assert!(refused.unwrap_err().to_string().contains("reentrant reentrant reentrant reentrant"));
            *within.0.lock().unwrap() = None;
        },
    );
}

#[test]
fn what_is_too_large_is_refused_by_its_limit() {
    let mut limits = Limits::default();
    limits.variable_bytes = 10_000;
    let mut sources = sources();
    sources.add("keep.yaml", "process: keep\nparams: {text: text}\nsteps: [{wait: 1 day}]\n");
    let store = MemoryStore::at(nine());
    let engine = shop().sources(sources).store(store).limits(limits).build().unwrap();
    let start = |length: usize| engine.system().start("keep").with("text", Value::text("x".repeat(length))).run();
    assert_eq!(start(20_000).unwrap_err().code(), "too_many_variables");
    start(5_000).unwrap();
}
