//! The stored form of the fields that are not values: instants, days, decimals and ids.

use minicbor::data::Type as Cbor;
use minicbor::decode::{Decoder, Error};
use minicbor::encode::{self, Encoder, Write};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

type Put<W> = Result<(), encode::Error<<W as Write>::Error>>;

/// `#[cbor(with = "crate::model::code::instant")]`: microseconds since 1970.
pub mod instant {
    use super::*;
    use chrono::{DateTime, Utc};

    /// Writes an instant.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn encode<C, W: Write>(at: &DateTime<Utc>, e: &mut Encoder<W>, _: &mut C) -> Put<W> {
        e.i64(at.timestamp_micros())?.ok()
    }

    /// Reads an instant.
    ///
    /// # Errors
    /// When there is none.
    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<DateTime<Utc>, Error> {
        let at = d.position();
        DateTime::from_timestamp_micros(d.i64()?).ok_or_else(|| Error::message("expected an instant").at(at))
    }
}

/// `#[cbor(with = "crate::model::code::date")]`: the number of the day, 1 being 0001-01-01.
pub mod date {
    use super::*;
    use chrono::{Datelike, NaiveDate};

    /// Writes a day.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn encode<C, W: Write>(day: &NaiveDate, e: &mut Encoder<W>, _: &mut C) -> Put<W> {
        e.i32(day.num_days_from_ce())?.ok()
    }

    /// Reads a day.
    ///
    /// # Errors
    /// When there is none.
    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<NaiveDate, Error> {
        let at = d.position();
        NaiveDate::from_num_days_from_ce_opt(d.i32()?).ok_or_else(|| Error::message("expected a day").at(at))
    }
}

/// `#[cbor(with = "crate::model::code::decimal")]`: `[scale, digits]`.
pub mod decimal {
    use super::*;

    /// Writes a decimal with its scale.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn encode<C, W: Write>(number: &Decimal, e: &mut Encoder<W>, _: &mut C) -> Put<W> {
        put_decimal(number, e.array(2)?)
    }

    /// Reads a decimal.
    ///
    /// # Errors
    /// When there is none.
    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Decimal, Error> {
        match d.array()? {
            Some(2) => take_decimal(d),
            _ => Err(Error::message("expected a decimal").at(d.position())),
        }
    }
}

/// `#[cbor(with = "crate::model::code::id")]`: the 16 bytes of a UUID.
pub mod id {
    use super::*;
    use uuid::Uuid;

    /// Writes an id.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn encode<C, W: Write>(id: &Uuid, e: &mut Encoder<W>, _: &mut C) -> Put<W> {
        e.bytes(id.as_bytes())?.ok()
    }

    /// Reads an id.
    ///
    /// # Errors
    /// When there is none.
    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Uuid, Error> {
        let at = d.position();
        Uuid::from_slice(d.bytes()?).map_err(|_| Error::message("expected 16 bytes of an id").at(at))
    }
}

/// `#[cbor(with = "crate::model::code::boxed")]`: a list that does not grow any more.
pub mod boxed {
    use super::*;
    use minicbor::{Decode, Encode};

    /// Writes a list.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn encode<C, T: Encode<C>, W: Write>(items: &[T], e: &mut Encoder<W>, ctx: &mut C) -> Put<W> {
        items.encode(e, ctx)
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When there is none.
    pub fn decode<'b, C, T: Decode<'b, C>>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Box<[T]>, Error> {
        Vec::decode(d, ctx).map(Vec::into_boxed_slice)
    }
}

/// The scale and the digits: two items.
pub(super) fn put_decimal<W: Write>(number: &Decimal, e: &mut Encoder<W>) -> Put<W> {
    e.u32(number.scale())?;
    match number.mantissa().to_i64() {
        Some(short) => e.i64(short)?.ok(),
        None => e.bytes(&number.mantissa().to_be_bytes())?.ok(),
    }
}

pub(super) fn take_decimal(d: &mut Decoder<'_>) -> Result<Decimal, Error> {
    let at = d.position();
    let scale = d.u32()?;
    let digits = match d.datatype()? {
        Cbor::Bytes => {
            i128::from_be_bytes(d.bytes()?.try_into().map_err(|_| Error::message("expected 16 bytes").at(at))?)
        }
        _ => i128::from(d.i64()?),
    };
    Decimal::try_from_i128_with_scale(digits, scale).map_err(|_| Error::message("expected a decimal").at(at))
}
