//! `choose`: "conditions in written order, the first true one wins. None true and no default: an incident that shows every condition with its value" (S3).

use std::fmt::Write as _;

use super::room::{Fault, Move, Room, View};
use crate::model::Value;
use crate::model::expr::Expr;

/// A choice of one flow.
#[derive(Debug, Default)]
pub struct ExclusiveGateway {
    /// The value that the cases are compared with; none when every case has its own condition.
    pub on: Option<Expr>,
    /// The cases in written order, each with the position of its outgoing flow. A gateway that only merges has none.
    pub cases: Vec<(Case, usize)>,
}

/// When a flow is taken.
#[derive(Debug)]
pub enum Case {
    /// When this is true.
    When(Expr),
    /// When the value is this.
    Is(Value),
    /// When no other case is.
    Otherwise,
}

impl Room for ExclusiveGateway {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        if self.cases.is_empty() {
            return Ok(Move::pass());
        }
        let on = self.on.as_ref().map(|on| view.eval(on)).transpose()?;
        for (case, flow) in &self.cases {
            let hit = match case {
                Case::When(condition) => view.truth(condition)?,
                Case::Is(value) => on.as_ref().is_some_and(|on| on.same(value)),
                Case::Otherwise => true,
            };
            if hit {
                return view
                    .flow(*flow)
                    .map(Move::take)
                    .ok_or_else(|| Fault::new("broken_definition", "the flow of a case is missing"));
            }
        }
        Err(Fault::new("no_match", self.explain(on.as_ref())))
    }

    fn is_quiet(&self) -> bool {
        true
    }
}

impl ExclusiveGateway {
    fn explain(&self, on: Option<&Value>) -> String {
        let mut text = String::from("no case holds and there is no `otherwise`:");
        if let (Some(expr), Some(value)) = (&self.on, on) {
            let _ = write!(text, " `{}` is {value}", expr.text());
        }
        for (case, _) in &self.cases {
            let _ = match case {
                Case::When(condition) => write!(text, " `{}` is false;", condition.text()),
                Case::Is(value) => write!(text, " not {value};"),
                Case::Otherwise => Ok(()),
            };
        }
        text.truncate(text.trim_end_matches(';').len());
        text
    }
}
