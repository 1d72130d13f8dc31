//! What is physically there: counts, adjustments, safety stock and holds.
//!
//! A report of what is physically so is never refused because of what was promised; the promises
//! that no longer hold are named instead.

use super::allocation::Allocation;
use super::locked::row_of;
use super::position::Position;
use super::reservation::Broken;
use super::shard::Shard;
use super::{FactLog, Ledger};
use crate::model::{EpochMillis, Fact, HoldReason, LocationId, OwnerFact, Qty, SkuId, StockRow};
use bincode::{Decode, Encode};
use dashmap::Entry;

/// A movement of units on hand and what it broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Units on hand before.
    pub before: Qty,
    /// Units on hand after.
    pub after: Qty,
    /// Promises at this position that supply does not cover now.
    pub broken: Vec<Broken>,
}

/// Why a report of stock was not taken. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StockError {
    /// Fewer than no units, or more than a quantity may be.
    #[error("on hand would be {0}; expected 0 to 2000000000")]
    OutOfRange(i64),
    /// A count is older than what was reported since.
    #[error("the count is as of {as_of}, but units moved at {moved_at}; count again")]
    Stale {
        /// When it was counted.
        as_of: EpochMillis,
        /// When units last moved there.
        moved_at: EpochMillis,
    },
}

/// Units that may not be promised, under their own id.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hold {
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// Units when it was placed.
    pub placed: Qty,
    /// Units still held.
    pub qty: Qty,
    /// Why.
    pub reason: HoldReason,
}

/// Why a hold was not placed or released. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// More than is there and not yet held.
    #[error("asked {asked}, but only {free} units on hand are not held")]
    NotOnHand {
        /// Units to hold.
        asked: Qty,
        /// Units on hand that are not held.
        free: Qty,
    },
    /// The id stands for another hold.
    #[error("the hold exists already with other content")]
    Differs(Box<Hold>),
    /// No hold of this id.
    #[error("no such hold")]
    Unknown,
    /// More than the hold holds.
    #[error("asked {asked}, but the hold has {held} units")]
    TooMany {
        /// Units to release.
        asked: Qty,
        /// Units it holds.
        held: Qty,
    },
}

/// Everything that is known of one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionReport {
    /// Its counts.
    pub position: Position,
    /// Held units by reason.
    pub held: Vec<(HoldReason, Qty)>,
    /// Units on their way to it, whether or not they may be promised.
    pub incoming: u64,
    /// ATP now.
    pub atp: u64,
}

impl Ledger {
    /// Makes a position as its opening row says, unless it is there already.
    pub(super) fn open_position(
        &self,
        row: &StockRow,
        number: usize,
        now: EpochMillis,
        log: &impl FactLog,
    ) {
        let StockRow {
            sku,
            location,
            on_hand,
            safety_stock,
            held,
        } = *row;
        let mut shard = self.lock_one(sku, now);
        if shard.position(row_of(sku), location).is_some() {
            return;
        }
        let position = shard.position_mut(row_of(sku), location);
        (position.on_hand, position.safety) = (on_hand.0, safety_stock.0);
        let opened = || Fact::PositionOpened {
            sku,
            location,
            on_hand,
            safety: safety_stock,
        };
        let Some((qty, reason)) = held.filter(|(qty, _)| !qty.is_zero()) else {
            log.record(shard.now(), || [opened()]);
            return;
        };
        // The loader has checked that no more is held than is there. Nobody else is at work yet,
        // so the hold's own lock may come after the shard's.
        let id: Box<str> = format!("opening/{number}").into();
        shard.change_held(row_of(sku), location, reason, i64::from(qty.0));
        log.record(shard.now(), || {
            let hold = id.clone();
            let held = Fact::HoldPlaced {
                hold,
                sku,
                location,
                qty,
                reason,
            };
            [opened(), held]
        });
        let hold = Hold {
            sku,
            location,
            placed: qty,
            qty,
            reason,
        };
        self.holds.insert(id, hold);
    }

