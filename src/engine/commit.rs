//! The commit queue: one writer, many commands in one physical commit, an answer after it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::request::Request;
use super::shop::Told;
use super::{Engine, Error, Inner, inside_turn, on_engine_thread};
use crate::instance::Id;
use crate::store::StoreError;
use crate::turn::Answer;

/// How long the writer waits for more commands when some came at once.
const GATHER: Duration = Duration::from_micros(200);

/// An answer to come. The commit goes on whether somebody waits for it or not.
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    id: Id,
    answer: Coming,
}

/// Where an answer comes to.
#[derive(Debug)]
enum Coming {
    /// It is there.
    Here(Box<Told>),
    /// The writer puts it there.
    Later(Arc<Slot>),
}

#[derive(Debug, Default)]
struct Slot {
    state: Mutex<Filling>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Filling {
    told: Option<Told>,
    /// Whether somebody waits: waking nobody costs as much as waking somebody.
    awaited: bool,
}

impl Ticket {
    pub(super) fn done(id: Id, told: Told) -> Self {
        Self { id, answer: Coming::Here(Box::new(told)) }
    }

    /// The command's id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Whether the answer is there.
    pub fn is_done(&self) -> bool {
        match &self.answer {
            Coming::Here(_) => true,
            Coming::Later(slot) => slot.lock().told.is_some(),
        }
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// Why the command failed.
    pub fn wait(self) -> Result<Answer, Error> {
        let slot = match self.answer {
            Coming::Here(told) => return *told,
            Coming::Later(slot) => slot,
        };
        let mut filling = slot.lock();
        loop {
            if let Some(told) = filling.told.take() {
                return told;
            }
            // The thread that writes would wait for itself.
            if on_engine_thread() {
                return Err(Error::Reentrant);
            }
            filling.awaited = true;
            filling = slot.filled.wait(filling).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the answer for some time; gives the ticket back when it has not come by then.
    ///
    /// # Errors
    /// The ticket.
    pub fn wait_for(self, most: Duration) -> Result<Result<Answer, Error>, Ticket> {
        let until = Instant::now().checked_add(most);
        let slot = match self.answer {
            Coming::Here(told) => return Ok(*told),
            Coming::Later(slot) => slot,
        };
        let mut filling = slot.lock();
        loop {
            if let Some(told) = filling.told.take() {
                return Ok(told);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now())).unwrap_or(most);
            if left.is_zero() || on_engine_thread() {
                break;
            }
            filling.awaited = true;
            let (next, _) = slot.filled.wait_timeout(filling, left).unwrap_or_else(PoisonError::into_inner);
            filling = next;
        }
        drop(filling);
        Err(Ticket { id: self.id, answer: Coming::Later(slot) })
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Filling> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the answer there; true when somebody waits for it.
    fn fill(&self, told: Told) -> bool {
        let mut filling = self.lock();
        filling.told = Some(told);
        filling.awaited
    }
}

/// Puts all answers there, then wakes who waits: whoever waits for several is woken once.
fn answer(answers: impl Iterator<Item = (Arc<Slot>, Told)>) {
    let awaited: Vec<Arc<Slot>> = answers.filter_map(|(slot, told)| slot.fill(told).then_some(slot)).collect();
    awaited.iter().for_each(|slot| slot.filled.notify_all());
}

/// The commands that wait to be written, and the thread that writes them.
pub(super) struct Queue {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<Waiting>,
    changed: Condvar,
    most: usize,
    batch: usize,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<(Request, Arc<Slot>)>,
    closed: bool,
    busy: bool,
    /// Whether the writer sleeps until something is asked.
    idle: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// A queue for at most so many commands, of which so many are written in one commit.
    pub fn new(most: usize, batch: usize) -> Self {
        let shared = Shared { state: Mutex::default(), changed: Condvar::new(), most, batch: batch.max(1) };
        Self { shared: Arc::new(shared), writer: Mutex::new(None) }
    }

    /// Starts the writer. It holds the engine only while it writes, so that a dropped engine ends it.
    pub fn begin(&self, engine: &Engine) -> Result<(), Error> {
        let (shared, inner) = (self.shared.clone(), Arc::downgrade(&engine.inner));
        let thread =
            std::thread::Builder::new().name("stageflow-writer".into()).spawn(move || write_on(&shared, &inner));
        let thread = thread.map_err(|error| Error::Build(format!("the writer cannot be started: {error}")))?;
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    pub fn push(&self, request: Request) -> Result<Ticket, Error> {
        let (id, slot) = (request.id, Arc::new(Slot::default()));
        let mut state = self.shared.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        if state.requests.len() >= self.shared.most {
            // About as long as the commits take that are waited for: some 5 000 a second, each of a full batch.
            let commits = state.requests.len().div_ceil(self.shared.batch);
            return Err(Error::Overloaded { retry_after_ms: u64::try_from(commits).unwrap_or(1_000).clamp(1, 1_000) });
        }
        state.requests.push_back((request, slot.clone()));
        if std::mem::take(&mut state.idle) {
            self.shared.changed.notify_all();
        }
        Ok(Ticket { id, answer: Coming::Later(slot) })
    }

    /// Waits until everything asked so far is written and nothing is left to react to.
    pub fn drain(&self) {
        let mut state = self.shared.lock();
        while state.busy || !state.requests.is_empty() {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Queue {
    /// Writes what was asked to its end, then ends the writer.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // An observer may drop the last engine on the writer itself: it cannot wait for its own end.
        if let Some(writer) = writer.filter(|writer| writer.thread().id() != std::thread::current().id()) {
            let _ended = writer.join();
        }
    }
}

/// Commands that are written together, each with the slot of its answer.
#[derive(Default)]
struct Batch {
    requests: Vec<Request>,
    slots: Vec<Arc<Slot>>,
}

fn write_on(shared: &Shared, inner: &Weak<Inner>) {
    let (mut more, mut last) = (false, 0);
    loop {
        let Some(batch) = next_batch(shared, more, last) else { return };
        last = batch.requests.len();
        let Some(inner) = inner.upgrade() else {
            answer(batch.slots.into_iter().map(|slot| (slot, Err(Error::Closed))));
            return;
        };
        let engine = Engine { inner, _open: None };
        more = write_some(&engine, batch);
        if !more {
            shared.lock().busy = false;
            shared.changed.notify_all();
        }
    }
}

/// Writes commands, in as many commits as they need; true when there is more to react to.
fn write_some(engine: &Engine, mut batch: Batch) -> bool {
    loop {
        // The turns catch what panics in them: this is for the store, and keeps the writer alive.
        let written = catch_unwind(AssertUnwindSafe(|| write_batch(engine, &batch.requests)));
        let panicked = |_| Err(StoreError::Failed("the store panicked".into()));
        let Written { told, more } = match written.unwrap_or_else(panicked) {
            Ok(written) => written,
            Err(error) => {
                answer(batch.slots.into_iter().map(|slot| (slot, Err(Error::Store(error.clone())))));
                // A failing store is met again by the next command.
                return false;
            }
        };
        let done = told.len();
        batch.requests.drain(..done);
        answer(batch.slots.drain(..done).zip(told));
        if batch.requests.is_empty() {
            return more;
        }
    }
}

/// The next commands: at once when as many are there as the last time or nobody else is about to come; none when what is left to
/// react to goes first.
fn next_batch(shared: &Shared, more: bool, last: usize) -> Option<Batch> {
    let mut state = shared.lock();
    if more {
        return Some(Batch::default());
    }
    while state.requests.is_empty() {
        if state.closed {
            return None;
        }
        state.idle = true;
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    let began = Instant::now();
    let mut seen = state.requests.len();
    while seen > 1 && seen < last.min(shared.batch) && began.elapsed() < GATHER {
        let (next, _) = shared.changed.wait_timeout(state, GATHER / 4).unwrap_or_else(PoisonError::into_inner);
        state = next;
        if state.requests.len() == seen {
            break;
        }
        seen = state.requests.len();
    }
    state.busy = true;
    let most = state.requests.len().min(shared.batch);
    let (requests, slots) = state.requests.drain(..most).unzip();
    Some(Batch { requests, slots })
}

/// What one physical commit wrote.
pub(super) struct Written {
    /// What the first requests were told; the others are for the next commit.
    pub told: Vec<Told>,
    /// Whether there is more to react to.
    pub more: bool,
}

/// One physical commit; whoever observes is told of it, and of what was refused.
pub(super) fn write_batch(engine: &Engine, requests: &[Request]) -> Result<Written, StoreError> {
    let written = commit(engine, requests);
    let tell = |request: &Request, error: &Error| engine.each_observer(|observer| observer.refused(request.id, error));
    match &written {
        Ok(written) => {
            let told = requests.iter().zip(&written.told);
            told.for_each(|(request, told)| told.as_ref().err().into_iter().for_each(|error| tell(request, error)));
        }
        Err(error) => requests.iter().for_each(|request| tell(request, &Error::Store(error.clone()))),
    }
    written
}

/// What is to be reacted to goes before each command, as far as there is room (S25).
fn commit(engine: &Engine, requests: &[Request]) -> Result<Written, StoreError> {
    let shop = engine.shop();
    let halted = engine.is_halted();
    let mut written = Written { told: Vec::with_capacity(requests.len()), more: false };
    let mut rows = Vec::with_capacity(requests.len());
    engine.inner.store.write(&mut |tx| {
        written.told.clear();
        rows.clear();
        let mut waiting = requests.iter();
        // Unknown at first; afterwards only what was written can have asked for something.
        shop.asked.set(true);
        inside_turn(|| {
            for _ in 0..shop.limits.batch.max(1) {
                if shop.asked.get() && !halted {
                    if shop.react(tx, &mut rows)? {
                        continue;
                    }
                    shop.asked.set(false);
                }
                let Some(request) = waiting.next() else { break };
                written.told.push(shop.carry_out(tx, request, &mut rows)?);
            }
            Ok::<(), StoreError>(())
        })?;
        written.more = shop.asked.get() && !halted;
        Ok(())
    })?;
    engine.tell(&rows);
    Ok(written)
}

/// Runs reactions in one physical commit; true while there may be more.
pub(super) fn react_batch(engine: &Engine) -> Result<bool, StoreError> {
    if engine.is_halted() {
        return Ok(false);
    }
    let mut waiting = false;
    engine.inner.store.read(&mut |reader| {
        waiting = reader.next_reaction()?.is_some();
        Ok(())
    })?;
    if !waiting {
        return Ok(false);
    }
    write_batch(engine, &[]).map(|written| written.more)
}
