//! What operators see and do.
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Client, Edge},
    server::Server,
};

impl Server {
    async fn show(&self, path: &str) -> Value {
        self.operator.get(&format!("/v1/{path}")).await.expect(200)
    }

    async fn ask(&self, path: &str, body: Value) -> Value {
        self.operator.post(&format!("/v1/{path}"), body).await.expect(200)
    }

    /// Lists the ids of whatever a path lists.
    async fn ids(&self, path: &str) -> Vec<String> {
        let items = self.show(path).await["items"].clone();
        let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
        items.as_array().unwrap().iter().map(id).collect()
    }

    /// Lists the names of the events in a task's history.
    async fn history(&self, task: &str) -> Vec<String> {
        let history = self.show(&format!("tasks/{task}")).await["history"].clone();
        let name = |event: &Value| event["event"]["type"].as_str().unwrap().to_owned();
        history.as_array().unwrap().iter().map(name).collect()
    }
}

#[tokio::test]
async fn tokens_are_listed_shown_and_revoked() {
    let server = Server::start();
    for name in ["a", "b", "c"] {
        server.token(json!({ "name": name, "labels": { "gpu": "yes" } })).await;
    }

    let first = server.show("tokens?limit=2").await;
    let second =
        server.show(&format!("tokens?limit=2&after={}", first["next"].as_str().unwrap())).await;

    assert_eq!(
        (&first["items"][1]["name"], &second["items"][0]["name"]),
        (&json!("b"), &json!("c"))
    );
    assert_eq!(second["next"], Value::Null);
    let id = second["items"][0]["id"].as_str().unwrap();
    assert_eq!(server.show(&format!("tokens/{id}")).await, second["items"][0]);
    assert_eq!(server.ask(&format!("tokens/{id}/revoke"), json!({})).await["status"], "REVOKED");
    let revoked = server.ask(&format!("tokens/{id}/revoke"), json!({})).await;
    assert_eq!(revoked["status"], "REVOKED");
    server.operator.get("/v1/tokens/none").await.problem(404, "token_unknown");
    let none = uuid::Uuid::now_v7();
    let unknown = server.operator.post(&format!("/v1/tokens/{none}/revoke"), json!({})).await;
    unknown.problem(404, "token_unknown");
}

#[tokio::test]
async fn edges_are_listed_by_liveness_and_status_page_by_page() {
    let server = Server::start();
    let mut edges = Vec::new();
    for n in 0..5 {
        edges.push(server.edge(&format!("DEV-{n}")).await.id);
    }
    server.ask(&format!("edges/{}/disable", edges[1]), json!({ "reason": "stolen" })).await;

    assert_eq!(server.ids("edges").await, edges);
    assert_eq!(server.ids("edges?status=disabled").await, [edges[1].clone()]);
    assert_eq!(server.ids("edges?status=ACTIVE&liveness=online&limit=3").await.len(), 3);
    assert_eq!(server.ids("edges?liveness=OFFLINE").await, [""; 0]);
    let page = server.show("edges?limit=3&status=ACTIVE").await;
    let rest = format!("edges?limit=3&status=ACTIVE&after={}", page["next"].as_str().unwrap());
    assert_eq!(server.ids(&rest).await, [edges[4].clone()]);
    let fault = server.operator.get("/v1/edges?liveness=dead").await.problem(400, "malformed");
    assert_eq!(fault, "liveness: expected one of ONLINE, STALE, OFFLINE, found \"dead\"");
    for limit in ["0", "1001", "x"] {
        let answer = server.operator.get(&format!("/v1/edges?limit={limit}")).await;
        let fault = answer.problem(400, "malformed");
        assert!(fault.starts_with("limit: expected a number from 1 to 1000, found"), "{fault}");
    }
    server.operator.get("/v1/edges/none").await.problem(404, "edge_unknown");
}

