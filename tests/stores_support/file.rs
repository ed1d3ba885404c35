//! What a file promises beyond the contract: what is reopened is the same, and what cannot be opened is said clearly and left alone.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use stageflow::model::Value;
use stageflow::store::sqlite::Options;
use stageflow::store::{Durability, EntityStore, InstanceFilter, SqliteStore, Store, StoreError, Write};

use crate::kit::*;

/// A store in a file whose clock stands still. What a test writes need not survive the loss of power.
pub fn open(path: &Path) -> SqliteStore {
    try_open(path).expect("a store")
}

fn try_open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open_with(path, Options { durability: Durability::Normal, clock: Some(at(0)) })
}

/// A file with something in every table, closed: its bytes are all in it.
fn written(path: &Path) -> String {
    let store = open(path);
    inside(&store, |tx| tx.index(&[(name("lead"), name("n"))]));
    commit(
        &store,
        (1..=20).map(|n| {
            let record =
                record(&format!("r{n:02}"), 1, &[("n", Value::from(n as i64)), ("text", Value::text("x".repeat(900)))]);
            let needs = [keep(task(n, n)), arm(n, 1, 50), offer(job(n, n, 5)), message("a", 90)];
            let write = turn(n as i64).by(n).on(run(n, 1)).saves(None, Some(record)).needs(needs).reacts([n as u32]);
            Write {
                settings: vec![(name("limit"), Value::from(n as i64))],
                parked: vec![(reaction(3), "why".into())],
                ..write
            }
        }),
    );
    inside(&store, |tx| tx.set_offset(1_000_000));
    let said = everything(&store);
    drop(store);
    assert!(!path.with_extension("db-wal").exists(), "the last one to leave empties the log");
    said
}

#[test]
fn what_is_reopened_is_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    let said = written(&path);
    for _ in 0..2 {
        let store = open(&path);
        assert_eq!(everything(&store), said);
        assert_eq!(store.now(), at(1), "the clock goes on from where it was moved");
        assert_eq!(ids(&store.query(&leads(&[("n", Value::from(7_i64))], &[])).expect("records")), ["r07"]);
    }
}

#[test]
fn one_process_writes_to_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    let first = open(&path);
    for again in [path.clone(), folder.path().join(".").join("x.db")] {
        let error = try_open(&again).err().expect("a second one is refused");
        assert!(matches!(error, StoreError::InUse(_)) && error.to_string().contains("x.db"), "{error}");
    }
    #[cfg(unix)]
    {
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        assert!(matches!(try_open(&link).err(), Some(StoreError::InUse(_))), "by another name it is the same file");
    }
    commit(&first, [turn(1)]);
    let clone = first.clone();
    drop(first);
    assert!(try_open(&path).is_err(), "a clone holds it open");
    drop(clone);
    open(&path);
}

/// How a file was spoiled, and what opening it, or the first reading, says.
type Spoiled = (&'static str, fn(&Path), &'static str);

const SPOILED: &[Spoiled] = &[
    ("text", |path| fs::write(path, "dear diary, ".repeat(500)).expect("a file"), "stored bytes are corrupt"),
    ("cut short", |path| cut(path, 3), "stored bytes are corrupt"),
    ("cut to a few bytes", |path| fs::write(path, b"SQLite form").expect("a file"), "stored bytes are corrupt"),
    ("overwritten in the middle", overwrite, "stored bytes are corrupt"),
    ("of a later version", |path| pragma(path, "user_version = 99"), "use a newer version of the program"),
    ("of another program", |path| pragma(path, "application_id = 7"), "expected a file of stageflow"),
    (
        "of no program, with a version",
        |path| {
            fs::remove_file(path).expect("a file");
            pragma(path, "user_version = 1");
        },
        "expected a file of stageflow",
    ),
    (
        "a folder",
        |path| {
            fs::remove_file(path).expect("a file");
            fs::create_dir(path).expect("a folder")
        },
        "unable to open",
    ),
];

fn cut(path: &Path, parts: usize) {
    let bytes = fs::read(path).expect("a file");
    fs::write(path, &bytes[..bytes.len() / parts]).expect("a file");
}

fn overwrite(path: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    bytes.iter_mut().skip(4096).for_each(|byte| *byte = 0xA5);
    fs::write(path, bytes).expect("a file");
}

