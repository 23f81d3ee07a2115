//! What must come out, by walking.

use std::cmp::Reverse;
use std::error::Error;

use ankurah::core::id::OpId;

use crate::shape::Shape;

/// The most operations whose closures are held in memory: some 300 MB.
const LIMIT: usize = 50_000;

/// A history with the closure of every operation as a set of bits.
pub(crate) struct Oracle {
    closures: Vec<Vec<u64>>,
    /// The operations that nothing follows.
    pub(crate) head: Vec<usize>,
    /// Each operation's writer: one that writes in sequence, so that all it wrote before is in the closure.
    pub(crate) actors: Vec<usize>,
    /// Parents that are ancestors of other parents of the same operation.
    pub(crate) redundant: usize,
    /// Operations written before one of their parents.
    pub(crate) backwards: usize,
}

fn bit(set: &[u64], at: usize) -> bool {
    set.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

impl Oracle {
    /// Of a shape.
    pub(crate) fn new(shape: &Shape) -> Result<Self, Box<dyn Error>> {
        let count = shape.nodes.len();
        if count == 0 || count > LIMIT {
            return Err(format!("{count} operations; there must be some, and at most {LIMIT}").into());
        }
        let mut closures: Vec<Vec<u64>> = Vec::with_capacity(count);
        let mut childless = vec![true; count];
        // The last operation of each actor.
        let mut last: Vec<usize> = Vec::new();
        let mut actors = Vec::with_capacity(count);
        let (mut redundant, mut backwards) = (0, 0);
        for (index, node) in shape.nodes.iter().enumerate() {
            let mut closure = vec![0u64; count.div_ceil(64)];
            for parent in &node.parents {
                let of_parent = closures.get(*parent).ok_or("a parent too late")?;
                closure.iter_mut().zip(of_parent).for_each(|(all, more)| *all |= more);
                if let Some(childless) = childless.get_mut(*parent) {
                    *childless = false;
                }
            }
            let is_redundant = |parent: &&usize| {
                node.parents.iter().any(|other| {
                    other != *parent && closures.get(*other).is_some_and(|closure| bit(closure, **parent))
                })
            };
            redundant += node.parents.iter().filter(is_redundant).count();
            let seconds = |at: &usize| shape.nodes.get(*at).map_or(0, |node| node.seconds);
            backwards += usize::from(node.parents.iter().any(|parent| seconds(parent) > node.seconds));
            // An actor goes on if all that it wrote is known here, the one who wrote last first.
            let mut free: Vec<usize> = (0..last.len())
                .filter(|actor| last.get(*actor).is_some_and(|last| bit(&closure, *last)))
                .collect();
            free.sort_by_key(|actor| Reverse(last.get(*actor).copied()));
            let actor = free.first().copied().unwrap_or_else(|| {
                last.push(index);
                last.len() - 1
            });
            if let Some(last) = last.get_mut(actor) {
                *last = index;
            }
            actors.push(actor);
            if let Some(word) = closure.get_mut(index / 64) {
                *word |= 1 << (index % 64);
            }
            closures.push(closure);
        }
        let head = (0..count).filter(|at| childless.get(*at).copied().unwrap_or_default()).collect();
        Ok(Oracle { closures, head, actors, redundant, backwards })
    }

    /// Whether `a` is `b` or an ancestor of it.
    pub(crate) fn is_below(&self, a: usize, b: usize) -> bool {
        self.closures.get(b).is_some_and(|closure| bit(closure, a))
    }

    /// Of the operations that are asked for, the one with the greatest id in the closures of some.
    pub(crate) fn winner(&self, of: &[usize], ids: &[OpId], asked: impl Fn(usize) -> bool) -> Option<usize> {
        let within = |at: &usize| asked(*at) && of.iter().any(|end| self.is_below(*at, *end));
        (0..ids.len()).filter(within).max_by_key(|at| ids.get(*at))
    }
}

/// A small reproducible generator (Steele et al., SplitMix64, 2014).
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let number = z ^ (z >> 31);
        usize::try_from(number % u64::try_from(end.max(1)).unwrap_or(u64::MAX)).unwrap_or_default()
    }
}
