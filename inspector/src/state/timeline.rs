//! An entity, or a collection, at any time.

use ankurah_core::id::OpId;

use super::list::List;
use crate::dag::{Graph, Op};
use crate::message::Image;

/// Operations in the order of their ids, of an entity or of a whole collection.
pub trait Moments {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of one.
    fn id(&self, at: usize) -> OpId;

    /// The position of the log at which it was accepted.
    fn position(&self, at: usize) -> u64;

    /// What it was committed together with has the same number.
    fn transaction(&self, at: usize) -> u128;
}

impl Moments for Graph {
    fn len(&self) -> usize {
        Graph::len(self)
    }

    fn id(&self, at: usize) -> OpId {
        Graph::id(self, number(at))
    }

    fn position(&self, at: usize) -> u64 {
        Graph::position(self, number(at)).0
    }

    fn transaction(&self, at: usize) -> u128 {
        Graph::transaction(self, number(at)).map_or(0, |transaction| transaction.0)
    }
}

fn number(at: usize) -> Op {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// One operation.
    #[default]
    Operation,
    /// The operations of a transaction.
    Transaction,
    /// Those of a second.
    Second,
    /// Those of an hour.
    Hour,
    /// Those of a day.
    Day,
    /// Those accepted at one position of the log, in the order in which they were accepted.
    Position,
}

impl Unit {
    const ALL: [Unit; 6] =
        [Unit::Operation, Unit::Transaction, Unit::Second, Unit::Hour, Unit::Day, Unit::Position];

    /// The next one.
    pub fn next(self) -> Self {
        let at = Unit::ALL.iter().position(|unit| *unit == self).unwrap_or(0);
        Unit::ALL.get((at + 1) % Unit::ALL.len()).copied().unwrap_or_default()
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Operation => "operation",
            Unit::Transaction => "transaction",
            Unit::Second => "second",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Position => "position",
        }
    }

    /// What the operations of one step have in common.
    fn key(self, moments: &dyn Moments, at: usize) -> u128 {
        let seconds = |seconds: u64| u128::from(moments.id(at).stamp().millis() / 1000 / seconds);
        match self {
            Unit::Operation => u128::try_from(at).unwrap_or(u128::MAX),
            Unit::Transaction => moments.transaction(at),
            Unit::Second => seconds(1),
            Unit::Hour => seconds(3600),
            Unit::Day => seconds(86_400),
            Unit::Position => u128::from(moments.position(at)),
        }
    }
}

/// A point in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Before the first operation.
    Beginning,
    /// After all operations with ids up to this one.
    Operation(OpId),
    /// After all operations that were accepted up to this position of the log.
    Position(u64),
}

impl Point {
    /// How a statement names it.
    pub fn text(self) -> String {
        match self {
            Point::Beginning => "position 0".to_owned(),
            Point::Operation(id) => format!("@{id}"),
            Point::Position(position) => format!("position {position}"),
        }
    }
}

/// A point to compare with.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Which one.
    pub point: Point,
    /// What the entity was there.
    pub image: Option<Image>,
}

/// What differs between two points of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The entity.
    pub entity: OpId,
    /// What became of it: `created`, `changed`, ….
    pub what: String,
    /// The property; empty where there is none to name.
    pub property: String,
    /// From which value to which.
    pub change: String,
}

/// Milliseconds between two steps, from slow to fast.
const SPEEDS: [u64; 7] = [2000, 1000, 500, 250, 100, 50, 20];

/// Where one is in a history.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// How many operations count, in the order that the unit has; `None` is all of them, also those to come.
    pub at: Option<usize>,
    /// What they give, of an entity.
    pub image: Option<Image>,
    /// What was shown before.
    pub before: Option<Image>,
    /// Points to compare with: none, one, or two that are compared with each other.
    pub marks: Vec<Mark>,
    /// Of a collection: what differs from the mark, or between the two.
    pub differences: Vec<Difference>,
    /// What came of them so far.
    pub(super) arriving: Vec<Difference>,
    /// What a step is.
    pub unit: Unit,
    /// Whether it goes on by itself.
    pub playing: bool,
    /// Whether an answer is still to come: playing waits for it.
    pub asked: bool,
    /// Where it goes as soon as the operations were read.
    pub wanted: Option<Point>,
    speed: usize,
    /// Where one is in the list.
    pub list: List,
    /// Why a point cannot be shown.
    pub failure: Option<String>,
    /// The operations in the order of their acceptance, where that is the unit's.
    order: Vec<u32>,
}

impl Default for Timeline {
    fn default() -> Self {
        Timeline {
            at: None,
            image: None,
            before: None,
            marks: Vec::new(),
            differences: Vec::new(),
            arriving: Vec::new(),
            unit: Unit::default(),
            playing: false,
            asked: false,
            wanted: None,
            speed: 2,
            list: List::default(),
            failure: None,
            order: Vec::new(),
        }
    }
}

