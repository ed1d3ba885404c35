//! What must hold of a library beside names and types: one file for each.

mod children;
mod computed;
mod roles;

use super::draft::LibraryDraft;
use super::problem::Problems;
use crate::entity::Library;

/// Every check of a library.
pub(super) fn library(draft: &LibraryDraft, library: &Library, problems: &Problems) {
    children::check(draft, library, problems);
    computed::check(draft, library, problems);
    roles::check(draft, problems);
}
