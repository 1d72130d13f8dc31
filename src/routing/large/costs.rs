//! What every place asks for every demand of a large order, all of it at the least: what the proof
//! of a bound (`prove`) counts with.
//!
//! Every offer gets a line under its costs: a base, and a price for each gram, such that no shipment
//! from it costs less than the base and its weight at that price (what it costs to carry bends with
//! every weight step; the line touches where a fair part of the order would lie). Then a set of open
//! offers costs at least its bases and, for every demand, the cheapest open offers or the short cost.

use super::super::cargo::Load;
use super::super::departures::Departures;
use super::super::lanes::{NO_ZONE, finite};
use super::super::request::{Demand, Job};
use super::super::surcharges::Rule;
use super::offers::{Offer, Offers};
use super::stairs::{Stairs, Steps};
use crate::model::Qty;
use std::cmp::Reverse;

/// Parts of a cent that costs are counted in, so that rounding down a demand's weight costs little.
pub(super) const PARTS: i64 = 64;
/// What costs more than this many parts is not looked at closely: no sum comes near an overflow.
const MOST: i64 = 1 << 44;
/// Most cells of the table of costs.
const CELLS_MAX: usize = 1 << 22;
/// How many prices of a gram are tried for the line of an offer.
const PRICES: i128 = 32;
/// Most full parcels of a shipment that are told apart; of more only the price of a gram is known.
const FULL_MAX: u64 = 24;
/// Offers that say by what an order is measured.
const MEASURED: usize = 6;
/// What is heavier is not told apart: no product overflows.
const GRAMS_MOST: u64 = 1 << 48;
/// Prices of a gram are counted in millionths of a cent.
const MICRO: i128 = 1_000_000;

/// A line under what carrying costs.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Under {
    /// Cents at no weight.
    pub(in super::super) base: i64,
    /// Millionths of a cent for every gram.
    pub(in super::super) slope: i128,
    /// Goods are weighed by their mm³ over this; by mass where it is none, or by what an order is measured by.
    pub(in super::super) divisor: Option<u32>,
}

impl Under {
    /// Carrying costs nothing or more.
    pub(in super::super) const NONE: Self = Self {
        base: 0,
        slope: 0,
        divisor: None,
    };

    fn by_measure((base, slope): (i64, i128)) -> Self {
        Self {
            base,
            slope,
            divisor: None,
        }
    }
}

/// What an offer has of a demand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) demand: u32,
    /// Of a demand that ships whole: 1, the whole.
    pub(super) units: u32,
    /// Goods and weight of one of these.
    pub(super) each: i64,
}

/// A second row of a demand that may be divided: how many places ship some of it.
///
/// Where no place has more than `m` of the `q` units that are wanted, all of them come from ⌈q ÷ m⌉
/// places or more. Let `r` be what the last of these ships when the others ship `m`: then the places
/// and a `r`-th of the units that stay short are ⌈q ÷ m⌉ at the least (rounding as in Nemhauser and
/// Wolsey 1990). So each place that ships some may have a price besides the prices of its units.
#[derive(Debug, Clone, Copy)]
struct Count {
    /// Its row and that of the units.
    row: usize,
    units: usize,
    rest: i64,
}

/// Cubic millimetres of what counts for a gram where orders are measured by volume.
const MM3: u64 = 5_000;

/// By what goods are weighed here. What a carrier bills is no less than either says; which says more depends on
/// the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Mass,
    /// As grams of [`MM3`] each, every unit rounded down.
    Volume,
}

impl Measure {
    fn of(self, demand: &Demand, units: Qty) -> u64 {
        match self {
            Self::Mass => demand.load(units).grams,
            Self::Volume => (demand.load(Qty(1)).mm3 / MM3).saturating_mul(units.0.into()),
        }
    }

    /// The most that goods can be which a service bills as so many grams; `None` where volume does not count.
    fn billed(self, grams: u64, divisor: Option<u32>) -> Option<u64> {
        match self {
            Self::Mass => Some(grams),
            Self::Volume => {
                let mm3 = grams.saturating_mul(u64::from(divisor?));
                Some(mm3.div_ceil(MM3))
            }
        }
    }
}

