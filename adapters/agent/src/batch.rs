//! Rows on their way, in requests of bounded size.

use std::time::{Duration, Instant};

use crate::runtime::Row;

/// Rows that wait to be sent together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    rows: Vec<Row>,
    bytes: usize,
    oldest_at: Option<Instant>,
}

/// How many rows go into one request, and about how many bytes; one larger row goes alone.
const ROWS_MOST: usize = 500;
const BYTES_MOST: usize = 1024 * 1024;
/// How long a row may wait for others.
const WAIT_MOST: Duration = Duration::from_secs(5);

impl Batch {
    /// Adds a row, and returns the rows to be sent first if it no longer fits to them.
    pub(crate) fn add(&mut self, row: Row, now: Instant) -> Vec<Row> {
        let bytes = size(&row);
        let full = self.rows.len() >= ROWS_MOST || self.bytes + bytes > BYTES_MOST;
        let sent = if full { self.take() } else { Vec::new() };
        self.bytes += bytes;
        self.oldest_at.get_or_insert(now);
        self.rows.push(row);
        sent
    }

    /// Returns when the rows have waited long enough, if there are any.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.oldest_at.map(|oldest| oldest + WAIT_MOST)
    }

    /// Returns all rows and begins anew.
    pub(crate) fn take(&mut self) -> Vec<Row> {
        std::mem::take(self).rows
    }
}

/// Returns how many bytes a row takes in a request, but for escapes in its short strings.
fn size(row: &Row) -> usize {
    const NAMES: usize = r#"{"configId":"","strategyConfig":,"metrics":,"resultFolder":""},"#.len();
    NAMES
        + row.config_id.len()
        + row.strategy_config.get().len()
        + row.metrics.get().len()
        + row.result_folder.as_deref().map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use edge_ledger_core::task::Payload;
    use serde_json::value::RawValue;

    use super::*;

    fn row(id: usize, bytes: usize) -> Row {
        let raw = |json: String| Payload::new(RawValue::from_string(json).unwrap());
        Row {
            config_id: format!("{id}").into(),
            strategy_config: raw("{}".to_owned()),
            metrics: raw(format!(r#"{{"note":"{}"}}"#, "x".repeat(bytes))),
            result_folder: None,
        }
    }

    /// Batches rows of these sizes and returns how many went into each request.
    fn requests(sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut batch = Batch::default();
        let mut sent = Vec::new();
        for (id, bytes) in sizes.into_iter().enumerate() {
            sent.push(batch.add(row(id, bytes), Instant::now()).len());
        }
        sent.push(batch.take().len());
        sent.retain(|rows| *rows > 0);
        sent
    }

    #[test]
    fn requests_are_bounded_in_rows_and_bytes_and_lose_no_row() {
        assert_eq!(requests([1; 1100]), [500, 500, 100]);
        assert_eq!(requests([300_000; 7]), [3, 3, 1]);
        assert_eq!(requests([10, 5_000_000, 10]), [1, 1, 1]);
        assert_eq!(requests([]), [0; 0]);
    }

    #[test]
    fn the_oldest_row_says_when_all_are_due() {
        let mut batch = Batch::default();
        let start = Instant::now();
        assert_eq!(batch.due_at(), None);

        batch.add(row(0, 1), start);
        batch.add(row(1, 1), start + WAIT_MOST);

        assert_eq!(batch.due_at(), Some(start + WAIT_MOST));
        batch.take();
        assert_eq!(batch.due_at(), None);
    }
}
