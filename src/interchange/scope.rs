//! A process or sub-process: its nodes, flows, lanes and data.

use std::collections::BTreeSet;

use super::condition::{self, Dialect};
use super::import::{Import, title};
use super::words::snake;
use super::xml::{Tag, local};
use super::yaml::Out;
use crate::load::Problem;

/// What BPMN draws, and what no token ever meets.
const DRAWN: &[&str] = &[
    "incoming",
    "outgoing",
    "documentation",
    "extensionElements",
    "textAnnotation",
    "association",
    "group",
    "sequenceFlow",
    "laneSet",
    "ioSpecification",
    "dataInputAssociation",
    "dataOutputAssociation",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "property",
    "standardLoopCharacteristics",
    "multiInstanceLoopCharacteristics",
    "conditionExpression",
    "completionCondition",
    "auditing",
    "monitoring",
    "categoryValueRef",
    "supportedInterfaceRef",
    "ioBinding",
    "artifact",
    "correlationSubscription",
    "potentialOwner",
    "humanPerformer",
    "performer",
    "resourceRole",
    "script",
    "activationCondition",
    "eventDefinitionRef",
    "dataInput",
    "dataOutput",
    "inputSet",
    "outputSet",
    "rendering",
];

const HELP: &str = "what is translated stands in the chapter on BPMN; give the rest to a service";

/// Refuses what BPMN has and nothing here runs.
pub(super) fn not_run(tag: Tag<'_>) {
    let message = format!("{} is not run", tag.called());
    tag.refuse("bpmn-not-run", message, "the chapter on BPMN lists what is not run, and what to draw instead");
}

impl<'x> Import<'x> {
    pub(super) fn process(&mut self, tag: Tag<'x>) -> Out {
        let mut file = Out::of([("process", Out::text(&*self.process.name))]);
        let pool = self.links.pools.get(tag.id()).copied();
        if let Some(name) = tag.attr("name").or(pool.and_then(|pool| pool.attr("name"))) {
            file.put("title", title(name));
        }
        self.drawn(tag, &self.process.name.clone(), &mut file);
        self.caught_codes(tag);
        let starts = tag.all("startEvent").filter_map(|start| super::vendor::extra(start, "initiator"));
        self.process.initiators = starts.map(str::to_string).collect();
        self.data_objects(tag);
        let own = tag.extensions().find(|own| own.is_own("process")).and_then(|own| own.own_yaml());
        self.process.vars.extend(own.iter().flat_map(|own| own.keys_of("params")));
        let inside = self.scope(tag, None);
        // Whoever calls the process takes its variables back.
        let is_called = self.known.called.contains(&self.process.name);
        let called = || Out::of([("type", Out::text("any")), ("out", Out::text("true"))]);
        let ty = || if is_called { called() } else { Out::text("any") };
        let mut params = Out::of(self.all_vars().into_iter().map(|name| (name, ty())));
        if let Some(own) = own {
            // What a modeler has added since is a parameter too.
            let known = own.get("params").cloned().unwrap_or_else(Out::map);
            let vars = own.keys_of("vars");
            let more: Vec<(String, Out)> =
                params.entries().filter(|(name, _)| known.get(name).is_none() && !vars.contains(name)).collect();
            params = known;
            params.extend(Out::of(more));
            file.extend(own);
        }
        if !params.is_empty() {
            file.put("params", params);
        }
        file.extend(inside);
        file
    }

    /// The error codes that something in the process catches: its services may raise them.
    fn caught_codes(&mut self, process: Tag<'x>) {
        for node in process.node.descendants().filter(roxmltree::Node::is_element) {
            let tag = Tag { node, ..process };
            let catches = |event: Tag<'x>| event.is("boundaryEvent") || event.is("startEvent");
            if tag.is("errorEventDefinition")
                && tag.parent().is_some_and(catches)
                && let Some(code) = self.error_code(tag)
            {
                self.process.caught.insert(code);
            }
        }
    }