/// Costs of a large order by offer and demand, in parts. A row is a demand, or how many places ship some of
/// a demand.
#[derive(Debug)]
pub(super) struct Costs {
    /// How many demands there are: the rows after them count places.
    pub(super) demands: usize,
    /// By offer: its location.
    pub(super) locations: Vec<u16>,
    /// By offer: what a shipment costs at the least besides its goods and weight, the split penalty
    /// included.
    pub(super) bases: Vec<i64>,
    /// By offer: where its cells start; one more for the end.
    starts: Vec<usize>,
    /// By offer: where its cells of demands end, and those of places begin.
    ends: Vec<usize>,
    cells: Vec<Cell>,
    counts: Vec<Count>,
    /// By row: units or places that are wanted; 1 of a demand that ships whole.
    pub(super) wanted: Vec<i64>,
    /// By row: the square of the most that a cell has of it; how far its price moves is divided by it.
    pub(super) scales: Vec<i64>,
    measure: Measure,
    /// By row: whether it is a demand that ships whole or not at all.
    pub(super) whole: Vec<bool>,
    /// By row: what one of the wanted costs when it is short.
    pub(super) short: Vec<i64>,
    /// By row: whether places enough have it that a set of them may have all that is wanted.
    pub(super) able: Vec<bool>,
    /// By row: the highest price where all of it ships that is able to; no sum of these overflows.
    pub(super) lifted: Vec<i64>,
    /// Most shipments.
    pub(super) most: usize,
    pub(super) split: i64,
    /// Percent of the usual work.
    pub(super) effort: u16,
    /// The steps that the lines lie under, where those of whole shipments are known.
    pub(super) stairs: Option<Stairs>,
}

impl Costs {
    /// Lays out the costs; `None` where they are too many or too large.
    pub(super) fn new(job: &Job<'_>, offers: &Offers, departures: &Departures) -> Option<Self> {
        let measure = measure(job, offers, departures);
        Self::laid_out(job, offers, departures, (&[], measure, true))
    }

    /// The same without the steps that the lines lie under.
    pub(super) fn of_lines(
        job: &Job<'_>,
        offers: &Offers,
        departures: &Departures,
    ) -> Option<Self> {
        let measure = measure(job, offers, departures);
        Self::laid_out(job, offers, departures, (&[], measure, false))
    }

    /// The same where the lines of some offers are known: somebody else looks at the steps then.
    pub(super) fn with_lines(
        job: &Job<'_>,
        offers: &Offers,
        departures: &Departures,
        known: &[Option<Under>],
    ) -> Option<Self> {
        Self::laid_out(job, offers, departures, (known, Measure::Mass, false))
    }

    fn laid_out(
        job: &Job<'_>,
        offers: &Offers,
        departures: &Departures,
        (known, measure, with_steps): (&[Option<Under>], Measure, bool),
    ) -> Option<Self> {
        let demands = job.request.demands;
        if offers.rows.is_empty() || offers.cells() > CELLS_MAX as u64 {
            return None;
        }
        let split = parts(job.policy.split_penalty.0)?;
        let mut new = Self {
            demands: demands.len(),
            locations: offers.rows.iter().map(|offer| offer.location).collect(),
            bases: Vec::with_capacity(offers.rows.len()),
            starts: vec![0],
            ends: Vec::new(),
            cells: Vec::new(),
            counts: Vec::new(),
            scales: Vec::new(),
            measure,
            wanted: Vec::with_capacity(demands.len()),
            whole: offers
                .divisible
                .iter()
                .map(|divisible| !divisible)
                .collect(),
            short: Vec::with_capacity(demands.len()),
            able: Vec::new(),
            lifted: Vec::new(),
            most: usize::from(job.policy.max_shipments),
            split,
            effort: job.policy.effort_percent,
            stairs: None,
        };
        new.add_demands(job, offers)?;
        let all = Whole::of(job, new.measure);
        let grams = demands.iter().zip(&new.whole).map(|(demand, whole)| {
            let units = if *whole { demand.qty } else { Qty(1) };
            i64::try_from(new.measure.of(demand, units)).unwrap_or(i64::MAX)
        });
        let mut stairs = match with_steps {
            true => Stairs::new(all.grams, grams.collect()),
            false => None,
        };
        let mut lines: Vec<Option<Under>> = Vec::new();
        for (number, offer) in offers.rows.iter().enumerate() {
            let departure = offer.departure as usize;
            if lines.len() <= departure {
                lines.resize(departure + 1, None);
            }
            let known = known.get(number).copied().flatten();
            let mut steps: Option<Steps> = None;
            let line = known.or(lines[departure]).unwrap_or_else(|| {
                let points = Points::of(job, offer, departures, all);
                if stairs.is_some() {
                    let weight = i64::try_from(all.grams).unwrap_or(i64::MAX);
                    let several = |steps| Stairs::of_several(steps, weight, split, new.most);
                    steps = points.steps().map(several);
                    if steps.is_none() {
                        stairs = None;
                    }
                }
                Under::by_measure(points.line(all.grams / 3))
            });
            if known.is_none() {
                lines[departure] = Some(line);
            }
            let fixed = parts(offer.handling)? + split;
            new.bases.push(parts(line.base.max(0))? + fixed);
            if let Some(stairs) = &mut stairs {
                stairs.add(
                    offer.departure,
                    fixed,
                    line.slope * i128::from(PARTS),
                    steps,
                );
            }
            for good in &offer.goods {
                let cell = new.cell(job, offer, *good, line)?;
                new.cells.push(cell);
            }
            new.starts.push(new.cells.len());
        }
        new.count_places();
        new.stairs = stairs;
        Some(new)
    }

