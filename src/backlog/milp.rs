//! The joint programme given to HiGHS: only where the program was built with the feature `highs`.

use super::programme::Programme;
use crate::model::Cents;
use good_lp::solvers::highs::highs;
use good_lp::{Expression, ProblemVariables, Solution, SolverModel, WithTimeLimit, variable};

/// The best answer that HiGHS finds in so many seconds; `None` where it finds none. It is the optimum
/// wherever HiGHS ends before that.
#[must_use]
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what the solver takes and gives; the answer is counted in integers"
)]
pub fn highs_answer(programme: &Programme, seconds: u32) -> Option<Cents> {
    let mut vars = ProblemVariables::new();
    let all: Vec<good_lp::Variable> = programme
        .variables
        .iter()
        .map(|v| vars.add(variable().integer().min(0).max(v.most)))
        .collect();
    let mut cost = Expression::default();
    for (var, of) in all.iter().zip(&programme.variables) {
        cost.add_mul(of.cents as f64, *var);
    }
    let mut model = vars
        .minimise(cost)
        .using(highs)
        .with_time_limit(f64::from(seconds));
    for row in &programme.rows {
        let mut sum = Expression::default();
        for &(var, times) in &row.terms {
            sum.add_mul(times as f64, all[var]);
        }
        if let Some(least) = row.least {
            model.add_constraint(sum.clone().geq(least as f64));
        }
        if let Some(most) = row.most {
            model.add_constraint(sum.leq(most as f64));
        }
    }
    let found = model.solve().ok()?;
    let answer: Vec<u32> = all.iter().map(|v| found.value(*v).round() as u32).collect();
    Some(programme.cents(&answer))
}
