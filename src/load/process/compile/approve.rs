//! `approve`: a node that asks, with a scope that holds the task of each who is asked.

use super::{At, Compiler};
use crate::element::Element;
use crate::element::approval::{APPROVED, Approval, REJECTED, Rule, WITHDRAWN};
use crate::element::definition::{Assign, Assignment, FormEntry, Target, VarRef};
use crate::element::end_event::EndEvent;
use crate::element::rules::Title;
use crate::element::start_event::{Nothing, StartEvent};
use crate::element::user_task::{OutcomeRule, UserTask};
use crate::graph::NodeIx;
use crate::load::cursor::Spanned;
use crate::load::draft::ExprText;
use crate::load::problem::{Problem, Problems};
use crate::load::process::draft::{Approve, FormItem, Outcome, Task};
use crate::load::process::plan::{Label, NewNode, join};
use crate::load::read::Node;
use crate::model::{Name, Names, Schema, Text, Type};

impl<'a> Compiler<'a> {
    pub(super) fn approve(&mut self, at: &At<'a>, approve: &'a Approve<'a>) -> NodeIx {
        let names = self.names();
        let task = &approve.task;
        let by: Vec<Assignment> = approve.by.iter().filter_map(|node| self.approver(node, &names)).collect();
        let rule = self.rule(approve, &by);
        let collect = approve.collect.as_ref().and_then(|name| {
            let var = self.variable(name, None)?;
            self.write(var, name.span);
            Some(var)
        });
        let shown = self.title(at.step.title.as_ref().or(task.title.as_ref()));
        let node = self.titled(at, shown, Element::Nothing(Nothing));
        self.scope_at(at, node, |this| this.approvers_task(at, node, task));
        let [approved, rejected, void] = self.verdicts(at, node, task);
        if approved == rejected && collect.is_none() {
            let message = "what is rejected goes on as what is approved";
            let problem = Problem::warning("rejection-ignored", at.step.at, message);
            self.cx.problems.push(problem.help("write `outcomes: {rejected: {next: ...}}`, or `collect: decisions`"));
        }
        let void = outcome(task, "void").map(|_| void);
        if let Some(element) = self.plan.element(node) {
            *element = Element::Approval(Box::new(Approval { by, rule, collect, approved, rejected, void }));
        }
        node
    }

    /// A user or a list of users, or a role.
    fn approver(&mut self, node: &'a Node, names: &Names) -> Option<Assignment> {
        if let Some(role) = self.role_of(node, names) {
            return role;
        }
        let user = if self.cx.words.library.is_entity("user") { Type::reference("user") } else { Type::Any };
        let expr = self.expr(node, names, None);
        let fits = [user.clone(), Type::list(user), Type::Any, Type::list(Type::Any)].contains(expr.ty());
        if !fits {
            let message = format!("expected a user, users or `role(...)`, found {}", expr.ty());
            self.cx.problems.error("wrong-type", node.span, message);
        }
        Some(Assignment::User(expr))
    }

    /// `all`, `any`, or how many; no more than are surely asked.
    fn rule(&self, approve: &Approve<'_>, by: &[Assignment]) -> Rule {
        let Some(node) = approve.rule else { return Rule::All };
        match node.word() {
            Some("all") => return Rule::All,
            Some("any") => return Rule::Any,
            _ => {}
        }
        let count = node.word().and_then(|word| word.parse::<usize>().ok()).filter(|count| *count > 0);
        let Some(count) = count else {
            self.cx.problems.error("wrong-type", node.span, "expected `all`, `any`, or how many must approve");
            return Rule::All;
        };
        let lists = by.iter().any(|by| matches!(by, Assignment::User(expr) if !matches!(expr.ty(), Type::Ref(_))));
        if !lists && count > by.len() {
            let message = format!("{count} must approve, and {} are asked", by.len());
            let problem = Problem::error("never-true", node.span, message);
            self.cx.problems.push(problem.help("name more in `by`; a role may stand there several times"));
        }
        Rule::AtLeast(count)
    }

    /// The scope of one who is asked: his task, which keeps what he decided.
    fn approvers_task(&mut self, at: &At<'a>, host: NodeIx, task: &'a Task<'a>) {
        let (span, scope) = (at.step.at, self.scope.node);
        let who = self.add_var(scope, Name::new(format!("{}.by", at.key)), Type::Any, None);
        let decision = self.add_var(scope, Name::new(format!("{}.decision", at.key)), Type::Any, None);
        let start = self.made("start", span, Element::StartEvent(StartEvent));
        if let Some(info) = self.scopes.get_mut(&scope) {
            info.entry = start;
        }
        let room = self.approvers_room(task, who, decision);
        // The task goes by the name of the step.
        let id = self.plan.node_at(host).map(|node| node.id.clone().unwrap_or_else(|| Name::new(&*node.key)));
        let new = NewNode { key: join(&at.key, "task"), id, title: Text::default(), scope, span };
        let node = self.add(new, Element::UserTask(Box::new(room)));
        self.notes.made.insert(node);
        let (begin, done) = (self.plan.label(), self.scope.done);
        self.plan.place(begin, node);
        self.plan.flow(start, begin, Text::default(), span);
        self.plan.flow(node, done, Text::default(), span);
        let end = self.made("end", span, Element::EndEvent(EndEvent::default()));
        self.plan.place(done, end);
    }

