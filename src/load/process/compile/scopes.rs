//! Steps that hold a scope: groups, the lists of stages, rounds.

use super::lists::Border;
use super::{At, Compiler};
use crate::element::Element;
use crate::element::stage_scope::{Otherwise, StageScope};
use crate::element::start_event::Nothing;
use crate::element::sub_process::SubProcess;
use crate::graph::NodeIx;
use crate::load::draft::ExprText;
use crate::load::problem::Problem;
use crate::load::process::draft::{self, Group, StageList, Step, Verb};
use crate::load::process::plan::{NewNode, join};
use crate::load::read::Node;
use crate::model::suggest::did_you_mean;
use crate::model::{Expr, Name, Schema, Span, Text};

/// The stages that a record surely is in.
#[derive(Clone, Debug)]
pub(super) struct KnownStage {
    /// The record, as written.
    record: String,
    entity: Name,
    stages: Vec<Name>,
}

/// The record whose stages lists belong to.
struct Staged {
    record: Expr,
    text: String,
    entity: Name,
    column: Name,
}

impl<'a> Compiler<'a> {
    pub(super) fn scoped(&mut self, at: &At<'a>) -> Option<NodeIx> {
        match &at.step.verb {
            Verb::Gate(_) => Some(self.simple(at, Element::Nothing(Nothing))),
            Verb::Throws(steps) => {
                let entry = self.inside(at, |this| this.list(steps, Border::None, at.after));
                self.plan.same(at.entry, entry);
                None
            }
            Verb::Group(group) => Some(self.group(at, group)),
            Verb::Each(each) => Some(self.each(at, each)),
            Verb::Repeat(repeat) => Some(self.repeat(at, repeat)),
            Verb::ByStage { record, lists, otherwise, all_done } => {
                self.by_stage(at, record, lists, otherwise, all_done.as_deref())
            }
            Verb::InStage { place, steps } => self.in_stage(at, place, steps),
            _ => None,
        }
    }

    fn group(&mut self, at: &At<'a>, group: &'a Group<'a>) -> NodeIx {
        let node = self.simple(at, Element::SubProcess(SubProcess));
        if group.transaction {
            self.transactions.insert(node);
        }
        self.scope_at(at, node, |this| {
            this.declare_all("vars", &group.vars);
            if let Some(ad_hoc) = &group.ad_hoc {
                return this.ad_hoc(at, node, group, ad_hoc);
            }
            this.fill((&group.steps, group.net.as_ref()), &group.handlers, (Border::Scope, Some(node)), at.step.at);
        });
        node
    }

    /// The scope of a step's own node; the keys inside go by the step's id, if it has one.
    pub(super) fn scope_at<T>(&mut self, at: &At<'a>, node: NodeIx, inside: impl FnOnce(&mut Self) -> T) -> T {
        let prefix = match &at.step.id {
            Some(id) => join(&self.scope.prefix, &id.value),
            None => self.scope.prefix.clone(),
        };
        self.scope_of(node, at.key.clone(), |this| {
            this.scope.prefix = prefix;
            inside(this)
        })
    }

    /// The record whose stage a step follows.
    fn staged(&mut self, text: &ExprText) -> Option<Staged> {
        let names = self.names();
        let record = self.compile(text, &names, None)?;
        let entities = self.entities_of(&record, text.span);
        let [entity] = entities.as_slice() else {
            let message = format!("expected a record of one entity, found {}", record.ty());
            self.cx.problems.error("wrong-type", text.span, message);
            return None;
        };
        let Some(column) = self.cx.words.stage_column(entity) else {
            self.cx.problems.error("unknown-stage", text.span, format!("`{entity}` has no stages"));
            return None;
        };
        Some(Staged { record, text: text.text.trim().to_owned(), entity: entity.clone(), column })
    }

