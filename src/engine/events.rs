//! Events out: what happened, told after the commit. What must not be missed is read from the journal with a named reader
//! ([`Engine::outbox`], [`Engine::acknowledge`]); a [`Subscription`] is the quick way inside one program.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Engine, Error, ServiceCall};
use crate::entity::StageTransition;
use crate::instance::command::Failure;
use crate::instance::{Fact, Id, Status, WaitKind};
use crate::model::{Name, Ref, Text};
use crate::store::{ChangeNote, JournalRow};

/// Somebody who is told what an engine does: for logs, metrics and tests. Called on the engine's threads: it may ask the engine, but not
/// change anything, and should be quick.
pub trait Observer: Send + Sync {
    /// A turn was committed.
    fn committed(&self, row: &JournalRow) {
        let _ = row;
    }

    /// A command was refused, or failed.
    fn refused(&self, command: Id, error: &Error) {
        let _ = (command, error);
    }

    /// A handler of this engine ran a job for so long, and how it went.
    fn ran(&self, call: &ServiceCall, took: Duration, failure: Option<&Failure>) {
        let _ = (call, took, failure);
    }

    /// Whether nobody listens any more: then it is forgotten.
    fn is_gone(&self) -> bool {
        false
    }
}

/// One thing that happened, with the row of the journal it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// The number of the row of the journal.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The command that led to it.
    pub command: Id,
    /// Who acted, or on whose behalf.
    pub actor: Option<Ref>,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A record's stage changed.
    Transition(Box<StageTransition>),
    /// A record was made, changed or deleted.
    Record(ChangeNote),
    /// A run began.
    Started {
        /// The instance.
        instance: Id,
        /// Its process.
        process: Name,
        /// Its version.
        version: u32,
        /// The record it is about.
        record: Option<Ref>,
    },
    /// A run ended, and how.
    Ended {
        /// The instance.
        instance: Id,
        /// How.
        status: Status,
    },
    /// A task was opened.
    Task {
        /// The instance.
        instance: Id,
        /// The task.
        task: Id,
    },
    /// An incident arose.
    Incident {
        /// The instance.
        instance: Id,
        /// Its id.
        incident: Id,
        /// Its code.
        code: Name,
        /// What happened.
        message: String,
    },
    /// An incident was closed, and how.
    Mended {
        /// The instance.
        instance: Id,
        /// Its id.
        incident: Id,
        /// How.
        how: String,
    },
    /// Somebody is told something.
    Notice {
        /// Whom.
        to: Ref,
        /// What.
        text: Text,
    },
}

impl JournalRow {
    /// What happened in this turn, in order: the run's own events, then records, transitions and notices.
    pub fn happenings(&self) -> Vec<Happening> {
        let own = self.body.facts.iter().filter_map(|fact| of_fact(self.instance?, fact));
        let records = self.body.changes.iter().cloned().map(Event::Record);
        let transitions = self.body.transitions.iter().cloned().map(|told| Event::Transition(Box::new(told)));
        let notices = self.body.notices.iter().cloned().map(|(to, text)| Event::Notice { to, text });
        let actor = self.body.principal.clone().or_else(|| self.body.on_behalf_of.clone());
        let told = own.chain(records).chain(transitions).chain(notices);
        told.map(|event| Happening { seq: self.seq, at: self.at, command: self.command, actor: actor.clone(), event })
            .collect()
    }
}

fn of_fact(instance: Id, fact: &Fact) -> Option<Event> {
    Some(match fact {
        Fact::Started(started) => Event::Started {
            instance,
            process: started.process.clone(),
            version: started.version,
            record: started.record.clone(),
        },
        Fact::Finished(status) => Event::Ended { instance, status: *status },
        Fact::Armed(wait) => match wait.kind {
            WaitKind::Task(task) => Event::Task { instance, task },
            _ => return None,
        },
        Fact::Raised(incident) => Event::Incident {
            instance,
            incident: incident.id,
            code: incident.code.clone(),
            message: incident.message.clone(),
        },
        Fact::Mended(incident, how) => Event::Mended { instance, incident: *incident, how: how.clone() },
        _ => return None,
    })
}

/// Events as they come, after their commit. Dropped, it is forgotten.
#[derive(Debug)]
pub struct Subscription {
    events: Receiver<Happening>,
    /// Gone with the subscription.
    _open: Arc<()>,
}

impl Subscription {
    /// The next event, when one is there already.
    pub fn try_next(&self) -> Option<Happening> {
        self.events.try_recv().ok()
    }

    /// The next event, when one comes within some time.
    pub fn next_within(&self, most: Duration) -> Option<Happening> {
        self.events.recv_timeout(most).ok()
    }
}

impl Iterator for &Subscription {
    type Item = Happening;

    /// The next event; waits for it, and ends with the engine.
    fn next(&mut self) -> Option<Happening> {
        self.events.recv().ok()
    }
}

/// The sending end of a subscription.
struct Teller {
    wanted: Box<dyn Fn(&Event) -> bool + Send + Sync>,
    to: Mutex<Sender<Happening>>,
    open: std::sync::Weak<()>,
}

impl Observer for Teller {
    fn committed(&self, row: &JournalRow) {
        let to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        for happening in row.happenings() {
            if (self.wanted)(&happening.event) {
                // Nobody listens any more: it is forgotten at the next turn.
                let _sent = to.send(happening);
            }
        }
    }

    fn is_gone(&self) -> bool {
        self.open.strong_count() == 0
    }
}

impl Engine {
    /// Somebody is told of everything from now on, after its commit, on the committing thread.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.inner.observers.lock().unwrap_or_else(PoisonError::into_inner).push(observer);
    }

    /// Events from now on, those that are wanted, each after its commit. They wait in memory until they are taken.
    ///
    /// ```
    /// use stageflow::Engine;
    /// use stageflow::engine::Event;
    /// # let mut sources = stageflow::load::Sources::new();
    /// # sources.add("l.yaml", "library: l\nentities: {lead: {fields: {name: text}, stages: {field: stage, initial: new, values: {new: {title: New}, won: {title: Won}}}}}\n");
    /// let engine = Engine::builder().sources(sources).build()?;
    /// let transitions = engine.subscribe(|event| matches!(event, Event::Transition(_)));
    /// let lead = engine.system().create("lead", [("name", "Olga".into())])?;
    /// engine.system().update(&lead, [("stage", "won".into())])?;
    /// let told = transitions.into_iter().take(2).last();
    /// assert!(matches!(told.map(|told| told.event), Some(Event::Transition(won)) if won.to_title.get("en") == "Won"));
    /// # Ok::<(), stageflow::Error>(())
    /// ```
    pub fn subscribe(&self, wanted: impl Fn(&Event) -> bool + Send + Sync + 'static) -> Subscription {
        let (to, events) = channel();
        let open = Arc::new(());
        let teller = Teller { wanted: Box::new(wanted), to: Mutex::new(to), open: Arc::downgrade(&open) };
        self.observe(Arc::new(teller));
        Subscription { events, _open: open }
    }
}
