//! `ad_hoc`: "one of the enabled activities is selected for execution … typically by a human performer"; "each time an activity
//! completes, the completion condition is evaluated".
//!
//! The heart of an ad-hoc sub-process: one token stays here as long as it lives and offers what no flow inside leads to, each any number
//! of times. Its first flow leads to the end, the others to what it offers. Without a condition a person says when it is over; where
//! something begins by itself, it is over when nothing runs any more.

use super::definition::VarRef;
use super::room::{Arm, ArmKind, Effect, Event, Fault, Move, Next, Room, View};
use super::rules::Title;
use crate::graph::{FlowIx, NodeIx};
use crate::instance::Owner;
use crate::model::expr::Expr;
use crate::model::{Name, Text, Value};

/// Offers the activities of an ad-hoc sub-process.
#[derive(Debug)]
pub struct AdHoc {
    /// Who may choose; everybody when empty.
    pub roles: Vec<Name>,
    /// What begins by itself.
    pub begin: Begin,
    /// The variable that keeps what has still to begin by itself.
    pub begins: VarRef,
    /// How many run at once; all when none.
    pub at_once: Option<usize>,
    /// When this is true after an activity, it is over.
    pub until: Option<Expr>,
    /// Whether what still runs then is canceled; else it is waited for.
    pub cancel_rest: bool,
    /// The title of ending it by hand.
    pub done: Title,
}

/// What begins by itself when an ad-hoc sub-process is entered.
#[derive(Debug)]
pub enum Begin {
    /// Nothing: people choose.
    Nothing,
    /// Everything that is offered.
    All,
    /// The steps of these ids.
    These(Vec<Name>),
    /// The steps whose ids an expression lists.
    Of(Expr),
}

impl Room for AdHoc {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let offers = Next::Wait(self.arms(view));
        if self.waiting(view).is_some() {
            // It was here before: an incident was retried.
            return Ok(if self.is_met(view)? { self.over(view)? } else { Move::only(offers) });
        }
        let begins = self.first(view)?.into_iter().map(|name| Value::text(&*name));
        Ok(Move { effects: vec![Effect::Assign(self.begins, Value::list(begins))], next: offers })
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        match event {
            Event::Chosen(flow) if view.flow(0) == Some(*flow) => self.over(view),
            Event::Chosen(flow) => Ok(Move::only(Next::Branch(vec![*flow]))),
            Event::Finished if self.is_met(view)? => self.over(view),
            Event::Looked => self.go_on(view),
            _ => Ok(Move::only(Next::Stay)),
        }
    }

    fn is_quiet(&self) -> bool {
        true
    }
}

