//! Everything about the SKUs of one shard, behind one lock.
//!
//! A SKU is a row: its positions lie side by side, by ascending location. Claims of all SKUs of
//! the shard share one table of slots, without lists between them: with a thousand shards, finding a SKU's
//! claims by looking at the whole table is rare and short, and reserving stays two writes.
//!
//! Invariants: `reserved` of a position is the sum of its claims; a timed position has a
//! timeline whose demand is the same claims; a claim whose time is up is gone before anything
//! else is read or written.

mod image;

pub use image::{ShardImage, ShardSide};

use super::allocation::Allocations;
use super::position::Position;
use super::reservation::{Broken, Owner};
use super::slots::Slots;
use super::timeline::Timeline;
use crate::model::{ChannelId, EpochMillis, HoldReason, LocationId, OwnerFact, Qty, SkuId};
use foldhash::fast::RandomState;
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

/// A claim as the shard keeps it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) owner: Arc<Owner>,
    pub(super) need_at: EpochMillis,
    pub(super) expires_at: EpochMillis,
    pub(super) row: u32,
    pub(super) qty: u32,
    pub(super) location: LocationId,
    pub(super) channel: ChannelId,
}

/// Units on their way to a position.
#[derive(Debug, Clone)]
pub(super) struct OnTheWay {
    pub(super) id: Arc<str>,
    /// With the policy's buffer added.
    pub(super) arrives_at: EpochMillis,
    pub(super) units: u32,
    /// Whether policy lets this position promise against it.
    pub(super) promisable: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Row {
    start: u32,
    len: u16,
    room: u16,
    allocated: bool,
}

pub(super) type SideTable<K, V> = HashMap<K, V, RandomState>;

/// Key of what only few positions have.
pub(super) type Spot = (u32, LocationId);

/// Fields in the order of use, so that what every command needs lies together with the lock.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Shard {
    /// The latest moment this shard has seen; it never goes back.
    now: EpochMillis,
    /// When the next of `endings` is due: known without a look into the heap.
    next_ending: EpochMillis,
    rows: Vec<Row>,
    positions: Vec<Position>,
    claims: Slots<Held>,
    /// Soft claims by their end. Entries outlive their claim; the claim itself says when it ends.
    endings: BinaryHeap<Reverse<(EpochMillis, u32)>>,
    timelines: SideTable<Spot, Timeline>,
    on_the_way: SideTable<Spot, Vec<OnTheWay>>,
    held: SideTable<Spot, [u32; HoldReason::ALL.len()]>,
    allocations: SideTable<u32, Allocations>,
    /// When units were last reported to have moved, for positions where they were.
    moved_at: SideTable<Spot, EpochMillis>,
    /// Soft claims that ran out here.
    expired: u64,
    /// The last cut that this shard was copied for.
    pub(super) seen: u32,
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            now: EpochMillis::default(),
            next_ending: EpochMillis::DISTANT_FUTURE,
            rows: Vec::new(),
            positions: Vec::new(),
            claims: Slots::default(),
            endings: BinaryHeap::new(),
            timelines: SideTable::default(),
            on_the_way: SideTable::default(),
            held: SideTable::default(),
            allocations: SideTable::default(),
            moved_at: SideTable::default(),
            expired: 0,
            seen: 0,
        }
    }
}

/// Where a position lies now. Good until a position is added to its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(usize);

impl Shard {
    /// Makes room for rows up to `row`.
    pub(super) fn ensure_row(&mut self, row: u32) {
        if self.rows.len() <= row as usize {
            self.rows.resize(row as usize + 1, Row::default());
        }
    }

    /// Makes room for exactly `count` more positions.
    pub(super) fn reserve_positions(&mut self, count: usize) {
        self.positions.reserve_exact(count);
    }

    /// Makes room for `count` positions of `row` at once, so that filling it moves nothing.
    pub(super) fn reserve_row(&mut self, row: u32, count: u16) {
        self.ensure_row(row);
        if self.rows[row as usize].room < count {
            self.move_row(row, count);
        }
    }

    fn move_row(&mut self, row: u32, room: u16) {
        let old = self.rows[row as usize];
        let start = u32::try_from(self.positions.len()).expect("a shard holds < 2^32 positions");
        let old_range = old.start as usize..old.start as usize + usize::from(old.len);
        self.positions.extend_from_within(old_range);
        self.positions
            .resize(start as usize + usize::from(room), Position::default());
        let moved = &mut self.rows[row as usize];
        (moved.start, moved.room) = (start, room);
    }

