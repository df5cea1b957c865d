//! The bytes of every event and of every word in one, one by one: the order of variants and fields
//! is the format, so a snapshot that changes here is another format.
use std::{collections::BTreeSet, fmt::Write};

use edge_ledger_core::{
    Cause, CommandId, Commit, CredentialId, Digest, EdgeId, Event, Idempotency, Labels, Millis,
    Position, Principal, TaskId, Timestamp, TokenId, codec, credential,
    edge::{self, Change, Identity, Report, RuntimeState, UpgradeStatus},
    enrollment::{self, Grant},
    golden::hex,
    lifecycle::{self, Epoch},
    task::{
        self, Backoff, Completion, EndReason, FailReason, Fence, LateResultsKept, LeaseEnd,
        Payload, Progress, Progressed, ResultsStored, Row, Spec, Submitted, Terms,
    },
};
use edge_ledger_proptests::catalogue;
use uuid::Uuid;

#[test]
fn events_and_their_words() {
    let mut names = BTreeSet::new();
    let mut lines = String::new();
    for event in ledger().into_iter().chain(token()).chain(edge()).chain(task()) {
        names.insert(event.name());
        let alone = commit(cause(Principal::System), vec![event.clone()]);
        let before = codec::encoded_len(&[commit(cause(Principal::System), vec![])]);
        let bytes = codec::encode(&[alone]).split_off(before);
        writeln!(lines, "{event:?}\n    {}", hex::write(&bytes)).expect("a string takes text");
    }
    assert_eq!(names, catalogue::event_names(), "every event there is");
    insta::assert_snapshot!(lines);
}

#[test]
fn commits_and_who_caused_them() {
    let (edge, credential) = (edge_id(), credential_id());
    let once = Idempotency { key: Digest::of(b"key"), body: Digest::of(b"body") };
    let causes = [
        cause(Principal::System),
        cause(Principal::Operator { name: "ada".into() }),
        cause(Principal::Enrollee { token: TokenId::from_uuid(Uuid::from_u128(3)) }),
        cause(Principal::Edge { edge, credential }),
        Cause { idempotency: Some(once), ..cause(Principal::System) },
    ];
    let lines = causes.map(|cause| {
        let bytes = codec::encode(&[commit(cause.clone(), vec![])]);
        format!("{cause:?}\n    {}\n", hex::write(&bytes))
    });
    insta::assert_snapshot!(lines.concat());
}

fn ledger() -> Vec<Event> {
    let tasks = ["job".parse(), Uuid::from_u128(5).to_string().parse()];
    let tasks = tasks.map(|id| id.expect("an id")).to_vec();
    let events = [
        lifecycle::Event::Opened { epoch: Epoch(300) },
        lifecycle::Event::Ticked,
        lifecycle::Event::Closed,
        lifecycle::Event::TasksArchived { tasks },
    ];
    events.map(Event::Ledger).to_vec()
}

fn token() -> Vec<Event> {
    let grant = |device_number, labels| Grant {
        name: "site".into(),
        secret: Digest::of(b"secret"),
        max_uses: 3,
        expires_at: Timestamp::from_millis(-1),
        device_number,
        labels,
    };
    let events = [
        enrollment::Event::Created(Box::new(grant(None, Labels::default()))),
        enrollment::Event::Created(Box::new(grant(Some("d1".into()), labels()))),
        enrollment::Event::Used,
        enrollment::Event::Revoked,
    ];
    let id = TokenId::from_uuid(Uuid::from_u128(3));
    events.map(|what| Event::Token { id, what }).to_vec()
}

fn edge() -> Vec<Event> {
    let token = TokenId::from_uuid(Uuid::from_u128(3));
    let credential = credential_id();
    let bare = Identity {
        device_number: "d1".into(),
        display_name: "rack".into(),
        platform: None,
        arch: None,
        version: None,
    };
    let full = Identity {
        platform: Some("linux".into()),
        arch: Some("x64".into()),
        version: Some("1.0".into()),
        ..bare.clone()
    };
    let (bare, full) = (Box::new(bare), Box::new(full));
    let mut events = vec![
        edge::Event::Registered { identity: bare, token, labels: Labels::default() },
        edge::Event::Registered { identity: full.clone(), token, labels: labels() },
        edge::Event::Reregistered { identity: full, token },
        edge::Event::CredentialIssued { credential, secret: Digest::of(b"secret") },
        edge::Event::CredentialExpirySet { credential, expires_at: Timestamp::from_millis(64) },
        edge::Event::FailureCounted { failures: 2 },
        edge::Event::FailuresCleared,
        edge::Event::Quarantined { failures: 3 },
        edge::Event::Released,
        edge::Event::Disabled { reason: "gone".into() },
        edge::Event::Enabled,
        edge::Event::LabelsSet(labels()),
        edge::Event::CapacitySet(128),
    ];
    let reasons = [
        credential::EndReason::Revoked,
        credential::EndReason::Reregistered,
        credential::EndReason::Repeated,
        credential::EndReason::Rotated,
    ];
    events.extend(reasons.map(|reason| edge::Event::CredentialEnded { credential, reason }));
    events.extend(reports().into_iter().map(|report| edge::Event::Reported(Box::new(report))));
    events.into_iter().map(|what| Event::Edge { id: edge_id(), what }).collect()
}

