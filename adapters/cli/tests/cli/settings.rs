//! Flags, environment, file, default: in this order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::house::{House, edge_ledger, outcome, written};

/// Returns every setting, and where it comes from.
fn shown(file: &str, environment: &[(&str, &str)]) -> BTreeMap<String, (Value, String)> {
    let house = House::empty();
    let file = written(&house.path(""), "config.toml", file);
    let mut command = edge_ledger();
    command.args(["config", "show", "--json", "--config", &file]);
    command.envs(environment.iter().copied());
    let settings = outcome(&mut command).json();
    let settings = settings.as_array().unwrap().iter().map(|setting| {
        let text = |name: &str| setting[name].as_str().unwrap().to_owned();
        (text("key"), (setting["value"].clone(), text("from")))
    });
    settings.collect()
}

const FILE: &str = r#"
data = "/filed"
url = "http://127.0.0.1:1"
log-format = "json"

[serve]
addr = "127.0.0.1:1"
[serve.limits]
body = 1
[agent]
name = "filed"
poll = "1s"
exec = ["python3", "-u", "worker.py"]
[liveness]
online-within = "1s"
"#;

#[test]
fn the_environment_beats_the_file_and_the_file_beats_the_default() {
    let settings = shown(FILE, &[("EDGE_LEDGER_DATA", "/given"), ("EDGE_LEDGER_AGENT_POLL", "2s")]);

    for (key, value, from) in [
        ("data", json!("/given"), "environment"),
        ("agent.poll", json!("2s"), "environment"),
        ("url", json!("http://127.0.0.1:1"), "file"),
        ("serve.addr", json!("127.0.0.1:1"), "file"),
        ("serve.limits.body", json!(1), "file"),
        ("agent.exec", json!(["python3", "-u", "worker.py"]), "file"),
        ("agent.runtime", json!("process"), "default"),
        ("liveness.online-within", json!("1s"), "file"),
        ("liveness.stale-within", json!("5m"), "default"),
        ("log-format", json!("json"), "file"),
    ] {
        assert_eq!(settings[key], (value, from.to_owned()), "{key}");
    }
}

#[test]
fn every_setting_has_a_variable_named_after_its_key() {
    let values = [
        ("data", "/d"),
        ("url", "http://127.0.0.1:2"),
        ("ca-file", "/c"),
        ("insecure-http", "true"),
        ("token-file", "/t"),
        ("log-format", "json"),
        ("log", "warn"),
        ("serve.addr", "127.0.0.1:2"),
        ("serve.store", "segments"),
        ("serve.tls-cert", "/c"),
        ("serve.tls-key", "/k"),
        ("serve.ready-file", "/r"),
        ("serve.snapshot-every", "2"),
        ("serve.verify-on-start", "true"),
        ("serve.record", "/f"),
        ("serve.limits.body", "2"),
        ("serve.limits.bulk", "2"),
        ("serve.limits.body-within", "2s"),
        ("serve.limits.connections", "2"),
        ("serve.limits.headers-within", "2s"),
        ("serve.limits.idle-within", "2s"),
        ("serve.limits.finish-within", "2s"),
        ("retention.age", "2s"),
        ("retention.size", "2"),
        ("retention.tasks", "2d"),
        ("liveness.online-within", "2s"),
        ("liveness.stale-within", "2s"),
        ("agent.token-file", "/t"),
        ("agent.name", "n"),
        ("agent.state", "/s"),
        ("agent.poll", "2s"),
        ("agent.grace", "2s"),
        ("agent.runtime", "builtin"),
        ("agent.pause", "2s"),
        ("agent.time-limit", "2s"),
    ];
    let variables = values.map(|(key, value)| {
        (format!("EDGE_LEDGER_{}", key.replace(['.', '-'], "_").to_ascii_uppercase()), value)
    });
    let environment: Vec<_> =
        variables.iter().map(|(variable, value)| (variable.as_str(), *value)).collect();

    let settings = shown("", &environment);

    let from_environment = |key: &str| settings[key].1 == "environment";
    let left: Vec<_> = settings.keys().filter(|key| !from_environment(key)).collect();
    assert_eq!(left, ["EDGE_LEDGER_ENROLLMENT_TOKEN", "EDGE_LEDGER_TOKEN", "agent.exec"]);
    assert!(values.iter().all(|(key, _)| settings.contains_key(*key)));
}

#[test]
fn of_a_secret_only_its_being_there_is_shown() {
    let settings = shown("", &[("EDGE_LEDGER_TOKEN", "op_live_abc")]);

    assert_eq!(settings["EDGE_LEDGER_TOKEN"].0, "(set)");
    assert_eq!(settings["EDGE_LEDGER_ENROLLMENT_TOKEN"].0, Value::Null);
    assert!(!format!("{settings:?}").contains("abc"));
}

#[test]
fn a_flag_beats_the_environment() {
    let mut command = edge_ledger();
    command.args(["task", "list", "--url", "http://127.0.0.1:1"]);
    command.env("EDGE_LEDGER_URL", "http://127.0.0.1:2").env("EDGE_LEDGER_TOKEN", "op");

    let outcome = outcome(&mut command);

    assert!(outcome.stderr.contains("http://127.0.0.1:1/ does not answer"), "{outcome:#?}");
}

#[test]
fn a_file_that_is_not_right_ends_with_2_and_names_the_key_and_the_file() {
    let house = House::empty();
    for (text, fault) in [
        ("[serve]\naddres = '127.0.0.1:1'", "unknown field `addres`"),
        ("[agent]\npoll = '15'", "expected a time with its unit"),
        ("data = 3", "invalid type: integer `3`"),
        ("data", "key with no value"),
    ] {
        let file = written(&house.path(""), "config.toml", text);
        let outcome = outcome(edge_ledger().args(["config", "show", "--config", &file]));
        assert_eq!(outcome.code, Some(2), "{outcome:#?}");
        assert!(outcome.stderr.contains(fault), "{fault}: {outcome:#?}");
        assert!(outcome.stderr.contains(&file), "{outcome:#?}");
    }
    let missing = outcome(edge_ledger().args(["config", "show", "--config", "/no/such/file"]));
    assert_eq!(missing.code, Some(2), "{missing:#?}");
}
