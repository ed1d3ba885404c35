//! The store in one SQLite file: bundled, WAL, `synchronous=FULL`. One connection writes, others read what is committed.
//!
//! A parked run takes no memory. One process writes to a file at a time: it holds a lock beside the file while it is open.

mod read;
mod schema;
mod sql;
mod write;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{EntityStore, Reader, Store, StoreError, Tx};
use crate::entity::{Query, Record, Window};
use crate::model::{Name, Ref};
use read::Rows;

/// What a returned commit has survived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The program's end, and the loss of power: every commit is on the disk before it is acknowledged.
    #[default]
    Full,
    /// The program's end; a loss of power may cost the last commits, never consistency.
    Normal,
}

/// A store in one SQLite file. Clones share it.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    writer: Mutex<Writer>,
    reader: Mutex<Connection>,
    durability: Durability,
    clock: Option<DateTime<Utc>>,
    offset: AtomicI64,
    _lock: File,
}

struct Writer {
    connection: Connection,
    indexed: BTreeSet<(Name, Name)>,
}

/// How a file is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What a returned commit has survived.
    pub durability: Durability,
    /// Where a manual clock stands; the system's clock when none.
    pub clock: Option<DateTime<Utc>>,
}

impl SqliteStore {
    /// Opens a file, or makes it. Older files are brought to the present schema.
    ///
    /// ```
    /// use stageflow::store::{SqliteStore, Store};
    /// let folder = tempfile::tempdir().unwrap();
    /// let store = SqliteStore::open(folder.path().join("crm.db")).unwrap();
    /// assert!(store.durability().contains("disk"));
    /// ```
    ///
    /// # Errors
    /// When the file is no database, is of a later version, or another process has it open.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, Options::default())
    }

    /// Opens a file with options.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let path = path.as_ref();
        // By whatever name a file is opened, its lock is the same.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let lock = lock(path)?;
        let mut connection = connect(path)?;
        let found = known(&connection, path)?;
        keep_with(&connection, options.durability)?;
        migrate(&mut connection, found)?;
        let indexed = read::indexed(&connection)?;
        let offset = read::offset(&connection)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
        let reader = connect(path)?;
        keep_with(&reader, options.durability)?;
        reader.pragma_update(None, "query_only", true).map_err(failed)?;
        let shared = Shared {
            writer: Mutex::new(Writer { connection, indexed }),
            reader: Mutex::new(reader),
            durability: options.durability,
            clock: options.clock,
            offset: AtomicI64::new(offset),
            _lock: lock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.shared.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One writer at a time: a lock on a file beside the database, gone with the process.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let beside = PathBuf::from(name);
    let file = File::options().create(true).truncate(false).write(true).open(&beside);
    let file = file.map_err(|error| StoreError::Failed(format!("{}: {error}", beside.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(StoreError::InUse(format!("another process has {} open", path.display())))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(StoreError::Failed(format!("{}: {error}", beside.display()))),
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(128);
    // A plan stays what it is, whatever is bound: statements are not prepared again behind our back.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed)?;
    Ok(connection)
}

/// What the writer may keep in memory of the file, in KiB: the pages of a full batch, which would else go to the disk twice.
const CACHE_KIB: i64 = 16 * 1024;

/// How a connection keeps what is written: from here on the file may change.
fn keep_with(connection: &Connection, durability: Durability) -> Result<(), StoreError> {
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    let synchronous = if durability == Durability::Full { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous).map_err(failed)?;
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(failed)
}

/// The schema of a file, before anything in it is changed: 0 when it has none yet.
fn known(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(failed);
    let (owner, found) = (number("application_id")?, number("user_version")?);
    let ours = if found == 0 { 0 } else { schema::APPLICATION };
    if owner != ours {
        return Err(StoreError::Foreign { found: owner, version: found });
    }
    let known = i64::try_from(schema::MIGRATIONS.len()).unwrap_or(i64::MAX);
    // Engine n works with schema n and n + 1: what a later one added is not needed here.
    if found > known.saturating_add(1) {
        return Err(StoreError::TooNew { known, found });
    }
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(failed)? {
        return Err(StoreError::Failed(format!(
            "expected a file that may be written, found {} read-only",
            path.display()
        )));
    }
    Ok(found)
}

/// Brings a file to the present schema, one version after the other, each in its own transaction.
fn migrate(connection: &mut Connection, found: i64) -> Result<(), StoreError> {
    for (at, migration) in schema::MIGRATIONS.iter().enumerate() {
        let version = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1);
        if version <= found {
            continue;
        }
        let tx = connection.transaction().map_err(failed)?;
        tx.execute_batch(migration).map_err(failed)?;
        tx.pragma_update(None, "user_version", version).map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
    Ok(())
}

fn failed(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Corrupt(error.to_string())
        }
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            StoreError::InUse(error.to_string())
        }
        _ => StoreError::Failed(error.to_string()),
    }
}

impl EntityStore for SqliteStore {
    fn get(&self, record: &Ref) -> Result<Option<Arc<Record>>, StoreError> {
        let connection = self.reader();
        Ok(Rows::committed(&connection)?.get(record)?)
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, StoreError> {
        let connection = self.reader();
        Ok(Rows::committed(&connection)?.query(query)?)
    }
}

impl Store for SqliteStore {
    fn write(&self, work: &mut dyn FnMut(&mut dyn Tx) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Writer { connection, indexed } = &mut *writer;
        let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(failed)?;
        let mut rows = Rows::open(&tx, indexed.clone(), self.shared.offset.load(Ordering::Relaxed));
        // Dropped without a commit, by an error or a panic, the transaction is rolled back.
        work(&mut rows)?;
        let (now_indexed, offset) = rows.into_remembered();
        tx.commit().map_err(failed)?;
        *indexed = now_indexed;
        self.shared.offset.store(offset, Ordering::Relaxed);
        Ok(())
    }

    fn read(&self, work: &mut dyn FnMut(&dyn Reader) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let connection = self.reader();
        // One snapshot for everything that is asked.
        let tx = connection.unchecked_transaction().map_err(failed)?;
        work(&Rows::committed(&tx)?)
    }

    fn now(&self) -> DateTime<Utc> {
        let now = self.shared.clock.unwrap_or_else(Utc::now);
        super::moved(now, self.shared.offset.load(Ordering::Relaxed))
    }

    fn durability(&self) -> &'static str {
        match self.shared.durability {
            Durability::Full => "on disk before acknowledged (WAL, synchronous=FULL)",
            Durability::Normal => "survives the program's end (WAL, synchronous=NORMAL)",
        }
    }

    fn waits_for_disk(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
