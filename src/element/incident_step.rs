//! `incident`: stops here, visibly, until somebody takes a way out.

use super::room::{Event, Fault, Move, Next, Room, View};
use super::rules::Title;
use crate::graph::NodeIx;
use crate::model::Name;
use crate::model::expr::Expr;

/// A visible stop.
#[derive(Debug)]
pub struct IncidentStep {
    /// The declared error it shows.
    pub code: Name,
    /// Its values.
    pub with: Vec<(Name, Expr)>,
    /// The node that a retry enters: the step's own condition (`if`), when it has one.
    pub retry_at: Option<NodeIx>,
    /// The ways out beside `retry`, each with the position of its outgoing flow.
    pub ways: Vec<(Name, Title, usize)>,
}

impl Room for IncidentStep {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let message = view.catalog.library.error_title(&self.code);
        Ok(Move::only(Next::Stop(self.code.clone(), view.eval_all(&self.with)?, message)))
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        let Event::Way(chosen) = event else { return Ok(Move::only(Next::Stay)) };
        let flow = self.ways.iter().find(|(id, _, _)| id == *chosen).and_then(|(_, _, flow)| view.flow(*flow));
        flow.map(Move::take).ok_or_else(|| {
            let known: Vec<&str> = self.ways.iter().map(|(id, _, _)| id.as_str()).collect();
            Fault::new("unknown_way", format!("expected one of the ways out {}, found {chosen}", known.join(", ")))
        })
    }
}