    /// The latest moment this shard has seen.
    pub(super) fn now(&self) -> EpochMillis {
        self.now
    }

    /// Moves the shard's time on to `now`, ending soft claims whose time is up.
    pub(super) fn advance(&mut self, now: EpochMillis) {
        self.now = self.now.max(now);
        if self.next_ending <= self.now {
            self.end_claims();
        }
    }

    #[cold]
    fn end_claims(&mut self) {
        while let Some(&Reverse((end, slot))) = self.endings.peek() {
            if end > self.now {
                break;
            }
            self.endings.pop();
            let claim = self.claims.get(slot);
            if claim.is_some_and(|c| c.expires_at <= self.now) {
                self.drop_claim(slot);
                self.expired += 1;
            }
        }
        self.note_next_ending();
    }

    fn note_next_ending(&mut self) {
        let first = self.endings.peek();
        self.next_ending = first.map_or(EpochMillis::DISTANT_FUTURE, |&Reverse((end, _))| end);
    }

    /// Soft claims that ran out here so far.
    pub(super) fn expired(&self) -> u64 {
        self.expired
    }

    /// Live claims.
    pub(super) fn claim_count(&self) -> usize {
        self.claims.len()
    }

    /// A live claim.
    pub(super) fn claim(&self, slot: u32) -> Option<&Held> {
        self.claims.get(slot)
    }

    /// Touches a claim and says nothing of use; see `Locked::warm`.
    pub(super) fn peek(&self, slot: u32) -> bool {
        self.claims.get(slot).is_some()
    }

    /// Touches the slot of the next claim.
    pub(super) fn peek_free(&self) -> bool {
        self.claims.peek_free()
    }

    /// Live claims of all rows.
    pub(super) fn claims(&self) -> impl Iterator<Item = &Held> {
        self.claims.iter().map(|(_, claim)| claim)
    }

    fn claims_at(&self, row: u32, location: LocationId) -> impl Iterator<Item = &Held> {
        let here = move |c: &&Held| c.row == row && c.location == location;
        self.claims().filter(here)
    }

    /// Positions of a row, by ascending location; empty for a SKU that never had stock.
    pub(super) fn row(&self, row: u32) -> &[Position] {
        match self.rows.get(row as usize) {
            Some(r) => &self.positions[r.start as usize..r.start as usize + usize::from(r.len)],
            None => &[],
        }
    }

    /// Where the position is among those of its row, or where it would be.
    fn find(&self, row: u32, location: LocationId) -> Result<usize, usize> {
        let positions = self.row(row);
        // A SKU stocked everywhere has location i at place i.
        let guess = location.index();
        if positions
            .get(guess)
            .is_some_and(|p| p.location == location.0)
        {
            return Ok(guess);
        }
        positions.binary_search_by_key(&location.0, |p| p.location)
    }

    /// Where the position lies, if the SKU ever had one there.
    pub(super) fn place(&self, row: u32, location: LocationId) -> Option<Place> {
        let found = self.find(row, location).ok()?;
        Some(Place(self.rows[row as usize].start as usize + found))
    }

    /// Where the positions of a row lie, by ascending location.
    pub(super) fn places(&self, row: u32) -> impl Iterator<Item = Place> {
        let range = self.rows.get(row as usize).map_or(0..0, |r| {
            r.start as usize..r.start as usize + usize::from(r.len)
        });
        range.map(Place)
    }

    /// The position at a place.
    pub(super) fn at(&self, place: Place) -> &Position {
        &self.positions[place.0]
    }

    /// The position, if the SKU ever had one there.
    pub(super) fn position(&self, row: u32, location: LocationId) -> Option<&Position> {
        self.place(row, location).map(|place| self.at(place))
    }

    /// The position, made if need be.
    pub(super) fn position_mut(&mut self, row: u32, location: LocationId) -> &mut Position {
        let place = self.make_place(row, location);
        &mut self.positions[place.0]
    }

