//! Dual prices of a shop's own stock: every order picks its best plan at the prices as if there were
//! enough of everything, and the price of a unit rises where more is wanted than there is.

use super::shop::Shop;
use allot::model::{Cents, LocationId, ScarcityRow, SkuId};
use allot::routing::{Lanes, Scratch};
use anyhow::Context as _;
use rayon::prelude::*;
use std::collections::HashMap;

/// Cents by which a price moves in the first step where twice the stock is wanted.
const STEP: f64 = 400.0;
/// After so many steps they are half as long.
const HALVED: f64 = 10.0;
/// Orders that one task routes.
const CHUNK: usize = 256;
/// Units of a position as if there were enough.
const ENOUGH: u32 = 1 << 30;

type Units = HashMap<(SkuId, LocationId), u64>;

/// Prices above zero, by SKU and location. `growth` is how many times the orders of the file are
/// still to come on this stock.
pub(crate) fn prices(shop: &Shop, growth: f64, steps: u32) -> anyhow::Result<Vec<ScarcityRow>> {
    let mut now: Vec<Vec<f64>> = shop.stock.iter().map(|s| vec![0.0; s.len()]).collect();
    let mut sum = now.clone();
    let mut network = shop.network.clone();
    let first_kept = steps / 2;
    for step in 0..steps {
        network.scarcity = rows(shop, &now, 1.0)?;
        let wanted = wanted(shop, &Lanes::new(&network)?);
        let length = STEP / (1.0 + f64::from(step) / HALVED);
        for (sku, stock) in shop.stock.iter().enumerate() {
            let sku_id = SkuId::from_index(sku).context("more SKUs than ids")?;
            let of = |location| growth * exact(wanted.get(&(sku_id, location)).copied());
            let everywhere: f64 = stock.iter().map(|&(location, _)| of(location)).sum();
            for (at, &(location, units)) in stock.iter().enumerate() {
                let units = f64::from(units);
                let scale = units.max(0.1 * everywhere).max(1.0);
                let over = ((of(location) - units) / scale).clamp(-1.0, 1.0);
                now[sku][at] = (now[sku][at] + length * over).max(0.0);
                if step >= first_kept {
                    sum[sku][at] += now[sku][at];
                }
            }
        }
    }
    // Late prices swing around the optimum; their mean is nearer to it than any of them.
    rows(shop, &sum, f64::from((steps - first_kept).max(1)))
}

#[allow(clippy::cast_precision_loss, reason = "counts of units are below 2^53")]
fn exact(units: Option<u64>) -> f64 {
    units.unwrap_or(0) as f64
}

#[allow(clippy::cast_possible_truncation, reason = "at most STEP cents a step")]
fn rows(shop: &Shop, sums: &[Vec<f64>], count: f64) -> anyhow::Result<Vec<ScarcityRow>> {
    let mut rows = Vec::new();
    for (sku, (stock, sums)) in shop.stock.iter().zip(sums).enumerate() {
        for (&(location, _), sum) in stock.iter().zip(sums) {
            let cents = (sum / count).round() as i64;
            if cents > 0 {
                rows.push(ScarcityRow {
                    sku: SkuId::from_index(sku).context("more SKUs than ids")?,
                    location,
                    cents: Cents(cents),
                });
            }
        }
    }
    Ok(rows)
}

/// What all orders together want of every position at the prices of `lanes`.
fn wanted(shop: &Shop, lanes: &Lanes) -> Units {
    let of_chunk = |orders: &[super::shop::Wanted]| {
        let (mut units, mut scratch) = (Units::new(), Scratch::default());
        for wanted in orders {
            let decision = shop.route(lanes, wanted, |_| ENOUGH, &shop.stock, &mut scratch);
            for (sku, location, qty) in decision.iter().flat_map(|d| Shop::drawn(wanted, d)) {
                *units.entry((sku, location)).or_default() += u64::from(qty);
            }
        }
        units
    };
    let chunks = shop.orders.par_chunks(CHUNK).map(of_chunk);
    // Whole numbers: the sum is the same in any order.
    chunks.reduce(Units::new, |mut sum, units| {
        for (position, qty) in units {
            *sum.entry(position).or_default() += qty;
        }
        sum
    })
}
