//! Events: of boundaries, handlers and races, and what `wait` and `receive` wait for.

use super::step::Reader;
use super::{Event, FormItem, Kind, On, RecordKind, Then, Verb};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::draft::Decl;
use crate::load::problem::Problem;
use crate::load::read::{Node, Yaml};
use crate::model::{Name, Span};

/// The words by which an event is written; each place allows some of them.
pub(crate) const BOUNDARY: &[&str] =
    &["after", "at", "message", "signal", "event", "condition", "error", "escalation", "manual", "events"];
/// Those of a race: what has no place to be caught from is left out.
pub(crate) const RACE: &[&str] = &["after", "at", "message", "signal", "event", "condition", "events"];
/// Those of one among several; of all of several without the last two, which nothing waits for.
const PART: &[&str] = &["after", "at", "message", "signal", "event", "condition", "error", "escalation"];

impl<'t> Reader<'t> {
    /// The events under a key.
    pub fn events_at(&self, map: &MapReader<'t>, key: &'static str, words: &'static [&'static str]) -> Vec<Event<'t>> {
        let Some(node) = map.get(key) else { return Vec::new() };
        let what = match key {
            "boundary" => "a boundary event",
            "handlers" => "a handler",
            _ => "an option of a race",
        };
        let items = cursor::list(node, key, self.problems).unwrap_or_default();
        let mut events = Vec::new();
        for mut event in items.iter().filter_map(|item| self.event(item, what, words)) {
            let compensating = if key == "boundary" { event.take_compensation() } else { None };
            events.push(event);
            events.extend(compensating);
        }
        events
    }

    fn event(&self, node: &'t Node, what: &'static str, words: &'static [&'static str]) -> Option<Event<'t>> {
        let map = MapReader::new(node, what, self.problems)?;
        let on = self.on(&map, what, words)?;
        let mut event = self.about(&map, on, node.span);
        event.id = map.name("id");
        event.title = self.title(&map);
        let interrupt = map.bool("interrupt");
        event.interrupt = interrupt.as_ref().is_none_or(|flag| flag.value);
        if what == "an option of a race" && interrupt.is_some() {
            let problem = Problem::error("unknown-key", node.span, "an option of a race has no key `interrupt`");
            self.problems.push(problem.help("the first event of a race always wins"));
        }
        if what == "a handler" {
            event.vars = self.variables(&map, "vars");
        }
        event.then = match map.get("compensate") {
            Some(steps) => Then { steps: Some(self.steps(steps)), next: None },
            None => self.then(&map),
        };
        if matches!(event.on, On::Compensation) {
            self.no_interrupt(&map);
            event.interrupt = false;
        }
        map.allow(&["doc"]);
        map.finish();
        Some(event)
    }

    /// What is compensated has ended: there is nothing to interrupt.
    pub(super) fn no_interrupt(&self, map: &MapReader<'t>) {
        if let Some(entry) = map.entry("interrupt") {
            let problem = Problem::error("wrong-shape", entry.key.span, "compensation interrupts nothing");
            self.problems.push(problem.help("leave `interrupt` out: it happens when the activity has completed"));
        }
    }

    /// The keys that say more about an event.
    pub(super) fn about(&self, map: &MapReader<'t>, on: On<'t>, span: Span) -> Event<'t> {
        let record = matches!(on, On::Record(_));
        let any = map.get("of").is_some_and(|of| {
            if of.word() != Some("any") {
                self.problems.error("wrong-type", of.span, "expected `of: any`, found something else");
            }
            true
        });
        let changed = if record { map.names("changed") } else { Vec::new() };
        let when = if matches!(on, On::Record(_) | On::Message(_) | On::Signal(_)) { map.get("when") } else { None };
        let key = if matches!(on, On::Message(_)) { map.get("key") } else { None };
        Event {
            span,
            id: None,
            title: None,
            on,
            when,
            changed,
            key,
            any,
            interrupt: true,
            take: map.map("take"),
            vars: Vec::new(),
            then: Then::default(),
            net: None,
            handlers: Vec::new(),
        }
    }

    /// Which of the words is written.
    pub(super) fn on(&self, map: &MapReader<'t>, what: &str, words: &'static [&'static str]) -> Option<On<'t>> {
        if let Some(on) = self.compensation(map, what) {
            return on;
        }
        if what == "a boundary event" && map.bool("cancel").is_some_and(|flag| flag.value) {
            return Some(On::Cancel);
        }
        let found: Vec<_> = words.iter().filter_map(|word| Some((*word, map.entry(word)?))).collect();
        match found.as_slice() {
            [("events", entry)] => self.several(map, &entry.value, what),
            [(word, entry)] => self.on_word(map, word, &entry.value),
            [] => {
                let message = format!("expected {what} to say what happens, found none of {}", words.join(", "));
                self.problems.error("no-event", map.span(), message);
                None
            }
            [(first, at), (second, entry), ..] => {
                let message = format!("expected {what} to say one thing that happens, found `{first}` and `{second}`");
                let problem = Problem::error("two-events", entry.key.span, message);
                self.problems.push(problem.label(at.key.span, "the first").help("write two items"));
                None
            }
        }
    }

    /// `compensate: [steps]` at a border, `compensation: true` of a handler.
    fn compensation(&self, map: &MapReader<'t>, what: &str) -> Option<Option<On<'t>>> {
        let (word, help) = match what {
            "a boundary event" => ("compensate", "at a border write `compensate: [steps]`"),
            "a handler" | "a start event" => ("compensation", "a handler is written `compensation: true`"),
            _ => ("", "a race waits for events from outside"),
        };
        let entry = ["compensate", "compensation"].into_iter().find_map(|key| map.entry(key))?;
        if &*entry.key.text == word {
            return Some(Some(On::Compensation));
        }
        let message = format!("`{}` is no event of {what}", entry.key.text);
        self.problems.push(Problem::error("wrong-shape", entry.key.span, message).help(help));
        Some(None)
    }

    fn on_word(&self, map: &MapReader<'t>, word: &str, value: &'t Node) -> Option<On<'t>> {
        Some(match word {
            "after" => {
                let every = map.get("every");
                On::After { after: value, every, catch_up: every.and_then(|_| map.get("catch_up")) }
            }
            "at" => On::At(value),
            "message" => On::Message(self.id(value)?),
            "signal" => On::Signal(self.id(value)?),
            "event" => On::Record(self.record_kind(value)?),
            "condition" => On::Condition(value),
            "error" => On::Error(self.code(value)?),
            "escalation" => On::Escalation(self.code(value)?),
            _ => return self.manual(value),
        })
    }

    /// `events: [...]`: the first of them, or with `parallel_multiple: true` all of them.
    fn several(&self, map: &MapReader<'t>, value: &'t Node, place: &str) -> Option<On<'t>> {
        let all = map.bool("parallel_multiple").is_some_and(|flag| flag.value);
        let items = cursor::list(value, "a list of events", self.problems)?;
        let events: Vec<Event<'t>> = items.iter().filter_map(|item| self.part(item, all, place)).collect();
        if items.len() < 2 {
            let problem = Problem::error("wrong-shape", value.span, "expected two events or more");
            self.problems.push(problem.help("write a single event without `events`"));
        }
        Some(On::Several { events, all })
    }

    fn part(&self, item: &'t Node, all: bool, place: &str) -> Option<Event<'t>> {
        let what = if all { "one of the events that are all waited for" } else { "one of several events" };
        let map = MapReader::new(item, what, self.problems)?;
        let words = if all { RACE } else { PART };
        let words = words.split_last().map_or(words, |(last, others)| if *last == "events" { others } else { words });
        // What undoes or ends a transaction is one of several only where it may stand alone.
        let special = ["compensate", "compensation", "cancel"].into_iter().any(|key| map.entry(key).is_some());
        let on = self.on(&map, if special && !all { place } else { what }, words)?;
        let mut event = self.about(&map, on, item.span);
        event.id = map.name("id");
        if let (On::Compensation, Some(value)) = (&event.on, map.get("compensate")) {
            event.then = match &value.yaml {
                Yaml::Scalar(_) => Then { steps: None, next: self.target(value) },
                _ => Then { steps: Some(self.steps(value)), next: None },
            };
        }
        if let (On::Error(_) | On::Escalation(_), Some(entry)) = (&event.on, event.take.first()) {
            let problem = Problem::error("wrong-shape", entry.key.span, "an error among several events keeps nothing");
            self.problems.push(problem.help("leave `take` out, or write an event of its own for it"));
        }
        map.allow(&["doc"]);
        map.finish();
        Some(event)
    }

    /// A code, or `any`.
    fn code(&self, node: &'t Node) -> Option<Option<Spanned<Name>>> {
        if node.word() == Some("any") { Some(None) } else { self.id(node).map(Some) }
    }

    /// `{title, roles, form}`, or the title alone.
    fn manual(&self, node: &'t Node) -> Option<On<'t>> {
        let is_title = match &node.yaml {
            Yaml::Scalar(_) => true,
            _ => node.get("title").is_none() && node.get("roles").is_none() && node.get("form").is_none(),
        };
        if is_title {
            let title = self.title_at(node)?;
            return Some(On::Manual { title, roles: Vec::new(), form: Vec::new() });
        }
        let map = MapReader::new(node, "an action for people", self.problems)?;
        map.need("title");
        let (title, roles) = (self.title(&map), map.names("roles"));
        let form = self.form(&map);
        map.finish();
        Some(On::Manual { title: title?, roles, form })
    }

    /// `lead.updated`.
    pub fn record_kind(&self, node: &'t Node) -> Option<RecordKind> {
        let word = cursor::scalar(node, "an event such as `lead.updated`", self.problems)?;
        let (entity, kind) = word.text.split_once('.').unwrap_or((&word.text, ""));
        let kind = match kind {
            "created" => Kind::Created,
            "updated" => Kind::Updated,
            "deleted" => Kind::Deleted,
            other => {
                let message = format!("expected an event of a record, found `{}`", word.text);
                let help = match other {
                    "" => format!("write `{entity}.created`, `{entity}.updated` or `{entity}.deleted`"),
                    _ => "the events are `created`, `updated` and `deleted`".to_owned(),
                };
                self.problems.push(Problem::error("wrong-type", node.span, message).help(help));
                return None;
            }
        };
        let span = node.part(0..entity.len());
        Some(RecordKind { entity: Spanned::new(Name::new(entity), span), kind })
    }

    /// The entries of `form`, a list or a mapping: `self.column`, or a name with its type.
    pub fn form(&self, map: &MapReader<'t>) -> Vec<FormItem> {
        let Some(node) = map.get("form") else { return Vec::new() };
        let mut form = Vec::new();
        match &node.yaml {
            Yaml::Map(_) => self.form_entries(node, &mut form),
            _ => {
                for item in cursor::list(node, "form", self.problems).unwrap_or_default() {
                    self.form_item(item, &mut form);
                }
            }
        }
        form
    }

    fn form_item(&self, item: &'t Node, form: &mut Vec<FormItem>) {
        if let Yaml::Map(_) = item.yaml {
            return self.form_entries(item, form);
        }
        let Some(word) = cursor::scalar(item, "`self.column` or `name: type`", self.problems) else { return };
        match word.text.strip_prefix("self.").filter(|column| Name::is_valid(column)) {
            Some(column) => form.push(FormItem::Column(Spanned::new(Name::new(column), item.part(5..word.text.len())))),
            None => {
                let message = format!("expected `self.column` or `name: type` in a form, found `{}`", word.text);
                let help = format!("write `self.{0}` for a column, `{{{0}: text}}` for an entry of its own", word.text);
                self.problems.push(Problem::error("wrong-type", item.span, message).help(help));
            }
        }
    }

    fn form_entries(&self, node: &'t Node, form: &mut Vec<FormItem>) {
        for entry in node.entries() {
            let Some(decl) = Decl::of(entry, "an entry of a form", self.problems, |_| ()) else { continue };
            if decl.required || decl.initial.is_some() || decl.currency.is_some() {
                let message = format!("the entry `{}` of a form has a type, and nothing more", decl.name.value);
                let problem = Problem::error("wrong-shape", decl.span, message);
                self.problems.push(problem.help("what must be given is said by the outcomes: `require: [...]`"));
            }
            form.push(FormItem::Entry(Box::new(decl)));
        }
    }

    /// `wait: 14 days`, `wait: {until: instant}`, `wait: {when: condition}`.
    pub(super) fn wait(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let on = match &value.yaml {
            Yaml::Scalar(_) => {
                cursor::scalar(value, "a duration, `{until: ...}` or `{when: ...}`", self.problems)?;
                On::After { after: value, every: None, catch_up: None }
            }
            _ => {
                let inner = MapReader::new(value, "a `wait` step", self.problems)?;
                let (until, when) = (inner.get("until"), inner.get("when"));
                inner.finish();
                match (until, when) {
                    (Some(until), None) => On::At(until),
                    (None, Some(when)) => On::Condition(when),
                    _ => {
                        self.problems.error("wrong-shape", value.span, "expected one of `until` and `when` in a wait");
                        return None;
                    }
                }
            }
        };
        let _ = map;
        Some(Verb::Catch(Box::new(self.plain(on, value.span))))
    }

    /// `receive: message` or `receive: lead.updated`.
    pub(super) fn receive(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let on = match value.word() {
            Some(word) if word.contains('.') => On::Record(self.record_kind(value)?),
            _ => On::Message(self.id(value)?),
        };
        Some(Verb::Catch(Box::new(self.about(map, on, value.span))))
    }

    fn plain(&self, on: On<'t>, span: Span) -> Event<'t> {
        Event {
            span,
            id: None,
            title: None,
            on,
            when: None,
            changed: Vec::new(),
            key: None,
            any: false,
            interrupt: true,
            take: &[],
            vars: Vec::new(),
            then: Then::default(),
            net: None,
            handlers: Vec::new(),
        }
    }
}