    /// `nodes`, `flows` and `lanes` of a scope. The border of a handler's scope says what begins it.
    pub(super) fn scope(&mut self, tag: Tag<'x>, handler: Option<()>) -> Out {
        let mut nodes = Vec::new();
        for child in tag.children().filter(Tag::is_bpmn) {
            if let Some(node) = self.node(child, handler.is_some()) {
                nodes.push(node);
            }
        }
        let flows: Vec<Out> = tag.all("sequenceFlow").filter_map(|flow| self.flow(flow)).collect();
        let lanes: Vec<Out> = tag.all("laneSet").flat_map(|set| self.lanes(set, 0)).collect();
        let mut scope = Out::map();
        if !lanes.is_empty() {
            scope.put("lanes", Out::List(lanes));
        }
        scope.put("nodes", Out::List(nodes));
        if !flows.is_empty() {
            scope.put("flows", Out::List(flows));
        }
        scope
    }

    /// One node, with what all nodes have.
    fn node(&mut self, tag: Tag<'x>, in_handler: bool) -> Option<Out> {
        if let Some(own) = tag.extensions().find(|own| own.is_own("node")) {
            return self.own_node(tag, own.own_yaml()?);
        }
        let (word, what) = match tag.name() {
            "startEvent" => ("start_event", self.start_event(tag, in_handler)),
            "endEvent" => ("end_event", self.throw_event(tag, true)),
            "intermediateThrowEvent" => ("intermediate_throw_event", self.throw_event(tag, false)),
            "implicitThrowEvent" => ("intermediate_throw_event", self.throw_event(tag, false)),
            "intermediateCatchEvent" => ("intermediate_catch_event", self.catch_event(tag)),
            "boundaryEvent" => ("boundary_event", self.boundary_event(tag)),
            "exclusiveGateway" => ("exclusive_gateway", Out::map()),
            "parallelGateway" => ("parallel_gateway", Out::map()),
            "inclusiveGateway" => ("inclusive_gateway", Out::map()),
            "complexGateway" => ("complex_gateway", self.complex_gateway(tag)),
            "eventBasedGateway" => ("event_based_gateway", event_gateway(tag)),
            name if DRAWN.contains(&name) => return None,
            _ => return self.activity(tag),
        };
        Some(self.with_head(tag, word, what))
    }

    /// A node of which this crate keeps what it says beside the drawing.
    fn own_node(&mut self, tag: Tag<'x>, beside: Out) -> Option<Out> {
        let handler = tag.flag("triggeredByEvent") == Some(true);
        let word = if handler { "event_sub_process".to_string() } else { super::words::lower(tag.name()) };
        let own = tag.extensions().find(|own| own.is_own("node")).and_then(|own| own.attr("type"));
        let word = own.map_or(word, str::to_string);
        let mut says = Out::map();
        if let Some(host) = tag.reference("attachedToRef") {
            says.put("attached_to", Out::text(self.node_name(host)));
        }
        says.extend(beside);
        let stays = ["cancelActivity", "isInterrupting"].into_iter().any(|name| tag.flag(name) == Some(false));
        if stays {
            says.put("interrupt", Out::text("false"));
        }
        if matches!(tag.name(), "subProcess" | "transaction" | "adHocSubProcess") {
            let inside = self.scope(tag, handler.then_some(()));
            says.extend(inside);
        }
        let title = says.get("title").cloned();
        let mut node = self.with_head(tag, &word, says);
        if let Some(title) = title {
            node.put("title", title);
        }
        Some(node)
    }

    /// A node's id, type and title before what it does.
    pub(super) fn with_head(&mut self, tag: Tag<'x>, word: &str, what: Out) -> Out {
        let id = self.node_name(tag.id());
        let mut node = Out::of([("id", Out::text(&*id))]);
        self.drawn(tag, &id, &mut node);
        node.put("type", Out::text(word));
        if let Some(name) = tag.attr("name").filter(|name| !name.trim().is_empty()) {
            node.put("title", title(name));
        }
        node.extend(what);
        node
    }

