//! Parts of orders handed out, each to one holder only.
//!
//! Who may have one is decided in [`crate::lifecycle`]; here it happens, with its fact, while the order
//! is locked.

use super::Engine;
use super::error::EngineError;
use super::fulfillment::{FulfillmentView, fact, part_of};
use crate::ledger::Reservation;
use crate::lifecycle::{FulfillmentOrder, OrderRecord, Release};
use crate::model::{
    Change, ClaimMode, EpochMillis, Invalid, LocationId, Millis, OrderKey, State, check_id,
};
use smallvec::SmallVec;

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
        for (turn, order) in self.waiting.unheard(location, ask.holder, now, ask.count) {
            let again = self.orders.change(&order.key, |record| {
                self.hand_out(record, turn.number, location, ask, now)
            });
            // It may have been acknowledged or taken back since.
            if let Some(Ok(one)) = again {
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
            let here = |p: &&FulfillmentOrder| p.route.is_some_and(|r| r.location == location);
            let parts = record.parts();
            let numbers: Vec<u32> = parts.iter().filter(here).map(|p| p.id.number).collect();
            let (mut handed, mut refused) = (Vec::new(), None);
            for number in numbers {
                match self.hand_out(record, number, location, ask, now) {
                    Ok(one) => handed.push(one),
                    Err(error) => refused = refused.or(Some(error)),
                }
                if handed.len() == ask.count {
                    break;
                }
            }
            // What was handed out must reach its holder, whatever became of the other parts.
            match refused.filter(|_| handed.is_empty()) {
                Some(error) => Err(error),
                None => Ok(handed),
            }
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
        let mut facts = SmallVec::new();
        if release.taken_back {
            let back = Change::TakeBack { vouched_by: None };
            facts.push(fact(record, number, back, State::Routed));
        }
        let claim = Change::Claim {
            holder: ask.holder.into(),
            mode: ask.mode,
            lease_end,
        };
        facts.push(fact(record, number, claim, after.state));
        let notes = self.part_notes(record, &part, &after, None);
        let pass = self.gate.enter();
        self.save(record);
        self.append_noting(&pass, now, facts, &notes);
        self.put_part(record, after.clone());
        Ok((self.part_view(record, after), release))
    }

    /// Notes that parts of an order reached a holder by another way, so that nobody else gets them:
    /// one part, or all that are routed and not closed; all of them or none.
    ///
    /// # Errors
    /// `NOTFOUND`; `HELD` when somebody else has one of them: two may be working on it; `STATE` when
    /// one cannot be handed out, or there is none: then whoever has it must be told.
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
                    let open = |p: &&FulfillmentOrder| p.route.is_some() && !p.state.is_closed();
                    let parts = record.parts();
                    parts.iter().filter(open).map(|p| p.id.number).collect()
                }
            };
            if numbers.is_empty() {
                return Err(EngineError::NothingToShip {
                    order: key.to_string(),
                    state: record.status().name(),
                });
            }
            self.register_parts(record, &numbers, holder, now)
        });
        registered.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))?
    }

    fn register_parts(
        &self,
        record: &mut OrderRecord<Reservation>,
        numbers: &[u32],
        holder: &str,
        now: EpochMillis,
    ) -> Result<Vec<(FulfillmentView, Release)>, EngineError> {
        let key = self.release_key();
        let (mut handed, mut facts) = (Vec::with_capacity(numbers.len()), SmallVec::new());
        let mut notes = Vec::new();
        for &number in numbers {
            let before = part_of(record, number)?;
            let mut part = before.clone();
            let release = part.register(&key, holder, now).inspect_err(|refusal| {
                self.note_two_holders(record, number, holder, refusal, now);
            })?;
            if !release.repeat {
                let holder = holder.into();
                let change = Change::Register { holder };
                facts.push(fact(record, number, change, part.state));
                notes.append(&mut self.part_notes(record, &before, &part, None));
            }
            handed.push((part, release));
        }
        if !facts.is_empty() {
            let pass = self.gate.enter();
            self.save(record);
            self.append_noting(&pass, now, facts, &notes);
            for (part, _) in handed.iter().filter(|(_, release)| !release.repeat) {
                self.put_part(record, part.clone());
            }
        }
        let views = handed
            .into_iter()
            .map(|(part, release)| (self.part_view(record, part), release));
        Ok(views.collect())
    }
}