    /// Adds the rows that count places, and the scales of all.
    fn count_places(&mut self) {
        let mut most = vec![1; self.demands];
        for cell in &self.cells {
            let most = &mut most[cell.demand as usize];
            *most = i64::from(cell.units).max(*most);
        }
        let mut row_of = vec![None; self.demands];
        for (units, &most) in most.iter().enumerate() {
            let wanted = self.wanted[units];
            if self.whole[units] || most >= wanted {
                continue;
            }
            let rest = (wanted - 1) % most + 1;
            let row = self.wanted.len();
            row_of[units] = u32::try_from(row).ok();
            self.counts.push(Count { row, units, rest });
            self.wanted.push((wanted - 1) / most + 1);
            self.short.push(self.short[units] * rest);
            self.whole.push(false);
        }
        self.scales = most.iter().map(|most| most * most).collect();
        self.scales.resize(self.wanted.len(), 1);
        let cells = std::mem::take(&mut self.cells);
        for offer in 0..self.bases.len() {
            let own = &cells[self.starts[offer]..self.starts[offer + 1]];
            self.starts[offer] = self.cells.len();
            self.cells.extend_from_slice(own);
            self.ends.push(self.cells.len());
            let counted = own.iter().filter_map(|cell| row_of[cell.demand as usize]);
            self.cells.extend(counted.map(|demand| Cell {
                demand,
                units: 1,
                each: 0,
            }));
        }
        self.starts.pop();
        self.starts.push(self.cells.len());
        self.lift();
    }

    /// Finds out which rows can be had whole, and how high their prices may rise then.
    fn lift(&mut self) {
        let mut units: Vec<Vec<i64>> = vec![Vec::new(); self.wanted.len()];
        for cell in &self.cells {
            units[cell.demand as usize].push(cell.units.into());
        }
        let rows = i64::try_from(self.wanted.len()).unwrap_or(i64::MAX);
        let all = units.iter_mut().zip(&self.wanted).zip(&self.short);
        let (able, lifted) = all
            .map(|((units, &wanted), &short)| {
                units.sort_unstable_by_key(|u| std::cmp::Reverse(*u));
                let able = units.iter().take(self.most).sum::<i64>() >= wanted;
                let share = MOST / rows.max(1) / wanted.max(1);
                (able, if able { share.max(short) } else { short })
            })
            .unzip();
        (self.able, self.lifted) = (able, lifted);
        for count in &self.counts {
            let able = self.able[count.units] && self.able[count.row];
            for row in [count.units, count.row] {
                self.able[row] = able;
                if !able {
                    self.lifted[row] = self.short[row];
                }
            }
        }
    }

