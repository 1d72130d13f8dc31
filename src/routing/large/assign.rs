//! Which open place ships which goods of a large order, and what that costs.

use super::super::cargo::Load;
use super::super::departures::{Departures, Loads};
use super::super::request::Job;
use super::super::tariff::{NEVER, Parcels};
use super::offers::Offers;
use super::stairs::Shipped;
use crate::model::Qty;
use std::collections::BTreeMap;

/// Who ships what.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    /// The open places: numbers of offers.
    pub(super) open: Vec<usize>,
    /// By demand and open place: units.
    units: Vec<u32>,
    /// By open place: what is in its shipment, and what the shipment costs but for its goods.
    loads: Vec<Bundle>,
    carried: Vec<i64>,
    /// By open place: how many demands it ships some of.
    counts: Vec<u32>,
    /// The objective; `NEVER` when some shipment cannot be carried.
    pub(super) cents: i64,
}

impl Assignment {
    /// The places that ship some of a demand, and how many units.
    pub(super) fn of(&self, demand: usize) -> impl Iterator<Item = (usize, u32)> {
        let places = self.open.len();
        let units = &self.units[demand * places..(demand + 1) * places];
        units.iter().copied().enumerate().filter(|u| u.1 > 0)
    }

    /// The open places that ship something, ascending.
    pub(super) fn ships(&self) -> Vec<usize> {
        let used = self.open.iter().zip(&self.counts).filter(|u| *u.1 > 0);
        let mut places: Vec<usize> = used.map(|u| *u.0).collect();
        places.sort_unstable();
        places
    }

    fn shipped(&self, demand: usize) -> u32 {
        self.of(demand).map(|u| u.1).sum()
    }
}

/// What is in a shipment.
#[derive(Debug, Clone, Default)]
struct Bundle {
    /// What is packed together.
    load: Load,
    /// What ships alone; a demand may be there more than once.
    alone: Vec<(u16, u32)>,
}

impl Bundle {
    /// Adds units of a demand.
    fn add(&mut self, job: &Job<'_>, demand: usize, units: u32) {
        let one = &job.request.demands[demand];
        if one.ships_alone {
            self.alone.push((super::number(demand), units));
            self.load.kinds |= one.class.kind();
        } else {
            self.load = self.load.plus(one.load(Qty(units)));
        }
    }

    fn with(&self, job: &Job<'_>, demand: usize, units: u32) -> Self {
        let mut more = self.clone();
        more.add(job, demand, units);
        more
    }
}

/// Makes assignments.
pub(super) struct Assigner<'a> {
    job: &'a Job<'a>,
    offers: &'a Offers,
    departures: &'a Departures,
    /// What one short unit costs.
    short: i64,
    parcels: Vec<Parcels>,
    /// By demand and open place: units there and cents of one.
    there: Vec<(u32, i64)>,
    /// By the first demand of several that ship together or not at all: all of them.
    groups: BTreeMap<usize, Vec<usize>>,
}

impl<'a> Assigner<'a> {
    pub(super) fn new(
        job: &'a Job<'a>,
        offers: &'a Offers,
        departures: &'a Departures,
        short: i64,
    ) -> Self {
        Self {
            job,
            offers,
            departures,
            short,
            parcels: Vec::new(),
            there: Vec::new(),
            groups: groups(job),
        }
    }

    /// Gives every demand to the open place where its goods cost least, the one opened first of
    /// equal ones; a demand that may be divided takes the next when that has too little.
    pub(super) fn assign(&mut self, open: &[usize]) -> Assignment {
        self.spread(open);
        let mut new = self.hand_out(open, false);
        if new.cents >= NEVER {
            // Some shipment is more than any service carries: fill them only as far as one does.
            new = self.hand_out(open, true);
        }
        new
    }

    /// Gives the open places what somebody else chose, who knows nothing of demands that ship together, nor
    /// of what may be promised in all: `None` where it is not to be had.
    pub(super) fn assign_as(&mut self, open: &[usize], how: &[Shipped]) -> Option<Assignment> {
        if how.is_empty() || !self.groups.is_empty() {
            return None;
        }
        self.spread(open);
        let mut new = self.nothing(open);
        for &(demand, place, units) in how {
            // What ships whole counts as one.
            let units = match self.offers.divisible[demand] {
                true => units,
                false => self.job.request.demands[demand].qty.0,
            };
            new.units[demand * open.len() + place] = units;
            new.loads[place].add(self.job, demand, units);
            new.counts[place] += 1;
        }
        let caps = self.offers.caps.iter().enumerate();
        if caps.into_iter().any(|(i, &cap)| new.shipped(i) > cap) {
            return None;
        }
        self.price(&mut new);
        Some(new)
    }

