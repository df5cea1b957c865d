//! Core's Rust version is honest: no crate it is built of asks for a later one.
use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

#[test]
fn no_dependency_of_core_asks_for_a_later_rust_than_core_does() {
    let metadata = metadata();
    let packages = by_id(&metadata["packages"]);
    let nodes = by_id(&metadata["resolve"]["nodes"]);
    let core = packages.values().find(|package| package["name"] == "edge-ledger-core");
    let core = *core.expect("core is a package");
    let declared = version(core).expect("core declares its version");

    let mut of_core = vec![];
    let mut next = vec![text(&core["id"])];
    while let Some(id) = next.pop() {
        if !of_core.contains(&id) {
            of_core.push(id);
            next.extend(built_of(nodes[id]));
        }
    }

    assert!(of_core.len() > 5, "core is built of more than {of_core:?}");
    let later: Vec<_> = of_core
        .iter()
        .filter_map(|id| version(packages[id]).map(|asked| (*id, asked)))
        .filter(|(_, asked)| *asked > declared)
        .collect();
    assert!(later.is_empty(), "core says {declared:?}, but is built of {later:?}");
}

/// Lists what a package is built of: not what only tests or build scripts of it need.
fn built_of(node: &Value) -> Vec<&str> {
    let is_normal = |dependency: &Value| {
        let kinds = dependency["dep_kinds"].as_array().expect("kinds");
        kinds.iter().any(|kind| kind["kind"].is_null() || kind["kind"] == "build")
    };
    let dependencies = node["deps"].as_array().expect("dependencies").iter();
    dependencies.filter(|of| is_normal(of)).map(|of| text(&of["pkg"])).collect()
}

fn metadata() -> Value {
    // For the host only: what other platforms need may not have been fetched.
    let host = host();
    let of_host = ["metadata", "--locked", "--format-version", "1", "--filter-platform", &host];
    let metadata = stdout(Command::new(env!("CARGO")).args(of_host));
    serde_json::from_str(&metadata).expect("metadata is JSON")
}

fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = stdout(Command::new(rustc).arg("-vV"));
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

fn stdout(command: &mut Command) -> String {
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it speaks UTF-8")
}

fn by_id(values: &Value) -> BTreeMap<&str, &Value> {
    let values = values.as_array().expect("a list").iter();
    values.map(|value| (text(&value["id"]), value)).collect()
}

fn version(package: &Value) -> Option<Vec<u32>> {
    let version = package["rust_version"].as_str()?;
    let mut parts: Vec<u32> =
        version.split('.').map(|part| part.parse().expect("a number")).collect();
    parts.resize(3, 0);
    Some(parts)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
