//! Orders that nobody has a part of: what they have, as plain data, and how one is moved to another
//! plan.
//!
//! Who should move where is decided elsewhere, for many orders at once and on a state that may be
//! old by now. So a move says from which plan to which, and is made only if the order still has
//! the first and the second still holds: in one step, or not at all.

use super::Engine;
use super::days::Rooms;
use super::error::EngineError;
use super::orders::{Resolved, request, wants};
use super::replan::{FITS, Leaving, Rest, new_parts};
use crate::ledger::{Exchange, NoLog, Reservation, Room, StockView, Want};
use crate::lifecycle::{OrderRecord, OrderState, Several};
use crate::model::{
    ChannelId, Day, EpochMillis, Fact, Freed, Invalid, LocationId, Order, OrderKey, Policy, Qty,
    ReplanReason, ReplannedFact, ShipmentLine, ShortLine, SkuId,
};
use crate::routing::{Demand, Destination, Lanes, Pricer};
use std::mem::take;
use std::sync::Arc;

/// Units by item.
pub type Items = Vec<(SkuId, Qty)>;

/// Where the units of an order are: what ships from where, and what waits. Both in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// A location, and what it ships in one shipment.
    pub shipments: Vec<(LocationId, Items)>,
    /// What waits for supply.
    pub short: Items,
}

impl Layout {
    /// In ascending order, so that equal ones are equal.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.shipments.iter_mut().for_each(|s| s.1.sort_unstable());
        self.shipments.sort_unstable();
        self.short.sort_unstable();
        self
    }
}

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
    /// Its shipments: where, when their units must be there, what is in them.
    pub shipments: Vec<(LocationId, EpochMillis, Vec<ShipmentLine>)>,
    /// What waits for supply.
    pub short: Vec<ShortLine>,
    /// When the last of it is to be delivered.
    pub promised: Option<Day>,
}

/// A move of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moving {
    /// Which.
    pub key: OrderKey,
    /// What it must have.
    pub from: Layout,
    /// What it gets.
    pub to: Layout,
    /// By shipment of `to`: from when its units are there.
    pub ready: Vec<EpochMillis>,
    /// The last delivery must not be later; `None` where nothing ships.
    pub deliver_by: Option<Day>,
}

/// What became of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MoveOutcome {
    /// It has the new plan.
    Moved,
    /// It had it already.
    Already,
    /// It has another plan than the one that it was to be moved from.
    Changed,
    /// Somebody has a part of it, or it is cancelled.
    Released,
    /// A location of the new plan does not ship it now.
    Closed,
    /// The new plan would deliver later by now.
    Later,
    /// Units of the new plan, or room on a day of its locations, are not free now.
    NoStock,
}

