//! What fulfilment costs, as far as it is written down. What the parts mean is said in
//! [`crate::lifecycle`].

use super::{Cents, ChannelId, Day, LocationId, OrderKey};
use bincode::{Decode, Encode};

/// Where a cost belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct CostPlace {
    /// The location's date of shipping; of routing while it has not shipped.
    pub day: Day,
    /// The location.
    pub location: LocationId,
    /// Text id of the carrier.
    pub carrier: Box<str>,
    /// The channel of the order.
    pub channel: ChannelId,
}

/// The prices of a shipment that has left, from planned to real.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Prices {
    /// Tariff price with the real parcels.
    pub split: Option<Cents>,
    /// The same from the real place.
    pub distance: Option<Cents>,
    /// The same with the real partner and service.
    pub partner: Option<Cents>,
    /// What was paid.
    pub paid: Cents,
}

/// What is spent beside a shipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum ExtraCost {
    /// Sent again.
    Reship,
    /// Work of people on exceptions.
    ManualException,
    /// Coming back.
    Return,
}

impl ExtraCost {
    /// All kinds with their names on the wire.
    pub const ALL: [(&'static str, Self); 3] = [
        ("reship", Self::Reship),
        ("manual_exception", Self::ManualException),
        ("return", Self::Return),
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What became known of the cost of a fulfilment order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CostFact {
    /// The order.
    pub key: OrderKey,
    /// Which part of it, from 1.
    pub number: u32,
    /// Where it belongs.
    pub place: CostPlace,
    /// What its plan expected.
    pub forecast: Cents,
    /// What it cost; replaces what was known.
    pub told: CostTold,
}

/// What was told about a cost.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum CostTold {
    /// It has shipped, or more is known about what that costs.
    Shipped(Prices),
    /// So much more was spent beside the shipment.
    Extra {
        /// On what.
        kind: ExtraCost,
        /// How much.
        cents: Cents,
        /// Why, for people.
        reason: Box<str>,
    },
}

impl Prices {
    /// What each step from the forecast to what was paid adds: split, distance, premium partner,
    /// postage. A price that nobody worked out counts as the one before it.
    #[must_use]
    pub fn steps(&self, forecast: Cents) -> [i64; 4] {
        // Amounts are bounded when they are taken, so differences of two of them fit.
        let split = self.split.unwrap_or(forecast);
        let distance = self.distance.unwrap_or(split);
        let partner = self.partner.unwrap_or(distance);
        [
            split.0 - forecast.0,
            distance.0 - split.0,
            partner.0 - distance.0,
            self.paid.0 - partner.0,
        ]
    }
}
