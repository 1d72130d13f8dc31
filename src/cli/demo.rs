//! `allot demo`: a trace of orders, routed here, beside what the usual rules would have cost.

use super::trace::{self, Input, TraceArgs};
use super::{emit, explain, progress};
use crate::bench::rules::{self, Rule, RuleTotals};
use crate::engine::{Engine, EngineError, OrderView};
use crate::model::{Cents, EpochMillis, Objective, Order};
use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Decisions that take longer are counted as this long: a minute.
const LONGEST_NANOS: u64 = 60_000_000_000;

/// Arguments of `allot demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  allot demo
  allot demo --json
  allot demo --seed 7 --count 50000
  allot demo --network my-network --orders my-orders.csv")]
pub(super) struct DemoArgs {
    #[command(flatten)]
    trace: TraceArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What came of it.
struct Outcome {
    orders: u64,
    whole: u64,
    split: u64,
    backordered: u64,
    refused: BTreeMap<&'static str, (u64, String)>,
    objective: Objective,
    shipments: u64,
    proven: u64,
    decision_nanos: Histogram<u64>,
    elapsed: Duration,
    oversold: u64,
    drifted: usize,
    example: Option<OrderView>,
}

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let input = trace::read(&args.trace)?;
    let engine = trace::new_engine(&input)?;
    let outcome = submit_all(&engine, &input.orders)?;
    let spinner = progress::spinner("the same orders by the usual rules");
    // Each rule has its own copy of the stock, so they may run beside each other.
    let (nearest, greedy) = rayon::join(
        || trace::new_engine(&input).map(|e| rules::run(&e, &input.orders, Rule::NearestFirst)),
        || trace::new_engine(&input).map(|e| rules::run(&e, &input.orders, Rule::GreedySplit)),
    );
    let (nearest, greedy) = (nearest?, greedy?);
    spinner.finish_and_clear();
    if args.json {
        emit(&format!("{}\n", to_json(&outcome, &nearest, &greedy)));
    } else {
        emit(&report(args, &input, &engine, &outcome, &nearest, &greedy));
    }
    Ok(ExitCode::SUCCESS)
}

fn submit_all(engine: &Engine, orders: &[Arc<Order>]) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome {
        orders: orders.len() as u64,
        whole: 0,
        split: 0,
        backordered: 0,
        refused: BTreeMap::new(),
        objective: Objective::default(),
        shipments: 0,
        proven: 0,
        decision_nanos: Histogram::new_with_bounds(1, LONGEST_NANOS, 3).context("a histogram")?,
        elapsed: Duration::ZERO,
        oversold: 0,
        drifted: 0,
        example: None,
    };
    let bar = progress::bar("routing orders", outcome.orders);
    for order in orders {
        let begun = Instant::now();
        let answer = engine.submit(order.clone(), order.placed_at);
        let taken = begun.elapsed();
        outcome.elapsed += taken;
        let nanos = u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX);
        outcome.decision_nanos.saturating_record(nanos);
        outcome.note(order, answer);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let now = orders
        .last()
        .map_or(EpochMillis::default(), |o| o.placed_at);
    outcome.oversold = engine.ledger().totals(now).oversold;
    outcome.drifted = engine.ledger().audit(now).len();
    Ok(outcome)
}

impl Outcome {
    fn note(&mut self, order: &Order, answer: Result<OrderView, EngineError>) {
        let view = match answer {
            Ok(view) => view,
            Err(error) => {
                let entry = self.refused.entry(error.code());
                entry
                    .or_insert_with(|| (0, format!("{}: {error}", order.key)))
                    .0 += 1;
                return;
            }
        };
        let plan = &view.decision.plan;
        self.objective += plan.objective;
        self.shipments += plan.shipments.len() as u64;
        self.whole += u64::from(plan.shipments.len() == 1 && plan.short.is_empty());
        self.split += u64::from(plan.shipments.len() > 1);
        self.backordered += u64::from(!plan.short.is_empty());
        self.proven += u64::from(view.decision.proof.optimal);
        let telling = plan.shipments.len() > 1 && plan.short.is_empty();
        if telling && view.decision.runner_up.is_some() && self.example.is_none() {
            self.example = Some(view);
        }
    }

