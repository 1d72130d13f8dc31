//! Worked examples, published ones among them: the same order, the same prices, the same answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use allot::ledger::StockView;
use allot::model::{
    Cents, Coordinate, Decision, EpochMillis, Grams, Location, LocationId, Network, Policy, Qty,
    Service, ServiceId, ShipTo, SkuId, TariffStep, WeekDays, Zone, ZonePair,
};
use allot::routing::{Demand, Goal, Lanes, Request, Scratch, quote, route};

const GROUND: ServiceId = ServiceId(0);
const EXPRESS: ServiceId = ServiceId(1);

/// Eight pounds are five times 1.6 lb, and 1.6 lb are 726 g, rounded.
const UNIT_GRAMS: u32 = 726;

const FULL: LocationId = LocationId(0);
const THREE: LocationId = LocationId(1);
const TWO: LocationId = LocationId(2);

fn location(id: &str, postal: &str) -> Location {
    Location {
        id: id.into(),
        country: "US".into(),
        postal: postal.into(),
        coordinate: Coordinate {
            lat_e6: 41_880_000,
            lon_e6: -87_630_000,
        },
        timezone: "UTC".into(),
        cutoff_minutes: 17 * 60,
        working_days: WeekDays::parse("Mon-Sun").unwrap(),
        ..Location::default()
    }
}

/// One far location that holds all, two near ones that hold a part each; nothing costs anything
/// but the parcel.
fn network() -> Network {
    let price = |zone, units, cents| TariffStep {
        service: GROUND,
        zone,
        max: Grams(units * u64::from(UNIT_GRAMS)),
        cents: Cents(cents),
    };
    let zone = |zone| Zone {
        service: GROUND,
        zone,
        max_km: None,
        transit_days: 2,
    };
    let pair = |origin: &str, zone| ZonePair {
        origin_prefix: origin.into(),
        dest_prefix: "10".into(),
        zone,
    };
    Network {
        locations: vec![
            location("has-all-five", "9"),
            location("has-three", "2"),
            location("has-two", "1"),
        ],
        services: vec![Service {
            id: "ground".into(),
            works_on: WeekDays::parse("Mon-Sun").unwrap(),
            billing_step: Grams(1),
            max: Grams(50_000),
            ..Service::default()
        }],
        zones: vec![zone(2), zone(8)],
        zone_pairs: vec![pair("9", 8), pair("2", 2), pair("1", 2)],
        tariffs: vec![price(2, 2, 757), price(2, 3, 834), price(8, 5, 2256)],
        ..Network::default()
    }
}

/// Five products, one unit each; extra cents for a second parcel as given.
fn five_products(split_penalty: Cents) -> Decision {
    let lanes = Lanes::new(&network()).unwrap();
    let to = ShipTo {
        country: "US".into(),
        postal: "10001".into(),
        coordinate: Some(Coordinate::default()),
        ..ShipTo::default()
    };
    let destination = lanes.destination(&to).unwrap();
    let mut stock = StockView::default();
    let mut demands = Vec::new();
    for product in 0..5 {
        let sku = SkuId(product);
        demands.push(Demand {
            together: 0,
            sku,
            qty: Qty(1),
            grams: UNIT_GRAMS,
            ..Demand::default()
        });
        stock.push_line(sku);
        let part = if product < 3 { THREE } else { TWO };
        for location in [FULL, part] {
            stock.push_cell(location, Qty(10), &[]);
        }
    }
    let request = Request {
        pickup: None,
        days: &[],
        now: EpochMillis::parse("2026-11-23T10:00:00Z").unwrap(),
        destination: &destination,
        deliver_by: None,
        deliver_by_is_hard: false,
        policy: Policy {
            split_penalty,
            speed_value_per_day: Cents(0),
            ..Policy::default()
        },
        demands: &demands,
        stock: &stock,
        excluded: &[],
    };
    route(&lanes, &request, &mut Scratch::default()).unwrap()
}

/// The shipping-cost example in the documentation of IBM Sterling Fulfillment Optimizer: an order
/// of five products weighs 8 lb. As one parcel it costs $22.56; from two nodes, 4.8 lb for $8.34
/// and 3.2 lb for $7.57, it costs $15.91. The split saves $6.65.
#[test]
fn ibm_two_near_parcels_beat_one_far_parcel() {
    let decision = five_products(Cents(0));
    let shipments = decision.plan.shipments.iter();
    let sent: Vec<_> = shipments
        .map(|s| (s.location, s.lines.len(), s.cents.postage))
        .collect();
    assert_eq!(sent, [(THREE, 3, Cents(834)), (TWO, 2, Cents(757))]);
    assert_eq!(decision.plan.objective.total(), Cents(1591));
    assert!(decision.proof.optimal);
}

/// The same example from the other side: a shopkeeper to whom a second parcel is worth more than
/// the $6.65 gets the one parcel of $22.56, and one to whom it is worth a cent less does not.
#[test]
fn ibm_the_saving_is_the_price_at_which_the_answer_turns() {
    let kept_together = five_products(Cents(666));
    assert_eq!(kept_together.plan.shipments.len(), 1);
    assert_eq!(kept_together.plan.shipments[0].location, FULL);
    assert_eq!(kept_together.plan.objective.total(), Cents(2256));
    assert_eq!(five_products(Cents(664)).plan.shipments.len(), 2);
}

/// Two units of one item, one in each of two places; express from the second costs more than hundred times what
/// everything else does. The fastest answer leaves nothing short and is there tomorrow, at whatever cost.
#[test]
fn the_fastest_plan_of_a_divided_line_is_the_fastest_at_any_cost() {
    let mut network = network();
    network.services.push(Service {
        id: "express".into(),
        ..network.services[0].clone()
    });
    network.zones.extend([2, 8].map(|zone| Zone {
        service: EXPRESS,
        transit_days: 1,
        zone,
        max_km: None,
    }));
    network.tariffs.extend(
        [(2, 2_000), (8, 1_200_000)].map(|(zone, cents)| TariffStep {
            service: EXPRESS,
            zone,
            max: Grams(u64::from(UNIT_GRAMS)),
            cents: Cents(cents),
        }),
    );
    let lanes = Lanes::new(&network).unwrap();
    let to = ShipTo {
        country: "US".into(),
        postal: "10001".into(),
        coordinate: Some(Coordinate::default()),
        ..ShipTo::default()
    };
    let destination = lanes.destination(&to).unwrap();
    let mut stock = StockView::default();
    stock.push_line(SkuId(0));
    stock.push_cell(FULL, Qty(1), &[]);
    stock.push_cell(TWO, Qty(1), &[]);
    let request = Request {
        pickup: None,
        days: &[],
        now: EpochMillis::parse("2026-11-23T10:00:00Z").unwrap(),
        destination: &destination,
        deliver_by: None,
        deliver_by_is_hard: false,
        policy: Policy::default(),
        demands: &[Demand {
            sku: SkuId(0),
            qty: Qty(2),
            grams: UNIT_GRAMS,
            may_split: true,
            ..Demand::default()
        }],
        stock: &stock,
        excluded: &[],
    };
    let [_, (goal, fastest), _] = quote(&lanes, &request, &mut Scratch::default()).unwrap();
    assert_eq!(goal, Goal::Fastest);
    assert_eq!(fastest.plan.short_units(), 0);
    let tomorrow = fastest.plan.delivered_on().unwrap();
    assert_eq!(tomorrow.to_string(), "2026-11-24");
}
