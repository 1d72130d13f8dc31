//! What a unit is worth to the orders still to come: prices of scarce stock.
//!
//! The price of a unit is the dual of its row in the transportation programme of the demand and the
//! stock that are left (Acimovic and Graves 2015), here over whole plans of whole orders. It is found
//! by subgradient steps: at given prices every order picks its best plan as if it were the only one,
//! and the price of a unit rises where more is wanted than there is. (So an order of many units wants
//! none of a place that has fewer, however cheap.)
//!
//! The room knows neither where orders come from nor who uses the prices. An order none of whose
//! items changed its price chooses as before, so only the others are routed again: little is done
//! where little is scarce. Everything is counted in whole units and the steps are the same on every
//! machine, so the prices do not depend on the number of threads.

use crate::model::{Cents, Invalid, LocationId, ScarcityRow, SkuId};
use crate::routing::{Lanes, Scratch};
use rayon::prelude::*;
use std::collections::HashMap;

/// Cents by which a price moves in the first step where twice the stock is wanted.
const STEP: f64 = 400.0;
/// After so many steps they are half as long.
const HALVED: f64 = 10.0;
/// Orders for an item, of those that are like the ones to come, at which half of its price is believed.
const BELIEVED: f64 = 2.0;
/// Units of a position that are as good as without end.
pub const ENOUGH: u32 = 1 << 30;

/// Units that may be promised, by SKU and location, both ascending; only positions that hold any.
pub type Stock = Vec<(SkuId, Vec<(LocationId, u32)>)>;

/// Units that a plan takes: SKU, location, how many.
pub type Drawn = Vec<(SkuId, LocationId, u32)>;

/// Orders that stand for those to come.
pub trait Demand: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// The items that an order asks for.
    fn skus(&self, order: usize) -> impl Iterator<Item = SkuId>;

    /// What an order would take of the stock at the prices of `lanes` if it were the only one; nothing
    /// where nobody can ship it.
    fn draw(&self, order: usize, lanes: &Lanes, scratch: &mut Scratch) -> Drawn;
}

/// How hard to look.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How many times the orders given are still to come.
    pub growth: f64,
    /// Steps of the pricing, at least 1.
    pub steps: u32,
    /// Whether the orders given are those to come; otherwise they are only like them, and a price is
    /// believed less the fewer of them ask for its item.
    pub certain: bool,
}

/// One position while prices are sought.
struct Position {
    location: LocationId,
    units: u32,
    /// Units wanted at the present prices.
    wanted: u64,
    cents: f64,
    /// Of the later steps, whose mean is the answer: prices swing around the optimum.
    sum: f64,
    /// The price in force, in whole cents.
    now: i64,
}

/// Prices above zero, by SKU and location. They start from those of `lanes` where `warm`.
///
/// # Errors
/// `lanes` cannot be priced: names what of the stock it does not know.
#[allow(
    clippy::float_arithmetic,
    reason = "prices are approximate until they are rounded to cents"
)]
pub fn prices(
    demand: &impl Demand,
    stock: &Stock,
    lanes: &Lanes,
    effort: Effort,
    warm: bool,
) -> Result<Vec<ScarcityRow>, Invalid> {
    let mut market = Market::new(demand, stock, lanes, warm);
    let steps = effort.steps.max(1);
    let first_kept = steps / 2;
    // Good prices need no long steps any more.
    let walked = if warm { HALVED } else { 0.0 };
    for step in 0..steps {
        market.ask(demand, &lanes.priced(&market.rows())?);
        let length = STEP / (1.0 + (f64::from(step) + walked) / HALVED);
        let scarce = market.step(length, effort.growth, step >= first_kept);
        if !scarce && step == 0 {
            break;
        }
    }
    market.settle(f64::from(steps - first_kept), effort.certain);
    Ok(market.rows())
}

struct Market {
    skus: Vec<(SkuId, Vec<Position>)>,
    /// By SKU: its place in `skus`.
    places: HashMap<SkuId, usize>,
    /// By place in `skus`: the orders that ask for it.
    orders: Vec<Vec<usize>>,
    drawn: Vec<Drawn>,
    /// Orders that have to choose again.
    stirred: Vec<bool>,
}

