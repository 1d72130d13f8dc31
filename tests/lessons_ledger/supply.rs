//! Units on their way, counts and holds: each is where it is said to be, once.

use crate::engine_support::{NOW, atp, engine};
use crate::{PLACES, atp_at, counts, put, set};
use allot::engine::{AtpRequest, CountReport, Engine, SupplyPut};
use allot::model::{EpochMillis, HoldReason, IncomingKind, Millis, OwnerFact, Qty};

const DAY: Millis = Millis(86_400_000);

/// Expects units of SKU-0 at EAST.
pub(crate) fn expect(engine: &Engine, id: &str, qty: u32, arrives_at: EpochMillis) {
    let put = SupplyPut {
        id,
        sku: "SKU-0",
        from: None,
        to: "EAST",
        qty: Qty(qty),
        arrives_at,
        force: false,
    };
    engine.announce_supply(&put, NOW).unwrap();
}

/// Sends units of SKU-0 from EAST to WEST, there in a day.
fn send<'a>(id: &'a str, qty: u32) -> SupplyPut<'a> {
    SupplyPut {
        id,
        sku: "SKU-0",
        from: Some("EAST"),
        to: "WEST",
        qty: Qty(qty),
        arrives_at: NOW + DAY,
        force: false,
    }
}

/// On hand by location.
fn on_hand(engine: &Engine) -> [u32; 3] {
    PLACES.map(|place| counts(engine, "SKU-0", place).0)
}

/// C6, C7, C37: what takes back a movement is applied twice, or without the movement.
#[test]
fn c06_c07_c37_a_cancel_that_comes_after_the_units_moves_none() {
    let engine = engine(&[[10, 0, 0]]);
    let kind = IncomingKind::Transfer;
    let cancel = |reference: &str, id: &str, back: bool| {
        engine.cancel_supply(reference, kind, id, back, NOW)
    };
    engine.announce_supply(&send("t-1", 4), NOW).unwrap();
    engine.announce_supply(&send("t-1", 4), NOW).unwrap();
    assert_eq!(on_hand(&engine), [6, 0, 0], "sent once");
    engine
        .receive_supply("r-1", kind, "t-1", Qty(4), false, NOW)
        .unwrap();
    for back in [true, false] {
        let refused = cancel("c-1", "t-1", back).unwrap_err();
        assert_eq!(refused.code(), "CONFLICT");
        let told = refused.to_string();
        assert!(told.contains("'t-1'; it is received"), "{told}");
    }
    assert_eq!(on_hand(&engine), [6, 0, 4]);
    engine.announce_supply(&send("t-2", 5), NOW).unwrap();
    for reference in ["c-2", "c-2", "c-3"] {
        cancel(reference, "t-2", true).unwrap();
        assert_eq!(on_hand(&engine), [6, 0, 4], "given back once");
    }
    let lost = cancel("c-4", "t-2", false).unwrap_err();
    assert!(lost.to_string().contains("it is returned"), "{lost}");
    let late = engine.receive_supply("r-2", kind, "t-2", Qty(5), false, NOW);
    assert_eq!(late.unwrap_err().code(), "CONFLICT");
    assert_eq!(cancel("c-5", "t-9", true).unwrap_err().code(), "NOTFOUND");
    assert_eq!(on_hand(&engine), [6, 0, 4]);
}

/// C6: a part that has arrived is given back with the rest.
#[test]
fn c06_a_cancel_gives_back_only_what_has_not_arrived() {
    let engine = engine(&[[10, 0, 0]]);
    let kind = IncomingKind::Transfer;
    engine.announce_supply(&send("t-1", 6), NOW).unwrap();
    engine
        .receive_supply("r-1", kind, "t-1", Qty(4), false, NOW)
        .unwrap();
    engine.cancel_supply("c-1", kind, "t-1", true, NOW).unwrap();
    assert_eq!(on_hand(&engine), [6, 0, 4], "ten units, as at the start");
    assert_eq!(engine.ledger().audit(NOW), []);
}

