//! Who came after whom.
use crate::{Position, table::Slot};

/// Slots in the order of their positions: appended at the end, taken out anywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// Those taken out leave gaps, never more than there are slots.
    places: Vec<(Position, Option<Slot>)>,
    gaps: usize,
}

impl Order {
    /// Lists those past a position.
    pub(super) fn after(&self, after: Position) -> impl Iterator<Item = Slot> {
        let begin = self.places.partition_point(|(at, _)| *at <= after);
        self.places[begin..].iter().filter_map(|(_, slot)| *slot)
    }

    /// Adds a slot at a position that no other has. Cheap only past all others.
    pub(super) fn insert(&mut self, at: Position, slot: Slot) {
        let last = self.places.last();
        if last.is_none_or(|(last, _)| *last < at) {
            self.places.push((at, Some(slot)));
            return;
        }
        match self.places.binary_search_by_key(&at, |(at, _)| *at) {
            Ok(found) => {
                self.gaps -= usize::from(self.places[found].1.is_none());
                self.places[found].1 = Some(slot);
            }
            Err(between) => self.places.insert(between, (at, Some(slot))),
        }
    }

    pub(super) fn remove(&mut self, at: Position) {
        let Ok(found) = self.places.binary_search_by_key(&at, |(at, _)| *at) else { return };
        self.gaps += usize::from(self.places[found].1.take().is_some());
        if self.gaps * 2 > self.places.len() {
            self.places.retain(|(_, slot)| slot.is_some());
            self.gaps = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    #[test]
    fn what_is_left_stays_in_order_whatever_is_taken_out() {
        let mut table: Table<_, _> = Table::default();
        let mut order = Order::default();
        for at in [1, 2, 4, 7, 9, 3] {
            order.insert(Position::new(at), table.add(at, ()).expect("a new row"));
        }

        let mut listed = vec![];
        for taken in [4, 1, 4, 9, 2] {
            order.remove(Position::new(taken));
            let left = order.after(Position::new(2)).filter_map(|slot| Some(*table.at(slot)?.0));
            listed.push(left.collect::<Vec<_>>());
        }

        assert_eq!(listed, [vec![3, 7, 9], vec![3, 7, 9], vec![3, 7, 9], vec![3, 7], vec![3, 7]]);
        assert_eq!(order.after(Position::START).count(), 2);
        assert!(order.places.len() <= 4, "gaps are closed");
    }
}
