//! The records a save works on: as they were, as they will be, and which of their columns are still to be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::read::Seen;
use super::{Refusal, SaveContext};
use crate::entity::env::{ColumnEnv, RecordEnv};
use crate::entity::library::{Entity, Field, Library};
use crate::entity::record::Record;
use crate::entity::window::{Query, Window};
use crate::entity::wiring::{Links, Rank, Wires};
use crate::model::expr::{EvalError, Expr};
use crate::model::{Name, Null, Ref, Template, Value};

/// A record of a save.
pub(super) struct Work<'a> {
    pub target: Ref,
    /// None: one of the engine's own, such as a counter.
    pub entity: Option<&'a Entity>,
    pub links: &'a Links,
    pub before: Option<Arc<Record>>,
    pub now: Arc<Record>,
    pub deleted: bool,
    /// Columns that the wish or an entry set: they are not filled.
    pub typed: BTreeSet<Name>,
    /// Why columns have no value, where an expression said so.
    pub nulls: BTreeMap<Name, Null>,
    /// The stage whose entry was carried out, and how many were.
    pub entered: Option<Name>,
    pub entries: u8,
}

/// The place of a record among those of the save, in order of their first change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct At(usize);

/// A save being planned.
pub(super) struct Planner<'a, 'c> {
    pub library: &'a Library,
    pub wires: &'a Wires,
    pub window: &'a dyn Window,
    pub context: &'a mut SaveContext<'c>,
    pub seen: Seen,
    works: Vec<Work<'a>>,
    places: BTreeMap<Ref, At>,
    /// Columns to be looked at: those first that others read.
    pub due: BTreeSet<(Rank, At)>,
    /// Records whose stage changed.
    pub entering: Vec<At>,
    rounds: u32,
}

/// How many columns one save may look at.
const MAX_ROUNDS: u32 = 500_000;

impl<'a, 'c> Planner<'a, 'c> {
    pub fn new(library: &'a Library, window: &'a dyn Window, context: &'a mut SaveContext<'c>) -> Self {
        Self {
            library,
            wires: library.wires(),
            window,
            context,
            seen: Seen::default(),
            works: Vec::new(),
            places: BTreeMap::new(),
            due: BTreeSet::new(),
            entering: Vec::new(),
            rounds: 0,
        }
    }

    pub fn next_id(&mut self) -> Uuid {
        self.context.ids.next_id()
    }

