//! Which places can be open together: branch and bound over sets of them, for a proven bound.
//!
//! Every offer gets a line under its costs: a base, and a price for each gram, such that no shipment
//! from it costs less than the base and its weight at that price (what it costs to carry bends with
//! every weight step; the line touches where a fair part of the order would lie). Then a set of open
//! offers costs at least its bases and, for every demand, the cheapest open offer or the short cost.
//!
//! A set is grown demand by demand: of the demand that an offer outside the set would help most, each
//! offer that helps is tried in turn, later ones without the earlier, and at last none of them. So
//! every set is met once. What cannot be better than the best plan less a small tolerance is left
//! out, so that a search that ends proves the best plan to be that close to the optimum. The work is
//! counted; where it runs out, what was not looked at bounds the optimum instead.

use super::super::cargo::Load;
use super::super::departures::Departures;
use super::super::lanes::{NO_ZONE, finite};
use super::super::request::Job;
use super::super::surcharges::Rule;
use super::offers::{Offer, Offers};
use crate::model::Qty;
use smallvec::SmallVec;

/// Parts of a cent that costs are counted in, so that rounding down a demand's weight costs little.
const PARTS: i64 = 64;
/// What costs more than this many parts is not looked at closely: no sum overflows 32 bits.
const MOST: i64 = 1 << 29;
/// Not to be had.
const NONE: i32 = 1 << 30;
/// Most cells of the table of costs.
const CELLS_MAX: usize = 1 << 21;
/// How many prices of a gram are tried for the line of an offer.
const PRICES: i128 = 32;
/// A plan within so many thousandths of the optimum is good enough.
const TOLERANCE: i64 = 4;
/// Most costs that are looked at.
const WORK_MAX: u64 = 3_000_000;
/// Really pricing a set counts as so many costs for each offer and demand.
const PRICING: u64 = 100;

/// Costs of a large order by offer and demand, all of them at the least.
pub(super) struct Sets {
    demands: usize,
    offers: usize,
    /// By offer: what a shipment costs at the least besides its goods and weight, the split penalty
    /// included.
    bases: Vec<i32>,
    /// By offer and demand: goods and weight of all that is wanted; `NONE` where it is not there. Of
    /// a divisible demand: what is there.
    costs: Vec<i32>,
    /// By demand: the least of any offer, or the short cost.
    least: Vec<i32>,
    /// By demand: the short cost; of a divisible demand, of one unit beyond its least cost.
    short: Vec<i32>,
    /// Units of divisible demands, 0 of others.
    wanted: Vec<i32>,
    /// By divisible demand: the most units that so many offers add.
    reach: Vec<Vec<i64>>,
    /// By demand: which offers have it, as bits, and how many.
    holders: Vec<u64>,
    counts: Vec<u32>,
    words: usize,
    /// The least base.
    base: i64,
    most: usize,
    split: i32,
}

/// A node of the search: what a set of open offers comes to.
#[derive(Clone)]
struct Node {
    open: Vec<usize>,
    base: i64,
    /// By demand: cost from the open offers; of divisible ones the missing units.
    costs: Vec<i32>,
    /// Demands that no further offer serves better.
    fixed: Vec<bool>,
}

/// What a set of open offers costs at the least, in parts.
#[derive(Clone, Copy)]
struct Least {
    /// With no further offer.
    closed: i64,
    /// With any further offers, at least one.
    further: i64,
    /// The same, but for the bases and what divisible demands miss.
    free: i64,
}

/// The search, asking `plan` what a set of open offers really costs.
struct Run<'a, F> {
    sets: &'a Sets,
    plan: F,
    /// By offer: how many nodes above leave it out.
    banned: Vec<u32>,
    /// Parts: nothing of that cost or more is looked at.
    target: i64,
    /// Parts: the least bound of what was left.
    left: i64,
    work: u64,
}

