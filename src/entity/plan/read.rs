//! Reading while a save is planned: its own work first, then what was read already, then the window.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::ReadGuard;
use super::work::Planner;
use crate::entity::record::Record;
use crate::entity::window::{Query, Window, WindowError};
use crate::model::{Name, Ref, Value};

/// What was read of the window: it is asked once.
#[derive(Default)]
pub(super) struct Seen {
    records: RefCell<BTreeMap<Ref, Found>>,
    /// Children, by their entity, the column that refers to their parent, and the parent.
    children: RefCell<BTreeMap<(Name, Name, Ref), Answer>>,
    settings: RefCell<BTreeMap<Name, Option<Value>>>,
}

type Answer = Arc<[Arc<Record>]>;

struct Found {
    record: Option<Arc<Record>>,
    /// Whether its values were read, not only that it exists.
    read: bool,
}

impl Planner<'_, '_> {
    /// A record as it was before the save.
    pub fn stored(&self, record: &Ref, read: bool) -> Result<Option<Arc<Record>>, WindowError> {
        if let Some(found) = self.seen.records.borrow_mut().get_mut(record) {
            found.read |= read;
            return Ok(found.record.clone());
        }
        let found = self.window.get(record)?;
        self.seen.records.borrow_mut().insert(record.clone(), Found { record: found.clone(), read });
        Ok(found)
    }

    /// Whether there is such a record after the save; a lookup's row is one.
    pub fn exists(&self, record: &Ref) -> Result<bool, WindowError> {
        if let Some(at) = self.place(record) {
            return Ok(!self.at(at).deleted);
        }
        match self.library.entity(&record.entity).and_then(|entity| entity.rows.as_ref()) {
            Some(rows) => Ok(rows.iter().any(|(code, _)| *code == record.id)),
            None => Ok(self.stored(record, false)?.is_some()),
        }
    }

    fn answer(&self, query: &Query) -> Result<Answer, WindowError> {
        let [(column, Value::Ref(parent))] = query.eq.as_slice() else { return Ok(self.window.query(query)?.into()) };
        let whole = query.order.is_empty() && query.after.is_none() && query.limit.is_none();
        if !whole {
            return Ok(self.window.query(query)?.into());
        }
        let key = (query.entity.clone(), column.clone(), parent.clone());
        if let Some(known) = self.seen.children.borrow().get(&key) {
            return Ok(known.clone());
        }
        let found: Answer = self.window.query(query)?.into();
        self.seen.children.borrow_mut().insert(key, found.clone());
        Ok(found)
    }

    /// What the save read and did not change. Users and currencies are not guarded: everybody reads them.
    pub fn guards(&self) -> Vec<ReadGuard> {
        let mut guards: BTreeMap<Ref, ReadGuard> = BTreeMap::new();
        let guard = |target: &Ref| ReadGuard { target: target.clone(), rev: None, links_rev: None };
        for (target, found) in self.seen.records.borrow().iter().filter(|(_, found)| found.read) {
            let rev = found.record.as_ref().map_or(0, |record| record.rev);
            guards.entry(target.clone()).or_insert_with(|| guard(target)).rev = Some(rev);
        }
        for (entity, key, parent) in self.seen.children.borrow().keys() {
            if !self.wires.links(entity).parents.iter().any(|list| list.entity == parent.entity && list.key == *key) {
                continue;
            }
            if let Ok(Some(found)) = self.stored(parent, false) {
                guards.entry(parent.clone()).or_insert_with(|| guard(parent)).links_rev = Some(found.links_rev);
            }
        }
        let currency = self.library.currencies.as_ref().map(|currencies| &currencies.entity);
        let common = |entity: &Name| entity.as_str() == "user" || Some(entity) == currency;
        let guards = guards.into_values().filter(|guard| !common(&guard.target.entity));
        guards.filter(|guard| self.place(&guard.target).is_none()).collect()
    }
}

impl Window for Planner<'_, '_> {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        match self.place(record).map(|at| self.at(at)) {
            Some(work) => Ok((!work.deleted).then(|| work.now.clone())),
            None => self.stored(record, true),
        }
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        let mut touched = self.of_entity(&query.entity).peekable();
        if touched.peek().is_none() {
            return Ok(self.answer(query)?.to_vec());
        }
        let before = self.answer(&query.without_limit())?;
        let mut found: Vec<_> =
            before.iter().filter(|record| self.place(&record.reference()).is_none()).cloned().collect();
        query.merge(&mut found, touched.filter(|work| !work.deleted).map(|work| &work.now));
        Ok(found)
    }

    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError> {
        if let Some(known) = self.seen.settings.borrow().get(name) {
            return Ok(known.clone());
        }
        let found = self.window.setting(name)?;
        self.seen.settings.borrow_mut().insert(Name::new(name), found.clone());
        Ok(found)
    }
}
