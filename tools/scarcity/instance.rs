//! The networks of the Jasin-Sinha and Ma simulation, and instances drawn on them.
//!
//! Settings as published with Ma, "Order-optimal correlated rounding for fulfilling multi-item
//! e-commerce orders" (2023): the ten largest metropolitan areas of the US, five facilities, twenty
//! items, order types of one to five items, stock for the metros that a facility is nearest to.
//! The large network has 99 metros, ten facilities, a hundred items and types of one to ten items; which
//! metros, and where their centres lie, is not published in a form that we have, so `metros.csv` takes
//! the 99 largest by the census: it is a reconstruction. Money is in dollars, as a double: a simulation that is compared with a linear programme.

use allot::bench::random::Random;

/// Dollars for a box.
pub(crate) const BOX: f64 = 8.759;
/// Dollars for an item in a box.
const ITEM: f64 = 0.423;
/// Dollars for an item in a box and a mile.
const ITEM_MILE: f64 = 0.000_541;
/// Kilometres of a mile, as the published code has it.
const KM_PER_MILE: f64 = 1.61;
const SAFETY: f64 = 0.5;

/// Latitude, longitude, people.
const METROS: [(f64, f64, f64); 10] = [
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

/// Latitude, longitude; the small network has the first five.
const FACILITIES: [(f64, f64); 10] = [
    (37.7448, -121.3985),
    (39.9797, -86.3833),
    (41.2776, -75.4973),
    (33.9114, -81.0501),
    (32.9709, -97.3348),
    (33.8730, -117.2361),
    (33.4330, -112.1644),
    (36.1202, -86.4096),
    (29.6021, -98.2890),
    (37.3521, -77.3269),
];

/// One of the published networks.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// Latitude, longitude, people.
    pub(crate) metros: Vec<(f64, f64, f64)>,
    /// Facilities that hold stock.
    pub(crate) real: usize,
    pub(crate) items: usize,
    /// Items of the largest order type.
    pub(crate) sizes: usize,
    types_per_size: usize,
    /// Chance that a facility stocks an item.
    pub(crate) stocked: f64,
    pub(crate) periods: u32,
}

impl Setting {
    /// Ten metros, five facilities, twenty items.
    pub(crate) fn small(periods: u32) -> Self {
        Self {
            metros: METROS.to_vec(),
            real: 5,
            items: 20,
            sizes: 5,
            types_per_size: 5,
            stocked: 0.75,
            periods,
        }
    }

    /// 99 metros, ten facilities, a hundred items.
    pub(crate) fn large(periods: u32, stocked: f64) -> anyhow::Result<Self> {
        let mut table = csv::Reader::from_reader(include_bytes!("metros.csv").as_slice());
        let metros = table.records().map(|row| {
            let row = row?;
            let number = |at: usize| row.get(at).unwrap_or_default().parse::<f64>();
            Ok((number(2)?, number(3)?, number(4)?))
        });
        Ok(Self {
            metros: metros.collect::<anyhow::Result<_>>()?,
            real: FACILITIES.len(),
            items: 100,
            sizes: 10,
            types_per_size: 10,
            stocked,
            periods,
        })
    }
}

/// An order: which type, to which metro.
pub(crate) type Arrival = (usize, usize);

/// Units by facility and item.
pub(crate) type Stock = Vec<Vec<u32>>;

/// What is drawn once and then simulated several times.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    /// Items of every order type, distinct.
    pub(crate) types: Vec<Vec<usize>>,
    /// Chance of every type in a period; what is missing to 1 is a period without an order.
    pub(crate) chance: Vec<f64>,
    /// Share of the orders that goes to each metro.
    pub(crate) share: Vec<f64>,
    /// Dollars for an item from a facility to a metro.
    pub(crate) unit: Vec<Vec<f64>>,
    /// By item and metro: the nearest facility that stocks it, or [`Instance::nowhere`].
    pub(crate) nearest: Vec<Vec<usize>>,
    /// What the facilities start with.
    pub(crate) stock: Stock,
    pub(crate) periods: u32,
    /// Items of the largest order type.
    pub(crate) sizes: usize,
    items: usize,
    stocked: f64,
}