    /// What a set of places costs more than its prices say, at the least, where something is short that is
    /// able to ship.
    pub(super) fn spared(&self, prices: &[i64]) -> i64 {
        let mut spared: Vec<i64> = self.short[..self.demands].to_vec();
        for (spared, price) in spared.iter_mut().zip(prices) {
            *spared -= price;
        }
        for count in &self.counts {
            // A short unit saves a part of a place as well.
            spared[count.units] -= (prices[count.row] + count.rest - 1).div_euclid(count.rest);
        }
        let able = spared.iter().zip(&self.able).filter(|s| *s.1);
        able.map(|s| *s.0).min().unwrap_or(i64::MAX).max(0)
    }

    /// The demands that may be divided and can be had whole.
    pub(super) fn divided(&self) -> impl Iterator<Item = usize> {
        (0..self.demands).filter(|&row| !self.whole[row] && self.able[row])
    }

    /// Lowers prices of places, where one short unit costs less than its price and its part of theirs;
    /// `unable`: only of demands that cannot be had whole.
    pub(super) fn tie(&self, prices: &mut [i64], unable: bool) {
        let counts = self.counts.iter();
        for count in counts.filter(|count| !(unable && self.able[count.row])) {
            let left = self.short[count.units] - prices[count.units];
            prices[count.row] = prices[count.row].min(left * count.rest);
        }
    }

    fn add_demands(&mut self, job: &Job<'_>, offers: &Offers) -> Option<()> {
        let units: i64 = job.request.demands.iter().map(|d| i64::from(d.qty.0)).sum();
        let short = if job.may_short_some() {
            parts(job.policy.short_per_unit.0)?
        } else {
            // Dear enough that every plan with something short is dearer than every other.
            MOST / 2 / units.max(1)
        };
        (short.checked_mul(units)? < MOST).then_some(())?;
        for (i, demand) in job.request.demands.iter().enumerate() {
            let units = i64::from(demand.qty.0 - offers.lost[i]);
            let (wanted, each) = if self.whole[i] {
                (1, units)
            } else {
                (units, 1)
            };
            self.wanted.push(wanted);
            self.short.push(short * each);
        }
        Some(())
    }

    fn cell(
        &self,
        job: &Job<'_>,
        offer: &Offer,
        (line, units, cents): (u16, u32, i64),
        under: Under,
    ) -> Option<Cell> {
        let demand = usize::from(line);
        let of = &job.request.demands[demand];
        let (amount, divisor) = match under.divisor {
            Some(divisor) => (of.load(Qty(1)).mm3, divisor.max(1)),
            None => (self.measure.of(of, Qty(1)), 1),
        };
        // Weighed together, rounded down once. Of fewer units each pays more for its line.
        let weight = under.slope * i128::from(PARTS) * i128::from(units);
        let weight = weight.checked_mul(amount.into())? / (MICRO * i128::from(divisor));
        let goods = parts(
            cents
                .checked_mul(units.into())?
                .checked_add(offer.per_line)?,
        )?;
        let all = goods.checked_add(i64::try_from(weight).ok()?)?;
        let (units, each) = if self.whole[demand] {
            (1, all)
        } else {
            (units, all.div_euclid(i64::from(units.max(1))))
        };
        (all < MOST).then_some(Cell {
            demand: line.into(),
            units,
            each,
        })
    }

    pub(super) fn offers(&self) -> usize {
        self.bases.len()
    }

    pub(super) fn cells(&self) -> u64 {
        self.cells.len() as u64
    }

    /// How many cells an offer has on average, rounded up.
    pub(super) fn average(&self) -> usize {
        self.cells.len().div_ceil(self.bases.len().max(1))
    }

    pub(super) fn cells_of(&self, offer: u32) -> &[Cell] {
        let at = offer as usize;
        &self.cells[self.starts[at]..self.starts[at + 1]]
    }

    /// The cells of demands.
    pub(super) fn goods_of(&self, offer: u32) -> &[Cell] {
        let at = offer as usize;
        &self.cells[self.starts[at]..self.ends[at]]
    }

    /// What an offer saves where one of every demand is worth its price.
    #[inline]
    pub(super) fn gain(&self, offer: u32, prices: &[i64]) -> i64 {
        // No price and no cost is above `MOST`, and no sum of short costs: nothing here overflows. This is
        // where the time goes, so it is not checked again.
        let cells = self.cells_of(offer).iter();
        cells.fold(0, |sum: i64, cell| {
            let over = prices[cell.demand as usize].wrapping_sub(cell.each).max(0);
            sum.wrapping_add(over.wrapping_mul(i64::from(cell.units)))
        })
    }

