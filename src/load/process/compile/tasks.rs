//! User tasks: who gets them, what they ask for, and where their outcomes lead.

use super::lists::Border;
use super::vars::Seen;
use super::{At, Compiler};
use crate::element::Element;
use crate::element::definition::{Assignment, FormEntry, Root, VarRef};
use crate::element::user_task::{Again, OutcomeRule, UserTask};
use crate::graph::NodeIx;
use crate::load::cursor::Spanned;
use crate::load::draft::ExprText;
use crate::load::problem::Problem;
use crate::load::process::draft::{FormItem, Outcome, Task};
use crate::load::process::plan::Label;
use crate::load::read::Node;
use crate::model::suggest::did_you_mean;
use crate::model::{Name, Names, Schema, Span, Text, Type};

/// An outcome on its way into the graph.
struct Path {
    rule: OutcomeRule,
    /// Whether its move surely leaves the stage.
    leaves: bool,
    /// The variables that it surely writes.
    writes: Vec<(VarRef, Span)>,
}

impl<'a> Compiler<'a> {
    pub(super) fn user_task(&mut self, at: &At<'a>, task: &'a Task<'a>) -> NodeIx {
        let names = self.names();
        let title = task.title.as_ref().map(|title| self.template(title.node, &names)).unwrap_or_default();
        let assign = match (task.assign, self.lane) {
            (Some(assign), _) => self.assignment(assign),
            (None, Some(role)) => Some(Assignment::Role(role.value.clone())),
            (None, None) => None,
        };
        let category = task.category.as_ref().map(|category| {
            self.cx.words.task_word("category", category);
            category.value.clone()
        });
        if assign.is_none() && task.assign.is_none() && self.process.assign.is_none() {
            let problem = Problem::warning("no-assignee", at.step.at, "nothing says who gets this task");
            self.cx
                .problems
                .push(problem.help(
                    "write `assign: self.owner` or `assign: role(...)`, here or for all: `tasks: {assign: ...}`",
                ));
        }
        let form_key = task.form_key.map(|key| self.template(key, &names));
        let (form, kept) = self.task_form(at, task);
        let record = self.task_record(task, &names);
        let due = task.due.map(|due| self.instant(due, &names));
        let start_in = task.start_in.map(|start| self.instant(start, &names));
        let remind = task.remind.and_then(|remind| self.remind(remind, &names));
        let names = self.outcome_names(task);
        let outcomes = self.outcomes(task, &names);
        let mut paths = Vec::new();
        let before = std::mem::take(&mut self.writes);
        for outcome in outcomes {
            paths.push(self.path(outcome, task, &names));
        }
        self.writes = before;
        let outcomes = Vec::new();
        let room = UserTask { title, assign, category, form_key, form, record, due, start_in, remind, outcomes };
        let shown = self.title(at.step.title.as_ref().or(task.title.as_ref()));
        let node = self.titled(at, shown, Element::UserTask(Box::new(room)));
        let rules = self.task_flows(at, node, task, paths, kept);
        if let Some(Element::UserTask(room)) = self.plan.element(node) {
            room.outcomes = rules;
        }
        node
    }

    /// The form, and the entries that outlive the task: those under `keep`, and all of them where outcomes have steps.
    fn task_form(&mut self, at: &At<'a>, task: &'a Task<'a>) -> (Vec<FormEntry>, Vec<Seen>) {
        let has_steps = task.outcomes.iter().any(|outcome| outcome.follow.steps.is_some());
        for name in &task.keep {
            if !task.form.iter().any(|item| matches!(item, FormItem::Entry(decl) if decl.name.value == name.value)) {
                let known: Vec<String> = task.form.iter().map(FormItem::key).collect();
                let what = "entry of the form named";
                self.cx.words.unknown("unknown-entry", what, &name.value, name.span, known.iter().map(String::as_str));
            }
        }
        let mut kept: Vec<Seen> = Vec::new();
        let mut form = Vec::new();
        for item in &task.form {
            let entry = self.form_entry(item, &mut |this, item, ty| {
                let FormItem::Entry(decl) = item else { return None };
                if task.keep.iter().any(|name| name.value == decl.name.value) {
                    let var = this.variable(&decl.name, None)?;
                    this.write(var, decl.name.span);
                    return Some(var);
                }
                let var = has_steps.then(|| {
                    let name = Name::new(format!("{}.{}", at.key, decl.name.value));
                    this.add_var(this.scope.node, name, ty.clone(), None)
                })?;
                kept.push(Seen {
                    group: "form",
                    name: decl.name.value.clone(),
                    ty: ty.clone(),
                    var,
                    span: decl.name.span,
                });
                Some(var)
            });
            form.extend(entry);
        }
        (form, kept)
    }

