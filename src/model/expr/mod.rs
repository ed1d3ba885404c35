//! The expression language: compiled against a [`Schema`] and the [`Names`] in scope, evaluated against an [`Env`].
//!
//! It knows no process, no store and no clock: names are slots, columns are asked of the environment.
//!
//! ```
//! use stageflow::model::expr::{Expr, Names, NoSchema};
//! use stageflow::model::{Span, Value};
//! let expr = Expr::compile("sum([1, 2, 3]) > 5", Span::default(), &NoSchema, &Names::new(), None).unwrap();
//! assert_eq!(expr.constant(), Some(&Value::Bool(true)));      // what is constant is computed when compiled
//! ```
//!
//! Below is the reference for those who write processes.
//!
#![doc = include_str!("../../docs/expressions.md")]

mod ast;
mod builtin;
mod compile;
mod env;
mod eval;
mod lex;
mod names;
mod never;
mod node;
mod parse;
mod problem;
mod reads;
mod schema;
mod template;
mod types;

pub use env::{Env, EvalError};
pub use names::{Entry, Names, Row, Slot};
pub use parse::{MAX_DEPTH, MAX_LENGTH, MAX_NODES};
pub use problem::ExprProblem;
pub use reads::{Read, ReadStep, Root};
pub use schema::{NoSchema, Schema};
pub use template::Template;

use std::sync::{Arc, OnceLock};

use ast::At;
use compile::{Scope, Typed};
use eval::Eval;
use node::{Kind, Node, Sub, Test};

use super::{Name, Span, Type, Value};

/// Whether the word has a meaning of its own in expressions, so that no column or variable can go by it.
pub fn is_keyword(word: &str) -> bool {
    parse::KEYWORDS.contains(&word)
}

/// How many steps an evaluation may take unless the environment says otherwise.
pub const FUEL: u64 = 200_000;

/// A compiled expression. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Expr {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The text of the whole, which the places in the parts refer to.
    text: Arc<str>,
    /// The stretch that this expression is.
    at: At,
    node: Sub,
    ty: Type,
    reads: OnceLock<Vec<Read>>,
}

impl Expr {
    /// Compiles `text`, which stands at `span`. `expected` is the type of the place the value goes to: it says what a bare word
    /// means (an enum value, stage or lookup row), and the value is checked against it. A number where money is expected stays a
    /// number: it takes the currency of the place it is stored in. A date where an instant is expected becomes the end of that
    /// working day.
    ///
    /// # Errors
    /// Every problem of the text, each with its place.
    pub fn compile(
        text: &str,
        span: Span,
        schema: &dyn Schema,
        names: &Names,
        expected: Option<&Type>,
    ) -> Result<Expr, Vec<ExprProblem>> {
        let typed = compile::expression(&Scope { text, span, schema, names }, expected)?;
        Ok(Self::whole(text, typed))
    }

    fn whole(text: &str, typed: Typed) -> Expr {
        Self::part(Arc::from(text), At::new(0, text.len()), typed.node, typed.ty)
    }

    fn part(text: Arc<str>, at: At, node: Sub, ty: Type) -> Expr {
        Expr { inner: Arc::new(Inner { text, at, node, ty, reads: OnceLock::new() }) }
    }

    /// A part of this expression as one of its own.
    fn sub(&self, node: &Sub, ty: Type) -> Expr {
        Self::part(Arc::clone(&self.inner.text), node.at, Arc::clone(node), ty)
    }

    /// Compiles a decision cell, a list of FEEL's unary tests on the value of `input`: `<= 100`, `(100..1000]`, `"a", "b"`,
    /// `not(x)`, `-`. In it `?` is the input.
    ///
    /// # Errors
    /// Every problem of the text, each with its place.
    pub fn compile_unary_test(
        text: &str,
        span: Span,
        schema: &dyn Schema,
        names: &Names,
        input: (&Type, Slot),
    ) -> Result<Expr, Vec<ExprProblem>> {
        let typed = compile::cell(&Scope { text, span, schema, names }, input)?;
        Ok(Self::whole(text, typed))
    }

    /// An expression that always gives `value`; `text` is what it was written as.
    pub fn literal(text: impl Into<String>, value: Value, ty: Type) -> Expr {
        let text = text.into();
        let node = Node::new(Kind::Const(value), At::new(0, text.len()));
        Self::whole(&text, Typed { node, ty })
    }

