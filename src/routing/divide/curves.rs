//! What carrying costs from each hand-over in each mode: tables of steps by weight, lines under them, prices
//! of units that ship alone, and whether one shipment costs no more than two.
//!
//! Where services differ in how they bill weight and nothing but weight counts, there is a table for each
//! way to bill, all in one mode; else each mode has the table of its service.

use super::super::candidates::Set;
use super::super::cargo::Load;
use super::super::departures::{Departures, Loads};
use super::super::lanes::{NO_ZONE, finite};
use super::super::large::{Under, lower_line};
use super::super::request::Job;
use super::super::surcharges::{Measured, Rule, extra};
use super::super::tariff::{Billing, NEVER, Parcels};
use super::modes::Mode;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::rc::Rc;

/// Costs are compared in millionths of a cent.
pub(super) const MICRO: i64 = 1_000_000;
/// Most steps of a table.
const STEPS_MAX: usize = 8_192;
/// Most steps of a table that all pairs of are tried, and most pairs for all hand-overs.
const PAIRS_MAX: usize = 400;
const ALL_PAIRS_MAX: usize = 40_000_000;
/// Most lines of one hand-over.
const LINES_MAX: usize = 8;
/// More than any cost that is compared, and few enough that a plan's sum of them is a number.
pub(super) const BEYOND: i64 = 1 << 57;
/// Most steps of all hand-overs in all modes that are worked out and compared.
const ALL_STEPS_MAX: usize = 24_000_000;
/// Ranges of more steps than this are not gone through one by one.
const FAR: usize = 48;
/// No line is so steep that the whole order costs more by it.
const STEEP_MAX: i64 = 1 << 53;

/// A line that no shipment's carrying costs less than.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    /// At no weight.
    pub(super) base: i64,
    /// For each gram, not negative.
    pub(super) slope: i64,
}

/// Steps that a shipment may be billed: the heaviest weights of them, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    low: u64,
    high: u64,
}

impl Window {
    /// All of them.
    pub(super) const ALL: Self = Self {
        low: 0,
        high: u64::MAX,
    };

    fn has(self, end: u64) -> bool {
        (self.low..=self.high).contains(&end)
    }
}

/// Points of steps that no step lies below the way between.
pub(super) type Hull = Rc<[(u64, i64)]>;

/// What some way to bill costs by weight.
#[derive(Debug)]
struct Table {
    billing: usize,
    /// Heaviest weight of every step and its cents.
    steps: Vec<(u64, i64)>,
    /// Surcharges for the volume of parcels.
    sized: Vec<Sized>,
}

/// A surcharge that parcels pay above some volume.
#[derive(Debug)]
struct Sized {
    over_cm3: u32,
    /// By step of its table: how many parcels there are, and what those pay that may have to.
    steps: Vec<(u64, i64)>,
}

/// How volume counts where all services of a curve bill it.
///
/// What a shipment weighs by volume is its mm³ over the divisor. It is billed no less, or it is no larger than the
/// threshold of its service: then it weighs no more than `floor`. So every step holds what weighs as much as it
/// says, or as `floor` where that is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bulk {
    /// The largest divisor of the services.
    pub(super) divisor: u32,
    /// In grams.
    floor: u64,
}

impl Bulk {
    /// What a step holds, by mass or by volume.
    pub(super) fn holds(self, end: u64) -> u64 {
        end.max(self.floor)
    }

    /// What a load weighs by volume or by mass, rounded up.
    fn weight(self, load: Load) -> u64 {
        let volume = load.mm3.div_ceil(self.divisor.max(1).into());
        volume.max(load.grams)
    }
}

/// The lower edge of what a shipment costs by what it weighs.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    hull: Hull,
    /// By ascending slope; at least one.
    lines: Rc<[Line]>,
}

