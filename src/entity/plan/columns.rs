//! What a save fills and computes: starting values, running numbers, computed columns, up to parents and down to children.
//!
//! Each column is looked at when something it follows has changed, in an order in which every column stands behind those
//! that it reads. So none is computed from what is about to change.

use super::Refusal;
use super::work::{At, Planner};
use crate::entity::library::{Entity, Field};
use crate::entity::window::Window;
use crate::model::expr::Expr;
use crate::model::{Name, Ref, Value};

/// The entity that keeps the last running number of each numbered column. No author can name one so.
const COUNTERS: &str = "_sequence";
/// How long an id may be, in bytes.
const MAX_ID: usize = 64;

impl<'a> Planner<'a, '_> {
    /// A new record with the wished columns.
    pub fn create(&mut self, target: Ref, set: Vec<(Name, Value)>) -> Result<Ref, Refusal> {
        let entity = self.entity(&target.entity)?;
        writable(entity, "made")?;
        if target.id.is_empty() || target.id.len() > MAX_ID {
            let text = format!("expected an id of 1 to {MAX_ID} bytes, found {:?}", target.id.as_str());
            return Err(Refusal::rule("bad_id", &target.entity, None, text));
        }
        if self.stored(&target, true)?.is_some() {
            let text = format!("{target} exists already; try another id");
            return Err(Refusal::rule("conflict", &target.entity, None, text));
        }
        let at = self.insert(target.clone(), None);
        self.set_typed(at, entity, set)?;
        if let Some(table) = &entity.stages
            && self.value(at, &table.field).is_null()
        {
            self.put(at, &table.field, Value::text(&table.initial))?;
        }
        let filled = self.at(at).links.filled.iter().map(|rank| (*rank, at));
        self.due.extend(filled);
        Ok(target)
    }

    /// Other values for a record.
    pub fn update(&mut self, target: Ref, set: Vec<(Name, Value)>) -> Result<Ref, Refusal> {
        let entity = self.entity(&target.entity)?;
        writable(entity, "changed")?;
        let at = self.load(&target)?;
        self.set_typed(at, entity, set)?;
        Ok(target)
    }

    fn set_typed(&mut self, at: At, entity: &'a Entity, set: Vec<(Name, Value)>) -> Result<(), Refusal> {
        // Currencies first: amounts are read in them.
        let is_currency = |name: &Name| entity.fields.iter().any(|field| field.currency.as_ref() == Some(name));
        let (currencies, others): (Vec<_>, Vec<_>) = set.into_iter().partition(|(name, _)| is_currency(name));
        for (name, value) in currencies.into_iter().chain(others) {
            let field = entity.field(&name).ok_or_else(|| unknown_column(entity, &name))?;
            if field.computed.is_some() || field.sequence.is_some() {
                if !field.live && self.value(at, &name).same(&value) {
                    continue;
                }
                let how = if field.sequence.is_some() { "numbered" } else { "computed" };
                let text = format!("{}.{name} is {how} and cannot be set; try leaving it out", entity.name);
                return Err(Refusal::rule("computed", &entity.name, Some(&name), text));
            }
            let value = self.fit(at, field, value)?;
            self.put(at, &name, value)?;
            self.at_mut(at).typed.insert(name);
        }
        Ok(())
    }

    /// Works until nothing is to be looked at any more.
    pub fn settle(&mut self) -> Result<(), Refusal> {
        loop {
            if let Some((rank, at)) = self.due.pop_first() {
                self.spend(at)?;
                match self.field(at, rank) {
                    Some(field) if !self.at(at).deleted => self.fill(at, field)?,
                    _ => {}
                }
            } else if let Some(at) = self.entering.pop() {
                self.spend(at)?;
                self.enter_stage(at)?;
            } else {
                return Ok(());
            }
        }
    }

    /// One column: computed always, numbered once, filled unless it was set.
    fn fill(&mut self, at: At, field: &'a Field) -> Result<(), Refusal> {
        match (&field.computed, &field.sequence, &field.initial) {
            (Some(computed), ..) => self.evaluate(at, field, computed),
            (_, Some(mask), _) if self.value(at, &field.name).is_null() => self.number(at, field, mask),
            (_, None, Some(initial)) if !self.at(at).typed.contains(&field.name) => self.evaluate(at, field, initial),
            _ => Ok(()),
        }
    }

    fn evaluate(&mut self, at: At, field: &Field, expr: &Expr) -> Result<(), Refusal> {
        let value = self.eval(at, Some(&field.name), expr)?;
        let value = self.fit(at, field, value)?;
        self.put(at, &field.name, value)
    }

    /// Notes what a change concerns: own columns, parents that read their children, children that read their parent.
    pub fn follow(&mut self, at: At, column: &Name, old: &Value) -> Result<(), Refusal> {
        let work = self.at(at);
        let (links, entity) = (work.links, work.entity);
        if links.trees.contains(column) {
            self.refuse_circle(at, column)?;
        }
        self.due.extend(links.own.get(column).into_iter().flatten().map(|rank| (*rank, at)));
        if entity.and_then(|entity| entity.stages.as_ref()).is_some_and(|table| table.field == *column) {
            self.entering.push(at);
        }
        for place in links.amounts.get(column).into_iter().flatten() {
            if let Some(field) = entity.and_then(|entity| entity.fields.get(*place)) {
                self.follow_currency(at, field)?;
            }
        }
        let new = self.value(at, column);
        for parent in links.parents.iter().filter(|parent| parent.key == *column && !parent.readers.is_empty()) {
            for holder in [old, &new] {
                if let Some(holder) = self.holder(holder, &parent.entity)? {
                    self.due.extend(parent.readers.iter().map(|rank| (*rank, holder)));
                }
            }
        }
        for up in links.up.get(column).into_iter().flatten() {
            if let Some(holder) = self.holder(&self.value(at, &up.key), &up.parent)? {
                self.due.insert((up.rank, holder));
            }
        }
        self.follow_down(at, column)
    }

    fn follow_down(&mut self, at: At, column: &Name) -> Result<(), Refusal> {
        let work = self.at(at);
        let Some(downs) = work.links.down.get(column).filter(|_| !work.is_new()) else { return Ok(()) };
        let target = work.target.clone();
        for down in downs {
            for row in self.referring(&down.child, &down.key, &target)? {
                if let Some(row) = self.take(&row)? {
                    self.due.insert((down.rank, row));
                }
            }
        }
        Ok(())
    }

    /// The record that a child's column refers to, taken into the work.
    fn holder(&mut self, value: &Value, parent: &Name) -> Result<Option<At>, Refusal> {
        match value {
            Value::Ref(holder) if holder.entity == *parent => self.take(holder),
            _ => Ok(None),
        }
    }

    /// Lets the parents of a record that goes look at their children again.
    pub fn leave_parents(&mut self, at: At) -> Result<(), Refusal> {
        for parent in self.at(at).links.parents.iter().filter(|parent| !parent.readers.is_empty()) {
            if let Some(holder) = self.holder(&self.old(at, &parent.key), &parent.entity)? {
                self.due.extend(parent.readers.iter().map(|rank| (*rank, holder)));
            }
        }
        Ok(())
    }

    /// A record is not below itself.
    fn refuse_circle(&self, at: At, column: &Name) -> Result<(), Refusal> {
        let target = &self.at(at).target;
        let mut above = self.value(at, column);
        let mut steps = 0_u32;
        while let Value::Ref(record) = &above {
            steps = steps.saturating_add(1);
            if record == target || steps > MAX_CHAIN {
                let text = format!("{target} would be below itself by {column}; try another {column}");
                return Err(Refusal::rule("circle", &target.entity, Some(column), text));
            }
            above = match self.get(record)? {
                Some(found) if record.entity == target.entity => found.get(column),
                _ => return Ok(()),
            };
        }
        Ok(())
    }

    /// The next running number, in the column's mask: a run of zeros (or `{number}`) is where it goes, else it is put behind.
    fn number(&mut self, at: At, field: &Field, mask: &Expr) -> Result<(), Refusal> {
        let mask = match self.eval(at, Some(&field.name), mask)? {
            Value::Text(mask) => mask.to_string(),
            _ => String::new(),
        };
        let counter = Ref::new(COUNTERS, format!("{}.{}", self.at(at).target.entity, field.name));
        let counter = match self.take(&counter)? {
            Some(counter) => counter,
            None => self.insert(counter, None),
        };
        let last = Name::new("last");
        let next = match self.value(counter, &last) {
            Value::Number(number) => number.saturating_add(1.into()),
            _ => 1.into(),
        };
        self.put(counter, &last, Value::Number(next))?;
        self.put(at, &field.name, Value::text(masked(&mask, &next.to_string())))
    }
}

