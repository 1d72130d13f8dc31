//! Orders that are routed already: which SKU is taken from which location, in which order.
//!
//! For measuring the ledger alone. The same shape and seed give the same orders everywhere. The
//! lines of all orders lie in one list, so that reading the load costs next to nothing beside
//! what is measured.

use super::random::{Random, Weighted};
use crate::model::{LocationId, Qty, SkuId, StockRow};

/// How many orders in a hundred have 1, 2, 3, 4 and 5 lines: two on average.
const LINES_PERCENT: [u64; 5] = [45, 30, 12, 7, 6];

/// The size of the stock and how orders choose from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Number of items.
    pub skus: u32,
    /// Number of places; every item is at all of them.
    pub locations: u16,
    /// Of a hundred lines, how many name the one hot item. The others are chosen by Zipf's law
    /// with exponent 1, popularity scattered over the ids.
    pub hot_percent: u64,
}

/// Some units of one item from one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// How many.
    pub qty: Qty,
}

/// Orders, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    lines: Vec<Line>,
    /// Where the order ends in `lines`.
    ends: Vec<usize>,
}

impl Orders {
    /// `count` orders of the given shape.
    #[must_use]
    pub fn new(shape: Shape, count: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let by_rank = (1..=u64::from(shape.skus)).map(|rank| 1_000_000_000 / rank);
        let sizes = Weighted::new(LINES_PERCENT.into_iter());
        let (Some(zipf), Some(sizes)) = (Weighted::new(by_rank), sizes) else {
            return Self::default();
        };
        let mut orders = Self::default();
        for _ in 0..count {
            for _ in 0..=sizes.draw(&mut random) {
                let hot = random.chance(shape.hot_percent);
                let rank = if hot { 0 } else { zipf.draw(&mut random) };
                orders.lines.push(Line {
                    sku: scattered(rank as u64, shape.skus),
                    location: location(&mut random, shape.locations),
                    qty: Qty(1),
                });
            }
            orders.ends.push(orders.lines.len());
        }
        orders
    }

    /// Number of orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The lines of order `index`.
    #[must_use]
    pub fn lines(&self, index: usize) -> &[Line] {
        &self.lines[self.range(index)]
    }

    /// Where the lines of order `index` stand among [`Orders::all_lines`].
    #[must_use]
    pub fn range(&self, index: usize) -> std::ops::Range<usize> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[index]
    }

    /// The lines of all orders.
    #[must_use]
    pub fn all_lines(&self) -> &[Line] {
        &self.lines
    }
}

/// Stock of `units` of every item at every place.
#[must_use]
pub fn stock(shape: Shape, units: Qty) -> Vec<StockRow> {
    let rows_of = |sku| {
        (0..shape.locations).map(move |location| StockRow {
            sku: SkuId(sku),
            location: LocationId(location),
            on_hand: units,
            safety_stock: Qty::ZERO,
            held: None,
        })
    };
    (0..shape.skus).flat_map(rows_of).collect()
}

/// The item of a rank: a multiplier without a common factor scatters the popular ones.
fn scattered(rank: u64, skus: u32) -> SkuId {
    let sku = rank * 7_919 % u64::from(skus.max(1));
    SkuId(u32::try_from(sku).unwrap_or(0))
}

fn location(random: &mut Random, locations: u16) -> LocationId {
    LocationId(u16::try_from(random.below(u64::from(locations))).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        skus: 1_000,
        locations: 20,
        hot_percent: 0,
    };

    #[test]
    fn the_same_seed_gives_the_same_orders() {
        assert_eq!(Orders::new(SHAPE, 100, 7), Orders::new(SHAPE, 100, 7));
        assert_ne!(Orders::new(SHAPE, 100, 7), Orders::new(SHAPE, 100, 8));
    }

    #[test]
    fn orders_have_two_lines_on_average_and_popular_items() {
        let orders = Orders::new(SHAPE, 10_000, 1);
        let lines = orders.all_lines().len();
        assert!((19_000..21_000).contains(&lines), "{lines} lines");
        assert_eq!(
            (0..orders.len())
                .map(|i| orders.lines(i).len())
                .sum::<usize>(),
            lines
        );
        let first = orders.all_lines().iter().filter(|l| l.sku == SkuId(0));
        let share = first.count() * 100 / lines;
        assert!(
            (11..=16).contains(&share),
            "{share} % name the first of 1000, by Zipf 13 %"
        );
        let mut named: Vec<SkuId> = orders.all_lines().iter().map(|l| l.sku).collect();
        named.sort_unstable();
        named.dedup();
        assert!(named.len() > 900, "{} items named", named.len());
    }

    #[test]
    fn the_hot_item_gets_its_share() {
        let shape = Shape {
            hot_percent: 90,
            ..SHAPE
        };
        let orders = Orders::new(shape, 10_000, 1);
        let hot = orders.all_lines().iter().filter(|l| l.sku == SkuId(0));
        let share = hot.count() * 100 / orders.all_lines().len();
        assert!((90..=93).contains(&share), "{share} %");
    }
}
