//! What needs a decision: found in the step in which it happens, ended by what ends it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::engine::{ClaimAsk, CountReport, Engine, Exception, ExceptionFilter, PartName, Token};
use allot::model::{
    Change, ClaimMode, ExceptionKind, HoldReason, Location, Millis, OrderKey, Parcel, Qty, Tracking,
};
use engine_support::{NOW, engine, location, no_backorder, order, submit};

fn open(engine: &Engine) -> Vec<Exception> {
    engine
        .exceptions(&ExceptionFilter::default(), 0, 100)
        .unwrap()
}

/// Cause and particulars of each that is open.
fn shown(engine: &Engine) -> Vec<String> {
    let all = open(engine).into_iter();
    all.map(|e| format!("{}: {}", e.finding.subject, e.finding.detail))
        .collect()
}

fn resolved(engine: &Engine, id: u64) -> (Option<String>, String) {
    let ended = engine.exception(id).unwrap().resolved.unwrap();
    (ended.by.map(String::from), ended.how.into())
}

fn part(order: &str) -> PartName<'_> {
    PartName {
        source: "shop",
        order,
        number: 1,
    }
}

fn claim(engine: &Engine, location: &str, order: &str, mode: ClaimMode) -> Token {
    let ask = ClaimAsk {
        location,
        holder: "wms",
        count: 1,
        lease: Millis(60_000),
        mode,
        order: Some(("shop", order)),
    };
    let handed = engine.claim(&ask, NOW).unwrap();
    handed[0].1.token
}

fn count(engine: &Engine, reference: &str, units: u32) {
    let count = CountReport {
        sku: "SKU-0",
        location: "EAST",
        on_hand: Qty(units),
        as_of: None,
        deducted: &[],
    };
    engine.set_stock(reference, &count, NOW).unwrap();
}

#[test]
fn a_refused_order_is_looked_after_until_it_is_accepted() {
    let engine = engine(&[[5, 0, 0]]);
    for _ in 0..2 {
        submit(&engine, no_backorder(order("1", &[(0, 9)]))).unwrap_err();
    }
    let found = open(&engine);
    assert_eq!(found.len(), 1, "a repeat opens no second one");
    assert_eq!(found[0].kind(), ExceptionKind::Unroutable);
    assert_eq!(
        (found[0].cause().name(), found[0].cause().owner()),
        ("no_stock", "supply")
    );
    assert_eq!(found[0].finding.waits_for.len(), 1);
    let mut unknown = order("2", &[(0, 1)]);
    unknown.lines[0].sku = "NO-SUCH".into();
    submit(&engine, unknown).unwrap_err();
    let mut nowhere = order("3", &[(0, 1)]);
    nowhere.ship_to.postal = "99999".into();
    nowhere.ship_to.country = "DE".into();
    submit(&engine, nowhere).unwrap_err();
    let causes: Vec<_> = open(&engine).iter().map(|e| e.cause().name()).collect();
    assert_eq!(causes, ["no_stock", "sku_unknown", "address_unknown"]);
    // What is accepted under the same identity ends it.
    submit(&engine, no_backorder(order("1", &[(0, 2)]))).unwrap();
    assert_eq!(open(&engine).len(), 2);
    assert_eq!(
        resolved(&engine, 1),
        (None, "the order was accepted".into())
    );
}

#[test]
fn an_order_for_which_no_day_has_room_is_a_matter_of_capacity() {
    let engine = engine(&[[9, 0, 0]]);
    let row = Location {
        units_per_day: Some(4),
        ..location("EAST", -74.0)
    };
    engine.put_location(row, NOW).unwrap();
    // No day hands over so many, and the line may not be divided.
    let mut large = no_backorder(order("1", &[(0, 6)]));
    large.lines[0].may_split = false;
    submit(&engine, large.clone()).unwrap_err();
    // Of these there are not so many: more room would not help.
    submit(&engine, no_backorder(order("2", &[(0, 10)]))).unwrap_err();
    let kinds: Vec<_> = open(&engine).iter().map(|e| e.kind().name()).collect();
    assert_eq!(kinds, ["capacity", "unroutable"]);
    let found = &open(&engine)[0];
    assert_eq!(found.cause().name(), "location_full");
    assert!(found.cause().resolution().starts_with("more capacity"));
    engine.put_location(location("EAST", -74.0), NOW).unwrap();
    submit(&engine, large).unwrap();
    assert_eq!(resolved(&engine, 1).1, "the order was accepted");
}

