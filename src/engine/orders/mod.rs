//! Orders: routed, reserved and accepted in one step; read as they stand.
//!
//! `demands` looks up what an order names, `reserve` routes it and has the ledger grant its plan,
//! `quote` answers what it would get and why it got what it has, `counts` counts what became of all.

mod counts;
mod demands;
mod quote;
mod reserve;

pub(super) use counts::Counters;
pub use counts::Counts;
pub(super) use demands::{Resolved, request, route_sample, wants};
pub use quote::{Explanation, Quote};
pub(super) use reserve::{Granted, TRIES_MAX, WORKSPACE, Workspace};

use super::Engine;
use super::backorders::Rank;
use super::error::EngineError;
use super::fulfillment::sequence_of;
use crate::ledger::Reservation;
use crate::lifecycle::{
    FulfillmentOrder, NewOrder, OrderRecord, OrderState, OrderStatus, Submission,
};
use crate::model::{Decision, EpochMillis, Order, OrderKey, Qty, SkuId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An order as it stands.
#[derive(Debug, Clone)]
pub struct OrderView {
    /// What was bought.
    pub order: Arc<Order>,
    /// The SKUs of the plan's demands, in their order.
    pub demands: Arc<[SkuId]>,
    /// What was decided when it was accepted.
    pub decision: Arc<Decision>,
    /// When it was accepted.
    pub accepted_at: EpochMillis,
    /// Where it stands, by its parts.
    pub status: OrderStatus,
    /// Its fulfilment orders; none while all are as planned, unless they were asked for.
    pub parts: Vec<FulfillmentOrder>,
    /// Units that wait for supply, by SKU.
    pub waits: Box<[(SkuId, Qty)]>,
    /// Its place in the order of creation; of two equal priorities the older gets units first.
    pub sequence: u64,
    /// It had been submitted before; this is the first answer.
    pub repeated: bool,
}

impl OrderView {
    pub(super) fn rank(&self) -> Rank {
        Rank::new(self.order.priority, self.sequence, self.order.key.clone())
    }
}

impl Engine {
    /// Accepts an order: routes it, reserves every unit of its plan, and remembers the answer for
    /// its identity, in one step. The same order again gets the first answer.
    ///
    /// # Errors
    /// `CONFLICT` naming the fields when the identity was used with other content; `NOSTOCK`
    /// when it may not be backordered and cannot ship completely; `INVALID`, `NOTFOUND`,
    /// `TOOLARGE`, `BUSY`.
    pub fn submit(&self, order: Arc<Order>, now: EpochMillis) -> Result<OrderView, EngineError> {
        if self.remedies.rules().is_none() {
            return self.submit_once(order, now);
        }
        let answer = self.submit_once(order.clone(), now);
        self.or_by_rule(answer, &order, now)
    }

    /// What a rule makes at once of an order that was refused: its answer then.
    pub(super) fn or_by_rule(
        &self,
        answer: Result<OrderView, EngineError>,
        order: &Order,
        now: EpochMillis,
    ) -> Result<OrderView, EngineError> {
        if answer.is_ok() || self.remedies.rules().is_none() {
            return answer;
        }
        self.remedy_order(&order.key, now);
        let placed = self.orders.read(&order.key, |record| {
            record.knows(order).then(|| view(record, false))
        });
        placed.flatten().map_or(answer, Ok)
    }

    fn submit_once(&self, order: Arc<Order>, now: EpochMillis) -> Result<OrderView, EngineError> {
        let place = match self.orders.submit(&order) {
            Submission::New(place) => place,
            Submission::Known(record) => return Ok(view(&record, true)),
            Submission::Differs(fields) => return Err(differs(&order, &fields)),
        };
        let lanes = self.lanes.load();
        let resolved = self.resolve(&order, &lanes);
        let resolved = resolved.map_err(|first| self.with_all_findings(&order, &lanes, first));
        let accepted = resolved.and_then(|resolved| {
            let skus: Arc<[SkuId]> = resolved.skus().collect();
            let granted = self.route_and_reserve(&order, &resolved, &lanes, (now, None))?;
            Ok((skus, granted))
        });
        let accepted = accepted.inspect_err(|error| {
            self.count_refused();
            self.refused(&order, error, now);
        });
        let (demands, (decision, granted)) =
            accepted.map_err(|error| self.keep_refused(&order, error, now))?;
        Ok(self.accept(place, order, demands, decision, granted, now))
    }

    /// Remembers an order whose units are reserved.
    pub(super) fn accept(
        &self,
        place: NewOrder<'_, Reservation>,
        order: Arc<Order>,
        demands: Arc<[SkuId]>,
        decision: Arc<Decision>,
        granted: Granted<'_>,
        now: EpochMillis,
    ) -> OrderView {
        let Granted {
            holding,
            held,
            _until,
        } = granted;
        self.count(&decision.plan);
        let units = decision.plan.shipments.iter().flat_map(|s| &s.lines);
        self.note_moved(units.map(|line| u64::from(line.qty.0)).sum());
        let state = OrderState::of(&decision.plan);
        let mut record = OrderRecord {
            order,
            demands,
            decision,
            accepted_at: now,
            state,
            parts: Vec::new(),
            costs: BTreeMap::new(),
            returns: None,
            holding: Some(holding),
            amended: None,
            waits: Box::default(),
            watched: crate::lifecycle::Watched::default(),
            counted: self.ledger.days().counting(),
        };
        let key = || record.order.key.clone();
        self.orders_before.save(key, || None);
        self.await_parts(&mut record);
        if let Some((at, reason)) = held {
            self.hold_all(&mut record, &reason, at);
        }
        let answer = view(&record, false);
        place.accept(record);
        answer
    }

    /// An order as it stands.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn order(&self, source: &str, order: &str) -> Result<OrderView, EngineError> {
        let key = OrderKey::new(source, order);
        let found = self.orders.read(&key, |record| view(record, true));
        found.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))
    }

    /// The same with its fulfilment orders also where all are as planned.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn order_in_parts(&self, source: &str, order: &str) -> Result<OrderView, EngineError> {
        let key = OrderKey::new(source, order);
        let found = self.orders.read(&key, |record| OrderView {
            parts: record.parts().into_owned(),
            ..view(record, true)
        });
        found.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))
    }
}

/// The refusal of an order whose identity stands for another one.
pub(super) fn differs(order: &Order, fields: &[&str]) -> EngineError {
    EngineError::Conflict {
        field: "order",
        value: order.key.to_string(),
        why: format!("it was placed before with another {}", fields.join(", ")),
    }
}

pub(super) fn view(record: &OrderRecord<Reservation>, repeated: bool) -> OrderView {
    OrderView {
        order: record.order.clone(),
        demands: record.demands.clone(),
        decision: record.decision.clone(),
        accepted_at: record.accepted_at,
        status: record.status(),
        parts: record.parts.clone(),
        waits: record.waits.clone(),
        sequence: sequence_of(record),
        repeated,
    }
}
