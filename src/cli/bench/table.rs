//! A report for the terminal.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "figures for people"
)]

use crate::bench::run::{Report, Row, Usage};
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write as _;

/// Bytes of a mebibyte.
const MIB: f64 = 1_048_576.0;

/// The whole report.
pub(super) fn of(report: &Report) -> String {
    let mut out = format!("{}\n", report.title);
    for line in report.conditions.lines() {
        let _ = writeln!(out, "  {line}");
    }
    let offered = match report.pacing.as_str() {
        "open" => format!(
            "offered {} commands/s on average, {} at most; latency counts from when a command was due",
            count(report.offered_per_second),
            count(report.offered_most)
        ),
        _ => "closed loop: as many as are answered; latency counts from the sending".to_owned(),
    };
    let _ = writeln!(out, "  {offered}\n");
    let _ = writeln!(out, "{}", commands(report));
    let orders = match report.orders_per_second > 0.0 {
        true => format!(", {} orders/s", count(report.orders_per_second)),
        false => String::new(),
    };
    let _ = writeln!(
        out,
        "answered  {} commands/s{orders}",
        count(report.per_second)
    );
    let check = &report.check;
    let _ = writeln!(
        out,
        "oversold  {} of all positions, {} of {} read one by one; {} units promised of {}",
        check.oversold, check.read_oversold, check.read, check.reserved, check.on_hand
    );
    if let Some(granted) = check.granted {
        let verdict = if granted == check.reserved {
            "adds up to"
        } else {
            "IS NOT"
        };
        let _ = writeln!(
            out,
            "books     {granted} units granted, which {verdict} what is promised"
        );
    }
    if let Some(server) = &report.server {
        out.push_str(&used(server, report));
    }
    let driver = &report.driver;
    let _ = writeln!(
        out,
        "driver    late by p50 {}, p99 {}, at most {}; busy {:.0} %",
        time(driver.lag.p50),
        time(driver.lag.p99),
        time(driver.lag.max),
        driver.busy * 100.0
    );
    let _ = writeln!(
        out,
        "hashes    commands {}, result {}",
        report.commands_hash, report.result_hash
    );
    for mark in report.marks.iter().filter(|m| m.what != "snapshot") {
        let took = mark.to_ms - mark.at_ms;
        let _ = writeln!(
            out,
            "event     {} at {} ms, ready after {took} ms",
            mark.what, mark.at_ms
        );
    }
    if let Some(events) = report.events_read {
        let _ = writeln!(out, "feed      {events} events read by slow readers");
    }
    if !report.refusals.is_empty() {
        let codes = report
            .refusals
            .iter()
            .map(|(code, n)| format!("{n} {code}"));
        let _ = writeln!(out, "refusals  {}", codes.collect::<Vec<_>>().join(", "));
    }
    for failure in &report.failures {
        let _ = writeln!(out, "FAILED    {failure}");
    }
    for warning in [&driver.behind, &driver.limit].into_iter().flatten() {
        let _ = writeln!(out, "WARNING   {warning}");
    }
    if let Some(warning) = report.conditions.disturbed() {
        let _ = writeln!(out, "WARNING   {warning}");
    }
    out
}

fn commands(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "command",
        "answered/s",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "refused",
        "unanswered",
    ]);
    let mut add = |row: &Row| {
        let latency = row.latency;
        let answered = (row.done + row.refused).max(1) as f64;
        table.add_row([
            row.command.clone(),
            count(row.per_second),
            time(latency.p50),
            time(latency.p90),
            time(latency.p99),
            time(latency.p999),
            time(latency.max),
            format!("{:.1} %", row.refused as f64 * 100.0 / answered),
            (row.unanswered + row.failed).to_string(),
        ]);
    };
    report.commands.iter().for_each(&mut add);
    if report.commands.len() > 1 {
        add(&report.all);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn used(server: &Usage, report: &Report) -> String {
    let mib = |bytes: u64| bytes as f64 / MIB;
    let positions = report.conditions.positions.max(1);
    let mut out = String::new();
    if server.memory_most > 0 {
        let _ = writeln!(
            out,
            "server    {:.2} cores; {:.0} MiB before ({} bytes a position, all in), {:.0} MiB after",
            server.cores,
            mib(server.memory_before),
            server.memory_before / positions,
            mib(server.memory_after)
        );
        let more = server.memory_after.saturating_sub(server.memory_before);
        if let Some(each) = more.checked_div(report.orders) {
            let _ = writeln!(
                out,
                "memory    {each} bytes for each of {} orders, with its events in the feed and what else was \
                 asked meanwhile",
                report.orders
            );
        }
    }
    let _ = writeln!(
        out,
        "disk      {:.1} MiB/s, {} syncs/s, {} facts/s of {:.0} bytes, {} snapshots; feed behind by at \
         most {} facts",
        server.disk_per_second / MIB,
        count(server.syncs_per_second),
        count(server.facts_per_second),
        server.bytes_per_fact,
        server.snapshots,
        server.feed_lag_most
    );
    out
}

/// Nanoseconds with a unit that keeps them short.
pub(super) fn time(nanos: u64) -> String {
    let nanos = nanos as f64;
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e5 => format!("{:.1} µs", n / 1e3),
        n if n < 1e6 => format!("{:.0} µs", n / 1e3),
        n if n < 1e8 => format!("{:.2} ms", n / 1e6),
        n if n < 1e9 => format!("{:.0} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

/// A rate with thousands apart.
pub(super) fn count(rate: f64) -> String {
    let whole = format!("{rate:.0}");
    let digits = whole.len();
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (digits - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
