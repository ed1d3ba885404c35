//! What a library file declares, bound and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::wiring::{Wires, Wiring};
use crate::model::expr::Expr;
use crate::model::{Calendar, Lang, Name, Template, Text, Type, Value};

/// Everything that processes talk about.
#[derive(Debug, Default)]
pub struct Library {
    /// Its id.
    pub name: Name,
    /// Its title.
    pub title: Text,
    /// The languages every title has; the first is the default.
    pub languages: Vec<Lang>,
    /// Entities and lookups (lookups are entities with rows of their own).
    pub entities: BTreeMap<Name, Entity>,
    /// Settings.
    pub settings: BTreeMap<Name, Setting>,
    /// Where currencies and their rates are kept.
    pub currencies: Option<Currencies>,
    /// Roles.
    pub roles: BTreeMap<Name, Role>,
    /// Messages.
    pub messages: BTreeMap<Name, Message>,
    /// Signals.
    pub signals: BTreeMap<Name, Signal>,
    /// Errors.
    pub errors: BTreeMap<Name, ErrorCode>,
    /// Services.
    pub services: BTreeMap<Name, ServiceSpec>,
    /// Documents that `print` renders.
    pub documents: BTreeMap<Name, Document>,
    /// How user tasks are mirrored in records.
    pub tasks: Option<Mirror>,
    /// Working calendars; the first declared is the library's own.
    pub calendars: BTreeMap<Name, Calendar>,
    /// The library's own calendar.
    pub calendar: Option<Name>,
    /// The text of its file: the task kinds are read from it when a process is loaded later.
    pub text: Arc<str>,
    /// What a save looks at again when something changes.
    pub wiring: Wiring,
}

/// An entity, or a lookup.
#[derive(Debug, Default)]
pub struct Entity {
    /// Its id.
    pub name: Name,
    /// Its title.
    pub title: Text,
    /// Its columns in written order.
    pub fields: Vec<Field>,
    /// Child entities: the name of the list, the child entity and its column that refers here.
    pub children: Vec<ChildOf>,
    /// What must hold.
    pub checks: Vec<Check>,
    /// Its stages.
    pub stages: Option<StageTable>,
    /// The rows of a lookup, by code, with their columns; none for an entity.
    pub rows: Option<Vec<(Name, BTreeMap<Name, Value>)>>,
    /// The titles of a lookup's rows in all languages, by code; the column `title` has the default language's.
    pub row_titles: BTreeMap<Name, Text>,
    /// Written by the save plan only: a stage history.
    pub read_only: bool,
}

/// A list of children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildOf {
    /// The name of the list on the parent.
    pub name: Name,
    /// The child entity.
    pub entity: Name,
    /// The child's column that refers to the parent.
    pub column: Name,
}

/// A column.
#[derive(Debug)]
pub struct Field {
    /// Its id.
    pub name: Name,
    /// Its title.
    pub title: Text,
    /// Its type.
    pub ty: Type,
    /// Whether it must have a value.
    pub required: bool,
    /// The starting value. Evaluated when the record is made and each time one of `again_when` changes, unless the same save
    /// sets the column. The column's own bare name is its present value, so a limit can be written as
    /// `initial: min(probability, stage.max_probability)` with `again_when: [stage]`.
    pub initial: Option<Expr>,
    /// Paths whose change fills it again: own columns, and columns of a parent that declares these records as its children.
    pub again_when: Vec<Vec<Name>>,
    /// Always this value, never typed over.
    pub computed: Option<Expr>,
    /// Evaluated on reading, not stored.
    pub live: bool,
    /// The mask of a running number.
    pub sequence: Option<Expr>,
    /// The column that holds the currency of an amount.
    pub currency: Option<Name>,
}

/// A rule about a record. A null check holds. It is looked at when its own record is saved, not when another one that it
/// reads changes.
#[derive(Debug)]
pub struct Check {
    /// What must hold.
    pub that: Expr,
    /// The code of its refusal.
    pub error: Name,
    /// What people are told, as written.
    pub text: Text,
    /// The same by language, with what is to be filled in.
    pub words: Vec<(Option<Lang>, Template)>,
}

impl Check {
    /// What is to be filled in and told in a language: that language's words, else those for all, else the first.
    pub fn words(&self, language: &str) -> Option<&Template> {
        let of = |wanted: Option<&str>| self.words.iter().find(|(of, _)| of.as_deref() == wanted);
        of(Some(language)).or_else(|| of(None)).or(self.words.first()).map(|(_, words)| words)
    }
}

