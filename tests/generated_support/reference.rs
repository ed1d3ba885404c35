//! The token game, played slowly and obviously: BPMN's rules as `SEMANTICS` numbers them, over the abstract model, without a line of the crate.
//!
//! A state is a tree of tokens without numbers or order, so two tokens in one place are the same. Where the rules leave an order open, every
//! order is played: the game gives *all* states in which nothing moves any more, and the engine must come to one of them. Joins that wait
//! for what can come are looked at after every change, before anything else moves (S1).

use std::collections::{BTreeMap, BTreeSet};

use crate::joins;
use crate::net::{Ending, Event, Handler, Kind, Many, Net};

/// An activated process, sub-process or handler.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// Sorted: tokens have no identity.
    pub tokens: Vec<Token>,
    /// The handlers that run, by their position; sorted.
    pub handlers: Vec<(usize, Scope)>,
    /// The complex gateways that have gone on and wait for the rest, with the flows that began the round.
    pub memories: BTreeMap<usize, BTreeSet<usize>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Token {
    /// About to enter a node, not by a flow: where a scope or a link's other end begins.
    Enters(usize),
    /// Under way on a flow.
    On(usize),
    /// Arrived at a join by a flow: from now on the join is looked at after every change.
    Waits(usize),
    In(usize, Body),
    /// Has joined others in a gateway and is about to leave it: when it does, and what goes before it, is left open.
    Leaves(usize),
    /// One of several tokens that an activity needs.
    Gathered(usize),
    /// Stands still with an incident of this code.
    Failed(Place, String),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    At(usize),
    On(usize),
    Gathered(usize),
}

/// What a token in a node waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Body {
    Event,
    Sub(Scope),
    Rounds { open: Vec<Body>, begun: usize, done: usize },
}

/// What a step leads to: a state, or something thrown out of a scope. Then the first state is as it is for who does not catch it: the thrower
/// of an error stands still with an incident, that of an escalation has gone on. The second is the one in which a handler of the scope that
/// catches anything takes it, unless the border of the same activity knows the code (S9).
#[derive(Clone, Debug)]
pub enum Change<T> {
    To(T),
    Error(String, T, Option<T>),
    Escalation(String, T, Option<T>),
}

impl<T> Change<T> {
    fn map<U>(self, into: impl Fn(T) -> U) -> Change<U> {
        match self {
            Change::To(state) => Change::To(into(state)),
            Change::Error(code, state, any) => Change::Error(code, into(state), any.map(into)),
            Change::Escalation(code, state, any) => Change::Escalation(code, into(state), any.map(into)),
        }
    }

    /// Where no border is: what catches anything takes it.
    fn borderless(self) -> Self {
        match self {
            Change::Error(_, _, Some(caught)) | Change::Escalation(_, _, Some(caught)) => Change::To(caught),
            other => other,
        }
    }
}

/// A step, and whether it comes before all that are not urgent.
pub type Steps<T> = Vec<(bool, Change<T>)>;

/// Most states that one command may lead through: what has more is no case.
const MOST_STATES: usize = 2_000;

/// The game with the present value of `pick`.
#[derive(Clone, Copy)]
pub struct Game {
    pub pick: i64,
}

impl Scope {
    /// A scope of these nodes, with its first tokens.
    pub fn open(net: &Net) -> Self {
        let tokens = net.beginnings().into_iter().map(Token::Enters).collect();
        Self { tokens, ..Self::default() }
    }

    pub fn is_done(&self) -> bool {
        self.tokens.is_empty() && self.handlers.is_empty() && self.memories.is_empty()
    }

    fn sorted(mut self) -> Self {
        self.tokens.sort();
        self.handlers.sort();
        self
    }

    pub fn without(&self, at: usize) -> Self {
        let mut rest = self.clone();
        rest.tokens.remove(at);
        rest
    }

    pub fn with(mut self, more: impl IntoIterator<Item = Token>) -> Self {
        self.tokens.extend(more);
        self.sorted()
    }

    /// A handler begins; an interrupting one cancels what runs here (S11).
    pub fn handle(mut self, at: usize, handler: &Handler) -> Self {
        if handler.interrupts || matches!(handler.event, Event::Error(_)) {
            self = Self::default();
        }
        self.handlers.push((at, Scope::open(&handler.net)));
        self.sorted()
    }

    /// Whether a token waits at the end of this flow.
    pub fn holds(&self, flow: usize) -> bool {
        self.tokens.iter().any(
            |token| matches!(token, Token::On(on) | Token::Waits(on) | Token::Failed(Place::On(on), _) if *on == flow),
        )
    }
}

