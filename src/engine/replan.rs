//! Units of an order that get another place: routed anew and reserved there, in one step with what
//! they held before.
//!
//! Who has to move is decided elsewhere (`rescue`, `arrivals`, `amend`); here it happens while the order
//! is locked: either the new plan is reserved, its parts are made and the fact is written, or everything
//! stays as it was. Replay applies the fact and routes nothing.

use super::Engine;
use super::duplicates::Was;
use super::error::EngineError;
use super::facts::Replanning;
use super::orders::{Resolved, TRIES_MAX, WORKSPACE, Workspace, request, wants};
use super::remedies::Deed;
use crate::ledger::{Reservation, Want};
use crate::lifecycle::{FulfillmentOrder, OrderRecord, OrderState, place, route as route_of};
use crate::model::{
    Amended, Day, Decision, EpochMillis, Freed, GivenUp, LocationId, Millis, NewPart, Order, Plan,
    Qty, ReplanReason, ReplannedFact, SkuId, State,
};
use crate::routing::{Demand, Lanes, route};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Why what is about to be written can be done.
pub(super) const FITS: &str = "only what a part can give up is moved, and to new parts";

/// What becomes of units for which no place is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// They are a part of their own that waits for supply.
    Waits,
    /// They stay in the part where they are.
    Stays,
}

/// Units of an order that are to move.
#[derive(Debug, Clone)]
pub(super) struct Leaving {
    pub(super) reason: ReplanReason,
    pub(super) given_up: Vec<GivenUp>,
    /// What they hold.
    pub(super) freed: Vec<Freed>,
    /// When the customer was promised to have them.
    pub(super) promised: Option<Day>,
    /// Why what they were in is on hold.
    pub(super) held: Option<Box<str>>,
    pub(super) rest: Rest,
    /// Of the claims at one place it frees what is needed first.
    pub(super) first: bool,
    /// The rule that wants it.
    pub(super) deed: Option<Deed>,
}

/// What became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Placed {
    /// Numbers of the new parts.
    pub(super) parts: Vec<u32>,
    /// Units that have no place.
    pub(super) short: u64,
}

impl Leaving {
    pub(super) fn new(reason: ReplanReason, rest: Rest) -> Self {
        Self {
            reason,
            given_up: Vec::new(),
            freed: Vec::new(),
            promised: None,
            held: None,
            rest,
            first: false,
            deed: None,
        }
    }

    /// Everything that a part can give up of a SKU, or of all.
    pub(super) fn all_of(&mut self, part: &FulfillmentOrder, sku: Option<SkuId>) {
        for line in &part.lines {
            if sku.is_none_or(|sku| sku == line.sku) {
                self.some_of(part, line.sku, part.may_give_up(line));
            }
        }
        self.promised = self.promised.max(part.route.map(|r| r.deliver_on));
    }

    /// At most `qty` units of a SKU; returns how many it has. What nobody has yet holds its units
    /// where it is routed to.
    pub(super) fn some_of(&mut self, part: &FulfillmentOrder, sku: SkuId, qty: Qty) -> Qty {
        let mut left = qty;
        for (number, line) in (0u16..).zip(&part.lines) {
            let qty = part.may_give_up(line).min(left);
            if line.sku != sku || qty.is_zero() {
                continue;
            }
            left -= qty;
            self.given_up.push(GivenUp {
                number: part.id.number,
                line: number,
                qty,
            });
            let holds = part.route.filter(|_| part.state.unreleased());
            if let Some(route) = holds {
                self.freed.push(Freed {
                    sku,
                    location: route.location,
                    qty,
                    first: self.first,
                });
            }
        }
        self.promised = self.promised.max(part.route.map(|r| r.deliver_on));
        qty - left
    }
}

