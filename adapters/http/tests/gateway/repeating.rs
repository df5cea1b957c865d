//! A request under an `Idempotency-Key` is done once, and answered as often as it is sent.
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Client, Edge},
    server::Server,
};

impl Edge {
    async fn say_under(&self, key: &str, path: &str, mut body: Value) -> Answer {
        body["workerId"] = self.id.clone().into();
        self.client.post_under_key(&format!("/internal/edges/{path}"), body, key).await
    }
}

impl Server {
    fn events(&self) -> u64 {
        self.ledger.glance(|ledger, _| ledger.head().get()).unwrap()
    }
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_time_and_does_nothing() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    let row = |id: &str| json!({ "configId": id, "strategyConfig": {}, "metrics": {} });
    let life = [
        ("tasks/next", json!({})),
        ("connectivity", json!({ "deviceNumber": "DEV-1", "runtimeState": "BUSY" })),
        ("tasks/T1/heartbeat", json!({ "processedConfigs": 0, "totalConfigs": 2 })),
        ("tasks/T1/results", json!({ "results": [row("a"), row("b"), row("a")] })),
        (
            "tasks/T1/complete",
            json!({ "bestConfigIds": ["a"], "processedConfigs": 2, "totalConfigs": 2 }),
        ),
    ];

    let mut answers = Vec::new();
    for (route, body) in &life {
        let first = edge.say_under("k", route, body.clone()).await;
        first.expect(200);
        let before = server.events();
        let again = edge.say_under("k", route, body.clone()).await;
        assert_eq!((again.status, &again.text), (200, &first.text), "{route}");
        assert_eq!(server.events(), before, "{route}");
        answers.push(first.text);
    }
    // Long after: the task is finished, but the answers are those of the first time.
    for ((route, body), first) in life.iter().zip(answers) {
        assert_eq!(edge.say_under("k", route, body.clone()).await.text, first, "{route}");
    }
}

#[tokio::test]
async fn a_failure_is_reported_once() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;

    for _ in 0..5 {
        let body = json!({ "error": "it broke", "retryable": true });
        let answer = edge.say_under("k", "tasks/T1/fail", body).await.expect(200);
        assert_eq!(answer["status"], "AWAIT");
    }

    let shown = server.operator.get(&format!("/v1/edges/{}", edge.id)).await.expect(200);
    assert_eq!((&shown["consecutiveFailures"], &shown["status"]), (&json!(1), &json!("ACTIVE")));
}

#[tokio::test]
async fn a_key_belongs_to_one_sender_and_one_route_and_one_body() {
    let server = Server::start();
    let (edge, other) = (server.edge("DEV-1").await, server.edge("DEV-2").await);
    let report =
        |device: &str, state: &str| json!({ "deviceNumber": device, "runtimeState": state });
    let before = server.events();

    edge.say_under("k", "connectivity", report("DEV-1", "IDLE")).await.expect(200);
    let reused = edge.say_under("k", "connectivity", report("DEV-1", "BUSY")).await;
    reused.problem(422, "idempotency_key_reused");
    other.say_under("k", "connectivity", report("DEV-2", "BUSY")).await.expect(200);
    assert_eq!(server.events(), before + 2);
    server.submit("T1").await;
    server.submit("T2").await;
    for task in ["T1", "T2"] {
        let cancel = format!("/v1/tasks/{task}/cancel");
        let shown = server.operator.post_under_key(&cancel, json!({}), "k").await.expect(200);
        assert_eq!((&shown["id"], &shown["status"]), (&json!(task), &json!("CANCELLED")));
    }
}

#[tokio::test]
async fn a_key_that_will_not_do_is_refused() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;

    for key in ["", &"k".repeat(256)] {
        let told = edge.say_under(key, "tasks/next", json!({})).await.problem(400, "malformed");
        assert!(told.starts_with("Idempotency-Key: expected 1 to 255 "), "{told}");
    }
    let last = "k".repeat(255);
    edge.say_under(&last, "tasks/next", json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn submissions_at_once_under_one_key_make_one_task() {
    let server = Server::start();
    let tasks =
        json!({ "tasks": [{ "name": "a" }, { "id": "T1" }, { "name": "b", "dedupeKey": "d" }] });

    let submit = || server.operator.post_under_key("/v1/tasks", tasks.clone(), "k");
    let answers = join_all((0..10).map(|_| submit())).await;

    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (201, &answers[0].text));
    }
    let submitted = answers[0].json()["tasks"].clone();
    let listed = server.operator.get("/v1/tasks").await.expect(200)["items"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    for (submitted, listed) in submitted.as_array().unwrap().iter().zip(listed.as_array().unwrap())
    {
        assert_eq!(submitted["id"], listed["id"]);
        assert_eq!(submitted["created"], true);
    }
}

#[tokio::test]
async fn a_repeated_registration_gives_a_fresh_credential_for_the_same_edge() {
    let server = Server::start();
    let token = server.token(json!({ "maxUses": 2 })).await;
    let enrollee = Client::new(server.address, &token);
    let body = json!({ "deviceNumber": "DEV-1", "displayName": "an edge" });
    let register = || enrollee.post_under_key("/internal/edges/register", body.clone(), "k");

    let (first, second) = (register().await.expect(201), register().await.expect(201));

    assert_eq!(first["workerId"], second["workerId"]);
    assert_ne!(first["credential"], second["credential"]);
    let poll = |answer: &Value| {
        let client = Client::new(server.address, answer["credential"].as_str().unwrap());
        let body = json!({ "workerId": answer["workerId"] });
        async move { client.post("/internal/edges/tasks/next", body).await }
    };
    poll(&first).await.problem(401, "unauthenticated");
    poll(&second).await.expect(200);
    let tokens = server.operator.get("/v1/tokens").await.expect(200);
    assert_eq!(tokens["items"][0]["uses"], 1);
    let other = json!({ "deviceNumber": "DEV-2", "displayName": "an edge" });
    let reused = enrollee.post_under_key("/internal/edges/register", other, "k").await;
    reused.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    let create = || server.operator.post_under_key("/v1/tokens", json!({}), "k");
    let rotate = format!("/v1/edges/{}/rotate", edge.id);
    let rotate = || server.operator.post_under_key(&rotate, json!({}), "k");

    let (first, again) = (create().await.expect(201), create().await.expect(201));
    assert_eq!(first["details"]["id"], again["details"]["id"]);
    assert!(first["token"].is_string());
    assert_eq!(again["token"], Value::Null);
    let (first, again) = (rotate().await.expect(200), rotate().await.expect(200));
    assert_eq!(first["credentialId"], again["credentialId"]);
    assert!(first["credential"].is_string());
    assert_eq!(again["credential"], Value::Null);
}

#[tokio::test]
async fn keys_outlive_a_restart() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    let first = edge.say_under("k", "tasks/next", json!({})).await.expect(200);

    let server = server.restart();
    let edge = Edge { client: edge.client.at(server.address), ..edge };

    assert_eq!(edge.say_under("k", "tasks/next", json!({})).await.expect(200), first);
}