    /// The columns of the task's own record.
    pub(super) fn task_record(&mut self, task: &'a Task<'a>, names: &Names) -> Vec<(Name, crate::model::Expr)> {
        let Some(first) = task.record.first() else { return Vec::new() };
        let Some(entity) = self.cx.words.task_entity() else {
            let message = "user tasks have no records here: the library has no `tasks`";
            self.cx.problems.error("unknown-entity", first.key.span, message);
            return Vec::new();
        };
        let entity = std::slice::from_ref(&entity);
        task.record.iter().flat_map(|entry| self.columns(entity, std::slice::from_ref(*entry), names)).collect()
    }

    /// `1 h before`.
    pub(super) fn remind(&mut self, node: &'a Node, names: &Names) -> Option<crate::model::Expr> {
        let scalar = crate::load::cursor::scalar(node, "a length of time such as `1 h before`", self.cx.problems)?;
        let length = scalar.text.trim_end().strip_suffix("before").map_or(scalar.text.len(), str::len);
        let text = ExprText::part(node, 0..length);
        Some(self.instant_text(&text, names))
    }

    /// Who gets a task: a user, `role(x)`, or `role(=expr)`.
    pub(super) fn assignment(&mut self, node: &'a Node) -> Option<Assignment> {
        let names = self.names();
        if let Some(role) = self.role_of(node, &names) {
            return role;
        }
        let user = self.cx.words.library.is_entity("user").then(|| Type::reference("user"));
        Some(Assignment::User(self.expr(node, &names, user.as_ref())))
    }

    /// The role of `role(x)` and `role(=expr)`, when that is what is written.
    pub(super) fn role_of(&mut self, node: &'a Node, names: &Names) -> Option<Option<Assignment>> {
        let text = node.word()?.trim();
        let role = text.strip_prefix("role(").and_then(|rest| rest.strip_suffix(')'))?;
        let from = node.word().and_then(|word| word.find('(')).unwrap_or_default().saturating_add(1);
        let part = ExprText::part(node, from..from.saturating_add(role.len()));
        if role.trim_start().starts_with('=') {
            return Some(self.compile(&part, names, Some(&Type::Text)).map(Assignment::RoleOf));
        }
        let role = Spanned::new(Name::new(role.trim()), part.span);
        Some(self.cx.words.role(&role).then_some(Assignment::Role(role.value)))
    }

    /// What an outcome's expressions see besides: the form and the task.
    pub(super) fn outcome_names(&mut self, task: &'a Task<'a>) -> Names {
        let mut names = self.names();
        for item in &task.form {
            if let FormItem::Entry(decl) = item {
                let ty = self.form_type(item, &crate::load::problem::Problems::new());
                let slot = self.slot(Root::Form(decl.name.value.clone()));
                names.shadow(&decl.name.value).member("form", &*decl.name.value, ty, slot);
            }
        }
        let user = if self.cx.words.library.is_entity("user") { Type::reference("user") } else { Type::Any };
        let about =
            [(Name::new("title"), Type::Text), (Name::new("assignee"), user), (Name::new("outcome"), Type::Text)];
        names.shadow("task").root("task", Type::Map(about.into()), self.slot(Root::Task));
        names
    }

    /// The outcomes, in order; a single `completed` when none is named.
    fn outcomes(&mut self, task: &'a Task<'a>, names: &Names) -> Vec<Option<&'a Outcome<'a>>> {
        let _ = names;
        if task.outcomes.is_empty() {
            return vec![None];
        }
        for (at, outcome) in task.outcomes.iter().enumerate() {
            if let Some(first) = task.outcomes.iter().take(at).find(|first| first.id.value == outcome.id.value) {
                let message = format!("the outcome `{}` is written twice", outcome.id.value);
                let problem = Problem::error("duplicate-id", outcome.id.span, message);
                self.cx.problems.push(problem.label(first.id.span, "first written here"));
            }
        }
        task.outcomes.iter().map(Some).collect()
    }

