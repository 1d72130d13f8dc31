//! What shipments of a large order cost at the least, place by place, for whoever prices its units
//! himself: the backlog does, for many orders at once.
//!
//! The costs are those of the proof (`costs`): a base for every shipment, and an amount for every
//! demand in it. They hold for every plan of the order on this stock or on less of it: on less, a demand
//! that some place has whole may have to be divided, so every demand that may be is.

use super::super::departures::Departures;
use super::super::lanes::{Lanes, finite, location_id};
use super::super::request::{Job, Request, Unroutable};
use super::costs::{Costs, PARTS};
use super::offers::{Held, Offer, Offers};
use crate::model::{Day, EpochMillis, LocationId, Qty};
use std::collections::BTreeMap;

/// Costs of an order by place and demand, in parts of a cent ([`LeastCosts::PARTS`]).
///
/// A plan that ships something costs at least the bases of its shipments, what each of them asks for what
/// is in it, and the short costs of the rest, less one [`LeastCosts::split`].
#[derive(Debug, Clone, Default)]
pub struct LeastCosts {
    /// Every location with every hand-over at which it has something.
    pub places: Vec<LeastPlace>,
    /// By demand of the request.
    pub demands: Vec<LeastDemand>,
    /// Most shipments.
    pub most: usize,
    /// The split penalty, which every base includes.
    pub split: i64,
}

/// A location and a hand-over.
#[derive(Debug, Clone)]
pub struct LeastPlace {
    /// Where.
    pub location: LocationId,
    /// The hand-over.
    pub ship_at: EpochMillis,
    /// What is there by then goes with it.
    pub ready: EpochMillis,
    /// What a shipment costs besides its goods and their weight, the split penalty included.
    pub base: i64,
    /// By ascending demand.
    pub goods: Vec<LeastGood>,
}

/// What a place has of a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeastGood {
    /// Which.
    pub demand: u16,
    /// Most units; all of them where it ships whole.
    pub units: u32,
    /// What one of [`LeastDemand::wanted`] costs, its weight included.
    pub each: i64,
}

/// What is wanted of a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeastDemand {
    /// Its units; 1 where it ships whole or not at all.
    pub wanted: i64,
    /// Whether it ships whole or not at all.
    pub whole: bool,
    /// What one of the wanted costs when it is short; `None` where some may not be short and others not.
    pub short: Option<i64>,
}

impl LeastCosts {
    /// Parts of a cent that everything is counted in.
    pub const PARTS: i64 = PARTS;

    /// The costs of a request; shipments that deliver after `latest` do not exist. `later` names moments
    /// at which a location may hand over besides those at which its units arrive. Limits of days do not
    /// count. `None` where the costs are too many, or too large, to be laid out.
    ///
    /// # Errors
    /// As [`route`](crate::routing::route) for a request that cannot be routed by.
    pub fn new(
        lanes: &Lanes,
        request: &Request<'_>,
        latest: Option<Day>,
        later: &dyn Fn(LocationId) -> Vec<EpochMillis>,
    ) -> Result<Option<Self>, Unroutable> {
        let mut job = Job::new(lanes, request)?;
        job.unlimited = true;
        job.latest = match (job.latest, latest) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
        let mut departures = Departures::default();
        departures.start(&job);
        let offers = gather(&job, &mut departures, later);
        if offers.rows.is_empty() {
            return Ok(Some(Self::default()));
        }
        let costs = Costs::of_lines(&job, &offers, &departures);
        Ok(costs.map(|costs| Self::laid_out(&job, &offers, &departures, &costs)))
    }

    fn laid_out(job: &Job<'_>, offers: &Offers, departures: &Departures, costs: &Costs) -> Self {
        let places = (0u32..).zip(&offers.rows).map(|(number, offer)| {
            // What is there of each is in the same order in both.
            let cells = costs.goods_of(number).iter().zip(&offer.goods);
            LeastPlace {
                location: LocationId(offer.location),
                ship_at: departures.get(offer.departure).ship_at,
                ready: offer.ready,
                base: costs.bases[number as usize],
                goods: cells
                    .map(|(cell, &(demand, units, _))| LeastGood {
                        demand,
                        units,
                        each: cell.each,
                    })
                    .collect(),
            }
        });
        let demands = (0..costs.demands).map(|i| LeastDemand {
            wanted: costs.wanted[i],
            whole: costs.whole[i],
            short: job.may_short_some().then(|| costs.short[i]),
        });
        Self {
            places: places.collect(),
            demands: demands.collect(),
            most: costs.most,
            split: costs.split,
        }
    }
}

/// Every location with every hand-over; of a demand that may be divided whatever is there.
fn gather(
    job: &Job<'_>,
    departures: &mut Departures,
    later: &dyn Fn(LocationId) -> Vec<EpochMillis>,
) -> Offers {
    let demands = job.request.demands;
    let mut offers = Offers {
        divisible: demands
            .iter()
            .map(|d| d.may_split && d.qty > Qty(1) && d.together == 0)
            .collect(),
        caps: vec![u32::MAX; demands.len()],
        lost: vec![0; demands.len()],
        ..Offers::default()
    };
    let mut held: BTreeMap<usize, Held<'_>> = BTreeMap::new();
    for (line, demand) in demands.iter().enumerate() {
        for cell in job.request.stock.cells(line) {
            let location = cell.location.index();
            if location < job.lanes.locations()
                && job.closed(cell.location).is_none()
                && job.able(location, demand.class)
            {
                let cells = &mut held.entry(location).or_default().cells;
                cells.push((super::number(line), cell));
            }
        }
    }
    for (&location, held) in &held {
        let mut times = later(location_id(location));
        times.push(job.request.now);
        for (_, cell) in &held.cells {
            times.extend(job.request.stock.later(cell).iter().map(|s| s.from));
        }
        times
            .iter_mut()
            .for_each(|t| *t = (*t).max(job.request.now));
        times.sort_unstable();
        times.dedup();
        add_location(&mut offers, job, departures, (location, held), &times);
    }
    offers
}

fn add_location(
    offers: &mut Offers,
    job: &Job<'_>,
    departures: &mut Departures,
    (location, held): (usize, &Held<'_>),
    times: &[EpochMillis],
) {
    let site = &job.lanes.sites[location];
    let class = job.request.destination.class_of[location];
    let mut last = None;
    for &time in times {
        let departure = departures.add(job, class, time);
        let known = departures.get(departure);
        if !finite(known.least) {
            // Nor does anything that leaves later.
            return;
        }
        let ship_at = known.ship_at;
        if last == Some(ship_at) {
            continue;
        }
        last = Some(ship_at);
        // Whatever comes until then can go with it.
        let ready = time.max(job.lanes.needed_by(location_id(location), ship_at));
        let goods = offers.goods(job, location, held, ready);
        if !goods.is_empty() {
            offers.rows.push(Offer {
                location: location_id(location).0,
                ready,
                departure,
                handling: site.per_shipment,
                per_line: site.per_line,
                goods,
            });
        }
    }
}
