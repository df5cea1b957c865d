//! `/v1/tasks`: tasks.
use std::collections::BTreeSet;

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Json, Path},
};
use edge_ledger_core::{
    Command, EdgeId, Event, JournalReader, Ledger, Position, Rejection, TaskId, Timestamp,
    task::{self, OperatorCommand, Submission, TaskStatus},
    view::TaskView,
    why,
};
use edge_ledger_engine::{ExecuteError, Receipt, mint};
use edge_ledger_wire::{
    Malformed,
    operator::{
        Adopt, Cancel, Event as EventView, Nothing, Page, Reassign, SubmitAnswer, SubmitRequest,
        SubmittedTask, Task, Why,
    },
};

use crate::{
    asked::{FromOperator, ToShow},
    commits::Events,
    edges::work_of,
    problem::Failure,
    query::{At, Paging, Parameters, parsed, word},
    tasks::task_id,
};

/// The most events that a history shows: the latest.
const HISTORY_MAX: usize = 1_000;

/// Which tasks.
#[derive(Debug)]
pub(crate) struct Which {
    paging: Paging,
    status: Option<TaskStatus>,
    /// Who holds it, or is the only one who may.
    edge: Option<EdgeId>,
    /// What it requires: a label's name, and its value if that matters.
    label: Option<(String, Option<String>)>,
}

impl TryFrom<&Parameters> for Which {
    type Error = Malformed;

    fn try_from(parameters: &Parameters) -> Result<Self, Malformed> {
        const STATUSES: &str = "AWAIT, ASSIGNED, PROCESSING, DONE, FAILED, CANCELLED";
        Ok(Self {
            paging: Paging::try_from(parameters)?,
            status: parameters.optional("status", word(STATUSES))?,
            edge: parameters.optional("edge", parsed("the id of an edge, a UUID"))?,
            label: parameters.optional("label", |text| {
                Ok(match text.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (text.to_owned(), None),
                })
            })?,
        })
    }
}

impl Which {
    fn has(&self, task: &task::Task) -> bool {
        let about = |edge| {
            task.terms().assigned_to == Some(edge)
                || task.lease().is_some_and(|lease| lease.edge == edge)
        };
        let requires = |(name, wanted): &(String, Option<String>)| {
            let found = task.terms().requires.0.get(name);
            found.is_some_and(|found| wanted.as_ref().is_none_or(|wanted| wanted == found))
        };
        self.status.is_none_or(|wanted| task.status() == wanted)
            && self.edge.is_none_or(about)
            && self.label.as_ref().is_none_or(requires)
    }
}

pub(crate) async fn submit<R: JournalReader>(
    asked: FromOperator<R, SubmitRequest>,
) -> Result<HttpResponse, Failure> {
    let SubmitRequest { tasks, is_single } = asked.request;
    let named: Vec<_> = tasks.iter().map(|task| task.id.clone()).collect();
    let submissions: Vec<_> =
        tasks.into_iter().map(|task| task.into_submission(mint::task_id)).collect();
    let wanted: Vec<_> = named.into_iter().zip(submissions.clone()).collect();
    let show = move |receipt: Receipt<'_>| submitted(receipt, &wanted);
    let tasks = asked.gateway.execute(asked.cause, Command::Submit(submissions), show).await?;
    let status =
        if tasks.iter().any(|task| task.created) { StatusCode::CREATED } else { StatusCode::OK };
    let mut answer = HttpResponse::build(status);
    Ok(match (is_single, tasks.first()) {
        (true, Some(task)) => answer.json(task),
        (_, _) => answer.json(SubmitAnswer { tasks }),
    })
}

pub(crate) async fn list<R: JournalReader>(
    asked: ToShow<R, Which>,
) -> Result<Json<Page<Task>>, Failure> {
    let which = asked.query;
    let Paging { after, limit } = which.paging;
    let tasks = asked.gateway.handle.view(|ledger, now| {
        let tasks = ledger.tasks_after(Position::new(after)).filter(|(_, task)| which.has(task));
        tasks.take(limit + 1).filter_map(|(id, _)| shown(ledger, id, now)).collect()
    });
    Ok(Json(Page::cut(tasks.await?, limit, |task: &Task| task.position.to_string())))
}

pub(crate) async fn show<R: JournalReader>(
    id: Path<String>,
    asked: ToShow<R, At>,
) -> Result<Json<Task>, Failure> {
    let id = task_id(&id)?;
    let At(moment) = asked.query;
    let show = |_: Option<&Ledger>, view: &TaskView<'_>| {
        (Task::from(view), view.task.trail().collect::<Vec<_>>())
    };
    let (task, trail) = asked.gateway.look_at_task(&id, moment, show).await?;
    let work = work_of(&asked.gateway, Position::new(task.position)).await?;
    let history = asked.gateway.read(move |reader| history(&mut Events::new(reader), &trail));
    Ok(Json(Task { history: Some(history.await?), ..task.with_work(work) }))
}

