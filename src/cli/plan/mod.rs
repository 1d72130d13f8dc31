//! `allot plan`: what a plan of the backlog says, and its orders moved.

mod flows;
mod html;

use html::page;

use super::{emit, progress, serve, what_if};
use crate::backlog::{ItemRow, MoveRow, PlanFile, Side, Sums, TransferRow, WhatIf};
use crate::client::Client;
use crate::wire::Value;
use anyhow::{Context as _, bail, ensure};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Moves in one command: as many as it may have, so that those who wait for each other's units are
/// in one.
const BATCH: usize = 4_000;
/// Bytes of one command.
const BYTES: usize = 7 << 20;
/// How long the server may take for one.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Arguments of `allot plan`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  allot plan show plan.json
  allot plan show plan.json --html plan.html
  allot plan apply plan.json --connect 127.0.0.1:7411")]
pub(super) struct PlanArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Print what a plan changes.
    Show {
        /// The plan.
        file: PathBuf,
        /// The whole plan, as JSON.
        #[arg(long)]
        json: bool,
        /// So many of the moves that save most.
        #[arg(long, default_value_t = 20)]
        moves: usize,
        /// Write a page with charts and a map, for people.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Have a server move the orders: each is checked anew, those that changed are skipped. Again, after
    /// an interruption or by mistake, it does only what is not done yet.
    Apply {
        /// The plan.
        file: PathBuf,
        /// Where the server listens.
        #[arg(
            long,
            value_name = "ADDR",
            default_value = "127.0.0.1:7411",
            env = "ALLOT_ADDR"
        )]
        connect: String,
        /// File whose first line is the server's password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Show {
            file,
            json,
            moves,
            html,
        } => {
            if let Some(compared) = WhatIf::parse(&text(file)?) {
                ensure!(
                    html.is_none(),
                    "a comparison of scenarios has no page: it is a table"
                );
                emit(&match json {
                    true => compared.text(),
                    false => what_if::table(&compared),
                });
                return Ok(ExitCode::SUCCESS);
            }
            let plan = load(file)?;
            if let Some(to) = html {
                write_page(&plan, to)?;
            }
            emit(&match json {
                true => plan.text(),
                false => format!("{}\n{}", summary(&plan), table_of_moves(&plan, *moves)),
            });
            Ok(ExitCode::SUCCESS)
        }
        Verb::Apply {
            file,
            connect,
            password_file,
            json,
        } => apply(&load(file)?, connect, password_file.as_deref(), *json),
    }
}

