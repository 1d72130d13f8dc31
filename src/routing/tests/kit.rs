//! Small networks and orders for the tests of this room.

use super::super::{ClassId, Demand, Destination, Lanes, Request};
use crate::ledger::{Step, StockView};
use crate::model::{
    Cents, Coordinate, Day, EpochMillis, Grams, Location, LocationId, LocationKind, Network, Place,
    Policy, Qty, ScarcityRow, Service, ServiceId, ShipTo, SkuId, TariffStep, WeekDays, Zone,
};
use std::sync::Arc;

/// Seeded random numbers: SplitMix64.
pub(in crate::routing) struct Dice(pub(in crate::routing) u64);

impl Dice {
    pub(in crate::routing) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n − 1`.
    pub(in crate::routing) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    pub(in crate::routing) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(u64::try_from(high - low + 1).unwrap())).unwrap()
    }

    /// True once in `n` times.
    pub(in crate::routing) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

pub(in crate::routing) fn at(text: &str) -> EpochMillis {
    EpochMillis::parse(text).unwrap()
}

pub(in crate::routing) fn location(id: &str, lat: f64, lon: f64) -> Location {
    Location {
        id: id.into(),
        name: id.into(),
        kind: LocationKind::DistributionCentre,
        country: "US".into(),
        postal: "10001".into(),
        coordinate: Coordinate::from_degrees(lat, lon).unwrap(),
        timezone: "America/New_York".into(),
        cutoff_minutes: 16 * 60,
        working_days: WeekDays(0b001_1111),
        lead_hours: 2,
        shipments_per_day: None,
        units_per_day: None,
        handling_per_shipment: Cents(0),
        handling_per_unit: Cents(0),
        abilities: Vec::new(),
        ..Location::default()
    }
}

pub(in crate::routing) fn service(id: &str) -> Service {
    Service {
        id: id.into(),
        carrier: "carrier".into(),
        works_on: WeekDays(0b001_1111),
        dim_divisor_cm3_per_kg: None,
        dim_threshold_cm3: 0,
        billing_step: Grams(1),
        max: Grams(30_000),
        ..Service::default()
    }
}

pub(in crate::routing) fn zone(
    service: u16,
    zone: u8,
    max_km: Option<u32>,
    transit_days: u8,
) -> Zone {
    Zone {
        service: ServiceId(service),
        zone,
        max_km,
        transit_days,
    }
}

pub(in crate::routing) fn step(service: u16, zone: u8, max: u64, cents: i64) -> TariffStep {
    TariffStep {
        service: ServiceId(service),
        zone,
        max: Grams(max),
        cents: Cents(cents),
    }
}

/// New York to everywhere, one service, one zone, two prices.
pub(in crate::routing) fn plain_network(locations: Vec<Location>) -> Network {
    Network {
        locations,
        services: vec![service("ground")],
        zones: vec![zone(0, 1, None, 2)],
        tariffs: vec![step(0, 1, 1_000, 500), step(0, 1, 30_000, 900)],
        places: vec![Place {
            country: "US".into(),
            postal_prefix: "".into(),
            coordinate: Coordinate::from_degrees(40.0, -75.0).unwrap(),
            population: 0,
            ..Place::default()
        }],
        ..Network::default()
    }
}

pub(in crate::routing) fn demand(sku: u32, qty: u32, grams: u32) -> Demand {
    Demand {
        sku: SkuId(sku),
        qty: Qty(qty),
        may_split: true,
        grams,
        volume_mm3: 0,
        class: ClassId(0),
        ..Demand::default()
    }
}

/// What may be promised: by demand, (location, units now).
pub(in crate::routing) fn stock(demands: &[Demand], cells: &[&[(u16, u32)]]) -> StockView {
    let mut view = StockView::default();
    for (demand, cells) in demands.iter().zip(cells) {
        view.push_line(demand.sku);
        for &(location, units) in *cells {
            view.push_cell(LocationId(location), Qty(units), &[]);
        }
    }
    view
}

/// An order with everything it needs, owned.
pub(in crate::routing) struct Case {
    pub(in crate::routing) lanes: Lanes,
    pub(in crate::routing) destination: Arc<Destination>,
    pub(in crate::routing) demands: Vec<Demand>,
    pub(in crate::routing) view: StockView,
    pub(in crate::routing) policy: Policy,
    pub(in crate::routing) now: EpochMillis,
    pub(in crate::routing) deliver_by: Option<Day>,
    pub(in crate::routing) hard: bool,
}

impl Case {
    pub(in crate::routing) fn new(
        network: &Network,
        demands: Vec<Demand>,
        cells: &[&[(u16, u32)]],
    ) -> Self {
        let lanes = Lanes::new(network).unwrap();
        let to = ShipTo {
            country: "US".into(),
            postal: "10001".into(),
            coordinate: None,
            ..ShipTo::default()
        };
        Self {
            destination: lanes.destination(&to).unwrap(),
            lanes,
            view: stock(&demands, cells),
            demands,
            policy: network.policy,
            now: at("2026-11-23T10:00:00Z"),
            deliver_by: None,
            hard: false,
        }
    }

    pub(in crate::routing) fn request(&self) -> Request<'_> {
        Request {
            pickup: None,
            days: &[],
            now: self.now,
            destination: &self.destination,
            deliver_by: self.deliver_by,
            deliver_by_is_hard: self.hard,
            policy: self.policy,
            demands: &self.demands,
            stock: &self.view,
            excluded: &[],
        }
    }
}

/// How large a random case is.
#[derive(Clone, Copy)]
pub(in crate::routing) struct Size {
    pub(in crate::routing) demands: u64,
    pub(in crate::routing) locations: u64,
    pub(in crate::routing) qty: u64,
    pub(in crate::routing) may_split: bool,
    pub(in crate::routing) limits: bool,
}

/// A random order in a random network: late stock, hard dates, abilities, odd tariffs and all.
pub(in crate::routing) fn random_case(seed: u64, size: Size) -> Case {
    let mut dice = Dice(seed);
    let network = random_network(&mut dice, size);
    let lanes = Lanes::new(&network).unwrap();
    let postal = if dice.once_in(2) { "10001" } else { "94107" };
    let to = ShipTo {
        country: "US".into(),
        postal: postal.into(),
        coordinate: None,
        ..ShipTo::default()
    };
    let destination = lanes.destination(&to).unwrap();
    let count = 1 + dice.below(size.demands);
    let demands: Vec<Demand> = (0..count)
        .map(|sku| Demand {
            sku: SkuId(u32::try_from(sku).unwrap()),
            qty: Qty(u32::try_from(1 + dice.below(size.qty)).unwrap()),
            may_split: size.may_split && !dice.once_in(3),
            grams: u32::try_from(dice.below(1_500)).unwrap(),
            volume_mm3: dice.below(4_000_000),
            class: if dice.once_in(5) {
                lanes.class("cold")
            } else {
                ClassId(0)
            },
            ..Demand::default()
        })
        .collect();
    let now = at("2026-11-20T12:00:00Z") + crate::model::Millis(dice.below(6 * 86_400_000));
    let view = random_stock(&mut dice, &lanes, &demands, now, size);
    for location in 0..lanes.locations() {
        if dice.once_in(12) {
            lanes.set_paused(LocationId(u16::try_from(location).unwrap()), true);
        }
    }
    let deliver_by = dice
        .once_in(2)
        .then(|| Day::parse("2026-11-23").unwrap() + i32::try_from(dice.below(8)).unwrap());
    Case {
        lanes,
        destination,
        demands,
        view,
        policy: Policy {
            split_penalty: Cents(dice.between(0, 3) * 100),
            speed_value_per_day: Cents(dice.between(0, 2) * 40),
            late_per_day: Cents(dice.between(0, 2) * 150),
            short_per_unit: Cents([0, 300, 800, 2_500][usize::try_from(dice.below(4)).unwrap()]),
            max_shipments: u8::try_from(1 + dice.below(4)).unwrap(),
            ship_complete: dice.once_in(4),
            allow_backorder: !dice.once_in(4),
            ..Policy::default()
        },
        now,
        deliver_by,
        hard: dice.once_in(2),
    }
}

fn random_network(dice: &mut Dice, size: Size) -> Network {
    let zones = [
        "America/New_York",
        "America/Los_Angeles",
        "America/Phoenix",
        "America/Chicago",
    ];
    let count = 2 + dice.below(size.locations - 1);
    let mut locations: Vec<Location> = (0..count)
        .map(|i| {
            let (lat, lon) = if dice.once_in(2) {
                (40.0, -75.0)
            } else {
                (35.0, -110.0)
            };
            let mut one = location(&format!("L{i}"), lat, lon);
            one.timezone = zones[usize::try_from(dice.below(4)).unwrap()].into();
            one.cutoff_minutes = u16::try_from(dice.below(24) * 60).unwrap();
            one.lead_hours = u32::try_from(dice.below(30)).unwrap();
            one.handling_per_shipment = Cents(dice.between(0, 2) * 50);
            one.handling_per_unit = Cents(dice.between(0, 3) * 20);
            if dice.once_in(2) {
                one.abilities.push("cold".into());
            }
            one
        })
        .collect();
    locations[0].working_days = WeekDays(0b111_1111);
    let mut network = plain_network(locations);
    network.holidays = vec![Day::parse("2026-11-26").unwrap()];
    network.services.clear();
    network.zones.clear();
    network.tariffs.clear();
    for s in 0..u16::try_from(1 + dice.below(2)).unwrap() {
        let mut one = service(&format!("S{s}"));
        one.max = Grams(2_000 + dice.below(4_000));
        one.billing_step = Grams([1, 100, 500][usize::try_from(dice.below(3)).unwrap()]);
        one.dim_divisor_cm3_per_kg = dice.once_in(2).then_some(5_000);
        one.dim_threshold_cm3 = u32::try_from(dice.below(3) * 2_000).unwrap();
        network.services.push(one);
        let far = (!dice.once_in(5))
            .then_some(())
            .map_or(Some(1_000), |()| None);
        network.zones.push(zone(
            s,
            1,
            Some(1_000),
            u8::try_from(dice.below(3)).unwrap(),
        ));
        network
            .zones
            .push(zone(s, 2, far, u8::try_from(1 + dice.below(4)).unwrap()));
        for z in 1..=2u8 {
            let mut cents = 300 * i64::from(z) + dice.between(0, 8) * 25;
            for bound in [500, 1_000, 2_500, 6_000] {
                network.tariffs.push(step(s, z, bound, cents));
                // Mostly dearer with weight, now and then not.
                cents += dice.between(-1, 12) * 25;
            }
        }
    }
    for _ in 0..dice.below(4) {
        network.scarcity.push(ScarcityRow {
            sku: SkuId(u32::try_from(dice.below(size.demands)).unwrap()),
            location: LocationId(u16::try_from(dice.below(count)).unwrap()),
            cents: Cents(dice.between(0, 10) * 30),
        });
    }
    network
}

fn random_stock(
    dice: &mut Dice,
    lanes: &Lanes,
    demands: &[Demand],
    now: EpochMillis,
    size: Size,
) -> StockView {
    let mut view = StockView::default();
    let hours = |dice: &mut Dice| {
        crate::model::Millis::from_hours(u32::try_from(6 + 24 * dice.below(4)).unwrap())
    };
    for demand in demands {
        view.push_line(demand.sku);
        let mut limit = size.limits && dice.once_in(3);
        let most = u64::from(demand.qty.0) + 1;
        let cap = Qty(u32::try_from(dice.below(most + 1)).unwrap());
        let cap_later = Qty(cap.0 + u32::try_from(dice.below(most)).unwrap());
        let rise = now + hours(dice);
        limit = limit && cap_later > cap;
        for location in 0..lanes.locations() {
            if dice.once_in(3) {
                continue;
            }
            let here = Qty(u32::try_from(dice.below(most + 1)).unwrap());
            let more = Qty(here.0 + u32::try_from(dice.below(most)).unwrap());
            let mut steps = vec![(now, here)];
            if dice.once_in(2) && more > here {
                steps.push((now + hours(dice), more));
            }
            push_cut(
                &mut view,
                location,
                &steps,
                limit.then_some((cap, rise, cap_later)),
                now,
            );
        }
        if limit {
            view.push_limit(&[
                Step {
                    from: now,
                    qty: cap,
                },
                Step {
                    from: rise,
                    qty: cap_later,
                },
            ]);
        }
    }
    view
}

/// Adds a cell, cut to the limit as the ledger does it.
fn push_cut(
    view: &mut StockView,
    location: usize,
    steps: &[(EpochMillis, Qty)],
    limit: Option<(Qty, EpochMillis, Qty)>,
    now: EpochMillis,
) {
    let mut times: Vec<EpochMillis> = steps.iter().map(|s| s.0).collect();
    times.extend(limit.map(|l| l.1));
    times.sort_unstable();
    times.dedup();
    let atp = |t: EpochMillis| {
        let own = steps
            .iter()
            .filter(|s| s.0 <= t)
            .map(|s| s.1)
            .max()
            .unwrap();
        limit.map_or(own, |(early, rise, late)| {
            own.min(if t >= rise { late } else { early })
        })
    };
    let mut later: Vec<Step> = Vec::new();
    for &from in &times {
        let qty = atp(from);
        if from > now && qty > later.last().map_or(atp(now), |s| s.qty) {
            later.push(Step { from, qty });
        }
    }
    if atp(now) > Qty(0) || !later.is_empty() {
        let location = LocationId(u16::try_from(location).unwrap());
        view.push_cell(location, atp(now), &later);
    }
}
