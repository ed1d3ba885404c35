//! The steps of a scenario, one after the other; after each the world runs until nothing is left to react to.

use std::path::Path;

use super::draft::{Given, Script, Step};
use super::world::World;
use super::{Options, Ran, Stopped};
use crate::engine::{Action, Error, IncidentInfo};
use crate::entity::{Query, Wish};
use crate::instance::{Command, Id, TaskRow};
use crate::load::{Entry, Node};
use crate::model::expr::{Expr, Names, Slot};
use crate::model::{Duration, Name, Ref, Schema, Span, Type, Value};
use crate::store::TaskFilter;

/// Plays a scenario to its end.
pub(super) fn play(script: &Script<'_>, folder: &Path, options: Options) -> Result<Ran, Stopped> {
    let mut world = World::open(script, folder, options)?;
    // A setting may name a record, and a record may be made from a setting: each setting as soon as it can be read.
    let mut settings = script.settings.clone();
    for given in &script.given {
        settings.retain(|entry| setting(&world, entry, None).is_err());
        give(&mut world, given)?;
    }
    for entry in settings {
        setting(&world, entry, None)?;
    }
    for entry in &script.services {
        world.answer(&entry.key.text, &entry.value)?;
    }
    world.told = last_row(&world)?;
    let mut crash: Option<&Step<'_>> = None;
    for step in &script.steps {
        if options.restart_before_every_step && step.verb != "expect" {
            world.restart().map_err(|error| Stopped::At(step.span, format!("restart: {error}")))?;
        }
        if step.verb == "crash" {
            crash = Some(step);
            continue;
        }
        let crashes = crash.is_some_and(|crash| crash.object.word() == Some(step.verb));
        if crashes {
            crash = None;
            world.engine()?.halt();
        }
        one(&mut world, step).map_err(|stopped| match stopped {
            Stopped::At(span, text) => Stopped::At(span, format!("{text}{}", world.moment())),
            wrong => wrong,
        })?;
        if crashes {
            world.restart().map_err(|error| Stopped::At(step.span, format!("after the crash: {error}")))?;
        }
        if step.verb != "expect" {
            world.engine()?.work().map_err(|error| Stopped::At(step.span, error.to_string()))?;
        }
    }
    if let Some(crash) = crash {
        let verb = crash.object.word().unwrap_or_default();
        let text = format!("expected a step `{verb}` after it, in which it crashes; found none");
        return Err(Stopped::At(crash.span, text));
    }
    let visited = world.visited().map_err(|error| Stopped::At(Span::default(), error.to_string()))?;
    Ok(Ran { visited })
}

/// The number of the last row of the journal.
pub(super) fn last_row(world: &World) -> Result<u64, Stopped> {
    let engine = world.engine()?;
    let rows = engine.journal(&crate::store::JournalOf::All, world.told, usize::MAX >> 1);
    let rows = rows.map_err(|error| Stopped::At(Span::default(), error.to_string()))?;
    Ok(rows.last().map_or(world.told, |row| row.seq))
}

fn give(world: &mut World, given: &Given<'_>) -> Result<(), Stopped> {
    let entity = given.entity.word().unwrap_or_default().to_string();
    let set = columns(world, &entity, given.set)?;
    let id = given.alias.as_deref().map(Name::new);
    let wish = Wish::Create { entity: Name::new(&entity), id, set };
    let made = world.engine()?.system().import(wish).map_err(|error| Stopped::At(given.span, error.to_string()))?;
    if let Some(alias) = &given.alias {
        world.aliases.insert(alias.clone(), made);
    }
    Ok(())
}

