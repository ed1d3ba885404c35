//! A file of every released format: it opens with today's engine, everything in it is read, and what stands in it goes on to its end.
//!
//! `MAKE_GOLDEN=1 cargo test --test stores makes_the_golden_file` writes the file of the present format anew. A released one is never
//! written again: then the next format gets a file and a line in `FORMATS`.

use std::path::Path;

use chrono::TimeDelta;
use rusqlite::Connection;
use stageflow::Engine;
use stageflow::entity::Query;
use stageflow::instance::Id;
use stageflow::instance::rows::Values;
use stageflow::load::Sources;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::{InstanceFilter, JournalOf, SqliteStore, TaskFilter};

use crate::file;
use crate::kit::*;

const FORMATS: &[&str] = &["tests/golden/v1.db"];

const DEPOT: &str = "
library: depot
title: Depot
languages: [en]
roles: {clerk: {}, administrator: {all: true}}
entities:
  user: {fields: {name: text, roles: list(text)}}
  order:
    fields: {what: required text, owner: ref(user), price: number, paid: number, grams: number}
    stages:
      field: stage
      initial: open
      values: {open: {title: Open, position: 1}, packed: {title: Packed, position: 2}, sent: {title: Sent, position: 3, final: success}}
      history: {skipped: true}
services: {weigh: {with: {what: text}, returns: {grams: number}}}
messages: {paid: {key: ref(order), with: {amount: number}, ttl: 30 days, external: true}}
errors: {no_price: {title: There is no price}}
settings: {limit: {type: number, initial: 5}}
";

const PACKING: &str = "
process: packing
version: 1
title: Packing
entity: order
one_per: self
tasks: {assign: self.owner}
start: [{manual: {}}]
vars: {grams: number}
steps:
  - parallel:
      packs:
        - id: pack
          user_task: Pack the parcel
          outcomes: {packed: {stage: self -> packed}}
      pauses:
        - id: pause
          wait: 3 days
      weighs:
        - id: weigh_it
          service: weigh
          with: {what: self.what}
          take: {grams: grams}
        - set: {self.grams: grams}
      pays:
        - id: payment
          receive: paid
          key: self
          take: {self.paid: message.amount}
      prices:
        - id: need_price
          if: self.price = null
          incident: no_price
          ways_out: {free: {title: For free, steps: [{set: {self.price: '0'}}]}}
  - id: send_it
    stage: self -> sent
";

fn order(id: &str) -> Ref {
    Ref::new("order", id)
}

/// An engine without sources: it takes the definitions that are in the file.
fn engine(store: SqliteStore) -> Engine {
    Engine::builder().store(store).remote_services().build().expect("an engine")
}

/// Orders `done` and `parked`: the first was sent, the other one's run stands at everything that a run can stand at.
fn fill(engine: &Engine) {
    let host = engine.system();
    host.command(known())
        .create_as("user", "anna", [("name", "Anna".into()), ("roles", Value::list(["clerk".into()]))])
        .expect("a user");
    host.set_setting("limit", Value::from(7_i64)).expect("a setting");
    for id in ["done", "parked"] {
        let owner = Value::Ref(Ref::new("user", "anna"));
        let price = if id == "done" { Value::from(12_i64) } else { Value::NULL };
        host.create_as("order", id, [("what", "Lamp".into()), ("owner", owner), ("price", price)]).expect("an order");
        engine.user("anna").start("packing").about(&order(id)).run().expect("a run");
        if id == "done" {
            go_on(engine, id);
        }
    }
    host.publish("paid", Value::Ref(order("later")), [("amount", Value::from(3_i64))]).expect("a message that is kept");
    engine.acknowledge("mail", 4).expect("a cursor");
}

