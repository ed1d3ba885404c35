//! Stageflow: an embeddable business-process engine.
#![forbid(unsafe_code)]

pub mod element;
pub mod engine;
pub mod entity;
pub mod files;
pub mod graph;
pub mod instance;
pub mod load;
pub mod model;
pub mod scenario;
pub mod store;
pub mod turn;

pub use engine::{Engine, Error};
