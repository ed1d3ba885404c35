//! What a commit writes beside instances and records: tasks, timers, subscriptions, jobs, kept messages.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::tables::{Handle, KeptMessage, Tables, Undo};
use crate::instance::{Id, JobRow, Need, TaskRow, WaitId, WaitKind};
use crate::store::{Reader, StoreError, TaskFilter};

impl Tables {
    /// Writes one of the rows that a turn needs.
    pub fn need(&mut self, need: Need) {
        match need {
            Need::KeepTask(row) => self.put_task(row.id, Some(Arc::from(row))),
            Need::CloseTask(id, _) => self.put_task(id, None),
            Need::ArmTimer(row) => self.put_timer((row.instance, row.wait), Some(row.due)),
            Need::DisarmTimer(id, wait) => self.put_timer((id, wait), None),
            Need::Listen(row) => self.listen((row.instance, row.wait), row.topic.as_str(), self.seq),
            Need::Unlisten(id, wait) => self.unlisten((id, wait)),
            Need::KeepJob(row) => self.put_job(&row),
            Need::CloseJob(id) => self.remove_job(id),
            Need::HoldJob(id, held) => {
                if let Some(job) = self.jobs.get(&id).cloned() {
                    self.put_job(&JobRow { held, ..job });
                }
            }
            Need::KeepMessage { name, key, with, until } => {
                let seq = self.message_number();
                let at = (crate::instance::Topic::message(&name, &key).as_str().to_string(), seq);
                self.messages.insert(at.clone(), KeptMessage { with, until });
                self.undo_by(move |tables| drop(tables.messages.remove(&at)));
            }
            Need::TakeMessage(name, key, number) => {
                self.take_message((crate::instance::Topic::message(&name, &key).as_str().to_string(), number));
            }
        }
    }

    pub fn put_task(&mut self, id: Id, row: Option<Arc<TaskRow>>) {
        let mirror = |row: &Option<Arc<TaskRow>>| row.as_ref().and_then(|row| row.mirror.clone());
        let after = row.clone();
        let before = match row {
            Some(row) => self.tasks.insert(id.as_u128(), row),
            None => self.tasks.remove(&id.as_u128()),
        };
        if let Some(record) = mirror(&before) {
            self.mirrors.remove(&record);
        }
        if let Some(record) = mirror(&after) {
            self.mirrors.insert(record, id);
        }
        let (then, now) = (before.as_deref().map(handles), after.as_deref().map(handles));
        if then != now {
            for by in then.into_iter().flatten() {
                self.tasks_by.remove(&(by, id));
            }
            self.tasks_by.extend(now.into_iter().flatten().map(|by| (by, id)));
        }
        self.undo_to(Undo::Task(id, before));
    }

    pub fn put_timer(&mut self, key: (Id, WaitId), due: Option<DateTime<Utc>>) {
        let before = match due {
            Some(due) => self.timer_of.insert(key, due),
            None => self.timer_of.remove(&key),
        };
        if let Some(before) = before {
            self.timers.remove(&(before, key.0, key.1));
        }
        if let Some(due) = due {
            self.timers.insert((due, key.0, key.1));
        }
        self.undo_to(Undo::Timer(key, before));
    }

    fn listen(&mut self, key: (Id, WaitId), topic: &str, since: u64) {
        let topics = self.topics_of.entry(key).or_default();
        if topics.iter().any(|(known, _)| known == topic) {
            return;
        }
        topics.push((topic.to_string(), since));
        self.topics.entry(topic.to_string()).or_default().insert((since, key.0, key.1));
        let topic = topic.to_string();
        self.undo_by(move |tables| tables.forget_topic(key, &topic, since));
    }