    fn approvers_room(&mut self, task: &'a Task<'a>, who: VarRef, decision: VarRef) -> UserTask {
        let names = self.names();
        let category = task.category.as_ref().map(|category| {
            self.cx.words.task_word("category", category);
            category.value.clone()
        });
        let mut form: Vec<FormEntry> = Vec::new();
        for item in &task.form {
            form.extend(self.form_entry(item, &mut |_, _, _| None));
        }
        let title = task.title.as_ref().map(|title| self.template(title.node, &names)).unwrap_or_default();
        let form_key = task.form_key.map(|key| self.template(key, &names));
        let record = self.task_record(task, &names);
        let due = task.due.map(|due| self.instant(due, &names));
        let start_in = task.start_in.map(|start| self.instant(start, &names));
        let remind = task.remind.and_then(|remind| self.remind(remind, &names));
        let names = self.outcome_names(task);
        let outcomes = [(APPROVED, APPROVED), (REJECTED, REJECTED), (WITHDRAWN, "void")].map(|(id, verdict)| {
            let said = outcome(task, verdict);
            let rule = OutcomeRule {
                title: self.verdict_title(id, said, &names),
                require: said
                    .iter()
                    .flat_map(|said| &said.require)
                    .filter_map(|name| self.required(name, task))
                    .collect(),
                set: self.decided(task, decision, &names).into_iter().collect(),
                ..OutcomeRule::default()
            };
            OutcomeRule { id: Name::new(id), ..rule }
        });
        let (assign, outcomes) = (Some(Assignment::Var(who)), outcomes.into());
        UserTask { title, assign, category, form_key, form, record, due, start_in, remind, outcomes }
    }

    fn verdict_title(&mut self, id: &str, said: Option<&'a Outcome<'a>>, names: &Names) -> Title {
        let id = Name::new(id);
        if let (Some(said), true) = (said, *id != *WITHDRAWN) {
            self.cx.words.task_word("outcome", &Spanned::new(id.clone(), said.id.span));
        }
        match said.and_then(|said| said.title.as_ref()) {
            Some(title) => self.filled(title, names),
            None => self.cx.words.outcome_title(&id).into(),
        }
    }

    /// What is kept of a decision: by whom, what, and the entries of the form.
    fn decided(&self, task: &Task<'_>, decision: VarRef, names: &Names) -> Option<Assign> {
        let entries = task.form.iter().filter_map(|item| match item {
            FormItem::Entry(decl) => Some(format!(", {0}: get or else(form.{0}, null)", decl.name.value)),
            FormItem::Column(_) => None,
        });
        let text = format!("{{by: task.assignee, outcome: task.outcome{}}}", entries.collect::<String>());
        let span = task.title.as_ref().map(|title| title.node.span).unwrap_or_default();
        let value = ExprText::made(&text, span).compile(self.cx.words.library, names, None, &Problems::new())?;
        Some(Assign { target: Target::Var(decision), value })
    }

    /// The flows behind an approval, a rejection, and when it comes to nothing; those to the same place are one.
    fn verdicts(&mut self, at: &At<'a>, node: NodeIx, task: &'a Task<'a>) -> [usize; 3] {
        let mut shared: Vec<(Label, usize)> = Vec::new();
        [APPROVED, REJECTED, "void"].map(|id| match outcome(task, id) {
            None if id == "void" => 0,
            said => {
                let title = said.and_then(|said| said.title.as_ref()).map(|title| title.text.clone());
                let rule = OutcomeRule { title: title.unwrap_or_default().into(), ..OutcomeRule::default() };
                self.outcome_flow(at, node, said, &rule, &mut shared)
            }
        })
    }

    /// The type of the list of who decided what.
    pub(super) fn decisions_type(&self, task: &Task<'_>) -> Type {
        let user = if self.cx.words.library.is_entity("user") { Type::reference("user") } else { Type::Any };
        let mut parts = vec![(Name::new("by"), user), (Name::new("outcome"), Type::Text)];
        for item in &task.form {
            if let FormItem::Entry(decl) = item {
                parts.push((decl.name.value.clone(), self.form_type(item, &Problems::new())));
            }
        }
        Type::list(Type::Map(parts.into()))
    }
}

fn outcome<'a>(task: &'a Task<'a>, id: &str) -> Option<&'a Outcome<'a>> {
    task.outcomes.iter().find(|outcome| &*outcome.id.value == id)
}
