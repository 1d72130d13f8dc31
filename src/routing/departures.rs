//! Departures: what a hand-over from a lane class costs with each service, before anything is in
//! the shipment.
//!
//! Locations of one lane class that hand over at the same moment share a departure, and departures on one
//! date from classes with the same zones and cartons share their rates, whatever their hours: so dates and
//! tariffs are looked up once for all of them.

use super::candidates::Set;
use super::cargo::Load;
use super::carriage::{Alone, Carriage, Singles};
use super::lanes::finite;
use super::request::Job;
use super::request::SETS_DEMANDS_MAX;
use super::subsets::BySet;
use super::surcharges::Rule;
use super::tariff::{AMOUNT_MAX, NEVER, Parcels};
use crate::model::{Day, EpochMillis};
use smallvec::SmallVec;

/// A price that was not worked out yet.
const UNKNOWN: i64 = i64::MIN;
/// One price takes about as long as so many of a curve.
const CURVE_IDS: usize = 4;
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
    /// Its row of `rates`.
    rates: u32,
}

/// What the departures of one carriage class on one date have in common.
#[derive(Debug, Clone, Copy)]
struct Rates {
    /// See [`Departure::least`].
    least: i64,
    /// See [`Departure::reaches`].
    reaches: bool,
    /// Postage, lateness and speed of a shipment with everything; `UNKNOWN` at first.
    whole: i64,
    /// Where the curve starts; `NONE` before it is filled.
    curve_at: u32,
}

