//! Fulfilment orders: changed only by whoever has them.
//!
//! What may happen is decided in [`crate::lifecycle`]; here it happens, in one step with what it means
//! for stock and with its fact, while the order is locked.

use super::backorders::Rank;
use super::duplicates::Entering;
use super::error::EngineError;
use super::facts::Changing;
use super::waiting::turn_of;
use super::{CLAIM_MAX, Engine};
use crate::ledger::{Moved, Reservation};
use crate::lifecycle::{
    Applied, FulfillmentOrder, OrderRecord, OrderState, OrderStatus, ReleaseKey, State, Token,
};
use crate::model::{
    Change, EpochMillis, Fact, FulfillmentFact, Invalid, LocationId, Order, OrderKey, Qty, Settled,
    SkuId,
};
use std::sync::Arc;

/// Why a change that was made as of one moment can be made as of a later one.
pub(super) const LATER: &str = "what may happen does not depend on when it does";

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
    /// Numbers of the new parts that units which it freed are in.
    pub placed: Vec<u32>,
    /// Holds on what is left of counts that were wrong.
    pub holds: Vec<Box<str>>,
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

    pub(super) fn unknown(&self) -> EngineError {
        let name = format!("{}#{}", self.key(), self.number);
        EngineError::not_found("fulfillment", &name, "fulfilment order")
    }
}

impl Engine {
    /// Takes a message about one part: from its holder, with the token of the live release, or the
    /// decision to hold, resume, take back or cancel it. Units that ship leave stock in the same step. A late or repeated
    /// message moves nothing and is counted.
    ///
    /// # Errors
    /// `NOTFOUND`; `STALE` when the token is of another release, naming who has it; `HELD` without a
    /// token; `STATE` naming what would be allowed; `INVALID`, also for a change that is nobody's to
    /// tell.
    pub fn tell_fulfillment(
        &self,
        name: PartName<'_>,
        token: Option<&Token>,
        change: &Change,
        now: EpochMillis,
    ) -> Result<Told, EngineError> {
        let told = self.orders.change(&name.key(), |record| {
            self.tell_part(record, name, token, change, now)
        });
        let told = told.ok_or_else(|| name.unknown())??;
        self.after_told(&told, change, now);
        Ok(told)
    }

    /// Takes a message about a part of an order that is locked.
    fn tell_part(
        &self,
        record: &mut OrderRecord<Reservation>,
        name: PartName<'_>,
        token: Option<&Token>,
        change: &Change,
        now: EpochMillis,
    ) -> Result<Told, EngineError> {
        let part = part_of(record, name.number).map_err(|_| name.unknown())?;
        let decides = matches!(
            change,
            Change::Hold { .. } | Change::Resume | Change::TakeBack { .. } | Change::Cancel { .. }
        );
        if part.needs_token(change) {
            let told = part.authorise(&self.release_key(), token);
            told.inspect_err(|refusal| {
                self.note_contradiction(record, &part, change, refusal, now);
            })?;
        } else if !decides {
            let expected = "a holder's message, or to hold, resume, take back or cancel";
            return Err(Invalid::new("change", "another", expected).into());
        }
        let mut told = self.change_part(record, &part, change, now)?;
        if matches!(change, Change::Short { .. } | Change::Reject { .. }) {
            told.placed = self.place_refused(record, now).parts;
        }
        Ok(told)
    }

    /// What a message means for others: promises on units that were not there move, and units that
    /// are free again go to who waits for them.
    fn after_told(&self, told: &Told, change: &Change, now: EpochMillis) {
        for (_, _, moved) in &told.moved {
            self.rescue(&moved.broken, now);
        }
        // What nobody has any more may move, if its promise broke while somebody had it; and where some
        // claims of an order end, what is left of them may be those that are not covered.
        let route = told.view.part.route;
        let ends = matches!(
            change,
            Change::TakeBack { .. }
                | Change::Reject { .. }
                | Change::Short { .. }
                | Change::Cancel { .. }
                | Change::Ship { .. }
        );
        if let Some(route) = route.filter(|_| ends) {
            for line in &told.view.part.lines {
                self.rescue_at(line.sku, route.location, now);
            }
        }
        // These set no unit free, and are most messages.
        let frees = !matches!(change, Change::Acknowledge | Change::Pick | Change::Pack);
        if frees && matches!(told.applied, Applied::Moved { .. }) {
            let lines = told.view.part.lines.iter();
            self.allocate_all(lines.map(|line| line.sku), now);
        }
    }

