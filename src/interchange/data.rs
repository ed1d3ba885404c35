//! Data: what goes into an activity and what comes out of it.

use super::condition::{Dialect, is_filled, is_marked, text as quoted};
use super::import::Import;
use super::vendor::extra;
use super::words::snake;
use super::xml::{Tag, local};
use super::yaml::Out;

/// A value that goes in or comes out: where it goes, and what it is.
pub(super) type Mapped = Vec<(String, String)>;

impl<'x> Import<'x> {
    /// What an activity is given under names of its own: by a vendor's mapping, or by BPMN's data associations.
    pub(super) fn inputs(&mut self, tag: Tag<'x>) -> Mapped {
        let mut found = Mapped::new();
        for mapping in mappings(tag) {
            match mapping.name() {
                "inputParameter" => {
                    let value = self.parameter(mapping, &mut |this, word, dialect| this.word(word, dialect));
                    found.extend(mapping.attr("name").map(|name| (snake(name, "value"), value)));
                }
                "input" => {
                    if let Some((target, source)) = mapping.attr("target").zip(mapping.attr("source")) {
                        let value = self.value(mapping, source);
                        found.push((snake(target, "value"), value));
                    }
                }
                _ => {}
            }
        }
        for association in tag.all("dataInputAssociation") {
            found.extend(self.association(association, "targetRef"));
        }
        found
    }

    /// What comes out of an activity, into variables. `from` says what stands before a name of its own result.
    pub(super) fn outputs(&mut self, tag: Tag<'x>, from: &str) -> Mapped {
        let mut found = Mapped::new();
        let targets = mappings(tag).filter_map(|mapping| mapping.attr("target").or(mapping.attr("name")));
        let targets: Vec<String> = targets.map(|name| snake(name, "value")).collect();
        for mapping in mappings(tag) {
            let name = &mut |this: &mut Self, word: &str, dialect| this.returned(from, word, dialect, &targets);
            match mapping.name() {
                "outputParameter" => {
                    let value = self.parameter(mapping, name);
                    found.extend(mapping.attr("name").map(|name| (self.variable(name), value)));
                }
                "output" => {
                    if let Some((target, source)) = mapping.attr("target").zip(mapping.attr("source")) {
                        let value = self.value_with(mapping, source, name);
                        found.push((self.variable(target), value));
                    }
                }
                _ => {}
            }
        }
        for association in tag.all("dataOutputAssociation") {
            found.extend(self.association(association, "sourceRef").into_iter().map(|(target, value)| {
                let value = if from.is_empty() { value } else { format!("{from}.{value}") };
                (target, value)
            }));
        }
        found
    }

    /// A name in what comes out: of the activity's own result, where that has it, else a variable.
    fn returned(&mut self, from: &str, word: &str, dialect: Dialect, targets: &[String]) -> String {
        let name = snake(word, "value");
        if from.is_empty() {
            return self.word(word, dialect);
        }
        let is_variable = self.all_vars().contains(&name) && !targets.contains(&name);
        let is_input = self.process.locals.contains(&name);
        if is_variable && !is_input {
            format!("get or else({from}.{name}, params.{name})")
        } else {
            format!("{from}.{name}")
        }
    }

    /// What an event or a receiving task brought, kept in variables: what is mapped, else every variable that it brings anew.
    pub(super) fn taken(&mut self, event: Tag<'x>) -> Out {
        let definitions = super::event::definitions(self, event);
        let errors = self.error_variables(&definitions);
        let kind = match definitions.as_slice() {
            [] if event.is("receiveTask") => "message",
            [one] if one.is("messageEventDefinition") => "message",
            [one] if one.is("signalEventDefinition") => "signal",
            [one] if one.is("errorEventDefinition") => "error",
            _ => "",
        };
        let from = if kind == "error" { "error" } else { "message" };
        let mut taken = self.outputs(event, from);
        if kind.is_empty() && !taken.is_empty() {
            event.warn(format!("{} brings nothing that could be mapped", event.called()), "map it where it is used");
            return Out::map();
        }
        if taken.is_empty() && kind == "message" {
            let all = self.all_given(event).into_iter();
            taken = all.map(|name| (name.clone(), format!("get or else(message.{name}, params.{name})"))).collect();
        }
        let names: Vec<String> = taken.iter().flat_map(|(_, value)| names_of(value, &format!("{from}."))).collect();
        self.brings(event, definitions.first().copied().unwrap_or(event), kind, names);
        taken.extend(errors);
        if taken.is_empty() { Out::map() } else { Out::of([("take", map_of(taken))]) }
    }

