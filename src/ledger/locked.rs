//! Several shards locked together, and what may be done while they are.
//!
//! Locks are taken in ascending order of shard, so two transactions can never wait for each
//! other. Everything is granted or nothing is: a refusal takes back what was granted before it.

use super::position::{Position, promisable};
use super::reservation::{Claim, Claims, Owner, Refusal, Want};
use super::shard::{Held, Place, Shard};
use super::{Ledger, SHARDS};
use crate::model::{ChannelId, EpochMillis, LocationId, Qty, SkuId};
use parking_lot::MutexGuard;
use smallvec::SmallVec;
use std::sync::Arc;

/// By ascending shard.
type Guards<'l> = SmallVec<[(u32, MutexGuard<'l, Shard>); 4]>;

/// The shards of some SKUs, locked and brought to one moment.
pub(super) struct Locked<'l> {
    guards: Guards<'l>,
    now: EpochMillis,
}

/// For whom claims are granted.
pub(super) struct Grantee<'a> {
    pub(super) owner: &'a Arc<Owner>,
    pub(super) channel: ChannelId,
    pub(super) expires_at: EpochMillis,
}

impl Grantee<'_> {
    /// What the shard keeps when it grants `want` at `location`, not before `now`.
    #[inline]
    fn claim(&self, want: &Want, location: LocationId, now: EpochMillis) -> Held {
        Held {
            owner: self.owner.clone(),
            need_at: want.need_at.max(now),
            expires_at: self.expires_at,
            row: row_of(want.sku),
            qty: want.qty.0,
            location,
            channel: self.channel,
        }
    }
}

/// The shard in which everything about a SKU lives.
#[must_use]
pub fn shard_of(sku: SkuId) -> u32 {
    sku.0 % SHARDS
}

/// The row of a SKU in its shard.
#[must_use]
pub fn row_of(sku: SkuId) -> u32 {
    sku.0 / SHARDS
}

/// The SKU of a row: the inverse of [`shard_of`] and [`row_of`].
#[must_use]
pub fn sku_at(shard: u32, row: u32) -> SkuId {
    SkuId(row * SHARDS + shard)
}

impl<'l> Locked<'l> {
    #[inline]
    pub(super) fn new(
        ledger: &'l Ledger,
        skus: impl Iterator<Item = SkuId>,
        now: EpochMillis,
    ) -> Self {
        let mut shards: SmallVec<[u32; 8]> = skus.map(shard_of).collect();
        if shards.len() > 1 {
            shards.sort_unstable();
            shards.dedup();
            // A lock waits for its own memory before anything after it may start; asking first
            // fetches all of them side by side.
            let taken = shards.iter();
            let taken = taken.filter(|&&s| ledger.shards[s as usize].is_locked());
            std::hint::black_box(taken.count());
        }
        let mut guards = Guards::new();
        // A shard may have seen a later moment than the caller read: all of them go there, so
        // that a claim is over in all of its shards or in none.
        let mut latest = now;
        for &shard in &shards {
            let guard = ledger.lock_shard(shard);
            latest = latest.max(guard.now());
            guards.push((shard, guard));
        }
        for (_, guard) in &mut guards {
            guard.advance(latest);
        }
        Self {
            guards,
            now: latest,
        }
    }

    /// The moment of this transaction.
    pub(super) fn now(&self) -> EpochMillis {
        self.now
    }

    /// The shard of a SKU that was named when locking.
    pub(super) fn shard(&mut self, sku: SkuId) -> &mut Shard {
        let place = self.place_of(sku);
        &mut self.guards[place].1
    }

    fn place_of(&self, sku: SkuId) -> usize {
        let wanted = shard_of(sku);
        match self.guards.len() {
            1 => 0,
            2..=8 => self.guards.iter().take_while(|g| g.0 < wanted).count(),
            _ => self.guards.partition_point(|g| g.0 < wanted),
        }
    }

    /// Reads the positions that will be changed, so that their memory is fetched side by side
    /// rather than one after the other.
    fn warm(&self, wants: &[Want]) {
        let reserved = wants.iter().map(|want| {
            let shard = &self.guards[self.place_of(want.sku)].1;
            let spot = want
                .location
                .and_then(|l| shard.position(row_of(want.sku), l));
            spot.map_or(0, |p| u64::from(p.reserved)) + u64::from(shard.peek_free())
        });
        std::hint::black_box(reserved.sum::<u64>());
    }

    /// The same before claims are dropped.
    pub(super) fn warm_claims(&self, claims: &[Claim]) {
        let reserved = claims.iter().map(|claim| {
            let shard = &self.guards[self.place_of(claim.sku)].1;
            let spot = shard.position(row_of(claim.sku), claim.location);
            spot.map_or(0, |p| u64::from(p.reserved)) + u64::from(shard.peek(claim.slot))
        });
        std::hint::black_box(reserved.sum::<u64>());
    }

    /// When the units of a granted claim are needed.
    pub(super) fn need_at(&self, claim: &Claim) -> EpochMillis {
        let shard = &self.guards[self.place_of(claim.sku)].1;
        shard
            .claim(claim.slot)
            .map_or(self.now, |held| held.need_at)
    }

    /// Grants all of `wants` into `claims`, or none and leaves it empty: first those for one place, then those for anywhere, so that
    /// the latter do not take what only that place could give to the former.
    pub(super) fn grant_all(
        &mut self,
        to: &Grantee<'_>,
        wants: &[Want],
        claims: &mut Claims,
    ) -> Result<(), Refusal> {
        if self.guards.len() > 1 {
            self.warm(wants);
        }
        let mut anywhere = false;
        for want in wants {
            let Some(location) = want.location else {
                anywhere = true;
                continue;
            };
            let held = to.claim(want, location, self.now);
            match self.shard(want.sku).claim_plainly(held) {
                Ok(slot) => claims.push(claim(want, location, want.qty, slot)),
                Err(_) => self.grant_or_undo(to, want, claims)?,
            }
        }
        if anywhere {
            for want in wants.iter().filter(|w| w.location.is_none()) {
                self.grant_or_undo(to, want, claims)?;
            }
        }
        Ok(())
    }

