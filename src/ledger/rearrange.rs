//! Some of an owner's units exchanged for others, in one step, while it keeps the rest.
//!
//! [`Ledger::change`] asks anew for everything that an owner holds; here what it keeps is kept even
//! where supply no longer covers it. So a part of an order can move away from a broken promise while
//! the other parts stay what they are.

use super::locked::{Grantee, Locked, row_of};
use super::reservation::{Claim, Claims, Refusal, Reservation, Want};
use super::shard::Held;
use super::view::StockView;
use super::{FactLog, Ledger, view_sku};
use crate::model::{ClaimFact, EpochMillis, Fact, Freed, Qty, SkuId};
use smallvec::SmallVec;

/// Claims that were set aside, to be put back as they were.
type SetAside = SmallVec<[(SkuId, Held); 3]>;

/// What one of several reservations frees, and what it gets instead.
pub struct Exchange<'a> {
    /// Whose.
    pub reservation: &'a mut Reservation,
    /// What ends.
    pub freed: &'a [Freed],
    /// What begins.
    pub wants: &'a [Want],
}

impl Ledger {
    /// What may be promised of `skus` to the owner of `reservation`, if the units in `freed` were
    /// free again. Nothing changes.
    pub fn view_without(
        &self,
        reservation: &mut Reservation,
        freed: &[Freed],
        skus: &[SkuId],
        now: EpochMillis,
        view: &mut StockView,
    ) {
        view.clear();
        let held = reservation.claims.iter().map(|c| c.sku);
        let mut locked = Locked::new(self, held.chain(skus.iter().copied()), now);
        let before = set_aside(&mut locked, reservation, freed);
        for &sku in skus {
            let now = locked.now();
            view_sku(locked.shard(sku), sku, reservation.channel, now, view);
        }
        put_back(&mut locked, reservation, before);
    }

