//! Calendar, distance, zone, weight, postage and eligibility, straight from the network's rows.
//!
//! Nothing here is prepared or cached: each question scans the rows it is about and each date is
//! walked day by day, as the problem's statement reads.

use super::instance::{DemandSpec, Instance, location_id, service_id};
use allot::ledger::DayUse;
use allot::model::{
    Cents, Coordinate, Day, EpochMillis, Network, ServiceId, ShipmentCents, Surcharge, Zone,
};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// Mean radius of the Earth.
const EARTH_KM: f64 = 6371.0088;

fn zone_of_location(net: &Network, location: usize) -> TimeZone {
    TimeZone::get(&net.locations[location].timezone).expect("instances name known zones")
}

thread_local! {
    /// What was asked before: trying everything asks the same hand-overs over and over.
    static DATES: RefCell<HashMap<u64, Date>> = RefCell::default();
    static CUTS: RefCell<HashMap<u64, EpochMillis>> = RefCell::default();
}

/// Most answers that are remembered.
const REMEMBERED_MAX: usize = 200_000;

/// The remembered answer to a question, or the one that `work` finds.
fn remembered<T: Copy>(
    memory: &'static std::thread::LocalKey<RefCell<HashMap<u64, T>>>,
    question: &impl Hash,
    work: impl FnOnce() -> T,
) -> T {
    let mut hasher = std::collections::hash_map::DefaultHasher::new();
    question.hash(&mut hasher);
    let key = hasher.finish();
    if let Some(known) = memory.with_borrow(|m| m.get(&key).copied()) {
        return known;
    }
    let found = work();
    memory.with_borrow_mut(|m| {
        if m.len() >= REMEMBERED_MAX {
            m.clear();
        }
        m.insert(key, found);
    });
    found
}

/// The civil date at `location` at a moment.
pub(crate) fn local_date(net: &Network, location: usize, at: EpochMillis) -> Date {
    let question = (&net.locations[location].timezone, at);
    remembered(&DATES, &question, || date_at(net, location, at))
}

fn date_at(net: &Network, location: usize, at: EpochMillis) -> Date {
    let at = Timestamp::from_millisecond(at.0).expect("instances live in this century");
    at.to_zoned(zone_of_location(net, location)).date()
}

fn is_holiday(net: &Network, date: Date) -> bool {
    net.holidays.iter().any(|day| day.date() == date)
}

fn next_day(date: Date) -> Date {
    date.tomorrow().expect("instances live in this century")
}

/// The first hand-over of `location` at or after `from`.
pub(crate) fn first_cut_off(net: &Network, location: usize, from: EpochMillis) -> EpochMillis {
    let row = &net.locations[location];
    let hours = (&row.timezone, row.cutoff_minutes, row.working_days);
    let question = (hours, &net.holidays, from);
    remembered(&CUTS, &question, || cut_off_from(net, location, from))
}

fn cut_off_from(net: &Network, location: usize, from: EpochMillis) -> EpochMillis {
    let row = &net.locations[location];
    let zone = zone_of_location(net, location);
    let (hour, minute) = (row.cutoff_minutes / 60, row.cutoff_minutes % 60);
    let (hour, minute) = (i8::try_from(hour), i8::try_from(minute));
    let (hour, minute) = (hour.expect("below 24"), minute.expect("below 60"));
    let mut date = local_date(net, location, from);
    loop {
        if row.working_days.contains(Day::from_date(date)) && !is_holiday(net, date) {
            let cut = date.at(hour, minute, 0, 0).to_zoned(zone.clone());
            let cut = cut.expect("instances live in this century").timestamp();
            if cut.as_millisecond() >= from.0 {
                return EpochMillis(cut.as_millisecond());
            }
        }
        date = next_day(date);
    }
}

/// When units ready at `ready` are handed to the carrier.
pub(crate) fn hand_over(net: &Network, location: usize, ready: EpochMillis) -> EpochMillis {
    first_cut_off(net, location, ready + lead(net, location))
}

/// The span from release to hand-over.
pub(crate) fn lead(net: &Network, location: usize) -> allot::model::Millis {
    allot::model::Millis::from_hours(net.locations[location].lead_hours)
}

