//! YAML as it is written: maps in written order, texts quoted where they must be.

use crate::load::{Node, Yaml};

/// A value of a file to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Out {
    /// A key without a value.
    Nothing,
    /// A scalar; it is quoted when its text needs it.
    Text(String),
    /// A list of scalars on one line, other lists item by item.
    List(Vec<Out>),
    /// Keys in written order.
    Map(Vec<(String, Out)>),
}

impl Out {
    pub fn text(text: impl Into<String>) -> Self {
        Out::Text(text.into())
    }

    pub fn words(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Out::List(words.into_iter().map(|word| Out::Text(word.into())).collect())
    }

    /// An empty map.
    pub fn map() -> Self {
        Out::Map(Vec::new())
    }

    pub fn of<K: Into<String>>(entries: impl IntoIterator<Item = (K, Out)>) -> Self {
        Out::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// Adds a key behind the others, or another value to one that is there.
    pub fn put(&mut self, key: impl Into<String>, value: Out) {
        let key = key.into();
        if let Out::Map(entries) = self {
            match entries.iter_mut().find(|(known, _)| *known == key) {
                Some((_, found)) => *found = value,
                None => entries.push((key, value)),
            }
        }
    }

    /// Adds the keys of another map.
    pub fn extend(&mut self, other: Out) {
        if let Out::Map(entries) = other {
            entries.into_iter().for_each(|(key, value)| self.put(key, value));
        }
    }

    pub fn get(&self, key: &str) -> Option<&Out> {
        match self {
            Out::Map(entries) => entries.iter().find(|(known, _)| known == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Out::Nothing => true,
            Out::Text(text) => text.is_empty(),
            Out::List(items) => items.is_empty(),
            Out::Map(entries) => entries.is_empty(),
        }
    }

    /// What was read, without places.
    pub fn of_tree(node: &Node) -> Self {
        match &node.yaml {
            Yaml::Scalar(scalar) if scalar.is_blank() => Out::Nothing,
            Yaml::Scalar(scalar) => Out::Text(scalar.text.to_string()),
            Yaml::Seq(items) => Out::List(items.iter().map(Out::of_tree).collect()),
            Yaml::Map(entries) => {
                Out::of(entries.iter().map(|entry| (entry.key.text.to_string(), Out::of_tree(&entry.value))))
            }
        }
    }

    /// The scalar under a key.
    pub fn word(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Out::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The items of the list under a key.
    pub fn items(&self, key: &str) -> &[Out] {
        match self.get(key) {
            Some(Out::List(items)) => items,
            _ => &[],
        }
    }

    /// The same, whatever the order of its keys.
    pub fn plain(&self) -> Self {
        match self {
            Out::Map(entries) => {
                let mut entries: Vec<_> = entries.iter().map(|(key, value)| (key.clone(), value.plain())).collect();
                entries.sort_by(|(one, _), (other, _)| one.cmp(other));
                Out::Map(entries)
            }
            Out::List(items) => Out::List(items.iter().map(Out::plain).collect()),
            other => other.clone(),
        }
    }

    /// Whether it is a name with a star in it.
    pub fn is_glob(&self) -> bool {
        matches!(self, Out::Text(text) if text.contains('*'))
    }

    /// The keys of a map with their values.
    pub fn entries(&self) -> impl Iterator<Item = (String, Out)> + '_ {
        let entries = if let Out::Map(entries) = self { entries.as_slice() } else { &[] };
        entries.iter().cloned()
    }

    /// The keys of the map under a key.
    pub fn keys_of(&self, key: &str) -> std::collections::BTreeSet<String> {
        match self.get(key) {
            Some(Out::Map(entries)) => entries.iter().map(|(key, _)| key.clone()).collect(),
            _ => std::collections::BTreeSet::new(),
        }
    }

    /// The items of the list under a key, to be changed.
    pub fn items_mut(&mut self, key: &str) -> &mut [Out] {
        match self {
            Out::Map(entries) => match entries.iter_mut().find(|(known, _)| known == key) {
                Some((_, Out::List(items))) => items,
                _ => &mut [],
            },
            _ => &mut [],
        }
    }

    /// The map without some of its keys.
    pub fn without(&self, keys: &[&str]) -> Self {
        match self {
            Out::Map(entries) => {
                Out::Map(entries.iter().filter(|(key, _)| !keys.contains(&key.as_str())).cloned().collect())
            }
            other => other.clone(),
        }
    }

    /// The text of a file.
    pub fn write(&self) -> String {
        let mut text = String::new();
        block(self, 0, &mut text);
        text
    }
}

/// Most characters of a map or list that is written on one line.
const LINE: usize = 100;

fn block(value: &Out, depth: usize, text: &mut String) {
    match value {
        Out::Map(entries) => entries.iter().for_each(|(key, value)| {
            indent(depth, text);
            entry(key, value, depth, text);
        }),
        Out::List(items) => items.iter().for_each(|item| {
            indent(depth, text);
            text.push_str("- ");
            let mut inner = String::new();
            match item {
                Out::Map(entries) if !entries.is_empty() && line(item).is_none() => block(item, depth + 1, &mut inner),
                other => inner = format!("{}\n", line(other).unwrap_or_default()),
            }
            text.push_str(inner.trim_start());
        }),
        Out::Text(words) => text.push_str(&scalar(words)),
        Out::Nothing => {}
    }
}

fn entry(key: &str, value: &Out, depth: usize, text: &mut String) {
    text.push_str(&scalar(key));
    text.push(':');
    // What a reader looks for item by item stands item by item.
    let in_line = if depth == 0 && matches!(value, Out::List(_)) { words_only(value) } else { line(value) };
    match in_line {
        Some(words) => {
            let gap = if words.is_empty() { "" } else { " " };
            text.push_str(gap);
            text.push_str(&words);
            text.push('\n');
        }
        None => {
            text.push('\n');
            block(value, depth + 1, text);
        }
    }
}

fn words_only(value: &Out) -> Option<String> {
    match value {
        Out::List(items) if items.iter().all(|item| matches!(item, Out::Text(_))) => line(value),
        _ => None,
    }
}

/// The value on one line, when that is short.
fn line(value: &Out) -> Option<String> {
    let written = match value {
        Out::Nothing => return Some(String::new()),
        Out::Text(words) => return Some(scalar(words)),
        Out::List(items) => {
            let items: Vec<String> = items.iter().map(line).collect::<Option<_>>()?;
            format!("[{}]", items.join(", "))
        }
        Out::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| Some(format!("{}: {}", scalar(key), line(value)?)));
            format!("{{{}}}", entries.collect::<Option<Vec<_>>>()?.join(", "))
        }
    };
    (written.len() <= LINE).then_some(written)
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", depth));
}

/// A scalar that reads as this text, wherever it stands.
fn scalar(words: &str) -> String {
    let plain =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '.' | '(' | ')' | '/' | '+' | '<' | '>' | '=' | '-');
    let starts = words.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_');
    let ends = words.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ')'));
    if starts && ends && words.chars().all(plain) {
        return words.to_string();
    }
    let mut quoted = String::from('"');
    for c in words.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => {}
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
