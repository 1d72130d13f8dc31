//! The small network of the Jasin-Sinha and Ma simulation, and instances drawn on it.
//!
//! Settings as published with Ma, "Order-optimal correlated rounding for fulfilling multi-item
//! e-commerce orders" (2023): the ten largest metropolitan areas of the US, five facilities, twenty
//! items, order types of one to five items, stock for the metros that a facility is nearest to.
//! Money is in dollars, as a double: a simulation that is compared with a linear programme.

use allot::bench::random::Random;

/// Dollars for a box.
pub(crate) const BOX: f64 = 8.759;
/// Dollars for an item in a box.
const ITEM: f64 = 0.423;
/// Dollars for an item in a box and a mile.
const ITEM_MILE: f64 = 0.000_541;
/// Kilometres of a mile, as the published code has it.
const KM_PER_MILE: f64 = 1.61;
/// Chance that a facility stocks an item.
const STOCKED: f64 = 0.75;
const SAFETY: f64 = 0.5;

pub(crate) const ITEMS: usize = 20;
pub(crate) const SIZES: usize = 5;
const TYPES_PER_SIZE: usize = 5;

/// Latitude, longitude, people.
pub(crate) const METROS: [(f64, f64, f64); 10] = [
    (40.6943, -73.9249, 18_680_025.0),
    (34.1141, -118.4068, 12_531_334.0),
    (41.8375, -87.6866, 8_586_888.0),
    (25.7840, -80.2101, 6_076_316.0),
    (32.7935, -96.7667, 5_910_669.0),
    (29.7860, -95.3885, 5_724_418.0),
    (40.0077, -75.1339, 5_540_199.0),
    (33.7628, -84.4220, 5_151_496.0),
    (38.9047, -77.0163, 5_066_973.0),
    (42.3188, -71.0852, 4_465_966.0),
];

/// Latitude, longitude.
const FACILITIES: [(f64, f64); 5] = [
    (37.7448, -121.3985),
    (39.9797, -86.3833),
    (41.2776, -75.4973),
    (33.9114, -81.0501),
    (32.9709, -97.3348),
];

/// Facilities that hold stock.
pub(crate) const REAL: usize = FACILITIES.len();
/// The facility that stands for "not fulfilled": it never runs out and costs twice the most.
pub(crate) const NOWHERE: usize = REAL;
/// Facilities with that one.
pub(crate) const ALL: usize = REAL + 1;

/// An order: which type, to which metro.
pub(crate) type Arrival = (usize, usize);

/// Units by facility and item.
pub(crate) type Stock = [[u32; ITEMS]; REAL];

/// What is drawn once and then simulated several times.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    /// Items of every order type, distinct.
    pub(crate) types: Vec<Vec<usize>>,
    /// Chance of every type in a period; what is missing to 1 is a period without an order.
    pub(crate) chance: Vec<f64>,
    /// Share of the orders that goes to each metro.
    pub(crate) share: [f64; METROS.len()],
    /// Dollars for an item from a facility to a metro.
    pub(crate) unit: [[f64; METROS.len()]; ALL],
    /// By item and metro: the nearest facility that stocks it, or [`NOWHERE`].
    pub(crate) nearest: Vec<[usize; METROS.len()]>,
    /// What the facilities start with.
    pub(crate) stock: Stock,
    pub(crate) periods: u32,
}

