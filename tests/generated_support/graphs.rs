//! Random nets, unstructured: any node may lead to any other, also back. Whatever the loader refuses is no case; the rest is played.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::net::{Ending, Event, Flow, Handler, Kind, Many, Net, Node, PICKS};

/// What is made at present: how many ids are given away, and how many nodes there may still be.
pub struct Maker<'d> {
    dice: &'d mut Dice,
    ids: usize,
    left: usize,
}

/// The kinds of nodes that are drawn, and how often.
#[derive(Clone, Copy, Debug)]
enum Draw {
    Task,
    Exclusive,
    Parallel,
    Inclusive,
    Complex,
    Pass,
    Catch,
    Race,
    Sub,
    Escalate,
    Link,
    End,
    Terminate,
    Error,
    EscalationEnd,
}

const DRAWS: &[(usize, Draw)] = &[
    (26, Draw::Task),
    (12, Draw::Exclusive),
    (14, Draw::Parallel),
    (18, Draw::Inclusive),
    (7, Draw::Complex),
    (2, Draw::Pass),
    (4, Draw::Catch),
    (3, Draw::Race),
    (7, Draw::Sub),
    (2, Draw::Escalate),
    (2, Draw::Link),
    (3, Draw::End),
    (2, Draw::Terminate),
    (3, Draw::Error),
    (1, Draw::EscalationEnd),
];

/// A random process.
pub fn net(dice: &mut Dice) -> Net {
    let left = dice.between(2, 11);
    let mut net = Maker { dice, ids: 0, left }.net(0, true);
    let (raised, caught) = (codes(&net, true), codes(&net, false));
    mend_errors(&mut net, &raised, &caught);
    net
}

/// The codes of the errors that are raised, or caught; `any` is an empty one.
fn codes(net: &Net, raised: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let caught = |event: &Event| match event {
        Event::Error(code) if !raised => Some(code.clone().unwrap_or_default()),
        _ => None,
    };
    for node in &net.nodes {
        match &node.kind {
            Kind::End(Ending::Error(code)) if raised => drop(found.insert(code.clone())),
            Kind::Border { event, .. } => found.extend(caught(event)),
            Kind::Sub(inner) => found.extend(codes(inner, raised)),
            _ => {}
        }
    }
    for handler in &net.handlers {
        found.extend(caught(&handler.event));
        found.extend(codes(&handler.net, raised));
    }
    found
}

/// An error that nobody catches anywhere, or that nobody raises, is refused by the loader: it becomes something else.
fn mend_errors(net: &mut Net, raised: &BTreeSet<String>, caught: &BTreeSet<String>) {
    let mend = |event: &mut Event| {
        if matches!(event, Event::Error(Some(code)) if !raised.contains(code)) {
            *event = Event::Message;
        }
    };
    for node in &mut net.nodes {
        match &mut node.kind {
            Kind::End(end) => {
                if matches!(end, Ending::Error(code) if !caught.contains(code) && !caught.contains("")) {
                    *end = Ending::Path;
                }
            }
            Kind::Border { event, .. } => mend(event),
            Kind::Sub(inner) => mend_errors(inner, raised, caught),
            _ => {}
        }
    }
    for handler in &mut net.handlers {
        mend(&mut handler.event);
        mend_errors(&mut handler.net, raised, caught);
    }
}