impl Engine {
    /// Places units of a locked order anew. `None` when nothing changed: there is no other place, and
    /// they stay.
    ///
    /// # Errors
    /// What in the order or the network cannot be routed by any more; `BUSY`. Nothing has changed.
    pub(super) fn place_anew(
        &self,
        record: &mut OrderRecord<Reservation>,
        leaving: &Leaving,
        now: EpochMillis,
    ) -> Result<Option<Placed>, EngineError> {
        let lanes = self.lanes.load();
        let order = record.order.clone();
        let mut resolved = self.resolve(&order, &lanes)?;
        resolved.demands = moving(record, leaving, &resolved.demands);
        if resolved.demands.is_empty() {
            return Ok(None);
        }
        resolved.policy.allow_backorder = true;
        let avoided = self.avoided(record, now);
        resolved.excluded.extend(avoided);
        for _ in 0..TRIES_MAX {
            let Some(holding) = record.holding.as_mut() else {
                return Ok(None);
            };
            let plan = self.plan_anew(&order, &resolved, &lanes, holding, leaving, now)?;
            if plan.shipments.is_empty() && leaving.rest == Rest::Stays {
                return Ok(None);
            }
            let fact = fact_of(record, leaving, &resolved.demands, &plan);
            let wants = wants(&plan, &resolved.demands);
            let deed = leaving.deed.as_ref();
            let deed = deed.filter(|deed| resolves(deed, leaving, &fact));
            if let Some(placed) = self.replan_by(record, fact, &wants, deed, now) {
                return Ok(Some(Placed {
                    short: plan.short_units(),
                    parts: placed,
                }));
            }
            self.counts.rerouted.fetch_add(1, Ordering::Relaxed);
        }
        Err(EngineError::Busy { tries: TRIES_MAX })
    }

    /// The cheapest plan that keeps the promised date, else the cheapest one.
    fn plan_anew(
        &self,
        order: &Order,
        resolved: &Resolved,
        lanes: &Lanes,
        holding: &mut Reservation,
        leaving: &Leaving,
        now: EpochMillis,
    ) -> Result<Plan, EngineError> {
        let skus: Vec<SkuId> = resolved.demands.iter().map(|d| d.sku).collect();
        let promised = order.deliver_by.or(leaving.promised);
        let hard = order.deliver_by_is_hard && order.deliver_by.is_some();
        WORKSPACE.with_borrow_mut(|work| {
            let Workspace {
                view,
                days,
                scratch,
            } = work;
            let freed = &leaving.freed;
            self.ledger.view_without(holding, freed, &skus, now, view);
            self.list_days(lanes, view, now, days);
            let mut request = request(order, resolved, (view, days), now);
            request.deliver_by = promised;
            request.deliver_by_is_hard = promised.is_some();
            let named = |e| self.names().unroutable(&e, &skus);
            let in_time = route(lanes, &request, scratch).map_err(named)?;
            if in_time.plan.short.is_empty() || hard || promised.is_none() {
                return Ok(in_time.plan);
            }
            request.deliver_by_is_hard = false;
            Ok(route(lanes, &request, scratch).map_err(named)?.plan)
        })
    }

    /// Reserves what a plan wants instead of what was freed, and makes the parts. Returns their
    /// numbers; `None` when somebody else took the units meanwhile.
    pub(super) fn replan(
        &self,
        record: &mut OrderRecord<Reservation>,
        fact: ReplannedFact,
        wants: &[Want],
        now: EpochMillis,
    ) -> Option<Vec<u32>> {
        self.replan_by(record, fact, wants, None, now)
    }

    /// The same, by a rule that resolves an exception with it.
    pub(super) fn replan_by(
        &self,
        record: &mut OrderRecord<Reservation>,
        mut fact: ReplannedFact,
        wants: &[Want],
        deed: Option<&Deed>,
        now: EpochMillis,
    ) -> Option<Vec<u32>> {
        let mut parts = record.parts().into_owned();
        fact.left = self.placed(record, &mut parts, &fact, now).expect(FITS);
        let emptied = emptied(&parts, &fact);
        let pass = self.gate.enter();
        self.save(record);
        // Whoever gives all up that he has may use the room of it again.
        let given_back = match all_given_back(&fact) {
            true => super::days::used_by(record),
            false => Vec::new(),
        };
        let rooms = self.rooms_of_parts(record, &fact.parts);
        let days = self.ledger.days();
        days.exchange(&given_back, &rooms, now).ok()?;
        let accepted_at = record.accepted_at;
        let holding = record.holding.as_mut()?;
        let known = (holding.owner().sequence, holding.channel(), accepted_at);
        let freed = fact.freed.clone();
        let was = fact.amended.as_ref();
        let was = was.and_then(|amended| Was::before(&record.order, &amended.order, known));
        let log = Replanning::new(self, &pass, fact, (emptied, deed), was);
        let granted = self.ledger.rearrange(holding, &freed, wants, now, &log);
        if granted.is_err() {
            days.undo(&given_back, &rooms, now);
            return None;
        }
        let (at, fact) = log.done()?;
        self.replanned(record, &fact, at).expect(FITS);
        Some(fact.parts.iter().map(|part| part.number).collect())
    }

