//! Routing one order: gather, search, explain.

use super::candidates::{Candidates, Set};
use super::departures::Departures;
use super::divide::Divide;
use super::explain::rejected;
use super::lanes::Lanes;
use super::large;
use super::partition::Found;
use super::price::{finish, shipment};
use super::request::{EXACT_DEMANDS_MAX, Job, Request, SETS_DEMANDS_MAX, Unroutable};
use super::tariff::{AMOUNT_MAX, NEVER};
use super::whole::Whole;
use crate::model::{Cents, Decision, Plan, Proof, ShipmentLine, ShortLine};

/// Memory that is reused from order to order: once warm, only the answer is allocated. One for
/// each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    candidates: Candidates,
    departures: Departures,
    whole: Whole,
    divide: Divide,
}

impl Scratch {
    /// Whether the request solved last has a demand that may be divided.
    pub(super) fn divides(&self) -> bool {
        self.candidates.divisible != 0
    }
}

/// The best two plans of a search, cheapest first, and what no plan can cost less than.
#[derive(Debug, Default)]
pub(super) struct Solved {
    pub(super) plans: [Option<Plan>; 2],
    /// Lower bound, when the search had to stop before the first plan was proven to be the best.
    pub(super) bound: Option<i64>,
}

impl Solved {
    /// Whether the first plan is known to be the best.
    fn proven(&self) -> bool {
        let total = |plan: &Plan| plan.objective.total().0;
        let least = self.plans[0].as_ref().map_or(i64::MAX, total);
        self.bound.is_none_or(|bound| bound >= least)
    }

    /// The better plans and the better bound of two searches for one request, of which neither is
    /// proven.
    fn or_better(self, other: Self) -> Self {
        let bound = self.bound.max(other.bound);
        let mut plans: Vec<Plan> = self.plans.into_iter().flatten().collect();
        let best = plans.first().map_or(i64::MAX, |p| p.objective.total().0);
        // Only what is cheaper: of equal ones the exact search names the first by its rules.
        let others = other.plans.into_iter().flatten();
        let cheaper = others.filter(|p| p.objective.total().0 < best);
        let at = cheaper.take(1).collect::<Vec<_>>();
        plans.splice(0..0, at);
        let mut plans = plans.into_iter();
        Self {
            plans: [plans.next(), plans.next()],
            bound,
        }
    }
}

/// Finds the plan that minimises the objective (see the [module](super)), with its runner-up, its
/// proof, and the reason why each other location that holds something is not in it.
///
/// # Errors
/// [`Unroutable::Short`] when not everything can ship and the policy accepts no backorder; the
/// others when the request itself cannot be routed by.
pub fn route(
    lanes: &Lanes,
    request: &Request<'_>,
    scratch: &mut Scratch,
) -> Result<Decision, Unroutable> {
    decide(&Job::new(lanes, request)?, scratch)
}

/// The plan of [`route`], for an order of more than [`EXACT_DEMANDS_MAX`] demands as its search first finds
/// it: that it cannot be bettered by more than so much is not proven, which is most of the work. Demand is
/// estimated by it.
///
/// # Errors
/// As [`route`].
pub fn draft(
    lanes: &Lanes,
    request: &Request<'_>,
    scratch: &mut Scratch,
) -> Result<Plan, Unroutable> {
    let mut job = Job::new(lanes, request)?;
    job.draft = true;
    let mut solved = solve(&job, scratch);
    if solved.plans[0].is_none() {
        solved = last_resort(&job, scratch)?;
    }
    let [plan, _] = solved.plans;
    plan.ok_or_else(|| short(scratch, Vec::new()))
}

/// The answer to a checked request.
pub(super) fn decide(job: &Job<'_>, scratch: &mut Scratch) -> Result<Decision, Unroutable> {
    let mut solved = solve(job, scratch);
    if solved.plans[0].is_none() {
        solved = last_resort(job, scratch)?;
    }
    let [Some(plan), runner_up] = solved.plans else {
        return Err(short(scratch, Vec::new()));
    };
    let total = plan.objective.total();
    // A bound above what was found is a wrong proof: no test may pass over it. Where nothing can ship the
    // bound of what ships is `NEVER`, and to ship nothing is the plan.
    debug_assert!(
        solved
            .bound
            .is_none_or(|bound| bound <= total.0 || bound >= NEVER),
        "the bound {:?} is above the plan {total:?}",
        solved.bound
    );
    let bound = solved.bound.map_or(total, |bound| Cents(bound).min(total));
    Ok(Decision {
        rejected: rejected(job, &scratch.candidates.seen, &plan),
        proof: Proof {
            optimal: bound == total,
            bound,
        },
        plan,
        runner_up,
        basis: Box::default(),
    })
}

