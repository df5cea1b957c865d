//! Requests, out of the bytes of a fuzzer.
use arbitrary::Arbitrary;

/// A request. Numbers are taken modulo what there is.
#[derive(Debug, Arbitrary)]
pub(super) struct Request {
    pub(super) who: Who,
    route: u8,
    subject: u8,
    pub(super) key: Option<u8>,
    body: Body,
    query: Option<u8>,
}

/// Whose secret is shown.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(super) enum Who {
    /// The operator's.
    Operator,
    /// That of the first edge or the second.
    Edge(bool),
    /// The enrollment token's.
    Token,
    /// A wrong one.
    Stranger,
    /// None.
    Nobody,
}

#[derive(Debug, Arbitrary)]
enum Body {
    /// As it should be.
    Usual,
    /// With one field otherwise.
    Altered { field: u8, value: u8 },
    /// Whatever.
    Raw(String),
    /// None.
    Missing,
}

/// A way in, and what is usually said there. `{…}` stands for something of the session.
struct Route(&'static str, &'static str, &'static str);

const ROUTES: [Route; 39] = [
    Route(
        "POST",
        "/internal/edges/register",
        r#"{"deviceNumber": "DEV-9", "displayName": "nine"}"#,
    ),
    Route("POST", "/internal/edges/connectivity", CONNECTIVITY),
    Route("POST", "/internal/edges/tasks/next", r#"{"workerId": "{edge}"}"#),
    Route("POST", "/internal/edges/tasks/next", r#"{"workerId": "{edge}", "holding": []}"#),
    Route("POST", "/internal/edges/tasks/{task}/heartbeat", HEARTBEAT),
    Route("POST", "/internal/edges/tasks/{task}/heartbeat", HEARTBEAT),
    Route("POST", "/internal/edges/tasks/{task}/results", RESULTS),
    Route("POST", "/internal/edges/tasks/{task}/results", RESULTS),
    Route("POST", "/internal/edges/tasks/{task}/complete", COMPLETE),
    Route("POST", "/internal/edges/tasks/{task}/fail", FAIL),
    Route("GET", "/v1/tokens", ""),
    Route("POST", "/v1/tokens", r#"{"name": "another", "maxUses": 2}"#),
    Route("GET", "/v1/tokens/{token}", ""),
    Route("POST", "/v1/tokens/{token}/revoke", ""),
    Route("GET", "/v1/edges", ""),
    Route("GET", "/v1/edges/{edge}", ""),
    Route("POST", "/v1/edges/{edge}/disable", r#"{"reason": "why not"}"#),
    Route("POST", "/v1/edges/{edge}/enable", ""),
    Route("POST", "/v1/edges/{edge}/release", ""),
    Route("POST", "/v1/edges/{edge}/rotate", r#"{"overlapSeconds": 60}"#),
    Route("POST", "/v1/edges/{edge}/revoke", ""),
    Route("PUT", "/v1/edges/{edge}/labels", r#"{"labels": {"zone": "a"}}"#),
    Route("PUT", "/v1/edges/{edge}/capacity", r#"{"capacity": 2}"#),
    Route("GET", "/v1/tasks", ""),
    Route("POST", "/v1/tasks", r#"{"id": "{task}", "payload": {"n": 1}}"#),
    Route("POST", "/v1/tasks", r#"{"tasks": [{"payload": 1}, {"payload": 2}]}"#),
    Route("GET", "/v1/tasks/{task}", ""),
    Route("GET", "/v1/tasks/{task}/why", ""),
    Route("GET", "/v1/tasks/{task}/results", ""),
    Route("GET", "/v1/tasks/{task}/late-results", ""),
    Route("POST", "/v1/tasks/{task}/late-results/adopt", ""),
    Route("POST", "/v1/tasks/{task}/cancel", r#"{"reason": "enough"}"#),
    Route("POST", "/v1/tasks/{task}/retry", ""),
    Route("POST", "/v1/tasks/{task}/reassign", r#"{"edgeId": "{edge}"}"#),
    Route("GET", "/v1/events", ""),
    Route("GET", "/v1/ledger", ""),
    Route("GET", "/readyz", ""),
    Route("DELETE", "/v1/tasks/{task}", ""),
    Route("GET", "/no/such/route/{task}", ""),
];

const CONNECTIVITY: &str = r#"{"workerId": "{edge}", "deviceNumber": "DEV-{nth}", "runtimeState": "IDLE",
    "activeTask": false, "uptimeSeconds": 15.3, "lastError": null}"#;
const HEARTBEAT: &str =
    r#"{"workerId": "{edge}", "leaseToken": {fence}, "processed": 1, "total": 4, "progress": 25}"#;
const RESULTS: &str = r#"{"workerId": "{edge}", "leaseToken": {fence}, "results": [
    {"configId": "c1", "params": {"x": 1}, "metrics": {"sharpeRatio": 1.5}},
    {"configId": "c2", "params": {"x": 2}, "metrics": {"sharpeRatio": null}}]}"#;
const COMPLETE: &str =
    r#"{"workerId": "{edge}", "leaseToken": {fence}, "processed": 4, "total": 4, "best": []}"#;
const FAIL: &str =
    r#"{"workerId": "{edge}", "leaseToken": {fence}, "error": "no luck", "retryable": true}"#;

const QUERIES: [&str; 8] = [
    "after=0",
    "limit=1",
    "limit=0",
    "after=x&limit=9",
    "at=3",
    "at=2026-01-01T00:00:00Z",
    "status=WAITING",
    "%ff",
];

/// What nobody expects in a field.
const ODD: [&str; 14] = [
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "9007199254740993",
    "18446744073709551616",
    "0.5",
    r#""""#,
    r#""\u0000""#,
    r#""\ud800""#,
    "[]",
    "{}",
    r#"[[[[[[[[{"a": 1}]]]]]]]]"#,
];

/// What `{…}` stands for.
pub(super) struct Known<'a> {
    pub(super) edge: &'a str,
    pub(super) token: &'a str,
    pub(super) fence: &'a str,
}

impl Request {
    pub(super) fn method(&self) -> &'static str {
        self.route().0
    }

    /// Returns where it goes.
    pub(super) fn path(&self, known: &Known<'_>) -> String {
        let path = self.filled(self.route().1, known);
        match self.query {
            None => path,
            Some(query) => format!("{path}?{}", QUERIES[usize::from(query) % QUERIES.len()]),
        }
    }

    /// Returns what it says.
    pub(super) fn body(&self, known: &Known<'_>) -> Option<String> {
        let usual = || self.filled(self.route().2, known);
        match &self.body {
            Body::Missing => None,
            Body::Raw(text) => Some(text.clone()),
            Body::Usual => Some(usual()).filter(|body| !body.is_empty()),
            Body::Altered { field, value } => {
                let odd = ODD[usize::from(*value) % ODD.len()];
                Some(altered(&usual(), usize::from(*field), odd))
            }
        }
    }

    /// Returns the task that it is about, or would be.
    pub(super) fn task(&self) -> String {
        format!("T{}", self.subject % 4)
    }

    /// Returns whether it is about the second edge, if it is about one.
    pub(super) fn about_second(&self) -> bool {
        self.subject & 4 == 4
    }

    const fn route(&self) -> &'static Route {
        &ROUTES[self.route as usize % ROUTES.len()]
    }

    fn filled(&self, text: &str, known: &Known<'_>) -> String {
        text.replace("{edge}", known.edge)
            .replace("{nth}", if self.about_second() { "1" } else { "0" })
            .replace("{task}", &self.task())
            .replace("{token}", known.token)
            .replace("{fence}", known.fence)
    }
}

/// Replaces the value of a field, wherever it ends, or adds one to what has none.
fn altered(body: &str, field: usize, odd: &str) -> String {
    let colons: Vec<usize> = body.match_indices("\": ").map(|(at, _)| at + 3).collect();
    let Some(&begin) = colons.get(field % colons.len().max(1)) else {
        return format!(r#"{{"field": {odd}}}"#);
    };
    let length = body[begin..].find([',', '}']).unwrap_or(0);
    format!("{}{odd}{}", &body[..begin], &body[begin + length..])
}
