//! A small world for traces: records and live rows in ordered maps, the turn and nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use stageflow::element::Catalog;
use stageflow::element::room::{InsideHandler, Services};
use stageflow::entity::{IdSource, Principal, Query, Record, Window, WindowError};
use stageflow::instance::rows::Values;
use stageflow::instance::{
    Command, Fact, Id, InstanceRow, JobRow, Need, Reaction, Receiver, Run, State, SubscriptionRow, TaskRow, Topic,
    WaitId,
};
use stageflow::model::{Name, Ref, Value};
use stageflow::turn::{self, CallStart, Context, Input, Output, Refused, Route, World};

/// Most steps of one turn of a trace.
pub const MAX_STEPS: u32 = 2_000;

/// How a trace is run. Every way must tell the same story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As it is.
    Straight,
    /// The state is frozen to bytes and thawed before every command.
    Thawed,
    /// After every command the state is made anew from the facts.
    Replayed,
}

/// A kept message: its name, its key, its values, when it expires.
type Kept = (u64, Name, String, Vec<(Name, Value)>, i64);

/// Records and live rows.
#[derive(Default)]
pub struct Rows {
    pub records: BTreeMap<Ref, Arc<Record>>,
    pub settings: BTreeMap<Name, Value>,
    pub instances: BTreeMap<Id, (InstanceRow, State)>,
    pub facts: BTreeMap<Id, Vec<Fact>>,
    pub tasks: BTreeMap<Id, TaskRow>,
    pub timers: BTreeMap<(Id, WaitId), DateTime<Utc>>,
    pub jobs: BTreeMap<Id, JobRow>,
    pub subscriptions: Vec<SubscriptionRow>,
    pub messages: Vec<Kept>,
}

impl Window for Rows {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        Ok(self.records.get(record).cloned())
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        let mut found: Vec<_> = self.records.values().filter(|record| query.fits(record)).cloned().collect();
        query.arrange(&mut found);
        Ok(found)
    }

    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError> {
        Ok(self.settings.get(name).cloned())
    }
}

impl World for Rows {
    fn running(&self, process: &str, key: &str) -> Result<Option<Id>, WindowError> {
        let found =
            self.instances.values().find(|(row, _)| &*row.process == process && row.key.as_deref() == Some(key));
        Ok(found.map(|(row, _)| row.id))
    }

    fn listeners(&self, topic: &Topic) -> Result<Vec<SubscriptionRow>, WindowError> {
        Ok(self.subscriptions.iter().filter(|row| row.topic == *topic).cloned().collect())
    }

    fn task(&self, id: Id) -> Result<Option<Arc<TaskRow>>, WindowError> {
        Ok(self.tasks.get(&id).cloned().map(Arc::new))
    }

    fn task_of(&self, record: &Ref) -> Result<Option<Arc<TaskRow>>, WindowError> {
        Ok(self.tasks.values().find(|row| row.mirror.as_ref() == Some(record)).cloned().map(Arc::new))
    }

    fn about(&self, record: &Ref) -> Result<Vec<Id>, WindowError> {
        let live = self.instances.values().filter(|(row, _)| !row.status.is_over());
        Ok(live.filter(|(row, _)| row.record.as_ref() == Some(record)).map(|(row, _)| row.id).collect())
    }

    fn kept_messages(&self, name: &str, key: &str, now: DateTime<Utc>) -> Result<Vec<(u64, Values)>, WindowError> {
        let live = |until: &i64| *until > now.timestamp_micros();
        let found = self.messages.iter().filter(|(_, n, k, _, until)| &**n == name && k == key && live(until));
        Ok(found.map(|(number, _, _, with, _)| (*number, with.iter().cloned().collect())).collect())
    }
}

/// The services that a trace runs inside the turn: `double` gives twice its `n`; everything else is outside work.
struct Inside(Box<InsideHandler>);

impl Services for Inside {
    fn inside(&self, service: &str) -> Option<&InsideHandler> {
        (service == "double").then_some(&*self.0)
    }
}

