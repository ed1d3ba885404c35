//! Texts with `{expr}` in them.

use super::eval;
use super::{Env, EvalError, Expr, ExprProblem, Names, Read, Schema};
use crate::model::{Span, Type, Value};

/// A text in which `{expr}` is filled in; `{{` and `}}` are braces.
///
/// ```
/// use stageflow::model::expr::{Names, NoSchema, Template};
/// use stageflow::model::Span;
/// let template = Template::compile("{1 + 1} of {{3}}", Span::default(), &NoSchema, &Names::new()).unwrap();
/// assert_eq!(template.constant().as_deref(), Some("2 of {3}"));
/// ```
#[derive(Clone, Debug)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Expr(Expr),
}

impl Template {
    /// Compiles a text that stands at `span`.
    ///
    /// # Errors
    /// Every problem of every expression in it.
    pub fn compile(text: &str, span: Span, schema: &dyn Schema, names: &Names) -> Result<Template, Vec<ExprProblem>> {
        let mut problems = Vec::new();
        let mut pieces = Vec::new();
        for piece in split(text, span, &mut problems) {
            match piece {
                (Some(at), inside) => match compile(inside, at, schema, names) {
                    Ok(expr) => pieces.push(Piece::Expr(expr)),
                    Err(more) => problems.extend(more),
                },
                (None, plain) => match pieces.last_mut() {
                    Some(Piece::Text(before)) => before.push_str(plain),
                    _ => pieces.push(Piece::Text(plain.to_owned())),
                },
            }
        }
        if problems.is_empty() { Ok(Template { text: text.to_owned(), pieces }) } else { Err(problems) }
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The expressions in it, in written order.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.pieces.iter().filter_map(|piece| if let Piece::Expr(expr) = piece { Some(expr) } else { None })
    }

    /// Exactly what its expressions can read.
    pub fn reads(&self) -> Vec<Read> {
        let mut reads: Vec<Read> = self.exprs().flat_map(|expr| expr.reads().iter().cloned()).collect();
        reads.sort();
        reads.dedup();
        reads
    }

    /// The filled text, when it is the same in every environment.
    pub fn constant(&self) -> Option<String> {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Expr(expr) => expr.constant().filter(|value| !value.is_null()).map(Value::to_string),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// The filled text.
    ///
    /// # Errors
    /// A null or a denied value, and as [`Expr::eval`].
    pub fn eval(&self, env: &dyn Env) -> Result<String, EvalError> {
        let mut filled = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Expr(expr) => match expr.eval(env)? {
                    Value::Null(reason) => return Err(EvalError::Null { path: expr.text().into(), reason }),
                    value => filled.push_str(&eval::string(&value, env)?),
                },
            }
        }
        Ok(filled)
    }
}

/// An expression whose value can be shown in a text.
fn compile(text: &str, span: Span, schema: &dyn Schema, names: &Names) -> Result<Expr, Vec<ExprProblem>> {
    let expr = Expr::compile(text, span, schema, names, None)?;
    if is_shown(expr.ty()) {
        return Ok(expr);
    }
    let help = match expr.ty() {
        Type::Ref(_) => Some(format!("name a column of the record, such as `{}.name`", text.trim())),
        _ => None,
    };
    let message = format!("expected a value that can be shown in a text, found {}", expr.ty());
    Err(vec![ExprProblem { code: "type_mismatch", span, message, help }])
}

fn is_shown(ty: &Type) -> bool {
    match ty {
        Type::Ref(_) | Type::Map(_) => false,
        Type::List(of) => is_shown(of),
        _ => true,
    }
}

/// The plain pieces, and the expressions with their places.
fn split<'a>(text: &'a str, span: Span, problems: &mut Vec<ExprProblem>) -> Vec<(Option<Span>, &'a str)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find(['{', '}']).unwrap_or(rest.len());
        let (before, brace) = rest.split_at(plain);
        pieces.push((None, before));
        at += plain;
        let doubled = brace.starts_with("{{") || brace.starts_with("}}");
        if doubled || brace.starts_with('}') {
            pieces.push((None, brace.get(..1).unwrap_or("")));
            at += if doubled { 2 } else { 1 };
        } else if brace.starts_with('{') {
            let place = |from: usize, to: usize| {
                let clip = |offset: usize| (span.start as usize + offset).min(span.end as usize);
                Span::new(span.file, clip(from), clip(to))
            };
            match brace.get(1..).and_then(end_of) {
                Some(length) => {
                    pieces
                        .push((Some(place(at + 1, at + 1 + length)), text.get(at + 1..at + 1 + length).unwrap_or("")));
                    at += length + 2;
                }
                None => {
                    let message = "expected a closing `}`, found the end of the text".to_owned();
                    let help = Some("write `{{` for a brace".to_owned());
                    problems.push(ExprProblem { code: "syntax", span: place(at, text.len()), message, help });
                    return pieces;
                }
            }
        }
    }
    pieces
}

/// The length of the expression up to its closing brace; braces in it and in its texts don't count.
fn end_of(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0u32, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return Some(at),
            },
            _ => {}
        }
    }
    None
}
