//! "An end event ends the flow of the process": a path, a scope with everything in it (S12), or the whole instance.

use super::room::{Effect, Event, Fault, Move, Next, Room, View};
use crate::model::Name;
use crate::model::expr::Expr;

/// An end.
#[derive(Debug, Default)]
pub struct EndEvent {
    /// What it ends.
    pub ends: Ends,
    /// Named results of the process.
    pub results: Vec<(Name, Expr)>,
}

/// What an end event ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// Its own path.
    #[default]
    Path,
    /// Everything that still runs in the innermost scope.
    Scope,
    /// The whole instance.
    Instance,
    /// The transaction, which is canceled: what completed in it is compensated first (S13).
    Transaction,
}

impl Room for EndEvent {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let results = view.eval_all(&self.results)?;
        let effects = results.into_iter().map(|(name, value)| Effect::Return(name, value)).collect();
        let next = match self.ends {
            Ends::Path => Next::End,
            Ends::Scope => Next::Terminate,
            Ends::Instance => Next::EndInstance,
            Ends::Transaction => Next::Cancel,
        };
        Ok(Move { effects, next })
    }

    fn resume(&self, _: &View<'_>, _: &Event<'_>) -> Result<Move, Fault> {
        Ok(Move::only(Next::Canceled))
    }
}
