//! The names in scope of a library's expressions.

use crate::model::expr::Slot;
use crate::model::{Name, Names, Type};

/// The record whose column, check or stage it is.
pub const SELF: Slot = Slot(0);
/// Who saves.
pub const USER: Slot = Slot(1);
/// The user task that a task record stands for.
pub const TASK: Slot = Slot(2);

/// Columns by their bare names, `self` and `user`; `changed(column)` and `previous(column)` speak of the same record.
pub fn of_record(entity: &Name) -> Names {
    let mut names = Names::new();
    names.root("self", Type::reference(&**entity), SELF);
    names.root("user", Type::reference("user"), USER);
    names.row(&**entity, SELF).changing(&**entity, SELF);
    names
}

/// What the records of user tasks are filled from when a task is opened, completed and withdrawn: `task.title` and so on.
pub fn of_task() -> [Names; 3] {
    let (title, assignee) = (("title", Type::Text), ("assignee", Type::reference("user")));
    let (category, start, due) = (("category", Type::Any), ("start", Type::DateTime), ("due", Type::DateTime));
    let (process, step, record) = (("process", Type::Text), ("step", Type::Text), ("record", Type::Ref([].into())));
    let outcomes = ("outcomes", Type::list(Type::Text));
    let opened = vec![title.clone(), assignee.clone(), category, start, due, process, step, record, outcomes];
    let completed = vec![title, assignee, ("outcome", Type::Any)];
    [opened, completed, vec![("reason", Type::Text)]].map(|entries| {
        let task = entries.into_iter().map(|(name, ty)| (Name::new(name), ty)).collect();
        let mut names = Names::new();
        names.root("task", Type::Map(task), TASK);
        names
    })
}
