//! The shape of a room: what it sees, what it may decide.

use chrono::{DateTime, Utc};

use super::definition::{Catalog, Definition, VarRef};
use crate::entity::{Principal, RecordEvent, Window, Wish};
use crate::graph::{FlowIx, NodeIx};
use crate::instance::command::Failure;
use crate::instance::rows::Values;
use crate::instance::{Id, Owner, ScopeId, State, Token, TokenId, Wait, WaitKind};
use crate::model::{Name, Ref, Text, Value};

/// What an element decides. Every step of its life has a default; a room says only what is special about it.
pub trait Room {
    /// A token enters: go on, or stay and wait.
    ///
    /// # Errors
    /// A fault parks the token here with an incident, unless a catcher takes its code.
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let _ = view;
        Ok(Move::pass())
    }

    /// Something that a token here waited for has happened.
    ///
    /// # Errors
    /// As [`Room::enter`]; what happened is not consumed when it can be refused.
    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        let _ = (view, event);
        Ok(Move::pass())
    }

    /// Whether tokens gather here: a node of this kind with several incoming flows is a join.
    fn gathers(&self) -> bool {
        false
    }

    /// Whether a token that waits here is looked at again after every change of its scope's tokens (S1).
    fn is_patient(&self) -> bool {
        false
    }

    /// Whether entering has no effect but arming or routing: such nodes go first before a throw is delivered (S16).
    fn is_quiet(&self) -> bool {
        false
    }
}

/// What a room sees: all of it frozen.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The definition.
    pub def: &'a Definition,
    /// The library and all definitions.
    pub catalog: &'a Catalog,
    /// The run's state.
    pub state: &'a State,
    /// The run's id.
    pub instance: Id,
    /// The node that decides.
    pub node: NodeIx,
    /// The token at it.
    pub token: TokenId,
    /// The scope it is in.
    pub scope: ScopeId,
    /// The instant of this turn.
    pub now: DateTime<Utc>,
    /// The read window: records as they stand after the moves before this one.
    pub window: &'a dyn Window,
    /// Who acts.
    pub principal: &'a Principal,
    /// What came in with the command: the event, message, task or form that expressions may name.
    pub given: &'a Given<'a>,
    /// The host's handlers that are part of the turn.
    pub services: &'a dyn Services,
}

/// The host's handlers that run inside the turn.
pub trait Services {
    /// The handler of a service, when it runs inside; none when it is outside work.
    fn inside(&self, service: &str) -> Option<&InsideHandler>;
}

/// A handler that runs inside the turn: pure, given the arguments, gives the answer.
pub type InsideHandler = dyn Fn(&Values) -> Result<Values, Failure> + Send + Sync;

/// No handlers: every service is outside work.
pub struct NoServices;

impl Services for NoServices {
    fn inside(&self, _: &str) -> Option<&InsideHandler> {
        None
    }
}

/// What expressions may name beside variables and records.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    /// The record event (`record`, `previous`, `changed`).
    pub event: Option<&'a RecordEvent>,
    /// A message's or signal's values (`message`).
    pub message: Option<&'a Values>,
    /// The task's own values (`task`), made when something asks for them.
    pub task: Option<&'a dyn Fn() -> Values>,
    /// Form entries by name.
    pub form: Option<&'a Values>,
    /// What a service or a call gave back.
    pub result: Option<&'a Values>,
    /// The caught error: code and values.
    pub error: Option<&'a Values>,
    /// The row that a `where` looks at.
    pub row: Option<&'a Ref>,
    /// The branches that have arrived at a join.
    pub arrived: Option<&'a [Name]>,
    /// How many rounds a loop has done, where none of them stands around the expression.
    pub rounds: Option<u32>,
}