impl Game {
    /// All states in which nothing moves any more; none when there are too many on the way.
    pub fn settle(self, net: &Net, from: impl IntoIterator<Item = Scope>) -> Option<BTreeSet<Scope>> {
        let mut todo: Vec<Scope> = from.into_iter().map(Scope::sorted).collect();
        let mut seen: BTreeSet<Scope> = todo.iter().cloned().collect();
        let mut quiet = BTreeSet::new();
        while let Some(state) = todo.pop() {
            let steps = self.steps(net, &state);
            if steps.is_empty() {
                quiet.insert(state);
                continue;
            }
            let urgent = steps.iter().any(|(urgent, _)| *urgent);
            for (_, change) in steps.into_iter().filter(|(first, _)| *first == urgent) {
                // What nobody catches: an error is an incident where it arose (S9), an escalation is over (S10).
                let (Change::To(next) | Change::Error(_, next, _) | Change::Escalation(_, next, _)) =
                    change.borderless();
                if seen.insert(next.clone()) {
                    todo.push(next);
                }
            }
            if seen.len() > MOST_STATES {
                return None;
            }
        }
        Some(quiet)
    }

    fn steps(self, net: &Net, scope: &Scope) -> Steps<Scope> {
        let mut steps = self.handler_steps(net, scope);
        for (at, token) in scope.tokens.iter().enumerate() {
            // Equal tokens do equal things.
            if at > 0 && scope.tokens[at - 1] == *token {
                continue;
            }
            let rest = || scope.without(at);
            match token {
                Token::Enters(node) => steps.extend(self.arrive(net, &rest(), *node)),
                Token::On(flow) if joins::is_join(net, net.flows[*flow].to) => {
                    steps.push((false, Change::To(rest().with([Token::Waits(*flow)]))));
                }
                Token::On(flow) => steps.extend(self.arrive(net, &rest(), net.flows[*flow].to)),
                Token::In(node, body) => steps.extend(self.inside(net, &rest(), *node, body)),
                Token::Leaves(node) => steps.push((false, Change::To(rest().with(self.leave(net, *node))))),
                Token::Waits(_) | Token::Gathered(_) | Token::Failed(..) => {}
            }
        }
        for node in 0..net.nodes.len() {
            steps.extend(self.join(net, scope, node));
            steps.extend(Self::too_few(net, scope, node));
        }
        steps
    }

    /// A handler completes, or goes a step on. What it throws never reaches a handler of its own scope (S9).
    fn handler_steps(self, net: &Net, scope: &Scope) -> Steps<Scope> {
        let mut steps = Vec::new();
        for (at, (position, running)) in scope.handlers.iter().enumerate() {
            let mut rest = scope.clone();
            rest.handlers.remove(at);
            if running.is_done() {
                steps.push((false, Change::To(rest.sorted())));
                continue;
            }
            for (urgent, change) in self.steps(&net.handlers[*position].net, running) {
                let change = change.borderless().map(|running| {
                    let mut rest = rest.clone();
                    rest.handlers.push((*position, running));
                    rest.sorted()
                });
                steps.push((urgent, change));
            }
        }
        steps
    }

    /// A token comes to a node; `rest` is the scope without it.
    fn arrive(self, net: &Net, rest: &Scope, node: usize) -> Steps<Scope> {
        let to = |tokens: Vec<Token>| vec![(false, Change::To(rest.clone().with(tokens)))];
        match &net.nodes[node].kind {
            Kind::Task | Kind::Sub(_) | Kind::Pass => self.gather(net, rest, node),
            Kind::Catch(_) | Kind::Race => to(vec![Token::In(node, Body::Event)]),
            Kind::Link(end) => to(vec![Token::Enters(*end)]),
            Kind::Escalate(code) => {
                let on = rest.clone().with(self.leave(net, node));
                vec![(false, Self::escalated(net, on, code))]
            }
            Kind::End(Ending::Path) => to(Vec::new()),
            // Everything in the scope ends; the scope itself then completes (S12).
            Kind::End(Ending::Terminate) => vec![(false, Change::To(Scope::default()))],
            Kind::End(Ending::Escalation(code)) => vec![(false, Self::escalated(net, rest.clone(), code))],
            Kind::End(Ending::Error(code)) => {
                let failed = Token::Failed(Place::At(node), code.clone());
                vec![(false, Self::raised(net, rest.clone().with([failed]), code))]
            }
            _ => to(self.leave(net, node)),
        }
    }

