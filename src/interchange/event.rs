//! Events: what they wait for, what they throw.

use super::condition::is_marked;
use super::import::{Import, title};
use super::scope::not_run;
use super::vendor::{extension, extra};
use super::words::snake;
use super::xml::Tag;
use super::yaml::Out;
use crate::model::{Calendar, Duration, Schedule};

/// What an event is about: a definition inside it, or one beside the processes that it names.
pub(super) fn definitions<'x>(import: &Import<'x>, event: Tag<'x>) -> Vec<Tag<'x>> {
    let mut found = Vec::new();
    for child in event.children().filter(Tag::is_bpmn) {
        if child.name().ends_with("EventDefinition") {
            found.push(child);
        } else if child.is("eventDefinitionRef") {
            let text = child.text();
            match import.links.by_id.get(super::xml::local(&text)) {
                Some(definition) => found.push(*definition),
                None => {
                    child.refuse("bpmn-broken", format!("there is no event definition `{text}`"), "the event names it")
                }
            }
        }
    }
    found
}

impl<'x> Import<'x> {
    pub(super) fn start_event(&mut self, event: Tag<'x>, in_handler: bool) -> Out {
        if !in_handler {
            return self.starts(event);
        }
        let mut what = self.waits(event);
        if event.flag("isInterrupting") == Some(false) {
            what.put("interrupt", Out::text("false"));
        }
        what
    }

    /// What starts a process.
    fn starts(&mut self, event: Tag<'x>) -> Out {
        self.start_form(event);
        let mut starts: Vec<Out> = Vec::new();
        for definition in definitions(self, event) {
            starts.extend(match definition.name() {
                "timerEventDefinition" => {
                    self.schedule(definition).map(|text| Out::of([("schedule", Out::text(text))]))
                }
                "messageEventDefinition" => Some(Out::of([("message", Out::text(self.message(event, definition)))])),
                _ => self.trigger(event, definition),
            });
        }
        let several = starts.len() > 1;
        let mut what =
            if several { Out::of([("events", Out::List(starts))]) } else { starts.pop().unwrap_or_else(Out::map) };
        let given = self.taken(event);
        if let Some(Out::Map(given)) = given.get("take").filter(|_| !several) {
            // There is nothing yet that could stay.
            let first = |value: &Out| match value {
                Out::Text(text) => text
                    .strip_prefix("get or else(")
                    .and_then(|rest| rest.split(',').next())
                    .map_or_else(|| value.clone(), Out::text),
                _ => value.clone(),
            };
            what.put("with", Out::of(given.iter().map(|(name, value)| (name.clone(), first(value)))));
        }
        what
    }

    pub(super) fn catch_event(&mut self, event: Tag<'x>) -> Out {
        if let Some(link) = event.first("linkEventDefinition") {
            return self.link(link);
        }
        let what = self.waits(event);
        if definitions(self, event).is_empty() {
            event.refuse("bpmn-broken", format!("{} waits for nothing", event.called()), "give it an event definition");
        }
        what
    }

    pub(super) fn boundary_event(&mut self, event: Tag<'x>) -> Out {
        let host = event.reference("attachedToRef").unwrap_or_default();
        let mut what = Out::of([("attached_to", Out::text(self.node_name(host)))]);
        let compensates = definitions(self, event).iter().any(|definition| definition.is("compensateEventDefinition"));
        let waits = self.waits(event);
        let alone = waits.get("events").is_none();
        what.extend(waits);
        if compensates && alone {
            return what;
        }
        let own = self.is_behavior(event, host);
        if event.flag("cancelActivity").map_or(own, |cancels| !cancels) {
            what.put("interrupt", Out::text("false"));
        }
        what
    }

    /// Whether the event catches what the instances of its host throw when they complete: then, when it does not say
    /// whether it cancels, it does not, for the other instances go on.
    fn is_behavior(&self, event: Tag<'x>, host: &str) -> bool {
        let several = self.links.by_id.get(host).and_then(|host| host.first("multiInstanceLoopCharacteristics"));
        let references = ["noneBehaviorEventRef", "oneBehaviorEventRef"];
        let thrown = references.into_iter().find_map(|name| several?.reference(name));
        let Some(thrown) = thrown.and_then(|id| self.links.by_id.get(id)) else { return false };
        let names = |definition: Tag<'x>| definition.reference("signalRef").or(definition.reference("messageRef"));
        definitions(self, event).into_iter().any(|caught| names(caught).is_some() && names(caught) == names(*thrown))
    }

