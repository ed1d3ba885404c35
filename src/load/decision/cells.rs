//! The values of an input, cut at every value that some cell compares it with: inside one piece all rules say the same. So a table
//! over numbers, dates or texts is looked at exactly, by trying one value of each piece.

use chrono::{DateTime, Days, TimeDelta, Utc};
use rust_decimal::Decimal;

use crate::element::decide::{Input, Table};
use crate::model::expr::{Bounds, Env, EvalError, Expr, Slot};
use crate::model::{Duration, Money, Name, Ref, Schema, Type, Value};

/// The pieces of one input, and which of them each rule lets pass.
pub(super) struct Column {
    /// A value of each piece.
    pub pieces: Vec<Value>,
    /// Per rule; none when that is only known at run time.
    pub passes: Vec<Option<Passes>>,
}

/// Which pieces a cell lets pass.
#[derive(Clone, Default)]
pub(super) struct Passes {
    words: Vec<u64>,
}

impl Passes {
    fn all(pieces: usize) -> Self {
        let mut passes = Self::default();
        (0..pieces).for_each(|piece| passes.set(piece));
        passes
    }

    fn set(&mut self, piece: usize) {
        let word = piece / 64;
        if self.words.len() <= word {
            self.words.resize(word.saturating_add(1), 0);
        }
        if let Some(found) = self.words.get_mut(word) {
            *found |= 1 << (piece % 64);
        }
    }

    /// Whether it lets this piece pass.
    pub fn has(&self, piece: usize) -> bool {
        self.words.get(piece / 64).is_some_and(|word| word & (1 << (piece % 64)) != 0)
    }

    /// The first piece that both let pass.
    pub fn common(&self, other: &Passes) -> Option<usize> {
        let both = self.words.iter().zip(&other.words).map(|(one, other)| one & other);
        let (at, word) = both.enumerate().find(|(_, word)| *word != 0)?;
        Some(at.saturating_mul(64).saturating_add(word.trailing_zeros() as usize))
    }

    /// Whether it lets nothing pass.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }
}

/// Most trials for one table: a larger one is not looked at.
const MAX_TRIALS: usize = 2_000_000;

/// The columns of a table; none when it is too large.
pub(super) fn columns(table: &Table, schema: &dyn Schema) -> Option<Vec<Column>> {
    let mut trials = MAX_TRIALS;
    let mut column = |(at, input): (usize, &Input)| {
        let cells: Vec<Option<&Expr>> =
            table.rules.iter().map(|rule| rule.when.get(at).and_then(Option::as_ref)).collect();
        let pieces = pieces(input, &cells, schema);
        let cost = pieces.as_ref().map_or(0, Vec::len).saturating_mul(cells.iter().flatten().count());
        trials = trials.checked_sub(cost)?;
        Some(Column::new(at, pieces, &cells, &input.ty))
    };
    table.inputs.iter().enumerate().map(&mut column).collect()
}

impl Column {
    fn new(at: usize, pieces: Option<Vec<Value>>, cells: &[Option<&Expr>], ty: &Type) -> Self {
        let known = pieces.is_some();
        let pieces = pieces.unwrap_or_else(|| vec![some(ty)]);
        let all = Passes::all(pieces.len());
        let passes = cells.iter().map(|cell| match cell {
            None => Some(all.clone()),
            Some(cell) if cell.constant() == Some(&Value::Bool(true)) => Some(all.clone()),
            Some(cell) if known => tried(cell, at, &pieces, ty),
            Some(_) => None,
        });
        let passes = passes.collect();
        Self { pieces, passes }
    }
}

/// The pieces that a cell lets pass; none when they don't say all about it. Between two of its own values it says the same of all.
fn tried(cell: &Expr, at: usize, pieces: &[Value], ty: &Type) -> Option<Passes> {
    let mut bounds = cell.bounds().filter(|bounds| !bounds.ordered || is_ordered(ty))?;
    bounds.values.sort_by(Value::total_cmp);
    let is_own = |piece: &Value| {
        let plain = |value: &Value| match (value, piece) {
            (Value::Number(number), Value::Money(money)) => number.cmp(&money.amount),
            _ => value.total_cmp(piece),
        };
        piece.is_null() || bounds.values.binary_search_by(plain).is_ok()
    };
    let mut passes = Passes::default();
    let mut known = None;
    for (number, piece) in pieces.iter().enumerate() {
        let own = is_own(piece);
        let truth = match known.filter(|_| !own) {
            Some(truth) => truth,
            None => try_cell(cell, at, piece)?,
        };
        if truth {
            passes.set(number);
        }
        known = match (own, bounds.ordered) {
            (false, _) => Some(truth),
            (true, true) => None,
            (true, false) => known,
        };
    }
    Some(passes)
}

