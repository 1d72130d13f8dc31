//! Departures: what a hand-over from a lane class costs with each service, before anything is in
//! the shipment.
//!
//! Locations of one lane class that hand over at the same moment share a departure, so dates and
//! tariffs are looked up once for all of them.

use super::candidates::Set;
use super::cargo::Load;
use super::carriage::{Alone, Carriage, Singles};
use super::lanes::{NO_ZONE, finite};
use super::request::Job;
use super::request::SETS_DEMANDS_MAX;
use super::surcharges::Rule;
use super::tariff::{AMOUNT_MAX, NEVER, Parcels};
use crate::model::{Day, EpochMillis};
use smallvec::SmallVec;

/// A price that was not worked out yet.
const UNKNOWN: i64 = i64::MIN;
/// No departure yet.
const NONE: u32 = u32::MAX;

/// A hand-over of a lane class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Departure {
    pub(super) class: u16,
    /// When its units are ready: any moment that makes the same hand-over.
    pub(super) ready: EpochMillis,
    /// When it leaves; the latest moment if it never does.
    pub(super) ship_at: EpochMillis,
    /// No shipment costs less than this, and the price of its weight in the lower bounds, in
    /// postage, lateness and speed; `NEVER` when no service can be used.
    pub(super) least: i64,
    /// Whether some service goes to the destination at all.
    pub(super) reaches: bool,
    /// Postage, lateness and speed of a shipment with everything; `UNKNOWN` at first.
    whole: i64,
}

/// The departures of one request.
#[derive(Debug, Default)]
pub(super) struct Departures {
    rows: Vec<Departure>,
    /// By departure and service: lateness and speed in cents, or `NEVER`.
    dated: Vec<i64>,
    /// By lane class: its departure for stock that is there now.
    now: Vec<u32>,
    /// By departure and load id: the best postage, lateness and speed; rows filled on demand.
    curves: Vec<i64>,
    /// Where each departure's curve starts; `NONE` before it is filled.
    curve_at: Vec<u32>,
    /// By row of postage, see `row`: what one load id after the other costs to carry.
    rows_of: Vec<i64>,
    /// By row of the tariffs: where its costs start; marked with the request.
    row_at: Vec<(u32, u32)>,
    /// Number of the request: what is marked with another one is of no use any more.
    stamp: u32,
    /// By row of hours: the hand-over of stock that is there now.
    handovers: Vec<(u32, Option<Handover>)>,
    /// By row of hours and run: lateness and speed of what leaves then.
    runs: Vec<(u32, i64)>,
    runs_in_row: usize,
    /// Price of a gram for the lower bounds, see [`Tariffs::slope`](super::tariff::Tariffs::slope).
    slope: usize,
    /// Whether carrying costs what the tariff says for the common parcels and nothing else.
    plain: bool,
    /// By service: what every parcel pays besides the tariff; empty where that is nothing.
    flat: Vec<i64>,
    /// By service: the kinds of items that it does not take to the destination; empty where every
    /// service takes all of the request.
    refuses: Vec<u64>,
    /// The customer collects: carrying costs nothing.
    collected: bool,
    singles: Singles,
}

/// A hand-over at some hours.
#[derive(Debug, Clone, Copy)]
struct Handover {
    ship_at: EpochMillis,
    /// Its local date.
    day: Day,
    /// The local date of the moment of the request.
    today: Day,
}

impl Departures {
    /// Forgets the last request.
    pub(super) fn start(&mut self, job: &Job<'_>) {
        self.rows.clear();
        self.dated.clear();
        self.curves.clear();
        self.curve_at.clear();
        self.rows_of.clear();
        self.now.clear();
        self.now.resize(job.request.destination.sample.len(), NONE);
        let lanes = job.lanes;
        self.collected = job.request.pickup.is_some();
        self.slope = match self.collected {
            // The first price of a gram is none.
            true => 0,
            false => lanes.tariffs.slope(job.request.demands),
        };
        self.fill_refuses(job);
        self.plain = lanes.plain && !job.alone && self.refuses.is_empty();
        if !self.plain {
            self.singles.fill(job);
            self.fill_flat(job);
        }
        let runs = lanes.runs();
        let hours = lanes.hours.len();
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 || self.runs_in_row != runs || self.handovers.len() != hours {
            // Another network, or the numbers start over: old marks would look new.
            self.stamp = 1;
            self.runs_in_row = runs;
            self.handovers.clear();
            self.handovers.resize(hours, (0, None));
            self.runs.clear();
            self.runs.resize(hours * runs, (0, 0));
            self.row_at.clear();
        }
        self.row_at.resize(lanes.tariffs.rows(), (0, 0));
    }

