//! What the replays came to, in words and tables.
#![allow(clippy::cast_precision_loss, reason = "percentages in a report")]

use super::Totals;
use super::hindsight::Hindsight;
use super::live::{Outcome, WAYS};
use allot::model::Cents;
use comfy_table::{CellAlignment, Table, presets};

/// A line of a replay on the opening stock.
pub(crate) fn replayed(name: &str, orders: usize, totals: &Totals) -> String {
    format!(
        "{name:>15}: {orders} orders cost {} cents, {} shipments, {} units short, {} refused",
        totals.cents, totals.shipments, totals.units_short, totals.refused
    )
}

/// Dollars, to the nearest.
fn dollars(cents: Cents) -> String {
    format!("{:.0}", cents.0 as f64 / 100.0)
}

fn percent(part: i64, of: i64) -> String {
    format!("{:.2} %", 100.0 * part as f64 / of.max(1) as f64)
}

/// Every way of pricing beside the first, which has no prices, and beside hindsight.
pub(crate) fn live(orders: usize, outcomes: &[Outcome], least: Hindsight) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header([
        "prices",
        "cost",
        "less by",
        "gap closed",
        "freight",
        "shipments",
        "units short",
        "priced, times",
    ]);
    let myopic = outcomes.first().map_or(Cents(0), |o| o.cost);
    let less = |cost: Cents| myopic.0 - cost.0;
    for ((name, _), outcome) in WAYS.iter().zip(outcomes) {
        table.add_row([
            (*name).to_owned(),
            dollars(outcome.cost),
            percent(less(outcome.cost), myopic.0),
            percent(less(outcome.cost), less(least.found)),
            dollars(outcome.freight),
            outcome.shipments.to_string(),
            outcome.units_short.to_string(),
            outcome.pricings.to_string(),
        ]);
    }
    for (name, cost) in [
        ("hindsight: the programme's dual", least.found),
        ("hindsight: proven of any way", least.proven),
    ] {
        let (saves, closes) = (less(cost), less(least.found));
        let row = [
            name.to_owned(),
            dollars(cost),
            percent(saves, myopic.0),
            percent(saves, closes),
        ];
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let refused = outcomes.iter().map(|o| o.refused).max().unwrap_or(0);
    format!(
        "{table}\n\n{orders} orders, at the objective of their policies in the network's currency; at \
         most {refused} refused.\nThe gap is what the first row costs above hindsight.\n"
    )
}
