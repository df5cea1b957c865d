//! Many cuts of one workload.

mod child;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use anyhow::{Result, bail};
pub(crate) use child::Child;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{Disk, FileSystem, Image, Loss, Record, Recording, workloads::Workload};

/// Cuts to be made.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// The program that runs and checks workloads: `power`.
    pub program: PathBuf,
    /// While what the power is cut.
    pub workload: Workload,
    /// How often.
    pub cuts: usize,
    /// What chance follows from.
    pub seed: u64,
    /// Where the first state that breaks a promise is put.
    pub keep: Option<PathBuf>,
}

/// What came of them.
#[derive(Debug, Default)]
pub struct Explored {
    /// How many different states were looked at.
    pub states: usize,
    /// How many of them there were of each kind.
    pub kinds: BTreeMap<String, usize>,
    /// Which of them break a promise.
    pub failed: Vec<Failed>,
}

/// One cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// After how many records.
    pub at: usize,
    /// What becomes of what was not synced.
    pub loss: Loss,
    /// When names are durable.
    pub system: FileSystem,
}

/// A state that breaks a promise.
#[derive(Debug)]
pub struct Failed {
    /// Which cut left it, and whether another one had come before.
    pub cut: String,
    /// What is broken, in the words of the workload.
    pub why: String,
}

/// Cuts the power many times during a workload, and again during the recovery from some of these.
///
/// # Errors
///
/// Fails if something cannot be recorded or replayed. A promise that is broken is no error.
pub fn explore(exploration: &Exploration) -> Result<Explored> {
    let explored = Mutex::new(Explored::default());
    let empty = tempfile::tempdir()?;
    let first = Series { exploration, before: vec![], after: None };
    let some = first.cut(empty.path(), exploration.cuts * 3 / 4, &explored)?;
    let again = exploration.cuts / 4 / some.len().max(1);
    for (cut, state, said) in some {
        let left = tempfile::tempdir()?;
        state.write(left.path())?;
        Series { exploration, before: said, after: Some(cut) }.cut(
            left.path(),
            again,
            &explored,
        )?;
    }
    Ok(explored.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Cuts during one run of the workload.
struct Series<'a> {
    exploration: &'a Exploration,
    /// What was said before it.
    before: Vec<String>,
    /// Which cut came before it.
    after: Option<Cut>,
}

/// A cut, what it left, and what had been said until then.
type Left = (Cut, Image, Vec<String>);

impl Series<'_> {
    /// Runs the workload in a directory, and cuts. Returns a few of the states.
    fn cut(&self, root: &Path, cuts: usize, explored: &Mutex<Explored>) -> Result<Vec<Left>> {
        let Exploration { program, workload, seed, .. } = self.exploration;
        let root = &fs::canonicalize(root)?;
        let mut disk = Disk::of(root)?;
        let log = tempfile::NamedTempFile::new()?;
        let child = Child { program, workload: workload.name };
        if let Err(error) = child.run(root, log.path()) {
            let Some(cut) = &self.after else { return Err(error) };
            lock(explored).failed.push(Failed { cut: cut.to_string(), why: format!("{error:#}") });
            return Ok(vec![]);
        }
        let recording = Recording::read(log.path())?;
        let records = recording.records();
        if records.is_empty() {
            if self.after.is_some() {
                return Ok(vec![]); // all of it had been done
            }
            bail!("nothing was recorded of {}: is the program linked statically?", workload.name);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(*seed);
        let plan = choose(&records, cuts, &mut rng);
        let few = plan.len().div_ceil(6).max(1);

        let mut said = self.before.clone();
        // What cuts have left since something last changed: the same again says nothing new.
        let mut seen: Vec<Image> = vec![];
        let mut some = vec![];
        let (send, receive) = mpsc::sync_channel::<Left>(1);
        let receive = Mutex::new(receive);
        thread::scope(|scope| {
            let checkers = thread::available_parallelism().map_or(2, usize::from);
            for _ in 0..checkers {
                scope.spawn(|| {
                    let next = || lock(&receive).recv();
                    while let Ok(left) = next() {
                        self.check(child, &left, explored);
                    }
                });
            }
            let mut plan = plan.into_iter().enumerate().peekable();
            for (at, record) in (1..).zip(&records) {
                disk.apply(record)?;
                if !matches!(record, Record::Flush { .. }) {
                    seen.clear();
                }
                if let Record::Say { line } = record {
                    said.push(line.clone());
                }
                while let Some((nth, cut)) = plan.next_if(|(_, cut)| cut.at == at) {
                    let image = disk.cut(cut.loss, cut.system, &mut rng);
                    if !seen.contains(&image) {
                        seen.push(image.clone());
                        if nth % few == few / 2 {
                            some.push((cut, image.clone(), said.clone()));
                        }
                        send.send((cut, image, said.clone())).expect("checkers wait for more");
                    }
                }
            }
            drop(send);
            anyhow::Ok(())
        })?;
        self.compare(&disk, root)?;
        Ok(some)
    }

    fn check(&self, child: Child<'_>, (cut, image, said): &Left, explored: &Mutex<Explored>) {
        let verdict = child.check(image, said);
        let mut explored = lock(explored);
        explored.states += 1;
        *explored.kinds.entry(format!("{:?}, {:?}", cut.loss, cut.system)).or_default() += 1;
        if let Err(error) = verdict {
            if let (Some(keep), true) = (&self.exploration.keep, explored.failed.is_empty()) {
                drop(fs::create_dir_all(keep).and_then(|()| image.write(keep)));
            }
            let cut = match &self.after {
                Some(first) => format!("{first}, then {cut}"),
                None => cut.to_string(),
            };
            explored.failed.push(Failed { cut, why: format!("{error:#}") });
        }
    }

    /// Everything replayed has to come to what is on disk, else the recorder has missed something.
    fn compare(&self, disk: &Disk<'_>, root: &Path) -> Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let replayed = disk.cut(Loss::Nothing, FileSystem::Journalled, &mut rng);
        match replayed.difference(&Image::of(root)?) {
            None => Ok(()),
            Some(path) => bail!("what was recorded of {path:?} does not come to what is on disk"),
        }
    }
}

/// Chooses where to cut: anywhere, or where something has just been promised or is about to be
/// made durable.
fn choose(records: &[Record<&[u8]>], cuts: usize, rng: &mut ChaCha8Rng) -> Vec<Cut> {
    use FileSystem::{Journalled, Posix};
    use Loss::{Everything, Nothing, Pages, Tail};

    let is_near = |at: &usize| match (&records[at - 1], records.get(*at)) {
        (Record::Say { .. }, _) | (_, Some(Record::Sync { .. } | Record::SyncAll)) => true,
        (_, _) => false,
    };
    let near: Vec<_> = (1..=records.len()).filter(is_near).collect();
    let kinds = [
        (Everything, Journalled),
        (Pages, Posix),
        (Tail, Journalled),
        (Everything, Posix),
        (Pages, Journalled),
        (Tail, Posix),
        (Nothing, Journalled),
    ];
    let mut plan: Vec<_> = kinds
        .into_iter()
        .cycle()
        .take(cuts)
        .map(|(loss, system)| {
            let anywhere = rng.random_range(1..=records.len());
            let at = match near.len() {
                0 => anywhere,
                _ if rng.random_bool(0.5) => anywhere,
                count => near[rng.random_range(0..count)],
            };
            Cut { at, loss, system }
        })
        .collect();
    plan.sort_unstable();
    plan
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cut after record {} ({:?}, {:?})", self.at, self.loss, self.system)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cut, self.why)
    }
}