    /// What a set of open offers costs at the least by some prices, the split penalty of all shipments
    /// but the first included.
    pub(super) fn known(&self, open: &[u32], prices: &[i64]) -> i64 {
        let each = open.iter();
        let each = each.map(|&o| self.bases[o as usize] - self.gain(o, prices));
        self.worth(prices) - self.split + each.sum::<i64>()
    }

    /// Prices to start from, where so many places ship: the least cost of each demand and an even
    /// share of the bases.
    pub(super) fn fair_prices(&self, places: usize) -> Vec<i64> {
        let mut prices = self.short.clone();
        for cell in &self.cells {
            let price = &mut prices[cell.demand as usize];
            *price = (*price).min(cell.each);
        }
        let base = self.bases.iter().copied().min().unwrap_or(0);
        let all: i64 = self.wanted[..self.demands].iter().sum();
        let share = base.saturating_mul(i64::try_from(places).unwrap_or(1)) / all.max(1);
        let demands = prices.iter_mut().zip(&self.short).take(self.demands);
        for (price, short) in demands {
            *price = (*price + share).min(*short);
        }
        self.tie(&mut prices, false);
        prices
    }

    /// What everything that is wanted is worth.
    pub(super) fn worth(&self, prices: &[i64]) -> i64 {
        prices.iter().zip(&self.wanted).map(|(p, w)| p * w).sum()
    }

    /// What a set of open offers costs at the least, the split penalty of every shipment included.
    pub(super) fn least(&self, open: &[u32]) -> i64 {
        let mut cost = self.short.clone();
        let mut divided: Vec<(usize, i64, i64)> = Vec::new();
        let mut all = 0;
        for &offer in open {
            all += self.bases[offer as usize];
            for cell in self.goods_of(offer) {
                let demand = cell.demand as usize;
                if self.whole[demand] {
                    cost[demand] = cost[demand].min(cell.each);
                } else if cell.each < self.short[demand] {
                    divided.push((demand, cell.each, cell.units.into()));
                }
            }
        }
        divided.sort_unstable();
        let mut left = self.wanted.clone();
        for (demand, each, units) in divided {
            let units = units.min(left[demand]);
            left[demand] -= units;
            all += units * each;
        }
        let demands = cost.iter().zip(&left).take(self.demands);
        all + demands.map(|(c, l)| c * l).sum::<i64>()
    }
}

fn parts(cents: i64) -> Option<i64> {
    cents.checked_mul(PARTS).filter(|&p| p < MOST)
}

/// The line under what carrying costs from an offer, handling apart, that is highest at a third
/// of the order: its
/// base in cents and its price of a gram in millionths of a cent. `all` is the load of the order.
pub(super) fn under(
    job: &Job<'_>,
    offer: &Offer,
    departures: &Departures,
    all: Load,
) -> (i64, i128) {
    let whole = Whole {
        load: all,
        measure: Measure::Mass,
        grams: all.grams,
    };
    Points::of(job, offer, departures, whole).line(all.grams / 3)
}

/// All of an order.
#[derive(Debug, Clone, Copy)]
struct Whole {
    load: Load,
    measure: Measure,
    /// By that.
    grams: u64,
}

impl Whole {
    fn of(job: &Job<'_>, measure: Measure) -> Self {
        let demands = job.request.demands.iter();
        let loads = demands.clone().map(|d| d.load(d.qty));
        let each = demands.map(|d| measure.of(d, d.qty));
        Self {
            load: loads.fold(Load::default(), Load::plus),
            measure,
            grams: each.fold(0, u64::saturating_add),
        }
    }
}

/// The measure by which half of an order costs more, at the least, from some offers together.
fn measure(job: &Job<'_>, offers: &Offers, departures: &Departures) -> Measure {
    let every = offers.rows.len().div_ceil(MEASURED).max(1);
    let cost = |measure| {
        let all = Whole::of(job, measure);
        let rows = offers.rows.iter().step_by(every);
        let least = |offer| Points::any_of(job, offer, departures, all).least(all.grams / 2);
        rows.map(least).fold(0, i64::saturating_add)
    };
    if cost(Measure::Volume) > cost(Measure::Mass) {
        Measure::Volume
    } else {
        Measure::Mass
    }
}