/// Everything that the run about an order waits for comes.
fn go_on(engine: &Engine, id: &str) {
    let task = engine.tasks(&TaskFilter { record: Some(order(id)), ..TaskFilter::default() }).expect("tasks")[0].id;
    engine.user("anna").complete::<&str>(task, Some("packed"), []).expect("the task is completed");
    let jobs = engine.claim_jobs(&["weigh"], 9).expect("jobs");
    assert_eq!(jobs.len(), 1);
    let weighed = Values::from([(Name::new("grams"), Value::from(450_i64))]);
    engine.complete_job(&jobs[0], Ok(weighed)).expect("the job is done");
    engine.system().publish("paid", Value::Ref(order(id)), [("amount", Value::from(12_i64))]).expect("a message");
    for incident in engine.incidents().expect("incidents") {
        let way = Some("free");
        engine.system().resolve::<&str>(incident.instance, incident.id, way, []).expect("the incident is resolved");
    }
    assert_eq!(engine.advance(TimeDelta::days(3)).expect("time goes").timers, 1);
}

/// Writes the file of the present format, in small pages, when it is asked to.
#[test]
fn makes_the_golden_file() {
    if std::env::var_os("MAKE_GOLDEN").is_none() {
        return;
    }
    let path = Path::new(FORMATS[FORMATS.len() - 1]);
    let _not_there = std::fs::remove_file(path);
    let mut sources = Sources::new();
    sources.add("depot.yaml", DEPOT);
    sources.add("packing.yaml", PACKING);
    let builder = Engine::builder().store(file::open(path)).sources(sources).counted_ids(1).remote_services();
    let engine = builder.build().expect("an engine");
    fill(&engine);
    drop(engine);
    let small = "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM;";
    Connection::open(path).and_then(|file| file.execute_batch(small)).expect("a smaller file");
    std::fs::remove_file(path.with_extension("db.lock")).expect("its lock");
}

#[test]
fn a_file_of_every_format_opens_and_goes_on() {
    for format in FORMATS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("copy.db");
        std::fs::copy(format, &path).expect("the file is there");
        let told = everything_else(&engine(file::open(&path)));
        assert_eq!(told, everything_else(&engine(file::open(&path))), "opening it changes nothing");
        told_of_v1().assert_eq(&told);
        let engine = engine(file::open(&path));
        go_on(&engine, "parked");
        after_it_went_on(&engine);
        drop(engine);
        assert!(everything(&file::open(&path)).contains("Sent"), "and it is in the file");
    }
}

fn after_it_went_on(engine: &Engine) {
    let columns = ["stage", "grams", "paid", "price"]
        .map(|column| engine.value(&order("parked"), column).expect("a value").to_string());
    assert_eq!(columns, ["sent", "450", "12", "0"]);
    let runs = engine.instances(&InstanceFilter::default()).expect("runs");
    assert!(runs.iter().all(|run| run.status == stageflow::instance::Status::Completed));
    let left =
        (engine.tasks(&TaskFilter::default()).expect("tasks").len(), engine.incidents().expect("incidents").len());
    assert_eq!((left, engine.next_due().expect("an instant")), ((0, 0), None));
    engine.system().start("packing").about(&order("done")).run().expect("the stored definition starts new runs");
}