    fn refused_count(&self) -> u64 {
        self.refused.values().map(|(count, _)| count).sum()
    }

    fn routed(&self) -> u64 {
        self.orders - self.refused_count()
    }

    #[allow(clippy::float_arithmetic, clippy::cast_precision_loss)] // a rate, for people
    fn orders_per_second(&self) -> f64 {
        self.orders as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    #[allow(clippy::float_arithmetic, clippy::cast_precision_loss)] // microseconds, for people
    fn decision_micros(&self, quantile: f64) -> f64 {
        self.decision_nanos.value_at_quantile(quantile) as f64 / 1e3
    }
}

fn to_json(outcome: &Outcome, nearest: &RuleTotals, greedy: &RuleTotals) -> serde_json::Value {
    let reasons: serde_json::Map<String, serde_json::Value> = outcome
        .refused
        .iter()
        .map(|(code, (count, first))| {
            (
                (*code).to_owned(),
                serde_json::json!({"orders": count, "first": first}),
            )
        })
        .collect();
    serde_json::json!({
        "orders": outcome.orders,
        "routed": outcome.routed(),
        "whole": outcome.whole,
        "split": outcome.split,
        "backordered": outcome.backordered,
        "refused": outcome.refused_count(),
        "refused_by_code": reasons,
        "proven_optimal": outcome.proven,
        "shipments": outcome.shipments,
        "orders_per_second": outcome.orders_per_second().round(),
        "decision_us": {
            "p50": outcome.decision_micros(0.5),
            "p99": outcome.decision_micros(0.99),
            "p999": outcome.decision_micros(0.999),
        },
        "cost_cents": outcome.objective.total().0,
        "nearest_first_cents": nearest.objective.total().0,
        "greedy_split_cents": greedy.objective.total().0,
        "cost_cents_by_part": parts(&outcome.objective),
        "nearest_first_cents_by_part": parts(&nearest.objective),
        "greedy_split_cents_by_part": parts(&greedy.objective),
        "oversold": outcome.oversold,
        "drifted_counters": outcome.drifted,
    })
}

fn parts(o: &Objective) -> serde_json::Value {
    serde_json::json!({
        "postage": o.postage.0, "surcharges": o.surcharges.0, "handling": o.handling.0, "split": o.split.0, "late": o.late.0,
        "speed": o.speed.0, "scarcity": o.scarcity.0, "short": o.short.0,
    })
}

fn report(
    args: &DemoArgs,
    input: &Input,
    engine: &Engine,
    outcome: &Outcome,
    nearest: &RuleTotals,
    greedy: &RuleTotals,
) -> String {
    let mut out = String::new();
    let registry = engine.registry();
    let _ = writeln!(
        out,
        "{}: {} items, {} locations, {} orders{}",
        input.files.network.name,
        thousands(registry.sku_count() as u64),
        registry.location_count(),
        thousands(outcome.orders),
        if input.generated_stock {
            ", stock made up to fit the orders"
        } else {
            ""
        },
    );
    out.push('\n');
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a rate, rounded to print
    let rate = thousands(outcome.orders_per_second().round() as u64);
    let _ = writeln!(
        out,
        "speed      {rate} orders a second on one thread, routed, reserved and remembered"
    );
    let _ = writeln!(
        out,
        "decision   p50 {:.1} µs   p99 {:.1} µs   p99.9 {:.1} µs",
        outcome.decision_micros(0.5),
        outcome.decision_micros(0.99),
        outcome.decision_micros(0.999),
    );
    let _ = writeln!(
        out,
        "orders     {} whole, {} split, {} with units backordered, {} refused",
        thousands(outcome.whole),
        thousands(outcome.split),
        thousands(outcome.backordered),
        thousands(outcome.refused_count()),
    );
    for (code, (count, first)) in &outcome.refused {
        let _ = writeln!(
            out,
            "           {code} × {}, the first: {first}",
            thousands(*count)
        );
    }
    let _ = writeln!(
        out,
        "proof      {} of {} plans proven cheapest; {} positions oversold, {} counters drifted",
        thousands(outcome.proven),
        thousands(outcome.routed()),
        outcome.oversold,
        outcome.drifted,
    );
    out.push('\n');
    let _ = writeln!(
        out,
        "{}",
        cost_table(&input.files.network.currency, outcome, nearest, greedy)
    );
    if let Some(example) = &outcome.example {
        let _ = writeln!(out, "\nOne split order in full:\n");
        let _ = writeln!(out, "{}", explain::order(engine, example));
    }
    let _ = writeln!(out, "What next:");
    if args.trace.network.is_none() {
        let _ = writeln!(
            out,
            "  copy data/us, edit the CSV files, and run: allot demo --network YOUR-FOLDER"
        );
    }
    let _ = writeln!(out, "  allot demo --seed 7 --count 100000     other orders");
    let _ = writeln!(
        out,
        "  allot serve                            the same engine behind a socket; then:"
    );
    let _ = writeln!(
        out,
        "  allot cli ATP.GET SKU-00001 FOR 5      or redis-cli -p 7411, or any Redis client"
    );
    out
}

fn cost_table(
    currency: &str,
    outcome: &Outcome,
    nearest: &RuleTotals,
    greedy: &RuleTotals,
) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        &format!("cost in {currency}"),
        "Allot",
        "nearest first",
        "one location, else greedy split",
    ]);
    let columns = [&outcome.objective, &nearest.objective, &greedy.objective];
    type Part = fn(&Objective) -> Cents;
    let rows: [(&str, Part); 9] = [
        ("postage", |o| o.postage),
        ("surcharges", |o| o.surcharges),
        ("handling", |o| o.handling),
        ("all of these", Objective::freight),
        ("split penalty", |o| o.split),
        ("late", |o| o.late),
        ("days to deliver", |o| o.speed),
        ("units not shipped", |o| o.short),
        ("total", Objective::total),
    ];
    for (name, part) in rows {
        let mut row = vec![name.to_owned()];
        row.extend(columns.iter().map(|objective| money(part(objective))));
        table.add_row(row);
    }
    let more =
        |rule: &RuleTotals| percent_more(rule.objective.total().0, outcome.objective.total().0);
    table.add_row([
        "compared with Allot".to_owned(),
        String::new(),
        more(nearest),
        more(greedy),
    ]);
    table.add_row([
        "shipments".to_owned(),
        thousands(outcome.shipments),
        thousands(nearest.shipments),
        thousands(greedy.shipments),
    ]);
    table.add_row([
        "orders with units left short".to_owned(),
        thousands(outcome.backordered),
        thousands(nearest.short),
        thousands(greedy.short),
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// `+12.3 %`, in integers so that every machine prints the same.
fn percent_more(other: i64, ours: i64) -> String {
    if ours <= 0 {
        return String::new();
    }
    let per_mille = (i128::from(other) - i128::from(ours)) * 1000 / i128::from(ours);
    let sign = if per_mille < 0 { '-' } else { '+' };
    format!("{sign}{}.{} %", per_mille.abs() / 10, per_mille.abs() % 10)
}

/// `1,234,567.89`.
pub(super) fn money(cents: Cents) -> String {
    let size = cents.0.unsigned_abs();
    let sign = if cents.0 < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", thousands(size / 100), size % 100)
}

/// `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(money(Cents(-123_456)), "-1,234.56");
        assert_eq!(percent_more(1123, 1000), "+12.3 %");
        assert_eq!(percent_more(900, 1000), "-10.0 %");
    }
}
