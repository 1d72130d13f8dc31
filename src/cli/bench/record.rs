//! `allot bench record`: orders a second routed, reserved and journaled in this process; and what binds.
//!
//! The same orders go through more and more of the engine, so that the difference between two rows is what the
//! part between them costs.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "rates for people"
)]

use super::bar::Bar;
use super::options::{Folder, read};
use super::table::count;
use crate::bench::profile::{Catalogue, Load as _, Operation, TakenLine, Workload};
use crate::bench::run::{Progress as _, cpu_seconds};
use crate::engine::{Engine, FactSink, Limits, Replay, ReservationPut, WantedLine};
use crate::journal::{Durability, Journal, Options, RealDisk};
use crate::load;
use crate::model::{EpochMillis, Network, Opening, Order, Qty};
use anyhow::{Context as _, anyhow, bail};
use comfy_table::{CellAlignment, Table, presets};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Every order arrives at this moment: a Friday noon in November.
const NOW: EpochMillis = EpochMillis(1_795_780_800_000);
/// Alibaba's whole estate at its peak, 11 November 2020.
const RECORD: f64 = 583_000.0;
/// Orders that a thread takes at a time.
const CHUNK: usize = 64;

/// Arguments of `allot bench record`.
#[derive(Debug, clap::Args)]
pub(super) struct RecordArgs {
    /// Orders of each row.
    #[arg(long, default_value_t = 400_000)]
    orders: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Number of items.
    #[arg(long, default_value_t = 100_000)]
    skus: u32,
    /// Number of places that hold every item.
    #[arg(long, default_value_t = 20)]
    warehouses: u32,
    /// Seed of the orders.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The smallest sizes: to see that it works, not how fast.
    #[arg(long)]
    tiny: bool,
}

/// What is measured: each has everything that the one before it has, and one part more.
const ROWS: [(&str, Step, bool, Option<Durability>); 5] = [
    (
        "reserved at places that are named, 1 thread",
        Step::Reserve,
        true,
        None,
    ),
    (
        "routed, reserved, remembered, 1 thread",
        Step::Submit,
        true,
        None,
    ),
    ("the same, all threads", Step::Submit, false, None),
    (
        "and journaled, none",
        Step::Submit,
        false,
        Some(Durability::None),
    ),
    (
        "and journaled, sync",
        Step::Submit,
        false,
        Some(Durability::Sync),
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Reserve,
    Submit,
}

/// Item, place and units.
type Named = (String, String, Qty);

/// What a row found.
#[derive(Debug, Clone, serde::Serialize)]
struct Found {
    what: &'static str,
    threads: usize,
    orders_per_second: f64,
    /// Processor time of all threads of this process, the journal's among them.
    core_nanos_per_order: f64,
    refused: usize,
    oversold: u64,
    syncs: u64,
}

pub(super) fn run(args: &RecordArgs) -> anyhow::Result<ExitCode> {
    let (mut skus, mut orders) = (args.skus, args.orders);
    if args.tiny {
        (skus, orders) = (500, 2_000);
    }
    if args.threads == 0 || orders == 0 {
        bail!("--threads and --orders are at least 1");
    }
    let (_, mut profile) = read("day")?;
    (profile.catalogue.skus, profile.catalogue.warehouses) = (skus, args.warehouses);
    profile.mix = [(crate::bench::profile::Kind::Submit, 1)].into();
    profile.check("day")?;
    let bar = Bar::new(args.json);
    bar.step("making orders");
    let catalogue = Catalogue::new(&profile);
    let folder = Folder::new(&std::env::temp_dir())?;
    let network = folder.path().join("network");
    catalogue.write(&network)?;
    let files = load::network_folder(&network)?;
    let world = World {
        workload: Workload::new(&profile, args.seed),
        catalogue,
        network: files.network,
        opening: files.opening,
        orders,
    };
    let mut found = Vec::new();
    for (what, step, alone, durability) in ROWS {
        bar.step(what);
        let threads = if alone { 1 } else { args.threads };
        let dir = Folder::new(&std::env::temp_dir())?;
        found.push(world.row(what, step, threads, durability, &dir)?);
    }
    bar.end();
    let good = found.iter().all(|row| row.oversold == 0);
    match args.json {
        true => crate::cli::emit(&format!("{}\n", serde_json::to_string_pretty(&found)?)),
        false => crate::cli::emit(&told(args, skus, &found)),
    }
    Ok(super::code(good))
}

/// Seconds by the clock on the wall, and of all cores.
#[derive(Debug, Clone, Copy)]
struct Took {
    wall: f64,
    cpu: f64,
}

struct Stopwatch {
    since: Instant,
    cpu: f64,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            since: Instant::now(),
            cpu: cpu_seconds(std::process::id()),
        }
    }

    fn stop(&self) -> Took {
        Took {
            wall: self.since.elapsed().as_secs_f64(),
            cpu: cpu_seconds(std::process::id()) - self.cpu,
        }
    }
}

