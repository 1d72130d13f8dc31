//! The events of units of an order that got another place.

use super::{Events, order_key};
use crate::feed::event::{Names, StreamSet};
use crate::feed::fields::{Field, FieldsWriter};
use crate::model::{Amended, NewPart, ReplannedFact, State};
use std::collections::BTreeMap;

impl<N: Names + ?Sized> Events<'_, N> {
    pub(super) fn replanned(&mut self, fact: &ReplannedFact) {
        let names = self.names;
        let begin = |f: &mut FieldsWriter<'_>| order_key(f, &fact.key);
        match &fact.amended {
            Some(amended) => self.amended(amended, begin),
            None => {
                let units: u64 = fact.given_up.iter().map(|g| u64::from(g.qty.0)).sum();
                self.push(StreamSet::ORDERS, "order.replanned", |f| {
                    begin(f);
                    f.text(Field::Reason, fact.reason.name())
                        .number(Field::Units, units)
                        .number(Field::Shipments, fact.parts.len());
                });
            }
        }
        let mut given_up: BTreeMap<u32, u64> = BTreeMap::new();
        for one in &fact.given_up {
            *given_up.entry(one.number).or_default() += u64::from(one.qty.0);
        }
        for (number, units) in given_up {
            let left = fact.left.iter().find(|(left, _)| *left == number);
            self.push(StreamSet::ORDERS, "fulfillment.gave_up", |f| {
                begin(f);
                f.number(Field::Fulfillment, number)
                    .text(Field::State, left.map_or("", |(_, state)| state.name()))
                    .number(Field::Units, units);
            });
        }
        for part in &fact.parts {
            self.new_part(part, begin);
        }
        for one in &fact.freed {
            self.push(StreamSet::STOCK, "stock.freed", |f| {
                begin(f);
                f.text(Field::Sku, names.sku_name(one.sku))
                    .text(Field::Location, names.location_name(one.location))
                    .number(Field::Qty, one.qty.0);
            });
        }
        self.claims(&fact.granted, begin);
    }

    fn amended(&mut self, amended: &Amended, begin: impl Fn(&mut FieldsWriter<'_>)) {
        let (order, plan) = (&amended.order, &amended.decision.plan);
        let units: u64 = order.lines.iter().map(|line| u64::from(line.qty.0)).sum();
        self.push(StreamSet::ORDERS, "order.amended", |f| {
            begin(f);
            f.text(Field::Reference, &amended.reference)
                .number(Field::Lines, order.lines.len())
                .number(Field::Units, units)
                .number(Field::Shipments, plan.shipments.len())
                .number(Field::Cents, plan.objective.total().0)
                .flag(Field::Optimal, amended.decision.proof.optimal);
        });
    }

    /// As if the part had been routed, or let wait, by itself.
    fn new_part(&mut self, part: &NewPart, begin: impl Fn(&mut FieldsWriter<'_>)) {
        let names = self.names;
        let units: u64 = part.lines.iter().map(|(_, qty)| u64::from(qty.0)).sum();
        let (kind, state, streams) = match part.route {
            Some(_) => ("fulfillment.routed", State::Routed, StreamSet::ORDERS),
            None => (
                "fulfillment.backordered",
                State::Backordered,
                StreamSet::ORDER_EXCEPTIONS,
            ),
        };
        let numbered = |f: &mut FieldsWriter<'_>, state: State| {
            begin(f);
            f.number(Field::Fulfillment, part.number)
                .flag(Field::Late, false)
                .text(Field::State, state.name());
        };
        self.push(streams, kind, |f| {
            numbered(f, state);
            f.number(Field::Units, units);
            if let Some(route) = &part.route {
                f.text(Field::Location, names.location_name(route.location))
                    .text(Field::Service, names.service_name(route.service))
                    .shown(Field::ShipAt, route.ship_at)
                    .shown(Field::DeliverOn, route.deliver_on)
                    .number(Field::Cents, route.cents.0);
            }
        });
        if let Some(reason) = &part.held {
            self.push(StreamSet::ORDERS, "fulfillment.held", |f| {
                numbered(f, State::OnHold);
                f.text(Field::Reason, reason);
            });
        }
    }
}
