//! Fulfilment orders: handed out once, and changed only by whoever has them.
//!
//! What may happen is decided in [`crate::lifecycle`]; here it happens, in one step with what it means
//! for stock and with its fact, while the order is locked.

use super::error::EngineError;
use super::facts::Changing;
use super::waiting::turn_of;
use super::{Engine, OrderView};
use crate::ledger::{Moved, Reservation};
use crate::lifecycle::{
    Applied, FulfillmentOrder, OrderRecord, OrderState, Refusal, Release, ReleaseKey, Token,
};
use crate::model::{
    Change, ClaimMode, EpochMillis, Fact, FulfillmentFact, Invalid, LocationId, Millis, Order,
    OrderKey, SkuId, check_id,
};
use std::sync::Arc;

/// Most fulfilment orders of one claim or list.
pub const CLAIM_MAX: usize = 1_000;

/// Longest time to acknowledge a claim, in milliseconds: a week.
const LEASE_MAX: Millis = Millis(7 * 86_400_000);

/// Who asks for work, and for what.
#[derive(Debug, Clone, Copy)]
pub struct ClaimAsk<'a> {
    /// The place that ships.
    pub location: &'a str,
    /// Who asks.
    pub holder: &'a str,
    /// How many at most, 1 to [`CLAIM_MAX`].
    pub count: usize,
    /// How long until he has to acknowledge.
    pub lease: Millis,
    /// What he promises meanwhile.
    pub mode: ClaimMode,
    /// Only parts of this order, by source and id.
    pub order: Option<(&'a str, &'a str)>,
}

/// A fulfilment order with the order that it is part of.
#[derive(Debug, Clone)]
pub struct FulfillmentView {
    /// The order.
    pub order: Arc<Order>,
    /// The part.
    pub part: FulfillmentOrder,
}

/// What a message about a fulfilment order did.
#[derive(Debug, Clone)]
pub struct Told {
    /// Whether it moved, or was late.
    pub applied: Applied,
    /// The part as it stands now.
    pub view: FulfillmentView,
    /// Units that left, with the promises that supply does not cover now.
    pub moved: Vec<(SkuId, LocationId, Moved)>,
}

/// Which part of which order.
#[derive(Debug, Clone, Copy)]
pub struct PartName<'a> {
    /// The system that took the order.
    pub source: &'a str,
    /// Its id there.
    pub order: &'a str,
    /// The part, from 1.
    pub number: u32,
}

impl PartName<'_> {
    fn key(&self) -> OrderKey {
        OrderKey::new(self.source, self.order)
    }

    fn unknown(&self) -> EngineError {
        let name = format!("{}#{}", self.key(), self.number);
        EngineError::not_found("fulfillment", &name, "fulfilment order")
    }
}

impl Engine {
    /// Hands fulfilment orders of a location out, each to one holder only: first those that he has
    /// and did not acknowledge (he may never have heard of them), with the same tokens, then the
    /// most urgent that wait.
    ///
    /// # Errors
    /// `NOTFOUND`, `INVALID`; `HELD` naming who has it when one order was asked for, `STATE` when it
    /// cannot be handed out.
    pub fn claim(
        &self,
        ask: &ClaimAsk<'_>,
        now: EpochMillis,
    ) -> Result<Vec<(FulfillmentView, Release)>, EngineError> {
        let location = self.registry.location("location", ask.location)?;
        check_id("holder", ask.holder)?;
        if ask.count == 0 || ask.count > CLAIM_MAX {
            return Err(Invalid::new("COUNT", ask.count, format!("1 to {CLAIM_MAX}")).into());
        }
        if ask.lease.0 == 0 || ask.lease > LEASE_MAX {
            let expected = format!("1 to {} milliseconds", LEASE_MAX.0);
            return Err(Invalid::new("LEASE", ask.lease.0, expected).into());
        }
        match ask.order {
            Some((source, order)) => {
                self.claim_order(&OrderKey::new(source, order), location, ask, now)
            }
            None => Ok(self.claim_waiting(location, ask, now)),
        }
    }

