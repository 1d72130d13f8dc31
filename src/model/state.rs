//! Where a fulfilment order stands: the words. Which may follow on which is the business of
//! [`crate::lifecycle`].

use bincode::{Decode, Encode};

/// Where a fulfilment order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum State {
    /// Taken in; findings are still open.
    Received,
    /// Everything in it is known; no place was chosen yet.
    Validated,
    /// Waits for supply.
    Backordered,
    /// Kept from being released, by decision.
    OnHold,
    /// A place was chosen; it may be handed out.
    Routed,
    /// Handed out to a holder who has not confirmed it.
    Sent,
    /// The holder has it.
    Acknowledged,
    /// The holder misses some of its units; the others are still to be picked.
    ShortPicked,
    /// Off the shelf.
    Picked,
    /// In parcels.
    Packed,
    /// With the carrier.
    Shipped,
    /// With the customer.
    Delivered,
    /// Every delivered unit came back.
    Returned,
    /// The holder will ship nothing of it; its units need another place.
    Rejected,
    /// It will not be fulfilled.
    Cancelled,
}

impl State {
    /// All states with their names on the wire.
    pub const ALL: [(&'static str, Self); 15] = [
        ("received", Self::Received),
        ("validated", Self::Validated),
        ("backordered", Self::Backordered),
        ("on_hold", Self::OnHold),
        ("routed", Self::Routed),
        ("sent", Self::Sent),
        ("acknowledged", Self::Acknowledged),
        ("short_picked", Self::ShortPicked),
        ("picked", Self::Picked),
        ("packed", Self::Packed),
        ("shipped", Self::Shipped),
        ("delivered", Self::Delivered),
        ("returned", Self::Returned),
        ("rejected", Self::Rejected),
        ("cancelled", Self::Cancelled),
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// The state of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|&(_, state)| state)
    }
}
