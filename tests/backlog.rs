//! The backlog against a judge that enumerates whole plans and solves the joint programme, and by
//! hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod backlog_support;

use allot::backlog::{Effort, Outcome, Problem, Programme, Strategy, Supply, check, optimize};
use allot::bench::backlog::{Backlog, Shape};
use allot::ledger::{Step, StockView};
use allot::model::{Cents, Millis, Qty};
use allot::routing::{Lanes, Limit};
use backlog_support::{exhaustive, judge};
use std::ops::ControlFlow;

fn run(problem: &Problem, lanes: &Lanes) -> Outcome {
    let effort = Effort {
        iterations: 200,
        rounds: 20,
        ..Effort::usual(problem.orders.len())
    };
    let outcome = optimize(problem, lanes, effort, &mut |_| ControlFlow::Continue(()));
    check(problem, &outcome).unwrap();
    outcome
}

fn small(seed: u64) -> Backlog {
    let mut backlog = Backlog::new(Shape {
        orders: 3 + usize::try_from(seed % 5).unwrap(),
        locations: 3,
        skus: 3,
        stock_percent: 70 + seed % 60,
        split_percent: 50,
        seed,
    });
    if seed.is_multiple_of(3) {
        more_later(&mut backlog.problem);
    }
    if seed % 4 == 1 {
        backlog.problem.change_cents = 120;
    }
    backlog
}

/// The same stock, and of every second position more in two days.
fn more_later(problem: &mut Problem) {
    let view = problem.supply.view();
    let mut later = StockView::default();
    for line in 0..view.len() {
        later.push_line(view.sku(line));
        for (number, cell) in view.cells(line).iter().enumerate() {
            let step = Step {
                from: problem.now + Millis::from_hours(48),
                qty: Qty(cell.now.0 + 2),
            };
            let steps = [step];
            let steps = if number % 2 == 0 { &steps[..] } else { &[] };
            later.push_cell(cell.location, cell.now, steps);
        }
    }
    problem.supply = Supply::new(later);
}

#[test]
fn small_backlogs_cost_what_the_joint_programme_says() {
    let mut saved = 0;
    for seed in 1..=60 {
        let Backlog { lanes, problem } = small(seed);
        let outcome = run(&problem, &lanes);
        let optimum = judge(&problem, &lanes);
        assert_eq!(outcome.cents, optimum, "seed {seed}");
        assert_eq!(outcome.bound, optimum, "seed {seed}: proven");
        saved += outcome.cents_before.0 - outcome.cents.0;
    }
    assert!(saved > 0, "first come is not always best");
}

/// The optimum of a programme, by another solver.
fn solved(programme: &Programme) -> Cents {
    use good_lp::{Expression, ProblemVariables, Solution, SolverModel, microlp, variable};
    let mut vars = ProblemVariables::new();
    let all: Vec<_> = programme
        .variables
        .iter()
        .map(|v| vars.add(variable().integer().min(0).max(v.most)))
        .collect();
    let mut cost = Expression::default();
    for (var, of) in all.iter().zip(&programme.variables) {
        cost.add_mul(f64::from(i32::try_from(of.cents).unwrap()), *var);
    }
    let mut model = vars.minimise(cost).using(microlp);
    for row in &programme.rows {
        let mut sum = Expression::default();
        for &(var, times) in &row.terms {
            sum.add_mul(f64::from(i32::try_from(times).unwrap()), all[var]);
        }
        let whole = |units: i64| f64::from(i32::try_from(units).unwrap());
        if let Some(least) = row.least {
            model.add_constraint(sum.clone().geq(whole(least)));
        }
        if let Some(most) = row.most {
            model.add_constraint(sum.leq(whole(most)));
        }
    }
    let found = model.solve().unwrap();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole units"
    )]
    let answer: Vec<u32> = all.iter().map(|v| found.value(*v).round() as u32).collect();
    programme.cents(&answer)
}

#[test]
fn the_programme_for_other_solvers_has_the_same_optimum() {
    for seed in 1..=24 {
        let Backlog { lanes, problem } = small(seed);
        let programme = Programme::new(&problem, &lanes);
        let outcome = run(&problem, &lanes);
        assert_eq!(solved(&programme), outcome.cents, "seed {seed}");
    }
}

