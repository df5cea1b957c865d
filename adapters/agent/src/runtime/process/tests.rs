use std::time::Instant;

use serde_json::value::RawValue;

use super::super::Progress;
use super::*;

fn job() -> Job {
    let json = r#"{"id":"t1","payload":{"size":3}}"#;
    let json = RawValue::from_string(json.to_owned()).unwrap();
    Job { task_id: "t1".to_owned(), lease_token: 1_099_511_627_783, attempt: 2, json }
}

fn shell(script: &str) -> Process {
    Process {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
        directory: None,
        limits: ProcessLimits::default(),
    }
}

async fn reports(process: &Process) -> Vec<Report> {
    let mut work = process.start(job());
    let mut reports = Vec::new();
    while let Some(report) = work.next().await {
        reports.push(report);
    }
    reports
}

fn failure(reports: &[Report]) -> (&str, bool) {
    match reports {
        [.., Report::Failed { error, retryable }] => (error, *retryable),
        other => panic!("expected a failure, found {other:?}"),
    }
}

/// Whether a process still runs, told by the signal that does nothing.
fn runs(pid: &str) -> bool {
    let seen = std::process::Command::new("sh")
        .args(["-c", r#"kill -0 "$0" 2>/dev/null && ! grep -q "^State:.Z" "/proc/$0/status""#, pid])
        .status();
    seen.unwrap().success()
}

async fn ends(pid: &str) -> bool {
    let since = Instant::now();
    while runs(pid) && since.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    !runs(pid)
}

#[tokio::test]
async fn a_program_reads_its_task_and_reports_line_by_line() {
    let script = r#"
        read -r task
        case "$task" in *'"size":3'*) ;; *) exit 1 ;; esac
        echo '{"type":"progress","processedConfigs":0,"totalConfigs":2}'
        echo
        echo '{"type":"result","configId":"a","strategyConfig":{},"metrics":{"pnl":1}}'
        echo '{"type":"complete","bestConfigIds":["a"]}'
        exit 3
    "#;

    let reports = reports(&shell(script)).await;

    let [Report::Progress(first), Report::Row(row), Report::Progress(last), verdict] = &reports[..]
    else {
        panic!("expected progress, a row, progress and a verdict, found {reports:?}");
    };
    assert_eq!((first.processed, first.total), (0, 2));
    assert_eq!((last.processed, last.total), (0, 2));
    assert_eq!(&*row.config_id, "a");
    assert!(
        matches!(verdict, Report::Complete { best_config_ids } if best_config_ids == &["a"]),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn a_program_knows_its_lease_and_none_of_the_agents_settings() {
    // A variable of a test's own process cannot be set safely: the test runs itself under one.
    if std::env::var_os("EDGE_LEDGER_TOKEN").is_none() {
        let name = std::thread::current().name().unwrap().to_owned();
        let again = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name])
            .env("EDGE_LEDGER_TOKEN", "etr_live_secret")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let script = r#"
        names=$(env | grep '^EDGE_LEDGER_' | cut -d= -f1 | sort | tr '\n' ' ')
        values="$EDGE_LEDGER_TASK_ID $EDGE_LEDGER_LEASE_TOKEN $EDGE_LEDGER_ATTEMPT"
        echo "{\"type\":\"fail\",\"retryable\":true,\"error\":\"$names= $values\"}"
    "#;

    let reports = reports(&shell(script)).await;

    let names = "EDGE_LEDGER_ATTEMPT EDGE_LEDGER_LEASE_TOKEN EDGE_LEDGER_TASK_ID";
    assert_eq!(failure(&reports), (&*format!("{names} = t1 1099511627783 2"), true));
}

#[tokio::test]
async fn an_end_without_a_verdict_is_a_failure_with_the_end_of_stderr() {
    let mut noisy = shell("echo early >&2; echo out of luck >&2; exit 7");
    noisy.limits.stderr_bytes = 12;

    let reports = reports(&noisy).await;

    assert_eq!(
        failure(&reports),
        (
            "the program ended without a verdict (exit status: 7); its stderr ends: out of luck",
            true
        )
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_failure_another_edge_may_not_have() {
    let mut absent = shell("");
    absent.program = "/nonexistent/worker".into();

    let reports = reports(&absent).await;

    let (error, retryable) = failure(&reports);
    assert!(error.starts_with("cannot start /nonexistent/worker: "), "{error}");
    assert!(retryable);
}

#[tokio::test]
async fn a_malformed_line_ends_the_program_and_names_the_line() {
    let reports = reports(&shell(r#"echo; echo '{"type":"resul"}'; exec sleep 60"#)).await;

    let (error, retryable) = failure(&reports);
    assert_eq!(
        error,
        "line 2 of the program's output: type `resul` is none of `progress`, `result`, \
         `complete`, `fail`: {\"type\":\"resul\"}"
    );
    assert!(!retryable);
}

#[tokio::test]
async fn a_line_without_end_is_a_failure() {
    let mut endless = shell("exec cat /dev/zero");
    endless.limits.line_bytes = 1000;

    let reports = reports(&endless).await;

    assert_eq!(failure(&reports).0, "line 1 of the program's output: longer than 1000 bytes");
}

#[tokio::test]
async fn a_program_that_does_not_read_its_task_may_go_on() {
    let mut job = job();
    let long = format!(r#"{{"id":"t1","payload":"{}"}}"#, "x".repeat(300_000));
    job.json = RawValue::from_string(long).unwrap();
    let deaf = shell(r#"exec <&-; sleep 0.2; echo '{"type":"complete"}'"#);

    let mut work = deaf.start(job);

    assert!(matches!(work.next().await, Some(Report::Progress(_))));
    assert!(matches!(work.next().await, Some(Report::Complete { .. })));
}

#[tokio::test]
async fn a_program_need_not_read_its_task_before_its_verdict() {
    let mut job = job();
    let long = format!(r#"{{"id":"t1","payload":"{}"}}"#, "x".repeat(300_000));
    job.json = RawValue::from_string(long).unwrap();
    let mut deaf = shell(r#"echo '{"type":"complete"}'; exec sleep 60"#);
    deaf.limits.exit_within = Duration::from_millis(100);

    let mut work = deaf.start(job);

    let verdict = async { while !matches!(work.next().await, Some(Report::Complete { .. })) {} };
    tokio::time::timeout(Duration::from_secs(10), verdict).await.unwrap();
}

#[tokio::test]
async fn a_program_over_its_time_is_killed_with_its_children() {
    let script = r#"
        sleep 60 &
        echo "{\"type\":\"progress\",\"processedConfigs\":0,\"totalConfigs\":1,\"currentConfig\":\"$!\"}"
        wait
    "#;
    let mut slow = shell(script);
    slow.limits.time = Some(Duration::from_millis(300));

    let reports = reports(&slow).await;

    let Report::Progress(Progress { current_config: Some(child), .. }) = &reports[0] else {
        panic!("expected the child's id, found {reports:?}");
    };
    assert_eq!(failure(&reports).0, "the program ran longer than its limit of 300ms");
    assert!(ends(child).await, "child {child} still runs");
}

#[tokio::test]
async fn stopped_work_leaves_nothing_running_and_says_nothing() {
    let script = r#"
        sleep 60 &
        echo "{\"type\":\"progress\",\"processedConfigs\":$$,\"totalConfigs\":$!}"
        wait
    "#;
    let mut work = shell(script).start(job());
    let Some(Report::Progress(pids)) = work.next().await else {
        panic!("expected the two ids");
    };
    let (leader, child) = (pids.processed.to_string(), pids.total.to_string());
    assert!(runs(&leader) && runs(&child));

    work.stop();

    assert!(work.next().await.is_none());
    assert!(!runs(&leader), "the program itself is gone by the end of its work");
    assert!(ends(&child).await, "child {child} still runs");
}

#[tokio::test]
async fn a_program_that_lingers_after_its_verdict_is_ended() {
    let script = r#"sleep 60 & echo "{\"type\":\"fail\",\"error\":\"$!\"}"; wait"#;
    let mut lingering = shell(script);
    lingering.limits.exit_within = Duration::from_millis(100);
    let since = Instant::now();

    let reports = reports(&lingering).await;

    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    let (child, retryable) = failure(&reports);
    assert!(!retryable);
    assert!(ends(child).await, "child {child} still runs");
}
