//! The rows, in ordered maps, with a log that undoes.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::entity::{Query, Record, Window, WindowError};
use crate::instance::rows::Values;
use crate::instance::{Id, InstanceRow, JobRow, Reaction, Run, SubscriptionRow, TaskRow, Topic, WaitId};
use crate::model::{Name, Ref, Value};
use crate::store::{Deployment, JournalRow, Seen};
use crate::turn::World;

/// An id as a number: in the order of ids, and compared in one step.
type Number = u128;

type Index = BTreeMap<(Name, Name, String), BTreeSet<Name>>;

/// How a step is undone. What every command writes has a form of its own, without an allocation.
pub(super) enum Undo {
    Record(Ref, Option<Arc<Record>>),
    Instance(Id, Option<Box<Run>>),
    Task(Id, Option<Arc<TaskRow>>),
    Timer((Id, WaitId), Option<DateTime<Utc>>),
    /// The last row of the journal, with its bytes.
    Appended(usize),
    Other(Box<dyn FnOnce(&mut Tables) + Send>),
}

/// All rows of a memory store.
#[derive(Default)]
pub(super) struct Tables {
    pub records: BTreeMap<Ref, Arc<Record>>,
    pub index: Index,
    pub indexed: BTreeSet<(Name, Name)>,
    pub settings: BTreeMap<Name, Value>,
    pub instances: BTreeMap<Number, Box<Run>>,
    pub by_record: BTreeMap<Ref, BTreeSet<Id>>,
    pub keys: HashMap<(Name, Name), Id>,
    pub troubled: BTreeSet<Id>,
    pub tasks: BTreeMap<Number, Arc<TaskRow>>,
    pub mirrors: HashMap<Ref, Id>,
    /// The open tasks of a person, those that a role may claim, and those about a record.
    pub tasks_by: BTreeSet<(Handle, Id)>,
    pub timers: BTreeSet<(DateTime<Utc>, Id, WaitId)>,
    pub timer_of: HashMap<(Id, WaitId), DateTime<Utc>>,
    pub jobs: BTreeMap<Id, JobRow>,
    pub due_jobs: BTreeSet<(i64, Id)>,
    /// Who listens to a topic, and since which row of the journal.
    pub topics: BTreeMap<String, BTreeSet<(u64, Id, WaitId)>>,
    pub topics_of: HashMap<(Id, WaitId), Vec<(String, u64)>>,
    pub messages: BTreeMap<(String, u64), KeptMessage>,
    pub inbox: BTreeMap<u64, Reaction>,
    pub failed: BTreeMap<u64, (Reaction, String)>,
    pub journal: VecDeque<(Arc<JournalRow>, usize)>,
    /// The records that a row of the journal changed, with its number.
    pub touched: BTreeSet<(Ref, u64)>,
    pub journal_bytes: usize,
    pub journal_limit: usize,
    pub seen: HashMap<Id, (Seen, DateTime<Utc>)>,
    pub deployments: Vec<Deployment>,
    pub cursors: BTreeMap<String, u64>,
    pub offset: i64,
    pub next: u64,
    pub next_message: u64,
    pub seq: u64,
    pub logging: bool,
    log: Vec<Undo>,
    marks: Vec<usize>,
}

/// What a task is found by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Handle {
    User(Ref),
    Role(Name),
    Record(Ref),
}

/// A message that nobody waited for.
#[derive(Clone, Debug)]
pub(super) struct KeptMessage {
    pub with: Vec<(Name, Value)>,
    pub until: i64,
}

impl Tables {
    /// Remembers how to undo a step.
    pub fn undo_by(&mut self, step: impl FnOnce(&mut Tables) + Send + 'static) {
        if self.logging {
            self.log.push(Undo::Other(Box::new(step)));
        }
    }

    /// Remembers what stood there before.
    pub fn undo_to(&mut self, before: Undo) {
        if self.logging {
            self.log.push(before);
        }
    }

    fn undo(&mut self, step: Undo) {
        let logging = std::mem::replace(&mut self.logging, false);
        match step {
            Undo::Record(target, before) => self.put_record(&target, before),
            Undo::Instance(id, before) => drop(self.swap_instance(id, before)),
            Undo::Task(id, before) => self.put_task(id, before),
            Undo::Timer(key, before) => self.put_timer(key, before),
            Undo::Appended(bytes) => self.take_appended(bytes),
            Undo::Other(step) => step(self),
        }
        self.logging = logging;
    }

    pub fn mark(&mut self) {
        self.marks.push(self.log.len());
    }

    pub fn rollback_mark(&mut self) {
        let mark = self.marks.pop().unwrap_or(0);
        self.rollback_to(mark);
    }

    pub fn release_mark(&mut self) {
        self.marks.pop();
    }

    pub fn rollback_to(&mut self, mark: usize) {
        while self.log.len() > mark {
            if let Some(step) = self.log.pop() {
                self.undo(step);
            }
        }
        self.marks.retain(|other| *other <= mark);
    }

    pub fn forget_log(&mut self) {
        self.log.clear();
        self.marks.clear();
    }

    /// The next number for inbox rows.
    pub fn number(&mut self) -> u64 {
        self.next = self.next.saturating_add(1);
        self.next
    }

    /// The next number for kept messages: its own, since what follows from a reaction has ids that are made from the reaction's number.
    pub fn message_number(&mut self) -> u64 {
        self.next_message = self.next_message.saturating_add(1);
        self.next_message
    }

