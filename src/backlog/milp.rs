//! Integer programmes solved through `good_lp`: by microlp, which is pure Rust, or by HiGHS where the
//! program was built with the feature `highs`.
//!
//! The solver counts in floats. What it answers is rounded to whole units and counted again in
//! integers; where that breaks a row it is no answer. That something is the least is believed up to
//! [`inexact`] only. A limit of nodes ends the work, so the answer depends neither on the machine nor on
//! the clock.

use super::columns::SCALE;
use super::programme::Programme;
use good_lp::{Expression, ProblemVariables, SolverModel, Variable, variable};

/// A programme with more offers is left alone. Of made-up backlogs microlp solves those of 600 offers for
/// 100 orders in about a second, those of 700 for 200 orders in two.
#[cfg(not(feature = "highs"))]
pub(super) const OFFERS_MAX: usize = 600;
#[cfg(feature = "highs")]
pub(super) const OFFERS_MAX: usize = 20_000;

/// microlp warns that it may go round in circles. So many nodes of a programme that small take a
/// hundredth of this; what comes after is no answer, so no clock decides between two.
#[cfg(not(feature = "highs"))]
const CYCLES: std::time::Duration = std::time::Duration::from_secs(300);

/// What a solver answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// By variable.
    pub(super) values: Vec<u32>,
    /// Whether it says that there is no better one.
    pub(super) proven: bool,
}

/// By how much an answer that is said to be the least may be above it, scaled: one cent for every
/// million and one more. The solvers keep rows and bounds to a ten-millionth.
pub(super) fn inexact(scaled: i128) -> i128 {
    i128::from(SCALE) + scaled.abs() / 1_000_000
}

/// The best answer of a programme that a solver finds, `start` being one that is known; `None` where it
/// finds none in so many nodes of its search.
pub(super) fn solve(programme: &Programme, start: Option<&[u32]>, nodes: u32) -> Option<Answer> {
    let (values, proven) = run(programme, start, nodes)?;
    programme
        .holds(&values)
        .then_some(Answer { values, proven })
}

/// The variables and what is to be minimised.
#[allow(
    clippy::cast_precision_loss,
    reason = "cents of an order are far below 2^53"
)]
fn variables(programme: &Programme) -> (ProblemVariables, Vec<Variable>, Expression) {
    let mut vars = ProblemVariables::new();
    let mut cost = Expression::with_capacity(programme.variables.len());
    let mut all = Vec::with_capacity(programme.variables.len());
    for of in &programme.variables {
        let var = vars.add(variable().integer().min(0).max(of.most));
        cost.add_mul(of.cents as f64, var);
        all.push(var);
    }
    (vars, all, cost)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "units of an order are far below 2^53"
)]
fn add_rows(model: &mut impl SolverModel, programme: &Programme, all: &[Variable]) {
    for row in &programme.rows {
        let mut sum = Expression::with_capacity(row.terms.len());
        for &(var, times) in &row.terms {
            sum.add_mul(times as f64, all[var]);
        }
        match (row.least, row.most) {
            (Some(least), Some(most)) if least == most => {
                model.add_constraint(sum.eq(least as f64));
            }
            (least, most) => {
                if let Some(least) = least {
                    model.add_constraint(sum.clone().geq(least as f64));
                }
                if let Some(most) = most {
                    model.add_constraint(sum.leq(most as f64));
                }
            }
        }
    }
}

/// A value as whole units; `None` where it is none.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is within what is asked"
)]
fn whole(value: f64) -> Option<u32> {
    let near = value.round();
    (0.0..=f64::from(u32::MAX))
        .contains(&near)
        .then_some(near as u32)
}

/// Runs microlp. `good_lp` has a limit of time for it but none of nodes, so its own options are set.
#[cfg(not(feature = "highs"))]
fn run(programme: &Programme, start: Option<&[u32]>, nodes: u32) -> Option<(Vec<u32>, bool)> {
    use microlp::{OptimizationDirection, Problem, SolveOptions, TerminationReason};
    let (vars, all, cost) = variables(programme);
    let mut model = vars.minimise(cost).using(good_lp::microlp);
    add_rows(&mut model, programme, &all);
    let mut options = SolveOptions::default();
    options.node_limit = Some(u64::from(nodes));
    options.time_limit = Some(CYCLES);
    // A variable of microlp is its number: those of another problem are the same.
    let mut numbers = Problem::new(OptimizationDirection::Minimize);
    options.warm_start = start.map(|values| {
        let values = values.iter().map(|&value| f64::from(value));
        values
            .map(|value| (numbers.add_var(0.0, (0.0, value)), value))
            .collect()
    });
    let solution = model
        .as_inner()
        .solve_with(options)
        .ok()?
        .into_solution()
        .ok()?;
    if solution.termination_reason() == TerminationReason::TimeLimit {
        return None;
    }
    let proven = solution.termination_reason() == TerminationReason::ProvenOptimal;
    let values = solution.iter().map(|(_, value)| whole(value));
    Some((values.collect::<Option<_>>()?, proven))
}

