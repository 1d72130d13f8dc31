//! Orders too large for a sheet: exchanged by hand, and at random beside the checker and the bound.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "backlog_support/by_count.rs"]
mod by_count;

use allot::backlog::{
    Effort, Kept, OpenOrder, Outcome, Problem, Strategy, Supply, Today, check, optimize,
};
use allot::bench::backlog::{Backlog, Shape};
use allot::ledger::{Step, StockView};
use allot::model::{LocationId, Millis, OrderKey, Qty, ShipmentLine, ShortLine, SkuId};
use allot::routing::{Demand, Lanes, Limit};
use std::ops::ControlFlow;

const ITEMS: u16 = 10;

/// A network, and an order of ten items that has nothing yet.
fn shop() -> (Lanes, Problem, OpenOrder) {
    let Backlog { lanes, problem } = Backlog::new(Shape {
        orders: 3,
        locations: 3,
        skus: 4,
        stock_percent: 100,
        split_percent: 0,
        seed: 5,
    });
    let mut order = problem.orders[0].clone();
    let one = order.demands[0];
    let demand = |sku: u16| Demand {
        sku: SkuId(u32::from(sku)),
        qty: Qty(1),
        may_split: false,
        ..one
    };
    order.demands = (0..ITEMS).map(demand).collect();
    order.strategy = Strategy::Redistribute;
    (lanes, problem, order)
}

/// So many units of every item at each of the locations.
fn stock(cells: &[(u16, u32)]) -> Supply {
    let mut view = StockView::default();
    for sku in 0..ITEMS {
        view.push_line(SkuId(u32::from(sku)));
        for &(location, units) in cells {
            view.push_cell(LocationId(location), Qty(units), &[]);
        }
    }
    Supply::new(view)
}

fn ships(location: u16, demands: impl Iterator<Item = u16>) -> Kept {
    let line = |demand| ShipmentLine {
        demand,
        qty: Qty(1),
    };
    Kept {
        location: LocationId(location),
        need_at: allot::model::EpochMillis(0),
        ship_at: allot::model::EpochMillis(0),
        lines: demands.map(line).collect(),
    }
}

fn run(problem: &Problem, lanes: &Lanes) -> Outcome {
    let effort = Effort::usual(problem.orders.len());
    let outcome = optimize(problem, lanes, effort, &mut |_| ControlFlow::Continue(()));
    check(problem, &outcome).unwrap();
    assert_eq!(outcome.fixed, 0);
    outcome
}

#[test]
fn two_large_orders_exchange_the_unit_that_splits_both() {
    let (lanes, mut problem, order) = shop();
    problem.supply = stock(&[(0, 1), (1, 1)]);
    let with = |number: u16, first: u16, rest: u16| OpenOrder {
        key: OrderKey::new("web", &number.to_string()),
        today: Today {
            shipments: vec![ships(first, 0..1), ships(rest, 1..ITEMS)],
            short: Vec::new(),
            promised: None,
        },
        ..order.clone()
    };
    problem.orders = vec![with(1, 0, 1), with(2, 1, 0)];
    let outcome = run(&problem, &lanes);
    assert_eq!(outcome.before.shipments, 4);
    assert_eq!(outcome.after.shipments, 2, "each from one place");
    assert!(outcome.cents < outcome.cents_before);
    // Nobody may change: nothing does.
    problem.orders.iter_mut().for_each(|o| o.frozen = true);
    let outcome = optimize(&problem, &lanes, Effort::usual(2), &mut |_| {
        ControlFlow::Continue(())
    });
    assert_eq!((outcome.moves.len(), outcome.fixed), (0, 2));
    // A change that must save more than this one does is not made.
    problem.orders.iter_mut().for_each(|o| o.frozen = false);
    problem.change_cents = 1_000_000;
    assert!(run(&problem, &lanes).moves.is_empty());
}