    /// Takes a count: `counted` units are there as of `as_of` (now when `None`). `deducted` names
    /// the owners whose units the counter has already subtracted although they have not left yet:
    /// their claims here are added back, so that they are not deducted twice.
    ///
    /// # Errors
    /// [`StockError::Stale`] when units moved after `as_of`; [`StockError::OutOfRange`].
    #[allow(clippy::too_many_arguments)] // a count has this many parts
    pub fn count(
        &self,
        sku: SkuId,
        location: LocationId,
        counted: Qty,
        as_of: Option<EpochMillis>,
        deducted: &[OwnerFact],
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Moved, StockError> {
        let mut shard = self.lock_one(sku, now);
        let moved_at = shard.moved_at(row_of(sku), location);
        if let (Some(as_of), Some(moved_at)) = (as_of, moved_at)
            && as_of < moved_at
        {
            return Err(StockError::Stale { as_of, moved_at });
        }
        let added_back = shard.claimed_by(row_of(sku), location, deducted);
        let after = i64::from(counted.0).saturating_add_unsigned(added_back);
        let (moved, fact) = set_on_hand(&mut shard, sku, location, after, as_of, "count")?;
        log.record(shard.now(), || [fact()]);
        Ok(moved)
    }

    /// Adds units, or takes away when negative.
    ///
    /// # Errors
    /// [`StockError::OutOfRange`] when fewer than none would be left, or too many.
    pub fn adjust(
        &self,
        sku: SkuId,
        location: LocationId,
        change: i64,
        reason: &str,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Moved, StockError> {
        let mut shard = self.lock_one(sku, now);
        let before = shard
            .position(row_of(sku), location)
            .map_or(0, |p| p.on_hand);
        let after = i64::from(before).saturating_add(change);
        let (moved, fact) = set_on_hand(&mut shard, sku, location, after, None, reason)?;
        log.record(shard.now(), || [fact()]);
        Ok(moved)
    }

    /// Keeps `qty` units at a position back from promising; returns the promises this breaks.
    pub fn set_safety_stock(
        &self,
        sku: SkuId,
        location: LocationId,
        qty: Qty,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Vec<Broken> {
        let mut shard = self.lock_one(sku, now);
        shard.position_mut(row_of(sku), location).safety = qty.0;
        log.record(shard.now(), || {
            [Fact::SafetyStockSet { sku, location, qty }]
        });
        shard.broken(sku, row_of(sku), location)
    }

    /// Holds units under a new id; the same hold again changes nothing. Returns the promises that
    /// supply does not cover now.
    ///
    /// # Errors
    /// [`HoldError::NotOnHand`], or [`HoldError::Differs`] when the id stands for something else.
    #[allow(clippy::too_many_arguments)] // a hold has this many parts
    pub fn place_hold(
        &self,
        id: &str,
        sku: SkuId,
        location: LocationId,
        qty: Qty,
        reason: HoldReason,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Vec<Broken>, HoldError> {
        let held = Hold {
            sku,
            location,
            placed: qty,
            qty,
            reason,
        };
        self.hold_if(id, held, |free| qty <= free, now, log)
    }

    /// The same, when it may be placed: `may` is asked with the units that are on hand and not held.
    pub(super) fn hold_if(
        &self,
        id: &str,
        hold: Hold,
        may: impl FnOnce(Qty) -> bool,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Vec<Broken>, HoldError> {
        let Hold {
            sku,
            location,
            placed: qty,
            reason,
            ..
        } = hold;
        let entry = self.holds.entry(id.into());
        let mut shard = self.lock_one(sku, now);
        if let Entry::Occupied(known) = &entry {
            let hold = known.get();
            let same =
                (hold.sku, hold.location, hold.placed, hold.reason) == (sku, location, qty, reason);
            return match same {
                true => Ok(shard.broken(sku, row_of(sku), location)),
                false => Err(HoldError::Differs(Box::new(hold.clone()))),
            };
        }
        let row = row_of(sku);
        let position = shard.position(row, location);
        let free = Qty(position.map_or(0, |p| p.on_hand.saturating_sub(p.held)));
        if !may(free) {
            return Err(HoldError::NotOnHand { asked: qty, free });
        }
        shard.change_held(row, location, reason, i64::from(qty.0));
        self.holds_before.save(|| id.into(), || None);
        entry.insert(hold);
        log.record(shard.now(), || {
            [Fact::HoldPlaced {
                hold: id.into(),
                sku,
                location,
                qty,
                reason,
            }]
        });
        Ok(shard.broken(sku, row, location))
    }

    /// Releases `qty` units of a hold, or all that it still holds. Returns how many were released.
    ///
    /// # Errors
    /// [`HoldError::Unknown`] and [`HoldError::TooMany`].
    pub fn release_hold(
        &self,
        id: &str,
        qty: Option<Qty>,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Qty, HoldError> {
        let mut hold = self.holds.get_mut(id).ok_or(HoldError::Unknown)?;
        let asked = qty.unwrap_or(hold.qty);
        if asked > hold.qty {
            return Err(HoldError::TooMany {
                asked,
                held: hold.qty,
            });
        }
        self.holds_before.save(|| id.into(), || Some(hold.clone()));
        let mut shard = self.lock_one(hold.sku, now);
        shard.change_held(
            row_of(hold.sku),
            hold.location,
            hold.reason,
            -i64::from(asked.0),
        );
        hold.qty -= asked;
        log.record(shard.now(), || {
            [Fact::HoldReleased {
                hold: id.into(),
                qty: asked,
            }]
        });
        Ok(asked)
    }

    /// A hold by its id.
    #[must_use]
    pub fn hold(&self, id: &str) -> Option<Hold> {
        self.holds.get(id).map(|h| h.clone())
    }

    /// What is known of one position; `None` when the SKU never had stock there.
    #[must_use]
    pub fn position(
        &self,
        sku: SkuId,
        location: LocationId,
        now: EpochMillis,
    ) -> Option<PositionReport> {
        let shard = self.lock_one(sku, now);
        shard
            .position(row_of(sku), location)
            .map(|p| report(&shard, row_of(sku), p))
    }

    /// What is known of all positions of a SKU, by ascending location.
    #[must_use]
    pub fn positions(&self, sku: SkuId, now: EpochMillis) -> Vec<PositionReport> {
        let shard = self.lock_one(sku, now);
        let row = row_of(sku);
        shard
            .row(row)
            .iter()
            .map(|p| report(&shard, row, p))
            .collect()
    }

    /// The allocations of a SKU; see [`Ledger::set_allocation`].
    #[must_use]
    pub fn allocation(&self, sku: SkuId, channel: crate::model::ChannelId) -> Option<Allocation> {
        self.allocations(sku)
            .into_iter()
            .find(|a| a.channel == channel)
    }
}

fn report(shard: &Shard, row: u32, position: &Position) -> PositionReport {
    let by_reason = shard.held_by_reason(row, position.location());
    let reasons = HoldReason::ALL.iter().zip(by_reason);
    let coming = shard.on_the_way(row, position.location());
    PositionReport {
        position: *position,
        held: reasons
            .filter(|(_, u)| *u > 0)
            .map(|(&(_, r), u)| (r, Qty(u)))
            .collect(),
        incoming: coming.iter().map(|c| u64::from(c.units)).sum(),
        atp: u64::try_from(shard.atp(row, position, shard.now())).unwrap_or(0),
    }
}

/// Sets units on hand as of a moment, now when `None`, and says what that broke.
pub(super) fn set_on_hand<'r>(
    shard: &mut Shard,
    sku: SkuId,
    location: LocationId,
    after: i64,
    as_of: Option<EpochMillis>,
    reason: &'r str,
) -> Result<(Moved, impl FnOnce() -> Fact + use<'r>), StockError> {
    let range = 0..=i64::from(Qty::MAX.0);
    let after = match u32::try_from(after) {
        Ok(units) if range.contains(&after) => Qty(units),
        _ => return Err(StockError::OutOfRange(after)),
    };
    let row = row_of(sku);
    let position = shard.position_mut(row, location);
    let before = Qty(position.on_hand);
    position.on_hand = after.0;
    let as_of = as_of.unwrap_or(shard.now());
    shard.moved(row, location, as_of);
    let moved = Moved {
        before,
        after,
        broken: shard.broken(sku, row, location),
    };
    let fact = move || Fact::OnHandMoved {
        sku,
        location,
        before,
        after,
        as_of,
        reason: reason.into(),
    };
    Ok((moved, fact))
}
