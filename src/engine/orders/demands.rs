//! What an order names, looked up: one demand for each SKU, where it goes, by which policy; and what the
//! router is asked for it.

use crate::engine::Engine;
use crate::engine::error::EngineError;
use crate::engine::findings::{invalid_qty, no_shipment};
use crate::ledger::{DayUse, StockView, Want};
use crate::model::{ChannelId, EpochMillis, LocationId, Order, Plan, Policy, Qty, SkuId, check_id};
use crate::routing::{Demand, Destination, Lanes, Request, Scratch, draft};
use crate::scarcity::Drawn;
use std::collections::HashMap;
use std::sync::Arc;

/// An order with every name looked up.
pub(in crate::engine) struct Resolved {
    pub(in crate::engine) channel: ChannelId,
    pub(in crate::engine) destination: Arc<Destination>,
    pub(in crate::engine) policy: Policy,
    pub(in crate::engine) demands: Vec<Demand>,
    pub(in crate::engine) excluded: Vec<LocationId>,
    pub(in crate::engine) pickup: Option<LocationId>,
}

impl Resolved {
    /// The SKUs of its demands, in their order.
    pub(in crate::engine) fn skus(&self) -> impl Iterator<Item = SkuId> {
        self.demands.iter().map(|d| d.sku)
    }

    /// What the router is asked to price something by, whatever the order promised.
    pub(in crate::engine) fn asked<'a>(
        &'a self,
        stock: &'a StockView,
        now: EpochMillis,
    ) -> Request<'a> {
        Request {
            now,
            destination: &self.destination,
            deliver_by: None,
            deliver_by_is_hard: false,
            policy: self.policy,
            demands: &self.demands,
            stock,
            excluded: &[],
            pickup: self.pickup,
            days: &[],
        }
    }
}

impl Engine {
    pub(in crate::engine) fn resolve(
        &self,
        order: &Order,
        lanes: &Lanes,
    ) -> Result<Resolved, EngineError> {
        check_id("source", order.key.source())?;
        check_id("order", order.key.order())?;
        self.check_lines(order.lines.len())?;
        let policy = lanes.policy(&order.channel, order.preset.as_deref(), &order.policy)?;
        if policy.max_shipments == 0 {
            return Err(no_shipment().into());
        }
        let pickup = order.pickup_at.as_deref();
        let pickup = pickup.map(|id| self.registry.location("pickup_at", id));
        let pickup = pickup.transpose()?;
        let destination = match pickup {
            // Whoever collects says nothing of where he lives.
            Some(store) => lanes.doorstep(store)?,
            None => lanes.destination(&order.ship_to)?,
        };
        Ok(Resolved {
            channel: self.registry.channel_asked("channel", &order.channel)?,
            destination,
            pickup,
            policy,
            demands: self.demands(order, lanes)?,
            excluded: self.excluded(order)?,
        })
    }

    /// One demand per SKU, duplicate lines summed: so no two lines can each count on the same
    /// units. A demand may split only if all of its lines may.
    pub(crate) fn demands(&self, order: &Order, lanes: &Lanes) -> Result<Vec<Demand>, EngineError> {
        let mut demands: Vec<Demand> = Vec::with_capacity(order.lines.len());
        let mut places: HashMap<SkuId, usize> = HashMap::new();
        let mut sets = Sets::default();
        for (index, line) in order.lines.iter().enumerate() {
            let invalid_qty = || EngineError::from(invalid_qty(index, line.qty));
            if line.qty.is_zero() || line.qty > Qty::MAX {
                return Err(invalid_qty());
            }
            let sku = self.line_sku(index, &line.sku)?;
            // A short order is searched faster than it is hashed.
            let known = if demands.len() < 16 {
                demands.iter().position(|d| d.sku == sku)
            } else {
                if places.is_empty() {
                    places.extend(demands.iter().enumerate().map(|(at, d)| (d.sku, at)));
                }
                places.get(&sku).copied()
            };
            if let Some(set) = &line.together {
                sets.add(set, known.unwrap_or(demands.len()));
            }
            match known {
                Some(at) => {
                    let sum = demands[at].qty.checked_add(line.qty);
                    demands[at].qty = sum.ok_or_else(invalid_qty)?;
                    demands[at].may_split &= line.may_split;
                }
                None => {
                    if !places.is_empty() {
                        places.insert(sku, demands.len());
                    }
                    demands.push(self.registry.demand(sku, line.qty, line.may_split, lanes));
                }
            }
        }
        sets.mark(&mut demands);
        Ok(demands)
    }