    /// Where the position lies, made if need be.
    fn make_place(&mut self, row: u32, location: LocationId) -> Place {
        self.ensure_row(row);
        let place = match self.find(row, location) {
            Ok(place) => place,
            Err(place) => {
                self.insert_position(row, place, location);
                place
            }
        };
        Place(self.rows[row as usize].start as usize + place)
    }

    #[cold]
    fn insert_position(&mut self, row: u32, place: usize, location: LocationId) {
        let Row { len, room, .. } = self.rows[row as usize];
        if len == room {
            self.move_row(row, (room + room / 2).max(room + 2));
        }
        let r = &mut self.rows[row as usize];
        let start = r.start as usize;
        r.len += 1;
        self.positions
            .copy_within(start + place..start + usize::from(len), start + place + 1);
        self.positions[start + place] = Position::at(location);
    }

    /// ATP of a position at `at`, before it is cut at 0.
    pub(super) fn atp(&self, row: u32, position: &Position, at: EpochMillis) -> i64 {
        if !position.is_timed() {
            return position.free();
        }
        self.timeline(row, position.location())
            .atp(position.supply(), at)
    }

    /// The timeline of a timed position.
    pub(super) fn timeline(&self, row: u32, location: LocationId) -> &Timeline {
        self.timelines
            .get(&(row, location))
            .expect("a timed position has a timeline")
    }

    /// ATP of a SKU over all its locations at `at`.
    pub(super) fn atp_total(&self, row: u32, at: EpochMillis) -> i64 {
        self.row(row)
            .iter()
            .map(|p| self.atp(row, p, at).max(0))
            .sum()
    }

    /// The SKU's allocations, when it has any.
    pub(super) fn allocations(&self, row: u32) -> Option<&Allocations> {
        if !self.rows.get(row as usize)?.allocated {
            return None;
        }
        self.allocations.get(&row)
    }

    /// What `channel` may promise of the SKU at `at`, where allocations limit it.
    pub(super) fn channel_limit(
        &self,
        row: u32,
        channel: ChannelId,
        at: EpochMillis,
    ) -> Option<i64> {
        let allocations = self.allocations(row)?;
        Some(allocations.limit(channel, self.atp_total(row, at)))
    }

    /// Sets a channel's share of the SKU.
    pub(super) fn set_allocation(
        &mut self,
        row: u32,
        channel: ChannelId,
        protected: Qty,
        cap: Option<Qty>,
    ) {
        self.ensure_row(row);
        let used = self
            .claims()
            .filter(|c| c.row == row && c.channel == channel)
            .map(|c| u64::from(c.qty))
            .sum();
        self.allocations
            .entry(row)
            .or_default()
            .set(channel, protected, cap, used);
        self.rows[row as usize].allocated = true;
    }

    /// Adds a claim without asking whether it may be granted. Returns its slot.
    pub(super) fn add_claim(&mut self, claim: Held) -> u32 {
        let place = self.make_place(claim.row, claim.location);
        self.add_claim_at(place, claim)
    }

    /// Grants a claim where nothing but the counts of its position decides: no supply on its
    /// way, no allocations. Nearly all are such; any other, or one that cannot be met, is handed
    /// back for a closer look.
    #[inline]
    pub(super) fn claim_plainly(&mut self, claim: Held) -> Result<u32, Held> {
        let Some(position) = self.plain_position(claim.row, claim.location) else {
            return Err(claim);
        };
        if position.free() < i64::from(claim.qty) {
            return Err(claim);
        }
        position.reserved += claim.qty;
        Ok(self.keep_claim(claim))
    }

    /// The position, if nothing but its counts decides and it is where it is looked for first.
    #[inline]
    fn plain_position(&mut self, row: u32, location: LocationId) -> Option<&mut Position> {
        let row = self.rows.get(row as usize).filter(|r| !r.allocated)?;
        let start = row.start as usize;
        let positions = &mut self.positions[start..start + usize::from(row.len)];
        let position = positions.get_mut(location.index())?;
        (position.location == location.0 && position.flags == 0).then_some(position)
    }

    #[inline]
    fn keep_claim(&mut self, claim: Held) -> u32 {
        let expires_at = claim.expires_at;
        let slot = self.claims.insert(claim);
        if expires_at < EpochMillis::DISTANT_FUTURE {
            self.note_ending(expires_at, slot);
        }
        slot
    }

