//! [`Head`].

use super::Link;
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::id::{ActorId, OpId};
use crate::operation::Operation;

/// A maximal antichain of the accepted operations of an entity, ascending by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Head(Vec<Link>);

impl Head {
    /// The greatest number of links that decoding accepts.
    pub const LIMIT: usize = 1 << 20;

    /// The head of an entity of which nothing is known.
    pub const fn new() -> Self {
        Head(Vec::new())
    }

    /// A head of links of which the caller knows that none is an ancestor of another. They are sorted, and
    /// repetitions left out; [`Ancestry::maximal`](super::Ancestry::maximal) makes an antichain of any set.
    pub fn of(links: impl IntoIterator<Item = Link>) -> Self {
        let mut links: Vec<Link> = links.into_iter().collect();
        links.sort_unstable();
        links.dedup();
        Head(links)
    }

    /// The links, ascending by id.
    pub fn links(&self) -> &[Link] {
        &self.0
    }

    /// Number of links.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no operation is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the operation is one of the head.
    pub fn contains(&self, link: &Link) -> bool {
        self.0.binary_search(link).is_ok()
    }

    /// The greatest id, if there is an operation. Ids of new operations exceed it.
    pub fn greatest(&self) -> Option<OpId> {
        self.0.last().map(|link| link.id)
    }

    /// Takes in an operation that the closed set under the head does not have yet, while it has all its
    /// parents: they leave the head, the operation joins it.
    ///
    /// Nothing in the set can descend from the new operation, so it is maximal; a member of the head that is
    /// an ancestor of it is one of its parents, for otherwise a parent would be above it. Hence redundant
    /// parents and late arrivals need no further look.
    pub fn advance(&mut self, link: Link, parents: &[Link]) {
        self.0.retain(|member| !parents.contains(member));
        if let Err(place) = self.0.binary_search(&link) {
            self.0.insert(place, link);
        }
    }

    /// [`Head::advance`] with an operation's own link and parents.
    pub fn accept(&mut self, operation: &Operation) {
        self.advance(operation.link(), operation.parents());
    }

    /// The parents of a new operation of `actor` on this head: all links or, where there are more than
    /// `limit`, the actor's own and then those with the smallest ids. Ascending.
    pub fn parents_for(&self, actor: ActorId, limit: usize) -> Vec<Link> {
        if self.0.len() <= limit {
            return self.0.clone();
        }
        let own = self.0.iter().filter(|link| link.actor == actor);
        let others = self.0.iter().filter(|link| link.actor != actor);
        let mut parents: Vec<Link> = own.chain(others).take(limit).copied().collect();
        parents.sort_unstable();
        parents
    }

    /// Writes the count and the links.
    pub fn encode(&self, writer: &mut Writer) {
        writer.count(self.0.len());
        for link in &self.0 {
            link.encode(writer);
        }
    }

    /// Reads a head of at most [`Head::LIMIT`] links.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decode_links(reader, "head", Self::LIMIT).map(Head)
    }
}

/// Reads a count and that many links, strictly ascending.
pub(crate) fn decode_links(
    reader: &mut Reader<'_>,
    what: &'static str,
    limit: usize,
) -> Result<Vec<Link>, DecodeError> {
    let count = reader.count(what, limit, Link::LEAST_BYTES)?;
    let mut links: Vec<Link> = Vec::with_capacity(count);
    for _ in 0..count {
        let at = reader.offset();
        let link = Link::decode(reader)?;
        if links.last().is_some_and(|last| *last >= link) {
            return Err(reader.error_at(at, what, Problem::Rule("links are not ascending")));
        }
        links.push(link);
    }
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Digest, Stamp};

    fn link(name: u8, actor: u64) -> Link {
        let id = OpId::new(Stamp::from_millis(u64::from(name)), 7);
        Link { id, digest: Digest([name; 32]), actor: ActorId::new(actor), sequence: 1 }
    }

    #[test]
    fn of_sorts_and_leaves_out_repetitions() {
        let head = Head::of([link(3, 1), link(1, 1), link(3, 1)]);
        assert_eq!(head.links(), &[link(1, 1), link(3, 1)]);
        assert_eq!(head.greatest(), Some(link(3, 1).id));
        assert!(head.contains(&link(1, 1)) && !head.contains(&link(2, 1)));
    }

    #[test]
    fn advance_replaces_parents() {
        let mut head = Head::of([link(1, 1), link(2, 1), link(5, 1)]);
        head.advance(link(4, 1), &[link(1, 1), link(2, 1)]);
        assert_eq!(head.links(), &[link(4, 1), link(5, 1)]);
    }

    #[test]
    fn the_actors_own_links_are_parents_first() {
        let head = Head::of([link(1, 1), link(2, 1), link(5, 2)]);
        assert_eq!(head.parents_for(ActorId::new(2), 3), head.links());
        assert_eq!(head.parents_for(ActorId::new(2), 2), &[link(1, 1), link(5, 2)]);
    }

    #[test]
    fn encoding_is_exact_and_ordered() {
        let head = Head::of([link(3, 1), link(1, 2)]);
        let mut writer = Writer::new();
        head.encode(&mut writer);
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!(Head::decode(&mut reader), Ok(head));
        assert_eq!(reader.finish(), Ok(()));

        let mut writer = Writer::new();
        writer.count(2);
        link(3, 1).encode(&mut writer);
        link(3, 1).encode(&mut writer);
        let error = Head::decode(&mut Reader::new(writer.as_bytes())).unwrap_err();
        assert_eq!(error.to_string(), "head at byte 51: links are not ascending");
    }

    #[test]
    fn links_of_keyed_geneses_have_neither_actor_nor_time() {
        let keyed = Link::keyed(OpId::from_bits(9), Digest([1; 32]));
        let broken = [
            Link { sequence: 1, ..keyed },
            Link { actor: ActorId::new(1), ..keyed },
            Link { sequence: 0, ..link(1, 1) },
            Link::keyed(link(1, 1).id, Digest([1; 32])),
        ];
        for (broken, wrong) in broken.into_iter().map(|link| (link, true)).chain([(keyed, false)]) {
            let mut writer = Writer::new();
            broken.encode(&mut writer);
            assert_eq!(Link::decode(&mut Reader::new(writer.as_bytes())).is_err(), wrong, "{broken:?}");
        }
    }
}
