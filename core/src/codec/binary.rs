//! The binary form of whatever has a JSON form: postcard, made from the same serde derives.
//!
//! Fields stand one after the other without their names, variants as their number, numbers as
//! varints, texts and lists behind their length. So the order of fields and variants is part of
//! every format made of it.
mod output;
mod serializer;

use serde::{Deserialize, Serialize};

use crate::Digest;

use super::Malformed;
use output::{Hashed, Written};
use serializer::BinarySerializer;

/// Writes a value behind the byte that names its format.
pub(crate) fn encode<T: Serialize + ?Sized>(format: u8, value: &T) -> Vec<u8> {
    BinarySerializer::write(value, Written::after(format))
}

/// Returns how many bytes [`encode`] makes of a value.
pub(crate) fn encoded_len<T: Serialize + ?Sized>(value: &T) -> usize {
    1 + BinarySerializer::write(value, postcard::ser_flavors::Size::default())
}

/// Returns the digest of a value's binary form.
pub(crate) fn digest<T: Serialize + ?Sized>(value: &T) -> Digest {
    BinarySerializer::write(value, Hashed::default())
}

/// Reads a value, which must take all the bytes there are.
///
/// A length that damage made large is refused or read into at most a mebibyte that it does not
/// fill: serde reserves no more at once, and each list ends with the bytes.
pub(crate) fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Malformed> {
    let length = bytes.len();
    let mut deserializer = postcard::Deserializer::from_bytes(bytes);
    let read = T::deserialize(&mut deserializer);
    let left = deserializer.finalize().map_or(0, <[u8]>::len);
    let at = length - left;
    match read {
        Err(source) => Err(Malformed::Binary { at, length, source }),
        Ok(_) if left > 0 => Err(Malformed::LeftOver { at, length }),
        Ok(value) => Ok(value),
    }
}
