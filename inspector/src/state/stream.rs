//! What comes one after the other: kept within bounds, filtered, held while it is paused.

use std::collections::VecDeque;

use super::list::List;
use crate::fold::words;

/// Items that are kept, and as many that are held.
pub const KEPT: usize = 10_000;
/// What the items that are kept may weigh together, and again those that are held: bytes, roughly.
pub const WEIGHT: usize = 16 << 20;

/// Something that takes memory.
pub trait Weigh {
    /// How much, in bytes, roughly.
    fn weight(&self) -> usize;
}

/// Items within bounds, the oldest first.
#[derive(Clone, Debug)]
struct Buffer<T> {
    items: VecDeque<T>,
    weight: usize,
}

impl<T: Weigh> Buffer<T> {
    fn new() -> Self {
        Buffer { items: VecDeque::new(), weight: 0 }
    }

    /// Takes an item in; how many had to make room for it.
    fn push(&mut self, item: T) -> u64 {
        self.weight = self.weight.saturating_add(item.weight());
        self.items.push_back(item);
        let mut dropped = 0;
        while self.items.len() > KEPT || (self.weight > WEIGHT && self.items.len() > 1) {
            let Some(oldest) = self.items.pop_front() else { break };
            self.weight = self.weight.saturating_sub(oldest.weight());
            dropped += 1;
        }
        dropped
    }
}

/// A stream of items of which the last ones are kept.
#[derive(Clone, Debug)]
pub struct Stream<T> {
    kept: Buffer<T>,
    /// While it is paused: what came since.
    held: Buffer<T>,
    /// The numbers of the kept items that the filter has, ascending; the first one that is kept has `first`.
    fitting: VecDeque<u64>,
    first: u64,
    /// Whether it is paused.
    pub paused: bool,
    /// How many items were held and had to be dropped.
    pub dropped: u64,
    /// How many items came in all.
    pub seen: u64,
    filter: String,
    words: Vec<String>,
    /// Where one is, from the newest.
    pub list: List,
    /// Why there will be no more.
    pub failure: Option<String>,
}

impl<T: Weigh> Default for Stream<T> {
    fn default() -> Self {
        Stream {
            kept: Buffer::new(),
            held: Buffer::new(),
            fitting: VecDeque::new(),
            first: 0,
            paused: false,
            dropped: 0,
            seen: 0,
            filter: String::new(),
            words: Vec::new(),
            list: List::default(),
            failure: None,
        }
    }
}

impl<T: Weigh> Stream<T> {
    /// Takes an item in. `fits` says whether an item has some words.
    pub fn take(&mut self, item: T, fits: impl Fn(&T, &[String]) -> bool) {
        self.seen = self.seen.saturating_add(1);
        if self.paused {
            self.dropped = self.dropped.saturating_add(self.held.push(item));
        } else {
            self.keep(item, &fits);
        }
    }

    fn keep(&mut self, item: T, fits: &impl Fn(&T, &[String]) -> bool) {
        let number = self.first.saturating_add(u64::try_from(self.kept.items.len()).unwrap_or(u64::MAX));
        let fitting = self.words.is_empty() || fits(&item, &self.words);
        self.first = self.first.saturating_add(self.kept.push(item));
        if fitting {
            self.fitting.push_back(number);
            // Whoever looks further back than at the newest goes on looking at the same.
            if self.list.top > 0 || self.list.selected > 0 {
                self.list.selected = self.list.selected.saturating_add(1);
                self.list.top = self.list.top.saturating_add(1);
            }
        }
        while self.fitting.front().is_some_and(|number| *number < self.first) {
            self.fitting.pop_front();
        }
    }

    /// Holds, or goes on with what was held.
    pub fn pause(&mut self, fits: impl Fn(&T, &[String]) -> bool) {
        self.paused = !self.paused;
        if !self.paused {
            self.dropped = 0;
            let held = std::mem::replace(&mut self.held, Buffer::new());
            held.items.into_iter().for_each(|item| self.keep(item, &fits));
        }
    }

    /// Shows only what has all words of a text.
    pub fn set_filter(&mut self, text: &str, fits: impl Fn(&T, &[String]) -> bool) {
        text.trim().clone_into(&mut self.filter);
        self.words = words(text);
        let words = &self.words;
        let numbered = (self.first..).zip(&self.kept.items);
        let fitting = numbered.filter(|(_, item)| words.is_empty() || fits(item, words));
        self.fitting = fitting.map(|(number, _)| number).collect();
        self.list = List::default();
    }

