//! Events: what they wait for, what they throw.

use super::condition::is_marked;
use super::import::{Import, title};
use super::scope::not_run;
use super::words::snake;
use super::xml::Tag;
use super::yaml::Out;

/// What an event is about: a definition inside it, or one beside the processes that it names.
fn definitions<'x>(import: &Import<'x>, event: Tag<'x>) -> Vec<Tag<'x>> {
    let mut found = Vec::new();
    for child in event.children().filter(Tag::is_bpmn) {
        if child.name().ends_with("EventDefinition") {
            found.push(child);
        } else if child.is("eventDefinitionRef") {
            let text = child.text();
            match import.by_id.get(super::xml::local(&text)) {
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
        let mut starts: Vec<Out> = Vec::new();
        for definition in definitions(self, event) {
            starts.extend(match definition.name() {
                "timerEventDefinition" => schedule(definition).map(|text| Out::of([("schedule", Out::text(text))])),
                "messageEventDefinition" => Some(Out::of([("message", Out::text(self.message(event, definition)))])),
                _ => self.trigger(event, definition),
            });
        }
        match starts.len() {
            0 | 1 => starts.pop().unwrap_or_else(Out::map),
            _ => Out::of([("events", Out::List(starts))]),
        }
    }

    pub(super) fn catch_event(&mut self, event: Tag<'x>) -> Out {
        if let Some(link) = event.first("linkEventDefinition") {
            return self.link(link);
        }
        let what = self.waits(event);
        if what.is_empty() {
            event.refuse("bpmn-broken", format!("{} waits for nothing", event.called()), "give it an event definition");
        }
        what
    }

    pub(super) fn boundary_event(&mut self, event: Tag<'x>) -> Out {
        let host = event.reference("attachedToRef").unwrap_or_default();
        let mut what = Out::of([("attached_to", Out::text(self.node_name(host)))]);
        let compensates = definitions(self, event).iter().any(|definition| definition.is("compensateEventDefinition"));
        if compensates {
            let handler = self.compensation_of(event);
            what.put("compensate", Out::text(handler));
            return what;
        }
        what.extend(self.waits(event));
        let own = self.is_behavior(event, host);
        if event.flag("cancelActivity").map_or(own, |cancels| !cancels) {
            what.put("interrupt", Out::text("false"));
        }
        what
    }

    /// Whether the event catches what the instances of its host throw when they complete: then, when it does not say
    /// whether it cancels, it does not, for the other instances go on.
    fn is_behavior(&self, event: Tag<'x>, host: &str) -> bool {
        let several = self.by_id.get(host).and_then(|host| host.first("multiInstanceLoopCharacteristics"));
        let references = ["noneBehaviorEventRef", "oneBehaviorEventRef"];
        let thrown = references.into_iter().find_map(|name| several?.reference(name));
        let Some(thrown) = thrown.and_then(|id| self.by_id.get(id)) else { return false };
        let names = |definition: Tag<'x>| definition.reference("signalRef").or(definition.reference("messageRef"));
        definitions(self, event).into_iter().any(|caught| names(caught).is_some() && names(caught) == names(*thrown))
    }

    /// The activity that a compensation event's association leads to.
    fn compensation_of(&mut self, event: Tag<'x>) -> String {
        let association = |tag: &&Tag<'x>| tag.is("association") && tag.reference("sourceRef") == Some(event.id());
        let handler = self.by_id.values().find(association).and_then(|tag| tag.reference("targetRef"));
        // An association needs no id: those without one stand beside the event.
        let beside = || event.parent()?.all("association").find(|tag| association(&tag))?.reference("targetRef");
        match handler.or_else(beside) {
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
            "timerEventDefinition" => self.timer(definition),
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
            "compensateEventDefinition" => one("compensation", "true".into()),
            _ => {
                not_run(definition);
                None
            }
        }
    }

    fn timer(&mut self, timer: Tag<'x>) -> Option<Out> {
        if let Some((tag, text)) = timer.text_of("timeDuration") {
            let text = self.time(tag, &text);
            return Some(Out::of([("after", Out::text(text))]));
        }
        if let Some((tag, text)) = timer.text_of("timeDate") {
            let at = if is_marked(&text) { self.expression(tag, &text) } else { format!("@\"{text}\"") };
            return Some(Out::of([("at", Out::text(at))]));
        }
        let (tag, text) = timer.text_of("timeCycle").unwrap_or((timer, String::new()));
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            ["R", every] if every.starts_with('P') => {
                Some(Out::of([("after", Out::text(*every)), ("every", Out::text(*every))]))
            }
            ["R1", after] if after.starts_with('P') => Some(Out::of([("after", Out::text(*after))])),
            _ => {
                let help = "write `R/PT1H`, without an end; for an end, a loop with a timer in it";
                tag.refuse("bpmn-not-run", format!("the cycle `{text}` is not run here"), help);
                None
            }
        }
    }

    /// A length of time, or an expression that gives one.
    pub(super) fn time(&mut self, tag: Tag<'x>, text: &str) -> String {
        if is_marked(text) { format!("= {}", self.expression(tag, text)) } else { text.to_string() }
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
                let mut what = Out::of([("send", Out::text(self.message(event, definition)))]);
                what.put("key", Out::text(self.key(event, definition)));
                Some(what)
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

    fn link(&mut self, link: Tag<'x>) -> Out {
        Out::of([("link", Out::text(snake(link.attr("name").unwrap_or(link.id()), "link")))])
    }

    /// The message of an event or a task: the one it names, else the message flow that it stands at.
    pub(super) fn message(&mut self, at: Tag<'x>, names: Tag<'x>) -> String {
        let declared = names.reference("messageRef").and_then(|id| self.by_id.get(id)).copied();
        let flow = || self.message_flows.iter().find(|(from, to, _)| *from == at.id() || *to == at.id());
        let name = match (declared, names.reference("messageRef")) {
            (Some(message), _) => message.attr("name").unwrap_or(message.id()).to_string(),
            (None, Some(named)) => named.to_string(),
            (None, None) => flow().map(|(_, _, name)| name.clone()).unwrap_or_default(),
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
        let message = names.reference("messageRef").and_then(|id| self.by_id.get(id)).copied();
        let places = [Some(at), message].into_iter().flatten();
        let key = places.flat_map(Tag::extensions).find_map(|tag| Some((tag, tag.attr("correlationKey")?)));
        match key {
            Some((tag, text)) => format!("string({})", self.expression(tag, text)),
            None => "\"any\"".to_string(),
        }
    }

    fn signal(&mut self, names: Tag<'x>) -> String {
        let declared = names.reference("signalRef").and_then(|id| self.by_id.get(id)).copied();
        let name = declared.and_then(|signal| signal.attr("name")).or(names.reference("signalRef")).unwrap_or_default();
        if name.is_empty() {
            names.refuse("bpmn-broken", "the event names no signal", "write `signalRef`");
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
        let error = self.by_id.get(id).copied();
        let code = error.and_then(|error| error.attr("errorCode").or(error.attr("name"))).unwrap_or(id);
        let key = snake(code, "error");
        let called = error.and_then(|error| error.attr("name")).unwrap_or(code);
        self.errors.entry(key.clone()).or_insert_with(|| Out::of([("title", title(called))]));
        Some(key)
    }

    fn escalation_code(&mut self, names: Tag<'x>) -> Option<String> {
        let id = names.reference("escalationRef")?;
        let escalation = self.by_id.get(id).copied();
        let code = escalation.and_then(|tag| tag.attr("escalationCode").or(tag.attr("name"))).unwrap_or(id);
        Some(snake(code, "escalation"))
    }
}

/// The schedule of a start: a cycle as it is written, an instant as a cycle of one.
fn schedule(timer: Tag<'_>) -> Option<String> {
    if let Some((_, cycle)) = timer.text_of("timeCycle") {
        return Some(cycle);
    }
    if let Some((_, date)) = timer.text_of("timeDate") {
        return Some(format!("R1/{date}/PT1S"));
    }
    timer.refuse("bpmn-not-run", "a process is not started some time after its deployment", "write a cycle or a date");
    None
}
