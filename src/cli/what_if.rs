//! `allot reoptimize --what-if`: what scenarios come to, side by side with today.

use super::plan::money;
use super::reoptimize::ReoptimizeArgs;
use super::{emit, progress};
use crate::backlog::{Column, Rules, Scenario, Scope, Sums, WhatIf, what_if};
use crate::engine::Engine;
use crate::model::EpochMillis;
use anyhow::ensure;
use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Plans every scenario and prints them beside each other.
pub(super) fn run(
    engine: &Engine,
    asked: (&Scope, &Rules),
    args: &ReoptimizeArgs,
    now: EpochMillis,
) -> anyhow::Result<ExitCode> {
    let scenarios = args.what_if.iter().map(|text| Scenario::parse(text));
    let scenarios: Vec<Scenario> = scenarios.collect::<Result<_, _>>()?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0))
        .build()?;
    let bar = progress::bar("planning", 1);
    let limit = args.seconds.map(Duration::from_secs);
    // The limit is that of one scenario.
    let (mut named, mut start) = (String::new(), Instant::now());
    let mut hear = |name: &str, at: crate::backlog::Progress| {
        if named != name {
            (named, start) = (name.to_owned(), Instant::now());
        }
        bar.set_length(u64::from(at.of));
        bar.set_position(u64::from(at.done));
        bar.set_message(format!("{name}: {}", at.stage.name()));
        match limit.is_some_and(|limit| start.elapsed() > at.stage.share(limit)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let of = (args.seed, now);
    let planned = pool.install(|| what_if(engine, asked, &scenarios, of, &mut hear, &|| true));
    bar.finish_and_clear();
    let planned = planned?;
    ensure!(
        planned.orders > 0,
        "no open order that nobody has a part of is in the scope"
    );
    emit(&match args.json {
        true => planned.text(),
        false => table(&planned),
    });
    Ok(ExitCode::SUCCESS)
}

/// A row of the table: its name, and what it reads of a column.
type Row = (&'static str, fn(&Column) -> String);

fn cents(column: &Column, part: fn(&Sums) -> i64) -> String {
    money(part(&column.sums))
}

/// The scenarios beside each other.
pub(super) fn table(planned: &WhatIf) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} open orders as of fact {}, at {}; nothing was changed",
        planned.orders, planned.at_fact, planned.now
    );
    let mut table = Table::new();
    let names = planned.columns.iter().map(|column| column.name.clone());
    table
        .load_preset(presets::ASCII_MARKDOWN)
        .set_header(std::iter::once(String::new()).chain(names));
    table
        .column_iter_mut()
        .skip(1)
        .for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    let rows: [Row; 22] = [
        ("postage", |c| cents(c, |s| s.postage)),
        ("surcharges", |c| cents(c, |s| s.surcharges)),
        ("handling", |c| cents(c, |s| s.handling)),
        ("split", |c| cents(c, |s| s.split)),
        ("late", |c| cents(c, |s| s.late)),
        ("speed", |c| cents(c, |s| s.speed)),
        ("scarcity", |c| cents(c, |s| s.scarcity)),
        ("short", |c| cents(c, |s| s.short)),
        ("total", |c| cents(c, |s| s.total)),
        ("shipments", |c| c.sums.shipments.to_string()),
        ("split orders", |c| c.sums.split_orders.to_string()),
        ("orders short", |c| c.sums.short_orders.to_string()),
        ("units short", |c| c.sums.short_units.to_string()),
        ("late orders", |c| c.sums.late_orders.to_string()),
        ("days to deliver, all", |c| c.sums.days.to_string()),
        ("orders that change", |c| c.moves.to_string()),
        ("promises broken", |c| c.broken.to_string()),
        ("of these without a plan", |c| c.lost.to_string()),
        ("others' promises broken", |c| {
            c.broken_elsewhere.to_string()
        }),
        ("orders on top", |c| c.surge_orders.to_string()),
        ("of these short", |c| c.surge_short.to_string()),
        ("proven gap", gap),
    ];
    for (name, read) in rows {
        let cells = planned.columns.iter().map(read);
        table.add_row(std::iter::once(name.to_owned()).chain(cells));
    }
    let _ = writeln!(out, "{table}");
    out
}

fn gap(column: &Column) -> String {
    let (Some(cents), Some(bound)) = (column.cents, column.bound_cents) else {
        return "-".to_owned();
    };
    let over = (cents - bound).max(0).saturating_mul(10_000) / bound.max(1);
    format!("{}.{:02} %", over / 100, over % 100)
}
