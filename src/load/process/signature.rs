//! What processes may know of each other: parameters and results.

use super::draft::{Process, Step, Verb};
use super::words::Part;
use crate::element::Element;
use crate::element::definition::{Definition, StartTrigger};
use crate::load::problem::Problems;
use crate::model::{Name, Schema, Span, Type};

/// The outside of a process.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub version: u32,
    pub entity: Option<Name>,
    pub params: Vec<Part>,
    /// What it gives back: its `out` parameters, and what its ends return.
    pub results: Vec<Part>,
    /// Whether it may be called.
    pub called: bool,
    /// Where it stands, when it is part of this load.
    pub span: Option<Span>,
}

impl Signature {
    /// Of a drafted process. Types are bound without reporting; the compilation does that.
    pub fn of_draft(process: &Process<'_>, schema: &dyn Schema) -> Self {
        let silent = Problems::new();
        let own = process.entity.as_ref().map(|entity| entity.value.clone());
        let part = |variable: &super::draft::Variable| {
            let ty = variable.decl.ty.as_ref().map_or(Type::Any, |ty| ty.bind(schema, own.as_ref(), &silent));
            Part { name: variable.decl.name.value.clone(), ty, required: variable.decl.required }
        };
        let params = process.params.iter().map(part).collect();
        let mut results: Vec<Part> = process.params.iter().filter(|param| param.out).map(part).collect();
        let handled = process.handlers.iter().flat_map(super::draft::Event::lists);
        for steps in std::iter::once(process.steps.as_slice()).chain(handled) {
            add_returns(steps, &mut results);
        }
        let called = process.starts.is_empty()
            || process.starts.iter().any(|start| matches!(start.by, super::draft::StartBy::Called));
        Self { version: process.version, entity: own, params, results, called, span: Some(process.span) }
    }

    /// Of a loaded definition.
    pub fn of_definition(definition: &Definition) -> Self {
        let part = |param: &crate::element::Param| Part {
            name: param.name.clone(),
            ty: param.ty.clone(),
            required: param.required,
        };
        let params = definition.params.iter().map(part).collect();
        let mut results: Vec<Part> = definition.params.iter().filter(|param| param.out).map(part).collect();
        for element in &definition.elements {
            let Element::EndEvent(end) = element else { continue };
            for (name, expr) in &end.results {
                add(&mut results, name, expr.ty().clone());
            }
        }
        let called = definition.starts.iter().any(|start| matches!(start.trigger, StartTrigger::Called));
        let entity = definition.entity.clone();
        Self { version: definition.version, entity, params, results, called, span: None }
    }
}

fn add(results: &mut Vec<Part>, name: &Name, ty: Type) {
    if !results.iter().any(|known| known.name == *name) {
        results.push(Part { name: name.clone(), ty, required: false });
    }
}

/// What the ends of a list return; what its type is shows only when the process is compiled.
fn add_returns(steps: &[Step<'_>], results: &mut Vec<Part>) {
    for step in steps {
        if let Verb::End { results: named, .. } = &step.verb {
            for entry in *named {
                add(results, &Name::new(&*entry.key.text), Type::Any);
            }
        }
        let bordering = step.boundary.iter().filter_map(|event| event.then.steps.as_deref());
        for list in step.verb.lists().into_iter().chain(bordering) {
            add_returns(list, results);
        }
    }
}
