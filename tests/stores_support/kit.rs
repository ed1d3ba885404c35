//! Short words for what a contract is told in: ids, instants, rows and writes.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use stageflow::entity::{Change, EventKind, Order, Query, Record};
use stageflow::instance::rows::TaskStatus;
use stageflow::instance::{
    Id, InstanceRow, JobRow, Need, Payload, Reaction, Receiver, Run, State, Status, SubscriptionRow, TaskRow, TimerRow,
    Topic,
};
use stageflow::model::{Name, Ref, Text, Value};
use stageflow::store::{
    Applied, ChangeNote, Claim, JournalBody, JournalRow, Old, Reader, Stamp, Store, StoreError, Tx, Write,
};

/// So many seconds after the beginning of all tests.
pub fn at(seconds: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-03-02T09:00:00Z".parse().expect("an instant");
    start + TimeDelta::seconds(seconds)
}

pub fn id(number: u128) -> Id {
    Id::from_u128(number)
}

pub fn name(text: &str) -> Name {
    Name::new(text)
}

pub fn lead(id: &str) -> Ref {
    Ref::new("lead", id)
}

/// A record of `lead` at a revision.
pub fn record(id: &str, rev: u64, columns: &[(&str, Value)]) -> Arc<Record> {
    let mut record = Record::new(name("lead"), name(id));
    record.rev = rev;
    columns.iter().for_each(|(column, value)| record.set(&name(column), value.clone()));
    Arc::new(record)
}

/// A change of a record, from what to what.
pub fn change(before: Option<Arc<Record>>, after: Option<Arc<Record>>) -> Change {
    let target = after.as_ref().or(before.as_ref()).expect("one of the two").reference();
    Change { target, before, after, touch: false }
}

/// A running instance of `sell` at a revision.
pub fn run(number: u128, revision: u64) -> InstanceRow {
    InstanceRow {
        id: id(number),
        revision,
        process: name("sell"),
        version: 1,
        record: None,
        status: Status::Running,
        incidents: 0,
        key: None,
        parent: None,
        root: id(number),
        initiator: None,
        started: at(0),
        ended: None,
    }
}

pub fn task(number: u128, instance: u128) -> TaskRow {
    TaskRow {
        id: id(number),
        instance: id(instance),
        wait: 1,
        process: name("sell"),
        step: name("call"),
        title: Text::plain("Call"),
        assignee: None,
        roles: Box::default(),
        record: None,
        mirror: None,
        outcomes: Box::new([name("done")]),
        start: 0,
        due: None,
        opened: 0,
        category: None,
        status: TaskStatus::Open,
    }
}

pub fn job(number: u128, instance: u128, due: i64) -> JobRow {
    JobRow {
        id: id(number),
        instance: id(instance),
        wait: 1,
        service: name("send_mail"),
        with: vec![(name("to"), Value::text("anna"))],
        attempt: 1,
        due: at(due).timestamp_micros(),
        leased_until: None,
        record: None,
        step: name("mail"),
        timeout: None,
        held: false,
        lapses: 0,
        leased_at: None,
        late: false,
    }
}

pub fn keep(row: TaskRow) -> Need {
    Need::KeepTask(Box::new(row))
}

pub fn offer(row: JobRow) -> Need {
    Need::KeepJob(Box::new(row))
}

pub fn arm(instance: u128, wait: u32, due: i64) -> Need {
    Need::ArmTimer(TimerRow { instance: id(instance), wait, due: at(due) })
}

pub fn listen(instance: u128, wait: u32, topic: &Topic) -> Need {
    Need::Listen(SubscriptionRow { instance: id(instance), wait, topic: topic.clone() })
}

pub fn message(key: &str, until: i64) -> Need {
    let with = vec![(name("n"), Value::from(until))];
    Need::KeepMessage { name: name("paid"), key: key.into(), with, until: at(until).timestamp_micros() }
}

/// A reaction that is told apart by its depth.
pub fn reaction(depth: u32) -> Reaction {
    let payload = Payload::Cancel(name("over"));
    Reaction { to: Receiver::Instance(id(1)), payload, depth, root: *id(9).as_bytes(), principal: None }
}

/// A write with only a journal row of this second; what it does is said by the setters.
pub fn turn(second: i64) -> Write {
    let body = JournalBody { kind: format!("turn {second}"), ..JournalBody::default() };
    Write { journal: JournalRow { at: at(second), body, ..JournalRow::default() }, ..Write::default() }
}

/// What a write does, as a chain.
pub trait Does: Sized {
    fn by(self, command: u128) -> Self;
    fn on(self, row: InstanceRow) -> Self;
    fn needs(self, needs: impl IntoIterator<Item = Need>) -> Self;
    fn saves(self, before: Option<Arc<Record>>, after: Option<Arc<Record>>) -> Self;
    fn reacts(self, depths: impl IntoIterator<Item = u32>) -> Self;
}

impl Does for Write {
    fn by(mut self, command: u128) -> Self {
        let answer = format!("answer {command}").into_bytes();
        self.journal.command = id(command);
        self.stamp = Some(Stamp { command: id(command), hash: u64::MAX - command as u64, answer });
        self
    }

    fn on(mut self, row: InstanceRow) -> Self {
        self.journal.instance = Some(row.id);
        self.journal.revision = row.revision;
        let state = State { process: row.process.clone(), revision: row.revision, ..State::default() };
        self.instance = Some(Box::new(Run { row, state }));
        self
    }

    fn needs(mut self, needs: impl IntoIterator<Item = Need>) -> Self {
        self.needs.extend(needs);
        self
    }

