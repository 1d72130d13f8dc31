//! An order's state, derived from its parts: never stored, so it cannot disagree with them.
//!
//! Parts are its fulfilment orders. Two kinds do not count: a cancelled one, and one that was
//! rejected and whose units other parts have taken over. The first row that fits:
//!
//! | when, of the parts that count | the order is |
//! | --- | --- |
//! | there is no part at all | received |
//! | every part is cancelled or taken over | cancelled |
//! | one is rejected and its units have no place | unplaced |
//! | one is on hold | on hold |
//! | all are returned | returned |
//! | all are delivered or returned | delivered |
//! | all are shipped or further | shipped |
//! | some are shipped or further | partly shipped |
//! | one waits for supply | backordered |
//! | otherwise | the state of the part that is least far |

use super::fulfillment::FulfillmentOrder;
use super::states::State;

/// Where an order stands, all parts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// All parts that count are at least there, and one is just there.
    All(State),
    /// Some parts have shipped, others have not.
    PartlyShipped,
    /// Units were rejected or found missing, and no part has them now.
    Unplaced,
}

impl OrderStatus {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All(state) => state.name(),
            Self::PartlyShipped => "partly_shipped",
            Self::Unplaced => "unplaced",
        }
    }

    /// The state of an order with these fulfilment orders.
    #[must_use]
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a FulfillmentOrder>) -> Self {
        Self::derive(parts.into_iter().map(|p| (p.state, p.unplaced())))
    }

    /// The state of an order, given the state of every part and its units that have no place.
    #[must_use]
    pub fn derive(parts: impl IntoIterator<Item = (State, u64)>) -> Self {
        let mut seen = Seen::default();
        for (state, unplaced) in parts {
            seen.add(state, unplaced);
        }
        seen.status()
    }
}

/// What the rows of the table ask for.
#[derive(Default)]
struct Seen {
    parts: usize,
    unplaced: bool,
    on_hold: bool,
    backordered: bool,
    shipped: bool,
    least: Option<State>,
}

impl Seen {
    fn add(&mut self, state: State, unplaced: u64) {
        self.parts += 1;
        self.unplaced |= unplaced > 0;
        if matches!(state, State::Cancelled | State::Rejected) {
            return;
        }
        self.on_hold |= state == State::OnHold;
        self.backordered |= state == State::Backordered;
        self.shipped |= state >= State::Shipped;
        self.least = Some(self.least.map_or(state, |least| least.min(state)));
    }

    fn status(&self) -> OrderStatus {
        let Some(least) = self.least else {
            return match (self.parts, self.unplaced) {
                (0, _) => OrderStatus::All(State::Received),
                (_, true) => OrderStatus::Unplaced,
                (_, false) => OrderStatus::All(State::Cancelled),
            };
        };
        match least {
            _ if self.unplaced => OrderStatus::Unplaced,
            _ if self.on_hold => OrderStatus::All(State::OnHold),
            least if least >= State::Shipped => OrderStatus::All(least),
            _ if self.shipped => OrderStatus::PartlyShipped,
            _ if self.backordered => OrderStatus::All(State::Backordered),
            least => OrderStatus::All(least),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::*;

    fn of(parts: &[State]) -> &'static str {
        OrderStatus::derive(parts.iter().map(|&state| (state, 0))).name()
    }

    #[test]
    fn every_row_of_the_table() {
        assert_eq!(of(&[]), "received");
        assert_eq!(of(&[Cancelled, Rejected]), "cancelled");
        let short = OrderStatus::derive([(Shipped, 0), (Rejected, 2)]);
        assert_eq!(short.name(), "unplaced");
        assert_eq!(OrderStatus::derive([(Rejected, 2)]).name(), "unplaced");
        assert_eq!(of(&[Shipped, OnHold]), "on_hold");
        assert_eq!(of(&[Returned, Cancelled]), "returned");
        assert_eq!(of(&[Returned, Delivered]), "delivered");
        assert_eq!(of(&[Delivered, Shipped, Rejected]), "shipped");
        assert_eq!(of(&[Delivered, Packed]), "partly_shipped");
        assert_eq!(of(&[Shipped, Backordered]), "partly_shipped");
        assert_eq!(of(&[Packed, Backordered]), "backordered");
        assert_eq!(of(&[Picked, Sent, Cancelled]), "sent");
    }
}