/// What has happened to a wait.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Its task was completed.
    Completed {
        /// The outcome.
        outcome: &'a Name,
        /// What the form brought.
        form: &'a Values,
    },
    /// Its timer is due.
    Fired,
    /// A message or signal came, with these values.
    Message(&'a Values),
    /// A record changed.
    Record(&'a RecordEvent),
    /// A condition became true.
    Condition,
    /// Outside work, or a called run, gave this.
    Done(&'a Values),
    /// Outside work failed.
    Failed(&'a Failure),
    /// A scope hosted here completed.
    ScopeDone {
        /// The scope.
        scope: ScopeId,
        /// Its iteration.
        index: u32,
        /// The node it activated.
        node: NodeIx,
    },
    /// The stage watched here is (or is again) this one; the second is the record's revision.
    Stage(&'a Name, u64),
    /// A person chose this way out of an incident.
    Way(&'a Name),
    /// An action offered to people was used.
    Acted(&'a Values),
    /// A caught error or escalation.
    Caught(&'a Name),
    /// What was to be compensated is.
    Compensated,
    /// A person chose what this flow leads to.
    Chosen(FlowIx),
    /// An activity of its scope completed.
    Finished,
    /// The tokens of its scope may have changed.
    Looked,
}

/// What a room decides: effects, in order, and how the token goes on. One step: a failing effect undoes all of it.
#[derive(Debug)]
#[must_use]
pub struct Move {
    /// What changes first.
    pub effects: Vec<Effect>,
    /// How the token goes on.
    pub next: Next,
}

/// A change that a room wishes.
#[derive(Debug)]
pub enum Effect {
    /// Give a variable a value.
    Assign(VarRef, Value),
    /// Change a record; the variable, if any, takes the reference to it.
    Save(Wish, Option<VarRef>),
    /// Send a message.
    Send {
        /// Its name.
        message: Name,
        /// Its key.
        key: Value,
        /// Its values.
        with: Values,
        /// How long it is kept when nobody waits for it, in microseconds.
        ttl: Option<i64>,
    },
    /// Throw a signal.
    Signal(Name, Values),
    /// Tell a person.
    Notify(Ref, Text),
    /// Name a result of the run.
    Return(Name, Value),
    /// Ask for an open task's incident: it is open but nobody can do it.
    Lack(Name, String),
    /// A remark for the history.
    Note(String),
}

/// How a token goes on.
#[derive(Debug)]
pub enum Next {
    /// By every outgoing flow; ends when there is none (S19).
    Pass,
    /// By this flow.
    TakeOne(FlowIx),
    /// By these flows.
    Take(Vec<FlowIx>),
    /// New tokens by these flows; this one stays.
    Branch(Vec<FlowIx>),
    /// By this flow, after what else runs in the scope has been canceled.
    Alone(FlowIx),
    /// Stay and wait for these; waits already armed stay.
    Wait(Vec<Arm>),
    /// Arrived at a join: wait for others.
    Hold,
    /// The join fires: these tokens, with this one, become one that goes on.
    Join(Vec<TokenId>),
    /// The join goes on without those that still come: these tokens end, this one stays as its memory, a new one goes on.
    Fire(Vec<TokenId>),
    /// These tokens end, with this one.
    Absorb(Vec<TokenId>),
    /// Stay, and open a scope of this node inside.
    Open(NodeIx, Vec<Arm>),
    /// Stay, and open an outer scope with these variables and in it these rounds of this node.
    OpenRounds(Vec<Value>, Vec<Round>),
    /// Give variables of the outer scope values, and open further rounds in it.
    Rounds(Vec<(u16, Value)>, Vec<Round>),
    /// Close what is open inside, then open a scope of this node, if any, and wait for these.
    Reopen(Option<NodeIx>, Vec<Arm>),
    /// Nothing changes.
    Stay,
    /// An error or escalation, caught outwards.
    Throw {
        /// The code.
        code: Name,
        /// Its values.
        with: Values,
        /// What happened, for people.
        message: String,
        /// An escalation: the flow goes on unless an interrupting catcher takes it.
        escalation: bool,
    },
    /// The token ends here.
    End,
    /// Everything in the innermost scope ends (S12).
    Terminate,
    /// The whole instance ends.
    EndInstance,
    /// Run another process.
    Call(Box<CallSpec>),
    /// Stop visibly: an incident with its code and values.
    Stop(Name, Values, String),
    /// Leave the enclosing stage scope's list and begin it anew.
    AgainStage,
    /// Compensate this completed activity, or all of the scope (S13).
    Compensate {
        /// The activity; all when none.
        activity: Option<NodeIx>,
        /// Whether the way on waits for it.
        waits: bool,
    },
    /// End what else runs in the scope, then compensate all of it (S13).
    Cancel,
    /// Leave the scope by the cancel event at its border.
    Canceled,
}

/// Something to wait for, at a node.
#[derive(Debug)]
pub struct Arm {
    /// The node it means: the activity itself, an option of a race, a boundary event.
    pub node: NodeIx,
    /// What.
    pub kind: ArmKind,
    /// How often it has been tried before.
    pub count: u32,
}

/// What to wait for.
#[derive(Debug)]
pub enum ArmKind {
    /// A person's task.
    Task(Box<TaskSpec>),
    /// An instant.
    Timer(DateTime<Utc>),
    /// A message with a canonical key.
    Message(Name, String),
    /// A signal.
    Signal(Name),
    /// Changes of records: a topic of [`crate::instance::Topic`].
    Record(crate::instance::Topic),
    /// A condition: what it gives now, and the records it reads.
    Condition(bool, Vec<Ref>),
    /// Outside work.
    Job(Box<JobSpec>),
    /// The stage of a record, at its present revision.
    Stage(Ref, u64),
    /// Nothing outside.
    Passive,
}

/// A task to open.
#[derive(Debug, Default)]
pub struct TaskSpec {
    /// Its title, filled in.
    pub title: Text,
    /// Who does it.
    pub assignee: Option<Ref>,
    /// Who may claim it.
    pub roles: Vec<Name>,
    /// Its category.
    pub category: Option<Name>,
    /// When it begins to be worth doing.
    pub start: DateTime<Utc>,
    /// When it is due.
    pub due: Option<DateTime<Utc>>,
    /// What it offers.
    pub outcomes: Vec<Name>,
    /// Columns of its own record, beside what the library maps.
    pub record: Values,
}

/// Outside work to run.
#[derive(Debug, Default)]
pub struct JobSpec {
    /// The service.
    pub service: Name,
    /// Its arguments.
    pub with: Values,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When it may run.
    pub due: DateTime<Utc>,
    /// How long one attempt may take, in microseconds.
    pub timeout: Option<i64>,
    /// The job of the attempt before.
    pub again: Option<crate::instance::Id>,
}

/// Another process to run.
#[derive(Debug)]
pub struct CallSpec {
    /// The process.
    pub process: Name,
    /// A pinned version.
    pub version: Option<u32>,
    /// The record it is about.
    pub record: Option<Ref>,
    /// Its parameters.
    pub with: Values,
    /// Start and go on.
    pub detached: bool,
}

/// One round of a repeated scope.
#[derive(Debug)]
pub struct Round {
    /// The scope's node.
    pub node: NodeIx,
    /// Its iteration, from 0.
    pub index: u32,
    /// The values of its first variables.
    pub vars: Vec<Value>,
}

/// Why a step cannot be done. Never an error of a call: it becomes an incident, or is caught.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The code, for example `check_failed` or `no_match`.
    pub code: Name,
    /// What happened, for people.
    pub message: String,
    /// Named values.
    pub with: Values,
    /// Whether a catcher may take it: built-in errors may be caught, defects of the definition or its data may not.
    pub catchable: bool,
}

impl Fault {
    /// A fault that nothing catches.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: Name::new(code), message: message.into(), with: Values::new(), catchable: false }
    }

    /// A built-in error that may be caught.
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self { catchable: true, ..Self::new(code, message) }
    }
}

impl Move {
    /// Go on by every outgoing flow.
    pub fn pass() -> Self {
        Self { effects: Vec::new(), next: Next::Pass }
    }

    /// Only this.
    pub fn only(next: Next) -> Self {
        Self { effects: Vec::new(), next }
    }

    /// These effects, then on by every outgoing flow.
    pub fn then_pass(effects: Vec<Effect>) -> Self {
        Self { effects, next: Next::Pass }
    }

    /// Take one flow.
    pub fn take(flow: FlowIx) -> Self {
        Self::only(Next::TakeOne(flow))
    }

    /// Wait for one thing at this node.
    pub fn wait(node: NodeIx, kind: ArmKind) -> Self {
        Self::only(Next::Wait(vec![Arm { node, kind, count: 0 }]))
    }
}

impl<'a> View<'a> {
    /// The tokens of the scope.
    pub fn tokens(&self) -> impl Iterator<Item = &'a Token> + use<'a> {
        self.state.tokens.of(Owner::Scope(self.scope))
    }

    /// The outgoing flows of this node, in written order.
    pub fn outgoing(&self) -> &'a [FlowIx] {
        self.def.graph.outgoing(self.node)
    }

    /// The outgoing flow at this position.
    pub fn flow(&self, at: usize) -> Option<FlowIx> {
        self.outgoing().get(at).copied()
    }

    /// The wait of this token, if there is one, that means this node and is of this sort.
    pub fn own_wait(&self, sort: impl Fn(&WaitKind) -> bool) -> Option<&'a Wait> {
        let owner = Owner::Token(self.token);
        self.state.waits.of(owner).find(|wait| wait.node == self.node && sort(&wait.kind))
    }
}
