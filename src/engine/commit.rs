//! The commit queue: one writer, many commands in one physical commit, an answer after it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::turns::{Request, Told};
use super::{Engine, Error, Inner, inside_turn};
use crate::store::{StoreError, Tx};
use crate::turn::Answer;

/// How long the writer waits for more commands when some came at once.
const GATHER: Duration = Duration::from_micros(200);

/// An answer to come. The commit goes on whether somebody waits for it or not.
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    slot: Arc<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    told: Mutex<Option<Told>>,
    filled: Condvar,
}

impl Ticket {
    pub(super) fn done(told: Told) -> Self {
        let slot = Slot { told: Mutex::new(Some(told)), ..Slot::default() };
        Self { slot: Arc::new(slot) }
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// Why the command failed.
    pub fn wait(self) -> Result<Answer, Error> {
        let mut told = self.slot.told.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(told) = told.take() {
                return told;
            }
            told = self.slot.filled.wait(told).unwrap_or_else(PoisonError::into_inner);
        }
    }
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
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<(Request, Arc<Slot>)>,
    closed: bool,
    busy: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    pub fn new(most: usize) -> Self {
        let shared = Shared { state: Mutex::default(), changed: Condvar::new(), most };
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
        let slot = Arc::new(Slot::default());
        let mut state = self.shared.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        if state.requests.len() >= self.shared.most {
            return Err(Error::Overloaded { retry_after_ms: 50 });
        }
        state.requests.push_back((request, slot.clone()));
        self.shared.changed.notify_all();
        Ok(Ticket { slot })
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

fn write_on(shared: &Shared, inner: &Weak<Inner>) {
    loop {
        let Some(mut batch) = next_batch(shared) else { return };
        let Some(inner) = inner.upgrade() else {
            batch.iter().for_each(|(_, slot)| fill(slot, Err(Error::Closed)));
            return;
        };
        let engine = Engine { inner, _open: None };
        let requests: Vec<Request> = batch.iter().map(|(request, _)| request.clone()).collect();
        let told = write_batch(&engine, &requests);
        match told {
            Ok(told) => batch.drain(..).zip(told).for_each(|((_, slot), told)| fill(&slot, told)),
            Err(error) => batch.drain(..).for_each(|(_, slot)| fill(&slot, Err(Error::Store(error.clone())))),
        }
        // What is left to react to goes before new commands; a failing store is met again by the next command.
        while matches!(react_batch(&engine), Ok(true)) {}
        shared.lock().busy = false;
        shared.changed.notify_all();
    }
}

fn fill(slot: &Slot, told: Told) {
    *slot.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    slot.filled.notify_all();
}

/// The next commands, at once when there are some and nobody else is about to come.
fn next_batch(shared: &Shared) -> Option<Vec<(Request, Arc<Slot>)>> {
    let mut state = shared.lock();
    while state.requests.is_empty() {
        if state.closed {
            return None;
        }
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    let began = Instant::now();
    let mut seen = state.requests.len();
    while seen > 1 && seen < 256 && began.elapsed() < GATHER {
        let (next, _) = shared.changed.wait_timeout(state, GATHER / 4).unwrap_or_else(PoisonError::into_inner);
        state = next;
        if state.requests.len() == seen {
            break;
        }
        seen = state.requests.len();
    }
    state.busy = true;
    let most = state.requests.len().min(256);
    Some(state.requests.drain(..most).collect())
}

/// Writes commands in one physical commit, and what they lead to as far as there is room.
pub(super) fn write_batch(engine: &Engine, requests: &[Request]) -> Result<Vec<Told>, StoreError> {
    let shop = engine.shop();
    let mut told = Vec::with_capacity(requests.len());
    let mut rows = Vec::new();
    engine.inner.store.write(&mut |tx| {
        told.clear();
        rows.clear();
        inside_turn(|| {
            for request in requests.iter() {
                told.push(shop.carry_out(tx, request, &mut rows)?);
            }
            let room = if engine.is_halted() { 0 } else { shop.limits.batch.saturating_sub(requests.len()) };
            react(&shop, tx, room, &mut rows).map(|_| ())
        })
    })?;
    engine.tell(&rows);
    Ok(told)
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
    let shop = engine.shop();
    let mut rows = Vec::new();
    let mut more = false;
    engine.inner.store.write(&mut |tx| {
        rows.clear();
        more = inside_turn(|| react(&shop, tx, shop.limits.batch, &mut rows))?;
        Ok(())
    })?;
    engine.tell(&rows);
    Ok(more)
}

/// Runs up to `room` reactions; true when the room was used up. What grows from one root without end is put aside (S25).
fn react(
    shop: &super::Shop,
    tx: &mut dyn Tx,
    room: usize,
    rows: &mut Vec<Arc<crate::store::JournalRow>>,
) -> Result<bool, StoreError> {
    let mut of_root: BTreeMap<[u8; 16], u32> = BTreeMap::new();
    for _ in 0..room {
        let Some((seq, reaction)) = tx.next_reaction()? else { return Ok(false) };
        if reaction.depth >= 2 {
            let count = of_root.entry(reaction.root).or_insert(0);
            *count = count.saturating_add(1);
            if *count > shop.limits.reactions_per_root {
                tx.park_reaction(seq, Some("too many reactions follow from one command"))?;
                continue;
            }
        }
        shop.react(tx, rows)?;
    }
    Ok(true)
}
