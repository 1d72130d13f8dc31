//! What a change of a fulfilment order means for stock: units that left, units that are free again,
//! units that were not there.

use super::fulfillment::{FulfillmentLine, FulfillmentOrder};
use crate::model::{Change, Qty, Settled};

impl FulfillmentOrder {
    /// Units of a line that are reserved for it at its location: those that are still wanted, and
    /// have not left. None before it is routed.
    fn reserved(&self, line: &FulfillmentLine) -> Qty {
        match self.route.is_some() && !self.has_left() {
            true => line.units.alive(),
            false => Qty::ZERO,
        }
    }

    /// Whether the carrier has had it.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.lines.iter().any(|l| !l.units.shipped.is_zero())
    }

    /// What has to happen to stock when `change` makes this fulfilment order into `after`, by line.
    #[must_use]
    pub fn settles(&self, change: &Change, after: &Self) -> Vec<Settled> {
        let Some(route) = self.route else {
            return Vec::new();
        };
        // What a refusal leaves is there; only what was looked for in vain is missing, and of what
        // has left nothing is counted any more.
        let counts = matches!(change, Change::Short { .. }) && !self.has_left();
        let pairs = self.lines.iter().zip(&after.lines);
        let each = pairs.map(|(was, is)| Settled {
            sku: was.sku,
            location: route.location,
            freed: self.reserved(was).saturating_sub(after.reserved(is)),
            shipped: is.units.shipped.saturating_sub(was.units.shipped),
            missing: match counts {
                true => is.units.short.saturating_sub(was.units.short),
                false => Qty::ZERO,
            },
        });
        each.filter(|s| [s.freed, s.shipped, s.missing] != [Qty::ZERO; 3])
            .collect()
    }
}