/// The same, every location handing over a few shipments, or units, a day: for two days, so that the
/// judge can list all plans.
fn small_on_days(seed: u64) -> Backlog {
    let mut backlog = Backlog::new(Shape {
        orders: 3 + usize::try_from(seed % 4).unwrap(),
        locations: 2 + u16::try_from(seed % 2).unwrap(),
        skus: 3,
        stock_percent: 90 + seed % 60,
        split_percent: 20,
        seed,
    });
    if seed.is_multiple_of(5) {
        more_later(&mut backlog.problem);
    }
    let Backlog { lanes, problem } = &mut backlog;
    let limit = |location: allot::model::LocationId| {
        let few = 1 + u32::from(seed.is_multiple_of(4));
        let limit = match (u64::from(location.0) + seed) % 3 {
            0 => (Some(few), None),
            1 => (None, Some(few + 1)),
            _ => (Some(few), Some(few + 2)),
        };
        Some(Limit {
            shipments: limit.0,
            units: limit.1,
        })
    };
    problem.open_days(lanes, &limit, &[]);
    let (mut last, mut seen) = (None, 0);
    problem.days.retain(|day| {
        seen = if last == Some(day.location) {
            seen + 1
        } else {
            0
        };
        last = Some(day.location);
        seen < 2
    });
    backlog
}

#[test]
fn small_backlogs_on_full_days_cost_what_the_joint_programme_says() {
    let (mut moved, mut fuller) = (0, 0);
    for seed in 1..=36 {
        let Backlog { lanes, problem } = small_on_days(seed);
        let outcome = run(&problem, &lanes);
        let optimum = judge(&problem, &lanes);
        assert_eq!(outcome.cents, optimum, "seed {seed}");
        assert_eq!(outcome.bound, optimum, "seed {seed}: proven");
        moved += outcome.moves.len();
        // Days cost something: without them all together would be cheaper.
        let mut open = problem.clone();
        open.days.clear();
        fuller += usize::from(judge(&open, &lanes) < optimum);
    }
    assert!(moved > 0 && fuller > 3, "{moved} moved, {fuller} were full");
}

/// As many steps of the own search as it takes to fail: an integer programme has to answer.
const ONE_STEP: Effort = Effort {
    iterations: 200,
    rounds: 2,
    passes: 0,
    nodes: 1,
    solver_nodes: 2_000,
    seed: 4,
};

#[test]
fn own_search_solver_and_trying_everything_agree() {
    let mut by_solver = 0;
    for seed in 91..=140 {
        let Backlog { lanes, problem } = match seed % 2 {
            0 => small(seed),
            _ => small_on_days(seed),
        };
        let optimum = exhaustive(&problem, &lanes);
        assert_eq!(
            solved(&Programme::new(&problem, &lanes)),
            optimum,
            "seed {seed}"
        );
        let own = run(&problem, &lanes);
        assert_eq!((own.cents, own.bound), (optimum, optimum), "seed {seed}");
        let outcome = optimize(&problem, &lanes, ONE_STEP, &mut |_| {
            ControlFlow::Continue(())
        });
        check(&problem, &outcome).unwrap();
        assert_eq!(outcome.cents, optimum, "seed {seed}: an integer programme");
        // What a solver counted in floats is believed but for a cent a million and one more.
        let short = optimum.0 - outcome.bound.0;
        assert!((0..=2).contains(&short), "seed {seed}: {short} below");
        by_solver += usize::from(short == 1);
    }
    assert!(by_solver > 5, "{by_solver} by the solver");
}

#[test]
fn what_frozen_orders_hold_is_in_the_bound_once() {
    for seed in 141..=180 {
        let Backlog { lanes, mut problem } = small(seed);
        for (number, order) in (0u64..).zip(&mut problem.orders) {
            order.frozen = (number + seed).is_multiple_of(3);
        }
        let outcome = run(&problem, &lanes);
        let optimum = exhaustive(&problem, &lanes);
        assert_eq!(
            (outcome.cents, outcome.bound),
            (optimum, optimum),
            "seed {seed}"
        );
    }
}

