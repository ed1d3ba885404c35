//! A text that stands where an expression is wanted.

use std::ops::Range;
use std::sync::Arc;

use crate::load::codes;
use crate::load::problem::{Problem, Problems};
use crate::load::read::{Node, Yaml};
use crate::model::expr::Slot;
use crate::model::{Duration, Expr, ExprProblem, Mismatch, Names, Schema, Span, Template, Type, Value};

/// An expression as written. A leading `=` is taken off; a YAML list or mapping is put together from its parts, so that
/// `[a, b]` means the same with and without quotes.
#[derive(Clone, Debug)]
pub struct ExprText {
    /// The expression.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
    pieces: Vec<Piece>,
}

/// With so many errors in a load no more expressions are looked at.
const ENOUGH_ERRORS: usize = 200;

/// A part of the expression's text that comes from one scalar.
#[derive(Clone, Debug)]
struct Piece {
    /// Where the part stands in the expression's text.
    at: Range<usize>,
    /// The scalar.
    node: Node,
    /// Where the part begins in the scalar's text.
    from: usize,
}

impl ExprText {
    /// The expression that a node is. A value that is left out is reported.
    pub fn of(node: &Node, problems: &Problems) -> Option<Self> {
        if node.is_blank() {
            problems.error("wrong-shape", node.span, "expected an expression, found nothing");
            return None;
        }
        let mut made = Made::default();
        made.add(node);
        Some(Self { text: made.text.into(), span: node.span, pieces: made.pieces })
    }

    /// The expression that a part of a scalar is.
    pub fn part(node: &Node, range: Range<usize>) -> Self {
        let text = node.word().and_then(|text| text.get(range.clone())).unwrap_or_default();
        let skipped = leading_sign(text);
        let part = text.get(skipped..).unwrap_or_default().trim_end();
        let from = range.start + skipped;
        let piece = Piece { at: 0..part.len(), node: node.clone(), from };
        Self { text: part.into(), span: node.part(from..from + part.len()), pieces: vec![piece] }
    }

    /// An expression that stands in a key, or that the loader itself makes; its problems are shown at `span`.
    pub fn made(text: &str, span: Span) -> Self {
        Self { text: text.trim().into(), span, pieces: Vec::new() }
    }

    /// The sentence that a scalar is, for a text with `{expr}` in it: nothing is taken off.
    pub fn words(node: &Node, problems: &Problems) -> Option<Self> {
        let scalar = crate::load::cursor::scalar(node, "a text", problems)?;
        let piece = Piece { at: 0..scalar.text.len(), node: node.clone(), from: 0 };
        Some(Self { text: scalar.text.clone(), span: node.span, pieces: vec![piece] })
    }

    /// Whether it is a single word without a leading `=`: an enum value, stage or row where one of those is wanted.
    pub fn is_word(&self) -> bool {
        crate::model::Name::is_valid(&self.text) && self.pieces.iter().all(|piece| piece.from == 0)
    }

    /// Where a part of the expression stands in the source.
    pub fn place(&self, range: Range<usize>) -> Span {
        let piece = self.pieces.iter().rev().find(|piece| piece.at.start <= range.start);
        let Some(Piece { at, node, from }) = piece else { return self.span };
        let inside = |offset: usize| offset.min(at.end).saturating_sub(at.start) + from;
        node.part(inside(range.start)..inside(range.end))
    }

    /// Compiles it; its problems are reported in their places.
    pub fn compile(
        &self,
        schema: &dyn Schema,
        names: &Names,
        expected: Option<&Type>,
        problems: &Problems,
    ) -> Option<Expr> {
        if problems.errors() >= ENOUGH_ERRORS {
            return None;
        }
        if let Some(read) = expected.and_then(|ty| self.time(ty)) {
            return self.timed(read, schema, names, problems);
        }
        let span = Span::new(self.span.file, 0, self.text.len());
        let found = match Expr::compile(&self.text, span, schema, names, expected) {
            Ok(expr) => return Some(expr),
            Err(found) => found,
        };
        found.into_iter().for_each(|found| problems.push(self.problem(found)));
        None
    }

    /// The text read as a length or point of time in its own notation, such as `30 days` or `2026-03-02`; none when it
    /// does not begin like one.
    fn time(&self, ty: &Type) -> Option<Result<Value, Mismatch>> {
        let digits = self.text.bytes().take_while(u8::is_ascii_digit).count();
        let rest = self.text.get(digits..).unwrap_or_default();
        let begins = match ty {
            Type::Duration => {
                rest.starts_with('P') || (digits > 0 && rest.trim_start().starts_with(char::is_alphabetic))
            }
            Type::Date | Type::DateTime => digits == 4 && rest.starts_with('-'),
            _ => false,
        };
        let computes = self.text.contains(['(', '+', '*', '/']) && *ty != Type::DateTime;
        (begins && !computes).then(|| Value::from_text(ty, &self.text))
    }

