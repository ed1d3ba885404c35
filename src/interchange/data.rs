//! Data: what goes into an activity and what comes out of it.

use super::condition::{is_marked, text as quoted};
use super::import::Import;
use super::words::snake;
use super::xml::Tag;
use super::yaml::Out;

/// A value that goes in or comes out: where it goes, and what it is.
pub(super) type Mapped = Vec<(String, String)>;

impl<'x> Import<'x> {
    /// What an activity is given under names of its own: by a vendor's mapping, or by BPMN's data associations.
    pub(super) fn inputs(&mut self, tag: Tag<'x>) -> Mapped {
        let mut found = Mapped::new();
        for mapping in tag.extensions().flat_map(Tag::children) {
            let (target, source) = match mapping.name() {
                "inputParameter" => (mapping.attr("name"), Some(mapping.text())),
                "input" => (mapping.attr("target"), mapping.attr("source").map(str::to_string)),
                _ => continue,
            };
            if let Some((target, source)) = target.zip(source) {
                let value = self.value(mapping, &source);
                found.push((snake(target, "value"), value));
            }
        }
        for association in tag.all("dataInputAssociation") {
            found.extend(self.association(association));
        }
        found
    }

    /// What comes out of an activity, into variables. `from` says what stands before a name of its own result.
    pub(super) fn outputs(&mut self, tag: Tag<'x>, from: &str) -> Mapped {
        let mut found = Mapped::new();
        for mapping in tag.extensions().flat_map(Tag::children) {
            let (target, source) = match mapping.name() {
                "outputParameter" => (mapping.attr("name"), Some(mapping.text())),
                "output" => (mapping.attr("target"), mapping.attr("source").map(str::to_string)),
                _ => continue,
            };
            if let Some((target, source)) = target.zip(source) {
                let value = self.value_with(mapping, &source, &mut |this, word| this.returned(from, word));
                let target = self.variable(target);
                found.push((target, value));
            }
        }
        for association in tag.all("dataOutputAssociation") {
            found.extend(self.association(association));
        }
        found
    }

    /// A name in what comes out: of the activity's own result.
    fn returned(&mut self, from: &str, word: &str) -> String {
        if from.is_empty() { self.variable(word) } else { format!("{from}.{}", snake(word, "value")) }
    }

    /// What an event or a receiving task brought, kept in variables.
    pub(super) fn taken(&mut self, event: Tag<'x>) -> Out {
        let taken = self.outputs(event, "message");
        if taken.is_empty() {
            return Out::map();
        }
        let names: Vec<String> = taken.iter().flat_map(|(_, value)| names_of(value, "message.")).collect();
        let definition = event.first("messageEventDefinition").unwrap_or(event);
        if !names.is_empty() {
            let message = self.message(event, definition);
            if let Some(declared) = self.messages.get_mut(&message) {
                let mut with = declared.get("with").cloned().unwrap_or_else(Out::map);
                names.into_iter().for_each(|name| with.put(name, Out::text("any")));
                declared.put("with", with);
            }
        }
        Out::of([("take", map_of(taken))])
    }

    /// A value of a mapping: an expression, or the text itself.
    fn value(&mut self, tag: Tag<'x>, source: &str) -> String {
        self.value_with(tag, source, &mut |this, word| this.variable(word))
    }

    fn value_with(&mut self, tag: Tag<'x>, source: &str, name: &mut dyn FnMut(&mut Self, &str) -> String) -> String {
        if is_marked(source) {
            return self.expression_with(tag, source, name);
        }
        match source.parse::<f64>() {
            Ok(_) if !source.is_empty() => source.to_string(),
            _ => quoted(source),
        }
    }

    /// A data association: from a data object to an input of the activity, or back; assignments say it in detail.
    fn association(&mut self, association: Tag<'x>) -> Mapped {
        let mut found = Mapped::new();
        for assignment in association.all("assignment") {
            if let (Some((from_tag, from)), Some((_, to))) = (assignment.text_of("from"), assignment.text_of("to")) {
                let value = self.expression(from_tag, &from);
                found.push((self.process.words.name(&to, "value"), value));
            }
        }
        if found.is_empty()
            && let (Some((_, from)), Some((_, to))) =
                (association.text_of("sourceRef"), association.text_of("targetRef"))
        {
            let [from, to] = [from, to].map(|id| self.data_name(&id));
            let value = self.variable(&from);
            found.push((self.process.words.name(&to, "value"), value));
        }
        found
    }

    /// What a data object, a reference to it, an input or an output is called.
    fn data_name(&self, id: &str) -> String {
        let tag = self.by_id.get(id).copied();
        let object = tag.and_then(|tag| self.by_id.get(tag.reference("dataObjectRef")?).copied());
        object.or(tag).and_then(|tag| tag.attr("name")).unwrap_or(id).to_string()
    }
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
