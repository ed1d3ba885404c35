//! `ad_hoc`: steps that people choose from, in both forms.

use super::step::Reader;
use super::{AdHoc, Group, Step, Verb};
use crate::load::cursor::{MapReader, Spanned};
use crate::load::problem::Problem;
use crate::load::read::Node;

impl<'t> Reader<'t> {
    /// `ad_hoc: [steps]`.
    pub(super) fn ad_hoc(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let ad_hoc = Some(self.ad_hoc_keys(map));
        let vars = self.variables(map, "vars");
        let handlers = self.events_at(map, "handlers", super::event::BOUNDARY);
        let steps = self.steps(value);
        steps.iter().for_each(|step| self.check_choice(step));
        Some(Verb::Group(Box::new(Group { transaction: false, ad_hoc, steps, net: None, vars, handlers })))
    }

    /// What is said of the choosing.
    pub(super) fn ad_hoc_keys(&self, map: &MapReader<'t>) -> AdHoc<'t> {
        let found = AdHoc {
            until: map.get("until"),
            at_once: self.at_most_at_once(map),
            cancel_rest: map.bool("cancel_rest").is_none_or(|flag| flag.value),
            begin: map.get("begin"),
            roles: map.names("roles"),
            done: map.get("done").and_then(|node| self.title_at(node)),
        };
        if let (Some(done), true) = (&found.done, found.until.is_some() || found.begin.is_some()) {
            let problem = Problem::error("wrong-shape", done.node.span, "nobody ends this by hand: it has no `done`");
            self.problems.push(
                problem
                    .help("with `until` it ends by itself; with `begin` when nothing runs any more; leave `done` out"),
            );
        }
        found
    }

    fn at_most_at_once(&self, map: &MapReader<'t>) -> Option<Spanned<i64>> {
        if map.get("at_once").and_then(Node::word) == Some("all") {
            return None;
        }
        let most = map.int("at_once")?;
        if most.value < 1 {
            self.problems.error("wrong-type", most.span, "expected `all`, or 1 or more at once");
        }
        Some(most)
    }

    /// What a person chooses is called by its id, and has no condition of its own.
    fn check_choice(&self, step: &Step<'t>) {
        if let Verb::Go(target) = &step.verb {
            let problem = Problem::error("wrong-shape", target.span, "this step does nothing that could be chosen");
            self.problems.push(problem.help("leave it out; `next` leads from one step of an `ad_hoc` to another"));
        } else if step.id.is_none() && !step.word.is_empty() {
            let problem = Problem::error("missing-key", step.at, "a step that people choose needs an id");
            self.problems.push(problem.help("write `- id: ...` before its verb"));
        }
        if let Some(condition) = step.condition {
            let problem = Problem::error("wrong-shape", condition.span, "a step that people choose has no `if`");
            self.problems.push(problem.help("put it into a `group`, and write the `if` there"));
        }
    }
}
