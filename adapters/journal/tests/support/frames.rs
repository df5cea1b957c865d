//! Frames to keep.
#![allow(dead_code, reason = "each test uses some of it")]

use edge_ledger_core::{
    Cause, CommandId, Commit, Event, Position, Principal, TaskId, Timestamp, task,
};
use edge_ledger_journal::{Block, Frame, JournalError, Link, Packing, StoreReader};
use uuid::Uuid;

/// What one append holds, and where the chain stands after it.
#[derive(Clone, Debug)]
pub(crate) struct Append {
    pub(crate) frames: Vec<Frame>,
    pub(crate) link: Link,
}

/// So many appends of one frame to three, each frame with one event to three and some text.
pub(crate) fn chain(appends: usize, text: usize) -> Vec<Append> {
    let mut link = Link::START;
    (0..appends)
        .map(|nth| {
            let frames: Vec<_> = (0..=nth % 3)
                .map(|part| {
                    let (frame, after) = following(link, 1 + (nth + part) % 3, text);
                    link = after;
                    if part < nth % 3 { frame.going_on() } else { frame }
                })
                .collect();
            Append { frames, link }
        })
        .collect()
}

/// All frames of some appends.
pub(crate) fn frames(log: &[Append]) -> Vec<Frame> {
    log.iter().flat_map(|append| append.frames.clone()).collect()
}

/// A frame that follows a link.
pub(crate) fn following(before: Link, events: usize, text: usize) -> (Frame, Link) {
    let block = Block::of(&[commit(before.position, events, &"x".repeat(text))]);
    let block = block.expect("there is a commit");
    let link = block.link(before);
    (Frame::pack(before, &[block], Packing::Plain), link)
}

/// A commit of so many events with some text in each.
pub(crate) fn commit(after: Position, events: usize, text: &str) -> Commit {
    Commit {
        after,
        recorded_at: Timestamp::from_millis(after.get() as i64 * 10),
        cause: Cause {
            command: CommandId::from_uuid(Uuid::from_u128(after.get().into())),
            principal: Principal::System,
            idempotency: None,
        },
        events: vec![cancelled(text); events],
    }
}

fn cancelled(reason: &str) -> Event {
    let id = TaskId::new("job").expect("is a task id");
    Event::Task { id, what: task::Event::Cancelled { reason: reason.into() } }
}

/// Reads all frames past a position, and sees that each follows the one before.
pub(crate) fn read(reader: &impl StoreReader, after: u64) -> Result<Vec<Frame>, JournalError> {
    let mut link: Option<Link> = None;
    let mut frames = Vec::new();
    for frame in reader.frames(Position::new(after)) {
        let frame = frame?;
        let position = frame.before().position;
        let damaged = |damage| JournalError::Frame { position, damage };
        assert!(link.is_none_or(|link| link == frame.before()), "unchained at {position}");
        link = Some(frame.link().map_err(damaged)?);
        frames.push(frame);
    }
    Ok(frames)
}
