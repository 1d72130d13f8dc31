//! The router's constraints through the engine's door: days of locations that fill up, collecting,
//! lines that go together, and the explanation of an order by what was known when it was accepted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::engine::{Engine, Limits, PromiseAsk};
use allot::model::{
    EpochMillis, Location, LocationId, Millis, Opening, Qty, RegionPart, Restriction, ServiceId,
    SkuId, StockRow,
};
use allot::routing::{Constraint, Forgotten};
use engine_support::{NOW, engine, item, location, network, order, submit};
use std::collections::HashMap;

const DAY: u64 = 86_400_000;

fn limited(id: &str, lon: f64, shipments: Option<u32>, units: Option<u32>) -> Location {
    Location {
        shipments_per_day: shipments,
        units_per_day: units,
        ..location(id, lon)
    }
}

fn shipped(engine: &Engine, id: &str) -> Vec<(LocationId, EpochMillis)> {
    let view = engine.order("shop", id).unwrap();
    let shipments = view.decision.plan.shipments.iter();
    shipments.map(|s| (s.location, s.ship_at)).collect()
}

#[test]
fn a_full_day_moves_the_hand_over_and_a_cancelled_order_gives_its_room_back() {
    let engine = engine(&[[50, 0, 0]]);
    engine
        .put_location(limited("EAST", -74.0, Some(2), None), NOW)
        .unwrap();
    for id in ["1", "2", "3"] {
        submit(&engine, order(id, &[(0, 1)])).unwrap();
    }
    let day = |id| shipped(&engine, id)[0].1;
    assert_eq!(day("1"), day("2"), "two fit on the first day");
    assert_eq!(
        day("3"),
        day("1") + Millis(DAY),
        "the third leaves a day later"
    );
    engine.cancel_order("shop", "1", NOW).unwrap();
    submit(&engine, order("4", &[(0, 1)])).unwrap();
    assert_eq!(
        day("4"),
        day("2"),
        "the room of a cancelled order is there again"
    );
}

#[test]
fn a_promise_knows_which_days_are_full() {
    let engine = engine(&[[50, 0, 0]]);
    engine
        .put_location(limited("EAST", -74.0, Some(1), None), NOW)
        .unwrap();
    let to = order("0", &[(0, 1)]).ship_to;
    let promised = || {
        let ask = PromiseAsk {
            sku: "SKU-0",
            qty: Qty(1),
            to: &to,
            channel: "web",
        };
        engine.promise(&ask, NOW).unwrap()[0].ship_at
    };
    let first = promised();
    submit(&engine, order("1", &[(0, 1)])).unwrap();
    assert_eq!(shipped(&engine, "1")[0].1, first, "it is kept");
    assert_eq!(promised(), first + Millis(DAY), "that day is full");
    submit(&engine, order("2", &[(0, 1)])).unwrap();
    assert_eq!(shipped(&engine, "2")[0].1, first + Millis(DAY));
}

#[test]
fn a_limit_that_comes_later_counts_what_was_promised_before() {
    let engine = engine(&[[50, 0, 0]]);
    for id in ["1", "2"] {
        submit(&engine, order(id, &[(0, 3)])).unwrap();
    }
    engine
        .put_location(limited("EAST", -74.0, None, Some(7)), NOW)
        .unwrap();
    submit(&engine, order("3", &[(0, 2)])).unwrap();
    submit(&engine, order("4", &[(0, 1)])).unwrap();
    let day = |id| shipped(&engine, id)[0].1;
    assert_eq!(
        day("3"),
        day("1") + Millis(DAY),
        "6 + 2 units are more than 7"
    );
    assert_eq!(day("4"), day("1"), "6 + 1 are not");
}

