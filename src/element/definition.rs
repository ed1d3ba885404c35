//! A loaded process version: its graph, its elements, its scopes, its starts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Element;
use super::decide::Table;
use super::joins::Join;
use super::rules::{TextTemplate, Title};
use crate::entity::Library;
use crate::graph::{Graph, Node, NodeIx};
use crate::model::expr::{Expr, Slot};
use crate::model::schedule::{CatchUp, Schedule};
use crate::model::{Name, Text, Type};

/// A loaded process version. Made by `load`, never changed.
#[derive(Debug)]
pub struct Definition {
    /// The process.
    pub process: Name,
    /// Its version.
    pub version: u32,
    /// The title for people.
    pub title: Text,
    /// Free words; with `Business Process` users may start it.
    pub tags: Vec<String>,
    /// The entity of the record a run is about.
    pub entity: Option<Name>,
    /// Nodes and flows.
    pub graph: Graph,
    /// What each node is, by node number.
    pub elements: Vec<Element>,
    /// The process and its sub-processes: variables, entry, handlers.
    pub scopes: BTreeMap<NodeIx, ScopeInfo>,
    /// The boundary events of activities, in written order.
    pub boundaries: BTreeMap<NodeIx, Vec<NodeIx>>,
    /// What fills in the titles of nodes, where values stand in them.
    pub titles: BTreeMap<NodeIx, TextTemplate>,
    /// The activities that are compensated when they have completed, and their rounds and lists.
    pub compensations: BTreeMap<NodeIx, Compensation>,
    /// The joins that wait for whatever can still come, with what that is (S1).
    pub joins: BTreeMap<NodeIx, Join>,
    /// The nodes that offer the activities of ad-hoc sub-processes.
    pub ad_hocs: BTreeSet<NodeIx>,
    /// Parameters: the first variables of the process scope, in this order.
    pub params: Vec<Param>,
    /// What the slots of the process's expressions mean; the position is the slot's number.
    pub roots: Vec<Root>,
    /// How a run starts.
    pub starts: Vec<Start>,
    /// Uniqueness: the parts of the key; none when any number may run.
    pub one_per: Option<Vec<Expr>>,
    /// Who gets tasks that say nothing else.
    pub assign: Option<Assignment>,
    /// The working calendar, when another than the library's.
    pub calendar: Option<Name>,
    /// A hash of the source text: the same version with other content is refused.
    pub hash: u64,
    /// The file it came from, for messages.
    pub file: String,
}

/// What a scope node holds.
#[derive(Debug, Default)]
pub struct ScopeInfo {
    /// Its variables; a scope's values are kept in this order.
    pub vars: Vec<VarDecl>,
    /// The node that its first token enters.
    pub entry: NodeIx,
    /// Its handlers: event sub-processes in written order.
    pub handlers: Vec<NodeIx>,
}

/// What compensates a completed activity; when it says nothing, what completed inside it is compensated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compensation {
    /// The compensation event at its border, whose scope is the handler.
    pub border: Option<NodeIx>,
    /// The compensation handler of its own scope.
    pub handler: Option<NodeIx>,
}

/// A variable of a scope.
#[derive(Debug)]
pub struct VarDecl {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Its starting value.
    pub initial: Option<Expr>,
}

/// A parameter of a process.
#[derive(Debug)]
pub struct Param {
    /// Its name; its variable is the one of the process scope at the same position.
    pub name: Name,
    /// Its title for people; may be empty.
    pub title: Text,
    /// Its type.
    pub ty: Type,
    /// Whether a start must give it.
    pub required: bool,
    /// Whether it is a result of the process.
    pub out: bool,
}

/// Where a variable lives: the scope's node and its position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VarRef {
    /// The scope that declares it.
    pub scope: NodeIx,
    /// Its position among the scope's variables.
    pub index: u16,
}

/// What a slot of a process expression means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// The record the run is about.
    Record,
    /// A variable or parameter.
    Var(VarRef),
    /// Who acts: the performer of a task, else the initiator.
    User,
    /// The run itself: a map of id, process, started, initiator.
    Instance,
    /// The changed record of a record event.
    Event,
    /// The payload of a message or signal.
    Message,
    /// The task that is being opened or completed: title, assignee, outcome, start, due, category, reason.
    Task,
    /// An entry of the form of the task that is being completed.
    Form(Name),
    /// The row that a `where` looks at.
    Row,
    /// What an outside service gave back, or a called process returned.
    Result,
    /// One named part of what an outside service gave back, or a called process returned.
    Returned(Name),
    /// The error or escalation that was caught: code and values.
    Error,
    /// The branches that have arrived at a join.
    Arrived,
    /// The innermost round: counter, instances, active, completed.
    Loop,
}

