//! One client at a time: what it does shows at once, exactly, and at the place where it was done.

use crate::engine_support::kept::{recorded, restarted};
use crate::engine_support::{NOW, atp, engine, item, network, order, submit};
use crate::{PLACES, atp_at, counts, put, set};
use allot::engine::AtpRequest;
use allot::model::{EpochMillis, HoldReason, LocationId, Millis, Opening, Qty};

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

/// C3: and what a counter should be could not be found out again.
#[test]
fn c03_the_counters_are_rebuilt_from_the_history_alone() {
    let opening = || Opening {
        items: vec![item(0)],
        ..Opening::default()
    };
    let (engine, kept) = recorded(network(), opening());
    set(&engine, "count", "SKU-0", "EAST", 9);
    put(&engine, "a", &[("SKU-0", "EAST", 2)], None).unwrap();
    put(&engine, "b", &[("SKU-0", "*", 4)], Some(1_000)).unwrap();
    engine.cancel_reservation("a", NOW).unwrap();
    let rebuilt = restarted(network(), opening(), &kept.facts(), NOW);
    assert_eq!(counts(&rebuilt, "SKU-0", "EAST"), (9, 0, 4));
    assert_eq!(rebuilt.ledger().totals(NOW), engine.ledger().totals(NOW));
    assert_eq!(rebuilt.ledger().audit(NOW), []);
}

/// C5: 6 on hand, two orders of 4: after shipping 4 the quantity shows 3 instead of 2.
#[test]
fn c05_every_step_keeps_the_quantity_exact() {
    let engine = engine(&[[6, 0, 0]]);
    submit(&engine, order("1", &[(0, 4)])).unwrap();
    let second = submit(&engine, order("2", &[(0, 4)])).unwrap();
    assert_eq!(
        second.status.name(),
        "backordered",
        "and it is said at once"
    );
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

/// C8: the same with units kept for one of the pools.
#[test]
fn c08_units_kept_for_one_channel_are_offered_to_no_other() {
    let engine = engine(&[[10, 0, 0]]);
    engine
        .set_allocation("r", "SKU-0", "app", Qty(4), None, NOW)
        .unwrap();
    let offered = |channel| {
        let request = AtpRequest {
            channel: Some(channel),
            ..AtpRequest::default()
        };
        engine.atp(&["SKU-0"], &request, NOW).unwrap()[0].atp
    };
    assert_eq!((offered("web"), offered("app")), (6, 10));
    // A reservation of the channel "web".
    assert!(put(&engine, "a", &[("SKU-0", "EAST", 7)], None).is_err());
    put(&engine, "a", &[("SKU-0", "EAST", 6)], None).unwrap();
    assert_eq!((offered("web"), offered("app")), (0, 4));
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

/// C28: and another part of it is numbers that wrap.
#[test]
fn c28_quantities_never_wrap() {
    let engine = engine(&[[1, 1, 0]]);
    set(&engine, "most", "SKU-0", "EAST", Qty::MAX.0);
    let adjust = |change: i64| engine.adjust_stock("r", "SKU-0", "EAST", change, "found", NOW);
    for change in [1, i64::MAX, i64::MIN, -i64::from(Qty::MAX.0) - 1] {
        assert_eq!(adjust(change).unwrap_err().code(), "INVALID", "{change}");
    }
    assert_eq!(counts(&engine, "SKU-0", "EAST"), (Qty::MAX.0, 0, 0));
    assert_eq!(atp(&engine, "SKU-0"), u64::from(Qty::MAX.0) + 1);
    // Two lines of one item that only together are more than there can be.
    let lines = [("SKU-0", "*", Qty::MAX.0), ("SKU-0", "*", Qty::MAX.0)];
    assert!(put(&engine, "a", &lines, None).is_err());
    let too_many = put(&engine, "a", &[("SKU-0", "*", u32::MAX)], None);
    assert_eq!(too_many.unwrap_err().code(), "INVALID");
    assert_eq!(engine.ledger().totals(NOW).reserved, 0);
    put(&engine, "a", &[("SKU-0", "EAST", Qty::MAX.0)], None).unwrap();
    assert_eq!(atp(&engine, "SKU-0"), 1);
    assert_eq!(engine.ledger().audit(NOW), []);
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

/// C39: removing a line leaves an allocation that nobody can free.
#[test]
fn c39_a_line_that_is_taken_out_gives_its_units_back() {
    let engine = engine(&[[5, 0, 0], [5, 0, 0]]);
    let lines = [("SKU-0", "EAST", 5), ("SKU-1", "EAST", 5)];
    put(&engine, "a", &lines, None).unwrap();
    put(&engine, "a", &lines[..1], None).unwrap();
    assert_eq!((atp(&engine, "SKU-0"), atp(&engine, "SKU-1")), (0, 5));
    put(&engine, "b", &lines[1..], None).unwrap();
    engine.cancel_reservation("a", NOW).unwrap();
    engine.cancel_reservation("b", NOW).unwrap();
    assert_eq!(engine.ledger().totals(NOW).claims, 0);
}
