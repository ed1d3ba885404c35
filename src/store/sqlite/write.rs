//! Writing rows in the open transaction.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Params, params};

use super::read::{Rows, person, status_number};
use super::sql::Sql;
use super::{failed, sql};
use crate::entity::{Change, Record, Window};
use crate::instance::{Id, InstanceRow, JobRow, Need, Run, State, TaskRow, Topic};
use crate::model::{Name, Value};
use crate::store::code::freeze;
use crate::store::memory::index_key;
use crate::store::{Applied, Claim, Deployment, JournalRow, Old, Reader, StoreError, Tx, Write};
use crate::turn::World;

impl Rows<'_> {
    fn run(&self, sql: Sql, params: impl Params) -> Result<usize, StoreError> {
        self.with(sql, |statement| statement.execute(params).map_err(failed))
    }

    fn guard(&self, write: &Write) -> Result<Option<Applied>, StoreError> {
        if let Some(stamp) = &write.stamp
            && let Some(seen) = self.seen(stamp.command)?
        {
            return Ok(Some(Applied::Duplicate(seen)));
        }
        if let Some((id, attempt)) = write.job {
            let found: Option<u32> = self.one(sql::ATTEMPT_OF_JOB, [id.as_bytes()], |row| row.get(0))?;
            if found != Some(attempt) {
                return Ok(Some(Applied::Fenced));
            }
        }
        if let Some(Run { row, .. }) = write.instance.as_deref()
            && let Some(key) = &row.key
            && let Some(running) = self.running(&row.process, key)?
            && running != row.id
        {
            return Ok(Some(Applied::AlreadyRunning(running)));
        }
        self.guard_records(&write.changes)
    }

    fn guard_records(&self, changes: &[Change]) -> Result<Option<Applied>, StoreError> {
        let mut first = BTreeSet::new();
        for change in changes.iter().filter(|change| first.insert(&change.target)) {
            let key = [&*change.target.entity, &*change.target.id];
            let found: Option<(i64, i64)> = self.one(sql::REVS_OF_RECORD, key, |row| Ok((row.get(0)?, row.get(1)?)))?;
            let seen = change.before.as_ref().map(|record| (number(record.rev), number(record.links_rev)));
            if found != seen {
                return Ok(Some(Applied::Conflict(format!("{} was changed meanwhile", change.target))));
            }
        }
        Ok(None)
    }

    fn put_record(&self, change: &Change) -> Result<(), StoreError> {
        let key = [&*change.target.entity, &*change.target.id];
        self.reindex(change.before.as_deref(), change.after.as_deref())?;
        match &change.after {
            Some(record) => {
                let values = params![key[0], key[1], number(record.rev), number(record.links_rev), freeze(&**record)];
                self.run(sql::PUT_RECORD, values)?;
            }
            None => {
                self.run(sql::DELETE_RECORD, key)?;
            }
        }
        Ok(())
    }

    fn reindex(&self, before: Option<&Record>, after: Option<&Record>) -> Result<(), StoreError> {
        let Some(either) = after.or(before) else { return Ok(()) };
        let (entity, id) = (&either.entity, &either.id);
        let value = |record: Option<&Record>, column: &Name| {
            record.map(|record| record.get(column)).filter(|value| !value.is_null()).map(|value| index_key(&value))
        };
        let columns = self.indexed.range((entity.clone(), Name::default())..).take_while(|(owner, _)| owner == entity);
        for (_, column) in columns {
            let (old, new) = (value(before, column), value(after, column));
            if old == new {
                continue;
            }
            if let Some(old) = old {
                self.run(sql::DELETE_INDEX, [&**entity, &**column, &old, &**id])?;
            }
            if let Some(new) = new {
                self.run(sql::PUT_INDEX, [&**entity, &**column, &new, &**id])?;
            }
        }
        Ok(())
    }

    /// Puts an instance at its next revision; false when it is not at the one before. The guard and the write are one statement.
    fn put_instance(&self, row: &InstanceRow, state: &State) -> Result<bool, StoreError> {
        let id = row.id.as_bytes();
        let revision = number(row.revision);
        let entity = row.record.as_ref().map(|record| record.entity.as_str());
        let record = row.record.as_ref().map(|record| record.id.as_str());
        let status = status_number(row.status);
        let key = row.key.as_ref().map(Name::as_str);
        let ended = row.ended.map(|ended| ended.timestamp_micros());
        let state = freeze(state);
        let changed = if row.revision != 1 {
            let values = params![id, revision, entity, record, status, row.incidents, key, ended, state];
            self.run(sql::UPDATE_INSTANCE, values)?
        } else {
            let parent = row.parent.as_ref().map(|parent| parent.as_bytes());
            let (initiator, started) = (row.initiator.as_ref().map(person), row.started.timestamp_micros());
            let (process, root) = (&*row.process, row.root.as_bytes());
            let values = params![
                id,
                revision,
                entity,
                record,
                status,
                row.incidents,
                key,
                ended,
                state,
                process,
                row.version,
                parent,
                root,
                initiator,
                started
            ];
            self.run(sql::INSERT_INSTANCE, values)?
        };
        Ok(changed > 0)
    }

    fn need(&self, need: &Need) -> Result<(), StoreError> {
        match need {
            Need::KeepTask(row) => self.put_task(row)?,
            Need::CloseTask(id, _) => {
                self.run(sql::DELETE_ROLES, [id.as_bytes()])?;
                self.run(sql::DELETE_TASK, [id.as_bytes()])?;
            }
            Need::ArmTimer(row) => {
                self.run(sql::PUT_TIMER, params![row.instance.as_bytes(), row.wait, row.due.timestamp_micros()])?;
            }
            Need::DisarmTimer(id, wait) => {
                self.run(sql::DELETE_TIMER, params![id.as_bytes(), wait])?;
            }
            Need::Listen(row) => {
                self.run(sql::PUT_SUBSCRIPTION, params![row.topic.as_str(), row.instance.as_bytes(), row.wait])?;
            }
            Need::Unlisten(id, wait) => {
                self.run(sql::DELETE_SUBSCRIPTIONS, params![id.as_bytes(), wait])?;
            }
            Need::KeepJob(row) => self.put_job(row)?,
            Need::CloseJob(id) => {
                self.run(sql::DELETE_JOB, [id.as_bytes()])?;
            }
            Need::HoldJob(id, held) => {
                if let Some(job) = self.job(*id)? {
                    self.put_job(&JobRow { held: *held, ..job })?;
                }
            }
            Need::KeepMessage { name, key, with, until } => {
                let topic = Topic::message(name, key);
                self.run(sql::PUT_MESSAGE, params![topic.as_str(), until, freeze(with)])?;
            }
            Need::TakeMessage(_, _, number) => {
                self.run(sql::DELETE_MESSAGE, [i64::try_from(*number).unwrap_or(-1)])?;
            }
        }
        Ok(())
    }

    fn put_task(&self, row: &TaskRow) -> Result<(), StoreError> {
        let values = params![
            row.id.as_bytes(),
            row.instance.as_bytes(),
            row.assignee.as_ref().map(person),
            row.record.as_ref().map(|record| record.entity.as_str()),
            row.record.as_ref().map(|record| record.id.as_str()),
            row.mirror.as_ref().map(|record| record.entity.as_str()),
            row.mirror.as_ref().map(|record| record.id.as_str()),
            row.due,
            freeze(row),
        ];
        self.run(sql::PUT_TASK, values)?;
        for role in &row.roles {
            self.run(sql::PUT_ROLE, params![&**role, row.id.as_bytes()])?;
        }
        Ok(())
    }

    fn put_job(&self, row: &JobRow) -> Result<(), StoreError> {
        let visible = row.visible();
        let lane = i64::try_from(row.id.as_u128() % 64).unwrap_or(0);
        let values =
            params![row.id.as_bytes(), row.instance.as_bytes(), visible, row.attempt, &*row.service, lane, freeze(row)];
        self.run(sql::PUT_JOB, values)?;
        Ok(())
    }

    fn append(&self, write: &Write) -> Result<u64, StoreError> {
        let row = &write.journal;
        let instance = row.instance.as_ref().map(|id| id.as_bytes());
        let values = params![
            row.at.timestamp_micros(),
            instance,
            number(row.revision),
            row.command.as_bytes(),
            freeze(&row.body)
        ];
        self.run(sql::PUT_JOURNAL, values)?;
        let seq = self.connection.last_insert_rowid();
        for change in &row.body.changes {
            self.run(sql::PUT_JOURNAL_RECORD, params![&*change.record.entity, &*change.record.id, seq])?;
        }
        if let Some(stamp) = &write.stamp {
            let values =
                params![stamp.command.as_bytes(), stamp.hash.cast_signed(), row.at.timestamp_micros(), stamp.answer];
            self.run(sql::PUT_SEEN, values)?;
        }
        Ok(u64::try_from(seq).unwrap_or(0))
    }

    fn write_all(&mut self, write: &Write) -> Result<u64, StoreError> {
        write.changes.iter().try_for_each(|change| self.put_record(change))?;
        for change in &write.foreign {
            // What stood here before is not what the foreign system has.
            self.put_record(&Change { before: self.get(&change.target)?, ..change.clone() })?;
        }
        for (record, rev) in &write.settled {
            let before = self.get(record)?.filter(|found| found.rev <= *rev);
            if let Some(before) = before {
                self.put_record(&Change { target: record.clone(), before: Some(before), after: None, touch: false })?;
            }
        }
        for (name, value) in &write.settings {
            self.run(sql::PUT_SETTING, params![&**name, freeze::<Value>(value)])?;
        }
        write.needs.iter().try_for_each(|need| self.need(need))?;
        if let Some(seq) = write.consumed {
            self.run(sql::DELETE_REACTION, [number(seq)])?;
        }
        for reaction in &write.reactions {
            self.run(sql::PUT_REACTION, params![Option::<&str>::None, freeze(reaction)])?;
        }
        for (reaction, why) in &write.parked {
            self.run(sql::PUT_REACTION, params![why, freeze(reaction)])?;
        }
        self.append(write)
    }
}

