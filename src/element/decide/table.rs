//! A decision table: inputs, rules, outputs, and which of the rules that fit count.

use std::cell::Cell;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::instance::rows::Values;
use crate::model::expr::{Env, EvalError, Expr, FUEL, Slot};
use crate::model::{Calendar, Name, Ref, Span, Text, Type, Value};

/// A decision table, checked. Its expressions know the inputs by their positions: input `n` is [`Slot`]`(n)`.
#[derive(Debug, Default)]
pub struct Table {
    /// Its name; none when it stands in a step.
    pub name: Option<Name>,
    /// Its version.
    pub version: u32,
    /// The title for people.
    pub title: Text,
    /// What it is asked with.
    pub inputs: Vec<Input>,
    /// What it answers.
    pub outputs: Vec<Output>,
    /// Which of the rules that fit count.
    pub hit: Hit,
    /// Its rules, in written order.
    pub rules: Vec<Rule>,
    /// The outputs when no rule fits.
    pub otherwise: Option<Vec<Expr>>,
    /// The file it came from.
    pub file: String,
}

/// One thing that a table is asked with.
#[derive(Debug)]
pub struct Input {
    /// Its name.
    pub name: Name,
    /// Its title for people; may be empty.
    pub title: Text,
    /// Its type.
    pub ty: Type,
    /// Whether it must have a value.
    pub required: bool,
}

/// One thing that a table answers.
#[derive(Debug)]
pub struct Output {
    /// Its name.
    pub name: Name,
    /// Its title for people; may be empty.
    pub title: Text,
    /// Its type in one rule.
    pub ty: Type,
}

/// One rule of a table.
#[derive(Debug)]
pub struct Rule {
    /// The title for people; may be empty.
    pub title: Text,
    /// One cell per input; none lets everything pass.
    pub when: Vec<Option<Expr>>,
    /// One expression per output.
    pub then: Vec<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// Which of the rules that fit count: DMN's hit policies.
#[derive(Clone, Debug, Default)]
pub enum Hit {
    /// At most one rule may fit.
    #[default]
    Unique,
    /// Several may fit when they answer the same.
    Any,
    /// The first that fits, in written order.
    First,
    /// The one whose outputs come first among their declared codes.
    Priority,
    /// All that fit, in written order.
    RuleOrder,
    /// All that fit, in the order of priority.
    OutputOrder,
    /// All that fit; or their sum, smallest, largest or number, an expression over the list in the slot behind the inputs.
    Collect(Option<Expr>),
}

impl Hit {
    /// Whether the answer is one rule's.
    pub fn is_single(&self) -> bool {
        matches!(self, Hit::Unique | Hit::Any | Hit::First | Hit::Priority)
    }
}

/// What a table answered.
#[derive(Debug, PartialEq)]
pub struct Decided {
    /// The rules that counted, from 0; empty when it was `otherwise`.
    pub rules: Vec<usize>,
    /// The outputs by name.
    pub outputs: Values,
}

/// Why a table has no answer.
#[derive(Debug, PartialEq)]
pub enum Undecided {
    /// No rule fits.
    NoRule,
    /// These rules fit, and only one may.
    Several(usize, usize),
    /// These rules fit and answer differently.
    Differ(usize, usize),
    /// An expression, as written, cannot be evaluated.
    Failed(String, EvalError),
}

impl Table {
    /// What a step can take of the answer, with the types.
    pub fn answers(&self) -> Vec<(Name, Type)> {
        let ty = |output: &Output| match &self.hit {
            Hit::Collect(Some(gather)) => gather.ty().clone(),
            hit if hit.is_single() => output.ty.clone(),
            _ => Type::list(output.ty.clone()),
        };
        self.outputs.iter().map(|output| (output.name.clone(), ty(output))).collect()
    }

    /// What the table is called in messages.
    pub fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or("the table")
    }

    /// The answer for these inputs, one per input of the table. `env` knows records, settings and the time. The whole table takes
    /// no more steps than one expression may.
    ///
    /// # Errors
    /// When no rule fits, rules contradict each other, or an expression cannot be evaluated.
    pub fn decide(&self, env: &dyn Env, inputs: Vec<Value>) -> Result<Decided, Undecided> {
        let mut env = TableEnv { outer: env, values: inputs, fuel: Cell::new(FUEL) };
        let hits = self.hits(&env)?;
        if hits.is_empty() {
            return self.nothing_fits(env);
        }
        let mut rows = Vec::new();
        for hit in hits {
            let then = self.rules.get(hit).map_or(&[][..], |rule| &rule.then);
            rows.push((hit, values(then, &env)?));
        }
        if matches!(self.hit, Hit::Priority | Hit::OutputOrder) {
            rows.sort_by_key(|(_, row)| self.rank(row));
        }
        if let (Hit::Any, [(first, row), others @ ..]) = (&self.hit, rows.as_slice())
            && let Some((other, _)) = others.iter().find(|(_, other)| other != row)
        {
            return Err(Undecided::Differ(*first, *other));
        }
        if self.hit.is_single() && !matches!(self.hit, Hit::Any) {
            rows.truncate(1);
        }
        let rules = rows.iter().map(|(rule, _)| *rule).collect();
        let outputs = self.outputs_of(rows.into_iter().map(|(_, row)| row).collect(), &mut env)?;
        Ok(Decided { rules, outputs })
    }

