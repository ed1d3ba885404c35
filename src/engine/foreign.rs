//! Entities that systems of the host keep: turns read through them, and what turns change is handed to them after the commit.

use std::cell::RefCell;
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::shop::derived;
use super::{Engine, Error, Session};
use crate::element::service_task::Retry;
use crate::entity::{Query, Record, Window, WindowError};
use crate::instance::rows::Values;
use crate::instance::{Id, SubscriptionRow, TaskRow, Topic};
use crate::model::{Name, Ref, Value};
use crate::store::{Applied, Foreign, ForeignChange, JournalBody, JournalOf, JournalRow, StoreError, Tx, Write};
use crate::turn::World;

/// Rows of the journal that are looked through at once.
const PAGE: usize = 1_000;

/// A change that a foreign system has not taken yet. The later changes of its entity wait for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignFailure {
    /// The change.
    pub change: ForeignChange,
    /// Since when it fails.
    pub since: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again: after 10 seconds at first, then twice as long each time, an hour at most.
    pub again: DateTime<Utc>,
    /// Why.
    pub why: String,
}

/// Own rows and foreign records as one: what a foreign system has not taken yet is read from the own rows.
pub(super) struct Joined<'a, W: ?Sized> {
    own: &'a W,
    foreign: &'a Foreign,
    /// The task that was asked for last: a command asks for its own again and again.
    task: RefCell<Option<Arc<TaskRow>>>,
}

impl<'a, W: ?Sized> Joined<'a, W> {
    pub fn new(own: &'a W, foreign: &'a Foreign) -> Self {
        Self { own, foreign, task: RefCell::default() }
    }
}

impl<W: Window + ?Sized> Window for Joined<'_, W> {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        let own = self.own.get(record)?;
        match self.foreign.of(&record.entity) {
            Some(store) if own.is_none() => Ok(store.get(record)?),
            _ => Ok(own),
        }
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        let Some(store) = self.foreign.of(&query.entity) else { return self.own.query(query) };
        let pending = self.own.query(&Query::all(query.entity.clone()))?;
        let mut found = store.query(&Query { limit: None, order: Vec::new(), ..query.clone() })?;
        found.retain(|record| !pending.iter().any(|other| other.id == record.id));
        query.merge(&mut found, pending.iter());
        Ok(found)
    }

    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError> {
        self.own.setting(name)
    }
}

impl<W: World + ?Sized> World for Joined<'_, W> {
    fn running(&self, process: &str, key: &str) -> Result<Option<Id>, WindowError> {
        self.own.running(process, key)
    }

    fn listeners(&self, topic: &Topic) -> Result<Vec<SubscriptionRow>, WindowError> {
        self.own.listeners(topic)
    }

    fn task(&self, id: Id) -> Result<Option<Arc<TaskRow>>, WindowError> {
        if let Some(row) = self.task.borrow().as_ref().filter(|row| row.id == id) {
            return Ok(Some(row.clone()));
        }
        let found = self.own.task(id)?;
        self.task.replace(found.clone());
        Ok(found)
    }

    fn task_of(&self, record: &Ref) -> Result<Option<Arc<TaskRow>>, WindowError> {
        self.own.task_of(record)
    }

    fn about(&self, record: &Ref) -> Result<Vec<Id>, WindowError> {
        self.own.about(record)
    }

    fn kept_messages(&self, name: &str, key: &str, now: DateTime<Utc>) -> Result<Vec<(u64, Values)>, WindowError> {
        self.own.kept_messages(name, key, now)
    }
}

/// How long a system is left alone after so many attempts: as a service whose step says nothing else.
fn pause(attempts: u32) -> TimeDelta {
    let retry = Retry { times: u32::MAX, ..Retry::default() };
    TimeDelta::microseconds(retry.pause(attempts).unwrap_or(retry.max))
}

/// The name under which the journal is read for a foreign system.
fn reader(entity: &Name) -> String {
    format!("foreign:{entity}")
}

impl Engine {
    /// What is kept elsewhere must be an entity of the library.
    pub(super) fn check_foreign(&self) -> Result<(), Error> {
        let catalog = self.catalog();
        let is_known = |entity: &Name| catalog.library.entity(entity).is_some_and(|found| found.rows.is_none());
        match self.inner.foreign.entities().find(|entity| !is_known(entity)) {
            Some(lost) => Err(Error::Build(format!("a system keeps {lost}, which is no entity of the library"))),
            None => Ok(()),
        }
    }

    /// Hands committed changes to the foreign systems, in order; true when one was taken. A failing one is tried again later.
    pub(super) fn hand_over(&self) -> Result<bool, Error> {
        let mut taken = false;
        for entity in self.inner.foreign.entities() {
            if self.rests(entity) {
                continue;
            }
            while let Some(change) = self.next_change(entity)? {
                if !self.hand(entity, &change)? {
                    break;
                }
                taken = true;
            }
        }
        Ok(taken)
    }

    /// The first change of an entity that its system has not taken; what lies before it is read.
    fn next_change(&self, entity: &Name) -> Result<Option<(u64, ForeignChange)>, Error> {
        let name = reader(entity);
        let from = self.read(|rows| rows.cursor(&name))?;
        let mut after = from;
        loop {
            let rows = self.journal(&JournalOf::All, after, PAGE)?;
            let found = rows.iter().find_map(|row| Some((row, first_change(row, entity)?)));
            // A row with several changes is handed over change by change, each known by its own key.
            if let Some((row, change)) = found {
                return Ok(Some((row.seq, change)));
            }
            let Some(last) = rows.last() else { break };
            after = last.seq;
        }
        if after > from {
            self.acknowledge(&name, after)?;
        }
        Ok(None)
    }

