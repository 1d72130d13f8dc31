//! Failures that real systems shipped, seen through the router's public doors: each test says where
//! it was reported. More of them stand beside the router itself.

use allot::ledger::{Step, StockView};
use allot::model::{
    Cents, Coordinate, Decision, EpochMillis, Grams, Location, LocationId, LocationKind, Network,
    Policy, Qty, Service, ServiceId, ShipTo, SkuId, TariffStep, WeekDays, Zone,
};
use allot::routing::{ClassId, Demand, Lanes, Request, Scratch, Unroutable, route};

/// A Monday morning.
const NOW: &str = "2026-11-23T10:00:00Z";

fn location(id: &str) -> Location {
    Location {
        id: id.into(),
        name: id.into(),
        kind: LocationKind::DistributionCentre,
        country: "US".into(),
        postal: "60601".into(),
        coordinate: Coordinate {
            lat_e6: 41_880_000,
            lon_e6: -87_630_000,
        },
        timezone: "UTC".into(),
        cutoff_minutes: 17 * 60,
        working_days: WeekDays::parse("Mon-Fri").expect("weekdays"),
        lead_hours: 2,
        shipments_per_day: None,
        units_per_day: None,
        handling_per_shipment: Cents(100),
        handling_per_unit: Cents(10),
        abilities: Vec::new(),
        ..Location::default()
    }
}

/// `count` equal locations and one service: 500 cents up to a kilogram, 800 up to ten.
fn network(count: usize) -> Network {
    let service = ServiceId(0);
    let step = |grams, cents| TariffStep {
        service,
        zone: 1,
        max: Grams(grams),
        cents: Cents(cents),
    };
    Network {
        locations: (0..count).map(|i| location(&format!("L{i}"))).collect(),
        services: vec![Service {
            id: "ground".into(),
            carrier: "carrier".into(),
            works_on: WeekDays::parse("Mon-Fri").expect("weekdays"),
            dim_divisor_cm3_per_kg: None,
            dim_threshold_cm3: 0,
            billing_step: Grams(1),
            max: Grams(10_000),
            ..Service::default()
        }],
        zones: vec![Zone {
            service,
            zone: 1,
            max_km: None,
            transit_days: 2,
        }],
        tariffs: vec![step(1000, 500), step(10_000, 800)],
        ..Network::default()
    }
}

/// What one location has of one SKU: now, and by arrival.
type Held = (u16, u32, Vec<(&'static str, u32)>);

/// Routes an order of (units, may split, what is where) to Chicago.
fn routed(
    locations: usize,
    policy: Policy,
    lines: &[(u32, bool, Vec<Held>)],
) -> Result<Decision, Unroutable> {
    let moment = |text: &str| EpochMillis::parse(text).expect("a moment");
    let lanes = Lanes::new(&network(locations)).expect("a good network");
    let to = ShipTo {
        country: "US".into(),
        postal: "60601".into(),
        coordinate: Some(Coordinate {
            lat_e6: 41_000_000,
            lon_e6: -87_000_000,
        }),
        ..ShipTo::default()
    };
    let destination = lanes.destination(&to).expect("it has a coordinate");
    let mut stock = StockView::default();
    let mut demands = Vec::new();
    for (i, (qty, may_split, held)) in lines.iter().enumerate() {
        let sku = SkuId::from_index(i).expect("few lines");
        stock.push_line(sku);
        for (location, now, later) in held {
            let step = |&(from, qty): &(&str, u32)| Step {
                from: moment(from),
                qty: Qty(qty),
            };
            let later: Vec<Step> = later.iter().map(step).collect();
            stock.push_cell(LocationId(*location), Qty(*now), &later);
        }
        demands.push(Demand {
            together: 0,
            sku,
            qty: Qty(*qty),
            may_split: *may_split,
            grams: 200,
            volume_mm3: 0,
            class: ClassId::default(),
            ..Demand::default()
        });
    }
    let request = Request {
        pickup: None,
        days: &[],
        now: moment(NOW),
        destination: &destination,
        deliver_by: None,
        deliver_by_is_hard: false,
        policy,
        demands: &demands,
        stock: &stock,
        excluded: &[],
    };
    route(&lanes, &request, &mut Scratch::default())
}

/// (location, units of each demand in it) of every shipment.
fn sent(decision: &Decision) -> Vec<(u16, Vec<(u16, u32)>)> {
    let lines = |s: &allot::model::Shipment| s.lines.iter().map(|l| (l.demand, l.qty.0)).collect();
    let shipments = decision.plan.shipments.iter();
    shipments.map(|s| (s.location.0, lines(s))).collect()
}

/// spree/spree#8718: merging split shipments loses units (30 shown as 10).
#[test]
fn no_unit_is_lost_over_many_shipments() {
    let policy = Policy {
        max_shipments: 3,
        ..Policy::default()
    };
    let lines = [(
        30,
        true,
        vec![(0, 10, vec![]), (1, 10, vec![]), (2, 10, vec![])],
    )];
    let decision = routed(3, policy, &lines).expect("there are thirty");
    let units: u32 = sent(&decision)
        .iter()
        .flat_map(|(_, l)| l.clone())
        .map(|(_, q)| q)
        .sum();
    assert_eq!((units, decision.plan.short_units()), (30, 0));
}

/// solidusio/solidus#3020: the last unit is gone, and the order fails with a raw error though
/// another location could promise it later.
#[test]
fn what_is_gone_here_is_promised_from_where_it_arrives() {
    let held = vec![(1, 0, vec![("2026-11-25T08:00:00Z", 4)])];
    let decision = routed(2, Policy::default(), &[(1, false, held)]).expect("it arrives");
    let shipment = &decision.plan.shipments[0];
    assert_eq!(shipment.location, LocationId(1));
    assert_eq!(shipment.ship_at.to_string(), "2026-11-25T17:00:00Z");
    // Thursday and Friday are the two days on the road.
    assert_eq!(shipment.deliver_on.to_string(), "2026-11-27");
}

/// A refusal names what is missing instead of failing somewhere else.
#[test]
fn a_refusal_says_what_is_short() {
    let refuse = Policy {
        allow_backorder: false,
        ..Policy::default()
    };
    let lines = [
        (1, false, vec![(0, 1, vec![])]),
        (3, true, vec![(0, 2, vec![])]),
    ];
    let Err(Unroutable::Short { short, considered }) = routed(1, refuse, &lines) else {
        panic!("one unit of demand 1 is nowhere");
    };
    assert_eq!((short[0].demand, short[0].qty, considered), (1, Qty(1), 1));
}
