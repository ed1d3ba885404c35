//! A library file as written.

use super::Decl;
use super::entity::EntityDraft;
use super::parts::{
    CalendarDraft, CurrenciesDraft, DocumentDraft, LookupDraft, MirrorDraft, Notice, NoticeDraft, RoleDraft,
    refuse_rights, word,
};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::problem::Problems;
use crate::load::read::{Entry, Node, Tree};
use crate::model::{Name, Span, Text};

/// A library.
#[derive(Clone, Debug)]
pub struct LibraryDraft {
    /// Its id.
    pub name: Spanned<Name>,
    /// Its title.
    pub title: Option<Spanned<Text>>,
    /// The languages that every title is wanted in.
    pub languages: Vec<Spanned<Name>>,
    /// Its entities.
    pub entities: Vec<EntityDraft>,
    /// Its lookups.
    pub lookups: Vec<LookupDraft>,
    /// Its settings.
    pub settings: Vec<Decl>,
    /// What `convert` works with.
    pub currencies: Option<CurrenciesDraft>,
    /// Its roles.
    pub roles: Vec<RoleDraft>,
    /// Its messages.
    pub messages: Vec<NoticeDraft>,
    /// Its signals.
    pub signals: Vec<NoticeDraft>,
    /// Its errors.
    pub errors: Vec<NoticeDraft>,
    /// Its services.
    pub services: Vec<NoticeDraft>,
    /// Its documents.
    pub documents: Vec<DocumentDraft>,
    /// The entity whose records user tasks are.
    pub tasks: Option<MirrorDraft>,
    /// What tasks take over with `like: kind`, as written.
    pub task_kinds: Vec<(Spanned<Name>, Node)>,
    /// Its calendars.
    pub calendars: Vec<CalendarDraft>,
    /// The calendar in force where none is named.
    pub calendar: Option<Spanned<Name>>,
    /// The files of its processes: names and patterns.
    pub processes: Vec<Spanned<String>>,
    /// The files of its decisions: names and patterns.
    pub decisions: Vec<Spanned<String>>,
    /// Where the file stands.
    pub span: Span,
}

impl LibraryDraft {
    /// The library that a file is.
    pub fn of(tree: &Tree, problems: &Problems) -> Option<Self> {
        let map = MapReader::new(&tree.root, "a library", problems)?;
        map.allow(&["doc", "bpmn"]);
        let draft = Self {
            name: map.need_name("library").unwrap_or_else(|| Spanned::new(Name::new("library"), tree.root.span)),
            title: map.title(),
            languages: map.names("languages"),
            entities: each(map.map("entities"), |entry| EntityDraft::of(entry, problems)),
            lookups: each(map.map("lookups"), |entry| LookupDraft::of(entry, problems)),
            settings: Decl::all(map.map("settings"), "a setting", problems),
            currencies: map.get("currencies").and_then(|node| CurrenciesDraft::of(node, problems)),
            roles: each(map.map("roles"), |entry| RoleDraft::of(entry, problems)),
            messages: notices(&map, "messages", Notice::Message, problems),
            signals: notices(&map, "signals", Notice::Signal, problems),
            errors: notices(&map, "errors", Notice::Error, problems),
            services: notices(&map, "services", Notice::Service, problems),
            documents: each(map.map("documents"), |entry| DocumentDraft::of(entry, problems)),
            tasks: map.get("tasks").and_then(|node| MirrorDraft::of(node, problems)),
            task_kinds: each(map.map("task_kinds"), |entry| {
                Some((cursor::key_name(&entry.key, problems)?, entry.value.clone()))
            }),
            calendars: each(map.map("calendars"), |entry| CalendarDraft::of(entry, problems)),
            calendar: map.name("calendar"),
            processes: files(&map, "processes", problems),
            decisions: files(&map, "decisions", problems),
            span: tree.root.span,
        };
        refuse_rights(&map, problems);
        map.finish();
        Some(draft)
    }
}

/// The names and patterns of files under a key.
fn files(map: &MapReader<'_>, key: &'static str, problems: &Problems) -> Vec<Spanned<String>> {
    map.list_or_one(key).iter().filter_map(|node| word(node, "a file", problems)).collect()
}

fn each<T>(entries: &[Entry], read: impl Fn(&Entry) -> Option<T>) -> Vec<T> {
    entries.iter().filter_map(read).collect()
}

fn notices(map: &MapReader<'_>, key: &'static str, kind: Notice, problems: &Problems) -> Vec<NoticeDraft> {
    each(map.map(key), |entry| NoticeDraft::of(entry, kind, problems))
}
