//! Stock that should be elsewhere: transfers between locations that pay for themselves in the open
//! backlog, and in the orders to come.
//!
//! A transfer takes units of some items from one location to another; they arrive some hours later.
//! It costs a fixed amount and so much a unit. What it saves in the backlog is the difference of two
//! solved outcomes, with it and without it, over the orders that want its items while all others keep
//! what they have; both pass the checker. What it is worth to the orders to come is the difference of the
//! scarcity prices of its units at the two places, at the margin.
//!
//! | file | what it does |
//! | --- | --- |
//! | `candidates` | what each order would do if one place had all of it; summed by way |
//! | `part` | the orders that a transfer concerns, as a problem of their own, with and without it |
//!
//! Candidates are tried in the order of what they seem to save; one that is taken changes what the next
//! ones find.

mod candidates;
mod part;

use super::left::{Draw, Left};
use super::optimize::{Effort, optimize};
use super::outcome::Outcome;
use super::problem::{Kept, OpenOrder, Problem, Today, units};
use super::{Move, check};
use crate::model::{Cents, EpochMillis, LocationId, Millis, Plan, Qty, SkuId};
use crate::routing::{Lanes, between_km};
use candidates::{Candidate, candidates};
use part::Part;
use std::ops::ControlFlow;

/// What transfers cost, and how long they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Cents for each, whatever is in it.
    pub fixed: Cents,
    /// Cents for each unit.
    pub per_unit: Cents,
    /// Hours from one place to the next, whatever is between them, with what arrivals are distrusted.
    pub hours: u32,
    /// Hours more for every thousand kilometres.
    pub hours_per_1000_km: u32,
    /// Most that are proposed.
    pub most: usize,
}

/// Units to be taken from one location to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// From where.
    pub from: LocationId,
    /// To where.
    pub to: LocationId,
    /// What.
    pub items: Vec<(SkuId, Qty)>,
    /// From when its units may be promised there.
    pub arrives_at: EpochMillis,
}

impl Transfer {
    /// The problem as it is once the transfer is on its way; `None` where its units are not all there.
    #[must_use]
    pub fn made(&self, problem: &Problem) -> Option<Problem> {
        part::with(problem, self)
    }
}

/// A transfer that pays for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What goes where.
    pub transfer: Transfer,
    /// What that costs.
    pub cents: Cents,
    /// What the open orders cost without it, less what they cost with it.
    pub saved: Cents,
    /// What its units are worth more to the orders to come where they go to, at the margin.
    pub later: Cents,
    /// Orders of the problem that get another plan for it.
    pub orders: Vec<usize>,
}

impl Proposal {
    /// What remains of the saving.
    #[must_use]
    pub fn gain(&self) -> Cents {
        self.saved + self.later - self.cents
    }
}

impl Terms {
    /// When units that leave now may be promised at the other place.
    #[must_use]
    pub fn arrival(
        &self,
        lanes: &Lanes,
        now: EpochMillis,
        from: LocationId,
        to: LocationId,
    ) -> EpochMillis {
        let far = u64::from(between_km(lanes, from, to)) * u64::from(self.hours_per_1000_km);
        let hours = u64::from(self.hours) + far.div_ceil(1_000);
        now + Millis::from_hours(u32::try_from(hours).unwrap_or(u32::MAX))
    }

    fn cost(&self, items: &[(SkuId, Qty)]) -> Cents {
        let all: i64 = items.iter().map(|(_, qty)| units(*qty)).sum();
        Cents(self.fixed.0 + self.per_unit.0.saturating_mul(all))
    }
}

