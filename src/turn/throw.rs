//! Errors and escalations: outwards to the innermost matching catcher (S9, S10).

use super::brought::Woken;
use super::step::{Step, Turn};
use crate::element::Element;
use crate::element::definition::Trigger;
use crate::element::room::{Event, Fault, Given};
use crate::graph::NodeIx;
use crate::instance::rows::Values;
use crate::instance::state::During;
use crate::instance::{
    Caller, Fact, Heard, Owner, Payload, Place, Receiver, ScopeId, ScopeKind, Status, Token, TokenId, Wait,
};
use crate::model::{Name, Value};

/// Who takes an error or escalation.
#[derive(Clone, Copy, Debug)]
enum Catcher {
    /// A boundary event of the activity in which this token waits.
    Boundary(TokenId, NodeIx),
    /// A handler of this scope.
    Handler(ScopeId, NodeIx),
}

/// An activity on the way outwards: the token in it, its node, and the scope it opened, whose handlers may catch.
struct Level {
    scope: Option<ScopeId>,
    host: Option<(TokenId, NodeIx)>,
}

impl Turn<'_> {
    /// Throws from a node. An error is always caught, crosses to the caller, or is an incident; an escalation that nobody takes is noted.
    pub fn throw(&mut self, token: TokenId, node: NodeIx, fault: Fault, escalation: bool) -> Step {
        if let Some(catcher) = self.catcher(token, node, &fault.code, escalation) {
            let interrupting = self.interrupts(catcher);
            self.catch(catcher, &fault)?;
            if escalation && !interrupting && self.run.state.token(token).is_some() {
                return self.leave_by(token, node, self.def.graph.outgoing(node));
            }
            return Ok(());
        }
        if escalation {
            return match self.escalate_outwards(node, fault) {
                true => self.leave_by(token, node, self.def.graph.outgoing(node)),
                false => Ok(()),
            };
        }
        let Some(caller) = self.caller_that_catches(&fault.code) else {
            let message = format!("{} (caught nowhere)", fault.message);
            self.raise(Some(token), node, Fault { message, ..fault }, During::Entering);
            return Ok(());
        };
        let results = self.results();
        self.end_instance(Status::Failed, &fault.code);
        let with = fault.with.into_iter().collect();
        let payload = Payload::Thrown { code: fault.code, with, escalation, results, ended: true };
        self.react(Receiver::Wait(caller.instance, caller.wait), payload);
        Ok(())
    }

    /// Who called the run, when an error of this code is caught there.
    fn caller_that_catches(&self, code: &Name) -> Option<Caller> {
        let crosses = |known: &Name| known == code || &**known == "*";
        self.run.state.caller.as_deref().filter(|caller| caller.catches.iter().any(crosses)).cloned()
    }

    /// An escalation that nobody in the run takes: whoever called it may, or it is noted. Caught outside by what interrupts, the run ends
    /// at once; true when it goes on.
    fn escalate_outwards(&mut self, node: NodeIx, fault: Fault) -> bool {
        let caller = self.run.state.caller.as_deref().cloned();
        let heard = caller.and_then(|caller| Some((heard_by(&caller, &fault.code)?, caller)));
        let Some((interrupting, caller)) = heard else {
            self.note(node, format!("escalation {} is caught nowhere", fault.code));
            return true;
        };
        if interrupting {
            self.end_instance(Status::Canceled, "interrupted");
        }
        let (with, results) = (fault.with.into_iter().collect(), Vec::new());
        let payload = Payload::Thrown { code: fault.code, with, escalation: true, results, ended: interrupting };
        self.react(Receiver::Wait(caller.instance, caller.wait), payload);
        !interrupting
    }

    /// A step cannot be done: caught when its code may be and somebody does, else an incident (S22).
    pub fn fail(&mut self, token: TokenId, node: NodeIx, fault: Fault) -> Step {
        if self.is_caught(token, node, &fault) {
            return self.throw(token, node, fault, false);
        }
        self.raise(Some(token), node, fault, During::Entering);
        Ok(())
    }

    /// Whether somebody catches what went wrong at this node, in the run or outside.
    pub fn is_caught(&self, token: TokenId, node: NodeIx, fault: &Fault) -> bool {
        let caught = || {
            self.catcher(token, node, &fault.code, false).is_some() || self.caller_that_catches(&fault.code).is_some()
        };
        fault.catchable && caught()
    }

    /// An escalation of a called run: the innermost catcher takes it, in this run or outside. It may have ended the called run.
    pub fn escalated_by_call(&mut self, token: TokenId, wait: &Wait, fault: Fault, ended: bool) -> Step {
        let code = fault.code.clone();
        if ended {
            self.consume(Some(wait.id));
        }
        match self.catcher(token, wait.node, &code, true) {
            Some(catcher) => self.catch(catcher, &fault)?,
            None => {
                self.escalate_outwards(wait.node, fault);
            }
        }
        if ended && self.run.state.token(token).map(|found| found.place) == Some(Place::In(wait.node)) {
            let message = format!("the escalation {code} ended the called process, and nothing here is canceled by it");
            self.raise(Some(token), wait.node, Fault::new(&code, message), During::Entering);
        }
        Ok(())
    }

    /// The error codes that are caught outside a call made at this node: compiled, and what the run itself was given.
    pub fn catches(&self, token: TokenId, node: NodeIx) -> Vec<Name> {
        let mut codes = self.run.state.caller.as_ref().map(|caller| caller.catches.clone()).unwrap_or_default();
        for level in self.levels(token, node) {
            let errors = self.offers(&level).into_iter().filter_map(|(_, trigger)| caught_by(trigger, false));
            codes.extend(errors.map(|code| code.cloned().unwrap_or_else(|| Name::new("*"))));
        }
        codes.sort();
        codes.dedup();
        codes
    }

    /// The escalations that are caught outside a call made at this node, the innermost catcher first.
    pub fn hears(&self, token: TokenId, node: NodeIx) -> Vec<Heard> {
        let mut heard: Vec<Heard> = Vec::new();
        for level in self.levels(token, node) {
            let offers = self.offers(&level).into_iter();
            let caught = offers.filter_map(|(catcher, trigger)| {
                Some(Heard { code: caught_by(trigger, true)?.cloned(), interrupting: self.interrupts(catcher) })
            });
            let (named, any): (Vec<Heard>, Vec<Heard>) = caught.partition(|heard| heard.code.is_some());
            heard.extend(named.into_iter().chain(any));
        }
        heard.extend(self.run.state.caller.as_deref().map(given_to).unwrap_or_default());
        let mut known: Vec<Heard> = Vec::new();
        for heard in heard {
            // What a catcher further in takes does not come to those behind it.
            if !known.iter().any(|inner| inner.code.is_none() || inner.code == heard.code) {
                known.push(heard);
            }
        }
        known
    }

    /// The innermost catcher. At one activity a specific code beats catch-all, and a handler beats a boundary event.
    fn catcher(&self, token: TokenId, node: NodeIx, code: &Name, escalation: bool) -> Option<Catcher> {
        for level in self.levels(token, node) {
            let offers = self.offers(&level);
            let specific = offers.iter().find(|(_, trigger)| caught_by(trigger, escalation).flatten() == Some(code));
            let any = || offers.iter().find(|(_, trigger)| caught_by(trigger, escalation) == Some(None));
            if let Some((catcher, _)) = specific.or_else(any) {
                return Some(*catcher);
            }
        }
        None
    }

    /// The activities from a node outwards. A handler's own scope is passed by: what it throws never reaches its siblings.
    fn levels(&self, token: TokenId, node: NodeIx) -> Vec<Level> {
        let mut levels = vec![Level { scope: None, host: Some((token, node)) }];
        let mut at = self.run.state.token(token).and_then(|found| self.run.state.scope(found.scope));
        // Out of a handler it goes past those beside it, to the border of the scope that they belong to.
        let mut out_of_handler = false;
        while let Some(scope) = at {
            let outer = scope.parent.and_then(|parent| self.run.state.scope(parent));
            let host = scope.host.and_then(|host| Some((host, self.run.state.node_of(host)?)));
            let own = Some(scope.id).filter(|_| !out_of_handler);
            out_of_handler = scope.kind == ScopeKind::Handler;
            match scope.kind {
                // Outwards from the throw, and from its own border.
                ScopeKind::Compensation => {
                    levels.push(Level { scope: None, host });
                    let throw = scope.host.and_then(|host| self.run.state.token(host));
                    at = throw.and_then(|throw| self.run.state.scope(throw.scope));
                }
                ScopeKind::Handler => {
                    levels.push(Level { scope: own, host: None });
                    at = outer;
                }
                _ => {
                    levels.push(Level { scope: own, host });
                    at = outer;
                }
            }
        }
        levels
    }

    fn offers(&self, level: &Level) -> Vec<(Catcher, &Trigger)> {
        let mut offers = Vec::new();
        let scope = level.scope.and_then(|id| self.run.state.scope(id));
        if let Some(info) = scope.and_then(|scope| self.def.scopes.get(&scope.node)) {
            for handler in &info.handlers {
                let catcher = scope.map(|scope| Catcher::Handler(scope.id, *handler));
                let triggers = self.triggers(*handler);
                offers.extend(triggers.into_iter().filter_map(|trigger| Some((catcher?, trigger))));
            }
        }
        if let Some((host, node)) = level.host {
            for boundary in self.def.boundaries_of(node) {
                let catcher = Catcher::Boundary(host, *boundary);
                offers.extend(self.triggers(*boundary).into_iter().map(|trigger| (catcher, trigger)));
            }
        }
        offers
    }

    /// What an event waits for: its trigger, or those of its parts.
    pub fn triggers(&self, node: NodeIx) -> Vec<&Trigger> {
        match self.trigger(node) {
            Some(Trigger::Several { parts, .. }) => parts.iter().filter_map(|part| self.trigger(*part)).collect(),
            trigger => trigger.into_iter().collect(),
        }
    }

    fn interrupts(&self, catcher: Catcher) -> bool {
        let (Catcher::Boundary(_, node) | Catcher::Handler(_, node)) = catcher;
        self.interrupts_at(node)
    }

    /// Whether this event cancels what it is attached to.
    pub fn interrupts_at(&self, node: NodeIx) -> bool {
        match self.def.element(node) {
            Some(Element::BoundaryEvent(event)) => event.interrupting || matches!(event.trigger, Trigger::Error(_)),
            Some(Element::EventSubProcess(event)) => event.interrupting || matches!(event.trigger, Trigger::Error(_)),
            _ => true,
        }
    }

    fn catch(&mut self, catcher: Catcher, fault: &Fault) -> Step {
        let mut error: Values = fault.with.clone();
        error.insert(Name::new("code"), Value::text(&*fault.code));
        error.insert(Name::new("message"), Value::text(&fault.message));
        let given = Given { error: Some(&error), ..Given::default() };
        let event = Event::Caught(&fault.code);
        let interrupting = self.interrupts(catcher);
        match catcher {
            Catcher::Boundary(host, node) => self.at_border(host, node, interrupting, &event, &given),
            Catcher::Handler(scope, node) => self.handle(scope, node, interrupting, &event, &given),
        }
    }

    /// An event at the border of the activity in which `host` waits: the activity is canceled, or a new token sets out.
    pub fn at_border(
        &mut self,
        host: TokenId,
        node: NodeIx,
        interrupting: bool,
        event: &Event<'_>,
        given: &Given<'_>,
    ) -> Step {
        let Some(scope) = self.run.state.token(host).map(|found| found.scope) else { return Ok(()) };
        let token = if interrupting {
            let reason = Name::new("interrupted");
            self.close_hosted(host, &reason)?;
            self.disarm(Owner::Token(host), &reason);
            self.mend_of(host, &reason);
            self.fact(Fact::Placed(host, Place::In(node)));
            host
        } else {
            let id = self.number();
            self.fact(Fact::Born(Token { id, scope, place: Place::In(node) }));
            id
        };
        self.resume_at(token, node, event, given)
    }

    /// A handler of a scope starts: an interrupting one cancels what runs there.
    pub fn handle(
        &mut self,
        scope: ScopeId,
        node: NodeIx,
        interrupting: bool,
        event: &Event<'_>,
        given: &Given<'_>,
    ) -> Step {
        if interrupting {
            let reason = Name::new("interrupted");
            self.empty(scope, &reason);
            self.disarm(Owner::Scope(scope), &reason);
        }
        let number = self.number();
        self.open_scope(ScopeKind::Handler, node, scope, None, 0, Vec::new())?;
        let Some(token) = self.run.state.tokens.of(Owner::Scope(number)).next().map(|token| token.id) else {
            return Ok(());
        };
        self.begin_handler(token, node, event, given)
    }

    /// The room of `node` resumes for a token that stands in it; nothing is consumed.
    pub fn resume_at(&mut self, token: TokenId, node: NodeIx, event: &Event<'_>, given: &Given<'_>) -> Step {
        let (Some(element), Some(scope)) =
            (self.def.element(node), self.run.state.token(token).map(|found| found.scope))
        else {
            return Ok(());
        };
        let woken = Woken::by(event, given);
        let entitled = self.entitle(token, node, scope, given);
        match entitled.and_then(|()| element.room().resume(&self.view(node, token, scope, given), event)) {
            Ok(decided) => self.act(token, node, decided, woken),
            Err(fault) => self.fail_taking(token, node, fault, woken),
        }
    }
}

/// The escalations that a run was told are caught outside.
fn given_to(caller: &Caller) -> Vec<Heard> {
    let plain = |code: &Name| Heard { code: Some(code.clone()).filter(|code| &**code != "*"), interrupting: false };
    caller.hears.clone().unwrap_or_else(|| caller.catches.iter().map(plain).collect())
}

/// Whether an escalation is caught outside the call, and whether what catches it interrupts.
fn heard_by(caller: &Caller, code: &Name) -> Option<bool> {
    let fits = |heard: &Heard| heard.code.as_ref().is_none_or(|known| known == code);
    given_to(caller).into_iter().find(fits).map(|heard| heard.interrupting)
}

/// The code that a trigger catches; the inner none is a catch-all.
fn caught_by(trigger: &Trigger, escalation: bool) -> Option<Option<&Name>> {
    match trigger {
        Trigger::Error(code) if !escalation => Some(code.as_ref()),
        Trigger::Escalation(code) if escalation => Some(code.as_ref()),
        _ => None,
    }
}
