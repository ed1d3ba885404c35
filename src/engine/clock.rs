//! The engine's time: timers and schedules fire when they are due, in order; a test moves the clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::request::{Asks, Request};
use super::shop::{Shop, Told};
use super::{Actor, Engine, Error, Ticket, commit};
use crate::element::definition::{Catalog, Definition, StartTrigger};
use crate::instance::{Id, Need, Payload, Reaction, Receiver, TimerRow, WaitId};
use crate::model::{Name, Schedule};
use crate::store::{JournalBody, JournalRow, StoreError, Tx, Write};
use crate::turn::Answer;

/// How many rounds of work one call does at most.
const MAX_ROUNDS: u32 = 100_000;
/// The head of the ids under which schedules keep their timers; no UUIDv7 of this era begins so.
const SCHEDULE: u32 = 0x5ced_5ced;

/// What was worked off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    /// Timers that fired.
    pub timers: u32,
    /// Jobs that ran.
    pub jobs: u32,
}

impl Worked {
    fn add(&mut self, other: Worked) {
        self.timers = self.timers.saturating_add(other.timers);
        self.jobs = self.jobs.saturating_add(other.jobs);
    }
}

impl Engine {
    /// Runs until no reaction is due.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle(&self) -> Result<(), Error> {
        if super::on_engine_thread() {
            return Err(Error::Reentrant);
        }
        if let Some(queue) = &self.inner.queue {
            queue.drain();
        }
        while commit::react_batch(self)? {}
        Ok(())
    }

    /// Fires due timers and runs due jobs on this thread until nothing is due any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn work(&self) -> Result<Worked, Error> {
        let mut worked = Worked::default();
        for _ in 0..MAX_ROUNDS {
            self.settle()?;
            let taken = self.hand_over()?;
            let (timers, ran) = (self.fire_due()?, self.run_next()?);
            worked.add(Worked { timers, jobs: u32::from(ran) });
            if timers == 0 && !ran && !taken {
                break;
            }
        }
        Ok(worked)
    }

    /// Moves the clock ahead, stopping at every instant at which something is due, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn advance(&self, by: TimeDelta) -> Result<Worked, Error> {
        let start = self.now();
        let end = start.checked_add_signed(by).unwrap_or(start);
        let mut worked = self.work()?;
        for _ in 0..MAX_ROUNDS {
            let Some(due) = self.next_due()?.filter(|due| *due <= end) else { break };
            self.move_clock(due)?;
            let now = self.work()?;
            worked.add(now);
            if now == Worked::default() && self.next_due()?.is_some_and(|next| next <= due) {
                // Due, but nobody here can do it (a remote worker's job): not waited for.
                break;
            }
        }
        self.move_clock(end)?;
        worked.add(self.work()?);
        Ok(worked)
    }

    fn move_clock(&self, to: DateTime<Utc>) -> Result<(), Error> {
        let ahead = to.signed_duration_since(self.now()).num_microseconds().unwrap_or(0);
        if ahead <= 0 {
            return Ok(());
        }
        self.write(|tx| tx.set_offset(tx.clock_offset()?.saturating_add(ahead)))
    }

    /// When the next timer or job is due.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_due(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let own = self.read(|reader| reader.next_due())?;
        Ok(own.into_iter().chain(self.next_hand_over()).min())
    }

    /// Fires what is due now, in order; says how many fired.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tick(&self) -> Result<u32, Error> {
        self.fire_due()
    }

    fn fire_due(&self) -> Result<u32, Error> {
        let mut fired: u32 = 0;
        // A timer that comes again at the same instant would come for ever.
        let mut seen: BTreeSet<(DateTime<Utc>, Id, WaitId)> = BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            let now = self.now();
            let mut due = self.read(|reader| reader.due_timers(now, self.inner.limits.batch))?;
            due.retain(|timer| seen.insert(*timer));
            if due.is_empty() {
                break;
            }
            let tickets: Result<Vec<Ticket>, Error> = due.into_iter().map(|timer| self.fire(timer)).collect();
            for ticket in tickets? {
                ticket.wait()?;
                fired = fired.saturating_add(1);
            }
            self.settle()?;
        }
        Ok(fired)
    }

    fn fire(&self, (due, instance, wait): (DateTime<Utc>, Id, WaitId)) -> Result<Ticket, Error> {
        let asks = match is_schedule(instance) {
            true => Asks::Schedule(instance, due),
            false => Asks::Timer(instance, wait),
        };
        loop {
            match self.submit(Request::new(self.new_id(), false, Actor::System, asks.clone())) {
                Err(Error::Overloaded { retry_after_ms }) => {
                    std::thread::sleep(std::time::Duration::from_millis(retry_after_ms));
                }
                told => return told,
            }
        }
    }
}