/// The costs of one hand-over in one mode.
#[derive(Debug)]
pub(super) struct Curve {
    /// No tables at all where the weight is not all that counts.
    tables: Vec<Table>,
    /// By mass.
    edge: Edge,
    /// By volume as well; `None` where some service does not bill it.
    pub(super) bulk: Option<Bulk>,
    bulky: Edge,
    /// No line is steeper.
    pub(super) steepest: i64,
    /// By how much at the most one shipment costs more than two with the same goods.
    pub(super) excess: i64,
    /// What may be in it.
    pub(super) goods: Set,
    /// By demand: what a unit of it costs that ships alone; none where no demand does.
    singles: SmallVec<[i64; 4]>,
    /// The least that its postage comes to.
    minimum: i64,
}

/// The costs of all hand-overs of a request, worked out when they are asked for.
pub(super) struct Curves<'a> {
    job: &'a Job<'a>,
    departures: &'a Departures,
    /// By way to bill: the ends of its steps; none where there are too many of them.
    ends: Vec<Option<Vec<u64>>>,
    pub(super) modes: Vec<Mode>,
    /// What the order weighs.
    pub(super) all: Load,
    /// Pairs of steps that were tried.
    pairs: usize,
    known: HashMap<(u32, u16), Option<Rc<Curve>>>,
    parcels: Vec<Parcels>,
}

impl<'a> Curves<'a> {
    /// For so many hand-overs of locations.
    pub(super) fn new(job: &'a Job<'a>, departures: &'a Departures, hand_overs: usize) -> Self {
        let loads = job.request.demands.iter().map(|d| d.load(d.qty));
        let mut new = Self {
            job,
            departures,
            ends: Vec::new(),
            modes: vec![Mode::ANY],
            all: loads.fold(Load::default(), Load::plus),
            pairs: 0,
            known: HashMap::new(),
            parcels: Vec::new(),
        };
        if job.request.pickup.is_some() {
            return new;
        }
        let destination = job.request.destination;
        let billings = job.lanes.tariffs.billings.iter().enumerate();
        let ends = billings.map(|(number, billing)| {
            let most = billing.billable(new.all)?;
            billing.ends(destination.rules(number), most, STEPS_MAX)
        });
        new.ends = ends.collect();
        let mut rules = (0..new.ends.len()).flat_map(|number| destination.rules(number));
        let few = |ends: &Option<Vec<u64>>| ends.as_ref().is_some_and(|e| e.len() <= PAIRS_MAX);
        if job.alone
            || departures.refuses_some()
            || rules.any(Rule::measures)
            || !new.ends.iter().all(few)
        {
            new.modes = Mode::list(job, departures);
        }
        let steps: usize = new.ends.iter().flatten().map(Vec::len).sum();
        let each = steps.saturating_mul(new.modes.len());
        if each.saturating_mul(hand_overs) > ALL_STEPS_MAX {
            // Too much work: nothing is known but what carrying costs at the least.
            new.ends.fill(None);
            new.modes = Mode::list(job, departures);
        }
        new
    }

    /// How volume counts for some tables.
    fn bulk(&self, tables: &[Table]) -> Option<Bulk> {
        let billings = &self.job.lanes.tariffs.billings;
        let divides = tables.iter().map(|table| billings[table.billing].divides());
        let divides: Vec<(u32, u32)> = divides.collect::<Option<_>>()?;
        let divisor = divides.iter().map(|d| d.0).max()?;
        let threshold = divides.iter().map(|d| d.1).max()?;
        // A cm³ is as many grams as 1000 over the divisor. Nothing weighs more than the order.
        let floor = (u64::from(threshold) * 1_000).div_ceil(divisor.max(1).into());
        let mut bulk = Bulk { divisor, floor };
        bulk.floor = floor.min(bulk.weight(self.all));
        Some(bulk)
    }

    /// The costs of a hand-over of a location in a mode; `None` where it never travels so.
    pub(super) fn of(&mut self, location: u16, departure: u32, mode: u16) -> Option<Rc<Curve>> {
        if let Some(known) = self.known.get(&(departure, mode)) {
            return known.clone();
        }
        let new = match self.modes[usize::from(mode)] {
            Mode { service: None, .. } => Some(self.any(location, departure)),
            mode => self.by_service(departure, mode),
        };
        let new = new.map(Rc::new);
        self.known.insert((departure, mode), new.clone());
        new
    }