/// How a run may start.
#[derive(Debug)]
pub struct Start {
    /// By what.
    pub trigger: StartTrigger,
    /// Which record it is about, when the event does not say: an expression over the event; a list starts one run each.
    pub about: Option<Expr>,
    /// Columns of the record to make first.
    pub new: Option<Vec<(Name, Expr)>>,
    /// Parameters to fill.
    pub with: Vec<(Name, Expr)>,
    /// The start event at which its first token begins; the process's own beginning when none.
    pub entry: Option<NodeIx>,
}

/// What starts a run.
#[derive(Debug)]
pub enum StartTrigger {
    /// A change of a record.
    Record(RecordTrigger),
    /// A person or the host; roles that may, and columns of the form that makes the record.
    Manual {
        /// Who may; everybody when empty.
        roles: Vec<Name>,
        /// The columns that the form asks for.
        new: Vec<Name>,
    },
    /// A message, with its condition over the payload.
    Message(Name, Option<Expr>),
    /// A signal, with its condition over the payload.
    Signal(Name, Option<Expr>),
    /// A schedule.
    Schedule(Schedule),
    /// A call of another process.
    Called,
}

/// Which change of which record.
#[derive(Debug)]
pub struct RecordTrigger {
    /// The entity.
    pub entity: Name,
    /// created, updated or deleted.
    pub kind: crate::entity::EventKind,
    /// For updates: only when one of these really changed.
    pub changed: Vec<Name>,
    /// A condition over the saved record.
    pub when: Option<Expr>,
    /// Equalities between a column and a value of the run: the index a listener is found by.
    pub equal: Vec<(Name, Expr)>,
    /// Whether it concerns only the record the run is about.
    pub only_self: bool,
    /// Whether the condition must not have held before the change: a conditional start (S17).
    pub edge: bool,
}

/// What a catch event, a boundary event, a race option or a handler waits for.
#[derive(Debug)]
pub enum Trigger {
    /// A duration from arming on; then every so often, when `every` is given.
    After {
        /// How long.
        after: Expr,
        /// The distance of repetitions.
        every: Option<Expr>,
        /// What happens to repetitions that were missed.
        catch_up: CatchUp,
    },
    /// One or several instants.
    At(Vec<Expr>),
    /// A message with a key.
    Message {
        /// Its name.
        name: Name,
        /// Its key; without one it matches by the record the run is about.
        key: Option<Expr>,
        /// A condition over the payload.
        when: Option<Expr>,
    },
    /// A signal, with a condition over its payload.
    Signal {
        /// Its name.
        name: Name,
        /// The condition.
        when: Option<Expr>,
    },
    /// A change of a record.
    Record(RecordTrigger),
    /// A condition over variables and columns.
    Condition(Expr),
    /// An error; any when no code is named.
    Error(Option<Name>),
    /// An escalation; any when no code is named.
    Escalation(Option<Name>),
    /// An action offered to people.
    Manual {
        /// Its title.
        title: Title,
        /// Who may; everybody when empty.
        roles: Vec<Name>,
        /// What its form asks for.
        form: Vec<FormEntry>,
    },
    /// Compensation of the host activity.
    Compensation,
    /// The first of several, or all of them: the nodes of its parts.
    Several {
        /// Its parts, in written order.
        parts: Vec<NodeIx>,
        /// Whether all must have happened.
        all: bool,
    },
    /// The transaction was canceled, and what completed in it compensated.
    Cancel,
}

/// One thing that a form asks for.
#[derive(Clone, Debug)]
pub struct FormEntry {
    /// Its name: a form entry's own, or `self.column`.
    pub name: Name,
    /// Its title for people: its own, or the column's; may be empty.
    pub title: Text,
    /// Its type.
    pub ty: Type,
    /// The column of the record it shows and changes.
    pub column: Option<Name>,
    /// The variable that keeps it beyond the task (`keep:`).
    pub keep: Option<VarRef>,
}