/// Columns and their values, typed by the entity.
fn columns(world: &World, entity: &str, entries: &[Entry]) -> Result<Vec<(Name, Value)>, Stopped> {
    let catalog = world.engine()?.catalog();
    let Some(found) = catalog.library.entity(entity) else {
        let span = entries.first().map_or_else(Span::default, |entry| entry.key.span);
        return Err(Stopped::At(span, format!("the library has no entity {entity}")));
    };
    let mut set = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(field) = found.field(&entry.key.text) else {
            let near =
                crate::model::suggest::did_you_mean(&entry.key.text, found.fields.iter().map(|field| &*field.name));
            let near = near.map_or(String::new(), |near| format!("; {near}"));
            return Err(Stopped::At(entry.key.span, format!("{entity} has no column {}{near}", entry.key.text)));
        };
        set.push((field.name.clone(), world.value(&entry.value, &field.ty)?));
    }
    Ok(set)
}

/// Named values, typed by a declaration.
fn values(world: &World, entries: &[Entry], types: &[(Name, Type)], what: &str) -> Result<Vec<(Name, Value)>, Stopped> {
    let mut set = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some((name, ty)) = types.iter().find(|(name, _)| **name == *entry.key.text) else {
            return Err(Stopped::At(entry.key.span, format!("{what} has no {}", entry.key.text)));
        };
        set.push((name.clone(), world.value(&entry.value, ty)?));
    }
    Ok(set)
}

fn one(world: &mut World, step: &Step<'_>) -> Result<(), Stopped> {
    let refused = match step.verb {
        "expect" => return super::expect::check(world, step),
        "find" => return find(world, step),
        "wait" => return wait(world, step),
        "restart" => return world.restart().map_err(|error| Stopped::At(step.span, error.to_string())),
        "setting" => {
            for entry in step.object.entries() {
                setting(world, entry, step.word("by"))?;
            }
            return Ok(());
        }
        _ => act(world, step)?,
    };
    match (refused, step.get("fails")) {
        (None, None) => Ok(()),
        (Some(error), None) => {
            Err(Stopped::At(step.span, format!("{} was refused: {} ({error})", step.verb, error.code())))
        }
        (None, Some(fails)) => {
            let code = fails.word().or_else(|| fails.get("code").and_then(Node::word)).unwrap_or("an error");
            Err(Stopped::At(step.span, format!("expected {} to fail with {code}, but it succeeded", step.verb)))
        }
        (Some(error), Some(fails)) => fails_as(&error, fails),
    }
}

/// Whether an error is the one that was expected.
fn fails_as(error: &Error, fails: &Node) -> Result<(), Stopped> {
    let check = |what: &str, wanted: Option<&str>, found: Option<&str>| match wanted {
        Some(wanted) if found != Some(wanted) => {
            let found = found.unwrap_or("none");
            Err(Stopped::At(
                fails.span,
                format!("expected it to fail with the {what} {wanted}, found {found} ({error})"),
            ))
        }
        _ => Ok(()),
    };
    let (object, column) = match error {
        Error::Refused { object, column, .. } => (object.as_deref(), column.as_deref()),
        _ => (None, None),
    };
    check("code", fails.word().or_else(|| fails.get("code").and_then(Node::word)), Some(error.code()))?;
    check("object", fails.get("object").and_then(Node::word), object)?;
    check("column", fails.get("column").and_then(Node::word), column)
}

/// What a step does; the inner error is the engine's.
fn act(world: &mut World, step: &Step<'_>) -> Result<Option<Error>, Stopped> {
    let told: Result<(), Error> = match step.verb {
        "start" => return start(world, step),
        "create" => return create(world, step),
        "load" => load(world, step)?,
        "update" => {
            let record = world.record(step.object)?;
            let set = columns(world, &record.entity, step.entries("set"))?;
            world.session(step.word("by"))?.update(&record, set).map(|_| ())
        }
        "delete" => world.session(step.word("by"))?.delete(&world.record(step.object)?).map(|_| ()),
        "send" => send(world, step)?,
        "signal" => {
            let name = step.object.word().unwrap_or_default();
            let types = world
                .engine()?
                .catalog()
                .library
                .signals
                .get(name)
                .map(|signal| signal.with.clone())
                .unwrap_or_default();
            let with = values(world, step.entries("with"), &types, name)?;
            world.session(step.word("by"))?.signal(name, with).map(|_| ())
        }
        "cancel" => {
            let run = run_of(world, step.object)?;
            world.session(step.word("by"))?.cancel(run).map(|_| ())
        }
        "retry" | "resolve" => mend(world, step)?,
        "act" => by_hand(world, step)?,
        _ => task(world, step)?,
    };
    Ok(told.err())
}

