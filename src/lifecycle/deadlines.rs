//! Deadlines in the order in which they are due.
//!
//! A heap of moments whose places are known, so that a deadline is set, moved and removed in
//! O(log n) and the next due one is read at once: nothing ever looks at all orders. One entry is 36
//! bytes for a subject of 8 bytes, so a million open orders take 36 MB and at most 10 levels.
//!
//! A heap and not a wheel, since what is due comes out in exact order and an entry that is years
//! away costs nothing in between. Equal moments come out by subject, so the order does not depend on
//! history. Nothing here is state that must survive: it follows from the orders.

use crate::model::EpochMillis;

/// Children of a node. Four of them lie in one or two cache lines.
const ARITY: usize = 4;

/// A deadline that was set. It outlives the deadline harmlessly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    slot: u32,
    generation: u32,
}

/// In the heap: sorted by moment, then subject.
#[derive(Debug, Clone, Copy)]
struct Entry<T> {
    due: EpochMillis,
    subject: T,
    slot: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Its place in the heap, or the next free slot.
    place: u32,
    /// Counts the timers that this slot has served.
    generation: u32,
    /// Whether `place` is one in the heap.
    used: bool,
}

/// Deadlines of subjects, small values such as the number of a fulfilment order.
#[derive(Debug, Clone)]
pub struct Deadlines<T> {
    heap: Vec<Entry<T>>,
    slots: Vec<Slot>,
    /// The first free slot.
    free: Option<u32>,
}

// What the head of this file promises about memory.
const _: () = assert!(Deadlines::<u64>::ENTRY_BYTES <= 36);

impl<T> Default for Deadlines<T> {
    fn default() -> Self {
        Self {
            heap: Vec::new(),
            slots: Vec::new(),
            free: None,
        }
    }
}

impl<T: Copy + Ord> Deadlines<T> {
    /// Bytes of one deadline, without the spare room of the lists.
    pub const ENTRY_BYTES: usize = size_of::<Entry<T>>() + size_of::<Slot>();

    /// Sets a deadline. `None` when there are 4 billion already.
    pub fn insert(&mut self, due: EpochMillis, subject: T) -> Option<Timer> {
        let place = self.heap.len();
        let number = u32::try_from(place).ok().filter(|&p| p < u32::MAX)?;
        let slot = match self.free {
            Some(slot) => {
                let free = &mut self.slots[slot as usize];
                self.free = (free.place != u32::MAX).then_some(free.place);
                free.place = number;
                free.used = true;
                slot
            }
            None => {
                self.slots.push(Slot {
                    place: number,
                    generation: 0,
                    used: true,
                });
                number
            }
        };
        self.heap.push(Entry { due, subject, slot });
        self.rise(place);
        let generation = self.slots[slot as usize].generation;
        Some(Timer { slot, generation })
    }

    /// Moves a deadline; `false` when it was removed or has come due.
    pub fn replace(&mut self, timer: Timer, due: EpochMillis) -> bool {
        let Some(place) = self.place(timer) else {
            return false;
        };
        self.heap[place].due = due;
        self.settle(place);
        true
    }

    /// Removes a deadline and answers what it was; `None` when it is gone already.
    pub fn remove(&mut self, timer: Timer) -> Option<(EpochMillis, T)> {
        let place = self.place(timer)?;
        Some(self.take(place))
    }

    /// When the next deadline is due: how long whoever watches may sleep.
    #[must_use]
    pub fn next_due(&self) -> Option<EpochMillis> {
        self.heap.first().map(|first| first.due)
    }

    /// Takes the next deadline that is due at `now`, the earliest first.
    pub fn pop_due(&mut self, now: EpochMillis) -> Option<(EpochMillis, T)> {
        self.next_due()
            .filter(|&due| due <= now)
            .map(|_| self.take(0))
    }

    /// Takes everything that is due at `now`, the earliest first.
    pub fn due(&mut self, now: EpochMillis) -> impl Iterator<Item = (EpochMillis, T)> {
        std::iter::from_fn(move || self.pop_due(now))
    }