fn reports() -> Vec<Report> {
    let full = Report {
        version: Some("1.0".into()),
        platform: Some("linux".into()),
        arch: Some("x64".into()),
        install_type: Some("service".into()),
        runtime_state: Some(RuntimeState::Busy),
        active_task: Change::Set("job".into()),
        uptime_seconds: Some(15),
        last_error: Change::Clear,
        upgrade_status: Some(UpgradeStatus::Failed),
        upgrade_reason: Some("checksum".into()),
    };
    let states =
        [RuntimeState::Idle, RuntimeState::Busy, RuntimeState::Upgrading, RuntimeState::Error];
    let upgrades = [
        UpgradeStatus::Downloading,
        UpgradeStatus::Verifying,
        UpgradeStatus::Restarting,
        UpgradeStatus::Succeeded,
        UpgradeStatus::Failed,
        UpgradeStatus::RolledBack,
    ];
    let mut reports = vec![Report::default(), full];
    reports.extend(states.map(|state| Report { runtime_state: Some(state), ..Report::default() }));
    reports.extend(
        upgrades.map(|upgrade| Report { upgrade_status: Some(upgrade), ..Report::default() }),
    );
    reports
}

fn task() -> Vec<Event> {
    let (edge, at) = (edge_id(), Timestamp::from_millis(1_700_000_000_000));
    let late = LateResultsKept { edge, rows: vec![row(None)], dropped: 1 };
    let lease = LeaseEnd { edge, fence: Fence::new(57), attempts: 1, ready_at: None };
    let waits = LeaseEnd { ready_at: Some(at), ..lease };
    let completion = Completion { best: ["c1".into()].into(), processed: 1, total: 2 };
    let progress = Progress {
        processed: 1,
        total: 2,
        current_config: Some("c1".into()),
        trial_progress: Some("3/4".into()),
    };
    let mut events = submitted();
    events.extend([
        task::Event::Readied,
        task::Event::Leased { edge, attempt: 1, expires_at: at },
        task::Event::LeaseRedelivered { redeliveries: 200, expires_at: at },
        task::Event::LeaseExtended { expires_at: at },
        task::Event::Progressed(Box::new(Progressed { progress, expires_at: at })),
        task::Event::Progressed(Box::new(Progressed {
            progress: Progress::default(),
            expires_at: at,
        })),
        task::Event::ResultsStored(Box::new(ResultsStored {
            rows: vec![row(None), row(Some("runs/1".into()))],
            deduplicated: 1,
            expires_at: at,
        })),
        task::Event::LateResultsKept(Box::new(late)),
        task::Event::LateResultsAdopted {
            kept_at: Position::new(9),
            config_ids: ["c1".into()].into(),
        },
        task::Event::WentStale(lease),
        task::Event::WentStale(waits),
        task::Event::AttemptFailed { error: "no disk".into(), lease },
        task::Event::Completed(Box::new(completion)),
        task::Event::Cancelled { reason: "no".into() },
        task::Event::Retried { run: 2, deadline_at: None, ready_at: None },
        task::Event::Retried { run: 2, deadline_at: Some(at), ready_at: Some(at) },
        task::Event::Reassigned { to: None },
        task::Event::Reassigned { to: Some(edge) },
    ]);
    let ends = [
        EndReason::Restarted,
        EndReason::Reassigned,
        EndReason::EdgeDisabled,
        EndReason::CredentialRevoked,
        EndReason::Restored,
    ];
    events.extend(ends.map(|reason| task::Event::LeaseEnded { reason, lease }));
    let fails = [FailReason::Reported, FailReason::AttemptsExhausted, FailReason::DeadlineMissed];
    events.extend(fails.map(|reason| task::Event::Failed { reason, error: "no".into() }));
    let id: TaskId = "job".parse().expect("an id");
    events.into_iter().map(|what| Event::Task { id: id.clone(), what }).collect()
}

fn submitted() -> Vec<task::Event> {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let bare = Spec {
        name: "work".into(),
        payload: payload("{}"),
        dedupe_key: None,
        terms: Terms::default(),
    };
    let full = Spec {
        dedupe_key: Some("k".into()),
        payload: payload(r#"{ "b":1.0,"a":"é" }"#),
        terms: Terms {
            priority: -1,
            assigned_to: Some(edge_id()),
            requires: labels(),
            not_before: Some(at),
            run_time: Some(Millis(3)),
            backoff: Backoff { base: Millis(1), max: Millis(2) },
            ..Terms::default()
        },
        ..bare.clone()
    };
    let submitted = |spec: Spec, at| {
        let digest = spec.digest();
        task::Event::Submitted(Box::new(Submitted { spec, digest, deadline_at: at, ready_at: at }))
    };
    vec![submitted(bare, None), submitted(full, Some(at))]
}

fn row(result_folder: Option<Box<str>>) -> Row {
    Row {
        config_id: "c1".into(),
        strategy_config: payload("{}"),
        metrics: payload(r#"{"pnl":1}"#),
        result_folder,
    }
}

fn payload(text: &str) -> Payload {
    serde_json::from_str(text).map(Payload::new).expect("JSON")
}

fn labels() -> Labels {
    Labels([("gpu".to_owned(), "yes".to_owned())].into())
}

fn edge_id() -> EdgeId {
    EdgeId::from_uuid(Uuid::from_u128(1))
}

fn credential_id() -> CredentialId {
    CredentialId::from_uuid(Uuid::from_u128(2))
}

fn cause(principal: Principal) -> Cause {
    let command = CommandId::from_uuid(Uuid::from_u128(4));
    Cause { command, principal, idempotency: None }
}

fn commit(cause: Cause, events: Vec<Event>) -> Commit {
    let recorded_at = Timestamp::from_millis(1_700_000_000_000);
    Commit { after: Position::new(300), recorded_at, cause, events }
}
