//! A search that learns: a tree-structured Parzen estimator for each parameter.

use ::tpe::density_estimation::DefaultEstimatorBuilder;
use ::tpe::{TpeOptimizer, categorical_range, histogram_estimator, parzen_estimator, range};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::value::RawValue;

use super::params::{Choices, Configuration, Param, Params, Span, Step};

/// A search through the space of an optimisation's parameters.
///
/// The same task, seed and first trial always give the same suggestions to the same scores.
#[derive(Debug)]
pub(super) struct Study {
    dimensions: Vec<Dimension>,
    generator: ChaCha8Rng,
    learnt: u64,
}

/// How many trials are drawn evenly before the search begins to learn from them.
const DRAWN_EVENLY: u64 = 10;

/// The most trials one task may have: what a suggestion costs grows with the trials before it.
const MOST: u64 = 10_000;

impl Study {
    pub(super) fn new(
        params: &Params,
        task_id: &str,
        seed: Option<u64>,
        first_trial: u64,
        trials: u64,
    ) -> Result<Self, String> {
        if trials > MOST {
            return Err(format!("trials: expected at most {MOST}, found {trials}"));
        }
        let dimensions = params.0.iter().map(Dimension::new).collect::<Result<_, _>>()?;
        Ok(Self { dimensions, generator: generator(task_id, seed, first_trial), learnt: 0 })
    }

    /// Returns the next configuration to try.
    pub(super) fn suggest(&mut self) -> Configuration {
        let evenly = self.learnt < DRAWN_EVENLY;
        let generator = &mut self.generator;
        Configuration(
            self.dimensions
                .iter_mut()
                .map(|dimension| (dimension.name.clone(), dimension.suggest(evenly, generator)))
                .collect(),
        )
    }

    /// Learns what the last suggestion was worth, higher being better.
    pub(super) fn learn(&mut self, score: Option<f64>) {
        let cost = score.map_or(f64::INFINITY, |score| -score);
        for dimension in &mut self.dimensions {
            dimension
                .optimizer
                .tell(dimension.asked, cost)
                .expect("a suggestion is in its range and a cost is a number");
        }
        self.learnt += 1;
    }
}

/// Returns the source of a search's randomness. Without a seed the task's id stands for one, so
/// that every attempt at a task measures the same configurations under the same ids.
fn generator(task_id: &str, seed: Option<u64>, first_trial: u64) -> ChaCha8Rng {
    let mut generator = match seed {
        Some(seed) => ChaCha8Rng::seed_from_u64(seed),
        None => ChaCha8Rng::from_seed(*blake3::hash(task_id.as_bytes()).as_bytes()),
    };
    generator.set_stream(first_trial);
    generator
}

/// One parameter of the search.
#[derive(Debug)]
struct Dimension {
    name: String,
    scale: Scale,
    optimizer: TpeOptimizer<DefaultEstimatorBuilder>,
    asked: f64,
    start: f64,
    end: f64,
}

/// What a point of a dimension stands for.
#[derive(Debug)]
enum Scale {
    /// The value at the point's whole part.
    Listed(Vec<Box<RawValue>>),
    /// As many steps above the lowest number as the point's whole part says.
    Stepped { low: f64, step: f64, decimals: Option<usize> },
    /// The point itself.
    Continuous,
}

impl Dimension {
    fn new(param: &Param) -> Result<Self, String> {
        let (scale, start, end) = match &param.choices {
            Choices::Listed(values) => (Scale::Listed(values.clone()), 0.0, values.len() as f64),
            Choices::Between(Span { low, high, step: Some(Step { size, decimals }) }) => {
                let scale = Scale::Stepped { low: *low, step: *size, decimals: *decimals };
                // A step that should end on `high` may miss it by a rounding.
                (scale, 0.0, ((high - low) / size + 1e-9).floor() + 1.0)
            }
            Choices::Between(Span { low, high, step: None }) if low == high => {
                (Scale::Listed(vec![number(*low)]), 0.0, 1.0)
            }
            Choices::Between(Span { low, high, step: None }) => (Scale::Continuous, *low, *high),
        };
        let optimizer = match &scale {
            Scale::Listed(values) => categorical_range(values.len())
                .map(|range| TpeOptimizer::new(histogram_estimator(), range)),
            Scale::Stepped { .. } | Scale::Continuous => {
                range(start, end).map(|range| TpeOptimizer::new(parzen_estimator(), range))
            }
        }
        .map_err(|error| format!("optimizationParams.{}: {error}", param.name))?;
        Ok(Self { name: param.name.clone(), scale, optimizer, asked: start, start, end })
    }

