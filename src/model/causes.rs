//! What can need a decision: every cause with its type, its owner and what would resolve it.

use bincode::{Decode, Encode};

/// The type of an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum ExceptionKind {
    /// Something in the order is unknown or wrong.
    Validation,
    /// No plan can fulfil it.
    Unroutable,
    /// Supply no longer covers what was promised.
    PromiseAtRisk,
    /// It stands still for longer than its state allows.
    Stuck,
    /// It may be the same as another one.
    DuplicateSuspected,
    /// A location does not have what it was counted on for.
    ShortPick,
    /// Two systems say different things.
    Discrepancy,
    /// A place has more to do than it can.
    Capacity,
}

impl ExceptionKind {
    /// All types with their names on the wire.
    pub const ALL: [(&'static str, Self); 8] = [
        ("validation", Self::Validation),
        ("unroutable", Self::Unroutable),
        ("promise_at_risk", Self::PromiseAtRisk),
        ("stuck", Self::Stuck),
        ("duplicate_suspected", Self::DuplicateSuspected),
        ("short_pick", Self::ShortPick),
        ("discrepancy", Self::Discrepancy),
        ("capacity", Self::Capacity),
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident, $kind:ident, $name:literal, $owner:literal, $resolve:literal;)*) => {
        /// Why something needs a decision. Each cause belongs to one type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        pub enum Cause {
            $($(#[$doc])* $cause,)*
        }

        impl Cause {
            /// All causes.
            pub const ALL: &[Self] = &[$(Self::$cause,)*];

            /// Its type.
            #[must_use]
            pub const fn kind(self) -> ExceptionKind {
                match self { $(Self::$cause => ExceptionKind::$kind,)* }
            }

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$cause => $name,)* }
            }

            /// Who has to decide, unless it is assigned to somebody.
            #[must_use]
            pub const fn owner(self) -> &'static str {
                match self { $(Self::$cause => $owner,)* }
            }

            /// What would resolve it.
            #[must_use]
            pub const fn resolution(self) -> &'static str {
                match self { $(Self::$cause => $resolve,)* }
            }
        }
    };
}

causes! {
    /// The address is in no table of places.
    AddressUnknown, Validation, "address_unknown", "customer care",
        "an amended address, or coordinates with it";
    /// A SKU is not known.
    SkuUnknown, Validation, "sku_unknown", "catalogue",
        "the item, put under this SKU, or an amended order";
    /// Another field cannot be.
    FieldInvalid, Validation, "field_invalid", "intake",
        "an amended order";
    /// No location has stock.
    NoStock, Unroutable, "no_stock", "supply",
        "stock or incoming supply; else a backorder or a cancellation";
    /// No carrier service reaches the destination with these items.
    NoService, Unroutable, "no_service", "logistics",
        "a service or tariff for this destination, or another address";
    /// Nothing arrives by a hard promise date.
    TooLate, Unroutable, "too_late", "customer care",
        "a later date that the customer agrees to";
    /// A count or a correction took stock that was promised.
    StockCut, PromiseAtRisk, "stock_cut", "supply",
        "stock elsewhere, or a new promise";
    /// Supply on its way is late, less or cancelled.
    SupplySlipped, PromiseAtRisk, "supply_slipped", "supply",
        "other supply, or a new promise";
    /// Received, and its findings are still open.
    NotValidated, Stuck, "not_validated", "intake",
        "a correction of what its findings name";
    /// Validated, and no place was chosen.
    NotRouted, Stuck, "not_routed", "routing",
        "a look at its plan, then routing it again";
    /// Waits for supply.
    NoSupply, Stuck, "no_supply", "supply",
        "supply, or a cancellation";
    /// On hold.
    Held, Stuck, "held", "customer care",
        "a decision: resume or cancel";
    /// May be handed out, and nobody asks for it.
    NotClaimed, Stuck, "not_claimed", "location",
        "a look at whether its holder still asks for work";
    /// Handed out and not acknowledged; where its lease has ended, its holder may have begun.
    NotAcknowledged, Stuck, "not_acknowledged", "holder",
        "an acknowledgement, or taking it back once the holder vouches that nothing was begun";
    /// The holder has it and does not pick.
    NotPicked, Stuck, "not_picked", "holder",
        "a question to the floor; else a rejection";
    /// Units were missing, and the others are not picked.
    PickUnfinished, Stuck, "pick_unfinished", "holder",
        "a pick of the rest, or a rejection";
    /// Off the shelf, and not packed.
    NotPacked, Stuck, "not_packed", "holder",
        "a question to the packing bench";
    /// In parcels, and not with the carrier.
    NotCollected, Stuck, "not_collected", "holder",
        "a question for the carrier's collection";
    /// With the carrier, and not delivered.
    NotDelivered, Stuck, "not_delivered", "carrier",
        "a trace of its parcels, then a claim or a reshipment";
    /// Same customer, lines and time as another order.
    LooksAlike, DuplicateSuspected, "looks_alike", "customer care",
        "a decision: keep both, or cancel one";
    /// Two holders say that they have it.
    TwoHolders, DuplicateSuspected, "two_holders", "operations",
        "one of the two stopping";
    /// Units were missing at picking.
    UnitsMissing, ShortPick, "units_missing", "inventory",
        "another location with stock; a count at this one";
    /// A location refused all of it.
    LocationRejected, ShortPick, "location_rejected", "operations",
        "another location with stock";
    /// A message contradicts what is known.
    MessageContradicts, Discrepancy, "message_contradicts", "operations",
        "a look at which of the two is true";
    /// Counts of two systems differ.
    CountsDiffer, Discrepancy, "counts_differ", "inventory",
        "a count";
    /// A location has no room in the day.
    LocationFull, Capacity, "location_full", "operations",
        "more capacity, another day or another location";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_type_has_a_cause_and_every_cause_its_own_name() {
        let names: BTreeSet<_> = Cause::ALL.iter().map(|c| c.name()).collect();
        assert_eq!(names.len(), Cause::ALL.len());
        for (place, (name, kind)) in ExceptionKind::ALL.into_iter().enumerate() {
            assert_eq!((kind as usize, kind.name()), (place, name));
            assert!(Cause::ALL.iter().any(|c| c.kind() == kind), "{name}");
        }
    }
}
