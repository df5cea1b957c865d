//! `/v1/tasks/{id}/results` and `/late-results`: rows, read from the journal.
use std::{collections::BTreeSet, str::FromStr};

use actix_web::web::{Json, Path};
use edge_ledger_core::{
    Event, JournalReader, Ledger, Position,
    task::{self, LateResults as Kept, Row},
    view::TaskView,
};
use edge_ledger_wire::{
    Malformed,
    operator::{LateResults, Page, ResultRow},
};

use crate::{
    asked::ToShow,
    commits::Events,
    problem::Failure,
    query::{Bare, Parameters, limit, parsed},
    tasks::task_id,
};

/// Which rows.
#[derive(Debug)]
pub(crate) struct Which {
    run: Option<u32>,
    after: Option<Cursor>,
    limit: usize,
}

/// The place of a row: its event, and which of its rows it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    position: Position,
    row: usize,
}

impl TryFrom<&Parameters> for Which {
    type Error = Malformed;

    fn try_from(parameters: &Parameters) -> Result<Self, Malformed> {
        Ok(Self {
            run: parameters.optional("run", parsed("the number of a run"))?,
            after: parameters.optional("after", parsed("the `next` of the page before"))?,
            limit: limit(parameters)?,
        })
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (position, row) = text.split_once('.').ok_or(())?;
        let position = Position::new(position.parse().map_err(|_| ())?);
        Ok(Self { position, row: row.parse().map_err(|_| ())? })
    }
}

impl Cursor {
    fn text(self) -> String {
        format!("{}.{}", self.position, self.row)
    }
}

/// What there is to know of a task before its rows are read.
struct Outline {
    trail: Vec<Position>,
    run: u32,
    run_began: Position,
}

pub(crate) async fn list<R: JournalReader>(
    id: Path<String>,
    asked: ToShow<R, Which>,
) -> Result<Json<Page<ResultRow>>, Failure> {
    let id = task_id(&id)?;
    let show = |_: Option<&Ledger>, view: &TaskView<'_>| {
        let task = view.task;
        Outline { trail: task.trail().collect(), run: task.run(), run_began: task.run_began() }
    };
    let outline = asked.gateway.look_at_task(&id, None, show).await?;
    let page =
        asked.gateway.read(move |reader| rows(&mut Events::new(reader), &outline, &asked.query));
    Ok(Json(page.await?))
}

pub(crate) async fn list_late<R: JournalReader>(
    id: Path<String>,
    asked: ToShow<R, Bare>,
) -> Result<Json<Page<LateResults>>, Failure> {
    let id = task_id(&id)?;
    let show = |_: Option<&Ledger>, view: &TaskView<'_>| view.task.late_results().to_vec();
    let late: Vec<Kept> = asked.gateway.look_at_task(&id, None, show).await?;
    let items = asked.gateway.read(move |reader| {
        let mut events = Events::new(reader);
        let of = |kept: &Kept| Ok(LateResults::of(kept, &late_rows(&mut events, kept.kept_at)?));
        late.iter().map(of).collect()
    });
    Ok(Json(Page { items: items.await?, next: None }))
}

/// Reads a page of rows. Only the events are read that the page needs, and those before the run if
/// it is not the present one.
fn rows<R: JournalReader>(
    events: &mut Events<'_, R>,
    outline: &Outline,
    which: &Which,
) -> Result<Page<ResultRow>, Failure> {
    let wanted = which.run.unwrap_or(outline.run);
    let begin = match which.after {
        Some(cursor) => cursor.position,
        None if wanted == outline.run => outline.run_began,
        None => Position::START,
    };
    // A cursor, and the beginning of the present run, are inside the run that is wanted.
    let mut run = if begin == Position::START { 1 } else { wanted };
    let mut found: Vec<(Cursor, ResultRow)> = Vec::new();
    for at in outline.trail.iter().copied().filter(|at| *at >= begin) {
        if let Some(next) = next_run(events, at)? {
            run = next;
        }
        if run > wanted || found.len() > which.limit {
            break;
        }
        if run < wanted {
            continue;
        }
        let taken = rows_taken(events, at)?.into_iter().enumerate();
        let rows = taken.map(|(row, taken)| (Cursor { position: at, row }, taken));
        let later = rows.filter(|(cursor, _)| {
            which.after.is_none_or(|after| at > after.position || cursor.row > after.row)
        });
        found.extend(later.map(|(cursor, row)| (cursor, ResultRow::from(&row))));
    }
    let page = Page::cut(found, which.limit, |(cursor, _)| cursor.text());
    Ok(Page { items: page.items.into_iter().map(|(_, row)| row).collect(), next: page.next })
}

fn next_run<R: JournalReader>(
    events: &mut Events<'_, R>,
    at: Position,
) -> Result<Option<u32>, Failure> {
    Ok(match events.at(at)?.event {
        Event::Task { what: task::Event::Retried { run, .. }, .. } => Some(*run),
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => None,
    })
}

/// Reads the rows that an event took into the run.
fn rows_taken<R: JournalReader>(
    events: &mut Events<'_, R>,
    at: Position,
) -> Result<Vec<Row>, Failure> {
    let Event::Task { what, .. } = events.at(at)?.event else { return Ok(vec![]) };
    if let task::Event::ResultsStored(stored) = what {
        return Ok(stored.rows.clone());
    }
    let task::Event::LateResultsAdopted { kept_at, config_ids } = what else { return Ok(vec![]) };
    let (kept_at, taken): (_, BTreeSet<_>) = (*kept_at, config_ids.iter().cloned().collect());
    let late = late_rows(events, kept_at)?;
    Ok(late.into_iter().filter(|row| taken.contains(&row.config_id)).collect())
}

fn late_rows<R: JournalReader>(
    events: &mut Events<'_, R>,
    kept_at: Position,
) -> Result<Vec<Row>, Failure> {
    Ok(match events.at(kept_at)?.event {
        Event::Task { what: task::Event::LateResultsKept(kept), .. } => kept.rows.clone(),
        Event::Ledger(_) | Event::Token { .. } | Event::Edge { .. } | Event::Task { .. } => vec![],
    })
}
