//! One command in the open transaction: its turn, the processes it calls, and what is written.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Limits;
use super::error::Error;
use super::services::{Registry, said};
use crate::element::definition::Catalog;
use crate::entity::{IdSource, Principal, Wish};
use crate::instance::{Command, Id, InstanceRow, Payload, Reaction, Receiver, StartBy, State};
use crate::model::{Name, Ref, Value};
use crate::store::{Applied, ChangeNote, JournalBody, JournalRow, Stamp, StoreError, Tx, Write};
use crate::turn::{self, Answer, CallStart, Context, Input, Output, Refused, Route};

/// Who gives a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The host itself.
    System,
    /// The user with this id.
    User(Name),
}

/// What is asked of the engine, with its id.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub id: Id,
    pub actor: Actor,
    pub asks: Asks,
    /// What the host does in the same transaction.
    pub joined: Option<Joined>,
}

/// A host's own work in the transaction of a command.
#[derive(Clone)]
pub(super) struct Joined(pub Arc<HostWork>);

/// A closure over the open transaction; an error undoes the command with it.
pub(super) type HostWork = dyn Fn(&dyn Tx) -> Result<(), String> + Send + Sync;

impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Joined")
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub(super) enum Asks {
    /// A command; to this instance, when it does not say so itself.
    Command(Box<Command>, Option<Id>),
    /// The result of a claimed job, with its attempt.
    Job(Box<Command>, Id, Id, u32),
    /// Another value of a setting.
    Setting(Name, Value),
    /// A record of the past: no event follows.
    Import(Wish),
}

impl Request {
    /// Equal for equal requests: the same id with another body is refused.
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.actor.hash(&mut hasher);
        format!("{:?}", self.asks).hash(&mut hasher);
        hasher.finish()
    }
}

/// What turns need beside the transaction.
pub(super) struct Shop {
    pub catalog: Arc<Catalog>,
    pub services: Arc<Registry>,
    pub limits: Limits,
    pub now: DateTime<Utc>,
}

/// What came of a request: its answer, and what observers are told after the commit.
pub(super) type Told = Result<Answer, Error>;

