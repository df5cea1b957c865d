//! `serve`: a gateway over the ledger of a data directory.

mod coming_back;
mod limits;
mod recording;
mod retention;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context as _, Error, Result, bail};
use clap::{Args, builder::BoolishValueParser};
use edge_ledger_core::{Journal as _, Position, TaskArchive};
use edge_ledger_engine::{Beginning, Engine, Opening, Options, Recorder, Recording, Stop};
use edge_ledger_http::{
    Backups, Gateway, Keys, Listen, ListenError, TlsFiles, listen, operator_token_path,
};
use edge_ledger_journal::{Keeper, Merged};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{
    liveness::{ThresholdArgs, ThresholdSettings},
    log::DataArgs,
};
use crate::{
    client::wait,
    config::{Setting, Shown},
    context::Context,
    exit::{Exit, Failure, chain},
    interrupt::Interrupts,
    journal,
    logs::{self, LogArgs, LogSettings},
    output::{Output, note},
    parent::parent_gone,
    store::{AnyJournal, AnyJournalReader, AnyReader, Kind},
};
use coming_back::{Back, Keeping, Lost, SNAPSHOT_EVERY, may_do_without_snapshot};
use limits::{LimitArgs, LimitSettings};
use retention::{Housekeeping, keeper};

pub(crate) use retention::{RetentionArgs, RetentionSettings};

/// Serve the ledger of a data directory.
///
/// The first start makes the ledger and an operator's token, and says where the token is. SIGTERM
/// and Ctrl-C stop it: it finishes what is under way and closes the ledger.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    #[serde(skip)]
    data: DataArgs,
    /// Where to listen; port 0 for any that is free [default: 127.0.0.1:7411].
    #[arg(long, env = "EDGE_LEDGER_SERVE_ADDR", value_name = "ADDRESS")]
    addr: Option<SocketAddr>,
    /// What keeps the ledger: what it is kept in, or sled if there is none yet.
    #[arg(long, env = "EDGE_LEDGER_SERVE_STORE", value_name = "STORE")]
    store: Option<Kind>,
    /// The certificate chain to show, as a PEM file.
    #[arg(long, env = "EDGE_LEDGER_SERVE_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, as a PEM file.
    #[arg(long, env = "EDGE_LEDGER_SERVE_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Listen on other addresses than loopback without TLS: something in front of it does TLS.
    #[arg(long, env = "EDGE_LEDGER_INSECURE_HTTP", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_parser = BoolishValueParser::new())]
    #[serde(skip)]
    insecure_http: Option<bool>,
    /// Write the URL to this file once requests are answered.
    #[arg(long, env = "EDGE_LEDGER_SERVE_READY_FILE", value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Write a snapshot of the ledger about every so many events, for a quick start; 0 for none
    /// [default: 500000].
    #[arg(long, env = "EDGE_LEDGER_SERVE_SNAPSHOT_EVERY", value_name = "EVENTS")]
    snapshot_every: Option<u64>,
    /// Fold the whole log at the start, too, and refuse to serve if the newest snapshot comes to
    /// another ledger.
    #[arg(long, env = "EDGE_LEDGER_SERVE_VERIFY_ON_START", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_parser = BoolishValueParser::new())]
    verify_on_start: Option<bool>,
    /// Append every command to this file, with its time and what was decided about it, for
    /// `replay --decisions`.
    #[arg(long, env = "EDGE_LEDGER_SERVE_RECORD", value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    #[serde(skip)]
    retention: RetentionArgs,
    #[command(flatten)]
    #[serde(skip)]
    thresholds: ThresholdArgs,
    #[command(flatten)]
    #[serde(skip)]
    logs: LogArgs,
    /// Begin a new epoch, because the data directory is a copy: leases that ran when it was made
    /// end, and none of their tokens ever matches again. For the first start only.
    #[arg(long)]
    #[serde(skip)]
    new_epoch: bool,
    /// End when stdin does: for a parent that must not leave its gateway behind.
    #[arg(long, hide = true)]
    #[serde(skip)]
    with_parent: bool,
}

