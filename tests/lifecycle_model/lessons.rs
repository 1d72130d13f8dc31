//! What other systems shipped and this one must not: rows about shipments, states, splits and
//! repeats, each test named after its row.

use crate::{
    DELIVER, ROUTE, at, cancel, claimed, key, late, moved, parcel, refused, reject, routed, ship,
    short, tell,
};
use allot::lifecycle::{Change, ClaimMode, Refusal, Returns, State};
use allot::model::{LocationId, Qty};
use proptest::prelude::*;

/// C6: a compensation is written twice and the stock shows more than there is.
#[test]
fn c06_what_a_location_misses_is_placed_anew_once() {
    let (mut order, token) = claimed(&[5]);
    for _ in 0..3 {
        let _ = tell(&mut order, &token, &short(0, 2));
    }
    let parts = [order.reroute(2, at(20)), order.reroute(3, at(21))];
    let units: u64 = parts
        .iter()
        .flatten()
        .map(|p| u64::from(p.lines[0].units.ordered.0))
        .sum();
    assert_eq!(units, 2);
}

/// C7: a compensation without a first reservation: what is given back exceeds what was taken.
#[test]
fn c07_nothing_is_placed_anew_or_cancelled_beyond_what_there_is() {
    let (mut order, token) = claimed(&[5]);
    assert_eq!(order.reroute(2, at(20)), None);
    assert!(matches!(
        refused(&mut order, &token, &short(0, 6)),
        Refusal::Invalid(_)
    ));
    tell(&mut order, &token, &short(0, 2)).unwrap();
    tell(&mut order, &token, &cancel()).unwrap();
    let units = order.lines[0].units;
    assert_eq!((units.cancelled, units.short), (Qty(5), Qty(0)));
    assert_eq!(order.reroute(2, at(20)), None, "nobody wants them any more");
}

/// A word that is accepted shows that its sender has the order at hand, so none may be accepted and
/// leave it unacknowledged: it would go back while he works on it.
#[test]
fn a_shortage_of_nothing_is_no_report() {
    let (mut order, token) = claimed(&[5]);
    assert!(matches!(
        refused(&mut order, &token, &short(0, 0)),
        Refusal::Invalid(_)
    ));
}

/// C18: an error on some lines leaves the others changed.
#[test]
fn c18_a_message_about_several_lines_is_taken_whole_or_not_at_all() {
    let (mut order, token) = claimed(&[5, 5]);
    let half_wrong = Change::Short {
        lines: vec![(0, Qty(1)), (1, Qty(9))],
    };
    refused(&mut order, &token, &half_wrong);
    let unknown_line = Change::Short {
        lines: vec![(0, Qty(1)), (7, Qty(1))],
    };
    refused(&mut order, &token, &unknown_line);
    refused(
        &mut order,
        &token,
        &ship(&[parcel("A", 1), parcel("B", -1)]),
    );
}

/// C25: splitting a shipment turns backordered units into units on hand.
#[test]
fn c25_a_split_keeps_what_was_backordered_backordered() {
    let mut order = routed(&[5]);
    order.apply(&Change::Backorder, at(1)).unwrap();
    let part = order.split_off(2, &[(0, Qty(2))]).unwrap();
    assert_eq!(
        (order.state, part.state),
        (State::Backordered, State::Backordered)
    );
    assert_eq!((order.route, part.route), (None, None));
    assert_eq!(
        (order.lines[0].units.ordered, part.lines[0].units.ordered),
        (Qty(3), Qty(2))
    );
    let mut part = part;
    assert!(
        part.claim(&key(), "wms", ClaimMode::WorkAtOnce, at(9), at(2))
            .is_err()
    );
}

proptest! {
    /// C27: merging three split shipments into one loses quantity.
    #[test]
    fn c27_splits_and_merges_lose_no_unit(
        cuts in prop::collection::vec((0..4_usize, 0..2_u16, 1..12_u32), 0..12),
        merges in prop::collection::vec((0..6_usize, 0..6_usize), 0..12),
    ) {
        let mut parts = vec![routed(&[30, 10])];
        for (which, line, qty) in cuts {
            let which = which % parts.len();
            let number = u32::try_from(parts.len()).unwrap() + 1;
            if let Ok(part) = parts[which].split_off(number, &[(line, Qty(qty))]) {
                parts.push(part);
            }
        }
        for (into, from) in merges {
            let (into, from) = (into % parts.len(), from % parts.len());
            let mut other = parts[from].clone();
            if parts[into].absorb(&mut other, at(5)).is_ok() {
                prop_assert_eq!(other.state, State::Cancelled);
                parts[from] = other;
            }
        }
        let lines = || parts.iter().flat_map(|p| &p.lines);
        for (sku, ordered) in [(0, 30), (1, 10)] {
            let of_sku = lines().filter(|l| l.sku.0 == sku);
            let units: u32 = of_sku.map(|l| l.units.ordered.0).sum();
            prop_assert_eq!(units, ordered);
        }
        prop_assert!(lines().all(|l| l.units.conserved()));
    }
}

