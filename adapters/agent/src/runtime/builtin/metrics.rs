//! What is measured of a configuration, and which of two is better.

use std::str::FromStr;

use serde::Serialize;

/// What came of back-testing one configuration.
///
/// A ratio that is not a number becomes `null` on the way out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metrics {
    /// Positions opened and closed.
    pub(super) total_trades: u64,
    /// Those with a gain above zero.
    pub(super) winning_trades: u64,
    /// Those with a gain below zero.
    pub(super) losing_trades: u64,
    /// Winning trades as a share of all, 0 to 1.
    pub(super) win_rate: f64,
    /// The sum of all gains, in percent of the stake.
    pub(super) total_pnl_percent: f64,
    /// The mean gain over its standard deviation, per trade.
    pub(super) sharpe_ratio: f64,
    /// The deepest fall of the running sum below its peak, in percent of the stake.
    pub(super) max_drawdown_percent: f64,
}

impl Metrics {
    /// Sums up the gains of a configuration's trades, in percent and in order.
    pub(super) fn of(gains: &[f64]) -> Self {
        let total = gains.len() as u64;
        let winning = gains.iter().filter(|gain| **gain > 0.0).count() as u64;
        Self {
            total_trades: total,
            winning_trades: winning,
            losing_trades: gains.iter().filter(|gain| **gain < 0.0).count() as u64,
            win_rate: winning as f64 / total as f64,
            total_pnl_percent: gains.iter().fold(0.0, |sum, gain| sum + gain),
            sharpe_ratio: sharpe_ratio(gains),
            max_drawdown_percent: max_drawdown(gains),
        }
    }
}

fn sharpe_ratio(gains: &[f64]) -> f64 {
    // Rounding would make a tiny deviation, and a huge ratio, of equal gains.
    if gains.windows(2).all(|pair| pair[0] == pair[1]) {
        return f64::NAN;
    }
    let count = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / count;
    let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
    mean / (squares / (count - 1.0)).sqrt()
}

fn max_drawdown(gains: &[f64]) -> f64 {
    let (mut sum, mut peak, mut deepest) = (0.0_f64, 0.0_f64, 0.0_f64);
    for gain in gains {
        sum += gain;
        peak = peak.max(sum);
        deepest = deepest.max(peak - sum);
    }
    deepest
}

/// The name of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    TotalTrades,
    WinningTrades,
    LosingTrades,
    WinRate,
    TotalPnlPercent,
    SharpeRatio,
    MaxDrawdownPercent,
}

impl Metric {
    /// Returns the metric that ranks configurations: the first of those asked for.
    pub(super) fn ranking(asked: &[String]) -> Result<Self, String> {
        let known = asked.iter().map(|name| name.parse()).collect::<Result<Vec<Self>, _>>()?;
        Ok(known.first().copied().unwrap_or(Self::TotalPnlPercent))
    }

    /// Returns what a configuration is worth by this metric, higher being better, or nothing where
    /// the metric is not a number.
    pub(super) fn score(self, metrics: &Metrics) -> Option<f64> {
        let score = match self {
            Self::TotalTrades => metrics.total_trades as f64,
            Self::WinningTrades => metrics.winning_trades as f64,
            Self::LosingTrades => -(metrics.losing_trades as f64),
            Self::WinRate => metrics.win_rate,
            Self::TotalPnlPercent => metrics.total_pnl_percent,
            Self::SharpeRatio => metrics.sharpe_ratio,
            Self::MaxDrawdownPercent => -metrics.max_drawdown_percent,
        };
        score.is_finite().then_some(score)
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "totalTrades" => Ok(Self::TotalTrades),
            "winningTrades" => Ok(Self::WinningTrades),
            "losingTrades" => Ok(Self::LosingTrades),
            "winRate" => Ok(Self::WinRate),
            "totalPnlPercent" => Ok(Self::TotalPnlPercent),
            "sharpeRatio" => Ok(Self::SharpeRatio),
            "maxDrawdownPercent" => Ok(Self::MaxDrawdownPercent),
            unknown => Err(format!(
                "optimizationMetrics: `{unknown}` is not measured here; use totalTrades, \
                 winningTrades, losingTrades, winRate, totalPnlPercent, sharpeRatio or \
                 maxDrawdownPercent"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_those_worked_out_by_hand() {
        // Running sums 3, 1, 1, 5: the peak of 3 falls by 2. Mean 1.25; squared distances
        // 3.0625 + 10.5625 + 1.5625 + 7.5625 = 22.75, over 3 is 7.58333, its root 2.753785.
        let metrics = Metrics::of(&[3.0, -2.0, 0.0, 4.0]);

        assert_eq!((metrics.total_trades, metrics.winning_trades), (4, 2));
        assert_eq!(metrics.losing_trades, 1);
        assert_eq!(metrics.win_rate, 0.5);
        assert_eq!(metrics.total_pnl_percent, 5.0);
        assert!((metrics.sharpe_ratio - 1.25 / 2.753_785_273_643_051).abs() < 1e-12);
        assert_eq!(metrics.max_drawdown_percent, 2.0);
    }

    #[test]
    fn a_fall_from_the_start_is_a_drawdown_too() {
        assert_eq!(Metrics::of(&[-1.0, -2.0, 5.0]).max_drawdown_percent, 3.0);
    }

    #[test]
    fn what_is_not_a_number_leaves_as_null() {
        let none = serde_json::to_string(&Metrics::of(&[])).unwrap();
        let equal = serde_json::to_string(&Metrics::of(&[0.1, 0.1, 0.1])).unwrap();

        assert_eq!(
            none,
            r#"{"totalTrades":0,"winningTrades":0,"losingTrades":0,"winRate":null,"totalPnlPercent":0.0,"sharpeRatio":null,"maxDrawdownPercent":0.0}"#
        );
        assert!(equal.contains(r#""sharpeRatio":null"#), "{equal}");
    }

    #[test]
    fn less_is_better_of_losses_and_drawdown_only() {
        let calm = Metrics::of(&[1.0, -1.0, 2.0]);
        let wild = Metrics::of(&[4.0, -3.0, -2.0, 9.0]);

        for (metric, better) in [
            ("totalTrades", &wild),
            ("winningTrades", &calm),
            ("losingTrades", &calm),
            ("winRate", &calm),
            ("totalPnlPercent", &wild),
            ("maxDrawdownPercent", &calm),
        ] {
            let metric: Metric = metric.parse().unwrap();
            let best = f64::max(metric.score(&calm).unwrap(), metric.score(&wild).unwrap());
            assert_eq!(metric.score(better).unwrap(), best, "{metric:?}");
        }
    }

    #[test]
    fn the_first_metric_ranks_and_every_one_must_be_known() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();

        assert_eq!(Metric::ranking(&names(&["winRate", "totalTrades"])), Ok(Metric::WinRate));
        assert_eq!(Metric::ranking(&[]), Ok(Metric::TotalPnlPercent));
        let refused = Metric::ranking(&names(&["winRate", "profit"])).unwrap_err();
        assert!(refused.starts_with("optimizationMetrics: `profit` is not measured"), "{refused}");
    }
}
