//! Stageflow: an embeddable business-process engine.
#![forbid(unsafe_code)]

pub mod model;
