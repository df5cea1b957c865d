//! Finished tasks leave the ledger, with the threads of a gateway: into the archive of tasks first,
//! and then by an event.
//!
//! The archive could be made anew of the log, but not of a log that has lost its beginning. So it
//! has to have, after any cut, whatever the durable log says has left.
use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use edge_ledger_core::{
    Cause, Command, CommandId, Commit, Decision, Journal as _, Ledger, Millis, Principal,
    TaskArchive as _, TaskId, Timestamp,
    lifecycle::{self, Epoch},
    task::{self, OperatorCommand, Payload, Spec, Submission, Terms},
};
use edge_ledger_engine::{Beginning, Engine, Options, Shelf, Stop, replay};
use edge_ledger_sled::{SledJournal, SledTasks};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Broken, chain, say};

/// How many tasks leave: in three commits, which take 256 each.
const TASKS: usize = 600;

/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Has all of them finish long ago, and a gateway let them go.
pub(super) fn run(at: &Path) -> Result<(), Broken> {
    let mut journal = open(at)?;
    let past = past();
    let present = fold(&journal)?.head();
    let rest: Vec<_> = past.into_iter().filter(|commit| commit.after >= present).collect();
    if !rest.is_empty() {
        journal.append(&rest).map_err(|error| Broken::Stuck(chain(&error)))?;
    }
    say(TOLD)?;
    let engine = serve(journal, Ledger::default(), tasks(at)?)?;
    close(engine)
}

const TOLD: &str = "each task is finished";

/// Looks each task up where the log says that it is, then has a gateway go on from there that
/// cannot read the log from its beginning, and asks that for each task.
pub(super) fn check(at: &Path, said: &[String]) -> Result<(), Broken> {
    let journal = open(at)?;
    let ledger = fold(&journal)?;
    let archive = tasks(at)?;
    if !archive.reaches(ledger.archived()).map_err(unreadable)? {
        return Err(Broken::Unarchived { left: ledger.archived().tasks() });
    }
    let mut expected = Ledger::default();
    if said.iter().any(|line| line == TOLD) {
        past().iter().try_for_each(|commit| expected.apply(commit)).map_err(|e| stuck(&e))?;
    }
    for (id, task) in expected.tasks() {
        let archived = || archive.task(id).map_err(unreadable);
        let found = ledger.task(id).cloned().map_or_else(archived, |task| Ok(Some(task)))?;
        if found.as_ref() != Some(task) {
            return Err(Broken::Gone(id.clone()));
        }
    }
    let engine = serve(journal, ledger, archive)?;
    for (id, task) in expected.tasks() {
        let found = engine.handle().archived(id).map_err(|error| Broken::Stuck(chain(&error)))?;
        if found.as_ref() != Some(task) {
            return Err(Broken::Gone(id.clone()));
        }
    }
    close(engine)
}

fn open(at: &Path) -> Result<SledJournal, Broken> {
    edge_ledger_sled::open(at.join("data/journal")).map_err(|e| Broken::Unopenable(chain(&e)))
}

fn tasks(at: &Path) -> Result<SledTasks, Broken> {
    SledTasks::open(at.join("data/tasks")).map_err(|error| Broken::Unopenable(chain(&error)))
}

fn fold(journal: &SledJournal) -> Result<Ledger, Broken> {
    replay(&journal.reader()).map_err(|error| Broken::Unreadable(chain(&error)))
}

type Served = Engine<<SledJournal as edge_ledger_core::Journal>::Reader>;

/// Starts a gateway's engine from a ledger that the journal's beginning folds to, and waits until
/// all tasks have left.
fn serve(journal: SledJournal, ledger: Ledger, archive: SledTasks) -> Result<Served, Broken> {
    let shelf = Some(Shelf::new(Arc::new(archive), Millis(0)));
    let started = Engine::start_from(
        journal,
        Beginning { ledger, shelf, ..Beginning::default() },
        Options::default(),
    );
    let engine = started.map_err(|error| Broken::Stuck(chain(&error)))?;
    let began = Instant::now();
    loop {
        let here = engine.handle().glance(|ledger, _| ledger.counts().tasks);
        match here.map_err(|error| Broken::Stuck(chain(&error)))? {
            0 => return Ok(engine),
            here if began.elapsed() > PATIENCE => {
                return Err(Broken::Stuck(format!("{here} tasks do not leave")));
            }
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn close(engine: Served) -> Result<(), Broken> {
    match engine.close() {
        Stop::Closed => Ok(()),
        Stop::Failed { reason } => Err(Broken::Stuck(reason)),
    }
}

/// Lists the commits by which tasks were submitted and cancelled, in 1970: the same ones each time.
pub(super) fn past() -> Vec<Commit> {
    let mut ledger = Ledger::default();
    let mut commits = vec![];
    let mut execute = |principal: Principal, command: Command| {
        let number = ledger.head().get().into();
        let command_id = CommandId::from_uuid(Uuid::from_u128(number));
        let cause = Cause { command: command_id, principal, idempotency: None };
        let decided = ledger.decide(command, &cause, Timestamp::EPOCH).expect("is allowed");
        let Decision::Events(events) = decided else { panic!("it changes something") };
        let commit = Commit { after: ledger.head(), recorded_at: Timestamp::EPOCH, cause, events };
        ledger.apply(&commit).expect("a commit decided on this ledger folds into it");
        commits.push(commit);
    };
    let open = lifecycle::Command::Open { epoch: Epoch(0) };
    execute(Principal::System, Command::Ledger(open));
    let operator = Principal::Operator { name: "op".into() };
    let ids = || (0..TASKS).map(|nth| TaskId::new(&format!("task-{nth}")).expect("is a task id"));
    for id in ids() {
        execute(operator.clone(), Command::Submit(vec![submission(id)]));
    }
    for (nth, id) in ids().enumerate() {
        // Some take more than a part of the archive.
        let reason = "because ".repeat(if nth % 20 == 7 { 2_000 } else { 1 });
        let cancel = OperatorCommand::Cancel { reason: reason.into() };
        execute(operator.clone(), Command::Task(id, task::Command::Operator(cancel)));
    }
    commits
}

fn submission(id: TaskId) -> Submission {
    let payload = RawValue::from_string("{}".to_owned()).expect("is JSON");
    let spec = Spec {
        name: id.to_string().into(),
        payload: Payload::new(payload),
        dedupe_key: Some(format!("key of {id}").into()),
        terms: Terms::default(),
    };
    Submission { id, spec: Box::new(spec), archived: None }
}

fn unreadable(fault: edge_ledger_core::archive::ArchiveFault) -> Broken {
    Broken::Unreadable(chain(&*fault))
}

fn stuck(error: &dyn std::error::Error) -> Broken {
    Broken::Stuck(chain(error))
}
