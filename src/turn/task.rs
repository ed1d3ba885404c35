//! User tasks: opened, completed and withdrawn together with their own records (S26).

use std::sync::Arc;

use super::Refused;
use super::brought::Woken;
use super::incident::token_of;
use super::step::{Step, Stop, Turn};
use crate::element::Element;
use crate::element::room::{Arm, ArmKind, Event, Fault, Given, Next, TaskSpec};
use crate::element::user_task::{OutcomeRule, UserTask};
use crate::entity::{EventKind, Mirror, Principal, RecordEvent, Wish};
use crate::graph::NodeIx;
use crate::instance::rows::Values;
use crate::instance::state::During;
use crate::instance::{Fact, Id, Need, Outcome, Owner, TaskRow, TaskStatus, Wait, WaitKind};
use crate::model::{Name, Ref, Value};

impl Turn<'_> {
    /// Opens a task with its own record. The inner error: the record could not be made.
    pub fn open_task(&mut self, owner: Owner, node: NodeIx, task: TaskSpec, count: u32) -> Step<Result<(), Fault>> {
        let id = self.context.ids.next_id();
        let mirror = match self.mirror_wish(&task, node) {
            None => None,
            Some(Err(fault)) => return Ok(Err(fault)),
            Some(Ok(wish)) => match self.save(wish, node)? {
                Ok(record) => Some(record),
                Err(fault) => return Ok(Err(fault)),
            },
        };
        let wait = self.arm_wait(owner, node, WaitKind::Task(id), count);
        self.need(Need::KeepTask(Box::new(TaskRow {
            id,
            instance: self.run.row.id,
            wait,
            process: self.def.process.clone(),
            step: self.def.step(node),
            title: task.title,
            assignee: task.assignee,
            roles: task.roles.into(),
            record: self.run.state.record.clone(),
            mirror,
            outcomes: task.outcomes.into(),
            start: task.start.timestamp_micros(),
            due: task.due.map(|due| due.timestamp_micros()),
            opened: self.context.now.timestamp_micros(),
            category: task.category,
            status: TaskStatus::Open,
        })));
        Ok(Ok(()))
    }

    /// The record that a task opens with, where the library mirrors tasks.
    fn mirror_wish(&self, task: &TaskSpec, node: NodeIx) -> Option<Result<Wish, Fault>> {
        let mirror = self.catalog.library.tasks.as_ref()?;
        let mut values = Values::new();
        values.insert(Name::new("title"), Value::text(task.title.get(&self.catalog.library.language())));
        values.insert(Name::new("assignee"), task.assignee.clone().map_or(Value::NULL, Value::Ref));
        values.insert(
            Name::new("category"),
            task.category.as_ref().map_or(Value::NULL, |category| Value::text(&**category)),
        );
        values.insert(Name::new("start"), Value::DateTime(task.start));
        values.insert(Name::new("due"), task.due.map_or(Value::NULL, Value::DateTime));
        values.insert(Name::new("process"), Value::text(&*self.def.process));
        values.insert(Name::new("step"), Value::text(&*self.def.step(node)));
        values.insert(Name::new("record"), self.run.state.record.clone().map_or(Value::NULL, Value::Ref));
        values.insert(Name::new("outcomes"), Value::list(task.outcomes.iter().map(|id| Value::text(&**id))));
        let set = self.mirror_columns(mirror, &mirror.opened, &values);
        Some(set.map(|mut set| {
            for (name, value) in &task.record {
                set.retain(|(column, _)| column != name);
                set.push((name.clone(), value.clone()));
            }
            Wish::Create { entity: mirror.entity.clone(), id: None, set }
        }))
    }

    fn mirror_columns(
        &self,
        mirror: &Mirror,
        columns: &[(Name, crate::model::Expr)],
        task: &Values,
    ) -> Result<Vec<(Name, Value)>, Fault> {
        let env = crate::element::env::MirrorEnv {
            catalog: self.catalog,
            window: &self.overlay,
            task,
            now: self.context.now,
        };
        let entity = &mirror.entity;
        let mut set = Vec::with_capacity(columns.len());
        for (column, expr) in columns {
            let value =
                expr.eval(&env).map_err(|error| Fault::new("mirror_failed", format!("{entity}.{column}: {error}")))?;
            set.push((column.clone(), self.catalog.library.fit_reference(entity, column, value)));
        }
        Ok(set)
    }

    /// The task's own record is closed with it.
    pub fn withdraw_mirror(&mut self, task: Id, reason: &str) {
        let Some(mirror) = self.catalog.library.tasks.as_ref() else { return };
        let Some(target) = self.mirror_of(task) else { return };
        let values = Values::from([(Name::new("reason"), Value::text(reason))]);
        let saved = self.mirror_columns(mirror, &mirror.withdrawn, &values).and_then(|set| {
            self.try_save(Wish::Update { target, set }, NodeIx::PROCESS).map_err(|no| super::save::refusal_fault(&no))
        });
        if let Err(fault) = saved {
            self.raise(None, NodeIx::PROCESS, fault, During::Entering);
        }
    }

    fn mirror_of(&self, task: Id) -> Option<Ref> {
        let opened = self.kept(|row| row.id == task).map(|row| row.mirror.clone());
        opened.or_else(|| Some(self.world.task(task).ok()??.mirror.clone()))?
    }

    /// A person completes a task: one save with everything his outcome asks for; whatever fails refuses the command (S22).
    pub fn complete_task(&mut self, task: Id, outcome: Option<&Name>, form: &Values, saved: Option<Wish>) -> Step {
        let row = self.task_row(task)?;
        self.may_complete(&row)?;
        let Some(wait) = self.run.state.wait(row.wait).cloned() else {
            return Err(Refused::NotWaiting(format!("the task {} is no longer open", row.step)).into());
        };
        let (Owner::Token(token), Some(Element::UserTask(room))) = (wait.owner, self.def.element(wait.node)) else {
            return Err(Refused::NotWaiting(format!("{} is not a task", row.step)).into());
        };
        let outcome = choose_outcome(room, &row, outcome)?;
        if Self::is_decision(&outcome.id) {
            self.check_twice(&row, self.performer(&row).as_ref())?;
        }
        self.check_required(room, outcome, form)?;
        let performer = self.performer(&row);
        let values = || {
            Values::from([
                (Name::new("outcome"), Value::text(&*outcome.id)),
                (Name::new("title"), Value::text(row.title.get("en"))),
                (Name::new("assignee"), performer.clone().map_or(Value::NULL, Value::Ref)),
            ])
        };
        let given = Given { form: Some(form), task: Some(&values), ..Given::default() };
        let scope = self.run.state.token(token).map_or(0, |found| found.scope);
        let event = Event::Completed { outcome: &outcome.id, form };
        let decided = room_resume(room, self, token, wait.node, scope, &given, &event)?;
        self.save_completion(&row, wait.node, outcome, &values, saved)?;
        if let Err(fault) = self.effects(token, wait.node, decided.effects)? {
            return Err(refused_by(fault));
        }
        self.fact(Fact::Noted(wait.node, ["outcome ", &outcome.id].concat()));
        self.need(Need::CloseTask(row.id, Outcome::Completed(outcome.id.clone(), performer)));
        self.after_completion(token, &wait, decided.next)
    }

    fn after_completion(&mut self, token: crate::instance::TokenId, wait: &Wait, next: Next) -> Step {
        if self.run.state.token(token).is_none() {
            return Ok(());
        }
        self.act(
            token,
            wait.node,
            crate::element::room::Move { effects: Vec::new(), next },
            Woken { wait: Some(wait.id), event: None },
        )
    }

    /// The task's own record is completed in the same commit, unless a save of it is what completes the task.
    fn save_completion(
        &mut self,
        row: &TaskRow,
        node: NodeIx,
        outcome: &OutcomeRule,
        values: &dyn Fn() -> Values,
        saved: Option<Wish>,
    ) -> Step {
        let wish = match (saved, &row.mirror, self.catalog.library.tasks.as_ref()) {
            (Some(wish), _, _) => wish,
            (None, Some(target), Some(mirror)) => {
                let columns = if *outcome.id == *"canceled" { &mirror.withdrawn } else { &mirror.completed };
                let set = self.mirror_columns(mirror, columns, &values()).map_err(refused_by)?;
                Wish::Update { target: target.clone(), set }
            }
            _ => return Ok(()),
        };
        self.try_save(wish, node).map_err(|refusal| Stop::Refused(refusal.into()))?;
        Ok(())
    }

    fn check_required(&self, room: &UserTask, outcome: &OutcomeRule, form: &Values) -> Step {
        for name in &outcome.require {
            if form.get(name).is_some_and(|value| !value.is_null()) {
                continue;
            }
            let column = name.strip_prefix("self.");
            let stored = column.and_then(|column| {
                let record = self.run.state.record.as_ref()?;
                let found = crate::entity::Window::get(&self.overlay, record).ok()??;
                Some(found.get(&Name::new(column)).is_null())
            });
            if stored != Some(false) {
                let known: Vec<&str> = room.form.iter().map(|entry| entry.name.as_str()).collect();
                let form = known.join(", ");
                return Err(Refused::Invalid(format!(
                    "the outcome {} requires {name}; the form asks for: {form}",
                    outcome.id
                ))
                .into());
            }
        }
        Ok(())
    }

    pub fn task_row(&self, task: Id) -> Step<Arc<TaskRow>> {
        if let Some(row) = self.kept(|row| row.id == task) {
            return Ok(Arc::new(row.clone()));
        }
        let row = self.world.task(task)?;
        row.ok_or_else(|| Refused::NotWaiting(format!("expected an open task, found none with the id {task}")).into())
    }

    fn performer(&self, row: &TaskRow) -> Option<Ref> {
        match &self.context.principal {
            Principal::User { user, .. } => Some(user.clone()),
            Principal::System => row.assignee.clone(),
        }
    }

    /// The assignee, candidates and administrators may complete; the host itself may do everything.
    fn may_complete(&self, row: &TaskRow) -> Step {
        if self.context.principal.may_perform(row.assignee.as_ref(), &row.roles) {
            return Ok(());
        }
        let who = match (&row.assignee, &*row.roles) {
            (Some(user), _) => format!("it is assigned to {}", user.id),
            (None, []) => "it is assigned to nobody".to_string(),
            (None, roles) => {
                format!("it is for the roles {}", roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "))
            }
        };
        Err(Refused::NotAllowed(format!("{} may not complete the task {}: {who}", self.context.principal, row.step))
            .into())
    }

    /// Claims, releases or reassigns a task; its own record's owner follows.
    pub fn assign_task(&mut self, task: Id, how: Assigning) -> Step {
        let mut row = Arc::unwrap_or_clone(self.task_row(task)?);
        let (assignee, status) = match how {
            Assigning::Claim => {
                self.may_complete(&row)?;
                if row.status == TaskStatus::Claimed && row.assignee != self.performer(&row) {
                    return Err(Refused::NotAllowed(format!("the task {} is claimed already", row.step)).into());
                }
                (self.performer(&row), TaskStatus::Claimed)
            }
            Assigning::Release => {
                self.may_complete(&row)?;
                (None, TaskStatus::Open)
            }
            Assigning::To(user) => (user, TaskStatus::Open),
        };
        if row.roles.is_empty() && assignee.is_none() {
            return Err(Refused::Invalid(format!("the task {} is for no role: it cannot be nobody's", row.step)).into());
        }
        self.check_twice(&row, assignee.as_ref())?;
        row.assignee.clone_from(&assignee);
        row.status = status;
        let node = self.run.state.wait(row.wait).map_or(NodeIx::PROCESS, |wait| wait.node);
        if let Some((target, column)) = row.mirror.clone().zip(self.mirror_column("assignee")) {
            let value = assignee.clone().map_or(Value::NULL, Value::Ref);
            self.try_save(Wish::Update { target, set: vec![(column, value)] }, node)
                .map_err(|no| Stop::Refused(no.into()))?;
        }
        self.assigned_to(row, node, assignee);
        Ok(())
    }

    fn assigned_to(&mut self, row: TaskRow, node: NodeIx, assignee: Option<Ref>) {
        let token = self.run.state.wait(row.wait).map(|wait| wait.owner);
        if let (Some(Owner::Token(token)), Some(user)) = (token, &assignee) {
            self.mend_of(token, &format!("assigned to {}", user.id));
        }
        let who = assignee.map_or_else(|| "nobody".to_string(), |user| user.id.to_string());
        self.note(node, format!("assigned to {who}"));
        self.need(Need::KeepTask(Box::new(row)));
    }

    /// The column of the task's own record that the library fills from `task.<what>`.
    fn mirror_column(&self, what: &str) -> Option<Name> {
        self.catalog.library.tasks.as_ref()?.column_of(what)
    }

    /// A task that this turn opened or changed, as it stands now.
    fn kept(&self, is_it: impl Fn(&TaskRow) -> bool) -> Option<&TaskRow> {
        self.out.needs.iter().rev().find_map(|need| match need {
            Need::KeepTask(row) if is_it(row) => Some(&**row),
            _ => None,
        })
    }

    /// A step of the run changed the own record of one of its open tasks: what that says is done in the same turn.
    pub fn own_task(&mut self, event: &RecordEvent) -> Step {
        if self.catalog.library.tasks.is_none() || event.kind == EventKind::Created {
            return Ok(());
        }
        let opened = self.kept(|row| row.mirror.as_ref() == Some(event.record())).map(|row| row.wait);
        let row = if opened.is_none() { self.world.task_of(event.record())? } else { None };
        let known = row.filter(|row| row.instance == self.run.row.id).map(|row| row.wait);
        let Some(wait) = opened.or(known).and_then(|wait| self.run.state.wait(wait)).cloned() else { return Ok(()) };
        // It is the step that asks, whoever began the turn.
        let principal = std::mem::replace(&mut self.context.principal, Principal::System);
        let done = self.mirror_changed(&wait, event);
        self.context.principal = principal;
        done
    }

    /// A step changed the task's own record.
    pub fn mirror_changed(&mut self, wait: &Wait, event: &RecordEvent) -> Step {
        let WaitKind::Task(task) = wait.kind else { return Ok(()) };
        match self.read_mirror(event) {
            Some(MirrorSays::Outcome(outcome)) => {
                let saved = Some(Wish::nothing(event.record().clone()));
                let done = self.complete_task(task, Some(&outcome), &Values::new(), saved);
                self.mirror_refused(wait, done)
            }
            Some(MirrorSays::Moved { owner, due }) => {
                let row = self.task_row(task)?;
                let (owner, due) = (owner.filter(|owner| *owner != row.assignee), due.filter(|due| *due != row.due));
                let moved = if owner.is_some() || due.is_some() { self.task_moved(task, owner, due) } else { Ok(()) };
                self.mirror_refused(wait, moved)
            }
            None => Ok(()),
        }
    }

    /// What a record says and its task may not do is an incident: the record stays as it is.
    fn mirror_refused(&mut self, wait: &Wait, done: Step) -> Step {
        match done {
            Err(Stop::Refused(refused)) if !matches!(refused, Refused::Window(_)) => {
                let fault = Fault::new("mirror_refused", refused.to_string());
                self.raise(token_of(wait.owner), wait.node, fault, During::Entering);
                Ok(())
            }
            other => other,
        }
    }

    /// A task follows its own record: to another person, to another due date (S26).
    pub fn task_moved(&mut self, task: Id, owner: Option<Option<Ref>>, due: Option<Option<i64>>) -> Step {
        let mut row = Arc::unwrap_or_clone(self.task_row(task)?);
        self.check_twice(&row, owner.as_ref().and_then(Option::as_ref))?;
        let wait = self.run.state.wait(row.wait).cloned();
        let node = wait.as_ref().map_or(NodeIx::PROCESS, |wait| wait.node);
        if let Some(due) = due {
            row.due = due;
            if let Some(wait) = wait {
                self.remind_anew(&wait, due.and_then(chrono::DateTime::from_timestamp_micros))?;
            }
        }
        match owner {
            Some(user) => {
                row.assignee.clone_from(&user);
                row.status = TaskStatus::Open;
                self.assigned_to(row, node, user);
            }
            None => self.need(Need::KeepTask(Box::new(row))),
        }
        Ok(())
    }

    /// The reminder of a task follows its due date.
    fn remind_anew(&mut self, wait: &Wait, due: Option<chrono::DateTime<chrono::Utc>>) -> Step {
        let Some(Element::UserTask(room)) = self.def.element(wait.node) else { return Ok(()) };
        let (token, scope) = self.place_of(wait.owner);
        let given = Given::default();
        let at = match room.reminder(&self.view(wait.node, token, scope, &given), due) {
            Ok(at) => at.filter(|at| *at > self.context.now),
            Err(fault) => {
                self.note(wait.node, format!("no reminder: {}", fault.message));
                None
            }
        };
        let timers = self.run.state.waits.of(wait.owner).filter(|found| found.node == wait.node);
        let old = timers.filter(|found| matches!(found.kind, WaitKind::Timer(_))).map(|found| found.id).next();
        self.consume(old);
        match at {
            Some(at) => {
                let kind = ArmKind::Timer(at);
                self.arm(wait.owner, Arm { node: wait.node, kind, count: wait.count }).map(|_infallible| ())
            }
            None => Ok(()),
        }
    }

    /// What a change of a task's own record says about the task: on edges only.
    pub fn read_mirror(&self, event: &RecordEvent) -> Option<MirrorSays> {
        let mirror = self.catalog.library.tasks.as_ref()?;
        read_mirror(mirror, event)
    }
}

