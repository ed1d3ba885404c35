//! Entities as written: fields, children, checks.

use super::stages::StagesDraft;
use super::{Decl, ExprText};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::problem::{Problem, Problems};
use crate::load::read::{Entry, Node};
use crate::model::{Name, Span, Text};

/// An entity.
#[derive(Clone, Debug)]
pub struct EntityDraft {
    /// Its name.
    pub name: Spanned<Name>,
    /// Its title.
    pub title: Option<Spanned<Text>>,
    /// Its columns.
    pub fields: Vec<FieldDraft>,
    /// Its lists of children.
    pub children: Vec<ChildDraft>,
    /// What must hold when it is saved.
    pub checks: Vec<CheckDraft>,
    /// Its stages.
    pub stages: Option<StagesDraft>,
}

/// A column.
#[derive(Clone, Debug)]
pub struct FieldDraft {
    /// Name, title, type, starting value.
    pub decl: Decl,
    /// The expression that gives its value always.
    pub computed: Option<ExprText>,
    /// Whether it is evaluated on reading instead of stored.
    pub live: Option<Spanned<bool>>,
    /// Columns, or columns of references, whose change fills it anew.
    pub again_when: Vec<ExprText>,
    /// The mask of its numbers.
    pub sequence: Option<ExprText>,
}

/// A list of children: `products: lead_product.lead`.
#[derive(Clone, Debug)]
pub struct ChildDraft {
    /// The name of the list.
    pub name: Spanned<Name>,
    /// The entity of the children.
    pub entity: Spanned<Name>,
    /// The column by which a child refers to its parent.
    pub column: Spanned<Name>,
}

/// What must hold.
#[derive(Clone, Debug)]
pub struct CheckDraft {
    /// The condition.
    pub that: ExprText,
    /// The code of the refusal.
    pub error: Option<Spanned<Name>>,
    /// The words of the refusal, and the same as templates per language.
    pub text: Option<Spanned<Text>>,
    /// The words as written: one, or one per language.
    pub words: Vec<(Option<Name>, ExprText)>,
    /// Where it stands.
    pub span: Span,
}

impl EntityDraft {
    /// The entity of an entry of `entities`.
    pub fn of(entry: &Entry, problems: &Problems) -> Option<Self> {
        let name = cursor::key_name(&entry.key, problems)?;
        let map = MapReader::new(&entry.value, "an entity", problems)?;
        map.get("doc");
        let fields = limited(map.map("fields"), "columns", problems);
        let draft = Self {
            name,
            title: map.title(),
            fields: fields.iter().filter_map(|entry| FieldDraft::of(entry, problems)).collect(),
            children: limited(map.map("children"), "lists of children", problems)
                .iter()
                .filter_map(|entry| child(entry, problems))
                .collect(),
            checks: map.list_or_one("check").iter().filter_map(|node| CheckDraft::of(node, problems)).collect(),
            stages: map.get("stages").and_then(|node| StagesDraft::of(node, problems)),
        };
        refuse(&map, &["was", "migrate"], problems);
        map.finish();
        Some(draft)
    }
}

impl FieldDraft {
    fn of(entry: &Entry, problems: &Problems) -> Option<Self> {
        let (mut computed, mut live, mut again_when, mut sequence) = (None, None, Vec::new(), None);
        let decl = Decl::of(entry, "a field", problems, |map| {
            let expr = |key| map.get(key).and_then(|node| ExprText::of(node, problems));
            computed = expr("computed");
            sequence = expr("sequence");
            live = map.bool("live");
            again_when = map.list_or_one("again_when").iter().filter_map(|node| ExprText::of(node, problems)).collect();
            map.get("doc");
            refuse(map, &["was", "migrate"], problems);
        })?;
        Some(Self { decl, computed, live, again_when, sequence })
    }
}

/// Most columns of an entity, stages of a table, lists of children, variables of a process.
const MAX_ENTRIES: usize = 300;

/// The entries up to a limit; more are reported.
pub fn limited<'t>(entries: &'t [Entry], what: &str, problems: &Problems) -> &'t [Entry] {
    match entries.get(MAX_ENTRIES) {
        None => entries,
        Some(first) => {
            problems.error("too-many-entries", first.key.span, format!("there are more than {MAX_ENTRIES} {what}"));
            entries.get(..MAX_ENTRIES).unwrap_or_default()
        }
    }
}

/// Reports keys of the language that this version does not carry out.
pub(super) fn refuse(map: &MapReader<'_>, keys: &[&'static str], problems: &Problems) {
    for entry in keys.iter().filter_map(|key| map.entry(key)) {
        let message = format!("`{}` is not supported yet", entry.key.text);
        let problem = Problem::error("not-supported-yet", entry.key.span, message);
        problems.push(problem.help("leave it out: a rule that is read but not kept would be a lie"));
    }
}

fn child(entry: &Entry, problems: &Problems) -> Option<ChildDraft> {
    let name = cursor::key_name(&entry.key, problems)?;
    let scalar = cursor::scalar(&entry.value, "`entity.column`", problems)?;
    let Some((entity, column)) = scalar.text.split_once('.') else {
        let message = format!("expected `entity.column`, found `{}`", scalar.text);
        let help = "name the children's entity and the column by which they refer to this one";
        problems.push(Problem::error("wrong-shape", entry.value.span, message).help(help));
        return None;
    };
    let part = |from: usize, text: &str| cursor::valid_name(text, entry.value.part(from..from + text.len()), problems);
    let column = part(entity.len() + 1, column);
    Some(ChildDraft { name, entity: part(0, entity)?, column: column? })
}

impl CheckDraft {
    fn of(node: &Node, problems: &Problems) -> Option<Self> {
        let map = MapReader::new(node, "a check", problems)?;
        let that = map.need("that").and_then(|node| ExprText::of(node, problems));
        let words = map.get("text").map(|node| words(node, problems)).unwrap_or_default();
        let (error, text) = (map.name("error"), map.text("text"));
        map.finish();
        Some(Self { that: that?, error, text, words, span: node.span })
    }
}

/// A text's templates: one, or one per language.
pub fn words(node: &Node, problems: &Problems) -> Vec<(Option<Name>, ExprText)> {
    if node.entries().is_empty() {
        return ExprText::words(node, problems).map(|words| (None, words)).into_iter().collect();
    }
    let by_lang = node
        .entries()
        .iter()
        .filter_map(|Entry { key, value }| Some((Some(Name::new(&*key.text)), ExprText::words(value, problems)?)));
    by_lang.collect()
}