    /// The modes that a hand-over may best travel in, of those that have some of `goods`.
    pub(super) fn modes_of(&mut self, location: u16, departure: u32, goods: Set) -> Vec<u16> {
        let numbers = 0..u16::try_from(self.modes.len()).unwrap_or(u16::MAX);
        let curves = numbers.filter_map(|m| Some((m, self.of(location, departure, m)?)));
        let curves: Vec<(u16, Rc<Curve>)> = curves
            .filter(|(_, curve)| curve.goods & goods != 0)
            .collect();
        let billings = &self.job.lanes.tariffs.billings;
        let beaten = |at: usize| {
            let mut others = curves.iter().enumerate().filter(|other| other.0 != at);
            others.any(|(other, (_, curve))| {
                let own = &curves[at].1;
                let beats = |a: &Curve, b: &Curve| a.beats(b, billings, goods);
                beats(curve, own) && (other < at || !beats(own, curve))
            })
        };
        let left = (0..curves.len()).filter(|&at| !beaten(at));
        left.map(|at| curves[at].0).collect()
    }

    fn single_line(&self, location: u16, departure: u32) -> Line {
        let (base, slope) = lower_line(self.job, self.departures, (location, departure), self.all);
        // What does not fit is as good as nothing: a line that is too low is still one.
        let grams = i64::try_from(self.all.grams).unwrap_or(i64::MAX);
        let fits = |s: &i64| s.checked_mul(grams).is_some_and(|all| all < STEEP_MAX);
        let slope = i64::try_from(slope).ok().filter(fits).unwrap_or(0);
        let base = base.saturating_mul(MICRO).min(BEYOND);
        Line { base, slope }
    }

    /// The costs by whichever service is best.
    fn any(&mut self, location: u16, departure: u32) -> Curve {
        let tables = self.tables(departure);
        let mut curve = Curve {
            excess: self.excess(&tables, false),
            goods: Set::MAX,
            ..Curve::flat(Line { base: 0, slope: 0 })
        };
        match tables.is_empty() {
            true => curve.edge = Edge::flat(self.single_line(location, departure)),
            false => {
                let bulk = self.bulk(&tables);
                curve.set_tables(tables, bulk, self.all);
            }
        }
        curve
    }

    fn tables(&mut self, departure: u32) -> Vec<Table> {
        let mut tables = Vec::with_capacity(self.ends.len());
        for (billing, ends) in self.ends.iter().enumerate() {
            let mut steps = Vec::new();
            for &end in ends.iter().flatten() {
                let load = weighing(end, 0);
                Loads::of(self.job, load, &mut self.parcels);
                for (other, parcels) in self.parcels.iter_mut().enumerate() {
                    if other != billing {
                        *parcels = Parcels::NONE;
                    }
                }
                let parcels = &self.parcels;
                let cents = self
                    .departures
                    .carried(self.job, departure, parcels, (&[], 0));
                steps.push((end, cents));
            }
            tables.push(Table {
                billing,
                steps,
                sized: Vec::new(),
            });
        }
        tables
    }