/// What a gateway is to be like, settled.
#[derive(Debug)]
pub(crate) struct ServeSettings {
    data: Setting<PathBuf>,
    addr: Setting<SocketAddr>,
    store: Setting<Option<Kind>>,
    tls_cert: Setting<Option<PathBuf>>,
    tls_key: Setting<Option<PathBuf>>,
    insecure_http: Setting<bool>,
    ready_file: Setting<Option<PathBuf>>,
    snapshot_every: Setting<u64>,
    verify_on_start: Setting<bool>,
    record: Setting<Option<PathBuf>>,
    limits: LimitSettings,
    retention: RetentionSettings,
    thresholds: ThresholdSettings,
    logs: LogSettings,
}

impl ServeArgs {
    /// Settles what a gateway is to be like.
    pub(crate) fn settle(self, context: &Context) -> ServeSettings {
        let file = &context.file;
        let filed = file.serve.clone();
        let (cert, key) = (self.tls_cert, self.tls_key);
        ServeSettings {
            data: self.data.settle(context),
            addr: Setting::settle("serve.addr", self.addr, filed.addr, || {
                Listen::default().address
            }),
            store: Setting::settle_any("serve.store", self.store, filed.store),
            tls_cert: Setting::settle_any("serve.tls-cert", cert, filed.tls_cert),
            tls_key: Setting::settle_any("serve.tls-key", key, filed.tls_key),
            insecure_http: Setting::settle(
                "insecure-http",
                self.insecure_http,
                file.insecure_http,
                || false,
            ),
            ready_file: Setting::settle_any("serve.ready-file", self.ready_file, filed.ready_file),
            snapshot_every: Setting::settle(
                "serve.snapshot-every",
                self.snapshot_every,
                filed.snapshot_every,
                || SNAPSHOT_EVERY,
            ),
            verify_on_start: Setting::settle(
                "serve.verify-on-start",
                self.verify_on_start,
                filed.verify_on_start,
                || false,
            ),
            record: Setting::settle_any("serve.record", self.record, filed.record),
            limits: self.limits.settle(filed.limits),
            retention: self.retention.settle(file.retention),
            thresholds: self.thresholds.settle(file.liveness),
            logs: self.logs.settle(file),
        }
    }
}

impl ServeSettings {
    /// Lists the settings that are not those of every command.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let mut shown = vec![
            self.addr.shown(),
            self.store.shown(),
            self.tls_cert.shown(),
            self.tls_key.shown(),
            self.ready_file.shown(),
            self.snapshot_every.shown(),
            self.verify_on_start.shown(),
            self.record.shown(),
        ];
        shown.extend(self.limits.shown());
        shown.extend(self.retention.shown());
        shown.extend(self.thresholds.shown());
        shown.extend(self.logs.shown());
        shown
    }
}

pub(crate) fn run(args: ServeArgs, context: &Context) -> Result<Exit> {
    let with_parent = args.with_parent;
    let opening = if args.new_epoch { Opening::NewEpoch } else { Opening::SameEpoch };
    let settings = args.settle(context);
    settings.logs.begin(io::stderr, logs::may_be_colored())?;
    // What can be refused without touching anything is refused first.
    let (listen, thresholds) = (settings.listen()?, settings.thresholds.thresholds()?);
    settings.retention.check()?;
    if let Some(file) = &settings.ready_file.value {
        // One that was killed has left it.
        drop(fs::remove_file(file));
    }
    let Opened { engine, keys, keeper, keeping, tasks, recording } =
        Opened::of(&settings, opening)?;
    wait(async {
        let handle = engine.handle();
        let retention = settings.retention.retention();
        let housekeeping = Housekeeping::start(keeper, retention, handle.clone())?;
        let backups = backups(&settings.data.value, handle.reader().clone(), tasks);
        let gateway = Gateway::new(engine.handle(), keys, settings.limits.limits(), thresholds);
        let gateway = gateway.with_backups(backups);
        serve(gateway, &listen, &settings, with_parent, context.output).await?;
        drop(housekeeping);
        let stop = engine.close();
        if let Some(recording) = recording {
            recording.end();
        }
        match stop {
            Stop::Closed => {
                keeping.end(&handle);
                tracing::info!("the ledger is closed");
                Ok(Exit::Ok)
            }
            Stop::Failed { reason } => {
                bail!(
                    "an append failed, so the ledger was not closed: {reason}; find the cause, then start again"
                )
            }
        }
    })
}

