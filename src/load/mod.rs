//! From YAML texts to checked definitions: read, draft, bind, compile, check.
//!
//! - [`source`]: the named texts that are loaded together; [`problem`]: what is wrong with them and where;
//!   [`codes`]: the register of all problems with a wrong and a right example.
//! - [`read`](mod@read): one text into a spanned [`Tree`], with limits, and with help where YAML bites.
//! - [`cursor`]: the helpers by which every kind of file is read from its tree by hand, all problems in one pass.
//! - [`literal`]: values written as data: the rows of lookups, the columns of stages, what scenarios give.
//! - [`draft`]: what each kind of file says, before names and types are looked up.
//!
//! - [`bind`]: names looked up, types checked, expressions compiled.
//!
//! This layer takes texts. It knows no folder, no store and no clock: `files` finds the texts, the engine keeps them.

pub mod bind;
mod check;
pub mod codes;
pub mod cursor;
pub(crate) mod decision;
pub mod draft;
pub mod library;
pub mod literal;
pub mod pattern;
pub mod problem;
pub mod process;
pub mod read;
pub mod source;

pub use crate::model::suggest::did_you_mean;
pub use cursor::{MapReader, Spanned};
pub use library::{Kind, Loaded, kind, library, problems};
pub use problem::{Label, LoadError, Problem, Problems, Severity, render_json, render_text};
pub use process::{Processes, process};
pub use read::{Entry, Key, Node, Scalar, Style, Tree, Yaml, read};
pub use source::{Place, Source, Sources};