    /// The SKUs of an order, each once, in the order of its lines.
    pub(in crate::engine) fn demand_skus(&self, order: &Order) -> Result<Vec<SkuId>, String> {
        let mut demands: Vec<SkuId> = Vec::with_capacity(order.lines.len());
        for line in &order.lines {
            let sku = self.registry.sku("sku", &line.sku);
            let sku = sku.map_err(|e| e.to_string())?;
            if !demands.contains(&sku) {
                demands.push(sku);
            }
        }
        Ok(demands)
    }

    /// The locations that an order excludes.
    pub(crate) fn excluded(&self, order: &Order) -> Result<Vec<LocationId>, EngineError> {
        let ids = order.exclude.iter().enumerate();
        ids.map(|(at, id)| self.excluded_location(at, id)).collect()
    }

    pub(in crate::engine) fn excluded_location(
        &self,
        at: usize,
        id: &str,
    ) -> Result<LocationId, EngineError> {
        // The field's name is only made when it is needed.
        let known = self.registry.location("", id);
        known.or_else(|_| self.registry.location(&format!("exclude[{at}]"), id))
    }

    pub(in crate::engine) fn line_sku(
        &self,
        index: usize,
        sku: &str,
    ) -> Result<SkuId, EngineError> {
        // The field's name is only made when it is needed.
        self.registry
            .sku("", sku)
            .or_else(|_| self.registry.sku(&format!("lines[{index}].sku"), sku))
    }
}

/// Which demands ship together: those that a set of lines names, and those of sets that share one.
#[derive(Default)]
struct Sets<'a> {
    /// Names, each with its demands.
    named: Vec<(&'a str, Vec<usize>)>,
}

impl<'a> Sets<'a> {
    fn add(&mut self, name: &'a str, demand: usize) {
        match self.named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, demands)) => demands.push(demand),
            None => self.named.push((name, vec![demand])),
        }
    }

    fn mark(&self, demands: &mut [Demand]) {
        for (at, (_, members)) in self.named.iter().enumerate() {
            let number = u16::try_from(at + 1).unwrap_or(u16::MAX);
            // The sets that one of its demands is in already become this one.
            let joined: Vec<u16> = members.iter().map(|&i| demands[i].together).collect();
            for (i, demand) in demands.iter_mut().enumerate() {
                let shared = demand.together != 0 && joined.contains(&demand.together);
                if shared || members.contains(&i) {
                    demand.together = number;
                }
            }
        }
    }
}

pub(in crate::engine) fn request<'a>(
    order: &Order,
    resolved: &'a Resolved,
    (stock, days): (&'a StockView, &'a [DayUse]),
    now: EpochMillis,
) -> Request<'a> {
    Request {
        now,
        destination: &resolved.destination,
        deliver_by: order.deliver_by,
        deliver_by_is_hard: order.deliver_by_is_hard,
        policy: resolved.policy,
        demands: &resolved.demands,
        stock,
        excluded: &resolved.excluded,
        pickup: resolved.pickup,
        days,
    }
}

/// What a plan for an order like one that was placed before would take of `stock`, at the moment
/// when that one was placed; nothing where there is none.
pub(in crate::engine) fn route_sample(
    order: &Order,
    resolved: &Resolved,
    lanes: &Lanes,
    stock: &StockView,
    scratch: &mut Scratch,
) -> Drawn {
    let request = request(order, resolved, (stock, &[]), order.placed_at);
    let Ok(plan) = draft(lanes, &request, scratch) else {
        return Drawn::new();
    };
    let wants = wants(&plan, &resolved.demands).into_iter();
    wants
        .filter_map(|want| Some((want.sku, want.location?, want.qty.0)))
        .collect()
}

pub(in crate::engine) fn wants(plan: &Plan, demands: &[Demand]) -> Vec<Want> {
    let lines = plan
        .shipments
        .iter()
        .flat_map(|s| s.lines.iter().map(move |line| (s, line)));
    lines
        .map(|(shipment, line)| Want {
            sku: demands[usize::from(line.demand)].sku,
            location: Some(shipment.location),
            qty: line.qty,
            need_at: shipment.need_at,
        })
        .collect()
}
