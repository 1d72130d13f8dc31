//! One command of a load, before it is bytes for any server.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of command: a row of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Units that may be promised.
    Atp,
    /// Dates and costs of a delivery.
    Promise,
    /// A soft reservation.
    Cart,
    /// A soft reservation becomes firm.
    Confirm,
    /// A reservation ends.
    Drop,
    /// A firm reservation of all lines at places that are named.
    Reserve,
    /// An order: routed, reserved, remembered.
    Submit,
    /// An order as it stands.
    OrderGet,
    /// An order is cancelled.
    OrderCancel,
    /// One count.
    StockSet,
    /// Many counts.
    StockLoad,
    /// Units come or go.
    StockAdjust,
    /// A warehouse takes parts of orders; each of them is then shipped.
    Claim,
    /// A part of an order leaves. Follows from a claim, so it has no weight of its own.
    Ship,
    /// The customer has it. Only before a run.
    Deliver,
    /// The desk for returns looks at an order; what was delivered is authorised, received and graded.
    Return,
    /// Units may come back. Follows from a return.
    Authorise,
    /// They are back. Follows from that.
    Receive,
    /// They may be sold again. Follows from that.
    Grade,
}

impl Kind {
    /// All kinds, in the order of the report.
    pub const ALL: [Self; 19] = [
        Self::Atp,
        Self::Promise,
        Self::Cart,
        Self::Confirm,
        Self::Drop,
        Self::Reserve,
        Self::Submit,
        Self::OrderGet,
        Self::OrderCancel,
        Self::StockSet,
        Self::StockLoad,
        Self::StockAdjust,
        Self::Claim,
        Self::Ship,
        Self::Deliver,
        Self::Return,
        Self::Authorise,
        Self::Receive,
        Self::Grade,
    ];

    /// Allot's command.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Atp => "ATP.GET",
            Self::Promise => "PROMISE.GET",
            Self::Cart => "RESERVATION.PUT TTL",
            Self::Confirm => "RESERVATION.CONFIRM",
            Self::Drop => "RESERVATION.CANCEL",
            Self::Reserve => "RESERVATION.PUT FIRM",
            Self::Submit => "ORDER.SUBMIT",
            Self::OrderGet => "ORDER.GET",
            Self::OrderCancel => "ORDER.CANCEL",
            Self::StockSet => "STOCK.SET",
            Self::StockLoad => "STOCK.LOAD",
            Self::StockAdjust => "STOCK.ADJUST",
            Self::Claim => "FULFILLMENT.CLAIM",
            Self::Ship => "FULFILLMENT.SHIP",
            Self::Deliver => "FULFILLMENT.DELIVER",
            Self::Return => "FULFILLMENT.GET",
            Self::Authorise => "RETURN.AUTHORIZE",
            Self::Receive => "RETURN.RECEIVE",
            Self::Grade => "RETURN.GRADE",
        }
    }

    /// Its place in [`Kind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether it takes units for a customer: what a planner counts as an order.
    #[must_use]
    pub const fn is_order(self) -> bool {
        matches!(self, Self::Submit | Self::Reserve)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.command())
    }
}

/// The identity of an order, a cart or a write of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderId {
    /// Of the run: the number of the command that made it.
    Run(u64),
    /// Of what happened before it.
    Before(u64),
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(number) => write!(f, "r{number}"),
            Self::Before(number) => write!(f, "b{number}"),
        }
    }
}

/// Units of an item at a place; both are numbers of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TakenLine {
    /// The item.
    pub sku: u32,
    /// The place. Orders that are routed do not say it.
    pub location: u32,
    /// How many.
    pub units: u32,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the fields are those of the command of the same name"
)]
pub enum Operation {
    Atp {
        skus: Vec<u32>,
        units: u32,
    },
    Promise {
        sku: u32,
        place: u32,
    },
    Cart {
        id: OrderId,
        lines: Vec<TakenLine>,
        millis: u64,
    },
    Confirm {
        id: OrderId,
    },
    Drop {
        id: OrderId,
    },
    Reserve {
        id: OrderId,
        lines: Vec<TakenLine>,
    },
    Submit {
        id: OrderId,
        place: u32,
        lines: Vec<TakenLine>,
    },
    OrderGet {
        id: OrderId,
    },
    OrderCancel {
        id: OrderId,
    },
    StockSet {
        id: OrderId,
        line: TakenLine,
    },
    StockLoad {
        id: OrderId,
        lines: Vec<TakenLine>,
    },
    StockAdjust {
        id: OrderId,
        line: TakenLine,
    },
    Claim {
        id: OrderId,
        location: u32,
        count: u32,
    },
    Ship {
        order: String,
        number: u64,
        token: String,
    },
    Deliver {
        order: String,
        number: u64,
        token: String,
    },
    Return {
        id: OrderId,
    },
    Authorise {
        order: String,
        number: u64,
        lines: Vec<(String, u64)>,
    },
    Receive {
        id: String,
        lines: Vec<(String, u64)>,
    },
    Grade {
        id: String,
        sku: String,
        units: u64,
    },
    /// A command as it was recorded.
    Recorded {
        kind: Kind,
        arguments: Vec<Vec<u8>>,
    },
}

impl Operation {
    /// Its row in the report.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Atp { .. } => Kind::Atp,
            Self::Promise { .. } => Kind::Promise,
            Self::Cart { .. } => Kind::Cart,
            Self::Confirm { .. } => Kind::Confirm,
            Self::Drop { .. } => Kind::Drop,
            Self::Reserve { .. } => Kind::Reserve,
            Self::Submit { .. } => Kind::Submit,
            Self::OrderGet { .. } => Kind::OrderGet,
            Self::OrderCancel { .. } => Kind::OrderCancel,
            Self::StockSet { .. } => Kind::StockSet,
            Self::StockLoad { .. } => Kind::StockLoad,
            Self::StockAdjust { .. } => Kind::StockAdjust,
            Self::Claim { .. } => Kind::Claim,
            Self::Ship { .. } => Kind::Ship,
            Self::Deliver { .. } => Kind::Deliver,
            Self::Return { .. } => Kind::Return,
            Self::Authorise { .. } => Kind::Authorise,
            Self::Receive { .. } => Kind::Receive,
            Self::Grade { .. } => Kind::Grade,
            Self::Recorded { kind, .. } => *kind,
        }
    }

    /// Units that it takes once it is granted.
    #[must_use]
    pub fn units(&self) -> u64 {
        match self {
            Self::Cart { lines, .. } | Self::Reserve { lines, .. } | Self::Submit { lines, .. } => {
                lines.iter().map(|l| u64::from(l.units)).sum()
            }
            _ => 0,
        }
    }
}
