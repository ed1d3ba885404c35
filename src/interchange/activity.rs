//! Activities: tasks, sub-processes, calls, and how often they are done.

use std::collections::BTreeSet;

use super::data::{Mapped, map_of, names_of};
use super::import::Import;
use super::scope::not_run;
use super::vendor::{extension, extra};
use super::words::snake;
use super::xml::Tag;
use super::yaml::Out;

const LOOPS: [&str; 2] = ["standardLoopCharacteristics", "multiInstanceLoopCharacteristics"];

impl<'x> Import<'x> {
    pub(super) fn activity(&mut self, tag: Tag<'x>) -> Option<Out> {
        let (before, rounds) = (self.process.locals.len(), self.process.rounds);
        let renamed = self.process.renamed.clone();
        let around = self.around(tag);
        let (word, what) = match tag.name() {
            "task" => ("task", Out::map()),
            "manualTask" => ("manual_task", Out::map()),
            "userTask" => ("user_task", self.user_task(tag)),
            "serviceTask" | "businessRuleTask" => self.service_task(tag),
            "sendTask" => self.send_task(tag),
            "receiveTask" => ("receive_task", self.receive_task(tag)),
            "scriptTask" => self.script_task(tag),
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
        (self.process.rounds, self.process.renamed) = (rounds, renamed);
        let mut node = self.with_head(tag, word, what);
        // The inputs of an activity, and the place of its round among them.
        let mut inputs = node.get("inputs").cloned().unwrap_or_else(Out::map);
        inputs.extend(around.get("inputs").cloned().unwrap_or_else(Out::map));
        node.extend(around);
        if !inputs.is_empty() {
            node.put("inputs", inputs);
        }
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

    fn send_task(&mut self, tag: Tag<'x>) -> (&'static str, Out) {
        if tag.attr("messageRef").is_none() && !self.links.messages.contains_key(tag.id()) {
            return self.service_task(tag);
        }
        self.sent_by_job(tag, tag);
        ("send_task", self.sent(tag, tag))
    }

    fn receive_task(&mut self, tag: Tag<'x>) -> Out {
        let mut what = Out::of([("receive", Out::text(self.message(tag, tag)))]);
        let inputs = self.own_inputs(tag);
        if !inputs.is_empty() {
            what.put("inputs", map_of(inputs));
        }
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
        let extension = extension(tag, "calledElement");
        let called = extension.and_then(|tag| tag.attr("processId")).or(tag.attr("calledElement")).unwrap_or_default();
        if called.is_empty() || super::condition::is_marked(called) {
            let help = "name the process; for one of several, a gateway with a call for each";
            tag.refuse("bpmn-not-run", format!("{} does not say which process it calls", tag.called()), help);
            return Out::map();
        }
        let name = self.process_name(called);
        self.called.insert(name.clone());
        let shared = self.shared(self.known.vars.get(&name).cloned().as_ref());
        let mut what = Out::of([("call", Out::text(&*name))]);
        if let Some(version) = self.version(tag, extension) {
            what.put("version", Out::text(version));
        }
        let (mut with, mut take) = (self.inputs(tag), self.outputs(tag, "result"));
        let (mut gives_all, mut takes_all) = (extra(tag, "inheritVariables") == Some("true"), false);
        for mapping in tag.extensions().filter(|tag| matches!(tag.name(), "in" | "out")) {
            let all = mapping.attr("variables") == Some("all");
            match (mapping.name(), all) {
                ("in", true) => gives_all = true,
                ("out", true) => takes_all = true,
                ("in", false) => with.extend(self.mapping(mapping, "")),
                _ => take.extend(self.mapping(mapping, "result")),
            }
        }
        if let Some(extension) = extension {
            gives_all |= extension.attr("propagateAllParentVariables") != Some("false");
            let says = extension.attr("propagateAllChildVariables");
            takes_all |= says.map_or(take.is_empty(), |says| says == "true");
        }
        for (all, mapped, from) in [(gives_all, &mut with, ""), (takes_all, &mut take, "result.")] {
            let more = shared.iter().filter(|name| all && !mapped.iter().any(|(known, _)| known == *name));
            let more: Mapped = more.map(|name| (name.clone(), format!("{from}{name}"))).collect();
            mapped.extend(more);
        }
        let given = self.given.entry(name).or_default();
        given.extend(with.iter().map(|(name, _)| name.clone()));
        given.extend(take.iter().flat_map(|(_, value)| names_of(value, "result.")));
        for (key, mapped) in [("with", with), ("take", take)] {
            if !mapped.is_empty() {
                what.put(key, map_of(mapped));
            }
        }
        what
    }

    /// Which version of a process is called, where that is not the newest.
    fn version(&self, tag: Tag<'x>, extension: Option<Tag<'x>>) -> Option<String> {
        let binding = extra(tag, "calledElementBinding").or_else(|| extension.and_then(|tag| tag.attr("bindingType")));
        match binding.unwrap_or("latest") {
            "latest" => None,
            "version" => match extra(tag, "calledElementVersion").filter(|version| version.parse::<u32>().is_ok()) {
                Some(version) => Some(version.to_string()),
                None => {
                    let help = "write its number";
                    tag.refuse("bpmn-not-run", format!("{} calls a version that is worked out", tag.called()), help);
                    None
                }
            },
            other => {
                let message = format!("{} calls the newest version, not the one of `{other}`", tag.called());
                tag.warn(message, "`version` of the call names one by its number");
                None
            }
        }
    }

    /// The variables that a process has as well as the one that it calls.
    fn shared(&self, called: Option<&BTreeSet<String>>) -> Vec<String> {
        let all = self.all_vars();
        called.into_iter().flat_map(|called| called.intersection(&all)).cloned().collect()
    }

    /// `in` or `out` of a call: from one variable, or an expression, to another. `from` says what stands before the names of what is called.
    fn mapping(&mut self, mapping: Tag<'x>, from: &str) -> Option<(String, String)> {
        let source = mapping.attr("source").or(mapping.attr("sourceExpression"));
        let Some((target, source)) = mapping.attr("target").zip(source) else {
            mapping.warn(
                format!("`{}` of a call names no variable that is known here", mapping.name()),
                "write `source` and `target`",
            );
            return None;
        };
        if mapping.flag("local") == Some(true) {
            mapping.warn("`local` means nothing here", "the variable is the process's");
        }
        let is_variable = mapping.attr("source").is_some() && !super::condition::is_marked(source);
        let value = match (is_variable, from.is_empty()) {
            (true, true) => self.variable(source),
            (true, false) => format!("{from}.{}", snake(source, "value")),
            (false, true) => self.expression(mapping, source),
            (false, false) => {
                self.expression_with(mapping, source, &mut |_, word, _| format!("{from}.{}", snake(word, "value")))
            }
        };
        let target = if from.is_empty() { self.process.words.name(target, "value") } else { self.variable(target) };
        Some((target, value))
    }

    /// How often an activity is done, and with how many tokens.
    fn around(&mut self, tag: Tag<'x>) -> Out {
        let mut what = Out::map();
        for (attribute, key) in [("startQuantity", "start_quantity"), ("completionQuantity", "completion_quantity")] {
            if let Some(count) = tag.attr(attribute).filter(|count| *count != "1") {
                what.put(key, Out::text(count));
            }
        }
        self.process.rounds |= LOOPS.iter().any(|name| tag.first(name).is_some());
        if let Some(standard) = tag.first("standardLoopCharacteristics") {
            what.put("standard_loop", self.standard_loop(standard));
        }
        if let Some(several) = tag.first("multiInstanceLoopCharacteristics") {
            what.put("multi_instance", self.multi_instance(several));
            if let Some(index) = extra(several, "elementIndexVariable") {
                let index = self.local(tag, index);
                what.put("inputs", Out::of([(index, Out::text("loop.counter - 1"))]));
            }
        }
        what
    }

    fn standard_loop(&mut self, tag: Tag<'x>) -> Out {
        let mut what = Out::map();
        if tag.flag("testBefore") == Some(true) {
            what.put("test_before", Out::text("true"));
        }
        if let Some((condition, text)) = tag.text_of("loopCondition") {
            let translated = self.expression(condition, &text);
            what.put("loop_condition", Out::text(translated));
        }
        if let Some(most) = tag.attr("loopMaximum") {
            what.put("loop_maximum", Out::text(most));
        }
        what
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
            let until = self.expression(condition, &text);
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
        let activity = tag.parent().unwrap_or(tag);
        let item = self.local(activity, item.unwrap_or("item"));
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
        let Some(definition) = tag.reference(reference).and_then(|id| self.links.by_id.get(id)).copied() else {
            return;
        };
        what.put("behavior", Out::text(word));
        if let Some(throws) = self.thrown(definition) {
            what.put("throws", throws);
        }
    }
}
