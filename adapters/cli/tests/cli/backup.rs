//! Backups and what is restored of them, as an operator makes them.
use std::{fs, path::Path};

use crate::house::{House, Outcome, edge_ledger, outcome, task};

#[test]
fn a_backup_of_a_data_directory_is_that_of_its_gateway() {
    let mut house = House::served();
    for name in ["first", "second"] {
        house.submit(&task(name)).json();
    }

    let asked = house.ask(&["backup", file(&house, "asked"), "--json"]).json();
    house.stop("KILL");
    let read = house.look(&["backup", file(&house, "read"), "--json"]).json();

    for fact in ["position", "hash", "digest"] {
        assert_eq!(asked[fact], read[fact], "{fact}");
    }
    let verified = house.look(&["log", "verify", "--json"]).json();
    for (fact, there) in [("position", "head"), ("hash", "hash"), ("digest", "digest")] {
        assert_eq!(read[fact], verified[there], "{fact}");
    }
    assert_eq!(fs::read(house.path("asked")).unwrap(), fs::read(house.path("read")).unwrap());
}

#[test]
fn a_restored_ledger_has_everything_and_begins_a_new_epoch() {
    for store in ["sled", "segments"] {
        let house = House::served();
        for name in ["first", "second"] {
            house.submit(&task(name)).json();
        }
        let backup = house.ask(&["backup", file(&house, "backup"), "--json"]).json();

        let there = house.path("there");
        let restored = restore(&house, "backup", &there, &["--store", store]).json();

        assert_eq!(restored["digest"], backup["digest"]);
        assert_eq!((&backup["epoch"], &restored["epoch"]), (&0.into(), &1.into()));
        let verify = outcome(edge_ledger().args(["log", "verify", "--json", "--data"]).arg(&there));
        let verified = verify.json();
        assert_eq!((&verified["epoch"], &verified["closed"]), (&1.into(), &true.into()));
        assert_eq!(verified["counts"]["tasks"], 2);
        let kept = there.join("journal").join(if store == "sled" { "db" } else { "READY" });
        assert!(kept.exists(), "{}", kept.display());
    }
}

#[test]
fn the_secrets_key_is_in_a_backup_only_if_asked_for() {
    let house = House::served();
    let key = fs::read(house.data().join("secret.key")).unwrap();
    let has_key = |name: &str| {
        let bytes = fs::read(house.path(name)).unwrap();
        bytes.windows(key.len()).any(|window| window == key)
    };
    let data = house.data();

    house.ask(&["backup", file(&house, "without")]).text();
    let with = ["backup", "--with-key", "--data", data.to_str().unwrap(), file(&house, "with")];
    house.ask(&with).text();
    let elsewhere = house.path("elsewhere");
    let elsewhere = ["backup", "--with-key", "--data", elsewhere.to_str().unwrap(), "none"];
    let refused = house.ask(&elsewhere);

    assert!(!has_key("without") && has_key("with"));
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    assert!(refused.stderr.contains("the key never leaves the gateway's machine by HTTP"));
    let without = restore(&house, "without", &house.path("r1"), &[]);
    assert!(without.stderr.contains("every edge has to register anew"), "{without:#?}");
    let with = restore(&house, "with", &house.path("r2"), &[]);
    assert!(!with.stderr.contains("register anew"), "{with:#?}");
    assert!(!house.path("r1").join("secret.key").exists());
    assert_eq!(fs::read(house.path("r2").join("secret.key")).unwrap(), key);
}

#[test]
fn an_altered_or_torn_backup_is_refused_and_leaves_nothing() {
    let house = House::served();
    for name in ["first", "second", "third"] {
        house.submit(&task(name)).json();
    }
    let backup = house.ask(&["backup", file(&house, "backup"), "--json"]).json();
    let whole = fs::read(house.path("backup")).unwrap();
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;

    for (what, bytes) in [("altered", &altered[..]), ("torn", &whole[..whole.len() - 40])] {
        fs::write(house.path("bad"), bytes).unwrap();
        let place = house.path("place");
        fs::create_dir(&place).unwrap();

        let refused = restore(&house, "bad", &place.join("there"), &[]);

        assert_eq!(refused.code, Some(1), "{what}: {refused:#?}");
        assert!(refused.stderr.contains("cannot be relied on after position "), "{refused:#?}");
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "{what}: something is left");
        fs::remove_dir(place).unwrap();
    }
    assert!(backup["position"].as_u64().unwrap() > 1);
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let house = House::served();
    house.ask(&["backup", file(&house, "backup")]).text();
    let before = fs::read(house.path("backup")).unwrap();
    let full = house.path("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("mine"), "mine").unwrap();
    let empty = house.path("empty");
    fs::create_dir(&empty).unwrap();

    let again = house.ask(&["backup", file(&house, "backup")]);
    let over = restore(&house, "backup", &full, &[]);
    let into = restore(&house, "backup", &empty, &[]);

    assert_eq!(again.code, Some(4), "{again:#?}");
    assert_eq!(fs::read(house.path("backup")).unwrap(), before);
    assert_eq!(over.code, Some(4), "{over:#?}");
    assert_eq!(fs::read_dir(&full).unwrap().count(), 1);
    assert_eq!(into.code, Some(0), "{into:#?}");
    assert!(empty.join("journal").is_dir());
}

#[test]
fn only_an_operator_gets_a_backup() {
    let house = House::served();

    let refused = outcome(
        house.operator(&["backup", file(&house, "backup")]).env("EDGE_LEDGER_TOKEN", "op_live_x"),
    );

    assert_eq!(refused.code, Some(4), "{refused:#?}");
    assert!(!house.path("backup").exists() && !house.path("backup.half").exists());
}

fn restore(house: &House, name: &str, data: &Path, flags: &[&str]) -> Outcome {
    let mut command = edge_ledger();
    command.args(["restore", "--json"]).arg(house.path(name)).args(flags);
    outcome(command.arg("--data").arg(data))
}

/// Names a file in a house for as long as the test runs.
fn file(house: &House, name: &str) -> &'static str {
    Box::leak(house.path(name).to_str().expect("a path").to_owned().into_boxed_str())
}
