//! How a frame becomes keys and values, and what keys say.
use edge_ledger_core::Position;
use edge_ledger_journal::Frame;

use crate::bounds::PART;

/// Cuts a frame into parts, each a key and a value.
pub(crate) fn of(frame: &Frame) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
    let position = frame.before().position;
    frame.bytes().chunks(PART).enumerate().map(move |(part, value)| {
        let part = u16::try_from(part).expect("a frame within its bound has few parts");
        (Key { position, part }.to_bytes(), value)
    })
}

/// Returns how many parts a frame of so many bytes has.
pub(crate) const fn count(length: usize) -> usize {
    length.div_ceil(PART)
}

/// Under what a part is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The position before the frame's first event.
    pub(crate) position: Position,
    /// Which part, counted from 0.
    pub(crate) part: u16,
}

impl Key {
    /// The key of a frame's first part.
    pub(crate) const fn first(position: Position) -> [u8; 8] {
        position.get().to_be_bytes()
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Self::first(self.position).to_vec();
        if self.part > 0 {
            bytes.extend(self.part.to_be_bytes());
        }
        bytes
    }

    /// Reads a key; none if no journal writes such a key.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (position, part) = bytes.split_first_chunk()?;
        let position = Position::new(u64::from_be_bytes(*position));
        match part {
            [] => Some(Self { position, part: 0 }),
            [0, 0] => None,
            &[high, low] => Some(Self { position, part: u16::from_be_bytes([high, low]) }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_positions_do_and_parts_behind_their_frame() {
        let keys = [(0, 0), (0, 1), (0, 256), (1, 0), (255, 0), (256, 0), (256, 2), (u64::MAX, 0)];
        let keys = keys.map(|(position, part)| Key { position: Position::new(position), part });
        assert!(keys.map(Key::to_bytes).is_sorted());
        for key in keys {
            assert_eq!(Key::parse(&key.to_bytes()), Some(key));
        }
    }

    #[test]
    fn a_key_has_one_form() {
        for stray in [&[][..], &[0; 7], &[0; 9], &[0; 10], &[0; 11]] {
            assert_eq!(Key::parse(stray), None);
        }
    }
}
