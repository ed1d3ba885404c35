//! What an event brings, kept while it cannot be taken: a retry takes it as it came, and nothing is done or asked for twice (S22).

use super::incident::About;
use super::step::{Step, Turn};
use crate::element::Element;
use crate::element::room::{Event, Fault, Given};
use crate::graph::NodeIx;
use crate::instance::rows::Values;
use crate::instance::{Brought, Fact, Place, TokenId, WaitId};
use crate::model::{Name, Value};

/// The event that a move follows from, and the wait that it wakes.
#[derive(Clone, Copy, Default)]
pub(super) struct Woken<'e> {
    pub wait: Option<WaitId>,
    pub event: Option<(&'e Event<'e>, &'e Given<'e>)>,
}

impl<'e> Woken<'e> {
    pub fn by(event: &'e Event<'e>, given: &'e Given<'e>) -> Self {
        Self { wait: None, event: Some((event, given)) }
    }
}

impl Turn<'_> {
    /// What an event brought cannot be taken: caught, or an incident that keeps it.
    pub fn fail_taking(&mut self, token: TokenId, node: NodeIx, fault: Fault, woken: Woken<'_>) -> Step {
        if self.is_caught(token, node, &fault) {
            return self.throw(token, node, fault, false);
        }
        let brought = woken.event.and_then(|(event, given)| self.brought(node, event, given));
        if brought.is_some() {
            self.consume(woken.wait);
        }
        self.report(fault, About { token: Some(token), node, brought, ..About::default() });
        Ok(())
    }

    /// What is kept of an event; nothing of what a step does again when it is entered again.
    pub fn brought(&self, node: NodeIx, event: &Event<'_>, given: &Given<'_>) -> Option<Brought> {
        let kept = |values: &Values| values.clone().into_iter().collect();
        match event {
            Event::Message(values) => Some(Brought::Message(kept(values))),
            Event::Record(event) => Some(Brought::Record(Box::new((*event).clone()))),
            Event::Done(values) => Some(Brought::Done(kept(values))),
            Event::Acted(values) => Some(Brought::Acted(kept(values))),
            Event::Caught(code) => Some(Brought::Caught((*code).clone(), given.error.map(kept).unwrap_or_default())),
            Event::Fired | Event::Condition | Event::Compensated => {
                self.def.element(node)?.trigger().map(|_| Brought::Nothing)
            }
            // A task's completion is refused, a scope is decided on again, a stage is followed; what is offered is still.
            Event::Completed { .. } | Event::Failed(_) | Event::ScopeDone { .. } | Event::Stage(..) => None,
            Event::Way(_) | Event::Chosen(_) | Event::Finished | Event::Looked => None,
        }
    }

    /// What was kept is taken.
    pub fn take_brought(&mut self, token: TokenId, node: NodeIx, brought: &Brought) -> Step {
        bring(brought, |event, given| match self.def.element(node) {
            Some(Element::EventSubProcess(_)) => self.begin_handler(token, node, event, given),
            _ => self.resume_at(token, node, event, given),
        })
    }

    /// A handler takes what its event brought; its token, when it stood still, goes on to the first step.
    pub fn begin_handler(&mut self, token: TokenId, node: NodeIx, event: &Event<'_>, given: &Given<'_>) -> Step {
        let (Some(element), Some(scope)) =
            (self.def.element(node), self.run.state.token(token).map(|found| found.scope))
        else {
            return Ok(());
        };
        let entitled = self.entitle(token, node, scope, given);
        let decided = entitled.and_then(|()| element.room().resume(&self.view(node, token, scope, given), event));
        let taken = match decided {
            Ok(decided) => self.effects(token, node, decided.effects)?,
            Err(fault) => Err(fault),
        };
        match taken {
            Ok(()) => {
                self.go_into(token, node);
                Ok(())
            }
            Err(fault) => self.fail_taking(token, node, fault, Woken::by(event, given)),
        }
    }

    /// The token that stands in a handler goes on to its first step.
    pub fn go_into(&mut self, token: TokenId, node: NodeIx) {
        let place = self.run.state.token(token).map(|found| found.place);
        if let (Some(info), true) = (self.def.scopes.get(&node), place == Some(Place::In(node))) {
            self.fact(Fact::Placed(token, Place::Entering(info.entry)));
            self.schedule(token);
        }
    }
}

/// The event as it came.
pub(super) fn bring<T>(brought: &Brought, take: impl FnOnce(&Event<'_>, &Given<'_>) -> T) -> T {
    let values = |with: &[(Name, Value)]| with.iter().cloned().collect::<Values>();
    let none = Given::default();
    match brought {
        Brought::Nothing => take(&Event::Fired, &none),
        Brought::Message(with) => {
            let with = values(with);
            take(&Event::Message(&with), &Given { message: Some(&with), ..none })
        }
        Brought::Record(event) => take(&Event::Record(event), &Given { event: Some(event), ..none }),
        Brought::Done(with) => take(&Event::Done(&values(with)), &none),
        Brought::Acted(with) => {
            let with = values(with);
            take(&Event::Acted(&with), &Given { form: Some(&with), ..none })
        }
        Brought::Caught(code, with) => {
            let with = values(with);
            take(&Event::Caught(code), &Given { error: Some(&with), ..none })
        }
    }
}
