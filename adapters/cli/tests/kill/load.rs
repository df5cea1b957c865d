//! Edges that work until their gateway is gone, and remember what it told them.
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::server::Server;

/// An edge with its credential.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    id: String,
    credential: String,
}

impl Edge {
    pub(crate) async fn register_all(server: &Server, count: u32) -> Vec<Self> {
        let token = server.operator_posts("/v1/tokens", &json!({"maxUses": count}));
        let token: Value = token.send().await.unwrap().json().await.unwrap();
        let mut edges = Vec::new();
        for n in 0..count {
            let request = json!({
                "deviceNumber": format!("device-{n}"),
                "displayName": format!("edge {n}"),
                "token": token["token"],
            });
            let answer = server.post("/internal/edges/register", &request).send().await.unwrap();
            let answer: Value = answer.error_for_status().unwrap().json().await.unwrap();
            let text = |name: &str| answer[name].as_str().unwrap().to_owned();
            edges.push(Self { id: text("workerId"), credential: text("credential") });
        }
        edges
    }

    /// Submits a task and leases one, which need not be the same: its id and its fence.
    pub(crate) async fn lease(&self, server: &Server, name: &str) -> (String, u64) {
        let submitted = server.operator_posts("/v1/tasks", &json!({"id": name, "payload": null}));
        submitted.send().await.unwrap().error_for_status().unwrap();
        let (status, answer) = self.report(server, "tasks/next", json!({})).await;
        assert_eq!(status, 200, "{answer}");
        let task = &answer["task"];
        (task["id"].as_str().unwrap().to_owned(), task["leaseToken"].as_u64().unwrap())
    }

    /// Says that it is at work on a task, under a fence.
    pub(crate) async fn heartbeat(
        &self,
        server: &Server,
        (task, fence): &(String, u64),
    ) -> (u16, Value) {
        let progress = json!({"processedConfigs": 0, "totalConfigs": 2, "leaseToken": fence});
        self.report(server, &format!("tasks/{task}/heartbeat"), progress).await
    }

    async fn report(&self, server: &Server, route: &str, mut body: Value) -> (u16, Value) {
        body["workerId"] = json!(self.id);
        let request = server.post(&format!("/internal/edges/{route}"), &body);
        let answer = request.bearer_auth(&self.credential).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// What a gateway answered: each of it a promise.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) submitted: Vec<String>,
    pub(crate) leased: Vec<(String, u64)>,
    pub(crate) stored: Vec<(String, String)>,
    pub(crate) completed: Vec<String>,
}

/// Submits tasks and works on them until the gateway does not answer any more.
pub(crate) fn load(server: &Server, edge: Edge, round: u64) -> JoinHandle<Told> {
    let (http, url, operator) = server.client();
    let caller = Caller { http, url, operator, edge };
    tokio::spawn(async move {
        let mut told = Told::default();
        let mut turn = 0;
        while caller.work(&mut told, &format!("r{round}-{turn}")).await.is_some() {
            turn += 1;
        }
        told
    })
}

struct Caller {
    http: Client,
    url: String,
    operator: String,
    edge: Edge,
}

impl Caller {
    /// Takes one task through its life; none once there is no answer.
    async fn work(&self, told: &mut Told, name: &str) -> Option<()> {
        let id = format!("{name}-{}", self.edge.id);
        let task = json!({"id": id, "payload": {"of": name}, "backoff": {"baseSeconds": 0}});
        self.post("/v1/tasks", &self.operator, task).await?;
        told.submitted.push(id);

        let answer = self.report("tasks/next", json!({})).await?;
        // Another edge may have the only task that waits.
        let Some(task) = answer["task"].as_object() else { return Some(()) };
        let id = task["id"].as_str()?.to_owned();
        let fence = task["leaseToken"].as_u64()?;
        told.leased.push((id.clone(), fence));

        let progress = json!({"processedConfigs": 0, "totalConfigs": 2, "leaseToken": fence});
        self.report(&format!("tasks/{id}/heartbeat"), progress).await?;
        let config_ids = [0, 1].map(|n| format!("{name}-{fence}-{n}"));
        let rows = config_ids.each_ref().map(
            |config_id| json!({"configId": config_id, "strategyConfig": {}, "metrics": {"m": 1}}),
        );
        let results = json!({"results": rows, "leaseToken": fence});
        let stored = self.report(&format!("tasks/{id}/results"), results).await?;
        assert_eq!(stored["accepted"], 2, "{stored}");
        told.stored.extend(config_ids.iter().map(|config_id| (id.clone(), config_id.clone())));

        let completion = json!({
            "bestConfigIds": [config_ids[0]],
            "processedConfigs": 2,
            "totalConfigs": 2,
            "leaseToken": fence,
        });
        let answer = self.report(&format!("tasks/{id}/complete"), completion).await?;
        assert_eq!(answer["status"], "DONE", "{answer}");
        told.completed.push(id);
        Some(())
    }

    async fn report(&self, route: &str, mut body: Value) -> Option<Value> {
        body["workerId"] = json!(self.edge.id);
        self.post(&format!("/internal/edges/{route}"), &self.edge.credential, body).await
    }

    async fn post(&self, path: &str, secret: &str, body: Value) -> Option<Value> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(secret);
        let answer = request.json(&body).send().await.ok()?;
        let status = answer.status();
        let answer: Value = answer.json().await.ok()?;
        assert!(status.is_success(), "{path}: {answer}");
        Some(answer)
    }
}