    /// The id in the drawing where it is another, and what is written about the element.
    fn drawn(&mut self, tag: Tag<'x>, name: &str, node: &mut Out) {
        let made = tag.extensions().any(|own| own.is_own("node") && own.attr("made") == Some("true"));
        if tag.id() != name && !tag.id().is_empty() && (!made || self.known.says_made) {
            node.put("bpmn", Out::text(tag.id()));
            if made {
                node.put(super::export::MADE, Out::text("true"));
            }
        }
        if let Some((_, text)) = tag.text_of("documentation") {
            node.put("doc", Out::text(text));
        }
    }

    pub(super) fn node_name(&mut self, id: &str) -> String {
        let own =
            self.links.by_id.get(local(id)).and_then(|tag| tag.extensions().find(|own| own.is_own("node"))?.attr("id"));
        own.map_or_else(|| self.process.nodes.name(local(id), "node"), str::to_string)
    }

    fn flow(&mut self, flow: Tag<'x>) -> Option<Out> {
        let (from, to) = (flow.reference("sourceRef")?, flow.reference("targetRef")?);
        let source = self.links.by_id.get(from).copied();
        let mut written = Out::of([("from", Out::text(self.node_name(from))), ("to", Out::text(self.node_name(to)))]);
        let own = flow.extensions().find(|own| own.is_own("flow"));
        let made = own.and_then(|own| own.attr("made")) == Some("true");
        if !flow.id().is_empty() && (!made || self.known.says_made) {
            written.put("bpmn", Out::text(flow.id()));
            if made {
                written.put(super::export::MADE, Out::text("true"));
            }
        }
        if let Some(name) = flow.attr("name") {
            written.put("title", title(name));
        }
        if let Some(own) = own.and_then(|own| own.own_yaml()) {
            written.extend(own);
            return Some(written);
        }
        if let Some((tag, text)) = flow.text_of("conditionExpression") {
            let is_ours = tag.attr("language") == Some(super::export::OWN);
            let translated = if is_ours { text } else { self.expression(tag, &text) };
            written.put("when", Out::text(translated));
        }
        if source.and_then(|source| source.reference("default")) == Some(flow.id()) && !flow.id().is_empty() {
            written.put("otherwise", Out::text("true"));
        }
        Some(written)
    }

    /// An expression of the model; one whose meaning is not certain is refused with its text and place.
    pub(super) fn expression(&mut self, tag: Tag<'x>, text: &str) -> String {
        self.expression_with(tag, text, &mut |this, word, dialect| this.word(word, dialect))
    }

    /// As [`Self::expression`], where some words mean something else.
    pub(super) fn expression_with(
        &mut self,
        tag: Tag<'x>,
        text: &str,
        name: &mut dyn FnMut(&mut Self, &str, Dialect) -> String,
    ) -> String {
        let unmarked = self.language(tag);
        match condition::translate(text, unmarked, &mut |word, dialect| name(self, word, dialect)) {
            Ok(translated) => translated,
            Err(refused) => {
                let message = format!("`{text}` is not understood: {}", refused.why);
                let gap = text.len() - text.trim_start().len();
                let span = tag.span_of(text.trim(), refused.at.saturating_sub(gap));
                tag.problems.push(Problem::error("bpmn-expression", span, message).help(HELP));
                "null".to_string()
            }
        }
    }

    /// A piece of a text that is an expression, and where it begins in the text.
    pub(super) fn expression_in(&mut self, tag: Tag<'x>, (text, at): (&str, usize), piece: &str) -> String {
        match condition::translate(piece, Dialect::Java, &mut |word, dialect| self.word(word, dialect)) {
            Ok(translated) => translated,
            Err(refused) => {
                let message = format!("`{piece}` is not understood: {}", refused.why);
                let span = tag.span_of(text.trim(), at + refused.at);
                tag.problems.push(Problem::error("bpmn-expression", span, message).help(HELP));
                "null".to_string()
            }
        }
    }