    pub fn entity(&self, name: &Name) -> Result<&'a Entity, Refusal> {
        self.library.entity(name).ok_or_else(|| {
            let known = self.library.entities.keys().map(Name::as_str);
            let help =
                crate::model::suggest::did_you_mean(name, known).map_or(String::new(), |help| format!("; {help}"));
            Refusal::rule("unknown_entity", name, None, format!("expected an entity, found {name}{help}"))
        })
    }

    /// The place of a record that the save works on.
    pub fn place(&self, target: &Ref) -> Option<At> {
        self.places.get(target).copied()
    }

    pub fn at(&self, at: At) -> &Work<'a> {
        &self.works[at.0]
    }

    pub fn at_mut(&mut self, at: At) -> &mut Work<'a> {
        &mut self.works[at.0]
    }

    /// Every place, in order of the first change.
    pub fn all(&self) -> impl Iterator<Item = At> + use<> {
        (0..self.works.len()).map(At)
    }

    /// The records of an entity that the save works on.
    pub fn of_entity<'p>(&'p self, entity: &Name) -> impl Iterator<Item = &'p Work<'a>> {
        let first = Ref { entity: entity.clone(), id: Name::default() };
        let entity = entity.clone();
        let places = self.places.range(first..).take_while(move |(record, _)| record.entity == entity);
        places.map(|(_, at)| self.at(*at))
    }

    /// Takes an existing record into the work; none when there is none, or when it goes.
    pub fn take(&mut self, target: &Ref) -> Result<Option<At>, Refusal> {
        if let Some(at) = self.place(target) {
            return Ok((!self.at(at).deleted).then_some(at));
        }
        let found = self.stored(target, false)?;
        Ok(found.map(|before| self.insert(target.clone(), Some(before))))
    }

    /// Takes an existing record into the work.
    pub fn load(&mut self, target: &Ref) -> Result<At, Refusal> {
        self.take(target)?.ok_or_else(|| {
            Refusal::rule("unknown_record", &target.entity, None, format!("expected {target}, found no such record"))
        })
    }

    /// A record of the work: as it is stored, else a new one, still empty.
    pub fn insert(&mut self, target: Ref, before: Option<Arc<Record>>) -> At {
        let now = before.clone().unwrap_or_else(|| Arc::new(Record::new(target.entity.clone(), target.id.clone())));
        let at = At(self.works.len());
        self.places.insert(target.clone(), at);
        self.works.push(Work {
            entity: self.library.entity(&target.entity),
            links: self.wires.links(&target.entity),
            target,
            before,
            now,
            deleted: false,
            typed: BTreeSet::new(),
            nulls: BTreeMap::new(),
            entered: None,
            entries: 0,
        });
        at
    }

    pub fn value(&self, at: At, column: &Name) -> Value {
        self.at(at).now.get(column)
    }

    /// The value before the save.
    pub fn old(&self, at: At, column: &Name) -> Value {
        self.at(at).before.as_ref().map_or(Value::NULL, |before| before.get(column))
    }

    /// The column that a rank stands for in a record.
    pub fn field(&self, at: At, rank: Rank) -> Option<&'a Field> {
        self.at(at).entity?.fields.get(self.wires.place(rank))
    }

    /// Gives a column a value, and notes what follows it.
    pub fn put(&mut self, at: At, column: &Name, value: Value) -> Result<(), Refusal> {
        if let Value::Null(reason) = &value
            && *reason != Null::Empty
        {
            self.at_mut(at).nulls.insert(column.clone(), reason.clone());
        }
        let old = self.value(at, column);
        if old.same(&value) {
            return Ok(());
        }
        Arc::make_mut(&mut self.at_mut(at).now).set(column, value);
        self.follow(at, column, &old)
    }

    /// The value of a column's own expression. A null input gives a null that names it; a denied one refuses the save.
    pub fn eval(&self, at: At, column: Option<&Name>, expr: &Expr) -> Result<Value, Refusal> {
        if let Some(value) = expr.constant() {
            return Ok(value.clone());
        }
        match expr.eval(&self.env(at)) {
            Ok(value) => Ok(value),
            Err(EvalError::Null { path, .. }) => Ok(Value::Null(Null::Input(Name::new(path)))),
            Err(EvalError::Denied(denied)) => Err(Refusal::denied(&denied)),
            Err(error) => {
                let entity = &self.at(at).target.entity;
                let place = column.map_or_else(|| entity.to_string(), |column| format!("{entity}.{column}"));
                let text = format!("{place}: `{}`: {error}", expr.text());
                Err(Refusal::rule("expression_failed", entity, column, text))
            }
        }
    }

    /// A text of the record's own, filled in; as written when something in it has no value.
    pub fn tell(&self, at: At, words: &Template) -> String {
        words.eval(&self.env(at)).unwrap_or_else(|_| words.text().to_owned())
    }

    fn env(&self, at: At) -> ColumnEnv<'_> {
        let work = self.at(at);
        ColumnEnv {
            records: self.records(),
            record: &work.target,
            own: work.entity.map(|entity| (entity, &*work.now)),
            user: self.context.principal.user(),
            before: work.before.as_deref(),
        }
    }

    pub fn records(&self) -> RecordEnv<'_> {
        RecordEnv::new(self.library, self, self.context.now).on_behalf_of(self.context.principal)
    }

    /// One more column is looked at: bounded.
    pub fn spend(&mut self, at: At) -> Result<(), Refusal> {
        self.rounds = self.rounds.saturating_add(1);
        if self.rounds > MAX_ROUNDS {
            let text = format!("expected a save that computes at most {MAX_ROUNDS} columns, found more");
            return Err(Refusal::rule("too_many_records", &self.at(at).target.entity, None, text));
        }
        Ok(())
    }

    /// The records of `entity` whose column refers to `target`, as the work stands.
    pub fn referring(&self, entity: &Name, column: &Name, target: &Ref) -> Result<Vec<Ref>, Refusal> {
        let found = self.query(&Query::by(entity, column, Value::Ref(target.clone())))?;
        Ok(found.iter().map(|record| record.reference()).collect())
    }
}

impl Work<'_> {
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    pub fn has_changed(&self, column: &Name) -> bool {
        let old = self.before.as_ref().and_then(|before| before.peek(column));
        match (old, self.now.peek(column)) {
            (Some(old), Some(new)) => !old.same(new),
            (None, None) => false,
            _ => true,
        }
    }

    /// Whether anything of it differs from before.
    pub fn is_changed(&self) -> bool {
        self.deleted || self.before.as_ref().is_none_or(|before| before.values != self.now.values)
    }

    /// The columns that differ from before, with their old values, in order.
    pub fn changed(&self) -> Vec<(Name, Value)> {
        let old = self.before.as_ref().map_or(&[][..], |before| &before.values);
        let mut changed = Vec::new();
        let (mut old, mut new) = (old.iter().peekable(), self.now.values.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return changed,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let before = if order.is_le() { old.next() } else { None };
            let after = if order.is_ge() { new.next() } else { None };
            match (before, after) {
                (Some((_, was)), Some((_, is))) if was.same(is) => {}
                (Some((name, was)), _) => changed.push((name.clone(), was.clone())),
                (None, Some((name, _))) => changed.push((name.clone(), Value::NULL)),
                (None, None) => {}
            }
        }
    }
}
