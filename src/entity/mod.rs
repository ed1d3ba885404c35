//! Records and the rules about them: what a library declares, and the one way in which a record changes.
//!
//! A save is a wish ([`Wish`]); [`plan()`] turns it into the full change set ([`Plan`]), reading through a [`Window`]. Nothing is stored here.

pub mod env;
pub mod library;
pub mod plan;
pub mod record;
mod schema;
pub mod window;

pub use env::RecordEnv;
pub use library::{
    Check, ChildOf, Currencies, Document, Entity, ErrorCode, Field, FillOrder, Final, Library, Message, Mirror, Moves,
    Role, ServiceSpec, Setting, Signal, Stage, StageHistory, StageTable,
};
pub use plan::{Cause, IdSource, InstanceId, Plan, Refusal, SaveContext, StageTransition, Wish, plan};
pub use record::{Change, EventKind, Record, RecordEvent};
pub use window::{Access, Mark, NoRecords, Order, Overlay, Principal, Query, Window, WindowError};
