//! Evaluation in a process: what the names of a step mean, and what a room may ask of its view.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::definition::{Assign, Catalog, Root, Target};
use super::multi_instance::Counts;
use super::room::{Effect, Fault, Given, View};
use super::stage_change::StageChange;
use crate::entity::{Access, AccessError, Query, Record, RecordEnv, Window, Wish};
use crate::instance::rows::Values;
use crate::model::expr::{Env, EvalError, Expr, Slot, Template};
use crate::model::{Calendar, Name, Ref, Value};

/// The names of a step, over its view.
pub(super) struct ProcessEnv<'v, 'a> {
    view: &'v View<'a>,
    records: RecordEnv<'v>,
    /// The records whose columns were read, when somebody wants to know.
    read: Option<RefCell<Vec<Ref>>>,
}

impl<'v, 'a> ProcessEnv<'v, 'a> {
    pub(super) fn new(view: &'v View<'a>) -> Self {
        let records = RecordEnv::new(&view.catalog.library, view.window, view.now);
        Self { view, records, read: None }
    }

    fn root(&self, root: &Root) -> Value {
        let view = self.view;
        let map = |values: Option<&Values>| values.map_or(Value::NULL, |values| Value::Map(Arc::new(values.clone())));
        match root {
            Root::Record => view.state.record.clone().map_or(Value::NULL, Value::Ref),
            Root::Var(var) => {
                view.state.var(view.scope, var.scope, usize::from(var.index)).cloned().unwrap_or(Value::NULL)
            }
            Root::User => view.acting_user().map_or(Value::NULL, Value::Ref),
            Root::Instance => view.about_instance(),
            Root::Event => view.given.event.map_or(Value::NULL, |event| Value::Ref(event.record().clone())),
            Root::Message => map(view.given.message),
            Root::Task => map(view.given.task.map(|task| task()).as_ref()),
            Root::Form(name) => entry(view.given.form, name),
            Root::Row => view.given.row.cloned().map_or(Value::NULL, Value::Ref),
            Root::Result => map(view.given.result),
            Root::Returned(name) => entry(view.given.result, name),
            Root::Error => map(view.given.error),
            Root::Loop => view.about_loop(),
            Root::Arrived => {
                view.given.arrived.map_or(Value::NULL, |branches| Value::list(branches.iter().map(Value::text)))
            }
        }
    }
}

impl ProcessEnv<'_, '_> {
    /// What the form that is being saved says of a column of the run's own record: it is saved with what is read here (S22).
    fn entered(&self, record: &Ref, column: &Name) -> Option<Value> {
        let form = self.view.given.form.filter(|_| self.view.state.record.as_ref() == Some(record))?;
        form.iter().find(|(name, _)| name.strip_prefix("self.") == Some(&**column)).map(|(_, value)| value.clone())
    }
}

fn entry(values: Option<&Values>, name: &Name) -> Value {
    values.and_then(|values| values.get(name)).cloned().unwrap_or(Value::NULL)
}

impl Env for ProcessEnv<'_, '_> {
    fn slot(&self, slot: Slot) -> Result<Value, EvalError> {
        match self.view.def.root(slot) {
            Some(root) => Ok(self.root(root)),
            None => Err(EvalError::failed("a name of the expression has no meaning")),
        }
    }

    fn column(&self, record: &Ref, column: &Name) -> Result<Value, EvalError> {
        if let Some(read) = &self.read
            && !self.view.catalog.library.is_lookup_entity(&record.entity)
        {
            read.borrow_mut().push(record.clone());
        }
        // The condition of an event is evaluated at the save that made it (S16).
        match self.view.given.event {
            Some(event) if event.record() == record && event.holds(column) => Ok(event.value(column)),
            _ => match self.entered(record, column) {
                Some(value) => Ok(value),
                None => self.records.column(record, column),
            },
        }
    }

    fn setting(&self, name: &str) -> Result<Value, EvalError> {
        self.records.setting(name)
    }

    fn now(&self) -> DateTime<Utc> {
        self.view.now
    }

