//! The host's services: inside (pure, part of the turn) and outside (jobs after the commit).

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::element::Element;
use crate::element::definition::{Catalog, Definition};
use crate::element::room::{InsideHandler, Services};
use crate::instance::command::Failure;
use crate::instance::rows::Values;
use crate::instance::{Id, JobRow};
use crate::model::{Name, Ref, Span, Value};

/// What an outside handler is given.
#[derive(Clone, Debug)]
pub struct ServiceCall {
    /// The service.
    pub service: Name,
    /// Its arguments.
    pub with: Values,
    /// The same over all attempts: what the world outside is asked to do once.
    pub idempotency_key: Id,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The instance that asks.
    pub instance: Id,
    /// The record its process is about.
    pub record: Option<Ref>,
}

impl ServiceCall {
    pub(super) fn of(job: &JobRow) -> Self {
        Self {
            service: job.service.clone(),
            with: job.with.iter().cloned().collect(),
            idempotency_key: job.id,
            attempt: job.attempt,
            instance: job.instance,
            record: job.record.clone(),
        }
    }

    /// An argument as text; empty when there is none.
    pub fn text(&self, name: &str) -> String {
        match self.with.get(name) {
            None | Some(Value::Null(_)) => String::new(),
            Some(value) => value.to_string(),
        }
    }
}

/// Why a service did not do what it was asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ServiceError {
    /// A declared error: caught by the process, or an incident. It is not tried again.
    Raised(Name, Values),
    /// It broke; tried again as the step says.
    Broke(String),
}

impl ServiceError {
    /// A declared error without values.
    pub fn raise(code: &str) -> Self {
        ServiceError::Raised(Name::new(code), Values::new())
    }
}

impl<E: std::error::Error> From<E> for ServiceError {
    fn from(error: E) -> Self {
        ServiceError::Broke(error.to_string())
    }
}

/// An outside handler.
pub type OutsideHandler = dyn Fn(&ServiceCall) -> Result<Values, ServiceError> + Send + Sync;

/// The handlers of an engine.
#[derive(Default)]
pub(super) struct Registry {
    pub inside: BTreeMap<Name, Box<InsideHandler>>,
    pub outside: BTreeMap<Name, Arc<OutsideHandler>>,
    pub remote: Vec<Name>,
}

impl Registry {
    /// Registers an inside handler; one that panics is a failure of its step and harms nobody else.
    pub fn inside(
        &mut self,
        service: &str,
        handler: impl Fn(&Values) -> Result<Values, ServiceError> + Send + Sync + 'static,
    ) {
        let guarded = move |with: &Values| match catch_unwind(AssertUnwindSafe(|| super::inside_turn(|| handler(with))))
        {
            Ok(answer) => answer.map_err(failure),
            Err(panic) => Err(Failure::Broke(format!("the handler panicked: {}", said(&*panic)))),
        };
        self.inside.insert(Name::new(service), Box::new(guarded));
    }

    /// Runs an outside handler.
    pub fn call(&self, call: &ServiceCall) -> Option<Result<Values, Failure>> {
        let handler = self.outside.get(&call.service)?;
        Some(match catch_unwind(AssertUnwindSafe(|| handler(call))) {
            Ok(answer) => answer.map_err(failure),
            Err(panic) => Err(Failure::Broke(format!("the handler panicked: {}", said(&*panic)))),
        })
    }

    /// The services that definitions use and nobody handles, each with the place of its first use in a definition.
    pub fn missing(&self, catalog: &Catalog) -> Vec<(Name, Arc<Definition>, Span)> {
        let mut missing: Vec<(Name, Arc<Definition>, Span)> = Vec::new();
        for definition in catalog.all() {
            for (service, span) in used(definition) {
                let known = self.inside.contains_key(&service) || self.outside.contains_key(&service);
                if !known && !self.remote.contains(&service) {
                    missing.push((service, definition.clone(), span));
                }
            }
        }
        missing
    }
}

fn used(definition: &Definition) -> BTreeMap<Name, Span> {
    let mut found = BTreeMap::new();
    for (at, element) in definition.elements.iter().enumerate() {
        let Element::ServiceTask(task) = element else { continue };
        let node = crate::graph::NodeIx(u32::try_from(at).unwrap_or(u32::MAX));
        let span = definition.graph.node(node).map(|node| node.span).unwrap_or_default();
        found.entry(task.service.clone()).or_insert(span);
    }
    found
}

impl Services for Registry {
    fn inside(&self, service: &str) -> Option<&InsideHandler> {
        self.inside.get(service).map(|handler| &**handler)
    }
}

pub(super) fn failure(error: ServiceError) -> Failure {
    match error {
        ServiceError::Raised(code, with) => Failure::Raised(code, with.into_iter().collect()),
        ServiceError::Broke(text) => Failure::Broke(text),
    }
}

/// What a panic said.
pub(super) fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_string())
}
