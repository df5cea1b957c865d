//! Every combination of the listed values.

use serde_json::value::RawValue;

use super::params::{Choices, Configuration, Params};

/// The Cartesian product of the parameters' values: the last key turns fastest.
#[derive(Debug)]
pub(super) struct Grid<'a> {
    axes: Vec<(&'a str, &'a [Box<RawValue>])>,
    next: u64,
    len: u64,
}

/// The most configurations one task may have.
const MOST: u64 = 1_000_000;

impl<'a> Grid<'a> {
    pub(super) fn new(params: &'a Params) -> Result<Self, String> {
        let axes = params
            .0
            .iter()
            .map(|param| match &param.choices {
                Choices::Listed(values) => Ok((param.name.as_str(), values.as_slice())),
                Choices::Between(_) => Err(format!(
                    "optimizationParams.{}: a grid needs an array of values, found a range",
                    param.name
                )),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let len = axes
            .iter()
            .try_fold(1_u64, |len, (_, values)| len.checked_mul(values.len() as u64))
            .filter(|len| *len <= MOST)
            .ok_or_else(|| format!("optimizationParams make more than {MOST} configurations"))?;
        Ok(Self { axes, next: 0, len })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }
}

impl Iterator for Grid<'_> {
    type Item = Configuration;

    fn next(&mut self) -> Option<Configuration> {
        if self.next >= self.len {
            return None;
        }
        let mut rest = self.next;
        self.next += 1;
        let mut pairs: Vec<_> = self
            .axes
            .iter()
            .rev()
            .map(|(name, values)| {
                let size = values.len() as u64;
                let turn = usize::try_from(rest % size).expect("a remainder is below a length");
                rest /= size;
                ((*name).to_owned(), values[turn].clone())
            })
            .collect();
        pairs.reverse();
        Some(Configuration(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: &str) -> Params {
        Params::read(&RawValue::from_string(json.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn a_grid_turns_its_last_key_fastest_and_keeps_every_value_as_written() {
        let params = params(r#"{"z":[1.50,2],"a":["x",null,true]}"#);

        let grid = Grid::new(&params).unwrap();

        assert_eq!(grid.len(), 6);
        let all: Vec<_> = grid.map(|one| serde_json::to_string(&one).unwrap()).collect();
        assert_eq!(
            all,
            [
                r#"{"z":1.50,"a":"x"}"#,
                r#"{"z":1.50,"a":null}"#,
                r#"{"z":1.50,"a":true}"#,
                r#"{"z":2,"a":"x"}"#,
                r#"{"z":2,"a":null}"#,
                r#"{"z":2,"a":true}"#,
            ]
        );
    }

    #[test]
    fn a_grid_without_parameters_is_one_empty_configuration() {
        let params = params("{}");

        let all: Vec<_> = Grid::new(&params).unwrap().collect();

        assert_eq!(serde_json::to_string(&all).unwrap(), "[{}]");
    }

    #[test]
    fn a_grid_of_ranges_or_of_too_many_configurations_is_refused() {
        let range = params(r#"{"a":[1],"b":{"min":1,"max":2}}"#);
        let hundred = (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        let fits = params(&format!(r#"{{"a":[{hundred}],"b":[{hundred}],"c":[{hundred}]}}"#));
        let vast =
            params(&format!(r#"{{"a":[{hundred}],"b":[{hundred}],"c":[{hundred}],"d":[1,2]}}"#));

        assert_eq!(
            Grid::new(&range).unwrap_err(),
            "optimizationParams.b: a grid needs an array of values, found a range"
        );
        assert_eq!(Grid::new(&fits).unwrap().len(), 1_000_000);
        assert_eq!(
            Grid::new(&vast).unwrap_err(),
            "optimizationParams make more than 1000000 configurations"
        );
    }
}
