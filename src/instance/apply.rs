//! The only writer of a run's state. Replay is this function and nothing else (S24).

use super::fact::{Fact, Opened, Started};
use super::state::{Compensable, Past, Place, Scope, ScopeKind, State, Token, Wait};
use super::{ScopeId, Status, TokenId};
use crate::graph::NodeIx;

/// Makes a fact true. Total: a fact that does not fit (a token that is gone) changes nothing.
pub fn apply(state: &mut State, fact: &Fact) {
    match fact {
        Fact::Started(started) => start(state, started),
        Fact::Passed(token, _, node) => place(state, *token, Place::Entering(*node)),
        Fact::Arrived(token, flow) => place(state, *token, Place::Arrived(*flow)),
        Fact::Born(token) => insert(state, token.clone()),
        Fact::Ended(token) => state.tokens.remove(*token),
        Fact::Joined(token, node) | Fact::Stayed(token, node) => place(state, *token, Place::In(*node)),
        Fact::Placed(token, to) => place(state, *token, *to),
        Fact::Armed(wait) => arm(state, wait),
        Fact::Disarmed(wait) => state.waits.remove(*wait),
        Fact::Rearmed(wait) => {
            if let Some(found) = state.waits.get_mut(wait.id) {
                *found = wait.clone();
            }
        }
        Fact::Assigned(scope, index, value) => {
            let slot = state.scopes.get_mut(*scope);
            if let Some(slot) = slot.and_then(|found| found.vars.get_mut(usize::from(*index))) {
                *slot = value.clone();
            }
        }
        Fact::Opened(opened) => open(state, opened),
        Fact::Closing(scope) => {
            if let Some(found) = state.scopes.get_mut(*scope) {
                found.closing = true;
            }
        }
        Fact::Closed(scope) => {
            state.scopes.remove(*scope);
            state.compensable.retain(|done| done.scope != *scope);
        }
        Fact::Raised(incident) => state.incidents.push((**incident).clone()),
        Fact::Mended(id, _) => state.incidents.retain(|incident| incident.id != *id),
        Fact::Compensable(scope, node, number, own) => remember(state, *scope, *node, *number, *own),
        Fact::Compensating(number, _, into) => compensate(state, *number, *into),
        Fact::Returned(name, value) => {
            let named = std::iter::once((name.clone(), value.clone()));
            state.result = state.result.iter().cloned().chain(named).collect();
        }
        Fact::Finished(status) => finish(state, *status),
        Fact::Suspended(on) => state.status = if *on { Status::Suspended } else { Status::Running },
        Fact::About(record) => state.record = Some(record.clone()),
        Fact::Noted(..) | Fact::Titled(..) => {}
    }
}

fn start(state: &mut State, started: &Started) {
    let process = Scope {
        id: 0,
        node: NodeIx::PROCESS,
        parent: None,
        host: None,
        kind: ScopeKind::Process,
        vars: started.vars.as_slice().into(),
        index: 0,
        closing: false,
    };
    *state = State {
        process: started.process.clone(),
        version: started.version,
        record: started.record.clone(),
        initiator: started.initiator.clone(),
        caller: started.caller.clone().map(Box::new),
        key: started.key.clone(),
        depth: started.depth,
        status: Status::Running,
        next: 2,
        revision: state.revision,
        scopes: [process].into_iter().collect(),
        tokens: [Token { id: 1, scope: 0, place: Place::Entering(started.entry) }].into_iter().collect(),
        ..State::default()
    };
}

fn insert(state: &mut State, token: Token) {
    used(state, token.id);
    state.tokens.push(token);
}

fn arm(state: &mut State, wait: &Wait) {
    used(state, wait.id);
    state.waits.push(wait.clone());
}

fn open(state: &mut State, opened: &Opened) {
    used(state, opened.scope);
    state.scopes.push(Scope {
        id: opened.scope,
        node: opened.node,
        parent: Some(opened.parent),
        host: opened.host,
        kind: opened.kind,
        vars: opened.vars.as_slice().into(),
        index: opened.index,
        closing: false,
    });
}

/// Keeps what compensation needs: the variables in sight, and what completed inside.
fn remember(state: &mut State, scope: ScopeId, node: NodeIx, number: u32, own: Option<ScopeId>) {
    used(state, number);
    let mut seen: Vec<Past> = Vec::new();
    let mut at = state.scope(own.unwrap_or(scope));
    while let Some(found) = at {
        // Rounds lie in a scope of the same node, which holds no variables of the author's.
        let hidden = seen.last().is_some_and(|last| last.node == found.node);
        if !hidden && (seen.is_empty() || !found.vars.is_empty()) {
            seen.push(Past { node: found.node, vars: found.vars.to_vec() });
        }
        at = found.parent.and_then(|parent| state.scope(parent));
    }
    let inside = |done: &Compensable| own == Some(done.scope);
    let (inner, rest) = std::mem::take(&mut state.compensable).into_iter().partition(inside);
    state.compensable = rest;
    state.compensable.push(Compensable { scope, node, seen, number, inner });
}

fn compensate(state: &mut State, number: u32, into: Option<ScopeId>) {
    let Some(at) = state.compensable.iter().position(|done| done.number == number) else { return };
    let done = state.compensable.remove(at);
    if let Some(scope) = into {
        state.compensable.extend(done.inner.into_iter().map(|inner| Compensable { scope, ..inner }));
    }
}

fn finish(state: &mut State, status: Status) {
    state.status = status;
    state.key = None;
    state.tokens.clear();
    state.waits.clear();
    state.incidents.clear();
    state.compensable.clear();
    state.scopes.clear();
}

fn place(state: &mut State, token: TokenId, to: Place) {
    if let Some(found) = state.tokens.get_mut(token) {
        found.place = to;
    }
}

fn used(state: &mut State, number: u32) {
    state.next = state.next.max(number.saturating_add(1));
}
