//! "startQuantity: the number of tokens that MUST arrive before the Activity can begin", "completionQuantity: the number of tokens that must be
//! generated from the Activity". The one is a node before the activity, the other a node behind it.

use super::room::{Fault, Move, Next, Room, View};
use super::rules;
use crate::instance::{Place, TokenId};

/// Takes several tokens for one, by whichever flow they come.
#[derive(Debug)]
pub struct StartQuantity {
    /// How many.
    pub count: u32,
}

impl Room for StartQuantity {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let here = |place: Place| place == Place::In(view.node);
        let tokens = view.tokens().filter(|token| here(token.place));
        let needed = usize::try_from(self.count.saturating_sub(1)).unwrap_or(usize::MAX);
        let others: Vec<TokenId> = tokens.map(|token| token.id).filter(|token| *token != view.token).collect();
        if others.len() >= needed {
            return Ok(Move::only(Next::Join(others.into_iter().take(needed).collect())));
        }
        let entering = |place: Place| place == Place::Entering(view.node);
        let comes = view.tokens().any(|token| token.id != view.token && entering(token.place));
        if !comes && others.iter().all(|token| view.token < *token) && rules::none_can_come(view, &[]) {
            let came = others.len().saturating_add(1);
            let message = format!("{} tokens are needed to begin, {came} came, and no more can arrive", self.count);
            return Err(Fault::new("no_match", message));
        }
        let stands = view.state.token(view.token).is_some_and(|token| here(token.place));
        Ok(Move::only(if stands { Next::Hold } else { Next::Wait(Vec::new()) }))
    }

    fn is_patient(&self) -> bool {
        true
    }

    fn is_quiet(&self) -> bool {
        true
    }
}

/// Sends several tokens on for one.
#[derive(Debug)]
pub struct CompletionQuantity {
    /// How many.
    pub count: u32,
}

impl Room for CompletionQuantity {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let each = |_| view.outgoing().iter().copied();
        Ok(Move::only(Next::Take((0..self.count).flat_map(each).collect())))
    }

    fn is_quiet(&self) -> bool {
        true
    }
}
