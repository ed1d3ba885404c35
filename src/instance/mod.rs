//! What is true of one run of a process, and the only function that changes it.
//!
//! [`State`] is a value: it can be frozen to bytes, thawed, and made anew from its [`Fact`]s. [`apply()`](apply::apply) is the only
//! writer: what did not go through a fact cannot be true (S24). Absent by intent: the definition's elements, the clock, the store.

pub mod apply;
pub mod command;
pub mod fact;
pub mod roll;
pub mod rows;
pub mod state;

pub use command::{Command, Payload, Resolution, StartBy};
pub use fact::Fact;
pub use roll::Roll;
pub use rows::{
    InstanceRow, JobRow, Need, Outcome, Reaction, Receiver, Status, SubscriptionRow, TaskRow, TaskStatus, TimerRow,
    Topic,
};
pub use state::{Brought, Caller, Heard, Incident, Owner, Place, Scope, ScopeKind, State, Token, Wait, WaitKind};

/// A run whole: its row as lists show it, and its state. It is handed on in one piece, from the store to its turn and back.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What lists show.
    pub row: InstanceRow,
    /// Everything that is true of it.
    pub state: State,
}

/// The id of an instance, task, job or incident: a UUID handed out by the command that made it.
pub type Id = uuid::Uuid;

/// A token's number in its instance.
pub type TokenId = u32;
/// A scope's number in its instance.
pub type ScopeId = u32;
/// A wait's number in its instance.
pub type WaitId = u32;
