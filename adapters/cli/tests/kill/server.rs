//! A real gateway, as its own process.
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Client, RequestBuilder};
use serde_json::Value;

/// A gateway under test.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    url: String,
    operator: String,
    http: Client,
}

impl Server {
    pub(crate) async fn start(data: &Path) -> Self {
        let ready = data.join("ready");
        std::fs::remove_file(&ready).ok();
        let mut command = edge_ledger();
        command.args(["serve", "--addr", "127.0.0.1:0", "--data"]).arg(data.join("ledger"));
        command.arg("--ready-file").arg(&ready).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let (url, operator) = (String::new(), String::new());
        let mut server = Self { child, url, operator, http: Client::new() };
        for _ in 0..600 {
            server.url = std::fs::read_to_string(&ready).unwrap_or_default().trim().to_owned();
            if !server.url.is_empty() {
                let operator = std::fs::read_to_string(data.join("ledger/operator.token")).unwrap();
                operator.trim().clone_into(&mut server.operator);
                return server;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the gateway is not ready within 30 s");
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it as a power cut would end the process.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).json(body)
    }

    pub(crate) fn operator_posts(&self, path: &str, body: &Value) -> RequestBuilder {
        self.post(path, body).bearer_auth(&self.operator)
    }

    pub(crate) fn client(&self) -> (Client, String, String) {
        (self.http.clone(), self.url.clone(), self.operator.clone())
    }

    /// Reads every page of a list.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let url = format!("{}{path}?limit=1000{after}", self.url);
            let answer = self.http.get(url).bearer_auth(&self.operator).send().await.unwrap();
            let mut page: Value = answer.error_for_status().unwrap().json().await.unwrap();
            items.append(page["items"].as_array_mut().unwrap());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
        }
    }

    pub(crate) async fn digest(&self) -> String {
        let url = format!("{}/v1/ledger", self.url);
        let answer = self.http.get(url).bearer_auth(&self.operator).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["digest"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Folds the log of a data directory that nobody serves.
pub(crate) fn digest_of_log(data: &Path) -> String {
    let output = edge_ledger()
        .args(["log", "verify", "--json", "--data"])
        .arg(data.join("ledger"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    found["digest"].as_str().unwrap().to_owned()
}

pub(crate) fn edge_ledger() -> Command {
    Command::new(env!("CARGO_BIN_EXE_edge-ledger"))
}
