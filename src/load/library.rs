//! All texts of one load together: a library and what belongs to it.

use super::draft::LibraryDraft;
use super::problem::{Problem, Problems};
use super::read::{Tree, read};
use super::source::Sources;
use crate::model::suggest::did_you_mean;

/// The kinds of files; a file's kind is its first key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the processes talk about.
    Library,
    /// A process.
    Process,
    /// A decision table.
    Decision,
    /// An author's test.
    Scenario,
}

const KINDS: &[(&str, Kind)] = &[
    ("library", Kind::Library),
    ("process", Kind::Process),
    ("decision", Kind::Decision),
    ("scenario", Kind::Scenario),
];

/// The kind of a file; an unknown one is reported.
pub fn kind(tree: &Tree, problems: &Problems) -> Option<Kind> {
    let first = tree.root.entries().first().map(|entry| &entry.key);
    let word = first.map_or("", |key| &*key.text);
    if let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == word) {
        return Some(*kind);
    }
    let span = first.map_or(tree.root.span, |key| key.span);
    let message = match first {
        Some(key) => format!("expected library, process, decision or scenario as the first key, found `{}`", key.text),
        None => "expected a mapping whose first key is library, process, decision or scenario".to_owned(),
    };
    let help = "the first key says what the file is, for example `process: corporate_sale`";
    let near = did_you_mean(word, KINDS.iter().map(|(known, _)| *known));
    problems.push(Problem::error("unknown-kind", span, message).help(help).maybe_help(near));
    None
}

/// Every problem of the texts, errors and warnings, sorted by file and place.
pub fn problems(sources: &Sources) -> Vec<Problem> {
    let problems = Problems::new();
    for (file, source) in sources.iter() {
        let Some(tree) = read(file, &source.text, &problems) else { continue };
        if kind(&tree, &problems) == Some(Kind::Library) {
            let draft = LibraryDraft::of(&tree, &problems);
            let languages = draft.iter().flat_map(|draft| draft.languages.iter().map(|name| name.value.clone()));
            problems.check_languages(&languages.collect::<Vec<_>>());
        }
    }
    problems.into_sorted()
}