/// How deep a tree of records may be.
const MAX_CHAIN: u32 = 10_000;

/// Puts a running number into its mask.
fn masked(mask: &str, number: &str) -> String {
    if mask.contains("{number}") {
        return mask.replace("{number}", number);
    }
    let end = mask.rfind('0').map(|at| at.saturating_add(1));
    let Some(end) = end else { return format!("{mask}{number}") };
    let head = mask.get(..end).unwrap_or_default();
    let prefix = head.trim_end_matches('0');
    let width = head.len().saturating_sub(prefix.len());
    let tail = mask.get(end..).unwrap_or_default();
    format!("{prefix}{number:0>width$}{tail}")
}

/// Refuses what people cannot write: lookups and histories.
pub(super) fn writable(entity: &Entity, done: &str) -> Result<(), Refusal> {
    let why = match (entity.read_only, &entity.rows) {
        (true, _) => "is written by the save plan",
        (_, Some(_)) => "is a lookup of the library",
        _ => return Ok(()),
    };
    let text = format!("{} {why}: its records cannot be {done}", entity.name);
    Err(Refusal::rule("read_only", &entity.name, None, text))
}

fn unknown_column(entity: &Entity, name: &Name) -> Refusal {
    let known = entity.fields.iter().map(|field| field.name.as_str());
    let help = crate::model::suggest::did_you_mean(name, known).map_or(String::new(), |help| format!("; {help}"));
    let text = format!("expected a column of {}, found {name}{help}", entity.name);
    Refusal::rule("unknown_column", &entity.name, Some(name), text)
}