    /// The same for a claim on the position at `place`.
    pub(super) fn add_claim_at(&mut self, place: Place, claim: Held) -> u32 {
        let position = &mut self.positions[place.0];
        debug_assert_eq!(position.location(), claim.location);
        let sum = position.reserved.checked_add(claim.qty);
        position.reserved = sum.expect("granting checks that the sum fits");
        if position.is_timed() {
            let timeline = self.timelines.get_mut(&(claim.row, claim.location));
            timeline
                .expect("a timed position has a timeline")
                .add_demand(claim.need_at, claim.qty);
        }
        if self.rows[claim.row as usize].allocated {
            let shares = self.allocations.entry(claim.row).or_default();
            shares.promised(claim.channel, claim.qty);
        }
        self.keep_claim(claim)
    }

    /// Remembers to look at a claim when its time is up. Once most entries are of claims that are
    /// gone or end at another time, the heap is made anew: however often carts are emptied or
    /// extended, it stays in proportion to the claims.
    fn note_ending(&mut self, expires_at: EpochMillis, slot: u32) {
        self.endings.push(Reverse((expires_at, slot)));
        if self.endings.len() > 64 + 2 * self.claims.len() {
            let soft = self.claims.iter().filter_map(|(slot, claim)| {
                let end = claim.expires_at;
                (end < EpochMillis::DISTANT_FUTURE).then_some(Reverse((end, slot)))
            });
            self.endings = soft.collect();
        }
        self.note_next_ending();
    }

    /// Takes a claim away; its units are free again.
    pub(super) fn drop_claim(&mut self, slot: u32) -> Held {
        let claim = self.claims.remove(slot);
        let claim = claim.expect("whoever holds the reservation knows its live claims");
        if let Some(position) = self.plain_position(claim.row, claim.location) {
            let left = position.reserved.checked_sub(claim.qty);
            position.reserved = left.expect("reserved is the sum of the claims");
            return claim;
        }
        let position = self.position_mut(claim.row, claim.location);
        let left = position.reserved.checked_sub(claim.qty);
        position.reserved = left.expect("reserved is the sum of the claims");
        if position.is_timed() {
            let timeline = self.timelines.get_mut(&(claim.row, claim.location));
            let timeline = timeline.expect("a timed position has a timeline");
            timeline.remove_demand(claim.need_at, claim.qty);
        }
        if self.rows[claim.row as usize].allocated {
            let shares = self.allocations.entry(claim.row).or_default();
            shares.given_back(claim.channel, claim.qty);
        }
        claim
    }

    /// Units that were claimed by a channel have left: they stay used of its allocation, which their
    /// claim gave back when it ended.
    pub(super) fn sold(&mut self, row: u32, channel: ChannelId, units: u32) {
        if let Some(shares) = self.allocations.get_mut(&row) {
            shares.promised(channel, units);
        }
    }

    /// Lets a live claim end at another time.
    pub(super) fn move_ending(&mut self, slot: u32, expires_at: EpochMillis) {
        if let Some(claim) = self.claims.get_mut(slot) {
            claim.expires_at = expires_at;
            if expires_at < EpochMillis::DISTANT_FUTURE {
                self.note_ending(expires_at, slot);
            }
        }
    }

    /// Units held at a position, by reason.
    pub(super) fn held_by_reason(&self, row: u32, location: LocationId) -> [u32; 5] {
        self.held.get(&(row, location)).copied().unwrap_or_default()
    }

    /// Holds more units (or fewer, when negative). The caller has checked that the result is
    /// neither negative nor too large.
    pub(super) fn change_held(
        &mut self,
        row: u32,
        location: LocationId,
        reason: HoldReason,
        change: i64,
    ) {
        let by_reason = self.held.entry((row, location)).or_default();
        let units = &mut by_reason[reason as usize];
        *units = shifted(*units, change);
        if by_reason.iter().all(|&u| u == 0) {
            self.held.remove(&(row, location));
        }
        let position = self.position_mut(row, location);
        position.held = shifted(position.held, change);
    }

    /// When units were last reported to have moved at a position.
    pub(super) fn moved_at(&self, row: u32, location: LocationId) -> Option<EpochMillis> {
        self.moved_at.get(&(row, location)).copied()
    }

    /// Remembers that units moved at `at`.
    pub(super) fn moved(&mut self, row: u32, location: LocationId, at: EpochMillis) {
        let last = self.moved_at.entry((row, location)).or_insert(at);
        *last = at.max(*last);
    }

