//! Stageflow: an embeddable business-process engine.
#![forbid(unsafe_code)]

pub mod files;
pub mod load;
pub mod model;
