//! What must be true: each key of an `expect` step is looked at.

use super::Stopped;
use super::draft::Step;
use super::steps::{last_row, select};
use super::world::World;
use crate::instance::{InstanceRow, Status, TaskRow};
use crate::load::cursor::list_or_one;
use crate::load::{Entry, Node, Yaml, did_you_mean};
use crate::model::{Name, Ref, Span, Type, Value};
use crate::store::{InstanceFilter, JournalOf, TaskFilter};

/// Looks at every key of an `expect` step.
pub(super) fn check(world: &mut World, step: &Step<'_>) -> Result<(), Stopped> {
    for entry in step.object.entries() {
        let node = &entry.value;
        match &*entry.key.text {
            "records" => named(node)?.iter().try_for_each(|entry| record(world, entry))?,
            "count" => list_or_one(node).iter().try_for_each(|item| count(world, item))?,
            "tasks" => tasks(world, node, None)?,
            "tasks_of" => {
                for entry in named(node)? {
                    tasks(world, &entry.value, Some(&entry.key.text))?;
                }
            }
            "running" => processes(world, node, |row| row.status == Status::Running)?,
            "completed" => completed(world, node)?,
            "incidents" => incidents(world, node)?,
            "called" => list_or_one(node).iter().try_for_each(|item| called(world, item))?,
            "told" => list_or_one(node).iter().try_for_each(|item| told(world, item))?,
            "startable" => named(node)?.iter().try_for_each(|entry| startable(world, entry))?,
            "transitions" => transitions(world, node)?,
            "history" => named(node)?.iter().try_for_each(|entry| history(world, entry))?,
            "explain" => return Err(Stopped::At(entry.key.span, "`explain` is not supported yet".into())),
            other => return Err(Stopped::At(entry.key.span, format!("`expect` has no `{other}`"))),
        }
    }
    world.told = last_row(world)?;
    Ok(())
}

/// The lines of a run's history, in order; others may lie between them. Records go by their names.
fn history(world: &World, entry: &Entry) -> Result<(), Stopped> {
    let run = world.runs.get(&*entry.key.text);
    let run = run.ok_or_else(|| Stopped::At(entry.key.span, format!("there is no run named {}", entry.key.text)))?;
    let told = world.engine()?.history(*run).map_err(engine_error(entry.key.span))?;
    let mut left = told.iter().map(|line| &line.text);
    for wanted in list_or_one(&entry.value) {
        let text = wanted.word().unwrap_or_default();
        if !left.any(|line| line.contains(text)) {
            let lines: Vec<String> = told.iter().map(|line| format!("\n    {}", line.text)).collect();
            return Err(differs(wanted.span, "history", text, &lines.concat()));
        }
    }
    Ok(())
}

/// The entries of a mapping; another shape would be true of everything.
fn named(node: &Node) -> Result<&[Entry], Stopped> {
    match &node.yaml {
        Yaml::Map(entries) => Ok(entries),
        _ => Err(Stopped::At(node.span, format!("expected a mapping such as `{{name: ...}}`, found {}", node.shape()))),
    }
}

/// Refuses a key that would be overlooked.
fn only(item: &Node, keys: &[&str]) -> Result<(), Stopped> {
    let strange = named(item)?.iter().find(|entry| !keys.contains(&&*entry.key.text));
    strange.map_or(Ok(()), |entry| {
        let key = &entry.key.text;
        let near = did_you_mean(key, keys.iter().copied()).unwrap_or_else(|| format!("known: {}", keys.join(", ")));
        Err(Stopped::At(entry.key.span, format!("`{key}` means nothing here; {near}")))
    })
}

fn differs(span: Span, what: &str, expected: &str, found: &str) -> Stopped {
    Stopped::At(span, format!("{what}: expected {expected}, found {found}"))
}

fn engine_error(span: Span) -> impl Fn(crate::Error) -> Stopped {
    move |error| Stopped::At(span, error.to_string())
}

fn record(world: &World, entry: &Entry) -> Result<(), Stopped> {
    let name = &*entry.key.text;
    let Some(record) = world.aliases.get(name) else {
        return Err(Stopped::At(entry.key.span, format!("there is no record named {name}")));
    };
    let engine = world.engine()?;
    let catalog = engine.catalog();
    let Some(entity) = catalog.library.entity(&record.entity) else { return Ok(()) };
    if engine.record(record).map_err(engine_error(entry.key.span))?.is_none() {
        let wanted = entry.value.word() == Some("deleted");
        return if wanted { Ok(()) } else { Err(Stopped::At(entry.key.span, format!("{name} was deleted"))) };
    }
    for column in entry.value.entries() {
        let key = &*column.key.text;
        let Some(field) = entity.field(key) else {
            return Err(Stopped::At(column.key.span, format!("{} has no column {key}", record.entity)));
        };
        let wanted = world.value(&column.value, &field.ty)?;
        let found = engine.value(record, key).map_err(engine_error(column.key.span))?;
        if !same(&wanted, &found) {
            return Err(differs(
                column.key.span,
                &format!("{name}.{key}"),
                &shown(world, &wanted),
                &shown(world, &found),
            ));
        }
    }
    Ok(())
}

