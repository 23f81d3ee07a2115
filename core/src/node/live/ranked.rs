//! A list in which a place is found, filled and emptied in little time, however long the list is.

use std::cmp::Ordering;

/// The longest piece.
const PIECE: usize = 512;

/// A list in pieces: to change it moves a part of one piece, to find a place counts the pieces before it.
#[derive(Clone, Debug)]
pub(super) struct Ranked<T> {
    /// None is empty.
    pieces: Vec<Vec<T>>,
    length: usize,
}

impl<T> Default for Ranked<T> {
    fn default() -> Self {
        Ranked { pieces: Vec::new(), length: 0 }
    }
}

impl<T> FromIterator<T> for Ranked<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Ranked::default();
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let piece: Vec<T> = items.by_ref().take(PIECE / 2).collect();
            list.length = list.length.saturating_add(piece.len());
            list.pieces.push(piece);
        }
        list.pieces.iter_mut().for_each(Vec::shrink_to_fit);
        list
    }
}

impl<T> Ranked<T> {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }

    /// The piece that a place is in and the place within it. The place after the last one is in the last piece.
    fn locate(&self, rank: usize) -> (usize, usize) {
        let mut rest = rank;
        for (number, piece) in self.pieces.iter().enumerate() {
            if rest < piece.len() || (rest == piece.len() && number.saturating_add(1) == self.pieces.len()) {
                return (number, rest);
            }
            rest = rest.saturating_sub(piece.len());
        }
        (self.pieces.len(), rest)
    }

    pub(super) fn get(&self, rank: usize) -> Option<&T> {
        let (piece, at) = self.locate(rank);
        self.pieces.get(piece)?.get(at)
    }

    /// Puts an item at a place; behind the last one where there is no such place.
    pub(super) fn insert(&mut self, rank: usize, item: T) {
        self.length = self.length.saturating_add(1);
        let (number, at) = self.locate(rank);
        let Some(piece) = self.pieces.get_mut(number) else {
            self.pieces.push(vec![item]);
            return;
        };
        piece.insert(at.min(piece.len()), item);
        if piece.len() > PIECE {
            let rest = piece.split_off(PIECE / 2);
            self.pieces.insert(number.saturating_add(1), rest);
        }
    }

    /// Takes the item at a place away, if there is one.
    pub(super) fn remove(&mut self, rank: usize) -> Option<T> {
        let (number, at) = self.locate(rank);
        let piece = self.pieces.get_mut(number).filter(|piece| at < piece.len())?;
        let item = piece.remove(at);
        if piece.is_empty() {
            self.pieces.remove(number);
        }
        self.length = self.length.saturating_sub(1);
        Some(item)
    }

    /// Puts another item in a place, and gives the one that was there.
    pub(super) fn replace(&mut self, rank: usize, item: T) -> Option<T> {
        let (number, at) = self.locate(rank);
        let place = self.pieces.get_mut(number)?.get_mut(at)?;
        Some(std::mem::replace(place, item))
    }

    /// The place of the item for which `order` says that it is the one, or the place where such an item would stand.
    /// `order` tells how an item stands to the one that is looked for.
    pub(super) fn search(&self, mut order: impl FnMut(&T) -> Ordering) -> Result<usize, usize> {
        let piece = self.pieces.partition_point(|piece| piece.last().is_some_and(|last| order(last).is_lt()));
        let before: usize = self.pieces.iter().take(piece).map(Vec::len).sum();
        let Some(found) = self.pieces.get(piece) else { return Err(before) };
        match found.binary_search_by(order) {
            Ok(at) => Ok(before.saturating_add(at)),
            Err(at) => Err(before.saturating_add(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_list(start in 0..2_000_u32, steps in proptest::collection::vec((0..4_u8, any::<prop::sample::Index>(), any::<u32>()), 0..400)) {
            let mut plain: Vec<u32> = (0..start).collect();
            let mut list: Ranked<u32> = plain.iter().copied().collect();
            for (kind, place, item) in steps {
                let at = place.index(plain.len() + 1);
                match kind {
                    0 | 1 => {
                        plain.insert(at, item);
                        list.insert(at, item);
                    }
                    2 if at < plain.len() => prop_assert_eq!(list.remove(at), Some(plain.remove(at))),
                    3 if at < plain.len() => prop_assert_eq!(list.replace(at, item), Some(std::mem::replace(&mut plain[at], item))),
                    _ => prop_assert_eq!(list.get(at), plain.get(at)),
                }
                prop_assert_eq!(list.len(), plain.len());
            }
            prop_assert_eq!(list.iter().copied().collect::<Vec<_>>(), plain);
        }

        #[test]
        fn places_in_order_are_found(items in proptest::collection::btree_set(0..5_000_u32, 0..1_500), wanted in 0..5_000_u32) {
            let plain: Vec<u32> = items.into_iter().collect();
            let mut list = Ranked::default();
            for item in &plain {
                let at = list.search(|known: &u32| known.cmp(item)).unwrap_err();
                list.insert(at, *item);
            }
            prop_assert_eq!(list.search(|known| known.cmp(&wanted)), plain.binary_search(&wanted));
        }
    }
}
