//! What is asked of the file; nothing here changes it.

use serde_json::{Value as Json, json};
use stageflow::entity::{Query, Record};
use stageflow::instance::Status;
use stageflow::model::{Name, Type};
use stageflow::store::{InstanceFilter, TaskFilter};

use crate::db::{self, Db, Failed, short};
use crate::print::{self, Table, full, instant, record};

pub fn tasks(db: &Db, of: Option<&str>, about: Option<&str>) -> Result<(), Failed> {
    let about = about.map(|record| db.record(record, &[])).transpose()?;
    let found = match of {
        Some(user) => db.engine.tasks_of(&db.record(user, &[Name::new("user")])?)?,
        None => db.engine.tasks(&TaskFilter { record: about.clone(), ..TaskFilter::default() })?,
    };
    let mut table = Table::new(&["task", "step", "title", "for", "who", "due", "outcomes"]);
    let mut all = Vec::new();
    for task in found.iter().filter(|task| about.is_none() || task.record == about) {
        let roles: Vec<String> = task.roles.iter().map(|role| format!("any {role}")).collect();
        let who = task.assignee.as_ref().map_or_else(|| roles.join(", "), |user| user.id.to_string());
        let outcomes: Vec<&str> = task.outcomes.iter().map(|outcome| &**outcome).collect();
        let due = task.due.and_then(chrono::DateTime::from_timestamp_micros);
        table.row([
            short(&task.id.to_string()).to_string(),
            task.step.to_string(),
            task.title.get(&db.lang).to_string(),
            task.record.as_ref().map_or(String::new(), record),
            who,
            due.map_or(String::new(), instant),
            outcomes.join(" "),
        ]);
        all.push(json!({
            "task": task.id.to_string(), "step": task.step.to_string(), "process": task.process.to_string(),
            "title": task.title.get(&db.lang), "instance": task.instance.to_string(),
            "for": task.record.as_ref().map(full), "record": task.mirror.as_ref().map(full),
            "assignee": task.assignee.as_ref().map(|user| user.id.to_string()),
            "roles": task.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "due": due.map(|due| due.to_rfc3339()), "outcomes": outcomes,
        }));
    }
    print::table(db, &table, all, "no task is open");
    Ok(())
}

pub fn task(db: &Db, task: &str) -> Result<(), Failed> {
    let task = db.task(task)?;
    let form = db.engine.form(task.id)?;
    let mut lines = vec![format!("{}  {}", short(&task.id.to_string()), task.title.get(&db.lang))];
    let key = form.key.as_ref().map(|key| key.get(&db.lang));
    lines.extend(key.map(|key| format!("  form      {key}")));
    for entry in &form.entries {
        lines.push(format!("  asks for  {}: {}", entry.name, entry.ty));
    }
    for outcome in &form.outcomes {
        let require: Vec<&str> = outcome.require.iter().map(|name| &**name).collect();
        let require = if require.is_empty() { String::new() } else { format!("  requires {}", require.join(", ")) };
        lines.push(format!("  outcome   {}  {}{require}", outcome.id, outcome.title.get(&db.lang)));
    }
    let entries: Vec<Json> = form
        .entries
        .iter()
        .map(|entry| json!({"name": entry.name.to_string(), "type": entry.ty.to_string()}))
        .collect();
    let outcomes: Vec<Json> = form
        .outcomes
        .iter()
        .map(|outcome| {
            let require: Vec<String> = outcome.require.iter().map(ToString::to_string).collect();
            json!({"outcome": outcome.id.to_string(), "title": outcome.title.get(&db.lang), "require": require})
        })
        .collect();
    let told = json!({"task": task.id.to_string(), "step": task.step.to_string(),
        "title": task.title.get(&db.lang), "form_key": key, "form": entries, "outcomes": outcomes});
    print::said(db.format, &lines.join("\n"), told);
    Ok(())
}