/// What carrying costs from an offer, handling apart.
struct Points {
    /// A shipment of so many grams at the most costs so many cents at the least; a parcel of it, where it is
    /// not known of all.
    points: Vec<(u64, i64)>,
    /// The price of a gram of full parcels, in millionths of a cent, where an order may fill one.
    top: Option<i128>,
    /// Whether that is known of all shipments: how many parcels each has.
    counted: bool,
}

impl Points {
    /// The steps, where there are any and they are those of whole shipments.
    fn steps(&self) -> Option<Steps> {
        (self.counted && !self.points.is_empty()).then(|| Stairs::steps_of(&self.points, PARTS))
    }

    /// What so many grams cost at the least, by the points.
    fn least(&self, grams: u64) -> i64 {
        let holds = self.points.iter().filter(|p| p.0 >= grams);
        holds.map(|p| p.1).min().unwrap_or(0)
    }

    /// The line under the points that is highest at a weight.
    fn line(&self, grams: u64) -> (i64, i128) {
        let Self { points, top, .. } = self;
        // Steeper than to the lowest point from nothing no line has a base.
        let each = points
            .iter()
            .map(|p| i128::from(p.1) * MICRO / i128::from(p.0.max(1)));
        let steepest = each.min().unwrap_or(0);
        let top = top.map_or(steepest, |top| top.min(steepest));
        let line = |price: i128| {
            let over = points
                .iter()
                .map(|p| i128::from(p.1) * MICRO - price * i128::from(p.0));
            (over.min().unwrap_or(0).div_euclid(MICRO), price)
        };
        let lines = (0..=PRICES).map(|part| line(top * part / PRICES));
        let usable = lines.filter(|l| l.0 >= 0);
        let highest = usable.max_by_key(|l| l.0 * MICRO + l.1 * i128::from(grams));
        let (base, price) = highest.unwrap_or((0, 0));
        (i64::try_from(base).unwrap_or(0), price)
    }

    fn of(job: &Job<'_>, offer: &Offer, departures: &Departures, all: Whole) -> Self {
        let mut new = Self::any_of(job, offer, departures, all);
        new.points = lowest(new.points);
        new
    }

    /// The same, and points that are below others.
    fn any_of(job: &Job<'_>, offer: &Offer, departures: &Departures, all: Whole) -> Self {
        let known = departures.get(offer.departure);
        if job.request.pickup.is_some() {
            return Self {
                points: vec![(all.grams, known.least)],
                top: Some(0),
                counted: true,
            };
        }
        let mut always_counted = true;
        let tariffs = &job.lanes.tariffs;
        let services = job.lanes.carriers.len();
        let zones = job
            .request
            .destination
            .zones(usize::from(known.class), services);
        let mut points: Vec<(u64, i64)> = Vec::new();
        let mut top: Option<i128> = None;
        for (service, &zone) in zones.iter().enumerate() {
            let dated = departures.dated(offer.departure, services)[service];
            if zone == NO_ZONE || !finite(dated) {
                continue;
            }
            let billing = usize::from(tariffs.billing_of[service]);
            let rules = job.request.destination.rules(billing);
            // Every parcel pays these, and there is at least one.
            let flat: i64 = rules.iter().map(Rule::flat).sum();
            let parcel = flat + job.lanes.sites[usize::from(offer.location)].per_parcel;
            let full = tariffs.full_parcel(service, zone);
            let most = tariffs.billings[billing].full_parcels(all.load);
            // A shipment is full parcels and what is left; what ships alone weighs nothing here and adds to it.
            let counted = most <= FULL_MAX;
            always_counted &= counted;
            let within = counted || most == 0;
            let billing = &tariffs.billings[billing];
            let divisor = billing.divisor;
            // Volume counts above a threshold: up to that there may be any, for the cheapest parcel.
            let small = match all.measure {
                Measure::Mass => 0,
                Measure::Volume => u64::from(billing.threshold_cm3) * 1_000 / MM3,
            };
            for (grams, cents) in tariffs.steps(service, zone) {
                for more in 0..=if counted { most } else { 0 } {
                    let Some((heaviest, dear)) = full.or((more == 0).then_some((0, 0))) else {
                        break;
                    };
                    let parcels = i64::try_from(more).unwrap_or(i64::MAX);
                    let cents = cents + parcels * dear;
                    let cents = if counted {
                        tariffs.at_least(service, cents)
                    } else {
                        cents
                    };
                    let grams = grams.saturating_add(more.saturating_mul(heaviest));
                    let grams = all.measure.billed(grams, divisor).unwrap_or(GRAMS_MOST);
                    let grams = grams.max(small).min(GRAMS_MOST.max(all.grams));
                    // No shipment is heavier than all of it, nor a parcel where one holds all.
                    let grams = if within { grams.min(all.grams) } else { grams };
                    points.push((grams, cents + dated + parcel * (parcels + 1)));
                }
            }
            // How many parcels there may be is not known: each costs at least a line.
            if let (false, Some((grams, cents))) = (within, full) {
                let grams = all.measure.billed(grams, divisor).unwrap_or(GRAMS_MOST);
                let price = i128::from(cents) * MICRO / i128::from(grams.max(1));
                top = Some(top.map_or(price, |t| t.min(price)));
            }
        }
        Self {
            points,
            top,
            counted: always_counted,
        }
    }
}