    /// The activity that a compensation event's association leads to.
    fn compensation_of(&mut self, event: Tag<'x>) -> String {
        match self.links.undone_by.get(event.id()).copied() {
            Some(handler) => self.node_name(handler),
            None => {
                let message = format!("{} compensates by nothing", event.called());
                event.refuse("bpmn-broken", message, "draw an association from it to the activity that compensates");
                "nothing".to_string()
            }
        }
    }

    /// What an event waits for; several definitions are one multiple event.
    fn waits(&mut self, event: Tag<'x>) -> Out {
        let found = definitions(self, event);
        let mut waits: Vec<Out> = found.into_iter().filter_map(|definition| self.trigger(event, definition)).collect();
        if waits.len() < 2 {
            let mut what = waits.pop().unwrap_or_else(Out::map);
            let taken = self.taken(event);
            what.extend(taken);
            return what;
        }
        let mut what = Out::of([("events", Out::List(waits))]);
        if event.flag("parallelMultiple") == Some(true) {
            what.put("parallel_multiple", Out::text("true"));
        }
        what
    }

    /// One thing that is waited for.
    fn trigger(&mut self, event: Tag<'x>, definition: Tag<'x>) -> Option<Out> {
        let one = |key: &str, value: String| Some(Out::of([(key, Out::text(value))]));
        match definition.name() {
            "timerEventDefinition" => self.timer(event, definition),
            "messageEventDefinition" => {
                let mut what = Out::of([("message", Out::text(self.message(event, definition)))]);
                what.put("key", Out::text(self.key(event, definition)));
                Some(what)
            }
            "signalEventDefinition" => one("signal", self.signal(definition)),
            "errorEventDefinition" => one("error", self.error_code(definition).unwrap_or_else(|| "any".into())),
            "escalationEventDefinition" => {
                one("escalation", self.escalation_code(definition).unwrap_or_else(|| "any".into()))
            }
            "conditionalEventDefinition" => {
                let (tag, text) = definition.text_of("condition").unwrap_or((definition, String::new()));
                one("condition", self.expression(tag, &text))
            }
            "cancelEventDefinition" => one("cancel", "true".into()),
            "compensateEventDefinition" if event.is("boundaryEvent") => one("compensate", self.compensation_of(event)),
            "compensateEventDefinition" => one("compensation", "true".into()),
            _ => {
                not_run(definition);
                None
            }
        }
    }

    fn timer(&mut self, event: Tag<'x>, timer: Tag<'x>) -> Option<Out> {
        if let Some((tag, text)) = timer.text_of("timeDuration") {
            let text = if is_marked(&text) { format!("= {}", self.moment(tag, &text, "duration")) } else { text };
            return Some(Out::of([("after", Out::text(text))]));
        }
        if let Some((tag, text)) = timer.text_of("timeDate") {
            let at = if is_marked(&text) { self.moment(tag, &text, "date and time") } else { format!("@\"{text}\"") };
            return Some(Out::of([("at", Out::text(at))]));
        }
        let (tag, text) = timer.text_of("timeCycle").unwrap_or((timer, String::new()));
        let stays = ["cancelActivity", "isInterrupting"].into_iter().any(|name| event.flag(name) == Some(false));
        let cycle =
            text.split_once('/').filter(|(times, every)| times.starts_with('R') && Duration::parse(every).is_ok());
        let Some((times, every)) = cycle else {
            let help = "write `R/PT1H` or `R3/PT1H`; for dates and cron, a process of its own with a timer start";
            tag.refuse("bpmn-not-run", format!("the cycle `{text}` is not run here"), help);
            return None;
        };
        let after = ("after", Out::text(every));
        match times.trim_start_matches('R').parse::<u32>() {
            Ok(1) => {}
            Ok(times @ 2..=100) if stays => {
                let at = |nth: u32| Out::text(format!("now() + {nth} * @\"{every}\""));
                return Some(Out::of([("at", Out::List((1..=times).map(at).collect()))]));
            }
            Err(_) if stays => return Some(Out::of([after, ("every", Out::text(every))])),
            // What interrupts, or goes on, does so once.
            _ => tag.warn(format!("the cycle `{text}` comes once here"), "write a duration"),
        }
        Some(Out::of([after]))
    }

    /// When something is, from an expression: what is a text then is read by a function.
    pub(super) fn moment(&mut self, tag: Tag<'x>, text: &str, read: &str) -> String {
        let value = self.expression(tag, text);
        let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        if is_plain { format!("if {value} instance of text then {read}({value}) else {value}") } else { value }
    }