fn start(world: &mut World, step: &Step<'_>) -> Result<Option<Error>, Stopped> {
    let process = step.object.word().unwrap_or_default();
    let catalog = world.engine()?.catalog();
    let params: Vec<(Name, Type)> = match catalog.newest(process) {
        Some(def) => def.params.iter().map(|param| (param.name.clone(), param.ty.clone())).collect(),
        None => Vec::new(),
    };
    let about = step.get("for").map(|node| world.record(node)).transpose()?;
    let with = values(world, step.entries("with"), &params, process)?;
    let session = world.session(step.word("by"))?;
    let mut start = session.start(process);
    if let Some(record) = &about {
        start = start.about(record);
    }
    if let Some(new) = step.get("new") {
        let entity = catalog.newest(process).and_then(|def| def.entity.clone()).unwrap_or_default();
        start = start.new_record(columns(world, &entity, new.entries())?);
    }
    if let Some(version) = step.word("version").and_then(|text| text.parse().ok()) {
        start = start.version(version);
    }
    for (name, value) in with {
        start = start.with(&name, value);
    }
    match start.run() {
        Err(error) => Ok(Some(error)),
        Ok(id) => {
            if let Some(name) = step.word("as") {
                world.runs.insert(name.to_string(), id);
            }
            Ok(None)
        }
    }
}

fn create(world: &mut World, step: &Step<'_>) -> Result<Option<Error>, Stopped> {
    let entity = step.object.word().unwrap_or_default();
    let set = columns(world, entity, step.entries("set"))?;
    let session = world.session(step.word("by"))?;
    let made = match step.word("as") {
        Some(alias) => session.create_as(entity, alias, set),
        None => session.create(entity, set),
    };
    match made {
        Err(error) => Ok(Some(error)),
        Ok(record) => {
            if let Some(alias) = step.word("as") {
                world.aliases.insert(alias.to_string(), record);
            }
            Ok(None)
        }
    }
}

fn load(world: &World, step: &Step<'_>) -> Result<Result<(), Error>, Stopped> {
    let path = world.folder.join(step.object.word().unwrap_or_default());
    let sources = crate::files::read(&path).map_err(|error| Stopped::At(step.span, error.to_string()))?;
    Ok(world.engine()?.deploy_process(&sources).map(|_| ()))
}

fn send(world: &World, step: &Step<'_>) -> Result<Result<(), Error>, Stopped> {
    let name = step.object.word().unwrap_or_default();
    let catalog = world.engine()?.catalog();
    let Some(message) = catalog.library.messages.get(name) else {
        return Err(Stopped::At(step.span, format!("the library has no message {name}")));
    };
    let key = match (step.get("key"), &message.key) {
        (Some(node), Some(ty)) => world.value(node, ty)?,
        (Some(node), None) => world.value(node, &Type::Any)?,
        (None, _) => Value::NULL,
    };
    let with = values(world, step.entries("with"), &message.with, name)?;
    Ok(world.session(step.word("by"))?.publish(name, key, with).map(|_| ()))
}

pub(super) fn setting(world: &World, entry: &Entry, by: Option<&str>) -> Result<(), Stopped> {
    let name = &*entry.key.text;
    let catalog = world.engine()?.catalog();
    let Some(setting) = catalog.library.settings.get(name) else {
        return Err(Stopped::At(entry.key.span, format!("the library has no setting {name}")));
    };
    let value = world.value(&entry.value, &setting.ty)?;
    world.session(by)?.set_setting(name, value).map_err(|error| Stopped::At(entry.key.span, error.to_string()))
}