    /// Units of a position that `owners` claim.
    pub(super) fn claimed_by(&self, row: u32, location: LocationId, owners: &[OwnerFact]) -> u64 {
        if owners.is_empty() {
            return 0;
        }
        let here = self.claims_at(row, location);
        here.filter(|c| owners.contains(&c.owner.id))
            .map(|c| u64::from(c.qty))
            .sum()
    }

    /// What is on its way to a position.
    pub(super) fn on_the_way(&self, row: u32, location: LocationId) -> &[OnTheWay] {
        self.on_the_way
            .get(&(row, location))
            .map_or(&[], Vec::as_slice)
    }

    /// Replaces what is on its way to a position and everything computed from it.
    pub(super) fn set_on_the_way(&mut self, row: u32, location: LocationId, coming: Vec<OnTheWay>) {
        let counted = coming.iter().filter(|c| c.promisable && c.units > 0);
        let mut timeline = Timeline::new(counted.map(|c| (c.arrives_at, c.units)));
        let timed = coming.iter().any(|c| c.promisable && c.units > 0);
        if timed {
            for claim in self.claims_at(row, location) {
                timeline.add_demand(claim.need_at, claim.qty);
            }
            self.timelines.insert((row, location), timeline);
        } else {
            self.timelines.remove(&(row, location));
        }
        let position = self.position_mut(row, location);
        position.flags = if timed { Position::TIMED } else { 0 };
        if coming.is_empty() {
            self.on_the_way.remove(&(row, location));
        } else {
            self.on_the_way.insert((row, location), coming);
        }
    }

    /// The promises at a position that its supply does not cover at some moment from now on, by
    /// owner: lowest priority first, of equal priorities the newest first, of one owner what is
    /// needed last, until the rest is covered.
    pub(super) fn broken(&self, sku: SkuId, row: u32, location: LocationId) -> Vec<Broken> {
        let Some(position) = self.position(row, location) else {
            return Vec::new();
        };
        if self.atp(row, position, self.now) >= 0 {
            return Vec::new();
        }
        let mut here: SmallVec<[&Held; 8]> = self.claims_at(row, location).collect();
        here.sort_by_key(|c| (c.owner.priority, Reverse((c.owner.sequence, c.need_at))));
        let untimed;
        let timeline = if position.is_timed() {
            self.timeline(row, location)
        } else {
            let mut all_at_once = Timeline::new(std::iter::empty());
            all_at_once.add_demand(self.now, position.reserved);
            untimed = all_at_once;
            &untimed
        };
        let mut shortfalls = timeline.shortfalls(position.supply(), self.now);
        let mut broken: Vec<Broken> = Vec::new();
        for claim in here {
            let qty = Qty(shortfalls.pick(claim.need_at, claim.qty));
            match broken.last_mut().filter(|b| b.owner.id == claim.owner.id) {
                Some(same) => same.qty += qty,
                None if qty.is_zero() => {}
                None => broken.push(Broken {
                    owner: claim.owner.clone(),
                    sku,
                    location,
                    qty,
                }),
            }
        }
        broken
    }

    /// Holds what is left at a position whose count is in doubt, that is there and nobody was promised.
    /// Returns how many units that are.
    pub(super) fn hold_free(&mut self, row: u32, location: LocationId) -> Qty {
        let free = self.position(row, location).map_or(0, |p| {
            // Supply that is late cannot be held, and a promise on it needs what is there.
            self.atp(row, p, self.now).min(p.supply())
        });
        let qty = super::position::promisable(free);
        if !qty.is_zero() {
            self.change_held(row, location, HoldReason::CountFreeze, i64::from(qty.0));
        }
        qty
    }

    /// Numbers of all rows.
    pub(super) fn row_numbers(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.rows.len()).expect("a shard holds < 2^32 rows")
    }

    /// Bytes this shard occupies, side tables left out.
    pub(super) fn memory_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
            + self.positions.capacity() * size_of::<Position>()
            + self.claims.memory_bytes()
            + self.endings.capacity() * size_of::<Reverse<(EpochMillis, u32)>>()
    }
}

fn shifted(units: u32, change: i64) -> u32 {
    u32::try_from(i64::from(units) + change).expect("the caller has checked the result")
}
