//! Whatever is wrong with a request is told, and changes nothing.
use edge_ledger_core::{JournalReader, Position, Principal};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Client, Edge},
    server::Server,
};

impl Server {
    pub(crate) fn head(&self) -> Position {
        self.ledger.glance(|ledger, _| ledger.head()).unwrap()
    }

    /// Fails if anybody has made anything happen since a position. What time makes happen, and
    /// late rows, are the ledger's own.
    pub(crate) fn nothing_happened_since(&self, head: Position) {
        for commit in self.ledger.reader().read(head) {
            let commit = commit.unwrap();
            assert_eq!(commit.cause.principal, Principal::System, "{commit:?}");
        }
    }
}

#[tokio::test]
async fn a_fault_is_named() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    let long = |length: usize| "x".repeat(length);
    let row = |id: &str| json!({ "configId": id, "strategyConfig": {}, "metrics": {} });
    let beat = |name: &str, value: Value| {
        let mut body = json!({ "processedConfigs": 1, "totalConfigs": 1 });
        body[name] = value;
        ("tasks/T1/heartbeat", body)
    };
    let rows = |rows: Value| ("tasks/T1/results", json!({ "results": rows }));
    let done = |name: &str, value: Value| {
        let mut body = json!({ "bestConfigIds": [], "processedConfigs": 0, "totalConfigs": 0 });
        body[name] = value;
        ("tasks/T1/complete", body)
    };
    let whole = "expected a whole number of at least 0, found";
    let faults = [
        (
            ("tasks/next", json!({ "capacity": 0 })),
            "capacity: expected a whole number from 1 to 18446744073709551615, found 0".to_owned(),
        ),
        (
            ("tasks/next", json!({ "capacity": "1" })),
            "capacity: expected a whole number from 1 to 18446744073709551615, found a string"
                .to_owned(),
        ),
        (
            ("tasks/next", json!({ "holding": "T1" })),
            "holding: expected an array, found a string".to_owned(),
        ),
        (
            ("tasks/next", json!({ "holding": ["T1", 2] })),
            "holding[1]: expected a string, found 2".to_owned(),
        ),
        (("connectivity", json!({})), "deviceNumber: is missing".to_owned()),
        (("connectivity", json!({ "deviceNumber": null })), "deviceNumber: is missing".to_owned()),
        (beat("processedConfigs", json!(5.5)), format!("processedConfigs: {whole} 5.5")),
        (beat("processedConfigs", json!(-1)), format!("processedConfigs: {whole} -1")),
        (beat("processedConfigs", json!(null)), "processedConfigs: is missing".to_owned()),
        (beat("totalConfigs", json!("1")), format!("totalConfigs: {whole} a string")),
        (beat("totalConfigs", json!(1e300)), format!("totalConfigs: {whole} 1e+300")),
        (
            beat("currentConfig", json!(long(501))),
            "currentConfig: expected 0 to 500 characters, found 501".to_owned(),
        ),
        (
            beat("trialProgress", json!(["a"])),
            "trialProgress: expected a string, found an array".to_owned(),
        ),
        (beat("leaseToken", json!("1")), format!("leaseToken: {whole} a string")),
        (rows(json!(null)), "results: is missing".to_owned()),
        (rows(json!({})), "results: expected an array, found an object".to_owned()),
        (rows(json!([7])), "results[0]: expected an object, found 7".to_owned()),
        (
            rows(json!([row("")])),
            "results[0].configId: expected 1 to 200 characters, found 0".to_owned(),
        ),
        (
            rows(json!([row("a"), row(&long(201))])),
            "results[1].configId: expected 1 to 200 characters, found 201".to_owned(),
        ),
        (
            rows(json!([{ "configId": "a", "metrics": {} }])),
            "results[0].strategyConfig: is missing".to_owned(),
        ),
        (
            rows(json!([{ "configId": "a", "strategyConfig": {}, "metrics": null }])),
            "results[0].metrics: is missing".to_owned(),
        ),
        (
            rows(json!([{ "configId": "a", "strategyConfig": {}, "metrics": "{}" }])),
            "results[0].metrics: expected an object, found a string".to_owned(),
        ),
        (
            rows(
                json!([{ "configId": "a", "strategyConfig": {}, "metrics": {}, "resultFolder": long(501) }]),
            ),
            "results[0].resultFolder: expected 0 to 500 characters, found 501".to_owned(),
        ),
        (
            rows(Value::Array(vec![row("a"); 10_001])),
            "results: expected 0 to 10000 elements, found 10001".to_owned(),
        ),
        (done("bestConfigIds", json!(null)), "bestConfigIds: is missing".to_owned()),
        (
            done("bestConfigIds", json!([null])),
            "bestConfigIds[0]: expected a string, found null".to_owned(),
        ),
        (
            done("bestConfigIds", json!(vec!["a"; 101])),
            "bestConfigIds: expected 0 to 100 elements, found 101".to_owned(),
        ),
        (done("totalConfigs", json!(true)), format!("totalConfigs: {whole} true")),
        (
            ("tasks/T1/fail", json!({ "error": {} })),
            "error: expected a string, found an object".to_owned(),
        ),
        (
            ("tasks/T1/fail", json!({ "retryable": "yes" })),
            "retryable: expected true or false, found a string".to_owned(),
        ),
    ];
    let head = server.head();

    for ((route, body), fault) in faults {
        assert_eq!(edge.say(route, body).await.problem(400, "malformed"), fault);
    }

    server.nothing_happened_since(head);
}

