//! Whether a plan keeps every rule of the problem and costs exactly what it says.
//!
//! The plan is rebuilt from locations, services, hand-overs and units alone; everything else in it
//! must come out the same.

use super::instance::Instance;
use super::naive::{self, Lane, Priced};
use super::stock::{self, Sent};
use allot::model::{Cents, EpochMillis, Objective, Plan, Shipment, ShipmentCents};
use std::fmt::Write;

/// What tells two plans apart: location, hand-over and demands of every shipment, and which demands
/// are short.
pub(crate) type Key = (Vec<(usize, EpochMillis, Vec<u16>)>, Vec<u16>);

/// The identity of `plan`, whatever the order of its shipments.
pub(crate) fn key(plan: &Plan) -> Key {
    let one = |s: &Shipment| {
        let demands = s.lines.iter().map(|l| l.demand).collect();
        (s.location.index(), s.ship_at, demands)
    };
    let mut shipments: Vec<_> = plan.shipments.iter().map(one).collect();
    shipments.sort();
    (shipments, plan.short.iter().map(|s| s.demand).collect())
}

/// A plan in few words, for messages.
pub(crate) fn brief(plan: &Plan) -> String {
    let mut text = format!("{} cents {:?}", plan.objective.total(), plan.objective);
    for s in &plan.shipments {
        let lines: Vec<_> = s
            .lines
            .iter()
            .map(|l| format!("{}×d{}", l.qty.0, l.demand))
            .collect();
        let _ = write!(
            text,
            "\n  location {} service {} at {} for {}: {} ({} parcels, {} g, {:?})",
            s.location.0,
            s.service.0,
            s.ship_at,
            s.deliver_on,
            lines.join(" "),
            s.parcels,
            s.billable,
            s.cents,
        );
    }
    let short: Vec<_> = plan
        .short
        .iter()
        .map(|l| format!("{}×d{}", l.qty.0, l.demand))
        .collect();
    let _ = write!(text, "\n  short: {}", short.join(" "));
    text
}

/// Fails with the first rule that `plan` breaks.
pub(crate) fn check(inst: &Instance, plan: &Plan) -> Result<(), String> {
    let mut sent = Vec::new();
    for (i, shipment) in plan.shipments.iter().enumerate() {
        let found = check_shipment(inst, shipment).map_err(|e| format!("shipments[{i}]: {e}"))?;
        sent.push(found);
    }
    check_shape(inst, plan)?;
    check_demands(inst, plan, &sent)?;
    stock::within(inst, &sent)?;
    stock::waits_for_something(inst, &sent)?;
    check_objective(inst, plan)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Result<(), String> {
    if is == should {
        return Ok(());
    }
    Err(format!("{what} is {is:?}, should be {should:?}"))
}

fn ensure(holds: bool, rule: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule()) }
}

fn check_shipment(inst: &Instance, shipment: &Shipment) -> Result<Sent, String> {
    let (location, service) = (shipment.location.index(), shipment.service.index());
    ensure(location < inst.network.locations.len(), || {
        "no such location".into()
    })?;
    ensure(naive::services(inst).contains(&service), || {
        "no such service".into()
    })?;
    let units = units_of(inst, shipment)?;
    ensure(naive::keeps_together(inst, &units), || {
        "it cuts what goes together".into()
    })?;
    for (d, _) in units.iter().enumerate().filter(|&(_, &n)| n > 0) {
        ensure(naive::eligible(inst, location, d), || {
            format!("{} may not ship demand {d}", naive::name(location))
        })?;
    }
    let ready = stock::latest_ready(inst, location, &units, shipment.ship_at)
        .ok_or_else(|| format!("nothing hands over at {}", shipment.ship_at))?;
    let lane = naive::lane(inst, location, ready, service)
        .ok_or("the service does not go there, or not by the hard promise date")?;
    let need_at = ready.max(shipment.ship_at - naive::lead(&inst.network, location));
    same("need_at", &shipment.need_at, &need_at)?;
    same("deliver_on", &shipment.deliver_on, &lane.deliver_on)?;
    let priced = naive::price(inst, &lane, &units).ok_or("the service cannot carry this")?;
    same("billable", &shipment.billable.0, &priced.billable)?;
    same("parcels", &shipment.parcels, &priced.parcels)?;
    same("cents", &shipment.cents, &priced.cents)?;
    best_service(inst, &lane, &priced, &units)?;
    Ok(Sent {
        location,
        ready,
        units,
    })
}

