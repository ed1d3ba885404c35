//! What a task asks for: its form and its outcomes, for whoever shows it.

use super::foreign::Joined;
use super::{Engine, Error};
use crate::element::definition::{Definition, FormEntry};
use crate::element::room::{Given, NoServices, View};
use crate::element::user_task::OutcomeRule;
use crate::element::{Element, Trigger};
use crate::entity::Principal;
use crate::graph::NodeIx;
use crate::instance::{Id, Owner, Run, WaitId};
use crate::model::{Name, Text};
use crate::store::StoreError;

/// What completing a task asks for.
#[derive(Clone, Debug)]
pub struct TaskForm {
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
        let outcomes = self.look(&run, def, (wait.node, wait.owner), |view| {
            let outcome = |rule: &OutcomeRule| TaskOutcome {
                id: rule.id.clone(),
                title: rule.title.show(view),
                require: rule.require.clone(),
            };
            room.outcomes.iter().map(outcome).collect()
        })?;
        Ok(TaskForm { entries: room.form.clone(), outcomes })
    }

    /// The actions that a run offers to people: the wait to use, its step and its title.
    ///
    /// # Errors
    /// When there is no such instance.
    pub fn actions(&self, instance: Id) -> Result<Vec<(WaitId, Name, Text)>, Error> {
        let run = self.instance_state(instance)?;
        let catalog = self.catalog();
        let Some(def) = catalog.get(&run.row.process, Some(run.row.version)) else { return Ok(Vec::new()) };
        let mut offered = Vec::new();
        for wait in &run.state.waits {
            if let Some(Trigger::Manual { title, .. }) = def.element(wait.node).and_then(Element::trigger) {
                let title = self.look(&run, def, (wait.node, wait.owner), |view| title.show(view))?;
                offered.push((wait.id, def.step(wait.node), title));
            }
        }
        Ok(offered)
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