    fn claim_waiting(
        &self,
        location: LocationId,
        ask: &ClaimAsk<'_>,
        now: EpochMillis,
    ) -> Vec<(FulfillmentView, Release)> {
        let mut handed = Vec::new();
        for (turn, order) in self.waiting.held(location) {
            if handed.len() == ask.count {
                return handed;
            }
            let again = self.orders.change(&order.key, |record| {
                let part = record.parts.iter().find(|p| p.id.number == turn.number)?;
                let mine = part.holder.as_ref().is_some_and(|h| *h.name == *ask.holder);
                let lapsed = part.lease(now) == crate::lifecycle::LeaseVerdict::MayGoBack;
                let unheard = part.state == crate::lifecycle::State::Sent && (mine || lapsed);
                unheard.then(|| self.hand_out(record, turn.number, location, ask, now))
            });
            if let Some(Some(Ok(one))) = again {
                handed.push(one);
            }
        }
        while handed.len() < ask.count {
            let Some((turn, order)) = self.waiting.take(location) else {
                break;
            };
            let one = self.orders.change(&order.key, |record| {
                self.hand_out(record, turn.number, location, ask, now)
            });
            // It may have been cancelled or sent elsewhere since; then it has another place.
            if let Some(Ok(one)) = one {
                handed.push(one);
            }
        }
        handed
    }

