//! The ways to spread one demand over a set of shipments.

use super::super::cargo::Load;
use super::super::request::Job;
use super::super::tariff::NEVER;
use super::amounts::{MIXES, Place, Work};
use super::curves::{BEYOND, MICRO};
use super::entries::Entries;
use super::{Search, Units};
use crate::model::Qty;
use smallvec::SmallVec;

/// Most ways to spread one demand.
const WAYS_MAX: usize = 20_000;
/// Weights are counted in thousandths of a gram.
pub(super) const MILLI: i64 = 1_000;

/// By place: something.
pub(super) type Row<T> = SmallVec<[T; 4]>;

/// Demands that are spread as one: a single one, or some that ship together.
pub(super) struct Item<'a> {
    job: &'a Job<'a>,
    demands: SmallVec<[usize; 1]>,
    /// Whether it may be divided; else there is one of it, the whole.
    divided: bool,
    wanted: u32,
    /// By place: how many it has.
    there: Row<u32>,
    /// By place: cents of one, the same with what it costs to carry where it ships alone, and cents of there
    /// being any.
    each: Row<i64>,
    carried: Row<i64>,
    first: Row<i64>,
    /// What one costs short, in cents; `None` where that is not allowed.
    short: Option<i64>,
    /// What one weighs by mass, and by place by volume where that counts there, in thousandths of a gram.
    mass: i64,
    volumes: Row<i64>,
    /// The ways to spread it that may be worth it, the cheapest first.
    pub(super) ways: Vec<Way>,
}

/// A way to spread an item.
pub(super) struct Way {
    /// What it costs by the lines of the places.
    pub(super) cost: i64,
    /// By place: how many, and their load.
    pub(super) units: Row<u32>,
    pub(super) loads: Row<Load>,
}

impl<'a> Item<'a> {
    /// All that is to be spread over some places; `None` where it cannot be.
    pub(super) fn list(search: &Search<'a>, places: &[Place]) -> Option<Vec<Self>> {
        let demands = search.job.request.demands;
        let mut items = Vec::with_capacity(demands.len());
        for (i, demand) in demands.iter().enumerate() {
            let mates = |o: &usize| {
                *o == i || (demand.together != 0 && demands[*o].together == demand.together)
            };
            if search.frame.served >> i & 1 == 1 && !(0..i).any(|o| mates(&o)) {
                let members = (i..demands.len()).filter(mates).collect();
                let item = Self::new(search, places, members);
                if item.short.is_none() && item.reach() < u64::from(item.wanted) {
                    return None;
                }
                items.push(item);
            }
        }
        Some(items)
    }

    fn new(search: &Search<'a>, places: &[Place], demands: SmallVec<[usize; 1]>) -> Self {
        let (job, entries) = (search.job, search.entries);
        let divided = search.candidates.divisible >> demands[0] & 1 == 1;
        let units = |m: usize| match divided {
            true => 1,
            false => i64::from(job.request.demands[m].qty.0),
        };
        let there = |place: &Place| {
            if demands.iter().any(|&m| place.curve.goods >> m & 1 == 0) {
                return 0;
            }
            let end = entries.get(place.entry).end;
            if divided {
                let by_then = (place.entry..end).map(|by| entries.units(by, demands[0]));
                return by_then.min().unwrap_or(0);
            }
            let all = demands.iter().all(|&m| entries.units(place.entry, m) > 0);
            u32::from(all)
        };
        let each = |place: &Place| -> i64 {
            let each = demands.iter();
            each.map(|&m| entries.unit_cents(place.entry, m) * units(m))
                .sum()
        };
        let carried = |place: &Place| -> i64 {
            let alone = demands.iter();
            let alone = alone.map(|&m| match place.curve.goods >> m & 1 {
                1 => place.curve.single(m).saturating_mul(units(m)),
                _ => 0,
            });
            alone
                .fold(each(place), i64::saturating_add)
                .min(BEYOND / MICRO)
        };
        let lines = i64::try_from(demands.len()).unwrap_or(0);
        let first = |place: &Place| entries.get(place.entry).per_line * lines;
        let short: i64 = demands
            .iter()
            .map(|&m| job.policy.short_per_unit.0 * units(m))
            .sum();
        Self {
            job,
            divided,
            wanted: if divided {
                search.wanted(demands[0])
            } else {
                1
            },
            there: places.iter().map(there).collect(),
            carried: places.iter().map(carried).collect(),
            each: places.iter().map(each).collect(),
            first: places.iter().map(first).collect(),
            short: job.may_short_some().then_some(short),
            mass: 0,
            volumes: SmallVec::new(),
            ways: Vec::new(),
            demands,
        }
    }

