//! The state of one run: scopes, tokens, waits, variables and incidents.

use minicbor::{Decode, Encode};

use super::roll::Roll;
use super::{Id, ScopeId, Status, TokenId, WaitId};
use crate::entity::RecordEvent;
use crate::graph::{FlowIx, NodeIx};
use crate::model::{Name, Ref, Value};

/// Everything that is true of one run. Numbers of tokens, scopes and waits are the run's own and never used twice.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct State {
    /// The process.
    #[n(0)]
    pub process: Name,
    /// Its version: the run stays on it.
    #[n(1)]
    pub version: u32,
    /// The record the run is about: `self`.
    #[n(2)]
    pub record: Option<Ref>,
    /// On whose behalf it runs: the user who started it, or whose change did.
    #[n(3)]
    pub initiator: Option<Ref>,
    /// The call that waits for it.
    #[n(4)]
    pub caller: Option<Box<Caller>>,
    /// Where it stands in its life.
    #[n(5)]
    pub status: Status,
    /// Live scopes by number, the process itself first.
    #[n(6)]
    pub scopes: Roll<Scope>,
    /// Live tokens by number.
    #[n(7)]
    pub tokens: Roll<Token>,
    /// What is waited for, by number.
    #[n(8)]
    pub waits: Roll<Wait>,
    /// Open incidents by number of their token's wait.
    #[n(9)]
    pub incidents: Vec<Incident>,
    /// Completed activities that can be compensated, in order of completion.
    #[n(10)]
    pub compensable: Vec<Compensable>,
    /// The next free number for tokens, scopes and waits.
    #[n(11)]
    pub next: u32,
    /// How many turns it has run.
    #[n(12)]
    pub revision: u64,
    /// The process's own named results (`return`, `out` parameters), when it ended.
    #[n(13)]
    #[cbor(with = "crate::model::code::boxed")]
    pub result: Box<[(Name, Value)]>,
    /// Its `one_per` key, while it runs.
    #[n(14)]
    pub key: Option<Name>,
    /// How many calls deep it is.
    #[n(15)]
    pub depth: u32,
}

/// Who waits for a called run.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Caller {
    /// The calling instance.
    #[n(0)]
    #[cbor(with = "crate::model::code::id")]
    pub instance: Id,
    /// The wait of its call activity.
    #[n(1)]
    pub wait: WaitId,
    /// The first instance of the chain of calls.
    #[n(2)]
    #[cbor(with = "crate::model::code::id")]
    pub root: Id,
    /// The error codes that are caught outside; `*` for a catch-all.
    #[n(3)]
    pub catches: Vec<Name>,
    /// The escalations that are caught outside, the innermost catcher first. None in a run that was called before they were told apart
    /// from errors: its escalations are in `catches`, and it goes on after each.
    #[n(4)]
    #[cbor(default)]
    pub hears: Option<Vec<Heard>>,
}

/// An escalation that is caught outside a called run.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Heard {
    /// Its code; none for a catch-all.
    #[n(0)]
    pub code: Option<Name>,
    /// Whether what catches it cancels the call: then the run ends at the throw.
    #[n(1)]
    pub interrupting: bool,
}

/// An activated process or sub-process.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Scope {
    /// Its number.
    #[n(0)]
    pub id: ScopeId,
    /// The node it activates.
    #[n(1)]
    pub node: NodeIx,
    /// The scope it lies in.
    #[n(2)]
    pub parent: Option<ScopeId>,
    /// The token outside that waits for it.
    #[n(3)]
    pub host: Option<TokenId>,
    /// What it is.
    #[n(4)]
    pub kind: ScopeKind,
    /// Its variables by number.
    #[n(5)]
    #[cbor(with = "crate::model::code::boxed")]
    pub vars: Box<[Value]>,
    /// Which iteration it is, from 0.
    #[n(6)]
    pub index: u32,
    /// It takes no new tokens: what still runs ends, then it completes.
    #[n(7)]
    pub closing: bool,
}

/// The kinds of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ScopeKind {
    /// The process.
    #[n(0)]
    #[default]
    Process,
    /// A sub-process.
    #[n(1)]
    Sub,
    /// One iteration of a multi-instance activity or a loop.
    #[n(2)]
    Round,
    /// A running event sub-process.
    #[n(3)]
    Handler,
    /// A scope as it was when an activity in it completed: the compensation of that activity runs in it.
    #[n(4)]
    Compensation,
}