    fn path(&mut self, outcome: Option<&'a Outcome<'a>>, task: &'a Task<'a>, names: &Names) -> Path {
        let Some(outcome) = outcome else {
            let id = Name::new("completed");
            let title = self.cx.words.outcome_title(&id).into();
            let rule = OutcomeRule { id, title, ..OutcomeRule::default() };
            return Path { rule, leaves: false, writes: Vec::new() };
        };
        self.cx.words.task_word("outcome", &outcome.id);
        let set = self.assigns(outcome.set, names);
        let moved = std::mem::take(&mut self.moved);
        let stage = outcome.stage.and_then(|stage| self.stage_change(stage, &[], names));
        let leaves = moved || stage.as_ref().is_some_and(|(_, leaves)| *leaves);
        let rule = OutcomeRule {
            id: outcome.id.value.clone(),
            title: match &outcome.title {
                Some(title) => self.filled(title, names),
                None => self.cx.words.outcome_title(&outcome.id.value).into(),
            },
            require: outcome.require.iter().filter_map(|name| self.required(name, task)).collect(),
            set,
            stage: stage.map(|(change, _)| change),
            again: outcome.again.map(|again| self.again(again, names)),
            at_most: self.at_most(outcome),
            then: self.then_outcome(outcome, task),
            flow: 0,
        };
        Path { rule, leaves, writes: std::mem::take(&mut self.writes) }
    }

    /// What an outcome requires: an entry of the form, or a column as `self.column`.
    pub(super) fn required(&mut self, node: &'a Node, task: &Task<'_>) -> Option<Name> {
        let text = &crate::load::cursor::scalar(node, "an entry of the form, or `self.column`", self.cx.problems)?.text;
        if let Some(column) = text.strip_prefix("self.") {
            let own = self.process.entity.as_ref().map(|entity| entity.value.clone())?;
            self.cx.words.column(&own, &Name::new(column), node.span)?;
            if !task.form.iter().any(|item| item.key() == **text) {
                self.notes.unasked.push((Name::new(column), node.span));
            }
            return Some(Name::new(&**text));
        }
        let known: Vec<String> = task.form.iter().map(FormItem::key).collect();
        if known.iter().any(|known| **known == **text) {
            return Some(Name::new(&**text));
        }
        let problem = Problem::error("unknown-entry", node.span, format!("the form has no entry `{text}`"));
        let near = did_you_mean(text, known.iter().map(String::as_str));
        let help = format!("add it: `form: [{{{text}: text}}]`, or write `self.{text}` for a column");
        self.cx.problems.push(problem.help(help).maybe_help(near));
        None
    }

    fn again(&mut self, node: &'a Node, names: &Names) -> Again {
        if node.word() != Some("stage") {
            return Again::At(self.instant(node, names));
        }
        if self.stage_depth == 0 {
            let problem = Problem::error(
                "bad-jump",
                node.span,
                "`again: stage` begins the list of a stage anew; there is none here",
            );
            self.cx.problems.push(problem.help("it stands inside `by_stage` or `in_stage`; elsewhere use `next`"));
        }
        Again::Stage
    }

    fn at_most(&self, outcome: &Outcome<'_>) -> Option<u32> {
        let most = outcome.at_most.as_ref()?;
        let fits = u32::try_from(most.value).ok().filter(|most| *most > 0);
        if fits.is_none() {
            self.cx.problems.error("wrong-type", most.span, "expected an `at_most` of 1 or more");
        }
        fits
    }

    fn then_outcome(&self, outcome: &Outcome<'_>, task: &Task<'_>) -> Option<Name> {
        let then = outcome.then.as_ref()?;
        if then.value == outcome.id.value {
            self.cx.problems.error("unknown-outcome", then.span, "an outcome cannot count as itself");
            return None;
        }
        if !task.outcomes.iter().any(|known| known.id.value == then.value) {
            let known = task.outcomes.iter().map(|known| &*known.id.value);
            self.cx.words.unknown("unknown-outcome", "outcome of this task named", &then.value, then.span, known);
            return None;
        }
        Some(then.value.clone())
    }