    fn reach(&self) -> u64 {
        self.there.iter().map(|&there| u64::from(there)).sum()
    }

    /// The load of so many.
    pub(super) fn load(&self, units: u32) -> Load {
        if units == 0 {
            return Load::default();
        }
        let demands = self.job.request.demands;
        let one = |&m: &usize| match self.divided {
            true => demands[m].load(Qty(units)),
            false => demands[m].load(demands[m].qty),
        };
        self.demands
            .iter()
            .map(one)
            .fold(Load::default(), Load::plus)
    }

    /// Weighs it for some places.
    pub(super) fn weigh(&mut self, places: &[Place]) {
        self.mass = self.by_mass();
        let volumes = places.iter().map(|place| {
            let bulk = place.curve.bulk;
            bulk.map_or(0, |bulk| self.by_volume(bulk.divisor))
        });
        self.volumes = volumes.collect();
    }

    fn by_mass(&self) -> i64 {
        milli(self.load(1).grams)
    }

    /// A cubic millimetre weighs a gram at a divisor of one.
    fn by_volume(&self, divisor: u32) -> i64 {
        milli(self.load(1).mm3) / i64::from(divisor.max(1))
    }

    /// What one weighs for the line of a place: by mass, by volume, or by some of both.
    fn weight(&self, at: usize, place: &Place) -> i64 {
        match place.mix {
            0 => self.mass,
            MIXES => self.volumes[at],
            mix => {
                let (whole, part) = (i64::from(MIXES), i64::from(mix));
                self.mass / whole * (whole - part) + self.volumes[at] / whole * part
            }
        }
    }

    /// What as many as are shipped by the lines weigh by mass, or by volume over a divisor.
    pub(super) fn shipped(&self, places: &[Place], divisor: Option<u32>) -> i64 {
        let units: u32 = self.cheapest(places).iter().sum();
        let one = divisor.map_or(self.mass, |divisor| self.by_volume(divisor));
        one.saturating_mul(units.into())
    }

    /// Whether no more of it can ship than is shipped by the lines.
    pub(super) fn ships_all(&self, places: &[Place]) -> bool {
        let units: u64 = self.cheapest(places).iter().map(|&u| u64::from(u)).sum();
        units >= self.reach().min(self.wanted.into())
    }

    /// By how much more a plan costs at the least than by the lines, that ships less of it than they do.
    pub(super) fn one_more_short(&self, places: &[Place]) -> i64 {
        let Some(short) = self.short else {
            return BEYOND;
        };
        let units = self.cheapest(places);
        let used = (0..places.len()).filter(|&at| units[at] > 0);
        let dearest = used.map(|at| {
            let first = if self.divided {
                0
            } else {
                self.first[at] * MICRO
            };
            self.cost(at, &places[at]) + first
        });
        dearest
            .max()
            .map_or(BEYOND, |dearest| short * MICRO - dearest)
    }

    /// How many a place has.
    pub(super) fn there(&self, at: usize) -> u32 {
        self.there[at]
    }

    /// What so many cost at a place, in cents, but for carrying them.
    pub(super) fn goods(&self, at: usize, units: u32) -> i64 {
        match units {
            0 => 0,
            _ => self.each[at] * i64::from(units) + self.first[at],
        }
    }

    /// What the weight of so many costs by the line of a place.
    pub(super) fn weighs(&self, units: u32, (at, place): (usize, &Place)) -> i64 {
        let (slope, weight) = (place.line.slope, self.weight(at, place));
        let weight = i128::from(slope) * i128::from(weight) / i128::from(MILLI);
        i64::try_from(weight * i128::from(units)).unwrap_or(BEYOND)
    }

    /// Whether places share units of it, or a limit, beyond what each of them has.
    pub(super) fn shares(&self, search: &Search<'_>, places: &[Place]) -> bool {
        shares(search, self, places)
    }

    /// By place: how many are the cheapest by the lines.
    pub(super) fn cheapest(&self, places: &[Place]) -> Row<u32> {
        let mut units: Row<u32> = places.iter().map(|_| 0).collect();
        let mut costs = self.by_cost(places);
        if !self.divided {
            for (cost, at) in &mut costs {
                *cost += self.first[*at] * MICRO;
            }
            costs.sort_unstable();
        }
        let short = self.short.map_or(BEYOND, |short| short * MICRO);
        let mut left = self.wanted;
        for (_, at) in costs.into_iter().filter(|c| c.0 < short) {
            units[at] = self.there[at].min(left);
            left -= units[at];
        }
        units
    }

