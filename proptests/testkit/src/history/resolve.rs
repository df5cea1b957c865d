//! What a step means where the history stands.
use edge_ledger_core::{
    Cause, Command, Commit, CredentialId, Digest, EdgeId, Event, Idempotency, Labels, Position,
    Principal, TaskId, Timestamp, TokenId,
    edge::{self, Identity, Registration},
    enrollment::{self, Grant},
    lifecycle::{self, Epoch},
    plan,
    task::{
        self, Completion, Fence, HolderCommand, OperatorCommand, Payload, Poll, Progress, Row,
        Spec, State, Submission, SystemCommand, Task, Terms,
    },
    time::Millis,
};
use proptest::sample::Index;
use uuid::Uuid;

use super::{History, Request};
use crate::action::{Action, Aim, By, EdgeWish, Holding, Shown, Step, TaskWish, Twist, Word, Work};

impl History {
    /// Returns how long a step lets pass before anything else.
    pub(super) fn passing(&self, action: &Action) -> Option<Millis> {
        if let Action::Wait(span) = action {
            return Some(*span);
        }
        let Action::WaitForDue(offset) = action else { return None };
        let due = self.ledger().next_due()?.as_millis() + offset;
        u64::try_from(due - self.now.as_millis()).ok().map(Millis)
    }

    /// Returns what a step does to the ledger's being open: whether it closes, for how long, and
    /// in which epoch it opens again.
    pub(super) fn outage(&self, action: &Action) -> Option<(bool, Millis, Epoch)> {
        let Action::Outage { closes, lasts, restored } = action else { return None };
        let Epoch(present) = self.ledger().epoch();
        Some((*closes, *lasts, Epoch(present + u16::from(*restored))))
    }

    /// Lists what a history begins with.
    pub(super) fn beginnings(&mut self) -> Vec<Request> {
        let token = TokenId::from_uuid(self.mint());
        self.tokens.push(token);
        let grant = grant(100, self.now.after(Millis(10_000_000)), None, Labels::default());
        let create = enrollment::Command::Create(Box::new(grant));
        let create = self.asked(Command::Token(token, create), Principal::System);
        let registrations = [0, 1].map(|device| self.registration(device_number(device), None));
        let registrations =
            registrations.map(|command| self.asked(command, Principal::Enrollee { token }));
        [create].into_iter().chain(registrations).collect()
    }

    /// Returns the request that a step makes, if it makes one here.
    pub(super) fn request(&mut self, step: &Step) -> Option<Request> {
        if let Action::Again(at) = &step.action {
            return self.again(at);
        }
        let (command, sender) = self.command(&step.action)?;
        let principal = step.twist.as_ref().and_then(|twist| self.twisted(twist, &sender));
        let mut request = self.asked(command, principal.unwrap_or(sender));
        let of_ledger = matches!(request.command, Command::Ledger(_));
        if let Some(key) = step.key.filter(|_| !of_ledger) {
            request.cause.idempotency = Some(idempotency(key, &request));
            self.requests.push(request.clone());
        }
        Some(request)
    }

    /// Returns an earlier request, word for word; only what an adapter mints is new.
    fn again(&mut self, at: &Index) -> Option<Request> {
        let Request { command, cause } = pick(at, &self.requests)?.clone();
        let command = match command {
            Command::Register(registration) => Command::Register(Box::new(Registration {
                edge: EdgeId::from_uuid(self.mint()),
                credential: CredentialId::from_uuid(self.mint()),
                ..*registration
            })),
            Command::Token(_, enrollment::Command::Create(grant)) => {
                let token = TokenId::from_uuid(self.mint());
                self.tokens.push(token);
                Command::Token(token, enrollment::Command::Create(grant))
            }
            Command::Edge(id, edge::Command::RotateCredential { secret, overlap, .. }) => {
                let credential = CredentialId::from_uuid(self.mint());
                Command::Edge(id, edge::Command::RotateCredential { credential, secret, overlap })
            }
            Command::Ledger(_)
            | Command::Token(..)
            | Command::Edge(..)
            | Command::Report(_)
            | Command::Poll(_)
            | Command::Submit(_)
            | Command::Task(..) => command,
        };
        Some(Request { command, cause: Cause { command: self.book.next_command(), ..cause } })
    }

