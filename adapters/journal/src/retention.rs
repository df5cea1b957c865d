//! What is to leave the live store, and when.
use edge_ledger_core::{Millis, Position, Timestamp};

use crate::{Frame, JournalError};

/// How much the live store is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// What is older leaves it.
    pub age: Millis,
    /// How many bytes of frames it may hold; beyond, the oldest leave it whatever their age.
    pub size: u64,
    /// How many bytes are worth a file of their own: as long as what is too old is less, it waits,
    /// a day at most.
    pub batch: u64,
}

/// How long what is too old waits for more of its kind.
const PATIENCE: Millis = Millis::from_secs(24 * 60 * 60);

impl Default for Retention {
    /// Returns three quarters of an hour, 1 GiB, and files of 4 MiB of frames.
    fn default() -> Self {
        Self { age: Millis::from_secs(45 * 60), size: 1 << 30, batch: 4 << 20 }
    }
}

/// What has to be known of a frame to say whether it is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its last position.
    pub head: Position,
    /// When its last commit was recorded.
    pub recorded_at: Timestamp,
    /// How many bytes it has.
    pub bytes: u64,
}

impl Kept {
    /// Looks into a frame.
    ///
    /// # Errors
    ///
    /// Fails if it does not unpack and decode.
    pub fn of(frame: &Frame) -> Result<Self, JournalError> {
        let position = frame.before().position;
        let commits = frame.commits();
        let (commits, _) = commits.map_err(|damage| JournalError::Frame { position, damage })?;
        Ok(Self {
            head: frame.head(),
            recorded_at: commits.last().expect("a frame has a commit").recorded_at,
            bytes: frame.bytes().len() as u64,
        })
    }
}

impl Retention {
    /// Returns the position up to which frames are to leave; none if none are worth it yet.
    ///
    /// Looks at the oldest frames, in their order, and at no more of them than leave and one.
    /// `held` is how many bytes there are. No frame leaves that reaches `pinned`, the first position
    /// that somebody still needs.
    pub fn cut<E>(
        &self,
        frames: impl IntoIterator<Item = Result<Kept, E>>,
        held: u64,
        pinned: Option<Position>,
        now: Timestamp,
    ) -> Result<Option<Position>, E> {
        let mut excess = held.saturating_sub(self.size);
        let must = excess > 0;
        let (mut cut, mut bytes, mut waited) = (None, 0, false);
        for frame in frames {
            let frame = frame?;
            let age = now.since(frame.recorded_at);
            let leaves = age > self.age || excess > 0;
            if !leaves || pinned.is_some_and(|pinned| frame.head >= pinned) {
                break;
            }
            cut = Some(frame.head);
            bytes += frame.bytes;
            waited |= age > self.age.plus(PATIENCE);
            excess = excess.saturating_sub(frame.bytes);
        }
        Ok(cut.filter(|_| must || waited || bytes >= self.batch))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// One frame of 100 bytes and ten positions a minute, from one minute on.
    fn frames(minutes: u64) -> impl Iterator<Item = Result<Kept, Infallible>> {
        (1..=minutes).map(|minute| {
            Ok(Kept { head: Position::new(minute * 10), recorded_at: at(minute), bytes: 100 })
        })
    }

    fn at(minute: u64) -> Timestamp {
        Timestamp::EPOCH.after(Millis::from_secs(minute * 60))
    }

    #[test]
    fn the_oldest_frames_leave_by_age_and_by_size_and_never_past_a_pin() {
        let age = |minutes: u64| Retention {
            age: Millis::from_secs(minutes * 60),
            size: u64::MAX,
            batch: 0,
        };
        let size = |size| Retention { size, ..age(1_000) };
        let batch = |batch| Retention { batch, ..age(60) };
        let cases = [
            ("all are young", age(60), None, 60, None),
            ("just as old as may be", age(60), None, 61, None),
            ("one is too old", age(60), None, 62, Some(10)),
            ("half are too old", age(30), None, 61, Some(300)),
            ("all are too old", age(1), None, 1_000, Some(600)),
            ("as large as may be", size(6_000), None, 61, None),
            ("one byte too large", size(5_999), None, 61, Some(10)),
            ("far too large", size(1_000), None, 61, Some(500)),
            ("a pin in the tenth frame", age(1), Some(95), 1_000, Some(90)),
            ("a pin at the end of the tenth frame", age(1), Some(100), 1_000, Some(90)),
            ("a pin just after the tenth frame", age(1), Some(101), 1_000, Some(100)),
            ("a pin in the first frame", size(0), Some(1), 61, None),
            ("too few bytes for a file", batch(1_001), None, 71, None),
            ("enough bytes for a file", batch(1_000), None, 71, Some(100)),
            ("few bytes, and for a day", batch(6_001), None, 24 * 60 + 62, Some(600)),
            ("too large already", Retention { size: 5_999, ..batch(6_001) }, None, 61, Some(10)),
        ];
        for (case, retention, pinned, now, expected) in cases {
            let cut = retention.cut(frames(60), 6_000, pinned.map(Position::new), at(now));
            assert_eq!(cut, Ok(expected.map(Position::new)), "{case}");
        }
    }
}
