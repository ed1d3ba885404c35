//! What a task asks for: its form and its outcomes, for whoever shows it.

use super::{Engine, Error};
use crate::element::Element;
use crate::element::definition::FormEntry;
use crate::instance::{Id, Run};
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
        let Run { row: instance, state } = self.instance_state(row.instance)?;
        let catalog = self.catalog();
        let def = catalog.get(&instance.process, Some(instance.version));
        let node = state.wait(row.wait).map(|wait| wait.node);
        match def.zip(node).and_then(|(def, node)| def.element(node)) {
            Some(Element::UserTask(room)) => Ok(TaskForm {
                entries: room.form.clone(),
                outcomes: room
                    .outcomes
                    .iter()
                    .map(|rule| TaskOutcome {
                        id: rule.id.clone(),
                        title: rule.title.clone(),
                        require: rule.require.clone(),
                    })
                    .collect(),
            }),
            _ => Err(Error::Unknown(format!("the task {task} is of no step that is known"))),
        }
    }
}