#[test]
fn a_count_below_what_was_promised_names_the_orders_at_risk() {
    let engine = engine(&[[5, 0, 0]]);
    let mut tokens = Vec::new();
    for id in ["1", "2"] {
        submit(&engine, order(id, &[(0, 2)])).unwrap();
        tokens.push(claim(&engine, "EAST", id, ClaimMode::WorkAtOnce));
    }
    // Somebody has both, so neither can be placed elsewhere.
    count(&engine, "c1", 3);
    let text = "stock_cut of order shop/2: 1 of SKU-0 at EAST are not covered";
    assert_eq!(shown(&engine), [text], "the newest is first to lose");
    engine
        .place_hold("h", "SKU-0", "EAST", Qty(2), HoldReason::Damaged, NOW)
        .unwrap();
    assert_eq!(open(&engine).len(), 2);
    // What ships after all was no risk in the end. What goes back waits, since nothing is left; that
    // stays open until it is promised anew.
    let shipped = Change::Ship { parcels: vec![] };
    engine
        .tell_fulfillment(part("1"), Some(&tokens[0]), &shipped, NOW)
        .unwrap();
    assert_eq!(resolved(&engine, 2).1, "it has shipped");
    let back = Change::TakeBack {
        vouched_by: Some("anna".into()),
    };
    engine
        .tell_fulfillment(part("2"), None, &back, NOW)
        .unwrap();
    assert_eq!(open(&engine).len(), 1);
    count(&engine, "c2", 5);
    assert_eq!(resolved(&engine, 1).1, "it was promised anew");
    assert_eq!(open(&engine).len(), 0);
}

#[test]
fn what_a_location_misses_or_refuses_needs_another_place() {
    let engine = engine(&[[9, 0, 0]]);
    for id in ["1", "2"] {
        submit(&engine, no_backorder(order(id, &[(0, 3)]))).unwrap();
    }
    let token = claim(&engine, "EAST", "1", ClaimMode::WorkAtOnce);
    let short = Change::Short {
        lines: vec![(0, Qty(2))],
    };
    engine
        .tell_fulfillment(part("1"), Some(&token), &short, NOW)
        .unwrap();
    let token = claim(&engine, "EAST", "2", ClaimMode::WorkAtOnce);
    let reject = Change::Reject {
        reason: "dock closed".into(),
    };
    engine
        .tell_fulfillment(part("2"), Some(&token), &reject, NOW)
        .unwrap();
    assert_eq!(
        shown(&engine),
        [
            "units_missing of order shop/1#1: SKU-0 x 2 at EAST: not found",
            "location_rejected of order shop/2#1: SKU-0 x 3 at EAST: dock closed",
        ]
    );
    let channels: Vec<_> = open(&engine).iter().map(|e| e.finding.channel).collect();
    assert!(channels.iter().all(Option::is_some));
    // Where there is another place nobody has to decide, now or later.
    engine
        .adjust_stock("a1", "SKU-0", "WEST", 9, "found", NOW)
        .unwrap();
    assert_eq!(open(&engine).len(), 0);
    submit(&engine, order("3", &[(0, 1)])).unwrap();
    let token = claim(&engine, "EAST", "3", ClaimMode::WorkAtOnce);
    engine
        .tell_fulfillment(part("3"), Some(&token), &reject, NOW)
        .unwrap();
    for id in 1..=3 {
        assert_eq!(
            resolved(&engine, id).1,
            "its units have another place, or wait for supply"
        );
    }
}

