//! Stageflow: an embeddable business-process engine.
#![forbid(unsafe_code)]

pub mod load;
pub mod model;