/// C34: a late "shipped" moves a delivered order back; the second parcel's tracking replaces the
/// first.
#[test]
fn c34_a_late_shipped_moves_nothing_back_and_parcels_are_a_set() {
    let (mut order, token) = claimed(&[2]);
    tell(&mut order, &token, &ship(&[parcel("1Z1", 500)])).unwrap();
    let second = tell(&mut order, &token, &ship(&[parcel("1Z2", 600)]));
    assert_eq!(second, moved(State::Shipped, State::Shipped));
    tell(&mut order, &token, &DELIVER).unwrap();
    let since = order.since;
    let again = tell(&mut order, &token, &ship(&[parcel("1Z1", 500)]));
    assert_eq!(again, late(State::Delivered));
    let third = tell(&mut order, &token, &ship(&[parcel("1Z3", 700)]));
    assert_eq!(third, late(State::Delivered));
    assert_eq!((order.state, order.since), (State::Delivered, since));
    let numbers: Vec<_> = order.parcels.iter().map(|p| &*p.tracking.number).collect();
    assert_eq!(numbers, ["1Z1", "1Z2", "1Z3"]);
    assert!(order.parcels.iter().all(|p| p.delivered));
}

/// C35: a shipment has no identity of its own, so a retry books the carrier twice.
#[test]
fn c35_a_shipment_told_again_is_booked_once() {
    let (mut order, token) = claimed(&[2]);
    for _ in 0..3 {
        tell(&mut order, &token, &ship(&[parcel("1Z1", 500)])).unwrap();
    }
    let cents: i64 = order.parcels.iter().map(|p| p.cents.unwrap().0).sum();
    assert_eq!((order.parcels.len(), cents), (1, 500));
    let dearer = tell(&mut order, &token, &ship(&[parcel("1Z1", 900)]));
    assert_eq!(dearer, late(State::Shipped));
    assert_eq!(
        order.parcels[0].cents.unwrap().0,
        500,
        "the first word stands"
    );
}

/// C37: undoing and redoing applies the same correction twice.
#[test]
fn c37_a_rejection_repeated_between_other_messages_counts_once() {
    let (mut order, token) = claimed(&[4]);
    tell(&mut order, &token, &Change::Pick).unwrap();
    tell(&mut order, &token, &reject()).unwrap();
    for message in [reject(), short(0, 4), Change::Pick, reject()] {
        assert_eq!(tell(&mut order, &token, &message), late(State::Rejected));
    }
    assert!(matches!(
        refused(&mut order, &token, &ship(&[])),
        Refusal::NotAllowed { .. }
    ));
    assert_eq!((order.lines[0].units.short, order.unplaced()), (Qty(4), 4));
}

/// C38: a retry is refused because its own first try holds what it asks for.
#[test]
fn c38_a_retry_is_never_in_its_own_way() {
    let mut order = routed(&[1]);
    for _ in 0..3 {
        let release = order
            .claim(&key(), "wms", ClaimMode::WorkAtOnce, at(99), at(1))
            .unwrap();
        assert_eq!(release.number, 1);
    }
    let (mut order, token) = claimed(&[2]);
    tell(&mut order, &token, &DELIVER).unwrap();
    let mut returns = Returns::default();
    for new in [true, false, false] {
        let authorised = returns
            .authorise("rma-1", &order, LocationId(0), &[(0, Qty(2))], at(20))
            .unwrap();
        assert_eq!(authorised.1, new);
    }
}

/// C39: removing a line leaves an allocation that nobody can free.
#[test]
fn c39_every_unit_of_a_merged_order_has_an_owner() {
    let mut order = routed(&[3, 4]);
    let mut part = order.split_off(2, &[(1, Qty(4))]).unwrap();
    assert_eq!(order.lines.len(), 1, "a line without units is gone");
    order.absorb(&mut part, at(2)).unwrap();
    let units: Vec<_> = order
        .lines
        .iter()
        .map(|l| (l.sku.0, l.units.open().0))
        .collect();
    assert_eq!(units, [(0, 3), (1, 4)]);
    assert!(part.lines.iter().all(|l| l.units.ordered.is_zero()));
    assert_eq!(order.route, Some(ROUTE));
}
