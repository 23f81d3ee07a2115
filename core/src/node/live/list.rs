//! A list in which a place is found, filled and emptied in little time, however long it is, and whose copies are cheap.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A list as a tree of shared nodes, each of which knows how many items are below it. A change copies the nodes above its
/// place that someone else holds too, some forty references in a list of 100,000 items; a copy of the whole costs
/// next to nothing.
///
/// A node has at most `MOST` items or children. Where copies are kept while the list changes, few are best: each that is
/// far from the others in memory costs a copy more than another level does. Where they are not, many make a search
/// short.
pub struct LiveList<T, const MOST: usize = 8> {
    /// `None` where it is empty; no node is.
    root: Option<Part<T, MOST>>,
}

/// A part of a list.
struct Part<T, const MOST: usize> {
    node: Arc<Node<T, MOST>>,
    /// How many items it has; here so that counting does not look into the node.
    length: usize,
}

enum Node<T, const MOST: usize> {
    Items(Vec<T>),
    Parts(Vec<Part<T, MOST>>),
}

impl<T, const MOST: usize> Clone for LiveList<T, MOST> {
    fn clone(&self) -> Self {
        LiveList { root: self.root.clone() }
    }
}

impl<T, const MOST: usize> Clone for Part<T, MOST> {
    fn clone(&self) -> Self {
        Part { node: Arc::clone(&self.node), length: self.length }
    }
}

impl<T: Clone, const MOST: usize> Clone for Node<T, MOST> {
    /// A copy is made to be changed: it has room for more.
    fn clone(&self) -> Self {
        fn copy<U: Clone>(all: &[U], most: usize) -> Vec<U> {
            let mut copy = Vec::with_capacity(most.saturating_add(1));
            copy.extend_from_slice(all);
            copy
        }
        match self {
            Node::Items(items) => Node::Items(copy(items, MOST)),
            Node::Parts(parts) => Node::Parts(copy(parts, MOST)),
        }
    }
}

impl<T, const MOST: usize> Default for LiveList<T, MOST> {
    fn default() -> Self {
        LiveList { root: None }
    }
}

impl<T: fmt::Debug, const MOST: usize> fmt::Debug for LiveList<T, MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: PartialEq, const MOST: usize> PartialEq for LiveList<T, MOST> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: Eq, const MOST: usize> Eq for LiveList<T, MOST> {}

impl<T, const MOST: usize> FromIterator<T> for LiveList<T, MOST> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut parts = filled(items, Self::FILLED, |items| Part {
            length: items.len(),
            node: Arc::new(Node::Items(items)),
        });
        while parts.len() > 1 {
            parts = filled(parts, Self::FILLED, Part::of);
        }
        LiveList { root: parts.pop() }
    }
}

/// What `make` makes of all items, some at a time.
fn filled<T, U>(items: impl IntoIterator<Item = T>, size: usize, make: impl Fn(Vec<T>) -> U) -> Vec<U> {
    let mut items = items.into_iter().peekable();
    let mut made = Vec::new();
    while items.peek().is_some() {
        let mut some: Vec<T> = items.by_ref().take(size).collect();
        some.shrink_to_fit();
        made.push(make(some));
    }
    made
}

impl<'a, T, const MOST: usize> IntoIterator for &'a LiveList<T, MOST> {
    type Item = &'a T;
    type IntoIter = LiveListIter<'a, T, MOST>;

    fn into_iter(self) -> LiveListIter<'a, T, MOST> {
        self.iter()
    }
}

/// The items of a [`LiveList`] in their order.
pub struct LiveListIter<'a, T, const MOST: usize = 8> {
    /// What is still to come of each node above the present one.
    above: Vec<std::slice::Iter<'a, Part<T, MOST>>>,
    /// The items of the present node that are still to come.
    items: std::slice::Iter<'a, T>,
    left: usize,
}

impl<T, const MOST: usize> fmt::Debug for LiveListIter<'_, T, MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveListIter").field("left", &self.left).finish_non_exhaustive()
    }
}

