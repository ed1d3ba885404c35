//! The turn at work: a list of tokens about to enter nodes, worked off in order; every change goes through a fact.

use std::collections::{BTreeSet, VecDeque};

use super::brought::Woken;
use super::join::Touched;
use super::{Context, Input, Output, Refused, World};
use crate::element::definition::{Catalog, Definition};
use crate::element::room::{Fault, Given, Services, View};
use crate::entity::{Overlay, RecordEvent, Window};
use crate::graph::NodeIx;
use crate::instance::apply::apply;
use crate::instance::rows::Values;
use crate::instance::{Fact, Need, Place, Run, ScopeId, Status, TokenId, WaitId};
use crate::model::Name;

/// A turn of one run.
pub(super) struct Turn<'a> {
    pub catalog: &'a Catalog,
    pub def: &'a Definition,
    pub world: &'a dyn World,
    pub services: &'a dyn Services,
    pub overlay: Overlay<'a>,
    pub run: Box<Run>,
    pub context: Context,
    pub out: Box<Output>,
    /// Tokens about to enter a node, in order.
    ready: VecDeque<TokenId>,
    /// How many of them, from the front, are known not to be quiet.
    looked_at: usize,
    /// Saved changes that the run's own waits have not seen yet.
    pub events: VecDeque<RecordEvent>,
    /// What is thrown by the step that is carried out, and sent messages, which find their receivers behind everything that is ready.
    pub thrown: VecDeque<Thrown>,
    /// The kept messages that this turn has taken already.
    pub taken: BTreeSet<u64>,
    /// Whether a variable was assigned since conditions were last looked at.
    pub assigned: bool,
    /// Whether the run's own waits are being told of changes.
    pub telling: bool,
    /// The scopes whose tokens changed since the joins in them were last looked at.
    pub unseen: Touched,
    /// The scopes whose tokens changed since joins that wait for each other were last reported.
    pub unreported: Touched,
    /// The scopes in which a token arrived at a join, ended or was mended: perhaps nothing moves in them any more.
    pub stilled: Touched,
    steps: u32,
}

/// A throw that is not delivered yet.
#[derive(Debug)]
pub(super) enum Thrown {
    Signal(Name, Values),
    Message {
        name: Name,
        key: String,
        with: Values,
        ttl: Option<i64>,
    },
    /// A wait was just armed: it may take a kept message.
    Kept(WaitId, Name, String),
}

/// Why a turn cannot go on as it is.
#[derive(Debug)]
pub(super) enum Stop {
    /// Too many steps: the turn is undone and one incident put where it began (S22).
    Budget,
    /// The command is refused.
    Refused(Refused),
}

impl<E: Into<Refused>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Refused(error.into())
    }
}

pub(super) type Step<T = ()> = Result<T, Stop>;

impl<'a> Turn<'a> {
    pub fn new(input: Input<'a>, def: &'a Definition, run: Box<Run>) -> Box<Self> {
        let window: &'a dyn Window = input.world;
        Box::new(Self {
            catalog: input.catalog,
            def,
            world: input.world,
            services: input.services,
            overlay: Overlay::new(window),
            run,
            context: input.context,
            // Most turns say no more than this.
            out: Box::new(Output { facts: Vec::with_capacity(16), ..Output::default() }),
            ready: VecDeque::new(),
            looked_at: 0,
            events: VecDeque::new(),
            thrown: VecDeque::new(),
            taken: BTreeSet::new(),
            assigned: false,
            telling: false,
            unseen: Touched::default(),
            unreported: Touched::default(),
            stilled: Touched::default(),
            steps: 0,
        })
    }

    /// Makes a fact true and keeps it.
    #[inline]
    pub fn fact(&mut self, fact: Fact) {
        self.note_for_joins(&fact);
        apply(&mut self.run.state, &fact);
        self.out.facts.push(fact);
    }

    pub fn need(&mut self, need: Need) {
        self.out.needs.push(need);
    }

    pub fn note(&mut self, node: NodeIx, text: impl Into<String>) {
        self.fact(Fact::Noted(node, text.into()));
    }

    /// The next free number for a token, scope or wait.
    pub fn number(&self) -> u32 {
        self.run.state.next
    }

    pub fn schedule(&mut self, token: TokenId) {
        self.ready.push_back(token);
    }

