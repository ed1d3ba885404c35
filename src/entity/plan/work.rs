//! The records a save works on: as they were, as they will be. A window over the window, so that expressions see the work.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use super::{Refusal, SaveContext};
use crate::entity::env::{ColumnEnv, RecordEnv};
use crate::entity::library::{Entity, Library};
use crate::entity::record::Record;
use crate::entity::window::{Query, Window, WindowError};
use crate::model::expr::Expr;
use crate::model::{Name, Null, Ref, Template, Value};

/// A record of a save.
pub(super) struct Work {
    pub before: Option<Arc<Record>>,
    pub now: Arc<Record>,
    pub deleted: bool,
    /// Columns that the wish itself set: they are not filled.
    pub typed: BTreeSet<Name>,
    /// Whether it was computed already in this save.
    pub looked_at: bool,
    /// Whether what its new stage sets was set already.
    pub entered: bool,
}

/// A save being planned.
pub(super) struct Planner<'a, 'c> {
    pub library: &'a Library,
    pub window: &'a dyn Window,
    pub context: &'a mut SaveContext<'c>,
    pub work: BTreeMap<Ref, Work>,
    /// The records in order of their first change.
    pub order: Vec<Ref>,
    /// Records whose computed columns are to be looked at again.
    pub stale: VecDeque<Ref>,
    rounds: u32,
}

/// How many records one save may recompute.
const MAX_ROUNDS: u32 = 50_000;

impl<'a, 'c> Planner<'a, 'c> {
    pub fn new(library: &'a Library, window: &'a dyn Window, context: &'a mut SaveContext<'c>) -> Self {
        let (work, order, stale) = (BTreeMap::new(), Vec::new(), VecDeque::new());
        Self { library, window, context, work, order, stale, rounds: 0 }
    }

    pub fn next_id(&mut self) -> Uuid {
        self.context.ids.next_id()
    }

