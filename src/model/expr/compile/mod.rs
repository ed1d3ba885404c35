//! From what was written to the compiled form: names become slots and columns, types are checked, constants computed.

mod call;
mod names;
mod operators;
mod path;

use std::sync::Arc;

use super::ast::{Ast, At, Kind as Written, Word};
use super::builtin::Builtin;
use super::eval::{self, Eval};
use super::node::{Kind, Node, Sub};
use super::types::{self, Fit};
use super::{Env, EvalError, ExprProblem, Names, Schema, Slot, parse};
use crate::model::{Name, Span, Type, Value, suggest};

/// The most problems that one expression reports: what follows is hardly read, and looking for help costs time.
const MAX_PROBLEMS: usize = 20;

/// A compiled part and the type of its value.
#[derive(Clone)]
pub(super) struct Typed {
    pub node: Sub,
    pub ty: Type,
}

impl Typed {
    /// Whether it stands for something that has a problem already.
    fn is_broken(&self) -> bool {
        matches!(self.node.kind, Kind::Broken)
    }
}

/// What a text is compiled against.
pub(super) struct Scope<'a> {
    pub text: &'a str,
    pub span: Span,
    pub schema: &'a dyn Schema,
    pub names: &'a Names,
}

pub(super) struct Compiler<'a> {
    text: &'a str,
    span: Span,
    schema: &'a dyn Schema,
    names: &'a Names,
    locals: Vec<Local>,
    /// The input of a decision cell: what `?` means.
    input: Option<(Type, Slot)>,
    problems: Vec<ExprProblem>,
}

/// An iteration variable, or the `item` of a filter.
struct Local {
    /// None: the item of a filter, whose columns are bare names.
    name: Option<String>,
    ty: Type,
}

/// Compiles an expression for a place of the expected type.
pub(super) fn expression(scope: &Scope<'_>, expected: Option<&Type>) -> Result<Typed, Vec<ExprProblem>> {
    let mut compiler = Compiler::new(scope);
    let ast = parse::expression(scope.text).map_err(|fault| compiler.syntax(fault))?;
    let mut typed = compiler.check(&ast, expected);
    if let Some(expected) = expected {
        typed = compiler.fit(typed, expected);
    }
    compiler.finish(typed)
}

/// Compiles a decision cell over an input.
pub(super) fn cell(scope: &Scope<'_>, input: (&Type, Slot)) -> Result<Typed, Vec<ExprProblem>> {
    let mut compiler = Compiler::new(scope);
    let tests = parse::tests(scope.text).map_err(|fault| compiler.syntax(fault))?;
    let at = At::new(0, scope.text.len());
    let Some(tests) = tests else {
        return Ok(Typed { node: Node::new(Kind::Const(Value::Bool(true)), at), ty: Type::Bool });
    };
    compiler.input = Some((input.0.clone(), input.1));
    let of = Typed { node: Node::new(Kind::Slot(input.1), At::default()), ty: input.0.clone() };
    let tests = tests.iter().map(|test| compiler.test(test, &of.ty)).collect();
    let typed = Typed { node: Node::new(Kind::In(of.node, tests), at), ty: Type::Bool };
    compiler.finish(typed)
}

impl<'a> Compiler<'a> {
    fn new(scope: &Scope<'a>) -> Self {
        let (text, span, schema, names) = (scope.text, scope.span, scope.schema, scope.names);
        Self { text, span, schema, names, locals: Vec::new(), input: None, problems: Vec::new() }
    }

    fn finish(self, typed: Typed) -> Result<Typed, Vec<ExprProblem>> {
        if self.problems.is_empty() { Ok(typed) } else { Err(self.problems) }
    }

    fn syntax(&self, fault: super::lex::Fault) -> Vec<ExprProblem> {
        let (at, message, help) = fault;
        vec![ExprProblem { code: "syntax", span: self.place(at), message, help }]
    }

    /// The place in the source, clipped to the span of the text: a scalar may be written with escapes.
    fn place(&self, at: At) -> Span {
        let clip = |offset: u32| self.span.start.saturating_add(offset).min(self.span.end.max(self.span.start));
        Span { file: self.span.file, start: clip(at.start), end: clip(at.end) }
    }

