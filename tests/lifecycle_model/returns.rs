//! Returns: bounded by what was delivered, booked once per unit, repeats harmless.

use crate::{DELIVER, at, claimed, ship, tell};
use allot::lifecycle::{
    Booking, FulfillmentOrder, Grade, OrderStatus, ReturnEvent, Returns, State,
};
use allot::model::{LocationId, Qty};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn delivered(quantities: &[u32]) -> FulfillmentOrder {
    let (mut order, token) = claimed(quantities);
    tell(&mut order, &token, &DELIVER).unwrap();
    order
}

fn booked(events: &[ReturnEvent]) -> Vec<(&'static str, u32)> {
    events.iter().map(|e| (e.booking.name(), e.qty.0)).collect()
}

#[test]
fn never_more_comes_back_than_was_delivered() {
    let order = delivered(&[3]);
    let mut returns = Returns::default();
    returns
        .authorise("a", &order, LocationId(0), &[(0, Qty(2))], at(1))
        .unwrap();
    let refusal = returns
        .authorise("b", &order, LocationId(0), &[(0, Qty(2))], at(1))
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "lines[0].qty is '2'; expected 1 to 1, delivered and in no other return"
    );
    returns
        .authorise("b", &order, LocationId(0), &[(0, Qty(1))], at(1))
        .unwrap();
    assert!(
        returns
            .authorise("c", &order, LocationId(0), &[(0, Qty(1))], at(1))
            .is_err()
    );
    returns.close("a").unwrap();
    returns
        .authorise("c", &order, LocationId(0), &[(0, Qty(2))], at(1))
        .unwrap();
    assert_eq!(returns.of(&order.id).count(), 3);
}

#[test]
fn what_was_not_delivered_cannot_come_back_and_nothing_is_graded_before_receipt() {
    let (mut order, token) = claimed(&[1]);
    tell(&mut order, &token, &ship(&[])).unwrap();
    let mut returns = Returns::default();
    assert!(
        returns
            .authorise("a", &order, LocationId(0), &[(0, Qty(1))], at(1))
            .is_err()
    );
    tell(&mut order, &token, &DELIVER).unwrap();
    returns
        .authorise("a", &order, LocationId(0), &[(0, Qty(1))], at(1))
        .unwrap();
    let early = returns.grade("a", &[(0, Grade::Sellable, Qty(1))], at(2));
    assert!(early.unwrap_err().to_string().contains("at most 0"));
    assert!(
        returns
            .receive("b", &mut order, &[(0, Qty(1))], at(2))
            .is_err()
    );
    assert!(
        returns
            .receive("a", &mut order, &[(0, Qty(2))], at(2))
            .is_err()
    );
    assert_eq!(order.state, State::Delivered);
}

#[test]
fn each_unit_is_booked_once_and_by_its_grade() {
    let mut order = delivered(&[4]);
    let mut returns = Returns::default();
    returns
        .authorise("a", &order, LocationId(0), &[(0, Qty(4))], at(1))
        .unwrap();
    let first = returns
        .receive("a", &mut order, &[(0, Qty(1))], at(2))
        .unwrap();
    let rest = returns
        .receive("a", &mut order, &[(0, Qty(4))], at(3))
        .unwrap();
    assert_eq!(booked(&first), [("item_receipt", 1)]);
    assert_eq!(booked(&rest), [("item_receipt", 3)]);
    for late in [1, 4] {
        let again = returns
            .receive("a", &mut order, &[(0, Qty(late))], at(4))
            .unwrap();
        assert_eq!(again, [], "known already");
    }
    assert_eq!(order.state, State::Returned);
    assert_eq!(OrderStatus::of([&order]).name(), "returned");

    let elsewhere = Grade::OtherLocation(LocationId(9));
    let grades = [
        (0, Grade::Sellable, Qty(1)),
        (0, Grade::Damaged, Qty(1)),
        (0, Grade::DamagedByCarrier, Qty(1)),
        (0, elsewhere, Qty(1)),
    ];
    let events = returns.grade("a", &grades, at(5)).unwrap();
    let adjustment = "inventory_adjustment";
    let expected = [
        ("credit_memo", 1),
        (adjustment, 1),
        ("carrier_claim", 1),
        (adjustment, 1),
    ];
    assert_eq!(booked(&events), expected);
    assert_eq!(
        events[3].booking,
        Booking::InventoryAdjustment(Some(LocationId(9)))
    );
    let numbers: Vec<_> = events.iter().map(|e| e.number).collect();
    assert_eq!(numbers, [3, 4, 5, 6], "its events are numbered through");
    assert_eq!(returns.grade("a", &grades, at(6)).unwrap(), []);
    assert!(
        returns
            .grade("a", &[(0, Grade::Sellable, Qty(2))], at(6))
            .is_err()
    );
}

