//! One command in the open transaction: its turn, the processes it calls, and what is written.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::Limits;
use super::error::Error;
use super::foreign::Joined;
use super::host::{Alongside, HostTx};
use super::request::{Actor, Asks, Request};
use super::services::{Registry, said};
use crate::element::definition::Catalog;
use crate::entity::{Change, IdSource, Principal, Window, WindowError};
use crate::instance::{Command, Id, JobRow, Need, Payload, Run, StartBy, WaitId};
use crate::model::{Name, Ref, Value};
use crate::store::{Applied, ChangeNote, Foreign, JournalBody, JournalRow, Stamp, StoreError, Tx, Write};
use crate::turn::{self, Answer, CallStart, Context, Input, Output, Refused, Route, World};

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
    fn joined<'a>(&'a self, tx: &'a dyn Tx) -> Joined<'a, dyn Tx + 'a> {
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
    fn alongside(&self, tx: &mut dyn Tx, answer: &Answer, work: &Alongside) -> Result<Result<(), Error>, StoreError> {
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

    /// One turn, the processes it calls and what the host does alongside: all or nothing.
    pub fn one(
        &self,
        tx: &mut dyn Tx,
        one: &One,
        alongside: Option<&Alongside>,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Told, StoreError> {
        let mut output = match self.decided(&*tx, one)? {
            Ok(output) => output,
            Err(error) => {
                let told = Err(error);
                mark(tx, &told)?;
                return Ok(told);
            }
        };
        let answer = std::mem::take(&mut output.answer);
        let calls = std::mem::take(&mut output.calls);
        let goes_on = match &*one.command {
            Command::Suspend(false) | Command::Cancel(_) => output.instance.as_ref().map(|run| run.row.id),
            _ => None,
        };
        // A single write is refused before it changes anything: only several need a way back.
        if calls.is_empty() && goes_on.is_none() && alongside.is_none() {
            return Ok(self.write(tx, one, *output, &answer, outputs)?.map(|()| answer));
        }
        self.atomically(tx, outputs, |shop, tx, outputs| {
            if let Err(error) = shop.write(tx, one, *output, &answer, outputs)? {
                return Ok(Err(error));
            }
            if let Some(instance) = goes_on {
                shop.put_back(tx, instance)?;
            }
            for call in calls {
                if let Err(error) = shop.called(tx, one, call, outputs)? {
                    return Ok(Err(error));
                }
            }
            let done = alongside.map_or(Ok(Ok(())), |work| shop.alongside(tx, &answer, work))?;
            Ok(done.map(|()| answer))
        })
    }

    /// What a turn gives, with nothing written yet.
    fn decided(&self, tx: &dyn Tx, one: &One) -> Result<Result<Box<Output>, Error>, StoreError> {
        let world = self.joined(tx);
        let instance = match turn::route(&one.command, &self.catalog, &world) {
            Ok(Route::Instance(id)) => Some(id),
            Ok(Route::Free) => one.instance,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let found = match instance.map(|id| (id, tx.instance(id))) {
            None => None,
            Some((_, Ok(Some(found)))) => Some(found),
            Some((id, Ok(None))) => {
                return Ok(Err(Error::Unknown(format!("expected an instance, found none with the id {id}"))));
            }
            Some((id, Err(StoreError::Corrupt(why)))) => return Ok(Err(Error::Damaged { instance: id, why })),
            Some((_, Err(error))) => return Err(error),
        };
        let mut output = match self.turn(tx, &world, one, found) {
            Ok(output) => output,
            Err(refused) => return Ok(Err(refused.into())),
        };
        if one.silent {
            output.reactions.clear();
            output.transitions.clear();
        }
        Ok(self.over_limits(&output).map_or(Ok(output), Err))
    }

    /// The called process begins in the caller's commit (S9).
    fn called(
        &self,
        tx: &mut dyn Tx,
        caller: &One,
        call: CallStart,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Told, StoreError> {
        let CallStart { id, process, version, record, with, caller: waits, depth } = call;
        let by = StartBy::Call(id);
        let command = Command::Start { process, version, by, record, new: None, with, caller: waits, depth };
        let ids = derived(id, 1);
        let command = Arc::new(command);
        let one = One { command, instance: None, stamp: None, consumed: None, job: None, ids, ..caller.clone() };
        self.one(tx, &one, None, outputs)
    }

    fn turn(
        &self,
        tx: &dyn Tx,
        world: &dyn World,
        one: &One,
        instance: Option<Box<Run>>,
    ) -> Result<Box<Output>, Refused> {
        let id = instance.as_ref().map(|run| run.row.id);
        match self.guarded(world, one, instance, turn::run) {
            Err(Refused::Overrun) => {
                let again = id.map(|id| tx.instance(id).map_err(WindowError::from)).transpose()?.flatten();
                self.guarded(world, one, again, turn::overrun)
            }
            told => told,
        }
    }

    /// A turn that panics changes nothing and harms nobody else.
    fn guarded(
        &self,
        world: &dyn World,
        one: &One,
        instance: Option<Box<Run>>,
        run: fn(Input<'_>) -> Result<Box<Output>, Refused>,
    ) -> Result<Box<Output>, Refused> {
        let input = Input {
            catalog: &self.catalog,
            world,
            services: self.services,
            instance,
            command: &one.command,
            context: Context {
                now: self.now,
                principal: one.principal.clone(),
                on_behalf_of: one.principal.user().cloned().or_else(|| one.on_behalf_of.clone()),
                command: one.id,
                root: one.root,
                depth: one.depth,
                ids: IdSource::new(one.ids),
                max_steps: self.limits.steps,
            },
        };
        match catch_unwind(AssertUnwindSafe(|| run(input))) {
            Ok(output) => output,
            Err(panic) => Err(Refused::Invalid(format!("the turn panicked, nothing was changed: {}", said(&*panic)))),
        }
    }

    fn over_limits(&self, output: &Output) -> Option<Error> {
        let state = &output.instance.as_ref()?.state;
        if state.tokens.len() > self.limits.tokens {
            let text =
                format!("expected at most {} tokens in an instance, found {}", self.limits.tokens, state.tokens.len());
            return Some(Error::refused("too_many_tokens", text));
        }
        // Only large states are weighed: few have more than a handful of variables.
        let values: usize = state.scopes.iter().map(|scope| scope.vars.len()).sum();
        if values > 64 || state.scopes.iter().flat_map(|scope| &scope.vars).any(is_large) {
            let bytes = minicbor::to_vec(state).map_or(usize::MAX, |bytes| bytes.len());
            if bytes > self.limits.variable_bytes {
                let text = format!("expected at most {} bytes of variables, found {bytes}", self.limits.variable_bytes);
                return Some(Error::refused("too_many_variables", text));
            }
        }
        None
    }

    /// Changes of records that other systems keep, and of the store's own.
    fn parted(&self, changes: Vec<Change>) -> (Vec<Change>, Vec<Change>) {
        if self.foreign.is_empty() {
            return (Vec::new(), changes);
        }
        changes.into_iter().partition(|change| self.foreign.of(&change.target.entity).is_some())
    }

    fn write(
        &self,
        tx: &mut dyn Tx,
        one: &One,
        output: Output,
        answer: &Answer,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Result<(), Error>, StoreError> {
        let (mut foreign, changes) = self.parted(output.changes);
        foreign.retain(|change| !change.touch);
        if let Some(gone) = foreign.iter().find(|change| change.after.is_none()) {
            let text = format!("{} is kept by another system: it cannot be deleted from here", gone.target);
            return Ok(Err(Error::refused("foreign_record", text)));
        }
        let stamp = one.stamp.map(|hash| stamp(one.id, hash, answer));
        let noted = changes.iter().filter_map(ChangeNote::of);
        let to_take = foreign.iter().filter_map(ChangeNote::of).map(|note| ChangeNote { foreign: true, ..note });
        let journal = JournalRow {
            seq: 0,
            at: self.now,
            instance: output.instance.as_ref().map(|run| run.row.id),
            revision: output.instance.as_ref().map_or(0, |run| run.row.revision),
            command: one.id,
            body: JournalBody {
                kind: word(&one.command).to_string(),
                principal: one.principal.user().cloned(),
                on_behalf_of: one.on_behalf_of.clone(),
                facts: output.facts,
                changes: noted.chain(to_take).collect(),
                transitions: output.transitions,
                notices: output.notices.into_iter().map(|notice| (notice.to, notice.text)).collect(),
                notes: output.notes,
                settings: Vec::new(),
                root: Some(*one.root.as_bytes()),
            },
        };
        let write = Write {
            stamp,
            journal,
            instance: output.instance,
            needs: output.needs.into_iter().map(|need| fenced(need, one.job)).collect(),
            changes,
            foreign,
            settled: Vec::new(),
            settings: Vec::new(),
            reactions: output.reactions,
            parked: Vec::new(),
            consumed: one.consumed,
            job: one.job,
        };
        if !write.reactions.is_empty() {
            self.asked.set(true);
        }
        Ok(match tx.apply(write)? {
            Applied::Applied(row) => {
                outputs.push(row);
                Ok(())
            }
            Applied::Conflict(what) => Err(Error::Conflict(what)),
            Applied::Fenced => Err(Error::Fenced(one.job.map_or(one.id, |(job, _)| job))),
            Applied::Duplicate(_) => Err(Error::CommandReused(one.id)),
            Applied::AlreadyRunning(id) => {
                Err(Error::refused("already_running", format!("already running: instance {id}")))
            }
        })
    }
}

/// A damaged instance is found among those in trouble, though its command was refused.
fn mark(tx: &mut dyn Tx, told: &Told) -> Result<(), StoreError> {
    match told {
        Err(Error::Damaged { instance, .. }) => tx.mark_damaged(*instance),
        _ => Ok(()),
    }
}

/// One turn to be run.
#[derive(Clone)]
pub(super) struct One {
    pub command: Arc<Command>,
    pub instance: Option<Id>,
    pub principal: Principal,
    pub on_behalf_of: Option<Ref>,
    pub id: Id,
    /// The base of the ids that the turn hands out.
    pub ids: Id,
    pub root: Id,
    pub depth: u32,
    pub stamp: Option<u64>,
    pub consumed: Option<u64>,
    pub job: Option<(Id, u32)>,
    /// Whether nothing follows from it.
    pub silent: bool,
}

impl One {
    /// The wait that the command wakes.
    pub fn wait(&self) -> Option<WaitId> {
        match &*self.command {
            Command::Fire(wait) | Command::JobDone(wait, _) | Command::JobFailed(wait, _) => Some(*wait),
            _ => None,
        }
    }

    /// What the command brings to its wait, to be kept for later.
    fn payload(&self) -> Option<Payload> {
        Some(match &*self.command {
            Command::Fire(_) => Payload::Due,
            Command::JobDone(_, values) => Payload::Done(values.clone().into_iter().collect()),
            Command::JobFailed(_, failure) => Payload::Failed(failure.clone()),
            _ => return None,
        })
    }
}

/// Another attempt of a job lies behind every lease of the one before, so that a late worker is refused.
fn fenced(need: Need, job: Option<(Id, u32)>) -> Need {
    match (need, job) {
        (Need::KeepJob(row), Some((id, attempt))) if row.id == id => {
            Need::KeepJob(Box::new(JobRow { attempt: row.attempt.max(attempt.saturating_add(1)), ..*row }))
        }
        (need, _) => need,
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

fn stamp(command: Id, hash: u64, answer: &Answer) -> Stamp {
    let mut bytes = Vec::with_capacity(64);
    // Writing to memory cannot fail.
    let _infallible = minicbor::encode(answer, &mut bytes);
    Stamp { command, hash, answer: bytes }
}

fn is_large(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.len() > 4_096,
        Value::List(items) => items.len() > 64,
        Value::Map(entries) => entries.len() > 64,
        _ => false,
    }
}

/// Who acts, with the roles that he has now.
pub(super) fn principal_of(
    catalog: &Catalog,
    window: &dyn Window,
    actor: &Actor,
) -> Result<Result<Principal, Error>, StoreError> {
    let Actor::User(id) = actor else { return Ok(Ok(Principal::System)) };
    let user = Ref { entity: Name::new("user"), id: id.clone() };
    let Some(record) = window.get(&user)? else {
        return Ok(Err(Error::Unknown(format!("expected a user, found no user {id}"))));
    };
    let named = match record.get(&Name::new("roles")) {
        Value::List(roles) => roles.iter().map(|role| Name::new(role.to_string())).collect(),
        _ => Vec::new(),
    };
    let roles = with_inherited(catalog, named);
    let all = roles.iter().any(|role| catalog.library.roles.get(role).is_some_and(|role| role.all));
    Ok(Ok(Principal::User { user, roles, all }))
}

/// Roles with those they inherit.
pub(super) fn with_inherited(catalog: &Catalog, named: Vec<Name>) -> Vec<Name> {
    let mut roles = named;
    let mut at = 0;
    while let Some(role) = roles.get(at).cloned() {
        let inherited = catalog.library.roles.get(&role).map(|role| role.inherits.as_slice()).unwrap_or_default();
        for role in inherited {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        at = at.saturating_add(1);
    }
    roles
}

/// What a command is, in a word of the journal.
fn word(command: &Command) -> &'static str {
    match command {
        Command::Start { by: StartBy::Hand, .. } => "start",
        Command::Start { by: StartBy::Call(_), .. } => "call",
        Command::Start { by: StartBy::Event(_, payload), .. } => match payload {
            Payload::Record(_) => "start by record",
            Payload::Message(..) => "start by message",
            Payload::Signal(..) => "start by signal",
            _ => "start by schedule",
        },
        Command::Complete { .. } => "complete",
        Command::Claim(_) => "claim",
        Command::Release(_) => "release",
        Command::Reassign(..) => "reassign",
        Command::Fire(_) => "timer",
        Command::JobDone(..) => "job done",
        Command::JobFailed(..) => "job failed",
        Command::Deliver(..) => "reaction",
        Command::Act(..) => "act",
        Command::Mend(..) => "mend",
        Command::Cancel(_) => "cancel",
        Command::Suspend(true) => "suspend",
        Command::Suspend(false) => "resume",
        Command::Save(_) => "save",
        Command::Signal(..) => "signal",
        Command::Publish { .. } => "publish",
    }
}
