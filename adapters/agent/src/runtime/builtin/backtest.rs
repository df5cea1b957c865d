//! What a configuration would have gained over a series of prices.

use super::metrics::Metrics;
use super::params::Configuration;

/// A series of prices, as the moves between neighbours.
#[derive(Debug)]
pub(super) struct Market {
    /// In percent of the price before.
    moves: Vec<f64>,
}

impl Market {
    pub(super) fn new(prices: &[f64]) -> Result<Self, String> {
        if let Some((at, price)) = prices.iter().enumerate().find(|(_, price)| **price <= 0.0) {
            return Err(format!("prices[{at}]: expected a price above 0, found {price}"));
        }
        let moves = prices.windows(2).map(|pair| (pair[1] - pair[0]) / pair[0] * 100.0).collect();
        Ok(Self { moves })
    }

    /// Opens a position at every move that reaches the threshold and closes it a step later.
    pub(super) fn backtest(&self, strategy: &Strategy) -> Metrics {
        let gains: Vec<f64> = self
            .moves
            .windows(2)
            .filter(|pair| pair[0] >= strategy.entry_threshold_pct)
            .map(|pair| strategy.gain(pair[1]))
            .collect();
        Metrics::of(&gains)
    }
}

/// The parameters a back-test knows, in percent.
#[derive(Debug, PartialEq)]
pub(super) struct Strategy {
    entry_threshold_pct: f64,
    stop_loss_pct: f64,
    take_profit_pct: f64,
    fee_pct: f64,
}

impl Default for Strategy {
    /// Buys whatever does not fall, holds without bounds, pays nothing.
    fn default() -> Self {
        Self {
            entry_threshold_pct: 0.0,
            stop_loss_pct: f64::INFINITY,
            take_profit_pct: f64::INFINITY,
            fee_pct: 0.0,
        }
    }
}

impl Strategy {
    /// Reads the parameters it knows; others change nothing.
    pub(super) fn read(configuration: &Configuration) -> Result<Self, String> {
        let mut strategy = Self::default();
        for (name, value) in &configuration.0 {
            match name.as_str() {
                "entryThresholdPct" => strategy.entry_threshold_pct = number(name, value.get())?,
                "stopLossPct" => strategy.stop_loss_pct = positive(name, value.get())?,
                "takeProfitPct" => strategy.take_profit_pct = positive(name, value.get())?,
                "feePct" => strategy.fee_pct = positive(name, value.get())?,
                _ => {}
            }
        }
        Ok(strategy)
    }

    fn gain(&self, moved: f64) -> f64 {
        moved.clamp(-self.stop_loss_pct, self.take_profit_pct) - self.fee_pct
    }
}

fn number(name: &str, json: &str) -> Result<f64, String> {
    serde_json::from_str(json)
        .map_err(|_| format!("optimizationParams.{name}: expected a number, found {json}"))
}

fn positive(name: &str, json: &str) -> Result<f64, String> {
    match number(name, json)? {
        value if value >= 0.0 => Ok(value),
        value => Err(format!("optimizationParams.{name}: expected 0 or more, found {value}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn strategy(pairs: &[(&str, &str)]) -> Result<Strategy, String> {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let pairs = pairs.iter().map(|(name, json)| ((*name).to_owned(), raw(json))).collect();
        Strategy::read(&Configuration(pairs))
    }

    #[test]
    fn a_position_gains_the_move_after_the_one_that_opened_it() {
        // Moves: +10, -50, +100, +4 (opens, but nothing follows).
        let market = Market::new(&[100.0, 110.0, 55.0, 110.0, 114.4]).unwrap();
        let bounded = strategy(&[
            ("entryThresholdPct", "4"),
            ("stopLossPct", "2"),
            ("takeProfitPct", "3.5"),
            ("feePct", "0.5"),
        ])
        .unwrap();

        let metrics = market.backtest(&bounded);

        // -50 held at -2 less 0.5; +4 held at 3.5 less 0.5.
        assert_eq!(metrics, Metrics::of(&[-2.5, 3.0]));
    }

    #[test]
    fn the_threshold_itself_opens_a_position() {
        let market = Market::new(&[100.0, 150.0, 150.0]).unwrap();

        let trades = |threshold| {
            let strategy = strategy(&[("entryThresholdPct", threshold)]).unwrap();
            market.backtest(&strategy).total_trades
        };

        assert_eq!((trades("50"), trades("50.001")), (1, 0));
    }

    #[test]
    fn parameters_left_out_have_their_defaults() {
        let market = Market::new(&[100.0, 100.0, 25.0, 100.0, 75.0]).unwrap();

        let metrics = market.backtest(&strategy(&[("lookback", r#""any""#)]).unwrap());

        // Opened by 0 and by +300: no bounds, no fee.
        assert_eq!(metrics, Metrics::of(&[-75.0, -25.0]));
    }

    #[test]
    fn fewer_prices_than_a_trade_needs_make_no_trade() {
        for prices in [&[][..], &[1.0], &[1.0, 2.0]] {
            let metrics = Market::new(prices).unwrap().backtest(&Strategy::default());
            assert_eq!(metrics.total_trades, 0, "{prices:?}");
        }
    }

    #[test]
    fn a_price_of_nothing_and_a_parameter_that_is_no_bound_are_refused_by_name() {
        assert_eq!(
            Market::new(&[1.0, 0.0]).unwrap_err(),
            "prices[1]: expected a price above 0, found 0"
        );
        assert_eq!(
            strategy(&[("stopLossPct", "-2")]).unwrap_err(),
            "optimizationParams.stopLossPct: expected 0 or more, found -2"
        );
        assert_eq!(
            strategy(&[("feePct", r#""free""#)]).unwrap_err(),
            r#"optimizationParams.feePct: expected a number, found "free""#
        );
    }
}