    fn nothing(&self, open: &[usize]) -> Assignment {
        let (demands, places) = (self.job.request.demands.len(), open.len());
        Assignment {
            open: open.to_vec(),
            units: vec![0; demands * places],
            loads: vec![Bundle::default(); places],
            carried: vec![0; places],
            counts: vec![0; places],
            cents: 0,
        }
    }

    fn hand_out(&mut self, open: &[usize], careful: bool) -> Assignment {
        let demands = self.job.request.demands;
        let places = open.len();
        let mut new = self.nothing(open);
        let mut order: Vec<usize> = (0..places).collect();
        for (i, demand) in demands.iter().enumerate() {
            if demand.together != 0 {
                if let Some(members) = self.groups.get(&i).cloned() {
                    self.hand_out_together(&mut new, &members, careful);
                }
                continue;
            }
            let row = i * places;
            order.sort_by_key(|&p| (self.there[row + p].1, p));
            let mut left = demand.qty.0.min(self.offers.caps[i]);
            for &place in &order {
                let (there, cents) = self.there[row + place];
                // Shipments of one offer share its units.
                let shared = (0..place).filter(|&p| open[p] == open[place]);
                let gone: u32 = shared.map(|p| new.units[row + p]).sum();
                let mut units = there.saturating_sub(gone).min(left);
                if careful {
                    units = self.fitting(&new, place, i, units);
                }
                let whole = self.offers.divisible[i] || units == demand.qty.0;
                if units == 0 || !whole || cents > self.short {
                    continue;
                }
                left -= units;
                new.units[row + place] = units;
                new.loads[place].add(self.job, i, units);
                new.counts[place] += 1;
            }
        }
        self.price(&mut new);
        new
    }

    /// Gives demands that ship together to the open place with all of them whose goods cost least.
    fn hand_out_together(&mut self, new: &mut Assignment, members: &[usize], careful: bool) {
        let demands = self.job.request.demands;
        let places = new.open.len();
        let mut offers: Vec<(i64, usize)> = Vec::with_capacity(places);
        for place in 0..places {
            let mut cents = 0;
            let all = members.iter().all(|&i| {
                let (there, each) = self.there[i * places + place];
                cents += each.saturating_mul(demands[i].qty.0.into()).min(NEVER);
                // Shipments of one offer share its units.
                let shared = (0..place).filter(|&p| new.open[p] == new.open[place]);
                let gone: u32 = shared.map(|p| new.units[i * places + p]).sum();
                there.saturating_sub(gone) >= demands[i].qty.0
            });
            if all {
                offers.push((cents, place));
            }
        }
        offers.sort_unstable();
        let units: i64 = members.iter().map(|&i| i64::from(demands[i].qty.0)).sum();
        for (cents, place) in offers {
            let mut load = new.loads[place].clone();
            for &i in members {
                load.add(self.job, i, demands[i].qty.0);
            }
            if cents > self.short.saturating_mul(units)
                || (careful && self.carry(new, place, &load, 1) >= NEVER)
            {
                continue;
            }
            for &i in members {
                new.units[i * places + place] = demands[i].qty.0;
                new.counts[place] += 1;
            }
            new.loads[place] = load;
            return;
        }
    }

    /// How many of `units` of a demand some service still carries on top of a shipment.
    fn fitting(&mut self, of: &Assignment, place: usize, demand: usize, units: u32) -> u32 {
        let mut fit = units;
        while fit > 0 {
            let load = of.loads[place].with(self.job, demand, fit);
            if self.carry(of, place, &load, 1) < NEVER {
                return fit;
            }
            fit = if self.offers.divisible[demand] {
                fit / 2
            } else {
                0
            };
        }
        0
    }