    /// Frees some units of a reservation and claims `wants` for it instead, or changes nothing. Of
    /// several claims at one position each of `freed` says which go first. The fact that is
    /// recorded names only what was granted.
    ///
    /// # Errors
    /// [`Refusal::Insufficient`] names the first want that cannot be met.
    pub fn rearrange(
        &self,
        reservation: &mut Reservation,
        freed: &[Freed],
        wants: &[Want],
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<(), Refusal> {
        let held = reservation.claims.iter().map(|c| c.sku);
        let mut locked = Locked::new(self, held.chain(wants.iter().map(|w| w.sku)), now);
        let before = set_aside(&mut locked, reservation, freed);
        let owner = reservation.owner.clone();
        let grantee = Grantee {
            owner: &owner,
            channel: reservation.channel,
            expires_at: reservation.expires_at,
        };
        let mut granted = Claims::new();
        if let Err(refusal) = locked.grant_all(&grantee, wants, &mut granted) {
            put_back(&mut locked, reservation, before);
            return Err(refusal);
        }
        log.record(locked.now(), || {
            let claims = granted.iter();
            let claim = |c: &Claim| ClaimFact {
                sku: c.sku,
                location: c.location,
                qty: c.qty,
                need_at: locked.need_at(c),
            };
            [Fact::Reserved {
                owner: owner.id.clone(),
                channel: reservation.channel,
                priority: owner.priority,
                sequence: owner.sequence,
                expires_at: reservation.expires_at,
                claims: claims.map(claim).collect(),
            }]
        });
        reservation.claims.extend(granted);
        Ok(())
    }

    /// Does the same for several reservations in one step, for all of them or for none: what one
    /// frees another may get. `record` is told when, and what each was granted, while the locks are
    /// held.
    ///
    /// # Errors
    /// As [`Ledger::rearrange`].
    pub fn rearrange_all(
        &self,
        all: &mut [Exchange<'_>],
        now: EpochMillis,
        record: impl FnOnce(EpochMillis, Vec<Vec<ClaimFact>>),
    ) -> Result<(), Refusal> {
        let skus: Vec<SkuId> = all
            .iter()
            .flat_map(|one| {
                let held = one.reservation.claims.iter().map(|c| c.sku);
                held.chain(one.wants.iter().map(|w| w.sku))
            })
            .collect();
        let mut locked = Locked::new(self, skus.into_iter(), now);
        let mut before: Vec<SetAside> = all
            .iter_mut()
            .map(|one| set_aside(&mut locked, one.reservation, one.freed))
            .collect();
        let mut told = Vec::with_capacity(all.len());
        for at in 0..all.len() {
            let one = &mut all[at];
            let owner = one.reservation.owner.clone();
            let grantee = Grantee {
                owner: &owner,
                channel: one.reservation.channel,
                expires_at: one.reservation.expires_at,
            };
            let mut granted = Claims::new();
            if let Err(refusal) = locked.grant_all(&grantee, one.wants, &mut granted) {
                for one in all.iter_mut().rev() {
                    put_back(
                        &mut locked,
                        one.reservation,
                        before.pop().unwrap_or_default(),
                    );
                }
                return Err(refusal);
            }
            let claim = |c: &Claim| ClaimFact {
                sku: c.sku,
                location: c.location,
                qty: c.qty,
                need_at: locked.need_at(c),
            };
            told.push(granted.iter().map(claim).collect());
            one.reservation.claims.extend(granted);
        }
        record(locked.now(), told);
        Ok(())
    }

    /// The same again, as a fact tells it: granted without asking.
    pub fn rearrange_again(
        &self,
        reservation: &mut Reservation,
        freed: &[Freed],
        granted: &[ClaimFact],
        at: EpochMillis,
    ) {
        let held = reservation.claims.iter().map(|c| c.sku);
        let mut locked = Locked::new(self, held.chain(granted.iter().map(|c| c.sku)), at);
        set_aside(&mut locked, reservation, freed);
        for claim in granted {
            let held = Held {
                owner: reservation.owner.clone(),
                need_at: claim.need_at,
                expires_at: reservation.expires_at,
                row: row_of(claim.sku),
                qty: claim.qty.0,
                location: claim.location,
                channel: reservation.channel,
            };
            let slot = locked.shard(claim.sku).add_claim(held);
            reservation.claims.push(Claim {
                sku: claim.sku,
                location: claim.location,
                qty: claim.qty,
                slot,
            });
        }
    }

    /// Units of a SKU that are on their way and that nobody was promised, by when they arrive,
    /// whether or not policy lets anybody promise them.
    #[must_use]
    pub fn coming(&self, sku: SkuId, now: EpochMillis) -> Vec<(EpochMillis, u64)> {
        let shard = self.lock_one(sku, now);
        let row = row_of(sku);
        let mut coming: Vec<(EpochMillis, u64)> = Vec::new();
        for position in shard.row(row) {
            let on_the_way = shard.on_the_way(row, position.location()).iter();
            let mut here: Vec<(EpochMillis, u32)> = on_the_way
                .filter(|c| c.units > 0)
                .map(|c| (c.arrives_at, c.units))
                .collect();
            here.sort_unstable();
            // What was promised beyond what is there takes the first that arrive.
            let mut owed = u64::try_from(-position.free()).unwrap_or(0);
            for (at, units) in here {
                let left = u64::from(units).saturating_sub(owed);
                owed = owed.saturating_sub(u64::from(units));
                if left > 0 {
                    coming.push((at, left));
                }
            }
        }
        coming.sort_unstable();
        coming
    }
}

/// Frees units of a reservation. Returns everything that it held before.
fn set_aside(locked: &mut Locked<'_>, reservation: &mut Reservation, freed: &[Freed]) -> SetAside {
    if !reservation.is_live(locked.now()) {
        return SetAside::new();
    }
    let claims = std::mem::take(&mut reservation.claims);
    let drop = |claim: &Claim| (claim.sku, locked.shard(claim.sku).drop_claim(claim.slot));
    let before: SetAside = claims.iter().map(drop).collect();
    let mut kept: SmallVec<[u32; 3]> = before.iter().map(|(_, held)| held.qty).collect();
    for one in freed {
        let mut left = one.qty.0;
        let mut here: SmallVec<[usize; 3]> = (0..claims.len())
            .filter(|&i| (claims[i].sku, claims[i].location) == (one.sku, one.location))
            .collect();
        here.sort_by_key(|&i| before[i].1.need_at);
        if !one.first {
            here.reverse();
        }
        for i in here {
            let taken = kept[i].min(left);
            kept[i] -= taken;
            left -= taken;
        }
    }
    for ((claim, (_, held)), qty) in claims.iter().zip(&before).zip(kept) {
        if qty == 0 {
            continue;
        }
        let slot = locked.shard(claim.sku).add_claim(Held {
            qty,
            ..held.clone()
        });
        reservation.claims.push(Claim {
            qty: Qty(qty),
            slot,
            ..*claim
        });
    }
    before
}

/// Makes a reservation hold what it held before.
fn put_back(locked: &mut Locked<'_>, reservation: &mut Reservation, before: SetAside) {
    if !reservation.is_live(locked.now()) {
        return;
    }
    for claim in std::mem::take(&mut reservation.claims) {
        locked.shard(claim.sku).drop_claim(claim.slot);
    }
    for (sku, held) in before {
        let (location, qty) = (held.location, Qty(held.qty));
        let slot = locked.shard(sku).add_claim(held);
        reservation.claims.push(Claim {
            sku,
            location,
            qty,
            slot,
        });
    }
}
