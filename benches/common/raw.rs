//! What an engine left in a file, written by hand into a copy of the file as it was before: the very rows, into the same tables with
//! their indexes, in the same commits. It is the reference of the benchmarks of the file.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// One row that was written.
pub struct Written {
    /// The instant of its commit.
    pub at: i64,
    seq: i64,
    sql: &'static str,
    values: Vec<Value>,
}

/// For every kind of row: where it is found when the file as it was is attached as `before` (the commit's instant and the row of the
/// journal first), and how it is written. Every run has one turn in between, and every record one change.
const KINDS: [(&str, &str); 9] = [
    (
        "SELECT j.at, j.seq, i.id, i.revision, i.status, i.ended, i.incidents, i.key, i.state FROM new AS j JOIN instance AS i ON i.id = j.instance",
        "UPDATE instance SET revision = ?2, status = ?3, ended = ?4, incidents = ?5, key = ?6, state = ?7 WHERE id = ?1",
    ),
    (
        "SELECT j.at, j.seq, r.task FROM new AS j JOIN before.task AS t ON t.instance = j.instance JOIN before.task_role AS r ON r.task = t.id",
        "DELETE FROM task_role WHERE task = ?1",
    ),
    (
        "SELECT j.at, j.seq, t.id FROM new AS j JOIN before.task AS t ON t.instance = j.instance",
        "DELETE FROM task WHERE id = ?1",
    ),
    (
        "SELECT j.at, j.seq, t.instance, t.wait, t.due FROM new AS j JOIN timer AS t ON t.instance = j.instance",
        "INSERT INTO timer (instance, wait, due) VALUES (?1, ?2, ?3)",
    ),
    (
        "SELECT j.at, j.seq, r.entity, r.id, r.rev, r.links_rev, r.body FROM new AS j JOIN journal_record AS n ON n.seq = j.seq
         JOIN record AS r ON r.entity = n.entity AND r.id = n.record",
        "UPDATE record SET rev = ?3, links_rev = ?4, body = ?5 WHERE entity = ?1 AND id = ?2",
    ),
    (
        "SELECT j.at, j.seq, x.entity, x.col, x.value, x.id FROM new AS j JOIN journal_record AS n ON n.seq = j.seq
         JOIN before.record_index AS x ON x.entity = n.entity AND x.id = n.record
         WHERE NOT EXISTS (SELECT 1 FROM main.record_index AS y WHERE y.entity = x.entity AND y.col = x.col AND y.value = x.value AND y.id = x.id)",
        "DELETE FROM record_index WHERE entity = ?1 AND col = ?2 AND value = ?3 AND id = ?4",
    ),
    (
        "SELECT j.at, j.seq, x.entity, x.col, x.value, x.id FROM new AS j JOIN journal_record AS n ON n.seq = j.seq
         JOIN main.record_index AS x ON x.entity = n.entity AND x.id = n.record
         WHERE NOT EXISTS (SELECT 1 FROM before.record_index AS y WHERE y.entity = x.entity AND y.col = x.col AND y.value = x.value AND y.id = x.id)",
        "INSERT INTO record_index (entity, col, value, id) VALUES (?1, ?2, ?3, ?4)",
    ),
    (
        "SELECT j.at, j.seq, j.at, j.instance, j.revision, j.command, j.body FROM new AS j",
        "INSERT INTO journal (at, instance, revision, command, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    ),
    (
        "SELECT j.at, j.seq, n.entity, n.record, n.seq FROM new AS j JOIN journal_record AS n ON n.seq = j.seq",
        "INSERT INTO journal_record (entity, record, seq) VALUES (?1, ?2, ?3)",
    ),
];

/// The tables that are compared afterwards, with their columns.
const TABLES: [(&str, &str); 8] = [
    ("instance", "id, revision, status, ended, incidents, key, state"),
    ("task", "id, body"),
    ("task_role", "task, role"),
    ("timer", "instance, wait, due"),
    ("record", "entity, id, rev, links_rev, body"),
    ("record_index", "entity, col, value, id"),
    ("journal", "seq, at, instance, revision, command, body"),
    ("journal_record", "entity, record, seq"),
];

fn both(file: &Path, before: &Path) -> Connection {
    let connection = Connection::open(file).expect("the file opens");
    connection.execute("ATTACH ?1 AS before", [before.to_str().expect("a path")]).expect("the copy");
    connection
}

/// The rows that a file has more, fewer or changed, in the order of their commits and turns.
pub fn written(file: &Path, before: &Path) -> Vec<Written> {
    let connection = both(file, before);
    connection
        .execute_batch(
            "CREATE TEMP VIEW new AS SELECT * FROM main.journal WHERE seq > (SELECT coalesce(max(seq), 0) FROM before.journal)",
        )
        .expect("a view");
    let mut all = Vec::new();
    for (select, sql) in KINDS {
        let mut statement = connection.prepare(select).expect(select);
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values = (2..columns).map(|at| row.get(at)).collect::<Result<_, _>>()?;
            Ok(Written { at: row.get(0)?, seq: row.get(1)?, sql, values })
        });
        all.extend(rows.expect(select).map(|row| row.expect("a row")));
    }
    all.sort_by_key(|row| (row.at, row.seq));
    all
}

/// Writes rows commit by commit, and takes the time.
pub fn write(copy: &Path, commits: &[&[Written]]) -> Duration {
    let mut connection = Connection::open(copy).expect("the file opens");
    connection.pragma_update(None, "journal_mode", "WAL").expect("a pragma");
    connection.pragma_update(None, "synchronous", "FULL").expect("a pragma");
    connection.pragma_update(None, "cache_size", -16 * 1024).expect("a pragma");
    let began = Instant::now();
    for rows in commits {
        let commit = connection.transaction().expect("a transaction");
        for row in *rows {
            let mut statement = commit.prepare_cached(row.sql).expect("the statement");
            statement.execute(params_from_iter(&row.values)).expect("a row");
        }
        commit.commit().expect("a commit");
    }
    began.elapsed()
}

/// What was written by hand is what the engine wrote.
pub fn compare(file: &Path, copy: &Path) {
    let connection = both(file, copy);
    for (table, columns) in TABLES {
        for (one, other) in [("main", "before"), ("before", "main")] {
            let sql = format!(
                "SELECT count(*) FROM (SELECT {columns} FROM {one}.{table} EXCEPT SELECT {columns} FROM {other}.{table})"
            );
            let different: i64 = connection.query_row(&sql, [], |row| row.get(0)).expect(table);
            assert_eq!(different, 0, "{one}.{table} has rows that {other} has not");
        }
    }
}