impl<'a, T, const MOST: usize> Iterator for LiveListIter<'a, T, MOST> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        loop {
            if let Some(item) = self.items.next() {
                self.left = self.left.saturating_sub(1);
                return Some(item);
            }
            match self.above.last_mut()?.next() {
                None => drop(self.above.pop()),
                Some(part) => match &*part.node {
                    Node::Items(items) => self.items = items.iter(),
                    Node::Parts(parts) => self.above.push(parts.iter()),
                },
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T, const MOST: usize> ExactSizeIterator for LiveListIter<'_, T, MOST> {}

impl<T, const MOST: usize> LiveList<T, MOST> {
    /// So many items or children a node has where a list is made whole: there is room for more.
    const FILLED: usize = MOST / 4 * 3;

    /// How many items it has.
    pub fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.length)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The items in their order.
    pub fn iter(&self) -> LiveListIter<'_, T, MOST> {
        self.iter_from(0)
    }

    /// The items from a place on.
    pub fn iter_from(&self, place: usize) -> LiveListIter<'_, T, MOST> {
        let mut iter =
            LiveListIter { above: Vec::new(), items: [].iter(), left: self.len().saturating_sub(place) };
        let mut next = self.root.as_ref().filter(|root| place < root.length).map(|root| (root, place));
        while let Some((part, place)) = next.take() {
            match &*part.node {
                Node::Items(items) => iter.items = items.get(place..).unwrap_or_default().iter(),
                Node::Parts(parts) => {
                    let (at, rest) = locate(parts, place);
                    iter.above.push(parts.get(at.saturating_add(1)..).unwrap_or_default().iter());
                    next = parts.get(at).map(|part| (part, rest));
                }
            }
        }
        iter
    }

    /// The item at a place, counted from 0.
    pub fn get(&self, place: usize) -> Option<&T> {
        let (mut part, mut place) = (self.root.as_ref()?, place);
        loop {
            match &*part.node {
                Node::Items(items) => return items.get(place),
                Node::Parts(parts) => {
                    let (at, rest) = locate(parts, place);
                    (part, place) = (parts.get(at)?, rest);
                }
            }
        }
    }

    /// The first item.
    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.root.as_ref()?.last()
    }

    /// Whether it is a copy of another list, or the other way round, and neither was changed since; or neither has an item.
    /// Two lists that are not may still be equal.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.root, &other.root) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(&a.node, &b.node),
            _ => false,
        }
    }

    /// The place of the item for which `order` says that it is the one, or the place where such an item would stand.
    /// `order` tells how an item stands to the one that is looked for.
    pub(super) fn search(&self, mut order: impl FnMut(&T) -> Ordering) -> Result<usize, usize> {
        let Some(mut part) = self.root.as_ref() else { return Err(0) };
        let mut before = 0_usize;
        loop {
            match &*part.node {
                Node::Items(items) => {
                    return match items.binary_search_by(order) {
                        Ok(at) => Ok(before.saturating_add(at)),
                        Err(at) => Err(before.saturating_add(at)),
                    };
                }
                Node::Parts(parts) => {
                    let at =
                        parts.partition_point(|part| part.last().is_some_and(|last| order(last).is_lt()));
                    let earlier = parts.iter().take(at).map(|part| part.length);
                    before = earlier.fold(before, usize::saturating_add);
                    let Some(found) = parts.get(at) else { return Err(before) };
                    part = found;
                }
            }
        }
    }
}

/// The part that a place is in, and the place within it. The place after the last one is in the last part.
fn locate<T, const MOST: usize>(parts: &[Part<T, MOST>], place: usize) -> (usize, usize) {
    let mut rest = place;
    for (at, part) in parts.iter().enumerate() {
        if rest < part.length || at.saturating_add(1) == parts.len() {
            return (at, rest);
        }
        rest = rest.saturating_sub(part.length);
    }
    (parts.len(), rest)
}

impl<T, const MOST: usize> Part<T, MOST> {
    /// These parts as one.
    fn of(parts: Vec<Part<T, MOST>>) -> Self {
        let length = parts.iter().map(|part| part.length).fold(0, usize::saturating_add);
        Part { length, node: Arc::new(Node::Parts(parts)) }
    }

    fn last(&self) -> Option<&T> {
        let mut part = self;
        loop {
            match &*part.node {
                Node::Items(items) => return items.last(),
                Node::Parts(parts) => part = parts.last()?,
            }
        }
    }

    /// Whether it is joined with a neighbour, if possible.
    fn has_few(&self) -> bool {
        self.node.width() < MOST / 4
    }
}

