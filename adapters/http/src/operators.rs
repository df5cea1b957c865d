//! What operators ask, under `/v1`.
pub(crate) mod edges;
pub(crate) mod results;
pub(crate) mod tasks;
pub(crate) mod tokens;

use actix_web::web::Json;
use edge_ledger_core::JournalReader;
use edge_ledger_wire::operator::{Event, LedgerView, Page};

use crate::{
    asked::ToShow,
    problem::{Failure, unreadable},
    query::{Bare, Paging},
};

/// Shows the ledger as a whole.
pub(crate) async fn ledger<R: JournalReader>(
    asked: ToShow<R, Bare>,
) -> Result<Json<LedgerView>, Failure> {
    Ok(Json(asked.gateway.handle.view(LedgerView::of).await?))
}

/// Lists what has happened. All of it is in the journal, so all of it will still be there tomorrow.
pub(crate) async fn events<R: JournalReader>(
    asked: ToShow<R, Paging>,
) -> Result<Json<Page<Event>>, Failure> {
    let Paging { after, limit } = asked.query;
    let page = asked.gateway.read(move |reader| {
        let mut events = Vec::new();
        for commit in reader.read(edge_ledger_core::Position::new(after)) {
            let commit = commit.map_err(|error| unreadable(&error))?;
            let later = commit.envelopes().filter(|envelope| envelope.position.get() > after);
            events.extend(later.map(Event::from).take(limit + 1 - events.len()));
            if events.len() > limit {
                break;
            }
        }
        Ok(Page::cut(events, limit, |event| event.position.to_string()))
    });
    Ok(Json(page.await?))
}
