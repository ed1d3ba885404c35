//! The verbs that branch, repeat and hold other steps.

use super::step::Reader;
use super::{Call, Case, Each, Group, Otherwise, Over, Repeat, StageList, Step, Test, Then, ValueCase, Variable, Verb};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::draft::Decl;
use crate::load::draft::entity::limited;
use crate::load::problem::Problem;
use crate::load::read::{Entry, Node, Yaml};
use crate::model::{Name, Text};

impl<'t> Reader<'t> {
    /// `choose: [{when, ...}]`, or `choose: expr` with `cases`.
    pub(super) fn choose(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        if let Yaml::Seq(_) = value.yaml {
            return Some(Verb::Choose(self.cases(value)));
        }
        let Some(_) = cursor::scalar(value, "a list of cases, or an expression with `cases`", self.problems) else {
            map.allow(&["cases", "otherwise"]);
            return None;
        };
        map.need("cases");
        let mut cases: Vec<ValueCase<'t>> = map.map("cases").iter().map(|entry| self.value_case(entry)).collect();
        if let Some(entry) = map.entry("otherwise") {
            let then = self.then_of(&entry.value);
            let title = self.title_of(&entry.value);
            cases.push(ValueCase { values: Vec::new(), span: entry.key.span, title, then });
        }
        Some(Verb::ChooseOn { on: value, cases })
    }

