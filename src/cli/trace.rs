//! What a report works on: a network, and orders from a file or made up.

use super::{progress, sample_network};
use crate::bench::generate;
use crate::engine::{Engine, Limits};
use crate::load::{self, NetworkFiles};
use crate::model::{EpochMillis, Order};
use anyhow::{Context as _, bail};
use std::path::PathBuf;
use std::sync::Arc;

/// Orders that `--seed` makes up unless `--count` says otherwise.
const GENERATED: usize = 20_000;

/// Which network, which orders.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct TraceArgs {
    /// Network folder; the sample when absent.
    #[arg(long, value_name = "DIR")]
    pub(super) network: Option<PathBuf>,
    /// Order file (CSV, plain or .gz); the network's orders.csv when absent.
    #[arg(long, value_name = "FILE")]
    pub(super) orders: Option<PathBuf>,
    /// Item file to take instead of the network's items.csv.
    #[arg(long, value_name = "FILE")]
    pub(super) items: Option<PathBuf>,
    /// File with columns order, country, postal, which win over those of the order file.
    #[arg(long, value_name = "FILE")]
    pub(super) destinations: Option<PathBuf>,
    /// Make orders up from this seed instead of reading them. Stock that a network does not bring
    /// is made up from it too.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// How many orders to take, or with --seed to make up.
    #[arg(long)]
    pub(super) count: Option<usize>,
}

/// A network and the orders that come to it, by time.
pub(super) struct Input {
    pub(super) files: NetworkFiles,
    pub(super) orders: Vec<Arc<Order>>,
    /// The network brought no stock of its own.
    pub(super) generated_stock: bool,
}

/// Reads or makes up what `args` name.
pub(super) fn read(args: &TraceArgs) -> anyhow::Result<Input> {
    let folder = args.network.clone().unwrap_or_else(sample_network);
    let spinner = progress::spinner(&format!("reading {}", folder.display()));
    let mut files = load::network_folder_with(&folder, args.items.as_deref())?;
    let orders = match (&args.orders, args.seed) {
        (Some(path), _) => load::orders_file(path, args.destinations.as_deref(), None)?.orders,
        (None, None) => {
            load::orders_file(
                &folder.join("orders.csv"),
                args.destinations.as_deref(),
                None,
            )
            .context("give --orders FILE, or --seed N to make orders up")?
            .orders
        }
        (None, Some(seed)) => {
            let count = args.count.unwrap_or(GENERATED);
            let from = EpochMillis(1_793_577_600_000); // 2026-11-02T00:00:00Z, a Monday
            generate::orders_for(&files.network, &files.opening.items, count, seed, from)
        }
    };
    let orders: Vec<Order> = orders
        .into_iter()
        .take(args.count.unwrap_or(usize::MAX))
        .collect();
    if orders.is_empty() {
        bail!("there are no orders to route; give --orders FILE with at least one");
    }
    if files.opening.items.is_empty() {
        files.opening.items = generate::items_for(&orders);
    }
    let generated_stock = files.opening.stock.is_empty();
    if generated_stock {
        let seed = args.seed.unwrap_or(1);
        let stock = generate::stock_for(&files.network, &files.opening.items, &orders, seed);
        files.opening.stock = stock;
    }
    spinner.finish_and_clear();
    Ok(Input {
        files,
        orders: orders.into_iter().map(Arc::new).collect(),
        generated_stock,
    })
}

/// An engine over it, which nothing else has used.
pub(super) fn new_engine(input: &Input) -> anyhow::Result<Engine> {
    let NetworkFiles { network, opening } = input.files.clone();
    // The operator's own trace may hold orders larger than a client could send.
    let longest = input
        .orders
        .iter()
        .map(|o| o.lines.len())
        .max()
        .unwrap_or(0);
    let limits = Limits {
        lines: longest.max(Limits::default().lines),
        ..Limits::default()
    };
    let now = input.orders[0].placed_at;
    Ok(Engine::new(network, opening, limits, None, now)?)
}
