//! `allot compare-presets`: the same orders by every preset and by the usual rules of thumb, so that
//! a shop sees what a day is worth on its own network before it promises one.

use super::demo::{money, thousands};
use super::trace::{self, Input, TraceArgs};
use super::{emit, progress};
use crate::bench::rules::{self, Rule};
use crate::chart::{Label, Scatter};
use crate::model::{Cents, Day, EpochMillis, Order, Plan};
use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::ProgressBar;
use rayon::prelude::*;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// The presets that every network has, slowest first; its own follow.
const BUILT_IN: [&str; 4] = ["cheapest", "balanced", "fewest-shipments", "fastest"];
const MILLIS_PER_DAY: i64 = 86_400_000;

/// Arguments of `allot compare-presets`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  allot compare-presets
  allot compare-presets --count 5000 --chart presets.svg
  allot compare-presets --network my-network --orders my-orders.csv.gz --json")]
pub(super) struct CompareArgs {
    #[command(flatten)]
    trace: TraceArgs,
    /// Write the chart of cost against days to deliver there, as SVG.
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Who decides.
#[derive(Debug, Clone)]
enum Way {
    Preset(Box<str>),
    Rule(&'static str, Rule),
}

impl Way {
    fn name(&self) -> &str {
        match self {
            Self::Preset(name) => name,
            Self::Rule(name, _) => name,
        }
    }
}

/// What a way of deciding comes to over all orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals {
    /// Orders with a plan.
    orders: u64,
    refused: u64,
    /// Orders in more than one shipment.
    split: u64,
    shipments: u64,
    /// Postage, surcharges and handling.
    freight: Cents,
    units: u64,
    units_short: u64,
    /// Orders of which anything was shipped.
    delivered: u64,
    /// Their days from the order to its last delivery.
    days: u64,
}

impl Totals {
    fn note(&mut self, order: &Order, plan: Option<&Plan>) {
        let Some(plan) = plan else {
            self.refused += 1;
            return;
        };
        self.orders += 1;
        self.split += u64::from(plan.shipments.len() > 1);
        self.shipments += plan.shipments.len() as u64;
        self.freight += plan.objective.freight();
        self.units += order.lines.iter().map(|l| u64::from(l.qty.0)).sum::<u64>();
        self.units_short += plan.short_units();
        if let Some(last) = plan.delivered_on() {
            self.delivered += 1;
            let days = i64::from(last.0) - i64::from(placed_on(order.placed_at).0);
            self.days += u64::try_from(days).unwrap_or(0);
        }
    }

    /// Cents of an order on average, to the nearest.
    fn per_order(&self, cents: Cents) -> Cents {
        let orders = i64::try_from(self.orders).unwrap_or(i64::MAX).max(1);
        Cents((cents.0 + orders / 2) / orders)
    }

    /// Freight of a unit that ships, on average: what was left short costs none, and must not look
    /// cheap for it.
    fn per_unit(&self) -> Cents {
        let units = self.units.saturating_sub(self.units_short);
        let units = i64::try_from(units).unwrap_or(i64::MAX).max(1);
        Cents((self.freight.0 + units / 2) / units)
    }