impl Shop<'_> {
    /// A start by the clock: its next occurrence is armed, and the run begins as a reaction. The timer of a schedule that is no
    /// longer in force goes.
    pub fn schedule(
        &self,
        tx: &mut dyn Tx,
        id: Id,
        timer: Id,
        due: DateTime<Utc>,
        outputs: &mut Vec<Arc<JournalRow>>,
    ) -> Result<Told, StoreError> {
        // Another thread may have come first: one occurrence, one start.
        if tx.timer(timer, 0)? != Some(due) {
            return Ok(Ok(Answer::default()));
        }
        let found = scheduled(&self.catalog, timer);
        let (runs, next) = found.as_ref().map_or((false, None), |(.., schedule)| schedule.occurred(due, self.now));
        let reaction = |(process, start, _): (Name, u32, &Schedule)| Reaction {
            to: Receiver::Start(process, start, None),
            payload: Payload::Schedule,
            depth: 1,
            root: *id.as_bytes(),
            principal: None,
        };
        let reactions = found.filter(|_| runs).map(reaction).into_iter().collect();
        let write = Write { needs: vec![arm(timer, next)], reactions, ..self.bare(id, schedule_body()) };
        self.put(tx, write, outputs)?;
        Ok(Ok(Answer::default()))
    }
}

/// The timers of a definition's starts by the clock: they belong to the newest version only.
pub(super) fn schedules(definition: &Definition, now: DateTime<Utc>) -> Vec<Need> {
    let found = schedules_of(definition);
    found.map(|(start, schedule)| arm(schedule_id(&definition.process, start), schedule.first(now))).collect()
}

fn schedules_of(definition: &Definition) -> impl Iterator<Item = (u32, &Schedule)> {
    let numbered = (0..).zip(&definition.starts);
    numbered.filter_map(|(at, start)| match &start.trigger {
        StartTrigger::Schedule(schedule) => Some((at, schedule)),
        _ => None,
    })
}

fn arm(timer: Id, due: Option<DateTime<Utc>>) -> Need {
    match due {
        Some(due) => Need::ArmTimer(TimerRow { instance: timer, wait: 0, due }),
        None => Need::DisarmTimer(timer, 0),
    }
}

/// The row of the journal that arms schedules.
pub(super) fn schedule_body() -> JournalBody {
    JournalBody { kind: "schedule".into(), ..JournalBody::default() }
}

fn is_schedule(timer: Id) -> bool {
    timer.as_u128() >> 96 == u128::from(SCHEDULE)
}

/// The process, start and schedule that a timer belongs to.
fn scheduled(catalog: &Catalog, timer: Id) -> Option<(Name, u32, &Schedule)> {
    let of = |definition| schedules_of(definition).map(move |(start, schedule)| (definition, start, schedule));
    let mut all = catalog.all_newest().flat_map(|definition| of(&**definition));
    let found = all.find(|(definition, start, _)| schedule_id(&definition.process, *start) == timer);
    found.map(|(definition, start, schedule)| (definition.process.clone(), start, schedule))
}

fn schedule_id(process: &Name, start: u32) -> Id {
    // FNV-1a: the same on every machine and in every version.
    let hash = process
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Id::from_u128((u128::from(SCHEDULE) << 96) | (u128::from(hash) << 32) | u128::from(start))
}

#[cfg(all(test, feature = "sqlite"))]
mod tests;