    fn calendar(&self) -> &Calendar {
        let named = self.view.def.calendar.as_ref();
        named.and_then(|name| self.view.catalog.library.calendars.get(name)).unwrap_or_else(|| self.records.calendar())
    }

    fn base_currency(&self) -> Option<Name> {
        self.records.base_currency()
    }

    fn rate(&self, currency: &Name, day: NaiveDate) -> Result<Decimal, EvalError> {
        self.records.rate(currency, day)
    }

    fn previous(&self, column: &Name) -> Result<Value, EvalError> {
        match self.view.given.event {
            Some(event) => Ok(event.previous(column)),
            None => Err(EvalError::failed(format!("expected a changing record for previous({column}), found none"))),
        }
    }

    fn changed(&self, column: &Name) -> Result<bool, EvalError> {
        match self.view.given.event {
            Some(event) => Ok(event.has_changed(column)),
            None => Err(EvalError::failed(format!("expected a changing record for changed({column}), found none"))),
        }
    }
}

/// The names under which the library maps a task to its own record: `task.title`, `task.assignee` …
pub struct MirrorEnv<'a> {
    /// The library.
    pub catalog: &'a Catalog,
    /// The read window.
    pub window: &'a dyn Window,
    /// The task's values.
    pub task: &'a Values,
    /// The instant of the turn.
    pub now: DateTime<Utc>,
}

impl Env for MirrorEnv<'_> {
    fn slot(&self, _: Slot) -> Result<Value, EvalError> {
        Ok(Value::Map(Arc::new(self.task.clone())))
    }

    fn column(&self, record: &Ref, column: &Name) -> Result<Value, EvalError> {
        RecordEnv::new(&self.catalog.library, self.window, self.now).column(record, column)
    }

    fn now(&self) -> DateTime<Utc> {
        self.now
    }
}

/// What a room may ask.
impl<'a> View<'a> {
    /// The value of an expression; a null stays a null.
    ///
    /// # Errors
    /// A fault that shows the expression: a denied value is `access_denied`, anything else `expression_failed`.
    pub fn eval(&self, expr: &Expr) -> Result<Value, Fault> {
        if let Some(value) = expr.constant() {
            return Ok(value.clone());
        }
        expr.eval(&ProcessEnv::new(self)).map_err(|error| eval_fault(expr.text(), &error))
    }

    /// The value of an expression that must have one.
    ///
    /// # Errors
    /// As [`View::eval`], and for a null.
    pub fn needed(&self, expr: &Expr) -> Result<Value, Fault> {
        match self.eval(expr)? {
            Value::Null(reason) => Err(Fault::new("null_value", format!("`{}` has no value: {reason}", expr.text()))),
            value => Ok(value),
        }
    }

    /// The truth of a condition; a null is a fault.
    ///
    /// # Errors
    /// As [`View::eval`], and for a null.
    pub fn truth(&self, condition: &Expr) -> Result<bool, Fault> {
        condition.eval_bool(&ProcessEnv::new(self)).map_err(|error| eval_fault(condition.text(), &error))
    }

    /// Whether a filter or the `when` of an event holds: a null is no match.
    ///
    /// # Errors
    /// Whatever is no null.
    pub fn fits(&self, condition: &Expr) -> Result<bool, Fault> {
        let truth = condition.eval3(&ProcessEnv::new(self)).map_err(|error| eval_fault(condition.text(), &error))?;
        Ok(truth == Some(true))
    }

    /// What a condition gives now, and the records it read. A null is false: it is not true yet.
    ///
    /// # Errors
    /// Whatever is no null.
    pub fn watch(&self, condition: &Expr) -> Result<(bool, Vec<Ref>), Fault> {
        let env = ProcessEnv { read: Some(RefCell::new(Vec::new())), ..ProcessEnv::new(self) };
        let truth = condition.eval3(&env).map_err(|error| eval_fault(condition.text(), &error))?;
        Ok((truth == Some(true), read_of(env)))
    }

