//! The events of what happens to a fulfilment order.

use super::{Events, order_key};
use crate::feed::event::{Names, StreamSet};
use crate::feed::fields::{Field, FieldsWriter};
use crate::model::{Change, FulfillmentFact, Parcel, Qty, Settled};

impl<N: Names + ?Sized> Events<'_, N> {
    pub(super) fn fulfillment(&mut self, fact: &FulfillmentFact) {
        let names = self.names;
        let (kind, streams) = kind(&fact.change);
        let begin = |f: &mut FieldsWriter<'_>| {
            order_key(f, &fact.key);
            f.number(Field::Fulfillment, fact.number)
                .flag(Field::Late, fact.late);
        };
        self.push(streams, kind, |f| {
            begin(f);
            f.text(Field::State, fact.state.name());
            match &fact.change {
                Change::Route(route) => {
                    f.text(Field::Location, names.location_name(route.location))
                        .text(Field::Service, names.service_name(route.service))
                        .shown(Field::ShipAt, route.ship_at)
                        .shown(Field::DeliverOn, route.deliver_on)
                        .number(Field::Cents, route.cents.0);
                }
                Change::Claim {
                    holder, lease_end, ..
                } => {
                    f.text(Field::Holder, holder)
                        .shown(Field::LeaseEnd, lease_end);
                }
                Change::Register { holder } => {
                    f.text(Field::Holder, holder);
                }
                Change::TakeBack {
                    vouched_by: Some(person),
                } => {
                    f.text(Field::VouchedBy, person);
                }
                Change::Hold { reason } | Change::Reject { reason } | Change::Cancel { reason } => {
                    f.text(Field::Reason, reason);
                }
                Change::Ship { parcels } => {
                    f.number(Field::Parcels, parcels.len());
                }
                Change::Short { lines } | Change::Return { lines } => {
                    f.number(Field::Units, units(lines));
                }
                Change::Deliver {
                    parcel: Some(parcel),
                } => {
                    f.text(Field::Carrier, &parcel.carrier)
                        .text(Field::Tracking, &parcel.number);
                }
                _ => {}
            }
        });
        if let Change::Ship { parcels } = &fact.change {
            self.parcels(parcels, begin);
        }
        self.settled(&fact.settled, begin);
    }

    fn parcels(&mut self, parcels: &[Parcel], begin: impl Fn(&mut FieldsWriter<'_>)) {
        for parcel in parcels {
            self.push(StreamSet::ORDERS, "parcel.shipped", |f| {
                begin(f);
                f.text(Field::Carrier, &parcel.tracking.carrier)
                    .text(Field::Tracking, &parcel.tracking.number);
                if let Some(cents) = parcel.cents {
                    f.number(Field::Cents, cents.0);
                }
            });
        }
    }

    /// Units that left, were missing or are free again, each on its own.
    fn settled(&mut self, settled: &[Settled], begin: impl Fn(&mut FieldsWriter<'_>)) {
        let names = self.names;
        for one in settled {
            let freed = one
                .freed
                .saturating_sub(one.shipped)
                .saturating_sub(one.missing);
            let parts = [
                ("stock.shipped", StreamSet::STOCK, one.shipped),
                ("stock.missing", StreamSet::STOCK_EXCEPTIONS, one.missing),
                ("stock.freed", StreamSet::STOCK, freed),
            ];
            for (kind, streams, qty) in parts.into_iter().filter(|(_, _, q)| !q.is_zero()) {
                self.push(streams, kind, |f| {
                    begin(f);
                    f.text(Field::Sku, names.sku_name(one.sku))
                        .text(Field::Location, names.location_name(one.location))
                        .number(Field::Qty, qty.0);
                });
            }
        }
    }
}

fn units(lines: &[(u16, Qty)]) -> u64 {
    lines.iter().map(|(_, qty)| u64::from(qty.0)).sum()
}

fn kind(change: &Change) -> (&'static str, StreamSet) {
    let orders = StreamSet::ORDERS;
    match change {
        Change::Validate => ("fulfillment.validated", orders),
        Change::Route(_) => ("fulfillment.routed", orders),
        Change::Backorder => ("fulfillment.backordered", StreamSet::ORDER_EXCEPTIONS),
        Change::Hold { .. } => ("fulfillment.held", orders),
        Change::Resume => ("fulfillment.resumed", orders),
        Change::Claim { .. } | Change::Register { .. } => ("fulfillment.sent", orders),
        Change::TakeBack { .. } => ("fulfillment.taken_back", orders),
        Change::Acknowledge => ("fulfillment.acknowledged", orders),
        Change::Short { .. } => ("fulfillment.short", StreamSet::ORDER_EXCEPTIONS),
        Change::Pick => ("fulfillment.picked", orders),
        Change::Pack => ("fulfillment.packed", orders),
        Change::Ship { .. } => ("fulfillment.shipped", orders),
        Change::Deliver { parcel: None } => ("fulfillment.delivered", orders),
        Change::Deliver { parcel: Some(_) } => ("parcel.delivered", orders),
        Change::Return { .. } => ("fulfillment.returned", orders),
        Change::Reject { .. } => ("fulfillment.rejected", StreamSet::ORDER_EXCEPTIONS),
        Change::Cancel { .. } => ("fulfillment.cancelled", orders),
    }
}
