use super::*;

/// Tables so small that reading all of them is right.
const TINY: &[&str] = &["consumer", "indexed"];

#[test]
fn no_statement_scans_a_table() {
    let connection = Connection::open_in_memory().expect("a database");
    connection.execute_batch(schema::MIGRATIONS[0]).expect("the schema");
    let mut scans = Vec::new();
    for (name, sql) in sql::ALL {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect(name);
        for at in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(at, 1).expect(name);
        }
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().expect(name) {
            let plan: String = row.get(3).expect(name);
            let scans_all = plan.starts_with("SCAN") && !plan.contains("USING");
            let scans_index = plan.starts_with("SCAN") && !sql.contains("LIMIT") && !sql.contains("INDEXED BY");
            let tiny = TINY.iter().any(|table| plan.contains(table));
            if (scans_all || scans_index || plan.contains("TEMP B-TREE")) && !tiny && !name.starts_with("PUT") {
                scans.push(format!("{name}: {plan}"));
            }
        }
    }
    assert!(scans.is_empty(), "statements that read a whole table or sort:\n  {}", scans.join("\n  "));
}

#[test]
fn what_is_no_database_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    std::fs::write(&path, vec![7_u8; 4096]).expect("a file");
    let error = SqliteStore::open(&path).err().expect("an error");
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
}

#[test]
fn a_file_of_a_later_schema_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    drop(SqliteStore::open(&path).expect("a store"));
    let connection = Connection::open(&path).expect("a database");
    connection.pragma_update(None, "user_version", 99).expect("a pragma");
    drop(connection);
    let error = SqliteStore::open(&path).err().expect("an error").to_string();
    assert!(error.contains("schema 99") && error.contains("newer version"), "{error}");
}

#[test]
fn a_second_writer_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    let _open = SqliteStore::open(&path).expect("a store");
    let error = SqliteStore::open(&path).err().expect("an error");
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
}
