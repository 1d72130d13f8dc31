//! One SKU at one location, in twenty bytes.
//!
//! Plain old data with a fixed layout, so that a column of positions can be written to a file and
//! used from there as it is.

use crate::model::{LocationId, Qty};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Counts of one position. Supply that may be promised now is on-hand − held − safety stock; it
/// may be negative after a count, never because of a promise.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Position {
    /// Units physically there.
    pub on_hand: u32,
    /// Units that may not be promised.
    pub held: u32,
    /// Units kept back by policy.
    pub safety: u32,
    /// Units promised, by any need time.
    pub reserved: u32,
    /// Which location, as a [`LocationId`].
    pub location: u16,
    /// [`Position::TIMED`] or nothing.
    pub flags: u16,
}

const _: () = assert!(size_of::<Position>() == 20);

impl Position {
    /// Some incoming supply may be promised here: ATP depends on time, see the shard's timeline.
    pub const TIMED: u16 = 1;

    /// An empty position at `location`.
    #[must_use]
    pub fn at(location: LocationId) -> Self {
        Self {
            location: location.0,
            ..Self::default()
        }
    }

    /// Which location.
    #[must_use]
    pub const fn location(&self) -> LocationId {
        LocationId(self.location)
    }

    /// Whether ATP here depends on time.
    #[must_use]
    pub const fn is_timed(&self) -> bool {
        self.flags & Self::TIMED != 0
    }

    /// Supply on hand that may be promised: on-hand − held − safety stock.
    #[must_use]
    pub const fn supply(&self) -> i64 {
        self.on_hand as i64 - self.held as i64 - self.safety as i64
    }

    /// Supply on hand less everything promised. With nothing incoming, ATP is this, or 0.
    #[must_use]
    pub const fn free(&self) -> i64 {
        self.supply() - self.reserved as i64
    }
}

/// A signed amount as promisable units: 0 when negative.
pub(super) fn promisable(amount: i64) -> Qty {
    Qty(u32::try_from(amount.max(0)).unwrap_or(u32::MAX))
}
