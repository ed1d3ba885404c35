//! The history that an entity's stages keep: a read-only entity of its own.

use super::library::plain;
use crate::entity::{ChildOf, Entity, Field, Library};
use crate::load::draft::entity::EntityDraft;
use crate::model::{Name, Type};

/// The name of the entity that keeps the history of `entity`.
fn name_of(entity: &Name) -> Name {
    Name::new(format!("{entity}_history"))
}

/// The history of an entity, when its stages keep one.
pub(super) fn named(draft: &EntityDraft) -> Option<Entity> {
    draft.stages.as_ref()?.history.as_ref()?;
    Some(Entity { name: name_of(&draft.name.value), read_only: true, ..Entity::default() })
}

/// Gives the history its columns, and the entity the list `history` of its rows.
pub(super) fn typed(draft: &EntityDraft, library: &mut Library) {
    let Some(history) = draft.stages.as_ref().and_then(|stages| stages.history.as_ref()) else { return };
    let owner = &draft.name.value;
    let split = history.split_by.iter().filter_map(|column| {
        let field = library.entity(owner)?.field(&column.value)?;
        Some(plain(&column.value, field.ty.clone()))
    });
    let mut fields = vec![
        Field { required: true, ..plain(owner, Type::reference(&**owner)) },
        plain("stage", Type::Stage(owner.clone())),
        plain("since", Type::DateTime),
        plain("until", Type::DateTime),
    ];
    fields.extend(split);
    fields.extend([plain("skipped", Type::Bool), plain("historical", Type::Bool)]);
    let name = name_of(owner);
    if let Some(made) = library.entities.get_mut(&name).filter(|entity| entity.read_only) {
        made.fields = fields;
    }
    if let Some(entity) = library.entities.get_mut(owner) {
        let list = ChildOf { name: Name::new("history"), entity: name, column: owner.clone() };
        let taken = entity.field("history").is_some() || entity.children.iter().any(|child| child.name == list.name);
        if !taken {
            entity.children.push(list);
        }
    }
}
