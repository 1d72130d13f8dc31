//! Networks of any size, for measurements: every SKU at every location.
//!
//! Not realistic in its geography, only in its shape: three services, eight distance zones, forty
//! weight steps with a price that rises in knees as published parcel tariffs do.

use super::random::{Random, Weighted};
use crate::model::{
    Cents, Coordinate, EpochMillis, Grams, Item, Location, LocationId, LocationKind, Network,
    Opening, Order, OrderKey, OrderLine, Place, PolicyOverrides, Qty, Service, ServiceId, ShipTo,
    SkuId, StockRow, TariffStep, WeekDays, Zone,
};

/// Distance bands in kilometres, those of a large carrier in the United States.
const BANDS_KM: [Option<u32>; 8] = [
    Some(80),
    Some(240),
    Some(480),
    Some(960),
    Some(1600),
    Some(2250),
    Some(2900),
    None,
];

/// A network of `locations` spread over the United States and 200 places to ship to.
#[must_use]
pub fn network(locations: u16, seed: u64) -> Network {
    let mut random = Random::new(seed);
    let mut spot = || {
        let lat = 26_000_000 + random.below(22_000_000);
        let lon = random.below(52_000_000);
        Coordinate {
            lat_e6: i32::try_from(lat).unwrap_or(0),
            lon_e6: i32::try_from(lon).unwrap_or(0) - 122_000_000,
        }
    };
    let locations = (0..locations).map(|n| location(n, spot())).collect();
    let places = (0..200u16).map(|n| Place {
        country: "US".into(),
        postal_prefix: format!("{n:03}").into(),
        coordinate: spot(),
        population: 1,
        ..Place::default()
    });
    Network {
        name: "synthetic".into(),
        currency: "USD".into(),
        locations,
        places: places.collect(),
        services: (0..3).map(service).collect(),
        zones: (0..3).flat_map(zones).collect(),
        tariffs: (0..3).flat_map(tariffs).collect(),
        ..Network::default()
    }
}

fn location(number: u16, coordinate: Coordinate) -> Location {
    const ZONES: [&str; 4] = [
        "America/New_York",
        "America/Chicago",
        "America/Denver",
        "America/Los_Angeles",
    ];
    Location {
        id: format!("L-{number}").into(),
        name: "".into(),
        kind: LocationKind::DistributionCentre,
        country: "US".into(),
        postal: "00000".into(),
        coordinate,
        timezone: ZONES[usize::from(number % 4)].into(),
        cutoff_minutes: 15 * 60 + 30 * (number % 5),
        working_days: WeekDays(if number.is_multiple_of(3) {
            0b001_1111
        } else {
            0b011_1111
        }),
        lead_hours: u32::from(2 + number % 6),
        shipments_per_day: None,
        units_per_day: None,
        handling_per_shipment: Cents(150 + 10 * i64::from(number % 13)),
        handling_per_unit: Cents(25 + 5 * i64::from(number % 7)),
        abilities: Vec::new(),
        ..Location::default()
    }
}

fn service(number: u16) -> Service {
    Service {
        id: format!("service-{number}").into(),
        carrier: "Synthetic".into(),
        works_on: WeekDays(0b011_1111),
        dim_divisor_cm3_per_kg: Some(6000),
        dim_threshold_cm3: 28_317,
        billing_step: Grams(1),
        max: Grams(31_751),
        ..Service::default()
    }
}

fn zones(service: u16) -> impl Iterator<Item = Zone> {
    let days = move |zone: u8| match service {
        0 => 2 + zone / 2,
        1 => 1 + zone / 3,
        _ => 1,
    };
    (1u8..).zip(BANDS_KM).map(move |(zone, max_km)| Zone {
        service: ServiceId(service),
        zone,
        max_km,
        transit_days: days(zone),
    })
}

