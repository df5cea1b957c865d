//! The writer answers nothing that is not appended, and nothing after a failed append.
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
    mpsc,
};

use edge_ledger_core::{
    AppendError, Cause, Command, Commit, Digest, Event, Idempotency, Journal, JournalReader,
    Millis, Position, Principal, Rejection, TaskId, Timestamp, enrollment, lifecycle,
    task::{self, Payload, Spec, Submission, TaskStatus, Terms},
};
use edge_ledger_engine::{
    Engine, ExecuteError, MemoryJournal, MemoryReader, Opening, Options, Readiness, Stop, Writer,
    mint, replay,
};
use serde_json::value::RawValue;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A journal that fails at a chosen append, having appended or not.
#[derive(Debug)]
struct FailingJournal {
    inner: MemoryJournal,
    appends: Arc<AtomicUsize>,
    fails_at: usize,
    torn: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("disk is gone")]
struct DiskGone;

#[derive(Clone, Debug)]
struct FailingReader(MemoryReader);

impl Journal for FailingJournal {
    type Error = DiskGone;
    type Reader = FailingReader;

    fn append(&mut self, commits: &[Commit]) -> Result<(), AppendError<DiskGone>> {
        let nth = self.appends.fetch_add(1, Relaxed) + 1;
        if nth != self.fails_at || self.torn {
            self.inner.append(commits).expect("memory takes commits");
        }
        if nth == self.fails_at { Err(AppendError::Fault(DiskGone)) } else { Ok(()) }
    }

    fn append_max(&self) -> usize {
        self.inner.append_max()
    }

    fn reader(&self) -> FailingReader {
        FailingReader(self.inner.reader())
    }
}

impl JournalReader for FailingReader {
    type Error = DiskGone;

    fn read(&self, after: Position) -> impl Iterator<Item = Result<Commit, DiskGone>> + Send {
        self.0.read(after).map(|commit| Ok(commit.expect("memory reads")))
    }
}

fn cause() -> Cause {
    Cause { command: mint::command_id(), principal: Principal::System, idempotency: None }
}

fn submission(id: &str, terms: Terms) -> Command {
    let payload = Payload::new(RawValue::from_string("{}".to_owned()).expect("JSON"));
    let spec = Spec { name: id.into(), payload, dedupe_key: None, terms };
    let id = TaskId::new(id).expect("a task id");
    Command::Submit(vec![Submission { id, spec: Box::new(spec), archived: None }])
}

fn status(writer: &Writer<impl Journal>, id: &str) -> Option<TaskStatus> {
    let id = TaskId::new(id).expect("a task id");
    writer.ledger().task(&id).map(task::Task::status)
}

#[test]
fn after_a_failed_append_nothing_is_executed_or_answered() {
    for torn in [false, true] {
        let appends = Arc::new(AtomicUsize::new(0));
        let inner = MemoryJournal::default();
        let journal =
            FailingJournal { inner: inner.clone(), appends: appends.clone(), fails_at: 3, torn };
        let mut writer = Writer::open(journal, Opening::SameEpoch, |_| START).expect("opens");
        writer.execute(cause(), submission("a", Terms::default()), START, |_| ()).expect("first");

        let lost = writer.execute(cause(), submission("b", Terms::default()), START, |_| ());
        let next = writer.execute(cause(), submission("c", Terms::default()), START, |_| ());

        assert!(matches!(lost, Err(ExecuteError::Unrecorded(_))), "{lost:?}");
        assert!(matches!(next, Err(ExecuteError::Stopped)), "{next:?}");
        assert_eq!(appends.load(Relaxed), 3, "a stopped writer appends nothing");
        assert_eq!(status(&writer, "b"), None, "what may be lost is not shown");
        drop(writer);

        let reopened = Writer::open(inner, Opening::SameEpoch, |_| START).expect("opens again");
        assert_eq!(status(&reopened, "a"), Some(TaskStatus::Await));
        assert_eq!(status(&reopened, "b").is_some(), torn);
    }
}

