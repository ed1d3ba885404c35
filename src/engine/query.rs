//! Questions: instances, tasks, records, history, incidents, transitions. They read what is committed, their own writes included.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::foreign::Joined;
use super::principal::{principal_of, with_inherited};
use super::{Engine, Error, Session};
use crate::element::Element;
use crate::element::definition::{Definition, StartTrigger};
use crate::entity::access::AccessError;
use crate::entity::{Access, Entity, Principal, Query, Record, RecordEnv, StageTransition, Window, read_column};
use crate::instance::{Id, Incident, InstanceRow, Owner, Run, TaskRow};
use crate::model::expr::{Env, EvalError, Expr, Slot};
use crate::model::{Name, Ref, Text, Value};
use crate::store::{FailedReaction, InstanceFilter, JournalOf, JournalRow, StoreError, TaskFilter};

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
    /// A record, as the host itself reads it; on behalf of somebody: [`Session::record`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn record(&self, record: &Ref) -> Result<Option<Arc<Record>>, Error> {
        self.system().record(record)
    }

    /// The value of a column, live ones and lists of children included.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn value(&self, record: &Ref, column: &str) -> Result<Value, Error> {
        self.system().value(record, column)
    }

    /// The records of an entity.
    ///
    /// # Errors
    /// When the store fails.
    pub fn records(&self, query: &Query) -> Result<Vec<Arc<Record>>, Error> {
        self.system().records(query)
    }

    /// Whether a condition over a record holds; a null does not. Slot 0 is the record, the others are the given records.
    ///
    /// # Errors
    /// When it cannot be evaluated.
    pub fn fits(&self, condition: &Expr, record: &Ref, others: &[Option<Ref>]) -> Result<bool, Error> {
        let (catalog, now) = (self.catalog(), self.now());
        self.read(|reader| {
            let window = Joined::new(reader, &self.inner.foreign);
            let records = RecordEnv::new(&catalog.library, &window, now);
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
        Ok(self.instance_state(id)?.row)
    }

    /// An instance with its state.
    ///
    /// # Errors
    /// When there is none.
    pub fn instance_state(&self, id: Id) -> Result<Run, Error> {
        self.read(|reader| reader.instance(id))?
            .map(|run| *run)
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

    /// Open incidents of all instances.
    ///
    /// # Errors
    /// When the store fails.
    pub fn incidents(&self) -> Result<Vec<IncidentInfo>, Error> {
        let catalog = self.catalog();
        let rows = self.instances(&InstanceFilter { incidents: true, ..InstanceFilter::default() })?;
        let mut found = Vec::new();
        for row in rows {
            let def = catalog.get(&row.process, Some(row.version));
            let run = match self.instance_state(row.id) {
                Ok(run) if run.state.incidents.is_empty() => {
                    found.push(damaged(&row, "the bytes of one of its jobs cannot be read".into()));
                    continue;
                }
                Ok(known) => known,
                Err(error) => {
                    found.push(damaged(&row, error.to_string()));
                    continue;
                }
            };
            for incident in &run.state.incidents {
                let ways = def.map(|def| self.ways_out(&run, def, incident)).transpose()?.unwrap_or_default();
                found.push(IncidentInfo {
                    id: incident.id,
                    instance: row.id,
                    process: row.process.clone(),
                    step: def.map_or_else(Name::default, |def| def.step(incident.node)),
                    record: row.record.clone(),
                    code: incident.code.clone(),
                    message: incident.message.clone(),
                    with: incident.with.clone(),
                    since: DateTime::from_timestamp_micros(incident.since).unwrap_or_default(),
                    ways,
                });
            }
        }
        Ok(found)
    }

    fn ways_out(&self, run: &Run, def: &Definition, incident: &Incident) -> Result<Vec<(Name, Text)>, Error> {
        let Some(Element::IncidentStep(step)) = def.element(incident.node) else { return Ok(Vec::new()) };
        let owner = incident.token.map_or(Owner::Scope(incident.scope.unwrap_or(0)), Owner::Token);
        self.look(run, def, (incident.node, owner), |view| {
            step.ways.iter().map(|(id, title, _)| (id.clone(), title.show(view))).collect()
        })
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
        self.write(|tx| tx.set_cursor(reader, seq))
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

/// An instance that stands still because what is stored of it cannot be read.
fn damaged(row: &InstanceRow, message: String) -> IncidentInfo {
    IncidentInfo {
        id: row.id,
        instance: row.id,
        process: row.process.clone(),
        step: Name::default(),
        record: row.record.clone(),
        code: Name::new("damaged"),
        message,
        with: Vec::new(),
        since: row.started,
        ways: Vec::new(),
    }
}

impl Session<'_> {
    /// Reads on behalf of the actor.
    fn through<T>(&self, mut ask: impl FnMut(&dyn Window, &Principal) -> Result<T, AccessError>) -> Result<T, Error> {
        let catalog = self.engine().catalog();
        let asked = self.engine().read(|reader| {
            let window = Joined::new(reader, &self.engine().inner.foreign);
            let principal = match principal_of(&catalog, &window, self.actor())? {
                Ok(principal) => principal,
                Err(error) => return Ok(Err(error)),
            };
            Ok(ask(&window, &principal).map_err(Error::from))
        });
        asked?
    }

    /// A record, as the actor may read it; none when there is none.
    ///
    /// # Errors
    /// When he may not, or the store fails.
    pub fn record(&self, record: &Ref) -> Result<Option<Arc<Record>>, Error> {
        self.through(|window, principal| Access::new(window, principal).record(record))
    }

    /// The records of an entity that the actor may read.
    ///
    /// # Errors
    /// When he may read none of the entity, or the store fails.
    pub fn records(&self, query: &Query) -> Result<Vec<Arc<Record>>, Error> {
        self.through(|window, principal| Access::new(window, principal).records(query))
    }

    /// The value of a column, live ones and lists of children included. One that is empty says why where it is known, and one that the
    /// actor may not read is [`Value::Denied`].
    ///
    /// # Errors
    /// When the library has no such column, or it cannot be read.
    pub fn value(&self, record: &Ref, column: &str) -> Result<Value, Error> {
        let (catalog, now, column) = (self.engine().catalog(), self.engine().now(), Name::new(column));
        let known = |entity: &Entity| {
            entity.rows.is_some()
                || entity.field(&column).is_some()
                || entity.children.iter().any(|child| child.name == column)
        };
        if !catalog.library.entity(&record.entity).is_some_and(known) {
            return Err(Error::Unknown(format!("expected a column of {}, found {column}", record.entity)));
        }
        let read = self.through(|window, principal| {
            let read = read_column(&catalog.library, window, principal, now, record, &column);
            Ok(read.map_err(|error| Error::refused("invalid", error.to_string())))
        });
        read?
    }

    /// The tasks that the actor has or may claim.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tasks(&self) -> Result<Vec<TaskRow>, Error> {
        match self.user() {
            Some(user) => self.engine().tasks_of(&user),
            None => self.engine().tasks(&TaskFilter::default()),
        }
    }
}

impl From<AccessError> for Error {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Window(error) => error.into(),
            denied => Error::refused("access_denied", denied.to_string()),
        }
    }
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