fn pragma(path: &Path, text: &str) {
    Connection::open(path).and_then(|file| file.execute_batch(&format!("PRAGMA {text}"))).expect("a database");
}

#[test]
fn a_spoiled_file_is_said_clearly_and_left_alone() {
    for (how, spoil, expected) in SPOILED {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.db");
        written(&path);
        spoil(&path);
        let before = fs::read(&path).ok();
        let error = try_open(&path).and_then(|store| {
            store.read(&mut |reader| {
                reader.instances(&InstanceFilter::default())?;
                reader.query(&leads(&[], &[]))?;
                Ok(())
            })
        });
        let error = error.expect_err(how).to_string();
        assert!(error.contains(expected), "{how}: {error}");
        assert_eq!(fs::read(&path).ok(), before, "{how}: the file was changed");
    }
}

/// One row that cannot be read hurts nobody who does not ask for it.
#[test]
fn a_spoiled_row_is_an_error_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    written(&path);
    let spoil = "UPDATE instance SET state = x'01ff' WHERE id = x'00000000000000000000000000000003'; \
        UPDATE record SET body = x'' WHERE id = 'r03'; UPDATE task SET body = x'7f00' WHERE instance = x'00000000000000000000000000000003';";
    Connection::open(&path).and_then(|file| file.execute_batch(spoil)).expect("a database");
    let store = open(&path);
    let refused = |done: Result<(), StoreError>| matches!(done, Err(StoreError::Corrupt(_) | StoreError::Failed(_)));
    assert!(refused(store.read(&mut |reader| reader.instance(id(3)).map(|_| ()))));
    assert!(refused(store.read(&mut |reader| Ok(reader.task(id(3)).map(|_| ())?))));
    assert!(refused(store.get(&lead("r03")).map(|_| ())));
    assert!(ask(&store, |reader| reader.instance(id(4))).is_some());
    assert!(store.get(&lead("r04")).expect("a record").is_some());
    commit(&store, [turn(30).on(run(4, 2))]);
}

/// Where nobody may write to a file (a superuser always may), that is said, and not found out in the middle of work.
#[cfg(unix)]
#[test]
fn a_file_that_may_only_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    written(&path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("permissions");
    if fs::File::options().write(true).open(&path).is_ok() {
        return;
    }
    let before = fs::read(&path).expect("a file");
    let error = try_open(&path).err().expect("it is refused").to_string();
    assert!(error.contains("expected a file that may be written") && error.contains("x.db"), "{error}");
    assert_eq!(fs::read(&path).expect("a file"), before);
}

/// A host's own tables may be there before the store's.
#[test]
fn a_file_of_the_host_gets_the_tables_beside_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    let host = Connection::open(&path).expect("a database");
    host.execute_batch("CREATE TABLE parcel (id INTEGER PRIMARY KEY); INSERT INTO parcel VALUES (7)").expect("a table");
    drop(host);
    let said = written(&path);
    assert_eq!(everything(&open(&path)), said);
    let host = Connection::open(&path).expect("a database");
    assert_eq!(host.query_row("SELECT id FROM parcel", [], |row| row.get::<_, i64>(0)), Ok(7));
}

/// An update of the program that is cut off in the middle of a migration finds the file as it was.
#[test]
fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    // A table of the host stands in the way of one of the store's.
    let host = Connection::open(&path).expect("a database");
    host.execute_batch("CREATE TABLE seen (mine INTEGER)").expect("a table");
    drop(host);
    let error = try_open(&path).err().expect("an error").to_string();
    assert!(error.contains("table seen already exists"), "{error}");
    let host = Connection::open(&path).expect("a database");
    let left: Vec<String> = host
        .prepare("SELECT name FROM sqlite_schema")
        .and_then(|mut rows| rows.query_map([], |row| row.get(0))?.collect())
        .expect("the tables");
    let version = host.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    assert_eq!((left, version), (vec!["seen".to_string()], Ok(0)));
}

/// A program works with the files of the next one too, so that it can be taken back after an update.
#[test]
fn a_file_of_the_next_schema_opens_and_stays_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    let said = written(&path);
    let version = || {
        Connection::open(&path).and_then(|file| file.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)))
    };
    let next = version().expect("a version") + 1;
    pragma(&path, &format!("user_version = {next}"));
    assert_eq!(everything(&open(&path)), said);
    assert_eq!(version(), Ok(next));
}
