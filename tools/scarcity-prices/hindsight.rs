//! What orders cost at the least if all of them are known beforehand: the hindsight programme of
//! Acimovic and Graves (2015), over whole plans of whole orders, by its dual.
//!
//! At any prices of the units, what all orders cost, each as if it were the only one, less what the
//! stock comes to at these prices, is no more than what any way of serving all of them costs. The prices that make it largest are sought; every value met on the way is a bound. Units on
//! their way count as if they were there from the start, and what a day or a channel may have is left
//! out: that can only make it lower.

use super::prices;
use super::shop::Shop;
use allot::model::{Cents, ScarcityRow};
use allot::routing::{Lanes, Scratch};
use allot::scarcity::{self, Effort, Stock};
use rayon::prelude::*;

/// How often the search for prices begins anew from the best so far, with shorter steps.
const ROUNDS: u32 = 4;

/// The dual at the best prices that were found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Hindsight {
    /// No way of serving all orders costs less.
    pub(crate) proven: Cents,
    /// The same by the plans that were found for large orders instead of what is proven of them:
    /// nearer to the programme's optimum, but no proof.
    pub(crate) found: Cents,
}

/// Seeks the prices for a shop whose stock has what is on its way in it.
pub(crate) fn hindsight(shop: &Shop, steps: u32) -> anyhow::Result<Hindsight> {
    let stock = prices::stock(shop)?;
    let effort = Effort {
        growth: 1.0,
        steps,
        certain: true,
    };
    let mut lanes = shop.lanes.priced(&[])?;
    let mut best = value(shop, &lanes, &stock, &[]);
    for round in 0..ROUNDS {
        let rows = scarcity::prices(shop, &stock, &lanes, effort, round > 0)?;
        lanes = lanes.priced(&rows)?;
        let here = value(shop, &lanes, &stock, &rows);
        best.proven = best.proven.max(here.proven);
        best.found = best.found.max(here.found);
    }
    Ok(best)
}

fn value(shop: &Shop, lanes: &Lanes, stock: &Stock, rows: &[ScarcityRow]) -> Hindsight {
    let alone = |scratch: &mut Scratch, wanted| {
        let decision = shop.route_alone(lanes, wanted, scratch);
        decision.map_or((0, 0), |d| (d.proof.bound.0, d.plan.objective.total().0))
    };
    let orders = shop.orders.par_iter().map_init(Scratch::default, alone);
    let (proven, found) = orders.reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    let mut earned = 0;
    for row in rows {
        let of_sku = stock.binary_search_by_key(&row.sku, |(sku, _)| *sku);
        let of_sku = of_sku.map_or(&[][..], |at| &stock[at].1);
        let units = of_sku.iter().find(|(at, _)| *at == row.location);
        earned += row.cents.0 * units.map_or(0, |(_, units)| i64::from(*units));
    }
    Hindsight {
        proven: Cents(proven - earned),
        found: Cents(found - earned),
    }
}