/// C30: a movement at one place shows at another, or a transfer counts at both or at neither.
#[test]
fn c30_units_between_two_places_are_at_neither_and_promised_at_one() {
    let engine = engine(&[[10, 5, 0]]);
    put(&engine, "a", &[("SKU-0", "EAST", 3)], None).unwrap();
    let refused = engine.announce_supply(&send("t-0", 8), NOW).unwrap_err();
    assert!(refused.to_string().contains("at most the 7"), "{refused}");
    engine.announce_supply(&send("t-1", 7), NOW).unwrap();
    assert_eq!(on_hand(&engine), [3, 5, 0]);
    assert_eq!(PLACES.map(|p| atp_at(&engine, "SKU-0", p)), [0, 5, 0]);
    let tomorrow = AtpRequest {
        by: Some(NOW + DAY),
        at: &["WEST"],
        ..AtpRequest::default()
    };
    assert_eq!(engine.atp(&["SKU-0"], &tomorrow, NOW).unwrap()[0].atp, 7);
    let kind = IncomingKind::Transfer;
    engine
        .receive_supply("r", kind, "t-1", Qty(7), false, NOW)
        .unwrap();
    assert_eq!(on_hand(&engine), [3, 5, 7]);
    assert_eq!(atp(&engine, "SKU-0"), 12);
}

/// C22: stock is lowered under a cart, and nobody is told before it is paid.
#[test]
fn c22_a_cart_whose_units_are_gone_is_named_when_they_go() {
    let engine = engine(&[[5, 0, 0]]);
    put(&engine, "cart", &[("SKU-0", "EAST", 4)], Some(1_000)).unwrap();
    let moved = engine.adjust_stock("r-1", "SKU-0", "EAST", -1, "lost", NOW);
    assert_eq!(moved.unwrap().broken, [], "there are enough");
    let moved = engine.adjust_stock("r-2", "SKU-0", "EAST", -3, "lost", NOW);
    let broken = moved.unwrap().broken;
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0].owner.id, OwnerFact::Reservation("cart".into()));
    assert_eq!(broken[0].qty, Qty(3));
    assert_eq!(atp(&engine, "SKU-0"), 0, "never below none");
    assert_eq!(engine.ledger().totals(NOW).oversold, 1);
    assert!(put(&engine, "b", &[("SKU-0", "EAST", 1)], None).is_err());
    engine.cancel_reservation("cart", NOW).unwrap();
    assert_eq!(atp(&engine, "SKU-0"), 1);
}

/// C31: a count is refused because something there is reserved, held or expected.
#[test]
fn c31_a_count_is_taken_whatever_is_promised_held_or_on_its_way() {
    let engine = engine(&[[10, 0, 0]]);
    put(&engine, "a", &[("SKU-0", "EAST", 4)], None).unwrap();
    let damaged = HoldReason::Damaged;
    engine
        .place_hold("h", "SKU-0", "EAST", Qty(3), damaged, NOW)
        .unwrap();
    expect(&engine, "po", 2, NOW + DAY);
    set(&engine, "more", "SKU-0", "EAST", 12);
    assert_eq!(counts(&engine, "SKU-0", "EAST"), (12, 3, 4));
    let none = CountReport {
        sku: "SKU-0",
        location: "EAST",
        on_hand: Qty(0),
        as_of: None,
        deducted: &[],
    };
    let moved = engine.set_stock("none", &none, NOW).unwrap();
    assert_eq!((moved.before, moved.after), (Qty(12), Qty(0)));
    assert_eq!(moved.broken.len(), 1, "and who is short of units is named");
    assert_eq!(counts(&engine, "SKU-0", "EAST"), (0, 3, 4));
    assert_eq!(atp(&engine, "SKU-0"), 0);
    assert_eq!(engine.ledger().audit(NOW), []);
}