/// The delivery date of what `service` takes over on `date`.
pub(crate) fn delivery(net: &Network, service: usize, date: Date, transit_days: u8) -> Date {
    let moves = |date: Date| {
        let works_on = net.services[service].works_on;
        works_on.contains(Day::from_date(date)) && !is_holiday(net, date)
    };
    let mut date = date;
    while !moves(date) {
        date = next_day(date);
    }
    let delivers = |date: Date| {
        let row = &net.services[service];
        let on = row.delivers_on.unwrap_or(row.works_on);
        on.contains(Day::from_date(date)) && !is_holiday(net, date)
    };
    for day in 1..=transit_days {
        date = next_day(date);
        // The last of the days is one on which it delivers.
        while !(if day == transit_days {
            delivers(date)
        } else {
            moves(date)
        }) {
            date = next_day(date);
        }
    }
    while !delivers(date) {
        date = next_day(date);
    }
    date
}

/// Whether the destination is in a region.
fn is_in(inst: &Instance, region: &str) -> bool {
    let to = &inst.ship_to;
    let mut parts = inst.network.regions.iter().filter(|p| &*p.region == region);
    parts.any(|p| p.country == to.country && to.postal.starts_with(&*p.postal_prefix))
}

/// Whether a rule of the network forbids that `demand` ships from `location`, by `service` where one
/// is given.
pub(crate) fn restricted(
    inst: &Instance,
    location: usize,
    service: Option<usize>,
    demand: usize,
) -> bool {
    let class = &*inst.demands[demand].class;
    let mut rows = inst.network.restrictions.iter();
    inst.pickup.is_none()
        && rows.any(|row| {
            row.location.is_none_or(|l| l.index() == location)
                && row.service.is_none_or(|s| Some(s.index()) == service)
                && (row.class.is_empty() || *row.class == *class)
                && (row.region.is_empty() || is_in(inst, &row.region))
        })
}

/// Stands for a service where the customer collects.
pub(crate) const PICKUP: usize = ServiceId::PICKUP.0 as usize;

/// The services of an order.
pub(crate) fn services(inst: &Instance) -> Vec<usize> {
    match inst.pickup {
        Some(_) => vec![PICKUP],
        None => (0..inst.network.services.len()).collect(),
    }
}

/// Great-circle distance in kilometres (haversine).
#[allow(clippy::float_arithmetic)] // geometry; generators keep clear of the bands' edges
pub(crate) fn kilometres(a: Coordinate, b: Coordinate) -> f64 {
    let radians = |e6: i32| (f64::from(e6) / 1e6).to_radians();
    let (lat_a, lat_b) = (radians(a.lat_e6), radians(b.lat_e6));
    let half_lat = (lat_b - lat_a) / 2.0;
    let half_lon = (radians(b.lon_e6) - radians(a.lon_e6)) / 2.0;
    let h = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lon.sin().powi(2);
    2.0 * EARTH_KM * h.sqrt().min(1.0).asin()
}

/// Where the order goes: its own coordinate, else the place with the longest matching prefix.
pub(crate) fn destination(inst: &Instance) -> Option<Coordinate> {
    if inst.ship_to.coordinate.is_some() {
        return inst.ship_to.coordinate;
    }
    let to = &inst.ship_to;
    let places = inst.network.places.iter();
    places
        .filter(|p| p.country == to.country && to.postal.starts_with(&*p.postal_prefix))
        .max_by_key(|p| p.postal_prefix.len())
        .map(|p| p.coordinate)
}

/// The zone of `service` from `location` to the order's destination.
pub(crate) fn zone(inst: &Instance, service: usize, location: usize) -> Option<Zone> {
    let net = &inst.network;
    let from = &net.locations[location];
    let pair = net
        .zone_pairs
        .iter()
        .filter(|p| from.postal.starts_with(&*p.origin_prefix))
        .filter(|p| inst.ship_to.postal.starts_with(&*p.dest_prefix))
        .max_by_key(|p| (p.origin_prefix.len(), p.dest_prefix.len()));
    let mut bands = net
        .zones
        .iter()
        .filter(|z| z.service == service_id(service));
    if let Some(pair) = pair {
        return bands.find(|z| z.zone == pair.zone).copied();
    }
    let distance = kilometres(from.coordinate, destination(inst)?);
    let reaches = |max_km: Option<u32>| max_km.is_none_or(|max| distance <= f64::from(max));
    bands.find(|z| reaches(z.max_km)).copied()
}

