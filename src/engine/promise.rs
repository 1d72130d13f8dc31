//! What can be promised of one item without an order: for product pages.

use super::Engine;
use super::error::EngineError;
use crate::ledger::StockView;
use crate::model::{EpochMillis, Invalid, PolicyOverrides, Qty, ShipTo, Shipment};
use crate::routing::{Request, promise};
use std::cell::RefCell;

thread_local! {
    static VIEW: RefCell<StockView> = RefCell::default();
}

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub struct PromiseAsk<'a> {
    /// The item.
    pub sku: &'a str,
    /// Units, at least 1.
    pub qty: Qty,
    /// Where they would go.
    pub to: &'a ShipTo,
    /// The selling channel.
    pub channel: &'a str,
}

impl Engine {
    /// For every carrier service the best single shipment of some units of one item. Reserves
    /// nothing. Nothing comes back for a service that cannot carry all units from one location, now
    /// or when more arrives.
    ///
    /// # Errors
    /// `NOTFOUND` for the SKU; `INVALID`.
    pub fn promise(
        &self,
        ask: &PromiseAsk<'_>,
        now: EpochMillis,
    ) -> Result<Vec<Shipment>, EngineError> {
        if ask.qty.is_zero() || ask.qty > Qty::MAX {
            let expected = "1 to 2000000000 units";
            return Err(Invalid::new("qty", ask.qty, expected).into());
        }
        let lanes = self.lanes.load();
        let sku = self.registry.sku("sku", ask.sku)?;
        let channel = self.registry.channel_asked("channel", ask.channel)?;
        let destination = lanes.destination(ask.to)?;
        let demands = [self.registry.demand(sku, ask.qty, false, &lanes)];
        let found = VIEW.with_borrow_mut(|view| {
            self.ledger.view([sku].into_iter(), channel, now, view);
            let mut days = Vec::new();
            self.list_days(&lanes, view, now, &mut days);
            let request = Request {
                pickup: None,
                days: &days,
                now,
                destination: &destination,
                deliver_by: None,
                deliver_by_is_hard: false,
                policy: lanes.policy(ask.channel, None, &PolicyOverrides::default())?,
                demands: &demands,
                stock: view,
                excluded: &[],
            };
            let found = promise(&lanes, &request);
            found.map_err(|e| self.names().unroutable(&e, &[sku]))
        })?;
        Ok(found)
    }
}
