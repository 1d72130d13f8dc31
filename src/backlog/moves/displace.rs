//! An order takes the plan that is its best at the prices, though others have its units.
//!
//! - *Preconditions*: the order would do better at the prices than it does.
//! - *Gain*: what it and those it displaces cost before less what they cost after.
//! - *Validity*: those who draw from the rows it wants give back until its plan fits; they then take
//!   only what is left.
//! - *Apply*: it takes its plan, then they place themselves.

use super::{Bench, Released};
use crate::backlog::solve::Scratch;
use smallvec::SmallVec;

/// Looks for somebody who has the units, by row.
const LOOKS: usize = 24;

/// The move.
#[derive(Debug, Default)]
pub(in crate::backlog) struct Displace {
    scratch: Scratch,
}

impl Displace {
    /// Tries it once; the scaled cents it gained.
    pub(in crate::backlog) fn run(&mut self, bench: &mut Bench<'_>) -> i64 {
        let (columns, prices) = (bench.columns, bench.prices);
        let first = bench.seed();
        let order = bench.orders[first as usize] as usize;
        // Sometimes at less than the prices: it then wants what others find too dear.
        let weight = 2 - i64::from(bench.random.next() & 7 == 0);
        let price = |draw: u32| prices[draw as usize] * weight / 2;
        let (_, wanted) = columns.solve(order, price, |_| true, &mut self.scratch);
        if wanted == bench.choices[first as usize] {
            return 0;
        }
        let mut released = Released::new();
        bench.release(first, &mut released);
        let draws: SmallVec<[u32; 8]> = columns.chosen(order, &wanted).copied().collect();
        for draw in draws {
            if !make_room(bench, draw, &mut released) {
                break;
            }
        }
        if bench.rest.take(order, &wanted).is_ok() {
            bench.choices[first as usize] = wanted;
        } else {
            bench.place(first, 2);
        }
        let mut others: SmallVec<[u32; super::ORDERS_MAX]> =
            released.iter().skip(1).map(|(at, _)| *at).collect();
        bench.random.shuffle(&mut others);
        let weight = i64::try_from(bench.random.index(3)).unwrap_or(0);
        for at in others {
            bench.place(at, weight);
        }
        bench.settle(released)
    }
}

/// Has others give back until a draw fits.
fn make_room(bench: &mut Bench<'_>, draw: u32, released: &mut Released) -> bool {
    let rows = &bench.columns.rows;
    let row = rows.draw_row[draw as usize];
    let line = rows.line[row as usize];
    let users = bench.by_line.of(line);
    for _ in 0..LOOKS {
        if bench.rest.fits(draw) {
            return true;
        }
        let at = users[bench.random.index(users.len())];
        let order = bench.orders[at as usize] as usize;
        let draws_it = {
            let mut drawn = bench.columns.chosen(order, &bench.choices[at as usize]);
            drawn.any(|&d| rows.draw_row[d as usize] == row)
        };
        if draws_it {
            bench.release(at, released);
        }
    }
    bench.rest.fits(draw)
}
