//! What shipments cost once it is settled what is in them: the service is chosen, the parts are
//! added up.
//!
//! The search and the rules of thumb both end here, so a plan's parts always come from one place.

use super::cargo::Load;
use super::carriage::{Carriage, Singles};
use super::lanes::{Lanes, NO_ZONE, location_id, service_id};
use super::places::Destination;
use super::request::{Job, Request};
use super::tariff::{AMOUNT_MAX, Parcels};
use super::zones::metres;
use crate::model::{
    Cents, Day, EpochMillis, Grams, LocationId, Objective, Plan, ServiceId, Shipment,
    ShipmentCents, ShipmentLine, ShortLine,
};
use smallvec::SmallVec;

/// Prices shipments that somebody else chose, each a location, a ready time and what is in it:
/// for every one the service that is best by the objective, with the same cost parts as
/// [`route`](super::route) gives. Availability and the limits of the policy are not looked at.
/// `None` when a shipment cannot be carried, names nothing, or the request is malformed.
#[must_use]
pub fn price(
    lanes: &Lanes,
    request: &Request<'_>,
    shipments: &[(LocationId, EpochMillis, Vec<ShipmentLine>)],
    short: &[ShortLine],
) -> Option<Plan> {
    let job = Job::new(lanes, request).ok()?;
    let known = |demand: u16| usize::from(demand) < request.demands.len();
    if !short.iter().all(|s| known(s.demand)) {
        return None;
    }
    let mut plan = Plan::default();
    for (location, ready, lines) in shipments {
        let sound = location.index() < lanes.locations()
            && !lines.is_empty()
            && lines.iter().all(|l| known(l.demand) && !l.qty.is_zero());
        let priced = sound.then(|| shipment(&job, location.index(), *ready, lines.clone()));
        plan.shipments.push(priced??);
    }
    finish(&job, &mut plan, short.to_vec())?;
    Some(plan)
}

/// What carrying some units from a location by a service costs, handed over as soon as may be, as
/// [`route`](super::route) prices it. `None` where that service cannot carry them, or the request
/// is malformed.
#[must_use]
pub fn carried(
    lanes: &Lanes,
    request: &Request<'_>,
    (location, service): (LocationId, ServiceId),
    lines: &[ShipmentLine],
) -> Option<ShipmentCents> {
    let job = Job::new(lanes, request).ok()?;
    let known = |l: &ShipmentLine| usize::from(l.demand) < request.demands.len();
    if location.index() >= lanes.locations() || lines.is_empty() || !lines.iter().all(known) {
        return None;
    }
    let cargo = Cargo::of(&job, lines);
    let draft = Draft::of(&job, location.index(), request.now, &cargo)?;
    let travel = draft.travels(&job).find(|t| t.service == service)?;
    let shipment = draft.made(&job, &travel, lines.to_vec())?;
    Some(shipment.cents)
}

/// Straight-line distance from a location to a destination in whole kilometres, rounded to the
/// nearest; for rules of thumb. The location must be in the network.
#[must_use]
pub fn distance_km(lanes: &Lanes, from: LocationId, to: &Destination) -> u32 {
    (metres(lanes.sites[from.index()].coordinate, to.coordinate) + 500) / 1_000
}

/// Straight-line distance between two locations of the network in whole kilometres.
#[must_use]
pub fn between_km(lanes: &Lanes, from: LocationId, to: LocationId) -> u32 {
    let at = |location: LocationId| lanes.sites[location.index()].coordinate;
    (metres(at(from), at(to)) + 500) / 1_000
}

/// Puts the shipments in order and adds up the plan.
pub(super) fn finish(job: &Job<'_>, plan: &mut Plan, short: Vec<ShortLine>) -> Option<()> {
    plan.shipments
        .sort_by_key(|s| (s.location, s.ship_at, s.lines.first().map(|l| l.demand)));
    plan.short = short;
    plan.short.sort_by_key(|s| s.demand);
    plan.objective = objective(job, &plan.shipments, &plan.short)?;
    Some(())
}

/// Adds a plan up again by another policy.
pub(super) fn reprice(job: &Job<'_>, plan: &mut Plan) {
    let sum = objective(job, &plan.shipments, &plan.short);
    plan.objective = sum.expect("the request's amounts were checked");
}