    fn report(&mut self, at: At, code: &'static str, message: impl Into<String>, help: Option<String>) -> Typed {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(ExprProblem { code, span: self.place(at), message: message.into(), help });
        }
        Typed { node: Node::new(Kind::Broken, at), ty: Type::Any }
    }

    fn mismatch(&mut self, at: At, expected: &str, found: &Type, help: Option<String>) -> Typed {
        self.report(at, "type_mismatch", format!("expected {expected}, found {found}"), help)
    }

    /// The compiled form of a part. `hint` is the type of its place: it says what a bare word means.
    fn check(&mut self, ast: &Ast, hint: Option<&Type>) -> Typed {
        let at = ast.at;
        match &ast.kind {
            Written::Null => constant(Value::NULL, Type::Any, at),
            Written::Bool(truth) => constant(Value::Bool(*truth), Type::Bool, at),
            Written::Number(number) => {
                let ty = if number.is_integer() { Type::Int } else { Type::Number };
                constant(Value::Number(*number), ty, at)
            }
            Written::Text(text) => self.quoted(text, hint, at),
            Written::Typed(text) => self.literal(text, at),
            Written::Name(name) => self.bare(name, hint, at),
            Written::Path(of, name) => self.path(of, name, at),
            Written::Filter(source, inside) => self.filter(source, inside, hint, at),
            Written::Negate(of) => self.negate(of, at),
            Written::Math(op, a, b) => self.math(*op, a, b, at),
            Written::Compare(op, a, b) => self.compare(*op, a, b, at),
            Written::All(parts) => self.logic(parts, Kind::All, at),
            Written::Any(parts) => self.logic(parts, Kind::Any, at),
            Written::In(of, tests) => self.within(of, tests, at),
            Written::If(test, yes, no) => self.choice(test, yes, no, hint, at),
            Written::For(bound, body) => self.each(bound, body, hint, at),
            Written::Holds(every, bound, body) => self.holds(*every, bound, body, at),
            Written::Call(builtin, args) => self.call(*builtin, args, hint, at),
            Written::List(items) => self.list(items, hint, at),
            Written::Context(entries) => self.context(entries, hint, at),
            Written::Instance(of, name) => self.instance(of, name, at),
            Written::Stages(name) => self.stages(name, at),
            Written::Range(_) | Written::Test(..) | Written::Tests(_) => {
                let help = Some("write for example `x in [1..10]` or `x in (\"a\", \"b\")`".to_owned());
                self.report(at, "syntax", format!("expected a value, found the test `{}`", at.of(self.text)), help)
            }
        }
    }

    /// Checks that a value may go where the type is expected, and makes it so.
    fn fit(&mut self, typed: Typed, expected: &Type) -> Typed {
        let at = typed.node.at;
        if typed.node.is_null() || typed.is_broken() {
            return Typed { ty: expected.clone(), ..typed };
        }
        // A whole literal such as `2.0` is an int.
        if *expected == Type::Int && typed.node.constant().is_some_and(|value| types::admits(&Type::Int, value)) {
            return Typed { ty: Type::Int, ..typed };
        }
        let kind = match types::fit(&typed.ty, expected) {
            Fit::Yes => return typed,
            Fit::Check => Kind::Fit(typed.node, expected.clone()),
            Fit::EndOfDay => Kind::EndOfDay(typed.node),
            Fit::No => {
                let help = match (&typed.ty, expected) {
                    (Type::Number, Type::Int) => Some("`floor(x)` or `round half up(x)` makes it whole".to_owned()),
                    (found, Type::List(of)) if types::fit(found, of) == Fit::Yes => {
                        Some(format!("write `[{}]` for a list of one", at.of(self.text)))
                    }
                    (found, expected) => types::mend(found, expected),
                };
                return self.mismatch(at, &expected.to_string(), &typed.ty, help);
            }
        };
        Typed { node: Node::new(kind, at), ty: expected.clone() }
    }

    /// A part that must be of this type.
    fn must(&mut self, ast: &Ast, expected: &Type) -> Typed {
        let typed = self.check(ast, Some(expected));
        self.fit(typed, expected)
    }

    /// A quoted text; where a code, stage or lookup row is expected, it is that one.
    fn quoted(&mut self, text: &Arc<str>, hint: Option<&Type>, at: At) -> Typed {
        match hint.filter(|ty| self.has_codes(ty)) {
            Some(ty) => match self.code(text, ty) {
                Some(value) => constant(value, ty.clone(), at),
                None => {
                    let codes = self.codes(ty);
                    let help = suggest::did_you_mean(text, codes.iter().map(Name::as_str)).or_else(|| one_of(&codes));
                    self.report(at, "unknown_code", format!("expected {ty}, found \"{text}\""), help)
                }
            },
            None => constant(Value::Text(Arc::clone(text)), Type::Text, at),
        }
    }

    /// `@"…"`.
    fn literal(&mut self, text: &str, at: At) -> Typed {
        match eval::literal(text) {
            Some(value) => {
                let ty = match value {
                    Value::Date(_) => Type::Date,
                    Value::DateTime(_) => Type::DateTime,
                    _ => Type::Duration,
                };
                constant(value, ty, at)
            }
            None => {
                let help = Some(
                    "write `@\"2026-03-02\"`, `@\"2026-03-02T09:00:00Z\"`, `@\"P3D\"` or `@\"09:30:00\"`".to_owned(),
                );
                self.report(
                    at,
                    "bad_literal",
                    format!("expected a date, an instant or a duration, found `{text}`"),
                    help,
                )
            }
        }
    }

    /// Whether the values of a type may be written as bare words: enums, stages, lookups.
    fn has_codes(&self, ty: &Type) -> bool {
        match ty {
            Type::Enum(_) | Type::Stage(_) => true,
            Type::Ref(entities) => entities.iter().any(|entity| self.schema.is_lookup(entity)),
            _ => false,
        }
    }

    /// The code, stage or row that the word is where this type is expected.
    fn code(&self, word: &str, ty: &Type) -> Option<Value> {
        match ty {
            Type::Enum(codes) => codes.has(word).then(|| Value::text(word)),
            Type::Stage(entity) => {
                self.schema.stages(entity).iter().any(|stage| **stage == *word).then(|| Value::text(word))
            }
            Type::Ref(entities) => {
                let has = |entity: &&Name| self.schema.is_lookup(entity) && self.schema.has_row(entity, word);
                entities.iter().find(has).map(|lookup| Value::Ref(crate::model::Ref::new(lookup, word)))
            }
            _ => None,
        }
    }

    /// All codes, stages or rows of a type, for help.
    fn codes(&self, ty: &Type) -> Vec<Name> {
        match ty {
            Type::Enum(codes) => codes.values.iter().map(|(code, _)| code.clone()).collect(),
            Type::Stage(entity) => self.schema.stages(entity),
            Type::Ref(entities) => {
                let lookups = entities.iter().filter(|entity| self.schema.is_lookup(entity));
                lookups.flat_map(|lookup| self.schema.rows(lookup)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Computes a part whose operands are constant; what cannot be computed is a problem now, not later.
    fn fold(&mut self, typed: Typed) -> Typed {
        let pure = match &typed.node.kind {
            Kind::Call(builtin, args) => return self.fold_call(*builtin, args, typed.clone()),
            Kind::Math(..) | Kind::Negate(_) | Kind::Compare(..) | Kind::Same(..) | Kind::List(_) | Kind::Map(_) => {
                true
            }
            _ => false,
        };
        let keep = !Self::needs_calendar(&typed.node);
        if pure { self.computed(typed, keep) } else { typed }
    }

    /// Whether a computation depends on the calendar in force: working time, and months added to an instant.
    fn needs_calendar(node: &Node) -> bool {
        let children = node.children();
        let constants = || children.iter().filter_map(|child| child.constant());
        let instant = constants().any(|value| matches!(value, Value::DateTime(_)));
        matches!(node.kind, Kind::Math(..))
            && constants().any(|value| {
                matches!(value, Value::Duration(length) if length.is_working() || (instant && length.months != 0))
            })
    }

    /// A call with constant arguments. What depends on the zone or the clock is only checked, not computed.
    fn fold_call(&mut self, builtin: Builtin, args: &[Sub], typed: Typed) -> Typed {
        let text = match args.first().and_then(|arg| arg.constant()) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        match (builtin, text) {
            (Builtin::Date | Builtin::Time, Some(text)) => {
                let zoned = text.contains('T');
                self.computed(typed, !zoned)
            }
            (Builtin::DateAndTime, Some(text)) => {
                let zoned = crate::model::read::moment(text).is_none();
                self.computed(typed, !zoned)
            }
            (Builtin::Date | Builtin::Time, None) if args.len() > 1 => self.computed(typed, true),
            _ if builtin.def().pure => self.computed(typed, true),
            _ => typed,
        }
    }

    fn computed(&mut self, typed: Typed, keep: bool) -> Typed {
        if !typed.node.children().iter().all(|child| child.constant().is_some()) {
            return typed;
        }
        match Eval::new(&Nowhere, self.text).eval(&typed.node) {
            Ok(value) if keep => constant(value, typed.ty, typed.node.at),
            Ok(_) | Err(EvalError::Fuel(_)) => typed,
            Err(error) => self.report(typed.node.at, "bad_value", error.to_string(), None),
        }
    }

    /// Adds a local for the time of `inside`.
    fn with_local<T>(&mut self, local: Local, inside: impl FnOnce(&mut Self, usize) -> T) -> T {
        let place = self.locals.len();
        self.locals.push(local);
        let result = inside(self, place);
        self.locals.truncate(place);
        result
    }
}

/// The codes, when they are few.
fn one_of(codes: &[Name]) -> Option<String> {
    let listed = || format!("write one of {}", codes.iter().map(Name::as_str).collect::<Vec<_>>().join(", "));
    (1..=12).contains(&codes.len()).then(listed)
}

fn constant(value: Value, ty: Type, at: At) -> Typed {
    Typed { node: Node::new(Kind::Const(value), at), ty }
}

/// Where constants are computed: nothing is known.
struct Nowhere;

impl Env for Nowhere {
    fn slot(&self, _: Slot) -> Result<Value, EvalError> {
        Err(EvalError::failed("expected a constant, found a name"))
    }
    fn column(&self, _: &crate::model::Ref, _: &Name) -> Result<Value, EvalError> {
        Err(EvalError::failed("expected a constant, found a column"))
    }
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::UNIX_EPOCH
    }
    fn fuel(&self) -> u64 {
        10_000
    }
}
