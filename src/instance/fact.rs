//! What happened: the facts of a turn, in order. Together with the definition they *are* the run (S24).
//!
//! A fact carries what was decided (the flow taken, the value assigned, the due instant), never what was read. A straight visit of a node is one fact.

use minicbor::{Decode, Encode};

use super::state::{Caller, Incident, Place, ScopeKind, Token, Wait};
use super::{Id, ScopeId, TokenId, WaitId};
use crate::graph::{FlowIx, NodeIx};
use crate::model::{Name, Ref, Text, Value};

/// One thing that happened in a run.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Fact {
    /// The run began; its process scope and first token exist.
    #[n(0)]
    Started(#[n(0)] Box<Started>),
    /// A token left the node it was in by this flow and is about to enter the flow's end.
    #[n(1)]
    Passed(#[n(0)] TokenId, #[n(1)] FlowIx, #[n(2)] NodeIx),
    /// A token arrived at a join by this flow and waits there.
    #[n(2)]
    Arrived(#[n(0)] TokenId, #[n(1)] FlowIx),
    /// A new token came to be, about to enter a node or arrived at a join.
    #[n(3)]
    Born(#[n(0)] Token),
    /// A token ended: at an end event, merged into another, or withdrawn.
    #[n(4)]
    Ended(#[n(0)] TokenId),
    /// A join fired: the token goes on from its node, those it merged with ended before.
    #[n(5)]
    Joined(#[n(0)] TokenId, #[n(1)] NodeIx),
    /// A token entered a node and stays in it.
    #[n(6)]
    Stayed(#[n(0)] TokenId, #[n(1)] NodeIx),
    /// Something is waited for.
    #[n(7)]
    Armed(#[n(0)] Wait),
    /// It is no longer waited for.
    #[n(8)]
    Disarmed(#[n(0)] WaitId),
    /// A wait changed: a cycle's next instant, a condition's value, a stage list begun anew.
    #[n(9)]
    Rearmed(#[n(0)] Wait),
    /// A variable of a scope was given a value.
    #[n(10)]
    Assigned(#[n(0)] ScopeId, #[n(1)] u16, #[n(2)] Value),
    /// A scope was opened.
    #[n(11)]
    Opened(#[n(0)] Opened),
    /// A scope takes no new tokens.
    #[n(12)]
    Closing(#[n(0)] ScopeId),
    /// A scope ended. Its tokens and waits ended before.
    #[n(13)]
    Closed(#[n(0)] ScopeId),
    /// An incident arose.
    #[n(14)]
    Raised(#[n(0)] Box<Incident>),
    /// An incident was closed, and how.
    #[n(15)]
    Mended(
        #[n(0)]
        #[cbor(with = "crate::model::code::id")]
        Id,
        #[n(1)] String,
    ),
    /// An activity that can be compensated completed in this scope. The number is its own; the last is the scope that it opened.
    #[n(16)]
    Compensable(#[n(0)] ScopeId, #[n(1)] NodeIx, #[n(2)] u32, #[n(3)] Option<ScopeId>),
    /// The run named a result.
    #[n(17)]
    Returned(#[n(0)] Name, #[n(1)] Value),
    /// The run ended, and how.
    #[n(18)]
    Finished(#[n(0)] super::Status),
    /// A remark for the history: what a person or an element did that changed no state.
    #[n(19)]
    Noted(#[n(0)] NodeIx, #[n(1)] String),
    /// The record the run is about came to be known.
    #[n(20)]
    About(#[n(0)] Ref),
    /// A token was put to a place by hand or by a way out.
    #[n(21)]
    Placed(#[n(0)] TokenId, #[n(1)] Place),
    /// A run that was suspended goes on, or the other way round.
    #[n(22)]
    Suspended(#[n(0)] bool),
    /// The compensation of the completed activity of this number began. What completed inside it is now to be compensated in this scope.
    #[n(23)]
    Compensating(#[n(0)] u32, #[n(1)] NodeIx, #[n(2)] Option<ScopeId>),
    /// A node that is entered has this title, its values filled in.
    #[n(24)]
    Titled(#[n(0)] NodeIx, #[n(1)] Text),
}

/// How a run began.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Started {
    /// The process.
    #[n(0)]
    pub process: Name,
    /// Its version.
    #[n(1)]
    pub version: u32,
    /// The record it is about.
    #[n(2)]
    pub record: Option<Ref>,
    /// On whose behalf.
    #[n(3)]
    pub initiator: Option<Ref>,
    /// Who called it.
    #[n(4)]
    pub caller: Option<Caller>,
    /// Its `one_per` key.
    #[n(5)]
    pub key: Option<Name>,
    /// Parameters and variables with their starting values.
    #[n(6)]
    pub vars: Vec<Value>,
    /// The node its first token enters.
    #[n(7)]
    pub entry: NodeIx,
    /// How many calls deep it is.
    #[n(8)]
    pub depth: u32,
}

/// A scope that was opened.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Opened {
    /// The new scope's number.
    #[n(0)]
    pub scope: ScopeId,
    /// The node it activates.
    #[n(1)]
    pub node: NodeIx,
    /// The scope it lies in.
    #[n(2)]
    pub parent: ScopeId,
    /// The token that waits for it.
    #[n(3)]
    pub host: Option<TokenId>,
    /// What it is.
    #[n(4)]
    pub kind: ScopeKind,
    /// Its variables' starting values.
    #[n(5)]
    pub vars: Vec<Value>,
    /// Which iteration it is, from 0.
    #[n(6)]
    pub index: u32,
}
