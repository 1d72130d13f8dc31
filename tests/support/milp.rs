//! The cheapest plan by a general mixed-integer model, solved by a general solver.
//!
//! For every lane and copy of it: integer units of each demand, and one binary per step of the price
//! curve of what is packed together. A step admits at most so many grams and so much volume, so postage
//! is never told what a shipment weighs, only what it may weigh. Where a heavier step is cheaper in
//! anything than a lighter one (tariffs that fall, surcharges by the volume of a parcel, of which
//! there are more in a heavier step) a step also needs so many grams or so much volume, so that it
//! cannot be had by a lighter load. Units that ship alone are parcels of known price. A surcharge by
//! size is paid once its binaries say that a unit is too long, or the parcels too large. Whole demands
//! are one binary each.

use super::instance::Instance;
use super::naive::{self, Lane};
use super::{Best, Verdict};
use allot::model::{Cents, Surcharge};
use good_lp::solvers::{SolutionStatus, WithTimeLimit};
use good_lp::{
    Expression, ProblemVariables, ResolutionError, Solution, SolverModel, Variable, constraint,
    microlp, variable,
};

/// Seconds that the solver may take before the instance counts as unknown.
const SECONDS_MAX: f64 = 1.0;

/// A piece of a lane's price curve: what is packed together and weighs so much pays this.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// Most grams and most volume that it may have.
    grams: u64,
    mm3: u64,
    /// Tariff price of its parcels.
    postage: i64,
    /// Cartons, and surcharges that every parcel pays.
    extra: i64,
    parcels: u64,
    /// By surcharge of [`measured`]: how many of its parcels weigh enough to pay it.
    heavy: Vec<u64>,
}

/// One possible shipment of the model.
struct Parcel {
    lane: Lane,
    /// Units by demand; `None` where it cannot hold any.
    units: Vec<Option<Expression>>,
    /// Whether there is such a shipment.
    used: Variable,
    /// One binary per step of the curve; their sum is 1 if anything in it is packed together.
    steps: Vec<(Step, Variable)>,
}

impl Parcel {
    fn used(&self) -> Expression {
        self.used.into()
    }

    /// Whether anything in it is packed together.
    fn packed(&self) -> Expression {
        self.sum(|_| 1)
    }

    /// A property of the step that is taken.
    fn sum(&self, of: impl Fn(&Step) -> u64) -> Expression {
        let steps = self.steps.iter();
        steps.map(|(step, v)| exact_u(of(step)) * *v).sum()
    }
}

/// Money, weights and counts of tiny instances are exact in a double.
#[allow(clippy::cast_precision_loss)]
fn exact(value: i64) -> f64 {
    value as f64
}

fn exact_u(value: u64) -> f64 {
    exact(i64::try_from(value).expect("instances are small"))
}

/// The optimum of `inst`; unknown when it has more than `binaries` price steps or the solver runs out
/// of time.
pub(crate) fn solve(inst: &Instance, binaries: usize) -> Verdict {
    let mut model = Model::default();
    if model.parcels(inst, binaries).is_none() {
        return Verdict::Unknown;
    }
    model.demands(inst);
    model.stock(inst);
    model.days(inst);
    model.count(inst);
    let mut problem = model.vars.minimise(model.cents.clone()).using(microlp);
    problem = problem.with_time_limit(SECONDS_MAX);
    for rule in model.rules {
        problem.add_constraint(rule);
    }
    match problem.solve() {
        Ok(found) if matches!(found.status(), SolutionStatus::Optimal) => {
            Verdict::Best(Box::new(Best {
                total: rounded(found.eval(&model.cents)),
                plan: None,
                second: None,
            }))
        }
        Err(ResolutionError::Infeasible) => Verdict::NoPlan,
        _ => Verdict::Unknown,
    }
}

#[allow(clippy::cast_possible_truncation)] // amounts of tiny instances
fn rounded(value: f64) -> i64 {
    value.round() as i64
}

