//! The events of costs.

use super::{Events, order_key};
use crate::feed::event::{Names, StreamSet};
use crate::feed::fields::{Field, FieldsWriter};
use crate::model::{CostFact, CostTold};

impl<N: Names + ?Sized> Events<'_, N> {
    pub(super) fn cost(&mut self, fact: &CostFact) {
        let (names, place) = (self.names, &fact.place);
        let begin = |f: &mut FieldsWriter<'_>| {
            order_key(f, &fact.key);
            f.number(Field::Fulfillment, fact.number)
                .text(Field::Location, names.location_name(place.location))
                .text(Field::Carrier, &place.carrier)
                .text(Field::Channel, names.channel_name(place.channel))
                .shown(Field::Day, place.day);
        };
        match &fact.told {
            CostTold::Shipped(prices) => {
                let [split, distance, partner, postage] = prices.steps(fact.forecast);
                self.push(StreamSet::ORDERS, "cost.shipped", |f| {
                    begin(f);
                    f.number(Field::Forecast, fact.forecast.0)
                        .number(Field::Cents, prices.paid.0)
                        .number(Field::Split, split)
                        .number(Field::Distance, distance)
                        .number(Field::PremiumPartner, partner)
                        .number(Field::Postage, postage);
                });
            }
            CostTold::Extra {
                kind,
                cents,
                reason,
            } => self.push(StreamSet::ORDERS, "cost.added", |f| {
                begin(f);
                f.text(Field::Kind, kind.name())
                    .number(Field::Cents, cents.0)
                    .text(Field::Reason, reason);
            }),
        }
    }
}
