//! Supply on its way: in-transit transfers and inbound purchases.

use super::locked::row_of;
use super::reservation::Broken;
use super::shard::{OnTheWay, Shard};
use super::stock::{StockError, set_on_hand};
use super::{FactLog, Ledger, Moved};
use crate::model::{
    EpochMillis, Fact, IncomingFact, IncomingKind, LocationId, Millis, PromiseFrom, PromiseRules,
    Qty, SkuId,
};
use bincode::{Decode, Encode};
use dashmap::Entry;
use std::sync::Arc;

/// Supply under its own id, kept after it has arrived so that a late repeat is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Supply {
    /// As it was announced; `arrives_at` is the latest expectation.
    pub announced: IncomingFact,
    /// When it was first expected.
    pub first_expected: EpochMillis,
    /// Units still on their way.
    pub left: Qty,
    /// Whether more will come of it, and if not, why.
    pub state: SupplyState,
}

impl Supply {
    fn must_be_open(&self) -> Result<(), SupplyError> {
        match self.state {
            SupplyState::Open => Ok(()),
            over => Err(SupplyError::Closed(over)),
        }
    }
}

/// Where supply stands. Every state but the first is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum SupplyState {
    /// Units are on their way.
    Open,
    /// It arrived, all of it or as much as there was.
    Received,
    /// It was cancelled; units that had not arrived are gone.
    Cancelled,
    /// It was cancelled; units that had not arrived are back on hand at the origin.
    Returned,
}

impl SupplyState {
    /// The name in errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Received => "received",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
        }
    }
}

/// Why a report about supply was not taken. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SupplyError {
    /// No supply of this id and kind.
    #[error("no such supply")]
    Unknown,
    /// The id stands for something else.
    #[error("the id exists already with other content")]
    Differs(Box<Supply>),
    /// Nothing is on its way any more.
    #[error("it is {} already", .0.name())]
    Closed(SupplyState),
    /// A transfer must go somewhere else.
    #[error("a transfer needs two different locations")]
    SameLocation,
    /// The origin does not have that many units free.
    #[error(
        "asked {asked}, but only {free} units at the origin are neither promised nor kept back"
    )]
    NotFree {
        /// Units to send.
        asked: Qty,
        /// Units that may leave.
        free: Qty,
    },
    /// The receiving position cannot take the units.
    #[error(transparent)]
    Stock(#[from] StockError),
}