impl Maker<'_> {
    fn id(&mut self, letter: char) -> String {
        self.ids += 1;
        format!("{letter}{}", self.ids)
    }

    fn net(&mut self, depth: usize, starts: bool) -> Net {
        let mut net = Net::default();
        if starts && self.dice.percent(65) {
            self.add(&mut net, Kind::Start);
        }
        let most = if depth == 0 { self.left } else { self.dice.between(1, 4).min(self.left.max(1)) };
        while net.nodes.len() <= most {
            self.left = self.left.saturating_sub(1);
            self.node(&mut net, depth);
        }
        self.more_flows(&mut net);
        self.borders(&mut net);
        reach_all(&mut net);
        self.shape(&mut net);
        self.handlers(&mut net, depth);
        net
    }

    /// One more node, behind one of those that are there.
    fn node(&mut self, net: &mut Net, depth: usize) {
        let draw = *self.dice.weighted(DRAWS);
        let kind = match draw {
            Draw::Sub if depth < 2 && self.left > 1 => Kind::Sub(self.net(depth + 1, true)),
            Draw::Task | Draw::Sub => Kind::Task,
            Draw::Exclusive => Kind::Exclusive,
            Draw::Parallel => Kind::Parallel,
            Draw::Inclusive => Kind::Inclusive,
            Draw::Complex => Kind::Complex(0),
            Draw::Pass => Kind::Pass,
            Draw::Catch => Kind::Catch(self.event()),
            Draw::Race => return self.race(net),
            Draw::Link => return self.link(net),
            Draw::Escalate => Kind::Escalate(self.code()),
            Draw::End => Kind::End(Ending::Path),
            Draw::Terminate => Kind::End(Ending::Terminate),
            Draw::Error => Kind::End(Ending::Error(self.code())),
            Draw::EscalationEnd => Kind::End(Ending::Escalation(self.code())),
        };
        let node = self.add(net, kind);
        self.behind_one(net, node);
    }

    fn add(&mut self, net: &mut Net, kind: Kind) -> usize {
        let letter = match &kind {
            Kind::Task => 't',
            Kind::Exclusive => 'x',
            Kind::Parallel => 'p',
            Kind::Inclusive => 'i',
            Kind::Complex(_) => 'c',
            Kind::Sub(_) => 's',
            Kind::End(_) => 'e',
            Kind::Border { .. } => 'b',
            _ => 'n',
        };
        let id = self.id(letter);
        net.nodes.push(Node { id, kind, many: Many::Once, takes: 1, gives: 1 });
        net.nodes.len() - 1
    }

    /// A flow to a new node from one before it; some nodes begin by themselves.
    fn behind_one(&mut self, net: &mut Net, node: usize) {
        let sources: Vec<usize> = (0..node).filter(|from| may_lead(net, *from)).collect();
        if sources.is_empty() || self.dice.percent(6) {
            return;
        }
        // Mostly the last one: chains are more telling than stars.
        let from = if self.dice.percent(40) { *self.dice.of(&sources) } else { sources[sources.len() - 1] };
        draw(net, from, node);
    }

    fn race(&mut self, net: &mut Net) {
        let race = self.add(net, Kind::Race);
        self.behind_one(net, race);
        for _ in 0..2 {
            let event = self.event();
            let option = self.add(net, Kind::Catch(event));
            draw(net, race, option);
        }
    }

    fn link(&mut self, net: &mut Net) {
        let name = self.id('l');
        let end = self.add(net, Kind::LinkEnd(name));
        let throw = self.add(net, Kind::Link(end));
        self.behind_one(net, throw);
    }

    fn event(&mut self) -> Event {
        self.dice.of(&[Event::Message, Event::Timer, Event::Signal]).clone()
    }

    fn code(&mut self) -> String {
        (*self.dice.of(&["e0", "e1"])).to_string()
    }

    /// Flows between any two nodes: joins, merges and ways back.
    fn more_flows(&mut self, net: &mut Net) {
        let count = self.dice.below(net.nodes.len() + 2);
        for _ in 0..count {
            let (from, to) = (self.dice.below(net.nodes.len()), self.dice.below(net.nodes.len()));
            // Mostly forwards.
            let (from, to) = if from > to && !self.dice.percent(35) { (to, from) } else { (from, to) };
            if may_lead(net, from) && may_follow(net, to) && from != to {
                draw(net, from, to);
            }
        }
    }

    fn borders(&mut self, net: &mut Net) {
        for host in 0..net.nodes.len() {
            let sub = matches!(net.nodes[host].kind, Kind::Sub(_));
            if !net.nodes[host].kind.is_activity() || !self.dice.percent(if sub { 60 } else { 12 }) {
                continue;
            }
            let event = if sub && self.dice.percent(60) { self.thrown() } else { self.event() };
            let interrupts = matches!(event, Event::Error(_)) || !self.dice.percent(40);
            let border = self.add(net, Kind::Border { host, event, interrupts });
            let targets: Vec<usize> = (0..net.nodes.len()).filter(|to| may_follow(net, *to)).collect();
            if !targets.is_empty() && !self.dice.percent(25) {
                let to = *self.dice.of(&targets);
                draw(net, border, to);
            }
        }
    }

    fn thrown(&mut self) -> Event {
        let code = self.code();
        self.dice
            .of(&[
                Event::Error(Some(code.clone())),
                Event::Error(None),
                Event::Escalation(Some(code)),
                Event::Escalation(None),
            ])
            .clone()
    }

    /// Conditions, rounds, quantities, counts: what depends on the flows.
    fn shape(&mut self, net: &mut Net) {
        for node in 0..net.nodes.len() {
            let (leaving, entering) = (net.leaving(node), net.entering(node).len());
            match net.nodes[node].kind {
                Kind::Exclusive if leaving.len() > 1 => self.conditions(net, &leaving, true),
                Kind::Inclusive if leaving.len() > 1 => self.conditions(net, &leaving, false),
                Kind::Complex(_) if entering < 2 => net.nodes[node].kind = Kind::Inclusive,
                Kind::Complex(_) => {
                    net.nodes[node].kind = Kind::Complex(self.dice.between(1, entering));
                    if leaving.len() > 1 && self.dice.percent(40) {
                        self.conditions(net, &leaving, false);
                    }
                }
                Kind::Task | Kind::Sub(_) | Kind::Pass | Kind::Catch(_) | Kind::Border { .. }
                    if leaving.len() > 1 && self.dice.percent(50) =>
                {
                    self.conditions(net, &leaving, false);
                }
                _ => {}
            }
            self.rounds(&mut net.nodes[node]);
        }
    }

    fn conditions(&mut self, net: &mut Net, flows: &[usize], all: bool) {
        for (at, flow) in flows.iter().enumerate() {
            let last = at + 1 == flows.len();
            if last && self.dice.percent(60) {
                net.flows[*flow].otherwise = true;
            } else if all || !self.dice.percent(25) {
                net.flows[*flow].when = Some(self.picks());
            }
        }
    }

    fn picks(&mut self) -> BTreeSet<i64> {
        let bits = self.dice.between(1, (1 << PICKS) - 2);
        (0..PICKS).filter(|pick| bits >> pick & 1 == 1).collect()
    }

    fn rounds(&mut self, node: &mut Node) {
        if !matches!(node.kind, Kind::Task | Kind::Sub(_) | Kind::Pass) {
            return;
        }
        if node.kind.is_activity() && self.dice.percent(14) {
            let times = self.dice.between(0, 3);
            node.many = if self.dice.percent(35) {
                let most = self.dice.percent(60).then(|| self.dice.between(1, 3));
                Many::Loop { again: self.picks(), before: self.dice.percent(50), most }
            } else {
                let until = self.dice.percent(40).then(|| self.dice.between(1, 3));
                Many::Times { times, at_once: self.dice.between(1, 3), until }
            };
        }
        if self.dice.percent(6) {
            node.takes = self.dice.between(2, 3);
        }
        if self.dice.percent(6) {
            node.gives = self.dice.between(2, 3);
        }
    }

    fn handlers(&mut self, net: &mut Net, depth: usize) {
        if depth > 1 || !self.dice.percent(18) {
            return;
        }
        let event = if self.dice.percent(60) { self.thrown() } else { self.event() };
        let interrupts = matches!(event, Event::Error(_)) || !self.dice.percent(50);
        let id = self.id('h');
        self.left = self.left.max(2);
        let inner = self.net(depth + 1, false);
        net.handlers.push(Handler { id, event, interrupts, net: inner });
    }
}

