//! Values written as data, read by the declared type: rows of lookups, columns of stages, what scenarios give.
//!
//! Here a word is a word: `phone: +7495` is a text where a text is wanted, and `12.50` keeps its scale as a number.

use std::sync::Arc;

use super::cursor;
use super::problem::{Problem, Problems};
use super::read::{Node, Style, Yaml};
use crate::model::{Mismatch, Name, Ref, Schema, Type, Value};

/// What a literal is read against.
pub struct Literals<'a> {
    /// Entities, lookups and stages.
    pub schema: &'a dyn Schema,
    /// The record that a word stands for, where records have been given names; lookup rows need none.
    pub alias: &'a dyn Fn(&str) -> Option<Ref>,
    /// Where problems go.
    pub problems: &'a Problems,
}

impl<'a> Literals<'a> {
    /// Literals in which no record has a name.
    pub fn new(schema: &'a dyn Schema, problems: &'a Problems) -> Self {
        Self { schema, alias: &|_| None, problems }
    }

    /// The value of a node as the type says; `null` and a value that is left out are null. Another value is reported.
    pub fn value(&self, node: &Node, ty: &Type) -> Option<Value> {
        let is_null = node.scalar().is_some_and(|scalar| scalar.style == Style::Plain && &*scalar.text == "null");
        if node.is_blank() || is_null {
            return Some(Value::NULL);
        }
        match (ty, &node.yaml) {
            (Type::List(of), Yaml::Seq(items)) => {
                let values: Vec<_> = items.iter().map(|item| self.value(item, of)).collect();
                Some(Value::list(values.into_iter().collect::<Option<Vec<_>>>()?))
            }
            (Type::Map(entries), Yaml::Map(_)) => self.map(node, entries),
            (Type::Any, _) => self.any(node),
            (_, Yaml::Scalar(scalar)) => self.scalar(node, &scalar.text, ty),
            _ => self.wrong(node, Mismatch::new(ty.to_string(), node.shape())),
        }
    }

    fn map(&self, node: &Node, types: &[(Name, Type)]) -> Option<Value> {
        let mut values = std::collections::BTreeMap::new();
        for entry in node.entries() {
            match types.iter().find(|(name, _)| **name == *entry.key.text) {
                Some((name, ty)) => {
                    values.insert(name.clone(), self.value(&entry.value, ty)?);
                }
                None => {
                    let message = format!("there is no entry `{}`", entry.key.text);
                    let all = || types.iter().map(|(name, _)| name.clone()).collect();
                    let help = self.problems.did_you_mean(&entry.key.text, all);
                    self.problems.push(Problem::error("unknown-key", entry.key.span, message).maybe_help(help));
                }
            }
        }
        Some(Value::Map(Arc::new(values)))
    }

    /// Without a declared type, only what can mean one thing is no text.
    fn any(&self, node: &Node) -> Option<Value> {
        match &node.yaml {
            Yaml::Seq(items) => {
                let values: Vec<_> = items.iter().map(|item| self.value(item, &Type::Any)).collect();
                Some(Value::list(values.into_iter().collect::<Option<Vec<_>>>()?))
            }
            Yaml::Map(entries) => {
                let pair = |entry: &super::Entry| {
                    let name = cursor::key_name(&entry.key, self.problems)?.value;
                    Some((name, self.value(&entry.value, &Type::Any)?))
                };
                Some(Value::Map(Arc::new(entries.iter().map(pair).collect::<Option<_>>()?)))
            }
            Yaml::Scalar(scalar) if scalar.style == Style::Plain => match (self.alias)(&scalar.text) {
                Some(record) => Some(Value::Ref(record)),
                None => Value::from_text(&Type::Any, &scalar.text).ok(),
            },
            Yaml::Scalar(scalar) => Some(Value::text(&*scalar.text)),
        }
    }

    fn scalar(&self, node: &Node, text: &str, ty: &Type) -> Option<Value> {
        match ty {
            Type::Enum(codes) => {
                let found = codes.values.iter().any(|(code, _)| **code == *text);
                self.code(node, text, found, || codes.values.iter().map(|(code, _)| code.clone()).collect())
            }
            Type::Stage(entity) => {
                let stages = self.schema.stages(entity);
                self.code(node, text, stages.iter().any(|stage| **stage == *text), || stages.clone())
            }
            Type::Ref(entities) => self.record(node, text, entities),
            _ => match Value::from_text(ty, text) {
                Ok(value) => Some(value),
                Err(mismatch) => self.wrong(node, mismatch),
            },
        }
    }

