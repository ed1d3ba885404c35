//! What is asked of the engine: by whom, under which id, and what belongs to it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use minicbor::{Encode, Encoder};

use super::host::Alongside;
use crate::entity::Wish;
use crate::instance::{Command, Id, WaitId};
use crate::model::{Name, Value};

/// Who gives a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The host itself.
    System,
    /// The user with this id.
    User(Name),
}

/// What is asked of the engine, with its id.
#[derive(Clone)]
pub(super) struct Request {
    pub id: Id,
    /// The hash of what is asked, when the caller has chosen the id: sent again, it is answered from memory.
    pub stamp: Option<u64>,
    pub actor: Actor,
    pub asks: Asks,
    /// What the host does in the same transaction.
    pub alongside: Option<Arc<Alongside>>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(super) enum Asks {
    /// A command; to this instance, when it does not say so itself.
    Command(Arc<Command>, Option<Id>),
    /// The result of a claimed job, with its attempt.
    Job(Arc<Command>, Id, Id, u32),
    /// A timer that is due.
    Timer(Id, WaitId),
    /// A start by the clock: its timer, with the instant it was due.
    Schedule(Id, DateTime<Utc>),
    /// Another value of a setting.
    Setting(Name, Value),
    /// A record of the past: no event follows.
    Import(Wish),
}

impl Request {
    /// A request; with an id of the caller's choice it is stamped.
    pub fn new(id: Id, chosen: bool, actor: Actor, asks: Asks) -> Self {
        let stamp = chosen.then(|| hash(&actor, &asks));
        Self { id, stamp, actor, asks, alongside: None }
    }
}

/// Equal for equal requests on every machine and in every version: the same id with another body is refused.
fn hash(actor: &Actor, asks: &Asks) -> u64 {
    let mut bytes = Vec::with_capacity(128);
    // Writing to memory cannot fail.
    let _infallible = put(&mut Encoder::new(&mut bytes), actor, asks);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn put(
    e: &mut Encoder<&mut Vec<u8>>,
    actor: &Actor,
    asks: &Asks,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    match actor {
        Actor::System => e.null()?,
        Actor::User(id) => e.str(id)?,
    };
    match asks {
        Asks::Command(command, instance) => {
            e.u8(0)?.bytes(instance.as_ref().map_or(&[], |id| id.as_bytes().as_slice()))?;
            command.encode(e, &mut ())
        }
        // These have ids of the engine's own: they are never sent again.
        Asks::Job(..) | Asks::Timer(..) | Asks::Schedule(..) => Ok(()),
        Asks::Setting(name, value) => {
            e.u8(1)?.str(name)?;
            value.encode(e, &mut ())
        }
        Asks::Import(wish) => {
            e.u8(2)?;
            wish.encode(e, &mut ())
        }
    }
}