impl MoveOutcome {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Already => "already",
            Self::Changed => "changed",
            Self::Released => "released",
            Self::Closed => "closed",
            Self::Later => "later",
            Self::NoStock => "nostock",
        }
    }
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
                    let need_at = lanes.needed_by(route.location, route.ship_at);
                    one.shipments.push((route.location, need_at, lines));
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

    /// The same engine without what these orders hold: to see what could be promised then. For an
    /// engine of one's own; no fact tells of it.
    #[must_use]
    pub fn without_holdings<'k>(
        self,
        keys: impl Iterator<Item = &'k OrderKey>,
        now: EpochMillis,
    ) -> Self {
        for key in keys {
            let held = self.orders.change(key, |record| record.holding.take());
            if let Some(holding) = held.flatten() {
                self.ledger.release(holding, now, &NoLog);
            }
        }
        self
    }

    /// Moves an order from one plan to another, if it still has the first and nobody has a part of
    /// it: what it holds is released and what it gets is taken in one step.
    ///
    /// # Errors
    /// `NOTFOUND`; what in the order or the network cannot be routed by any more.
    pub fn move_order(
        &self,
        moving: &Moving,
        now: EpochMillis,
    ) -> Result<MoveOutcome, EngineError> {
        let key = &moving.key;
        let moved = self
            .orders
            .change(key, |record| self.move_record(record, moving, now));
        moved.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))?
    }

    fn move_record(
        &self,
        record: &mut OrderRecord<Reservation>,
        moving: &Moving,
        now: EpochMillis,
    ) -> Result<MoveOutcome, EngineError> {
        let Prepared { fact, wants, .. } = match self.prepare(record, moving, now)? {
            Ok(prepared) => prepared,
            Err(why) => return Ok(why),
        };
        Ok(match self.replan(record, fact, &wants, now) {
            Some(_) => MoveOutcome::Moved,
            None => MoveOutcome::NoStock,
        })
    }

    /// Moves several orders in one step, so that each may get what another gives up: all of them or
    /// none. Tells each what became of it: where one cannot move, the others are told `nostock`.
    ///
    /// # Errors
    /// As [`Engine::move_order`], `BUSY` when the orders are busy.
    pub fn move_orders(
        &self,
        group: &[&Moving],
        now: EpochMillis,
    ) -> Result<Vec<MoveOutcome>, EngineError> {
        let keys: Vec<&OrderKey> = group.iter().map(|moving| &moving.key).collect();
        let mut different = keys.clone();
        different.sort_unstable();
        if let Some(pair) = different.windows(2).find(|pair| pair[0] == pair[1]) {
            let expected = "each order once";
            return Err(Invalid::new("order", pair[0], expected).into());
        }
        let moved = self
            .orders
            .change_all(&keys, |records| self.move_records(records, group, now));
        moved.unwrap_or(Err(EngineError::Busy { tries: 1 }))
    }

    fn move_records(
        &self,
        records: &mut Several<'_, '_, Reservation>,
        group: &[&Moving],
        now: EpochMillis,
    ) -> Result<Vec<MoveOutcome>, EngineError> {
        let mut prepared = Vec::with_capacity(group.len());
        let mut outcomes = vec![MoveOutcome::NoStock; group.len()];
        for (at, moving) in group.iter().enumerate() {
            let one = records.change(at, |record| self.prepare(record, moving, now));
            let one = one.ok_or_else(|| {
                EngineError::not_found("order", &moving.key.to_string(), "order")
            })??;
            match one {
                Ok(one) => prepared.push(one),
                Err(why) => outcomes[at] = why,
            }
        }
        if prepared.len() < group.len() {
            return Ok(outcomes);
        }
        let pass = self.gate.enter();
        let rooms: Vec<Room> = prepared.iter().flat_map(|p| p.rooms.clone()).collect();
        if self.ledger.days().exchange(&[], &rooms, now).is_err() {
            return Ok(outcomes);
        }
        let mut holdings = Vec::with_capacity(group.len());
        for (at, one) in prepared.iter_mut().enumerate() {
            let held = records.change(at, |record| {
                let mut parts = record.parts().into_owned();
                let left = self.placed(record, &mut parts, &one.fact, now);
                one.fact.left = left.expect(FITS);
                self.save(record);
                record.holding.take()
            });
            holdings.extend(held.flatten());
        }
        let freed: Vec<Vec<Freed>> = prepared.iter().map(|p| p.fact.freed.clone()).collect();
        let wants: Vec<Vec<Want>> = prepared.iter_mut().map(|p| take(&mut p.wants)).collect();
        let mut exchanges: Vec<Exchange<'_>> = holdings
            .iter_mut()
            .zip(freed.iter().zip(&wants))
            .map(|(reservation, (freed, wants))| Exchange {
                reservation,
                freed,
                wants,
            })
            .collect();
        let mut moved_at = None;
        let mut facts: Vec<ReplannedFact> = prepared.into_iter().map(|p| p.fact).collect();
        let granted = self
            .ledger
            .rearrange_all(&mut exchanges, now, |at, granted| {
                moved_at = Some(at);
                for (fact, granted) in facts.iter_mut().zip(granted) {
                    fact.granted = granted;
                }
                let all = facts.iter().cloned().map(Box::new);
                let all = all.map(Fact::OrderReplanned).collect();
                self.history.append_all(&pass, at, all);
            });
        for (at, holding) in holdings.into_iter().enumerate() {
            records.change(at, |record| record.holding = Some(holding));
        }
        let (Ok(()), Some(moved_at)) = (granted, moved_at) else {
            self.ledger.days().undo(&[], &rooms, now);
            return Ok(outcomes);
        };
        for (at, fact) in facts.iter().enumerate() {
            records.change(at, |record| {
                self.replanned(record, fact, moved_at).expect(FITS);
            });
        }
        outcomes.fill(MoveOutcome::Moved);
        Ok(outcomes)
    }

    /// What a move writes down and what it wants; else why it cannot be made.
    fn prepare(
        &self,
        record: &OrderRecord<Reservation>,
        moving: &Moving,
        now: EpochMillis,
    ) -> Result<Result<Prepared, MoveOutcome>, EngineError> {
        if !is_open(record) {
            return Ok(Err(MoveOutcome::Released));
        }
        let has = layout(record);
        if has == moving.to {
            return Ok(Err(MoveOutcome::Already));
        }
        if has != moving.from {
            return Ok(Err(MoveOutcome::Changed));
        }
        let order = record.order.clone();
        let lanes = self.lanes.load();
        let resolved = self.resolve(&order, &lanes)?;
        let plan = match planned(&order, &resolved, &lanes, moving, now) {
            Ok(plan) => plan,
            Err(why) => return Ok(Err(why)),
        };
        let skus: Vec<SkuId> = resolved.skus().collect();
        let mut leaving = Leaving::new(ReplanReason::Optimized, Rest::Waits);
        for part in record.parts().iter() {
            leaving.all_of(part, None);
        }
        let Some(holding) = record.holding.as_ref() else {
            return Ok(Err(MoveOutcome::Released));
        };
        let freed = holding.claims().iter().map(|claim| Freed {
            sku: claim.sku,
            location: claim.location,
            qty: claim.qty,
            first: false,
        });
        let fact = ReplannedFact {
            key: order.key.clone(),
            reason: leaving.reason,
            amended: None,
            freed: freed.collect(),
            given_up: leaving.given_up,
            left: Vec::new(),
            parts: new_parts(record, &skus, &plan, (true, None)),
            granted: Vec::new(),
        };
        let wants = wants(&plan, &resolved.demands);
        let rooms = self.rooms_of_parts(record, &fact.parts);
        Ok(Ok(Prepared { fact, wants, rooms }))
    }
}