/// The stages of an entity.
#[derive(Debug, Default)]
pub struct StageTable {
    /// The column that holds the stage.
    pub field: Name,
    /// The stage of a new record.
    pub initial: Name,
    /// The stages in written order.
    pub values: Vec<Stage>,
    /// Which moves are allowed.
    pub moves: Moves,
    /// The history that is kept.
    pub history: Option<StageHistory>,
    /// The types of the stages' own columns.
    pub columns: Vec<(Name, Type)>,
}

/// A stage.
#[derive(Debug, Default)]
pub struct Stage {
    /// Its code.
    pub name: Name,
    /// Its title.
    pub title: Text,
    /// Its place among the others.
    pub position: i64,
    /// Whether it ends the record's life, and how.
    pub ends: Option<Final>,
    /// Columns of its own.
    pub columns: BTreeMap<Name, Value>,
    /// What is set on every entry.
    pub set: Vec<(Name, Expr)>,
}

/// How a final stage ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Final {
    /// Successfully.
    Success,
    /// Without success.
    Failure,
}

/// Which moves between stages are allowed. From a final stage none is.
#[derive(Debug, Default)]
pub struct Moves {
    /// From a stage to these only.
    pub from: BTreeMap<Name, Vec<Name>>,
    /// Whether stages not named may move to every other one.
    pub otherwise_any: bool,
}

/// The history that a stage table keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageHistory {
    /// Whether skipped stages get rows.
    pub skipped: bool,
    /// Columns whose change splits the row.
    pub split_by: Vec<Name>,
}

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// Its title.
    pub title: Text,
    /// Its type.
    pub ty: Type,
    /// Its starting value.
    pub initial: Value,
}

/// Where currencies and their rates are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Currencies {
    /// The entity of currencies.
    pub entity: Name,
    /// The column that says how many units a rate is for.
    pub division: Option<Name>,
    /// The column that says how many decimals amounts have.
    pub decimals: Option<Name>,
    /// The setting that names the base currency.
    pub base: Option<Name>,
    /// The child list with the history of rates, its date column and its rate column.
    pub history: Option<(Name, Name, Name)>,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// Its title.
    pub title: Text,
    /// Whose rights it has too.
    pub inherits: Vec<Name>,
    /// Whether it may do everything.
    pub all: bool,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// The type of its key.
    pub key: Option<Type>,
    /// Its values.
    pub with: Vec<(Name, Type)>,
    /// How long one that nobody waits for is kept, in microseconds.
    pub ttl: Option<i64>,
    /// Whether the world outside sends it.
    pub external: bool,
}

/// The name by which receivers read a message's key.
const MESSAGE_KEY: &str = "key";

impl Message {
    /// The key as receivers read it: its name and type. None for a message without one, or with a value of that name.
    pub fn key_part(&self) -> Option<(Name, Type)> {
        let free = !self.with.iter().any(|(name, _)| &**name == MESSAGE_KEY);
        self.key.clone().filter(|_| free).map(|key| (Name::new(MESSAGE_KEY), key))
    }
}

/// A signal.
#[derive(Clone, Debug, Default)]
pub struct Signal {
    /// Its values.
    pub with: Vec<(Name, Type)>,
    /// Whether the world outside throws it.
    pub external: bool,
}

/// An error that processes raise.
#[derive(Clone, Debug, Default)]
pub struct ErrorCode {
    /// Its title.
    pub title: Text,
    /// Its values.
    pub with: Vec<(Name, Type)>,
}

/// A service of the host.
#[derive(Clone, Debug, Default)]
pub struct ServiceSpec {
    /// Its arguments.
    pub with: Vec<(Name, Type)>,
    /// What it gives.
    pub returns: Vec<(Name, Type)>,
    /// The errors it may raise.
    pub raises: Vec<Name>,
}

/// A document that `print` renders.
#[derive(Clone, Debug)]
pub struct Document {
    /// The text of its template.
    pub template: String,
    /// The entity it is for.
    pub entity: Name,
}

/// How user tasks are mirrored in records. Expressions read `task.title`, `task.assignee`, `task.outcome` …
#[derive(Debug, Default)]
pub struct Mirror {
    /// The entity.
    pub entity: Name,
    /// Columns of a task that opens.
    pub opened: Vec<(Name, Expr)>,
    /// Columns of a task that was completed.
    pub completed: Vec<(Name, Expr)>,
    /// Columns of a task that was withdrawn.
    pub withdrawn: Vec<(Name, Expr)>,
}