#[test]
fn a_large_order_whose_stock_is_gone_ships_from_elsewhere() {
    let (lanes, mut problem, mut order) = shop();
    problem.supply = stock(&[(1, 1)]);
    order.today.shipments = vec![ships(0, 0..ITEMS)];
    order.strategy = Strategy::Gain;
    problem.orders = vec![order];
    let outcome = run(&problem, &lanes);
    assert!(outcome.broken.is_empty());
    let to = &outcome.moves[0].to;
    assert_eq!(to.shipments.len(), 1);
    assert_eq!(to.shipments[0].location, LocationId(1));
}

#[test]
fn at_random_nothing_breaks_a_rule_and_the_bound_holds() {
    for seed in 0..12u64 {
        let (lanes, mut problem, order) = shop();
        let units = |sku: u64, place: u64| u32::try_from((sku * 7 + place * 3 + seed) % 6).unwrap();
        let mut view = StockView::default();
        for sku in 0..ITEMS {
            view.push_line(SkuId(u32::from(sku)));
            for place in 0..3 {
                let qty = Qty(units(u64::from(sku), u64::from(place)));
                view.push_cell(LocationId(place), qty, &[]);
            }
        }
        problem.supply = Supply::new(view);
        let short = |demand| ShortLine {
            demand,
            qty: Qty(1),
        };
        let waiting = |number: u64| {
            let mut one = order.clone();
            one.key = OrderKey::new("web", &number.to_string());
            // Every third is small enough for a sheet.
            if number.is_multiple_of(3) {
                one.demands.truncate(4);
            }
            let all = u16::try_from(one.demands.len()).unwrap();
            one.today.short = (0..all).map(short).collect();
            one.today.shipments = Vec::new();
            one.strategy = match seed % 3 {
                0 => Strategy::Redistribute,
                1 => Strategy::Gain,
                _ => Strategy::Win,
            };
            one
        };
        problem.orders = (0..9).map(waiting).collect();
        let outcome = run(&problem, &lanes);
        assert!(outcome.cents < outcome.cents_before, "seed {seed}");
        assert!(outcome.bound.0 > 0, "seed {seed}");
        // The same with one thread.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
        let alone = pool.build().unwrap().install(|| run(&problem, &lanes));
        assert_eq!(alone.moves, outcome.moves, "seed {seed}");
    }
}

/// Two orders of nine or ten items that all weigh the same, at two locations, with what first come gave
/// them; some of their lines may be divided.
fn two(seed: u64) -> Backlog {
    let mut backlog = Backlog::with_lines(
        Shape {
            orders: 2,
            locations: 2,
            skus: 10,
            stock_percent: 70 + seed * 13 % 60,
            split_percent: if seed.is_multiple_of(3) { 0 } else { 40 },
            seed,
        },
        Some(60..=80),
    );
    for order in &mut backlog.problem.orders {
        assert!(order.demands.len() > 8, "seed {seed}: a large one");
        for demand in &mut order.demands {
            (demand.grams, demand.volume_mm3, demand.longest_mm) = (400, 0, 0);
        }
        order.strategy = match seed % 4 {
            0 => Strategy::Gain,
            _ => Strategy::Redistribute,
        };
    }
    backlog
}

#[test]
fn the_bound_is_never_above_the_optimum_and_not_far_below() {
    let (mut below, mut above, mut all, mut divided) = (0, 0, 0, 0);
    for seed in 1..=16 {
        let Backlog { lanes, problem } = two(seed);
        let outcome = run(&problem, &lanes);
        let optimum = by_count::by_count(&problem, &lanes);
        assert!(
            outcome.bound <= optimum && optimum <= outcome.cents_before,
            "seed {seed}: {:?}, {optimum:?}, {:?}",
            outcome.bound,
            outcome.cents_before
        );
        assert!(optimum <= outcome.cents, "seed {seed}");
        assert!(outcome.bound <= outcome.bound_with_large, "seed {seed}");
        below += optimum.0 - outcome.bound.0;
        above += outcome.cents.0 - optimum.0;
        all += optimum.0;
        let demands = problem.orders.iter().flat_map(|o| &o.demands);
        divided += demands.filter(|d| d.may_split && d.qty > Qty(1)).count();
    }
    assert!(divided > 10, "{divided}");
    assert!(below * 100 <= all * 5, "{below} below {all}");
    assert!(above * 100 <= all * 5, "{above} above {all}");
}