#[derive(Default)]
struct Model {
    vars: ProblemVariables,
    rules: Vec<good_lp::Constraint>,
    cents: Expression,
    parcels: Vec<Parcel>,
    shorts: Vec<Expression>,
}

#[allow(clippy::float_arithmetic)] // expressions over doubles; every value in them is an integer
impl Model {
    fn parcels(&mut self, inst: &Instance, binaries: usize) -> Option<()> {
        let divides = (0..inst.demands.len()).any(|d| naive::divisible(inst, d));
        let most = usize::from(naive::max_shipments(inst));
        let copies = if divides {
            most
        } else {
            most.min(inst.demands.len())
        };
        for location in 0..inst.network.locations.len() {
            let eligible = |d| naive::eligible(inst, location, d);
            for lane in naive::lanes(inst, location, eligible) {
                let curve = curve(inst, &lane);
                for _ in 0..copies {
                    self.parcel(inst, lane, &curve);
                }
                let steps: usize = self.parcels.iter().map(|p| p.steps.len()).sum();
                if steps > binaries {
                    return None;
                }
            }
        }
        Some(())
    }

    fn parcel(&mut self, inst: &Instance, lane: Lane, curve: &[Step]) {
        let row = &inst.network.locations[lane.location];
        let policy = &inst.policy;
        let fixed = row.handling_per_shipment.0
            + policy.late_per_day.0 * i64::from(lane.late)
            + policy.speed_value_per_day.0 * i64::from(lane.days);
        let used = self.vars.add(variable().binary());
        self.cents += exact(fixed) * used;
        let steps = curve.iter().cloned();
        let mut parcel = Parcel {
            lane,
            units: Vec::new(),
            used,
            steps: steps
                .map(|step| (step, self.vars.add(variable().binary())))
                .collect(),
        };
        self.rules.push(constraint!(parcel.packed() <= used));
        for d in 0..inst.demands.len() {
            let units = self.units(inst, &lane, d);
            if let Some(units) = &units {
                let each = row.handling_per_unit + inst.scarcity(d, lane.location);
                self.cents += exact(each.0) * units.clone();
                let most = exact(i64::from(inst.demands[d].qty));
                self.rules
                    .push(constraint!(units.clone() <= most * parcel.used()));
                if row.handling_per_line.0 > 0 {
                    let some = self.vars.add(variable().binary());
                    self.rules.push(constraint!(units.clone() <= most * some));
                    self.cents += exact(row.handling_per_line.0) * some;
                }
            }
            parcel.units.push(units);
        }
        self.together(inst, &parcel);
        if inst.network.services.get(lane.service).is_some() {
            self.weights(inst, &parcel);
            self.carriage(inst, &parcel);
            self.measures(inst, &parcel);
        }
        self.waits_for_something(inst, &parcel);
        self.parcels.push(parcel);
    }

    fn units(&mut self, inst: &Instance, lane: &Lane, d: usize) -> Option<Expression> {
        let (demand, stock) = (&inst.demands[d], &inst.stock[d]);
        let most = stock.atp(lane.location, lane.ready).min(demand.qty);
        let refused = naive::restricted(inst, lane.location, Some(lane.service), d);
        let carried = !demand.ships_alone || lane.service == naive::PICKUP || {
            single(inst, lane, d).is_some()
        };
        if most == 0 || !naive::eligible(inst, lane.location, d) || refused || !carried {
            return None;
        }
        if naive::divisible(inst, d) {
            return Some(self.vars.add(variable().integer().min(0).max(most)).into());
        }
        let whole = exact(i64::from(demand.qty));
        (most == demand.qty).then(|| whole * self.vars.add(variable().binary()))
    }

