//! Stock and orders made up for a network that brings none of its own.

use super::random::{Random, Weighted};
use crate::model::{
    EpochMillis, Item, LocationId, LocationKind, Network, Order, OrderKey, OrderLine, Place,
    PolicyOverrides, Qty, ShipTo, SkuId, StockRow,
};
use std::collections::HashMap;

/// Units put on the shelves for every hundred that the orders ask for.
const STOCK_PERCENT: u64 = 130;
/// Units above which a SKU is in stores too.
const BEST_SELLER: u64 = 2_000;

/// Items for SKUs that orders name and no file describes: half a kilogram, a hand's breadth.
#[must_use]
pub fn items_for(orders: &[Order]) -> Vec<Item> {
    let mut seen = HashMap::new();
    let lines = orders.iter().flat_map(|o| &o.lines);
    lines.for_each(|line| {
        let next = seen.len();
        seen.entry(line.sku.clone()).or_insert(next);
    });
    let mut skus: Vec<(Box<str>, usize)> = seen.into_iter().collect();
    skus.sort_unstable_by_key(|&(_, place)| place);
    let item = |sku: Box<str>| Item {
        name: sku.clone(),
        sku,
        grams: 500,
        size_mm: [180, 120, 80],
        class: "".into(),
        value: crate::model::Cents(1000),
        ..Item::default()
    };
    skus.into_iter().map(|(sku, _)| item(sku)).collect()
}

/// Stock for what `orders` ask for, as a retailer lays it out: warehouses have a rank, drawn from the
/// seed; the first holds every SKU, the next ones the better it sells; stores have a few units of
/// the best sellers.
#[must_use]
pub fn stock_for(network: &Network, items: &[Item], orders: &[Order], seed: u64) -> Vec<StockRow> {
    let demand = demand_of(items, orders);
    let mut random = Random::new(seed);
    let (mut warehouses, mut stores) = (Vec::new(), Vec::new());
    for (place, location) in network.locations.iter().enumerate() {
        match location.kind {
            LocationKind::Store => stores.push(place),
            LocationKind::DistributionCentre
            | LocationKind::ThirdParty
            | LocationKind::Supplier => warehouses.push(place),
        }
    }
    shuffle(&mut warehouses, &mut random);
    let mut rows = Vec::new();
    for (sku, &wanted) in demand.iter().enumerate().filter(|(_, d)| **d > 0) {
        let units = (wanted * STOCK_PERCENT).div_ceil(100);
        let mut at: Vec<(usize, u64)> = Vec::new();
        let holders = holders(units, warehouses.len());
        for (rank, &place) in warehouses.iter().take(holders).enumerate() {
            // The first gets twice the share of any other.
            let shares = holders as u64 + 1;
            at.push((place, units * if rank == 0 { 2 } else { 1 } / shares));
        }
        let placed: u64 = at.iter().map(|(_, units)| units).sum();
        match at.first_mut() {
            Some(first) => first.1 += units - placed,
            None => at.extend(stores.first().map(|&place| (place, units))),
        }
        if units > BEST_SELLER && !stores.is_empty() {
            for _ in 0..stores.len().div_ceil(4) {
                at.push((stores[random.index(stores.len())], 1 + random.below(6)));
            }
        }
        at.sort_unstable();
        at.dedup_by_key(|(place, _)| *place);
        rows.extend(
            at.into_iter()
                .filter(|(_, units)| *units > 0)
                .filter_map(|(place, units)| {
                    Some(StockRow {
                        sku: SkuId::from_index(sku)?,
                        location: LocationId::from_index(place)?,
                        on_hand: Qty(u32::try_from(units).unwrap_or(Qty::MAX.0).min(Qty::MAX.0)),
                        safety_stock: Qty::ZERO,
                        held: None,
                    })
                }),
        );
    }
    rows
}

/// Units that the orders ask of every item.
fn demand_of(items: &[Item], orders: &[Order]) -> Vec<u64> {
    let sku_of: HashMap<&str, usize> = items
        .iter()
        .enumerate()
        .map(|(at, item)| (&*item.sku, at))
        .collect();
    let mut demand = vec![0u64; items.len()];
    for line in orders.iter().flat_map(|o| &o.lines) {
        if let Some(&sku) = sku_of.get(&*line.sku) {
            demand[sku] += u64::from(line.qty.0);
        }
    }
    demand
}

/// How many warehouses hold a SKU of which there are so many units.
fn holders(units: u64, warehouses: usize) -> usize {
    let holders = match units {
        0..=50 => 1,
        51..=300 => 2,
        301..=2_000 => 5,
        2_001..=10_000 => 10,
        _ => 20,
    };
    holders.min(warehouses)
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for at in (1..items.len()).rev() {
        items.swap(at, random.index(at + 1));
    }
}

/// `count` orders for a network and its items, ten seconds apart from `from` on: consumer baskets
/// (44.6 % of one unit, mean 2.4: the CDNOW data set), SKU popularity falling with rank to the
/// power 0.65, destinations by population.
#[must_use]
pub fn orders_for(
    network: &Network,
    items: &[Item],
    count: usize,
    seed: u64,
    from: EpochMillis,
) -> Vec<Order> {
    const UNITS: [u64; 8] = [446, 238, 144, 70, 36, 22, 14, 30];
    let mut random = Random::new(seed);
    let places = Weighted::new(network.places.iter().map(|p| p.population));
    let units = Weighted::new(UNITS.into_iter());
    let popular = Weighted::new((1..=items.len() as u64).map(popularity));
    let (Some(places), Some(units), Some(popular)) = (places, units, popular) else {
        return Vec::new();
    };
    // Rank is scattered over the items, so that what is hot is not what comes first in the file.
    let mut ranked: Vec<usize> = (0..items.len()).collect();
    shuffle(&mut ranked, &mut random);
    let mut at = from;
    (0..count)
        .map(|number| {
            let place = &network.places[places.draw(&mut random)];
            let mut lines: Vec<OrderLine> = Vec::new();
            for _ in 0..=units.draw(&mut random) {
                let sku = &items[ranked[popular.draw(&mut random)]].sku;
                match lines.iter_mut().find(|l| l.sku == *sku) {
                    Some(line) => line.qty += Qty(1),
                    None => lines.push(OrderLine {
                        together: None,
                        line: (lines.len() + 1).to_string().into(),
                        sku: sku.clone(),
                        qty: Qty(1),
                        may_split: true,
                    }),
                }
            }
            at = at + crate::model::Millis(10_000);
            order(number, place, at, lines)
        })
        .collect()
}

/// A weight that falls with rank to the power 0.65, in integers: 10⁶ at rank 1.
#[allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
#[allow(clippy::cast_precision_loss)] // ranks are far below 2⁵² and weights between 1 and 10⁶
fn popularity(rank: u64) -> u64 {
    ((1e6 * (rank as f64).powf(-0.65)).round() as u64).max(1)
}

fn order(number: usize, place: &Place, placed_at: EpochMillis, lines: Vec<OrderLine>) -> Order {
    Order {
        key: OrderKey::new("generated", &(number + 1).to_string()),
        channel: "web".into(),
        placed_at,
        priority: 0,
        ship_to: ShipTo {
            country: place.country.clone(),
            postal: place.postal_prefix.clone(),
            coordinate: None,
            ..ShipTo::default()
        },
        deliver_by: None,
        deliver_by_is_hard: false,
        policy: PolicyOverrides::default(),
        lines,
        ..Order::default()
    }
}
