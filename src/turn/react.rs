//! What a turn asks of others: listeners of record changes, messages and signals, and start events (S16, S25).

use super::step::{Step, Turn};
use super::wake::fits_record;
use super::{Delivery, World};
use crate::element::definition::{Catalog, Definition, Start, StartTrigger};
use crate::element::room::{Given, NoServices, View};
use crate::element::rules::canonical;
use crate::entity::{EventKind, Principal, RecordEvent, WindowError};
use crate::graph::NodeIx;
use crate::instance::rows::Values;
use crate::instance::{Id, Need, Payload, Reaction, Receiver, State, SubscriptionRow, Topic, Wait, WaitId, WaitKind};
use crate::model::{Name, Ref, Value};

/// Who may react to what happens, found in the open transaction.
pub(super) struct Fan<'a> {
    pub catalog: &'a Catalog,
    pub world: &'a dyn World,
    pub window: &'a dyn crate::entity::Window,
    pub context: &'a super::Context,
    /// The run whose turn this is: its own waits are not asked by reactions.
    pub own: Option<Id>,
}

/// What is asked: receivers with what they are brought, and what was decided not to happen.
#[derive(Default)]
pub(super) struct Asked {
    pub reactions: Vec<(Receiver, Payload)>,
    pub notes: Vec<String>,
}