    /// The row of a lookup, or a record that has a name.
    fn record(&self, node: &Node, text: &str, entities: &[Name]) -> Option<Value> {
        let is_wanted = |record: &Ref| entities.is_empty() || entities.contains(&record.entity);
        if let Some(record) = (self.alias)(text).filter(is_wanted) {
            return Some(Value::Ref(record));
        }
        let lookups: Vec<_> = entities.iter().filter(|entity| self.schema.is_lookup(entity)).collect();
        if let Some(lookup) = lookups.iter().find(|lookup| self.schema.has_row(lookup, text)) {
            return Some(Value::Ref(Ref::new(&***lookup, text)));
        }
        let message = match lookups.as_slice() {
            [] => format!("there is no record named `{text}`"),
            [lookup, ..] => format!("the lookup `{lookup}` has no row `{text}`"),
        };
        self.unknown(node, text, message, || lookups.iter().flat_map(|lookup| self.schema.rows(lookup)).collect())
    }

    fn code(&self, node: &Node, text: &str, found: bool, all: impl FnOnce() -> Vec<Name>) -> Option<Value> {
        if found {
            Some(Value::text(text))
        } else {
            self.unknown(node, text, format!("there is no code `{text}` here"), all)
        }
    }

    fn unknown<T>(&self, node: &Node, text: &str, message: String, all: impl FnOnce() -> Vec<Name>) -> Option<T> {
        let mut shown = None;
        let near = self.problems.did_you_mean(text, || {
            let known = all();
            let first: Vec<_> = known.iter().take(12).map(|name| &**name).collect();
            shown = (!first.is_empty()).then(|| format!("known: {}", first.join(", ")));
            known
        });
        self.problems.push(Problem::error("unknown-value", node.span, message).maybe_help(shown).maybe_help(near));
        None
    }

    fn wrong<T>(&self, node: &Node, mismatch: Mismatch) -> Option<T> {
        let Mismatch { expected, found, help } = mismatch;
        let problem = Problem::error("wrong-type", node.span, format!("expected {expected}, found {found}"));
        self.problems.push(problem.maybe_help(help));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::read;
    use crate::model::EnumType;
    use crate::model::expr::NoSchema;

    fn reads(text: &str, ty: &Type) -> String {
        let problems = Problems::new();
        let tree = read(0, &format!("k: {text}"), &problems).expect("a sound text");
        let node = tree.root.get("k").expect("the key k");
        match Literals::new(&NoSchema, &problems).value(node, ty) {
            Some(value) => format!("{value:?}"),
            None => problems.into_sorted().iter().map(|problem| problem.code).collect::<Vec<_>>().join(" "),
        }
    }

    #[test]
    fn a_text_is_read_by_its_declared_type() {
        let codes = EnumType { values: vec![(Name::new("won"), Default::default())] };
        let codes = Type::Enum(Arc::new(codes));
        for (text, ty, expected) in [
            ("+7495", Type::Text, "Text(\"+7495\")"),
            ("no", Type::Text, "Text(\"no\")"),
            ("", Type::Text, "Null(Empty)"),
            ("null", Type::Int, "Null(Empty)"),
            ("12.50", Type::Number, "Number(12.50)"),
            ("1_000", Type::Number, "wrong-type"),
            ("12.50", Type::Int, "wrong-type"),
            ("900", Type::Money, "Number(900)"),
            ("900 RUB", Type::Money, "Money(Money { amount: 900, currency: Some(RUB) })"),
            ("yes", Type::Bool, "wrong-type"),
            ("true", Type::Bool, "Bool(true)"),
            ("2026-03-02", Type::Date, "Date(2026-03-02)"),
            ("2026-03-02T09:00:00+03:00", Type::DateTime, "DateTime(2026-03-02T06:00:00Z)"),
            ("won", codes.clone(), "Text(\"won\")"),
            ("wno", codes, "unknown-value"),
            ("[1, 2]", Type::list(Type::Int), "List([Number(1), Number(2)])"),
            ("[1, a]", Type::list(Type::Int), "wrong-type"),
            ("{a: [1, 'x']}", Type::Any, "Map({a: List([Number(1), Text(\"x\")])})"),
        ] {
            assert_eq!(reads(text, &ty), expected, "{text} as {ty}");
        }
    }
}
