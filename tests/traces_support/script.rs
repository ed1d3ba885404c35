//! The script of a trace: one command a line, in words.
//!
//! ```text
//! > given lead L stage=qualification            a record that is there already
//! > start sale for L with n=3 by anna
//! > complete call done note=later self.budget=900 by anna
//! > set L stage=won · set task:call status=completed · create lead need=x · delete L
//! > send paid L amount=5 · signal closed n=1 · wait 3 days
//! > job mail id=m1 · job mail raises bad · job mail breaks
//! > retry step · skip step · way step name · cancel L · act step n=1
//! ```

use std::sync::Arc;

use stageflow::entity::{Principal, Record, Window, Wish};
use stageflow::instance::command::Failure;
use stageflow::instance::rows::Values;
use stageflow::instance::{Command, Id, Resolution, StartBy, Wait, WaitKind};
use stageflow::model::{Name, Ref, Type, Value};

use crate::world::Scene;

/// A command with the run it goes to and who gives it.
pub struct Line {
    pub command: Command,
    pub instance: Option<Id>,
    pub principal: Principal,
}

/// Reads one line of a script against what the scene holds.
pub fn read(scene: &Scene, line: &str) -> Result<Line, String> {
    let (words, principal) = actor(scene, line);
    let words: Vec<&str> = words.split_whitespace().collect();
    let (verb, rest) = words.split_first().ok_or("an empty line")?;
    let (command, instance) = match *verb {
        "start" => (start(scene, rest)?, None),
        "complete" => complete(scene, rest, &principal)?,
        "set" => (save(scene, rest)?, None),
        "create" => (create(scene, rest)?, None),
        "delete" => (Command::Save(Wish::Delete { target: record(scene, first(rest)?)? }), None),
        "send" => (send(scene, rest)?, None),
        "signal" => (Command::Signal(Name::new(first(rest)?), values(scene, &rest[1..], |_| Type::Any)?), None),
        "job" => job(scene, rest)?,
        "retry" => mend(scene, rest, Resolution::Retry)?,
        "skip" => mend(scene, rest, Resolution::Skip)?,
        "way" => mend(scene, rest, Resolution::Way(rest.get(1).map(Name::new), Values::new()))?,
        "cancel" => (Command::Cancel(Name::new("canceled")), Some(run_of(scene, first(rest)?)?)),
        "suspend" => (Command::Suspend(true), Some(run_of(scene, first(rest)?)?)),
        "resume" => (Command::Suspend(false), Some(run_of(scene, first(rest)?)?)),
        "act" => act(scene, rest)?,
        "reassign" => {
            let to = rest.get(1).map(|user| Ref::new("user", *user));
            (Command::Reassign(task(scene, first(rest)?, &principal)?, to), None)
        }
        "claim" => (Command::Claim(task(scene, first(rest)?, &principal)?), None),
        "release" => (Command::Release(task(scene, first(rest)?, &principal)?), None),
        other => return Err(format!("no such command: {other}")),
    };
    Ok(Line { command, instance, principal })
}

/// The actor behind `by`: a user with his roles; without one the host itself.
fn actor<'l>(scene: &Scene, line: &'l str) -> (&'l str, Principal) {
    let Some((words, user)) = line.rsplit_once(" by ") else { return (line, Principal::System) };
    let user = Ref::new("user", user.trim());
    let roles = match scene.rows.records.get(&user).map(|found| found.get(&Name::new("roles"))) {
        Some(Value::List(roles)) => roles.iter().map(|role| Name::new(role.to_string())).collect(),
        _ => Vec::new(),
    };
    let all = roles.iter().any(|role| scene.catalog.library.roles.get(role).is_some_and(|role| role.all));
    (words, Principal::User { user, roles, all })
}

fn first<'l>(words: &[&'l str]) -> Result<&'l str, String> {
    words.first().copied().ok_or_else(|| "a word is missing".into())
}

/// A record by its id, whatever its entity; the own record of an open task as `task:step`.
pub fn record(scene: &Scene, id: &str) -> Result<Ref, String> {
    if let Some(step) = id.strip_prefix("task:") {
        let row = scene.rows.tasks.values().find(|row| &*row.step == step);
        return row.and_then(|row| row.mirror.clone()).ok_or_else(|| format!("no open task {step} with a record"));
    }
    scene.rows.records.keys().find(|record| &*record.id == id).cloned().ok_or_else(|| format!("no record {id}"))
}

