//! Orders changed by their sender: everything they hold released and what is wanted now taken, in one
//! step, as long as nobody has a part.

use super::error::EngineError;
use super::orders::{TRIES_MAX, view, wants};
use super::replan::{Leaving, Rest, amended, new_parts};
use super::{Engine, OrderView, days};
use crate::ledger::{DayUse, Reservation, StockView};
use crate::lifecycle::{OrderRecord, OrderState, OrderStatus, State};
use crate::model::{
    EpochMillis, Freed, Invalid, Order, Qty, ReplanReason, ReplannedFact, SkuId, check_id,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Most changes of one order: all of them are kept, so that a late repeat of each is known.
const AMENDMENTS_MAX: usize = 1_000;

impl Engine {
    /// Changes what an order is: lines, address, dates, policy. Either the new plan is reserved, and
    /// the parts are those of the new plan, or everything stays as it was. The same change under the
    /// same reference again answers the order as it stands.
    ///
    /// # Errors
    /// `NOTFOUND`; `HELD` naming who has a part; `STATE` when a part has left or the order is
    /// cancelled; `CONFLICT` when the reference was used for another change; `INVALID` when channel,
    /// priority or the time of placing differ; and everything that [`Engine::submit`] refuses.
    pub fn amend(
        &self,
        reference: &str,
        order: &Arc<Order>,
        now: EpochMillis,
    ) -> Result<OrderView, EngineError> {
        check_id("ref", reference)?;
        let key = order.key.clone();
        let amended = self.orders.change(&key, |record| {
            if let Some(known) = record.amendment(reference) {
                return match known.differing_fields(order) {
                    fields if fields.is_empty() => Ok((view(record, true), Vec::new())),
                    fields => Err(EngineError::Conflict {
                        field: "ref",
                        value: reference.to_owned(),
                        why: format!("it was used for another {}", fields.join(", ")),
                    }),
                };
            }
            self.check_may_change(record, order)?;
            let before = record.demands.to_vec();
            self.amend_record(record, reference, order, now)?;
            Ok((view(record, false), before))
        });
        let unknown = || EngineError::not_found("order", &key.to_string(), "order");
        let (answer, before) = amended.ok_or_else(unknown)??;
        // Others may wait for what it does not hold any more.
        self.allocate_all(before, now);
        Ok(answer)
    }

    fn amend_record(
        &self,
        record: &mut OrderRecord<Reservation>,
        reference: &str,
        order: &Arc<Order>,
        now: EpochMillis,
    ) -> Result<(), EngineError> {
        let lanes = self.lanes.load();
        let resolved = self.resolve(order, &lanes);
        let resolved = resolved.map_err(|first| self.with_all_findings(order, &lanes, first))?;
        let skus: Vec<SkuId> = resolved.demands.iter().map(|d| d.sku).collect();
        let mut leaving = Leaving::new(ReplanReason::Amended, Rest::Waits);
        for part in record.parts().iter() {
            leaving.all_of(part, None);
            if part.held_from.is_some() {
                leaving.held.clone_from(&part.reason);
            }
        }
        let own = days::used_by(record);
        for _ in 0..TRIES_MAX {
            let Some(holding) = record.holding.as_mut() else {
                return Err(nothing_left(record));
            };
            let freed: Vec<Freed> = holding.claims().iter().map(freed_of).collect();
            let see = |view: &mut StockView, used: &mut Vec<DayUse>| {
                self.ledger.view_without(holding, &freed, &skus, now, view);
                self.list_days(&lanes, view, now, used);
                days::without(used, &own);
            };
            let decision = self.route_on(order, &resolved, &lanes, now, see)?;
            let decision = Arc::new(decision);
            let more = more_waiting(record, &skus, &decision.plan.short);
            let _admitted = self.admit_waiting(&more, now)?;
            let held = leaving.held.as_deref();
            let fact = ReplannedFact {
                key: order.key.clone(),
                reason: leaving.reason,
                amended: amended(reference, order, &decision),
                given_up: leaving.given_up.clone(),
                left: Vec::new(),
                parts: new_parts(record, &skus, &decision.plan, (true, held)),
                freed,
                granted: Vec::new(),
            };
            let wants = wants(&decision.plan, &resolved.demands);
            if self.replan(record, fact, &wants, now).is_some() {
                return Ok(());
            }
            self.counts.rerouted.fetch_add(1, Ordering::Relaxed);
        }
        Err(EngineError::Busy { tries: TRIES_MAX })
    }

    /// Whether an order may become another now. What a change must leave as it is comes first, with
    /// all else that is wrong with what is wanted.
    fn check_may_change(
        &self,
        record: &OrderRecord<Reservation>,
        order: &Order,
    ) -> Result<(), EngineError> {
        let fixed = changed_for_good(&record.order, order);
        if !fixed.is_empty() {
            let fixed = fixed.into_iter().map(EngineError::from).collect();
            return Err(self.every_finding(order, &self.lanes.load(), fixed));
        }
        for part in record.parts().iter() {
            if part.state.with_holder() {
                return Err(part.held().into());
            }
            if part.has_left() {
                return Err(part.left().into());
            }
        }
        let over = record.status() == OrderStatus::All(State::Cancelled);
        if over || record.state == OrderState::Cancelled {
            return Err(nothing_left(record));
        }
        let changes = record.amended.as_ref().map_or(0, |a| a.changes.len());
        if changes >= AMENDMENTS_MAX {
            let most = format!("at most {AMENDMENTS_MAX} changes of one order");
            return Err(EngineError::TooLarge(Invalid::new("ref", changes, most)));
        }
        Ok(())
    }
}

/// Fields that a change must leave as they are, and does not.
fn changed_for_good(was: &Order, order: &Order) -> Vec<Invalid> {
    let fixed = [
        ("channel", was.channel == order.channel),
        ("placed_at", was.placed_at == order.placed_at),
        ("priority", was.priority == order.priority),
    ];
    let changed = fixed.iter().filter(|(_, same)| !same);
    let expected = "as the order was placed: a change leaves it as it is";
    changed
        .map(|(field, _)| Invalid::new(*field, "another", expected))
        .collect()
}

fn freed_of(claim: &crate::ledger::Claim) -> Freed {
    Freed {
        sku: claim.sku,
        location: claim.location,
        qty: claim.qty,
        first: false,
    }
}

/// Units that a plan lets wait beyond those of the order that wait already.
fn more_waiting(
    record: &OrderRecord<Reservation>,
    skus: &[SkuId],
    short: &[crate::model::ShortLine],
) -> Vec<(SkuId, Qty)> {
    let more = short.iter().map(|short| {
        let sku = skus[usize::from(short.demand)];
        let mut waits = record.waits.iter();
        let waits = waits.find(|(waited, _)| *waited == sku);
        let before = waits.map_or(Qty::ZERO, |(_, qty)| *qty);
        (sku, short.qty.saturating_sub(before))
    });
    more.filter(|(_, qty)| !qty.is_zero()).collect()
}

fn nothing_left(record: &OrderRecord<Reservation>) -> EngineError {
    EngineError::NothingToShip {
        order: record.order.key.to_string(),
        state: record.status().name(),
    }
}
