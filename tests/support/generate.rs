//! Random instances from a seed: small, full of edges, and close enough that plans compete.
//!
//! Invariants: a cell never promises more than its limit; no distance lies within 1 % of a band's
//! edge; prices are not negative; ids and prefixes are unique. Prices rise with weight except
//! where [`Shape::falling`] asks for tariffs that do not.

use super::extras;
use super::instance::{DemandSpec, Instance, location_id, service_id};
use super::naive;
use super::rng::Rng;
use super::supply::{self, HOUR};
use allot::model::{
    Cents, Coordinate, Day, EpochMillis, Grams, Location, LocationKind, Millis, Network, Place,
    Policy, ScarcityRow, Service, ShipTo, SkuId, TariffStep, WeekDays, Zone, ZonePair,
};

/// How large an instance gets and what may be in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) demands: (usize, usize),
    pub(crate) locations: (usize, usize),
    pub(crate) services: (usize, usize),
    pub(crate) qty_max: u32,
    /// Percent of demands that may split.
    pub(crate) may_split: u64,
    /// Percent of locations that hold something of a demand.
    pub(crate) stocked: u64,
    /// Percent of demands that a channel limits.
    pub(crate) limited: u64,
    /// Percent of tariffs in which a heavier parcel may be cheaper.
    pub(crate) falling: u64,
    /// Percent of instances with more costs than postage and handling that have units that ship
    /// alone, and surcharges that measure parcels.
    pub(crate) measured: u64,
    /// Percent of instances whose locations hand over only so much a day.
    pub(crate) days: u64,
}

impl Shape {
    /// For enumeration.
    pub(crate) const TINY: Self = Self {
        demands: (1, 4),
        locations: (1, 4),
        services: (1, 3),
        qty_max: 5,
        may_split: 50,
        stocked: 75,
        limited: 20,
        falling: 0,
        measured: 100,
        days: 8,
    };
    /// For enumeration: few demands of many units that must be drawn together.
    pub(crate) const DIVIDED: Self = Self {
        demands: (1, 2),
        locations: (2, 4),
        services: (1, 2),
        qty_max: 9,
        may_split: 90,
        stocked: 85,
        limited: 20,
        falling: 0,
        measured: 100,
        days: 8,
    };
    /// For the general model.
    pub(crate) const MODEL: Self = Self {
        demands: (1, 3),
        locations: (1, 3),
        services: (1, 2),
        qty_max: 4,
        ..Self::TINY
    };
    /// For the table over subsets.
    pub(crate) const WHOLE: Self = Self {
        demands: (5, 8),
        locations: (2, 12),
        services: (1, 3),
        qty_max: 3,
        may_split: 0,
        stocked: 60,
        limited: 20,
        falling: 0,
        measured: 100,
        days: 0,
    };
    /// Beyond the exact judges, within reach of a proof.
    pub(crate) const MIXED: Self = Self {
        demands: (3, 8),
        locations: (3, 12),
        services: (1, 3),
        qty_max: 8,
        may_split: 35,
        stocked: 60,
        limited: 20,
        falling: 0,
        measured: 100,
        days: 8,
    };
    /// Beyond any exact judge.
    pub(crate) const LARGE: Self = Self {
        demands: (9, 60),
        locations: (5, 50),
        services: (1, 4),
        qty_max: 12,
        may_split: 30,
        stocked: 40,
        limited: 20,
        falling: 0,
        measured: 100,
        days: 8,
    };
}

const ZONES: [&str; 9] = [
    "America/New_York",
    "America/Los_Angeles",
    "America/Chicago",
    "Europe/Berlin",
    "Europe/London",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
    "UTC",
];

/// Days on which instances begin: around every change of clocks, the year's end, plain weeks.
const DAYS: [&str; 8] = [
    "2026-11-23",
    "2026-10-23",
    "2026-10-30",
    "2027-03-12",
    "2027-03-26",
    "2027-04-02",
    "2026-12-23",
    "2026-07-01",
];

const CLASSES: [&str; 5] = ["hazmat", "cold", "standard", "general", ""];