    /// Of what goes together a shipment holds all or nothing.
    fn together(&mut self, inst: &Instance, parcel: &Parcel) {
        for (d, demand) in inst
            .demands
            .iter()
            .enumerate()
            .filter(|d| d.1.together != 0)
        {
            let none = Expression::default;
            let mut others = inst.demands.iter().enumerate();
            let other = others.find(|o| o.0 > d && o.1.together == demand.together);
            let Some((o, other)) = other else { continue };
            let (one, two) = (exact(demand.qty.into()), exact(other.qty.into()));
            let units = |d: usize| parcel.units[d].clone().unwrap_or_else(none);
            self.rules
                .push(constraint!(two * units(d) == one * units(o)));
        }
    }

    /// What is packed together weighs what the step that is taken says.
    fn weights(&mut self, inst: &Instance, parcel: &Parcel) {
        let grams = packed(inst, parcel, |d| u64::from(inst.demands[d].grams));
        let mm3 = packed(inst, parcel, |d| inst.demands[d].volume_mm3) * 1e-3;
        self.rules
            .push(constraint!(grams.clone() <= parcel.sum(|s| s.grams)));
        self.rules
            .push(constraint!(mm3.clone() <= parcel.sum(|s| s.mm3) * 1e-3));
        for (d, units) in parcel.units.iter().enumerate() {
            if let Some(units) = units.clone().filter(|_| !inst.demands[d].ships_alone) {
                let most = exact(i64::from(inst.demands[d].qty));
                self.rules
                    .push(constraint!(units <= most * parcel.packed()));
            }
        }
        let steps: Vec<&Step> = parcel.steps.iter().map(|(step, _)| step).collect();
        if !has_bargain(inst, parcel.lane.service, &steps) {
            return;
        }
        let (mut by_grams, mut by_volume) = (Expression::default(), Expression::default());
        for pair in parcel.steps.windows(2) {
            let ((lighter, _), (_, taken)) = (&pair[0], &pair[1]);
            let heavy = self.vars.add(variable().binary());
            self.rules.push(constraint!(heavy <= *taken));
            by_grams += exact_u(lighter.grams + 1) * heavy;
            by_volume += exact_u(lighter.mm3 + 1) * 1e-3 * (*taken - heavy);
        }
        self.rules.push(constraint!(grams >= by_grams));
        self.rules.push(constraint!(mm3 >= by_volume));
    }

    /// What units that ship alone come to.
    fn alone(inst: &Instance, parcel: &Parcel, each: impl Fn(usize) -> i64) -> Expression {
        let units = parcel.units.iter().enumerate();
        let alone = units.filter(|(d, _)| inst.demands[*d].ships_alone);
        alone
            .filter_map(|(d, u)| u.clone().map(|units| exact(each(d)) * units))
            .sum()
    }

    /// Tariff prices, at least the service's minimum; cartons and surcharges that need no measuring.
    fn carriage(&mut self, inst: &Instance, parcel: &Parcel) {
        let lane = &parcel.lane;
        let known = |d| single(inst, lane, d).expect("it has units only where it is carried");
        let alone_postage = Self::alone(inst, parcel, |d| known(d).0.0);
        let alone_extra = Self::alone(inst, parcel, |d| known(d).1.0);
        let steps = parcel.steps.iter();
        let postage: Expression = steps.map(|(s, v)| exact(s.postage) * *v).sum();
        let steps = parcel.steps.iter();
        let extra: Expression = steps.map(|(s, v)| exact(s.extra) * *v).sum();
        self.cents += extra + alone_extra;
        let minimum = inst.network.services[lane.service].minimum;
        if minimum.0 == 0 {
            self.cents += postage + alone_postage;
            return;
        }
        let paid = self.vars.add(variable().min(0));
        self.rules
            .push(constraint!(paid >= postage + alone_postage));
        self.rules
            .push(constraint!(paid >= exact(minimum.0) * parcel.used()));
        self.cents += paid;
    }

