//! The turn acts: the only place where a room's move becomes facts, needs and record changes.

use std::collections::VecDeque;

use super::brought::Woken;
use super::react::brought;
use super::step::{Step, Stop, Thrown, Turn};
use super::{CallStart, Notice, Refused};
use crate::element::Element;
use crate::element::room::{Arm, CallSpec, Effect, Fault, Move, Next};
use crate::element::rules::canonical;
use crate::graph::{FlowIx, NodeIx};
use crate::instance::state::During;
use crate::instance::{Caller, Fact, Owner, Place, ScopeId, ScopeKind, Status, Token, TokenId, WaitId, WaitKind};
use crate::model::Value;

impl Turn<'_> {
    /// Carries a move out: its effects as one step, then the way on. `woken` is the event that it follows from.
    pub fn act(&mut self, token: TokenId, node: NodeIx, decided: Move, woken: Woken<'_>) -> Step {
        let effects = !decided.effects.is_empty();
        let is_told = |effect: &Effect| matches!(effect, Effect::Signal(..) | Effect::Send { .. } | Effect::Save(..));
        let told = decided.effects.iter().any(is_told);
        if effects && let Err(fault) = self.effects(token, node, decided.effects)? {
            return self.fail_taking(token, node, fault, woken);
        }
        if effects {
            let place = self.run.state.token(token).map(|found| found.place);
            self.let_hear(node, told)?;
            if self.run.state.token(token).map(|found| found.place) != place {
                return Ok(());
            }
        }
        self.go_on(token, node, decided.next, woken.wait)
    }

    /// A signal is heard by all that wait at this moment, and so is a change of a record or variable: what others can wait for without
    /// side effects they wait for before it is told, and the step itself goes on only then (S16, S17).
    fn let_hear(&mut self, node: NodeIx, told: bool) -> Step {
        if told {
            self.arm_quiet()?;
        }
        self.own_effects()?;
        if self.thrown.is_empty() {
            return Ok(());
        }
        // What a round sends may be caught at the border of its activity, as what it throws.
        let all = told && matches!(self.def.element(node), Some(Element::MultiInstance(_)));
        let (now, later): (VecDeque<Thrown>, VecDeque<Thrown>) = std::mem::take(&mut self.thrown)
            .into_iter()
            .partition(|thrown| all || matches!(thrown, Thrown::Signal(..)));
        self.thrown = later;
        now.into_iter().try_for_each(|thrown| self.deliver_thrown(thrown))
    }

    /// Effects in order, all or none: a failing one undoes the step's record changes. The outer result stops the turn.
    pub fn effects(&mut self, token: TokenId, node: NodeIx, effects: Vec<Effect>) -> Step<Result<(), Fault>> {
        let mark = self.mark();
        // Only a save can fail: what is assigned waits for all of them.
        let saves = effects.iter().any(|effect| matches!(effect, Effect::Save(..)));
        let mut assigned = Vec::new();
        for effect in effects {
            match effect {
                Effect::Assign(var, value) if !saves => self.assign(token, var, value),
                Effect::Assign(var, value) => assigned.push((var, value)),
                Effect::Save(wish, into) => match self.save(wish, node)? {
                    Ok(record) => assigned.extend(into.map(|var| (var, Value::Ref(record)))),
                    Err(fault) => {
                        self.undo(mark);
                        return Ok(Err(fault));
                    }
                },
                other => self.effect(token, node, other),
            }
        }
        for (var, value) in assigned {
            self.assign(token, var, value);
        }
        Ok(Ok(()))
    }

    fn effect(&mut self, token: TokenId, node: NodeIx, effect: Effect) {
        match effect {
            Effect::Send { message, key, with, ttl } => {
                let with = brought(self.catalog, &message, &key, with);
                self.thrown.push_back(Thrown::Message { name: message, key: canonical(&key), with, ttl });
            }
            Effect::Signal(name, with) => self.thrown.push_back(Thrown::Signal(name, with)),
            Effect::Notify(to, text) => self.out.notices.push(Notice { to, text }),
            Effect::Return(name, value) => self.fact(Fact::Returned(name, value)),
            Effect::Lack(code, message) => {
                self.raise(Some(token), node, Fault { code, ..Fault::new("", message) }, During::Assigning);
            }
            Effect::Note(text) => self.note(node, text),
            Effect::Assign(..) | Effect::Save(..) => {}
        }
    }

    /// What a compensation handler assigns is true where it runs, in a scope as it was, and in the live one.
    fn assign(&mut self, token: TokenId, var: crate::element::VarRef, value: Value) {
        let mut at = self.run.state.token(token).map(|found| found.scope);
        while let Some(holder) = at.and_then(|scope| self.run.state.enclosing(scope, var.scope)) {
            let past = holder.kind == ScopeKind::Compensation;
            at = holder.parent.filter(|_| past);
            self.fact(Fact::Assigned(holder.id, var.index, value.clone()));
            self.assigned = true;
        }
    }

    fn go_on(&mut self, token: TokenId, node: NodeIx, next: Next, woken: Option<WaitId>) -> Step {
        self.consume(woken);
        match next {
            Next::Pass => self.complete_by(token, node, self.def.graph.outgoing(node)),
            Next::TakeOne(flow) => self.complete_by(token, node, &[flow]),
            Next::Take(flows) => self.complete_by(token, node, &flows),
            Next::Branch(flows) => self.branch_beside(token, &flows),
            Next::Alone(flow) => {
                self.alone(token)?;
                self.complete_by(token, node, &[flow])
            }
            Next::Wait(arms) => {
                self.stay(token, node)?;
                self.disarm_node(token, node);
                self.arm_all(token, node, arms)
            }
            Next::Join(others) => {
                self.merge(others);
                self.fact(Fact::Joined(token, node));
                self.leave_by(token, node, self.def.graph.outgoing(node))
            }
            Next::Fire(others) => {
                self.merge(others);
                self.fact(Fact::Stayed(token, node));
                self.branch_beside(token, self.def.graph.outgoing(node))
            }
            Next::Absorb(others) => {
                self.merge(others);
                self.end(token)
            }
            Next::Open(scope_node, arms) => {
                self.stay(token, node)?;
                self.arm_all(token, node, arms)?;
                self.open(token, scope_node)
            }
            Next::OpenRounds(vars, rounds) => {
                self.stay(token, node)?;
                self.open_rounds(token, node, vars, rounds)
            }
            Next::Rounds(vars, rounds) => self.more_rounds(token, node, vars, rounds),
            Next::Reopen(scope_node, arms) => {
                self.close_hosted(token, "stage_changed")?;
                self.disarm_node(token, node);
                self.arm_all(token, node, arms)?;
                scope_node.map_or(Ok(()), |scope_node| self.open(token, scope_node))
            }
            Next::Hold | Next::Stay => Ok(()),
            Next::Throw { code, with, message, escalation } => {
                self.throw(token, node, Fault { code, message, with, catchable: true }, escalation)
            }
            Next::End => self.end(token),
            Next::Terminate => self.terminate(token),
            Next::EndInstance => self.finish_instance(Status::Completed, "terminated"),
            Next::Call(call) => self.call(token, node, *call),
            Next::Stop(code, with, message) => {
                self.stay(token, node)?;
                let fault = Fault { code, message, with, catchable: false };
                self.raise(Some(token), node, fault, During::Step);
                Ok(())
            }
            Next::AgainStage => self.again_stage(token),
            Next::Cancel => self.cancel_scope(token, node),
            Next::Canceled => self.canceled_scope(token),
            Next::Compensate { waits, .. } => self.compensate(token, node, waits),
        }
    }

    /// These tokens end in a join: what was wrong with them is over.
    fn merge(&mut self, tokens: Vec<TokenId>) {
        for token in tokens {
            self.mend_of(token, "joined");
            self.fact(Fact::Ended(token));
        }
    }

    /// The token stays in the node; on its first stay the node's boundary events are armed.
    pub fn stay(&mut self, token: TokenId, node: NodeIx) -> Step {
        if self.run.state.token(token).map(|found| found.place) == Some(Place::In(node)) {
            return Ok(());
        }
        self.fact(Fact::Stayed(token, node));
        self.arm_boundaries(token, node)
    }

    /// The token leaves the node by these flows, as one whose work there is done.
    pub fn complete_by(&mut self, token: TokenId, node: NodeIx, flows: &[FlowIx]) -> Step {
        if !self.def.compensations.is_empty() {
            self.completed(token, node);
        }
        let chosen = !self.def.ad_hocs.is_empty();
        let scope = if chosen { self.run.state.token(token).map(|found| found.scope) } else { None };
        self.leave_by(token, node, flows)?;
        scope.map_or(Ok(()), |scope| self.finished_in(scope, node))
    }

    /// The token leaves the node by these flows: everything that belonged to its stay is withdrawn; no flow is an end (S19).
    pub fn leave_by(&mut self, token: TokenId, node: NodeIx, flows: &[FlowIx]) -> Step {
        self.leave(token, node)?;
        let Some(scope) = self.run.state.token(token).map(|found| found.scope) else { return Ok(()) };
        let Some((first, rest)) = flows.split_first() else { return self.end(token) };
        self.move_along(token, *first);
        self.branch_off(scope, rest);
        Ok(())
    }

    /// A new token on each of these flows, beside one that stays.
    fn branch_beside(&mut self, token: TokenId, flows: &[FlowIx]) -> Step {
        let scope = self.run.state.token(token).map_or(0, |found| found.scope);
        self.branch_off(scope, flows);
        Ok(())
    }

    /// A new token on each of these flows.
    pub fn branch_off(&mut self, scope: ScopeId, flows: &[FlowIx]) {
        for flow in flows {
            let id = self.number();
            let place = self.arrival(*flow);
            self.fact(Fact::Born(Token { id, scope, place }));
            self.schedule(id);
        }
    }

    fn move_along(&mut self, token: TokenId, flow: FlowIx) {
        match self.arrival(flow) {
            Place::Arrived(flow) => self.fact(Fact::Arrived(token, flow)),
            Place::Entering(node) | Place::In(node) => self.fact(Fact::Passed(token, flow, node)),
        }
        self.schedule(token);
    }

    /// Where a flow leads: about to enter its end, or arrived at a join.
    fn arrival(&self, flow: FlowIx) -> Place {
        let node = self.def.graph.target(flow).unwrap_or_default();
        let joins = self.def.graph.incoming(node).len() > 1
            && self.def.element(node).is_some_and(|element| element.room().gathers());
        if joins { Place::Arrived(flow) } else { Place::Entering(node) }
    }

    /// Everything that belonged to the token's stay in the node is withdrawn.
    pub fn leave(&mut self, token: TokenId, _node: NodeIx) -> Step {
        if !self.run.state.waits.is_empty() {
            self.disarm(Owner::Token(token), "left");
        }
        if self.run.state.scopes.len() > 1 {
            self.close_hosted(token, "left")?;
        }
        self.mend_of(token, "went on");
        Ok(())
    }

    /// The token ends; its scope completes when nothing is left in it.
    pub fn end(&mut self, token: TokenId) -> Step {
        let scope = self.run.state.token(token).map(|found| found.scope);
        self.disarm(Owner::Token(token), "left");
        self.fact(Fact::Ended(token));
        scope.map_or(Ok(()), |scope| self.look_at_scope(scope))
    }

    fn call(&mut self, token: TokenId, node: NodeIx, call: CallSpec) -> Step {
        if self.run.state.depth >= super::MAX_DEPTH {
            return self.fail(token, node, Fault::new("too_deep", "calls lie too deep in each other"));
        }
        let detached = call.detached;
        if !detached {
            self.stay(token, node)?;
        }
        let id = self.context.ids.next_id();
        let wait = self.number();
        let root = self.run.row.root;
        let caller = (!detached).then(|| Caller {
            instance: self.run.row.id,
            wait,
            root,
            catches: self.catches(token, node),
            hears: Some(self.hears(token, node)),
        });
        let start = CallStart {
            id,
            process: call.process,
            version: call.version,
            record: call.record,
            with: call.with,
            caller,
            depth: self.run.state.depth.saturating_add(1),
        };
        match super::start::admit(self, &start) {
            Ok(()) => {}
            Err(Refused::AlreadyRunning { process, key, running }) if detached => {
                self.note(node, format!("{process} was not started: it already runs for {key} ({running})"));
                return self.leave_by(token, node, self.def.graph.outgoing(node));
            }
            Err(Refused::Window(error)) => return Err(Stop::Refused(Refused::Window(error))),
            Err(refused) => return self.fail(token, node, refused_call(&refused)),
        }
        self.out.calls.push(start);
        if detached {
            return self.complete_by(token, node, self.def.graph.outgoing(node));
        }
        self.arm_wait(Owner::Token(token), node, WaitKind::Call(id), 0);
        Ok(())
    }

    fn arm_all(&mut self, token: TokenId, node: NodeIx, arms: Vec<Arm>) -> Step {
        for arm in arms {
            if let Err(fault) = self.arm(Owner::Token(token), arm)? {
                self.disarm_node(token, node);
                return self.fail(token, node, fault);
            }
        }
        Ok(())
    }
}

fn refused_call(refused: &Refused) -> Fault {
    let code = match refused {
        Refused::AlreadyRunning { .. } => "already_running",
        _ => "call_refused",
    };
    Fault::error(code, refused.to_string())
}
