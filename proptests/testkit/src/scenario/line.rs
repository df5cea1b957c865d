//! Lines as commands: who asks, and what an operator or the ledger's own process may ask.
use edge_ledger_core::{
    Command, Digest, EdgeId, Idempotency, Ledger, Millis, Position, Principal, TaskId, Timestamp,
    edge, enrollment,
    lifecycle::{self, Epoch},
    task::{self, Backoff, OperatorCommand, Spec, Submission, SystemCommand, Terms},
};

use super::{
    names::Names,
    report, values,
    views::View,
    words::{Fault, Words},
};

/// What a line says.
pub(super) enum Line {
    /// A comment, or nothing at all.
    Nothing,
    /// It is this time now.
    At(Timestamp),
    /// Execute what is due.
    Due,
    /// Execute what the planner of archives proposes, keeping finished tasks for so long.
    Archive(Millis),
    /// Execute a command.
    Ask(Ask),
    /// Show something.
    See(View),
}

/// A command with its sender.
pub(super) struct Ask {
    pub(super) command: Command,
    pub(super) principal: Principal,
    pub(super) idempotency: Option<Idempotency>,
}

pub(super) fn read(line: &str, names: &mut Names, ledger: &Ledger) -> Result<Line, Fault> {
    let mut words = Words::of(line)?;
    if words.is_empty() {
        return Ok(Line::Nothing);
    }
    let key = words.option("key");
    let shown = words.option("under");
    let sender = words.option("as");
    let subject = words.next("a subject")?;
    let body = words.text();
    let (command, principal) = match subject.as_str() {
        "at" => return Ok(Line::At(values::time(&words.next("a time")?)?)),
        "due" => return Ok(Line::Due),
        "archive" => {
            let keep = option(&mut words, "keep", values::span)?.ok_or("keep for how long?")?;
            return Ok(Line::Archive(keep));
        }
        "archived" => return Ok(Line::See(View::Archived)),
        "liveness" => return Ok(Line::See(View::Liveness)),
        "why" => return Ok(Line::See(View::Why(task_id(&mut words)?))),
        "ledger" => (of_ledger(&mut words, ledger)?, Principal::System),
        "token" => (of_token(&mut words, names)?, operator()),
        "submit" => (submit(&mut words, names)?, operator()),
        "edge" => {
            let name = words.next("an edge")?;
            if words.is_empty() {
                return Ok(Line::See(View::Edge(names.edge(&name))));
            }
            (of_edge(&name, &mut words, names)?, operator())
        }
        "task" => {
            let id = task_id(&mut words)?;
            if words.is_empty() {
                return Ok(Line::See(View::Task(id)));
            }
            of_task(id, &mut words, names)?
        }
        edge => {
            let shown = shown.unwrap_or_else(|| names.newest_credential(edge));
            let (command, by) = report::read(edge, &mut words, names, ledger)?;
            let asking =
                Principal::Edge { edge: names.edge(edge), credential: names.credential(&shown) };
            (command, by.unwrap_or(asking))
        }
    };
    words.end()?;
    let principal = match sender {
        None => principal,
        Some(sender) => principal_of(&sender, names)?,
    };
    let idempotency = key.map(|key| Idempotency {
        key: Digest::of(format!("{} {key}", scope(&principal)).as_bytes()),
        body: Digest::of(body.as_bytes()),
    });
    Ok(Line::Ask(Ask { command, principal, idempotency }))
}

fn principal_of(sender: &str, names: &mut Names) -> Result<Principal, Fault> {
    match sender.split_once(':') {
        None if sender == "operator" => Ok(operator()),
        None if sender == "ledger" => Ok(Principal::System),
        Some(("token", name)) => Ok(Principal::Enrollee { token: names.token(name) }),
        Some(("edge", name)) => {
            let credential = names.newest_credential(name);
            let credential = names.credential(&credential);
            Ok(Principal::Edge { edge: names.edge(name), credential })
        }
        _ => Err(format!("{sender:?} is nobody who asks")),
    }
}

fn operator() -> Principal {
    Principal::Operator { name: "ada".into() }
}

/// An adapter's scope of a key has no credential in it: a rotation must not make a request new.
fn scope(principal: &Principal) -> String {
    match principal {
        Principal::System => "system".to_owned(),
        Principal::Operator { name } => format!("operator {name}"),
        Principal::Enrollee { token } => format!("enrollee {token}"),
        Principal::Edge { edge, .. } => format!("edge {edge}"),
    }
}

fn of_ledger(words: &mut Words, ledger: &Ledger) -> Result<Command, Fault> {
    let Epoch(present) = ledger.epoch();
    let epoch = words.option("epoch").map(|text| values::number(&text)).transpose()?;
    let command = match words.next("what of the ledger")?.as_str() {
        "open" => lifecycle::Command::Open { epoch: Epoch(epoch.unwrap_or(present)) },
        "restore" => lifecycle::Command::Open { epoch: Epoch(present + 1) },
        "tick" => lifecycle::Command::Tick,
        "close" => lifecycle::Command::Close,
        "archive" => {
            let tasks = words.rest().map(|text| TaskId::new(&text)).collect::<Result<_, _>>();
            lifecycle::Command::ArchiveTasks { tasks: tasks.map_err(|fault| fault.to_string())? }
        }
        verb => return Err(format!("no ledger can {verb:?}")),
    };
    Ok(Command::Ledger(command))
}