/// A uniform number in [0, 1).
#[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
pub(crate) fn uniform(random: &mut Random) -> f64 {
    (random.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
}

/// Dollars of a box from a facility, empty.
pub(crate) fn fixed(facility: usize) -> f64 {
    if facility == NOWHERE { 2.0 * BOX } else { BOX }
}

fn miles(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half = |x: f64| (x / 2.0).sin().powi(2);
    let h = half(lat_b - lat_a) + lat_a.cos() * lat_b.cos() * half((b.1 - a.1).to_radians());
    2.0 * 6371.0 * h.sqrt().asin() / KM_PER_MILE
}

fn distances() -> [[f64; METROS.len()]; REAL] {
    FACILITIES.map(|facility| METROS.map(|metro| miles(facility, (metro.0, metro.1))))
}

/// Numbers drawn uniformly and divided by their sum.
fn normalised(random: &mut Random, count: usize) -> Vec<f64> {
    let drawn: Vec<f64> = (0..count).map(|_| uniform(random)).collect();
    let sum: f64 = drawn.iter().sum();
    drawn.iter().map(|x| x / sum).collect()
}

/// `count` different items.
fn some_items(random: &mut Random, count: usize) -> Vec<usize> {
    let mut items: Vec<usize> = (0..ITEMS).collect();
    for at in 0..count {
        items.swap(at, at + random.index(ITEMS - at));
    }
    items.truncate(count);
    items
}

impl Instance {
    /// The instance of a seed.
    pub(crate) fn draw(seed: u64, periods: u32) -> Self {
        let mut random = Random::new(seed);
        let far = distances();
        let people: f64 = METROS.iter().map(|m| m.2).sum();
        let mut unit = [[0.0; METROS.len()]; ALL];
        for metro in 0..METROS.len() {
            let farthest = far.iter().map(|row| row[metro]).fold(0.0, f64::max);
            for facility in 0..REAL {
                unit[facility][metro] = ITEM + ITEM_MILE * far[facility][metro];
            }
            unit[NOWHERE][metro] = 2.0 * (ITEM + ITEM_MILE * farthest);
        }
        // Size 0 is a period without an order.
        let sizes = normalised(&mut random, SIZES + 1);
        let (mut types, mut chance) = (Vec::new(), Vec::new());
        for (size, of_size) in sizes.iter().enumerate().skip(1) {
            for of_type in normalised(&mut random, TYPES_PER_SIZE) {
                types.push(some_items(&mut random, size));
                chance.push(of_size * of_type);
            }
        }
        let mut new = Self {
            types,
            chance,
            share: METROS.map(|m| m.2 / people),
            unit,
            nearest: Vec::new(),
            stock: Stock::default(),
            periods,
        };
        for item in 0..ITEMS {
            new.place(item, &far, &mut random);
        }
        new
    }

    /// Decides where an item lies, and how much of it.
    fn place(&mut self, item: usize, far: &[[f64; METROS.len()]; REAL], random: &mut Random) {
        let stocked: Vec<usize> = (0..REAL).filter(|_| uniform(random) < STOCKED).collect();
        let mut nearest = [NOWHERE; METROS.len()];
        let mut rate = [0.0; ALL];
        let with_item = self.types.iter().zip(&self.chance);
        let item_rate: f64 = with_item
            .filter(|(items, _)| items.contains(&item))
            .map(|(_, chance)| chance)
            .sum();
        for (metro, nearest) in nearest.iter_mut().enumerate() {
            let closer = |a: &usize, b: &usize| far[*a][metro].total_cmp(&far[*b][metro]);
            *nearest = stocked.iter().copied().min_by(closer).unwrap_or(NOWHERE);
            rate[*nearest] += item_rate * self.share[metro];
        }
        self.nearest.push(nearest);
        for (stock, rate) in self.stock.iter_mut().zip(rate) {
            let mean = f64::from(self.periods) * rate;
            let units = mean + SAFETY * (mean * (1.0 - rate)).sqrt();
            stock[item] = rounded(units);
        }
    }

    /// The order of each period of a horizon, if one came.
    pub(crate) fn arrivals(&self, seed: u64) -> Vec<Option<Arrival>> {
        let mut random = Random::new(seed);
        let mut one = |_| {
            let kind = drawn(&self.chance, uniform(&mut random));
            let metro = drawn(&self.share, uniform(&mut random)).unwrap_or(METROS.len() - 1);
            kind.map(|kind| (kind, metro))
        };
        (0..self.periods).map(&mut one).collect()
    }
}

/// The index that a number in [0, 1) falls on; `None` beyond the sum of the chances.
fn drawn(chances: &[f64], at: f64) -> Option<usize> {
    let mut sum = 0.0;
    chances.iter().position(|chance| {
        sum += chance;
        at < sum
    })
}

/// A number of units, to the nearest.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the number of periods, and no rate is negative"
)]
fn rounded(units: f64) -> u32 {
    units.round() as u32
}
