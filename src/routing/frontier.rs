//! The whole choice that an order leaves: every plan that no other beats in cost, in the date of the
//! last delivery and in the number of shipments at once.
//!
//! Only plans with the fewest units short that any plan has are compared. *Cost* is the order's
//! policy without its value of speed: time stands beside it, not in it. For every number of
//! shipments and every date on which something could be delivered the cheapest plan that keeps
//! within both is found; the plans that nothing beats are among these, because each is the cheapest
//! within its own number and date.

use super::eager::Eager;
use super::price::reprice;
use super::quote::dates;
use super::request::{EXACT_DEMANDS_MAX, Job, Request, Unroutable};
use super::solve::Scratch;
use crate::model::{Cents, Day, Decision, Plan};

/// Most different plans that are looked for by date, of one number of shipments.
const DATES_MAX: usize = 64;

/// What an order can be had for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontier {
    /// Plans of which none is beaten by another, by ascending cost, then date, then number of
    /// shipments. Costs are by the order's policy without its value of speed.
    pub plans: Vec<Decision>,
    /// Whether every plan that nothing beats is there: so it is for orders of up to
    /// [`EXACT_DEMANDS_MAX`] demands. Where some of them are divided, all searches have to end for that, and
    /// plans are not looked for that cost more than sixteen times one that leaves the fewest short, if that is
    /// more than 100,000 cents. Otherwise these are the plans that the searches found, each with its own proof
    /// or bound; there may be others.
    pub complete: bool,
}

/// What plans are compared by: cost, date of the last delivery, number of shipments.
type Rank = (Cents, Option<Day>, usize);

fn rank(plan: &Plan) -> Rank {
    let (cents, shipments) = (plan.objective.total(), plan.shipments.len());
    (cents, plan.delivered_on(), shipments)
}

/// Whether `a` is at least as good as `b` in everything.
fn beats(a: &Rank, b: &Rank) -> bool {
    a.0 <= b.0 && a.1 <= b.1 && a.2 <= b.2
}

/// All plans worth choosing from.
///
/// # Errors
/// As [`route`](super::route).
pub fn frontier(
    lanes: &super::Lanes,
    request: &Request<'_>,
    scratch: &mut Scratch,
) -> Result<Frontier, Unroutable> {
    let mut job = Job::new(lanes, request)?;
    job.policy.speed_value_per_day = Cents(0);
    let (eager, first) = Eager::new(&job, scratch)?;
    let mut search = Search {
        job,
        eager,
        found: Vec::new(),
        complete: eager.proven && request.demands.len() <= EXACT_DEMANDS_MAX,
    };
    // Where fewer shipments than allowed were made, the numbers between give the same plans.
    let mut shipments = job.policy.max_shipments;
    while shipments > 0 {
        let made = search.by_date(shipments, scratch);
        shipments = shipments.min(made).saturating_sub(1);
    }
    if search.found.is_empty() {
        search.take(first);
    }
    Ok(search.answer())
}

struct Search<'a> {
    job: Job<'a>,
    eager: Eager<'a>,
    found: Vec<(Rank, Decision)>,
    complete: bool,
}

impl Search<'_> {
    /// The cheapest plans of at most so many shipments, by ever earlier dates; the most shipments
    /// that one of them has.
    fn by_date(&mut self, shipments: u8, scratch: &mut Scratch) -> u8 {
        let mut within = self.eager.job();
        within.policy.max_shipments = shipments;
        let mut made = 0;
        for _ in 0..DATES_MAX {
            let (found, proven) = self.eager.cheapest(&within, scratch);
            self.complete &= proven;
            let Some(decision) = found else { return made };
            let delivered = decision.plan.delivered_on();
            made = made.max(u8::try_from(decision.plan.shipments.len()).unwrap_or(u8::MAX));
            self.take(decision);
            // Nothing between is a date on which anything could be delivered.
            let earlier = delivered.and_then(|day| dates(&within, day).into_iter().rev().nth(1));
            let Some(earlier) = earlier else {
                return made;
            };
            within.latest = Some(earlier);
        }
        self.complete = false;
        made
    }

    /// Keeps a plan, which leaves no more short than need be.
    fn take(&mut self, mut decision: Decision) {
        let dear = decision.plan.objective.total();
        for plan in std::iter::once(&mut decision.plan).chain(&mut decision.runner_up) {
            reprice(&self.job, plan);
        }
        let cheaper = dear - decision.plan.objective.total();
        decision.proof.bound -= cheaper;
        // Another plan is only a runner-up if it leaves no more short.
        let fewest = self.eager.fewest;
        decision.runner_up = decision.runner_up.filter(|p| p.short_units() == fewest);
        self.found.push((rank(&decision.plan), decision));
    }

    /// The plans that no other beats; of equal ones the first.
    fn answer(mut self) -> Frontier {
        self.found.sort_by_key(|found| found.0);
        let mut plans: Vec<(Rank, Decision)> = Vec::new();
        for (rank, decision) in self.found {
            if !plans.iter().any(|(kept, _)| beats(kept, &rank)) {
                plans.push((rank, decision));
            }
        }
        Frontier {
            plans: plans.into_iter().map(|(_, decision)| decision).collect(),
            complete: self.complete,
        }
    }
}