fn text(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn load(file: &Path) -> anyhow::Result<PlanFile> {
    let (shown, text) = (file.display(), text(file)?);
    if WhatIf::parse(&text).is_some() {
        bail!("{shown} compares scenarios: it is shown, and never applied");
    }
    PlanFile::parse(&text).with_context(|| shown.to_string())
}

/// Writes the page of a plan.
pub(super) fn write_page(plan: &PlanFile, to: &Path) -> anyhow::Result<()> {
    std::fs::write(to, page(plan)).with_context(|| format!("cannot write {}", to.display()))
}

/// Cents as money with two digits.
pub(super) fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// A row of the table: its name, and what it reads.
type Part<T> = (&'static str, fn(&Sums) -> T);

/// The parts of the cost.
const PARTS: [Part<i64>; 8] = [
    ("postage", |s| s.postage),
    ("surcharges", |s| s.surcharges),
    ("handling", |s| s.handling),
    ("split", |s| s.split),
    ("late", |s| s.late),
    ("speed", |s| s.speed),
    ("scarcity", |s| s.scarcity),
    ("short", |s| s.short),
];

/// What is counted.
const COUNTS: [Part<u64>; 6] = [
    ("shipments", |s| s.shipments),
    ("split orders", |s| s.split_orders),
    ("orders short", |s| s.short_orders),
    ("units short", |s| s.short_units),
    ("late orders", |s| s.late_orders),
    ("days to deliver, all", |s| s.days),
];

/// What a plan comes to, for people.
pub(super) fn summary(plan: &PlanFile) -> String {
    let mut out = String::new();
    let over = (plan.cents - plan.bound_cents).max(0);
    let gap = over.saturating_mul(10_000) / plan.bound_cents.max(1);
    let _ = writeln!(
        out,
        "orders    {} looked at, {} change, {} stay fixed, {} lost, {} broken\n\
         state     fact {}, at {}\n\
         cost      {} → {}\n\
         bound     {}: the plan is proven to be at most {}.{:02} % above the best",
        plan.orders,
        plan.moves.len(),
        plan.fixed,
        plan.lost,
        plan.broken.len(),
        plan.at_fact,
        plan.now,
        money(plan.cents_before),
        money(plan.cents),
        money(plan.bound_cents),
        gap / 100,
        gap % 100,
    );
    if plan.bound_with_large_cents > plan.bound_cents {
        let over = (plan.cents - plan.bound_with_large_cents).max(0);
        let gap = over.saturating_mul(10_000) / plan.bound_with_large_cents.max(1);
        let _ = writeln!(
            out,
            "          {}, {}.{:02} % below the plan, where orders of many items ship as they do in it",
            money(plan.bound_with_large_cents),
            gap / 100,
            gap % 100,
        );
    }
    let mut table = Table::new();
    table
        .load_preset(presets::ASCII_MARKDOWN)
        .set_header(["", "today", "plan", "saved"]);
    table
        .column_iter_mut()
        .skip(1)
        .for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    let total: Part<i64> = ("total", |s| s.total);
    for (name, part) in PARTS.into_iter().chain([total]) {
        let (before, after) = (part(&plan.before), part(&plan.after));
        table.add_row([
            name.into(),
            money(before),
            money(after),
            money(before - after),
        ]);
    }
    for (name, count) in COUNTS {
        let (before, after) = (count(&plan.before), count(&plan.after));
        let saved = i128::from(before) - i128::from(after);
        table.add_row([
            name.into(),
            before.to_string(),
            after.to_string(),
            saved.to_string(),
        ]);
    }
    let _ = writeln!(out, "{table}");
    if !plan.transfers.is_empty() {
        let _ = writeln!(
            out,
            "\ntransfers that pay for themselves\n{}",
            table_of_transfers(plan)
        );
    }
    out
}

fn table_of_transfers(plan: &PlanFile) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::ASCII_MARKDOWN)
        .set_header(TRANSFER_COLUMNS);
    let columns = table.column_iter_mut().skip(4);
    columns.for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    for row in &plan.transfers {
        table.add_row(transfer_cells(row));
    }
    table
}

/// The columns of a table of transfers.
const TRANSFER_COLUMNS: [&str; 9] = [
    "from",
    "to",
    "items",
    "arrives",
    "units",
    "cost",
    "saved",
    "later orders",
    "orders",
];

fn transfer_cells(row: &TransferRow) -> [String; 9] {
    let units: u64 = row.items.iter().map(|i| u64::from(i.qty)).sum();
    [
        row.from.clone(),
        row.to.clone(),
        items(&row.items),
        row.arrives_at.clone(),
        units.to_string(),
        money(row.cents),
        money(row.saved_cents),
        money(row.later_cents),
        row.orders.len().to_string(),
    ]
}

fn table_of_moves(plan: &PlanFile, most: usize) -> String {
    if plan.moves.is_empty() {
        return "no order changes\n".to_owned();
    }
    let mut rows: Vec<&MoveRow> = plan.moves.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.saved_cents));
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header([
        "order",
        "from",
        "to",
        "saved",
        "days gained",
    ]);
    for row in rows.iter().take(most) {
        table.add_row([
            format!("{}/{}", row.source, row.order),
            side(&row.from),
            side(&row.to),
            money(row.saved_cents),
            row.days_gained.map_or("-".into(), |days| days.to_string()),
        ]);
    }
    let more = plan.moves.len().saturating_sub(most);
    let more = match more {
        0 => String::new(),
        more => format!("and {more} more; --json has all\n"),
    };
    format!("{table}\n{more}")
}

/// Items of a shipment that a table names.
const ITEMS_SHOWN: usize = 6;

fn side(side: &Side) -> String {
    let shipments = side.shipments.iter().map(|s| {
        format!(
            "{} {} by {} on {}",
            s.location,
            items(&s.items),
            s.service,
            s.deliver_on
        )
    });
    let waits = (!side.short.is_empty()).then(|| format!("{} waits", items(&side.short)));
    shipments.chain(waits).collect::<Vec<_>>().join("; ")
}

