//! The live tokens, scopes and waits of a run: by number, and by what they belong to.
//!
//! A run mostly has a few of each: they are looked through. A run with many, such as the rounds of a long list, also keeps who belongs
//! to whom, so that one round costs hardly more among a thousand than among ten. That index is made from the list and never stored.

use std::collections::BTreeSet;

use minicbor::decode::{Decode, Decoder, Error};
use minicbor::encode::{self, Encode, Encoder, Write};

use super::state::{Owner, Scope, Token, Wait};

/// From here on an index is kept.
const MANY: usize = 32;
/// From here on it is given up.
const FEW: usize = 8;

/// Something with a number of its own that belongs to a token or a scope.
pub trait Member {
    /// Its number.
    fn number(&self) -> u32;
    /// What it belongs to; that never changes.
    fn owners(&self) -> [Option<Owner>; 2];
}

/// A list in the order of numbers. Numbers only grow, so what is new comes last.
#[derive(Clone, Debug)]
pub struct Roll<T> {
    /// Those that are there, behind those that went from the front and are dropped together later: of many the oldest mostly goes first.
    list: Vec<T>,
    gone: usize,
    #[expect(clippy::box_collection, reason = "most runs have none, and each that waits would hold its room")]
    index: Option<Box<BTreeSet<(Owner, u32)>>>,
}

impl<T: Member> Roll<T> {
    /// The one of this number.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&T> {
        let list = self.live();
        list.get(position(list, number)?)
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.live().iter()
    }

    /// Those that belong to this token or scope, the oldest first.
    pub fn of(&self, owner: Owner) -> impl Iterator<Item = &T> {
        let known = self.index.as_ref().map(|index| index.range((owner, 0)..=(owner, u32::MAX)));
        let few = if known.is_some() { &[] } else { self.live() };
        let few = few.iter().filter(move |item| item.owners().contains(&Some(owner)));
        few.chain(known.into_iter().flatten().filter_map(|(_, number)| self.get(*number)))
    }

    /// The first.
    pub fn first(&self) -> Option<&T> {
        self.live().first()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.live().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.live().is_empty()
    }

    pub(super) fn push(&mut self, item: T) {
        if self.list.is_empty() {
            // Most runs wait for one thing, and many for long.
            self.list.reserve_exact(1);
        }
        if let Some(index) = &mut self.index {
            index.extend(entries(&item));
        }
        self.list.push(item);
        if self.index.is_none() && self.len() > MANY {
            self.index = Some(Box::new(self.iter().flat_map(entries).collect()));
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        let live = self.list.get_mut(self.gone..).unwrap_or_default();
        let Some(at) = position(live, number) else { return };
        if let (Some(index), Some(item)) = (&mut self.index, live.get(at)) {
            entries(item).for_each(|entry| {
                index.remove(&entry);
            });
        }
        match live.get_mut(..=at) {
            Some(before) if self.index.is_some() && at < MANY => {
                before.rotate_right(1);
                self.gone = self.gone.saturating_add(1);
            }
            _ => drop(self.list.remove(self.gone.saturating_add(at))),
        }
        if self.len() < FEW {
            self.index = None;
        }
        if self.index.is_none() || self.gone > self.len() {
            self.list.drain(..self.gone);
            self.gone = 0;
        }
    }

    /// The one of this number, to be changed; neither its number nor what it belongs to.
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let live = self.list.get_mut(self.gone..)?;
        let at = position(live, number)?;
        live.get_mut(at)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl<T> Roll<T> {
    #[inline]
    fn live(&self) -> &[T] {
        self.list.get(self.gone..).unwrap_or_default()
    }
}

#[inline]
fn position<T: Member>(list: &[T], number: u32) -> Option<usize> {
    list.binary_search_by_key(&number, T::number).ok()
}

fn entries<T: Member>(item: &T) -> impl Iterator<Item = (Owner, u32)> + use<T> {
    let number = item.number();
    item.owners().into_iter().flatten().map(move |owner| (owner, number))
}

impl<T> Default for Roll<T> {
    fn default() -> Self {
        Self { list: Vec::new(), gone: 0, index: None }
    }
}

impl<T: PartialEq> PartialEq for Roll<T> {
    fn eq(&self, other: &Self) -> bool {
        self.live() == other.live()
    }
}

impl<T: Member> FromIterator<T> for Roll<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut roll = Self::default();
        items.into_iter().for_each(|item| roll.push(item));
        roll
    }
}

impl<'a, T: Member> IntoIterator for &'a Roll<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<C, T: Encode<C>> Encode<C> for Roll<T> {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), encode::Error<W::Error>> {
        self.live().encode(e, ctx)
    }
}

impl<'b, C, T: Member + Decode<'b, C>> Decode<'b, C> for Roll<T> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, Error> {
        Ok(Vec::<T>::decode(d, ctx)?.into_iter().collect())
    }
}

impl Member for Token {
    fn number(&self) -> u32 {
        self.id
    }

    fn owners(&self) -> [Option<Owner>; 2] {
        [Some(Owner::Scope(self.scope)), None]
    }
}

impl Member for Scope {
    fn number(&self) -> u32 {
        self.id
    }

    /// The scope it lies in, and the token that waits for it.
    fn owners(&self) -> [Option<Owner>; 2] {
        [self.parent.map(Owner::Scope), self.host.map(Owner::Token)]
    }
}

impl Member for Wait {
    fn number(&self) -> u32 {
        self.id
    }

    fn owners(&self) -> [Option<Owner>; 2] {
        [Some(self.owner), None]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::NodeIx;
    use crate::instance::Place;

    fn token(id: u32) -> Token {
        Token { id, scope: id % 3, place: Place::In(NodeIx::PROCESS) }
    }

    /// Whatever comes and goes, with an index or without, each owner has just its own, in order.
    #[test]
    fn an_index_says_what_the_list_says() {
        let (mut roll, mut random) = (Roll::default(), 7_u32);
        for step in 1..=2_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Grows to a hundred, shrinks to none, and again.
            if (step / 100) % 2 == 0 {
                roll.push(token(step));
            } else if let Some(number) = roll.iter().nth(random as usize % roll.len().max(1)).map(|token| token.id) {
                roll.remove(number);
                assert_eq!(roll.get(number), None);
            }
            for scope in 0..3 {
                let listed: Vec<u32> = roll.iter().filter(|token| token.scope == scope).map(|token| token.id).collect();
                let known: Vec<u32> = roll.of(Owner::Scope(scope)).map(|token| token.id).collect();
                assert_eq!(known, listed);
            }
            assert_eq!(roll.index.is_some(), roll.len() > MANY || roll.index.is_some() && roll.len() >= FEW);
        }
    }

    #[test]
    fn the_stored_form_is_a_plain_list() {
        let tokens: Vec<Token> = (0..100).map(token).collect();
        let roll: Roll<Token> = tokens.iter().cloned().collect();
        let bytes = minicbor::to_vec(&roll).unwrap();
        assert_eq!(bytes, minicbor::to_vec(&tokens).unwrap());
        let thawed: Roll<Token> = minicbor::decode(&bytes).unwrap();
        assert_eq!(thawed, roll);
        assert!(thawed.index.is_some());
    }
}
