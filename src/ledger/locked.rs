//! Several shards locked together, and what may be done while they are.
//!
//! Locks are taken in ascending order of shard, so two transactions can never wait for each
//! other. Everything is granted or nothing is: a refusal takes back what was granted before it.

use super::position::promisable;
use super::reservation::{Claim, Owner, Refusal, Want};
use super::shard::{Held, Shard};
use super::{Ledger, SHARDS};
use crate::model::{ChannelId, EpochMillis, LocationId, Qty, SkuId};
use parking_lot::MutexGuard;
use smallvec::SmallVec;
use std::sync::Arc;

/// The shards of some SKUs, locked and brought to one moment.
pub(super) struct Locked<'l> {
    guards: SmallVec<[(u32, MutexGuard<'l, Shard>); 4]>,
    now: EpochMillis,
}

/// For whom claims are granted.
pub(super) struct Grantee<'a> {
    pub(super) owner: &'a Arc<Owner>,
    pub(super) channel: ChannelId,
    pub(super) expires_at: EpochMillis,
}

pub(super) fn shard_of(sku: SkuId) -> u32 {
    sku.0 % SHARDS
}

pub(super) fn row_of(sku: SkuId) -> u32 {
    sku.0 / SHARDS
}

/// The SKU of a row: the inverse of [`shard_of`] and [`row_of`].
pub(super) fn sku_at(shard: u32, row: u32) -> SkuId {
    SkuId(row * SHARDS + shard)
}

impl<'l> Locked<'l> {
    pub(super) fn new(
        ledger: &'l Ledger,
        skus: impl Iterator<Item = SkuId>,
        now: EpochMillis,
    ) -> Self {
        let mut shards: SmallVec<[u32; 8]> = skus.map(shard_of).collect();
        shards.sort_unstable();
        shards.dedup();
        let mut guards: SmallVec<[(u32, MutexGuard<'l, Shard>); 4]> = shards
            .iter()
            .map(|&s| (s, ledger.shards[s as usize].lock()))
            .collect();
        // A shard may have seen a later moment than the caller read: all of them go there, so
        // that a claim is over in all of its shards or in none.
        let now = guards
            .iter()
            .map(|(_, g)| g.now())
            .fold(now, EpochMillis::max);
        for (_, guard) in &mut guards {
            guard.advance(now);
        }
        Self { guards, now }
    }

    /// The moment of this transaction.
    pub(super) fn now(&self) -> EpochMillis {
        self.now
    }

    /// The shard of a SKU that was named when locking.
    pub(super) fn shard(&mut self, sku: SkuId) -> &mut Shard {
        let wanted = shard_of(sku);
        let place = match self.guards.len() {
            1 => 0,
            _ => self
                .guards
                .binary_search_by_key(&wanted, |(s, _)| *s)
                .expect("locked at start"),
        };
        &mut self.guards[place].1
    }

    /// Grants all of `wants` or none: first those for one place, then those for anywhere, so that
    /// the latter do not take what only that place could give to the former.
    pub(super) fn grant_all(
        &mut self,
        to: &Grantee<'_>,
        wants: &[Want],
    ) -> Result<SmallVec<[Claim; 2]>, Refusal> {
        let mut claims = SmallVec::new();
        let placed = wants.iter().filter(|w| w.location.is_some());
        for want in placed.chain(wants.iter().filter(|w| w.location.is_none())) {
            if let Err(refusal) = self.grant(to, want, &mut claims) {
                for claim in claims.drain(..).rev() {
                    self.shard(claim.sku).drop_claim(claim.slot);
                }
                return Err(refusal);
            }
        }
        Ok(claims)
    }

    fn grant(
        &mut self,
        to: &Grantee<'_>,
        want: &Want,
        claims: &mut SmallVec<[Claim; 2]>,
    ) -> Result<(), Refusal> {
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
        let atp = shard
            .position(row, location)
            .map_or(0, |p| shard.atp(row, p, want.need_at));
        if atp < i64::from(want.qty.0) {
            return Err(insufficient(shard, to, &want, atp));
        }
        claims.push(add(shard, to, &want, location, want.qty)?);
        Ok(())
    }
}

/// From the location that has most, then the next: the fewest locations.
fn grant_anywhere(
    shard: &mut Shard,
    to: &Grantee<'_>,
    want: &Want,
    claims: &mut SmallVec<[Claim; 2]>,
) -> Result<(), Refusal> {
    let row = row_of(want.sku);
    let offers = shard
        .row(row)
        .iter()
        .map(|p| (shard.atp(row, p, want.need_at), p.location()));
    let mut offers: SmallVec<[(i64, LocationId); 32]> = offers.filter(|o| o.0 > 0).collect();
    offers.sort_unstable_by_key(|&(atp, location)| (std::cmp::Reverse(atp), location));
    let total = offers.iter().map(|o| o.0).sum();
    if total < i64::from(want.qty.0) {
        return Err(insufficient(shard, to, want, total));
    }
    let mut rest = want.qty;
    for (atp, location) in offers {
        if rest.is_zero() {
            break;
        }
        let qty = promisable(atp).min(rest);
        // An error leaves earlier claims in `claims`, from where the caller takes them back.
        claims.push(add(shard, to, want, location, qty)?);
        rest -= qty;
    }
    Ok(())
}

fn add(
    shard: &mut Shard,
    to: &Grantee<'_>,
    want: &Want,
    location: LocationId,
    qty: Qty,
) -> Result<Claim, Refusal> {
    let row = row_of(want.sku);
    let reserved = shard.position(row, location).map_or(0, |p| p.reserved);
    if reserved.checked_add(qty.0).is_none() {
        return Err(insufficient(
            shard,
            to,
            want,
            i64::from(u32::MAX - reserved),
        ));
    }
    let slot = shard.add_claim(Held {
        owner: to.owner.clone(),
        need_at: want.need_at,
        expires_at: to.expires_at,
        row,
        qty: qty.0,
        location,
        channel: to.channel,
    });
    Ok(Claim {
        sku: want.sku,
        location,
        qty,
        need_at: want.need_at,
        slot,
    })
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
