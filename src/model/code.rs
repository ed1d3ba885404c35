//! The stored form of values: CBOR by minicbor. Decoding is total: any bytes give a value or an error, never a panic.
//!
//! Texts, truths, whole numbers and the empty value are CBOR's own; everything else is an array `[kind, …]`. A decoder skips
//! what a later version adds at the end of an array. [`instant`], [`date`], [`decimal`], [`id`] and [`boxed`] are for
//! `#[cbor(with = "…")]` on the fields of other stored forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use minicbor::data::Type as Cbor;
use minicbor::decode::{Decode, Decoder, Error};
use minicbor::encode::{self, Encode, Encoder, Write};
use rust_decimal::prelude::ToPrimitive;

use super::{Denied, Duration, Money, Name, Null, Ref, Value};

pub mod field;

pub use field::{boxed, date, decimal, id, instant};

/// How deep lists and maps may be nested in each other.
pub const MAX_DEPTH: u32 = 32;

const NULL: u8 = 0;
const DENIED: u8 = 1;
const NUMBER: u8 = 2;
const MONEY: u8 = 3;
const DATE: u8 = 4;
const DATE_TIME: u8 = 5;
const DURATION: u8 = 6;
const REF: u8 = 7;
const LIST: u8 = 8;
const MAP: u8 = 9;

const PATH: u8 = 1;
const GONE: u8 = 2;
const NOTHING: u8 = 3;
const INPUT: u8 = 4;

impl Value {
    /// The stored form.
    ///
    /// ```
    /// use stageflow::model::Value;
    /// let bytes = Value::text("hardware").to_bytes();
    /// assert_eq!(Value::from_bytes(&bytes).unwrap(), Value::text("hardware"));
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing into a vector cannot fail.
        let _ = minicbor::encode(self, &mut bytes);
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When the bytes are not a stored value.
    pub fn from_bytes(bytes: &[u8]) -> Result<Value, Error> {
        minicbor::decode(bytes)
    }
}

type Put<W> = Result<(), encode::Error<<W as Write>::Error>>;

impl<C> Encode<C> for Value {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Put<W> {
        match self {
            Value::Null(null) => null.encode(e, ctx),
            Value::Denied(denied) => denied.encode(e, ctx),
            Value::Bool(truth) => e.bool(*truth)?.ok(),
            Value::Number(number) => match number.to_i64().filter(|_| number.scale() == 0) {
                Some(whole) => e.i64(whole)?.ok(),
                None => field::put_decimal(number, e.array(3)?.u8(NUMBER)?),
            },
            Value::Money(money) => money.encode(e, ctx),
            Value::Text(text) => e.str(text)?.ok(),
            Value::Date(day) => date::encode(day, e.array(2)?.u8(DATE)?, ctx),
            Value::DateTime(at) => instant::encode(at, e.array(2)?.u8(DATE_TIME)?, ctx),
            Value::Duration(length) => length.encode(e, ctx),
            Value::Ref(record) => record.encode(e, ctx),
            Value::List(items) => {
                e.array(2)?.u8(LIST)?.array(items.len() as u64)?;
                items.iter().try_for_each(|item| item.encode(e, ctx))
            }
            Value::Map(entries) => {
                e.array(2)?.u8(MAP)?.map(entries.len() as u64)?;
                entries.iter().try_for_each(|(name, value)| value.encode(e.str(name)?, ctx))
            }
        }
    }
}

impl<C> Encode<C> for Name {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Put<W> {
        e.str(self)?.ok()
    }
}

impl<C> Encode<C> for Ref {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Put<W> {
        e.array(3)?.u8(REF)?.str(&self.entity)?.str(&self.id)?.ok()
    }
}

impl<C> Encode<C> for Money {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Put<W> {
        field::put_decimal(&self.amount, e.array(4)?.u8(MONEY)?)?;
        self.currency.encode(e, ctx)
    }
}

impl<C> Encode<C> for Duration {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Put<W> {
        e.array(5)?.u8(DURATION)?.i32(self.months)?.i64(self.micros)?;
        e.i32(self.working_days)?.i64(self.working_micros)?.ok()
    }
}

impl<C> Encode<C> for Null {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Put<W> {
        match self {
            Null::Empty => e.null()?.ok(),
            Null::Path(path) => e.array(3)?.u8(NULL)?.u8(PATH)?.str(path)?.ok(),
            Null::Gone(record) => record.encode(e.array(3)?.u8(NULL)?.u8(GONE)?, ctx),
            Null::Nothing => e.array(2)?.u8(NULL)?.u8(NOTHING)?.ok(),
            Null::Input(column) => e.array(3)?.u8(NULL)?.u8(INPUT)?.str(column)?.ok(),
        }
    }
}

impl<C> Encode<C> for Denied {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Put<W> {
        e.array(5)?.u8(DENIED)?.str(&self.object)?;
        self.column.encode(e, ctx)?;
        e.str(&self.operation)?.str(&self.rule)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Value {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        value(d, MAX_DEPTH)
    }
}

impl<'b, C> Decode<'b, C> for Name {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        d.str().map(Name::new)
    }
}

