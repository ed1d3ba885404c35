//! How does somebody add a process of his own? A returns process in YAML, with the tag `Business Process`, beside an own library.

use std::error::Error;

use stageflow::Engine;
use stageflow::instance::rows::Values;
use stageflow::load::Sources;
use stageflow::model::{Name, Value};
use stageflow::store::{MemoryStore, TaskFilter};

const LIBRARY: &str = r#"
library: shop
title: A small shop
roles: {clerk: {}}
entities:
  user: {fields: {name: text, roles: list(text)}}
  return:
    title: Return
    fields: {what: required text, price: number, owner: ref(user)}
    stages:
      field: stage
      initial: announced
      values:
        announced: {title: Announced, position: 1}
        received: {title: Received, position: 2}
        refunded: {title: Refunded, position: 3, final: success}
        refused: {title: Refused, position: 0, final: failure}
services:
  refund: {with: {amount: number}, returns: {reference: text}}
"#;

const RETURNS: &str = r#"
process: returns
version: 1
title: Returns
tags: [Business Process]
entity: return
one_per: self
tasks: {assign: self.owner}
start:
  - manual: {roles: [clerk]}
steps:
  - id: receive
    user_task: "Receive {self.what}"
    due: 14 days
    outcomes:
      arrived: {stage: self -> received}
      never_came: {stage: self -> refused, next: done}
  - id: inspect
    user_task: "Inspect {self.what}"
    outcomes:
      good:
      broken: {stage: self -> refused, next: done}
  - id: pay_back
    service: refund
    with: {amount: self.price}
  - id: refunded
    stage: self -> refunded
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut sources = Sources::new();
    sources.add("shop.yaml", LIBRARY);
    sources.add("returns.yaml", RETURNS);
    let engine = Engine::builder()
        .store(MemoryStore::new())
        .sources(sources)
        .service("refund", |call| {
            println!(
                "  (refunding {}, key {} keeps it from happening twice)",
                call.text("amount"),
                short(&call.idempotency_key.to_string())
            );
            Ok(Values::from([(Name::new("reference"), Value::text("R-1"))]))
        })
        .build()?;
    let anna = engine.system().create_as(
        "user",
        "anna",
        [("name", Value::text("Anna")), ("roles", Value::list([Value::text("clerk")]))],
    )?;
    let startable: Vec<String> =
        engine.startable(&anna)?.iter().map(|found| found.title.get("en").to_string()).collect();
    println!("Anna may start: {}", startable.join(", "));

    let kettle = engine.user("anna").create(
        "return",
        [("what", Value::text("a kettle")), ("price", Value::Number(40.into())), ("owner", Value::Ref(anna))],
    )?;
    let run = engine.user("anna").start("returns").about(&kettle).run()?;
    for outcome in ["arrived", "good"] {
        let task = engine
            .tasks(&TaskFilter { instance: Some(run), ..TaskFilter::default() })?
            .into_iter()
            .next()
            .ok_or("no task")?;
        println!("{} -> {outcome}", task.title.get("en"));
        engine.user("anna").complete(task.id, Some(outcome), Vec::<(Name, Value)>::new())?;
    }
    let again = engine.user("anna").start("returns").about(&kettle).run();
    println!(
        "starting it twice: {}",
        again
            .err()
            .map_or("allowed".into(), |error| error.to_string().replace(&run.to_string(), &short(&run.to_string())))
    );
    engine.work()?;
    println!("{} is at {}", engine.value(&kettle, "what")?, engine.value(&kettle, "stage")?);
    println!("\nWhat happened:");
    for entry in engine.history(run)? {
        println!("  {:<10} {}", entry.kind, entry.text);
    }
    Ok(())
}

fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
