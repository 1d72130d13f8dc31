//! How an order will be fulfilled, what it costs, what else was possible and why not.

use super::{Cents, Day, EpochMillis, Grams, LocationId, Qty, ServiceId};
use bincode::{Decode, Encode};
use std::ops::AddAssign;

/// Units of one demand in one shipment. A demand is a SKU of the order, its lines summed;
/// `demand` counts from 0 in the order of first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ShipmentLine {
    /// Which demand of the request.
    pub demand: u16,
    /// How many units, at least 1.
    pub qty: Qty,
}

/// What one shipment costs, by part. Penalties of the whole plan are in [`Objective`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct ShipmentCents {
    /// What the carrier's tariff says for all its parcels, at least the carrier's minimum.
    pub postage: Cents,
    /// What the carrier charges on top for size, weight and area.
    pub surcharges: Cents,
    /// Handling per shipment, per line and per unit at the location, and its cartons.
    pub handling: Cents,
    /// Late penalty of this shipment.
    pub late: Cents,
    /// Speed value × days until delivery.
    pub speed: Cents,
    /// Scarcity prices of its units.
    pub scarcity: Cents,
}

impl ShipmentCents {
    /// The sum of the parts.
    #[must_use]
    pub fn total(&self) -> Cents {
        self.postage + self.surcharges + self.handling + self.late + self.speed + self.scarcity
    }
}

/// One location, one carrier service, one hand-over, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Shipment {
    /// Where it ships from.
    pub location: LocationId,
    /// How it travels.
    pub service: ServiceId,
    /// When its units must be at the location: the hand-over less the lead time, or the arrival
    /// it waits for if that is later.
    pub need_at: EpochMillis,
    /// When it is handed to the carrier: the cut-off it makes.
    pub ship_at: EpochMillis,
    /// The civil date of delivery at the destination.
    pub deliver_on: Day,
    /// How many parcels the postage was priced for.
    pub parcels: u32,
    /// Billable weight of all parcels.
    pub billable: Grams,
    /// What is in it, by ascending demand.
    pub lines: Vec<ShipmentLine>,
    /// What it costs.
    pub cents: ShipmentCents,
}

/// Units of a demand that the plan leaves unshipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ShortLine {
    /// Which demand of the request.
    pub demand: u16,
    /// How many units, at least 1.
    pub qty: Qty,
}

/// The routing objective by part, in cents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Objective {
    /// Carriers' tariff prices.
    pub postage: Cents,
    /// Carriers' surcharges.
    pub surcharges: Cents,
    /// Handling per shipment, per line and per unit, and cartons.
    pub handling: Cents,
    /// Split penalty × (shipments − 1).
    pub split: Cents,
    /// Late penalty × days late, summed over shipments.
    pub late: Cents,
    /// Speed value × days until delivery, summed over shipments.
    pub speed: Cents,
    /// Scarcity price × units.
    pub scarcity: Cents,
    /// Short cost × units not shipped now.
    pub short: Cents,
}

impl Objective {
    /// The sum of the parts: what the router minimises.
    #[must_use]
    pub fn total(&self) -> Cents {
        self.postage
            + self.surcharges
            + self.handling
            + self.split
            + self.late
            + self.speed
            + self.scarcity
            + self.short
    }

    /// What fulfilment is paid for: postage, surcharges and handling, no penalties.
    #[must_use]
    pub fn freight(&self) -> Cents {
        self.postage + self.surcharges + self.handling
    }
}

impl AddAssign for Objective {
    fn add_assign(&mut self, other: Self) {
        self.postage += other.postage;
        self.surcharges += other.surcharges;
        self.handling += other.handling;
        self.split += other.split;
        self.late += other.late;
        self.speed += other.speed;
        self.scarcity += other.scarcity;
        self.short += other.short;
    }
}

/// Shipments and what is left short: a complete answer to "where should it ship from".
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Plan {
    /// In ascending order of location, then hand-over.
    pub shipments: Vec<Shipment>,
    /// By ascending demand; empty when everything ships.
    pub short: Vec<ShortLine>,
    /// What it costs, by part.
    pub objective: Objective,
}

impl Plan {
    /// Units that do not ship.
    #[must_use]
    pub fn short_units(&self) -> u64 {
        self.short.iter().map(|s| u64::from(s.qty.0)).sum()
    }

    /// The date on which the last shipment is delivered.
    #[must_use]
    pub fn delivered_on(&self) -> Option<Day> {
        self.shipments.iter().map(|s| s.deliver_on).max()
    }
}

