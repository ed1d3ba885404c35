//! A scenario as written: its beginnings and its steps.

use chrono::{DateTime, Utc};

use crate::load::cursor;
use crate::load::{Entry, MapReader, Node, Problem, Problems, Tree, Yaml, did_you_mean};
use crate::model::{Span, Type, Value};

/// A scenario with what it shares with others.
pub(super) struct Script<'t> {
    /// The library's file, relative to the scenario.
    pub library: String,
    /// Where the clock stands at first.
    pub at: Option<DateTime<Utc>>,
    /// What is there already.
    pub given: Vec<Given<'t>>,
    /// Answers of services.
    pub services: Vec<&'t Entry>,
    /// Settings.
    pub settings: Vec<&'t Entry>,
    /// What happens.
    pub steps: Vec<Step<'t>>,
}

/// A record that is there already.
pub(super) struct Given<'t> {
    pub span: Span,
    pub entity: &'t Node,
    pub alias: Option<String>,
    pub set: &'t [Entry],
}

/// A step: its verb, what the verb is applied to, and the rest.
pub(super) struct Step<'t> {
    pub span: Span,
    pub verb: &'static str,
    pub object: &'t Node,
    pub node: &'t Node,
}

/// Every verb with the keys it takes.
const VERBS: &[(&str, &[&str])] = &[
    ("start", &["for", "with", "by", "as", "new", "version", "fails"]),
    ("complete", &["by", "outcome", "set", "of", "for", "title", "fails"]),
    ("claim", &["by", "of", "for", "title", "fails"]),
    ("release", &["by", "of", "for", "title", "fails"]),
    ("reassign", &["by", "to", "of", "for", "title", "fails"]),
    ("act", &["by", "of", "for", "set", "fails"]),
    ("create", &["set", "as", "by", "fails"]),
    ("update", &["set", "by", "fails"]),
    ("delete", &["by", "fails"]),
    ("send", &["key", "with", "by", "fails"]),
    ("signal", &["with", "by", "fails"]),
    ("find", &["where", "as"]),
    ("wait", &[]),
    ("restart", &[]),
    ("crash", &[]),
    ("setting", &["by"]),
    ("load", &["fails"]),
    ("retry", &["by", "of", "for", "fails"]),
    ("resolve", &["way", "set", "by", "of", "for", "fails"]),
    ("cancel", &["by", "fails"]),
    ("expect", &[]),
];

/// The files that a scenario shares its beginnings with.
pub(super) fn uses(tree: &Tree) -> Vec<String> {
    let node = tree.root.get("use");
    let named = node.map(cursor::list_or_one).unwrap_or_default();
    named.iter().filter_map(|node| node.word().map(str::to_string)).collect()
}

impl<'t> Script<'t> {
    /// Reads a scenario and those it uses; they come first.
    pub fn of(tree: &'t Tree, shared: &'t [Tree], problems: &'t Problems) -> Option<Self> {
        let mut script: Option<Script<'t>> = None;
        for tree in shared.iter().chain([tree]) {
            let found = one(tree, problems)?;
            script = Some(match script {
                None => found,
                Some(mut before) => {
                    before.given.extend(found.given);
                    before.services.extend(found.services);
                    before.settings.extend(found.settings);
                    Script { library: found.library, at: found.at.or(before.at), steps: found.steps, ..before }
                }
            });
        }
        script
    }
}

fn one<'t>(tree: &'t Tree, problems: &'t Problems) -> Option<Script<'t>> {
    let reader = MapReader::new(&tree.root, "scenario", problems)?;
    reader.text("scenario");
    reader.get("use");
    if let Some(rights) = reader.entry("rights") {
        let problem = Problem::error("not-supported-yet", rights.key.span, "rights are not supported yet");
        problems.push(problem.help("leave them out: everybody may do everything for now"));
    }
    let library = reader.need("library").and_then(|node| cursor::scalar(node, "a file", problems));
    let at = match reader.get("at") {
        Some(node) => Some(instant(node, problems)?),
        None => None,
    };
    let given = reader.list("given").iter().filter_map(|node| self::given(node, problems)).collect();
    let services = reader.map("services").iter().inspect(|entry| answers(entry, problems)).collect();
    let settings = reader.map("settings").iter().collect();
    let steps = reader.list("steps").iter().filter_map(|node| step(node, problems)).collect();
    reader.finish();
    Some(Script { library: library?.text.to_string(), at, given, services, settings, steps })
}