#[test]
fn another_location_ships_where_waiting_costs_more() {
    let engine = engine(&[[50, 50, 0]]);
    engine
        .put_location(limited("EAST", -74.0, Some(1), None), NOW)
        .unwrap();
    let hurried = |id: &str| {
        let mut one = order(id, &[(0, 1)]);
        one.policy.speed_value_per_day = Some(allot::model::Cents(5_000));
        one.policy.short_per_unit = Some(allot::model::Cents(1_000_000));
        submit(&engine, one).unwrap();
        shipped(&engine, id)[0].0
    };
    assert_eq!(hurried("1"), LocationId(0));
    let second = engine.quote(&order("2", &[(0, 1)]), NOW).unwrap();
    assert!(!second.plans.is_empty());
    let explained = {
        hurried("3");
        engine.explain("shop", "3").unwrap()
    };
    let binding = explained.binding.unwrap();
    let capacity = binding
        .iter()
        .find(|b| b.constraint == Constraint::Capacity);
    assert!(capacity.is_some_and(|b| b.saves.0 > 0), "{binding:?}");
}

/// However many orders come at once, no day of a location hands over more than its limit.
#[test]
fn a_limit_is_never_exceeded_under_contention() {
    let engine = engine(&[[5_000, 5_000, 0], [5_000, 5_000, 0]]);
    let (shipments, units) = (7, 16);
    for (id, lon) in [("EAST", -74.0), ("MID", -90.0)] {
        engine
            .put_location(limited(id, lon, Some(shipments), Some(units)), NOW)
            .unwrap();
    }
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0..40 {
                    let id = format!("{thread}-{n}");
                    let lines = [(n % 2, 1 + u32::try_from(n % 3).unwrap())];
                    submit(engine, order(&id, &lines)).unwrap();
                    if n % 4 == 3 {
                        engine.cancel_order("shop", &id, NOW).unwrap();
                    }
                }
            });
        }
    });
    let mut days: HashMap<(LocationId, EpochMillis), (u32, u32)> = HashMap::new();
    for thread in 0..6 {
        for n in (0..40).filter(|n| n % 4 != 3) {
            let view = engine.order("shop", &format!("{thread}-{n}")).unwrap();
            for s in &view.decision.plan.shipments {
                let day = days.entry((s.location, s.ship_at)).or_default();
                day.0 += 1;
                day.1 += s.lines.iter().map(|l| l.qty.0).sum::<u32>();
            }
        }
    }
    assert!(days.len() > 4, "the orders need several days");
    for (day, used) in &days {
        assert!(used.0 <= shipments && used.1 <= units, "{day:?}: {used:?}");
    }
    let mut counted = Vec::new();
    let both = [LocationId(0), LocationId(1)].into_iter();
    engine.ledger().days().list(both, NOW, &mut counted);
    let counted: HashMap<_, _> = counted
        .iter()
        .map(|c| ((c.location, c.at), (c.shipments, c.units)))
        .collect();
    assert_eq!(
        counted, days,
        "what is counted is what the orders hand over"
    );
}

#[test]
fn what_is_collected_is_carried_by_nobody() {
    let engine = engine(&[[5, 5, 0]]);
    let mut collected = order("1", &[(0, 2)]);
    collected.pickup_at = Some("MID".into());
    collected.ship_to = allot::model::ShipTo::default();
    let view = submit(&engine, collected).unwrap();
    let shipment = &view.decision.plan.shipments[0];
    assert_eq!(shipment.location, LocationId(1));
    assert_eq!(engine.service_name(shipment.service), "pickup");
    assert_eq!((shipment.parcels, shipment.cents.postage.0), (0, 0));
    let [rejected] = &view.decision.rejected[..] else {
        panic!("{:?}", view.decision.rejected)
    };
    assert_eq!(rejected.reason.name(), "pickup");
}