#[test]
fn the_bound_holds_before_anything_is_solved_exactly() {
    for seed in 61..=90 {
        let Backlog { lanes, problem } = match seed % 2 {
            0 => small(seed),
            _ => small_on_days(seed),
        };
        let effort = Effort {
            iterations: u32::try_from(seed % 40).unwrap() + 1,
            rounds: 1,
            passes: 0,
            nodes: 0,
            solver_nodes: 0,
            seed,
        };
        let outcome = optimize(&problem, &lanes, effort, &mut |_| ControlFlow::Continue(()));
        check(&problem, &outcome).unwrap();
        let optimum = judge(&problem, &lanes);
        assert!(outcome.bound <= optimum, "seed {seed}: {outcome:?}");
        assert!(outcome.cents >= optimum, "seed {seed}");
    }
}

fn middling(strategy: Strategy) -> Backlog {
    let mut backlog = Backlog::new(Shape {
        orders: 2_500,
        locations: 12,
        skus: 400,
        stock_percent: 110,
        split_percent: 30,
        seed: 7,
    });
    for (number, order) in backlog.problem.orders.iter_mut().enumerate() {
        order.strategy = strategy;
        order.frozen = number % 50 == 0;
    }
    backlog
}

const BRIEF: Effort = Effort {
    iterations: 60,
    rounds: 4,
    passes: 0,
    nodes: 1_000,
    solver_nodes: 0,
    seed: 3,
};

#[test]
fn threads_change_nothing_of_the_plan() {
    let Backlog { lanes, problem } = middling(Strategy::Redistribute);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| optimize(&problem, &lanes, BRIEF, &mut |_| ControlFlow::Continue(())))
    };
    let (one, two) = (with(1), with(2));
    assert!(!one.moves.is_empty());
    assert_eq!(one.moves, two.moves);
    assert_eq!((one.bound, &one.trace), (two.bound, &two.trace));
    check(&problem, &two).unwrap();
}

#[test]
fn threads_change_nothing_of_what_is_searched_jointly() {
    let shape = Shape {
        orders: 60,
        locations: 8,
        skus: 24,
        stock_percent: 90,
        split_percent: 20,
        seed: 11,
    };
    let Backlog { lanes, problem } = Backlog::new(shape);
    let effort = Effort {
        iterations: 100,
        rounds: 40,
        passes: 4,
        nodes: 40_000,
        ..Effort::usual(60)
    };
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| optimize(&problem, &lanes, effort, &mut |_| ControlFlow::Continue(())))
    };
    let one = with(1);
    check(&problem, &one).unwrap();
    for threads in [2, 4] {
        let other = with(threads);
        assert_eq!(one.moves, other.moves, "{threads} threads");
        assert_eq!((one.bound, &one.trace), (other.bound, &other.trace));
    }
}

