//! The titles of a library are plain: no record is at hand from which `{...}` could be filled in.

use crate::load::cursor::Spanned;
use crate::load::draft::LibraryDraft;
use crate::load::problem::{Problem, Problems};
use crate::model::Text;

pub(super) fn check(draft: &LibraryDraft, problems: &Problems) {
    let titles = draft.title.iter().chain(of_entities(draft)).chain(of_parts(draft));
    for title in titles.filter(|title| title.value.all().any(|(_, text)| is_filled(text))) {
        let problem = Problem::error("nothing-to-fill", title.span, "in this title nothing can be filled in");
        problems.push(problem.help("leave the braces out; for a brace itself write `{{`"));
    }
}

fn of_entities(draft: &LibraryDraft) -> impl Iterator<Item = &Spanned<Text>> {
    draft.entities.iter().flat_map(|entity| {
        let fields = entity.fields.iter().filter_map(|field| field.decl.title.as_ref());
        let stages = entity.stages.iter().flat_map(|stages| &stages.values).filter_map(|stage| stage.title.as_ref());
        entity.title.iter().chain(fields).chain(stages)
    })
}

fn of_parts(draft: &LibraryDraft) -> impl Iterator<Item = &Spanned<Text>> {
    let rows = draft.lookups.iter().flat_map(|lookup| {
        let rows = lookup.rows.iter().filter_map(|row| row.title.as_ref());
        lookup.title.iter().chain(rows)
    });
    let notices = [&draft.messages, &draft.signals, &draft.errors, &draft.services];
    let notices = notices.into_iter().flatten().filter_map(|notice| notice.title.as_ref());
    let settings = draft.settings.iter().filter_map(|setting| setting.title.as_ref());
    let roles = draft.roles.iter().filter_map(|role| role.title.as_ref());
    let documents = draft.documents.iter().filter_map(|document| document.title.as_ref());
    rows.chain(notices).chain(settings).chain(roles).chain(documents)
}

/// Whether a brace opens that is not doubled.
fn is_filled(text: &str) -> bool {
    text.replace("{{", "").contains('{')
}