    fn fill_refuses(&mut self, job: &Job<'_>) {
        self.refuses.clear();
        let refuses = &job.request.destination.restricted.refuses;
        if refuses.is_empty() || self.collected {
            return;
        }
        let kinds = job.request.demands.iter();
        let kinds = kinds.fold(0, |all, d| all | d.class.kind());
        if refuses.iter().any(|r| r & kinds != 0) {
            self.refuses.extend(refuses.iter().map(|r| r & kinds));
        }
    }

    /// The different sets of kinds that some service does not take.
    fn refusals(&self) -> SmallVec<[u64; 4]> {
        let mut sets: SmallVec<[u64; 4]> = self.refuses.iter().copied().collect();
        sets.sort_unstable();
        sets.dedup();
        sets.retain(|set| *set != 0);
        sets
    }

    /// Whether some service does not take some kind of item of the request.
    pub(super) fn refuses_some(&self) -> bool {
        !self.refuses.is_empty()
    }

    fn fill_flat(&mut self, job: &Job<'_>) {
        self.flat.clear();
        if job.lanes.tariffs.has_surcharges() {
            let billings = job.lanes.tariffs.billing_of.iter();
            let rules = billings.map(|&b| job.request.destination.rules(usize::from(b)));
            self.flat
                .extend(rules.map(|r| r.iter().map(Rule::flat).sum::<i64>()));
        }
    }

    pub(super) fn get(&self, departure: u32) -> &Departure {
        &self.rows[departure as usize]
    }

    /// The departure of a lane class with stock that is there now.
    pub(super) fn now(&mut self, job: &Job<'_>, class: u16) -> u32 {
        let known = self.now[usize::from(class)];
        if known != NONE {
            return known;
        }
        let new = self.add(job, class, job.request.now);
        self.now[usize::from(class)] = new;
        new
    }

    /// The departure of a lane class with stock that is there at `ready`.
    pub(super) fn add(&mut self, job: &Job<'_>, class: u16, ready: EpochMillis) -> u32 {
        let lanes = job.lanes;
        let destination = job.request.destination;
        let services = lanes.carriers.len();
        let site = &lanes.sites[usize::from(destination.sample[usize::from(class)])];
        let zones = destination.zones(usize::from(class), services);
        let handover = self.handover(job, site.hours, ready);
        let mut new = Departure {
            class,
            ready,
            ship_at: handover.map_or(EpochMillis::DISTANT_FUTURE, |h| h.ship_at),
            least: NEVER,
            reaches: false,
            whole: UNKNOWN,
        };
        if self.collected {
            new.reaches = true;
            if let Some(Handover { day, today, .. }) = handover {
                let dated = job.dated(today, day);
                new.least = dated.map_or(NEVER, |(late, speed)| late.0 + speed.0);
            }
        }
        for (service, &zone) in zones.iter().enumerate() {
            let mut cents = NEVER;
            if zone != NO_ZONE && !self.collected {
                let least = lanes.tariffs.least(service, zone, self.slope);
                new.reaches |= finite(least);
                if let Some(handover) = handover {
                    let run = lanes.run(service, zone);
                    cents = self.dated_by(job, site.hours, run, handover, ready);
                    let mut all = least + cents;
                    if !self.plain {
                        all += self.flat.get(service).map_or(0, |f| *f) + site.per_parcel;
                    }
                    new.least = new.least.min(all);
                }
            }
            self.dated.push(cents);
        }
        new.least = new.least.min(NEVER);
        let index = u32::try_from(self.rows.len()).unwrap_or(NONE);
        self.rows.push(new);
        self.curve_at.push(NONE);
        index
    }

    /// Lateness and speed of what a run takes at a hand-over; `NEVER` when there is no such
    /// shipment.
    fn dated_by(
        &mut self,
        job: &Job<'_>,
        hours: u16,
        run: u16,
        handover: Handover,
        ready: EpochMillis,
    ) -> i64 {
        let now = ready == job.request.now;
        let kept = usize::from(hours) * self.runs_in_row + usize::from(run);
        if now && self.runs[kept].0 == self.stamp {
            return self.runs[kept].1;
        }
        let delivery = job.lanes.delivery(run, handover.day);
        let cents = delivery.and_then(|day| job.dated(handover.today, day));
        let cents = cents.map_or(NEVER, |(late, speed)| late.0 + speed.0);
        if now {
            self.runs[kept] = (self.stamp, cents);
        }
        cents
    }