#[tokio::test]
async fn a_registration_names_its_fault() {
    let server = Server::start();
    let token = server.token(json!({})).await;
    let enrollee = Client::new(server.address, &token);
    let long = |length: usize| "x".repeat(length);
    let with = |name: &str, value: Value| {
        let mut body = json!({ "deviceNumber": "DEV-1", "displayName": "an edge" });
        body[name] = value;
        body
    };
    let head = server.head();

    for (body, fault) in [
        (with("deviceNumber", json!(null)), "deviceNumber: is missing"),
        (with("deviceNumber", json!(7)), "deviceNumber: expected a string, found 7"),
        (
            with("deviceNumber", json!(" \t ")),
            "deviceNumber: expected 1 to 128 characters, found 0",
        ),
        (
            with("deviceNumber", json!(long(129))),
            "deviceNumber: expected 1 to 128 characters, found 129",
        ),
        (
            with("displayName", json!(long(201))),
            "displayName: expected 1 to 200 characters, found 201",
        ),
        (with("platform", json!(long(65))), "platform: expected 0 to 64 characters, found 65"),
        (with("arch", json!({})), "arch: expected a string, found an object"),
        (with("edgeVersion", json!(1.5)), "edgeVersion: expected a string, found 1.5"),
        (with("token", json!(5)), "token: expected a string, found 5"),
    ] {
        let answer = enrollee.post("/internal/edges/register", body).await;
        assert_eq!(answer.problem(400, "malformed"), fault);
    }

    server.nothing_happened_since(head);
    Edge::register(server.address, &token, "DEV-1").await;
}

