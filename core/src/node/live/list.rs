//! A list in which a place is found, filled and emptied in little time, however long it is, and whose copies are cheap.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The longest piece.
const PIECE: usize = 512;

/// A list in shared pieces: a change copies the piece that it is in, if someone else holds it too, and finds its place
/// by the lengths of the others. A copy costs next to nothing, and a change of a list of 100,000 items that was copied some
/// microseconds.
pub struct LiveList<T> {
    /// None is empty.
    pieces: Arc<Vec<Piece<T>>>,
    length: usize,
}

impl<T> Clone for LiveList<T> {
    fn clone(&self) -> Self {
        LiveList { pieces: Arc::clone(&self.pieces), length: self.length }
    }
}

impl<T> Clone for Piece<T> {
    fn clone(&self) -> Self {
        Piece { items: Arc::clone(&self.items), length: self.length }
    }
}

struct Piece<T> {
    items: Arc<Vec<T>>,
    /// Of `items`; here so that counting does not look into them.
    length: usize,
}

impl<T> Piece<T> {
    fn new(items: Vec<T>) -> Self {
        Piece { length: items.len(), items: Arc::new(items) }
    }
}

impl<T> Default for LiveList<T> {
    fn default() -> Self {
        LiveList { pieces: Arc::default(), length: 0 }
    }
}

impl<T: fmt::Debug> fmt::Debug for LiveList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: PartialEq> PartialEq for LiveList<T> {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length && self.iter().eq(other.iter())
    }
}

impl<T: Eq> Eq for LiveList<T> {}

impl<T> FromIterator<T> for LiveList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let (mut pieces, mut length) = (Vec::new(), 0_usize);
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let mut piece: Vec<T> = items.by_ref().take(PIECE / 2).collect();
            piece.shrink_to_fit();
            length = length.saturating_add(piece.len());
            pieces.push(Piece::new(piece));
        }
        LiveList { pieces: Arc::new(pieces), length }
    }
}

impl<'a, T> IntoIterator for &'a LiveList<T> {
    type Item = &'a T;
    type IntoIter = LiveListIter<'a, T>;

    fn into_iter(self) -> LiveListIter<'a, T> {
        self.iter()
    }
}

/// The items of a [`LiveList`] in their order.
pub struct LiveListIter<'a, T> {
    list: &'a LiveList<T>,
    /// The items of the present piece that are still to come.
    piece: std::slice::Iter<'a, T>,
    next: usize,
}

impl<T> fmt::Debug for LiveListIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveListIter").finish_non_exhaustive()
    }
}

impl<'a, T> Iterator for LiveListIter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        loop {
            if let Some(item) = self.piece.next() {
                return Some(item);
            }
            let piece = self.list.pieces.get(self.next)?;
            self.next = self.next.saturating_add(1);
            self.piece = piece.items.iter();
        }
    }
}

impl<T> LiveList<T> {
    /// How many items it has.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The items in their order.
    pub fn iter(&self) -> LiveListIter<'_, T> {
        LiveListIter { list: self, piece: [].iter(), next: 0 }
    }

    /// The items from a place on.
    pub fn iter_from(&self, place: usize) -> LiveListIter<'_, T> {
        let (number, at) = self.locate(place);
        let items = self.pieces.get(number).and_then(|piece| piece.items.get(at..)).unwrap_or_default();
        LiveListIter { list: self, piece: items.iter(), next: number.saturating_add(1) }
    }

    /// The item at a place, counted from 0.
    pub fn get(&self, place: usize) -> Option<&T> {
        let (piece, at) = self.locate(place);
        self.pieces.get(piece)?.items.get(at)
    }

    /// The first item.
    pub fn first(&self) -> Option<&T> {
        self.pieces.first()?.items.first()
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.pieces.last()?.items.last()
    }

    /// Whether it is a copy of another list, or the other way round, and neither was changed since. Two lists that are not
    /// may still be equal.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pieces, &other.pieces)
    }

    /// The piece that a place is in and the place within it. The place after the last one is in the last piece.
    fn locate(&self, place: usize) -> (usize, usize) {
        let mut rest = place;
        for (number, piece) in self.pieces.iter().enumerate() {
            if rest < piece.length || (rest == piece.length && number.saturating_add(1) == self.pieces.len())
            {
                return (number, rest);
            }
            rest = rest.saturating_sub(piece.length);
        }
        (self.pieces.len(), rest)
    }

    /// The place of the item for which `order` says that it is the one, or the place where such an item would stand.
    /// `order` tells how an item stands to the one that is looked for.
    pub(super) fn search(&self, mut order: impl FnMut(&T) -> Ordering) -> Result<usize, usize> {
        let is_before = |piece: &Piece<T>| piece.items.last().is_some_and(|last| order(last).is_lt());
        let piece = self.pieces.partition_point(is_before);
        let before: usize = self.pieces.iter().take(piece).map(|piece| piece.length).sum();
        let Some(found) = self.pieces.get(piece) else { return Err(before) };
        match found.items.binary_search_by(order) {
            Ok(at) => Ok(before.saturating_add(at)),
            Err(at) => Err(before.saturating_add(at)),
        }
    }
}

