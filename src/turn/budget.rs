//! A turn that took too many steps comes to nothing but one incident where it began (S21, S22): what it was about is kept, and everything
//! beside it is left alone.

use super::incident::{About, token_of};
use super::step::Turn;
use crate::element::room::Fault;
use crate::graph::NodeIx;
use crate::instance::state::{During, Incident};
use crate::instance::{Brought, Command, Fact, Need, Payload, Wait, WaitId, WaitKind};

impl Turn<'_> {
    /// The turn of this command was undone.
    pub fn out_of_budget(&mut self, command: &Command, wait: Option<WaitId>) {
        let most = self.context.max_steps;
        let fault = Fault::new("too_many_steps", format!("the turn was undone: it took more than {most} steps"));
        if let Command::Mend(id, _) = command
            && let Some(incident) = self.run.state.incidents.iter().find(|incident| incident.id == *id).cloned()
        {
            // It stands where it stood, with what it kept: only why is another.
            let Incident { token, scope, wait, node, during, brought, .. } = incident;
            self.fact(Fact::Mended(*id, "retried".to_string()));
            return self.report(fault, About { token, scope, wait, node, during, brought: brought.map(|kept| *kept) });
        }
        let Some(found) = wait.and_then(|id| self.run.state.wait(id)).cloned() else {
            let first = self.run.state.tokens.first().map(|token| token.id);
            let node = first.and_then(|token| self.run.state.node_of(token)).unwrap_or(NodeIx::PROCESS);
            return self.raise(first, node, fault, During::Entering);
        };
        let brought = self.brought_by(command, &found);
        let token = token_of(found.owner);
        if token.and_then(|token| self.run.state.node_of(token)) == Some(found.node) {
            let has_happened = brought.is_some() || matches!(found.kind, WaitKind::Timer(_));
            self.consume(wait.filter(|_| has_happened));
            return self.report(fault, About { token, node: found.node, brought, ..About::default() });
        }
        // The step beside the event goes on; the event, which has happened, is worked off when that is mended.
        if let WaitKind::Timer(_) = found.kind {
            self.need(Need::DisarmTimer(self.run.row.id, found.id));
        }
        self.report(fault, About { brought, ..About::waiting(found.owner, found.node, Some(found.id)) });
    }

    /// What the command brought to this wait. A condition is looked at again, a stage is followed anew.
    fn brought_by(&self, command: &Command, wait: &Wait) -> Option<Brought> {
        Some(match (command, &wait.kind) {
            (Command::Fire(_), _) => return self.trigger(wait.node).map(|_| Brought::Nothing),
            (Command::JobDone(_, values), _) => Brought::Done(values.clone().into_iter().collect()),
            (Command::Act(_, values), _) => Brought::Acted(values.clone().into_iter().collect()),
            (Command::Deliver(_, payload), kind) => match (payload, kind) {
                (Payload::Message(_, _, with, _) | Payload::Signal(_, with), _) => Brought::Message(with.clone()),
                (Payload::Returned(with), _) => Brought::Done(with.clone()),
                (Payload::Record(event), WaitKind::Record(_)) => Brought::Record(event.clone()),
                _ => return None,
            },
            _ => return None,
        })
    }
}
