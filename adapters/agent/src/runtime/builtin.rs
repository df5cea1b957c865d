//! The built-in runtime: back-tests the configurations of an optimisation over its prices.

mod backtest;
mod best;
mod grid;
mod metrics;
mod params;
mod tpe;

use std::time::{Duration, Instant};

use edge_ledger_core::task::Payload;
use edge_ledger_wire::optimization::{Optimization, SearchStrategy};

use super::{Job, Progress, Report, Reporter, Row, Runtime, Stopped, Work};
use backtest::{Market, Strategy};
use best::Best;
use grid::Grid;
use metrics::Metric;
use params::{Configuration, Params};
use tpe::Study;

/// Works through optimisations on a thread of its own.
#[derive(Debug, Clone, Default)]
pub struct Builtin {
    /// How long to rest after each configuration, on machines that have other work.
    pub pause: Duration,
}

impl Runtime for Builtin {
    fn start(&self, job: Job) -> Work {
        let (work, reporter) = Work::channel();
        let pause = self.pause;
        tokio::task::spawn_blocking(move || work_through(&job, pause, &reporter));
        work
    }
}

fn work_through(job: &Job, pause: Duration, reporter: &Reporter) {
    match optimize(job, pause, reporter) {
        Ok(()) | Err(Ended::Stopped(Stopped)) => {}
        Err(Ended::Impossible(error)) => {
            let failed = Report::Failed { error, retryable: false };
            // Whoever stopped the work does not wait for its reason to fail.
            let _ = reporter.report_blocking(failed);
        }
    }
}

/// Why an optimisation did not reach its end.
#[derive(Debug)]
enum Ended {
    Stopped(Stopped),
    Impossible(String),
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl From<String> for Ended {
    fn from(error: String) -> Self {
        Self::Impossible(error)
    }
}

fn optimize(job: &Job, pause: Duration, reporter: &Reporter) -> Result<(), Ended> {
    let task: Optimization = serde_json::from_str(job.json.get())
        .map_err(|error| format!("the built-in runtime works on optimisations only: {error}"))?;
    let prices = task.prices().map_err(|error| format!("prices are not numbers: {error}"))?;
    let market = Market::new(&prices)?;
    let ranking = Metric::ranking(&task.optimization_metrics)?;
    let params = Params::read(&task.optimization_params)?;
    let first = task.start_trial.unwrap_or(0);
    let mut bench = Bench { job, pause, reporter, market, ranking, best: Best::default() };

    match task.search_strategy {
        SearchStrategy::Grid => {
            let grid = Grid::new(&params)?;
            let mut count = Count::new("cfg", first, grid.len());
            for configuration in grid {
                bench.measure(&mut count, &configuration)?;
            }
            bench.finish(&count)
        }
        SearchStrategy::Optuna => {
            let mut study = Study::new(&params, &job.task_id, task.seed, first, task.trials)?;
            let mut count = Count::new("trial", first, task.trials);
            while !count.is_done() {
                let suggestion = study.suggest();
                let score = bench.measure(&mut count, &suggestion)?;
                study.learn(score);
            }
            bench.finish(&count)
        }
    }
}

/// Numbers configurations and counts them.
#[derive(Debug)]
struct Count {
    kind: &'static str,
    first: u64,
    done: u64,
    total: u64,
    told_at: Option<Instant>,
}

impl Count {
    fn new(kind: &'static str, first: u64, total: u64) -> Self {
        Self { kind, first, done: 0, total, told_at: None }
    }

    fn is_done(&self) -> bool {
        self.done >= self.total
    }

    fn config_id(&self, task_id: &str) -> String {
        format!("{task_id}_{}_{}", self.kind, self.first.saturating_add(self.done))
    }

    fn progress(&self, current_config: Option<String>) -> Progress {
        Progress {
            processed: self.done,
            total: self.total,
            current_config,
            trial_progress: Some(format!("{}/{}", self.done, self.total)),
        }
    }

    /// Returns whether progress is worth a report by now.
    fn is_news(&mut self) -> bool {
        let news = self.told_at.is_none_or(|told| told.elapsed() >= BETWEEN_REPORTS);
        if news {
            self.told_at = Some(Instant::now());
        }
        news
    }
}

const BETWEEN_REPORTS: Duration = Duration::from_millis(100);

/// Where configurations are measured and compared.
struct Bench<'a> {
    job: &'a Job,
    pause: Duration,
    reporter: &'a Reporter,
    market: Market,
    ranking: Metric,
    best: Best,
}

impl Bench<'_> {
    /// Measures one configuration and returns its score, higher being better.
    fn measure(&mut self, count: &mut Count, tried: &Configuration) -> Result<Option<f64>, Ended> {
        let config_id = count.config_id(&self.job.task_id);
        if count.is_news() {
            let progress = count.progress(Some(config_id.clone()));
            self.reporter.report_blocking(Report::Progress(progress))?;
        }

        let measured = self.market.backtest(&Strategy::read(tried)?);
        let score = self.ranking.score(&measured);
        self.best.offer(&config_id, score);
        let row = Row {
            config_id: config_id.into(),
            strategy_config: raw(tried),
            metrics: raw(&measured),
            result_folder: None,
        };
        self.reporter.report_blocking(Report::Row(row))?;
        count.done += 1;
        std::thread::sleep(self.pause);
        Ok(score)
    }

    fn finish(self, count: &Count) -> Result<(), Ended> {
        self.reporter.report_blocking(Report::Progress(count.progress(None)))?;
        let best_config_ids = self.best.into_ids();
        Ok(self.reporter.report_blocking(Report::Complete { best_config_ids })?)
    }
}

fn raw(value: &impl serde::Serialize) -> Payload {
    let json = serde_json::value::to_raw_value(value);
    Payload::new(json.expect("string keys and numbers have a JSON form"))
}

#[cfg(test)]
mod tests;
