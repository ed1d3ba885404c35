//! Questions: instances, tasks, records, history, incidents, transitions. They read what is committed, their own writes included.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::turns::with_inherited;
use super::{Engine, Error};
use crate::element::Element;
use crate::element::definition::StartTrigger;
use crate::entity::{Query, Record, RecordEnv, StageTransition};
use crate::instance::{Fact, Id, InstanceRow, State, TaskRow, WaitId};
use crate::model::expr::{Env, EvalError, Expr, Slot};
use crate::model::{Name, Ref, Text, Value};
use crate::store::{FailedReaction, InstanceFilter, JournalOf, JournalRow, Reader, StoreError, TaskFilter};

/// An open incident.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentInfo {
    /// Its id.
    pub id: Id,
    /// The instance that stands still.
    pub instance: Id,
    /// Its process.
    pub process: Name,
    /// The step.
    pub step: Name,
    /// The record the process is about.
    pub record: Option<Ref>,
    /// The code.
    pub code: Name,
    /// What happened.
    pub message: String,
    /// Named values.
    pub with: Vec<(Name, Value)>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The ways out beside a retry.
    pub ways: Vec<(Name, Text)>,
}

/// A line of an instance's history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// What the command was, in a word.
    pub kind: String,
    /// Who acted.
    pub actor: Option<Ref>,
    /// What happened, in words.
    pub text: String,
}

/// A process that a user may start.
#[derive(Clone, Debug, PartialEq)]
pub struct Startable {
    /// The process.
    pub process: Name,
    /// Its title.
    pub title: Text,
    /// The entity of the record it is about.
    pub entity: Option<Name>,
    /// The columns its form asks for when it makes the record.
    pub new: Vec<Name>,
}

impl Engine {
    fn read<T>(&self, mut ask: impl FnMut(&dyn Reader) -> Result<T, StoreError>) -> Result<T, Error> {
        let mut found = None;
        self.inner.store.read(&mut |reader| {
            found = Some(ask(reader)?);
            Ok(())
        })?;
        found.ok_or_else(|| Error::Store(StoreError::Failed("the store did not answer".into())))
    }

    /// A record.
    ///
    /// # Errors
    /// When the store fails.
    pub fn record(&self, record: &Ref) -> Result<Option<Arc<Record>>, Error> {
        self.read(|reader| Ok(reader.get(record)?))
    }