impl Mirror {
    /// The column that is filled from `task.<what>` on opening.
    pub fn column_of(&self, what: &str) -> Option<Name> {
        let wanted = format!("task.{what}");
        self.opened.iter().find(|(_, expr)| expr.text().trim() == wanted).map(|(column, _)| column.clone())
    }

    /// The column that takes the outcome on completion.
    pub fn completed_outcome(&self) -> Option<Name> {
        self.completed.iter().find(|(_, expr)| expr.text().trim() == "task.outcome").map(|(column, _)| column.clone())
    }

    /// Whether a change of this column says something about the task.
    pub fn maps(&self, column: &Name) -> bool {
        let closes = self.completed.iter().chain(&self.withdrawn).any(|(name, _)| name == column);
        closes || ["assignee", "due"].iter().any(|what| self.column_of(what).as_ref() == Some(column))
    }
}

impl Library {
    /// Works out what saves need to know of it; else the first save does. To be called when nothing is added any more.
    pub fn seal(&self) {
        self.wires();
    }

    pub(super) fn wires(&self) -> &Wires {
        self.wiring.of(self)
    }

    /// The entity (or lookup) of this name.
    pub fn entity(&self, name: &str) -> Option<&Entity> {
        self.entities.get(name)
    }

    /// Whether it is a lookup: its rows stand in the library.
    pub fn is_lookup_entity(&self, name: &str) -> bool {
        self.entity(name).is_some_and(|entity| entity.rows.is_some())
    }

    /// Whether a stage of the entity is final.
    pub fn is_final(&self, entity: &str, stage: &str) -> bool {
        self.stage(entity, stage).is_some_and(|found| found.ends.is_some())
    }

    /// Whether the entity allows a move between two stages.
    pub fn may_move(&self, entity: &str, from: &Name, to: &Name) -> bool {
        let Some(stages) = self.entity(entity).and_then(|entity| entity.stages.as_ref()) else { return true };
        match stages.moves.from.get(from) {
            _ if self.is_final(entity, from) => false,
            Some(allowed) => allowed.contains(to),
            None => stages.moves.otherwise_any,
        }
    }

    /// A stage of the entity.
    pub fn stage(&self, entity: &str, stage: &str) -> Option<&Stage> {
        self.entity(entity)?.stages.as_ref()?.stage(stage)
    }

    /// The title of an error in the default language, else its code.
    pub fn error_title(&self, code: &Name) -> String {
        let title = self.errors.get(code).map(|error| error.title.get(&self.language()).to_string());
        title.filter(|title| !title.is_empty()).unwrap_or_else(|| code.to_string())
    }

    /// The default language.
    pub fn language(&self) -> Lang {
        self.languages.first().cloned().unwrap_or_else(|| Name::new("en"))
    }

    /// How long a message that nobody waits for is kept, in microseconds.
    pub fn message_ttl(&self, message: &Name) -> Option<i64> {
        self.messages.get(message)?.ttl
    }

    /// A value for a column: a text becomes a reference where the column refers to one lookup.
    pub fn fit_reference(&self, entity: &str, column: &str, value: Value) -> Value {
        let ty = self.entity(entity).and_then(|entity| entity.field(column)).map(|field| &field.ty);
        match (&value, ty) {
            (Value::Text(code), Some(Type::Ref(entities))) => match entities.first() {
                Some(entity) if entities.len() == 1 => Value::Ref(crate::model::Ref::new(&**entity, &**code)),
                _ => value,
            },
            _ => value,
        }
    }

    /// The columns that stores index: every reference (children are found by it, and what refers to a record that goes) and
    /// every stage. Columns of lookups are not among them: their rows are the library's. References in lists are not either:
    /// nothing searches for them, and they stay when their record goes.
    pub fn indexed_columns(&self) -> BTreeSet<(Name, Name)> {
        let mut found = BTreeSet::new();
        for entity in self.entities.values().filter(|entity| entity.rows.is_none()) {
            for field in &entity.fields {
                if matches!(field.ty, Type::Ref(_) | Type::Stage(_)) {
                    found.insert((entity.name.clone(), field.name.clone()));
                }
            }
        }
        found
    }
}

impl StageTable {
    /// The stage of this code.
    pub fn stage(&self, code: &str) -> Option<&Stage> {
        self.values.iter().find(|stage| &*stage.name == code)
    }
}

impl Field {
    /// Whether a save gives it values: a starting one, a computed one, a number.
    pub(super) fn is_filled(&self) -> bool {
        self.initial.is_some() || self.sequence.is_some() || (self.computed.is_some() && !self.live)
    }
}

impl Entity {
    /// The column of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| &*field.name == name)
    }
}
