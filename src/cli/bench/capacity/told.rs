//! What searches found, for the terminal.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "rates and ratios for people"
)]

use super::super::table::{count, time};
use super::runner::DRIVER_LATE;
use crate::bench::capacity::Point;
use crate::bench::report::Searched;
use comfy_table::{CellAlignment, Table, presets};

/// One search: every run, the answer, the knee.
pub(super) fn search(searched: &Searched) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "offered/s",
        "answered/s",
        "p50",
        "p99",
        "p99.9",
        "max",
        "cores",
        "run",
        "verdict",
    ]);
    let mut points = searched.found.points.clone();
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    for point in &points {
        let latency = point.latency;
        table.add_row([
            count(point.rate),
            count(point.answered),
            time(latency.p50),
            time(latency.p99),
            time(latency.p999),
            time(latency.max),
            format!("{:.2}", point.cores),
            point.purpose.word().to_owned(),
            point.why.clone().unwrap_or_else(|| "holds".to_owned()),
        ]);
    }
    for column in table.column_iter_mut().take(7) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut out = format!(
        "{}, durability {}, {} SKUs x {} locations\n{table}\nholds     {}\nknee      {}\n",
        searched.title,
        searched.durability,
        searched.skus,
        searched.locations,
        answer(searched),
        knee(searched)
    );
    if is_drivers(searched) {
        out.push_str(
            "WARNING   above that rate the driver itself was late: the server may hold more (--threads, or a \
             second machine with --connect)\n",
        );
    }
    out.push('\n');
    out
}

fn answer(searched: &Searched) -> String {
    let found = &searched.found;
    let Some(rate) = found.holds else {
        let lowest = found.points.iter().min_by(|a, b| a.rate.total_cmp(&b.rate));
        let lowest = lowest.map_or(String::new(), |point| {
            let why = point.why.as_deref().unwrap_or("it held once only");
            format!("; at {}/s {why}", count(point.rate))
        });
        return format!(
            "nothing that was tried holds {}{lowest}",
            searched.objective
        );
    };
    let fails = match found.fails {
        Some(fails) => format!("{} do not", count(fails)),
        None => "more were not tried".to_owned(),
    };
    let how = match (found.complete, found.fails) {
        (true, _) => "",
        (false, Some(_)) => " (there was no time to look between them)",
        (false, None) => " (there was no time)",
    };
    format!(
        "{} commands/s hold {}, {} orders/s among them; {fails}{how}",
        count(rate),
        searched.objective,
        count(searched.orders_per_second)
    )
}

fn knee(searched: &Searched) -> String {
    searched
        .knee
        .map_or("below every rate tried".into(), |knee| {
            format!(
                "{} commands/s: up to there p99 stays within twice its least",
                count(knee)
            )
        })
}

/// Whether all that failed just above the answer failed while the driver was late.
fn is_drivers(searched: &Searched) -> bool {
    let Some(fails) = searched.found.fails else {
        return false;
    };
    let at = |p: &&Point| p.rate.total_cmp(&fails).is_eq() && !p.holds;
    let mut failed = searched.found.points.iter().filter(at).peekable();
    let late = |p: &Point| p.why.as_ref().is_some_and(|why| why.contains(DRIVER_LATE));
    failed.peek().is_some() && failed.all(late)
}

/// All searches, a row each.
pub(super) fn overview(all: &[Searched]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "profile",
        "durability",
        "SKUs x locations",
        "holds/s",
        "orders/s",
        "p50 there",
        "p99 there",
        "fails/s",
        "knee/s",
        "runs",
    ]);
    let dash = || "–".to_owned();
    for one in all {
        let found = &one.found;
        let there = one.run.as_ref().map(|run| run.all.latency);
        table.add_row([
            one.profile.clone(),
            one.durability.clone(),
            format!("{} x {}", one.skus, one.locations),
            found.holds.map_or_else(dash, count),
            match found.holds {
                Some(_) if one.orders_per_second > 0.0 => count(one.orders_per_second),
                Some(_) | None => dash(),
            },
            there.map_or_else(dash, |latency| time(latency.p50)),
            there.map_or_else(dash, |latency| time(latency.p99)),
            found.fails.map_or_else(dash, count),
            one.knee.map_or_else(dash, count),
            found.points.len().to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let objective = all.first().map_or("", |one| one.objective.as_str());
    let machine = all.iter().find_map(|one| one.run.as_ref());
    let machine = machine.and_then(|run| run.conditions.lines().into_iter().next());
    format!(
        "{}what holds {objective}, offered by chance at a steady rate, latencies from due\n{table}\n",
        machine.map_or(String::new(), |line| format!("{line}\n"))
    )
}
