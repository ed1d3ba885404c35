//! One version, one content: runs stay on the version they began with, so it must not change under them.

use std::collections::BTreeMap;

use crate::element::definition::Catalog;
use crate::load::problem::{Problem, Problems};
use crate::model::Span;

use super::walk::Walk;

pub(super) fn check(processes: &[Walk<'_>], catalog: Option<&Catalog>, problems: &Problems) {
    let mut known: BTreeMap<(&str, u32), Span> = BTreeMap::new();
    for Walk { def, notes } in processes {
        let (process, version, hash) = (&*def.process, def.version, def.hash);
        if let Some(first) = known.insert((process, version), notes.span) {
            let problem =
                Problem::error("same-version", notes.span, format!("version {version} of `{process}` is there twice"));
            problems.push(
                problem.label(first, "the first one").help("give this one a higher `version`, or remove one of them"),
            );
        }
        let there = catalog.and_then(|catalog| catalog.get(process, Some(version)));
        if there.is_some_and(|there| there.hash != hash) {
            let message = format!("version {version} of `{process}` is loaded already, with other content");
            let problem = Problem::error("same-version", notes.span, message);
            problems.push(problem.help(format!("write `version: {}`", version.saturating_add(1))));
        }
    }
}
