//! A lower bound on every plan of a large order that ships something.
//!
//! Take any price r of a gram, and let a be the least by which a shipment of any departure costs
//! more than r × its weight, goods apart. Then a plan costs at least a for each shipment and, for
//! every demand, the lesser of shipping it (goods + r × grams) and leaving it short. Several r are
//! tried and the best bound stands. More than one parcel is covered by keeping r at or below the
//! price of a full parcel divided by its weight.

use super::super::departures::Departures;
use super::super::lanes::{NO_ZONE, finite};
use super::super::request::Job;
use super::super::tariff::NEVER;
use super::offers::Offers;
use crate::model::Qty;
use std::collections::BTreeSet;

/// Prices of a gram are counted in millionths of a cent.
const MICRO: i128 = 1_000_000;
/// How many prices of a gram are tried.
const PRICES: i128 = 24;

/// The end of a bracket: at this weight a shipment costs the most per gram less than the line.
struct Point {
    grams: u64,
    cents: i64,
}

/// What is known of a demand.
struct Least {
    /// Cents of the goods of one unit at the least; `NEVER` where nobody ships it.
    goods: i64,
    grams: u32,
    units: u32,
    /// Most units that can be had.
    reach: u32,
    /// Units that go short at once if not everything ships.
    lump: u32,
    /// Cents of a short unit; `NEVER` where that is not allowed.
    short: i64,
}

/// No plan that ships something costs less; `NEVER` when there is none.
pub(super) fn lower_bound(job: &Job<'_>, offers: &Offers, departures: &Departures) -> i64 {
    let (points, top) = points(job, offers, departures);
    if points.is_empty() {
        return NEVER;
    }
    let least = leasts(job, offers);
    let alone = offers.rows.iter().any(|offer| {
        let all = |g: &(u16, u32, i64)| g.1 == job.request.demands[usize::from(g.0)].qty.0;
        offer.goods.len() == job.request.demands.len() && offer.goods.iter().all(all)
    });
    (0..=PRICES)
        .map(|part| at_price(job, &points, &least, top * part / PRICES, alone))
        .max()
        .unwrap_or(0)
}

/// The bound for one price of a gram.
fn at_price(job: &Job<'_>, points: &[Point], least: &[Least], price: i128, alone: bool) -> i64 {
    let base = points
        .iter()
        .map(|p| i128::from(p.cents) * MICRO - price * i128::from(p.grams))
        .min()
        .unwrap_or(0);
    let mut goods = 0;
    // What it costs at the least to leave something short that would rather ship.
    let mut spared = i128::from(NEVER) * MICRO;
    for one in least {
        let short = i128::from(one.short) * MICRO;
        let ship = i128::from(one.goods) * MICRO + price * i128::from(one.grams);
        let had = i128::from(one.reach);
        goods += ship.min(short) * had + short * (i128::from(one.units) - had);
        spared = spared.min((short - ship).max(0) * i128::from(one.lump));
        if one.reach < one.units {
            spared = 0;
        }
    }
    let split = i128::from(job.policy.split_penalty.0) * MICRO;
    let shipments = |n: i128| base * n + split * (n - 1);
    let most = i128::from(job.policy.max_shipments);
    // The cost of n shipments is linear in n: its least is at an end.
    let one = shipments(1) + if alone { 0 } else { spared };
    let more = if most > 1 {
        shipments(2).min(shipments(most))
    } else {
        one
    };
    let bound = (goods + one.min(more)).max(0) / MICRO;
    i64::try_from(bound).unwrap_or(NEVER).min(NEVER)
}

/// The ends of all brackets of all departures, and the highest price of a gram that also holds for
/// many parcels.
fn points(job: &Job<'_>, offers: &Offers, departures: &Departures) -> (Vec<Point>, i128) {
    let tariffs = &job.lanes.tariffs;
    let services = job.lanes.carriers.len();
    let mut points = Vec::new();
    let mut top: Option<i128> = None;
    let known: BTreeSet<(u32, i64)> = offers
        .rows
        .iter()
        .map(|o| (o.departure, o.handling))
        .collect();
    for (departure, handling) in known {
        let known = departures.get(departure);
        if job.request.pickup.is_some() {
            let cents = known.least + handling;
            points.push(Point { grams: 0, cents });
            top = Some(0);
            continue;
        }
        let class = usize::from(known.class);
        let zones = job.request.destination.zones(class, services);
        for (service, &zone) in zones.iter().enumerate() {
            let dated = departures.dated(departure, services)[service];
            if zone == NO_ZONE || !finite(dated) {
                continue;
            }
            for (grams, cents) in tariffs.steps(service, zone) {
                let cents = cents + dated + handling;
                points.push(Point { grams, cents });
            }
            if let Some((grams, cents)) = tariffs.full_parcel(service, zone) {
                let price = i128::from(cents) * MICRO / i128::from(grams);
                top = Some(top.map_or(price, |t| t.min(price)));
            }
        }
    }
    // Without full parcels any price is right: the dearest that a bracket asks is high enough.
    let dearest = points
        .iter()
        .map(|p| i128::from(p.cents) * MICRO / i128::from(p.grams.max(1)));
    let top = top.or_else(|| dearest.max()).unwrap_or(0);
    (points, top)
}

fn leasts(job: &Job<'_>, offers: &Offers) -> Vec<Least> {
    let short = if job.may_short_some() {
        job.policy.short_per_unit.0
    } else {
        NEVER
    };
    let demands = job.request.demands.iter().enumerate();
    let mut least: Vec<Least> = demands
        .map(|(i, demand)| Least {
            goods: NEVER,
            // What ships alone pays by the unit: its weight is not in the bound.
            grams: u32::try_from(demand.load(Qty(1)).grams).unwrap_or(u32::MAX),
            units: demand.qty.0,
            reach: 0,
            lump: if offers.divisible[i] { 1 } else { demand.qty.0 },
            short,
        })
        .collect();
    // Of each location the last hand-over counts: by then it has the most.
    for (at, offer) in offers.rows.iter().enumerate() {
        let next = offers.rows.get(at + 1);
        let last = next.is_none_or(|next| next.location != offer.location);
        for &(line, units, cents) in &offer.goods {
            let one = &mut least[usize::from(line)];
            one.goods = one.goods.min(cents);
            if last {
                one.reach = one.reach.saturating_add(units).min(one.units);
            }
        }
    }
    least
}
