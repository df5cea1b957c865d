//! What is appended: the same in every process that has the same plan.
use edge_ledger_core::{
    Cause, CommandId, Commit, Event, Position, Principal, TaskId, Timestamp, task,
};
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};
use uuid::Uuid;

/// Appends, and between which of them the journal is opened anew.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Append commits whose texts have so many bytes.
    Append(Vec<usize>),
    /// Close the journal and open it again.
    Reopen,
}

const KIB: usize = 1024;

impl Plan {
    /// Hardly more than being made.
    pub(crate) fn create() -> Self {
        let steps = vec![Step::Append(vec![10]), Step::Reopen, Step::Append(vec![3000, 0])];
        Self { steps }
    }

    /// Groups of every size that is usual.
    pub(crate) fn append() -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let steps = (0..60).map(|_| group(&mut rng)).collect();
        Self { steps }
    }

    /// The largest that can be appended at once, between small ones.
    pub(crate) fn large() -> Self {
        let sizes = [vec![10], vec![8191 * KIB], vec![100], vec![900 * KIB; 8], vec![5000]];
        Self { steps: sizes.map(Step::Append).to_vec() }
    }

    /// Opened more often than appended to.
    pub(crate) fn reopen() -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let few = |_| [group(&mut rng), Step::Append(vec![200]), Step::Reopen, Step::Reopen];
        Self { steps: (0..6).flat_map(few).collect() }
    }

    /// Lists the commits of each append.
    pub(crate) fn groups(&self) -> Vec<Vec<Commit>> {
        let mut end = Position::START;
        let mut groups = vec![];
        for step in &self.steps {
            if let Step::Append(sizes) = step {
                let commits: Vec<_> = sizes.iter().map(|size| next(&mut end, *size)).collect();
                groups.push(commits);
            }
        }
        groups
    }
}

/// A few commits or many, small ones or large ones.
fn group(rng: &mut impl Rng) -> Step {
    let (count, size) = match rng.random_range(0..10) {
        0..4 => (1, 600),
        4..7 => (rng.random_range(2..60), 400),
        7 | 8 => (rng.random_range(1..6), 9 * KIB),
        _ => (1, 300 * KIB),
    };
    Step::Append((0..count).map(|_| rng.random_range(0..=size)).collect())
}

/// Returns the commit that stands next: what is in it follows from where it stands.
pub(crate) fn next(end: &mut Position, size: usize) -> Commit {
    let after = *end;
    let events = 1 + after.get() % 3;
    let share = size / usize::try_from(events).expect("three at most");
    let commit = Commit {
        after,
        recorded_at: Timestamp::from_millis(i64::try_from(after.get()).expect("a few thousand")),
        cause: Cause {
            command: CommandId::from_uuid(Uuid::from_u128(after.get().into())),
            principal: Principal::System,
            idempotency: None,
        },
        events: (0..events).map(|nth| cancelled(after.plus(nth), share)).collect(),
    };
    *end = commit.head();
    commit
}

fn cancelled(at: Position, size: usize) -> Event {
    let id = TaskId::new("job").expect("is a task id");
    Event::Task { id, what: task::Event::Cancelled { reason: text(at.get(), size).into() } }
}

/// Text that no compression makes much smaller. A generator of good numbers takes too long here.
fn text(seed: u64, size: usize) -> String {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::with_capacity(size + 8);
    while text.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let letters = state.to_le_bytes().map(|byte| b'0' + byte % 64);
        text.push_str(std::str::from_utf8(&letters).expect("is ASCII"));
    }
    text.truncate(size);
    text
}
