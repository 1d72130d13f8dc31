//! A failing instance made as small as it gets: parts are taken away while it still fails.

use super::instance::{Instance, location_id, service_id};
use allot::model::{Cents, Grams, LocationId, ServiceId, WeekDays};
use std::time::{Duration, Instant};

/// Longest time that is spent on one failure: a larger instance than need be tells something too.
const TIME_MAX: Duration = Duration::from_secs(20);

/// The smallest instance reached from `inst` by steps after each of which `fails` holds.
pub(crate) fn shrink(inst: &Instance, fails: impl Fn(&Instance) -> bool) -> Instance {
    let start = Instant::now();
    let mut inst = inst.clone();
    let found = |one: &Instance| {
        let mut simpler = smaller(one)
            .into_iter()
            .take_while(|_| start.elapsed() < TIME_MAX);
        simpler.find(|i| i != one && fails(i))
    };
    while let Some(simpler) = found(&inst) {
        inst = simpler;
    }
    inst
}

/// Instances that are one step simpler, boldest first.
fn smaller(inst: &Instance) -> Vec<Instance> {
    let mut found = Vec::new();
    let mut with = |change: &dyn Fn(&mut Instance)| {
        let mut one = inst.clone();
        change(&mut one);
        found.push(one);
    };
    for d in 0..inst.demands.len() {
        with(&|i| {
            i.demands.remove(d);
            i.stock.remove(d);
        });
    }
    (0..inst.network.locations.len()).for_each(|l| with(&|i| drop_location(i, l)));
    (0..inst.network.services.len()).for_each(|s| with(&|i| drop_service(i, s)));
    for d in 0..inst.demands.len() {
        (0..inst.stock[d].cells.len()).for_each(|c| {
            with(&|i| {
                i.stock[d].cells.remove(c);
            });
            with(&|i| {
                let cells = &mut i.stock[d].cells;
                cells[c].later.clear();
                cells.retain(|cell| cell.now > 0 || !cell.later.is_empty());
            });
        });
        with(&|i| i.stock[d].limit = None);
        with(&|i| i.demands[d].qty = 1);
        with(&|i| i.demands[d].qty = (i.demands[d].qty - 1).max(1));
        with(&|i| i.demands[d].grams = 0);
        with(&|i| i.demands[d].volume_mm3 = 0);
        with(&|i| i.demands[d].class = String::new());
        with(&|i| i.demands[d].may_split = false);
        with(&|i| i.demands[d].ships_alone = false);
        with(&|i| i.demands[d].longest_mm = 0);
        with(&|i| i.demands[d].together = 0);
    }
    rows(inst, &mut with);
    simpler_rows(inst, &mut with);
    simpler_order(&mut with);
    found
}

type With<'a> = dyn FnMut(&dyn Fn(&mut Instance)) + 'a;

/// Rows of the network that may be missing.
fn rows(inst: &Instance, with: &mut With) {
    let net = &inst.network;
    with(&|i| i.network.holidays.clear());
    with(&|i| i.network.zone_pairs.clear());
    with(&|i| i.network.scarcity.clear());
    with(&|i| i.paused.clear());
    with(&|i| i.excluded.clear());
    with(&|i| i.pickup = None);
    with(&|i| i.used.clear());
    (0..inst.used.len()).for_each(|u| {
        with(&|i| {
            i.used.remove(u);
        });
    });
    (0..net.tariffs.len()).for_each(|r| {
        with(&|i| {
            i.network.tariffs.remove(r);
        });
    });
    (0..net.restrictions.len()).for_each(|r| {
        with(&|i| {
            i.network.restrictions.remove(r);
        });
        with(&|i| i.network.restrictions[r].region = "".into());
    });
    (0..net.surcharges.len()).for_each(|r| {
        with(&|i| {
            i.network.surcharges.remove(r);
        });
        with(&|i| i.network.surcharges[r].over = None);
        with(&|i| i.network.surcharges[r].over_cm3 = None);
        with(&|i| i.network.surcharges[r].over_length_mm = None);
        with(&|i| i.network.surcharges[r].area = "".into());
    });
    (0..net.zones.len()).for_each(|r| {
        with(&|i| {
            let zone = i.network.zones.remove(r);
            i.network
                .tariffs
                .retain(|t| (t.service, t.zone) != (zone.service, zone.zone));
        });
    });
    (0..net.holidays.len()).for_each(|r| {
        with(&|i| {
            i.network.holidays.remove(r);
        });
    });
    (0..net.zone_pairs.len()).for_each(|r| {
        with(&|i| {
            i.network.zone_pairs.remove(r);
        });
    });
    (0..net.scarcity.len()).for_each(|r| {
        with(&|i| {
            i.network.scarcity.remove(r);
        });
    });
}