fn wait(world: &World, step: &Step<'_>) -> Result<(), Stopped> {
    let text = step.object.word().unwrap_or_default();
    let length = Duration::parse(text).map_err(|error| Stopped::At(step.object.span, error.to_string()))?;
    let engine = world.engine()?;
    let catalog = engine.catalog();
    let calendar = catalog.library.calendar.as_ref().and_then(|name| catalog.library.calendars.get(name));
    let end = calendar.unwrap_or_else(|| crate::model::Calendar::standard()).add(engine.now(), &length);
    let by = end.map(|end| end.signed_duration_since(engine.now())).unwrap_or_default();
    engine.advance(by).map(|_| ()).map_err(|error| Stopped::At(step.span, error.to_string()))
}

fn find(world: &mut World, step: &Step<'_>) -> Result<(), Stopped> {
    let entity = step.object.word().unwrap_or_default();
    let found = select(world, entity, step.get("where"))?;
    let alias = step.word("as").unwrap_or_default();
    match found.as_slice() {
        [only] => {
            world.aliases.insert(alias.to_string(), only.clone());
            Ok(())
        }
        [] => Err(Stopped::At(step.span, format!("found no {entity} that fits"))),
        several => {
            Err(Stopped::At(step.span, format!("found {} records of {entity} that fit, expected one", several.len())))
        }
    }
}

/// The records of an entity that a condition fits; records that have names may be named in it.
pub(super) fn select(world: &World, entity: &str, condition: Option<&Node>) -> Result<Vec<Ref>, Stopped> {
    let engine = world.engine()?;
    let catalog = engine.catalog();
    let span = condition.map_or_else(Span::default, |node| node.span);
    if catalog.library.entity(entity).is_none() {
        return Err(Stopped::At(span, format!("the library has no entity {entity}")));
    }
    let records =
        engine.records(&Query::all(Name::new(entity))).map_err(|error| Stopped::At(span, error.to_string()))?;
    let Some(text) = condition.and_then(Node::word) else {
        return Ok(records.iter().map(|record| record.reference()).collect());
    };
    let mut names = Names::new();
    names.searched(entity, Slot(0));
    let mut slots = vec![None];
    for (alias, record) in &world.aliases {
        let slot = Slot(u16::try_from(slots.len()).unwrap_or(u16::MAX));
        let is_column = catalog.library.columns(entity).iter().any(|column| **column == **alias);
        if !is_column {
            names.root(alias, Type::reference(&*record.entity), slot);
        }
        slots.push(Some(record.clone()));
    }
    let expr = Expr::compile(text, span, &*catalog.library, &names, Some(&Type::Bool)).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(|problem| problem.message.clone()).collect();
        Stopped::At(span, texts.join("; "))
    })?;
    let mut found = Vec::new();
    for record in records {
        let fits =
            engine.fits(&expr, &record.reference(), &slots).map_err(|error| Stopped::At(span, error.to_string()))?;
        if fits {
            found.push(record.reference());
        }
    }
    Ok(found)
}

/// A run by its name, or by the name of the record it is about.
fn run_of(world: &World, node: &Node) -> Result<Id, Stopped> {
    let name = node.word().unwrap_or_default();
    if let Some(id) = world.runs.get(name) {
        return Ok(*id);
    }
    let engine = world.engine()?;
    let rows = engine.instances(&crate::store::InstanceFilter { limit: Some(100_000), ..Default::default() });
    let rows = rows.map_err(|error| Stopped::At(node.span, error.to_string()))?;
    let about = world.aliases.get(name);
    let live = rows.iter().filter(|row| !row.status.is_over());
    let is_about =
        |row: &crate::instance::InstanceRow| about.is_some() && row.record.as_ref() == about && row.parent.is_none();
    let mut fits = live.filter(|row| is_about(row) || &*row.process == name);
    match (fits.next(), fits.next()) {
        (Some(row), None) => Ok(row.id),
        (None, _) => Err(Stopped::At(node.span, format!("there is no run {name}"))),
        _ => Err(Stopped::At(node.span, format!("{name} could be several runs; name one with `as`"))),
    }
}

