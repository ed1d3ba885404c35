//! A turn as lines: one per visit, task, timer, record change, incident; no ids, no clock values.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use stageflow::element::Definition;
use stageflow::entity::Change;
use stageflow::graph::NodeIx;
use stageflow::instance::rows::Outcome;
use stageflow::instance::{Fact, Id, InstanceRow, Need, Place, Run, WaitId};
use stageflow::model::{Name, Ref, Value};
use stageflow::turn::Output;

use crate::world::Scene;

/// Names for what has ids: records and runs, numbered in order of appearance.
#[derive(Default)]
pub struct Printer {
    records: BTreeMap<Ref, String>,
    runs: BTreeMap<Id, String>,
    counts: BTreeMap<String, u32>,
    waits: BTreeMap<(Id, WaitId), String>,
    tasks: BTreeMap<Id, String>,
    jobs: BTreeMap<Id, String>,
}

impl Printer {
    /// Everything the last command led to.
    pub fn tell(&mut self, scene: &mut Scene, lines: &mut Vec<String>) {
        for (label, output, now) in std::mem::take(&mut scene.told) {
            self.turn(scene, &label, &output, now, lines);
        }
    }

    fn turn(&mut self, scene: &Scene, label: &str, output: &Output, now: DateTime<Utc>, lines: &mut Vec<String>) {
        let mut body = Vec::new();
        output.changes.iter().for_each(|change| body.extend(self.change(change)));
        if let Some(Run { row, .. }) = output.instance.as_deref() {
            let def = scene.catalog.get(&row.process, Some(row.version)).expect("the run's definition");
            lines.push(format!("{label}{}", self.run(row)));
            output.facts.iter().for_each(|fact| lines.extend(self.fact(def, row, fact)));
            lines.append(&mut body);
            output.needs.iter().for_each(|need| lines.extend(self.need(now, need)));
        } else {
            lines.append(&mut body);
            output.needs.iter().for_each(|need| lines.extend(self.keep_message(now, need)));
        }
        for told in &output.transitions {
            let from = told.from_title.get("en");
            lines.push(format!("  * {} \"{from}\" -> \"{}\"", self.record(&told.record), told.to_title.get("en")));
        }
        lines.extend(output.notices.iter().map(|notice| format!("  tell {}: {}", notice.to.id, notice.text.get("en"))));
        lines.extend(output.notes.iter().map(|note| format!("  note: {}", self.hide(note))));
    }

    fn numbered(&mut self, kind: &str) -> String {
        let count = self.counts.entry(kind.to_string()).or_insert(0);
        *count += 1;
        format!("{kind}#{count}")
    }

    fn run(&mut self, row: &InstanceRow) -> String {
        if let Some(name) = self.runs.get(&row.id) {
            return name.clone();
        }
        let name = self.numbered(&row.process);
        self.runs.insert(row.id, name.clone());
        match &row.record {
            Some(record) => format!("{name} about {}", self.record(record)),
            None => name,
        }
    }

    /// A record given by the scene keeps its own id; one that was made gets a number.
    fn record(&mut self, record: &Ref) -> String {
        if record.id.len() < 36 {
            return record.id.to_string();
        }
        if let Some(name) = self.records.get(record) {
            return name.clone();
        }
        let name = self.numbered(&record.entity);
        self.records.insert(record.clone(), name.clone());
        name
    }

