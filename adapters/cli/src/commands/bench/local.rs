//! The ledger in this very process: an engine over a fresh journal, without a gateway.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Error, Result};
use edge_ledger_core::{
    Cause, Command, Digest, Event, Labels, Principal, TaskId, Timestamp, TokenId,
    edge::{Identity, Registration},
    enrollment::{self, Grant},
    task::{
        self, Completion, Fence, HolderCommand, Payload, Poll, Progress, Spec, Submission, Terms,
    },
};
use edge_ledger_engine::{Engine, Handle, Options, Receipt, mint};

use super::{
    caller::{Caller, Leased, Target},
    cpu,
};
use crate::{
    exit::{Exit, Failure, chain},
    journal,
    store::{AnyJournalReader, Kind},
};

type Reader = AnyJournalReader;

/// An engine over a fresh journal.
#[derive(Debug)]
pub(super) struct Local {
    engine: Engine<Reader>,
}

/// An edge, and a submitter, with a handle of the engine.
#[derive(Debug)]
pub(super) struct LocalCaller {
    handle: Handle<Reader>,
    edge: Principal,
}

impl Local {
    /// Opens a ledger in a directory for so many callers.
    pub(super) fn open(directory: &Path, store: Kind, callers: usize) -> Result<Self> {
        let journal = journal::open_in(directory, store)?;
        let queue = Options::default().queue.max(2 * callers);
        let engine = Engine::start(journal, Options { queue, ..Options::default() });
        let engine = engine.map_err(|error| Failure::new(Exit::Failure, chain(&error)))?;
        Ok(Self { engine })
    }
}

impl Target for Local {
    type Caller = LocalCaller;

    async fn callers(&mut self, count: usize) -> Result<Vec<LocalCaller>> {
        let handle = self.engine.handle();
        let token = mint::token_id();
        let grant = enrollment::Command::Create(Box::new(grant(count)));
        execute(&handle, operator(), Command::Token(token, grant), |_| ()).await?;
        let mut callers = Vec::new();
        for number in 0..count {
            callers.push(LocalCaller::register(&handle, token, number).await?);
        }
        Ok(callers)
    }

    fn server_cpu(&self) -> Option<Duration> {
        cpu::of_this_process()
    }

    fn describe(&self) -> String {
        "in process".to_owned()
    }
}

impl LocalCaller {
    async fn register(handle: &Handle<Reader>, token: TokenId, number: usize) -> Result<Self> {
        let (edge, credential) = (mint::edge_id(), mint::credential_id());
        let identity = Identity {
            device_number: format!("bench-{number}").into(),
            display_name: format!("bench {number}").into(),
            platform: None,
            arch: None,
            version: None,
        };
        let secret = Digest::of(b"nobody asks for it here");
        let registration = Registration { edge, identity, credential, secret };
        let command = Command::Register(Box::new(registration));
        execute(handle, Principal::Enrollee { token }, command, |_| ()).await?;
        Ok(Self { handle: handle.clone(), edge: Principal::Edge { edge, credential } })
    }

    async fn report(&self, leased: &Leased, report: HolderCommand) -> Result<()> {
        let id = TaskId::new(&leased.id).context("a leased task has an id")?;
        let fence = Some(Fence::new(leased.lease_token));
        let command = Command::Task(id, task::Command::Holder(fence, report));
        execute(&self.handle, self.edge.clone(), command, |_| ()).await
    }
}

impl Caller for LocalCaller {
    async fn submit(&mut self, payloads: &[Payload]) -> Result<()> {
        let submissions = payloads.iter().map(|payload| {
            let (name, payload) = ("bench".into(), payload.clone());
            let spec = Spec { name, payload, dedupe_key: None, terms: Terms::default() };
            Submission { id: mint::task_id(), spec: Box::new(spec), archived: None }
        });
        let command = Command::Submit(submissions.collect());
        execute(&self.handle, operator(), command, |_| ()).await
    }

    async fn lease(&mut self) -> Result<Option<Leased>> {
        let poll = Poll { holding: None, capacity: 1 };
        execute(&self.handle, self.edge.clone(), Command::Poll(poll), leased).await
    }

    async fn start(&mut self, leased: &Leased) -> Result<()> {
        self.report(leased, HolderCommand::Heartbeat(Progress::default())).await
    }

    async fn complete(&mut self, leased: &Leased) -> Result<()> {
        let completion = Completion { best: Box::default(), processed: 0, total: 0 };
        self.report(leased, HolderCommand::Complete(completion)).await
    }
}

async fn execute<T: Send + 'static>(
    handle: &Handle<Reader>,
    principal: Principal,
    command: Command,
    show: impl FnOnce(Receipt<'_>) -> T + Send + 'static,
) -> Result<T> {
    let cause = Cause { command: mint::command_id(), principal, idempotency: None };
    let outcome = handle.execute(cause, command, show).await;
    outcome.map_err(|error| Error::from(Failure::new(Exit::Failure, chain(&error))))
}

fn leased(receipt: Receipt<'_>) -> Option<Leased> {
    receipt.commit?.envelopes().find_map(|envelope| match envelope.event {
        Event::Task { id, what: task::Event::Leased { .. } } => {
            let fence = Fence::of(receipt.ledger.epoch(), envelope.position);
            Some(Leased { id: id.to_string(), lease_token: fence.get() })
        }
        Event::Task { .. } | Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } => None,
    })
}

fn grant(uses: usize) -> Grant {
    Grant {
        name: "bench".into(),
        secret: Digest::of(b"nobody asks for it here"),
        max_uses: u32::try_from(uses).unwrap_or(u32::MAX),
        expires_at: Timestamp::from_millis(i64::MAX),
        device_number: None,
        labels: Labels::default(),
    }
}

fn operator() -> Principal {
    Principal::Operator { name: "bench".into() }
}
