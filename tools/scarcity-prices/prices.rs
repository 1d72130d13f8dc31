//! Prices of a shop's own stock, as the server makes them (`allot::scarcity`).

use super::shop::Shop;
use allot::model::{ScarcityRow, SkuId};
use allot::routing::{Lanes, Scratch};
use allot::scarcity::{self, Demand, Drawn, ENOUGH, Effort, Stock};
use anyhow::Context as _;

impl Demand for Shop {
    fn count(&self) -> usize {
        self.orders.len()
    }

    fn skus(&self, order: usize) -> impl Iterator<Item = SkuId> {
        self.orders[order].skus()
    }

    fn draw(&self, order: usize, lanes: &Lanes, scratch: &mut Scratch) -> Drawn {
        let wanted = &self.orders[order];
        let decision = self.route(lanes, wanted, |_| ENOUGH, &self.stock, scratch);
        let drawn = decision.iter().flat_map(|d| Self::drawn(wanted, d));
        drawn.collect()
    }
}

/// Prices above zero, by SKU and location. `growth` is how many times the orders of the file are
/// still to come on this stock.
pub(crate) fn prices(shop: &Shop, growth: f64, steps: u32) -> anyhow::Result<Vec<ScarcityRow>> {
    let numbered = shop.stock.iter().enumerate();
    let stock = numbered.map(|(number, held)| {
        let sku = SkuId::from_index(number).context("more SKUs than ids")?;
        Ok((sku, held.clone()))
    });
    let stock: Stock = stock.collect::<anyhow::Result<_>>()?;
    let lanes = Lanes::new(&shop.network)?;
    let effort = Effort { growth, steps };
    Ok(scarcity::prices(shop, &stock, &lanes, effort, false)?)
}
