//! Activities: tasks, sub-processes, calls, and how often they are done.

use std::collections::BTreeSet;

use super::data::{Mapped, map_of, names_of};
use super::import::{Import, title};
use super::scope::not_run;
use super::vendor::{extra, service_of};
use super::words::snake;
use super::xml::Tag;
use super::yaml::Out;

impl<'x> Import<'x> {
    pub(super) fn activity(&mut self, tag: Tag<'x>) -> Option<Out> {
        let before = self.process.locals.len();
        let around = self.around(tag);
        let (word, what) = match tag.name() {
            "task" => ("task", Out::map()),
            "manualTask" => ("manual_task", Out::map()),
            "userTask" => ("user_task", self.user_task(tag)),
            "serviceTask" | "businessRuleTask" => ("service_task", self.service_task(tag)),
            "sendTask" => self.send_task(tag),
            "receiveTask" => ("receive_task", self.receive_task(tag)),
            "scriptTask" => ("script_task", self.script_task(tag)),
            "callActivity" => ("call_activity", self.call(tag)),
            "subProcess" if tag.flag("triggeredByEvent") == Some(true) => ("event_sub_process", self.inner(tag, true)),
            "subProcess" => ("sub_process", self.inner(tag, false)),
            "transaction" => ("transaction", self.inner(tag, false)),
            "adHocSubProcess" => ("ad_hoc_sub_process", self.ad_hoc(tag)),
            _ => {
                not_run(tag);
                return None;
            }
        };
        self.process.locals.truncate(before);
        self.ignored(tag);
        let mut node = self.with_head(tag, word, what);
        node.extend(around);
        Some(node)
    }

    fn inner(&mut self, tag: Tag<'x>, handler: bool) -> Out {
        self.data_objects(tag);
        self.scope(tag, handler.then_some(()))
    }

    /// Who chooses what of it is done is not drawn: people, unless it says what begins, or only the host's work is in it.
    fn ad_hoc(&mut self, tag: Tag<'x>) -> Out {
        let mut what = Out::map();
        if tag.attr("ordering") == Some("Sequential") {
            what.put("at_once", Out::text("1"));
        }
        if tag.flag("cancelRemainingInstances") == Some(false) {
            what.put("cancel_rest", Out::text("false"));
        }
        let condition = tag.text_of("completionCondition");
        let by_people = tag.children().any(|inner| matches!(inner.name(), "userTask" | "manualTask" | "task"));
        let listed =
            tag.extensions().find(|own| own.name() == "adHoc").and_then(|own| own.attr("activeElementsCollection"));
        if let Some(listed) = listed {
            what.put("begin", self.begin(tag, listed));
        } else if condition.is_none() && !by_people {
            what.put("begin", Out::text("all"));
        }
        if let Some((condition, text)) = condition {
            let until = self.expression(condition, &text);
            what.put("until", Out::text(until));
        }
        let inside = self.inner(tag, false);
        what.extend(inside);
        what
    }

    /// The activities that a list of their ids says begin by themselves.
    fn begin(&mut self, tag: Tag<'x>, listed: &str) -> Out {
        let text = listed.trim();
        let ids: Result<Vec<String>, _> = serde_json::from_str(text.strip_prefix('=').unwrap_or(text));
        if ids.is_err() {
            let message = format!("which activities begin in {} is an expression: `{text}`", tag.called());
            tag.refuse("bpmn-expression", message, "list their ids, such as `=[\"Task_1\"]`");
        }
        Out::List(ids.unwrap_or_default().iter().map(|id| Out::text(self.node_name(id))).collect())
    }

    fn user_task(&mut self, tag: Tag<'x>) -> Out {
        self.process.has_tasks = true;
        let mut what = Out::map();
        if tag.attr("name").is_none() {
            what.put("title", title(tag.id()));
        }
        let in_lane = self
            .by_id
            .values()
            .any(|lane| lane.is("lane") && lane.all("flowNodeRef").any(|node| node.text() == tag.id()));
        match self.assignment(tag) {
            Some(assign) => what.put("assign", Out::text(assign)),
            None if in_lane => {}
            None => {
                tag.warn(
                    format!("nothing says who does {}", tag.called()),
                    "anybody of the role `anybody` may; write an assignee, a group or a lane",
                );
                what.put("assign", Out::text(format!("role({})", self.role("anybody"))));
            }
        }
        if let Some(due) = self.due(tag) {
            what.put("due", Out::text(due));
        }
        let form = self.form(tag);
        what.extend(form);
        self.mapped(tag, &mut what);
        what
    }

    /// Inputs and outputs of an activity that is no call of the host.
    fn mapped(&mut self, tag: Tag<'x>, what: &mut Out) {
        let (inputs, outputs) = (self.inputs(tag), self.outputs(tag, ""));
        if !inputs.is_empty() {
            what.put("inputs", map_of(inputs));
        }
        if !outputs.is_empty() {
            what.put("outputs", map_of(outputs));
        }
    }