/// Answers requests until a signal comes, or the parent goes, and what was under way is finished.
async fn serve(
    gateway: Gateway<AnyJournalReader>,
    at: &Listen,
    settings: &ServeSettings,
    with_parent: bool,
    output: Output,
) -> Result<()> {
    let mut interrupts = Interrupts::listen()?;
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        tokio::select! {
            () = interrupts.next() => {}
            () = parent_gone(with_parent) => {}
        }
        tracing::info!("stopping: what is under way is finished");
        drop(stopping.send(interrupts));
    };
    let stopped_twice = async {
        match stopped.await {
            Ok(mut interrupts) => interrupts.next().await,
            Err(_) => std::future::pending().await,
        }
        tracing::warn!("stopping at once: what is under way is not waited for");
    };
    let listening = listen(gateway, at, stop).map_err(explain)?;
    let _ready = Ready::say(&listening.url(), settings.ready_file.value.as_deref(), output)?;
    tracing::info!(url = listening.url(), data = %settings.data.value.display(), "serving");
    tokio::select! {
        ended = listening.run() => Ok(ended?),
        () = stopped_twice => Ok(()),
    }
}

/// Begins backups of a log.
fn backups(data: &Path, log: AnyJournalReader, tasks: Arc<dyn TaskArchive>) -> Backups {
    let data = data.to_owned();
    Backups::new(move || {
        let tasks = Some(Arc::clone(&tasks));
        let backup = journal::backup(&data, &log, tasks).map_err(io::Error::other)?;
        Ok(Box::new(backup.map(|bytes| bytes.map_err(io::Error::other))))
    })
}

/// A ledger that is open, and waits for requests.
struct Opened {
    engine: Engine<AnyJournalReader>,
    keys: Keys,
    keeper: Keeper<AnyReader>,
    keeping: Keeping<Merged<AnyReader>>,
    /// The tasks that have left the ledger.
    tasks: Arc<dyn TaskArchive>,
    recording: Option<Arc<Recording>>,
}

