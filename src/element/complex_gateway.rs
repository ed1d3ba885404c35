//! `parallel` with `until`, and the complex gateway: goes on once enough branches have arrived, then waits for the rest and takes them in (S5).
//!
//! Two phases: waiting for the start, until the condition over the arrived tokens holds: then "a token is consumed from each incoming sequence
//! flow that has a token"; then waiting for the reset, until no more can come (S1) by the flows that gave none yet. Between them one token
//! stays in the gateway: its memory. What is left over on a flow belongs to the next round.

use super::definition::VarRef;
use super::room::{Effect, Fault, Given, Move, Next, Room, View};
use super::rules;
use crate::graph::FlowIx;
use crate::instance::{Place, TokenId};
use crate::model::expr::Expr;
use crate::model::ty::Type;
use crate::model::{Name, Value};

/// Waits for some of its incoming flows.
#[derive(Debug)]
pub struct ComplexGateway {
    /// How many must have arrived, or a condition over `arrived`.
    pub until: Expr,
    /// The branches, in the order of the incoming flows; without any they go by the nodes that they come from.
    pub branches: Vec<Name>,
    /// The variable that keeps the numbers of the flows whose tokens started this round, where a flow may bring several.
    pub taken: Option<VarRef>,
}

impl Room for ComplexGateway {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        if view.def.graph.incoming(view.node).len() < 2 {
            return Ok(Move::pass());
        }
        if let Some(memory) = self.memory(view) {
            return Ok(self.reset(view, memory));
        }
        let arrived = self.arrived(view);
        let done = rules::none_can_come(view, &[]);
        if self.is_met(view, &arrived)? {
            let first = Self::one_each(&arrived, view.token);
            let others = first.iter().map(|(token, _)| *token).filter(|token| *token != view.token).collect();
            if done {
                return Ok(Move::only(Next::Join(others)));
            }
            let flows: Vec<Value> = first.iter().map(|(_, flow)| Value::Number(flow.0.into())).collect();
            let effects = self.taken.map(|taken| Effect::Assign(taken, Value::list(flows))).into_iter().collect();
            return Ok(Move { effects, next: Next::Fire(others) });
        }
        let said = arrived.iter().any(|(token, _)| view.state.incident_of(*token).is_some());
        if done && !said && arrived.first().is_none_or(|(token, _)| *token == view.token) {
            let names: Vec<Name> = arrived.iter().map(|(_, flow)| self.branch(view, *flow)).collect();
            let message = format!(
                "`{}` does not hold, and no more branches can arrive: {} did",
                self.until.text(),
                names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
            );
            return Err(Fault::new("no_match", message));
        }
        Ok(Move::only(Next::Hold))
    }

    fn gathers(&self) -> bool {
        true
    }

    fn is_quiet(&self) -> bool {
        true
    }

    fn is_patient(&self) -> bool {
        true
    }
}

impl ComplexGateway {
    /// The waiting tokens with their flows, the one that came first at the front.
    fn arrived(&self, view: &View<'_>) -> Vec<(TokenId, FlowIx)> {
        let incoming = view.def.graph.incoming(view.node);
        let tokens = view.tokens();
        let here = |place: Place| match place {
            Place::Arrived(flow) if incoming.contains(&flow) => Some(flow),
            _ => None,
        };
        let mut found: Vec<_> = tokens.filter_map(|token| Some((token.id, here(token.place)?))).collect();
        found.sort_by_key(|(token, _)| *token);
        found
    }

    /// One token of each flow: this one for its own, the first of each other.
    fn one_each(arrived: &[(TokenId, FlowIx)], own: TokenId) -> Vec<(TokenId, FlowIx)> {
        let mut found: Vec<(TokenId, FlowIx)> = arrived.iter().filter(|(token, _)| *token == own).copied().collect();
        for (token, flow) in arrived {
            if !found.iter().any(|(_, known)| known == flow) {
                found.push((*token, *flow));
            }
        }
        found
    }

    /// The second phase: nothing goes on; when no more can come, one token of each other flow ends with the memory.
    fn reset(&self, view: &View<'_>, memory: TokenId) -> Move {
        let taken = self.taken_flows(view);
        if view.token != memory || !rules::none_can_come(view, &taken) {
            return Move::only(Next::Hold);
        }
        let rest = Self::one_each(&self.arrived(view), memory);
        let rest = rest.into_iter().filter(|(_, flow)| !taken.contains(flow)).map(|(token, _)| token);
        Move::only(Next::Absorb(rest.collect()))
    }

    /// The flows whose tokens started the present round.
    pub fn taken_flows(&self, view: &View<'_>) -> Vec<FlowIx> {
        let var = self
            .taken
            .and_then(|taken| view.state.enclosing(view.scope, taken.scope)?.vars.get(usize::from(taken.index)));
        let Some(Value::List(flows)) = var else { return Vec::new() };
        let number = |flow: &Value| if let Value::Number(flow) = flow { u32::try_from(*flow).ok() } else { None };
        flows.iter().filter_map(number).map(FlowIx).collect()
    }

    /// The token that remembers that the gateway has gone on.
    fn memory(&self, view: &View<'_>) -> Option<TokenId> {
        let here = |place: Place| place == Place::In(view.node);
        view.tokens().find(|token| here(token.place)).map(|token| token.id)
    }

    /// The name of the branch that a flow ends.
    fn branch(&self, view: &View<'_>, flow: FlowIx) -> Name {
        let graph = &view.def.graph;
        let position = graph.incoming(view.node).iter().position(|known| *known == flow);
        if let Some(name) = position.and_then(|at| self.branches.get(at)) {
            return name.clone();
        }
        let step = graph.source(flow).map(|source| view.def.step(source)).unwrap_or_default();
        let node = step.strip_suffix("/split").unwrap_or(&step);
        Name::new(node.rsplit('/').next().unwrap_or(node))
    }

    fn is_met(&self, view: &View<'_>, arrived: &[(TokenId, FlowIx)]) -> Result<bool, Fault> {
        let names: Vec<Name> = arrived.iter().map(|(_, flow)| self.branch(view, *flow)).collect();
        let given = Given { arrived: Some(&names), ..*view.given };
        let view = View { given: &given, ..*view };
        match self.until.ty() {
            Type::Bool => view.truth(&self.until),
            _ => Ok(arrived.len() >= view.count(&self.until)?),
        }
    }
}