    fn claim_order(
        &self,
        key: &OrderKey,
        location: LocationId,
        ask: &ClaimAsk<'_>,
        now: EpochMillis,
    ) -> Result<Vec<(FulfillmentView, Release)>, EngineError> {
        let handed = self.orders.change(key, |record| {
            let parts = record.parts();
            let here = parts
                .iter()
                .filter(|p| p.route.is_some_and(|r| r.location == location));
            let numbers: Vec<u32> = here.map(|p| p.id.number).collect();
            let each = numbers.into_iter().take(ask.count);
            each.map(|number| self.hand_out(record, number, location, ask, now))
                .collect::<Result<Vec<_>, _>>()
        });
        let handed =
            handed.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))??;
        if handed.is_empty() {
            let part = format!("{key} at {}", ask.location);
            return Err(EngineError::not_found(
                "order",
                &part,
                "fulfilment order there",
            ));
        }
        Ok(handed)
    }

    /// Hands one part out, while its order is locked.
    fn hand_out(
        &self,
        record: &mut OrderRecord<Reservation>,
        number: u32,
        location: LocationId,
        ask: &ClaimAsk<'_>,
        now: EpochMillis,
    ) -> Result<(FulfillmentView, Release), EngineError> {
        let key = self.release_key();
        let lease_end = now + ask.lease;
        let part = part_of(record, number)?;
        if part.route.is_none_or(|r| r.location != location) {
            return Err(Invalid::new("location", ask.location, "where it is routed to").into());
        }
        let mut after = part.clone();
        let release = after.claim(&key, ask.holder, ask.mode, lease_end, now)?;
        if release.repeat {
            let view = self.part_view(record, after);
            return Ok((view, release));
        }
        let claim = Change::Claim {
            holder: ask.holder.into(),
            mode: ask.mode,
            lease_end,
        };
        let pass = self.gate.enter();
        self.save(record);
        let fact = |change| fact(record, number, change);
        match release.taken_back {
            false => self.history.append(&pass, now, || [fact(claim)]),
            true => {
                let back = Change::TakeBack { vouched_by: None };
                self.history
                    .append(&pass, now, || [fact(back), fact(claim)]);
            }
        }
        self.put_part(record, after.clone());
        Ok((self.part_view(record, after), release))
    }

    /// Notes that parts of an order reached a holder by another way, so that nobody else gets them:
    /// one part, or all of them that may be handed out.
    ///
    /// # Errors
    /// `NOTFOUND`; `HELD` when somebody else has one of them: two may be working on it; `STATE`.
    pub fn register_fulfillment(
        &self,
        (source, order): (&str, &str),
        number: Option<u32>,
        holder: &str,
        now: EpochMillis,
    ) -> Result<Vec<(FulfillmentView, Release)>, EngineError> {
        let key = OrderKey::new(source, order);
        check_id("holder", holder)?;
        let registered = self.orders.change(&key, |record| {
            let numbers: Vec<u32> = match number {
                Some(number) => vec![number],
                None => {
                    let parts = record.parts();
                    let routed = parts.iter().filter(|p| p.route.is_some());
                    let open = routed.filter(|p| !p.state.is_closed());
                    open.map(|p| p.id.number).collect()
                }
            };
            // All or none: a check first.
            let key = self.release_key();
            for &number in &numbers {
                part_of(record, number)?
                    .clone()
                    .register(&key, holder, now)?;
            }
            let one = |number| self.register_part(record, number, holder, now);
            numbers.into_iter().map(one).collect()
        });
        registered.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))?
    }

    fn register_part(
        &self,
        record: &mut OrderRecord<Reservation>,
        number: u32,
        holder: &str,
        now: EpochMillis,
    ) -> Result<(FulfillmentView, Release), EngineError> {
        let mut after = part_of(record, number)?;
        let release = after.register(&self.release_key(), holder, now)?;
        if !release.repeat {
            let change = Change::Register {
                holder: holder.into(),
            };
            let pass = self.gate.enter();
            self.save(record);
            let fact = fact(record, number, change);
            self.history.append(&pass, now, || [fact]);
            self.put_part(record, after.clone());
        }
        Ok((self.part_view(record, after), release))
    }

    /// Takes a message about one part: from its holder, with the token of the live release, or a
    /// decision that needs none. Units that ship leave stock in the same step. A late or repeated
    /// message moves nothing and is counted.
    ///
    /// # Errors
    /// `NOTFOUND`; `STALE` when the token is of another release, naming who has it; `HELD` without a
    /// token; `STATE` naming what would be allowed; `INVALID`.
    pub fn tell_fulfillment(
        &self,
        name: PartName<'_>,
        token: Option<&Token>,
        change: &Change,
        now: EpochMillis,
    ) -> Result<Told, EngineError> {
        let told = self.orders.change(&name.key(), |record| {
            let part = part_of(record, name.number).map_err(|_| name.unknown())?;
            if part.needs_token(change) {
                part.authorise(&self.release_key(), token)?;
            }
            self.change_part(record, &part, change, now)
        });
        told.ok_or_else(|| name.unknown())?
    }

    /// Changes a part of an order that is locked, with what it means for stock.
    pub(super) fn change_part(
        &self,
        record: &mut OrderRecord<Reservation>,
        part: &FulfillmentOrder,
        change: &Change,
        now: EpochMillis,
    ) -> Result<Told, EngineError> {
        let number = part.id.number;
        let mut after = part.clone();
        let mut applied = after.apply(change, now)?;
        let settled = part.settles(change, &after);
        let pass = self.gate.enter();
        self.save(record);
        let mut moved = Vec::new();
        let changed = Fact::FulfillmentChanged(Box::new(FulfillmentFact {
            key: record.order.key.clone(),
            number,
            change: change.clone(),
            late: matches!(applied, Applied::Late { .. }),
            settled: settled.clone(),
        }));
        match record.holding.as_mut().filter(|_| !settled.is_empty()) {
            None => self.history.append(&pass, now, || [changed]),
            Some(holding) => {
                let log = Changing::new(self, &pass, changed);
                moved = self.ledger.settle(holding, &settled, now, &log);
                // The shards may have been further: the part has the fact's moment.
                if log.at() != now {
                    after = part.clone();
                    applied = after.apply(change, log.at())?;
                }
            }
        }
        self.put_part(record, after.clone());
        let view = self.part_view(record, after);
        Ok(Told {
            applied,
            view,
            moved,
        })
    }

    /// The same again, from a fact.
    pub(super) fn change_part_again(
        &self,
        at: EpochMillis,
        fact: &FulfillmentFact,
    ) -> Result<(), String> {
        let changed = self.orders.change(&fact.key, |record| {
            let mut after = part_of(record, fact.number).map_err(|e| e.to_string())?;
            after.apply(&fact.change, at).map_err(|e| e.to_string())?;
            if let Some(holding) = record.holding.as_mut().filter(|_| !fact.settled.is_empty()) {
                let log = crate::ledger::NoLog;
                self.ledger.settle(holding, &fact.settled, at, &log);
            }
            self.put_part(record, after);
            Ok(())
        });
        changed.unwrap_or_else(|| Err(format!("order {} was never accepted", fact.key)))
    }

    /// One part of an order, as it stands.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn fulfillment(&self, name: PartName<'_>) -> Result<FulfillmentView, EngineError> {
        let found = self.orders.read(&name.key(), |record| {
            let part = part_of(record, name.number).ok()?;
            Some(self.part_view(record, part))
        });
        found.flatten().ok_or_else(|| name.unknown())
    }

    /// All parts of an order, as they stand.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn fulfillments(
        &self,
        source: &str,
        order: &str,
    ) -> Result<Vec<FulfillmentView>, EngineError> {
        let key = OrderKey::new(source, order);
        let found = self.orders.read(&key, |record| {
            let parts = record.parts().into_owned().into_iter();
            parts.map(|part| self.part_view(record, part)).collect()
        });
        found.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))
    }

    /// What a location has to ship and somebody may ask for or has, the most urgent first, at most
    /// `count`; and how many may be handed out in all.
    ///
    /// # Errors
    /// `NOTFOUND`, `INVALID`.
    pub fn fulfillments_at(
        &self,
        location: &str,
        count: usize,
    ) -> Result<(Vec<FulfillmentView>, usize), EngineError> {
        let location = self.registry.location("location", location)?;
        if count == 0 || count > CLAIM_MAX {
            return Err(Invalid::new("COUNT", count, format!("1 to {CLAIM_MAX}")).into());
        }
        let all = self.waiting.all(location, count).into_iter();
        let views = all.filter_map(|(turn, order)| {
            let seen = self.orders.read(&order.key, |record| {
                let part = part_of(record, turn.number).ok()?;
                Some(self.part_view(record, part))
            });
            seen.flatten()
        });
        Ok((views.collect(), self.waiting.count(location)))
    }

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
        let key = OrderKey::new(source, order);
        let cancelled = self.orders.change(&key, |record| {
            let repeated = record.state == OrderState::Cancelled;
            if repeated {
                return Ok(super::orders::view(record, true));
            }
            let sequence = sequence_of(record);
            let mut parts = cancelled_parts(record, now)?;
            let pass = self.gate.enter();
            self.save(record);
            let holding = record.holding.take();
            let cancelled = Fact::OrderCancelled { key: key.clone() };
            let log = Changing::new(self, &pass, cancelled);
            if let Some(holding) = holding {
                self.ledger.release(holding, now, &log);
                if log.at() != now {
                    parts = cancelled_parts(record, log.at())?;
                }
            }
            record.state = OrderState::Cancelled;
            for part in &parts {
                self.note_part(record, sequence, part);
            }
            record.parts = parts;
            self.counts
                .cancelled
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(super::orders::view(record, false))
        });
        cancelled.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))?
    }

    /// Puts the parts of an order that was just accepted where they wait.
    pub(super) fn await_parts(&self, record: &OrderRecord<Reservation>) {
        let sequence = sequence_of(record);
        if record.state == OrderState::Cancelled {
            return;
        }
        if !record.parts.is_empty() {
            for part in &record.parts {
                self.note_part(record, sequence, part);
            }
            return;
        }
        let shipments = record.decision.plan.shipments.iter();
        for (number, shipment) in (1..).zip(shipments) {
            let turn = super::waiting::Turn::of(&record.order, sequence, shipment.ship_at, number);
            self.waiting.add(shipment.location, turn, &record.order);
        }
    }

    /// Keeps a part as it is now, where those who look for work find it.
    fn put_part(&self, record: &mut OrderRecord<Reservation>, part: FulfillmentOrder) {
        self.note_part(record, sequence_of(record), &part);
        let parts = record.parts_mut();
        match parts.iter_mut().find(|p| p.id == part.id) {
            Some(known) => *known = part,
            None => parts.push(part),
        }
    }

    fn note_part(&self, record: &OrderRecord<Reservation>, sequence: u64, part: &FulfillmentOrder) {
        if let Some((location, turn)) = turn_of(&record.order, sequence, part) {
            self.waiting.note(location, turn, &record.order, part.state);
        }
    }

    /// Saves what an order was for a snapshot that is being taken.
    fn save(&self, record: &OrderRecord<Reservation>) {
        let was = || Some(self.order_image(record));
        self.orders_before.save(|| record.order.key.clone(), was);
    }

    fn part_view(
        &self,
        record: &OrderRecord<Reservation>,
        part: FulfillmentOrder,
    ) -> FulfillmentView {
        FulfillmentView {
            order: record.order.clone(),
            part,
        }
    }

    /// Makes the secret of release tokens, unless there is one.
    pub(super) fn make_release_key(&self, now: EpochMillis) {
        let pass = self.gate.enter();
        self.release_secret.get_or_init(|| {
            let mut secret = [0; 16];
            getrandom::fill(&mut secret).expect("the system gives random bytes");
            let fact = Fact::ReleaseKeyMade { secret };
            self.history.append(&pass, now, || [fact]);
            secret
        });
    }

    /// What release tokens are made with.
    pub(super) fn release_key(&self) -> ReleaseKey {
        let secret = self.release_secret.get().copied();
        ReleaseKey::new(secret.unwrap_or_default())
    }
}