/// Everything that is made before the clock starts.
struct World {
    workload: Workload,
    catalogue: Catalogue,
    network: Network,
    opening: Opening,
    orders: usize,
}

impl World {
    /// One engine, one row.
    fn row(
        &self,
        what: &'static str,
        step: Step,
        threads: usize,
        durability: Option<Durability>,
        dir: &Folder,
    ) -> anyhow::Result<Found> {
        let (engine, journal) = self.engine(durability, dir)?;
        let (Took { wall, cpu }, refused) = match step {
            Step::Reserve => self.reserve(&engine)?,
            Step::Submit => self.submit(&engine, journal.as_ref(), threads)?,
        };
        let totals = engine.ledger().totals(NOW);
        let syncs = journal.as_ref().map_or(0, |j| j.stats().syncs);
        if let Some(journal) = journal {
            journal.close().map_err(|reason| anyhow!("{reason}"))?;
        }
        let rate = self.orders as f64 / wall.max(1e-9);
        Ok(Found {
            what,
            threads,
            orders_per_second: rate,
            core_nanos_per_order: cpu * 1e9 / self.orders as f64,
            refused,
            oversold: totals.oversold,
            syncs,
        })
    }

    fn engine(
        &self,
        durability: Option<Durability>,
        dir: &Folder,
    ) -> anyhow::Result<(Engine, Option<Journal>)> {
        let (network, opening) = (self.network.clone(), self.opening.clone());
        let limits = Limits::default();
        let Some(durability) = durability else {
            return Ok((Engine::new(network, opening, limits, None, NOW)?, None));
        };
        let options = Options {
            durability,
            ..Options::default()
        };
        let fresh = || Replay::new(self.network.clone(), Limits::default());
        let opened = Replay::open(Arc::new(RealDisk), dir.path(), options, &fresh, &|_| {})?;
        let journal = opened.journal.clone();
        let sink: Box<dyn FactSink> = Box::new(journal.clone());
        let last = opened.recovered.last;
        let engine = opened.replay.finish(opening, Some(sink), last, NOW)?;
        // The facts of the opening are not what is measured.
        let told = engine.latest_fact();
        journal.wait(told).map_err(|reason| anyhow!("{reason}"))?;
        Ok((engine, Some(journal)))
    }

    fn basket(&self, number: usize) -> (u32, Vec<TakenLine>) {
        match self.workload.operation(number as u64) {
            Operation::Submit { place, lines, .. } => (place, lines),
            _ => (0, Vec::new()),
        }
    }

    fn reserve(&self, engine: &Engine) -> anyhow::Result<(Took, usize)> {
        let baskets: Vec<(String, Vec<Named>)> = (0..self.orders)
            .map(|number| {
                let lines = self.basket(number).1.into_iter().map(|line| {
                    let place = self.catalogue.location(line.location).to_owned();
                    (format!("SKU-{}", line.sku), place, Qty(line.units))
                });
                (format!("r{number}"), lines.collect())
            })
            .collect();
        let mut refused = 0;
        let since = Stopwatch::start();
        for (id, lines) in &baskets {
            let lines: Vec<WantedLine<'_>> = lines
                .iter()
                .map(|(sku, location, qty)| WantedLine {
                    sku,
                    location,
                    qty: *qty,
                })
                .collect();
            let put = ReservationPut {
                id,
                ttl: None,
                channel: "web",
                priority: 0,
                need_at: None,
                lines: &lines,
            };
            refused += usize::from(engine.put_reservation(&put, NOW).is_err());
        }
        Ok((since.stop(), refused))
    }

