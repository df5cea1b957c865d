//! Requests that were damaged on the way.
use proptest::{prelude::*, sample::Index};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Edge},
    server::Server,
};

/// A request that would be taken, and what happens to it on the way.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte becomes another.
    Byte(Index, u8),
    /// The body ends early.
    Cut(Index),
    /// A value becomes another.
    Value(Index, usize),
    /// A field gets another name.
    Name(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), 0..STRANGE.len()).prop_map(|(at, strange)| Damage::Value(at, strange)),
        any::<Index>().prop_map(Damage::Name),
    ]
}

const STRANGE: [&str; 14] = [
    "null",
    "true",
    "-1",
    "0",
    "5.5",
    "5.0",
    "1e300",
    "1e999",
    "18446744073709551616",
    "\"\"",
    "\"\\u0000\u{feff}é\"",
    "[]",
    "{}",
    "[[[[[[[[{}]]]]]]]]",
];

impl Damage {
    fn to(&self, body: &Value) -> Vec<u8> {
        let mut bytes = body.to_string().into_bytes();
        match self {
            Self::Byte(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
                bytes
            }
            Self::Cut(at) => {
                bytes.truncate(at.index(bytes.len()));
                bytes
            }
            Self::Value(at, strange) => {
                let mut body = body.clone();
                let mut places = 0;
                visit(&mut body, &mut |_| places += 1);
                let (wanted, mut seen) = (at.index(places), 0);
                visit(&mut body, &mut |value| {
                    if seen == wanted {
                        *value = "\u{1}here\u{1}".into();
                    }
                    seen += 1;
                });
                let here = r#""\u0001here\u0001""#;
                body.to_string().replace(here, STRANGE[*strange]).into_bytes()
            }
            Self::Name(at) => {
                let mut body = body.clone();
                let object = body.as_object_mut().unwrap();
                let name = object.keys().nth(at.index(object.len())).unwrap().clone();
                let value = object.remove(&name).unwrap();
                object.insert(format!("{name}s"), value);
                body.to_string().into_bytes()
            }
        }
    }
}

fn visit(value: &mut Value, look: &mut impl FnMut(&mut Value)) {
    look(value);
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| visit(element, look)),
        Value::Object(fields) => fields.values_mut().for_each(|field| visit(field, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every route that takes a body, with one that it would take.
fn requests(edge: &Edge) -> Vec<(Method, String, Value)> {
    let internal = |route: &str, mut body: Value| {
        body["workerId"] = edge.id.clone().into();
        (Method::POST, format!("/internal/edges/{route}"), body)
    };
    let v1 = |route: String, body: Value| (Method::POST, format!("/v1/{route}"), body);
    let rows = json!([{ "configId": "a", "strategyConfig": { "x": 1 }, "metrics": { "y": null } }]);
    let task = json!({
        "name": "a search", "priority": 1, "requires": { "gpu": "yes" }, "leaseSeconds": 30,
        "backoff": { "baseSeconds": 1, "maxSeconds": 2 }, "maxAttempts": 2, "deadlineSeconds": 60,
        "symbol": "SPX", "interval": "1d", "searchStrategy": "grid", "trials": 1, "prices": [1.5],
        "optimizationParams": { "a": [1] }, "optimizationMetrics": ["sharpeRatio"], "seed": 1,
    });
    let edge_route = |verb: &str| format!("/v1/edges/{}/{verb}", edge.id);
    vec![
        (
            Method::POST,
            "/internal/edges/register".to_owned(),
            json!({ "deviceNumber": "DEV-9", "displayName": "an edge", "platform": "linux" }),
        ),
        internal("connectivity", json!({ "deviceNumber": "DEV-1", "runtimeState": "BUSY" })),
        internal("tasks/next", json!({ "holding": ["T1"], "capacity": 1 })),
        internal("tasks/T1/heartbeat", json!({ "processedConfigs": 0, "totalConfigs": 1 })),
        internal("tasks/T1/results", json!({ "results": rows, "leaseToken": 7 })),
        internal(
            "tasks/T1/complete",
            json!({ "bestConfigIds": ["a"], "processedConfigs": 0, "totalConfigs": 1 }),
        ),
        internal("tasks/none/fail", json!({ "error": "it broke", "retryable": false })),
        v1("tokens".to_owned(), json!({ "name": "t", "maxUses": 2, "labels": { "a": "b" } })),
        v1("tasks".to_owned(), task.clone()),
        v1("tasks".to_owned(), json!({ "tasks": [task, { "payload": [1] }] })),
        v1("tasks/T2/cancel".to_owned(), json!({ "reason": "why not" })),
        v1("tasks/T2/reassign".to_owned(), json!({ "to": edge.id })),
        v1("tasks/T2/late-results/adopt".to_owned(), json!({ "keptAt": 3 })),
        (Method::PUT, edge_route("labels"), json!({ "labels": { "a": "b" } })),
        (Method::PUT, edge_route("capacity"), json!({ "capacity": 2 })),
    ]
}

#[test]
fn a_damaged_request_is_taken_or_refused_but_never_breaks_anything() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start();
    let edge = runtime.block_on(async {
        let edge = server.edge("DEV-1").await;
        server.submit("T1").await;
        edge.next().await;
        server.submit("T2").await;
        edge
    });
    let requests = requests(&edge);

    proptest!(|(which in any::<Index>(), damage in damage())| {
        let (method, path, body) = &requests[which.index(requests.len())];
        let operator = path.starts_with("/v1");
        let client = if operator { &server.operator } else { &edge.client };
        let body = damage.to(body);
        let head = server.head();

        let request = client.request(method.clone(), path).header("content-type", "application/json");
        let answer = runtime.block_on(Answer::to(request.body(body)));

        prop_assert!(answer.status < 500, "{answer:?}");
        prop_assert!(answer.media_type.contains("json"), "{answer:?}");
        if answer.status >= 400 {
            let problem = answer.json();
            prop_assert!(!problem["detail"].as_str().unwrap().is_empty());
            server.nothing_happened_since(head);
        }
    });
}
