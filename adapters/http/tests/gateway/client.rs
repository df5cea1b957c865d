//! Clients, as simple as those in the field.
use std::net::SocketAddr;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Whoever shows one secret.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    secret: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media_type: String,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, secret: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, base: format!("http://{address}"), secret: secret.to_owned() }
    }

    /// Shows the same secret elsewhere.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self::new(address, &self.secret)
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Begins a request; whatever is wrong with it is up to the caller.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        if self.secret.is_empty() { request } else { request.bearer_auth(&self.secret) }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn post_under_key(&self, path: &str, body: Value, key: &str) -> Answer {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        Answer::to(request.json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        let media_type = headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        Self {
            status: response.status().as_u16(),
            media_type: media_type.unwrap_or_default(),
            headers,
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Returns the answer, which has to have this status.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// Returns the detail of the problem that the answer has to be.
    pub(crate) fn problem(&self, status: u16, code: &str) -> String {
        let problem = self.json();
        assert_eq!((self.status, problem["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.media_type, "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["statusCode"], status);
        assert_eq!(problem["type"], format!("urn:edge-ledger:error:{code}"));
        assert_eq!(problem["detail"], problem["message"]);
        let documented = include_str!("../../../../docs/ERRORS.md");
        let row = format!("\n| `{code}` | {status} |");
        assert!(documented.contains(&row), "{code} is not among the documented errors");
        assert_eq!(problem["instance"], self.headers["x-request-id"].to_str().unwrap());
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// An edge, as simple as those in the field: no `leaseToken`, no `holding`.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) id: String,
    pub(crate) client: Client,
}

impl Edge {
    pub(crate) async fn register(address: SocketAddr, token: &str, device_number: &str) -> Self {
        let request = json!({ "deviceNumber": device_number, "displayName": "an edge" });
        let registering = Client::new(address, token);
        let answer = registering.post("/internal/edges/register", request).await.expect(201);
        Self {
            id: answer["workerId"].as_str().unwrap().to_owned(),
            client: Client::new(address, answer["credential"].as_str().unwrap()),
        }
    }

    /// Says something, adding who speaks.
    pub(crate) async fn say(&self, path: &str, mut body: Value) -> Answer {
        body["workerId"] = self.id.clone().into();
        self.client.post(&format!("/internal/edges/{path}"), body).await
    }

    pub(crate) async fn next(&self) -> Value {
        self.say("tasks/next", json!({})).await.expect(200)["task"].clone()
    }

    pub(crate) async fn heartbeat(&self, task: &str) -> Answer {
        let body = json!({ "processedConfigs": 0, "totalConfigs": 1, "trialProgress": "started" });
        self.say(&format!("tasks/{task}/heartbeat"), body).await
    }

    pub(crate) async fn results(&self, task: &str, configs: &[&str]) -> Answer {
        let row = |id: &&str| json!({ "configId": id, "strategyConfig": {}, "metrics": {} });
        let rows: Vec<_> = configs.iter().map(row).collect();
        self.say(&format!("tasks/{task}/results"), json!({ "results": rows })).await
    }

    pub(crate) async fn complete(&self, task: &str, best: &[&str]) -> Answer {
        let body = json!({ "bestConfigIds": best, "processedConfigs": 1, "totalConfigs": 1 });
        self.say(&format!("tasks/{task}/complete"), body).await
    }

    pub(crate) async fn fail(&self, task: &str) -> Answer {
        self.say(&format!("tasks/{task}/fail"), json!({ "error": "it broke" })).await
    }
}