#[test]
fn on_full_days_and_with_stock_to_come_the_bound_holds() {
    for seed in 1..=12 {
        let Backlog { lanes, mut problem } = two(seed);
        let view = problem.supply.view();
        let mut later = StockView::default();
        for line in 0..view.len() {
            later.push_line(view.sku(line));
            for cell in view.cells(line) {
                let step = Step {
                    from: problem.now + Millis::from_hours(48),
                    qty: Qty(cell.now.0 + 1),
                };
                let steps = [step];
                let steps = if line % 2 == 0 { &steps[..] } else { &[] };
                later.push_cell(cell.location, cell.now, steps);
            }
        }
        problem.supply = Supply::new(later);
        let limit = |_| {
            Some(Limit {
                shipments: Some(1),
                units: seed.is_multiple_of(3).then_some(14),
            })
        };
        if !seed.is_multiple_of(4) {
            problem.open_days(&lanes, &limit, &[]);
        }
        problem.change_cents = 100;
        let outcome = run(&problem, &lanes);
        assert!(outcome.bound.0 > 0, "seed {seed}");
    }
}

/// Orders of one item to a dozen. Half of what every location would hand over first waits for its next
/// working day, since others have the rest of the first one.
fn waiting_for_a_day(seed: u64) -> Backlog {
    let mut backlog = Backlog::with_lines(
        Shape {
            orders: 40,
            locations: 3,
            skus: 30,
            stock_percent: 110,
            split_percent: 0,
            seed,
        },
        Some(1..=14),
    );
    let Backlog { lanes, problem } = &mut backlog;
    let mut seen = [0u32; 3];
    for kept in problem
        .orders
        .iter_mut()
        .flat_map(|o| &mut o.today.shipments)
    {
        let place = kept.location;
        let count = &mut seen[place.index()];
        *count += 1;
        if count.is_multiple_of(2) {
            kept.need_at = lanes.needed_by(place, kept.ship_at) + Millis(1);
            kept.ship_at = lanes.hand_over(place, kept.need_at).unwrap();
        }
    }
    let limit = |place: LocationId| {
        Some(Limit {
            shipments: Some(seen[place.index()].div_ceil(2)),
            units: None,
        })
    };
    problem.open_days(lanes, &limit, &[]);
    backlog
}

#[test]
fn who_waits_for_a_day_and_ships_earlier_takes_room_on_the_earlier_day() {
    let mut earlier = 0;
    let effort = Effort {
        iterations: 40,
        rounds: 4,
        passes: 0,
        nodes: 100,
        solver_nodes: 0,
        seed: 1,
    };
    for seed in 1..=4 {
        let Backlog { lanes, problem } = waiting_for_a_day(seed);
        let mut hear = |_| ControlFlow::Continue(());
        let outcome = optimize(&problem, &lanes, effort, &mut hear);
        // Which counts what every day hands over.
        check(&problem, &outcome).unwrap();
        let only_earlier = outcome.moves.iter().filter(|one| {
            let today = &problem.orders[one.order].today.shipments;
            let same = |k: &Kept| {
                let mut to = one.to.shipments.iter();
                to.any(|s| s.location == k.location && s.lines == k.lines && s.ship_at < k.ship_at)
            };
            today.len() == one.to.shipments.len() && today.iter().all(same)
        });
        earlier += only_earlier.count();
    }
    assert!(earlier > 5, "{earlier}");
}