    fn saves(mut self, before: Option<Arc<Record>>, after: Option<Arc<Record>>) -> Self {
        let change = change(before, after);
        self.journal.body.changes.extend(ChangeNote::of(&change));
        self.changes.push(change);
        self
    }

    fn reacts(mut self, depths: impl IntoIterator<Item = u32>) -> Self {
        self.reactions.extend(depths.into_iter().map(reaction));
        self
    }
}

/// Writes in one commit, each of which is expected to be applied.
pub fn commit(store: &dyn Store, writes: impl IntoIterator<Item = Write>) {
    for verdict in verdicts(store, writes) {
        assert!(matches!(verdict, Applied::Applied(_)), "{verdict:?}");
    }
}

/// What became of writes in one commit.
pub fn verdicts(store: &dyn Store, writes: impl IntoIterator<Item = Write>) -> Vec<Applied> {
    let writes: Vec<Write> = writes.into_iter().collect();
    inside(store, |tx| writes.iter().map(|write| tx.apply(write.clone())).collect())
}

/// What became of a write in a commit of its own, in words.
pub fn verdict(store: &dyn Store, write: Write) -> String {
    in_words(&verdicts(store, [write]).remove(0))
}

/// A verdict in words.
pub fn in_words(verdict: &Applied) -> String {
    match verdict {
        Applied::Applied(row) => format!("applied as {}", row.seq),
        Applied::Conflict(what) => format!("conflict, {what}"),
        Applied::Fenced => "fenced".into(),
        Applied::Duplicate(seen) => format!("duplicate, {}", String::from_utf8_lossy(&seen.answer)),
        Applied::AlreadyRunning(by) => format!("runs already as {}", by.as_u128()),
    }
}

/// Something done in a transaction that is committed.
pub fn inside<T>(store: &dyn Store, mut work: impl FnMut(&mut dyn Tx) -> Result<T, StoreError>) -> T {
    let mut answer = None;
    let done = store.write(&mut |tx| work(tx).map(|found| answer = Some(found)));
    done.expect("the transaction is committed");
    answer.expect("an answer")
}

/// Something asked of what is committed.
pub fn ask<T>(store: &dyn Store, mut work: impl FnMut(&dyn Reader) -> Result<T, StoreError>) -> T {
    let mut answer = None;
    store.read(&mut |reader| work(reader).map(|found| answer = Some(found))).expect("the store answers");
    answer.expect("an answer")
}

pub fn claim(now: i64, until: i64, limit: usize) -> Claim {
    Claim { now: at(now), until: at(until), services: Vec::new(), limit }
}

/// The numbers and attempts of the jobs that are claimed.
pub fn claimed(store: &dyn Store, claim: &Claim) -> Vec<(u128, u32)> {
    let jobs = inside(store, |tx| tx.claim_jobs(claim));
    jobs.iter().map(|job| (job.id.as_u128(), job.attempt)).collect()
}

pub fn old() -> Old {
    Old { messages: at(0), ..Old::default() }
}

/// `lead`s by these columns, in this order (`-column`: the greatest first).
pub fn leads(eq: &[(&str, Value)], order: &[&str]) -> Query {
    let mut query = Query::all(name("lead"));
    query.eq = eq.iter().map(|(column, value)| (name(column), value.clone())).collect();
    let one =
        |column: &&str| Order { column: name(column.trim_start_matches('-')), descending: column.starts_with('-') };
    query.order = order.iter().map(one).collect();
    query
}

pub fn ids(records: &[Arc<Record>]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

/// The journal in short: number, kind and what happened to which record.
pub fn told(rows: &[JournalRow]) -> Vec<String> {
    let happened = |kind: EventKind| match kind {
        EventKind::Created => "+",
        EventKind::Updated => "~",
        EventKind::Deleted => "-",
    };
    let line = |row: &JournalRow| {
        let changes = row.body.changes.iter().map(|note| format!(" {}{}", happened(note.kind), note.record.id));
        format!("{} {}{}", row.seq, row.body.kind, changes.collect::<String>())
    };
    rows.iter().map(line).collect()
}

/// Everything a store says of what it holds, as one text: two stores that hold the same say the same.
pub fn everything(store: &dyn Store) -> String {
    ask(store, |reader| {
        let mut said = vec![format!("offset {}", reader.clock_offset()?)];
        for record in reader.query(&Query::all(name("lead")))? {
            said.push(format!("{record:?}"));
        }
        for row in reader.instances(&stageflow::store::InstanceFilter::default())? {
            said.push(format!("{row:?} {:?}", reader.instance(row.id)?.map(|run| run.state.revision)));
        }
        said.extend(reader.tasks(&stageflow::store::TaskFilter::default())?.iter().map(|task| format!("{task:?}")));
        let never = DateTime::<Utc>::MAX_UTC;
        said.extend(reader.due_timers(never, 1_000)?.iter().map(|timer| format!("{timer:?}")));
        said.push(format!("next {:?} {:?}", reader.next_due()?, reader.next_reaction()?.map(|(_, what)| what)));
        let failed = reader.failed_reactions()?;
        said.extend(failed.iter().map(|failed| format!("failed {:?}: {}", failed.reaction, failed.why)));
        let rows = reader.journal(&stageflow::store::JournalOf::All, 0, 10_000)?;
        said.extend(rows.iter().map(|row| format!("{row:?} {:?}", reader.seen(row.command))));
        said.extend(reader.deployments()?.iter().map(|text| format!("{text:?}")));
        Ok(said.join("\n"))
    })
}
