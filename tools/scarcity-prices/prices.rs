//! Prices of a shop's own stock, as the server makes them (`allot::scarcity`).

use super::shop::Shop;
use allot::model::{ScarcityRow, SkuId};
use allot::routing::{Lanes, Scratch};
use allot::scarcity::{self, Demand, Drawn, Effort, Stock};
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
        let plan = self.draft_alone(lanes, wanted, scratch);
        let drawn = plan.iter().flat_map(|plan| Self::drawn(wanted, plan));
        drawn.collect()
    }
}

/// The stock of a shop by SKU.
pub(crate) fn stock(shop: &Shop) -> anyhow::Result<Stock> {
    let numbered = shop.stock.iter().enumerate();
    let stock = numbered.map(|(number, held)| {
        let sku = SkuId::from_index(number).context("more SKUs than ids")?;
        Ok((sku, held.clone()))
    });
    stock.collect()
}

/// Prices above zero, by SKU and location. `growth` is how many times the orders of the file are
/// still to come on this stock; `certain` that they are these very orders.
pub(crate) fn prices(
    shop: &Shop,
    growth: f64,
    certain: bool,
    steps: u32,
) -> anyhow::Result<Vec<ScarcityRow>> {
    let effort = Effort {
        growth,
        steps,
        certain,
    };
    let prices = scarcity::prices(shop, &stock(shop)?, &shop.lanes, effort, false);
    Ok(prices?)
}
