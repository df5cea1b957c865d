//! Bytes that are like those of the corpus: changed, cut, doubled, put together. No match for a
//! fuzzer that sees which way the code goes, but every build does some of it.
//!
//! `EDGE_LEDGER_FUZZ` says how many for each target, 100 if it does not; `EDGE_LEDGER_SEED` which.
#![expect(clippy::print_stderr, reason = "what was found has to be kept by whoever sees it")]
use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use edge_ledger_fuzz::TARGETS;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng, seq::IndexedRandom as _};

#[test]
fn what_holds_of_the_corpus_holds_of_what_is_like_it() {
    let (count, seed) = (number("EDGE_LEDGER_FUZZ", 100), number("EDGE_LEDGER_SEED", 1));
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for nth in 0..count {
            let bytes = like(&corpus, &mut random);
            if catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_err() {
                let path = env::temp_dir().join(format!("edge-ledger-{name}-{seed}-{nth}"));
                fs::write(&path, &bytes).expect("what was found is kept");
                eprintln!("move {} to fixtures/corpus/{name}", path.display());
                panic!("{name}, seed {seed}, number {nth}");
            }
        }
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/corpus").join(name);
    let entries = fs::read_dir(directory).expect("each target has a corpus");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("readable")).collect()
}

/// Takes one of a corpus, and changes it a few times.
fn like(corpus: &[Vec<u8>], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = corpus.choose(random).expect("there is one").clone();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        let until = (at + random.random_range(0..32)).min(bytes.len());
        match random.random_range(0..6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..until)),
            2 => bytes[at..until].fill(random.random()),
            3 => bytes.splice(at..at, random.random::<[u8; 4]>()).for_each(drop),
            4 => {
                let other = corpus.choose(random).expect("there is one");
                let from = random.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            _ => bytes.extend_from_within(at..until),
        }
    }
    bytes
}

fn number(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}