/// A uniform number in [0, 1).
#[allow(clippy::cast_precision_loss, reason = "53 bits are exact")]
pub(crate) fn uniform(random: &mut Random) -> f64 {
    (random.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
}

fn miles(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half = |x: f64| (x / 2.0).sin().powi(2);
    let h = half(lat_b - lat_a) + lat_a.cos() * lat_b.cos() * half((b.1 - a.1).to_radians());
    2.0 * 6371.0 * h.sqrt().asin() / KM_PER_MILE
}

fn distances(setting: &Setting) -> Vec<Vec<f64>> {
    let to_all = |facility: &(f64, f64)| {
        let metros = setting.metros.iter();
        metros.map(|m| miles(*facility, (m.0, m.1))).collect()
    };
    FACILITIES[..setting.real].iter().map(to_all).collect()
}

/// Numbers drawn uniformly and divided by their sum.
fn normalised(random: &mut Random, count: usize) -> Vec<f64> {
    let drawn: Vec<f64> = (0..count).map(|_| uniform(random)).collect();
    let sum: f64 = drawn.iter().sum();
    drawn.iter().map(|x| x / sum).collect()
}

/// `count` different items of `of`.
fn some_items(random: &mut Random, count: usize, of: usize) -> Vec<usize> {
    let mut items: Vec<usize> = (0..of).collect();
    for at in 0..count {
        items.swap(at, at + random.index(of - at));
    }
    items.truncate(count);
    items
}

impl Instance {
    /// The facility that stands for "not fulfilled": it never runs out and costs twice the most.
    pub(crate) const fn nowhere(&self) -> usize {
        self.unit.len() - 1
    }

    /// Facilities with that one.
    pub(crate) const fn all(&self) -> usize {
        self.unit.len()
    }

    /// Dollars of a box from a facility, empty.
    pub(crate) const fn fixed(&self, facility: usize) -> f64 {
        if facility == self.nowhere() {
            2.0 * BOX
        } else {
            BOX
        }
    }

    /// The instance of a seed.
    pub(crate) fn draw(setting: &Setting, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let far = distances(setting);
        let people: f64 = setting.metros.iter().map(|m| m.2).sum();
        let to_all = |row: &Vec<f64>| row.iter().map(|miles| ITEM + ITEM_MILE * miles).collect();
        let mut unit: Vec<Vec<f64>> = far.iter().map(to_all).collect();
        let farthest = |metro: usize| far.iter().map(|row| row[metro]).fold(0.0, f64::max);
        let nowhere = (0..setting.metros.len()).map(|m| 2.0 * (ITEM + ITEM_MILE * farthest(m)));
        unit.push(nowhere.collect());
        // Size 0 is a period without an order.
        let sizes = normalised(&mut random, setting.sizes + 1);
        let (mut types, mut chance) = (Vec::new(), Vec::new());
        for (size, of_size) in sizes.iter().enumerate().skip(1) {
            for of_type in normalised(&mut random, setting.types_per_size) {
                types.push(some_items(&mut random, size, setting.items));
                chance.push(of_size * of_type);
            }
        }
        let mut new = Self {
            types,
            chance,
            share: setting.metros.iter().map(|m| m.2 / people).collect(),
            unit,
            nearest: Vec::new(),
            stock: vec![vec![0; setting.items]; setting.real],
            periods: setting.periods,
            sizes: setting.sizes,
            items: setting.items,
            stocked: setting.stocked,
        };
        for item in 0..new.items {
            new.place(item, &far, &mut random);
        }
        new
    }

    /// Decides where an item lies, and how much of it.
    fn place(&mut self, item: usize, far: &[Vec<f64>], random: &mut Random) {
        let stocked: Vec<usize> = (0..far.len())
            .filter(|_| uniform(random) < self.stocked)
            .collect();
        let mut nearest = vec![self.nowhere(); self.share.len()];
        let mut rate = vec![0.0; self.all()];
        let with_item = self.types.iter().zip(&self.chance);
        let item_rate: f64 = with_item
            .filter(|(items, _)| items.contains(&item))
            .map(|(_, chance)| chance)
            .sum();
        for (metro, nearest) in nearest.iter_mut().enumerate() {
            let closer = |a: &usize, b: &usize| far[*a][metro].total_cmp(&far[*b][metro]);
            *nearest = stocked
                .iter()
                .copied()
                .min_by(closer)
                .unwrap_or(self.nowhere());
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
            let metro = drawn(&self.share, uniform(&mut random)).unwrap_or(self.share.len() - 1);
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
