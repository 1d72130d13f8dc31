//! The cheapest and second cheapest plan of a tiny instance, by trying all.
//!
//! Every possible shipment (lane and units) is priced once; then a depth-first walk combines them.
//! A shipment is filed under the first demand in it, and demands are finished one after the other,
//! so that every set of shipments is met exactly once. The only pruning is that costs never
//! shrink: a walk that costs more than the best and as much as the second best plan is left.

use super::instance::{Instance, location_id, service_id};
use super::naive::{self, Lane, Priced};
use super::stock::{self, Sent};
use super::{Best, Verdict, checker};
use allot::model::{
    EpochMillis, Grams, LocationId, Plan, Policy, Qty, Shipment, ShipmentLine, ShortLine,
};
use std::collections::BTreeMap;
use std::ops::Range;

/// A possible shipment.
struct Candidate {
    lane: Lane,
    units: Vec<u32>,
    priced: Priced,
    cents: i64,
}

/// Steps that a walk may take before the instance counts as unknown.
const STEPS_MAX: u32 = 100_000;

/// Possible shipments above which an instance counts as unknown.
const CANDIDATES_MAX: usize = 4_000;

/// All plans of `inst`.
pub(crate) fn all(inst: &Instance) -> Verdict {
    let everywhere = 0..inst.network.locations.len();
    let policy = Policy {
        max_shipments: naive::max_shipments(inst),
        ..inst.policy
    };
    candidates(inst, everywhere).map_or(Verdict::Unknown, |c| walk(inst, &c, policy))
}

/// The plans of `inst` that ship everything in one shipment from `location`.
pub(crate) fn whole_from(inst: &Instance, location: usize) -> Verdict {
    let policy = Policy {
        allow_backorder: false,
        max_shipments: 1,
        ..inst.policy
    };
    let here = location..location + 1;
    candidates(inst, here).map_or(Verdict::Unknown, |c| walk(inst, &c, policy))
}

fn walk(inst: &Instance, candidates: &[Vec<Candidate>], policy: Policy) -> Verdict {
    let mut walk = Walk {
        inst,
        policy,
        divisible: (0..inst.demands.len())
            .map(|d| naive::divisible(inst, d))
            .collect(),
        candidates,
        rest: inst.demands.iter().map(|d| d.qty).collect(),
        chosen: Vec::new(),
        cents: 0,
        best: None,
        second: None,
        budget: STEPS_MAX,
    };
    if policy.ship_complete && policy.allow_backorder {
        walk.finish(); // nothing ships
    }
    walk.shorts(0, policy.allow_backorder && !policy.ship_complete);
    if walk.budget == 0 {
        return Verdict::Unknown;
    }
    let second = walk.second.map(|s| s.total);
    walk.best.map_or(Verdict::NoPlan, |best| {
        Verdict::Best(Box::new(Best {
            total: best.total,
            plan: Some(best.plan),
            second,
        }))
    })
}

/// Every shipment that could be, by the first demand in it, cheapest first; `None` when there are
/// more than [`CANDIDATES_MAX`].
fn candidates(inst: &Instance, locations: Range<usize>) -> Option<Vec<Vec<Candidate>>> {
    // Of the ready times that make the same cut-off the latest is the loosest: it alone is kept.
    let mut latest: BTreeMap<(usize, EpochMillis, Vec<u32>), EpochMillis> = BTreeMap::new();
    for location in locations {
        for ready in naive::ready_times(inst, location, |_| true) {
            let ship_at = naive::hand_over(&inst.network, location, ready);
            for units in loads(inst, location, ready)? {
                latest.insert((location, ship_at, units), ready);
            }
            if latest.len() > CANDIDATES_MAX {
                return None;
            }
        }
    }
    let mut found: Vec<Vec<Candidate>> = inst.demands.iter().map(|_| Vec::new()).collect();
    for ((location, _, units), ready) in latest {
        for service in naive::services(inst) {
            let lane = naive::lane(inst, location, ready, service);
            if let Some((lane, priced)) =
                lane.and_then(|lane| Some((lane, naive::price(inst, &lane, &units)?)))
            {
                let cents = priced.cents.total().0;
                assert!(cents >= 0, "instances have no negative prices");
                let first = units
                    .iter()
                    .position(|&n| n > 0)
                    .expect("loads are not empty");
                found[first].push(Candidate {
                    lane,
                    units: units.clone(),
                    priced,
                    cents,
                });
            }
        }
    }
    for group in &mut found {
        // As the router takes services: of equal ones the one that delivers first, then the lowest.
        group.sort_by_key(|c| (c.cents, c.lane.deliver_on, c.lane.service));
    }
    (found.iter().map(Vec::len).sum::<usize>() <= CANDIDATES_MAX).then_some(found)
}