fn typed(scene: &Scene, ty: &Type, text: &str) -> Result<Value, String> {
    match ty {
        Type::Any if text.parse::<f64>().is_ok() => Value::from_text(&Type::Number, text).map_err(|no| no.to_string()),
        Type::Any if text == "true" || text == "false" => Ok(Value::Bool(text == "true")),
        Type::Any => Ok(record(scene, text).map_or_else(|_| Value::text(text), Value::Ref)),
        Type::Ref(entities) if entities.len() == 1 => Ok(Value::Ref(Ref::new(&*entities[0], text))),
        Type::Ref(_) => record(scene, text).map(Value::Ref),
        Type::List(of) => {
            text.split('+').map(|item| typed(scene, of, item)).collect::<Result<Vec<_>, _>>().map(Value::list)
        }
        _ => Value::from_text(ty, text).map_err(|no| no.to_string()),
    }
}

fn values(scene: &Scene, words: &[&str], ty: impl Fn(&str) -> Type) -> Result<Values, String> {
    let entry = |word: &&str| {
        let (name, text) = word.split_once('=').ok_or_else(|| format!("expected name=value, found {word}"))?;
        Ok((Name::new(name), if text == "null" { Value::NULL } else { typed(scene, &ty(name), text)? }))
    };
    words.iter().map(entry).collect()
}

fn column_type(scene: &Scene, entity: &str, column: &str) -> Type {
    let field = scene.catalog.library.entity(entity).and_then(|entity| entity.field(column));
    field.map_or(Type::Any, |field| field.ty.clone())
}

/// The columns of a record, typed by its entity.
pub fn columns(scene: &Scene, entity: &str, words: &[&str]) -> Result<Vec<(Name, Value)>, String> {
    Ok(values(scene, words, |column| column_type(scene, entity, column))?.into_iter().collect())
}

fn start(scene: &Scene, words: &[&str]) -> Result<Command, String> {
    let process = Name::new(first(words)?);
    let mut rest = &words[1..];
    let mut about = None;
    if let ["for", id, ..] = rest {
        about = Some(record(scene, id)?);
        rest = &rest[2..];
    }
    let params: Vec<(Name, Type)> = match scene.catalog.newest(&process) {
        Some(def) => def.params.iter().map(|param| (param.name.clone(), param.ty.clone())).collect(),
        None => Vec::new(),
    };
    let ty = |name: &str| params.iter().find(|(known, _)| &**known == name).map_or(Type::Any, |(_, ty)| ty.clone());
    let with = values(scene, rest.strip_prefix(&["with"]).unwrap_or(rest), ty)?;
    Ok(Command::Start {
        process,
        version: None,
        by: StartBy::Hand,
        record: about,
        new: None,
        with,
        caller: None,
        depth: 0,
    })
}

/// The open task of a step; of several the actor's own, else the first that nobody has.
fn task(scene: &Scene, step: &str, principal: &Principal) -> Result<Id, String> {
    let open = || scene.rows.tasks.values().filter(|row| &*row.step == step);
    let own = open().find(|row| row.assignee.is_some() && row.assignee.as_ref() == principal.user());
    let found = own.or_else(|| open().find(|row| row.assignee.is_none())).or_else(|| open().next());
    found.map(|row| row.id).ok_or_else(|| format!("no open task {step}"))
}

fn complete(scene: &Scene, words: &[&str], principal: &Principal) -> Result<(Command, Option<Id>), String> {
    let task = task(scene, first(words)?, principal)?;
    let (outcome, form): (Vec<&str>, Vec<&str>) = words[1..].iter().partition(|word| !word.contains('='));
    let about = scene.rows.tasks.get(&task).and_then(|row| row.record.clone());
    let ty = |name: &str| match (name.strip_prefix("self."), &about) {
        (Some(column), Some(record)) => column_type(scene, &record.entity, column),
        _ => Type::Any,
    };
    let form = values(scene, &form, ty)?;
    Ok((Command::Complete { task, outcome: outcome.first().map(Name::new), form }, None))
}