#[tokio::test]
async fn labels_say_which_edge_gets_a_task_and_capacity_how_many() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    let task = |id: &str| json!({ "id": id, "requires": { "gpu": "a100" } });
    let tasks = json!({ "tasks": [task("T1"), task("T2"), task("T3")] });
    server.operator.post("/v1/tasks", tasks).await.expect(201);
    assert_eq!(edge.next().await, Value::Null);
    let why = server.show("tasks/T1/why").await;
    assert_eq!(why["reasons"][0]["code"], "no_edge_meets_requirements", "{why}");

    let labels = format!("/v1/edges/{}/labels", edge.id);
    let shown = server.operator.put(&labels, json!({ "labels": { "gpu": "a100" } })).await;
    assert_eq!(shown.expect(200)["labels"], json!({ "gpu": "a100" }));
    let capacity = format!("/v1/edges/{}/capacity", edge.id);
    server.operator.put(&capacity, json!({ "capacity": 2 })).await.expect(200);

    assert_eq!(edge.next().await["id"], "T1");
    let holding = |tasks: Value| json!({ "holding": tasks, "capacity": 9 });
    let second = edge.say("tasks/next", holding(json!(["T1"]))).await.expect(200);
    assert_eq!(second["task"]["id"], "T2");
    let third = edge.say("tasks/next", holding(json!(["T1", "T2", "../x"]))).await.expect(200);
    assert_eq!(third["task"], Value::Null);
    let why = server.show("tasks/T3/why").await;
    assert_eq!(why["reasons"][0]["code"], "no_edge_available", "{why}");
    assert_eq!(server.ids(&format!("tasks?edge={}", edge.id)).await, ["T1", "T2"]);
    assert_eq!(server.ids("tasks?label=gpu&status=AWAIT").await, ["T3"]);
    assert_eq!(server.ids("tasks?label=gpu=t4").await, [""; 0]);
    let shown = server.show(&format!("edges/{}", edge.id)).await;
    assert_eq!((&shown["holds"], &shown["activity"]), (&json!(["T1", "T2"]), &json!("BUSY")));
}

#[tokio::test]
async fn an_old_credential_lives_on_for_the_overlap_which_a_second_rotation_never_lengthens() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    let rotate = format!("edges/{}/rotate", edge.id);
    let too_long = json!({ "overlapSeconds": 86_401 });
    let fault = server.operator.post(&format!("/v1/{rotate}"), too_long).await;
    let fault = fault.problem(400, "malformed");
    assert_eq!(fault, "overlapSeconds: expected a whole number from 0 to 86400, found 86401");

    let rotated = server.ask(&rotate, json!({ "overlapSeconds": 3600 })).await;
    let ends = |answer: &Value| answer["edge"]["credentials"][0]["expiresAt"].clone();
    let again = server.ask(&rotate, json!({ "overlapSeconds": 86_400 })).await;

    assert_eq!(ends(&rotated), ends(&again));
    edge.next().await;
    let fresh = Client::new(server.address, again["credential"].as_str().unwrap());
    let fresh = Edge { client: fresh, ..edge.clone() };
    fresh.next().await;
    server.ask(&rotate, json!({})).await;
    edge.say("tasks/next", json!({})).await.problem(401, "unauthenticated");
    fresh.say("tasks/next", json!({})).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn revoking_the_last_credential_ends_the_leases_without_using_up_an_attempt() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    edge.heartbeat("T1").await.expect(200);

    let shown = server.ask(&format!("edges/{}/revoke", edge.id), json!({})).await;

    assert_eq!((&shown["credentials"], &shown["holds"]), (&json!([]), &json!([])));
    edge.heartbeat("T1").await.problem(401, "unauthenticated");
    let task = server.show("tasks/T1").await;
    assert_eq!((&task["status"], &task["attempts"]), (&json!("AWAIT"), &json!(0)));
    assert_eq!(task["lost"][0]["reason"], "credential_revoked");
}

#[tokio::test]
async fn the_third_failure_in_a_row_quarantines_until_an_operator_releases() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    for n in 0..5 {
        server.submit(&format!("T{n}")).await;
    }

    for _ in 0..3 {
        let task = edge.next().await["id"].as_str().unwrap().to_owned();
        assert_eq!(edge.fail(&task).await.expect(200)["status"], "FAILED");
    }

    assert_eq!(edge.next().await, Value::Null);
    assert_eq!(server.ids("edges?status=QUARANTINED").await, [edge.id.as_str()]);
    edge.say("connectivity", json!({ "deviceNumber": "DEV-1" })).await.expect(200);
    let released = server.ask(&format!("edges/{}/release", edge.id), json!({})).await;
    assert_eq!(
        (&released["status"], &released["consecutiveFailures"]),
        (&json!("ACTIVE"), &json!(0))
    );
    assert_eq!(edge.next().await["id"], "T3");
}

