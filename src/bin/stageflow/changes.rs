//! What changes the file: one command of the engine each.

use std::path::Path;

use serde_json::json;
use stageflow::Engine;
use stageflow::element::definition::{Definition, StartTrigger};
use stageflow::model::{Name, Ref, Type, Value};
use stageflow::turn::Delivery;

use crate::args::Common;
use crate::db::{self, Db, Failed, short};
use crate::print::{self, Done};

pub fn deploy(common: &Common, path: &Path, replace: bool) -> Result<(), Failed> {
    let file = db::file(common)?;
    let sources = stageflow::files::read(path).map_err(stageflow::Error::from)?;
    // Read and checked before the file is touched: a wrong library makes no empty database.
    stageflow::load::library(&sources).map_err(stageflow::Error::from)?;
    let mut builder = Engine::builder().store(db::store(file)?).sources(sources).remote_services();
    if replace {
        builder = builder.replace_unused();
    }
    let engine = builder.build()?;
    let catalog = engine.catalog();
    let processes: Vec<String> =
        catalog.all_newest().map(|def| format!("{} version {}", def.process, def.version)).collect();
    let library = catalog.library.name.to_string();
    let text = format!("{library} is deployed in {}: {}", file.display(), processes.join(", "));
    print::said(common.format, &text, json!({"library": library, "processes": processes}));
    Ok(())
}

pub fn start(
    db: &Db,
    process: &str,
    about: Option<&str>,
    new: &[String],
    version: Option<u32>,
    with: &[String],
) -> Result<Done, Failed> {
    let catalog = db.engine.catalog();
    let Some(def) = catalog.get(process, version) else {
        return Err(match (version, catalog.definitions.get(process)) {
            (Some(version), Some(_)) => {
                Failed::new("unknown", format!("{process} has no version {version} in this file"))
            }
            _ => db::no("process", process, catalog.definitions.keys()),
        });
    };
    let params: Vec<(Name, Type)> = def.params.iter().map(|param| (param.name.clone(), param.ty.clone())).collect();
    let entity = def.entity.clone();
    let with = db.values(process, with, &params).map_err(|failed| column_of_new(db, failed, entity.as_ref(), with))?;
    let about = about.map(|record| db.record(record, entity.as_slice())).transpose()?;
    if let (Some(entity), None, true) = (&entity, &about, new.is_empty()) {
        needs_record(def, entity)?;
    }
    let mut start = db.session().start(process);
    if let Some(version) = version {
        start = start.version(version);
    }
    if let Some(record) = &about {
        start = start.about(record);
    }
    if let (Some(entity), false) = (&entity, new.is_empty()) {
        start = start.new_record(db.values(entity, new, &db.columns(entity)?)?);
    }
    for (name, value) in with {
        start = start.with(&name, value);
    }
    let id = start.run()?.to_string();
    Ok(Done::new(format!("{process} started as {}", short(&id)), json!({"instance": id})))
}

/// A column of the record to be made is easily taken for a parameter.
fn column_of_new(db: &Db, failed: Failed, entity: Option<&Name>, with: &[String]) -> Failed {
    let columns = entity.and_then(|entity| db.columns(entity).ok()).unwrap_or_default();
    let names =
        |text: &&String| columns.iter().any(|(name, _)| text.split_once('=').is_some_and(|(word, _)| word == &**name));
    match with.iter().find(names).filter(|_| failed.code == "unknown") {
        Some(column) => {
            Failed::new("unknown", format!("{}; a column of a new record is given as `--new {column}`", failed.text))
        }
        None => failed,
    }
}