/// The departures of one request.
#[derive(Debug, Default, Clone)]
pub(super) struct Departures {
    rows: Vec<Departure>,
    rates: Vec<Rates>,
    /// By rates and service: lateness and speed in cents, or `NEVER`.
    dated: Vec<i64>,
    /// By lane class: its departure for stock that is there now, and the least of that.
    now: Vec<(u32, i64)>,
    /// The local date of the request's moment and that of a hand-over; nothing beyond the calendar.
    dates: Vec<Option<(Day, Day)>>,
    /// By dates and run: lateness and speed of what leaves then.
    runs: Vec<i64>,
    /// By dates and carriage class: the rates, or `NONE`.
    rates_at: Vec<u32>,
    /// By rates and load id: the best postage, lateness and speed; rows filled on demand.
    curves: Vec<i64>,
    /// By row of postage, see `row`: what one load id after the other costs to carry.
    rows_of: Vec<i64>,
    /// By row of the tariffs: its costs.
    row_at: Vec<Row>,
    /// Number of the request: what is marked with another one is of no use any more.
    stamp: u32,
    /// By row of hours: the hand-over of stock that is there now.
    leaving: Vec<Leaving>,
    /// By day of hand-over, for some days, and run: when that is delivered.
    delivered: Vec<Day>,
    delivered_of: [Option<Day>; DAYS],
    runs_in_row: usize,
    /// The network of the last request.
    serial: u64,
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

/// What the loads of a request cost by a row of the tariffs.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    /// The request.
    stamp: u32,
    /// Where they start.
    start: u32,
    /// What the dearest of them costs.
    most: i64,
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

/// The hand-over, at some hours, of stock that is there at the moment of a request. The calendar is asked
/// once for all requests until then.
#[derive(Debug, Clone, Copy)]
struct Leaving {
    /// The request for which its dates were looked up last.
    stamp: u32,
    handover: Option<Handover>,
    /// Its row of `dates`.
    dates: u32,
    /// Of requests between these moments, both included, the hand-over is the same.
    from: EpochMillis,
    until: EpochMillis,
}

impl Leaving {
    /// Nothing is known.
    const NEW: Self = Self {
        stamp: 0,
        handover: None,
        dates: 0,
        from: EpochMillis(1),
        until: EpochMillis(0),
    };
}

/// For so many days of hand-over it is kept when what leaves then is delivered.
const DAYS: usize = 8;

/// The delivery of what is never delivered: beyond any wait that is counted.
const UNDELIVERED: Day = Day(i32::MAX);

impl Departures {
    /// Forgets the last request.
    pub(super) fn start(&mut self, job: &Job<'_>) {
        self.rows.clear();
        self.rates.clear();
        self.dated.clear();
        self.dates.clear();
        self.runs.clear();
        self.rates_at.clear();
        self.curves.clear();
        self.rows_of.clear();
        self.now.clear();
        self.now
            .resize(job.request.destination.sample.len(), (NONE, NEVER));
        let lanes = job.lanes;
        self.collected = job.request.pickup.is_some();
        self.slope = match self.collected {
            // The first price of a gram is none.
            true => 0,
            false => lanes.tariffs.slope(job.request.demands),
        };
        self.fill_refuses(job);
        self.plain = lanes.plain && !job.alone && self.refuses.is_empty();
        self.flat.clear();
        if !self.plain {
            self.singles.fill(job);
            self.fill_flat(job);
        }
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 || self.serial != lanes.serial {
            // Another network, or the numbers start over: old marks would look new.
            let hours = lanes.hours.len();
            self.stamp = 1;
            self.serial = lanes.serial;
            self.runs_in_row = lanes.runs();
            self.leaving.clear();
            self.leaving.resize(hours, Leaving::NEW);
            self.delivered.clear();
            self.delivered.resize(DAYS * self.runs_in_row, UNDELIVERED);
            self.delivered_of = [None; DAYS];
            self.row_at.clear();
        }
        self.row_at.resize(lanes.tariffs.rows(), Row::default());
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

    /// The kinds of items of the request that a service does not take.
    pub(super) fn refused(&self, service: usize) -> u64 {
        self.refuses.get(service).copied().unwrap_or(0)
    }

    /// Whether some service does not take some kind of item of the request.
    pub(super) fn refuses_some(&self) -> bool {
        !self.refuses.is_empty()
    }

    fn fill_flat(&mut self, job: &Job<'_>) {
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
        self.least_now(job, class).0
    }

    /// The same, and its least.
    #[inline]
    pub(super) fn least_now(&mut self, job: &Job<'_>, class: u16) -> (u32, i64) {
        let known = self.now[usize::from(class)];
        if known.0 != NONE {
            return known;
        }
        self.add_now(job, class)
    }

    /// The departure of a lane class with stock that is there at `ready`.
    pub(super) fn add(&mut self, job: &Job<'_>, class: u16, ready: EpochMillis) -> u32 {
        let hours = job.request.destination.hours[usize::from(class)];
        let handover = handover(job, hours, ready);
        let ship_at = handover.map_or(EpochMillis::DISTANT_FUTURE, |h| h.ship_at);
        let dates = self.dates(job, handover);
        self.push(job, (class, ready, ship_at), dates)
    }

    /// Adds the departure of a lane class with stock that is there now.
    fn add_now(&mut self, job: &Job<'_>, class: u16) -> (u32, i64) {
        let hours = usize::from(job.request.destination.hours[usize::from(class)]);
        if self.leaving[hours].stamp != self.stamp {
            self.leave_now(job, hours);
        }
        let Leaving {
            handover, dates, ..
        } = self.leaving[hours];
        let ship_at = handover.map_or(EpochMillis::DISTANT_FUTURE, |h| h.ship_at);
        let departure = self.push(job, (class, job.request.now, ship_at), dates);
        let new = (departure, self.rows[departure as usize].least);
        self.now[usize::from(class)] = new;
        new
    }

    #[inline]
    fn push(
        &mut self,
        job: &Job<'_>,
        (class, ready, ship_at): (u16, EpochMillis, EpochMillis),
        dates: u32,
    ) -> u32 {
        let destination = job.request.destination;
        let carriage = usize::from(destination.carriage[usize::from(class)]);
        let at = dates as usize * destination.carriages + carriage;
        let mut rates = self.rates_at[at];
        if rates == NONE {
            rates = self.add_rates(job, usize::from(class), dates);
            self.rates_at[at] = rates;
        }
        let Rates { least, reaches, .. } = self.rates[rates as usize];
        self.rows.push(Departure {
            class,
            ready,
            ship_at,
            least,
            reaches,
            rates,
        });
        u32::try_from(self.rows.len() - 1).unwrap_or(NONE)
    }

    /// Works out what every service costs on some dates, from a lane class.
    fn add_rates(&mut self, job: &Job<'_>, class: usize, dates: u32) -> u32 {
        let (lanes, destination) = (job.lanes, job.request.destination);
        let mut new = Rates {
            least: NEVER,
            reaches: self.collected,
            whole: UNKNOWN,
            curve_at: NONE,
        };
        if self.collected {
            if let Some((today, day)) = self.dates[dates as usize] {
                new.least = job.dated_cents(today, day);
            }
            let services = lanes.carriers.len();
            self.dated.resize(self.dated.len() + services, NEVER);
        } else {
            let rows = destination.rows(class, lanes.carriers.len());
            let (run_of, least_of) = (&*lanes.run_of, lanes.tariffs.least(self.slope));
            let runs = &self.runs[dates as usize * self.runs_in_row..][..self.runs_in_row];
            let per_parcel = match self.plain {
                true => 0,
                false => lanes.sites[usize::from(destination.sample[class])].per_parcel,
            };
            let flat = &*self.flat;
            let (mut reached, mut least) = (NEVER, NEVER);
            let dated = rows.iter().enumerate().map(|(service, &row)| {
                // There is no row where the service does not go.
                let row = row as usize;
                let (Some(&run), Some(&tariff)) = (run_of.get(row), least_of.get(row)) else {
                    return NEVER;
                };
                let cents = runs[usize::from(run)];
                let flat = flat.get(service).copied().unwrap_or(0);
                reached = reached.min(tariff);
                least = least.min(tariff + cents + flat + per_parcel);
                cents
            });
            self.dated.extend(dated);
            new.least = least.min(NEVER);
            new.reaches = finite(reached);
        }
        self.rates.push(new);
        u32::try_from(self.rates.len() - 1).unwrap_or(NONE)
    }

    /// Looks up the hand-over of stock that is there now.
    fn leave_now(&mut self, job: &Job<'_>, hours: usize) {
        let mut leaving = self.leaving[hours];
        let now = job.request.now;
        if now < leaving.from || leaving.until < now {
            leaving.handover = handover(job, u16::try_from(hours).unwrap_or(u16::MAX), now);
            leaving.from = now;
            leaving.until = leaving
                .handover
                .and_then(|h| job.lanes.hours[hours].same_until(h.today, (h.ship_at, h.day)))
                .unwrap_or(now);
        }
        leaving.stamp = self.stamp;
        leaving.dates = self.dates(job, leaving.handover);
        self.leaving[hours] = leaving;
    }

    /// The row of a hand-over's dates.
    fn dates(&mut self, job: &Job<'_>, handover: Option<Handover>) -> u32 {
        let dates = handover.map(|h| (h.today, h.day));
        let known = self.dates.iter().position(|d| *d == dates);
        let row = known.unwrap_or_else(|| {
            self.add_dates(job, dates);
            self.dates.len() - 1
        });
        u32::try_from(row).unwrap_or(NONE)
    }

    fn add_dates(&mut self, job: &Job<'_>, dates: Option<(Day, Day)>) {
        self.dates.push(dates);
        let carriages = job.request.destination.carriages;
        self.rates_at.resize(self.dates.len() * carriages, NONE);
        let Some((today, day)) = dates else {
            self.runs.resize(self.dates.len() * self.runs_in_row, NEVER);
            return;
        };
        let at = usize::try_from(day.0).unwrap_or(0) % DAYS;
        let of_day = at * self.runs_in_row..(at + 1) * self.runs_in_row;
        let delivered = &mut self.delivered[of_day];
        if self.delivered_of[at] != Some(day) {
            self.delivered_of[at] = Some(day);
            for (run, delivered) in (0..=u16::MAX).zip(&mut *delivered) {
                *delivered = job.lanes.delivery(run, day).unwrap_or(UNDELIVERED);
            }
        }
        let delivered = delivered.iter();
        self.runs
            .extend(delivered.map(|&day| job.dated_cents(today, day)));
    }

    /// What a weight costs at the least in every lower bound, beside the base of its shipment.
    pub(super) fn weight_cents(&self, job: &Job<'_>, grams: u64) -> i64 {
        job.lanes.tariffs.slope_cents(self.slope, grams)
    }

    /// The least by which a load costs more from any departure than the least of that departure.
    pub(super) fn least_beyond(&self, job: &Job<'_>, loads: &Loads, id: usize) -> i64 {
        if self.collected {
            return 0;
        }
        let tariffs = &job.lanes.tariffs;
        let parcels = loads.parcels(id).iter().enumerate();
        let beyond = parcels.map(|(billing, &p)| tariffs.beyond(self.slope, billing, p));
        beyond.min().unwrap_or(0)
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
        let rates = self.rows[departure as usize].rates as usize;
        let known = self.rates[rates].whole;
        if known != UNKNOWN {
            return known;
        }
        let cents = self.carried(job, departure, whole, (alone, kinds));
        self.rates[rates].whole = cents;
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
        &self.dated[self.rows[departure as usize].rates as usize * services..][..services]
    }

    /// Whether it is quicker to work out the curve of a departure than to price so many sets one by one.
    /// So many slots have some of the departures.
    pub(super) fn wants_curve(
        &self,
        departure: u32,
        (sets, slots): (usize, usize),
        loads: &Loads,
    ) -> bool {
        let rates = self.rows[departure as usize].rates;
        let known = self.rates[rates as usize].curve_at != NONE;
        known || CURVE_IDS * sets * slots.div_ceil(self.rates.len()) > loads.ids()
    }

    /// What carrying, lateness and speed of a set of demands cost.
    pub(super) fn carried_load(
        &self,
        job: &Job<'_>,
        departure: u32,
        loads: &Loads,
        set: Set,
    ) -> i64 {
        let id = usize::from(loads.of_set[set].id);
        let kinds = loads.kinds_of.get(id).copied().unwrap_or(0);
        let alone = loads.alone(job, id);
        self.carried(job, departure, loads.parcels(id), (&alone, kinds))
    }

    /// Makes sure the curve of a departure is there: for every load id its cost.
    pub(super) fn curve(&mut self, job: &Job<'_>, departure: u32, loads: &Loads) -> usize {
        let rates = self.rows[departure as usize].rates as usize;
        let known = self.rates[rates].curve_at;
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
        self.rates[rates].curve_at = u32::try_from(at).unwrap_or(NONE);
        at
    }

    /// Adds the curve of a departure where no demand ships alone.
    fn add_curve(&mut self, job: &Job<'_>, departure: u32, loads: &Loads) {
        let (lanes, destination) = (job.lanes, job.request.destination);
        let services = lanes.carriers.len();
        let Departure { class, rates, .. } = self.rows[departure as usize];
        let class = usize::from(class);
        let per_parcel = lanes.sites[usize::from(destination.sample[class])].per_parcel;
        let least_of = lanes.tariffs.least(self.slope);
        let start = self.curves.len();
        self.curves.resize(start + loads.ids(), NEVER);
        // No load costs more than this by the services so far: who asks more for any is of no use.
        let mut most = NEVER;
        for (service, &row) in destination.rows(class, services).iter().enumerate() {
            let dated = self.dated[rates as usize * services + service];
            if dated >= NEVER || least_of[row as usize] + dated + per_parcel >= most {
                continue;
            }
            let row = self.row(job, service, row as usize, loads);
            let costs = &self.rows_of[row.start as usize..][..loads.ids()];
            let curve = &mut self.curves[start..];
            if per_parcel == 0 || loads.one_parcel {
                let besides = dated + per_parcel;
                for (best, cents) in curve.iter_mut().zip(costs) {
                    *best = (*best).min(cents.wrapping_add(besides));
                }
                most = most.min(row.most + besides);
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

    /// Postage and surcharges of every load id by a service to a zone, which has a row of the tariffs: worked
    /// out once for all locations in it.
    fn row(&mut self, job: &Job<'_>, service: usize, number: usize, loads: &Loads) -> Row {
        let known = self.row_at[number];
        if known.stamp == self.stamp {
            return known;
        }
        let tariffs = &job.lanes.tariffs;
        let mut row = Row {
            stamp: self.stamp,
            start: u32::try_from(self.rows_of.len()).unwrap_or(NONE),
            most: 0,
        };
        let billing = usize::from(tariffs.billing_of[service]);
        let zone = tariffs.zone_of(service, number);
        self.rows_of.extend((0..loads.ids()).map(|id| {
            let parcels = loads.parcels(id)[billing];
            let mut cents = tariffs.tariff(service, zone, parcels);
            if cents < NEVER {
                cents = tariffs.at_least(service, cents) + parcels.extra;
            }
            row.most = row.most.max(cents);
            cents
        }));
        self.row_at[number] = row;
        row
    }

    /// The curve that starts at `at`.
    pub(super) fn curve_row(&self, at: usize, loads: &Loads) -> &[i64] {
        &self.curves[at..at + loads.ids()]
    }
}

/// When stock that is ready at a moment leaves, at some hours; `None` beyond the calendar.
fn handover(job: &Job<'_>, hours: u16, ready: EpochMillis) -> Option<Handover> {
    let hours = &job.lanes.hours[usize::from(hours)];
    let today = hours.date_of(job.request.now)?;
    let (ship_at, day) = hours.handover(ready)?;
    Some(Handover {
        ship_at,
        day,
        today,
    })
}

/// Largest range of keys that is numbered through a table; beyond, through sorting.
const TABLE_MAX: u64 = 1 << 14;
/// The same for each subset: a table takes as long as so many of its rows.
const TABLE_ROWS: u64 = 64;
/// No number yet.
const UNNUMBERED: u32 = u32::MAX;

/// What every subset of the demands weighs, as parcels. Subsets that every service bills alike
/// have one load id.
#[derive(Debug, Default)]
pub(super) struct Loads {
    /// By subset: weight and volume.
    sums: Vec<Load>,
    /// By subset: grams and mm³, where nothing else counts.
    weights: Vec<(u64, u64)>,
    /// By subset. The empty one has a load id too, never used.
    pub(super) of_set: BySet<OfSet>,
    /// Whether the units of all demands can be counted there.
    pub(super) counted: bool,
    /// By load id and billing: the parcels.
    parcels: Vec<Parcels>,
    /// Whether what is packed together is never more than one parcel.
    one_parcel: bool,
    /// By load id: which of its demands ship alone; empty where none does.
    alone_of: Vec<Set>,
    /// By load id: its kinds; empty where no service refuses any.
    kinds_of: Vec<u64>,
    billings: usize,
    keys: Vec<u64>,
    sorted: Vec<u64>,
    table: Vec<u32>,
}

/// What a subset of the demands comes to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OfSet {
    /// Load id.
    pub(super) id: u16,
    /// How many demands.
    pub(super) lines: u16,
    /// Units of all of them.
    pub(super) units: u32,
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
        self.alone_of.clear();
        self.kinds_of.clear();
        self.counted = u32::try_from(job.units).is_ok();
        let demands = job.request.demands;
        self.of_set[0] = OfSet::default();
        self.of_set.grow(demands.len(), |i, without, with| {
            for (with, without) in with.iter_mut().zip(without) {
                *with = OfSet {
                    id: 0,
                    lines: without.lines + 1,
                    // Not counted where that overflows.
                    units: without.units.wrapping_add(demands[i].qty.0),
                };
            }
        });
        if !self.fill_by_bracket(job, departures) {
            self.fill_by_key(job, departures);
        }
        self.one_parcel = self.parcels.iter().all(|p| p.full == 0);
    }

    /// The same where everything fits into one parcel and all services bill alike and charge nothing
    /// besides: then the load id is the bracket, less that of the lightest demand. `false`, and nothing
    /// is filled, where it is not so simple.
    fn fill_by_bracket(&mut self, job: &Job<'_>, departures: &Departures) -> bool {
        let demands = job.request.demands;
        let ([billing], []) = (&*job.lanes.tariffs.billings, &*departures.refuses) else {
            return false;
        };
        if job.alone || !job.request.destination.rules(0).is_empty() {
            return false;
        }
        let all = demands.iter().fold((0u64, 0u64), |(grams, mm3), demand| {
            let one = demand.load(demand.qty);
            let grams = grams.saturating_add(one.grams);
            (grams, mm3.saturating_add(one.mm3))
        });
        let Some(last) = billing.bracket_of(all.0, all.1) else {
            return false;
        };
        self.weights.clear();
        self.weights.push((0, 0));
        for demand in demands {
            let one = demand.load(demand.qty);
            let known = self.weights.len();
            self.weights.resize(2 * known, (0, 0));
            let (known, new) = self.weights.split_at_mut(known);
            for (new, (grams, mm3)) in new.iter_mut().zip(known) {
                // No more than all of it, which can be counted; volumes that cannot are of no account.
                *new = (grams.wrapping_add(one.grams), mm3.wrapping_add(one.mm3));
            }
        }
        // What is heavier is in no lower bracket.
        let singles = (0..demands.len()).map(|i| self.weights[1 << i]);
        let singles = singles.filter_map(|(grams, mm3)| billing.bracket_of(grams, mm3));
        let first = singles.min().unwrap_or(last);
        if usize::from(last - first) >= self.weights.len() {
            return false;
        }
        let of_set = self.of_set.upto(self.weights.len());
        for (of_set, &(grams, mm3)) in of_set.iter_mut().zip(&self.weights) {
            // Nothing at all may be lighter than any; nobody asks what it costs.
            of_set.id = billing.bracket_of_part(grams, mm3).saturating_sub(first);
        }
        self.billings = 1;
        self.parcels.clear();
        self.parcels.extend((first..=last).map(Parcels::one));
        true
    }

    fn fill_by_key(&mut self, job: &Job<'_>, departures: &Departures) {
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
        let mut next = 0u32;
        let of_set = self.of_set.first(self.sums.len());
        for (subset, of_set) in of_set.iter().enumerate() {
            if u32::from(of_set.id) == next {
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
        let of_set = self.of_set.first(self.sums.len());
        let mut most = 0;
        for (subset, (&sum, of_set)) in self.sums.iter().zip(of_set).enumerate() {
            let key = key_of(subset, sum) * ids + u64::from(of_set.id);
            most = most.max(key);
            self.keys.push(key);
        }
        if most >= TABLE_MAX.min(TABLE_ROWS * self.sums.len() as u64) {
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
        let of_set = self.of_set.upto(self.sums.len());
        for (of_set, &key) in of_set.iter_mut().zip(&self.keys) {
            let number = &mut self.table[usize::try_from(key).unwrap_or(0)];
            if *number == UNNUMBERED {
                *number = next;
                next += 1;
            }
            // As many ids as subsets at the most, counted from 0.
            of_set.id = u16::try_from(*number).unwrap_or(u16::MAX);
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
