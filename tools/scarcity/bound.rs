//! The deterministic linear programme: expected demand, fractional shipments. Its optimum is what
//! every policy is measured by, its shares are what the rounding rules round.
//!
//! For order type q and metro j: minimise Σ n_qj (Σ_k fixed_k y_qjk + Σ_k,i unit_kj x_qjki), where
//! Σ_k x_qjki = 1, x_qjki <= y_qjk, Σ_q,j n_qj x_qjki <= stock_ki.

use super::instance::Instance;
use super::prices;
use anyhow::Context as _;
use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, Variable, constraint, microlp, variable,
};

/// Shares of an order's items by facility: one row an item of the type.
pub(crate) type Shares = Vec<Vec<f64>>;

/// The optimum and where it ships.
pub(crate) struct Bound {
    /// Dollars that no policy can expect to stay below.
    pub(crate) cost: f64,
    /// By type and metro.
    pub(crate) shares: Vec<Vec<Shares>>,
}

/// Variables of a type and metro: by item and facility, `None` where nothing of it lies.
type Cells = Vec<Vec<Option<Variable>>>;

/// Steps towards the optimum of a programme that is too large to be solved as one.
const STEPS: u32 = 600;

/// The optimum of a programme of any size, nearly: the best value of its dual over whole plans, and
/// the mean of what the orders picked on the way, which tends to an optimal set of shares. The dual's
/// optimum is the programme's or, where whole plans are worth more than fractions, a little above.
pub(crate) fn approach(instance: &Instance) -> Bound {
    let mut prices = prices::none(instance);
    let (cost, shares) = prices::solve(
        instance,
        &instance.stock,
        f64::from(instance.periods),
        STEPS,
        &mut prices,
        true,
    );
    Bound { cost, shares }
}

/// Solves the programme.
pub(crate) fn solve(instance: &Instance) -> anyhow::Result<Bound> {
    let mut vars = ProblemVariables::new();
    let mut cost = Expression::default();
    let mut rules = Vec::new();
    let (all_facilities, nowhere) = (instance.all(), instance.nowhere());
    let mut drawn: Vec<Vec<Expression>> = instance
        .stock
        .iter()
        .map(|held| vec![Expression::default(); held.len()])
        .collect();
    let mut all: Vec<Vec<Cells>> = Vec::new();
    for (kind, items) in instance.types.iter().enumerate() {
        let mut of_kind = Vec::new();
        for metro in 0..instance.share.len() {
            let orders =
                f64::from(instance.periods) * instance.chance[kind] * instance.share[metro];
            let mut cells: Cells = vec![vec![None; all_facilities]; items.len()];
            for facility in 0..all_facilities {
                let mut open = None;
                for (row, &item) in items.iter().enumerate() {
                    if facility != nowhere && instance.stock[facility][item] == 0 {
                        continue;
                    }
                    let open = *open.get_or_insert_with(|| vars.add(variable().min(0.0)));
                    let mut share = open;
                    // A type of one item opens a box exactly as often as it ships one.
                    if items.len() > 1 {
                        share = vars.add(variable().min(0.0));
                        rules.push(constraint!(share <= open));
                    }
                    cells[row][facility] = Some(share);
                    cost.add_mul(orders * instance.unit[facility][metro], share);
                    if facility != nowhere {
                        drawn[facility][item].add_mul(orders, share);
                    }
                }
                if let Some(open) = open {
                    cost.add_mul(orders * instance.fixed(facility), open);
                }
            }
            for row in &cells {
                let sum: Expression = row.iter().flatten().sum();
                rules.push(constraint!(sum == 1.0));
            }
            of_kind.push(cells);
        }
        all.push(of_kind);
    }
    for (stock, drawn) in instance.stock.iter().zip(drawn) {
        for (&units, drawn) in stock.iter().zip(drawn) {
            if units > 0 {
                rules.push(constraint!(drawn <= f64::from(units)));
            }
        }
    }
    let mut problem = vars.minimise(cost.clone()).using(microlp);
    for rule in rules {
        problem.add_constraint(rule);
    }
    let found = problem.solve().context("the linear programme")?;
    let value = |var: &Option<Variable>| var.map_or(0.0, |v| found.value(v).max(0.0));
    let shares = all.iter().map(|of_kind| {
        let shares = of_kind.iter().map(|cells| {
            cells
                .iter()
                .map(|row| row.iter().map(value).collect())
                .collect()
        });
        shares.collect()
    });
    Ok(Bound {
        cost: found.eval(&cost),
        shares: shares.collect(),
    })
}