/// A process with an entity runs about a record: one that is named, one that is made for it, or one that its start makes.
fn needs_record(def: &Definition, entity: &Name) -> Result<(), Failed> {
    let starts = || def.starts.iter().filter(|start| matches!(start.trigger, StartTrigger::Manual { .. }));
    if starts().any(|start| start.new.is_some()) {
        return Ok(());
    }
    let columns = starts().find_map(|start| match &start.trigger {
        StartTrigger::Manual { new, .. } => new.first(),
        _ => None,
    });
    let new = columns.map_or(String::new(), |column| format!(", or make it: `--new {column}=…`"));
    let help = format!("name it by `--for` (`stageflow records {entity}` lists them){new}");
    Err(Failed::new("invalid", format!("{} needs the {entity} that it is about; {help}", def.process)))
}

pub fn complete(db: &Db, task: &str, outcome: Option<&str>, form: &[String]) -> Result<Done, Failed> {
    let task = db.task(task)?;
    let asked = db.engine.form(task.id)?;
    // `complete TASK name=value` names no outcome: what looks like an entry is one.
    let (outcome, first) = match outcome {
        Some(word) if word.contains('=') => (None, Some(word.to_string())),
        other => (other, None),
    };
    let form: Vec<String> = first.into_iter().chain(form.iter().cloned()).collect();
    let types: Vec<(Name, Type)> = asked.entries.iter().map(|entry| (entry.name.clone(), entry.ty.clone())).collect();
    let values = db.values(&format!("the form of {}", task.step), &form, &types)?;
    db.session().complete(task.id, outcome, values)?;
    let how = outcome.map_or(String::new(), |outcome| format!(": {outcome}"));
    let id = task.id.to_string();
    Ok(Done::new(format!("{} is completed{how}", task.step), json!({"task": id, "step": task.step.to_string()})))
}

pub fn claim(db: &Db, task: &str) -> Result<Done, Failed> {
    let task = db.task(task)?;
    db.session().claim(task.id)?;
    Ok(Done::new(format!("{} is claimed", task.step), json!({"task": task.id.to_string()})))
}

pub fn release(db: &Db, task: &str) -> Result<Done, Failed> {
    let task = db.task(task)?;
    db.session().release(task.id)?;
    Ok(Done::new(format!("{} is given back", task.step), json!({"task": task.id.to_string()})))
}

pub fn reassign(db: &Db, task: &str, user: &str) -> Result<Done, Failed> {
    let (task, user) = (db.task(task)?, db.record(user, &[Name::new("user")])?);
    db.session().reassign(task.id, Some(&user))?;
    Ok(Done::new(format!("{} is given to {}", task.step, user.id), json!({"task": task.id.to_string()})))
}

pub fn send(db: &Db, message: &str, key: Option<&str>, with: &[String]) -> Result<Done, Failed> {
    let library = db.library();
    let Some(declared) = library.messages.get(message) else {
        return Err(db::no("message", message, library.messages.keys()));
    };
    let key_type = declared.key.clone().unwrap_or(Type::Any);
    let key = key.map(|key| db.value(key, &key_type)).transpose()?.unwrap_or(Value::NULL);
    let with = db.values(message, with, &declared.with)?;
    let delivery = db.session().publish(message, key, with)?;
    let text = match &delivery {
        Delivery::Delivered(instance) => format!("{message} is delivered to {}", short(&instance.0.to_string())),
        Delivery::Starts(processes) => {
            let names: Vec<&str> = processes.iter().map(|name| &**name).collect();
            format!("{message} starts {}", names.join(", "))
        }
        Delivery::Kept(until) => format!("nobody waits for {message}: it is kept until {}", print::instant(*until)),
        Delivery::NoMatch(why) => format!("nobody waits for {message}: {why}"),
        Delivery::Broadcast(count) => format!("{message} goes to {count}"),
    };
    let told = match delivery {
        Delivery::Delivered(instance) => json!({"delivered": instance.0.to_string()}),
        Delivery::Starts(processes) => json!({"starts": processes.iter().map(ToString::to_string).collect::<Vec<_>>()}),
        Delivery::Kept(until) => json!({"kept": until.to_rfc3339()}),
        Delivery::NoMatch(why) => json!({"no_match": why}),
        Delivery::Broadcast(count) => json!({"broadcast": count}),
    };
    Ok(Done::new(text, told))
}