/// Who gets a task.
#[derive(Debug)]
pub enum Assignment {
    /// The user that an expression names.
    User(Expr),
    /// Anybody of a role.
    Role(Name),
    /// Anybody of the role that an expression names.
    RoleOf(Expr),
    /// The user that a variable keeps, or anybody of the role whose name it keeps.
    Var(VarRef),
}

/// Where a value goes.
#[derive(Debug)]
pub enum Target {
    /// A variable.
    Var(VarRef),
    /// A column of the record that an expression names.
    Column(Expr, Name),
}

/// An assignment: where to, and what.
#[derive(Debug)]
pub struct Assign {
    /// Where the value goes.
    pub target: Target,
    /// What it is.
    pub value: Expr,
}

/// All loaded definitions with the newest library.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The library.
    pub library: Arc<Library>,
    /// Every version that is loaded, by process and version.
    pub definitions: BTreeMap<Name, BTreeMap<u32, Arc<Definition>>>,
    /// The decision tables in force, by name.
    pub decisions: BTreeMap<Name, Arc<Table>>,
    /// The columns by whose value some definition listens to an entity's records.
    listened: BTreeMap<Name, BTreeSet<Name>>,
}

impl Catalog {
    /// The newest version of a process.
    pub fn newest(&self, process: &str) -> Option<&Arc<Definition>> {
        self.definitions.get(process)?.values().next_back()
    }

    /// A version of a process; the newest when none is named.
    pub fn get(&self, process: &str, version: Option<u32>) -> Option<&Arc<Definition>> {
        match version {
            Some(version) => self.definitions.get(process)?.get(&version),
            None => self.newest(process),
        }
    }

    /// A catalog without definitions.
    pub fn new(library: Arc<Library>) -> Self {
        Self { library, ..Self::default() }
    }

    /// The columns by whose value some definition listens to an entity's records.
    pub fn listened_columns(&self, entity: &str) -> impl Iterator<Item = &Name> {
        self.listened.get(entity).into_iter().flatten()
    }

    /// Adds a version.
    pub fn add(&mut self, definition: Arc<Definition>) {
        for trigger in definition.elements.iter().filter_map(Element::trigger) {
            if let Trigger::Record(RecordTrigger { entity, equal, only_self: false, .. }) = trigger {
                self.listened
                    .entry(entity.clone())
                    .or_default()
                    .extend(equal.first().map(|(column, _)| column.clone()));
            }
        }
        self.definitions.entry(definition.process.clone()).or_default().insert(definition.version, definition);
    }

    /// Every version of every process, by name and version.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.definitions.values().flat_map(BTreeMap::values)
    }

    /// The newest version of every process, by name.
    pub fn all_newest(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.definitions.values().filter_map(|versions| versions.values().next_back())
    }
}

impl Definition {
    /// What a node is.
    pub fn element(&self, node: NodeIx) -> Option<&Element> {
        self.elements.get(node.0 as usize)
    }

    /// The boundary events of an activity.
    pub fn boundaries_of(&self, node: NodeIx) -> &[NodeIx] {
        self.boundaries.get(&node).map_or(&[], Vec::as_slice)
    }

    /// What a slot means.
    pub fn root(&self, slot: Slot) -> Option<&Root> {
        self.roots.get(usize::from(slot.0))
    }

    /// The decision tables of files of their own that its steps ask, each once.
    pub fn decisions(&self) -> BTreeMap<&Name, &Arc<Table>> {
        let mut found = BTreeMap::new();
        for element in &self.elements {
            if let Element::Decide(room) = element
                && let Some(name) = &room.table.name
            {
                found.insert(name, &room.table);
            }
        }
        found
    }

    /// The authored id of a step, or its key when it has none.
    pub fn step(&self, node: NodeIx) -> Name {
        match self.graph.node(node).and_then(|found| found.id.clone()) {
            Some(id) => id,
            None => self.unnamed(self.graph.key(node)),
        }
    }

    /// A part of something that is called otherwise than its key, by that name.
    fn unnamed(&self, key: &str) -> Name {
        let around = key.rsplit_once('/').and_then(|(around, part)| Some((self.graph.find(around)?, part)));
        match around.map(|(around, part)| (self.graph.node(around), part)) {
            Some((Some(Node { key: around, id: Some(id), .. }), part)) if !around.ends_with(&**id) => {
                Name::new(format!("{id}/{part}"))
            }
            _ => Name::new(key),
        }
    }
}
