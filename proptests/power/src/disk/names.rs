//! The names of files and directories, and which of them are durable.
use std::collections::BTreeMap;

use rand::{Rng, RngExt};

use crate::{FileSystem, Loss};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Directory,
    File(usize),
}

/// All names as the process sees them, and how they came about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    present: BTreeMap<String, Entry>,
    /// What no cut takes back.
    durable: BTreeMap<String, Entry>,
    /// What changed since, in order, and whether a directory of it was synced later.
    changes: Vec<(Change, bool)>,
    /// How many of the changes a file system with a journal has committed.
    committed: usize,
}

/// What happened to names.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Add { path: String, entry: Entry },
    Rename { from: String, to: String, entry: Entry },
    Remove { path: String },
}

impl Names {
    /// Adds a name that was there from the beginning.
    pub(crate) fn begin_with(&mut self, path: String, entry: Entry) {
        self.durable.insert(path.clone(), entry);
        self.present.insert(path, entry);
    }

    pub(crate) fn entry(&self, path: &str) -> Option<Entry> {
        self.present.get(path).copied()
    }

    pub(crate) fn change(&mut self, change: Change) {
        change.apply(&mut self.present);
        self.changes.push((change, false));
    }

    /// Makes durable what the sync of a file or directory does.
    pub(crate) fn sync(&mut self, path: &str) {
        self.committed = self.changes.len();
        if path.is_empty() || self.entry(path) == Some(Entry::Directory) {
            for (change, synced) in &mut self.changes {
                *synced |= change.paths().any(|changed| parent(changed) == path);
            }
            self.sync_what_was_before();
        }
        let durable = self.changes.iter().take_while(|(_, synced)| *synced).count();
        for (change, _) in self.changes.drain(..durable) {
            change.apply(&mut self.durable);
        }
        self.committed -= durable;
    }

    pub(crate) fn sync_all(&mut self) {
        self.durable = self.present.clone();
        self.changes.clear();
        self.committed = 0;
    }

    /// A rename stands in two directories: with one of them, what came before it in the other is
    /// durable too, as far as it is of the same names.
    fn sync_what_was_before(&mut self) {
        for last in (0..self.changes.len()).rev() {
            let (before, rest) = self.changes.split_at_mut(last);
            let (change, synced) = &rest[0];
            if *synced {
                for (earlier, synced) in before {
                    *synced |= change.paths().any(|path| earlier.paths().any(|it| it == path));
                }
            }
        }
    }

    /// Returns what a power cut may leave.
    pub(crate) fn cut(
        &self,
        loss: Loss,
        system: FileSystem,
        rng: &mut impl Rng,
    ) -> BTreeMap<String, Entry> {
        let mut names = self.durable.clone();
        let committed = match loss {
            Loss::Nothing => return self.present.clone(),
            Loss::Everything => self.committed,
            Loss::Pages | Loss::Tail => rng.random_range(self.committed..=self.changes.len()),
        };
        let kept = if loss == Loss::Everything { 0.0 } else { 0.5 };
        for (nth, (change, synced)) in self.changes.iter().enumerate() {
            let is_kept = match system {
                FileSystem::Journalled => nth < committed,
                FileSystem::Posix => *synced || rng.random_bool(kept),
            };
            if is_kept {
                change.apply(&mut names);
            }
        }
        names
    }
}

impl Change {
    fn paths(&self) -> impl Iterator<Item = &str> {
        let (one, other) = match self {
            Self::Add { path, .. } | Self::Remove { path } => (path, None),
            Self::Rename { from, to, .. } => (to, Some(from)),
        };
        std::iter::once(one).chain(other).map(String::as_str)
    }

    /// Changes names, unless there is no directory for the change any more.
    fn apply(&self, names: &mut BTreeMap<String, Entry>) {
        let has = |names: &BTreeMap<_, _>, path| {
            parent(path).is_empty() || names.get(parent(path)) == Some(&Entry::Directory)
        };
        match self {
            Self::Add { path, entry } => {
                if has(names, path) {
                    names.insert(path.clone(), *entry);
                }
            }
            Self::Rename { from, to, entry } => {
                if has(names, to) {
                    let inside = take(names, from);
                    take(names, to);
                    names.insert(to.clone(), *entry);
                    names.extend(inside.into_iter().filter_map(|(path, entry)| {
                        path.strip_prefix(from.as_str()).map(|rest| (format!("{to}{rest}"), entry))
                    }));
                }
            }
            Self::Remove { path } => drop(take(names, path)),
        }
    }
}

/// Takes a name away, and all below it, which it returns.
fn take(names: &mut BTreeMap<String, Entry>, path: &str) -> Vec<(String, Entry)> {
    names.remove(path);
    let below = format!("{path}/");
    names.extract_if(.., |name, _| name.starts_with(&below)).collect()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
