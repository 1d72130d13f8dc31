//! Promises kept: units leave a location with the claims that held them.
//!
//! Both happen under the shard's lock, so nobody ever sees units that have left and are still
//! reserved, or units that are free and already gone.

use super::locked::{Locked, row_of};
use super::reservation::Reservation;
use super::shard::Held;
use super::stock::{Hold, HoldError, Moved, StockError, set_on_hand};
use super::{FactLog, Ledger};
use crate::model::{EpochMillis, Fact, HoldReason, LocationId, Qty, Settled, SkuId};
use dashmap::Entry;

/// A count that moved, and the promises that supply does not cover now.
type Counted = (SkuId, LocationId, Moved);

impl Ledger {
    /// Takes units out of a reservation, and those that shipped or were missing off the shelf.
    /// Units on hand never fall below 0: what was reported is so, and the count was wrong. What
    /// shipped stays used of its channel's allocation; what was only freed is given back. Returns the
    /// movements, each with the promises that supply does not cover now.
    ///
    /// Replay does the same as the first time.
    pub fn settle(
        &self,
        reservation: &mut Reservation,
        settled: &[Settled],
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Vec<Counted> {
        let done = self.settle_and_hold(reservation, settled, &[], now, log, |_| {});
        done.0
    }

    /// The same, and in the same step holds under new ids what is left at positions whose count is in
    /// doubt and nobody was promised. `placed` hears of every hold before `log` does of the step.
    /// Returns the ids of those that hold anything.
    pub fn settle_and_hold(
        &self,
        reservation: &mut Reservation,
        settled: &[Settled],
        doubtful: &[(Box<str>, SkuId, LocationId)],
        now: EpochMillis,
        log: &impl FactLog,
        mut placed: impl FnMut(Fact),
    ) -> (Vec<Counted>, Vec<Box<str>>) {
        // Holds come before shards: they are there with no units until it is known how many.
        let new: Vec<_> = doubtful
            .iter()
            .filter(|doubt| self.begin_hold(doubt))
            .collect();
        let mut locked = Locked::new(self, settled.iter().map(|s| s.sku), now);
        // Of one that has run out, nothing is held any more.
        if reservation.is_live(locked.now()) {
            for one in settled {
                free(&mut locked, reservation, one);
            }
        }
        let mut moved = Vec::new();
        for one in settled {
            let gone = one.shipped.0.saturating_add(one.missing.0);
            if gone == 0 {
                continue;
            }
            let (at, row) = (locked.now(), row_of(one.sku));
            let shard = locked.shard(one.sku);
            let position = shard.position_mut(row, one.location);
            let before = position.on_hand;
            position.on_hand = before.saturating_sub(gone);
            let after = position.on_hand;
            shard.moved(row, one.location, at);
            shard.sold(row, reservation.channel, one.shipped.0);
            let movement = Moved {
                before: Qty(before),
                after: Qty(after),
                broken: shard.broken(one.sku, row, one.location),
            };
            moved.push((one.sku, one.location, movement));
        }
        let mut held = Vec::with_capacity(new.len());
        for (id, sku, location) in new {
            let (sku, location) = (*sku, *location);
            let qty = locked.shard(sku).hold_free(row_of(sku), location);
            if !qty.is_zero() {
                placed(Fact::HoldPlaced {
                    hold: id.clone(),
                    sku,
                    location,
                    qty,
                    reason: HoldReason::CountFreeze,
                });
            }
            held.push((id, qty));
        }
        log.record(locked.now(), || []);
        drop(locked);
        let held = held.into_iter();
        let holds = held.filter(|(id, qty)| self.end_hold(id, *qty));
        (moved, holds.map(|(id, _)| id.clone()).collect())
    }

    /// A hold of no units yet; `false` where its id is known.
    fn begin_hold(&self, (id, sku, location): &(Box<str>, SkuId, LocationId)) -> bool {
        let Entry::Vacant(place) = self.holds.entry(id.clone()) else {
            return false;
        };
        self.holds_before.save(|| id.clone(), || None);
        place.insert(Hold {
            sku: *sku,
            location: *location,
            placed: Qty::ZERO,
            qty: Qty::ZERO,
            reason: HoldReason::CountFreeze,
        });
        true
    }

    /// It is known how many units it holds; with none there is no hold.
    fn end_hold(&self, id: &str, qty: Qty) -> bool {
        if qty.is_zero() {
            self.holds.remove(id);
            return false;
        }
        if let Some(mut hold) = self.holds.get_mut(id) {
            (hold.placed, hold.qty) = (qty, qty);
        }
        true
    }
}

impl Ledger {
    /// Units that had left are on hand again; under a new hold `damaged`, they may not be promised.
    ///
    /// # Errors
    /// [`HoldError::Differs`] when there is such a hold, and [`StockError::OutOfRange`]; nothing has
    /// changed then.
    pub fn take_back(
        &self,
        (sku, location): (SkuId, LocationId),
        qty: Qty,
        damaged: Option<&str>,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Result<Moved, StockError>, HoldError> {
        let reason = HoldReason::Damaged;
        let hold = match damaged.map(|id| self.holds.entry(id.into())) {
            Some(Entry::Occupied(known)) => {
                return Err(HoldError::Differs(Box::new(known.get().clone())));
            }
            Some(Entry::Vacant(place)) => Some(place),
            None => None,
        };
        let mut shard = self.lock_one(sku, now);
        let row = row_of(sku);
        let before = shard.position(row, location).map_or(0, |p| p.on_hand);
        let after = i64::from(before) + i64::from(qty.0);
        let set = set_on_hand(&mut shard, sku, location, after, None, "return");
        let (moved, fact) = match set {
            Ok(set) => set,
            Err(error) => return Ok(Err(error)),
        };
        let Some(place) = hold else {
            log.record(shard.now(), || [fact()]);
            return Ok(Ok(moved));
        };
        shard.change_held(row, location, reason, i64::from(qty.0));
        let id = place.key().clone();
        self.holds_before.save(|| id.clone(), || None);
        place.insert(Hold {
            sku,
            location,
            placed: qty,
            qty,
            reason,
        });
        log.record(shard.now(), || {
            let held = Fact::HoldPlaced {
                hold: id,
                sku,
                location,
                qty,
                reason,
            };
            [fact(), held]
        });
        let broken = shard.broken(sku, row, location);
        Ok(Ok(Moved { broken, ..moved }))
    }
}

/// Ends claims of a reservation at one position, so many units of them.
fn free(locked: &mut Locked<'_>, reservation: &mut Reservation, one: &Settled) {
    let mut left = one.freed.0;
    let (owner, channel) = (reservation.owner.clone(), reservation.channel);
    let expires_at = reservation.expires_at;
    reservation.claims.retain(|claim| {
        if left == 0 || (claim.sku, claim.location) != (one.sku, one.location) {
            return true;
        }
        let shard = locked.shard(claim.sku);
        let held = shard.drop_claim(claim.slot);
        let taken = held.qty.min(left);
        left -= taken;
        if taken == held.qty {
            return false;
        }
        claim.qty = Qty(held.qty - taken);
        claim.slot = shard.add_claim(Held {
            owner: owner.clone(),
            need_at: held.need_at,
            expires_at,
            row: held.row,
            qty: claim.qty.0,
            location: held.location,
            channel,
        });
        true
    });
}