    /// How many deadlines are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    fn place(&self, timer: Timer) -> Option<usize> {
        let slot = self.slots.get(timer.slot as usize)?;
        (slot.used && slot.generation == timer.generation).then_some(slot.place as usize)
    }

    fn take(&mut self, place: usize) -> (EpochMillis, T) {
        let entry = self.heap.swap_remove(place);
        let free = self.free.unwrap_or(u32::MAX);
        let slot = &mut self.slots[entry.slot as usize];
        slot.used = false;
        slot.place = free;
        slot.generation = slot.generation.wrapping_add(1);
        self.free = Some(entry.slot);
        if place < self.heap.len() {
            self.settle(place);
        }
        (entry.due, entry.subject)
    }

    /// Whether the entry at `a` comes out before the one at `b`.
    fn before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.heap[a], &self.heap[b]);
        (a.due, a.subject) < (b.due, b.subject)
    }

    /// Puts an entry whose moment has changed where it belongs.
    fn settle(&mut self, place: usize) {
        let place = self.rise(place);
        self.sink(place);
    }

    fn rise(&mut self, mut place: usize) -> usize {
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if !self.before(place, parent) {
                break;
            }
            self.swap(place, parent);
            place = parent;
        }
        self.note(place);
        place
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let first = place * ARITY + 1;
            let children = first..(first + ARITY).min(self.heap.len());
            let Some(least) = children.reduce(|a, b| if self.before(b, a) { b } else { a }) else {
                break;
            };
            if !self.before(least, place) {
                break;
            }
            self.swap(place, least);
            place = least;
        }
        self.note(place);
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.note(a);
        self.note(b);
    }

    /// Tells the slot of the entry at `place` where it is.
    fn note(&mut self, place: usize) {
        let slot = self.heap[place].slot;
        // `insert` lets no place beyond 32 bits come to be.
        let place = u32::try_from(place).expect("the heap has at most 2^32 places");
        self.slots[slot as usize].place = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_has_come_due_is_gone_and_its_timer_harmless() {
        let mut deadlines = Deadlines::default();
        let first = deadlines.insert(EpochMillis(5), 1_u64).unwrap();
        deadlines.insert(EpochMillis(9), 2).unwrap();
        assert_eq!(deadlines.pop_due(EpochMillis(4)), None);
        let due: Vec<_> = deadlines.due(EpochMillis(5)).collect();
        assert_eq!(due, [(EpochMillis(5), 1)]);
        let next = deadlines.insert(EpochMillis(7), 3).unwrap();
        assert!(
            !deadlines.replace(first, EpochMillis(1)),
            "its slot is another's"
        );
        assert_eq!(deadlines.remove(first), None);
        assert!(deadlines.replace(next, EpochMillis(10)));
        assert_eq!(deadlines.next_due(), Some(EpochMillis(9)));
        assert_eq!(deadlines.remove(next), Some((EpochMillis(10), 3)));
        assert_eq!(deadlines.len(), 1);
    }

    #[test]
    fn a_million_deadlines_come_out_in_order_while_they_move() {
        let mut deadlines = Deadlines::default();
        let spread = |n: u64| EpochMillis(i64::try_from(n * 7_919 % 1_000_003).unwrap());
        let timers: Vec<Timer> = (0..1_000_000_u64)
            .map(|n| deadlines.insert(spread(n), n).unwrap())
            .collect();
        for (n, timer) in (0..).zip(&timers).step_by(3) {
            assert!(deadlines.replace(*timer, spread(n + 1)));
        }
        for timer in timers.iter().skip(1).step_by(3) {
            assert!(deadlines.remove(*timer).is_some());
        }
        let left = deadlines.len();
        let due: Vec<_> = deadlines.due(EpochMillis(500_000)).collect();
        assert!(due.is_sorted() && !due.is_empty());
        assert_eq!(due.len() + deadlines.len(), left);
        assert!(deadlines.next_due().unwrap() > EpochMillis(500_000));
    }

    #[derive(Debug, Clone)]
    enum Op {
        Insert(i64),
        Replace(usize, i64),
        Remove(usize),
        Due(i64),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            3 => (0..100_i64).prop_map(Op::Insert),
            2 => (0..64_usize, 0..100_i64).prop_map(|(t, due)| Op::Replace(t, due)),
            2 => (0..64_usize).prop_map(Op::Remove),
            1 => (0..100_i64).prop_map(Op::Due),
        ]
    }

    proptest! {
        /// Against an ordered set of everything that is set.
        #[test]
        fn it_agrees_with_a_sorted_set(ops in prop::collection::vec(op(), 1..200)) {
            let mut deadlines = Deadlines::default();
            let mut set = BTreeSet::new();
            let mut timers: Vec<(Timer, i64)> = Vec::new();
            for op in ops {
                match op {
                    Op::Insert(due) => {
                        let subject = timers.len() as u64;
                        let timer = deadlines.insert(EpochMillis(due), subject).unwrap();
                        timers.push((timer, due));
                        set.insert((due, subject));
                    }
                    Op::Replace(which, due) => {
                        let Some((timer, old)) = timers.get_mut(which) else { continue };
                        let there = set.remove(&(*old, which as u64));
                        prop_assert_eq!(deadlines.replace(*timer, EpochMillis(due)), there);
                        if there {
                            set.insert((due, which as u64));
                            *old = due;
                        }
                    }
                    Op::Remove(which) => {
                        let Some(&(timer, due)) = timers.get(which) else { continue };
                        let there = set.remove(&(due, which as u64));
                        let expected = there.then_some((EpochMillis(due), which as u64));
                        prop_assert_eq!(deadlines.remove(timer), expected);
                    }
                    Op::Due(now) => {
                        let due: Vec<_> = deadlines.due(EpochMillis(now)).collect();
                        let mut expected = Vec::new();
                        while let Some(&(at, subject)) = set.first().filter(|f| f.0 <= now) {
                            set.pop_first();
                            expected.push((EpochMillis(at), subject));
                        }
                        prop_assert_eq!(due, expected);
                    }
                }
                prop_assert_eq!(deadlines.len(), set.len());
                prop_assert_eq!(deadlines.next_due(), set.first().map(|f| EpochMillis(f.0)));
            }
        }
    }
}
