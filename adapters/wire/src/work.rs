//! What a task has its edge do, as the ledger keeps it.
use edge_ledger_core::task::Payload;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::{Fields, Malformed, optimization::Optimization, read};

/// What a task has its edge do. The ledger keeps it as JSON and does not look into it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// An optimisation.
    Optimization(Box<Optimization>),
    /// Whatever the submitter said, byte for byte.
    Payload(Box<RawValue>),
    /// Nothing that needs saying.
    Nothing,
}

/// A payload in the ledger is not what this build keeps there.
#[derive(Debug, thiserror::Error)]
#[error("the task's payload is not one that the gateway writes")]
pub struct UnknownWork(#[from] serde_json::Error);

/// The names of an optimisation's fields.
const OPTIMIZATION: [&str; 11] = [
    "symbol",
    "interval",
    "searchStrategy",
    "optimizationParams",
    "optimizationMetrics",
    "trials",
    "startTrial",
    "seed",
    "prices",
    "startDate",
    "endDate",
];

/// The largest whole number that every JSON reader keeps exact.
const EXACT_MAX: u64 = (1 << 53) - 1;

impl Work {
    /// Reads the work among the fields of a submission: an optimisation's own fields beside the
    /// task's, as an edge gets them, or together under `optimization`; or a `payload`.
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let beside = OPTIMIZATION.into_iter().find(|name| fields.has(name));
        let under = fields.optional("optimization", |value| {
            let fields = Fields::of_value(value)?;
            let optimization = optimization(&fields)?;
            fields.no_others().map(|()| optimization)
        })?;
        let payload = fields.optional("payload", read::any)?;
        match (beside, under, payload) {
            (None, None, None) => Ok(Self::Nothing),
            (None, None, Some(payload)) => Ok(Self::Payload(payload.raw().to_owned())),
            (None, Some(optimization), None) => Ok(Self::Optimization(Box::new(optimization))),
            (Some(_), None, None) => Ok(Self::Optimization(Box::new(optimization(fields)?))),
            (Some(name), _, _) => Err(Malformed::field(name, ONE_OF)),
            (None, Some(_), Some(_)) => Err(Malformed::field("optimization", ONE_OF)),
        }
    }

    /// Returns the work as the ledger keeps it.
    ///
    /// # Panics
    ///
    /// Never: work holds nothing that JSON cannot.
    #[must_use]
    pub fn to_payload(&self) -> Payload {
        Payload::new(to_raw_value(self).expect("work is JSON"))
    }

    /// Reads the work as the ledger keeps it.
    ///
    /// # Errors
    ///
    /// Fails if it was another program that wrote it.
    pub fn of_payload(payload: &Payload) -> Result<Self, UnknownWork> {
        Ok(serde_json::from_str(payload.get())?)
    }
}

const ONE_OF: &str = "a task has the fields of an optimization, an `optimization` or a `payload`, \
                      and only one of the three";

fn optimization(fields: &Fields<'_>) -> Result<Optimization, Malformed> {
    let exact = read::integer(0..=EXACT_MAX);
    let metrics = read::list(0..=64, read::text(1..=64));
    let metrics = fields.required("optimizationMetrics", metrics)?;
    let params = fields.required("optimizationParams", read::object)?;
    Ok(Optimization {
        symbol: fields.required("symbol", read::text(1..=64))?.into(),
        interval: fields.required("interval", read::text(1..=32))?.into(),
        search_strategy: fields.required("searchStrategy", read::one_of("grid, optuna"))?,
        optimization_params: params.raw().to_owned(),
        optimization_metrics: metrics.into_iter().map(String::from).collect(),
        trials: fields.required("trials", read::integer(1..=EXACT_MAX))?,
        start_trial: fields.optional("startTrial", &exact)?,
        seed: fields.optional("seed", &exact)?,
        prices: fields.optional("prices", read::numbers)?.map(|prices| prices.raw().to_owned()),
        start_date: fields.optional("startDate", read::text(0..=64))?.map(String::from),
        end_date: fields.optional("endDate", read::text(0..=64))?.map(String::from),
    })
}
