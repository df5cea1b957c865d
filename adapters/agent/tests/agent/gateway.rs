//! A gateway that does as a test says: answers late, wrongly or not at all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use edge_ledger_core::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A question as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The path below `/internal/edges/`.
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) key: Option<String>,
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Is(u16, Value),
    /// The answer is lost: the connection closes instead.
    Lost,
}

impl Reply {
    pub(crate) fn ok(body: Value) -> Self {
        Self::Is(200, body)
    }

    pub(crate) fn problem(status: u16, detail: &str) -> Self {
        Self::Is(status, json!({"status": status, "detail": detail}))
    }
}

/// A gateway on a port of its own, with everything it was ever asked.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// What a gateway answers, given how many questions came to that path before.
type Script = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

impl Gateway {
    pub(crate) async fn start(
        script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let gateway = Self { url: format!("http://{address}"), asked: Arc::default() };
        let script: Arc<Script> = Arc::new(script);
        let asked = Arc::clone(&gateway.asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&asked)));
            }
        });
        gateway
    }

    /// Returns every question so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns every question so far to this path.
    pub(crate) fn asked_at(&self, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.path == path).collect()
    }

    /// Waits until this path has been asked so often.
    pub(crate) async fn until(&self, path: &str, times: usize) {
        let enough = async {
            while self.asked_at(path).len() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), enough).await;
        assert!(waited.is_ok(), "{path} was not asked {times} times, only {:?}", self.asked());
    }
}

/// Returns the ledger's own time, so far ahead.
///
/// The ledger of these tests is hours from any wall clock: only its own word can be trusted.
pub(crate) fn ledger_time(ahead: Duration) -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
    let then = since_epoch + Duration::from_secs(5 * 3600) + ahead;
    let millis = i64::try_from(then.as_millis()).expect("it is before the end of time");
    Timestamp::from_millis(millis).to_string()
}

async fn serve(stream: TcpStream, script: Arc<Script>, log: Arc<Mutex<Vec<Asked>>>) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    while let Some(asked) = hear(&mut read).await {
        let before = {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let before = log.iter().filter(|earlier| earlier.path == asked.path).count();
            log.push(asked.clone());
            before
        };
        let Reply::Is(status, body) = script(&asked, before) else { return };
        let (body, time) = (body.to_string(), ledger_time(Duration::ZERO));
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nledger-time: {time}\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        if write.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn hear(read: &mut BufReader<tokio::net::tcp::OwnedReadHalf>) -> Option<Asked> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        match read.read_line(&mut line).await {
            Ok(1..) if line.trim().is_empty() => break,
            Ok(1..) => head.push(line.trim().to_owned()),
            Ok(0) | Err(_) => return None,
        }
    }
    let header = |name: &str| {
        let lines = head.iter().filter_map(|line| line.split_once(": "));
        let mut named = lines.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.to_owned())
    };
    let length = header("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    read.read_exact(&mut body).await.ok()?;
    let path = head.first()?.split(' ').nth(1)?.strip_prefix("/internal/edges/")?.to_owned();
    Some(Asked {
        path,
        authorization: header("authorization").unwrap_or_default(),
        key: header("idempotency-key"),
        body: serde_json::from_slice(&body).ok()?,
        at: Instant::now(),
    })
}
