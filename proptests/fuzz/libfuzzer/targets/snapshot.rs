#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| edge_ledger_fuzz::snapshot(bytes));