pub(crate) async fn why<R: JournalReader>(
    id: Path<String>,
    asked: ToShow<R, At>,
) -> Result<Json<Why>, Failure> {
    let id = task_id(&id)?;
    let (At(moment), thresholds) = (asked.query, asked.gateway.thresholds);
    let show = move |ledger: Option<&Ledger>, view: &TaskView<'_>| {
        let TaskView { id, task, as_of, .. } = *view;
        let reasons = match ledger {
            Some(ledger) => why::why(ledger, id, &thresholds, as_of),
            None => why::over(task).into_iter().collect(),
        };
        Why::of(id, view.status, &reasons, as_of)
    };
    Ok(Json(asked.gateway.look_at_task(&id, moment, show).await?))
}

pub(crate) async fn cancel<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Cancel>,
) -> Result<Json<Task>, Failure> {
    done(&id, asked).await
}

pub(crate) async fn retry<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Nothing>,
) -> Result<Json<Task>, Failure> {
    let FromOperator { gateway, cause, request: Nothing } = asked;
    let request = task::Command::Operator(OperatorCommand::Retry);
    done(&id, FromOperator { gateway, cause, request }).await
}

pub(crate) async fn reassign<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Reassign>,
) -> Result<Json<Task>, Failure> {
    done(&id, asked).await
}

pub(crate) async fn adopt<R: JournalReader>(
    id: Path<String>,
    asked: FromOperator<R, Adopt>,
) -> Result<Json<Task>, Failure> {
    done(&id, asked).await
}

async fn done<R: JournalReader, T: Into<task::Command>>(
    id: &str,
    asked: FromOperator<R, T>,
) -> Result<Json<Task>, Failure> {
    let id = task_id(id)?;
    let (named, command) = (id.clone(), Command::Task(id.clone(), asked.request.into()));
    let show = move |receipt: Receipt<'_>| shown(receipt.ledger, &named, receipt.now);
    match asked.gateway.execute(asked.cause, command, show).await {
        Ok(shown) => shown.map(Json).ok_or_else(|| unknown(id)),
        Err(ExecuteError::Rejected(Rejection::Task(task::Rejection::Unknown(id)))) => {
            let left = asked.gateway.archived(&id).await?;
            Err(left.map_or_else(|| unknown(id.clone()), |task| archived(&id, task.status())))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Tells which tasks a submission came to. Those without an id or a key of their own are told
/// apart by their order: a repeated request has had others minted for them.
fn submitted(receipt: Receipt<'_>, wanted: &[(Option<TaskId>, Submission)]) -> Vec<SubmittedTask> {
    let named: BTreeSet<_> = wanted.iter().filter_map(|(id, _)| id.as_ref()).collect();
    let events = receipt.commit.map(|commit| commit.events.as_slice()).unwrap_or_default();
    let created: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Task { id, what: task::Event::Submitted(submitted) } => Some((id, submitted)),
            Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => {
                None
            }
        })
        .collect();
    let mut minted = created.iter().filter_map(|(id, submitted)| {
        let anonymous = submitted.spec.dedupe_key.is_none() && !named.contains(id);
        anonymous.then_some(*id)
    });
    let tasks = wanted.iter().map(|(named, submission)| {
        let key = submission.spec.dedupe_key.as_deref();
        let of_key = key.and_then(|key| {
            let here = receipt.ledger.task_of_dedupe_key(key).map(|(id, _)| id);
            here.or_else(|| {
                let mut left = receipt.archived.iter();
                left.find(|left| left.dedupe_key.as_deref() == Some(key)).map(|left| &left.id)
            })
        });
        let id = of_key.or(named.as_ref()).or_else(|| minted.next());
        let id = id.unwrap_or(&submission.id);
        let created = created.iter().any(|(created, _)| *created == id);
        SubmittedTask { id: id.to_string(), created }
    });
    tasks.collect()
}

fn history<R: JournalReader>(
    events: &mut Events<'_, R>,
    trail: &[Position],
) -> Result<Vec<EventView>, Failure> {
    let latest = trail.len().saturating_sub(HISTORY_MAX);
    trail.iter().skip(latest).map(|at| Ok(EventView::from(events.at(*at)?))).collect()
}

fn shown(ledger: &Ledger, id: &TaskId, now: Timestamp) -> Option<Task> {
    TaskView::of(ledger, id, now).as_ref().map(Task::from)
}

fn archived(id: &TaskId, status: TaskStatus) -> Failure {
    let detail = format!(
        "task {id} is {status} and has left the ledger for the archive: nothing about it changes \
         any more, submit its work anew"
    );
    Failure::of(StatusCode::CONFLICT, "task_archived", detail)
}

pub(super) fn unknown(id: TaskId) -> Failure {
    Rejection::Task(task::Rejection::Unknown(id)).into()
}
