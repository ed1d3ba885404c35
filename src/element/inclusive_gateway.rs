//! `all_that_apply`: "every true condition, else the default; none and no default: as S3" (S4); the join fires when no more can come (S1).

use super::room::{Fault, Move, Next, Room, View};
use super::rules;
use crate::model::expr::Expr;

/// Splits to every flow whose condition holds, or waits for those that can still come.
#[derive(Debug, Default)]
pub struct InclusiveGateway {
    /// Conditions in written order, each with the position of its outgoing flow.
    pub cases: Vec<(Expr, usize)>,
    /// The position of the flow that is taken when none holds.
    pub otherwise: Option<usize>,
    /// The positions of flows without a condition: always taken, which does not suppress the default (S19).
    pub always: Vec<usize>,
}

impl Room for InclusiveGateway {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        if view.def.graph.incoming(view.node).len() < 2 {
            return self.split(view);
        }
        Ok(Move::only(match rules::inclusive_join(view) {
            Some(others) => Next::Join(others),
            None => Next::Hold,
        }))
    }

    fn gathers(&self) -> bool {
        true
    }

    fn is_quiet(&self) -> bool {
        true
    }

    fn is_patient(&self) -> bool {
        true
    }
}

impl InclusiveGateway {
    fn split(&self, view: &View<'_>) -> Result<Move, Fault> {
        if self.cases.is_empty() {
            return Ok(Move::pass());
        }
        let mut taken = Vec::new();
        for (condition, flow) in &self.cases {
            if view.truth(condition)? {
                taken.extend(view.flow(*flow));
            }
        }
        if taken.is_empty() {
            taken.extend(self.otherwise.and_then(|flow| view.flow(flow)));
        }
        taken.extend(self.always.iter().filter_map(|flow| view.flow(*flow)));
        taken.sort_unstable();
        if taken.is_empty() {
            let conditions: Vec<_> = self.cases.iter().map(|(case, _)| format!("`{}` is false", case.text())).collect();
            let message = format!("no case holds and there is no `otherwise`: {}", conditions.join("; "));
            return Err(Fault::new("no_match", message));
        }
        Ok(Move::only(Next::Take(taken)))
    }
}