    /// The costs by one service.
    fn by_service(&mut self, departure: u32, mode: Mode) -> Option<Curve> {
        let (job, lanes) = (self.job, self.job.lanes);
        let service = mode.service?;
        let destination = job.request.destination;
        let class = usize::from(self.departures.get(departure).class);
        let zone = destination.zones(class, lanes.carriers.len())[service];
        let dated = self.departures.dated(departure, lanes.carriers.len())[service];
        if zone == NO_ZONE || !finite(dated) {
            return None;
        }
        let billing = usize::from(lanes.tariffs.billing_of[service]);
        let carton = lanes.sites[usize::from(destination.sample[class])].per_parcel;
        let (mut goods, mut singles) = (mode.goods, SmallVec::new());
        let rules = destination.rules(billing);
        if job.alone {
            for (i, demand) in job.request.demands.iter().enumerate() {
                if !demand.ships_alone || goods >> i & 1 == 0 {
                    singles.push(0);
                    continue;
                }
                let one = lanes.tariffs.billings[billing].single(demand.unit(), rules);
                let cents = lanes.tariffs.tariff(service, zone, one);
                if cents >= NEVER {
                    goods &= !(1 << i);
                }
                singles.push(cents.saturating_add(one.extra + carton).min(NEVER));
            }
        }
        let base = dated.saturating_mul(MICRO).min(BEYOND);
        let mut curve = Curve {
            goods,
            singles,
            minimum: lanes.tariffs.at_least(service, 0),
            ..Curve::flat(Line { base, slope: 0 })
        };
        if goods == 0 {
            return None;
        }
        if !mode.packed {
            return Some(curve);
        }
        let Some(ends) = &self.ends[billing] else {
            curve.excess = NEVER;
            return Some(curve);
        };
        let flat: Vec<Rule> = rules
            .iter()
            .copied()
            .filter(|r| r.over_cm3().is_none())
            .collect();
        let alone = curve.singles.iter().any(|&cents| cents > 0);
        let mut table = Table {
            billing,
            steps: Vec::with_capacity(ends.len()),
            sized: Vec::new(),
        };
        for &end in ends {
            let load = weighing(end, mode.longest_mm);
            let parcels = lanes.tariffs.billings[billing].parcels(load, &flat);
            let postage = lanes.tariffs.tariff(service, zone, parcels);
            // What ships alone may make up for it.
            let postage = match alone {
                true => postage,
                false => lanes.tariffs.at_least(service, postage),
            };
            let cartons = i64::try_from(parcels.count()).ok();
            let cartons = cartons.and_then(|n| carton.checked_mul(n));
            let cents = cartons.and_then(|c| postage.checked_add(c + parcels.extra + dated));
            table.steps.push((end, cents.unwrap_or(NEVER).min(NEVER)));
        }
        for rule in rules {
            let long = rule.over_length().is_none_or(|over| mode.longest_mm > over);
            if let Some(over_cm3) = rule.over_cm3().filter(|_| long) {
                let pays = |&end: &u64| {
                    let load = Load {
                        mm3: u64::MAX,
                        ..weighing(end, mode.longest_mm)
                    };
                    let light = weighing(end, 0);
                    let full = lanes.tariffs.billings[billing].parcels(light, &[]).full;
                    let heaviest = lanes.tariffs.billings[billing].heaviest();
                    let measured = Measured::of(load, full, end, heaviest);
                    (
                        u64::from(full) + 1,
                        extra(&[*rule], &measured).unwrap_or(NEVER),
                    )
                };
                table.sized.push(Sized {
                    over_cm3,
                    steps: ends.iter().map(pays).collect(),
                });
            }
        }
        let tables = vec![table];
        let bulk = self.bulk(&tables);
        curve.set_tables(tables, bulk, self.all);
        curve.excess = self.excess(&curve.tables, true);
        Some(curve)
    }

    /// By how much at the most one shipment costs more than two, by a single service or any; `NEVER` where that
    /// is not known.
    fn excess(&mut self, tables: &[Table], single: bool) -> i64 {
        if self.job.request.pickup.is_some() {
            // One costs as much as each of the two.
            return 0;
        }
        if tables.is_empty() || !tables.iter().all(Table::rises) {
            return NEVER;
        }
        let billings = &self.job.lanes.tariffs.billings;
        let mut excess = -NEVER;
        for (a, one) in tables.iter().enumerate() {
            for (b, other) in tables.iter().enumerate().skip(a) {
                let (first, second) = (&billings[one.billing], &billings[other.billing]);
                // Both travel by the way that bills them less.
                let (bill, table) = match first.bills_no_more_than(second) {
                    true => (a, one),
                    false => (b, other),
                };
                let less = &billings[tables[bill].billing];
                let more = &billings[tables[a + b - bill].billing];
                if !less.bills_no_more_than(more) || !less.adds_up() {
                    return NEVER;
                }
                // A service asks the same for full parcels whatever comes besides: what is no more than one
                // parcel says it for all.
                let sized = !table.sized.is_empty();
                let parcel = |t: &Table| match single && !sized && less.steps_evenly() {
                    true => t.steps.partition_point(|s| s.0 <= less.heaviest()),
                    false => t.steps.len(),
                };
                let (one_end, other_end) = (parcel(one), parcel(other));
                self.pairs += one_end * other_end;
                if one_end.max(other_end) > PAIRS_MAX || self.pairs > ALL_PAIRS_MAX {
                    return NEVER;
                }
                let (one, other) = (&one.steps[..one_end], &other.steps[..other_end]);
                excess = excess.max(most_excess(table, one, other));
            }
        }
        excess
    }
}

