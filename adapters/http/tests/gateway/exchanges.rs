//! Recorded exchanges, sent to the real server.
//!
//! In an answer, `<name:shape>` stands for what differs from run to run: it is compared by its
//! shape, and from then on has to be the same. In a request, `<name>` is what was found there.
use std::{collections::BTreeMap, fs, path::Path};

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    client::{Answer, Client},
    server::Server,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    claim: String,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    /// What it shows, where that is not plain.
    #[serde(default, rename = "note")]
    _note: Option<String>,
    /// `POST /internal/edges/register`
    request: String,
    /// The secret shown; `operator` is the operator's token.
    #[serde(default)]
    secret: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body as JSON,
    body: Option<Value>,
    /// or as text.
    text: Option<String>,
    answer: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Value,
}

#[test]
fn the_gateway_answers_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/http");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let recording: Recording = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        runtime.block_on(replay(recording));
    }
}

async fn replay(Recording { claim, exchanges }: Recording) {
    let server = Server::start();
    let mut known = Known::default();
    for exchange in exchanges {
        let answer = exchange.send(&server, &known).await;
        let Expected { status, headers, body } = &exchange.answer;
        let at = format!("{claim}: {}", exchange.request);
        assert_eq!(answer.status, *status, "{at}: {}", answer.text);
        assert!(answer.media_type.contains("json"), "{at}: {answer:?}");
        for (name, value) in headers {
            let found = answer.headers.get(name).map(|found| found.to_str().unwrap());
            assert_eq!(found, Some(value.as_str()), "{at}: {name}");
        }
        if let Err(difference) = known.compare(body, &answer.json(), "") {
            panic!("{at}: {difference}\nin {}", answer.text);
        }
    }
}

impl Exchange {
    async fn send(&self, server: &Server, known: &Known) -> Answer {
        let (method, path) = self.request.split_once(' ').unwrap();
        let (method, path) = (method.parse::<Method>().unwrap(), known.fill(path));
        let client = match self.secret.as_str() {
            "operator" => server.operator.clone(),
            secret => Client::new(server.address, &known.fill(secret)),
        };
        let mut request = client.request(method, &path).header("accept", "*/*");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        match (&self.body, &self.text) {
            (Some(body), None) => {
                let body = known.fill(&body.to_string());
                Answer::to(request.header("content-type", "application/json").body(body)).await
            }
            (None, Some(text)) => Answer::to(request.body(known.fill(text))).await,
            (None, None) => Answer::to(request).await,
            (Some(_), Some(_)) => panic!("{}: a body or a text, not both", self.request),
        }
    }
}

/// What differs from run to run, as found in this one.
#[derive(Default)]
struct Known(BTreeMap<String, String>);

impl Known {
    fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.0 {
            // A number stands without the quotes of its placeholder.
            let quoted = format!("\"<{name}>\"");
            if value.parse::<u64>().is_ok() {
                text = text.replace(&quoted, value);
            }
            text = text.replace(&format!("<{name}>"), value);
        }
        text
    }

    fn compare(&mut self, expected: &Value, found: &Value, at: &str) -> Result<(), String> {
        match (expected, found) {
            (Value::String(text), _) if text.starts_with('<') && text.ends_with('>') => {
                self.compare_shape(text.trim_matches(['<', '>']), found, at)
            }
            (Value::Object(expected), Value::Object(found)) => {
                for name in expected.keys().chain(found.keys()) {
                    let at = format!("{at}.{name}");
                    let (expected, found) = (expected.get(name), found.get(name));
                    let missing = || format!("{at}: expected {expected:?}, found {found:?}");
                    let both = expected.zip(found).ok_or_else(missing)?;
                    self.compare(both.0, both.1, &at)?;
                }
                Ok(())
            }
            (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
                let mut pairs = expected.iter().zip(found).enumerate();
                pairs.try_for_each(|(n, (a, b))| self.compare(a, b, &format!("{at}[{n}]")))
            }
            _ if expected == found => Ok(()),
            _ => Err(format!("{at}: expected {expected}, found {found}")),
        }
    }

    fn compare_shape(&mut self, pattern: &str, found: &Value, at: &str) -> Result<(), String> {
        let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        let (name, shape) = pattern.split_once(':').unwrap_or((pattern, "same"));
        let fits = match shape {
            "id" => text.parse::<edge_ledger_core::EdgeId>().is_ok(),
            "time" => text.len() == 24 && text.parse::<edge_ledger_core::Timestamp>().is_ok(),
            "number" => found.is_u64(),
            "text" => found.is_string() && !text.is_empty(),
            "credential" => text.starts_with("wk_live_") && text.len() > 60,
            "token" => text.starts_with("etr_live_") && text.len() > 60,
            "same" => self.0.contains_key(name),
            other => return Err(format!("{at}: there is no shape {other:?}")),
        };
        let before = self.0.insert(name.to_owned(), text.clone());
        match before {
            _ if !fits => Err(format!("{at}: expected {pattern}, found {text}")),
            Some(before) if !name.is_empty() && before != text => {
                Err(format!("{at}: expected {before}, as before, found {text}"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
