//! Rights: the one door through which records are read and changed on somebody's behalf.
//!
//! The door permits everything for now, and no library can declare rights yet. What stands behind it is final: reading may
//! give [`Value::Denied`], listing and saving may be refused, and each names the object, the column and the rule.

use std::fmt;
use std::sync::Arc;

use super::plan::{Refusal, Wish};
use super::record::Record;
use super::window::{Query, Window, WindowError};
use crate::model::{Denied, Name, Null, Ref, Value};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The host itself: may do everything.
    System,
    /// A user, with all his roles (inherited ones included) as they stand.
    User {
        /// His record.
        user: Ref,
        /// His roles.
        roles: Vec<Name>,
        /// Whether one of them may do everything.
        all: bool,
    },
}

impl Principal {
    /// The user, when it is one.
    pub fn user(&self) -> Option<&Ref> {
        match self {
            Principal::System => None,
            Principal::User { user, .. } => Some(user),
        }
    }

    /// Whether he may do what is given to a user or to roles; with neither, only who may do everything.
    pub fn may_perform(&self, assignee: Option<&Ref>, candidates: &[Name]) -> bool {
        match self {
            Principal::System | Principal::User { all: true, .. } => true,
            Principal::User { user, roles, .. } => {
                assignee == Some(user) || (assignee.is_none() && candidates.iter().any(|role| roles.contains(role)))
            }
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::System => f.write_str("the system"),
            Principal::User { user, .. } => write!(f, "{}", user.id),
        }
    }
}

/// What may be permitted or denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// To see.
    Read,
    /// To make.
    Create,
    /// To change.
    Update,
    /// To delete.
    Delete,
}

/// Why a record could not be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// A rule denies it.
    #[error("{0}")]
    Denied(Arc<Denied>),
    /// The store failed.
    #[error(transparent)]
    Window(#[from] WindowError),
}

/// The records as one principal may read and change them.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    window: &'a dyn Window,
    principal: &'a Principal,
}

impl<'a> Access<'a> {
    /// The records on somebody's behalf.
    pub fn new(window: &'a dyn Window, principal: &'a Principal) -> Self {
        Self { window, principal }
    }

    /// The records as the engine itself sees them.
    pub fn system(window: &'a dyn Window) -> Self {
        Self { window, principal: &Principal::System }
    }

    /// On whose behalf.
    pub fn principal(&self) -> &'a Principal {
        self.principal
    }

    /// A record; none when there is none.
    ///
    /// # Errors
    /// When it may not be read, or the store fails.
    pub fn record(&self, record: &Ref) -> Result<Option<Arc<Record>>, AccessError> {
        self.permit(Operation::Read, &record.entity, Some(record), None)?;
        Ok(self.window.get(record)?)
    }

    /// The records of a query, without those that may not be read.
    ///
    /// # Errors
    /// When the entity may not be read at all, or the store fails.
    pub fn records(&self, query: &Query) -> Result<Vec<Arc<Record>>, AccessError> {
        self.permit(Operation::Read, &query.entity, None, None)?;
        let mut found = self.window.query(query)?;
        found.retain(|record| self.permit(Operation::Read, &record.entity, Some(&record.reference()), None).is_ok());
        Ok(found)
    }

    /// Whether a column may be read.
    ///
    /// # Errors
    /// What denies it.
    pub fn may_read(&self, record: &Ref, column: &Name) -> Result<(), Arc<Denied>> {
        self.permit(Operation::Read, &record.entity, Some(record), Some(column))
    }

    /// What a record keeps in a column: [`Value::Denied`] when it may not be read, [`Null::Gone`] when there is no such record.
    ///
    /// # Errors
    /// When the store fails.
    pub fn column(&self, record: &Ref, column: &Name) -> Result<Value, WindowError> {
        if let Err(denied) = self.may_read(record, column) {
            return Ok(Value::Denied(denied));
        }
        Ok(match self.window.get(record)? {
            Some(found) => found.get(column),
            None => Value::Null(Null::Gone(record.clone())),
        })
    }

    /// Whether a wish may be carried out.
    ///
    /// # Errors
    /// `access_denied`, naming the object, the column and the rule.
    pub fn wish(&self, wish: &Wish) -> Result<(), Refusal> {
        let permit = |operation, entity: &Name, record, set: &[(Name, Value)]| {
            self.permit(operation, entity, record, None)?;
            set.iter().try_for_each(|(column, _)| self.permit(operation, entity, record, Some(column)))
        };
        let permitted = match wish {
            Wish::Create { entity, set, .. } => permit(Operation::Create, entity, None, set),
            Wish::Update { target, set } => permit(Operation::Update, &target.entity, Some(target), set),
            Wish::Delete { target } => permit(Operation::Delete, &target.entity, Some(target), &[]),
        };
        permitted.map_err(|denied| Refusal::denied(&denied))
    }

    /// The decision. There are no rules yet: everything is permitted.
    fn permit(
        &self,
        _operation: Operation,
        _entity: &Name,
        _record: Option<&Ref>,
        _column: Option<&Name>,
    ) -> Result<(), Arc<Denied>> {
        Ok(())
    }
}

impl From<Arc<Denied>> for AccessError {
    fn from(denied: Arc<Denied>) -> Self {
        Self::Denied(denied)
    }
}
