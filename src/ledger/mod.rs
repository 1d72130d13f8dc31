//! The ledger: the only code that changes a quantity.
//!
//! It does not know what an order, a plan, a tariff or a file is; it keeps positions, claims on
//! them, holds, supply on its way and channel allocations, and computes available-to-promise:
//!
//! ```text
//! S(s) = on-hand − holds − safety stock + Σ incoming with arrival ≤ s
//! D(s) = Σ reserved with need time ≤ s
//! ATP(t) = max(0, min over s ≥ t of ( S(s) − D(s) ))
//! ```
//!
//! Invariants:
//! - a claim of q needed at t is granted if and only if ATP(t) ≥ q, for its channel too;
//! - claims of one reservation are granted together or not at all, over all SKUs and locations;
//! - everything about one SKU is behind one lock; several locks are taken in ascending order;
//! - facts are recorded while the locks are held, so their order is a legal history.
//!
//! Time is handed in and never goes back within a shard. Whoever names an id (`SkuId`,
//! `LocationId`, `ChannelId`) has interned it; an id the ledger never heard of has no stock.

mod allocation;
mod audit;
mod days;
mod image;
mod incoming;
mod locked;
mod position;
mod rearrange;
mod replay;
mod reservation;
mod settle;
mod shard;
mod slots;
mod stock;
mod timeline;
mod view;
mod walk;

pub use allocation::Allocation;
pub use audit::{Discrepancy, Totals};
pub use days::{DayUse, Days, Room};
pub use image::{ShardImage, ShardSide};
pub use incoming::{Supply, SupplyError, SupplyState};
pub use position::Position;
pub use rearrange::Exchange;
pub use replay::Grant;
pub use reservation::{Broken, Claim, Owner, Refusal, Reservation, Want};
pub use stock::{Hold, HoldError, Moved, PositionReport, StockError};
pub use view::{Cell, Step, StockView};
pub use walk::Kept;

use crate::cut::Before;
use crate::model::{
    ChannelId, ClaimFact, EpochMillis, Fact, LocationId, PromiseRules, Qty, SkuId, StockRow,
};
use arc_swap::ArcSwap;
use crossbeam::utils::CachePadded;
use dashmap::DashMap;
use locked::{Grantee, Locked, atp_of, earliest};
pub use locked::{row_of, shard_of, sku_at};
use parking_lot::{Mutex, MutexGuard};
use reservation::Claims;
use shard::Shard;
use smallvec::SmallVec;
use std::sync::Arc;

/// Number of shards. Many more than cores, so that a thousand SKUs rarely share one; a power of
/// two, so that finding the shard is a mask.
pub const SHARDS: u32 = 1024;

/// Takes note of facts while the locks of what they are about are held.
pub trait FactLog {
    /// Records the facts of one step, which history keeps together or not at all. `at` is the
    /// moment of the step: what was over by then no longer counted. They are only built when
    /// somebody wants them.
    fn record<const N: usize>(&self, at: EpochMillis, facts: impl FnOnce() -> [Fact; N]);
}

/// Takes note of nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLog;

impl FactLog for NoLog {
    fn record<const N: usize>(&self, _: EpochMillis, _: impl FnOnce() -> [Fact; N]) {}
}

/// Who asks for units, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Take<'a> {
    /// Whose they will be.
    pub owner: &'a Arc<Owner>,
    /// The selling channel.
    pub channel: ChannelId,
    /// When they become free again by themselves; `DISTANT_FUTURE` for a firm reservation.
    pub expires_at: EpochMillis,
    /// What is wanted. The same position may be named more than once. Wants for one place are
    /// granted before those for anywhere, each kind in the order given.
    pub wants: &'a [Want],
}

/// Of what ATP is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct AtpQuery<'a> {
    /// Only these locations; each at most once.
    pub locations: Option<&'a [LocationId]>,
    /// As this channel sees it.
    pub channel: Option<ChannelId>,
    /// At this moment; now when absent or past.
    pub by: Option<EpochMillis>,
}

/// All positions and claims.
#[derive(Debug)]
pub struct Ledger {
    shards: Box<[CachePadded<Mutex<Shard>>]>,
    rules: ArcSwap<PromiseRules>,
    // Clients choose these ids, so these tables keep the standard library's keyed hash.
    supplies: DashMap<Box<str>, Supply>,
    holds: DashMap<Box<str>, Hold>,
    looking: image::Looking,
    supplies_before: Before<Box<str>, Supply>,
    holds_before: Before<Box<str>, Hold>,
    days: Days,
}

