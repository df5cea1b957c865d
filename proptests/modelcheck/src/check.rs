//! Visiting all of it, and what was found.
use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
    hash::Hash,
    time::{Duration, Instant},
};

use stateright::{Checker as _, Expectation, HasDiscoveries, Model};

/// What a visit came to.
#[derive(Clone, Debug)]
pub struct Checked {
    /// How many states there are, each counted once.
    pub states: usize,
    /// How many ways lead into them.
    pub ways: usize,
    /// How many steps away the furthest is.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// What was looked for, and whether it was found.
    pub found: BTreeMap<&'static str, Found>,
}

/// Whether something was found, and how one comes to it.
#[derive(Clone, Debug)]
pub enum Found {
    /// It holds in every state.
    Holds,
    /// It does not hold after these steps.
    Broken(Vec<String>),
    /// It is there, after so many steps.
    Seen(usize),
    /// It is nowhere.
    Unseen,
}

/// Visits every state of a model, or all up to the first ones in which something is broken, on so
/// many threads. With one thread the ways to what was found are the shortest.
pub fn check<M>(model: M, threads: usize) -> Checked
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Hash + PartialEq + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq,
{
    let begun = Instant::now();
    let checker = model.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_bfs().join();
    let mut discoveries = checker.discoveries();
    let found = checker.model().properties().into_iter().map(|property| {
        let path = discoveries.remove(property.name).map(stateright::Path::into_actions);
        let found = match (property.expectation, path) {
            (Expectation::Sometimes, Some(path)) => Found::Seen(path.len()),
            (Expectation::Sometimes, None) => Found::Unseen,
            (Expectation::Always | Expectation::Eventually, None) => Found::Holds,
            (Expectation::Always | Expectation::Eventually, Some(path)) => {
                Found::Broken(path.iter().map(|step| format!("{step:?}")).collect())
            }
        };
        (property.name, found)
    });
    Checked {
        states: checker.unique_state_count(),
        ways: checker.state_count(),
        depth: checker.max_depth() - 1,
        took: begun.elapsed(),
        found: found.collect(),
    }
}

impl Checked {
    /// Returns whether all that has to hold holds, and all that has to be seen was seen.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.found.values().all(|found| matches!(found, Found::Holds | Found::Seen(_)))
    }

    /// Returns what is broken, with the steps that lead there.
    #[must_use]
    pub fn broken(&self) -> Vec<(&'static str, &[String])> {
        self.found
            .iter()
            .filter_map(|(name, found)| match found {
                Found::Broken(steps) => Some((*name, steps.as_slice())),
                Found::Holds | Found::Seen(_) | Found::Unseen => None,
            })
            .collect()
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, ways, depth, took, found } = self;
        let seconds = took.as_secs_f64();
        write!(f, "{states} states, {ways} ways into them, depth {depth}, {seconds:.1} s")?;
        for (name, found) in found {
            match found {
                Found::Holds => write!(f, "\n  holds: {name}")?,
                Found::Seen(steps) => write!(f, "\n  seen after {steps} steps: {name}")?,
                Found::Unseen => write!(f, "\n  NEVER SEEN: {name}")?,
                Found::Broken(steps) => {
                    write!(f, "\n  BROKEN after {} steps: {name}", steps.len())?;
                    steps.iter().try_for_each(|step| write!(f, "\n    {step}"))?;
                }
            }
        }
        Ok(())
    }
}