impl<'b, C> Decode<'b, C> for Ref {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        whole(d, "a reference", |value| if let Value::Ref(record) = value { Some(record) } else { None })
    }
}

impl<'b, C> Decode<'b, C> for Money {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        whole(d, "an amount", |value| if let Value::Money(money) = value { Some(money) } else { None })
    }
}

impl<'b, C> Decode<'b, C> for Duration {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        whole(d, "a duration", |value| if let Value::Duration(length) = value { Some(length) } else { None })
    }
}

impl<'b, C> Decode<'b, C> for Null {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        whole(d, "a null", |value| if let Value::Null(null) = value { Some(null) } else { None })
    }
}

impl<'b, C> Decode<'b, C> for Denied {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        whole(
            d,
            "a denied value",
            |value| if let Value::Denied(denied) = value { Some((*denied).clone()) } else { None },
        )
    }
}

/// A value of one kind.
fn whole<T>(d: &mut Decoder<'_>, what: &str, pick: impl Fn(Value) -> Option<T>) -> Result<T, Error> {
    let at = d.position();
    pick(value(d, 1)?).ok_or_else(|| Error::message(format!("expected {what}")).at(at))
}

fn value(d: &mut Decoder<'_>, depth: u32) -> Result<Value, Error> {
    match d.datatype()? {
        Cbor::Null => d.null().map(|()| Value::NULL),
        Cbor::Bool => d.bool().map(Value::Bool),
        Cbor::String => d.str().map(Value::text),
        Cbor::Array => {
            let fields = d.array()?.ok_or_else(|| bad(d, "an array of known length"))?;
            let kind = d.u8()?;
            let known = tagged(d, kind, depth, fields)?;
            (known.1 + 1..fields).try_for_each(|_| d.skip())?;
            Ok(known.0)
        }
        _ => d.i64().map(|whole| Value::Number(whole.into())),
    }
}

/// The value of an array behind its kind, and how many fields were read for it.
fn tagged(d: &mut Decoder<'_>, kind: u8, depth: u32, fields: u64) -> Result<(Value, u64), Error> {
    Ok(match kind {
        NULL => null(d)?,
        DENIED => {
            let (object, column) = (Name::new(d.str()?), d.decode()?);
            let (operation, rule) = (Name::new(d.str()?), Arc::from(d.str()?));
            (Value::Denied(Arc::new(Denied { object, column, operation, rule })), 4)
        }
        NUMBER => (Value::Number(field::take_decimal(d)?), 2),
        MONEY => (Value::Money(Money { amount: field::take_decimal(d)?, currency: d.decode()? }), 3),
        DATE => (Value::Date(date::decode(d, &mut ())?), 1),
        DATE_TIME => (Value::DateTime(instant::decode(d, &mut ())?), 1),
        DURATION => {
            let (months, micros) = (d.i32()?, d.i64()?);
            (Value::Duration(Duration { months, micros, working_days: d.i32()?, working_micros: d.i64()? }), 4)
        }
        REF => (Value::Ref(Ref::new(d.str()?, d.str()?)), 2),
        LIST => (list(d, deeper(d, depth)?)?, 1),
        MAP => (map(d, deeper(d, depth)?)?, 1),
        _ => return Err(bad(d, &format!("a kind of value, found {kind} with {fields} fields"))),
    })
}

fn null(d: &mut Decoder<'_>) -> Result<(Value, u64), Error> {
    Ok(match d.u8()? {
        PATH => (Value::Null(Null::Path(Arc::from(d.str()?))), 2),
        GONE => (Value::Null(Null::Gone(d.decode()?)), 2),
        NOTHING => (Value::Null(Null::Nothing), 1),
        INPUT => (Value::Null(Null::Input(Name::new(d.str()?))), 2),
        reason => return Err(bad(d, &format!("a reason of a null, found {reason}"))),
    })
}

fn list(d: &mut Decoder<'_>, depth: u32) -> Result<Value, Error> {
    let count = d.array()?.ok_or_else(|| bad(d, "a list of known length"))?;
    // Items are collected one by one: a length is not believed before they are there.
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(value(d, depth)?);
    }
    Ok(Value::List(items.into()))
}

fn map(d: &mut Decoder<'_>, depth: u32) -> Result<Value, Error> {
    let count = d.map()?.ok_or_else(|| bad(d, "a map of known length"))?;
    let mut entries = BTreeMap::new();
    for _ in 0..count {
        let name = Name::new(d.str()?);
        entries.insert(name, value(d, depth)?);
    }
    Ok(Value::Map(Arc::new(entries)))
}

fn deeper(d: &Decoder<'_>, depth: u32) -> Result<u32, Error> {
    depth.checked_sub(1).ok_or_else(|| bad(d, &format!("at most {MAX_DEPTH} levels of lists and maps")))
}

fn bad(d: &Decoder<'_>, expected: &str) -> Error {
    Error::message(format!("expected {expected}")).at(d.position())
}

#[cfg(test)]
mod tests;
