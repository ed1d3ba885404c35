//! What a save fills and computes: starting values, running numbers, computed columns, up to parents and down to children.

use super::Refusal;
use super::work::Planner;
use crate::entity::library::{Entity, Field};
use crate::entity::window::Window;
use crate::model::expr::{Expr, Root};
use crate::model::{Name, Ref, Value};

/// The entity that keeps the last running number of each numbered column.
const COUNTERS: &str = "sequence";

impl Planner<'_, '_> {
    /// A new record with the wished columns.
    pub fn create(&mut self, target: &Ref, set: Vec<(Name, Value)>) -> Result<(), Refusal> {
        let entity = self.entity(&target.entity)?;
        writable(entity)?;
        if self.get(target)?.is_some() {
            let text = format!("{target} exists already");
            return Err(Refusal::rule("conflict", &target.entity, None, text));
        }
        self.insert_new(target);
        self.set_typed(target, entity, set)?;
        if let Some(table) = &entity.stages
            && self.value(target, &table.field).is_null()
        {
            self.put(target, &table.field, Value::text(&*table.initial));
        }
        self.stale.push_back(target.clone());
        Ok(())
    }

    /// Other values for a record.
    pub fn update(&mut self, target: &Ref, set: Vec<(Name, Value)>) -> Result<(), Refusal> {
        let entity = self.entity(&target.entity)?;
        writable(entity)?;
        self.load(target)?;
        self.set_typed(target, entity, set)?;
        if !self.changed(target).is_empty() {
            self.stale.push_back(target.clone());
        }
        Ok(())
    }

    fn set_typed(&mut self, target: &Ref, entity: &Entity, mut set: Vec<(Name, Value)>) -> Result<(), Refusal> {
        // Currencies first: amounts are read in them.
        let is_currency = |name: &Name| entity.fields.iter().any(|field| field.currency.as_ref() == Some(name));
        set.sort_by_key(|(name, _)| !is_currency(name));
        for (name, value) in set {
            let field = entity.field(&name).ok_or_else(|| unknown_column(entity, &name))?;
            if field.computed.is_some() || field.sequence.is_some() {
                if self.value(target, &name).same(&value) {
                    continue;
                }
                let text = format!("{}.{name} is computed and cannot be set", entity.name);
                return Err(Refusal::rule("computed", &entity.name, Some(&name), text));
            }
            let value = self.fit(target, field, value)?;
            self.put(target, &name, value);
            if let Some(work) = self.work.get_mut(target) {
                work.typed.insert(name);
            }
        }
        Ok(())
    }

    /// Works until nothing is to be computed any more.
    pub fn settle(&mut self) -> Result<(), Refusal> {
        while let Some(target) = self.stale.pop_front() {
            if self.work.get(&target).is_none_or(|work| work.deleted) {
                continue;
            }
            self.spend(&target)?;
            self.recompute(&target)?;
        }
        Ok(())
    }

    fn recompute(&mut self, target: &Ref) -> Result<(), Refusal> {
        let entity = self.entity(&target.entity)?;
        let before = self.changed(target);
        let first = self.work.get(target).is_some_and(|work| !work.looked_at);
        if let Some(work) = self.work.get_mut(target) {
            work.looked_at = true;
        }
        self.enter_stage(target, entity)?;
        for at in entity.fill_order() {
            if let Some(field) = entity.fields.get(*at) {
                self.fill(target, entity, field, first)?;
            }
        }
        self.follow_currency(target, entity)?;
        let after = self.changed(target);
        if first || before != after {
            let moved: Vec<Name> = after.iter().map(|(name, _)| name.clone()).collect();
            self.spread(target, entity, &moved)?;
        }
        Ok(())
    }

    /// One column: computed always, numbered once, filled on creation and when something it follows has changed.
    fn fill(&mut self, target: &Ref, entity: &Entity, field: &Field, first: bool) -> Result<(), Refusal> {
        if field.live {
            return Ok(());
        }
        if let Some(computed) = &field.computed {
            return self.evaluate(target, field, computed);
        }
        if let Some(mask) = &field.sequence {
            return if self.value(target, &field.name).is_null() { self.number(target, field, mask) } else { Ok(()) };
        }
        let Some(initial) = &field.initial else { return Ok(()) };
        let typed = self.work.get(target).is_some_and(|work| work.typed.contains(&field.name));
        let starts = first && self.is_new(target);
        let follows = || field.again_when.iter().any(|path| self.path_changed(target, entity, path));
        if typed || !(starts || follows()) {
            return Ok(());
        }
        self.evaluate(target, field, initial)
    }

    fn evaluate(&mut self, target: &Ref, field: &Field, expr: &Expr) -> Result<(), Refusal> {
        let value = self.eval(target, Some(&field.name), expr)?;
        let value = self.fit(target, field, value)?;
        self.put(target, &field.name, value);
        Ok(())
    }

    /// Whether what a path leads to has changed in this save: an own column, or a column of a record it refers to.
    fn path_changed(&self, target: &Ref, entity: &Entity, path: &[Name]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        if self.has_changed(target, first) && !(self.is_new(target) && rest.is_empty() && entity.field(first).is_none())
        {
            return true;
        }
        let mut at = self.value(target, first);
        for column in rest {
            let Value::Ref(record) = &at else { return false };
            if self.work.contains_key(record) && self.has_changed(record, column) {
                return true;
            }
            at = match self.get(record) {
                Ok(Some(found)) => found.get(column),
                _ => return false,
            };
        }
        false
    }