/// A move that can be made if its units are there.
struct Prepared {
    fact: ReplannedFact,
    wants: Vec<Want>,
    rooms: Rooms,
}

/// Whether an order is open and nobody has, or had, a part of it.
fn is_open(record: &OrderRecord<Reservation>) -> bool {
    let parts = record.parts();
    let untouched = parts.iter().all(|part| {
        let empty = part.lines.iter().all(|l| l.units.open().is_zero());
        let open = part.state.unreleased() && part.held_from.is_none();
        open || (empty && !part.state.with_holder() && !part.has_left())
    });
    record.state != OrderState::Cancelled && record.holding.is_some() && untouched
}

/// Where the units of an order are now.
fn layout(record: &OrderRecord<Reservation>) -> Layout {
    let mut layout = Layout::default();
    for part in record.parts().iter() {
        let open = part.lines.iter().map(|l| (l.sku, l.units.open()));
        let items: Items = open.filter(|(_, qty)| !qty.is_zero()).collect();
        match part.route {
            _ if items.is_empty() => {}
            Some(route) => layout.shipments.push((route.location, items)),
            None => layout.short.extend(items),
        }
    }
    layout.sorted()
}

/// The plan that a move stands for, as of now; else why it cannot be.
fn planned(
    order: &Order,
    resolved: &Resolved,
    lanes: &Lanes,
    moving: &Moving,
    now: EpochMillis,
) -> Result<crate::model::Plan, MoveOutcome> {
    let mut view = StockView::default();
    resolved.skus().for_each(|sku| view.push_line(sku));
    let request = request(order, resolved, (&view, &[]), now);
    let pricer = Pricer::new(lanes, &request, moving.deliver_by);
    let pricer = pricer.map_err(|_| MoveOutcome::Closed)?;
    let demand = |sku: SkuId| {
        let at = resolved.demands.iter().position(|d| d.sku == sku);
        at.and_then(|at| u16::try_from(at).ok())
            .ok_or(MoveOutcome::Changed)
    };
    let mut units = vec![0u64; resolved.demands.len()];
    let mut shipments = Vec::with_capacity(moving.to.shipments.len());
    for ((location, items), ready) in moving.to.shipments.iter().zip(&moving.ready) {
        let mut lines = Vec::with_capacity(items.len());
        for &(sku, qty) in items {
            let demand = demand(sku)?;
            if qty.is_zero() || !pricer.may_ship(*location, usize::from(demand)) {
                return Err(MoveOutcome::Closed);
            }
            units[usize::from(demand)] += u64::from(qty.0);
            lines.push(ShipmentLine { demand, qty });
        }
        shipments.push((*location, (*ready).max(now), lines));
    }
    let mut short = Vec::with_capacity(moving.to.short.len());
    for &(sku, qty) in &moving.to.short {
        let demand = demand(sku)?;
        units[usize::from(demand)] += u64::from(qty.0);
        short.push(ShortLine { demand, qty });
    }
    let ordered = resolved.demands.iter().map(|d| u64::from(d.qty.0));
    if !units.into_iter().eq(ordered) || shipments.len() != moving.to.shipments.len() {
        return Err(MoveOutcome::Changed);
    }
    // With the date as the latest, a plan that delivers later does not exist.
    pricer.plan(&shipments, short).ok_or(MoveOutcome::Later)
}
