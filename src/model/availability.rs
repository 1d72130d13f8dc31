//! How much of an item may be promised, as far as it is told: a threshold, and which side of it.

use super::{ChannelId, Qty, SkuId};
use bincode::{Decode, Encode};

/// Where what may be promised stands, seen from a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum AvailabilityLevel {
    /// Nothing.
    Out,
    /// The threshold or less.
    Low,
    /// More than the threshold.
    Plenty,
}

impl AvailabilityLevel {
    /// Of so many units, with this threshold.
    #[must_use]
    pub fn of(atp: u64, low: Qty) -> Self {
        match atp {
            0 => Self::Out,
            units if units <= u64::from(low.0) => Self::Low,
            _ => Self::Plenty,
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Low => "low",
            Self::Plenty => "plenty",
        }
    }
}

/// An item as one channel sees it; `None` is all channels together.
pub type Watched = (SkuId, Option<ChannelId>);

/// What may be promised of an item crossed its threshold, or zero.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AvailabilityFact {
    /// Of what.
    pub watched: Watched,
    /// The threshold.
    pub low: Qty,
    /// Units that may be promised, when it was looked at.
    pub atp: u64,
    /// Where that stood when it was told the last time.
    pub was: AvailabilityLevel,
    /// Where it stands.
    pub is: AvailabilityLevel,
}