/// Whether something of an instance and a record is what `of` and `for` ask for.
fn is_of(world: &World, step: &Step<'_>, instance: Id, record: Option<&Ref>) -> Result<bool, Stopped> {
    let of = match step.get("of") {
        Some(node) => run_of(world, node)? == instance,
        None => true,
    };
    let about = match step.get("for") {
        Some(node) => record == Some(&world.record(node)?),
        None => true,
    };
    Ok(of && about)
}

/// Of several tasks of one step the one that is assigned to a person; else, of one instance, the first that nobody has, or the first,
/// which he may not complete.
fn mine<'t>(tasks: &[&'t TaskRow], by: Option<&str>) -> Option<&'t TaskRow> {
    let by = by?;
    let mut his = tasks.iter().filter(|task| task.assignee.as_ref().is_some_and(|user| &*user.id == by));
    if let Some(first) = his.next() {
        return his.next().is_none().then_some(first);
    }
    let of_one = tasks.iter().all(|task| Some(task.instance) == tasks.first().map(|first| first.instance));
    let free = tasks.iter().find(|task| task.assignee.is_none());
    free.or(tasks.first()).filter(|_| of_one).copied()
}

/// The open task of a step.
fn task_row(world: &World, step: &Step<'_>) -> Result<TaskRow, Stopped> {
    let name = step.object.word().unwrap_or_default();
    let engine = world.engine()?;
    let filter = TaskFilter { limit: Some(100_000), ..TaskFilter::default() };
    let open = engine.tasks(&filter).map_err(|error| Stopped::At(step.span, error.to_string()))?;
    let mut found = Vec::new();
    let (title, language) = (step.word("title"), engine.catalog().library.language());
    for task in &open {
        let titled = title.is_none_or(|title| task.title.all().any(|(_, text)| text == title));
        if &*task.step == name && titled && is_of(world, step, task.instance, task.record.as_ref())? {
            found.push(task);
        }
    }
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => {
            let title = title.map_or(String::new(), |title| format!(" with the title `{title}`"));
            let same = open.iter().filter(|task| &*task.step == name && !title.is_empty());
            let titles: Vec<String> = same.map(|task| format!("`{}`", task.title.get(&language))).collect();
            let names: Vec<String> = open.iter().map(|task| task.step.to_string()).collect();
            let open = if titles.is_empty() { names } else { titles };
            Err(Stopped::At(step.span, format!("expected an open task {name}{title}; open are: {}", open.join(", "))))
        }
        several => mine(several, step.word("by")).cloned().ok_or_else(|| {
            let titles: Vec<String> = several.iter().map(|task| format!("`{}`", task.title.get(&language))).collect();
            let help = format!("say which with `of`, `for`, `by` or `title`: {}", titles.join(", "));
            Stopped::At(step.span, format!("{} tasks {name} are open; {help}", several.len()))
        }),
    }
}

fn task(world: &World, step: &Step<'_>) -> Result<Result<(), Error>, Stopped> {
    let task = task_row(world, step)?;
    let session = world.session(step.word("by"))?;
    Ok(match step.verb {
        "claim" => session.claim(task.id).map(|_| ()),
        "release" => session.release(task.id).map(|_| ()),
        "reassign" => {
            let to = step.get("to").map(|node| world.record(node)).transpose()?;
            session.reassign(task.id, to.as_ref()).map(|_| ())
        }
        _ => {
            let form = form(world, &task, step.entries("set"))?;
            session.complete(task.id, step.word("outcome"), form).map(|_| ())
        }
    })
}