/// Proposes transfers on top of an outcome of the problem. `hear` is told how many candidates of how
/// many were tried; where it breaks, those found so far are the answer.
///
/// # Errors
/// An outcome that breaks a rule of the checker, which it then names.
pub fn propose(
    problem: &Problem,
    outcome: &Outcome,
    lanes: &Lanes,
    terms: Terms,
    effort: Effort,
    hear: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Vec<Proposal>, String> {
    let mut stand = Stand::new(problem, outcome);
    let mut found = Vec::new();
    let all = candidates(&stand.problem, lanes, terms);
    for (number, candidate) in all.iter().enumerate() {
        if hear(number, all.len()).is_break() || found.len() == terms.most {
            break;
        }
        found.extend(stand.attempt(candidate, lanes, terms, effort)?);
    }
    found.sort_by_key(|p| std::cmp::Reverse(p.gain()));
    Ok(found)
}

/// Where the orders stand: as the outcome leaves them, and as the transfers taken so far do.
struct Stand {
    problem: Problem,
}

impl Stand {
    fn new(problem: &Problem, outcome: &Outcome) -> Self {
        let mut problem = problem.clone();
        problem.change_cents = 0;
        for one in &outcome.moves {
            moved(&mut problem.orders[one.order], &one.to);
        }
        // Who has no plan takes no part.
        for &order in &outcome.broken {
            let of = &mut problem.orders[order];
            of.today.shipments.clear();
            of.frozen = true;
        }
        Self { problem }
    }

    fn attempt(
        &mut self,
        candidate: &Candidate,
        lanes: &Lanes,
        terms: Terms,
        effort: Effort,
    ) -> Result<Option<Proposal>, String> {
        let Some(part) = Part::new(&self.problem, candidate) else {
            return Ok(None);
        };
        let Some(mut with) = candidate.transfer.made(&part.problem) else {
            return Ok(None);
        };
        let solve = |problem: &Problem| {
            let outcome = optimize(problem, lanes, effort, &mut |_| ControlFlow::Continue(()));
            check(problem, &outcome).map(|()| outcome)
        };
        let before = solve(&part.problem)?;
        let mut after = solve(&with)?;
        let worth = |(sku, qty): &(SkuId, Qty)| {
            let at = |location| lanes.scarcity_of(*sku, location).0;
            let transfer = &candidate.transfer;
            (at(transfer.to) - at(transfer.from)) * units(*qty)
        };
        // Nobody takes more along than is used, unless it is worth more there anyway.
        let mut transfer = candidate.transfer.clone();
        transfer.items.retain_mut(|item| {
            let used = part::used(&part.problem, &with, &after, item.0, transfer.to);
            if worth(item) <= terms.per_unit.0 * units(item.1) {
                item.1 = item.1.min(Qty(u32::try_from(used).unwrap_or(0)));
            }
            !item.1.is_zero()
        });
        if transfer.items.is_empty() || !after.broken.is_empty() {
            return Ok(None);
        }
        if transfer != candidate.transfer {
            let Some(less) = transfer.made(&part.problem) else {
                return Ok(None);
            };
            with = less;
            after = solve(&with)?;
        }
        let proposal = Proposal {
            cents: terms.cost(&transfer.items),
            saved: before.cents - after.cents,
            later: Cents(transfer.items.iter().map(worth).sum()),
            orders: after.moves.iter().map(|m| part.orders[m.order]).collect(),
            transfer,
        };
        if proposal.gain() <= Cents(0) || !after.broken.is_empty() {
            return Ok(None);
        }
        for Move { order, to, .. } in &after.moves {
            moved(&mut self.problem.orders[part.orders[*order]], to);
        }
        match proposal.transfer.made(&self.problem) {
            Some(problem) => self.problem = problem,
            None => return Ok(None),
        }
        Ok(Some(proposal))
    }
}

/// Gives an order another plan; what its customer was told stays.
fn moved(order: &mut OpenOrder, to: &Plan) {
    let promised = order.today.promised;
    let shipments = to.shipments.iter().map(|s| Kept {
        location: s.location,
        need_at: s.need_at,
        ship_at: s.ship_at,
        lines: s.lines.clone(),
    });
    order.today = Today {
        shipments: shipments.collect(),
        short: to.short.clone(),
        promised: promised.or_else(|| to.delivered_on()),
    };
}

/// What an order draws as it stands.
fn draws<'a>(problem: &'a Problem, order: &'a OpenOrder) -> impl Iterator<Item = Draw> + 'a {
    super::rows::holdings(order, problem).map(|(line, location, at, units)| Draw {
        line,
        location,
        at,
        units,
    })
}

/// What all orders leave.
fn left(problem: &Problem) -> Left<'_> {
    let mut left = Left::new(problem);
    for order in &problem.orders {
        for draw in draws(problem, order) {
            left.change(order.channel, &draw, -1);
        }
    }
    left
}