/// Billable weight in grams of `grams` and `mm3` by `service`.
pub(crate) fn billable(net: &Network, service: usize, grams: u64, mm3: u64) -> u64 {
    let row = &net.services[service];
    let mut weight = grams;
    let cm3 = mm3.div_ceil(1000);
    if let Some(divisor) = row.dim_divisor_cm3_per_kg
        && cm3 > u64::from(row.dim_threshold_cm3)
    {
        weight = weight.max((cm3 * 1000).div_ceil(u64::from(divisor)));
    }
    weight.div_ceil(row.billing_step.0) * row.billing_step.0
}

fn parcel_price(net: &Network, service: usize, zone: u8, weight: u64) -> Option<Cents> {
    let mut steps = net.tariffs.iter();
    steps
        .find(|t| t.service == service_id(service) && t.zone == zone && t.max.0 >= weight)
        .map(|t| t.cents)
}

/// Price and number of parcels of billable `weight`; `None` when it cannot be carried.
pub(crate) fn postage(
    net: &Network,
    service: usize,
    zone: u8,
    weight: u64,
) -> Option<(Cents, u32)> {
    let max = net.services[service].max.0;
    let (mut rest, mut cents, mut parcels) = (weight, Cents::ZERO, 1);
    while rest > max {
        cents += parcel_price(net, service, zone, max)?;
        rest -= max;
        parcels += 1;
    }
    Some((cents + parcel_price(net, service, zone, rest)?, parcels))
}

/// One parcel, as a carrier measures it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Billable weight.
    pub(crate) weight: u64,
    pub(crate) cm3: u64,
    pub(crate) longest_mm: u32,
}

/// The parcels of a shipment by `service`; `None` when a unit that ships alone is too heavy for one.
pub(crate) fn parcels(inst: &Instance, service: usize, units: &[u32]) -> Option<Vec<Parcel>> {
    let net = &inst.network;
    let max = net.services[service].max.0;
    let mut found = Vec::new();
    let (mut grams, mut mm3, mut longest_mm, mut some) = (0, 0, 0, false);
    for (demand, &n) in inst.demands.iter().zip(units).filter(|u| *u.1 > 0) {
        let (unit_grams, unit_mm3) = (u64::from(demand.grams), demand.volume_mm3);
        if demand.ships_alone {
            let weight = billable(net, service, unit_grams, unit_mm3);
            if weight > max {
                return None;
            }
            let parcel = Parcel {
                weight,
                cm3: unit_mm3.div_ceil(1000),
                longest_mm: demand.longest_mm,
            };
            found.extend((0..n).map(|_| parcel));
        } else {
            grams += u64::from(n) * unit_grams;
            mm3 += u64::from(n) * unit_mm3;
            longest_mm = longest_mm.max(demand.longest_mm);
            some = true;
        }
    }
    if some {
        let mut rest = billable(net, service, grams, mm3);
        let count = rest.div_ceil(max).max(1);
        let cm3 = mm3.div_ceil(1000).div_ceil(count);
        for _ in 0..count {
            let weight = rest.min(max);
            rest -= weight;
            found.push(Parcel {
                weight,
                cm3,
                longest_mm,
            });
        }
    }
    Some(found)
}

/// The surcharge area of the order's destination; empty for none.
fn area(inst: &Instance) -> &str {
    let to = &inst.ship_to;
    let places = inst.network.places.iter();
    places
        .filter(|p| p.country == to.country && to.postal.starts_with(&*p.postal_prefix))
        .max_by_key(|p| p.postal_prefix.len())
        .map_or("", |p| &p.area)
}

/// Whether `row` is a surcharge of `service` for the order's destination.
pub(crate) fn pays_here(inst: &Instance, service: usize, row: &Surcharge) -> bool {
    let here = match &*row.area {
        "" => true,
        "residential" => inst.ship_to.residential,
        other => other == area(inst),
    };
    here && row.service == service_id(service)
}

/// What `service` charges for `parcel` on top of its tariff.
pub(crate) fn surcharge(inst: &Instance, service: usize, parcel: &Parcel) -> Cents {
    let pays = |row: &&Surcharge| {
        pays_here(inst, service, row)
            && row.over.is_none_or(|over| parcel.weight > over.0)
            && row.over_cm3.is_none_or(|over| parcel.cm3 > u64::from(over))
            && row
                .over_length_mm
                .is_none_or(|over| parcel.longest_mm > over)
    };
    let rows = inst.network.surcharges.iter().filter(pays);
    rows.map(|row| row.cents).sum()
}

