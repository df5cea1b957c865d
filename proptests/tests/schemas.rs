//! Every JSON format that is a file has a schema, made of the types. What is written meets it.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{fs, path::PathBuf};

use edge_ledger_core::{Commit, Position};
use edge_ledger_journal::{Block, ExportHeader, ExportWriter, Gap, Link, export_schema};
use edge_ledger_proptests::catalogue;
use edge_ledger_testkit::scenario;
use edge_ledger_wire::operator::{CloudEvent, cloud_event_schema};
use jsonschema::Validator;
use serde_json::Value;

const UPDATE: &str = "EDGE_LEDGER_UPDATE_SCHEMAS";

#[test]
fn the_schemas_are_those_of_the_types() {
    for (name, schema) in
        [("export-1-format-2", export_schema()), ("cloudevent", cloud_event_schema())]
    {
        let made = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = schema_path(name);
        if std::env::var_os(UPDATE).is_some() {
            fs::write(&path, &made).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "fixtures/schemas/{name}.json is not the schema of the types any more. If files that \
             exist still meet the new one, run the tests once with {UPDATE}=1 and review the \
             difference; if not, the format has changed and needs a new number"
        );
    }
}

#[test]
fn every_event_meets_the_schemas() {
    let log = everything();
    let (lines, events) = (schema("export-1-format-2"), schema("cloudevent"));

    for line in exported(&log).lines() {
        meets(&lines, line);
    }
    let mut names = std::collections::BTreeSet::new();
    for commit in &log {
        for envelope in commit.envelopes() {
            names.insert(envelope.event.name());
            let event = CloudEvent::new("urn:uuid:0", commit, envelope);
            meets(&events, &serde_json::to_string(&event).unwrap());
        }
    }
    assert_eq!(names, catalogue::event_names());
}

#[test]
fn what_does_not_meet_a_schema_is_told_apart() {
    let lines = schema("export-1-format-2");
    let text = exported(&everything());
    let commit = text.lines().nth(1).unwrap();

    for (there, instead) in [
        ("\"after\":0", "\"after\":\"0\""),
        ("\"recorded_at\":", "\"recordedAt\":"),
        ("{\"opened\":", "{\"opend\":"),
        ("\"hash\":\"", "\"hash\":\"x"),
        ("{\"commit\":", "{\"commits\":"),
    ] {
        let other: Value = serde_json::from_str(&commit.replacen(there, instead, 1)).unwrap();
        assert!(!lines.is_valid(&other), "{other} meets the schema");
    }
}

fn everything() -> Vec<Commit> {
    let names = ["everything_that_can_happen", "finished_tasks_are_archived", "idempotency_keys"];
    let scripts = names.map(|name| {
        fs::read_to_string(format!("../fixtures/scenarios/{name}.txt")).expect("a scenario")
    });
    let mut log = Vec::new();
    for script in scripts {
        log.extend_from_slice(scenario::run(&script).book.log());
    }
    log
}

/// Exports commits, one after the other, whatever they stand for; and a gap.
fn exported(log: &[Commit]) -> String {
    let mut writer = ExportWriter::begin(Vec::new(), &ExportHeader::new(Link::START)).unwrap();
    let mut after = Position::START;
    for commit in log {
        let commit = [Commit { after, ..commit.clone() }];
        writer.block(&Block::of(&commit).unwrap(), &commit).unwrap();
        after = commit[0].head();
    }
    let recorded_at = log[0].recorded_at;
    writer.gap(Gap { after, head: after.plus(5), recorded_at }).unwrap();
    String::from_utf8(writer.finish().unwrap().0).unwrap()
}

fn meets(schema: &Validator, line: &str) {
    let value = serde_json::from_str(line).unwrap();
    if let Err(error) = schema.validate(&value) {
        panic!("{line}: {error}");
    }
}

fn schema(name: &str) -> Validator {
    let text = fs::read_to_string(schema_path(name)).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn schema_path(name: &str) -> PathBuf {
    PathBuf::from(format!("../fixtures/schemas/{name}.json"))
}
