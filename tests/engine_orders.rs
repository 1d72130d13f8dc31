//! Orders and reservations through the engine's door: identity, all or nothing, the lessons that
//! belong to neither the ledger nor the router alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::engine::{AtpRequest, CountReport, ReservationPut, WantedLine};
use allot::model::{EpochMillis, HoldReason, LocationId, Millis, Qty};
use engine_support::{NOW, atp, engine, location, no_backorder, order, submit};

#[test]
fn an_order_takes_what_its_plan_ships_and_gives_it_back_when_cancelled() {
    let engine = engine(&[[5, 0, 5]]);
    let view = submit(&engine, order("1", &[(0, 3)])).unwrap();
    assert_eq!(view.status.name(), "routed");
    assert!(view.decision.proof.optimal);
    assert_eq!(
        view.decision.plan.shipments[0].location,
        LocationId(0),
        "the near one is cheaper"
    );
    assert_eq!(atp(&engine, "SKU-0"), 7);
    assert_eq!(
        engine.cancel_order("shop", "1", NOW).unwrap().status.name(),
        "cancelled"
    );
    assert_eq!(atp(&engine, "SKU-0"), 10);
    let again = engine.cancel_order("shop", "1", NOW).unwrap();
    assert!(again.repeated, "cancelling again changes nothing");
    assert_eq!(atp(&engine, "SKU-0"), 10);
}

#[test]
fn the_same_order_again_gets_the_first_answer_and_other_content_a_conflict() {
    let engine = engine(&[[5, 5, 5]]);
    let first = submit(&engine, order("1", &[(0, 2)])).unwrap();
    let again = submit(&engine, order("1", &[(0, 2)])).unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!(first.decision, again.decision);
    assert_eq!(atp(&engine, "SKU-0"), 13, "units were taken once");
    let mut other = order("1", &[(0, 3)]);
    other.priority = 9;
    let error = submit(&engine, other).unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
    assert!(error.to_string().contains("priority, lines"), "{error}");
    // A cancelled order stays cancelled, whatever arrives late.
    engine.cancel_order("shop", "1", NOW).unwrap();
    let late = submit(&engine, order("1", &[(0, 2)])).unwrap();
    assert_eq!(late.status.name(), "cancelled");
    assert_eq!(atp(&engine, "SKU-0"), 15);
}

/// C16: about one or two orders in a hundred had no allocation, and nobody found out why.
#[test]
fn c16_acceptance_and_allocation_are_one_step() {
    let engine = engine(&[[1, 0, 0], [0, 0, 0]]);
    let refused = submit(&engine, no_backorder(order("1", &[(0, 1), (1, 1)])));
    assert_eq!(refused.unwrap_err().code(), "NOSTOCK");
    assert_eq!(atp(&engine, "SKU-0"), 1, "a refused order holds nothing");
    assert_eq!(
        engine.order("shop", "1").unwrap_err().code(),
        "NOTFOUND",
        "and is not accepted"
    );
    let accepted = submit(&engine, order("2", &[(0, 1), (1, 1)])).unwrap();
    assert_eq!(accepted.status.name(), "backordered");
    assert_eq!(accepted.decision.plan.short_units(), 1);
    assert_eq!(atp(&engine, "SKU-0"), 0);
}

/// C17: stock was allocated at an arbitrary warehouse, not the one that would ship.
#[test]
fn c17_units_are_reserved_where_the_plan_ships_them() {
    let engine = engine(&[[2, 2, 2], [0, 2, 0]]);
    let view = submit(&engine, order("1", &[(0, 2), (1, 2)])).unwrap();
    for shipment in &view.decision.plan.shipments {
        for line in &shipment.lines {
            let sku = view.demands[usize::from(line.demand)];
            let report = engine
                .ledger()
                .position(sku, shipment.location, NOW)
                .unwrap();
            assert_eq!(report.position.reserved, line.qty.0);
        }
    }
    let reserved = engine.ledger().totals(NOW).reserved;
    assert_eq!(reserved, 4, "and nowhere else");
}