/// Who gets a task.
pub(super) enum Assigning {
    Claim,
    Release,
    To(Option<Ref>),
}

/// What a change of a task's own record says about the task.
pub enum MirrorSays {
    /// It is completed (or canceled) with this outcome; none means the only one.
    Outcome(Name),
    /// It is another's now, or due at another time.
    Moved {
        /// The new owner, when that changed.
        owner: Option<Option<Ref>>,
        /// The new due date in microseconds, when that changed.
        due: Option<Option<i64>>,
    },
}

/// Reads a change of a task's own record: a status that becomes the completed one, the withdrawn one, or another owner.
pub(super) fn read_mirror(mirror: &Mirror, event: &RecordEvent) -> Option<MirrorSays> {
    let became = |columns: &[(Name, crate::model::Expr)]| {
        columns.iter().any(|(column, expr)| {
            expr.constant().is_some_and(|value| event.has_changed(column) && same_code(&event.value(column), value))
        })
    };
    if became(&mirror.completed) {
        let column = mirror.completed_outcome();
        let outcome = column.map(|column| event.value(&column));
        return Some(MirrorSays::Outcome(outcome.as_ref().and_then(code).unwrap_or_else(|| Name::new("completed"))));
    }
    if became(&mirror.withdrawn) || event.kind == EventKind::Deleted {
        return Some(MirrorSays::Outcome(Name::new("canceled")));
    }
    let changed = |what| mirror.column_of(what).filter(|column| event.has_changed(column));
    let owner = changed("assignee").map(|column| match event.value(&column) {
        Value::Ref(user) => Some(user),
        _ => None,
    });
    let due = changed("due").map(|column| match event.value(&column) {
        Value::DateTime(at) => Some(at.timestamp_micros()),
        _ => None,
    });
    (owner.is_some() || due.is_some()).then_some(MirrorSays::Moved { owner, due })
}

