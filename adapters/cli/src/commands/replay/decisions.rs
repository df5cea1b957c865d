//! Recorded decisions, decided again.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::{Context as _, Result};
use edge_ledger_core::decisions::{Again, Apart, Differs, Header, Line};
use serde_json::{Value, json};

use super::source::Log;
use crate::{
    exit::{Exit, Failure, chain},
    output::{Cell, Output, Progress, Table, note, plain},
};

/// What came of a file.
#[derive(Debug, Default)]
struct Outcome {
    again: Again,
    differ: Vec<Differs>,
    /// The last line breaks off, or says that what came later was not recorded.
    ends_early: Option<String>,
}

pub(super) fn run(file: &Path, log: Option<&Path>, output: Output) -> Result<Exit> {
    let outcome = Outcome::of(file, log)?;
    match output.is_json() {
        true => output.json(&outcome.json(file))?,
        false => output.table(&outcome.table(file), "")?,
    }
    for differs in &outcome.differ {
        let told = differs.to_string();
        let lines: Vec<_> = told.lines().map(plain).collect();
        note(&format!("error: {}", lines.join("\n")));
    }
    if let Some(told) = &outcome.ends_early {
        note(&format!("note: {}", plain(told)));
    }
    Ok(if outcome.differ.is_empty() { Exit::Ok } else { Exit::Failure })
}

impl Outcome {
    fn of(path: &Path, log: Option<&Path>) -> Result<Self> {
        let unread = || format!("cannot read {}", path.display());
        let mut lines = BufReader::with_capacity(1 << 20, File::open(path).with_context(unread)?);
        let mut outcome = Self::default();
        let mut progress = Progress::new("decisions");
        let (mut text, mut number) = (String::new(), 0_u64);
        while lines.read_line(&mut text).with_context(unread)? > 0 {
            number += 1;
            if !text.ends_with('\n') {
                outcome.ends_early = Some(format!("line {number} breaks off: it is not counted"));
                break;
            }
            let place = |told: &str| Failure::new(Exit::Failure, format!("line {number}: {told}"));
            let line = Line::parse(text.trim_end()).map_err(|error| place(&chain(&error)))?;
            if number == 1 && !matches!(line, Line::Begins(_)) {
                return Err(place("it does not say which ledger the decisions begin with").into());
            }
            outcome.take(line, log).with_context(|| format!("line {number}"))?;
            progress.add(1);
            text.clear();
        }
        if number == 0 {
            return Err(
                Failure::usage(format!("there are no decisions in {}", path.display())).into()
            );
        }
        Ok(outcome)
    }

    fn take(&mut self, line: Line, log: Option<&Path>) -> Result<()> {
        match line {
            Line::Begins(header) => self.begin(&header, log),
            Line::Decided(decided) => {
                self.differ.extend(self.again.decide(&decided)?);
                Ok(())
            }
            Line::Ends(end) => {
                self.ends_early =
                    Some(format!("what came later was not recorded: {}", end.because));
                Ok(())
            }
        }
    }

    /// Goes on with decisions on this ledger, or else on the one that the log has there.
    fn begin(&mut self, header: &Header, log: Option<&Path>) -> Result<()> {
        match self.again.begin(header) {
            Ok(()) => return Ok(()),
            Err(apart @ (Apart::Elsewhere { .. } | Apart::Other { .. })) if log.is_none() => {
                let next = "name the log that they belong to: --log DIR";
                return Err(Failure::new(Exit::Failure, apart.to_string()).next(next).into());
            }
            Err(_) => {}
        }
        if let Some(log) = log {
            self.follow(header, log)?;
        }
        Ok(self.again.begin(header)?)
    }

    /// Folds a log up to where decisions begin.
    fn follow(&mut self, header: &Header, path: &Path) -> Result<()> {
        let log = Log::open(path)?;
        let reading = log.read()?;
        if let Some(base) = reading.base.filter(|base| base.head() > self.again.ledger().head()) {
            self.again.go_on_from(base);
        }
        for commit in reading.commits {
            let commit = commit?;
            if commit.after >= header.after {
                break;
            }
            if commit.after >= self.again.ledger().head() {
                self.again.skip(&commit)?;
            }
        }
        Ok(())
    }

    fn json(&self, file: &Path) -> Value {
        let Self { again, differ, ends_early } = self;
        json!({
            "file": file,
            "ok": differ.is_empty(),
            "decisions": again.decisions(),
            "head": again.ledger().head(),
            "digest": again.ledger().digest(),
            "differ": differ,
            "endsEarly": ends_early,
        })
    }

    fn table(&self, file: &Path) -> Table {
        let Self { again, differ, .. } = self;
        let differing = Cell::new(differ.len());
        Table::facts([
            ("file", Cell::new(file.display())),
            ("decisions", Cell::new(again.decisions())),
            ("head", Cell::new(again.ledger().head())),
            ("digest", Cell::new(again.ledger().digest())),
            ("differ", if differ.is_empty() { differing.good() } else { differing.bad() }),
        ])
    }
}