    /// Lays out what the open places have.
    fn spread(&mut self, open: &[usize]) {
        let places = open.len();
        self.there.clear();
        self.there
            .resize(self.job.request.demands.len() * places, (0, NEVER));
        for (place, &offer) in open.iter().enumerate() {
            for &(line, units, cents) in &self.offers.rows[offer].goods {
                self.there[usize::from(line) * places + place] = (units, cents);
            }
        }
    }

    /// Adds up an assignment; `there` is laid out for it.
    fn price(&mut self, new: &mut Assignment) {
        let places = new.open.len();
        let mut cents = 0;
        for (i, demand) in self.job.request.demands.iter().enumerate() {
            for (place, units) in new.of(i) {
                cents += self.there[i * places + place].1 * i64::from(units);
                cents += self.offers.rows[new.open[place]].per_line;
            }
            cents += self.short * i64::from(demand.qty.0 - new.shipped(i));
        }
        let mut shipments = 0;
        for place in 0..places {
            new.carried[place] = self.carry(new, place, &new.loads[place], new.counts[place]);
            cents = (cents + new.carried[place]).min(NEVER);
            shipments += i64::from(new.counts[place] > 0);
        }
        new.cents = (cents + self.job.policy.split_penalty.0 * (shipments - 1).max(0)).min(NEVER);
    }

    /// What a shipment of `load` costs but for its goods.
    fn carry(&mut self, of: &Assignment, place: usize, load: &Bundle, count: u32) -> i64 {
        if count == 0 {
            return 0;
        }
        let offer = of.open[place];
        (self.carried(offer, load) + self.offers.rows[offer].handling).min(NEVER)
    }

    /// What opening a place would save, its shipment holding what is short now, as far as a
    /// service carries it.
    pub(super) fn gain(&mut self, now: &Assignment, offer: usize) -> i64 {
        let split = if now.open.is_empty() {
            0
        } else {
            self.job.policy.split_penalty.0
        };
        let fixed = self.offers.rows[offer].handling + split;
        let (saved, load) = self.missing(now, offer, false);
        let carried = self.carried(offer, &load);
        if carried < NEVER || saved == 0 {
            return saved - carried - fixed;
        }
        let (saved, load) = self.missing(now, offer, true);
        saved - self.carried(offer, &load) - fixed
    }

    /// What is short now and could ship with an offer: what that saves, and its load.
    fn missing(&mut self, now: &Assignment, offer: usize, careful: bool) -> (i64, Bundle) {
        let demands = self.job.request.demands;
        let line_cents = self.offers.rows[offer].per_line;
        let mut saved = 0;
        let mut load = Bundle::default();
        for &(line, units, cents) in &self.offers.rows[offer].goods {
            let i = usize::from(line);
            if demands[i].together != 0 {
                if let Some(members) = self.groups.get(&i).cloned() {
                    saved += self.missing_together(now, offer, &members, (&mut load, careful));
                }
                continue;
            }
            let units = units.min(demands[i].qty.0 - now.shipped(i));
            let fits = self.offers.divisible[i] || units == demands[i].qty.0;
            if units == 0 || !fits || cents >= self.short {
                continue;
            }
            if careful && self.carried(offer, &load.with(self.job, i, units)) >= NEVER {
                continue;
            }
            saved += (self.short - cents) * i64::from(units) - line_cents;
            load.add(self.job, i, units);
        }
        (saved, load)
    }

    /// What shipping demands that go together would save, where they are short now and all there.
    fn missing_together(
        &mut self,
        now: &Assignment,
        offer: usize,
        members: &[usize],
        (load, careful): (&mut Bundle, bool),
    ) -> i64 {
        let demands = self.job.request.demands;
        let row = &self.offers.rows[offer];
        let mut saved = 0;
        let mut with = load.clone();
        for &i in members {
            let there = row
                .goods
                .binary_search_by_key(&super::number(i), |good| good.0);
            let Some(&(_, units, cents)) = there.ok().map(|at| &row.goods[at]) else {
                return 0;
            };
            if units != demands[i].qty.0 || now.shipped(i) > 0 {
                return 0;
            }
            saved += (self.short - cents) * i64::from(units) - row.per_line;
            with.add(self.job, i, units);
        }
        if saved <= 0 || (careful && self.carried(offer, &with) >= NEVER) {
            return 0;
        }
        *load = with;
        saved
    }