    /// The value of a column, live ones and lists of children included.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn value(&self, record: &Ref, column: &str) -> Result<Value, Error> {
        let (catalog, now, column) = (self.catalog(), self.now(), Name::new(column));
        self.read(|reader| {
            let window: &dyn crate::entity::Window = reader;
            let env = RecordEnv::new(&catalog.library, window, now);
            env.column(record, &column).map_err(|error| StoreError::Aborted(error.to_string()))
        })
    }

    /// The records of an entity.
    ///
    /// # Errors
    /// When the store fails.
    pub fn records(&self, query: &Query) -> Result<Vec<Arc<Record>>, Error> {
        self.read(|reader| Ok(reader.query(query)?))
    }

    /// Whether a condition over a record holds; a null does not. Slot 0 is the record, the others are the given records.
    ///
    /// # Errors
    /// When it cannot be evaluated.
    pub fn fits(&self, condition: &Expr, record: &Ref, others: &[Option<Ref>]) -> Result<bool, Error> {
        let (catalog, now) = (self.catalog(), self.now());
        self.read(|reader| {
            let window: &dyn crate::entity::Window = reader;
            let records = RecordEnv::new(&catalog.library, window, now);
            let env = NamedEnv { records, record, others };
            let truth = condition.eval3(&env).map_err(|error| StoreError::Aborted(error.to_string()))?;
            Ok(truth == Some(true))
        })
    }

    /// A setting as it stands.
    ///
    /// # Errors
    /// When the store fails.
    pub fn setting(&self, name: &str) -> Result<Value, Error> {
        let changed = self.read(|reader| Ok(reader.setting(name)?))?;
        let initial = || self.catalog().library.settings.get(name).map(|setting| setting.initial.clone());
        changed
            .or_else(initial)
            .ok_or_else(|| Error::Unknown(format!("expected a setting of the library, found {name}")))
    }

    /// An instance.
    ///
    /// # Errors
    /// When there is none.
    pub fn instance(&self, id: Id) -> Result<InstanceRow, Error> {
        Ok(self.instance_state(id)?.0)
    }

    /// An instance with its state.
    ///
    /// # Errors
    /// When there is none.
    pub fn instance_state(&self, id: Id) -> Result<(InstanceRow, State), Error> {
        self.read(|reader| reader.instance(id))?
            .ok_or_else(|| Error::Unknown(format!("expected an instance, found none with the id {id}")))
    }

    /// Instances, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn instances(&self, filter: &InstanceFilter) -> Result<Vec<InstanceRow>, Error> {
        self.read(|reader| reader.instances(filter))
    }

    /// Open tasks, by due date.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, Error> {
        self.read(|reader| reader.tasks(filter))
    }

    /// The tasks that a user has or may claim.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tasks_of(&self, user: &Ref) -> Result<Vec<TaskRow>, Error> {
        let roles = self.roles_of(user)?;
        self.tasks(&TaskFilter { assignee: Some(user.clone()), roles, ..TaskFilter::default() })
    }

    fn roles_of(&self, user: &Ref) -> Result<Vec<Name>, Error> {
        let named = match self.record(user)?.map(|record| record.get(&Name::new("roles"))) {
            Some(Value::List(roles)) => roles.iter().map(|role| Name::new(role.to_string())).collect(),
            _ => Vec::new(),
        };
        Ok(with_inherited(&self.catalog(), named))
    }

    /// The actions that a run offers to people: the wait to use, its step and its title.
    ///
    /// # Errors
    /// When there is no such instance.
    pub fn actions(&self, instance: Id) -> Result<Vec<(WaitId, Name, Text)>, Error> {
        let (row, state) = self.instance_state(instance)?;
        let catalog = self.catalog();
        let Some(def) = catalog.get(&row.process, Some(row.version)) else { return Ok(Vec::new()) };
        let offered = state.waits.iter().filter_map(|wait| match def.element(wait.node)?.trigger()? {
            crate::element::Trigger::Manual { title, .. } => Some((wait.id, def.step(wait.node), title.clone())),
            _ => None,
        });
        Ok(offered.collect())
    }

    /// Open incidents of all instances.
    ///
    /// # Errors
    /// When the store fails.
    pub fn incidents(&self) -> Result<Vec<IncidentInfo>, Error> {
        let catalog = self.catalog();
        let rows = self.instances(&InstanceFilter { incidents: true, ..InstanceFilter::default() })?;
        let mut found = Vec::new();
        for row in rows {
            let (row, state) = self.instance_state(row.id)?;
            let def = catalog.get(&row.process, Some(row.version));
            for incident in state.incidents {
                let ways = match def.and_then(|def| def.element(incident.node)) {
                    Some(Element::IncidentStep(step)) => {
                        step.ways.iter().map(|(id, title, _)| (id.clone(), title.clone())).collect()
                    }
                    _ => Vec::new(),
                };
                found.push(IncidentInfo {
                    id: incident.id,
                    instance: row.id,
                    process: row.process.clone(),
                    step: def.map_or_else(Name::default, |def| def.step(incident.node)),
                    record: row.record.clone(),
                    code: incident.code,
                    message: incident.message,
                    with: incident.with,
                    since: DateTime::from_timestamp_micros(incident.since).unwrap_or_default(),
                    ways,
                });
            }
        }
        Ok(found)
    }

    /// Reactions that failed: incidents without an instance of their own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn failed_reactions(&self) -> Result<Vec<FailedReaction>, Error> {
        self.read(|reader| reader.failed_reactions())
    }

    /// Journal rows behind a sequence number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn journal(&self, of: &JournalOf, after: u64, limit: usize) -> Result<Vec<JournalRow>, Error> {
        self.read(|reader| reader.journal(of, after, limit))
    }

    /// Emitted stage transitions of the journal rows behind a sequence number, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn transitions(&self, after: u64, limit: usize) -> Result<Vec<StageTransition>, Error> {
        let rows = self.journal(&JournalOf::All, after, limit)?;
        Ok(rows.into_iter().flat_map(|row| row.body.transitions).collect())
    }

    /// The journal rows that a named reader has not acknowledged, in order: at least once each.
    ///
    /// # Errors
    /// When the store fails.
    pub fn outbox(&self, reader: &str, limit: usize) -> Result<Vec<JournalRow>, Error> {
        let after = self.read(|rows| rows.cursor(reader))?;
        self.journal(&JournalOf::All, after, limit)
    }

    /// A named reader has worked off the journal up to this number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn acknowledge(&self, reader: &str, seq: u64) -> Result<(), Error> {
        self.inner.store.write(&mut |tx| tx.set_cursor(reader, seq))?;
        Ok(())
    }

    /// The history of an instance, in words.
    ///
    /// # Errors
    /// When there is no such instance.
    pub fn history(&self, instance: Id) -> Result<Vec<HistoryEntry>, Error> {
        let row = self.instance(instance)?;
        let catalog = self.catalog();
        let def = catalog.get(&row.process, Some(row.version));
        let mut found = Vec::new();
        for row in self.journal(&JournalOf::Instance(instance), 0, 100_000)? {
            let actor = row.body.principal.clone().or_else(|| row.body.on_behalf_of.clone());
            let entry =
                |text: String| HistoryEntry { at: row.at, kind: row.body.kind.clone(), actor: actor.clone(), text };
            if let Some(def) = def {
                found.extend(row.body.facts.iter().filter_map(|fact| tell(def, fact)).map(&entry));
            }
            for change in &row.body.changes {
                let columns = change.columns.iter().map(|(name, old, new)| format!("{name}: {old} -> {new}"));
                let columns: Vec<String> = columns.collect();
                found.push(entry(format!("{} {}", change.record, columns.join(", "))));
            }
            found.extend(row.body.notes.iter().cloned().map(&entry));
        }
        Ok(found)
    }

    /// The processes that a user may start: tagged `Business Process`, with a manual start for one of his roles.
    ///
    /// # Errors
    /// When the store fails.
    pub fn startable(&self, user: &Ref) -> Result<Vec<Startable>, Error> {
        let roles = self.roles_of(user)?;
        let catalog = self.catalog();
        let all = roles.iter().any(|role| catalog.library.roles.get(role).is_some_and(|role| role.all));
        let mut found = Vec::new();
        for def in catalog.all_newest().filter(|def| def.tags.iter().any(|tag| tag == "Business Process")) {
            let manual = def.starts.iter().find_map(|start| match &start.trigger {
                StartTrigger::Manual { roles, new } => Some((roles, new)),
                _ => None,
            });
            if let Some((wanted, new)) = manual
                && (all || wanted.is_empty() || wanted.iter().any(|role| roles.contains(role)))
            {
                let (process, title, entity) = (def.process.clone(), def.title.clone(), def.entity.clone());
                found.push(Startable { process, title, entity, new: new.clone() });
            }
        }
        Ok(found)
    }
}

