//! A small network, an engine over it, orders for it.

#![allow(dead_code, reason = "each test program uses its part")]

pub(crate) mod comebacks;
pub(crate) mod commands;
pub(crate) mod kept;
pub(crate) mod reader;

use allot::engine::{AtpRequest, Engine, EngineError, Limits, OrderView};
use allot::model::{
    Action, Cause, Cents, Coordinate, DuplicateRules, EpochMillis, Grams, Item, Location,
    LocationId, LocationKind, Millis, Network, Opening, Order, OrderKey, OrderLine, Place, Policy,
    PolicyOverrides, PromiseFrom, PromiseRules, Qty, RemedyRow, Service, ServiceId, ShipTo, SkuId,
    StockRow, TariffStep, Trigger, WeekDays, Zone,
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::{Arc, OnceLock};

pub(crate) const NOW: EpochMillis = EpochMillis(1_795_000_000_000);

pub(crate) fn location(id: &str, lon: f64) -> Location {
    Location {
        id: id.into(),
        name: id.into(),
        kind: LocationKind::DistributionCentre,
        country: "US".into(),
        postal: "10001".into(),
        coordinate: Coordinate::from_degrees(40.0, lon).unwrap(),
        timezone: "America/New_York".into(),
        cutoff_minutes: 17 * 60,
        working_days: WeekDays(0b111_1111),
        lead_hours: 2,
        shipments_per_day: None,
        units_per_day: None,
        handling_per_shipment: Cents(100),
        handling_per_unit: Cents(10),
        abilities: Vec::new(),
        ..Location::default()
    }
}

pub(crate) fn network() -> Network {
    let tariff = |zone, max, cents| TariffStep {
        service: ServiceId(0),
        zone,
        max: Grams(max),
        cents: Cents(cents),
    };
    Network {
        name: "test".into(),
        currency: "USD".into(),
        policy: Policy::default(),
        promise: PromiseRules {
            default: PromiseFrom::All,
            ..PromiseRules::default()
        },
        duplicates: DuplicateRules {
            window: Millis::from_hours(12),
            hold: true,
        },
        locations: vec![
            location("EAST", -74.0),
            location("MID", -90.0),
            location("WEST", -120.0),
        ],
        services: vec![Service {
            id: "ground".into(),
            carrier: "Test".into(),
            works_on: WeekDays(0b011_1111),
            dim_divisor_cm3_per_kg: None,
            dim_threshold_cm3: 0,
            billing_step: Grams(1),
            max: Grams(30_000),
            ..Service::default()
        }],
        zones: vec![
            Zone {
                service: ServiceId(0),
                zone: 1,
                max_km: Some(500),
                transit_days: 2,
            },
            Zone {
                service: ServiceId(0),
                zone: 2,
                max_km: None,
                transit_days: 4,
            },
        ],
        tariffs: vec![
            tariff(1, 1_000, 600),
            tariff(1, 30_000, 1_500),
            tariff(2, 1_000, 900),
            tariff(2, 30_000, 2_500),
        ],
        places: vec![Place {
            country: "US".into(),
            postal_prefix: "100".into(),
            coordinate: Coordinate::from_degrees(40.7, -74.0).unwrap(),
            population: 1,
            ..Place::default()
        }],
        ..Network::default()
    }
}

/// The network with a place in the west too, so that it matters who gets which units.
pub(crate) fn wide() -> Network {
    let mut network = network();
    network.places.push(Place {
        country: "US".into(),
        postal_prefix: "941".into(),
        coordinate: Coordinate::from_degrees(37.7, -122.4).unwrap(),
        population: 1,
        ..Place::default()
    });
    network
}

pub(crate) const MINUTE: Millis = Millis(60_000);

pub(crate) fn rule(
    name: &str,
    cause: Option<Cause>,
    channel: Option<&str>,
    trigger: Trigger,
    action: Action,
) -> RemedyRow {
    RemedyRow {
        name: name.into(),
        cause,
        channel: channel.map(Into::into),
        trigger,
        action,
    }
}

/// The network with rules of every kind that resolve exceptions.
pub(crate) fn ruled() -> Network {
    let after = |minutes: u64| Trigger::After(Millis(MINUTE.0 * minutes));
    let (retry, wait, cancel) = (Action::RetryRouting, Action::Backorder, Action::Cancel);
    let no_stock = Some(Cause::NoStock);
    Network {
        remedies: vec![
            rule("app-waits", no_stock, Some("app"), Trigger::AtOnce, wait),
            rule("again", no_stock, None, Trigger::StockArrived, retry),
            rule("later", no_stock, None, after(40), retry),
            rule(
                "refused",
                Some(Cause::LocationRejected),
                None,
                after(60),
                wait,
            ),
            rule(
                "missing",
                Some(Cause::UnitsMissing),
                None,
                after(30),
                cancel,
            ),
            rule("too-long", None, None, after(600), cancel),
        ],
        ..network()
    }
}

pub(crate) fn item(sku: usize) -> Item {
    Item {
        sku: format!("SKU-{sku}").into(),
        name: "".into(),
        grams: 400,
        size_mm: [0; 3],
        class: "".into(),
        value: Cents(1000),
        ..Item::default()
    }
}

/// SKU-0 … SKU-3, with `stock[sku][location]` units.
pub(crate) fn engine(stock: &[[u32; 3]]) -> Engine {
    let opening = stocked(stock);
    Engine::new(network(), opening, Limits::default(), None, NOW).unwrap()
}

/// What [`engine`] begins with.
pub(crate) fn stocked(stock: &[[u32; 3]]) -> Opening {
    let mut rows = Vec::new();
    for (sku, here) in (0u32..).zip(stock) {
        for (place, &units) in (0u16..).zip(here) {
            if units > 0 {
                rows.push(StockRow {
                    sku: SkuId(sku),
                    location: LocationId(place),
                    on_hand: Qty(units),
                    safety_stock: Qty(0),
                    held: None,
                });
            }
        }
    }
    let items = (0..stock.len()).map(item).collect();
    Opening {
        items,
        stock: rows,
        ..Opening::default()
    }
}

pub(crate) fn order(id: &str, lines: &[(usize, u32)]) -> Order {
    let line = |(number, &(sku, qty)): (usize, &(usize, u32))| OrderLine {
        together: None,
        line: (number + 1).to_string().into(),
        sku: format!("SKU-{sku}").into(),
        qty: Qty(qty),
        may_split: true,
    };
    Order {
        key: OrderKey::new("shop", id),
        channel: "web".into(),
        placed_at: NOW,
        priority: 0,
        ship_to: ShipTo {
            country: "US".into(),
            postal: "10001".into(),
            coordinate: None,
            ..ShipTo::default()
        },
        deliver_by: None,
        deliver_by_is_hard: false,
        policy: PolicyOverrides::default(),
        lines: lines.iter().enumerate().map(line).collect(),
        ..Order::default()
    }
}

/// A pool of so many threads, 1 to 8; made once.
pub(crate) fn threads(count: usize) -> &'static ThreadPool {
    static POOLS: [OnceLock<ThreadPool>; 9] = [const { OnceLock::new() }; 9];
    POOLS[count].get_or_init(|| {
        let builder = ThreadPoolBuilder::new().num_threads(count);
        builder.build().unwrap()
    })
}

pub(crate) fn submit(engine: &Engine, order: Order) -> Result<OrderView, EngineError> {
    engine.submit(Arc::new(order), NOW)
}

pub(crate) fn atp(engine: &Engine, sku: &str) -> u64 {
    engine.atp(&[sku], &AtpRequest::default(), NOW).unwrap()[0].atp
}

pub(crate) fn no_backorder(mut order: Order) -> Order {
    order.policy.allow_backorder = Some(false);
    order
}