impl Sets {
    /// Lays out the costs; `None` where they are too many or too large.
    pub(super) fn new(job: &Job<'_>, offers: &Offers, departures: &Departures) -> Option<Self> {
        let demands = job.request.demands;
        let rows = offers.rows.len();
        if rows == 0 || rows * demands.len() > CELLS_MAX {
            return None;
        }
        let unit_short = if job.may_short_some() {
            job.policy.short_per_unit.0
        } else {
            // Dear enough that every plan with something short is dearer than every other.
            let units: i64 = demands.iter().map(|d| i64::from(d.qty.0)).sum();
            MOST / 2 / PARTS / units.max(1)
        };
        let split = job.policy.split_penalty.0;
        let mut new = Self {
            demands: demands.len(),
            offers: rows,
            bases: Vec::with_capacity(rows),
            costs: vec![NONE; rows * demands.len()],
            least: Vec::with_capacity(demands.len()),
            short: Vec::with_capacity(demands.len()),
            wanted: Vec::with_capacity(demands.len()),
            reach: vec![Vec::new(); demands.len()],
            counts: Vec::new(),
            base: 0,
            holders: vec![0; demands.len() * rows.div_ceil(64)],
            words: rows.div_ceil(64),
            most: usize::from(job.policy.max_shipments),
            split: parts(split)?,
        };
        let loads = demands.iter().map(|d| d.load(d.qty));
        let total = loads.fold(Load::default(), Load::plus);
        let mut lines: Vec<Option<(i64, i128)>> = Vec::new();
        let mut units_least = vec![i64::MAX; demands.len()];
        for (at, offer) in offers.rows.iter().enumerate() {
            let departure = offer.departure as usize;
            if lines.len() <= departure {
                lines.resize(departure + 1, None);
            }
            let line =
                *lines[departure].get_or_insert_with(|| under(job, offer, departures, total));
            new.bases
                .push(parts(line.0.max(0) + offer.handling + split)?);
            for &(line_of, units, cents) in &offer.goods {
                let i = usize::from(line_of);
                let grams = demands[i].load(Qty(1)).grams;
                let each = i128::from(cents) * i128::from(PARTS)
                    + line.1 * i128::from(grams) * i128::from(PARTS) / MICRO;
                let each = i64::try_from(each).ok()?;
                new.holders[i * new.words + at / 64] |= 1 << (at % 64);
                units_least[i] = units_least[i].min(each);
                let cell = if offers.divisible[i] {
                    i64::from(units)
                } else {
                    // Weighed as a whole: the weight of many units is rounded down once.
                    let all = i128::from(grams) * i128::from(units) * i128::from(PARTS);
                    let weight = i64::try_from(line.1 * all / MICRO).ok()?;
                    cents * i64::from(units) * PARTS + offer.per_line * PARTS + weight
                };
                new.costs[at * new.demands + i] = small(cell)?;
            }
        }
        new.add_demands(job, offers, unit_short, &units_least)?;
        Some(new)
    }

    fn add_demands(
        &mut self,
        job: &Job<'_>,
        offers: &Offers,
        unit_short: i64,
        units_least: &[i64],
    ) -> Option<()> {
        for (i, demand) in job.request.demands.iter().enumerate() {
            let units = i64::from(demand.qty.0);
            let short = unit_short.checked_mul(PARTS)?;
            if !offers.divisible[i] {
                let cells = (0..self.offers).map(|at| self.costs[at * self.demands + i]);
                let short = small(short.checked_mul(units)?)?;
                self.least.push(cells.min().unwrap_or(NONE).min(short));
                self.short.push(short);
                self.wanted.push(0);
                continue;
            }
            let least = units_least[i].min(short);
            self.least.push(small(least.checked_mul(units)?)?);
            small((short - least).checked_mul(units)?)?;
            self.short.push(small(short - least)?);
            self.wanted.push(i32::try_from(units).ok()?);
            let mut there: Vec<i64> = (0..self.offers)
                .map(|at| i64::from(self.costs[at * self.demands + i]))
                .filter(|&units| units < i64::from(NONE))
                .collect();
            there.sort_unstable_by_key(|&units| std::cmp::Reverse(units));
            let mut sum = 0;
            self.reach[i].push(0);
            for units in there.into_iter().take(self.most) {
                sum += units;
                self.reach[i].push(sum);
            }
        }
        let words = self.holders.chunks(self.words);
        let counts = words.map(|words| words.iter().map(|w| w.count_ones()).sum());
        self.counts = counts.collect();
        self.base = i64::from(self.bases.iter().copied().min().unwrap_or(0));
        let all: i64 = (0..self.demands).map(|i| i64::from(self.alone(i))).sum();
        (all < MOST).then_some(())
    }

    /// What a demand costs when all of it is short.
    fn alone(&self, i: usize) -> i32 {
        match self.wanted[i] {
            0 => self.short[i],
            units => self.least[i] + self.short[i] * units,
        }
    }

    fn row(&self, offer: usize) -> &[i32] {
        &self.costs[offer * self.demands..(offer + 1) * self.demands]
    }

    /// What a demand of a node costs with no further offer.
    fn as_is(&self, i: usize, cost: i32) -> i32 {
        match self.wanted[i] {
            0 => cost,
            _ => self.least[i] + self.short[i] * cost,
        }
    }

