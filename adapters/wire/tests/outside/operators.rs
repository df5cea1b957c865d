//! The routes of operators.
use edge_ledger_core::{
    Command, EdgeId, Liveness, Millis, Position, Thresholds, Timestamp,
    edge::{self, Report, RuntimeState},
    task::{self, Completion, HolderCommand, OperatorCommand, Poll, Progress, Row, SystemCommand},
    view::{EdgeView, TaskView},
    why,
};
use edge_ledger_wire::{
    operator::{
        CredentialAnswer, Edge, LateResults, LedgerView, Page, ResultRow, SubmitAnswer,
        SubmittedTask, Task, Token, TokenAnswer, Why,
    },
    work::Work,
};
use insta::assert_json_snapshot;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use crate::samples::{Told, at, edge_id, json, labels, task_id, token_id};

/// Writes what is shown, which has to be read as it was.
fn there_and_back<T: Serialize + DeserializeOwned>(shown: &T) -> Value {
    let value = serde_json::to_value(shown).unwrap();
    let read: T = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), value);
    value
}

fn poll() -> Command {
    Command::Poll(Poll { holding: None, capacity: 1 })
}

fn holder(command: HolderCommand) -> Command {
    Command::Task(task_id(), task::Command::Holder(None, command))
}

fn edge(told: &Told, now: Timestamp) -> Edge {
    Edge::from(&EdgeView::of(&told.0, edge_id(), &Thresholds::default(), now).unwrap())
}

fn task(told: &Told, now: Timestamp) -> Task {
    Task::from(&TaskView::of(&told.0, &task_id(), now).unwrap())
}

#[test]
fn tokens() {
    let told = Told::of_one_each();
    let details = Token::of(token_id(), told.0.token(token_id()).unwrap(), at(9));

    let made = TokenAnswer { token: Some("etr_live_0".to_owned()), details };

    assert_json_snapshot!("token_answer", there_and_back(&made));
}

#[test]
fn edges() {
    let mut told = Told::of_one_each();
    assert_json_snapshot!("an_edge_that_has_just_registered", there_and_back(&edge(&told, at(9))));

    told.edge(poll(), 10);
    let report = Report {
        runtime_state: Some(RuntimeState::Busy),
        active_task: edge::Change::Set("T1".into()),
        uptime_seconds: Some(15),
        install_type: Some("service".into()),
        ..Report::default()
    };
    told.edge(Command::Report(Box::new(report)), 11);
    let rotate = edge::Command::RotateCredential {
        credential: edge_ledger_core::CredentialId::from_uuid(Uuid::from_u128(9)),
        secret: crate::samples::secret(),
        overlap: Millis::from_secs(3_600),
    };
    told.system(Command::Edge(edge_id(), rotate), 13);
    assert_eq!(edge(&told, at(71)).liveness, Liveness::Online);
    let shown = edge(&told, at(72));
    assert_eq!(shown.liveness, Liveness::Stale);
    let answer = CredentialAnswer {
        credential: Some("wk_live_0".to_owned()),
        credential_id: Uuid::from_u128(9).to_string(),
        edge: shown,
    };
    assert_json_snapshot!("credential_answer", there_and_back(&answer));
    let disable = edge::Command::Disable { reason: "stolen".into() };
    told.system(Command::Edge(edge_id(), disable), 14);
    let shown = edge(&told, at(14));
    assert_json_snapshot!("a_disabled_edge", there_and_back(&shown));
}

#[test]
fn tasks() {
    let mut told = Told::of_one_each();
    let work = Work::of_payload(&crate::samples::spec().payload).unwrap();
    let shown = task(&told, at(9)).with_work(work);
    assert_json_snapshot!("a_task_that_waits", there_and_back(&shown));

    told.edge(poll(), 10);
    let progress = Progress { processed: 1, total: 2, ..Progress::default() };
    told.edge(holder(HolderCommand::Heartbeat(progress)), 11);
    assert_json_snapshot!("a_task_at_work", there_and_back(&task(&told, at(12))));
    told.system(Command::Task(task_id(), task::Command::System(SystemCommand::EndLapsedLease)), 99);
    assert_json_snapshot!("a_task_whose_lease_lapsed", there_and_back(&task(&told, at(99))));
    told.edge(poll(), 200);
    told.edge(holder(HolderCommand::StoreResults(vec![row()])), 201);
    let completion = Completion { best: ["a".into()].into(), processed: 2, total: 2 };
    told.edge(holder(HolderCommand::Complete(completion)), 202);
    assert_json_snapshot!("a_task_that_is_done", there_and_back(&task(&told, at(203))));
    let ledger = LedgerView { digest: "0".repeat(64), ..LedgerView::of(&told.0, at(203)) };
    assert_json_snapshot!("ledger", there_and_back(&ledger));
}

#[test]
fn reasons() {
    let mut told = Told::of_one_each();
    let cancel = OperatorCommand::Cancel { reason: "why not".into() };
    let other = EdgeId::from_uuid(Uuid::from_u128(8));
    let all = |told: &Told, second: i64| {
        let now = at(second);
        let reasons = why::why(&told.0, &task_id(), &Thresholds::default(), now);
        there_and_back(&Why::of(&task_id(), task(told, now).status, &reasons, now))
    };

    assert_json_snapshot!("why_an_edge_may_come", all(&told, 9));
    assert_json_snapshot!("why_nobody_is_there", all(&told, 999));
    told.system(Command::Task(task_id(), task::Command::Operator(cancel)), 9);
    assert_json_snapshot!("why_cancelled", all(&told, 9));
    let each = [
        why::Reason::NotBefore { until: at(60), attempts: 1 },
        why::Reason::AssignedEdgeDisabled { edge: other, since: at(1) },
        why::Reason::AssignedEdgeQuarantined { edge: other, since: at(1) },
        why::Reason::AssignedEdgeSilent { edge: other, liveness: Liveness::Stale, since: None },
        why::Reason::AssignedEdgeFull { edge: other, holds: 2 },
        why::Reason::NoEdgeMeets { requires: labels(), edges: 3 },
        why::Reason::Behind { tasks: 2 },
    ];
    let status = task::TaskStatus::Await;
    assert_json_snapshot!("why_each", there_and_back(&Why::of(&task_id(), status, &each, at(9))));
}

fn row() -> Row {
    Row {
        config_id: "a".into(),
        strategy_config: json(r#"{"b":1}"#),
        metrics: json(r#"{"sharpeRatio":null}"#),
        result_folder: Some("/tmp/1".into()),
    }
}

#[test]
fn results_and_submissions() {
    let kept = task::LateResults {
        kept_at: Position::new(9),
        edge: edge_id(),
        run: 1,
        config_ids: ["a".into()].into(),
    };
    let submitted = SubmittedTask { id: "T1".to_owned(), created: true };

    let page = Page::cut(vec![row(), row()], 1, |row| row.config_id.to_string());
    let rows = page.items.iter().map(ResultRow::from).collect();
    assert_json_snapshot!("results", there_and_back(&Page { items: rows, next: page.next }));
    assert_json_snapshot!("late_results", there_and_back(&LateResults::of(&kept, &[row()])));
    assert_json_snapshot!(
        "submit_answer",
        there_and_back(&SubmitAnswer { tasks: vec![submitted] })
    );
}
