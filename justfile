# What people type often. Nothing here is needed: README and `.ci/run` use cargo alone.

# List the recipes.
default:
    @just --list

# Check everything CI checks, in the order that fails fastest.
check: fmt-check pure lint doc test deny

# Format the code.
fmt:
    cargo fmt --all

# Refuse unformatted code.
fmt-check:
    cargo fmt --all --check

# Refuse what clippy warns of.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Build core on its own, where no adapter can lend it a clock or a random number.
pure:
    cargo check -p edge-ledger-core --locked
    cargo clippy -p edge-ledger-core --locked -- -D warnings

# Run the tests, as in `just test -p edge-ledger-core`.
test *args="--workspace":
    cargo test --locked {{args}}

# Build the docs of the crates; dead links fail.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked

# Build the book into docs/book (needs mdbook).
book:
    mdbook build docs

# Check licences, sources and who depends on what (needs cargo-deny).
deny:
    cargo deny --workspace check bans licenses sources

# The same, with the advisory database fetched first.
advisories:
    cargo deny --workspace check advisories

# Run the demonstration.
demo *args:
    cargo run --locked -- demo {{args}}

# Serve a gateway, from ./data unless told otherwise.
serve *args="--data ./data":
    cargo run --locked -- serve {{args}}

# Run longer random histories, as in `just explore 10000`.
explore cases="2000":
    PROPTEST_CASES={{cases}} cargo test -p edge-ledger-proptests --release --locked

# Run what takes long: hours of random histories, hundreds of kills, thousands of power cuts.
deep cases="100000" kills="200" cuts="5000":
    PROPTEST_CASES={{cases}} EDGE_LEDGER_KILLS={{kills}} EDGE_LEDGER_CUTS={{cuts}} EDGE_LEDGER_FLIPS=1000000 EDGE_LEDGER_FUZZ=20000 cargo test --workspace --release --locked -- --include-ignored

# Visit every state of the large worlds, as in `just model deep --threads 4`.
model *args:
    cargo run --release --locked -p edge-ledger-modelcheck -- {{args}}

# Cut the power during one workload, as in `just cut sled/append --cuts 500 --seed 7`.
cut *args:
    cargo run --locked -p edge-ledger-power -- cut {{args}}

# Look for bytes that break a target, as in `just fuzz session 600` (needs cargo-fuzz).
fuzz target="codec" seconds="60":
    mkdir -p proptests/fuzz/libfuzzer/corpus/{{target}}
    RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir proptests/fuzz/libfuzzer --sanitizer none {{target}} proptests/fuzz/libfuzzer/corpus/{{target}} fixtures/corpus/{{target}} -- -max_total_time={{seconds}}

# Measure this build on this machine, as in `just bench pairs --target in-process`.
bench *args="pairs":
    cargo run --release --locked -- bench {{args}}

# Put the same work on this ledger and on the peers that are installed, as in `just peers --rounds 9`.
peers *args:
    cargo bench --locked -p edge-ledger --bench peers -- {{args}}

# Measure decide, apply, the codec and replay, function by function.
criterion *args:
    cargo bench --locked -p edge-ledger-proptests --bench ledger -- {{args}}

# Measure the fold, as in `just fold 1000 100000` (edges, tasks).
fold *args:
    cargo run --release --locked -p edge-ledger-proptests --example fold -- {{args}}

# Look at snapshots that changed (needs cargo-insta).
review:
    cargo insta review

# Everything CI does, CI's way.
ci:
    .ci/run
