//! `notify`: tells a person something; the note stands in the journal and in the outbox.

use super::room::{Effect, Fault, Move, Room, View};
use super::rules::TextTemplate;
use crate::model::expr::Expr;
use crate::model::{Null, Value};

/// Tells a person something.
#[derive(Debug)]
pub struct Notify {
    /// Whom; nobody is noted when it is null.
    pub who: Expr,
    /// What.
    pub text: TextTemplate,
}

impl Room for Notify {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let text = self.text.fill(view)?;
        let effect = match view.eval(&self.who)? {
            Value::Ref(who) => Effect::Notify(who, text),
            Value::Null(Null::Empty | Null::Path(_)) => {
                Effect::Note(format!("nobody to notify: `{}` is empty", self.who.text()))
            }
            other => return Err(Fault::new("wrong_type", format!("expected a user to notify, found {other}"))),
        };
        Ok(Move::then_pass(vec![effect]))
    }
}