    /// An activity begins when it has as many tokens as it needs, whatever their flow.
    fn gather(self, net: &Net, rest: &Scope, node: usize) -> Steps<Scope> {
        let waits =
            |token: &Token| matches!(token, Token::Gathered(at) | Token::Failed(Place::Gathered(at), _) if *at == node);
        let there: Vec<usize> = (0..rest.tokens.len()).filter(|at| waits(&rest.tokens[*at])).collect();
        let needed = net.nodes[node].takes - 1;
        if there.len() < needed {
            return vec![(false, Change::To(rest.clone().with([Token::Gathered(node)])))];
        }
        // Which of them are taken makes a difference only when one has failed: both ends of the list are tried.
        let chosen = [there[..needed].to_vec(), there[there.len() - needed..].to_vec()];
        let begun = chosen.into_iter().map(|taken| {
            let mut begun = rest.clone();
            taken.iter().rev().for_each(|at| drop(begun.tokens.remove(*at)));
            (false, Change::To(begun.with(self.begin(net, node))))
        });
        begun.collect()
    }

    /// An activity begins: a token in it, or, when there is nothing to do, those behind it.
    fn begin(self, net: &Net, node: usize) -> Vec<Token> {
        let one = || match &net.nodes[node].kind {
            Kind::Sub(inner) => Body::Sub(Scope::open(inner)),
            _ => Body::Event,
        };
        let rounds = |count: usize| Body::Rounds { open: vec![one(); count], begun: count, done: 0 };
        match &net.nodes[node].many {
            _ if matches!(net.nodes[node].kind, Kind::Pass) => self.leave(net, node),
            Many::Once => vec![Token::In(node, one())],
            Many::Times { times: 0, .. } => self.leave(net, node),
            Many::Times { times, at_once, .. } => vec![Token::In(node, rounds(*times.min(at_once)))],
            Many::Loop { again, before: true, .. } if !again.contains(&self.pick) => self.leave(net, node),
            Many::Loop { .. } => vec![Token::In(node, rounds(1))],
        }
    }

    /// The tokens that leave a node: on one flow, on all, or on those whose conditions hold (S3, S4, S19).
    pub fn leave(self, net: &Net, node: usize) -> Vec<Token> {
        let flows = net.leaving(node);
        let holds = |flow: &&usize| net.flows[**flow].when.as_ref().is_some_and(|when| when.contains(&self.pick));
        let default = |flow: &&usize| net.flows[**flow].otherwise;
        let always = |flow: &&usize| net.flows[**flow].when.is_none() && !net.flows[**flow].otherwise;
        let mut taken: Vec<usize> = match net.nodes[node].kind {
            Kind::Exclusive => flows
                .iter()
                .find(holds)
                .or(flows.iter().find(default))
                .or(flows.iter().find(always))
                .into_iter()
                .copied()
                .collect(),
            _ => flows.iter().filter(holds).copied().collect(),
        };
        if !matches!(net.nodes[node].kind, Kind::Exclusive) {
            if taken.is_empty() {
                taken.extend(flows.iter().find(default));
            }
            taken.extend(flows.iter().filter(always));
        }
        let once = if taken.is_empty() && !flows.is_empty() {
            vec![Token::Failed(Place::At(node), "no_match".into())]
        } else {
            taken.into_iter().map(Token::On).collect()
        };
        (0..net.nodes[node].gives).flat_map(|_| once.clone()).collect()
    }

    /// What happens in the node in which a token is.
    fn inside(self, net: &Net, rest: &Scope, node: usize, body: &Body) -> Steps<Scope> {
        if self.is_over(body) {
            return vec![(false, Change::To(rest.clone().with(self.leave(net, node))))];
        }
        let stays = |body: Body| rest.clone().with([Token::In(node, body)]);
        let mut steps = Vec::new();
        for (urgent, change) in self.body_steps(net, node, body) {
            let change = match change {
                Change::To(body) => Change::To(stays(body)),
                Change::Error(code, body, any) => match (border(net, node, |event| event.catches_error(&code)), any) {
                    (Some((1, ..)) | None, Some(body)) => Change::To(stays(body)),
                    (Some((_, border, _)), _) => Change::To(rest.clone().with(self.leave(net, border))),
                    (None, None) => Self::raised(net, stays(body), &code),
                },
                Change::Escalation(code, body, any) => {
                    match (border(net, node, |event| event.catches_escalation(&code)), any) {
                        (Some((1, ..)) | None, Some(body)) => Change::To(stays(body)),
                        (Some((_, border, true)), _) => Change::To(rest.clone().with(self.leave(net, border))),
                        (Some((_, border, false)), _) => Change::To(stays(body).with(self.leave(net, border))),
                        (None, None) => Self::escalated(net, stays(body), &code),
                    }
                }
            };
            steps.push((urgent, change));
        }
        steps
    }

