//! Ad-hoc sub-processes: what a person chose begins, and the token that offers looks around when something in it has changed.

use super::Refused;
use super::brought::Woken;
use super::step::{Step, Turn};
use crate::element::Element;
use crate::element::ad_hoc::AdHoc;
use crate::element::room::{Event, Given};
use crate::graph::NodeIx;
use crate::instance::{Fact, Owner, Place, ScopeId, Token, TokenId, Wait};

impl<'a> Turn<'a> {
    /// A person chooses; false when the wait is no offer of an ad-hoc sub-process.
    pub fn choose(&mut self, wait: &Wait) -> Step<bool> {
        let Some((token, node, room)) = self.chooser_of(wait) else { return Ok(false) };
        let given = Given::default();
        let view = self.view(node, token.id, token.scope, &given);
        let Some(flow) = room.offer(&view, wait.node) else { return Ok(false) };
        let has_room = room.has_room(&view, flow);
        self.check_roles(&room.roles)?;
        if !has_room {
            let most = room.at_once.unwrap_or_default();
            let text = format!("{} has to wait: {most} may run at once", self.def.step(wait.node));
            return Err(Refused::NotWaiting(text).into());
        }
        self.spend()?;
        self.note(wait.node, "chosen");
        self.tell(token, node, &Event::Chosen(flow))?;
        Ok(true)
    }

    /// The token that offers what this wait stands for, with its node and room.
    fn chooser_of(&self, wait: &Wait) -> Option<(Token, NodeIx, &'a AdHoc)> {
        let Owner::Token(token) = wait.owner else { return None };
        let node = self.run.state.node_of(token)?;
        match self.def.element(node) {
            Some(Element::AdHoc(room)) => Some((self.run.state.token(token)?.clone(), node, room)),
            _ => None,
        }
    }

    /// An activity of this scope has completed: where it is an ad-hoc sub-process, its condition is looked at.
    pub fn finished_in(&mut self, scope: ScopeId, node: NodeIx) -> Step {
        if self.def.ad_hocs.is_empty() || !self.def.element(node).is_some_and(Element::is_activity) {
            return Ok(());
        }
        match self.choosers().into_iter().find(|(token, _)| token.scope == scope) {
            Some((token, node)) => self.tell(token, node, &Event::Finished),
            None => Ok(()),
        }
    }

    /// What is to begin by itself begins where there is room for it; true when something went on.
    pub fn look_at_choosers(&mut self) -> Step<bool> {
        if self.def.ad_hocs.is_empty() {
            return Ok(false);
        }
        for (token, node) in self.choosers() {
            let facts = self.out.facts.len();
            self.tell(token, node, &Event::Looked)?;
            if self.out.facts.len() != facts {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The tokens that offer, with their nodes.
    fn choosers(&self) -> Vec<(Token, NodeIx)> {
        let at = |token: &Token| match token.place {
            Place::In(node) if self.def.ad_hocs.contains(&node) => Some((token.clone(), node)),
            _ => None,
        };
        self.run.state.tokens.iter().filter_map(at).collect()
    }

    /// The room decides; a condition that cannot be looked at is one incident, until it can.
    fn tell(&mut self, token: Token, node: NodeIx, event: &Event<'_>) -> Step {
        let Some(element) = self.def.element(node) else { return Ok(()) };
        let given = Given::default();
        match element.room().resume(&self.view(node, token.id, token.scope, &given), event) {
            Ok(decided) => {
                if matches!(event, Event::Finished) {
                    self.mend_of(token.id, "looked at again");
                }
                self.act(token.id, node, decided, Woken::default())
            }
            Err(_) if self.run.state.incident_of(token.id).is_some() => Ok(()),
            Err(fault) => self.fail(token.id, node, fault),
        }
    }

    /// What else runs in the token's scope is canceled; handlers that run are waited for (S11).
    pub fn alone(&mut self, token: TokenId) -> Step {
        let Some(scope) = self.run.state.token(token).map(|found| found.scope) else { return Ok(()) };
        let others = self.run.state.tokens.of(Owner::Scope(scope)).map(|other| other.id);
        let others: Vec<TokenId> = others.filter(|other| *other != token).collect();
        for other in others {
            self.close_hosted(other, "over")?;
            self.disarm(Owner::Token(other), "over");
            self.mend_of(other, "over");
            self.fact(Fact::Ended(other));
        }
        Ok(())
    }
}
