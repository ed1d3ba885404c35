//! The state of a run as the reference interpreter sees one: a tree of tokens without numbers.

use std::collections::{BTreeMap, BTreeSet};

use stageflow::element::{Definition, Element};
use stageflow::graph::{FlowIx, NodeIx};
use stageflow::instance::{Incident, Place as Where, ScopeId, ScopeKind, State, Token as Found, WaitKind};
use stageflow::model::Value;

use crate::net::{Kind, Net};
use crate::reference::{Body, Place, Scope, Token};

/// A run as it is seen.
#[derive(Debug)]
pub struct Seen {
    pub scope: Scope,
    /// The open tasks and what else is waited for, by id.
    pub waits: Vec<String>,
    /// The joins that wait for each other.
    pub deadlocks: BTreeSet<String>,
    pub over: bool,
}

pub fn run(def: &Definition, net: &Net, state: &State) -> Result<Seen, String> {
    let eye = Eye { def, state };
    let scope = if state.status.is_over() { Scope::default() } else { eye.scope(net, 0)? };
    let awaited = |kind: &WaitKind| {
        matches!(kind, WaitKind::Task(_) | WaitKind::Timer(_) | WaitKind::Message(..) | WaitKind::Signal(_))
    };
    let waits = state.waits.iter().filter(|wait| awaited(&wait.kind)).map(|wait| eye.name(wait.node));
    let mut waits = waits.collect::<Result<Vec<_>, _>>()?;
    waits.sort();
    let stuck = state.incidents.iter().filter(|incident| &*incident.code == "deadlock");
    let deadlocks = stuck.map(|incident| eye.name(incident.node)).collect::<Result<_, _>>()?;
    Ok(Seen { scope, waits, deadlocks, over: state.status.is_over() })
}

/// The state without what cannot be seen from outside: which flows began the round of a complex gateway.
pub fn plain(scope: &Scope) -> Scope {
    fn body(of: &Body) -> Body {
        match of {
            Body::Event => Body::Event,
            Body::Sub(scope) => Body::Sub(plain(scope)),
            Body::Rounds { open, begun, done } => {
                let mut open: Vec<Body> = open.iter().map(body).collect();
                open.sort();
                Body::Rounds { open, begun: *begun, done: *done }
            }
        }
    }
    let token = |token: &Token| match token {
        Token::In(node, inner) => Token::In(*node, body(inner)),
        other => other.clone(),
    };
    let mut tokens: Vec<Token> = scope.tokens.iter().map(token).collect();
    let mut handlers: Vec<(usize, Scope)> = scope.handlers.iter().map(|(at, inner)| (*at, plain(inner))).collect();
    tokens.sort();
    handlers.sort();
    let memories = scope.memories.keys().map(|node| (*node, BTreeSet::new())).collect();
    Scope { tokens, handlers, memories }
}

struct Eye<'a> {
    def: &'a Definition,
    state: &'a State,
}