impl Ledger {
    /// An empty ledger that promises from incoming supply by `rules`.
    #[must_use]
    pub fn new(rules: PromiseRules) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| CachePadded::default()).collect(),
            rules: ArcSwap::from_pointee(rules),
            supplies: DashMap::new(),
            holds: DashMap::new(),
            looking: image::Looking::default(),
            supplies_before: Before::default(),
            holds_before: Before::default(),
            days: Days::default(),
        }
    }

    fn lock_one(&self, sku: SkuId, now: EpochMillis) -> MutexGuard<'_, Shard> {
        let mut shard = self.lock_shard(shard_of(sku));
        shard.advance(now);
        shard
    }

    /// Locks a shard that somebody may be waiting to see as it was.
    #[inline]
    fn lock_shard(&self, number: u32) -> MutexGuard<'_, Shard> {
        let mut shard = self.shards[number as usize].lock();
        self.looking.show(number, &mut shard);
        shard
    }

    /// Fills an empty ledger with positions; of rows for the same position only the last counts.
    /// Held units get the hold id `opening/<row>`, counted from 1.
    pub fn open(&self, rows: &[StockRow], now: EpochMillis, log: &impl FactLog) {
        self.make_room(rows);
        // Backwards, so that a position which is there already was named again later on.
        for (index, row) in rows.iter().enumerate().rev() {
            self.open_position(row, index + 1, now, log);
        }
    }

    /// Lays out the positions of `rows` side by side, without a gap.
    fn make_room(&self, rows: &[StockRow]) {
        let skus = rows.iter().map(|r| r.sku.index() + 1).max().unwrap_or(0);
        let mut counts = vec![0u16; skus];
        let mut of_shard = vec![0usize; SHARDS as usize];
        for row in rows {
            counts[row.sku.index()] = counts[row.sku.index()].saturating_add(1);
            of_shard[shard_of(row.sku) as usize] += 1;
        }
        for (shard, &count) in self.shards.iter().zip(&of_shard) {
            shard.lock().reserve_positions(count);
        }
        for (index, &count) in counts.iter().enumerate() {
            if let Some(sku) = SkuId::from_index(index) {
                let mut shard = self.shards[shard_of(sku) as usize].lock();
                shard.reserve_row(row_of(sku), count);
            }
        }
    }

    /// Claims all of `take.wants` for its owner, or nothing.
    ///
    /// # Errors
    /// [`Refusal::Insufficient`] names the first want that cannot be met;
    /// [`Refusal::Expired`] when the reservation would be over before it begins.
    pub fn take(
        &self,
        take: &Take<'_>,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Reservation, Refusal> {
        self.take_with_rooms(take, &[], now, log)
    }

    /// What is handed over on which day.
    #[must_use]
    pub fn days(&self) -> &Days {
        &self.days
    }

    /// The same, with room on the days of hand-over: all of both or nothing.
    ///
    /// # Errors
    /// As [`Ledger::take`], and [`Refusal::Full`].
    pub fn take_with_rooms(
        &self,
        take: &Take<'_>,
        rooms: &[Room],
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Reservation, Refusal> {
        let mut locked = Locked::new(self, take.wants.iter().map(|w| w.sku), now);
        if take.expires_at <= locked.now() {
            return Err(Refusal::Expired(take.expires_at));
        }
        let Take {
            owner,
            channel,
            expires_at,
            wants,
        } = *take;
        let mut reservation = Reservation {
            owner: owner.clone(),
            channel,
            expires_at,
            claims: Claims::new(),
        };
        let grantee = Grantee {
            owner,
            channel,
            expires_at,
        };
        locked.grant_all(&grantee, wants, &mut reservation.claims)?;
        if !rooms.is_empty()
            && let Err(location) = self.days.take(rooms, locked.now())
        {
            for claim in reservation.claims.drain(..) {
                locked.shard(claim.sku).drop_claim(claim.slot);
            }
            return Err(Refusal::Full(location));
        }
        log.record(locked.now(), || [reserved_fact(&reservation, &locked)]);
        Ok(reservation)
    }

    /// Makes a reservation hold exactly what `take` says, in one step: what it held is released
    /// and the new wants are claimed, or nothing changes. One that had expired starts anew.
    ///
    /// # Errors
    /// As [`Ledger::take`]; the reservation is then as it was.
    pub fn change(
        &self,
        reservation: &mut Reservation,
        take: &Take<'_>,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<(), Refusal> {
        let old_skus = reservation.claims.iter().map(|c| c.sku);
        let skus = old_skus.chain(take.wants.iter().map(|w| w.sku));
        let mut locked = Locked::new(self, skus, now);
        let now = locked.now();
        if take.expires_at <= now {
            return Err(Refusal::Expired(take.expires_at));
        }
        let held = match reservation.is_live(now) {
            true => reservation.claims.as_slice(),
            false => &[], // gone from their shards already
        };
        let old: SmallVec<[_; 2]> = held
            .iter()
            .map(|c| locked.shard(c.sku).drop_claim(c.slot))
            .collect();
        let Take {
            owner,
            channel,
            expires_at,
            wants,
        } = *take;
        let grantee = Grantee {
            owner,
            channel,
            expires_at,
        };
        let mut claims = Claims::new();
        match locked.grant_all(&grantee, wants, &mut claims) {
            Ok(()) => {
                *reservation = Reservation {
                    owner: owner.clone(),
                    channel,
                    expires_at,
                    claims,
                };
                log.record(now, || [reserved_fact(reservation, &locked)]);
                Ok(())
            }
            Err(refusal) => {
                for (claim, held) in reservation.claims.iter_mut().zip(old) {
                    claim.slot = locked.shard(claim.sku).add_claim(held);
                }
                Err(refusal)
            }
        }
    }

    /// Lets a live reservation end at another time; `DISTANT_FUTURE` makes it firm.
    ///
    /// # Errors
    /// [`Refusal::Expired`] when it was over already, or would be now: that is a release.
    pub fn extend(
        &self,
        reservation: &mut Reservation,
        expires_at: EpochMillis,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<(), Refusal> {
        let mut locked = Locked::new(self, reservation.claims.iter().map(|c| c.sku), now);
        if !reservation.is_live(locked.now()) {
            return Err(Refusal::Expired(reservation.expires_at));
        }
        if expires_at <= locked.now() {
            return Err(Refusal::Expired(expires_at));
        }
        for claim in &reservation.claims {
            locked.shard(claim.sku).move_ending(claim.slot, expires_at);
        }
        reservation.expires_at = expires_at;
        log.record(locked.now(), || {
            [Fact::ReservationExtended {
                owner: reservation.owner.id.clone(),
                expires_at,
            }]
        });
        Ok(())
    }

    /// Ends a reservation; its units are free. Returns whether it still held them.
    pub fn release(
        &self,
        mut reservation: Reservation,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> bool {
        let mut locked = Locked::new(self, reservation.claims.iter().map(|c| c.sku), now);
        let live = reservation.is_live(locked.now());
        if live {
            if reservation.claims.len() > 1 {
                locked.warm_claims(&reservation.claims);
            }
            for claim in reservation.claims.drain(..) {
                locked.shard(claim.sku).drop_claim(claim.slot);
            }
        }
        let owner = &reservation.owner.id;
        log.record(locked.now(), || {
            [Fact::ReservationEnded {
                owner: owner.clone(),
                expired: !live,
            }]
        });
        live
    }

    /// ATP of one SKU.
    #[must_use]
    pub fn atp(&self, sku: SkuId, query: &AtpQuery<'_>, now: EpochMillis) -> u64 {
        let shard = self.lock_one(sku, now);
        let at = query.by.unwrap_or(now).max(shard.now());
        let atp = atp_of(&shard, row_of(sku), query.locations, query.channel, at);
        u64::try_from(atp).unwrap_or(0)
    }

    /// The least time, from the query's `by` (or now) on, at which ATP is at least `qty`.
    #[must_use]
    pub fn earliest(
        &self,
        sku: SkuId,
        query: &AtpQuery<'_>,
        qty: Qty,
        now: EpochMillis,
    ) -> Option<EpochMillis> {
        let shard = self.lock_one(sku, now);
        let from = query.by.unwrap_or(now).max(shard.now());
        earliest(
            &shard,
            row_of(sku),
            query.locations,
            query.channel,
            qty,
            from,
        )
    }

    /// Copies what may be promised of `skus` to `channel` into `view`, each SKU under its lock.
    pub fn view(
        &self,
        skus: impl Iterator<Item = SkuId>,
        channel: ChannelId,
        now: EpochMillis,
        view: &mut StockView,
    ) {
        view.clear();
        for sku in skus {
            let shard = self.lock_one(sku, now);
            view_sku(&shard, sku, channel, now, view);
        }
    }

    /// ATP of one SKU by location, ascending; without locations that have none.
    #[must_use]
    pub fn atp_by_location(
        &self,
        sku: SkuId,
        by: Option<EpochMillis>,
        now: EpochMillis,
    ) -> Vec<(LocationId, u64)> {
        let shard = self.lock_one(sku, now);
        let at = by.unwrap_or(now).max(shard.now());
        let row = row_of(sku);
        let positions = shard.row(row).iter();
        let all = positions.map(|p| (p.location(), shard.atp(row, p, at)));
        all.filter_map(|(l, atp)| Some((l, u64::try_from(atp).ok().filter(|&a| a > 0)?)))
            .collect()
    }

    /// Keeps units of a SKU for a channel, or caps what the channel may promise.
    pub fn set_allocation(
        &self,
        sku: SkuId,
        channel: ChannelId,
        protected: Qty,
        cap: Option<Qty>,
        now: EpochMillis,
        log: &impl FactLog,
    ) {
        let mut shard = self.lock_one(sku, now);
        shard.set_allocation(row_of(sku), channel, protected, cap);
        log.record(shard.now(), || {
            [Fact::AllocationSet {
                sku,
                channel,
                protected,
                cap,
            }]
        });
    }

    /// From which supply on its way may be promised.
    #[must_use]
    pub fn rules(&self) -> PromiseRules {
        (**self.rules.load()).clone()
    }

    /// The allocations of a SKU.
    #[must_use]
    pub fn allocations(&self, sku: SkuId) -> Vec<Allocation> {
        let shard = self.shards[shard_of(sku) as usize].lock();
        shard
            .allocations(row_of(sku))
            .map_or_else(Vec::new, |a| a.entries().to_vec())
    }
}

fn reserved_fact(reservation: &Reservation, locked: &Locked<'_>) -> Fact {
    let claims = reservation.claims.iter();
    Fact::Reserved {
        owner: reservation.owner.id.clone(),
        channel: reservation.channel,
        priority: reservation.owner.priority,
        sequence: reservation.owner.sequence,
        expires_at: reservation.expires_at,
        claims: claims
            .map(|c| ClaimFact {
                sku: c.sku,
                location: c.location,
                qty: c.qty,
                need_at: locked.need_at(c),
            })
            .collect(),
    }
}

fn view_sku(shard: &Shard, sku: SkuId, channel: ChannelId, now: EpochMillis, view: &mut StockView) {
    let row = row_of(sku);
    let now = now.max(shard.now());
    view.push_line(sku);
    if shard.allocations(row).is_some() {
        return view_limited(shard, row, channel, now, view);
    }
    for position in shard.row(row) {
        if !position.is_timed() {
            let free = position::promisable(position.free());
            if !free.is_zero() {
                view.push_cell(position.location(), free, &[]);
            }
            continue;
        }
        let steps: SmallVec<[Step; 4]> = shard
            .timeline(row, position.location())
            .steps(position.supply(), now)
            .map(|(from, atp)| Step {
                from,
                qty: position::promisable(atp),
            })
            .collect();
        let free = position::promisable(shard.atp(row, position, now));
        if !free.is_zero() || !steps.is_empty() {
            view.push_cell(position.location(), free, &steps);
        }
    }
}

/// The same for a SKU with channel allocations: every amount is cut to the channel's limit then.
fn view_limited(
    shard: &Shard,
    row: u32,
    channel: ChannelId,
    now: EpochMillis,
    view: &mut StockView,
) {
    let timed = shard.row(row).iter().filter(|p| p.is_timed());
    let mut moments: SmallVec<[EpochMillis; 8]> = timed
        .flat_map(|p| shard.timeline(row, p.location()).steps(p.supply(), now))
        .map(|(at, _)| at)
        .collect();
    moments.push(now);
    moments.sort_unstable();
    moments.dedup();
    let limit_at = |at| shard.channel_limit(row, channel, at).unwrap_or(i64::MAX);
    let limits: SmallVec<[Step; 8]> = moments
        .iter()
        .map(|&from| Step {
            from,
            qty: position::promisable(limit_at(from)),
        })
        .collect();
    view.push_limit(&limits);
    for position in shard.row(row) {
        let mut steps: SmallVec<[Step; 8]> = SmallVec::new();
        for limit in &limits {
            let atp = position::promisable(shard.atp(row, position, limit.from));
            let qty = atp.min(limit.qty);
            if steps.last().is_none_or(|s| s.qty < qty) {
                steps.push(Step {
                    from: limit.from,
                    qty,
                });
            }
        }
        let free = steps[0].qty;
        if !free.is_zero() || steps.len() > 1 {
            view.push_cell(position.location(), free, &steps[1..]);
        }
    }
}