/// The place in the order of creation; that of an order that holds nothing any more is of no use.
fn sequence_of(record: &OrderRecord<Reservation>) -> u64 {
    let holding = record.holding.as_ref();
    holding.map_or(0, |h| h.owner().sequence)
}

/// That something happened to a part which means nothing for stock.
fn fact(record: &OrderRecord<Reservation>, number: u32, change: Change) -> Fact {
    Fact::FulfillmentChanged(Box::new(FulfillmentFact {
        key: record.order.key.clone(),
        number,
        change,
        late: false,
        settled: Vec::new(),
    }))
}

/// A copy of a part.
fn part_of(
    record: &OrderRecord<Reservation>,
    number: u32,
) -> Result<FulfillmentOrder, EngineError> {
    let parts = record.parts();
    let found = parts.iter().find(|p| p.id.number == number);
    found.cloned().ok_or_else(|| {
        let name = format!("{}#{number}", record.order.key);
        EngineError::not_found("fulfillment", &name, "fulfilment order")
    })
}

/// The parts of an order once it is cancelled; those that were closed stay as they are.
fn cancelled_parts(
    record: &OrderRecord<Reservation>,
    at: EpochMillis,
) -> Result<Vec<FulfillmentOrder>, Refusal> {
    let change = Change::Cancel {
        reason: "the order was cancelled".into(),
    };
    let mut parts = record.parts().into_owned();
    for part in parts.iter_mut().filter(|p| !p.state.is_closed()) {
        if part.state.with_holder() {
            // Refused, naming who has it.
            part.authorise(&ReleaseKey::new([0; 16]), None)?;
        }
        part.apply(&change, at)?;
    }
    Ok(parts)
}