fn save(scene: &Scene, words: &[&str]) -> Result<Command, String> {
    let target = record(scene, first(words)?)?;
    let set = columns(scene, &target.entity, &words[1..])?;
    Ok(Command::Save(Wish::Update { target, set }))
}

fn create(scene: &Scene, words: &[&str]) -> Result<Command, String> {
    let entity = Name::new(first(words)?);
    let set = columns(scene, &entity, &words[1..])?;
    Ok(Command::Save(Wish::Create { entity, id: None, set }))
}

fn send(scene: &Scene, words: &[&str]) -> Result<Command, String> {
    let message = Name::new(first(words)?);
    let (key, rest) = match words.get(1) {
        Some(key) if !key.contains('=') => (typed(scene, &Type::Any, key)?, &words[2..]),
        _ => (Value::NULL, &words[1..]),
    };
    Ok(Command::Publish { message, key, with: values(scene, rest, |_| Type::Any)? })
}

fn job(scene: &Scene, words: &[&str]) -> Result<(Command, Option<Id>), String> {
    let service = first(words)?;
    let found = scene.rows.jobs.values().find(|row| &*row.service == service);
    let row = found.ok_or_else(|| format!("no job of {service}"))?;
    let command = match &words[1..] {
        ["raises", code] => Command::JobFailed(row.wait, Failure::Raised(Name::new(code), Vec::new())),
        ["breaks"] => Command::JobFailed(row.wait, Failure::Broke("it broke".into())),
        ["times_out"] => Command::JobFailed(row.wait, Failure::TimedOut),
        rest => Command::JobDone(row.wait, values(scene, rest, |_| Type::Any)?),
    };
    Ok((command, Some(row.instance)))
}

fn mend(scene: &Scene, words: &[&str], how: Resolution) -> Result<(Command, Option<Id>), String> {
    let step = first(words)?;
    for (id, (row, state)) in &scene.rows.instances {
        let def = scene.catalog.get(&row.process, Some(row.version));
        let at = state.incidents.iter().find(|found| def.is_some_and(|def| &*def.step(found.node) == step));
        if let Some(incident) = at {
            return Ok((Command::Mend(incident.id, how), Some(*id)));
        }
    }
    Err(format!("no incident at {step}"))
}

fn act(scene: &Scene, words: &[&str]) -> Result<(Command, Option<Id>), String> {
    let step = first(words)?;
    for (id, (row, state)) in &scene.rows.instances {
        let def = scene.catalog.get(&row.process, Some(row.version));
        let offers =
            |wait: &&Wait| wait.kind == WaitKind::Passive && def.is_some_and(|def| &*def.step(wait.node) == step);
        if let Some(wait) = state.waits.iter().find(offers) {
            return Ok((Command::Act(wait.id, values(scene, &words[1..], |_| Type::Any)?), Some(*id)));
        }
    }
    Err(format!("no action {step} is offered"))
}

/// The latest run of a process, or the one about a record.
fn run_of(scene: &Scene, name: &str) -> Result<Id, String> {
    let mut live = scene.rows.instances.values().filter(|(row, _)| !row.status.is_over());
    let fits = |row: &&(stageflow::instance::InstanceRow, stageflow::instance::State)| {
        &*row.0.process == name || row.0.record.as_ref().is_some_and(|record| &*record.id == name)
    };
    live.rfind(fits).map(|(row, _)| row.id).ok_or_else(|| format!("no run {name}"))
}

/// A record that is there already: no rule is asked, no event follows.
#[allow(dead_code, reason = "not every test that reads scripts lets one say what is there already")]
pub fn given(scene: &mut Scene, rest: &str) -> Result<(), String> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let [entity, id, set @ ..] = words.as_slice() else {
        return Err(format!("given {rest}: expected entity and id"));
    };
    let mut record = Record::new(Name::new(entity), Name::new(id));
    record.rev = 1;
    if let Some(table) = scene.catalog.library.entity(entity).and_then(|entity| entity.stages.as_ref()) {
        record.set(&table.field, Value::text(&*table.initial));
    }
    for (column, value) in columns(scene, entity, set)? {
        record.set(&column, value);
    }
    scene.rows.records.insert(Ref::new(entity, id), Arc::new(record));
    scene.rows.get(&Ref::new(entity, id)).map_err(|error| error.to_string())?;
    Ok(())
}
