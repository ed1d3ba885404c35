//! Records that another system keeps: read through it, changed by effects that follow the commit, nothing silent when it fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use stageflow::Engine;
use stageflow::entity::{EventKind, Query, Record};
use stageflow::instance::Id;
use stageflow::load::Sources;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::{
    EntityStore, ForeignChange, ForeignStore, MemoryStore, SqliteStore, Store, StoreError, TaskFilter,
};

const LIBRARY: &str = "
library: shop
entities:
  user: {fields: {name: text, roles: list(text)}}
  customer: {fields: {name: required text, orders: {type: int, initial: 0}, note: text}}
  order:
    fields: {customer: ref(customer), what: text}
    stages: {field: stage, initial: open, values: {open: {title: Open}, sent: {title: Sent, final: success}}}
roles: {clerk: {}}
processes: [send.yaml]
";

const SEND: &str = "
process: send
entity: order
start: [{event: order.created}]
steps:
  - id: look
    user_task: \"Send {self.what} to {self.customer.name}\"
    assign: role(clerk)
  - id: count
    update: self.customer
    set: {orders: self.customer.orders + 1}
  - id: note
    update: self.customer
    set: {note: '\"has \" + string(self.customer.orders) + \" orders\"'}
  - stage: self -> sent
";

/// A directory of customers that is not the engine's, and can be told to fail.
#[derive(Clone, Default)]
struct Directory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    rows: BTreeMap<Name, Arc<Record>>,
    /// The keys that were carried out, and how often each was asked.
    asked: BTreeMap<Id, u32>,
    fails: Option<&'static str>,
}

impl Directory {
    fn with(id: &str, name: &str) -> Self {
        let directory = Self::default();
        let values = vec![(Name::new("name"), Value::text(name)), (Name::new("orders"), Value::Number(0.into()))];
        let record = Record { entity: Name::new("customer"), id: Name::new(id), rev: 7, links_rev: 0, values };
        directory.0.lock().unwrap().rows.insert(Name::new(id), Arc::new(record));
        directory
    }

    fn fail(&self, how: Option<&'static str>) {
        self.0.lock().unwrap().fails = how;
    }

    fn value(&self, id: &str, column: &str) -> Value {
        self.0.lock().unwrap().rows.get(&Name::new(id)).map_or(Value::NULL, |row| row.get(&Name::new(column)))
    }
}