pub fn double(with: &Values) -> Result<Values, stageflow::instance::command::Failure> {
    let n = match with.get("n") {
        Some(Value::Number(n)) => *n,
        _ => return Err(stageflow::instance::command::Failure::Broke("expected a number".into())),
    };
    Ok(Values::from([(Name::new("n"), Value::Number(n + n))]))
}

/// The world of one trace.
pub struct Scene {
    pub catalog: Catalog,
    pub rows: Rows,
    pub now: DateTime<Utc>,
    way: Way,
    base: u128,
    services: Inside,
    inbox: VecDeque<Reaction>,
    /// What came for runs that are suspended.
    aside: Vec<(Id, Reaction)>,
    /// What the last command led to, turn by turn.
    pub told: Vec<(String, Output, DateTime<Utc>)>,
}

impl Scene {
    pub fn new(catalog: Catalog, now: DateTime<Utc>, way: Way) -> Self {
        let services = Inside(Box::new(double));
        let (rows, inbox, aside, told) = (Rows::default(), VecDeque::new(), Vec::new(), Vec::new());
        Self { catalog, rows, now, way, base: 0, services, inbox, aside, told }
    }

    /// Runs a command and everything that follows from it.
    pub fn run(&mut self, command: Command, instance: Option<Id>, principal: Principal) -> Result<(), Refused> {
        let route = turn::route(&command, &self.catalog, &self.rows)?;
        let instance = match route {
            Route::Instance(id) => Some(id),
            Route::Free => instance,
        };
        let goes_on = matches!(command, Command::Suspend(false) | Command::Cancel(_)).then_some(instance).flatten();
        self.turn("", command, instance, principal, 0)?;
        let (back, aside) = std::mem::take(&mut self.aside).into_iter().partition(|(id, _)| Some(*id) == goes_on);
        self.aside = aside;
        let back: Vec<(Id, Reaction)> = back;
        back.into_iter().rev().for_each(|(_, reaction)| self.inbox.push_front(reaction));
        while let Some(reaction) = self.inbox.pop_front() {
            self.react(reaction);
        }
        Ok(())
    }

    fn react(&mut self, reaction: Reaction) {
        let kept = reaction.clone();
        let (command, instance) = match reaction.to {
            Receiver::Wait(id, wait) => (turn::of_reaction(reaction.payload, Some(wait)), Some(id)),
            Receiver::Instance(id) => (turn::of_reaction(reaction.payload, None), Some(id)),
            Receiver::Start(process, at, record) => {
                (Some(turn::start_of_reaction(process, at, record, reaction.payload)), None)
            }
        };
        let Some(command) = command else { return };
        if let Err(refused) = self.turn("reaction: ", command, instance, Principal::System, reaction.depth) {
            let notes = match (&refused, instance) {
                (Refused::Suspended(_), Some(id)) => {
                    self.aside.push((id, kept));
                    vec![format!("put aside: {refused}")]
                }
                _ => vec![format!("refused: {refused}")],
            };
            self.told.push(("reaction".into(), Output { notes, ..Output::default() }, self.now));
        }
    }

    fn turn(
        &mut self,
        label: &str,
        command: Command,
        instance: Option<Id>,
        principal: Principal,
        depth: u32,
    ) -> Result<(), Refused> {
        self.base += 1_000_000;
        let id = Id::from_u128(self.base);
        let found = instance.and_then(|id| self.rows.instances.get(&id)).cloned();
        let input = || Input {
            catalog: &self.catalog,
            world: &self.rows,
            services: &self.services,
            instance: found.clone().map(|(row, state)| Box::new(Run { row, state: self.thaw(state) })),
            command: &command,
            context: Context {
                now: self.now,
                on_behalf_of: principal.user().cloned(),
                principal: principal.clone(),
                command: id,
                root: id,
                depth,
                ids: IdSource::new(id),
                max_steps: MAX_STEPS,
            },
        };
        let output = match turn::run(input()) {
            Err(Refused::Overrun) => turn::overrun(input())?,
            told => told?,
        };
        self.keep(&output);
        let calls = output.calls.clone();
        self.told.push((label.to_string(), *output, self.now));
        for call in calls {
            self.call(call, depth)?;
        }
        Ok(())
    }

