//! The disk is full, fails or takes nothing: the gateway says so, answers nothing that is not
//! durable, and serves again with everything it had answered once the cause is gone.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
mod gateway;

use std::{net::TcpStream, time::Duration};

use gateway::{Ended, Gateway, Machine};
use reqwest::StatusCode;

#[tokio::test]
async fn a_full_disk_stops_the_writer_and_nothing_answered_is_lost() {
    stopped_by("write ENOSPC 0 journal", "No space left on device").await;
}

#[tokio::test]
async fn a_disk_that_fails_to_write_stops_the_writer_and_nothing_answered_is_lost() {
    stopped_by("write EIO 0 journal", "Input/output error").await;
}

#[tokio::test]
async fn a_disk_that_fails_to_sync_stops_the_writer_and_nothing_answered_is_lost() {
    stopped_by("sync EIO 0 journal", "Input/output error").await;
}

#[tokio::test]
async fn a_start_that_is_refused_changes_nothing() {
    let machine = Machine::new();
    let gateway = machine.serve().await;
    let answered = submit(&gateway, "before", 5).await;
    assert!(machine.stop(gateway).status.success());

    for (fault, cause) in [
        ("read EIO 0 journal", "Input/output error"),
        ("open EIO 0 journal", "Input/output error"),
        ("create EROFS 0 journal", "Read-only file system"),
        ("create EACCES 0 journal", "Permission denied"),
        ("open EACCES 0 data", "Permission denied"),
        ("open EACCES 0 secret.key", "Permission denied"),
        ("open EMFILE 4 data", "Too many open files"),
        ("write ENOSPC 0 journal", "No space left on device"),
        ("sync EIO 0 journal", "Input/output error"),
    ] {
        machine.break_down(fault);
        let ended = machine.fail_to_serve();
        told(&ended, fault, cause);
        assert_eq!(ended.status.code(), Some(1), "{fault}: {ended:?}");
    }

    machine.repair();
    has(&machine, &answered).await;
}

#[tokio::test]
async fn a_first_start_that_fails_is_made_good_by_the_next() {
    for (fault, cause) in [
        ("name EROFS 0 ", "Read-only file system"),
        ("create EACCES 0 journal", "Permission denied"),
        ("create EACCES 0 secret", "Permission denied"),
        ("create ENOSPC 0 operator", "No space left on device"),
        ("write ENOSPC 2 ", "No space left on device"),
        ("sync EIO 3 ", "Input/output error"),
    ] {
        let machine = Machine::new();
        machine.break_down(fault);
        told(&machine.fail_to_serve(), fault, cause);

        machine.repair();
        has(&machine, &[]).await;
    }
}

#[tokio::test]
async fn too_few_files_stop_the_start_with_a_word_of_it() {
    let ended = Machine::with_files(9).fail_to_serve();
    assert!(ended.said.contains("the runtime cannot start: Too many open files"), "{ended:?}");
}

#[tokio::test]
async fn connections_that_use_up_the_files_cost_nothing_that_was_answered() {
    let machine = Machine::with_files(64);
    let gateway = machine.serve().await;
    let mut answered = submit(&gateway, "before", 3).await;

    let crowd: Vec<_> = (0..100).map(|_| TcpStream::connect(gateway.address())).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    answered.extend(submit(&gateway, "among", 3).await);
    drop(crowd);
    tokio::time::sleep(Duration::from_secs(1)).await;
    answered.extend(submit(&gateway, "after", 3).await);

    assert_eq!(gateway.ready().await.0, StatusCode::OK);
    assert!(machine.stop(gateway).status.success());
    has(&machine, &answered).await;
}

/// The disk fails while the gateway serves, and is mended.
async fn stopped_by(fault: &str, cause: &str) {
    let machine = Machine::new();
    let gateway = machine.serve().await;
    let mut answered = submit(&gateway, "before", 8).await;

    machine.break_down(fault);
    let (status, problem) = gateway.submit("refused").await.unwrap_err();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    let (status, problem) = gateway.submit("refused-too").await.unwrap_err();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    let (status, why) = gateway.ready().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{why}");
    // What it still shows is an answer too.
    answered.extend(gateway.tasks().await.into_iter().flatten());

    machine.repair();
    let (status, problem) = gateway.submit("too-late").await.unwrap_err();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    let ended = machine.stop(gateway);
    told(&ended, fault, cause);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");

    has(&machine.cut(), &answered).await;
    has(&machine, &answered).await;
}

/// Submits a few tasks, and returns those of which the gateway said that they are there: all.
async fn submit(gateway: &Gateway, name: &str, count: usize) -> Vec<String> {
    let ids: Vec<_> = (0..count).map(|nth| format!("{name}-{nth}")).collect();
    for id in &ids {
        gateway.submit(id).await.unwrap();
    }
    ids
}

/// Serves from a machine that works, looks for tasks, and submits more.
async fn has(machine: &Machine, answered: &[String]) {
    let gateway = machine.serve().await;
    let tasks = gateway.tasks().await.unwrap();
    for id in answered {
        assert_eq!(tasks.iter().filter(|task| *task == id).count(), 1, "{id} was answered");
    }
    gateway.submit("one-more").await.unwrap();
    assert_eq!(gateway.ready().await.0, StatusCode::OK);
    assert!(machine.stop(gateway).status.success());
}

/// What the gateway said names the file or directory, and the cause.
fn told(ended: &Ended, fault: &str, cause: &str) {
    let Ended { said, .. } = ended;
    let line = said.lines().rfind(|line| line.contains(cause));
    assert!(line.is_some_and(|line| line.contains("/disk/data")), "{fault}: {said}");
    assert!(!said.contains("panicked at"), "{fault}: {said}");
}
