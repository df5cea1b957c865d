//! Tasks that have left the ledger, in a part of a backup.
//!
//! ```text
//! bytes
//!     8  how many bytes the tasks have, unpacked
//!        the tasks, packed with zstd: of each the length of its id (2 bytes), the id, the length
//!        of its stored form (4), and that
//! ```
use edge_ledger_core::{TaskId, snapshot, task::Task};

/// How hard zstd tries.
const LEVEL: i32 = 3;

/// How many bytes of tasks go into a part, before they are packed, if none is larger.
pub(super) const PART: usize = 1024 * 1024;

/// The most bytes of tasks that a part may say it has: a part's own, and a task's.
const UNPACKED_MAX: usize = 64 * 1024 * 1024;

/// Adds a task to those of a part.
pub(super) fn push(tasks: &mut Vec<u8>, id: &TaskId, task: &Task) {
    let (id, task) = (id.to_string(), snapshot::encode_task(task));
    let id_length = u16::try_from(id.len()).expect("an id is short");
    let task_length = u32::try_from(task.len()).expect("a task fits into a commit");
    tasks.extend(id_length.to_be_bytes());
    tasks.extend(id.as_bytes());
    tasks.extend(task_length.to_be_bytes());
    tasks.extend(task);
}

/// Writes the body of a part.
pub(super) fn pack(tasks: &[u8]) -> Vec<u8> {
    let mut body = (tasks.len() as u64).to_be_bytes().to_vec();
    body.extend(zstd::bulk::compress(tasks, LEVEL).expect("zstd packs any bytes"));
    body
}

/// Reads the body of a part; none if nobody has written it.
pub(super) fn unpack(body: &[u8]) -> Option<Vec<(TaskId, Task)>> {
    let (length, packed) = body.split_first_chunk()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    if length > UNPACKED_MAX {
        return None;
    }
    let unpacked = zstd::bulk::decompress(packed, length).ok()?;
    let mut rest = &unpacked[..];
    let mut tasks = Vec::new();
    while !rest.is_empty() {
        let (id_length, behind) = rest.split_first_chunk()?;
        let (id, behind) = behind.split_at_checked(u16::from_be_bytes(*id_length).into())?;
        let (task_length, behind) = behind.split_first_chunk()?;
        let task_length = usize::try_from(u32::from_be_bytes(*task_length)).ok()?;
        let (task, behind) = behind.split_at_checked(task_length)?;
        let id = std::str::from_utf8(id).ok()?.parse().ok()?;
        tasks.push((id, snapshot::decode_task(task).ok()?));
        rest = behind;
    }
    Some(tasks)
}