    /// The type of its value.
    pub fn ty(&self) -> &Type {
        &self.inner.ty
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        self.inner.at.of(&self.inner.text)
    }

    /// Exactly what it can read.
    pub fn reads(&self) -> &[Read] {
        self.inner.reads.get_or_init(|| reads::of(&self.inner.node))
    }

    /// Whether it asks for the time: `now()`, `today()`.
    pub fn reads_clock(&self) -> bool {
        self.inner.node.has(&|kind| matches!(kind, Kind::Call(builtin, _) if builtin.asks_the_time()))
    }

    /// The value, when it is the same in every environment.
    pub fn constant(&self) -> Option<&Value> {
        self.inner.node.constant()
    }

    /// The value. A null is returned as a null with its reason; a denied value is an error.
    ///
    /// # Errors
    /// A null where a value is needed, a denied value, two currencies, too many steps, or what the environment reports.
    pub fn eval(&self, env: &dyn Env) -> Result<Value, EvalError> {
        bounded(Eval::new(env, &self.inner.text).eval(&self.inner.node)?)
    }

    /// The truth of a condition.
    ///
    /// # Errors
    /// As [`Expr::eval`]; a null is [`EvalError::Null`].
    pub fn eval_bool(&self, env: &dyn Env) -> Result<bool, EvalError> {
        Eval::new(env, &self.inner.text).truth(&self.inner.node)
    }

    /// The truth of a condition; none: unknown, because of a null or of a value that the environment does not know.
    ///
    /// # Errors
    /// Every error but a null and [`EvalError::Unknown`].
    pub fn eval3(&self, env: &dyn Env) -> Result<Option<bool>, EvalError> {
        match self.eval_bool(env) {
            Err(error) if error.is_open() => Ok(None),
            other => other.map(Some),
        }
    }

    /// As [`Expr::eval`], within a budget that several evaluations share: what this one takes is taken off.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn eval_within(&self, env: &dyn Env, fuel: &mut u64) -> Result<Value, EvalError> {
        let mut eval = Eval::new(env, &self.inner.text).with_fuel(*fuel);
        let value = eval.eval(&self.inner.node);
        *fuel = eval.left();
        bounded(value?)
    }

    /// As [`Expr::eval3`], within a budget that several evaluations share: what this one takes is taken off.
    ///
    /// # Errors
    /// As [`Expr::eval3`].
    pub fn eval3_within(&self, env: &dyn Env, fuel: &mut u64) -> Result<Option<bool>, EvalError> {
        let mut eval = Eval::new(env, &self.inner.text).with_fuel(*fuel);
        let truth = eval.truth(&self.inner.node);
        *fuel = eval.left();
        match truth {
            Err(error) if error.is_open() => Ok(None),
            other => other.map(Some),
        }
    }

    /// What a decision cell compares its input with, when that is all it does and none of it can change; nothing when the cell
    /// lets everything pass. Else none: what the cell lets pass is only known when it is evaluated.
    pub fn bounds(&self) -> Option<Bounds> {
        let mut bounds = Bounds::default();
        match &self.inner.node.kind {
            Kind::Const(Value::Bool(true)) => Some(bounds),
            Kind::In(of, tests) if matches!(of.kind, Kind::Slot(_)) => {
                tests.iter().all(|test| bounds.take(test)).then_some(bounds)
            }
            _ => None,
        }
    }

    /// The value, with a denied one as [`Value::Denied`] instead of an error: for showing, never for deciding.
    ///
    /// # Errors
    /// As [`Expr::eval`], but for [`EvalError::Denied`].
    pub fn eval_visible(&self, env: &dyn Env) -> Result<Value, EvalError> {
        match self.eval(env) {
            Err(EvalError::Denied(denied)) => Ok(Value::Denied(denied)),
            other => other,
        }
    }

    /// The parts of a conjunction `a and b and c`; the expression itself when it is none.
    pub fn conjuncts(&self) -> Vec<Expr> {
        let mut parts = Vec::new();
        conjuncts(&self.inner.node, &mut parts);
        if parts.len() == 1 {
            vec![self.clone()]
        } else {
            parts.iter().map(|part| self.sub(part, Type::Bool)).collect()
        }
    }

    /// The conjuncts that fix a column of the record in `row`: `column = value`, with values that don't read that record.
    /// They narrow a query; the whole condition is still to be evaluated on what is found. Amounts are left out: they are
    /// equal to plain numbers, which an index does not know.
    pub fn equalities(&self, row: Slot) -> Vec<(Name, Expr)> {
        let mut parts = Vec::new();
        conjuncts(&self.inner.node, &mut parts);
        parts.iter().filter_map(|part| self.equality(part, row)).collect()
    }

    fn equality(&self, part: &Sub, row: Slot) -> Option<(Name, Expr)> {
        let Kind::Same(a, b) = &part.kind else { return None };
        let column = |side: &Sub| match &side.kind {
            Kind::SlotColumn(slot, step) if *slot == row && !step.partial => Some(step.column.clone()),
            _ => None,
        };
        let (name, value) = match (column(a), column(b)) {
            (Some(name), None) => (name, b),
            (None, Some(name)) => (name, a),
            _ => return None,
        };
        let of_row = |kind: &Kind| matches!(kind, Kind::Slot(slot) | Kind::SlotColumn(slot, _) if *slot == row);
        let fixed = !value.has(&of_row) && !value.is_null();
        fixed.then(|| (name, self.sub(value, Type::Any)))
    }

    /// What the expression reads, path by path, with the values they have now: for showing why a condition is what it is.
    /// Paths inside of iterations are left out, as are constants.
    pub fn inputs(&self, env: &dyn Env) -> Vec<(String, Result<Value, EvalError>)> {
        let mut paths: Vec<Sub> = Vec::new();
        inputs(&self.inner.node, &mut paths);
        let mut seen: Vec<(String, Result<Value, EvalError>)> = Vec::new();
        for path in paths {
            let part = self.sub(&path, Type::Any);
            let text = if part.text().is_empty() { INPUT } else { part.text() };
            if !seen.iter().any(|(known, _)| known == text) {
                seen.push((text.to_owned(), part.eval_visible(env)));
            }
        }
        seen
    }
}