    fn grant_or_undo(
        &mut self,
        to: &Grantee<'_>,
        want: &Want,
        claims: &mut Claims,
    ) -> Result<(), Refusal> {
        self.grant(to, want, claims).inspect_err(|_| {
            for claim in claims.drain(..).rev() {
                self.shard(claim.sku).drop_claim(claim.slot);
            }
        })
    }

    fn grant(&mut self, to: &Grantee<'_>, want: &Want, claims: &mut Claims) -> Result<(), Refusal> {
        let want = Want {
            need_at: want.need_at.max(self.now),
            ..*want
        };
        let shard = self.shard(want.sku);
        let row = row_of(want.sku);
        let limit = shard.channel_limit(row, to.channel, want.need_at);
        if let Some(limit) = limit.filter(|&l| l < i64::from(want.qty.0)) {
            return Err(insufficient(
                shard,
                to,
                &Want {
                    location: None,
                    ..want
                },
                limit,
            ));
        }
        let Some(location) = want.location else {
            return grant_anywhere(shard, to, &want, claims);
        };
        let Some(place) = shard.place(row, location) else {
            return Err(insufficient(shard, to, &want, 0));
        };
        let atp = shard.atp(row, shard.at(place), want.need_at);
        if atp < i64::from(want.qty.0) {
            return Err(insufficient(shard, to, &want, atp));
        }
        claims.push(add(shard, place, to, &want, want.qty)?);
        Ok(())
    }
}

/// From the location that has most, then the next: the fewest locations.
fn grant_anywhere(
    shard: &mut Shard,
    to: &Grantee<'_>,
    want: &Want,
    claims: &mut Claims,
) -> Result<(), Refusal> {
    let row = row_of(want.sku);
    let offers = shard
        .places(row)
        .map(|p| (shard.atp(row, shard.at(p), want.need_at), p));
    let mut offers: SmallVec<[(i64, Place); 32]> = offers.filter(|o| o.0 > 0).collect();
    offers.sort_unstable_by_key(|&(atp, place)| (std::cmp::Reverse(atp), place));
    let total = offers.iter().map(|o| o.0).sum();
    if total < i64::from(want.qty.0) {
        return Err(insufficient(shard, to, want, total));
    }
    let mut rest = want.qty;
    for (atp, place) in offers {
        if rest.is_zero() {
            break;
        }
        let qty = promisable(atp).min(rest);
        // An error leaves earlier claims in `claims`, from where the caller takes them back.
        claims.push(add(shard, place, to, want, qty)?);
        rest -= qty;
    }
    Ok(())
}

fn add(
    shard: &mut Shard,
    place: Place,
    to: &Grantee<'_>,
    want: &Want,
    qty: Qty,
) -> Result<Claim, Refusal> {
    let Position {
        reserved, location, ..
    } = *shard.at(place);
    let location = LocationId(location);
    if reserved.checked_add(qty.0).is_none() {
        let left = i64::from(u32::MAX - reserved);
        return Err(insufficient(shard, to, want, left));
    }
    let held = to.claim(&Want { qty, ..*want }, location, want.need_at);
    let slot = shard.add_claim_at(place, held);
    Ok(claim(want, location, qty, slot))
}

fn claim(want: &Want, location: LocationId, qty: Qty, slot: u32) -> Claim {
    Claim {
        sku: want.sku,
        location,
        qty,
        slot,
    }
}

#[cold]
fn insufficient(shard: &Shard, to: &Grantee<'_>, want: &Want, available: i64) -> Refusal {
    let earliest = earliest(
        shard,
        row_of(want.sku),
        want.location.as_ref().map(std::slice::from_ref),
        Some(to.channel),
        want.qty,
        want.need_at,
    );
    Refusal::Insufficient {
        sku: want.sku,
        location: want.location,
        asked: want.qty,
        available: promisable(available),
        earliest,
    }
}

/// ATP of a SKU at `at` over `locations` (all when `None`), as `channel` sees it.
pub(super) fn atp_of(
    shard: &Shard,
    row: u32,
    locations: Option<&[LocationId]>,
    channel: Option<ChannelId>,
    at: EpochMillis,
) -> i64 {
    let here = match locations {
        None => shard.atp_total(row, at),
        Some(some) => {
            let positions = some.iter().filter_map(|&l| shard.position(row, l));
            positions.map(|p| shard.atp(row, p, at).max(0)).sum()
        }
    };
    let limit = channel.and_then(|c| shard.channel_limit(row, c, at));
    limit.map_or(here, |l| here.min(l)).max(0)
}

/// The least time from `from` on at which [`atp_of`] reaches `qty`.
pub(super) fn earliest(
    shard: &Shard,
    row: u32,
    locations: Option<&[LocationId]>,
    channel: Option<ChannelId>,
    qty: Qty,
    from: EpochMillis,
) -> Option<EpochMillis> {
    let coming = shard.row(row).iter().filter(|p| p.is_timed());
    let mut moments: SmallVec<[EpochMillis; 8]> = coming
        .flat_map(|p| shard.timeline(row, p.location()).steps(p.supply(), from))
        .map(|(at, _)| at)
        .collect();
    moments.push(from);
    moments.sort_unstable();
    let wanted = i64::from(qty.0);
    moments
        .into_iter()
        .find(|&at| atp_of(shard, row, locations, channel, at) >= wanted)
}
