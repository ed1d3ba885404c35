//! `user_task`: work of a person, with outcomes. Opened, completed and withdrawn together with its own record (S26).
//!
//! An outcome may ask again later (`again`, `at_most`), may change records (`set`, `stage`: one save with the completion), and leads on by its own flow.

use chrono::{DateTime, Utc};

use super::definition::{Assign, Assignment, FormEntry, VarRef};
use super::room::{Arm, ArmKind, Effect, Event, Fault, Move, Next, Room, TaskSpec, View};
use super::rules::{TextTemplate, Title};
use super::stage_change::StageChange;
use crate::instance::WaitKind;
use crate::model::expr::Expr;
use crate::model::{Name, Ref, Value};

/// Work of a person.
#[derive(Debug, Default)]
pub struct UserTask {
    /// Its title.
    pub title: TextTemplate,
    /// Who gets it; the process's own assignment when none.
    pub assign: Option<Assignment>,
    /// Its category.
    pub category: Option<Name>,
    /// The form of the host that shows it.
    pub form_key: Option<TextTemplate>,
    /// What its form asks for.
    pub form: Vec<FormEntry>,
    /// Columns of its own record, beside what the library maps.
    pub record: Vec<(Name, Expr)>,
    /// When it is due: a duration from its start, or an instant.
    pub due: Option<Expr>,
    /// How long after opening it begins to be worth doing.
    pub start_in: Option<Expr>,
    /// How long before it is due its performer is reminded.
    pub remind: Option<Expr>,
    /// How it may end; a single `completed` when the author named none.
    pub outcomes: Vec<OutcomeRule>,
}

/// One way a task may end.
#[derive(Debug, Default)]
pub struct OutcomeRule {
    /// Its id.
    pub id: Name,
    /// Its title.
    pub title: Title,
    /// What must be given: form entries by name, columns as `self.column`.
    pub require: Vec<Name>,
    /// What it sets.
    pub set: Vec<Assign>,
    /// The stage it moves a record to.
    pub stage: Option<StageChange>,
    /// Whether, and when, it asks again.
    pub again: Option<Again>,
    /// How many times it asks again at most.
    pub at_most: Option<u32>,
    /// The outcome that it takes after that.
    pub then: Option<Name>,
    /// The position of its outgoing flow.
    pub flow: usize,
}

/// When an outcome asks again.
#[derive(Debug)]
pub enum Again {
    /// After a duration, or at an instant.
    At(Expr),
    /// By beginning the list of the enclosing stage anew.
    Stage,
}

/// Who gets a task: a user, or whoever has one of the roles; or what is missing.
#[derive(Default)]
struct Assigned {
    user: Option<Ref>,
    roles: Vec<Name>,
    lack: Option<String>,
}

impl Room for UserTask {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        self.open(view, 0)
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        match event {
            Event::Completed { outcome, .. } => self.complete(view, outcome),
            Event::Fired => match view.own_wait(|kind| matches!(kind, WaitKind::Task(_))) {
                Some(_) => self.remind(view),
                None => self
                    .open(view, view.own_wait(|kind| matches!(kind, WaitKind::Timer(_))).map_or(0, |wait| wait.count)),
            },
            _ => Ok(Move::only(Next::Stay)),
        }
    }
}

impl UserTask {
    /// The outcome of this id.
    pub fn outcome(&self, id: &str) -> Option<&OutcomeRule> {
        self.outcomes.iter().find(|outcome| &*outcome.id == id)
    }

    fn open(&self, view: &View<'_>, count: u32) -> Result<Move, Fault> {
        let start = match &self.start_in {
            Some(after) => view.instant(after, view.now)?,
            None => view.now,
        };
        let due = self.due.as_ref().map(|due| view.instant(due, start)).transpose()?;
        let Assigned { user: assignee, roles, lack } = self.assigned(view)?;
        let task = TaskSpec {
            title: self.title.fill(view)?,
            assignee,
            roles,
            category: self.category.clone(),
            start,
            due,
            outcomes: self.outcomes.iter().map(|outcome| outcome.id.clone()).collect(),
            record: view.eval_all(&self.record)?,
        };
        let mut arms = vec![Arm { node: view.node, kind: ArmKind::Task(Box::new(task)), count }];
        arms.extend(self.reminder(view, due)?.map(|at| Arm { node: view.node, kind: ArmKind::Timer(at), count }));
        let effects = lack.map(|text| Effect::Lack(Name::new("no_assignee"), text)).into_iter().collect();
        Ok(Move { effects, next: Next::Wait(arms) })
    }

