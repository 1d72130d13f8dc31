//! Orders of more than [`EXACT_DEMANDS_MAX`] demands: a good plan, with a proven bound.
//!
//! The places that ship are chosen one by one, each time the one that saves most against leaving
//! its goods short; then places are exchanged, and goods moved between shipments, while that
//! helps. Everything is tried in a fixed order and the work is counted, not timed, so the same
//! order gives the same plan everywhere. All shipments of one location leave at one hand-over.
//!
//! Then all sets of places that may be open together are gone through, as far as the work allows
//! (`prove`): that proves how little any plan costs, and finds better plans on the way.
//!
//! Unlike the exact search this one allocates.
//!
//! [`EXACT_DEMANDS_MAX`]: super::EXACT_DEMANDS_MAX

mod assign;
mod bound;
mod costs;
mod exchange;
mod least;
mod node;
mod offers;
mod prove;
mod settle;
mod stairs;

pub use self::least::{LeastCosts, LeastDemand, LeastGood, LeastPlace};

use self::assign::{Assigner, Assignment};
use self::costs::Costs;
pub(super) use self::costs::Under;
use self::offers::{Offer, Offers};
pub(super) use self::settle::{Place, lower_line, settle};
use self::stairs::Shipped;
use super::candidates::Seen;
use super::departures::Departures;
use super::price::{finish, shipment};
use super::request::Job;
use super::solve::Solved;
use super::tariff::{AMOUNT_MAX, NEVER};
use crate::model::{Cents, EpochMillis, LocationId, Plan, Qty, ShipmentLine, ShortLine};

/// How much work improving may do: units of demands × shipments looked at.
const WORK_MAX: u64 = 6_000_000;
/// How many places are tried in exchange for one.
const EXCHANGES: usize = 24;

/// The best plans found, and what is known of the locations.
pub(super) fn solve(job: &Job<'_>, departures: &mut Departures) -> (Solved, Vec<Seen>) {
    let offers = Offers::gather(job, departures);
    let seen = offers.seen(job, departures);
    let nothing: i64 = job
        .request
        .demands
        .iter()
        .map(|d| job.short_cents(d.qty))
        .sum();
    let mut search = Search::new(job, &offers, departures);
    search.grow();
    search.improve();
    let tight = offers.tight(job);
    let costs = if job.draft || tight || offers.cut {
        None
    } else {
        Costs::new(job, &offers, departures)
    };
    let best = search.best.cents;
    let proven = costs.map(|costs| costs.prove(best, |open, how| search.cost_of(open, how)));
    let mut plans: Vec<Plan> = search
        .found
        .iter()
        .map(|found| plan_of(job, &offers, found))
        .filter(|plan| allowed(job, plan))
        .collect();
    if job.policy.allow_backorder {
        plans.push(all_short(job));
    }
    plans.sort_by_key(|plan| (plan.objective.total(), plan.shipments.len()));
    plans.dedup_by(|a, b| hand_overs(a) == hand_overs(b));
    let bound = if job.draft {
        0
    } else if tight {
        // Where a day is full the search knows fewer plans than there are.
        let unlimited = Job {
            unlimited: true,
            ..*job
        };
        let offers = Offers::gather(&unlimited, departures);
        let costs = match offers.cut {
            true => None,
            false => Costs::new(&unlimited, &offers, departures),
        };
        // No set of places is priced: its plan might need more of a day than there is.
        let proven = costs.map_or(0, |costs| costs.bound(best));
        bounded(&unlimited, &offers, departures).max(proven)
    } else {
        bounded(job, &offers, departures)
    };
    let bound = bound.max(proven.unwrap_or(0));
    let bound = if job.policy.allow_backorder {
        bound.min(nothing)
    } else {
        bound
    };
    let mut plans = plans.into_iter();
    let solved = Solved {
        plans: [plans.next(), plans.next()],
        bound: Some(bound),
    };
    (solved, seen)
}

/// What no plan costs less than. Of plans that wait longer than was looked at nothing is known but that
/// they cost something.
fn bounded(job: &Job<'_>, offers: &Offers, departures: &Departures) -> i64 {
    match offers.cut {
        true => 0,
        false => bound::lower_bound(job, offers, departures),
    }
}

/// Where and when a plan ships: what differs in nothing else is no other plan.
fn hand_overs(plan: &Plan) -> Vec<(LocationId, EpochMillis)> {
    let all = plan.shipments.iter().map(|s| (s.location, s.ship_at));
    let mut all: Vec<_> = all.collect();
    all.sort_unstable();
    all
}

