//! All texts of one load together: a library and what belongs to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decision::{self, Tables};
use super::draft::LibraryDraft;
use super::problem::{LoadError, Problem, Problems};
use super::process::draft::Kinds;
use super::read::{Tree, read};
use super::source::Sources;
use super::{bind, pattern, process};
use crate::element::decide::Table;
use crate::element::definition::Definition;
use crate::entity::Library;
use crate::model::suggest::did_you_mean;
use crate::model::{Name, Span};

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

/// A library that was loaded, with what processes take from it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The library.
    pub library: Library,
    /// Its decision tables, by name.
    pub decisions: BTreeMap<Name, Arc<Table>>,
    /// Its processes, in the order of their texts.
    pub definitions: Vec<Arc<Definition>>,
    /// What its author should look at.
    pub warnings: Vec<Problem>,
}

/// The library among the texts, bound and checked.
///
/// ```
/// use stageflow::load::{library, Sources};
/// let mut sources = Sources::new();
/// sources.add("crm.yaml", "library: crm\nentities: {lead: {fields: {name: required text}}}\n");
/// assert!(library(&sources).unwrap().library.entity("lead").is_some());
///
/// let mut wrong = Sources::new();
/// wrong.add("crm.yaml", "library: crm\nentities: {lead: {fields: {name: required txt}}}\n");
/// assert!(library(&wrong).unwrap_err().to_string().contains("did you mean `text`?"));
/// ```
///
/// # Errors
/// Every problem of every text, when one of them is an error.
pub fn library(sources: &Sources) -> Result<Loaded, LoadError> {
    let problems = Problems::new();
    let found = load(sources, &problems);
    let warnings = problems.finish(&Arc::new(sources.clone()))?;
    let (library, decisions, definitions) = found.unwrap_or_default();
    Ok(Loaded { library, decisions, definitions, warnings })
}

/// Every problem of the texts, errors and warnings, sorted by file and place.
pub fn problems(sources: &Sources) -> Vec<Problem> {
    let problems = Problems::new();
    load(sources, &problems);
    problems.into_sorted()
}

fn load(sources: &Sources, problems: &Problems) -> Option<(Library, Tables, Vec<Arc<Definition>>)> {
    let (mut drafts, mut processes, mut decisions) = (Vec::new(), Vec::new(), Vec::new());
    let mut scenarios = false;
    for (file, source) in sources.iter().filter(|(_, source)| is_definition(&source.name)) {
        let Some(tree) = read(file, &source.text, problems) else { continue };
        match kind(&tree, problems) {
            Some(Kind::Library) => drafts.extend(LibraryDraft::of(&tree, problems)),
            Some(Kind::Process) => processes.push(tree),
            Some(Kind::Decision) => decisions.push(tree),
            Some(Kind::Scenario) => scenarios = true,
            None => {}
        }
    }
    let mut drafts = drafts.into_iter();
    let draft = drafts.next();
    for other in drafts {
        let problem = Problem::error("second-library", other.name.span, "there are two libraries");
        let first = draft.as_ref().map_or(other.span, |draft| draft.name.span);
        problems.push(problem.label(first, "the first one").help("load one of them"));
    }
    let draft = match draft {
        Some(draft) => draft,
        None => {
            if !problems.has_errors() {
                let help = match scenarios && processes.is_empty() {
                    true => "a scenario is tried with `stageflow test`",
                    false => "one of the texts must begin with `library: name`",
                };
                problems.push(Problem::error("no-library", Span::default(), "there is no library").help(help));
            }
            return None;
        }
    };
    missing_files(&draft, sources, problems);
    let mut library = bind::library(&draft, problems);
    library.text = sources.get(draft.span.file).map(|source| source.text.clone()).unwrap_or_default();
    templates(&mut library, &draft, sources, problems);
    let kinds: Kinds = draft.task_kinds.into_iter().map(|(name, node)| (name.value, node)).collect();
    kinds.values().for_each(|kind| process::draft::check_kind(kind, problems));
    let trees: Vec<&Tree> = decisions.iter().collect();
    let tables = decision::tables(&trees, sources, &library, problems);
    let trees: Vec<&Tree> = processes.iter().collect();
    let definitions = process::processes(&trees, sources, (&library, &kinds, &tables), None, problems);
    problems.check_languages(&library.languages);
    Some((library, tables, definitions))
}

/// Whether a text is a definition; others, such as templates, are only named by definitions.
fn is_definition(name: &str) -> bool {
    let has_end = name.rsplit('/').next().is_some_and(|file| file.contains('.'));
    !has_end || name.ends_with(".yaml") || name.ends_with(".yml")
}

/// Puts the texts of the documents' templates in the place of their files' names.
fn templates(library: &mut Library, draft: &LibraryDraft, sources: &Sources, problems: &Problems) {
    let folder = sources.get(draft.span.file).and_then(|source| source.name.rsplit_once('/')).map(|(folder, _)| folder);
    for document in &draft.documents {
        let Some(template) = &document.template else { continue };
        let path = folder.map_or(template.value.clone(), |folder| format!("{folder}/{}", template.value));
        let found = sources.iter().find(|(_, source)| *source.name == *path).map(|(_, source)| source.text.to_string());
        if found.is_none() {
            let problem =
                Problem::error("no-such-file", template.span, format!("there is no file `{}`", template.value));
            problems.push(problem.help("name a file in the library's folder or below it"));
        }
        if let Some(bound) = library.documents.get_mut(&document.name.value) {
            bound.template = found.unwrap_or_default();
        }
    }
}

/// Reports what `processes` and `decisions` name and nobody brought.
fn missing_files(draft: &LibraryDraft, sources: &Sources, problems: &Problems) {
    let folder = sources.get(draft.span.file).and_then(|source| source.name.rsplit_once('/')).map(|(folder, _)| folder);
    let names: Vec<&str> = sources.iter().map(|(_, source)| &*source.name).collect();
    for wanted in draft.processes.iter().chain(&draft.decisions) {
        let path = folder.map_or(wanted.value.clone(), |folder| format!("{folder}/{}", wanted.value));
        if !names.iter().any(|name| pattern::fits(&path, name)) {
            let message = format!("`{}` fits no file", wanted.value);
            let help = "name a `.yaml` file in the library's folder or below it";
            let near = did_you_mean(&path, names.iter().copied());
            problems.push(Problem::error("no-such-file", wanted.span, message).help(help).maybe_help(near));
        }
    }
}
