//! The smaller parts of a library as written: lookups, roles, messages, services, calendars and the like.

use super::entity::refuse;
use super::stages::settings;
use super::{Decl, ExprText, TypeText};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::problem::Problems;
use crate::load::read::{Entry, Node, Yaml};
use crate::model::{Name, Span, Text};

/// A lookup: rows that the library itself holds.
#[derive(Clone, Debug)]
pub struct LookupDraft {
    /// Its name.
    pub name: Spanned<Name>,
    /// Its title.
    pub title: Option<Spanned<Text>>,
    /// Its columns beside the title.
    pub columns: Vec<Decl>,
    /// Its rows.
    pub rows: Vec<RowDraft>,
}

/// A row of a lookup.
#[derive(Clone, Debug)]
pub struct RowDraft {
    /// Its code.
    pub code: Spanned<Name>,
    /// Its title.
    pub title: Option<Spanned<Text>>,
    /// The values of its columns.
    pub values: Vec<(Spanned<Name>, Node)>,
}

/// A role.
#[derive(Clone, Debug)]
pub struct RoleDraft {
    /// Its name.
    pub name: Spanned<Name>,
    /// Its title.
    pub title: Option<Spanned<Text>>,
    /// The roles that it has besides.
    pub inherits: Vec<Spanned<Name>>,
    /// Whether it has all.
    pub all: bool,
}

/// A message, a signal, an error or a service: what goes along, and what comes back.
#[derive(Clone, Debug)]
pub struct NoticeDraft {
    /// Its name.
    pub name: Spanned<Name>,
    /// Its title.
    pub title: Option<Spanned<Text>>,
    /// What a message is addressed by.
    pub key: Option<TypeText>,
    /// What goes along.
    pub with: Vec<Decl>,
    /// What a service gives back.
    pub returns: Vec<Decl>,
    /// The errors that a service raises.
    pub raises: Vec<Spanned<Name>>,
    /// How long a message that nobody waits for is kept.
    pub ttl: Option<ExprText>,
    /// Whether the world outside sends it.
    pub external: bool,
}

/// Which kind of [`NoticeDraft`], which decides its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// `messages`.
    Message,
    /// `signals`.
    Signal,
    /// `errors`.
    Error,
    /// `services`.
    Service,
}

/// A document that `print` makes.
#[derive(Clone, Debug)]
pub struct DocumentDraft {
    /// Its name.
    pub name: Spanned<Name>,
    /// Its title.
    pub title: Option<Spanned<Text>>,
    /// The file of its template.
    pub template: Option<Spanned<String>>,
    /// The entity it is made for.
    pub entity: Option<Spanned<Name>>,
}

/// The entity whose records user tasks are.
#[derive(Clone, Debug)]
pub struct MirrorDraft {
    /// The entity.
    pub entity: Option<Spanned<Name>>,
    /// What opening, completing and withdrawing a task sets.
    pub edges: [Vec<(Spanned<Name>, ExprText)>; 3],
    /// Where it stands.
    pub span: Span,
}

/// A calendar.
#[derive(Clone, Debug)]
pub struct CalendarDraft {
    /// Its name.
    pub name: Spanned<Name>,
    /// The time zone.
    pub zone: Option<Spanned<String>>,
    /// `mon-fri`, or days one by one.
    pub days: Vec<Spanned<String>>,
    /// `09:00-18:00`.
    pub hours: Option<Spanned<String>>,
    /// Days that are not worked.
    pub holidays: Vec<Spanned<String>>,
}

/// What `convert` works with.
#[derive(Clone, Debug)]
pub struct CurrenciesDraft {
    /// The entity of currencies.
    pub entity: Option<Spanned<Name>>,
    /// The column that says how many units a rate is for.
    pub division: Option<Spanned<Name>>,
    /// The column that says how many decimals amounts have.
    pub decimals: Option<Spanned<Name>>,
    /// The base currency.
    pub base: Option<ExprText>,
    /// The children with the rates, the column of the date and that of the rate.
    pub history: Option<[Spanned<Name>; 3]>,
    /// Where it stands.
    pub span: Span,
}

impl LookupDraft {
    /// What is written there.
    pub fn of(entry: &Entry, problems: &Problems) -> Option<Self> {
        let name = cursor::key_name(&entry.key, problems)?;
        let entries = cursor::entries(&entry.value, "a lookup", problems)?;
        let is_long = entry.value.get("rows").is_some_and(|rows| matches!(rows.yaml, Yaml::Map(_)));
        if !is_long {
            let rows = entries.iter().filter_map(|entry| RowDraft::of(entry, &[], problems)).collect();
            return Some(Self { name, title: None, columns: Vec::new(), rows });
        }
        let map = MapReader::new(&entry.value, "a lookup", problems)?;
        let columns = Decl::all(map.map("columns"), "a lookup's column", problems);
        let rows = map.map("rows").iter().filter_map(|entry| RowDraft::of(entry, &columns, problems)).collect();
        let title = map.title();
        map.finish();
        Some(Self { name, title, columns, rows })
    }
}