/// The best two plans.
pub(super) fn solve(job: &Job<'_>, scratch: &mut Scratch) -> Solved {
    let Scratch {
        candidates,
        departures,
        whole,
        divide,
    } = scratch;
    departures.start(job);
    let demands = job.request.demands.len();
    if demands <= SETS_DEMANDS_MAX {
        candidates.gather(job, departures);
    }
    if demands > EXACT_DEMANDS_MAX && (demands > SETS_DEMANDS_MAX || !candidates.are_few()) {
        let (solved, seen) = large::solve(job, departures);
        candidates.seen = seen;
        return solved;
    }
    if candidates.divisible != 0 {
        let solved = divide.solve(job, candidates, departures, whole);
        return if solved.proven() {
            solved
        } else {
            solved.or_better(large::solve(job, departures).0)
        };
    }
    let found = whole.solve(job, candidates, departures);
    Solved {
        plans: found.map(|f| f.map(|f| plan_of(job, candidates, departures, &f))),
        bound: None,
    }
}

/// When no plan was found: names what stays short in the plan that ships the most. A search that
/// had to stop early may only now find a plan that leaves nothing short; that one is taken.
fn last_resort(job: &Job<'_>, scratch: &mut Scratch) -> Result<Solved, Unroutable> {
    let units: i64 = job.request.demands.iter().map(|d| i64::from(d.qty.0)).sum();
    let mut lenient = *job;
    lenient.policy.allow_backorder = true;
    lenient.policy.ship_complete = false;
    lenient.policy.short_per_unit = Cents(AMOUNT_MAX / units);
    let solved = solve(&lenient, scratch);
    let [Some(plan), _] = solved.plans else {
        return Err(short(scratch, Vec::new()));
    };
    if !plan.short.is_empty() {
        return Err(short(scratch, plan.short));
    }
    let bound = Some(solved.bound.unwrap_or(plan.objective.total().0));
    let plans = [Some(plan), None];
    Ok(Solved { plans, bound })
}

fn short(scratch: &Scratch, short: Vec<ShortLine>) -> Unroutable {
    let seen = scratch.candidates.seen.iter();
    let considered = seen.filter(|s| s.reason.is_none()).count();
    Unroutable::Short { short, considered }
}

/// A found plan with everything a customer and a warehouse need.
fn plan_of(job: &Job<'_>, candidates: &Candidates, departures: &Departures, found: &Found) -> Plan {
    let demands = job.request.demands;
    let line = |i: usize| (u16::try_from(i).unwrap_or(u16::MAX), demands[i].qty);
    let within = |set: Set| (0..demands.len()).filter(move |&i| set >> i & 1 == 1);
    // Kept for the life of an order: no room for more shipments than it has.
    let mut plan = Plan {
        shipments: Vec::with_capacity(usize::from(found.shipments)),
        ..Plan::default()
    };
    for &(set, slot) in &found.blocks[..usize::from(found.shipments)] {
        let slot = &candidates.slots[slot as usize];
        let lines: Vec<ShipmentLine> = within(set)
            .map(line)
            .map(|(demand, qty)| ShipmentLine { demand, qty })
            .collect();
        let ready = departures.get(slot.departure).ready;
        let priced = shipment(job, usize::from(slot.location), ready, lines);
        plan.shipments
            .push(priced.expect("the search found a service for it"));
    }
    let short = within(found.short)
        .map(line)
        .map(|(demand, qty)| ShortLine { demand, qty })
        .collect();
    finish(job, &mut plan, short).expect("the request's amounts were checked");
    debug_assert_eq!(plan.objective.total().0, found.cents, "search and price");
    plan
}