/// A fact in words.
fn tell(def: &crate::element::Definition, fact: &Fact) -> Option<String> {
    let step = |node: crate::graph::NodeIx| def.step(node);
    Some(match fact {
        Fact::Started(started) => format!("{} version {} started", started.process, started.version),
        Fact::Passed(_, _, node) => format!("on to {}", step(*node)),
        Fact::Stayed(_, node) => format!("waits in {}", step(*node)),
        Fact::Assigned(_, _, value) => format!("a variable became {value}"),
        Fact::Raised(incident) => {
            format!("incident {} at {}: {}", incident.code, step(incident.node), incident.message)
        }
        Fact::Mended(_, how) => format!("incident closed: {how}"),
        Fact::Returned(name, value) => format!("returns {name} = {value}"),
        Fact::Finished(status) => format!("{status:?}").to_lowercase(),
        Fact::Noted(node, text) => format!("{}: {text}", step(*node)),
        Fact::Suspended(true) => "suspended".to_string(),
        Fact::Suspended(false) => "goes on".to_string(),
        _ => return None,
    })
}

/// A searched record and others by name.
struct NamedEnv<'a> {
    records: RecordEnv<'a>,
    record: &'a Ref,
    others: &'a [Option<Ref>],
}

impl Env for NamedEnv<'_> {
    fn slot(&self, slot: Slot) -> Result<Value, EvalError> {
        let other = self.others.get(usize::from(slot.0)).cloned().flatten();
        Ok(Value::Ref(other.unwrap_or_else(|| self.record.clone())))
    }

    fn column(&self, record: &Ref, column: &Name) -> Result<Value, EvalError> {
        self.records.column(record, column)
    }

    fn setting(&self, name: &str) -> Result<Value, EvalError> {
        self.records.setting(name)
    }

    fn now(&self) -> DateTime<Utc> {
        self.records.now()
    }

    fn base_currency(&self) -> Option<Name> {
        self.records.base_currency()
    }
}
