//! Days of locations that hand over so much a day only: opened and checked as a plain version does, which
//! goes through all orders for every day.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use allot::backlog::{DayRoom, Effort, Kept, Problem, Supply, check, optimize};
use allot::bench::backlog::{Backlog, Shape};
use allot::ledger::{DayUse, Step, StockView};
use allot::model::{EpochMillis, LocationId, Millis, Qty};
use allot::routing::{Lanes, Limit};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

fn limit(location: LocationId) -> Option<Limit> {
    // Two of three are limited, one by shipments and one by units.
    match location.0 % 3 {
        0 => Some(Limit {
            shipments: Some(4),
            units: None,
        }),
        1 => Some(Limit {
            shipments: None,
            units: Some(9),
        }),
        _ => None,
    }
}

/// A backlog of which some stock comes in the next days, and what others hand over.
fn made(seed: u64) -> (Backlog, Vec<DayUse>) {
    let mut backlog = Backlog::new(Shape {
        orders: 120,
        locations: 9,
        skus: 30,
        stock_percent: 110,
        split_percent: 30,
        seed,
    });
    let problem = &mut backlog.problem;
    let view = problem.supply.view();
    let mut later = StockView::default();
    for line in 0..view.len() {
        later.push_line(view.sku(line));
        for cell in view.cells(line) {
            let hours = 7 * (1 + (line as u64 + u64::from(cell.location.0) + seed) % 40);
            let step = Step {
                from: problem.now + Millis::from_hours(u32::try_from(hours).unwrap()),
                qty: Qty(cell.now.0 + 3),
            };
            let steps = [step];
            let steps = if line % 3 == 0 { &steps[..] } else { &[] };
            later.push_cell(cell.location, cell.now, steps);
        }
    }
    problem.supply = Supply::new(later);
    let used = (0..60u16).map(|n| DayUse {
        location: LocationId(n % 9),
        at: problem.now + Millis::from_hours(u32::from(n) * 5),
        shipments: 1 + u32::from(n % 2),
        units: u32::from(n % 4),
    });
    let used = used.collect();
    (backlog, used)
}

/// Every day that is opened, each looked at by itself.
fn plain(problem: &Problem, lanes: &Lanes, used: &[DayUse]) -> Vec<DayRoom> {
    let mut hand_overs: Vec<(LocationId, EpochMillis)> = Vec::new();
    let view = problem.supply.view();
    for cell in (0..view.len()).flat_map(|line| view.cells(line)) {
        let steps = view.later(cell).iter().map(|step| step.from);
        for from in std::iter::once(problem.now).chain(steps) {
            let ship_at = lanes.hand_over(cell.location, from.max(problem.now));
            hand_overs.extend(ship_at.map(|at| (cell.location, at)));
        }
        // The next five days as well.
        let mut ready = problem.now;
        for _ in 0..5 {
            let ship_at = lanes.hand_over(cell.location, ready).unwrap();
            hand_overs.push((cell.location, ship_at));
            ready = lanes.needed_by(cell.location, ship_at) + Millis(1);
        }
    }
    let kept: Vec<&Kept> = problem
        .orders
        .iter()
        .flat_map(|o| &o.today.shipments)
        .collect();
    hand_overs.extend(kept.iter().map(|kept| (kept.location, kept.ship_at)));
    let mut days: BTreeMap<(LocationId, EpochMillis), DayRoom> = BTreeMap::new();
    for (location, ship_at) in hand_overs {
        let Some(limit) = limit(location) else {
            continue;
        };
        let (from, until) = lanes.day_of(location, ship_at).unwrap();
        let within = |at: EpochMillis| from <= at && at < until;
        let theirs = used
            .iter()
            .filter(|u| u.location == location && within(u.at));
        let own = kept
            .iter()
            .filter(|k| k.location == location && within(k.ship_at));
        let units = |kept: &&&Kept| kept.lines.iter().map(|l| l.qty.0).sum::<u32>();
        let left = |most: Option<u32>, theirs: u32, own: u32| {
            most.map(|most| most.saturating_sub(theirs).max(own))
        };
        days.entry((location, from)).or_insert(DayRoom {
            location,
            ready: lanes.needed_by(location, ship_at),
            from,
            until,
            shipments: left(
                limit.shipments,
                theirs.clone().map(|u| u.shipments).sum(),
                u32::try_from(own.clone().count()).unwrap(),
            ),
            units: left(
                limit.units,
                theirs.map(|u| u.units).sum(),
                own.map(|kept| units(&kept)).sum(),
            ),
        });
    }
    days.into_values().collect()
}

#[test]
fn days_are_opened_as_a_plain_version_opens_them() {
    for seed in 1..=20 {
        let (Backlog { lanes, mut problem }, used) = made(seed);
        let expected = plain(&problem, &lanes, &used);
        problem.open_days(&lanes, &limit, &used);
        let ready = |days: &[DayRoom]| days.iter().map(|d| d.ready).collect::<Vec<_>>();
        assert_eq!(
            ready(&problem.days).len(),
            ready(&expected).len(),
            "seed {seed}"
        );
        for (day, expected) in problem.days.iter().zip(&expected) {
            // Whoever opens a day first says until when units may come: each is a hand-over of that day.
            let day = DayRoom {
                ready: expected.ready,
                ..*day
            };
            assert_eq!(day, *expected, "seed {seed}");
        }
    }
}

#[test]
fn a_day_that_is_too_full_is_found() {
    let (mut found, mut fine) = (0, 0);
    for seed in 1..=6 {
        let (Backlog { lanes, mut problem }, used) = made(seed);
        problem.open_days(&lanes, &limit, &used);
        let effort = Effort {
            iterations: 30,
            rounds: 2,
            passes: 0,
            nodes: 1_000,
            solver_nodes: 0,
            seed: 1,
        };
        let outcome = optimize(&problem, &lanes, effort, &mut |_| ControlFlow::Continue(()));
        check(&problem, &outcome).unwrap();
        // Every day with one shipment less than it hands over.
        for number in 0..problem.days.len() {
            let day = problem.days[number];
            let on =
                |location: LocationId, at: EpochMillis| location == day.location && day.has(at);
            let mut shipments = 0u32;
            for (at, order) in problem.orders.iter().enumerate() {
                let moved = outcome.moves.iter().find(|m| m.order == at);
                let times: Vec<(LocationId, EpochMillis)> = match moved {
                    Some(one) => one
                        .to
                        .shipments
                        .iter()
                        .map(|s| (s.location, s.ship_at))
                        .collect(),
                    None if outcome.broken.contains(&at) => Vec::new(),
                    None => {
                        let kept = order.today.shipments.iter();
                        kept.map(|k| (k.location, k.ship_at)).collect()
                    }
                };
                let here = times.iter().filter(|(location, at)| on(*location, *at));
                shipments += u32::try_from(here.count()).unwrap();
            }
            if shipments == 0 {
                fine += 1;
                continue;
            }
            let mut less = problem.clone();
            less.days[number].shipments = Some(shipments - 1);
            let rule = check(&less, &outcome).unwrap_err();
            assert!(rule.contains("hands over"), "{rule}");
            less.days[number].shipments = Some(shipments);
            check(&less, &outcome).unwrap();
            found += 1;
        }
    }
    assert!(found > 20 && fine > 0, "{found} {fine}");
}
