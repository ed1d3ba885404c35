//! What stands above the steps: parameters, starts, uniqueness.

use super::step::Reader;
use super::{Kinds, Process, Start, StartBy};
use crate::load::cursor::{self, MapReader};
use crate::load::draft::parts;
use crate::load::problem::{Problem, Problems};
use crate::load::read::{Node, Tree, Yaml};
use crate::model::Span;

/// Reads a process file.
pub(crate) fn read_process<'t>(tree: &'t Tree, kinds: &'t Kinds, problems: &'t Problems) -> Option<Process<'t>> {
    let reader = Reader::new(kinds, problems);
    let map = MapReader::new(&tree.root, "a process", problems)?;
    if let Some(entry) = map.entry("run_as")
        && entry.value.word() != Some("system")
    {
        let found = entry.value.word().unwrap_or("something else");
        reader.later(&format!("run_as: {found}"), entry.value.span);
    }
    let name = map.need_name("process");
    let flat = reader.flat(&map);
    let starts: Vec<Start<'t>> = map.list("start").iter().filter_map(|item| reader.start(item, &[])).collect();
    let handlers = reader.events_at(&map, "handlers", super::event::BOUNDARY);
    let (steps, net, starts, handlers) = match flat {
        Some(flat) => {
            if let Some(steps) = map.entry("steps") {
                let message = "a process is written as `steps`, or as `nodes` and `flows`, not as both";
                problems.error("conflicting-keys", steps.key.span, message);
            }
            let handlers = flat.handlers.into_iter().chain(handlers).collect();
            let plain = flat.net.starts.is_empty() || flat.net.starts.iter().any(|start| !start.by_event);
            let starts = starts_of_net(flat.starts, starts, plain, tree.root.span);
            (flat.steps, Some(flat.net), starts, handlers)
        }
        None => {
            map.need("steps");
            (reader.steps_at(&map, "steps").unwrap_or_default(), None, starts, handlers)
        }
    };
    let process = Process {
        name: name?,
        version: map.version(),
        title: map.title(),
        tags: reader.tags(&map),
        entity: map.name("entity"),
        calendar: map.name("calendar"),
        params: reader.variables(&map, "params"),
        vars: reader.variables(&map, "vars"),
        assign: reader.assign(&map),
        one_per: map.get("one_per"),
        starts,
        steps,
        net,
        handlers,
        timeout: map.get("timeout"),
        span: map.entry("process").map_or(map.span(), |entry| entry.value.span),
    };
    map.allow(&["doc", "bpmn"]);
    map.finish();
    Some(process)
}

/// The starts of a flat form: those of its start events and those that are listed. A plain start event among others begins
/// by hand and by calls, as a process does that names none.
fn starts_of_net<'t>(nodes: Vec<Start<'t>>, listed: Vec<Start<'t>>, plain: bool, span: Span) -> Vec<Start<'t>> {
    let alone = nodes.is_empty() || !listed.is_empty() || !plain;
    let mut starts: Vec<Start<'t>> = nodes.into_iter().chain(listed).collect();
    if !alone {
        let manual = StartBy::Manual { roles: Vec::new(), new: Vec::new() };
        starts.extend([manual, StartBy::Called].map(|by| Start { by, ..Start::bare(span) }));
    }
    starts
}

/// The words by which a start is written.
pub(super) const STARTS: &[&str] = &["event", "manual", "message", "signal", "condition", "schedule", "called"];

impl<'t> Start<'t> {
    pub(super) fn bare(span: Span) -> Self {
        Self {
            span,
            node: None,
            by: StartBy::Called,
            when: None,
            changed: Vec::new(),
            about: None,
            with: &[],
            new: None,
        }
    }
}

impl<'t> Reader<'t> {
    fn tags(&self, map: &MapReader<'t>) -> Vec<String> {
        let tag = |node| cursor::scalar(node, "a tag", self.problems).map(|scalar| scalar.text.to_string());
        map.list_or_one("tags").iter().filter_map(tag).collect()
    }

    /// `tasks: {assign: self.owner}`.
    fn assign(&self, map: &MapReader<'t>) -> Option<&'t Node> {
        let tasks = MapReader::new(map.get("tasks")?, "`tasks`", self.problems)?;
        let assign = tasks.get("assign");
        tasks.finish();
        assign
    }

    /// A way to start; `more` are keys that the start event of a flat form has besides.
    pub(super) fn start(&self, node: &'t Node, more: &[&'static str]) -> Option<Start<'t>> {
        let map = MapReader::new(node, "a start", self.problems)?;
        map.allow(more);
        let words: Vec<&'static str> = STARTS.iter().copied().filter(|word| node.get(word).is_some()).collect();
        let [word] = words.as_slice() else {
            let found = if words.is_empty() { "none".to_owned() } else { words.join(" and ") };
            let message = format!("expected one of {}, found {found}", STARTS.join(", "));
            self.problems.error("no-event", node.span, message);
            return None;
        };
        let value = map.get(word)?;
        let by = self.start_by(&map, word, value);
        let is_record = matches!(by, Some(StartBy::Record(_)));
        let is_event = is_record || matches!(by, Some(StartBy::Signal(_) | StartBy::Message(_)));
        let start = Start {
            span: node.span,
            node: None,
            when: if is_event { map.get("when") } else { None },
            changed: if is_record { map.names("changed") } else { Vec::new() },
            about: if *word == "called" { None } else { map.get("for") },
            with: if *word == "called" { &[] } else { map.map("with") },
            new: map
                .get("new")
                .filter(|_| *word != "manual")
                .map(|new| cursor::entries(new, "`new`", self.problems).unwrap_or_default()),
            by: by?,
        };
        map.allow(&["doc"]);
        map.finish();
        Some(start)
    }

    fn start_by(&self, map: &MapReader<'t>, word: &str, value: &'t Node) -> Option<StartBy<'t>> {
        Some(match word {
            "event" => StartBy::Record(self.record_kind(value)?),
            "manual" => self.start_manual(value)?,
            "message" => StartBy::Message(self.id(value)?),
            "signal" => StartBy::Signal(self.id(value)?),
            "condition" => StartBy::Condition(value),
            "schedule" => StartBy::Schedule {
                rule: value,
                catch_up: map.get("catch_up"),
                zone: map.get("zone").and_then(|zone| parts::word(zone, "a time zone", self.problems)),
                calendar: map.name("calendar"),
            },
            _ => {
                if cursor::boolean(value, self.problems).is_some_and(|flag| !flag.value) {
                    let problem = Problem::error("wrong-type", value.span, "expected `called: true`, found `false`");
                    self.problems.push(problem.help("leave the item out when the process is not called"));
                }
                StartBy::Called
            }
        })
    }

    /// `manual: true`, or `manual: {roles: [...], new: [columns]}`.
    fn start_manual(&self, value: &'t Node) -> Option<StartBy<'t>> {
        if let Yaml::Scalar(scalar) = &value.yaml {
            if &*scalar.text != "true" && !scalar.is_blank() {
                self.problems.error("wrong-type", value.span, "expected `manual: true` or `manual: {roles: [...]}`");
            }
            return Some(StartBy::Manual { roles: Vec::new(), new: Vec::new() });
        }
        let map = MapReader::new(value, "a manual start", self.problems)?;
        let manual = StartBy::Manual { roles: map.names("roles"), new: map.names("new") };
        map.allow(&["doc"]);
        map.finish();
        Some(manual)
    }
}