    /// Freight, and what units left short cost by the network's own policy: a preset may have another.
    fn with_short(&self, per_unit: Cents) -> Cents {
        let short = i64::try_from(self.units_short).unwrap_or(i64::MAX);
        self.freight + Cents(per_unit.0.saturating_mul(short))
    }
}

/// The date of a moment in UTC.
fn placed_on(at: EpochMillis) -> Day {
    Day(i32::try_from(at.0.div_euclid(MILLIS_PER_DAY)).unwrap_or(0))
}

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let input = trace::read(&args.trace)?;
    let ways = ways(&input)?;
    let bar = progress::bar("routing", (input.orders.len() * ways.len()) as u64);
    // Each has its own copy of the stock, so they may run beside each other.
    let totals = ways.par_iter().map(|way| measure(&input, way, &bar));
    let totals: Vec<Totals> = totals.collect::<anyhow::Result<_>>()?;
    bar.finish_and_clear();
    let rows: Vec<(&Way, Totals)> = ways.iter().zip(totals).collect();
    if args.json {
        emit(&format!("{}\n", to_json(&input, &rows)));
    } else {
        emit(&report(&input, &rows));
    }
    if let Some(file) = &args.chart {
        let drawn = Scatter {
            title: "Cost per unit shipped against days to deliver".into(),
            subtitle: drawn_labels(&input),
            x: "days from order to last delivery, mean".into(),
            y: "cost per unit shipped".into(),
            kinds: ["Allot, by preset".into(), "rule of thumb".into()],
            points: points(&rows),
        };
        std::fs::write(file, drawn.file())
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn ways(input: &Input) -> anyhow::Result<Vec<Way>> {
    let engine = trace::new_engine(input)?;
    let lanes = engine.lanes();
    let own = lanes.presets().into_iter();
    let own = own.filter(|name| !BUILT_IN.contains(name));
    let preset = |name: &str| Way::Preset(name.into());
    let presets = BUILT_IN.into_iter().map(preset).chain(own.map(preset));
    Ok(presets
        .chain([
            Way::Rule("nearest first", Rule::NearestFirst),
            Way::Rule("one location, else greedy split", Rule::GreedySplit),
        ])
        .collect())
}

fn measure(input: &Input, way: &Way, bar: &ProgressBar) -> anyhow::Result<Totals> {
    let engine = trace::new_engine(input)?;
    let mut totals = Totals::default();
    match way {
        Way::Rule(_, rule) => rules::run_each(&engine, &input.orders, *rule, |order, plan| {
            totals.note(order, plan);
            bar.inc(1);
        }),
        Way::Preset(name) => {
            for order in &input.orders {
                let mut asked = Order::clone(order);
                asked.preset = Some(name.clone());
                let answer = engine.submit(Arc::new(asked), order.placed_at);
                let plan = answer.as_ref().ok().map(|view| &view.decision.plan);
                totals.note(order, plan);
                bar.inc(1);
            }
        }
    }
    Ok(totals)
}

/// Tenths of a percent.
fn per_mille(part: u64, of: u64) -> u64 {
    (part * 1000 + of / 2) / of.max(1)
}

fn percent(part: u64, of: u64) -> String {
    let tenths = per_mille(part, of);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// With two decimals.
fn mean(sum: u64, of: u64) -> String {
    let hundredths = (sum * 100 + of / 2) / of.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn report(input: &Input, rows: &[(&Way, Totals)]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    let currency = &input.files.network.currency;
    let short = input.files.network.policy.short_per_unit;
    table.set_header([
        "decided by",
        &format!("{currency} per order"),
        "per unit shipped",
        "per order, short units counted",
        "orders split",
        "shipments per order",
        "days to deliver",
        "units short",
    ]);
    for (way, t) in rows {
        table.add_row([
            way.name().to_owned(),
            money(t.per_order(t.freight)),
            money(t.per_unit()),
            money(t.per_order(t.with_short(short))),
            percent(t.split, t.orders),
            mean(t.shipments, t.orders),
            mean(t.days, t.delivered),
            percent(t.units_short, t.units),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let refused: u64 = rows.iter().map(|(_, t)| t.refused).max().unwrap_or(0);
    let refused = match refused {
        0 => String::new(),
        most => format!("; up to {} orders refused", thousands(most)),
    };
    format!(
        "{}\n\n{table}\n\nCost is postage, surcharges and handling; a unit left short counts {} where \
         short units are counted.\nDays are from the order to its last delivery, over orders of which anything \
         ships{refused}.\n",
        labels(input),
        money(short),
    )
}

fn labels(input: &Input) -> String {
    let files = &input.files;
    format!(
        "{}: {} items, {} locations, {} orders{}",
        files.network.name,
        thousands(files.opening.items.len() as u64),
        files.network.locations.len(),
        thousands(input.orders.len() as u64),
        if input.generated_stock {
            ", stock made up to fit the orders"
        } else {
            ""
        },
    )
}

/// What the chart shows, under its title.
fn drawn_labels(input: &Input) -> String {
    format!(
        "postage and handling in {}; {}",
        input.files.network.currency,
        labels(input)
    )
}

fn to_json(input: &Input, rows: &[(&Way, Totals)]) -> serde_json::Value {
    let rows = rows.iter().map(|(way, t)| {
        serde_json::json!({
            "decided_by": way.name(),
            "kind": match way { Way::Preset(_) => "preset", Way::Rule(..) => "rule" },
            "orders": t.orders, "refused": t.refused, "split": t.split, "shipments": t.shipments,
            "freight_cents": t.freight.0, "units": t.units,
            "units_short": t.units_short, "orders_delivered": t.delivered, "days": t.days,
        })
    });
    serde_json::json!({
        "network": input.files.network.name, "currency": input.files.network.currency,
        "ways": rows.collect::<Vec<_>>(),
    })
}

#[allow(clippy::float_arithmetic, clippy::cast_precision_loss)] // a place on a chart
fn points(rows: &[(&Way, Totals)]) -> Vec<Label> {
    let point = |(way, t): &(&Way, Totals)| Label {
        name: way.name().to_owned(),
        note: format!(
            "{} shipments an order, {} short",
            mean(t.shipments, t.orders),
            percent(t.units_short, t.units)
        ),
        second: matches!(way, Way::Rule(..)),
        at: (
            t.days as f64 / t.delivered.max(1) as f64,
            t.freight.0 as f64 / (t.units - t.units_short).max(1) as f64 / 100.0,
        ),
    };
    rows.iter().map(point).collect()
}