    fn command(&mut self, action: &Action) -> Option<(Command, Principal)> {
        let operator = Principal::Operator { name: "ada".into() };
        Some(match action {
            Action::Wait(_) | Action::WaitForDue(_) | Action::Outage { .. } | Action::Again(_) => {
                return None;
            }
            Action::Tick => (Command::Ledger(lifecycle::Command::Tick), Principal::System),
            Action::Open { epochs_ago } => {
                let Epoch(present) = self.ledger().epoch();
                let epoch = Epoch(present.saturating_sub(*epochs_ago));
                (Command::Ledger(lifecycle::Command::Open { epoch }), Principal::System)
            }
            Action::CreateToken { id, uses, lasts, device, labels } => {
                let known = id.and_then(|at| pick(&at, &self.tokens).copied());
                let token = known.unwrap_or_else(|| TokenId::from_uuid(self.mint()));
                self.tokens.push(token);
                let grant = grant(*uses, self.now.after(*lasts), *device, labels.clone());
                (Command::Token(token, enrollment::Command::Create(Box::new(grant))), operator)
            }
            Action::RevokeToken(at) => {
                let nothing = TokenId::from_uuid(Uuid::nil());
                let tokens = [self.tokens.as_slice(), &[nothing]].concat();
                (Command::Token(*at.get(&tokens), enrollment::Command::Revoke), operator)
            }
            Action::Archive(aims) => {
                let tasks = aims.iter().filter_map(|aim| self.task_to_archive(aim)).collect();
                let command = lifecycle::Command::ArchiveTasks { tasks };
                (Command::Ledger(command), Principal::System)
            }
            Action::ArchiveFinished(keep) => {
                (plan::archive_finished(self.ledger(), self.now, *keep)?, Principal::System)
            }
            Action::Register { token, device, id } => {
                let token = *pick(token, &self.tokens)?;
                let meant_for = self.ledger().token(token);
                let meant_for = meant_for.and_then(|token| token.grant().device_number.clone());
                let device = device.map(device_number).or(meant_for);
                let id = id.and_then(|at| pick(&at, &self.edges).copied());
                let device = device.unwrap_or_else(|| device_number(0));
                (self.registration(device, id), Principal::Enrollee { token })
            }
            Action::Edge(at, wish) => {
                let edge = self.edge_or_nobody(at);
                (Command::Edge(edge, self.edge_command(edge, wish)), operator)
            }
            Action::Report(at, report) => {
                let edge = *pick(at, &self.edges)?;
                (Command::Report(Box::new(report.clone())), self.newest(edge))
            }
            Action::Poll { edge, holding, capacity } => {
                let edge = *pick(edge, &self.edges)?;
                let poll = Poll { holding: self.holding(edge, holding), capacity: *capacity };
                (Command::Poll(poll), self.newest(edge))
            }
            Action::Submit(works) => {
                let submissions = works.iter().map(|work| self.submission(work)).collect();
                (Command::Submit(submissions), operator)
            }
            Action::Holder { task, by, fence, word } => {
                let (task, edge) = self.task_and_edge(task, by)?;
                let command = task::Command::Holder(self.fence(&task, fence), self.said(word));
                (Command::Task(task, command), self.newest(edge))
            }
            Action::Late { task, by, rows } => {
                let (task, edge) = self.task_and_edge(task, by)?;
                let command = SystemCommand::KeepLateResults { edge, rows: self.rows_of(rows) };
                (Command::Task(task, task::Command::System(command)), Principal::System)
            }
            Action::Task(aim, wish) => {
                let task = self.task_for(aim, wish)?;
                let command = self.task_command(&task, wish);
                (Command::Task(task, task::Command::Operator(command)), operator)
            }
        })
    }

    fn twisted(&self, twist: &Twist, sender: &Principal) -> Option<Principal> {
        match (twist, sender) {
            (Twist::Operator, _) => Some(Principal::Operator { name: "eve".into() }),
            (Twist::System, _) => Some(Principal::System),
            (Twist::Enrollee(at), _) => {
                pick(at, &self.tokens).map(|token| Principal::Enrollee { token: *token })
            }
            (Twist::Edge(at), _) => pick(at, &self.edges).map(|edge| self.newest(*edge)),
            (Twist::Credential(at), Principal::Edge { edge, .. }) => {
                let credential = *pick(at, self.credentials.get(edge)?)?;
                Some(Principal::Edge { edge: *edge, credential })
            }
            (Twist::Credential(_), _) => None,
        }
    }

    fn registration(&mut self, device_number: Box<str>, id: Option<EdgeId>) -> Command {
        Command::Register(Box::new(Registration {
            edge: id.unwrap_or_else(|| EdgeId::from_uuid(self.mint())),
            identity: Identity {
                device_number,
                display_name: "edge".into(),
                platform: None,
                arch: None,
                version: None,
            },
            credential: CredentialId::from_uuid(self.mint()),
            secret: Digest::of(b"secret"),
        }))
    }

