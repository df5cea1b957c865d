//! Where the bytes of the binary form go.
use postcard::{Result, ser_flavors::Flavor};

use crate::Digest;

/// Keeps the bytes.
pub(super) struct Written(Vec<u8>);

impl Written {
    /// Most commits come alone, and most of those fit.
    const ROOM: usize = 256;

    pub(super) fn after(format: u8) -> Self {
        let mut bytes = Vec::with_capacity(Self::ROOM);
        bytes.push(format);
        Self(bytes)
    }
}

impl Flavor for Written {
    type Output = Vec<u8>;

    #[inline]
    fn try_push(&mut self, byte: u8) -> Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// Keeps only their digest.
#[derive(Default)]
pub(super) struct Hashed {
    hasher: blake3::Hasher,
    piece: Vec<u8>,
}

impl Hashed {
    /// How many bytes are hashed at once: BLAKE3 takes its time over every call.
    const PIECE: usize = 16 * 1024;

    fn hash(&mut self) {
        self.hasher.update(&self.piece);
        self.piece.clear();
    }
}

impl Flavor for Hashed {
    type Output = Digest;

    #[inline]
    fn try_push(&mut self, byte: u8) -> Result<()> {
        self.try_extend(&[byte])
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= Self::PIECE {
            self.hash();
        }
        Ok(())
    }

    fn finalize(mut self) -> Result<Digest> {
        self.hash();
        Ok(Digest::from_bytes(*self.hasher.finalize().as_bytes()))
    }
}
