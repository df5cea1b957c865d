//! The first check that fails is the answer: each rung of these ladders mends one fault and leaves
//! all the later ones.
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Client, Edge},
    server::Server,
};

const JSON: (&str, &str) = ("content-type", "application/json");
const TEXT: (&str, &str) = ("content-type", "text/plain");

/// The routes of edges that show their credential, with a body in which a field is wrong, its
/// name, and the limit of bodies.
fn routes() -> Vec<(&'static str, Value, &'static str, usize)> {
    let small = 256 * 1024;
    vec![
        ("connectivity", json!({ "deviceNumber": 7 }), "deviceNumber", small),
        ("tasks/next", json!({ "capacity": 0 }), "capacity", small),
        ("tasks/none/heartbeat", json!({ "processedConfigs": -1 }), "processedConfigs", small),
        ("tasks/none/results", json!({ "results": 7 }), "results", 4 * 1024 * 1024),
        ("tasks/none/complete", json!({ "bestConfigIds": "a" }), "bestConfigIds", small),
        ("tasks/none/fail", json!({ "error": 7 }), "error", small),
    ]
}

#[tokio::test]
async fn credential_then_declaration_then_size_then_json_then_speaker_then_fields() {
    let server = Server::start();
    let (edge, other) = (server.edge("DEV-1").await, server.edge("DEV-2").await);
    let stranger = Client::new(server.address, "wk_live_0123");

    for (route, wrong, field, limit) in routes() {
        let path = format!("/internal/edges/{route}");
        let send = |client: &Client, declared: (&str, &str), body: String| {
            Answer::to(
                client.request(Method::POST, &path).header(declared.0, declared.1).body(body),
            )
        };
        let said = |worker_id: Option<&str>| {
            let mut body = wrong.clone();
            body["workerId"] = worker_id.into();
            body.to_string()
        };
        let large = "{".repeat(limit + 1);

        let nobody = Client::new(server.address, "");
        send(&nobody, TEXT, large.clone()).await.problem(401, "unauthenticated");
        send(&stranger, TEXT, large.clone()).await.problem(401, "unauthenticated");
        send(&server.operator, TEXT, large.clone()).await.problem(401, "unauthenticated");
        send(&edge.client, TEXT, large.clone()).await.problem(415, "not_json");
        send(&edge.client, JSON, large).await.problem(413, "body_too_large");
        send(&edge.client, JSON, "{".repeat(limit / 2)).await.problem(400, "malformed");
        let unsaid = send(&edge.client, JSON, said(None)).await.problem(400, "malformed");
        assert_eq!(unsaid, "workerId: is missing", "{route}");
        send(&edge.client, JSON, said(Some(&other.id))).await.problem(403, "worker_id_differs");
        send(&edge.client, JSON, said(Some("x"))).await.problem(403, "worker_id_differs");
        let fault = send(&edge.client, JSON, said(Some(&edge.id))).await.problem(400, "malformed");
        assert!(fault.starts_with(&format!("{field}: expected ")), "{route}: {fault}");
    }
}

#[tokio::test]
async fn a_registration_is_validated_before_its_token_is_looked_at() {
    let server = Server::start();
    let token = server.token(json!({})).await;
    let path = "/internal/edges/register";
    let client = |secret: &str| Client::new(server.address, secret);
    let send = |secret: &str, declared: (&str, &str), body: String| {
        let request = client(secret).request(Method::POST, path);
        Answer::to(request.header(declared.0, declared.1).body(body))
    };
    let nameless = json!({ "deviceNumber": "DEV-1" }).to_string();
    let fit = json!({ "deviceNumber": "DEV-1", "displayName": "an edge" }).to_string();

    send("", TEXT, "{".repeat(300_000)).await.problem(415, "not_json");
    send("", JSON, "{".repeat(300_000)).await.problem(413, "body_too_large");
    send("", JSON, "{".to_owned()).await.problem(400, "malformed");
    assert_eq!(
        send("", JSON, nameless.clone()).await.problem(400, "malformed"),
        "displayName: is missing"
    );
    send(&token, JSON, nameless).await.problem(400, "malformed");
    send("", JSON, fit.clone()).await.problem(401, "unauthenticated");
    send("etr_live_0123", JSON, fit.clone()).await.problem(401, "unauthenticated");
    send(&token, JSON, fit.clone()).await.expect(201);
    let again = json!({ "deviceNumber": "DEV-1", "displayName": "an edge" }).to_string();
    send(&token, JSON, again).await.problem(401, "unauthenticated");
    let fresh = server.token(json!({})).await;
    send(&fresh, JSON, fit).await.problem(409, "edge_device_taken");
}