/// What a form brings: entries by their names, columns of the record by theirs.
fn form(world: &World, task: &TaskRow, entries: &[Entry]) -> Result<Vec<(Name, Value)>, Stopped> {
    let engine = world.engine()?;
    let catalog = engine.catalog();
    let form = engine.form(task.id).map_err(|error| Stopped::At(Span::default(), error.to_string()))?;
    let mut set = Vec::new();
    for entry in entries {
        let key = entry.key.text.strip_prefix("self.").unwrap_or(&entry.key.text);
        let own = form.entries.iter().find(|form| *form.name == *entry.key.text && form.column.is_none());
        let column = task.record.as_ref().and_then(|record| catalog.library.entity(&record.entity)?.field(key));
        match (own, column) {
            (Some(own), _) => set.push((own.name.clone(), world.value(&entry.value, &own.ty)?)),
            (None, Some(field)) => set.push((Name::new(format!("self.{key}")), world.value(&entry.value, &field.ty)?)),
            (None, None) => return Err(Stopped::At(entry.key.span, format!("the form of {} has no {key}", task.step))),
        }
    }
    Ok(set)
}

fn mend(world: &World, step: &Step<'_>) -> Result<Result<(), Error>, Stopped> {
    let name = step.object.word().unwrap_or_default();
    let open = world.engine()?.incidents().map_err(|error| Stopped::At(step.span, error.to_string()))?;
    let mut found: Option<&IncidentInfo> = None;
    for incident in &open {
        if &*incident.step == name && is_of(world, step, incident.instance, incident.record.as_ref())? {
            found = Some(incident);
        }
    }
    let Some(incident) = found else {
        let names: Vec<String> =
            open.iter().map(|incident| format!("{} at {}", incident.code, incident.step)).collect();
        return Err(Stopped::At(step.span, format!("expected an incident at {name}; open are: {}", names.join(", "))));
    };
    let session = world.session(step.word("by"))?;
    Ok(match step.verb {
        "retry" => session.retry(incident.instance, incident.id).map(|_| ()),
        _ => session.resolve(incident.instance, incident.id, step.word("way"), Vec::<(Name, Value)>::new()).map(|_| ()),
    })
}

/// An action that a running process offers to people.
fn by_hand(world: &World, step: &Step<'_>) -> Result<Result<(), Error>, Stopped> {
    let name = step.object.word().unwrap_or_default();
    let (engine, stopped) = (world.engine()?, |error: Error| Stopped::At(step.span, error.to_string()));
    let rows = engine.instances(&crate::store::InstanceFilter { limit: Some(100_000), ..Default::default() });
    let (mut found, mut known) = (Vec::new(), Vec::new());
    for row in rows.map_err(stopped)? {
        if row.status.is_over() || !is_of(world, step, row.id, row.record.as_ref())? {
            continue;
        }
        for action in engine.actions(row.id).map_err(stopped)? {
            known.push(action.step.clone());
            if &*action.step == name {
                found.push((row.id, action));
            }
        }
    }
    match found.as_slice() {
        [(instance, action)] => {
            let form = action_form(world, action, step.entries("set"))?;
            let command = Command::Act(action.wait, form.into_iter().collect());
            let session = world.session(step.word("by"))?;
            let told = session.submit(command, Some(*instance)).and_then(crate::engine::Ticket::wait);
            Ok(told.map(|_| ()))
        }
        [] => {
            let near = crate::model::suggest::did_you_mean(name, known.iter().map(|action| &**action));
            let near = near.map_or(String::new(), |near| format!("; {near}"));
            Err(Stopped::At(step.span, format!("no running process offers the action {name}{near}")))
        }
        several => {
            let text = format!("{} running processes offer {name}; say which with `of` or `for`", several.len());
            Err(Stopped::At(step.span, text))
        }
    }
}

fn action_form(world: &World, action: &Action, entries: &[Entry]) -> Result<Vec<(Name, Value)>, Stopped> {
    let mut set = Vec::new();
    for entry in entries {
        let key = &*entry.key.text;
        let own = action.form.iter().find(|own| &*own.name == key || own.column.as_deref() == Some(key));
        let why = || Stopped::At(entry.key.span, format!("the form of {} has no {key}", action.step));
        let own = own.ok_or_else(why)?;
        set.push((own.name.clone(), world.value(&entry.value, &own.ty)?));
    }
    Ok(set)
}