impl<T, const MOST: usize> Node<T, MOST> {
    /// How many items or parts it has of its own.
    fn width(&self) -> usize {
        match self {
            Node::Items(items) => items.len(),
            Node::Parts(parts) => parts.len(),
        }
    }
}

impl<T: Clone, const MOST: usize> Part<T, MOST> {
    /// Puts an item at a place; gives what stands behind it from now on, where it had to be halved.
    fn insert(&mut self, place: usize, item: T) -> Option<Part<T, MOST>> {
        self.length = self.length.saturating_add(1);
        let rest = match Arc::make_mut(&mut self.node) {
            Node::Items(items) => {
                items.insert(place.min(items.len()), item);
                if items.len() <= MOST {
                    return None;
                }
                let rest = items.split_off(MOST / 2);
                Part { length: rest.len(), node: Arc::new(Node::Items(rest)) }
            }
            Node::Parts(parts) => {
                let (at, rest) = locate(parts, place);
                let new = parts.get_mut(at)?.insert(rest, item)?;
                parts.insert(at.saturating_add(1), new);
                if parts.len() <= MOST {
                    return None;
                }
                Part::of(parts.split_off(MOST / 2))
            }
        };
        self.length = self.length.saturating_sub(rest.length);
        Some(rest)
    }

    /// Takes the item at a place away, which there is.
    fn remove(&mut self, place: usize) -> Option<T> {
        let item = match Arc::make_mut(&mut self.node) {
            Node::Items(items) => (place < items.len()).then(|| items.remove(place))?,
            Node::Parts(parts) => {
                let (at, rest) = locate(parts, place);
                let part = parts.get_mut(at)?;
                let item = part.remove(rest)?;
                if part.length == 0 {
                    parts.remove(at);
                } else if part.has_few() {
                    // With the one before it; the first one with the one behind it.
                    join(parts, at.saturating_sub(1));
                }
                item
            }
        };
        self.length = self.length.saturating_sub(1);
        Some(item)
    }

    fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        let (mut part, mut place) = (self, place);
        loop {
            match Arc::make_mut(&mut part.node) {
                Node::Items(items) => return items.get_mut(place),
                Node::Parts(parts) => {
                    let (at, rest) = locate(parts, place);
                    (part, place) = (parts.get_mut(at)?, rest);
                }
            }
        }
    }
}

/// Makes one of a part and the one behind it, where it is no more than a node may have.
fn join<T: Clone, const MOST: usize>(parts: &mut Vec<Part<T, MOST>>, at: usize) {
    let next = at.saturating_add(1);
    let width = |at: usize| parts.get(at).map_or(MOST, |part| part.node.width());
    if width(at).saturating_add(width(next)) > MOST {
        return;
    }
    let next = parts.remove(next);
    let Some(part) = parts.get_mut(at) else { return };
    part.length = part.length.saturating_add(next.length);
    // All nodes at one height are of one kind.
    match (Arc::make_mut(&mut part.node), &*next.node) {
        (Node::Items(items), Node::Items(more)) => items.extend_from_slice(more),
        (Node::Parts(parts), Node::Parts(more)) => parts.extend_from_slice(more),
        (Node::Items(_), Node::Parts(_)) | (Node::Parts(_), Node::Items(_)) => {}
    }
}

impl<T: Clone, const MOST: usize> LiveList<T, MOST> {
    /// Puts an item at a place; behind the last one where there is no such place.
    pub fn insert(&mut self, place: usize, item: T) {
        let Some(root) = &mut self.root else {
            self.root = Some(Part { node: Arc::new(Node::Items(vec![item])), length: 1 });
            return;
        };
        if let Some(rest) = root.insert(place.min(root.length), item) {
            self.root = Some(Part::of(vec![root.clone(), rest]));
        }
    }

    /// Takes the item at a place away, if there is one.
    pub fn remove(&mut self, place: usize) -> Option<T> {
        let root = self.root.as_mut().filter(|root| place < root.length)?;
        let item = root.remove(place)?;
        if root.length == 0 {
            self.root = None;
            return Some(item);
        }
        // One part alone is the list itself.
        let only = match &*root.node {
            Node::Parts(parts) => parts.first().filter(|_| parts.len() == 1).cloned(),
            Node::Items(_) => None,
        };
        self.root = only.or_else(|| self.root.take());
        Some(item)
    }

