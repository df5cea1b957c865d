//! Lines that an edge says.
use edge_ledger_core::{
    Command, Digest, Ledger, Principal,
    edge::{Change, Identity, Registration, Report, RuntimeState, UpgradeStatus},
    task::{self, Completion, HolderCommand, Poll, Progress},
};

use super::{
    line::{option, task_id},
    names::Names,
    values,
    words::{Fault, Words},
};

/// Reads what an edge says, and who says it if it is not an edge yet.
pub(super) fn read(
    name: &str,
    words: &mut Words,
    names: &mut Names,
    ledger: &Ledger,
) -> Result<(Command, Option<Principal>), Fault> {
    let verb = words.next("what the edge says")?;
    if verb == "registers" {
        return register(name, words, names, ledger).map(|(command, by)| (command, Some(by)));
    }
    let command = match verb.as_str() {
        "reports" => Command::Report(Box::new(report(words)?)),
        "polls" => Command::Poll(poll(words)?),
        "heartbeats" => holder(words, |words| {
            let (processed, total) = values::progress(&words.next("progress")?)?;
            Ok(HolderCommand::Heartbeat(Progress {
                processed,
                total,
                current_config: words.option("config").map(Into::into),
                trial_progress: words.option("progress").map(Into::into),
            }))
        })?,
        "sends" => holder(words, |words| {
            let rows = words.rest().map(|text| values::row(&text));
            rows.collect::<Result<_, _>>().map(HolderCommand::StoreResults)
        })?,
        "completes" => holder(words, |words| {
            let (processed, total) = values::progress(&words.next("progress")?)?;
            let best = words.option("best").unwrap_or_default();
            let best = best.split(',').filter(|id| !id.is_empty()).map(Into::into).collect();
            Ok(HolderCommand::Complete(Completion { best, processed, total }))
        })?,
        "fails" => holder(words, |words| {
            let retryable = words.flag("retryable");
            Ok(HolderCommand::Fail { error: words.next("an error")?.into(), retryable })
        })?,
        verb => return Err(format!("no edge says {verb:?}")),
    };
    Ok((command, None))
}

fn holder(
    words: &mut Words,
    read: impl Fn(&mut Words) -> Result<HolderCommand, Fault>,
) -> Result<Command, Fault> {
    let id = task_id(words)?;
    let fence = option(words, "fence", values::fence)?;
    Ok(Command::Task(id, task::Command::Holder(fence, read(words)?)))
}

fn register(
    name: &str,
    words: &mut Words,
    names: &mut Names,
    ledger: &Ledger,
) -> Result<(Command, Principal), Fault> {
    let by = words.option("by").ok_or("by which token?")?;
    let device = words.next("a device number")?;
    let identity = Identity {
        device_number: device.into(),
        display_name: words.option("name").unwrap_or_else(|| name.to_owned()).into(),
        platform: words.option("platform").map(Into::into),
        arch: words.option("arch").map(Into::into),
        version: words.option("version").map(Into::into),
    };
    let known = ledger.edge_of_device(&identity.device_number).map(|(known, _)| known);
    let credential = match known.and_then(|known| names.name_of(known)) {
        Some(known) => names.next_credential(&known),
        None => names.next_credential(name),
    };
    let registration = Registration {
        edge: names.edge(name),
        identity,
        credential: names.credential(&credential),
        secret: Digest::of(credential.as_bytes()),
    };
    let principal = Principal::Enrollee { token: names.token(&by) };
    Ok((Command::Register(Box::new(registration)), principal))
}

fn report(words: &mut Words) -> Result<Report, Fault> {
    Ok(Report {
        version: words.option("version").map(Into::into),
        platform: words.option("platform").map(Into::into),
        arch: words.option("arch").map(Into::into),
        install_type: words.option("install").map(Into::into),
        runtime_state: option(words, "state", |text| match text {
            "IDLE" => Ok(RuntimeState::Idle),
            "BUSY" => Ok(RuntimeState::Busy),
            "UPGRADING" => Ok(RuntimeState::Upgrading),
            "ERROR" => Ok(RuntimeState::Error),
            text => Err(format!("{text:?} is no runtime state")),
        })?,
        active_task: change(words.option("task")),
        uptime_seconds: option(words, "uptime", values::number)?,
        last_error: change(words.option("error")),
        upgrade_status: option(words, "upgrade", |text| match text {
            "DOWNLOADING" => Ok(UpgradeStatus::Downloading),
            "VERIFYING" => Ok(UpgradeStatus::Verifying),
            "RESTARTING" => Ok(UpgradeStatus::Restarting),
            "SUCCEEDED" => Ok(UpgradeStatus::Succeeded),
            "FAILED" => Ok(UpgradeStatus::Failed),
            "ROLLED_BACK" => Ok(UpgradeStatus::RolledBack),
            text => Err(format!("{text:?} is no upgrade status")),
        })?,
        upgrade_reason: words.option("reason").map(Into::into),
    })
}

fn change(text: Option<String>) -> Change<Box<str>> {
    match text.as_deref() {
        None => Change::Keep,
        Some("none") => Change::Clear,
        Some(text) => Change::Set(text.into()),
    }
}

fn poll(words: &mut Words) -> Result<Poll, Fault> {
    let holding = option(words, "holding", |text| {
        let ids = text.split(',').filter(|id| *id != "nothing");
        ids.map(|id| id.parse()).collect::<Result<_, _>>().map_err(|fault| format!("{fault}"))
    })?;
    Ok(Poll { holding, capacity: option(words, "capacity", values::number)?.unwrap_or(1) })
}
