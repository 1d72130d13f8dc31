//! What orders have that nobody has a part of, as plain data.

use super::prepare::is_open;
use crate::engine::Engine;
use crate::engine::days::used_by;
use crate::ledger::{NoLog, Reservation};
use crate::lifecycle::OrderRecord;
use crate::model::{
    ChannelId, Day, EpochMillis, LocationId, Order, OrderKey, Policy, ShipmentLine, ShortLine,
    SkuId,
};
use crate::routing::{Demand, Destination, Lanes};
use std::sync::Arc;

/// An order that nobody has a part of, with every name looked up.
#[derive(Debug, Clone)]
pub struct Unreleased {
    /// What was bought.
    pub order: Arc<Order>,
    /// Its channel.
    pub channel: ChannelId,
    /// Where it goes.
    pub destination: Arc<Destination>,
    /// Its complete policy.
    pub policy: Policy,
    /// What it needs, one for each SKU.
    pub demands: Vec<Demand>,
    /// Locations that may not ship it.
    pub excluded: Vec<LocationId>,
    /// Where the customer collects it.
    pub pickup: Option<LocationId>,
    /// Its shipments.
    pub shipments: Vec<Planned>,
    /// What waits for supply.
    pub short: Vec<ShortLine>,
    /// When the last of it is to be delivered.
    pub promised: Option<Day>,
}

/// A shipment that nobody has yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// From where.
    pub location: LocationId,
    /// When its units must be there.
    pub need_at: EpochMillis,
    /// When the carrier gets it.
    pub ship_at: EpochMillis,
    /// What is in it.
    pub lines: Vec<ShipmentLine>,
}

impl Engine {
    /// All orders that are open, that nobody has a part of, and that `wanted` wants; with the number
    /// of those it wants that cannot be looked up any more. In the order of their identities.
    #[must_use]
    pub fn unreleased(&self, wanted: &dyn Fn(&Order) -> bool) -> (Vec<Unreleased>, usize) {
        let lanes = self.lanes.load();
        let (mut all, mut lost) = (Vec::new(), 0);
        self.orders.for_each(|record| {
            if !is_open(record) || !wanted(&record.order) {
                return;
            }
            match self.unreleased_of(record, &lanes) {
                Some(one) => all.push(one),
                None => lost += 1,
            }
        });
        all.sort_by(|a, b| a.order.key.cmp(&b.order.key));
        (all, lost)
    }

    fn unreleased_of(
        &self,
        record: &OrderRecord<Reservation>,
        lanes: &Lanes,
    ) -> Option<Unreleased> {
        let resolved = self.resolve(&record.order, lanes).ok()?;
        let number = |sku: SkuId| {
            let at = resolved.demands.iter().position(|d| d.sku == sku);
            at.and_then(|at| u16::try_from(at).ok())
        };
        let mut one = Unreleased {
            order: record.order.clone(),
            channel: resolved.channel,
            destination: resolved.destination.clone(),
            policy: resolved.policy,
            demands: Vec::new(),
            excluded: resolved.excluded.clone(),
            pickup: resolved.pickup,
            shipments: Vec::new(),
            short: Vec::new(),
            promised: None,
        };
        let mut units = vec![0u64; resolved.demands.len()];
        for part in record.parts().iter() {
            let mut lines = Vec::new();
            for line in &part.lines {
                let qty = line.units.open();
                let demand = number(line.sku)?;
                if !qty.is_zero() {
                    units[usize::from(demand)] += u64::from(qty.0);
                    lines.push(ShipmentLine { demand, qty });
                }
            }
            lines.sort_unstable_by_key(|l| l.demand);
            match part.route.filter(|_| !lines.is_empty()) {
                Some(route) => {
                    one.shipments.push(Planned {
                        location: route.location,
                        need_at: lanes.needed_by(route.location, route.ship_at),
                        ship_at: route.ship_at,
                        lines,
                    });
                    one.promised = one.promised.max(Some(route.deliver_on));
                }
                None => one.short.extend(lines.iter().map(|l| ShortLine {
                    demand: l.demand,
                    qty: l.qty,
                })),
            }
        }
        // Something was shipped, rejected or cancelled of any other: it is not as it was ordered.
        let ordered = resolved.demands.iter().map(|d| u64::from(d.qty.0));
        if !units.into_iter().eq(ordered) {
            return None;
        }
        one.demands = resolved.demands;
        Some(one)
    }

    /// The same engine without what these orders hold and hand over: to see what could be promised
    /// then. For an engine of one's own; no fact tells of it.
    #[must_use]
    pub fn without_holdings<'k>(
        self,
        keys: impl Iterator<Item = &'k OrderKey>,
        now: EpochMillis,
    ) -> Self {
        for key in keys {
            let held = self.orders.change(key, |record| {
                let days = self.ledger.days();
                used_by(record).iter().for_each(|used| days.remove(used));
                record.holding.take()
            });
            if let Some(holding) = held.flatten() {
                self.ledger.release(holding, now, &NoLog);
            }
        }
        self
    }
}