impl EntityStore for Directory {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, StoreError> {
        Ok(self.0.lock().unwrap().rows.get(&record.id).cloned())
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, StoreError> {
        let mut found: Vec<_> = self.0.lock().unwrap().rows.values().filter(|row| query.fits(row)).cloned().collect();
        query.arrange(&mut found);
        Ok(found)
    }
}

impl ForeignStore for Directory {
    fn take(&self, change: &ForeignChange) -> Result<(), StoreError> {
        let mut kept = self.0.lock().unwrap();
        match kept.fails {
            Some("panic") => {
                drop(kept);
                panic!("the directory is on fire");
            }
            Some(why) => return Err(StoreError::Failed(why.into())),
            None => {}
        }
        let asked = kept.asked.entry(change.key).or_insert(0);
        *asked += 1;
        if *asked > 1 {
            return Ok(());
        }
        let before = kept.rows.get(&change.record.id).cloned();
        if change.kind == EventKind::Updated && before.as_ref().is_none_or(|row| row.rev + 1 != change.rev) {
            return Err(StoreError::Failed(format!("{} was changed meanwhile", change.record)));
        }
        let mut values: BTreeMap<Name, Value> =
            before.map(|row| row.values.iter().cloned().collect()).unwrap_or_default();
        values.extend(change.columns.iter().map(|(name, _, new)| (name.clone(), new.clone())));
        let (entity, id) = (change.record.entity.clone(), change.record.id.clone());
        let row =
            Record { entity, id: id.clone(), rev: change.rev, links_rev: 0, values: values.into_iter().collect() };
        kept.rows.insert(id, Arc::new(row));
        Ok(())
    }
}

fn engine(store: impl Store + 'static, directory: &Directory) -> Engine {
    let mut sources = Sources::new();
    sources.add("shop.yaml", LIBRARY);
    sources.add("send.yaml", SEND);
    Engine::builder().store(store).sources(sources).foreign("customer", directory.clone()).build().unwrap()
}

/// Over memory and over a file.
fn everywhere(test: impl Fn(&Engine, &Directory)) {
    let directory = Directory::with("olga", "Olga");
    test(&engine(MemoryStore::at("2026-03-02T09:00:00Z".parse().unwrap()), &directory), &directory);
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::with("olga", "Olga");
    test(&engine(SqliteStore::open(folder.path().join("shop.db")).unwrap(), &directory), &directory);
}

fn ordered(engine: &Engine) -> Ref {
    let customer = Value::Ref(Ref::new("customer", "olga"));
    engine.system().create("order", [("customer", customer), ("what", Value::text("a kettle"))]).unwrap()
}

fn send(engine: &Engine, order: &Ref) {
    engine.settle().unwrap();
    let task = engine.tasks(&TaskFilter { record: Some(order.clone()), ..TaskFilter::default() }).unwrap().remove(0);
    assert_eq!(task.title.get("en"), "Send a kettle to Olga");
    engine.system().complete(task.id, None, Vec::<(Name, Value)>::new()).unwrap();
}

fn number(count: i64) -> Value {
    Value::Number(count.into())
}

#[test]
fn a_process_reads_and_changes_what_another_system_keeps() {
    everywhere(|engine, directory| {
        let order = ordered(engine);
        send(engine, &order);
        // Committed with the order, and read back at once; the directory learns of it after the commit.
        let customer = Ref::new("customer", "olga");
        assert_eq!(engine.value(&customer, "orders").unwrap(), number(1));
        assert_eq!(directory.value("olga", "orders"), number(0));
        engine.work().unwrap();
        assert_eq!(directory.value("olga", "orders"), number(1));
        assert_eq!(directory.value("olga", "note"), Value::text("has 1 orders"));
        assert_eq!(engine.value(&order, "stage").unwrap(), Value::text("sent"));
        assert_eq!(engine.foreign_failures(), vec![]);
        // Nothing of it is left here: what the directory changes is seen.
        directory.0.lock().unwrap().rows.clear();
        assert!(engine.record(&customer).unwrap().is_none());
    });
}

#[test]
fn records_are_made_and_found_in_the_other_system() {
    everywhere(|engine, directory| {
        let made = engine.system().create_as("customer", "bert", [("name", Value::text("Bert"))]).unwrap();
        let named = |engine: &Engine, name: &str| {
            let query = Query::all(Name::new("customer")).with("name", Value::text(name));
            engine.records(&query).unwrap().iter().map(|row| row.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(named(engine, "Bert"), ["bert"]);
        assert_eq!(named(engine, "Olga"), ["olga"]);
        engine.work().unwrap();
        assert_eq!(named(engine, "Bert"), ["bert"]);
        assert_eq!(directory.value("bert", "name"), Value::text("Bert"));
        // To delete there is the other system's own business.
        let refused = engine.system().delete(&made).unwrap_err();
        assert_eq!(refused.code(), "foreign_record");
    });
}

#[test]
fn a_system_that_fails_is_shown_and_asked_again_and_nothing_is_lost() {
    for how in ["it is closed for lunch", "panic"] {
        everywhere(|engine, directory| {
            directory.fail(Some(how));
            let order = ordered(engine);
            send(engine, &order);
            engine.work().unwrap();
            // It is left alone for a while, however much is done meanwhile.
            engine.work().unwrap();
            assert_eq!(engine.foreign_failures()[0].attempts, 1);
            engine.advance(chrono::TimeDelta::seconds(10)).unwrap();
            let failures = engine.foreign_failures();
            assert_eq!(failures.len(), 1);
            assert_eq!((failures[0].again - failures[0].since).num_seconds(), 30);
            assert_eq!((failures[0].change.record.to_string(), failures[0].attempts), ("customer olga".into(), 2));
            assert!(failures[0].why.contains(if how == "panic" { "on fire" } else { how }), "{}", failures[0].why);
            // Everybody else goes on, and reads what was committed.
            assert_eq!(engine.value(&order, "stage").unwrap(), Value::text("sent"));
            assert_eq!(engine.value(&Ref::new("customer", "olga"), "orders").unwrap(), number(1));
            directory.fail(None);
            engine.work().unwrap();
            assert_eq!(directory.value("olga", "orders"), number(0), "not before its time");
            engine.advance(chrono::TimeDelta::seconds(20)).unwrap();
            assert_eq!(directory.value("olga", "orders"), number(1));
            assert_eq!(engine.foreign_failures(), vec![]);
        });
    }
}

#[test]
fn a_change_that_can_never_be_taken_is_given_up_by_hand() {
    everywhere(|engine, directory| {
        let order = ordered(engine);
        send(engine, &order);
        // Somebody else changes the customer in the directory first.
        {
            let mut kept = directory.0.lock().unwrap();
            let row = kept.rows.get_mut(&Name::new("olga")).unwrap();
            *row = Arc::new(Record { rev: 20, ..(**row).clone() });
        }
        engine.work().unwrap();
        assert!(engine.foreign_failures()[0].why.contains("was changed meanwhile"));
        engine.system().create_as("customer", "bert", [("name", Value::text("Bert"))]).unwrap();
        engine.work().unwrap();
        assert_eq!(directory.value("bert", "name"), Value::NULL, "it waits behind the other");
        engine.system().skip_foreign("customer").unwrap();
        engine.work().unwrap();
        assert_eq!(directory.value("bert", "name"), Value::text("Bert"));
        assert_eq!(engine.value(&Ref::new("customer", "olga"), "orders").unwrap(), number(0));
        assert!(engine.system().skip_foreign("customer").is_err());
    });
}

/// The program ends between the commit and the effect, and again between the effect and its note: the key stays the same.
#[test]
fn it_is_taken_after_a_restart_under_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let directory = Directory::with("olga", "Olga");
    let first = engine(SqliteStore::open(&file).unwrap(), &directory);
    directory.fail(Some("the line is dead"));
    let order = ordered(&first);
    send(&first, &order);
    first.work().unwrap();
    let key = first.foreign_failures()[0].change.key;
    drop(first);
    directory.fail(None);
    let second = engine(SqliteStore::open(&file).unwrap(), &directory);
    second.work().unwrap();
    assert_eq!(directory.0.lock().unwrap().asked.get(&key), Some(&1));
    assert_eq!(directory.value("olga", "orders"), number(1));
}

#[test]
fn what_is_kept_elsewhere_must_be_an_entity_of_the_library() {
    let mut sources = Sources::new();
    sources.add("shop.yaml", LIBRARY);
    sources.add("send.yaml", SEND);
    let built = Engine::builder().sources(sources).foreign("custmer", Directory::default()).build();
    assert!(built.err().unwrap().to_string().contains("custmer"));
}
