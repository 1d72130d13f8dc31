//! Some orders that want the same scarce item give back all they have and take anew, in another
//! sequence.
//!
//! - *Preconditions*: two to seven orders that share a contended SKU, one with the next.
//! - *Gain*: what they cost before less what they cost after.
//! - *Validity*: each takes only what is left.
//! - *Apply*: in a random sequence, at none, half or all of the prices, so that sometimes the first
//!   leaves the dear units to the next and sometimes not.

use super::{Bench, Released};

/// The move.
pub(in crate::backlog) struct Refill;

impl Refill {
    /// Tries it once; the scaled cents it gained.
    pub(in crate::backlog) fn run(bench: &mut Bench<'_>) -> i64 {
        let mut released = Released::new();
        let first = bench.seed();
        bench.release(first, &mut released);
        let more = 1 + bench.random.index(5);
        let mut last = first;
        for _ in 0..more {
            let Some(next) = bench.neighbour(last) else {
                break;
            };
            // Mostly around the first: a star shares more than a path.
            if bench.release(next, &mut released) && bench.random.next() & 3 == 0 {
                last = next;
            }
        }
        let mut sequence: smallvec::SmallVec<[u32; super::ORDERS_MAX]> =
            released.iter().map(|(at, _)| *at).collect();
        bench.random.shuffle(&mut sequence);
        let weight = i64::try_from(bench.random.index(3)).unwrap_or(0);
        for at in sequence {
            bench.place(at, weight);
        }
        bench.settle(released)
    }
}
