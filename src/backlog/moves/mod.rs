//! Moves that improve a plan of all orders, one a file.
//!
//! Each has the same four parts: *preconditions* (whom it is about), *gain* (what it saves),
//! *validity* (nobody draws what is not there) and *apply*. Here the four are one transaction on a
//! [`Bench`]: orders are released and placed again, so validity holds all the time, the gain is the
//! difference of their costs, and what does not pay is taken back.

mod displace;
mod refill;
mod resolve;

pub(super) use displace::Displace;
pub(super) use refill::Refill;
pub(super) use resolve::Resolve;

use super::columns::Columns;
use super::random::Random;
use super::solve::Choice;
use super::state::Rest;
use smallvec::SmallVec;

/// Most orders that one move touches.
pub(super) const ORDERS_MAX: usize = 8;

/// A part of the orders that nobody else changes meanwhile, and the rows that only they draw from.
pub(super) struct Bench<'a> {
    pub(super) columns: &'a Columns,
    pub(super) prices: &'a [i64],
    pub(super) rest: Rest<'a>,
    /// The orders.
    pub(super) orders: &'a [u32],
    /// By order of the list: what it has.
    pub(super) choices: Vec<Choice>,
    /// By line: the orders of the list that want it, as positions in the list.
    pub(super) by_line: &'a ByLine,
    /// By order of the list: its lines.
    pub(super) lines_of: Vec<SmallVec<[u32; 4]>>,
    /// Positions in the list of orders that would do better at the prices.
    pub(super) unhappy: Vec<u32>,
    pub(super) random: Random,
}

/// Which orders want a line.
#[derive(Debug, Default)]
pub(super) struct ByLine {
    starts: Vec<u32>,
    orders: Vec<u32>,
    slot_of: std::collections::HashMap<u32, u32, foldhash::fast::FixedState>,
}

impl ByLine {
    /// Of pairs of a line and an order.
    pub(super) fn new(pairs: &mut [(u32, u32)]) -> Self {
        pairs.sort_unstable();
        let mut new = Self::default();
        for &(line, order) in pairs.iter() {
            let next = super::rows::count(new.starts.len());
            new.slot_of.entry(line).or_insert_with(|| {
                new.starts.push(super::rows::count(new.orders.len()));
                next
            });
            new.orders.push(order);
        }
        new.starts.push(super::rows::count(new.orders.len()));
        new
    }

    /// The orders that want a line.
    pub(super) fn of(&self, line: u32) -> &[u32] {
        let Some(&slot) = self.slot_of.get(&line) else {
            return &[];
        };
        let slot = slot as usize;
        &self.orders[self.starts[slot] as usize..self.starts[slot + 1] as usize]
    }
}

/// Orders that were released, and what they had.
pub(super) type Released = SmallVec<[(u32, Choice); ORDERS_MAX]>;

impl Bench<'_> {
    /// Releases an order, unless it is already.
    pub(super) fn release(&mut self, at: u32, released: &mut Released) -> bool {
        if released.len() == ORDERS_MAX || released.iter().any(|(known, _)| *known == at) {
            return false;
        }
        let had = std::mem::replace(&mut self.choices[at as usize], Choice::none());
        self.rest.give(self.orders[at as usize] as usize, &had);
        released.push((at, had));
        true
    }

    /// Places an order at `weight` halves of the prices.
    pub(super) fn place(&mut self, at: u32, weight: i64) {
        let prices = self.prices;
        let order = self.orders[at as usize] as usize;
        let price = |draw: u32| prices[draw as usize] * weight / 2;
        self.choices[at as usize] = self.rest.place(order, price);
    }

    /// Keeps what became of the released orders if it costs no more, else takes it back; tells
    /// what was gained.
    pub(super) fn settle(&mut self, released: Released) -> i64 {
        let had: i64 = released.iter().map(|(_, had)| had.cents).sum();
        let now = released
            .iter()
            .map(|(at, _)| self.choices[*at as usize].cents);
        let now: i64 = now.sum();
        if now <= had {
            return had - now;
        }
        for (at, _) in &released {
            let choice = &self.choices[*at as usize];
            self.rest.give(self.orders[*at as usize] as usize, choice);
        }
        for (at, had) in released {
            let taken = self.rest.take(self.orders[at as usize] as usize, &had);
            debug_assert!(taken.is_ok(), "what was there before is there again");
            self.choices[at as usize] = had;
        }
        0
    }

    /// An order to begin with: mostly one that would do better.
    pub(super) fn seed(&mut self) -> u32 {
        if !self.unhappy.is_empty() && self.random.next() & 3 != 0 {
            return self.unhappy[self.random.index(self.unhappy.len())];
        }
        super::rows::count(self.random.index(self.orders.len()))
    }

    /// Another order that wants one of the lines of `at`.
    pub(super) fn neighbour(&mut self, at: u32) -> Option<u32> {
        let lines = &self.lines_of[at as usize];
        let line = *lines.get(self.random.index(lines.len()))?;
        let all = self.by_line.of(line);
        all.get(self.random.index(all.len())).copied()
    }
}
