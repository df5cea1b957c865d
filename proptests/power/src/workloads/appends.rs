//! Groups of commits, appended to a journal that is opened now and then.
use std::{marker::PhantomData, path::Path, path::PathBuf};

use edge_ledger_core::{Commit, Journal, JournalReader, Ledger, Position};

use super::{
    Broken, chain,
    plan::{self, Step},
    say,
    stores::Store,
};

/// A plan, and where it is carried out. Before each append it says `begin`, after it `done`.
pub(crate) struct Appends<S> {
    at: PathBuf,
    steps: Vec<Step>,
    store: PhantomData<S>,
}

impl<S: Store> Appends<S> {
    pub(crate) fn new(at: &Path, steps: Vec<Step>) -> Self {
        // As a gateway has it: neither the journal's directory nor the one above is there at first.
        Self { at: at.join("data/journal"), steps, store: PhantomData }
    }

    /// Carries out what of the plan is not there yet.
    pub(crate) fn run(&self) -> Result<(), Broken> {
        let groups = plan::groups(&self.steps);
        let mut journal = self.open()?;
        let present = present(&journal, &groups)?;
        let mut rest = groups.iter().enumerate();
        let mut appended = 0;
        for step in &self.steps {
            match step {
                Step::Append(_) => {
                    let (nth, group) = rest.next().expect("a group for each append");
                    if nth >= present {
                        say(&format!("begin {nth}"))?;
                        append(&mut journal, group)?;
                        say(&format!("done {nth}"))?;
                    }
                    appended = nth + 1;
                }
                Step::Reopen => {
                    drop(journal);
                    journal = self.open()?;
                }
                // What stands before an append that is there has been done, or is of no use now.
                Step::Archive | Step::Snapshot if appended < present => {}
                Step::Archive => {
                    let half = Position::new(end(&groups[..appended]).get() / 2);
                    S::archive(&self.at, &journal, half)
                        .map_err(|error| Broken::Stuck(chain(&error)))?;
                }
                Step::Snapshot => {
                    let ledger = fold(&groups[..appended])?;
                    S::snapshot(&self.at, &journal, &ledger)
                        .map_err(|error| Broken::Stuck(chain(&error)))?;
                    say(&format!("snapshot {}", ledger.head()))?;
                }
            }
        }
        Ok(())
    }

    /// Looks for every append that was answered, and for nothing that was not begun; then appends
    /// what would be next, and looks for that once more.
    pub(crate) fn check(&self, said: &[String]) -> Result<(), Broken> {
        let groups = plan::groups(&self.steps);
        let mut journal = self.open()?;
        let found = present(&journal, &groups)?;
        let (begun, promised) = (last(said, "begin "), last(said, "done "));
        if found < promised {
            return Err(Broken::Lost { promised, found });
        }
        if found > begun {
            return Err(Broken::Unasked { begun, found });
        }

        self.check_snapshot(&journal, &groups, said)?;
        S::summarised(&self.at).map_err(|error| Broken::Unreadable(chain(&error)))?;

        let mut end = end(&groups[..found]);
        append(&mut journal, &[plan::next(&mut end, 500), plan::next(&mut end, 10_000)])?;
        drop(journal);
        let journal = self.open().map_err(|error| Broken::Stuck(error.to_string()))?;
        let reader = journal.reader();
        match reader.read(Position::START).map(Result::ok).last().flatten() {
            Some(last) if last.head() == end => Ok(()),
            last => Err(Broken::Stuck(format!(
                "it ends at {:?} after an append up to {end}",
                last.map(|commit| commit.head())
            ))),
        }
    }

    /// Looks for the newest snapshot that was answered, or a newer one.
    fn check_snapshot(
        &self,
        journal: &S::Journal,
        groups: &[Vec<Commit>],
        said: &[String],
    ) -> Result<(), Broken> {
        let numbers = said.iter().filter_map(|line| line.strip_prefix("snapshot ")?.parse().ok());
        let promised: u64 = numbers.max().unwrap_or_default();
        let newest = S::newest(&self.at, journal);
        let found = newest.as_ref().map(|ledger| ledger.head().get());
        let upto = |ledger: &Ledger| {
            groups.iter().position(|group| group.last().map(Commit::head) == Some(ledger.head()))
        };
        let folds = match &newest {
            Some(ledger) => match upto(ledger) {
                Some(last) => fold(&groups[..=last])?.digest() == ledger.digest(),
                None => false,
            },
            None => true,
        };
        if folds && found.unwrap_or_default() >= promised {
            Ok(())
        } else {
            Err(Broken::Snapshot { promised, found })
        }
    }

    fn open(&self) -> Result<S::Journal, Broken> {
        S::open(&self.at).map_err(|error| Broken::Unopenable(chain(&error)))
    }
}

/// Returns how many of the groups are there, if nothing else is.
fn present(journal: &impl Journal, groups: &[Vec<Commit>]) -> Result<usize, Broken> {
    let mut expected = groups.iter().flatten();
    let mut count = 0;
    for commit in journal.reader().read(Position::START) {
        let commit = commit.map_err(|error| Broken::Unreadable(chain(&error)))?;
        if expected.next() != Some(&commit) {
            return Err(Broken::Altered(count));
        }
        count += 1;
    }
    let mut whole = 0;
    for (append, group) in groups.iter().enumerate() {
        match whole.cmp(&count) {
            std::cmp::Ordering::Less => whole += group.len(),
            std::cmp::Ordering::Equal => return Ok(append),
            std::cmp::Ordering::Greater => {
                return Err(Broken::Torn { append: append - 1, commits: count });
            }
        }
    }
    match whole == count {
        true => Ok(groups.len()),
        false => Err(Broken::Torn { append: groups.len() - 1, commits: count }),
    }
}

fn append(journal: &mut impl Journal, group: &[Commit]) -> Result<(), Broken> {
    journal.append(group).map_err(|error| Broken::Stuck(chain(&error)))
}

fn fold(groups: &[Vec<Commit>]) -> Result<Ledger, Broken> {
    let mut ledger = Ledger::default();
    for commit in groups.iter().flatten() {
        ledger.apply(commit).map_err(|error| Broken::Stuck(chain(&error)))?;
    }
    Ok(ledger)
}

fn end(groups: &[Vec<Commit>]) -> Position {
    groups.last().and_then(|group| group.last()).map_or(Position::START, Commit::head)
}

/// Returns how many appends were said to have come so far.
fn last(said: &[String], word: &str) -> usize {
    let numbers = said.iter().filter_map(|line| line.strip_prefix(word)?.parse::<usize>().ok());
    numbers.max().map_or(0, |nth| nth + 1)
}