    /// Surcharges by the size of the parcels of what is packed together.
    fn measures(&mut self, inst: &Instance, parcel: &Parcel) {
        for (number, row) in measured(inst, parcel.lane.service).into_iter().enumerate() {
            let most = parcel.steps.iter().map(|(s, _)| s.heavy[number]).max();
            let most = exact(row.cents.0) * exact_u(most.unwrap_or(0));
            let mut off = Expression::default();
            if let Some(over) = row.over_length_mm {
                let long = self.vars.add(variable().binary());
                for (d, units) in parcel.units.iter().enumerate() {
                    let demand = &inst.demands[d];
                    let counts = !demand.ships_alone && demand.longest_mm > over;
                    if let Some(units) = units.clone().filter(|_| counts) {
                        let most = exact(i64::from(demand.qty));
                        self.rules.push(constraint!(units <= most * long));
                    }
                }
                off += 1.0 - Expression::from(long);
            }
            if let Some(over) = row.over_cm3 {
                let large = self.vars.add(variable().binary());
                let mm3 = packed(inst, parcel, |d| inst.demands[d].volume_mm3) * 1e-3;
                let fits = parcel.sum(|s| s.parcels) * exact(i64::from(over));
                let all = exact_u(volume(inst)) * 1e-3;
                self.rules.push(constraint!(mm3 <= fits + all * large));
                off += 1.0 - Expression::from(large);
            }
            let owed = parcel.sum(|s| s.heavy[number]) * exact(row.cents.0);
            let paid = self.vars.add(variable().min(0));
            self.rules.push(constraint!(paid >= owed - most * off));
            self.cents += paid;
        }
    }

    /// A shipment waits only for units that become available at the moment it waits for.
    fn waits_for_something(&mut self, inst: &Instance, parcel: &Parcel) {
        let Lane {
            location, ready, ..
        } = parcel.lane;
        // Where it has to wait for room it waits for nothing else.
        if ready == inst.now || naive::is_limited(inst, location) {
            return;
        }
        let arrives = |d: usize| naive::ready_times(inst, location, |o| o == d).contains(&ready);
        let units = parcel.units.iter().enumerate().filter(|&(d, _)| arrives(d));
        let units: Expression = units.filter_map(|(_, u)| u.clone()).sum();
        self.rules.push(constraint!(parcel.used() <= units));
    }

    fn demands(&mut self, inst: &Instance) {
        let nothing = inst.policy.ship_complete && inst.policy.allow_backorder;
        let nothing = nothing.then(|| self.vars.add(variable().binary()));
        for (d, demand) in inst.demands.iter().enumerate() {
            let qty = exact(i64::from(demand.qty));
            let short: Expression = match nothing {
                Some(nothing) => qty * nothing,
                None if !inst.policy.allow_backorder => Expression::default(),
                None if naive::divisible(inst, d) => self
                    .vars
                    .add(variable().integer().min(0).max(demand.qty))
                    .into(),
                None => qty * self.vars.add(variable().binary()),
            };
            let shipped = self.shipped(d, |_| true);
            self.rules.push(constraint!(shipped + short.clone() == qty));
            self.cents += exact(inst.policy.short_per_unit.0) * short.clone();
            self.shorts.push(short);
        }
    }

    fn shipped(&self, d: usize, which: impl Fn(&Lane) -> bool) -> Expression {
        let parcels = self.parcels.iter().filter(|p| which(&p.lane));
        parcels.filter_map(|p| p.units[d].clone()).sum()
    }

    fn stock(&mut self, inst: &Instance) {
        let mut times: Vec<_> = self.parcels.iter().map(|p| p.lane.ready).collect();
        times.sort_unstable();
        times.dedup();
        for (d, stock) in inst.stock.iter().enumerate() {
            for &at in &times {
                for cell in &stock.cells {
                    let here = |l: &Lane| l.location == cell.location && l.ready <= at;
                    let (here, atp) = (self.shipped(d, here), exact(i64::from(cell.atp(at))));
                    self.rules.push(constraint!(here <= atp));
                }
                if stock.limit.is_some() {
                    let all = self.shipped(d, |l| l.ready <= at);
                    let limit = exact(i64::from(stock.limit_at(at)));
                    self.rules.push(constraint!(all <= limit));
                }
            }
        }
    }

