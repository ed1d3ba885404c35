//! A small world of records over a library: what a save changes is kept here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use stageflow::entity::{
    Cause, Change, IdSource, Library, Plan, Principal, Query, Record, Refusal, SaveContext, Window, WindowError, Wish,
    plan,
};
use stageflow::model::{Name, Ref, Value};
use uuid::Uuid;

pub struct World {
    pub library: Library,
    pub records: BTreeMap<Ref, Arc<Record>>,
    pub settings: BTreeMap<Name, Value>,
    pub now: DateTime<Utc>,
    pub principal: Principal,
    ids: IdSource,
}

impl Window for World {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        Ok(self.records.get(record).cloned())
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        let behind = |id: &Name| query.after.as_ref().is_none_or(|after| id > after);
        let fits = self.records.values().filter(|record| behind(&record.id) && query.fits(record));
        let mut found: Vec<Arc<Record>> = fits.cloned().collect();
        query.arrange(&mut found);
        Ok(found)
    }

    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError> {
        Ok(self.settings.get(name).cloned())
    }
}

impl World {
    pub fn new(library: Library) -> Self {
        World {
            library,
            records: BTreeMap::new(),
            settings: BTreeMap::new(),
            now: "2026-03-02T09:00:00Z".parse().expect("an instant"),
            principal: Principal::System,
            ids: IdSource::new(Uuid::from_u128(0x1000)),
        }
    }

    pub fn wait(&mut self, micros: i64) {
        self.now += TimeDelta::microseconds(micros);
    }

    /// Plans a save and keeps what it changes. The same wish planned again must give the same plan.
    pub fn save(&mut self, wish: Wish) -> Result<Plan, Refusal> {
        let cause = Cause::default();
        let once = |ids: &mut IdSource| {
            let context = &mut SaveContext { now: self.now, principal: &self.principal, ids, cause: &cause };
            plan(&self.library, self, wish.clone(), context)
        };
        let (mut first, mut second) = (self.ids.clone(), self.ids.clone());
        let made = once(&mut first);
        assert_eq!(format!("{made:?}"), format!("{:?}", once(&mut second)), "a wish planned twice gives two plans");
        let made = made?;
        self.ids = first;
        check(&self.library, &made);
        for Change { target, before, after, .. } in &made.changes {
            assert_eq!(before.as_ref(), self.records.get(target), "{target}: the plan changes another record");
            match after {
                Some(after) => self.records.insert(target.clone(), after.clone()),
                None => self.records.remove(target),
            };
        }
        Ok(made)
    }
}

/// What holds for every plan: revisions rise by one, events tell of what changed and of nothing else.
fn check(library: &Library, plan: &Plan) {
    let mut told = plan.events.iter();
    for Change { target, before, after, touch } in &plan.changes {
        if let Some(after) = after {
            let old = before.as_ref().map_or((0, 0), |before| (before.rev, before.links_rev));
            assert_eq!(after.rev, old.0 + u64::from(!touch), "{target}: its revision");
            assert!(after.links_rev <= old.1 + 1, "{target}: its links' revision");
            assert!(after.values.is_sorted_by(|a, b| a.0 < b.0), "{target}: its columns are in order");
            assert!(after.values.iter().all(|(_, value)| !value.is_null()), "{target} keeps a null");
            if let (Some(before), false) = (before, touch) {
                assert_ne!(before.values, after.values, "{target} is changed to what it was");
            }
        }
        if !touch && library.entity(&target.entity).is_some() {
            let event = told.next().unwrap_or_else(|| panic!("no event tells of {target}"));
            assert_eq!(event.record(), target, "events stand in the order of changes");
        }
    }
    assert!(told.next().is_none(), "an event tells of what did not change");
}

/// Shows plans; ids that the engine gave are numbered.
#[derive(Default)]
pub struct Shower {
    numbers: BTreeMap<String, usize>,
}

impl Shower {
    pub fn plan(&mut self, plan: &Plan) -> String {
        let mut out = String::new();
        for change in &plan.changes {
            self.change(change, &mut out);
        }
        for moved in &plan.transitions {
            let from = moved.from.as_ref().map_or("(new)", |from| from.as_str());
            let titles = format!("\"{}\" -> \"{}\"", moved.from_title.get("en"), moved.to_title.get("en"));
            let target = self.name(&moved.record);
            _ = writeln!(out, "transition of {target}: {from} -> {}, {titles}", moved.to);
        }
        if out.is_empty() { "nothing changes\n".into() } else { out }
    }

    /// What the plan read and did not change.
    pub fn guards(&mut self, plan: &Plan) -> String {
        let mut out = String::new();
        for guard in &plan.reads {
            let rev = guard.rev.map_or(String::new(), |rev| format!(" rev {rev}"));
            let links = guard.links_rev.map_or(String::new(), |links| format!(" links {links}"));
            _ = writeln!(out, "  read {}:{rev}{links}", self.name(&guard.target));
        }
        out
    }

    fn change(&mut self, change: &Change, out: &mut String) {
        let name = self.name(&change.target);
        let Some(after) = &change.after else {
            _ = writeln!(out, "{name}: deleted");
            return;
        };
        let Some(before) = &change.before else {
            _ = writeln!(out, "{name}: new{}", links(after, 0));
            for (column, value) in &after.values {
                let value = self.value(value);
                _ = writeln!(out, "  {column}: {value}");
            }
            return;
        };
        let rev = if change.touch { "touched".to_string() } else { format!("rev {}", after.rev) };
        _ = writeln!(out, "{name}: {rev}{}", links(after, before.links_rev));
        let mut columns: Vec<&Name> = before.values.iter().chain(&after.values).map(|(column, _)| column).collect();
        columns.sort();
        columns.dedup();
        for column in columns {
            let (old, new) = (before.get(column), after.get(column));
            if !old.same(&new) {
                let (old, new) = (self.value(&old), self.value(&new));
                _ = writeln!(out, "  {column}: {old} -> {new}");
            }
        }
    }

    pub fn value(&mut self, value: &Value) -> String {
        match value {
            Value::Ref(record) => self.name(record),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.value(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Null(reason) => match reason.to_string().as_str() {
                "it is empty" => "null".into(),
                reason => format!("null ({reason})"),
            },
            other => other.to_string(),
        }
    }

    fn name(&mut self, record: &Ref) -> String {
        if record.id.parse::<Uuid>().is_err() {
            return record.to_string();
        }
        let next = self.numbers.len() + 1;
        let number = self.numbers.entry(record.id.to_string()).or_insert(next);
        format!("{} #{number}", record.entity)
    }

    pub fn refusal(refusal: &Refusal) -> String {
        let place = match (refusal.object(), refusal.column()) {
            (Some(object), Some(column)) => format!("{object}.{column}"),
            (Some(object), None) => object.to_string(),
            _ => String::new(),
        };
        format!("refused, {} at {place}: {refusal}\n", refusal.code())
    }
}

fn links(record: &Record, before: u64) -> String {
    if record.links_rev == before { String::new() } else { format!(", links {}", record.links_rev) }
}
