//! What the host does: which service a task is, what goes in and comes out, how often it is tried again.

use std::collections::BTreeSet;

use super::condition::{self, is_marked, text as quoted};
use super::data::{Mapped, map_of, names_of};
use super::import::Import;
use super::vendor::{extension, extra};
use super::words::snake;
use super::xml::Tag;
use super::yaml::Out;

/// How many variables the activities of a process may get that say nothing of them.
const MAX_GIVEN: usize = 10_000;

/// Which service a task is.
enum Service<'x> {
    /// One that is called so.
    Named(String),
    /// None: an expression that is worked out, and where it stands.
    Expression(Tag<'x>, String),
}

impl<'x> Import<'x> {
    pub(super) fn service_task(&mut self, tag: Tag<'x>) -> (&'static str, Out) {
        let result = extra(tag, "resultVariable").or_else(|| extra(tag, "resultVariableName"));
        let beside =
            ["calledDecision", "script"].into_iter().find_map(|name| extension(tag, name)?.attr("resultVariable"));
        let result = result.or(beside);
        match self.service_of(tag) {
            Some(Service::Expression(place, text)) => self.worked_out(tag, place, &text, result),
            Some(Service::Named(name)) => ("service_task", self.host(tag, &name, result)),
            None => ("service_task", self.host(tag, tag.id(), result)),
        }
    }

    /// An expression that is worked out when the task is reached.
    fn worked_out(&mut self, tag: Tag<'x>, place: Tag<'x>, text: &str, result: Option<&str>) -> (&'static str, Out) {
        let inputs = self.own_inputs(tag);
        let value = self.expression(place, text);
        let outputs = self.outputs(tag, "");
        let Some(result) = result else {
            place.refuse("bpmn-broken", "what the expression gives goes nowhere", "name a result variable");
            return ("task", Out::map());
        };
        let variable = self.variable(result);
        let mut what = Out::of([("set", Out::of([(variable, Out::text(value))]))]);
        for (key, mapped) in [("inputs", inputs), ("outputs", outputs)] {
            if !mapped.is_empty() {
                what.put(key, map_of(mapped));
            }
        }
        ("script_task", what)
    }

    /// A script is the host's: a service called as the script when that is one word, else as the task. An expression of FEEL is worked out.
    pub(super) fn script_task(&mut self, tag: Tag<'x>) -> (&'static str, Out) {
        if ["taskDefinition", "script"].into_iter().any(|name| extension(tag, name).is_some()) {
            return self.service_task(tag);
        }
        let script = tag.text_of("script").map(|(_, text)| text).unwrap_or_default();
        let is_word = !script.is_empty() && script.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_word {
            let name = snake(tag.id(), "service");
            tag.warn(
                format!("the script of {} is not run", tag.called()),
                format!("the host gives the service `{name}`, which does what it says"),
            );
        }
        let name = if is_word { script } else { tag.id().to_string() };
        ("script_task", self.host(tag, &name, extra(tag, "resultVariable")))
    }