/// The instance of `seed`.
pub(crate) fn instance(seed: u64, shape: &Shape) -> Instance {
    let rng = &mut Rng::new(seed);
    let first = Day::parse(rng.pick(&DAYS)).expect("a date") + rng.pick(&[0, 1, 2, 3, 4]);
    let now = EpochMillis(i64::from(first.0) * 86_400_000 + rng.range(0, 86_399_999));
    let mut inst = Instance {
        network: Network {
            currency: "USD".into(),
            name: "judge".into(),
            ..Network::default()
        },
        ship_to: ShipTo {
            country: "US".into(),
            postal: "94107".into(),
            coordinate: None,
            ..ShipTo::default()
        },
        now,
        deliver_by: None,
        hard: rng.chance(50),
        latest: None,
        policy: policy(rng),
        demands: Vec::new(),
        stock: Vec::new(),
        paused: Vec::new(),
        excluded: Vec::new(),
        pickup: None,
        used: Vec::new(),
    };
    locations(rng, &mut inst, shape);
    destination(rng, &mut inst);
    services(rng, &mut inst, shape);
    zone_pairs(rng, &mut inst);
    if rng.chance(35) {
        let days = (0..rng.size(1, 3)).map(|_| first + rng.pick(&[0, 1, 2, 3, 4, 5, 6, 8, 9]));
        inst.network.holidays = days.collect();
        inst.network.holidays.sort_unstable();
        inst.network.holidays.dedup();
    }
    inst.deliver_by = rng
        .chance(60)
        .then(|| first + rng.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12]));
    for sku in 0..rng.size(shape.demands.0, shape.demands.1) {
        demand(rng, &mut inst, shape, sku);
    }
    if rng.chance(50) {
        worth_shipping(rng, &mut inst);
    }
    if rng.chance(50) {
        extras::costs(rng, &mut inst, shape);
    }
    if rng.chance(35) {
        extras::constraints(rng, &mut inst);
    }
    if rng.chance(35) {
        extras::rules(rng, &mut inst);
    }
    // Trying everything takes long where every shipment may wait for days.
    let few = inst.demands.len() * inst.network.locations.len() <= 6;
    if rng.chance(shape.days) && (few || shape.demands.1 > 4) {
        extras::days(rng, &mut inst);
    }
    inst
}

/// Another order on the network of `inst`: another moment, destination, policy, stock and pauses.
pub(crate) fn another(inst: &Instance, seed: u64, shape: &Shape) -> Instance {
    let rng = &mut Rng::new(seed);
    let mut other = inst.clone();
    if rng.chance(70) {
        let hours = u64::try_from(rng.range(0, 24 * 20)).expect("positive");
        other.now = other.now + Millis(hours * HOUR);
    }
    if rng.chance(50) {
        other.ship_to.postal = rng.pick(&["94107", "10001", "77002", "94999"]).into();
        other.ship_to.coordinate = rng.chance(60).then(|| point(rng));
    }
    other.ship_to.residential = rng.chance(30);
    other.policy = policy(rng);
    other.paused.retain(|_| rng.chance(60));
    other.pickup = None;
    other.used.clear();
    other.demands.clear();
    other.stock.clear();
    for sku in 0..rng.size(shape.demands.0, shape.demands.1) {
        demand(rng, &mut other, shape, sku);
    }
    other.network = inst.network.clone(); // with the same scarcity prices
    other
}

/// Lifts what most often makes shipping nothing the best plan, so that more plans compete.
fn worth_shipping(rng: &mut Rng, inst: &mut Instance) {
    inst.policy.short_per_unit = Cents(rng.pick(&[3000, 6000, 15_000]));
    inst.policy.max_shipments = inst.policy.max_shipments.max(2);
    inst.hard = rng.chance(10);
    inst.paused.clear();
    for i in 0..inst.network.zones.len() {
        let last = inst.network.zones.get(i + 1).is_none_or(|z| z.zone == 1);
        if last {
            inst.network.zones[i].max_km = None;
        }
    }
}

fn policy(rng: &mut Rng) -> Policy {
    Policy {
        split_penalty: Cents(rng.pick(&[0, 0, 1, 50, 150, 600])),
        speed_value_per_day: Cents(rng.pick(&[0, 0, 7, 40, 100])),
        late_per_day: Cents(rng.pick(&[0, 20, 100, 300, 1000])),
        short_per_unit: Cents(rng.pick(&[0, 400, 1500, 2500, 4000, 10_000, 10_000, 20_000])),
        max_shipments: rng.pick(&[1, 2, 2, 3, 3, 4, 4]),
        ship_complete: rng.chance(15),
        allow_backorder: rng.chance(80),
        ..Policy::default()
    }
}

