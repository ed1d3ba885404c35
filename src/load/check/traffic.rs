//! What processes send each other: errors, messages and signals without a partner.

use std::collections::{BTreeMap, BTreeSet};

use crate::element::Element;
use crate::element::definition::{Definition, StartTrigger, Trigger};
use crate::entity::Library;
use crate::load::problem::{Problem, Problems};
use crate::load::process::words::BUILT_IN_ERRORS;
use crate::model::{Name, Span};

/// Names with the place where each is first used, when that is part of this load.
type Uses = BTreeMap<Name, Option<Span>>;

#[derive(Default)]
struct Traffic {
    raised: Uses,
    caught: Uses,
    catches_all: bool,
    sent: BTreeSet<Name>,
    received: Uses,
    thrown: BTreeSet<Name>,
    awaited: Uses,
    services: Uses,
}

/// Checks the processes of a load, together with those that are there already.
pub(super) fn check(loaded: &[&Definition], there: &[&Definition], library: &Library, problems: &Problems) {
    let mut traffic = Traffic::default();
    loaded.iter().for_each(|definition| traffic.add(definition, true));
    there.iter().for_each(|definition| traffic.add(definition, false));
    traffic.errors(library, problems);
    traffic.messages(library, problems);
}

impl Traffic {
    fn add(&mut self, definition: &Definition, here: bool) {
        for node in definition.graph.nodes() {
            let (Some(element), Some(found)) = (definition.element(node), definition.graph.node(node)) else {
                continue;
            };
            let span = here.then_some(found.span);
            let note = |uses: &mut Uses, name: &Name| {
                let place = uses.entry(name.clone()).or_insert(span);
                *place = place.or(span);
            };
            self.add_thrown(element);
            match element {
                Element::ErrorThrow(throw) => note(&mut self.raised, &throw.code),
                Element::ServiceTask(service) => note(&mut self.services, &service.service),
                _ => {}
            }
            match element.trigger() {
                Some(Trigger::Error(Some(code))) => note(&mut self.caught, code),
                Some(Trigger::Error(None)) => self.catches_all = true,
                Some(Trigger::Message { name, .. }) => note(&mut self.received, name),
                Some(Trigger::Signal { name, .. }) => note(&mut self.awaited, name),
                _ => {}
            }
        }
        let process = definition.graph.node(crate::graph::NodeIx::PROCESS).map(|node| node.span);
        let span = process.filter(|_| here);
        for start in &definition.starts {
            match &start.trigger {
                StartTrigger::Message(name, _) => drop(self.received.entry(name.clone()).or_insert(span)),
                StartTrigger::Signal(name, _) => drop(self.awaited.entry(name.clone()).or_insert(span)),
                _ => {}
            }
        }
    }

    fn add_thrown(&mut self, element: &Element) {
        match element {
            Element::SendTask(send) => drop(self.sent.insert(send.message.clone())),
            Element::SignalThrow(throw) => drop(self.thrown.insert(throw.signal.clone())),
            Element::MultiInstance(each) => each.throws.iter().for_each(|throw| self.add_thrown(&throw.element)),
            _ => {}
        }
    }

    fn errors(&self, library: &Library, problems: &Problems) {
        // A way out of a scope is written as an error of its own, whose name no author can write.
        let is_own = |code: &&Name| Name::is_valid(code) && !BUILT_IN_ERRORS.contains(&&***code);
        // One that is not declared is reported as such.
        let declared = |code: &&Name| is_own(code) && library.errors.contains_key(*code);
        for (code, span) in self.raised.iter().filter(|(code, _)| declared(code)) {
            if let (Some(span), false) = (span, self.catches_all || self.caught.contains_key(code)) {
                let problem = Problem::error("error-never-caught", *span, format!("nobody catches the error `{code}`"));
                let help = format!(
                    "catch it with `boundary: [{{error: {code}, ...}}]` or a handler, or write `incident: {code}`"
                );
                problems.push(problem.help(help));
            }
        }
        let checks = library.entities.values().flat_map(|entity| &entity.checks).map(|check| &check.error);
        let services = library.services.values().flat_map(|service| &service.raises);
        let raised: BTreeSet<&Name> = self.raised.keys().chain(checks).chain(services).collect();
        for (code, span) in self.caught.iter().filter(|(code, _)| is_own(code)) {
            let known = library.errors.contains_key(code) && !raised.contains(code);
            if let (Some(span), true) = (span, known) {
                let problem = Problem::error("error-never-raised", *span, format!("nobody raises the error `{code}`"));
                problems.push(problem.help("raise it somewhere, or remove what catches it"));
            }
        }
        for (service, span) in &self.services {
            let raises = library.services.get(service).map(|service| service.raises.as_slice()).unwrap_or_default();
            let open = raises.iter().find(|code| !self.caught.contains_key(*code) && !self.catches_all);
            if let (Some(span), Some(code)) = (span, open) {
                let message = format!("the service `{service}` may raise `{code}`, which nobody catches");
                let help = format!("catch it with `boundary: [{{error: {code}, ...}}]`; else it is an incident");
                problems.push(Problem::warning("error-never-caught", *span, message).help(help));
            }
        }
    }

    fn messages(&self, library: &Library, problems: &Problems) {
        for (name, span) in &self.received {
            let external = library.messages.get(name).is_none_or(|message| message.external);
            if let (Some(span), false) = (span, external || self.sent.contains(name)) {
                let problem = Problem::error("message-never-sent", *span, format!("nobody sends the message `{name}`"));
                problems.push(
                    problem.help("send it somewhere, or declare it `external: true` when the world outside does"),
                );
            }
        }
        for (name, span) in &self.awaited {
            let external = library.signals.get(name).is_some_and(|signal| signal.external);
            if let (Some(span), false) = (span, external || self.thrown.contains(name)) {
                let message = format!("no process throws the signal `{name}`");
                problems.push(
                    Problem::warning("signal-never-thrown", *span, message)
                        .help("declare it `external: true` when the world outside throws it"),
                );
            }
        }
    }
}
