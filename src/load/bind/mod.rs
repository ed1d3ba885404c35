//! From drafts to what the engine works with: names are looked up, types checked, expressions compiled.
//!
//! A library is bound in three rounds, because everything in it may speak of everything else: first the names of
//! entities, lookups and stages, then the types of all columns, settings and messages, last the expressions.

mod calendar;
mod column;
pub mod cycle;
mod entity;
mod history;
mod library;
pub mod names;
mod parts;
mod stages;

pub use calendar::zone;
pub use library::library;
