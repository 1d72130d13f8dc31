//! Facts applied again: what was granted is granted without asking.
//!
//! Replay runs no decision. It happens before anybody else sees the ledger, in the order of the
//! facts, each at the moment at which it was recorded, so that what had run out by then has run out
//! again.

use super::Ledger;
use super::incoming::{SupplyError, SupplyState};
use super::locked::{Locked, row_of};
use super::reservation::{Broken, Claim, Claims, Owner, Reservation};
use super::shard::Held;
use super::stock::{Hold, HoldError, Moved};
use crate::model::{ChannelId, ClaimFact, EpochMillis, IncomingKind, LocationId, Qty, SkuId};
use std::sync::Arc;

/// A grant as a fact tells it.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// Whose units they are.
    pub owner: &'a Arc<Owner>,
    /// The selling channel.
    pub channel: ChannelId,
    /// When they become free by themselves; `DISTANT_FUTURE` for a firm one.
    pub expires_at: EpochMillis,
    /// What is held.
    pub claims: &'a [ClaimFact],
}

impl Ledger {
    /// Holds what a fact says was granted.
    pub fn regrant(&self, grant: &Grant<'_>, at: EpochMillis) -> Reservation {
        let mut locked = Locked::new(self, grant.claims.iter().map(|c| c.sku), at);
        hold(&mut locked, grant)
    }

    /// The same for a reservation that changed: what it held is released in the same step.
    pub fn rechange(&self, reservation: &mut Reservation, grant: &Grant<'_>, at: EpochMillis) {
        let old = reservation.claims.iter().map(|c| c.sku);
        let skus = old.chain(grant.claims.iter().map(|c| c.sku));
        let mut locked = Locked::new(self, skus, at);
        if reservation.is_live(locked.now()) {
            for claim in &reservation.claims {
                locked.shard(claim.sku).drop_claim(claim.slot);
            }
        }
        *reservation = hold(&mut locked, grant);
    }

    /// Units on hand are `after` as of `as_of`. Returns what this meant for promises.
    ///
    /// # Errors
    /// Where the movement did not start from what is there: then the facts are not of one history.
    pub fn move_units(
        &self,
        (sku, location): (SkuId, LocationId),
        (before, after): (Qty, Qty),
        as_of: EpochMillis,
        at: EpochMillis,
    ) -> Result<Moved, String> {
        let mut shard = self.lock_one(sku, at);
        let position = shard.position_mut(row_of(sku), location);
        if position.on_hand != before.0 {
            return Err(format!(
                "units move from {before} to {after} where {} are on hand",
                position.on_hand
            ));
        }
        position.on_hand = after.0;
        shard.moved(row_of(sku), location, as_of);
        let broken = shard.broken(sku, row_of(sku), location);
        Ok(Moved {
            before,
            after,
            broken,
        })
    }

    /// A position of the opening stock.
    pub fn reopen(
        &self,
        (sku, location): (SkuId, LocationId),
        on_hand: Qty,
        safety: Qty,
        at: EpochMillis,
    ) {
        let mut shard = self.lock_one(sku, at);
        let position = shard.position_mut(row_of(sku), location);
        (position.on_hand, position.safety) = (on_hand.0, safety.0);
    }

    /// Holds units as a fact says, also where fewer are on hand: those of a return are held whatever
    /// was miscounted there before.
    ///
    /// # Errors
    /// [`HoldError::Differs`].
    pub fn rehold(&self, id: &str, hold: Hold, at: EpochMillis) -> Result<Vec<Broken>, HoldError> {
        self.hold_if(id, hold, |_| true, at, &super::NoLog)
    }

    /// Releases units of a hold as a fact says.
    ///
    /// # Errors
    /// As [`Ledger::release_hold`].
    pub fn rerelease_hold(&self, id: &str, qty: Qty, at: EpochMillis) -> Result<(), HoldError> {
        self.release_hold(id, Some(qty), at, &super::NoLog)?;
        Ok(())
    }

    /// Units are no longer on their way, and the supply is in `state`. Returns the supply's SKU and destination, and the units
    /// that were written off.
    ///
    /// # Errors
    /// [`SupplyError::Unknown`].
    pub fn reduce_supply(
        &self,
        id: &str,
        qty: Qty,
        state: SupplyState,
        at: EpochMillis,
    ) -> Result<(SkuId, LocationId, Qty), SupplyError> {
        let mut supply = self.supplies.get_mut(id).ok_or(SupplyError::Unknown)?;
        let (sku, to) = (supply.announced.sku, supply.announced.to);
        let left = supply.left.saturating_sub(qty);
        let (left, written_off) = match state {
            SupplyState::Open => (left, Qty::ZERO),
            _ => (Qty::ZERO, left),
        };
        (supply.left, supply.state) = (left, state);
        let units = supply.left.0;
        let mut shard = self.lock_one(sku, at);
        self.change_on_the_way(&mut shard, id, sku, to, |c| c.units = units);
        Ok((sku, to, written_off))
    }

    /// The kind of a supply.
    #[must_use]
    pub fn supply_kind(&self, id: &str) -> Option<IncomingKind> {
        self.supplies.get(id).map(|s| s.announced.kind)
    }

    /// Promises at a position that supply does not cover at `at`.
    #[must_use]
    pub fn broken_at(
        &self,
        sku: SkuId,
        location: LocationId,
        at: EpochMillis,
    ) -> Vec<super::Broken> {
        self.lock_one(sku, at).broken(sku, row_of(sku), location)
    }
}

fn hold(locked: &mut Locked<'_>, grant: &Grant<'_>) -> Reservation {
    let mut claims = Claims::new();
    for claim in grant.claims {
        let held = Held {
            owner: grant.owner.clone(),
            need_at: claim.need_at,
            expires_at: grant.expires_at,
            row: row_of(claim.sku),
            qty: claim.qty.0,
            location: claim.location,
            channel: grant.channel,
        };
        let slot = locked.shard(claim.sku).add_claim(held);
        claims.push(Claim {
            sku: claim.sku,
            location: claim.location,
            qty: claim.qty,
            slot,
        });
    }
    Reservation {
        owner: grant.owner.clone(),
        channel: grant.channel,
        expires_at: grant.expires_at,
        claims,
    }
}
