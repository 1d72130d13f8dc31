//! What a network folder starts with: items, stock, units on the way, allocations.

use super::{EpochMillis, HoldReason, IncomingKind, Item, LocationId, Qty, SkuId};
use bincode::{Decode, Encode};

/// One row of `stock.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct StockRow {
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// Units physically there.
    pub on_hand: Qty,
    /// Units kept back by policy.
    pub safety_stock: Qty,
    /// Units that may not be promised, and why.
    pub held: Option<(Qty, HoldReason)>,
}

/// One row of `incoming.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct IncomingRow {
    /// Text id, unique over transfers and purchases.
    pub id: Box<str>,
    /// Transfer or purchase.
    pub kind: IncomingKind,
    /// The item.
    pub sku: SkuId,
    /// Where it left; `None` for a purchase.
    pub from: Option<LocationId>,
    /// Where it will arrive.
    pub to: LocationId,
    /// How many units are on the way.
    pub qty: Qty,
    /// When they are expected.
    pub arrives_at: EpochMillis,
}

/// One row of `allocations.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AllocationRow {
    /// The item.
    pub sku: SkuId,
    /// The selling channel.
    pub channel: Box<str>,
    /// Units kept for this channel.
    pub protected: Qty,
    /// Most units this channel may promise; `None` is unlimited.
    pub cap: Option<Qty>,
}

/// The state a network folder starts with: items and what is where. SKU 7 is `items[7]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Opening {
    /// Items.
    pub items: Vec<Item>,
    /// Stock by position.
    pub stock: Vec<StockRow>,
    /// Units on the way.
    pub incoming: Vec<IncomingRow>,
    /// Channel allocations.
    pub allocations: Vec<AllocationRow>,
}
