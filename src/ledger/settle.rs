//! Promises kept: units leave a location with the claims that held them.
//!
//! Both happen under the shard's lock, so nobody ever sees units that have left and are still
//! reserved, or units that are free and already gone.

use super::locked::{Locked, row_of};
use super::reservation::Reservation;
use super::shard::Held;
use super::stock::Moved;
use super::{FactLog, Ledger};
use crate::model::{LocationId, Qty, Settled, SkuId};

impl Ledger {
    /// Takes units of a firm reservation out of it, and of what shipped or was missing off the
    /// shelf. Units on hand never fall below 0: what was reported is so, and the count was wrong.
    /// Returns the movements, each with the promises that supply does not cover now.
    ///
    /// Replay does the same as the first time.
    pub fn settle(
        &self,
        reservation: &mut Reservation,
        settled: &[Settled],
        now: crate::model::EpochMillis,
        log: &impl FactLog,
    ) -> Vec<(SkuId, LocationId, Moved)> {
        let mut locked = Locked::new(self, settled.iter().map(|s| s.sku), now);
        for one in settled {
            free(&mut locked, reservation, one);
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
            let movement = Moved {
                before: Qty(before),
                after: Qty(after),
                broken: shard.broken(one.sku, row, one.location),
            };
            moved.push((one.sku, one.location, movement));
        }
        log.record(locked.now(), || []);
        moved
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