/// So many grams of something so long.
fn weighing(grams: u64, longest_mm: u32) -> Load {
    Load {
        grams,
        longest_mm,
        lots: 1,
        ..Load::default()
    }
}

/// By how much at the most a weight of both costs more by a table, of whatever volume, than each by its own.
fn most_excess(table: &Table, one: &[(u64, i64)], other: &[(u64, i64)]) -> i64 {
    let mut excess = -NEVER;
    let last = table.steps.len() - 1;
    for &(weight, cents) in one.iter().filter(|s| s.1 < NEVER) {
        let mut at = 0;
        for &(more, besides) in other.iter().filter(|s| s.1 < NEVER) {
            // Together they weigh no more than the order, the last step.
            while at < last && table.steps[at].0 < weight.saturating_add(more) {
                at += 1;
            }
            excess = excess.max(table.cents(at, u64::MAX) - cents - besides);
        }
    }
    excess.min(NEVER)
}

/// The lower edge of the steps of some tables within a window, by mass or by volume.
fn hull(tables: &[Table], window: Window, bulk: Option<Bulk>) -> Hull {
    let points = tables.iter().flat_map(|table| table.within(window));
    let points = points.filter(|p| p.1 < NEVER);
    let points = points.map(|p| (bulk.map_or(p.0, |bulk| bulk.holds(p.0)), p.1));
    let mut points: Vec<(u64, i64)> = points.collect();
    points.sort_unstable();
    let mut hull: Vec<(u64, i64)> = Vec::new();
    for &point in &points {
        if hull.last().is_some_and(|last| last.0 == point.0) {
            continue;
        }
        add_corner(&mut hull, point);
    }
    hull.into()
}

/// Adds a point to the lower edge of those before it, which are lighter.
fn add_corner(hull: &mut Vec<(u64, i64)>, point: (u64, i64)) {
    while let [.., a, b] = hull[..]
        && is_above(b, a, point)
    {
        hull.pop();
    }
    hull.push(point);
}

/// Whether a point lies on or above the line between two others, exactly: by slopes that are rounded a true corner
/// may be lost, and lines lie above it then.
fn is_above(point: (u64, i64), from: (u64, i64), to: (u64, i64)) -> bool {
    let run = |p: (u64, i64)| i128::from(p.0) - i128::from(from.0);
    let rise = |p: (u64, i64)| i128::from(p.1) - i128::from(from.1);
    rise(point) * run(to) >= rise(to) * run(point)
}

/// The highest line of a slope that no point lies below.
pub(super) fn line_under(hull: &[(u64, i64)], slope: i64) -> Line {
    let base = hull.iter().map(|&p| over(p, slope)).min();
    let base = base.unwrap_or(BEYOND);
    Line { base, slope }
}

/// Lines along the edge of what is above a hull.
fn lines(hull: &[(u64, i64)], steepest: i64) -> Vec<Line> {
    let mut slopes: Vec<i64> = hull.windows(2).map(|w| slope(w[0], w[1]).max(0)).collect();
    slopes.push(0);
    slopes.sort_unstable();
    slopes.dedup();
    slopes.retain(|&slope| slope <= steepest);
    let some = slopes.len().div_ceil(LINES_MAX);
    let lines = slopes.iter().rev().step_by(some);
    let mut lines: Vec<Line> = lines.map(|&slope| line_under(hull, slope)).collect();
    lines.reverse();
    lines
}

/// The steepest line by which so many grams can be counted, and the last point of a hull.
fn steepest(hull: &[(u64, i64)], grams: u64) -> i64 {
    let heaviest = hull.last().map_or(1, |p| p.0.max(1)).max(grams);
    STEEP_MAX / i64::try_from(heaviest).unwrap_or(i64::MAX)
}