    /// Puts another item in a place, and gives the one that was there.
    pub fn replace(&mut self, place: usize, item: T) -> Option<T> {
        let root = self.root.as_mut().filter(|root| place < root.length)?;
        Some(std::mem::replace(root.get_mut(place)?, item))
    }

    /// Takes the last item away.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.remove(self.len().checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Checks what holds of every part below this one; gives its height.
    #[track_caller]
    fn height<T, const MOST: usize>(part: &Part<T, MOST>) -> usize {
        assert!((1..=MOST).contains(&part.node.width()), "{}", part.node.width());
        match &*part.node {
            Node::Items(items) => {
                assert_eq!(items.len(), part.length);
                0
            }
            Node::Parts(parts) => {
                assert_eq!(parts.iter().map(|part| part.length).sum::<usize>(), part.length);
                let heights: Vec<usize> = parts.iter().map(height).collect();
                assert!(heights.iter().all(|height| *height == heights[0]), "{heights:?}");
                heights[0] + 1
            }
        }
    }

    type Step = (u8, prop::sample::Index, u32);

    /// Checks that a list does what a vector does, and that a change of one is none of its copies.
    fn follow<const MOST: usize>(start: u32, steps: &[Step]) -> Result<(), TestCaseError> {
        let mut plain: Vec<u32> = (0..start).collect();
        let mut list: LiveList<u32, MOST> = plain.iter().copied().collect();
        let mut copies = Vec::new();
        for (kind, place, item) in steps {
            let at = place.index(plain.len() + 1);
            match kind {
                0 | 1 => {
                    plain.insert(at, *item);
                    list.insert(at, *item);
                }
                2 if at < plain.len() => prop_assert_eq!(list.remove(at), Some(plain.remove(at))),
                3 if at < plain.len() => {
                    prop_assert_eq!(list.replace(at, *item), Some(std::mem::replace(&mut plain[at], *item)));
                }
                4 => copies.push((plain.clone(), list.clone())),
                5 => prop_assert_eq!(list.pop(), plain.pop()),
                _ => prop_assert_eq!(list.get(at), plain.get(at)),
            }
            prop_assert_eq!(list.len(), plain.len());
            prop_assert!(list.root.iter().all(|root| height(root) < 12));
            prop_assert_eq!((list.first(), list.last()), (plain.first(), plain.last()));
            prop_assert!(list.iter_from(at).eq(&plain[at.min(plain.len())..]));
        }
        copies.push((plain, list));
        for (plain, list) in copies {
            prop_assert_eq!(list.iter().copied().collect::<Vec<_>>(), plain);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn it_is_a_list(start in 0..2_000_u32, steps in proptest::collection::vec(any::<Step>(), 0..400)) {
            let steps: Vec<Step> = steps.into_iter().map(|(kind, place, item)| (kind % 7, place, item)).collect();
            follow::<8>(start, &steps)?;
            follow::<128>(start, &steps)?;
        }

        #[test]
        fn it_shrinks_as_it_grew(places in proptest::collection::vec(any::<prop::sample::Index>(), 3_000)) {
            let (mut plain, mut list) = (Vec::new(), LiveList::<_, 8>::default());
            for (item, place) in places.iter().enumerate() {
                let at = place.index(plain.len() + 1);
                plain.insert(at, item);
                list.insert(at, item);
            }
            let high = height(list.root.as_ref().unwrap());
            for place in &places {
                let at = place.index(plain.len());
                prop_assert_eq!(list.remove(at), Some(plain.remove(at)));
                if plain.len() % 100 == 0 {
                    prop_assert!(list.iter().eq(&plain));
                    prop_assert!(list.root.as_ref().is_none_or(|root| height(root) <= high));
                }
            }
            prop_assert!(list.is_empty());
        }

        #[test]
        fn places_in_order_are_found(items in proptest::collection::btree_set(0..5_000_u32, 0..1_500), wanted in 0..5_000_u32) {
            let plain: Vec<u32> = items.into_iter().collect();
            let mut list = LiveList::<_, 8>::default();
            for item in &plain {
                let at = list.search(|known: &u32| known.cmp(item)).unwrap_err();
                list.insert(at, *item);
            }
            prop_assert_eq!(list.search(|known| known.cmp(&wanted)), plain.binary_search(&wanted));
        }
    }
}