/// Items with their units, the first few of many.
fn items(rows: &[ItemRow]) -> String {
    let shown = rows.iter().take(ITEMS_SHOWN);
    let mut items: Vec<String> = shown.map(|i| format!("{}×{}", i.qty, i.sku)).collect();
    if rows.len() > items.len() {
        items.push(format!("and {} more", rows.len() - items.len()));
    }
    items.join(" ")
}

/// Has a server make the moves of a plan.
pub(super) fn apply(
    plan: &PlanFile,
    addr: &str,
    password_file: Option<&Path>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let mut client = Client::connect(addr)?.timeout(TIMEOUT)?;
    if let Some(file) = password_file {
        client.auth(None, serve::read_password(file)?.0.as_bytes())?;
    }
    let mut results: Vec<Option<String>> = vec![None; plan.moves.len()];
    let bar = progress::bar("moving orders", plan.moves.len() as u64);
    // What waits for units of another batch is sent again, as long as that helps.
    loop {
        let open: Vec<usize> = (0..results.len())
            .filter(|&at| results[at].as_deref().is_none_or(|r| r == "nostock"))
            .collect();
        let mut got_on = false;
        for batch in batches(plan, open)? {
            let told = send(&mut client, &batch)?;
            for (&(at, _), result) in batch.iter().zip(told) {
                got_on |= result == "moved";
                results[at] = Some(result);
            }
            bar.inc(batch.len() as u64);
        }
        if !got_on {
            break;
        }
    }
    let end: [&[u8]; 2] = [b"BACKLOG.APPLY", b"END"];
    client.command(&end)?;
    bar.finish_and_clear();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for result in results.iter().flatten() {
        *counts.entry(result.clone()).or_default() += 1;
    }
    let skipped = plan.moves.iter().zip(&results).filter_map(|(row, result)| {
        let result = result
            .as_deref()
            .filter(|r| !matches!(*r, "moved" | "already"))?;
        Some((format!("{}/{}", row.source, row.order), result.to_owned()))
    });
    let skipped: Vec<(String, String)> = skipped.collect();
    if as_json {
        emit(&format!(
            "{}\n",
            json!({"results": counts, "skipped": skipped})
        ));
        return Ok(ExitCode::SUCCESS);
    }
    if counts.is_empty() {
        emit("no order changes\n");
    }
    for (result, count) in &counts {
        emit(&format!("{result:<9} {count}\n"));
    }
    for (order, result) in skipped.iter().take(20) {
        emit(&format!("skipped   {order}: {result}\n"));
    }
    Ok(ExitCode::SUCCESS)
}

/// A move by its number in the plan, as it is sent.
type Row = (usize, Vec<u8>);

/// The moves in commands of bounded size.
fn batches(plan: &PlanFile, open: Vec<usize>) -> anyhow::Result<Vec<Vec<Row>>> {
    let mut all: Vec<Vec<Row>> = Vec::new();
    let mut bytes = usize::MAX;
    for at in open {
        let row = serde_json::to_vec(&plan.moves[at])?;
        let full = all.last().is_none_or(|batch| batch.len() == BATCH);
        if full || bytes.saturating_add(row.len()) > BYTES {
            all.push(Vec::new());
            bytes = 0;
        }
        bytes += row.len() + 16;
        all.last_mut().context("there is one")?.push((at, row));
    }
    Ok(all)
}

fn send(client: &mut Client, batch: &[Row]) -> anyhow::Result<Vec<String>> {
    // What one batch frees another may want.
    let mut words: Vec<&[u8]> = vec![b"BACKLOG.APPLY", b"MORE"];
    words.extend(batch.iter().map(|(_, row)| &**row));
    let reply = client.command(&words)?;
    let Value::Array(rows) = reply else {
        bail!("the server answered {reply:?}");
    };
    let results = rows
        .iter()
        .map(|row| text_of(row, "result").context("a move without a result"));
    results.collect()
}

/// A field of a map, or of a list of names and values.
fn text_of(value: &Value, field: &str) -> Option<String> {
    let named = |name: &Value| name.as_str() == Some(field);
    let found = if let Value::Map(pairs) = value {
        let mut pairs = pairs.iter();
        &pairs.find(|(name, _)| named(name))?.1
    } else if let Value::Array(list) = value {
        let mut pairs = list.chunks_exact(2);
        &pairs.find(|pair| named(&pair[0]))?[1]
    } else {
        return None;
    };
    found.as_str().map(str::to_owned)
}
