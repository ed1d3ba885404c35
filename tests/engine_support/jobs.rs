//! Services: inside the turn and outside of it, tried again, fenced, and harmless to everybody else when they break.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use stageflow::Engine;
use stageflow::engine::{Pace, ServiceCall, ServiceError};
use stageflow::instance::{Id, Status};
use stageflow::model::Value;

use crate::kit::*;

#[test]
fn an_inside_handler_is_part_of_the_turn() {
    in_the_shop(|engine| {
        let order = order(engine, "kettle");
        let answer = engine.system().start("quote").about(&order).run_answer().unwrap();
        // No work was run: the answer is in the commit of the start.
        assert_eq!((column(engine, &order, "price").as_str(), answer.incidents), ("7", vec![]));
        assert_eq!(engine.instance(answer.instance.unwrap().0).unwrap().status, Status::Completed);
    });
}

#[test]
fn an_inside_handler_that_breaks_or_panics_is_an_incident_of_its_step_and_can_be_retried() {
    for panics in [false, true] {
        let broken = Arc::new(AtomicU32::new(1));
        let handler = broken.clone();
        let price = move |_: &_| match handler.load(Ordering::SeqCst) {
            0 => Ok(values([("price", number(9))])),
            _ if panics => panic!("no list of prices"),
            _ => Err(ServiceError::Broke("no list of prices".into())),
        };
        everywhere(
            |builder| builder.inside("price", price.clone()),
            |engine| {
                broken.store(1, Ordering::SeqCst);
                let (order, run) = run(engine, "quote", "kettle");
                let found = incident(engine);
                assert_eq!(
                    (&*found.code, &*found.step, found.record),
                    ("service_failed", "quote", Some(order.clone()))
                );
                assert!(found.message.contains("no list of prices"), "{}", found.message);
                broken.store(0, Ordering::SeqCst);
                engine.system().retry(run, found.id).unwrap();
                assert_eq!(column(engine, &order, "price"), "9");
                assert_eq!(engine.incidents().unwrap(), vec![]);
            },
        );
    }
}

#[test]
fn outside_work_runs_after_the_commit_and_is_tried_again_under_one_key_with_longer_pauses() {
    let seen = Seen::default();
    let told = seen.clone();
    let post = move |call: &ServiceCall| {
        told.add(format!("{} {}", call.attempt, call.idempotency_key));
        if call.attempt < 3 { Err("the line is dead".parse::<u32>().unwrap_err().into()) } else { Ok(posted(call)) }
    };
    with_the_post(post, |engine| {
        let (order, _) = run(engine, "send", "kettle");
        assert_eq!(seen.take(), Vec::<String>::new(), "nothing happens before the commit");
        let mut asked = Vec::new();
        for (seconds, so_far) in [(0, 1), (8, 1), (2, 2), (26, 2), (4, 3)] {
            engine.advance(TimeDelta::seconds(seconds)).unwrap();
            asked.extend(seen.take());
            assert_eq!(asked.len(), so_far, "{seconds} s later");
        }
        let (_, key) = asked[0].split_once(' ').unwrap();
        assert_eq!(asked, [1, 2, 3].map(|attempt| format!("{attempt} {key}")));
        assert_eq!(["parcel", "stage"].map(|name| column(engine, &order, name)), ["kettle 3", "sent"]);
    });
}

#[test]
fn when_the_retries_are_used_up_it_is_an_incident_and_another_attempt_has_the_same_key() {
    let (seen, broken) = (Seen::default(), Arc::new(AtomicU32::new(1)));
    let (told, handler) = (seen.clone(), broken.clone());
    let post = move |call: &ServiceCall| {
        told.add(call.idempotency_key.to_string());
        match handler.load(Ordering::SeqCst) {
            0 => Ok(posted(call)),
            1 => Err(ServiceError::Broke("the line is dead".into())),
            _ => panic!("the post is on fire"),
        }
    };
    with_the_post(post, |engine| {
        for (how, says) in [(1, "the line is dead"), (2, "the post is on fire")] {
            broken.store(how, Ordering::SeqCst);
            let (order, run) = run(engine, "send", says);
            engine.advance(TimeDelta::hours(1)).unwrap();
            assert_eq!(seen.take().len(), 3);
            let found = incident(engine);
            assert_eq!((&*found.code, &*found.step, found.instance), ("service_failed", "post", run));
            assert!(found.message.contains(says), "{}", found.message);
            // The others go on meanwhile.
            let (other, _) = crate::kit::run(engine, "quote", &format!("beside {how}"));
            assert_eq!(column(engine, &other, "price"), "7");
            broken.store(0, Ordering::SeqCst);
            engine.system().retry(run, found.id).unwrap();
            engine.work().unwrap();
            assert_eq!(column(engine, &order, "stage"), "sent");
            assert_eq!(engine.incidents().unwrap(), vec![]);
            seen.take();
        }
    });
}