    /// One flow per way on; outcomes that lead to the same place share it.
    fn task_flows(
        &mut self,
        at: &At<'a>,
        node: NodeIx,
        task: &'a Task<'a>,
        paths: Vec<Path>,
        kept: Vec<Seen>,
    ) -> Vec<OutcomeRule> {
        let mut shared: Vec<(Label, usize)> = Vec::new();
        let mut sharing: Vec<Vec<usize>> = Vec::new();
        let mut rules: Vec<OutcomeRule> = Vec::new();
        let mut facts: Vec<(bool, Vec<(VarRef, Span)>)> = Vec::new();
        let seen = self.seen.len();
        self.seen.extend(kept);
        for (number, path) in paths.into_iter().enumerate() {
            let Path { mut rule, leaves, writes } = path;
            let outcome = task.outcomes.get(number);
            let only_again = rule.again.is_some() && rule.at_most.is_none();
            let counts_as = rule.then.is_some();
            if !only_again && !counts_as {
                rule.flow = self.outcome_flow(at, node, outcome, &rule, &mut shared);
                sharing.resize_with(sharing.len().max(rule.flow.saturating_add(1)), Vec::new);
                if let Some(who) = sharing.get_mut(rule.flow) {
                    who.push(number);
                }
            } else if let Some(next) = outcome.filter(|outcome| !outcome.follow.is_empty()) {
                let problem = Problem::error(
                    "unreachable-step",
                    next.id.span,
                    "nothing goes on behind this outcome: it asks again",
                );
                self.cx.problems.push(problem.help("leave `next` and `steps` out, or add `at_most`"));
            }
            facts.push((leaves, writes));
            rules.push(rule);
        }
        self.seen.truncate(seen);
        self.note_flows(node, &sharing, &facts);
        rules
    }

    pub(super) fn outcome_flow(
        &mut self,
        at: &At<'a>,
        node: NodeIx,
        outcome: Option<&'a Outcome<'a>>,
        rule: &OutcomeRule,
        shared: &mut Vec<(Label, usize)>,
    ) -> usize {
        let title = |rule: &OutcomeRule| rule.title.text.clone();
        let Some(outcome) = outcome.filter(|outcome| outcome.follow.steps.is_some()) else {
            let next = outcome.and_then(|outcome| outcome.follow.next.as_ref());
            let to = next.map_or(at.after, |next| self.target(next, at.after));
            if let Some((_, flow)) = shared.iter().find(|(label, _)| *label == to) {
                return *flow;
            }
            let flow = self.plan.flow(node, to, if next.is_some() { title(rule) } else { Text::default() }, at.step.at);
            shared.push((to, flow));
            return flow;
        };
        let to = self.plan.label();
        let flow = self.plan.flow(node, to, title(rule), outcome.id.span);
        let part = outcome.id.value.clone();
        let entry = self.inside(at, |this| this.then(&outcome.follow, Some(&part), Border::None, at.after));
        self.plan.same(to, entry);
        flow
    }

    /// What each flow surely writes, and which flows no token takes.
    fn note_flows(&mut self, node: NodeIx, sharing: &[Vec<usize>], facts: &[(bool, Vec<(VarRef, Span)>)]) {
        for (flow, outcomes) in sharing.iter().enumerate() {
            let of = || outcomes.iter().filter_map(|number| facts.get(*number));
            if of().next().is_some() && of().all(|(leaves, _)| *leaves) {
                self.plan.ends(node, flow);
            }
            let Some((_, first)) = of().next() else { continue };
            let in_all = |var: &VarRef| of().all(|(_, writes)| writes.iter().any(|(other, _)| other == var));
            let sure = first.iter().filter(|(var, _)| in_all(var)).copied().collect();
            self.notes.writes_on.insert((node, flow), sure);
        }
        let all = facts.iter().flat_map(|(_, writes)| writes.iter().copied());
        self.notes.may_write.entry(node).or_default().extend(all);
    }
}
