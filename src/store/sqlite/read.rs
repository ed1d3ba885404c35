//! Reading rows: of the open transaction, or of what is committed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use super::sql::Sql;
use super::{failed, sql};
use crate::entity::{Query, Record, Window, WindowError};
use crate::instance::rows::Values;
use crate::instance::{Id, InstanceRow, JobRow, Reaction, Run, Status, SubscriptionRow, TaskRow, Topic, WaitId};
use crate::model::{Name, Ref, Value};
use crate::store::code::thaw;
use crate::store::memory::index_key;
use crate::store::{
    Claim, Deployment, FailedReaction, InstanceFilter, JournalOf, JournalRow, Reader, Seen, StoreError, TaskFilter,
};
use crate::turn::World;

const PAGE: usize = 1_000;

/// The rows that a connection sees.
pub(super) struct Rows<'c> {
    pub connection: &'c Connection,
    pub indexed: BTreeSet<(Name, Name)>,
    pub offset: i64,
    /// Statements that were used: they are asked of the connection once for all commands of a commit.
    ready: RefCell<Vec<Option<CachedStatement<'c>>>>,
}

/// Which columns are indexed.
pub(super) fn indexed(connection: &Connection) -> Result<BTreeSet<(Name, Name)>, StoreError> {
    let mut statement = connection.prepare_cached(sql::INDEXED.text).map_err(failed)?;
    let pair = |row: &Row<'_>| Ok((text(row, 0)?, text(row, 1)?));
    let rows = statement.query_map([], pair).map_err(failed)?;
    rows.map(|row| row.map(|(entity, column)| (Name::new(entity), Name::new(column))).map_err(failed)).collect()
}

/// How far the clock was moved, in microseconds.
pub(super) fn offset(connection: &Connection) -> Result<i64, StoreError> {
    let found: Option<Vec<u8>> = connection
        .prepare_cached(sql::GET_META.text)
        .map_err(failed)?
        .query_row(["offset"], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    Ok(found.and_then(|bytes| bytes.try_into().ok()).map_or(0, i64::from_be_bytes))
}

fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    row.get(at)
}

fn id(row: &Row<'_>, at: usize) -> rusqlite::Result<Id> {
    row.get::<_, [u8; 16]>(at).map(Id::from_bytes)
}

impl<'c> Rows<'c> {
    pub fn open(connection: &'c Connection, indexed: BTreeSet<(Name, Name)>, offset: i64) -> Self {
        let ready = RefCell::new(std::iter::repeat_with(|| None).take(sql::COUNT).collect());
        Self { connection, indexed, offset, ready }
    }

    pub fn committed(connection: &'c Connection) -> Result<Self, StoreError> {
        Ok(Self::open(connection, indexed(connection)?, 0))
    }

    /// What is remembered beside the rows.
    pub fn into_remembered(self) -> (BTreeSet<(Name, Name)>, i64) {
        (self.indexed, self.offset)
    }

    /// Uses a statement, ready from the last time or asked of the connection.
    pub fn with<T>(
        &self,
        sql: Sql,
        work: impl FnOnce(&mut CachedStatement<'c>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let ready = self.ready.borrow_mut().get_mut(sql.at).and_then(Option::take);
        let mut statement = ready.map_or_else(|| self.connection.prepare_cached(sql.text).map_err(failed), Ok)?;
        let done = work(&mut statement);
        if let Some(place) = self.ready.borrow_mut().get_mut(sql.at) {
            *place = Some(statement);
        }
        done
    }

    pub fn one<T>(
        &self,
        sql: Sql,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        self.with(sql, |statement| statement.query_row(params, read).optional().map_err(failed))
    }

    /// Rows while `take` says so: what it gives is kept, `None` passes a row by, `Err` ends.
    fn each<T>(
        &self,
        sql: Sql,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        mut take: impl FnMut(T) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        self.with(sql, |statement| {
            let mut rows = statement.query(params).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                if !take(read(row).map_err(failed)?)? {
                    break;
                }
            }
            Ok(())
        })
    }