/// Equal for a scenario: an amount may be written without its currency.
fn same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Money(wanted), Value::Money(found)) if wanted.currency.is_none() => wanted.amount == found.amount,
        (Value::Number(wanted), Value::Money(found)) => *wanted == found.amount,
        _ => wanted.same(found),
    }
}

/// A value with the names that the scenario gave to records.
fn shown(world: &World, value: &Value) -> String {
    match value {
        Value::Ref(record) => alias_of(world, record),
        other => other.to_string(),
    }
}

fn alias_of(world: &World, record: &Ref) -> String {
    let alias = world.aliases.iter().find(|(_, known)| *known == record).map(|(alias, _)| alias.clone());
    alias.unwrap_or_else(|| record.id.to_string())
}

fn count(world: &World, item: &Node) -> Result<(), Stopped> {
    only(item, &["entity", "where", "is"])?;
    let entity = item.get("entity").and_then(Node::word).unwrap_or_default();
    let found = select(world, entity, item.get("where"))?.len();
    let wanted = item.get("is").and_then(Node::word).unwrap_or_default();
    if wanted != found.to_string() {
        let condition = item.get("where").and_then(Node::word).unwrap_or("all");
        return Err(differs(item.span, &format!("records of {entity} where {condition}"), wanted, &found.to_string()));
    }
    Ok(())
}

/// Exactly these, or `{has: […], lacks: […]}`.
fn list(what: &str, node: &Node, mut found: Vec<String>) -> Result<(), Stopped> {
    found.sort();
    let words =
        |node: &Node| -> Vec<String> { list_or_one(node).iter().filter_map(Node::word).map(str::to_string).collect() };
    let all = || format!("[{}]", found.join(", "));
    if !node.entries().is_empty() {
        only(node, &["has", "lacks"])?;
        for wanted in node.get("has").map(words).unwrap_or_default() {
            if !found.contains(&wanted) {
                return Err(differs(node.span, what, &format!("{wanted} among them"), &all()));
            }
        }
        for unwanted in node.get("lacks").map(words).unwrap_or_default() {
            if found.contains(&unwanted) {
                return Err(differs(node.span, what, &format!("no {unwanted} among them"), &all()));
            }
        }
        return Ok(());
    }
    let mut wanted = words(node);
    wanted.sort();
    if wanted != found {
        return Err(differs(node.span, what, &format!("[{}]", wanted.join(", ")), &all()));
    }
    Ok(())
}

fn tasks(world: &World, node: &Node, of: Option<&str>) -> Result<(), Stopped> {
    let engine = world.engine()?;
    let open: Vec<TaskRow> = match of {
        Some(user) => {
            let user = world
                .aliases
                .get(user)
                .ok_or_else(|| Stopped::At(node.span, format!("there is no user named {user}")))?;
            engine.tasks_of(user)
        }
        None => engine.tasks(&TaskFilter { limit: Some(100_000), ..TaskFilter::default() }),
    }
    .map_err(engine_error(node.span))?;
    let what = of.map_or("open tasks".to_string(), |user| format!("open tasks of {user}"));
    list(&what, node, open.iter().map(|task| task.step.to_string()).collect())
}

fn instances(world: &World, span: Span) -> Result<Vec<InstanceRow>, Stopped> {
    let filter = InstanceFilter { limit: Some(100_000), ..InstanceFilter::default() };
    world.engine()?.instances(&filter).map_err(engine_error(span))
}

fn processes(world: &World, node: &Node, fits: impl Fn(&InstanceRow) -> bool) -> Result<(), Stopped> {
    let rows = instances(world, node.span)?;
    list("running", node, rows.iter().filter(|row| fits(row)).map(|row| row.process.to_string()).collect())
}

/// The processes that came to their end; each is named once, however often it did.
fn completed(world: &World, node: &Node) -> Result<(), Stopped> {
    let rows = instances(world, node.span)?;
    for wanted in list_or_one(node) {
        let name = wanted.word().unwrap_or_default();
        let run = world.runs.get(name);
        let fits = |row: &&InstanceRow| &*row.process == name || run == Some(&row.id);
        let found: Vec<&InstanceRow> = rows.iter().filter(fits).collect();
        if !found.iter().any(|row| row.status == Status::Completed) {
            let states: Vec<String> = found.iter().map(|row| format!("{:?}", row.status).to_lowercase()).collect();
            return Err(differs(wanted.span, name, "a completed run", &format!("[{}]", states.join(", "))));
        }
    }
    Ok(())
}

