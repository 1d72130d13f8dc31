//! What needs a decision, as far as it is written down: about what, why, and what became of it.

use super::{ByRule, Cause, ChannelId, EpochMillis, LocationId, Order, OrderKey, SkuId};
use bincode::{Decode, Encode};
use std::fmt;
use std::sync::Arc;

/// What an exception is about. All of one order lie side by side in a sorted list, the order as a
/// whole first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Topic {
    /// An order, accepted or refused, or one part of it.
    Order {
        /// The order.
        key: OrderKey,
        /// The number of its fulfilment order; `None` is the order as a whole.
        fulfillment: Option<u32>,
    },
    /// The units of an item at a place.
    Position(SkuId, LocationId),
    /// A place.
    Location(LocationId),
}

impl Topic {
    /// An order as a whole.
    #[must_use]
    pub fn order(key: &OrderKey) -> Self {
        Self::Order {
            key: key.clone(),
            fulfillment: None,
        }
    }

    /// A part of an order.
    #[must_use]
    pub fn part(key: &OrderKey, number: u32) -> Self {
        Self::Order {
            key: key.clone(),
            fulfillment: Some(number),
        }
    }

    /// Whether an exception with this cause can be about an order.
    #[must_use]
    pub const fn may_be_order(cause: Cause) -> bool {
        !matches!(cause, Cause::CountsDiffer)
    }

    /// The order that it is about.
    #[must_use]
    pub const fn order_key(&self) -> Option<&OrderKey> {
        match self {
            Self::Order { key, .. } => Some(key),
            Self::Position(..) | Self::Location(_) => None,
        }
    }

    /// The part of an order that it is about.
    #[must_use]
    pub const fn fulfillment(&self) -> Option<u32> {
        match self {
            Self::Order { fulfillment, .. } => *fulfillment,
            Self::Position(..) | Self::Location(_) => None,
        }
    }
}

/// What an exception is about, and why there is one: at most one is open for each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Subject {
    /// About what.
    pub topic: Topic,
    /// Why.
    pub cause: Cause,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of ", self.cause.name())?;
        match &self.topic {
            Topic::Order { key, fulfillment } => match fulfillment {
                None => write!(f, "order {key}"),
                Some(number) => write!(f, "order {key}#{number}"),
            },
            Topic::Position(sku, location) => write!(f, "item {} at {}", sku.0, location.0),
            Topic::Location(location) => write!(f, "location {}", location.0),
        }
    }
}

/// What was found, when opening an exception.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Finding {
    /// About what, and why.
    pub subject: Subject,
    /// The channel of the order, where it is about one that is known: rules go by it.
    pub channel: Option<ChannelId>,
    /// Readable particulars: which field, how many units, which other order.
    pub detail: Box<str>,
    /// SKUs whose arrival could resolve it.
    pub waits_for: Vec<SkuId>,
}

/// Something that happened to an exception.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ExceptionChange {
    /// It was opened.
    Opened {
        /// As in [`Finding`].
        channel: Option<ChannelId>,
        /// As in [`Finding`].
        detail: Box<str>,
        /// As in [`Finding`].
        waits_for: Vec<SkuId>,
    },
    /// Somebody has it now, or nobody.
    Assigned {
        /// Who.
        to: Option<Box<str>>,
    },
    /// It ended.
    Resolved {
        /// By whom; `None` is by a rule, or by what happened.
        by: Option<Box<str>>,
        /// What was done.
        how: Box<str>,
        /// By which rule of the network.
        rule: Option<ByRule>,
    },
    /// A rule did what it does, and that did not resolve it.
    Tried {
        /// Which.
        rule: ByRule,
        /// When it was to act.
        due: EpochMillis,
    },
    /// The refused order that it is about is kept as it was sent, so that a rule can place it.
    Kept {
        /// As it was sent the last time.
        order: Arc<Order>,
    },
    /// The order is kept no longer: its sender sent another one, for which there is no room.
    Dropped,
}

/// Something happened to the exception with this number.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ExceptionFact {
    /// Its number, from 1.
    pub id: u64,
    /// What it is about.
    pub subject: Subject,
    /// What happened.
    pub change: ExceptionChange,
}
