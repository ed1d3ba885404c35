//! Evaluation: one pass over the compiled form, counted in steps.

mod call;
mod list;
mod ops;
mod text;
mod time;

pub(super) use text::string;
pub(super) use time::literal;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use super::ast::{At, Compare};
use super::builtin::Builtin;
use super::node::{Kind, Node, Part, Step, Sub, Test};
use super::{Env, EvalError, Slot, types};
use crate::model::{Name, Null, Ref, Value};

type Given<T = Value> = Result<T, EvalError>;

/// One evaluation.
pub(super) struct Eval<'e> {
    env: &'e dyn Env,
    text: &'e str,
    fuel: u64,
    locals: Vec<Value>,
}

impl<'e> Eval<'e> {
    pub fn new(env: &'e dyn Env, text: &'e str) -> Self {
        Self { env, text, fuel: env.fuel(), locals: Vec::new() }
    }

    /// The same with this much fuel.
    pub fn with_fuel(self, fuel: u64) -> Self {
        Self { fuel, ..self }
    }

    /// The fuel that is left.
    pub fn left(&self) -> u64 {
        self.fuel
    }

    /// Takes steps from the fuel.
    #[inline]
    fn spend(&mut self, steps: usize) -> Given<()> {
        match self.fuel.checked_sub(steps as u64) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => Err(EvalError::Fuel(self.env.fuel())),
        }
    }

    /// The value; null with its reason, never denied.
    pub fn eval(&mut self, node: &Node) -> Given {
        self.spend(1)?;
        match &node.kind {
            Kind::Const(value) => Ok(value.clone()),
            Kind::SlotColumn(slot, step) => self.slot_column(*slot, step),
            Kind::Slot(slot) => readable(self.env.slot(*slot)?),
            Kind::Column(of, step) => self.column(of, step),
            Kind::All(_)
            | Kind::Any(_)
            | Kind::Not(_)
            | Kind::Compare(..)
            | Kind::Same(..)
            | Kind::In(..)
            | Kind::Holds { .. } => self.condition(node).map(Value::Bool),
            Kind::Local(place) => Ok(self.locals.get(*place).cloned().unwrap_or(Value::NULL)),
            Kind::Setting(name) => readable(self.env.setting(name)?),
            Kind::Math(op, a, b) => {
                let (x, y) = (self.needed(a)?, self.needed(b)?);
                if let (Value::Text(x), Value::Text(y)) = (x.as_ref(), y.as_ref()) {
                    self.spend((x.len() + y.len()) / 16)?;
                }
                ops::math(*op, &x, &y, self.env)
            }
            Kind::Negate(of) => ops::negate(&*self.needed(of)?),
            Kind::If(test, yes, no) => {
                let branch = if self.truth(test)? { yes } else { no };
                self.eval(branch)
            }
            _ => self.compound(node),
        }
    }

    /// The rarer parts.
    fn compound(&mut self, node: &Node) -> Given {
        match &node.kind {
            Kind::Member(of, name) => self.member(of, name),
            Kind::Part(of, part, entity) => match (self.part(of, *part)?, entity) {
                (Value::Text(id), Some(entity)) => Ok(Value::Ref(Ref { entity: entity.clone(), id: Name::new(id) })),
                (value, _) => Ok(value),
            },
            Kind::Table(of, table) => Ok(match self.eval(of)? {
                Value::Text(code) => table.get(code.as_ref()).cloned().unwrap_or(Value::Null(Null::Nothing)),
                other => self.through(of, other),
            }),
            Kind::List(items) => {
                let items = items.iter().map(|item| self.eval(item)).collect::<Given<Vec<_>>>()?;
                Ok(Value::list(items))
            }
            Kind::Map(entries) => {
                let entries = entries.iter().map(|(name, value)| Ok((name.clone(), self.eval(value)?)));
                Ok(Value::Map(Arc::new(entries.collect::<Given<_>>()?)))
            }
            Kind::Instance(of, ty) => {
                let value = self.eval(of)?;
                Ok(Value::Bool(!value.is_null() && types::admits(ty, &value)))
            }
            Kind::Fit(of, ty) => match self.eval(of)? {
                value if types::admits(ty, &value) => Ok(value),
                Value::Date(day) if *ty == crate::model::Type::DateTime => self.end_of_day(day),
                value => Err(EvalError::kind(ty.to_string(), value.kind())),
            },
            Kind::EndOfDay(of) => match self.eval(of)? {
                Value::Date(day) => self.end_of_day(day),
                other => Ok(other),
            },
            Kind::Previous(_, step) => readable(self.env.previous(&step.column)?),
            Kind::Changed(_, step) => self.env.changed(&step.column).map(Value::Bool),
            Kind::Call(builtin, args) => self.call(*builtin, args),
            Kind::For { sources, local, body } => {
                let mut results = Vec::new();
                self.each(sources, *local, &mut |eval| {
                    results.push(eval.eval(body)?);
                    Ok(false)
                })?;
                Ok(Value::list(results))
            }
            Kind::Span(from, to) => self.span(from, to),
            Kind::Filter { source, local, test } => self.filter(source, *local, test),
            Kind::Index(of, place) => self.index(of, place),
            Kind::SortBy { source, local, key } => self.sort_by(source, *local, key),
            _ => Err(EvalError::range("expected an expression without problems")),
        }
    }

    /// The value, which must not be null.
    fn needed<'n>(&mut self, node: &'n Node) -> Given<Cow<'n, Value>> {
        let value = match &node.kind {
            Kind::Const(value) => Cow::Borrowed(value),
            _ => Cow::Owned(self.eval(node)?),
        };
        match value.as_ref() {
            Value::Null(reason) => Err(self.null(node.at, reason.clone())),
            _ => Ok(value),
        }
    }

    /// The value or null, borrowed where it is constant.
    fn given<'n>(&mut self, node: &'n Node) -> Given<Cow<'n, Value>> {
        match &node.kind {
            Kind::Const(value) => Ok(Cow::Borrowed(value)),
            _ => self.eval(node).map(Cow::Owned),
        }
    }

    fn null(&self, at: At, reason: Null) -> EvalError {
        let path = match at.of(self.text) {
            "" => super::INPUT,
            text => text,
        };
        EvalError::Null { path: Arc::from(path), reason }
    }

    /// The truth of a part that must be a bool.
    pub fn truth(&mut self, node: &Node) -> Given<bool> {
        match &node.kind {
            Kind::All(_)
            | Kind::Any(_)
            | Kind::Not(_)
            | Kind::Compare(..)
            | Kind::Same(..)
            | Kind::In(..)
            | Kind::Holds { .. } => {
                self.spend(1)?;
                self.condition(node)
            }
            _ => match self.needed(node)?.as_ref() {
                Value::Bool(truth) => Ok(*truth),
                other => Err(EvalError::kind("true or false", other.kind())),
            },
        }
    }

    fn condition(&mut self, node: &Node) -> Given<bool> {
        match &node.kind {
            Kind::Compare(op, a, b) => {
                if op.is_order() {
                    let (x, y) = (self.needed(a)?, self.needed(b)?);
                    return Ok(op.holds(ops::order(&x, &y, self.env)?));
                }
                let (x, y) = (self.given(a)?, self.given(b)?);
                Ok(ops::equal(&x, &y, self.env)? == (*op == Compare::Equal))
            }
            Kind::Same(a, b) => {
                let (x, y) = (self.given(a)?, self.given(b)?);
                Ok(x.same(&y))
            }
            Kind::All(parts) => self.decide(parts, false),
            Kind::Any(parts) => self.decide(parts, true),
            Kind::Not(of) => Ok(!self.truth(of)?),
            Kind::In(of, tests) => {
                let value = self.eval(of)?;
                self.passes(of.at, &value, tests)
            }
            Kind::Holds { every, sources, local, body } => {
                let mut undecided = Undecided::new(!every);
                let decided = self.each(sources, *local, &mut |eval| undecided.decides(eval.truth(body)))?;
                if decided { Ok(!every) } else { undecided.rest() }
            }
            _ => self.truth(node),
        }
    }

    /// `and`, `or`: the first part that has the deciding truth decides. A null or unknown part leaves the outcome open
    /// only when no other part decides, so the order of the parts does not matter.
    fn decide(&mut self, parts: &[Sub], deciding: bool) -> Given<bool> {
        let mut undecided = Undecided::new(deciding);
        for part in parts {
            if undecided.decides(self.truth(part))? {
                return Ok(deciding);
            }
        }
        undecided.rest()
    }

    /// Whether the value passes one of the tests.
    fn passes(&mut self, at: At, value: &Value, tests: &[Test]) -> Given<bool> {
        let mut undecided = Undecided::new(true);
        for test in tests {
            let outcome = self.passes_one(at, value, test);
            if undecided.decides(outcome)? {
                return Ok(true);
            }
        }
        undecided.rest()
    }

    fn passes_one(&mut self, at: At, value: &Value, test: &Test) -> Given<bool> {
        self.spend(1)?;
        match test {
            Test::Compare(op, with) if op.is_order() => {
                let bound = self.needed(with)?;
                self.ordered(at, value, &bound).map(|order| op.holds(order))
            }
            Test::Compare(op, with) => {
                let with = self.given(with)?;
                Ok(ops::equal(value, &with, self.env)? == (*op == Compare::Equal))
            }
            Test::Range { from, to, closed } => {
                let (from, to) = (self.needed(from)?, self.needed(to)?);
                let (low, high) = (self.ordered(at, value, &from)?, self.ordered(at, value, &to)?);
                let above = low.is_gt() || (closed.0 && low.is_eq());
                Ok(above && (high.is_lt() || (closed.1 && high.is_eq())))
            }
            Test::Among(list) => {
                let list = self.needed(list)?;
                let items = items(&list)?;
                self.spend(items.len())?;
                self.has(items, value)
            }
            Test::Holds(condition) => self.truth(condition),
            Test::None(tests) => self.passes(at, value, tests).map(|passes| !passes),
        }
    }

    fn ordered(&self, at: At, value: &Value, bound: &Value) -> Given<Ordering> {
        match value {
            Value::Null(reason) => Err(self.null(at, reason.clone())),
            _ => ops::order(value, bound, self.env),
        }
    }

    fn has(&self, items: &[Value], wanted: &Value) -> Given<bool> {
        for item in items {
            if ops::equal(item, wanted, self.env)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn slot_column(&mut self, slot: Slot, step: &Step) -> Given {
        if step.partial {
            let record = readable(self.env.slot(slot)?)?;
            return self.column_of(record, step);
        }
        match readable(self.env.slot_column(slot, &step.column)?)? {
            Value::Null(Null::Empty) if self.env.slot(slot)?.is_null() => {
                Ok(Value::Null(Null::Path(Arc::from(step.base.of(self.text)))))
            }
            value => Ok(value),
        }
    }

    fn column(&mut self, of: &Sub, step: &Step) -> Given {
        let record = self.eval(of)?;
        self.column_of(record, step)
    }

    fn column_of(&mut self, record: Value, step: &Step) -> Given {
        match record {
            Value::Ref(record) if step.partial && !step.of.contains(&record.entity) => Ok(Value::Null(Null::Nothing)),
            Value::Ref(record) => readable(self.env.column(&record, &step.column)?),
            Value::Null(Null::Empty) => Ok(Value::Null(Null::Path(Arc::from(step.base.of(self.text))))),
            Value::Null(reason) => Ok(Value::Null(reason)),
            other => Err(EvalError::kind("a record", other.kind())),
        }
    }

    /// What a null becomes that is looked into: it keeps its reason, or names what was empty.
    fn through(&self, of: &Node, null: Value) -> Value {
        match null {
            Value::Null(Null::Empty) => Value::Null(Null::Path(Arc::from(of.at.of(self.text)))),
            other => other,
        }
    }

    fn member(&mut self, of: &Sub, name: &Name) -> Given {
        let value = self.eval(of)?;
        match self.through(of, value) {
            Value::Map(entries) => Ok(entries.get(name).cloned().unwrap_or(Value::NULL)),
            Value::Ref(record) => readable(self.env.column(&record, name)?),
            Value::List(items) => {
                self.spend(items.len())?;
                let each = |item: &Value| match item {
                    Value::Map(entries) => Ok(entries.get(name).cloned().unwrap_or(Value::NULL)),
                    Value::Ref(record) => readable(self.env.column(record, name)?),
                    Value::Null(_) => Ok(item.clone()),
                    other => Err(EvalError::kind(format!("something with `{name}`"), other.kind())),
                };
                items.iter().map(each).collect::<Given<Vec<_>>>().map(Value::list)
            }
            null @ Value::Null(_) => Ok(null),
            other => self.part_of(&other, name),
        }
    }

    fn part(&mut self, of: &Sub, part: Part) -> Given {
        let value = self.eval(of)?;
        match self.through(of, value) {
            null @ Value::Null(_) => Ok(null),
            value => time::part(&value, part, self.env),
        }
    }

    fn part_of(&self, value: &Value, name: &Name) -> Given {
        match Part::named(name) {
            Some(part) => time::part(value, part, self.env),
            None => Err(EvalError::kind(format!("something with `{name}`"), value.kind())),
        }
    }

    fn end_of_day(&self, day: chrono::NaiveDate) -> Given {
        self.env.calendar().end_of_day(day).map(Value::DateTime).ok_or_else(ops::beyond)
    }
}

/// What is known while no part has decided yet.
struct Undecided {
    deciding: bool,
    open: Option<EvalError>,
}

impl Undecided {
    fn new(deciding: bool) -> Self {
        Self { deciding, open: None }
    }

    /// Whether this part decides.
    fn decides(&mut self, part: Given<bool>) -> Given<bool> {
        match part {
            Ok(truth) => Ok(truth == self.deciding),
            Err(error) if error.is_open() => {
                self.open.get_or_insert(error);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The outcome when no part decided.
    fn rest(self) -> Given<bool> {
        self.open.map_or(Ok(!self.deciding), Err)
    }
}

/// A value that the environment gave: what may not be read is an error.
#[inline]
fn readable(value: Value) -> Given {
    match value {
        Value::Denied(denied) => Err(EvalError::Denied(denied)),
        value => Ok(value),
    }
}

fn items(list: &Value) -> Given<&[Value]> {
    match list {
        Value::List(items) => Ok(items),
        other => Err(EvalError::kind("a list", other.kind())),
    }
}
