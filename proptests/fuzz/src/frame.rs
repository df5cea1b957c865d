//! A frame of a store.
use edge_ledger_journal::{Block, Frame, Packing};

/// Takes bytes for a frame, with the checksum that they should have: a checksum finds damage, and
/// not what somebody wrote on purpose. What is read of it agrees with itself, packed again too.
///
/// # Panics
///
/// Panics if that is not so.
pub fn frame(bytes: &[u8]) {
    drop(Frame::parse(bytes.to_vec()));
    let mut summed = bytes.to_vec();
    summed.extend(checksum(bytes).to_be_bytes());
    let Ok(frame) = Frame::parse(summed) else { return };
    let (Ok(blocks), Ok(link)) = (frame.blocks(), frame.link()) else { return };
    let end = blocks.last().map_or_else(|| frame.before(), |block| block.link);
    assert_eq!(end, link, "the chain ends where its last block does");
    if let Ok((commits, link)) = frame.commits() {
        assert_eq!(link.position, frame.head(), "commits end where the frame says");
        assert!(!commits.is_empty() || blocks.is_empty(), "blocks have commits");
    }
    let unlinked: Vec<Block> = blocks.into_iter().map(|linked| linked.block).collect();
    if !unlinked.is_empty() {
        let again = Frame::pack(frame.before(), &unlinked, Packing::Zstd(1));
        assert_eq!(again.link().ok(), Some(link), "packing changes no hash");
    }
}

/// CRC-32C, a bit at a time.
fn checksum(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let bit = |sum: u32| if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
    let byte = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| bit(sum));
    !bytes.iter().fold(u32::MAX, byte)
}