    /// Units that were looked for in vain make the count doubtful: what is left of it and nobody was
    /// promised is kept back until somebody has counted, under these ids.
    fn doubtful(
        &self,
        part: &FulfillmentOrder,
        settled: &[Settled],
    ) -> Vec<(Box<str>, SkuId, LocationId)> {
        if !self.replan_rules().hold_on_short {
            return Vec::new();
        }
        let missing = settled.iter().filter(|s| !s.missing.is_zero());
        let named = missing.map(|one| {
            let short = part.lines.iter().filter(|line| line.sku == one.sku);
            let short: u64 = short.map(|line| u64::from(line.units.short.0)).sum();
            let sku = self.registry.sku_name(one.sku);
            let id = format!("short/{}/{sku}/{short}", part.id);
            (id.into(), one.sku, one.location)
        });
        named.collect()
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
        let mut applied = after.apply(change, now).inspect_err(|refusal| {
            self.note_contradiction(record, part, change, refusal, now);
        })?;
        let settled = part.settles(change, &after);
        let notes = self.part_notes(record, part, &after, Some(change));
        let cost = self.cost_of_change(record, (part, &after), now);
        let told = cost.clone().map(|cost| Fact::CostTold(Box::new(cost)));
        let pass = self.gate.enter();
        self.save(record);
        let (mut moved, mut holds) = (Vec::new(), Vec::new());
        let changed = Fact::FulfillmentChanged(Box::new(FulfillmentFact {
            key: record.order.key.clone(),
            number,
            change: change.clone(),
            late: matches!(applied, Applied::Late { .. }),
            state: after.state,
            settled: settled.clone(),
        }));
        match record.holding.as_mut().filter(|_| !settled.is_empty()) {
            None => {
                let facts = std::iter::once(changed).chain(told).collect();
                self.append_noting(&pass, now, facts, &notes);
            }
            Some(holding) => {
                let log = Changing::new(self, &pass, changed, &notes).and(told);
                let doubtful = self.doubtful(&after, &settled);
                let done =
                    self.ledger
                        .settle_and_hold(holding, &settled, &doubtful, now, &log, |fact| {
                            log.add(fact)
                        });
                (moved, holds) = done;
                self.note_left(&pass, log.at(), &settled, &moved);
                // The shards may have been further: the part has the fact's moment.
                if log.at() != now {
                    after = part.clone();
                    applied = after.apply(change, log.at()).expect(LATER);
                }
            }
        }
        self.put_part(record, after.clone());
        if let Some(cost) = cost {
            self.tell_cost(record, &cost)
                .expect("amounts were checked when they were worked out");
        }
        let view = self.part_view(record, after);
        Ok(Told {
            applied,
            view,
            moved,
            placed: Vec::new(),
            holds,
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
            if after.state != fact.state {
                let (is, was) = (after.state.name(), fact.state.name());
                return Err(format!("part {} is {is}, not {was}", after.id));
            }
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

    /// Puts the parts of an order that was just accepted where they wait.
    pub(super) fn await_parts(&self, record: &mut OrderRecord<Reservation>) {
        self.note_waits(record);
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
    pub(super) fn put_part(&self, record: &mut OrderRecord<Reservation>, part: FulfillmentOrder) {
        self.recount(record, &part, part.since);
        self.note_part(record, sequence_of(record), &part);
        let known = record.parts.iter().find(|p| p.id == part.id);
        self.count_delay(&record.order, known, &part);
        let parts = record.parts_mut();
        match parts.iter_mut().find(|p| p.id == part.id) {
            Some(known) => *known = part,
            None => parts.push(part),
        }
        self.forget_cancelled(record);
        self.note_waits(record);
    }

    /// An order of which every part is cancelled is none that another one may look like.
    pub(super) fn forget_cancelled(&self, record: &OrderRecord<Reservation>) {
        if record.status() == OrderStatus::All(State::Cancelled) {
            self.forget_alike(record, sequence_of(record));
        }
    }

    pub(super) fn forget_alike(&self, record: &OrderRecord<Reservation>, sequence: u64) {
        self.duplicates.leave(Entering {
            order: &record.order,
            sequence,
            accepted_at: record.accepted_at,
        });
    }

    /// Notes a part by its number where those who look for work find it.
    pub(super) fn note_numbered(&self, record: &OrderRecord<Reservation>, number: u32) {
        let part = record.parts.iter().find(|p| p.id.number == number);
        if let Some(part) = part {
            self.note_part(record, sequence_of(record), part);
        }
    }

    /// Notes what an order waits for now, where those who have units find it.
    pub(super) fn note_waits(&self, record: &mut OrderRecord<Reservation>) {
        let sequence = sequence_of(record);
        self.note_waits_of(record, sequence);
    }

    pub(super) fn note_waits_of(&self, record: &mut OrderRecord<Reservation>, sequence: u64) {
        self.watch(record);
        let waits = record.waiting();
        if waits == record.waits {
            return;
        }
        let order = &record.order;
        let rank = Rank::new(order.priority, sequence, order.key.clone());
        for &(sku, _) in &record.waits {
            if waits.iter().all(|(still, _)| *still != sku) {
                self.backorders.put(sku, &rank, Qty::ZERO);
            }
        }
        for &(sku, qty) in &waits {
            self.backorders.put(sku, &rank, qty);
        }
        record.waits = waits;
    }

    pub(super) fn note_part(
        &self,
        record: &OrderRecord<Reservation>,
        sequence: u64,
        part: &FulfillmentOrder,
    ) {
        if let Some(place) = turn_of(&record.order, sequence, part) {
            self.waiting.note(place, &record.order, part);
        }
    }

    /// Saves what an order was for a snapshot that is being taken.
    pub(super) fn save(&self, record: &OrderRecord<Reservation>) {
        let was = || Some(self.order_image(record));
        self.orders_before.save(|| record.order.key.clone(), was);
    }

    pub(super) fn part_view(
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

    pub(super) fn release_secret(&self) -> [u8; 16] {
        let secret = self.release_secret.get().copied();
        secret.expect("it is made before the first command")
    }

    /// What release tokens are made with.
    pub(super) fn release_key(&self) -> ReleaseKey {
        ReleaseKey::new(self.release_secret())
    }
}

/// The place in the order of creation; that of an order that holds nothing any more is of no use.
pub(super) fn sequence_of(record: &OrderRecord<Reservation>) -> u64 {
    let holding = record.holding.as_ref();
    holding.map_or(0, |h| h.owner().sequence)
}

/// That something happened to a part which means nothing for stock, and where that left it.
pub(super) fn fact(
    record: &OrderRecord<Reservation>,
    number: u32,
    change: Change,
    state: State,
) -> Fact {
    Fact::FulfillmentChanged(Box::new(FulfillmentFact {
        key: record.order.key.clone(),
        number,
        change,
        late: false,
        state,
        settled: Vec::new(),
    }))
}

/// A copy of a part.
pub(super) fn part_of(
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
