//! Large orders that want the same items give back all that they have and are routed again, in another
//! sequence: what `moves::Refill` is to orders with a sheet.
//!
//! - *Preconditions*: a large order, and one to three others that draw an item that it wants.
//! - *Gain*: what they cost before less what they cost after.
//! - *Validity*: each is routed on what is left.
//! - *Apply*: in a random sequence, each as the router first finds its plan; it stays where all together
//!   cost less.

use super::random::Random;
use super::reroute::{Desk, may_be_rerouted};

/// Tries for every large order, and for all of them together.
const TRIES: usize = 20;
const TRIES_MAX: usize = 2_000;
/// What the tries are drawn by.
const SEED: u64 = 0x7e57;
/// Most orders that give way to the first.
const OTHERS: usize = 3;

impl Desk<'_> {
    /// Tries it for some orders at random, the more of them the more often.
    pub(super) fn retry(&mut self, orders: &[usize]) {
        if orders.is_empty() {
            return;
        }
        let tries = (orders.len() * TRIES).min(TRIES_MAX);
        let mut random = Random::part(SEED, 0);
        for _ in 0..tries {
            let first = orders[random.index(orders.len())];
            if !may_be_rerouted(&self.problem.orders[first]) {
                continue;
            }
            let mut group = self.rivals(first, &mut random);
            if group.len() > 1 {
                random.shuffle(&mut group);
                self.attempt(&group, true);
            }
        }
    }

    /// An order and some others that draw what it wants.
    fn rivals(&self, first: usize, random: &mut Random) -> Vec<usize> {
        let demands = &self.problem.orders[first].demands;
        let mut group = vec![first];
        let more = 1 + random.index(OTHERS);
        for _ in 0..2 * more {
            if group.len() > more {
                break;
            }
            let demand = &demands[random.index(demands.len())];
            let Some(line) = self.problem.supply.line(demand.sku) else {
                continue;
            };
            let holders = self.holders_of_line(line);
            if holders.is_empty() {
                continue;
            }
            let other = holders[random.index(holders.len())];
            if !group.contains(&other) && may_be_rerouted(&self.problem.orders[other]) {
                group.push(other);
            }
        }
        group
    }
}
