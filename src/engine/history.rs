//! The history of a run, readable: every step with its time, who acted, and what was decided and changed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Engine, Error};
use crate::element::{Definition, Element};
use crate::graph::NodeIx;
use crate::instance::{Fact, Id, Place, Token, Wait, WaitKind};
use crate::model::{Name, Ref, Text, Value};
use crate::store::{ChangeNote, JournalOf, JournalRow};

/// Rows of the journal that are read at once.
const PAGE: usize = 1_000;

/// A line of an instance's history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// The number of the row of the journal.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// What the command was, in a word.
    pub kind: String,
    /// Who acted, or on whose behalf.
    pub actor: Option<Ref>,
    /// The step it is about.
    pub step: Option<Name>,
    /// The step's title.
    pub title: Text,
    /// What happened, in words.
    pub text: String,
}

impl Engine {
    /// The history of an instance, in words.
    ///
    /// # Errors
    /// When there is no such instance.
    pub fn history(&self, instance: Id) -> Result<Vec<HistoryEntry>, Error> {
        let row = self.instance(instance)?;
        let catalog = self.catalog();
        let mut teller =
            Teller { def: catalog.get(&row.process, Some(row.version)).map(|def| &**def), ..Teller::default() };
        let mut after = 0;
        loop {
            let rows = self.journal(&JournalOf::Instance(instance), after, PAGE)?;
            let Some(last) = rows.last() else { return Ok(teller.told) };
            after = last.seq;
            rows.iter().for_each(|row| teller.row(row));
        }
    }

    /// What was changed in a record, and by whom, the oldest change first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn changes(&self, record: &Ref, after: u64, limit: usize) -> Result<Vec<HistoryEntry>, Error> {
        let mut teller = Teller::default();
        for row in self.journal(&JournalOf::Record(record.clone()), after, limit)? {
            let own = row.body.changes.iter().filter(|change| change.record == *record);
            own.for_each(|change| teller.change(&row, change));
        }
        Ok(teller.told)
    }
}

#[derive(Default)]
struct Teller<'d> {
    def: Option<&'d Definition>,
    /// The nodes of the scopes that were opened: a variable is named by them.
    scopes: BTreeMap<u32, NodeIx>,
    /// The titles that nodes had when they were entered, where they are filled in.
    titles: BTreeMap<NodeIx, Text>,
    told: Vec<HistoryEntry>,
}

