//! Benchmarks small enough for a test: that they count right, and say what they promise to say.
//! Nothing is asserted of how fast anything is.

use serde_json::{Value, json};

use crate::house::{House, edge_ledger, outcome};

/// Runs a benchmark in a directory of its own, which has to be empty afterwards.
fn bench(args: &[&str]) -> Value {
    let house = House::empty();
    std::fs::create_dir(house.path("here")).unwrap();
    let mut command = edge_ledger();
    command.args(["bench", "--json", "--dir"]).arg(house.path("here")).args(args);

    let found = outcome(&mut command).json();

    let left: Vec<_> = std::fs::read_dir(house.path("here")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    found
}

#[test]
fn pairs_are_counted_and_measured_on_both_targets_and_in_both_stores() {
    for (target, told, store) in [
        ("in-process", "in process", "sled"),
        ("in-process", "in process", "segments"),
        ("http", "HTTP, a gateway of its own", "sled"),
        ("http", "HTTP, a gateway of its own", "segments"),
    ] {
        let args = ["--count", "50", "--connections", "4", "--warmup", "0s", "--store", store];
        let found = bench(&[&["pairs", "--target", target], &args[..]].concat());

        for (field, expected) in [
            ("workload", json!("pairs")),
            ("target", json!(told)),
            ("store", json!(store)),
            ("loop", json!("closed")),
            ("callers", json!(4)),
            ("payloadBytes", json!(256)),
            ("answersEach", json!(3)),
            ("done", json!(50)),
        ] {
            assert_eq!(found[field], expected, "{field}: {found}");
        }
        let count = |what: &str| found["latency"][what]["count"].as_u64();
        for (what, expected) in
            [("pair", 50), ("lease", 50), ("start", 50), ("complete", 50), ("answer", 150)]
        {
            assert_eq!(count(what), Some(expected), "{what}: {found}");
        }
        assert_eq!(count("submit"), None, "what is submitted beforehand is not measured: {found}");
        are_consistent(&found);
    }
}

#[test]
fn work_that_comes_at_its_own_pace_takes_the_time_it_has() {
    let args = ["--count", "40", "--rate", "100", "--connections", "2", "--warmup", "0s"];
    let found = bench(&[&["submit", "--target", "in-process", "--batch", "3"], &args[..]].concat());

    assert_eq!((&found["loop"], &found["rate"]), (&json!("open"), &json!(100.0)), "{found}");
    assert_eq!(found["latency"]["submit"]["count"], 40, "{found}");
    let seconds = found["seconds"].as_f64().unwrap();
    assert!(seconds >= 0.39, "the fortieth comes 390 ms after the first: {found}");
}

#[test]
fn a_gateway_that_runs_is_measured_by_whoever_has_its_token() {
    let house = House::served();
    let url = std::fs::read_to_string(house.path("url")).unwrap();
    let token = house.data().join("operator.token");
    let args = ["lone", "--count", "5", "--warmup", "0s", "--url", url.trim()];

    let found = bench(&[&args[..], &["--token-file", token.to_str().unwrap()]].concat());

    assert_eq!((&found["callers"], &found["done"]), (&json!(1), &json!(5)), "{found}");
    let listed = house.ask(&["task", "list", "--json", "--status", "done"]).json();
    let done = listed["items"].as_array().unwrap().len();
    assert!(done >= 5, "{done} tasks of its ledger are done");
}

#[test]
fn a_fleet_polls_and_reports_at_its_pace() {
    let found = bench(&[
        "beats",
        "--edges",
        "10",
        "--every",
        "200ms",
        "--duration",
        "1s",
        "--warmup",
        "0s",
    ]);

    assert_eq!((&found["edges"], &found["done"]), (&json!(10), &json!(50)), "{found}");
    assert_eq!(found["latency"]["poll"]["count"], 50, "{found}");
    assert!(found["latency"]["report"]["p99Us"].as_f64().unwrap() > 0.0, "{found}");
}

#[test]
fn a_past_is_as_long_as_it_was_asked_for_however_often_it_is_read() {
    for (workload, store) in [("replay", "sled"), ("replay", "segments"), ("start", "segments")] {
        let found = bench(&[workload, "--events", "3000", "--runs", "2", "--store", store]);

        assert_eq!(found["store"], store, "{found}");

        let events = found["events"].as_u64().unwrap();
        assert!((3_000..3_010).contains(&events), "{workload}: {found}");
        assert_eq!(found["runs"].as_array().unwrap().len(), 2, "{workload}: {found}");
        assert!(found["bytesOnDisk"].as_u64().unwrap() > events, "{workload}: {found}");
    }
}

#[test]
fn pairs_are_measured_over_each_past() {
    for target in ["in-process", "http"] {
        let args = ["growth", "--events", "1500,3000", "--target", target, "--count", "20"];
        let found = bench(&[&args[..], &["--connections", "2", "--warmup", "0s"]].concat());

        let points = found["points"].as_array().unwrap();
        let events: Vec<_> = points.iter().map(|point| point["events"].as_u64()).collect();
        assert_eq!(events, [Some(1_500), Some(3_000)], "{found}");
        assert_eq!(points[0]["ofFirst"], 1.0, "{found}");
        for point in points {
            assert_eq!(point["pairs"]["latency"]["pair"]["count"], 20, "{found}");
        }
    }
}

/// The figures follow from each other as docs/BENCHMARK.md says.
fn are_consistent(found: &Value) {
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value}: {found}"));
    let per_second = number(&found["perSecond"]);
    let expected = number(&found["done"]) / number(&found["seconds"]);
    assert!((per_second - expected).abs() <= 0.05 * expected + 1.0, "{found}");
    let sync = number(&found["disk"]["journalSync"]["p50Us"]) / 1e6;
    for bound in found["bounds"].as_array().unwrap() {
        let allowed = number(&found["callers"]) / (number(&bound["answersEach"]) * sync);
        assert!((number(&bound["perSecond"]) - allowed).abs() <= 1.0, "{found}");
        let achieved = per_second / allowed;
        assert!((number(&bound["achieved"]) - achieved).abs() < 0.01, "{found}");
    }
    assert!(number(&found["disk"]["fdatasync"]["p50Us"]) > 0.0, "{found}");
    assert!(found["durability"].as_str().unwrap().contains("fdatasync"), "{found}");
}