    /// Declares what a message, signal or error brings.
    pub(super) fn brings(&mut self, event: Tag<'x>, definition: Tag<'x>, kind: &str, names: Vec<String>) {
        if names.is_empty() {
            return;
        }
        let declared = match kind {
            "message" => {
                let name = self.message(event, definition);
                self.messages.get_mut(&name)
            }
            "signal" => {
                let name = self.signal(definition);
                self.signals.get_mut(&name)
            }
            _ => self.error_code(definition).and_then(|name| self.errors.get_mut(&name)),
        };
        let Some(declared) = declared else {
            return event
                .warn(format!("{} maps what any error may bring", event.called()), "name the error by its code");
        };
        let mut with = declared.get("with").cloned().unwrap_or_else(Out::map);
        names.into_iter().for_each(|name| with.put(name, Out::text("any")));
        declared.put("with", with);
    }

    /// `errorCodeVariable`, `errorMessageVariable` and `escalationCodeVariable`.
    fn error_variables(&mut self, definitions: &[Tag<'x>]) -> Mapped {
        let mut found = Mapped::new();
        for definition in definitions {
            for (attribute, value) in [("errorCodeVariable", "error.code"), ("errorMessageVariable", "error.message")] {
                if let Some(name) = extra(*definition, attribute) {
                    found.push((self.variable(name), value.to_string()));
                }
            }
            if let Some(name) = extra(*definition, "escalationCodeVariable") {
                match self.escalation_code(*definition) {
                    Some(code) => found.push((self.variable(name), quoted(&code))),
                    None => definition.warn("which escalation it was is not kept", "catch each by its own event"),
                }
            }
        }
        found
    }

    /// A value of Camunda 7's mapping: a text or `${…}`, a list, a map; without any of them null.
    fn parameter(&mut self, tag: Tag<'x>, name: &mut dyn FnMut(&mut Self, &str, Dialect) -> String) -> String {
        let Some(inner) = tag.children().next() else {
            let text = tag.text();
            return if text.is_empty() { "null".to_string() } else { self.words(tag, &text, name) };
        };
        match inner.name() {
            "list" => {
                let items: Vec<String> = inner.children().map(|item| self.words(item, &item.text(), name)).collect();
                format!("[{}]", items.join(", "))
            }
            "map" => {
                let entry = |entry: Tag<'x>| {
                    let key = snake(entry.attr("key").unwrap_or_default(), "value");
                    format!("{key}: {}", self.words(entry, &entry.text(), name))
                };
                let entries: Vec<String> = inner.children().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
            other => {
                let message = format!("`{other}` in a mapping is not run");
                inner.refuse("bpmn-not-run", message, "give it to a service of its own, drawn as a task");
                "null".to_string()
            }
        }
    }

    /// A text as it is, or filled in.
    fn words(&mut self, tag: Tag<'x>, text: &str, name: &mut dyn FnMut(&mut Self, &str, Dialect) -> String) -> String {
        if is_marked(text) && !text.starts_with('=') {
            return self.expression_with(tag, text, name);
        }
        if !is_filled(text) {
            return quoted(text);
        }
        let piece = |(is_expression, at, words): (bool, usize, &str)| match is_expression {
            true => format!("string({})", self.expression_in(tag, (text, at), words)),
            false => quoted(words),
        };
        let pieces: Vec<String> = super::condition::pieces(text).into_iter().map(piece).collect();
        pieces.join(" + ")
    }

    /// A value of a mapping or field: an expression, a number, or the text itself.
    pub(super) fn value(&mut self, tag: Tag<'x>, source: &str) -> String {
        self.value_with(tag, source, &mut |this, word, dialect| this.word(word, dialect))
    }

    fn value_with(
        &mut self,
        tag: Tag<'x>,
        source: &str,
        name: &mut dyn FnMut(&mut Self, &str, Dialect) -> String,
    ) -> String {
        if is_marked(source) {
            return self.expression_with(tag, source, name);
        }
        match source.parse::<rust_decimal::Decimal>() {
            Ok(number) => number.to_string(),
            Err(_) => self.words(tag, source, name),
        }
    }

    /// A data association: from a data object to an input of the activity, or back; assignments say it in detail. `inner` is the
    /// end in the activity: where nothing is named there, it is called as the object.
    fn association(&mut self, association: Tag<'x>, inner: &'static str) -> Mapped {
        let mut found = Mapped::new();
        for assignment in association.all("assignment") {
            if let (Some((from_tag, from)), Some((_, to))) = (assignment.text_of("from"), assignment.text_of("to")) {
                let value = self.expression(from_tag, &from);
                found.push((self.process.words.name(&to, "value"), value));
            }
        }
        if !found.is_empty() {
            return found;
        }
        let outer = if inner == "targetRef" { "sourceRef" } else { "targetRef" };
        let Some((_, object)) = association.text_of(outer) else { return found };
        if self.links.by_id.get(local(&object)).is_some_and(|tag| tag.is("dataStoreReference")) {
            association.warn("a data store is only drawn", "give it to a service of the host");
            return found;
        }
        let object = self.data_name(&object);
        let named = association.text_of(inner).map(|(_, id)| self.data_name(&id));
        // Some modelers need an end to draw to, and call it so.
        let named = named.filter(|name| !name.starts_with("__")).unwrap_or_else(|| object.clone());
        if inner == "targetRef" {
            let value = self.variable(&object);
            found.push((self.process.words.name(&named, "value"), value));
        } else {
            found.push((self.variable(&object), snake(&named, "value")));
        }
        found
    }

    /// What a data object, a reference to it, an input or an output is called.
    pub(super) fn data_name(&self, id: &str) -> String {
        let tag = self.links.by_id.get(local(id)).copied();
        let object = tag.and_then(|tag| self.links.by_id.get(tag.reference("dataObjectRef")?).copied());
        let named = object.and_then(|tag| tag.attr("name")).or_else(|| tag?.attr("name"));
        // Many modelers name the references only.
        let named = named.or_else(|| self.links.objects.get(local(id)).copied());
        named.or(object.map(|object| object.id())).unwrap_or(local(id)).to_string()
    }
}

/// The mappings of an activity or event; a connector has them inside.
fn mappings(tag: Tag<'_>) -> impl Iterator<Item = Tag<'_>> {
    let is_mapping = |tag: &Tag<'_>| matches!(tag.name(), "inputOutput" | "ioMapping");
    let inside = tag.extensions().filter(|tag| tag.name() == "connector").flat_map(Tag::children);
    tag.extensions().chain(inside).filter(is_mapping).flat_map(Tag::children)
}

/// A mapping as it is written.
pub(super) fn map_of(mapped: Mapped) -> Out {
    Out::of(mapped.into_iter().map(|(name, value)| (name, Out::text(value))))
}

/// The names behind a prefix in an expression.
pub(super) fn names_of(value: &str, prefix: &str) -> Vec<String> {
    let names = value.split(prefix).skip(1);
    let name = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    names.map(name).filter(|name| !name.is_empty()).collect()
}

/// A vendor's or XML Schema's type.
pub(super) fn variable_type(written: Option<&str>) -> &'static str {
    match written.map(super::xml::local).unwrap_or_default() {
        "string" => "text",
        "long" | "integer" | "int" | "short" => "int",
        "double" | "float" | "decimal" | "number" => "number",
        "boolean" => "bool",
        "date" => "date",
        "dateTime" => "datetime",
        _ => "any",
    }
}