#[tokio::test]
async fn a_retry_begins_a_run_with_rows_of_its_own_and_the_old_ones_stay_readable() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    edge.results("T1", &["a", "b"]).await.expect(200);
    edge.fail("T1").await.expect(200);
    assert_eq!(server.show("tasks/T1/why").await["reasons"][0]["code"], "failed");

    let retried = server.ask("tasks/T1/retry", json!({})).await;
    assert_eq!((&retried["run"], &retried["status"]), (&json!(2), &json!("AWAIT")));
    edge.next().await;
    let rows = edge.results("T1", &["b", "c", "c"]).await.expect(200);
    assert_eq!(rows, json!({ "success": true, "accepted": 2, "deduplicated": 1 }));

    let configs = async |query: &str| -> Vec<String> {
        let rows = server.show(&format!("tasks/T1/results{query}")).await["items"].clone();
        let id = |row: &Value| row["configId"].as_str().unwrap().to_owned();
        rows.as_array().unwrap().iter().map(id).collect()
    };
    assert_eq!(configs("").await, ["b", "c"]);
    assert_eq!(configs("?run=1").await, ["a", "b"]);
    assert_eq!(configs("?run=3").await, [""; 0]);
    let first = server.show("tasks/T1/results?run=1&limit=1").await;
    let next = first["next"].as_str().unwrap();
    assert_eq!(configs(&format!("?run=1&limit=1&after={next}")).await, ["b"]);
    let history = server.history("T1").await;
    let expected = [
        "task.submitted",
        "task.leased",
        "task.results_stored",
        "task.failed",
        "task.retried",
        "task.leased",
        "task.results_stored",
    ];
    assert_eq!(history, expected);
    server.operator.get("/v1/tasks/none/results").await.problem(404, "task_unknown");
}

#[tokio::test]
async fn the_same_submission_twice_is_one_task_and_another_under_its_name_is_refused() {
    let server = Server::start();
    let task = json!({ "id": "T1", "name": "a", "dedupeKey": "k", "payload": { "x": 1 } });
    let submit = |body: Value| server.operator.post("/v1/tasks", body);

    assert_eq!(submit(task.clone()).await.expect(201), json!({ "id": "T1", "created": true }));
    assert_eq!(submit(task.clone()).await.expect(200), json!({ "id": "T1", "created": false }));
    let mut keyed = task.clone();
    keyed.as_object_mut().unwrap().remove("id");
    assert_eq!(submit(keyed.clone()).await.expect(200), json!({ "id": "T1", "created": false }));
    keyed["payload"] = json!({ "x": 2 });
    submit(keyed).await.problem(409, "task_dedupe_key_taken");
    submit(json!({ "id": "T1" })).await.problem(409, "task_id_taken");
    let many = json!({ "tasks": [{ "id": "T2" }, { "id": "T1" }] });
    submit(many).await.problem(409, "task_id_taken");
    assert_eq!(server.ids("tasks").await, ["T1"]);
    let elsewhere = uuid::Uuid::now_v7().to_string();
    submit(json!({ "assignedTo": elsewhere })).await.problem(422, "task_edge_unknown");
}