    fn edge_command(&mut self, edge: EdgeId, wish: &EdgeWish) -> edge::Command {
        match wish {
            EdgeWish::Disable => edge::Command::Disable { reason: "why not".into() },
            EdgeWish::Enable => edge::Command::Enable,
            EdgeWish::Release => edge::Command::Release,
            EdgeWish::SetLabels(labels) => edge::Command::SetLabels(labels.clone()),
            EdgeWish::SetCapacity(capacity) => edge::Command::SetCapacity(*capacity),
            EdgeWish::Rotate { overlap, taken } => {
                let minted = CredentialId::from_uuid(self.mint());
                let known = self.credentials.get(&edge).map_or(&[][..], Vec::as_slice);
                let taken = taken.and_then(|at| pick(&at, known).copied());
                edge::Command::RotateCredential {
                    credential: taken.unwrap_or(minted),
                    secret: Digest::of(b"secret"),
                    overlap: *overlap,
                }
            }
            EdgeWish::Revoke(at) => edge::Command::RevokeCredentials {
                only: at.and_then(|at| pick(&at, self.credentials.get(&edge)?).copied()),
            },
        }
    }

    fn task_command(&self, id: &TaskId, wish: &TaskWish) -> OperatorCommand {
        match wish {
            TaskWish::Cancel => OperatorCommand::Cancel { reason: "why not".into() },
            TaskWish::Retry => OperatorCommand::Retry,
            TaskWish::Reassign(at) => {
                OperatorCommand::Reassign { to: at.map(|at| self.edge_or_nobody(&at)) }
            }
            TaskWish::Adopt(at) => {
                let late = self.ledger().task(id).map_or(&[][..], |task| task.late_results());
                let never = Position::new(1);
                let kept_at = at.map(|at| pick(&at, late).map_or(never, |late| late.kept_at));
                OperatorCommand::AdoptLateResults { kept_at }
            }
        }
    }

    fn submission(&mut self, work: &Work) -> Submission {
        let known = work.id.and_then(|at| pick(&at, &self.tasks).cloned());
        let id = known.unwrap_or_else(|| {
            let id: TaskId = format!("t{}", self.tasks.len()).parse().expect("an id");
            self.tasks.push(id.clone());
            id
        });
        let spec = Spec {
            name: "work".into(),
            payload: json(u64::from(work.payload)),
            dedupe_key: work.dedupe_key.map(|key| format!("k{key}").into()),
            terms: Terms {
                assigned_to: work.assigned_to.map(|at| self.edge_or_nobody(&at)),
                not_before: work.not_before.map(|span| self.now.after(span)),
                ..work.terms.clone()
            },
        };
        Submission { id, spec: Box::new(spec), archived: None }
    }

    fn holding(&self, edge: EdgeId, holding: &Holding) -> Option<Vec<TaskId>> {
        let mut held: Vec<_> = self.ledger().held_by(edge).map(|(id, _)| id.clone()).collect();
        match holding {
            Holding::Unsaid => None,
            Holding::All => Some(held),
            Holding::AllBut(but, and) => {
                if !held.is_empty() {
                    held.remove(but.index(held.len()));
                }
                held.extend(pick(and, &self.tasks).cloned());
                Some(held)
            }
        }
    }

    fn task_and_edge(&self, task: &Index, by: &By) -> Option<(TaskId, EdgeId)> {
        let tasks = || self.ledger().tasks();
        match by {
            By::Holder => {
                let held = tasks().filter_map(|(id, task)| Some((id, task.lease()?.edge)));
                let held: Vec<_> = held.collect();
                pick(task, &held).map(|(id, edge)| (Clone::clone(*id), *edge))
            }
            By::Past(at) => {
                let lost: Vec<_> = tasks().filter(|(_, task)| !task.lost().is_empty()).collect();
                let (id, task) = pick(task, &lost)?;
                let past: Vec<_> = task.lost().iter().map(|(edge, _)| edge).collect();
                Some((Clone::clone(*id), *pick(at, &past)?))
            }
            By::Any(at) => Some((pick(task, &self.tasks)?.clone(), *pick(at, &self.edges)?)),
        }
    }

    fn task_for(&self, aim: &Aim, wish: &TaskWish) -> Option<TaskId> {
        let fits = |task: &Task| match wish {
            TaskWish::Cancel | TaskWish::Reassign(_) => !is_over(task),
            TaskWish::Retry => is_over(task),
            TaskWish::Adopt(_) => !is_over(task) && !task.late_results().is_empty(),
        };
        match aim {
            Aim::Any(at) => pick(at, &self.tasks).cloned(),
            Aim::Fit(at) => {
                let tasks = self.ledger().tasks().filter(|(_, task)| fits(task));
                let fit: Vec<_> = tasks.map(|(id, _)| id).collect();
                pick(at, &fit).map(|id| Clone::clone(*id))
            }
        }
    }

    fn task_to_archive(&self, aim: &Aim) -> Option<TaskId> {
        match aim {
            Aim::Any(at) => pick(at, &self.tasks).cloned(),
            Aim::Fit(at) => {
                let finished: Vec<_> = self.ledger().finished().map(|(id, _)| id).collect();
                pick(at, &finished).map(|id| Clone::clone(*id))
            }
        }
    }

