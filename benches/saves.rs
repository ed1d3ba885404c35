//! Microseconds per planned save over records in memory, without storing it: the best and the median of many runs, on one
//! thread. On a busy machine the best is what the code takes, the median what the neighbours leave.
//!
//! `cargo bench --bench saves`

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use stageflow::entity::{
    Cause, IdSource, Library, Principal, Query, Record, SaveContext, Window, WindowError, Wish, plan,
};
use stageflow::model::{Name, Ref, Type, Value};
use stageflow::{files, load};
use uuid::Uuid;

const RUNS: usize = 31;

#[derive(Default)]
struct Records {
    all: BTreeMap<Ref, Arc<Record>>,
    /// By entity, column and the record referred to.
    referring: BTreeMap<(Name, Name, Ref), Vec<Ref>>,
    settings: BTreeMap<Name, Value>,
}

impl Window for Records {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        Ok(self.all.get(record).cloned())
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        let [(column, Value::Ref(to))] = &query.eq[..] else { return Ok(Vec::new()) };
        let found = self.referring.get(&(query.entity.clone(), column.clone(), to.clone()));
        Ok(found.into_iter().flatten().filter_map(|record| self.all.get(record).cloned()).collect())
    }

    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError> {
        Ok(self.settings.get(name).cloned())
    }
}

struct World {
    library: Library,
    records: Records,
}

impl World {
    fn plan(&self, wish: Wish) -> stageflow::entity::Plan {
        let now: DateTime<Utc> = "2026-03-02T09:00:00Z".parse().expect("an instant");
        let (cause, mut ids) =
            (Cause::default(), IdSource::new(Uuid::from_u128(self.records.all.len() as u128 * 1000)));
        let context = &mut SaveContext { now, principal: &Principal::System, ids: &mut ids, cause: &cause };
        plan(&self.library, &self.records, wish, context).expect("a plan")
    }

    fn save(&mut self, entity: &str, id: &str, set: &[(&str, &str)]) {
        let plan = self.plan(self.create(entity, id, set));
        for change in plan.changes {
            let Some(after) = change.after else { continue };
            for (column, value) in &after.values {
                if let Value::Ref(to) = value {
                    let key = (after.entity.clone(), column.clone(), to.clone());
                    let known = self.records.referring.entry(key).or_default();
                    if !known.contains(&change.target) {
                        known.push(change.target.clone());
                    }
                }
            }
            self.records.all.insert(change.target, after);
        }
    }

    fn values(&self, entity: &str, set: &[(&str, &str)]) -> Vec<(Name, Value)> {
        let ty =
            |column: &str| self.library.entity(entity).expect("an entity").field(column).expect("a column").ty.clone();
        let value = |ty: Type, text: &str| Value::from_text(&ty, text).expect("a value");
        set.iter().map(|(column, text)| (Name::new(column), value(ty(column), text))).collect()
    }

    fn create(&self, entity: &str, id: &str, set: &[(&str, &str)]) -> Wish {
        Wish::Create { entity: Name::new(entity), id: Some(Name::new(id)), set: self.values(entity, set) }
    }

    fn update(&self, entity: &str, id: &str, set: &[(&str, &str)]) -> Wish {
        Wish::Update { target: Ref::new(entity, id), set: self.values(entity, set) }
    }

    fn measure(&self, what: &str, wish: &Wish) {
        let once = Instant::now();
        black_box(self.plan(wish.clone()));
        let rounds = (2_000_000 / once.elapsed().as_nanos().max(1)).clamp(5, 2_000) as u32;
        let mut runs: Vec<f64> = (0..RUNS)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..rounds {
                    black_box(self.plan(black_box(wish.clone())));
                }
                start.elapsed().as_nanos() as f64 / f64::from(rounds) / 1000.0
            })
            .collect();
        runs.sort_by(f64::total_cmp);
        println!("{what:<58} {:>9.2} µs best {:>9.2} µs median", runs[0], runs[RUNS / 2]);
    }
}

fn main() {
    let sources = files::read(Path::new("processes/crm.yaml")).expect("the CRM's library");
    let library = load::library(&sources).unwrap_or_else(|error| panic!("{error}")).library;
    let mut world = World { library, records: Records::default() };
    world.records.settings.insert(Name::new("base_currency"), Value::Ref(Ref::new("currency", "rub")));
    world.save("user", "anna", &[("name", "Anna")]);
    world.save("currency", "rub", &[("name", "Rouble")]);
    world.save("account", "acme", &[("name", "ACME")]);
    world.save("contact", "olga", &[("name", "Olga")]);
    world.save("product", "tea", &[("name", "Tea"), ("price", "5"), ("unit", "piece"), ("tax", "vat_20")]);
    world.save("lead", "L", &[("need_type", "hardware"), ("contact", "olga"), ("owner", "anna")]);
    world.save("activity", "A", &[("title", "Call"), ("owner", "anna")]);
    for (order, lines) in [("S", 1), ("M", 10), ("X", 100)] {
        world.save("order", order, &[("contact", "olga"), ("owner", "anna")]);
        for line in 0..lines {
            world.save("order_line", &format!("{order}{line}"), &[("order", order), ("product", "tea")]);
        }
    }
    world.measure("nothing changes", &world.update("contact", "olga", &[("name", "Olga")]));
    world.measure("one column of a contact", &world.update("contact", "olga", &[("name", "Olga P.")]));
    world.measure("a new account", &world.create("account", "a", &[("name", "New")]));
    world.measure("a task record, completed", &world.update("activity", "A", &[("status", "completed")]));
    world.measure("a new task record", &world.create("activity", "B", &[("title", "Call"), ("owner", "anna")]));
    world.measure("one column of a lead", &world.update("lead", "L", &[("notes", "called")]));
    world.measure("the stage of a lead, with its history", &world.update("lead", "L", &[("stage", "distribution")]));
    world.measure("a new lead", &world.create("lead", "N", &[("need_type", "hardware"), ("contact", "olga")]));
    for (order, lines) in [("S", 1), ("M", 10), ("X", 100)] {
        let what = format!("the quantity of a line, in an order of {lines}");
        world.measure(&what, &world.update("order_line", &format!("{order}0"), &[("quantity", "3")]));
    }
    world.measure(
        "a new line, in an order of 10",
        &world.create("order_line", "new", &[("order", "M"), ("product", "tea")]),
    );
    world.measure("the rate of an order of 100 lines", &world.update("order", "X", &[("currency_rate", "2")]));
}
