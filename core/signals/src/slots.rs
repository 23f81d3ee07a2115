//! A list whose entries are taken out in constant time, by the number that inserting gave.

/// Entries in the order of their slots. Free slots are used again; free ones at the end are given back.
pub(crate) struct Slots<T> {
    entries: Vec<Option<T>>,
    /// Slots that were freed. Those beyond the end or taken since are skipped when met.
    free: Vec<usize>,
    count: usize,
    /// Entries that were touched by insertions and removals, so that tests can count the work.
    #[cfg(test)]
    touched: usize,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            count: 0,
            #[cfg(test)]
            touched: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().flatten()
    }

    /// Puts an entry into a slot, whose number is returned.
    pub(crate) fn insert(&mut self, entry: T) -> usize {
        self.count += 1;
        while let Some(slot) = self.free.pop() {
            self.touch();
            if let Some(place @ None) = self.entries.get_mut(slot) {
                *place = Some(entry);
                return slot;
            }
        }
        self.touch();
        self.entries.push(Some(entry));
        self.entries.len() - 1
    }

    /// Takes out what is in a slot.
    pub(crate) fn remove(&mut self, slot: usize) -> Option<T> {
        self.touch();
        let removed = self.entries.get_mut(slot)?.take()?;
        self.count -= 1;
        self.free.push(slot);
        while let Some(None) = self.entries.last() {
            self.touch();
            self.entries.pop();
        }
        // Each of these passes is paid for by the removals since the last one.
        if self.entries.is_empty() {
            self.free = Vec::new();
        } else if self.free.len() > 2 * self.entries.len() + 8 {
            self.free.clear();
            for (slot, entry) in self.entries.iter().enumerate() {
                if entry.is_none() {
                    self.free.push(slot);
                }
            }
            #[cfg(test)]
            {
                self.touched += self.entries.len();
            }
        }
        if self.entries.capacity() > 4 * self.entries.len() {
            #[cfg(test)]
            {
                self.touched += self.entries.len();
            }
            self.entries.shrink_to(2 * self.entries.len());
            self.free.shrink_to(2 * self.free.len());
        }
        Some(removed)
    }

    #[cfg(test)]
    fn touch(&mut self) {
        self.touched += 1;
    }

    #[cfg(not(test))]
    #[inline]
    fn touch(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Removes all of `count` entries in the given order and returns the most work that one of ten
    /// consecutive operations took on average.
    fn work(count: usize, order: impl Iterator<Item = usize>) -> usize {
        let mut slots = Slots::new();
        let numbers: Vec<usize> = (0..count).map(|n| slots.insert(n)).collect();
        slots.touched = 0;
        for n in order {
            assert_eq!(slots.remove(numbers[n]), Some(n));
        }
        assert_eq!(slots.len(), 0);
        assert_eq!((slots.entries.capacity(), slots.free.capacity()), (0, 0), "memory is given back");
        slots.touched / count
    }

    #[test]
    fn removal_costs_the_same_among_a_hundred_and_a_hundred_thousand() {
        for count in [100, 100_000] {
            assert!(work(count, 0..count) <= 4, "first to last of {count}");
            assert!(work(count, (0..count).rev()) <= 4, "last to first of {count}");
            // 7919 is a prime and divides neither count: every entry once, in leaps.
            assert!(work(count, (0..count).map(|n| n * 7919 % count)) <= 4, "in leaps of {count}");
        }
    }

    #[test]
    fn one_removal_and_insertion_in_a_full_list_touch_a_handful_of_entries() {
        let mut slots = Slots::new();
        for n in 0..100_000 {
            slots.insert(n);
        }
        for slot in [0, 50_000, 99_998] {
            slots.touched = 0;
            slots.remove(slot);
            assert_eq!(slots.insert(7), slot);
            assert!(slots.touched <= 4, "{}", slots.touched);
        }
    }

    proptest! {
        /// Random insertions and removals against a plain map.
        #[test]
        fn equals_a_map(choices in prop::collection::vec(any::<(bool, prop::sample::Index)>(), 0..400)) {
            let mut slots = Slots::new();
            let mut model = std::collections::BTreeMap::new();
            for (step, (insert, index)) in choices.into_iter().enumerate() {
                if insert || model.is_empty() {
                    let slot = slots.insert(step);
                    prop_assert_eq!(model.insert(slot, step), None, "a slot in use was given away");
                } else {
                    let slot = *model.keys().nth(index.index(model.len())).unwrap();
                    prop_assert_eq!(slots.remove(slot), model.remove(&slot));
                    prop_assert_eq!(slots.remove(slot), None);
                }
                prop_assert_eq!(slots.len(), model.len());
                prop_assert_eq!(slots.iter().collect::<Vec<_>>(), model.values().collect::<Vec<_>>());
                prop_assert!(slots.free.len() <= 2 * slots.entries.len() + 9);
            }
        }
    }
}
