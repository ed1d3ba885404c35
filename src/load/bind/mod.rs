//! From drafts to what the engine works with: names are looked up, types checked, expressions compiled.

mod calendar;
pub mod cycle;
