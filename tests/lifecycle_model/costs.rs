//! Costs: the parts of a difference are the difference, whatever happens in whatever order.

use crate::id;
use allot::lifecycle::{CostPlace, CostQuery, CostSums, Costs, Part, Prices};
use allot::model::{Cents, ChannelId, Day, LocationId};
use proptest::prelude::*;

fn place(day: i32, location: u16) -> CostPlace {
    CostPlace {
        day: Day(day),
        location: LocationId(location),
        carrier: if location == 0 { "UPS" } else { "USPS" }.into(),
        channel: ChannelId(0),
    }
}

fn all(costs: &Costs) -> CostSums {
    let rows = costs.report(&CostQuery::default());
    rows.first()
        .map_or_else(CostSums::default, |(_, sums)| *sums)
}

#[test]
fn a_difference_is_explained_step_by_step() {
    let mut costs = Costs::default();
    costs.routed(&id(1), place(1, 0), Cents(1_000)).unwrap();
    assert_eq!((all(&costs).open, all(&costs).forecast), (1_000, 0));
    let prices = Prices {
        split: Some(Cents(1_600)),
        distance: Some(Cents(1_850)),
        partner: Some(Cents(1_800)),
        paid: Cents(1_875),
    };
    costs.shipped(&id(1), place(2, 1), prices).unwrap();
    costs
        .extra(&id(1), place(9, 9), Part::ManualException, Cents(300))
        .unwrap();
    costs
        .extra(&id(1), place(9, 9), Part::Return, Cents(450))
        .unwrap();
    let sums = all(&costs);
    assert_eq!((sums.open, sums.forecast, sums.actual), (0, 1_000, 2_625));
    let parts = [
        (Part::Split, 600),
        (Part::Distance, 250),
        (Part::PremiumPartner, -50),
        (Part::Postage, 75),
        (Part::Reship, 0),
        (Part::ManualException, 300),
        (Part::Return, 450),
    ];
    for (part, cents) in parts {
        assert_eq!(sums.part(part), cents, "{}", part.name());
    }
    assert_eq!(sums.difference(), 1_625);
    let by_place = CostQuery {
        by_location: true,
        by_day: true,
        ..CostQuery::default()
    };
    let rows = costs.report(&by_place);
    assert_eq!(rows.len(), 1, "it is counted where it shipped");
    assert_eq!(
        (rows[0].0.location, rows[0].0.day),
        (Some(LocationId(1)), Some(Day(2)))
    );
}

#[test]
fn prices_that_nobody_worked_out_land_in_postage() {
    let mut costs = Costs::default();
    costs.routed(&id(1), place(1, 0), Cents(700)).unwrap();
    let prices = Prices {
        paid: Cents(765),
        ..Prices::default()
    };
    costs.shipped(&id(1), place(1, 0), prices).unwrap();
    assert_eq!(all(&costs).part(Part::Postage), 65);
    costs.shipped(&id(1), place(1, 0), prices).unwrap();
    assert_eq!(all(&costs).shipments, 1, "told again");
}

#[test]
fn what_is_dropped_is_no_longer_expected_and_what_was_spent_stays() {
    let mut costs = Costs::default();
    costs.routed(&id(1), place(1, 0), Cents(700)).unwrap();
    costs
        .extra(&id(1), place(1, 0), Part::ManualException, Cents(80))
        .unwrap();
    costs.dropped(&id(1));
    let sums = all(&costs);
    assert_eq!((sums.open, sums.actual, sums.difference()), (0, 80, 80));
    assert!(
        costs
            .extra(&id(1), place(1, 0), Part::Postage, Cents(1))
            .is_err()
    );
    assert!(costs.routed(&id(1), place(1, 0), Cents(-1)).is_err());
}

proptest! {
    /// Random tellings, in any order and repeated, against sums over the entries.
    #[test]
    fn parts_add_up_and_reports_are_the_sum_of_their_entries(
        ops in prop::collection::vec(
            (0..5_u8, 1..6_u32, 0..3_i32, 0..2_u16, prop::array::uniform4(0..5_000_i64)),
            1..60,
        ),
    ) {
        let mut costs = Costs::default();
        for (op, number, day, location, cents) in ops {
            let (id, place) = (id(number), place(day, location));
            match op {
                0 => costs.routed(&id, place, Cents(cents[0])).unwrap(),
                1 | 2 => {
                    let known = |c: i64| (c % 3 > 0).then_some(Cents(c));
                    let prices = Prices {
                        split: known(cents[0]),
                        distance: known(cents[1]),
                        partner: known(cents[2]),
                        paid: Cents(cents[3]),
                    };
                    costs.shipped(&id, place, prices).unwrap();
                }
                3 => {
                    let extras = [Part::Reship, Part::ManualException, Part::Return];
                    let part = extras[usize::try_from(day).unwrap()];
                    costs.extra(&id, place, part, Cents(cents[1])).unwrap();
                }
                _ => costs.dropped(&id),
            }
            let mut entries = [0_i128; 4];
            for number in 1..6 {
                let Some(sums) = costs.of(&crate::id(number)) else { continue };
                prop_assert_eq!(sums.parts.iter().sum::<i128>(), sums.difference());
                let four = [sums.forecast, sums.actual, sums.open, i128::from(sums.shipments)];
                entries.iter_mut().zip(four).for_each(|(sum, more)| *sum += more);
            }
            for by in 0..16_u8 {
                let query = CostQuery {
                    by_day: by & 1 > 0,
                    by_location: by & 2 > 0,
                    by_carrier: by & 4 > 0,
                    by_channel: by & 8 > 0,
                    days: None,
                };
                let mut rows = [0_i128; 4];
                for (_, sums) in costs.report(&query) {
                    prop_assert_eq!(sums.parts.iter().sum::<i128>(), sums.difference());
                    let four = [sums.forecast, sums.actual, sums.open, i128::from(sums.shipments)];
                    rows.iter_mut().zip(four).for_each(|(sum, more)| *sum += more);
                }
                prop_assert_eq!(rows, entries);
            }
        }
    }
}
