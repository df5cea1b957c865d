//! Events as operators see them.
use std::collections::BTreeSet;

use edge_ledger_core::{
    Cause as CoreCause, Commit, Event, Position, Principal, credential,
    edge::{self, Change, Report, RuntimeState, UpgradeStatus},
    enrollment,
    lifecycle::{self, Epoch},
    task::{self, Completion, Fence, LeaseEnd, Progress, Row},
};
use edge_ledger_wire::operator;
use insta::assert_json_snapshot;

use crate::samples::{
    at, command_id, credential_id, edge_id, grant, identity, json, labels, secret, spec, task_id,
    token_id,
};

/// Lists every event there is, once.
fn all() -> Vec<Event> {
    let ledger = [
        lifecycle::Event::Opened { epoch: Epoch(1) },
        lifecycle::Event::Ticked,
        lifecycle::Event::Closed,
        lifecycle::Event::TasksArchived { tasks: vec![task_id()] },
    ];
    let token = [
        enrollment::Event::Created(Box::new(grant())),
        enrollment::Event::Used,
        enrollment::Event::Revoked,
    ];
    let (credential, identity) = (credential_id(), Box::new(identity()));
    let report = Report {
        version: Some("1.4.2".into()),
        platform: Some("linux".into()),
        arch: Some("x64".into()),
        install_type: Some("service".into()),
        runtime_state: Some(RuntimeState::Busy),
        active_task: Change::Set("T1".into()),
        uptime_seconds: Some(15),
        last_error: Change::Clear,
        upgrade_status: Some(UpgradeStatus::Failed),
        upgrade_reason: Some("checksum".into()),
    };
    let edge = [
        edge::Event::Registered { identity: identity.clone(), token: token_id(), labels: labels() },
        edge::Event::Reregistered { identity, token: token_id() },
        edge::Event::CredentialIssued { credential, secret: secret() },
        edge::Event::CredentialExpirySet { credential, expires_at: at(60) },
        edge::Event::CredentialEnded { credential, reason: credential::EndReason::Revoked },
        edge::Event::Reported(Box::new(report)),
        edge::Event::FailureCounted { failures: 2 },
        edge::Event::FailuresCleared,
        edge::Event::Quarantined { failures: 3 },
        edge::Event::Released,
        edge::Event::Disabled { reason: "stolen".into() },
        edge::Event::Enabled,
        edge::Event::LabelsSet(labels()),
        edge::Event::CapacitySet(2),
    ];
    let ledger = ledger.into_iter().map(Event::Ledger);
    let token = token.into_iter().map(|what| Event::Token { id: token_id(), what });
    let edge = edge.into_iter().map(|what| Event::Edge { id: edge_id(), what });
    let task = about_tasks().into_iter().map(|what| Event::Task { id: task_id(), what });
    ledger.chain(token).chain(edge).chain(task).collect()
}

fn about_tasks() -> Vec<task::Event> {
    let row = Row {
        config_id: "a".into(),
        strategy_config: json("{}"),
        metrics: json("{}"),
        result_folder: None,
    };
    let lease =
        LeaseEnd { edge: edge_id(), fence: Fence::new(7), attempts: 1, ready_at: Some(at(61)) };
    let progress = Progress {
        processed: 1,
        total: 2,
        current_config: Some("a".into()),
        trial_progress: Some("started".into()),
    };
    let stored =
        task::ResultsStored { rows: vec![row.clone()], deduplicated: 1, expires_at: at(60) };
    let kept = task::LateResultsKept { edge: edge_id(), rows: vec![row], dropped: 1 };
    let completion = Completion { best: ["a".into()].into(), processed: 2, total: 2 };
    let submitted = task::Submitted {
        spec: spec(),
        digest: spec().digest(),
        deadline_at: Some(at(3_600)),
        ready_at: Some(at(5)),
    };
    vec![
        task::Event::Submitted(Box::new(submitted)),
        task::Event::Readied,
        task::Event::Leased { edge: edge_id(), attempt: 1, expires_at: at(60) },
        task::Event::LeaseRedelivered { redeliveries: 1, expires_at: at(60) },
        task::Event::LeaseExtended { expires_at: at(60) },
        task::Event::Progressed(Box::new(task::Progressed { progress, expires_at: at(60) })),
        task::Event::ResultsStored(Box::new(stored)),
        task::Event::LateResultsKept(Box::new(kept)),
        task::Event::LateResultsAdopted {
            kept_at: Position::new(9),
            config_ids: ["a".into()].into(),
        },
        task::Event::WentStale(lease),
        task::Event::LeaseEnded { reason: task::EndReason::Restarted, lease },
        task::Event::AttemptFailed { error: "it broke".into(), lease },
        task::Event::Failed { reason: task::FailReason::Reported, error: "it broke".into() },
        task::Event::Completed(Box::new(completion)),
        task::Event::Cancelled { reason: "why not".into() },
        task::Event::Retried { run: 2, deadline_at: Some(at(3_600)), ready_at: Some(at(5)) },
        task::Event::Reassigned { to: Some(edge_id()) },
    ]
}

fn shown() -> Vec<operator::Event> {
    let principal = Principal::Edge { edge: edge_id(), credential: credential_id() };
    let cause = CoreCause { command: command_id(), principal, idempotency: None };
    let (after, recorded_at) = (Position::START, at(0));
    let commit = Commit { after, recorded_at, cause, events: all() };
    commit.envelopes().map(operator::Event::from).collect()
}

#[test]
fn every_event_has_the_name_it_has_in_the_catalogue() {
    let names: Vec<_> = all().iter().map(Event::name).collect();

    let tags = shown().into_iter().map(|event| {
        serde_json::to_value(event.event).unwrap()["type"].as_str().unwrap().to_owned()
    });

    assert_eq!(tags.collect::<Vec<_>>(), names);
    let catalogue = include_str!("../../../../docs/EVENTS.md");
    let rows = catalogue.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: BTreeSet<_> = rows.filter(|name| name.contains('.')).collect();
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), listed);
}

#[test]
fn no_event_shows_the_hash_of_a_secret() {
    let text = serde_json::to_string(&shown()).unwrap();

    assert!(!text.contains(&secret().to_string()));
    assert!(!text.contains("secret"));
}

#[test]
fn every_event_reads_back_as_it_was_shown() {
    for event in shown() {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<operator::Event>(&text).unwrap(), event);
    }
}

#[test]
fn events() {
    let data: Vec<_> = shown().into_iter().map(|event| event.event).collect();

    assert_json_snapshot!("events", data);
    assert_json_snapshot!("an_event_with_its_cause", shown().first());
    let principals = [
        Principal::System,
        Principal::Operator { name: "operator".into() },
        Principal::Enrollee { token: token_id() },
        Principal::Edge { edge: edge_id(), credential: credential_id() },
    ];
    let principals = principals.each_ref().map(operator::Principal::from);
    assert_json_snapshot!("principals", principals);
}