    fn all<T>(
        &self,
        sql: Sql,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each(sql, params, read, |item| {
            found.push(item);
            Ok(true)
        })?;
        Ok(found)
    }

    fn bodies<T: for<'b> minicbor::Decode<'b, ()>>(
        &self,
        sql: Sql,
        params: impl Params,
        what: &str,
    ) -> Result<Vec<T>, StoreError> {
        let bytes = self.all(sql, params, |row| row.get::<_, Vec<u8>>(0))?;
        bytes.iter().map(|bytes| thaw(bytes, what)).collect()
    }
}

impl Window for Rows<'_> {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, WindowError> {
        let body = self.one(sql::GET_RECORD, [&*record.entity, &*record.id], |row| row.get::<_, Vec<u8>>(0))?;
        Ok(body.map(|body| thaw::<Record>(&body, "a record")).transpose()?.map(Arc::new))
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, WindowError> {
        let indexed = query
            .eq
            .iter()
            .find(|(column, value)| !value.is_null() && self.indexed.contains(&(query.entity.clone(), column.clone())));
        let after = query.after.as_ref().map_or("", |after| after.as_str());
        let enough = query.limit.filter(|_| query.order.is_empty()).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        if enough == 0 {
            return Ok(found);
        }
        let take = |body: Vec<u8>| {
            let record: Record = thaw(&body, "a record")?;
            if query.fits(&record) {
                found.push(Arc::new(record));
            }
            Ok(found.len() < enough)
        };
        let body = |row: &Row<'_>| row.get::<_, Vec<u8>>(0);
        match indexed {
            Some((column, value)) => {
                let key = index_key(value);
                self.each(sql::RECORDS_BY_COLUMN, [&*query.entity, &**column, &key, after], body, take)?;
            }
            None => self.each(sql::RECORDS_OF_ENTITY, [&*query.entity, after], body, take)?,
        }
        query.arrange(&mut found);
        Ok(found)
    }

    fn setting(&self, name: &str) -> Result<Option<Value>, WindowError> {
        let bytes = self.one(sql::GET_SETTING, [name], |row| row.get::<_, Vec<u8>>(0))?;
        Ok(bytes.map(|bytes| thaw(&bytes, "a setting")).transpose()?)
    }
}