/// Reports on a task, with whatever is wrong with them left in.
struct Reports<'a> {
    edge: &'a Edge,
    task: &'a str,
    lease_token: Option<u64>,
}

impl Reports<'_> {
    async fn send(&self, report: &str, mut body: Value) -> Answer {
        body["leaseToken"] = self.lease_token.into();
        self.edge.say(&format!("tasks/{}/{report}", self.task), body).await
    }

    /// Sends all four reports, their content against what is stored where that can be.
    async fn all(&self) -> [Answer; 4] {
        let beat = json!({ "processedConfigs": 2, "totalConfigs": 1 });
        let best = json!({ "bestConfigIds": ["none"], "processedConfigs": 2, "totalConfigs": 1 });
        [
            self.send("complete", best).await,
            self.send("fail", json!({})).await,
            self.send("results", json!({ "results": [] })).await,
            self.send("heartbeat", beat).await,
        ]
    }
}

#[tokio::test]
async fn known_then_held_then_finished_then_lease_then_token_then_state_then_content() {
    let server = Server::start();
    let (edge, other) = (server.edge("DEV-1").await, server.edge("DEV-2").await);
    server.submit("T1").await;
    let stale = Some(1);

    for answer in (Reports { edge: &edge, task: "none", lease_token: stale }).all().await {
        answer.problem(404, "task_unknown");
    }
    for answer in (Reports { edge: &edge, task: "a b", lease_token: stale }).all().await {
        answer.problem(404, "task_unknown");
    }
    assert_eq!(edge.next().await["id"], "T1");
    for answer in (Reports { edge: &other, task: "T1", lease_token: stale }).all().await {
        answer.problem(404, "task_unknown");
    }
    for answer in (Reports { edge: &edge, task: "T1", lease_token: stale }).all().await {
        answer.problem(409, "task_fence_stale");
    }
    let reports = Reports { edge: &edge, task: "T1", lease_token: None };
    let beyond = json!({ "bestConfigIds": ["none"], "processedConfigs": 2, "totalConfigs": 1 });
    reports.send("complete", beyond.clone()).await.problem(409, "task_wrong_status");
    edge.results("T1", &["a"]).await.expect(200);
    reports.send("complete", beyond).await.problem(422, "task_best_unknown");
    let beyond = json!({ "bestConfigIds": ["a"], "processedConfigs": 2, "totalConfigs": 1 });
    reports.send("complete", beyond).await.problem(422, "task_progress_beyond_total");

    server.operator.post("/v1/tasks/T1/reassign", json!({ "to": other.id })).await.expect(200);
    for answer in (Reports { edge: &edge, task: "T1", lease_token: stale }).all().await {
        let why = answer.problem(409, "task_lease_lost");
        assert!(why.starts_with("lease is lost: reassigned at "), "{why}");
        assert!(why.ends_with("leaseToken 1; nobody holds the task now"), "{why}");
    }
    assert_eq!(other.next().await["id"], "T1");
    for answer in (Reports { edge: &edge, task: "T1", lease_token: stale }).all().await {
        let why = answer.problem(409, "task_lease_lost");
        assert!(why.contains(&format!("now held by edge {} since ", other.id)), "{why}");
    }
    server.operator.post("/v1/tasks/T1/cancel", json!({})).await.expect(200);
    for answer in (Reports { edge: &edge, task: "T1", lease_token: stale }).all().await {
        answer.expect(200);
    }
    let heard = edge.heartbeat("T1").await.expect(200);
    let cancelled = json!({
        "success": true, "status": "CANCELLED", "leaseExpiresAt": null, "cancelRequested": true
    });
    assert_eq!(heard, cancelled);
    let rows = edge.results("T1", &["a", "b"]).await.expect(200);
    assert_eq!(rows, json!({ "success": true, "accepted": 0, "deduplicated": 2 }));
}
