//! What a program says: one JSON object a line.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::{Progress, Report, Row};

/// Understands the lines of one program, in order.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    line: u64,
    rows: u64,
    progress: Option<(u64, u64)>,
}

/// What a line said.
#[derive(Debug)]
pub(super) enum Said {
    /// The line was blank.
    Nothing,
    /// Something on the way.
    Report(Report),
    /// The last word, and how far the work has come by then.
    Verdict(Option<Progress>, Report),
}

impl Transcript {
    /// Reads the next line.
    pub(super) fn read(&mut self, line: &str) -> Result<Said, String> {
        self.line += 1;
        let line = line.trim();
        if line.is_empty() {
            return Ok(Said::Nothing);
        }
        self.understand(line).map_err(|error| format!("{error}: {}", excerpt(line)))
    }

    /// Names the line that was read last.
    pub(super) fn at(&self, error: &str) -> String {
        format!("line {} of the program's output: {error}", self.line.max(1))
    }

    fn understand(&mut self, line: &str) -> Result<Said, String> {
        let Kind { kind } = parse(line)?;
        match kind.as_ref() {
            "progress" => {
                let progress: ProgressLine = parse(line)?;
                self.progress = Some((progress.processed_configs, progress.total_configs));
                Ok(Said::Report(Report::Progress(progress.into())))
            }
            "result" => {
                let row = checked(parse(line)?)?;
                self.rows += 1;
                Ok(Said::Report(Report::Row(row)))
            }
            "complete" => {
                let complete: CompleteLine = parse(line)?;
                let progress = Some(self.final_progress(&complete));
                let best_config_ids = complete.best_config_ids;
                Ok(Said::Verdict(progress, Report::Complete { best_config_ids }))
            }
            "fail" => {
                let FailLine { error, retryable } = parse(line)?;
                Ok(Said::Verdict(None, Report::Failed { error, retryable }))
            }
            unknown => {
                Err(format!("type `{unknown}` is none of `progress`, `result`, `complete`, `fail`"))
            }
        }
    }

    /// Returns how far the work has come by its end: as the verdict says, else as the last
    /// progress said, else every row there is.
    fn final_progress(&self, complete: &CompleteLine) -> Progress {
        let (processed, total) = self.progress.unwrap_or((self.rows, self.rows));
        let processed = complete.processed_configs.unwrap_or(processed);
        let total = complete.total_configs.unwrap_or_else(|| total.max(processed));
        Progress { processed, total, ..Progress::default() }
    }
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| error.to_string())
}

fn excerpt(line: &str) -> String {
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProgressLine {
    processed_configs: u64,
    total_configs: u64,
    current_config: Option<String>,
    trial_progress: Option<String>,
}

impl From<ProgressLine> for Progress {
    fn from(line: ProgressLine) -> Self {
        Self {
            processed: line.processed_configs,
            total: line.total_configs,
            current_config: line.current_config,
            trial_progress: line.trial_progress,
        }
    }
}

/// Returns the row if the gateway will have it, so that a fault is found where it was made.
fn checked(row: Row) -> Result<Row, String> {
    match row.config_id.chars().count() {
        1..=200 => {}
        length => return Err(format!("`configId` has {length} characters, not 1 to 200")),
    }
    for (name, value) in [("strategyConfig", &row.strategy_config), ("metrics", &row.metrics)] {
        if !value.get().starts_with('{') {
            return Err(format!("`{name}` is no object"));
        }
    }
    match &row.result_folder {
        Some(folder) if folder.chars().count() > 500 => {
            Err("`resultFolder` has more than 500 characters".to_owned())
        }
        Some(_) | None => Ok(row),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompleteLine {
    #[serde(default)]
    best_config_ids: Vec<String>,
    processed_configs: Option<u64>,
    total_configs: Option<u64>,
}

#[derive(Deserialize)]
struct FailLine {
    #[serde(default)]
    error: String,
    #[serde(default)]
    retryable: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"type":"result","configId":"a","strategyConfig":{"z":1.50,"a":2},"metrics":{"pnl":null}}"#;

    #[test]
    fn a_result_keeps_its_objects_byte_for_byte() {
        let said = Transcript::default().read(ROW).unwrap();

        let Said::Report(Report::Row(row)) = said else {
            panic!("expected a row, found {said:?}");
        };
        assert_eq!(row.strategy_config.get(), r#"{"z":1.50,"a":2}"#);
        assert_eq!(row.metrics.get(), r#"{"pnl":null}"#);
    }

    #[test]
    fn the_verdict_counts_as_it_says_or_as_was_said_or_every_row() {
        let counts = |lines: &[&str]| {
            let mut transcript = Transcript::default();
            let (last, earlier) = lines.split_last().unwrap();
            for line in earlier {
                transcript.read(line).unwrap();
            }
            let Said::Verdict(progress, _) = transcript.read(last).unwrap() else {
                panic!("expected a verdict of {last}");
            };
            progress.map(|progress| (progress.processed, progress.total))
        };
        let progress = r#"{"type":"progress","processedConfigs":3,"totalConfigs":4}"#;

        assert_eq!(counts(&[ROW, r#"{"type":"complete"}"#]), Some((1, 1)));
        assert_eq!(counts(&[progress, ROW, r#"{"type":"complete"}"#]), Some((3, 4)));
        assert_eq!(counts(&[r#"{"type":"complete","processedConfigs":5}"#]), Some((5, 5)));
        assert_eq!(counts(&[ROW, r#"{"type":"complete","totalConfigs":5}"#]), Some((1, 5)));
    }

    #[test]
    fn a_line_that_means_nothing_is_refused_with_its_number_and_its_text() {
        for (line, refusal) in [
            ("oops", "expected value at line 1 column 1: oops"),
            (r#"{"configId":"a"}"#, "missing field `type` at line 1 column 16"),
            (r#"{"type":"done"}"#, "type `done` is none of `progress`, `result`"),
            (r#"{"type":"progress"}"#, "missing field `processedConfigs`"),
            (&ROW.replace(r#""a","#, r#""","#), "`configId` has 0 characters, not 1 to 200"),
            (&ROW.replace(r#"{"pnl":null}"#, "[1]"), "`metrics` is no object"),
        ] {
            let mut transcript = Transcript::default();
            transcript.read(" ").unwrap();

            let refused = transcript.read(line).unwrap_err();

            assert!(refused.starts_with(refusal), "{refused}");
            assert!(transcript.at(&refused).starts_with("line 2 of the program's output: "));
        }
    }
}