fn objective(job: &Job<'_>, shipments: &[Shipment], short: &[ShortLine]) -> Option<Objective> {
    let splits = i64::try_from(shipments.len().saturating_sub(1)).ok()?;
    let units: u64 = short.iter().map(|s| u64::from(s.qty.0)).sum();
    let short = bounded(job.policy.short_per_unit.0, units)?;
    let split = job.policy.split_penalty.0.checked_mul(splits)?;
    let mut sum = Objective {
        split: Cents(split),
        short: Cents(short),
        ..Objective::default()
    };
    for shipment in shipments {
        sum.postage += shipment.cents.postage;
        sum.surcharges += shipment.cents.surcharges;
        sum.handling += shipment.cents.handling;
        sum.late += shipment.cents.late;
        sum.speed += shipment.cents.speed;
        sum.scarcity += shipment.cents.scarcity;
    }
    Some(sum)
}

fn bounded(cents: i64, times: u64) -> Option<i64> {
    let all = cents.checked_mul(i64::try_from(times).ok()?)?;
    (all <= AMOUNT_MAX).then_some(all)
}

/// One shipment with its best service; `None` when none can carry it.
pub(super) fn shipment(
    job: &Job<'_>,
    location: usize,
    ready: EpochMillis,
    lines: Vec<ShipmentLine>,
) -> Option<Shipment> {
    let cargo = Cargo::of(job, &lines);
    let draft = Draft::of(job, location, ready, &cargo)?;
    let mut best: Option<Travel> = None;
    for travel in draft.travels(job) {
        if best.as_ref().is_none_or(|b| travel.rank() < b.rank()) {
            best = Some(travel);
        }
    }
    draft.made(job, &best?, lines)
}

/// A shipment whose service is not chosen yet.
#[derive(Clone, Copy)]
pub(super) struct Draft<'c> {
    pub(super) location: usize,
    ready: EpochMillis,
    ship_at: EpochMillis,
    /// Local dates of the hand-over and of the moment of the request.
    ship_day: Day,
    today: Day,
    cargo: &'c Cargo,
}

impl<'c> Draft<'c> {
    pub(super) fn of(
        job: &Job<'_>,
        location: usize,
        ready: EpochMillis,
        cargo: &'c Cargo,
    ) -> Option<Self> {
        let hours = job.lanes.hours(&job.lanes.sites[location]);
        let (ship_at, ship_day) = hours.handover(ready)?;
        Some(Self {
            location,
            ready,
            ship_at,
            ship_day,
            today: hours.date_of(job.request.now)?,
            cargo,
        })
    }

    /// Every way that it may travel, by ascending service.
    pub(super) fn travels(&self, job: &Job<'_>) -> impl Iterator<Item = Travel> {
        let collected = job.request.pickup.map(|_| self.collected(job));
        collected
            .into_iter()
            .flatten()
            .chain(self.carried(job, job.request.pickup.is_none()))
    }

    /// The customer comes on the day from which it is ready.
    fn collected(&self, job: &Job<'_>) -> Option<Travel> {
        let (late, speed) = job.dated(self.today, self.ship_day)?;
        Some(Travel {
            service: ServiceId::PICKUP,
            deliver_on: self.ship_day,
            carriage: Carriage::NONE,
            late,
            speed,
        })
    }

    fn carried(&self, job: &Job<'_>, any: bool) -> impl Iterator<Item = Travel> {
        let lanes = job.lanes;
        let destination = job.request.destination;
        let class = usize::from(destination.class_of[self.location]);
        let zones = destination.zones(class, lanes.carriers.len());
        let reached = zones.iter().enumerate();
        let reached = reached.filter(move |z| any && *z.1 != NO_ZONE);
        reached.filter_map(move |(service, &zone)| self.travel(job, service, zone))
    }

    fn travel(&self, job: &Job<'_>, service: usize, zone: u8) -> Option<Travel> {
        let lanes = job.lanes;
        let refuses = &job.request.destination.restricted.refuses;
        let refused = refuses.get(service).copied().unwrap_or(0);
        if refused & self.cargo.load.kinds != 0 {
            return None;
        }
        let deliver_on = lanes.delivery(lanes.run(service, zone), self.ship_day)?;
        let (late, speed) = job.dated(self.today, deliver_on)?;
        let billing = usize::from(lanes.tariffs.billing_of[service]);
        let cargo = self.cargo;
        let parcels = cargo.parcels[billing];
        let per_parcel = lanes.sites[self.location].per_parcel;
        let (to, singles) = ((service, zone), &cargo.singles);
        let carriage = Carriage::of(lanes, to, per_parcel, parcels, &cargo.alone, singles)?;
        Some(Travel {
            service: service_id(service),
            deliver_on,
            carriage,
            late,
            speed,
        })
    }

