//! The disk is full, fails or takes nothing: the gateway says so, answers nothing that is not
//! durable, and serves again with everything it had answered once the cause is gone.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
mod gateway;

use std::{net::TcpStream, thread, time::Duration};

use edge_ledger_power::workloads::finished_long_ago;
use gateway::{Ended, Gateway, Machine, Store};
use reqwest::StatusCode;
use serde_json::json;
use tokio::runtime::Builder;

#[test]
fn a_full_disk_stops_the_writer_and_nothing_answered_is_lost() {
    stopped_by("write ENOSPC 0 journal", "No space left on device");
}

#[test]
fn a_disk_that_fails_to_write_stops_the_writer_and_nothing_answered_is_lost() {
    stopped_by("write EIO 0 journal", "Input/output error");
}

#[test]
fn a_disk_that_fails_to_sync_stops_the_writer_and_nothing_answered_is_lost() {
    stopped_by("sync EIO 0 journal", "Input/output error");
}

#[test]
fn a_start_that_is_refused_changes_nothing() {
    on_each_store(async |store| {
        let machine = Machine::new(store);
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
    });
}

#[test]
fn a_first_start_that_fails_is_made_good_by_the_next() {
    on_each_store(async |store| {
        for (fault, cause) in [
            ("name EROFS 0 ", "Read-only file system"),
            ("create EACCES 0 journal", "Permission denied"),
            ("create EACCES 0 secret", "Permission denied"),
            ("create ENOSPC 0 operator", "No space left on device"),
            ("write ENOSPC 2 ", "No space left on device"),
            ("sync EIO 3 ", "Input/output error"),
            ("sync EIO 0 tasks", "Input/output error"),
        ] {
            let machine = Machine::new(store);
            machine.break_down(fault);
            told(&machine.fail_to_serve(), fault, cause);

            machine.repair();
            has(&machine, &[]).await;
        }
    });
}

#[test]
fn too_few_files_stop_the_start_with_a_word_of_it() {
    let ended = Machine::with_files(Store::Sled, 12).fail_to_serve();
    assert!(ended.said.contains("the runtime cannot start: Too many open files"), "{ended:?}");
}

#[test]
fn connections_that_use_up_the_files_cost_nothing_that_was_answered() {
    on_each_store(async |store| {
        let machine = Machine::with_files(store, 64);
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
    });
}

#[test]
fn housekeeping_that_fails_shows_in_readiness_and_stops_nothing_else() {
    on_each_store(async |store| {
        let settings = &["--retention-size", "0", "--snapshot-every", "1"];
        let machine = Machine::with_settings(store, settings);
        machine.break_down("write ENOSPC 0 archive\ncreate EROFS 0 snapshots");
        let gateway = machine.serve().await;

        let mut answered = submit(&gateway, "before", 3).await;
        let said = gateway.failing(2).await;
        answered.extend(submit(&gateway, "after", 3).await);
        let later = gateway.failing(2).await;

        assert_eq!(said["status"], "degraded");
        for (nth, name, what) in [
            (0, "retention", "so the journal grows: No space left on device (os error 28)"),
            (1, "snapshots", "so the next start takes longer: Read-only file system (os error 30)"),
        ] {
            let check = &said["failing"][nth];
            assert_eq!(check["name"], name);
            assert!(check["what"].as_str().unwrap().ends_with(what), "{check}");
            assert!(check["next"].as_str().unwrap().contains("make room for `"), "{check}");
            assert!(check["since"].as_str().unwrap().ends_with('Z'), "{check}");
            assert_eq!(check["since"], later["failing"][nth]["since"], "it has failed since then");
        }
        assert!(!said.to_string().contains("/disk"), "whoever asks need not know paths: {said}");
        assert!(machine.stop(gateway).status.success());
        machine.repair();
        has(&machine, &answered).await;
    });
}

#[test]
fn an_archive_of_tasks_that_fails_keeps_them_in_the_ledger_and_shows_in_readiness() {
    on_each_store(async |store| {
        let machine = Machine::new(store);
        machine.begin_with(&finished_long_ago());
        // Once when it is made, and once when the start looks whether it has all.
        machine.break_down("sync EIO 2 tasks/db");
        let gateway = machine.serve().await;

        let said = gateway.failing(1).await;
        let answered = submit(&gateway, "after", 3).await;

        let check = &said["failing"][0];
        assert_eq!((&said["status"], &check["name"]), (&json!("degraded"), &json!("tasks")));
        assert!(check["what"].as_str().unwrap().contains("Input/output error"), "{check}");
        assert_eq!(gateway.tasks().await.unwrap().len(), 603);
        assert!(machine.stop(gateway).status.success());

        machine.repair();
        let gateway = machine.serve().await;
        while gateway.tasks().await.unwrap().len() > 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(gateway.why("task-7").await["status"], "CANCELLED");
        assert!(machine.stop(gateway).status.success());
        has(&machine, &answered).await;
    });
}

/// Does the same on each store, at the same time.
fn on_each_store(test: impl AsyncFn(Store) + Sync) {
    thread::scope(|scope| {
        for store in [Store::Sled, Store::Segments] {
            let test = &test;
            let run = move || {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(test(store));
            };
            thread::Builder::new().name(format!("{store:?}")).spawn_scoped(scope, run).unwrap();
        }
    });
}

/// The disk fails while the gateway serves, and is mended.
fn stopped_by(fault: &str, cause: &str) {
    on_each_store(async |store| stopped_on(store, fault, cause).await);
}

async fn stopped_on(store: Store, fault: &str, cause: &str) {
    let machine = Machine::new(store);
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
    let (status, said) = gateway.ready().await;
    assert_eq!((status, &*said), (StatusCode::OK, r#"{"status":"ready"}"#));
    assert!(machine.stop(gateway).status.success());
}

/// What the gateway said names the file or directory, and the cause.
fn told(ended: &Ended, fault: &str, cause: &str) {
    let Ended { said, .. } = ended;
    let line = said.lines().rfind(|line| line.contains(cause));
    assert!(line.is_some_and(|line| line.contains("/disk/data")), "{fault}: {said}");
    assert!(!said.contains("panicked at"), "{fault}: {said}");
}
