//! Bytes as stores keep them: a format byte, then compact tagged fields that a later version may add to. Decoding is total.

use minicbor::{Decode, Encode};

use super::StoreError;

/// The first format.
const FORMAT: u8 = 1;

/// The stored bytes of something.
pub(super) fn freeze<T: Encode<()>>(item: &T) -> Vec<u8> {
    // Most things are smaller.
    let mut bytes = Vec::with_capacity(256);
    bytes.push(FORMAT);
    // Writing to memory cannot fail.
    let _infallible = minicbor::encode(item, &mut bytes);
    bytes
}

/// Something from its stored bytes.
///
/// # Errors
/// When they are corrupt, or of a format that this version does not know.
pub(super) fn thaw<T: for<'b> Decode<'b, ()>>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => {
            minicbor::decode(rest).map_err(|error| StoreError::Corrupt(format!("{what}: {error}")))
        }
        Some((format, _)) => Err(StoreError::Corrupt(format!("{what}: expected format {FORMAT}, found {format}"))),
        None => Err(StoreError::Corrupt(format!("{what}: there are no bytes"))),
    }
}
