//! First answers: what the orders have today, and everything given out anew by regret.

use super::columns::{Columns, NEVER};
use super::problem::Problem;
use super::solve::{Choice, Scratch};
use super::state::Rest;
use rayon::prelude::*;

/// A plan of all orders.
#[derive(Debug, Clone)]
pub(super) struct Answer<'a> {
    pub(super) rest: Rest<'a>,
    /// By order.
    pub(super) choices: Vec<Choice>,
}

impl Answer<'_> {
    /// What it costs, scaled; orders without a plan count as [`NEVER`].
    pub(super) fn cents(&self) -> i128 {
        self.choices.iter().map(|c| i128::from(c.cents)).sum()
    }
}

/// Everybody keeps what he has; who cannot (the stock is gone) gets the best of what is left, the
/// oldest first.
pub(super) fn today<'a>(problem: &Problem, columns: &'a Columns) -> Answer<'a> {
    let mut rest = Rest::full(columns);
    let mut choices = vec![Choice::none(); columns.sheets.len()];
    let mut open = Vec::new();
    let mut by_age: Vec<usize> = (0..choices.len()).collect();
    by_age.sort_by_key(|&o| (problem.orders[o].placed_at, o));
    for order in by_age {
        let kept = Choice {
            cents: columns.sheets[order].keep,
            keep: true,
            ..Choice::none()
        };
        if kept.exists() && rest.take(order, &kept).is_ok() {
            choices[order] = kept;
        } else {
            open.push(order);
        }
    }
    for order in open {
        choices[order] = rest.place(order, |_| 0);
    }
    Answer { rest, choices }
}

/// Everything given out anew: who would lose the most by being short comes first, and takes his best
/// plan at the prices that everybody pays.
pub(super) fn by_regret<'a>(problem: &Problem, columns: &'a Columns, prices: &[i64]) -> Answer<'a> {
    let orders = columns.sheets.len();
    let price = |draw: u32| prices[draw as usize];
    let mut ranked: Vec<(i64, i64, usize)> = (0..orders)
        .into_par_iter()
        .map_init(Scratch::default, |scratch, order| {
            let (cost, _) = columns.solve(order, price, |_| true, scratch);
            let sheet = &columns.sheets[order];
            // Frozen ones have no choice: they come before everybody.
            let regret = match sheet.offers.0 == sheet.offers.1 {
                true => NEVER,
                false => sheet.nothing.min(NEVER) - cost.min(NEVER),
            };
            (-regret, problem.orders[order].placed_at.0, order)
        })
        .collect();
    ranked.par_sort_unstable();
    let mut rest = Rest::full(columns);
    let mut choices = vec![Choice::none(); orders];
    for (_, _, order) in ranked {
        choices[order] = rest.place(order, price);
    }
    Answer { rest, choices }
}