    /// The schedule of a start: a cycle, an instant as a cycle of one, or cron.
    fn schedule(&self, timer: Tag<'x>) -> Option<String> {
        let written = timer.text_of("timeCycle");
        let date = timer.text_of("timeDate").map(|(tag, date)| (tag, format!("R1/{date}/PT1S")));
        let Some((tag, written)) = written.or(date) else {
            let help = "write a cycle or a date";
            timer.refuse("bpmn-not-run", "a process is not started some time after its deployment", help);
            return None;
        };
        let schedule = cron(&written).unwrap_or_else(|| written.clone());
        match Schedule::parse(&schedule, Calendar::default()) {
            Ok(_) => Some(schedule),
            Err(why) => {
                let message = format!("the schedule `{written}` is not run: {why}");
                tag.refuse("bpmn-not-run", message, "write `R/PT24H`, or cron with names of weekdays");
                None
            }
        }
    }

    pub(super) fn throw_event(&mut self, event: Tag<'x>, ends: bool) -> Out {
        if let Some(link) = event.first("linkEventDefinition").filter(|_| !ends) {
            return self.link(link);
        }
        let found = definitions(self, event);
        let mut what = Out::map();
        let mut throws: Vec<Out> = Vec::new();
        for definition in found {
            match definition.name() {
                "terminateEventDefinition" if ends => what.put("terminate", Out::text("true")),
                "cancelEventDefinition" if ends => what.put("cancel", Out::text("true")),
                _ => throws.extend(self.throw(event, definition, ends)),
            }
        }
        match throws.len() {
            0 => {}
            1 => what.extend(throws.pop().unwrap_or_else(Out::map)),
            _ => what.put("throws", Out::List(throws)),
        }
        what
    }

    /// What a definition beside the processes throws.
    pub(super) fn thrown(&mut self, definition: Tag<'x>) -> Option<Out> {
        self.throw(definition, definition, false)
    }

    fn throw(&mut self, event: Tag<'x>, definition: Tag<'x>, ends: bool) -> Option<Out> {
        let one = |key: &str, value: String| Some(Out::of([(key, Out::text(value))]));
        match definition.name() {
            "messageEventDefinition" => {
                self.sent_by_job(event, definition);
                Some(self.sent(event, definition))
            }
            "signalEventDefinition" => one("signal", self.signal(definition)),
            "errorEventDefinition" if ends => match self.error_code(definition) {
                Some(code) => one("raise", code),
                None => {
                    definition.refuse("bpmn-broken", "an error that is thrown has a code", "write `errorRef`");
                    None
                }
            },
            "escalationEventDefinition" => match self.escalation_code(definition) {
                Some(code) => one("escalate", code),
                None => {
                    definition.refuse(
                        "bpmn-broken",
                        "an escalation that is thrown has a code",
                        "write `escalationRef`",
                    );
                    None
                }
            },
            "compensateEventDefinition" => {
                let what = definition.reference("activityRef").map(|id| self.node_name(id));
                one("compensate", what.unwrap_or_else(|| "all".into()))
            }
            _ => {
                not_run(definition);
                None
            }
        }
    }

    /// A message that is sent, with the variables that its receivers take.
    pub(super) fn sent(&mut self, event: Tag<'x>, definition: Tag<'x>) -> Out {
        let message = self.message(event, definition);
        let mut with: super::data::Mapped = self.inputs(event);
        let all = self.all_vars();
        let brought = self.known.brought.get(&message).cloned().unwrap_or_default();
        for name in brought.into_iter().filter(|name| all.contains(name)) {
            if !with.iter().any(|(known, _)| *known == name) {
                with.push((name.clone(), name));
            }
        }
        let names = with.iter().map(|(name, _)| name.clone()).collect();
        self.brings(event, definition, "message", names);
        let mut what = Out::of([("send", Out::text(message)), ("key", Out::text(self.key(event, definition)))]);
        if !with.is_empty() {
            what.put("with", super::data::map_of(with));
        }
        what
    }

    /// Elsewhere a job sends the message; here it goes to whoever waits for it.
    pub(super) fn sent_by_job(&self, event: Tag<'x>, definition: Tag<'x>) {
        let implementations = ["topic", "type", "class", "expression", "delegateExpression"];
        let by_attribute = implementations.into_iter().any(|name| extra(definition, name).is_some());
        if by_attribute || extension(event, "taskDefinition").is_some() {
            event.warn(
                format!("the job of {} is not asked for: the message is sent by itself", event.called()),
                "for a message to the world outside, draw a service task",
            );
        }
    }