    /// What a weight costs at the least in every lower bound, beside the base of its shipment.
    pub(super) fn weight_cents(&self, job: &Job<'_>, grams: u64) -> i64 {
        job.lanes.tariffs.slope_cents(self.slope, grams)
    }

    fn handover(&mut self, job: &Job<'_>, hours: u16, ready: EpochMillis) -> Option<Handover> {
        let now = ready == job.request.now;
        let kept = usize::from(hours);
        if now && self.handovers[kept].0 == self.stamp {
            return self.handovers[kept].1;
        }
        let hours = &job.lanes.hours[kept];
        let today = hours.date_of(job.request.now);
        let handover = hours.handover(ready).zip(today);
        let handover = handover.map(|((ship_at, day), today)| Handover {
            ship_at,
            day,
            today,
        });
        if now {
            self.handovers[kept] = (self.stamp, handover);
        }
        handover
    }

    /// What carrying, lateness and speed of a shipment with everything cost, whose parcels are
    /// `whole` (by billing), what ships alone, and its kinds.
    pub(super) fn whole(
        &mut self,
        job: &Job<'_>,
        departure: u32,
        whole: &[Parcels],
        (alone, kinds): (Alone<'_>, u64),
    ) -> i64 {
        let known = self.rows[departure as usize].whole;
        if known != UNKNOWN {
            return known;
        }
        let cents = self.carried(job, departure, whole, (alone, kinds));
        self.rows[departure as usize].whole = cents;
        cents
    }

    /// The same for any load: the best service by the objective.
    pub(super) fn carried(
        &self,
        job: &Job<'_>,
        departure: u32,
        parcels: &[Parcels],
        (alone, kinds): (Alone<'_>, u64),
    ) -> i64 {
        if self.collected {
            return self.rows[departure as usize].least;
        }
        let tariffs = &job.lanes.tariffs;
        let services = job.lanes.carriers.len();
        let class = usize::from(self.rows[departure as usize].class);
        let zones = job.request.destination.zones(class, services);
        let dated = self.dated(departure, services);
        if !self.plain {
            return self.carried_with_extras(job, class, dated, parcels, (alone, kinds));
        }
        let mut best = NEVER;
        for service in 0..services {
            if dated[service] < best {
                let billing = usize::from(tariffs.billing_of[service]);
                let postage = tariffs.tariff(service, zones[service], parcels[billing]);
                best = best.min(postage + dated[service]);
            }
        }
        best
    }

    /// The same where more than the tariff is paid.
    fn carried_with_extras(
        &self,
        job: &Job<'_>,
        class: usize,
        dated: &[i64],
        parcels: &[Parcels],
        (alone, kinds): (Alone<'_>, u64),
    ) -> i64 {
        let (lanes, destination) = (job.lanes, job.request.destination);
        let zones = destination.zones(class, dated.len());
        let per_parcel = lanes.sites[usize::from(destination.sample[class])].per_parcel;
        let mut best = NEVER;
        for (service, &dated) in dated.iter().enumerate() {
            let refused = self.refuses.get(service).copied().unwrap_or(0);
            if dated < best && refused & kinds == 0 {
                let common = parcels[usize::from(lanes.tariffs.billing_of[service])];
                let (to, singles) = ((service, zones[service]), &self.singles);
                let carriage = Carriage::of(lanes, to, per_parcel, common, alone, singles);
                best = carriage.map_or(best, |c| best.min(c.total() + dated));
            }
        }
        best
    }

    /// Lateness and speed of a departure by service, `NEVER` where it cannot be used.
    pub(super) fn dated(&self, departure: u32, services: usize) -> &[i64] {
        &self.dated[departure as usize * services..][..services]
    }

    /// Makes sure the curve of a departure is there: for every load id its cost.
    pub(super) fn curve(&mut self, job: &Job<'_>, departure: u32, loads: &Loads) -> usize {
        let known = self.curve_at[departure as usize];
        if known != NONE {
            return known as usize;
        }
        let at = self.curves.len();
        if job.alone || self.collected || !self.refuses.is_empty() {
            for id in 0..loads.ids() {
                let parcels = loads.parcels(id);
                let kinds = loads.kinds_of.get(id).copied().unwrap_or(0);
                let alone = loads.alone(job, id);
                let cents = self.carried(job, departure, parcels, (&alone, kinds));
                self.curves.push(cents);
            }
        } else {
            self.add_curve(job, departure, loads);
        }
        self.curve_at[departure as usize] = u32::try_from(at).unwrap_or(NONE);
        at
    }

    /// Adds the curve of a departure where no demand ships alone.
    fn add_curve(&mut self, job: &Job<'_>, departure: u32, loads: &Loads) {
        let (lanes, destination) = (job.lanes, job.request.destination);
        let services = lanes.carriers.len();
        let class = usize::from(self.rows[departure as usize].class);
        let per_parcel = lanes.sites[usize::from(destination.sample[class])].per_parcel;
        let start = self.curves.len();
        self.curves.resize(start + loads.ids(), NEVER);
        for service in 0..services {
            let dated = self.dated[departure as usize * services + service];
            let zone = destination.zones(class, services)[service];
            if dated >= NEVER {
                continue;
            }
            let row = self.row(job, service, zone, loads);
            let costs = &self.rows_of[row..row + loads.ids()];
            let curve = &mut self.curves[start..start + loads.ids()];
            if per_parcel == 0 {
                for (best, cents) in curve.iter_mut().zip(costs) {
                    *best = (*best).min(cents.wrapping_add(dated));
                }
                continue;
            }
            let billing = usize::from(lanes.tariffs.billing_of[service]);
            for (id, (best, cents)) in curve.iter_mut().zip(costs).enumerate() {
                let parcels = loads.parcels(id)[billing].count();
                let cartons = i64::try_from(parcels).ok();
                let cartons = cartons.and_then(|n| n.checked_mul(per_parcel));
                if let Some(cartons) = cartons.filter(|&c| c <= AMOUNT_MAX) {
                    *best = (*best).min(cents + cartons + dated);
                }
            }
        }
    }

    /// Postage and surcharges of every load id by a service to a zone, worked out once for all
    /// locations in it: where they start.
    fn row(&mut self, job: &Job<'_>, service: usize, zone: u8, loads: &Loads) -> usize {
        let tariffs = &job.lanes.tariffs;
        let number = tariffs.row(service, zone);
        let (stamp, known) = self.row_at[number];
        if stamp == self.stamp {
            return known as usize;
        }
        let start = self.rows_of.len();
        let billing = usize::from(tariffs.billing_of[service]);
        for id in 0..loads.ids() {
            let parcels = loads.parcels(id)[billing];
            let postage = tariffs.tariff(service, zone, parcels);
            self.rows_of.push(if postage < NEVER {
                tariffs.at_least(service, postage) + parcels.extra
            } else {
                NEVER
            });
        }
        self.row_at[number] = (self.stamp, u32::try_from(start).unwrap_or(NONE));
        start
    }

    /// The curve that starts at `at`.
    pub(super) fn curve_row(&self, at: usize, loads: &Loads) -> &[i64] {
        &self.curves[at..at + loads.ids()]
    }
}

/// Largest range of keys that is numbered through a table; beyond, through sorting.
const TABLE_MAX: u64 = 1 << 14;
/// No number yet.
const UNNUMBERED: u32 = u32::MAX;

/// What every subset of the demands weighs, as parcels. Subsets that every service bills alike
/// have one load id.
#[derive(Debug, Default)]
pub(super) struct Loads {
    /// By subset: weight and volume.
    sums: Vec<Load>,
    /// By subset: load id. The empty subset has one too, never used.
    pub(super) id_of: Vec<u16>,
    /// By load id and billing: the parcels.
    parcels: Vec<Parcels>,
    /// By load id: which of its demands ship alone; empty where none does.
    alone_of: Vec<Set>,
    /// By load id: its kinds; empty where no service refuses any.
    kinds_of: Vec<u64>,
    billings: usize,
    keys: Vec<u64>,
    sorted: Vec<u64>,
    table: Vec<u32>,
}

impl Loads {
    /// The parcels of a load by billing, appended to `into`.
    pub(super) fn of(job: &Job<'_>, load: Load, into: &mut Vec<Parcels>) {
        into.clear();
        into.extend(all_parcels(job, load));
    }

    /// The units of a subset of the demands that ship alone.
    pub(super) fn alone_in(job: &Job<'_>, set: Set) -> SmallVec<[(u16, u32); SETS_DEMANDS_MAX]> {
        if !job.alone {
            return SmallVec::new();
        }
        let demands = (0u16..).zip(job.request.demands);
        let alone = demands.filter(|(i, d)| d.ships_alone && set >> i & 1 == 1);
        alone.map(|(i, demand)| (i, demand.qty.0)).collect()
    }

    fn alone(&self, job: &Job<'_>, id: usize) -> SmallVec<[(u16, u32); SETS_DEMANDS_MAX]> {
        Self::alone_in(job, self.alone_of.get(id).copied().unwrap_or(0))
    }

    /// How many different loads there are.
    pub(super) fn ids(&self) -> usize {
        self.parcels.len().checked_div(self.billings).unwrap_or(1)
    }

    fn parcels(&self, id: usize) -> &[Parcels] {
        &self.parcels[id * self.billings..(id + 1) * self.billings]
    }

    /// Works out all subsets of `demands` (at most 16).
    pub(super) fn fill(&mut self, job: &Job<'_>, departures: &Departures) {
        let demands = job.request.demands;
        self.sums.clear();
        self.sums.push(Load::default());
        for demand in demands {
            let one = demand.load(demand.qty);
            let known = self.sums.len();
            self.sums.resize(2 * known, Load::default());
            let (known, new) = self.sums.split_at_mut(known);
            for (new, known) in new.iter_mut().zip(known) {
                *new = known.plus(one);
            }
        }
        self.billings = job.lanes.tariffs.billings.len();
        self.id_of.clear();
        self.id_of.resize(self.sums.len(), 0);
        let mut ids = 1;
        for (number, billing) in job.lanes.tariffs.billings.iter().enumerate() {
            let rules = job.request.destination.rules(number);
            ids = self.refine(ids, |_, load| billing.key(load));
            if !rules.is_empty() {
                let extra = |_, load| billing.parcels(load, rules).extra;
                ids = self.refine(ids, |at, load| u64::try_from(extra(at, load)).unwrap_or(0));
            }
        }
        let refusals = departures.refusals();
        for &set in &refusals {
            ids = self.refine(ids, |_, load| u64::from(load.kinds & set != 0));
        }
        let mut alone = 0;
        if job.alone {
            let alone_bits = demands.iter().enumerate().filter(|(_, d)| d.ships_alone);
            alone = alone_bits.fold(0, |set: usize, (i, _)| set | 1 << i);
            ids = self.refine(ids, |subset, _| (subset & alone) as u64);
        }
        debug_assert!(ids <= self.sums.len() as u64, "{ids} load ids");
        // One subset of each id tells what the id's parcels are.
        self.parcels.clear();
        self.alone_of.clear();
        self.kinds_of.clear();
        let mut next = 0u32;
        for (subset, &id) in self.id_of.iter().enumerate() {
            if u32::from(id) == next {
                next += 1;
                self.parcels.extend(all_parcels(job, self.sums[subset]));
                if !refusals.is_empty() {
                    self.kinds_of.push(self.sums[subset].kinds);
                }
                if job.alone {
                    let set = Set::try_from(subset & alone).unwrap_or(Set::MAX);
                    self.alone_of.push(set);
                }
            }
        }
    }

    /// Tells apart the subsets of one id that differ by `key_of`, which is asked for every subset
    /// and its load; ids are numbered by first appearance.
    fn refine(&mut self, ids: u64, mut key_of: impl FnMut(usize, Load) -> u64) -> u64 {
        self.keys.clear();
        let mut most = 0;
        for (subset, (&sum, &id)) in self.sums.iter().zip(&self.id_of).enumerate() {
            let key = key_of(subset, sum) * ids + u64::from(id);
            most = most.max(key);
            self.keys.push(key);
        }
        if most >= TABLE_MAX {
            self.sorted.clear();
            self.sorted.extend_from_slice(&self.keys);
            self.sorted.sort_unstable();
            self.sorted.dedup();
            for key in &mut self.keys {
                *key = self.sorted.partition_point(|&k| k < *key) as u64;
            }
            most = self.sorted.len() as u64;
        }
        self.table.clear();
        self.table
            .resize(usize::try_from(most).unwrap_or(0) + 1, UNNUMBERED);
        let mut next = 0;
        for (id, &key) in self.id_of.iter_mut().zip(&self.keys) {
            let number = &mut self.table[usize::try_from(key).unwrap_or(0)];
            if *number == UNNUMBERED {
                *number = next;
                next += 1;
            }
            // As many ids as subsets at the most, counted from 0.
            *id = u16::try_from(*number).unwrap_or(u16::MAX);
        }
        u64::from(next)
    }
}

/// The parcels of a load by billing, with the surcharges of the destination.
pub(super) fn all_parcels<'a>(
    job: &'a Job<'_>,
    load: Load,
) -> impl Iterator<Item = Parcels> + use<'a> {
    let billings = job.lanes.tariffs.billings.iter().enumerate();
    let destination = job.request.destination;
    billings.map(move |(number, billing)| billing.parcels(load, destination.rules(number)))
}
