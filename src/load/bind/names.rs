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

/// What the records of user tasks are filled from: `task.title`, `task.assignee` and so on.
pub fn of_task() -> Names {
    let entry = |name: &str, ty: Type| (Name::new(name), ty);
    let user = || Type::reference("user");
    let task = [
        entry("title", Type::Text),
        entry("step", Type::Text),
        entry("process", Type::Text),
        entry("category", Type::Any),
        entry("record", Type::Ref([].into())),
        entry("assignee", user()),
        entry("start", Type::DateTime),
        entry("due", Type::DateTime),
        entry("remind_at", Type::DateTime),
        entry("outcome", Type::Any),
        entry("reason", Type::Text),
    ];
    let mut names = Names::new();
    names.root("task", Type::Map(task.into()), TASK).root("user", user(), USER);
    names
}