    pub fn entity(&self, name: &Name) -> Result<&'a Entity, Refusal> {
        self.library
            .entity(name)
            .ok_or_else(|| Refusal::rule("unknown_entity", name, None, format!("expected an entity, found {name}")))
    }

    /// Takes an existing record into the work.
    pub fn load(&mut self, target: &Ref) -> Result<(), Refusal> {
        if self.work.contains_key(target) {
            return Ok(());
        }
        let found = self.window.get(target)?;
        let before = found.ok_or_else(|| {
            Refusal::rule("unknown_record", &target.entity, None, format!("expected {target}, found no such record"))
        })?;
        self.insert(
            target,
            Work {
                now: before.clone(),
                before: Some(before),
                deleted: false,
                typed: BTreeSet::new(),
                looked_at: false,
                entered: false,
            },
        );
        Ok(())
    }

    /// A new record, still empty.
    pub fn insert_new(&mut self, target: &Ref) {
        let now = Arc::new(Record::new(target.entity.clone(), target.id.clone()));
        self.insert(
            target,
            Work { before: None, now, deleted: false, typed: BTreeSet::new(), looked_at: false, entered: false },
        );
    }

    fn insert(&mut self, target: &Ref, work: Work) {
        self.work.insert(target.clone(), work);
        self.order.push(target.clone());
    }

    pub fn value(&self, target: &Ref, column: &Name) -> Value {
        self.work.get(target).map_or(Value::NULL, |work| work.now.get(column))
    }

    /// The value before the save.
    pub fn old(&self, target: &Ref, column: &Name) -> Value {
        let before = self.work.get(target).and_then(|work| work.before.as_ref());
        before.map_or(Value::NULL, |before| before.get(column))
    }

    pub fn put(&mut self, target: &Ref, column: &Name, value: Value) {
        if let Some(work) = self.work.get_mut(target) {
            Arc::make_mut(&mut work.now).set(column, value);
        }
    }

    pub fn has_changed(&self, target: &Ref, column: &Name) -> bool {
        !self.value(target, column).same(&self.old(target, column))
    }

    pub fn is_new(&self, target: &Ref) -> bool {
        self.work.get(target).is_some_and(|work| work.before.is_none())
    }

    /// The columns that differ from before, with their old values.
    pub fn changed(&self, target: &Ref) -> Vec<(Name, Value)> {
        let Some(work) = self.work.get(target) else { return Vec::new() };
        let Some(before) = &work.before else {
            return work.now.values.iter().map(|(name, _)| (name.clone(), Value::NULL)).collect();
        };
        let mut changed: Vec<(Name, Value)> = Vec::new();
        for (name, value) in &work.now.values {
            let old = before.get(name);
            if !old.same(value) {
                changed.push((name.clone(), old));
            }
        }
        let gone = before.values.iter().filter(|(name, _)| work.now.peek(name).is_none());
        changed.extend(gone.cloned());
        changed.sort_by(|a, b| a.0.cmp(&b.0));
        changed
    }

    /// A text of the record's own, filled in; as written when something in it has no value.
    pub fn tell(&self, target: &Ref, words: &Template) -> String {
        let before = self.work.get(target).and_then(|work| work.before.as_deref());
        let records = RecordEnv::new(self.library, self, self.context.now);
        let env = ColumnEnv { records, record: target, user: self.context.principal.user(), before };
        words.eval(&env).unwrap_or_else(|_| words.text().to_owned())
    }

    /// The value of a column's own expression. A null input gives a null with its reason; a denied one refuses the save.
    pub fn eval(&self, target: &Ref, column: Option<&Name>, expr: &Expr) -> Result<Value, Refusal> {
        if let Some(value) = expr.constant() {
            return Ok(value.clone());
        }
        let before = self.work.get(target).and_then(|work| work.before.as_deref());
        let records = RecordEnv::new(self.library, self, self.context.now);
        let env = ColumnEnv { records, record: target, user: self.context.principal.user(), before };
        match expr.eval(&env) {
            Ok(value) => Ok(value),
            Err(error) if error.is_null() => {
                Ok(Value::Null(column.map_or(Null::Empty, |column| Null::Input(column.clone()))))
            }
            Err(error) => {
                let code = if error.is_denied() { "access_denied" } else { "expression_failed" };
                Err(Refusal::rule(code, &target.entity, column, format!("`{}`: {error}", expr.text())))
            }
        }
    }

    pub fn records(&self) -> RecordEnv<'_> {
        RecordEnv::new(self.library, self, self.context.now)
    }

    /// One more record is looked at again: bounded.
    pub fn spend(&mut self, target: &Ref) -> Result<(), Refusal> {
        self.rounds = self.rounds.saturating_add(1);
        if self.rounds > MAX_ROUNDS {
            let text = format!("the save reaches more than {MAX_ROUNDS} records");
            return Err(Refusal::rule("too_many_records", &target.entity, None, text));
        }
        Ok(())
    }

    /// The records of `entity` whose column refers to `target`, as the work stands.
    pub fn referring(&self, entity: &Name, column: &Name, target: &Ref) -> Result<Vec<Ref>, Refusal> {
        let query = Query::all(entity.clone()).with(&**column, Value::Ref(target.clone()));
        Ok(self.query(&query)?.iter().map(|record| record.reference()).collect())
    }
}

impl Window for Planner<'_, '_> {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        match self.work.get(record) {
            Some(work) if work.deleted => Ok(None),
            Some(work) => Ok(Some(work.now.clone())),
            None => self.window.get(record),
        }
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        if !self.order.iter().any(|record| record.entity == query.entity) {
            return self.window.query(query);
        }
        let open = Query { limit: None, ..query.clone() };
        let mut found = self.window.query(&open)?;
        found.retain(|record| !self.work.contains_key(&record.reference()));
        let live = self.work.values().filter(|work| !work.deleted && query.fits(&work.now));
        found.extend(live.map(|work| work.now.clone()));
        found.sort_by(|a, b| a.id.cmp(&b.id));
        query.arrange(&mut found);
        Ok(found)
    }

    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError> {
        self.window.setting(name)
    }
}
