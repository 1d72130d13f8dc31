//! The events of returns: each unit is booked exactly once, under `(return, n)`.

use super::{Events, order_key};
use crate::feed::event::{Names, StreamSet};
use crate::feed::fields::{Field, FieldsWriter};
use crate::model::{Booking, ReturnEvent, ReturnFact, ReturnStep};

impl<N: Names + ?Sized> Events<'_, N> {
    pub(super) fn return_changed(&mut self, fact: &ReturnFact) {
        let names = self.names;
        let begin = |f: &mut FieldsWriter<'_>| {
            f.text(Field::Return, &fact.id);
            order_key(f, &fact.key);
            f.number(Field::Fulfillment, fact.number);
        };
        match &fact.step {
            ReturnStep::Authorised { location, lines } => {
                for (_, sku, qty) in lines {
                    self.push(StreamSet::ORDERS, "return.authorised", |f| {
                        begin(f);
                        f.text(Field::Sku, names.sku_name(*sku))
                            .number(Field::Qty, qty.0)
                            .text(Field::Location, names.location_name(*location));
                    });
                }
            }
            ReturnStep::Received { .. } => {
                let units: u64 = fact.booked.iter().map(|b| u64::from(b.qty.0)).sum();
                self.push(StreamSet::ORDERS, "fulfillment.returned", |f| {
                    begin(f);
                    f.text(Field::State, fact.state.name())
                        .number(Field::Units, units);
                });
            }
            ReturnStep::Graded { .. } => {}
            ReturnStep::Closed => self.push(StreamSet::ORDERS, "return.closed", begin),
        }
        for booked in &fact.booked {
            self.booked(fact, booked, begin);
        }
    }

    fn booked(
        &mut self,
        fact: &ReturnFact,
        booked: &ReturnEvent,
        begin: impl Fn(&mut FieldsWriter<'_>),
    ) {
        let names = self.names;
        let kind = match booked.booking {
            Booking::ItemReceipt => "return.item_receipt",
            Booking::CreditMemo => "return.credit_memo",
            Booking::InventoryAdjustment(_) => "return.inventory_adjustment",
            Booking::CarrierClaim => "return.carrier_claim",
        };
        self.push(StreamSet::ORDERS, kind, |f| {
            begin(f);
            f.number(Field::N, booked.number)
                .text(Field::Sku, names.sku_name(booked.sku))
                .number(Field::Qty, booked.qty.0)
                .text(Field::Location, names.location_name(booked.location));
            if let ReturnStep::Graded { grade, .. } = fact.step {
                f.text(Field::Grade, grade.name());
            }
        });
    }
}
