//! BPMN 2.0 XML: what a modeler draws becomes processes in flat form.
//!
//! - [`import`](fn@import) reads a model: the processes of all participants, and the library that they need. The YAML that comes out is loaded as any other;
//!   nothing is checked twice.
//! - `xml` reads the text with limits; `scope`, `activity` and `event` say what each element means here, `vendor` what the
//!   attributes of Camunda and Flowable mean, `condition` translates expressions where their meaning is certain.
//!
//! What BPMN has and this crate does not run is refused with its place; what means nothing here is a warning; nothing is ignored silently.

mod activity;
mod condition;
mod data;
mod event;
mod scope;
mod vendor;
mod words;
mod xml;
mod yaml;

mod import;

pub use import::{Imported, import};