impl Fan<'_> {
    /// Everybody a record event concerns: listeners by age, then starts by process; a deletion cancels the runs about the record (S27).
    pub fn record(&self, event: &RecordEvent) -> Result<Asked, WindowError> {
        let mut asked = Asked::default();
        if event.kind == EventKind::Deleted {
            for instance in self.world.about(event.record())? {
                if Some(instance) != self.own {
                    asked.reactions.push((Receiver::Instance(instance), Payload::Cancel(Name::new("record_deleted"))));
                }
            }
        }
        for row in self.listeners(&self.topics(event))? {
            asked.reactions.push((Receiver::Wait(row.instance, row.wait), Payload::Record(Box::new(event.clone()))));
        }
        if let Some(task) = self.world.task_of(event.record())?
            && Some(task.instance) != self.own
        {
            let payload = Payload::Mirror(Box::new(event.clone()));
            asked.reactions.push((Receiver::Wait(task.instance, task.wait), payload));
        }
        for def in self.catalog.all_newest() {
            for (at, start) in def.starts.iter().enumerate() {
                self.start_by_record(def, at, start, event, &mut asked)?;
            }
        }
        Ok(asked)
    }

    /// Everybody who waits for a signal at this moment, and starts.
    pub fn signal(&self, name: &Name, with: &Values) -> Result<Asked, WindowError> {
        let mut asked = Asked::default();
        let payload = Payload::Signal(name.clone(), with.clone().into_iter().collect());
        for row in self.listeners(&[Topic::signal(name)])? {
            asked.reactions.push((Receiver::Wait(row.instance, row.wait), payload.clone()));
        }
        let given = Given { message: Some(with), ..Given::default() };
        for def in self.catalog.all_newest() {
            for (at, start) in def.starts.iter().enumerate() {
                let StartTrigger::Signal(signal, when) = &start.trigger else { continue };
                if signal != name {
                    continue;
                }
                let fits = when.as_ref().map_or(Ok(true), |when| self.probe(def, &given, |view| view.fits(when)));
                self.add_starts(def, at, start, &given, fits, &payload, &mut asked);
            }
        }
        Ok(asked)
    }

    /// The wait that a message goes to, the first of those in line, else the processes that it starts. A receiver that does not
    /// take it passes it on: to those behind it, with the time that it is to be kept when nobody does.
    pub fn message(
        &self,
        name: &Name,
        key: &str,
        with: &Values,
        ttl: Option<i64>,
        line: &[SubscriptionRow],
    ) -> Result<Asked, WindowError> {
        let mut asked = Asked::default();
        let payload = Payload::Message(name.clone(), key.to_string(), with.clone().into_iter().collect(), ttl);
        if let [row, others @ ..] = line {
            if !others.is_empty() {
                let total = line.len();
                asked.notes.push(format!("the message {name} for {key} goes to the first of {total} that wait for it"));
            }
            asked.reactions.push((Receiver::Wait(row.instance, row.wait), payload));
            return Ok(asked);
        }
        let given = Given { message: Some(with), ..Given::default() };
        for def in self.catalog.all_newest() {
            for (at, start) in def.starts.iter().enumerate() {
                let StartTrigger::Message(message, when) = &start.trigger else { continue };
                if message == name {
                    let fits = when.as_ref().map_or(Ok(true), |when| self.probe(def, &given, |view| view.fits(when)));
                    self.add_starts(def, at, start, &given, fits, &payload, &mut asked);
                }
            }
        }
        Ok(asked)
    }

    fn topics(&self, event: &RecordEvent) -> Vec<Topic> {
        let entity = &event.record().entity;
        let mut topics = vec![Topic::record(event.record()), Topic::entity(entity)];
        let columns = self.catalog.listened_columns(entity);
        topics.extend(columns.map(|column| Topic::column(entity, column, &canonical(&event.value(column)))));
        topics
    }

    fn listeners(&self, topics: &[Topic]) -> Result<Vec<SubscriptionRow>, WindowError> {
        let mut found: Vec<SubscriptionRow> = Vec::new();
        for topic in topics {
            for row in self.world.listeners(topic)? {
                let known = found.iter().any(|other| (other.instance, other.wait) == (row.instance, row.wait));
                if Some(row.instance) != self.own && !known {
                    found.push(row);
                }
            }
        }
        found.sort_by_key(|row| (row.instance, row.wait));
        Ok(found)
    }

    fn start_by_record(
        &self,
        def: &Definition,
        at: usize,
        start: &Start,
        event: &RecordEvent,
        asked: &mut Asked,
    ) -> Result<(), WindowError> {
        let StartTrigger::Record(trigger) = &start.trigger else { return Ok(()) };
        if trigger.entity != event.record().entity || trigger.kind != event.kind {
            return Ok(());
        }
        let given = Given { event: Some(event), ..Given::default() };
        let fits = self.probe(def, &given, |view| fits_record(view, trigger, Some(event)));
        self.add_starts(def, at, start, &given, fits, &Payload::Record(Box::new(event.clone())), asked);
        Ok(())
    }

    /// A start by the clock whose `for` names records: one run for each, as starts of their own. None when it names none.
    pub fn by_clock(&self, def: &Definition, at: u32) -> Option<Asked> {
        let start = def.starts.get(at as usize).filter(|start| start.about.is_some())?;
        let mut asked = Asked::default();
        let (at, given) = (usize::try_from(at).ok()?, Given::default());
        self.add_starts(def, at, start, &given, Ok(true), &Payload::Schedule, &mut asked);
        Some(asked)
    }

    /// One start per record that the start event names; a condition that cannot be evaluated starts nothing, and says so.
    #[allow(clippy::too_many_arguments)]
    fn add_starts(
        &self,
        def: &Definition,
        at: usize,
        start: &Start,
        given: &Given<'_>,
        fits: Result<bool, crate::element::Fault>,
        payload: &Payload,
        asked: &mut Asked,
    ) {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let skipped = |why: String| format!("{} was not started: {why}", def.process);
        match fits {
            Ok(false) => return,
            Ok(true) => {}
            Err(fault) => return asked.notes.push(skipped(fault.message)),
        }
        match self.subjects(def, start, given) {
            Ok(None) => asked.reactions.push((Receiver::Start(def.process.clone(), at, None), payload.clone())),
            Ok(Some(records)) if records.is_empty() => asked.notes.push(skipped("its `for` names no record".into())),
            Ok(Some(records)) => {
                for record in records {
                    asked.reactions.push((Receiver::Start(def.process.clone(), at, Some(record)), payload.clone()));
                }
            }
            Err(fault) => asked.notes.push(skipped(fault.message)),
        }
    }

    fn subjects(
        &self,
        def: &Definition,
        start: &Start,
        given: &Given<'_>,
    ) -> Result<Option<Vec<Ref>>, crate::element::Fault> {
        let Some(about) = &start.about else { return Ok(None) };
        let one = |value: &Value| if let Value::Ref(record) = value { Some(record.clone()) } else { None };
        Ok(Some(match self.probe(def, given, |view| view.eval(about))? {
            Value::List(items) => items.iter().filter_map(one).collect(),
            value => one(&value).into_iter().collect(),
        }))
    }

    /// Evaluates for a run that does not exist yet: its record is the event's, when it is of the process's entity.
    fn probe<T>(&self, def: &Definition, given: &Given<'_>, ask: impl FnOnce(&View<'_>) -> T) -> T {
        let own = given.event.map(|event| event.record().clone());
        let state =
            State { record: own.filter(|record| def.entity.as_ref() == Some(&record.entity)), ..State::default() };
        ask(&View {
            def,
            catalog: self.catalog,
            state: &state,
            instance: Id::nil(),
            node: NodeIx::PROCESS,
            token: 0,
            scope: 0,
            now: self.context.now,
            window: self.window,
            principal: &Principal::System,
            given,
            services: &NoServices,
        })
    }

    pub fn reaction(&self, to: Receiver, payload: Payload, principal: Option<Ref>) -> Reaction {
        let depth = self.context.depth.saturating_add(1);
        Reaction { to, payload, depth, root: *self.context.root.as_bytes(), principal }
    }
}

