//! A gateway without a server: a fresh ledger for each session, two edges let in, three tasks.
use std::{cell::RefCell, fs, sync::LazyLock};

use actix_web::{
    body::{MessageBody, to_bytes},
    dev::{Service, ServiceResponse},
    http::{
        Method,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    rt::{System, SystemRunner},
    test::{TestRequest, init_service},
    web::Data,
};
use edge_ledger_core::{Ledger, Thresholds};
use edge_ledger_engine::{Engine, MemoryJournal, Options, Stop, replay};
use edge_ledger_http::{Gateway, Keys, Limits, application, operator_token_path};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::request::{Known, Request, Who};

/// What the gateway said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: String,
}

thread_local! {
    static SYSTEM: RefCell<SystemRunner> = RefCell::new(System::new());
}

/// The operator's token and the key of all secrets, the same for every session.
static KEYS: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

/// Has a session, and looks at each answer with the secrets that were given out by then.
pub(super) fn converse(requests: &[Request], check: impl Fn(&Request, &Answer, &[String])) {
    SYSTEM.with_borrow(|system| {
        system.block_on(async {
            let engine = Engine::start(MemoryJournal::default(), Options::default());
            let engine = engine.expect("a fresh ledger opens");
            let handle = engine.handle();
            let keys = Keys::open_or_create(KEYS.path()).expect("there are keys");
            let gateway =
                Gateway::new(handle.clone(), keys, Limits::default(), Thresholds::default());
            let app = init_service(application(Data::new(gateway))).await;
            let send = async |request: TestRequest| {
                let answer = app.call(request.to_request()).await;
                heard(answer.expect("refusals are answers, too")).await
            };

            let mut session = Session::begin(&send).await;
            for request in requests {
                let answer = session.ask(&send, request).await;
                check(request, &answer, &session.secrets);
            }

            let served = handle.view(|ledger: &Ledger, _| ledger.clone()).await;
            let served = served.expect("the ledger is still served");
            let folded = replay(handle.reader()).expect("the log folds");
            assert_eq!(folded, served, "the log has everything that happened");
            assert_eq!(engine.close(), Stop::Closed, "nothing stopped the writer");
        });
    });
}

async fn heard(response: ServiceResponse<impl MessageBody>) -> Answer {
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let content_type = content_type.to_owned();
    let Ok(body) = to_bytes(response.into_body()).await else {
        panic!("an answer comes to its end")
    };
    Answer { status, content_type, body: String::from_utf8_lossy(&body).into_owned() }
}

/// What was said so far that later requests may need.
struct Session {
    operator: String,
    token: Given,
    edges: Vec<Edge>,
    /// Secrets that no refusal may repeat.
    secrets: Vec<String>,
}

/// An id and its secret.
struct Given {
    id: String,
    secret: String,
}

struct Edge {
    given: Given,
    /// The fence of the lease that it was given last.
    fence: String,
}

impl Session {
    /// Lets two edges in, and adds three tasks.
    async fn begin(send: &impl AsyncFn(TestRequest) -> Answer) -> Self {
        let operator = fs::read_to_string(operator_token_path(KEYS.path())).expect("there is one");
        let operator = operator.trim().to_owned();
        let post = async |path: &str, secret: &str, body: Value| -> Value {
            let request = TestRequest::with_uri(path).method(Method::POST).set_json(body);
            let answer = send(bearing(request, secret)).await;
            assert_eq!(answer.status, 201, "{path}: {}", answer.body);
            serde_json::from_str(&answer.body).expect("answers are JSON")
        };
        let made = post("/v1/tokens", &operator, json!({ "name": "site", "maxUses": 100 })).await;
        let token = Given { id: text(&made["details"]["id"]), secret: text(&made["token"]) };
        let mut edges = Vec::new();
        for nth in 0..2 {
            let device = json!({ "deviceNumber": format!("DEV-{nth}"), "displayName": "an edge" });
            let made = post("/internal/edges/register", &token.secret, device).await;
            let (id, secret) = (text(&made["workerId"]), text(&made["credential"]));
            edges.push(Edge { given: Given { id, secret }, fence: "1".to_owned() });
        }
        for task in ["T0", "T1", "T2"] {
            post("/v1/tasks", &operator, json!({ "id": task, "payload": { "n": 1 } })).await;
        }
        let secrets = [&operator, &token.secret].into_iter().cloned();
        let secrets = secrets.chain(edges.iter().map(|edge| edge.given.secret.clone())).collect();
        Self { operator, token, edges, secrets }
    }

    async fn ask(
        &mut self,
        send: &impl AsyncFn(TestRequest) -> Answer,
        request: &Request,
    ) -> Answer {
        let nth = usize::from(match request.who {
            Who::Edge(second) => second,
            Who::Operator | Who::Token | Who::Stranger | Who::Nobody => request.about_second(),
        });
        let edge = &self.edges[nth];
        let known = Known { edge: &edge.given.id, token: &self.token.id, fence: &edge.fence };
        let method = request.method().parse().expect("a method");
        let mut asking = TestRequest::with_uri(&request.path(&known)).method(method);
        if let Some(body) = request.body(&known) {
            asking = asking.insert_header((CONTENT_TYPE, "application/json")).set_payload(body);
        }
        if let Some(key) = request.key {
            asking = asking.insert_header(("idempotency-key", format!("key-{}", key % 4)));
        }
        asking = match request.who {
            Who::Operator => bearing(asking, &self.operator),
            Who::Edge(_) => bearing(asking, &edge.given.secret),
            Who::Token => bearing(asking, &self.token.secret),
            Who::Stranger => bearing(asking, "el_c_nobody_knows_it"),
            Who::Nobody => asking,
        };
        let answer = send(asking).await;
        self.learn(nth, &answer);
        answer
    }

    /// Takes what an answer gives out: leases, and secrets.
    fn learn(&mut self, nth: usize, answer: &Answer) {
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        if let fence @ (Value::Number(_) | Value::String(_)) = &said["task"]["leaseToken"] {
            self.edges[nth].fence = fence.to_string();
        }
        for secret in [&said["credential"], &said["token"]] {
            self.secrets.extend(secret.as_str().map(str::to_owned));
        }
    }
}

fn bearing(request: TestRequest, secret: &str) -> TestRequest {
    request.insert_header((AUTHORIZATION, format!("Bearer {secret}")))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
