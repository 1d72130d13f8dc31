//! Who draws what at the moment, and what is left in every row.

use super::columns::{Columns, NEVER};
use super::solve::{Choice, Scratch};
use smallvec::SmallVec;

/// Most times an order is looked at again because two of its own shipments want the same units.
const TRIES_MAX: usize = 8;

/// What is left in the rows, with the memory to place an order in it.
#[derive(Debug, Clone)]
pub(super) struct Rest<'a> {
    columns: &'a Columns,
    /// By row.
    pub(super) left: Vec<i64>,
    scratch: Scratch,
}

impl<'a> Rest<'a> {
    /// Everything is there.
    pub(super) fn full(columns: &'a Columns) -> Self {
        Self {
            columns,
            left: columns.rows.cap.clone(),
            scratch: Scratch::default(),
        }
    }

    /// Whether a draw is possible.
    #[inline]
    pub(super) fn fits(&self, draw: u32) -> bool {
        let rows = &self.columns.rows;
        let row = rows.draw_row[draw as usize] as usize;
        let units = rows.draw_units[draw as usize];
        let chain = &self.left[row..rows.end[row] as usize];
        chain.iter().all(|&left| left >= units)
    }

    #[inline]
    fn change(&mut self, draw: u32, times: i64) {
        let rows = &self.columns.rows;
        let row = rows.draw_row[draw as usize] as usize;
        let units = rows.draw_units[draw as usize] * times;
        let chain = &mut self.left[row..rows.end[row] as usize];
        chain.iter_mut().for_each(|left| *left -= units);
    }

    /// Takes what a choice draws; `Err` names a draw that is not possible, and nothing is taken.
    pub(super) fn take(&mut self, order: usize, choice: &Choice) -> Result<(), u32> {
        let columns = self.columns;
        for (at, &draw) in columns.chosen(order, choice).enumerate() {
            if !self.fits(draw) {
                let taken: SmallVec<[u32; 16]> =
                    columns.chosen(order, choice).take(at).copied().collect();
                taken.iter().for_each(|&d| self.change(d, -1));
                return Err(draw);
            }
            self.change(draw, 1);
        }
        Ok(())
    }

    /// Gives back what a choice draws.
    pub(super) fn give(&mut self, order: usize, choice: &Choice) {
        let columns = self.columns;
        for &draw in columns.chosen(order, choice) {
            self.change(draw, -1);
        }
    }

    /// Gives an order its best plan of what is left, `price` being added to each draw.
    pub(super) fn place(&mut self, order: usize, price: impl Fn(u32) -> i64) -> Choice {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut banned: SmallVec<[u32; TRIES_MAX]> = SmallVec::new();
        let mut found = Choice::none();
        for _ in 0..TRIES_MAX {
            let fits = |draw: u32| self.fits(draw) && !banned.contains(&draw);
            let (cost, choice) = self.columns.solve(order, &price, fits, &mut scratch);
            if cost >= NEVER {
                break;
            }
            match self.take(order, &choice) {
                Ok(()) => {
                    found = choice;
                    break;
                }
                Err(draw) => banned.push(draw),
            }
        }
        self.scratch = scratch;
        found
    }
}