impl Shop {
    /// Carries out a request in the open transaction. The outer error breaks the whole transaction.
    pub fn carry_out(
        &self,
        tx: &mut dyn Tx,
        request: &Request,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Told, StoreError> {
        if let Some(seen) = tx.seen(request.id)? {
            if seen.hash != request.hash() {
                return Ok(Err(Error::CommandReused(request.id)));
            }
            return Ok(
                minicbor::decode(&seen.answer).map_err(|error| Error::Store(StoreError::Corrupt(error.to_string())))
            );
        }
        let principal = match self.principal(tx, &request.actor)? {
            Ok(principal) => principal,
            Err(error) => return Ok(Err(error)),
        };
        let (command, instance, job) = match &request.asks {
            Asks::Setting(name, value) => return self.set(tx, request, &principal, name, value, outputs),
            Asks::Import(wish) => (Command::Save(wish.clone()), None, None),
            Asks::Command(command, instance) => ((**command).clone(), *instance, None),
            Asks::Job(command, instance, job, attempt) => {
                ((**command).clone(), Some(*instance), Some((*job, *attempt)))
            }
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
            stamp: Some(request.hash()),
            consumed: None,
            job,
            silent: matches!(request.asks, Asks::Import(_)),
        };
        self.atomically(tx, outputs, |shop, tx, outputs| {
            let told = shop.one(tx, one, outputs)?;
            Ok(match (told, &request.joined) {
                (Ok(answer), Some(Joined(work))) => {
                    work(&*tx).map(|()| answer).map_err(|why| Error::refused("host_refused", why))
                }
                (told, _) => told,
            })
        })
    }

    /// A part of the transaction that is undone alone when it is refused.
    fn atomically(
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
        Ok(told)
    }

    fn principal(&self, tx: &dyn Tx, actor: &Actor) -> Result<Result<Principal, Error>, StoreError> {
        let Actor::User(id) = actor else { return Ok(Ok(Principal::System)) };
        let user = Ref { entity: Name::new("user"), id: id.clone() };
        let Some(record) = tx.get(&user)? else {
            return Ok(Err(Error::Unknown(format!("expected a user, found no user {id}"))));
        };
        let named = match record.get(&Name::new("roles")) {
            Value::List(roles) => roles.iter().map(|role| Name::new(role.to_string())).collect(),
            _ => Vec::new(),
        };
        let roles = with_inherited(&self.catalog, named);
        let all = roles.iter().any(|role| self.catalog.library.roles.get(role).is_some_and(|role| role.all));
        Ok(Ok(Principal::User { user, roles, all }))
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
        let journal = JournalRow { at: self.now, command: request.id, body, ..JournalRow::default() };
        let write = Write {
            stamp: Some(stamp(request.id, request.hash(), &answer)),
            journal: journal.clone(),
            settings: vec![(name.clone(), value.clone())],
            ..Write::default()
        };
        if let Applied::Applied(seq) = tx.apply(&write)? {
            outputs.push(Arc::new(JournalRow { seq, ..journal }));
        }
        Ok(Ok(answer))
    }

    /// One turn and the processes it calls.
    fn one(&self, tx: &mut dyn Tx, one: One, outputs: &mut Vec<Arc<JournalRow>>) -> Result<Told, StoreError> {
        let instance = match turn::route(&one.command, &self.catalog, tx) {
            Ok(Route::Instance(id)) => Some(id),
            Ok(Route::Free) => one.instance,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let found = match instance {
            None => None,
            Some(id) => match tx.instance(id)? {
                Some(found) => Some(found),
                None => return Ok(Err(Error::Unknown(format!("expected an instance, found none with the id {id}")))),
            },
        };
        let output = match self.turn(tx, &one, found) {
            Ok(output) if one.silent => Output { reactions: Vec::new(), transitions: Vec::new(), ..output },
            Ok(output) => output,
            Err(refused) => return Ok(Err(refused.into())),
        };
        if let Some(error) = self.over_limits(&output) {
            return Ok(Err(error));
        }
        let answer = output.answer.clone();
        let calls = output.calls.clone();
        if let Err(error) = self.write(tx, &one, output, outputs)? {
            return Ok(Err(error));
        }
        for call in calls {
            if let Err(error) = self.called(tx, &one, call, outputs)? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(answer))
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
        let one = One { command, instance: None, stamp: None, consumed: None, job: None, ids, ..caller.clone() };
        self.one(tx, one, outputs)
    }

    fn turn(&self, tx: &dyn Tx, one: &One, instance: Option<(InstanceRow, State)>) -> Result<Output, Refused> {
        let input = Input {
            catalog: &self.catalog,
            world: tx,
            services: &*self.services,
            instance,
            command: one.command.clone(),
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
        match catch_unwind(AssertUnwindSafe(|| turn::run(input))) {
            Ok(output) => output,
            Err(panic) => Err(Refused::Invalid(format!("the turn panicked, nothing was changed: {}", said(&*panic)))),
        }
    }

    fn over_limits(&self, output: &Output) -> Option<Error> {
        let (_, state) = output.instance.as_ref()?;
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

    fn write(
        &self,
        tx: &mut dyn Tx,
        one: &One,
        output: Output,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Result<(), Error>, StoreError> {
        let stamp = one.stamp.map(|hash| stamp(one.id, hash, &output.answer));
        let journal = JournalRow {
            seq: 0,
            at: self.now,
            instance: output.instance.as_ref().map(|(row, _)| row.id),
            revision: output.instance.as_ref().map_or(0, |(row, _)| row.revision),
            command: one.id,
            body: JournalBody {
                kind: word(&one.command).to_string(),
                principal: one.principal.user().cloned(),
                on_behalf_of: one.on_behalf_of.clone(),
                facts: output.facts,
                changes: output.changes.iter().filter_map(ChangeNote::of).collect(),
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
            needs: output.needs,
            changes: output.changes,
            settings: Vec::new(),
            reactions: output.reactions,
            consumed: one.consumed,
            job: one.job,
        };
        Ok(match tx.apply(&write)? {
            Applied::Applied(seq) => {
                outputs.push(Arc::new(JournalRow { seq, ..write.journal }));
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

    /// Runs the oldest reaction, if there is one, as its receiver's own turn. A failing one is put aside with its reason (S25).
    pub fn react(&self, tx: &mut dyn Tx, outputs: &mut Vec<Arc<JournalRow>>) -> Result<bool, StoreError> {
        let Some((seq, reaction)) = tx.next_reaction()? else { return Ok(false) };
        if reaction.depth > self.limits.reaction_depth {
            tx.park_reaction(
                seq,
                Some(&format!("reactions follow from each other deeper than {}", self.limits.reaction_depth)),
            )?;
            return Ok(true);
        }
        let told = self.atomically(tx, outputs, |shop, tx, outputs| {
            let one = shop.reacting(seq, &reaction);
            match one {
                Some(one) => shop.one(tx, one, outputs),
                None => Ok(Err(Error::Unknown("the reaction asks nothing".into()))),
            }
        })?;
        match told {
            Ok(_) => {}
            // A start that meets its guard, and a receiver that has ended meanwhile, are recorded, not failures.
            Err(error) if matches!(error.code(), "already_running" | "not_waiting" | "unknown") => {
                self.pass_by(tx, seq, &reaction, &error.to_string(), outputs)?;
            }
            Err(Error::Store(error)) => return Err(error),
            Err(error) => tx.park_reaction(seq, Some(&error.to_string()))?,
        }
        Ok(true)
    }

    fn reacting(&self, seq: u64, reaction: &Reaction) -> Option<One> {
        let root = Id::from_bytes(reaction.root);
        let id = derived(root, seq.saturating_add(2));
        let (command, instance) = match reaction.to.clone() {
            Receiver::Wait(id, wait) => (turn::of_reaction(reaction.payload.clone(), Some(wait))?, Some(id)),
            Receiver::Instance(id) => (turn::of_reaction(reaction.payload.clone(), None)?, Some(id)),
            Receiver::Start(process, at, record) => {
                (turn::start_of_reaction(process, at, record, reaction.payload.clone()), None)
            }
        };
        Some(One {
            command,
            instance,
            principal: Principal::System,
            on_behalf_of: reaction.principal.clone(),
            id,
            ids: id,
            root,
            depth: reaction.depth,
            stamp: None,
            consumed: Some(seq),
            job: None,
            silent: false,
        })
    }

    fn pass_by(
        &self,
        tx: &mut dyn Tx,
        seq: u64,
        reaction: &Reaction,
        why: &str,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<(), StoreError> {
        let what = match &reaction.to {
            Receiver::Start(process, ..) => format!("{process} was not started"),
            Receiver::Wait(id, _) | Receiver::Instance(id) => format!("nothing for instance {id}"),
        };
        let body = JournalBody {
            kind: "reaction".into(),
            notes: vec![format!("{what}: {why}")],
            root: Some(reaction.root),
            ..JournalBody::default()
        };
        let root = Id::from_bytes(reaction.root);
        let journal = JournalRow { at: self.now, command: root, body, ..JournalRow::default() };
        let write = Write { journal: journal.clone(), consumed: Some(seq), ..Write::default() };
        if let Applied::Applied(seq) = tx.apply(&write)? {
            outputs.push(Arc::new(JournalRow { seq, ..journal }));
        }
        Ok(())
    }
}

/// One turn to be run.
#[derive(Clone)]
struct One {
    command: Command,
    instance: Option<Id>,
    principal: Principal,
    on_behalf_of: Option<Ref>,
    id: Id,
    /// The base of the ids that the turn hands out.
    ids: Id,
    root: Id,
    depth: u32,
    stamp: Option<u64>,
    consumed: Option<u64>,
    job: Option<(Id, u32)>,
    /// Whether nothing follows from it.
    silent: bool,
}

/// An id of its own for what follows from a command: the same on every rerun, of the same age, far from the ids of the command's turn.
fn derived(base: Id, salt: u64) -> Id {
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
    let mut bytes = Vec::new();
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
