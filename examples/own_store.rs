//! How does a host keep its own tables in step? Its rows and the engine's are written in one transaction, or not at all.

use std::error::Error;

use rusqlite::Connection;
use stageflow::Engine;
use stageflow::load::Sources;
use stageflow::model::{Name, Value};
use stageflow::store::{SqliteStore, TaskFilter};

const LIBRARY: &str = "
library: depot
entities:
  user: {fields: {name: text, roles: list(text)}}
  order:
    fields: {what: required text, owner: ref(user)}
    stages: {field: stage, initial: open, values: {open: {title: Open}, packed: {title: Packed, final: success}}}
";

const PACKING: &str = "
process: packing
version: 1
title: Packing
entity: order
tasks: {assign: self.owner}
start: [{manual: {}}]
steps:
  - id: pack
    user_task: Pack the parcel
    outcomes: {packed: {stage: self -> packed}}
";

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("own_store-{}.db", std::process::id()));
    // The host's own table, in the same file. Its shelf holds one parcel.
    Connection::open(&file)?.execute_batch("CREATE TABLE parcel (shelf INTEGER PRIMARY KEY, content TEXT NOT NULL)")?;

    let mut sources = Sources::new();
    sources.add("depot.yaml", LIBRARY);
    sources.add("packing.yaml", PACKING);
    let engine = Engine::builder().store(SqliteStore::open(&file)?).sources(sources).build()?;
    let anna = engine.system().create_as("user", "anna", [("name", Value::text("Anna"))])?;

    for what in ["a kettle", "a lamp"] {
        let order =
            engine.system().create("order", [("what", Value::text(what)), ("owner", Value::Ref(anna.clone()))])?;
        engine.user("anna").start("packing").about(&order).run()?;
        let task = engine.tasks(&TaskFilter { record: Some(order.clone()), ..TaskFilter::default() })?.remove(0);
        // The parcel and the completed task are one transaction: when the shelf is taken, the task stays open.
        let packing = engine
            .user("anna")
            .joined(move |host| host.execute("INSERT INTO parcel (shelf, content) VALUES (1, ?1)", [what]).map(|_| ()));
        match packing.complete(task.id, Some("packed"), Vec::<(Name, Value)>::new()) {
            Ok(_) => println!("{what}: packed"),
            Err(error) => println!("{what}: refused by the host ({error})"),
        }
        println!(
            "    the order is {}, open tasks: {}",
            engine.value(&order, "stage")?,
            engine.tasks(&TaskFilter::default())?.len()
        );
    }
    drop(engine);
    let parcels: i64 = Connection::open(&file)?.query_row("SELECT count(*) FROM parcel", [], |row| row.get(0))?;
    println!("parcels in the host's table: {parcels}");
    Ok(())
}