/// C4, C41: two customers order the last unit at once; both orders succeed.
#[test]
fn c04_c41_the_last_unit_is_sold_once() {
    let engine = engine(&[[1, 0, 0]]);
    let won: usize = std::thread::scope(|scope| {
        let engine = &engine;
        let buyers: Vec<_> = (0..8)
            .map(|n| {
                scope.spawn(move || {
                    let id = n.to_string();
                    submit(engine, no_backorder(order(&id, &[(0, 1)]))).is_ok()
                })
            })
            .collect();
        buyers
            .into_iter()
            .filter(|_| true)
            .map(|b| usize::from(b.join().unwrap()))
            .sum()
    });
    assert_eq!(won, 1);
    assert_eq!(atp(&engine, "SKU-0"), 0);
    assert!(engine.ledger().audit(NOW).is_empty());
}

/// C26: the last unit is bought by two; the second fails although another location has one.
#[test]
fn c26_who_loses_the_stock_is_routed_again() {
    let engine = engine(&[[50, 50, 50]]);
    let accepted: Vec<bool> = std::thread::scope(|scope| {
        let engine = &engine;
        let buyers: Vec<_> = (0..6)
            .map(|n| {
                scope.spawn(move || {
                    (0..25)
                        .map(|k| {
                            let id = format!("{n}-{k}");
                            submit(engine, no_backorder(order(&id, &[(0, 1)]))).is_ok()
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        buyers.into_iter().flat_map(|b| b.join().unwrap()).collect()
    });
    assert!(accepted.iter().all(|&ok| ok), "150 units for 150 orders");
    assert_eq!(engine.ledger().totals(NOW).reserved, 150);
}

/// C2, C39: two lines of one order that share an item are each checked against the same units.
#[test]
fn c02_c39_lines_of_one_sku_are_summed_before_they_are_checked() {
    let engine = engine(&[[3, 0, 0]]);
    let twice = submit(&engine, no_backorder(order("1", &[(0, 2), (0, 2)])));
    assert_eq!(twice.unwrap_err().code(), "NOSTOCK");
    let view = submit(&engine, order("2", &[(0, 2), (0, 1)])).unwrap();
    assert_eq!(view.demands.len(), 1);
    assert_eq!(atp(&engine, "SKU-0"), 0);
}

/// C23: one unit at each of two locations; an order of two is refused.
#[test]
fn c23_a_line_may_come_from_several_locations() {
    let engine = engine(&[[1, 1, 0]]);
    let view = submit(&engine, order("1", &[(0, 2)])).unwrap();
    assert_eq!(view.status.name(), "routed");
    assert_eq!(view.decision.plan.shipments.len(), 2);
}

fn put<'a>(id: &'a str, ttl: Option<u64>, lines: &'a [WantedLine<'a>]) -> ReservationPut<'a> {
    let ttl = ttl.map(Millis);
    ReservationPut {
        id,
        ttl,
        channel: "web",
        priority: 0,
        need_at: None,
        lines,
    }
}

fn at(location: &str, qty: u32) -> [WantedLine<'_>; 1] {
    [WantedLine {
        sku: "SKU-0",
        location,
        qty: Qty(qty),
    }]
}

/// C38: a retry is refused as "insufficient stock" because its own first try holds the units.
#[test]
fn c38_reserving_again_under_one_id_is_get_or_create_and_a_change_is_a_delta() {
    let engine = engine(&[[5, 0, 0]]);
    let five = at("EAST", 5);
    let first = engine
        .put_reservation(&put("cart", Some(1000), &five), NOW)
        .unwrap();
    let again = engine
        .put_reservation(&put("cart", Some(1000), &five), NOW)
        .unwrap();
    assert_eq!(first, again);
    let three = at("EAST", 3);
    engine
        .put_reservation(&put("cart", Some(1000), &three), NOW)
        .unwrap();
    assert_eq!(atp(&engine, "SKU-0"), 2);
    engine
        .put_reservation(&put("cart", Some(1000), &five), NOW)
        .unwrap();
    assert_eq!(atp(&engine, "SKU-0"), 0);
    let six = at("EAST", 6);
    let refused = engine
        .put_reservation(&put("cart", Some(1000), &six), NOW)
        .unwrap_err();
    assert_eq!(refused.code(), "NOSTOCK");
    assert_eq!(
        engine.reservation("cart", NOW).unwrap().claims[0].2,
        Qty(5),
        "as it was"
    );
}

/// C19: checked in the cart, allocated at payment: the last unit is sold twice.
#[test]
fn c19_a_cart_holds_what_it_was_shown_until_it_expires() {
    let engine = engine(&[[1, 0, 0]]);
    let one = at("*", 1);
    engine
        .put_reservation(&put("cart", Some(1000), &one), NOW)
        .unwrap();
    assert!(submit(&engine, no_backorder(order("1", &[(0, 1)]))).is_err());
    let later = NOW + Millis(999);
    assert!(
        engine
            .confirm_reservation("cart", later)
            .unwrap()
            .expires_at
            > NOW + Millis(1000)
    );
    let much_later = NOW + Millis(1_000_000);
    assert_eq!(
        engine
            .atp(&["SKU-0"], &AtpRequest::default(), much_later)
            .unwrap()[0]
            .atp,
        0
    );
    assert!(engine.cancel_reservation("cart", much_later).unwrap());
    assert!(!engine.cancel_reservation("cart", much_later).unwrap());
    let zombie = engine.put_reservation(&put("cart", Some(1000), &one), much_later);
    assert_eq!(
        zombie.unwrap_err().code(),
        "CONFLICT",
        "a late repeat does not bring it back"
    );
}

#[test]
fn an_expired_cart_counts_for_nothing_from_its_millisecond_on() {
    let engine = engine(&[[1, 0, 0]]);
    let one = at("EAST", 1);
    engine
        .put_reservation(&put("cart", Some(1000), &one), NOW)
        .unwrap();
    let last = NOW + Millis(999);
    let over = NOW + Millis(1000);
    let atp_at = |now| engine.atp(&["SKU-0"], &AtpRequest::default(), now).unwrap()[0].atp;
    assert_eq!(atp_at(last), 0);
    assert_eq!(atp_at(over), 1);
    assert_eq!(
        engine.confirm_reservation("cart", over).unwrap_err().code(),
        "EXPIRED"
    );
    assert_eq!(engine.sweep(over), 1);
    assert_eq!(
        engine.confirm_reservation("cart", over).unwrap_err().code(),
        "NOTFOUND"
    );
    assert_eq!(engine.sweep(over), 0);
    assert!(engine.ledger().audit(over).is_empty());
}

/// C6, C37: a compensation is written twice.
#[test]
fn c06_c37_one_reference_has_one_effect() {
    let engine = engine(&[[10, 0, 0]]);
    let adjust =
        |reference: &str, by: i64| engine.adjust_stock(reference, "SKU-0", "EAST", by, "fix", NOW);
    let first = adjust("r1", -3).unwrap();
    assert_eq!(adjust("r1", -3).unwrap(), first);
    assert_eq!(atp(&engine, "SKU-0"), 7);
    let error = adjust("r1", -4).unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
    assert!(
        error.to_string().contains("STOCK.ADJUST SKU-0 EAST -3 fix"),
        "{error}"
    );
    assert_eq!(
        adjust("r2", -8).unwrap_err().code(),
        "INVALID",
        "fewer than none"
    );
    assert_eq!(
        adjust("r2", -7).unwrap().after,
        Qty(0),
        "a refused write leaves its ref free"
    );
}

/// C22, C31: a count below what is promised is refused, or accepted without a word.
#[test]
fn c22_c31_a_count_below_the_promises_is_taken_and_names_them() {
    let engine = engine(&[[10, 0, 0]]);
    let mut high = order("high", &[(0, 4)]);
    high.priority = 5;
    submit(&engine, high).unwrap();
    submit(&engine, order("old", &[(0, 3)])).unwrap();
    submit(&engine, order("new", &[(0, 3)])).unwrap();
    let count = CountReport {
        sku: "SKU-0",
        location: "EAST",
        on_hand: Qty(5),
        as_of: None,
        deducted: &[],
    };
    let broken = engine.set_stock("count-1", &count, NOW).unwrap().broken;
    let named: Vec<(String, u32)> = broken
        .iter()
        .map(|b| (format!("{:?}", b.owner.id), b.qty.0))
        .collect();
    assert_eq!(named.len(), 2, "{named:?}");
    assert!(
        named[0].0.contains("shop/new") && named[0].1 == 3,
        "the newest first: {named:?}"
    );
    assert!(
        named[1].0.contains("shop/old") && named[1].1 == 2,
        "{named:?}"
    );
}

/// C10: another system deducts the sale itself and sets on hand to 0; it is deducted again.
#[test]
fn c10_units_that_the_sender_has_deducted_are_not_deducted_again() {
    let engine = engine(&[[1, 0, 0]]);
    submit(&engine, order("1", &[(0, 1)])).unwrap();
    let count = CountReport {
        sku: "SKU-0",
        location: "EAST",
        on_hand: Qty(0),
        as_of: Some(NOW),
        deducted: &[("shop", "1")],
    };
    let moved = engine.set_stock("count-1", &count, NOW).unwrap();
    assert_eq!((moved.after, moved.broken.len()), (Qty(1), 0));
    let stale = CountReport {
        as_of: Some(EpochMillis(NOW.0 - 1)),
        ..count
    };
    assert_eq!(
        engine.set_stock("count-2", &stale, NOW).unwrap_err().code(),
        "CONFLICT"
    );
}

#[test]
fn holds_have_an_identity_and_a_reason() {
    let engine = engine(&[[10, 0, 0]]);
    let place = |id: &str, qty: u32| {
        engine.place_hold(id, "SKU-0", "EAST", Qty(qty), HoldReason::Damaged, NOW)
    };
    place("h1", 4).unwrap();
    place("h1", 4).unwrap();
    assert_eq!(atp(&engine, "SKU-0"), 6, "placed once");
    assert_eq!(place("h1", 5).unwrap_err().code(), "CONFLICT");
    assert_eq!(
        place("h2", 7).unwrap_err().code(),
        "INVALID",
        "only six are not held"
    );
    assert_eq!(
        engine.release_hold("r1", "h1", Some(Qty(1)), NOW).unwrap(),
        Qty(1)
    );
    assert_eq!(
        engine.release_hold("r1", "h1", Some(Qty(1)), NOW).unwrap(),
        Qty(1)
    );
    assert_eq!(atp(&engine, "SKU-0"), 7, "released once");
    assert_eq!(engine.release_hold("r2", "h1", None, NOW).unwrap(), Qty(3));
    assert_eq!(
        engine
            .release_hold("r3", "nope", None, NOW)
            .unwrap_err()
            .code(),
        "NOTFOUND"
    );
}

#[test]
fn names_that_nobody_introduced_are_refused_by_field() {
    let engine = engine(&[[10, 0, 0]]);
    let mut unknown = order("1", &[(0, 1)]);
    unknown.lines[0].sku = "NOPE".into();
    let error = submit(&engine, unknown).unwrap_err();
    assert_eq!(error.code(), "NOTFOUND");
    assert!(
        error.to_string().starts_with("lines[0].sku is 'NOPE'"),
        "{error}"
    );
    let mut nowhere = order("1", &[(0, 1)]);
    nowhere.ship_to.postal = "99999".into();
    let error = submit(&engine, nowhere).unwrap_err();
    assert_eq!(error.code(), "INVALID");
    assert!(error.to_string().contains("postal"), "{error}");
    let long = order("1", &vec![(0, 1); 10_000]);
    assert_eq!(submit(&engine, long).unwrap_err().code(), "TOOLARGE");
    assert_eq!(
        submit(&engine, order("1", &[])).unwrap_err().code(),
        "INVALID"
    );
    let huge = order("1", &[(0, 2_000_000_000), (0, 2_000_000_000)]);
    assert_eq!(submit(&engine, huge).unwrap_err().code(), "INVALID");
    assert_eq!(atp(&engine, "SKU-0"), 10);
}

#[test]
fn a_paused_location_ships_nothing_new() {
    let engine = engine(&[[5, 5, 0]]);
    assert!(engine.pause_location("EAST", true, NOW).unwrap());
    assert!(!engine.pause_location("EAST", true, NOW).unwrap());
    let view = submit(&engine, order("1", &[(0, 1)])).unwrap();
    assert_eq!(view.decision.plan.shipments[0].location, LocationId(1));
    // Describing another location anew must not resume this one.
    engine.put_location(location("WEST", -121.0), NOW).unwrap();
    let view = submit(&engine, order("2", &[(0, 1)])).unwrap();
    assert_eq!(view.decision.plan.shipments[0].location, LocationId(1));
    assert!(engine.pause_location("EAST", false, NOW).unwrap());
    let view = submit(&engine, order("3", &[(0, 1)])).unwrap();
    assert_eq!(view.decision.plan.shipments[0].location, LocationId(0));
}

#[test]
fn a_quote_reserves_and_remembers_nothing() {
    let engine = engine(&[[5, 0, 5]]);
    let quote = engine.quote(&order("1", &[(0, 2)]), NOW).unwrap();
    assert_eq!(quote.plans.len(), 3);
    assert_eq!(atp(&engine, "SKU-0"), 10);
    assert_eq!(engine.order("shop", "1").unwrap_err().code(), "NOTFOUND");
}
