//! Prices of scarce units, made anew from the stock as it is and from orders like those to come.
//!
//! Prices are not state: a decision that was made by them carries its share of them, and that is what
//! is kept. After a restart they are those of the network folder until they are made again.

use super::Engine;
use super::error::EngineError;
use super::orders::{Resolved, route_sample};
use crate::ledger::StockView;
use crate::lifecycle::OrderState;
use crate::model::{
    Cents, EpochMillis, LocationId, Millis, Order, PricingRules, Qty, ScarcityRow, SkuId,
};
use crate::routing::{Lanes, Scratch};
use crate::scarcity::{Demand, Drawn, ENOUGH, Effort, Stock, prices};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A sample of orders is taken to have come within at least this time, so that the first few after
/// a start do not stand for a flood.
const SPAN_LEAST: Millis = Millis(3_600_000);

/// What a pricing came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Priced {
    /// Orders that stood for those to come.
    pub orders: usize,
    /// Positions with a price.
    pub positions: usize,
}

/// Orders that stand for those to come, over the time in which they came.
struct Sample {
    orders: Vec<Arc<Order>>,
    span: Millis,
}

/// A sample with every name looked up, and the stock that it can draw from.
struct Asked<'s> {
    orders: Vec<(Arc<Order>, Resolved)>,
    stock: &'s HashMap<SkuId, &'s [(LocationId, u32)]>,
}

impl Demand for Asked<'_> {
    fn count(&self) -> usize {
        self.orders.len()
    }

    fn skus(&self, order: usize) -> impl Iterator<Item = SkuId> {
        self.orders[order].1.skus()
    }

    fn draw(&self, order: usize, lanes: &Lanes, scratch: &mut Scratch) -> Drawn {
        let (order, resolved) = &self.orders[order];
        let mut view = StockView::default();
        for sku in resolved.skus() {
            view.push_line(sku);
            for &(location, units) in self.stock.get(&sku).copied().into_iter().flatten() {
                view.push_cell(location, Qty(units), &[]);
            }
        }
        route_sample(order, resolved, lanes, &view, scratch)
    }
}

impl Engine {
    /// Orders that stand for those to come instead of those accepted lately.
    pub fn expect_orders(&self, orders: Vec<Arc<Order>>) {
        self.expected.store(Arc::new(orders));
    }

    /// Prices the units of the stock as it is and routes by these prices from now on. Takes no lock
    /// for longer than it reads one SKU or some orders; meanwhile others route by the prices before.
    ///
    /// # Errors
    /// `INVALID` when a location vanished, which none does.
    pub fn price_scarcity(
        &self,
        rules: &PricingRules,
        now: EpochMillis,
    ) -> Result<Priced, EngineError> {
        let lanes = self.lanes.load_full();
        let sample = self.sample(rules, now);
        let resolved = sample.orders.into_iter().filter_map(|order| {
            let resolved = self.resolve(&order, &lanes).ok()?;
            Some((order, resolved))
        });
        let orders: Vec<(Arc<Order>, Resolved)> = resolved.collect();
        let stock = self.promisable(&orders, now);
        let held = stock.iter().map(|(sku, held)| (*sku, held.as_slice()));
        let held = held.collect();
        let asked = Asked {
            orders,
            stock: &held,
        };
        let effort = Effort {
            growth: times(rules.horizon, sample.span),
            steps: rules.steps,
            certain: false,
        };
        let warm = self.priced.swap(true, Ordering::Relaxed);
        let rows = prices(&asked, &stock, &lanes, effort, warm)?;
        let priced = Priced {
            orders: asked.orders.len(),
            positions: rows.len(),
        };
        self.set_scarcity(rows)?;
        Ok(priced)
    }