impl Edge {
    /// Of a single line.
    fn flat(line: Line) -> Self {
        Self {
            hull: Rc::default(),
            lines: [line].into(),
        }
    }
}

/// How steep the way from one point to the next is, rounded down.
pub(super) fn slope(from: (u64, i64), to: (u64, i64)) -> i64 {
    let grams = i128::from(to.0) - i128::from(from.0);
    let cents = i128::from(to.1) - i128::from(from.1);
    let slope = (cents * i128::from(MICRO)).div_euclid(grams.max(1));
    i64::try_from(slope).unwrap_or(0)
}

/// By how much a point is above its weight at a slope.
#[inline]
fn over((grams, cents): (u64, i64), slope: i64) -> i64 {
    // Lines are not so steep that this is too much.
    let weight = i64::try_from(grams).unwrap_or(0).saturating_mul(slope);
    cents.saturating_mul(MICRO).min(BEYOND) - weight
}

impl Table {
    /// The steps within a window.
    fn within(&self, window: Window) -> &[(u64, i64)] {
        let from = self.steps.partition_point(|step| step.0 < window.low);
        let to = self.steps.partition_point(|step| step.0 <= window.high);
        self.steps.get(from..to).unwrap_or_default()
    }

    /// Whether nothing heavier is cheaper.
    fn rises(&self) -> bool {
        self.steps.windows(2).all(|w| w[0].1 <= w[1].1)
    }

    /// What a step costs at the least where parcels have so much.
    #[inline]
    fn cents(&self, step: usize, mm3: u64) -> i64 {
        let mut cents = self.steps[step].1;
        for sized in &self.sized {
            let (parcels, pays) = sized.steps[step];
            if mm3.div_ceil(1_000).div_ceil(parcels) > u64::from(sized.over_cm3) {
                cents = cents.saturating_add(pays).min(NEVER);
            }
        }
        cents
    }
}

impl Curve {
    /// What is known by a single line.
    fn flat(line: Line) -> Self {
        let edge = Edge::flat(line);
        Self {
            tables: Vec::new(),
            bulky: edge.clone(),
            edge,
            bulk: None,
            steepest: 0,
            excess: 0,
            goods: 0,
            singles: SmallVec::new(),
            minimum: 0,
        }
    }

    /// What is known by tables of an order that weighs `all`.
    fn set_tables(&mut self, tables: Vec<Table>, bulk: Option<Bulk>, all: Load) {
        let whole = hull(&tables, Window::ALL, None);
        let wide = match bulk.filter(|bulk| bulk.floor > 0) {
            Some(_) => hull(&tables, Window::ALL, bulk),
            None => Rc::clone(&whole),
        };
        let grams = bulk.map_or(all.grams, |bulk| bulk.weight(all));
        self.steepest = steepest(&whole, grams).min(steepest(&wide, grams));
        let edge = |hull: Hull| Edge {
            lines: lines(&hull, self.steepest).into(),
            hull,
        };
        self.bulky = match Rc::ptr_eq(&whole, &wide) {
            true => edge(Rc::clone(&whole)),
            false => edge(wide),
        };
        self.edge = edge(whole);
        (self.bulk, self.tables) = (bulk, tables);
    }

    /// How volume counts where goods are weighed by a mix with some of it.
    fn bulk_of(&self, mix: u8) -> Option<Bulk> {
        self.bulk.filter(|_| mix > 0)
    }

    /// Lines under what it costs by a mix.
    pub(super) fn lines(&self, mix: u8) -> &Rc<[Line]> {
        match mix {
            0 => &self.edge.lines,
            _ => &self.bulky.lines,
        }
    }

    /// Whether what it costs is known by weight.
    pub(super) fn weighs(&self) -> bool {
        !self.tables.is_empty()
    }