    fn call(&mut self, call: CallStart, depth: u32) -> Result<(), Refused> {
        let CallStart { id, process, version, record, with, caller, depth: deep } = call;
        let by = stageflow::instance::StartBy::Call(id);
        let command = Command::Start { process, version, by, record, new: None, with, caller, depth: deep };
        self.turn("call: ", command, None, Principal::System, depth)
    }

    fn thaw(&self, state: State) -> State {
        if self.way != Way::Thawed {
            return state;
        }
        let bytes = minicbor::to_vec(&state).expect("a state can be frozen");
        let thawed: State = minicbor::decode(&bytes).expect("a frozen state can be thawed");
        assert_eq!(thawed, state, "thawing changed the state");
        thawed
    }

    fn keep(&mut self, output: &Output) {
        if let Some(Run { row, state }) = output.instance.as_deref() {
            let facts = self.rows.facts.entry(row.id).or_default();
            facts.extend(output.facts.iter().cloned());
            if self.way == Way::Replayed {
                let mut replayed = State::default();
                facts.iter().for_each(|fact| stageflow::instance::apply::apply(&mut replayed, fact));
                replayed.revision = state.revision;
                assert_eq!(&replayed, state, "the facts do not make the state");
            }
            self.rows.instances.insert(row.id, (row.clone(), state.clone()));
        }
        for change in &output.changes {
            match &change.after {
                Some(after) => self.rows.records.insert(change.target.clone(), after.clone()),
                None => self.rows.records.remove(&change.target),
            };
        }
        output.needs.iter().for_each(|need| self.need(need));
        self.inbox.extend(output.reactions.iter().cloned());
    }

    fn need(&mut self, need: &Need) {
        let rows = &mut self.rows;
        match need {
            Need::KeepTask(row) => drop(rows.tasks.insert(row.id, (**row).clone())),
            Need::CloseTask(id, _) => drop(rows.tasks.remove(id)),
            Need::ArmTimer(row) => drop(rows.timers.insert((row.instance, row.wait), row.due)),
            Need::DisarmTimer(id, wait) => drop(rows.timers.remove(&(*id, *wait))),
            Need::Listen(row) => rows.subscriptions.push(row.clone()),
            Need::Unlisten(id, wait) => rows.subscriptions.retain(|row| (row.instance, row.wait) != (*id, *wait)),
            Need::KeepJob(row) => drop(rows.jobs.insert(row.id, (**row).clone())),
            Need::CloseJob(id) => drop(rows.jobs.remove(id)),
            Need::HoldJob(id, held) => {
                if let Some(job) = rows.jobs.get_mut(id) {
                    job.held = *held;
                }
            }
            Need::KeepMessage { name, key, with, until } => {
                let number = rows.messages.last().map_or(1, |(last, ..)| last + 1);
                rows.messages.push((number, name.clone(), key.clone(), with.clone(), *until));
            }
            Need::TakeMessage(_, _, number) => rows.messages.retain(|(at, ..)| at != number),
        }
    }

    /// Moves the clock and fires what is due, in order.
    pub fn wait(&mut self, length: TimeDelta) {
        let until = self.now + length;
        for _ in 0..1_000 {
            let due = self.rows.timers.iter().map(|(key, due)| (*due, *key)).min().filter(|(due, _)| *due <= until);
            let Some((due, (instance, wait))) = due else { break };
            self.now = self.now.max(due);
            self.rows.timers.remove(&(instance, wait));
            self.run(Command::Fire(wait), Some(instance), Principal::System).expect("a timer fires");
        }
        self.now = until;
    }
}