impl Tx for Rows<'_> {
    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.run(sql::SAVEPOINT, []).map(|_| ())
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.run(sql::ROLLBACK, [])?;
        self.run(sql::RELEASE, [])?;
        // What is remembered beside the rows goes back with them.
        self.indexed = super::read::indexed(self.connection)?;
        self.offset = super::read::offset(self.connection)?;
        Ok(())
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.run(sql::RELEASE, []).map(|_| ())
    }

    fn apply(&mut self, write: Write) -> Result<Applied, StoreError> {
        if let Some(refused) = self.guard(&write)? {
            return Ok(refused);
        }
        if let Some(Run { row, state }) = write.instance.as_deref()
            && !self.put_instance(row, state)?
        {
            let known: Option<i64> = self.one(sql::REVISION_OF_INSTANCE, [row.id.as_bytes()], |row| row.get(0))?;
            let known = known.unwrap_or(0);
            return Ok(Applied::Conflict(format!("the instance {} is at revision {known}", row.id)));
        }
        let seq = self.write_all(&write)?;
        Ok(Applied::Applied(Arc::new(JournalRow { seq, ..write.journal })))
    }

    fn claim_jobs(&mut self, claim: &Claim) -> Result<Vec<JobRow>, StoreError> {
        let (now, until) = (claim.now.timestamp_micros(), claim.until.timestamp_micros());
        let (found, corrupt) = self.claimable(claim)?;
        for (job, instance) in corrupt {
            self.run(sql::SET_JOB_ASIDE, [job.as_bytes()])?;
            self.mark_damaged(instance)?;
        }
        let claimed: Vec<JobRow> = found.into_iter().map(|job| job.leased(now, until)).collect();
        claimed.iter().try_for_each(|job| self.put_job(job))?;
        Ok(claimed)
    }

    fn extend_job(&mut self, id: Id, attempt: u32, until: DateTime<Utc>) -> Result<bool, StoreError> {
        let Some(job) = self.job(id)?.filter(|job| job.attempt == attempt) else { return Ok(false) };
        self.put_job(&JobRow { leased_until: Some(until.timestamp_micros()), ..job })?;
        Ok(true)
    }

    fn park_reaction(&mut self, seq: u64, why: Option<&str>) -> Result<(), StoreError> {
        self.run(sql::PARK_REACTION, params![number(seq), why])?;
        Ok(())
    }

    fn is_open(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn connection(&self) -> Option<&rusqlite::Connection> {
        Some(self.connection)
    }

    fn mark_damaged(&mut self, id: Id) -> Result<(), StoreError> {
        self.run(sql::MARK_DAMAGED, [id.as_bytes()])?;
        Ok(())
    }

    fn deploy(&mut self, deployment: &Deployment) -> Result<(), StoreError> {
        let Deployment { name, version, file, text, table, at } = deployment;
        self.run(sql::PUT_DEPLOYMENT, params![&**name, version, file, text, table, at.timestamp_micros()])?;
        Ok(())
    }

    fn index(&mut self, columns: &[(Name, Name)]) -> Result<(), StoreError> {
        for (entity, column) in columns {
            if self.indexed.contains(&(entity.clone(), column.clone())) {
                continue;
            }
            let records = self.query(&crate::entity::Query::all(entity.clone()))?;
            for record in records {
                let value = record.get(column);
                if !value.is_null() {
                    self.run(sql::PUT_INDEX, [&**entity, &**column, &index_key(&value), &*record.id])?;
                }
            }
            self.run(sql::PUT_INDEXED, [&**entity, &**column])?;
            self.indexed.insert((entity.clone(), column.clone()));
        }
        Ok(())
    }

    fn set_offset(&mut self, micros: i64) -> Result<(), StoreError> {
        self.run(sql::PUT_META, params!["offset", micros.to_be_bytes()])?;
        self.offset = micros;
        Ok(())
    }

    fn set_cursor(&mut self, consumer: &str, seq: u64) -> Result<(), StoreError> {
        self.run(sql::PUT_CURSOR, params![consumer, number(seq)])?;
        Ok(())
    }

    fn prune(&mut self, old: &Old) -> Result<u64, StoreError> {
        let mut gone = self.run(sql::PRUNE_MESSAGES, [old.messages.timestamp_micros()])?;
        if let Some(before) = old.journal {
            let read: Option<i64> = self.one(sql::LEAST_CURSOR, [], |row| row.get(0))?.flatten();
            let first: Option<i64> = self.one(sql::JOURNAL_FROM, [before.timestamp_micros()], |row| row.get(0))?;
            let unread = read.map(|read| read.saturating_add(1));
            let stays = first.into_iter().chain(unread).min().unwrap_or(i64::MAX);
            self.run(sql::PRUNE_JOURNAL_RECORD, [stays])?;
            gone = gone.saturating_add(self.run(sql::PRUNE_JOURNAL, [stays])?);
        }
        if let Some(before) = old.instances {
            gone = gone.saturating_add(self.run(sql::PRUNE_INSTANCES, [before.timestamp_micros()])?);
        }
        if let Some(before) = old.commands {
            gone = gone.saturating_add(self.run(sql::PRUNE_SEEN, [before.timestamp_micros()])?);
        }
        Ok(u64::try_from(gone).unwrap_or(u64::MAX))
    }
}

fn number(rev: u64) -> i64 {
    i64::try_from(rev).unwrap_or(i64::MAX)
}
