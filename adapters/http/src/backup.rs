//! `GET /v1/backup`: the log, as one file, while the gateway goes on.
use std::{fmt, io, sync::Arc};

use actix_web::{
    HttpResponse,
    http::StatusCode,
    http::header::{CONTENT_DISPOSITION, ContentType},
    web::{self, Bytes},
};
use edge_ledger_core::JournalReader;
use futures_util::stream::{self, Stream};

use crate::{
    asked::ToShow,
    problem::{Failure, unreadable},
    query::Bare,
};

/// The bytes of a backup, in order.
pub type BackupBytes = Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>;

/// Begins backups: of the log as it durably is when one is asked for.
#[derive(Clone)]
pub struct Backups(Arc<Begin>);

type Begin = dyn Fn() -> io::Result<BackupBytes> + Send + Sync;

impl Backups {
    /// Takes what begins a backup. It may wait for a disk, and so may the bytes.
    pub fn new(begin: impl Fn() -> io::Result<BackupBytes> + Send + Sync + 'static) -> Self {
        Self(Arc::new(begin))
    }
}

impl fmt::Debug for Backups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backups(…)")
    }
}

/// Sends a backup. Nothing is read ahead of whoever takes it.
pub(crate) async fn send<R: JournalReader>(
    asked: ToShow<R, Bare>,
) -> Result<HttpResponse, Failure> {
    let Some(Backups(begin)) = asked.gateway.backups.clone() else {
        let detail = "this gateway keeps its log where no backup can be made of it";
        return Err(Failure::of(StatusCode::NOT_IMPLEMENTED, "backup_unsupported", detail));
    };
    let begun = web::block(move || begin()).await;
    let begun = begun.map_err(|error| Failure::unavailable("stopped", error.to_string()))?;
    let bytes = begun.map_err(|fault| unreadable(&fault))?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::octet_stream())
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"edge-ledger.backup\""))
        .streaming(sent(bytes)))
}

/// Reads what comes next once it is wanted, on a thread that may wait for a disk. An error ends the
/// connection, so nobody takes what was sent for a whole backup.
fn sent(bytes: BackupBytes) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(bytes), |bytes| async {
        let mut bytes = bytes?;
        let read = web::block(move || (bytes.next(), bytes)).await;
        match read {
            Ok((None, _)) => None,
            Ok((Some(Ok(part)), bytes)) => Some((Ok(Bytes::from(part)), Some(bytes))),
            Ok((Some(Err(fault)), _)) => {
                tracing::error!(error = %fault, "a backup broke off");
                Some((Err(fault), None))
            }
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    })
}
