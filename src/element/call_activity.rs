//! `call`: another process, waited for, or started and left alone (`detached`). Parameters are mapped explicitly; nothing leaks (S18).

use super::definition::Assign;
use super::room::{CallSpec, Event, Fault, Given, Move, Next, Room, View};
use crate::model::expr::Expr;
use crate::model::{Name, Value};

/// A call of another process.
#[derive(Debug)]
pub struct CallActivity {
    /// The process.
    pub process: Name,
    /// A pinned version.
    pub version: Option<u32>,
    /// The record it is about.
    pub record: Option<Expr>,
    /// Its parameters.
    pub with: Vec<(Name, Expr)>,
    /// What is kept of its results.
    pub take: Vec<Assign>,
    /// Start and go on.
    pub detached: bool,
}

impl Room for CallActivity {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let record = match self.record.as_ref().map(|record| view.eval(record)).transpose()? {
            None | Some(Value::Null(_)) => None,
            Some(Value::Ref(record)) => Some(record),
            Some(other) => {
                return Err(Fault::new(
                    "wrong_type",
                    format!("expected a record to call {} for, found {other}", self.process),
                ));
            }
        };
        let with = view.eval_all(&self.with)?;
        let call =
            CallSpec { process: self.process.clone(), version: self.version, record, with, detached: self.detached };
        Ok(Move::only(Next::Call(Box::new(call))))
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        let Event::Done(result) = event else { return Ok(Move::only(Next::Stay)) };
        let given = Given { result: Some(result), ..*view.given };
        Ok(Move::then_pass(View { given: &given, ..*view }.assignments(&self.take)?))
    }
}