    fn submit(
        &self,
        engine: &Engine,
        journal: Option<&Journal>,
        threads: usize,
    ) -> anyhow::Result<(Took, usize)> {
        let orders: Vec<Arc<Order>> = (0..self.orders)
            .map(|number| self.order(number))
            .collect::<anyhow::Result<_>>()?;
        let (next, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let since = Stopwatch::start();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let from = next.fetch_add(CHUNK, Ordering::Relaxed);
                        let Some(some) = orders.get(from..(from + CHUNK).min(orders.len())) else {
                            break;
                        };
                        let no = some
                            .iter()
                            .filter(|o| engine.submit((*o).clone(), NOW).is_err());
                        refused.fetch_add(no.count(), Ordering::Relaxed);
                    }
                });
            }
        });
        if let Some(journal) = journal {
            let told = engine.latest_fact();
            journal.wait(told).map_err(|reason| anyhow!("{reason}"))?;
        }
        Ok((since.stop(), refused.into_inner()))
    }

    fn order(&self, number: usize) -> anyhow::Result<Arc<Order>> {
        let (place, lines) = self.basket(number);
        let lines: Vec<serde_json::Value> = lines
            .iter()
            .map(|line| serde_json::json!({"sku": format!("SKU-{}", line.sku), "qty": line.units}))
            .collect();
        let json = serde_json::json!({
            "source": "bench", "order": format!("r{number}"), "channel": "web",
            "placed_at": NOW.to_string(), "lines": lines,
            "ship_to": {"country": "US", "postal": self.workload.postal(place)},
        });
        let text = json.to_string();
        let order = load::order_json(text.as_bytes(), Limits::default().lines);
        Ok(Arc::new(order.context("an order of the workload")?))
    }
}

fn told(args: &RecordArgs, skus: u32, found: &[Found]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "",
        "threads",
        "orders/s",
        "core-ns an order",
        "of which new",
        "refused",
        "syncs",
    ]);
    let mut before = 0.0;
    for row in found {
        let more = row.core_nanos_per_order - before;
        before = row.core_nanos_per_order;
        table.add_row([
            row.what.to_owned(),
            row.threads.to_string(),
            count(row.orders_per_second),
            count(row.core_nanos_per_order),
            format!("{more:+.0}"),
            row.refused.to_string(),
            row.syncs.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let oversold: u64 = found.iter().map(|row| row.oversold).sum();
    let mut out = format!(
        "Orders of 2 lines on average, {skus} SKUs x {} locations, popularity by rank to the power -0.65\n{table}\n",
        args.warehouses
    );
    if let Some(last) = found.last() {
        let share = last.orders_per_second / RECORD * 100.0;
        out.push_str(&format!(
            "{} orders/s routed, reserved and synced in one process; the highest peak that a shop has published \
             is {} ({share:.0} % of it, on {} threads)\n",
            count(last.orders_per_second),
            count(RECORD),
            last.threads
        ));
    }
    out.push_str(&format!(
        "what binds: {}\noversold: {oversold}\n",
        binds(found)
    ));
    out
}

/// The part that costs most processor time, and whether the disk lets the processor wait.
fn binds(found: &[Found]) -> String {
    let names = [
        "the ledger and the names",
        "routing and the order book",
        "sharing memory between threads",
        "encoding facts and writing them",
        "the disk's syncs",
    ];
    let mut before = 0.0;
    let mut most = (0.0, "nothing");
    for (row, name) in found.iter().zip(names) {
        let more = row.core_nanos_per_order - before;
        before = row.core_nanos_per_order;
        if more > most.0 {
            most = (more, name);
        }
    }
    let mut out = format!("{}, {} core-ns of an order", most.1, count(most.0));
    if let [.., none, sync] = found {
        let busy = sync.core_nanos_per_order * sync.orders_per_second / 1e9;
        let share = sync.orders_per_second / none.orders_per_second.max(1e-9) * 100.0;
        out.push_str(&format!(
            "; with every order on the disk {share:.0} % of what goes without, {busy:.1} cores busy"
        ));
    }
    out
}
