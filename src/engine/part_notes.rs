//! What a message about a part of an order means for exceptions.

use super::Engine;
use super::desk::{Note, about_part};
use super::duplicates::{Suspicion, subject};
use crate::ledger::{Moved, Reservation};
use crate::lifecycle::{FulfillmentOrder, OrderRecord, OrderStatus, Refusal, State, Topic};
use crate::model::{
    Cause, Change, ChannelId, EpochMillis, ExceptionKind, Finding, LocationId, OrderKey, Qty,
    Settled, SkuId, Subject,
};

impl Engine {
    /// What follows from a change of a part: a shortage and a rejection need another place for units;
    /// what stood still and has moved does so no longer.
    pub(super) fn part_notes(
        &self,
        record: &OrderRecord<Reservation>,
        before: &FulfillmentOrder,
        after: &FulfillmentOrder,
        change: Option<&Change>,
    ) -> Vec<Note> {
        let (key, number) = (&record.order.key, before.id.number);
        let mut notes = Vec::new();
        let moved = before.state != after.state || before.release != after.release;
        if moved && self.desk.any_open() {
            let how = format!("it is {}", after.state.name());
            notes.push(Note::clear_part(key, number, of_standing_still, &how));
            if after.state == State::Cancelled {
                notes.push(Note::clear_part(key, number, |_| true, &how));
            }
            if let Some(how) = has_left(record, after) {
                notes.push(Note::ClearOrder {
                    key: key.clone(),
                    part: None,
                    which: of_what_is_left,
                    how: how.into(),
                });
            }
        }
        let kept = matches!(change, Some(Change::Resume));
        if kept && before.reason.as_deref().is_some_and(Suspicion::is_reason) {
            let how = "its parts may go on: both orders are kept".into();
            notes.push(Note::Clear(subject(key), how));
        }
        let channel = record.holding.as_ref().map(Reservation::channel);
        let unplaced = after.unplaced() > before.unplaced();
        if unplaced {
            notes.push(Note::Raise(self.without_place(
                (key, number),
                channel,
                (before, after),
                change,
            )));
        }
        notes
    }

    /// Units that a location does not have, or will not ship.
    fn without_place(
        &self,
        part: (&OrderKey, u32),
        channel: Option<ChannelId>,
        (before, after): (&FulfillmentOrder, &FulfillmentOrder),
        change: Option<&Change>,
    ) -> Finding {
        let route = after.route.as_ref();
        let place = route.map_or("", |r| self.registry.location_name(r.location));
        let (cause, reason) = match change {
            Some(Change::Reject { reason }) => (Cause::LocationRejected, &**reason),
            _ => (Cause::UnitsMissing, "not found"),
        };
        let pairs = before.lines.iter().zip(&after.lines);
        let missing = pairs.filter_map(|(b, a)| {
            let qty = a.units.short.saturating_sub(b.units.short);
            (!qty.is_zero()).then_some((a.sku, qty))
        });
        let missing: Vec<(SkuId, Qty)> = missing.collect();
        let named = missing
            .iter()
            .map(|(sku, qty)| format!("{} x {qty}", self.registry.sku_name(*sku)));
        let named = named.collect::<Vec<_>>().join(", ");
        Finding {
            waits_for: missing.iter().map(|(sku, _)| *sku).collect(),
            ..about_part(
                part,
                channel,
                cause,
                format!("{named} at {place}: {reason}"),
            )
        }
    }

    /// What units that left mean: promises that are not covered now, and a place where more was taken
    /// than was known to be there.
    pub(super) fn note_left(
        &self,
        pass: &crate::cut::Pass<'_>,
        at: EpochMillis,
        settled: &[Settled],
        moved: &[(SkuId, LocationId, Moved)],
    ) {
        for (sku, location, movement) in moved {
            self.at_risk(pass, at, Cause::StockCut, &movement.broken);
            let of_it = settled
                .iter()
                .filter(|s| (s.sku, s.location) == (*sku, *location));
            let shipped: u32 = of_it.map(|s| s.shipped.0).sum();
            if shipped > movement.before.0 {
                let detail = format!(
                    "{shipped} of {} left {} where {} were counted",
                    self.registry.sku_name(*sku),
                    self.registry.location_name(*location),
                    movement.before
                );
                let finding = Finding {
                    subject: Subject {
                        topic: Topic::Position(*sku, *location),
                        cause: Cause::CountsDiffer,
                    },
                    channel: None,
                    detail: detail.into(),
                    waits_for: Vec::new(),
                };
                self.note(pass, at, &[Note::Raise(finding)]);
            }
        }
    }

    /// A refused message may still say that something is wrong: somebody who has no release (any more)
    /// says that he shipped, or units are missing of what was delivered.
    pub(super) fn note_contradiction(
        &self,
        record: &OrderRecord<Reservation>,
        part: &FulfillmentOrder,
        change: &Change,
        refusal: &Refusal,
        now: EpochMillis,
    ) {
        let said = match (change, refusal) {
            (Change::Ship { .. }, Refusal::Stale { .. }) => "shipped",
            (Change::Deliver { .. }, Refusal::Stale { .. }) => "delivered",
            (Change::Short { .. }, Refusal::Invalid(_)) if part.state >= State::Delivered => {
                "short after it was delivered"
            }
            _ => return,
        };
        let detail = format!("somebody says that it is {said}: {refusal}");
        let channel = record.holding.as_ref().map(Reservation::channel);
        let part = (&record.order.key, part.id.number);
        let finding = about_part(part, channel, Cause::MessageContradicts, detail);
        self.note(&self.gate.enter(), now, &[Note::Raise(finding)]);
    }

    /// Somebody else says that he has what was handed out: two may be working on it.
    pub(super) fn note_two_holders(
        &self,
        record: &OrderRecord<Reservation>,
        number: u32,
        holder: &str,
        refusal: &Refusal,
        now: EpochMillis,
    ) {
        if !matches!(refusal, Refusal::Held { .. }) {
            return;
        }
        let detail = format!("{holder} says that he has it: {refusal}");
        let channel = record.holding.as_ref().map(Reservation::channel);
        let part = (&record.order.key, number);
        let finding = about_part(part, channel, Cause::TwoHolders, detail);
        self.note(&self.gate.enter(), now, &[Note::Raise(finding)]);
    }
}

/// Reasons that end when a part moves on.
fn of_standing_still(cause: Cause) -> bool {
    cause.kind() == ExceptionKind::Stuck
}

/// Reasons that end when nothing of an order is left to ship: what it was promised has gone, and so has
/// what could have been cancelled as the same again.
fn of_what_is_left(cause: Cause) -> bool {
    cause.kind() == ExceptionKind::PromiseAtRisk || cause == Cause::LooksAlike
}

/// How everything of an order that counts has left, once a part is as it is now; `None` if it has not.
fn has_left(record: &OrderRecord<Reservation>, after: &FulfillmentOrder) -> Option<&'static str> {
    let mut parts = record.parts().into_owned();
    match parts.iter_mut().find(|p| p.id == after.id) {
        Some(known) => known.clone_from(after),
        None => parts.push(after.clone()),
    }
    match OrderStatus::of(&parts) {
        OrderStatus::All(State::Cancelled) => Some("it is cancelled"),
        OrderStatus::All(state) => (state >= State::Shipped).then_some("it has shipped"),
        OrderStatus::PartlyShipped | OrderStatus::Unplaced => None,
    }
}