    /// Whether the token is about to enter a node in this turn.
    pub fn is_scheduled(&self, token: TokenId) -> bool {
        self.ready.contains(&token)
    }

    /// What a room sees.
    pub fn view<'v>(&'v self, node: NodeIx, token: TokenId, scope: ScopeId, given: &'v Given<'v>) -> View<'v> {
        View {
            def: self.def,
            catalog: self.catalog,
            state: &self.run.state,
            instance: self.run.row.id,
            node,
            token,
            scope,
            now: self.context.now,
            window: &self.overlay,
            principal: &self.context.principal,
            given,
            services: self.services,
        }
    }

    /// Runs until every token waits or has ended and everything thrown is delivered.
    pub fn settle(&mut self) -> Step {
        loop {
            if self.look_at_joins()? {
            } else if let Some(token) = self.ready.pop_front() {
                self.looked_at = self.looked_at.saturating_sub(1);
                self.visit(token)?;
            } else if let Some(thrown) = self.thrown.pop_front() {
                self.deliver_thrown(thrown)?;
            } else if self.look_at_choosers()? {
            } else if !self.report_stuck_joins() {
                return Ok(());
            }
            self.own_effects()?;
        }
    }

    /// Before a throw is delivered, waits that are reachable without side effects are armed (S16).
    pub fn arm_quiet(&mut self) -> Step {
        while let Some(token) = self.ready.get(self.looked_at).copied() {
            let node = self.entering(token);
            if node.and_then(|node| self.def.element(node)).is_some_and(|element| element.room().is_quiet()) {
                self.ready.remove(self.looked_at);
                self.visit(token)?;
            } else {
                self.looked_at = self.looked_at.saturating_add(1);
            }
        }
        Ok(())
    }

    /// The node that a ready token enters: one ahead of it, or the join it arrived at.
    fn entering(&self, token: TokenId) -> Option<NodeIx> {
        match self.run.state.token(token)?.place {
            Place::Entering(node) => Some(node),
            Place::Arrived(flow) => self.def.graph.target(flow),
            Place::In(_) => None,
        }
    }

    fn visit(&mut self, token: TokenId) -> Step {
        let Some(node) = self.entering(token) else { return Ok(()) };
        self.spend()?;
        self.enter(token, node)
    }

    /// One step of the budget (S21).
    pub fn spend(&mut self) -> Step {
        self.steps = self.steps.saturating_add(1);
        if self.steps > self.context.max_steps { Err(Stop::Budget) } else { Ok(()) }
    }

    /// A token enters a node: its room decides, the turn acts.
    pub fn enter(&mut self, token: TokenId, node: NodeIx) -> Step {
        let (Some(element), Some(scope)) =
            (self.def.element(node), self.run.state.token(token).map(|found| found.scope))
        else {
            return self.fail(token, node, Fault::new("broken_definition", "the node has no element"));
        };
        let given = Given::default();
        if let Err(fault) = self.entitle(token, node, scope, &given) {
            return self.fail(token, node, fault);
        }
        match element.room().enter(&self.view(node, token, scope, &given)) {
            Ok(decided) => self.act(token, node, decided, Woken::default()),
            Err(fault) => self.fail(token, node, fault),
        }
    }

    /// The values of the node's title are filled in.
    pub fn entitle(&mut self, token: TokenId, node: NodeIx, scope: ScopeId, given: &Given<'_>) -> Result<(), Fault> {
        if let Some(title) = self.def.titles.get(&node) {
            let title = title.fill(&self.view(node, token, scope, given))?;
            self.fact(Fact::Titled(node, title));
        }
        Ok(())
    }

    /// The output of a turn that went well.
    pub fn finish(self: Box<Self>) -> Box<Output> {
        let Self { mut run, mut out, context, .. } = *self;
        let Run { row, state } = &mut *run;
        row.revision = row.revision.saturating_add(1);
        state.revision = row.revision;
        row.status = state.status;
        row.record.clone_from(&state.record);
        row.key.clone_from(&state.key);
        row.incidents = u32::try_from(state.incidents.len()).unwrap_or(u32::MAX);
        row.ended = (state.status.is_over() || state.status == Status::Failed).then_some(context.now);
        out.answer.instance = Some(crate::entity::InstanceId(row.id));
        out.instance = Some(run);
        out
    }
}