fn draw(net: &mut Net, from: usize, to: usize) {
    if !net.flows.iter().any(|flow| (flow.from, flow.to) == (from, to)) {
        net.flows.push(Flow { from, to, when: None, otherwise: false });
    }
}

/// Whether flows may leave the node.
fn may_lead(net: &Net, node: usize) -> bool {
    !matches!(net.nodes[node].kind, Kind::End(_) | Kind::Race | Kind::Link(_))
}

/// Whether more flows may enter the node.
fn may_follow(net: &Net, node: usize) -> bool {
    let option = net.entering(node).iter().any(|flow| matches!(net.nodes[net.flows[*flow].from].kind, Kind::Race));
    !option && !matches!(net.nodes[node].kind, Kind::Start | Kind::Border { .. } | Kind::LinkEnd(_))
}

/// Draws flows to what no path leads to, where that can be done.
fn reach_all(net: &mut Net) {
    loop {
        let reached = reached(net);
        let lost = (0..net.nodes.len()).find(|node| !reached.contains(node) && may_follow(net, *node));
        let from = reached.iter().rev().find(|node| may_lead(net, **node));
        let (Some(lost), Some(from)) = (lost, from) else { return };
        draw(net, *from, lost);
    }
}

fn reached(net: &Net) -> BTreeSet<usize> {
    let mut todo = net.beginnings();
    let mut reached: BTreeSet<usize> = todo.iter().copied().collect();
    while let Some(node) = todo.pop() {
        let mut next: Vec<usize> = net.leaving(node).into_iter().map(|flow| net.flows[flow].to).collect();
        next.extend(net.borders(node));
        if let Kind::Link(end) = net.nodes[node].kind {
            next.push(end);
        }
        todo.extend(next.into_iter().filter(|node| reached.insert(*node)));
    }
    reached
}
