//! The deterministic linear programme: expected demand, fractional shipments. Its optimum is what
//! every policy is measured by, its shares are what the rounding rules round.
//!
//! For order type q and metro j: minimise Σ n_qj (Σ_k fixed_k y_qjk + Σ_k,i unit_kj x_qjki), where
//! Σ_k x_qjki = 1, x_qjki <= y_qjk, Σ_q,j n_qj x_qjki <= stock_ki.

use super::instance::{ALL, ITEMS, Instance, METROS, NOWHERE, REAL, fixed};
use anyhow::Context as _;
use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, Variable, constraint, microlp, variable,
};

/// Shares of an order's items by facility: one row an item of the type.
pub(crate) type Shares = Vec<[f64; ALL]>;

/// The optimum and where it ships.
pub(crate) struct Bound {
    /// Dollars that no policy can expect to stay below.
    pub(crate) cost: f64,
    /// By type and metro.
    pub(crate) shares: Vec<Vec<Shares>>,
}

/// Variables of a type and metro: by item and facility, `None` where nothing of it lies.
type Cells = Vec<[Option<Variable>; ALL]>;

/// Solves the programme.
pub(crate) fn solve(instance: &Instance) -> anyhow::Result<Bound> {
    let mut vars = ProblemVariables::new();
    let mut cost = Expression::default();
    let mut rules = Vec::new();
    let mut drawn = vec![vec![Expression::default(); ITEMS]; REAL];
    let mut all: Vec<Vec<Cells>> = Vec::new();
    for (kind, items) in instance.types.iter().enumerate() {
        let mut of_kind = Vec::new();
        for metro in 0..METROS.len() {
            let orders =
                f64::from(instance.periods) * instance.chance[kind] * instance.share[metro];
            let mut cells: Cells = vec![[None; ALL]; items.len()];
            for facility in 0..ALL {
                let mut open = None;
                for (row, &item) in items.iter().enumerate() {
                    if facility != NOWHERE && instance.stock[facility][item] == 0 {
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
                    if facility != NOWHERE {
                        drawn[facility][item].add_mul(orders, share);
                    }
                }
                if let Some(open) = open {
                    cost.add_mul(orders * fixed(facility), open);
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
        let shares = of_kind
            .iter()
            .map(|cells| cells.iter().map(|row| row.each_ref().map(value)).collect());
        shares.collect()
    });
    Ok(Bound {
        cost: found.eval(&cost),
        shares: shares.collect(),
    })
}