/// Whether the policy takes a plan.
fn allowed(job: &Job<'_>, plan: &Plan) -> bool {
    plan.short.is_empty() || (job.may_short_some() && !plan.shipments.is_empty())
}

/// The plan that ships nothing.
fn all_short(job: &Job<'_>) -> Plan {
    let short = job.request.demands.iter().enumerate();
    let short = short.map(|(i, demand)| ShortLine {
        demand: number(i),
        qty: demand.qty,
    });
    let mut plan = Plan::default();
    finish(job, &mut plan, short.collect()).expect("the request's amounts were checked");
    plan
}

/// The position of a demand; requests have at most `DEMANDS_MAX`.
fn number(demand: usize) -> u16 {
    u16::try_from(demand).unwrap_or(u16::MAX)
}

/// A found assignment with everything a customer and a warehouse need.
fn plan_of(job: &Job<'_>, offers: &Offers, found: &Assignment) -> Plan {
    let mut lines: Vec<Vec<ShipmentLine>> = vec![Vec::new(); found.open.len()];
    let mut short = Vec::new();
    for (i, demand) in job.request.demands.iter().enumerate() {
        let mut left = demand.qty.0;
        for (place, units) in found.of(i) {
            left -= units;
            let (demand, qty) = (number(i), Qty(units));
            lines[place].push(ShipmentLine { demand, qty });
        }
        if left > 0 {
            let (demand, qty) = (number(i), Qty(left));
            short.push(ShortLine { demand, qty });
        }
    }
    let mut plan = Plan::default();
    for (&offer, lines) in found.open.iter().zip(lines) {
        if !lines.is_empty() {
            let location = offers.rows[offer].location;
            let ready = earliest(job, offers, found, offer, &lines);
            let priced = shipment(job, usize::from(location), ready, lines);
            plan.shipments
                .push(priced.expect("the search found a service for it"));
        }
    }
    finish(job, &mut plan, short).expect("the request's amounts were checked");
    plan
}

/// The earliest that a shipment can be ready: the search tries hand-overs for what they could hold,
/// but to wait for nothing is not another plan. All that is drawn of a demand, here and elsewhere,
/// must be there by then, which is more than enough.
fn earliest(
    job: &Job<'_>,
    offers: &Offers,
    found: &Assignment,
    offer: usize,
    lines: &[ShipmentLine],
) -> EpochMillis {
    let chosen = &offers.rows[offer];
    let fits = |row: &Offer| {
        lines.iter().all(|line| {
            let there = row.goods.binary_search_by_key(&line.demand, |g| g.0);
            let there = there.map_or(0, |at| u64::from(row.goods[at].1));
            let drawn = found.of(usize::from(line.demand));
            let (mut here, mut everywhere) = (0, 0);
            for (place, units) in drawn {
                let location = offers.rows[found.open[place]].location;
                here += u64::from(if location == chosen.location {
                    units
                } else {
                    0
                });
                everywhere += u64::from(units);
            }
            let limit = job.request.stock.limit(usize::from(line.demand));
            let allowed = limit.is_none_or(|steps| {
                let by_then = steps.iter().take_while(|s| s.from <= row.ready).last();
                by_then.is_some_and(|s| u64::from(s.qty.0) >= everywhere)
            });
            there >= here && allowed
        })
    };
    let earlier = offers
        .rows
        .iter()
        .filter(|row| row.location == chosen.location);
    let ready = earlier
        .filter(|row| row.ready < chosen.ready && fits(row))
        .map(|row| row.ready);
    ready.min().unwrap_or(chosen.ready)
}

/// The search over which places ship.
struct Search<'a> {
    job: &'a Job<'a>,
    offers: &'a Offers,
    assigner: Assigner<'a>,
    best: Assignment,
    /// Every plan that was the best at some time, and the last one that was not.
    found: Vec<Assignment>,
    work: u64,
}

impl<'a> Search<'a> {
    fn new(job: &'a Job<'a>, offers: &'a Offers, departures: &'a Departures) -> Self {
        let short = if job.may_short_some() {
            job.policy.short_per_unit.0
        } else {
            // Shorts are only tolerated on the way to a plan without any.
            let units: i64 = job.request.demands.iter().map(|d| i64::from(d.qty.0)).sum();
            Cents(AMOUNT_MAX / units.max(1)).0
        };
        let mut assigner = Assigner::new(job, offers, departures, short);
        let best = assigner.assign(&[]);
        Self {
            job,
            offers,
            assigner,
            found: Vec::new(),
            best,
            work: job.effort(WORK_MAX),
        }
    }

