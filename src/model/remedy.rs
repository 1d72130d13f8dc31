//! What resolves exceptions without anybody, as far as it is written down.

use super::{Cause, ExceptionKind, Millis};
use bincode::{Decode, Encode};

/// When a rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Trigger {
    /// As soon as the exception is open.
    AtOnce,
    /// When units of a SKU that it waits for can be promised.
    StockArrived,
    /// When it has been open for this long.
    After(Millis),
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Action {
    /// Looks for a plan again.
    RetryRouting,
    /// Promises it against supply to come.
    Backorder,
    /// Cancels it.
    Cancel,
}

impl Action {
    /// All actions with their names in files and on the wire.
    pub const ALL: [(&'static str, Self); 3] = [
        ("retry_routing", Self::RetryRouting),
        ("backorder", Self::Backorder),
        ("cancel", Self::Cancel),
    ];

    /// The name in files and in what a resolution says.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Whether it can do anything about what is found for this reason: a place, or supply to come, is an
    /// answer only to units that have none.
    #[must_use]
    pub const fn helps(self, cause: Cause) -> bool {
        match (self, cause.kind()) {
            (Self::Cancel, _) => true,
            (_, kind) => match kind {
                ExceptionKind::Validation
                | ExceptionKind::Unroutable
                | ExceptionKind::Capacity
                | ExceptionKind::PromiseAtRisk
                | ExceptionKind::ShortPick => true,
                // What waits for supply waits already.
                ExceptionKind::Stuck => {
                    matches!((self, cause), (Self::RetryRouting, Cause::NoSupply))
                }
                ExceptionKind::DuplicateSuspected | ExceptionKind::Discrepancy => false,
            },
        }
    }
}

/// A rule as a network names it: `None` is any.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RemedyRow {
    /// Its own name: what it resolves says so.
    pub name: Box<str>,
    /// For this cause.
    pub cause: Option<Cause>,
    /// For orders of this channel.
    pub channel: Option<Box<str>>,
    /// When.
    pub trigger: Trigger,
    /// What.
    pub action: Action,
}

/// Which rule did something, and what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct ByRule {
    /// Its name.
    pub rule: Box<str>,
    /// What it does.
    pub action: Action,
}
