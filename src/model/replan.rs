//! Units of an order that got another place, as data: which parts gave them up, which new parts have
//! them, and what that did to the order's claims.

use super::{ClaimFact, Decision, LocationId, Order, OrderKey, Qty, Route, SkuId, State};
use bincode::{Decode, Encode};
use std::sync::Arc;

/// Why units of an order were placed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum ReplanReason {
    /// A location rejected them or did not find them.
    NotShipped,
    /// Supply no longer covered them where they were promised.
    PromiseBroken,
    /// They waited, and there is supply now.
    SupplyArrived,
    /// The sender changed the order.
    Amended,
    /// All open orders together cost less with them elsewhere.
    Optimized,
    /// They will not ship.
    GivenUp,
}

impl ReplanReason {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotShipped => "not_shipped",
            Self::PromiseBroken => "promise_broken",
            Self::SupplyArrived => "supply_arrived",
            Self::Amended => "amended",
            Self::Optimized => "optimized",
            Self::GivenUp => "given_up",
        }
    }
}

/// Units that a part of an order gave up. Of one that nobody had they were open, or cancelled; of
/// any other they were short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct GivenUp {
    /// Which part.
    pub number: u32,
    /// Which of its lines, from 0.
    pub line: u16,
    /// How many, at least 1.
    pub qty: Qty,
}

/// A new part of an order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NewPart {
    /// Its number, never used before in the order.
    pub number: u32,
    /// Where it ships from and how; `None` when it waits for supply.
    pub route: Option<Route>,
    /// What is in it.
    pub lines: Vec<(SkuId, Qty)>,
    /// Why it is on hold, when what it was made of was.
    pub held: Option<Box<str>>,
    /// Why nothing of it ships, when its units were given up for good.
    pub cancelled: Option<Box<str>>,
}

/// Units of an order that are free again at one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Freed {
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// How many.
    pub qty: Qty,
    /// Of several claims there, what is needed first; else what is needed last.
    pub first: bool,
}

/// What an order became when its sender changed it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Amended {
    /// The sender's reference for the change.
    pub reference: Box<str>,
    /// What is wanted from now on.
    pub order: Arc<Order>,
    /// How it will be fulfilled.
    pub decision: Arc<Decision>,
}

/// Units of an order were placed anew, in one step.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReplannedFact {
    /// The order.
    pub key: OrderKey,
    /// Why.
    pub reason: ReplanReason,
    /// With which new content; `None` when that is as it was.
    pub amended: Option<Box<Amended>>,
    /// What its parts gave up.
    pub given_up: Vec<GivenUp>,
    /// Where that left them.
    pub left: Vec<(u32, State)>,
    /// The parts that have it now.
    pub parts: Vec<NewPart>,
    /// Claims that ended.
    pub freed: Vec<Freed>,
    /// Claims that were granted.
    pub granted: Vec<ClaimFact>,
}
