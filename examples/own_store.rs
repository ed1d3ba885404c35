//! How do a host's own data stay in step? Either its rows and the engine's are written in one transaction, or not at all; or its own
//! system keeps an entity, and is handed every change after the commit, again and again until it has taken it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use stageflow::Engine;
use stageflow::entity::{Query, Record};
use stageflow::load::Sources;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::{EntityStore, ForeignChange, ForeignStore, SqliteStore, StoreError, TaskFilter};

const LIBRARY: &str = "
library: depot
entities:
  user: {fields: {name: text, roles: list(text)}}
  customer: {fields: {name: text, parcels: {type: int, initial: 0}}}
  order:
    fields: {what: required text, owner: ref(user), customer: ref(customer)}
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
  - id: count
    update: self.customer
    set: {parcels: self.customer.parcels + 1}
";

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("own_store-{}.db", std::process::id()));
    // The host's own table, in the same file. Its shelf holds one parcel.
    Connection::open(&file)?.execute_batch("CREATE TABLE parcel (shelf INTEGER PRIMARY KEY, content TEXT NOT NULL)")?;

    let mut sources = Sources::new();
    sources.add("depot.yaml", LIBRARY);
    sources.add("packing.yaml", PACKING);
    let directory = Directory::default();
    let engine = Engine::builder()
        .store(SqliteStore::open(&file)?)
        .sources(sources)
        .foreign("customer", directory.clone())
        .build()?;
    let anna = engine.system().create_as("user", "anna", [("name", Value::text("Anna"))])?;

    let olga = Value::Ref(Ref::new("customer", "olga"));
    for what in ["a kettle", "a lamp"] {
        let set = [("what", Value::text(what)), ("owner", Value::Ref(anna.clone())), ("customer", olga.clone())];
        let order = engine.system().create("order", set)?;
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
    engine.work()?; // hands over what was committed
    println!("{:?}", directory.0.lock().expect("no panic"));
    drop(engine);
    let parcels: i64 = Connection::open(&file)?.query_row("SELECT count(*) FROM parcel", [], |row| row.get(0))?;
    println!("parcels in the host's table: {parcels}");
    Ok(())
}

/// The host's own directory of customers, as a system apart: parcels by customer, and the keys of what it has done.
#[derive(Clone, Default)]
struct Directory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    parcels: BTreeMap<String, i64>,
    done: Vec<String>,
}

impl EntityStore for Directory {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, StoreError> {
        let kept = self.0.lock().expect("no panic");
        let parcels = kept.parcels.get(record.id.as_str()).copied().unwrap_or(0);
        let values = vec![(Name::new("parcels"), Value::Number(parcels.into()))];
        let rev = u64::try_from(parcels).unwrap_or(0);
        let (entity, id) = (record.entity.clone(), record.id.clone());
        Ok(Some(Arc::new(Record { entity, id, rev, links_rev: 0, values })))
    }

    fn query(&self, _: &Query) -> Result<Vec<Arc<Record>>, StoreError> {
        Err(StoreError::Failed("the directory cannot be searched".into()))
    }
}

impl ForeignStore for Directory {
    /// At least once: what was done under a key is not done again.
    fn take(&self, change: &ForeignChange) -> Result<(), StoreError> {
        let mut kept = self.0.lock().expect("no panic");
        let key = change.key.to_string();
        if !kept.done.contains(&key) {
            kept.done.push(key);
            for (_, _, new) in change.columns.iter().filter(|(column, ..)| column.as_str() == "parcels") {
                let count = new.to_string().parse().unwrap_or(0);
                kept.parcels.insert(change.record.id.to_string(), count);
            }
        }
        Ok(())
    }
}
