//! One request in the open transaction: answered again, carried out or refused.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::Limits;
use super::error::Error;
use super::foreign::Joined;
use super::host::{Alongside, HostTx};
use super::one::{One, stamp, word};
use super::principal::principal_of;
use super::request::{Asks, Request};
use super::services::{Registry, said};
use crate::element::definition::Catalog;
use crate::entity::Principal;
use crate::instance::{Command, Id, Need};
use crate::model::{Name, Value};
use crate::store::{Foreign, JournalBody, JournalRow, StoreError, Tx, Write};
use crate::turn::Answer;

/// How many reactions ran for each root, while there are any.
pub(super) type Roots = BTreeMap<[u8; 16], u32>;

/// What turns need beside the transaction.
pub(super) struct Shop<'e> {
    pub catalog: Arc<Catalog>,
    pub services: &'e Registry,
    pub foreign: &'e Foreign,
    pub limits: &'e Limits,
    pub now: DateTime<Utc>,
    pub roots: &'e Mutex<Roots>,
    /// Whether something may be left to react to.
    pub asked: Cell<bool>,
}

/// What came of a request.
pub(super) type Told = Result<Answer, Error>;

impl Shop<'_> {
    pub fn roots(&self) -> MutexGuard<'_, Roots> {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Own rows and foreign records as one.
    pub fn joined<'a>(&'a self, tx: &'a dyn Tx) -> Joined<'a, dyn Tx + 'a> {
        Joined::new(tx, self.foreign)
    }

    /// Carries out a request in the open transaction. The outer error breaks the whole transaction.
    pub fn carry_out(
        &self,
        tx: &mut dyn Tx,
        request: &Request,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Told, StoreError> {
        if let Some(hash) = request.stamp
            && let Some(seen) = tx.seen(request.id)?
        {
            if seen.hash != hash {
                return Ok(Err(Error::CommandReused(request.id)));
            }
            let corrupt = |error: minicbor::decode::Error| Error::Store(StoreError::Corrupt(error.to_string()));
            return Ok(minicbor::decode(&seen.answer).map_err(corrupt));
        }
        let principal = match principal_of(&self.catalog, &self.joined(&*tx), &request.actor)? {
            Ok(principal) => principal,
            Err(error) => return Ok(Err(error)),
        };
        let (command, instance, job) = match &request.asks {
            Asks::Setting(name, value) => return self.set(tx, request, &principal, name, value, outputs),
            Asks::Schedule(timer, due) => return self.schedule(tx, request.id, *timer, *due, outputs),
            Asks::Import(wish) => (Arc::new(Command::Save(wish.clone())), None, None),
            Asks::Command(command, instance) => (command.clone(), *instance, None),
            Asks::Timer(instance, wait) => (Arc::new(Command::Fire(*wait)), Some(*instance), None),
            Asks::Job(command, instance, job, attempt) => (command.clone(), Some(*instance), Some((*job, *attempt))),
        };
        let one = One {
            command,
            instance,
            principal,
            on_behalf_of: None,
            id: request.id,
            ids: request.id,
            root: request.id,
            depth: 0,
            stamp: request.stamp,
            consumed: None,
            job,
            silent: matches!(request.asks, Asks::Import(_)),
        };
        let told = self.one(tx, &one, request.alongside.as_deref(), outputs)?;
        match told {
            Err(error) if matches!(request.asks, Asks::Timer(..) | Asks::Job(..)) => {
                self.not_taken(tx, &one, error, outputs)
            }
            told => Ok(told),
        }
    }

    /// What the host does in the same transaction; what it refuses undoes the command.
    pub fn alongside(
        &self,
        tx: &mut dyn Tx,
        answer: &Answer,
        work: &Alongside,
    ) -> Result<Result<(), Error>, StoreError> {
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut HostTx::new(&mut *tx, self.foreign, answer, self.now))));
        if !tx.is_open() {
            return Err(StoreError::Aborted("the host ended the transaction that it only joined".into()));
        }
        Ok(match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::refused("host_refused", error.to_string())),
            Err(panic) => Err(Error::refused("host_refused", format!("the host's part panicked: {}", said(&*panic)))),
        })
    }

    /// A timer or a job's result that its instance could not take: dropped when nobody waits for it, else put aside.
    fn not_taken(
        &self,
        tx: &mut dyn Tx,
        one: &One,
        error: Error,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Told, StoreError> {
        let needs = match (one.instance, one.job) {
            // A job that waits for its suspended run stays: it is over when its result is taken.
            (_, Some(_)) if error.code() == "suspended" => Vec::new(),
            (_, Some((job, _))) => vec![Need::CloseJob(job)],
            (Some(instance), None) => one.wait().map(|wait| Need::DisarmTimer(instance, wait)).into_iter().collect(),
            (None, None) => Vec::new(),
        };
        match (error.code(), one.payload()) {
            ("fenced" | "conflict", _) => Ok(Err(error)),
            ("not_waiting" | "unknown", _) | (_, None) => {
                let notes = vec![format!("nobody waits for it: {error}")];
                let body = JournalBody { kind: word(&one.command).into(), notes, ..JournalBody::default() };
                self.put_fenced(tx, Write { needs, job: one.job, ..self.bare(one.id, body) }, outputs)
            }
            (_, Some(payload)) => self.put_aside(tx, one, payload, needs, &error, outputs),
        }
    }

    /// A part of the transaction that is undone alone when it is refused.
    pub fn atomically(
        &self,
        tx: &mut dyn Tx,
        outputs: &mut Vec<Arc<JournalRow>>,
        work: impl FnOnce(&Self, &mut dyn Tx, &mut Vec<Arc<JournalRow>>) -> Result<Told, StoreError>,
    ) -> Result<Told, StoreError> {
        let before = outputs.len();
        tx.savepoint()?;
        let told = work(self, tx, outputs)?;
        if told.is_ok() {
            tx.release()?;
        } else {
            tx.rollback()?;
            outputs.truncate(before);
        }
        mark(tx, &told)?;
        Ok(told)
    }

    fn set(
        &self,
        tx: &mut dyn Tx,
        request: &Request,
        principal: &Principal,
        name: &Name,
        value: &Value,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Told, StoreError> {
        let Some(setting) = self.catalog.library.settings.get(name) else {
            return Ok(Err(Error::Unknown(format!("expected a setting of the library, found {name}"))));
        };
        if !setting.ty.accepts(value) {
            return Ok(Err(Error::refused(
                "wrong_type",
                format!("the setting {name} is {}, found {value}", setting.ty),
            )));
        }
        let answer = Answer::default();
        let body = JournalBody {
            kind: "setting".into(),
            principal: principal.user().cloned(),
            settings: vec![(name.clone(), value.clone())],
            ..JournalBody::default()
        };
        let write = Write {
            stamp: request.stamp.map(|hash| stamp(request.id, hash, &answer)),
            settings: vec![(name.clone(), value.clone())],
            ..self.bare(request.id, body)
        };
        self.put(tx, write, outputs)?;
        Ok(Ok(answer))
    }
}

/// A damaged instance is found among those in trouble, though its command was refused.
pub(super) fn mark(tx: &mut dyn Tx, told: &Told) -> Result<(), StoreError> {
    match told {
        Err(Error::Damaged { instance, .. }) => tx.mark_damaged(*instance),
        _ => Ok(()),
    }
}

/// An id of its own for what follows from a command: the same on every rerun, of the same age, far from the ids of the command's turn.
pub(super) fn derived(base: Id, salt: u64) -> Id {
    let (high, low) = base.as_u64_pair();
    // The finisher of SplitMix64: neighbouring inputs lie far apart.
    let mut mixed = low.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    // The two bits of the variant stay; the lowest sixteen are left for the turn's own ids.
    Id::from_u64_pair(high, (low & 0xc000_0000_0000_0000) | (mixed & 0x3fff_ffff_ffff_0000))
}
