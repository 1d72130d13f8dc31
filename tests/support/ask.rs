//! How the router is asked about an instance.

use super::instance::{DemandSpec, Instance, location_id};
use allot::ledger::StockView;
use allot::model::{Cents, Decision, LocationId, Plan, Qty, Shipment, ShipmentLine, ShortLine};
use allot::routing::{
    Binding, Demand, Destination, Frontier, Goal, Lanes, Request, Scratch, Unroutable, binding,
    frontier, price, promise, quote, route,
};
use std::sync::Arc;

/// The order of an instance in the router's own types.
struct Asked {
    destination: Arc<Destination>,
    demands: Vec<Demand>,
    stock: StockView,
    excluded: Vec<LocationId>,
}

impl Asked {
    fn new(lanes: &Lanes, inst: &Instance) -> Self {
        let demand = |spec: &DemandSpec| Demand {
            sku: spec.sku,
            qty: Qty(spec.qty),
            may_split: spec.may_split,
            grams: spec.grams,
            volume_mm3: spec.volume_mm3,
            class: lanes.class(&spec.class),
            longest_mm: spec.longest_mm,
            ships_alone: spec.ships_alone,
            value: Cents(spec.value),
            together: spec.together,
        };
        let destination = match inst.pickup {
            Some(store) => lanes.doorstep(location_id(store)),
            None => lanes.destination(&inst.ship_to),
        };
        Self {
            demands: inst.demands.iter().map(demand).collect(),
            destination: destination.expect("instances go somewhere"),
            stock: inst.view(),
            excluded: inst.excluded.iter().map(|&l| location_id(l)).collect(),
        }
    }

    fn request<'a>(&'a self, inst: &'a Instance) -> Request<'a> {
        Request {
            now: inst.now,
            destination: &self.destination,
            deliver_by: inst.deliver_by,
            deliver_by_is_hard: inst.hard,
            policy: inst.policy,
            demands: &self.demands,
            stock: &self.stock,
            excluded: &self.excluded,
            pickup: inst.pickup.map(location_id),
            days: &inst.used,
        }
    }
}

/// The compiled network of `inst`, as a server has it.
///
/// # Panics
/// When the router refuses the network: instances have good ones.
pub(crate) fn lanes(inst: &Instance) -> Lanes {
    let lanes = Lanes::new(&inst.network).expect("instances have good networks");
    pause(&lanes, inst);
    lanes
}

fn pause(lanes: &Lanes, inst: &Instance) {
    for location in 0..inst.network.locations.len() {
        lanes.set_paused(location_id(location), inst.is_paused(location));
    }
}

/// The router's answer to `inst` with lanes of the same network, whatever they were used for.
///
/// # Panics
/// When the router refuses the destination.
pub(crate) fn ask_with(
    lanes: &Lanes,
    inst: &Instance,
    scratch: &mut Scratch,
) -> Result<Decision, Unroutable> {
    pause(lanes, inst);
    let asked = Asked::new(lanes, inst);
    route(lanes, &asked.request(inst), scratch)
}

/// The router's answer to `inst`, from new lanes.
pub(crate) fn ask(inst: &Instance, scratch: &mut Scratch) -> Result<Decision, Unroutable> {
    ask_with(&lanes(inst), inst, scratch)
}

/// The router's quotes for `inst`, cheapest, fastest, balanced.
pub(crate) fn quotes(inst: &Instance) -> Result<[(Goal, Decision); 3], Unroutable> {
    let lanes = lanes(inst);
    let asked = Asked::new(&lanes, inst);
    quote(&lanes, &asked.request(inst), &mut Scratch::default())
}

/// What the router says that the shipments of `plan` cost.
pub(crate) fn priced(inst: &Instance, plan: &Plan) -> Option<Plan> {
    let lanes = lanes(inst);
    let asked = Asked::new(&lanes, inst);
    // Ready at the hand-over less the lead time makes that hand-over.
    let shipments = plan.shipments.iter();
    let shipments: Vec<(LocationId, _, Vec<ShipmentLine>)> = shipments
        .map(|s| (s.location, s.need_at, s.lines.clone()))
        .collect();
    let short: &[ShortLine] = &plan.short;
    price(&lanes, &asked.request(inst), &shipments, short)
}

/// Whether the router takes the network, the destination and at least one demand.
pub(crate) fn accepted(inst: &Instance) -> bool {
    let lanes = Lanes::new(&inst.network);
    !inst.demands.is_empty() && lanes.is_ok_and(|lanes| lanes.destination(&inst.ship_to).is_ok())
}

/// The router's frontier of `inst`.
pub(crate) fn frontier_of(inst: &Instance) -> Result<Frontier, Unroutable> {
    let lanes = lanes(inst);
    let asked = Asked::new(&lanes, inst);
    frontier(&lanes, &asked.request(inst), &mut Scratch::default())
}

/// The router's promises for the only demand of `inst`.
pub(crate) fn promised(inst: &Instance) -> Result<Vec<Shipment>, Unroutable> {
    let lanes = lanes(inst);
    let asked = Asked::new(&lanes, inst);
    promise(&lanes, &asked.request(inst))
}

/// What the router says that binds `inst`.
pub(crate) fn bindings(inst: &Instance) -> Result<Vec<Binding>, Unroutable> {
    let lanes = lanes(inst);
    let asked = Asked::new(&lanes, inst);
    binding(&lanes, &asked.request(inst), &mut Scratch::default())
}
