//! Who holds what: owners, their wishes, and the claims they were granted.

use crate::model::{ChannelId, EpochMillis, LocationId, OwnerFact, Qty, SkuId};
use smallvec::SmallVec;
use std::sync::Arc;

/// Whose promise it is, and how it ranks when supply is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its identity.
    pub id: OwnerFact,
    /// Higher keeps its promise longer.
    pub priority: i32,
    /// Ascending with creation: of two equal priorities the newer loses first.
    pub sequence: u64,
}

/// Units somebody would like to have promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// The item.
    pub sku: SkuId,
    /// The place; `None` takes them wherever they are, from as few locations as possible.
    pub location: Option<LocationId>,
    /// How many, at least 1.
    pub qty: Qty,
    /// When they must be there.
    pub need_at: EpochMillis,
}

/// Units of one position that were granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// How many.
    pub qty: Qty,
    /// Where the shard keeps it, and with it whose it is and when the units are needed.
    pub(super) slot: u32,
}

/// Claims of one reservation: few orders have more than three lines.
pub(super) type Claims = SmallVec<[Claim; 3]>;

/// Claims of one owner, granted together. Whoever holds this value is the only one who can
/// change or end it, so it cannot be copied; dropped without a release, its units stay promised.
#[derive(Debug)]
#[must_use = "its units stay promised until it is released"]
pub struct Reservation {
    pub(super) owner: Arc<Owner>,
    pub(super) channel: ChannelId,
    pub(super) expires_at: EpochMillis,
    pub(super) claims: Claims,
}

impl Reservation {
    /// Whose.
    #[must_use]
    pub fn owner(&self) -> &Arc<Owner> {
        &self.owner
    }

    /// For which channel.
    #[must_use]
    pub const fn channel(&self) -> ChannelId {
        self.channel
    }

    /// When it ends by itself; `DISTANT_FUTURE` when it is firm.
    #[must_use]
    pub const fn expires_at(&self) -> EpochMillis {
        self.expires_at
    }

    /// Whether it never ends by itself.
    #[must_use]
    pub fn is_firm(&self) -> bool {
        self.expires_at == EpochMillis::DISTANT_FUTURE
    }

    /// Whether it still counts at `now`: it counts for nothing from the millisecond of expiry.
    #[must_use]
    pub fn is_live(&self, now: EpochMillis) -> bool {
        now < self.expires_at
    }

    /// What it holds.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }
}

/// A promise that supply no longer covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Whose promise.
    pub owner: Arc<Owner>,
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// How many of its units are not covered.
    pub qty: Qty,
}

/// Why units were not granted. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not enough may be promised.
    #[error("asked {asked}, available {available}")]
    Insufficient {
        /// The item.
        sku: SkuId,
        /// The place; `None` when any would have done or a channel's limit binds.
        location: Option<LocationId>,
        /// Units asked for here.
        asked: Qty,
        /// Units that may be promised here by the need time.
        available: Qty,
        /// The least time at which the asked amount could be promised, if there is one.
        earliest: Option<EpochMillis>,
    },
    /// The reservation ran out before it could be confirmed, extended or changed.
    #[error("the reservation expired at {0}")]
    Expired(EpochMillis),
    /// A location has no room for it on the day of its hand-over.
    #[error("a location has no room on the day of the hand-over")]
    Full(LocationId),
}