impl Eye<'_> {
    fn scope(&self, net: &Net, id: ScopeId) -> Result<Scope, String> {
        let mut seen = Scope { memories: BTreeMap::new(), ..Scope::default() };
        for token in self.state.tokens.iter().filter(|token| token.scope == id) {
            match self.token(net, token)? {
                Ok(token) => seen.tokens.push(token),
                Err(memory) => drop(seen.memories.insert(memory, BTreeSet::new())),
            }
        }
        for inner in self.state.scopes.iter().filter(|scope| scope.parent == Some(id)) {
            if inner.kind == ScopeKind::Handler {
                let name = self.name(inner.node)?;
                let at = net.handlers.iter().position(|handler| handler.id == name);
                let at = at.ok_or_else(|| format!("no handler {name}"))?;
                seen.handlers.push((at, self.scope(&net.handlers[at].net, inner.id)?));
            }
        }
        seen.tokens.sort();
        seen.handlers.sort();
        Ok(seen)
    }

    /// A token, or the memory of a complex gateway.
    fn token(&self, net: &Net, token: &Found) -> Result<Result<Token, usize>, String> {
        let incident = self.state.incident_of(token.id).filter(|incident| &*incident.code != "deadlock");
        let failed = |place: Place, incident: &Incident| Token::Failed(place, incident.code.to_string());
        match token.place {
            Where::Entering(node) => Err(format!("a token is still about to enter {}", self.def.graph.key(node))),
            Where::Arrived(flow) => {
                let flow = self.flow(net, flow)?;
                Ok(Ok(incident.map_or(Token::Waits(flow), |incident| failed(Place::On(flow), incident))))
            }
            Where::In(at) => {
                let node = self.node(net, at)?;
                let gathers = matches!(self.def.element(at), Some(Element::StartQuantity(_)));
                let place = if gathers { Place::Gathered(node) } else { Place::At(node) };
                Ok(match (incident, &net.nodes[node].kind) {
                    (Some(incident), _) => Ok(failed(place, incident)),
                    (None, _) if gathers => Ok(Token::Gathered(node)),
                    (None, Kind::Complex(_)) => Err(node),
                    (None, _) => Ok(Token::In(node, self.body(net, node, at, token)?)),
                })
            }
        }
    }

    fn body(&self, net: &Net, node: usize, at: NodeIx, token: &Found) -> Result<Body, String> {
        let hosted = || self.state.scopes.iter().filter(|scope| scope.host == Some(token.id));
        match (self.def.element(at), &net.nodes[node].kind) {
            (Some(Element::MultiInstance(_) | Element::Repeat(_)), _) => {
                let mut open = Vec::new();
                let mut begun = 0;
                for round in hosted().filter(|scope| scope.kind == ScopeKind::Round) {
                    let inside: Vec<&Found> =
                        self.state.tokens.iter().filter(|token| token.scope == round.id).collect();
                    let [inner] = inside.as_slice() else { return Err(format!("{} tokens in a round", inside.len())) };
                    let Where::In(inner_at) = inner.place else { return Err("a round that does not wait".into()) };
                    open.push(self.body(net, node, inner_at, inner)?);
                    begun = begun.max(round.index as usize + 1);
                }
                let outer = hosted().find(|scope| scope.kind == ScopeKind::Sub);
                if let Some(Value::Number(count)) = outer.and_then(|outer| outer.vars.first()) {
                    begun = count.to_string().parse().unwrap_or(begun);
                }
                open.sort();
                let done = begun - open.len();
                Ok(Body::Rounds { open, begun, done })
            }
            (_, Kind::Sub(inner)) => {
                let scope = hosted().find(|scope| scope.kind == ScopeKind::Sub);
                let scope = scope.ok_or("a sub-process without a scope")?;
                Ok(Body::Sub(self.scope(inner, scope.id)?))
            }
            _ => Ok(Body::Event),
        }
    }

    fn flow(&self, net: &Net, flow: FlowIx) -> Result<usize, String> {
        let ends = self.def.graph.source(flow).zip(self.def.graph.target(flow));
        let (from, to) = ends.ok_or("a flow without ends")?;
        let start = net.nodes.iter().position(|node| matches!(node.kind, Kind::Start));
        let begins = matches!(self.def.element(from), Some(Element::StartEvent(_)));
        let (from, to) = (start.filter(|_| begins).map_or_else(|| self.node(net, from), Ok)?, self.node(net, to)?);
        let same = net.flows.iter().position(|flow| (flow.from, flow.to) == (from, to));
        same.ok_or_else(|| format!("no flow from {} to {}", net.nodes[from].id, net.nodes[to].id))
    }

    fn node(&self, net: &Net, at: NodeIx) -> Result<usize, String> {
        let name = self.name(at)?;
        net.nodes.iter().position(|node| node.id == name).ok_or_else(|| format!("no node {name} in its scope"))
    }

    /// The id that the node has in the model: its own, that of the node it was made for, or that of the activity whose rounds it holds.
    pub fn name(&self, at: NodeIx) -> Result<String, String> {
        let graph = &self.def.graph;
        if let Some(id) = graph.node(at).and_then(|node| node.id.as_ref()) {
            return Ok(id.to_string());
        }
        if matches!(self.def.element(at), Some(Element::MultiInstance(_) | Element::Repeat(_))) {
            let inner = graph.inside(at).find_map(|node| graph.node(node)?.id.clone());
            return inner.map(|id| id.to_string()).ok_or_else(|| format!("{} holds nothing", graph.key(at)));
        }
        let key = graph.key(at);
        let roles = ["/split", "/tokens_in", "/tokens_out"];
        let of = roles
            .iter()
            .find_map(|role| key.strip_suffix(role))
            .ok_or_else(|| format!("unknown node {key} of {:#?}", self.state))?;
        match graph.find(of) {
            Some(node) => self.name(node),
            None => Ok(of.rsplit('/').next().unwrap_or(of).to_string()),
        }
    }
}