fn point(rng: &mut Rng) -> Coordinate {
    let lat_e6 = i32::try_from(rng.range(30_000_000, 47_000_000)).expect("a latitude");
    let lon_e6 = i32::try_from(rng.range(-122_000_000, -75_000_000)).expect("a longitude");
    Coordinate { lat_e6, lon_e6 }
}

fn days(rng: &mut Rng) -> WeekDays {
    let text = rng.pick(&[
        "Mon-Fri", "Mon-Fri", "Mon-Fri", "Mon-Sat", "Mon-Sun", "Mon-Sun", "Tue Thu", "Sat-Sun",
        "Wed",
    ]);
    WeekDays::parse(text).expect("weekdays")
}

fn locations(rng: &mut Rng, inst: &mut Instance, shape: &Shape) {
    let paused = rng.pick(&[0, 0, 0, 10, 30]);
    for i in 0..rng.size(shape.locations.0, shape.locations.1) {
        let hour = u16::try_from(rng.size(8, 20)).expect("an hour");
        let odd = rng.chance(6);
        let classes = ["hazmat", "cold"]
            .into_iter()
            .filter(|_| rng.chance(65))
            .map(Box::from);
        let abilities = classes.collect();
        inst.network.locations.push(Location {
            id: format!("L{i}").into(),
            name: format!("L{i}").into(),
            kind: LocationKind::DistributionCentre,
            country: "US".into(),
            postal: rng
                .pick(&["94107", "94501", "10001", "10999", "60601"])
                .into(),
            coordinate: point(rng),
            timezone: rng.pick(&ZONES).into(),
            cutoff_minutes: if odd {
                rng.pick(&[0, 30, 1439])
            } else {
                hour * 60 + rng.pick(&[0, 0, 15, 30, 59])
            },
            working_days: days(rng),
            lead_hours: rng.pick(&[0, 0, 0, 1, 2, 4, 4, 24, 30, 72]),
            shipments_per_day: None,
            units_per_day: None,
            handling_per_shipment: Cents(rng.pick(&[0, 0, 50, 120, 333])),
            handling_per_unit: Cents(rng.pick(&[0, 5, 25, 80])),
            abilities,
            ..Location::default()
        });
        if rng.chance(paused) {
            inst.paused.push(i);
        }
    }
}

fn destination(rng: &mut Rng, inst: &mut Instance) {
    inst.ship_to.postal = rng.pick(&["94107", "10001", "77002"]).into();
    let place = |country: &str, prefix: &str, coordinate| Place {
        country: country.into(),
        postal_prefix: prefix.into(),
        coordinate,
        population: 1,
        ..Place::default()
    };
    let places = [
        ("US", ""),
        ("US", "9"),
        ("US", "941"),
        ("US", "10"),
        ("CA", "94107"),
    ];
    inst.network.places = places.map(|(c, p)| place(c, p, point(rng))).into();
    inst.ship_to.coordinate = rng.chance(60).then(|| point(rng));
}

/// Whether `km` is no one's distance to the destination, within 1 %.
#[allow(clippy::float_arithmetic)] // geometry
fn is_clear(inst: &Instance, km: u32) -> bool {
    let to = naive::destination(inst).expect("the empty prefix matches");
    inst.network.locations.iter().all(|l| {
        let distance = naive::kilometres(l.coordinate, to);
        (distance - f64::from(km)).abs() > distance * 0.01
    })
}

