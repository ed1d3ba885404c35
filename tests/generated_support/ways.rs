//! A generated story run in every way: the marks after every command and the end are what its generator says, each time.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use stageflow::Engine;
use stageflow::element::Catalog;
use stageflow::engine::Ticket;
use stageflow::instance::{Id, Status};
use stageflow::load::{self, Sources};
use stageflow::model::{Duration, Name, Ref};
use stageflow::store::sqlite::Options;
use stageflow::store::{Durability, MemoryStore, SqliteStore};

use crate::dice::Dice;
use crate::dying::{Dying, When};
use crate::story::{Step, Story};
use crate::world::{Scene, Way};
use crate::{script, twice};

/// A story with what it is loaded from.
pub struct Case {
    story: Story,
    sources: Sources,
    catalog: Catalog,
}

impl Case {
    pub fn load(story: Story) -> Result<Self, String> {
        let mut sources = Sources::new();
        for (name, text) in &story.files {
            sources.add(name.clone(), text.clone());
        }
        let loaded = load::library(&sources).map_err(|refused| format!("refused:\n{refused}"))?;
        let mut catalog = Catalog::new(Arc::new(loaded.library));
        loaded.definitions.into_iter().for_each(|definition| catalog.add(definition));
        Ok(Self { story, sources, catalog })
    }

    /// The elements that the story's processes are made of, by their names in the register.
    pub fn elements(&self) -> BTreeSet<String> {
        let all = self.catalog.all().flat_map(|definition| &definition.elements);
        all.map(|element| format!("{element:?}").split('(').next().unwrap_or_default().to_string()).collect()
    }

    fn steps(&self) -> Vec<Step> {
        let start = Step { line: "start p".into(), marks: self.story.path.first.clone() };
        [start].into_iter().chain(self.story.path.steps.iter().cloned()).collect()
    }

    /// In the core alone.
    pub fn pure(&self, way: Way) -> Result<(), String> {
        let mut scene = Scene::new(self.catalog.clone(), beginning(), way);
        for line in &self.story.given {
            script::given(&mut scene, line.trim_start_matches("given "))?;
        }
        let mut marks = Marks::default();
        for step in self.steps() {
            match step.line.strip_prefix("wait ") {
                Some(rest) => scene.wait(span(rest)?),
                None => {
                    let read = script::read(&scene, &step.line).map_err(|why| format!("{}: {why}", step.line))?;
                    let told = scene.run(read.command, read.instance, read.principal);
                    told.map_err(|refused| format!("{}: {refused}", step.line))?;
                }
            }
            marks.check(&scene, &step)?;
        }
        self.end(&scene)
    }

    /// Through the engine, every command delivered twice, the engine dropped and opened again over the store between any two commands.
    pub fn twice_in_memory(&self) -> Result<String, String> {
        let store = MemoryStore::at(beginning());
        self.tell(|ids| twice::open(store.clone(), &self.sources, ids))
    }

