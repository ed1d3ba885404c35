//! Stageflow: an embeddable business-process engine.
//!
//! Processes and the records they talk about are written in YAML; an [`Engine`] runs them over a [store] and emits the stage
//! transitions of records, such as *lead -> "Need satisfied"* when a sale completes.
//!
//! ```
//! use stageflow::Engine;
//! use stageflow::load::Sources;
//! use stageflow::store::TaskFilter;
//!
//! let mut sources = Sources::new();
//! sources.add("shop.yaml", "
//! library: shop
//! entities:
//!   user: {fields: {name: text, roles: list(text)}}
//!   return:
//!     fields: {what: required text, owner: ref(user)}
//!     stages: {field: stage, initial: announced, values: {announced: {title: Announced}, received: {title: Received, final: success}}}
//! ");
//! sources.add("returns.yaml", "
//! process: returns
//! version: 1
//! title: Returns
//! entity: return
//! start: [{manual: {}}]
//! steps:
//!   - id: receive
//!     user_task: Receive {self.what}
//!     assign: self.owner
//!     outcomes: {arrived: {stage: self -> received}}
//! ");
//! let engine = Engine::builder().sources(sources).build()?;
//! let anna = engine.system().create_as("user", "anna", [("name", "Anna".into())])?;
//! let kettle = engine.user("anna").create("return", [("what", "a kettle".into()), ("owner", anna.into())])?;
//! engine.user("anna").start("returns").about(&kettle).run()?;
//!
//! let task = engine.tasks(&TaskFilter::default())?.remove(0);
//! assert_eq!(task.title.get("en"), "Receive a kettle");
//! engine.user("anna").complete(task.id, Some("arrived"), [] as [(&str, stageflow::model::Value); 0])?;
//! assert_eq!(engine.transitions(0, 10)?.last().unwrap().to_title.get("en"), "Received");
//! # Ok::<(), stageflow::Error>(())
//! ```
//!
//! # The nouns
//!
//! A *library* declares entities, roles, messages and services; a *definition* is a loaded version of a process. A *run* of it (an
//! [instance]) is about a *record*. [`Engine::user`] and [`Engine::system`] give a [`engine::Session`]: every call has an actor
//! and a command id, and returns after its commit. What a run waits for is a row: a [task](instance::TaskRow), a timer, a
//! [job](engine::ServiceCall), a subscription. What goes wrong is an [incident](engine::IncidentInfo).
//!
//! # Not there yet
//!
//! Access rights, guarantees and `explain`. A file that asks for them is refused by name, never run without them.
//!
//! The layers and their rules are told in [`architecture`]; how libraries, processes and scenarios are written, in [`manual`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod element;
pub mod engine;
pub mod entity;
pub mod files;
pub mod graph;
pub mod instance;
#[cfg(feature = "bpmn")]
pub mod interchange;
pub mod load;
pub mod model;
pub mod scenario;
pub mod store;
pub mod turn;

pub use engine::{Engine, Error};

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("docs/manual.md")]
pub mod manual {
    #[doc = include_str!("docs/library.md")]
    pub mod library {}
    #[doc = include_str!("docs/bpmn.md")]
    pub mod bpmn {}
    #[doc = include_str!("docs/process.md")]
    pub mod process {}
    #[doc = include_str!("docs/decision.md")]
    pub mod decision {}
    #[doc = include_str!("docs/scenario.md")]
    pub mod scenario {}
    #[doc = include_str!("docs/yaml.md")]
    pub mod yaml {}
    #[doc = include_str!("docs/problems.md")]
    pub mod problems {}
}
