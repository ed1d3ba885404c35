//! A sale as a list of commands with known ids, and a log of what was sent and what was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use stageflow::entity::Query;
use stageflow::instance::Id;
use stageflow::instance::rows::Values;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::{InstanceFilter, JournalOf, Store, TaskFilter};
use stageflow::{Engine, Error};

/// What is sent, in order. From `tasks` on each is the completion of the task of that step.
pub const STEPS: &[&str] = &[
    "user",
    "currency",
    "base",
    "account",
    "lead",
    "sale",
    "link",
    "start",
    "prepare_presentation",
    "conduct_presentation",
    "prepare_proposal",
    "prepare_contract",
    "sign_contract",
];
const FIRST_TASK: usize = 8;

/// The shipped library over a store.
pub fn open(store: impl Store + 'static) -> Result<Engine, Error> {
    let sent = |_: &_| Ok(Values::from([(Name::new("message_id"), Value::text("m1"))]));
    Engine::builder().store(store).library("processes/crm.yaml").service("send_mail", sent).build()
}

/// What became of one command: its task, and what was answered when it was acknowledged.
#[derive(Clone, Debug, Default)]
struct Sent {
    task: Option<Id>,
    answer: Option<String>,
}

/// What was sent, by sale and step; kept in a file beside the store, written before sending and after the answer.
#[derive(Debug, Default)]
pub struct Log {
    sent: BTreeMap<(u64, usize), Sent>,
    file: Option<File>,
    pub broken: Option<String>,
}

impl Log {
    pub fn read(path: &Path, append: bool) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut log = Self::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().unwrap_or_default();
            let (kind, sale, step, rest) = (word(), word(), word(), word());
            let number = |text: &str| text.parse::<u64>().unwrap_or_default();
            let entry = log.sent.entry((number(sale), number(step) as usize));
            match kind {
                "try" => entry.or_default().task = rest.parse().ok(),
                "ack" => entry.or_default().answer = Some(rest.to_string()),
                _ => log.broken = Some(line.to_string()),
            }
        }
        if append {
            log.file = File::options().create(true).append(true).open(path).ok();
        }
        log
    }

    fn line(&mut self, line: &str) {
        if let Some(file) = &mut self.file {
            // One write: it is in the file whole, or not at all.
            file.write_all(format!("{line}\n").as_bytes()).expect("the log is written");
        }
    }

    pub fn broke(&mut self, error: &Error) {
        self.line(&format!("broke 0 0 {}", error.to_string().replace('\n', " ")));
    }

    pub fn sales(&self) -> u64 {
        self.sent.keys().last().map_or(0, |(sale, _)| *sale)
    }

    pub fn acknowledged(&self) -> usize {
        self.sent.values().filter(|sent| sent.answer.is_some()).count()
    }

    /// Acknowledged commands that a store knows nothing of.
    pub fn lost(&self, store: &dyn Store) -> Vec<String> {
        let mut lost = Vec::new();
        for ((sale, step), _) in self.sent.iter().filter(|(_, sent)| sent.answer.is_some()) {
            let known = |reader: &dyn stageflow::store::Reader| {
                if reader.seen(command(*sale, *step))?.is_none() {
                    lost.push(format!("{} of sale {sale}", STEPS[*step]));
                }
                Ok(())
            };
            let mut known = known;
            store.read(&mut known).expect("the store answers");
        }
        lost
    }
}

/// Somebody who sells, one sale after the other. Sale 1 begins with the people and things that all of them need.
pub struct Seller {
    pub engine: Engine,
    pub log: Log,
    sale: u64,
}

/// The id of a command is known before it is sent; the low bits are the turn's.
fn command(sale: u64, step: usize) -> Id {
    Id::from_u128((1 << 126) | (u128::from(sale) << 80) | ((step as u128) << 64))
}

impl Seller {
    /// Takes up at the last sale of the log: all of it is sent again.
    pub fn new(engine: Engine, log: Log) -> Self {
        let sale = log.sales().max(1);
        Self { engine, log, sale }
    }

    /// A whole sale, whatever of it was done before.
    pub fn sell(&mut self) -> Result<(), Error> {
        for step in 0..STEPS.len() {
            if self.sale > 1 && step < 4 {
                continue;
            }
            self.prepare(step)?;
            self.deliver(step)?;
            self.engine.work()?;
        }
        self.sale += 1;
        Ok(())
    }

    /// Sends everything once more that was ever acknowledged.
    pub fn again(&mut self) -> Result<(), Error> {
        let keys: Vec<(u64, usize)> = self.log.sent.keys().copied().collect();
        for (sale, step) in keys {
            self.sale = sale;
            self.deliver(step)?;
        }
        self.engine.work().map(|_| ())
    }

    /// Notes which task a step is about to complete, when that is not known yet.
    pub fn prepare(&mut self, step: usize) -> Result<(), Error> {
        if self.log.sent.contains_key(&(self.sale, step)) {
            return Ok(());
        }
        self.engine.work()?;
        let mut sent = Sent::default();
        if step >= FIRST_TASK {
            let filter = TaskFilter {
                step: Some(Name::new(STEPS[step])),
                record: Some(self.opportunity()),
                ..TaskFilter::default()
            };
            let open = self.engine.tasks(&filter)?;
            let task = open.first().ok_or_else(|| Error::Unknown(format!("the task {} is not open", STEPS[step])))?;
            sent.task = Some(task.id);
        }
        self.log.line(&format!("try {} {step} {}", self.sale, sent.task.unwrap_or_default()));
        self.log.sent.insert((self.sale, step), sent);
        Ok(())
    }

