//! Instances that differ from another by one thing that can only help.
//!
//! Whether a demand divides depends on who has all of it, so more stock can forbid a plan that was
//! allowed before; such changes are left out here.

use super::instance::{Instance, service_id};
use super::naive;
use allot::model::{Cents, Grams, Qty, Service, TariffStep, WeekDays, Zone};

/// A change that never makes the best plan dearer.
type Change = (&'static str, fn(&mut Instance));

const CHANGES: [Change; 41] = [
    ("one more shipment", |i| i.policy.max_shipments += 1),
    ("soft date", |i| i.hard = false),
    ("no date", |i| i.deliver_by = None),
    ("a day later", |i| {
        i.deliver_by = i.deliver_by.map(|d| d + 1)
    }),
    ("may be incomplete", |i| i.policy.ship_complete = false),
    ("may backorder", |i| i.policy.allow_backorder = true),
    ("nothing paused", |i| i.paused.clear()),
    ("no holidays", |i| i.network.holidays.clear()),
    ("no scarcity", |i| i.network.scarcity.clear()),
    ("no buffers", without_buffers),
    ("every ability", |i| {
        let classes = i.demands.iter().map(|d| d.class.as_str().into());
        let classes: Vec<Box<str>> = classes.collect();
        for location in &mut i.network.locations {
            location.abilities.clone_from(&classes);
        }
    }),
    ("carried for nothing, not collected", carried_for_nothing),
    ("no limits", |i| {
        i.stock.iter_mut().for_each(|s| s.limit = None)
    }),
    ("all may split", |i| {
        i.demands.iter_mut().for_each(|d| d.may_split = true)
    }),
    ("no classes", |i| {
        i.demands.iter_mut().for_each(|d| d.class.clear())
    }),
    ("no volume", |i| {
        i.demands.iter_mut().for_each(|d| d.volume_mm3 = 0)
    }),
    ("fine billing", |i| {
        // Fewer parcels are larger ones.
        if !i.network.surcharges.iter().any(|s| s.over_cm3.is_some()) {
            i.network
                .services
                .iter_mut()
                .for_each(|s| s.billing_step = Grams(1));
        }
    }),
    ("nothing excluded", |i| i.excluded.clear()),
    ("nothing together", |i| {
        i.demands.iter_mut().for_each(|d| d.together = 0)
    }),
    ("nothing handed over yet", |i| i.used.clear()),
    ("any number a day", |i| {
        for location in &mut i.network.locations {
            (location.shipments_per_day, location.units_per_day) = (None, None);
        }
    }),
    ("nothing restricted", |i| i.network.restrictions.clear()),
    ("delivers every day it moves and more", |i| {
        for service in &mut i.network.services {
            let on = service.delivers_on.unwrap_or(service.works_on);
            service.delivers_on = Some(allot::model::WeekDays(on.0 | service.works_on.0));
        }
    }),
    ("all ship everywhere", |i| {
        i.network
            .locations
            .iter_mut()
            .for_each(|l| l.ships_to.clear())
    }),
    ("any value may split", |i| {
        i.policy.min_value_to_split = Cents(0)
    }),
    ("dearer goods", |i| {
        i.demands.iter_mut().for_each(|d| d.value += 1000)
    }),
    ("no surcharges", |i| i.network.surcharges.clear()),
    ("not a home", |i| i.ship_to.residential = false),
    ("no minimum", |i| {
        i.network
            .services
            .iter_mut()
            .for_each(|s| s.minimum = Cents(0))
    }),
    ("no cartons", |i| {
        i.network
            .locations
            .iter_mut()
            .for_each(|l| l.packaging_per_parcel = Cents(0))
    }),
    ("nothing per line", |i| {
        i.network
            .locations
            .iter_mut()
            .for_each(|l| l.handling_per_line = Cents(0))
    }),
    ("no lead", |i| {
        i.network
            .locations
            .iter_mut()
            .for_each(|l| l.lead_hours = 0)
    }),
    ("cheaper shorts", |i| {
        i.policy.short_per_unit = Cents(i.policy.short_per_unit.0 / 2)
    }),
    ("cheaper splits", |i| {
        i.policy.split_penalty = Cents(i.policy.split_penalty.0 / 2)
    }),
    ("cheaper days", |i| i.policy.speed_value_per_day = Cents(0)),
    ("cheaper lateness", |i| i.policy.late_per_day = Cents(0)),
    ("cheaper postage", |i| {
        i.network
            .tariffs
            .iter_mut()
            .for_each(|t| t.cents = Cents(t.cents.0 * 9 / 10));
    }),
    ("faster transit", |i| {
        i.network
            .zones
            .iter_mut()
            .for_each(|z| z.transit_days = z.transit_days.saturating_sub(1));
    }),
    ("one more unit everywhere", |i| {
        for stock in &mut i.stock {
            stock
                .limit
                .iter_mut()
                .flatten()
                .for_each(|step| step.1 += 1);
            for cell in &mut stock.cells {
                cell.now += 1;
                cell.later.iter_mut().for_each(|step| step.1 += 1);
            }
        }
    }),
    ("all arrives at once", |i| {
        for stock in &mut i.stock {
            stock.limit = None;
            for cell in &mut stock.cells {
                cell.now = cell.later.last().map_or(cell.now, |step| step.1);
                cell.later.clear();
            }
        }
    }),
    ("one demand less", |i| {
        // Units that travel with what a shipment waits for may count against a later, larger limit;
        // without it they may not.
        let value = i.policy.min_value_to_split > Cents(0);
        let rises = i
            .stock
            .iter()
            .flat_map(|s| &s.limit)
            .any(|limit| limit.len() > 1);
        // Fewer parcels are larger ones.
        let measured = i.network.surcharges.iter().any(|s| s.over_cm3.is_some());
        if !rises && !measured && !value {
            i.demands.pop();
            i.stock.pop();
        }
    }),
];

/// The changes that take away one constraint each, by what it is called.
pub(crate) const CONSTRAINTS: [(&str, &str); 14] = [
    ("item classes against abilities", "every ability"),
    ("regions", "nothing restricted"),
    ("countries", "all ship everywhere"),
    ("store buffers", "no buffers"),
    ("lines that go together", "nothing together"),
    ("lines that may not split", "all may split"),
    ("most shipments", "one more shipment"),
    ("ship complete", "may be incomplete"),
    ("no backorder", "may backorder"),
    ("least value to split", "any value may split"),
    ("capacity of a day", "any number a day"),
    ("paused", "nothing paused"),
    ("excluded", "nothing excluded"),
    (
        "collected in a given store",
        "carried for nothing, not collected",
    ),
];

/// What locations keep back is there for the order. Where a channel limits what is shown it stays.
fn without_buffers(inst: &mut Instance) {
    for location in 0..inst.network.locations.len() {
        let row = &mut inst.network.locations[location];
        let kept = std::mem::replace(&mut row.stock_buffer, Qty::ZERO);
        for stock in inst.stock.iter_mut().filter(|s| s.limit.is_none()) {
            for cell in stock.cells.iter_mut().filter(|c| c.location == location) {
                cell.now += kept.0;
                cell.later.iter_mut().for_each(|step| step.1 += kept.0);
            }
        }
    }
}

/// Whoever collected it gets it from anywhere, by carriers that take everything everywhere on the
/// same day for nothing.
fn carried_for_nothing(inst: &mut Instance) {
    if inst.pickup.take().is_none() {
        return;
    }
    let net = &mut inst.network;
    net.surcharges.clear();
    net.restrictions.clear();
    net.zone_pairs.clear();
    net.zones.clear();
    net.tariffs.clear();
    for location in &mut net.locations {
        location.ships_to.clear();
        location.packaging_per_parcel = Cents(0);
    }
    for (number, row) in net.services.iter_mut().enumerate() {
        *row = Service {
            id: row.id.clone(),
            works_on: WeekDays(0b111_1111),
            billing_step: Grams(1),
            max: Grams(1_000_000_000),
            ..Service::default()
        };
        let service = service_id(number);
        net.zones.push(Zone {
            service,
            zone: 1,
            max_km: None,
            transit_days: 0,
        });
        net.tariffs.push(TariffStep {
            service,
            zone: 1,
            max: Grams(1_000_000_000),
            cents: Cents(0),
        });
    }
}

/// The instances that are one change easier than `inst`, each with the name of the change.
pub(crate) fn easier(inst: &Instance) -> Vec<(&'static str, Instance)> {
    let divides = |i: &Instance| -> Vec<bool> {
        (0..i.demands.len())
            .map(|d| naive::divisible(i, d))
            .collect()
    };
    let before = divides(inst);
    let change = |(name, change): &Change| {
        let mut changed = inst.clone();
        change(&mut changed);
        // A demand that divided before must still do so.
        let kept = divides(&changed)
            .iter()
            .zip(&before)
            .all(|(now, before)| now >= before);
        let real = changed != *inst && !changed.demands.is_empty();
        (real && kept).then_some((*name, changed))
    };
    CHANGES.iter().filter_map(change).collect()
}