/// The points that are not below a heavier one which costs no more, by ascending weight.
fn lowest(mut points: Vec<(u64, i64)>) -> Vec<(u64, i64)> {
    points.sort_unstable_by_key(|&(grams, cents)| (cents, Reverse(grams)));
    let mut heaviest = None;
    points.retain(|&(grams, _)| {
        let heavier = heaviest.is_none_or(|most| most < grams);
        heaviest = heaviest.max(Some(grams));
        heavier
    });
    points
}

#[cfg(test)]
impl Costs {
    /// Some places and demands, more of both than one place has.
    pub(super) fn random(dice: &mut super::super::tests::kit::Dice) -> Self {
        let (offers, demands) = (3 + dice.below(9), 2 + dice.below(9));
        let whole: Vec<bool> = (0..demands).map(|_| !dice.once_in(4)).collect();
        let wanted = whole
            .iter()
            .map(|&w| if w { 1 } else { dice.between(2, 9) });
        let mut new = Self {
            demands: usize::try_from(demands).unwrap(),
            // Some locations have two hand-overs.
            locations: (0..u16::try_from(offers).unwrap())
                .map(|offer| offer - u16::from(offer % 3 == 1))
                .collect(),
            bases: Vec::new(),
            starts: vec![0],
            ends: Vec::new(),
            cells: Vec::new(),
            counts: Vec::new(),
            scales: Vec::new(),
            wanted: wanted.collect(),
            short: (0..demands)
                .map(|_| dice.between(1, 40) * 100 * PARTS)
                .collect(),
            able: Vec::new(),
            lifted: Vec::new(),
            whole,
            measure: Measure::Mass,
            most: usize::try_from(1 + dice.below(6)).unwrap(),
            split: 150 * PARTS,
            effort: 100,
            stairs: None,
        };
        for _ in 0..offers {
            new.bases.push(dice.between(150, 1_500) * PARTS);
            for demand in 0..demands {
                if dice.once_in(2) {
                    continue;
                }
                let whole = new.whole[usize::try_from(demand).unwrap()];
                new.cells.push(Cell {
                    demand: u32::try_from(demand).unwrap(),
                    units: if whole {
                        1
                    } else {
                        u32::try_from(1 + dice.below(6)).unwrap()
                    },
                    each: dice.between(10, 500) * PARTS,
                });
            }
            new.starts.push(new.cells.len());
        }
        new.count_places();
        new
    }
}

#[cfg(test)]
mod tests {
    /// Of any units from places that have so many at the most, the places and a part of what is
    /// short are as many as `Count` says.
    #[test]
    fn places_and_a_part_of_what_is_short_are_enough() {
        for wanted in 2..40i64 {
            for most in 1..wanted {
                let rest = (wanted - 1) % most + 1;
                let places = (wanted - 1) / most + 1;
                let shipped = |short: i64| (wanted - short + most - 1) / most;
                let least = (0..=wanted)
                    .map(|short| shipped(short) * rest + short)
                    .min();
                assert_eq!(least, Some(places * rest), "{wanted} of {most}");
            }
        }
    }
}
