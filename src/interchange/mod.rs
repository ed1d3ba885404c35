//! BPMN 2.0 XML: what a modeler draws becomes processes in flat form.
//!
//! - [`import`](fn@import) reads a model: the processes of all participants, and the library that they need. The YAML that comes out is loaded as any other;
//!   nothing is checked twice.
//! - [`export`](fn@export) is the way back, into the drawing that the processes came from where there is one.
//! - `xml` reads the text with limits; `scope`, `activity` and `event` say what each element means here, `vendor` what the
//!   attributes of Camunda and Flowable mean, `condition` translates expressions where their meaning is certain.
//!
//! What BPMN has and this crate does not run is refused with its place; what means nothing here is a warning; nothing is ignored silently.

mod activity;
mod condition;
mod data;
mod encoding;
mod event;
mod links;
mod people;
mod scope;
mod service;
mod shape;
mod vendor;
mod words;
mod xml;
mod yaml;

mod export;
mod import;

pub use encoding::decode;
pub use export::{Exported, drawing_of, export};
pub use import::{Imported, import};
pub use xml::MAX_BYTES;
