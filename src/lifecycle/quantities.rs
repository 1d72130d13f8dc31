//! The units of one line of a fulfilment order, each in exactly one place.
//!
//! Invariant, after every change: `open + picked + short + cancelled = ordered`, where `open` is at
//! least 0; `returned ≤ delivered ≤ shipped ≤ picked`; `rerouted ≤ short`.
//!
//! Over all fulfilment orders of an order, the sum of `ordered − rerouted` is what was ordered.

use crate::model::Qty;
use bincode::{Decode, Encode};

/// Units of one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Units {
    /// What this fulfilment order is for.
    pub ordered: Qty,
    /// Will not be fulfilled, since nobody wants them any more.
    pub cancelled: Qty,
    /// The location does not have them, or will not ship them.
    pub short: Qty,
    /// Of `short`: now part of another fulfilment order.
    pub rerouted: Qty,
    /// Off the shelf, whatever happened to them since.
    pub picked: Qty,
    /// Of `picked`: with the carrier, or further.
    pub shipped: Qty,
    /// Of `shipped`: with the customer, or back.
    pub delivered: Qty,
    /// Of `delivered`: came back.
    pub returned: Qty,
}

impl Units {
    /// Units that nothing has happened to.
    #[must_use]
    pub fn of(ordered: Qty) -> Self {
        Self {
            ordered,
            ..Self::default()
        }
    }

    /// Units that are still to be picked.
    #[must_use]
    pub fn open(&self) -> Qty {
        let gone = u64::from(self.picked.0) + u64::from(self.short.0) + u64::from(self.cancelled.0);
        let open = u64::from(self.ordered.0).saturating_sub(gone);
        // No more than `ordered`, so it fits.
        Qty(u32::try_from(open).unwrap_or(u32::MAX))
    }

    /// Units that the location still has to do with, or has shipped.
    #[must_use]
    pub fn alive(&self) -> Qty {
        self.open() + self.picked
    }

    /// Short units that no other fulfilment order has taken over.
    #[must_use]
    pub fn unplaced(&self) -> Qty {
        self.short.saturating_sub(self.rerouted)
    }

    /// Whether the invariant of this file holds.
    #[must_use]
    pub fn conserved(&self) -> bool {
        let gone = u64::from(self.picked.0) + u64::from(self.short.0) + u64::from(self.cancelled.0);
        gone <= u64::from(self.ordered.0)
            && self.returned <= self.delivered
            && self.delivered <= self.shipped
            && self.shipped <= self.picked
            && self.rerouted <= self.short
    }

    /// Everything open is off the shelf.
    pub(super) fn pick(&mut self) {
        self.picked += self.open();
    }

    /// Everything that is not missing is with the carrier.
    pub(super) fn ship(&mut self) {
        self.pick();
        self.shipped = self.picked;
    }

    /// Everything that is not missing is with the customer.
    pub(super) fn deliver(&mut self) {
        self.ship();
        self.delivered = self.shipped;
    }

    /// `total` units are missing; `None` when it is 0, more than there are, or fewer would remain than are
    /// delivered. Fewer than already known changes nothing.
    #[must_use]
    pub(super) fn with_short(mut self, total: Qty) -> Option<Self> {
        let more = total.saturating_sub(self.short);
        let from_open = more.min(self.open());
        let from_picked = more - from_open;
        if total.is_zero() || from_picked > self.picked {
            return None;
        }
        self.short += more;
        self.picked -= from_picked;
        self.shipped = self.shipped.min(self.picked);
        self.conserved().then_some(self)
    }

    /// Nothing of it will be shipped: all units that are alive are missing here.
    pub(super) fn reject(&mut self) {
        self.short += self.alive();
        self.picked = Qty::ZERO;
    }

    /// Nothing of it will be shipped, and nobody wants it elsewhere: not those either that were
    /// missing and have found no other place.
    pub(super) fn cancel(&mut self) {
        self.cancelled += self.alive() + self.unplaced();
        self.picked = Qty::ZERO;
        self.short = self.rerouted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_takes_open_units_first_and_then_picked_ones() {
        let mut units = Units::of(Qty(5));
        units = units.with_short(Qty(2)).unwrap();
        assert_eq!((units.open(), units.short), (Qty(3), Qty(2)));
        assert_eq!(units.with_short(Qty(1)), Some(units), "known already");
        units.pick();
        units = units.with_short(Qty(3)).unwrap();
        assert_eq!((units.picked, units.short), (Qty(2), Qty(3)));
        assert_eq!(units.with_short(Qty(6)), None, "more than there are");
        units.deliver();
        assert_eq!(units.with_short(Qty(4)), None, "they are delivered");
        assert!(units.conserved());
    }
}
