//! How answers are written: aligned text for people, one JSON document for programs.

use std::io::{ErrorKind, Write};

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use stageflow::engine::{Event, Happening};
use stageflow::entity::StageTransition;
use stageflow::model::{Ref, Value};
use stageflow::store::TaskFilter;

use crate::args::Format;
use crate::db::{Db, short};

/// What a command did, for people and for programs.
pub struct Done {
    text: String,
    told: Json,
}

impl Done {
    pub fn new(text: String, told: Json) -> Self {
        Self { text, told }
    }
}

/// Rows under heads, aligned.
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(heads: &[&str]) -> Self {
        Self { heads: heads.iter().map(|head| head.to_uppercase()).collect(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| cell.replace('\n', " ")).collect());
    }

    /// Columns in which nothing stands are left out.
    fn text(&self) -> String {
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
            cells
                .filter(|longest| *longest > 0)
                .map(|longest| longest.max(self.heads.get(at).map_or(0, |head| head.len())))
        };
        let widths: Vec<Option<usize>> = (0..self.heads.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).filter_map(|(cell, width)| Some(format!("{cell:<0$}", (*width)?)));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
        };
        std::iter::once(&self.heads).chain(&self.rows).map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Writes a line; a reader that has gone away is no failure.
fn line(text: &str) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("error: {error}");
    }
}

pub fn said(format: Format, text: &str, told: Json) {
    match format {
        Format::Text => line(text),
        Format::Json => line(&format!("{told:#}")),
    }
}

pub fn table(db: &Db, table: &Table, all: Vec<Json>, empty: &str) {
    let text = if table.rows.is_empty() { empty.to_string() } else { table.text() };
    said(db.format, &text, Json::Array(all));
}

pub fn failed(format: Format, code: &str, text: &str) {
    match format {
        // Problems of files bring their codes and places themselves.
        Format::Text if code == "load" => eprintln!("{text}"),
        Format::Text => eprintln!("error[{code}]: {text}"),
        Format::Json => eprintln!("{:#}", json!({"error": code, "text": text})),
    }
}

/// What was done, and what followed from it.
pub fn done(db: &Db, done: &Done, events: &[Happening]) {
    let mut lines = vec![done.text.clone()];
    let (mut transitions, mut incidents, mut tasks, mut notices) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let open = db.engine.tasks(&TaskFilter { limit: Some(100_000), ..TaskFilter::default() }).unwrap_or_default();
    for happening in events {
        match &happening.event {
            Event::Transition(told) => {
                lines.push(format!("  * {}", transition(db, told)));
                transitions.push(transition_json(told, &db.lang));
            }
            Event::Incident { incident, code, message, .. } => {
                lines.push(format!("  ! incident {code} ({}): {message}", short(&incident.to_string())));
                incidents.push(json!({"incident": incident.to_string(), "code": code.to_string(), "message": message}));
            }
            Event::Task { task, .. } => {
                let Some(row) = open.iter().find(|row| row.id == *task) else { continue };
                let who = row.assignee.as_ref().map_or(String::new(), |user| format!(" for {}", user.id));
                lines.push(format!("  - task {}{who}: {}", row.step, row.title.get(&db.lang)));
                tasks.push(json!({"task": task.to_string(), "step": row.step.to_string()}));
            }
            Event::Notice { to, text } => {
                lines.push(format!("  . {} is told: {}", to.id, text.get(&db.lang)));
                notices.push(json!({"to": to.id.to_string(), "text": text.get(&db.lang)}));
            }
            _ => {}
        }
    }
    let mut told = done.told.clone();
    if let Json::Object(told) = &mut told {
        told.insert("transitions".into(), transitions.into());
        told.insert("incidents".into(), incidents.into());
        told.insert("tasks".into(), tasks.into());
        told.insert("notices".into(), notices.into());
    }
    said(db.format, &lines.join("\n"), told);
}

/// A transition in a line, with what caused it.
pub fn transition(db: &Db, told: &StageTransition) -> String {
    let from = if told.from.is_some() { format!("\"{}\" -> ", told.from_title.get(&db.lang)) } else { String::new() };
    let by = match (&told.cause.process, &told.cause.step) {
        (Some(process), Some(step)) => format!("{process}, step {step}"),
        _ => "a save".to_string(),
    };
    let behalf = told.cause.on_behalf_of.as_ref().map_or(String::new(), |user| format!(", on behalf of {}", user.id));
    format!("{}: {from}\"{}\"  [{by}{behalf}]", record(&told.record), told.to_title.get(&db.lang))
}

pub fn transition_json(told: &StageTransition, lang: &str) -> Json {
    json!({
        "entity": told.record.entity.to_string(), "record": told.record.id.to_string(), "revision": told.revision,
        "from": told.from.as_ref().map(ToString::to_string), "to": told.to.to_string(),
        "from_title": told.from.as_ref().map(|_| told.from_title.get(lang)), "to_title": told.to_title.get(lang),
        "at": told.at.to_rfc3339(), "command": told.cause.command.to_string(),
        "process": told.cause.process.as_ref().map(ToString::to_string),
        "step": told.cause.step.as_ref().map(ToString::to_string),
        "instance": told.cause.instance.map(|instance| instance.0.to_string()),
        "on_behalf_of": told.cause.on_behalf_of.as_ref().map(|user| user.id.to_string()),
    })
}

/// A record in full: `entity/id`.
pub fn full(record: &Ref) -> String {
    format!("{}/{}", record.entity, record.id)
}

/// A record, short.
pub fn record(record: &Ref) -> String {
    format!("{}/{}", record.entity, short(&record.id))
}

/// A value for people: ids short.
pub fn value(value: &Value) -> String {
    match value {
        Value::Ref(found) => record(found),
        Value::List(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        Value::DateTime(at) => instant(*at),
        other => other.to_string(),
    }
}

pub fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// A number of things.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
