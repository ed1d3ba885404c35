//! `approve`: a task for each of several, and what comes of it.

use super::step::Reader;
use super::{Approve, Outcome, Verb};
use crate::load::cursor::MapReader;
use crate::load::problem::Problem;
use crate::load::read::Node;
use crate::model::Span;

/// How an approval ends.
pub(crate) const VERDICTS: &[&str] = &["approved", "rejected", "void"];

impl<'t> Reader<'t> {
    /// `approve: title`, with `by` and `rule`.
    pub(super) fn approve(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        map.need("by");
        let (by, rule, collect) = (map.list_or_one("by").iter().collect(), map.get("rule"), map.name("collect"));
        for (key, instead) in [
            ("assign", "`by` says who is asked"),
            ("keep", "`collect: name` makes a list of who decided what, with the entries of the form"),
        ] {
            if let Some(entry) = map.entry(key) {
                let problem =
                    Problem::error("unknown-key", entry.key.span, format!("an `approve` step has no key `{key}`"));
                self.problems.push(problem.help(instead));
            }
        }
        let Verb::UserTask(task) = self.user_task(map, value)? else { return None };
        task.outcomes.iter().for_each(|outcome| self.check_verdict(outcome));
        Some(Verb::Approve(Box::new(Approve { task: *task, by, rule, collect })))
    }

    /// What an outcome of the whole may say.
    fn check_verdict(&self, outcome: &Outcome<'t>) {
        if !VERDICTS.contains(&&*outcome.id.value) {
            let message =
                format!("an approval is approved, rejected or void: it has no outcome `{}`", outcome.id.value);
            let problem = Problem::error("unknown-outcome", outcome.id.span, message);
            self.problems.push(problem.help("write a `user_task` where people choose from other outcomes"));
        }
        let set = outcome.set.first().map(|entry| entry.key.span);
        let more: [Option<Span>; 3] = [set, outcome.stage.map(|node| node.span), outcome.again.map(|node| node.span)];
        if let Some(span) = more.into_iter().flatten().next() {
            let message = format!("the outcome `{}` is that of several people", outcome.id.value);
            let problem = Problem::error("wrong-shape", span, message);
            self.problems
                .push(problem.help("it has `title`, `require`, `steps` and `next`: write what changes as `steps`"));
        }
    }
}
