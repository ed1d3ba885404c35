//! Stages as written: their values, the moves between them, their history.

use super::entity::{limited, refuse};
use super::{Decl, ExprText};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::problem::{Problem, Problems};
use crate::load::read::{Entry, Node, Yaml};
use crate::model::{Name, Span, Text};

/// The stages of an entity.
#[derive(Clone, Debug)]
pub struct StagesDraft {
    /// The column that holds the stage.
    pub field: Spanned<Name>,
    /// The stage of a new record.
    pub initial: Option<ExprText>,
    /// The stages' own columns that are declared.
    pub columns: Vec<Decl>,
    /// The stages.
    pub values: Vec<StageDraft>,
    /// Which stage may follow which.
    pub moves: MovesDraft,
    /// Whether and how past stages are kept.
    pub history: Option<HistoryDraft>,
    /// Where all of it stands.
    pub span: Span,
}

/// One stage.
#[derive(Clone, Debug)]
pub struct StageDraft {
    /// Its code.
    pub name: Spanned<Name>,
    /// Its title.
    pub title: Option<Spanned<Text>>,
    /// Its place in the order of stages.
    pub position: Option<Spanned<i64>>,
    /// Whether it is final, and then whether it is a success.
    pub last: Option<Spanned<bool>>,
    /// What every entry sets.
    pub set: Vec<(Spanned<Name>, ExprText)>,
    /// The values of its own columns.
    pub own: Vec<(Spanned<Name>, Node)>,
}

/// Which stage may follow which.
#[derive(Clone, Debug)]
pub enum MovesDraft {
    /// Every stage that is not final to every other.
    Any,
    /// What is listed; the stages that are not, as `otherwise` says.
    Table {
        /// From, and where to.
        rows: Vec<(Spanned<Name>, TargetsDraft)>,
        /// From every stage that has no row.
        otherwise: Option<TargetsDraft>,
    },
}

/// Where a stage may move to.
#[derive(Clone, Debug)]
pub enum TargetsDraft {
    /// Every other stage.
    Any,
    /// These.
    Only(Vec<Spanned<Name>>),
}

/// How past stages are kept.
#[derive(Clone, Debug)]
pub struct HistoryDraft {
    /// Whether skipped stages get rows.
    pub skipped: bool,
    /// The columns whose change begins a new row.
    pub split_by: Vec<Spanned<Name>>,
    /// Where it stands.
    pub span: Span,
}

impl StagesDraft {
    /// The stages of the key `stages`.
    pub fn of(node: &Node, problems: &Problems) -> Option<Self> {
        let map = MapReader::new(node, "stages", problems)?;
        let field = map.need_name("field");
        if map.need("values").is_some_and(|values| values.entries().is_empty() && values.scalar().is_none()) {
            problems.error("wrong-shape", node.span, "expected the stages under `values`, found none");
        }
        let draft = Self {
            field: field.unwrap_or_else(|| Spanned::new(Name::new("stage"), node.span)),
            initial: map.get("initial").and_then(|node| ExprText::of(node, problems)),
            columns: Decl::all(map.map("columns"), "a stage's column", problems),
            values: limited(map.map("values"), "stages", problems)
                .iter()
                .filter_map(|entry| StageDraft::of(entry, problems))
                .collect(),
            moves: map.get("moves").map_or(MovesDraft::Any, |node| MovesDraft::of(node, problems)),
            history: map.get("history").and_then(|node| HistoryDraft::of(node, problems)),
            span: node.span,
        };
        map.finish();
        Some(draft)
    }
}

/// Keys of a stage that are not columns of its own.
const STAGE_KEYS: &[&str] = &["title", "position", "final", "set", "doc", "was", "migrate"];

impl StageDraft {
    fn of(entry: &Entry, problems: &Problems) -> Option<Self> {
        let name = cursor::key_code(&entry.key, problems)?;
        let empty = Self { name, title: None, position: None, last: None, set: Vec::new(), own: Vec::new() };
        if entry.value.is_blank() {
            return Some(empty);
        }
        let map = MapReader::new(&entry.value, "a stage", problems)?;
        refuse(&map, &["was", "migrate"], problems);
        let own = entry.value.entries().iter().filter(|entry| !STAGE_KEYS.contains(&&*entry.key.text));
        let own = own.filter_map(|entry| Some((cursor::key_name(&entry.key, problems)?, entry.value.clone())));
        Some(Self {
            title: map.title(),
            position: map.int("position"),
            last: map.get("final").and_then(|node| is_success(node, problems)),
            set: settings(map.map("set"), problems),
            own: own.collect(),
            ..empty
        })
    }
}

/// `column: expression` pairs.
pub fn settings(entries: &[Entry], problems: &Problems) -> Vec<(Spanned<Name>, ExprText)> {
    let pair = |entry: &Entry| {
        let name = cursor::key_name(&entry.key, problems);
        let value = ExprText::of(&entry.value, problems);
        Some((name?, value?))
    };
    entries.iter().filter_map(pair).collect()
}

fn is_success(node: &Node, problems: &Problems) -> Option<Spanned<bool>> {
    match node.word() {
        Some("success") => Some(Spanned::new(true, node.span)),
        Some("failure") => Some(Spanned::new(false, node.span)),
        found => {
            let found = found.unwrap_or(node.shape());
            let message = format!("expected `success` or `failure`, found `{found}`");
            let help = "a stage that is not final has no key `final`";
            problems.push(Problem::error("wrong-type", node.span, message).help(help));
            None
        }
    }
}

impl MovesDraft {
    fn of(node: &Node, problems: &Problems) -> Self {
        let Yaml::Map(entries) = &node.yaml else {
            if node.word() != Some("any") {
                let message = format!("expected `any`, or a mapping of stages to stages, found {}", node.shape());
                problems.error("wrong-shape", node.span, message);
            }
            return Self::Any;
        };
        let (mut rows, mut otherwise) = (Vec::new(), None);
        for Entry { key, value } in entries {
            let targets = TargetsDraft::of(value, problems);
            if &*key.text == "otherwise" {
                otherwise = Some(targets);
            } else if let Some(from) = cursor::key_code(key, problems) {
                rows.push((from, targets));
            }
        }
        Self::Table { rows, otherwise }
    }
}

impl TargetsDraft {
    fn of(node: &Node, problems: &Problems) -> Self {
        if node.word() == Some("any") {
            return Self::Any;
        }
        let items = if node.is_blank() { &[] } else { cursor::list_or_one(node) };
        Self::Only(items.iter().filter_map(|item| cursor::code(item, problems)).collect())
    }
}

impl HistoryDraft {
    fn of(node: &Node, problems: &Problems) -> Option<Self> {
        if node.scalar().is_some() {
            let kept = cursor::boolean(node, problems)?;
            return kept.value.then(|| Self { skipped: false, split_by: Vec::new(), span: node.span });
        }
        let map = MapReader::new(node, "a history", problems)?;
        let skipped = map.bool("skipped").is_some_and(|skipped| skipped.value);
        let split_by = map.names("split_by");
        map.finish();
        Some(Self { skipped, split_by, span: node.span })
    }
}