fn try_cell(cell: &Expr, at: usize, piece: &Value) -> Option<bool> {
    cell.eval3(&One(at, piece)).ok().map(|truth| truth == Some(true))
}

/// Where only one input is known.
struct One<'v>(usize, &'v Value);

impl Env for One<'_> {
    fn slot(&self, slot: Slot) -> Result<Value, EvalError> {
        if usize::from(slot.0) == self.0 { Ok(self.1.clone()) } else { Err(EvalError::failed("another input")) }
    }
    fn column(&self, _: &Ref, _: &Name) -> Result<Value, EvalError> {
        Err(EvalError::failed("a column"))
    }
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}

fn is_ordered(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Number | Type::Money | Type::Date | Type::DateTime | Type::Duration)
}

/// A value of each piece; null is the last one, where it is no refused input. None: the values cannot be told apart here.
fn pieces(input: &Input, cells: &[Option<&Expr>], schema: &dyn Schema) -> Option<Vec<Value>> {
    let bounds: Vec<Bounds> = cells.iter().flatten().filter_map(|cell| cell.bounds()).collect();
    let mut values: Vec<Value> =
        bounds.into_iter().flat_map(|bounds| bounds.values).filter(|value| !value.is_null()).collect();
    let mut found = match &input.ty {
        Type::Bool => vec![Value::Bool(true), Value::Bool(false)],
        Type::Enum(codes) => codes.values.iter().map(|(code, _)| Value::text(code)).collect(),
        Type::Stage(entity) => schema.stages(entity).iter().map(Value::text).collect(),
        Type::Ref(entities) if matches!(&**entities, [only] if schema.is_lookup(only)) => {
            let [lookup] = &**entities else { return None };
            schema.rows(lookup).iter().map(|row| Value::Ref(Ref::new(lookup, row))).collect()
        }
        ty if is_ordered(ty) => line(ty, values)?,
        ty => {
            values.sort_by(Value::total_cmp);
            values.dedup();
            values.push(other(ty, &values));
            values
        }
    };
    if !input.required {
        found.push(Value::NULL);
    }
    Some(found)
}

/// Some value of a type whose values are not told apart.
fn some(ty: &Type) -> Value {
    other(ty, &[])
}

/// A value that is none of these.
fn other(ty: &Type, values: &[Value]) -> Value {
    match ty {
        Type::Ref(entities) => {
            let entity = entities.first().cloned().unwrap_or_else(|| Name::new("record"));
            Value::Ref(Ref { entity, id: Name::new("any") })
        }
        _ => {
            let mut text = "anything".to_owned();
            while values.contains(&Value::text(&text)) {
                text.push('_');
            }
            Value::text(text)
        }
    }
}

/// The values in order, with one between each two that have something between them, one before and one behind.
fn line(ty: &Type, mut values: Vec<Value>) -> Option<Vec<Value>> {
    let currency = currency(&values)?;
    if currency.is_some() {
        values = values.into_iter().map(|value| in_currency(value, currency.as_ref())).collect();
    }
    values.sort_by(Value::total_cmp);
    values.dedup();
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return Some(vec![any(ty)]) };
    let mut found = Vec::new();
    found.extend(beside(first, false).map(floored));
    let ends = beside(last, true).map(floored);
    for pair in values.windows(2) {
        let [low, high] = pair else { continue };
        comparable(low, high)?;
        found.push(low.clone());
        found.extend(between(low, high, *ty == Type::Int));
    }
    found.push(last.clone());
    found.extend(ends);
    found.retain(|value| *ty != Type::Int || matches!(value, Value::Number(number) if number.is_integer()));
    Some(found)
}

