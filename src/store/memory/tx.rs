//! Reading and writing the rows of a memory store.

use chrono::{DateTime, Utc};

use super::tables::{Tables, Undo};
use crate::entity::Change;
use crate::instance::{Id, InstanceRow, JobRow, Reaction, Run, TaskRow, WaitId};
use crate::model::{Name, Ref};
use crate::store::{
    Applied, Claim, Deployment, FailedReaction, InstanceFilter, JournalOf, JournalRow, Old, Reader, Seen, StoreError,
    TaskFilter, Tx, Write,
};

const PAGE: usize = 1_000;

impl Reader for Tables {
    fn instance(&self, id: Id) -> Result<Option<Box<Run>>, StoreError> {
        Ok(self.instances.get(&id.as_u128()).cloned())
    }

    fn instances(&self, filter: &InstanceFilter) -> Result<Vec<InstanceRow>, StoreError> {
        let fits = |row: &&InstanceRow| {
            filter.process.as_ref().is_none_or(|process| row.process == *process)
                && filter.record.as_ref().is_none_or(|record| row.record.as_ref() == Some(record))
                && filter.status.is_none_or(|status| row.status == status)
                && (!filter.incidents || row.incidents > 0)
                && filter.after.is_none_or(|after| row.id > after)
        };
        let limit = filter.limit.unwrap_or(PAGE);
        Ok(match (&filter.record, filter.incidents) {
            (Some(record), _) => {
                let ids = self.by_record.get(record).into_iter().flatten();
                ids.filter_map(|id| self.row(*id)).filter(fits).take(limit).cloned().collect()
            }
            (None, true) => {
                self.troubled.iter().filter_map(|id| self.row(*id)).filter(fits).take(limit).cloned().collect()
            }
            (None, false) => self.instances.values().map(|run| &run.row).filter(fits).take(limit).cloned().collect(),
        })
    }

    fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, StoreError> {
        let mut found = self.candidates(filter)?;
        found.retain(|row| filter.fits(row));
        found.sort_by_key(|row| (row.due.unwrap_or(i64::MAX), row.id));
        Ok(found.into_iter().take(filter.limit.unwrap_or(PAGE)).cloned().collect())
    }

    fn journal(&self, of: &JournalOf, after: u64, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        if let JournalOf::Record(record) = of {
            let rows = self.touched.range((record.clone(), after.saturating_add(1))..=(record.clone(), u64::MAX));
            return Ok(rows.take(limit).filter_map(|(_, seq)| self.journal_row(*seq)).cloned().collect());
        }
        let from = self.journal.partition_point(|(row, _)| row.seq <= after);
        let fits = |row: &&JournalRow| match of {
            JournalOf::Instance(id) => row.instance == Some(*id),
            JournalOf::All | JournalOf::Record(_) => true,
        };
        Ok(self.journal.range(from..).map(|(row, _)| &**row).filter(fits).take(limit).cloned().collect())
    }

    fn seen(&self, command: Id) -> Result<Option<Seen>, StoreError> {
        Ok(self.seen.get(&command).map(|(seen, _)| seen.clone()))
    }

    fn due_timers(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<(DateTime<Utc>, Id, WaitId)>, StoreError> {
        Ok(self.timers.iter().take_while(|(due, ..)| *due <= now).take(limit).copied().collect())
    }

    fn timer(&self, instance: Id, wait: WaitId) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(self.timer_of.get(&(instance, wait)).copied())
    }

    fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let timer = self.timers.first().map(|(due, ..)| *due);
        let job = self.due_jobs.first().and_then(|(due, _)| DateTime::from_timestamp_micros(*due));
        Ok(timer.into_iter().chain(job).min())
    }

    fn has_jobs(&self, claim: &Claim) -> Result<bool, StoreError> {
        Ok(self.claimable(claim).next().is_some())
    }

    fn job(&self, id: Id) -> Result<Option<JobRow>, StoreError> {
        Ok(self.jobs.get(&id).cloned())
    }

    fn next_reaction(&self) -> Result<Option<(u64, Option<Reaction>)>, StoreError> {
        Ok(self.inbox.first_key_value().map(|(seq, reaction)| (*seq, Some(reaction.clone()))))
    }

    fn failed_reactions(&self) -> Result<Vec<FailedReaction>, StoreError> {
        let failed = self.failed.iter();
        Ok(failed
            .map(|(seq, (reaction, why))| FailedReaction {
                seq: *seq,
                reaction: Some(reaction.clone()),
                why: why.clone(),
            })
            .collect())
    }

    fn deployments(&self) -> Result<Vec<Deployment>, StoreError> {
        Ok(self.deployments.clone())
    }

    fn clock_offset(&self) -> Result<i64, StoreError> {
        Ok(self.offset)
    }

    fn cursor(&self, consumer: &str) -> Result<u64, StoreError> {
        Ok(self.cursors.get(consumer).copied().unwrap_or(0))
    }
}