#[test]
fn a_command_is_appended_before_it_is_answered() {
    let journal = MemoryJournal::default();
    let reader = journal.reader();
    let mut writer = Writer::open(journal, Opening::SameEpoch, |_| START).expect("opens");

    let (head, appended) = writer
        .execute(cause(), submission("a", Terms::default()), START, |receipt| {
            let appended = reader.read(Position::START).map(|commit| commit.expect("reads").head());
            (receipt.ledger.head(), appended.last())
        })
        .expect("accepted");

    assert_eq!(Some(head), appended);
}

#[test]
fn what_is_due_comes_before_a_command_of_the_same_time() {
    let mut writer =
        Writer::open(MemoryJournal::default(), Opening::SameEpoch, |_| START).expect("opens");
    let terms = Terms { run_time: Some(Millis(5_000)), ..Terms::default() };
    writer.execute(cause(), submission("a", terms), START, |_| ()).expect("accepted");

    let cancel = task::Command::Operator(task::OperatorCommand::Cancel { reason: "late".into() });
    let cancel = Command::Task(TaskId::new("a").expect("a task id"), cancel);
    let refused = writer.execute(cause(), cancel, START.after(Millis(5_000)), |_| ());

    assert!(
        matches!(
            refused,
            Err(ExecuteError::Rejected(Rejection::Task(task::Rejection::WrongStatus {
                status: TaskStatus::Failed,
                ..
            })))
        ),
        "{refused:?}"
    );
}

#[test]
fn a_repeated_request_is_answered_from_the_commit_of_the_first() {
    let mut writer =
        Writer::open(MemoryJournal::default(), Opening::SameEpoch, |_| START).expect("opens");
    let asked = Idempotency { key: Digest::of(b"key"), body: Digest::of(b"body") };
    let revoke = || Command::Token(token(), enrollment::Command::Revoke);
    let mut ask = |command: Command, idempotency| {
        writer.execute(Cause { idempotency, ..cause() }, command, START, |receipt| {
            (receipt.commit.map(Commit::head), receipt.ledger.head())
        })
    };
    let (first, _) = ask(create(), Some(asked)).expect("accepted");
    ask(revoke(), None).expect("accepted");

    let (again, head) = ask(create(), Some(asked)).expect("answered");
    let other = Some(Idempotency { body: Digest::of(b"other"), ..asked });

    assert_eq!(first, again);
    assert!(again < Some(head), "nothing was appended");
    assert!(matches!(ask(create(), other), Err(ExecuteError::Rejected(Rejection::Idempotency(_)))));
}

#[test]
fn a_ledger_that_goes_on_from_a_copy_begins_an_epoch() {
    let journal = MemoryJournal::default();
    for (opening, epoch) in
        [(Opening::SameEpoch, 0), (Opening::NewEpoch, 1), (Opening::SameEpoch, 1)]
    {
        let writer = Writer::open(journal.clone(), opening, |_| START).expect("opens");
        assert_eq!(writer.ledger().epoch().0, epoch, "{opening:?}");
    }
}

#[test]
fn a_quiet_ledger_says_that_it_is_open() {
    let journal = MemoryJournal::default();
    let reader = journal.reader();
    let mut writer = Writer::open(journal, Opening::SameEpoch, |_| START).expect("opens");

    writer.advance(START.after(Millis(9_999))).expect("advances");
    assert_eq!(writer.ledger().head(), Position::new(1));
    writer.advance(START.after(Millis(10_000))).expect("advances");
    assert_eq!(writer.ledger().head(), Position::new(2));
    writer.close(START.after(Millis(10_001))).expect("closes");

    let names: Vec<_> = reader
        .read(Position::START)
        .flat_map(|commit| commit.expect("reads").events)
        .map(|event: Event| event.name())
        .collect();
    assert_eq!(names, ["ledger.opened", "ledger.ticked", "ledger.closed"]);
}