    fn is_over(self, body: &Body) -> bool {
        match body {
            Body::Event => false,
            Body::Sub(scope) => scope.is_done(),
            Body::Rounds { open, .. } => open.is_empty(),
        }
    }

    fn body_steps(self, net: &Net, node: usize, body: &Body) -> Steps<Body> {
        match (body, &net.nodes[node].kind) {
            (Body::Sub(scope), Kind::Sub(inner)) => {
                let steps = self.steps(inner, scope).into_iter();
                steps.map(|(urgent, change)| (urgent, change.map(Body::Sub))).collect()
            }
            (Body::Rounds { open, begun, done }, _) => {
                let mut steps = Vec::new();
                for (at, round) in open.iter().enumerate() {
                    if self.is_over(round) {
                        steps.push((false, Change::To(self.round_done(net, node, body, at))));
                        continue;
                    }
                    for (urgent, change) in self.body_steps(net, node, round) {
                        let change = change.map(|round| {
                            let mut open = open.clone();
                            open[at] = round;
                            open.sort();
                            Body::Rounds { open, begun: *begun, done: *done }
                        });
                        steps.push((urgent, change));
                    }
                }
                steps
            }
            _ => Vec::new(),
        }
    }

    /// A round completed: the next begins, or the rest is canceled (S8).
    pub fn round_done(self, net: &Net, node: usize, body: &Body, at: usize) -> Body {
        let Body::Rounds { open, begun, done } = body else { return body.clone() };
        let (mut open, mut begun, done) = (open.clone(), *begun, done + 1);
        open.remove(at);
        let another = match &net.nodes[node].many {
            Many::Once => false,
            Many::Times { until: Some(until), .. } if done >= *until => {
                open.clear();
                false
            }
            Many::Times { times, .. } => begun < *times,
            Many::Loop { again, most, .. } => again.contains(&self.pick) && most.is_none_or(|most| begun < most),
        };
        if another {
            begun += 1;
            open.push(match &net.nodes[node].kind {
                Kind::Sub(inner) => Body::Sub(Scope::open(inner)),
                _ => Body::Event,
            });
        }
        open.sort();
        Body::Rounds { open, begun, done }
    }

    /// An error that arose in a scope: its own handlers before whoever is outside (S9).
    fn raised(net: &Net, scope: Scope, code: &str) -> Change<Scope> {
        match handler(net, |event| event.catches_error(code)) {
            Some((0, at)) => Change::To(scope.handle(at, &net.handlers[at])),
            Some((_, at)) => Change::Error(code.to_string(), scope.clone(), Some(scope.handle(at, &net.handlers[at]))),
            None => Change::Error(code.to_string(), scope, None),
        }
    }

    /// An escalation that arose in a scope, whose thrower has gone on (S10).
    fn escalated(net: &Net, scope: Scope, code: &str) -> Change<Scope> {
        match handler(net, |event| event.catches_escalation(code)) {
            Some((0, at)) => Change::To(scope.handle(at, &net.handlers[at])),
            Some((_, at)) => {
                Change::Escalation(code.to_string(), scope.clone(), Some(scope.handle(at, &net.handlers[at])))
            }
            None => Change::Escalation(code.to_string(), scope, None),
        }
    }
}

impl Event {
    /// Whether it catches this error; the better, the smaller.
    fn catches_error(&self, code: &str) -> Option<u8> {
        match self {
            Event::Error(Some(known)) => (known == code).then_some(0),
            Event::Error(None) => Some(1),
            _ => None,
        }
    }

    fn catches_escalation(&self, code: &str) -> Option<u8> {
        match self {
            Event::Escalation(Some(known)) => (known == code).then_some(0),
            Event::Escalation(None) => Some(1),
            _ => None,
        }
    }
}

/// The event at a node's border that fits best, how well, and whether it interrupts.
fn border(net: &Net, node: usize, fits: impl Fn(&Event) -> Option<u8>) -> Option<(u8, usize, bool)> {
    let found = net.borders(node).into_iter().filter_map(|at| match &net.nodes[at].kind {
        Kind::Border { event, interrupts, .. } => {
            Some((fits(event)?, at, *interrupts || matches!(event, Event::Error(_))))
        }
        _ => None,
    });
    found.min()
}

fn handler(net: &Net, fits: impl Fn(&Event) -> Option<u8>) -> Option<(u8, usize)> {
    let found = net.handlers.iter().enumerate().filter_map(|(at, handler)| Some((fits(&handler.event)?, at)));
    found.min()
}
