//! Writes what a fuzzer begins with: what the other fixtures have, in the form of each target.
//!
//! `cargo run -p edge-ledger-fuzz --example seeds -- DIR`
use std::{fs, path::Path};

use edge_ledger_core::{codec, snapshot};
use edge_ledger_journal::{Block, Frame, Link, Packing};
use edge_ledger_proptests::scenario;
use serde_json::Value;

fn main() -> std::io::Result<()> {
    let corpus = std::env::args().nth(1).expect("where to write to");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let keep = |target: &str, name: &str, bytes: &[u8]| {
        let directory = Path::new(&corpus).join(target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(name), bytes)
    };
    for entry in fs::read_dir(fixtures.join("scenarios"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let script = fs::read_to_string(&path)?;
        keep("scenario", &name, script.as_bytes())?;
        let book = scenario::run(&script).book;
        keep("codec", &name, &codec::encode(book.log()))?;
        keep("snapshot", &name, &snapshot::encode(book.ledger()))?;
        let Some(block) = Block::of(book.log()) else { continue };
        for (kind, packing) in [("plain", Packing::Plain), ("zstd", Packing::Zstd(1))] {
            let frame = Frame::pack(Link::START, std::slice::from_ref(&block), packing);
            // The target adds the checksum itself.
            let (frame, _) = frame.bytes().split_at(frame.bytes().len() - 4);
            keep("frame", &format!("{name}.{kind}"), frame)?;
        }
    }
    for entry in fs::read_dir(fixtures.join("http"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let exchanges: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let exchanges = exchanges["exchanges"].as_array().cloned().unwrap_or_default();
        for (nth, exchange) in exchanges.iter().enumerate() {
            if let Some(body) = exchange.get("body") {
                keep("wire", &format!("{name}.{nth}"), body.to_string().as_bytes())?;
            }
        }
    }
    // A session is read from whatever bytes there are.
    for nth in 0..16_u32 {
        let mixed = |at: u32| (at + 1).wrapping_mul(0x9e37_79b9 ^ (nth << 9)).to_be_bytes();
        let bytes: Vec<u8> = (0..100).flat_map(mixed).collect();
        keep("session", &format!("mixed.{nth}"), &bytes)?;
    }
    Ok(())
}
