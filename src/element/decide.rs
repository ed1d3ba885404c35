//! `decide`: BPMN's business rule task, which "provides a mechanism for the process to provide input to a business rules engine and
//! to get the output of calculations" (BPMN 2.0.2, 10.3.3), over DMN's decision tables.
//!
//! The inputs are evaluated, the table answers, what is taken of the answer is assigned: one step. No rule that fits, or rules that
//! contradict each other, are an incident that shows the inputs; a retry asks again.

mod table;

use std::fmt::Write as _;
use std::sync::Arc;

pub use table::{Decided, Hit, Input, Output, Rule, Table, Undecided};

use super::definition::Assign;
use super::env::ProcessEnv;
use super::room::{Effect, Fault, Given, Move, Room, View};
use crate::instance::rows::Values;
use crate::model::Value;
use crate::model::expr::Expr;

/// A question to a decision table.
#[derive(Debug, Default)]
pub struct Decide {
    /// The table.
    pub table: Arc<Table>,
    /// One value per input of the table, in its order.
    pub with: Vec<Expr>,
    /// What is kept of the answer.
    pub take: Vec<Assign>,
}

impl Room for Decide {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let mut inputs = Vec::new();
        for (input, given) in self.table.inputs.iter().zip(&self.with) {
            inputs.push(if input.required { view.needed(given)? } else { view.eval(given)? });
        }
        let asked: Values =
            self.table.inputs.iter().zip(&inputs).map(|(input, value)| (input.name.clone(), value.clone())).collect();
        let decided = self.table.decide(&ProcessEnv::new(view), inputs);
        let decided = decided.map_err(|why| self.fault(&why, asked))?;
        let given = Given { result: Some(&decided.outputs), ..*view.given };
        let mut effects = vec![Effect::Note(self.note(&decided))];
        effects.extend(View { given: &given, ..*view }.assignments(&self.take)?);
        Ok(Move::then_pass(effects))
    }
}

impl Decide {
    fn note(&self, decided: &Decided) -> String {
        let table = self.table.shown();
        match decided.rules.as_slice() {
            [] if self.table.otherwise.is_some() => format!("{table}: otherwise"),
            [] => format!("{table}: no rule"),
            [only] => format!("{table}: rule {}", only.saturating_add(1)),
            several => {
                let numbers: Vec<String> = several.iter().map(|at| at.saturating_add(1).to_string()).collect();
                format!("{table}: rules {}", numbers.join(", "))
            }
        }
    }

    /// Why there is no answer, with the inputs: a person who sees it knows which rule to write, or which value to mend.
    fn fault(&self, why: &Undecided, asked: Values) -> Fault {
        let (table, number) = (self.table.shown(), |at: &usize| at.saturating_add(1));
        let mut fault = match why {
            Undecided::NoRule => Fault::new("no_rule", format!("no rule of {table} fits")),
            Undecided::Several(one, other) => {
                let (one, other) = (number(one), number(other));
                Fault::new("many_rules", format!("the rules {one} and {other} of {table} both fit, and only one may"))
            }
            Undecided::Differ(one, other) => {
                let (one, other) = (number(one), number(other));
                let message = format!("the rules {one} and {other} of {table} both fit and do not answer the same");
                Fault::new("many_rules", message)
            }
            Undecided::Failed(text, error) => super::env::eval_fault(text, error),
        };
        for (at, (name, value)) in asked.iter().enumerate() {
            // Writing to a text cannot fail.
            let _infallible = write!(fault.message, "{} {name} = {}", if at == 0 { ":" } else { "," }, shown(value));
        }
        fault.with = asked;
        fault
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        Value::Null(_) => "null".to_owned(),
        other => other.to_string(),
    }
}