/// The one currency of amounts; none inside when they are plain numbers; none when there are several.
fn currency(values: &[Value]) -> Option<Option<Name>> {
    let mut found: Option<Option<Name>> = None;
    for value in values {
        if let Value::Money(money) = value {
            match &found {
                Some(known) if *known != money.currency => return None,
                _ => found = Some(money.currency.clone()),
            }
        }
    }
    Some(found.flatten())
}

fn in_currency(value: Value, currency: Option<&Name>) -> Value {
    match value {
        Value::Number(amount) => Value::Money(Money { amount, currency: currency.cloned() }),
        other => other,
    }
}

fn any(ty: &Type) -> Value {
    match ty {
        Type::Date => Value::Date(DateTime::UNIX_EPOCH.date_naive()),
        Type::DateTime => Value::DateTime(DateTime::UNIX_EPOCH),
        Type::Duration => Value::Duration(Duration::ZERO),
        _ => Value::Number(Decimal::ZERO),
    }
}

/// Lengths of time of two kinds have no fixed order.
fn comparable(low: &Value, high: &Value) -> Option<()> {
    match (low, high) {
        (Value::Duration(low), Value::Duration(high)) => {
            let exact = |length: &Duration| length.months == 0 && !length.is_working();
            let months = |length: &Duration| length.micros == 0 && !length.is_working();
            ((exact(low) && exact(high)) || (months(low) && months(high))).then_some(())
        }
        _ => Some(()),
    }
}

/// A value that is a little larger or smaller; none at the end of what can be counted.
fn beside(value: &Value, larger: bool) -> Option<Value> {
    let step = if larger { 1 } else { -1 };
    Some(match value {
        Value::Number(number) => Value::Number(number.checked_add(step.into())?),
        Value::Money(money) => {
            Value::Money(Money { amount: money.amount.checked_add(step.into())?, currency: money.currency.clone() })
        }
        Value::Date(day) if larger => Value::Date(day.checked_add_days(Days::new(1))?),
        Value::Date(day) => Value::Date(day.checked_sub_days(Days::new(1))?),
        Value::DateTime(at) => Value::DateTime(at.checked_add_signed(TimeDelta::hours(step))?),
        Value::Duration(length) if length.months != 0 => {
            Value::Duration(Duration::months(length.months.checked_add(i32::try_from(step).ok()?)?))
        }
        Value::Duration(length) => {
            let hour = crate::model::duration::HOUR.checked_mul(step)?;
            Value::Duration(Duration::micros(length.micros.checked_add(hour)?))
        }
        _ => return None,
    })
}

/// A value between two: the next whole one when there is one, else the middle; none when nothing is between.
fn between(low: &Value, high: &Value, whole: bool) -> Option<Value> {
    let next = beside(low, true).filter(|next| next.total_cmp(high).is_lt());
    if let Some(next) = next {
        return Some(floored(next));
    }
    Some(match (low, high) {
        (Value::Number(low), Value::Number(high)) if !whole => Value::Number(middle(*low, *high)?),
        (Value::Money(low), Value::Money(high)) => {
            Value::Money(Money { amount: middle(low.amount, high.amount)?, currency: low.currency.clone() })
        }
        (Value::DateTime(low), Value::DateTime(high)) => {
            let half = high.signed_duration_since(*low).num_microseconds()?.checked_div(2).filter(|half| *half > 0)?;
            Value::DateTime(low.checked_add_signed(TimeDelta::microseconds(half))?)
        }
        (Value::Duration(low), Value::Duration(high)) if low.months == 0 && high.months == 0 => {
            let half = high.micros.checked_sub(low.micros)?.checked_div(2).filter(|half| *half > 0)?;
            Value::Duration(Duration::micros(low.micros.checked_add(half)?))
        }
        _ => return None,
    })
}

/// Without its fraction: what is one more or less than an end stays beyond it.
fn floored(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(number.floor().normalize()),
        Value::Money(money) => Value::Money(Money { amount: money.amount.floor().normalize(), ..money }),
        other => other,
    }
}

fn middle(low: Decimal, high: Decimal) -> Option<Decimal> {
    let middle = low.checked_add(high)?.checked_div(Decimal::TWO)?.normalize();
    (middle > low && middle < high).then_some(middle)
}
