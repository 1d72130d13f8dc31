//! Transfers by hand, and on tiny backlogs beside the best that brute force finds.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod backlog_support;

use allot::backlog::{
    Effort, Kept, OpenOrder, Outcome, Problem, Proposal, Strategy, Supply, Terms, Today, Transfer,
    check, optimize, propose,
};
use allot::bench::backlog::{Backlog, Shape};
use allot::ledger::StockView;
use allot::model::{Cents, EpochMillis, LocationId, OrderKey, Qty, ShipmentLine, SkuId};
use allot::routing::{Demand, Lanes};
use backlog_support::judge;
use std::ops::ControlFlow;

const FREE: Terms = Terms {
    fixed: Cents(0),
    per_unit: Cents(1),
    hours: 1,
    hours_per_1000_km: 0,
    most: 10,
};

fn best(problem: &Problem, lanes: &Lanes) -> Outcome {
    let effort = Effort::usual(problem.orders.len());
    let outcome = optimize(problem, lanes, effort, &mut |_| ControlFlow::Continue(()));
    check(problem, &outcome).unwrap();
    outcome
}

fn proposals(problem: &Problem, lanes: &Lanes, terms: Terms) -> Vec<Proposal> {
    let outcome = best(problem, lanes);
    let effort = Effort::usual(problem.orders.len());
    let mut hear = |_, _| ControlFlow::Continue(());
    propose(problem, &outcome, lanes, terms, effort, &mut hear).unwrap()
}

/// So many orders of two items, the first of which is at one location only and the second at another.
fn apart(orders: u32) -> (Lanes, Problem) {
    let Backlog { lanes, mut problem } = Backlog::new(Shape {
        orders: 1,
        locations: 2,
        skus: 2,
        stock_percent: 100,
        split_percent: 0,
        seed: 3,
    });
    let mut view = StockView::default();
    for (sku, location) in [(0, 0), (1, 1)] {
        view.push_line(SkuId(sku));
        view.push_cell(LocationId(location), Qty(orders), &[]);
    }
    problem.supply = Supply::new(view);
    let like = problem.orders[0].clone();
    let demand = |sku| Demand {
        sku: SkuId(sku),
        qty: Qty(1),
        may_split: false,
        ..like.demands[0]
    };
    let ships = |location, demand| Kept {
        location: LocationId(location),
        need_at: EpochMillis(0),
        ship_at: EpochMillis(0),
        lines: vec![ShipmentLine {
            demand,
            qty: Qty(1),
        }],
    };
    let one = |number: u32| OpenOrder {
        key: OrderKey::new("web", &number.to_string()),
        demands: vec![demand(0), demand(1)],
        strategy: Strategy::Redistribute,
        today: Today {
            shipments: vec![ships(0, 0), ships(1, 1)],
            short: Vec::new(),
            promised: None,
        },
        ..like.clone()
    };
    problem.orders = (0..orders).map(one).collect();
    (lanes, problem)
}

#[test]
fn consolidating_at_one_location_is_proposed_and_saves_what_two_outcomes_differ() {
    let (lanes, problem) = apart(1);
    let found = proposals(&problem, &lanes, FREE);
    assert_eq!(found.len(), 1);
    let one = &found[0];
    assert_eq!(one.orders, [0]);
    assert_eq!(one.cents, Cents(1));
    assert_eq!(one.transfer.items.len(), 1);
    let without = judge(&problem, &lanes);
    let with = judge(&one.transfer.made(&problem).unwrap(), &lanes);
    assert_eq!(one.saved, without - with);
    assert!(one.saved > Cents(150), "a shipment and its split: {one:?}");
}

#[test]
fn what_costs_more_than_it_saves_is_not_proposed_and_many_share_what_is_fixed() {
    let (lanes, problem) = apart(1);
    let saved = proposals(&problem, &lanes, FREE)[0].saved;
    let dear = Terms {
        fixed: saved,
        ..FREE
    };
    assert!(proposals(&problem, &lanes, dear).is_empty());
    let (lanes, problem) = apart(3);
    let found = proposals(&problem, &lanes, dear);
    assert_eq!(found.len(), 1, "three orders share the trip");
    assert_eq!(found[0].orders, [0, 1, 2]);
    assert_eq!(found[0].transfer.items[0].1, Qty(3));
    assert_eq!(found[0].saved, Cents(saved.0 * 3));
    assert_eq!(found[0].gain(), Cents(saved.0 * 2 - 3));
}

#[test]
fn what_comes_too_late_for_a_hard_date_is_not_proposed() {
    let (lanes, mut problem) = apart(2);
    for order in &mut problem.orders {
        order.deliver_by_is_hard = true;
    }
    let late = Terms {
        hours: 24 * 60,
        ..FREE
    };
    assert!(proposals(&problem, &lanes, late).is_empty());
}

#[test]
fn on_tiny_backlogs_each_is_worth_what_brute_force_says_at_the_least() {
    let (mut found_gain, mut best_gain) = (0, 0);
    for seed in 1..=25 {
        let Backlog { lanes, problem } = Backlog::new(Shape {
            orders: 4,
            locations: 3,
            skus: 3,
            stock_percent: 90,
            split_percent: 0,
            seed,
        });
        let terms = Terms { most: 1, ..FREE };
        let without = judge(&problem, &lanes);
        let gain = |transfer: &Transfer| {
            let units: u32 = transfer.items.iter().map(|i| i.1.0).sum();
            let with = judge(&transfer.made(&problem)?, &lanes);
            Some(without.0 - with.0 - i64::from(units))
        };
        let found = proposals(&problem, &lanes, terms);
        if let Some(one) = found.first() {
            let truly = gain(&one.transfer).unwrap();
            assert!(one.gain().0 <= truly, "seed {seed}: {one:?}, truly {truly}");
            assert!(one.gain() > Cents(0));
            found_gain += one.gain().0;
        }
        // Every transfer of one item, of one unit or of all.
        let view = problem.supply.view();
        let mut most = 0;
        for line in 0..view.len() {
            for cell in view.cells(line) {
                for to in (0..3).map(LocationId).filter(|to| *to != cell.location) {
                    for units in [1, cell.now.0] {
                        let transfer = Transfer {
                            from: cell.location,
                            to,
                            items: vec![(view.sku(line), Qty(units))],
                            arrives_at: terms.arrival(&lanes, problem.now, cell.location, to),
                        };
                        most = most.max(gain(&transfer).unwrap_or(0));
                    }
                }
            }
        }
        best_gain += most;
    }
    assert!(found_gain * 2 > best_gain, "{found_gain} of {best_gain}");
}