impl Turn<'_> {
    fn fan(&self) -> Fan<'_> {
        Fan {
            catalog: self.catalog,
            world: self.world,
            window: &self.overlay,
            context: &self.context,
            own: Some(self.run.row.id),
        }
    }

    fn ask(&mut self, asked: Asked) {
        for (to, payload) in asked.reactions {
            self.react(to, payload);
        }
        self.out.notes.extend(asked.notes);
    }

    /// A record change concerns other runs and starts.
    pub fn fan_out(&mut self, event: &RecordEvent) -> Step {
        let asked = self.fan().record(event)?;
        self.ask(asked);
        Ok(())
    }

    /// A signal: the receivers are fixed first; the run's own waits get it in this turn (S16).
    pub fn broadcast(&mut self, name: &Name, with: &Values) -> Step {
        let asked = self.fan().signal(name, with)?;
        self.ask(asked);
        let own: Vec<WaitId> = self
            .run
            .state
            .waits
            .iter()
            .filter(|wait| matches!(&wait.kind, WaitKind::Signal(signal) if signal == name))
            .map(|wait| wait.id)
            .collect();
        for id in own {
            if let Some(wait) = self.run.state.wait(id).cloned() {
                self.message(&wait, with)?;
            }
        }
        Ok(())
    }

    /// A message: to the first in line, in this turn when that is a wait of the run itself; else to starts, else kept for its time (S15).
    pub fn publish(&mut self, name: &Name, key: String, with: Values, ttl: Option<i64>) -> Step {
        let line = self.line(name, &key)?;
        self.offer(name, key, with, ttl, &line)
    }

    /// A message that a wait of this run did not take goes to those behind it in line (S15).
    pub fn pass_on(&mut self, wait: &Wait, name: &Name, key: String, with: Values, ttl: Option<i64>) -> Step {
        let line = self.line(name, &key)?;
        let here = |row: &SubscriptionRow| (row.instance, row.wait) == (self.run.row.id, wait.id);
        let behind = line.iter().position(here).map_or(0, |at| at.saturating_add(1));
        self.offer(name, key, with, ttl, line.get(behind..).unwrap_or_default())
    }

    /// Who waits for a message, those before this turn first, and behind them who began to in it.
    fn line(&self, name: &Name, key: &str) -> Step<Vec<SubscriptionRow>> {
        let topic = Topic::message(name, key);
        let instance = self.run.row.id;
        let is_one =
            |wait: &&Wait| matches!(&wait.kind, WaitKind::Message(message, at) if message == name && at == key);
        let waits: Vec<WaitId> = self.run.state.waits.iter().filter(is_one).map(|wait| wait.id).collect();
        let mut line = self.world.listeners(&topic)?;
        line.retain(|row| row.instance != instance || waits.contains(&row.wait));
        for wait in waits {
            if !line.iter().any(|row| (row.instance, row.wait) == (instance, wait)) {
                line.push(SubscriptionRow { instance, wait, topic: topic.clone() });
            }
        }
        Ok(line)
    }

    fn offer(
        &mut self,
        name: &Name,
        key: String,
        with: Values,
        ttl: Option<i64>,
        mut line: &[SubscriptionRow],
    ) -> Step {
        while let [own, behind @ ..] = line
            && own.instance == self.run.row.id
        {
            if let Some(wait) = self.run.state.wait(own.wait).cloned()
                && self.message(&wait, &with)?
            {
                return Ok(());
            }
            line = behind;
        }
        let asked = self.fan().message(name, &key, &with, ttl, line)?;
        let (need, delivery) = undelivered(self.catalog, &self.context, name, &key, &with, ttl, &asked);
        self.out.notes.extend(delivery);
        if let Some(need) = need {
            self.need(need);
        }
        self.ask(asked);
        Ok(())
    }
}

