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