    /// A location hands over no more on a day than is left of it.
    fn days(&mut self, inst: &Instance) {
        let net = &inst.network;
        let date = |l: &Lane| naive::local_date(net, l.location, l.ship_at);
        let mut days: Vec<_> = self
            .parcels
            .iter()
            .filter(|p| naive::is_limited(inst, p.lane.location))
            .map(|p| (p.lane.location, date(&p.lane)))
            .collect();
        days.sort_unstable();
        days.dedup();
        for (location, day) in days {
            let (shipments, units) = naive::left(inst, location, day);
            let here = |p: &&Parcel| p.lane.location == location && date(&p.lane) == day;
            let here: Vec<&Parcel> = self.parcels.iter().filter(here).collect();
            let sent: Expression = here.iter().map(|p| p.used()).sum();
            let goods: Expression = here
                .iter()
                .flat_map(|p| p.units.iter().flatten().cloned())
                .sum();
            if shipments < i64::MAX {
                self.rules
                    .push(constraint!(sent <= exact(shipments.max(0))));
            }
            if units < i64::MAX {
                self.rules.push(constraint!(goods <= exact(units.max(0))));
            }
        }
    }

    fn count(&mut self, inst: &Instance) {
        let used: Expression = self.parcels.iter().map(Parcel::used).sum();
        let most = f64::from(naive::max_shipments(inst));
        let further = self.vars.add(variable().min(0).max(most));
        self.rules.push(constraint!(used.clone() <= most));
        self.rules.push(constraint!(further >= used - 1));
        self.cents += exact(inst.policy.split_penalty.0) * further;
    }
}

/// A property of the units of `parcel` that are packed together, summed.
fn packed(inst: &Instance, parcel: &Parcel, of: impl Fn(usize) -> u64) -> Expression {
    let units = parcel.units.iter().enumerate();
    let packed = units.filter(|(d, _)| !inst.demands[*d].ships_alone);
    packed
        .filter_map(|(d, u)| Some(exact_u(of(d)) * u.clone()?))
        .sum()
}

/// Volume of the whole order.
fn volume(inst: &Instance) -> u64 {
    let volume = |d: &super::instance::DemandSpec| u64::from(d.qty) * d.volume_mm3;
    inst.demands.iter().map(volume).sum()
}

/// What one unit that ships alone pays: tariff price; carton and surcharges. `None` where the service
/// cannot carry it.
fn single(inst: &Instance, lane: &Lane, d: usize) -> Option<(Cents, Cents)> {
    let mut units = vec![0; inst.demands.len()];
    units[d] = 1;
    let [parcel] = naive::parcels(inst, lane.service, &units)?[..] else {
        return None;
    };
    let (postage, _) = naive::postage(&inst.network, lane.service, lane.zone, parcel.weight)?;
    let carton = inst.network.locations[lane.location].packaging_per_parcel;
    Some((
        postage,
        carton + naive::surcharge(inst, lane.service, &parcel),
    ))
}

/// Surcharges of a service that the order pays or not by the length or volume of its parcels.
fn measured(inst: &Instance, service: usize) -> Vec<&Surcharge> {
    let rows = inst.network.surcharges.iter();
    rows.filter(|row| row.over_length_mm.is_some() || row.over_cm3.is_some())
        .filter(|row| naive::pays_here(inst, service, row))
        .collect()
}

/// Whether a heavier step may be cheaper than a lighter one.
fn has_bargain(inst: &Instance, service: usize, steps: &[&Step]) -> bool {
    let falls = |pair: &[&Step]| {
        pair[1].postage < pair[0].postage
            || pair[1].extra < pair[0].extra
            || pair[1].heavy.iter().zip(&pair[0].heavy).any(|(b, a)| b < a)
    };
    let by_volume = measured(inst, service)
        .iter()
        .any(|row| row.over_cm3.is_some());
    let several = steps.iter().any(|step| step.parcels > 1);
    steps.windows(2).any(falls) || (by_volume && several)
}