/// A token: where the run is.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Token {
    /// Its number.
    #[n(0)]
    pub id: TokenId,
    /// The scope it is in.
    #[n(1)]
    pub scope: ScopeId,
    /// Where it stands.
    #[n(2)]
    pub place: Place,
}

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Place {
    /// About to enter a node.
    #[n(0)]
    Entering(#[n(0)] NodeIx),
    /// In a node, waiting for what its waits and scopes say.
    #[n(1)]
    In(#[n(0)] NodeIx),
    /// Arrived at a join by this flow.
    #[n(2)]
    Arrived(#[n(0)] FlowIx),
}

/// Something the run waits for.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Wait {
    /// Its number.
    #[n(0)]
    pub id: WaitId,
    /// Whose wait it is: it goes when its owner goes.
    #[n(1)]
    pub owner: Owner,
    /// The node it means: a task, a catch event, a boundary event, an option of a race, a handler.
    #[n(2)]
    pub node: NodeIx,
    /// What it waits for.
    #[n(3)]
    pub kind: WaitKind,
    /// How often it has fired or been tried: reminders, cycles, `again`.
    #[n(4)]
    pub count: u32,
}

/// Whose wait it is; also what a token, a scope or a wait belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Owner {
    /// A token's: of its task, its catch event, its boundary events.
    #[n(0)]
    Token(#[n(0)] TokenId),
    /// A scope's: of its handlers.
    #[n(1)]
    Scope(#[n(0)] ScopeId),
}

/// What is waited for. Ids point to the row that the store keeps for it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum WaitKind {
    /// A person's task.
    #[n(0)]
    Task(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
    ),
    /// An instant, in microseconds since 1970 UTC.
    #[n(1)]
    Timer(#[n(0)] i64),
    /// A message with this name and canonical key.
    #[n(2)]
    Message(#[n(0)] Name, #[n(1)] String),
    /// A signal.
    #[n(3)]
    Signal(#[n(0)] Name),
    /// A change of records; the text is the topic listened to.
    #[n(4)]
    Record(#[n(0)] String),
    /// A condition; what it gave last, and the records it read.
    #[n(5)]
    Condition(#[n(0)] bool, #[n(1)] Vec<Ref>),
    /// Outside work.
    #[n(6)]
    Job(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
    ),
    /// A called instance.
    #[n(7)]
    Call(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
    ),
    /// The scopes inside it.
    #[n(8)]
    Scopes,
    /// The stage of a record: the record, and its revision when the present list began.
    #[n(9)]
    Stage(#[n(0)] Ref, #[n(1)] u64),
    /// A catcher of errors or escalations, or an action offered to people: nothing outside is armed.
    #[n(10)]
    Passive,
    /// Somebody who mends an incident.
    #[n(11)]
    Incident(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
    ),
}

/// An open incident: why a token cannot go on, and how it can.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Incident {
    /// Its id outside.
    #[n(0)]
    #[cbor(with = "crate::model::code::id")]
    pub id: Id,
    /// The token that stands still; none when the whole turn was undone.
    #[n(1)]
    pub token: Option<TokenId>,
    /// The node where it arose.
    #[n(2)]
    pub node: NodeIx,
    /// The code, for example `no_customer` or `check_failed`.
    #[n(3)]
    pub code: Name,
    /// What happened, for people.
    #[n(4)]
    pub message: String,
    /// Named values: the declared ones of an error, the values of conditions.
    #[n(5)]
    pub with: Vec<(Name, Value)>,
    /// When it arose, in microseconds since 1970 UTC.
    #[n(6)]
    pub since: i64,
    /// What the token was doing when it failed: where a retry begins.
    #[n(7)]
    pub during: During,
    /// What the event brought that could not be taken: a retry takes it.
    #[n(8)]
    #[cbor(default)]
    pub brought: Option<Box<Brought>>,
    /// The scope that it is of, when no token stands still: whose handler cannot wait, or whose variable cannot begin.
    #[n(9)]
    pub scope: Option<ScopeId>,
    /// The wait that it is of, when that lasts.
    #[n(10)]
    pub wait: Option<WaitId>,
}

impl Incident {
    /// Whether it is of this wait.
    pub fn is_of(&self, wait: &Wait) -> bool {
        let owner = match wait.owner {
            Owner::Token(token) => self.token == Some(token),
            Owner::Scope(scope) => self.token.is_none() && self.scope.is_none_or(|own| own == scope),
        };
        self.node == wait.node && owner && self.wait.is_none_or(|own| own == wait.id)
    }
}

/// What an event brought: it has happened, and does not come again.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Brought {
    /// Nothing but itself: a date, a condition.
    #[n(0)]
    Nothing,
    /// The values of a message or signal.
    #[n(1)]
    Message(#[n(0)] Vec<(Name, Value)>),
    /// A change of a record.
    #[n(2)]
    Record(#[n(0)] Box<RecordEvent>),
    /// What outside work or a called run gave.
    #[n(3)]
    Done(#[n(0)] Vec<(Name, Value)>),
    /// The entries of an action.
    #[n(4)]
    Acted(#[n(0)] Vec<(Name, Value)>),
    /// A caught error or escalation: its code and values.
    #[n(5)]
    Caught(#[n(0)] Name, #[n(1)] Vec<(Name, Value)>),
}

/// What a token was doing when it failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum During {
    /// Entering its node; a retry enters again.
    #[n(0)]
    #[default]
    Entering,
    /// Outside work; a retry makes a new job.
    #[n(1)]
    Job,
    /// An `incident` step: only its ways out lead on.
    #[n(2)]
    Step,
    /// Opened with a lack that assigning clears; the task itself is open.
    #[n(3)]
    Assigning,
    /// An event that is waited for has lost its instant; nothing moved, and the data mend it.
    #[n(4)]
    Waiting,
    /// Deciding what follows from a scope that completed inside it; a retry decides again.
    #[n(5)]
    Completing,
}

/// A completed activity whose compensation may still run.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Compensable {
    /// The scope in which it completed.
    #[n(0)]
    pub scope: ScopeId,
    /// The activity.
    #[n(1)]
    pub node: NodeIx,
    /// The variables in sight as they were, from the activity's own scope, where it has one, outwards.
    #[n(2)]
    pub seen: Vec<Past>,
    /// Its number: what completes later has a higher one.
    #[n(3)]
    pub number: u32,
    /// What completed inside it, in order of completion.
    #[n(4)]
    pub inner: Vec<Compensable>,
}

/// The variables of a scope as they were.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Past {
    /// The node that the scope activated.
    #[n(0)]
    pub node: NodeIx,
    /// Its variables by number.
    #[n(1)]
    pub vars: Vec<Value>,
}

impl State {
    /// The token of this number.
    pub fn token(&self, id: TokenId) -> Option<&Token> {
        self.tokens.get(id)
    }

    /// The scope of this number.
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(id)
    }

    /// The wait of this number.
    pub fn wait(&self, id: WaitId) -> Option<&Wait> {
        self.waits.get(id)
    }

    /// The node in which a token stands or which it is about to enter; the flow's end is not known here.
    pub fn node_of(&self, token: TokenId) -> Option<NodeIx> {
        match self.token(token)?.place {
            Place::Entering(node) | Place::In(node) => Some(node),
            Place::Arrived(_) => None,
        }
    }

    /// Whether a token or a scope is left in this scope.
    pub fn is_occupied(&self, scope: ScopeId) -> bool {
        let owner = Owner::Scope(scope);
        self.tokens.of(owner).next().is_some() || self.scopes.of(owner).next().is_some()
    }

    /// The nearest scope around and including `scope` that activates `node`.
    pub fn enclosing(&self, scope: ScopeId, node: NodeIx) -> Option<&Scope> {
        let mut at = self.scope(scope);
        while let Some(found) = at {
            if found.node == node {
                return Some(found);
            }
            at = found.parent.and_then(|parent| self.scope(parent));
        }
        None
    }

    /// The variable `index` of the nearest scope that activates `node`.
    pub fn var(&self, scope: ScopeId, node: NodeIx, index: usize) -> Option<&Value> {
        self.enclosing(scope, node)?.vars.get(index)
    }

    /// The incident of a token.
    pub fn incident_of(&self, token: TokenId) -> Option<&Incident> {
        self.incidents.iter().find(|incident| incident.token == Some(token))
    }
}
