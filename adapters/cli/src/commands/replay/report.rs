//! What is told of replayed logs.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    expected::Verdict,
    folded::{Folded, Told},
};
use crate::{
    exit::{Exit, chain},
    output::{Cell, Output, Table, note, plain},
};

/// Shows what came of logs, and returns how the command ends.
pub(super) fn show(told: &[Told], missing: &[PathBuf], output: Output) -> Result<Exit> {
    let ok = missing.is_empty() && told.iter().all(Told::is_ok);
    match (output.is_json(), told) {
        (true, _) => {
            let logs: Vec<_> = told.iter().map(Told::json).collect();
            output.json(&json!({ "ok": ok, "logs": logs, "snapshotsWithoutLog": missing }))?;
        }
        (false, [one]) => output.table(&one.facts(), "")?,
        (false, many) => output.table(&table(many), "no logs")?,
    }
    for one in told {
        if let Some(fault) = one.fault() {
            let lines: Vec<_> = fault.lines().map(plain).collect();
            note(&format!(
                "error: {}: {}",
                plain(&one.log.display().to_string()),
                lines.join("\n")
            ));
        }
    }
    for snapshot in missing {
        note(&format!("error: {}: its log is gone", plain(&snapshot.display().to_string())));
    }
    Ok(if ok { Exit::Ok } else { Exit::Failure })
}

fn table(told: &[Told]) -> Table {
    let mut table = Table::new([
        "LOG",
        "HEAD",
        "LAST RECORDED",
        "COMMITS",
        "EDGES",
        "TASKS",
        "DIGEST",
        "EVENTS/S",
        "RESULT",
    ]);
    for one in told {
        let folded = one.outcome.as_ref().map(|(_, folded)| folded).ok();
        let ledger = folded.map(Folded::ledger);
        let counts = ledger.map(|ledger| ledger.counts());
        table.row([
            Cell::new(one.log.display()),
            Cell::maybe(ledger.map(|ledger| ledger.head())),
            Cell::maybe(ledger.map(|ledger| ledger.recorded_at())),
            Cell::maybe(folded.map(|folded| folded.replay.commits())),
            Cell::maybe(counts.map(|counts| counts.edges)),
            Cell::maybe(counts.map(|counts| counts.tasks)),
            Cell::maybe(ledger.map(|ledger| ledger.digest().to_string()[..12].to_owned())),
            Cell::maybe(folded.map(|folded| format!("{:.0}", folded.speed()))),
            one.result(),
        ]);
    }
    table
}

impl Told {
    fn is_ok(&self) -> bool {
        self.fault().is_none()
    }

    /// Says what is wrong, if anything is.
    fn fault(&self) -> Option<String> {
        match &self.outcome {
            Err(error) => Some(chain(error.as_ref())),
            Ok((Verdict::Differs(difference), _)) => {
                Some(format!("it does not come to what its snapshot says\n{difference}"))
            }
            Ok((Verdict::Unasked | Verdict::Same | Verdict::Written | Verdict::Kept, _)) => None,
        }
    }

    fn result(&self) -> Cell {
        match &self.outcome {
            Err(_) => Cell::new("unreadable").bad(),
            Ok((Verdict::Differs(_), _)) => Cell::new("differs").bad(),
            Ok((Verdict::Same, _)) => Cell::new("as expected").good(),
            Ok((Verdict::Unasked, _)) => Cell::new("folds"),
            Ok((Verdict::Written, _)) => Cell::new("snapshot written").good(),
            Ok((Verdict::Kept, _)) => Cell::new("has a snapshot"),
        }
    }

    fn facts(&self) -> Table {
        let mut table = Table::facts([("log", Cell::new(self.log.display()))]);
        if let Ok((_, folded)) = &self.outcome {
            let ledger = folded.ledger();
            let counts = ledger.counts();
            table.fact("head", Cell::new(ledger.head()));
            table.fact("last recorded", Cell::new(ledger.recorded_at()));
            if let Some(as_of) = folded.as_of() {
                table.fact("as of", Cell::new(as_of));
            } else {
                table.fact("commits", Cell::new(folded.replay.commits()));
            }
            table.fact("epoch", Cell::new(ledger.epoch()));
            table.fact("ledger", Cell::new(if ledger.is_open() { "open" } else { "not open" }));
            table.fact("tokens", Cell::new(counts.tokens));
            table.fact("edges", Cell::new(counts.edges));
            table.fact("tasks", Cell::new(counts.tasks));
            table.fact("archived tasks", Cell::new(counts.archived));
            table.fact("digest", Cell::new(ledger.digest()));
            let took = folded.took.as_secs_f64();
            let speed = folded.speed();
            table.fact("speed", Cell::new(format!("{speed:.0} events a second, {took:.3} s")));
        }
        table.fact("result", self.result());
        table
    }

    fn json(&self) -> Value {
        let mut json = json!({ "log": self.log, "ok": self.is_ok() });
        let (verdict, folded) = match &self.outcome {
            Ok(found) => found,
            Err(error) => {
                json["fault"] = chain(error.as_ref()).into();
                return json;
            }
        };
        let ledger = folded.ledger();
        json["head"] = json!(ledger.head());
        json["recordedAt"] = ledger.recorded_at().to_string().into();
        match folded.as_of() {
            Some(as_of) => json["asOf"] = as_of.to_string().into(),
            None => json["commits"] = folded.replay.commits().into(),
        }
        json["epoch"] = json!(ledger.epoch());
        json["open"] = ledger.is_open().into();
        json["counts"] = json!(ledger.counts());
        json["digest"] = json!(ledger.digest());
        json["tookMs"] = json!(folded.took.as_secs_f64() * 1e3);
        json["eventsPerSecond"] = json!(folded.speed().round());
        if let Verdict::Differs(difference) = verdict {
            json["difference"] = json!({
                "path": difference.path,
                "expected": difference.expected,
                "found": difference.found,
            });
        }
        json
    }
}
