//! Reading the store while its writer appends.
use std::{fs, sync::Arc, vec};

use edge_ledger_core::Position;

use super::Shared;
use crate::{
    Frame, JournalError, StoreReader,
    error::io_error,
    segment::{Frames, Segment},
};

/// Reads a [`SegmentStore`](super::SegmentStore). While it lives, so does the hold on the
/// directory.
#[derive(Clone, Debug)]
pub struct SegmentReader {
    shared: Arc<Shared>,
}

impl SegmentReader {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The files from the one on that holds the event after a position, with where each durably
    /// ends now.
    fn segments(&self, after: Position) -> Vec<(Arc<Segment>, u64)> {
        let segments = self.shared.segments();
        let past = segments.partition_point(|segment| segment.before.position <= after);
        let from = segments.range(past.saturating_sub(1)..);
        from.map(|segment| (Arc::clone(segment), segment.end())).collect()
    }
}

impl StoreReader for SegmentReader {
    fn frames(&self, after: Position) -> impl Iterator<Item = Result<Frame, JournalError>> + Send {
        let frames = Files { files: self.segments(after).into_iter(), frames: None, after };
        frames.filter(move |frame| frame.as_ref().map_or(true, |frame| frame.head() > after))
    }

    fn last(&self) -> Result<Option<Frame>, JournalError> {
        // The last file has no frames while it is new.
        let segments = self.shared.segments();
        let last = segments.iter().rev().find(|segment| !segment.is_empty()).map(Arc::clone);
        drop(segments);
        let Some(last) = last else { return Ok(None) };
        last.frames(Position::new(u64::MAX), last.end())?.last().transpose()
    }

    fn disk_bytes(&self) -> Result<u64, JournalError> {
        let mut bytes = 0;
        for (segment, _) in self.segments(Position::START) {
            let found = fs::metadata(&segment.path).map_err(io_error("look at", &segment.path))?;
            bytes += found.len();
        }
        Ok(bytes)
    }
}

/// The frames of files, one file after the other.
struct Files {
    files: vec::IntoIter<(Arc<Segment>, u64)>,
    frames: Option<Frames>,
    after: Position,
}

impl Iterator for Files {
    type Item = Result<Frame, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(frame) = self.frames.as_mut().and_then(Frames::next) {
                if frame.is_err() {
                    self.files = Vec::new().into_iter();
                }
                return Some(frame);
            }
            let (segment, end) = self.files.next()?;
            match segment.frames(self.after, end) {
                Ok(frames) => self.frames = Some(frames),
                Err(error) => {
                    self.files = Vec::new().into_iter();
                    return Some(Err(error));
                }
            }
        }
    }
}
