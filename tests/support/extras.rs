//! Costs and constraints that only some networks have, strewn over an instance.

use super::generate::Shape;
use super::instance::{Instance, location_id, service_id};
use super::naive;
use super::rng::Rng;
use allot::ledger::DayUse;
use allot::model::{Cents, EpochMillis, Grams, Qty, RegionPart, Restriction, Surcharge, WeekDays};

/// What rules out locations and splits.
pub(crate) fn constraints(rng: &mut Rng, inst: &mut Instance) {
    let places = [
        &["US"][..],
        &["CA", "MX"],
        &["CA", "US"],
        &[],
        &[],
        &[],
        &[],
    ];
    for (l, location) in inst.network.locations.iter_mut().enumerate() {
        location.ships_to = rng.pick(&places).iter().map(|&c| c.into()).collect();
        location.stock_buffer = Qty(rng.pick(&[0, 0, 1, 3]));
        if rng.chance(15) {
            inst.excluded.push(l);
        }
    }
    for demand in &mut inst.demands {
        demand.value = rng.pick(&[0, 500, 2000]);
    }
    inst.policy.min_value_to_split = Cents(rng.pick(&[0, 0, 1000, 8000]));
}

/// Which lines go together, what may not ship where, on which days carriers deliver, and whether
/// the customer collects.
pub(crate) fn rules(rng: &mut Rng, inst: &mut Instance) {
    if rng.chance(50) {
        for demand in &mut inst.demands {
            demand.together = rng.pick(&[0, 1, 1, 2]);
        }
    }
    for service in &mut inst.network.services {
        let on = rng.pick(&["Mon-Fri", "Mon-Sat", "Sat", "Tue-Sun", "Wed Fri"]);
        service.delivers_on = rng
            .chance(40)
            .then(|| WeekDays::parse(on).expect("weekdays"));
    }
    if rng.chance(20) {
        inst.pickup = Some(rng.size(0, inst.network.locations.len() - 1));
    }
    if rng.chance(30) {
        // Half of what ships is of a class, so that a service may refuse it.
        for demand in &mut inst.demands {
            demand.class = rng.pick(&["hazmat", "cold", ""]).into();
        }
    }
    let part = |region: &str, country: &str, prefix: &str| RegionPart {
        region: region.into(),
        country: country.into(),
        postal_prefix: prefix.into(),
    };
    inst.network.regions = vec![
        part("west", "US", "94"),
        part("west", "US", "77"),
        part("north", "US", "1"),
        part("all", "US", ""),
        part("all", "CA", "94"),
    ];
    for _ in 0..rng.pick(&[0, 1, 2, 3, 4]) {
        let (location, service) = (
            rng.size(0, inst.network.locations.len() - 1),
            rng.size(0, inst.network.services.len() - 1),
        );
        let kind = rng.pick(&[0, 1, 2, 2, 3, 3, 4]);
        let row = Restriction {
            location: matches!(kind, 0 | 3 | 4).then(|| location_id(location)),
            service: matches!(kind, 1 | 2 | 4).then(|| service_id(service)),
            class: match kind {
                2 | 3 => rng.pick(&["hazmat", "cold"]).into(),
                _ => "".into(),
            },
            region: rng.pick(&["west", "north", "all", ""]).into(),
        };
        inst.network.restrictions.push(row);
    }
}

/// How much locations hand over on a day, and what they hand over already.
pub(crate) fn days(rng: &mut Rng, inst: &mut Instance) {
    for l in 0..inst.network.locations.len() {
        let row = &mut inst.network.locations[l];
        row.shipments_per_day = rng.chance(50).then(|| rng.pick(&[0, 1, 1, 2, 3]));
        row.units_per_day = rng.chance(50).then(|| rng.pick(&[1, 2, 3, 5, 8]));
        let mut at = inst.now;
        for _ in 0..rng.size(0, 3) {
            at = naive::first_cut_off(&inst.network, l, at);
            if rng.chance(70) {
                inst.used.push(DayUse {
                    location: location_id(l),
                    at,
                    shipments: rng.pick(&[0, 1, 2]),
                    units: rng.pick(&[0, 1, 2, 5]),
                });
            }
            at = EpochMillis(at.0 + 1);
        }
    }
}

/// What carriers and warehouses charge besides postage by weight, each of it now and then.
pub(crate) fn costs(rng: &mut Rng, inst: &mut Instance, shape: &Shape) {
    let measured = rng.chance(shape.measured);
    for location in &mut inst.network.locations {
        location.handling_per_line = Cents(rng.pick(&[0, 0, 30, 200]));
        location.packaging_per_parcel = Cents(rng.pick(&[0, 0, 25, 180]));
    }
    for service in &mut inst.network.services {
        service.minimum = Cents(rng.pick(&[0, 0, 0, 500, 1000, 3000]));
    }
    for demand in &mut inst.demands {
        demand.ships_alone = measured && rng.chance(20);
        demand.longest_mm = rng.pick(&[0, 200, 1200, 2500]);
    }
    let areas = ["", "remote", "island"];
    for place in &mut inst.network.places {
        place.area = rng.pick(&areas).into();
    }
    inst.ship_to.residential = rng.chance(50);
    for _ in 0..rng.size(0, 5) {
        let service = service_id(rng.size(0, inst.network.services.len() - 1));
        let row = Surcharge {
            service,
            over_length_mm: (measured && rng.chance(30)).then(|| rng.pick(&[0, 199, 1200, 2000])),
            over_cm3: (measured && rng.chance(30)).then(|| rng.pick(&[0, 999, 1235, 5000])),
            over: (measured && rng.chance(30)).then(|| Grams(rng.pick(&[0, 499, 1000, 2999]))),
            area: rng
                .pick(&["", "", "residential", "remote", "island"])
                .into(),
            cents: Cents(rng.pick(&[1, 90, 400, 1500])),
        };
        inst.network.surcharges.push(row);
    }
}