impl Teller<'_> {
    fn row(&mut self, row: &JournalRow) {
        for fact in &row.body.facts {
            if let Fact::Titled(node, title) = fact {
                self.titled(*node, title);
            }
            if let Some((node, text)) = self.fact(fact) {
                self.add(row, node, text);
            }
        }
        // The counters of sequences are nobody's records.
        let seen = row.body.changes.iter().filter(|change| !change.record.entity.starts_with('_'));
        seen.for_each(|change| self.change(row, change));
        row.body
            .notices
            .iter()
            .for_each(|(to, text)| self.add(row, None, format!("{} is told: {}", to.id, text.get("en"))));
        row.body.notes.iter().for_each(|note| self.add(row, None, note.clone()));
    }

    fn add(&mut self, row: &JournalRow, node: Option<NodeIx>, text: String) {
        self.told.push(HistoryEntry {
            seq: row.seq,
            at: row.at,
            kind: row.body.kind.clone(),
            actor: row.body.principal.clone().or_else(|| row.body.on_behalf_of.clone()),
            step: node.zip(self.def).map(|(node, def)| def.step(node)),
            title: self.title(node),
            text,
        });
    }

    fn title(&self, node: Option<NodeIx>) -> Text {
        let Some((node, def)) = node.zip(self.def) else { return Text::default() };
        let written = || def.graph.node(node).map(|node| node.title.clone());
        self.titles.get(&node).cloned().or_else(written).unwrap_or_default()
    }

    /// A node is entered under this title: so is the way there.
    fn titled(&mut self, node: NodeIx, title: &Text) {
        let step = self.step(node);
        if let Some(told) = self.told.last_mut().filter(|told| told.step.as_ref() == Some(&step)) {
            told.title = title.clone();
        }
        self.titles.insert(node, title.clone());
    }

    fn change(&mut self, row: &JournalRow, change: &ChangeNote) {
        let columns = change.columns.iter().map(|(name, old, new)| format!("{name}: {old} -> {new}"));
        let columns: Vec<String> = columns.collect();
        let text = format!("{} {} {}", change.record, verb(change), columns.join(", "));
        self.add(row, None, text.trim_end().to_string());
    }

    /// Whether a token stands there because something happened.
    fn is_event(&self, node: NodeIx) -> bool {
        let element = self.def.and_then(|def| def.element(node));
        matches!(element, Some(Element::BoundaryEvent(_) | Element::CatchEvent(_)))
    }

    fn step(&self, node: NodeIx) -> Name {
        self.def.map_or_else(|| Name::new(node.to_string()), |def| def.step(node))
    }

    /// A fact in words; none for what only moves tokens.
    fn fact(&mut self, fact: &Fact) -> Option<(Option<NodeIx>, String)> {
        let at = |node: NodeIx| (node != NodeIx::PROCESS).then_some(node);
        Some(match fact {
            Fact::Started(started) => {
                self.scopes.insert(0, NodeIx::PROCESS);
                let about = started.record.as_ref().map(|record| format!(" for {record}")).unwrap_or_default();
                let with = self.parameters(&started.vars);
                (None, format!("{} version {} started{about}{with}", started.process, started.version))
            }
            Fact::Passed(_, _, node) => (at(*node), format!("on to {}", self.step(*node))),
            Fact::Stayed(_, node) => (at(*node), format!("stays in {}", self.step(*node))),
            Fact::Armed(wait) | Fact::Rearmed(wait) => (at(wait.node), self.wait(wait)?),
            Fact::Assigned(scope, index, value) => (None, format!("{} = {value}", self.variable(*scope, *index))),
            Fact::Opened(opened) => {
                self.scopes.insert(opened.scope, opened.node);
                (at(opened.node), format!("{} begins", self.step(opened.node)))
            }
            Fact::Closed(scope) => {
                let node = self.scopes.get(scope).copied()?;
                (at(node), format!("{} ends", self.step(node)))
            }
            Fact::Raised(incident) => {
                let text = format!("incident {} at {}: {}", incident.code, self.step(incident.node), incident.message);
                (at(incident.node), text)
            }
            Fact::Mended(_, how) => (None, format!("incident closed: {how}")),
            Fact::Returned(name, value) => (None, format!("returns {name} = {value}")),
            Fact::About(record) => (None, format!("is about {record}")),
            Fact::Finished(status) => (None, format!("{status:?}").to_lowercase()),
            Fact::Noted(node, text) => (at(*node), text.clone()),
            Fact::Placed(_, Place::Entering(node)) => (at(*node), format!("is put to {}", self.step(*node))),
            Fact::Placed(_, Place::In(node)) | Fact::Born(Token { place: Place::In(node), .. })
                if self.is_event(*node) =>
            {
                (at(*node), format!("{} happens", self.step(*node)))
            }
            Fact::Compensating(_, node, _) => (at(*node), format!("compensates {}", self.step(*node))),
            Fact::Suspended(true) => (None, "suspended".to_string()),
            Fact::Suspended(false) => (None, "goes on".to_string()),
            _ => return None,
        })
    }

    /// The parameters that a start was given.
    fn parameters(&self, vars: &[Value]) -> String {
        let params = self.def.map(|def| def.params.as_slice()).unwrap_or_default();
        let given = params.iter().zip(vars).filter(|(_, value)| !value.is_null());
        let given: Vec<String> = given.map(|(param, value)| format!("{} = {value}", param.name)).collect();
        if given.is_empty() { String::new() } else { format!(" with {}", given.join(", ")) }
    }

    fn variable(&self, scope: u32, index: u16) -> String {
        let node = self.scopes.get(&scope).copied().unwrap_or(NodeIx::PROCESS);
        let vars = self.def.and_then(|def| def.scopes.get(&node)).map(|info| info.vars.as_slice()).unwrap_or_default();
        vars.get(usize::from(index)).map_or_else(|| format!("variable {index}"), |var| var.name.to_string())
    }

    fn wait(&self, wait: &Wait) -> Option<String> {
        let step = self.step(wait.node);
        Some(match &wait.kind {
            WaitKind::Task(_) => format!("the task {step} is open"),
            WaitKind::Timer(due) => {
                let due = DateTime::from_timestamp_micros(*due).unwrap_or_default();
                format!("{step} waits until {}", due.format("%Y-%m-%d %H:%M:%S"))
            }
            WaitKind::Message(name, key) => format!("{step} waits for the message {name} of {key}"),
            WaitKind::Signal(name) => format!("{step} waits for the signal {name}"),
            WaitKind::Record(_) => format!("{step} waits for a change of a record"),
            WaitKind::Condition(..) => format!("{step} waits for its condition"),
            WaitKind::Job(_) if wait.count > 1 => format!("{step} is tried again, attempt {}", wait.count),
            WaitKind::Job(_) => format!("{step} is asked for"),
            WaitKind::Call(instance) => format!("{step} waits for instance {instance}"),
            WaitKind::Stage(record, _) => format!("{step} follows the stage of {record}"),
            WaitKind::Scopes | WaitKind::Passive | WaitKind::Incident(_) => return None,
        })
    }
}

fn verb(change: &ChangeNote) -> &'static str {
    match change.kind {
        crate::entity::EventKind::Created => "created",
        crate::entity::EventKind::Updated => "changed",
        crate::entity::EventKind::Deleted => "deleted",
    }
}
