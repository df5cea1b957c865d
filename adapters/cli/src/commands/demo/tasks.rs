//! What the demonstration has its edges do.

use anyhow::Result;
use serde_json::{Value, json};

use super::prices::{self, Day};

/// The task that is large enough to be caught under way: the whole twenty years.
pub(super) const LARGE: &str = "sp500-1999-2018";

/// How long a lease runs without a word, in seconds.
const LEASE: u64 = 3;

/// Returns the tasks: the whole series, each two years of it, and a search that learns.
pub(super) fn all() -> Result<Vec<Value>> {
    let days = prices::days()?;
    let mut tasks = vec![task(LARGE, 10, &days, &grid(&WIDE, &WIDE))];
    for year in (1999..2019).step_by(2) {
        let period = prices::of_years(&days, year, year + 1);
        let id = format!("sp500-{year}-{}", year + 1);
        tasks.push(task(&id, 0, period, &grid(&ENTRIES, &EXITS)));
    }
    let decade = prices::of_years(&days, 2009, 2018);
    tasks.push(task("sp500-2009-2018-learning", 0, decade, &learning()));
    Ok(tasks)
}

fn task(id: &str, priority: i32, days: &[Day], search: &Value) -> Value {
    let date = |day: Option<&Day>| day.map(|day| day.date);
    let mut task = json!({
        "id": id,
        "name": format!("S&P 500, {} days", days.len()),
        "priority": priority,
        "leaseSeconds": LEASE,
        "backoff": { "baseSeconds": 0 },
        "symbol": "SPX",
        "interval": "1d",
        "optimizationMetrics": ["sharpeRatio", "totalPnlPercent"],
        "startDate": date(days.first()),
        "endDate": date(days.last()),
        "prices": days.iter().map(|day| day.close).collect::<Vec<_>>(),
    });
    for (name, value) in search.as_object().into_iter().flatten() {
        task[name] = value.clone();
    }
    task
}

/// In percent: 8 × 8 × 8 combinations for two years, 12 × 12 × 12 for all twenty.
const ENTRIES: [f64; 8] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0];
const EXITS: [f64; 8] = [0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0];
const WIDE: [f64; 12] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0];

/// Every combination of the values.
fn grid(entries: &[f64], exits: &[f64]) -> Value {
    json!({
        "searchStrategy": "grid",
        "trials": entries.len() * exits.len() * exits.len(),
        "optimizationParams": {
            "entryThresholdPct": entries,
            "takeProfitPct": exits,
            "stopLossPct": exits,
            "feePct": [0.02],
        },
    })
}

/// Combinations chosen by what earlier ones were worth.
fn learning() -> Value {
    json!({
        "searchStrategy": "optuna",
        "trials": 300,
        "seed": 500,
        "optimizationParams": {
            "entryThresholdPct": { "min": 0.0, "max": 1.0 },
            "takeProfitPct": { "min": 0.1, "max": 5.0 },
            "stopLossPct": { "min": 0.1, "max": 5.0 },
            "feePct": [0.02],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thousands_of_configurations_in_tasks_of_different_ids() {
        let tasks = all().unwrap();

        let mut ids: Vec<_> = tasks.iter().map(|task| task["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 12);
        let trials: u64 = tasks.iter().map(|task| task["trials"].as_u64().unwrap()).sum();
        assert_eq!(trials, 1_728 + 10 * 512 + 300);
    }
}
