//! Roles inherit roles that exist, and never themselves.

use std::collections::{BTreeMap, BTreeSet};

use crate::load::bind::cycle;
use crate::load::draft::LibraryDraft;
use crate::load::problem::{Problem, Problems};
use crate::model::Name;

pub(super) fn check(draft: &LibraryDraft, problems: &Problems) {
    let known: BTreeSet<&Name> = draft.roles.iter().map(|role| &role.name.value).collect();
    for name in draft.roles.iter().flat_map(|role| &role.inherits) {
        if !known.contains(&name.value) {
            let problem = Problem::error("unknown-role", name.span, format!("there is no role `{}`", name.value));
            let help = problems.did_you_mean(&name.value, || known.iter().copied().cloned().collect());
            problems.push(problem.maybe_help(help));
        }
    }
    let inherits = |role: &crate::load::draft::parts::RoleDraft| {
        (role.name.value.clone(), role.inherits.iter().map(|name| name.value.clone()).collect())
    };
    let graph: BTreeMap<Name, Vec<Name>> = draft.roles.iter().map(inherits).collect();
    for round in cycle::all(&graph) {
        let place = draft.roles.iter().find(|role| round.first() == Some(&role.name.value));
        let way: Vec<&str> = round.iter().chain(round.first()).map(|name| &**name).collect();
        let message = format!("the roles inherit each other: {}", way.join(" -> "));
        let span = place.map_or(draft.span, |role| role.name.span);
        problems.push(Problem::error("role-cycle", span, message).help("leave one `inherits` out"));
    }
}