/// One way to send something: location, hand-over and service, with the dates that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) location: usize,
    pub(crate) service: usize,
    pub(crate) zone: u8,
    pub(crate) ready: EpochMillis,
    pub(crate) ship_at: EpochMillis,
    pub(crate) deliver_on: Day,
    /// Calendar days from the local date of `now`.
    pub(crate) days: i32,
    /// Days after the promise date.
    pub(crate) late: i32,
}

/// The lane of what is ready at `ready`; `None` when the service does not go there or would miss
/// a hard promise date.
pub(crate) fn lane(
    inst: &Instance,
    location: usize,
    ready: EpochMillis,
    service: usize,
) -> Option<Lane> {
    let net = &inst.network;
    let ship_at = hand_over(net, location, ready);
    let ship_date = local_date(net, location, ship_at);
    let (number, deliver_on) = if service == PICKUP {
        (0, ship_date)
    } else {
        let zone = zone(inst, service, location)?;
        let deliver_on = delivery(net, service, ship_date, zone.transit_days);
        (zone.zone, deliver_on)
    };
    let deliver_on = Day::from_date(deliver_on);
    let today = Day::from_date(local_date(net, location, inst.now));
    let late = inst.deliver_by.map_or(0, |by| (deliver_on - by).max(0));
    let lane = Lane {
        location,
        service,
        zone: number,
        ready,
        ship_at,
        deliver_on,
        days: deliver_on - today,
        late,
    };
    let in_time = inst.latest.is_none_or(|latest| deliver_on <= latest);
    (in_time && (!inst.hard || late == 0)).then_some(lane)
}

/// A shipment's price with what it was computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Priced {
    pub(crate) cents: ShipmentCents,
    pub(crate) parcels: u32,
    pub(crate) billable: u64,
}

/// What `units[d]` units of each demand cost on `lane`; `None` when they cannot be carried.
pub(crate) fn price(inst: &Instance, lane: &Lane, units: &[u32]) -> Option<Priced> {
    let row = &inst.network.locations[lane.location];
    let mut cents = ShipmentCents::default();
    let (mut count, mut lines) = (0, 0);
    for (d, &n) in units.iter().enumerate() {
        count += n;
        lines += u32::from(n > 0);
        cents.scarcity += inst.scarcity(d, lane.location) * n;
    }
    let barred = |d: usize| units[d] > 0 && restricted(inst, lane.location, Some(lane.service), d);
    if (0..units.len()).any(barred) {
        return None;
    }
    let sent = match lane.service {
        PICKUP => Vec::new(),
        service => parcels(inst, service, units)?,
    };
    for parcel in &sent {
        cents.postage += parcel_price(&inst.network, lane.service, lane.zone, parcel.weight)?;
        cents.surcharges += surcharge(inst, lane.service, parcel);
    }
    if let Some(service) = inst.network.services.get(lane.service) {
        cents.postage = cents.postage.max(service.minimum);
    }
    let billable = sent.iter().map(|p| p.weight).sum();
    let parcels = u32::try_from(sent.len()).expect("few parcels");
    cents.handling = row.handling_per_shipment
        + row.handling_per_unit * count
        + row.handling_per_line * lines
        + row.packaging_per_parcel * parcels;
    cents.late = Cents(inst.policy.late_per_day.0 * i64::from(lane.late));
    cents.speed = Cents(inst.policy.speed_value_per_day.0 * i64::from(lane.days));
    Some(Priced {
        cents,
        parcels,
        billable,
    })
}

/// Whether `location` ships to the order's country.
pub(crate) fn ships_there(inst: &Instance, location: usize) -> bool {
    let to = &inst.network.locations[location].ships_to;
    to.is_empty() || to.contains(&inst.ship_to.country)
}

/// Whether `location` may ship anything of the order.
pub(crate) fn is_open(inst: &Instance, location: usize) -> bool {
    let excluded = inst.excluded.contains(&location);
    let there = match inst.pickup {
        Some(store) => store == location,
        None => ships_there(inst, location),
    };
    !inst.is_paused(location) && !excluded && there
}

/// Most shipments that a plan may have.
pub(crate) fn max_shipments(inst: &Instance) -> u8 {
    let worth = |d: &DemandSpec| d.value * i64::from(d.qty);
    let worth: i64 = inst.demands.iter().map(worth).sum();
    if worth < inst.policy.min_value_to_split.0 {
        return 1;
    }
    inst.policy.max_shipments
}

