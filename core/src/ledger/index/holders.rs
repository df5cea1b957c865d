//! Which edge holds which tasks.
use std::slice;

use crate::{table::Slot, task::Fence};

/// By the slot of an edge, the tasks it holds, oldest lease first.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders {
    holds: Vec<Holds>,
}

/// What one edge holds: mostly nothing or one task.
#[derive(Clone, Debug, Default)]
enum Holds {
    #[default]
    Nothing,
    One((Fence, Slot)),
    More(Vec<(Fence, Slot)>),
}

impl Holders {
    pub(super) fn held_by(&self, edge: Slot) -> &[(Fence, Slot)] {
        match self.holds.get(edge.index()) {
            None | Some(Holds::Nothing) => &[],
            Some(Holds::One(one)) => slice::from_ref(one),
            Some(Holds::More(more)) => more,
        }
    }

    pub(super) fn insert(&mut self, edge: Slot, fence: Fence, task: Slot) {
        if self.holds.len() <= edge.index() {
            self.holds.resize(edge.index() + 1, Holds::Nothing);
        }
        let holds = &mut self.holds[edge.index()];
        match holds {
            Holds::Nothing => *holds = Holds::One((fence, task)),
            Holds::One(one) => {
                let mut both = vec![*one, (fence, task)];
                both.sort_unstable_by_key(|(fence, _)| *fence);
                *holds = Holds::More(both);
            }
            Holds::More(more) => {
                let place = more.partition_point(|(other, _)| *other < fence);
                more.insert(place, (fence, task));
            }
        }
    }

    pub(super) fn remove(&mut self, edge: Slot, task: Slot) {
        let Some(holds) = self.holds.get_mut(edge.index()) else { return };
        match holds {
            Holds::Nothing => {}
            Holds::One((_, held)) if *held == task => *holds = Holds::Nothing,
            Holds::One(_) => {}
            Holds::More(more) => {
                more.retain(|(_, held)| *held != task);
                match more[..] {
                    [] => *holds = Holds::Nothing,
                    [last] => *holds = Holds::One(last),
                    [..] => {}
                }
            }
        }
    }
}