    /// Puts a record, or takes it away, with its index entries.
    pub fn put_record(&mut self, target: &Ref, after: Option<Arc<Record>>) {
        let before = match &after {
            Some(record) => self.records.insert(target.clone(), record.clone()),
            None => self.records.remove(target),
        };
        self.reindex(before.as_deref(), after.as_deref());
        self.undo_to(Undo::Record(target.clone(), before));
    }

    fn reindex(&mut self, before: Option<&Record>, after: Option<&Record>) {
        let value = |record: Option<&Record>, column: &Name| {
            record.map(|record| record.get(column)).filter(|value| !value.is_null()).map(|value| index_key(&value))
        };
        let Some(entity) = before.or(after).map(|record| &record.entity) else { return };
        let Some(id) = before.or(after).map(|record| &record.id) else { return };
        let columns: Vec<Name> = self
            .indexed
            .range((entity.clone(), Name::default())..)
            .take_while(|(owner, _)| owner == entity)
            .map(|(_, column)| column.clone())
            .collect();
        for column in columns {
            let (old, new) = (value(before, &column), value(after, &column));
            if old == new {
                continue;
            }
            if let Some(old) = old {
                let key = (entity.clone(), column.clone(), old);
                if let Some(ids) = self.index.get_mut(&key) {
                    ids.remove(id);
                    if ids.is_empty() {
                        self.index.remove(&key);
                    }
                }
            }
            if let Some(new) = new {
                self.index.entry((entity.clone(), column, new)).or_default().insert(id.clone());
            }
        }
    }

    /// Indexes further columns, also of the records that are there.
    pub fn add_index(&mut self, columns: &[(Name, Name)]) {
        for (entity, column) in columns {
            if !self.indexed.insert((entity.clone(), column.clone())) {
                continue;
            }
            for record in self.records.values().filter(|record| record.entity == *entity) {
                let value = record.get(column);
                if !value.is_null() {
                    let key = (entity.clone(), column.clone(), index_key(&value));
                    self.index.entry(key).or_default().insert(record.id.clone());
                }
            }
        }
    }
}

/// The text under which a value is found in an index.
pub(in crate::store) fn index_key(value: &Value) -> String {
    match value {
        Value::Ref(record) => format!("{}:{}", record.entity, record.id),
        other => other.normal().to_string(),
    }
}

impl Window for Tables {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        Ok(self.records.get(record).cloned())
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        let indexed = query
            .eq
            .iter()
            .find(|(column, value)| !value.is_null() && self.indexed.contains(&(query.entity.clone(), column.clone())));
        let behind = |id: &Name| query.after.as_ref().is_none_or(|after| id > after);
        let mut found: Vec<Arc<Record>> = match indexed {
            Some((column, value)) => {
                let key = (query.entity.clone(), column.clone(), index_key(value));
                let ids = self.index.get(&key).into_iter().flatten().filter(|id| behind(id));
                let records = ids.map(|id| Ref { entity: query.entity.clone(), id: id.clone() });
                records
                    .filter_map(|record| self.records.get(&record))
                    .filter(|record| query.fits(record))
                    .cloned()
                    .collect()
            }
            None => {
                let first = Ref { entity: query.entity.clone(), id: query.after.clone().unwrap_or_default() };
                let of_entity = self.records.range(first..).take_while(|(record, _)| record.entity == query.entity);
                of_entity
                    .filter(|(record, found)| behind(&record.id) && query.fits(found))
                    .map(|(_, found)| found.clone())
                    .collect()
            }
        };
        query.arrange(&mut found);
        Ok(found)
    }

    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError> {
        Ok(self.settings.get(name).cloned())
    }
}

impl World for Tables {
    fn running(&self, process: &str, key: &str) -> Result<Option<Id>, WindowError> {
        Ok(self.keys.get(&(Name::new(process), Name::new(key))).copied())
    }

    fn listeners(&self, topic: &Topic) -> Result<Vec<SubscriptionRow>, WindowError> {
        let found = self.topics.get(topic.as_str()).into_iter().flatten();
        Ok(found
            .map(|(_, instance, wait)| SubscriptionRow { instance: *instance, wait: *wait, topic: topic.clone() })
            .collect())
    }

    fn task(&self, id: Id) -> Result<Option<Arc<TaskRow>>, WindowError> {
        Ok(self.tasks.get(&id.as_u128()).cloned())
    }

    fn task_of(&self, record: &Ref) -> Result<Option<Arc<TaskRow>>, WindowError> {
        self.mirrors.get(record).map_or(Ok(None), |id| self.task(*id))
    }

    fn about(&self, record: &Ref) -> Result<Vec<Id>, WindowError> {
        let ids = self.by_record.get(record).into_iter().flatten();
        Ok(ids.filter(|id| self.row(**id).is_some_and(|row| !row.status.is_over())).copied().collect())
    }

    fn kept_messages(&self, name: &str, key: &str, now: DateTime<Utc>) -> Result<Vec<(u64, Values)>, WindowError> {
        let topic = Topic::message(name, key).as_str().to_string();
        let kept = self.messages.range((topic.clone(), 0)..).take_while(move |((at, _), _)| *at == topic);
        let live = kept.filter(|(_, message)| message.until > now.timestamp_micros());
        Ok(live.map(|((_, number), message)| (*number, message.with.iter().cloned().collect())).collect())
    }
}

impl Tables {
    pub fn row(&self, id: Id) -> Option<&InstanceRow> {
        self.instances.get(&id.as_u128()).map(|run| &run.row)
    }
}
