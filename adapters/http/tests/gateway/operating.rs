//! What whoever runs the gateway relies on.
use std::time::Duration;

use edge_ledger_core::Thresholds;
use edge_ledger_http::{Gateway, Keys, Limits, Listen, ListenError, TlsFiles, listen};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    client::{Answer, Client},
    server::Server,
};

#[tokio::test]
async fn probes_need_no_secret() {
    let server = Server::start();
    let anyone = Client::new(server.address, "");

    assert_eq!(anyone.get("/healthz").await.expect(200), json!({ "status": "ok" }));
    assert_eq!(anyone.get("/readyz").await.expect(200), json!({ "status": "ready" }));
    let version = anyone.get("/version").await.expect(200);
    assert_eq!(version["name"], "edge-ledger");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_backup_is_for_operators_and_only_of_a_log_that_one_can_be_made_of() {
    let server = Server::start();
    let edge = server.edge("rack").await;

    edge.client.get("/v1/backup").await.problem(401, "unauthenticated");
    server.operator.get("/v1/backup").await.problem(501, "backup_unsupported");
    server.operator.get("/v1/backup?key=true").await.problem(400, "malformed");
}

#[tokio::test]
async fn a_request_has_the_id_that_its_sender_gave_it_if_that_will_do() {
    let server = Server::start();
    let send = |id: &str| {
        let request = server.operator.request(reqwest::Method::GET, "/v1/nothing");
        Answer::to(request.header("x-request-id", id))
    };

    for id in ["abc-123", &"x".repeat(128)] {
        let answer = send(id).await;
        answer.problem(404, "no_such_route");
        assert_eq!(answer.json()["instance"], id);
    }
    for id in ["", "a b", &"x".repeat(129)] {
        let answer = send(id).await;
        answer.problem(404, "no_such_route");
        assert_ne!(answer.json()["instance"], id);
    }
}

#[tokio::test]
async fn a_connection_is_not_held_open_by_a_body_that_nobody_waits_for() {
    let server = Server::start();
    for (path, status) in [("/internal/edges/tasks/next", 401), ("/nothing", 404)] {
        for framing in ["transfer-encoding: chunked\r\n\r\nff\r\n", "content-length: 255\r\n\r\n"] {
            let head = format!("POST {path} HTTP/1.1\r\nhost: here\r\n{framing}{{");
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            let read = stream.read_to_string(&mut answer);
            let closed = tokio::time::timeout(Duration::from_secs(10), read).await;
            assert!(closed.is_ok(), "{path} {framing:?} is still open");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_finishes_what_is_in_flight() {
    let server = Server::start_with(Limits::default());
    let edge = server.edge("DEV-1").await;
    let body = json!({ "workerId": edge.id }).to_string();
    let (begin, end) = body.split_at(5);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /internal/edges/tasks/next HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{begin}",
        edge.client.secret(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    let address = server.address;
    let stopping = tokio::task::spawn_blocking(move || {
        let mut server = server;
        server.stop();
        server
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(TcpStream::connect(address).await.is_err(), "it still accepts");
    stream.write_all(end.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with(r#"{"success":true,"task":null}"#), "{answer}");
    drop(stopping.await.unwrap());
}

#[tokio::test]
async fn a_closed_ledger_is_not_ready_and_refuses_every_command() {
    let mut server = Server::start();
    let edge = server.edge("DEV-1").await;

    server.close_ledger();

    let anyone = Client::new(server.address, "");
    let answer = anyone.get("/readyz").await;
    answer.problem(503, "stopped");
    assert!(answer.headers.contains_key("retry-after"));
    anyone.get("/healthz").await.expect(200);
    let poll = edge.say("connectivity", json!({ "deviceNumber": "DEV-1" })).await;
    assert_eq!(poll.status, 503, "{poll:?}");
    assert!(poll.headers.contains_key("retry-after"));
    server.operator.get("/v1/edges").await.expect(200);
}

#[test]
fn secrets_never_cross_a_network_in_the_clear_unless_that_is_allowed() {
    let server = Server::start();
    let keys = Keys::open_or_create(server.directory()).unwrap();
    let gateway = || {
        let handle = server.ledger.clone();
        Gateway::new(handle, keys.clone(), Limits::default(), Thresholds::default())
    };
    let everywhere = Listen { address: ([0, 0, 0, 0], 0).into(), ..Listen::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();

    let refused = listen(gateway(), &everywhere, std::future::pending()).unwrap_err();
    assert!(matches!(refused, ListenError::InTheClear(_)), "{refused}");
    let allowed = Listen { insecure_http: true, ..everywhere };
    assert!(listen(gateway(), &allowed, std::future::pending()).is_ok());
    let nothing = TlsFiles { certificate: "none.pem".into(), key: "none.pem".into() };
    let unreadable = Listen { tls: Some(nothing), ..Listen::default() };
    let refused = listen(gateway(), &unreadable, std::future::pending()).unwrap_err();
    assert!(matches!(refused, ListenError::Pem { .. }), "{refused}");
}

#[tokio::test]
async fn a_gateway_with_a_certificate_speaks_tls() {
    let server = Server::start();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        certificate: directory.path().join("certificate.pem"),
        key: directory.path().join("key.pem"),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let keys = Keys::open_or_create(server.directory()).unwrap();
    let gateway =
        Gateway::new(server.ledger.clone(), keys, Limits::default(), Thresholds::default());
    let options =
        Listen { address: ([127, 0, 0, 1], 0).into(), tls: Some(files), ..Listen::default() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let listening = listen(gateway, &options, async { drop(stopped.await) }).unwrap();
    let port = listening.address().port();
    let running = tokio::spawn(listening.run());

    let certificate = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]);
    let url = format!("https://localhost:{port}/version");
    let answer = client.build().unwrap().get(url).send().await.unwrap();

    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("edge-ledger"));
    drop(stop);
    running.await.unwrap().unwrap();
}