    /// The language of an expression without a mark; one that is not read is refused by its name.
    fn language(&self, tag: Tag<'x>) -> Dialect {
        let Some(language) = tag.attr("language") else { return Dialect::Plain };
        let lower = language.to_lowercase();
        if lower.contains("feel") {
            return Dialect::Feel;
        }
        if !matches!(&*lower, "juel" | "uel") && language != super::export::OWN {
            let message = format!("expressions in `{language}` are not read");
            tag.refuse("bpmn-expression", message, "write FEEL, or `${…}`");
        }
        Dialect::Plain
    }

    fn lanes(&mut self, set: Tag<'x>, depth: u32) -> Vec<Out> {
        let mut found = Vec::new();
        for lane in set.all("lane") {
            let deeper = lane.all("childLaneSet").flat_map(|set| set.node.descendants());
            let deeper = deeper.filter(|node| node.has_tag_name((super::xml::BPMN, "flowNodeRef")));
            let deeper: BTreeSet<&str> = deeper.filter_map(|node| node.text().map(local)).collect();
            let named = lane.all("flowNodeRef").map(|node| local(&node.text()).to_string());
            // What stands in a lane inside, or is only drawn, is not its own.
            let is_own = |id: &String| self.links.by_id.get(&**id).is_some_and(Tag::is_node) && !deeper.contains(&**id);
            let ids: Vec<String> = named.filter(is_own).collect();
            let nodes: Vec<String> = ids.iter().map(|id| self.node_name(id)).collect();
            if !nodes.is_empty() {
                let mut written = self.lane(lane);
                written.put("nodes", Out::words(nodes));
                found.push(written);
            }
            if depth < 16 {
                found.extend(
                    lane.all("childLaneSet").flat_map(|inner| self.lanes(inner, depth + 1)).collect::<Vec<_>>(),
                );
            }
        }
        found
    }

    fn lane(&mut self, lane: Tag<'x>) -> Out {
        let own = lane.extensions().find(|own| own.is_own("lane"));
        let mut written = Out::map();
        if let Some(id) = own.map_or_else(|| Some(snake(lane.id(), "lane")), |own| own.attr("id").map(str::to_string)) {
            written.put("id", Out::text(&*id));
            if id != lane.id() && !lane.id().is_empty() {
                written.put("bpmn", Out::text(lane.id()));
            }
        }
        if let Some(name) = lane.attr("name").or(lane.attr("id").filter(|_| own.is_none())) {
            written.put("title", title(name));
            if own.is_none() && self.process.has_tasks {
                written.put("role", Out::text(self.role(name)));
            }
        }
        if let Some(says) = own.and_then(|own| own.own_yaml()) {
            written.extend(says);
        }
        written
    }

    fn complex_gateway(&mut self, tag: Tag<'x>) -> Out {
        let Some((condition, text)) = tag.text_of("activationCondition") else { return Out::map() };
        let mut name = |this: &mut Self, word: &str, _| match word {
            "activationCount" => "count(arrived)".to_string(),
            other => this.variable(other),
        };
        let translated = self.expression_with(condition, &text, &mut name);
        Out::of([("activation_condition", Out::text(translated))])
    }

    /// The variables that data objects and properties of a scope are.
    pub(super) fn data_objects(&mut self, tag: Tag<'x>) {
        let names: BTreeSet<&str> = tag
            .children()
            .filter(|child| child.is("dataObject") || child.is("property"))
            .map(|child| child.id())
            .collect();
        for id in names {
            let name = self.data_name(id);
            self.variable(&name);
        }
    }
}

fn event_gateway(tag: Tag<'_>) -> Out {
    let mut what = Out::map();
    if tag.flag("instantiate") == Some(true) {
        what.put("instantiate", Out::text("true"));
        if tag.attr("eventGatewayType").is_some_and(|kind| kind.eq_ignore_ascii_case("parallel")) {
            what.put("event_gateway_type", Out::text("parallel"));
        }
    }
    what
}