    /// What was read as a time. A day where an instant is expected ends when the calendar says.
    fn timed(
        &self,
        read: Result<Value, Mismatch>,
        schema: &dyn Schema,
        names: &Names,
        problems: &Problems,
    ) -> Option<Expr> {
        let literal = |value: Value, ty: Type| Some(Expr::literal(&*self.text, value, ty));
        match read {
            Ok(value @ Value::Duration(_)) => {
                if let Some(doubt) = Duration::doubt(&self.text) {
                    problems.push(Problem::warning("doubtful-duration", self.span, doubt));
                }
                literal(value, Type::Duration)
            }
            Ok(value @ Value::Date(_)) => literal(value, Type::Date),
            Ok(value) => literal(value, Type::DateTime),
            Err(_) if Value::from_text(&Type::Date, &self.text).is_ok() => {
                let text = format!("date(\"{}\")", self.text);
                Expr::compile(&text, self.span, schema, names, Some(&Type::DateTime)).ok()
            }
            Err(Mismatch { expected, found, help, .. }) => {
                let problem = Problem::error("wrong-type", self.span, format!("expected {expected}, found {found}"));
                problems.push(problem.maybe_help(help));
                None
            }
        }
    }

    /// Compiles it as a cell of a decision table, over an input; its problems are reported in their places.
    pub fn compile_cell(
        &self,
        schema: &dyn Schema,
        names: &Names,
        input: (&Type, Slot),
        problems: &Problems,
    ) -> Option<Expr> {
        if problems.errors() >= ENOUGH_ERRORS {
            return None;
        }
        let span = Span::new(self.span.file, 0, self.text.len());
        match Expr::compile_unary_test(&self.text, span, schema, names, input) {
            Ok(cell) => Some(cell),
            Err(found) => {
                found.into_iter().for_each(|problem| problems.push(self.problem(problem)));
                None
            }
        }
    }

    /// Compiles it as a text with `{expr}` in it.
    pub fn compile_template(&self, schema: &dyn Schema, names: &Names, problems: &Problems) -> Option<Template> {
        let span = Span::new(self.span.file, 0, self.text.len());
        match Template::compile(&self.text, span, schema, names) {
            Ok(template) => Some(template),
            Err(found) => {
                found.into_iter().for_each(|problem| problems.push(self.problem(problem)));
                None
            }
        }
    }

    fn problem(&self, found: ExprProblem) -> Problem {
        let ExprProblem { code, span, message, help, .. } = found;
        // The quotes of a YAML text are not those of the expression in it.
        let in_yaml = |help: String| match help.strip_prefix("quote a text: ") {
            Some(text) => format!("a text is written `'{text}'`, with the quotes of YAML around its own"),
            None => help,
        };
        let span = self.place(span.start as usize..span.end as usize);
        Problem::error(codes::of_expression(code), span, message).maybe_help(help.map(in_yaml))
    }
}

#[derive(Default)]
struct Made {
    text: String,
    pieces: Vec<Piece>,
}

impl Made {
    fn add(&mut self, node: &Node) {
        match &node.yaml {
            Yaml::Scalar(scalar) => {
                let from = leading_sign(&scalar.text);
                let part = scalar.text.get(from..).unwrap_or_default().trim_end();
                let part = if scalar.is_blank() { "null" } else { part };
                let at = self.text.len()..self.text.len() + part.len();
                self.text.push_str(part);
                self.pieces.push(Piece { at, node: node.clone(), from });
            }
            Yaml::Seq(items) => {
                self.text.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.text.push_str(if at == 0 { "" } else { ", " });
                    self.add(item);
                }
                self.text.push(']');
            }
            Yaml::Map(entries) => {
                self.text.push('{');
                for (at, entry) in entries.iter().enumerate() {
                    self.text.push_str(if at == 0 { "" } else { ", " });
                    self.text.push_str(&entry.key.text);
                    self.text.push_str(": ");
                    self.add(&entry.value);
                }
                self.text.push('}');
            }
        }
    }
}

/// Length of a leading `= ` with the spaces around it.
fn leading_sign(text: &str) -> usize {
    let begin = text.len() - text.trim_start().len();
    match text.get(begin..).and_then(|rest| rest.strip_prefix('=')) {
        Some(rest) => text.len() - rest.trim_start().len(),
        None => begin,
    }
}
