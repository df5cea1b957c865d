//! What an optimisation is, as submitters write it and edges receive it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The description of an optimisation: which configurations to try, over which prices, and what
/// makes one of them the best.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Optimization {
    /// What is traded.
    pub symbol: String,
    /// The time between two prices.
    pub interval: String,
    /// How configurations are chosen.
    pub search_strategy: SearchStrategy,
    /// The values each parameter may have, byte for byte as submitted: configurations are numbered
    /// by the order of its keys.
    pub optimization_params: Box<RawValue>,
    /// What is measured; the first one ranks the configurations.
    pub optimization_metrics: Vec<String>,
    /// How many configurations to try.
    pub trials: u64,
    /// The number of the first configuration, where a search goes on from another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_trial: Option<u64>,
    /// What makes the search repeatable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The prices to work over, oldest first, byte for byte as submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Box<RawValue>>,
    /// When the first price is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// When the last price is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
}

impl Optimization {
    /// Reads the prices; none if there are none.
    ///
    /// # Errors
    ///
    /// Fails if they are not an array of numbers. The gateway lets nothing else in.
    pub fn prices(&self) -> Result<Vec<f64>, serde_json::Error> {
        self.prices.as_deref().map_or(Ok(vec![]), |prices| serde_json::from_str(prices.get()))
    }
}

/// How the configurations of an optimisation are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchStrategy {
    /// Every combination of the listed values.
    Grid,
    /// A sampler that learns from the trials before.
    Optuna,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: &str = r#"{"symbol":"SPX","interval":"1d","searchStrategy":"grid","optimizationParams":{"z": [1.50, 2],"a":[3]},"optimizationMetrics":["sharpeRatio"],"trials":2,"prices":[1228.1,1244.78],"startDate":"1999-01-04"}"#;

    #[test]
    fn an_optimization_comes_out_byte_for_byte_as_it_went_in() {
        let read: Optimization = serde_json::from_str(GRID).unwrap();

        assert_eq!(read.optimization_params.get(), r#"{"z": [1.50, 2],"a":[3]}"#);
        assert_eq!(serde_json::to_string(&read).unwrap(), GRID);
    }

    #[test]
    fn a_search_strategy_is_lower_case() {
        let upper = GRID.replace(r#""grid""#, r#""GRID""#);

        let refused = serde_json::from_str::<Optimization>(&upper).unwrap_err().to_string();

        assert!(refused.starts_with("unknown variant `GRID`, expected `grid` or `optuna`"));
    }
}