    /// What `node` costs at the least, with one more offer open if `more` is one.
    fn bounds(&self, node: &Node, more: Option<usize>) -> Least {
        let open = node.open.len() + usize::from(more.is_some());
        let bases = node.base + more.map_or(0, |offer| i64::from(self.bases[offer]));
        let row = more.map(|offer| self.row(offer));
        let (mut closed, mut free) = (0, 0);
        let mut missing: SmallVec<[(usize, i64); 16]> = SmallVec::new();
        for i in 0..self.demands {
            let fixed = node.fixed[i];
            let cost = match row {
                Some(row) if !fixed => self.joined(i, node.costs[i], row[i]),
                _ => node.costs[i],
            };
            let as_is = self.as_is(i, cost);
            closed += i64::from(as_is);
            free += i64::from(if fixed {
                as_is
            } else {
                as_is.min(self.least[i])
            });
            if self.wanted[i] > 0 && !fixed {
                missing.push((i, i64::from(cost)));
            }
        }
        let mut further = i64::MAX;
        for shipments in 1..=self.most.saturating_sub(open) {
            let missed = missing.iter().map(|&(i, units)| {
                let reach = &self.reach[i];
                let had = reach[shipments.min(reach.len() - 1)];
                (units - had).max(0) * i64::from(self.short[i])
            });
            let extra = i64::try_from(shipments).unwrap_or(0) * self.base;
            further = further.min(bases + free + extra + missed.sum::<i64>());
        }
        Least {
            closed: bases + closed,
            further,
            free: bases + free,
        }
    }

    /// What a demand costs, or misses, when an offer with `cell` of it joins.
    fn joined(&self, i: usize, cost: i32, cell: i32) -> i32 {
        if cell >= NONE {
            cost
        } else if self.wanted[i] == 0 {
            cost.min(cell)
        } else {
            (cost - cell).max(0)
        }
    }

    /// The node with one more offer open.
    fn with(&self, node: &Node, offer: usize) -> Node {
        let mut new = node.clone();
        new.open.push(offer);
        new.base += i64::from(self.bases[offer]);
        let row = self.row(offer);
        for i in (0..self.demands).filter(|&i| !node.fixed[i]) {
            new.costs[i] = self.joined(i, node.costs[i], row[i]);
        }
        new
    }

    /// In cents, what no plan that ships something costs less than; `best` is the cost of the best one known, in cents, and
    /// `plan` tells the real cost of a set of open offers, after trying to do better with it.
    pub(super) fn prove(&self, best: i64, plan: impl FnMut(&[usize]) -> i64) -> i64 {
        let root = Node {
            open: Vec::new(),
            // The first shipment pays no split penalty.
            base: -i64::from(self.split),
            costs: (0..self.demands)
                .map(|i| {
                    if self.wanted[i] > 0 {
                        self.wanted[i]
                    } else {
                        self.short[i]
                    }
                })
                .collect(),
            fixed: vec![false; self.demands],
        };
        let mut run = Run {
            sets: self,
            plan,
            banned: vec![0; self.offers],
            target: 0,
            left: i64::MAX,
            work: WORK_MAX,
        };
        run.aim(best);
        let least = self.bounds(&root, None);
        run.grow(&root, least);
        run.left.min(run.target).max(0) / PARTS
    }
}

