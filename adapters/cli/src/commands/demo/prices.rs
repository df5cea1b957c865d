//! Twenty years of daily closes of the S&P 500, inside the binary.

use anyhow::{Context as _, Result};

/// See the note beside the file for where it comes from and whose it is.
const CSV: &str = include_str!("../../../../../fixtures/prices/sp500-daily-close.csv");

/// A trading day.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Day {
    /// Which, as in `1999-01-04`.
    pub(super) date: &'static str,
    /// The index at its close.
    pub(super) close: f64,
}

/// Returns every day, oldest first.
pub(super) fn days() -> Result<Vec<Day>> {
    CSV.lines().skip(1).map(day).collect()
}

fn day(line: &'static str) -> Result<Day> {
    let (date, close) = line.split_once(',').with_context(|| format!("{line:?} is no day"))?;
    Ok(Day { date, close: close.parse().with_context(|| format!("{close:?} is no price"))? })
}

/// Returns the days of some years, both included.
pub(super) fn of_years(days: &[Day], first: u16, last: u16) -> &[Day] {
    let from = days.partition_point(|day| day.date < first.to_string().as_str());
    let to = days.partition_point(|day| day.date < (last + 1).to_string().as_str());
    &days[from..to]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_twenty_years_of_prices() {
        let days = days().unwrap();

        assert_eq!(days.len(), 5_031);
        assert_eq!(days.first(), Some(&Day { date: "1999-01-04", close: 1228.10 }));
        assert_eq!(days.last(), Some(&Day { date: "2018-12-31", close: 2506.85 }));
        assert!(days.is_sorted_by(|one, next| one.date < next.date));
    }

    #[test]
    fn a_period_begins_and_ends_with_its_years() {
        let days = days().unwrap();

        let crisis = of_years(&days, 2007, 2008);

        let ends = (crisis.first().unwrap().date, crisis.last().unwrap().date);
        assert_eq!(ends, ("2007-01-03", "2008-12-31"));
        let periods = (1999..2019).step_by(2).map(|year| of_years(&days, year, year + 1).len());
        assert_eq!(periods.sum::<usize>(), days.len());
    }
}
