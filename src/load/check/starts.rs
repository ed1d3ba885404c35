//! Processes that begin on the same event: easily one too many.

use crate::element::definition::{Definition, Start, StartTrigger};
use crate::graph::NodeIx;
use crate::load::problem::{Problem, Problems};
use crate::model::{Expr, Name};

/// Warns where what starts one process surely starts another one too.
pub(super) fn check(loaded: &[&Definition], there: &[&Definition], problems: &Problems) {
    for (at, one) in loaded.iter().enumerate() {
        let others = loaded.iter().skip(at.saturating_add(1)).chain(there);
        for other in others.filter(|other| other.process != one.process) {
            let pairs = one.starts.iter().flat_map(|start| other.starts.iter().map(move |also| (start, also)));
            let event = pairs.filter_map(|(start, also)| shared(start, also)).next();
            let span =
                other.graph.node(NodeIx::PROCESS).or_else(|| one.graph.node(NodeIx::PROCESS)).map(|node| node.span);
            if let Some((event, span)) = event.zip(span) {
                let message = format!("`{}` and `{}` both start on {event}", one.process, other.process);
                let help = "if only one of them is meant, tell them apart with `when`";
                problems.push(Problem::warning("same-start", span, message).help(help));
            }
        }
    }
}

/// The event that two starts share, when whatever fits the one fits the other: as far as that shows without trying values.
fn shared(one: &Start, other: &Start) -> Option<String> {
    match (&one.trigger, &other.trigger) {
        (StartTrigger::Record(one), StartTrigger::Record(other)) => {
            let same = one.entity == other.entity && one.kind == other.kind;
            let apart =
                |one: &[Name], other: &[Name]| !one.is_empty() && !one.iter().any(|column| other.contains(column));
            let apart = apart(&one.changed, &other.changed) && !other.changed.is_empty();
            let kind = format!("{:?}", one.kind).to_lowercase();
            let both = same && !apart && alike(one.when.as_ref(), other.when.as_ref());
            both.then(|| format!("`{}.{kind}`", one.entity))
        }
        (StartTrigger::Message(one, when), StartTrigger::Message(other, also)) => {
            (one == other && alike(when.as_ref(), also.as_ref())).then(|| format!("the message `{one}`"))
        }
        (StartTrigger::Signal(one, when), StartTrigger::Signal(other, also)) => {
            (one == other && alike(when.as_ref(), also.as_ref())).then(|| format!("the signal `{one}`"))
        }
        _ => None,
    }
}

fn alike(one: Option<&Expr>, other: Option<&Expr>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => !one.excludes(other),
        _ => true,
    }
}
