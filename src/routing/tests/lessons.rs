//! What other systems got wrong (named after the rows of the list of lessons), and worked examples
//! from the field.

use super::super::{ClassId, Scratch, Unroutable, route};
use super::kit::{Case, at, demand, location, plain_network, service, step, zone};
use crate::ledger::Step;
use crate::model::{
    Cents, Day, Decision, LocationId, Plan, Qty, RejectedReason, ScarcityRow, SkuId, WeekDays,
};

fn decide(case: &Case) -> Decision {
    route(&case.lanes, &case.request(), &mut Scratch::default()).unwrap()
}

/// (location, demand, units) of every line of a plan.
fn lines(plan: &Plan) -> Vec<(u16, u16, u32)> {
    let lines = plan.shipments.iter().flat_map(|s| {
        let units = |l: &crate::model::ShipmentLine| (s.location.0, l.demand, l.qty.0);
        s.lines.iter().map(units).collect::<Vec<_>>()
    });
    lines.collect()
}

fn three_places() -> crate::model::Network {
    plain_network(vec![
        location("A", 40.0, -75.0),
        location("B", 40.0, -76.0),
        location("C", 40.0, -77.0),
    ])
}

/// C2, C39: a SKU on two lines is one demand; two demands of one SKU would be promised twice.
#[test]
fn c2_c39_one_sku_is_one_demand() {
    let twice = vec![demand(7, 1, 100), demand(7, 1, 100)];
    let case = Case::new(&three_places(), twice, &[&[(0, 1)], &[(0, 1)]]);
    let refused = route(&case.lanes, &case.request(), &mut Scratch::default());
    let Err(Unroutable::Malformed(wrong)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(wrong.field, "demands[1].sku");
}

/// C17: what is taken is taken where it ships from, never anywhere else.
#[test]
fn c17_units_come_from_the_location_that_ships_them() {
    let case = Case::new(
        &three_places(),
        vec![demand(1, 2, 100), demand(2, 1, 100)],
        &[&[(0, 5), (2, 2)], &[(2, 1)]],
    );
    let decision = decide(&case);
    assert_eq!(lines(&decision.plan), [(2, 0, 2), (2, 1, 1)]);
}

/// C21: an order that no location has whole is split over several.
#[test]
fn c21_an_order_is_split_over_locations_when_none_has_it_all() {
    let case = Case::new(
        &three_places(),
        vec![demand(1, 1, 100), demand(2, 1, 100)],
        &[&[(0, 1)], &[(1, 1)]],
    );
    let decision = decide(&case);
    assert_eq!(lines(&decision.plan), [(0, 0, 1), (1, 1, 1)]);
    assert_eq!(decision.plan.objective.split, case.policy.split_penalty);
    assert!(decision.proof.optimal);
}

/// C23: one unit at each of two locations fulfils an order of two.
#[test]
fn c23_one_demand_is_put_together_from_two_locations() {
    let case = Case::new(
        &three_places(),
        vec![demand(1, 2, 100)],
        &[&[(0, 1), (1, 1)]],
    );
    let decision = decide(&case);
    assert_eq!(lines(&decision.plan), [(0, 0, 1), (1, 0, 1)]);
    assert!(decision.plan.short.is_empty());
}

/// C24: no more locations than needed, though three have some of it.
#[test]
fn c24_no_more_locations_than_needed() {
    let case = Case::new(
        &three_places(),
        vec![demand(1, 4, 100)],
        &[&[(0, 2), (1, 1), (2, 3)]],
    );
    let decision = decide(&case);
    assert_eq!(decision.plan.shipments.len(), 2);
    let case = Case::new(
        &three_places(),
        vec![demand(1, 1, 100), demand(2, 1, 100)],
        &[&[(0, 1), (2, 1)], &[(1, 1), (2, 1)]],
    );
    assert_eq!(lines(&decide(&case).plan), [(2, 0, 1), (2, 1, 1)]);
}

/// A line that may not be split stays whole, however many units lie about.
#[test]
fn a_line_that_may_not_be_split_is_whole_or_short() {
    let mut one = demand(1, 2, 100);
    one.may_split = false;
    let mut case = Case::new(&three_places(), vec![one], &[&[(0, 1), (1, 1)]]);
    let decision = decide(&case);
    assert_eq!(decision.plan.short_units(), 2);
    assert!(decision.plan.shipments.is_empty());
    case.policy.allow_backorder = false;
    let refused = route(&case.lanes, &case.request(), &mut Scratch::default()).unwrap_err();
    let Unroutable::Short { short, .. } = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(short[0].qty, Qty(2));
    assert!(!refused.to_string().contains('\n'), "{refused}");
}

/// The worked example of IBM's order sourcing documentation: five products of 8 lb cost $22.56 in
/// one parcel; split into 4.8 lb and 3.2 lb they cost $8.34 + $7.57 = $15.91, $6.65 less.
#[test]
fn ibm_a_split_that_saves_665_cents() {
    let mut network = plain_network(vec![
        location("all", 40.0, -75.0),
        location("three", 40.0, -76.0),
        location("two", 40.0, -77.0),
    ]);
    // A product weighs 1.6 lb, 726 g: three of them 4.8 lb, two of them 3.2 lb.
    network.tariffs = vec![
        step(0, 1, 2 * 726, 757),
        step(0, 1, 3 * 726, 834),
        step(0, 1, 5 * 726, 2_256),
    ];
    let demands = (0..5).map(|sku| demand(sku, 1, 726)).collect();
    let three: &[(u16, u32)] = &[(0, 1), (1, 1)];
    let two: &[(u16, u32)] = &[(0, 1), (2, 1)];
    let mut case = Case::new(&network, demands, &[three, three, three, two, two]);
    case.policy.split_penalty = Cents(0);
    case.policy.speed_value_per_day = Cents(0);
    let split = decide(&case);
    assert_eq!(split.plan.shipments.len(), 2);
    assert_eq!(split.plan.objective.total(), Cents(1_591));
    case.policy.max_shipments = 1;
    let whole = decide(&case);
    assert_eq!(whole.plan.shipments.len(), 1);
    assert_eq!(whole.plan.objective.total(), Cents(2_256));
    assert_eq!(
        whole.plan.objective.total() - split.plan.objective.total(),
        Cents(665)
    );
}

/// Waiting for a transfer so as to consolidate is a plan like any other.
#[test]
fn waiting_for_stock_wins_when_a_split_is_dearer() {
    let mut case = Case::new(
        &three_places(),
        vec![demand(1, 1, 100), demand(2, 1, 100)],
        &[&[(0, 1)], &[(1, 1)]],
    );
    case.now = at("2026-11-16T12:00:00Z");
    let tomorrow = at("2026-11-17T12:00:00Z");
    case.view.clear();
    case.view.push_line(SkuId(1));
    case.view.push_cell(LocationId(0), Qty(1), &[]);
    case.view.push_line(SkuId(2));
    let step = Step {
        from: tomorrow,
        qty: Qty(1),
    };
    case.view.push_cell(LocationId(0), Qty(0), &[step]);
    case.view.push_cell(LocationId(1), Qty(1), &[]);
    let waiting = decide(&case);
    assert_eq!(lines(&waiting.plan), [(0, 0, 1), (0, 1, 1)]);
    let shipment = &waiting.plan.shipments[0];
    // The cut-off is at 16:00 in New York, 21:00 UTC, two hours after release.
    assert_eq!(shipment.ship_at, at("2026-11-17T21:00:00Z"));
    assert_eq!(shipment.need_at, at("2026-11-17T19:00:00Z"));
    assert_eq!(shipment.deliver_on, Day::parse("2026-11-19").unwrap());
    // When it comes too late by that and a day late is dear, it is not worth it.
    case.deliver_by = Day::parse("2026-11-18");
    case.policy.late_per_day = Cents(2_000);
    assert_eq!(decide(&case).plan.shipments.len(), 2);
}

#[test]
fn a_scarce_unit_is_left_where_it_is_dear() {
    let mut network = three_places();
    network.scarcity = vec![ScarcityRow {
        sku: SkuId(1),
        location: LocationId(0),
        cents: Cents(30),
    }];
    let case = Case::new(&network, vec![demand(1, 2, 100)], &[&[(0, 9), (1, 9)]]);
    let decision = decide(&case);
    assert_eq!(lines(&decision.plan), [(1, 0, 2)]);
    let runner_up = decision.runner_up.unwrap();
    assert_eq!(runner_up.objective.scarcity, Cents(60));
}

#[test]
fn every_location_that_is_not_in_the_plan_is_explained() {
    let mut places: Vec<_> = (0..8)
        .map(|i| location(&format!("L{i}"), 40.0, -75.0 - f64::from(i)))
        .collect();
    places[0].abilities.push("cold".into());
    places[1].abilities.push("cold".into());
    for place in &mut places[..7] {
        place.abilities.push("cold".into());
        place.handling_per_shipment = Cents(100);
    }
    places[1].handling_per_shipment = Cents(175);
    // Nothing leaves location 4 for weeks; no service goes out from location 5.
    places[4].lead_hours = 24 * 30;
    places[5].coordinate = crate::model::Coordinate::from_degrees(60.0, -150.0).unwrap();
    let mut network = plain_network(places);
    network.zones = vec![zone(0, 1, Some(2_000), 2)];
    let mut cold = demand(1, 2, 100);
    let cells: &[(u16, u32)] = &[(0, 5), (1, 5), (3, 1), (4, 5), (5, 5), (6, 5), (7, 5)];
    let mut case = Case::new(
        &network,
        vec![cold, demand(2, 1, 100)],
        &[cells, &[(0, 1), (1, 1)]],
    );
    cold.class = case.lanes.class("cold");
    case.demands[0] = cold;
    case.deliver_by = Some(Day::parse("2026-12-01").unwrap());
    case.hard = true;
    case.lanes.set_paused(LocationId(2), true);
    case.lanes.set_paused(LocationId(6), true);
    let decision = decide(&case);
    assert_eq!(lines(&decision.plan), [(0, 0, 2), (0, 1, 1)]);
    let reasons: Vec<_> = decision
        .rejected
        .iter()
        .map(|r| (r.location.0, r.reason, r.extra()))
        .collect();
    let expected = [
        (1, RejectedReason::Dearer, Some(Cents(75))),
        (2, RejectedReason::Paused, None),
        // One unit of two, and the demand is not divided: others have it whole.
        (3, RejectedReason::NoStock, None),
        (4, RejectedReason::TooLate, None),
        (5, RejectedReason::NoService, None),
        (6, RejectedReason::Paused, None),
        (7, RejectedReason::LacksAbility, None),
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn nobody_ships_a_class_that_nobody_has_the_ability_for() {
    let mut network = three_places();
    network.locations[0].abilities.push("cold".into());
    let mut one = demand(1, 1, 100);
    let mut case = Case::new(&network, vec![one], &[&[(0, 1), (1, 1)]]);
    for (name, shipped) in [
        ("", 1),
        ("standard", 1),
        ("general", 1),
        ("cold", 1),
        ("hazmat", 0),
    ] {
        one.class = case.lanes.class(name);
        case.demands[0] = one;
        assert_eq!(decide(&case).plan.shipments.len(), shipped, "{name}");
    }
    assert_eq!(case.lanes.class("general"), ClassId(0));
    assert_ne!(case.lanes.class("cold"), case.lanes.class("hazmat"));
}

#[test]
fn a_service_that_does_not_work_on_weekends_delivers_on_monday() {
    let mut network = three_places();
    let mut weekend = service("weekend");
    weekend.works_on = WeekDays(0b111_1111);
    network.services.push(weekend);
    network.zones.push(zone(1, 1, None, 1));
    network.tariffs.push(step(1, 1, 30_000, 2_000));
    let mut case = Case::new(&network, vec![demand(1, 1, 100)], &[&[(0, 1)]]);
    // A Friday, 10:00 in New York.
    case.now = at("2026-11-20T15:00:00Z");
    let ground = decide(&case);
    assert_eq!(ground.plan.shipments[0].service.0, 0);
    assert_eq!(ground.plan.delivered_on(), Day::parse("2026-11-24"));
    case.deliver_by = Day::parse("2026-11-21");
    case.hard = true;
    let fast = decide(&case);
    assert_eq!(fast.plan.shipments[0].service.0, 1);
    assert_eq!(fast.plan.delivered_on(), case.deliver_by);
}