    fn service_task(&mut self, tag: Tag<'x>) -> Out {
        let name = service_of(tag).unwrap_or_else(|| tag.id().to_string());
        let result = extra(tag, "resultVariable").or_else(|| extra(tag, "resultVariableName"));
        let decided =
            tag.extensions().find(|tag| tag.name() == "calledDecision").and_then(|tag| tag.attr("resultVariable"));
        self.host(tag, &name, result.or(decided))
    }

    /// A script is the host's: a service called as the script when that is one word, else as the task.
    fn script_task(&mut self, tag: Tag<'x>) -> Out {
        let script = tag.text_of("script").map(|(_, text)| text).unwrap_or_default();
        let is_word = !script.is_empty() && script.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_word && !script.is_empty() {
            let name = snake(tag.id(), "service");
            tag.warn(
                format!("the script of {} is not run", tag.called()),
                format!("the host gives the service `{name}`, which does what it says"),
            );
        }
        let name = if is_word { script } else { tag.id().to_string() };
        self.host(tag, &name, extra(tag, "resultVariable"))
    }

    /// A call of the host: with what is mapped, else with all variables, and back.
    fn host(&mut self, tag: Tag<'x>, name: &str, result: Option<&str>) -> Out {
        let mut inputs = self.inputs(tag);
        let mut outputs = self.outputs(tag, "result");
        if let Some(result) = result {
            outputs.push((self.variable(result), "result.value".to_string()));
        }
        let all = self.all_vars();
        if inputs.is_empty() {
            inputs = all.iter().map(|name| (name.clone(), name.clone())).collect();
        }
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

    fn send_task(&mut self, tag: Tag<'x>) -> (&'static str, Out) {
        let definition = tag.extensions().find(|tag| tag.name() == "taskDefinition");
        if tag.attr("messageRef").is_none() && (definition.is_some() || service_of(tag).is_some()) {
            return ("service_task", self.service_task(tag));
        }
        let message = self.message(tag, tag);
        let what = Out::of([("send", Out::text(message)), ("key", Out::text(self.key(tag, tag)))]);
        ("send_task", what)
    }

    fn receive_task(&mut self, tag: Tag<'x>) -> Out {
        let mut what = Out::of([("receive", Out::text(self.message(tag, tag)))]);
        if tag.flag("instantiate") == Some(true) {
            what.put("instantiate", Out::text("true"));
        } else {
            what.put("key", Out::text(self.key(tag, tag)));
        }
        let taken = self.taken(tag);
        what.extend(taken);
        what
    }

    fn call(&mut self, tag: Tag<'x>) -> Out {
        let extension = tag.extensions().find(|tag| tag.name() == "calledElement");
        let called = extension.and_then(|tag| tag.attr("processId")).or(tag.attr("calledElement")).unwrap_or_default();
        if called.is_empty() || super::condition::is_marked(called) {
            let help = "name the process; for one of several, a gateway with a call for each";
            tag.refuse("bpmn-not-run", format!("{} does not say which process it calls", tag.called()), help);
            return Out::map();
        }
        let name = self.process_name(called);
        let known = self.known.vars.get(&name).cloned();
        let mut what = Out::of([("call", Out::text(&*name))]);
        let (mut with, mut take) = (self.inputs(tag), self.outputs(tag, "result"));
        let shares_all = extension.is_some_and(|tag| tag.attr("propagateAllParentVariables") != Some("false"));
        for mapping in tag.extensions() {
            let all = mapping.attr("variables") == Some("all");
            match mapping.name() {
                "in" if all => with.extend(self.shared(known.as_ref())),
                "in" => with.extend(self.mapping(mapping)),
                "out" => take.extend(self.mapping(mapping)),
                _ => {}
            }
        }
        if shares_all && with.is_empty() {
            with.extend(self.shared(known.as_ref()));
        }
        for (key, mapped) in [("with", with), ("take", take)] {
            if !mapped.is_empty() {
                what.put(key, map_of(mapped));
            }
        }
        what
    }

    /// The variables that a process has as well as the one that it calls.
    fn shared(&self, called: Option<&BTreeSet<String>>) -> Mapped {
        let shared =
            called.into_iter().flat_map(|called| called.intersection(&self.all_vars()).cloned().collect::<Vec<_>>());
        shared.map(|name| (name.clone(), name)).collect()
    }

    /// `in` or `out` of a call: from one variable, or an expression, to another.
    fn mapping(&mut self, mapping: Tag<'x>) -> Option<(String, String)> {
        let target = mapping.attr("target")?;
        let value = match (mapping.attr("source"), mapping.attr("sourceExpression")) {
            (Some(source), _) => self.variable(source),
            (None, Some(source)) => self.expression(mapping, source),
            (None, None) => return None,
        };
        Some((self.process.words.name(target, "value"), value))
    }

    /// How often an activity is done, and with how many tokens.
    fn around(&mut self, tag: Tag<'x>) -> Out {
        let mut what = Out::map();
        for (attribute, key) in [("startQuantity", "start_quantity"), ("completionQuantity", "completion_quantity")] {
            if let Some(count) = tag.attr(attribute).filter(|count| *count != "1") {
                what.put(key, Out::text(count));
            }
        }
        if let Some(standard) = tag.first("standardLoopCharacteristics") {
            what.put("standard_loop", self.standard_loop(standard));
        }
        if let Some(several) = tag.first("multiInstanceLoopCharacteristics") {
            what.put("multi_instance", self.multi_instance(several));
        }
        what
    }

    fn standard_loop(&mut self, tag: Tag<'x>) -> Out {
        let mut what = Out::map();
        if tag.flag("testBefore") == Some(true) {
            what.put("test_before", Out::text("true"));
        }
        if let Some((condition, text)) = tag.text_of("loopCondition") {
            let translated = self.in_round(condition, &text);
            what.put("loop_condition", Out::text(translated));
        }
        if let Some(most) = tag.attr("loopMaximum") {
            what.put("loop_maximum", Out::text(most));
        }
        what
    }

    /// An expression that is looked at in rounds: what engines call their counters.
    fn in_round(&mut self, tag: Tag<'x>, text: &str) -> String {
        let mut name = |this: &mut Self, word: &str| match word {
            "nrOfInstances" | "numberOfInstances" => "loop.instances".to_string(),
            "nrOfCompletedInstances" | "numberOfCompletedInstances" => "loop.completed".to_string(),
            "nrOfActiveInstances" | "numberOfActiveInstances" => "loop.active".to_string(),
            "loopCounter" => "loop.counter".to_string(),
            other => this.variable(other),
        };
        self.expression_with(tag, text, &mut name)
    }

    fn multi_instance(&mut self, tag: Tag<'x>) -> Out {
        let mut what = Out::map();
        let vendor = tag.extensions().find(|tag| tag.name() == "loopCharacteristics");
        if let Some((count, text)) = tag.text_of("loopCardinality") {
            let times = self.expression(count, &text);
            what.put("times", Out::text(times));
        } else {
            what.put("each", Out::text(self.each(tag, vendor)));
        }
        if tag.flag("isSequential") != Some(true) {
            what.put("at_once", Out::text("all"));
        }
        if let Some((condition, text)) = tag.text_of("completionCondition") {
            let until = self.in_round(condition, &text);
            what.put("until", Out::text(until));
        }
        if let Some(vendor) = vendor
            && let Some((list, element)) = vendor.attr("outputCollection").zip(vendor.attr("outputElement"))
        {
            let (list, element) = (self.variable(list), self.expression(vendor, element));
            what.put("collect", Out::of([(list, Out::text(element))]));
        }
        self.behavior(tag, &mut what);
        what
    }

    /// The collection that is gone through, and the name of its item.
    fn each(&mut self, tag: Tag<'x>, vendor: Option<Tag<'x>>) -> String {
        let collection = extra(tag, "collection").or_else(|| vendor.and_then(|tag| tag.attr("inputCollection")));
        let object = tag.text_of("loopDataInputRef").map(|(_, text)| text);
        let item = extra(tag, "elementVariable").or_else(|| vendor.and_then(|tag| tag.attr("inputElement")));
        let item = item.or_else(|| tag.first("inputDataItem").map(|item| item.attr("name").unwrap_or(item.id())));
        let Some(collection) = collection.map(str::to_string).or(object) else {
            let help = "write `loopCardinality`, or a collection";
            tag.refuse("bpmn-broken", "nothing says how many instances there are", help);
            return "item in []".to_string();
        };
        let collection = self.expression(tag, &collection);
        let item = self.process.words.name(item.unwrap_or("item"), "value");
        self.process.locals.push(item.clone());
        format!("{item} in {collection}")
    }

    /// Which events instances throw when they complete.
    fn behavior(&mut self, tag: Tag<'x>, what: &mut Out) {
        let (word, reference) = match tag.attr("behavior").unwrap_or("All") {
            "None" => ("none", "noneBehaviorEventRef"),
            "One" => ("one", "oneBehaviorEventRef"),
            "Complex" => {
                return tag.refuse("bpmn-not-run", "complex behavior is not read yet", "draw an event in the activity");
            }
            _ => return,
        };
        let Some(definition) = tag.reference(reference).and_then(|id| self.by_id.get(id)).copied() else { return };
        what.put("behavior", Out::text(word));
        if let Some(throws) = self.thrown(definition) {
            what.put("throws", throws);
        }
    }
}