impl<F: FnMut(&[usize]) -> i64> Run<'_, F> {
    /// Only what is cheaper than this plan by more than the tolerance is of interest.
    fn aim(&mut self, cents: i64) {
        let parts = cents.saturating_mul(PARTS);
        let target = parts - parts / 1_000 * TOLERANCE;
        self.target = if self.target == 0 {
            target
        } else {
            self.target.min(target)
        };
    }

    /// Looks at the set of a node.
    fn look(&mut self, node: &Node, closed: i64) {
        if closed >= self.target {
            return;
        }
        let cents = (self.plan)(&node.open);
        self.aim(cents);
        let cells = node.open.len() * self.sets.demands;
        self.work = self.work.saturating_sub(PRICING * cells as u64);
        self.left = self.left.min(closed);
    }

    /// Looks at all larger sets that contain the node's.
    fn grow(&mut self, node: &Node, least: Least) {
        if least.further >= self.target {
            return;
        }
        if self.work == 0 {
            self.left = self.left.min(least.further);
            return;
        }
        let Some(branch) = self.branch(node, least) else {
            // No further offer helps, so none is opened.
            return;
        };
        let mut children: Vec<(i64, usize, Least)> = Vec::new();
        let helpers = self.helpers(node, branch, least);
        let cells = (helpers.len() + 1) * self.sets.demands;
        self.work = self.work.saturating_sub(cells as u64);
        for offer in helpers {
            let child = self.sets.bounds(node, Some(offer));
            let lower = child.closed.min(child.further);
            if lower < self.target {
                children.push((lower, offer, child));
            }
        }
        children.sort_by_key(|&(lower, offer, _)| (lower, offer));
        for &(lower, offer, child) in &children {
            if lower < self.target {
                let new = self.sets.with(node, offer);
                self.look(&new, child.closed);
                self.grow(&new, child);
            }
            // The later ones go without it.
            self.banned[offer] += 1;
        }
        // None of those that help; what was too dear with one of them is too dear with more.
        let mut without = node.clone();
        without.fixed[branch] = true;
        let least = self.sets.bounds(&without, None);
        self.grow(&without, least);
        for (_, offer, _) in children {
            self.banned[offer] -= 1;
        }
    }

    /// The demand to decide next: one that makes the set too dear as it is, the rarest of those; else
    /// the one that another offer would help most.
    fn branch(&self, node: &Node, least: Least) -> Option<usize> {
        let sets = self.sets;
        let slack = self.target - least.free - sets.base;
        let mut best = None;
        for i in (0..sets.demands).filter(|&i| !node.fixed[i]) {
            let as_is = sets.as_is(i, node.costs[i]);
            let gain = i64::from(as_is - sets.least[i].min(as_is));
            if gain > 0 {
                let must = gain >= slack;
                let rank = if must {
                    -i64::from(sets.counts[i])
                } else {
                    gain
                };
                best = best.max(Some((must, rank, std::cmp::Reverse(i))));
            }
        }
        best.map(|(_, _, i)| i.0)
    }

    /// The offers that serve `branch` better than the node does. Where only one more can be opened
    /// without being too dear, only those that also have everything else that is too dear as it is.
    fn helpers(&mut self, node: &Node, branch: usize, least: Least) -> Vec<usize> {
        let sets = self.sets;
        let words = sets.words;
        let mut bits = sets.holders[branch * words..(branch + 1) * words].to_vec();
        let last = node.open.len() + 1 == sets.most;
        if last || least.free + 2 * sets.base >= self.target {
            let slack = self.target - least.free - sets.base;
            for i in (0..sets.demands).filter(|&i| !node.fixed[i] && sets.wanted[i] == 0) {
                let gap = node.costs[i] - sets.least[i].min(node.costs[i]);
                if i64::from(gap) >= slack {
                    let holders = &sets.holders[i * words..(i + 1) * words];
                    for (bits, holders) in bits.iter_mut().zip(holders) {
                        *bits &= holders;
                    }
                    self.work = self.work.saturating_sub(words as u64);
                }
            }
        }
        let helps = |offer: &usize| {
            let cell = sets.row(*offer)[branch];
            let better = if sets.wanted[branch] > 0 {
                node.costs[branch] > 0
            } else {
                cell < node.costs[branch]
            };
            better && self.banned[*offer] == 0 && !node.open.contains(offer)
        };
        let all = bits.iter().enumerate().flat_map(|(word, &bits)| {
            (0..64)
                .filter(move |b| bits >> b & 1 == 1)
                .map(move |b| word * 64 + b)
        });
        all.filter(helps).collect()
    }
}

const MICRO: i128 = 1_000_000;

fn parts(cents: i64) -> Option<i32> {
    small(cents.checked_mul(PARTS)?)
}

fn small(parts: i64) -> Option<i32> {
    i32::try_from(parts).ok().filter(|&p| i64::from(p) < MOST)
}

/// The line under what carrying costs from an offer, handling apart, that is highest at a third
/// of the order: its
/// base in cents and its price of a gram in millionths of a cent. `all` is the load of the order.
fn under(job: &Job<'_>, offer: &Offer, departures: &Departures, all: Load) -> (i64, i128) {
    let grams = all.grams / 3;
    let known = departures.get(offer.departure);
    if job.request.pickup.is_some() {
        return (known.least, 0);
    }
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
        // A line under the minimum is none under many parcels.
        let single = tariffs.billings[billing].one_parcel(all);
        // Every parcel pays these, and there is at least one.
        let flat: i64 = rules.iter().map(Rule::flat).sum();
        let carton = job.lanes.sites[usize::from(offer.location)].per_parcel;
        for (grams, cents) in tariffs.steps(service, zone) {
            let cents = if single {
                tariffs.at_least(service, cents)
            } else {
                cents
            };
            points.push((grams, cents + dated + flat + carton));
        }
        if let Some((grams, cents)) = tariffs.full_parcel(service, zone) {
            let price = i128::from(cents) * MICRO / i128::from(grams);
            top = Some(top.map_or(price, |t| t.min(price)));
        }
    }
    let dearest = points
        .iter()
        .map(|p| i128::from(p.1) * MICRO / i128::from(p.0.max(1)));
    let top = top.or_else(|| dearest.max()).unwrap_or(0);
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