    fn assigned(&self, view: &View<'_>) -> Result<Assigned, Fault> {
        let nobody = |why: String| Assigned {
            lack: Some(format!("nobody to assign: {why}; assign the task to somebody")),
            ..Assigned::default()
        };
        let empty = |text: &str| nobody(format!("`{text}` is empty"));
        let role = |role: Name| Assigned { roles: vec![role], ..Assigned::default() };
        Ok(match self.assign.as_ref().or(view.def.assign.as_ref()) {
            None => nobody("the step names nobody".to_string()),
            Some(Assignment::Role(name)) => role(name.clone()),
            Some(Assignment::RoleOf(expr)) => match view.eval(expr)? {
                Value::Text(name) => role(Name::new(name)),
                _ => empty(expr.text()),
            },
            Some(Assignment::Var(var)) => match view.state.var(view.scope, var.scope, usize::from(var.index)) {
                Some(Value::Ref(user)) => Assigned { user: Some(user.clone()), ..Assigned::default() },
                Some(Value::Text(name)) => role(Name::new(name)),
                _ => nobody("who is asked is nobody".to_string()),
            },
            Some(Assignment::User(expr)) => match view.eval(expr)? {
                Value::Ref(user) => Assigned { user: Some(user), ..Assigned::default() },
                _ => empty(expr.text()),
            },
        })
    }

    /// When the performer of a task that is due then is reminded.
    ///
    /// # Errors
    /// When the time before cannot be told.
    pub fn reminder(&self, view: &View<'_>, due: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>, Fault> {
        let (Some(before), Some(due)) = (&self.remind, due) else { return Ok(None) };
        let ahead = view.instant(before, view.now)?.signed_duration_since(view.now);
        Ok(due.checked_sub_signed(ahead).filter(|at| *at > view.now))
    }

    fn remind(&self, view: &View<'_>) -> Result<Move, Fault> {
        let text = self.title.fill(view)?;
        let effect = match self.assigned(view)?.user {
            Some(user) => Effect::Notify(user, text),
            None => Effect::Note(format!("reminder of a task nobody has: {}", text.get("en"))),
        };
        Ok(Move { effects: vec![effect], next: Next::Stay })
    }

    fn complete(&self, view: &View<'_>, chosen: &Name) -> Result<Move, Fault> {
        let Some(outcome) = self.outcome(chosen) else {
            let known: Vec<&str> = self.outcomes.iter().map(|outcome| outcome.id.as_str()).collect();
            return Err(Fault::new("unknown_outcome", format!("expected one of {}, found {chosen}", known.join(", "))));
        };
        let count = view.own_wait(|kind| matches!(kind, WaitKind::Task(_))).map_or(0, |wait| wait.count);
        let mut effects = self.kept(view);
        effects.extend(view.assignments_with(&outcome.set, outcome.stage.as_ref())?);
        let Some(again) = &outcome.again else { return Ok(Move { effects, next: self.leave(view, outcome)? }) };
        if outcome.at_most.is_some_and(|most| count >= most) {
            let last = outcome.then.as_ref().and_then(|then| self.outcome(then)).unwrap_or(outcome);
            if !std::ptr::eq(last, outcome) {
                effects.extend(view.assignments_with(&last.set, last.stage.as_ref())?);
            }
            return Ok(Move { effects, next: self.leave(view, last)? });
        }
        let next = match again {
            Again::Stage => Next::AgainStage,
            Again::At(at) => {
                let kind = ArmKind::Timer(view.instant(at, view.now)?);
                Next::Wait(vec![Arm { node: view.node, kind, count: count.saturating_add(1) }])
            }
        };
        Ok(Move { effects, next })
    }

    /// Form entries that outlive the task.
    fn kept(&self, view: &View<'_>) -> Vec<Effect> {
        let value = |name: &Name| view.given.form.and_then(|form| form.get(name)).cloned();
        let keep = |entry: &FormEntry| -> Option<(VarRef, Value)> { Some((entry.keep?, value(&entry.name)?)) };
        self.form.iter().filter_map(keep).map(|(var, value)| Effect::Assign(var, value)).collect()
    }

    fn leave(&self, view: &View<'_>, outcome: &OutcomeRule) -> Result<Next, Fault> {
        let missing = || Fault::new("broken_definition", "the flow of an outcome is missing");
        Ok(Next::TakeOne(view.flow(outcome.flow).ok_or_else(missing)?))
    }
}