impl World for Rows<'_> {
    fn running(&self, process: &str, key: &str) -> Result<Option<Id>, WindowError> {
        Ok(self.one(sql::RUNNING, [process, key], |row| id(row, 0))?)
    }

    fn listeners(&self, topic: &Topic) -> Result<Vec<SubscriptionRow>, WindowError> {
        let row = |row: &Row<'_>| Ok((row.get(2)?, id(row, 0)?, row.get(1)?));
        let mut found: Vec<(i64, Id, WaitId)> = self.all(sql::LISTENERS, [topic.as_str()], row)?;
        found.sort_by_key(|(since, ..)| *since);
        let row = |(_, instance, wait)| SubscriptionRow { instance, wait, topic: topic.clone() };
        Ok(found.into_iter().map(row).collect())
    }

    fn task(&self, id: Id) -> Result<Option<Arc<TaskRow>>, WindowError> {
        let body = self.one(sql::GET_TASK, [id.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?;
        Ok(body.map(|body| thaw(&body, "a task")).transpose()?.map(Arc::new))
    }

    fn task_of(&self, record: &Ref) -> Result<Option<Arc<TaskRow>>, WindowError> {
        let body = self.one(sql::TASK_OF_MIRROR, [&*record.entity, &*record.id], |row| row.get::<_, Vec<u8>>(0))?;
        Ok(body.map(|body| thaw(&body, "a task")).transpose()?.map(Arc::new))
    }

    fn about(&self, record: &Ref) -> Result<Vec<Id>, WindowError> {
        let filter =
            InstanceFilter { record: Some(record.clone()), limit: Some(usize::MAX), ..InstanceFilter::default() };
        let rows = self.instances(&filter)?;
        Ok(rows.into_iter().filter(|row| !row.status.is_over()).map(|row| row.id).collect())
    }

    fn kept_messages(&self, name: &str, key: &str, now: DateTime<Utc>) -> Result<Vec<(u64, Values)>, WindowError> {
        let topic = Topic::message(name, key);
        let params = rusqlite::params![topic.as_str(), now.timestamp_micros()];
        let found =
            self.all(sql::KEPT_MESSAGES, params, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let message = |(number, body): (i64, Vec<u8>)| {
            let with: Vec<(Name, Value)> = thaw(&body, "a message")?;
            Ok((u64::try_from(number).unwrap_or(0), with.into_iter().collect()))
        };
        found.into_iter().map(message).collect()
    }
}

/// Jobs that may be claimed; and the ids of corrupt ones, each with its instance.
type Claimable = (Vec<JobRow>, Vec<(Id, Id)>);

type StoredInstance = (InstanceRow, i64, Vec<u8>);

fn instance_row(row: &Row<'_>) -> rusqlite::Result<StoredInstance> {
    let record = match (row.get::<_, Option<String>>(4)?, row.get::<_, Option<String>>(5)?) {
        (Some(entity), Some(id)) => Some(Ref::new(entity, id)),
        _ => None,
    };
    let instant = |micros: i64| DateTime::from_timestamp_micros(micros).unwrap_or_default();
    let initiator: Option<String> = row.get(11)?;
    let found = InstanceRow {
        id: id(row, 0)?,
        revision: u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
        process: Name::new(text(row, 2)?),
        version: row.get(3)?,
        record,
        status: Status::Running,
        incidents: row.get(7)?,
        key: row.get::<_, Option<String>>(8)?.map(Name::new),
        parent: row.get::<_, Option<[u8; 16]>>(9)?.map(Id::from_bytes),
        root: id(row, 10)?,
        initiator: initiator.as_deref().and_then(|text| text.split_once(' ')).map(|(entity, id)| Ref::new(entity, id)),
        started: instant(row.get(12)?),
        ended: row.get::<_, Option<i64>>(13)?.map(instant),
    };
    Ok((found, row.get(6)?, row.get(14)?))
}

/// The number under which a status is stored.
pub(super) fn status_number(status: Status) -> i64 {
    match status {
        Status::Running => 0,
        Status::Completed => 1,
        Status::Canceled => 2,
        Status::Suspended => 3,
        Status::Failed => 4,
    }
}

fn with_status((row, status, state): StoredInstance) -> Result<(InstanceRow, Vec<u8>), StoreError> {
    let known = [Status::Running, Status::Completed, Status::Canceled, Status::Suspended, Status::Failed];
    let found = known.into_iter().find(|known| status_number(*known) == status);
    let status = found.ok_or_else(|| StoreError::Corrupt(format!("the status {status} of an instance")))?;
    Ok((InstanceRow { status, ..row }, state))
}

fn journal_row(row: &Row<'_>) -> rusqlite::Result<(JournalRow, Vec<u8>)> {
    let found = JournalRow {
        seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
        at: DateTime::from_timestamp_micros(row.get(1)?).unwrap_or_default(),
        instance: row.get::<_, Option<[u8; 16]>>(2)?.map(Id::from_bytes),
        revision: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
        command: id(row, 4)?,
        ..JournalRow::default()
    };
    Ok((found, row.get(5)?))
}

impl Reader for Rows<'_> {
    fn instance(&self, id: Id) -> Result<Option<Box<Run>>, StoreError> {
        let Some(found) = self.one(sql::GET_INSTANCE, [id.as_bytes()], instance_row)? else { return Ok(None) };
        let (row, state) = with_status(found)?;
        let state = thaw(&state, "the state of an instance")?;
        Ok(Some(Box::new(Run { row, state })))
    }

    fn instances(&self, filter: &InstanceFilter) -> Result<Vec<InstanceRow>, StoreError> {
        let limit = filter.limit.unwrap_or(PAGE);
        let after = filter.after.map_or_else(Vec::new, |after| after.as_bytes().to_vec());
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        let take = |stored: StoredInstance| {
            let (row, _) = with_status(stored)?;
            let fits = filter.process.as_ref().is_none_or(|process| row.process == *process)
                && filter.status.is_none_or(|status| row.status == status)
                && (!filter.incidents || row.incidents > 0);
            if fits {
                found.push(row);
            }
            Ok(found.len() < limit)
        };
        match (&filter.record, filter.incidents, &filter.process, filter.status) {
            (Some(record), ..) => {
                let params = rusqlite::params![&*record.entity, &*record.id, after];
                self.each(sql::INSTANCES_ABOUT, params, instance_row, take)?;
            }
            (None, true, ..) => self.each(sql::INSTANCES_IN_TROUBLE, [after], instance_row, take)?,
            (None, false, Some(process), Some(status)) => {
                let params = rusqlite::params![&**process, status_number(status), after];
                self.each(sql::INSTANCES_OF_PROCESS, params, instance_row, take)?;
            }
            _ => self.each(sql::INSTANCES, [after], instance_row, take)?,
        }
        Ok(found)
    }

    fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, StoreError> {
        let what = "a task";
        let mut found: Vec<TaskRow> = match (filter.instance, &filter.record, &filter.assignee) {
            (Some(instance), ..) => self.bodies(sql::TASKS_OF_INSTANCE, [instance.as_bytes()], what)?,
            (None, Some(record), _) => self.bodies(sql::TASKS_OF_RECORD, [&*record.entity, &*record.id], what)?,
            (None, None, None) if filter.roles.is_empty() => self.bodies(sql::TASKS, [Vec::new()], what)?,
            (None, None, assignee) => {
                let mut found = match assignee {
                    Some(user) => self.bodies(sql::TASKS_OF_PERSON, [person(user)], what)?,
                    None => Vec::new(),
                };
                for role in &filter.roles {
                    found.extend(self.bodies(sql::TASKS_OF_ROLE, [&**role], what)?);
                }
                found
            }
        };
        found.retain(|task| filter.fits(task));
        found.sort_by_key(|task| (task.due.unwrap_or(i64::MAX), task.id));
        found.dedup_by_key(|task| task.id);
        found.truncate(filter.limit.unwrap_or(PAGE));
        Ok(found)
    }

    fn journal(&self, of: &JournalOf, after: u64, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = match of {
            JournalOf::All => self.all(sql::JOURNAL, rusqlite::params![after, limit], journal_row)?,
            JournalOf::Instance(id) => {
                self.all(sql::JOURNAL_OF_INSTANCE, rusqlite::params![after, limit, id.as_bytes()], journal_row)?
            }
            JournalOf::Record(record) => {
                let params = rusqlite::params![after, limit, &*record.entity, &*record.id];
                self.all(sql::JOURNAL_OF_RECORD, params, journal_row)?
            }
        };
        rows.into_iter()
            .map(|(row, body)| Ok(JournalRow { body: thaw(&body, "a row of the journal")?, ..row }))
            .collect()
    }

    fn seen(&self, command: Id) -> Result<Option<Seen>, StoreError> {
        // Hashes use all 64 bits; SQLite's integers are signed.
        let read = |row: &Row<'_>| Ok(Seen { hash: row.get::<_, i64>(0)?.cast_unsigned(), answer: row.get(1)? });
        self.one(sql::GET_SEEN, [command.as_bytes()], read)
    }

    fn due_timers(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<(DateTime<Utc>, Id, WaitId)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let row = |row: &Row<'_>| {
            let due = DateTime::from_timestamp_micros(row.get(0)?).unwrap_or_default();
            Ok((due, id(row, 1)?, row.get(2)?))
        };
        self.all(sql::DUE_TIMERS, rusqlite::params![now.timestamp_micros(), limit], row)
    }

    fn timer(&self, instance: Id, wait: WaitId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let due = self.one(sql::DUE_OF_TIMER, rusqlite::params![instance.as_bytes(), wait], |row| row.get(0))?;
        Ok(due.and_then(DateTime::from_timestamp_micros))
    }

    fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let timer: Option<i64> = self.one(sql::NEXT_TIMER, [], |row| row.get(0))?;
        let job: Option<i64> = self.one(sql::NEXT_JOB, [], |row| row.get(0))?;
        Ok(timer.into_iter().chain(job).min().and_then(DateTime::from_timestamp_micros))
    }

    fn has_jobs(&self, claim: &Claim) -> Result<bool, StoreError> {
        let (found, corrupt) = self.claimable(&Claim { limit: 1, ..claim.clone() })?;
        Ok(!found.is_empty() || !corrupt.is_empty())
    }

    fn job(&self, id: Id) -> Result<Option<JobRow>, StoreError> {
        let body = self.one(sql::GET_JOB, [id.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?;
        body.map(|body| thaw(&body, "a job")).transpose()
    }

    fn next_reaction(&self) -> Result<Option<(u64, Option<Reaction>)>, StoreError> {
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
        let Some((seq, body)) = self.one(sql::NEXT_REACTION, [], row)? else { return Ok(None) };
        Ok(Some((u64::try_from(seq).unwrap_or(0), thaw(&body, "a reaction").ok())))
    }

    fn failed_reactions(&self) -> Result<Vec<FailedReaction>, StoreError> {
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?));
        let rows = self.all(sql::FAILED_REACTIONS, [], row)?;
        let failed = rows.into_iter().map(|(seq, why, body)| FailedReaction {
            seq: u64::try_from(seq).unwrap_or(0),
            reaction: thaw(&body, "a reaction").ok(),
            why,
        });
        Ok(failed.collect())
    }

    fn deployments(&self) -> Result<Vec<Deployment>, StoreError> {
        let row = |row: &Row<'_>| {
            Ok(Deployment {
                name: Name::new(text(row, 0)?),
                version: row.get(1)?,
                file: row.get(2)?,
                text: row.get(3)?,
                table: row.get(4)?,
                at: DateTime::from_timestamp_micros(row.get(5)?).unwrap_or_default(),
            })
        };
        self.all(sql::DEPLOYMENTS, [], row)
    }

    fn clock_offset(&self) -> Result<i64, StoreError> {
        offset(self.connection)
    }

    fn cursor(&self, consumer: &str) -> Result<u64, StoreError> {
        let found: Option<i64> = self.one(sql::GET_CURSOR, [consumer], |row| row.get(0))?;
        Ok(found.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0))
    }
}

impl Rows<'_> {
    /// The jobs that may be claimed, in the order in which they became due; and those whose bytes are corrupt, with their instances.
    pub fn claimable(&self, claim: &Claim) -> Result<Claimable, StoreError> {
        let (mut found, mut corrupt): (Vec<JobRow>, Vec<(Id, Id)>) = (Vec::new(), Vec::new());
        if claim.limit == 0 {
            return Ok((found, corrupt));
        }
        let parts = |row: &Row<'_>| Ok((text(row, 0)?, row.get::<_, Vec<u8>>(1)?, id(row, 2)?, id(row, 3)?));
        self.each(sql::DUE_JOBS, [claim.now.timestamp_micros()], parts, |(service, body, job, instance)| {
            if claim.services.is_empty() || claim.services.iter().any(|wanted| **wanted == *service) {
                match thaw(&body, "a job") {
                    Ok(job) => found.push(job),
                    Err(_) => corrupt.push((job, instance)),
                }
            }
            Ok(found.len() < claim.limit)
        })?;
        Ok((found, corrupt))
    }
}

/// A user as a column holds him: entity and id.
pub(super) fn person(user: &Ref) -> String {
    user.to_string()
}
