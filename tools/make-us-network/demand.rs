//! How much every SKU is asked for.
//!
//! Popularity is a Zipf-Mandelbrot law with a tail that falls to nothing: the measured one is
//! flatter at the head than Zipf and falls off far faster at the end.

use super::items::Item;
use super::orders::Order;
use super::rng::{Rng, Weighted, cube_root};

/// Flattens the head: rank r weighs as (r + OFFSET)^(-2/3).
const OFFSET: u64 = 40;
/// Wholesale customers buy from the best sellers only.
const WHOLESALE_RANGE: usize = 2000;
/// Ranks of the SKUs in the flash sale.
const SALE_RANKS: [usize; 5] = [2, 7, 13, 21, 39];

/// Popularity of every SKU.
#[derive(Debug)]
pub(crate) struct Demand {
    /// SKUs by popularity: `by_rank[0]` is asked for most.
    pub(crate) by_rank: Vec<usize>,
    /// SKUs in the flash sale.
    pub(crate) sale: Vec<usize>,
    consumer: Weighted,
    wholesale: Weighted,
}

impl Demand {
    /// Ranks all items at random and gives the ranks their weights.
    pub(crate) fn new(seed: u64, items: &[Item]) -> Self {
        let mut rng = Rng::stream(seed, "demand");
        let mut by_rank: Vec<usize> = (0..items.len()).collect();
        rng.shuffle(&mut by_rank);
        let count = u64::try_from(items.len()).expect("a length fits in 64 bits");
        let weight = |rank: u64| {
            let root = cube_root((rank + OFFSET).pow(2) * 1_000_000_000);
            (count + 1 - rank) * 1_000_000_000 / root
        };
        let weights: Vec<u64> = (1..=count).map(weight).collect();
        // Nobody resells single fridge-sized or chilled goods by the case.
        let resold = |rank: usize| items[by_rank[rank]].class == "standard";
        let wholesale = weights[..WHOLESALE_RANGE.min(items.len())]
            .iter()
            .enumerate();
        let wholesale = Weighted::new(wholesale.map(|(r, &w)| if resold(r) { w } else { 0 }));
        let sale = SALE_RANKS.iter().map(|&rank| by_rank[rank]).collect();
        Self {
            consumer: Weighted::new(weights),
            wholesale,
            sale,
            by_rank,
        }
    }

    /// What a consumer puts in the cart.
    pub(crate) fn consumer_sku(&self, rng: &mut Rng) -> usize {
        self.by_rank[self.consumer.draw(rng)]
    }

    /// What a reseller orders.
    pub(crate) fn wholesale_sku(&self, rng: &mut Rng) -> usize {
        self.by_rank[self.wholesale.draw(rng)]
    }

    /// Units of each rank that a planner would expect of `orders`, in thousandths: all units of a
    /// kind, spread by popularity. What single SKUs really sell differs, as it does in life.
    pub(crate) fn forecast(&self, orders: &[Order]) -> Vec<u64> {
        let units = |wholesale: bool| -> u64 {
            let ours = orders
                .iter()
                .filter(|order| order.is_wholesale() == wholesale);
            ours.flat_map(|order| &order.lines).map(|line| line.1).sum()
        };
        let (consumer, wholesale) = (units(false), units(true));
        let part = |of: &Weighted, rank: usize, units: u64| {
            let weight = u128::from(of.weight(rank)) * u128::from(units) * 1000;
            u64::try_from(weight / u128::from(of.total())).expect("a part of all units")
        };
        (0..self.by_rank.len())
            .map(|rank| {
                let resold = rank < WHOLESALE_RANGE.min(self.by_rank.len());
                let cases = if resold {
                    part(&self.wholesale, rank, wholesale)
                } else {
                    0
                };
                part(&self.consumer, rank, consumer) + cases
            })
            .collect()
    }
}
