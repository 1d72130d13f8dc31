//! The ledger as it was at a cut, and a ledger made of that.
//!
//! A cut copies nothing at first. Whoever locks a shard afterwards copies it before he does
//! anything else, if nobody has; so a command waits for the copy of the shards that it needs
//! anyway, never for more.

use super::incoming::{Supply, SupplyState};
use super::locked::{row_of, shard_of};
use super::replay::Grant;
use super::reservation::{Claim, Claims, Reservation};
use super::shard::{Held, Shard};
pub use super::shard::{ShardImage, ShardSide};
use super::stock::Hold;
use super::{Ledger, Position, SHARDS};
use crate::model::{ClaimFact, EpochMillis};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Shards as they were, for somebody who looks at all of them.
#[derive(Debug, Default)]
pub(super) struct Looking {
    /// Number of the latest cut.
    cut: AtomicU32,
    copies: Mutex<Copies>,
}

/// What has been copied for a cut and not been looked at yet.
#[derive(Debug, Default)]
struct Copies {
    /// The cut that somebody is looking at; nobody is when absent.
    wanted: Option<u32>,
    images: Vec<ShardImage>,
}

impl Looking {
    /// Copies a shard that has changed nothing since the latest cut, unless that was done.
    #[inline]
    pub(super) fn show(&self, number: u32, shard: &mut Shard) {
        // Whoever changes state has passed the gate since the cut and so sees its number; a
        // reader who does not yet has nothing to lose.
        if shard.seen != self.cut.load(Ordering::Relaxed) {
            self.copy(number, shard);
        }
    }

    #[cold]
    fn copy(&self, number: u32, shard: &mut Shard) {
        let cut = self.cut.load(Ordering::Relaxed);
        shard.seen = cut;
        if self.copies.lock().wanted != Some(cut) {
            return;
        }
        let image = shard.image(number);
        // The looker may have given up meanwhile: what nobody takes must not be taken for a copy
        // of the next cut.
        let mut copies = self.copies.lock();
        if copies.wanted == Some(cut) {
            copies.images.push(image);
        }
    }

    fn begin(&self) {
        let mut copies = self.copies.lock();
        let cut = self.cut.load(Ordering::Relaxed).wrapping_add(1);
        copies.wanted = Some(cut);
        self.cut.store(cut, Ordering::Relaxed);
    }

    fn take(&self) -> Vec<ShardImage> {
        std::mem::take(&mut self.copies.lock().images)
    }

    fn end(&self) {
        *self.copies.lock() = Copies::default();
    }
}

impl Ledger {
    /// Everything is to be seen as it is now. Nobody is changing anything, and nobody looks at the
    /// cut before any more.
    pub fn cut(&self) {
        self.looking.begin();
        self.supplies_before.begin();
        self.holds_before.begin();
    }

    /// Shows all shards as they were at the cut, in no particular order, one at a time and none
    /// under its lock.
    ///
    /// # Errors
    /// As `see`; the rest is not shown then.
    pub fn each_shard<E>(
        &self,
        mut see: impl FnMut(&ShardImage) -> Result<(), E>,
    ) -> Result<(), E> {
        for number in 0..SHARDS {
            drop(self.lock_shard(number));
            // What others copied meanwhile must not pile up.
            self.looking.take().iter().try_for_each(&mut see)?;
        }
        self.looking.take().iter().try_for_each(see)
    }

    /// All supplies as they were at the cut.
    #[must_use]
    pub fn supplies_at_cut(&self) -> Vec<(Box<str>, Supply)> {
        let read = self.supplies.iter().map(|s| (s.key().clone(), s.clone()));
        let was = |(id, supply): (Box<str>, Supply)| {
            let supply = self.supplies_before.or_read(&id, supply)?;
            Some((id, supply))
        };
        read.filter_map(was).collect()
    }

    /// All holds as they were at the cut.
    #[must_use]
    pub fn holds_at_cut(&self) -> Vec<(Box<str>, Hold)> {
        let read = self.holds.iter().map(|h| (h.key().clone(), h.clone()));
        let was = |(id, hold): (Box<str>, Hold)| {
            let hold = self.holds_before.or_read(&id, hold)?;
            Some((id, hold))
        };
        read.filter_map(was).collect()
    }