impl<T: Clone> LiveList<T> {
    /// Puts an item at a place; behind the last one where there is no such place.
    pub fn insert(&mut self, place: usize, item: T) {
        self.length = self.length.saturating_add(1);
        let (number, at) = self.locate(place);
        let pieces = Arc::make_mut(&mut self.pieces);
        let Some(piece) = pieces.get_mut(number) else {
            match pieces.last_mut() {
                Some(last) => {
                    let items = Arc::make_mut(&mut last.items);
                    items.push(item);
                    last.length = items.len();
                }
                None => pieces.push(Piece::new(vec![item])),
            }
            return;
        };
        let items = Arc::make_mut(&mut piece.items);
        items.insert(at.min(items.len()), item);
        if items.len() > PIECE {
            let rest = items.split_off(PIECE / 2);
            piece.length = items.len();
            pieces.insert(number.saturating_add(1), Piece::new(rest));
        } else {
            piece.length = items.len();
        }
    }

    /// Takes the item at a place away, if there is one.
    pub fn remove(&mut self, place: usize) -> Option<T> {
        let (number, at) = self.locate(place);
        let pieces = Arc::make_mut(&mut self.pieces);
        let piece = pieces.get_mut(number).filter(|piece| at < piece.length)?;
        let items = Arc::make_mut(&mut piece.items);
        let item = items.remove(at);
        piece.length = items.len();
        if items.is_empty() {
            pieces.remove(number);
        }
        self.length = self.length.saturating_sub(1);
        Some(item)
    }

    /// Puts another item in a place, and gives the one that was there.
    pub fn replace(&mut self, place: usize, item: T) -> Option<T> {
        let (number, at) = self.locate(place);
        let piece = Arc::make_mut(&mut self.pieces).get_mut(number)?;
        let place = Arc::make_mut(&mut piece.items).get_mut(at)?;
        Some(std::mem::replace(place, item))
    }

    /// Takes the last item away.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.remove(self.length.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_list(start in 0..2_000_u32, steps in proptest::collection::vec((0..6_u8, any::<prop::sample::Index>(), any::<u32>()), 0..400)) {
            let mut plain: Vec<u32> = (0..start).collect();
            let mut list: LiveList<u32> = plain.iter().copied().collect();
            let mut copies = Vec::new();
            for (kind, place, item) in steps {
                let at = place.index(plain.len() + 1);
                match kind {
                    0 | 1 => {
                        plain.insert(at, item);
                        list.insert(at, item);
                    }
                    2 if at < plain.len() => prop_assert_eq!(list.remove(at), Some(plain.remove(at))),
                    3 if at < plain.len() => prop_assert_eq!(list.replace(at, item), Some(std::mem::replace(&mut plain[at], item))),
                    4 => copies.push((plain.clone(), list.clone())),
                    5 => prop_assert_eq!(list.pop(), plain.pop()),
                    _ => prop_assert_eq!(list.get(at), plain.get(at)),
                }
                prop_assert_eq!(list.len(), plain.len());
                prop_assert_eq!((list.first(), list.last()), (plain.first(), plain.last()));
                prop_assert!(list.iter_from(at).eq(&plain[at.min(plain.len())..]));
            }
            copies.push((plain, list));
            // A change of one is none of its copies.
            for (plain, list) in copies {
                prop_assert_eq!(list.iter().copied().collect::<Vec<_>>(), plain);
            }
        }

        #[test]
        fn places_in_order_are_found(items in proptest::collection::btree_set(0..5_000_u32, 0..1_500), wanted in 0..5_000_u32) {
            let plain: Vec<u32> = items.into_iter().collect();
            let mut list = LiveList::default();
            for item in &plain {
                let at = list.search(|known: &u32| known.cmp(item)).unwrap_err();
                list.insert(at, *item);
            }
            prop_assert_eq!(list.search(|known| known.cmp(&wanted)), plain.binary_search(&wanted));
        }
    }
}