    fn by_stage(
        &mut self,
        at: &At<'a>,
        record: &'a Node,
        lists: &'a [StageList<'a>],
        otherwise: &'a draft::Otherwise<'a>,
        all_done: Option<&'a [Step<'a>]>,
    ) -> Option<NodeIx> {
        let text = ExprText::of(record, self.cx.problems);
        let Some(staged) = text.and_then(|text| self.staged(&text)) else {
            return self.unstaged(at, lists.iter().map(|list| list.steps.as_slice()).chain(all_done).collect());
        };
        let node = self.simple(at, Element::Nothing(Nothing));
        let all = self.cx.words.library.stages(&staged.entity);
        let mut listed: Vec<(Name, NodeIx)> = Vec::new();
        self.inside(at, |this| {
            for list in lists {
                let stages = this.stages_of(&staged.entity, list, &all, &listed);
                let part = list.stages.iter().map(|stage| &*stage.value).collect::<Vec<_>>().join("+");
                let inner = this.stage_list(node, &staged, &stages, &part, &list.steps, list.span);
                listed.extend(stages.into_iter().map(|stage| (stage, inner)));
            }
            let is_open = |stage: &Name| !listed.iter().any(|(known, _)| known == stage);
            let open: Vec<Name> = all
                .iter()
                .filter(|stage| is_open(stage) && !this.cx.words.library.is_final(&staged.entity, stage))
                .cloned()
                .collect();
            let otherwise = match otherwise {
                draft::Otherwise::Wait => Otherwise::Wait,
                draft::Otherwise::Steps(span, steps) => {
                    Otherwise::List(this.stage_list(node, &staged, &open, "otherwise", steps, *span))
                }
            };
            let all_done = all_done.map(|steps| this.stage_list(node, &staged, &[], "all_done", steps, at.step.at));
            this.place_stages(node, staged, listed, (otherwise, all_done, false));
        });
        Some(node)
    }

    fn place_stages(
        &mut self,
        node: NodeIx,
        staged: Staged,
        lists: Vec<(Name, NodeIx)>,
        (otherwise, all_done, once): (Otherwise, Option<NodeIx>, bool),
    ) {
        let Staged { record, entity, column, .. } = staged;
        let room = StageScope { record, entity, column, lists, otherwise, all_done, once };
        if let Some(element) = self.plan.element(node) {
            *element = Element::StageScope(Box::new(room));
        }
    }

    /// Where the record is unknown, the lists are compiled all the same, for their problems.
    fn unstaged(&mut self, at: &At<'a>, lists: Vec<&'a [Step<'a>]>) -> Option<NodeIx> {
        self.notes.sound = false;
        let node = self.simple(at, Element::Nothing(Nothing));
        for steps in lists {
            let key = self.plan.unnamed(&at.key, "list");
            self.list_scope(node, key, steps, at.step.at);
        }
        Some(node)
    }

    fn stages_of(&mut self, entity: &Name, list: &StageList<'_>, all: &[Name], listed: &[(Name, NodeIx)]) -> Vec<Name> {
        let mut stages: Vec<Name> = Vec::new();
        for stage in &list.stages {
            if !all.contains(&stage.value) {
                let problem =
                    Problem::error("unknown-stage", stage.span, format!("`{entity}` has no stage `{}`", stage.value));
                self.cx.problems.push(problem.maybe_help(did_you_mean(&stage.value, all.iter().map(|name| &**name))));
                self.notes.sound = false;
            } else if stages.contains(&stage.value) || listed.iter().any(|(known, _)| *known == stage.value) {
                let message = format!("the stage `{}` has two lists", stage.value);
                self.cx.problems.error("duplicate-case", stage.span, message);
            } else {
                stages.push(stage.value.clone());
            }
        }
        stages
    }

    /// The list of some stages: a sub-process that no flow leads to.
    fn stage_list(
        &mut self,
        host: NodeIx,
        staged: &Staged,
        stages: &[Name],
        part: &str,
        steps: &'a [Step<'a>],
        span: Span,
    ) -> NodeIx {
        let known = KnownStage { record: staged.text.clone(), entity: staged.entity.clone(), stages: stages.to_vec() };
        let outer = self.stage.replace(known);
        let key = join(&self.scope.prefix, part);
        let node = self.list_scope(host, key, steps, span);
        self.stage = outer;
        node
    }

    fn list_scope(&mut self, host: NodeIx, key: String, steps: &'a [Step<'a>], span: Span) -> NodeIx {
        let new = NewNode { key: key.clone(), id: None, title: Text::default(), scope: self.scope.node, span };
        let node = self.add(new, Element::SubProcess(SubProcess));
        self.stage_depth = self.stage_depth.saturating_add(1);
        self.scope_of(node, key, |this| this.fill((steps, None), &[], (Border::Scope, Some(host)), span));
        self.stage_depth = self.stage_depth.saturating_sub(1);
        node
    }

    /// `in_stage: self at qualification`.
    fn in_stage(&mut self, at: &At<'a>, place: &'a Node, steps: &'a [Step<'a>]) -> Option<NodeIx> {
        let halves = self.halves(place, " at ", "a place such as `self at qualification`");
        let found = halves.and_then(|(record, stage)| Some((self.staged(&record)?, stage)));
        let Some((staged, stage)) = found else { return self.unstaged(at, vec![steps]) };
        let name = Name::new(stage.text.trim());
        let all = self.cx.words.library.stages(&staged.entity);
        if !all.contains(&name) {
            let problem =
                Problem::error("unknown-stage", stage.span, format!("`{}` has no stage `{name}`", staged.entity));
            self.cx.problems.push(problem.maybe_help(did_you_mean(&name, all.iter().map(|name| &**name))));
        }
        let node = self.simple(at, Element::Nothing(Nothing));
        self.inside(at, |this| {
            let list = this.stage_list(node, &staged, std::slice::from_ref(&name), &name.clone(), steps, at.step.at);
            this.place_stages(node, staged, vec![(name, list)], (Otherwise::Pass, None, true));
        });
        Some(node)
    }

    /// Whether a move surely leaves the stage in whose list it stands. A move that the entity forbids is reported.
    pub(super) fn check_move(&self, record: &str, entity: &Name, to: &Expr, span: Span) -> bool {
        let Some(known) = self.stage.as_ref().filter(|known| known.record == record.trim() && known.entity == *entity)
        else {
            return false;
        };
        let Some(to) = super::data::constant_word(to).filter(|_| !known.stages.is_empty()) else { return false };
        if known.stages.contains(&to) {
            return false;
        }
        let words = &self.cx.words;
        if known.stages.iter().all(|from| !words.may_move(entity, from, &to)) {
            let from: Vec<&str> = known.stages.iter().map(|stage| &**stage).collect();
            let from = from.join(", ");
            let message = format!("`{entity}` may not move from `{from}` to `{to}`");
            let problem = Problem::error("forbidden-move", span, message);
            self.cx.problems.push(problem.maybe_help(words.moves_help(entity, &known.stages)));
        }
        true
    }
}
