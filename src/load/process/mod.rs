//! Process files: from the tree of a file to a checked [`Definition`].
//!
//! `draft` is the file as written; `compile` looks names and types up and makes the graph; the checks are in
//! `load/check`. All processes of a load are drafted first, because they may call each other.

mod compile;
pub(crate) mod draft;
pub(crate) mod notes;
mod plan;
pub(crate) mod signature;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check;
use super::decision::{self, Tables};
use super::problem::{LoadError, Problem, Problems};
use super::read::{Tree, read};
use super::source::Sources;
use crate::element::decide::Table;
use crate::element::definition::{Catalog, Definition};
use crate::entity::Library;
use crate::model::Name;

pub(crate) use compile::Compiled;
use compile::{Cx, compile};
use draft::{Kinds, Process, read_process};
use signature::Signature;
use words::Words;

/// Processes that were loaded beside a library that is there already.
#[derive(Debug)]
#[non_exhaustive]
pub struct Processes {
    /// The decision tables that came along, by name.
    pub decisions: BTreeMap<Name, Arc<Table>>,
    /// The processes, in the order of their texts.
    pub definitions: Vec<Arc<Definition>>,
    /// What their author should look at.
    pub warnings: Vec<Problem>,
}

/// More processes, or other versions, for a library with its processes.
///
/// ```
/// use std::sync::Arc;
/// use stageflow::element::Catalog;
/// use stageflow::load::{library, process, Sources};
/// let mut sources = Sources::new();
/// sources.add("crm.yaml", "library: crm\nentities: {lead: {fields: {name: text}}}\n");
/// let catalog = Catalog::new(Arc::new(library(&sources).unwrap().library));
///
/// let mut more = Sources::new();
/// more.add("greet.yaml", "process: greet\nentity: lead\nsteps:\n  - set: {self.name: '\"hello\"'}\n");
/// assert_eq!(process(&more, &catalog).unwrap().definitions.len(), 1);
/// ```
///
/// # Errors
/// Every problem of every text, when one of them is an error.
pub fn process(sources: &Sources, catalog: &Catalog) -> Result<Processes, LoadError> {
    let problems = Problems::new();
    let trees: Vec<Tree> = sources.iter().filter_map(|(file, source)| read(file, &source.text, &problems)).collect();
    let kinds_of_files: Vec<_> = trees.iter().map(|tree| (super::kind(tree, &problems), tree)).collect();
    let of_kind = |kind| kinds_of_files.iter().filter(move |(found, _)| *found == Some(kind)).map(|(_, tree)| *tree);
    let (library, kinds) = (&catalog.library, kinds_of(&catalog.library));
    let decisions: Vec<&Tree> = of_kind(super::Kind::Decision).collect();
    let decisions = decision::tables(&decisions, sources, library, &problems);
    let mut tables = catalog.decisions.clone();
    tables.extend(decisions.clone());
    let trees: Vec<&Tree> = of_kind(super::Kind::Process).collect();
    let definitions = processes(&trees, sources, (library, &kinds, &tables), Some(catalog), &problems);
    problems.check_languages(&library.languages);
    let warnings = problems.finish(&Arc::new(sources.clone()))?;
    Ok(Processes { decisions, definitions, warnings })
}

/// The task kinds of a library that was loaded earlier, read from its text again.
fn kinds_of(library: &Library) -> Kinds {
    let silent = Problems::new();
    let Some(tree) = read(u32::MAX, &library.text, &silent) else { return Kinds::new() };
    let entries = tree.root.get("task_kinds").map(|node| node.entries().to_vec()).unwrap_or_default();
    entries.into_iter().map(|entry| (Name::new(&*entry.key.text), entry.value)).collect()
}

/// The processes of these files, compiled and checked, alone and together.
pub(super) fn processes(
    trees: &[&Tree],
    sources: &Sources,
    (library, kinds, decisions): (&Library, &Kinds, &Tables),
    catalog: Option<&Catalog>,
    problems: &Problems,
) -> Vec<Arc<Definition>> {
    let drafts: Vec<Process<'_>> = trees.iter().filter_map(|tree| read_process(tree, kinds, problems)).collect();
    let signatures = signatures(&drafts, library, catalog);
    let cx = Cx { words: Words::new(library, problems), problems, signatures: &signatures, decisions };
    let compiled: Vec<Compiled> = drafts.iter().map(|draft| one(&cx, draft, sources)).collect();
    check::processes(&compiled, library, catalog, problems);
    if catalog.is_none() {
        check::unasked(&compiled, &cx.words, problems);
    }
    compiled.into_iter().map(|compiled| Arc::new(compiled.definition)).collect()
}

fn one<'a>(cx: &'a Cx<'a>, draft: &'a Process<'a>, sources: &Sources) -> Compiled {
    let source = sources.get(draft.span.file);
    let (name, text) = source.map_or(("", ""), |source| (&*source.name, &*source.text));
    compile(cx, draft, hash(text), name)
}

/// What processes may know of each other: those of this load, and those that are there.
fn signatures(drafts: &[Process<'_>], library: &Library, catalog: Option<&Catalog>) -> BTreeMap<Name, Vec<Signature>> {
    let mut signatures: BTreeMap<Name, Vec<Signature>> = BTreeMap::new();
    for draft in drafts {
        signatures.entry(draft.name.value.clone()).or_default().push(Signature::of_draft(draft, library));
    }
    let there = catalog.into_iter().flat_map(|catalog| catalog.definitions.values()).flat_map(BTreeMap::values);
    for definition in there {
        let versions = signatures.entry(definition.process.clone()).or_default();
        if !versions.iter().any(|known| known.version == definition.version) {
            versions.push(Signature::of_definition(definition));
        }
    }
    signatures
}

/// The hash by which a version's content is recognised (FNV-1a): the same on every machine, for ever.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