    /// Postage, lateness and speed of a load from an offer.
    fn carried(&mut self, offer: usize, load: &Bundle) -> i64 {
        Loads::of(self.job, load.load, &mut self.parcels);
        let departure = self.offers.rows[offer].departure;
        self.departures.carried(
            self.job,
            departure,
            &self.parcels,
            (&load.alone, load.load.kinds),
        )
    }

    /// A shipment without all units of one demand.
    fn without(&self, of: &Assignment, place: usize, demand: usize) -> Bundle {
        let places = of.open.len();
        let one = self.job.request.demands[demand];
        let units = of.units[demand * places + place];
        let mut rest = of.loads[place].clone();
        rest.load = rest.load.less(one.load(Qty(units)));
        rest.alone.retain(|a| usize::from(a.0) != demand);
        if self.job.lanes.tariffs.measures && one.longest_mm == rest.load.longest_mm {
            let others = self.job.request.demands.iter().enumerate();
            let others = others.filter(|&(i, d)| {
                i != demand && !d.ships_alone && of.units[i * places + place] > 0
            });
            rest.load.longest_mm = others.map(|(_, d)| d.longest_mm).max().unwrap_or(0);
        }
        if one.class.kind() != 0 {
            let others = self.job.request.demands.iter().enumerate();
            let others = others.filter(|&(i, _)| i != demand && of.units[i * places + place] > 0);
            rest.load.kinds = others.fold(0, |all, (_, d)| all | d.class.kind());
        }
        rest
    }

    /// Moves whole demands from shipment to shipment while that saves something: goods that fill
    /// up a bracket elsewhere, or that are dearer to ship than to leave short.
    pub(super) fn relocate(&mut self, of: &mut Assignment) {
        self.spread(&of.open.clone());
        for i in 0..self.job.request.demands.len() {
            if !self.offers.divisible[i] && self.job.request.demands[i].together == 0 {
                self.relocate_one(of, i);
            }
        }
    }

    fn relocate_one(&mut self, of: &mut Assignment, i: usize) {
        let places = of.open.len();
        let demand = self.job.request.demands[i];
        let units = demand.qty.0;
        let Some((from, _)) = of.of(i).next() else {
            return;
        };
        let rest = self.without(of, from, i);
        let count = of.counts[from] - 1;
        let left = self.carry(of, from, &rest, count);
        let line_from = self.offers.rows[of.open[from]].per_line;
        let split = self.job.policy.split_penalty.0;
        let others = (0..places).any(|p| p != from && of.counts[p] > 0);
        let closed = if count == 0 && others { split } else { 0 };
        let goods = self.there[i * places + from].1 * i64::from(units) + line_from;
        let saved = of.carried[from] - left + closed + goods;
        // The best other place, or none: then it is short.
        let mut best = (self.short * i64::from(units) - saved, None, 0);
        for to in (0..places).filter(|&p| p != from && of.counts[p] > 0) {
            let (there, cents) = self.there[i * places + to];
            if there == units {
                let more = of.loads[to].with(self.job, i, units);
                let carried = self.carry(of, to, &more, of.counts[to] + 1);
                let goods = cents * i64::from(units) + self.offers.rows[of.open[to]].per_line;
                let change = carried - of.carried[to] + goods - saved;
                if change < best.0 {
                    best = (change, Some(to), carried);
                }
            }
        }
        let (change, to, carried) = best;
        if change >= 0 {
            return;
        }
        of.cents += change;
        of.units[i * places + from] = 0;
        of.loads[from] = rest;
        of.counts[from] = count;
        of.carried[from] = left;
        if let Some(to) = to {
            of.units[i * places + to] = units;
            of.loads[to].add(self.job, i, units);
            of.counts[to] += 1;
            of.carried[to] = carried;
        }
    }
}

/// Demands that ship together, by the first of each.
fn groups(job: &Job<'_>) -> BTreeMap<usize, Vec<usize>> {
    let mut first: BTreeMap<u16, usize> = BTreeMap::new();
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let demands = job.request.demands.iter().enumerate();
    for (i, demand) in demands.filter(|(_, d)| d.together != 0) {
        let first = *first.entry(demand.together).or_insert(i);
        groups.entry(first).or_default().push(i);
    }
    groups
}
