//! `allot compare-holds`: what it is worth to hold orders for some hours before they are released, and
//! to optimise them all together then.

use super::demo::{money, thousands};
use super::trace::{self, TraceArgs};
use super::{emit, progress};
use crate::bench::hold::{Held, replay};
use crate::chart::{Bars, Group, share_of};
use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Arguments of `allot compare-holds`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  allot compare-holds
  allot compare-holds --hours 0,4,24 --count 5000 --chart holds.svg
  allot compare-holds --network my-network --orders my-orders.csv.gz --json")]
pub(super) struct HoldArgs {
    #[command(flatten)]
    trace: TraceArgs,
    /// Hours that every order is held.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 2, 4, 8, 24, 48])]
    hours: Vec<u32>,
    /// By which preset orders are routed; the network's own policy where it is `none`.
    #[arg(long, default_value = "fewest-shipments")]
    preset: String,
    /// Write the chart of shipments and cost by hours there, as SVG.
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// A few hundred orders, held for 0 and 4 hours: to see that it works.
    #[arg(long)]
    tiny: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &HoldArgs) -> anyhow::Result<ExitCode> {
    let (mut trace, mut hours) = (args.trace.clone(), args.hours.clone());
    if args.tiny {
        trace.count = Some(trace.count.unwrap_or(400).min(400));
        hours = vec![0, 4];
    }
    let mut input = trace::read(&trace)?;
    input.orders.sort_by_key(|order| order.placed_at);
    if args.preset != "none" {
        for order in &mut input.orders {
            Arc::make_mut(order).preset = Some(args.preset.as_str().into());
        }
    }
    let engine = trace::new_engine(&input)?;
    let steps = (input.orders.len() * hours.len()) as u64;
    let bar = progress::bar("holding orders", steps);
    let opening = &input.files.opening;
    let mut tell = || bar.inc(1);
    let rows: Vec<Held> = hours
        .iter()
        .map(|&hours| replay(&engine, opening, &input.orders, hours, &mut tell))
        .collect();
    bar.finish_and_clear();
    if let Some(file) = &args.chart {
        std::fs::write(file, chart(&rows).file())
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    emit(&match args.json {
        true => format!("{}\n", to_json(&input.files.network.name, &rows)),
        false => report(&input.files.network.name, &rows),
    });
    Ok(ExitCode::SUCCESS)
}

impl Held {
    /// Days from the order to its last delivery, on average, with two decimals.
    fn mean_days(&self) -> String {
        let hundredths = (self.days * 100 + self.shipped / 2) / self.shipped.max(1);
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

/// In tenths of a percent, to the nearest; how much less than `of`.
fn less(value: u64, of: u64) -> String {
    let saved = (i128::from(of) - i128::from(value)) * 1000;
    let of = i128::from(of.max(1));
    let tenths = (saved + saved.signum() * of / 2) / of;
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{} %", tenths.abs() / 10, tenths.abs() % 10)
}

fn cents(value: crate::model::Cents) -> u64 {
    value.0.max(0).unsigned_abs()
}

fn report(name: &str, rows: &[Held]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header([
        "held h",
        "shipments",
        "extra",
        "extra less by",
        "freight",
        "less by",
        "days to deliver",
        "units short",
        "plans changed",
    ]);
    let columns = table.column_iter_mut();
    columns.for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    let Some(first) = rows.first() else {
        return String::new();
    };
    for row in rows {
        let (freight, was) = (row.objective.freight(), first.objective.freight());
        table.add_row([
            row.hours.to_string(),
            thousands(row.shipments),
            thousands(row.extra()),
            less(row.extra(), first.extra()),
            money(freight),
            less(cents(freight), cents(was)),
            row.mean_days(),
            thousands(row.short_units),
            thousands(row.moved),
        ]);
    }
    format!(
        "{name}: {} orders, {} refused\n{table}\nextra: shipments beyond one for each order that ships; less: \
         than in the first row\n",
        thousands(first.orders),
        thousands(first.refused)
    )
}

fn to_json(name: &str, rows: &[Held]) -> serde_json::Value {
    let row = |row: &Held| {
        serde_json::json!({
            "hours": row.hours, "orders": row.orders, "refused": row.refused, "shipments": row.shipments,
            "extra_shipments": row.extra(), "freight_cents": row.objective.freight().0,
            "objective_cents": row.objective.total().0, "short_units": row.short_units,
            "short_cents": row.objective.short.0, "days": row.days, "shipped": row.shipped, "looked_at": row.looked_at, "moved": row.moved,
        })
    };
    serde_json::json!({"network": name, "rows": rows.iter().map(row).collect::<Vec<_>>()})
}

/// What is left of the extra shipments, and of the cost, by hours.
#[allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "places on a picture"
)]
fn chart(rows: &[Held]) -> Bars {
    let first = rows.first().copied().unwrap_or_default();
    let share = |value: u64, of: u64| 100.0 * (of as f64 - value as f64) / of.max(1) as f64;
    let group = |row: &Held| Group {
        name: format!("{} h", row.hours),
        values: vec![
            share(row.extra(), first.extra()),
            share(cents(row.objective.total()), cents(first.objective.total())),
        ],
    };
    Bars {
        title: "What holding orders before release saves".into(),
        x: "hours between order and release".into(),
        y: "less than without".into(),
        series: vec!["extra shipments".into(), "all that is minimised".into()],
        groups: rows.iter().map(group).collect(),
        words: share_of,
    }
}