    /// Routes by these prices from now on; positions without a row have none.
    ///
    /// # Errors
    /// `INVALID` naming the row that cannot be used.
    pub fn set_scarcity(&self, rows: Vec<ScarcityRow>) -> Result<(), EngineError> {
        // The network's lock keeps this from getting lost when the lanes are made anew.
        let mut network = self.network.lock();
        let lanes = self.lanes.load().priced(&rows)?;
        self.lanes.store(Arc::new(lanes));
        network.scarcity = rows;
        Ok(())
    }

    /// The prices of an item's scarce units, by location.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn scarcity(&self, sku: &str) -> Result<Vec<(LocationId, Cents)>, EngineError> {
        let sku = self.registry.sku("sku", sku)?;
        Ok(self.lanes.load().scarcity_prices(sku).collect())
    }

    /// Units that were reserved by orders, counted, received or moved since the start: how much of
    /// the stock is no longer what it was.
    #[must_use]
    pub fn units_moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// The orders that are expected, or else the newest of those accepted within the window.
    fn sample(&self, rules: &PricingRules, now: EpochMillis) -> Sample {
        let expected = self.expected.load();
        if !expected.is_empty() {
            let orders = (**expected).clone();
            let placed = || orders.iter().map(|order| order.placed_at);
            let (first, last) = (placed().min(), placed().max());
            return Sample {
                span: span(first.unwrap_or(now), last.unwrap_or(now)),
                orders: newest(orders, |order| order.placed_at, rules.orders_max as usize).0,
            };
        }
        let since = EpochMillis(now.0.saturating_sub(rules.window.0.cast_signed()));
        let mut recent: Vec<(EpochMillis, Arc<Order>)> = Vec::new();
        self.orders.for_each(|record| {
            if record.accepted_at >= since && record.state != OrderState::Cancelled {
                recent.push((record.accepted_at, record.order.clone()));
            }
        });
        let (kept, from) = newest(recent, |(at, _)| *at, rules.orders_max as usize);
        Sample {
            span: span(from.unwrap_or(now), now),
            orders: kept.into_iter().map(|(_, order)| order).collect(),
        }
    }

    /// What may be promised now of the items that the orders ask for.
    fn promisable(&self, orders: &[(Arc<Order>, Resolved)], now: EpochMillis) -> Stock {
        let mut skus: Vec<SkuId> = orders.iter().flat_map(|(_, r)| r.skus()).collect();
        skus.sort_unstable();
        skus.dedup();
        let held = skus.into_iter().map(|sku| {
            let held = self.ledger.atp_by_location(sku, None, now).into_iter();
            let units = |atp: u64| u32::try_from(atp).unwrap_or(ENOUGH).min(ENOUGH);
            (sku, held.map(|(at, atp)| (at, units(atp))).collect())
        });
        held.collect()
    }
}

/// The `most` newest, oldest first, and when the first of them came: that of equal age does not
/// depend on the order in which they were found.
fn newest<T: Keyed>(
    mut all: Vec<T>,
    at: impl Fn(&T) -> EpochMillis,
    most: usize,
) -> (Vec<T>, Option<EpochMillis>) {
    all.sort_unstable_by(|a, b| (at(a), a.key()).cmp(&(at(b), b.key())));
    let kept = all.split_off(all.len().saturating_sub(most));
    let from = kept.first().map(at);
    (kept, from)
}

trait Keyed {
    fn key(&self) -> &crate::model::OrderKey;
}

impl Keyed for Arc<Order> {
    fn key(&self) -> &crate::model::OrderKey {
        &self.key
    }
}

impl Keyed for (EpochMillis, Arc<Order>) {
    fn key(&self) -> &crate::model::OrderKey {
        &self.1.key
    }
}

fn span(first: EpochMillis, last: EpochMillis) -> Millis {
    let span = last.0.saturating_sub(first.0).max(0);
    Millis(span.unsigned_abs()).max(SPAN_LEAST)
}

/// How many times one span is in another.
#[allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "an estimate of demand"
)]
fn times(of: Millis, span: Millis) -> f64 {
    of.0 as f64 / span.0.max(1) as f64
}