    fn value(&mut self, value: &Value) -> String {
        match value {
            Value::Ref(record) => self.record(record),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.value(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Text(text) => self.hide(text),
            other => other.to_string(),
        }
    }

    /// Ids inside texts.
    pub fn hide(&self, text: &str) -> String {
        let mut text = text.to_string();
        for (id, name) in &self.runs {
            text = text.replace(&id.to_string(), name);
        }
        for (record, name) in &self.records {
            text = text.replace(&*record.id, name);
        }
        text
    }

    fn fact(&mut self, def: &Definition, row: &InstanceRow, fact: &Fact) -> Option<String> {
        let step = |node: NodeIx| def.graph.key(node).to_string();
        match fact {
            Fact::Passed(_, _, node) => Some(format!("  {}", step(*node))),
            Fact::Born(token) => match token.place {
                Place::Entering(node) | Place::In(node) => Some(format!("  {} (new token)", step(node))),
                Place::Arrived(_) => None,
            },
            Fact::Placed(_, Place::Entering(node)) => Some(format!("  {} (again)", step(*node))),
            Fact::Placed(_, Place::In(node)) => Some(format!("  {}", step(*node))),
            Fact::Joined(_, node) => Some(format!("  {} joins", step(*node))),
            Fact::Armed(wait) => {
                self.waits.insert((row.id, wait.id), step(wait.node));
                None
            }
            Fact::Assigned(scope, at, value) => {
                let state_node = |scope: u32| if scope == 0 { Some(NodeIx::PROCESS) } else { None };
                let info = state_node(*scope).and_then(|node| def.scopes.get(&node));
                let name = info.and_then(|info| info.vars.get(usize::from(*at))).map(|var| var.name.clone());
                Some(format!("  {} = {}", name.unwrap_or_else(|| Name::new("local")), self.value(value)))
            }
            Fact::Raised(incident) => {
                let message = self.hide(&incident.message);
                Some(format!("  ! {} at {}: {message}", incident.code, step(incident.node)))
            }
            Fact::Mended(_, how) => Some(format!("  incident closed: {how}")),
            Fact::Returned(name, value) => Some(format!("  returns {name} = {}", self.value(value))),
            Fact::Finished(status) => Some(format!("  {}", format!("{status:?}").to_lowercase())),
            Fact::Noted(_, text) => Some(format!("  note: {}", self.hide(text))),
            Fact::Titled(node, title) => Some(format!("  {} \"{}\"", step(*node), self.hide(title.get("en")))),
            Fact::Compensating(_, node, _) => Some(format!("  compensate {}", step(*node))),
            Fact::Suspended(on) => Some(format!("  {}", if *on { "suspended" } else { "goes on" })),
            _ => None,
        }
    }

    fn need(&mut self, now: DateTime<Utc>, need: &Need) -> Option<String> {
        match need {
            Need::KeepTask(task) => {
                self.tasks.insert(task.id, task.step.to_string());
                let who = match (&task.assignee, &*task.roles) {
                    (Some(user), _) => user.id.to_string(),
                    (None, []) => "nobody".into(),
                    (None, roles) => roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "),
                };
                let due = task.due.and_then(DateTime::from_timestamp_micros);
                let due = due.map_or(String::new(), |due| format!(", due {}", until(now, due)));
                Some(format!("  task {} \"{}\" for {who}{due}", task.step, self.hide(task.title.get("en"))))
            }
            Need::CloseTask(id, outcome) => {
                let step = self.tasks.get(id).cloned().unwrap_or_default();
                Some(match outcome {
                    Outcome::Completed(outcome, _) => format!("  task {step} completed: {outcome}"),
                    Outcome::Withdrawn(reason) => format!("  task {step} withdrawn: {reason}"),
                })
            }
            Need::ArmTimer(timer) => {
                let at = self.waits.get(&(timer.instance, timer.wait)).cloned().unwrap_or_default();
                Some(format!("  timer {at} {}", until(now, timer.due)))
            }
            Need::Listen(row) => {
                let at = self.waits.get(&(row.instance, row.wait)).cloned().unwrap_or_default();
                Some(format!("  {at} listens to {}", self.hide(row.topic.as_str())))
            }
            Need::KeepJob(job) => {
                self.jobs.insert(job.id, job.service.to_string());
                let with: Vec<String> =
                    job.with.iter().map(|(name, value)| format!("{name}={}", self.value(value))).collect();
                Some(format!(
                    "  job {} {} {}",
                    job.service,
                    with.join(" "),
                    until(now, DateTime::from_timestamp_micros(job.due)?)
                ))
            }
            other => self.keep_message(now, other),
        }
    }

    fn keep_message(&self, now: DateTime<Utc>, need: &Need) -> Option<String> {
        match need {
            Need::KeepMessage { name, until: end, .. } => Some(format!(
                "  message {name} is kept, expires {}",
                until(now, DateTime::from_timestamp_micros(*end)?)
            )),
            Need::TakeMessage(name, ..) => Some(format!("  kept message {name} is taken")),
            _ => None,
        }
    }

    fn change(&mut self, change: &Change) -> Option<String> {
        let name = self.record(&change.target);
        let Some(after) = &change.after else { return Some(format!("  - {name}")) };
        let before = change.before.as_deref();
        let mut parts = Vec::new();
        for (column, value) in &after.values {
            let old = before.map(|before| before.get(column)).unwrap_or(Value::NULL);
            if !old.same(value) {
                parts.push(format!("{column}={}", self.value(value)));
            }
        }
        for (column, _) in before.iter().flat_map(|before| &before.values) {
            if after.get(column).is_null() {
                parts.push(format!("{column}=null"));
            }
        }
        if parts.is_empty() {
            return None;
        }
        Some(format!("  {} {name} {}", if before.is_some() { "~" } else { "+" }, parts.join(" ")))
    }
}

/// A distance in time, in words.
fn until(now: DateTime<Utc>, at: DateTime<Utc>) -> String {
    let ahead = at - now;
    if ahead <= TimeDelta::zero() {
        return "now".into();
    }
    let parts = [
        (ahead.num_days(), "d"),
        (ahead.num_hours() % 24, "h"),
        (ahead.num_minutes() % 60, "min"),
        (ahead.num_seconds() % 60, "s"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count != 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    format!("in {}", parts.join(" "))
}
