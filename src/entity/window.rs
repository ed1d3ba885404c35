//! The read window: how pure code sees records, and the changes of the turn over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::record::{Change, Record};
use crate::model::{Name, Ref, Value};

/// The records as they stand.
pub trait Window {
    /// A record; none when there is none. Lookup rows are the library's and not asked for here.
    ///
    /// # Errors
    /// When the store fails.
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError>;

    /// The records of an entity whose columns equal the given values, in order of making unless an order is given.
    ///
    /// # Errors
    /// When the store fails.
    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError>;

    /// A setting that was changed; none when it still has its starting value.
    ///
    /// # Errors
    /// When the store fails.
    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError>;
}

/// The store could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct WindowError(pub String);

/// Which records.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The entity.
    pub entity: Name,
    /// Columns and the values they must have.
    pub eq: Vec<(Name, Value)>,
    /// The order; that of making when empty.
    pub order: Vec<Order>,
    /// How many at most.
    pub limit: Option<usize>,
    /// Those behind this record, in order of making.
    pub after: Option<Name>,
}

/// One column of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: Name,
    /// Whether the greatest come first.
    pub descending: bool,
}

impl Query {
    /// Every record of an entity.
    pub fn all(entity: Name) -> Self {
        Self { entity, eq: Vec::new(), order: Vec::new(), limit: None, after: None }
    }

    /// Those of an entity with this value in a column.
    pub fn by(entity: &Name, column: &Name, value: Value) -> Self {
        Self { eq: vec![(column.clone(), value)], ..Self::all(entity.clone()) }
    }

    /// Those with this value in a column.
    pub fn with(mut self, column: impl AsRef<str>, value: Value) -> Self {
        self.eq.push((Name::new(column), value));
        self
    }

    /// Whether a record fits.
    pub fn fits(&self, record: &Record) -> bool {
        record.entity == self.entity && self.eq.iter().all(|(column, value)| record.get(column).same(value))
    }

    /// The same query for all that fit.
    pub(super) fn without_limit(&self) -> Self {
        Query { limit: None, ..self.clone() }
    }

    /// Adds the changed records that fit to those that did not change, as one answer.
    pub(crate) fn merge<'r>(&self, found: &mut Vec<Arc<Record>>, changed: impl Iterator<Item = &'r Arc<Record>>) {
        let behind = |record: &Record| self.after.as_ref().is_none_or(|after| record.id > *after);
        found.extend(changed.filter(|record| self.fits(record) && behind(record)).cloned());
        found.sort_by(|a, b| a.id.cmp(&b.id));
        self.arrange(found);
    }

    /// Puts records in the query's order and cuts them to its limit.
    pub fn arrange(&self, found: &mut Vec<Arc<Record>>) {
        if !self.order.is_empty() {
            found.sort_by(|a, b| {
                let by = |order: &Order| {
                    let by = a.get(&order.column).total_cmp(&b.get(&order.column));
                    if order.descending { by.reverse() } else { by }
                };
                self.order.iter().map(by).find(|by| by.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
            });
        }
        if let Some(limit) = self.limit {
            found.truncate(limit);
        }
    }
}

/// A window without records.
#[derive(Debug, Default)]
pub struct NoRecords;

impl Window for NoRecords {
    fn get(&self, _: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        Ok(None)
    }

    fn query(&self, _: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        Ok(Vec::new())
    }

    fn setting(&self, _: &str) -> Result<Option<Value>, WindowError> {
        Ok(None)
    }
}

/// A window over another, with the changes made since.
pub struct Overlay<'a> {
    below: &'a dyn Window,
    log: Vec<(Ref, Option<Arc<Record>>)>,
    now: BTreeMap<Ref, Option<Arc<Record>>>,
}

/// How far the changes of an overlay had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(usize);

impl<'a> Overlay<'a> {
    /// No changes yet.
    pub fn new(below: &'a dyn Window) -> Self {
        Self { below, log: Vec::new(), now: BTreeMap::new() }
    }

    /// Adds changes.
    pub fn push(&mut self, changes: &[Change]) {
        for change in changes {
            self.log.push((change.target.clone(), change.after.clone()));
            self.now.insert(change.target.clone(), change.after.clone());
        }
    }

    /// How far it has come.
    pub fn mark(&self) -> Mark {
        Mark(self.log.len())
    }

    /// Forgets the changes made since the mark.
    pub fn rollback(&mut self, mark: Mark) {
        if self.log.len() == mark.0 {
            return;
        }
        self.log.truncate(mark.0);
        self.now = self.log.iter().cloned().collect();
    }
}

impl Window for Overlay<'_> {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        match self.now.get(record) {
            Some(changed) => Ok(changed.clone()),
            None => self.below.get(record),
        }
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        let first = Ref { entity: query.entity.clone(), id: Name::default() };
        let touched = self.now.range(first..).next().is_some_and(|(record, _)| record.entity == query.entity);
        if !touched {
            return self.below.query(query);
        }
        let mut found = self.below.query(&query.without_limit())?;
        found.retain(|record| !self.now.contains_key(&record.reference()));
        query.merge(&mut found, self.now.values().flatten());
        Ok(found)
    }

    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError> {
        self.below.setting(name)
    }
}