/// What a message brings to whoever gets it: its values, and its key among them.
pub(super) fn brought(catalog: &Catalog, message: &Name, key: &Value, mut with: Values) -> Values {
    if let Some((part, _)) = catalog.library.messages.get(message).and_then(|message| message.key_part()) {
        with.insert(part, key.clone());
    }
    with
}

/// What becomes of a message that nobody waits for: kept for its time to live, else noted as not matched.
pub(super) fn undelivered(
    catalog: &Catalog,
    context: &super::Context,
    name: &Name,
    key: &str,
    with: &Values,
    ttl: Option<i64>,
    asked: &Asked,
) -> (Option<Need>, Option<String>) {
    if !asked.reactions.is_empty() {
        return (None, None);
    }
    match ttl.or_else(|| catalog.library.message_ttl(name)) {
        Some(ttl) => {
            let until = context.now.timestamp_micros().saturating_add(ttl);
            let with = with.clone().into_iter().collect();
            (Some(Need::KeepMessage { name: name.clone(), key: key.to_string(), with, until }), None)
        }
        None => (None, Some(format!("the message {name} for {key} matched nobody and is not kept: it has no ttl"))),
    }
}

/// What the sender of a message or signal is told.
pub(super) fn delivery(asked: &Asked, kept: Option<&Need>, note: Option<&String>) -> Delivery {
    let waits =
        asked.reactions.iter().find_map(|(to, _)| if let Receiver::Wait(id, _) = to { Some(*id) } else { None });
    let starts = asked
        .reactions
        .iter()
        .filter_map(|(to, _)| if let Receiver::Start(process, ..) = to { Some(process.clone()) } else { None });
    match (waits, kept) {
        (Some(id), _) => Delivery::Delivered(crate::entity::InstanceId(id)),
        (None, Some(Need::KeepMessage { until, .. })) => {
            Delivery::Kept(chrono::DateTime::from_timestamp_micros(*until).unwrap_or_default())
        }
        _ => {
            let starts: Vec<Name> = starts.collect();
            if starts.is_empty() {
                Delivery::NoMatch(note.cloned().unwrap_or_default())
            } else {
                Delivery::Starts(starts)
            }
        }
    }
}