    /// What it costs at its location, cartons apart, by whichever service it travels: handling, and
    /// scarcity prices of its units.
    pub(super) fn kept(&self, job: &Job<'_>, lines: &[ShipmentLine]) -> Option<Kept> {
        let site = &job.lanes.sites[self.location];
        let units: u64 = lines.iter().map(|l| u64::from(l.qty.0)).sum();
        let handling = bounded(site.per_unit, units)?
            .checked_add(bounded(site.per_line, lines.len() as u64)?)?
            .checked_add(site.per_shipment)?;
        let scarcity = scarcity(job, self.location, lines)?;
        Some(Kept { handling, scarcity })
    }

    /// The shipment of `lines`, which are its own, by a service.
    pub(super) fn made(
        &self,
        job: &Job<'_>,
        travel: &Travel,
        mut lines: Vec<ShipmentLine>,
    ) -> Option<Shipment> {
        lines.sort_by_key(|l| l.demand);
        let site = &job.lanes.sites[self.location];
        let carriage = &travel.carriage;
        let Kept { handling, scarcity } = self.kept(job, &lines)?;
        let handling = handling.checked_add(carriage.packaging)?;
        let lead = job.lanes.hours(site).lead();
        Some(Shipment {
            location: location_id(self.location),
            service: travel.service,
            need_at: self.ready.max(self.ship_at - lead),
            ship_at: self.ship_at,
            deliver_on: travel.deliver_on,
            parcels: u32::try_from(carriage.parcels).ok()?,
            billable: Grams(self.cargo.billable(job, travel.service)?),
            cents: ShipmentCents {
                postage: Cents(carriage.postage),
                surcharges: Cents(carriage.surcharges),
                handling: Cents(handling),
                late: travel.late,
                speed: travel.speed,
                scarcity: Cents(scarcity),
            },
            lines,
        })
    }
}

/// What a shipment costs at its location.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    handling: i64,
    scarcity: i64,
}

impl Kept {
    pub(super) fn total(self) -> i64 {
        self.handling + self.scarcity
    }
}

/// Scarcity prices of some units at a location.
fn scarcity(job: &Job<'_>, location: usize, lines: &[ShipmentLine]) -> Option<i64> {
    let mut sum = 0i64;
    for line in lines {
        let prices = job
            .lanes
            .scarcity(job.request.demands[usize::from(line.demand)].sku);
        if let Ok(row) = prices.binary_search_by_key(&location_id(location), |p| p.0) {
            sum = sum.checked_add(bounded(prices[row].1, u64::from(line.qty.0))?)?;
        }
    }
    Some(sum)
}

/// What a carrier is given.
#[derive(Default)]
pub(super) struct Cargo {
    /// What is packed together.
    load: Load,
    /// The same as parcels, by billing.
    parcels: SmallVec<[Parcels; 4]>,
    /// What ships alone.
    alone: Vec<(u16, u32)>,
    singles: Singles,
}

impl Cargo {
    pub(super) fn of(job: &Job<'_>, lines: &[ShipmentLine]) -> Self {
        let mut cargo = Self::default();
        for line in lines {
            let demand = &job.request.demands[usize::from(line.demand)];
            cargo.load = cargo.load.plus(demand.load(line.qty));
            if demand.ships_alone {
                cargo.alone.push((line.demand, line.qty.0));
            }
        }
        if !cargo.alone.is_empty() {
            cargo.singles.fill(job);
        }
        let billings = job.lanes.tariffs.billings.iter().enumerate();
        let parcels = billings.map(|(number, billing)| {
            let rules = job.request.destination.rules(number);
            billing.parcels(cargo.load, rules)
        });
        cargo.parcels = parcels.collect();
        cargo
    }

    /// Billable weight of all parcels by a service.
    fn billable(&self, job: &Job<'_>, service: ServiceId) -> Option<u64> {
        let tariffs = &job.lanes.tariffs;
        let Some(&billing) = tariffs.billing_of.get(service.index()) else {
            // Nobody weighs what the customer collects.
            return Some(0);
        };
        let billing = &tariffs.billings[usize::from(billing)];
        let mut sum = if self.load.lots > 0 {
            billing.billable(self.load)?
        } else {
            0
        };
        for &(demand, units) in &self.alone {
            let unit = job.request.demands[usize::from(demand)].unit();
            let all = billing.billable(unit)?.checked_mul(u64::from(units))?;
            sum = sum.checked_add(all)?;
        }
        Some(sum)
    }
}

/// How a shipment travels.
#[derive(Clone, Copy)]
pub(super) struct Travel {
    pub(super) service: ServiceId,
    pub(super) deliver_on: Day,
    carriage: Carriage,
    late: Cents,
    speed: Cents,
}

impl Travel {
    /// What it costs to travel so.
    pub(super) fn cents(&self) -> i64 {
        self.carriage.total() + self.late.0 + self.speed.0
    }

    fn rank(&self) -> (i64, Day) {
        (self.cents(), self.deliver_on)
    }
}
