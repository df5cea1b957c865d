//! Measures the engine: tasks leased, worked on and completed, with one command in flight a caller.
//!
//! `cargo run --release -p edge-ledger-proptests --example group -- [seconds] [callers...]`
#![expect(clippy::print_stdout, reason = "its output is what it is for")]
use std::{
    convert::Infallible,
    fs::File,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use edge_ledger_core::{
    AppendError, Cause, Command, Commit, CredentialId, Digest, EdgeId, Event, Journal,
    JournalReader, Labels, Position, Principal, TaskId, Timestamp, TokenId, codec,
    edge::{Identity, Registration},
    enrollment::{self, Grant},
    task::{self, Completion, HolderCommand, Payload, Poll, Progress, Spec, Submission, Terms},
};
use edge_ledger_engine::{Engine, Handle, MemoryJournal, Options, Stop, mint};
use edge_ledger_sled::{SledJournal, SledStore};
use serde_json::value::RawValue;
use uuid::Uuid;

/// How many waiting tasks there are for each second of measuring: more than are leased.
const TASKS: u64 = 250_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(2), |text| text.parse())?;
    let callers = arguments.map(|text| text.parse()).collect::<Result<Vec<u64>, _>>()?;
    let callers = if callers.is_empty() { vec![1, 16, 64, 4_096] } else { callers };
    let directory = tempfile::tempdir()?;
    for callers in callers {
        let name = |kind| directory.path().join(format!("{callers}.{kind}"));
        let nothing = Written { file: None, syncs: Arc::default() };
        measure("nothing", nothing, &Syncs::default(), callers, seconds)?;
        measure("memory", MemoryJournal::default(), &Syncs::default(), callers, seconds)?;
        let syncs = Arc::new(Syncs::default());
        let file = Written { file: Some(File::create(name("log"))?), syncs: Arc::clone(&syncs) };
        measure("file", file, &syncs, callers, seconds)?;
        let sled = SledJournal::open(SledStore::open(name("sled"))?)?;
        measure("sled", sled, &Syncs::default(), callers, seconds)?;
    }
    Ok(())
}

fn measure<J: Journal + Send + 'static>(
    what: &str,
    journal: J,
    syncs: &Syncs,
    callers: u64,
    seconds: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::start(journal, Options::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let handle = engine.handle();
    runtime.block_on(prepare(&handle, callers, seconds));
    syncs.forget();
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let working: Vec<_> = (0..callers)
        .map(|n| {
            let (handle, stop, done) = (handle.clone(), Arc::clone(&stop), Arc::clone(&done));
            runtime.spawn(async move {
                while !stop.load(Relaxed) {
                    work(&handle, n).await;
                    done.fetch_add(3, Relaxed);
                }
            })
        })
        .collect();
    std::thread::sleep(Duration::from_secs(seconds));
    let (done, took) = (done.load(Relaxed) as f64, began.elapsed().as_secs_f64());
    let sync = syncs.mean();
    stop.store(true, Relaxed);
    for caller in working {
        runtime.block_on(caller)?;
    }
    assert_eq!(engine.close(), Stop::Closed);
    let (rate, micros) = (done / took, took * callers as f64 / done * 1e6);
    print!("{callers:>5} callers, {what:<8}{rate:>9.0} commands a second, {micros:>7.0} us each");
    if let Some(sync) = sync {
        let of_bound = rate * sync / callers as f64 * 100.0;
        print!(", {:.0} us a sync: {of_bound:.0} % of the bound", sync * 1e6);
    }
    println!();
    Ok(())
}