pub fn records(db: &Db, entity: &str, wanted: &[String], columns: &[String], limit: usize) -> Result<(), Failed> {
    let types = db.columns(entity)?;
    let eq = db.values(entity, wanted, &types)?;
    let library = db.library();
    if let Some(rows) = library.entity(entity).and_then(|found| found.rows.as_ref()) {
        let mut table = Table::new(&["code", "title"]);
        let mut all = Vec::new();
        for (code, _) in rows {
            let titles = library.entity(entity).and_then(|found| found.row_titles.get(code));
            let title = titles.map_or(String::new(), |title| title.get(&db.lang).to_string());
            all.push(json!({"code": code.to_string(), "title": title}));
            table.row([code.to_string(), title]);
        }
        print::table(db, &table, all, "it has no rows");
        return Ok(());
    }
    let found = db.session().records(&Query { eq, limit: Some(limit), ..Query::all(Name::new(entity)) })?;
    let shown = shown(db, entity, columns, &types, &found)?;
    let mut heads = vec!["id"];
    heads.extend(shown.iter().map(|name| &**name));
    let mut table = Table::new(&heads);
    let mut all = Vec::new();
    for record in &found {
        let reference = record.reference();
        let mut row = vec![short(&record.id).to_string()];
        let mut told = serde_json::Map::from_iter([("id".to_string(), json!(record.id.to_string()))]);
        for column in &shown {
            let value = db.session().value(&reference, column)?;
            row.push(if value.is_null() { String::new() } else { print::value(&value) });
            told.insert(column.to_string(), value.to_json());
        }
        table.row(row);
        all.push(Json::Object(told));
    }
    print::table(db, &table, all, &format!("there is no such {entity}"));
    Ok(())
}

/// The columns of a list: those that are asked for, else those that some record has a value in.
fn shown(
    db: &Db,
    entity: &str,
    asked: &[String],
    types: &[(Name, Type)],
    found: &[std::sync::Arc<Record>],
) -> Result<Vec<Name>, Failed> {
    if asked.is_empty() {
        let has = |name: &Name| found.iter().any(|record| !record.get(name).is_null());
        return Ok(types.iter().map(|(name, _)| name.clone()).filter(has).collect());
    }
    let known = db.library();
    let columns = stageflow::model::Schema::columns(&*known, entity);
    let check = |name: &String| {
        let found = columns.iter().find(|column| ***column == **name).cloned();
        found.ok_or_else(|| {
            let near = stageflow::load::did_you_mean(name, columns.iter().map(|column| &**column));
            let all = || format!("it has {}", columns.iter().map(|column| &**column).collect::<Vec<_>>().join(", "));
            Failed::new("unknown", format!("{entity} has no `{name}`; {}", near.unwrap_or_else(all)))
        })
    };
    asked.iter().map(check).collect()
}

pub fn show(db: &Db, text: &str) -> Result<(), Failed> {
    let found = db.record(text, &[])?;
    let library = db.library();
    let mut lines = vec![full(&found)];
    let mut columns = serde_json::Map::new();
    for (column, _) in db.columns(&found.entity)? {
        let value = db.session().value(&found, &column)?;
        columns.insert(column.to_string(), value.to_json());
        if value.is_null() {
            continue;
        }
        let stages = library.entity(&found.entity).and_then(|entity| entity.stages.as_ref());
        let stage = stages.filter(|stages| stages.field == column);
        let title = stage.and_then(|stages| stages.values.iter().find(|stage| *stage.name == *value.to_string()));
        let title = title.map_or(String::new(), |stage| format!("  \"{}\"", stage.title.get(&db.lang)));
        lines.push(format!("  {column}: {}{title}", print::value(&value)));
    }
    let mut changes = Vec::new();
    for entry in db.engine.changes(&found, 0, 1_000)? {
        let who = entry.actor.as_ref().map_or("the system", |user| &*user.id).to_string();
        lines.push(format!("  {}  {who}: {}", instant(entry.at), entry.text));
        changes.push(json!({"at": entry.at.to_rfc3339(), "actor": entry.actor.as_ref().map(full), "text": entry.text}));
    }
    print::said(db.format, &lines.join("\n"), json!({"record": full(&found), "columns": columns, "changes": changes}));
    Ok(())
}

pub fn instances(db: &Db, process: Option<&str>, about: Option<&str>, all: bool) -> Result<(), Failed> {
    let record_of = about.map(|record| db.record(record, &[])).transpose()?;
    let definitions = &db.engine.catalog().definitions;
    if let Some(unknown) = process.filter(|process| !definitions.contains_key(*process)) {
        return Err(db::no("process", unknown, definitions.keys()));
    }
    let filter = InstanceFilter { process: process.map(Name::new), record: record_of, ..InstanceFilter::default() };
    let mut table = Table::new(&["instance", "process", "version", "for", "status", "incidents", "started", "ended"]);
    let mut told = Vec::new();
    for row in db.engine.instances(&filter)?.into_iter().filter(|row| all || !row.status.is_over()) {
        let status = word(row.status);
        table.row([
            short(&row.id.to_string()).to_string(),
            row.process.to_string(),
            row.version.to_string(),
            row.record.as_ref().map_or(String::new(), record),
            status.clone(),
            if row.incidents == 0 { String::new() } else { row.incidents.to_string() },
            instant(row.started),
            row.ended.map_or(String::new(), instant),
        ]);
        told.push(json!({
            "instance": row.id.to_string(), "process": row.process.to_string(), "version": row.version,
            "for": row.record.as_ref().map(full), "status": status, "incidents": row.incidents,
            "parent": row.parent.map(|id| id.to_string()), "started": row.started.to_rfc3339(),
            "ended": row.ended.map(|at| at.to_rfc3339()),
        }));
    }
    print::table(db, &table, told, if all { "there is no instance" } else { "nothing runs" });
    Ok(())
}