#[test]
fn whoever_ships_without_having_it_contradicts_what_is_known() {
    let engine = engine(&[[9, 0, 0]]);
    submit(&engine, order("1", &[(0, 1)])).unwrap();
    let old = claim(&engine, "EAST", "1", ClaimMode::WorkAtOnce);
    let back = Change::TakeBack {
        vouched_by: Some("anna".into()),
    };
    engine
        .tell_fulfillment(part("1"), None, &back, NOW)
        .unwrap();
    // A stale token that only asks is refused and no more; one that has shipped is.
    let ack = Change::Acknowledge;
    engine
        .tell_fulfillment(part("1"), Some(&old), &ack, NOW)
        .unwrap_err();
    assert_eq!(open(&engine).len(), 0);
    let shipped = Change::Ship {
        parcels: vec![Parcel {
            tracking: Tracking {
                carrier: "ups".into(),
                number: "1Z".into(),
            },
            cents: None,
            contents: vec![],
            delivered: false,
        }],
    };
    engine
        .tell_fulfillment(part("1"), Some(&old), &shipped, NOW)
        .unwrap_err();
    claim(&engine, "EAST", "1", ClaimMode::WorkAtOnce);
    engine
        .register_fulfillment(("shop", "1"), None, "3pl", NOW)
        .unwrap_err();
    let causes: Vec<_> = open(&engine).iter().map(|e| e.cause().name()).collect();
    assert_eq!(causes, ["message_contradicts", "two_holders"]);
}

#[test]
fn a_place_from_which_more_left_than_was_counted_has_to_be_counted() {
    let engine = engine(&[[5, 0, 0]]);
    submit(&engine, order("1", &[(0, 3)])).unwrap();
    let token = claim(&engine, "EAST", "1", ClaimMode::WorkAtOnce);
    count(&engine, "c1", 1);
    let shipped = Change::Ship { parcels: vec![] };
    engine
        .tell_fulfillment(part("1"), Some(&token), &shipped, NOW)
        .unwrap();
    let text = "counts_differ of item 0 at 0: 3 of SKU-0 left EAST where 1 were counted";
    assert_eq!(shown(&engine), [text]);
    count(&engine, "c2", 4);
    assert_eq!(open(&engine).len(), 0);
    assert_eq!(resolved(&engine, 2).1, "it was counted");
}

#[test]
fn it_is_assigned_and_resolved_once_and_counted_by_type() {
    let engine = engine(&[[5, 0, 0]]);
    submit(&engine, no_backorder(order("1", &[(0, 9)]))).unwrap_err();
    let (after, changed) = engine.assign_exception(1, Some("anna"), NOW).unwrap();
    assert_eq!(
        (after.assigned_to.as_deref(), changed),
        (Some("anna"), true)
    );
    assert!(!engine.assign_exception(1, Some("anna"), NOW).unwrap().1);
    let facts = engine.latest_fact();
    let first = engine.resolve_exception(1, "anna", "the customer left", NOW);
    let again = engine.resolve_exception(1, "ben", "late", NOW);
    assert_eq!((first.unwrap().1, again.unwrap().1), (true, false));
    assert_eq!(engine.latest_fact().0, facts.0 + 1, "a repeat is no fact");
    assert_eq!(resolved(&engine, 1).0.as_deref(), Some("anna"));
    assert_eq!(engine.exception(2).unwrap_err().code(), "NOTFOUND");
    let counts = engine.exception_counts();
    let of = |kind| counts.iter().find(|(k, _)| *k == kind).unwrap().1;
    let unroutable = of(ExceptionKind::Unroutable);
    assert_eq!(
        (unroutable.opened, unroutable.resolved, unroutable.open()),
        (1, 1, 0)
    );
    let filter = ExceptionFilter {
        order: Some(OrderKey::new("shop", "1")),
        resolved_too: true,
        ..ExceptionFilter::default()
    };
    assert_eq!(engine.exceptions(&filter, 0, 9).unwrap().len(), 1);
}
