//! What a file says, before names and types are looked up: structs of written words, each with its place.
//!
//! A draft is read in one pass over the tree and never fails: what is wrong is reported, and the rest is kept, so that
//! binding can report what is wrong with that.

pub mod decl;
pub mod entity;
pub mod expr;
pub mod library;
pub mod parts;
pub mod stages;
pub mod types;

pub use decl::Decl;
pub use expr::ExprText;
pub use library::LibraryDraft;
pub use types::TypeText;