    fn value_case(&self, entry: &'t Entry) -> ValueCase<'t> {
        let then = self.then_of(&entry.value);
        let values = parts(&entry.key.text).map(|text| Spanned::new(text.to_owned(), entry.key.span)).collect();
        ValueCase { values, span: entry.key.span, title: self.title_of(&entry.value), then }
    }

    /// The title of a branch that is written as a mapping.
    fn title_of(&self, node: &'t Node) -> Option<Spanned<Text>> {
        cursor::title(node.get("title")?, self.problems)
    }

    /// Branches with conditions, and the one without.
    fn cases(&self, node: &'t Node) -> Vec<Case<'t>> {
        let items = cursor::list(node, "a list of cases", self.problems).unwrap_or_default();
        let cases: Vec<Case<'t>> = items.iter().filter_map(|item| self.case(item)).collect();
        let last = cases.len().saturating_sub(1);
        for (at, case) in cases.iter().enumerate() {
            if case.when.is_none() && at != last {
                let problem = Problem::error("wrong-shape", case.span, "`otherwise` must be the last case");
                self.problems.push(problem.help("cases are tried in written order; move it to the end"));
            }
        }
        cases
    }

    fn case(&self, item: &'t Node) -> Option<Case<'t>> {
        let map = MapReader::new(item, "a case", self.problems)?;
        let (when, otherwise) = (map.get("when"), map.entry("otherwise"));
        let (id, title) = (map.name("id"), map.title());
        let mut then = self.then(&map);
        match (when, otherwise) {
            (None, Some(entry)) if !entry.value.is_blank() => {
                if then.steps.is_some() || then.next.is_some() {
                    let problem = Problem::error("wrong-shape", item.span, "expected the way on once, found it twice");
                    self.problems.push(problem.help("write it behind `otherwise:`, or under `steps` or `next`"));
                }
                then = self.then_of(&entry.value);
            }
            (None, Some(_)) | (Some(_), None) => {}
            (None, None) => self.problems.error("missing-key", item.span, "a case needs the key `when` or `otherwise`"),
            (Some(_), Some(entry)) => {
                let problem = Problem::error("wrong-shape", entry.key.span, "a case has either `when` or `otherwise`");
                self.problems.push(problem.help("`otherwise` is a case of its own, the last one"));
            }
        }
        map.finish();
        Some(Case { span: item.span, id, when, title, then })
    }

    /// `parallel: {branch: [steps]}`, with `until` how many, or which.
    pub(super) fn parallel(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let entries = cursor::entries(value, "the branches of `parallel`", self.problems)?;
        let branch = |entry: &'t Entry| Some((cursor::key_name(&entry.key, self.problems)?, self.steps(&entry.value)));
        let branches: Vec<_> = entries.iter().filter_map(branch).collect();
        if branches.len() < 2 {
            let problem = Problem::error("wrong-shape", value.span, "expected two branches or more in `parallel`");
            self.problems.push(problem.help("write `parallel: {one: [steps], other: [steps]}`"));
        }
        Some(Verb::Parallel { branches, until: map.get("until") })
    }

    pub(super) fn all_that_apply(&self, _: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        Some(Verb::AllThatApply(self.cases(value)))
    }

    pub(super) fn race(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let events = self.events_at(map, "race", super::event::RACE);
        if value.items().is_empty() {
            self.problems.error("wrong-shape", map.span(), "expected the events of a race, found none");
        }
        Some(Verb::Race(events))
    }

    /// `by_stage: ref` with `stages` and `all_done`.
    pub(super) fn by_stage(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        map.need("stages");
        let mut lists = Vec::new();
        let mut otherwise = None;
        for entry in map.map("stages") {
            if &*entry.key.text != "otherwise" {
                lists.extend(self.stage_list(entry));
                continue;
            }
            otherwise = Some(match entry.value.word() {
                Some("wait") => Otherwise::Wait,
                _ => Otherwise::Steps(entry.key.span, self.steps(&entry.value)),
            });
        }
        let all_done = self.steps_at(map, "all_done");
        let otherwise = otherwise.unwrap_or(Otherwise::Wait);
        Some(Verb::ByStage { record: value, lists, otherwise, all_done })
    }

    fn stage_list(&self, entry: &'t Entry) -> Option<StageList<'t>> {
        let mut stages = Vec::new();
        for part in parts(&entry.key.text) {
            if !Name::is_valid(part) {
                let problem = Problem::error("bad-name", entry.key.span, format!("`{part}` is not a stage"));
                self.problems.push(problem.help("write `stage: [steps]`, or `one, other: [steps]`"));
                return None;
            }
            stages.push(Spanned::new(Name::new(part), entry.key.span));
        }
        Some(StageList { stages, span: entry.key.span, steps: self.steps(&entry.value) })
    }

    /// `in_stage: ref at value`.
    pub(super) fn in_stage(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let steps = self.need_steps(map);
        cursor::scalar(value, "a place such as `self at qualification`", self.problems)?;
        Some(Verb::InStage { place: value, steps })
    }

    pub(super) fn each(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let steps = self.need_steps(map);
        let (at_once, until, collect) = (map.get("at_once"), map.get("until"), map.map("collect"));
        cursor::scalar(value, "an item and its list, such as `line in self.lines`", self.problems)?;
        Some(Verb::Each(Box::new(Each { over: Over::List(value), steps, at_once, until, collect, throws: Vec::new() })))
    }

    /// `repeat: {while or until: condition, max: 100}`.
    pub(super) fn repeat(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let steps = self.need_steps(map);
        let inner = MapReader::new(value, "`repeat`", self.problems)?;
        let (go_on, until, max) = (inner.get("while"), inner.get("until"), inner.int("max"));
        let test = match (go_on, until) {
            (Some(test), None) => Some((Test::While, test)),
            (None, Some(test)) => Some((Test::Until, test)),
            _ => {
                self.problems.error("wrong-shape", value.span, "expected one of `while` and `until` in a `repeat`");
                None
            }
        };
        if inner.get("max").is_none() {
            let problem = Problem::error("repeat-without-max", value.span, "a `repeat` needs the key `max`");
            self.problems.push(problem.help("write how many rounds are surely enough, for example `max: 100`"));
        }
        inner.finish();
        Some(Verb::Repeat(Box::new(Repeat { test, max, capped: false, steps })))
    }

    pub(super) fn group(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let transaction = map.bool("transaction").is_some_and(|flag| flag.value);
        let vars = self.variables(map, "vars");
        let handlers = self.events_at(map, "handlers", super::event::BOUNDARY);
        Some(Verb::Group(Box::new(Group {
            transaction,
            ad_hoc: None,
            steps: self.steps(value),
            net: None,
            vars,
            handlers,
        })))
    }

    pub(super) fn call(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let (record, with, take) = (map.get("for"), map.map("with"), map.map("take"));
        let version = map.int("version");
        let detached = map.bool("detached").is_some_and(|flag| flag.value);
        Some(Verb::Call(Box::new(Call { process: self.id(value)?, record, with, take, version, detached })))
    }

    fn need_steps(&self, map: &MapReader<'t>) -> Vec<Step<'t>> {
        map.need("steps");
        self.steps_at(map, "steps").unwrap_or_default()
    }

    /// Variables with their types.
    pub(super) fn variables(&self, map: &MapReader<'t>, key: &'static str) -> Vec<Variable> {
        let what = if key == "params" { "a parameter" } else { "a variable" };
        let read = |entry: &'t Entry| {
            let (mut out, before) = (false, self.problems.errors());
            let decl = Decl::of(entry, what, self.problems, |map| {
                if what == "a parameter" {
                    out = map.bool("out").is_some_and(|flag| flag.value);
                }
                map.allow(&["doc"]);
            })?;
            if decl.ty.is_none() && decl.initial.is_none() && self.problems.errors() == before {
                let problem = Problem::error("missing-key", decl.span, format!("`{}` needs a type", decl.name.value));
                self.problems.push(problem.help("write `name: text`, or `name: {type: text, initial: ...}`"));
            }
            if let (Some(currency), true) = (&decl.currency, decl.ty.is_some()) {
                let problem = Problem::error("unknown-key", currency.span, format!("{what} has no key `in`"));
                self.problems.push(problem.help("an amount outside a record brings its own currency"));
            }
            Some(Variable { decl, out })
        };
        limited(map.map(key), key, self.problems).iter().filter_map(read).collect()
    }
}

/// The parts of a key such as `a, b`.
fn parts(key: &str) -> impl Iterator<Item = &str> {
    key.split(',').map(str::trim).filter(|part| !part.is_empty())
}

impl Then<'_> {
    /// Whether it says nothing: it goes on behind the branching step.
    pub fn is_empty(&self) -> bool {
        self.steps.is_none() && self.next.is_none()
    }
}
