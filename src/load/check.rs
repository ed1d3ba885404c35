//! What must hold of a library and its processes beside names and types: one file for each.

mod branches;
mod calls;
mod children;
mod computed;
mod ends;
mod joins;
mod loops;
mod moves;
mod reach;
mod roles;
mod starts;
mod traffic;
mod unasked;
mod until;
mod variables;
mod versions;
mod walk;

use super::draft::LibraryDraft;
use super::problem::Problems;
use super::process::Compiled;
pub(super) use unasked::check as unasked;

use crate::element::definition::{Catalog, Definition};
use crate::entity::Library;

/// Every check of a library.
pub(super) fn library(draft: &LibraryDraft, library: &Library, problems: &Problems) {
    children::check(draft, library, problems);
    computed::check(draft, library, problems);
    roles::check(draft, problems);
}

/// Every check of the processes of a load: each alone, then all together with those that are there already.
pub(super) fn processes(loaded: &[Compiled], library: &Library, catalog: Option<&Catalog>, problems: &Problems) {
    let walks: Vec<walk::Walk<'_>> =
        loaded.iter().map(|process| walk::Walk { def: &process.definition, notes: &process.notes }).collect();
    for walk in &walks {
        reach::check(walk, problems);
        ends::check(walk, problems);
        loops::check(walk, problems);
        variables::check(walk, problems);
        branches::check(walk, problems);
        until::check(walk, problems);
        joins::check(walk, problems);
        moves::check(walk, library, problems);
    }
    versions::check(&walks, catalog, problems);
    calls::check(&walks, problems);
    let here: Vec<&Definition> = loaded.iter().map(|process| &process.definition).collect();
    let newest = catalog.into_iter().flat_map(Catalog::all_newest).map(|there| &**there);
    let replaced = |there: &&Definition| here.iter().any(|process| process.process == there.process);
    let there: Vec<&Definition> = newest.filter(|there| !replaced(there)).collect();
    traffic::check(&here, &there, library, problems);
    starts::check(&here, &there, problems);
}
