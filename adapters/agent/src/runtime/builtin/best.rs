//! The best configurations so far.

/// The three best configurations, best first; of equals the earlier one.
#[derive(Debug, Default)]
pub(super) struct Best(Vec<(Option<f64>, String)>);

const KEPT: usize = 3;

impl Best {
    /// Considers a configuration; one without a score is worse than any with one.
    pub(super) fn offer(&mut self, config_id: &str, score: Option<f64>) {
        let place = self.0.partition_point(|(kept, _)| *kept >= score);
        if place < KEPT {
            self.0.insert(place, (score, config_id.to_owned()));
            self.0.truncate(KEPT);
        }
    }

    pub(super) fn into_ids(self) -> Vec<String> {
        self.0.into_iter().map(|(_, config_id)| config_id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_three_stay_and_the_earlier_of_equals_is_first() {
        let mut best = Best::default();

        let scores = [None, Some(1.0), Some(3.0), Some(1.0), Some(3.0), Some(-9.0)];
        for (id, score) in ["a", "b", "c", "d", "e", "f"].iter().zip(scores) {
            best.offer(id, score);
        }

        assert_eq!(best.into_ids(), ["c", "e", "b"]);
    }

    #[test]
    fn without_any_score_the_first_three_stay() {
        let mut best = Best::default();

        for id in ["a", "b", "c", "d"] {
            best.offer(id, None);
        }

        assert_eq!(best.into_ids(), ["a", "b", "c"]);
    }
}