    /// Picks an edge, or the one that there is not.
    fn edge_or_nobody(&self, at: &Index) -> EdgeId {
        let nobody = EdgeId::from_uuid(Uuid::nil());
        *at.get(&[self.edges.as_slice(), &[nobody]].concat())
    }

    fn fence(&self, id: &TaskId, fence: &Shown) -> Option<Fence> {
        match fence {
            Shown::None => None,
            Shown::Current => Some(self.ledger().task(id)?.lease()?.fence),
            Shown::Any(at) => pick(at, &self.fences).copied(),
            Shown::Wild(raw) => Some(Fence::new(*raw)),
        }
    }

    fn said(&mut self, word: &Word) -> HolderCommand {
        match word {
            Word::Heartbeat(processed) => HolderCommand::Heartbeat(Progress {
                processed: *processed,
                total: 10,
                ..Progress::default()
            }),
            Word::Results(rows) => HolderCommand::StoreResults(self.rows_of(rows)),
            Word::Complete { best, processed } => HolderCommand::Complete(Completion {
                best: best.iter().map(|row| config_id(*row)).collect(),
                processed: *processed,
                total: 10,
            }),
            Word::Fail { retryable } => {
                HolderCommand::Fail { error: "why not".into(), retryable: *retryable }
            }
        }
    }

    /// Every time a row is sent it says something else, so that the first one can be told.
    fn rows_of(&mut self, rows: &[u8]) -> Vec<Row> {
        let row = |at: &u8| {
            self.minted += 1;
            Row {
                config_id: config_id(*at),
                strategy_config: json(0),
                metrics: json(self.minted),
                result_folder: None,
            }
        };
        rows.iter().map(row).collect()
    }

    fn newest(&self, edge: EdgeId) -> Principal {
        let known = self.credentials.get(&edge).and_then(|known| known.last().copied());
        let credential = known.unwrap_or_else(|| CredentialId::from_uuid(Uuid::nil()));
        Principal::Edge { edge, credential }
    }

    fn asked(&self, command: Command, principal: Principal) -> Request {
        Request { command, cause: Cause { principal, ..self.book.own_cause() } }
    }

    fn mint(&mut self) -> Uuid {
        self.minted += 1;
        Uuid::from_u64_pair(7, self.minted)
    }

    /// Notes who and what a commit brought into being.
    pub(super) fn meet(&mut self, commit: &Commit) {
        for event in &commit.events {
            match event {
                Event::Edge { id, what: edge::Event::Registered { .. } } => self.edges.push(*id),
                Event::Edge { id, what: edge::Event::CredentialIssued { credential, .. } } => {
                    self.credentials.entry(*id).or_default().push(*credential);
                }
                Event::Ledger(_)
                | Event::Token { .. }
                | Event::Edge { .. }
                | Event::Task { .. } => {}
            }
        }
    }
}

const fn is_over(task: &Task) -> bool {
    matches!(task.state(), State::Finished { .. })
}

fn pick<'a, T>(at: &Index, from: &'a [T]) -> Option<&'a T> {
    (!from.is_empty()).then(|| at.get(from))
}

fn grant(uses: u32, expires_at: Timestamp, device: Option<u8>, labels: Labels) -> Grant {
    Grant {
        name: "some".into(),
        secret: Digest::of(b"secret"),
        max_uses: uses,
        expires_at,
        device_number: device.map(device_number),
        labels,
    }
}

/// A key's scope is its sender, whatever credential it shows; a body is all that is not minted.
fn idempotency(key: u8, request: &Request) -> Idempotency {
    let sender = match &request.cause.principal {
        Principal::Edge { edge, .. } => format!("{edge:?}"),
        Principal::System | Principal::Operator { .. } | Principal::Enrollee { .. } => {
            format!("{:?}", request.cause.principal)
        }
    };
    let body = match &request.command {
        Command::Register(registration) => format!("{:?}", registration.identity),
        Command::Ledger(_)
        | Command::Token(..)
        | Command::Edge(..)
        | Command::Report(_)
        | Command::Poll(_)
        | Command::Submit(_)
        | Command::Task(..) => format!("{:?}", request.command),
    };
    Idempotency {
        key: Digest::of(format!("{sender} {key}").as_bytes()),
        body: Digest::of(body.as_bytes()),
    }
}

fn device_number(device: u8) -> Box<str> {
    format!("d{device}").into()
}

fn config_id(row: u8) -> Box<str> {
    format!("c{row}").into()
}

fn json(number: u64) -> Payload {
    serde_json::from_str(&number.to_string()).map(Payload::new).expect("a number is JSON")
}
