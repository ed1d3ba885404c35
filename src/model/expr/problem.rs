//! What is wrong with an expression, found when it is compiled.

use crate::model::Span;

/// One problem of an expression: where, what, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", help.as_ref().map_or(String::new(), |help| format!("; {help}")))]
#[non_exhaustive]
pub struct ExprProblem {
    /// A stable word for the kind of problem, for example `unknown_name`.
    pub code: &'static str,
    /// The place, inside the span that the text was compiled with.
    pub span: Span,
    /// What was expected and what was found.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}