#[test]
fn who_may_not_get_worse_does_not_order_by_order() {
    let Backlog { lanes, problem } = middling(Strategy::Gain);
    let outcome = optimize(&problem, &lanes, BRIEF, &mut |_| ControlFlow::Continue(()));
    check(&problem, &outcome).unwrap();
    assert!(outcome.cents < outcome.cents_before);
    for one in &outcome.moves {
        let order = &problem.orders[one.order];
        assert!(!order.frozen, "{}", order.key);
        let from = one.from.as_ref().unwrap();
        assert!(one.to.short_units() <= from.short_units(), "{}", order.key);
        if let (Some(to), Some(told)) = (one.to.delivered_on(), order.today.promised) {
            assert!(to <= told, "{}: {to:?} after {told:?}", order.key);
        }
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let Backlog { lanes, problem } = middling(Strategy::Redistribute);
    let good = optimize(&problem, &lanes, BRIEF, &mut |_| ControlFlow::Continue(()));
    check(&problem, &good).unwrap();
    let broken = |spoil: &dyn Fn(&mut Outcome)| {
        let mut outcome = good.clone();
        spoil(&mut outcome);
        check(&problem, &outcome).unwrap_err()
    };
    let shipping = |o: &Outcome| {
        o.moves
            .iter()
            .position(|m| !m.to.shipments.is_empty())
            .unwrap()
    };
    let lost = broken(&|o| {
        let at = shipping(o);
        o.moves[at].to.shipments.clear();
    });
    assert!(lost.contains("units of"), "{lost}");
    let twice = broken(&|o| o.moves.push(o.moves[0].clone()));
    assert!(twice.contains("moves twice"), "{twice}");
    let oversold = broken(&|o| {
        // Half of them stay where they were: somebody has their units.
        let half = o.moves.len() / 2;
        o.moves.truncate(half);
    });
    assert!(oversold.contains("units are drawn of"), "{oversold}");
    let bound = broken(&|o| o.bound = o.cents + Cents(1));
    assert!(bound.contains("less than the bound"), "{bound}");
}

/// Three orders want the only two units of an item; the first two have them.
fn scarce(strategies: [Strategy; 3]) -> Vec<u64> {
    let Backlog { lanes, mut problem } = backlog_support::two_units_for_three();
    for (order, strategy) in problem.orders.iter_mut().zip(strategies) {
        order.strategy = strategy;
    }
    let outcome = run(&problem, &lanes);
    let short = |order: usize| {
        let moved = outcome.moves.iter().find(|m| m.order == order);
        let today = &problem.orders[order].today.short;
        let today = today.iter().map(|s| u64::from(s.qty.0)).sum();
        moved.map_or(today, |m| m.to.short_units())
    };
    (0..3).map(short).collect()
}

#[test]
fn the_five_strategies_by_hand() {
    use Strategy::{Fill, Gain, Lose, Redistribute, Win};
    // Today: the first and the second have a unit each. A unit short costs the first 10, the
    // second 20, the third 90.
    assert_eq!(
        scarce([Redistribute; 3]),
        [1, 0, 0],
        "who loses least gives way"
    );
    assert_eq!(
        scarce([Gain; 3]),
        [0, 0, 1],
        "nobody who has a unit loses it"
    );
    assert_eq!(scarce([Gain, Redistribute, Redistribute]), [0, 1, 0]);
    assert_eq!(scarce([Win, Redistribute, Redistribute]), [0, 1, 0]);
    assert_eq!(
        scarce([Fill, Fill, Fill]),
        [0, 0, 1],
        "the third wins nothing"
    );
    assert_eq!(
        scarce([Lose, Gain, Gain]),
        [1, 0, 0],
        "what one gives away another has"
    );
    assert_eq!(scarce([Lose, Gain, Fill]), [1, 0, 1]);
    assert_eq!(
        scarce([Redistribute, Redistribute, Lose]),
        [0, 0, 1],
        "who has nothing has nothing to give"
    );
}

#[test]
fn a_change_that_saves_less_than_it_costs_is_not_made() {
    let Backlog { lanes, mut problem } = middling(Strategy::Redistribute);
    let moves = |problem: &Problem| {
        let outcome = optimize(problem, &lanes, BRIEF, &mut |_| ControlFlow::Continue(()));
        check(problem, &outcome).unwrap();
        outcome.moves.len()
    };
    let free = moves(&problem);
    problem.change_cents = 300;
    let dear = moves(&problem);
    assert!(dear < free, "{dear} of {free}");
    problem.change_cents = 100_000;
    assert_eq!(moves(&problem), 0);
}

#[test]
fn supply_that_was_cut_breaks_what_cannot_be_kept_and_nothing_else() {
    let Backlog { lanes, mut problem } = middling(Strategy::Gain);
    let view = problem.supply.view();
    let mut less = StockView::default();
    for line in 0..view.len() {
        less.push_line(view.sku(line));
        for cell in view.cells(line).iter().filter(|c| c.location.0 != 3) {
            less.push_cell(cell.location, cell.now, &[]);
        }
    }
    problem.supply = Supply::new(less);
    let outcome = optimize(&problem, &lanes, BRIEF, &mut |_| ControlFlow::Continue(()));
    let stranded = outcome.broken.iter().map(|&b| &problem.orders[b]);
    for order in stranded {
        let at = order.today.shipments.iter().any(|k| k.location.0 == 3);
        assert!(at, "{} could have stayed", order.key);
    }
    check(&problem, &outcome).unwrap();
}
