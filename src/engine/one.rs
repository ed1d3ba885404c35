//! One turn of a command: what it decides, what it calls, and how that is written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::error::Error;
use super::host::Alongside;
use super::services::said;
use super::shop::{Shop, Told, derived, mark};
use crate::entity::{Change, IdSource, Principal, WindowError};
use crate::instance::{Command, Id, JobRow, Need, Payload, Run, StartBy, WaitId};
use crate::model::{Ref, Value};
use crate::store::{Applied, ChangeNote, JournalBody, JournalRow, Stamp, StoreError, Tx, Write};
use crate::turn::{self, Answer, CallStart, Context, Input, Output, Refused, Route, World};

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
    pub fn payload(&self) -> Option<Payload> {
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

impl Shop<'_> {
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

pub(super) fn stamp(command: Id, hash: u64, answer: &Answer) -> Stamp {
    let mut bytes = Vec::with_capacity(24);
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

/// What a command is, in a word of the journal.
pub(super) fn word(command: &Command) -> &'static str {
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
