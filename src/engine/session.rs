//! What an actor asks of the engine. Every call carries an actor and a command id, and returns after its commit.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::commit::Ticket;
use super::deploy::Deploying;
use super::host::{Alongside, HostError, HostTx};
use super::request::{Actor, Asks, Request};
use super::{Engine, Error, Warnings};
use crate::entity::Wish;
use crate::instance::rows::Values;
use crate::instance::{Command, Id, Resolution, StartBy, WaitId};
use crate::load::Sources;
use crate::model::{Name, Ref, Value};
use crate::store::{JournalBody, JournalRow, Old, Write};
use crate::turn::{Answer, Delivery};

/// Calls on behalf of an actor. With [`Session::command`] the next call carries an id of the caller's: however often it is sent, it is
/// carried out once.
#[derive(Clone)]
pub struct Session<'e> {
    engine: &'e Engine,
    actor: Actor,
    id: Option<Id>,
    alongside: Option<Arc<Alongside>>,
}

/// Named values as callers write them.
fn values<N: AsRef<str>>(pairs: impl IntoIterator<Item = (N, Value)>) -> Values {
    pairs.into_iter().map(|(name, value)| (Name::new(name), value)).collect()
}

impl<'e> Session<'e> {
    pub(super) fn new(engine: &'e Engine, actor: Actor) -> Self {
        Self { engine, actor, id: None, alongside: None }
    }

    /// The same actor with a command id for the next call.
    pub fn command(&self, id: Id) -> Self {
        Self { id: Some(id), ..self.clone() }
    }

    /// What the host does in the transaction of the next call, right behind its turn: both are written, or neither. It runs on the
    /// thread that writes; an error refuses the call, and so does a panic. It must be quick, must not call the engine, and neither
    /// commits nor rolls back. When the same command is sent again it does not run again.
    pub fn alongside(&self, work: impl Fn(&mut HostTx<'_>) -> Result<(), HostError> + Send + Sync + 'static) -> Self {
        Self { alongside: Some(Arc::new(work)), ..self.clone() }
    }

    /// The same actor with work of the host's own for the next call: it runs on the writer's thread in the command's transaction, over
    /// the host's tables in the same file. When it fails, nothing of the command has happened; a call into the engine from there is
    /// [`Error::Reentrant`].
    ///
    /// ```no_run
    /// # use stageflow::{Engine, store::SqliteStore};
    /// # let engine = Engine::builder().store(SqliteStore::open("crm.db")?).build()?;
    /// # let task = uuid::Uuid::nil();
    /// let session = engine.user("anna").joined(|host| host.execute("INSERT INTO parcel (kettle) VALUES (1)", []).map(|_| ()));
    /// session.complete(task, Some("packed"), [] as [(&str, stageflow::model::Value); 0])?;
    /// # Ok::<(), stageflow::Error>(())
    /// ```
    #[cfg(feature = "sqlite")]
    pub fn joined(
        &self,
        work: impl Fn(&rusqlite::Connection) -> Result<(), rusqlite::Error> + Send + Sync + 'static,
    ) -> Self {
        self.alongside(move |tx| match tx.connection() {
            Some(connection) => Ok(work(connection)?),
            None => Err("the host's tables lie in a SQLite file, but this store is none".into()),
        })
    }

    /// Hands a command over without waiting: for many in flight.
    ///
    /// # Errors
    /// When the queue is full or closed.
    pub fn submit(&self, command: Command, instance: Option<Id>) -> Result<Ticket, Error> {
        self.engine.submit(self.request(Asks::Command(Arc::new(command), instance)))
    }

    fn carry_out(&self, asks: Asks) -> Result<Answer, Error> {
        self.engine.carry_out(self.request(asks))
    }

    fn request(&self, asks: Asks) -> Request {
        let id = self.id.unwrap_or_else(|| self.engine.new_id());
        let request = Request::new(id, self.id.is_some(), self.actor.clone(), asks);
        Request { alongside: self.alongside.clone(), ..request }
    }

    fn run(&self, command: Command, instance: Option<Id>) -> Result<Answer, Error> {
        self.carry_out(Asks::Command(Arc::new(command), instance))
    }

    /// Begins to start a process.
    pub fn start(&self, process: &str) -> Start<'e> {
        let session = self.clone();
        Start { session, process: Name::new(process), version: None, record: None, new: None, with: Values::new() }
    }

