//! What is large, slow, or to be kept to the byte.
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    client::{Answer, Client, Edge},
    server::Server,
};

#[tokio::test]
async fn parameters_and_prices_come_back_byte_for_byte() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    let params = "{ \"z\" : [1.50, 2e0],\n\t\"a\":[3 ,0.1000000000000000055],\"\\u0062\":[true], \"a\": [4] }";
    let prices = "[100, 1.10,2.5E+3 , 0.30000000000000004]";
    let task = format!(
        r#"{{"id":"T1","symbol":"SPX","interval":"1d","searchStrategy":"optuna","trials":5.0,
        "optimizationMetrics":["sharpeRatio"],"seed":9007199254740991,"startTrial":3,
        "optimizationParams":{params},"prices":{prices},"leaseSeconds":3600,"maxAttempts":9}}"#
    );
    let request = server.operator.request(Method::POST, "/v1/tasks");
    Answer::to(request.header("content-type", "application/json").body(task)).await.expect(201);
    let check = |answer: Answer, attempt: u32| {
        let task = answer.expect(200)["task"].clone();
        assert_eq!((&task["attempt"], &task["trials"]), (&json!(attempt), &json!(5)));
        assert_eq!(task["seed"], 9_007_199_254_740_991_u64);
        assert!(
            answer.text.contains(&format!("\"optimizationParams\":{params},")),
            "{}",
            answer.text
        );
        assert!(answer.text.contains(&format!("\"prices\":{prices}")), "{}", answer.text);
    };

    check(edge.say("tasks/next", json!({})).await, 1);
    check(edge.say("tasks/next", json!({})).await, 1);
    edge.heartbeat("T1").await.expect(200);
    check(edge.say("tasks/next", json!({})).await, 2);
    let server = server.restart();
    let edge = Edge { client: edge.client.at(server.address), ..edge };
    check(edge.say("tasks/next", json!({})).await, 2);
}

#[tokio::test]
async fn a_task_that_is_no_optimisation_has_its_payload_byte_for_byte() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    for (id, payload) in [("T1", "{ \"run\" : [1.0,\"x\"]}"), ("T2", "null"), ("T3", "\"text\"")] {
        let task = format!(r#"{{"id":"{id}","payload":{payload}}}"#);
        let request = server.operator.request(Method::POST, "/v1/tasks");
        Answer::to(request.header("content-type", "application/json").body(task)).await.expect(201);

        let answer = edge.say("tasks/next", json!({})).await;

        let task = answer.expect(200)["task"].clone();
        assert_eq!(task["id"], id);
        assert_eq!(task.get("symbol"), None);
        match payload {
            "null" => assert_eq!(task.get("payload"), None),
            payload => assert!(answer.text.contains(&format!("\"payload\":{payload}}}"))),
        }
        edge.fail(id).await.expect(200);
        let release = format!("/v1/edges/{}/release", edge.id);
        server.operator.post(&release, json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn two_thousand_rows_in_one_request_are_stored_and_read_back_in_order() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    server.submit("T1").await;
    edge.next().await;
    let row = |n: usize| {
        json!({
            "configId": format!("T1_cfg_{n}"),
            "strategyConfig": { "entryThresholdPct": 0.5, "takeProfitPct": n, "stopLossPct": 1 },
            "metrics": { "totalTrades": n, "winRate": null, "sharpeRatio": 1.25, "maxDrawdownPercent": 3 },
        })
    };
    let rows: Vec<_> = (0..2_000).map(row).collect();

    let answer = edge.say("tasks/T1/results", json!({ "results": rows })).await.expect(200);

    assert_eq!(answer, json!({ "success": true, "accepted": 2_000, "deduplicated": 0 }));
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/v1/tasks/T1/results?limit=700{after}");
        let page = server.operator.get(&path).await.expect(200);
        found.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(found, rows);
    let best = ["T1_cfg_1999", "T1_cfg_0"];
    edge.complete("T1", &best).await.expect(200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_or_not_it_says_so() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;
    let chunked = |size: usize| {
        let chunks = (0..size.div_ceil(1024)).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024]));
        reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))
    };
    let send = |path: &str, body: reqwest::Body| {
        let request = edge.client.request(Method::POST, path);
        Answer::to(request.header("content-type", "application/json").body(body))
    };

    for (path, limit) in [
        ("/internal/edges/tasks/next", 256 * 1024),
        ("/internal/edges/tasks/T1/results", 4 * 1024 * 1024),
    ] {
        let declared = vec![b' '; limit + 1];
        send(path, declared.into()).await.problem(413, "body_too_large");
        send(path, chunked(limit + 1024)).await.problem(413, "body_too_large");
        let told = send(path, chunked(limit)).await.problem(400, "malformed");
        assert_eq!(told, "body is empty, expected a JSON object");
    }
}

/// Sends a request by hand and returns all that comes back.
async fn by_hand(server: &Server, head: &str, body: &[u8]) -> (String, Duration) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let began = Instant::now();
    stream.write_all(head.replace('\n', "\r\n").as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer)).await;
    let length = read.expect("an answer within 20 s").unwrap();
    (String::from_utf8_lossy(&answer[..length]).into_owned(), began.elapsed())
}

fn head(edge: &Edge, length: usize) -> String {
    let secret = edge.client.secret();
    format!(
        "POST /internal/edges/tasks/next HTTP/1.1\nhost: here\nauthorization: bEaReR {secret}\n\
         content-type: application/json\ncontent-length: {length}\n\n"
    )
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::start();
    let edge = server.edge("DEV-1").await;

    let (answer, waited) = by_hand(&server, &head(&edge, 100), b"{\"workerId\"").await;

    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains("\"code\":\"body_too_slow\""), "{answer}");
    assert!(waited >= Duration::from_millis(600), "{waited:?}");
}

#[tokio::test]
async fn nobody_waits_for_the_body_of_a_stranger() {
    let server = Server::start_with(edge_ledger_http::Limits {
        body_within: Duration::from_secs(60),
        ..edge_ledger_http::Limits::default()
    });
    let edge = server.edge("DEV-1").await;
    let stranger = Edge { client: Client::new(server.address, "wk_live_0"), ..edge };

    let (answer, _) = by_hand(&server, &head(&stranger, 100), b"").await;

    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("www-authenticate: Bearer"), "{answer}");
    assert!(answer.contains("\"code\":\"unauthenticated\""), "{answer}");
}

#[tokio::test]
async fn what_the_router_refuses_is_a_problem_document_too() {
    let server = Server::start();

    for path in ["/", "/internal/edges", "/v2/tasks", "/internal/edges/tasks/T1", "/v1/tasks/"] {
        server.operator.get(path).await.problem(404, "no_such_route");
    }
    for (method, path, allow) in [
        (Method::GET, "/internal/edges/register", "POST"),
        (Method::DELETE, "/internal/edges/tasks/T1/results", "POST"),
        (Method::PUT, "/v1/tasks", "GET, POST"),
        (Method::POST, "/v1/events", "GET"),
        (Method::POST, "/healthz", "GET"),
    ] {
        let answer = Answer::to(server.operator.request(method, path)).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.headers["allow"].to_str().unwrap(), allow, "{path}");
    }
    let compressed = server.operator.request(Method::POST, "/v1/tasks").json(&Value::Null);
    let answer = Answer::to(compressed.header("content-encoding", "gzip")).await;
    answer.problem(415, "not_json");
}