    /// Nobody looks any more.
    pub fn end_cut(&self) {
        self.supplies_before.end();
        self.holds_before.end();
        self.looking.end();
    }

    /// Claims of a reservation as facts tell them.
    #[must_use]
    pub fn claim_facts(&self, reservation: &Reservation) -> Vec<ClaimFact> {
        let need_at = |claim: &Claim| {
            let shard = self.lock_shard(shard_of(claim.sku));
            // Of one that has run out nobody will ask.
            let held = shard.claim(claim.slot);
            held.map_or(shard.now(), |held| held.need_at)
        };
        let claims = reservation.claims.iter();
        claims
            .map(|claim| ClaimFact {
                sku: claim.sku,
                location: claim.location,
                qty: claim.qty,
                need_at: need_at(claim),
            })
            .collect()
    }

    /// Makes an empty shard what an image says.
    ///
    /// # Errors
    /// A sentence that says what in the image cannot be.
    pub fn restore_shard(
        &self,
        number: u32,
        now: EpochMillis,
        row_ends: &[u32],
        positions: &[Position],
        side: &ShardSide,
    ) -> Result<(), String> {
        let shard = self.shards.get(number as usize);
        let shard = shard.ok_or_else(|| format!("there is no shard {number}"))?;
        *shard.lock() = Shard::restored(now, row_ends, positions, side)?;
        Ok(())
    }

    /// Brings a supply back: after the shards and the rules, before the claims.
    pub fn restore_supply(&self, id: &str, supply: Supply) {
        if supply.state == SupplyState::Open {
            let mut shard = self.shards[shard_of(supply.announced.sku) as usize].lock();
            self.add_on_the_way(&mut shard, &supply.announced, supply.left);
        }
        self.supplies.insert(id.into(), supply);
    }

    /// Brings a hold back: after the shards.
    ///
    /// # Errors
    /// A sentence that says what cannot be.
    pub fn restore_hold(&self, id: &str, hold: Hold) -> Result<(), String> {
        if !hold.qty.is_zero() {
            let mut shard = self.shards[shard_of(hold.sku) as usize].lock();
            shard.rehold(row_of(hold.sku), hold.location, hold.reason, hold.qty.0)?;
        }
        self.holds.insert(id.into(), hold);
        Ok(())
    }

    /// Brings claims back whose units the shards count already: after the supplies.
    ///
    /// # Errors
    /// A sentence that says what cannot be.
    pub fn readmit(&self, grant: &Grant<'_>) -> Result<Reservation, String> {
        let mut claims = Claims::new();
        for claim in grant.claims {
            let mut shard = self.shards[shard_of(claim.sku) as usize].lock();
            let mut slot = u32::MAX;
            // What had run out where it was copied is not counted there any more.
            if grant.expires_at > shard.now() {
                slot = shard.readmit(Held {
                    owner: Arc::clone(grant.owner),
                    need_at: claim.need_at,
                    expires_at: grant.expires_at,
                    row: row_of(claim.sku),
                    qty: claim.qty.0,
                    location: claim.location,
                    channel: grant.channel,
                })?;
            }
            claims.push(Claim {
                sku: claim.sku,
                location: claim.location,
                qty: claim.qty,
                slot,
            });
        }
        Ok(Reservation {
            owner: grant.owner.clone(),
            channel: grant.channel,
            expires_at: grant.expires_at,
            claims,
        })
    }

    /// Says what does not add up in a ledger that was brought back, if anything.
    ///
    /// # Errors
    /// The first counter that differs from what it counts.
    pub fn check_restored(&self) -> Result<(), String> {
        // At the moment each shard has come to: nothing may run out by being looked at.
        let found = self.audit(EpochMillis::default());
        match found.first() {
            None => Ok(()),
            Some(first) => Err(format!(
                "{} of sku {} at location {} is {}, but adds up to {} ({} such)",
                first.counter,
                first.sku.0,
                first.location.0,
                first.says,
                first.counted,
                found.len()
            )),
        }
    }
}