#[test]
fn lines_that_go_together_ship_together_or_wait() {
    let engine = engine(&[[5, 0, 0], [0, 5, 5], [0, 0, 5]]);
    let mut set = order("1", &[(0, 1), (1, 1), (2, 1)]);
    set.lines[1].together = Some("set".into());
    set.lines[2].together = Some("set".into());
    let view = submit(&engine, set).unwrap();
    let with_set = view.decision.plan.shipments.iter();
    let with_set: Vec<_> = with_set.filter(|s| s.lines.len() == 2).collect();
    assert_eq!(with_set.len(), 1, "{:?}", view.decision.plan);
    assert_eq!(with_set[0].location, LocationId(2));
    let mut torn = order("2", &[(0, 1), (2, 1)]);
    for line in &mut torn.lines {
        line.together = Some("set".into());
    }
    let view = submit(&engine, torn).unwrap();
    assert_eq!(view.decision.plan.short_units(), 2, "no location has both");
}

fn restricted(region: &str) -> Engine {
    let mut network = network();
    network.regions = vec![RegionPart {
        region: "city".into(),
        country: "US".into(),
        postal_prefix: "100".into(),
    }];
    network.restrictions = vec![Restriction {
        location: Some(LocationId(0)),
        region: region.into(),
        ..Restriction::default()
    }];
    let row = |location| StockRow {
        sku: SkuId(0),
        location: LocationId(location),
        on_hand: Qty(9),
        safety_stock: Qty(0),
        held: None,
    };
    let opening = Opening {
        items: vec![item(0)],
        stock: vec![row(0), row(1)],
        ..Opening::default()
    };
    Engine::new(network, opening, Limits::default(), None, NOW).unwrap()
}

#[test]
fn a_restriction_binds_and_says_so() {
    let engine = restricted("city");
    let view = submit(&engine, order("1", &[(0, 1)])).unwrap();
    assert_eq!(view.decision.plan.shipments[0].location, LocationId(1));
    assert_eq!(view.decision.rejected[0].reason.name(), "region");
    let binding = engine.explain("shop", "1").unwrap().binding.unwrap();
    assert_eq!(binding.len(), 1);
    assert_eq!(binding[0].constraint, Constraint::Restrictions);
    assert!(binding[0].proven && binding[0].saves.0 > 0);
}

/// What is asked later is answered by what was known then: neither stock nor pauses nor presets of
/// today change it, and where the network is another one it says that it cannot tell.
#[test]
fn an_explanation_tells_what_was_known_then() {
    let engine = engine(&[[5, 5, 0]]);
    engine.pause_location("EAST", true, NOW).unwrap();
    let mut one = order("1", &[(0, 2)]);
    one.exclude = vec!["WEST".into()];
    submit(&engine, one).unwrap();
    let first = engine.explain("shop", "1").unwrap();
    let binding = first.binding.clone().unwrap();
    assert_eq!(binding.len(), 1);
    assert_eq!(binding[0].constraint, Constraint::Paused);
    // The stock is sold, the location works again, a day has passed.
    engine.pause_location("EAST", false, NOW).unwrap();
    engine.pause_location("MID", true, NOW).unwrap();
    for n in 0..8 {
        submit(&engine, order(&format!("more-{n}"), &[(0, 1)])).unwrap();
    }
    let later = engine.explain("shop", "1").unwrap();
    assert_eq!(later.binding.unwrap(), binding);
    assert_eq!(later.view.decision, first.view.decision);
    assert_eq!(later.locations, 3);
    // Dearer handling makes it another network.
    let dearer = Location {
        handling_per_shipment: allot::model::Cents(101),
        ..location("EAST", -74.0)
    };
    engine.put_location(dearer, NOW).unwrap();
    let now = engine.explain("shop", "1").unwrap();
    assert_eq!(now.binding, Err(Forgotten::NetworkChanged));
    engine.put_location(location("EAST", -74.0), NOW).unwrap();
    let again = engine.explain("shop", "1").unwrap();
    assert_eq!(
        again.binding.unwrap(),
        binding,
        "it is the same network again"
    );
}

#[test]
fn the_service_of_collecting_is_no_carriers() {
    assert_eq!(ServiceId::PICKUP_NAME, "pickup");
    assert!(engine(&[[1, 0, 0]]).service_name(ServiceId(9)).is_empty());
}