pub fn signal(db: &Db, signal: &str, with: &[String]) -> Result<Done, Failed> {
    let library = db.library();
    let Some(declared) = library.signals.get(signal) else {
        return Err(db::no("signal", signal, library.signals.keys()));
    };
    db.session().signal(signal, db.values(signal, with, &declared.with)?)?;
    Ok(Done::new(format!("{signal} is thrown"), json!({"signal": signal})))
}

pub fn create(db: &Db, entity: &str, id: Option<&str>, set: &[String]) -> Result<Done, Failed> {
    let set = db.values(entity, set, &db.columns(entity)?)?;
    let made = match id {
        Some(id) => db.session().create_as(entity, id, set)?,
        None => db.session().create(entity, set)?,
    };
    Ok(Done::new(format!("{} is made", print::record(&made)), of_record(&made)))
}

pub fn set(db: &Db, record: &str, set: &[String]) -> Result<Done, Failed> {
    let record = db.record(record, &[])?;
    let set = db.values(&record.entity, set, &db.columns(&record.entity)?)?;
    db.session().update(&record, set)?;
    Ok(Done::new(format!("{} is changed", print::record(&record)), of_record(&record)))
}

pub fn delete(db: &Db, record: &str) -> Result<Done, Failed> {
    let record = db.record(record, &[])?;
    db.session().delete(&record)?;
    Ok(Done::new(format!("{} is deleted", print::record(&record)), of_record(&record)))
}

fn of_record(record: &Ref) -> serde_json::Value {
    json!({"record": format!("{}/{}", record.entity, record.id)})
}

pub fn retry(db: &Db, incident: &str) -> Result<Done, Failed> {
    let open = db.incident(incident)?;
    db.session().retry(open.instance, open.id)?;
    Ok(Done::new(format!("{} is tried again", open.step), json!({"incident": open.id.to_string()})))
}

pub fn resolve(db: &Db, incident: &str, way: &str, with: &[String]) -> Result<Done, Failed> {
    let open = db.incident(incident)?;
    let with: Vec<(Name, Value)> = with.iter().map(|text| by_hand(db, text)).collect::<Result<_, _>>()?;
    db.session().resolve(open.instance, open.id, Some(way), with)?;
    Ok(Done::new(format!("{} is left by {way}", open.step), json!({"incident": open.id.to_string()})))
}

/// A value for a variable, whose type only the step knows.
fn by_hand(db: &Db, text: &str) -> Result<(Name, Value), Failed> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| Failed::usage(format!("expected `name=value`, found `{text}`")))?;
    Ok((Name::new(name), db.value(value, &Type::Any)?))
}

pub fn skip(db: &Db, incident: &str) -> Result<Done, Failed> {
    let open = db.incident(incident)?;
    db.session().skip(open.instance, open.id)?;
    Ok(Done::new(format!("{} is skipped", open.step), json!({"incident": open.id.to_string()})))
}

pub fn cancel(db: &Db, instance: &str) -> Result<Done, Failed> {
    let row = db.instance(instance)?;
    db.session().cancel(row.id)?;
    Ok(Done::new(
        format!("{} {} is canceled", row.process, short(&row.id.to_string())),
        json!({"instance": row.id.to_string()}),
    ))
}

pub fn setting(db: &Db, name: &str, value: &str) -> Result<Done, Failed> {
    let library = db.library();
    let Some(setting) = library.settings.get(name) else {
        return Err(db::no("setting", name, library.settings.keys()));
    };
    let value = db.value(value, &setting.ty)?;
    db.session().set_setting(name, value.clone())?;
    Ok(Done::new(format!("{name} is {value} now"), json!({"setting": name, "value": value.to_json()})))
}