/// All units that one shipment from `location`, ready at `ready`, may hold; `None` when there are
/// more than [`CANDIDATES_MAX`].
fn loads(inst: &Instance, location: usize, ready: EpochMillis) -> Option<Vec<Vec<u32>>> {
    let mut loads = vec![Vec::new()];
    for (d, demand) in inst.demands.iter().enumerate() {
        let stock = &inst.stock[d];
        let most = stock
            .atp(location, ready)
            .min(stock.limit_at(ready))
            .min(demand.qty);
        let amounts = if !naive::eligible(inst, location, d) {
            vec![0]
        } else if naive::divisible(inst, d) {
            (0..=most).collect()
        } else if most == demand.qty {
            vec![0, most]
        } else {
            vec![0]
        };
        let longer = |load: Vec<u32>| {
            let add = move |&n: &u32| [&load[..], &[n]].concat();
            amounts.iter().map(add).collect::<Vec<_>>()
        };
        loads = loads.into_iter().flat_map(longer).collect();
        if loads.len() > CANDIDATES_MAX {
            return None;
        }
    }
    loads.retain(|units| {
        let sent = units.iter().any(|&n| n > 0) && naive::keeps_together(inst, units);
        sent && naive::ready_times(inst, location, |d| units[d] > 0).contains(&ready)
    });
    Some(loads)
}

/// A plan worth keeping.
struct Found {
    total: i64,
    key: checker::Key,
    plan: Plan,
}

impl Found {
    /// What the chosen plan is the least by: cost, number of shipments, their (location, hand-over).
    fn rank(&self) -> (i64, usize, Vec<(LocationId, EpochMillis)>) {
        let shipments = &self.plan.shipments;
        let list = shipments.iter().map(|s| (s.location, s.ship_at)).collect();
        (self.total, shipments.len(), list)
    }
}

struct Walk<'a> {
    inst: &'a Instance,
    policy: Policy,
    divisible: Vec<bool>,
    candidates: &'a [Vec<Candidate>],
    rest: Vec<u32>,
    /// By first demand and position among its candidates.
    chosen: Vec<(usize, usize)>,
    /// Cost of the chosen shipments, split penalties and shorts so far.
    cents: i64,
    best: Option<Found>,
    /// The cheapest plan with another key than the best.
    second: Option<Found>,
    budget: u32,
}