/// Whether `location` may ship `demand` at all.
pub(crate) fn eligible(inst: &Instance, location: usize, demand: usize) -> bool {
    let class = &*inst.demands[demand].class;
    let ordinary = ["", "standard", "general"].contains(&class);
    let abilities = &inst.network.locations[location].abilities;
    is_open(inst, location)
        && (ordinary || abilities.iter().any(|a| **a == *class))
        && !restricted(inst, location, None, demand)
}

/// Whether `demand` may come in several shipments.
pub(crate) fn divisible(inst: &Instance, demand: usize) -> bool {
    let spec = &inst.demands[demand];
    let has_all =
        |l: usize| eligible(inst, l, demand) && inst.stock[demand].atp(l, inst.now) >= spec.qty;
    spec.may_split && spec.together == 0 && !(0..inst.network.locations.len()).any(has_all)
}

/// Whether a shipment of these units holds all or nothing of what goes together.
pub(crate) fn keeps_together(inst: &Instance, units: &[u32]) -> bool {
    (0..units.len()).all(|d| {
        let together = inst.demands[d].together;
        let same = |o: &usize| inst.demands[*o].together == together;
        together == 0
            || (0..units.len())
                .filter(same)
                .all(|o| (units[o] == 0) == (units[d] == 0))
    })
}

/// What `location` may still hand over on a local date, besides the order: shipments and units.
pub(crate) fn left(inst: &Instance, location: usize, date: Date) -> (i64, i64) {
    let net = &inst.network;
    let row = &net.locations[location];
    let (mut shipments, mut units) = (
        row.shipments_per_day.map_or(i64::MAX, i64::from),
        row.units_per_day.map_or(i64::MAX, i64::from),
    );
    for used in inst.used.iter().filter(|u| u.location.index() == location) {
        if local_date(net, location, used.at) == date {
            shipments -= i64::from(used.shipments);
            units -= i64::from(used.units);
        }
    }
    (shipments, units)
}

/// Whether `location` may hand over only so much on a day.
pub(crate) fn is_limited(inst: &Instance, location: usize) -> bool {
    let row = &inst.network.locations[location];
    row.shipments_per_day.is_some() || row.units_per_day.is_some()
}

/// The ready times of further hand-overs for what is ready at `ready`: as many as plans of the order
/// could need after the last day on which anything else is handed over.
fn put_off(inst: &Instance, location: usize, ready: EpochMillis) -> Vec<EpochMillis> {
    let net = &inst.network;
    let mut times = Vec::new();
    let mut ship_at = hand_over(net, location, ready);
    let units: u32 = inst.demands.iter().map(|d| d.qty).sum();
    let mut untouched = 0;
    while untouched < units.min(max_shipments(inst).into()) {
        let date = local_date(net, location, ship_at);
        let here = |u: &&DayUse| u.location.index() == location;
        let touched = inst.used.iter().filter(here);
        untouched += u32::from(
            !touched
                .clone()
                .any(|u| local_date(net, location, u.at) == date),
        );
        ship_at = first_cut_off(net, location, EpochMillis(ship_at.0 + 1));
        times.push(ship_at - lead(net, location));
    }
    times
}

/// The moments at which a shipment from `location` with units of the demands that `holds` accepts
/// may be ready: now, and whenever more of one of them becomes promisable there or a limit on it
/// rises. At any other moment nothing new is available, so that nothing waits for it. Ascending.
pub(crate) fn ready_times(
    inst: &Instance,
    location: usize,
    holds: impl Fn(usize) -> bool,
) -> Vec<EpochMillis> {
    let mut times = vec![inst.now];
    for (d, stock) in inst.stock.iter().enumerate() {
        if let Some(cell) = stock.cell(location)
            && holds(d)
        {
            times.extend(cell.later.iter().map(|&(from, _)| from));
            times.extend(stock.limit.iter().flatten().map(|&(from, _)| from));
        }
    }
    if is_limited(inst, location) {
        let later = times.iter().flat_map(|&t| put_off(inst, location, t));
        times.extend(later.collect::<Vec<_>>());
    }
    times.sort_unstable();
    times.dedup();
    times
}

/// The lanes of `location` for those demands, over all ready times and services.
pub(crate) fn lanes(inst: &Instance, location: usize, holds: impl Fn(usize) -> bool) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for ready in ready_times(inst, location, holds) {
        for service in services(inst) {
            lanes.extend(lane(inst, location, ready, service));
        }
    }
    lanes
}

/// The location's name in messages.
pub(crate) fn name(location: usize) -> String {
    format!("location {}", location_id(location).0)
}