impl Market {
    fn new(demand: &impl Demand, stock: &Stock, lanes: &Lanes, warm: bool) -> Self {
        let position = |sku: SkuId, (location, units): (LocationId, u32)| {
            let cents = if warm {
                lanes.scarcity_of(sku, location).0
            } else {
                0
            };
            Position {
                location,
                units,
                wanted: 0,
                cents: exact(cents),
                sum: 0.0,
                now: cents,
            }
        };
        let skus = stock.iter().map(|(sku, held)| {
            let positions = held.iter().map(|&held| position(*sku, held));
            (*sku, positions.collect())
        });
        let skus: Vec<(SkuId, Vec<Position>)> = skus.collect();
        let places: HashMap<SkuId, usize> = skus
            .iter()
            .enumerate()
            .map(|(at, (sku, _))| (*sku, at))
            .collect();
        let mut orders = vec![Vec::new(); skus.len()];
        for order in 0..demand.count() {
            for place in demand.skus(order).filter_map(|sku| places.get(&sku)) {
                orders[*place].push(order);
            }
        }
        Self {
            skus,
            places,
            orders,
            drawn: vec![Drawn::new(); demand.count()],
            stirred: vec![true; demand.count()],
        }
    }

    /// Lets those choose again whose items changed their price.
    fn ask(&mut self, demand: &impl Demand, lanes: &Lanes) {
        let asked: Vec<usize> = (0..self.stirred.len())
            .filter(|&o| self.stirred[o])
            .collect();
        let answers = asked
            .par_iter()
            .map_init(Scratch::default, |scratch, &order| {
                demand.draw(order, lanes, scratch)
            });
        let answers: Vec<Drawn> = answers.collect();
        for (order, new) in asked.into_iter().zip(answers) {
            self.stirred[order] = false;
            let old = std::mem::replace(&mut self.drawn[order], new);
            for &(sku, location, qty) in &old {
                self.wanted(sku, location, |wanted| *wanted -= u64::from(qty));
            }
            for (sku, location, qty) in self.drawn[order].clone() {
                self.wanted(sku, location, |wanted| *wanted += u64::from(qty));
            }
        }
    }

    fn wanted(&mut self, sku: SkuId, location: LocationId, change: impl FnOnce(&mut u64)) {
        if let Some(&place) = self.places.get(&sku) {
            let mut positions = self.skus[place].1.iter_mut();
            if let Some(position) = positions.find(|p| p.location == location) {
                change(&mut position.wanted);
            }
        }
    }

    /// Moves every price towards where what is wanted is what there is. Returns whether anything is
    /// scarce.
    #[allow(clippy::float_arithmetic, reason = "as in `prices`")]
    fn step(&mut self, length: f64, growth: f64, kept: bool) -> bool {
        let mut scarce = false;
        for ((_, positions), orders) in self.skus.iter_mut().zip(&self.orders) {
            let everywhere: u64 = positions.iter().map(|p| p.wanted).sum();
            let mut moved = false;
            for position in positions {
                let units = f64::from(position.units);
                let scale = units.max(0.1 * growth * counted(everywhere)).max(1.0);
                let over = ((growth * counted(position.wanted) - units) / scale).clamp(-1.0, 1.0);
                position.cents = (position.cents + length * over).max(0.0);
                if kept {
                    position.sum += position.cents;
                }
                moved |= position.round_to(position.cents);
                scarce |= position.now > 0;
            }
            if moved {
                orders.iter().for_each(|&order| self.stirred[order] = true);
            }
        }
        scarce
    }

    /// The mean of the prices that were kept, as far as they are believed: an item that one order like
    /// those to come asked for may not be asked for again.
    #[allow(clippy::float_arithmetic, reason = "as in `prices`")]
    fn settle(&mut self, count: f64, certain: bool) {
        let doubt = if certain { 0.0 } else { BELIEVED };
        for ((_, positions), orders) in self.skus.iter_mut().zip(&self.orders) {
            let asked = counted(orders.len() as u64);
            let believed = asked.max(1.0) / (asked.max(1.0) + doubt);
            for position in positions {
                position.round_to(believed * position.sum / count.max(1.0));
            }
        }
    }

    fn rows(&self) -> Vec<ScarcityRow> {
        let all = self.skus.iter().flat_map(|(sku, positions)| {
            let priced = positions.iter().filter(|p| p.now > 0);
            priced.map(|p| ScarcityRow {
                sku: *sku,
                location: p.location,
                cents: Cents(p.now),
            })
        });
        all.collect()
    }
}

impl Position {
    /// Takes a price in whole cents; returns whether it is another one.
    #[allow(clippy::cast_possible_truncation, reason = "at most STEP cents a step")]
    fn round_to(&mut self, cents: f64) -> bool {
        let cents = cents.round() as i64;
        std::mem::replace(&mut self.now, cents) != cents
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of units are below 2^53")]
fn counted(units: u64) -> f64 {
    units as f64
}

#[allow(clippy::cast_precision_loss, reason = "prices are below 2^53 cents")]
fn exact(cents: i64) -> f64 {
    cents as f64
}