    /// The line for the search over sets of shipments: the one that is highest at a third of a load, by mass or
    /// by volume.
    pub(super) fn third(&self, all: Load) -> Under {
        let by_mass = (&self.edge.lines, all.grams / 3, None);
        let by_volume = self.bulk.map(|bulk| {
            let divisor = bulk.divisor.max(1);
            let weight = all.mm3 / u64::from(divisor) / 3;
            (&self.bulky.lines, weight, Some(divisor))
        });
        let all = [Some(by_mass), by_volume].into_iter().flatten();
        let lines = all.flat_map(|(lines, third, divisor)| {
            let third = i64::try_from(third).unwrap_or(i64::MAX);
            let usable = lines.iter().filter(|line| line.base >= 0);
            usable.map(move |line| {
                let weight = line.slope.saturating_mul(third);
                (line.base.saturating_add(weight), *line, divisor)
            })
        });
        let highest = lines.max_by_key(|line| (line.0, line.2.is_none()));
        highest.map_or(Under::NONE, |(_, line, divisor)| Under {
            base: line.base / MICRO,
            slope: line.slope.into(),
            divisor,
        })
    }

    /// What a unit of a demand costs that ships alone.
    pub(super) fn single(&self, demand: usize) -> i64 {
        self.singles.get(demand).copied().unwrap_or(0)
    }

    /// Whether some of `goods` never cost more in this mode than in another.
    fn beats(&self, other: &Self, billings: &[Billing], goods: Set) -> bool {
        let alike = self.tables.len() == 1 && other.tables.len() == 1;
        if other.goods & !self.goods & goods != 0 || self.weighs() != other.weighs() {
            return false;
        }
        let mut within = (0..self.singles.len()).filter(|i| (other.goods & goods) >> i & 1 == 1);
        if !within.all(|i| self.singles[i] <= other.singles[i]) || self.minimum > other.minimum {
            return false;
        }
        if !alike {
            return !self.weighs() && self.edge.lines[0].base <= other.edge.lines[0].base;
        }
        let (own, its) = (&self.tables[0], &other.tables[0]);
        if !own.rises() || !billings[own.billing].bills_no_more_than(&billings[its.billing]) {
            return false;
        }
        let mut at = 0;
        (0..its.steps.len()).all(|step| {
            while at < own.steps.len() && own.steps[at].0 < its.steps[step].0 {
                at += 1;
            }
            let own = if at < own.steps.len() {
                own.cents(at, u64::MAX)
            } else {
                NEVER
            };
            own <= its.steps[step].1
        })
    }

    /// How many steps there are within a window.
    pub(super) fn steps(&self, window: Window) -> usize {
        self.tables.iter().map(|t| t.within(window).len()).sum()
    }

    /// The lower edges of its steps within a window, by mass and by volume.
    pub(super) fn hulls(&self, window: Window) -> [Hull; 2] {
        if window == Window::ALL {
            return [Rc::clone(&self.edge.hull), Rc::clone(&self.bulky.hull)];
        }
        let mass = hull(&self.tables, window, None);
        match self.bulk.filter(|bulk| bulk.floor > window.low) {
            Some(_) => [mass, hull(&self.tables, window, self.bulk)],
            None => [Rc::clone(&mass), mass],
        }
    }

    /// The steps within a window that are not more than so much above a line by a mix: what they hold, by mass or
    /// `by_volume`, and by how much they are.
    pub(super) fn above(
        &self,
        window: Window,
        (line, mix): (Line, u8),
        (room, by_volume): (i64, bool),
    ) -> Vec<(u64, i64)> {
        let bulk = self.bulk_of(mix);
        let weighs = |end: u64| bulk.map_or(end, |bulk| bulk.holds(end));
        let bulk = self.bulk.filter(|_| by_volume);
        let holds = |end: u64| bulk.map_or(end, |bulk| bulk.holds(end));
        let steps = self.tables.iter().flat_map(|table| table.within(window));
        let steps = steps.filter(|p| p.1 < NEVER);
        let steps = steps.map(|&(end, cents)| {
            let above = over((weighs(end), cents), line.slope) - line.base;
            (holds(end), above)
        });
        steps.filter(|step| step.1 <= room).collect()
    }