#[tokio::test]
async fn json_that_a_later_reader_would_stumble_over_is_refused() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let send = |metrics: &str| {
        let body = format!(
            r#"{{"workerId":"{}","results":[{{"configId":"a","strategyConfig":{{}},"metrics":{{"m":{metrics}}}}}]}}"#,
            edge.id
        );
        let request = edge.client.request(Method::POST, "/internal/edges/tasks/T1/results");
        Answer::to(request.header("content-type", "application/json").body(body))
    };
    let head = server.head();

    for (metrics, fault) in [
        ("NaN", "malformed JSON: expected value"),
        ("Infinity", "malformed JSON: expected value"),
        ("1e999", "results[0].metrics: malformed JSON: number out of range"),
        (r#""\ud800""#, "results[0].metrics: malformed JSON: unexpected end of hex escape"),
        (deep.as_str(), "results[0].metrics: malformed JSON: recursion limit exceeded"),
        ("1}}]}{", "malformed JSON: trailing characters"),
    ] {
        let told = send(metrics).await.problem(400, "malformed");
        assert!(told.starts_with(fault), "{metrics}: {told}");
    }
    let twice = format!(r#"{{"workerId":"{0}","workerId":"{0}","results":[]}}"#, edge.id);
    let request = edge.client.request(Method::POST, "/internal/edges/tasks/T1/results");
    let twice = Answer::to(request.header("content-type", "application/json").body(twice)).await;
    assert_eq!(twice.problem(400, "malformed"), "workerId: is there twice");

    server.nothing_happened_since(head);
    send("null").await.expect(200);
}

#[tokio::test]
async fn a_health_signal_is_taken_without_the_fields_that_will_not_do() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    let report = json!({
        "deviceNumber": "DEV-1", "currentVersion": "x".repeat(65), "platform": 7, "arch": "AARCH64",
        "installType": {}, "activeTask": "yes", "runtimeState": "SLEEPING", "activeTaskId": "T1",
        "uptimeSeconds": -1, "lastError": "a \n\t b", "upgradeStatus": "DOWNLOADING", "reason": [],
    });

    let answer = edge.say("connectivity", report).await.expect(200);

    assert_eq!(answer["upgradeStatus"], "DOWNLOADING");
    let shown = server.operator.get(&format!("/v1/edges/{}", edge.id)).await.expect(200);
    let found = |name: &str| shown[name].clone();
    assert_eq!(found("arch"), "arm64");
    assert_eq!(found("activeTaskId"), "T1");
    assert_eq!(found("lastError"), "a b");
    for dropped in ["version", "platform", "installType", "runtimeState", "uptimeSeconds"] {
        assert_eq!(found(dropped), Value::Null, "{dropped}");
    }
    let state = |state: &str| json!({ "deviceNumber": "DEV-1", "runtimeState": state, "uptimeSeconds": 7.9 });
    edge.say("connectivity", state("BUSY")).await.expect(200);
    let shown = server.operator.get(&format!("/v1/edges/{}", edge.id)).await.expect(200);
    assert_eq!((&shown["lastError"], &shown["activeTaskId"]), (&Value::Null, &json!("T1")));
    assert_eq!(shown["uptimeSeconds"], 7);
    edge.say("connectivity", state("IDLE")).await.expect(200);
    let shown = server.operator.get(&format!("/v1/edges/{}", edge.id)).await.expect(200);
    assert_eq!(shown["activeTaskId"], Value::Null);
}

/// A program that counts UTF-16 units cuts a text inside a character and sends what is left of it.
#[tokio::test]
async fn an_error_that_was_cut_inside_a_character_is_taken() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    let send = |route: &str, rest: &str| {
        let body = format!(r#"{{"workerId":"{}",{rest}}}"#, edge.id);
        let request = edge.client.request(Method::POST, &format!("/internal/edges/{route}"));
        Answer::to(request.header("content-type", "application/json").body(body))
    };

    let report =
        r#""deviceNumber":"DEV-1","lastError":"no \ud83d","uptimeSeconds":1e999,"x":1e999"#;
    send("connectivity", report).await.expect(200);
    send("tasks/T1/fail", r#""error":"no \ud83d""#).await.expect(200);

    let shown = server.operator.get(&format!("/v1/edges/{}", edge.id)).await.expect(200);
    assert_eq!(shown["lastError"], "no \u{fffd}");
    assert_eq!(shown["uptimeSeconds"], Value::Null);
    let shown = server.operator.get("/v1/tasks/T1").await.expect(200);
    assert_eq!(shown["lastError"], "no \u{fffd}");
}
