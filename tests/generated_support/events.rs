//! What comes to the reference interpreter from outside: a person completes a task, an event happens; and what it then listens to.

use crate::net::{Event, Kind, Net};
use crate::reference::{Body, Game, Scope, Token};

/// What happens outside.
#[derive(Clone, Debug)]
pub enum Outside {
    /// A person completes one of the open tasks of this node, and says what `pick` is from now on.
    Completes(String, i64),
    /// The event of this node or handler happens to one of those that wait for it.
    Happens(String),
}

impl Game {
    /// Every state that may be the next: whichever of those that wait takes it. Nothing has moved on yet.
    pub fn outside(self, net: &Net, scope: &Scope, what: &Outside) -> Vec<Scope> {
        let mut found = Vec::new();
        for (at, token) in scope.tokens.iter().enumerate() {
            let Token::In(node, body) = token else { continue };
            let rest = || scope.without(at);
            found.extend(self.takes(net, *node, body, what).into_iter().map(|tokens| rest().with(tokens)));
            found.extend(
                self.inner(net, *node, body, what).into_iter().map(|body| rest().with([Token::In(*node, body)])),
            );
        }
        for (at, (position, running)) in scope.handlers.iter().enumerate() {
            for next in self.outside(&net.handlers[*position].net, running, what) {
                let mut state = scope.clone();
                state.handlers[at] = (*position, next);
                state.handlers.sort();
                found.push(state);
            }
        }
        if let (Outside::Happens(id), true) = (what, listens(scope)) {
            for (at, handler) in net.handlers.iter().enumerate().filter(|(_, handler)| handler.id == *id) {
                found.push(scope.clone().handle(at, handler));
            }
        }
        found
    }

    /// The tokens that stand in the place of one that takes what happens, itself or by an event at its border.
    fn takes(self, net: &Net, node: usize, body: &Body, what: &Outside) -> Vec<Vec<Token>> {
        let mut found = Vec::new();
        match (what, &net.nodes[node].kind) {
            (Outside::Completes(id, _), Kind::Task) if net.nodes[node].id == *id && *body == Body::Event => {
                found.push(self.leave(net, node));
            }
            (Outside::Happens(id), Kind::Catch(_)) if net.nodes[node].id == *id => found.push(self.leave(net, node)),
            (Outside::Happens(id), Kind::Race) => {
                let options = net.leaving(node).into_iter().map(|flow| net.flows[flow].to);
                let won = options.filter(|option| net.nodes[*option].id == *id);
                found.extend(won.map(|option| self.leave(net, option)));
            }
            _ => {}
        }
        let Outside::Happens(id) = what else { return found };
        for border in net.borders(node).into_iter().filter(|border| net.nodes[*border].id == *id) {
            let mut tokens = self.leave(net, border);
            if matches!(net.nodes[border].kind, Kind::Border { interrupts: false, .. }) {
                tokens.push(Token::In(node, body.clone()));
            }
            found.push(tokens);
        }
        found
    }

    /// What an activity becomes when something in it takes what happens.
    fn inner(self, net: &Net, node: usize, body: &Body, what: &Outside) -> Vec<Body> {
        match (body, &net.nodes[node].kind) {
            (Body::Sub(scope), Kind::Sub(inner)) => {
                self.outside(inner, scope, what).into_iter().map(Body::Sub).collect()
            }
            (Body::Rounds { open, begun, done }, kind) => {
                let mut found = Vec::new();
                for (at, round) in open.iter().enumerate() {
                    match (round, kind, what) {
                        (Body::Event, Kind::Task, Outside::Completes(id, _)) if net.nodes[node].id == *id => {
                            found.push(self.round_done(net, node, body, at));
                        }
                        _ => found.extend(self.inner(net, node, round, what).into_iter().map(|round| {
                            let mut open = open.clone();
                            open[at] = round;
                            open.sort();
                            Body::Rounds { open, begun: *begun, done: *done }
                        })),
                    }
                }
                found
            }
            _ => Vec::new(),
        }
    }
}

/// A scope whose own tokens are gone is completing: it starts no handlers any more (S11).
fn listens(scope: &Scope) -> bool {
    !scope.tokens.is_empty()
}

/// The open tasks and the events that are waited for, by their ids: what must be armed.
pub fn waits(net: &Net, scope: &Scope) -> Vec<String> {
    let mut found = Vec::new();
    for token in &scope.tokens {
        let Token::In(node, body) = token else { continue };
        let comes = |event: &Event| matches!(event, Event::Message | Event::Signal | Event::Timer);
        match net.nodes[*node].kind {
            Kind::Race => {
                let options = net.leaving(*node).into_iter().map(|flow| net.flows[flow].to);
                found.extend(options.map(|option| net.nodes[option].id.clone()));
            }
            _ => inner_waits(net, *node, body, &mut found),
        }
        let borders = net.borders(*node).into_iter().map(|border| &net.nodes[border]);
        let comes = |node: &&crate::net::Node| matches!(&node.kind, Kind::Border { event, .. } if comes(event));
        found.extend(borders.filter(comes).map(|border| border.id.clone()));
    }
    for (at, handler) in net.handlers.iter().enumerate() {
        if listens(scope) && matches!(handler.event, Event::Message | Event::Signal | Event::Timer) {
            found.push(handler.id.clone());
        }
        let running = scope.handlers.iter().filter(|(position, _)| *position == at);
        running.for_each(|(_, running)| found.extend(waits(&handler.net, running)));
    }
    found.sort();
    found
}

fn inner_waits(net: &Net, node: usize, body: &Body, found: &mut Vec<String>) {
    match (body, &net.nodes[node].kind) {
        (Body::Event, _) => found.push(net.nodes[node].id.clone()),
        (Body::Sub(scope), Kind::Sub(inner)) => found.extend(waits(inner, scope)),
        (Body::Rounds { open, .. }, _) => open.iter().for_each(|round| inner_waits(net, node, round, found)),
        _ => {}
    }
}
