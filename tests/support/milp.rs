//! The cheapest plan by a general mixed-integer model, solved by a general solver.
//!
//! For every lane and copy of it: integer units of each demand, and one binary per step of its
//! price curve. A step admits at most so many grams and so much volume, so postage is never told
//! what a shipment weighs, only what it may weigh; that is exact because the curve rises (a model
//! whose curve falls anywhere is not judged here). Whole demands are one binary each. Orders with
//! units that ship alone and surcharges that measure parcels are left to enumeration.

use super::instance::Instance;
use super::naive::{self, Lane};
use super::{Best, Verdict};
use allot::model::Surcharge;
use good_lp::solvers::{SolutionStatus, WithTimeLimit};
use good_lp::{
    Expression, ProblemVariables, ResolutionError, Solution, SolverModel, Variable, constraint,
    microlp, variable,
};

/// Seconds that the solver may take before the instance counts as unknown.
const SECONDS_MAX: f64 = 2.0;

/// What a shipment priced by a piece of its lane's price curve may hold.
struct Step {
    grams: u64,
    mm3: u64,
}

/// One possible shipment of the model.
struct Parcel {
    lane: Lane,
    /// Units by demand; `None` where it cannot hold any.
    units: Vec<Option<Expression>>,
    /// One binary per step of the curve; their sum is 1 if the shipment is used.
    steps: Vec<(Step, Variable)>,
}

impl Parcel {
    fn used(&self) -> Expression {
        self.steps.iter().map(|(_, v)| Expression::from(*v)).sum()
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

/// The optimum of `inst`; unknown when its price curves fall somewhere, it has more than
/// `binaries` price steps or the solver runs out of time.
pub(crate) fn solve(inst: &Instance, binaries: usize) -> Verdict {
    let measured =
        |s: &Surcharge| s.over.is_some() || s.over_cm3.is_some() || s.over_length_mm.is_some();
    let alone = inst.demands.iter().any(|d| d.ships_alone);
    if alone || inst.network.surcharges.iter().any(measured) {
        return Verdict::Unknown;
    }
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
                let curve = curve(inst, &lane)?;
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

    fn parcel(&mut self, inst: &Instance, lane: Lane, curve: &[(u64, u64, i64)]) {
        let row = &inst.network.locations[lane.location];
        let policy = &inst.policy;
        let fixed = row.handling_per_shipment.0
            + policy.late_per_day.0 * i64::from(lane.late)
            + policy.speed_value_per_day.0 * i64::from(lane.days);
        let mut parcel = Parcel {
            lane,
            units: Vec::new(),
            steps: Vec::new(),
        };
        for &(grams, mm3, cents) in curve {
            let chosen = self.vars.add(variable().binary());
            self.cents += exact(cents + fixed) * chosen;
            parcel.steps.push((Step { grams, mm3 }, chosen));
        }
        self.rules.push(constraint!(parcel.used() <= 1));
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
        self.weights(inst, &parcel);
        self.waits_for_something(inst, &parcel);
        self.parcels.push(parcel);
    }

    fn units(&mut self, inst: &Instance, lane: &Lane, d: usize) -> Option<Expression> {
        let (demand, stock) = (&inst.demands[d], &inst.stock[d]);
        let most = stock.atp(lane.location, lane.ready).min(demand.qty);
        let refused = naive::restricted(inst, lane.location, Some(lane.service), d);
        if most == 0 || !naive::eligible(inst, lane.location, d) || refused {
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

    fn weights(&mut self, inst: &Instance, parcel: &Parcel) {
        let total = |of: &dyn Fn(usize) -> u64| -> Expression {
            let units = parcel.units.iter().enumerate();
            units
                .filter_map(|(d, u)| Some(exact_u(of(d)) * u.clone()?))
                .sum()
        };
        let allowed = |of: &dyn Fn(&Step) -> u64| -> Expression {
            parcel
                .steps
                .iter()
                .map(|(step, v)| exact_u(of(step)) * *v)
                .sum()
        };
        let grams = total(&|d| u64::from(inst.demands[d].grams));
        self.rules.push(constraint!(grams <= allowed(&|s| s.grams)));
        let mm3 = total(&|d| inst.demands[d].volume_mm3);
        self.rules
            .push(constraint!(mm3 * 1e-3 <= allowed(&|s| s.mm3) * 1e-3));
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

/// The price curve of `lane` up to the weight of the whole order: (grams, volume, cents) of each
/// step, equal neighbours merged; `None` when it falls somewhere.
fn curve(inst: &Instance, lane: &Lane) -> Option<Vec<(u64, u64, i64)>> {
    let Some(service) = inst.network.services.get(lane.service) else {
        // The customer collects: whatever it weighs.
        return Some(vec![(u32::MAX.into(), u32::MAX.into(), 0)]);
    };
    let sum = |of: fn(&super::instance::DemandSpec) -> u64| -> u64 {
        inst.demands.iter().map(|d| u64::from(d.qty) * of(d)).sum()
    };
    let (grams, mm3) = (sum(|d| u64::from(d.grams)), sum(|d| d.volume_mm3));
    let heaviest = naive::billable(&inst.network, lane.service, grams, mm3);
    let mut curve: Vec<(u64, u64, i64)> = Vec::new();
    for weight in edges(inst, lane, heaviest) {
        let Some((cents, parcels)) = naive::postage(&inst.network, lane.service, lane.zone, weight)
        else {
            break;
        };
        let carton = inst.network.locations[lane.location].packaging_per_parcel;
        let each = carton + naive::surcharge(inst, lane.service, &naive::Parcel::default());
        let cents = cents.max(service.minimum) + each * parcels;
        // The heaviest multiple of the billing step within this step of the curve.
        let billed = weight / service.billing_step.0 * service.billing_step.0;
        let volume = service.dim_divisor_cm3_per_kg.map_or(mm3, |divisor| {
            let cm3 = billed * u64::from(divisor) / 1000;
            cm3.max(u64::from(service.dim_threshold_cm3)) * 1000
        });
        match curve.last_mut() {
            Some(last) if last.2 > cents.0 => return None,
            Some(last) if last.2 == cents.0 => *last = (billed, volume, cents.0),
            _ => curve.push((billed, volume, cents.0)),
        }
    }
    Some(curve)
}

/// Weights at which the price of `lane` may change, ascending, the last at least `heaviest`.
fn edges(inst: &Instance, lane: &Lane, heaviest: u64) -> Vec<u64> {
    let net = &inst.network;
    let max = net.services[lane.service].max.0;
    let rows = net.tariffs.iter();
    let rows = rows.filter(|t| t.service.index() == lane.service && t.zone == lane.zone);
    let ends: Vec<u64> = rows
        .map(|t| t.max.0)
        .filter(|&end| end < max)
        .chain([max])
        .collect();
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