/// The code of an enum value or lookup row.
fn code(value: &Value) -> Option<Name> {
    match value {
        Value::Text(code) => Some(Name::new(code)),
        Value::Ref(row) => Some(row.id.clone()),
        _ => None,
    }
}

fn same_code(a: &Value, b: &Value) -> bool {
    a.same(b) || (code(a).is_some() && code(a) == code(b))
}

fn choose_outcome<'d>(room: &'d UserTask, row: &TaskRow, wanted: Option<&Name>) -> Step<&'d OutcomeRule> {
    let known = || row.outcomes.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
    match (wanted, room.outcomes.as_slice()) {
        (Some(id), _) => {
            let found = room.outcome(id);
            found
                .ok_or_else(|| Refused::Invalid(format!("the task {} offers {}, found {id}", row.step, known())).into())
        }
        (None, [only]) => Ok(only),
        (None, _) => Err(Refused::Invalid(format!("the task {} needs an outcome: {}", row.step, known())).into()),
    }
}

fn room_resume(
    room: &UserTask,
    turn: &Turn<'_>,
    token: crate::instance::TokenId,
    node: NodeIx,
    scope: u32,
    given: &Given<'_>,
    event: &Event<'_>,
) -> Step<crate::element::room::Move> {
    use crate::element::room::Room;
    room.resume(&turn.view(node, token, scope, given), event).map_err(refused_by)
}

/// While a task is being completed, what fails refuses the command.
fn refused_by(fault: Fault) -> Stop {
    Stop::Refused(fault.into())
}