/// Of all services the cheapest, then the one that delivers first, then the lowest id is taken.
fn best_service(
    inst: &Instance,
    taken: &Lane,
    priced: &Priced,
    units: &[u32],
) -> Result<(), String> {
    let rank = |lane: &Lane, priced: &Priced| (priced.cents.total(), lane.deliver_on, lane.service);
    for service in naive::services(inst) {
        let lane = naive::lane(inst, taken.location, taken.ready, service);
        let other = lane.and_then(|lane| Some((lane, naive::price(inst, &lane, units)?)));
        if let Some((lane, other)) = other {
            ensure(rank(taken, priced) <= rank(&lane, &other), || {
                format!("service {service} would be better")
            })?;
        }
    }
    Ok(())
}

fn units_of(inst: &Instance, shipment: &Shipment) -> Result<Vec<u32>, String> {
    let mut units = vec![0; inst.demands.len()];
    ensure(!shipment.lines.is_empty(), || "it is empty".into())?;
    ensure(
        shipment.lines.is_sorted_by(|a, b| a.demand < b.demand),
        || "its lines are not by ascending demand".into(),
    )?;
    for line in &shipment.lines {
        let demand = usize::from(line.demand);
        ensure(demand < units.len(), || format!("no such demand: {demand}"))?;
        ensure(!line.qty.is_zero(), || {
            format!("no units of demand {demand}")
        })?;
        units[demand] = line.qty.0;
    }
    Ok(units)
}

fn check_shape(inst: &Instance, plan: &Plan) -> Result<(), String> {
    let most = usize::from(naive::max_shipments(inst));
    let count = plan.shipments.len();
    ensure(count <= most, || {
        format!("{count} shipments, at most {most} are allowed")
    })?;
    let order = |s: &Shipment| (s.location, s.ship_at);
    ensure(plan.shipments.is_sorted_by_key(order), || {
        "shipments are not by location, then hand-over".into()
    })?;
    ensure(plan.short.is_sorted_by(|a, b| a.demand < b.demand), || {
        "shorts are not by ascending demand".into()
    })?;
    let short = !plan.short.is_empty();
    ensure(!short || inst.policy.allow_backorder, || {
        "short without backorder".into()
    })?;
    let partial = short && count > 0;
    ensure(!partial || !inst.policy.ship_complete, || {
        "incomplete with ship_complete".into()
    })
}

fn check_demands(inst: &Instance, plan: &Plan, sent: &[Sent]) -> Result<(), String> {
    for (d, demand) in inst.demands.iter().enumerate() {
        let mut short = 0;
        for line in plan.short.iter().filter(|s| usize::from(s.demand) == d) {
            ensure(!line.qty.is_zero(), || {
                format!("a short of no units of demand {d}")
            })?;
            short += line.qty.0;
        }
        let shipped: u32 = sent.iter().map(|s| s.units[d]).sum();
        same(
            &format!("units of demand {d}"),
            &(shipped + short),
            &demand.qty,
        )?;
        let most = sent.iter().map(|s| s.units[d]).max().unwrap_or(0);
        let whole = most == shipped && (shipped == 0 || short == 0);
        ensure(whole || naive::divisible(inst, d), || {
            format!("demand {d} is divided")
        })?;
    }
    let known = |d: u16| usize::from(d) < inst.demands.len();
    ensure(plan.short.iter().all(|s| known(s.demand)), || {
        "short of no such demand".into()
    })
}

fn check_objective(inst: &Instance, plan: &Plan) -> Result<(), String> {
    same("objective", &plan.objective, &objective(inst, plan))
}

/// The objective of `plan` from the parts of its shipments.
pub(crate) fn objective(inst: &Instance, plan: &Plan) -> Objective {
    let sum = |part: fn(&ShipmentCents) -> Cents| -> Cents {
        plan.shipments.iter().map(|s| part(&s.cents)).sum()
    };
    let extra = i64::try_from(plan.shipments.len().saturating_sub(1)).expect("few shipments");
    let short: i64 = plan.short.iter().map(|s| i64::from(s.qty.0)).sum();
    Objective {
        postage: sum(|c| c.postage),
        surcharges: sum(|c| c.surcharges),
        handling: sum(|c| c.handling),
        split: Cents(inst.policy.split_penalty.0 * extra),
        late: sum(|c| c.late),
        speed: sum(|c| c.speed),
        scarcity: sum(|c| c.scarcity),
        short: Cents(inst.policy.short_per_unit.0 * short),
    }
}