    /// Opens places while that helps.
    fn grow(&mut self) {
        while self.best.open.len() < usize::from(self.job.policy.max_shipments) {
            let Some(&(_, offer)) = self.promising(&self.best.clone(), 1).first() else {
                return;
            };
            let mut open = self.best.open.clone();
            open.push(offer);
            if !self.consider(&open) {
                return;
            }
        }
    }

    /// Exchanges, closes and opens places while that helps and there is work left.
    fn improve(&mut self) {
        let mut better = true;
        while better && self.work > 0 {
            better = false;
            for place in 0..self.best.open.len() {
                if self.exchange(place) {
                    better = true;
                    break;
                }
            }
            if !better {
                let open = self.best.open.clone();
                self.grow();
                better = self.best.open != open;
            }
        }
    }

    /// Closes one place, or opens another in its stead.
    fn exchange(&mut self, place: usize) -> bool {
        let mut open = self.best.open.clone();
        open.remove(place);
        if self.consider(&open) {
            return true;
        }
        let without = self.assigner.assign(&open);
        self.spend(open.len());
        for (_, offer) in self.promising(&without, EXCHANGES) {
            if self.work == 0 {
                return false;
            }
            let mut open = open.clone();
            open.push(offer);
            if offer != self.best.open[place] && self.consider(&open) {
                return true;
            }
        }
        false
    }

    /// The places that would save most if opened besides what `now` has open: most first.
    fn promising(&mut self, now: &Assignment, most: usize) -> Vec<(i64, usize)> {
        let mut gains = Vec::new();
        for offer in 0..self.offers.rows.len() {
            // A location ships at one hand-over; twice when one shipment cannot hold it all.
            let location = self.offers.rows[offer].location;
            let other = |&o: &usize| o != offer && self.offers.rows[o].location == location;
            if now.open.iter().any(other) {
                continue;
            }
            let gain = self.assigner.gain(now, offer);
            if gain > 0 {
                gains.push((gain, offer));
            }
        }
        self.work = self.work.saturating_sub(self.offers.cells());
        gains.sort_by_key(|&(gain, offer)| (std::cmp::Reverse(gain), offer));
        gains.truncate(most);
        gains
    }

    /// Takes a set of places if it is better than the best; keeps it as the runner-up if it is
    /// better than that.
    fn consider(&mut self, open: &[usize]) -> bool {
        let new = self.assigner.assign(open);
        self.spend(open.len());
        self.take(new)
    }

    /// Takes a plan, what it ships moved where it costs less, if it is better than the best.
    fn take(&mut self, mut new: Assignment) -> bool {
        if new.cents >= NEVER {
            return false;
        }
        self.assigner.relocate(&mut new);
        self.spend(new.open.len() * new.open.len());
        let better = new.cents < self.best.cents;
        let kept = if better {
            std::mem::replace(&mut self.best, new.clone())
        } else {
            new.clone()
        };
        // The best is always there; of the others only the best one.
        let (mine, best) = (kept.ships(), self.best.ships());
        self.found
            .retain(|f| f.ships() != mine && f.ships() != best);
        self.found.push(kept);
        self.found.sort_by_key(|f| f.cents);
        self.found.retain(|f| f.ships() != best);
        self.found.truncate(1);
        self.found.push(self.best.clone());
        better
    }

    /// What a set of places costs, or a better one that is known; `how` its goods may ship. Two hand-overs of one location
    /// would share its units, so these are not priced.
    fn cost_of(&mut self, open: &[usize], how: &[Shipped]) -> i64 {
        let location = |&offer: &usize| self.offers.rows[offer].location;
        let repeated = |at: usize| {
            open[..at]
                .iter()
                .any(|o| location(o) == location(&open[at]))
        };
        if !(0..open.len()).any(repeated) {
            self.consider(open);
            if let Some(new) = self.assigner.assign_as(open, how) {
                self.take(new);
            }
        }
        self.best.cents
    }

    fn spend(&mut self, places: usize) {
        let demands = self.job.request.demands.len() as u64;
        self.work = self.work.saturating_sub(demands * (places as u64 + 1));
    }
}