/// What the engine says of a file.
fn everything_else(engine: &Engine) -> String {
    let mut said = Vec::new();
    let show = |row: Option<Ref>| row.map_or("nothing".into(), |row| row.to_string());
    let runs = engine.instances(&InstanceFilter::default()).expect("runs");
    for run in &runs {
        said.push(format!(
            "run {} v{} about {}: {:?}, {} incidents",
            run.process,
            run.version,
            show(run.record.clone()),
            run.status,
            run.incidents
        ));
        let history = engine.history(run.id).expect("a history");
        said.push(format!("  its history has {} lines", history.len()));
    }
    let tasks = engine.tasks(&TaskFilter::default()).expect("tasks");
    said.extend(tasks.iter().map(|task| {
        format!("task {} of {} about {}", task.step, show(task.assignee.clone()), show(task.record.clone()))
    }));
    let incidents = engine.incidents().expect("incidents");
    said.extend(incidents.iter().map(|found| format!("incident {} at {}: {}", found.code, found.step, found.message)));
    ask(engine.store(), |reader| {
        let due = reader.due_timers(at(1_000_000_000), 9)?;
        said.extend(due.iter().map(|(due, _, _)| format!("timer due {due}")));
        said.push(format!("job waiting: {}", reader.has_jobs(&claim(1_000_000_000, 2_000_000_000, 1))?));
        let kept = reader.kept_messages("paid", "later", at(0))?;
        said.push(format!("kept messages: {}, listeners: {}", kept.len(), reader.listeners(&paid())?.len()));
        let texts = reader.deployments()?;
        said.extend(
            texts
                .iter()
                .map(|text| format!("text {} v{}: {}, {} bytes", text.name, text.version, text.file, text.text.len())),
        );
        said.push(format!(
            "cursor of mail: {}, clock ahead {} s",
            reader.cursor("mail")?,
            reader.clock_offset()? / 1_000_000
        ));
        said.push(format!("command seen: {}", reader.seen(known())?.is_some()));
        Ok(())
    });
    said.push(format!("setting limit: {}", engine.setting("limit").expect("a setting")));
    for entity in ["user", "order", "order_history"] {
        for record in engine.records(&Query::all(Name::new(entity))).expect("records") {
            let id = if entity == "order_history" { "#" } else { record.id.as_str() };
            let values = record.values.iter().map(|(column, value)| format!(" {column}={value}"));
            said.push(format!("{entity} {id} rev {}:{}", record.rev, values.collect::<String>()));
        }
    }
    let outbox = engine.outbox("mail", 100).expect("the outbox");
    let journal = engine.journal(&JournalOf::All, 0, 100).expect("the journal");
    said.push(format!("outbox: {} of {} rows", outbox.len(), journal.len()));
    for told in engine.transitions(0, 100).expect("transitions") {
        said.push(format!("transition {}: {} -> {}", told.record, told.from.as_deref().unwrap_or("(new)"), &*told.to));
    }
    said.join("\n")
}

/// A command that whoever sent it may send again.
fn known() -> Id {
    Id::from_u128(77 << 64)
}

fn paid() -> stageflow::instance::Topic {
    stageflow::instance::Topic::message("paid", "parked")
}

fn told_of_v1() -> expect_test::Expect {
    expect_test::expect![[r#"
        run packing v1 about order done: Completed, 0 incidents
          its history has 26 lines
        run packing v1 about order parked: Running, 1 incidents
          its history has 14 lines
        task pack of user anna about order parked
        incident no_price at need_price: There is no price
        timer due 2026-03-08 09:00:00 UTC
        job waiting: true
        kept messages: 1, listeners: 1
        text file:depot.yaml v0: depot.yaml, 725 bytes
        text packing v1: packing.yaml, 850 bytes
        text in force v0: , 28 bytes
        cursor of mail: 4, clock ahead 259200 s
        command seen: true
        setting limit: 7
        user anna rev 1: name=Anna roles=clerk
        order done rev 5: grams=450 owner=user anna paid=12 price=12 stage=sent what=Lamp
        order parked rev 1: owner=user anna stage=open what=Lamp
        order_history # rev 2: historical=false order=order done since=2026-03-02T09:00:00Z skipped=false stage=open until=2026-03-02T09:00:00Z
        order_history # rev 2: historical=false order=order done since=2026-03-02T09:00:00Z skipped=false stage=packed until=2026-03-05T09:00:00Z
        order_history # rev 1: historical=false order=order done since=2026-03-05T09:00:00Z skipped=false stage=sent
        order_history # rev 1: historical=false order=order parked since=2026-03-05T09:00:00Z skipped=false stage=open
        outbox: 9 of 13 rows
        transition order done: (new) -> open
        transition order done: open -> packed
        transition order done: packed -> sent
        transition order parked: (new) -> open"#]]
}
