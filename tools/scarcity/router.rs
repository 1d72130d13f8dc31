//! The same orders through the router of the product: the exact cheapest split on the stock that is
//! there, with or without scarcity prices.
//!
//! The router counts in integers, so a "cent" is here a hundred-thousandth of a dollar. Each metro
//! has its own network: the zone of a location is its number, a tariff step a number of items.

use super::instance::{Arrival, Instance, Stock};
use super::prices::{self, Prices};
use allot::ledger::StockView;
use allot::model::{
    Cents, Coordinate, EpochMillis, Grams, Location, LocationId, Network, Policy, Qty, ScarcityRow,
    Service, ServiceId, ShipTo, SkuId, TariffStep, WeekDays, Zone, ZonePair,
};
use allot::routing::{Demand, Destination, Lanes, Request, Scratch, route};
use anyhow::{Context as _, ensure};
use std::sync::Arc;

/// "Cents" of the router in a dollar.
const SCALE: f64 = 100_000.0;

/// Monday, 23 November 2026; nothing depends on it.
const NOW: EpochMillis = EpochMillis(1_795_392_000_000);

const EVERY_DAY: WeekDays = WeekDays(0x7f);

/// Steps of the first pricing, and of each later one, which starts from good prices.
const STEPS_FIRST: u32 = 400;
const STEPS_AGAIN: u32 = 200;

/// One metro's network, compiled.
struct Metro {
    lanes: Lanes,
    destination: Arc<Destination>,
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a few hundred dollars at most"
)]
fn cents(dollars: f64) -> Cents {
    Cents((dollars * SCALE).round() as i64)
}

fn location(number: usize) -> Location {
    Location {
        id: format!("facility-{number}").into(),
        country: "US".into(),
        postal: number.to_string().into(),
        timezone: "UTC".into(),
        cutoff_minutes: 17 * 60,
        working_days: EVERY_DAY,
        ..Location::default()
    }
}

fn metro(instance: &Instance, metro: usize) -> anyhow::Result<Metro> {
    let service = ServiceId(0);
    let mut network = Network {
        locations: (0..instance.all()).map(location).collect(),
        services: vec![Service {
            id: "box".into(),
            works_on: EVERY_DAY,
            billing_step: Grams(1),
            max: Grams(instance.sizes as u64),
            ..Service::default()
        }],
        ..Network::default()
    };
    for facility in 0..instance.all() {
        let zone = u8::try_from(facility)? + 1;
        network.zones.push(Zone {
            service,
            zone,
            max_km: None,
            transit_days: 1,
        });
        network.zone_pairs.push(ZonePair {
            origin_prefix: facility.to_string().into(),
            dest_prefix: "1".into(),
            zone,
        });
        for items in 1..=u32::try_from(instance.sizes)? {
            let dollars =
                instance.fixed(facility) + f64::from(items) * instance.unit[facility][metro];
            network.tariffs.push(TariffStep {
                service,
                zone,
                max: Grams(u64::from(items)),
                cents: cents(dollars),
            });
        }
    }
    let lanes = Lanes::new(&network)?;
    let destination = lanes.destination(&ShipTo {
        country: "US".into(),
        postal: "1".into(),
        coordinate: Some(Coordinate::default()),
        ..ShipTo::default()
    })?;
    Ok(Metro { lanes, destination })
}

fn metros(instance: &Instance) -> anyhow::Result<Vec<Metro>> {
    let metros = 0..instance.share.len();
    metros.map(|m| metro(instance, m)).collect()
}

/// The same prices in every metro.
fn price(metros: &mut [Metro], prices: &Prices) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for (facility, of_facility) in prices.iter().enumerate() {
        for (item, &price) in of_facility.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            rows.push(ScarcityRow {
                sku: SkuId::from_index(item).context("items are few")?,
                location: LocationId(u16::try_from(facility)?),
                cents: cents(price),
            });
        }
    }
    for metro in metros {
        metro.lanes = metro.lanes.priced(&rows)?;
    }
    Ok(())
}

/// What is left of an order's items, for the router.
fn view(
    instance: &Instance,
    kind: usize,
    stock: &Stock,
) -> anyhow::Result<(StockView, Vec<Demand>)> {
    let (mut view, mut demands) = (StockView::default(), Vec::new());
    for &item in &instance.types[kind] {
        let sku = SkuId::from_index(item).context("items are few")?;
        view.push_line(sku);
        for (facility, held) in stock.iter().enumerate() {
            if held[item] > 0 {
                view.push_cell(LocationId(u16::try_from(facility)?), Qty(held[item]), &[]);
            }
        }
        view.push_cell(LocationId(u16::try_from(instance.nowhere())?), Qty(1), &[]);
        demands.push(Demand {
            sku,
            qty: Qty(1),
            grams: 1,
            ..Demand::default()
        });
    }
    Ok((view, demands))
}

/// Prices at the start of a horizon, the same for all horizons of an instance.
pub(crate) fn first_prices(instance: &Instance) -> Prices {
    let mut prices = prices::none(instance);
    let periods = f64::from(instance.periods);
    prices::solve(
        instance,
        &instance.stock,
        periods,
        STEPS_FIRST,
        &mut prices,
        false,
    );
    prices
}

/// Dollars of a horizon, scarcity prices not counted, and what is left in the end.
/// `pricings` is how often units are priced: never, once at the start, which gives `first`, or at
/// equal distances.
pub(crate) fn cost(
    instance: &Instance,
    (pricings, first): (u32, &Prices),
    arrivals: &[Option<Arrival>],
) -> anyhow::Result<(f64, Stock)> {
    let policy = Policy {
        split_penalty: Cents(0),
        speed_value_per_day: Cents(0),
        short_per_unit: cents(1000.0),
        max_shipments: u8::try_from(instance.all())?,
        ..Policy::default()
    };
    let mut stock = instance.stock.clone();
    let mut prices = prices::none(instance);
    let mut priced = 0;
    let mut networks = metros(instance)?;
    let mut scratch = Scratch::default();
    let mut total = 0.0;
    for (period, arrival) in (0u32..).zip(arrivals) {
        if priced < pricings && period * pricings >= priced * instance.periods {
            if priced == 0 {
                prices.clone_from(first);
            } else {
                let left = f64::from(instance.periods - period);
                prices::solve(instance, &stock, left, STEPS_AGAIN, &mut prices, false);
            }
            price(&mut networks, &prices)?;
            priced += 1;
        }
        let Some((kind, metro)) = *arrival else {
            continue;
        };
        let (view, demands) = view(instance, kind, &stock)?;
        let to = &networks[metro];
        let request = Request {
            pickup: None,
            days: &[],
            now: NOW,
            destination: &to.destination,
            deliver_by: None,
            deliver_by_is_hard: false,
            policy,
            demands: &demands,
            stock: &view,
            excluded: &[],
        };
        let plan = route(&to.lanes, &request, &mut scratch)?.plan;
        ensure!(plan.short.is_empty(), "the last facility never runs out");
        for shipment in &plan.shipments {
            let facility = usize::from(shipment.location.0);
            total += instance.fixed(facility);
            for line in &shipment.lines {
                let item = instance.types[kind][usize::from(line.demand)];
                total += instance.unit[facility][metro];
                if let Some(held) = stock.get_mut(facility) {
                    held[item] = held[item].checked_sub(1).context("oversold")?;
                }
            }
        }
    }
    Ok((total, stock))
}
