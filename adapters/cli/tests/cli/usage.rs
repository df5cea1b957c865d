//! What is said to whoever asks for help, and to whoever asks wrongly.

use std::{fs, process::Stdio};

use crate::house::{House, edge_ledger, outcome};

#[test]
fn help_names_every_command_and_every_exit_code() {
    let help = outcome(edge_ledger().arg("--help")).text();

    for command in [
        "serve",
        "agent",
        "demo",
        "task",
        "edge",
        "token",
        "log",
        "liveness",
        "what-if",
        "bisect",
        "backup",
        "restore",
        "bench",
        "config",
        "completions",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
    }
    let codes: Vec<_> = help.lines().skip_while(|line| *line != "Exit codes:").skip(1).collect();
    let codes: Vec<_> = codes.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "130"]);
}

#[test]
fn the_book_has_the_same_exit_codes() {
    let help = outcome(edge_ledger().arg("--help")).text();
    let book =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CLI.md")).unwrap();

    let codes = help.lines().skip_while(|line| *line != "Exit codes:").skip(1);
    for (code, meaning) in codes.filter_map(|line| line.trim().split_once(' ')) {
        let row = format!("| {code} | {} |", meaning.trim());
        assert!(book.contains(&row), "docs/CLI.md has no line {row:?}");
    }
}

#[test]
fn what_is_not_understood_ends_with_2() {
    for args in [
        &["--what"][..],
        &["task"],
        &["task", "submit", "/no/such/file"],
        &["liveness", "--at", "yesterday"],
        &["liveness", "--at", "3", "--svg", "x.svg"],
        &["what-if", "/no/such/log"],
        &["what-if", "/no/such/log", "--online-within", "10m"],
        &["bisect", "/no/such/log"],
        &["bisect", "/no/such/log", "--when", "tasks[3"],
        &["agent", "--poll", "15"],
        &["task", "reassign", "first"],
        &["task", "list", "--limit", "0"],
        &["agent"],
        &["agent", "--runtime", "process"],
        &["agent", "--url", "http://10.0.0.1:7411"],
        &["bench"],
        &["bench", "pairs", "--rate", "0"],
        &["bench", "pairs", "--count", "5", "--duration", "5s"],
        &["bench", "lone", "--connections", "2"],
        &["bench", "beats", "--target", "in-process"],
        &["bench", "pairs", "--target", "in-process", "--url", "http://127.0.0.1:1"],
        &["bench", "pairs", "--url", "https://127.0.0.1:1"],
        &["serve", "--addr", "127.0.0.1:0", "--tls-cert", "/no/such/file"],
        &["serve", "--addr", "0.0.0.0:0"],
    ] {
        let house = House::empty();
        let mut command = edge_ledger();
        command.args(args).env("EDGE_LEDGER_TOKEN", "op").env("EDGE_LEDGER_DATA", house.data());
        command.env("EDGE_LEDGER_AGENT_STATE", house.path("agent"));
        let outcome = outcome(&mut command);
        assert_eq!(outcome.code, Some(2), "{args:?}: {outcome:#?}");
        assert_eq!(outcome.stdout, "", "{args:?}");
    }
}

#[test]
fn a_gateway_that_is_not_there_ends_with_5_and_what_to_do() {
    let mut command = edge_ledger();
    command.args(["task", "list", "--url", "http://127.0.0.1:1"]).env("EDGE_LEDGER_TOKEN", "op");

    let outcome = outcome(&mut command);

    assert_eq!(outcome.code, Some(5), "{outcome:#?}");
    assert!(outcome.stderr.contains("http://127.0.0.1:1/ does not answer"), "{outcome:#?}");
    assert!(outcome.stderr.contains("next: start one with `edge-ledger serve`"), "{outcome:#?}");
}

#[test]
fn an_operator_without_a_token_is_told_of_every_way_to_give_one() {
    let house = House::empty();

    let outcome = house.look(&["task", "list"]);

    assert_eq!(outcome.code, Some(2), "{outcome:#?}");
    for way in ["EDGE_LEDGER_TOKEN", "--token-file", "--data", "operator.token"] {
        assert!(outcome.stderr.contains(way), "{way}: {outcome:#?}");
    }
}

#[test]
fn a_directory_without_a_ledger_ends_with_3_and_stays_empty() {
    let house = House::empty();

    for args in [&["log", "verify"][..], &["log", "show"], &["liveness"]] {
        let outcome = house.look(args);
        assert_eq!(outcome.code, Some(3), "{outcome:#?}");
        assert!(outcome.stderr.contains("there is no ledger in"), "{outcome:#?}");
    }

    assert!(!house.data().exists());
}

#[test]
fn a_reader_who_has_had_enough_is_no_error() {
    let mut child = edge_ledger()
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());

    let output = child.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = outcome(edge_ledger().args(["completions", shell])).text();
        assert!(script.contains("liveness"), "{shell}");
    }
}
