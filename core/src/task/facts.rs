//! What a decision may look at.
use crate::{EdgeId, TaskId, edge::Edge};

use super::Task;

/// All that a decision about one task may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// Which task it is.
    pub(crate) id: &'a TaskId,
    /// The task.
    pub(crate) task: &'a Task,
    /// The edge that asks, if one does.
    pub(crate) asking: Option<(EdgeId, &'a Edge)>,
    /// Whether the edge that an operator names is registered.
    pub(crate) named_edge_known: bool,
}
