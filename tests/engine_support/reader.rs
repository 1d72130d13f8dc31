//! A reader of the feed that adds up what its events say: it must come to the state.

use allot::engine::Engine;
use allot::feed::{Batch, Event, Field, from_fact};
use allot::model::{EpochMillis, Fact, Lsn, SkuId};
use std::collections::BTreeMap;

/// Units at one position: on hand, kept back, on hold.
pub(crate) type Units = (u32, u32, u32);
pub(crate) type Spot = (String, String);

/// What a reader of the feed keeps. It knows types and fields of events and nothing else.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) positions: BTreeMap<Spot, Units>,
    holds: BTreeMap<String, (Spot, u32)>,
    /// By source and order: where each part stands.
    pub(crate) parts: BTreeMap<String, BTreeMap<u32, String>>,
    /// Units by return and kind of booking.
    pub(crate) booked: BTreeMap<(String, String), u64>,
}

fn text(event: &Event<'_>, field: Field) -> String {
    let bytes = event.fields().get(field).unwrap_or_default();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn number(event: &Event<'_>, field: Field) -> u32 {
    let text = text(event, field);
    text.parse()
        .unwrap_or_else(|_| panic!("{field:?} is '{text}'"))
}

impl Reader {
    /// Who has read the events of these facts, the first of which is number 1.
    pub(crate) fn of(engine: &Engine, facts: &[(EpochMillis, Fact)]) -> Self {
        let (mut reader, mut batch) = (Self::default(), Batch::new());
        for (lsn, (at, fact)) in (1..).zip(facts) {
            batch.clear();
            from_fact(Lsn(lsn), *at, fact, engine, &mut batch);
            batch.iter().for_each(|event| reader.read(&event));
        }
        reader
    }

    fn read(&mut self, event: &Event<'_>) {
        let kind = text(event, Field::Type);
        let spot = (text(event, Field::Sku), text(event, Field::Location));
        let order = format!(
            "{}/{}",
            text(event, Field::Source),
            text(event, Field::Order)
        );
        match &*kind {
            "stock.opened" => {
                let here = self.positions.entry(spot).or_default();
                here.0 = number(event, Field::OnHand);
                here.1 = number(event, Field::SafetyStock);
            }
            "stock.moved" => {
                let here = self.positions.entry(spot).or_default();
                assert_eq!(
                    here.0,
                    number(event, Field::Before),
                    "a movement is missing"
                );
                here.0 = number(event, Field::After);
            }
            "stock.shipped" | "stock.missing" => {
                let here = self.positions.entry(spot).or_default();
                here.0 = here.0.saturating_sub(number(event, Field::Qty));
            }
            "stock.safety_set" => {
                self.positions.entry(spot).or_default().1 = number(event, Field::Qty);
            }
            "hold.placed" => {
                let qty = number(event, Field::Qty);
                self.positions.entry(spot.clone()).or_default().2 += qty;
                self.holds.insert(text(event, Field::Hold), (spot, qty));
            }
            "hold.released" => {
                let (spot, held) = self.holds.get_mut(&text(event, Field::Hold)).unwrap();
                let qty = number(event, Field::Qty);
                *held -= qty;
                self.positions.get_mut(spot).unwrap().2 -= qty;
            }
            "order.cancelled" => {
                let parts = self.parts.entry(order).or_default().values_mut();
                for state in parts.filter(|s| *s != "rejected") {
                    *state = "cancelled".to_owned();
                }
            }
            "shipment.planned" => {
                let parts = self.parts.entry(order).or_default();
                parts.insert(number(event, Field::Shipment), "routed".to_owned());
            }
            "order.short" => self.short(order),
            _ if kind.starts_with("return.") && event.fields().get(Field::N).is_some() => {
                let booking = (text(event, Field::Return), kind);
                *self.booked.entry(booking).or_default() += u64::from(number(event, Field::Qty));
            }
            _ => self.part(order, event),
        }
    }

    /// What is short waits together, as one part after the shipments.
    fn short(&mut self, order: String) {
        let parts = self.parts.entry(order).or_default();
        let waits = parts.values().any(|state| state == "backordered");
        if !waits {
            let next = u32::try_from(parts.len()).unwrap() + 1;
            parts.insert(next, "backordered".to_owned());
        }
    }

    fn part(&mut self, order: String, event: &Event<'_>) {
        let fields = event.fields();
        let (part, state) = (fields.get(Field::Fulfillment), fields.get(Field::State));
        if part.is_some() && state.is_some() {
            let parts = self.parts.entry(order).or_default();
            let state = text(event, Field::State);
            parts.insert(number(event, Field::Fulfillment), state);
        }
    }
}

/// The same as the ledger says it.
pub(crate) fn positions_of(engine: &Engine, now: EpochMillis) -> BTreeMap<Spot, Units> {
    let skus = (0..engine.registry().sku_count()).filter_map(SkuId::from_index);
    let all = skus.flat_map(|sku| {
        let reports = engine.ledger().positions(sku, now).into_iter();
        reports.map(move |r| (sku, r.position))
    });
    all.map(|(sku, p)| {
        let registry = engine.registry();
        let location = registry.location_name(p.location()).to_owned();
        let spot = (registry.sku_name(sku).to_owned(), location);
        (spot, (p.on_hand, p.safety, p.held))
    })
    .collect()
}

/// Where each part of the orders 0 to 79 stands, as the orders say it.
pub(crate) fn parts_of(engine: &Engine) -> BTreeMap<String, BTreeMap<u32, String>> {
    let mut all = BTreeMap::new();
    for id in (0..80).map(|id: u32| id.to_string()) {
        let Ok(views) = engine.fulfillments("shop", &id) else {
            continue;
        };
        let parts = views.iter().map(|view| {
            let part = &view.part;
            (part.id.number, part.state.name().to_owned())
        });
        all.insert(format!("shop/{id}"), parts.collect());
    }
    all
}
