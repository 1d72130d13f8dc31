//! What the facts of a journal are, and which are about an order.

use crate::model::Fact;

/// Whether a fact is about an order.
pub(super) fn is_about(fact: &Fact, source: &str, id: &str) -> bool {
    let key = match fact {
        Fact::OrderAccepted { order, .. } => &order.key,
        Fact::OrderCancelled { key } => key,
        Fact::FulfillmentChanged(fact) => &fact.key,
        Fact::ReturnChanged(fact) => &fact.key,
        Fact::OrderReplanned(fact) => &fact.key,
        Fact::ExceptionChanged(fact) => match fact.subject.topic.order_key() {
            Some(key) => key,
            None => return false,
        },
        Fact::CostTold(fact) => &fact.key,
        _ => return false,
    };
    (key.source(), key.order()) == (source, id)
}

/// What kind of fact it is, for people.
pub(super) fn kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::ItemPut { .. } => "item put",
        Fact::LocationPut { .. } => "location put",
        Fact::LocationPaused { .. } => "location paused or resumed",
        Fact::ChannelAdded { .. } => "channel added",
        Fact::OnHandMoved { .. } => "on hand moved",
        Fact::SafetyStockSet { .. } => "safety stock set",
        Fact::HoldPlaced { .. } => "hold placed",
        Fact::HoldReleased { .. } => "hold released",
        Fact::IncomingExpected(_) => "supply expected",
        Fact::IncomingDelayed { .. } => "supply delayed",
        Fact::IncomingReduced { .. } => "supply received",
        Fact::AllocationSet { .. } => "allocation set",
        Fact::Reserved { .. } => "reserved",
        Fact::ReservationPut { .. } => "reservation put",
        Fact::ReservationExtended { .. } => "reservation extended or confirmed",
        Fact::ReservationEnded { .. } => "reservation ended",
        Fact::ReservationCancelled { .. } => "reservation cancelled",
        Fact::OrderAccepted { .. } => "order accepted",
        Fact::OrderCancelled { .. } => "order cancelled",
        Fact::Referenced { .. } => "reference answered",
        Fact::LoadAnswered { .. } => "load answered",
        Fact::NetworkOpened { .. } => "network opened",
        Fact::PromiseRulesSet { .. } => "promise rules set",
        Fact::PositionOpened { .. } => "position opened",
        Fact::OpeningDone => "opening done",
        Fact::IncomingCancelled { .. } => "supply cancelled",
        Fact::ReleaseKeyMade { .. } => "release key made",
        Fact::FulfillmentChanged(_) => "fulfilment order changed",
        Fact::ReturnChanged(_) => "return changed",
        Fact::OrderReplanned(_) => "order placed anew",
        Fact::ExceptionChanged(_) => "exception opened, assigned or resolved",
        Fact::CostTold(_) => "cost told",
        Fact::ThresholdSet { .. } => "threshold set",
        Fact::AvailabilityCrossed(_) => "availability crossed",
        Fact::BacklogTold(_) => "backlog run told",
        Fact::FeedGroup(_) => "consumer group changed",
    }
}
