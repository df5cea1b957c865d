//! Secrets are shown once, and nowhere else.
use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use edge_ledger_core::{Event, JournalReader, Position, edge, enrollment};
use reqwest::Method;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    client::{Answer, Client, Edge},
    server::Server,
};

/// Whatever is logged, by any test of this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_in_a_log_an_event_or_an_answer_but_the_one_that_shows_it() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone());
    subscriber.with_max_level(tracing::Level::TRACE).init();
    let server = Server::start();
    let token = server.token(json!({ "maxUses": 2 })).await;
    let edge = Edge::register(server.address, &token, "DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    edge.results("T1", &["a"]).await.expect(200);
    edge.complete("T1", &["a"]).await.expect(200);
    let rotate = format!("/v1/edges/{}/rotate", edge.id);
    let rotated = server.operator.post(&rotate, json!({})).await.expect(200);
    let rotated = rotated["credential"].as_str().unwrap().to_owned();
    let in_body = json!({ "deviceNumber": "DEV-1", "displayName": "an edge", "token": token });
    let refused = Client::new(server.address, "").post("/internal/edges/register", in_body).await;
    refused.problem(409, "edge_device_taken");

    for secret in [&token, edge.client.secret(), &rotated, server.operator.secret()] {
        let astray =
            server.operator.request(Method::GET, &format!("/v1/tasks/{secret}?at={secret}"));
        Answer::to(astray.header("x-request-id", secret)).await.expect(400);
        server.operator.get(&format!("/{secret}")).await.problem(404, "no_such_route");
    }

    let mut told = String::new();
    for path in ["events?limit=1000", "edges", "tokens", "tasks", "tasks/T1", "ledger"] {
        told += &server.operator.get(&format!("/v1/{path}")).await.text;
    }
    told += &server.operator.get(&format!("/v1/edges/{}", edge.id)).await.text;
    told += &String::from_utf8(log.0.lock().unwrap().clone()).unwrap();

    assert!(told.contains(&edge.id), "nothing was logged or told");
    assert!(told.contains("edge_device_taken"), "refusals are not logged");
    let shown =
        [token, edge.client.secret().to_owned(), rotated, server.operator.secret().to_owned()];
    for secret in shown {
        let random = secret.rsplit('_').next().unwrap().to_owned();
        assert!(!told.contains(&random), "{secret} was told");
    }
    for hash in hashes(&server) {
        assert!(!told.contains(&hash), "the hash {hash} was told");
    }
}

#[tokio::test]
async fn a_secret_that_differs_in_one_letter_is_a_strangers() {
    let server = Server::start();
    let token = server.token(json!({})).await;
    let edge = server.edge("DEV-1").await;
    let differs = |secret: &str| {
        let (last, rest) = (secret.chars().last().unwrap(), &secret[..secret.len() - 1]);
        Client::new(server.address, &format!("{rest}{}", if last == '0' { '1' } else { '0' }))
    };
    let registration = json!({ "deviceNumber": "DEV-2", "displayName": "an edge" });
    let poll = json!({ "workerId": edge.id });

    let operator = differs(server.operator.secret()).get("/v1/ledger").await;
    operator.problem(401, "unauthenticated");
    let enrollee = differs(&token);
    let refused = enrollee.post("/internal/edges/register", registration.clone()).await;
    refused.problem(401, "unauthenticated");
    let stranger = differs(edge.client.secret());
    let refused = stranger.post("/internal/edges/tasks/next", poll).await;
    refused.problem(401, "unauthenticated");

    assert_eq!(refused.headers["www-authenticate"], r#"Bearer realm="edge-ledger""#);
    edge.next().await;
    Edge::register(server.address, &token, "DEV-2").await;
}

#[tokio::test]
async fn an_answer_with_a_secret_is_not_to_be_kept() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    let token = server.operator.post("/v1/tokens", json!({})).await;
    let enrollee = Client::new(server.address, token.expect(201)["token"].as_str().unwrap());
    let registration = json!({ "deviceNumber": "DEV-2", "displayName": "an edge" });

    let registered = enrollee.post("/internal/edges/register", registration).await;
    let rotate = format!("/v1/edges/{}/rotate", edge.id);
    let rotated = server.operator.post(&rotate, json!({})).await;

    for answer in [token, registered, rotated] {
        assert_eq!(answer.headers["cache-control"], "no-store", "{}", answer.text);
    }
}

/// Lists the hashes of all secrets there have been.
fn hashes(server: &Server) -> Vec<String> {
    let mut hashes = Vec::new();
    for commit in server.ledger.reader().read(Position::START) {
        for event in commit.unwrap().events {
            match event {
                Event::Token { what: enrollment::Event::Created(grant), .. } => {
                    hashes.push(grant.secret.to_string());
                }
                Event::Edge { what: edge::Event::CredentialIssued { secret, .. }, .. } => {
                    hashes.push(secret.to_string());
                }
                Event::Ledger(_)
                | Event::Token { .. }
                | Event::Edge { .. }
                | Event::Task { .. } => {}
            }
        }
    }
    assert_eq!(hashes.len(), 3);
    hashes
}