    /// Sends a command; what was answered before must be answered again.
    pub fn deliver(&mut self, step: usize) -> Result<(), Error> {
        let sent = self.log.sent.get(&(self.sale, step)).cloned().unwrap_or_default();
        let answer = self.send(step, sent.task)?.replace('\n', " ");
        match sent.answer {
            Some(before) if before != answer => {
                let what = format!("{} was answered {before}, and then {answer}", STEPS[step]);
                return Err(Error::Unknown(what));
            }
            Some(_) => {}
            None => self.log.line(&format!("ack {} {step} {answer}", self.sale)),
        }
        self.log.sent.insert((self.sale, step), Sent { answer: Some(answer), ..sent });
        Ok(())
    }

    fn opportunity(&self) -> Ref {
        Ref::new("opportunity", format!("o{}", self.sale))
    }

    fn send(&self, step: usize, task: Option<Id>) -> Result<String, Error> {
        let session = self.engine.system().command(command(self.sale, step));
        let record = |entity: &str, id: &str| Value::Ref(Ref::new(entity, id));
        let (lead, sale) = (format!("l{}", self.sale), format!("o{}", self.sale));
        let text = Value::text;
        let made = |entity: &str, id: &str, set: &[(&str, Value)]| {
            session.create_as(entity, id, set.iter().map(|(column, value)| (*column, value.clone())))
        };
        let owned = [("account", record("account", "acme")), ("owner", record("user", "anna"))];
        let owned_with = |more: &[(&'static str, Value)]| [&owned[..], more].concat();
        let made = match STEPS[step] {
            "user" => made("user", "anna", &[("name", text("Anna")), ("roles", Value::list([text("employee")]))]),
            "currency" => made("currency", "rub", &[("name", text("Rouble")), ("symbol", text("₽"))]),
            "base" => {
                return session.set_setting("base_currency", record("currency", "rub")).map(|()| "set".to_string());
            }
            "account" => made("account", "acme", &[("name", text("Acme"))]),
            "lead" => made(
                "lead",
                &lead,
                &owned_with(&[
                    ("need_type", record("need_type", "hardware")),
                    ("stage", text("awaiting_sale")),
                    ("start_process", Value::Bool(false)),
                ]),
            ),
            "sale" => made("opportunity", &sale, &owned_with(&[("title", text("Acme"))])),
            "link" => made(
                "lead_sale",
                &format!("k{}", self.sale),
                &[("lead", record("lead", &lead)), ("opportunity", record("opportunity", &sale))],
            ),
            "start" => {
                let start = self.engine.user("anna").command(command(self.sale, step)).start("corporate_sale");
                return start.about(&self.opportunity()).run().map(|id| id.to_string());
            }
            _ => {
                let anna = self.engine.user("anna").command(command(self.sale, step));
                let answer = anna.complete::<&str>(task.unwrap_or_default(), Some("completed"), []);
                return answer.map(|answer| format!("{answer:?}"));
            }
        };
        made.map(|made| made.to_string())
    }
}

/// What happened, without ids that were made up on the way and without times.
pub fn story(engine: &Engine) -> String {
    let mut told = String::new();
    for change in engine.transitions(0, 100_000).expect("the transitions") {
        let from = change.from.as_deref().unwrap_or("(new)");
        let _infallible = writeln!(told, "{}: {from} -> {}", change.record.entity, &*change.to);
    }
    let runs =
        engine.instances(&InstanceFilter { limit: Some(100_000), ..InstanceFilter::default() }).expect("the runs");
    let mut runs: Vec<String> = runs.iter().map(|run| format!("{} {:?}", run.process, run.status)).collect();
    runs.sort();
    let _infallible = writeln!(told, "{}", runs.join("\n"));
    for entity in engine.catalog().library.entities.keys() {
        let count = engine.records(&Query::all(entity.clone())).expect("the records").len();
        let _infallible = writeln!(told, "{entity}: {count}");
    }
    told
}

/// Every sale came to its end, everything happened once, and nothing stands about.
pub fn assert_whole(engine: &Engine, sales: u64) {
    assert!(engine.tasks(&TaskFilter::default()).expect("the tasks").is_empty());
    assert!(engine.incidents().expect("the incidents").is_empty());
    assert!(engine.failed_reactions().expect("the failed reactions").is_empty());
    let runs =
        engine.instances(&InstanceFilter { limit: Some(100_000), ..InstanceFilter::default() }).expect("the runs");
    assert!(runs.iter().all(|run| run.status.is_over()), "{runs:?}");
    for sale in 1..=sales {
        let stage =
            |entity: &str, id: String| engine.value(&Ref::new(entity, id), "stage").expect("a stage").to_string();
        let stages = (stage("opportunity", format!("o{sale}")), stage("lead", format!("l{sale}")));
        assert_eq!(stages, ("closed_won".into(), "satisfied".into()), "sale {sale}");
    }
    for entity in ["opportunity", "lead", "contract", "invoice", "order"] {
        let found = engine.records(&Query::all(Name::new(entity))).expect("the records");
        assert_eq!(found.len() as u64, sales, "one {entity} for each sale");
    }
    let mut moves = BTreeSet::new();
    for told in engine.transitions(0, 100_000).expect("the transitions") {
        assert!(moves.insert((told.record.clone(), told.to.clone())), "{} -> {} twice", told.record, told.to);
    }
    let rows = engine.journal(&JournalOf::All, 0, 1_000_000).expect("the journal");
    let numbers: Vec<u64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, (1..=rows.len() as u64).collect::<Vec<_>>(), "the journal has no gap");
    let mut revs: BTreeMap<Ref, u64> = BTreeMap::new();
    for note in rows.iter().flat_map(|row| &row.body.changes) {
        let rev = revs.entry(note.record.clone()).or_default();
        assert_eq!(note.rev, *rev + 1, "every change of {} once and in order", note.record);
        *rev = note.rev;
    }
}