impl Timeline {
    /// How many operations count.
    pub fn count(&self, moments: &dyn Moments) -> usize {
        self.at.unwrap_or(moments.len()).min(moments.len())
    }

    /// The operation at a place in the unit's order.
    fn nth(&self, place: usize) -> usize {
        match self.unit {
            Unit::Position => self.order.get(place).and_then(|at| usize::try_from(*at).ok()).unwrap_or(place),
            _ => place,
        }
    }

    /// The last operation that counts.
    pub fn last(&self, moments: &dyn Moments) -> Option<usize> {
        self.count(moments).checked_sub(1).map(|place| self.nth(place))
    }

    /// The point after an operation, in the unit's order.
    fn after(&self, moments: &dyn Moments, at: usize) -> Point {
        match self.unit {
            Unit::Position => Point::Position(moments.position(at)),
            _ => Point::Operation(moments.id(at)),
        }
    }

    /// Where one is.
    pub fn point(&self, moments: &dyn Moments) -> Point {
        self.last(moments).map_or(Point::Beginning, |at| self.after(moments, at))
    }

    /// How many operations count at a point, in the unit's order.
    pub fn place(&self, moments: &dyn Moments, point: Point) -> usize {
        let upto = |position: u64| {
            let counts = |place: &usize| moments.position(self.nth(*place)) <= position;
            match self.unit {
                Unit::Position => partition(moments.len(), |place| counts(&place)),
                // Where ids and positions are in another order, the last of those that count.
                _ => (0..moments.len()).rev().find(counts).map_or(0, |place| place + 1),
            }
        };
        match point {
            Point::Beginning => 0,
            Point::Position(position) => upto(position),
            Point::Operation(id) => {
                let count = partition(moments.len(), |at| moments.id(at) <= id);
                match (self.unit, count.checked_sub(1)) {
                    (Unit::Position, Some(last)) => upto(moments.position(last)),
                    _ => count,
                }
            }
        }
    }

    /// Brings operations that were read into the unit's order; where one is stays the same point.
    pub fn arrange(&mut self, moments: &dyn Moments) {
        if self.unit == Unit::Position && self.order.len() != moments.len() {
            let mut order: Vec<u32> = (0..moments.len()).map(number).collect();
            order.sort_by_key(|at| moments.position(usize::try_from(*at).unwrap_or(usize::MAX)));
            self.order = order;
        }
    }

    /// Another unit. A point stays what it is as nearly as the unit's order has it.
    pub fn set_unit(&mut self, unit: Unit, moments: &dyn Moments) {
        let point = self.point(moments);
        self.unit = unit;
        self.order = Vec::new();
        self.arrange(moments);
        if self.at.is_some() {
            self.go_to(point, moments);
        }
    }

    /// Goes one step on, or back; false at the end.
    pub fn step(&mut self, moments: &dyn Moments, back: bool) -> bool {
        self.arrange(moments);
        let (count, length) = (self.count(moments), moments.len());
        let key = |place: usize| self.unit.key(moments, self.nth(place));
        let to = if back {
            let Some(last) = count.checked_sub(1) else { return false };
            let own = key(last);
            (0..last).rev().find(|place| key(*place) != own).map_or(0, |place| place + 1)
        } else {
            if count >= length {
                return false;
            }
            let own = key(count);
            (count..length).find(|place| key(*place) != own).unwrap_or(length)
        };
        self.go(to, moments);
        true
    }

    /// What is shown now is what the next point is compared with.
    pub fn leave_now(&mut self, now: Option<&Image>) {
        if self.at.is_none() {
            self.image = now.cloned();
        }
    }

    /// Goes to a place in the unit's order.
    pub fn go(&mut self, to: usize, moments: &dyn Moments) {
        self.at = Some(to).filter(|to| *to < moments.len());
    }

    /// Goes to a point.
    pub fn go_to(&mut self, point: Point, moments: &dyn Moments) {
        self.arrange(moments);
        let to = self.place(moments, point);
        self.go(to, moments);
    }

    /// Marks where one is: the point that everything is compared with, then the second of two that are compared with
    /// each other. Where one is marked already, and beyond the second, there is none any more.
    pub fn mark(&mut self, moments: &dyn Moments, image: Option<Image>) {
        let point = self.point(moments);
        let again = self.marks.iter().any(|mark| mark.point == point);
        if again || self.marks.len() >= 2 {
            self.marks.clear();
        } else {
            self.marks.push(Mark { point, image });
            // Of two, the earlier one is what the other is compared with.
            let places: Vec<usize> = self.marks.iter().map(|mark| self.place(moments, mark.point)).collect();
            if !places.is_sorted() {
                self.marks.reverse();
            }
        }
    }

