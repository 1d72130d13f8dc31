//! What a shopkeeper wants of a plan, in cents: the weights and limits of the routing objective.

use super::Cents;
use bincode::{Decode, Encode};

/// Weights and limits of the routing objective, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Policy {
    /// Cents for every shipment after the first.
    pub split_penalty: Cents,
    /// Cents per shipment and day from the order to its delivery.
    pub speed_value_per_day: Cents,
    /// Cents per shipment and day after the promise date.
    pub late_per_day: Cents,
    /// Cents per unit that is not shipped now.
    pub short_per_unit: Cents,
    /// Most shipments that a plan may have, at least 1.
    pub max_shipments: u8,
    /// Ship everything or nothing: a plan that leaves units short is no plan.
    pub ship_complete: bool,
    /// Whether units that cannot be promised are accepted as backordered; otherwise such an
    /// order is refused.
    pub allow_backorder: bool,
    /// An order whose goods are worth less ships in one shipment at most; 0 for none.
    pub min_value_to_split: Cents,
    /// How much work the search for a plan and its proof may be, as percent of the usual, 1 to
    /// [`Policy::EFFORT_MAX`]: it is counted, not timed. Most orders need far less than the usual.
    pub effort_percent: u16,
}

impl Policy {
    /// The most percent of the usual work.
    pub const EFFORT_MAX: u16 = 10_000;
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            split_penalty: Cents(150),
            speed_value_per_day: Cents(40),
            late_per_day: Cents(300),
            short_per_unit: Cents(2500),
            max_shipments: 3,
            ship_complete: false,
            allow_backorder: true,
            min_value_to_split: Cents(0),
            effort_percent: 100,
        }
    }
}

/// The policy fields that one order sets itself; absent ones take the network's defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Encode, Decode)]
pub struct PolicyOverrides {
    /// See [`Policy::split_penalty`].
    pub split_penalty: Option<Cents>,
    /// See [`Policy::speed_value_per_day`].
    pub speed_value_per_day: Option<Cents>,
    /// See [`Policy::late_per_day`].
    pub late_per_day: Option<Cents>,
    /// See [`Policy::short_per_unit`].
    pub short_per_unit: Option<Cents>,
    /// See [`Policy::max_shipments`].
    pub max_shipments: Option<u8>,
    /// See [`Policy::ship_complete`].
    pub ship_complete: Option<bool>,
    /// See [`Policy::allow_backorder`].
    pub allow_backorder: Option<bool>,
    /// See [`Policy::min_value_to_split`].
    pub min_value_to_split: Option<Cents>,
    /// See [`Policy::effort_percent`].
    pub effort_percent: Option<u16>,
}

impl PolicyOverrides {
    /// The complete policy: what is set here, else what `defaults` say.
    #[must_use]
    pub fn over(&self, defaults: &Policy) -> Policy {
        Policy {
            split_penalty: self.split_penalty.unwrap_or(defaults.split_penalty),
            speed_value_per_day: self
                .speed_value_per_day
                .unwrap_or(defaults.speed_value_per_day),
            late_per_day: self.late_per_day.unwrap_or(defaults.late_per_day),
            short_per_unit: self.short_per_unit.unwrap_or(defaults.short_per_unit),
            max_shipments: self.max_shipments.unwrap_or(defaults.max_shipments),
            ship_complete: self.ship_complete.unwrap_or(defaults.ship_complete),
            allow_backorder: self.allow_backorder.unwrap_or(defaults.allow_backorder),
            min_value_to_split: self
                .min_value_to_split
                .unwrap_or(defaults.min_value_to_split),
            effort_percent: self.effort_percent.unwrap_or(defaults.effort_percent),
        }
    }
}
