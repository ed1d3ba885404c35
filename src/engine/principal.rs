//! Who acts, with the roles that he has now.

use super::error::Error;
use super::request::Actor;
use crate::element::definition::Catalog;
use crate::entity::{Principal, Window};
use crate::model::{Name, Ref, Value};
use crate::store::StoreError;

/// Who acts, with the roles that he has now.
pub(super) fn principal_of(
    catalog: &Catalog,
    window: &dyn Window,
    actor: &Actor,
) -> Result<Result<Principal, Error>, StoreError> {
    let Actor::User(id) = actor else { return Ok(Ok(Principal::System)) };
    let user = Ref { entity: Name::new("user"), id: id.clone() };
    let Some(record) = window.get(&user)? else {
        return Ok(Err(Error::Unknown(format!("expected a user, found no user {id}"))));
    };
    let named = match record.get(&Name::new("roles")) {
        Value::List(roles) => roles.iter().map(|role| Name::new(role.to_string())).collect(),
        _ => Vec::new(),
    };
    let roles = with_inherited(catalog, named);
    let all = roles.iter().any(|role| catalog.library.roles.get(role).is_some_and(|role| role.all));
    Ok(Ok(Principal::User { user, roles, all }))
}

/// Roles with those they inherit.
pub(super) fn with_inherited(catalog: &Catalog, named: Vec<Name>) -> Vec<Name> {
    let mut roles = named;
    let mut at = 0;
    while let Some(role) = roles.get(at).cloned() {
        let inherited = catalog.library.roles.get(&role).map(|role| role.inherits.as_slice()).unwrap_or_default();
        for role in inherited {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        at = at.saturating_add(1);
    }
    roles
}