    /// What a change concerns: parents that sum up their children, children that read their parent.
    fn spread(&mut self, target: &Ref, entity: &Entity, moved: &[Name]) -> Result<(), Refusal> {
        for (parent, child) in self.library.parents_of(&entity.name) {
            if !parent.sums_up(&child.name) {
                continue;
            }
            for holder in [self.value(target, &child.column), self.old(target, &child.column)] {
                if let Value::Ref(holder) = holder
                    && holder.entity == parent.name
                    && self.get(&holder)?.is_some()
                {
                    self.load(&holder)?;
                    self.again(holder);
                }
            }
        }
        for child in &entity.children {
            let Some(below) = self.library.entity(&child.entity) else { continue };
            if below.read_only || !below.follows(&child.column, moved) {
                continue;
            }
            for row in self.referring(&child.entity, &child.column, target)? {
                self.load(&row)?;
                self.again(row);
            }
        }
        Ok(())
    }

    fn again(&mut self, target: Ref) {
        if !self.stale.contains(&target) {
            self.stale.push_back(target);
        }
    }

    /// The next running number, in the column's mask: a run of zeros (or `{number}`) is where it goes, else it is put behind.
    fn number(&mut self, target: &Ref, field: &Field, mask: &Expr) -> Result<(), Refusal> {
        let mask = match self.eval(target, Some(&field.name), mask)? {
            Value::Text(mask) => mask.to_string(),
            _ => String::new(),
        };
        let counter = Ref::new(COUNTERS, format!("{}.{}", target.entity, field.name));
        if !self.work.contains_key(&counter) {
            match self.window.get(&counter)? {
                Some(_) => self.load(&counter)?,
                None => self.insert_new(&counter),
            }
        }
        let last = Name::new("last");
        let next = match self.value(&counter, &last) {
            Value::Number(number) => number.saturating_add(1.into()),
            _ => 1.into(),
        };
        self.put(&counter, &last, Value::Number(next));
        self.put(target, &field.name, Value::text(masked(&mask, &next.to_string())));
        Ok(())
    }
}

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

fn writable(entity: &Entity) -> Result<(), Refusal> {
    if entity.read_only || entity.rows.is_some() {
        let text = format!("{} is kept by the library and cannot be changed", entity.name);
        return Err(Refusal::rule("read_only", &entity.name, None, text));
    }
    Ok(())
}

fn unknown_column(entity: &Entity, name: &Name) -> Refusal {
    let known = entity.fields.iter().map(|field| field.name.as_str());
    let help = crate::model::suggest::did_you_mean(name, known).map_or(String::new(), |help| format!("; {help}"));
    let text = format!("expected a column of {}, found {name}{help}", entity.name);
    Refusal::rule("unknown_column", &entity.name, Some(name), text)
}

impl Entity {
    /// The columns that a save fills, each behind those it reads.
    pub(super) fn fill_order(&self) -> &[usize] {
        self.order.0.get_or_init(|| {
            let filled =
                |field: &Field| field.initial.is_some() || field.computed.is_some() || field.sequence.is_some();
            let mut order: Vec<usize> = Vec::with_capacity(self.fields.len());
            let mut left: Vec<usize> =
                (0..self.fields.len()).filter(|at| self.fields.get(*at).is_some_and(filled)).collect();
            while !left.is_empty() {
                let free = |at: &usize| {
                    let reads = self.fields.get(*at).map(own_reads).unwrap_or_default();
                    !left.iter().any(|other| {
                        other != at && self.fields.get(*other).is_some_and(|field| reads.contains(&field.name))
                    })
                };
                // Columns that read each other in a circle keep their written order.
                let place = left.iter().position(free).unwrap_or(0);
                order.push(left.remove(place));
            }
            order
        })
    }

    /// Whether some column is computed from the list of children of this name.
    fn sums_up(&self, list: &Name) -> bool {
        self.fields.iter().any(|field| own_reads(field).contains(list))
    }

    /// Whether some column is computed or filled from one of these columns of the record that `column` refers to.
    fn follows(&self, column: &Name, moved: &[Name]) -> bool {
        let path_follows =
            |path: &[Name]| matches!(path, [first, second, ..] if first == column && moved.contains(second));
        self.fields.iter().any(|field| {
            let computed = field.computed.as_ref().filter(|_| !field.live).is_some_and(|expr| {
                expr.reads().iter().any(|read| {
                    let path: Vec<Name> = read.path.iter().map(|step| step.column.clone()).collect();
                    path_follows(&path)
                })
            });
            computed || field.again_when.iter().any(|path| path_follows(path))
        })
    }
}

/// The own columns and lists that a column's expressions read.
fn own_reads(field: &Field) -> Vec<Name> {
    let exprs = [&field.initial, &field.computed, &field.sequence];
    let reads = exprs.into_iter().flatten().flat_map(|expr| expr.reads());
    let own = reads.filter(|read| read.root == Root::Slot(crate::model::Slot(0)));
    own.filter_map(|read| read.path.first().map(|step| step.column.clone())).collect()
}