impl AdHoc {
    /// The flows to what may be chosen; the one to the end last, where a person ends it.
    fn offers<'a>(&self, view: &View<'a>) -> impl Iterator<Item = FlowIx> + use<'a> {
        let by_hand = self.until.is_none() && matches!(self.begin, Begin::Nothing);
        let end = view.flow(0).filter(|_| by_hand);
        view.outgoing().iter().copied().skip(1).chain(end)
    }

    /// Whether this may be chosen now: the end always, the others while not too many run.
    pub fn has_room(&self, view: &View<'_>, flow: FlowIx) -> bool {
        view.flow(0) == Some(flow) || self.at_once.is_none_or(|most| running(view) < most)
    }

    /// The title of what a wait for this node offers, when it may be chosen now.
    pub fn choice(&self, view: &View<'_>, node: NodeIx) -> Option<Text> {
        let flow = self.offer(view, node).filter(|flow| self.has_room(view, *flow))?;
        if view.flow(0) == Some(flow) {
            return Some(self.done.show(view));
        }
        let filled = view.def.titles.get(&node).and_then(|title| title.fill(view).ok());
        filled.or_else(|| view.def.graph.node(node).map(|found| found.title.clone()))
    }

    /// The flow to what a wait for this node offers.
    pub fn offer(&self, view: &View<'_>, node: NodeIx) -> Option<FlowIx> {
        self.offers(view).find(|flow| offered(view, *flow) == Some(node))
    }

    fn arms(&self, view: &View<'_>) -> Vec<Arm> {
        let nodes = self.offers(view).filter_map(|flow| offered(view, flow));
        nodes.map(|node| Arm { node, kind: ArmKind::Passive, count: 0 }).collect()
    }

    fn is_met(&self, view: &View<'_>) -> Result<bool, Fault> {
        self.until.as_ref().map_or(Ok(false), |until| view.truth(until))
    }

    fn over(&self, view: &View<'_>) -> Result<Move, Fault> {
        let end = view.flow(0).ok_or_else(|| Fault::new("broken_definition", "the way to the end is missing"))?;
        Ok(Move::only(if self.cancel_rest { Next::Alone(end) } else { Next::TakeOne(end) }))
    }

    /// What begins by itself, by name.
    fn first(&self, view: &View<'_>) -> Result<Vec<Name>, Fault> {
        Ok(match &self.begin {
            Begin::Nothing => Vec::new(),
            Begin::All => view.outgoing().iter().skip(1).map(|flow| name(view, *flow)).collect(),
            Begin::These(names) => names.clone(),
            Begin::Of(list) => match view.needed(list)? {
                Value::List(items) => {
                    let found = items.iter().map(|item| match item {
                        Value::Text(text) if by_name(view, text).is_some() => Ok(Name::new(text)),
                        other => {
                            Err(Fault::new("unknown_step", format!("`{}`: {other} is not offered here", list.text())))
                        }
                    });
                    found.collect::<Result<_, _>>()?
                }
                other => {
                    return Err(Fault::new(
                        "wrong_type",
                        format!("expected a list in `{}`, found {other}", list.text()),
                    ));
                }
            },
        })
    }

    /// What has still to begin by itself; none before it is known.
    fn waiting<'a>(&self, view: &View<'a>) -> Option<&'a [Value]> {
        match view.state.var(view.scope, self.begins.scope, usize::from(self.begins.index)) {
            Some(Value::List(names)) => Some(names),
            _ => None,
        }
    }

    /// What has room begins; when nothing is left to begin and nothing runs, it is over, where nothing else says when.
    fn go_on(&self, view: &View<'_>) -> Result<Move, Fault> {
        let Some(waiting) = self.waiting(view) else { return Ok(Move::only(Next::Stay)) };
        let running = running(view);
        if waiting.is_empty() {
            let by_itself = self.until.is_none() && !matches!(self.begin, Begin::Nothing);
            return if by_itself && running == 0 { self.over(view) } else { Ok(Move::only(Next::Stay)) };
        }
        let most = self.at_once.map_or(waiting.len(), |most| most.saturating_sub(running).min(waiting.len()));
        let (now, later) = waiting.split_at(most);
        let flows: Vec<FlowIx> = now.iter().filter_map(|name| by_name(view, &name.to_string())).collect();
        if flows.is_empty() {
            return Ok(Move::only(Next::Stay));
        }
        let effects = vec![Effect::Assign(self.begins, Value::list(later.iter().cloned()))];
        Ok(Move { effects, next: Next::Branch(flows) })
    }
}

/// What stands for a flow among the waits: the node it leads to; for the end, the ad-hoc sub-process itself.
fn offered(view: &View<'_>, flow: FlowIx) -> Option<NodeIx> {
    let graph = &view.def.graph;
    if view.flow(0) == Some(flow) { Some(graph.scope(view.node)) } else { graph.target(flow) }
}

/// How many tokens run in it beside the one that offers.
fn running(view: &View<'_>) -> usize {
    view.state.tokens.of(Owner::Scope(view.scope)).filter(|token| token.id != view.token).count()
}

/// What a flow leads to, by name.
fn name(view: &View<'_>, flow: FlowIx) -> Name {
    view.def.graph.target(flow).map(|node| view.def.step(node)).unwrap_or_default()
}

fn by_name(view: &View<'_>, wanted: &str) -> Option<FlowIx> {
    view.outgoing().iter().copied().skip(1).find(|flow| &*name(view, *flow) == wanted)
}