/// Rows of the network with plainer values.
fn simpler_rows(inst: &Instance, with: &mut With) {
    let every_day = WeekDays(0b111_1111);
    for l in 0..inst.network.locations.len() {
        with(&|i| i.network.locations[l].timezone = "UTC".into());
        with(&|i| i.network.locations[l].working_days = every_day);
        with(&|i| i.network.locations[l].lead_hours = 0);
        with(&|i| i.network.locations[l].handling_per_shipment = Cents(0));
        with(&|i| i.network.locations[l].handling_per_unit = Cents(0));
        with(&|i| i.network.locations[l].handling_per_line = Cents(0));
        with(&|i| i.network.locations[l].packaging_per_parcel = Cents(0));
        with(&|i| i.network.locations[l].shipments_per_day = None);
        with(&|i| i.network.locations[l].units_per_day = None);
        with(&|i| i.network.locations[l].abilities.clear());
        with(&|i| i.network.locations[l].ships_to.clear());
        with(&|i| i.network.locations[l].stock_buffer.0 = 0);
    }
    for s in 0..inst.network.services.len() {
        with(&|i| i.network.services[s].works_on = every_day);
        with(&|i| i.network.services[s].delivers_on = None);
        with(&|i| i.network.services[s].billing_step = Grams(1));
        with(&|i| i.network.services[s].dim_divisor_cm3_per_kg = None);
        with(&|i| i.network.services[s].minimum = Cents(0));
    }
    for z in 0..inst.network.zones.len() {
        with(&|i| i.network.zones[z].transit_days = 0);
    }
    for t in 0..inst.network.tariffs.len() {
        with(&|i| i.network.tariffs[t].cents = Cents(0));
        with(&|i| i.network.tariffs[t].cents = i.network.tariffs[t].cents.min(Cents(100)));
    }
}

/// An order that asks for less.
fn simpler_order(with: &mut With) {
    with(&|i| i.deliver_by = None);
    with(&|i| i.hard = false);
    with(&|i| i.policy.split_penalty = Cents(0));
    with(&|i| i.policy.speed_value_per_day = Cents(0));
    with(&|i| i.policy.late_per_day = Cents(0));
    with(&|i| i.policy.short_per_unit = Cents(0));
    with(&|i| i.policy.short_per_unit = i.policy.short_per_unit.min(Cents(1000)));
    with(&|i| i.policy.min_value_to_split = Cents(0));
    with(&|i| i.policy.ship_complete = false);
    with(&|i| i.policy.allow_backorder = true);
    with(&|i| i.policy.max_shipments = (i.policy.max_shipments - 1).max(1));
}

fn drop_location(inst: &mut Instance, gone: usize) {
    let id = |l: LocationId| l.index();
    inst.network.locations.remove(gone);
    inst.network.scarcity.retain(|r| id(r.location) != gone);
    for row in &mut inst.network.scarcity {
        if id(row.location) > gone {
            row.location = location_id(id(row.location) - 1);
        }
    }
    inst.pickup = inst
        .pickup
        .filter(|&l| l != gone)
        .map(|l| l - usize::from(l > gone));
    inst.used.retain(|u| id(u.location) != gone);
    for used in &mut inst.used {
        if id(used.location) > gone {
            used.location = location_id(id(used.location) - 1);
        }
    }
    let rows = &mut inst.network.restrictions;
    rows.retain(|r| r.location.is_none_or(|l| id(l) != gone));
    for location in rows.iter_mut().filter_map(|r| r.location.as_mut()) {
        if id(*location) > gone {
            *location = location_id(id(*location) - 1);
        }
    }
    for locations in [&mut inst.paused, &mut inst.excluded] {
        locations.retain(|&l| l != gone);
        let later = locations.iter_mut().filter(|l| **l > gone);
        later.for_each(|l| *l -= 1);
    }
    for stock in &mut inst.stock {
        stock.cells.retain(|c| c.location != gone);
        stock
            .cells
            .iter_mut()
            .filter(|c| c.location > gone)
            .for_each(|c| c.location -= 1);
    }
}

fn drop_service(inst: &mut Instance, gone: usize) {
    let lower = |service: &mut ServiceId| {
        if service.index() > gone {
            *service = service_id(service.index() - 1);
        }
    };
    inst.network.services.remove(gone);
    inst.network.zones.retain(|z| z.service.index() != gone);
    inst.network
        .zones
        .iter_mut()
        .for_each(|z| lower(&mut z.service));
    let rows = &mut inst.network.restrictions;
    rows.retain(|r| r.service.is_none_or(|s| s.index() != gone));
    rows.iter_mut()
        .filter_map(|r| r.service.as_mut())
        .for_each(lower);
    let rows = &mut inst.network.surcharges;
    rows.retain(|s| s.service.index() != gone);
    rows.iter_mut().for_each(|s| lower(&mut s.service));
    inst.network.tariffs.retain(|t| t.service.index() != gone);
    inst.network
        .tariffs
        .iter_mut()
        .for_each(|t| lower(&mut t.service));
}
