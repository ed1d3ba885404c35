//! Words and shapes: values, types, names and texts, and the expression language over them.
//!
//! This layer knows no clock, no store, no process and no YAML.

pub mod calendar;
pub mod code;
pub mod duration;
pub mod expr;
pub mod mismatch;
pub mod name;
mod order;
mod read;
pub mod schedule;
pub mod show;
pub mod span;
pub mod suggest;
pub mod text;
pub mod ty;
pub mod value;

pub use calendar::Calendar;
pub use expr::{Env, EvalError, Expr, ExprProblem, Names, Read, Schema, Slot, Template};
pub use mismatch::Mismatch;
pub use name::{Name, RecordId, Ref};
pub use schedule::Schedule;
pub use span::Span;
pub use text::{Lang, Text};
pub use ty::{EnumType, Type};
pub use value::{Denied, Duration, Money, Null, Value};
