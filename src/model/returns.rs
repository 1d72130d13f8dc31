//! Returns, as far as they are written down. What may come back is decided in
//! [`crate::lifecycle`].

use super::{EpochMillis, LocationId, OrderKey, Qty, SkuId, State};
use bincode::{Decode, Encode};

/// What came back is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Grade {
    /// May be sold again where it is.
    Sellable,
    /// Broken or worn; nobody pays for it. On hand where it came back, on hold.
    Damaged,
    /// Broken on its way; the carrier pays. On hand where it came back, on hold.
    DamagedByCarrier,
    /// May be sold again, somewhere else.
    OtherLocation(LocationId),
}

/// What somebody has to book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Booking {
    /// Units are back.
    ItemReceipt,
    /// The customer is credited; the units are stock again.
    CreditMemo,
    /// Units are on hold as damaged (`None`), or become stock of that location.
    InventoryAdjustment(Option<LocationId>),
    /// The carrier is asked for their value.
    CarrierClaim,
}

impl Grade {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sellable => "sellable",
            Self::Damaged => "damaged",
            Self::DamagedByCarrier => "damaged_by_carrier",
            Self::OtherLocation(_) => "other_location",
        }
    }

    /// Whether the units may not be promised.
    #[must_use]
    pub const fn is_damaged(self) -> bool {
        matches!(self, Self::Damaged | Self::DamagedByCarrier)
    }
}

impl Booking {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ItemReceipt => "item_receipt",
            Self::CreditMemo => "credit_memo",
            Self::InventoryAdjustment(_) => "inventory_adjustment",
            Self::CarrierClaim => "carrier_claim",
        }
    }

    /// What units of a grade give.
    #[must_use]
    pub const fn of(grade: Grade) -> Self {
        match grade {
            Grade::Sellable => Self::CreditMemo,
            Grade::Damaged => Self::InventoryAdjustment(None),
            Grade::DamagedByCarrier => Self::CarrierClaim,
            Grade::OtherLocation(to) => Self::InventoryAdjustment(Some(to)),
        }
    }
}

/// Units to be booked, exactly once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReturnEvent {
    /// Which return.
    pub id: Box<str>,
    /// Its number within the return, from 1.
    pub number: u32,
    /// What to book.
    pub booking: Booking,
    /// Line of the fulfilment order.
    pub line: u16,
    /// The item.
    pub sku: SkuId,
    /// Where the units are.
    pub location: LocationId,
    /// How many units.
    pub qty: Qty,
    /// When.
    pub at: EpochMillis,
}

/// A step of a return. Received and graded units are totals, so that a repeat adds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ReturnStep {
    /// Units may come back.
    Authorised {
        /// To where.
        location: LocationId,
        /// Line of the fulfilment order, item and units.
        lines: Vec<(u16, SkuId, Qty)>,
    },
    /// Units are back.
    Received {
        /// Line and units back in total.
        totals: Vec<(u16, Qty)>,
    },
    /// Units were looked at.
    Graded {
        /// Which line.
        line: u16,
        /// What they are like.
        grade: Grade,
        /// Units of the line with this grade in total.
        total: Qty,
    },
    /// No more may come back.
    Closed,
}

/// What happened to a return. What it means for units on hand are facts of their own in its group.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReturnFact {
    /// Text id of the return.
    pub id: Box<str>,
    /// The order.
    pub key: OrderKey,
    /// Which part of it, from 1.
    pub number: u32,
    /// What happened.
    pub step: ReturnStep,
    /// Where the part stands after it.
    pub state: State,
    /// What has to be booked for it.
    pub booked: Vec<ReturnEvent>,
}
