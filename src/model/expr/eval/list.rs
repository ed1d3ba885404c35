//! Lists: iteration, filters, places and the built-ins over them.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::call::Args;
use super::*;

impl Eval<'_> {
    /// Runs `body` for every combination of the sources' items, until it says that it is done.
    pub(super) fn each(
        &mut self,
        sources: &[Sub],
        local: usize,
        body: &mut dyn FnMut(&mut Self) -> Given<bool>,
    ) -> Given<bool> {
        let Some((source, rest)) = sources.split_first() else {
            return body(self);
        };
        let list = self.needed(source)?;
        for item in items(&list)? {
            self.spend(1)?;
            self.bind(local, item.clone());
            if self.each(rest, local + 1, body)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives a local its value.
    fn bind(&mut self, local: usize, value: Value) {
        self.locals.truncate(local);
        self.locals.push(value);
    }

    pub(super) fn span(&mut self, from: &Sub, to: &Sub) -> Given {
        let (from, to) = (self.whole(from)?, self.whole(to)?);
        let count = usize::try_from(to.saturating_sub(from).saturating_add(1)).unwrap_or(0);
        self.spend(count)?;
        Ok(Value::list((from..=to).map(|number| Value::Number(number.into()))))
    }

    /// A whole number.
    fn whole(&mut self, node: &Sub) -> Given<i64> {
        match self.needed(node)?.as_ref() {
            Value::Number(number) => whole(number),
            other => Err(EvalError::kind("a whole number", other.kind())),
        }
    }

    /// The items for which the test is true. One whose test is null does not match.
    pub(super) fn filter(&mut self, source: &Sub, local: usize, test: &Sub) -> Given {
        let list = self.needed(source)?;
        let mut kept = Vec::new();
        for item in items(&list)? {
            self.spend(1)?;
            self.bind(local, item.clone());
            match self.needed(test) {
                Ok(truth) => match truth.as_ref() {
                    Value::Bool(true) => kept.push(item.clone()),
                    Value::Bool(false) => {}
                    // Where only the value tells: a number is a place.
                    Value::Number(place) => return at_place(items(&list)?, place),
                    other => return Err(EvalError::kind("a condition or a place", other.kind())),
                },
                Err(EvalError::Null { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Value::list(kept))
    }

    pub(super) fn index(&mut self, of: &Sub, place: &Sub) -> Given {
        let list = self.given(of)?;
        if let Value::Null(_) = list.as_ref() {
            return Ok(self.through(of, list.into_owned()));
        }
        match self.needed(place)?.as_ref() {
            Value::Number(place) => at_place(items(&list)?, place),
            other => Err(EvalError::kind("a place in the list", other.kind())),
        }
    }

    pub(super) fn sort_by(&mut self, source: &Sub, local: usize, key: &Sub) -> Given {
        let list = self.needed(source)?;
        let mut keyed = Vec::new();
        for item in items(&list)? {
            self.spend(1)?;
            self.bind(local, item.clone());
            let key = self.needed(key)?.into_owned();
            keyed.push((key, item.clone()));
        }
        let sorted = self.sorted(keyed, |(key, _)| key)?;
        Ok(Value::list(sorted.into_iter().map(|(_, item)| item)))
    }

    fn sorted<T>(&mut self, mut items: Vec<T>, key: impl Fn(&T) -> &Value) -> Given<Vec<T>> {
        self.spend(items.len().saturating_mul(items.len().checked_ilog2().unwrap_or(0) as usize))?;
        let mut failed = None;
        items.sort_by(|a, b| {
            ops::order(key(a), key(b), self.env).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                Ordering::Equal
            })
        });
        failed.map_or(Ok(items), Err)
    }

    /// The built-ins over lists.
    pub(super) fn call_list(&mut self, builtin: Builtin, args: Args<'_>) -> Given {
        match builtin {
            Builtin::Count => Ok(Value::Number(args.list(0)?.len().into())),
            Builtin::Sum => self.fold(&args, Value::Number(Decimal::ZERO), |world, a, b| ops::add(a, b, world)),
            Builtin::Product => self.fold(&args, Value::Number(Decimal::ONE), |world, a, b| {
                ops::math(super::super::ast::Math::Multiply, a, b, world)
            }),
            Builtin::Min => self.extreme(&args, Ordering::Less),
            Builtin::Max => self.extreme(&args, Ordering::Greater),
            Builtin::Mean => self.mean(&args),
            Builtin::Median => self.median(&args),
            Builtin::All => self.quantified(&args, false),
            Builtin::AnyOf => self.quantified(&args, true),
            Builtin::ListContains => self.has(args.list(0)?, args.any(1)).map(Value::Bool),
            Builtin::Append => Ok(Value::list(args.list(0)?.iter().chain(args.values.iter().skip(1)).cloned())),
            Builtin::Concatenate => Ok(Value::list(joined(&args)?)),
            Builtin::Union => self.distinct(joined(&args)?),
            Builtin::DistinctValues => self.distinct(args.list(0)?.to_vec()),
            Builtin::Reverse => Ok(Value::list(args.list(0)?.iter().rev().cloned())),
            Builtin::Sort => self.sort(&args),
            Builtin::Flatten => {
                let mut flat = Vec::new();
                flatten(args.list(0)?, &mut flat);
                Ok(Value::list(flat))
            }
            Builtin::IndexOf => {
                let mut places = Vec::new();
                for (at, item) in args.list(0)?.iter().enumerate() {
                    if ops::equal(item, args.any(1), self.env)? {
                        places.push(Value::Number((at + 1).into()));
                    }
                }
                Ok(Value::list(places))
            }
            _ => cut(builtin, &args),
        }
    }

    fn fold(&self, args: &Args<'_>, start: Value, step: fn(&dyn Env, &Value, &Value) -> Given) -> Given {
        let mut items = args.elements()?.into_iter();
        let Some(first) = items.next() else {
            return Ok(start);
        };
        // The first element is the start, so that a sum of amounts keeps their currency and scale.
        items.try_fold(first.clone(), |all, item| step(self.env, &all, item))
    }

    fn extreme(&self, args: &Args<'_>, wanted: Ordering) -> Given {
        let mut best: Option<&Value> = None;
        for item in args.elements()? {
            best = match best {
                Some(best) if ops::order(item, best, self.env)? != wanted => Some(best),
                _ => Some(item),
            };
        }
        Ok(best.cloned().unwrap_or(Value::Null(Null::Nothing)))
    }

    fn mean(&self, args: &Args<'_>) -> Given {
        let count = args.elements()?.len();
        if count == 0 {
            return Ok(Value::Null(Null::Nothing));
        }
        let sum = self.fold(args, Value::NULL, |world, a, b| ops::add(a, b, world))?;
        ops::math(super::super::ast::Math::Divide, &sum, &Value::Number(count.into()), self.env)
    }

    fn median(&mut self, args: &Args<'_>) -> Given {
        let items = args.elements()?;
        let sorted = self.sorted(items, |item| item)?;
        let Some(last) = sorted.len().checked_sub(1) else {
            return Ok(Value::Null(Null::Nothing));
        };
        match (sorted.get(last / 2), sorted.get(last.div_ceil(2))) {
            (Some(low), Some(high)) if last % 2 == 1 => {
                let sum = ops::add(low, high, self.env)?;
                ops::math(super::super::ast::Math::Divide, &sum, &Value::Number(Decimal::TWO), self.env)
            }
            (Some(middle), _) => Ok((*middle).clone()),
            _ => Ok(Value::Null(Null::Nothing)),
        }
    }

    fn quantified(&self, args: &Args<'_>, deciding: bool) -> Given {
        let mut undecided = Undecided::new(deciding);
        for item in args.raw_elements()? {
            let truth = match item {
                Value::Bool(truth) => Ok(*truth),
                Value::Null(reason) => Err(self.null(args.at(0), reason.clone())),
                other => Err(EvalError::kind("true or false", other.kind())),
            };
            if undecided.decides(truth)? {
                return Ok(Value::Bool(deciding));
            }
        }
        undecided.rest().map(Value::Bool)
    }

    fn distinct(&mut self, items: Vec<Value>) -> Given {
        let mut kept: Vec<Value> = Vec::new();
        for item in items {
            self.spend(kept.len())?;
            if !self.has(&kept, &item)? {
                kept.push(item);
            }
        }
        Ok(Value::list(kept))
    }

    fn sort(&mut self, args: &Args<'_>) -> Given {
        let items = args.elements()?;
        let sorted = self.sorted(items, |item| item)?;
        Ok(Value::list(sorted.into_iter().cloned()))
    }
}

/// Parts of a list, and lists with a part put in or taken out.
fn cut(builtin: Builtin, args: &Args<'_>) -> Given {
    let list = args.list(0)?;
    let place = place(list.len() + usize::from(builtin == Builtin::InsertBefore), args.whole(1)?);
    let place = place
        .ok_or_else(|| EvalError::range(format!("expected a place from 1 to {}, found {}", list.len(), args.any(1))))?;
    let (before, behind) = list.split_at_checked(place).unwrap_or((list, &[]));
    Ok(match builtin {
        Builtin::InsertBefore => Value::list(before.iter().chain([args.any(2)]).chain(behind).cloned()),
        Builtin::Remove => Value::list(before.iter().chain(behind.iter().skip(1)).cloned()),
        _ => {
            let length = args.optional_whole(2)?.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
            Value::list(behind.iter().take(length).cloned())
        }
    })
}

/// The offset of a place that counts from 1, or from the end when negative.
pub(super) fn place(length: usize, place: i64) -> Option<usize> {
    let offset = match place {
        0 => return None,
        1.. => usize::try_from(place - 1).ok()?,
        _ => length.checked_sub(usize::try_from(place.unsigned_abs()).ok()?)?,
    };
    (offset < length).then_some(offset)
}

fn at_place(items: &[Value], number: &Decimal) -> Given {
    let found = place(items.len(), whole(number)?).and_then(|at| items.get(at));
    Ok(found.cloned().unwrap_or(Value::Null(Null::Nothing)))
}

pub(super) fn whole(number: &Decimal) -> Given<i64> {
    let whole = number.to_i64().filter(|_| number.is_integer());
    whole.ok_or_else(|| EvalError::range(format!("expected a whole number, found {number}")))
}

fn joined(args: &Args<'_>) -> Given<Vec<Value>> {
    let mut all = Vec::new();
    for at in 0..args.values.len() {
        all.extend_from_slice(args.list(at)?);
    }
    Ok(all)
}

/// All innermost items. Lists are nested only as deep as values can be.
fn flatten(items: &[Value], flat: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::List(inner) => flatten(inner, flat),
            other => flat.push(other.clone()),
        }
    }
}