async fn prepare<R: JournalReader>(handle: &Handle<R>, callers: u64, seconds: u64) {
    let create = Command::Token(token(), create());
    execute(handle, Principal::System, create).await;
    for n in 0..callers {
        let identity = Identity {
            device_number: format!("device-{n}").into(),
            display_name: format!("edge {n}").into(),
            platform: None,
            arch: None,
            version: None,
        };
        let (edge, credential) = (edge(n), credential(n));
        let registration = Registration { edge, identity, credential, secret: Digest::of(b"") };
        let enrollee = Principal::Enrollee { token: token() };
        execute(handle, enrollee, Command::Register(Box::new(registration))).await;
    }
    let payload = "x".repeat(256);
    for first in (0..TASKS * seconds).step_by(1_000) {
        let task = |n| {
            let payload = format!("{{\"text\":\"{payload}\"}}");
            let payload = Payload::new(RawValue::from_string(payload).expect("JSON"));
            let terms = Terms::default();
            let spec = Spec { name: "task".into(), payload, dedupe_key: None, terms };
            let id = TaskId::from_uuid(Uuid::from_u64_pair(4, n));
            Submission { id, spec: Box::new(spec), archived: None }
        };
        let tasks = (first..first + 1_000).map(task).collect();
        execute(handle, Principal::System, Command::Submit(tasks)).await;
    }
}

/// Leases a task, says that the work goes on, and completes it.
async fn work<R: JournalReader>(handle: &Handle<R>, n: u64) {
    let principal = Principal::Edge { edge: edge(n), credential: credential(n) };
    let poll = Command::Poll(Poll { holding: None, capacity: 1 });
    let leased = execute(handle, principal.clone(), poll).await;
    let id = leased.expect("more tasks wait than are leased");
    let completion = Completion { best: Box::default(), processed: 0, total: 0 };
    for report in
        [HolderCommand::Heartbeat(Progress::default()), HolderCommand::Complete(completion)]
    {
        let command = Command::Task(id.clone(), task::Command::Holder(None, report));
        execute(handle, principal.clone(), command).await;
    }
}

/// Executes a command, and returns the task of its first event.
async fn execute<R: JournalReader>(
    handle: &Handle<R>,
    principal: Principal,
    command: Command,
) -> Option<TaskId> {
    let cause = Cause { command: mint::command_id(), principal, idempotency: None };
    let told = handle.execute(cause, command, |receipt| match receipt.commit?.events.first()? {
        Event::Task { id, .. } => Some(id.clone()),
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } => None,
    });
    told.await.expect("every command is accepted")
}

/// A file that is synced at each append, or nothing at all. Nobody reads it.
struct Written {
    file: Option<File>,
    syncs: Arc<Syncs>,
}

/// How many syncs there were, and how long they took.
#[derive(Default)]
struct Syncs {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Syncs {
    fn add(&self, took: Duration) {
        self.count.fetch_add(1, Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).expect("is short"), Relaxed);
    }

    fn forget(&self) {
        self.count.store(0, Relaxed);
        self.nanos.store(0, Relaxed);
    }

    /// Returns how many seconds one took, if there were any.
    fn mean(&self) -> Option<f64> {
        let (count, nanos) = (self.count.load(Relaxed), self.nanos.load(Relaxed));
        (count > 0).then(|| nanos as f64 / count as f64 / 1e9)
    }
}

#[derive(Clone)]
struct Unread;

impl Journal for Written {
    type Error = Infallible;
    type Reader = Unread;

    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<Infallible>> {
        let block = codec::encode(commits);
        if let Some(file) = &mut self.file {
            file.write_all(&block).expect("writes");
            let began = Instant::now();
            file.sync_data().expect("syncs");
            self.syncs.add(began.elapsed());
        }
        Ok(())
    }

    fn append_max(&self) -> usize {
        usize::MAX
    }

    fn reader(&self) -> Unread {
        Unread
    }
}

impl JournalReader for Unread {
    type Error = Infallible;

    fn read(&self, _: Position) -> impl Iterator<Item = Result<Commit, Infallible>> + Send {
        std::iter::empty()
    }
}

fn create() -> enrollment::Command {
    enrollment::Command::Create(Box::new(Grant {
        name: "measured".into(),
        secret: Digest::of(b"secret"),
        max_uses: u32::MAX,
        expires_at: Timestamp::from_millis(i64::MAX),
        device_number: None,
        labels: Labels::default(),
    }))
}

fn token() -> TokenId {
    TokenId::from_uuid(Uuid::from_u64_pair(1, 0))
}

fn edge(n: u64) -> EdgeId {
    EdgeId::from_uuid(Uuid::from_u64_pair(2, n))
}

fn credential(n: u64) -> CredentialId {
    CredentialId::from_uuid(Uuid::from_u64_pair(3, n))
}