    /// The records that an expression reads.
    pub fn reads_of(&self, expr: &Expr) -> Vec<Ref> {
        let env = ProcessEnv { read: Some(RefCell::new(Vec::new())), ..ProcessEnv::new(self) };
        // Only what was read on the way matters here; the value is asked for elsewhere.
        let _value = expr.eval(&env);
        read_of(env)
    }

    /// A filled text.
    ///
    /// # Errors
    /// When a value in it is null or denied.
    pub fn fill(&self, template: &Template) -> Result<String, Fault> {
        template.eval(&ProcessEnv::new(self)).map_err(|error| eval_fault(template.text(), &error))
    }

    /// The record that an expression names.
    ///
    /// # Errors
    /// When it is null, or no record.
    pub fn record(&self, expr: &Expr) -> Result<Ref, Fault> {
        match self.needed(expr)? {
            Value::Ref(record) => Ok(record),
            other => Err(Fault::new("wrong_type", format!("expected a record in `{}`, found {other}", expr.text()))),
        }
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// When it is null, negative or too large.
    pub fn count(&self, expr: &Expr) -> Result<usize, Fault> {
        let value = self.needed(expr)?;
        let number = if let Value::Number(number) = &value { number.to_usize() } else { None };
        number.ok_or_else(|| Fault::new("wrong_type", format!("expected a count in `{}`, found {value}", expr.text())))
    }

    /// The instant that an expression gives: an instant, the end of a working day, or a duration from `from`.
    ///
    /// # Errors
    /// When it is null, or none of these.
    pub fn instant(&self, expr: &Expr, from: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
        let env = ProcessEnv::new(self);
        let calendar = env.calendar();
        let found = match self.needed(expr)? {
            Value::DateTime(at) => Some(at),
            Value::Date(day) => calendar.end_of_day(day),
            Value::Duration(length) => calendar.add(from, &length),
            other => {
                let text = expr.text();
                return Err(Fault::new(
                    "wrong_type",
                    format!("expected a duration or an instant in `{text}`, found {other}"),
                ));
            }
        };
        found
            .ok_or_else(|| Fault::new("out_of_range", format!("`{}` leads to a date that does not exist", expr.text())))
    }

    /// Named expressions, evaluated.
    ///
    /// # Errors
    /// As [`View::eval`].
    pub fn eval_all(&self, named: &[(Name, Expr)]) -> Result<Values, Fault> {
        let mut values = Values::new();
        for (name, expr) in named {
            values.insert(name.clone(), self.eval(expr)?);
        }
        Ok(values)
    }

    /// The same view with the row that a filter looks at.
    ///
    /// # Errors
    /// What `ask` gives.
    pub fn with_row<T>(&self, row: &Ref, ask: impl FnOnce(&View<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let given = Given { row: Some(row), ..*self.given };
        ask(&View { given: &given, ..*self })
    }

    /// A record as it stands after the moves before this one.
    ///
    /// # Errors
    /// When it is gone, or the store fails.
    pub fn load(&self, record: &Ref) -> Result<Arc<Record>, Fault> {
        match Access::system(self.window).record(record).map_err(|error| access_fault(&error))? {
            Some(found) => Ok(found),
            None => Err(Fault::new("record_gone", format!("expected {record}, found no such record"))),
        }
    }

    /// The records of a query.
    ///
    /// # Errors
    /// When the store fails.
    pub fn query(&self, query: &Query) -> Result<Vec<Arc<Record>>, Fault> {
        Access::system(self.window).records(query).map_err(|error| access_fault(&error))
    }

    /// Assignments as effects: variables in order, the columns of one record as one save.
    ///
    /// # Errors
    /// As [`View::eval`].
    pub fn assignments(&self, set: &[Assign]) -> Result<Vec<Effect>, Fault> {
        self.assignments_with(set, None)
    }

    /// Assignments, the columns that a form brought, and a move to a stage: the columns of one record are one save.
    ///
    /// # Errors
    /// As [`View::eval`].
    pub fn assignments_with(&self, set: &[Assign], stage: Option<&StageChange>) -> Result<Vec<Effect>, Fault> {
        let mut effects = Vec::with_capacity(set.len());
        let mut saves: Vec<(Ref, BTreeMap<Name, Value>)> = self.form_columns().into_iter().collect();
        for Assign { target, value } in set {
            let value = self.eval(value)?;
            match target {
                Target::Var(var) => effects.push(Effect::Assign(*var, value)),
                Target::Column(record, column) => {
                    columns_of(&mut saves, self.record(record)?).insert(column.clone(), value);
                }
            }
        }
        if let Some(Wish::Update { target, set }) = stage.map(|stage| stage.wish(self)).transpose()? {
            columns_of(&mut saves, target).extend(set);
        }
        effects.extend(
            saves
                .into_iter()
                .map(|(target, set)| Effect::Save(Wish::Update { target, set: set.into_iter().collect() }, None)),
        );
        Ok(effects)
    }

    /// The columns of the run's own record that a form brought.
    fn form_columns(&self) -> Option<(Ref, BTreeMap<Name, Value>)> {
        let form = self.given.form?;
        let columns: BTreeMap<Name, Value> = form
            .iter()
            .filter_map(|(name, value)| Some((Name::new(name.strip_prefix("self.")?), value.clone())))
            .collect();
        if columns.is_empty() { None } else { Some((self.state.record.clone()?, columns)) }
    }

    /// Who acts: the person whose command this is, else the one on whose behalf the run goes.
    pub fn acting_user(&self) -> Option<Ref> {
        self.principal.user().cloned().or_else(|| self.state.initiator.clone())
    }

    /// What is known of the innermost round.
    fn about_loop(&self) -> Value {
        let (counter, instances, active, completed) = match (self.given.rounds, Counts::of(self.state, self.scope)) {
            (Some(rounds), _) => (rounds, None, 0, usize::try_from(rounds).unwrap_or(usize::MAX)),
            (None, Some(found)) => (found.counter, found.instances, found.active, found.completed),
            (None, None) => return Value::NULL,
        };
        let number = |count: usize| Value::Number(count.into());
        let counts =
            [Value::Number(counter.into()), instances.map_or(Value::NULL, number), number(active), number(completed)];
        let names = ["counter", "instances", "active", "completed"].map(Name::new);
        Value::Map(Arc::new(names.into_iter().zip(counts).collect()))
    }

    fn about_instance(&self) -> Value {
        let text = |name: &str, value: Value| (Name::new(name), value);
        let initiator = self.state.initiator.clone().map_or(Value::NULL, Value::Ref);
        Value::Map(Arc::new(BTreeMap::from([
            text("id", Value::text(self.instance.to_string())),
            text("process", Value::text(&*self.state.process)),
            text("version", Value::Number(self.state.version.into())),
            text("initiator", initiator),
        ])))
    }
}

fn columns_of(saves: &mut Vec<(Ref, BTreeMap<Name, Value>)>, record: Ref) -> &mut BTreeMap<Name, Value> {
    let at = match saves.iter().position(|(target, _)| *target == record) {
        Some(at) => at,
        None => {
            saves.push((record, BTreeMap::new()));
            saves.len().saturating_sub(1)
        }
    };
    &mut saves[at].1
}

fn read_of(env: ProcessEnv<'_, '_>) -> Vec<Ref> {
    let mut read = env.read.map(RefCell::into_inner).unwrap_or_default();
    read.sort();
    read.dedup();
    read
}

pub(super) fn eval_fault(text: &str, error: &EvalError) -> Fault {
    if error.is_denied() {
        return Fault::error("access_denied", format!("`{text}`: {error}"));
    }
    let code = if error.is_null() { "null_value" } else { "expression_failed" };
    Fault::new(code, format!("`{text}`: {error}"))
}

fn access_fault(error: &AccessError) -> Fault {
    match error {
        AccessError::Denied(denied) => Fault::error("access_denied", denied.to_string()),
        _ => Fault::new("store_failed", error.to_string()),
    }
}
