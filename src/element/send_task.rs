//! `send`: publishes a message by name and key (S15).

use super::room::{Effect, Fault, Move, Room, View};
use crate::model::expr::Expr;
use crate::model::{Name, Value};

/// Publishes a message.
#[derive(Debug)]
pub struct SendTask {
    /// Its name.
    pub message: Name,
    /// Its key; null when the message has none.
    pub key: Option<Expr>,
    /// Its values.
    pub with: Vec<(Name, Expr)>,
    /// How long it is kept when nobody waits for it; a duration.
    pub ttl: Option<Expr>,
}

impl Room for SendTask {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let key = self.key.as_ref().map_or(Ok(Value::NULL), |key| view.needed(key))?;
        let ttl = match &self.ttl {
            Some(ttl) => Some(view.instant(ttl, view.now)?.signed_duration_since(view.now)),
            None => None,
        };
        let ttl = ttl.and_then(|kept| kept.num_microseconds());
        Ok(Move::then_pass(vec![Effect::Send {
            message: self.message.clone(),
            key,
            with: view.eval_all(&self.with)?,
            ttl,
        }]))
    }
}
