//! Groups of commits, appended to a journal that is opened now and then.
use std::{marker::PhantomData, path::Path, path::PathBuf};

use edge_ledger_core::{Commit, Journal, JournalReader, Position};

use super::{
    Broken, chain,
    plan::{self, Plan, Step},
    stores::Store,
};

/// A plan, and where it is carried out. Before each append it says `begin`, after it `done`.
pub(crate) struct Appends<S> {
    at: PathBuf,
    plan: Plan,
    store: PhantomData<S>,
}

impl<S: Store> Appends<S> {
    pub(crate) fn new(at: &Path, plan: Plan) -> Self {
        // As a gateway has it: neither the journal's directory nor the one above is there at first.
        Self { at: at.join("data/journal"), plan, store: PhantomData }
    }

    /// Carries out what of the plan is not there yet.
    pub(crate) fn run(&self) -> Result<(), Broken> {
        let groups = self.plan.groups();
        let mut journal = self.open()?;
        let present = present(&journal, &groups)?;
        let mut rest = groups.iter().enumerate();
        for step in &self.plan.steps {
            match step {
                Step::Append(_) => {
                    let (nth, group) = rest.next().expect("a group for each append");
                    if nth >= present {
                        say(&format!("begin {nth}"))?;
                        append(&mut journal, group)?;
                        say(&format!("done {nth}"))?;
                    }
                }
                Step::Reopen => {
                    drop(journal);
                    journal = self.open()?;
                }
            }
        }
        Ok(())
    }

    /// Looks for every append that was answered, and for nothing that was not begun; then appends
    /// what would be next, and looks for that once more.
    pub(crate) fn check(&self, said: &[String]) -> Result<(), Broken> {
        let groups = self.plan.groups();
        let mut journal = self.open()?;
        let found = present(&journal, &groups)?;
        let (begun, promised) = (last(said, "begin "), last(said, "done "));
        if found < promised {
            return Err(Broken::Lost { promised, found });
        }
        if found > begun {
            return Err(Broken::Unasked { begun, found });
        }

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

fn end(groups: &[Vec<Commit>]) -> Position {
    groups.last().and_then(|group| group.last()).map_or(Position::START, Commit::head)
}

/// Returns how many appends were said to have come so far.
fn last(said: &[String], word: &str) -> usize {
    let numbers = said.iter().filter_map(|line| line.strip_prefix(word)?.parse::<usize>().ok());
    numbers.max().map_or(0, |nth| nth + 1)
}

fn say(line: &str) -> Result<(), Broken> {
    crate::say(line).map_err(|error| Broken::Stuck(chain(&error)))
}
