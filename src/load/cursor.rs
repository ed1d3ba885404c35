//! Helpers by which a file is read from its tree by hand: nothing is skipped, and no problem stops the next.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::model::{Name, Span, Text};

use super::problem::{Problem, Problems};
use super::read::{Entry, Key, Node, Scalar, Yaml};

/// Something read, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was read.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, read at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// Reads a mapping key by key. Every key that is asked for is known; [`MapReader::finish`] reports the others.
pub struct MapReader<'t> {
    entries: &'t [Entry],
    span: Span,
    what: &'static str,
    known: RefCell<Vec<&'static str>>,
    problems: &'t Problems,
}

impl<'t> MapReader<'t> {
    /// A reader of the mapping `node`; `what` names it in problems, for example "an entity". Another shape is reported.
    pub fn new(node: &'t Node, what: &'static str, problems: &'t Problems) -> Option<Self> {
        let entries = entries(node, what, problems)?;
        Some(Self::of(entries, node.span, what, problems))
    }

    /// A reader of entries that are at hand.
    pub fn of(entries: &'t [Entry], span: Span, what: &'static str, problems: &'t Problems) -> Self {
        Self { entries, span, what, known: RefCell::default(), problems }
    }

    /// Where the mapping stands.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The entry of a key, if it is written.
    pub fn entry(&self, key: &'static str) -> Option<&'t Entry> {
        self.known.borrow_mut().push(key);
        self.entries.iter().find(|entry| &*entry.key.text == key)
    }

    /// The value of a key, if it is written.
    pub fn get(&self, key: &'static str) -> Option<&'t Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key that must be written.
    pub fn need(&self, key: &'static str) -> Option<&'t Node> {
        let found = self.get(key);
        if found.is_none() {
            self.problems.error("missing-key", self.span, format!("{} needs the key `{key}`", self.what));
        }
        found
    }

    /// The id under a key.
    pub fn name(&self, key: &'static str) -> Option<Spanned<Name>> {
        self.get(key).and_then(|node| name(node, self.problems))
    }

    /// The id under a key that must be written.
    pub fn need_name(&self, key: &'static str) -> Option<Spanned<Name>> {
        self.need(key).and_then(|node| name(node, self.problems))
    }

    /// The title or sentence under a key.
    pub fn text(&self, key: &'static str) -> Option<Spanned<Text>> {
        self.get(key).and_then(|node| text(node, self.problems))
    }

    /// The text under `title`, which is the same for everybody and always.
    pub fn title(&self) -> Option<Spanned<Text>> {
        self.get("title").and_then(|node| title(node, self.problems))
    }

    /// `true` or `false` under a key.
    pub fn bool(&self, key: &'static str) -> Option<Spanned<bool>> {
        self.get(key).and_then(|node| boolean(node, self.problems))
    }

    /// A whole number under a key.
    pub fn int(&self, key: &'static str) -> Option<Spanned<i64>> {
        self.get(key).and_then(|node| int(node, self.problems))
    }

    /// The number under `version`, from 1; 1 when the key is not written.
    pub fn version(&self) -> u32 {
        let Some(version) = self.int("version") else { return 1 };
        u32::try_from(version.value).ok().filter(|version| *version > 0).unwrap_or_else(|| {
            self.problems.error("wrong-type", version.span, "expected a version of 1 or more");
            1
        })
    }

    /// The items of the list under a key; nothing when the key is not written.
    pub fn list(&self, key: &'static str) -> &'t [Node] {
        self.get(key).and_then(|node| list(node, key, self.problems)).unwrap_or_default()
    }

    /// The items of the list under a key, or the one item that stands there without brackets.
    pub fn list_or_one(&self, key: &'static str) -> &'t [Node] {
        self.get(key).map(list_or_one).unwrap_or_default()
    }

    /// The ids under a key: a list or one.
    pub fn names(&self, key: &'static str) -> Vec<Spanned<Name>> {
        self.list_or_one(key).iter().filter_map(|node| name(node, self.problems)).collect()
    }

    /// The entries of the mapping under a key, in written order; nothing when the key is not written.
    pub fn map(&self, key: &'static str) -> &'t [Entry] {
        self.get(key).and_then(|node| entries(node, key, self.problems)).unwrap_or_default()
    }

    /// Makes keys known without reading them.
    pub fn allow(&self, keys: &[&'static str]) {
        self.known.borrow_mut().extend_from_slice(keys);
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        let mut known = self.known.into_inner();
        known.sort_unstable();
        known.dedup();
        let all = format!("known keys: {}", known.join(", "));
        let unknown = self.entries.iter().filter(|entry| known.binary_search(&&*entry.key.text).is_err());
        for Entry { key, .. } in unknown {
            let near = self.problems.did_you_mean(&key.text, || known.iter().copied().map(Name::from).collect());
            let problem = Problem::error("unknown-key", key.span, format!("{} has no key `{}`", self.what, key.text));
            self.problems.push(problem.help(near.unwrap_or_else(|| all.clone())));
        }
    }
}

/// The entries of a mapping; another shape is reported.
pub fn entries<'t>(node: &'t Node, what: &str, problems: &Problems) -> Option<&'t [Entry]> {
    match &node.yaml {
        Yaml::Map(entries) => Some(entries),
        _ => wrong_shape(node, &format!("a mapping for {what}"), problems),
    }
}

/// The items of a list; another shape is reported.
pub fn list<'t>(node: &'t Node, what: &str, problems: &Problems) -> Option<&'t [Node]> {
    match &node.yaml {
        Yaml::Seq(items) => Some(items),
        _ => wrong_shape(node, &format!("a list for {what}"), problems),
    }
}

/// The items of a list, or the one item that stands there without brackets.
pub fn list_or_one(node: &Node) -> &[Node] {
    match &node.yaml {
        Yaml::Seq(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// A scalar; another shape, or nothing written, is reported.
pub fn scalar<'t>(node: &'t Node, what: &str, problems: &Problems) -> Option<&'t Scalar> {
    match &node.yaml {
        Yaml::Scalar(scalar) if !scalar.is_blank() => Some(scalar),
        _ => wrong_shape(node, what, problems),
    }
}

/// An id: `[a-z][a-z0-9_]*`.
pub fn name(node: &Node, problems: &Problems) -> Option<Spanned<Name>> {
    let scalar = scalar(node, "an id", problems)?;
    valid_name(&scalar.text, node.span, problems)
}

/// The id that a key is.
pub fn key_name(key: &Key, problems: &Problems) -> Option<Spanned<Name>> {
    valid_name(&key.text, key.span, problems)
}

/// Words that YAML 1.1 or the expression language would take for something else.
const RESERVED: &[&str] =
    &["on", "off", "yes", "no", "y", "n", "true", "false", "null", "and", "or", "not", "if", "then", "else", "in"];

/// A code that an author makes up: an enum value, a stage, a row of a lookup, an outcome. Words like `yes`, which other
/// tools read as a truth value, are refused.
pub fn code(node: &Node, problems: &Problems) -> Option<Spanned<Name>> {
    not_reserved(name(node, problems)?, problems)
}

/// The code that a key is.
pub fn key_code(key: &Key, problems: &Problems) -> Option<Spanned<Name>> {
    not_reserved(key_name(key, problems)?, problems)
}

fn not_reserved(name: Spanned<Name>, problems: &Problems) -> Option<Spanned<Name>> {
    if RESERVED.contains(&&*name.value) {
        let message = format!("`{}` cannot be a code: it is read as a truth value or a keyword", name.value);
        problems
            .push(Problem::error("reserved-word", name.span, message).help("choose a word that says what it means"));
        return None;
    }
    Some(name)
}

/// The name of a column, parameter, variable or setting that a key is: a word that expressions do not use otherwise.
pub fn key_variable(key: &Key, problems: &Problems) -> Option<Spanned<Name>> {
    let name = key_name(key, problems)?;
    if crate::model::expr::is_keyword(&name.value) {
        let message = format!("`{}` is a word of the expression language", name.value);
        problems.push(Problem::error("reserved-word", name.span, message).help("choose another name"));
        return None;
    }
    Some(name)
}

/// The text as an id; another text is reported.
pub fn valid_name(text: &str, span: Span, problems: &Problems) -> Option<Spanned<Name>> {
    if Name::is_valid(text) {
        return Some(Spanned::new(Name::new(text), span));
    }
    let help = "an id begins with a small letter and has small letters, digits and `_` only, at most 64";
    problems.push(Problem::error("bad-name", span, format!("`{text}` is not an id")).help(help));
    None
}

/// A title or sentence: one text, or `{en: ..., ru: ...}`.
pub fn text(node: &Node, problems: &Problems) -> Option<Spanned<Text>> {
    let Yaml::Map(entries) = &node.yaml else {
        let scalar = scalar(node, "a text", problems)?;
        if has_words(&scalar.text) {
            problems.saw_text(node.span, Vec::new());
        }
        return Some(Spanned::new(Text::plain(&*scalar.text), node.span));
    };
    let mut texts = BTreeMap::new();
    for Entry { key, value } in entries {
        if let Some(scalar) = scalar(value, "a text", problems) {
            texts.insert(Name::new(&*key.text), scalar.text.to_string());
        }
    }
    problems.saw_text(node.span, entries.iter().map(|entry| (Name::new(&*entry.key.text), entry.key.span)).collect());
    Some(Spanned::new(Text::by_lang(texts), node.span))
}

/// Whether a text says something besides the values that are filled in.
fn has_words(text: &str) -> bool {
    let mut depth = 0_usize;
    text.chars().any(|c| {
        match c {
            '{' => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && c.is_alphabetic()
    })
}

/// A title of something that no run or record is at hand for: no value can be filled in.
pub fn title(node: &Node, problems: &Problems) -> Option<Spanned<Text>> {
    let title = text(node, problems)?;
    if title.value.all().any(|(_, text)| text.replace("{{", "").contains('{')) {
        let problem = Problem::error("nothing-to-fill", title.span, "in this title nothing can be filled in");
        problems.push(problem.help("leave the braces out; for a brace itself write `{{`"));
    }
    Some(Spanned::new(title.value.map(|text| text.replace("{{", "{").replace("}}", "}")), title.span))
}

/// `true` or `false`, and no other word for them.
pub fn boolean(node: &Node, problems: &Problems) -> Option<Spanned<bool>> {
    let scalar = scalar(node, "`true` or `false`", problems)?;
    match &*scalar.text {
        "true" => Some(Spanned::new(true, node.span)),
        "false" => Some(Spanned::new(false, node.span)),
        other => {
            let problem =
                Problem::error("wrong-type", node.span, format!("expected `true` or `false`, found `{other}`"));
            let truth = match other.to_ascii_lowercase().as_str() {
                "yes" | "y" | "on" | "true" => Some("write `true`"),
                "no" | "n" | "off" | "false" => Some("write `false`"),
                _ => None,
            };
            problems.push(problem.maybe_help(truth.map(str::to_owned)));
            None
        }
    }
}

/// A whole number.
pub fn int(node: &Node, problems: &Problems) -> Option<Spanned<i64>> {
    let scalar = scalar(node, "a whole number", problems)?;
    let parsed = scalar.text.parse().ok();
    if parsed.is_none() {
        problems.error("wrong-type", node.span, format!("expected a whole number, found `{}`", scalar.text));
    }
    parsed.map(|value| Spanned::new(value, node.span))
}

fn wrong_shape<T>(node: &Node, expected: &str, problems: &Problems) -> Option<T> {
    problems.error("wrong-shape", node.span, format!("expected {expected}, found {}", node.shape()));
    None
}
