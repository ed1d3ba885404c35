//! What follows from one command is bounded: how deep, and how much of what is not direct (S25).

use stageflow::engine::Limits;
use stageflow::instance::Status;
use stageflow::model::Value;
use stageflow::store::{InstanceFilter, MemoryStore};

use crate::kit::*;

/// Each change of a price raises it again, until it is a thousand.
const RAISE: &str = "process: raise
entity: order
start: [{event: order.updated, changed: [price], when: record.price < 1000}]
steps: [{set: {self.price: self.price + 1}}]
";

/// A change of one weight marks all others, which is looked at for each of them.
const MARK: &str = "process: mark
entity: order
start: [{event: order.updated, changed: [weight]}]
steps:
  - update: order
    where: what != self.what
    limit: 50
    set: {paid: 1}
";
const LOOK: &str = "process: look
entity: order
start: [{event: order.updated, changed: [paid]}]
steps: [{set: {self.parcel: '\"seen\"'}}]
";

fn with(processes: &[&str], limits: Limits) -> stageflow::Engine {
    let mut sources = sources();
    for (at, text) in processes.iter().enumerate() {
        sources.add(format!("more_{at}.yaml"), *text);
    }
    shop().sources(sources).limits(limits).store(MemoryStore::at(nine())).build().unwrap()
}

#[test]
fn reactions_that_follow_from_each_other_end_at_the_depth_and_undo_nothing() {
    let engine = with(&[RAISE], Limits::default());
    let order = engine.system().create("order", [("what", Value::text("pan"))]).unwrap();
    engine.system().update(&order, [("price", number(0))]).unwrap();
    engine.settle().unwrap();
    assert_eq!(column(&engine, &order, "price"), "32");
    let failed = engine.failed_reactions().unwrap();
    // The shop's own `watch` is the other that the last change would have started.
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|failed| failed.why.contains("more than 32 deep")), "{failed:?}");
    // Another command begins anew.
    engine.system().update(&order, [("price", number(990))]).unwrap();
    engine.settle().unwrap();
    assert_eq!((column(&engine, &order, "price").as_str(), engine.failed_reactions().unwrap().len()), ("1000", 2));
}

#[test]
fn what_is_not_direct_is_bounded_by_its_number_and_a_direct_fan_out_is_not() {
    let mut limits = Limits::default();
    limits.reactions_per_root = 10;
    let engine = with(&[MARK, LOOK], limits);
    for at in 0..15 {
        let set = [("what", Value::text(format!("pan {at}")))];
        let order = engine.system().create_as("order", &format!("o{at}"), set).unwrap();
        engine.system().start("rest").about(&order).run().unwrap();
    }
    let all = |status| engine.instances(&InstanceFilter { status: Some(status), ..InstanceFilter::default() }).unwrap();
    engine.system().signal("holiday", [("name", Value::text("May Day"))]).unwrap();
    engine.settle().unwrap();
    assert_eq!((all(Status::Running).len(), all(Status::Completed).len()), (0, 15), "a direct fan-out");

    engine.system().update(&stageflow::model::Ref::new("order", "o0"), [("weight", number(1))]).unwrap();
    engine.settle().unwrap();
    let looked = all(Status::Completed).iter().filter(|row| &*row.process == "look").count();
    let failed = engine.failed_reactions().unwrap();
    assert_eq!((looked, failed.len()), (10, 4));
    assert!(failed.iter().all(|failed| failed.why.contains("more than 10 reactions")));
    assert_eq!(column(&engine, &stageflow::model::Ref::new("order", "o14"), "paid"), "1", "the cause stays");
}