impl RowDraft {
    fn of(entry: &Entry, columns: &[Decl], problems: &Problems) -> Option<Self> {
        let code = cursor::key_code(&entry.key, problems)?;
        let is_column = |entry: &Entry| columns.iter().any(|column| *column.name.value == *entry.key.text);
        let is_long = entry.value.get("title").is_some() || entry.value.entries().iter().any(is_column);
        if !is_long {
            let title = if entry.value.is_blank() { None } else { cursor::title(&entry.value, problems) };
            return Some(Self { code, title, values: Vec::new() });
        }
        let title = entry.value.get("title").and_then(|node| cursor::title(node, problems));
        let others = entry.value.entries().iter().filter(|entry| &*entry.key.text != "title");
        let values = others.filter_map(|entry| Some((cursor::key_name(&entry.key, problems)?, entry.value.clone())));
        Some(Self { code, title, values: values.collect() })
    }
}

impl RoleDraft {
    /// What is written there.
    pub fn of(entry: &Entry, problems: &Problems) -> Option<Self> {
        let name = cursor::key_name(&entry.key, problems)?;
        if entry.value.is_blank() {
            return Some(Self { name, title: None, inherits: Vec::new(), all: false });
        }
        let map = MapReader::new(&entry.value, "a role", problems)?;
        let (title, inherits) = (map.title(), map.names("inherits"));
        let all = map.bool("all").is_some_and(|all| all.value);
        map.finish();
        Some(Self { name, title, inherits, all })
    }
}

impl NoticeDraft {
    /// What is written there.
    pub fn of(entry: &Entry, kind: Notice, problems: &Problems) -> Option<Self> {
        let name = match kind {
            Notice::Error => cursor::key_code(&entry.key, problems)?,
            _ => cursor::key_name(&entry.key, problems)?,
        };
        let nothing = Self {
            name,
            title: None,
            key: None,
            with: Vec::new(),
            returns: Vec::new(),
            raises: Vec::new(),
            ttl: None,
            external: false,
        };
        if entry.value.is_blank() {
            return Some(nothing);
        }
        let (what, part) = match kind {
            Notice::Message => ("a message", "a part of a message"),
            Notice::Signal => ("a signal", "a part of a signal"),
            Notice::Error => ("an error", "a part of an error"),
            Notice::Service => ("a service", "an input of a service"),
        };
        let map = MapReader::new(&entry.value, what, problems)?;
        let mut draft = Self { title: map.title(), with: Decl::all(map.map("with"), part, problems), ..nothing };
        map.get("doc");
        if kind == Notice::Message {
            draft.key = map.get("key").and_then(|node| TypeText::of(node, problems));
            draft.ttl = map.get("ttl").and_then(|node| ExprText::of(node, problems));
        }
        if matches!(kind, Notice::Message | Notice::Signal) {
            draft.external = map.bool("external").is_some_and(|external| external.value);
        }
        if kind == Notice::Service {
            draft.returns = Decl::all(map.map("returns"), "an output of a service", problems);
            draft.raises = map.names("raises");
        }
        map.finish();
        Some(draft)
    }
}

impl DocumentDraft {
    /// What is written there.
    pub fn of(entry: &Entry, problems: &Problems) -> Option<Self> {
        let name = cursor::key_name(&entry.key, problems)?;
        let map = MapReader::new(&entry.value, "a document", problems)?;
        let template = map.need("template").and_then(|node| word(node, "the name of a file", problems));
        let (title, entity) = (map.title(), map.need_name("for"));
        map.finish();
        Some(Self { name, title, template, entity })
    }
}

impl MirrorDraft {
    /// What is written there.
    pub fn of(node: &Node, problems: &Problems) -> Option<Self> {
        let map = MapReader::new(node, "`tasks`", problems)?;
        let entity = map.need_name("entity");
        let edges = ["opened", "completed", "withdrawn"].map(|edge| settings(map.map(edge), problems));
        map.finish();
        Some(Self { entity, edges, span: node.span })
    }
}

impl CalendarDraft {
    /// What is written there.
    pub fn of(entry: &Entry, problems: &Problems) -> Option<Self> {
        let name = cursor::key_name(&entry.key, problems)?;
        let map = MapReader::new(&entry.value, "a calendar", problems)?;
        let words = |key| map.list_or_one(key).iter().filter_map(|node| word(node, "a day", problems)).collect();
        let draft = Self {
            name,
            zone: map.need("zone").and_then(|node| word(node, "a time zone", problems)),
            days: words("days"),
            hours: map.get("hours").and_then(|node| word(node, "hours", problems)),
            holidays: words("holidays"),
        };
        map.finish();
        Some(draft)
    }
}

impl CurrenciesDraft {
    /// What is written there.
    pub fn of(node: &Node, problems: &Problems) -> Option<Self> {
        let map = MapReader::new(node, "`currencies`", problems)?;
        let history = map.get("history").and_then(|node| {
            let map = MapReader::new(node, "the history of rates", problems)?;
            let columns = ["child", "from", "rate"].map(|key| map.need_name(key));
            map.finish();
            let [Some(child), Some(from), Some(rate)] = columns else { return None };
            Some([child, from, rate])
        });
        let draft = Self {
            entity: map.need_name("entity"),
            division: map.name("division"),
            decimals: map.name("decimals"),
            base: map.need("base").and_then(|node| ExprText::of(node, problems)),
            history,
            span: node.span,
        };
        map.finish();
        Some(draft)
    }
}

/// A plain word with its place.
pub fn word(node: &Node, what: &str, problems: &Problems) -> Option<Spanned<String>> {
    cursor::scalar(node, what, problems).map(|scalar| Spanned::new(scalar.text.to_string(), node.span))
}

/// Reports `rights` and `guarantees`.
pub(super) fn refuse_rights(map: &MapReader<'_>, problems: &Problems) {
    refuse(map, &["rights", "guarantees"], problems);
}