#[test]
fn a_return_id_means_one_content() {
    let order = delivered(&[4]);
    let mut returns = Returns::default();
    returns
        .authorise("a", &order, LocationId(0), &[(0, Qty(2))], at(1))
        .unwrap();
    assert!(
        !returns
            .authorise("a", &order, LocationId(0), &[(0, Qty(2))], at(9))
            .unwrap()
            .1
    );
    let other = returns
        .authorise("a", &order, LocationId(0), &[(0, Qty(1))], at(9))
        .unwrap_err();
    assert_eq!(other.field, "lines");
    for wrong in [
        vec![],
        vec![(0, Qty(0))],
        vec![(5, Qty(1))],
        vec![(0, Qty(1)), (0, Qty(1))],
    ] {
        assert!(
            returns
                .authorise("b", &order, LocationId(0), &wrong, at(1))
                .is_err(),
            "{wrong:?}"
        );
    }
    assert!(returns.get("b").is_none());
}

#[test]
fn a_closed_return_takes_nothing_more() {
    let mut order = delivered(&[4]);
    let mut returns = Returns::default();
    returns
        .authorise("a", &order, LocationId(0), &[(0, Qty(3))], at(1))
        .unwrap();
    returns
        .receive("a", &mut order, &[(0, Qty(1))], at(2))
        .unwrap();
    returns.close("a").unwrap();
    assert!(
        returns
            .receive("a", &mut order, &[(0, Qty(2))], at(3))
            .is_err()
    );
    assert_eq!(
        returns
            .receive("a", &mut order, &[(0, Qty(1))], at(3))
            .unwrap(),
        []
    );
    returns
        .authorise("b", &order, LocationId(0), &[(0, Qty(3))], at(4))
        .unwrap();
}

proptest! {
    /// Totals in any order, repeated, too large: bookings always sum up to what the lines say.
    #[test]
    fn bookings_are_the_sum_of_what_came_back(
        ops in prop::collection::vec((0..6_u8, 0..3_usize, 0..2_u16, 0..7_u32), 1..80),
    ) {
        let mut order = delivered(&[6, 3]);
        let mut returns = Returns::default();
        let ids = ["a", "b", "c"];
        let mut sums: BTreeMap<(Booking, u16), u32> = BTreeMap::new();
        let mut seen = std::collections::BTreeSet::new();
        for (op, which, line, qty) in ops {
            let (id, qty) = (ids[which], Qty(qty));
            let grades = [Grade::Sellable, Grade::Damaged, Grade::DamagedByCarrier];
            let events = match op {
                0 | 1 => {
                    let _ = returns.authorise(id, &order, LocationId(0), &[(line, qty)], at(1));
                    vec![]
                }
                2 | 3 => returns
                    .receive(id, &mut order, &[(line, qty)], at(2))
                    .unwrap_or_default(),
                4 => returns
                    .grade(id, &[(line, grades[qty.0 as usize % 3], qty)], at(3))
                    .unwrap_or_default(),
                _ => {
                    let _ = returns.close(id);
                    vec![]
                }
            };
            for event in events {
                prop_assert!(seen.insert((event.id.clone(), event.number)), "booked twice");
                *sums.entry((event.booking, event.line)).or_default() += event.qty.0;
            }
            for (number, known) in order.lines.iter().enumerate() {
                let number = u16::try_from(number).unwrap();
                let sum = |booking| sums.get(&(booking, number)).copied().unwrap_or(0);
                let lines = || returns.of(&order.id).flat_map(|(_, r)| &r.lines);
                let lines = || lines().filter(|l| l.line == number);
                let graded: u32 = lines().map(|l| l.graded_units().0).sum();
                prop_assert_eq!(sum(Booking::ItemReceipt), known.units.returned.0);
                let by_grade: u32 = grades.iter().map(|&g| sum(Booking::of(g))).sum();
                prop_assert_eq!(by_grade, graded);
                prop_assert!(graded <= known.units.returned.0);
                prop_assert!(known.units.conserved());
                prop_assert!(lines().all(|l| l.received <= l.authorised));
            }
        }
    }
}