/// Ounces below a pound, pounds above; dearer with the zone, with knees at 1, 5 and 20 pounds.
fn tariffs(service: u16) -> impl Iterator<Item = TariffStep> {
    let base = [450, 900, 2800][usize::from(service)];
    let pounds = (1u64..=36).map(|step| {
        if step <= 20 {
            step
        } else {
            20 + (step - 20) * 3
        }
    });
    let ounces = [113, 226, 340];
    let steps: Vec<(u64, i64)> = ounces
        .into_iter()
        .zip([0, 45, 110])
        .chain(pounds.map(|lb| (lb * 4536 / 10, knee(i64::try_from(lb).unwrap_or(0)))))
        .chain([(31_751, knee(70))])
        .collect();
    (1u8..=8).flat_map(move |zone| {
        let factor = 100 + 12 * i64::from(zone - 1);
        let price = move |extra: i64| Cents((base + extra) * factor / 100);
        let of_zone = steps.clone().into_iter();
        of_zone.map(move |(grams, extra)| TariffStep {
            service: ServiceId(service),
            zone,
            max: Grams(grams),
            cents: price(extra),
        })
    })
}

const fn knee(pounds: i64) -> i64 {
    match pounds {
        ..=1 => 190,
        2..=5 => 190 + (pounds - 1) * 60,
        6..=20 => 430 + (pounds - 5) * 45,
        _ => 1105 + (pounds - 20) * 70,
    }
}

/// `skus` items with `units` of each at every one of `locations`.
#[must_use]
pub fn opening(skus: u32, locations: u16, units: u32) -> Opening {
    let item = |sku: u32| Item {
        sku: format!("SKU-{sku}").into(),
        name: "".into(),
        grams: 150 + sku % 97 * 20,
        size_mm: [200, 150, 50 + sku % 11 * 10],
        class: "".into(),
        value: Cents(2000),
        ..Item::default()
    };
    let stock = (0..skus).flat_map(|sku| {
        (0..locations).map(move |location| StockRow {
            sku: SkuId(sku),
            location: LocationId(location),
            on_hand: Qty(units),
            safety_stock: Qty::ZERO,
            held: None,
        })
    });
    Opening {
        items: (0..skus).map(item).collect(),
        stock: stock.collect(),
        ..Opening::default()
    }
}

/// How orders choose their SKUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Popularity {
    /// By Zipf's law with exponent 1, ranks scattered over the ids.
    Zipf,
    /// Nine lines in ten name the same SKU.
    OneHot,
}

/// SKUs and units of `count` orders of two lines on average (1: 40 %, 2: 35 %, 3: 15 %, 4: 10 %).
#[must_use]
pub fn baskets(
    skus: u32,
    count: usize,
    popularity: Popularity,
    seed: u64,
) -> Vec<Vec<(SkuId, Qty)>> {
    let mut random = Random::new(seed);
    let weights = (1..=u64::from(skus)).map(|rank| 1_000_000_000 / rank);
    let (Some(zipf), Some(lines)) = (
        Weighted::new(weights),
        Weighted::new([40u64, 35, 15, 10].into_iter()),
    ) else {
        return Vec::new();
    };
    (0..count)
        .map(|_| {
            let mut basket: Vec<(SkuId, Qty)> = Vec::new();
            for _ in 0..=lines.draw(&mut random) {
                let hot = popularity == Popularity::OneHot && random.chance(90);
                let rank = if hot {
                    0
                } else {
                    zipf.draw(&mut random) as u64
                };
                // A multiplier without a common factor with the count scatters the ranks.
                let sku = rank * 7_919 % u64::from(skus);
                let sku = SkuId(u32::try_from(sku).unwrap_or(0));
                match basket.iter_mut().find(|(known, _)| *known == sku) {
                    Some((_, qty)) => *qty += Qty(1),
                    None => basket.push((sku, Qty(1))),
                }
            }
            basket
        })
        .collect()
}

/// One basket as an order to one of the network's places.
#[must_use]
pub fn order(number: usize, basket: &[(SkuId, Qty)], at: EpochMillis) -> Order {
    let line = |(index, &(sku, qty)): (usize, &(SkuId, Qty))| OrderLine {
        together: None,
        line: (index + 1).to_string().into(),
        sku: format!("SKU-{}", sku.0).into(),
        qty,
        may_split: true,
    };
    Order {
        key: OrderKey::new("bench", &number.to_string()),
        channel: "web".into(),
        placed_at: at,
        priority: 0,
        ship_to: ShipTo {
            country: "US".into(),
            postal: format!("{:03}01", number % 200).into(),
            coordinate: None,
            ..ShipTo::default()
        },
        deliver_by: None,
        deliver_by_is_hard: false,
        policy: PolicyOverrides::default(),
        lines: basket.iter().enumerate().map(line).collect(),
        ..Order::default()
    }
}