    /// Hands one row's changes over; false when one of them fails.
    fn hand(&self, entity: &Name, (seq, first): &(u64, ForeignChange)) -> Result<bool, Error> {
        let Some(store) = self.inner.foreign.of(entity) else { return Ok(false) };
        let rows = self.journal(&JournalOf::All, seq.saturating_sub(1), 1)?;
        let changes: Vec<ForeignChange> = rows.first().map(|row| changes(row, entity)).unwrap_or_default();
        for change in &changes {
            let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.take(change)));
            let why = match taken {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => format!("it panicked: {}", super::services::said(&*panic)),
            };
            self.note_failure(change, why);
            return Ok(false);
        }
        self.failures().retain(|failure| failure.change.record.entity != *entity);
        self.forget(entity, *seq, &changes, first, "was taken by the system that keeps it")?;
        Ok(true)
    }

    fn note_failure(&self, change: &ForeignChange, why: String) {
        let now = self.now();
        let mut failures = self.failures();
        let of = |failure: &ForeignFailure| failure.change.record.entity == change.record.entity;
        let before = failures.iter().position(of).map(|at| failures.swap_remove(at));
        let before = before.filter(|before| before.change == *change);
        let attempts = before.as_ref().map_or(1, |before| before.attempts.saturating_add(1));
        let since = before.map_or(now, |before| before.since);
        let again = now.checked_add_signed(pause(attempts)).unwrap_or(now);
        failures.push(ForeignFailure { change: change.clone(), since, attempts, again, why });
    }

    /// Whether the system that keeps an entity has failed and is left alone for a while.
    fn rests(&self, entity: &Name) -> bool {
        let now = self.now();
        self.failures().iter().any(|failure| failure.change.record.entity == *entity && failure.again > now)
    }

    /// When a failing system is asked again.
    pub(super) fn next_hand_over(&self) -> Option<DateTime<Utc>> {
        self.failures().iter().map(|failure| failure.again).min()
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, Vec<ForeignFailure>> {
        self.inner.foreign_failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One commit: the rows that stood in for the foreign records go, and the journal has been read so far.
    fn forget(
        &self,
        entity: &Name,
        seq: u64,
        changes: &[ForeignChange],
        first: &ForeignChange,
        how: &str,
    ) -> Result<(), Error> {
        let notes = changes.iter().map(|change| format!("{} revision {} {how}", change.record, change.rev)).collect();
        let body = JournalBody { kind: "foreign".into(), notes, ..JournalBody::default() };
        let journal = JournalRow { at: self.now(), command: derived(first.key, 1), body, ..JournalRow::default() };
        let settled: Vec<(Ref, u64)> = changes.iter().map(|change| (change.record.clone(), change.rev)).collect();
        let write = Write { journal, settled, ..Write::default() };
        let name = reader(entity);
        self.write(|tx: &mut dyn Tx| match tx.apply(write.clone())? {
            Applied::Applied(_) => tx.set_cursor(&name, seq),
            other => Err(StoreError::Aborted(format!("a row of the journal was refused: {other:?}"))),
        })
    }

    /// The changes that foreign systems could not take yet, one for each entity: the later ones wait behind it.
    pub fn foreign_failures(&self) -> Vec<ForeignFailure> {
        self.failures().clone()
    }
}

impl Session<'_> {
    /// Gives up the change that a foreign system cannot take: it will never see it, and the later ones go on.
    ///
    /// # Errors
    /// When nothing of this entity fails.
    pub fn skip_foreign(&self, entity: &str) -> Result<(), Error> {
        let engine = self.engine();
        let entity = Name::new(entity);
        let failing = engine.foreign_failures().into_iter().find(|failure| failure.change.record.entity == entity);
        let next = engine.next_change(&entity)?;
        let Some(((seq, first), _)) = next.zip(failing) else {
            return Err(Error::Unknown(format!("expected a change of {entity} that fails, found none")));
        };
        let rows = engine.journal(&JournalOf::All, seq.saturating_sub(1), 1)?;
        let changes: Vec<ForeignChange> = rows.first().map(|row| changes(row, &entity)).unwrap_or_default();
        engine.forget(&entity, seq, &changes, &first, "was given up")?;
        engine.failures().retain(|failure| failure.change.record.entity != entity);
        Ok(())
    }
}

fn first_change(row: &JournalRow, entity: &Name) -> Option<ForeignChange> {
    changes(row, entity).into_iter().next()
}

/// What a row of the journal asks of the system that keeps an entity.
fn changes(row: &JournalRow, entity: &Name) -> Vec<ForeignChange> {
    let own = row.body.changes.iter().enumerate();
    let own = own.filter(|(_, change)| change.foreign && change.record.entity == *entity);
    own.map(|(at, change)| ForeignChange {
        key: derived(row.command, row.seq.wrapping_mul(1 << 16).wrapping_add(at as u64)),
        record: change.record.clone(),
        kind: change.kind,
        rev: change.rev,
        columns: change.columns.clone(),
        command: row.command,
    })
    .collect()
}