    /// The text of the filter; empty where everything is shown.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// How many items are held.
    pub fn held(&self) -> usize {
        self.held.items.len()
    }

    /// How many items are kept, whatever the filter says.
    pub fn kept(&self) -> usize {
        self.kept.items.len()
    }

    /// How many items are shown.
    pub fn len(&self) -> usize {
        self.fitting.len()
    }

    /// Whether none is shown.
    pub fn is_empty(&self) -> bool {
        self.fitting.is_empty()
    }

    /// An item that is shown, from the newest.
    pub fn entry(&self, number: usize) -> Option<&T> {
        let at = self.fitting.len().checked_sub(number.checked_add(1)?)?;
        let place = self.fitting.get(at)?.checked_sub(self.first)?;
        self.kept.items.get(usize::try_from(place).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Item(String);

    impl Weigh for Item {
        fn weight(&self) -> usize {
            self.0.len()
        }
    }

    fn fits(item: &Item, words: &[String]) -> bool {
        crate::fold::has_all(&item.0, words)
    }

    fn shown(stream: &Stream<Item>) -> Vec<&str> {
        (0..stream.len()).map(|number| stream.entry(number).unwrap().0.as_str()).collect()
    }

    #[test]
    fn a_paused_stream_counts_what_it_holds_and_drops() {
        let mut stream = Stream::default();
        let take = |stream: &mut Stream<Item>, count: usize| {
            (0..count).for_each(|number| stream.take(Item(number.to_string()), fits));
        };
        take(&mut stream, 3);
        stream.pause(fits);
        take(&mut stream, KEPT + 5);
        assert_eq!((stream.len(), stream.held(), stream.dropped, stream.seen), (3, KEPT, 5, 10_008));
        stream.pause(fits);
        assert_eq!((stream.len(), stream.held(), stream.dropped), (KEPT, 0, 0));
        assert_eq!(stream.entry(0), Some(&Item((KEPT + 4).to_string())));
        assert_eq!(stream.entry(KEPT), None);
    }

    #[test]
    fn heavy_items_make_room_sooner() {
        let mut stream = Stream::default();
        for _ in 0..40 {
            stream.take(Item("x".repeat(1 << 20)), fits);
        }
        assert_eq!(stream.len(), 16);
        stream.pause(fits);
        for _ in 0..40 {
            stream.take(Item("x".repeat(1 << 20)), fits);
        }
        assert_eq!((stream.held(), stream.dropped), (16, 24));
        // One item is kept however heavy it is.
        stream.pause(fits);
        stream.take(Item("x".repeat(64 << 20)), fits);
        assert_eq!(stream.len(), 1);
    }

    #[test]
    fn a_filter_shows_a_part() {
        let mut stream = Stream::default();
        for text in ["Björk", "Miles", "Björn"] {
            stream.take(Item(text.to_owned()), fits);
        }
        stream.set_filter("bjor", fits);
        stream.take(Item("bjoerk".to_owned()), fits);
        stream.take(Item("BJORG".to_owned()), fits);
        assert_eq!(shown(&stream), ["BJORG", "Björn", "Björk"]);
        stream.set_filter("", fits);
        assert_eq!(stream.len(), 5);
    }

    #[test]
    fn who_looks_back_is_not_moved() {
        let mut stream = Stream::default();
        (0..50).for_each(|number| stream.take(Item(number.to_string()), fits));
        stream.list = List { selected: 20, top: 15 };
        let before = stream.entry(20).cloned();
        (50..60).for_each(|number| stream.take(Item(number.to_string()), fits));
        assert_eq!(stream.entry(stream.list.selected).cloned(), before);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_what_fits(steps in proptest::collection::vec((0_u8..6, "[ab]{1,3}"), 0..60)) {
            let mut stream = Stream::default();
            let (mut all, mut held, mut paused, mut filter) = (Vec::new(), Vec::new(), false, String::new());
            for (what, text) in steps {
                match what {
                    0 => {
                        paused = !paused;
                        stream.pause(fits);
                        all.append(&mut held);
                    }
                    1 => {
                        stream.set_filter(&text, fits);
                        filter = text;
                    }
                    _ => {
                        stream.take(Item(text.clone()), fits);
                        if paused { held.push(text) } else { all.push(text) }
                    }
                }
                let expected: Vec<&str> =
                    all.iter().rev().map(String::as_str).filter(|text| text.contains(&filter)).collect();
                prop_assert_eq!(shown(&stream), expected);
                prop_assert_eq!(stream.held(), held.len());
            }
        }
    }
}