impl Opened {
    /// Opens the ledger of the data directory, and makes it if there is none.
    fn of(settings: &ServeSettings, opening: Opening) -> Result<Self> {
        let data = &settings.data.value;
        // First, since it keeps everybody else out.
        let journal = journal::open_or_create(data, settings.store.value)?;
        warn_of_others(data);
        let token = operator_token_path(data);
        let first = !token.exists();
        let keys = Keys::open_or_create(data)
            .map_err(|error| Failure::new(Exit::Failure, chain(&error)))?;
        if first {
            note(&format!("the operator's token is in {}", token.display()));
        }
        let (every, verify) = (settings.snapshot_every.value, settings.verify_on_start.value);
        let began = Instant::now();
        let back = Back::of(data, &journal.reader(), every, verify)?;
        let (snapshot, rhythm) = (back.from(), back.rhythm);
        let lost = Lost::of(&journal.reader())?;
        lost.may_begin_at(data, snapshot)?;
        let options = Options { opening, ..Options::default() };
        let shelf = settings.retention.shelf(data).map_err(|error| journal::explain(&error))?;
        let tasks = shelf.archive();
        let recording = settings.record.value.as_deref().map(recording::start).transpose()?;
        let recorder = || recording.clone().map(|recording| recording as Arc<dyn Recorder>);
        let beginning =
            Beginning { ledger: back.ledger, shelf: Some(shelf.clone()), recorder: recorder() };
        let mut keeper = keeper_of(&journal)?;
        let engine = match Engine::start_from(journal, beginning, options) {
            Err(error) if may_do_without_snapshot(&error) && snapshot > Position::START => {
                lost.may_begin_anew(data, &error)?;
                let reason = chain(&error);
                tracing::warn!(%snapshot, reason, "the log does not go on from the snapshot");
                drop(keeper);
                let journal = journal::open(data)?;
                keeper = keeper_of(&journal)?;
                let beginning =
                    Beginning { shelf: Some(shelf), recorder: recorder(), ..Beginning::default() };
                Engine::start_from(journal, beginning, options)
            }
            started => started,
        };
        let engine =
            engine.map_err(|error| Failure::new(Exit::Failure, chain(&error)).next(VERIFY))?;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(snapshot = snapshot.get(), took_ms, verified = verify, "the ledger is back");
        let keeping = Keeping::begin(data, &engine.handle(), rhythm)?;
        Ok(Self { engine, keys, keeper, keeping, tasks, recording })
    }
}

fn keeper_of(journal: &AnyJournal) -> Result<Keeper<AnyReader>> {
    keeper(journal).map_err(|error| journal::explain(&error))
}

/// Says so if others could put their own files in the place of ours.
fn warn_of_others(data: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::metadata(data).map_or(0, |found| found.permissions().mode());
    if mode & 0o022 != 0 {
        let data = data.display();
        tracing::warn!(%data, "others may write to the data directory: chmod 700 it");
    }
}

const VERIFY: &str = "run `edge-ledger log verify` on a copy of the data directory";

impl ServeSettings {
    fn listen(&self) -> Result<Listen> {
        let tls = match (&self.tls_cert.value, &self.tls_key.value) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: certificate.clone(), key: key.clone() })
            }
            (None, None) => None,
            (Some(_), None) => return Err(half("a certificate", "--tls-key")),
            (None, Some(_)) => return Err(half("a key", "--tls-cert")),
        };
        let listen = self.limits.limit(Listen {
            address: self.addr.value,
            tls,
            insecure_http: self.insecure_http.value,
            ..Listen::default()
        });
        listen.check().map_err(explain)?;
        Ok(listen)
    }
}

fn half(there: &str, missing: &str) -> Error {
    Failure::usage(format!("there is {there} and not the other half"))
        .next(format!("give it with {missing}"))
        .into()
}

/// Says what to do about an address that cannot be had.
fn explain(error: ListenError) -> Error {
    let told = chain(&error);
    match error {
        ListenError::InTheClear(_) => Failure::usage(told)
            .next("give --tls-cert and --tls-key, or --insecure-http, or a loopback --addr"),
        ListenError::Pem { .. } | ListenError::Tls(_) => Failure::usage(told),
        ListenError::Bind { .. } => Failure::new(Exit::Unavailable, told)
            .next("give another --addr, or stop whoever listens there"),
    }
    .into()
}

/// A word to whoever waits for the gateway; taken back when it stops.
struct Ready<'a>(Option<&'a Path>);

impl<'a> Ready<'a> {
    fn say(url: &str, file: Option<&'a Path>, output: Output) -> Result<Self> {
        // Nobody has to listen to that.
        drop(output.text(&format!("listening on {url}")));
        if let Some(file) = file {
            let half = file.with_extension("half");
            fs::write(&half, format!("{url}\n"))
                .and_then(|()| fs::rename(&half, file))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(Self(file))
    }
}

impl Drop for Ready<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.0 {
            drop(fs::remove_file(file));
        }
    }
}