    /// What is shown, and what it is compared with, where a point is marked; `None` where none is.
    pub fn compared<'a>(
        &'a self,
        shown: Option<&'a Image>,
    ) -> Option<(Option<&'a Image>, Option<&'a Image>)> {
        match self.marks.as_slice() {
            [] => None,
            [mark] => Some((mark.image.as_ref(), shown)),
            [first, second, ..] => Some((first.image.as_ref(), second.image.as_ref())),
        }
    }

    /// Takes in what a point is.
    pub fn take(&mut self, image: Option<Image>) {
        self.before = std::mem::replace(&mut self.image, image);
    }

    /// Plays faster or slower.
    pub fn speed(&mut self, faster: bool) {
        self.speed =
            if faster { (self.speed + 1).min(SPEEDS.len() - 1) } else { self.speed.saturating_sub(1) };
    }

    /// Milliseconds between two steps.
    pub fn pause(&self) -> u64 {
        SPEEDS.get(self.speed).copied().unwrap_or(500)
    }
}

/// The first of so many places that is not before a point.
fn partition(length: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use ankurah_core::id::Stamp;
    use proptest::prelude::*;

    use super::*;

    /// Operations by the milliseconds of their ids, their positions and transactions.
    struct Fixed(Vec<(u64, u64, u128)>);

    impl Moments for Fixed {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn id(&self, at: usize) -> OpId {
            OpId::new(Stamp::from_millis(self.0[at].0), 7)
        }
        fn position(&self, at: usize) -> u64 {
            self.0[at].1
        }
        fn transaction(&self, at: usize) -> u128 {
            self.0[at].2
        }
    }

    fn places(unit: Unit, moments: &Fixed) -> Vec<usize> {
        let mut timeline = Timeline::default();
        timeline.set_unit(unit, moments);
        timeline.go(0, moments);
        let mut places = vec![0];
        while timeline.step(moments, false) {
            places.push(timeline.count(moments));
        }
        let mut back = vec![moments.len()];
        while timeline.step(moments, true) {
            back.push(timeline.count(moments));
        }
        back.reverse();
        assert_eq!(places, back, "{unit:?}");
        places
    }

    #[test]
    fn every_unit_has_its_steps() {
        let hour = 3_600_000;
        let moments = Fixed(vec![
            (1000, 1, 1),
            (1500, 1, 1),
            (2000, 4, 2),
            (hour, 2, 3),
            (hour + 1, 2, 3),
            (24 * hour, 3, 4),
        ]);
        let check = |unit, expected: &[usize]| assert_eq!(places(unit, &moments), expected, "{unit:?}");
        check(Unit::Operation, &[0, 1, 2, 3, 4, 5, 6]);
        check(Unit::Transaction, &[0, 2, 3, 5, 6]);
        check(Unit::Second, &[0, 2, 3, 5, 6]);
        check(Unit::Hour, &[0, 3, 5, 6]);
        check(Unit::Day, &[0, 5, 6]);
        // In the order of acceptance: 1 1 2 2 3 4.
        check(Unit::Position, &[0, 2, 4, 5, 6]);
    }

    #[test]
    fn marks_are_one_two_and_none() {
        let moments = Fixed(vec![(1, 1, 1), (2, 2, 2), (3, 3, 3)]);
        let mut timeline = Timeline::default();
        let mut counts = Vec::new();
        for to in [1, 2, 0, 1, 1, 3] {
            timeline.go(to, &moments);
            timeline.mark(&moments, None);
            counts.push(timeline.marks.len());
        }
        timeline.go(1, &moments);
        timeline.mark(&moments, None);
        let points: Vec<Point> = timeline.marks.iter().map(|mark| mark.point).collect();
        assert_eq!(points, [Point::Operation(moments.id(0)), Point::Operation(moments.id(2))]);
        assert_eq!(counts, [1, 2, 0, 1, 0, 1]);
    }

    proptest! {
        #[test]
        fn a_point_leads_back_to_its_place(
            positions in proptest::collection::vec(0_u64..6, 0..12),
            unit in proptest::sample::select(Unit::ALL.to_vec()),
            to in 0_usize..14,
        ) {
            let moments = Fixed((0..).zip(&positions).map(|(at, position)| (at * 700, *position, 1)).collect());
            let mut timeline = Timeline::default();
            timeline.set_unit(unit, &moments);
            timeline.go(to, &moments);
            // Between two places of one position there is no point.
            timeline.step(&moments, true);
            let (count, point) = (timeline.count(&moments), timeline.point(&moments));
            timeline.go_to(point, &moments);
            prop_assert_eq!(timeline.count(&moments), count);
            for other in Unit::ALL {
                timeline.set_unit(other, &moments);
                prop_assert!(timeline.count(&moments) <= moments.len());
            }
        }
    }
}
