//! This ledger, measured by its own `edge-ledger bench`, with the disk beside it.
use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{PAYLOAD, drive::Figures};

/// This ledger, asked one way or the other.
#[derive(Debug)]
pub(crate) struct Ours {
    root: PathBuf,
    way: Way,
}

/// How it is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    InProcess,
    Http,
}

impl Ours {
    pub(crate) fn new(root: &std::path::Path, way: Way) -> Self {
        Self { root: root.to_owned(), way }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self.way {
            Way::InProcess => "edge-ledger, in process",
            Way::Http => "edge-ledger, over HTTP",
        }
    }

    pub(crate) fn measure(&self, connections: usize, time: Duration) -> Result<Figures> {
        let submit = self.bench("submit", connections, time)?;
        let pairs = self.bench("pairs", connections, time)?;
        let number = |found: &Value| found.as_f64().with_context(|| format!("no number: {found}"));
        let pair = &pairs["latency"]["pair"];
        Ok(Figures {
            submissions: number(&submit["perSecond"])?,
            pairs: number(&pairs["perSecond"])?,
            p50_us: number(&pair["p50Us"])?,
            p99_us: number(&pair["p99Us"])?,
            fdatasync_us: Some(number(&pairs["disk"]["fdatasync"]["p50Us"])?),
        })
    }

    fn bench(&self, workload: &str, connections: usize, time: Duration) -> Result<Value> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-ledger"));
        command.args(["bench", workload, "--json", "--warmup", "500ms", "--target"]);
        command.arg(match self.way {
            Way::InProcess => "in-process",
            Way::Http => "http",
        });
        command.arg("--dir").arg(&self.root);
        command.args(["--connections", &connections.to_string()]);
        command.args(["--duration", &format!("{}ms", time.as_millis())]);
        command.args(["--payload", &PAYLOAD.to_string()]);
        let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
        if !output.status.success() {
            bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