/// A variable that is wrapped in a list again and again must not grow deeper than what can be stored.
fn bounded(value: Value) -> Result<Value, EvalError> {
    if value.is_deeper_than(crate::model::code::MAX_DEPTH) {
        return Err(EvalError::range("expected lists and contexts of at most 32 levels, found more"));
    }
    Ok(value)
}

/// What a decision cell compares its input with.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// The values: ends of intervals, and what the input may be equal to.
    pub values: Vec<Value>,
    /// Whether some of it asks for an order, not only for equality.
    pub ordered: bool,
}

impl Bounds {
    fn take(&mut self, test: &Test) -> bool {
        let (fixed, ordered) = match test {
            Test::Compare(op, with) => (vec![with], op.is_order()),
            Test::Range { from, to, .. } => (vec![from, to], true),
            Test::Among(list) => (vec![list], false),
            Test::None(tests) => return tests.iter().all(|test| self.take(test)),
            Test::Holds(_) => return false,
        };
        self.ordered |= ordered;
        fixed.into_iter().all(|node| match node.constant() {
            Some(Value::List(items)) if matches!(test, Test::Among(_)) => {
                self.values.extend(items.iter().cloned());
                true
            }
            Some(value) => {
                self.values.push(value.clone());
                true
            }
            None => false,
        })
    }
}

/// What the input of a decision cell is called, which has no place in its text.
const INPUT: &str = "the input";

fn conjuncts(node: &Sub, parts: &mut Vec<Sub>) {
    match &node.kind {
        Kind::All(inner) => inner.iter().for_each(|part| conjuncts(part, parts)),
        _ => parts.push(Arc::clone(node)),
    }
}

/// The longest paths outside of iterations.
fn inputs(node: &Sub, paths: &mut Vec<Sub>) {
    match &node.kind {
        Kind::Slot(_) | Kind::SlotColumn(..) | Kind::Setting(_) | Kind::Previous(..) | Kind::Changed(..) => {
            paths.push(Arc::clone(node));
        }
        Kind::Column(..) | Kind::Member(..) | Kind::Table(..) | Kind::Part(..) if !node.has(&is_local) => {
            paths.push(Arc::clone(node));
        }
        Kind::For { sources, .. } | Kind::Holds { sources, .. } => {
            sources.iter().for_each(|source| inputs(source, paths))
        }
        Kind::Filter { source, .. } | Kind::SortBy { source, .. } => inputs(source, paths),
        _ => node.children().into_iter().for_each(|child| inputs(child, paths)),
    }
}

fn is_local(kind: &Kind) -> bool {
    matches!(kind, Kind::Local(_))
}

#[cfg(test)]
mod tests;