fn instant(node: &Node, problems: &Problems) -> Option<DateTime<Utc>> {
    let text = cursor::scalar(node, "an instant", problems)?;
    match Value::from_text(&Type::DateTime, &text.text) {
        Ok(Value::DateTime(at)) => Some(at),
        Ok(other) => {
            problems.error("wrong-type", node.span, format!("expected an instant, found {other}"));
            None
        }
        Err(mismatch) => {
            problems.error("wrong-type", node.span, mismatch.to_string());
            None
        }
    }
}

fn given<'t>(node: &'t Node, problems: &'t Problems) -> Option<Given<'t>> {
    let reader = MapReader::new(node, "given", problems)?;
    let entity = reader.need("create");
    let alias = reader.get("as").and_then(|node| node.word()).map(str::to_string);
    let set = reader.map("set");
    reader.finish();
    Some(Given { span: node.span, entity: entity?, alias, set })
}

/// What a service answers, one after the other: no key of an answer is overlooked.
fn answers(entry: &Entry, problems: &Problems) {
    for answer in cursor::list_or_one(&entry.value) {
        only(answer, "an answer", &["returns", "raises", "breaks"], problems);
    }
}

/// An error that is expected: its code alone, or a mapping of which no key is overlooked.
fn failure(node: &Node, problems: &Problems) {
    match node.yaml {
        Yaml::Scalar(_) => drop(cursor::scalar(node, "the code of an error", problems)),
        _ => only(node, "`fails`", &["code", "object", "column"], problems),
    }
}

fn only(node: &Node, what: &'static str, keys: &[&'static str], problems: &Problems) {
    if let Some(reader) = MapReader::new(node, what, problems) {
        reader.allow(keys);
        reader.finish();
    }
}

fn step<'t>(node: &'t Node, problems: &Problems) -> Option<Step<'t>> {
    let entries = cursor::entries(node, "a step", problems)?;
    let verb_of = |entry: &Entry| VERBS.iter().find(|(verb, _)| **verb == *entry.key.text);
    let Some((entry, (verb, keys))) = entries.iter().find_map(|entry| Some((entry, verb_of(entry)?))) else {
        let first = entries.first()?;
        let message = format!("`{}` is no verb of a scenario", first.key.text);
        let near = did_you_mean(&first.key.text, VERBS.iter().map(|(verb, _)| *verb));
        problems.push(Problem::error("unknown-verb", first.key.span, message).maybe_help(near));
        return None;
    };
    for other in entries.iter().filter(|other| !std::ptr::eq(*other, entry)) {
        if !keys.contains(&&*other.key.text) {
            let message = format!("`{verb}` takes no `{}`", other.key.text);
            let near = did_you_mean(&other.key.text, keys.iter().copied());
            problems.push(Problem::error("unknown-key", other.key.span, message).maybe_help(near));
        }
    }
    if let Some(fails) = node.get("fails") {
        failure(fails, problems);
    }
    Some(Step { span: entry.key.span, verb, object: &entry.value, node })
}

impl<'t> Step<'t> {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&'t Node> {
        self.node.get(key)
    }

    /// The word of a key.
    pub fn word(&self, key: &str) -> Option<&'t str> {
        self.get(key)?.word()
    }

    /// The entries of a key.
    pub fn entries(&self, key: &str) -> &'t [Entry] {
        self.get(key).map(Node::entries).unwrap_or_default()
    }
}