impl Tx for Tables {
    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.mark();
        Ok(())
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.rollback_mark();
        Ok(())
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.release_mark();
        Ok(())
    }

    fn apply(&mut self, write: Write) -> Result<Applied, StoreError> {
        if let Some(refused) = self.guard(&write) {
            return Ok(refused);
        }
        if let Some(run) = write.instance
            && let Some(refused) = self.put_instance(run)
        {
            return Ok(refused);
        }
        for Change { target, after, .. } in write.changes {
            self.put_record(&target, after);
        }
        for Change { target, after, .. } in write.foreign {
            self.put_record(&target, after);
        }
        for (record, rev) in write.settled {
            if self.records.get(&record).is_some_and(|found| found.rev <= rev) {
                self.put_record(&record, None);
            }
        }
        for (name, value) in write.settings {
            let before = self.settings.insert(name.clone(), value);
            self.undo_by(move |tables| restore(&mut tables.settings, name, before));
        }
        write.needs.into_iter().for_each(|need| self.need(need));
        if let Some(seq) = write.consumed {
            self.take_reaction(seq);
        }
        for reaction in write.reactions {
            let seq = self.number();
            self.inbox.insert(seq, reaction);
            self.undo_by(move |tables| drop(tables.inbox.remove(&seq)));
        }
        for parked in write.parked {
            let seq = self.number();
            self.failed.insert(seq, parked);
            self.undo_by(move |tables| drop(tables.failed.remove(&seq)));
        }
        Ok(Applied::Applied(self.append(write.journal, write.stamp)))
    }

    fn claim_jobs(&mut self, claim: &Claim) -> Result<Vec<JobRow>, StoreError> {
        let now = claim.now.timestamp_micros();
        let ids: Vec<Id> = self.claimable(claim).take(claim.limit).collect();
        let mut claimed = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(job) = self.jobs.get(&id).cloned() else { continue };
            let job = job.leased(now, claim.until.timestamp_micros());
            self.put_job(&job);
            claimed.push(job);
        }
        Ok(claimed)
    }

    fn extend_job(&mut self, id: Id, attempt: u32, until: DateTime<Utc>) -> Result<bool, StoreError> {
        let Some(job) = self.jobs.get(&id).filter(|job| job.attempt == attempt).cloned() else { return Ok(false) };
        self.put_job(&JobRow { leased_until: Some(until.timestamp_micros()), ..job });
        Ok(true)
    }

    fn park_reaction(&mut self, seq: u64, why: Option<&str>) -> Result<(), StoreError> {
        match why {
            Some(why) => {
                if let Some(reaction) = self.inbox.remove(&seq) {
                    self.failed.insert(seq, (reaction.clone(), why.to_string()));
                    self.undo_by(move |tables| {
                        tables.failed.remove(&seq);
                        tables.inbox.insert(seq, reaction);
                    });
                }
            }
            None => {
                if let Some((reaction, why)) = self.failed.remove(&seq) {
                    self.inbox.insert(seq, reaction.clone());
                    self.undo_by(move |tables| {
                        tables.inbox.remove(&seq);
                        tables.failed.insert(seq, (reaction, why));
                    });
                }
            }
        }
        Ok(())
    }

    fn mark_damaged(&mut self, id: Id) -> Result<(), StoreError> {
        if let Some(mut run) = self.instances.get(&id.as_u128()).cloned() {
            run.row.incidents = run.row.incidents.max(1);
            let before = self.swap_instance(id, Some(run));
            self.undo_to(Undo::Instance(id, before));
        }
        Ok(())
    }

    fn deploy(&mut self, deployment: &Deployment) -> Result<(), StoreError> {
        self.deployments.push(deployment.clone());
        self.undo_by(|tables| drop(tables.deployments.pop()));
        Ok(())
    }

    fn index(&mut self, columns: &[(Name, Name)]) -> Result<(), StoreError> {
        // More indexes than needed do no harm: not undone.
        self.add_index(columns);
        Ok(())
    }

    fn set_offset(&mut self, micros: i64) -> Result<(), StoreError> {
        let before = std::mem::replace(&mut self.offset, micros);
        self.undo_by(move |tables| tables.offset = before);
        Ok(())
    }

    fn set_cursor(&mut self, consumer: &str, seq: u64) -> Result<(), StoreError> {
        let before = self.cursors.insert(consumer.to_string(), seq);
        let consumer = consumer.to_string();
        self.undo_by(move |tables| restore(&mut tables.cursors, consumer, before));
        Ok(())
    }

    fn prune(&mut self, old: &Old) -> Result<u64, StoreError> {
        let keep = DateTime::<Utc>::MIN_UTC;
        let (before, ended) = (old.journal.unwrap_or(keep), old.instances.unwrap_or(keep));
        let read = self.cursors.values().copied().min().unwrap_or(u64::MAX);
        let rows = self.forget_journal(|row| row.at < before && row.seq <= read);
        let over = |row: &InstanceRow| row.ended.is_some_and(|at| at < ended);
        let gone: Vec<Id> =
            self.instances.values().map(|run| &run.row).filter(|row| over(row)).map(|row| row.id).collect();
        gone.iter().for_each(|id| self.forget_instance(*id));
        let (stamped, expired) = (old.commands.unwrap_or(keep), old.messages.timestamp_micros());
        let seen: Vec<_> = self.seen.extract_if(|_, (_, at)| *at < stamped).collect();
        let messages: Vec<_> =
            self.messages.iter().filter(|(_, kept)| kept.until <= expired).map(|(at, _)| at.clone()).collect();
        messages.iter().for_each(|at| self.take_message(at.clone()));
        let count = [rows, gone.len(), seen.len(), messages.len()].into_iter().fold(0, usize::saturating_add);
        self.undo_by(move |tables| tables.seen.extend(seen));
        Ok(count as u64)
    }
}

