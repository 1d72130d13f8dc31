//! Orders cancelled as a whole: nobody may have a part, all they hold is free in one step, and what is open
//! about them ends with it.

use super::desk::Note;
use super::error::EngineError;
use super::facts::Changing;
use super::fulfillment::{LATER, sequence_of};
use super::remedies::Deed;
use super::{Engine, OrderView};
use crate::ledger::Reservation;
use crate::lifecycle::{FulfillmentOrder, OrderRecord, OrderState, Refusal, State};
use crate::model::{Change, EpochMillis, Fact, OrderKey};
use std::sync::atomic::Ordering;

impl Engine {
    /// Cancels an order whose parts nobody has; what it held is free. Cancelling again changes
    /// nothing.
    ///
    /// # Errors
    /// `NOTFOUND`; `HELD` naming who has a part (cancel that with its token); `STATE` once a part has
    /// left.
    pub fn cancel_order(
        &self,
        source: &str,
        order: &str,
        now: EpochMillis,
    ) -> Result<OrderView, EngineError> {
        let view = self.cancel_order_alone(source, order, now)?;
        self.allocate_all(view.demands.iter().copied(), now);
        Ok(view)
    }

    /// The same without a thought of who could have what is free now: in a replay that has been
    /// decided.
    pub(super) fn cancel_order_alone(
        &self,
        source: &str,
        order: &str,
        now: EpochMillis,
    ) -> Result<OrderView, EngineError> {
        let key = OrderKey::new(source, order);
        let cancelled = self
            .orders
            .change(&key, |record| self.cancel_record(record, None, now));
        cancelled.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))?
    }

    /// Cancels an order that is locked, by a rule that resolves an exception with it where one does.
    pub(super) fn cancel_record(
        &self,
        record: &mut OrderRecord<Reservation>,
        deed: Option<&Deed>,
        now: EpochMillis,
    ) -> Result<OrderView, EngineError> {
        if record.state == OrderState::Cancelled {
            return Ok(super::orders::view(record, true));
        }
        let key = record.order.key.clone();
        let sequence = sequence_of(record);
        let mut parts = cancelled_parts(record, now)?;
        let pass = self.gate.enter();
        self.save(record);
        let holding = record.holding.take();
        let cancelled = Fact::OrderCancelled { key: key.clone() };
        let mut notes = Vec::new();
        if self.desk.any_open() {
            notes.extend(deed.map(|deed| deed.resolves("the order was cancelled")));
            notes.push(Note::clear_all(&key, "the order was cancelled"));
        }
        let log = Changing::new(self, &pass, cancelled, &notes);
        if let Some(holding) = holding {
            self.ledger.release(holding, now, &log);
            if log.at() != now {
                parts = cancelled_parts(record, log.at()).expect(LATER);
            }
        }
        self.forget_alike(record, sequence);
        record.state = OrderState::Cancelled;
        for part in &parts {
            self.recount(record, part, now);
            self.note_part(record, sequence, part);
        }
        record.parts = parts;
        self.note_waits_of(record, sequence);
        self.counts.cancelled.fetch_add(1, Ordering::Relaxed);
        Ok(super::orders::view(record, false))
    }
}

/// The parts of an order once it is cancelled; those of which nothing ships stay as they are.
fn cancelled_parts(
    record: &OrderRecord<Reservation>,
    at: EpochMillis,
) -> Result<Vec<FulfillmentOrder>, Refusal> {
    let change = Change::Cancel {
        reason: "the order was cancelled".into(),
    };
    let mut parts = record.parts().into_owned();
    for part in &mut parts {
        if part.state.with_holder() {
            return Err(part.held());
        }
        if !matches!(part.state, State::Rejected | State::Cancelled) {
            part.apply(&change, at)?;
        }
    }
    Ok(parts)
}