fn services(rng: &mut Rng, inst: &mut Instance, shape: &Shape) {
    for i in 0..rng.size(shape.services.0, shape.services.1) {
        let billing_step = Grams(rng.pick(&[1, 1, 100, 454, 500, 1000]));
        let max = rng.pick(&[1500, 3000, 5000, 7300, 20_000, 20_000]);
        let dim = rng.chance(45);
        inst.network.services.push(Service {
            id: format!("S{i}").into(),
            carrier: "carrier".into(),
            works_on: days(rng),
            dim_divisor_cm3_per_kg: dim.then(|| rng.pick(&[4000, 5000, 6001])),
            dim_threshold_cm3: rng.pick(&[0, 0, 1000, 4000, 20_000]),
            billing_step,
            max: Grams(max),
            ..Service::default()
        });
        let bands = zones(rng, inst, i);
        let base = rng.range(150, 900);
        let falling = rng.chance(shape.falling);
        for zone in 1..=bands {
            if !rng.chance(4) {
                let base = base + rng.range(0, 500);
                tariff(rng, inst, (i, zone), base, max, falling);
            }
        }
    }
}

fn zones(rng: &mut Rng, inst: &mut Instance, service: usize) -> u8 {
    let bands = rng.pick(&[1, 2, 3]);
    let mut from = 0;
    for zone in 1..=bands {
        let open = zone == bands && rng.chance(85);
        let mut km = from + rng.small(100, 2500);
        while !is_clear(inst, km) {
            km += 7;
        }
        from = km;
        inst.network.zones.push(Zone {
            service: service_id(service),
            zone,
            max_km: (!open).then_some(km),
            transit_days: rng.pick(&[0, 1, 1, 2, 3, 5]),
        });
    }
    bands
}

fn tariff(
    rng: &mut Rng,
    inst: &mut Instance,
    (service, zone): (usize, u8),
    base: i64,
    max: u64,
    falling: bool,
) {
    let mut ends: Vec<u64> = (0..rng.size(0, 3))
        .map(|_| rng.pick(&[0, 250, 500, 900, 1000, 2000, 2500, 4000, 6000]))
        .filter(|&end| end > 0 && end < max)
        .collect();
    // The last step usually ends at the heaviest parcel, sometimes beyond, sometimes below.
    let past = rng.pick(&[0, 0, 0, 0, 0, 1, 1, 2]);
    if past < 2 || ends.is_empty() {
        ends.push(max + past * 777);
    }
    ends.sort_unstable();
    ends.dedup();
    let mut cents = base;
    for end in ends {
        inst.network.tariffs.push(TariffStep {
            service: service_id(service),
            zone,
            max: Grams(end),
            cents: Cents(cents),
        });
        cents += rng.pick(&[0, 1, 80, 200, 450, 1500]);
        if falling {
            cents = (cents - rng.pick(&[0, 300, 700])).max(0);
        }
    }
}

fn zone_pairs(rng: &mut Rng, inst: &mut Instance) {
    if !rng.chance(35) {
        return;
    }
    for (origin, dest) in [
        ("", "9"),
        ("94", ""),
        ("94", "94"),
        ("10", "1"),
        ("9450", ""),
        ("", ""),
        ("6", "77002"),
    ] {
        if rng.chance(30) {
            inst.network.zone_pairs.push(ZonePair {
                origin_prefix: origin.into(),
                dest_prefix: dest.into(),
                zone: rng.pick(&[1, 1, 2, 2, 3, 4]),
            });
        }
    }
}

fn demand(rng: &mut Rng, inst: &mut Instance, shape: &Shape, sku: usize) {
    let sku = SkuId::from_index(sku * 3 + 1).expect("few demands");
    let sizes = [0, 0, 100_000, 999_999, 1_234_567, 4_000_001, 10_000_000];
    let classes = if rng.chance(15) {
        &CLASSES
    } else {
        &CLASSES[2..]
    };
    let spec = DemandSpec {
        sku,
        qty: rng.small(1, shape.qty_max),
        may_split: rng.chance(shape.may_split),
        grams: rng.pick(&[0, 40, 250, 333, 500, 500, 1000, 1999]),
        volume_mm3: rng.pick(&sizes),
        longest_mm: 0,
        ships_alone: false,
        value: 0,
        class: rng.pick(classes).into(),
        together: 0,
    };
    let stock = supply::stock(rng, inst, shape, &spec);
    inst.demands.push(spec);
    inst.stock.push(stock);
    for location in 0..inst.network.locations.len() {
        if rng.chance(15) {
            let cents = Cents(rng.pick(&[1, 50, 400, 1500]));
            inst.network.scarcity.push(ScarcityRow {
                sku,
                location: location_id(location),
                cents,
            });
        }
    }
}
