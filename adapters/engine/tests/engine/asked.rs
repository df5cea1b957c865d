//! Commands and questions, asked one after the other by one thread, and what they are told.
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use edge_ledger_core::{
    Cause, Command, Digest, Idempotency, JournalReader, Labels, Position, Principal, TaskId,
    Timestamp, TokenId, enrollment, lifecycle,
    task::{Payload, Spec, Submission, Terms},
};
use edge_ledger_engine::{ExecuteError, Handle, mint};
use serde_json::value::RawValue;

use crate::gate::SOON;

/// What was asked, and has been or will be told.
pub(crate) struct Asked<T> {
    future: Pin<Box<dyn Future<Output = Result<T, ExecuteError>>>>,
    told: Option<Result<T, ExecuteError>>,
    waker: Waker,
    decided: Receiver<()>,
}

/// In which order those who asked were told, by the names they asked under.
pub(crate) type Order = Arc<Mutex<Vec<&'static str>>>;

struct Note {
    name: &'static str,
    order: Order,
}

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.order.lock().expect("nobody panics").push(self.name);
    }
}

impl<T: 'static> Asked<T> {
    fn new(
        future: impl Future<Output = Result<T, ExecuteError>> + 'static,
        waker: Waker,
        decided: Receiver<()>,
    ) -> Self {
        let mut asked = Self { future: Box::pin(future), told: None, waker, decided };
        asked.poll();
        asked
    }

    /// Returns whether it has not been told yet, and is not in a moment.
    pub(crate) fn waits(&mut self) -> bool {
        thread::sleep(Duration::from_millis(20));
        self.poll();
        self.told.is_none()
    }

    /// Waits until the command has been decided and applied in memory.
    pub(crate) fn decided(self) -> Self {
        self.decided.recv_timeout(SOON).expect("it is decided");
        self
    }

    /// Waits until it is told.
    pub(crate) fn outcome(mut self) -> Result<T, ExecuteError> {
        let until = Instant::now() + SOON;
        loop {
            self.poll();
            if let Some(told) = self.told {
                return told;
            }
            assert!(Instant::now() < until, "it is not told");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn poll(&mut self) {
        if self.told.is_none() {
            let polled = self.future.as_mut().poll(&mut Context::from_waker(&self.waker));
            if let Poll::Ready(told) = polled {
                self.told = Some(told);
            }
        }
    }
}

/// Asks for a command. It has entered the queue when this returns.
pub(crate) fn ask<R: JournalReader>(handle: &Handle<R>, command: Command) -> Asked<Answer> {
    ask_with(handle, cause(None), command, Waker::noop().clone())
}

/// Asks for a command under a key.
pub(crate) fn ask_under<R: JournalReader>(
    handle: &Handle<R>,
    key: &str,
    command: Command,
) -> Asked<Answer> {
    let (key, body) = (Digest::of(key.as_bytes()), Digest::of(b"body"));
    ask_with(handle, cause(Some(Idempotency { key, body })), command, Waker::noop().clone())
}

/// Asks for a command, and notes when it is told.
pub(crate) fn ask_as<R: JournalReader>(
    handle: &Handle<R>,
    name: &'static str,
    order: &Order,
    command: Command,
) -> Asked<Answer> {
    let note = Note { name, order: Arc::clone(order) };
    ask_with(handle, cause(None), command, Waker::from(Arc::new(note)))
}

/// Asks for a command, and panics as the answer is made.
pub(crate) fn ask_to_panic<R: JournalReader>(handle: &Handle<R>) -> Asked<()> {
    let handle = handle.clone();
    let future =
        async move { handle.execute(cause(None), tick(), |_| panic!("as the test wants")).await };
    Asked::new(future, Waker::noop().clone(), channel().1)
}

/// Where a command left the ledger, and the head of the commit that it is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) head: Position,
    pub(crate) commit: Option<Position>,
}

fn ask_with<R: JournalReader>(
    handle: &Handle<R>,
    cause: Cause,
    command: Command,
    waker: Waker,
) -> Asked<Answer> {
    let (decide, decided) = channel();
    let handle = handle.clone();
    let future = async move {
        let show = handle.execute(cause, command, move |receipt| {
            let _ = decide.send(()); // nobody may wait for it
            let commit = receipt.commit.map(edge_ledger_core::Commit::head);
            Answer { head: receipt.ledger.head(), commit }
        });
        show.await
    };
    Asked::new(future, waker, decided)
}

/// Asks for the head of the ledger.
pub(crate) fn ask_head<R: JournalReader>(handle: &Handle<R>) -> Asked<Position> {
    let handle = handle.clone();
    let future = async move { handle.view(|ledger, _| ledger.head()).await };
    Asked::new(future, Waker::noop().clone(), channel().1)
}

/// Makes one event happen.
pub(crate) const fn tick() -> Command {
    Command::Ledger(lifecycle::Command::Tick)
}

/// Makes one event happen, unless there is such a task of another name: then it is refused.
pub(crate) fn submit(id: &str, name: &str) -> Command {
    let payload = Payload::new(RawValue::from_string("{}".to_owned()).expect("JSON"));
    let spec = Spec { name: name.into(), payload, dedupe_key: None, terms: Terms::default() };
    let id = TaskId::new(id).expect("a task id");
    Command::Submit(vec![Submission { id, spec: Box::new(spec), archived: None }])
}

/// Makes one event happen, once.
pub(crate) fn create_token() -> Command {
    let grant = enrollment::Grant {
        name: "rack".into(),
        secret: Digest::of(b"secret"),
        max_uses: 1,
        expires_at: Timestamp::from_millis(i64::MAX),
        device_number: None,
        labels: Labels::default(),
    };
    let id: TokenId = "00000000-0000-7000-8000-000000000001".parse().expect("a UUID");
    Command::Token(id, enrollment::Command::Create(Box::new(grant)))
}

fn cause(idempotency: Option<Idempotency>) -> Cause {
    Cause { command: mint::command_id(), principal: Principal::System, idempotency }
}