    /// The service that does a task, by what vendors and BPMN itself call it.
    fn service_of(&mut self, task: Tag<'x>) -> Option<Service<'x>> {
        if let Some(script) = extension(task, "script")
            && let Some(text) = script.attr("expression")
        {
            return Some(Service::Expression(script, text.to_string()));
        }
        for (element, attribute) in [("taskDefinition", "type"), ("calledDecision", "decisionId")] {
            if let Some(found) = extension(task, element)
                && let Some(name) = found.attr(attribute)
            {
                return Some(Service::Named(self.constant(found, name)));
            }
        }
        for name in ["topic", "decisionRef"] {
            if let Some(word) = extra(task, name) {
                return Some(Service::Named(self.constant(task, word)));
            }
        }
        if let Some(bean) = extra(task, "delegateExpression") {
            return self.bean(task, bean);
        }
        if let Some(expression) = extra(task, "expression") {
            return self.bean(task, expression);
        }
        let connector = extension(task, "connector");
        let id = connector.and_then(|tag| tag.children().find(|child| child.name() == "connectorId"));
        let own = || task.attr("implementation").filter(|name| !name.starts_with("##") && !name.contains("://"));
        let kind = || extra(task, "type").filter(|kind| *kind != "external");
        let name = extra(task, "class").or_else(own).or_else(kind).map(str::to_string).or(id.map(|id| id.text()))?;
        // Of a class, its own name.
        let is_path = name.matches('.').count() > 1;
        Some(Service::Named(if is_path { name.rsplit('.').next().unwrap_or(&name).to_string() } else { name }))
    }

    /// The name of a service; one that is worked out is refused.
    fn constant(&self, place: Tag<'x>, written: &str) -> String {
        if let Some([name]) = condition::list_of_texts(written).as_deref() {
            return name.clone();
        }
        if is_marked(written) || condition::is_filled(written) {
            let help = "draw a gateway with a task for each";
            place.refuse("bpmn-not-run", format!("which service `{written}` is, is known at run time only"), help);
        }
        written.to_string()
    }

    /// A bean, or a method of one: `${mailer}`, `${mailer.send(order)}`. Anything else is worked out.
    fn bean(&self, task: Tag<'x>, written: &str) -> Option<Service<'x>> {
        let Some(inside) = written.strip_prefix("${").or_else(|| written.strip_prefix("#{")) else {
            return Some(Service::Named(written.to_string()));
        };
        let inside = inside.strip_suffix('}').unwrap_or(inside).trim();
        let (path, arguments) = match inside.split_once('(') {
            Some((path, arguments)) => (path, arguments.strip_suffix(')').unwrap_or(arguments).trim()),
            None => (inside, ""),
        };
        let is_path =
            path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')) && !path.contains("execution");
        let calls = inside.contains('(');
        if !is_path || calls && !path.contains('.') || !calls && extra(task, "delegateExpression").is_none() {
            return Some(Service::Expression(task, written.to_string()));
        }
        if !matches!(arguments, "" | "execution" | "task") {
            task.warn(
                format!("the arguments of `{written}` are not given one by one"),
                format!("the service `{}` gets the variables by their names", snake(path, "service")),
            );
        }
        Some(Service::Named(path.to_string()))
    }

    /// A call of the host: with what is mapped, else with all variables, and back.
    fn host(&mut self, tag: Tag<'x>, name: &str, result: Option<&str>) -> Out {
        let mut inputs = self.inputs(tag);
        let outer = self.process.locals.clone();
        self.process.locals.extend(inputs.iter().map(|(name, _)| name.clone()));
        let mut outputs = self.outputs(tag, "result");
        self.process.locals = outer;
        if let Some(result) = result {
            outputs.push((self.variable(result), "result.value".to_string()));
        }
        let all = if inputs.is_empty() || outputs.is_empty() { self.all_given(tag) } else { BTreeSet::new() };
        if inputs.is_empty() {
            inputs = all.iter().map(|name| (name.clone(), name.clone())).collect();
        }
        inputs.extend(self.settings(tag, &inputs));
        if outputs.is_empty() {
            outputs =
                all.iter().map(|name| (name.clone(), format!("get or else(result.{name}, params.{name})"))).collect();
        }
        let gives: BTreeSet<String> = inputs.iter().map(|(name, _)| name.clone()).collect();
        let takes: BTreeSet<String> = outputs.iter().flat_map(|(_, value)| names_of(value, "result.")).collect();
        let service = self.service(name, &gives, &takes);
        let mut what = Out::of([("service", Out::text(service))]);
        for (key, mapped) in [("with", inputs), ("take", outputs)] {
            if !mapped.is_empty() {
                what.put(key, map_of(mapped));
            }
        }
        if let Some(retry) = self.retry(tag) {
            what.put("retry", retry);
        }
        what
    }

    /// All variables of the process, for an activity that says nothing of them.
    pub(super) fn all_given(&mut self, tag: Tag<'x>) -> BTreeSet<String> {
        let all = self.all_vars();
        let before = self.process.given;
        self.process.given += all.len();
        if self.process.given <= MAX_GIVEN {
            return all;
        }
        if before <= MAX_GIVEN {
            let message = format!("the {} variables of the process are given to too many activities", all.len());
            tag.refuse("bpmn-too-large", message, "write mappings: what each of them gets and gives");
        }
        BTreeSet::new()
    }

    /// What a task says to its service beside variables: headers and fields.
    fn settings(&mut self, tag: Tag<'x>, inputs: &Mapped) -> Mapped {
        let mut found: Vec<(String, String, Tag<'x>)> = Vec::new();
        for header in tag.extensions().filter(|tag| tag.name() == "taskHeaders").flat_map(Tag::children) {
            if let Some((key, value)) = header.attr("key").zip(header.attr("value")) {
                found.push((key.to_string(), quoted(value), header));
            }
        }
        for field in tag.extensions().filter(|tag| tag.name() == "field") {
            let inner = |name: &str| field.children().find(|child| child.name() == name);
            let text = field.attr("stringValue").map(str::to_string).or_else(|| inner("string").map(|tag| tag.text()));
            let written = field.attr("expression").map(|text| (field, text.to_string()));
            let written = written.or_else(|| inner("expression").map(|tag| (tag, tag.text())));
            let value = match (text, written) {
                (Some(text), _) => quoted(&text),
                (None, Some((place, text))) => self.value(place, &text),
                (None, None) => "null".to_string(),
            };
            found.push((field.attr("name").unwrap_or_default().to_string(), value, field));
        }
        let mut said = Mapped::new();
        for (key, value, place) in found {
            let name = snake(&key, "value");
            if inputs.iter().chain(&said).any(|(known, _)| *known == name) {
                let message = format!("`{key}` is left out: {} gets something else by this name", tag.called());
                place.warn(message, "give one of them another name");
            } else {
                said.push((name, value));
            }
        }
        said
    }

    /// How often a service is tried again.
    fn retry(&self, task: Tag<'x>) -> Option<Out> {
        let cycle = extension(task, "failedJobRetryTimeCycle").map(|tag| (tag, tag.text()));
        if let Some((place, cycle)) = cycle {
            let parts: Vec<&str> = cycle.split('/').collect();
            if let [times, backoff] = parts.as_slice()
                && let Some(times) = times.strip_prefix('R').filter(|times| times.parse::<u32>().is_ok())
                && crate::model::Duration::parse(backoff).is_ok()
            {
                let entries =
                    [("times", Out::text(times)), ("backoff", Out::text(*backoff)), ("factor", Out::text("1"))];
                return Some(Out::of(entries));
            }
            place.warn(
                format!("the retries `{cycle}` are not understood"),
                "write `R3/PT10M`; the usual retries are done",
            );
        }
        let definition = extension(task, "taskDefinition")?;
        let written = definition.attr("retries")?;
        match written.trim_start_matches('=').trim().parse::<u32>() {
            Ok(tries) => Some(Out::of([("times", Out::text(tries.saturating_sub(1).to_string()))])),
            Err(_) => {
                let help = "write a number; the usual retries are done";
                definition.warn(format!("the retries `{written}` are not understood"), help);
                None
            }
        }
    }
}
