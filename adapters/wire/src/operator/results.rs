//! `/v1/tasks/{id}/results` and `/late-results`: rows, as operators see them.
use edge_ledger_core::task::{LateResults as Kept, Payload, Row};
use serde::{Deserialize, Serialize};

/// What came of one configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultRow {
    /// Names the configuration within the run.
    pub config_id: Box<str>,
    /// What was configured.
    pub strategy_config: Payload,
    /// What came of it.
    pub metrics: Payload,
    /// Where the edge keeps more of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_folder: Option<Box<str>>,
}

/// Rows kept aside, because they came after the lease was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LateResults {
    /// The position of the event that kept them: what to name when adopting them.
    pub kept_at: u64,
    /// Who sent them.
    pub edge: String,
    /// In which run.
    pub run: u32,
    /// The rows.
    pub rows: Vec<ResultRow>,
}

impl From<&Row> for ResultRow {
    fn from(row: &Row) -> Self {
        let Row { config_id, strategy_config, metrics, result_folder } = row.clone();
        Self { config_id, strategy_config, metrics, result_folder }
    }
}

impl LateResults {
    /// Shows what is kept aside, with the rows from the journal.
    #[must_use]
    pub fn of(kept: &Kept, rows: &[Row]) -> Self {
        Self {
            kept_at: kept.kept_at.get(),
            edge: kept.edge.to_string(),
            run: kept.run,
            rows: rows.iter().map(ResultRow::from).collect(),
        }
    }
}