    /// What so many less than are wanted cost, in cents.
    pub(super) fn missing(&self, units: &[u32]) -> i64 {
        let shipped: u32 = units.iter().sum();
        self.short
            .unwrap_or(NEVER)
            .saturating_mul(i64::from(self.wanted - shipped))
    }

    /// What one costs at a place by its line.
    fn cost(&self, at: usize, place: &Place) -> i64 {
        let slope = place.line.slope;
        let one = self.weight(at, place);
        let weight = match slope.checked_mul(one) {
            Some(weight) => weight / MILLI,
            None => {
                let weight = i128::from(slope) * i128::from(one) / i128::from(MILLI);
                i64::try_from(weight).unwrap_or(0)
            }
        };
        self.carried[at] * MICRO + weight
    }

    /// The places that have some by what one costs there, with that.
    fn by_cost(&self, places: &[Place]) -> Row<(i64, usize)> {
        let some = places
            .iter()
            .enumerate()
            .filter(|&(at, _)| self.there[at] > 0);
        let mut costs: Row<(i64, usize)> = some.map(|(at, p)| (self.cost(at, p), at)).collect();
        costs.sort_unstable();
        costs
    }

    /// What it costs at the least by the lines.
    pub(super) fn least(&self, places: &[Place]) -> i64 {
        if self.divided {
            return self.least_from(&self.by_cost(places), self.wanted);
        }
        let short = self.short.map_or(BEYOND, |short| short * MICRO);
        let some = places
            .iter()
            .enumerate()
            .filter(|&(at, _)| self.there[at] > 0);
        let cost = |(at, place)| self.cost(at, place) + self.first[at] * MICRO;
        some.map(cost).fold(short, i64::min)
    }

    /// What so many cost at the least from some places, the cheapest first.
    fn least_from(&self, costs: &[(i64, usize)], mut units: u32) -> i64 {
        let mut sum = 0;
        let short = self.short.map_or(BEYOND, |short| short * MICRO);
        for &(cost, at) in costs {
            if cost >= short {
                break;
            }
            let taken = self.there[at].min(units);
            sum = cost.saturating_mul(taken.into()).saturating_add(sum);
            units -= taken;
        }
        match units {
            0 => sum.min(BEYOND),
            units => sum
                .saturating_add(short.saturating_mul(units.into()))
                .min(BEYOND),
        }
    }

    /// Lists the ways that cost at most so much more than the least; `false` when they are too many, or too
    /// much work.
    pub(super) fn list_ways(
        &mut self,
        search: &Search<'_>,
        places: &[Place],
        room: i64,
        work: &mut Work,
    ) -> bool {
        work.spend(2 * places.len());
        let costs = self.by_cost(places);
        let most = self.least(places).saturating_add(room);
        let mut ways = Ways {
            item: &*self,
            entries: search.entries,
            places,
            most,
            costs: &costs,
            units: places.iter().map(|_| 0).collect(),
            found: Vec::new(),
            shares: shares(search, self, places),
            work,
        };
        let done = if ways.item.divided {
            ways.spread(0, ways.item.wanted, 0)
        } else {
            ways.one();
            true
        };
        let mut found = ways.found;
        if done {
            work.spend(found.len());
            found.sort_unstable_by(|a, b| (a.cost, &a.units).cmp(&(b.cost, &b.units)));
        } else {
            // Some of them are none.
            found.clear();
        }
        self.ways = found;
        done
    }

    /// By how much the ways differ, in grams.
    pub(super) fn spread(&self) -> u64 {
        let places = self.there.len();
        let spread = |at: usize| {
            let loads = || self.ways.iter().map(|way| way.loads[at].grams);
            loads().max().unwrap_or(0) - loads().min().unwrap_or(0)
        };
        (0..places).map(spread).max().unwrap_or(0)
    }

    /// Puts so many into a shipment.
    pub(super) fn put(&self, units: u32, into: &mut Units) {
        for &m in &self.demands {
            into[m] = match self.divided {
                true => units,
                false => self.job.request.demands[m].qty.0 * units,
            };
        }
    }
}

