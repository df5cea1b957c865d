//! What is appended: the same in every process that has the same plan.
use edge_ledger_core::{
    Cause, CommandId, Commit, Digest, Event, Position, Principal, TaskId, Timestamp, task,
};
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};
use serde_json::value::RawValue;
use uuid::Uuid;

/// Steps that are the same whenever they are asked for.
pub(crate) trait Plan {
    /// Lists them.
    fn steps() -> Vec<Step>;
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Append commits whose texts have so many bytes.
    Append(Vec<usize>),
    /// Close the journal and open it again.
    Reopen,
    /// Move the older half of the journal to the archive.
    Archive,
    /// Write a snapshot.
    Snapshot,
}

const KIB: usize = 1024;

/// Hardly more than being made.
pub(crate) struct Create;

impl Plan for Create {
    fn steps() -> Vec<Step> {
        vec![Step::Append(vec![10]), Step::Reopen, Step::Append(vec![3000, 0])]
    }
}

/// Groups of every size that is usual.
pub(crate) struct Append;

impl Plan for Append {
    fn steps() -> Vec<Step> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..60).map(|_| group(&mut rng)).collect()
    }
}

/// The largest that can be appended at once, between small ones.
pub(crate) struct Large;

impl Plan for Large {
    fn steps() -> Vec<Step> {
        let sizes = [vec![10], vec![8191 * KIB], vec![100], vec![900 * KIB; 2], vec![5000]];
        sizes.map(Step::Append).to_vec()
    }
}

/// Opened more often than appended to.
pub(crate) struct Reopen;

impl Plan for Reopen {
    fn steps() -> Vec<Step> {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let few = |_| [group(&mut rng), Step::Append(vec![200]), Step::Reopen, Step::Reopen];
        (0..6).flat_map(few).collect()
    }
}

/// Archived again and again, with snapshots.
pub(crate) struct Archive;

impl Plan for Archive {
    fn steps() -> Vec<Step> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let few = |nth| {
            let [one, other, third] = [(); 3].map(|()| group(&mut rng));
            let end = if nth % 3 == 1 { Step::Reopen } else { Step::Snapshot };
            [one, Step::Snapshot, other, Step::Archive, third, end]
        };
        (0..6).flat_map(few).collect()
    }
}

/// Lists the commits of each append.
pub(crate) fn groups(steps: &[Step]) -> Vec<Vec<Commit>> {
    let mut end = Position::START;
    let mut groups = vec![];
    for step in steps {
        match step {
            Step::Append(sizes) => {
                groups.push(sizes.iter().map(|size| next(&mut end, *size)).collect());
            }
            Step::Reopen | Step::Archive | Step::Snapshot => {}
        }
    }
    groups
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
        events: (0..events).map(|nth| submitted(after.plus(nth), share)).collect(),
    };
    *end = commit.head();
    commit
}

fn submitted(at: Position, size: usize) -> Event {
    let name = format!("task-{at}");
    let id = TaskId::new(&name).expect("is a task id");
    let digest = Digest::of(name.as_bytes());
    let payload = format!("\"{}\"", text(at.get(), size));
    let spec = task::Spec {
        name: name.into(),
        payload: task::Payload::new(RawValue::from_string(payload).expect("is JSON")),
        dedupe_key: None,
        terms: task::Terms::default(),
    };
    let what = task::Submitted { spec, digest, deadline_at: None, ready_at: None };
    Event::Task { id, what: task::Event::Submitted(Box::new(what)) }
}

/// Text that no compression makes much smaller. A generator of good numbers takes too long here.
fn text(seed: u64, size: usize) -> String {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::with_capacity(size + 8);
    while text.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Without the one that JSON writes as two.
        let letters = state.to_le_bytes().map(|byte| match b'0' + byte % 64 {
            b'\\' => b'!',
            letter => letter,
        });
        text.push_str(std::str::from_utf8(&letters).expect("is ASCII"));
    }
    text.truncate(size);
    text
}