fn incidents(world: &World, node: &Node) -> Result<(), Stopped> {
    let engine = world.engine()?;
    let open = engine.incidents().map_err(engine_error(node.span))?;
    let failed = engine.failed_reactions().map_err(engine_error(node.span))?;
    let codes = open.iter().map(|incident| incident.code.to_string());
    let codes: Vec<String> = codes.chain(failed.iter().map(|failed| format!("reaction: {}", failed.why))).collect();
    let told = list("open incidents", node, codes);
    told.map_err(|stopped| match stopped {
        Stopped::At(span, text) => {
            let open: Vec<String> =
                open.iter().map(|at| format!("{} at {}: {}", at.code, at.step, at.message)).collect();
            Stopped::At(span, format!("{text}\n    {}", open.join("\n    ")))
        }
        other => other,
    })
}

fn called(world: &World, item: &Node) -> Result<(), Stopped> {
    only(item, &["service", "times", "with"])?;
    let service = item.get("service").and_then(Node::word).unwrap_or_default();
    let calls = world.calls(service);
    let catalog = world.engine()?.catalog();
    let types = catalog.library.services.get(service).map(|spec| spec.with.clone()).unwrap_or_default();
    let mut wanted: Vec<(Name, Value)> = Vec::new();
    for entry in item.get("with").map(Node::entries).unwrap_or_default() {
        let ty = types.iter().find(|(name, _)| **name == *entry.key.text).map_or(Type::Any, |(_, ty)| ty.clone());
        wanted.push((Name::new(&*entry.key.text), world.value(&entry.value, &ty)?));
    }
    let fits = calls
        .iter()
        .filter(|call| wanted.iter().all(|(name, value)| call.with.get(name).is_some_and(|found| same(value, found))));
    let (found, times) = (fits.count(), item.get("times").and_then(Node::word));
    match times {
        Some(times) if times != found.to_string() => Err(differs(
            item.span,
            &format!("calls of {service}"),
            times,
            &format!("{found} (of {} in all)", calls.len()),
        )),
        None if found == 0 => Err(differs(item.span, &format!("calls of {service}"), "some", "none")),
        _ => Ok(()),
    }
}

/// How often a person was told something, in all.
fn told(world: &World, item: &Node) -> Result<(), Stopped> {
    only(item, &["who", "text", "times"])?;
    let who = item.get("who").map(|node| world.record(node)).transpose()?;
    let text = item.get("text").and_then(Node::word).unwrap_or_default();
    let rows = world.engine()?.journal(&JournalOf::All, 0, usize::MAX >> 1).map_err(engine_error(item.span))?;
    let notices = rows.iter().flat_map(|row| &row.body.notices);
    let fits = notices.filter(|(to, what)| {
        who.as_ref().is_none_or(|who| who == to) && what.all().any(|(_, what)| what.contains(text))
    });
    let (found, wanted) = (fits.count(), item.get("times").and_then(Node::word).unwrap_or("1"));
    if wanted != found.to_string() {
        return Err(differs(item.span, "notices", wanted, &found.to_string()));
    }
    Ok(())
}

fn startable(world: &World, entry: &Entry) -> Result<(), Stopped> {
    let user = &*entry.key.text;
    let user =
        world.aliases.get(user).ok_or_else(|| Stopped::At(entry.key.span, format!("there is no user named {user}")))?;
    let found = world.engine()?.startable(user).map_err(engine_error(entry.key.span))?;
    list("startable processes", &entry.value, found.iter().map(|found| found.process.to_string()).collect())
}

/// The transitions emitted since the last `expect`, in order.
fn transitions(world: &World, node: &Node) -> Result<(), Stopped> {
    let rows =
        world.engine()?.journal(&JournalOf::All, world.told, usize::MAX >> 1).map_err(engine_error(node.span))?;
    let found: Vec<String> = rows
        .iter()
        .flat_map(|row| &row.body.transitions)
        .filter_map(|told| {
            let from = told.from.as_ref()?;
            Some(format!("{} {}: {from} -> {}", told.record.entity, alias_of(world, &told.record), told.to))
        })
        .collect();
    let wanted: Vec<String> = list_or_one(node).iter().filter_map(Node::word).map(str::to_string).collect();
    if wanted != found {
        return Err(differs(node.span, "transitions", &format!("{wanted:?}"), &format!("{found:?}")));
    }
    Ok(())
}