    /// The step within a window that a load is billed, and its cents: `NEVER` where none is.
    pub(super) fn at(&self, billings: &[Billing], load: Load, window: Window) -> (u64, i64) {
        let mut best = (u64::MAX, NEVER);
        for table in &self.tables {
            let weight = billings[table.billing].billable(load).unwrap_or(u64::MAX);
            let weight = weight.max(window.low);
            let step = table.steps.partition_point(|step| step.0 < weight);
            if let Some(&(end, _)) = table.steps.get(step) {
                let cents = table.cents(step, load.mm3);
                if cents < best.1 && window.has(end) {
                    best = (end, cents);
                }
            }
        }
        best
    }

    /// A window in two parts, one of them from a step on, or up to it where it is the first; `None` where it is
    /// the only one.
    pub(super) fn split(&self, window: Window, end: u64) -> Option<[Window; 2]> {
        let ends = || {
            let steps = self.tables.iter().flat_map(|table| table.within(window));
            steps.filter(|s| s.1 < NEVER).map(|s| s.0)
        };
        let below = ends().filter(|&e| e < end).max();
        let from = match below {
            Some(_) if end <= window.high && ends().any(|e| e >= end) => end,
            Some(_) => return None,
            None => ends().filter(|&e| e > end).min()?,
        };
        let [mut lower, mut upper] = [window, window];
        (lower.high, upper.low) = (from - 1, from);
        Some([lower, upper])
    }

    /// By how much at the least a shipment costs more than its weight at the slope of a line that lies below its
    /// window, where it has as much as the one load at the least and as the other at the most.
    pub(super) fn least(
        &self,
        billings: &[Billing],
        (low, high): (Load, Load),
        (window, line, mix): (Window, Line, u8),
    ) -> i64 {
        let slope = line.slope;
        let bulk = self.bulk_of(mix);
        let mut least = BEYOND;
        for table in &self.tables {
            let weight = |load: Load| billings[table.billing].billable(load);
            let (from, to) = (
                weight(low).unwrap_or(u64::MAX),
                weight(high).unwrap_or(u64::MAX),
            );
            let from = from.max(window.low);
            // What the goods weigh by the mix, at the most.
            let most = bulk.map_or(to, |bulk| bulk.weight(high));
            let weighs = |end: u64| bulk.map_or(end, |bulk| bulk.holds(end)).min(most);
            let first = table.steps.partition_point(|step| step.0 < from);
            if let Some(far) = table.steps.get(first + FAR)
                && far.0 < to.min(window.high)
            {
                // Of so many steps what the line says is close enough.
                least = least.min(line.base);
                continue;
            }
            for (step, &(end, _)) in table.steps.iter().enumerate().skip(first) {
                if end > window.high {
                    break;
                }
                let cents = table.cents(step, low.mm3);
                if cents < NEVER {
                    least = least.min(over((weighs(end), cents), slope));
                }
                if end >= to {
                    break;
                }
            }
        }
        least
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::kit::Dice;
    use super::*;

    /// The lower edge of some points.
    fn edge(points: &[(u64, i64)]) -> Vec<(u64, i64)> {
        let mut hull: Vec<(u64, i64)> = Vec::new();
        for &point in points {
            add_corner(&mut hull, point);
        }
        hull
    }

    #[test]
    fn no_line_under_the_edge_lies_above_a_point() {
        // Both slopes are the same in millionths of a cent.
        let near = vec![(1_000, 100), (20_928, 1_246), (21_032, 1_252)];
        let mut dice = Dice(7);
        let mut all = vec![near];
        for _ in 0..200 {
            let mut points = vec![(1 + dice.below(500), dice.between(0, 2_000))];
            for _ in 0..8 {
                let &(grams, cents) = points.last().unwrap();
                let step = 1 + dice.below(20_000);
                points.push((grams + step, cents + dice.between(0, 1_200)));
            }
            all.push(points);
        }
        for points in all {
            let hull = edge(&points);
            for pair in points.windows(2) {
                for turn in -2..=2 {
                    let slope = slope(pair[0], pair[1]) + turn;
                    let base = points.iter().map(|&p| over(p, slope)).min();
                    let line = line_under(&hull, slope);
                    assert_eq!(Some(line.base), base, "{points:?} at {slope}");
                }
            }
        }
    }
}