    fn link(&mut self, link: Tag<'x>) -> Out {
        Out::of([("link", Out::text(snake(link.attr("name").unwrap_or(link.id()), "link")))])
    }

    /// The message of an event or a task: the one it names, else the message flow that it stands at.
    pub(super) fn message(&mut self, at: Tag<'x>, names: Tag<'x>) -> String {
        let declared = names.reference("messageRef").and_then(|id| self.links.by_id.get(id)).copied();
        let name = match (declared, names.reference("messageRef")) {
            (Some(message), _) => message.attr("name").unwrap_or(message.id()).to_string(),
            (None, Some(named)) => {
                names.refuse("bpmn-broken", format!("there is no message `{named}`"), "`messageRef` names it");
                named.to_string()
            }
            (None, None) => self.links.messages.get(at.id()).cloned().unwrap_or_default(),
        };
        if name.is_empty() {
            at.refuse(
                "bpmn-broken",
                format!("{} names no message", at.called()),
                "write `messageRef`, or draw a message flow",
            );
        }
        let key = snake(&name, "message");
        let entry = self.messages.entry(key.clone()).or_insert_with(|| Out::of([("key", Out::text("text"))]));
        entry.put("external", Out::text("true"));
        if name != key && !name.is_empty() {
            entry.put("title", title(&name));
        }
        key
    }

    /// What a message is found by: the correlation key that a vendor's extension names, else the same for all.
    pub(super) fn key(&mut self, at: Tag<'x>, names: Tag<'x>) -> String {
        let message = names.reference("messageRef").and_then(|id| self.links.by_id.get(id)).copied();
        let places = [Some(at), message].into_iter().flatten();
        let key = places.flat_map(Tag::extensions).find_map(|tag| Some((tag, tag.attr("correlationKey")?)));
        match key {
            Some((tag, text)) => format!("string({})", self.expression(tag, text)),
            None => "\"any\"".to_string(),
        }
    }

    pub(super) fn signal(&mut self, names: Tag<'x>) -> String {
        let declared = names.reference("signalRef").and_then(|id| self.links.by_id.get(id)).copied();
        let name = declared.and_then(|signal| signal.attr("name")).or(names.reference("signalRef")).unwrap_or_default();
        if name.is_empty() {
            names.refuse("bpmn-broken", "the event names no signal", "write `signalRef`");
        } else if declared.is_none() {
            names.refuse("bpmn-broken", format!("there is no signal `{name}`"), "`signalRef` names it");
        }
        let key = snake(name, "signal");
        let entry = self.signals.entry(key.clone()).or_insert_with(|| Out::of([("external", Out::text("true"))]));
        if name != key && !name.is_empty() {
            entry.put("title", title(name));
        }
        key
    }

    /// The code of an error, as it is raised and caught.
    pub(super) fn error_code(&mut self, names: Tag<'x>) -> Option<String> {
        let id = names.reference("errorRef")?;
        let error = self.links.by_id.get(id).copied();
        let code = error.and_then(|error| error.attr("errorCode").or(error.attr("name"))).unwrap_or(id);
        let key = snake(code, "error");
        let called = error.and_then(|error| error.attr("name")).unwrap_or(code);
        self.errors.entry(key.clone()).or_insert_with(|| Out::of([("title", title(called))]));
        Some(key)
    }

    pub(super) fn escalation_code(&mut self, names: Tag<'x>) -> Option<String> {
        let id = names.reference("escalationRef")?;
        let escalation = self.links.by_id.get(id).copied();
        if escalation.is_none() {
            names.refuse("bpmn-broken", format!("there is no escalation `{id}`"), "`escalationRef` names it");
        }
        let code = escalation.and_then(|tag| tag.attr("escalationCode").or(tag.attr("name"))).unwrap_or(id);
        Some(snake(code, "escalation"))
    }
}

/// The five fields of cron, of the six or seven that other engines write: seconds before and years behind say nothing. Weekdays go by their
/// names: some count them from Sunday as 1.
fn cron(written: &str) -> Option<String> {
    let fields: Vec<&str> = written.split_whitespace().collect();
    let ["0", fields @ ..] = fields.strip_suffix(&["*"]).filter(|rest| rest.len() == 6).unwrap_or(&fields) else {
        return None;
    };
    let is_named = fields.last().is_some_and(|weekdays| !weekdays.contains(|c: char| c.is_ascii_digit()));
    let any = |field: &&str| if *field == "?" { "*".to_string() } else { field.to_lowercase() };
    (is_named && fields.len() == 5).then(|| fields.iter().map(any).collect::<Vec<_>>().join(" "))
}
