//! The routes of edges. An agent writes what the gateway reads.
use edge_ledger_core::{
    edge::{Change, Report, RuntimeState, UpgradeStatus},
    task::{self, Fence, TaskStatus},
};
use edge_ledger_wire::{
    Fields, Malformed, Problem,
    edge::{
        CompleteRequest, ConnectivityAnswer, ConnectivityRequest, FailRequest, Granted,
        HeartbeatAnswer, HeartbeatRequest, LeasedTask, NextAnswer, NextRequest, OfferedStatus,
        RegisterAnswer, RegisterRequest, Release, ResultsAnswer, ResultsRequest, Row, StatusAnswer,
    },
    optimization::{Optimization, SearchStrategy},
    work::Work,
};
use insta::assert_json_snapshot;
use serde::Serialize;
use serde_json::{Value, json};

use crate::samples::{at, edge_id, identity, json, task_id};

fn read<T>(body: &str) -> T
where
    T: for<'f, 'b> TryFrom<&'f Fields<'b>, Error = Malformed>,
{
    T::try_from(&Fields::of_body(body.as_bytes()).unwrap()).unwrap()
}

/// Writes a request, which has to be read as what it was.
fn there_and_back<T>(request: &T) -> Value
where
    T: Serialize
        + PartialEq
        + std::fmt::Debug
        + for<'f, 'b> TryFrom<&'f Fields<'b>, Error = Malformed>,
{
    let text = serde_json::to_string(request).unwrap();
    assert_eq!(&read::<T>(&text), request);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn requests() {
    let worker_id = edge_id().to_string();
    let register = RegisterRequest {
        device_number: "DEV-1".into(),
        display_name: "an edge".into(),
        platform: Some("linux".into()),
        arch: Some("x64".into()),
        edge_version: Some("1.4.2".into()),
        token: Some("etr_live_0".into()),
    };
    let connectivity = ConnectivityRequest {
        worker_id: worker_id.clone(),
        device_number: "DEV-1".into(),
        current_version: Some("1.4.2".into()),
        platform: Some("linux".into()),
        arch: Some("x64".into()),
        install_type: Some("service".into()),
        active_task: Some(true),
        runtime_state: Some(RuntimeState::Error),
        active_task_id: Some("T1".into()),
        uptime_seconds: Some(15),
        last_error: Some("it broke".into()),
        upgrade_status: Some(UpgradeStatus::RolledBack),
        reason: Some("checksum".into()),
    };
    let next = NextRequest {
        worker_id: worker_id.clone(),
        holding: Some(vec!["T1".to_owned()]),
        capacity: Some(2),
    };
    let heartbeat = HeartbeatRequest {
        worker_id: worker_id.clone(),
        processed_configs: 1,
        total_configs: 2,
        current_config: Some("T1_cfg_1".into()),
        trial_progress: Some("started".into()),
        lease_token: Some(7),
    };
    let row = Row {
        config_id: "T1_cfg_1".into(),
        strategy_config: json(r#"{"b": 1.50}"#),
        metrics: json(r#"{"sharpeRatio":null}"#),
        result_folder: Some("/tmp/1".into()),
    };
    let results =
        ResultsRequest { worker_id: worker_id.clone(), results: vec![row], lease_token: Some(7) };
    let complete = CompleteRequest {
        worker_id: worker_id.clone(),
        best_config_ids: vec!["T1_cfg_1".into()],
        processed_configs: 2,
        total_configs: 2,
        lease_token: Some(7),
    };
    let fail = FailRequest {
        worker_id,
        error: "it broke".into(),
        retryable: Some(true),
        lease_token: Some(7),
    };

    assert_json_snapshot!("register_request", there_and_back(&register));
    assert_json_snapshot!("connectivity_request", there_and_back(&connectivity));
    assert_json_snapshot!("next_request", there_and_back(&next));
    assert_json_snapshot!("heartbeat_request", there_and_back(&heartbeat));
    assert_json_snapshot!("results_request", there_and_back(&results));
    assert_json_snapshot!("complete_request", there_and_back(&complete));
    assert_json_snapshot!("fail_request", there_and_back(&fail));
}

#[test]
fn answers() {
    let release = Release {
        version: "1.5.0".to_owned(),
        platform: "linux".to_owned(),
        arch: "x64".to_owned(),
        install_type: "service".to_owned(),
        url: "https://example.org/edge".to_owned(),
        checksum: "sha256:0".to_owned(),
        signature: "0".to_owned(),
        signature_algorithm: "ed25519".to_owned(),
        signing_key_id: None,
        size_bytes: Some(1),
    };
    let offer = ConnectivityAnswer {
        target_version: Some("1.5.0".to_owned()),
        release: Some(release),
        upgrade_status: OfferedStatus::UpgradePending,
        upgrade_message: Some("soon".into()),
    };
    let optimization = Optimization {
        symbol: "SPX".to_owned(),
        interval: "1d".to_owned(),
        search_strategy: SearchStrategy::Optuna,
        optimization_params: json(r#"{"z": [1.50],"a":[3]}"#).raw().to_owned(),
        optimization_metrics: vec!["sharpeRatio".to_owned()],
        trials: 5,
        start_trial: Some(2),
        seed: Some(3),
        prices: Some(json("[1.50, 2]").raw().to_owned()),
        start_date: Some("2026-01-01".to_owned()),
        end_date: Some("2026-01-02".to_owned()),
    };
    let leased = |work| {
        let (status, fence) = (TaskStatus::Assigned, Fence::new(7));
        let granted = Granted { status, attempt: 1, fence, expires_at: at(60) };
        let task = Some(LeasedTask::new(&task_id(), "a task", work, granted));
        NextAnswer { success: true, task }
    };
    let registered = RegisterAnswer {
        worker_id: edge_id().to_string(),
        credential: "wk_live_0".to_owned(),
        device_number: "DEV-1".into(),
    };
    let heard = HeartbeatAnswer {
        success: true,
        status: TaskStatus::Processing,
        lease_expires_at: Some(at(60).to_string()),
        cancel_requested: false,
    };

    assert_json_snapshot!("register_answer", registered);
    assert_json_snapshot!("connectivity_answer", offer);
    assert_json_snapshot!(
        "next_answer_nothing",
        NextAnswer::<LeasedTask> { success: true, task: None }
    );
    let payload = Work::Payload(json(r#"{"x": 1.0}"#).raw().to_owned());
    assert_json_snapshot!("next_answer_a_payload", leased(payload));
    let text = serde_json::to_string(&leased(Work::Optimization(Box::new(optimization)))).unwrap();
    insta::assert_snapshot!("next_answer_an_optimisation", text);
    assert_json_snapshot!("heartbeat_answer", heard);
    assert_json_snapshot!(
        "results_answer",
        ResultsAnswer { success: true, accepted: 2, deduplicated: 1 }
    );
    assert_json_snapshot!(
        "status_answer",
        StatusAnswer { success: true, status: TaskStatus::Done }
    );
    let problem = Problem::new(409, "Conflict", "task_lease_lost", "lease is lost");
    assert_json_snapshot!("problem", Problem { instance: Some("request-1".to_owned()), ..problem });
}

#[test]
fn null_is_missing_and_unknown_fields_are_nobodys_business() {
    let read: NextRequest =
        read(r#"{"workerId":"w","holding":null,"capacity":null,"colour":{"x":[1]},"y":null}"#);

    assert_eq!(read, NextRequest { worker_id: "w".to_owned(), holding: None, capacity: None });
    assert_eq!(task::Poll::from(read), task::Poll { holding: None, capacity: 1 });
}

#[test]
fn a_whole_number_may_have_been_written_as_a_floating_one() {
    let beat = |number: &str| {
        let body = format!(r#"{{"workerId":"w","processedConfigs":{number},"totalConfigs":9}}"#);
        let fields = Fields::of_body(body.as_bytes()).unwrap();
        HeartbeatRequest::try_from(&fields).map(|request| request.processed_configs)
    };

    for (number, whole) in [
        ("5", 5),
        ("5.0", 5),
        ("5e2", 500),
        ("-0.0", 0),
        ("18446744073709551615", u64::MAX),
        ("9007199254740991.0", (1 << 53) - 1),
    ] {
        assert_eq!(beat(number), Ok(whole), "{number}");
    }
    for number in ["5.5", "-1", "-1.0", "1e17", "18446744073709551616", "\"5\"", "true", "[5]"] {
        let fault = beat(number).unwrap_err();
        assert_eq!(fault.field, "processedConfigs", "{number}");
    }
}

#[test]
fn operating_systems_and_processors_have_one_name_each() {
    let said = |platform: &str, arch: &str| {
        let body = json!({
            "deviceNumber": " DEV-1 ", "displayName": " an edge ", "platform": platform, "arch": arch,
        });
        let identity = read::<RegisterRequest>(&body.to_string()).identity();
        (identity.platform.unwrap_or_default(), identity.arch.unwrap_or_default())
    };

    assert_eq!(said("Windows", "AMD64"), ("win32".into(), "x64".into()));
    assert_eq!(said("win32", "x86_64"), ("win32".into(), "x64".into()));
    assert_eq!(said("Linux", "aarch64"), ("linux".into(), "arm64".into()));
    assert_eq!(said("Darwin", "ARM64"), ("darwin".into(), "arm64".into()));
    assert_eq!(said(" ", ""), ("".into(), "".into()));
    let trimmed = json!({ "deviceNumber": " DEV-1 ", "displayName": "\tan edge\n" });
    let identity_read = read::<RegisterRequest>(&trimmed.to_string()).identity();
    assert_eq!(identity_read.device_number, identity().device_number);
    assert_eq!(identity_read.display_name, identity().display_name);
}

#[test]
fn what_a_report_changes_depends_on_the_state_it_reports() {
    let changes = |fields: Value| {
        let mut body = json!({ "workerId": "w", "deviceNumber": "d" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let report = Report::from(read::<ConnectivityRequest>(&body.to_string()));
        (report.active_task, report.last_error)
    };
    let set = |text: &str| Change::Set(text.into());

    for (fields, active_task, last_error) in [
        (json!({}), Change::Keep, Change::Keep),
        (
            json!({ "runtimeState": "IDLE", "activeTaskId": "T1", "lastError": "e" }),
            Change::Clear,
            Change::Clear,
        ),
        (
            json!({ "runtimeState": "BUSY", "activeTaskId": "T1", "lastError": "e" }),
            set("T1"),
            Change::Clear,
        ),
        (json!({ "runtimeState": "UPGRADING" }), Change::Keep, Change::Clear),
        (json!({ "runtimeState": "ERROR", "lastError": " a\n b " }), Change::Keep, set("a b")),
        (json!({ "runtimeState": "ERROR" }), Change::Keep, Change::Keep),
        (json!({ "lastError": "e", "activeTask": false }), Change::Clear, set("e")),
        (json!({ "lastError": " ", "activeTask": true }), Change::Keep, Change::Clear),
        (json!({ "lastError": null, "activeTaskId": null }), Change::Keep, Change::Keep),
        (json!({ "runtimeState": "ASLEEP", "lastError": "e" }), Change::Keep, set("e")),
    ] {
        assert_eq!(changes(fields.clone()), (active_task, last_error), "{fields}");
    }
    let (_, long) = changes(json!({ "lastError": "é".repeat(600) }));
    assert_eq!(long, set(&"é".repeat(500)));
}