fn word(status: Status) -> String {
    format!("{status:?}").to_lowercase()
}

pub fn history(db: &Db, text: &str) -> Result<(), Failed> {
    let row = db.instance(text)?;
    let mut lines = Vec::new();
    let mut all = Vec::new();
    let mut last = 0;
    for entry in db.engine.history(row.id)? {
        if entry.seq != last {
            let who = entry.actor.as_ref().map_or("the system", |user| &*user.id);
            lines.push(format!("{}  {} by {who}", instant(entry.at), entry.kind));
            last = entry.seq;
        }
        lines.push(format!("    {}", entry.text));
        all.push(json!({"seq": entry.seq, "at": entry.at.to_rfc3339(), "kind": entry.kind,
            "actor": entry.actor.as_ref().map(full), "step": entry.step.as_ref().map(ToString::to_string), "text": entry.text}));
    }
    print::said(db.format, &lines.join("\n"), Json::Array(all));
    Ok(())
}

pub fn incidents(db: &Db) -> Result<(), Failed> {
    let mut lines = Vec::new();
    let mut all = Vec::new();
    for open in db.engine.incidents()? {
        let about = open.record.as_ref().map_or(String::new(), |found| format!(" for {}", record(found)));
        let id = open.id.to_string();
        lines.push(format!(
            "{}  {} at {} of {}{about}, since {}",
            short(&id),
            open.code,
            open.step,
            open.process,
            instant(open.since)
        ));
        lines.push(format!("    {}", open.message));
        let mut ways: Vec<String> =
            open.ways.iter().map(|(way, title)| format!("{way} \"{}\"", title.get(&db.lang))).collect();
        if !open.ways.iter().any(|(way, _)| &**way == "retry") {
            ways.insert(0, "retry".into());
        }
        lines.push(format!("    ways out: {}", ways.join(", ")));
        let with: serde_json::Map<_, _> =
            open.with.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect();
        all.push(json!({"incident": id, "code": open.code.to_string(), "step": open.step.to_string(),
            "process": open.process.to_string(), "instance": open.instance.to_string(), "for": open.record.as_ref().map(full),
            "message": open.message, "with": with, "since": open.since.to_rfc3339(),
            "ways": open.ways.iter().map(|(way, _)| way.to_string()).collect::<Vec<_>>()}));
    }
    for failed in db.engine.failed_reactions()? {
        lines.push(format!("reaction {}: {}", failed.seq, failed.why));
        all.push(json!({"reaction": failed.seq, "message": failed.why}));
    }
    let text = if lines.is_empty() { "no incident is open".to_string() } else { lines.join("\n") };
    print::said(db.format, &text, Json::Array(all));
    Ok(())
}

pub fn transitions(db: &Db, about: Option<&str>) -> Result<(), Failed> {
    let about = about.map(|record| db.record(record, &[])).transpose()?;
    let mut lines = Vec::new();
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let rows = db.engine.journal(&stageflow::store::JournalOf::All, after, 1_000)?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        for told in rows.iter().flat_map(|row| &row.body.transitions) {
            if about.as_ref().is_none_or(|record| *record == told.record) {
                lines.push(format!("{}  {}", instant(told.at), print::transition(db, told)));
                all.push(print::transition_json(told, &db.lang));
            }
        }
    }
    let text = if lines.is_empty() { "no transition was emitted".to_string() } else { lines.join("\n") };
    print::said(db.format, &text, Json::Array(all));
    Ok(())
}

pub fn settings(db: &Db) -> Result<(), Failed> {
    let mut table = Table::new(&["setting", "value"]);
    let mut all = Vec::new();
    for name in db.library().settings.keys() {
        let value = db.engine.setting(name)?;
        table.row([name.to_string(), print::value(&value)]);
        all.push(json!({"setting": name.to_string(), "value": value.to_json()}));
    }
    print::table(db, &table, all, "the library has no settings");
    Ok(())
}

pub fn setting(db: &Db, name: &str) -> Result<(), Failed> {
    let value = db.engine.setting(name)?;
    print::said(db.format, &print::value(&value), json!({"setting": name, "value": value.to_json()}));
    Ok(())
}
