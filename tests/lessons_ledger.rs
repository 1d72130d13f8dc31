//! What other systems shipped and this ledger must not: a test for each row of the list of
//! failures that is about quantities, named after it.
//!
//! Rows about orders and identities have theirs in `engine_orders.rs` and `server/identity.rs`,
//! rows about routing in `lessons_routing.rs` and beside the router.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::engine::{
    AtpRequest, CountReport, Engine, EngineError, ReservationPut, ReservationView, WantedLine,
};
use allot::model::{EpochMillis, HoldReason, LocationId, Millis, Qty};
use engine_support::{NOW, atp, engine, item, order, submit};
use std::sync::atomic::{AtomicU32, Ordering};

const PLACES: [&str; 3] = ["EAST", "MID", "WEST"];

fn put(
    engine: &Engine,
    id: &str,
    lines: &[(&str, &str, u32)],
    ttl: Option<u64>,
) -> Result<ReservationView, EngineError> {
    let lines: Vec<WantedLine<'_>> = lines
        .iter()
        .map(|&(sku, location, qty)| WantedLine {
            sku,
            location,
            qty: Qty(qty),
        })
        .collect();
    let put = ReservationPut {
        id,
        ttl: ttl.map(Millis),
        channel: "web",
        priority: 0,
        need_at: None,
        lines: &lines,
    };
    engine.put_reservation(&put, NOW)
}

/// On hand, held, reserved of a position.
fn counts(engine: &Engine, sku: &str, place: &str) -> (u32, u32, u32) {
    let report = engine.stock(sku, place, NOW).unwrap();
    report.map_or((0, 0, 0), |r| {
        (r.position.on_hand, r.position.held, r.position.reserved)
    })
}

fn atp_at(engine: &Engine, sku: &str, place: &str) -> u64 {
    let request = AtpRequest {
        at: &[place],
        ..AtpRequest::default()
    };
    engine.atp(&[sku], &request, NOW).unwrap()[0].atp
}

fn set(engine: &Engine, reference: &str, sku: &str, place: &str, units: u32) {
    let count = CountReport {
        sku,
        location: place,
        on_hand: Qty(units),
        as_of: None,
        deducted: &[],
    };
    engine.set_stock(reference, &count, NOW).unwrap();
}