    /// Completes a task with an outcome (the only one when none is named) and what its form asks for: entries by name, columns of the
    /// record as `self.column`.
    ///
    /// # Errors
    /// When the outcome is not offered, something required is missing, a rule refuses the save, or the actor may not.
    pub fn complete<N: AsRef<str>>(
        &self,
        task: Id,
        outcome: Option<&str>,
        form: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Answer, Error> {
        self.run(Command::Complete { task, outcome: outcome.map(Name::new), form: values(form) }, None)
    }

    /// Takes a task that the actor's roles may claim.
    ///
    /// # Errors
    /// When he may not, or somebody has it.
    pub fn claim(&self, task: Id) -> Result<Answer, Error> {
        self.run(Command::Claim(task), None)
    }

    /// Gives a claimed task back.
    ///
    /// # Errors
    /// When he may not.
    pub fn release(&self, task: Id) -> Result<Answer, Error> {
        self.run(Command::Release(task), None)
    }

    /// Gives a task to somebody else.
    ///
    /// # Errors
    /// When there is no such task.
    pub fn reassign(&self, task: Id, user: Option<&Ref>) -> Result<Answer, Error> {
        self.run(Command::Reassign(task, user.cloned()), None)
    }

    /// Makes a record; gives the reference to it.
    ///
    /// # Errors
    /// When a rule refuses it.
    pub fn create<N: AsRef<str>>(&self, entity: &str, set: impl IntoIterator<Item = (N, Value)>) -> Result<Ref, Error> {
        self.make(entity, None, set)
    }

    /// Makes a record with an id of the host's own.
    ///
    /// # Errors
    /// When a rule refuses it, or the id is taken.
    pub fn create_as<N: AsRef<str>>(
        &self,
        entity: &str,
        id: &str,
        set: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Ref, Error> {
        self.make(entity, Some(Name::new(id)), set)
    }

    fn make<N: AsRef<str>>(
        &self,
        entity: &str,
        id: Option<Name>,
        set: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Ref, Error> {
        let wish = Wish::Create { entity: Name::new(entity), id, set: values(set).into_iter().collect() };
        let answer = self.run(Command::Save(wish), None)?;
        answer.record.ok_or_else(|| Error::Unknown("the record that was made has no id".into()))
    }

    /// Makes or changes a record of the past: rules are checked, but no event follows and no transition is emitted.
    ///
    /// # Errors
    /// When a rule refuses it.
    pub fn import(&self, wish: Wish) -> Result<Ref, Error> {
        let answer = self.carry_out(Asks::Import(wish))?;
        answer.record.ok_or_else(|| Error::Unknown("the record that was made has no id".into()))
    }

    /// Changes columns of a record.
    ///
    /// # Errors
    /// When a rule refuses it.
    pub fn update<N: AsRef<str>>(
        &self,
        record: &Ref,
        set: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Answer, Error> {
        let wish = Wish::Update { target: record.clone(), set: values(set).into_iter().collect() };
        self.run(Command::Save(wish), None)
    }

    /// Deletes a record with its children; runs about it are canceled.
    ///
    /// # Errors
    /// When something still needs it.
    pub fn delete(&self, record: &Ref) -> Result<Answer, Error> {
        self.run(Command::Save(Wish::Delete { target: record.clone() }), None)
    }

    /// Publishes a message; says what happened to it.
    ///
    /// # Errors
    /// When the library has no such message.
    pub fn publish<N: AsRef<str>>(
        &self,
        message: &str,
        key: Value,
        with: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Delivery, Error> {
        let command = Command::Publish { message: Name::new(message), key, with: values(with) };
        let answer = self.run(command, None)?;
        Ok(answer.delivery.unwrap_or(Delivery::NoMatch(String::new())))
    }

    /// Throws a signal to all that wait for it now.
    ///
    /// # Errors
    /// When the library has no such signal.
    pub fn signal<N: AsRef<str>>(
        &self,
        signal: &str,
        with: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Answer, Error> {
        self.run(Command::Signal(Name::new(signal), values(with)), None)
    }

    /// Uses an action that a running process offers to people: of a boundary event or handler, to begin a step of an ad-hoc
    /// sub-process, or to end that one. [`Engine::actions`](super::Engine::actions) lists them.
    ///
    /// # Errors
    /// When it is not offered, or the actor may not.
    pub fn act<N: AsRef<str>>(
        &self,
        instance: Id,
        action: WaitId,
        form: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Answer, Error> {
        self.run(Command::Act(action, values(form)), Some(instance))
    }

    /// Does the step of an incident again.
    ///
    /// # Errors
    /// When there is no such incident.
    pub fn retry(&self, instance: Id, incident: Id) -> Result<Answer, Error> {
        self.run(Command::Mend(incident, Resolution::Retry), Some(instance))
    }

    /// Leaves an incident by a way out it offers; without a way the step counts as done by hand, with these variables.
    ///
    /// # Errors
    /// When there is no such incident or way.
    pub fn resolve<N: AsRef<str>>(
        &self,
        instance: Id,
        incident: Id,
        way: Option<&str>,
        set: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Answer, Error> {
        let how = Resolution::Way(way.map(Name::new), values(set));
        self.run(Command::Mend(incident, how), Some(instance))
    }

    /// Goes on behind the step of an incident.
    ///
    /// # Errors
    /// When there is no such incident.
    pub fn skip(&self, instance: Id, incident: Id) -> Result<Answer, Error> {
        self.run(Command::Mend(incident, Resolution::Skip), Some(instance))
    }

    /// Cancels a run with everything it started.
    ///
    /// # Errors
    /// When it is over, or was called by another: then that one is to be canceled.
    pub fn cancel(&self, instance: Id) -> Result<Answer, Error> {
        self.run(Command::Cancel(Name::new("canceled")), Some(instance))
    }

    /// Stops a run for now.
    ///
    /// # Errors
    /// When it does not run.
    pub fn suspend(&self, instance: Id) -> Result<Answer, Error> {
        self.run(Command::Suspend(true), Some(instance))
    }

    /// A suspended run goes on.
    ///
    /// # Errors
    /// When it is not suspended.
    pub fn resume(&self, instance: Id) -> Result<Answer, Error> {
        self.run(Command::Suspend(false), Some(instance))
    }

    /// Gives a setting another value; the journal keeps it.
    ///
    /// # Errors
    /// When the library has no such setting, or the value is of another type.
    pub fn set_setting(&self, name: &str, value: Value) -> Result<(), Error> {
        self.carry_out(Asks::Setting(Name::new(name), value)).map(|_| ())
    }

    /// Deploys a library and its processes in place of the present ones; running instances stay on their versions.
    ///
    /// # Errors
    /// When definitions have problems, a version was deployed with another content, a service has no handler, or an instance runs on a
    /// version that the new library does not fit.
    pub fn deploy(&self, sources: Sources) -> Result<Warnings, Error> {
        self.engine.settle()?;
        self.engine.load(Some(sources), &self.deploying())
    }

    /// Deploys one more process, or another version of one, beside the present library.
    ///
    /// # Errors
    /// As [`Session::deploy`].
    pub fn deploy_process(&self, sources: &Sources) -> Result<Warnings, Error> {
        self.engine.settle()?;
        self.engine.load(Some(sources.clone()), &Deploying { beside: true, ..self.deploying() })
    }

    fn deploying(&self) -> Deploying {
        let replace = self.engine.inner.replace;
        Deploying { id: self.id, actor: Some(self.actor.clone()), replace, beside: false }
    }

    /// Puts a reaction that failed back: it is run again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn retry_reaction(&self, seq: u64) -> Result<(), Error> {
        self.engine.write(|tx| tx.park_reaction(seq, None))?;
        self.engine.settle()
    }

    /// Gives a failed reaction up: it will never run.
    ///
    /// # Errors
    /// When the store fails.
    pub fn drop_reaction(&self, seq: u64) -> Result<(), Error> {
        let notes = vec![format!("the failed reaction {seq} was given up")];
        let body = JournalBody { kind: "mend".into(), principal: self.user(), notes, ..JournalBody::default() };
        let command = self.id.unwrap_or_else(|| self.engine.new_id());
        let journal = JournalRow { at: self.engine.now(), command, body, ..JournalRow::default() };
        let write = Write { journal, consumed: Some(seq), ..Write::default() };
        self.engine.write(|tx| tx.apply(write.clone())).map(|_| ())
    }

    /// Forgets what is older than the engine's [`Retention`](super::Retention); says how many rows went.
    ///
    /// # Errors
    /// When the store fails.
    pub fn prune(&self) -> Result<u64, Error> {
        let (now, keep) = (self.engine.now(), self.engine.inner.retention);
        let before = |keep: Option<TimeDelta>| keep.and_then(|keep| now.checked_sub_signed(keep));
        let old = Old {
            instances: before(keep.instances),
            journal: before(keep.journal),
            commands: before(keep.commands),
            messages: now,
        };
        self.engine.write(|tx| tx.prune(&old))
    }

    /// The acting user; none for the system.
    pub(super) fn user(&self) -> Option<Ref> {
        match &self.actor {
            Actor::System => None,
            Actor::User(id) => Some(Ref { entity: Name::new("user"), id: id.clone() }),
        }
    }

    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    pub(super) fn engine(&self) -> &'e Engine {
        self.engine
    }

    /// The instant of the engine's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.engine.now()
    }
}

/// A start being put together.
#[must_use]
pub struct Start<'e> {
    session: Session<'e>,
    process: Name,
    version: Option<u32>,
    record: Option<Ref>,
    new: Option<Values>,
    with: Values,
}

impl<'e> Start<'e> {
    /// The record it is about.
    pub fn about(self, record: &Ref) -> Self {
        Self { record: Some(record.clone()), ..self }
    }

    /// The columns of the record that is made for it.
    pub fn new_record<N: AsRef<str>>(self, set: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self { new: Some(values(set)), ..self }
    }

    /// A parameter.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.with.insert(Name::new(name), value);
        self
    }

    /// A version; the newest when none is named.
    pub fn version(self, version: u32) -> Self {
        Self { version: Some(version), ..self }
    }

    /// Starts it; gives the instance's id.
    ///
    /// # Errors
    /// When it runs already for this, the actor may not, or a parameter is missing.
    pub fn run(self) -> Result<Id, Error> {
        let answer = self.run_answer()?;
        answer.instance.map(|id| id.0).ok_or_else(|| Error::Unknown("the instance that was started has no id".into()))
    }

    /// Starts it; gives all of the answer.
    ///
    /// # Errors
    /// As [`Start::run`].
    pub fn run_answer(self) -> Result<Answer, Error> {
        let (session, command) = self.command();
        session.run(command, None)
    }

    /// Hands the start over without waiting.
    ///
    /// # Errors
    /// When the queue is full or closed.
    pub fn submit(self) -> Result<Ticket, Error> {
        let (session, command) = self.command();
        session.submit(command, None)
    }

    fn command(self) -> (Session<'e>, Command) {
        let Start { session, process, version, record, new, with } = self;
        let command = Command::Start { process, version, by: StartBy::Hand, record, new, with, caller: None, depth: 0 };
        (session, command)
    }
}