#[tokio::test]
async fn a_submission_names_its_fault() {
    let server = Server::start();
    let search = || {
        json!({
            "symbol": "SPX", "interval": "1d", "searchStrategy": "grid", "trials": 1,
            "optimizationParams": {}, "optimizationMetrics": [],
        })
    };
    let with = |name: &str, value: Value| {
        let mut task = search();
        task[name] = value;
        task
    };
    let one_of = "a task has the fields of an optimization, an `optimization` or a `payload`, and only one of the three";

    for (body, fault) in [
        (json!({}), "body: expected a task, or `tasks`, found neither".to_owned()),
        (
            json!({ "id": "a b" }),
            "id: a task id holds only letters, digits, '.', '_', ':' and '-', found ' '".to_owned(),
        ),
        (
            json!({ "priority": 1.5 }),
            "priority: expected a whole number from -1000000 to 1000000, found 1.5".to_owned(),
        ),
        (
            json!({ "leaseSeconds": 0 }),
            "leaseSeconds: expected a whole number from 1 to 604800, found 0".to_owned(),
        ),
        (
            json!({ "maxAttempts": 101 }),
            "maxAttempts: expected a whole number from 1 to 100, found 101".to_owned(),
        ),
        (
            json!({ "notBefore": "soon" }),
            "notBefore: expected a time as in 2026-01-31T09:14:00.000Z".to_owned(),
        ),
        (
            json!({ "assignedTo": "rack" }),
            "assignedTo: expected the id of an edge, a UUID".to_owned(),
        ),
        (
            json!({ "requires": { "gpu": 1 } }),
            "requires.gpu: expected a string, found 1".to_owned(),
        ),
        (
            json!({ "backoff": { "baseSeconds": 9, "maxSeconds": 3 } }),
            "backoff.maxSeconds: expected at least baseSeconds, which is 9, found 3".to_owned(),
        ),
        (json!({ "deadline": 5 }), "deadline: is not a field of this request".to_owned()),
        (
            with("searchStrategy", json!("random")),
            "searchStrategy: expected one of grid, optuna, found a string".to_owned(),
        ),
        (
            with("trials", json!(0)),
            "trials: expected a whole number from 1 to 9007199254740991, found 0".to_owned(),
        ),
        (
            with("prices", json!([1, "2"])),
            "prices: expected an array of numbers, found an array".to_owned(),
        ),
        (
            with("optimizationParams", json!([])),
            "optimizationParams: expected an object, found an array".to_owned(),
        ),
        (with("payload", json!(1)), format!("symbol: {one_of}")),
        (json!({ "optimization": search(), "payload": 1 }), format!("optimization: {one_of}")),
        (
            json!({ "optimization": with("extra", json!(1)) }),
            "optimization.extra: is not a field of this request".to_owned(),
        ),
        (json!({ "tasks": [] }), "tasks: expected 1 to 1000 elements, found 0".to_owned()),
        (
            json!({ "tasks": [{}, { "id": 7 }] }),
            "tasks[1].id: expected a string, found 7".to_owned(),
        ),
        (json!({ "tasks": [{}], "name": "x" }), "name: is not a field of this request".to_owned()),
    ] {
        let answer = server.operator.post("/v1/tasks", body.clone()).await;
        assert_eq!(answer.problem(400, "malformed"), fault, "{body}");
    }

    assert_eq!(server.ids("tasks").await, [""; 0]);
    let nested = json!({ "id": "T1", "optimization": search() });
    server.operator.post("/v1/tasks", nested).await.expect(201);
    assert_eq!(server.show("tasks/T1").await["optimization"]["symbol"], "SPX");
}

#[tokio::test]
async fn events_come_page_by_page_from_any_position() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;

    let all = server.show("events?limit=1000").await["items"].clone();
    let mut found = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let page = server.show(&format!("events?limit=3&after={after}")).await;
        found.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }

    assert_eq!(json!(found), all);
    let positions = found.iter().map(|event| event["position"].as_u64().unwrap());
    assert_eq!(positions.collect::<Vec<_>>(), (1..=found.len() as u64).collect::<Vec<_>>());
    let leased = &found[found.len() - 1];
    assert_eq!(leased["event"]["type"], "task.leased");
    assert_eq!(leased["event"]["data"]["edge"], edge.id);
    assert_eq!(leased["cause"]["principal"]["type"], "edge");
    let beyond = server.show("events?after=99999").await;
    assert_eq!(beyond, json!({ "items": [], "next": null }));
}

#[tokio::test]
async fn a_ledger_rebuilt_from_the_log_has_the_digest_that_is_shown() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    edge.results("T1", &["a"]).await.expect(200);

    let shown = server.show("ledger").await;

    let rebuilt = edge_ledger_engine::replay(server.ledger.reader()).unwrap();
    let found = (shown["head"].as_u64().unwrap(), shown["digest"].as_str().unwrap());
    assert_eq!(found, (rebuilt.head().get(), rebuilt.digest().to_string().as_str()));
    assert_eq!(
        (&shown["edges"], &shown["tasks"], &shown["tokens"]),
        (&json!(1), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn a_request_without_a_body_says_nothing_more_than_its_route() {
    let server = Server::start();
    server.submit("T1").await;

    let answer = Answer::to(server.operator.request(Method::POST, "/v1/tasks/T1/cancel")).await;

    assert_eq!(answer.expect(200)["finished"]["reason"], "no reason given");
}
