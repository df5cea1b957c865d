//! The log in either store, and what vouches for it.
use serde_json::{Value, json};

use crate::house::{House, edge_ledger, outcome, task};

#[test]
fn a_ledger_stays_in_the_store_that_it_was_made_in() {
    let mut house = House::empty();
    house.serve_with(&["--store", "segments"]);
    house.submit(&task("first")).json();
    house.stop("TERM");
    let first = verified(&house);

    house.serve();
    house.submit(&task("second")).json();
    house.stop("TERM");
    let refused = house.look(&["serve", "--addr", "127.0.0.1:0", "--store", "sled"]);

    assert!(!house.data().join("journal").join("db").exists());
    assert!(first["head"].as_u64() < verified(&house)["head"].as_u64());
    assert_eq!(refused.code, Some(4), "{refused:#?}");
    let told = format!("{} is kept in segments, not in sled", house.data().display());
    assert!(refused.stderr.contains(&told), "{refused:#?}");
    assert!(refused.stderr.contains("edge-ledger log convert --data"), "{refused:#?}");
}

#[test]
fn a_log_moved_to_the_other_store_and_back_is_the_same_log() {
    let mut house = House::served();
    for name in ["first", "second", "third"] {
        house.submit(&task(name)).json();
    }
    house.stop("TERM");
    let was = verified(&house);

    let (there, back) = (house.path("there"), house.path("back"));
    let convert = |from: &std::path::Path, to, into: &std::path::Path| {
        let mut command = edge_ledger();
        command.args(["log", "convert", "--json", "--to", to, "--data"]).arg(from);
        outcome(command.arg("--into").arg(into))
    };
    let moved = convert(&house.data(), "segments", &there).json();
    let again = convert(&house.data(), "segments", &there);
    let returned = convert(&there, "sled", &back).json();

    for copy in [&moved, &returned] {
        for fact in ["head", "hash", "digest"] {
            assert_eq!(copy[fact], was[fact], "{fact} of {copy}");
        }
    }
    assert_eq!(again.code, Some(4), "{again:#?}");
    for (place, file) in [(&there, "READY"), (&back, "db")] {
        assert!(place.join("journal").join(file).exists());
        let verify = outcome(edge_ledger().args(["log", "verify", "--json", "--data"]).arg(place));
        assert_eq!(verify.json(), was);
    }
}

#[test]
fn a_checkpoint_kept_elsewhere_vouches_for_all_before_it() {
    let mut house = House::served();
    house.submit(&task("first")).json();
    house.stop("TERM");
    let kept = verified(&house);
    let (position, hash) = (kept["head"].to_string(), kept["hash"].as_str().unwrap());
    let check = |house: &House, position: &str, hash: &str| {
        house.look(&["log", "verify", "--json", "--from", position, "--hash", hash])
    };
    let nothing_new = check(&house, &position, hash).json();
    house.serve();
    house.submit(&task("second")).json();
    house.stop("TERM");
    let whole = verified(&house);

    let rest = check(&house, &position, hash).json();
    let all = check(&house, "0", &"0".repeat(64)).json();
    let other = check(&house, &position, &"7".repeat(64));
    let beyond = check(&house, "1000000", hash);

    assert_eq!((&nothing_new["ok"], &nothing_new["commits"]), (&json!(true), &json!(0)));
    assert_eq!(rest["knownByHashOnly"], json!({ "position": kept["head"], "hash": hash }));
    assert_eq!((&rest["head"], &rest["hash"]), (&whole["head"], &whole["hash"]));
    assert_eq!(rest.get("digest"), None);
    let commits = |verified: &Value| verified["commits"].as_u64().unwrap();
    assert_eq!(commits(&rest) + commits(&kept), commits(&whole));
    assert_eq!(commits(&all), commits(&whole));
    assert_eq!(other.code, Some(1), "{other:#?}");
    let told = format!("the log has hash {hash} at position {position}, not 7777");
    assert!(other.stderr.contains(&told), "{other:#?}");
    assert_eq!(beyond.code, Some(1), "{beyond:#?}");
    assert!(beyond.stderr.contains("no block ends at position 1000000"), "{beyond:#?}");
}

fn verified(house: &House) -> Value {
    house.look(&["log", "verify", "--json"]).json()
}
