//! What a unit is worth to the orders still to come: the dual prices of the transportation
//! programme of the remaining demand and stock (Acimovic and Graves 2015), over whole plans.
//!
//! Found by subgradient steps: at given prices every order type and metro picks its cheapest split
//! by itself, and the price of a unit rises where more is wanted than there is. The value at any
//! prices is a lower bound of what the remaining orders cost, so no step can be wrong, only early.

use super::instance::{ALL, ITEMS, Instance, METROS, NOWHERE, REAL, SIZES, Stock, fixed};

/// Dollars of a unit by facility and item.
pub(crate) type Prices = [[f64; ITEMS]; REAL];

/// Dollars by which a price moves in the first step where the demand is twice the stock.
const STEP: f64 = 1.5;
/// After so many steps they are half as long.
const HALVED: f64 = 20.0;

/// Sets of facilities.
const SETS: usize = 1 << ALL;

/// Improves `prices` for `periods` to come on `stock`; the best lower bound met, in dollars.
pub(crate) fn solve(
    instance: &Instance,
    stock: &Stock,
    periods: f64,
    steps: u32,
    prices: &mut Prices,
) -> f64 {
    let mut mean = Prices::default();
    let mut bound = f64::NEG_INFINITY;
    let kept = steps - steps / 2;
    for step in 0..steps {
        let mut wanted = Prices::default();
        let mut value = demand(instance, stock, periods, prices, &mut wanted);
        let length = STEP / (1.0 + f64::from(step) / HALVED);
        for (facility, held) in stock.iter().enumerate() {
            let everywhere: [f64; ITEMS] =
                std::array::from_fn(|item| wanted.iter().map(|w| w[item]).sum());
            for (item, &units) in held.iter().enumerate() {
                let price = &mut prices[facility][item];
                let units = f64::from(units);
                value -= *price * units;
                let scale = units.max(0.1 * everywhere[item]).max(1.0);
                let over = (wanted[facility][item] - units) / scale;
                *price = (*price + length * over).max(0.0);
                if step >= steps / 2 {
                    mean[facility][item] += *price / f64::from(kept);
                }
            }
        }
        bound = bound.max(value);
    }
    // Late prices swing around the optimum; their mean is nearer to it than any of them.
    *prices = mean;
    bound
}

/// Dollars of all demand at these prices, and what it wants of every unit.
fn demand(
    instance: &Instance,
    stock: &Stock,
    periods: f64,
    prices: &Prices,
    wanted: &mut Prices,
) -> f64 {
    let mut value = 0.0;
    for (items, chance) in instance.types.iter().zip(&instance.chance) {
        for (metro, share) in instance.share.iter().enumerate().take(METROS.len()) {
            let orders = periods * chance * share;
            let mut cents = [[f64::INFINITY; SIZES]; ALL];
            for (facility, of_facility) in cents.iter_mut().enumerate() {
                for (at, &item) in of_facility.iter_mut().zip(items) {
                    if facility == NOWHERE {
                        *at = instance.unit[facility][metro];
                    } else if stock[facility][item] > 0 {
                        *at = instance.unit[facility][metro] + prices[facility][item];
                    }
                }
            }
            let (cost, set) = cheapest(&cents, items.len());
            value += orders * cost;
            for (row, &item) in items.iter().enumerate() {
                let open = (0..ALL).filter(|k| set >> k & 1 == 1);
                let from = open.min_by(|a, b| cents[*a][row].total_cmp(&cents[*b][row]));
                if let Some(from) = from.filter(|&k| k != NOWHERE) {
                    wanted[from][item] += orders;
                }
            }
        }
    }
    value
}

/// The cheapest set of facilities for an order of `count` items: its dollars and its bits.
fn cheapest(dollars: &[[f64; SIZES]; ALL], count: usize) -> (f64, usize) {
    let mut boxes = [0.0; SETS];
    let mut least = [[f64::INFINITY; SIZES]; SETS];
    let mut best = (f64::INFINITY, 0);
    for set in 1..SETS {
        let low = (0..ALL).find(|k| set >> k & 1 == 1).unwrap_or(0);
        let rest = set & (set - 1);
        boxes[set] = boxes[rest] + fixed(low);
        let mut total = boxes[set];
        for row in 0..count {
            least[set][row] = least[rest][row].min(dollars[low][row]);
            total += least[set][row];
        }
        if total < best.0 {
            best = (total, set);
        }
    }
    best
}
