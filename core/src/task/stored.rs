//! The form in which a task is written, apart from how it is kept.
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{Digest, Position, Timestamp};

use super::{
    LateResults, Progress, Rows, State, Task, Terms,
    work::{Losses, Trail, Work},
};

impl Serialize for Task {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let work = self.work();
        let mut fields = serializer.serialize_struct("Task", 18)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("dedupe_key", &self.dedupe_key)?;
        fields.serialize_field("digest", &self.digest)?;
        fields.serialize_field("terms", &self.terms)?;
        fields.serialize_field("submitted", &self.trail.submitted)?;
        fields.serialize_field("submitted_at", &self.submitted_at)?;
        fields.serialize_field("run", &self.run)?;
        fields.serialize_field("run_began", &self.run_began)?;
        fields.serialize_field("deadline_at", &self.deadline_at)?;
        fields.serialize_field("attempts", &self.attempts)?;
        fields.serialize_field("state", &self.state)?;
        fields.serialize_field("progress", &work.progress)?;
        fields.serialize_field("lost", &work.lost)?;
        fields.serialize_field("last_error", &work.last_error)?;
        fields.serialize_field("rows", &work.rows)?;
        fields.serialize_field("late", &work.late)?;
        fields.serialize_field("trail", &self.trail)?;
        fields.serialize_field("changes", &self.changes)?;
        fields.end()
    }
}

/// What [`Task`] writes, field by field.
#[derive(Deserialize)]
#[serde(rename = "Task")]
pub(super) struct Stored {
    name: Box<str>,
    dedupe_key: Option<Box<str>>,
    digest: Digest,
    terms: Terms,
    submitted: Position,
    submitted_at: Timestamp,
    run: u32,
    run_began: Position,
    deadline_at: Option<Timestamp>,
    attempts: u32,
    state: State,
    progress: Option<Progress>,
    lost: Losses,
    last_error: Option<Box<str>>,
    rows: Rows,
    late: Vec<LateResults>,
    trail: Vec<Position>,
    changes: u32,
}

impl From<Stored> for Task {
    fn from(stored: Stored) -> Self {
        let Stored { progress, lost, last_error, rows, late, .. } = stored;
        let mut task = Self {
            name: stored.name,
            dedupe_key: stored.dedupe_key,
            digest: stored.digest,
            terms: stored.terms,
            submitted_at: stored.submitted_at,
            run: stored.run,
            run_began: stored.run_began,
            deadline_at: stored.deadline_at,
            attempts: stored.attempts,
            state: stored.state,
            work: None,
            trail: Trail::of(stored.submitted, &stored.trail),
            changes: stored.changes,
        };
        task.work_mut(|work| *work = Work { progress, lost, last_error, rows, late });
        task
    }
}
