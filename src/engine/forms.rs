//! What a task or an action asks for: its form and its outcomes, for whoever shows it.

use super::foreign::Joined;
use super::{Engine, Error};
use crate::element::definition::{Definition, FormEntry};
use crate::element::room::{Given, NoServices, View};
use crate::element::user_task::OutcomeRule;
use crate::element::{Element, Trigger};
use crate::entity::Principal;
use crate::graph::NodeIx;
use crate::instance::{Id, Owner, Run, Wait, WaitId};
use crate::model::{Name, Text};
use crate::store::StoreError;

/// What completing a task asks for.
#[derive(Clone, Debug)]
pub struct TaskForm {
    /// The host's form that shows it (`form_key`); none when the step names none, or a value in its name is null.
    pub key: Option<Text>,
    /// What may be filled in: entries of its own, and columns of the record as `self.column`.
    pub entries: Vec<FormEntry>,
    /// How it may end.
    pub outcomes: Vec<TaskOutcome>,
}

/// One way a task may end.
#[derive(Clone, Debug)]
pub struct TaskOutcome {
    /// Its id.
    pub id: Name,
    /// Its title for people; may be empty.
    pub title: Text,
    /// The entries without which it is refused.
    pub require: Vec<Name>,
}

/// Something that a run offers people to do.
#[derive(Clone, Debug)]
pub struct Action {
    /// The wait to use.
    pub wait: WaitId,
    /// Its step: an event of a boundary or handler, what may be chosen, or the ad-hoc sub-process that may be ended.
    pub step: Name,
    /// Its title for people.
    pub title: Text,
    /// Who may; everybody when empty.
    pub roles: Vec<Name>,
    /// What its form asks for.
    pub form: Vec<FormEntry>,
}

impl Engine {
    /// The form and the outcomes of an open task.
    ///
    /// # Errors
    /// When the task is not open.
    pub fn form(&self, task: Id) -> Result<TaskForm, Error> {
        let row = self.read(|reader| reader.task(task).map_err(StoreError::from))?;
        let row = row.ok_or_else(|| Error::Unknown(format!("expected an open task, found none with the id {task}")))?;
        let run = self.instance_state(row.instance)?;
        let catalog = self.catalog();
        let def = catalog.get(&run.row.process, Some(run.row.version));
        let wait = run.state.wait(row.wait);
        let Some((def, wait)) = def.zip(wait) else { return Err(unknown(task)) };
        let Some(Element::UserTask(room)) = def.element(wait.node) else { return Err(unknown(task)) };
        let (key, outcomes) = self.look(&run, def, (wait.node, wait.owner), |view| {
            let outcome = |rule: &OutcomeRule| TaskOutcome {
                id: rule.id.clone(),
                title: rule.title.show(view),
                require: rule.require.clone(),
            };
            let key = room.form_key.as_ref().and_then(|key| key.fill(view).ok());
            (key, room.outcomes.iter().map(outcome).collect())
        })?;
        Ok(TaskForm { key, entries: room.form.clone(), outcomes })
    }

    /// What a run offers people to do: the actions of boundary events and handlers, and what they may choose in ad-hoc sub-processes.
    ///
    /// # Errors
    /// When there is no such instance.
    pub fn actions(&self, instance: Id) -> Result<Vec<Action>, Error> {
        let run = self.instance_state(instance)?;
        let catalog = self.catalog();
        let Some(def) = catalog.get(&run.row.process, Some(run.row.version)) else { return Ok(Vec::new()) };
        let mut offered = Vec::new();
        for wait in &run.state.waits {
            let (wait_id, step) = (wait.id, def.step(wait.node));
            if let Some((title, roles)) = self.choice(&run, def, wait)? {
                offered.push(Action { wait: wait_id, step, title, roles, form: Vec::new() });
            } else if let Some(Trigger::Manual { title, roles, form }) =
                def.element(wait.node).and_then(Element::trigger)
            {
                let title = self.look(&run, def, (wait.node, wait.owner), |view| title.show(view))?;
                offered.push(Action { wait: wait_id, step, title, roles: roles.clone(), form: form.clone() });
            }
        }
        Ok(offered)
    }

    /// What an ad-hoc sub-process offers by this wait, when it may be chosen now.
    fn choice(&self, run: &Run, def: &Definition, wait: &Wait) -> Result<Option<(Text, Vec<Name>)>, Error> {
        let Owner::Token(token) = wait.owner else { return Ok(None) };
        let Some(node) = run.state.node_of(token) else { return Ok(None) };
        let Some(Element::AdHoc(room)) = def.element(node) else { return Ok(None) };
        let title = self.look(run, def, (node, wait.owner), |view| room.choice(view, wait.node))?;
        Ok(title.map(|title| (title, room.roles.clone())))
    }

    /// What a run shows to whoever looks at it now, at a node that waits for its owner.
    pub(super) fn look<T>(
        &self,
        run: &Run,
        def: &Definition,
        (node, owner): (NodeIx, Owner),
        show: impl Fn(&View<'_>) -> T,
    ) -> Result<T, Error> {
        let (catalog, now) = (self.catalog(), self.now());
        let (token, scope) = match owner {
            Owner::Token(token) => (token, run.state.token(token).map_or(0, |found| found.scope)),
            Owner::Scope(scope) => (0, scope),
        };
        self.read(|reader| {
            Ok(show(&View {
                def,
                catalog: &catalog,
                state: &run.state,
                instance: run.row.id,
                node,
                token,
                scope,
                now,
                window: &Joined::new(reader, &self.inner.foreign),
                principal: &Principal::System,
                given: &Given::default(),
                services: &NoServices,
            }))
        })
    }
}

fn unknown(task: Id) -> Error {
    Error::Unknown(format!("the task {task} is of no step that is known"))
}