/// The price curve of `lane` up to the weight of the whole order, equal neighbours merged.
fn curve(inst: &Instance, lane: &Lane) -> Vec<Step> {
    let Some(service) = inst.network.services.get(lane.service) else {
        // The customer collects: nobody weighs it.
        return Vec::new();
    };
    let grams: u64 = inst
        .demands
        .iter()
        .map(|d| u64::from(d.qty) * u64::from(d.grams))
        .sum();
    let heaviest = naive::billable(&inst.network, lane.service, grams, volume(inst));
    let measured = measured(inst, lane.service);
    let mut curve: Vec<Step> = Vec::new();
    for weight in edges(inst, lane, heaviest) {
        let Some((cents, parcels)) = naive::postage(&inst.network, lane.service, lane.zone, weight)
        else {
            break;
        };
        let carton = inst.network.locations[lane.location].packaging_per_parcel;
        let weights = weights_of(weight, service.max.0);
        let plain = |weight| {
            let parcel = naive::Parcel {
                weight,
                ..naive::Parcel::default()
            };
            carton + naive::surcharge(inst, lane.service, &parcel)
        };
        let extra: Cents = weights.iter().map(|&weight| plain(weight)).sum();
        let pays = |row: &Surcharge| {
            let heavy = weights.iter();
            let heavy = heavy.filter(|&&w| row.over.is_none_or(|over| w > over.0));
            heavy.count() as u64
        };
        // The heaviest multiple of the billing step within this step of the curve.
        let billed = weight / service.billing_step.0 * service.billing_step.0;
        let volume = service
            .dim_divisor_cm3_per_kg
            .map_or(u64::from(u32::MAX), |divisor| {
                let cm3 = billed * u64::from(divisor) / 1000;
                cm3.max(u64::from(service.dim_threshold_cm3)) * 1000
            });
        let step = Step {
            grams: billed,
            mm3: volume,
            postage: cents.0,
            extra: extra.0,
            parcels: parcels.into(),
            heavy: measured.iter().map(|row| pays(row)).collect(),
        };
        let alike = |last: &&mut Step| {
            let merged = Step {
                grams: step.grams,
                mm3: step.mm3,
                ..(**last).clone()
            };
            merged == step
        };
        match curve.last_mut().filter(alike) {
            Some(last) => *last = step,
            None => curve.push(step),
        }
    }
    curve
}

/// The weights of the parcels of so much, each of at most `max`.
fn weights_of(weight: u64, max: u64) -> Vec<u64> {
    let (mut rest, mut weights) = (weight, Vec::new());
    while rest > max {
        weights.push(max);
        rest -= max;
    }
    weights.push(rest);
    weights
}

/// Weights at which the price of `lane` may change, ascending, the last at least `heaviest`.
fn edges(inst: &Instance, lane: &Lane, heaviest: u64) -> Vec<u64> {
    let net = &inst.network;
    let max = net.services[lane.service].max.0;
    let rows = net.tariffs.iter();
    let rows = rows.filter(|t| t.service.index() == lane.service && t.zone == lane.zone);
    let surcharges = net.surcharges.iter();
    let surcharges = surcharges.filter(|row| naive::pays_here(inst, lane.service, row));
    let overs = surcharges.filter_map(|row| row.over).map(|over| over.0);
    let mut ends: Vec<u64> = rows
        .map(|t| t.max.0)
        .chain(overs)
        .filter(|&end| end < max)
        .chain([max])
        .collect();
    ends.sort_unstable();
    ends.dedup();
    let mut edges = Vec::new();
    let mut full = 0;
    while edges.last().is_none_or(|&last| last < heaviest) {
        edges.extend(ends.iter().map(|end| full + end));
        full += max;
    }
    let needed = edges
        .iter()
        .position(|&e| e >= heaviest)
        .map_or(edges.len(), |i| i + 1);
    edges.truncate(needed);
    edges
}