    /// Moves units between the parts of an order. Returns where that left those that gave some up.
    pub(super) fn placed(
        &self,
        record: &OrderRecord<Reservation>,
        parts: &mut Vec<FulfillmentOrder>,
        fact: &ReplannedFact,
        at: EpochMillis,
    ) -> Result<Vec<(u32, State)>, String> {
        let times = (record.order.placed_at, record.accepted_at);
        place(parts, (&fact.given_up, &fact.parts), times, at).map_err(|e| e.to_string())?;
        let mut numbers: Vec<u32> = fact.given_up.iter().map(|g| g.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let left = parts.iter().filter(|p| numbers.contains(&p.id.number));
        Ok(left.map(|p| (p.id.number, p.state)).collect())
    }

    /// The parts of an order after units of it were placed anew.
    pub(super) fn replanned(
        &self,
        record: &mut OrderRecord<Reservation>,
        fact: &ReplannedFact,
        at: EpochMillis,
    ) -> Result<(), String> {
        // Before the order is another: its parts follow from what it was.
        let before = match all_given_back(fact) {
            true => Vec::new(),
            false => super::days::used_by(record),
        };
        let mut parts = std::mem::take(record.parts_mut());
        let left = self.placed(record, &mut parts, fact, at);
        record.parts = parts;
        if fact.amended.is_none() {
            self.recount_old(record, &before, &fact.parts, at);
        }
        if left? != fact.left {
            return Err(format!("units of {} left parts in other states", fact.key));
        }
        if let Some(amended) = &fact.amended {
            record.demands = self.demand_skus(&amended.order)?.into();
            record.amend(&amended.reference, &amended.order);
            self.count_anew(&record.decision.plan, &amended.decision.plan);
            record.decision = amended.decision.clone();
            record.state = OrderState::of(&amended.decision.plan);
        }
        let changed = fact.given_up.iter().map(|g| g.number);
        for number in changed.chain(fact.parts.iter().map(|p| p.number)) {
            self.note_numbered(record, number);
        }
        self.forget_cancelled(record);
        self.note_waits(record);
        self.counts.replanned.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The same again, from a fact.
    pub(super) fn replan_again(&self, at: EpochMillis, fact: &ReplannedFact) -> Result<(), String> {
        let changed = self.orders.change(&fact.key, |record| {
            let accepted_at = record.accepted_at;
            let Some(holding) = record.holding.as_mut() else {
                return Err(format!("order {} holds nothing", fact.key));
            };
            if let Some(amended) = &fact.amended {
                let known = (holding.owner().sequence, holding.channel(), accepted_at);
                if let Some(was) = Was::before(&record.order, &amended.order, known) {
                    self.duplicates.change_again(&was, &amended.order, at);
                }
            }
            self.ledger
                .rearrange_again(holding, &fact.freed, &fact.granted, at);
            self.replanned(record, fact, at)
        });
        changed.unwrap_or_else(|| Err(format!("order {} was never accepted", fact.key)))
    }

    /// Places that refused units of an order, or did not find them, not long ago.
    fn avoided(&self, record: &OrderRecord<Reservation>, now: EpochMillis) -> Vec<LocationId> {
        let hours = self.replan_rules().exclude_hours;
        let recent = |part: &&FulfillmentOrder| {
            let refused = part.refused_at;
            refused.is_some_and(|at| now < at + Millis::from_hours(hours))
        };
        let parts = record.parts.iter().filter(recent);
        parts.filter_map(|p| p.route.map(|r| r.location)).collect()
    }
}

/// Parts that gave units up and have none any more that wait for a place.
pub(super) fn emptied(parts: &[FulfillmentOrder], fact: &ReplannedFact) -> Vec<u32> {
    let without = |number: &u32| {
        let part = parts.iter().find(|p| p.id.number == *number);
        part.is_some_and(|p| p.state == State::Cancelled || p.unplaced() == 0)
    };
    let left = fact.left.iter().map(|(number, _)| *number);
    left.filter(without).collect()
}

/// Whether an order that is placed anew gives up everything that it has: the days then get back what it
/// uses of them in the same step.
fn all_given_back(fact: &ReplannedFact) -> bool {
    fact.amended.is_some() || fact.reason == ReplanReason::Optimized
}

/// Whether an exception is over once units were placed anew: all that it is about have a place, or may
/// wait for one.
fn resolves(deed: &Deed, leaving: &Leaving, fact: &ReplannedFact) -> bool {
    let units = |given: &[GivenUp]| {
        let about = given.iter().filter(|g| deed.is_about(g.number));
        about.map(|g| u64::from(g.qty.0)).sum::<u64>()
    };
    let moved = units(&fact.given_up);
    let placed = fact.parts.iter().all(|part| part.route.is_some());
    moved > 0 && moved == units(&leaving.given_up) && (placed || leaving.rest == Rest::Waits)
}

/// What is to be routed: the units that move, by SKU, each as the order's demand says of it.
fn moving(record: &OrderRecord<Reservation>, leaving: &Leaving, demands: &[Demand]) -> Vec<Demand> {
    let parts = record.parts();
    let mut moving: Vec<Demand> = demands.to_vec();
    for demand in &mut moving {
        let units = leaving.given_up.iter().filter(|given| {
            let part = parts.iter().find(|p| p.id.number == given.number);
            part.is_some_and(|p| p.lines[usize::from(given.line)].sku == demand.sku)
        });
        demand.qty = Qty(units.map(|given| given.qty.0).sum());
    }
    moving.retain(|demand| !demand.qty.is_zero());
    moving
}

/// The fact that a plan for units of an order makes, but for the claims.
fn fact_of(
    record: &OrderRecord<Reservation>,
    leaving: &Leaving,
    demands: &[Demand],
    plan: &Plan,
) -> ReplannedFact {
    let mut given_up = leaving.given_up.clone();
    if leaving.rest == Rest::Stays {
        let parts = record.parts();
        for short in &plan.short {
            let sku = demands[usize::from(short.demand)].sku;
            let mut left = short.qty;
            for given in given_up.iter_mut().rev() {
                let part = parts.iter().find(|p| p.id.number == given.number);
                let same = part.is_some_and(|p| p.lines[usize::from(given.line)].sku == sku);
                let stays = if same { given.qty.min(left) } else { Qty::ZERO };
                given.qty -= stays;
                left -= stays;
            }
        }
        given_up.retain(|given| !given.qty.is_zero());
    }
    let skus: Vec<SkuId> = demands.iter().map(|d| d.sku).collect();
    let waits = leaving.rest == Rest::Waits;
    ReplannedFact {
        key: record.order.key.clone(),
        reason: leaving.reason,
        amended: None,
        given_up,
        left: Vec::new(),
        parts: new_parts(record, &skus, plan, (waits, leaving.held.as_deref())),
        freed: leaving.freed.clone(),
        granted: Vec::new(),
    }
}

/// One part for each shipment of a plan, and one for what waits.
pub(super) fn new_parts(
    record: &OrderRecord<Reservation>,
    skus: &[SkuId],
    plan: &Plan,
    (waits, held): (bool, Option<&str>),
) -> Vec<NewPart> {
    let last = record.parts().iter().map(|p| p.id.number).max();
    let mut numbers = last.unwrap_or(0) + 1..;
    let mut part = |route, lines: Vec<(SkuId, Qty)>| NewPart {
        number: numbers.next().expect("fewer parts than numbers"),
        route,
        lines,
        held: held.map(Into::into),
        cancelled: None,
    };
    let sku = |demand: u16| skus[usize::from(demand)];
    let shipments = plan.shipments.iter();
    let mut parts: Vec<NewPart> = shipments
        .map(|shipment| {
            let lines = shipment.lines.iter().map(|l| (sku(l.demand), l.qty));
            part(Some(route_of(shipment)), lines.collect())
        })
        .collect();
    if waits && !plan.short.is_empty() {
        let lines = plan.short.iter().map(|s| (sku(s.demand), s.qty));
        parts.push(part(None, lines.collect()));
    }
    parts
}

/// The content of a change, for its fact.
pub(super) fn amended(
    reference: &str,
    order: &Arc<Order>,
    decision: &Arc<Decision>,
) -> Option<Box<Amended>> {
    Some(Box::new(Amended {
        reference: reference.into(),
        order: order.clone(),
        decision: decision.clone(),
    }))
}
