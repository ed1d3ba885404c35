//! Records and the rules about them: what a library declares, and the one way in which a record changes.
//!
//! A save is a wish ([`Wish`]); [`plan()`] turns it into the full change set ([`Plan`]), reading through a [`Window`]. Nothing is
//! stored here. Whoever reads or saves on somebody's behalf goes through one door, [`Access`].

pub mod access;
pub mod env;
pub mod library;
pub mod plan;
pub mod record;
mod schema;
pub mod window;
pub mod wiring;

pub use access::{Access, AccessError, Operation, Principal};
pub use env::{RecordEnv, read_column};
pub use library::{
    Check, ChildOf, Currencies, Document, Entity, ErrorCode, Field, Final, Library, Message, Mirror, Moves, Role,
    ServiceSpec, Setting, Signal, Stage, StageHistory, StageTable,
};
pub use plan::{Cause, IdSource, InstanceId, Plan, ReadGuard, Refusal, SaveContext, StageTransition, Wish, plan};
pub use record::{Change, EventKind, Record, RecordEvent};
pub use window::{Mark, NoRecords, Order, Overlay, Query, Window, WindowError};
