//! Where orders lose time before they are sent: counted when a holder confirms a part.
//!
//! Made from the parts, which keep their own times, so nothing of it is written down.

use super::Engine;
use crate::ledger::Reservation;
use crate::lifecycle::{
    DelayBudget, DelayGroup, DelayPlace, DelayQuery, DelaySums, FulfillmentOrder, OrderRecord,
};
use crate::model::Order;

impl Engine {
    /// What was sent lately and where its time went, by group in ascending order.
    #[must_use]
    pub fn delay_report(&self, query: &DelayQuery) -> Vec<(DelayGroup, DelaySums)> {
        self.delays.lock().report(query)
    }

    /// Counts a part that was sent, or was given back since.
    pub(super) fn count_delay(
        &self,
        order: &Order,
        before: Option<&FulfillmentOrder>,
        after: &FulfillmentOrder,
    ) {
        let sent = |part: &FulfillmentOrder| self.sent(order, part);
        let (was, is) = (before.and_then(sent), sent(after));
        if was == is {
            return;
        }
        let mut book = self.delays.lock();
        if let Some((place, budget)) = was {
            book.remove(place, &budget);
        }
        if let Some((place, budget)) = is {
            book.add(place, &budget);
        }
    }

    /// The same for all parts of an order that a snapshot holds.
    pub(super) fn count_delays(&self, record: &OrderRecord<Reservation>) {
        for part in &record.parts {
            self.count_delay(&record.order, None, part);
        }
    }

    fn sent(&self, order: &Order, part: &FulfillmentOrder) -> Option<(DelayPlace, DelayBudget)> {
        let (at, budget) = part.times.sent()?;
        let channel = self
            .registry
            .channel_asked("channel", &order.channel)
            .ok()?;
        let location = part.route.as_ref()?.location;
        Some((DelayPlace::new(at, channel, location), budget))
    }
}