#[test]
fn what_a_service_raises_is_not_tried_again() {
    with_the_post(
        |_| Err(ServiceError::raise("too_heavy")),
        |engine| {
            let (order, run) = run(engine, "send", "anvil");
            engine.work().unwrap();
            let found = incident(engine);
            assert_eq!((&*found.code, found.instance), ("too_heavy", run));
            // Somebody carries it there: the step counts as done.
            engine.system().resolve(run, found.id, None, NOTHING).unwrap();
            assert_eq!(column(engine, &order, "stage"), "sent");
        },
    );
}

/// Without a post of its own: its jobs are claimed from elsewhere.
fn with_a_post_elsewhere(test: impl Fn(&Engine)) {
    let price = |_: &_| Ok(values([("price", number(7))]));
    everywhere(|_| Engine::builder().sources(sources()).inside("price", price).remote("post"), test);
}

#[test]
fn workers_elsewhere_lease_jobs_and_the_result_of_a_lost_lease_is_refused() {
    with_a_post_elsewhere(|engine| {
        let (order, _) = run(engine, "send", "kettle");
        engine.work().unwrap();
        let first = engine.claim_jobs(&["post"], 9).unwrap().remove(0);
        assert_eq!((first.call.text("what"), first.until), ("kettle".into(), nine() + TimeDelta::seconds(30)));
        assert_eq!(engine.claim_jobs(&["post"], 9).unwrap().len(), 0, "it is leased");
        // A heartbeat keeps it.
        engine.advance(TimeDelta::seconds(20)).unwrap();
        engine.extend_job(&first).unwrap();
        engine.advance(TimeDelta::seconds(20)).unwrap();
        assert_eq!(engine.claim_jobs(&["post"], 9).unwrap().len(), 0, "the lease was made longer");
        // The worker vanishes: somebody else gets the job, under the same key.
        engine.advance(TimeDelta::seconds(31)).unwrap();
        let second = engine.claim_jobs(&["post"], 9).unwrap().remove(0);
        assert_eq!(second.call.idempotency_key, first.call.idempotency_key);
        let late = [
            engine.complete_job(&first, Ok(posted(&first.call))),
            engine.fail_job(&first, "too late"),
            engine.extend_job(&first),
        ];
        assert_eq!(late.map(|told| told.unwrap_err().code().to_string()), ["fenced", "fenced", "fenced"]);
        engine.complete_job(&second, Ok(values([("parcel", Value::text("P7"))]))).unwrap();
        assert_eq!(["parcel", "stage"].map(|name| column(engine, &order, name)), ["P7", "sent"]);
        assert_eq!(engine.complete_job(&second, Ok(values([]))).unwrap_err().code(), "fenced", "once is enough");
    });
}

#[test]
fn a_job_whose_run_was_canceled_is_withdrawn() {
    in_the_shop(|engine| {
        let (order, run) = run(engine, "send", "kettle");
        let job = engine.claim_jobs(&["post"], 1).unwrap().remove(0);
        engine.system().cancel(run).unwrap();
        assert_eq!(engine.complete_job(&job, Ok(posted(&job.call))).unwrap_err().code(), "fenced");
        assert_eq!(engine.instance(run).unwrap().status, Status::Canceled);
        assert_eq!(["parcel", "stage"].map(|name| column(engine, &order, name)), ["null", "open"]);
    });
}

#[test]
fn what_takes_longer_than_its_time_has_failed_though_its_worker_lives() {
    with_a_post_elsewhere(|engine| {
        let (_, run) = run(engine, "send", "kettle");
        let mut now = TimeDelta::zero();
        for pause in [10, 30, 0] {
            let job = engine.claim_jobs(&["post"], 1).unwrap().remove(0);
            let begun = now;
            while now - begun < TimeDelta::minutes(5) {
                engine.extend_job(&job).unwrap();
                engine.advance(TimeDelta::seconds(20)).unwrap();
                now += TimeDelta::seconds(20);
            }
            // Whoever asks next finds out.
            assert_eq!(engine.claim_jobs(&["post"], 1).unwrap().len(), 0);
            assert_eq!(engine.complete_job(&job, Ok(posted(&job.call))).unwrap_err().code(), "fenced");
            engine.advance(TimeDelta::seconds(pause)).unwrap();
            now += TimeDelta::seconds(pause);
        }
        let found = incident(engine);
        assert_eq!((&*found.code, found.instance), ("timeout", run));
    });
}

#[test]
fn in_the_background_jobs_and_timers_run_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let store = stageflow::store::SqliteStore::open(folder.path().join("shop.db")).unwrap();
    let engine = shop().store(store).build().unwrap();
    let ended = engine.subscribe(|event| matches!(event, stageflow::engine::Event::Ended { .. }));
    let background = engine.background(Pace::default()).unwrap();
    let order = engine.system().create_as("order", "kettle", [("what", Value::text("kettle"))]).unwrap();
    let run: Id = engine.system().start("send").about(&order).run().unwrap();
    let told = ended.next_within(Duration::from_secs(20)).expect("it ends");
    assert!(matches!(told.event, stageflow::engine::Event::Ended { instance, .. } if instance == run));
    drop(background);
    assert_eq!(column(&engine, &order, "stage"), "sent");
}