fn of_token(words: &mut Words, names: &mut Names) -> Result<Command, Fault> {
    let name = words.next("a token")?;
    let command = match words.next("what of the token")?.as_str() {
        "create" => enrollment::Command::Create(Box::new(enrollment::Grant {
            name: name.as_str().into(),
            secret: Digest::of(name.as_bytes()),
            max_uses: option(words, "uses", values::number)?.unwrap_or(1),
            expires_at: option(words, "until", values::time)?
                .unwrap_or(Timestamp::EPOCH.after(Millis::from_secs(7 * 24 * 60 * 60))),
            device_number: words.option("device").map(Into::into),
            labels: option(words, "labels", values::labels)?.unwrap_or_default(),
        })),
        "revoke" => enrollment::Command::Revoke,
        verb => return Err(format!("no token can {verb:?}")),
    };
    Ok(Command::Token(names.token(&name), command))
}

fn of_edge(name: &str, words: &mut Words, names: &mut Names) -> Result<Command, Fault> {
    let command = match words.next("what of the edge")?.as_str() {
        "disable" => edge::Command::Disable { reason: words.next("a reason")?.into() },
        "enable" => edge::Command::Enable,
        "release" => edge::Command::Release,
        "labels" => edge::Command::SetLabels(values::labels(&words.next("labels")?)?),
        "capacity" => edge::Command::SetCapacity(values::number(&words.next("a number")?)?),
        "rotate" => {
            let credential = names.next_credential(name);
            edge::Command::RotateCredential {
                credential: names.credential(&credential),
                secret: Digest::of(credential.as_bytes()),
                overlap: option(words, "overlap", values::span)?.unwrap_or_default(),
            }
        }
        "revoke" => {
            let only = words.rest().next().map(|credential| names.credential(&credential));
            edge::Command::RevokeCredentials { only }
        }
        verb => return Err(format!("no edge can be asked to {verb:?}")),
    };
    Ok(Command::Edge(names.edge(name), command))
}

fn submit(words: &mut Words, names: &mut Names) -> Result<Command, Fault> {
    let mut submissions = Vec::new();
    while !words.is_empty() {
        let mut words = words.clause();
        submissions.push(submission(&mut words, names)?);
        words.end()?;
    }
    Ok(Command::Submit(submissions))
}

fn submission(words: &mut Words, names: &mut Names) -> Result<Submission, Fault> {
    let id = task_id(words)?;
    let standard = Terms::default();
    let backoff = option(words, "backoff", |text| {
        let (base, max) = text.split_once("..").unwrap_or((text, text));
        Ok(Backoff { base: values::span(base)?, max: values::span(max)? })
    })?;
    let terms = Terms {
        priority: option(words, "priority", values::number)?.unwrap_or(standard.priority),
        assigned_to: words.option("to").map(|name| names.edge(&name)),
        requires: option(words, "requires", values::labels)?.unwrap_or_default(),
        not_before: option(words, "not_before", values::time)?,
        lease_time: option(words, "lease", values::span)?.unwrap_or(standard.lease_time),
        max_attempts: option(words, "attempts", values::number)?.unwrap_or(standard.max_attempts),
        run_time: option(words, "within", values::span)?,
        backoff: backoff.unwrap_or(standard.backoff),
    };
    let spec = Spec {
        name: words.option("name").unwrap_or_else(|| "work".to_owned()).into(),
        payload: values::payload(&words.option("payload").unwrap_or_else(|| "{}".to_owned()))?,
        dedupe_key: words.option("dedupe").map(Into::into),
        terms,
    };
    Ok(Submission { id, spec: Box::new(spec), archived: None })
}

fn of_task(
    id: TaskId,
    words: &mut Words,
    names: &mut Names,
) -> Result<(Command, Principal), Fault> {
    let command = match words.next("what of the task")?.as_str() {
        "late" => {
            let edge = names.edge(&words.next("an edge")?);
            let rows = words.rest().map(|text| values::row(&text)).collect::<Result<_, _>>()?;
            let command = task::Command::System(SystemCommand::KeepLateResults { edge, rows });
            return Ok((Command::Task(id, command), Principal::System));
        }
        "cancel" => OperatorCommand::Cancel { reason: words.next("a reason")?.into() },
        "retry" => OperatorCommand::Retry,
        "reassign" => OperatorCommand::Reassign { to: edge_or_any(words, names)? },
        "adopt" => OperatorCommand::AdoptLateResults {
            kept_at: words
                .rest()
                .next()
                .map(|text| values::number(&text).map(Position::new))
                .transpose()?,
        },
        verb => return Err(format!("no task can be asked to {verb:?}")),
    };
    Ok((Command::Task(id, task::Command::Operator(command)), operator()))
}

fn edge_or_any(words: &mut Words, names: &mut Names) -> Result<Option<EdgeId>, Fault> {
    let name = words.next("an edge, or any")?;
    Ok((name != "any").then(|| names.edge(&name)))
}

pub(super) fn task_id(words: &mut Words) -> Result<TaskId, Fault> {
    let text = words.next("a task")?;
    TaskId::new(&text).map_err(|fault| fault.to_string())
}

pub(super) fn option<T>(
    words: &mut Words,
    name: &str,
    read: impl Fn(&str) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    words.option(name).map(|text| read(&text)).transpose()
}