/// Runs HiGHS, alone on one thread, until nothing is left that is better by a cent. It is not told what is known:
/// begun from an answer that was not the best, it called that one optimal (highs-sys 1.16 with its presolve; the tests
/// with this feature found it).
#[cfg(feature = "highs")]
fn run(programme: &Programme, _start: Option<&[u32]>, nodes: u32) -> Option<(Vec<u32>, bool)> {
    highs_within(programme, (nodes, f64::INFINITY))
}

/// The best answer that HiGHS finds of a programme in so many seconds; `None` where it finds none. It is
/// the optimum wherever HiGHS ends before that.
#[cfg(feature = "highs")]
#[must_use]
pub fn highs_answer(programme: &Programme, seconds: u32) -> Option<crate::model::Cents> {
    let (values, _) = highs_within(programme, (u32::MAX, f64::from(seconds)))?;
    programme.holds(&values).then(|| programme.cents(&values))
}

#[cfg(feature = "highs")]
fn highs_within(programme: &Programme, (nodes, seconds): (u32, f64)) -> Option<(Vec<u32>, bool)> {
    use good_lp::{Solution, solvers::SolutionStatus, solvers::highs::highs};
    let (vars, all, cost) = variables(programme);
    let mut model = vars
        .minimise(cost)
        .using(highs)
        .set_threads(1)
        .set_option("random_seed", 1)
        .set_option("mip_rel_gap", 0.0)
        .set_option("mip_abs_gap", 0.9)
        .set_option("mip_max_nodes", i32::try_from(nodes).unwrap_or(i32::MAX))
        .set_time_limit(seconds);
    add_rows(&mut model, programme, &all);
    let solution = model.solve().ok()?;
    // With a gap below a cent there is nothing better; only a limit says something else.
    let proven = !matches!(solution.status(), SolutionStatus::TimeLimit);
    let values = all.iter().map(|var| whole(solution.value(*var)));
    Some((values.collect::<Option<_>>()?, proven))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backlog::programme::{Row, Variable as Of};
    use crate::backlog::random::Random;

    /// A few variables with a few rows, whole numbers only.
    fn made_up(random: &mut Random) -> Programme {
        let below = |random: &mut Random, most: usize| i64::try_from(random.index(most)).unwrap();
        let variables = (0..5).map(|_| Of {
            cents: below(random, 2_000) - 900,
            most: 1 + u32::try_from(random.index(2)).unwrap(),
        });
        let variables: Vec<Of> = variables.collect();
        let rows = (0..4).map(|number| {
            let terms = (0..5).map(|var| (var, below(random, 4) - i64::from(number == 3)));
            let terms: Vec<(usize, i64)> = terms.filter(|(_, times)| *times != 0).collect();
            let most = 1 + below(random, 6);
            Row {
                terms,
                least: (number == 2).then_some(most.min(2)),
                most: Some(most),
            }
        });
        Programme {
            rows: rows.collect(),
            variables,
        }
    }

    /// The least by trying everything.
    fn least(programme: &Programme, values: &mut Vec<u32>) -> Option<i64> {
        let Some(of) = programme.variables.get(values.len()) else {
            return programme.holds(values).then(|| programme.cents(values).0);
        };
        let mut found: Option<i64> = None;
        for value in 0..=of.most {
            values.push(value);
            found = [found, least(programme, values)]
                .into_iter()
                .flatten()
                .min();
            values.pop();
        }
        found
    }

    #[test]
    fn a_solver_finds_what_trying_everything_finds() {
        let mut solvable = 0;
        for seed in 0..300 {
            let programme = made_up(&mut Random::part(seed, 1));
            let expected = least(&programme, &mut Vec::new());
            let answer = solve(&programme, None, 1_000);
            let found = answer.as_ref().map(|a| programme.cents(&a.values).0);
            assert_eq!(found, expected, "seed {seed}");
            assert!(answer.as_ref().is_none_or(|a| a.proven), "seed {seed}");
            // To know it, or something that is none, before changes nothing.
            let known = answer.map(|a| a.values);
            let again = solve(&programme, known.as_deref(), 1_000);
            assert_eq!(
                again.map(|a| programme.cents(&a.values).0),
                expected,
                "seed {seed}"
            );
            let wrong = solve(&programme, Some(&[9; 5]), 1_000);
            assert_eq!(
                wrong.map(|a| programme.cents(&a.values).0),
                expected,
                "seed {seed}"
            );
            solvable += usize::from(expected.is_some());
        }
        assert!(solvable > 100, "{solvable}");
    }

    #[test]
    fn only_whole_numbers_that_can_be_units_are_an_answer() {
        assert_eq!(whole(1.999_999_9), Some(2));
        assert_eq!(whole(-0.000_01), Some(0));
        assert_eq!(whole(-1.0), None);
        assert_eq!(whole(f64::NAN), None);
        assert_eq!(inexact(0), i128::from(SCALE));
        assert_eq!(inexact(5_000_000), i128::from(SCALE) + 5);
    }
}