    fn forget_topic(&mut self, key: (Id, WaitId), topic: &str, since: u64) {
        if let Some(waits) = self.topics.get_mut(topic) {
            waits.remove(&(since, key.0, key.1));
            if waits.is_empty() {
                self.topics.remove(topic);
            }
        }
        if let Some(topics) = self.topics_of.get_mut(&key) {
            topics.retain(|(other, _)| other != topic);
            if topics.is_empty() {
                self.topics_of.remove(&key);
            }
        }
    }

    fn unlisten(&mut self, key: (Id, WaitId)) {
        let topics = self.topics_of.get(&key).cloned().unwrap_or_default();
        for (topic, since) in &topics {
            self.forget_topic(key, topic, *since);
        }
        self.undo_by(move |tables| {
            let logging = std::mem::replace(&mut tables.logging, false);
            topics.iter().for_each(|(topic, since)| tables.listen(key, topic, *since));
            tables.logging = logging;
        });
    }

    pub fn put_job(&mut self, job: &JobRow) {
        let before = self.jobs.insert(job.id, job.clone());
        if let Some(before) = &before {
            self.due_jobs.remove(&(before.visible(), before.id));
        }
        self.due_jobs.insert((job.visible(), job.id));
        let id = job.id;
        self.undo_by(move |tables| {
            let logging = std::mem::replace(&mut tables.logging, false);
            match before {
                Some(before) => tables.put_job(&before),
                None => tables.remove_job(id),
            }
            tables.logging = logging;
        });
    }

    fn remove_job(&mut self, id: Id) {
        let Some(job) = self.jobs.remove(&id) else { return };
        self.due_jobs.remove(&(job.visible(), id));
        self.undo_by(move |tables| {
            let logging = std::mem::replace(&mut tables.logging, false);
            tables.put_job(&job);
            tables.logging = logging;
        });
    }

    pub fn take_message(&mut self, at: (String, u64)) {
        if let Some(message) = self.messages.remove(&at) {
            self.undo_by(move |tables| drop(tables.messages.insert(at, message)));
        }
    }

    /// The tasks among which those that fit are: what an index leads to, else all.
    pub fn candidates(&self, filter: &TaskFilter) -> Result<Vec<&TaskRow>, StoreError> {
        let roles = filter.roles.iter().cloned().map(Handle::Role);
        let by: Vec<Handle> = match (&filter.record, &filter.assignee) {
            (Some(record), _) => vec![Handle::Record(record.clone())],
            (None, assignee) => assignee.clone().map(Handle::User).into_iter().chain(roles).collect(),
        };
        let ids: BTreeSet<Id> = match filter.instance.filter(|id| self.row(*id).is_some()) {
            Some(run) => self.tasks_of(run)?,
            None if by.is_empty() => return Ok(self.tasks.values().map(|row| &**row).collect()),
            None => by.iter().flat_map(|by| self.tasks_by.range(between(by))).map(|(_, id)| *id).collect(),
        };
        Ok(ids.iter().filter_map(|id| self.tasks.get(&id.as_u128()).map(|row| &**row)).collect())
    }

    /// What a run waits for says which tasks are its own: no index of theirs is kept for each.
    fn tasks_of(&self, run: Id) -> Result<BTreeSet<Id>, StoreError> {
        let waits = self.instance(run)?.map(|run| run.state.waits).unwrap_or_default();
        let tasks = waits.iter().filter_map(|wait| match wait.kind {
            WaitKind::Task(id) => Some(id),
            _ => None,
        });
        Ok(tasks.collect())
    }
}

/// What a task is found by: whoever may do it, and the record that it is about.
fn handles(row: &TaskRow) -> Vec<Handle> {
    let performers = match &row.assignee {
        Some(user) => vec![Handle::User(user.clone())],
        None => row.roles.iter().cloned().map(Handle::Role).collect(),
    };
    performers.into_iter().chain(row.record.clone().map(Handle::Record)).collect()
}

fn between(by: &Handle) -> std::ops::RangeInclusive<(Handle, Id)> {
    (by.clone(), Id::nil())..=(by.clone(), Id::max())
}
