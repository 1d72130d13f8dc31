//! Orders that nobody has a part of moved to another plan.
//!
//! Who should move where is decided elsewhere, for many orders at once and on a state that may be
//! old by now. So a move says from which plan to which, and is made only if the order still has
//! the first and the second still holds: in one step, or not at all.
//!
//! | file | what it does |
//! | --- | --- |
//! | `unreleased` | what such orders have, as plain data |
//! | `prepare` | whether a move can be made, and what it writes down and wants |
//! | `group` | several moves in one step, so that each may get what another gives up |

mod group;
mod prepare;
mod unreleased;

pub use unreleased::{Planned, Unreleased};

use super::Engine;
use super::error::EngineError;
use crate::ledger::Reservation;
use crate::lifecycle::OrderRecord;
use crate::model::{Day, EpochMillis, LocationId, OrderKey, Qty, SkuId};
use prepare::Prepared;

/// Units by item.
pub type Items = Vec<(SkuId, Qty)>;

/// Where the units of an order are: what ships from where, and what waits. Both in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// A location, and what it ships in one shipment.
    pub shipments: Vec<(LocationId, Items)>,
    /// What waits for supply.
    pub short: Items,
}

impl Layout {
    /// In ascending order, so that equal ones are equal.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.shipments.iter_mut().for_each(|s| s.1.sort_unstable());
        self.shipments.sort_unstable();
        self.short.sort_unstable();
        self
    }
}

/// A move of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moving {
    /// Which.
    pub key: OrderKey,
    /// What it must have.
    pub from: Layout,
    /// What it gets.
    pub to: Layout,
    /// By shipment of `to`: from when its units are there.
    pub ready: Vec<EpochMillis>,
    /// By shipment of `to`: when the carrier was to get it, as of the moment of the plan.
    pub ships: Vec<EpochMillis>,
    /// The last delivery must not be later; `None` where nothing ships.
    pub deliver_by: Option<Day>,
}

/// What became of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MoveOutcome {
    /// It has the new plan.
    Moved,
    /// It had it already.
    Already,
    /// It has another plan than the one that it was to be moved from.
    Changed,
    /// Somebody has a part of it, or it is cancelled.
    Released,
    /// A location of the new plan does not ship it now.
    Closed,
    /// The new plan would deliver later by now.
    Later,
    /// Units of the new plan, or room on a day of its locations, are not free now.
    NoStock,
}

impl MoveOutcome {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Already => "already",
            Self::Changed => "changed",
            Self::Released => "released",
            Self::Closed => "closed",
            Self::Later => "later",
            Self::NoStock => "nostock",
        }
    }
}

impl Engine {
    /// Moves an order from one plan to another, if it still has the first and nobody has a part of
    /// it: what it holds is released and what it gets is taken in one step.
    ///
    /// # Errors
    /// `NOTFOUND`; what in the order or the network cannot be routed by any more.
    pub fn move_order(
        &self,
        moving: &Moving,
        now: EpochMillis,
    ) -> Result<MoveOutcome, EngineError> {
        let key = &moving.key;
        let moved = self
            .orders
            .change(key, |record| self.move_record(record, moving, now));
        moved.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))?
    }

    fn move_record(
        &self,
        record: &mut OrderRecord<Reservation>,
        moving: &Moving,
        now: EpochMillis,
    ) -> Result<MoveOutcome, EngineError> {
        let Prepared { fact, wants, .. } = match self.prepare(record, moving, now)? {
            Ok(prepared) => prepared,
            Err(why) => return Ok(why),
        };
        Ok(match self.replan(record, fact, &wants, now) {
            Some(_) => MoveOutcome::Moved,
            None => MoveOutcome::NoStock,
        })
    }
}