impl Ledger {
    /// Announces supply: a purchase from outside, or a transfer that has already left its origin's
    /// books. The same announcement again changes nothing and answers `false`.
    ///
    /// # Errors
    /// [`SupplyError::Differs`] when the id stands for something else.
    pub fn expect_supply(
        &self,
        announced: &IncomingFact,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<bool, SupplyError> {
        let Some(entry) = self.new_supply(announced)? else {
            return Ok(false);
        };
        let mut shard = self.lock_one(announced.sku, now);
        self.add_on_the_way(&mut shard, announced, announced.qty);
        entry.insert(supply_of(announced));
        log.record(shard.now(), || {
            [Fact::IncomingExpected(Box::new(announced.clone()))]
        });
        Ok(true)
    }

    /// Sends units from one location to another: they leave the origin's on-hand now and are on
    /// their way until received. Units that are promised, held or safety stock stay, unless `force`
    /// says that they have physically left; the promises this breaks are returned. The same
    /// dispatch again changes nothing.
    ///
    /// # Errors
    /// [`SupplyError::NotFree`], [`SupplyError::SameLocation`], [`SupplyError::Differs`].
    pub fn dispatch(
        &self,
        announced: &IncomingFact,
        force: bool,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Vec<Broken>, SupplyError> {
        let Some(from) = announced.from.filter(|&from| from != announced.to) else {
            return Err(SupplyError::SameLocation);
        };
        let Some(entry) = self.new_supply(announced)? else {
            return Ok(Vec::new());
        };
        let (sku, row, asked) = (announced.sku, row_of(announced.sku), announced.qty);
        let mut shard = self.lock_one(sku, now);
        let (on_hand, free) = match shard.position(row, from) {
            // ATP may count on supply that is late; only what is there can leave.
            Some(p) => (p.on_hand, shard.atp(row, p, shard.now()).min(p.supply())),
            None => (0, 0),
        };
        let may_leave = if force { i64::from(on_hand) } else { free };
        if i64::from(asked.0) > may_leave {
            let free = super::position::promisable(may_leave);
            return Err(SupplyError::NotFree { asked, free });
        }
        let after = i64::from(on_hand) - i64::from(asked.0);
        let (moved, left) = set_on_hand(&mut shard, sku, from, after, None, "dispatch")?;
        self.add_on_the_way(&mut shard, announced, announced.qty);
        entry.insert(supply_of(announced));
        log.record(shard.now(), || {
            [left(), Fact::IncomingExpected(Box::new(announced.clone()))]
        });
        Ok(moved.broken)
    }

    /// Takes units in at the destination. What was on its way is reduced by as much; with `close`
    /// nothing more is expected, whatever is left. More may arrive than was announced. Returns the
    /// movement and the units that were written off by closing.
    ///
    /// # Errors
    /// [`SupplyError::Unknown`], [`SupplyError::Closed`], [`SupplyError::Stock`].
    pub fn receive(
        &self,
        id: &str,
        kind: IncomingKind,
        qty: Qty,
        close: bool,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<(Moved, Qty), SupplyError> {
        let mut supply = self.open_supply(id, kind)?;
        let (sku, to) = (supply.announced.sku, supply.announced.to);
        let mut shard = self.lock_one(sku, now);
        let before = shard.position(row_of(sku), to).map_or(0, |p| p.on_hand);
        let after = i64::from(before) + i64::from(qty.0);
        let (mut moved, arrived) = set_on_hand(&mut shard, sku, to, after, None, "receive")?;
        let left = supply.left.saturating_sub(qty);
        let closed = close || left.is_zero();
        let written_off = if closed { left } else { Qty::ZERO };
        supply.left = if closed { Qty::ZERO } else { left };
        if closed {
            supply.state = SupplyState::Received;
        }
        let left_now = supply.left;
        self.change_on_the_way(&mut shard, id, sku, to, |c| c.units = left_now.0);
        log.record(shard.now(), || {
            let id = id.into();
            [arrived(), Fact::IncomingReduced { id, qty, closed }]
        });
        moved.broken = shard.broken(sku, row_of(sku), to);
        Ok((moved, written_off))
    }

    /// Expects supply at another time. Returns the promises that no longer hold.
    ///
    /// # Errors
    /// [`SupplyError::Unknown`], [`SupplyError::Closed`].
    pub fn delay(
        &self,
        id: &str,
        kind: IncomingKind,
        arrives_at: EpochMillis,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Vec<Broken>, SupplyError> {
        let mut supply = self.open_supply(id, kind)?;
        let (sku, to) = (supply.announced.sku, supply.announced.to);
        let mut shard = self.lock_one(sku, now);
        supply.announced.arrives_at = arrives_at;
        let buffered = arrives_at + self.buffer();
        self.change_on_the_way(&mut shard, id, sku, to, |c| c.arrives_at = buffered);
        log.record(shard.now(), || {
            let id = id.into();
            [Fact::IncomingDelayed { id, arrives_at }]
        });
        Ok(shard.broken(sku, row_of(sku), to))
    }

    /// Nothing more will come. A transfer's units go back on hand at its origin when
    /// `return_to_origin` says so, else they are lost. Returns the promises that no longer hold.
    /// Cancelling again in the same way changes nothing.
    ///
    /// # Errors
    /// [`SupplyError::Closed`] when it was received, or cancelled in the other way: its units are
    /// where they are. [`SupplyError::Unknown`], [`SupplyError::Stock`].
    pub fn cancel_supply(
        &self,
        id: &str,
        kind: IncomingKind,
        return_to_origin: bool,
        now: EpochMillis,
        log: &impl FactLog,
    ) -> Result<Vec<Broken>, SupplyError> {
        let mut supply = self.known_supply(id, kind)?;
        let origin = supply.announced.from.filter(|_| return_to_origin);
        let end = match origin {
            Some(_) => SupplyState::Returned,
            None => SupplyState::Cancelled,
        };
        if supply.state == end {
            log.record(now, || []);
            return Ok(Vec::new());
        }
        supply.must_be_open()?;
        let (sku, to, qty) = (supply.announced.sku, supply.announced.to, supply.left);
        let mut shard = self.lock_one(sku, now);
        let back = match origin {
            None => None,
            Some(from) => {
                let on_hand = shard.position(row_of(sku), from).map_or(0, |p| p.on_hand);
                let after = i64::from(on_hand) + i64::from(qty.0);
                let why = "return-to-origin";
                Some(set_on_hand(&mut shard, sku, from, after, None, why)?.1)
            }
        };
        (supply.left, supply.state) = (Qty::ZERO, end);
        self.change_on_the_way(&mut shard, id, sku, to, |c| c.units = 0);
        let cancelled = || Fact::IncomingCancelled {
            id: id.into(),
            qty,
            returned: origin.is_some(),
        };
        match back {
            Some(back) => log.record(shard.now(), || [back(), cancelled()]),
            None => log.record(shard.now(), || [cancelled()]),
        }
        Ok(shard.broken(sku, row_of(sku), to))
    }

    /// Supply by its id.
    #[must_use]
    pub fn supply(&self, id: &str) -> Option<Supply> {
        self.supplies.get(id).map(|s| s.clone())
    }

    /// Promises from supply on its way by other rules from now on; what is on its way already is
    /// looked at anew. Nobody else may be at work meanwhile.
    pub fn set_rules(&self, rules: &PromiseRules, now: EpochMillis) {
        self.rules.store(Arc::new(rules.clone()));
        let buffer = self.buffer();
        for supply in &self.supplies {
            let IncomingFact {
                id,
                sku,
                to,
                kind,
                arrives_at,
                ..
            } = &supply.announced;
            if supply.state != SupplyState::Open {
                continue;
            }
            let promisable = promises(rules, *sku, *to, *kind);
            let mut shard = self.lock_one(*sku, now);
            self.change_on_the_way(&mut shard, id, *sku, *to, |c| {
                (c.promisable, c.arrives_at) = (promisable, *arrives_at + buffer);
            });
        }
    }

    fn buffer(&self) -> Millis {
        Millis::from_hours(self.rules.load().buffer_hours)
    }

    /// A vacant place for supply; `None` when the same is there already.
    fn new_supply(
        &self,
        announced: &IncomingFact,
    ) -> Result<Option<dashmap::VacantEntry<'_, Box<str>, Supply>>, SupplyError> {
        match self.supplies.entry(announced.id.clone()) {
            Entry::Vacant(place) => {
                let id = || announced.id.clone();
                self.supplies_before.save(id, || None);
                Ok(Some(place))
            }
            Entry::Occupied(known) => {
                let known = known.get();
                let first = IncomingFact {
                    arrives_at: known.first_expected,
                    ..known.announced.clone()
                };
                if first == *announced {
                    return Ok(None);
                }
                Err(SupplyError::Differs(Box::new(known.clone())))
            }
        }
    }

    fn open_supply(
        &self,
        id: &str,
        kind: IncomingKind,
    ) -> Result<dashmap::mapref::one::RefMut<'_, Box<str>, Supply>, SupplyError> {
        let supply = self.known_supply(id, kind)?;
        supply.must_be_open()?;
        Ok(supply)
    }

    fn known_supply(
        &self,
        id: &str,
        kind: IncomingKind,
    ) -> Result<dashmap::mapref::one::RefMut<'_, Box<str>, Supply>, SupplyError> {
        let supply = self.supplies.get_mut(id).ok_or(SupplyError::Unknown)?;
        match supply.announced.kind == kind {
            true => {
                let was = || Some(supply.clone());
                self.supplies_before.save(|| id.into(), was);
                Ok(supply)
            }
            false => Err(SupplyError::Unknown),
        }
    }

    /// Adds what is `left` of a supply to what its destination expects.
    pub(super) fn add_on_the_way(&self, shard: &mut Shard, announced: &IncomingFact, left: Qty) {
        let IncomingFact {
            id,
            kind,
            sku,
            to,
            arrives_at,
            ..
        } = announced;
        let promisable = promises(&self.rules.load(), *sku, *to, *kind);
        let mut coming = shard.on_the_way(row_of(*sku), *to).to_vec();
        coming.push(OnTheWay {
            id: Arc::from(&**id),
            arrives_at: *arrives_at + self.buffer(),
            units: left.0,
            promisable,
        });
        shard.set_on_the_way(row_of(*sku), *to, coming);
    }

    pub(super) fn change_on_the_way(
        &self,
        shard: &mut Shard,
        id: &str,
        sku: SkuId,
        to: LocationId,
        change: impl FnOnce(&mut OnTheWay),
    ) {
        let mut coming = shard.on_the_way(row_of(sku), to).to_vec();
        if let Some(this) = coming.iter_mut().find(|c| &*c.id == id) {
            change(this);
        }
        coming.retain(|c| c.units > 0);
        shard.set_on_the_way(row_of(sku), to, coming);
    }
}

fn supply_of(announced: &IncomingFact) -> Supply {
    Supply {
        announced: announced.clone(),
        first_expected: announced.arrives_at,
        left: announced.qty,
        state: SupplyState::Open,
    }
}

/// Whether policy lets a position promise against supply of this kind.
fn promises(rules: &PromiseRules, sku: SkuId, location: LocationId, kind: IncomingKind) -> bool {
    let of_sku = rules.skus.iter().find(|(s, _)| *s == sku).map(|(_, p)| *p);
    let of_location = rules
        .locations
        .iter()
        .find(|(l, _)| *l == location)
        .map(|(_, p)| *p);
    match of_sku.or(of_location).unwrap_or(rules.default) {
        PromiseFrom::Off => false,
        PromiseFrom::Transfers => kind == IncomingKind::Transfer,
        PromiseFrom::All => true,
    }
}