/// Thousandths of something; of too much of it none, which is no more.
fn milli(amount: u64) -> i64 {
    let all = i64::try_from(amount).ok();
    all.and_then(|a| a.checked_mul(MILLI)).unwrap_or(0)
}

/// Whether places share units of an item, or a limit, beyond what each of them has.
fn shares(search: &Search<'_>, item: &Item<'_>, places: &[Place]) -> bool {
    let location = |place: &Place| search.entries.get(place.entry).location;
    let same = |at: usize| {
        places[..at]
            .iter()
            .any(|p| location(p) == location(&places[at]))
    };
    item.divided
        && (!search.entries.caps[item.demands[0]].is_empty() || (1..places.len()).any(same))
}

/// The listing of ways.
struct Ways<'w, 'a> {
    item: &'w Item<'a>,
    entries: &'w Entries,
    places: &'w [Place],
    /// What costs more is of no use.
    most: i64,
    /// Places with what one costs there, ascending.
    costs: &'w [(i64, usize)],
    units: Row<u32>,
    found: Vec<Way>,
    shares: bool,
    work: &'w mut Work,
}

impl Ways<'_, '_> {
    /// Spreads `left` over the places from number `next` on; `false` when there are too many ways, or that is
    /// too much work.
    fn spread(&mut self, next: usize, left: u32, spent: i64) -> bool {
        // Every place that comes later is looked at for the rest.
        self.work.spend(1 + self.costs.len() - next);
        if self.work.is_over() {
            return false;
        }
        let Some(&(cost, at)) = self.costs.get(next) else {
            if left > 0 && self.item.short.is_none() {
                return true;
            }
            let short = self.item.short.unwrap_or(0) * MICRO * i64::from(left);
            if spent + short <= self.most {
                self.add(spent + short);
            }
            return self.found.len() <= WAYS_MAX;
        };
        let mut most = self.item.there[at].min(left);
        if self.shares {
            most = most.min(self.room(at));
        }
        // The line may ask more for it than to leave it short, where in fact there is room for it.
        let short = self.item.short.is_some_and(|short| short * MICRO < cost);
        for step in 0..=most {
            let units = if short { step } else { most - step };
            let spent = cost.saturating_mul(units.into()).saturating_add(spent);
            let rest = &self.costs[next + 1..];
            let least = self.item.least_from(rest, left - units);
            if spent.saturating_add(least) > self.most {
                // All further ones are dearer still.
                break;
            }
            let first = if units > 0 {
                self.item.first[at] * MICRO
            } else {
                0
            };
            self.units[at] = units;
            if !self.spread(next + 1, left - units, spent + first) {
                return false;
            }
            self.units[at] = 0;
        }
        true
    }

    /// The ways of what ships whole.
    fn one(&mut self) {
        for &(cost, at) in self.costs {
            let cost = cost + self.item.first[at] * MICRO;
            if cost <= self.most {
                self.units[at] = 1;
                self.add(cost);
                self.units[at] = 0;
            }
        }
        if let Some(short) = self.item.short.filter(|s| s * MICRO <= self.most) {
            self.add(short * MICRO);
        }
    }

    fn add(&mut self, cost: i64) {
        self.work.spend(self.places.len());
        let item = self.item;
        self.found.push(Way {
            cost,
            units: self.units.clone(),
            loads: self.units.iter().map(|&units| item.load(units)).collect(),
        });
    }

    /// How many units a place may have besides those that the others have by now: no location gives more than
    /// it has by any time, and no limit is passed.
    fn room(&mut self, at: usize) -> u32 {
        let (entries, demand) = (self.entries, self.item.demands[0]);
        let entry = self.places[at].entry;
        let row = entries.get(entry);
        let caps = &entries.caps[demand];
        self.work
            .spend(((row.end - entry) as usize + caps.len()) * self.places.len());
        let taken = |within: &dyn Fn(u32) -> bool| -> u32 {
            let places = self.places.iter().zip(&self.units);
            let within = places.filter(|(place, _)| within(place.entry));
            // They are no more than are wanted.
            within.map(|(_, &units)| units).sum()
        };
        let mut room = u32::MAX;
        for by in entry..row.end {
            let taken = taken(&|entry| (row.first..=by).contains(&entry));
            room = room.min(entries.units(by, demand).saturating_sub(taken));
        }
        for cap in caps {
            let before = |entry| {
                cap.until
                    .is_none_or(|until| entries.get(entry).ready < until)
            };
            if before(entry) {
                room = room.min(cap.units.saturating_sub(taken(&before)));
            }
        }
        room
    }
}