    fn suggest(&mut self, evenly: bool, generator: &mut ChaCha8Rng) -> Box<RawValue> {
        self.asked = if evenly {
            generator.random_range(self.start..self.end)
        } else {
            match self.optimizer.ask(generator) {
                Ok(point) => point,
                Err(never) => match never {},
            }
        };
        match &self.scale {
            Scale::Listed(values) => {
                let at = (self.asked as usize).min(values.len() - 1);
                values[at].clone()
            }
            Scale::Stepped { low, step, decimals } => {
                let value = self.asked.floor().mul_add(*step, *low);
                decimals.map_or_else(|| number(value), |decimals| rounded(value, decimals))
            }
            Scale::Continuous => number(self.asked),
        }
    }
}

fn number(value: f64) -> Box<RawValue> {
    serde_json::value::to_raw_value(&value).expect("a number has a JSON form")
}

fn rounded(value: f64, decimals: usize) -> Box<RawValue> {
    RawValue::from_string(format!("{value:.decimals$}")).expect("digits are a JSON number")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: &str = r#"{"kind":["a","b","c"],"size":{"min":1,"max":9,"step":2},
        "rate":{"low":0.1,"high":0.3,"step":0.1},"share":{"min":0,"max":1},"fixed":{"min":2,"max":2}}"#;

    fn params(json: &str) -> Params {
        Params::read(&RawValue::from_string(json.to_owned()).unwrap()).unwrap()
    }

    fn study(json: &str, seed: Option<u64>, first_trial: u64) -> Study {
        Study::new(&params(json), "job", seed, first_trial, 40).unwrap()
    }

    /// Searches for a share of 0.7 and returns what was tried.
    fn search(mut study: Study) -> Vec<String> {
        (0..40)
            .map(|_| {
                let tried = study.suggest();
                let text = serde_json::to_string(&tried).unwrap();
                study.learn(Some(-(share(&text) - 0.7).abs()));
                text
            })
            .collect()
    }

    fn share(configuration: &str) -> f64 {
        let read: serde_json::Value = serde_json::from_str(configuration).unwrap();
        read["share"].as_f64().unwrap()
    }

    #[test]
    fn a_seed_makes_a_search_repeatable() {
        let once = search(study(SPACE, Some(7), 0));

        assert_eq!(search(study(SPACE, Some(7), 0)), once);
        assert_ne!(search(study(SPACE, Some(8), 0)), once);
        assert_ne!(search(study(SPACE, Some(7), 40)), once, "a continued search goes on elsewhere");
    }

    #[test]
    fn without_a_seed_the_task_makes_a_search_repeatable() {
        let once = search(study(SPACE, None, 0));
        let other = Study::new(&params(SPACE), "another job", None, 0, 40).unwrap();

        assert_eq!(search(study(SPACE, None, 0)), once);
        assert_ne!(search(other), once);
    }

    #[test]
    fn a_search_learns_where_the_better_scores_are() {
        let tried = search(study(SPACE, Some(7), 0));

        let off = |tried: &[String]| -> f64 {
            tried.iter().map(|one| (share(one) - 0.7).abs()).sum::<f64>() / tried.len() as f64
        };
        let (first, last) = (off(&tried[..10]), off(&tried[30..]));
        assert!(last < first / 2.0, "off by {first} at first, by {last} at last");
    }

    #[test]
    fn every_suggestion_is_a_value_the_parameter_may_have() {
        for tried in search(study(SPACE, Some(1), 0)) {
            let read: serde_json::Value = serde_json::from_str(&tried).unwrap();
            assert!(["a", "b", "c"].contains(&read["kind"].as_str().unwrap()), "{tried}");
            assert!([1, 3, 5, 7, 9].contains(&read["size"].as_i64().unwrap()), "{tried}");
            assert!([0.1, 0.2, 0.3].contains(&read["rate"].as_f64().unwrap()), "{tried}");
            assert!((0.0..1.0).contains(&share(&tried)), "{tried}");
            assert_eq!(read["fixed"].as_f64(), Some(2.0), "{tried}");
            assert!(tried.starts_with(r#"{"kind":"#), "{tried}");
        }
    }

    #[test]
    fn scores_that_are_no_numbers_are_worse_than_any() {
        let mut study = study(r#"{"kind":["bad","good"]}"#, Some(3), 0);

        let mut goods = 0;
        for trial in 0..60 {
            let good = serde_json::to_string(&study.suggest()).unwrap().contains("good");
            goods += usize::from(good && trial >= 30);
            study.learn(good.then_some(-1e9));
        }

        assert!(goods > 25, "{goods} of the last 30");
    }

    #[test]
    fn too_many_trials_are_refused() {
        let refused = Study::new(&params(SPACE), "job", None, 0, 10_001).unwrap_err();

        assert_eq!(refused, "trials: expected at most 10000, found 10001");
    }
}