    /// The rules that fit, as far as they are needed.
    fn hits(&self, env: &TableEnv<'_>) -> Result<Vec<usize>, Undecided> {
        let mut hits = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            if !fits(rule, env)? {
                continue;
            }
            match (&self.hit, hits.first()) {
                (Hit::First, _) => return Ok(vec![at]),
                (Hit::Unique, Some(first)) => return Err(Undecided::Several(*first, at)),
                _ => hits.push(at),
            }
        }
        Ok(hits)
    }

    fn nothing_fits(&self, mut env: TableEnv<'_>) -> Result<Decided, Undecided> {
        let rows = match &self.otherwise {
            Some(otherwise) => vec![values(otherwise, &env)?],
            None if self.hit.is_single() => return Err(Undecided::NoRule),
            None => Vec::new(),
        };
        let is_answer = !rows.is_empty();
        let outputs = self.outputs_of(rows, &mut env)?;
        // The smallest and the largest of nothing are no answer.
        if !is_answer && outputs.values().any(Value::is_null) {
            return Err(Undecided::NoRule);
        }
        Ok(Decided { rules: Vec::new(), outputs })
    }

    /// The outputs by name: of one rule, or of all as lists, or gathered.
    fn outputs_of(&self, rows: Vec<Vec<Value>>, env: &mut TableEnv<'_>) -> Result<Values, Undecided> {
        let mut outputs = Values::new();
        for (at, output) in self.outputs.iter().enumerate() {
            let mut column = rows.iter().map(|row| row.get(at).cloned().unwrap_or(Value::NULL));
            let value = match &self.hit {
                hit if hit.is_single() => column.next().unwrap_or(Value::NULL),
                Hit::Collect(Some(gather)) => {
                    env.values.truncate(self.inputs.len());
                    env.values.push(Value::list(column));
                    eval(gather, env)?
                }
                _ => Value::list(column),
            };
            outputs.insert(output.name.clone(), value);
        }
        Ok(outputs)
    }

    /// The place of a row by the order in which its outputs' codes are declared, the first output first.
    fn rank(&self, row: &[Value]) -> Vec<usize> {
        let place = |(output, value): (&Output, &Value)| match (&output.ty, value) {
            (Type::Enum(codes), Value::Text(code)) => codes.values.iter().position(|(known, _)| **known == **code),
            _ => None,
        };
        self.outputs.iter().zip(row).map(|pair| place(pair).unwrap_or(usize::MAX)).collect()
    }
}

fn fits(rule: &Rule, env: &TableEnv<'_>) -> Result<bool, Undecided> {
    for cell in rule.when.iter().flatten() {
        // What a null leaves open does not fit.
        if env.spending(cell, |fuel| cell.eval3_within(env, fuel))? != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn values(then: &[Expr], env: &TableEnv<'_>) -> Result<Vec<Value>, Undecided> {
    then.iter().map(|output| eval(output, env)).collect()
}

fn eval(expr: &Expr, env: &TableEnv<'_>) -> Result<Value, Undecided> {
    env.spending(expr, |fuel| expr.eval_within(env, fuel))
}

/// The inputs by position, over a world that knows the rest.
struct TableEnv<'e> {
    outer: &'e dyn Env,
    values: Vec<Value>,
    /// What is left for the rest of the table.
    fuel: Cell<u64>,
}

impl TableEnv<'_> {
    fn spending<T>(&self, expr: &Expr, ask: impl FnOnce(&mut u64) -> Result<T, EvalError>) -> Result<T, Undecided> {
        let mut fuel = self.fuel.get();
        let answer = ask(&mut fuel);
        self.fuel.set(fuel);
        answer.map_err(|error| Undecided::Failed(expr.text().to_owned(), error))
    }
}

impl Env for TableEnv<'_> {
    fn slot(&self, slot: Slot) -> Result<Value, EvalError> {
        Ok(self.values.get(usize::from(slot.0)).cloned().unwrap_or(Value::NULL))
    }

    fn column(&self, record: &Ref, column: &Name) -> Result<Value, EvalError> {
        self.outer.column(record, column)
    }

    fn setting(&self, name: &str) -> Result<Value, EvalError> {
        self.outer.setting(name)
    }

    fn now(&self) -> DateTime<Utc> {
        self.outer.now()
    }

    fn calendar(&self) -> &Calendar {
        self.outer.calendar()
    }

    fn base_currency(&self) -> Option<Name> {
        self.outer.base_currency()
    }

    fn rate(&self, currency: &Name, day: NaiveDate) -> Result<Decimal, EvalError> {
        self.outer.rate(currency, day)
    }
}