    /// The same over a file, which is closed and opened again.
    pub fn twice_in_a_file(&self) -> Result<String, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        self.tell(|ids| {
            let options = Options { durability: Durability::Normal, clock: Some(beginning()) };
            let store = SqliteStore::open_with(folder.path().join("story.db"), options);
            twice::open(store.map_err(|error| error.to_string())?, &self.sources, ids)
        })
    }

    fn tell(&self, open: impl Fn(u64) -> Result<Engine, String>) -> Result<String, String> {
        let mut engine = open(first_id(0))?;
        self.begin(&engine)?;
        let mut marks = Marks::default();
        for (number, step) in self.steps().iter().enumerate() {
            drop(engine);
            engine = open(first_id(number + 1))?;
            match step.line.strip_prefix("wait ") {
                Some(rest) => drop(engine.advance(span(rest)?).map_err(|error| error.to_string())?),
                None => {
                    let read = script::read(&twice::mirror(&engine), &step.line)?;
                    twice::deliver(&engine, command_id(number), read).map_err(|why| format!("{}: {why}", step.line))?;
                }
            }
            marks.check(&twice::mirror(&engine), step)?;
        }
        self.end(&twice::mirror(&engine))?;
        Ok(twice::rows(&engine))
    }

    /// The store dies at one of its commits in every command, before or behind it; whoever comes back sends the same command again.
    pub fn crashing(&self, dice: &mut Dice) -> Result<String, String> {
        let store = MemoryStore::at(beginning());
        let mut engine = twice::open(store.clone(), &self.sources, first_id(0))?;
        self.begin(&engine)?;
        let mut marks = Marks::default();
        for (number, step) in self.steps().iter().enumerate() {
            let command = Sent::read(&engine, number, &step.line)?;
            drop(engine);
            let when = *dice.of(&[When::Before, When::After]);
            let dying = Dying::new(store.clone(), dice.below(4) as u64, when);
            if let Ok(doomed) = twice::open(dying, &self.sources, first_id(2 * number + 1)) {
                let _lost = command.send(&doomed);
            }
            engine = twice::open(store.clone(), &self.sources, first_id(2 * number + 2))?;
            engine.settle().map_err(|error| error.to_string())?;
            command.send(&engine).map_err(|why| format!("{}: {why}", step.line))?;
            marks.check(&twice::mirror(&engine), step)?;
        }
        self.end(&twice::mirror(&engine))?;
        Ok(twice::rows(&engine))
    }

    fn begin(&self, engine: &Engine) -> Result<(), String> {
        let mut scene = twice::mirror(engine);
        for line in &self.story.given {
            twice::given(engine, &mut scene, line.trim_start_matches("given "))?;
        }
        Ok(())
    }

    /// Every run is over, the first one well, or has the incident that was meant.
    fn end(&self, scene: &Scene) -> Result<(), String> {
        let mut codes = Vec::new();
        for (row, state) in scene.rows.instances.values() {
            codes.extend(state.incidents.iter().map(|incident| incident.code.to_string()));
            // What was called may have been canceled with its caller's scope, or ended by its error.
            let well = if &*row.process == "p" { row.status == Status::Completed } else { row.status.is_over() };
            if !well && self.story.incident.is_none() {
                return Err(format!("{} is {:?} at the end: {state:#?}", row.process, row.status));
            }
        }
        let meant: Vec<String> = self.story.incident.iter().cloned().collect();
        if codes != meant {
            return Err(format!("expected the incidents {meant:?} at the end, found {codes:?}"));
        }
        if scene.rows.tasks.is_empty() { Ok(()) } else { Err("a task is still open at the end".into()) }
    }
}

/// Everything that is needed to understand a case.
pub fn show(story: &Story) -> String {
    let mut text = String::from("commands, and the marks they lead to:\n");
    let path = &story.path;
    text.push_str(&format!("  start p   {:?}\n", path.first));
    path.steps.iter().for_each(|step| text.push_str(&format!("  {}   {:?}\n", step.line, step.marks)));
    story.files.iter().for_each(|(name, file)| text.push_str(&format!("--- {name}\n{file}")));
    text
}

fn beginning() -> DateTime<Utc> {
    "2026-03-02T09:00:00Z".parse().expect("an instant")
}

/// A command as its sender keeps it: the same each time that it is sent.
enum Sent {
    Until(DateTime<Utc>),
    Command(Id, Box<script::Line>),
}

impl Sent {
    fn read(engine: &Engine, number: usize, line: &str) -> Result<Self, String> {
        Ok(match line.strip_prefix("wait ") {
            Some(rest) => Sent::Until(engine.now() + span(rest)?),
            None => Sent::Command(command_id(number), Box::new(script::read(&twice::mirror(engine), line)?)),
        })
    }

    fn send(&self, engine: &Engine) -> Result<(), String> {
        match self {
            Sent::Until(until) => engine.advance(*until - engine.now()).map(drop).map_err(|error| error.to_string()),
            Sent::Command(id, line) => {
                let session = twice::session(engine, &line.principal).command(*id);
                let told = session.submit(line.command.clone(), line.instance).and_then(Ticket::wait).map(drop);
                told.and(engine.settle().map(drop)).map_err(|error| error.to_string())
            }
        }
    }
}

fn command_id(number: usize) -> Id {
    Id::from_u128(((number as u128) + 1) << 64)
}

/// Where the ids of an engine begin: one that is opened again uses none that was used.
fn first_id(opened: usize) -> u64 {
    ((opened as u64) + 1) << 32
}

fn span(text: &str) -> Result<TimeDelta, String> {
    Duration::parse(text).map(|length| TimeDelta::microseconds(length.micros)).map_err(|error| error.to_string())
}

/// The marks that are known already.
#[derive(Default)]
struct Marks(BTreeSet<Ref>);

impl Marks {
    /// The new marks are those of the step.
    fn check(&mut self, scene: &Scene, step: &Step) -> Result<(), String> {
        let all = scene.rows.records.values().filter(|record| &*record.entity == "mark");
        let new = all.filter(|record| self.0.insert(record.reference()));
        let mut found: Vec<String> = new.map(|record| record.get(&Name::new("name")).to_string()).collect();
        let mut expected = step.marks.clone();
        found.sort();
        expected.sort();
        if found == expected {
            Ok(())
        } else {
            Err(format!("{}: expected the marks {expected:?}, found {found:?}", step.line))
        }
    }
}