#[tokio::test]
async fn a_closed_engine_refuses_and_a_reopened_journal_folds_to_the_same_ledger() {
    let journal = MemoryJournal::default();
    let engine = Engine::start(journal.clone(), Options::default()).expect("starts");
    let handle = engine.handle();
    handle.execute(cause(), create(), |_| ()).await.expect("accepted");
    assert_eq!(engine.close(), Stop::Closed);

    let refused = handle.execute(cause(), create(), |_| ()).await;

    assert!(matches!(refused, Err(ExecuteError::Stopped)), "{refused:?}");
    assert!(matches!(handle.readiness(), Readiness::Stopped(Stop::Closed)));
    let live = handle.view(|ledger, _| ledger.digest()).await.expect("durable");
    assert_eq!(replay(&journal.reader()).expect("folds").digest(), live);
}

#[tokio::test]
async fn an_engine_whose_append_failed_is_not_ready_and_does_not_say_that_it_closed() {
    let (appends, inner) = (Arc::new(AtomicUsize::new(0)), MemoryJournal::default());
    let journal = FailingJournal { inner: inner.clone(), appends, fails_at: 2, torn: false };
    let engine = Engine::start(journal, Options::default()).expect("starts");
    let handle = engine.handle();

    let lost = handle.execute(cause(), create(), |_| ()).await;

    assert!(matches!(lost, Err(ExecuteError::Unrecorded(_))), "{lost:?}");
    let reason = "the journal could not be written: disk is gone".to_owned();
    assert_eq!(handle.readiness(), Readiness::Stopped(Stop::Failed { reason: reason.clone() }));
    assert_eq!(engine.close(), Stop::Failed { reason });
    assert_eq!(replay(&inner.reader()).expect("folds").head(), Position::new(1));
}

#[tokio::test]
async fn a_full_queue_answers_busy_at_once() {
    let options = Options { queue: 1, ..Options::default() };
    let engine = Engine::start(MemoryJournal::default(), options).expect("starts");
    let handle = engine.handle();
    let (release, held) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    let tick = || Command::Ledger(lifecycle::Command::Tick);
    let holding = tokio::spawn({
        let handle = handle.clone();
        async move {
            handle
                .execute(cause(), tick(), move |_| {
                    entered.send(()).expect("the test waits");
                    held.recv().expect("the test releases");
                })
                .await
        }
    });
    tokio::task::spawn_blocking(move || inside.recv()).await.expect("joins").expect("entered");
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.execute(cause(), tick(), |_| ()).await }
    });
    tokio::task::yield_now().await;

    let busy = handle.execute(cause(), tick(), |_| ()).await;

    assert!(matches!(busy, Err(ExecuteError::Busy)), "{busy:?}");
    release.send(()).expect("the writer waits");
    holding.await.expect("joins").expect("accepted");
    waiting.await.expect("joins").expect("accepted");
    assert_eq!(engine.close(), Stop::Closed);
}

#[tokio::test]
async fn time_alone_ends_an_overdue_run() {
    let engine = Engine::start(MemoryJournal::default(), Options::default()).expect("starts");
    let handle = engine.handle();
    let terms = Terms { run_time: Some(Millis(50)), ..Terms::default() };
    handle.execute(cause(), submission("a", terms), |_| ()).await.expect("accepted");

    let id = TaskId::new("a").expect("a task id");
    let failed = async {
        while handle
            .view(|ledger, _| ledger.task(&id).map(task::Task::status))
            .await
            .expect("durable")
            != Some(TaskStatus::Failed)
        {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };

    tokio::time::timeout(std::time::Duration::from_secs(5), failed).await.expect("it fails");
    assert_eq!(engine.close(), Stop::Closed);
}

fn token() -> edge_ledger_core::TokenId {
    "00000000-0000-7000-8000-000000000001".parse().expect("a UUID")
}

fn create() -> Command {
    let grant = enrollment::Grant {
        name: "rack".into(),
        secret: Digest::of(b"secret"),
        max_uses: 1,
        expires_at: Timestamp::from_millis(i64::MAX),
        device_number: None,
        labels: edge_ledger_core::Labels::default(),
    };
    Command::Token(token(), enrollment::Command::Create(Box::new(grant)))
}