/// How far the plan is known to be from the best possible one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Proof {
    /// Whether no plan can be cheaper.
    pub optimal: bool,
    /// No plan costs less than this; equals the plan's total when optimal.
    pub bound: Cents,
}

/// Why a location is not in the plan. The names are part of the wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum RejectedReason {
    /// Holds nothing of this order that may be promised, or too little of what ships whole.
    NoStock,
    /// Paused by an operator.
    Paused,
    /// Excluded by the order.
    Excluded,
    /// Does not ship to the country of the destination.
    Country,
    /// Lacks the ability that every item it has in stock needs.
    LacksAbility,
    /// May not ship to the region of the destination, or nothing that it has may go there.
    Region,
    /// The customer collects the order at another location.
    PickUp,
    /// Has no room for it on any day on which it could still hand it over.
    Full,
    /// No carrier service reaches the destination from there with these items.
    NoService,
    /// Cannot deliver anything by a hard promise date.
    TooLate,
    /// Could ship the whole order at once, but dearer (`extra` says by how much).
    Dearer,
    /// Has only a part of the order, and every plan that uses it is dearer.
    PartialDearer,
}

impl RejectedReason {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoStock => "no_stock",
            Self::Paused => "paused",
            Self::Excluded => "excluded",
            Self::Country => "country",
            Self::LacksAbility => "lacks_ability",
            Self::Region => "region",
            Self::PickUp => "pickup",
            Self::Full => "full",
            Self::NoService => "no_service",
            Self::TooLate => "too_late",
            Self::Dearer => "dearer",
            Self::PartialDearer => "partial_dearer",
        }
    }
}

/// A location that could have been, and why it is not. Every order keeps one for most locations, so it
/// is as small as it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Rejected {
    /// The location.
    pub location: LocationId,
    /// The reason.
    pub reason: RejectedReason,
    extra: Extra,
}

impl Rejected {
    /// A location and the reason.
    #[must_use]
    pub const fn new(location: LocationId, reason: RejectedReason) -> Self {
        Self {
            location,
            reason,
            extra: Extra::NONE,
        }
    }

    /// One that could ship everything at once, for so much more than the chosen plan.
    #[must_use]
    pub fn dearer(location: LocationId, extra: Cents) -> Self {
        Self {
            location,
            reason: RejectedReason::Dearer,
            extra: Extra::of(extra),
        }
    }

    /// For [`RejectedReason::Dearer`]: what one shipment of everything from there would cost more
    /// than the chosen plan.
    #[must_use]
    pub fn extra(&self) -> Option<Cents> {
        self.extra.cents()
    }
}

/// One more than an amount in cents, in six bytes without alignment; 0 is none. Amounts of 2^48 cents
/// and more, which no order comes to, are told as the largest that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Extra([u16; 3]);

impl Extra {
    const NONE: Self = Self([0; 3]);

    fn of(cents: Cents) -> Self {
        let bits = (cents.0.clamp(0, (1 << 48) - 2) + 1).to_le_bytes();
        let part = |at: usize| u16::from_le_bytes([bits[2 * at], bits[2 * at + 1]]);
        Self([part(0), part(1), part(2)])
    }

    fn cents(self) -> Option<Cents> {
        let [low, middle, high] = self.0.map(i64::from);
        (self != Self::NONE).then_some(Cents((low | middle << 16 | high << 32) - 1))
    }
}

/// The router's answer: the plan, its proof, and what was not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Decision {
    /// The chosen plan.
    pub plan: Plan,
    /// How good it is proven to be.
    pub proof: Proof,
    /// The cheapest plan that differs from the chosen one, if there is any.
    pub runner_up: Option<Plan>,
    /// Locations that hold something of the order and are not in the plan, and those that an
    /// operator paused; by ascending id. Every other location holds nothing of it.
    pub rejected: Vec<Rejected>,
    /// What it was made on, as the router packs it; empty where nobody will ask later.
    pub basis: Box<[u8]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_would_cost_more_reads_back_from_six_bytes() {
        assert!(size_of::<Rejected>() <= 10);
        for cents in [0, 1, 65_535, 65_536, 846, 1 << 40, (1 << 48) - 2] {
            let row = Rejected::dearer(LocationId(3), Cents(cents));
            assert_eq!(row.extra(), Some(Cents(cents)));
        }
        assert_eq!(
            Rejected::new(LocationId(3), RejectedReason::Full).extra(),
            None
        );
        let most = Rejected::dearer(LocationId(3), Cents(i64::MAX));
        assert_eq!(most.extra(), Some(Cents((1 << 48) - 2)));
    }
}
