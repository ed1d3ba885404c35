//! A shop with one process for everything a host does with an engine, over memory and over a file.

use std::sync::{Arc, Mutex};

use stageflow::engine::{Builder, IncidentInfo, ServiceCall, ServiceError};
use stageflow::instance::rows::Values;
use stageflow::instance::{Id, TaskRow};
use stageflow::load::Sources;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::{MemoryStore, SqliteStore, TaskFilter};
use stageflow::{Engine, store::sqlite::Options};

const LIBRARY: &str = "
library: shop
roles: {clerk: {}, boss: {inherits: [clerk]}, root: {all: true}}
entities:
  user: {fields: {name: text, roles: list(text)}}
  order:
    fields: {what: required text, owner: ref(user), weight: number, price: number, paid: number, note: text, parcel: text}
    check: [{that: weight >= 0, error: weightless, text: Nothing weighs less than nothing}]
    stages: {field: stage, initial: open, values: {open: {title: Open}, sent: {title: Sent, final: success}, lost: {title: Lost, final: failure}}}
messages: {payment: {key: ref(order), with: {amount: number}, ttl: 2 days, external: true}}
signals: {holiday: {with: {name: text}, external: true}}
services:
  price: {with: {what: text}, returns: {price: number}}
  post: {with: {what: text}, returns: {parcel: text}, raises: [too_heavy]}
";

/// Each process, without its head.
const PROCESSES: &[(&str, &str)] = &[
    (
        "weigh",
        "tags: [Business Process]
start: [{manual: {roles: [clerk], new: [what, owner]}}]
one_per: self
steps:
  - id: weigh
    user_task: Weigh {self.what}
    assign: role(clerk)
    due: 1 h
    form: [self.weight]
    outcomes:
      weighed: {require: [self.weight]}
      gone: {stage: self -> lost}
",
    ),
    (
        "care",
        "steps:
  - id: care
    user_task: Care for {self.what}
    assign: self.owner
    due: 3 h
",
    ),
    (
        "collect",
        "steps:
  - id: paid
    receive: payment
    take: {self.paid: message.amount}
",
    ),
    (
        "rest",
        "steps:
  - id: rest
    receive: holiday
    take: {self.note: message.name}
",
    ),
    (
        "remind",
        "steps:
  - id: pause
    wait: 2 days
  - set: {self.note: '\"reminded\"'}
",
    ),
    (
        "watch",
        "start: [{event: order.updated, changed: [price]}]
steps:
  - set: {self.note: '\"has a price\"'}
",
    ),
    (
        "quote",
        "steps:
  - id: quote
    service: price
    with: {what: self.what}
    take: {self.price: price}
",
    ),
    (
        "send",
        "steps:
  - id: post
    service: post
    with: {what: self.what}
    take: {self.parcel: parcel}
    retry: {times: 2, backoff: 10 s, factor: 3}
    timeout: 5 min
  - stage: self -> sent
",
    ),
];

/// The library and its processes.
pub fn sources() -> Sources {
    let mut sources = Sources::new();
    sources.add("shop.yaml", LIBRARY);
    for (name, text) in PROCESSES {
        sources.add(format!("{name}.yaml"), format!("process: {name}\nentity: order\n{text}"));
    }
    sources
}

/// An engine to be, on a clock that stands, with services that do what they are asked.
pub fn shop() -> Builder {
    let price = |_: &Values| Ok(values([("price", number(7))]));
    Engine::builder().sources(sources()).inside("price", price).service("post", |call| Ok(posted(call)))
}

/// What the post answers: the number of a parcel.
pub fn posted(call: &ServiceCall) -> Values {
    values([("parcel", Value::text(format!("{} {}", call.text("what"), call.attempt)))])
}

/// When the clock stands at first.
pub fn nine() -> chrono::DateTime<chrono::Utc> {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

/// Over memory and over a file, with users in the store.
pub fn everywhere(make: impl Fn(Builder) -> Builder, test: impl Fn(&Engine)) {
    let folder = tempfile::tempdir().unwrap();
    let file =
        SqliteStore::open_with(folder.path().join("shop.db"), Options { clock: Some(nine()), ..Options::default() });
    for engine in [make(shop()).store(MemoryStore::at(nine())), make(shop()).store(file.unwrap())] {
        let engine = engine.build().unwrap();
        for (id, role) in [("anna", "clerk"), ("bert", "clerk"), ("boris", "boss"), ("cleo", "none"), ("root", "root")]
        {
            let roles = Value::list([Value::text(role)]);
            engine.system().create_as("user", id, [("name", Value::text(id)), ("roles", roles)]).unwrap();
        }
        test(&engine);
    }
}

/// As [`everywhere`], with the services as they are.
pub fn in_the_shop(test: impl Fn(&Engine)) {
    everywhere(|builder| builder, test);
}

/// As [`everywhere`], where this is the post.
pub fn with_the_post(
    post: impl Fn(&ServiceCall) -> Result<Values, ServiceError> + Clone + Send + Sync + 'static,
    test: impl Fn(&Engine),
) {
    everywhere(|builder| builder.service("post", post.clone()), test);
}

pub fn values<const N: usize>(pairs: [(&str, Value); N]) -> Values {
    pairs.into_iter().map(|(name, value)| (Name::new(name), value)).collect()
}

pub fn number(count: i64) -> Value {
    Value::Number(count.into())
}

pub fn user(id: &str) -> Ref {
    Ref::new("user", id)
}

/// An order of Anna's.
pub fn order(engine: &Engine, what: &str) -> Ref {
    let set = [("what", Value::text(what)), ("owner", Value::Ref(user("anna")))];
    engine.system().create_as("order", what, set).unwrap()
}

/// A run of a process about a new order.
pub fn run(engine: &Engine, process: &str, what: &str) -> (Ref, Id) {
    let order = order(engine, what);
    let run = engine.system().start(process).about(&order).run().unwrap();
    (order, run)
}

pub fn task(engine: &Engine, run: Id) -> TaskRow {
    engine.tasks(&TaskFilter { instance: Some(run), ..TaskFilter::default() }).unwrap().remove(0)
}

/// A column of an order, as text.
pub fn column(engine: &Engine, order: &Ref, column: &str) -> String {
    engine.value(order, column).unwrap().to_string()
}

pub fn incident(engine: &Engine) -> IncidentInfo {
    let mut found = engine.incidents().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// What was seen from another thread.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// No form, no parameters.
pub const NOTHING: [(&str, Value); 0] = [];