/// C1, C40: two reserve calls at once both take the last unit, and the counter loses an update.
#[test]
fn c01_c40_concurrent_reservations_lose_no_update() {
    let engine = engine(&[[300, 0, 0]]);
    let granted = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (engine, granted) = (&engine, &granted);
            scope.spawn(move || {
                for n in 0..100 {
                    let id = format!("{thread}-{n}");
                    if put(engine, &id, &[("SKU-0", "EAST", 1)], None).is_ok() {
                        granted.fetch_add(1, Ordering::Relaxed);
                    }
                    if n % 4 == 0 && engine.cancel_reservation(&id, NOW) == Ok(true) {
                        granted.fetch_sub(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let granted = granted.into_inner();
    assert_eq!(counts(&engine, "SKU-0", "EAST"), (300, 0, granted));
    assert_eq!(atp(&engine, "SKU-0"), u64::from(300 - granted));
    assert_eq!(engine.ledger().audit(NOW), []);
}

/// C3: the reserved quantity went negative, and no tool could mend it.
#[test]
fn c03_the_reserved_quantity_never_goes_below_zero() {
    let engine = engine(&[[5, 0, 0]]);
    put(&engine, "a", &[("SKU-0", "EAST", 2)], Some(1_000)).unwrap();
    let later = NOW + Millis(1_000);
    // Expired, swept, cancelled, cancelled again: each gives back once or nothing.
    assert_eq!(engine.sweep(later), 1);
    let _ = engine.cancel_reservation("a", later);
    let _ = engine.cancel_reservation("a", later);
    put(&engine, "b", &[("SKU-0", "EAST", 2)], None).unwrap();
    assert_eq!(engine.cancel_reservation("b", NOW), Ok(true));
    assert_eq!(engine.cancel_reservation("b", NOW), Ok(false));
    assert_eq!(counts(&engine, "SKU-0", "EAST"), (5, 0, 0));
    assert_eq!(
        engine.ledger().audit(later),
        [],
        "the check that users had to write"
    );
}

/// C5: 6 on hand, two orders of 4: after shipping 4 the quantity shows 3 instead of 2.
#[test]
fn c05_every_step_keeps_the_quantity_exact() {
    let engine = engine(&[[6, 0, 0]]);
    submit(&engine, order("1", &[(0, 4)])).unwrap();
    let second = submit(&engine, order("2", &[(0, 4)])).unwrap();
    assert_eq!(second.state.name(), "backordered", "and it is said at once");
    assert_eq!(counts(&engine, "SKU-0", "EAST"), (6, 0, 6));
    engine.cancel_order("shop", "2", NOW).unwrap();
    assert_eq!(counts(&engine, "SKU-0", "EAST"), (6, 0, 4));
    engine
        .adjust_stock("r", "SKU-0", "EAST", -4, "shipped", NOW)
        .unwrap();
    engine.cancel_order("shop", "1", NOW).unwrap();
    assert_eq!(counts(&engine, "SKU-0", "EAST"), (2, 0, 0));
}

/// C7: a compensation without the reservation it compensates makes stock out of nothing.
#[test]
fn c07_a_release_gives_back_no_more_than_was_held() {
    let engine = engine(&[[3, 0, 0]]);
    assert!(engine.cancel_reservation("never-made", NOW).is_err());
    let refused = put(&engine, "too-many", &[("SKU-0", "EAST", 4)], None);
    assert_eq!(refused.unwrap_err().code(), "NOSTOCK");
    assert!(engine.cancel_reservation("too-many", NOW).is_err());
    assert!(engine.cancel_order("shop", "never-made", NOW).is_err());
    let hold = HoldReason::Damaged;
    engine
        .place_hold("h", "SKU-0", "EAST", Qty(1), hold, NOW)
        .unwrap();
    assert!(engine.release_hold("r", "h", Some(Qty(2)), NOW).is_err());
    assert_eq!(atp(&engine, "SKU-0"), 2);
}

/// C8: stock that one sales pool sold is still offered by another that shares the warehouse.
#[test]
fn c08_what_one_channel_sold_no_other_is_offered() {
    let engine = engine(&[[10, 0, 0]]);
    put(&engine, "a", &[("SKU-0", "EAST", 7)], None).unwrap();
    for channel in ["web", "app", "never-seen"] {
        let request = AtpRequest {
            channel: Some(channel),
            ..AtpRequest::default()
        };
        let answer = engine.atp(&["SKU-0"], &request, NOW).unwrap();
        assert_eq!(answer[0].atp, 3, "{channel}");
    }
}

/// C9: an item that is deleted and made again inherits reservations that eat its new stock.
#[test]
fn c09_an_item_described_anew_is_the_same_item_with_its_promises() {
    let engine = engine(&[[10, 0, 0]]);
    put(&engine, "a", &[("SKU-0", "EAST", 4)], None).unwrap();
    let mut again = item(0);
    again.grams = 900;
    assert!(!engine.put_item(again, NOW).unwrap(), "it is not new");
    assert_eq!(atp(&engine, "SKU-0"), 6);
    engine.cancel_reservation("a", NOW).unwrap();
    assert_eq!(
        atp(&engine, "SKU-0"),
        10,
        "every promise still has an owner who can end it"
    );
    assert!(engine.put_item(item(7), NOW).unwrap());
    assert_eq!(atp(&engine, "SKU-7"), 0, "another item begins with nothing");
}

/// C12, C13, C14: what may be promised is summed over all history, and gets slower with it.
#[test]
fn c12_c13_c14_an_answer_needs_no_history() {
    let engine = engine(&[[1_000, 1_000, 1_000]]);
    let before = engine.ledger().totals(NOW);
    for n in 0..20_000 {
        let id = n.to_string();
        put(&engine, &id, &[("SKU-0", PLACES[n % 3], 1)], None).unwrap();
        engine.cancel_reservation(&id, NOW).unwrap();
    }
    let after = engine.ledger().totals(NOW);
    assert_eq!(atp(&engine, "SKU-0"), 3_000);
    assert_eq!(
        (after.claims, after.reserved),
        (0, 0),
        "nothing is left to add up"
    );
    let grown = after.memory_bytes - before.memory_bytes;
    assert!(
        grown < 10_000,
        "{grown} bytes are left of 20,000 promises that ended"
    );
}

/// C15: bursts of changes collide on an index between write and read; the loser leaves it stale.
#[test]
fn c15_what_was_written_is_read_at_once() {
    let engine = engine(&[[0, 0, 0], [0, 0, 0], [0, 0, 0]]);
    std::thread::scope(|scope| {
        for (sku, place) in [("SKU-0", "EAST"), ("SKU-1", "EAST"), ("SKU-0", "WEST")] {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0..500u32 {
                    set(engine, &format!("{sku}-{place}-{n}"), sku, place, n);
                    assert_eq!(atp_at(engine, sku, place), u64::from(n));
                }
            });
        }
    });
    assert_eq!(atp(&engine, "SKU-0"), 998);
}

/// C18: an error on one line of a release leaves the counters of the others as they were.
#[test]
fn c18_a_reservation_of_many_lines_is_all_or_nothing() {
    let engine = engine(&[[5, 5, 0], [5, 0, 0], [0, 0, 1]]);
    let lines = [
        ("SKU-0", "EAST", 2),
        ("SKU-1", "*", 3),
        ("SKU-2", "WEST", 2),
    ];
    let refused = put(&engine, "a", &lines, None).unwrap_err();
    assert!(refused.to_string().contains("SKU-2"), "{refused}");
    assert_eq!(engine.ledger().totals(NOW).reserved, 0);
    put(&engine, "a", &lines[..2], None).unwrap();
    let change = put(&engine, "a", &lines, None);
    assert!(change.is_err(), "a change is too");
    assert_eq!(engine.ledger().totals(NOW).reserved, 5);
    engine.cancel_reservation("a", NOW).unwrap();
    assert_eq!(
        engine.ledger().totals(NOW).reserved,
        0,
        "and so is a release"
    );
}

/// C20: allocation over several locations ignores what is already allocated there.
#[test]
fn c20_what_is_promised_at_a_location_is_not_offered_there_again() {
    let engine = engine(&[[4, 3, 2]]);
    put(
        &engine,
        "a",
        &[("SKU-0", "EAST", 4), ("SKU-0", "MID", 1)],
        None,
    )
    .unwrap();
    let rest = put(&engine, "b", &[("SKU-0", "*", 4)], None).unwrap();
    let mut places: Vec<_> = rest.claims.iter().map(|&(_, l, q)| (l, q)).collect();
    places.sort_unstable();
    assert_eq!(places, [(LocationId(1), Qty(2)), (LocationId(2), Qty(2))]);
    assert!(put(&engine, "c", &[("SKU-0", "*", 1)], None).is_err());
}

/// C25, C27: splitting or joining shipments turns waiting units into units on hand, or loses some.
#[test]
fn c25_c27_a_split_keeps_every_unit_and_what_it_is() {
    let engine = engine(&[[2, 1, 1], [0, 5, 0]]);
    let view = submit(&engine, order("1", &[(0, 7), (1, 5)])).unwrap();
    let plan = &view.decision.plan;
    let shipped = |demand: u16| -> u32 {
        let lines = plan.shipments.iter().flat_map(|s| &s.lines);
        lines.filter(|l| l.demand == demand).map(|l| l.qty.0).sum()
    };
    let waiting: u32 = plan.short.iter().map(|s| s.qty.0).sum();
    assert_eq!((shipped(0), shipped(1), waiting), (4, 5, 3));
    assert_eq!(
        engine.ledger().totals(NOW).reserved,
        9,
        "what waits holds nothing"
    );
}

/// C28: the reserved total and its rows drift apart; a part of it is rounding.
#[test]
fn c28_totals_are_their_rows() {
    let engine = engine(&[[50, 50, 50], [50, 50, 50]]);
    for n in 0..40u32 {
        let sku = ["SKU-0", "SKU-1"][n as usize % 2];
        let ttl = (n % 3 == 0).then_some(u64::from(n) + 1);
        put(&engine, &format!("r{n}"), &[(sku, "*", 1 + n % 3)], ttl).unwrap();
        if n % 5 == 0 {
            engine.cancel_reservation(&format!("r{n}"), NOW).unwrap();
        }
        assert_eq!(engine.ledger().audit(NOW + Millis(u64::from(n))), []);
    }
}

/// C29: editing a line of an order leaves ghost quantities reserved.
#[test]
fn c29_an_edit_leaves_no_ghost() {
    let engine = engine(&[[10, 10, 0], [10, 0, 0]]);
    put(
        &engine,
        "a",
        &[("SKU-0", "EAST", 8), ("SKU-1", "EAST", 1)],
        None,
    )
    .unwrap();
    put(&engine, "a", &[("SKU-0", "MID", 3)], None).unwrap();
    assert_eq!(counts(&engine, "SKU-0", "EAST").2, 0);
    assert_eq!(counts(&engine, "SKU-0", "MID").2, 3);
    assert_eq!(counts(&engine, "SKU-1", "EAST").2, 0);
    // Its own units count for it: 10 are there although 3 of them are its own.
    put(&engine, "a", &[("SKU-0", "MID", 10)], None).unwrap();
    assert_eq!(counts(&engine, "SKU-0", "MID").2, 10);
}

/// C30: a reservation made at one warehouse moves the counter of another.
#[test]
fn c30_a_reservation_counts_where_it_was_made() {
    let engine = engine(&[[5, 5, 5]]);
    put(&engine, "a", &[("SKU-0", "MID", 2)], None).unwrap();
    let reserved = PLACES.map(|place| counts(&engine, "SKU-0", place).2);
    assert_eq!(reserved, [0, 2, 0]);
    let offered = PLACES.map(|place| atp_at(&engine, "SKU-0", place));
    assert_eq!(offered, [5, 3, 5]);
}

/// C32: deadlocks when orders are submitted in bulk, even for different items and warehouses.
#[test]
fn c32_orders_in_bulk_never_deadlock() {
    let engine = engine(&[[500; 3], [500; 3], [500; 3], [500; 3]]);
    std::thread::scope(|scope| {
        for thread in 0..4usize {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0..60 {
                    let first = (thread + n) % 4;
                    let lines: Vec<_> = (0..4).map(|k| ((first + k * 3) % 4, 1)).collect();
                    submit(engine, order(&format!("{thread}-{n}"), &lines)).unwrap();
                    if n % 3 == 0 {
                        let id = format!("{thread}-{n}");
                        engine.cancel_order("shop", &id, NOW).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(engine.ledger().totals(NOW).reserved, 4 * 40 * 4);
    assert_eq!(engine.ledger().audit(NOW), []);
}

/// C33: the notice that an order will wait ignores other open orders.
#[test]
fn c33_a_notice_counts_other_open_orders() {
    let engine = engine(&[[6, 0, 0]]);
    submit(&engine, order("1", &[(0, 5)])).unwrap();
    let quote = engine.quote(&order("2", &[(0, 3)]), NOW).unwrap();
    for (goal, decision) in &quote.plans {
        let waiting: u32 = decision.plan.short.iter().map(|s| s.qty.0).sum();
        assert_eq!(waiting, 2, "{goal:?}");
    }
    let asked = AtpRequest {
        quantity: Some(Qty(3)),
        ..AtpRequest::default()
    };
    let answer = &engine.atp(&["SKU-0"], &asked, NOW).unwrap()[0];
    assert_eq!((answer.atp, answer.earliest), (1, None::<EpochMillis>));
}
