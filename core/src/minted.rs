//! A hasher for ids that adapters mint.
use std::hash::{BuildHasher, Hasher};

/// Hashes what is random already: UUIDs that adapters mint and nobody outside can choose. For
/// names that come from outside there is the standard library's hasher.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Minted;

#[derive(Debug)]
pub(crate) struct MintedHasher(u64);

impl BuildHasher for Minted {
    type Hasher = MintedHasher;

    fn build_hasher(&self) -> MintedHasher {
        MintedHasher(0x9e37_79b9_7f4a_7c15)
    }
}

impl Hasher for MintedHasher {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            let product = u128::from(self.0 ^ u64::from_le_bytes(word)) * 0xd6e8_feb8_6659_fd93;
            self.0 = (product >> 64) as u64 ^ product as u64;
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;
    use crate::EdgeId;

    #[test]
    fn ids_that_differ_little_spread_over_both_ends_of_a_hash() {
        let hashes = (0..4096).flat_map(|n| {
            [(n, 0), (0, n), (n << 48, 7)].map(|(high, low)| {
                Minted.hash_one(EdgeId::from_uuid(Uuid::from_u64_pair(high, low)))
            })
        });
        let hashes: BTreeSet<_> = hashes.collect();
        let low: BTreeSet<_> = hashes.iter().map(|hash| hash % 4096).collect();
        let high: BTreeSet<_> = hashes.iter().map(|hash| hash >> 52).collect();

        assert_eq!(hashes.len(), 3 * 4096 - 2, "(0, 0) and (0, 7) are there twice");
        assert!(low.len() > 3500 && high.len() > 3500, "{} and {}", low.len(), high.len());
    }
}
