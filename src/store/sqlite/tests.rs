use super::*;

/// Tables so small that reading all of them is right.
const TINY: &[&str] = &["consumer", "indexed"];

#[test]
fn no_statement_scans_a_table() {
    let connection = Connection::open_in_memory().expect("a database");
    schema::MIGRATIONS.iter().for_each(|migration| connection.execute_batch(migration).expect("the schema"));
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

/// What the statements of the writer did since the last look: steps of SQLite's machine, and rows read by going through whole tables.
fn worked(store: &SqliteStore) -> (i32, Vec<String>) {
    let writer = store.shared.writer.lock().expect("the writer");
    let (mut steps, mut scans) = (0, Vec::new());
    for (name, sql) in sql::ALL {
        let statement = writer.connection.prepare_cached(sql).expect(name);
        steps += statement.reset_status(rusqlite::StatementStatus::VmStep);
        let rows = statement.reset_status(rusqlite::StatementStatus::FullscanStep);
        if rows > 0 && !TINY.iter().any(|table| sql.contains(table)) {
            scans.push(format!("{name} read {rows} rows"));
        }
    }
    (steps, scans)
}

/// How many steps it takes to win one sale while so many leads wait for theirs.
fn steps_of_a_win(leads: usize) -> i32 {
    use crate::model::Value;
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { durability: Durability::Normal, clock: DateTime::from_timestamp(1_772_442_000, 0) };
    let store = SqliteStore::open_with(folder.path().join("crm.db"), options).expect("a store");
    let builder = crate::Engine::builder().store(store.clone()).library("processes/crm.yaml").remote_services();
    let engine = builder.build().expect("an engine");
    let host = engine.system();
    let make = |entity: &str, id: String, set: &[(&str, Value)]| {
        host.create_as(entity, &id, set.iter().cloned()).map(Value::Ref).expect("a record")
    };
    let owner = make("user", "anna".into(), &[("name", "Anna".into()), ("roles", Value::list(["employee".into()]))]);
    for n in 0..leads {
        let account = make("account", format!("a{n}"), &[("name", format!("Acme {n}").into())]);
        let owned = [("account", account), ("owner", owner.clone())];
        let need = Value::Ref(Ref::new("need_type", "hardware"));
        let waits = [("need_type", need), ("stage", "awaiting_sale".into()), ("start_process", false.into())];
        let lead = make("lead", format!("l{n}"), &[&owned[..], &waits[..]].concat());
        let contracting = [("title", "Sale".into()), ("stage", "contracting".into())];
        let sale = make("opportunity", format!("o{n}"), &[&owned[..], &contracting[..]].concat());
        make("lead_sale", format!("k{n}"), &[("lead", lead), ("opportunity", sale)]);
    }
    worked(&store);
    let sale = Ref::new("opportunity", format!("o{}", leads / 2));
    host.update(&sale, [("stage", Value::from("closed_won"))]).expect("the sale is won");
    engine.settle().expect("its consequences");
    let (steps, scans) = worked(&store);
    assert_eq!(scans, Vec::<String>::new(), "with {leads} leads");
    let lead = Ref::new("lead", format!("l{}", leads / 2));
    assert_eq!(engine.value(&lead, "stage").expect("a stage").to_string(), "satisfied");
    steps
}

#[test]
fn a_sale_that_is_won_touches_only_its_own() {
    let (few, many) = (steps_of_a_win(10), steps_of_a_win(160));
    assert!(few > 100, "{few} steps: nothing was counted");
    assert!(many * 10 <= few * 11, "{few} steps among 10 waiting leads, {many} among 160");
}