impl Walk<'_> {
    /// Decides demand `d` and all after it.
    fn shorts(&mut self, d: usize, may_short: bool) {
        if d == self.rest.len() {
            self.finish();
        } else {
            self.demand(d, 0, may_short);
        }
    }

    /// Adds shipments filed under demand `d` from candidate `from` on, or leaves its rest short.
    fn demand(&mut self, d: usize, from: usize, may_short: bool) {
        if self.budget == 0 {
            return;
        }
        self.budget -= 1;
        if self.rest[d] == 0 || may_short {
            let short = self.rest[d];
            let cents = self.policy.short_per_unit.0 * i64::from(short);
            self.cents += cents;
            if !self.hopeless(self.cents) {
                self.shorts(d + 1, may_short);
            }
            self.cents -= cents;
        }
        if self.chosen.len() < usize::from(self.policy.max_shipments) {
            self.add(d, from, may_short);
        }
    }

    fn add(&mut self, d: usize, from: usize, may_short: bool) {
        let candidates = self.candidates;
        let split = if self.chosen.is_empty() {
            0
        } else {
            self.policy.split_penalty.0
        };
        for (c, candidate) in candidates[d].iter().enumerate().skip(from) {
            let cents = candidate.cents + split;
            if self.hopeless(self.cents + cents) {
                return; // every further candidate costs at least as much
            }
            if !self.fits(candidate) {
                continue;
            }
            self.chosen.push((d, c));
            self.take(candidate, |rest, n| rest - n);
            self.cents += cents;
            if self.within_stock() {
                self.demand(d, c, may_short);
            }
            self.cents -= cents;
            self.take(candidate, |rest, n| rest + n);
            self.chosen.pop();
        }
    }

    /// Whether a plan of at least `cents` is neither second best nor ties with the best.
    fn hopeless(&self, cents: i64) -> bool {
        let dearer = |found: &Found| cents > found.total;
        let second = self.second.as_ref().is_some_and(|s| cents >= s.total);
        second && self.best.as_ref().is_some_and(dearer)
    }

    fn fits(&self, candidate: &Candidate) -> bool {
        candidate
            .units
            .iter()
            .zip(&self.rest)
            .all(|(n, rest)| n <= rest)
    }

    fn take(&mut self, candidate: &Candidate, change: impl Fn(u32, u32) -> u32) {
        for (rest, &n) in self.rest.iter_mut().zip(&candidate.units) {
            *rest = change(*rest, n);
        }
    }

    /// Whether the last chosen shipment still finds its units beside the others.
    fn within_stock(&self) -> bool {
        let limited = |&(d, c): &(usize, usize)| {
            naive::is_limited(self.inst, self.candidates[d][c].lane.location)
        };
        if self.chosen.iter().any(limited) && stock::within(self.inst, &self.sent()).is_err() {
            return false;
        }
        let chosen = || self.chosen.iter().map(|&(d, c)| &self.candidates[d][c]);
        let Some(last) = chosen().next_back() else {
            return true;
        };
        (0..self.rest.len())
            .filter(|&d| self.divisible[d] && last.units[d] > 0)
            .all(|d| {
                let stock = &self.inst.stock[d];
                chosen().map(|c| c.lane.ready).all(|at| {
                    let due = || chosen().filter(|c| c.lane.ready <= at);
                    let here = due().filter(|c| c.lane.location == last.lane.location);
                    due().map(|c| c.units[d]).sum::<u32>() <= stock.limit_at(at)
                        && here.map(|c| c.units[d]).sum::<u32>()
                            <= stock.atp(last.lane.location, at)
                })
            })
    }

    fn finish(&mut self) {
        let all_short: i64 = self.inst.demands.iter().map(|d| i64::from(d.qty)).sum();
        let nothing = self.policy.ship_complete && self.chosen.is_empty();
        let total = if nothing {
            self.policy.short_per_unit.0 * all_short
        } else {
            self.cents
        };
        if self.hopeless(total) || !self.waits_for_something() {
            return;
        }
        let chosen = self.chosen.iter().map(|&(d, c)| &self.candidates[d][c]);
        let plan = plan_of(self.inst, chosen);
        let found = Found {
            total,
            key: checker::key(&plan),
            plan,
        };
        match &mut self.best {
            Some(best) if found.rank() >= best.rank() => {
                let second = self.second.as_ref().is_none_or(|s| total < s.total);
                if found.key != best.key && second {
                    self.second = Some(found);
                }
            }
            Some(best) if found.key == best.key => *best = found,
            best => {
                let before = best.replace(found);
                self.second = before.or(self.second.take());
            }
        }
    }

    fn waits_for_something(&self) -> bool {
        stock::waits_for_something(self.inst, &self.sent()).is_ok()
    }

    fn sent(&self) -> Vec<Sent> {
        let sent = |&(d, c): &(usize, usize)| {
            let Candidate { lane, units, .. } = &self.candidates[d][c];
            Sent {
                location: lane.location,
                ready: lane.ready,
                units: units.clone(),
            }
        };
        self.chosen.iter().map(sent).collect()
    }
}

/// The plan that consists of `chosen`.
fn plan_of<'a>(inst: &Instance, chosen: impl Iterator<Item = &'a Candidate>) -> Plan {
    let mut plan = Plan::default();
    let mut rest: Vec<u32> = inst.demands.iter().map(|d| d.qty).collect();
    for candidate in chosen {
        let mut lines = Vec::new();
        for (d, &n) in candidate.units.iter().enumerate().filter(|&(_, &n)| n > 0) {
            rest[d] -= n;
            lines.push(ShipmentLine {
                demand: number(d),
                qty: Qty(n),
            });
        }
        let lane = &candidate.lane;
        let lead = naive::lead(&inst.network, lane.location);
        plan.shipments.push(Shipment {
            location: location_id(lane.location),
            service: service_id(lane.service),
            need_at: lane.ready.max(lane.ship_at - lead),
            ship_at: lane.ship_at,
            deliver_on: lane.deliver_on,
            parcels: candidate.priced.parcels,
            billable: Grams(candidate.priced.billable),
            lines,
            cents: candidate.priced.cents,
        });
    }
    plan.shipments.sort_by_key(|s| (s.location, s.ship_at));
    for (d, &n) in rest.iter().enumerate().filter(|&(_, &n)| n > 0) {
        plan.short.push(ShortLine {
            demand: number(d),
            qty: Qty(n),
        });
    }
    plan.objective = checker::objective(inst, &plan);
    plan
}

fn number(demand: usize) -> u16 {
    u16::try_from(demand).expect("instances are small")
}