fn restore<K: Ord, V>(map: &mut std::collections::BTreeMap<K, V>, key: K, before: Option<V>) {
    match before {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

impl Tables {
    /// The jobs that may be claimed, in the order in which they became due.
    fn claimable<'t>(&'t self, claim: &'t Claim) -> impl Iterator<Item = Id> + 't {
        let now = claim.now.timestamp_micros();
        let fits = |id: &Id| {
            let job = self.jobs.get(id);
            job.is_some_and(|job| claim.services.is_empty() || claim.services.contains(&job.service))
        };
        self.due_jobs.iter().take_while(move |(at, _)| *at <= now).map(|(_, id)| *id).filter(fits)
    }

    fn guard(&self, write: &Write) -> Option<Applied> {
        if let Some(stamp) = &write.stamp
            && let Some((seen, _)) = self.seen.get(&stamp.command)
        {
            return Some(Applied::Duplicate(seen.clone()));
        }
        if let Some((id, attempt)) = write.job
            && self.jobs.get(&id).is_none_or(|job| job.attempt != attempt)
        {
            return Some(Applied::Fenced);
        }
        if let Some(Run { row, .. }) = write.instance.as_deref() {
            let key = row.key.as_ref().and_then(|key| self.keys.get(&(row.process.clone(), key.clone())));
            if let Some(running) = key.filter(|running| **running != row.id) {
                return Some(Applied::AlreadyRunning(*running));
            }
        }
        let mut first = std::collections::BTreeSet::new();
        let moved = write.changes.iter().filter(|change| first.insert(&change.target)).find(|change| {
            let seen = change.before.as_ref().map(|record| (record.rev, record.links_rev));
            self.records.get(&change.target).map(|record| (record.rev, record.links_rev)) != seen
        });
        moved.map(|change| Applied::Conflict(format!("{} was changed meanwhile", change.target)))
    }

    /// Puts an instance at its next revision; what stands against it when it is not at the one before. The guard and the write
    /// look for it once.
    fn put_instance(&mut self, run: Box<Run>) -> Option<Applied> {
        let (id, revision) = (run.row.id, run.row.revision);
        let before = self.swap_instance(id, Some(run));
        let known = before.as_ref().map_or(0, |run| run.row.revision);
        if known.saturating_add(1) != revision {
            drop(self.swap_instance(id, before));
            return Some(Applied::Conflict(format!("the instance {id} is at revision {known}")));
        }
        self.undo_to(Undo::Instance(id, before));
        None
    }

    /// Puts an instance as it was, or takes it away, with its indexes; gives what was there.
    pub(super) fn swap_instance(&mut self, id: Id, after: Option<Box<Run>>) -> Option<Box<Run>> {
        let now = after.as_ref().map(|run| Links::of(&run.row)).unwrap_or_default();
        let before = match after {
            Some(run) => self.instances.insert(id.as_u128(), run),
            None => self.instances.remove(&id.as_u128()),
        };
        let then = before.as_ref().map(|run| Links::of(&run.row)).unwrap_or_default();
        if then != now {
            self.link_instance(id, then, now);
        }
        before
    }

    fn link_instance(&mut self, id: Id, before: Links, after: Links) {
        if let Some(ids) = before.record.and_then(|record| self.by_record.get_mut(&record)) {
            ids.remove(&id);
        }
        if let Some(record) = after.record {
            self.by_record.entry(record).or_default().insert(id);
        }
        if let Some(key) = before.key {
            self.keys.remove(&key);
        }
        if let Some(key) = after.key {
            self.keys.insert(key, id);
        }
        if before.troubled {
            self.troubled.remove(&id);
        }
        if after.troubled {
            self.troubled.insert(id);
        }
    }

    /// Takes a reaction away, whether it is to be run or was put aside.
    fn take_reaction(&mut self, seq: u64) {
        if let Some(reaction) = self.inbox.remove(&seq) {
            self.undo_by(move |tables| drop(tables.inbox.insert(seq, reaction)));
        }
        if let Some(failed) = self.failed.remove(&seq) {
            self.undo_by(move |tables| drop(tables.failed.insert(seq, failed)));
        }
    }

    fn forget_instance(&mut self, id: Id) {
        if let Some(gone) = self.swap_instance(id, None) {
            self.undo_to(Undo::Instance(id, Some(gone)));
        }
    }
}

/// What an instance is found by, beside its id.
#[derive(Default, PartialEq)]
struct Links {
    record: Option<Ref>,
    key: Option<(Name, Name)>,
    troubled: bool,
}

impl Links {
    fn of(row: &InstanceRow) -> Self {
        let key = row.key.clone().map(|key| (row.process.clone(), key));
        Self { record: row.record.clone(), key, troubled: row.incidents > 0 }
    }
}
